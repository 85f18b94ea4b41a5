//! Writes the checkpoints of a run, and reads those that it resumes from.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eventprop_data::atomic::WriteError;
use serde_json::Value as Json;

use super::error::RunError;
use super::prepared::Prepared;
use super::report::Summary;
use super::training_state::{LearnerState, RunState, TrainingState};
use crate::checkpoint::{self, CheckpointError, Container, Defect, Found};

/// The share of the time that checkpoints after epochs may take. Where epochs are so short that writing
/// after each would take more, some are left out; what a crash then costs is at most the time in which
/// fifty could have been written.
const SHARE: f64 = 0.02;

/// Files that grow, by the end of their names.
const GROWING: [&str; 3] = ["results.txt", "metrics.jsonl", "report.jsonl"];

/// Writes the checkpoints of a run.
pub struct Saver<'a> {
    prepared: &'a Prepared<'a>,
    path: PathBuf,
    began: Instant,
    /// Time that all checkpoints took, and the last one.
    spent: Duration,
    last: Option<Duration>,
}

/// A checkpoint that a run resumes from.
pub struct Resumed {
    pub state: RunState,
    pub found: Found,
}

impl Resumed {
    /// Reads what a checkpoint says.
    pub fn new(found: Found) -> Result<Self, CheckpointError> {
        let state = serde_json::from_value(found.container.state.clone());
        match state {
            Ok(state) => Ok(Self { state, found }),
            Err(error) => Err(CheckpointError::Defect {
                path: found.path,
                defect: Defect::Damaged(format!("its state is not understood: {error}")),
            }),
        }
    }

    /// The error for a defect of its arrays.
    pub fn error(&self, defect: Defect) -> RunError {
        RunError::Checkpoint(CheckpointError::Defect {
            path: self.found.path.clone(),
            defect,
        })
    }
}

impl<'a> Saver<'a> {
    /// Nothing is written yet.
    pub fn new(prepared: &'a Prepared<'a>) -> Self {
        Self {
            prepared,
            path: prepared.outputs.checkpoint(),
            began: Instant::now(),
            spent: Duration::ZERO,
            last: None,
        }
    }

    /// True if a checkpoint after an epoch is due: always if the user said how often, otherwise when
    /// it takes a small share of the time.
    pub fn is_due_after_epoch(&self) -> bool {
        let asked = self.prepared.settings.checkpoint_every.is_some();
        let cheap = |last: Duration| {
            (self.spent + last).as_secs_f64() <= SHARE * self.began.elapsed().as_secs_f64()
        };
        asked || self.last.is_none_or(cheap)
    }

    /// Writes a checkpoint; `fill` adds the arrays.
    pub fn save(
        &mut self,
        training: &TrainingState,
        fill: impl FnOnce(&mut Container) -> LearnerState,
    ) -> Result<(), RunError> {
        if !self.prepared.outputs.writes() {
            return Ok(());
        }
        let begin = Instant::now();
        let mut container = Container::new(Json::Null);
        let learner = fill(&mut container);
        let state = RunState {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            benchmark: self.prepared.settings.benchmark.name().to_owned(),
            command: self.prepared.command.name().to_owned(),
            parameters: self.prepared.parameters.clone(),
            data: self.prepared.fingerprint.clone(),
            size: Some([self.prepared.data.inputs, self.prepared.data.classes]),
            source: self.prepared.source.lasting(),
            finished: false,
            training: training.clone(),
            learner,
            lengths: self.lengths()?,
        };
        container.state = serde_json::to_value(state).expect("a state has JSON's types");
        checkpoint::write(&self.path, &container)?;
        let took = begin.elapsed();
        self.spent += took;
        self.last = Some(took);
        Ok(())
    }

    fn lengths(&self) -> Result<BTreeMap<String, u64>, RunError> {
        let outputs = self.prepared.outputs;
        let length = |ending: &str| Ok((ending.to_owned(), outputs.length(ending)?));
        GROWING.into_iter().map(length).collect()
    }

    /// Marks the checkpoint as that of a run that came to its end.
    pub fn end(&self, summary: &Summary) -> Result<(), RunError> {
        if !self.prepared.outputs.writes() {
            return Ok(());
        }
        if summary.cancelled || self.last.is_none() && self.prepared.resumed.is_none() {
            return Ok(());
        }
        let mut container = checkpoint::read(&self.path)?.container;
        container.state["finished"] = Json::Bool(true);
        Ok(checkpoint::write(&self.path, &container)?)
    }
}

/// Sets the checkpoints of an earlier run aside. Returns the new name of that of an unfinished one, and
/// its epoch; those of a finished run are removed.
pub fn set_aside(path: &Path) -> Result<Option<(PathBuf, usize)>, RunError> {
    let kept = path.with_extension("replaced.safetensors");
    let unfinished = checkpoint::read(path).and_then(Resumed::new);
    let unfinished = unfinished.ok().filter(|resumed| !resumed.state.finished);
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| WriteError { path, source }
    };
    if let Some(resumed) = &unfinished {
        fs::rename(&resumed.found.path, &kept).map_err(at(&kept))?;
    }
    for path in [path, &checkpoint::previous(path)] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(at(path)(error).into()),
            _ => {}
        }
    }
    Ok(unfinished.map(|resumed| (kept, resumed.state.training.epoch)))
}
