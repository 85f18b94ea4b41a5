//! A folder of sound files becomes a spike file, as SHD was made ([`eventprop_audio`]).

pub mod conversion;
mod error;
pub mod file_list;
pub mod journal;
pub mod naming;
pub mod pattern;
mod table;

pub use error::FileListError;
