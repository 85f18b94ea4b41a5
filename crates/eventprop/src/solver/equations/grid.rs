//! Networks with equations in the steps of the clock.
//!
//! # A step
//!
//! As on the grid of built-in models: what arrives is delivered at the start of the step, the voltage is shown, every neuron
//! moves by `[F13]` or `[F14]` over `substeps` equal parts of the step, and at the end of each part those at their threshold
//! spike and are reset. A spike in step k acts from step k + 1. Conditions of the flow are those at the start of a part. Where
//! the method is the midpoint rule, the state is right to second order between events, and spike times to first order.

use super::cells::{Cells, Delivery};
use super::fault::Fault;
use super::grid_arrivals::{Arrivals, Due, Sending};
use super::linear::Propagators;
use super::tableau::{MIDPOINT, Tableau};
use super::unit::{At, EventMemory, Flow, Side, Stepper};
use crate::connect::{Lags, Synapses};
use crate::dispatch::{Kernel, vectorized};
use crate::network::{Clock, Network, PopulationId, ProjectionId};
use crate::neuron::equations::programs::Additive;
use crate::params::{AllWeights, Params};
use crate::real::Real;
use crate::solver::SolveError;
use crate::spikes::SpikeTrain;
use crate::tape::{Spikes, Tape};

/// Neurons of a block.
pub(super) const LANES: usize = 128;

/// A population.
#[derive(Debug, Clone)]
pub(super) struct Layer<F> {
    pub cells: Cells<F, LANES>,
    pub substeps: usize,
    /// Where the model is linear.
    pub exact: Option<Propagators<F, LANES>>,
    /// True if the tape holds all that the adjoint needs of its spikes.
    pub by_tape: bool,
}

/// A projection.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub id: ProjectionId,
    pub source: usize,
    pub target: usize,
    pub port: usize,
    pub synapses: Synapses,
    pub lags: Lags<usize>,
}

impl Link {
    /// True if a spike arrives at all its targets at once.
    pub fn sends_whole(&self) -> bool {
        match &self.lags {
            Lags::Same(_) => true,
            Lags::Each { by, .. } => self.synapses.share_by_source(*by),
        }
    }
}

/// The network as this solver uses it.
#[derive(Debug, Clone)]
pub(super) struct GridModel<F> {
    pub network: Network,
    pub clock: Clock,
    /// None of the input.
    pub layers: Vec<Option<Layer<F>>>,
    pub links: Vec<Link>,
    /// Populations whose start and steps were not looked at since they changed.
    unchecked: Vec<usize>,
}

/// The method of a step.
pub(super) const METHOD: &Tableau = &MIDPOINT;

impl<F: Real> GridModel<F> {
    pub fn new(network: &Network) -> Self {
        let ports = super::ports(network);
        let clock = network.clock();
        let link = |(index, port): (usize, usize)| {
            let id = ProjectionId(index);
            let projection = network.projection(id);
            Link {
                id,
                source: projection.source.0,
                target: projection.target.0,
                port,
                synapses: network.synapses(id),
                lags: Lags::Same(clock.delay_steps(network.longest_delay_ms(id))),
            }
        };
        Self {
            layers: {
                let each = network.populations().iter();
                each.map(|population| layer(population, clock)).collect()
            },
            links: ports.into_iter().enumerate().map(link).collect(),
            clock,
            network: network.clone(),
            unchecked: (0..network.populations().len()).collect(),
        }
    }

    /// Takes over constants that are trained, and delays.
    pub fn adopt(&mut self, params: &Params<F>) -> Result<(), SolveError> {
        for population in self.network.adopt(params)? {
            let changed = self.network.population(PopulationId(population));
            self.layers[population] = layer(changed, self.clock);
            if !self.unchecked.contains(&population) {
                self.unchecked.push(population);
            }
        }
        let clock = self.clock;
        for link in &mut self.links {
            let lags = self.network.lags(link.id, params);
            link.lags = lags.map(|ms| clock.delay_steps(ms));
        }
        for &index in &self.unchecked {
            let Some(layer) = &self.layers[index] else {
                continue;
            };
            let mut memory = EventMemory::default();
            let checked = layer.cells.check_start(&mut memory);
            let checked = checked.and_then(|()| self.check_stiff(layer, &mut memory));
            checked.map_err(|fault| self.error(fault, index, 0))?;
        }
        self.unchecked.clear();
        Ok(())
    }

