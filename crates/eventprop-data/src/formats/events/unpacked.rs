//! The bound on what a packed file becomes.

use super::{EventProblem, Format};
use crate::bound;

/// A file may unpack to so many bytes for each of its own: four events of 16 bytes in one. Those of
/// cameras take some two to eight bytes each.
const RATIO_MAX: u64 = 64;
/// Any file may unpack to so many bytes.
const BYTES_MIN: u64 = 1 << 26;

/// Bytes that a file may still unpack to.
pub struct Unpacked {
    format: Format,
    file_bytes: u64,
    bytes_max: u64,
    /// Bytes that are left.
    pub left: u64,
}

impl Unpacked {
    /// The bound of a file of `file_bytes` bytes.
    pub fn of(format: Format, file_bytes: u64) -> Self {
        let by_length = BYTES_MIN.saturating_add(RATIO_MAX.saturating_mul(file_bytes));
        let bytes_max = bound::raised(by_length);
        Self {
            format,
            file_bytes,
            bytes_max,
            left: bytes_max,
        }
    }

    /// Takes off bytes that are unpacked, of what stands at `offset`.
    pub fn take(&mut self, bytes: u64, offset: usize) -> Result<(), EventProblem> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(EventProblem::Unpacked {
            format: self.format,
            offset: offset as u64,
            bytes_max: self.bytes_max,
            file_bytes: self.file_bytes,
        })?;
        Ok(())
    }
}
