//! The bounds on what files unpack to, claim and write, and the variable that raises them.

use std::env;

/// The environment variable with the bytes that a file may unpack to, claim or be written with, where the bound that
/// follows from its length is lower: a number with `kB`, `MB`, `GB` or `TB`, or of bytes.
pub const VARIABLE: &str = "EVENTPROP_BYTES_MAX";

/// A bound in bytes, or what [`VARIABLE`] allows where that is more.
pub(crate) fn raised(bytes: u64) -> u64 {
    bytes.max(allowed().ok().flatten().unwrap_or(0))
}

/// Checks the variable.
///
/// # Errors
/// A sentence about a text that is no number of bytes.
pub fn check_environment() -> Result<(), String> {
    allowed().map(drop)
}

/// The bytes of the variable, if it is set.
fn allowed() -> Result<Option<u64>, String> {
    let Some(text) = env::var_os(VARIABLE) else {
        return Ok(None);
    };
    let text = text.to_string_lossy();
    let bytes = parse(&text);
    bytes
        .map(Some)
        .ok_or_else(|| format!("{VARIABLE} is {text:?}; expected a number of bytes such as 20GB"))
}

/// The bytes that a text stands for.
fn parse(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 5] = [
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("", 1),
    ];
    let text = text.trim();
    UNITS.iter().find_map(|(unit, bytes)| {
        let count: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        count.checked_mul(*bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_decimal_units() {
        assert_eq!(parse("20GB"), Some(20_000_000_000));
        assert_eq!(parse(" 1 kB "), Some(1000));
        assert_eq!(parse("64000000"), Some(64_000_000));
        for wrong in ["", "GB", "-1", "1.5GB", "20 gigabytes", "99999999999TB"] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
