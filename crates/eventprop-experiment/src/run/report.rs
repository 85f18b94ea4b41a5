//! Results of phases, epochs and runs, as lines of text and as JSON.

use std::path::PathBuf;

use eventprop_params::Benchmark;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::hidden::HiddenStatistics;
use crate::checkpoint::exact;
use crate::metrics::EpochMetrics;

/// Loss and accuracy of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Samples.
    pub samples: usize,
    /// Mean loss of a sample.
    #[serde(with = "exact")]
    pub loss: f64,
    /// Accuracy: fraction of correct predictions, 0 to 1.
    #[serde(with = "exact")]
    pub accuracy: f64,
}

/// Activity of a hidden layer in the training of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// Name of the population.
    pub name: String,
    /// Neurons.
    pub size: usize,
    /// Spikes per neuron and sample.
    pub spikes_per_neuron: f64,
    /// Neurons that never spiked.
    pub silent: usize,
    /// Neurons that spike nearly as often as they can.
    pub saturated: usize,
    /// Spikes that only grazed the threshold.
    pub grazing: u64,
    /// Pairs of sample and neuron with more than `N_MAX_SPIKE` spikes.
    pub over_cap: u64,
}

/// Synapses that deep rewiring moved in the training of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewiringReport {
    /// Those that were removed and drawn anew.
    pub rewired: u64,
    /// Those that crossed zero and stayed, because no pair was free.
    pub stuck: u64,
}

/// The results of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// The fold of a cross-validation.
    pub fold: Option<usize>,
    /// The samples held out in it.
    pub held_out: Option<String>,
    /// The epoch, from 0.
    pub epoch: usize,
    /// The learning rate at its end.
    pub eta: f64,
    /// Training.
    pub train: Score,
    /// Validation; in the last epoch of `train_test`, the test.
    pub evaluation: Option<Score>,
    /// The hidden layers in training.
    pub layers: Vec<LayerReport>,
    /// Grazing spikes of the outputs.
    pub grazing_outputs: u64,
    /// Deep rewiring (`DEEP_R`), if there is any.
    #[serde(default)]
    pub rewiring: Option<RewiringReport>,
    /// Seconds of training.
    pub seconds: f64,
    /// Seconds of evaluation.
    pub evaluation_seconds: f64,
    /// Seconds since the training of the network began, evaluation included.
    pub elapsed: f64,
    /// Statistics of hidden spikes (`DEBUG_HIDDEN_N`).
    pub hidden: Vec<HiddenStatistics>,
    /// Quantities inside the network.
    pub inside: EpochMetrics,
}

impl EpochReport {
    /// Keys of the metrics that are those of the machine: no repetition gives them again.
    pub const OF_THE_MACHINE: [&str; 5] = [
        "seconds",
        "evaluation_seconds",
        "elapsed_seconds",
        "unix_seconds",
        "memory_peak_bytes",
    ];

    /// Grazing spikes of hidden layers and outputs.
    pub fn grazing(&self) -> u64 {
        self.layers.iter().map(|layer| layer.grazing).sum::<u64>() + self.grazing_outputs
    }

    /// Hidden neurons that never spiked.
    pub fn silent(&self) -> usize {
        self.layers.iter().map(|layer| layer.silent).sum()
    }

    /// Hidden neurons that spike nearly as often as they can.
    pub fn saturated(&self) -> usize {
        self.layers.iter().map(|layer| layer.saturated).sum()
    }

    /// Spikes per hidden neuron and sample.
    pub fn spikes_per_neuron(&self) -> f64 {
        let neurons: usize = self.layers.iter().map(|layer| layer.size).sum();
        let spikes = self
            .layers
            .iter()
            .map(|l| l.spikes_per_neuron * l.size as f64);
        spikes.sum::<f64>() / neurons as f64
    }

    /// The line of the results file, in the columns of `genn_eventprop`. Yin-Yang: epoch, accuracy,
    /// loss, seconds. Others: epoch, training accuracy and loss, evaluation accuracy and loss (0 and
    /// nan without one). Then, with `DEBUG_HIDDEN_N`, eight columns per hidden layer, for binned spikes a
    /// ninth with the number of silent neurons; those of SHD and SSC end with the seconds since training
    /// began.
    pub fn results_line(&self, benchmark: Benchmark) -> String {
        let mut columns = vec![self.train.accuracy, self.train.loss];
        match (benchmark, self.evaluation) {
            (Benchmark::YinYang, _) => columns.push(self.seconds),
            (_, Some(score)) => columns.extend([score.accuracy, score.loss]),
            (_, None) => columns.extend([0.0, f64::NAN]),
        }
        for (statistics, layer) in self.hidden.iter().zip(&self.layers) {
            columns.extend(statistics.columns());
            columns.extend(benchmark.is_binned().then_some(layer.silent as f64));
        }
        let line = results_line(self.epoch, &columns);
        if benchmark.has_files_of_spoken_words() {
            format!("{line} {:.3}", self.elapsed)
        } else {
            line
        }
    }

    /// The report without the inside of the network, which is on the disk by then.
    pub fn without_inside(self) -> Self {
        Self {
            inside: EpochMetrics::default(),
            ..self
        }
    }

    /// The line of the file from which the report draws the inside of the network.
    pub fn detail(&self, classes: usize) -> String {
        self.inside
            .to_json(self.fold, self.epoch, classes)
            .to_string()
    }

