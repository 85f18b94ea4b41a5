//! Runs: training, testing, cross-validation.
//!
//! [`run`] is the one door. Epochs are chosen, learning rates lowered and runs compared by training
//! and validation data only; the test part is solved once, at the end.

mod cross_validate;
pub mod doctor;
mod dossier;
mod error;
mod failed_batch;
mod hidden;
mod journey;
mod keeper;
mod learner;
mod persist;
mod pictures;
pub mod plan;
mod progress;
mod report;
mod resume;
mod rewire;
mod saver;
mod test;
mod train;
mod watchman;

use std::str::FromStr;

use eventprop::solver::Solver;
use eventprop::with_solver;
use serde_json::Value as Json;

pub use error::RunError;
pub use failed_batch::FailedBatch;
pub use hidden::HiddenStatistics;
pub use learner::Every;
pub use progress::{BatchProgress, Control, Observer, Phase, Progress, Started};
pub use report::{EpochReport, LayerReport, Score, Summary};
pub use resume::{Resume, ResumeError, resume};

use self::journey::State;
use self::saver::TakenUp;
use crate::checkpoint;
use crate::data::{self, Data, Source, Wanted, fingerprint};
use crate::lock::RunLock;
use crate::outputs::Outputs;
use crate::params::{ParamError, Parameters};
use crate::settings::{Label, Select, Settings};

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Trains with a validation part; tests the chosen weights at the end.
    Train,
    /// Tests weights of an earlier run.
    Test,
    /// Trains on training and validation part together; tests the last weights at the end.
    TrainTest,
    /// Trains on all folds but one and evaluates on that one, for every fold.
    CrossValidate,
}

impl Command {
    /// The name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
            Self::TrainTest => "train_test",
            Self::CrossValidate => "xval",
        }
    }
}

impl FromStr for Command {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [
            Self::Train,
            Self::Test,
            Self::TrainTest,
            Self::CrossValidate,
        ];
        let known = all.into_iter().find(|command| command.name() == name);
        known.ok_or_else(|| format!("{name:?} is none of train, test, train_test, xval"))
    }
}

/// A run that is ready to go: parameters understood, data loaded, folder made.
struct Prepared<'a> {
    command: Command,
    settings: &'a Settings,
    data: &'a Data,
    source: &'a Source,
    outputs: &'a Outputs,
    /// The parameters, as in `NAME.json`.
    parameters: Json,
    /// The fingerprint of the data.
    fingerprint: String,
    /// The checkpoint that the run goes on from.
    taken_up: Option<&'a TakenUp>,
}

/// What is to be done.
struct Order<'a> {
    command: Command,
    params: &'a Parameters,
    source: &'a Source,
    beginning: Beginning,
}

/// How a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// At its start.
    New,
    /// Where its checkpoint was written; with `force` also with other data.
    Resumed { force: bool },
}

/// Runs a benchmark. Works in the current rayon pool; results do not depend on its size. Training
/// continues until its end or until `control` is cancelled; a cancelled run writes what it has and a
/// checkpoint, from which [`resume()`] goes on.
///
/// # Errors
/// [`RunError`]; what was completed before stays on the disk.
pub fn run(
    command: Command,
    params: &Parameters,
    source: &Source,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let order = Order {
        command,
        params,
        source,
        beginning: Beginning::New,
    };
    go(&order, control)
}

