//! Why a file describes no search.

use std::io;
use std::path::PathBuf;

use eventprop_params::ParamError;
use thiserror::Error;

/// Why a file is no sweep.
#[derive(Debug, Error)]
pub enum SweepError {
    /// The system does not let it be read.
    #[error("{path} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It is no TOML.
    #[error("{path} cannot be read: {problem}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// Something in it is not as it should be.
    #[error("{path}: {what} {problem}; {way_out}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The entry.
        what: String,
        /// The problem.
        problem: String,
        /// The text to write instead.
        way_out: String,
    },
    /// The parameters of a run.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// Multiples of what is no number.
    #[error("{key} is {found}, of which there are no multiples; list the values that it may take")]
    Multiple {
        /// The key.
        key: String,
        /// Its value.
        found: String,
    },
    /// An index beyond the list.
    #[error("the sweep has {runs} runs; --array-index takes 0 to {}, not {index}", runs - 1)]
    Index {
        /// The index given.
        index: usize,
        /// Runs of the sweep.
        runs: usize,
    },
}
