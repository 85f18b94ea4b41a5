//! Event files for TensorBoard, written during a run (`--tensorboard`).
//!
//! A [`Board`] is an observer of a run. Its files lie in `tensorboard/NAME` of the output folder, so
//! that `tensorboard --logdir OUT_DIR` finds them; a cross-validation has a folder for each fold. The
//! step is the number of epochs that were completed. Which run it is, the board hears when it begins.

mod event_file;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use event_file::{At, EventFile, Shown};

use crate::metrics::{EpochMetrics, unix_seconds};
use crate::run::{EpochReport, Observer, Progress, RewiringReport, Summary};

/// Writes what it hears of a run to event files.
#[derive(Debug, Default)]
pub struct Board {
    /// Empty before the run begins.
    folder: PathBuf,
    /// The open file, and the fold that it belongs to.
    open: Option<(Option<usize>, EventFile)>,
    problem: Option<(PathBuf, io::Error)>,
}

impl Board {
    /// Adds the results of the run.
    ///
    /// # Errors
    /// A sentence on the first thing that could not be written; the run itself went on.
    pub fn finish(mut self, summary: &Summary) -> Result<(), String> {
        let scores = [
            ("test", summary.test),
            ("chosen/validation", summary.validation),
        ];
        let mut shown = Vec::new();
        for (name, score) in scores {
            shown.extend(score.map(|s| scalar(&format!("accuracy/{name}"), s.accuracy)));
            shown.extend(score.map(|s| scalar(&format!("loss/{name}"), s.loss)));
        }
        if self.open.is_some() {
            let at = At {
                step: summary.epochs as u64,
                unix_seconds: unix_seconds(),
            };
            let written = self.file(None).and_then(|file| file.add(at, &shown));
            self.note(written);
        }
        match self.problem {
            None => Ok(()),
            Some((path, error)) => Err(format!(
                "the TensorBoard files in {} are not complete: {error}; the run itself is",
                path.display()
            )),
        }
    }

    fn epoch(&mut self, report: &EpochReport) -> io::Result<()> {
        let at = At {
            step: report.epoch as u64 + 1,
            unix_seconds: report.inside.unix_seconds,
        };
        let mut shown = scalars(report);
        let EpochMetrics { parameters, .. } = &report.inside;
        let histograms = parameters.iter().map(|(name, histogram)| {
            let tag = format!("parameters/{}", tag_of(name));
            (tag, Shown::Histogram(histogram))
        });
        shown.extend(histograms);
        self.file(report.fold)?.add(at, &shown)
    }

    /// The file of a fold, which is made when it is first needed.
    fn file(&mut self, fold: Option<usize>) -> io::Result<&mut EventFile> {
        let file = match self.open.take() {
            Some((of, file)) if of == fold => file,
            _ => {
                let folder = match fold {
                    Some(fold) => self.folder.join(format!("fold{fold}")),
                    None => self.folder.clone(),
                };
                create(&folder)?
            }
        };
        Ok(&mut self.open.insert((fold, file)).1)
    }

    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            let problem = (self.folder.clone(), error);
            self.problem.get_or_insert(problem);
        }
    }
}

/// A new event file: TensorBoard wants `tfevents` and the time in the name, and reads all files of a
/// folder in the order of their names, so that a resumed run continues the curves.
fn create(folder: &Path) -> io::Result<EventFile> {
    fs::create_dir_all(folder)?;
    let now = unix_seconds();
    let mut turn = 0;
    loop {
        let name = format!("events.out.tfevents.{:010.0}.eventprop.{turn}", now.floor());
        match EventFile::create(&folder.join(name), now) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => turn += 1,
            created => return created,
        }
    }
}

impl Observer for Board {
    fn hear(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Started(run) => self.folder = run.folder.join("tensorboard").join(run.name),
            Progress::Epoch(report) => {
                let written = self.epoch(report);
                self.note(written);
            }
            _ => {}
        }
    }
}

fn scalar(tag: &str, value: f64) -> (String, Shown<'static>) {
    (tag.to_owned(), Shown::Scalar(value))
}

/// Names such as `input->hidden` with the characters that TensorBoard allows.
fn tag_of(name: &str) -> String {
    name.replace("->", "_to_")
}

fn scalars(report: &EpochReport) -> Vec<(String, Shown<'static>)> {
    let mut shown = vec![
        scalar("loss/training", report.train.loss),
        scalar("accuracy/training", report.train.accuracy),
    ];
    if let Some(score) = report.evaluation {
        shown.push(scalar("loss/evaluation", score.loss));
        shown.push(scalar("accuracy/evaluation", score.accuracy));
    }
    shown.push(scalar("optimiser/learning_rate", report.eta));
    for layer in &report.layers {
        let mut add = |what: &str, value: f64| {
            shown.push(scalar(&format!("{what}/{}", layer.name), value));
        };
        let share = |count: usize| count as f64 / layer.size as f64;
        add("spikes_per_neuron", layer.spikes_per_neuron);
        add("silent_share", share(layer.silent));
        add("saturated_share", share(layer.saturated));
        add("grazing_spikes", layer.grazing as f64);
    }
    shown.push(scalar(
        "grazing_spikes/output",
        report.grazing_outputs as f64,
    ));
    if let Some(RewiringReport { rewired, stuck }) = report.rewiring {
        shown.push(scalar("rewiring/rewired", rewired as f64));
        shown.push(scalar("rewiring/stuck", stuck as f64));
    }
    for norm in &report.inside.gradients {
        let tag = format!("gradient_norm/{}", tag_of(&norm.name));
        shown.push(scalar(&tag, norm.mean));
    }
    shown.push(scalar("machine/seconds_per_epoch", report.seconds));
    let rate = report.train.samples as f64 / report.seconds;
    shown.push(scalar("machine/samples_per_second", rate));
    if let Some(bytes) = report.inside.memory_peak_bytes {
        shown.push(scalar("machine/memory_peak_megabytes", bytes as f64 / 1e6));
    }
    shown
}
