//! A run that goes on where its last checkpoint was written.
//!
//! It ends with the same bits as a run that was never interrupted, because everything that it remembers
//! is in the checkpoint, every random draw depends on keys and not on what was drawn before, and what
//! the files that grow got after the checkpoint is taken away and written again.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use thiserror::Error;

use super::error::RunError;
use super::progress::Control;
use super::report::Summary;
use super::saver::TakenUp;
use super::{Beginning, Command, Order};
use crate::checkpoint;
use crate::data::Source;
use crate::params::{Benchmark, Parameters};
use crate::value::Value;

/// Keys that may change without changing what was computed so far.
const FREE: [&str; 5] = [
    "OUT_DIR",
    "CHECKPOINT_EVERY",
    "TRAINING_PLOT",
    "TRAINING_PLOT_INTERVAL",
    "FANCY_PLOTS",
];

const ENDING: &str = "_checkpoint.safetensors";

/// A run to be resumed.
#[derive(Debug, Clone)]
pub struct Resume<'a> {
    /// Its folder.
    pub folder: &'a Path,
    /// Its name, where the folder holds several.
    pub name: Option<&'a str>,
    /// Parameters to change, as `KEY=VALUE`.
    pub changes: &'a [String],
    /// Whether it goes on although settings or data are others than before.
    pub force: bool,
    /// Where the data are now, where they are not where they were.
    pub source: Option<&'a Source>,
}

/// The reason why a run cannot be resumed.
#[derive(Debug, Error)]
pub enum ResumeError {
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
    /// It came to its end.
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
    /// It is beyond the epoch that is to be its last.
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
    /// Whether the command line is to blame.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Data { .. })
    }
}

/// Takes up a run. Its data are looked for in `what.source` or, without one, where they were when it was begun and then
/// in `usual`.
///
/// # Errors
/// [`RunError`]; the checkpoint stays as it is.
pub fn resume(
    what: &Resume<'_>,
    usual: &Source,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let path = find(what)?;
    let taken_up = TakenUp::new(checkpoint::read(&path)?)?;
    let state = &taken_up.state;
    let unknown = |what: &str| ResumeError::Unknown {
        what: what.to_owned(),
    };
    let benchmark: Benchmark = state
        .benchmark
        .parse()
        .map_err(|_| unknown(&state.benchmark))?;
    let command: Command = state.command.parse().map_err(|_| unknown(&state.command))?;
    let params = parameters((benchmark, command), &state.parameters, what)?;
    let source = match (what.source, &state.source) {
        (Some(source), _) => source.clone(),
        (None, Some(before)) => before.clone().or(usual),
        (None, None) => usual.clone(),
    };
    let order = Order {
        command,
        params: &params,
        source: &source,
        beginning: Beginning::Resumed { force: what.force },
    };
    super::go(&order, control)
}

/// The checkpoint.
fn find(what: &Resume<'_>) -> Result<PathBuf, ResumeError> {
    let folder = what.folder.to_owned();
    if let Some(name) = what.name {
        return Ok(folder.join(format!("{name}{ENDING}")));
    }
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let name = name.replace("_checkpoint.previous.safetensors", ENDING);
        Some(name.strip_suffix(ENDING)?.to_owned())
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    match &names[..] {
        [] => Err(ResumeError::Nothing { folder }),
        [name] => Ok(folder.join(format!("{name}{ENDING}"))),
        _ => Err(ResumeError::Several {
            folder,
            names: names.join(", "),
        }),
    }
}

/// The parameters with which the run was begun and those that may change or must.
fn parameters(
    (benchmark, command): (Benchmark, Command),
    stored: &Json,
    what: &Resume<'_>,
) -> Result<Parameters, RunError> {
    let before = Parameters::of_json(benchmark, stored)?;
    let mut params = before.clone();
    let file = what.folder.join(format!("{}.json", params.text("NAME")));
    if file.is_file() {
        params.read(&file)?;
    }
    for change in what.changes {
        params.assign(change)?;
    }
    let folder = what.folder.display().to_string();
    params.set("OUT_DIR", Value::Text(folder))?;
    let differences = differences(command, &before, &params);
    if what.force || differences.is_empty() {
        return Ok(params);
    }
    Err(RunError::Resume(ResumeError::Settings {
        differences: differences.join(", "),
    }))
}

/// The differences that change what is computed.
fn differences(command: Command, before: &Parameters, after: &Parameters) -> Vec<String> {
    let both = before.iter().zip(after.iter());
    let free = |key| match key {
        // The last epoch of `train_test` and every fold of `xval` are evaluated in their own way.
        "N_EPOCH" => command == Command::Train,
        key => FREE.contains(&key),
    };
    let changed =
        both.filter(|((row, before), (_, after))| row.effect && before != after && !free(row.key));
    let text = changed
        .map(|((row, before), (_, after))| format!("{}={after} instead of {before}", row.key));
    text.collect()
}
