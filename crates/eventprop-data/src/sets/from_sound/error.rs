//! Why a folder cannot become a data set.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A folder cannot become a data set.
#[derive(Debug, Error)]
pub enum FileListError {
    /// The system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file that was read.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// Nothing to encode.
    #[error("{folder}: {problem}", folder = folder.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
        /// Why nothing is left.
        problem: String,
    },
    /// The request contradicts itself.
    #[error("{0}")]
    Request(String),
    /// The table cannot be used.
    #[error("{path}, line {line}: {problem}", path = path.display())]
    Csv {
        /// The table.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The problem.
        problem: String,
    },
}
