//! Measurements of every epoch: the numbers behind the metrics, TensorBoard and the report.
//!
//! A [`MetricsCollector`] belongs to a network that learns and is shown every batch. It keeps what was
//! predicted in the last evaluation, gradient norms of some batches, and makes of it, once an epoch,
//! [`EpochMetrics`]: spikes of every neuron, distributions of weights and trained constants,
//! gradient norms, confusion matrix. It changes nothing. Gradients, whose norm costs a pass over them,
//! are measured in every [`GRADIENT_EVERY`]th batch only.

mod environment;
mod evaluation_log;
mod sample_trace;
pub mod tensorboard;

use eventprop::network::{Network, ProjectionId};
use eventprop::params::{Params, euclidean};
use eventprop::real::Real;
use eventprop::solver::Solver;
use eventprop::train::{BatchReport, Session};
use eventprop_params::histogram::Histogram;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::machine;

pub use environment::{Environment, unix_seconds};
pub use evaluation_log::{EvaluationLog, Group, Predicted};
pub use sample_trace::{SampleTrace, chosen_places, record};

/// Gradient norms are those of the first batch of an epoch and of every so many after it.
pub const GRADIENT_EVERY: usize = 16;
/// Channels in and out whose kernels the report shows.
const KERNELS_MOST: [usize; 2] = [8, 16];

/// Collects the metrics of the present epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricsCollector {
    batches: usize,
    gradients: Vec<GradientNorm>,
    /// The last evaluation, of validation or test samples.
    outcomes: EvaluationLog,
}

/// Norms of the gradient of one range of parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradientNorm {
    /// The range, such as `input->hidden`.
    pub name: String,
    /// Mean of the Euclidean norms of the batches that were measured.
    pub mean: f64,
    /// The largest of them.
    pub max: f64,
    /// The number of batches measured.
    pub batches: usize,
}

/// Measurements of one epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Name and size of every population.
    pub populations: Vec<Spiking>,
    /// Distribution of every range of parameters at the end of the epoch's training.
    pub parameters: Vec<(String, Histogram)>,
    /// Gradient norms of every range of parameters.
    pub gradients: Vec<GradientNorm>,
    /// Predictions of the evaluation; empty without one.
    pub outcomes: EvaluationLog,
    /// The largest memory of the process so far, in bytes; none where the system does not tell.
    pub memory_peak_bytes: Option<u64>,
    /// End of the epoch, in seconds since 1970.
    pub unix_seconds: f64,
}

/// Spikes of one population in the training of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spiking {
    /// The population.
    pub name: String,
    /// Samples.
    pub samples: u64,
    /// Spikes of every neuron in all samples.
    pub spikes: Vec<u64>,
}

impl MetricsCollector {
    /// To be called before a pass over training samples.
    pub fn begin_training(&mut self) {
        self.batches = 0;
        self.gradients.clear();
    }

    /// To be called before a pass over samples that are only evaluated.
    pub fn begin_evaluation(&mut self) {
        self.outcomes = EvaluationLog::default();
    }

    /// Looks at a batch that was trained on.
    pub fn trained<S: Solver>(&mut self, session: &Session<S>) {
        if self.batches.is_multiple_of(GRADIENT_EVERY) {
            self.add_gradient(&session.gradient);
        }
        self.batches += 1;
    }

    fn add_gradient<F: Real>(&mut self, gradient: &Params<F>) {
        if self.gradients.is_empty() {
            let norm = |name: &String| GradientNorm {
                name: name.clone(),
                mean: 0.0,
                max: 0.0,
                batches: 0,
            };
            let names = gradient.layout().iter().map(|entry| &entry.name);
            self.gradients = names.map(norm).collect();
        }
        for (norm, entry) in self.gradients.iter_mut().zip(gradient.layout()) {
            let now = euclidean(&gradient.values()[entry.range.clone()]);
            norm.batches += 1;
            norm.mean += (now - norm.mean) / norm.batches as f64;
            norm.max = norm.max.max(now);
        }
    }

