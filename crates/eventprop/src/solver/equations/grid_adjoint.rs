//! One sample with equations on the grid, backward: the adjoint of the steps that were taken, and the jumps of its events.
//!
//! The states along the way are computed again from the spikes, in stretches of steps: the pass keeps the states of one
//! stretch, and one state for every stretch, so that memory grows with the square root of the length of a long trial.

use std::ops::Range;

use super::cells::{Cells, Delivery};
use super::grid::{
    Block, Emits, GridModel, GridScratch, LANES, Layer, Link, METHOD, Recording, Walk, masks_of,
};
use super::grid_arrivals::Due;
use super::linear::Propagators;
use super::log::Place;
use super::unit::{Adjoints, At, Event, EventMemory, Flow, Neuron, Side, Stepper};
use crate::connect::{By, Synapse, Synapses};
use crate::dispatch::{Kernel, vectorized};
use crate::network::PopulationId;
use crate::neuron::equations::programs::{Additive, Arrival};
use crate::params::Params;
use crate::readout::{Readout, Seed};
use crate::real::Real;
use crate::solver::{Drive, Grazing, SolveError, grazing, kink};
use crate::tape::{Spikes, Tape};

/// Numbers of the states of a stretch of steps: 64 MiB in single precision.
const NUMBERS_MAX: usize = 1 << 24;

/// Adjoints of the neurons of a sample, reused.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch<F> {
    /// ∂L/∂x, per population `[block][variable]`.
    p: Vec<Vec<[F; LANES]>>,
    /// Sums for trained parameters, `[block][parameter]`.
    by_q: Vec<Vec<[F; LANES]>>,
    /// Σ p⁺ xᵀ of linear models, `[block][row][column]`.
    sums: Vec<Vec<[F; LANES]>>,
    /// R + ∂L/∂t of every spike.
    backflow: Vec<Vec<F>>,
    /// Spikes of each population from which on the tape is passed.
    passed: Vec<usize>,
    /// Neurons whose spikes of this step are passed, one entry for each.
    passed_now: Vec<u32>,
    gather: Vec<F>,
    sent: Vec<F>,
    zeros: Vec<F>,
    returned: Vec<F>,
    /// Masks of a block during a part of a step, those of its end, and the state there or p at its start.
    masks: Vec<[F; LANES]>,
    masks_end: Vec<[F; LANES]>,
    end: Vec<[F; LANES]>,
    /// p and sums of one neuron.
    p_alone: Vec<[F; 1]>,
    by_q_alone: Vec<[F; 1]>,
    /// A state of one neuron.
    x_alone: Vec<[F; 1]>,
}

/// One sample, backward.
pub(super) struct Pass<'a, F> {
    pub model: &'a GridModel<F>,
    pub params: &'a Params<F>,
    pub tape: &'a Tape<u32, F>,
    pub readout: &'a Readout<F>,
    pub drive: Drive<'a, F>,
    pub sample: usize,
    pub scratch: &'a mut GridScratch<F>,
    /// In the layout of the parameters.
    pub gradient: &'a mut [F],
    /// True if ∂L/∂t of the input spikes is wanted.
    pub by_time: bool,
    /// p at the start of each step, of these variables.
    pub records: &'a mut [super::grid_solver::Record<F>],
}

/// A part of a step, a block or a port of a population.
#[derive(Clone, Copy)]
struct Part {
    population: usize,
    part: usize,
}

/// A spike: its place on the tape, and its neuron.
#[derive(Clone, Copy)]
struct SentSpike {
    spike: usize,
    source: usize,
}

/// A step, and its place among the states that are kept.
#[derive(Clone, Copy)]
struct Now {
    k: usize,
    place: usize,
}