    /// The line of the metrics file.
    pub fn metrics(&self) -> Json {
        let layers = self.layers.iter().map(|layer| {
            json!({
                "population": layer.name,
                "neurons": layer.size,
                "spikes_per_neuron": layer.spikes_per_neuron,
                "silent": layer.silent,
                "silent_share": layer.silent as f64 / layer.size as f64,
                "saturated": layer.saturated,
                "saturated_share": layer.saturated as f64 / layer.size as f64,
                "grazing": layer.grazing,
                "over_cap": layer.over_cap,
            })
        });
        json!({
            "fold": self.fold,
            "held_out": self.held_out,
            "epoch": self.epoch,
            "eta": self.eta,
            "samples": self.train.samples,
            "seconds": self.seconds,
            "evaluation_seconds": self.evaluation_seconds,
            "elapsed_seconds": self.elapsed,
            "unix_seconds": self.inside.unix_seconds,
            "memory_peak_bytes": self.inside.memory_peak_bytes,
            "train_loss": self.train.loss,
            "train_accuracy": self.train.accuracy,
            "evaluation_loss": self.evaluation.map(|score| score.loss),
            "evaluation_accuracy": self.evaluation.map(|score| score.accuracy),
            "spikes_per_neuron": self.spikes_per_neuron(),
            "silent": self.silent(),
            "saturated": self.saturated(),
            "grazing": self.grazing(),
            "grazing_outputs": self.grazing_outputs,
            "rewired": self.rewiring.map(|report| report.rewired),
            "stuck": self.rewiring.map(|report| report.stuck),
            "gradient_norms": self.inside.gradients_json(),
            "layers": layers.collect::<Json>(),
        })
    }
}

/// Columns separated by spaces, as NumPy's `loadtxt` reads them.
pub fn results_line(epoch: usize, columns: &[f64]) -> String {
    // `{:?}` writes NaN in capitals, which `genn_eventprop` does not.
    let columns = columns
        .iter()
        .map(|column| format!("{column:?}").replace("NaN", "nan"));
    let all: Vec<String> = std::iter::once(epoch.to_string()).chain(columns).collect();
    all.join(" ")
}

/// The results of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The benchmark.
    pub benchmark: Benchmark,
    /// `train`, `test`, `train_test` or `xval`.
    pub command: &'static str,
    /// Epochs that were completed, all folds together.
    pub epochs: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Samples trained on per second.
    pub samples_per_second: Option<f64>,
    /// Training in the last epoch.
    pub train: Option<Score>,
    /// Validation in the epoch whose weights were tested; in a cross-validation the mean over folds.
    pub validation: Option<Score>,
    /// That epoch.
    pub selected_epoch: Option<usize>,
    /// The test at the end.
    pub test: Option<Score>,
    /// Evaluation of every fold, in the epoch that counts.
    pub folds: Vec<Score>,
    /// The samples held out in every fold.
    pub held_out: Vec<String>,
    /// True if an epoch was chosen by the very samples that were tested: the accuracy is then too good.
    pub selected_on_test: bool,
    /// The output folder.
    pub out_dir: PathBuf,
    /// The keys of the seeds that were used, and their values.
    pub seeds: Vec<(&'static str, u32)>,
    /// True if the run was stopped before its end.
    pub cancelled: bool,
    /// True if the images in the program stood in for the real set.
    pub demonstration: bool,
    /// Files that were written and that a user may want to open first.
    pub files: Vec<PathBuf>,
}

impl Summary {
    /// Standard deviation of the accuracies of the folds (of the sample, n − 1).
    pub fn fold_deviation(&self) -> Option<f64> {
        let mean = self.validation?.accuracy;
        let squares = self.folds.iter().map(|fold| (fold.accuracy - mean).powi(2));
        let free = self.folds.len().checked_sub(1).filter(|n| *n > 0)?;
        Some((squares.sum::<f64>() / free as f64).sqrt())
    }

    /// The summary as JSON; what there is not is null.
    pub fn to_json(&self) -> Json {
        let accuracy = |score: Option<Score>| score.map(|score| score.accuracy);
        let loss = |score: Option<Score>| score.map(|score| score.loss);
        let folds = self.folds.iter().map(|fold| fold.accuracy);
        let seed = |key: &str| {
            self.seeds
                .iter()
                .find(|(k, _)| *k == key)
                .map(|(_, seed)| *seed)
        };
        json!({
            "benchmark": self.benchmark.name(),
            "command": self.command,
            "epochs": self.epochs,
            "seconds": self.seconds,
            "samples_per_second": self.samples_per_second,
            "train_accuracy": accuracy(self.train),
            "validation_accuracy": accuracy(self.validation),
            "test_accuracy": accuracy(self.test),
            "loss": loss(self.train).or(loss(self.test)),
            "validation_loss": loss(self.validation),
            "test_loss": loss(self.test),
            "selected_epoch": self.selected_epoch,
            "fold_accuracies": folds.collect::<Json>(),
            "fold_deviation": self.fold_deviation(),
            "held_out": self.held_out,
            "selected_on_test": self.selected_on_test,
            "out_dir": self.out_dir.display().to_string(),
            "seeds": {
                "MODEL_SEED": seed("MODEL_SEED"),
                "TRAIN_DATA_SEED": seed("TRAIN_DATA_SEED"),
                "TEST_DATA_SEED": seed("TEST_DATA_SEED"),
            },
            "cancelled": self.cancelled,
            "demonstration": self.demonstration,
            "files": self.files.iter().map(|f| f.display().to_string()).collect::<Json>(),
        })
    }
}
