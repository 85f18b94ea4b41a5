//! Progress messages of a run, and its cancellation.

use eventprop::solver::SolverKind;
use std::sync::atomic::{AtomicBool, Ordering};

use eventprop_params::Benchmark;

use super::report::{EpochReport, Summary};
use crate::records::Recorder;
use crate::settings::Phase;

/// Something that happened in a run.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Something a user should know.
    Notice(&'a str),
    /// The data are there and the work begins.
    Started(Started<'a>),
    /// A fold of a cross-validation begins.
    Fold {
        /// The fold, from 0.
        fold: usize,
        /// Number of folds.
        folds: usize,
        /// The samples held out.
        held_out: &'a str,
    },
    /// A batch was solved.
    Batch(BatchProgress),
    /// An epoch ended.
    Epoch(&'a EpochReport),
    /// The result is on the disk; recordings, pictures and the report follow.
    Result(&'a Summary),
    /// The epochs are over, and this is what was recorded in them.
    Recorded(&'a Recorder),
}

/// The plan of a run that begins.
#[derive(Debug)]
pub struct Started<'a> {
    /// The benchmark.
    pub benchmark: Benchmark,
    /// Name of the run.
    pub name: &'a str,
    /// The network, such as `5-200-3`.
    pub network: String,
    /// The solver.
    pub solver: SolverKind,
    /// Name of the loss.
    pub loss: &'static str,
    /// The keys of the seeds that are used, and their values.
    pub seeds: Vec<(&'static str, u32)>,
    /// Samples for training, validation and test.
    pub samples: [usize; 3],
    /// Training epochs of the whole run, all folds together.
    pub epochs: usize,
    /// Those of them that are in the checkpoint of a resumed run.
    pub epochs_done: usize,
    /// The output folder.
    pub folder: &'a std::path::Path,
}

/// A batch that was solved.
#[derive(Debug, Clone, Copy)]
pub struct BatchProgress {
    /// The phase.
    pub phase: Phase,
    /// The epoch, from 0.
    pub epoch: usize,
    /// Samples of the phase solved so far.
    pub samples_done: usize,
    /// Samples of the phase.
    pub samples: usize,
    /// Mean loss of the phase so far.
    pub loss: f64,
    /// Accuracy of the phase so far, 0 to 1.
    pub accuracy: f64,
    /// Spikes per hidden neuron and sample since the epoch began.
    pub spikes_per_neuron: f64,
}

/// Hears what happens in a run. Called often, between batches: be quick.
pub trait Observer: Send {
    /// Something happened.
    fn hear(&mut self, progress: &Progress<'_>);
}

impl<T: FnMut(&Progress<'_>) + Send> Observer for T {
    fn hear(&mut self, progress: &Progress<'_>) {
        self(progress);
    }
}

/// The two lines between a run and its caller: it speaks to the observer and may be cancelled.
pub struct Control<'a> {
    /// Hears what happens.
    pub observer: &'a mut dyn Observer,
    /// Set by the caller to stop the run after the current batch.
    pub cancel: &'a AtomicBool,
}

impl Control<'_> {
    /// True if the caller wants the run to stop.
    pub fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Tells the observer.
    pub fn tell(&mut self, progress: &Progress<'_>) {
        self.observer.hear(progress);
    }
}
