//! The judge of the fast grid solver: the same equations in f64, on one thread, written as they stand
//! in `docs/equations.md`, one neuron and one synapse at a time.
//!
//! It shares nothing with the fast solver but the leaf formulas of [`crate::neuron`].

use std::borrow::Cow;
use std::sync::Arc;

use crate::connect::{self, Lags, Pattern, Synapse, Wiring};
use crate::network::{Network, NeuronConstant, Population, PopulationId, ProjectionId};
use crate::neuron::flow::Stretch;
use crate::neuron::model::{Cells, Each, Visit};
use crate::neuron::sensitivity::Sensitivity;
use crate::neuron::{Between, Kept, Lambda, Neuron, Spike, Spiking, State, li, lif};
use crate::params::Params;
use crate::readout::{Observe, Peak, Readout, Seed, Voltages};
use crate::real::Real;
use crate::solver::equations::has_equations;
use crate::solver::for_implementors::{
    check_batch, check_convention, check_voltages, nodes_of, start_voltages,
};
use crate::solver::kink::{self, Search};
use crate::solver::probe::Probe;
use crate::solver::{
    Convention, Drive, Grazing, HostTrials, SolveError, Solver, Sum, Trial, first_spikes, grazing,
};
use crate::spikes::{Batch, SpikeTrain};
use crate::tape::{Spikes, Tape};

/// The grid solver in f64, on one thread, without cleverness. Slow by intention.
#[derive(Debug, Clone)]
pub struct Judge {
    network: Network,
    /// The neurons of every population.
    cells: Vec<Cells<f64>>,
    /// The steps from a spike to its arrival, per projection.
    lags: Vec<Lags<usize>>,
}

/// One neuron while a trial is integrated.
#[derive(Debug, Clone, Copy)]
struct Variables {
    state: State<f64>,
    /// The model's own variable beside V and I; 0 where it has none.
    own: f64,
    lambda: Lambda<f64>,
    lambda_own: f64,
}

/// Record of a step of one neuron.
#[derive(Debug, Clone, Copy)]
struct Past {
    start: State<f64>,
    /// The model's record for the adjoint of the step; 0 where that is nothing.
    trail: f64,
}

/// Results of the forward pass over a sample.
struct Walked {
    tape: Tape<u32, f64>,
    readout: Readout<f64>,
    peaks_at: Vec<PeakAt>,
    /// `[step][population][neuron]`.
    past: Vec<Vec<Vec<Past>>>,
}

/// Step of a peak, and the drive before it.
#[derive(Debug, Clone, Copy, Default)]
struct PeakAt {
    step: usize,
    drive_before: f64,
}

impl Judge {
    /// A judge for a network on its clock.
    ///
    /// # Errors
    /// When the network is not valid.
    pub fn new(network: &Network) -> Result<Self, SolveError> {
        network.validate()?;
        network.validate_on_grid()?;
        if has_equations(network) {
            return Err(SolveError::Unsupported {
                solver: "judge of the grid",
                what: "a model from equations",
                why: "the event solver judges those",
            });
        }
        let mut judge = Self {
            network: network.clone(),
            cells: Vec::new(),
            lags: Vec::new(),
        };
        judge.prepare();
        Ok(judge)
    }

    /// Prepares the neurons anew.
    fn prepare(&mut self) {
        let dt = self.network.clock().dt_ms();
        let populations = self.network.populations().iter();
        let cells = populations.map(|p| p.model.cells(p.size, p.size, dt));
        self.cells = cells.collect();
    }

    /// Takes over constants that are trained, and delays.
    fn adopt(&mut self, params: &Params<f64>) -> Result<(), SolveError> {
        self.network.adopt(params)?;
        let clock = self.network.clock();
        let ids = (0..self.network.projections().len()).map(ProjectionId);
        let lags = ids.map(|id| self.network.lags(id, params));
        self.lags = lags.map(|ms| ms.map(|ms| clock.delay_steps(ms))).collect();
        self.prepare();
        Ok(())
    }

    fn start(&self) -> Vec<Vec<Variables>> {
        let populations = self.network.populations().iter();
        populations
            .map(|population| {
                let Some(model) = population.description() else {
                    return Vec::new();
                };
                let start = |n: usize| Variables {
                    state: State {
                        v: model.v_start().of(n),
                        i: 0.0,
                    },
                    own: model.own_start().map_or(0.0, |own| own.of(n)),
                    lambda: Lambda { v: 0.0, i: 0.0 },
                    lambda_own: 0.0,
                };
                (0..population.size).map(start).collect()
            })
            .collect()
    }

