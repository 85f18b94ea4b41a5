//! Progress messages of a run, its cancellation, and the ranks that share it.

use std::sync::atomic::{AtomicBool, Ordering};

use eventprop::reduce::{Alone, Ranks, Reduce};
use eventprop::solver::SolverKind;
use eventprop_params::Benchmark;

use super::error::RunError;
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

/// The lines between a run and its caller, and between the ranks that share it: the run speaks to the observer and may
/// be cancelled.
///
/// With several ranks all of them run the same code on the same parameters, each with its share of every batch; the
/// first one alone writes. What one rank knows and others do not, they agree on before it changes what they do.
pub struct Control<'a> {
    observer: &'a mut dyn Observer,
    cancel: &'a AtomicBool,
    ranks: Option<Ranks>,
    /// True when the ranks have agreed to stop.
    stopping: bool,
}

impl<'a> Control<'a> {
    /// A run that one process carries out: `observer` hears what happens, and the run stops after the current batch
    /// when `cancel` is set.
    pub fn new(observer: &'a mut dyn Observer, cancel: &'a AtomicBool) -> Self {
        Self {
            observer,
            cancel,
            ranks: None,
            stopping: false,
        }
    }

    /// A run that several processes share, if there are some.
    #[must_use]
    pub fn on(self, ranks: Option<Ranks>) -> Self {
        Self { ranks, ..self }
    }

    /// True if the caller, of any rank, wants the run to stop.
    pub fn cancelled(&self) -> bool {
        if self.ranks.is_some() {
            self.stopping
        } else {
            self.cancel.load(Ordering::Relaxed)
        }
    }

    /// Tells the observer.
    pub fn tell(&mut self, progress: &Progress<'_>) {
        self.observer.hear(progress);
    }

    /// True for the rank that writes: the only one, or the first.
    pub(crate) fn writes(&self) -> bool {
        self.ranks.as_ref().is_none_or(|ranks| ranks.rank() == 0)
    }

    /// The ranks, for a session.
    pub(crate) fn reduce(&self) -> Box<dyn Reduce> {
        match &self.ranks {
            Some(ranks) => Box::new(ranks.clone()),
            None => Box::new(Alone),
        }
    }

    /// Replaces every count by its sum over all ranks.
    ///
    /// # Errors
    /// When another rank has failed.
    pub(crate) fn total(&mut self, counts: &mut [u64]) -> Result<(), RunError> {
        match &mut self.ranks {
            Some(ranks) => Ok(ranks.total(counts)?),
            None => Ok(()),
        }
    }

    /// Asks all ranks whether the run is cancelled; true if something is `due` at the first.
    ///
    /// # Errors
    /// When another rank has failed.
    pub(crate) fn agree(&mut self, due: bool) -> Result<bool, RunError> {
        let Some(ranks) = &mut self.ranks else {
            return Ok(due);
        };
        let cancel = self.cancel.load(Ordering::Relaxed);
        let mut asked = [u64::from(cancel), u64::from(due && ranks.rank() == 0)];
        ranks.total(&mut asked)?;
        self.stopping |= asked[0] > 0;
        Ok(asked[1] > 0)
    }

    /// Refuses to go on when the lines of a text are not the same at all ranks. No rank passes before all have come.
    ///
    /// # Errors
    /// [`RunError::RanksDiffer`] at the first difference.
    pub(crate) fn compare(&mut self, text: impl FnOnce() -> String) -> Result<(), RunError> {
        let Some(ranks) = &mut self.ranks else {
            return Ok(());
        };
        let texts = ranks.texts(&text())?;
        let Some(other) = texts.iter().position(|text| *text != texts[0]) else {
            return Ok(());
        };
        let (mut here, mut there) = (texts[0].lines(), texts[other].lines());
        let difference = std::iter::from_fn(|| match (here.next(), there.next()) {
            (None, None) => None,
            (here, there) => Some([here, there].map(|line| line.unwrap_or("nothing").to_owned())),
        });
        let [first, found] = difference
            .into_iter()
            .find(|[here, there]| here != there)
            .unwrap_or_default();
        Err(RunError::RanksDiffer {
            rank: other,
            found,
            first,
        })
    }

    /// Tells the other ranks that this one goes no further.
    pub(crate) fn fail(&mut self) {
        if let Some(ranks) = &mut self.ranks {
            ranks.fail();
        }
    }
}
