//! Why parameters are not accepted.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// An error in a parameter.
#[derive(Debug, Error)]
pub enum ParamError {
    /// A key that the benchmark does not have.
    #[error("unknown parameter {key} for {benchmark}; {hint}")]
    UnknownKey {
        /// The benchmark.
        benchmark: &'static str,
        /// The key as given.
        key: String,
        /// The key or value that may have been meant.
        hint: String,
    },
    /// A value that the key does not accept.
    #[error("{key}={found} is not possible; {key} takes {expected} (default {default})")]
    Value {
        /// The key.
        key: &'static str,
        /// The value given.
        found: String,
        /// The accepted values.
        expected: String,
        /// The default.
        default: String,
    },
    /// Two values that exclude each other.
    #[error("{key}={found} is not possible: {problem}; {way_out}")]
    Combination {
        /// The key.
        key: &'static str,
        /// Its value.
        found: String,
        /// The conflict.
        problem: String,
        /// The way out.
        way_out: String,
    },
    /// A preset that the benchmark does not have.
    #[error("{benchmark} has no preset {found}; there are {known}")]
    UnknownPreset {
        /// The benchmark.
        benchmark: &'static str,
        /// The name given.
        found: String,
        /// The names there are.
        known: String,
    },
    /// Text that is no assignment.
    #[error(
        "{found:?} is no parameter; write KEY=VALUE, such as N_EPOCH=5 (`eventprop params {benchmark}` lists the keys)"
    )]
    NoAssignment {
        /// The benchmark.
        benchmark: &'static str,
        /// The text given.
        found: String,
    },
    /// A file of parameters that the system does not let be read.
    #[error("parameter file {path} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file of parameters that is neither JSON nor TOML.
    #[error("parameter file {path} cannot be read: {problem}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// A key or value in a file that is not accepted.
    #[error("parameter file {path}: {source}", path = path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// The error of the key.
        source: Box<ParamError>,
    },
    /// A value in a file that has no meaning as a parameter.
    #[error(
        "parameter file {path}: the value of {key} is a date, or a number beyond all floats; write a number, true or false, text, a list or a table",
        path = path.display()
    )]
    FileValue {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A parameter without which there is no run.
    #[error("{key} is not set; {way_out}")]
    Missing {
        /// The key.
        key: &'static str,
        /// How to set it.
        way_out: String,
    },
    /// A seed that was never drawn.
    #[error("{key} is not set; give a whole number, or let the program draw one")]
    SeedUnset {
        /// The key.
        key: &'static str,
    },
}
