//! From event to event: exact spike times and exact gradients, in f64, without a time step.
//!
//! Between events every neuron follows `[F1]` and `[F2]` in closed form; the solver moves from event to
//! event and finds the threshold crossings exactly. What it computes is the model itself, not a
//! discretisation of it: the judge of the grid solver's steps, and the fast solver where spikes are
//! few.
//!
//! # What happens, in which order
//!
//! - A spike at time t arrives at t + delay of the projection, and there `[F5]` I += w. V is continuous
//!   at arrivals.
//! - A neuron spikes when V reaches ϑ from below (`[F3]`, `[F4]`); spikes in (0, T] exist. What would
//!   arrive at the end T of the trial or later does nothing.
//! - An arrival without delay happens at the time of the spike, after its reset.
//! - At equal times: neurons whose crossing is exactly then fire first, all of them, by (population,
//!   neuron), each with the drive J it had before any delivery of that time; then everything that
//!   arrives then is delivered, by (projection, spike of its source).
//! - No two rounds of spikes of a loop, and no two spikes of a neuron, are at the same time: where two
//!   would be closer than the clock can tell, the later one is moved by one unit in the last place.
//!
//! # How
//!
//! Populations that act on each other in a loop are solved together, all others one after the other
//! (`schedule`); what arrives is read off the tapes of the sources (`arrivals`). Forward and adjoint
//! pass are twins (`forward`, `adjoint`). Crossings are dismissed by exact bounds before anything is
//! solved (`neuron::exact`). Voltages are shown at Gauss–Legendre points (`quadrature`), maxima exactly.
//!
//! Samples are solved in parallel in the ambient rayon pool. A sample does not depend on the others,
//! and gradients are summed in the order of the samples, so every bit is the same with any number of
//! threads.
//!
//! Times and spikes follow Wunderlich & Pehle (2021), where the system and its adjoint are derived;
//! the peaks at kinks `[A6]` are this project's.

mod adjoint;
pub(in crate::solver) mod arrivals;
mod constants;
mod forward;
mod inputs;
mod interval;
mod neurons;
mod observe;
pub(in crate::solver) mod quadrature;
pub(in crate::solver) mod schedule;
mod stretch;
mod work;

use std::borrow::Cow;
use std::sync::Arc;

use rayon::prelude::*;

pub use work::Work;

use self::neurons::Neurons;
use self::schedule::Component;
use super::equations::{EventEquations, has_equations_between_events};
use super::for_implementors::{check_batch, check_convention, check_inputs, check_voltages};
use super::probe::Probe;
use super::scratch_pool::ScratchPool;
use super::sum::add_in_order;
use super::{Convention, Disturbance, Drive, HostTrials, SolveError, Solver, Sum, Trial};
use crate::connect::{Pattern, Wiring};
use crate::network::{Network, ProjectionId};
use crate::params::{Params, Revision};
use crate::readout::Observe;
use crate::real::Real;
use crate::spikes::Batch;
use crate::tape::Tape;

/// Memory for gradients of single samples, in values (64 MiB): as many samples are solved before they
/// are summed. The result does not depend on it.
const GRADIENT_VALUES: usize = 1 << 23;

/// The network as the solver uses it.
#[derive(Debug)]
struct Model {
    network: Network,
    neurons: Vec<Neurons>,
    components: Vec<Component>,
    trial_ms: f64,
    input: usize,
    output: usize,
}

impl Model {
    /// The component of a population.
    fn component_of(&self, population: usize) -> &Component {
        let mut all = self.components.iter();
        let found = all.find(|component| component.populations.contains(&population));
        found.expect("every population is in a component")
    }
}

/// Working memory of one thread.
#[derive(Debug, Default)]
struct Scratch {
    forward: forward::Scratch,
    adjoint: adjoint::Scratch,
}

/// The solver that goes from event to event, in f64.
///
/// ```
/// use eventprop::network::{Clock, Init, Lif, Network};
/// use eventprop::params::Params;
/// use eventprop::readout::Observe;
/// use eventprop::solver::event::Event;
/// use eventprop::solver::{Solver, Trial, Trials};
/// use eventprop::spikes::{Batch, SpikeTrain};
///
/// let mut network = Network::new(Clock::new(1.0, 30.0)?);
/// let input = network.add_input("input", 1);
/// let output = network.add_lif("output", 1, Lif::new(10.0, 5.0));
/// network.connect(input, output, Init::Values(vec![8.0]));
/// let params = Params::init(&network, 1)?;
/// let batch = Batch::new(vec![SpikeTrain::new(vec![2.0], vec![0])?], vec![0])?;
///
/// let mut solver = Event::new(&network)?;
/// let mut out = Default::default();
/// let trial = Trial { observe: Observe::FirstSpikes, disturbance: None, voltages: &[] };
/// solver.forward(&params, &batch, trial, &mut out)?;
/// // V = 8 x (1 − x) with x = e^{−s/10} reaches 1 at x = (1 + √½)/2.
/// let expected = 2.0 - 10.0 * ((1.0 + 0.5f64.sqrt()) / 2.0).ln();
/// assert!((out.readout(0).first_spikes_ms[0] - expected).abs() < 1e-14);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Event {
    model: Model,
    idle: ScratchPool<Scratch>,
    /// One gradient per sample of a group.
    gradients: Vec<Vec<f64>>,
    /// Derivatives by the input, per sample; empty where they are not wanted.
    by_input: Vec<Vec<f64>>,
    outcomes: Vec<Result<Work, SolveError>>,
    work: Work,
    /// The parameters that constants and delays are of.
    taken: Option<Revision>,
    /// What solves the network in place of all else, where neuron models are given as equations.
    equations: Option<Box<EventEquations>>,
}

