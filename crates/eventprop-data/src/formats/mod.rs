//! File formats. A reader trusts no header: it allocates only what the file's length allows, and every error names
//! the file, what was found and what was expected.

pub mod class_numbers;
pub mod events;
pub mod idx;
pub mod npy;
pub mod npz;
pub(crate) mod source;
pub mod spike_file;
mod zip;

use std::io;
use std::path::Path;

/// True for a file that is packed with gzip or zip.
///
/// # Errors
/// When it cannot be read.
pub fn is_packed(path: &Path) -> io::Result<bool> {
    source::open(path)?.is_packed()
}

/// True for an array that is one list, however NumPy or MATLAB laid it out: `[n]`, `[n, 1]` or `[1, n]`.
pub(crate) fn is_vector(shape: &[usize]) -> bool {
    shape.iter().filter(|&&length| length != 1).count() <= 1
}
