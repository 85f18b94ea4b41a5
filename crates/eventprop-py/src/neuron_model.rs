//! Neuron models from equations, read and checked by the engine.

use eventprop::network::{Equations, NeuronModel};
use eventprop::neuron::equations::{Definition, Name};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;

/// The parts of a model as Python gives them.
#[derive(FromPyObject)]
pub struct Parts {
    #[pyo3(item)]
    name: String,
    #[pyo3(item)]
    state: Vec<(String, String)>,
    #[pyo3(item)]
    spike: Option<String>,
    #[pyo3(item)]
    reset: Vec<(String, String)>,
    #[pyo3(item)]
    input: Vec<(String, Vec<(String, String)>)>,
    #[pyo3(item)]
    parameters: Vec<(String, f64)>,
    #[pyo3(item)]
    initial: Vec<(String, String)>,
    #[pyo3(item)]
    readout: Option<String>,
    #[pyo3(item)]
    scales: Vec<(String, f64)>,
    #[pyo3(item)]
    substeps: usize,
}

impl From<Parts> for Definition {
    fn from(parts: Parts) -> Self {
        Self {
            name: parts.name,
            state: parts.state,
            spike: parts.spike,
            reset: parts.reset,
            input: parts.input,
            parameters: parts.parameters,
            initial: parts.initial,
            readout: parts.readout,
            scales: parts.scales,
            substeps: parts.substeps,
        }
    }
}

/// What a model is made of.
#[derive(FromPyObject)]
pub enum Source {
    /// The text of a TOML file.
    Toml(String),
    Parts(Parts),
}

/// What Python shows of a model: its text as TOML, names, and what was derived.
#[pyfunction]
pub fn neuron_model(py: Python<'_>, source: Source) -> PyResult<Bound<'_, PyDict>> {
    let model = match source {
        Source::Toml(text) => NeuronModel::from_toml(&text),
        Source::Parts(parts) => NeuronModel::new(parts.into()),
    };
    shown(py, &model.map_err(errors::value)?)
}

/// A model that comes with the engine.
#[pyfunction]
pub fn shipped_neuron_model<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyDict>> {
    shown(py, &NeuronModel::shipped(name).map_err(errors::value)?)
}

/// Names of the models that come with the engine.
#[pyfunction]
pub fn shipped_neuron_models() -> Vec<&'static str> {
    NeuronModel::shipped_names().collect()
}

fn shown<'py>(py: Python<'py>, model: &NeuronModel) -> PyResult<Bound<'py, PyDict>> {
    let shown = PyDict::new(py);
    let definition = model.definition();
    shown.set_item("toml", definition.to_toml())?;
    shown.set_item("name", model.name())?;
    let state = model.state().iter().map(|name| name.text());
    shown.set_item("state", state.collect::<Vec<_>>())?;
    shown.set_item("parameters", definition.parameters.clone())?;
    let unused = model.unused().map(Name::text);
    shown.set_item("unused", unused.collect::<Vec<_>>())?;
    shown.set_item("ports", model.ports().collect::<Vec<_>>())?;
    shown.set_item("readout", model.readout().text())?;
    shown.set_item("spikes", model.spikes())?;
    shown.set_item("linear", model.is_linear())?;
    shown.set_item("description", model.describe())?;
    Ok(shown)
}

/// Neurons of the model of a TOML text.
pub fn equations(toml: &str) -> PyResult<Equations> {
    Ok(Equations::new(
        NeuronModel::from_toml(toml).map_err(errors::value)?,
    ))
}
