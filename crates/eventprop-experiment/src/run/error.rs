//! Why a run failed.

use std::path::PathBuf;

use eventprop::network::NetworkError;
use eventprop::solver::SolveError;
use eventprop::train::TrainError;
use eventprop_data::atomic::WriteError;
use thiserror::Error;

use super::resume::ResumeError;
use crate::checkpoint::{CheckpointError, Defect};
use crate::data::DataError;
use crate::lock::LockError;
use crate::outputs::FolderError;
use crate::params::{Benchmark, ParamError};
use crate::plot::PlotError;
use crate::weights::WeightsError;

/// Why a run failed.
#[derive(Debug, Error)]
pub enum RunError {
    /// The parameters do not fit together.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// It was cancelled while its data were being read; nothing was written.
    #[error("stopped before the run began; nothing was written")]
    StoppedBefore,
    /// The data could not be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The parameters make no network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The solver stopped.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// Training stopped.
    #[error("{source} (epoch {epoch}, batch {trial})")]
    Train {
        /// The epoch.
        epoch: usize,
        /// The batch in the epoch.
        trial: usize,
        /// The reason.
        source: TrainError,
    },
    /// The loss does not fit the network.
    #[error(transparent)]
    Session(#[from] TrainError),
    /// The output folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Weights could not be loaded.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Training met NaN or infinity; the batch is kept and can be replayed.
    #[error(
        "{source}. The batch and the weights are in {path}; `eventprop gradcheck {benchmark} --replay {path}` looks into them",
        path = path.display()
    )]
    Kept {
        /// Why training stopped.
        source: Box<RunError>,
        /// The benchmark.
        benchmark: Benchmark,
        /// The file.
        path: PathBuf,
    },
    /// Another process is at work in the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A checkpoint could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint holds what the program does not understand.
    #[error(transparent)]
    Defect(#[from] Defect),
    /// A run cannot be resumed.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// A picture could not be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
}

impl RunError {
    /// Whether the parameters are to blame: the run could not even begin.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Param(_) | Self::Network(_) | Self::Session(_) => true,
            Self::Data(error) => error.is_usage(),
            Self::Resume(error) => error.is_usage(),
            _ => false,
        }
    }
}