impl Event {
    /// A solver for a network.
    ///
    /// # Errors
    /// When the network is not valid, or a model has no closed form between events.
    pub fn new(network: &Network) -> Result<Self, SolveError> {
        network.validate()?;
        let by_equations = has_equations_between_events(network);
        let equations = by_equations.then(|| Box::new(EventEquations::new(network)));
        let mut neurons = Vec::new();
        if !by_equations {
            check_models(network)?;
            neurons.extend(network.populations().iter().map(Neurons::new));
        }
        let model = Model {
            neurons,
            components: schedule::components(network),
            trial_ms: network.clock().trial_ms(),
            input: network.input().0,
            output: network.output().0,
            network: network.clone(),
        };
        Ok(Self {
            model,
            idle: ScratchPool::default(),
            gradients: Vec::new(),
            by_input: Vec::new(),
            outcomes: Vec::new(),
            work: Work::default(),
            taken: None,
            equations,
        })
    }

    /// Work of the last forward pass; nothing is counted where models are given as equations.
    pub fn work(&self) -> Work {
        self.work
    }

    /// Takes over the constants that are trained, and delays.
    fn adopt(&mut self, params: &Params<f64>) -> Result<(), SolveError> {
        if self.taken == Some(params.revision()) {
            return Ok(());
        }
        self.taken = None;
        for population in self.model.network.adopt(params)? {
            let population_now = &self.model.network.populations()[population];
            self.model.neurons[population] = Neurons::new(population_now);
        }
        let Model {
            network,
            components,
            ..
        } = &mut self.model;
        schedule::take_delays(components, network, params);
        self.taken = Some(params.revision());
        Ok(())
    }

    fn check_trial(&self, trial: Trial<'_>) -> Result<(), SolveError> {
        let disturbs = |d: &Disturbance| d.withhold.iter().chain(&d.noise).any(|x| *x != 0.0);
        if trial.disturbance.is_some_and(disturbs) {
            return Err(SolveError::Unsupported {
                solver: "event",
                what: "noise or withheld spikes",
                why: "both are defined per time step; use the grid solver",
            });
        }
        let reads_v = matches!(trial.observe, Observe::Voltage | Observe::Peaks);
        if reads_v && self.model.neurons[self.model.output].spiking {
            return Err(SolveError::Unsupported {
                solver: "event",
                what: "voltages of spiking outputs",
                why: "a reset would cut them; use leaky integrators as outputs",
            });
        }
        Ok(())
    }

    /// Adds up what the samples report; the first sample that failed speaks for all.
    fn conclude(&mut self) -> Result<Work, SolveError> {
        let mut total = Work::default();
        for outcome in self.outcomes.drain(..) {
            total += outcome?;
        }
        Ok(total)
    }
}

/// Refuses models without a closed form.
fn check_models(network: &Network) -> Result<(), SolveError> {
    for population in network.populations() {
        if let (Some(model), None) = (population.description(), population.exact()) {
            return Err(SolveError::Unsupported {
                solver: "event",
                what: model.name(),
                why: "its spike times have no closed form; use the grid solver",
            });
        }
    }
    Ok(())
}

/// True if the input spikes of a sample have amplitudes.
fn is_graded(tape: &Tape<f64, f64>, model: &Model) -> bool {
    !tape.populations[model.input].amplitude.is_empty()
}

/// Makes a list at least so long, keeping the memory.
fn make_room(lists: &mut Vec<Vec<f64>>, len: usize) {
    if lists.len() < len {
        lists.resize_with(len, Vec::new);
    }
}

/// Number of samples whose gradients are held at once.
fn group_len(weights: usize, samples: usize) -> usize {
    let fitting = GRADIENT_VALUES / weights.max(1);
    let busy = fitting.max(rayon::current_num_threads());
    busy.min(samples).max(1)
}

impl Solver for Event {
    type Real = f64;
    type Time = f64;
    type Trials = HostTrials<f64, f64>;

    fn for_network(network: &Network) -> Result<Self, SolveError> {
        Self::new(network)
    }

    fn network(&self) -> &Network {
        match &self.equations {
            Some(equations) => equations.network(),
            None => &self.model.network,
        }
    }

    /// Every sample has a gradient of its own.
    fn group_len(&self, _samples: usize) -> usize {
        1
    }

    fn set_probes(&mut self, probes: &[Probe]) -> Result<(), SolveError> {
        if probes.is_empty() {
            return Ok(());
        }
        Err(SolveError::Unsupported {
            solver: "event",
            what: "recording",
            why: "it has no steps in which to record; use the grid solver",
        })
    }

