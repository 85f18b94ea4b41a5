//! The end of a run: first the result, then what only adorns it.

use std::path::PathBuf;

use super::error::RunError;
use super::prepared::Prepared;
use super::progress::{Control, Progress};
use super::report::Summary;
use crate::settings::Command;

/// A run whose summary is on the disk.
pub struct Ending<'a> {
    prepared: &'a Prepared<'a>,
    path: PathBuf,
}

impl<'a> Ending<'a> {
    /// Writes the summary and tells it; from now on the result cannot be lost.
    pub fn begin(
        prepared: &'a Prepared<'a>,
        summary: &Summary,
        control: &mut Control<'_>,
    ) -> Result<Self, RunError> {
        let path = prepared.outputs.named(match prepared.command {
            Command::Test => "test_summary.json",
            _ => "summary.json",
        });
        let ending = Self { prepared, path };
        ending.write(summary)?;
        control.tell(&Progress::Result(summary));
        Ok(ending)
    }

    /// A failure of what adorns the result is a note: the run has done its work.
    pub fn attempt(&self, tried: Result<(), RunError>, control: &mut Control<'_>) {
        if let Err(error) = tried {
            control.tell(&Progress::Notice(&format!(
                "{error}; the result does not depend on it and is in {}",
                self.path.display()
            )));
        }
    }

    /// Adds the files that were written to the summary.
    pub fn end(self, summary: &mut Summary, control: &mut Control<'_>) {
        summary.files.push(self.path.clone());
        let listed = self.write(summary);
        self.attempt(listed, control);
    }

    fn write(&self, summary: &Summary) -> Result<(), RunError> {
        let outputs = self.prepared.outputs;
        Ok(outputs.write_json(&self.path, &summary.to_json())?)
    }
}
