//! One sample backwards, step by step.
//!
//! λ`[k]` is the adjoint at the start of step k. For k = N − 1, …, 0:
//! 1. spikes whose arrival was at the start of step k + 1 read w (λ_V − λ_I) of their targets
//!    into their own R (`[A4]`); the weight gradient reads λ_I at the same place later (`gradient`),
//! 2. λ is integrated over the step (`[A1]`, `[A2]`) under the driving term of the loss,
//! 3. peaks (`[A5]`) and spikes (`[A3]`) of step k make λ_V jump.
//!
//! λ_I is written to a trace for every step, because the gradient needs it at the arrivals; the trace
//! covers a window of steps, and at the end of each window the gradient takes what it needs. Where time constants
//! are trained, λ of step k + 1 meets V and I of step k (`[G2]`, `[G3]`); λ of what a model keeps beside V and I,
//! which spikes alone change, is kept per neuron from spike to spike.

use std::ops::Range;

use super::gradient::{self, Sink, Window};
use super::inputs;
use super::plan::{Layer, Plan, Sensitivities};
use super::state::{ByTime, LastSpike, State};
use crate::aligned::Aligned;
use crate::connect::trace::{self, Shape};
use crate::connect::{self, History, Onto, Sent, Sums, Targets};
use crate::dispatch::Kernel;
use crate::neuron::folded::Folded;
use crate::neuron::model::{Each, Lookup, Shared, Visit};
use crate::neuron::{self, Between, Kept, Lambda, Neuron, Spike, Spiking, li};
use crate::readout::{Readout, Seed};
use crate::real::Real;
use crate::solver::probe::Variable;
use crate::solver::{Convention, Drive, Grazing, HostTrials, kink};
use crate::tape::{Spikes, Tape};

/// Everything that the adjoint pass over one sample needs.
pub(super) struct AdjointSample<'a, F> {
    pub plan: &'a Plan<F>,
    /// Weights per link, packed.
    pub weights: &'a [&'a [F]],
    pub tape: &'a Tape<u32, F>,
    pub readout: &'a Readout<F>,
    pub seed: &'a Seed<F>,
    /// Jumps of λ_V after each spike, per population `[neuron]`; empty where there are none.
    pub spike_jumps: Vec<&'a [F]>,
    pub grazing: Grazing,
    pub state: &'a mut State<F>,
    /// λ_I of the steps of a window.
    pub trace: &'a mut [F],
    pub shape: Shape,
    /// The derivative by the input that is wanted.
    pub convention: Option<Convention>,
    /// Target of the weight gradient, window by window; none when somebody else gathers it from the
    /// trace, which then covers the whole trial.
    pub sink: Option<Sink<'a, F>>,
    /// λ of the steps of a window and of those behind it that the longest delay reaches, where spikes do not
    /// arrive as wholes; per population.
    pub histories: &'a mut Vec<History<F>>,
}

/// The adjoint pass over a batch: what its samples share.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a, F> {
    pub plan: &'a Plan<F>,
    /// Weights per link, `[source, stride of the target]`.
    pub weights: &'a [&'a [F]],
    pub forward: &'a HostTrials<u32, F>,
    pub drive: Drive<'a, F>,
    pub convention: Option<Convention>,
}

impl<'a, F: Real> Pass<'a, F> {
    /// One sample.
    pub fn sample(
        self,
        sample: usize,
        state: &'a mut State<F>,
        (trace, shape): (&'a mut [F], Shape),
        (sink, histories): (Option<Sink<'a, F>>, &'a mut Vec<History<F>>),
    ) -> AdjointSample<'a, F> {
        let jumps_of = |(jumps, layer): (&'a Vec<F>, &Layer<F>)| {
            // Empty where there is nothing to add.
            jumps
                .chunks_exact(layer.size)
                .nth(sample)
                .unwrap_or_default()
        };
        let spike_jumps = self.drive.spike_jumps.iter().zip(&self.plan.layers);
        AdjointSample {
            plan: self.plan,
            weights: self.weights,
            tape: &self.forward.tapes[sample],
            readout: &self.forward.readouts[sample],
            seed: &self.drive.seeds[sample],
            spike_jumps: spike_jumps.map(jumps_of).collect(),
            grazing: self.drive.grazing,
            state,
            trace,
            shape,
            convention: self.convention,
            sink,
            histories,
        }
    }
}