    pub fn error(&self, fault: Fault, population: usize, sample: usize) -> SolveError {
        fault.in_sample(self.network.population(PopulationId(population)), sample)
    }

    pub fn layer(&self, population: usize) -> &Layer<F> {
        self.layers[population]
            .as_ref()
            .expect("the input has no neurons to move")
    }

    /// Length of a part of a step.
    pub fn part_ms(&self, layer: &Layer<F>) -> F {
        F::from_f64(self.clock.dt_ms() / layer.substeps as f64)
    }

    /// An explicit method needs steps that are short beside the fastest time constant: |h J| must stay below 2, in the norm of the
    /// largest sum of a row, at the start of the trial.
    fn check_stiff(&self, layer: &Layer<F>, memory: &mut EventMemory<F>) -> Result<(), Fault> {
        let cells = &layer.cells;
        let n = cells.states();
        let moved = if layer.exact.is_some() { 0 } else { cells.size };
        for neuron in 0..moved {
            let mut x = vec![[F::ZERO]; n];
            let unit = cells.neuron(neuron);
            let at = At::state(&[], unit.q, &[]);
            memory
                .stepper
                .put(&cells.programs.initial.forward, at, &mut x);
            let mut masks = vec![[F::ZERO]; cells.programs.switches.len()];
            unit.masks(&x, &mut masks, &mut memory.stepper);
            let rate = cells.stiffness(
                neuron,
                Side {
                    x: &x,
                    masks: &masks,
                },
                memory,
            );
            let dt = self.clock.dt_ms();
            if rate * dt / layer.substeps as f64 > 2.0 {
                let needed = (rate * dt / 2.0).ceil();
                let problem = format!(
                    "its fastest motion has a rate of {rate:.3}/ms, too fast for {} parts of a step of {dt} ms: set substeps to {needed} or more, or shorten the step",
                    layer.substeps
                );
                return Err(Fault::new(neuron, 0.0, problem));
            }
        }
        Ok(())
    }
}

fn layer<F: Real>(population: &crate::network::Population, clock: Clock) -> Option<Layer<F>> {
    let cells = Cells::new(population)?;
    let substeps = cells.model.substeps();
    let part_ms = clock.dt_ms() / substeps as f64;
    let exact = Propagators::new(&cells, part_ms, &mut EventMemory::default());
    Some(Layer {
        by_tape: exact.is_some() && substeps == 1,
        cells,
        substeps,
        exact,
    })
}

/// State of a population: blocks of neurons, `[block][variable]`.
#[derive(Debug, Clone, Default)]
pub(super) struct LayerState<F> {
    pub x: Vec<[F; LANES]>,
    /// Weights that arrive in this step, `[block]` per port; only where they can be added up.
    pub arriving: Vec<Vec<[F; LANES]>>,
    pub arrives: Vec<bool>,
    /// Neurons at their threshold at the end of a part of a step.
    pub reached: Vec<u32>,
    /// The states in which their spikes are taken, `[place in the list][variable]`.
    pub minus: Vec<[F; 1]>,
    /// Masks of a block, and its state at the start of a part of a step.
    masks: Vec<[F; LANES]>,
    start: Vec<[F; LANES]>,
    /// Neurons that fired in a step.
    pub fired: Vec<u32>,
}

/// What a walk remembers of a stretch of steps, for the adjoint.
#[derive(Debug, Clone, Default)]
pub(super) struct Recording<F> {
    /// True if the adjoint needs `x`.
    pub keeps_x: bool,
    /// True if the adjoint needs the population to go its way again.
    pub walked: bool,
    /// States at the starts of the parts of steps, `[step][part][block][variable]`.
    pub x: Vec<[F; LANES]>,
    /// Neurons that spiked, in the order of parts of steps and of neurons.
    pub fired: Vec<u32>,
    /// The states in which these spikes are taken, `[spike][variable]`.
    pub minus: Vec<[F; 1]>,
    /// Number of spikes up to the end of each part of a step.
    pub fired_until: Vec<usize>,
    /// States before the arrivals of each step, `[step][block][variable]`; only where arrivals cannot be added up.
    pub before: Vec<[F; LANES]>,
}

