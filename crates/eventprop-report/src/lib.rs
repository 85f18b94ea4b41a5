//! The report on runs, as one page that needs nothing else, and as pictures.
//!
//! [`Report::read`] collects runs from their folders, [`Report::page`] writes the page,
//! [`Report::figures`] are its drawings for files of their own. The page holds style, script and
//! drawings; it asks no network and changes with the theme, the width and on paper. [`draw()`] makes
//! the pictures that a run puts beside its files, [`Scaling`] and [`AudioPreview`] those of `bench` and
//! `preview-audio`.
//!
//! Everything is a [`Figure`]: shapes whose colours are roles. This crate reads files and draws; it
//! writes none, and knows no network and no solver.

mod chart;
mod compare;
mod confusion;
mod curves;
mod details;
mod error;
mod figure;
mod html;
mod kernels;
mod neurons;
mod page;
mod pictures;
mod png;
mod read;
mod response;
mod samples;
mod statistics;
mod weights;

use std::path::PathBuf;

use serde_json::Value as Json;

pub use error::ReportError;
pub use figure::Figure;
pub use pictures::audio_preview::{AudioPreview, AudioSpike, Resonance};
pub use pictures::draw;
pub use pictures::scaling::{Law, Panel, Scaling, Size};
pub use read::{EpochLine, RunRecord};
pub use response::Traces;

/// Runs that are reported on together.
#[derive(Debug)]
pub struct Report {
    runs: Vec<RunRecord>,
}

impl Report {
    /// The runs in some folders, or in the folders within these.
    ///
    /// # Errors
    /// [`ReportError::NoRun`], [`ReportError::Unreadable`].
    pub fn read(folders: &[PathBuf]) -> Result<Self, ReportError> {
        let mut runs = Vec::new();
        for folder in folders {
            runs.extend(read::runs(folder)?);
        }
        Ok(Self { runs })
    }

    /// The runs.
    pub fn runs(&self) -> &[RunRecord] {
        &self.runs
    }

    /// The default path of the page: beside the files of the one run, otherwise in the
    /// present folder.
    pub fn default_path(&self) -> PathBuf {
        match &self.runs[..] {
            [run] => run.folder.join(format!("{}_report.html", run.name)),
            _ => PathBuf::from("report.html"),
        }
    }

    /// The page.
    pub fn page(&self) -> String {
        match &self.runs[..] {
            [run] => details::page(run),
            runs => compare::page(runs),
        }
    }

    /// The drawings of the page.
    pub fn figures(&self) -> Vec<Figure> {
        match &self.runs[..] {
            [run] => details::figures(run),
            runs => compare::figures(runs),
        }
    }

    /// The results as JSON: a list of runs, and one of groups of runs that differ in their seeds only.
    pub fn to_json(&self) -> Json {
        compare::to_json(&self.runs)
    }
}