/// The first sample that stopped the adjoint pass, and where.
pub(super) type Stopped = Option<(usize, Graze)>;

impl<F: Real> Kernel for AdjointSample<'_, F> {
    type Output = Result<(), Graze>;

    #[inline(always)]
    fn run(mut self) -> Result<(), Graze> {
        self.start();
        let mut end = self.plan.clock.steps();
        while end > 0 {
            let start = end.saturating_sub(self.shape.rows);
            self.open_histories(start..end);
            for k in (start..end).rev() {
                self.collect_backflow(k + 1);
                self.collect_apart(k, start);
                if !self.seed.pulls.is_empty() {
                    self.nodes(k + 1);
                }
                self.constants(k);
                if self.convention.is_some() {
                    self.current(k);
                }
                self.integrate(k, k - start);
                self.peaks(k);
                self.silent(k);
                self.release(k);
                self.spikes(k)?;
                self.record(k);
            }
            if let Some(sink) = &mut self.sink {
                let window = Window {
                    tape: self.tape,
                    steps: start..end,
                    trace: self.trace,
                    histories: self.histories,
                    shape: self.shape,
                };
                gradient::gather_window(self.plan, &window, self.weights, sink);
                sink.onto = Onto::Gradient;
            }
            end = start;
        }
        self.finish();
        self.finish_inputs();
        Ok(())
    }
}

/// A grazing spike where grazing is an error.
pub(super) struct Graze {
    pub population: usize,
    pub spike: usize,
}

