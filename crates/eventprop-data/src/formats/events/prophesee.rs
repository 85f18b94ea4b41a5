//! The header of Prophesee's files: lines that begin with `% `, up to `% end` where there is one. They
//! name the encoding of what follows (`% evt 3.0`, `% format EVT3;height=720;width=1280`, or nothing for
//! DAT) and the size of the sensor (`% geometry 1280x720`, `% Width 304`).

use super::bytes::{Header, marked_lines};
use super::{EventProblem, Format};

/// The header of a file.
pub fn header(bytes: &[u8]) -> Header {
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

/// True if the bytes begin with a header of text; those of another format may begin with the two bytes.
pub fn recognised(bytes: &[u8]) -> bool {
    let text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let header = &bytes[..header(bytes).end];
    !header.is_empty() && header.iter().all(text)
}

/// The encoding that a header names.
pub fn format(lines: &[String]) -> Result<Format, EventProblem> {
    let named = |key: &str| lines.iter().find_map(|line| line.strip_prefix(key));
    let options = named("% format ").or_else(|| named("% evt "));
    match options.map(|options| options.split(';').next().unwrap_or_default().trim()) {
        None => Ok(Format::Dat),
        Some("EVT2" | "2.0") => Ok(Format::Evt2),
        Some("EVT21" | "2.1") => Ok(Format::Evt21),
        Some("EVT3" | "3.0") => Ok(Format::Evt3),
        Some(other) => Err(EventProblem::Version {
            found: format!("Prophesee's encoding {other:?}"),
            known: "EVT 2.0, 2.1 and 3.0, and DAT 1 and 2",
        }),
    }
}

/// The header of a file, which has to name the encoding `format`.
pub fn header_of(bytes: &[u8], expected: Format) -> Result<Header, EventProblem> {
    let header = header(bytes);
    let found = format(&header.lines)?;
    // Without a header the caller knows better.
    if found != expected && !header.lines.is_empty() {
        return Err(EventProblem::Damaged {
            format: expected,
            offset: 0,
            found: format!("a header of {found}"),
            expected: "a header of this format, or none",
        });
    }
    Ok(header)
}

/// Width and height: `% geometry 640x480`, or `width=…` and `height=…` in the line of the format.
pub fn size(lines: &[String]) -> Option<(u32, u32)> {
    let geometry = lines.iter().find_map(|line| {
        let (width, height) = line.strip_prefix("% geometry ")?.split_once('x')?;
        Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
    });
    geometry.or_else(|| number(lines, "width").zip(number(lines, "height")))
}

/// A number behind a name: `% Width 304`, `width=640`.
pub fn number(lines: &[String], name: &str) -> Option<u32> {
    lines.iter().find_map(|line| {
        let lower = line.to_lowercase();
        let at = lower.find(name)? + name.len();
        let rest = lower[at..].trim_start_matches([' ', '=', ':']);
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}
