//! Shows the progress of a run: a bar on a terminal, a line for each epoch elsewhere.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use eventprop_experiment::run::{BatchProgress, EpochReport, Observer, Phase, Progress, Started};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// The amount of text, and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Notices only, on standard error.
    Quiet,
    /// All on standard error: standard output is for one JSON object.
    OnStderr,
    /// Lines on standard output.
    OnStdout,
}

/// Time between two texts of the bar.
const REFRESH: Duration = Duration::from_millis(100);

/// Shows the progress of a run.
#[derive(Debug)]
pub struct Display {
    verbosity: Verbosity,
    bar: ProgressBar,
    epochs: usize,
    epochs_done: usize,
    samples_done: u64,
    refreshed: Instant,
    fold: Option<(usize, usize, String)>,
}

impl Display {
    /// A display; the bar is shown when standard error is a terminal.
    pub fn new(verbosity: Verbosity) -> Self {
        let visible = verbosity != Verbosity::Quiet && io::stderr().is_terminal();
        let target = if visible {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            verbosity,
            bar: ProgressBar::with_draw_target(None, target),
            epochs: 0,
            epochs_done: 0,
            samples_done: 0,
            refreshed: Instant::now(),
            fold: None,
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// A line that stays.
    fn line(&self, text: &str) {
        self.bar.suspend(|| match self.verbosity {
            Verbosity::Quiet => {}
            Verbosity::OnStderr => output::err(text),
            Verbosity::OnStdout => output::out(text),
        });
    }

    fn start(&mut self, started: &Started<'_>) {
        let solver = started.solver.name();
        let [train, validation, test] = started.samples;
        self.line(&format!(
            "{} {}, loss {}, {solver} solver",
            started.benchmark, started.network, started.loss
        ));
        self.line(&format!(
            "{train} training, {validation} validation, {test} test samples"
        ));
        let seed = |(key, seed): &(&str, u32)| format!("{key}={seed}");
        let seeds: Vec<String> = started.seeds.iter().map(seed).collect();
        let folder = started.folder.display();
        self.line(&format!("{}; files go to {folder}", seeds.join(" ")));
        self.epochs = started.epochs;
        self.epochs_done = started.epochs_done;
        self.samples_done = (started.epochs_done * train) as u64;
        if started.epochs > 0 {
            self.bar.set_length((started.epochs * train) as u64);
            self.bar.set_position(self.samples_done);
            self.bar.reset_eta();
            let style = ProgressStyle::with_template("{bar:16} {percent:>3} %  {eta} left  {msg}");
            self.bar.set_style(style.expect("the template is valid"));
        }
    }

    fn batch(&mut self, batch: &BatchProgress) {
        if batch.phase == Phase::Train {
            self.bar
                .set_position(self.samples_done + batch.samples_done as u64);
        }
        let ended = batch.samples_done == batch.samples;
        if batch.phase == Phase::Train && ended {
            self.samples_done += batch.samples as u64;
        }
        if self.bar.is_hidden() || self.refreshed.elapsed() < REFRESH {
            return;
        }
        self.refreshed = Instant::now();
        let what = match batch.phase {
            Phase::Train => format!("epoch {}/{}", self.epochs_done + 1, self.epochs),
            Phase::Validation => "validation".to_owned(),
            Phase::Test => "test".to_owned(),
        };
        self.bar.set_message(format!(
            "{what} loss {:.3} acc {:.1} % {:.2} spikes",
            batch.loss,
            100.0 * batch.accuracy,
            batch.spikes_per_neuron
        ));
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.epochs_done += 1;
        let width = self.epochs.to_string().len();
        let fold = self.fold.as_ref();
        let fold = fold.map_or_else(String::new, |(fold, folds, held_out)| {
            format!("fold {}/{folds} without {held_out}  ", fold + 1)
        });
        let evaluation = report.evaluation.map_or_else(String::new, |score| {
            format!("  val {:.1} %", 100.0 * score.accuracy)
        });
        let over_cap: u64 = report.layers.iter().map(|layer| layer.over_cap).sum();
        let over_cap = match over_cap {
            0 => String::new(),
            count => format!("  {count} neurons above N_MAX_SPIKE (none dropped)"),
        };
        self.line(&format!(
            "{fold}epoch {:>width$}/{}  loss {:.3}  train {:.1} %{evaluation}  {:.2} spikes, {} silent  {:.*} s{over_cap}",
            self.epochs_done,
            self.epochs,
            report.train.loss,
            100.0 * report.train.accuracy,
            report.spikes_per_neuron(),
            report.silent(),
            usize::from(report.seconds < 9.95),
            report.seconds,
        ));
    }
}

impl Observer for Display {
    fn hear(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Notice(text) => self.bar.suspend(|| output::err(&format!("note: {text}"))),
            Progress::Started(started) => self.start(started),
            Progress::Fold {
                fold,
                folds,
                held_out,
            } => self.fold = Some((*fold, *folds, (*held_out).to_owned())),
            Progress::Batch(batch) => self.batch(batch),
            Progress::Epoch(report) => self.epoch(report),
            Progress::Result(_) => self.bar.finish_and_clear(),
            Progress::Recorded(_) => {}
        }
    }
}
