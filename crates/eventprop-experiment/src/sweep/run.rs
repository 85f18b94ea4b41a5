//! One run of a search.

use std::path::PathBuf;

use eventprop_params::Parameters;
use eventprop_params::picture::Draw;
use eventprop_params::value::Value;
use serde_json::{Value as Json, json};

use super::error::SweepError;
use super::space::Combination;
use crate::data::Source;
use crate::run::{self, Command, Control, Resume, RunError, Summary};

/// A run of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepRun {
    /// Its place in the list.
    pub index: usize,
    /// Its folder.
    pub folder: PathBuf,
    /// The keys that the sweep sets, with their values.
    pub varied: Combination,
    /// All parameters, `OUT_DIR` included.
    pub params: Parameters,
}

/// The state of a run of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It has finished.
    Finished,
    /// It was stopped.
    Stopped,
    /// It has not begun.
    New,
}

impl SweepRun {
    /// A run with these keys set, in a folder of its own.
    ///
    /// # Errors
    /// [`SweepError::Param`].
    pub fn new(
        index: usize,
        folder: PathBuf,
        varied: Combination,
        base: &Parameters,
    ) -> Result<Self, SweepError> {
        let mut params = base.clone();
        for (key, value) in &varied {
            params.set(key, value.clone())?;
        }
        params.set("OUT_DIR", Value::Text(folder.display().to_string()))?;
        if !params.is_given("NAME") {
            params.set("NAME", Value::Text(params.benchmark().to_string()))?;
        }
        Ok(Self {
            index,
            folder,
            varied,
            params,
        })
    }

    /// Begins the run, or resumes it where it was stopped: with the data where they were, or, when they have moved, with
    /// those of `source`.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn carry_out(
        &self,
        status: Status,
        command: Command,
        (source, moved): (&Source, bool),
        draw: Draw,
        control: &mut Control<'_>,
    ) -> Result<Summary, RunError> {
        if status == Status::New {
            return run::run(command, &self.params, source, draw, control);
        }
        let what = Resume {
            folder: &self.folder,
            name: None,
            changes: &[],
            force: false,
            source: moved.then_some(source),
        };
        run::resume(&what, source, draw, control)
    }

    /// Its state, by its files.
    pub fn status(&self) -> Status {
        match self.summary() {
            Some(summary) if summary["cancelled"] == Json::Bool(false) => return Status::Finished,
            _ => {}
        }
        let name = self.params.text("NAME");
        let checkpoint = |ending: &str| self.folder.join(format!("{name}_{ending}")).is_file();
        if checkpoint("checkpoint.safetensors") || checkpoint("checkpoint.previous.safetensors") {
            Status::Stopped
        } else {
            Status::New
        }
    }

    /// Its results, if it has ended or was stopped.
    pub fn summary(&self) -> Option<Json> {
        let name = self.params.text("NAME");
        let text =
            std::fs::read_to_string(self.folder.join(format!("{name}_summary.json"))).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The run as a row of the table: index, folder, varied keys, status, results.
    pub fn row(&self) -> Json {
        let varied = self.varied.iter();
        let varied = varied.map(|(key, value)| (key.clone(), value.to_json()));
        let mut row = json!({
            "index": self.index,
            "folder": self.folder.display().to_string(),
            "status": match self.status() {
                Status::Finished => "finished",
                Status::Stopped => "stopped",
                Status::New => "new",
            },
            "parameters": Json::Object(varied.collect()),
        });
        let summary = self.summary().unwrap_or(Json::Null);
        for key in RESULTS {
            row[key] = summary[key].clone();
        }
        row
    }
}

/// Results in the table, as they stand in summaries.
pub const RESULTS: [&str; 5] = [
    "train_accuracy",
    "validation_accuracy",
    "test_accuracy",
    "selected_epoch",
    "seconds",
];

/// The name of a folder that says what is special about its run.
pub fn folder_name(index: usize, varied: &Combination) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "=.-_+,".contains(c) {
            c
        } else {
            '_'
        }
    };
    let words = varied.iter().map(|(key, value)| format!("{key}={value}"));
    let words = words.collect::<Vec<_>>().join(",");
    // File systems take names of up to 255 bytes.
    let words: String = words.chars().map(plain).take(150).collect();
    format!("{index:04}-{words}")
}
