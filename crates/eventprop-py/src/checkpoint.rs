//! The network in the checkpoint of a run, as `Network.from_dict` takes it.

use std::path::PathBuf;

use eventprop::connect::{Delay, Delays, Shape};
use eventprop::network::{Constant, Init, Model, Network, Population, ProjectionId};
use eventprop::params::Params;
use eventprop_experiment::run::saved_network;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::network::{described_wiring, parameter};
use crate::{errors, loss};

/// A pair of Python dictionaries: the description of a network, and its parameters by name.
pub type Described<'py> = (Bound<'py, PyDict>, Bound<'py, PyDict>);

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
    Ok((description, parameters(py, network, &saved.params)?))
}

/// All parameters by name.
pub fn parameters<'py>(
    py: Python<'py>,
    network: &Network,
    params: &Params<f64>,
) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    for entry in params.layout() {
        let values = parameter(py, network, params, entry)?;
        all.set_item(&entry.name, values)?;
    }
    Ok(all)
}

/// The steps in which the network is built.
pub fn built<'py>(py: Python<'py>, network: &Network) -> PyResult<Bound<'py, PyList>> {
    let steps = PyList::empty(py);
    for population in network.populations() {
        let step = PyDict::new(py);
        step.set_item("add", name_of(&population.model))?;
        step.set_item("name", &population.name)?;
        step.set_item("size", population.size)?;
        if population.shape != Shape::from(population.size) {
            let Shape {
                height,
                width,
                channels,
            } = population.shape;
            step.set_item("shape", [height, width, channels])?;
        }
        let numbers = PyDict::new(py);
        for (name, constant) in population.model.constants() {
            match constant {
                Constant::Same(value) => numbers.set_item(name, value)?,
                Constant::PerNeuron(values) => numbers.set_item(name, values)?,
            }
        }
        step.set_item("constants", numbers)?;
        if let Model::Equations(equations) = &population.model {
            step.set_item("toml", equations.model().definition().to_toml())?;
        }
        step.set_item("trainable", trainable(py, population)?)?;
        steps.append(step)?;
    }
    for (index, projection) in network.projections().iter().enumerate() {
        let name = |id| &network.population(id).name;
        // Weights that were given stand among the parameters.
        let (drawn, numbers) = match projection.init {
            Init::Normal { mean, std } => ("normal", [mean, std]),
            Init::Uniform { low, high } => ("uniform", [low, high]),
            Init::FanIn { gain, mean } => ("fan_in", [gain, mean]),
            Init::Values(_) => ("normal", [0.0, 0.0]),
        };
        let step = PyDict::new(py);
        step.set_item(
            "connect",
            [name(projection.source), name(projection.target)],
        )?;
        step.set_item(drawn, numbers)?;
        if let Some(port) = network.port(ProjectionId(index)) {
            step.set_item("port", port)?;
        }
        described_wiring(&step, network, ProjectionId(index))?;
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
        Model::Equations(_) => "equations",
    }
}
