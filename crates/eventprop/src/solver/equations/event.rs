//! Networks with equations from event to event, in f64: the judge of the grid, and exact to the tolerance of its steps.
//!
//! # What happens, in which order
//!
//! As in the event solver of the built-in models: spikes in (0, T] exist, what would arrive at T or later does nothing, and
//! at one time neurons that fire do so first, by (population, neuron), and then everything that arrives is delivered, by
//! (projection, spike). All neurons go from arrival to arrival together. Those that can spike go first; the
//! earliest spike is taken, and where it arrives before the others have come to the end of the interval, the interval
//! ends there, and what they did later is forgotten.
//!
//! The adjoint pass solves the sample again with a log of its steps, and goes through that backwards. Memory: the steps of all
//! neurons of one sample, per thread.

use std::sync::Arc;

use super::cells::Cells;
use super::fault::Fault;
use super::log::{Happening, Log, Place};
use super::trajectory::{LookFor, Mover, Reached, Trajectory, packed, unpacked};
use super::unit::{At, EventMemory, Side};
use crate::network::{Network, PopulationId};
use crate::params::{AllWeights, Params};
use crate::readout::{Nodes, Observe, Peak, Readout};
use crate::solver::event::arrivals::{Arrival, Arriving};
use crate::solver::event::quadrature::Cut;
use crate::solver::event::schedule::{self, Line};
use crate::solver::{SolveError, first_spikes};
use crate::spikes::SpikeTrain;
use crate::tape::Tape;

/// Most spikes of a population in one trial: this many, or this many per neuron.
const SPIKES_MAX: usize = 1_000_000;
const SPIKES_MAX_PER_NEURON: usize = 1_000;
/// Pieces of the quadrature are no longer than this fraction of the trial.
const PIECE_OF_TRIAL: f64 = 1.0 / 16.0;

/// The network as this solver uses it.
#[derive(Debug, Clone)]
pub(super) struct EventModel {
    pub network: Network,
    /// None of the input.
    pub cells: Vec<Option<Cells<f64, 1>>>,
    pub lines: Vec<Line>,
    /// The port at which each projection arrives.
    pub ports: Vec<usize>,
    pub trial_ms: f64,
    /// Populations whose start was not looked at since they changed.
    unchecked: Vec<usize>,
}

impl EventModel {
    pub fn new(network: &Network) -> Self {
        let populations: Vec<usize> = (0..network.populations().len()).collect();
        Self {
            cells: network.populations().iter().map(Cells::new).collect(),
            lines: schedule::lines_into(network, &populations),
            ports: super::ports(network),
            trial_ms: network.clock().trial_ms(),
            network: network.clone(),
            unchecked: populations,
        }
    }

    /// Takes over constants that are trained, and delays.
    pub fn adopt(&mut self, params: &Params<f64>) -> Result<(), SolveError> {
        for population in self.network.adopt(params)? {
            self.cells[population] = Cells::new(self.network.population(PopulationId(population)));
            if !self.unchecked.contains(&population) {
                self.unchecked.push(population);
            }
        }
        for line in &mut self.lines {
            line.take_delays(&self.network, params);
        }
        for &index in &self.unchecked {
            if let Some(cells) = &self.cells[index] {
                let checked = cells.check_start(&mut EventMemory::default());
                checked.map_err(|fault| self.error(fault, index, 0))?;
            }
        }
        self.unchecked.clear();
        Ok(())
    }

    pub fn cells(&self, population: usize) -> &Cells<f64, 1> {
        self.cells[population]
            .as_ref()
            .expect("the input has no neurons to move")
    }

    pub fn error(&self, fault: Fault, population: usize, sample: usize) -> SolveError {
        let population = self.network.population(PopulationId(population));
        fault.in_sample(population, sample)
    }
}

/// Working memory of one thread.
#[derive(Debug, Default)]
pub(super) struct EventScratch {
    pub memory: EventMemory<f64>,
    /// Per population and neuron.
    pub trajectories: Vec<Vec<Trajectory>>,
    pub arriving: Arriving,
    pub log: Log,
    pub adjoint: super::event_adjoint::Scratch,
}

/// One sample, forward.
pub(super) struct Walk<'a> {
    pub model: &'a EventModel,
    pub weights: AllWeights<'a, f64>,
    pub sample: usize,
    pub observe: Observe,
    pub scratch: &'a mut EventScratch,
    /// True if a log is kept for the adjoint pass.
    pub logs: bool,
}

