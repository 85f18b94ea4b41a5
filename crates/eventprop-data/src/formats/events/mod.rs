//! Recordings of event cameras and other lists of (time, channel): read, write, convert, show.
//!
//! Every format has one file with its reader and, where one makes sense, its writer. All readers give
//! a [`Recording`]: events in the order of time, the size of the sensor, and [`Notes`] that count what
//! was skipped. [`read`] recognises the format by the content; the name of the file does not matter,
//! so a file with a wrong extension is read as what it is, and a file of no known format is an error.
//!
//! What the tools of a format skip is skipped and counted: events marked invalid, packets of other
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
mod npy_table;
pub mod preview;
mod write;

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

use crate::formats::source;
use columns::Columns;
pub use five_bytes::read_bytes as read_five_bytes;
pub use write::{WriteEventsError, write};

/// A clock that goes back by more than this (one second) was reset.
pub const BACKWARD_MAX_US: i64 = 1_000_000;
/// Larger files are not read into memory.
const FILE_BYTES_MAX: u64 = 1 << 33;

/// One event: a change of brightness at a pixel, or a spike of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Time in µs; its zero is the file's own.
    pub t_us: i64,
    /// Column, from 0; the channel in a list of channels.
    pub x: u16,
    /// Row, from 0; 0 in a list of channels.
    pub y: u16,
    /// Brighter; true in a list of channels.
    pub on: bool,
}

/// Whether events carry a polarity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    /// Every event is ON or OFF.
    OnOff,
    /// Events have no polarity.
    None,
}

/// Where the size of the sensor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeFrom {
    /// The file says it, or its format implies it.
    File,
    /// It is the smallest that holds all events.
    Events,
}

/// What the events come from. A list of channels has height 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sensor {
    /// Columns, or channels.
    pub width: u32,
    /// Rows; 1 for a list of channels.
    pub height: u32,
    /// Whether there are polarities.
    pub polarity: Polarity,
    /// Where the size comes from.
    pub size_from: SizeFrom,
}

impl Sensor {
    /// Columns and rows.
    pub fn size(&self) -> SensorSize {
        SensorSize {
            width: self.width,
            height: self.height,
        }
    }
}

/// Columns and rows of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SensorSize {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl SensorSize {
    /// As many columns as rows.
    pub const fn square(side: u32) -> Self {
        Self {
            width: side,
            height: side,
        }
    }

    /// Whether it lies within `other`.
    pub fn fits(self, other: Self) -> bool {
        self.width <= other.width && self.height <= other.height
    }
}

/// What a reader skipped or put right, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// Events that the camera marked as invalid; skipped.
    pub invalid: u64,
    /// Events outside the sensor that the file declares; skipped.
    pub outside: u64,
    /// Events or packets of other kinds (frames, triggers, inertial sensors); skipped.
    pub other: u64,
    /// Events before the first time stamp of the stream; skipped, as their time is unknown.
    pub before_clock: u64,
    /// Overflows of the time stamp; put right.
    pub overflows: u64,
    /// Events earlier than the one before them; sorted in.
    pub backward: u64,
    /// Byte at which time ran back first.
    pub backward_first: Option<u64>,
    /// Byte from which the file is cut off in the middle of an event or packet; skipped.
    pub truncated_at: Option<u64>,
    /// What the file does not say and was assumed.
    pub assumed: Vec<&'static str>,
    /// Columns of a table that mean nothing here; skipped.
    pub columns: Vec<String>,
}

impl Notes {
    /// One sentence for everything that is worth saying; nothing for a clean file.
    pub fn lines(&self) -> Vec<String> {
        let counted = [
            (self.invalid, "events marked invalid by the camera: skipped"),
            (self.outside, "events outside the sensor: skipped"),
            (self.other, "events or packets of other kinds: skipped"),
            (
                self.before_clock,
                "events before the first time stamp: skipped",
            ),
            (
                self.overflows,
                "overflows of the time stamp: continued behind",
            ),
        ];
        let mut lines: Vec<String> = counted
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if let Some(first) = self.backward_first {
            let count = self.backward;
            lines.push(format!(
                "{count} times run backwards, first at byte {first}: sorted"
            ));
        }
        if let Some(at) = self.truncated_at {
            lines.push(format!("cut off at byte {at}: the rest is skipped"));
        }
        lines.extend(self.assumed.iter().map(|what| format!("assumed: {what}")));
        if !self.columns.is_empty() {
            lines.push(format!("columns not used: {}", self.columns.join(", ")));
        }
        lines
    }
}

/// A recording in memory; 16 bytes per event.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The format that it was read from.
    pub format: Format,
    /// What the events come from.
    pub sensor: Sensor,
    /// The events; times do not decrease.
    pub events: Vec<Event>,
    /// What was skipped or put right.
    pub notes: Notes,
}