impl<F: Real> Pass<'_, F> {
    /// Adds the gradient of the sample. Returns ∂L/∂t of the input spikes.
    pub fn solve(&mut self) -> Result<Vec<F>, SolveError> {
        self.start();
        let steps = self.model.clock.steps();
        if !self.scratch.recordings.iter().any(|r| r.walked) {
            let tape = self.tape;
            self.walk().send(tape);
            for k in (0..steps).rev() {
                self.step(Now { k, place: 0 })?;
            }
            return Ok(self.finish());
        }
        let stretch = self.stretch();
        let checkpoints = self.checkpoints(stretch);
        for (number, checkpoint) in checkpoints.iter().enumerate().rev() {
            let first = number * stretch;
            let last = steps.min(first + stretch);
            self.walk_again(first..last, checkpoint);
            for k in (first..last).rev() {
                self.step(Now {
                    k,
                    place: k - first,
                })?;
            }
        }
        Ok(self.finish())
    }

    fn seed(&self) -> &Seed<F> {
        &self.drive.seeds[self.sample]
    }

    /// Steps whose states are kept at once.
    fn stretch(&self) -> usize {
        let steps = self.model.clock.steps();
        let layers = self.model.layers.iter();
        let of = |(layer, keeps): (&Layer<F>, bool)| {
            let once = layer.cells.blocks * layer.cells.states() * LANES;
            (usize::from(keeps) * layer.substeps + usize::from(layer.cells.one_by_one())) * once
        };
        let kept = self.scratch.recordings.iter().map(|r| r.keeps_x);
        let layers = layers.zip(kept);
        let layers = layers.filter_map(|(layer, keeps)| Some((layer.as_ref()?, keeps)));
        let per_step: usize = layers.map(of).sum();
        let fitting = NUMBERS_MAX / per_step.max(1);
        fitting
            .max((steps as f64).sqrt().ceil() as usize)
            .min(steps)
    }

    /// States of all populations at the starts of the stretches, before anything arrives.
    fn checkpoints(&mut self, stretch: usize) -> Vec<Vec<Vec<[F; LANES]>>> {
        let steps = self.model.clock.steps();
        let tape = self.tape;
        let mut walk = self.walk();
        walk.start();
        walk.send(tape);
        let mut checkpoints = Vec::new();
        let last = (steps - 1) / stretch * stretch;
        for k in 0..=last {
            if k % stretch == 0 {
                let states = walk.scratch.states.iter().map(|state| state.x.clone());
                checkpoints.push(states.collect());
            }
            if k < last {
                walk.deliver(k, tape, false);
                let advanced = walk.advance(k, &mut Emits::Known, false);
                advanced.expect("the forward pass went the same way");
            }
        }
        checkpoints
    }

    fn walk(&mut self) -> Walk<'_, F> {
        Walk {
            model: self.model,
            again: true,
            weights: self.params.all_weights(),
            scratch: self.scratch,
        }
    }

    fn walk_again(&mut self, steps: std::ops::Range<usize>, checkpoint: &[Vec<[F; LANES]>]) {
        let tape = self.tape;
        let mut walk = self.walk();
        for (state, x) in walk.scratch.states.iter_mut().zip(checkpoint) {
            state.x.clone_from(x);
        }
        walk.scratch
            .recordings
            .iter_mut()
            .for_each(Recording::clear);
        for k in steps {
            walk.deliver(k, tape, true);
            let advanced = walk.advance(k, &mut Emits::Known, true);
            advanced.expect("the forward pass went the same way");
        }
    }

    fn start(&mut self) {
        let model = self.model;
        let populations = model.layers.len();
        let seed = &self.drive.seeds[self.sample];
        let recordings = &mut self.scratch.recordings;
        recordings.resize_with(populations, Recording::default);
        for (index, (layer, recording)) in model.layers.iter().zip(recordings).enumerate() {
            let peaks = index == model.network.output().0 && !seed.peaks.is_empty();
            let by_steps = |layer: &Layer<F>| {
                layer.exact.is_none() || !layer.cells.programs.trained.is_empty() || peaks
            };
            recording.keeps_x = layer.as_ref().is_some_and(by_steps);
            let walks =
                |layer: &Layer<F>| !layer.by_tape || layer.cells.one_by_one() || by_steps(layer);
            recording.walked = layer.as_ref().is_some_and(walks);
        }
        let scratch = &mut self.scratch.adjoint;
        scratch.p.resize_with(populations, Vec::new);
        scratch.by_q.resize_with(populations, Vec::new);
        scratch.backflow.resize_with(populations, Vec::new);
        scratch.sums.resize_with(populations, Vec::new);
        scratch.passed.clear();
        for (index, layer) in model.layers.iter().enumerate() {
            let spikes = &self.tape.populations[index];
            scratch.passed.push(spikes.len());
            spikes.start_backflow(seed.dl_dt(index), &mut scratch.backflow[index]);
            let (p, by_q) = (&mut scratch.p[index], &mut scratch.by_q[index]);
            p.clear();
            by_q.clear();
            scratch.sums[index].clear();
            if let Some(Layer { cells, exact, .. }) = layer {
                let n = cells.states();
                if exact.is_some() && !cells.programs.trained.is_empty() {
                    scratch.sums[index].resize(cells.blocks * n * (n + 1), [F::ZERO; LANES]);
                }
                p.resize(cells.blocks * cells.states(), [F::ZERO; LANES]);
                by_q.resize(
                    cells.blocks * cells.programs.trained.len(),
                    [F::ZERO; LANES],
                );
            }
        }
        self.seed_output();
        for index in 0..populations {
            self.pull(index, model.clock.steps());
        }
    }

    /// ∂L/∂t of first spikes.
    fn seed_output(&mut self) {
        let output = self.model.network.output().0;
        let seed = &self.drive.seeds[self.sample];
        let spikes = &self.tape.populations[output];
        let mut found = vec![false; seed.first_spikes.len()];
        for (spike, &neuron) in spikes.neuron.iter().enumerate() {
            let n = neuron as usize;
            if let Some(found) = found.get_mut(n).filter(|found| !**found) {
                *found = true;
                self.scratch.adjoint.backflow[output][spike] += seed.first_spikes[n];
            }
        }
    }

    /// The push on silent outputs, which acts like a spike of the last step that acts within the trial.
    fn silent(&mut self, k: usize, population: usize) {
        let model = self.model;
        let last = model.clock.steps().saturating_sub(2);
        if k != last || population != model.network.output().0 {
            return;
        }
        for neuron in 0..self.seed().silent.len() {
            // p_V = −τ_mem λ_V
            let tau = model.layer(population).cells.tau_mem(neuron);
            let push = -(tau * self.seed().silent[neuron]);
            self.add_to_readout(Place { population, neuron }, push);
        }
    }

    fn add_to_readout(&mut self, Place { population, neuron }: Place, value: F) {
        let cells = &self.model.layer(population).cells;
        let place = neuron / LANES * cells.states() + cells.programs.readout;
        self.scratch.adjoint.p[population][place][neuron % LANES] += value;
    }

    /// ∂L/∂V that a loss of its own draws from a population at the start of step `k`.
    fn pull(&mut self, population: usize, k: usize) {
        let dl_dv = self.drive.seeds[self.sample].dl_dv(population);
        if dl_dv.is_empty() {
            return;
        }
        let size = self.model.layer(population).cells.size;
        for neuron in 0..size {
            self.add_to_readout(Place { population, neuron }, dl_dv[k * size + neuron]);
        }
    }

    /// One step back.
    fn step(&mut self, now: Now) -> Result<(), SolveError> {
        let model = self.model;
        for (population, layer) in model.layers.iter().enumerate() {
            let Some(layer) = layer else { continue };
            self.scratch.adjoint.passed_now.clear();
            for part in (0..layer.substeps).rev() {
                let part = Part { population, part };
                match &layer.exact {
                    Some(exact) => self.exact_part(now, part, exact)?,
                    None => self.part(now, part)?,
                }
            }
            let adjoint = &mut self.scratch.adjoint;
            adjoint.passed[population] -= adjoint.passed_now.len();
        }
        self.read(now.k);
        self.peaks(now.k);
        self.kinks(now);
        for (population, layer) in model.layers.iter().enumerate() {
            let Some(layer) = layer else { continue };
            let late = pulls_late(layer);
            if !late {
                self.pull(population, now.k);
            }
            self.arrivals(now, population);
            if late {
                self.pull(population, now.k);
            }
        }
        for record in self.records.iter_mut() {
            record.adjoint(now.k, model, &self.scratch.adjoint.p);
        }
        Ok(())
    }

    /// What the loss reads at the start of step `k`, after the arrivals, from outputs whose steps are not exact.
    fn read(&mut self, k: usize) {
        let output = self.model.network.output().0;
        let dt = F::from_f64(self.model.clock.dt_ms());
        let layer = self.model.layer(output);
        if self.seed().voltage.is_empty() || layer.exact.is_some() {
            return;
        }
        let size = layer.cells.size;
        for neuron in 0..size {
            let a = self.seed().voltage[k * size + neuron];
            let place = Place {
                population: output,
                neuron,
            };
            self.add_to_readout(place, -(a * dt));
        }
    }

    /// The spikes of a part of a step, as places in the recording.
    fn fired(&self, now: Now, Part { population, part }: Part) -> Range<usize> {
        let until = &self.scratch.recordings[population].fired_until;
        let place = now.place * self.model.layer(population).substeps + part;
        let first = place.checked_sub(1).map_or(0, |before| until[before]);
        first..until[place]
    }

    /// A part of a step of a population that is stepped exactly: first the step, then its spikes, which are taken at its
    /// start `[A15]`.
    fn exact_part(
        &mut self,
        now: Now,
        part: Part,
        exact: &Propagators<F, LANES>,
    ) -> Result<(), SolveError> {
        let model = self.model;
        let population = part.population;
        let layer = model.layer(population);
        let cells = &layer.cells;
        let voltage = &self.drive.seeds[self.sample].voltage;
        let driven = population == model.network.output().0 && !voltage.is_empty();
        let a = if driven {
            &voltage[now.k * cells.size..(now.k + 1) * cells.size]
        } else {
            &[]
        };
        let scratch = &mut *self.scratch;
        let n = cells.states();
        let recording = &scratch.recordings[population];
        let first = (now.place * layer.substeps + part.part) * cells.blocks * n;
        let x = if cells.programs.trained.is_empty() {
            &[]
        } else {
            &recording.x[first..first + cells.blocks * n]
        };
        vectorized(ExactBack {
            exact,
            n,
            x,
            p: &mut scratch.adjoint.p[population],
            sums: &mut scratch.adjoint.sums[population],
            before: &mut scratch.adjoint.end,
            a,
        });
        if part.part == 0 {
            self.silent(now.k, population);
        }
        if !layer.by_tape {
            for place in self.fired(now, part) {
                self.recorded_spike(now, population, place)?;
            }
            return Ok(());
        }
        let spikes = &self.tape.populations[population];
        let mut left = self.scratch.adjoint.passed[population];
        while left > 0 && spikes.when[left - 1] as usize == now.k {
            left -= 1;
            let mut x = std::mem::take(&mut self.scratch.adjoint.x_alone);
            x.clear();
            x.extend(spikes.state[left * n..(left + 1) * n].iter().map(|x| [*x]));
            let done = self.spike(population, left, &x);
            self.scratch.adjoint.x_alone = x;
            done?;
        }
        self.scratch.adjoint.passed[population] = left;
        Ok(())
    }

    /// A part of a step of a population, with the events at its end.
    fn part(&mut self, now: Now, part: Part) -> Result<(), SolveError> {
        let adjoint = &mut self.scratch.adjoint;
        let mut masks = std::mem::take(&mut adjoint.masks);
        let mut masks_end = std::mem::take(&mut adjoint.masks_end);
        let mut end = std::mem::take(&mut adjoint.end);
        let rows = Rows {
            masks: &mut masks,
            masks_end: &mut masks_end,
            end: &mut end,
        };
        let done = self.blocks(now, part, rows);
        let adjoint = &mut self.scratch.adjoint;
        (adjoint.masks, adjoint.masks_end, adjoint.end) = (masks, masks_end, end);
        if part.part == 0 {
            self.silent(now.k, part.population);
        }
        done
    }

    /// The blocks of a part of a step.
    fn blocks(&mut self, now: Now, part: Part, rows: Rows<'_, F>) -> Result<(), SolveError> {
        let model = self.model;
        let population = part.population;
        let layer = model.layer(population);
        let cells = &layer.cells;
        let (n, trained) = (cells.states(), cells.programs.trained.len());
        let h = model.part_ms(layer);
        let switches = cells.programs.switches.len();
        let Rows {
            masks,
            masks_end,
            end,
        } = rows;
        masks.resize(switches, [F::ZERO; LANES]);
        masks_end.resize(switches, [F::ZERO; LANES]);
        end.resize(n, [F::ZERO; LANES]);
        let mut fired = self.fired(now, part);
        for block in 0..cells.blocks {
            let scratch = &mut *self.scratch;
            let place = now.place * layer.substeps + part.part;
            let first = (place * cells.blocks + block) * n;
            let x = &scratch.recordings[population].x[first..first + n];
            let q = cells.q(block);
            masks_of(cells, Block { x, q }, masks, &mut scratch.stepper);
            let flow = Flow {
                map: &cells.programs.flow,
                q,
                masks: &*masks,
            };
            vectorized(Forth {
                stepper: &mut scratch.stepper,
                flow,
                h,
                x,
                end: (switches > 0).then_some(&mut end[..]),
            });
            let all = &self.scratch.recordings[population].fired[fired.clone()];
            let behind = (block + 1) * LANES;
            let here = all.iter().take_while(|&&neuron| (neuron as usize) < behind);
            let here = fired.start..fired.start + here.count();
            fired.start = here.end;
            for spike in here {
                self.recorded_spike(now, population, spike)?;
            }
            if switches > 0 {
                let after = Block { x: end, q };
                masks_of(cells, after, masks_end, &mut self.scratch.stepper);
                let sides = Sides {
                    x: end,
                    before: masks,
                    after: masks_end,
                };
                self.switches(population, block, sides);
            }
            // Masks changed the registers, not the stages.
            let adjoint = &mut self.scratch.adjoint;
            let p = &mut adjoint.p[population][block * n..(block + 1) * n];
            let by_q = &mut adjoint.by_q[population][block * trained..(block + 1) * trained];
            vectorized(Back {
                stepper: &mut self.scratch.stepper,
                flow,
                h,
                adjoints: Adjoints { p, by_q },
            });
        }
        Ok(())
    }

    /// The changes of conditions of a block at the end of a part of a step.
    fn switches(&mut self, population: usize, block: usize, sides: Sides<'_, F>) {
        let cells = &self.model.layer(population).cells;
        let lanes = LANES.min(cells.size - block * LANES);
        for lane in 0..lanes {
            for switch in 0..cells.programs.switches.len() {
                if sides.before[switch][lane] != sides.after[switch][lane] {
                    let neuron = block * LANES + lane;
                    self.switch(switch, Place { population, neuron }, sides);
                }
            }
        }
    }

    /// Hands the adjoints of one neuron over, alone, and takes them back.
    fn alone<T>(
        &mut self,
        Place { population, neuron }: Place,
        job: impl FnOnce(Neuron<'_, F>, Adjoints<'_, F, 1>, &mut EventMemory<F>) -> T,
    ) -> T {
        let cells = &self.model.layer(population).cells;
        let (n, trained) = (cells.states(), cells.programs.trained.len());
        let (block, lane) = (neuron / LANES, neuron % LANES);
        let scratch = &mut *self.scratch;
        let Scratch {
            p,
            by_q,
            p_alone,
            by_q_alone,
            ..
        } = &mut scratch.adjoint;
        let p = &mut p[population][block * n..(block + 1) * n];
        let by_q = &mut by_q[population][block * trained..(block + 1) * trained];
        p_alone.clear();
        p_alone.extend(p.iter().map(|p| [p[lane]]));
        by_q_alone.clear();
        by_q_alone.extend(by_q.iter().map(|q| [q[lane]]));
        let adjoints = Adjoints {
            p: &mut p_alone[..],
            by_q: &mut by_q_alone[..],
        };
        let result = job(cells.neuron(neuron), adjoints, &mut scratch.memory);
        for (to, from) in p.iter_mut().zip(p_alone) {
            to[lane] = from[0];
        }
        for (to, from) in by_q.iter_mut().zip(by_q_alone) {
            to[lane] = from[0];
        }
        result
    }

    /// The place on the tape of a spike of a neuron in this step, from the last part of the step to the first.
    fn spike_place(&mut self, k: usize, Place { population, neuron }: Place) -> usize {
        let spikes = &self.tape.populations[population];
        let adjoint = &mut self.scratch.adjoint;
        let end = adjoint.passed[population];
        let first = spikes.when[..end].partition_point(|&when| (when as usize) < k);
        let of_step = &spikes.neuron[first..end];
        let after = of_step.partition_point(|&other| other as usize <= neuron);
        let same = |n: &&u32| **n as usize == neuron;
        let once = self.model.layer(population).substeps == 1;
        let passed = if once {
            0
        } else {
            adjoint.passed_now.iter().filter(same).count()
        };
        adjoint.passed_now.push(neuron as u32);
        first + after - 1 - passed
    }

    /// A spike, by its place in the recording.
    fn recorded_spike(
        &mut self,
        now: Now,
        population: usize,
        place: usize,
    ) -> Result<(), SolveError> {
        let n = self.model.layer(population).cells.states();
        let neuron = self.scratch.recordings[population].fired[place] as usize;
        let spike = self.spike_place(now.k, Place { population, neuron });
        let mut x = std::mem::take(&mut self.scratch.adjoint.x_alone);
        x.clear();
        let minus = &self.scratch.recordings[population].minus;
        x.extend_from_slice(&minus[place * n..(place + 1) * n]);
        let done = self.spike(population, spike, &x);
        self.scratch.adjoint.x_alone = x;
        done
    }

    /// A spike by its place on the tape, and the state in which it is taken.
    fn spike(&mut self, population: usize, spike: usize, x: &[[F; 1]]) -> Result<(), SolveError> {
        let model = self.model;
        let spikes = &self.tape.populations[population];
        let described = model.network.population(PopulationId(population));
        if grazing::is_error(self.drive.grazing, described, spikes, spike) {
            let population = described;
            return Err(grazing::error(
                population,
                spikes,
                spike,
                model.clock,
                self.sample,
            ));
        }
        let least = match self.drive.grazing {
            Grazing::Limit(least) => F::from_f64(least),
            Grazing::Keep | Grazing::Error => F::ZERO,
        };
        let layer = model.layer(population);
        let neuron = spikes.neuron[spike] as usize;
        let backflow = self.scratch.adjoint.backflow[population][spike];
        self.alone(Place { population, neuron }, |unit, adjoints, memory| {
            adjoint_of_spike(
                layer,
                (unit, neuron),
                Spiked { x, backflow, least },
                (adjoints, memory),
            );
        });
        let jumps = self
            .drive
            .spike_jumps
            .get(population)
            .map_or(&[][..], Vec::as_slice);
        let cells = &layer.cells;
        if let Some(jump) = jumps.get(self.sample * cells.size + neuron).copied() {
            self.add_to_readout(
                Place { population, neuron },
                -(cells.tau_mem(neuron) * jump),
            );
        }
        Ok(())
    }

    fn switch(&mut self, switch: usize, Place { population, neuron }: Place, sides: Sides<'_, F>) {
        let cells = &self.model.layer(population).cells;
        let lane = neuron % LANES;
        let mut x = std::mem::take(&mut self.scratch.adjoint.x_alone);
        x.clear();
        x.extend(sides.x.iter().map(|row| [row[lane]]));
        self.alone(Place { population, neuron }, |unit, adjoints, memory| {
            let mut before = std::mem::take(&mut memory.masks);
            let mut after = std::mem::take(&mut memory.other_masks);
            before.clear();
            before.extend(sides.before.iter().map(|row| [row[lane]]));
            after.clone_from(&before);
            after[switch][0] = F::ONE - after[switch][0];
            let event = Event {
                minus: Side {
                    x: &x,
                    masks: &before,
                },
                plus: Side {
                    x: &x,
                    masks: &after,
                },
                backflow: F::ZERO,
                rate_least: F::ZERO,
            };
            unit.adjoint_switch(&cells.programs.switches[switch], event, adjoints, memory);
            (memory.masks, memory.other_masks) = (before, after);
        });
        self.scratch.adjoint.x_alone = x;
    }

    /// The adjoint of what arrived at a population at the start of a step.
    fn arrivals(&mut self, now: Now, population: usize) {
        let model = self.model;
        let cells = &model.layer(population).cells;
        for (port, arrival) in cells.programs.arrivals.iter().enumerate() {
            if arrival.additive.is_none() {
                continue;
            }
            let mut prepared = false;
            for (index, link) in model.links.iter().enumerate() {
                let here = link.target == population && link.port == port;
                if !here || self.scratch.arrivals[index].first_at(now.k).is_none() {
                    continue;
                }
                if !prepared {
                    let part = port;
                    self.prepare_additive(now, Part { population, part });
                    prepared = true;
                }
                self.additive(now.k, index, arrival.trains);
            }
        }
        if cells.one_by_one() {
            self.one_by_one(now, population);
        }
    }

    /// ∂L/∂w of an arrival, and what a unit of its weight sends back, for every neuron.
    fn prepare_additive(
        &mut self,
        now: Now,
        Part {
            population,
            part: port,
        }: Part,
    ) {
        let layer = self.model.layer(population);
        let cells = &layer.cells;
        let n = cells.states();
        let additive = cells.programs.arrivals[port]
            .additive
            .as_ref()
            .expect("it was asked");
        let scratch = &mut *self.scratch;
        let adjoint = &mut scratch.adjoint;
        for list in [&mut adjoint.gather, &mut adjoint.sent, &mut adjoint.zeros] {
            list.clear();
        }
        adjoint.zeros.resize(cells.blocks * LANES, F::ZERO);
        adjoint
            .masks
            .resize(cells.programs.switches.len(), [F::ZERO; LANES]);
        let x = if layer.exact.is_some() {
            &[]
        } else {
            let first = now.place * layer.substeps * cells.blocks * n;
            &scratch.recordings[population].x[first..first + cells.blocks * n]
        };
        vectorized(PerWeight {
            cells,
            additive,
            x,
            p: &adjoint.p[population],
            stepper: &mut scratch.stepper,
            masks: &mut adjoint.masks,
            gather: &mut adjoint.gather,
            sent: &mut adjoint.sent,
        });
    }

    /// The adjoint `[A12]` of the arrivals over a link that are added up.
    fn additive(&mut self, k: usize, index: usize, trains: bool) {
        let (model, tape) = (self.model, self.tape);
        let link = &model.links[index];
        let input = model.network.input().0;
        let by_delay = model.network.projection(link.id).delay.trained().is_some();
        let sends = link.source != input || by_delay || self.by_time;
        let w = self.params.weights(link.id);
        let range = self.params.weights_range(link.id);
        let spikes = &tape.populations[link.source];
        if link.sends_whole() && spikes.amplitude.is_empty() && !trains {
            let scratch = &mut *self.scratch;
            let adjoint = &mut scratch.adjoint;
            adjoint.returned.clear();
            vectorized(Gather {
                synapses: &link.synapses,
                w,
                spikes,
                due: scratch.arrivals[index].at(k),
                by_target: &adjoint.gather,
                sent: &adjoint.sent,
                zeros: &adjoint.zeros,
                gradient: &mut self.gradient[range],
                returned: sends.then_some(&mut adjoint.returned),
            });
            let mut next = self.scratch.arrivals[index].first_at(k);
            for place in 0..self.scratch.adjoint.returned.len() {
                let (due, after) = self.scratch.arrivals[index]
                    .take(next)
                    .expect("one for each");
                next = after;
                let sent = SentSpike {
                    spike: due.spike,
                    source: spikes.neuron[due.spike] as usize,
                };
                let r = self.scratch.adjoint.returned[place];
                self.send_back(link, sent, (None, r));
            }
            return;
        }
        let mut next = self.scratch.arrivals[index].first_at(k);
        while let Some((due, after)) = self.scratch.arrivals[index].take(next) {
            next = after;
            let source = spikes.neuron[due.spike] as usize;
            let amplitude = spikes.amplitude_of(due.spike);
            for synapse in due.synapses(&link.synapses, source) {
                let adjoint = &self.scratch.adjoint;
                let Synapse { target, weight, .. } = synapse;
                self.gradient[range.start + weight] += amplitude * adjoint.gather[target];
                let r = amplitude * w[weight] * adjoint.sent[target];
                self.send_back(
                    link,
                    SentSpike {
                        spike: due.spike,
                        source,
                    },
                    (Some(synapse), r),
                );
                if trains {
                    self.by_factor(
                        Place {
                            population: link.target,
                            neuron: target,
                        },
                        (link.port, amplitude * w[weight]),
                    );
                }
            }
        }
    }

    /// What an arrival does to the trained parameters of ∂h/∂w.
    fn by_factor(&mut self, Place { population, neuron }: Place, (port, w): (usize, F)) {
        self.alone(Place { population, neuron }, |unit, adjoints, memory| {
            let n = adjoints.p.len();
            let map = &unit.programs.arrivals[port].map;
            let mut back = vec![[F::ZERO]; map.back.outputs_len()];
            let zeros = vec![[F::ZERO]; n];
            let at = At::state(&zeros, unit.q, &[])
                .with_adjoint(adjoints.p)
                .with_weight(w);
            memory.stepper.put(&map.back, at, &mut back);
            for (by_q, back) in adjoints.by_q.iter_mut().zip(&back[n..]) {
                by_q[0] += back[0];
            }
        });
    }

    /// R of a spike, and the derivative by the delay with which it arrived.
    fn send_back(
        &mut self,
        link: &Link,
        SentSpike { spike, source }: SentSpike,
        (synapse, r): (Option<Synapse>, F),
    ) {
        self.scratch.adjoint.backflow[link.source][spike] += r;
        let Some(delays) = self.model.network.projection(link.id).delay.trained() else {
            return;
        };
        let place = match synapse {
            Some(synapse) => delays.by.index(synapse),
            None if delays.by == By::Projection => 0,
            None => source,
        };
        if let Some(range) = self.params.delays_range(link.id) {
            self.gradient[range.start + place] += r;
        }
    }

    /// The adjoint `[A12]` of arrivals that have to be taken one after the other.
    fn one_by_one(&mut self, now: Now, population: usize) {
        let (model, tape) = (self.model, self.tape);
        let cells = &model.layer(population).cells;
        let n = cells.states();
        let first = now.place * cells.blocks * n;
        let scratch = &mut *self.scratch;
        let before = &scratch.recordings[population].before[first..first + cells.blocks * n];
        let mut x = before.to_vec();
        let mut taken = Vec::new();
        for (index, link) in model.links.iter().enumerate() {
            if link.target != population || cells.programs.arrivals[link.port].additive.is_some() {
                continue;
            }
            let spikes = &tape.populations[link.source];
            let w = self.params.weights(link.id);
            for due in scratch.arrivals[index].at(now.k) {
                let source = spikes.neuron[due.spike] as usize;
                for synapse in due.synapses(&link.synapses, source) {
                    let w = spikes.amplitude_of(due.spike) * w[synapse.weight];
                    let (place, lane) = (synapse.target / LANES * n, synapse.target % LANES);
                    let at = |x: &[[F; LANES]]| -> Vec<[F; 1]> {
                        x[place..place + n].iter().map(|x| [x[lane]]).collect()
                    };
                    let minus = at(&x);
                    cells.arrive(
                        Delivery {
                            neuron: synapse.target,
                            port: link.port,
                            w,
                        },
                        &mut x,
                        &mut scratch.memory,
                    );
                    taken.push(Taken {
                        index,
                        due,
                        synapse,
                        w,
                        minus,
                        plus: at(&x),
                    });
                }
            }
        }
        for one in taken.iter().rev() {
            self.take_back(population, one);
        }
    }

    fn take_back(&mut self, population: usize, taken: &Taken<F>) {
        let link = &self.model.links[taken.index];
        let Synapse {
            source,
            target,
            weight,
        } = taken.synapse;
        let found = self.alone(
            Place {
                population,
                neuron: target,
            },
            |unit, adjoints, memory| {
                let masks = |x: &[[F; 1]], memory: &mut EventMemory<F>| {
                    let mut masks = vec![[F::ZERO]; unit.programs.switches.len()];
                    unit.masks(x, &mut masks, &mut memory.stepper);
                    masks
                };
                let (before, after) = (masks(&taken.minus, memory), masks(&taken.plus, memory));
                let event = Event {
                    minus: Side {
                        x: &taken.minus,
                        masks: &before,
                    },
                    plus: Side {
                        x: &taken.plus,
                        masks: &after,
                    },
                    backflow: F::ZERO,
                    rate_least: F::ZERO,
                };
                unit.adjoint_arrival((link.port, taken.w), event, adjoints, memory)
            },
        );
        let amplitude = self.tape.populations[link.source].amplitude_of(taken.due.spike);
        let range = self.params.weights_range(link.id);
        self.gradient[range.start + weight] += amplitude * found.weight;
        self.send_back(
            link,
            SentSpike {
                spike: taken.due.spike,
                source,
            },
            (Some(taken.synapse), found.backflow),
        );
    }

    /// `[A6]` The spikes that arrive with the carrier of a peak or after it must not see the peak's jump, and the carrier, the
    /// last at which the slope turns from up to down, moves the peak.
    fn kinks(&mut self, now: Now) {
        let population = self.model.network.output().0;
        for neuron in 0..self.seed().peaks.len() {
            let minus_dl_dv = self.seed().peaks[neuron];
            let here = self.readout.peaks[neuron].time_ms == self.model.clock.start_ms(now.k);
            if !here || minus_dl_dv == F::ZERO || now.k == 0 {
                continue;
            }
            let place = Place { population, neuron };
            let arrivals = self.arrivals_at(now.k, place);
            let slopes = self.slopes(now, place, &arrivals);
            let Some(carrier) = carrier(&slopes) else {
                continue;
            };
            for (number, sent) in arrivals.iter().enumerate().skip(carrier) {
                let moved = slopes[number + 1] - slopes[number];
                let moves_peak = if number == carrier {
                    slopes[number]
                } else {
                    F::ZERO
                };
                // Slopes in place of drives.
                let r = -kink::backflow(minus_dl_dv, moves_peak + moved, F::ONE);
                let link = &self.model.links[sent.index];
                let spike = SentSpike {
                    spike: sent.due.spike,
                    source: sent.synapse.source,
                };
                self.send_back(link, spike, (Some(sent.synapse), r));
            }
        }
    }

    /// What arrives at a neuron at the start of step `k`, in order.
    fn arrivals_at(&self, k: usize, Place { population, neuron }: Place) -> Vec<Sent<F>> {
        let mut found = Vec::new();
        for (index, link) in self.model.links.iter().enumerate() {
            if link.target != population {
                continue;
            }
            let spikes = &self.tape.populations[link.source];
            let w = self.params.weights(link.id);
            for due in self.scratch.arrivals[index].at(k) {
                let synapses = due.synapses(&link.synapses, spikes.neuron[due.spike] as usize);
                for synapse in synapses.into_iter().filter(|s| s.target == neuron) {
                    let w = spikes.amplitude_of(due.spike) * w[synapse.weight];
                    found.push(Sent {
                        index,
                        due,
                        synapse,
                        w,
                    });
                }
            }
        }
        found
    }

    /// The slope of the voltage of a neuron before all arrivals, and after each.
    fn slopes(
        &mut self,
        now: Now,
        Place { population, neuron }: Place,
        arrivals: &[Sent<F>],
    ) -> Vec<F> {
        let model = self.model;
        let layer = model.layer(population);
        let cells = &layer.cells;
        let n = cells.states();
        let (block, lane) = (neuron / LANES, neuron % LANES);
        let scratch = &mut *self.scratch;
        let recording = &scratch.recordings[population];
        let (list, first) = if cells.one_by_one() {
            (&recording.before, now.place * cells.blocks + block)
        } else {
            (
                &recording.x,
                now.place * layer.substeps * cells.blocks + block,
            )
        };
        let rows = list[first * n..(first + 1) * n].iter();
        let mut x: Vec<[F; 1]> = rows.map(|x| [x[lane]]).collect();
        let memory = &mut scratch.memory;
        let delivery = |sent: &Sent<F>, w: F| Delivery {
            neuron,
            port: model.links[sent.index].port,
            w,
        };
        if !cells.one_by_one() {
            // They only add, so that they can be taken back.
            for sent in arrivals {
                x = cells.after_arrival(delivery(sent, -sent.w), &x, memory);
            }
        }
        let mut slopes = vec![cells.slope_of_readout(neuron, &x, memory)];
        for sent in arrivals {
            x = cells.after_arrival(delivery(sent, sent.w), &x, memory);
            slopes.push(cells.slope_of_readout(neuron, &x, memory));
        }
        slopes
    }

    /// `[A5]` The peaks of outputs at the start of step `k`.
    fn peaks(&mut self, k: usize) {
        let output = self.model.network.output().0;
        let clock = self.model.clock;
        for neuron in 0..self.seed().peaks.len() {
            if self.readout.peaks[neuron].time_ms == clock.start_ms(k) {
                let minus_dl_dv = self.seed().peaks[neuron];
                self.add_to_readout(
                    Place {
                        population: output,
                        neuron,
                    },
                    -minus_dl_dv,
                );
            }
        }
    }

    /// What is left at the start of the trial. Returns ∂L/∂t of the input spikes.
    fn finish(&mut self) -> Vec<F> {
        let model = self.model;
        for (index, layer) in model.layers.iter().enumerate() {
            let Some(Layer { cells, exact, .. }) = layer else {
                continue;
            };
            let (n, trained) = (cells.states(), cells.programs.trained.len());
            let population = &model.network.populations()[index];
            for neuron in (0..cells.size).filter(|_| trained > 0) {
                let len = n * (n + 1);
                let (block, lane) = (neuron / LANES, neuron % LANES);
                let sums = self.scratch.adjoint.sums[index]
                    .iter()
                    .skip(block * len)
                    .take(len);
                let sums: Vec<F> = sums.map(|row| row[lane]).collect();
                let place = Place {
                    population: index,
                    neuron,
                };
                let by_q = self.alone(place, |unit, adjoints, memory| {
                    let by_q = adjoints.by_q;
                    if let Some(exact) = exact {
                        exact.add_by_q(neuron, &sums, by_q);
                    }
                    initial_of(unit, adjoints.p, by_q, memory)
                });
                for (constant, value) in population.trained.iter().zip(by_q) {
                    let range = self
                        .params
                        .constant_range(PopulationId(index), constant.constant);
                    let range = range.expect("parameters are made for their network");
                    self.gradient[range.start + neuron] += value;
                }
            }
        }
        let input = model.network.input().0;
        std::mem::take(&mut self.scratch.adjoint.backflow[input])
    }
}

