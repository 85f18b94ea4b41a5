//! The grid solver: fixed steps of dt, exact flow within a step, spikes at the ends of steps.
//!
//! [`Grid<f32>`] is the fast one: structure of arrays, loops that the compiler vectorises, samples
//! and gradient rows shared out to the threads of the current rayon pool. [`reference::Judge`] does
//! the same in f64, on one thread, without cleverness, and judges it.

mod adjoint;
mod forward;
mod gradient;
mod plan;
mod project;
pub mod reference;
mod rows;
mod state;
mod trace;

use std::borrow::Cow;
use std::sync::Arc;

use rayon::prelude::*;

use self::adjoint::{AdjointSample, Graze, Sink};
use self::forward::{ForwardSample, Projected};
use self::gradient::{ByNeuron, Onto};
use self::plan::Plan;
use self::project::Blocked;
use self::rows::Packed;
use self::state::State;
use self::trace::Shape;
use crate::aligned::Aligned;
use crate::dispatch::vectorized;
use crate::network::{Network, PopulationId};
use crate::params::{Params, Revision};
use crate::readout::{Nodes, Observe, Readout};
use crate::real::Real;
use crate::solver::for_implementors::{check_batch, check_probes};
use crate::solver::probe::Probe;
use crate::solver::shelf::Shelf;
use crate::solver::{Drive, HostTrials, SolveError, Solver, Sum, Trial};
use crate::spikes::Batch;
use crate::tape::Tape;

/// Traces of λ_I of a batch, in numbers, up to which they are all kept and gathered together.
/// PERF: 1 MB in f32 stays close to the cores, and the gradient is then written once.
const TOGETHER_NUMBERS: usize = 1 << 18;
/// Numbers of the gradients of groups of samples that are held at a time (16 MB in f32), unless that
/// would be fewer than [`GROUPS_LEAST`].
const GROUP_NUMBERS: usize = 4 << 20;
/// The fewest and the most groups, so that several threads have work and summing has little.
const GROUPS_LEAST: usize = 4;
const GROUPS_MOST: usize = 16;

/// Working memory of one thread.
#[derive(Debug, Default)]
struct Scratch<F> {
    /// Currents from the input in the forward pass, λ_I in the adjoint pass.
    trace: Aligned<F>,
    by_neuron: ByNeuron,
}

