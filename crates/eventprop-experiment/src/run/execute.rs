//! From a request to a run: parameters are checked, data loaded, the folder locked, the checkpoint opened.

use eventprop_gpu::{OnDevice, with_solver_on};
use eventprop_params::Parameters;
use eventprop_params::picture::Draw;

use super::checkpoints::{self, Resumed};
use super::checks::check;
use super::error::{ResumeError, RunError};
use super::prepared::Prepared;
use super::progress::{Control, Progress};
use super::report::Summary;
use super::training_state::RunState;
use super::{cross_validate, test, train};
use crate::checkpoint::{self, Container};
use crate::data::{self, Source, Wanted, fingerprint};
use crate::lock::RunLock;
use crate::outputs::Outputs;
use crate::settings::{Command, Settings, with_texts};

/// A run that is asked for.
pub struct RunRequest<'a> {
    pub command: Command,
    pub params: &'a Parameters,
    pub source: &'a Source,
    pub draw: Draw,
    pub start: StartMode,
}

/// The start of a run: new, or from its checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartMode {
    /// From its first epoch.
    New,
    /// From its checkpoint; with `force` also when the data have changed.
    Resumed { force: bool },
}

/// Checks, loads, locks the folder, and runs the command on the solver of the settings.
pub fn execute(request: &RunRequest<'_>, control: &mut Control<'_>) -> Result<Summary, RunError> {
    let ended = attempt(request, control);
    if ended.is_err() {
        control.fail();
    }
    ended
}

fn attempt(request: &RunRequest<'_>, control: &mut Control<'_>) -> Result<Summary, RunError> {
    let command = request.command;
    let params = &*with_texts(request.params)?;
    let settings = Settings::new(params)?;
    check(command, params, &settings)?;
    let load = || {
        let wanted = match command {
            Command::Train => Wanted::Validated,
            Command::TrainTest => Wanted::Whole,
            Command::CrossValidate => Wanted::Folds,
            Command::Test => Wanted::Test,
        };
        data::load(params, &settings, request.source, wanted)
    };
    // A run that has no data leaves no folder behind.
    let loaded = match request.start {
        StartMode::New => Some(load()?),
        StartMode::Resumed { .. } => None,
    };
    control.agree(false)?;
    if control.cancelled() {
        return Err(RunError::StoppedBefore);
    }
    let mut outputs = Outputs::new(&settings);
    if !control.writes() {
        outputs = outputs.of_another_rank();
    }
    let _lock = lock(&outputs, control)?;
    let resumed = open_checkpoint(request, &outputs, &settings, control)?;
    let data = loaded.map_or_else(load, Ok)?;
    let mut dumped = params.clone();
    data.settle(&mut dumped)?;
    let fingerprint = fingerprint(&data);
    control.compare(|| {
        let checkpoint = resumed.as_ref().map(|resumed| &resumed.found.container);
        lines(command, &dumped, (&fingerprint, checkpoint))
    })?;
    for notice in settings.notices.iter().chain(&data.notices) {
        control.tell(&Progress::Notice(notice));
    }
    let hidden = settings.network.hidden.iter().copied();
    let sizes: Vec<usize> = std::iter::once(data.inputs)
        .chain(hidden)
        .chain([data.classes])
        .collect();
    let names = settings.network.names(settings.benchmark);
    settings.records.check(params, &names, &sizes)?;
    let prepared = Prepared {
        command,
        settings: &settings,
        data: &data,
        source: request.source,
        outputs: &outputs,
        parameters: dumped.to_json(),
        fingerprint,
        draw: request.draw,
        resumed: resumed.as_ref(),
    };
    continue_files(&prepared, request.start, control)?;
    if prepared.selects_on_test() {
        control.tell(&Progress::Notice(
            "SELECT_ON_TEST: the epoch is chosen by the samples that are tested, so the accuracy is too good",
        ));
    }
    control.tell(&Progress::Started(prepared.started()));
    with_solver_on!(&settings.device, settings.solver, S => run_command::<S>(&prepared, control))
}