/// Derivatives by the trained parameters of a neuron: those on the way, and those of its initial state.
fn initial_of<F: Real>(
    unit: Neuron<'_, F>,
    p: &[[F; 1]],
    by_q: &[[F; 1]],
    memory: &mut EventMemory<F>,
) -> Vec<F> {
    let back = &unit.programs.initial.back;
    let mut found = vec![[F::ZERO]; back.outputs_len()];
    let at = At::state(&[], unit.q, &[]).with_adjoint(p);
    memory.stepper.put(back, at, &mut found);
    let each = by_q.iter().zip(&found[p.len()..]);
    each.map(|(by_q, initial)| by_q[0] + initial[0]).collect()
}

/// True of populations whose voltages, where a loss of its own reads them, have nothing from the arrivals of the same time:
/// these come after the reading, as with built-in models.
fn pulls_late<F: Real>(layer: &Layer<F>) -> bool {
    let programs = &layer.cells.programs;
    let leaves_readout = |arrival: &Arrival| !arrival.changes_readout;
    layer.exact.is_some() && programs.arrivals.iter().all(leaves_readout)
}

/// The arrival from which on the voltage falls, having risen before all of them.
fn carrier<F: Real>(slopes: &[F]) -> Option<usize> {
    let turns = |pair: &[F]| pair[0] > F::ZERO && pair[1] <= F::ZERO;
    let last = slopes.windows(2).rposition(turns);
    let turned = slopes[0] > F::ZERO && slopes[slopes.len() - 1] <= F::ZERO;
    last.filter(|_| turned)
}