fn go(order: &Order<'_>, control: &mut Control<'_>) -> Result<Summary, RunError> {
    let &Order {
        command, params, ..
    } = order;
    let settings = Settings::new(params)?;
    check(command, params, &settings)?;
    let load = || {
        let wanted = match command {
            Command::Train => Wanted::Validated,
            Command::TrainTest => Wanted::Whole,
            Command::CrossValidate => Wanted::Folds,
            Command::Test => Wanted::Test,
        };
        data::load(params, &settings, order.source, wanted)
    };
    // A run that has no data leaves no folder behind.
    let loaded = match order.beginning {
        Beginning::New => Some(load()?),
        Beginning::Resumed { .. } => None,
    };
    if control.cancelled() {
        return Err(RunError::StoppedBefore);
    }
    let outputs = Outputs::new(&settings);
    outputs.prepare()?;
    let lock = RunLock::take(&outputs.lock())?;
    if !lock.held {
        control.tell(&Progress::Notice(
            "the file system has no locks: see to it that no other process works in this folder",
        ));
    }
    let taken_up = begin(order, &outputs, &settings, control)?;
    let data = loaded.map_or_else(load, Ok)?;
    let mut dumped = params.clone();
    data.settle(&mut dumped)?;
    for notice in settings.notices.iter().chain(&data.notices) {
        control.tell(&Progress::Notice(notice));
    }
    let hidden = settings.network.hidden.iter().copied();
    let sizes: Vec<usize> = std::iter::once(data.inputs)
        .chain(hidden)
        .chain([data.classes])
        .collect();
    settings.records.check(params, &sizes)?;
    let prepared = Prepared {
        command,
        settings: &settings,
        data: &data,
        source: order.source,
        outputs: &outputs,
        parameters: dumped.to_json(),
        fingerprint: fingerprint(&data),
        taken_up: taken_up.as_ref(),
    };
    prepared.take_up(order.beginning, control)?;
    if prepared.selects_on_test() {
        control.tell(&Progress::Notice(
            "SELECT_ON_TEST: the epoch is chosen by the samples that are tested, so the accuracy is too good",
        ));
    }
    control.tell(&Progress::Started(prepared.started()));
    with_solver!(settings.solver, S => prepared.go::<S>(control))
}

/// The checkpoint that is gone on from, or none; that of a run which is not gone on with is set aside.
fn begin(
    order: &Order<'_>,
    outputs: &Outputs,
    settings: &Settings,
    control: &mut Control<'_>,
) -> Result<Option<TakenUp>, RunError> {
    let path = outputs.checkpoint();
    match order.beginning {
        Beginning::New if order.command == Command::Test => Ok(None),
        Beginning::New => {
            if let Some((kept, epoch)) = saver::set_aside(&path)? {
                control.tell(&Progress::Notice(&format!(
                    "this folder held an unfinished run of this name (in epoch {epoch}), which `eventprop resume` would have gone on with; its checkpoint is kept as {}",
                    kept.display()
                )));
            }
            Ok(None)
        }
        Beginning::Resumed { .. } => {
            let taken_up = TakenUp::new(checkpoint::read(&path)?)?;
            let State {
                journey,
                finished,
                learner,
                ..
            } = &taken_up.state;
            if *finished && settings.epochs <= journey.epoch {
                return Err(RunError::Resume(ResumeError::Finished {
                    name: settings.name.clone(),
                    epochs: journey.epoch,
                }));
            }
            let amid = journey.trained.is_some() || learner.tally.is_some();
            let begun = journey.epoch + usize::from(amid);
            if settings.epochs < begun {
                return Err(RunError::Resume(ResumeError::Beyond {
                    name: settings.name.clone(),
                    begun,
                    epochs: settings.epochs,
                }));
            }
            Ok(Some(taken_up))
        }
    }
}

/// Refuses what a command cannot do or must not do unasked.
fn check(command: Command, params: &Parameters, settings: &Settings) -> Result<(), ParamError> {
    let refuse = |key, problem: &str, way_out: &str| {
        Err(ParamError::Combination {
            key,
            found: params.get(key).to_string(),
            problem: problem.to_owned(),
            way_out: way_out.to_owned(),
        })
    };
    let held_out_chooses = settings.benchmark.is_binned()
        && settings.select == Select::Best
        && !settings.select_on_test;
    match command {
        Command::TrainTest | Command::CrossValidate if held_out_chooses => refuse(
            "CHECKPOINT_BEST",
            "the samples that would choose the epoch are those that are tested",
            "choose by training, or allow it with SELECT_ON_TEST=true",
        ),
        Command::CrossValidate if settings.load.is_some() => refuse(
            match settings.load {
                Some(Label::Best) => "LOAD_BEST",
                _ => "LOAD_LAST",
            },
            "weights that have seen the samples of a fold cannot be validated on it",
            "leave it out: every fold starts from new weights",
        ),
        _ => Ok(()),
    }
}