impl<F: Real> AdjointSample<'_, F> {
    #[inline(always)]
    fn start(&mut self) {
        let layers = self.plan.layers.len();
        self.state.start_constants(self.plan);
        let State {
            lambda_v,
            lambda_i,
            difference,
            backflow,
            transits,
            by_input,
            ..
        } = &mut *self.state;
        for list in [&mut *lambda_v, &mut *lambda_i, &mut *difference] {
            list.resize_with(layers, Aligned::default);
        }
        backflow.resize_with(layers, Vec::new);
        for (population, layer) in self.plan.layers.iter().enumerate() {
            let size = layer.stride;
            for list in [
                &mut lambda_v[population],
                &mut lambda_i[population],
                &mut difference[population],
            ] {
                list.resize(size);
                list.fill(F::ZERO);
            }
            let spikes = &self.tape.populations[population];
            spikes.start_backflow(self.seed.dl_dt(population), &mut backflow[population]);
        }
        inputs::start(self.plan, self.convention, by_input);
        for (transit, link) in transits.iter_mut().zip(&self.plan.links) {
            let spikes = &self.tape.populations[link.source];
            let steps = self.plan.clock.steps();
            link.connection.start_at_end(transit, spikes, steps);
        }
        self.state.jump_next.clear();
        let ends = self.tape.populations.iter().map(Spikes::len);
        self.state.jump_next.extend(ends);
    }

    /// Makes room for λ of a window of steps, of which the last of the trial is the first to come.
    #[inline(always)]
    fn open_histories(&mut self, steps: Range<usize>) {
        self.histories
            .resize_with(self.plan.layers.len(), History::default);
        for (population, rows) in self.plan.kept_apart(self.shape.rows) {
            let history = &mut self.histories[population];
            if steps.end == self.plan.clock.steps() {
                history.start(self.plan.layers[population].size, rows);
            } else {
                history.backward(steps.len());
            }
        }
    }

    /// `[A4]` R of the spikes of step k that do not arrive as wholes: all of their arrivals have been passed. The first row of
    /// the histories is the step after `start`.
    #[inline(always)]
    fn collect_apart(&mut self, k: usize, start: usize) {
        if !self.plan.any_apart() || k + 1 == self.plan.clock.steps() {
            return;
        }
        for (population, _) in self.plan.kept_apart(self.shape.rows) {
            let lambda_i = &self.state.lambda_i[population];
            let difference = &mut self.state.difference[population];
            connect::subtract(&self.state.lambda_v[population], lambda_i, difference);
            self.histories[population].set_row(k - start, lambda_i, difference);
        }
        for (index, link) in self.plan.links.iter().enumerate() {
            let Some(apart) = link.connection.apart() else {
                continue;
            };
            if link.source == self.plan.input {
                continue;
            }
            let spikes = &self.tape.populations[link.source];
            let history = (&self.histories[link.target], start + 1);
            for spike in self.state.transits[index].pass_back(&spikes.when, k) {
                let source = spikes.neuron[spike] as usize;
                let Some(source) = link.connection.synapses.row_of(source) else {
                    continue;
                };
                let sent = Sent { source, step: k };
                let r = apart.backflow(self.weights[index], sent, history);
                self.state.backflow[link.source][spike] += r;
            }
        }
    }

    /// `[A4]` R of the spikes that arrive at the start of step `arrival`.
    #[inline(always)]
    fn collect_backflow(&mut self, arrival: usize) {
        if arrival == self.plan.clock.steps() {
            // Nothing acts at the end of the trial.
            return;
        }
        let plan = self.plan;
        for (index, link) in plan.links.iter().enumerate() {
            if link.source == plan.input
                && let Some(convention) = self.convention
            {
                // With a convention no delay of the input is a parameter: `check_inputs`.
                self.collect_inputs(convention, index, arrival);
            }
            if link.source == plan.input && self.state.by_delay[index].is_empty() {
                continue;
            }
            let spikes = &self.tape.populations[link.source];
            let transit = &mut self.state.transits[index];
            if link.connection.rested(transit, &spikes.when, arrival) {
                continue;
            }
            let targets = Targets {
                lambda_v: &self.state.lambda_v[link.target],
                lambda_i: &self.state.lambda_i[link.target],
                difference: &mut self.state.difference[link.target],
            };
            link.connection.collect(
                transit,
                self.weights[index],
                (spikes, arrival),
                targets,
                Sums {
                    backflow: &mut self.state.backflow[link.source],
                    by_delay: &mut self.state.by_delay[index],
                },
            );
        }
        if !self.seed.peaks.is_empty() {
            self.correct_kinks(arrival);
        }
    }

    /// `[A6]` The spikes that arrive with the carrier of a peak or after it must not see the peak's jump, and
    /// the carrier moves the peak.
    #[inline(always)]
    fn correct_kinks(&mut self, arrival: usize) {
        let output = self.plan.output;
        let layer = &self.plan.layers[output];
        for j in 0..layer.size {
            let peak = self.state.kinks[j];
            let Some(carrier) = peak.carrier.filter(|_| peak.step == arrival) else {
                continue;
            };
            let seed = self.seed.peaks[j];
            for (index, link) in self
                .plan
                .links_into(output)
                .filter(|(i, _)| *i >= carrier.arrival.0)
            {
                let connection = &link.connection;
                let by_time = self.convention == Some(Convention::Time);
                if link.source == self.plan.input && !by_time && !connection.trained {
                    continue;
                }
                let spikes = &self.tape.populations[link.source];
                let arrivals = connection.arrivals_at(self.weights[index], (spikes, arrival), j);
                for (spike, w) in arrivals {
                    let w = spikes.amplitude_of(spike) * w;
                    let backflow = &mut self.state.backflow[link.source][spike];
                    let mut lose = |drive: F| {
                        let lost = kink::backflow(seed, drive, layer.tau_mem[j]);
                        *backflow -= lost;
                        if connection.trained {
                            let delay = connection.delay_of(spikes.neuron[spike] as usize, j);
                            self.state.moved_peaks.push((index, delay, -lost));
                        }
                    };
                    if (index, spike) >= carrier.arrival {
                        lose(w);
                    }
                    if (index, spike) == carrier.arrival {
                        lose(carrier.drive);
                    }
                }
            }
        }
    }

    /// `[A5]` where a loss reads voltages at the start of step k, or at the end of the trial. What arrives then does not
    /// see it.
    // PERF: a division for each neuron and step; inlined, it is computed in vectors.
    #[inline(always)]
    fn nodes(&mut self, k: usize) {
        for (population, pull) in self.seed.pulls.iter().enumerate() {
            if pull.dl_dv.is_empty() {
                continue;
            }
            let layer = &self.plan.layers[population];
            let row = &pull.dl_dv[k * layer.size..(k + 1) * layer.size];
            let lambda_v = &mut self.state.lambda_v[population];
            for ((lambda_v, dl_dv), tau_mem) in lambda_v.iter_mut().zip(row).zip(&layer.tau_mem) {
                *lambda_v = li::adjoint_peak(*lambda_v, -*dl_dv, *tau_mem);
            }
            if let Some(holds) = &layer.refractory {
                let spikes = &self.tape.populations[population];
                holds.ignore(k, spikes, &mut self.state.lambda_v[population]);
            }
        }
    }

    /// `[G2]` and `[G3]` over step k.
    #[inline(always)]
    fn constants(&mut self, k: usize) {
        for (population, layer) in self.plan.layers.iter().enumerate() {
            if let Some(sensitivities) = &layer.sensitivities {
                let start = &self.state.step_start[population];
                let row = k * layer.stride..(k + 1) * layer.stride;
                add_constants(
                    sensitivities,
                    neuron::State {
                        v: &start.v[row.clone()],
                        i: &start.i[row],
                    },
                    Lambda {
                        v: &self.state.lambda_v[population][..],
                        i: &self.state.lambda_i[population][..],
                    },
                    &mut self.state.by_time[population],
                );
            }
        }
    }

    /// From the first spike of every neuron back to the start of the trial.
    #[inline(always)]
    fn finish(&mut self) {
        for (population, layer) in self.plan.layers.iter().enumerate() {
            layer.cells.visit(Finish {
                dt: self.plan.clock.dt_ms(),
                last_spike: &mut self.state.last_spike[population],
            });
        }
    }

    /// `[A1]` and `[A2]` over step k, which is a row of the trace.
    #[inline(always)]
    fn integrate(&mut self, k: usize, row: usize) {
        for (population, layer) in self.plan.layers.iter().enumerate() {
            if population == self.plan.input {
                continue;
            }
            let before = self.plan.columns_before[population];
            let lambda_v = &mut self.state.lambda_v[population][..];
            let lambda_i = &mut self.state.lambda_i[population][..];
            let driven = population == self.plan.output && !self.seed.voltage.is_empty();
            let a = if driven {
                &self.seed.voltage[k * layer.size..(k + 1) * layer.size]
            } else {
                &[]
            };
            layer.cells.visit(Integrate {
                lambda_v,
                lambda_i,
                trail: &self.state.trail[population],
                trace: &mut *self.trace,
                shape: self.shape,
                before,
                k,
                row,
                a: driven.then_some(a),
            });
        }
    }

    /// `[A5]` Peaks in step k.
    #[inline(always)]
    fn peaks(&mut self, k: usize) {
        let layer = &self.plan.layers[self.plan.output];
        for (j, &seed) in self.seed.peaks.iter().enumerate() {
            if self.state.kinks[j].step == k {
                let lambda_v = &mut self.state.lambda_v[self.plan.output][j];
                *lambda_v = li::adjoint_peak(*lambda_v, seed, layer.tau_mem[j]);
            }
        }
    }

    /// The push on silent outputs acts like a spike of the last step that acts within the trial.
    #[inline(always)]
    fn silent(&mut self, k: usize) {
        if k == self.plan.clock.steps().saturating_sub(2) {
            let lambda_v = &mut self.state.lambda_v[self.plan.output];
            for (lambda_v, push) in lambda_v.iter_mut().zip(&self.seed.silent) {
                *lambda_v += *push;
            }
        }
    }

    /// `[A16]` Refractory times that end at step k.
    #[inline(always)]
    fn release(&mut self, k: usize) {
        for (population, layer) in self.plan.layers.iter().enumerate() {
            if let Some(holds) = &layer.refractory {
                let lambda_v = &mut self.state.lambda_v[population];
                let backflow = &mut self.state.backflow[population];
                let spikes = &self.tape.populations[population];
                holds.release(k, lambda_v, spikes, backflow);
            }
        }
    }

    /// Spikes of step k.
    #[inline(always)]
    fn spikes(&mut self, k: usize) -> Result<(), Graze> {
        for (population, layer) in self.plan.layers.iter().enumerate() {
            let spikes = &self.tape.populations[population];
            let next = &mut self.state.jump_next[population];
            // PERF: in most steps nothing spikes.
            let spiked = *next > 0 && spikes.when[*next - 1] as usize == k;
            if population == self.plan.input || !spiked {
                continue;
            }
            let is_output = population == self.plan.output;
            let jumps = Jumps {
                spikes,
                next,
                lambda_v: &mut self.state.lambda_v[population],
                last_spike: &mut self.state.last_spike[population],
                backflow: &self.state.backflow[population],
                extra: self.spike_jumps.get(population).copied().unwrap_or(&[]),
                first_spikes: if is_output {
                    &self.seed.first_spikes
                } else {
                    &[]
                },
                first_spikes_ms: &self.readout.first_spikes_ms,
                grazing: self.grazing,
                v_thresh: &layer.v_thresh,
                k,
                start_ms: self.plan.clock.start_ms(k),
                dt: self.plan.clock.dt_ms(),
            };
            if let Some(Err(spike)) = layer.cells.visit(jumps) {
                return Err(Graze { population, spike });
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn record(&mut self, k: usize) {
        for (probe, record) in self.state.probes.iter().zip(&mut self.state.records) {
            let layer = &self.plan.layers[probe.population];
            if probe.variable == Variable::LambdaB {
                layer.cells.visit(RecordOwn {
                    last_spike: &self.state.last_spike[probe.population],
                    record: &mut record[k * layer.size..(k + 1) * layer.size],
                    k,
                });
                continue;
            }
            let source = match probe.variable {
                Variable::LambdaV => &self.state.lambda_v[probe.population][..layer.size],
                Variable::LambdaI => &self.state.lambda_i[probe.population][..layer.size],
                Variable::Voltage
                | Variable::Current
                | Variable::Adaptation
                | Variable::LambdaB
                | Variable::State(_)
                | Variable::Adjoint(_) => continue,
            };
            record[k * layer.size..(k + 1) * layer.size].copy_from_slice(source);
        }
    }
}

/// The spikes of a population in step k, on their way back.
struct Jumps<'a, F> {
    spikes: &'a Spikes<u32, F>,
    /// Spikes that have not jumped yet.
    next: &'a mut usize,
    lambda_v: &'a mut [F],
    last_spike: &'a mut [LastSpike<F>],
    backflow: &'a [F],
    extra: &'a [F],
    first_spikes: &'a [F],
    first_spikes_ms: &'a [f64],
    grazing: Grazing,
    v_thresh: &'a [F],
    k: usize,
    /// Start of the step in ms.
    start_ms: f64,
    dt: f64,
}

impl<F: Real> Visit<F> for Jumps<'_, F> {
    /// The spike that grazes, where that is an error.
    type Output = Result<(), usize>;

    #[inline(always)]
    fn integrators<N: Neuron<F>>(self, _cells: &Each<N>) -> Result<(), usize> {
        Ok(())
    }

    #[inline(always)]
    fn spiking<N: Spiking<F>>(self, cells: &Each<N>) -> Result<(), usize> {
        while *self.next > 0 && self.spikes.when[*self.next - 1] as usize == self.k {
            *self.next -= 1;
            let place = *self.next;
            let neuron = self.spikes.neuron[place] as usize;
            let mut backflow = self.backflow[place];
            if !self.first_spikes.is_empty() && self.first_spikes_ms[neuron] == self.start_ms {
                backflow += self.first_spikes[neuron];
            }
            let drive = self.spikes.drive[place];
            let theta = self.v_thresh[neuron].to_f64();
            let Some(drive) = self.grazing.drive(drive, theta) else {
                return Err(place);
            };
            let keeps = N::Own::COUNT > 0;
            let spike = Spike {
                drive,
                own: if keeps {
                    self.spikes.adaptation[place]
                } else {
                    F::ZERO
                },
                backflow,
            };
            let k = self.k as u32;
            let mut none = LastSpike {
                step: k,
                between: Between::default(),
            };
            let last = if keeps {
                &mut self.last_spike[neuron]
            } else {
                &mut none
            };
            let elapsed_ms = self.dt * f64::from(last.step - k);
            last.step = k;
            let (cell, lambda_v) = (cells.all[neuron], &mut self.lambda_v[neuron]);
            *lambda_v = cell.adjoint_jump(*lambda_v, spike, elapsed_ms, &mut last.between);
            if let Some(extra) = self.extra.get(neuron) {
                *lambda_v += *extra;
            }
        }
        Ok(())
    }
}
/// λ of what the model keeps, at the start of step k, into a record.
struct RecordOwn<'a, F> {
    last_spike: &'a [LastSpike<F>],
    record: &'a mut [F],
    k: usize,
}