    /// Looks at a batch that was evaluated.
    pub fn evaluated(&mut self, labels: &[u32], report: &BatchReport) {
        let labels = labels.iter().zip(&report.outcomes);
        let predicted = labels.map(|(&label, outcome)| Predicted {
            label,
            prediction: outcome.prediction,
        });
        self.outcomes.list.extend(predicted);
    }

    /// Predictions of the last evaluation, sample by sample in the order of its part.
    pub fn outcomes(&self) -> &EvaluationLog {
        &self.outcomes
    }

    /// The metrics of an epoch after its training, without evaluation.
    pub fn epoch<S: Solver>(&self, session: &Session<S>) -> EpochMetrics {
        let network = session.solver.network();
        let activity = &session.activity;
        let spiking = network.populations().iter().zip(&activity.spikes);
        EpochMetrics {
            populations: spiking
                .map(|(population, spikes)| Spiking {
                    name: population.name.clone(),
                    samples: activity.samples,
                    spikes: spikes.clone(),
                })
                .collect(),
            parameters: histograms(&session.params),
            gradients: self.gradients.clone(),
            outcomes: EvaluationLog::default(),
            memory_peak_bytes: machine::peak_bytes(),
            unix_seconds: unix_seconds(),
        }
    }
}

/// The distribution of every range of parameters.
pub fn histograms<F: Real>(params: &Params<F>) -> Vec<(String, Histogram)> {
    let of = |entry: &eventprop::params::Entry| {
        let values = &params.values()[entry.range.clone()];
        let values = values.iter().map(|value| value.to_f64());
        (entry.name.clone(), Histogram::of(values))
    };
    params.layout().iter().map(of).collect()
}

/// Histograms as a JSON object of their names.
pub fn histograms_json(all: &[(String, Histogram)]) -> Json {
    let pairs = all.iter().map(|(name, h)| (name.clone(), h.to_json()));
    Json::Object(pairs.collect())
}

/// The kernels of convolutions by projection, weights `[y, x, in, out]`, of the first channels only.
pub fn kernels_json<F: Real>(network: &Network, params: &Params<F>) -> Json {
    let projections = (0..network.projections().len()).map(ProjectionId);
    let kernels = projections.filter_map(|id| {
        // No other wiring has weights of four dimensions.
        let shape = network.synapses(id).shape();
        let &[height, width, inside, outside] = shape.as_slice() else {
            return None;
        };
        let shown = [inside.min(KERNELS_MOST[0]), outside.min(KERNELS_MOST[1])];
        let weights = params.weights(id).chunks_exact(outside);
        let rows = weights
            .enumerate()
            .filter(|(row, _)| row % inside < shown[0]);
        let weights = rows.flat_map(|(_, row)| &row[..shown[1]]);
        let kernels = json!({
            "shape": [height, width, shown[0], shown[1]],
            "channels": [inside, outside],
            "weights": weights.map(|weight| weight.to_f64()).collect::<Vec<f64>>(),
        });
        Some((network.projection_name(id), kernels))
    });
    Json::Object(kernels.collect())
}

impl EpochMetrics {
    /// The line of `NAME_report.jsonl`.
    pub fn to_json(&self, fold: Option<usize>, epoch: usize, classes: usize) -> Json {
        let population = |spiking: &Spiking| {
            json!({
                "name": spiking.name,
                "samples": spiking.samples,
                "spikes": spiking.spikes,
            })
        };
        json!({
            "fold": fold,
            "epoch": epoch,
            "populations": self.populations.iter().map(population).collect::<Json>(),
            "parameters": histograms_json(&self.parameters),
            "evaluation": self.outcomes.to_json(classes),
        })
    }

    /// Gradient norms as a JSON object of their names.
    pub fn gradients_json(&self) -> Json {
        let norm = |g: &GradientNorm| {
            let object = json!({"mean": g.mean, "max": g.max, "batches": g.batches});
            (g.name.clone(), object)
        };
        Json::Object(self.gradients.iter().map(norm).collect())
    }
}
