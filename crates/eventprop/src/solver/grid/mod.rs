//! The grid solver: fixed steps of dt, exact flow within a step, spikes at the ends of steps.
//!
//! [`Grid<f32>`] is the fast one: structure of arrays, loops that the compiler vectorises, samples
//! and gradient rows shared out to the threads of the current rayon pool. [`reference::Judge`] does
//! the same in f64, on one thread, without cleverness, and judges it.

mod adjoint;
mod forward;
mod gradient;
mod plan;
pub mod reference;
mod rows;
mod state;

use std::sync::Arc;

use rayon::prelude::*;

use self::adjoint::AdjointSample;
use self::forward::ForwardSample;
use self::gradient::{ByNeuron, Onto};
use self::plan::Plan;
use self::rows::Packed;
use self::state::State;
pub use self::state::{Probe, Variable};
use crate::dispatch::vectorized;
use crate::network::{Network, PopulationId};
use crate::params::Params;
use crate::readout::{Nodes, Observe, Readout};
use crate::real::Real;
use crate::solver::{Drive, Forward, SolveError, Solver, Trial, check_batch};
use crate::spikes::Batch;
use crate::tape::Tape;

/// Traces of λ_I held at a time, in numbers: beyond this the adjoint works through the batch in
/// groups of samples. PERF: 16 MB in f32 stays within a third-level cache.
const TRACE_NUMBERS: usize = 4 << 20;
/// The smallest group, so that several threads have work.
const GROUP_SAMPLES: usize = 16;

/// The fixed-step solver.
#[derive(Debug, Clone)]
pub struct Grid<F> {
    network: Network,
    plan: Plan<F>,
    nodes: Arc<Nodes>,
    states: Vec<State<F>>,
    groups: Vec<ByNeuron>,
    packed: Packed<F>,
    probes: Vec<Probe>,
    /// Whether any constant is a parameter.
    trains: bool,
}

impl<F: Real> Grid<F> {
    /// A solver for a network on its clock.
    ///
    /// # Errors
    /// When the network is not valid.
    pub fn new(network: &Network) -> Result<Self, SolveError> {
        network.validate()?;
        let clock = network.clock();
        let plan = Plan::new(network);
        Ok(Self {
            network: network.clone(),
            groups: vec![ByNeuron::default(); plan.layers.len()],
            plan,
            nodes: Arc::new(Nodes {
                times_ms: (0..clock.steps()).map(|k| clock.start_ms(k)).collect(),
                widths_ms: vec![clock.dt_ms(); clock.steps()],
                grid: true,
            }),
            states: Vec::new(),
            packed: Packed::default(),
            probes: Vec::new(),
            trains: network.populations().iter().any(|p| !p.trained.is_empty()),
        })
    }

    /// Sets what is recorded from the next trial on. Recording does not change results.
    ///
    /// # Panics
    /// When a probe names the input population or one that does not exist.
    pub fn set_probes(&mut self, probes: &[Probe]) {
        for probe in probes {
            assert!(
                probe.population < self.plan.layers.len() && probe.population != self.plan.input,
                "a probe needs a population with state"
            );
        }
        self.probes = probes.to_vec();
    }

    /// What a probe recorded of a sample of the last batch, `[steps, size]`. V and I are there after
    /// `forward`, λ_V and λ_I after `adjoint`.
    pub fn record(&self, sample: usize, probe: usize) -> &[F] {
        &self.states[sample].records[probe]
    }

    /// Takes over the constants that are trained.
    fn adopt(&mut self, params: &Params<F>) -> Result<(), SolveError> {
        for population in self.network.adopt(params)? {
            let population_now = self.network.population(PopulationId(population));
            let dt = self.network.clock().dt_ms();
            self.plan.layers[population] = plan::layer(population_now, dt);
        }
        Ok(())
    }

    fn name(&self, population: usize) -> String {
        self.network
            .population(PopulationId(population))
            .name
            .clone()
    }

    fn group_samples(&self) -> usize {
        let per_sample: usize = self.plan.layers.iter().map(|l| l.stride).sum();
        (TRACE_NUMBERS / (per_sample * (self.plan.clock.steps() + 1))).max(GROUP_SAMPLES)
    }

    fn check_finite(&self, samples: usize) -> Result<(), SolveError> {
        for (sample, state) in self.states[..samples].iter().enumerate() {
            if let Some((population, neuron)) = state.not_finite {
                return Err(SolveError::NotFinite {
                    population: self.name(population),
                    neuron,
                    time_ms: self.plan.clock.trial_ms(),
                    sample,
                });
            }
        }
        Ok(())
    }
}

impl<F: Real> Solver for Grid<F> {
    type Real = F;
    type Time = u32;

    fn network(&self) -> &Network {
        &self.network
    }

