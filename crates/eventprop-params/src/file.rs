//! Parameters from JSON and TOML files: one table of keys and values.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::ParamError;
use crate::parameters::Parameters;
use crate::value::Value;

impl Parameters {
    /// Sets all keys of a file; `.toml` is read as TOML, everything else as JSON.
    ///
    /// # Errors
    /// [`ParamError::Unreadable`], [`ParamError::File`], [`ParamError::InFile`], [`ParamError::FileValue`].
    pub fn read(&mut self, path: &Path) -> Result<(), ParamError> {
        let problem = |problem: String| ParamError::File {
            path: path.to_owned(),
            problem,
        };
        let text = read_text(path).map_err(|source| ParamError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let toml = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("toml"));
        let values = if toml {
            from_toml(&text)
        } else {
            from_json(&text)
        };
        for (key, value) in values.map_err(problem)? {
            let Some(value) = value else {
                return Err(ParamError::FileValue {
                    path: path.to_owned(),
                    key,
                });
            };
            self.set(&key, value).map_err(|source| ParamError::InFile {
                path: path.to_owned(),
                source: Box::new(source),
            })?;
        }
        Ok(())
    }
}

/// A file of settings is never longer.
const TEXT_BYTES_MAX: u64 = 1 << 24;

/// The text of a file of settings: in UTF-8, or in UTF-16 as PowerShell writes it, without the byte order mark, and with
/// the line ends of any system as `\n`. A pipe is read to its end.
///
/// # Errors
/// When it cannot be read, is no text, or is longer than 16 MiB.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut file = File::open(path)?.take(TEXT_BYTES_MAX + 1);
    file.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > TEXT_BYTES_MAX {
        let problem = format!("it has more than {TEXT_BYTES_MAX} bytes, which no settings have");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    let text = decoded(&bytes).ok_or_else(|| {
        let problem = "it is no text in UTF-8 or UTF-16";
        io::Error::new(io::ErrorKind::InvalidData, problem)
    })?;
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn decoded(bytes: &[u8]) -> Option<String> {
    let words = |order: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes[2..].as_chunks();
        let words: Vec<u16> = pairs.iter().copied().map(order).collect();
        String::from_utf16(&words).ok().filter(|_| rest.is_empty())
    };
    match bytes {
        [0xff, 0xfe, ..] => words(u16::from_le_bytes),
        [0xfe, 0xff, ..] => words(u16::from_be_bytes),
        _ => {
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            String::from_utf8(text.to_vec()).ok()
        }
    }
}

type Assignments = Vec<(String, Option<Value>)>;

fn from_json(text: &str) -> Result<Assignments, String> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(values)) => Ok(values
            .iter()
            .map(|(key, value)| (key.clone(), Value::from_json(value)))
            .collect()),
        Ok(_) => Err("it is JSON, but not an object of keys and values".to_owned()),
        Err(error) => Err(format!("it is not JSON: {error}")),
    }
}

fn from_toml(text: &str) -> Result<Assignments, String> {
    let table: toml::Table = text
        .parse()
        .map_err(|error| format!("it is not TOML: {error}"))?;
    Ok(table
        .iter()
        .map(|(key, value)| (key.clone(), Value::from_toml(value)))
        .collect())
}
