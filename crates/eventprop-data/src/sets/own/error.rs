//! Why a user's set cannot be read.

use std::path::PathBuf;

use thiserror::Error;

use crate::binned::BinError;
use crate::encode::camera::CameraCodeError;
use crate::formats::events::EventFileError;
use crate::formats::npz::NpzError;
use crate::formats::spike_file::{SpikeFileError, WriteFileError};
use crate::time_span::AllLate;

impl OwnDataError {
    /// True if a setting is to blame rather than the data.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Unused { .. })
    }
}

/// A user's set could not be read.
#[derive(Debug, Error)]
pub enum OwnDataError {
    /// The system.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A recording.
    #[error(transparent)]
    File(#[from] EventFileError),
    /// A file of spike trains.
    #[error(transparent)]
    Spikes(#[from] SpikeFileError),
    /// An archive of arrays.
    #[error(transparent)]
    Npz(#[from] NpzError),
    /// A folder without classes, or a class without recordings.
    #[error("{}: {missing}", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
        /// The missing part.
        missing: &'static str,
    },
    /// A folder of the parts of a set.
    #[error("{}: the folders {found} are parts of a set, not classes; name one of them, such as {}/{first}", path.display(), path.display())]
    Parts {
        /// The folder.
        path: PathBuf,
        /// Their names.
        found: String,
        /// The first of them.
        first: String,
    },
    /// A setting that has no use here.
    #[error("{}: {setting} has no use for {content}; leave it out", path.display())]
    Unused {
        /// The folder or file.
        path: PathBuf,
        /// The setting.
        setting: &'static str,
        /// The content.
        content: &'static str,
    },
    /// A file that is none of the three.
    #[error("{}: neither HDF5 nor .npz; expected a folder per class of recordings, an HDF5 file in the layout of SHD, or .npz with times_ms, units, offsets and labels", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// A class that the training set does not have.
    #[error("{}: class {found:?} is not in the training set, whose classes are {known}", path.display())]
    Class {
        /// The folder or file.
        path: PathBuf,
        /// The class.
        found: String,
        /// Those of the training set.
        known: String,
    },
    /// Two recordings from different sensors.
    #[error("{}: a sensor of {found}, but {} has one of {expected}; recordings of one set come from one sensor", path.display(), other.display())]
    Sensors {
        /// The recording.
        path: PathBuf,
        /// Its sensor.
        found: String,
        /// Another recording.
        other: PathBuf,
        /// Its sensor.
        expected: String,
    },
    /// A recording that does not fit the sensor of the training set.
    #[error("{}: a sensor of {found}, but the training set has one of {expected}", path.display())]
    LargerSensor {
        /// The recording.
        path: PathBuf,
        /// Its sensor.
        found: String,
        /// The sensor of the training set.
        expected: String,
    },
    /// The sensor makes too many inputs.
    #[error("{}: {problem}", path.display())]
    Code {
        /// The folder.
        path: PathBuf,
        /// The problem.
        problem: CameraCodeError,
    },
    /// Arrays that do not belong together.
    #[error("{}: {problem}", path.display())]
    Arrays {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// Times that no trial holds.
    #[error("{}: {problem}", path.display())]
    Times {
        /// The file or folder.
        path: PathBuf,
        /// The problem.
        problem: AllLate,
    },
    /// A file of spike trains could not be written.
    #[error(transparent)]
    Write(#[from] WriteFileError),
    /// A spike does not fit the grid.
    #[error("{}, sample {sample}: {problem}", path.display())]
    Bin {
        /// The file.
        path: PathBuf,
        /// The sample, from 0.
        sample: usize,
        /// The problem.
        problem: BinError,
    },
}
