//! Why a run failed.

use std::io;
use std::path::PathBuf;

use eventprop::network::NetworkError;
use eventprop::reduce::ReduceError;
use eventprop::rewire::RewiringError;
use eventprop::solver::SolveError;
use eventprop::train::TrainError;
use eventprop_data::atomic::WriteError;
use eventprop_params::{Benchmark, ParamError};
use thiserror::Error;

use crate::checkpoint::{CheckpointError, Defect};
use crate::data::DataError;
use crate::description::DescriptionError;
use crate::lock::LockError;
use crate::outputs::FolderError;
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
    /// What is described is not the network that the data need, or none.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// The network cannot be rewired.
    #[error(transparent)]
    Rewiring(#[from] RewiringError),
    /// The solver stopped.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// Training stopped.
    #[error("{source} (epoch {}, batch {})", epoch + 1, trial + 1)]
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
    /// The ranks could not talk to each other.
    #[error(transparent)]
    Ranks(#[from] ReduceError),
    /// The ranks were not started alike.
    #[error(
        "rank {rank} has {found} where rank 0 has {first}; start all ranks with the same program, the same command line and the same data"
    )]
    RanksDiffer {
        /// The first rank that differs from rank 0.
        rank: usize,
        /// What it has.
        found: String,
        /// What rank 0 has.
        first: String,
    },
    /// A picture could not be drawn.
    #[error("{path} could not be drawn: {problem}", path = path.display())]
    Draw {
        /// The picture.
        path: PathBuf,
        /// Why.
        problem: String,
    },
}

impl RunError {
    /// True if the parameters are to blame: the run could not even begin.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Session(error) => error.of_ranks().is_none(),
            Self::Param(_)
            | Self::Network(_)
            | Self::Description(_)
            | Self::Rewiring(_)
            | Self::RanksDiffer { .. } => true,
            Self::Data(error) => error.is_usage(),
            Self::Resume(error) => error.is_usage(),
            _ => false,
        }
    }

    /// True if it says no more than that another rank has failed.
    pub fn is_echo(&self) -> bool {
        let reduce = match self {
            Self::Ranks(error) => Some(error),
            Self::Train { source, .. } | Self::Session(source) => source.of_ranks(),
            _ => None,
        };
        matches!(reduce, Some(ReduceError::Failed { .. }))
    }
}

/// Why a run cannot be resumed.
#[derive(Debug, Error)]
pub enum ResumeError {
    /// The system does not let the folder be read.
    #[error("{folder} cannot be read: {source}", folder = folder.display())]
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// There is none.
    #[error(
        "{folder} holds no checkpoint (NAME_checkpoint.safetensors); name the folder of a run, or begin one with `eventprop train`",
        folder = folder.display()
    )]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
    /// There are several.
    #[error("{folder} holds several runs; choose one with --name: {names}", folder = folder.display())]
    Several {
        /// The folder.
        folder: PathBuf,
        /// Their names.
        names: String,
    },
    /// It has ended.
    #[error(
        "the run {name} has ended after {epochs} epochs; N_EPOCH={more} lets it go on for {epochs} more",
        more = 2 * epochs
    )]
    Finished {
        /// Its name.
        name: String,
        /// Its epochs.
        epochs: usize,
    },
    /// It is beyond the epoch that is asked for as its last.
    #[error(
        "the run {name} has begun its epoch {begun}, so N_EPOCH={epochs} is too few; N_EPOCH={begun} lets it end with this one, and `eventprop test` with LOAD_BEST or LOAD_LAST tests the weights that it has written"
    )]
    Beyond {
        /// Its name.
        name: String,
        /// The epoch that it is in, counted from 1.
        begun: usize,
        /// The epochs that it is to have.
        epochs: usize,
    },
    /// Other settings.
    #[error(
        "the run was begun with other settings: {differences}. Without the difference it goes on; --force goes on with it, and the result is then that of neither"
    )]
    Settings {
        /// Every difference.
        differences: String,
    },
    /// Other data.
    #[error(
        "the data are not those with which the run was begun (fingerprint {found} instead of {expected}); give it the same data (--data-dir), or go on with --force"
    )]
    Data {
        /// The fingerprint of the data.
        found: String,
        /// That in the checkpoint.
        expected: String,
    },
    /// A checkpoint of something that this program does not do.
    #[error("the checkpoint is of {what}, which this program does not know")]
    Unknown {
        /// The benchmark or command.
        what: String,
    },
}

impl ResumeError {
    /// True if the command line is to blame.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Data { .. } | Self::Unreadable { .. })
    }
}
