//! Files of networks (TOML), as `Network.from_dict` takes them and as networks are written.

use std::path::{Path, PathBuf};

use eventprop::network::Clock;
use eventprop::params::Params;
use eventprop_experiment::description::NetworkDescription;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::checkpoint::{Described, built, parameters};
use crate::errors;
use crate::network::Network;

/// Reads the file of a network; its clock, unless other numbers are given.
#[pyfunction]
pub fn read_network(
    py: Python<'_>,
    path: PathBuf,
    dt: Option<f64>,
    trial: Option<f64>,
    seed: u64,
) -> PyResult<Described<'_>> {
    let text = eventprop_params::read_text(&path);
    let text = text.map_err(|error| unreadable(&path, &error))?;
    let refused = |problem: String| errors::value(format!("{}: {problem}", path.display()));
    let described = NetworkDescription::parse(&text).map_err(|error| refused(error.to_string()))?;
    let clock = clock(&described, dt, trial).map_err(&refused)?;
    if let Some(frozen) = described
        .projections
        .iter()
        .find(|projection| projection.frozen)
    {
        let name = |index: usize| &described.populations[index].name;
        let (source, target) = (name(frozen.source), name(frozen.target));
        return Err(refused(format!(
            "projection {source}->{target} has train_weights = false, which is a choice of training here; leave it out, and give freeze=[\"{source}->{target}\"] to fit"
        )));
    }
    let network = described.build(clock, None, seed);
    let network = network.map_err(|error| refused(error.to_string()))?;
    let params = Params::<f64>::init(&network, seed).map_err(errors::value)?;
    let description = PyDict::new(py);
    description.set_item("dt", clock.dt_ms())?;
    description.set_item("trial", clock.trial_ms())?;
    description.set_item("seed", seed)?;
    description.set_item("loss", py.None())?;
    description.set_item("built", built(py, &network)?)?;
    Ok((description, parameters(py, &network, &params)?))
}

/// The clock of a network.
fn clock(
    described: &NetworkDescription,
    dt: Option<f64>,
    trial: Option<f64>,
) -> Result<Clock, String> {
    let own = described.clock;
    let dt = dt.or(own.map(|clock| clock.dt_ms()));
    let trial = trial.or(own.map(|clock| clock.trial_ms()));
    let (Some(dt), Some(trial)) = (dt, trial) else {
        return Err("it has no [clock]; give dt and trial, in ms".to_owned());
    };
    Clock::new(dt, trial).map_err(|error| error.to_string())
}

/// The text of the file of a network, with the pairs that it has now.
#[pyfunction]
pub fn network_text(network: &Network) -> PyResult<String> {
    let (network, _) = network.snapshot()?;
    Ok(NetworkDescription::of(&network, &[]).to_text())
}

fn unreadable(path: &Path, error: &std::io::Error) -> PyErr {
    let message = format!("{}: {error}", path.display());
    match error.raw_os_error() {
        Some(code) => PyOSError::new_err((code, error.to_string(), path.display().to_string())),
        None => errors::value(message),
    }
}