/// The fixed-step solver.
#[derive(Debug, Clone)]
pub struct Grid<F> {
    network: Network,
    plan: Plan<F>,
    nodes: Arc<Nodes>,
    states: Vec<State<F>>,
    /// Traces of a whole batch, where they are kept.
    traces: Aligned<F>,
    /// Spikes of a batch by neuron, per link.
    by_neuron: Vec<ByNeuron>,
    /// Gradients of all groups of samples but the first.
    gradients: Vec<Aligned<F>>,
    shelf: Shelf<Scratch<F>>,
    packed: Packed<F>,
    /// Weights of the input, where it is projected.
    blocked: Option<Blocked<F>>,
    /// The parameters that constants and packed weights are of.
    taken: Option<Revision>,
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
        let blocked = project::pays(&plan).then(Blocked::default);
        Ok(Self {
            network: network.clone(),
            traces: Aligned::default(),
            by_neuron: vec![ByNeuron::default(); plan.links.len()],
            gradients: Vec::new(),
            shelf: Shelf::default(),
            plan,
            nodes: Arc::new(Nodes {
                times_ms: (0..clock.steps()).map(|k| clock.start_ms(k)).collect(),
                widths_ms: vec![clock.dt_ms(); clock.steps()],
                grid: true,
            }),
            states: Vec::new(),
            packed: Packed::default(),
            blocked,
            taken: None,
            probes: Vec::new(),
            trains: network.populations().iter().any(|p| !p.trained.is_empty()),
        })
    }

    /// Takes over constants and weights, unless they are those that it has.
    fn take(&mut self, params: &Params<F>) -> Result<(), SolveError> {
        if self.taken == Some(params.revision()) {
            return Ok(());
        }
        self.taken = None;
        let dt = self.network.clock().dt_ms();
        for population in self.network.adopt(params)? {
            let population_now = self.network.population(PopulationId(population));
            self.plan.layers[population] = plan::layer(population_now, dt);
        }
        let plan = &self.plan;
        self.packed.pack(&plan.layers, &plan.links, params);
        if let Some(blocked) = &mut self.blocked {
            blocked.pack(plan, params);
        }
        self.taken = Some(params.revision());
        Ok(())
    }

    fn name(&self, population: usize) -> String {
        self.network
            .population(PopulationId(population))
            .name
            .clone()
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
    type Trials = HostTrials<u32, F>;

    fn for_network(network: &Network) -> Result<Self, SolveError> {
        Self::new(network)
    }

    fn network(&self) -> &Network {
        &self.network
    }

    fn group_len(&self, samples: usize) -> usize {
        let weights = self.plan.links.iter().map(|link| {
            let (source, target) = (
                &self.plan.layers[link.source],
                &self.plan.layers[link.target],
            );
            source.size * target.size
        });
        let groups = GROUP_NUMBERS / weights.sum::<usize>().max(1);
        samples
            .div_ceil(groups.clamp(GROUPS_LEAST, GROUPS_MOST))
            .max(1)
    }

    fn set_probes(&mut self, probes: &[Probe]) -> Result<(), SolveError> {
        check_probes(&self.network, probes)?;
        self.probes = probes.to_vec();
        Ok(())
    }

    fn record(&self, sample: usize, probe: usize) -> Cow<'_, [F]> {
        Cow::Borrowed(&self.states[sample].records[probe])
    }

    fn forward(
        &mut self,
        params: &Params<F>,
        batch: &Batch,
        trial: Trial<'_>,
        out: &mut HostTrials<u32, F>,
    ) -> Result<(), SolveError> {
        check_batch(&self.network, batch)?;
        self.take(params)?;
        out.tapes.resize_with(batch.len(), Tape::default);
        out.readouts.resize_with(batch.len(), Readout::default);
        if self.states.len() < batch.len() {
            self.states.resize_with(batch.len(), State::default);
        }
        let (plan, nodes, probes) = (&self.plan, &self.nodes, &self.probes[..]);
        let (blocked, shelf) = (self.blocked.as_ref(), &self.shelf);
        let shape = Shape::new(plan, plan.clock.steps().min(trace::WINDOW));
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
                let mut scratch = blocked.map(|_| shelf.lend());
                let projected = blocked.zip(scratch.as_mut()).map(|(weights, scratch)| {
                    scratch.trace.resize(shape.len);
                    let currents = &mut scratch.trace[..];
                    Projected {
                        weights,
                        currents,
                        shape,
                    }
                });
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
                    projected,
                });
                state.not_finite = state.first_non_finite();
                finish_readout(plan, nodes, trial.observe, tape, readout);
            });
        self.check_finite(batch.len())
    }

    fn adjoint(
        &mut self,
        params: &Params<F>,
        forward: &HostTrials<u32, F>,
        drive: Drive<'_, F>,
        sum: Sum<'_, F>,
    ) -> Result<(), SolveError> {
        self.take(params)?;
        let samples = forward.tapes.len();
        let numbers = samples * self.plan.clock.steps() * self.plan.columns;
        let together = sum.reduce.is_alone() && numbers <= TOGETHER_NUMBERS;
        let mut sum = sum;
        let stopped = if samples == 0 {
            sum.gradient.values_mut().fill(F::ZERO);
            None
        } else if together {
            self.adjoint_together(params, forward, drive, sum.gradient)
        } else {
            self.adjoint_in_groups(params, forward, drive, &mut sum)
        };
        if let Some((sample, graze)) = stopped {
            let tape = &forward.tapes[sample];
            return Err(graze.error(&self.plan, tape, sample, |p| self.name(p)));
        }
        if self.trains {
            gradient::clear_constants(sum.gradient);
        }
        let gradient = sum.gradient;
        sum.reduce.join(F::numbers_mut(gradient.values_mut()))?;
        if !together && samples > 0 {
            gradient::add_in_order(gradient.values_mut(), &self.gradients);
        }
        if self.trains {
            gradient::add_constants(&self.states[..samples], gradient);
        }
        sum.reduce.hand_on(F::numbers_mut(gradient.values_mut()))?;
        Ok(())
    }
}