/// A spike on its way back.
#[derive(Clone, Copy)]
struct Spiked<'a, F> {
    /// The state in which it is taken.
    x: &'a [[F; 1]],
    /// R + ∂L/∂t.
    backflow: F,
    /// The least drive.
    least: F,
}

/// `[A10]` of a spike.
fn adjoint_of_spike<F: Real>(
    layer: &Layer<F>,
    (unit, neuron): (Neuron<'_, F>, usize),
    Spiked { x, backflow, least }: Spiked<'_, F>,
    (adjoints, memory): (Adjoints<'_, F, 1>, &mut EventMemory<F>),
) {
    let programs = unit.programs;
    let threshold = programs.spike.as_ref().expect("it fired");
    let mut masks = std::mem::take(&mut memory.masks);
    let mut masks_plus = std::mem::take(&mut memory.other_masks);
    let mut after = std::mem::take(&mut memory.after);
    for masks in [&mut masks, &mut masks_plus] {
        masks.clear();
        masks.resize(programs.switches.len(), [F::ZERO]);
    }
    after.resize(x.len(), [F::ZERO]);
    unit.masks(x, &mut masks, &mut memory.stepper);
    let minus = Side { x, masks: &masks };
    layer
        .cells
        .reset_into(neuron, minus, (&mut memory.stepper, &mut after));
    if layer.exact.is_some() {
        // [A15] f⁺ is that of a neuron that spiked at the threshold.
        let along = programs.spiking_variable(threshold);
        after[along][0] += unit.overshoot(threshold, (along, minus), memory);
    }
    unit.masks(&after, &mut masks_plus, &mut memory.stepper);
    let event = Event {
        minus,
        plus: Side {
            x: &after,
            masks: &masks_plus,
        },
        backflow,
        rate_least: layer.cells.rate_least(neuron, (least, minus), memory),
    };
    unit.adjoint_spike(event, adjoints, memory);
    (memory.masks, memory.other_masks, memory.after) = (masks, masks_plus, after);
}

/// Memory for the blocks of a part of a step.
struct Rows<'a, F> {
    masks: &'a mut Vec<[F; LANES]>,
    masks_end: &'a mut Vec<[F; LANES]>,
    end: &'a mut Vec<[F; LANES]>,
}

/// A block at the end of a part of a step, before its spikes.
#[derive(Clone, Copy)]
struct Sides<'a, F> {
    x: &'a [[F; LANES]],
    /// Masks during the part.
    before: &'a [[F; LANES]],
    /// Masks of the state at its end.
    after: &'a [[F; LANES]],
}