    /// What arrives over a projection at the start of step k: the position of the spike in the tape, and the
    /// synapse.
    fn arriving(&self, id: ProjectionId, tape: &Tape<u32, f64>, k: usize) -> Vec<(usize, Synapse)> {
        let (synapses, lags) = (self.network.synapses(id), &self.lags[id.0]);
        let spikes = &tape.populations[self.network.projection(id).source.0];
        let mut found = Vec::new();
        let (least, most) = lags.range().unwrap_or_default();
        let may = |s: &usize| (least..=most).contains(&k.wrapping_sub(spikes.when[*s] as usize));
        for spike in (0..spikes.len()).filter(may) {
            let over = synapses.of(spikes.neuron[spike] as usize);
            let now = over.filter(|s| spikes.when[spike] as usize + lags.of(*s) == k);
            found.extend(now.map(|synapse| (spike, synapse)));
        }
        found
    }

    fn forward_sample(&self, params: &Params<f64>, train: &SpikeTrain, trial: Trial<'_>) -> Walked {
        let (clock, observe) = (self.network.clock(), trial.observe);
        let output = self.network.output().0;
        let mut neurons = self.start();
        let mut tape = Tape {
            populations: vec![Spikes::default(); neurons.len()],
        };
        self.emit(train, &mut tape.populations[self.network.input().0]);
        let mut readout = Readout::default();
        let nodes = Arc::new(nodes_of(clock));
        start_voltages(&mut readout.voltages, trial.voltages, &nodes);
        let mut peaks: Vec<(Peak<f64>, PeakAt)> = neurons[output]
            .iter()
            .map(|n| {
                (
                    Peak {
                        voltage: n.state.v,
                        time_ms: 0.0,
                    },
                    PeakAt::default(),
                )
            })
            .collect();
        let mut past = Vec::new();
        for k in 0..clock.steps() {
            let before: Vec<f64> = neurons[output].iter().map(|n| n.state.i).collect();
            self.deliver(params, &tape, k, &mut neurons);
            show(&neurons, &mut readout.voltages);
            for (j, neuron) in neurons[output].iter().enumerate() {
                let v = neuron.state.v;
                readout.voltage.push(v);
                if v > peaks[j].0.voltage {
                    let peak = Peak {
                        voltage: v,
                        time_ms: clock.start_ms(k),
                    };
                    peaks[j] = (
                        peak,
                        PeakAt {
                            step: k,
                            drive_before: lif::drive(before[j], v),
                        },
                    );
                }
            }
            past.push(self.advance(k, &mut neurons, &mut tape));
        }
        let voltages = neurons[output].iter().map(|n| n.state.v);
        readout.voltage.extend(voltages);
        show(&neurons, &mut readout.voltages);
        if observe != Observe::Voltage {
            readout.voltage.clear();
        }
        let peaks_at = peaks.iter().map(|p| p.1).collect();
        if observe == Observe::Peaks {
            readout.peaks = peaks.into_iter().map(|p| p.0).collect();
        }
        self.finish_readout(&tape, observe, &mut readout);
        Walked {
            tape,
            readout,
            peaks_at,
            past,
        }
    }

    fn emit(&self, train: &SpikeTrain, spikes: &mut Spikes<u32, f64>) {
        let events = train.on_grid(self.network.clock()).enumerate();
        let mut events: Vec<(u32, u32, usize)> = events
            .map(|(place, (step, neuron))| (step, neuron, place))
            .collect();
        events.sort_unstable();
        for (step, neuron, place) in events {
            spikes.when.push(step);
            spikes.neuron.push(neuron);
            spikes.amplitude.extend(train.amplitudes().get(place));
        }
    }

    /// `[F5]`
    fn deliver(
        &self,
        params: &Params<f64>,
        tape: &Tape<u32, f64>,
        k: usize,
        neurons: &mut [Vec<Variables>],
    ) {
        for (id, projection) in self.network.projections().iter().enumerate() {
            let (id, targets) = (ProjectionId(id), &mut neurons[projection.target.0]);
            let weights = params.weights(id);
            let spikes = &tape.populations[projection.source.0];
            let factor = projection.wiring.factor();
            for (spike, synapse) in self.arriving(id, tape, k) {
                let a = factor * spikes.amplitude_of(spike);
                let i = &mut targets[synapse.target].state.i;
                *i = connect::arrive(*i, a * weights[synapse.weight]);
            }
        }
    }

