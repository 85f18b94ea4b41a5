//! Where the files of data sets come from, where they are, and whether they are right.

pub(crate) mod checksum;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod locate;
pub mod manual;
pub mod registry;
pub mod verify;
