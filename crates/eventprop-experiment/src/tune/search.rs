//! The search: rungs one after the other, the trials of a rung side by side.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicBool, Ordering as Memory};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use eventprop_params::picture::Draw;
use rayon::ThreadPoolBuilder;
use serde_json::{Value as Json, json};

use super::{KEPT, Tune, TuneError};
use crate::data::Source;
use crate::lock::RunLock;
use crate::run::{Command, Control, Progress, RunError};
use crate::sweep::{Combination, RUNS_MOST, Status, SweepRun};

/// How long a search lasts: until its time or its trials are used up, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Time. A training that has begun is finished.
    pub time: Option<Duration>,
    /// Trials of the first rung.
    pub trials: Option<usize>,
}

/// What a search works with.
pub struct Workshop<'a> {
    /// The source of data.
    pub source: &'a Source,
    /// Draws the pictures of runs.
    pub draw: Draw,
    /// Threads, all trainings together.
    pub threads: usize,
    /// Set by the caller to stop; trainings under way leave checkpoints.
    pub cancel: &'a AtomicBool,
    /// Hears of every training that ended.
    pub tell: &'a (dyn Fn(&Trained) + Sync),
}

/// A training of a search that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Number of the trial; 0 is the network without changes.
    pub trial: usize,
    /// Epochs.
    pub epochs: usize,
    /// What the trial changes.
    pub varied: Combination,
    /// Its folder.
    pub folder: std::path::PathBuf,
    /// Validation accuracy, 0 to 1, and loss of the best epoch; none where training failed.
    pub validation: Option<(f64, f64)>,
    /// Why it failed.
    pub problem: Option<String>,
}

impl Trained {
    /// As JSON.
    pub fn to_json(&self) -> Json {
        let varied = self.varied.iter();
        let varied = varied.map(|(key, value)| (key.clone(), value.to_json()));
        json!({
            "trial": self.trial,
            "epochs": self.epochs,
            "parameters": Json::Object(varied.collect()),
            "folder": self.folder.display().to_string(),
            "validation_accuracy": self.validation.map(|(accuracy, _)| accuracy),
            "validation_loss": self.validation.map(|(_, loss)| loss),
            "problem": self.problem,
        })
    }

    /// The better first: by accuracy, then loss, then number; what failed comes last.
    fn order(&self, other: &Self) -> Ordering {
        let (one, two) = (self.validation, other.validation);
        let (one, two) = (one.unwrap_or((-1.0, 0.0)), two.unwrap_or((-1.0, 0.0)));
        let by_accuracy = two.0.total_cmp(&one.0);
        by_accuracy
            .then(one.1.total_cmp(&two.1))
            .then(self.trial.cmp(&other.trial))
    }
}

/// The end of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The trainings of every rung, the best first.
    pub rungs: Vec<Vec<Trained>>,
    /// True if it was stopped.
    pub cancelled: bool,
}

impl Found {
    /// The best of the longest trainings.
    pub fn best(&self) -> Option<&Trained> {
        let longest = self.rungs.iter().rev();
        longest
            .filter_map(|rung| rung.first())
            .find(|trained| trained.validation.is_some())
    }
}

/// The trials of a rung, as workers take them.
struct Queue {
    /// Numbers in order; without them every number from 0.
    chosen: Option<Vec<usize>>,
    most: usize,
    next: usize,
    until: Option<Instant>,
}

impl Queue {
    /// The next trial, if time is left; the first is always begun.
    fn take(&mut self) -> Option<usize> {
        let late = self.until.is_some_and(|until| Instant::now() >= until);
        if self.next >= self.most || (late && self.next > 0) {
            return None;
        }
        let place = self.next;
        self.next += 1;
        Some(self.chosen.as_ref().map_or(place, |chosen| chosen[place]))
    }
}