impl Prepared<'_> {
    /// Before a run goes on: the data must be those of its beginning, and what the growing files got after
    /// the checkpoint is taken away.
    fn take_up(&self, beginning: Beginning, control: &mut Control<'_>) -> Result<(), RunError> {
        let Some(TakenUp { state, found }) = self.taken_up else {
            return Ok(());
        };
        let force = beginning == Beginning::Resumed { force: true };
        if state.data != self.fingerprint && !force {
            return Err(RunError::Resume(ResumeError::Data {
                found: self.fingerprint.clone(),
                expected: state.data.clone(),
            }));
        }
        if let Some(newer) = &found.newer {
            control.tell(&Progress::Notice(&format!(
                "{newer}; going on from the one before it, {}",
                found.path.display()
            )));
        }
        for (ending, length) in &state.lengths {
            if !self.outputs.shorten(ending, *length)? {
                control.tell(&Progress::Notice(&format!(
                    "{} is shorter than it was: lines of earlier epochs are missing",
                    self.outputs.named(ending).display()
                )));
            }
        }
        Ok(())
    }

    /// Writes `NAME.json`; of a run that goes on, when its checkpoint was found to fit.
    fn write_parameters(&self) -> Result<(), RunError> {
        let path = self.outputs.parameters();
        Ok(self.outputs.write_json(&path, &self.parameters)?)
    }

    /// Whether the samples that are tested choose the epoch.
    fn selects_on_test(&self) -> bool {
        let tested = matches!(self.command, Command::TrainTest | Command::CrossValidate);
        tested && self.settings.select_on_test && self.settings.select == Select::Best
    }

    fn go<S: Solver>(&self, control: &mut Control<'_>) -> Result<Summary, RunError> {
        match self.command {
            Command::Train | Command::TrainTest => train::train::<S>(self, control),
            Command::Test => test::test::<S>(self, control),
            Command::CrossValidate => cross_validate::cross_validate::<S>(self, control),
        }
    }

    fn started(&self) -> Started<'_> {
        let hidden = self.settings.network.hidden.iter();
        let sizes = std::iter::once(&self.data.inputs).chain(hidden);
        let sizes = sizes.chain([&self.data.classes]).map(usize::to_string);
        let runs = match self.command {
            Command::Test => 0,
            Command::Train | Command::TrainTest => 1,
            Command::CrossValidate => self.data.folds.len(),
        };
        Started {
            benchmark: self.settings.benchmark,
            name: &self.settings.name,
            network: sizes.collect::<Vec<_>>().join("-"),
            solver: self.settings.solver,
            loss: self.settings.loss.name(),
            seeds: self.settings.seeds.used_by(self.command),
            samples: [
                self.data.training(0).len(),
                self.data.validation.len(),
                self.data.test.len(),
            ],
            epochs: runs * self.settings.epochs,
            epochs_done: self.taken_up.map_or(0, |TakenUp { state, .. }| {
                state.journey.folds.len() * self.settings.epochs + state.journey.epoch
            }),
            folder: self.outputs.folder(),
        }
    }

    /// A summary without results.
    fn summary(&self) -> Summary {
        Summary {
            benchmark: self.settings.benchmark,
            command: self.command.name(),
            epochs: 0,
            seconds: 0.0,
            samples_per_second: None,
            train: None,
            validation: None,
            selected_epoch: None,
            test: None,
            folds: Vec::new(),
            held_out: Vec::new(),
            selected_on_test: self.selects_on_test(),
            out_dir: self.outputs.folder().to_owned(),
            seeds: self.settings.seeds.used_by(self.command),
            cancelled: false,
            demonstration: self.data.demonstration,
            files: Vec::new(),
        }
    }
}
