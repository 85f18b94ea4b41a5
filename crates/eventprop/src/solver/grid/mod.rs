//! The grid solver: fixed steps of dt, exact flow within a step, spikes at the ends of steps.
//!
//! [`Grid<f32>`] is the fast one: structure of arrays, loops that the compiler vectorises, samples
//! and gradient rows shared out to the threads of the current rayon pool. [`judge::Judge`] does
//! the same in f64, on one thread, without cleverness, and judges it.

mod adjoint;
mod forward;
mod gradient;
mod groups;
mod inputs;
pub mod judge;
mod packed;
mod plan;
mod project;
mod refractory;
mod state;
mod together;

use std::borrow::Cow;
use std::sync::Arc;

use rayon::prelude::*;

use self::adjoint::Graze;
use self::forward::{Coming, ForwardSample, Projected};
use self::packed::Packed;
use self::plan::Plan;
use self::project::InputWeights;
use self::state::State;
use crate::aligned::Aligned;
use crate::connect::trace::{self, Shape};
use crate::connect::{ByNeuron, Columns, History, Pattern, Wiring};
use crate::dispatch::vectorized;
use crate::network::{Init, Li, Network, PopulationId, ProjectionId};
use crate::params::{Params, Revision};
use crate::readout::{Nodes, Observe, Readout};
use crate::real::Real;
use crate::solver::equations::{GridEquations, has_equations};
use crate::solver::for_implementors::{
    check_batch, check_convention, check_inputs, check_probes, check_voltages, nodes_of,
    start_voltages,
};
use crate::solver::probe::Probe;
use crate::solver::scratch_pool::ScratchPool;
use crate::solver::{
    Convention, Drive, HostTrials, SolveError, Solver, Sum, Trial, first_spikes, grazing, sum,
};
use crate::spikes::Batch;
use crate::tape::Tape;

/// Working memory of one thread.
#[derive(Debug, Default)]
struct Scratch<F> {
    /// Currents from the input in the forward pass, λ_I in the adjoint pass.
    trace: Aligned<F>,
    by_neuron: ByNeuron,
    /// Currents to come, and λ of the steps behind, per population; empty where spikes arrive as wholes.
    currents: Vec<Columns<F>>,
    histories: Vec<History<F>>,
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
    pool: ScratchPool<Scratch<F>>,
    packed: Packed<F>,
    /// Weights of the input, where it is projected.
    input_weights: Option<InputWeights<F>>,
    /// The parameters that constants and packed weights are of.
    taken: Option<Revision>,
    probes: Vec<Probe>,
    /// True if there are parameters beside weights.
    trains: bool,
    /// What solves the network in place of all else, where neuron models are given as equations.
    equations: Option<Box<GridEquations<F>>>,
}

impl<F: Real> Grid<F> {
    /// A solver for a network on its clock.
    ///
    /// # Errors
    /// When the network is not valid.
    pub fn new(network: &Network) -> Result<Self, SolveError> {
        network.validate_in::<F>()?;
        let clock = network.clock();
        if has_equations(network) {
            return Ok(Self::by_equations(network));
        }
        network.validate_on_grid()?;
        let plan = Plan::new(network);
        Ok(Self {
            network: network.clone(),
            traces: Aligned::default(),
            by_neuron: vec![ByNeuron::default(); plan.links.len()],
            gradients: Vec::new(),
            pool: ScratchPool::default(),
            input_weights: InputWeights::new(&plan),
            plan,
            nodes: Arc::new(nodes_of(clock)),
            states: Vec::new(),
            packed: Packed::default(),
            taken: None,
            probes: Vec::new(),
            trains: has_more_than_weights(network),
            equations: None,
        })
    }

    /// A solver that leaves all to that of the equations.
    fn by_equations(network: &Network) -> Self {
        let mut empty = Network::new(network.clock());
        let input = empty.add_input("input", 1);
        let output = empty.add_li("output", 1, Li::new(1.0, 1.0));
        empty.connect(input, output, Init::Values(vec![0.0]));
        let mut solver = Self::new(&empty).expect("the smallest network is valid");
        solver.equations = Some(Box::new(GridEquations::new(network)));
        solver
    }

    /// Takes over constants and weights, unless they are those that it has.
    fn take(&mut self, params: &Params<F>) -> Result<(), SolveError> {
        if self.taken == Some(params.revision()) {
            return Ok(());
        }
        self.taken = None;
        let clock = self.network.clock();
        for population in self.network.adopt(params)? {
            let population_now = self.network.population(PopulationId(population));
            self.plan.layers[population] = plan::layer(population_now, clock);
        }
        self.plan.take_delays(&self.network, params);
        let plan = &self.plan;
        self.packed.pack(&plan.links, params);
        if let Some(weights) = &mut self.input_weights {
            weights.pack(plan, params);
        }
        self.taken = Some(params.revision());
        Ok(())
    }

