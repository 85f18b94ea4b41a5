//! Short real runs, and what they leave on the disk.

mod cameras;
mod commands;
mod determinism;
mod doctor;
mod every_key_has_an_effect;
mod folds;
mod losses;
mod metrics;
mod records;
mod results;
mod settings;
mod shd;
mod smnist;
mod wirings;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use eventprop_experiment::data::Source;
use eventprop_experiment::run::{self, Command, Control, Progress, RunError, Summary};
use eventprop_params::{Benchmark, Parameters};
use tempfile::TempDir;

/// A run in a folder of its own.
struct Trial {
    folder: TempDir,
    params: Parameters,
}

impl Trial {
    /// A small run: Yin-Yang with 192 + 48 + 48 samples, the demonstration of MNIST, 48 + 24 + 40 synthetic
    /// SHD, or a few samples of the other demonstrations.
    fn new(benchmark: Benchmark, assignments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut params = Parameters::new(benchmark);
        let small: &[&str] = match benchmark {
            Benchmark::YinYang => &[
                "NUM_HIDDEN=20",
                "N_TRAIN=64",
                "N_VALIDATE=16",
                "N_TEST=16",
                "N_EPOCH=2",
                "INPUT_HIDDEN_MEAN=2.5",
                "HIDDEN_OUTPUT_MEAN=1.5",
            ],
            Benchmark::Mnist => &["NUM_HIDDEN=20", "N_EPOCH=2"],
            Benchmark::Smnist => &[
                "N_TRAIN=24",
                "N_VALIDATE=12",
                "N_TEST=12",
                "DT_MS=14",
                "N_BATCH=12",
                "NUM_HIDDEN=8",
                "INPUT_HIDDEN_MEAN=0.2",
                "INPUT_HIDDEN_STD=0.2",
                "N_EPOCH=2",
            ],
            Benchmark::Nmnist => &[
                "N_TRAIN=24",
                "N_VALIDATE=12",
                "N_TEST=12",
                "DT_MS=10",
                "CAMERA_SIDE=12",
                "N_BATCH=12",
                "NUM_HIDDEN=8",
                "INPUT_HIDDEN_MEAN=0.05",
                "N_EPOCH=2",
            ],
            Benchmark::DvsGesture => &[
                "N_TRAIN=44",
                "N_TEST=22",
                "DT_MS=20",
                "TRIAL_MS=800",
                "CAMERA_SIDE=16",
                "N_BATCH=22",
                "NUM_HIDDEN=8",
                "INPUT_HIDDEN_MEAN=0.5",
                "N_EPOCH=2",
            ],
            Benchmark::Custom => &["N_BATCH=4", "NUM_HIDDEN=8", "N_EPOCH=2"],
            Benchmark::Shd | Benchmark::Ssc => &[
                "DATA_SET=synthetic",
                "EVALUATION=random",
                "N_TRAIN=48",
                "N_VALIDATE=24",
                "N_TEST=40",
                "DT_MS=10",
                "TRIAL_MS=600",
                "N_BATCH=12",
                "NUM_HIDDEN=16",
                "INPUT_HIDDEN_MEAN=0.05",
                "INPUT_HIDDEN_STD=0.02",
                "LR_EASE_IN_FACTOR=1",
                "N_EPOCH=2",
            ],
        };
        for assignment in small.iter().chain(assignments) {
            params.assign(assignment).expect(assignment);
        }
        let out_dir = format!("OUT_DIR={}", folder.path().display());
        params.assign(&out_dir).expect("a folder");
        params.draw_seeds(|| 5);
        Self { folder, params }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect(name)
    }

    /// Names of all files, sorted.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("ASCII")
            })
            .collect();
        names.sort();
        names
    }

    fn run(&self, command: Command) -> Result<Summary, RunError> {
        self.run_until(command, |_| false)
    }

    /// Runs with an empty data folder that the user named, so that nothing stands in for missing files.
    fn run_in_named_folder(&self, command: Command) -> Result<Summary, RunError> {
        let source = Source {
            dirs: vec![self.path("no-data")],
            demonstration: false,
        };
        let (mut nobody, never) = (|_: &Progress<'_>| {}, AtomicBool::new(false));
        let mut control = Control::new(&mut nobody, &never);
        run::run(
            command,
            &self.params,
            &source,
            eventprop_report::draw,
            &mut control,
        )
    }

    /// Goes on with a run that was stopped, or for more epochs.
    fn resume(&self, changes: &[&str], force: bool) -> Result<Summary, RunError> {
        let source = Source {
            dirs: Vec::new(),
            demonstration: true,
        };
        let what = run::Resume {
            folder: self.folder.path(),
            name: None,
            changes: &changes
                .iter()
                .map(|&change| change.to_owned())
                .collect::<Vec<_>>(),
            force,
            source: Some(&source),
        };
        let (mut nobody, never) = (|_: &Progress<'_>| {}, AtomicBool::new(false));
        let mut control = Control::new(&mut nobody, &never);
        run::resume(&what, &source, eventprop_report::draw, &mut control)
    }

    /// Runs until `stop` says so.
    fn run_until(
        &self,
        command: Command,
        mut stop: impl FnMut(&Progress<'_>) -> bool + Send,
    ) -> Result<Summary, RunError> {
        let cancel = AtomicBool::new(false);
        let mut observer = |progress: &Progress<'_>| {
            if stop(progress) {
                cancel.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        };
        let source = Source {
            dirs: Vec::new(),
            demonstration: true,
        };
        let mut control = Control::new(&mut observer, &cancel);
        run::run(
            command,
            &self.params,
            &source,
            eventprop_report::draw,
            &mut control,
        )
    }
}

/// Shape and values of a `.npy` file.
fn array(path: &Path) -> (Vec<usize>, Vec<f64>) {
    let array = eventprop_data::formats::npy::read_any(path).expect("an array");
    (array.shape, array.values.to_f64())
}

/// The lines of a results file as numbers.
fn columns(text: &str) -> Vec<Vec<f64>> {
    let line = |line: &str| {
        line.split(' ')
            .map(|x| x.parse().expect("a number"))
            .collect()
    };
    text.lines().map(line).collect()
}
