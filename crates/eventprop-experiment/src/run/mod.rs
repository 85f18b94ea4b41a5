//! Runs: training, testing, cross-validation.
//!
//! [`run`] is the one door. Epochs are chosen, learning rates lowered and runs compared by training
//! and validation data only; the test part is solved once, at the end.

mod cross_validate;
mod dossier;
mod error;
mod hidden;
mod keeper;
mod learner;
mod pictures;
mod progress;
mod report;
mod rewire;
mod test;
mod train;

use std::str::FromStr;

use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;

pub use error::RunError;
pub use hidden::HiddenStatistics;
pub use progress::{BatchProgress, Control, Observer, Phase, Progress, Started};
pub use report::{EpochReport, LayerReport, Score, Summary};

use crate::data::{self, Data, Source, Wanted};
use crate::engine::Engine;
use crate::outputs::Outputs;
use crate::params::{ParamError, Parameters};
use crate::settings::{Label, Select, Settings, SolverKind};

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
    outputs: &'a Outputs,
}

/// Runs a benchmark. Works in the current rayon pool; results do not depend on its size. Training
/// continues until its end or until `control` is cancelled; a cancelled run writes what it has.
///
/// # Errors
/// [`RunError`]; what was completed before stays on the disk.
pub fn run(
    command: Command,
    params: &Parameters,
    source: &Source,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let settings = Settings::new(params)?;
    check(command, params, &settings)?;
    let outputs = Outputs::new(&settings);
    outputs.prepare()?;
    let wanted = match command {
        Command::Train => Wanted::Validated,
        Command::TrainTest => Wanted::Whole,
        Command::CrossValidate => Wanted::Folds,
        Command::Test => Wanted::Test,
    };
    let data = data::load(params, &settings, source, wanted)?;
    let mut dumped = params.clone();
    data.settle(&mut dumped)?;
    for notice in settings.notices.iter().chain(&data.notices) {
        control.tell(&Progress::Notice(notice));
    }
    if command != Command::Test {
        outputs.write_json(&outputs.parameters(), &dumped.to_json())?;
    }
    let prepared = Prepared {
        command,
        settings: &settings,
        data: &data,
        outputs: &outputs,
    };
    if prepared.selects_on_test() {
        control.tell(&Progress::Notice(
            "SELECT_ON_TEST: the epoch is chosen by the samples that are tested, so the accuracy is too good",
        ));
    }
    control.tell(&Progress::Started(prepared.started()));
    match settings.solver {
        SolverKind::Grid => prepared.go::<Grid<f32>>(control),
        SolverKind::Event => prepared.go::<Event>(control),
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
    /// Whether the samples that are tested choose the epoch.
    fn selects_on_test(&self) -> bool {
        let tested = matches!(self.command, Command::TrainTest | Command::CrossValidate);
        tested && self.settings.select_on_test && self.settings.select == Select::Best
    }

    fn go<S: Engine>(&self, control: &mut Control<'_>) -> Result<Summary, RunError> {
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
