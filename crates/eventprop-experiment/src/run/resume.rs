//! Continues a run from its last checkpoint.
//!
//! It ends with the same bits as a run that was never interrupted, because everything that it remembers
//! is in the checkpoint, every random draw depends on keys and not on what was drawn before, and what
//! the files that grow got after the checkpoint is taken away and written again.

use std::fs;
use std::path::{Path, PathBuf};

use eventprop_params::picture::Draw;
use eventprop_params::value::Value;
use eventprop_params::{Benchmark, Parameters};
use serde_json::Value as Json;

use super::checkpoints::Resumed;
use super::error::{ResumeError, RunError};
use super::execute::{RunRequest, StartMode, execute};
use super::progress::Control;
use super::report::Summary;
use crate::checkpoint;
use crate::data::Source;
use crate::settings::{Command, with_texts};

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
    /// True to resume even if settings or data have changed.
    pub force: bool,
    /// The present place of the data, if they have moved.
    pub source: Option<&'a Source>,
}

/// Resumes a run. Its data are looked for in `what.source` or, without one, where they were when it was begun and then
/// in `usual`.
///
/// # Errors
/// [`RunError`]; the checkpoint stays as it is.
pub fn resume(
    what: &Resume<'_>,
    usual: &Source,
    draw: Draw,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let path = find(what)?;
    let resumed = Resumed::new(checkpoint::read(&path)?)?;
    let state = &resumed.state;
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
    let request = RunRequest {
        command,
        params: &params,
        source: &source,
        draw,
        start: StartMode::Resumed { force: what.force },
    };
    execute(&request, control)
}

/// The checkpoint.
fn find(what: &Resume<'_>) -> Result<PathBuf, ResumeError> {
    let folder = what.folder.to_owned();
    if let Some(name) = what.name {
        return Ok(folder.join(format!("{name}{ENDING}")));
    }
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries.flatten(),
        Err(source) => return Err(ResumeError::Unreadable { folder, source }),
    };
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
    // A file is what is in it.
    let params = with_texts(&params)?.into_owned();
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
    let text = changed.map(|((row, before), (_, after))| match (before, after) {
        (Value::Text(before), Value::Text(after))
            if before.contains('\n') || after.contains('\n') =>
        {
            format!("{}: {}", row.key, first_line(&before, &after))
        }
        (before, after) => format!("{}={after} instead of {before}", row.key),
    });
    text.collect()
}

/// The first line in which two texts differ.
fn first_line(before: &str, after: &str) -> String {
    let mut lines = (before.lines().map(Some).chain(std::iter::repeat(None)))
        .zip(after.lines().map(Some).chain(std::iter::repeat(None)));
    let (place, (before, after)) = lines
        .by_ref()
        .enumerate()
        .find(|(_, (before, after))| before != after)
        .expect("they differ, if only in their ends");
    let shown =
        |line: Option<&str>| line.map_or("nothing".to_owned(), |line| format!("`{}`", line.trim()));
    format!(
        "line {} is {} instead of {}",
        place + 1,
        shown(after),
        shown(before)
    )
}