impl<F: Real> Visit<F> for RecordOwn<'_, F> {
    type Output = ();

    #[inline(always)]
    fn integrators<N: Neuron<F>>(self, cells: &Each<N>) {
        let each = self.record.iter_mut().zip(self.last_spike);
        for ((value, last), cell) in each.zip(&cells.all) {
            *value = cell.adjoint_own(last.between.lambda_own, last.step - self.k as u32);
        }
    }

    #[inline(always)]
    fn spiking<N: Spiking<F>>(self, cells: &Each<N>) {
        self.integrators(cells);
    }
}

/// From the first spike of every neuron back to the start of the trial.
struct Finish<'a, F> {
    last_spike: &'a mut [LastSpike<F>],
    dt: f64,
}

impl<F: Real> Visit<F> for Finish<'_, F> {
    type Output = ();

    #[inline(always)]
    fn integrators<N: Neuron<F>>(self, _cells: &Each<N>) {}

    #[inline(always)]
    fn spiking<N: Spiking<F>>(self, cells: &Each<N>) {
        for (last, cell) in self.last_spike.iter_mut().zip(&cells.all) {
            // A spike of step k ends the first k + 1 steps without one.
            let elapsed_ms = self.dt * (f64::from(last.step) + 1.0);
            cell.adjoint_start(elapsed_ms, &mut last.between);
        }
    }
}

