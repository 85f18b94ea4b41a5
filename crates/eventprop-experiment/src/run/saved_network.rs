//! The network in a checkpoint, for those who go on with it outside of runs.

use std::path::Path;

use eventprop::loss::Loss;
use eventprop::network::Network;
use eventprop::params::Params;
use eventprop_params::{Benchmark, Parameters};

use super::error::RunError;
use crate::checkpoint::{self, CheckpointError, Container, Defect};
use crate::description::NetworkSize;
use crate::network_builder::{Topology, get_pairs};
use crate::settings::{LayerNames, Settings};

/// A network with its parameters, as a checkpoint or the file of a failed batch holds it.
#[derive(Debug)]
pub struct SavedNetwork {
    /// The network.
    pub network: Network,
    /// The parameters: those of the best epoch where the checkpoint has them, else those of the last.
    pub params: Params<f64>,
    /// The seed of the network (`MODEL_SEED`).
    pub seed: u64,
    /// The loss that it was trained with.
    pub loss: Loss,
}

/// Reads the network of a run.
///
/// # Errors
/// [`RunError`], which names the file.
pub fn saved_network(path: &Path) -> Result<SavedNetwork, RunError> {
    let container = checkpoint::read_one(path)?;
    let defect = |defect| CheckpointError::Defect {
        path: path.to_owned(),
        defect,
    };
    let benchmark = container.state["benchmark"].as_str().unwrap_or_default();
    let benchmark: Benchmark = benchmark
        .parse()
        .map_err(|problem| defect(Defect::Damaged(problem)))?;
    let params = Parameters::of_json(benchmark, &container.state["parameters"])?;
    let settings = Settings::new(&params)?;
    let size = size(&container, &settings).map_err(defect)?;
    let seed = u64::from(settings.seeds.model);
    let mut topology = Topology::new(&settings, size, seed)?;
    topology.restore(&container).map_err(defect)?;
    if container.state["journey"]["best"].is_object() {
        get_pairs(&container, "best_pairs", &mut topology.network).map_err(defect)?;
    }
    let mut params = Params::zeros(&topology.network)?;
    restore(&container, &mut params).map_err(defect)?;
    Ok(SavedNetwork {
        network: topology.network,
        params,
        seed,
        loss: settings.loss,
    })
}

/// The sizes that the data decided; from those of the weights where the checkpoint is of an earlier version.
fn size(container: &Container, settings: &Settings) -> Result<NetworkSize, Defect> {
    let known = |n: usize| container.state["size"][n].as_u64();
    if let (Some(inputs), Some(classes)) = (known(0), known(1)) {
        let (inputs, classes) = (inputs as usize, classes as usize);
        return Ok(NetworkSize { inputs, classes });
    }
    let hidden = &settings.network.hidden;
    let names = LayerNames::new(settings.benchmark, hidden.len());
    let count = |name: &str, neurons: usize| {
        let weights = numbers(container, &format!("parameters/{name}"))?.len();
        match weights.checked_div(neurons) {
            Some(count) if count > 0 && count * neurons == weights => Ok(count),
            _ => Err(Defect::Array {
                name: name.to_owned(),
                problem: format!("has {weights} numbers for {neurons} hidden neurons"),
            }),
        }
    };
    let (first, last) = (0, hidden.len().saturating_sub(1));
    let neurons = |layer: usize| hidden.get(layer).copied().unwrap_or(0);
    Ok(NetworkSize {
        inputs: count(&format!("input->{}", names.hidden(first)), neurons(first))?,
        classes: count(&format!("{}->output", names.hidden(last)), neurons(last))?,
    })
}

fn restore(container: &Container, params: &mut Params<f64>) -> Result<(), Defect> {
    for entry in params.layout().to_vec() {
        let best = numbers(container, &format!("best/{}", entry.name));
        let values = best.or_else(|_| numbers(container, &format!("parameters/{}", entry.name)))?;
        if values.len() != entry.range.len() {
            return Err(Defect::Array {
                problem: format!("has {} numbers, not {}", values.len(), entry.range.len()),
                name: entry.name,
            });
        }
        params.values_mut()[entry.range].copy_from_slice(&values);
    }
    Ok(())
}

/// An array of the floats in which the solver computed.
fn numbers(container: &Container, name: &str) -> Result<Vec<f64>, Defect> {
    container.get::<f64>(name).or_else(|_| {
        let values = container.get::<f32>(name)?;
        Ok(values.into_iter().map(f64::from).collect())
    })
}