    /// Step k of all neurons, and their spikes.
    fn advance(
        &self,
        k: usize,
        neurons: &mut [Vec<Variables>],
        tape: &mut Tape<u32, f64>,
    ) -> Vec<Vec<Past>> {
        let held = self.network.populations().iter();
        let held = held.map(|population| self.held(population));
        let each = self.cells.iter().zip(neurons).zip(&mut tape.populations);
        each.zip(held)
            .map(|(((cells, neurons), spikes), held)| {
                let past = cells.visit(Advance {
                    k,
                    neurons,
                    spikes,
                    held,
                });
                past.unwrap_or_default()
            })
            .collect()
    }

    /// Refractory times in steps, and V_reset, per neuron; empty where there are none.
    fn held(&self, population: &Population) -> Vec<(usize, f64)> {
        let steps = population.refractory_steps(self.network.clock());
        let v_reset = |n: usize| population.description().map_or(0.0, |d| d.v_start().of(n));
        let each = steps.iter().enumerate();
        each.map(|(n, &steps)| (steps as usize, v_reset(n)))
            .collect()
    }

    /// `[A16]` at the start of step `k`.
    fn release(
        &self,
        sample: &Sample<'_>,
        k: usize,
        backflow: &mut [Vec<f64>],
        neurons: &mut [Vec<Variables>],
    ) {
        for (index, population) in self.network.populations().iter().enumerate() {
            let held = self.held(population);
            let spikes = &sample.tape.populations[index];
            for spike in 0..spikes.len() {
                let n = spikes.neuron[spike] as usize;
                let ends = held
                    .get(n)
                    .filter(|(steps, _)| *steps > 0 && spikes.when[spike] as usize + steps == k);
                if ends.is_some() {
                    let lambda_v = &mut neurons[index][n].lambda.v;
                    backflow[index][spike] +=
                        lif::adjoint_release(*lambda_v, spikes.release[spike]);
                    *lambda_v = 0.0;
                }
            }
        }
    }

    fn finish_readout(&self, tape: &Tape<u32, f64>, observe: Observe, readout: &mut Readout<f64>) {
        let clock = self.network.clock();
        readout.nodes = Arc::new(nodes_of(clock));
        let start = |step: &u32| clock.start_ms(*step as usize);
        if observe == Observe::Voltage {
            let input = &tape.populations[self.network.input().0];
            readout.input_ms = input.when.iter().map(start).collect();
        }
        if observe == Observe::FirstSpikes {
            let spikes = &tape.populations[self.network.output().0];
            let size = self.network.output_size();
            first_spikes::find(spikes, size, clock, &mut readout.first_spikes_ms);
        }
    }

    fn adjoint_sample(
        &self,
        params: &Params<f64>,
        sample: &Sample<'_>,
        gradient: &mut Params<f64>,
    ) -> Result<Vec<f64>, SolveError> {
        let mut neurons = self.start();
        let mut backflow = vec![Vec::new(); sample.tape.populations.len()];
        for (index, spikes) in sample.tape.populations.iter().enumerate() {
            spikes.start_backflow(sample.seed.dl_dt(index), &mut backflow[index]);
        }
        let width = match sample.convention {
            Some(Convention::Current(id)) => self.network.population(id).size,
            Some(Convention::Graded) => self.network.input_size(),
            Some(Convention::Time) | None => 0,
        };
        let mut by_input = vec![0.0; width * self.network.clock().steps()];
        for k in (0..self.network.clock().steps()).rev() {
            self.arrive(params, sample, k + 1, &neurons, &mut backflow, gradient);
            if sample.convention == Some(Convention::Graded) {
                self.by_amplitude(params, k + 1, &neurons, &mut by_input);
            }
            self.read(sample, k + 1, &mut neurons);
            self.constants(sample, k, &neurons, gradient);
            if let Some(Convention::Current(id)) = sample.convention {
                let row = self.by_current(sample, k, id, &neurons);
                by_input[k * width..(k + 1) * width].copy_from_slice(&row);
            }
            self.integrate(sample, k, &mut neurons);
            self.release(sample, k, &mut backflow, &mut neurons);
            self.jump(sample, k, &backflow, (&mut neurons, gradient))?;
        }
        if sample.convention == Some(Convention::Time) {
            by_input = backflow.swap_remove(self.network.input().0);
        }
        Ok(by_input)
    }