impl Tune {
    /// Searches. A training that ended in an earlier call is not repeated, one that was stopped is resumed.
    ///
    /// # Errors
    /// [`TuneError`]. A trial that fails is none: it is told and comes last.
    pub fn search(&self, budget: Budget, workshop: &Workshop<'_>) -> Result<Found, TuneError> {
        let _lock = self.begin()?;
        let started = Instant::now();
        let rungs = self.rungs().len();
        let mut found = Found {
            rungs: Vec::new(),
            cancelled: false,
        };
        for rung in 0..rungs {
            let chosen = found.rungs.last().map(|trained: &Vec<Trained>| {
                let sound = trained.iter().filter(|t| t.validation.is_some());
                let sound: Vec<usize> = sound.map(|t| t.trial).collect();
                sound[..sound.len().div_ceil(KEPT)].to_vec()
            });
            let most = match &chosen {
                Some(chosen) => chosen.len(),
                None => budget.trials.unwrap_or(RUNS_MOST).min(RUNS_MOST),
            };
            // What a rung leaves of its part of the time is for those after it.
            let until = budget.time.map(|time| {
                let left = time.saturating_sub(started.elapsed());
                Instant::now() + left / (rungs - rung) as u32
            });
            let queue = Queue {
                chosen,
                most,
                next: 0,
                until,
            };
            found.rungs.push(self.climb(rung, queue, workshop)?);
            found.cancelled = workshop.cancel.load(Memory::Relaxed);
            if found.cancelled {
                break;
            }
        }
        self.end(&found)?;
        Ok(found)
    }

    /// The trainings of a rung, the best first.
    fn climb(
        &self,
        rung: usize,
        queue: Queue,
        workshop: &Workshop<'_>,
    ) -> Result<Vec<Trained>, TuneError> {
        let workers = workshop.threads.min(queue.most).max(1);
        let threads = workshop.threads / workers;
        let queue = Mutex::new(queue);
        let trained = Mutex::new(Vec::new());
        let work = || -> Result<(), TuneError> {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.map_err(|error| TuneError::Threads(error.to_string()))?;
            while !workshop.cancel.load(Memory::Relaxed) {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).take();
                let Some(trial) = next else { break };
                let run = self.trial(trial, rung)?;
                let Some(ended) = pool.install(|| train(&run, workshop))? else {
                    break;
                };
                (workshop.tell)(&ended);
                let mut trained = trained.lock().unwrap_or_else(PoisonError::into_inner);
                trained.push(ended);
            }
            Ok(())
        };
        let ended: Vec<Result<(), TuneError>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            workers.into_iter().map(join).collect()
        });
        ended.into_iter().collect::<Result<(), _>>()?;
        let mut trained = trained.into_inner().unwrap_or_else(PoisonError::into_inner);
        trained.sort_by(Trained::order);
        Ok(trained)
    }

    /// Locks the folder, which must be new or of this very search.
    fn begin(&self) -> Result<RunLock, TuneError> {
        self.prepare_folder()?;
        let lock = RunLock::take(&self.folder().join(".tune_lock"))?;
        self.describe()?;
        Ok(lock)
    }
}

/// Trains, or reads what an earlier call trained; none if it was stopped.
fn train(run: &SweepRun, workshop: &Workshop<'_>) -> Result<Option<Trained>, TuneError> {
    let problem = match run.status() {
        Status::Finished => None,
        status => {
            let mut nobody = |_: &Progress<'_>| {};
            let mut control = Control::new(&mut nobody, workshop.cancel);
            let Workshop { source, draw, .. } = *workshop;
            match run.carry_out(status, Command::Train, (source, false), draw, &mut control) {
                Ok(summary) if summary.cancelled => return Ok(None),
                Ok(_) => None,
                Err(RunError::StoppedBefore) => return Ok(None),
                Err(error) if run.varied.is_empty() => {
                    return Err(TuneError::First(Box::new(error)));
                }
                Err(error) => Some(error.to_string()),
            }
        }
    };
    let validation = run.summary().filter(|_| problem.is_none());
    let validation = validation.and_then(|summary| {
        let accuracy = summary["validation_accuracy"].as_f64()?;
        let loss = summary["validation_loss"].as_f64();
        Some((accuracy, loss.unwrap_or(f64::INFINITY)))
    });
    Ok(Some(Trained {
        trial: run.index,
        epochs: run.params.count("N_EPOCH"),
        varied: run.varied.clone(),
        folder: run.folder.clone(),
        validation,
        problem,
    }))
}