    fn record(&self, _sample: usize, probe: usize) -> Cow<'_, [f64]> {
        panic!("there is no probe {probe}: set_probes() refuses all")
    }

    fn rewire(&mut self, id: ProjectionId, pattern: Arc<Pattern>) {
        if let Some(equations) = &mut self.equations {
            return equations.rewire(id, pattern);
        }
        self.model.network.set_wiring(id, Wiring::Sparse(pattern));
        let synapses = self.model.network.synapses(id);
        let lines = self.model.components.iter_mut().flat_map(|c| &mut c.lines);
        for line in lines.filter(|line| line.projection == id) {
            // Ways over single synapses come with the parameters.
            line.synapses = synapses.clone();
        }
        self.taken = None;
    }

    fn forward(
        &mut self,
        params: &Params<f64>,
        batch: &Batch,
        trial: Trial<'_>,
        out: &mut HostTrials<f64, f64>,
    ) -> Result<(), SolveError> {
        if let Some(equations) = &mut self.equations {
            return equations.forward(params, batch, trial, out);
        }
        check_batch(&self.model.network, batch)?;
        self.check_trial(trial)?;
        check_voltages(&self.model.network, trial.voltages)?;
        self.adopt(params)?;
        let delivered = params.delivered(&self.model.network);
        let params = &*delivered;
        out.tapes.resize_with(batch.len(), Default::default);
        out.readouts.resize_with(batch.len(), Default::default);
        let (model, idle) = (&self.model, &self.idle);
        let traces = out.tapes.par_iter_mut().zip(&mut out.readouts);
        batch
            .trains()
            .par_iter()
            .zip(traces)
            .enumerate()
            // PERF: a sample takes 20 to 30 µs; a thread that is done early takes the next. Likewise below.
            .with_max_len(1)
            .map_init(
                || idle.lend(),
                |lent, (sample, (train, (tape, readout)))| {
                    let pass = forward::Pass {
                        model,
                        weights: params.all_weights(),
                        sample,
                        observe: trial.observe,
                        voltages: trial.voltages,
                        graded: !train.amplitudes().is_empty(),
                    };
                    let mut work = Work::default();
                    let traces = forward::Traces {
                        tape,
                        readout,
                        work: &mut work,
                    };
                    pass.solve(train, &mut lent.forward, traces)?;
                    Ok(work)
                },
            )
            .collect_into_vec(&mut self.outcomes);
        self.work = self.conclude()?;
        Ok(())
    }

    fn adjoint(
        &mut self,
        params: &Params<f64>,
        forward: &HostTrials<f64, f64>,
        drive: Drive<'_, f64>,
        total: Sum<'_, f64>,
    ) -> Result<(), SolveError> {
        if let Some(equations) = &mut self.equations {
            return equations.adjoint(params, forward, drive, total);
        }
        let samples = forward.tapes.len();
        assert_eq!(drive.seeds.len(), samples, "one seed per sample");
        self.adopt(params)?;
        let delivered = params.delivered(&self.model.network);
        let params = &*delivered;
        let convention = total.convention();
        check_convention(&self.model.network, convention)?;
        let graded = convention == Some(Convention::Graded);
        check_inputs("event", &self.model.network, graded)?;
        make_room(&mut self.by_input, samples);
        let sum = total.gradient.values_mut();
        sum.fill(0.0);
        let group = group_len(params.values().len(), samples);
        make_room(&mut self.gradients, group);
        // Once without samples, too.
        for first in (0..samples.max(1)).step_by(group) {
            let len = group.min(samples - first);
            let (model, idle) = (&self.model, &self.idle);
            self.gradients[..len]
                .par_iter_mut()
                .zip(&mut self.by_input[first..first + len])
                .enumerate()
                .with_max_len(1)
                .map_init(
                    || idle.lend(),
                    |lent, (position, (gradient, by_input))| {
                        let sample = first + position;
                        gradient.clear();
                        gradient.resize(params.values().len(), 0.0);
                        let pass = adjoint::Pass {
                            model,
                            params,
                            weights: params.all_weights(),
                            sample,
                            tape: &forward.tapes[sample],
                            readout: &forward.readouts[sample],
                            drive,
                            convention,
                            graded: is_graded(&forward.tapes[sample], model),
                        };
                        pass.solve(&mut lent.adjoint, gradient, by_input)?;
                        params.scale_by_factors(&model.network, gradient);
                        Ok(Work::default())
                    },
                )
                .collect_into_vec(&mut self.outcomes);
            self.conclude()?;
            if first == 0 {
                total.reduce.join(f64::numbers_mut(sum))?;
            }
            add_in_order(sum, &self.gradients[..len]);
        }
        total.reduce.hand_on(f64::numbers_mut(sum))?;
        if let Some(inputs) = total.inputs {
            inputs.samples.resize_with(samples, Vec::new);
            inputs.samples[..].swap_with_slice(&mut self.by_input[..samples]);
        }
        Ok(())
    }
}
