//! Derivatives with respect to time constants and thresholds, for one sample.
//!
//! `[G2]` and `[G3]` are sums over stretches without events, of V and I at the start of each and λ at its
//! end. The adjoint pass notes λ stretch by stretch ([`History`]); afterwards the component is walked
//! through once more, forwards along the tape, and V and I meet them ([`Walk`]). Where time constants are
//! trained, the adjoint pass therefore stops at the component's own spikes too.
//!
//! Those with respect to thresholds need spikes only; the adjoint pass adds them up on its way ([`Between`]).

use super::Model;
use super::arrivals::Arriving;
use super::neurons::{Adjoints, States};
use super::schedule::Component;
use super::stretch::Stretch;
use crate::network::{NeuronConstant, PopulationId};
use crate::neuron::sensitivity::Sensitivity;
use crate::neuron::{Between, Lambda};
use crate::params::Params;
use crate::tape::Tape;

/// Adds what the spikes of a population found for τ_B and β to a gradient, where they are trained.
pub(super) fn add_thresholds<'a>(
    params: &Params<f64>,
    population: usize,
    each: impl Iterator<Item = &'a Between<f64>> + Clone,
    gradient: &mut [f64],
) {
    let by_tau_b = each.clone().map(|between| between.by_tau_b);
    let place = (population, NeuronConstant::TauB);
    add_constant(params, place, by_tau_b, gradient);
    let by_b_incr = each.map(|between| between.by_b_incr);
    let place = (population, NeuronConstant::BIncr);
    add_constant(params, place, by_b_incr, gradient);
}

fn add_constant(
    params: &Params<f64>,
    (population, which): (usize, NeuronConstant),
    sums: impl Iterator<Item = f64>,
    gradient: &mut [f64],
) {
    if let Some(range) = params.constant_range(PopulationId(population), which) {
        for (dl_dc, sum) in gradient[range].iter_mut().zip(sums) {
            *dl_dc += sum;
        }
    }
}

/// True if a population of the component trains its time constants.
pub(super) fn trains_time_constants(model: &Model, component: &Component) -> bool {
    let populations = model.network.populations();
    let trains = |&p: &usize| populations[p].trains_time_constants();
    component.populations.iter().any(trains)
}

/// λ at the ends of the stretches of a component, from the last stretch to the first.
#[derive(Debug, Default)]
pub(super) struct History {
    kept: bool,
    pub stretches: Vec<Stretch>,
    /// Per stretch and population of the component: λ_V, then λ_I, of every neuron.
    pub lambdas: Vec<f64>,
}

impl History {
    /// Forgets everything; from now on stretches are kept or not.
    pub fn start(&mut self, kept: bool) {
        self.kept = kept;
        self.stretches.clear();
        self.lambdas.clear();
    }

    /// True if stretches are kept.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// λ of the next population at the end of the present stretch.
    pub fn push(&mut self, adjoints: &Adjoints) {
        self.lambdas.extend_from_slice(&adjoints.lambda_v);
        self.lambdas.extend_from_slice(&adjoints.lambda_i);
    }

    /// Ends the present stretch. Nothing is kept where it need not be.
    pub fn end(&mut self, stretch: Stretch) {
        if self.kept {
            self.stretches.push(stretch);
        }
    }
}

/// Working memory, reused from sample to sample.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    states: Vec<States>,
    arriving: Arriving,
    /// Next spike on the tape of each population.
    next_spike: Vec<usize>,
    /// Sums for τ_mem and τ_syn per neuron, per population.
    sums: Vec<(Vec<f64>, Vec<f64>)>,
}

/// A component to be walked through forwards.
pub(super) struct Walk<'a> {
    /// The prepared network.
    pub model: &'a Model,
    /// Whose time constants are trained.
    pub component: &'a Component,
    /// Weights.
    pub params: &'a Params<f64>,
    /// Spikes.
    pub tape: &'a Tape<f64, f64>,
}

impl Walk<'_> {
    /// `[G2]` `[G3]` adds the derivatives with respect to the trained time constants.
    pub fn add_gradient(&self, history: &History, scratch: &mut Scratch, gradient: &mut [f64]) {
        self.start(scratch);
        let neurons = &self.model.neurons;
        let sizes = self
            .component
            .populations
            .iter()
            .map(|&p| 2 * neurons[p].size);
        let row: usize = sizes.sum();
        let rows = history.lambdas.chunks_exact(row);
        for (stretch, lambdas) in history.stretches.iter().zip(rows).rev() {
            self.events(stretch.from, scratch);
            let mut rest = lambdas;
            for &p in &self.component.populations {
                let (lambdas, behind) = rest.split_at(2 * neurons[p].size);
                rest = behind;
                self.stretch(p, stretch.ms(), lambdas, scratch);
            }
        }
        for &p in &self.component.populations {
            let (mem, syn) = &scratch.sums[p];
            let place = (p, NeuronConstant::TauMem);
            add_constant(self.params, place, mem.iter().copied(), gradient);
            let place = (p, NeuronConstant::TauSyn);
            add_constant(self.params, place, syn.iter().copied(), gradient);
        }
    }

    fn start(&self, scratch: &mut Scratch) {
        let neurons = &self.model.neurons;
        scratch.states.resize_with(neurons.len(), States::default);
        scratch.sums.resize_with(neurons.len(), Default::default);
        scratch.next_spike.clear();
        scratch.next_spike.resize(neurons.len(), 0);
        scratch.arriving.start(&self.component.lines);
        for &p in &self.component.populations {
            scratch.states[p].start(&neurons[p]);
            let (mem, syn) = &mut scratch.sums[p];
            for sums in [mem, syn] {
                sums.clear();
                sums.resize(neurons[p].size, 0.0);
            }
        }
    }

    /// `[F4]` `[F5]` the spikes and arrivals of `now`.
    fn events(&self, now: f64, scratch: &mut Scratch) {
        for &p in &self.component.populations {
            let spikes = &self.tape.populations[p];
            let next = &mut scratch.next_spike[p];
            while *next < spikes.len() && spikes.when[*next] <= now {
                let n = spikes.neuron[*next] as usize;
                scratch.states[p].reset(n, &self.model.neurons[p]);
                *next += 1;
            }
        }
        let (lines, states) = (&self.component.lines, &mut scratch.states);
        scratch.arriving.deliver(lines, self.tape, now, |arrival| {
            let line = &lines[arrival.line];
            let weights = self.params.weights(line.projection);
            let amplitudes = &self.tape.populations[line.source].amplitude;
            let a = amplitudes.get(arrival.spike).copied();
            line.deliver(weights, (arrival, a), &mut states[line.target].i);
        });
    }

    /// lambdas: λ_V, then λ_I, of every neuron.
    fn stretch(&self, p: usize, h: f64, lambdas: &[f64], scratch: &mut Scratch) {
        let (lambda_v, lambda_i) = lambdas.split_at(lambdas.len() / 2);
        let neurons = &self.model.neurons[p];
        let states = &mut scratch.states[p];
        let (mem, syn) = &mut scratch.sums[p];
        for (n, (&v, &i)) in lambda_v.iter().zip(lambda_i).enumerate() {
            if v != 0.0 || i != 0.0 {
                let membrane = neurons.membrane(n);
                let by_tau = Sensitivity::over(h, membrane.tau_mem, membrane.tau_syn)
                    .gradient(states.of(n), Lambda { v, i });
                mem[n] += by_tau.mem;
                syn[n] += by_tau.syn;
            }
        }
        neurons.flows(h).advance(states);
    }
}
