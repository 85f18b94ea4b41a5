//! Initial weights with which a network is active.

use eventprop::calibrate::{Calibrated, Calibration, calibrate as calibrate_weights};
use eventprop::network::Network as Description;
use eventprop::params::{Entry, Params, Role};
use eventprop::solver::{SolveError, Solver};
use eventprop::spikes::Batch;
use eventprop::with_solver;
use pyo3::prelude::*;

use crate::events::Events;
use crate::network::Network;
use crate::{errors, plan, pool};

/// Name of a population, spikes per neuron and trial that were asked for, those that it has, silent neurons.
type Row = (String, f64, f64, usize);

/// Scales and raises the weights of some projections, by name.
#[pyfunction]
pub fn calibrate(
    py: Python<'_>,
    network: &Network,
    events: Events<'_>,
    solver: &str,
    names: Vec<String>,
    spikes: Option<f64>,
) -> PyResult<Vec<Row>> {
    let (description, mut params) = network.snapshot()?;
    let slices = events.slices()?;
    let kind = plan::solver(solver)?;
    let mut batch = Batch::default();
    pool::compute_borrowed(py, || slices.fill(None, &mut batch))?;
    let solved = pool::compute(py, move || {
        let found = with_solver!(kind, S => {
            calibrated::<S>(&description, &mut params, &batch, (&names, spikes))
        })?;
        let row = |one: &Calibrated| {
            let name = description.population(one.population).name.clone();
            (name, one.asked, one.spikes, one.silent)
        };
        Ok((found.iter().map(row).collect(), params))
    })?;
    let (rows, params) = solved.map_err(|error: SolveError| errors::solve(&error))?;
    network.adopt(params)?;
    Ok(rows)
}

fn calibrated<S: Solver>(
    network: &Description,
    params: &mut Params<f64>,
    batch: &Batch,
    (names, spikes): (&[String], Option<f64>),
) -> Result<Vec<Calibrated>, SolveError> {
    let projection = |entry: &Entry| match entry.role {
        Role::Weights(id) if names.contains(&entry.name) => Some(id),
        _ => None,
    };
    let projections: Vec<_> = params.layout().iter().filter_map(projection).collect();
    let calibration = Calibration {
        projections: &projections,
        spikes,
    };
    let mut cast = params.cast();
    let mut solver = S::for_network(network)?;
    let found = calibrate_weights(&mut solver, &mut cast, batch, calibration)?;
    let cast = cast.cast();
    for &id in &projections {
        params.weights_mut(id).copy_from_slice(cast.weights(id));
    }
    Ok(found)
}
