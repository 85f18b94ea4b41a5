//! Why a spike file cannot be read.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::heap::ListProblem;
use crate::bound::VARIABLE;
use crate::formats::class_numbers::ClassNumbersError;

/// A spike file cannot be read.
#[derive(Debug, Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct SpikeFileError {
    /// The file.
    pub path: PathBuf,
    /// The problem.
    #[source]
    pub problem: Problem,
}

/// Problem of a spike file.
#[derive(Debug, Error)]
pub enum Problem {
    /// The file system refused, or a packed file is damaged.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Another kind of file.
    #[error("is no HDF5 file: it begins with the bytes {found:02x?}")]
    NotHdf5 {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// The end is missing.
    #[error(
        "is cut off: it has {found} bytes, and its header says {expected}; copy or fetch it again"
    )]
    Truncated {
        /// Bytes there are.
        found: u64,
        /// Bytes that the header tells of.
        expected: u64,
    },
    /// The structure of the file is damaged, or of a kind that is not known.
    #[error("{what} cannot be read ({message}); the file is damaged or uses an unknown feature")]
    Damaged {
        /// The file, or a dataset in it.
        what: String,
        /// The error of the reader of HDF5.
        message: String,
    },
    /// A dataset is missing.
    #[error("has no dataset {dataset}; it has {found}", found = some(found))]
    Missing {
        /// The missing part.
        dataset: String,
        /// Those that are there.
        found: Vec<String>,
    },
    /// A dataset holds something else.
    #[error("{dataset} holds {found}; expected {expected}")]
    Type {
        /// The dataset.
        dataset: String,
        /// Its content.
        found: String,
        /// The expected content.
        expected: &'static str,
    },
    /// A dataset has not one entry per sample.
    #[error(
        "{dataset} has {found} entries, spikes/times has {samples}; there must be one per sample"
    )]
    Lengths {
        /// The dataset.
        dataset: &'static str,
        /// Its entries.
        found: usize,
        /// Number of samples.
        samples: usize,
    },
    /// A table takes more memory than a file of its length should.
    #[error(
        "{dataset} takes {needed} bytes in memory, and {left} are left for the tables of a file of {bytes} bytes; write \
         it with as many entries, and as long texts, as it has, or raise {VARIABLE}"
    )]
    Claim {
        /// The dataset.
        dataset: String,
        /// Bytes that it takes.
        needed: u64,
        /// Bytes that are left for it.
        left: u64,
        /// Length of the file.
        bytes: u64,
    },
    /// More spikes than fit into the file.
    #[error(
        "{dataset} claims {found} spikes, more than a file of {bytes} bytes can have: it is damaged, get it again"
    )]
    Spikes {
        /// The dataset.
        dataset: &'static str,
        /// The number that it claims.
        found: u64,
        /// Length of the file.
        bytes: u64,
    },
    /// A class or a speaker that is none.
    #[error("{dataset} {problem}")]
    Numbers {
        /// The dataset.
        dataset: &'static str,
        /// The problem.
        #[source]
        problem: ClassNumbersError,
    },
    /// The spikes of a sample cannot be read.
    #[error("{dataset} of sample {sample}: {problem}")]
    List {
        /// The dataset.
        dataset: &'static str,
        /// The sample.
        sample: usize,
        /// The problem.
        #[source]
        problem: ListProblem,
    },
    /// Times and channels do not belong together.
    #[error("sample {sample} has {times} times and {units} units; expected as many of each")]
    Unequal {
        /// The sample.
        sample: usize,
        /// Number of times.
        times: u32,
        /// Number of channels.
        units: u32,
    },
}

fn some(names: &[String]) -> String {
    match names.len() {
        0 => "none".to_owned(),
        1..=12 => names.join(", "),
        n => format!("{} and {} more", names[..12].join(", "), n - 12),
    }
}