/// `[G2]`, `[G3]` from V and I at the start of a step and λ at its end.
#[inline(always)]
fn add_constants<F: Real>(
    sensitivities: &Sensitivities<F>,
    start: neuron::State<&[F]>,
    end: Lambda<&[F]>,
    sums: &mut ByTime<F>,
) {
    let v = start.v;
    let len = v.len();
    let Sensitivities {
        mem_by_v,
        mem_by_i,
        syn_by_lambda_v,
        syn_by_lambda_i,
    } = sensitivities;
    let (mem, syn) = (&mut sums.tau_mem[..len], &mut sums.tau_syn[..len]);
    let (i, lambda_v, lambda_i) = (&start.i[..len], &end.v[..len], &end.i[..len]);
    let (mem_by_v, mem_by_i) = (&mem_by_v[..len], &mem_by_i[..len]);
    let (by_v, by_i) = (&syn_by_lambda_v[..len], &syn_by_lambda_i[..len]);
    for n in 0..len {
        let folded = Folded {
            mem_by_v: mem_by_v[n],
            mem_by_i: mem_by_i[n],
            syn_by_lambda_v: by_v[n],
            syn_by_lambda_i: by_i[n],
        };
        let end = Lambda {
            v: lambda_v[n],
            i: lambda_i[n],
        };
        let by_tau = folded.gradient(neuron::State { v: v[n], i: i[n] }, end);
        mem[n] += by_tau.mem;
        syn[n] += by_tau.syn;
    }
}

