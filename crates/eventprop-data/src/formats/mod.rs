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

/// True for an array that is one list, however NumPy or MATLAB laid it out: `[n]`, `[n, 1]` or `[1, n]`.
pub(crate) fn is_vector(shape: &[usize]) -> bool {
    shape.iter().filter(|&&length| length != 1).count() <= 1
}
