//! The network in the checkpoint of a run, as `Network.from_dict` takes it.

use std::path::PathBuf;

use eventprop::connect::Delay;
use eventprop::network::{Constant, Init, Lif, Model, Network, Population};
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
    let (name, constants) = loss::name_of(&saved.loss);
    let loss = PyDict::new(py);
    loss.set_item("name", name)?;
    for (key, value) in constants {
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
        let (model, constants) = constants(&population.model);
        let step = PyDict::new(py);
        step.set_item("add", model)?;
        step.set_item("name", &population.name)?;
        step.set_item("size", population.size)?;
        let numbers = PyDict::new(py);
        for (name, constant) in constants {
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
        let Delay::Constant(delay_ms) = projection.delay;
        // Weights that were given stand among the parameters.
        let normal = match projection.init {
            Init::Normal { mean, std } => [mean, std],
            Init::Values(_) => [0.0, 0.0],
        };
        let step = PyDict::new(py);
        step.set_item(
            "connect",
            [name(projection.source), name(projection.target)],
        )?;
        step.set_item("normal", normal)?;
        step.set_item("delay", delay_ms)?;
        steps.append(step)?;
    }
    Ok(steps)
}

fn trainable<'py>(py: Python<'py>, population: &Population) -> PyResult<Bound<'py, PyDict>> {
    let trained = PyDict::new(py);
    for one in &population.trained {
        trained.set_item(one.constant.name(), one.least)?;
    }
    Ok(trained)
}

fn lif(neurons: &Lif) -> Vec<(&'static str, &Constant)> {
    vec![
        ("tau_mem", &neurons.tau_mem),
        ("tau_syn", &neurons.tau_syn),
        ("v_thresh", &neurons.v_thresh),
        ("v_reset", &neurons.v_reset),
    ]
}

/// The name of a model in Python, and its constants by name.
fn constants(model: &Model) -> (&'static str, Vec<(&'static str, &Constant)>) {
    match model {
        Model::Input => ("input", Vec::new()),
        Model::Lif(neurons) => ("lif", lif(neurons)),
        Model::Alif(neurons) => {
            let mut constants = lif(&neurons.lif);
            constants.extend([
                ("tau_b", &neurons.adaptation.tau_b),
                ("b_incr", &neurons.adaptation.b_incr),
                ("b_init", &neurons.adaptation.b_init),
            ]);
            ("alif", constants)
        }
        Model::Li(li) => {
            let constants = vec![
                ("tau_mem", &li.tau_mem),
                ("tau_syn", &li.tau_syn),
                ("v_init", &li.v_init),
            ];
            ("li", constants)
        }
    }
}
