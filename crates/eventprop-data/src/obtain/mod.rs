//! Files of data sets: download, search, verification.

pub(crate) mod checksum;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod locate;
pub mod manual;
pub mod registry;
pub mod verify;