impl Recording {
    /// Time of the first and the last event in µs; `None` without events.
    pub fn span_us(&self) -> Option<(i64, i64)> {
        Some((self.events.first()?.t_us, self.events.last()?.t_us))
    }

    /// Number of ON events.
    pub fn on_count(&self) -> usize {
        self.events.iter().filter(|event| event.on).count()
    }

    /// The events of a stretch of time, from `start_us` to before `end_us`.
    pub fn between(&self, start_us: i64, end_us: i64) -> &[Event] {
        let start = self.events.partition_point(|event| event.t_us < start_us);
        let end = self.events.partition_point(|event| event.t_us < end_us);
        &self.events[start..end.max(start)]
    }
}

/// A file format of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// AEDAT 2.0, jAER.
    Aedat2,
    /// AEDAT 3.1, cAER: DVS128 Gesture.
    Aedat31,
    /// AEDAT 4.0, DV.
    Aedat4,
    /// Five bytes per event: N-MNIST, N-Caltech101.
    FiveBytes,
    /// Prophesee EVT 2.0 (`.raw`).
    Evt2,
    /// Prophesee DAT.
    Dat,
    /// Event Stream 2 (`.es`).
    EventStream,
    /// NumPy arrays with named fields, or of four columns.
    Npy,
    /// Text with named columns.
    Csv,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 9] = [
        Self::Aedat2,
        Self::Aedat31,
        Self::Aedat4,
        Self::FiveBytes,
        Self::Evt2,
        Self::Dat,
        Self::EventStream,
        Self::Npy,
        Self::Csv,
    ];

    /// The name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aedat2 => "aedat2",
            Self::Aedat31 => "aedat3.1",
            Self::Aedat4 => "aedat4",
            Self::FiveBytes => "nmnist",
            Self::Evt2 => "evt2",
            Self::Dat => "dat",
            Self::EventStream => "es",
            Self::Npy => "npy",
            Self::Csv => "csv",
        }
    }

    /// A name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Aedat2 => "AEDAT 2.0",
            Self::Aedat31 => "AEDAT 3.1",
            Self::Aedat4 => "AEDAT 4.0",
            Self::FiveBytes => "N-MNIST (5 bytes per event)",
            Self::Evt2 => "Prophesee EVT 2.0",
            Self::Dat => "Prophesee DAT",
            Self::EventStream => "Event Stream",
            Self::Npy => "NumPy array",
            Self::Csv => "text table (CSV)",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// A name that is no format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no event format is called {found:?}; known are {known}", known = names())]
pub struct UnknownFormat {
    /// The name given.
    pub found: String,
}

fn names() -> String {
    Format::ALL.map(Format::name).join(", ")
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let wanted = name.to_lowercase();
        let known = Self::ALL.into_iter();
        known
            .clone()
            .find(|format| format.name() == wanted)
            .ok_or_else(|| UnknownFormat {
                found: name.to_owned(),
            })
    }
}

/// A file of events could not be read.
#[derive(Debug, Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct EventFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: EventProblem,
}

/// What is wrong with a file of events.
#[derive(Debug, Error)]
pub enum EventProblem {
    /// The system could not read it.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Nothing is in it.
    #[error("the file is empty: get it again")]
    Empty,
    /// It does not fit into memory.
    #[error("the file has {bytes} bytes; at most {FILE_BYTES_MAX} are read: cut it into parts")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// No format that is known.
    #[error("begins with {begins:02x?}, which is no event format; known are {known}", known = names())]
    Unknown {
        /// The first bytes.
        begins: Vec<u8>,
    },
    /// A format that is known but not read.
    #[error("the file is {what}, which is not read as events: {instead}")]
    Unsupported {
        /// What it is.
        what: &'static str,
        /// The way out.
        instead: &'static str,
    },
    /// The content contradicts the format.
    #[error(
        "{format}, byte {offset}: found {found}, expected {expected}; the file is damaged or of another kind: get it again"
    )]
    Damaged {
        /// The format.
        format: Format,
        /// Where.
        offset: u64,
        /// What is there.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// Time runs back too far.
    #[error(
        "{format}, byte {offset}: time runs back from {from_us} to {to_us} µs; the clock was reset while recording: \
         cut the file there"
    )]
    TimeBack {
        /// The format.
        format: Format,
        /// Where.
        offset: u64,
        /// Latest time before.
        from_us: i64,
        /// The time there.
        to_us: i64,
    },
    /// A table without the columns that are needed.
    #[error("the columns are {found:?}; {needed}")]
    Columns {
        /// What there is.
        found: Vec<String>,
        /// What is missing and how to name it.
        needed: &'static str,
    },
    /// A value of a text table.
    #[error("line {line}, byte {offset}: {found:?} is no {expected}")]
    Value {
        /// Line, from 1.
        line: usize,
        /// Where the line begins.
        offset: u64,
        /// The text.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
}

/// How a file is to be read; the default recognises everything by itself.
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
