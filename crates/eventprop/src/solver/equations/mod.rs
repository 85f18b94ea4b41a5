//! Networks in which a neuron model is given as equations.
//!
//! A network with one such population is solved here as a whole: built-in populations in it become their own twins in
//! equations, so that there is one formula for every jump. Between events so is one in which built-in neurons are refractory. [`event`] goes from event to event, [`grid`] in the steps of
//! the clock; other networks of built-in models alone never come here.
//!
//! Adjoints are p = ∂L/∂x, plain sensitivities: of a built-in neuron p_V = −τ_mem λ_V and p_I = −τ_syn λ_I.

mod cells;
mod event;
mod event_adjoint;
mod event_solver;
mod fault;
mod grid;
mod grid_adjoint;
mod grid_arrivals;
mod grid_solver;
mod linear;
mod log;
mod tableau;
mod trajectory;
mod unit;

pub(super) use self::event_solver::EventEquations;
pub(super) use self::grid_solver::GridEquations;
use rayon::prelude::*;

use crate::network::{Model, Network, ProjectionId};
use crate::readout::{Observe, Seed};
use crate::real::Real;
use crate::solver::sum::add_in_order;
use crate::solver::{Convention, Disturbance, SolveError, Sum, Trial};

/// True if a network belongs here.
pub(super) fn has_equations(network: &Network) -> bool {
    let mut models = network.populations().iter().map(|p| &p.model);
    models.any(|model| matches!(model, Model::Equations(_)))
}

/// True if a network belongs here between events, where a refractory time has no closed form either.
pub(super) fn has_equations_between_events(network: &Network) -> bool {
    has_equations(network) || network.is_refractory()
}

/// The port at which each projection arrives.
fn ports(network: &Network) -> Vec<usize> {
    let ids = (0..network.projections().len()).map(ProjectionId);
    ids.map(|id| network.port_place(id).unwrap_or(0)).collect()
}

/// A reset that leaves the threshold reached.
fn endless(shown: &str) -> String {
    format!(
        "its reset does not leave the threshold ({shown}), so that it would spike without end; change reset or spike"
    )
}

/// The problem of a step that ends so far above the threshold that the flow there is beyond all numbers.
fn overshot(shown: &str) -> String {
    format!(
        "it overshoots its threshold so far that its slope is not finite ({shown}); more substeps are needed, or a shorter step"
    )
}

/// What a seed answers to.
fn observed<F>(seed: &Seed<F>) -> Observe {
    match () {
        () if !seed.voltage.is_empty() => Observe::Voltage,
        () if !seed.peaks.is_empty() => Observe::Peaks,
        () if !seed.first_spikes.is_empty() => Observe::FirstSpikes,
        () => Observe::Nothing,
    }
}

/// Adds up the gradients of samples in their order, some at a time; `items` are what each of them works on. `adjoint` gets
/// a gradient of zeros to add to, in the layout of the parameters, and gives ∂L/∂t of the input spikes.
fn sum_up<F: Real, T: Send>(
    items: &mut [T],
    gradients: &mut Vec<Vec<F>>,
    total: Sum<'_, F>,
    adjoint: impl Fn(usize, &mut T, &mut [F]) -> Result<Vec<F>, SolveError> + Sync,
) -> Result<(), SolveError> {
    let sum = total.gradient.values_mut();
    sum.fill(F::ZERO);
    let len = sum.len();
    let group = rayon::current_num_threads().max(1);
    gradients.resize_with(group, Vec::new);
    let mut by_input = Vec::new();
    for first in (0..items.len().max(1)).step_by(group) {
        let last = items.len().min(first + group);
        let of_group = &mut gradients[..last - first];
        let each = items[first..last].par_iter_mut().zip(&mut *of_group);
        let outcomes: Vec<_> = each
            .enumerate()
            .with_max_len(1)
            .map(|(place, (item, gradient))| {
                gradient.clear();
                gradient.resize(len, F::ZERO);
                adjoint(first + place, item, gradient)
            })
            .collect();
        let found = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
        if first == 0 {
            total.reduce.join(F::numbers_mut(sum))?;
        }
        add_in_order(sum, of_group);
        by_input.extend(found);
    }
    total.reduce.hand_on(F::numbers_mut(sum))?;
    if let Some(inputs) = total.inputs {
        inputs.samples = by_input;
    }
    Ok(())
}

/// Refuses what is not done with equations yet.
fn check_trial(
    solver: &'static str,
    network: &Network,
    trial: Trial<'_>,
) -> Result<(), SolveError> {
    let refuse = |what, why| Err(SolveError::Unsupported { solver, what, why });
    let disturbs = |d: &Disturbance| d.withhold.iter().chain(&d.noise).any(|x| *x != 0.0);
    if trial.disturbance.is_some_and(disturbs) {
        return refuse(
            "noise or withheld spikes in a network with equations",
            "set them to 0, or use built-in neurons",
        );
    }
    let output = network.population(network.output());
    let reads_v = matches!(trial.observe, Observe::Voltage | Observe::Peaks);
    if reads_v && output.spikes() {
        return refuse(
            "voltages of spiking outputs",
            "a reset would cut them; use neurons that never spike as outputs",
        );
    }
    Ok(())
}

/// Refuses derivatives by the input that are not there yet.
fn check_input_gradient(
    solver: &'static str,
    convention: Option<Convention>,
) -> Result<(), SolveError> {
    match convention {
        None | Some(Convention::Time) => Ok(()),
        Some(Convention::Graded | Convention::Current(_)) => Err(SolveError::Unsupported {
            solver,
            what: "derivatives by amplitudes or currents in a network with equations",
            why: "ask for those by the times of the input spikes, or use built-in neurons",
        }),
    }
}