    /// `[A5]` at the voltages at the start of step `k` that the loss reads.
    fn read(&self, sample: &Sample<'_>, k: usize, neurons: &mut [Vec<Variables>]) {
        for (index, population) in self.network.populations().iter().enumerate() {
            let dl_dv = sample.seed.dl_dv(index);
            let Some((tau_mem, _)) = population.time_constants().filter(|_| !dl_dv.is_empty())
            else {
                continue;
            };
            let (held, spikes) = (self.held(population), &sample.tape.populations[index]);
            for (n, neuron) in neurons[index].iter_mut().enumerate() {
                if last_hold(spikes, &held, n, k).is_some() {
                    // V is V_reset, whatever happens.
                    continue;
                }
                let minus_dl_dv = -dl_dv[k * population.size + n];
                neuron.lambda.v = li::adjoint_peak(neuron.lambda.v, minus_dl_dv, tau_mem.of(n));
            }
        }
    }

    /// `[G9]` of every neuron over step k.
    fn by_current(
        &self,
        sample: &Sample<'_>,
        k: usize,
        id: PopulationId,
        neurons: &[Vec<Variables>],
    ) -> Vec<f64> {
        let population = self.network.population(id);
        let (tau_mem, _) = population
            .time_constants()
            .expect("the convention was checked");
        let driven = id == self.network.output();
        let value = |n: usize| {
            let a = sample.seed.voltage.get(k * population.size + n);
            let stretch = Stretch {
                ms: self.network.clock().dt_ms(),
                tau_mem: tau_mem.of(n),
            };
            let a = a.copied().filter(|_| driven).unwrap_or(0.0);
            stretch.by_current(neurons[id.0][n].lambda.v, a)
        };
        (0..population.size).map(value).collect()
    }

    /// `[G8]` of every input whose spike arrives at the start of step `arrival`, or would; by_input: `[steps, inputs]`.
    fn by_amplitude(
        &self,
        params: &Params<f64>,
        arrival: usize,
        neurons: &[Vec<Variables>],
        by_input: &mut [f64],
    ) {
        let (clock, inputs) = (self.network.clock(), self.network.input_size());
        for (id, projection) in self.network.projections().iter().enumerate() {
            if projection.source != self.network.input() || arrival == clock.steps() {
                continue;
            }
            let (id, targets) = (ProjectionId(id), &neurons[projection.target.0]);
            let population = self.network.population(projection.target);
            let (_, tau_syn) = population
                .time_constants()
                .expect("a target is not the input");
            let factor = projection.wiring.factor();
            for synapse in self.network.synapses(id).iter() {
                let Some(step) = arrival.checked_sub(self.lags[id.0].of(synapse)) else {
                    continue;
                };
                let Synapse {
                    source,
                    target,
                    weight,
                } = synapse;
                let by_weight = connect::by_weight(tau_syn.of(target), targets[target].lambda.i);
                by_input[step * inputs + source] += factor * params.weights(id)[weight] * by_weight;
            }
        }
    }

    /// `[A4]`, `[G1]`, `[G6]` for the arrivals at the start of step `arrival`, and `[A6]`.
    fn arrive(
        &self,
        params: &Params<f64>,
        sample: &Sample<'_>,
        arrival: usize,
        neurons: &[Vec<Variables>],
        backflow: &mut [Vec<f64>],
        gradient: &mut Params<f64>,
    ) {
        for (id, projection) in self.network.projections().iter().enumerate() {
            let targets = &neurons[projection.target.0];
            let (_, tau_syn) = self
                .network
                .population(projection.target)
                .time_constants()
                .expect("a target is not the input");
            let id = ProjectionId(id);
            let weights = params.weights(id);
            let spikes = &sample.tape.populations[projection.source.0];
            let factor = projection.wiring.factor();
            for (spike, synapse) in self.arriving(id, sample.tape, arrival) {
                let Synapse { target, weight, .. } = synapse;
                let (a, w, lambda) = (
                    factor * spikes.amplitude_of(spike),
                    weights[weight],
                    targets[target].lambda,
                );
                let r = connect::backflow(w, lambda.v, lambda.i);
                backflow[projection.source.0][spike] += connect::by_time(a, r);
                gradient.weights_mut(id)[weight] +=
                    connect::by_weight(tau_syn.of(target), a * lambda.i);
                let dl_dd = connect::by_delay(a * w, lambda.v, lambda.i);
                self.add_delay(gradient, id, synapse, dl_dd);
            }
        }
        for (j, seed) in sample.seed.peaks.iter().enumerate() {
            if sample.peaks_at[j].step == arrival {
                self.correct_kink(params, sample, (j, *seed), backflow, gradient);
            }
        }
    }

