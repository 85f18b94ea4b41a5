//! Integers at a byte offset, and headers of lines.

/// The `N` bytes at `at`; `None` behind the end.
pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// A little-endian u16.
pub fn le_u16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// A little-endian u32.
pub fn le_u32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// A little-endian i64.
pub fn le_i64(bytes: &[u8], at: usize) -> Option<i64> {
    array(bytes, at).map(i64::from_le_bytes)
}

/// A header of text lines.
pub struct Header {
    /// The lines, without their ends.
    pub lines: Vec<String>,
    /// First byte behind the header.
    pub end: usize,
}

/// The lines that begin with `mark`. A line without an end is not one: it is data.
pub fn marked_lines(bytes: &[u8], mark: u8) -> Header {
    let mut header = Header {
        lines: Vec::new(),
        end: 0,
    };
    while bytes.get(header.end) == Some(&mark) {
        let rest = &bytes[header.end..];
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            break;
        };
        let line = String::from_utf8_lossy(&rest[..length]);
        header.lines.push(line.trim_end().to_owned());
        header.end += length + 1;
    }
    header
}
