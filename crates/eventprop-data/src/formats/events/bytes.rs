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

/// The header of a Prophesee file: lines that begin with `% `, up to `% end` where there is one.
pub fn percent_header(bytes: &[u8]) -> Header {
    let mut header = marked_lines(bytes, b'%');
    let mut end = 0;
    let mut keep = header.lines.len();
    for (n, line) in header.lines.iter().enumerate() {
        let rest = &bytes[end..];
        // Binary data may begin with the byte of `%`, but hardly with `% `.
        if !rest.starts_with(b"% ") && !rest.starts_with(b"%\n") && !rest.starts_with(b"%\r") {
            keep = n;
            break;
        }
        end += rest.iter().position(|byte| *byte == b'\n').unwrap_or(0) + 1;
        if line == "% end" {
            keep = n + 1;
            break;
        }
    }
    header.lines.truncate(keep);
    header.end = end;
    header
}

/// A number behind a name in a header: `% Width 304`, `width=640`.
pub fn header_number(lines: &[String], name: &str) -> Option<u32> {
    lines.iter().find_map(|line| {
        let lower = line.to_lowercase();
        let at = lower.find(name)? + name.len();
        let rest = lower[at..].trim_start_matches([' ', '=', ':']);
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}
