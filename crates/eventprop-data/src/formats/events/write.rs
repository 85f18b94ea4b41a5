//! Writing a recording in one of the formats.

use std::io::{self, Write};
use std::path::Path;

use thiserror::Error;

use super::es::{self, SILENCE_US};
use super::{Format, Recording, aedat31, csv, dat, five_bytes, npy_table};
use crate::atomic::{self, WriteError};
use crate::bound::{self, VARIABLE};

/// So many bytes for time without events are always written: two hours.
const SILENCE_BYTES_MIN: u64 = 1 << 26;
/// Beyond that a recording has so many of them per event at most, 16 times the event's own.
const SILENCE_PER_EVENT: u64 = 80;

/// A recording could not be written.
#[derive(Debug, Error)]
pub enum WriteEventsError {
    /// The system.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The format cannot hold it.
    #[error(
        "{format} holds only {holds}; write npy or csv instead, or count times from the first event (--origin first)"
    )]
    Unfit {
        /// The format.
        format: Format,
        /// The recordings that it can hold.
        holds: &'static str,
    },
    /// More bytes for the time without events than for the events.
    #[error(
        "{format} has a byte for every {SILENCE_US} µs without events, which makes {bytes} bytes here (at most {bytes_max}); \
         the first event is at {first_us} µs: count times from it (--origin first), write npy, csv or aedat3.1, \
         or raise {VARIABLE}"
    )]
    Silence {
        /// The format.
        format: Format,
        /// Bytes for the time without events.
        bytes: u64,
        /// Most of them that are written.
        bytes_max: u64,
        /// Time of the first event in µs.
        first_us: i64,
    },
    /// A format without a writer.
    #[error("{format} is read but not written; write npy, csv, aedat3.1, nmnist, dat or es")]
    ReadOnly {
        /// The format.
        format: Format,
    },
}

/// Writes a recording atomically ([`crate::atomic`]).
///
/// # Errors
/// [`WriteEventsError`]; the file is then as it was.
pub fn write(path: &Path, recording: &Recording, format: Format) -> Result<(), WriteEventsError> {
    let encode = encoder(recording, format)?;
    Ok(atomic::write(path, |out| encode(recording, out))?)
}

type Encode = fn(&Recording, &mut dyn Write) -> io::Result<()>;

/// Writer of a recording in a format that can hold it.
pub(super) fn encoder(recording: &Recording, format: Format) -> Result<Encode, WriteEventsError> {
    let (encode, obstacle): (Encode, _) = match format {
        Format::Aedat31 => (aedat31::write, aedat31::obstacle(recording)),
        Format::FiveBytes => (five_bytes::write, five_bytes::obstacle(recording)),
        Format::Dat => (dat::write, dat::obstacle(recording)),
        Format::EventStream => (es::write, es::obstacle(recording)),
        Format::Npy => (npy_table::write, None),
        Format::Csv => (csv::write, None),
        Format::Aedat2
        | Format::Aedat4
        | Format::Evt2
        | Format::Evt21
        | Format::Evt3
        | Format::Npz
        | Format::Hdf5 => {
            return Err(WriteEventsError::ReadOnly { format });
        }
    };
    if let Some(holds) = obstacle {
        return Err(WriteEventsError::Unfit { format, holds });
    }
    if format == Format::EventStream {
        check_silence(recording)?;
    }
    Ok(encode)
}

/// Refuses a recording most of whose file would be time without events.
fn check_silence(recording: &Recording) -> Result<(), WriteEventsError> {
    let (Some((first_us, _)), events) = (recording.span_us(), recording.events.len() as u64) else {
        return Ok(());
    };
    let bytes = es::silence_bytes(recording);
    let bytes_max = bound::raised(SILENCE_BYTES_MIN.max(SILENCE_PER_EVENT * events));
    if bytes <= bytes_max {
        return Ok(());
    }
    Err(WriteEventsError::Silence {
        format: Format::EventStream,
        bytes,
        bytes_max,
        first_us,
    })
}