    /// `[G2]`, `[G3]` over step k.
    fn constants(
        &self,
        sample: &Sample<'_>,
        k: usize,
        neurons: &[Vec<Variables>],
        gradient: &mut Params<f64>,
    ) {
        let dt = self.network.clock().dt_ms();
        for (index, population) in self.network.populations().iter().enumerate() {
            let Some((tau_mem, tau_syn)) = population.time_constants() else {
                continue;
            };
            for (n, neuron) in neurons[index].iter().enumerate() {
                let start = sample.past[k][index][n].start;
                let by_tau = Sensitivity::over(dt, tau_mem.of(n), tau_syn.of(n))
                    .gradient(start, neuron.lambda);
                let id = PopulationId(index);
                add_constant(gradient, id, n, NeuronConstant::TauMem, by_tau.mem);
                add_constant(gradient, id, n, NeuronConstant::TauSyn, by_tau.syn);
            }
        }
    }

    /// `[A6]` From the carrier of a peak on, R must not contain the jump of the peak; the carrier moves the peak.
    fn correct_kink(
        &self,
        params: &Params<f64>,
        sample: &Sample<'_>,
        (j, seed): (usize, f64),
        backflow: &mut [Vec<f64>],
        gradient: &mut Params<f64>,
    ) {
        let output = self.network.output();
        let (tau_mem, _) = self
            .network
            .population(output)
            .time_constants()
            .expect("the output is not the input");
        let at = sample.peaks_at[j];
        let mut arrivals = Vec::new();
        let mut search = Search::from_drive(at.drive_before);
        for (id, projection) in self.network.incoming(output) {
            let weights = params.weights(id);
            let factor = projection.wiring.factor();
            let arriving = self.arriving(id, sample.tape, at.step);
            for (spike, synapse) in arriving.into_iter().filter(|(_, s)| s.target == j) {
                let spikes = &sample.tape.populations[projection.source.0];
                let a = factor * spikes.amplitude_of(spike);
                let w = a * weights[synapse.weight];
                search.pass(arrivals.len(), w);
                arrivals.push((projection.source, spike, (id, synapse, w)));
            }
        }
        let Some(carrier) = search.carrier() else {
            return;
        };
        let behind = arrivals.into_iter().enumerate().skip(carrier.arrival);
        for (index, (source, spike, (id, synapse, w))) in behind {
            let moved = if index == carrier.arrival {
                carrier.drive
            } else {
                0.0
            };
            let lost = kink::backflow(seed, w + moved, tau_mem.of(j));
            backflow[source.0][spike] -= lost;
            self.add_delay(gradient, id, synapse, -lost);
        }
    }

    /// Adds to the derivative with respect to the delay of a synapse, if it is trained.
    fn add_delay(
        &self,
        gradient: &mut Params<f64>,
        id: ProjectionId,
        synapse: Synapse,
        value: f64,
    ) {
        let trained = self.network.projection(id).delay.trained();
        if let Some((delays, into)) = trained.zip(gradient.delays_mut(id)) {
            into[delays.by.index(synapse)] += value;
        }
    }

    /// λ of all neurons over step k, with the driving term of the loss in the output population.
    fn integrate(&self, sample: &Sample<'_>, k: usize, neurons: &mut [Vec<Variables>]) {
        let output = self.network.output().0;
        let size = self.network.output_size();
        for (index, neurons) in neurons.iter_mut().enumerate() {
            let driven = index == output && !sample.seed.voltage.is_empty();
            self.cells[index].visit(Integrate {
                neurons,
                past: &sample.past[k][index],
                a: if driven {
                    &sample.seed.voltage[k * size..(k + 1) * size]
                } else {
                    &[]
                },
            });
        }
    }

