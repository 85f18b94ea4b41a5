//! Why a report could not be made.

use std::path::PathBuf;

use thiserror::Error;

/// A report could not be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// There is no run in a folder.
    #[error(
        "{folder} holds no run, nor does a folder in it: NAME.json beside NAME_metrics.jsonl is expected, as `eventprop train --out {folder}` leaves them",
        folder = folder.display()
    )]
    NoRun {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder cannot be read.
    #[error("{path} cannot be read: {problem}", path = path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
}
