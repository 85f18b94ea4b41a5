//! Errors of reading a file of events.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Format;
use super::format::names;
use crate::bound::VARIABLE;
use crate::formats::npz::NpzProblem;

/// Larger files are not read into memory.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 33;

/// A file of events could not be read.
#[derive(Debug, Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct EventFileError {
    /// The file.
    pub path: PathBuf,
    /// The problem.
    #[source]
    pub problem: EventProblem,
}

/// Problem of a file of events.
#[derive(Debug, Error)]
pub enum EventProblem {
    /// The system could not read it.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// An array of an archive is damaged, or of a kind that is not read.
    #[error(transparent)]
    Array(NpzProblem),
    /// Nothing is in it.
    #[error("the file is empty: get it again")]
    Empty,
    /// Larger than the files that are read.
    #[error(
        "the file has {bytes} bytes; at most {bytes_max} are read: cut it into parts, or raise {VARIABLE}"
    )]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The largest that is read.
        bytes_max: u64,
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
        /// The kind of file.
        what: &'static str,
        /// The way out.
        instead: &'static str,
    },
    /// A layout of a format that is not read.
    #[error("{format}: {found} is not read as events: {instead}")]
    Layout {
        /// The format.
        format: Format,
        /// The layout found.
        found: String,
        /// The way out.
        instead: &'static str,
    },
    /// A row of a table of numbers that is no event.
    #[error(
        "{format}, row {row} from 0: {found} is no event; times have to be finite, coordinates whole numbers from 0 to \
         65535, polarities 0, 1 or -1: name the columns in their order, or leave such rows out"
    )]
    Row {
        /// The format.
        format: Format,
        /// The row.
        row: usize,
        /// Its numbers.
        found: String,
    },
    /// A version of a format that is not read.
    #[error("the file is {found}, which is not read; read are {known}: save it as one of them")]
    Version {
        /// What the file says of itself.
        found: String,
        /// The versions that are read.
        known: &'static str,
    },
    /// A packed file that becomes too large.
    #[error(
        "{format}, {place} {offset}: the file unpacks to more than {bytes_max} bytes, while no recording of {file_bytes} \
         bytes does; if it is no damaged or forged one, save it without compression, or raise \
         {VARIABLE}",
        place = format.place()
    )]
    Unpacked {
        /// The format.
        format: Format,
        /// Byte offset, or row.
        offset: u64,
        /// Bytes that are unpacked at most.
        bytes_max: u64,
        /// Length of the file.
        file_bytes: u64,
    },
    /// Events that the memory does not hold.
    #[error(
        "there is no memory for more than {events} events: cut the file into parts, or use a machine with more"
    )]
    Memory {
        /// Events that are there.
        events: usize,
    },
    /// Spike trains in the layout of SHD.
    #[error(
        "the file holds spike trains in the layout of SHD, which are no recording of one camera: name it as a data set (`data \
         info`, `train custom --train`, `ep.data.own`)"
    )]
    SpikeFile,
    /// An HDF5 file that is damaged, or of a kind that is not read.
    #[error(
        "HDF5: {message}; `h5repack -f NONE IN OUT`, where its filters are installed, undoes those that are not known here"
    )]
    Hdf5 {
        /// The problem.
        message: String,
    },
    /// The content contradicts the format.
    #[error(
        "{format}, {place} {offset}: found {found}, expected {expected}; the file is damaged or of another kind: get it again",
        place = format.place()
    )]
    Damaged {
        /// The format.
        format: Format,
        /// Byte offset, or row.
        offset: u64,
        /// The content found.
        found: String,
        /// The expected content.
        expected: &'static str,
    },
    /// Time runs back too far.
    #[error(
        "{format}, {place} {offset}: time runs back from {from_us} to {to_us} µs; the clock was reset while recording: \
         cut the file there",
        place = format.place()
    )]
    TimeBack {
        /// The format.
        format: Format,
        /// Byte offset, or row.
        offset: u64,
        /// Latest time before.
        from_us: i64,
        /// The time there.
        to_us: i64,
    },
    /// A table without the columns that are needed.
    #[error("the columns are {found:?}; {needed}")]
    Columns {
        /// The columns found.
        found: Vec<String>,
        /// The missing columns and how to name them.
        needed: &'static str,
    },
    /// Columns were given for what is no table.
    #[error(
        "the file is {format}, whose events have no columns to be named; leave the columns out"
    )]
    NoColumns {
        /// The format.
        format: Format,
    },
    /// A value of a table.
    #[error("line {line}, byte {offset}: {found:?} is no {expected}")]
    Value {
        /// Line of a text, row of an array, from 1.
        line: usize,
        /// Its first byte.
        offset: u64,
        /// The text.
        found: String,
        /// The expected content.
        expected: &'static str,
    },
}
