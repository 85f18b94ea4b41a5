//! One sample with equations, backward: the adjoint of the steps and events of its log.

use super::event::{EventModel, masks_of};
use super::log::{Entry, Happening, Log, Place};
use super::tableau::DOP853;
use super::trajectory::{Item, ItemKind};
use super::unit::{Adjoints, ByArrival, Event, EventMemory, Flow, Side};
use crate::network::PopulationId;
use crate::params::Params;
use crate::readout::{Readout, Seed};
use crate::solver::{Drive, Grazing, SolveError, grazing};
use crate::tape::Tape;

/// Adjoints of the neurons of a sample, reused.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// ∂L/∂x, per population `[neuron][variable]`.
    p: Vec<Vec<[f64; 1]>>,
    /// Sums for trained parameters, `[neuron][parameter]`.
    by_q: Vec<Vec<[f64; 1]>>,
    /// R + ∂L/∂t of every spike.
    backflow: Vec<Vec<f64>>,
    /// Pieces of each output that are not yet passed.
    pieces_left: Vec<usize>,
    /// True of outputs at whose peak the arrival that turned it was found.
    carried: Vec<bool>,
    memory: EventMemory<f64>,
}

/// One sample, backward.
pub(super) struct Pass<'a> {
    pub model: &'a EventModel,
    pub params: &'a Params<f64>,
    pub tape: &'a Tape<f64, f64>,
    pub readout: &'a Readout<f64>,
    pub log: &'a Log,
    pub drive: Drive<'a, f64>,
    pub sample: usize,
    pub scratch: &'a mut Scratch,
    /// In the layout of the parameters.
    pub gradient: &'a mut [f64],
}