/// The first sample that stopped the adjoint pass, and where.
type Stopped = Option<(usize, Graze)>;

impl<F: Real> Grid<F> {
    /// All samples, then the weight gradients from all traces.
    fn adjoint_together(
        &mut self,
        params: &Params<F>,
        forward: &HostTrials<u32, F>,
        drive: Drive<'_, F>,
        gradient: &mut Params<F>,
    ) -> Stopped {
        let plan = &self.plan;
        let shape = Shape::new(plan, plan.clock.steps());
        let samples = forward.tapes.len();
        self.traces.resize(samples * shape.len);
        let weights = self.packed.rows(&plan.layers, &plan.links, params);
        let (states, traces) = (&mut self.states[..samples], &mut self.traces[..]);
        let back = || {
            let each = states.par_iter_mut().zip(traces.par_chunks_mut(shape.len));
            each.enumerate()
                .map(|(sample, (state, trace))| {
                    let work = AdjointSample {
                        plan,
                        weights: &weights,
                        tape: &forward.tapes[sample],
                        readout: &forward.readouts[sample],
                        seed: &drive.seeds[sample],
                        spike_jumps: spike_jumps_of(plan, drive.spike_jumps, sample),
                        grazing: drive.grazing,
                        state,
                        trace,
                        shape,
                        sink: None,
                    };
                    vectorized(work).map_err(|graze| (sample, graze))
                })
                .find_map_first(Result::err)
        };
        let by_neuron = &mut self.by_neuron[..];
        let group = || gradient::group_batch(plan, &forward.tapes, by_neuron);
        let (stopped, ()) = rayon::join(back, group);
        if stopped.is_none() {
            gradient::gather_batch(plan, &self.traces, &self.by_neuron, gradient);
        }
        stopped
    }

    /// A few samples per task, each group with a gradient of its own; that of the first is the one of
    /// `sum`.
    fn adjoint_in_groups(
        &mut self,
        params: &Params<F>,
        forward: &HostTrials<u32, F>,
        drive: Drive<'_, F>,
        sum: &mut Sum<'_, F>,
    ) -> Stopped {
        let samples = forward.tapes.len();
        let len = self.group_len(sum.samples);
        let plan = &self.plan;
        let shape = Shape::new(plan, plan.clock.steps().min(trace::WINDOW));
        let weights = self.packed.rows(&plan.layers, &plan.links, params);
        let shelf = &self.shelf;
        self.gradients
            .resize_with(samples.div_ceil(len) - 1, Aligned::default);
        let numbers = sum.gradient.values().len();
        let mut sums = vec![sum.gradient.values_mut()];
        for sum in &mut self.gradients {
            sum.resize(numbers);
            sums.push(sum);
        }
        let group = |(group, (sum, states)): (usize, (&mut [F], &mut [State<F>]))| {
            let mut scratch = shelf.lend();
            let Scratch { trace, by_neuron } = &mut *scratch;
            trace.resize(shape.len);
            for (place, state) in states.iter_mut().enumerate() {
                let sample = group * len + place;
                let work = AdjointSample {
                    plan,
                    weights: &weights,
                    tape: &forward.tapes[sample],
                    readout: &forward.readouts[sample],
                    seed: &drive.seeds[sample],
                    spike_jumps: spike_jumps_of(plan, drive.spike_jumps, sample),
                    grazing: drive.grazing,
                    state,
                    trace,
                    shape,
                    sink: Some(Sink {
                        group: by_neuron,
                        gradient: sum,
                        onto: if place == 0 {
                            Onto::Zero
                        } else {
                            Onto::Gradient
                        },
                    }),
                };
                if let Err(graze) = vectorized(work) {
                    return Some((sample, graze));
                }
            }
            None
        };
        let states = self.states[..samples].par_chunks_mut(len);
        let groups = sums.into_par_iter().zip(states).enumerate();
        groups.map(group).find_map_first(|stopped| stopped)
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