/// What a walk leaves.
pub(super) struct Found<'a> {
    pub tape: &'a mut Tape<f64, f64>,
    pub readout: &'a mut Readout<f64>,
}

/// A time without arrivals, in ms.
#[derive(Debug, Clone, Copy)]
struct Interval {
    from: f64,
    to: f64,
}

/// The next spike of a neuron.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    time_ms: f64,
    population: usize,
    neuron: usize,
}

impl Walk<'_> {
    /// Solves the sample.
    pub fn solve(&mut self, train: &SpikeTrain, found: &mut Found<'_>) -> Result<(), SolveError> {
        self.start(train, found);
        let model = self.model;
        let mut nodes = Nodes::default();
        let (mut from, mut borders) = (0.0, 0);
        loop {
            let to = self.interval_end(found.tape, from, &mut borders);
            let to = self.spike(found.tape, to)?;
            self.integrate(&mut nodes, Interval { from, to }, found)?;
            if to >= model.trial_ms {
                break;
            }
            self.deliver(found.tape, to)?;
            from = to;
        }
        self.finish(nodes, found);
        Ok(())
    }

    fn start(&mut self, train: &SpikeTrain, found: &mut Found<'_>) {
        let model = self.model;
        let populations = model.cells.len();
        found
            .tape
            .populations
            .resize_with(populations, Default::default);
        found
            .tape
            .populations
            .iter_mut()
            .for_each(crate::tape::Spikes::clear);
        let input = &mut found.tape.populations[model.network.input().0];
        for (time_ms, neuron) in train.iter().take_while(|(t, _)| *t <= model.trial_ms) {
            input.when.push(time_ms);
            input.neuron.push(neuron);
        }
        let amplitudes = train.amplitudes().iter().take(input.neuron.len());
        input.amplitude.extend(amplitudes);
        let scratch = &mut *self.scratch;
        scratch.arriving.start(&model.lines);
        scratch.log.clear();
        scratch.trajectories.resize_with(populations, Vec::new);
        let lists = scratch.trajectories.iter_mut().zip(&model.cells);
        for (trajectories, cells) in lists.filter_map(|(t, c)| Some((t, c.as_ref()?))) {
            trajectories.resize_with(cells.size, Trajectory::default);
            for (neuron, trajectory) in trajectories.iter_mut().enumerate() {
                let memory = &mut scratch.memory;
                trajectory.start(&mut Mover {
                    cells,
                    neuron,
                    memory,
                });
            }
        }
        let output = model.network.output().0;
        let readout = &mut *found.readout;
        readout.voltage.clear();
        readout.voltages.clear();
        readout.input_ms.clear();
        readout.first_spikes_ms.clear();
        readout.peaks.clear();
        if self.observe == Observe::Peaks {
            let read = model.cells(output).programs.readout;
            let each = scratch.trajectories[output].iter();
            readout.peaks.extend(each.map(|trajectory| Peak {
                voltage: trajectory.x[read][0],
                time_ms: 0.0,
            }));
            scratch.log.peaks.resize(readout.peaks.len(), 0);
        }
    }

    /// The next time at which anything arrives, or the quadrature of the voltages has a border.
    fn interval_end(&mut self, tape: &Tape<f64, f64>, from: f64, borders: &mut usize) -> f64 {
        let next = self.scratch.arriving.next_ms(&self.model.lines, tape);
        let mut to = next.min(self.model.trial_ms);
        if self.observe == Observe::Voltage {
            let input = &tape.populations[self.model.network.input().0].when;
            while input.get(*borders).is_some_and(|border| *border <= from) {
                *borders += 1;
            }
            to = to.min(input.get(*borders).copied().unwrap_or(to));
        }
        to
    }

    /// Moves the neurons that can spike to the end of the interval, which is earlier where a spike arrives before. Returns
    /// that end.
    fn spike(&mut self, tape: &mut Tape<f64, f64>, mut to: f64) -> Result<f64, SolveError> {
        let model = self.model;
        let mut candidates: Vec<Candidate> = Vec::new();
        let spiking = |p: &usize| {
            model.cells[*p]
                .as_ref()
                .is_some_and(|c| c.programs.spike.is_some())
        };
        let spiking: Vec<usize> = (0..model.cells.len()).filter(spiking).collect();
        for &population in &spiking {
            for neuron in 0..model.cells(population).size {
                candidates.extend(self.next_spike(Place { population, neuron }, to)?);
            }
        }
        let order = |a: &Candidate, b: &Candidate| {
            let by_time = a.time_ms.total_cmp(&b.time_ms);
            by_time.then((a.population, a.neuron).cmp(&(b.population, b.neuron)))
        };
        while let Some(place) =
            (0..candidates.len()).min_by(|&a, &b| order(&candidates[a], &candidates[b]))
        {
            let Candidate {
                time_ms,
                population,
                neuron,
            } = candidates[place];
            if time_ms > to {
                break;
            }
            candidates.swap_remove(place);
            self.fire(tape, Place { population, neuron })?;
            to = to
                .min(self.scratch.arriving.next_ms(&model.lines, tape))
                .max(time_ms);
            candidates.extend(self.next_spike(Place { population, neuron }, to)?);
        }
        for population in spiking {
            for neuron in 0..model.cells(population).size {
                let (trajectory, mut mover) = self.mover(Place { population, neuron });
                if trajectory.time_ms > to {
                    trajectory.cut(&mut mover, to);
                }
            }
        }
        Ok(to)
    }

    fn mover(&mut self, Place { population, neuron }: Place) -> (&mut Trajectory, Mover<'_>) {
        let scratch = &mut *self.scratch;
        let mover = Mover {
            cells: self.model.cells(population),
            neuron,
            memory: &mut scratch.memory,
        };
        (&mut scratch.trajectories[population][neuron], mover)
    }

    fn next_spike(
        &mut self,
        Place { population, neuron }: Place,
        to: f64,
    ) -> Result<Option<Candidate>, SolveError> {
        let (trajectory, mut mover) = self.mover(Place { population, neuron });
        let reached = trajectory.advance(&mut mover, to, LookFor::Spikes);
        let time_ms = trajectory.time_ms;
        let reached = reached.map_err(|fault| self.model.error(fault, population, self.sample))?;
        Ok((reached == Reached::Spike).then_some(Candidate {
            time_ms,
            population,
            neuron,
        }))
    }

    /// A spike, and the reset.
    fn fire(
        &mut self,
        tape: &mut Tape<f64, f64>,
        Place { population, neuron }: Place,
    ) -> Result<(), SolveError> {
        let (model, sample) = (self.model, self.sample);
        let cells = model.cells(population);
        let (trajectory, mover) = self.mover(Place { population, neuron });
        let masks = unpacked(trajectory.masks, cells.programs.switches.len());
        let minus = Side {
            x: &trajectory.x,
            masks: &masks,
        };
        let drive = mover.cells.drive(mover.neuron, minus, mover.memory);
        let time_ms = trajectory.time_ms;
        let spikes = &mut tape.populations[population];
        let index = spikes.len();
        spikes.when.push(time_ms);
        spikes.neuron.push(neuron as u32);
        spikes.drive.push(drive);
        let most = SPIKES_MAX.max(SPIKES_MAX_PER_NEURON * cells.size);
        if spikes.len() > most {
            return Err(SolveError::TooManySpikes {
                population: model
                    .network
                    .population(PopulationId(population))
                    .name
                    .clone(),
                limit: most,
                time_ms,
                sample,
            });
        }
        self.happen(Place { population, neuron }, Happening::Spike(index))
    }

    /// An event of a neuron: the state behind it, and its place in the log.
    fn happen(
        &mut self,
        Place { population, neuron }: Place,
        what: Happening,
    ) -> Result<(), SolveError> {
        let (logs, model, sample) = (self.logs, self.model, self.sample);
        let scratch = &mut *self.scratch;
        let trajectory = &mut scratch.trajectories[population][neuron];
        let cells = model.cells(population);
        let mut mover = Mover {
            cells,
            neuron,
            memory: &mut scratch.memory,
        };
        let minus = trajectory.masks;
        let x_minus = trajectory.x.clone();
        mover.jump(trajectory, what);
        if logs {
            scratch.log.push(
                Place { population, neuron },
                what,
                (trajectory, &x_minus, minus),
            );
        }
        trajectory.forget();
        let checked = mover.check_below(trajectory, what);
        checked.map_err(|fault| model.error(fault, population, sample))
    }

    /// Moves the neurons that cannot spike over an interval, and reads the voltage of outputs among them.
    fn integrate(
        &mut self,
        nodes: &mut Nodes,
        Interval { from, to }: Interval,
        found: &mut Found<'_>,
    ) -> Result<(), SolveError> {
        let model = self.model;
        let output = model.network.output().0;
        let silent = |p: &usize| {
            model.cells[*p]
                .as_ref()
                .is_some_and(|c| c.programs.spike.is_none())
        };
        for population in (0..model.cells.len()).filter(silent) {
            match self.observe {
                Observe::Voltage if population == output => {
                    self.read_nodes(nodes, Interval { from, to }, found.readout)?;
                }
                Observe::Peaks if population == output => self.find_peaks(to, found.readout)?,
                _ => {}
            }
            for neuron in 0..model.cells(population).size {
                self.next_spike(Place { population, neuron }, to)?;
            }
        }
        Ok(())
    }

    /// Voltages at the nodes of an interval.
    fn read_nodes(
        &mut self,
        nodes: &mut Nodes,
        Interval { from, to }: Interval,
        readout: &mut Readout<f64>,
    ) -> Result<(), SolveError> {
        if to <= from {
            return Ok(());
        }
        let output = self.model.network.output().0;
        let (size, read) = {
            let cells = self.model.cells(output);
            (cells.size, cells.programs.readout)
        };
        let per_ms = self
            .fastest(output)
            .max(1.0 / (PIECE_OF_TRIAL * self.model.trial_ms));
        let cut = Cut::new(to - from, per_ms);
        for piece in 0..cut.pieces {
            let start = from + piece as f64 * cut.length_ms;
            for (after_ms, width) in cut.nodes() {
                let node = nodes.times_ms.len();
                let time_ms = (start + after_ms).min(to);
                nodes.times_ms.push(time_ms);
                nodes.widths_ms.push(width);
                for neuron in 0..size {
                    self.next_spike(
                        Place {
                            population: output,
                            neuron,
                        },
                        time_ms,
                    )?;
                    let (trajectory, _) = self.mover(Place {
                        population: output,
                        neuron,
                    });
                    trajectory.read(node);
                    readout.voltage.push(trajectory.x[read][0]);
                }
            }
        }
        Ok(())
    }

    /// The fastest relative motion of an output, 1/ms: of its state, and of its time constants.
    fn fastest(&mut self, output: usize) -> f64 {
        let cells = self.model.cells(output);
        let mut fastest = cells.rate_of_time_constants();
        for neuron in 0..cells.size {
            let (trajectory, mover) = self.mover(Place {
                population: output,
                neuron,
            });
            let masks = unpacked(trajectory.masks, cells.programs.switches.len());
            let unit = mover.unit();
            let mut slopes = vec![[0.0]; cells.states()];
            let at = At::state(&trajectory.x, unit.q, &masks);
            mover
                .memory
                .stepper
                .put(&cells.programs.flow.forward, at, &mut slopes);
            let read = cells.programs.readout;
            fastest = fastest.max(slopes[read][0].abs() / cells.programs.scales[read]);
        }
        fastest
    }

    /// Maxima of the output voltages over an interval.
    fn find_peaks(&mut self, to: f64, readout: &mut Readout<f64>) -> Result<(), SolveError> {
        let (model, sample) = (self.model, self.sample);
        let output = model.network.output().0;
        let read = model.cells(output).programs.readout;
        for (neuron, peak) in readout.peaks.iter_mut().enumerate() {
            loop {
                let scratch = &mut *self.scratch;
                let trajectory = &mut scratch.trajectories[output][neuron];
                let cells = model.cells(output);
                let mut mover = Mover {
                    cells,
                    neuron,
                    memory: &mut scratch.memory,
                };
                let reached = trajectory.advance(&mut mover, to, LookFor::Peaks);
                let reached = reached.map_err(|fault| model.error(fault, output, sample))?;
                let voltage = trajectory.x[read][0];
                if voltage > peak.voltage {
                    *peak = Peak {
                        voltage,
                        time_ms: trajectory.time_ms,
                    };
                    scratch.log.peaks[neuron] = trajectory.passed + trajectory.items.len();
                }
                if reached == Reached::End {
                    break;
                }
            }
        }
        Ok(())
    }

    /// `[F5]` in general: what arrives now, one after the other.
    fn deliver(&mut self, tape: &Tape<f64, f64>, now: f64) -> Result<(), SolveError> {
        let model = self.model;
        let mut arrivals: Vec<Arrival> = Vec::new();
        self.scratch
            .arriving
            .deliver(&model.lines, tape, now, |arrival| arrivals.push(arrival));
        for arrival in arrivals {
            let line = &model.lines[arrival.line];
            let w = self.weights.of(line.projection);
            let amplitude = tape.populations[line.source].amplitude_of(arrival.spike);
            let synapses = match arrival.synapse(&line.synapses) {
                Some(synapse) => vec![synapse],
                None => line.synapses.of(arrival.neuron).collect(),
            };
            for synapse in synapses {
                let what = Happening::Arrival {
                    line: arrival.line,
                    spike: arrival.spike,
                    weight: synapse.weight,
                    delay: line.delay_of(arrival),
                    port: model.ports[line.projection.0],
                    w: amplitude * w[synapse.weight],
                };
                self.happen(
                    Place {
                        population: line.target,
                        neuron: synapse.target,
                    },
                    what,
                )?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, nodes: Nodes, found: &mut Found<'_>) {
        let model = self.model;
        if self.logs {
            for (population, cells) in model.cells.iter().enumerate() {
                for neuron in 0..cells.as_ref().map_or(0, |cells| cells.size) {
                    let trajectory = &self.scratch.trajectories[population][neuron];
                    let end = (trajectory, &trajectory.x[..], trajectory.masks);
                    self.scratch
                        .log
                        .push(Place { population, neuron }, Happening::End, end);
                }
            }
        }
        let readout = &mut *found.readout;
        readout.nodes = Arc::new(nodes);
        let input = &found.tape.populations[model.network.input().0];
        match self.observe {
            Observe::Voltage => readout.input_ms.extend_from_slice(&input.when),
            Observe::FirstSpikes => {
                let spikes = &found.tape.populations[model.network.output().0];
                let (size, clock) = (model.network.output_size(), model.network.clock());
                first_spikes::find(spikes, size, clock, &mut readout.first_spikes_ms);
            }
            Observe::Nothing | Observe::Peaks => {}
        }
    }
}

impl Mover<'_> {
    /// The state behind an event.
    fn jump(&mut self, trajectory: &mut Trajectory, what: Happening) {
        let programs = &self.cells.programs;
        let masks = unpacked(trajectory.masks, programs.switches.len());
        let unit = self.unit();
        let at = At::state(&trajectory.x, unit.q, &masks);
        let mut after = vec![[0.0]; programs.states];
        let stepper = &mut self.memory.stepper;
        match what {
            Happening::Spike(_) => stepper.put(&programs.reset.forward, at, &mut after),
            Happening::Arrival { port, w, .. } => {
                let map = &programs.arrivals[port].map;
                stepper.put(&map.forward, at.with_weight(w), &mut after);
            }
            Happening::End => return,
        }
        trajectory.x = after;
        trajectory.set_masks(self);
    }

    /// A neuron must be below its threshold after an event: a reset has to leave it, and an arrival must not cross it.
    fn check_below(&mut self, trajectory: &Trajectory, what: Happening) -> Result<(), Fault> {
        let Some(spike) = &self.cells.programs.spike else {
            return Ok(());
        };
        let masks = unpacked(trajectory.masks, self.cells.programs.switches.len());
        let side = Side {
            x: &trajectory.x,
            masks: &masks,
        };
        let (value, _) = self.unit().surface(spike, side, &mut self.memory.stepper);
        if value < 0.0 {
            return Ok(());
        }
        let shown = self.cells.shown(&trajectory.x);
        let problem = match what {
            _ if value.is_nan() => format!("the threshold is not a number where {shown}"),
            Happening::Spike(_) => super::endless(&shown),
            _ => format!(
                "an arrival lifted it over its threshold ({shown}), where the time of the spike has no derivative of its own; the event solver refuses that, the grid solver takes it"
            ),
        };
        Err(Fault::new(self.neuron, trajectory.time_ms, problem))
    }
}

/// The masks of an event, packed, as programs read them.
pub(super) fn masks_of(cells: &Cells<f64, 1>, masks: u64) -> Vec<[f64; 1]> {
    let unpacked = unpacked(masks, cells.programs.switches.len());
    debug_assert_eq!(packed(&unpacked), masks);
    unpacked
}
