//! The label file of an original recording: class, start and end of every clip.

use std::path::Path;

use super::error::GestureError;
use super::gestures::CLASSES;
use crate::formats::source;

/// One labelled stretch of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clip {
    /// The class, from 0.
    pub class: u16,
    /// First time that belongs to it, in µs.
    pub start_us: i64,
    /// First time behind it.
    pub end_us: i64,
}

/// The clips of a label file: a line `class,startTime_usec,endTime_usec`, then one line each.
///
/// # Errors
/// [`GestureError::Io`] and [`GestureError::Label`].
pub fn read_labels(path: &Path) -> Result<Vec<Clip>, GestureError> {
    let text = text(path)?;
    let mut clips = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let values: Vec<&str> = line.split(',').map(str::trim).collect();
        if line.trim().is_empty() || (n == 0 && values.first() == Some(&"class")) {
            continue;
        }
        let numbers: Option<Vec<i64>> = values.iter().map(|value| value.parse().ok()).collect();
        let label = |expected| GestureError::Label {
            path: path.to_owned(),
            line: n + 1,
            found: line.to_owned(),
            expected,
        };
        let Some(&[class, start_us, end_us]) = numbers.as_deref() else {
            return Err(label("class, start and end in µs"));
        };
        if !(1..=i64::from(CLASSES)).contains(&class) {
            return Err(label("a class from 1 to 11"));
        }
        if start_us < 0 || end_us <= start_us {
            return Err(label("an end after the start"));
        }
        clips.push(Clip {
            class: class as u16 - 1,
            start_us,
            end_us,
        });
    }
    Ok(clips)
}

pub(super) fn text(path: &Path) -> Result<String, GestureError> {
    source::text(path).map_err(|source| GestureError::Io {
        path: path.to_owned(),
        source,
    })
}