    /// True if a batch of `samples` is gathered in one go.
    fn is_small(&self, samples: usize) -> bool {
        let numbers = samples * self.plan.clock.steps() * self.plan.columns;
        numbers <= together::NUMBERS && !self.plan.any_apart()
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

    fn forward_pass(
        &mut self,
        params: &Params<F>,
        batch: &Batch,
        trial: Trial<'_>,
        out: &mut HostTrials<u32, F>,
    ) -> Result<(), SolveError> {
        if let Some(equations) = &mut self.equations {
            return equations.forward(params, batch, trial, out);
        }
        check_batch(&self.network, batch)?;
        check_voltages(&self.network, trial.voltages)?;
        let graded = batch.trains().iter().any(|t| !t.amplitudes().is_empty());
        check_inputs("grid", &self.network, graded)?;
        self.take(params)?;
        out.tapes.resize_with(batch.len(), Tape::default);
        out.readouts.resize_with(batch.len(), Readout::default);
        if self.states.len() < batch.len() {
            self.states.resize_with(batch.len(), State::default);
        }
        let (plan, nodes, probes) = (&self.plan, &self.nodes, &self.probes[..]);
        let (input_weights, pool) = (self.input_weights.as_ref(), &self.pool);
        let shape = Shape::new(plan.columns, plan.clock.steps().min(trace::WINDOW));
        let weights = self.packed.weights(&plan.links, params);
        let weights = &weights[..];
        self.states
            .par_iter_mut()
            .zip(&mut out.tapes)
            .zip(&mut out.readouts)
            .enumerate()
            .for_each(|(sample, ((state, tape), readout))| {
                state.set_probes(plan, probes);
                let Readout {
                    voltage,
                    peaks,
                    voltages,
                    ..
                } = readout;
                start_voltages(voltages, trial.voltages, nodes);
                let train = &batch.trains()[sample];
                // Graded spikes are delivered one by one.
                let input_weights = input_weights.filter(|_| train.amplitudes().is_empty());
                let needed = input_weights.is_some() || plan.any_apart();
                let mut scratch = needed.then(|| pool.lend());
                let lent = scratch.as_deref_mut();
                let (projected, coming) = lent.map_or((None, None), |scratch| {
                    ahead(plan, input_weights, scratch, shape)
                });
                vectorized(ForwardSample {
                    plan,
                    weights,
                    train,
                    sample_id: batch.ids()[sample],
                    observe: trial.observe,
                    disturbance: trial.disturbance,
                    shown: trial.voltages,
                    state: &mut *state,
                    tape,
                    voltage,
                    peaks,
                    voltages,
                    projected,
                    coming,
                });
                state.not_finite = state.first_non_finite();
                finish_readout(plan, nodes, trial.observe, tape, readout);
            });
        self.check_finite(batch.len())
    }

    fn adjoint_pass(
        &mut self,
        params: &Params<F>,
        forward: &HostTrials<u32, F>,
        drive: Drive<'_, F>,
        sum: Sum<'_, F>,
    ) -> Result<(), SolveError> {
        if let Some(equations) = &mut self.equations {
            return equations.adjoint(params, forward, drive, sum);
        }
        self.take(params)?;
        let convention = sum.convention();
        check_convention(&self.network, convention)?;
        let by_input = matches!(convention, Some(Convention::Time | Convention::Graded));
        check_inputs("grid", &self.network, by_input)?;
        let samples = forward.tapes.len();
        let together = self.is_small(sum.samples);
        let mut sum = sum;
        let stopped = if samples == 0 {
            // x + (−0) has the bits of x, whatever its sign.
            sum.gradient.values_mut().fill(-F::ZERO);
            None
        } else if together {
            self.adjoint_together(params, forward, drive, &mut sum)
        } else {
            self.adjoint_in_groups(params, forward, drive, &mut sum)
        };
        if let Some((sample, Graze { population, spike })) = stopped {
            let spikes = &forward.tapes[sample].populations[population];
            let population = self.network.population(PopulationId(population));
            let clock = self.plan.clock;
            return Err(grazing::error(population, spikes, spike, clock, sample));
        }
        if self.trains {
            gradient::clear_others(&self.plan, sum.gradient);
        }
        if let Some(inputs) = &mut sum.inputs {
            inputs.samples.resize_with(samples, Vec::new);
            let both = inputs.samples.iter_mut().zip(&mut self.states);
            both.for_each(|(found, state)| std::mem::swap(found, &mut state.by_input));
        }
        let gradient = sum.gradient;
        sum.reduce.join(F::numbers_mut(gradient.values_mut()))?;
        if !together && samples > 0 {
            sum::add_in_order(gradient.values_mut(), &self.gradients);
        }
        if self.trains {
            let states = &self.states[..samples];
            gradient::add_constants(states, gradient);
            gradient::add_delays(&self.plan, states, gradient);
        }
        sum.reduce.hand_on(F::numbers_mut(gradient.values_mut()))?;
        Ok(())
    }
}

/// The seam, for each number type. PERF: written for types and not for every `F`, so that the steps are compiled in this crate
/// once, and not in each that uses them.
macro_rules! solver {
    ($($real:ty),*) => {$(
        impl Solver for Grid<$real> {
            type Real = $real;
            type Time = u32;
            type Trials = HostTrials<u32, $real>;

            fn for_network(network: &Network) -> Result<Self, SolveError> {
                Self::new(network)
            }

            fn network(&self) -> &Network {
                match &self.equations {
                    Some(equations) => equations.network(),
                    None => &self.network,
                }
            }

            fn group_len(&self, samples: usize) -> usize {
                if self.equations.is_some() {
                    return 1;
                }
                if self.is_small(samples) {
                    return samples.max(1);
                }
                groups::len(&self.plan, samples)
            }

            fn set_probes(&mut self, probes: &[Probe]) -> Result<(), SolveError> {
                check_probes(self.network(), probes)?;
                if let Some(equations) = &mut self.equations {
                    return equations.set_probes(probes);
                }
                self.probes = probes.to_vec();
                Ok(())
            }

            fn record(&self, sample: usize, probe: usize) -> Cow<'_, [$real]> {
                if let Some(equations) = &self.equations {
                    return Cow::Borrowed(equations.record(sample, probe));
                }
                Cow::Borrowed(&self.states[sample].records[probe])
            }

            fn rewire(&mut self, id: ProjectionId, pattern: Arc<Pattern>) {
                if let Some(equations) = &mut self.equations {
                    return equations.rewire(id, pattern);
                }
                self.network.set_wiring(id, Wiring::Sparse(pattern));
                self.plan.rewire(&self.network, id);
                self.taken = None;
            }

            fn forward(
                &mut self,
                params: &Params<$real>,
                batch: &Batch,
                trial: Trial<'_>,
                out: &mut HostTrials<u32, $real>,
            ) -> Result<(), SolveError> {
                self.forward_pass(params, batch, trial, out)
            }

            fn adjoint(
                &mut self,
                params: &Params<$real>,
                forward: &HostTrials<u32, $real>,
                drive: Drive<'_, $real>,
                sum: Sum<'_, $real>,
            ) -> Result<(), SolveError> {
                self.adjoint_pass(params, forward, drive, sum)
            }
        }
    )*};
}