impl<F> Recording<F> {
    /// Forgets a stretch.
    pub fn clear(&mut self) {
        self.x.clear();
        self.before.clear();
        self.fired.clear();
        self.minus.clear();
        self.fired_until.clear();
    }
}

/// Working memory of one thread.
#[derive(Debug, Clone, Default)]
pub(super) struct GridScratch<F> {
    pub states: Vec<LayerState<F>>,
    pub arrivals: Vec<Arrivals>,
    pub recordings: Vec<Recording<F>>,
    pub stepper: Stepper<F, LANES>,
    pub memory: EventMemory<F>,
    pub adjoint: super::grid_adjoint::Scratch<F>,
    order: Order<F>,
    /// Spikes of the input: step, neuron, place in the train.
    events: Vec<(u32, u32, usize)>,
}

/// Memory to sort the spikes of a step.
#[derive(Debug, Clone, Default)]
struct Order<F> {
    /// Neuron, and place among the spikes of the step.
    places: Vec<(u32, u32)>,
    drives: Vec<F>,
}

/// One sample, forward.
pub(super) struct Walk<'a, F> {
    pub model: &'a GridModel<F>,
    /// True if it goes again, with those populations only that the adjoint needs.
    pub again: bool,
    pub weights: AllWeights<'a, F>,
    pub scratch: &'a mut GridScratch<F>,
}

/// What a walk does with its spikes.
pub(super) enum Emits<'a, F> {
    /// Puts them on the tape, and on their way.
    New(&'a mut Tape<u32, F>),
    /// They are there from before.
    Known,
}