/// An arrival at a neuron.
#[derive(Clone, Copy)]
struct Sent<F> {
    /// Index of its link.
    index: usize,
    due: Due,
    synapse: Synapse,
    w: F,
}

/// An arrival that was taken after others.
struct Taken<F> {
    /// Index of its link.
    index: usize,
    due: Due,
    synapse: Synapse,
    w: F,
    minus: Vec<[F; 1]>,
    plus: Vec<[F; 1]>,
}

/// The stages of a part of a step again, and its end where that is wanted.
struct Forth<'a, F> {
    stepper: &'a mut Stepper<F, LANES>,
    flow: Flow<'a, F, LANES>,
    h: F,
    x: &'a [[F; LANES]],
    end: Option<&'a mut [[F; LANES]]>,
}

impl<F: Real> Kernel for Forth<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let step = (METHOD, self.h);
        self.stepper
            .stages(self.flow, step, self.x, self.end.is_some());
        if let Some(end) = self.end {
            end.copy_from_slice(self.x);
            self.stepper.finish(METHOD, self.h, end);
        }
    }
}

/// The adjoint `[A14]` of a part of a step of a population.
struct ExactBack<'a, F> {
    exact: &'a Propagators<F, LANES>,
    /// Number of state variables.
    n: usize,
    /// States at its start; empty where no parameter is trained.
    x: &'a [[F; LANES]],
    p: &'a mut [[F; LANES]],
    sums: &'a mut [[F; LANES]],
    /// Memory for a block.
    before: &'a mut Vec<[F; LANES]>,
    /// The driving term of the loss; empty where there is none.
    a: &'a [F],
}