solver!(f32, f64);

/// What is known ahead of a window of steps: the currents of the input, and those to come where spikes do not arrive as
/// wholes.
fn ahead<'a, F: Real>(
    plan: &Plan<F>,
    input_weights: Option<&'a InputWeights<F>>,
    scratch: &'a mut Scratch<F>,
    shape: Shape,
) -> (Option<Projected<'a, F>>, Option<Coming<'a, F>>) {
    let Scratch {
        trace,
        by_neuron,
        currents,
        ..
    } = scratch;
    let projected = input_weights.map(|weights| {
        trace.resize(shape.len);
        Projected {
            weights,
            currents: &mut trace[..],
            shape,
        }
    });
    let coming = plan.any_apart().then(|| {
        currents.resize_with(plan.layers.len(), Columns::default);
        Coming {
            currents,
            group: by_neuron,
            window: shape.rows,
        }
    });
    (projected, coming)
}

fn has_more_than_weights(network: &Network) -> bool {
    let mut populations = network.populations().iter();
    let mut projections = network.projections().iter();
    populations.any(|p| !p.trained.is_empty()) || projections.any(|p| p.delay.each().is_some())
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
        Observe::Nothing | Observe::Peaks => {}
        Observe::Voltage => {
            let input = &tape.populations[plan.input];
            let times = input.when.iter().map(|&k| plan.clock.start_ms(k as usize));
            readout.input_ms.extend(times);
        }
        Observe::FirstSpikes => {
            let spikes = &tape.populations[plan.output];
            let size = plan.layers[plan.output].size;
            first_spikes::find(spikes, size, plan.clock, &mut readout.first_spikes_ms);
        }
    }
}
