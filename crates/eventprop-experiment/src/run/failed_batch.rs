//! Saves a batch that produced NaN or infinity, so that it can be replayed.

use std::path::Path;

use eventprop::params::Params;
use eventprop::solver::{SolveError, Solver};
use eventprop::spikes::{Batch, SpikeError, SpikeTrain};
use eventprop::train::TrainError;
use serde_json::{Value as Json, json};

use super::error::RunError;
use super::learner::Learner;
use super::persist::{get_params, put_params};
use super::prepared::Prepared;
use crate::checkpoint::{self, CheckpointError, Container, Defect};
use crate::description::NetworkSize;
use crate::network_builder::Topology;

/// Writes `NAME_failed_batch.safetensors`: parameters, samples and weights as they were before the batch.
/// Returns the error, with the file. Other errors are returned as they are.
pub fn keep<S: Solver>(
    prepared: &Prepared<'_>,
    learner: &Learner<'_, S>,
    error: RunError,
) -> RunError {
    // Where the gradient is not finite, all ranks have it.
    let of_all = matches!(
        error,
        RunError::Train {
            source: TrainError::GradientNotFinite { .. },
            ..
        }
    );
    if !is_not_finite(&error) || of_all && !prepared.outputs.writes() {
        return error;
    }
    let mut container = Container::new(json!({
        "benchmark": prepared.settings.benchmark.name(),
        "parameters": prepared.parameters,
        "inputs": prepared.data.inputs,
        "classes": prepared.data.classes,
        "error": error.to_string(),
    }));
    put_params(
        &mut container,
        "parameters",
        &learner.session.params.cast::<f64>(),
    );
    learner.topology.store(&mut container);
    put_batch(&mut container, &learner.batch);
    let path = prepared.outputs.named("failed_batch.safetensors");
    match checkpoint::write_alone(&path, &container) {
        Ok(()) => RunError::Kept {
            source: Box::new(error),
            benchmark: prepared.settings.benchmark,
            path,
        },
        // The first error is the one to report.
        Err(_) => error,
    }
}

fn is_not_finite(error: &RunError) -> bool {
    let RunError::Train { source, .. } = error else {
        return false;
    };
    matches!(
        source,
        TrainError::GradientNotFinite { .. }
            | TrainError::Solve(SolveError::NotFinite { .. } | SolveError::TooManySpikes { .. })
    )
}

fn put_batch(container: &mut Container, batch: &Batch) {
    let trains = batch.trains();
    let lens: Vec<u64> = trains.iter().map(|train| train.len() as u64).collect();
    let events = || trains.iter().flat_map(SpikeTrain::iter);
    container.put("batch/lens", &lens);
    container.put("batch/times", &events().map(|(t, _)| t).collect::<Vec<_>>());
    let neurons: Vec<u64> = events().map(|(_, neuron)| u64::from(neuron)).collect();
    container.put("batch/neurons", &neurons);
    let labels: Vec<u64> = batch.labels().iter().map(|&l| u64::from(l)).collect();
    container.put("batch/labels", &labels);
    container.put("batch/ids", batch.ids());
}

/// A batch that was kept.
pub struct FailedBatch {
    container: Container,
}

impl FailedBatch {
    /// Reads the file.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let container = checkpoint::read_one(path)?;
        Ok(Self { container })
    }

    /// The message with which it failed.
    pub fn error(&self) -> &str {
        self.container.state["error"].as_str().unwrap_or_default()
    }

    /// The benchmark.
    pub fn benchmark(&self) -> &str {
        self.container.state["benchmark"]
            .as_str()
            .unwrap_or_default()
    }

    /// The parameters, as in `NAME.json`.
    pub fn parameters(&self) -> &Json {
        &self.container.state["parameters"]
    }

    /// Numbers of inputs and classes.
    pub fn size(&self) -> NetworkSize {
        let number = |key: &str| self.container.state[key].as_u64().unwrap_or(0) as usize;
        NetworkSize {
            inputs: number("inputs"),
            classes: number("classes"),
        }
    }

    /// Takes time constants and pairs of neurons into a network, and returns its weights.
    ///
    /// # Errors
    /// [`Defect::Array`] when the network is another.
    pub fn weights(&self, topology: &mut Topology) -> Result<Params<f64>, Defect> {
        topology.restore(&self.container)?;
        let mut params = Params::zeros(&topology.network).map_err(|error| Defect::Array {
            name: "parameters".to_owned(),
            problem: error.to_string(),
        })?;
        get_params(&self.container, "parameters", &mut params)?;
        Ok(params)
    }

    /// The samples.
    ///
    /// # Errors
    /// [`Defect`].
    pub fn batch(&self) -> Result<Batch, Defect> {
        let lens: Vec<u64> = self.container.get("batch/lens")?;
        let times: Vec<f64> = self.container.get("batch/times")?;
        let neurons: Vec<u64> = self.container.get("batch/neurons")?;
        let labels: Vec<u64> = self.container.get("batch/labels")?;
        let damaged = |error: SpikeError| Defect::Damaged(error.to_string());
        let mut start = 0;
        let trains = lens.iter().map(|&len| {
            let range = start..(start + len as usize).min(times.len());
            start = range.end;
            let neurons = neurons[range.clone()].iter().map(|&n| n as u32);
            SpikeTrain::new(times[range].to_vec(), neurons.collect())
        });
        let trains = trains.collect::<Result<Vec<_>, _>>().map_err(damaged)?;
        let labels = labels.into_iter().map(|label| label as u32).collect();
        Batch::new(trains, labels).map_err(damaged)
    }
}