impl<F: Real> Walk<'_, F> {
    /// The state at the start of a trial.
    pub fn start(&mut self) {
        let model = self.model;
        let scratch = &mut *self.scratch;
        scratch
            .states
            .resize_with(model.layers.len(), LayerState::default);
        scratch
            .recordings
            .resize_with(model.layers.len(), Recording::default);
        for (layer, state) in model.layers.iter().zip(&mut scratch.states) {
            let Some(Layer { cells, .. }) = layer else {
                continue;
            };
            let n = cells.states();
            state.x.clear();
            state.x.resize(cells.blocks * n, [F::ZERO; LANES]);
            for block in 0..cells.blocks {
                let x = &mut state.x[block * n..(block + 1) * n];
                cells.start(block, &mut scratch.stepper, x);
            }
            let ports = cells.programs.arrivals.len();
            state.arriving.resize_with(ports, Vec::new);
            state.arrives.clear();
            state.arrives.resize(ports, false);
            for arriving in &mut state.arriving {
                arriving.clear();
                arriving.resize(cells.blocks, [F::ZERO; LANES]);
            }
        }
    }

    /// The spikes of the input, on the tape and on their way.
    pub fn emit(&mut self, train: &SpikeTrain, tape: &mut Tape<u32, F>) {
        let model = self.model;
        tape.populations
            .resize_with(model.layers.len(), Spikes::default);
        tape.populations.iter_mut().for_each(Spikes::clear);
        let input = &mut tape.populations[model.network.input().0];
        let events = &mut self.scratch.events;
        events.clear();
        events.extend(
            train
                .on_grid(model.clock)
                .enumerate()
                .map(|(n, (k, i))| (k, i, n)),
        );
        events.sort_unstable();
        for &(step, neuron, place) in &*events {
            input.when.push(step);
            input.neuron.push(neuron);
            input
                .amplitude
                .extend(train.amplitudes().get(place).map(|a| F::from_f64(*a)));
        }
        self.send(tape);
    }

    /// Sends all spikes that are on the tape.
    pub fn send(&mut self, tape: &Tape<u32, F>) {
        let model = self.model;
        let arrivals = &mut self.scratch.arrivals;
        arrivals.resize_with(model.links.len(), Arrivals::default);
        for (link, arrivals) in model.links.iter().zip(arrivals) {
            arrivals.start(model.clock.steps());
            let spikes = &tape.populations[link.source];
            for (spike, (&step, &neuron)) in spikes.when.iter().zip(&spikes.neuron).enumerate() {
                let from = Sending {
                    spike,
                    step: step as usize,
                    source: neuron as usize,
                };
                arrivals.send(from, (&link.synapses, &link.lags));
            }
        }
    }

    /// What arrives at the start of step `k`.
    pub fn deliver(&mut self, k: usize, tape: &Tape<u32, F>, records: bool) {
        let model = self.model;
        for population in 0..model.layers.len() {
            let Some(Layer { cells, .. }) = &model.layers[population] else {
                continue;
            };
            if self.again && !self.scratch.recordings[population].walked {
                continue;
            }
            let scratch = &mut *self.scratch;
            if records && cells.one_by_one() {
                let recording = &mut scratch.recordings[population];
                recording
                    .before
                    .extend_from_slice(&scratch.states[population].x);
            }
            for index in 0..model.links.len() {
                if model.links[index].target == population {
                    self.deliver_link(index, k, tape);
                }
            }
            self.add_arriving(population);
        }
    }

    fn deliver_link(&mut self, index: usize, k: usize, tape: &Tape<u32, F>) {
        let link = &self.model.links[index];
        let cells = &self.model.layer(link.target).cells;
        let w = self.weights.of(link.id);
        let spikes = &tape.populations[link.source];
        let scratch = &mut *self.scratch;
        let state = &mut scratch.states[link.target];
        let adds = cells.programs.arrivals[link.port].additive.is_some();
        if adds {
            state.arrives[link.port] |= !scratch.arrivals[index].first_at(k).is_none();
            vectorized(Deliver {
                synapses: &link.synapses,
                w,
                spikes,
                due: scratch.arrivals[index].at(k),
                arriving: state.arriving[link.port].as_flattened_mut(),
            });
            return;
        }
        for due in scratch.arrivals[index].at(k) {
            let source = spikes.neuron[due.spike] as usize;
            let amplitude = spikes.amplitude_of(due.spike);
            for synapse in due.synapses(&link.synapses, source) {
                let one = Delivery {
                    neuron: synapse.target,
                    port: link.port,
                    w: amplitude * w[synapse.weight],
                };
                cells.arrive(one, &mut state.x, &mut scratch.memory);
            }
        }
    }

    /// Adds the weights that were added up to the states.
    fn add_arriving(&mut self, population: usize) {
        let cells = &self.model.layer(population).cells;
        let scratch = &mut *self.scratch;
        let state = &mut scratch.states[population];
        for (port, arrival) in cells.programs.arrivals.iter().enumerate() {
            let Some(additive) = arrival.additive.as_ref().filter(|_| state.arrives[port]) else {
                continue;
            };
            state.arrives[port] = false;
            vectorized(Arrive {
                cells,
                additive,
                arriving: &mut state.arriving[port],
                x: &mut state.x,
                stepper: &mut scratch.stepper,
            });
        }
    }

    /// Step `k` of all neurons, and their spikes.
    pub fn advance(
        &mut self,
        k: usize,
        emits: &mut Emits<'_, F>,
        records: bool,
    ) -> Result<(), (usize, Fault)> {
        let model = self.model;
        for (population, layer) in model.layers.iter().enumerate() {
            let Some(layer) = layer else { continue };
            if self.again && !self.scratch.recordings[population].walked {
                continue;
            }
            let scratch = &mut *self.scratch;
            let state = &mut scratch.states[population];
            state.fired.clear();
            let part_ms = model.part_ms(layer);
            for _ in 0..layer.substeps {
                let recording = &mut scratch.recordings[population];
                if records && recording.keeps_x {
                    recording.x.extend_from_slice(&state.x);
                }
                vectorized(Advance {
                    layer,
                    part_ms,
                    state: &mut *state,
                    stepper: &mut scratch.stepper,
                });
                if records && !layer.by_tape {
                    recording.fired.extend_from_slice(&state.reached);
                    recording.minus.extend_from_slice(&state.minus);
                    recording.fired_until.push(recording.fired.len());
                }
                if !state.reached.is_empty() {
                    let emitted = reset(layer, state, emits, (population, &mut scratch.memory));
                    let time_ms = model.clock.start_ms(k + 1);
                    emitted.map_err(|(neuron, problem)| {
                        (population, Fault::new(neuron, time_ms, problem))
                    })?;
                }
            }
            if let Emits::New(tape) = emits {
                self.send_new(k, population, tape);
            }
        }
        Ok(())
    }

    /// Puts the spikes of a population in step `k` on the tape, and on their way.
    fn send_new(&mut self, k: usize, population: usize, tape: &mut Tape<u32, F>) {
        let scratch = &mut *self.scratch;
        let fired = &scratch.states[population].fired;
        if fired.is_empty() {
            return;
        }
        let spikes = &mut tape.populations[population];
        let first = spikes.len();
        let order = &mut scratch.order;
        // Drives were put there as the neurons fired; a neuron may have fired in several parts.
        order.places.clear();
        order.places.extend(fired.iter().copied().zip(0..));
        order.places.sort_unstable();
        order.drives.clear();
        order.drives.extend_from_slice(&spikes.drive[first..]);
        for (place, &(neuron, from)) in order.places.iter().enumerate() {
            spikes.neuron.push(neuron);
            spikes.drive[first + place] = order.drives[from as usize];
        }
        spikes.when.resize(spikes.neuron.len(), k as u32);
        for (index, link) in self.model.links.iter().enumerate() {
            if link.source != population {
                continue;
            }
            for spike in first..spikes.len() {
                let from = Sending {
                    spike,
                    step: k,
                    source: spikes.neuron[spike] as usize,
                };
                scratch.arrivals[index].send(from, (&link.synapses, &link.lags));
            }
        }
    }
}