impl<F: Real> Kernel for ExactBack<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let n = self.n;
        let len = if self.x.is_empty() { 0 } else { n * (n + 1) };
        self.before.resize(n, [F::ZERO; LANES]);
        for (block, p) in self.p.chunks_exact_mut(n).enumerate() {
            let x = self.x.get(block * n..(block + 1) * n).unwrap_or(&[]);
            let sums = &mut self.sums[block * len..(block + 1) * len];
            self.exact.adjoint_step(block, x, p, sums, self.before);
            if let Some(first) = self.a.chunks(LANES).nth(block) {
                let mut a = [F::ZERO; LANES];
                a[..first.len()].copy_from_slice(first);
                self.exact.drive(block, &a, p);
            }
        }
    }
}

/// ∂L/∂w of an arrival at each neuron, and what a unit of its weight sends back.
struct PerWeight<'a, F> {
    cells: &'a Cells<F, LANES>,
    additive: &'a Additive,
    /// States at the start of the step; empty where f is linear, since then ∂f/∂x reads none.
    x: &'a [[F; LANES]],
    p: &'a [[F; LANES]],
    stepper: &'a mut Stepper<F, LANES>,
    masks: &'a mut [[F; LANES]],
    gather: &'a mut Vec<F>,
    sent: &'a mut Vec<F>,
}