impl Pass<'_> {
    /// Adds the gradient of the sample. Returns ∂L/∂t of the input spikes.
    pub fn solve(&mut self) -> Result<Vec<f64>, SolveError> {
        self.start();
        for entry in self.log.entries.iter().rev() {
            self.event(entry)?;
            for place in (entry.items.0..entry.items.1).rev() {
                self.piece(entry, self.log.items[place]);
            }
        }
        self.finish();
        let input = self.model.network.input().0;
        Ok(std::mem::take(&mut self.scratch.backflow[input]))
    }

    fn seed(&self) -> &Seed<f64> {
        &self.drive.seeds[self.sample]
    }

    fn start(&mut self) {
        let (model, seed) = (self.model, &self.drive.seeds[self.sample]);
        let populations = model.cells.len();
        let scratch = &mut *self.scratch;
        scratch.p.resize_with(populations, Vec::new);
        scratch.by_q.resize_with(populations, Vec::new);
        scratch.backflow.resize_with(populations, Vec::new);
        for (index, cells) in model.cells.iter().enumerate() {
            let spikes = &self.tape.populations[index];
            spikes.start_backflow(seed.dl_dt(index), &mut scratch.backflow[index]);
            let (p, by_q) = (&mut scratch.p[index], &mut scratch.by_q[index]);
            p.clear();
            by_q.clear();
            if let Some(cells) = cells {
                p.resize(cells.size * cells.states(), [0.0]);
                by_q.resize(cells.size * cells.programs.trained.len(), [0.0]);
            }
        }
        self.seed_output();
    }

    /// ∂L/∂t of first spikes, and the push on silent outputs.
    fn seed_output(&mut self) {
        let output = self.model.network.output().0;
        let seed = &self.drive.seeds[self.sample];
        let scratch = &mut *self.scratch;
        let spikes = &self.tape.populations[output];
        for (spike, (&when, &neuron)) in spikes.when.iter().zip(&spikes.neuron).enumerate() {
            let n = neuron as usize;
            if self.readout.first_spikes_ms.get(n) == Some(&when) {
                scratch.backflow[output][spike] += seed.first_spikes.get(n).copied().unwrap_or(0.0);
            }
        }
        let cells = self.model.cells(output);
        for (neuron, push) in seed.silent.iter().enumerate() {
            let read = neuron * cells.states() + cells.programs.readout;
            // p_V = −τ_mem λ_V
            scratch.p[output][read][0] -= cells.tau_mem(neuron) * push;
        }
        let pieces = self.log.peaks.len();
        scratch.pieces_left.clear();
        scratch.pieces_left.resize(pieces, 0);
        scratch.carried.clear();
        scratch.carried.resize(pieces, false);
        let entries = self.log.entries.iter();
        for entry in entries.filter(|e| e.population == output && e.neuron < pieces) {
            scratch.pieces_left[entry.neuron] += entry.items.1 - entry.items.0;
        }
    }

    /// The adjoint of one event.
    fn event(&mut self, entry: &Entry) -> Result<(), SolveError> {
        match entry.what {
            Happening::End => {}
            Happening::Spike(spike) => self.spike(entry, spike)?,
            Happening::Arrival {
                line,
                spike,
                weight,
                delay,
                port,
                w,
            } => {
                let carried = self.carried(entry);
                let found = self.jump(entry, Jump::Arrival(port, w));
                let line = &self.model.lines[line];
                let amplitude = self.tape.populations[line.source].amplitude_of(spike);
                let weights = self.params.weights_range(line.projection);
                self.gradient[weights.start + weight] += amplitude * found.weight;
                let backflow = found.backflow + carried;
                self.send_back(
                    (line.projection, delay),
                    Sent {
                        source: line.source,
                        spike,
                    },
                    backflow,
                );
            }
        }
        Ok(())
    }

    fn send_back(
        &mut self,
        (projection, delay): (crate::network::ProjectionId, Option<usize>),
        Sent { source, spike }: Sent,
        backflow: f64,
    ) {
        self.scratch.backflow[source][spike] += backflow;
        if let Some((delay, range)) = delay.zip(self.params.delays_range(projection)) {
            self.gradient[range.start + delay] += backflow;
        }
    }

    fn spike(&mut self, entry: &Entry, spike: usize) -> Result<(), SolveError> {
        let (model, population) = (self.model, entry.population);
        let spikes = &self.tape.populations[population];
        let described = model.network.population(PopulationId(population));
        if grazing::is_error(self.drive.grazing, described, spikes, spike) {
            let population = described;
            let clock = model.network.clock();
            return Err(grazing::error(
                population,
                spikes,
                spike,
                clock,
                self.sample,
            ));
        }
        let least = match self.drive.grazing {
            Grazing::Limit(least) => least,
            Grazing::Keep | Grazing::Error => 0.0,
        };
        self.jump(entry, Jump::Spike { spike, least });
        let cells = model.cells(population);
        let jumps = self
            .drive
            .spike_jumps
            .get(population)
            .map_or(&[][..], Vec::as_slice);
        if let Some(jump) = jumps.get(self.sample * cells.size + entry.neuron) {
            let read = entry.neuron * cells.states() + cells.programs.readout;
            self.scratch.p[population][read][0] -= cells.tau_mem(entry.neuron) * jump;
        }
        Ok(())
    }

    fn jump(&mut self, entry: &Entry, jump: Jump) -> ByArrival<f64> {
        let (model, log) = (self.model, self.log);
        let cells = model.cells(entry.population);
        let scratch = &mut *self.scratch;
        let (n, trained) = (cells.states(), cells.programs.trained.len());
        let (minus, plus) = (
            masks_of(cells, entry.masks_minus),
            masks_of(cells, entry.masks_plus),
        );
        let mut event = Event {
            minus: Side {
                x: &log.states[entry.minus..entry.minus + n],
                masks: &minus,
            },
            plus: Side {
                x: &log.states[entry.plus..entry.plus + n],
                masks: &plus,
            },
            backflow: 0.0,
            rate_least: 0.0,
        };
        let unit = cells.neuron(entry.neuron);
        let adjoints = Adjoints {
            p: &mut scratch.p[entry.population][entry.neuron * n..(entry.neuron + 1) * n],
            by_q: &mut scratch.by_q[entry.population]
                [entry.neuron * trained..(entry.neuron + 1) * trained],
        };
        let memory = &mut scratch.memory;
        match jump {
            Jump::Spike { spike, least } => {
                event.backflow = scratch.backflow[entry.population][spike];
                event.rate_least = cells.rate_least(entry.neuron, (least, event.minus), memory);
                unit.adjoint_spike(event, adjoints, memory);
                ByArrival {
                    weight: 0.0,
                    backflow: 0.0,
                }
            }
            Jump::Arrival(port, w) => unit.adjoint_arrival((port, w), event, adjoints, memory),
        }
    }

    /// The adjoint of a piece of a trajectory.
    fn piece(&mut self, entry: &Entry, item: Item) {
        self.peak_at(entry.place());
        let output = self.model.network.output().0;
        if entry.population == output
            && let Some(left) = self.scratch.pieces_left.get_mut(entry.neuron)
        {
            *left -= 1;
        }
        let cells = self.model.cells(entry.population);
        let (n, trained) = (cells.states(), cells.programs.trained.len());
        let masks = masks_of(cells, item.masks);
        let x = &self.log.states[item.state..item.state + n];
        let seed = &self.drive.seeds[self.sample];
        let scratch = &mut *self.scratch;
        let p = &mut scratch.p[entry.population][entry.neuron * n..(entry.neuron + 1) * n];
        let by_q = &mut scratch.by_q[entry.population]
            [entry.neuron * trained..(entry.neuron + 1) * trained];
        match item.kind {
            ItemKind::Step(length) => {
                let q = cells.q(entry.neuron);
                let flow = Flow {
                    map: &cells.programs.flow,
                    q,
                    masks: &masks,
                };
                let stepper = &mut scratch.memory.stepper;
                stepper.stages(flow, (&DOP853, length), x, false);
                stepper.adjoint_finish(flow, &DOP853, length, Adjoints { p, by_q });
            }
            ItemKind::Switch(switch) => {
                let mut after = masks.clone();
                after[switch][0] = 1.0 - after[switch][0];
                let event = Event {
                    minus: Side { x, masks: &masks },
                    plus: Side { x, masks: &after },
                    backflow: 0.0,
                    rate_least: 0.0,
                };
                let surface = &cells.programs.switches[switch];
                let unit = cells.neuron(entry.neuron);
                unit.adjoint_switch(surface, event, Adjoints { p, by_q }, &mut scratch.memory);
            }
            ItemKind::Node(node) => {
                if let Some(a) = seed.voltage.get(node * cells.size + entry.neuron) {
                    // A = −∂l/∂V, so that ∂L/∂V = −A ω.
                    p[cells.programs.readout][0] -= a * self.readout.nodes.widths_ms[node];
                }
            }
        }
    }

    /// True of an output whose peak is where the pass is now.
    fn is_at_peak(&self, Place { population, neuron }: Place) -> bool {
        let output = self.model.network.output().0;
        let left = self.scratch.pieces_left.get(neuron);
        population == output && left.is_some() && left == self.log.peaks.get(neuron)
    }

    /// `[A5]` in plain sensitivities: p_V −= −∂L/∂V_max.
    fn peak_at(&mut self, Place { population, neuron }: Place) {
        if self.is_at_peak(Place { population, neuron }) {
            let minus_dl_dv = self.seed().peaks.get(neuron).copied().unwrap_or(0.0);
            let cells = self.model.cells(population);
            let read = neuron * cells.states() + cells.programs.readout;
            self.scratch.p[population][read][0] -= minus_dl_dv;
        }
    }

    /// R of the arrival that turns the voltage of an output at its peak gets ∂L/∂V_max V'⁻, as in `[A6]`: the last one at
    /// which the slope turns from up to down.
    fn carried(&mut self, entry: &Entry) -> f64 {
        let neuron = entry.neuron;
        if !self.is_at_peak(entry.place()) || self.scratch.carried[neuron] {
            return 0.0;
        }
        let cells = self.model.cells(entry.population);
        let n = cells.states();
        let slope = |place: usize, masks: u64, memory: &mut EventMemory<f64>| {
            let (masks, q) = (masks_of(cells, masks), cells.q(neuron));
            let flow = Flow {
                map: &cells.programs.flow,
                q,
                masks: &masks,
            };
            memory
                .stepper
                .put_flow(flow, &self.log.states[place..place + n]);
            memory
                .stepper
                .slope(&cells.programs, cells.programs.readout)
        };
        let memory = &mut self.scratch.memory;
        let before = slope(entry.minus, entry.masks_minus, memory);
        let after = slope(entry.plus, entry.masks_plus, memory);
        if !(before > 0.0 && after <= 0.0) {
            return 0.0;
        }
        self.scratch.carried[neuron] = true;
        -self.seed().peaks.get(neuron).copied().unwrap_or(0.0) * before
    }

    fn finish(&mut self) {
        for neuron in 0..self.scratch.pieces_left.len() {
            // A peak at the start of the trial.
            self.peak_at(Place {
                population: self.model.network.output().0,
                neuron,
            });
        }
        for (index, cells) in self.model.cells.iter().enumerate() {
            let Some(cells) = cells else { continue };
            let (n, trained) = (cells.states(), cells.programs.trained.len());
            let scratch = &mut *self.scratch;
            let back = &cells.programs.initial.back;
            let mut by_initial = vec![[0.0]; n + trained];
            for neuron in (0..cells.size).filter(|_| trained > 0) {
                let unit = cells.neuron(neuron);
                let p = &scratch.p[index][neuron * n..(neuron + 1) * n];
                let at = super::unit::At::state(&[], unit.q, &[]).with_adjoint(p);
                scratch.memory.stepper.put(back, at, &mut by_initial);
                let population = &self.model.network.populations()[index];
                for (place, constant) in population.trained.iter().enumerate() {
                    let range = self
                        .params
                        .constant_range(PopulationId(index), constant.constant);
                    let range = range.expect("parameters are made for their network");
                    let value =
                        scratch.by_q[index][neuron * trained + place][0] + by_initial[n + place][0];
                    self.gradient[range.start + neuron] += value;
                }
            }
        }
    }
}

/// A spike: its population, and its place on the tape.
#[derive(Clone, Copy)]
struct Sent {
    source: usize,
    spike: usize,
}

#[derive(Clone, Copy)]
enum Jump {
    Spike { spike: usize, least: f64 },
    Arrival(usize, f64),
}