/// Makes the folder and takes its lock; the first rank does so for all.
fn lock(outputs: &Outputs, control: &mut Control<'_>) -> Result<Option<RunLock>, RunError> {
    if !outputs.writes() {
        return Ok(None);
    }
    outputs.prepare()?;
    let lock = RunLock::take(&outputs.lock())?;
    if !lock.held {
        control.tell(&Progress::Notice(
            "the file system has no locks: see to it that no other process works in this folder",
        ));
    }
    Ok(Some(lock))
}

/// What must be the same at all ranks, a line each.
fn lines(
    command: Command,
    params: &Parameters,
    (data, checkpoint): (&str, Option<&Container>),
) -> String {
    let mut lines = vec![
        format!("version {}", env!("CARGO_PKG_VERSION")),
        format!("{} {}", command.name(), params.benchmark()),
    ];
    let rows = params.iter();
    lines.extend(rows.map(|(row, value)| format!("{}={value}", row.key)));
    lines.push(format!("data with the fingerprint {data}"));
    lines.push(match checkpoint {
        Some(checkpoint) => format!("a checkpoint with the sum {}", checkpoint.sum()),
        None => "no checkpoint".to_owned(),
    });
    lines.join("\n")
}

/// The checkpoint to resume from, if any. An unfinished run's checkpoint is moved aside when a new run
/// starts.
fn open_checkpoint(
    request: &RunRequest<'_>,
    outputs: &Outputs,
    settings: &Settings,
    control: &mut Control<'_>,
) -> Result<Option<Resumed>, RunError> {
    let path = outputs.checkpoint();
    match request.start {
        StartMode::New if request.command == Command::Test || !outputs.writes() => Ok(None),
        StartMode::New => {
            if let Some((kept, epoch)) = checkpoints::set_aside(&path)? {
                control.tell(&Progress::Notice(&format!(
                    "this folder held an unfinished run of this name (in epoch {}), which `eventprop resume` would have continued; its checkpoint is kept as {}",
                    epoch + 1,
                    kept.display()
                )));
            }
            Ok(None)
        }
        StartMode::Resumed { .. } => {
            let resumed = Resumed::new(checkpoint::read(&path)?)?;
            let RunState {
                training,
                finished,
                learner,
                ..
            } = &resumed.state;
            if *finished && settings.epochs <= training.epoch {
                return Err(RunError::Resume(ResumeError::Finished {
                    name: settings.name.clone(),
                    epochs: training.epoch,
                }));
            }
            let amid = training.trained.is_some() || learner.totals.is_some();
            let begun = training.epoch + usize::from(amid);
            if settings.epochs < begun {
                return Err(RunError::Resume(ResumeError::Beyond {
                    name: settings.name.clone(),
                    begun,
                    epochs: settings.epochs,
                }));
            }
            Ok(Some(resumed))
        }
    }
}

/// Before a run continues: its data must be the same as before, and lines that its growing files got after
/// the checkpoint are removed.
fn continue_files(
    prepared: &Prepared<'_>,
    start: StartMode,
    control: &mut Control<'_>,
) -> Result<(), RunError> {
    let Some(Resumed { state, found }) = prepared.resumed else {
        return Ok(());
    };
    let force = start == StartMode::Resumed { force: true };
    if state.data != prepared.fingerprint && !force {
        return Err(RunError::Resume(ResumeError::Data {
            found: prepared.fingerprint.clone(),
            expected: state.data.clone(),
        }));
    }
    if let Some(newer) = &found.newer {
        control.tell(&Progress::Notice(&format!(
            "{newer}; going on from the one before it, {}",
            found.path.display()
        )));
    }
    for (ending, length) in state.lengths.iter().filter(|_| prepared.outputs.writes()) {
        if !prepared.outputs.shorten(ending, *length)? {
            control.tell(&Progress::Notice(&format!(
                "{} is shorter than it was: lines of earlier epochs are missing",
                prepared.outputs.named(ending).display()
            )));
        }
    }
    Ok(())
}

fn run_command<S: OnDevice>(
    prepared: &Prepared<'_>,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    match prepared.command {
        Command::Train | Command::TrainTest => train::train::<S>(prepared, control),
        Command::Test => test::test::<S>(prepared, control),
        Command::CrossValidate => cross_validate::cross_validate::<S>(prepared, control),
    }
}
