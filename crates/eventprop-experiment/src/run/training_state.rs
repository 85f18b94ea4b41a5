//! The state of a training beside its network, as a checkpoint stores and restores it.

use std::collections::BTreeMap;

use eventprop::activity::Activity;
use eventprop::optim::schedule;
use eventprop::rewire::Rewiring;
use eventprop::train::BatchReport;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::hidden::HiddenStatistics;
use super::report::{EpochReport, Score};
use crate::checkpoint::exact;
use crate::data::Source;
use crate::metrics::MetricsCollector;

/// Progress of a training and results of its epochs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// Epochs of the present network that ended; the number of the epoch that is under way.
    pub epoch: usize,
    /// The training of the epoch under way, if that has ended and its evaluation has not.
    pub trained: Option<EpochReport>,
    /// Results of the epochs of the present network.
    pub reports: Vec<EpochReport>,
    /// The best of them.
    pub best: Option<EpochReport>,
    /// Seconds of training in the passes that ended, all folds together.
    #[serde(with = "exact")]
    pub seconds: f64,
    /// Samples in them.
    pub samples: usize,
    /// Training in the last epoch.
    pub train: Option<Score>,
    /// Evaluation of the folds that ended, with the name of what was held out.
    pub folds: Vec<(String, Score)>,
    /// The test at the end of `train_test`.
    pub test: Option<Score>,
}

/// Sums of a pass over a part of the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PassTotals {
    /// Batches that were solved.
    pub batches: usize,
    /// Their samples.
    pub samples: usize,
    /// Correct predictions.
    pub correct: usize,
    /// Sum of losses.
    #[serde(with = "exact")]
    pub loss_sum: f64,
    /// Seconds that it took.
    #[serde(with = "exact")]
    pub seconds: f64,
}

impl PassTotals {
    /// Adds a batch.
    pub fn add(&mut self, report: &BatchReport) {
        self.batches += 1;
        self.samples += report.outcomes.len();
        self.correct += report.correct;
        self.loss_sum += report.loss_sum;
    }

    /// The score so far.
    pub fn score(&self) -> Score {
        let samples = self.samples as f64;
        Score {
            samples: self.samples,
            loss: self.loss_sum / samples,
            accuracy: self.correct as f64 / samples,
        }
    }
}

/// State of a network in training beside its arrays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnerState {
    schedule: ScheduleState,
    /// Steps of Adam.
    pub adam_steps: u64,
    /// Of the average of the parameters, if one is kept.
    #[serde(default)]
    pub average: Option<AverageState>,
    /// Of deep rewiring, if there is any.
    #[serde(default)]
    pub rewiring: Option<RewiringState>,
    /// The pass under way.
    #[serde(rename = "tally")]
    pub totals: Option<PassTotals>,
    /// Statistics of hidden spikes in the epoch under way.
    pub hidden: Vec<HiddenStatistics>,
    activity: ActivityState,
    /// Metrics of the epoch under way.
    #[serde(rename = "insight")]
    pub metrics: MetricsCollector,
    /// Seconds since the training of the network began.
    #[serde(with = "exact")]
    pub elapsed: f64,
}

/// State of the average of the parameters beside its array.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AverageState {
    /// Steps over which it reaches back.
    #[serde(with = "exact")]
    pub horizon: f64,
    /// Steps averaged.
    pub steps: u64,
}

/// What deep rewiring has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewiringState {
    batches: u64,
    done: u64,
    failed: u64,
}

impl RewiringState {
    /// That of a session.
    pub fn of(rewiring: &Rewiring) -> Self {
        let &Rewiring {
            batches,
            done,
            failed,
            ..
        } = rewiring;
        Self {
            batches,
            done,
            failed,
        }
    }

    /// Puts it into a session.
    pub fn restore(self, rewiring: &mut Rewiring) {
        rewiring.batches = self.batches;
        rewiring.done = self.done;
        rewiring.failed = self.failed;
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ScheduleState {
    #[serde(with = "exact")]
    eta: f64,
    #[serde(with = "exact")]
    rate: f64,
    /// None in checkpoints of earlier versions.
    #[serde(default)]
    step: u64,
    #[serde(default = "one")]
    steps: u64,
    #[serde(with = "exact")]
    average_fast: f64,
    #[serde(with = "exact")]
    average_slow: f64,
    epoch: usize,
    changed_at: usize,
}

fn one() -> u64 {
    1
}

/// Spikes are arrays of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ActivityState {
    samples: u64,
    grazing: Vec<u64>,
    over_cap: Vec<u64>,
}

impl LearnerState {
    /// From the parts of a learner.
    pub fn new(
        schedule: schedule::State,
        adam_steps: u64,
        activity: &Activity,
        hidden: &[HiddenStatistics],
    ) -> Self {
        let schedule::State {
            eta,
            rate,
            step,
            steps,
            average_fast,
            average_slow,
            epoch,
            changed_at,
        } = schedule;
        Self {
            schedule: ScheduleState {
                eta,
                rate,
                step,
                steps,
                average_fast,
                average_slow,
                epoch,
                changed_at,
            },
            adam_steps,
            average: None,
            rewiring: None,
            totals: None,
            hidden: hidden.to_vec(),
            activity: ActivityState {
                samples: activity.samples,
                grazing: activity.grazing.clone(),
                over_cap: activity.over_cap.clone(),
            },
            metrics: MetricsCollector::default(),
            elapsed: 0.0,
        }
    }

    /// The state of the learning rate.
    pub fn schedule(&self) -> schedule::State {
        let s = &self.schedule;
        schedule::State {
            eta: s.eta,
            rate: s.rate,
            step: s.step,
            steps: s.steps,
            average_fast: s.average_fast,
            average_slow: s.average_slow,
            epoch: s.epoch,
            changed_at: s.changed_at,
        }
    }

    /// The activity, with its spikes per population and neuron.
    pub fn activity(&self, spikes: Vec<Vec<u64>>) -> Activity {
        let ActivityState {
            samples,
            grazing,
            over_cap,
        } = self.activity.clone();
        Activity {
            samples,
            spikes,
            grazing,
            over_cap,
        }
    }
}

/// The state in a checkpoint: what is needed beside the arrays to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Version of the program that wrote it.
    pub program: String,
    /// The benchmark.
    pub benchmark: String,
    /// The command of the run.
    pub command: String,
    /// The parameters, as in `NAME.json`.
    pub parameters: Json,
    /// Fingerprint of the data.
    pub data: String,
    /// Inputs and classes of the data; none in checkpoints of earlier versions.
    #[serde(default)]
    pub size: Option<[usize; 2]>,
    /// Folders in which they were searched; none in checkpoints of earlier versions.
    #[serde(default)]
    pub source: Option<Source>,
    /// True if the run came to its end.
    pub finished: bool,
    /// The state of training.
    #[serde(rename = "journey")]
    pub training: TrainingState,
    /// The network that learns.
    pub learner: LearnerState,
    /// Bytes of the files that grow, by the end of their names: what is behind them was written later and
    /// will be written again.
    pub lengths: BTreeMap<String, u64>,
}
