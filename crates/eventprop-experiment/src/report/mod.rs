//! `eventprop report`: what one or several runs did, as one page that needs nothing else.
//!
//! [`Report::read`] collects runs from their folders, [`Report::page`] writes the page,
//! [`Report::figures`] are its drawings for files of their own. The page holds style, script and
//! drawings; it asks no network and changes with the theme, the width and on paper.

mod chart;
mod compare;
mod confusion;
mod curves;
mod details;
mod figure;
mod html;
mod neurons;
mod page;
mod read;
mod samples;
mod weights;

use std::path::{Path, PathBuf};

use eventprop_data::atomic::{self, WriteError};
use serde_json::Value as Json;
use thiserror::Error;

pub use figure::Figure;
pub use read::{EpochLine, RunRecord};

/// A report could not be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// There is no run in a folder.
    #[error(
        "{folder} holds no run, nor does a folder in it: NAME.json beside NAME_metrics.jsonl is expected, as `eventprop train --out {folder}` leaves them",
        folder = folder.display()
    )]
    NoRun {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder cannot be read.
    #[error("{path} cannot be read: {problem}", path = path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A drawing failed.
    #[error("{path} could not be drawn: {problem}", path = path.display())]
    Draw {
        /// The file.
        path: PathBuf,
        /// What the plotting library said.
        problem: String,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

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

    /// Where the page goes when nobody says so: beside the files of the one run, otherwise in the
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

    /// Writes the page.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        let page = self.page();
        atomic::write(path, |out| out.write_all(page.as_bytes()))
    }

    /// Writes every drawing as PNG and SVG into a folder, which is made.
    ///
    /// # Errors
    /// [`ReportError::Draw`], [`ReportError::Write`].
    pub fn write_figures(&self, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
        std::fs::create_dir_all(folder).map_err(|source| WriteError {
            path: folder.to_owned(),
            source,
        })?;
        let mut written = Vec::new();
        for figure in self.figures() {
            let png = folder.join(format!("{}.png", figure.name));
            let bytes = figure.png().map_err(|problem| ReportError::Draw {
                path: png.clone(),
                problem,
            })?;
            atomic::write(&png, |out| out.write_all(&bytes))?;
            let svg = folder.join(format!("{}.svg", figure.name));
            atomic::write(&svg, |out| out.write_all(figure.file_svg().as_bytes()))?;
            written.extend([png, svg]);
        }
        Ok(written)
    }
}

/// Mean and standard deviation (of the sample, n − 1; none for one value); none without values.
fn mean_and_sd(values: &[f64]) -> Option<(f64, Option<f64>)> {
    if values.is_empty() {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    let sd = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
    Some((mean, sd))
}

#[cfg(test)]
mod tests {
    use super::mean_and_sd;

    #[test]
    fn mean_and_deviation_by_hand() {
        assert_eq!(mean_and_sd(&[]), None);
        assert_eq!(mean_and_sd(&[2.0]), Some((2.0, None)));
        assert_eq!(mean_and_sd(&[1.0, 3.0]), Some((2.0, Some(2.0_f64.sqrt()))));
    }
}