    /// The jumps of step k: those of the loss, of spikes and of the regularisers.
    fn jump(
        &self,
        sample: &Sample<'_>,
        k: usize,
        backflow: &[Vec<f64>],
        (neurons, gradient): (&mut [Vec<Variables>], &mut Params<f64>),
    ) -> Result<(), SolveError> {
        self.jump_output(sample, k, neurons);
        for (index, cells) in self.cells.iter().enumerate() {
            let spikes = &sample.tape.populations[index];
            for spike in (0..spikes.len()).filter(|&s| spikes.when[s] as usize == k) {
                if index == self.network.input().0 {
                    continue;
                }
                let n = spikes.neuron[spike] as usize;
                let id = PopulationId(index);
                let first_spike = self.first_spike(sample, k, id, n);
                let jump = Jump {
                    neuron: &mut neurons[index][n],
                    n,
                    spike: Spike {
                        drive: self.drive(sample, id, spike)?,
                        own: spikes.adaptation.get(spike).copied().unwrap_or(0.0),
                        backflow: backflow[index][spike] + first_spike,
                    },
                    since_ms: self.since_ms(spikes, spike),
                };
                let between = cells.visit(jump).expect("the input is left out");
                add_constant(gradient, id, n, NeuronConstant::BIncr, between.by_b_incr);
                add_constant(gradient, id, n, NeuronConstant::TauB, between.by_tau_b);
                let jumps = sample.spike_jumps.get(index).map_or(&[][..], Vec::as_slice);
                let size = self.network.populations()[index].size;
                let extra = jumps.get(sample.index * size + n).copied();
                neurons[index][n].lambda.v += extra.unwrap_or(0.0);
            }
        }
        Ok(())
    }

    /// The time since the spike of the same neuron before, or since the start of the trial.
    fn since_ms(&self, spikes: &Spikes<u32, f64>, spike: usize) -> f64 {
        let same = |&s: &usize| spikes.neuron[s] == spikes.neuron[spike];
        let earlier = (0..spike).rev().find(same);
        let since = earlier.map_or(-1.0, |s| f64::from(spikes.when[s]));
        self.network.clock().dt_ms() * (f64::from(spikes.when[spike]) - since)
    }

    /// `[A5]` and the push on silent outputs.
    fn jump_output(&self, sample: &Sample<'_>, k: usize, neurons: &mut [Vec<Variables>]) {
        let output = self.network.output();
        for (j, neuron) in neurons[output.0].iter_mut().enumerate() {
            if let Some(seed) = sample.seed.peaks.get(j)
                && sample.peaks_at[j].step == k
            {
                let (tau_mem, _) = self
                    .network
                    .population(output)
                    .time_constants()
                    .expect("the output is not the input");
                neuron.lambda.v = li::adjoint_peak(neuron.lambda.v, *seed, tau_mem.of(j));
            }
            if k == self.network.clock().steps().saturating_sub(2) {
                neuron.lambda.v += sample.seed.silent.get(j).copied().unwrap_or(0.0);
            }
        }
    }

    /// ∂L/∂t of a spike of step k, if it is the first of an output neuron.
    fn first_spike(&self, sample: &Sample<'_>, k: usize, id: PopulationId, n: usize) -> f64 {
        let first = sample.readout.first_spikes_ms.get(n).copied();
        if id == self.network.output() && first == Some(self.network.clock().start_ms(k)) {
            sample.seed.first_spikes.get(n).copied().unwrap_or(0.0)
        } else {
            0.0
        }
    }

    /// The drive of a spike, as the grazing policy wants it.
    fn drive(
        &self,
        sample: &Sample<'_>,
        id: PopulationId,
        spike: usize,
    ) -> Result<f64, SolveError> {
        let population = self.network.population(id);
        let spikes = &sample.tape.populations[id.0];
        let n = spikes.neuron[spike] as usize;
        let theta = population.threshold().map_or(0.0, |theta| theta.of(n));
        let drive = sample.grazing.drive(spikes.drive[spike], theta);
        let clock = self.network.clock();
        drive.ok_or_else(|| grazing::error(population, spikes, spike, clock, sample.index))
    }
}

/// V of the populations whose voltages are shown.
fn show(neurons: &[Vec<Variables>], all: &mut [Voltages<f64>]) {
    for voltages in all {
        let shown = neurons[voltages.population.0].iter();
        voltages.values.extend(shown.map(|neuron| neuron.state.v));
    }
}

/// The neurons of a population over step `k`.
struct Advance<'a> {
    k: usize,
    neurons: &'a mut [Variables],
    spikes: &'a mut Spikes<u32, f64>,
    /// Refractory times in steps, and V_reset; empty where there are none.
    held: Vec<(usize, f64)>,
}