/// A population on its way back over step `k`, which is row `row` of the trace; λ_I also goes there.
struct Integrate<'a, F> {
    lambda_v: &'a mut [F],
    lambda_i: &'a mut [F],
    trail: &'a [F],
    trace: &'a mut [F],
    shape: Shape,
    /// Columns of other populations before those of this one.
    before: usize,
    k: usize,
    row: usize,
    /// The driving term, where there is one.
    a: Option<&'a [F]>,
}

impl<F: Real> Visit<F> for Integrate<'_, F> {
    type Output = ();

    #[inline(always)]
    fn integrators<N: Neuron<F>>(self, cells: &Each<N>) {
        let stride = self.lambda_v.len();
        let kept = stride * N::Trail::COUNT;
        let trail = &self.trail[self.k * kept..(self.k + 1) * kept];
        for block in trace::blocks(stride) {
            let columns = block.column..block.column + block.width;
            let row = Row {
                lambda_v: &mut self.lambda_v[columns.clone()],
                lambda_i: &mut self.lambda_i[columns.clone()],
                trail: &trail[columns.start * N::Trail::COUNT..columns.end * N::Trail::COUNT],
                trace: &mut self.trace[self.shape.row(self.before, block, self.row)],
            };
            match (cells.uniform, self.a) {
                (Some(cell), Some(a)) => row.driven(Shared(cell), &a[within(a, columns)]),
                (None, Some(a)) => {
                    row.driven(&cells.all[columns.clone()], &a[within(a, columns)]);
                }
                (Some(cell), None) => row.free(Shared(cell)),
                (None, None) => row.free(&cells.all[columns]),
            }
        }
    }

    #[inline(always)]
    fn spiking<N: Spiking<F>>(self, cells: &Each<N>) {
        self.integrators(cells);
    }
}