/// Adds up what arrives over a projection.
struct Deliver<'a, F, I> {
    synapses: &'a Synapses,
    w: &'a [F],
    spikes: &'a Spikes<u32, F>,
    due: I,
    arriving: &'a mut [F],
}

impl<F: Real, I: Iterator<Item = Due>> Kernel for Deliver<'_, F, I> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for due in self.due {
            let source = self.spikes.neuron[due.spike] as usize;
            let amplitude = self.spikes.amplitude_of(due.spike);
            if due.place.is_none() && amplitude == F::ONE {
                self.synapses.deliver(self.w, source, self.arriving);
                continue;
            }
            for synapse in due.synapses(self.synapses, source) {
                self.arriving[synapse.target] += amplitude * self.w[synapse.weight];
            }
        }
    }
}

/// Adds to the states what arrived, and forgets it.
struct Arrive<'a, F> {
    cells: &'a Cells<F, LANES>,
    additive: &'a Additive,
    arriving: &'a mut [[F; LANES]],
    x: &'a mut [[F; LANES]],
    stepper: &'a mut Stepper<F, LANES>,
}

impl<F: Real> Kernel for Arrive<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let n = self.cells.states();
        let Additive {
            changed, by_weight, ..
        } = self.additive;
        let registers = &mut self.stepper.registers;
        for (block, arriving) in self.arriving.iter_mut().enumerate() {
            At::state(&[], self.cells.q(block), &[]).run(by_weight, registers);
            for (place, variable) in changed.iter().enumerate() {
                let by_weight = by_weight.output(registers, place);
                let x = &mut self.x[block * n + variable];
                for lane in 0..LANES {
                    x[lane] += by_weight[lane] * arriving[lane];
                }
            }
            *arriving = [F::ZERO; LANES];
        }
    }
}

/// A part of a step of a population; lists the neurons at their threshold.
struct Advance<'a, F> {
    layer: &'a Layer<F>,
    part_ms: F,
    state: &'a mut LayerState<F>,
    stepper: &'a mut Stepper<F, LANES>,
}

impl<F: Real> Kernel for Advance<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            layer,
            part_ms,
            state,
            stepper,
        } = self;
        let cells = &layer.cells;
        let n = cells.states();
        let LayerState {
            x,
            reached,
            minus,
            masks,
            start,
            ..
        } = state;
        masks.resize(cells.programs.switches.len(), [F::ZERO; LANES]);
        reached.clear();
        minus.clear();
        start.resize(n, [F::ZERO; LANES]);
        for (block, x) in x.chunks_exact_mut(n).enumerate() {
            let q = cells.q(block);
            if let Some(exact) = &layer.exact {
                start.copy_from_slice(x);
                exact.step(block, start, x);
            } else {
                masks_of(cells, Block { x, q }, masks, stepper);
                let flow = Flow {
                    map: &cells.programs.flow,
                    q,
                    masks,
                };
                stepper.stages(flow, (METHOD, part_ms), x, true);
                stepper.finish(METHOD, part_ms, x);
            }
            let Some(spike) = &cells.programs.spike else {
                continue;
            };
            masks_of(cells, Block { x, q }, masks, stepper);
            At::state(x, q, masks).run(&spike.threshold, &mut stepper.registers);
            let value = spike.threshold.output(&stepper.registers, 0);
            // PERF: most blocks have no spike, and most parts of the others.
            let reaches = |value: &F| *value >= F::ZERO;
            let len = LANES.min(cells.size - block * LANES);
            let parts = value.as_chunks::<16>().0.iter().enumerate();
            let parts = parts.filter(|(_, values)| values.map(|v| reaches(&v)).contains(&true));
            let lanes = parts.flat_map(|(part, _)| part * 16..(part + 1) * 16);
            for lane in lanes.filter(|&lane| lane < len && reaches(&value[lane])) {
                reached.push((block * LANES + lane) as u32);
                minus.extend((0..n).map(|variable| {
                    // What θ reads from the end of the step, the rest from its start, as [A15] says.
                    let at_end = layer.exact.is_none() || spike.reads[variable];
                    let from: &[[F; LANES]] = if at_end { x } else { start };
                    [from[variable][lane]]
                }));
            }
        }
    }
}