/// The spike that holds V of a neuron in step `k`: the last one before, if its refractory time lasts until then.
fn last_hold(
    spikes: &Spikes<u32, f64>,
    held: &[(usize, f64)],
    n: usize,
    k: usize,
) -> Option<usize> {
    let (steps, _) = held.get(n)?;
    let of_neuron = |&s: &usize| spikes.neuron[s] as usize == n && (spikes.when[s] as usize) < k;
    let spike = (0..spikes.len()).rev().find(of_neuron)?;
    (k <= spikes.when[spike] as usize + steps).then_some(spike)
}

/// One step of a neuron without a spike.
fn step<N: Neuron<f64>>(cell: N, neuron: &mut Variables) -> Past {
    let start = neuron.state;
    let stepped = cell.step(start, N::Own::load(&[neuron.own], 0));
    let mut past = Past { start, trail: 0.0 };
    neuron.state = stepped.state;
    stepped.own.store(std::slice::from_mut(&mut neuron.own), 0);
    stepped
        .trail
        .store(std::slice::from_mut(&mut past.trail), 0);
    past
}

impl Visit<f64> for Advance<'_> {
    type Output = Vec<Past>;

    fn integrators<N: Neuron<f64>>(self, cells: &Each<N>) -> Vec<Past> {
        let each = self.neurons.iter_mut().zip(&cells.all);
        each.map(|(neuron, cell)| step(*cell, neuron)).collect()
    }

    fn spiking<N: Spiking<f64>>(self, cells: &Each<N>) -> Vec<Past> {
        let mut pasts = Vec::new();
        for (n, (neuron, &cell)) in self.neurons.iter_mut().zip(&cells.all).enumerate() {
            let past = step(cell, neuron);
            let own = N::Own::load(&[neuron.own], 0);
            if let Some(spike) = last_hold(self.spikes, &self.held, n, self.k) {
                let (steps, v_reset) = self.held[n];
                neuron.state.v = v_reset;
                if self.spikes.when[spike] as usize + steps == self.k {
                    self.spikes.release[spike] = lif::drive(past.start.i, v_reset);
                }
            } else if cell.fires(neuron.state.v, own) {
                let jumped = cell.jump(past.start.i, neuron.state.v, own);
                self.spikes.when.push(self.k as u32);
                self.spikes.neuron.push(n as u32);
                self.spikes.drive.push(jumped.drive);
                own.push(&mut self.spikes.adaptation);
                if !self.held.is_empty() {
                    self.spikes.release.push(0.0);
                }
                neuron.state.v = jumped.v;
                jumped.own.store(std::slice::from_mut(&mut neuron.own), 0);
            }
            pasts.push(past);
        }
        pasts
    }
}

/// λ of the neurons of a population over a step back.
struct Integrate<'a> {
    neurons: &'a mut [Variables],
    past: &'a [Past],
    /// The driving term; empty where there is none.
    a: &'a [f64],
}

impl Visit<f64> for Integrate<'_> {
    type Output = ();

    fn integrators<N: Neuron<f64>>(self, cells: &Each<N>) {
        for (n, (neuron, cell)) in self.neurons.iter_mut().zip(&cells.all).enumerate() {
            let trail = N::Trail::load(&[self.past[n].trail], 0);
            let a = self.a.get(n).copied().unwrap_or(0.0);
            neuron.lambda = cell.adjoint_step_driven(neuron.lambda, trail, a);
            neuron.lambda_own = cell.adjoint_own(neuron.lambda_own, 1);
        }
    }

    fn spiking<N: Spiking<f64>>(self, cells: &Each<N>) {
        self.integrators(cells);
    }
}

/// λ of a neuron at a spike; λ of what the model keeps has come to just after it step by step.
struct Jump<'a> {
    neuron: &'a mut Variables,
    n: usize,
    spike: Spike<f64>,
    /// Time since the spike of the neuron before.
    since_ms: f64,
}

impl Visit<f64> for Jump<'_> {
    type Output = Between<f64>;

    fn integrators<N: Neuron<f64>>(self, _cells: &Each<N>) -> Between<f64> {
        unreachable!("neurons without a threshold have no spikes")
    }

    fn spiking<N: Spiking<f64>>(self, cells: &Each<N>) -> Between<f64> {
        let (cell, neuron) = (cells.all[self.n], self.neuron);
        let mut between = Between {
            lambda_own: neuron.lambda_own,
            ..Between::default()
        };
        neuron.lambda.v = cell.adjoint_jump(neuron.lambda.v, self.spike, 0.0, &mut between);
        neuron.lambda_own = between.lambda_own;
        cell.adjoint_start(self.since_ms, &mut between);
        between
    }
}