/// The neurons of a block that have a driving term: the others fill up the row.
#[inline(always)]
fn within<F>(a: &[F], columns: Range<usize>) -> Range<usize> {
    columns.start..columns.end.min(a.len())
}

/// λ of the neurons of a block, what the step left for it, and the trace of λ_I.
struct Row<'a, F> {
    lambda_v: &'a mut [F],
    lambda_i: &'a mut [F],
    trail: &'a [F],
    trace: &'a mut [F],
}

impl<F: Real> Row<'_, F> {
    /// Over a step without a driving term.
    #[inline(always)]
    fn free<N: Neuron<F>>(self, cells: impl Lookup<N>) {
        let each = self.lambda_v.iter_mut().zip(self.lambda_i).zip(self.trace);
        for (n, ((lambda_v, lambda_i), trace)) in each.enumerate() {
            let plus = Lambda {
                v: *lambda_v,
                i: *lambda_i,
            };
            let minus = cells
                .at(n)
                .adjoint_step(plus, N::Trail::load(self.trail, n));
            *lambda_i = minus.i;
            *trace = minus.i;
            *lambda_v = minus.v;
        }
    }

    /// Over a step with the driving term A; the trace is zero behind the last neuron.
    ///
    /// PERF: a row of outputs is short, and a call to copy it costs more than to compute it.
    #[inline(always)]
    fn driven<N: Neuron<F>>(self, cells: impl Lookup<N>, a: &[F]) {
        debug_assert!(self.trace[a.len()..].iter().all(|x| *x == F::ZERO));
        let (lambda_v, lambda_i) = (&mut self.lambda_v[..a.len()], &mut self.lambda_i[..a.len()]);
        let trace = &mut self.trace[..a.len()];
        for n in 0..a.len() {
            let plus = Lambda {
                v: lambda_v[n],
                i: lambda_i[n],
            };
            let trail = N::Trail::load(self.trail, n);
            let minus = cells.at(n).adjoint_step_driven(plus, trail, a[n]);
            lambda_i[n] = minus.i;
            trace[n] = minus.i;
            lambda_v[n] = minus.v;
        }
    }
}
