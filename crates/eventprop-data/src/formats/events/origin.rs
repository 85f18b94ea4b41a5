//! The zero of the times of a recording.

use std::str::FromStr;

use thiserror::Error;

use super::Recording;

/// Zero of the times of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeOrigin {
    /// Its first event.
    FirstEvent,
    /// The zero of the file: of some cameras the moment of switching on, of others that of 1970.
    #[default]
    File,
}

/// A word that is no origin of times.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "origin is {found:?}; expected first (first_event), to count times from the first event, or zero (file), to keep \
     the zero of the file"
)]
pub struct UnknownOrigin {
    /// The word.
    pub found: String,
}

impl FromStr for TimeOrigin {
    type Err = UnknownOrigin;

    fn from_str(word: &str) -> Result<Self, UnknownOrigin> {
        match word {
            "first" | "first_event" => Ok(Self::FirstEvent),
            "zero" | "file" => Ok(Self::File),
            _ => Err(UnknownOrigin {
                found: word.to_owned(),
            }),
        }
    }
}

impl TimeOrigin {
    /// Counts the times of a recording from here.
    pub(super) fn apply(self, recording: &mut Recording) {
        if let (Self::FirstEvent, Some((first, _))) = (self, recording.span_us()) {
            for event in &mut recording.events {
                event.t_us = event.t_us.saturating_sub(first);
            }
        }
    }
}