/// Adds to the derivative with respect to a constant, if it is trained.
fn add_constant(
    gradient: &mut Params<f64>,
    population: PopulationId,
    neuron: usize,
    which: NeuronConstant,
    value: f64,
) {
    if let Some(range) = gradient.constant_mut(population, which) {
        range[neuron] += value;
    }
}

/// One sample on its way back.
struct Sample<'a> {
    index: usize,
    tape: &'a Tape<u32, f64>,
    readout: &'a Readout<f64>,
    seed: &'a Seed<f64>,
    peaks_at: Vec<PeakAt>,
    past: Vec<Vec<Vec<Past>>>,
    spike_jumps: &'a [Vec<f64>],
    grazing: Grazing,
    convention: Option<Convention>,
}

impl Solver for Judge {
    type Real = f64;
    type Time = u32;
    type Trials = HostTrials<u32, f64>;

    fn for_network(network: &Network) -> Result<Self, SolveError> {
        Self::new(network)
    }

    fn network(&self) -> &Network {
        &self.network
    }

    fn group_len(&self, _samples: usize) -> usize {
        1
    }

    fn set_probes(&mut self, probes: &[Probe]) -> Result<(), SolveError> {
        if probes.is_empty() {
            return Ok(());
        }
        Err(SolveError::Unsupported {
            solver: "reference grid",
            what: "recording",
            why: "it judges spikes and gradients; use the fast grid solver",
        })
    }

    fn record(&self, _sample: usize, probe: usize) -> Cow<'_, [f64]> {
        panic!("there is no probe {probe}: set_probes() refuses all")
    }

    fn rewire(&mut self, id: ProjectionId, pattern: Arc<Pattern>) {
        self.network.set_wiring(id, Wiring::Sparse(pattern));
    }

    fn forward(
        &mut self,
        params: &Params<f64>,
        batch: &Batch,
        trial: Trial<'_>,
        out: &mut HostTrials<u32, f64>,
    ) -> Result<(), SolveError> {
        check_batch(&self.network, batch)?;
        check_voltages(&self.network, trial.voltages)?;
        if trial.disturbance.is_some() {
            return Err(SolveError::Unsupported {
                solver: "judge of the grid",
                what: "noise or withheld spikes",
                why: "it judges undisturbed trials; use the fast grid solver",
            });
        }
        self.adopt(params)?;
        out.tapes.clear();
        out.readouts.clear();
        for train in batch.trains() {
            let walked = self.forward_sample(params, train, trial);
            out.tapes.push(walked.tape);
            out.readouts.push(walked.readout);
        }
        Ok(())
    }

    fn adjoint(
        &mut self,
        params: &Params<f64>,
        forward: &HostTrials<u32, f64>,
        drive: Drive<'_, f64>,
        sum: Sum<'_, f64>,
    ) -> Result<(), SolveError> {
        let convention = sum.convention();
        let gradient = sum.gradient;
        gradient.values_mut().fill(0.0);
        sum.reduce.join(f64::numbers_mut(gradient.values_mut()))?;
        self.adopt(params)?;
        check_convention(&self.network, convention)?;
        let mut by_input = Vec::new();
        for (index, tape) in forward.tapes.iter().enumerate() {
            let walked = self.walk_again(params, tape);
            let sample = Sample {
                index,
                tape,
                readout: &forward.readouts[index],
                seed: &drive.seeds[index],
                peaks_at: walked.peaks_at,
                past: walked.past,
                spike_jumps: drive.spike_jumps,
                grazing: drive.grazing,
                convention,
            };
            by_input.push(self.adjoint_sample(params, &sample, gradient)?);
        }
        if let Some(inputs) = sum.inputs {
            inputs.samples = by_input;
        }
        sum.reduce
            .hand_on(f64::numbers_mut(gradient.values_mut()))?;
        Ok(())
    }
}

impl Judge {
    /// The forward pass of a sample again, from its input spikes.
    fn walk_again(&self, params: &Params<f64>, tape: &Tape<u32, f64>) -> Walked {
        let clock = self.network.clock();
        let input = &tape.populations[self.network.input().0];
        let times = input.when.iter().map(|&k| clock.start_ms(k as usize));
        let mut train = SpikeTrain::default();
        train.refill(times.zip(input.neuron.iter().copied()));
        train.set_amplitudes(&input.amplitude);
        self.forward_sample(params, &train, Trial::observing(Observe::Peaks))
    }
}
