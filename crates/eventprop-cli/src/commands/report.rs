//! `eventprop report`: one page about one or several runs.

use std::path::PathBuf;

use eventprop_data::atomic;
use eventprop_report::{Report, ReportError};
use serde_json::json;

use crate::failure::{self, DONE, Failure};
use crate::{output, pictures};

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run folders, or folders that contain some
    #[arg(required = true, value_name = "RUN_DIR")]
    folders: Vec<PathBuf>,
    /// The report file [default: NAME_report.html in the folder of the run; report.html for several]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Also write every figure as PNG and SVG into this folder
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,
    /// Print one JSON object with the results and the paths
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        failure::conclude(self.try_run(), self.json)
    }

    fn try_run(&self) -> Result<u8, Failure> {
        let report = Report::read(&self.folders).map_err(|error| explain(&error))?;
        let path = self.out.clone().unwrap_or_else(|| report.default_path());
        let page = report.page();
        atomic::write(&path, |out| out.write_all(page.as_bytes())).map_err(Failure::failed)?;
        let figures = match &self.figures {
            Some(folder) => pictures::write_all(&report.figures(), folder)?,
            None => Vec::new(),
        };
        if self.json {
            let mut json = report.to_json();
            json["page"] = json!(path.display().to_string());
            json["figures"] = figures.iter().map(|f| f.display().to_string()).collect();
            output::out(&json.to_string());
        } else {
            let runs = report.runs().len();
            output::out(&format!(
                "{} ({runs} {}); open it in a browser",
                path.display(),
                if runs == 1 { "run" } else { "runs" }
            ));
            if let Some(folder) = &self.figures {
                output::out(&format!("{} files in {}", figures.len(), folder.display()));
            }
        }
        Ok(DONE)
    }
}

fn explain(error: &ReportError) -> Failure {
    match error {
        ReportError::NoRun { .. } => Failure::usage(error),
        ReportError::Unreadable { .. } => Failure::failed(error),
    }
}