    fn forward(
        &mut self,
        params: &Params<F>,
        batch: &Batch,
        trial: Trial<'_>,
        out: &mut Forward<u32, F>,
    ) -> Result<(), SolveError> {
        check_batch(&self.network, batch)?;
        self.adopt(params)?;
        out.tapes.resize_with(batch.len(), Tape::default);
        out.readouts.resize_with(batch.len(), Readout::default);
        if self.states.len() < batch.len() {
            self.states.resize_with(batch.len(), State::default);
        }
        let (plan, nodes, probes) = (&self.plan, &self.nodes, &self.probes[..]);
        self.packed.pack(&plan.layers, &plan.links, params);
        let weights = self.packed.rows(&plan.layers, &plan.links, params);
        let weights = &weights[..];
        self.states
            .par_iter_mut()
            .zip(&mut out.tapes)
            .zip(&mut out.readouts)
            .enumerate()
            .for_each(|(sample, ((state, tape), readout))| {
                state.set_probes(plan, probes);
                let Readout { voltage, peaks, .. } = readout;
                vectorized(ForwardSample {
                    plan,
                    weights,
                    train: &batch.trains()[sample],
                    sample_id: batch.ids()[sample],
                    observe: trial.observe,
                    disturbance: trial.disturbance,
                    state: &mut *state,
                    tape,
                    voltage,
                    peaks,
                });
                state.not_finite = state.first_non_finite();
                finish_readout(plan, nodes, trial.observe, tape, readout);
            });
        self.check_finite(batch.len())
    }

    fn adjoint(
        &mut self,
        params: &Params<F>,
        forward: &Forward<u32, F>,
        drive: Drive<'_, F>,
        gradient: &mut Params<F>,
    ) -> Result<(), SolveError> {
        if forward.tapes.is_empty() {
            gradient.values_mut().fill(F::ZERO);
        }
        self.adopt(params)?;
        let (layers, links) = (&self.plan.layers, &self.plan.links);
        self.packed.pack(layers, links, params);
        let weights = self.packed.rows(layers, links, params);
        let weights = &weights[..];
        let group = self.group_samples();
        for first in (0..forward.tapes.len()).step_by(group) {
            let last = (first + group).min(forward.tapes.len());
            let plan = &self.plan;
            let (states, groups) = (&mut self.states[first..last], &mut self.groups[..]);
            let tapes = &forward.tapes[first..last];
            let back = || {
                let each = states.par_iter_mut().enumerate().map(|(offset, state)| {
                    let sample = first + offset;
                    let work = AdjointSample {
                        plan,
                        weights,
                        tape: &forward.tapes[sample],
                        readout: &forward.readouts[sample],
                        seed: &drive.seeds[sample],
                        spike_jumps: spike_jumps_of(plan, drive.spike_jumps, sample),
                        grazing: drive.grazing,
                        state,
                    };
                    vectorized(work).map_err(|graze| (sample, graze))
                });
                each.find_map_first(Result::err)
            };
            let group_spikes = || gradient::group_spikes(plan, tapes, groups);
            let (grazed, ()) = rayon::join(back, group_spikes);
            if let Some((sample, graze)) = grazed {
                let tape = &forward.tapes[sample];
                return Err(graze.error(plan, tape, sample, |p| self.name(p)));
            }
            let onto = if first == 0 {
                Onto::Zero
            } else {
                Onto::Gradient
            };
            let states = &self.states[first..last];
            gradient::accumulate(plan, states, &self.groups, onto, gradient);
            if self.trains {
                gradient::add_constants(states, onto, gradient);
            }
        }
        Ok(())
    }
}

/// The rows of one sample.
fn spike_jumps_of<'a, F: Real>(plan: &Plan<F>, all: &'a [Vec<F>], sample: usize) -> Vec<&'a [F]> {
    all.iter()
        .zip(&plan.layers)
        .map(|(jumps, layer)| {
            if jumps.is_empty() {
                &[][..]
            } else {
                &jumps[sample * layer.size..(sample + 1) * layer.size]
            }
        })
        .collect()
}

fn finish_readout<F: Real>(
    plan: &Plan<F>,
    nodes: &Arc<Nodes>,
    observe: Observe,
    tape: &Tape<u32, F>,
    readout: &mut Readout<F>,
) {
    readout.nodes = Arc::clone(nodes);
    readout.first_spikes_ms.clear();
    readout.input_ms.clear();
    match observe {
        Observe::Peaks => {}
        Observe::Voltage => {
            let input = &tape.populations[plan.input];
            let times = input.when.iter().map(|&k| plan.clock.start_ms(k as usize));
            readout.input_ms.extend(times);
        }
        Observe::FirstSpikes => {
            let size = plan.layers[plan.output].size;
            readout.first_spikes_ms.resize(size, f64::INFINITY);
            let spikes = &tape.populations[plan.output];
            for (&neuron, &step) in spikes.neuron.iter().zip(&spikes.when) {
                let first = &mut readout.first_spikes_ms[neuron as usize];
                *first = first.min(plan.clock.start_ms(step as usize));
            }
        }
    }
}
