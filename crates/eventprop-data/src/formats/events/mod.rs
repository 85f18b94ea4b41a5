//! Recordings of event cameras and other lists of (time, channel): read, write, convert, show.
//!
//! Every format has one file with its reader and, where one makes sense, its writer. All readers give
//! a [`Recording`]: events in the order of time, the size of the sensor, and [`Notes`] that count what
//! was skipped. [`read`] recognises the format by the content; the name of the file does not matter,
//! so a file with a wrong extension is read as what it is, and a file of no known format is an error.
//!
//! Events that the tools of a format skip are skipped and counted: events marked invalid, packets of other
//! kinds, coordinates outside the sensor, a last packet that is cut off. What they refuse is an error
//! with the byte offset. Times that run back a little (cameras deliver packets, not a sorted stream)
//! are counted and sorted; more than [`BACKWARD_MAX_US`] at once is a clock that was reset, and an
//! error. Nothing is dropped in silence.

mod aedat2;
mod aedat31;
mod aedat4;
mod bytes;
mod collector;
pub mod columns;
mod csv;
mod dat;
mod es;
mod evt2;
mod five_bytes;
mod format;
mod npy_table;
pub mod preview;
mod problem;
mod recording;
mod write;

use std::io::Read;
use std::path::Path;

use crate::formats::source;
pub use collector::BACKWARD_MAX_US;
use columns::Columns;
pub use five_bytes::read_bytes as read_five_bytes;
pub use format::{Format, UnknownFormat};
use problem::FILE_BYTES_MAX;
pub use problem::{EventFileError, EventProblem};
pub use recording::{Event, Notes, Polarity, Recording, Sensor, SensorSize, SizeFrom};
pub use write::{WriteEventsError, write};

/// Options of reading a file; the default recognises everything by itself.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The format, instead of the recognised one.
    pub format: Option<Format>,
    /// The columns of a table without names.
    pub columns: Option<Columns>,
}

/// Reads a recording in any of the formats, recognised by content.
///
/// # Errors
/// [`EventFileError`].
pub fn read(path: &Path) -> Result<Recording, EventFileError> {
    read_with(path, &ReadOptions::default())
}

/// Reads a recording.
///
/// # Errors
/// [`EventFileError`].
pub fn read_with(path: &Path, options: &ReadOptions) -> Result<Recording, EventFileError> {
    load(path)
        .and_then(|bytes| parse(&bytes, options))
        .map_err(|problem| EventFileError {
            path: path.to_owned(),
            problem,
        })
}

fn load(path: &Path) -> Result<Vec<u8>, EventProblem> {
    let source = source::open(path)?;
    if source.bytes > FILE_BYTES_MAX {
        return Err(EventProblem::TooLarge {
            bytes: source.bytes,
        });
    }
    let mut bytes = Vec::with_capacity(source.bytes as usize);
    source.file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a recording from the bytes of a file.
///
/// # Errors
/// [`EventProblem`].
pub fn parse(bytes: &[u8], options: &ReadOptions) -> Result<Recording, EventProblem> {
    let format = match options.format {
        Some(format) => format,
        None => detect(bytes)?,
    };
    if options.columns.is_some() && !matches!(format, Format::Npy | Format::Csv) {
        return Err(EventProblem::NoColumns { format });
    }
    match format {
        Format::Aedat2 => aedat2::parse(bytes),
        Format::Aedat31 => aedat31::parse(bytes),
        Format::Aedat4 => aedat4::parse(bytes),
        Format::FiveBytes => five_bytes::parse(bytes),
        Format::Evt2 => evt2::parse(bytes),
        Format::Dat => dat::parse(bytes),
        Format::EventStream => es::parse(bytes),
        Format::Npy => npy_table::parse(bytes, options.columns.as_ref()),
        Format::Csv => csv::parse(bytes, options.columns.as_ref()),
    }
}

/// The format of a file, from its content.
///
/// # Errors
/// [`EventProblem::Empty`], [`EventProblem::Unknown`], [`EventProblem::Unsupported`].
pub fn detect(bytes: &[u8]) -> Result<Format, EventProblem> {
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    if bytes.is_empty() {
        Err(EventProblem::Empty)
    } else if begins(b"#!AER-DAT") {
        aedat_version(bytes)
    } else if begins(b"Event Stream") {
        Ok(Format::EventStream)
    } else if begins(b"\x93NUMPY") {
        Ok(Format::Npy)
    } else if begins(b"% ") {
        prophesee(bytes)
    } else if let Some((what, instead)) = known_stranger(bytes) {
        Err(EventProblem::Unsupported { what, instead })
    } else if csv::looks_like_text(bytes) {
        Ok(Format::Csv)
    } else if five_bytes::plausible(bytes) {
        Ok(Format::FiveBytes)
    } else {
        Err(EventProblem::Unknown {
            begins: bytes[..bytes.len().min(12)].to_vec(),
        })
    }
}

fn aedat_version(bytes: &[u8]) -> Result<Format, EventProblem> {
    match bytes.get(9..12) {
        Some(b"2.0") => Ok(Format::Aedat2),
        Some(b"3.1") => Ok(Format::Aedat31),
        Some(b"4.0") => Ok(Format::Aedat4),
        _ => Err(EventProblem::Unsupported {
            what: "AEDAT of a version other than 2.0, 3.1 and 4.0",
            instead: "convert it with DV or jAER first",
        }),
    }
}

fn prophesee(bytes: &[u8]) -> Result<Format, EventProblem> {
    let header = bytes::percent_header(bytes);
    let says = |what: &str| header.lines.iter().any(|line| line.contains(what));
    if says("evt 2.0") || says("EVT2;") || says("format EVT2") && !says("EVT21") {
        return Ok(Format::Evt2);
    }
    if says("evt 3.0") || says("evt 2.1") || says("EVT3") || says("EVT21") {
        return Err(EventProblem::Unsupported {
            what: "Prophesee EVT 3.0 or 2.1",
            instead: "convert it to EVT 2.0, DAT or CSV with the tools of the Metavision SDK first",
        });
    }
    Ok(Format::Dat)
}

/// Files that are often beside recordings.
fn known_stranger(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let strangers: [(&[u8], &str, &str); 5] = [
        (
            b"\x89HDF",
            "HDF5",
            "spike trains in the layout of SHD are read as spike files",
        ),
        (
            b"PK\x03\x04",
            "a zip archive or .npz",
            "unpack it first; an .npz archive is a set of spike trains or series, not a recording",
        ),
        (b"\x1f\x8b", "packed with gzip", "unpack it first"),
        (b"\x89PNG", "a PNG picture", "name the recording"),
        (b"GIF8", "a GIF picture", "name the recording"),
    ];
    let found = strangers
        .iter()
        .find(|(magic, ..)| bytes.starts_with(magic));
    found.map(|&(_, what, instead)| (what, instead))
}

#[cfg(test)]
mod tests;
