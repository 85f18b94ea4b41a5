//! Errors of reading a file of events.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Format;
use super::format::names;

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
        /// The kind of file.
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
        /// Byte offset.
        offset: u64,
        /// The content found.
        found: String,
        /// The expected content.
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
        /// Byte offset.
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
    /// A value of a text table.
    #[error("line {line}, byte {offset}: {found:?} is no {expected}")]
    Value {
        /// Line, from 1.
        line: usize,
        /// First byte of the line.
        offset: u64,
        /// The text.
        found: String,
        /// The expected content.
        expected: &'static str,
    },
}
