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
mod evt21;
mod evt3;
mod five_bytes;
mod format;
mod hdf5;
mod npy_table;
mod npz_table;
mod origin;
pub mod preview;
mod problem;
mod prophesee;
mod recording;
mod unpacked;
mod write;

use std::path::Path;

use eventprop_audio::guard::guarded;

use crate::bound;
use crate::formats::source;
use crate::formats::zip;
pub use collector::BACKWARD_MAX_US;
use columns::Columns;
pub use five_bytes::read_bytes as read_five_bytes;
pub use format::{Format, UnknownFormat};
pub use origin::{TimeOrigin, UnknownOrigin};
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
    /// Zero of the times.
    pub origin: TimeOrigin,
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
    let read = guarded(|| load(path, options));
    read.map_err(EventProblem::Io)
        .flatten()
        .map_err(|problem| EventFileError {
            path: path.to_owned(),
            problem,
        })
}

fn load(path: &Path, options: &ReadOptions) -> Result<Recording, EventProblem> {
    let source = source::open(path)?;
    let (format, columns) = (options.format, options.columns.as_ref());
    let of_file = if matches!(format, None | Some(Format::Hdf5)) && hdf5::recognised(&source) {
        Some(hdf5::read(path, &source, columns)?)
    } else if format == Some(Format::Npz) || format.is_none() && source.begins_with(&zip::MAGIC)? {
        Some(npz_table::read(path, columns)?)
    } else {
        None
    };
    if let Some(mut recording) = of_file {
        options.origin.apply(&mut recording);
        return Ok(recording);
    }
    let bytes_max = bound::raised(FILE_BYTES_MAX);
    if source.bytes > bytes_max {
        return Err(EventProblem::TooLarge {
            bytes: source.bytes,
            bytes_max,
        });
    }
    parse(&source.content()?, options)
}

/// Reads a recording from the bytes of a file; archives and HDF5 are read only from a file ([`read_with`]).
///
/// # Errors
/// [`EventProblem`].
pub fn parse(bytes: &[u8], options: &ReadOptions) -> Result<Recording, EventProblem> {
    let format = match options.format {
        Some(format) => format,
        None => detect(bytes)?,
    };
    if options.columns.is_some() && !format.has_columns() {
        return Err(EventProblem::NoColumns { format });
    }
    let mut recording = match format {
        Format::Aedat2 => aedat2::parse(bytes),
        Format::Aedat31 => aedat31::parse(bytes),
        Format::Aedat4 => aedat4::parse(bytes),
        Format::FiveBytes => five_bytes::parse(bytes),
        Format::Evt2 => evt2::parse(bytes),
        Format::Evt21 => evt21::parse(bytes),
        Format::Evt3 => evt3::parse(bytes),
        Format::Dat => dat::parse(bytes),
        Format::EventStream => es::parse(bytes),
        Format::Npy => npy_table::parse(bytes, options.columns.as_ref()),
        Format::Npz => Err(EventProblem::Unsupported {
            what: "an archive, of which the bytes are not enough",
            instead: "name the file",
        }),
        Format::Csv => csv::parse(bytes, options.columns.as_ref()),
        Format::Hdf5 => Err(EventProblem::Unsupported {
            what: "no HDF5, or only the bytes of one",
            instead: "name an HDF5 file",
        }),
    }?;
    options.origin.apply(&mut recording);
    Ok(recording)
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
    } else if bytes.starts_with(&zip::MAGIC) {
        Ok(Format::Npz)
    } else if prophesee::recognised(bytes) {
        prophesee::format(&prophesee::header(bytes).lines)
    } else if begins(b"\x89HDF") {
        Ok(Format::Hdf5)
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
        other => Err(EventProblem::Version {
            found: format!(
                "AEDAT {}",
                String::from_utf8_lossy(other.unwrap_or_default())
            ),
            known: "AEDAT 2.0, 3.1 and 4.0",
        }),
    }
}

/// Files that are often beside recordings.
fn known_stranger(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let utf16 = ("text in UTF-16", "save it as UTF-8 (in Excel: CSV UTF-8)");
    let strangers: [(&[u8], &str, &str); 6] = [
        (b"\xff\xfe", utf16.0, utf16.1),
        (b"\xfe\xff", utf16.0, utf16.1),
        (
            b"MATLAB 5.0",
            "a .mat of version 5",
            "save it from MATLAB with -v7.3, or as columns t, x, y, p of a table",
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