/// State and parameters of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block<'a, F> {
    pub x: &'a [[F; LANES]],
    pub q: &'a [[F; LANES]],
}

/// Masks of a block, of the state as it is.
#[inline(always)]
pub(super) fn masks_of<F: Real>(
    cells: &Cells<F, LANES>,
    Block { x, q }: Block<'_, F>,
    masks: &mut [[F; LANES]],
    stepper: &mut Stepper<F, LANES>,
) {
    for (place, switch) in cells.programs.switches.iter().enumerate() {
        At::state(x, q, masks).run(&switch.threshold, &mut stepper.registers);
        let value = switch.threshold.output(&stepper.registers, 0);
        masks[place] = value.map(|value| if value > F::ZERO { F::ONE } else { F::ZERO });
    }
}

/// Resets the neurons at their threshold, and lists them.
fn reset<F: Real>(
    layer: &Layer<F>,
    state: &mut LayerState<F>,
    emits: &mut Emits<'_, F>,
    (population, memory): (usize, &mut EventMemory<F>),
) -> Result<(), (usize, String)> {
    let cells = &layer.cells;
    let spike = cells
        .programs
        .spike
        .as_ref()
        .expect("only these reach a threshold");
    let n = cells.states();
    let mut x = std::mem::take(&mut memory.before);
    let mut after = std::mem::take(&mut memory.after);
    let mut masks = std::mem::take(&mut memory.masks);
    after.resize(n, [F::ZERO]);
    masks.resize(cells.programs.switches.len(), [F::ZERO]);
    for place in 0..state.reached.len() {
        let neuron = state.reached[place] as usize;
        let (block, lane) = (neuron / LANES, neuron % LANES);
        let rows = &mut state.x[block * n..(block + 1) * n];
        let unit = cells.neuron(neuron);
        if let Emits::New(tape) = emits {
            let x = &state.minus[place * n..(place + 1) * n];
            masks.fill([F::ZERO]);
            unit.masks(x, &mut masks, &mut memory.stepper);
            let minus = Side { x, masks: &masks };
            let drive = cells.drive(neuron, minus, memory);
            // What is not finite is not zero times itself.
            if drive * F::ZERO != F::ZERO {
                return Err((neuron, super::overshot(&cells.shown(x))));
            }
            let spikes = &mut tape.populations[population];
            spikes.drive.push(drive);
            if layer.by_tape {
                spikes.state.extend(x.iter().map(|x| x[0]));
            }
        }
        state.fired.push(neuron as u32);
        x.clear();
        x.extend(rows.iter().map(|row| [row[lane]]));
        masks.fill([F::ZERO]);
        unit.masks(&x, &mut masks, &mut memory.stepper);
        let minus = Side {
            x: &x,
            masks: &masks,
        };
        cells.reset_into(neuron, minus, (&mut memory.stepper, &mut after));
        masks.fill([F::ZERO]);
        unit.masks(&after, &mut masks, &mut memory.stepper);
        let plus = Side {
            x: &after,
            masks: &masks,
        };
        let value = unit.threshold(spike, plus, &mut memory.stepper);
        let left = value < F::ZERO;
        if !left {
            return Err((neuron, super::endless(&cells.shown(&after))));
        }
        for (row, after) in rows.iter_mut().zip(&after) {
            row[lane] = after[0];
        }
    }
    (memory.before, memory.after, memory.masks) = (x, after, masks);
    Ok(())
}