impl<F: Real> Kernel for PerWeight<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { cells, stepper, .. } = self;
        let n = cells.states();
        for (block, p) in self.p.chunks_exact(n).enumerate() {
            let q = cells.q(block);
            let x = self.x.get(block * n..(block + 1) * n).unwrap_or(&[]);
            if !x.is_empty() {
                masks_of(cells, Block { x, q }, self.masks, stepper);
            }
            let at = At::state(x, q, self.masks).with_adjoint(p);
            let registers = &mut stepper.registers;
            at.run(&self.additive.gather, registers);
            self.gather
                .extend_from_slice(self.additive.gather.output(registers, 0));
            at.run(&self.additive.backflow, registers);
            self.sent
                .extend_from_slice(self.additive.backflow.output(registers, 0));
        }
    }
}

/// What arrivals of whole spikes over a projection leave: derivatives by weights, and R of each spike.
struct Gather<'a, F, I> {
    synapses: &'a Synapses,
    w: &'a [F],
    spikes: &'a Spikes<u32, F>,
    due: I,
    /// ∂L/∂w of each target.
    by_target: &'a [F],
    sent: &'a [F],
    zeros: &'a [F],
    gradient: &'a mut [F],
    /// R of the spikes, in their order; none where nobody asks.
    returned: Option<&'a mut Vec<F>>,
}

impl<F: Real, I: Iterator<Item = Due>> Kernel for Gather<'_, F, I> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        for due in self.due {
            let source = self.spikes.neuron[due.spike] as usize;
            self.synapses
                .gather_row(self.gradient, source, self.by_target);
            if let Some(returned) = &mut self.returned {
                returned.push(
                    self.synapses
                        .backflow(self.w, source, self.sent, self.zeros),
                );
            }
        }
    }
}

/// The adjoint `[A13]` of a block.
struct Back<'a, F> {
    stepper: &'a mut Stepper<F, LANES>,
    flow: Flow<'a, F, LANES>,
    h: F,
    adjoints: Adjoints<'a, F, LANES>,
}

impl<F: Real> Kernel for Back<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.stepper
            .adjoint_finish(self.flow, METHOD, self.h, self.adjoints);
    }
}

/// A layer's cells, for what reads them by population.
pub(super) fn cells_of<F: Real>(model: &GridModel<F>, population: usize) -> &Cells<F, LANES> {
    &model.layer(population).cells
}
