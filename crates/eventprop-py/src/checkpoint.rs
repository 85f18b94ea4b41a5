//! The network in the checkpoint of a run, as `Network.from_dict` takes it.

use std::path::PathBuf;

use eventprop::connect::{Delay, Delays};
use eventprop::network::{Constant, Init, Model, Network, Population};
use eventprop_experiment::run::saved_network;
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::{errors, loss};

/// A pair of Python dictionaries: the description of a network, and its parameters by name, each of one dimension.
type Described<'py> = (Bound<'py, PyDict>, Bound<'py, PyDict>);

/// Reads a checkpoint.
#[pyfunction]
pub fn read_checkpoint(py: Python<'_>, path: PathBuf) -> PyResult<Described<'_>> {
    let saved = saved_network(&path).map_err(|error| errors::file(&error))?;
    let network = &saved.network;
    let description = PyDict::new(py);
    description.set_item("dt", network.clock().dt_ms())?;
    description.set_item("trial", network.clock().trial_ms())?;
    description.set_item("seed", saved.seed)?;
    let loss = PyDict::new(py);
    loss.set_item("name", saved.loss.name())?;
    for (key, value) in loss::constants(&saved.loss) {
        loss.set_item(key, value)?;
    }
    description.set_item("loss", loss)?;
    description.set_item("built", built(py, network)?)?;
    let params = PyDict::new(py);
    for entry in saved.params.layout() {
        let values = saved.params.values()[entry.range.clone()].to_vec();
        params.set_item(&entry.name, values.into_pyarray(py))?;
    }
    Ok((description, params))
}

/// The steps in which the network is built.
fn built<'py>(py: Python<'py>, network: &Network) -> PyResult<Bound<'py, PyList>> {
    let steps = PyList::empty(py);
    for population in network.populations() {
        let step = PyDict::new(py);
        step.set_item("add", name_of(&population.model))?;
        step.set_item("name", &population.name)?;
        step.set_item("size", population.size)?;
        let numbers = PyDict::new(py);
        for (name, constant) in population.model.constants() {
            match constant {
                Constant::Same(value) => numbers.set_item(name, value)?,
                Constant::PerNeuron(values) => numbers.set_item(name, values)?,
            }
        }
        step.set_item("constants", numbers)?;
        step.set_item("trainable", trainable(py, population)?)?;
        steps.append(step)?;
    }
    for projection in network.projections() {
        let name = |id| &network.population(id).name;
        // Weights that were given stand among the parameters.
        let normal = match projection.init {
            Init::Normal { mean, std } => [mean, std],
            Init::Uniform { .. } | Init::Values(_) => [0.0, 0.0],
        };
        let step = PyDict::new(py);
        step.set_item(
            "connect",
            [name(projection.source), name(projection.target)],
        )?;
        step.set_item("normal", normal)?;
        match &projection.delay {
            Delay::Constant(ms) => step.set_item("delay", ms)?,
            Delay::Each(delays) => step.set_item("delay", each(py, delays)?)?,
        }
        steps.append(step)?;
    }
    Ok(steps)
}

/// Delays that are parameters; their values stand among these.
fn each<'py>(py: Python<'py>, delays: &Delays) -> PyResult<Bound<'py, PyDict>> {
    let described = PyDict::new(py);
    described.set_item("init", 0.0)?;
    described.set_item("most", delays.most_ms)?;
    described.set_item("by", delays.by.name())?;
    described.set_item("trainable", delays.trained)?;
    Ok(described)
}

fn trainable<'py>(py: Python<'py>, population: &Population) -> PyResult<Bound<'py, PyDict>> {
    let trained = PyDict::new(py);
    for one in &population.trained {
        trained.set_item(one.constant.name(), one.least)?;
    }
    Ok(trained)
}

/// The name of a model in Python.
fn name_of(model: &Model) -> &'static str {
    match model {
        Model::Input => "input",
        Model::Lif(_) => "lif",
        Model::Alif(_) => "alif",
        Model::Li(_) => "li",
    }
}
