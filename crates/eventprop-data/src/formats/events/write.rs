//! Writing a recording in one of the formats.

use std::io::{self, Write};
use std::path::Path;

use thiserror::Error;

use super::{Format, Recording, aedat31, csv, dat, es, five_bytes, npy_table};
use crate::atomic::{self, WriteError};

/// A recording could not be written.
#[derive(Debug, Error)]
pub enum WriteEventsError {
    /// The system.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The format cannot hold it.
    #[error(
        "{format} holds only {holds}; write npy or csv instead, or shift the times with --start-at-zero"
    )]
    Unfit {
        /// The format.
        format: Format,
        /// The recordings that it can hold.
        holds: &'static str,
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
        Format::Aedat2 | Format::Aedat4 | Format::Evt2 | Format::Npz => {
            return Err(WriteEventsError::ReadOnly { format });
        }
    };
    match obstacle {
        Some(holds) => Err(WriteEventsError::Unfit { format, holds }),
        None => Ok(encode),
    }
}
