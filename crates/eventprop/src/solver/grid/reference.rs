//! The judge of the fast grid solver: the same equations in f64, on one thread, written as they stand
//! in `docs/equations.md`, one neuron and one synapse at a time.
//!
//! It shares nothing with the fast solver but the leaf formulas of [`crate::neuron`].

use std::borrow::Cow;
use std::sync::Arc;

use crate::network::{
    Adaptation, Constant, Lif, Model, Network, NeuronConstant, PopulationId, Projection,
    ProjectionId,
};
use crate::neuron::flow::Flow;
use crate::neuron::sensitivity::Sensitivity;
use crate::neuron::{alif, li, lif};
use crate::params::Params;
use crate::readout::{Nodes, Observe, Peak, Readout, Seed};
use crate::real::Real;
use crate::solver::for_implementors::check_batch;
use crate::solver::probe::Probe;
use crate::solver::{Drive, GRAZING_SHARE, Grazing, HostTrials, SolveError, Solver, Sum, Trial};
use crate::spikes::{Batch, SpikeTrain};
use crate::tape::{Spikes, Tape};

/// The grid solver in f64, on one thread, without cleverness. Slow by intention.
#[derive(Debug, Clone)]
pub struct Judge {
    network: Network,
}

/// One neuron while a trial is integrated.
#[derive(Debug, Clone, Copy)]
struct Neuron {
    flow: Flow,
    v: f64,
    i: f64,
    b: f64,
    lambda_v: f64,
    lambda_i: f64,
    lambda_b: f64,
}

/// What the forward pass over a sample leaves.
struct Walked {
    tape: Tape<u32, f64>,
    readout: Readout<f64>,
    peaks_at: Vec<PeakAt>,
    /// V and I of every neuron with which each step began, `[step][population][neuron]`.
    began: Vec<Vec<Vec<(f64, f64)>>>,
}

/// Where a peak lies, and the drive around it.
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
        Ok(Self {
            network: network.clone(),
        })
    }

    fn start(&self) -> Vec<Vec<Neuron>> {
        let dt = self.network.clock().dt_ms();
        let rest = Constant::Same(0.0);
        self.network
            .populations()
            .iter()
            .map(|population| {
                let Some((tau_mem, tau_syn)) = population.time_constants() else {
                    return Vec::new();
                };
                let v_init = match &population.model {
                    Model::Input => &rest,
                    Model::Lif(lif) => &lif.v_reset,
                    Model::Li(li) => &li.v_init,
                };
                let b_init = population.adaptation().map_or(&rest, |a| &a.b_init);
                (0..population.size)
                    .map(|n| Neuron {
                        flow: Flow::over(dt, tau_mem.of(n), tau_syn.of(n)),
                        v: v_init.of(n),
                        i: 0.0,
                        b: b_init.of(n),
                        lambda_v: 0.0,
                        lambda_i: 0.0,
                        lambda_b: 0.0,
                    })
                    .collect()
            })
            .collect()
    }

    /// Spikes of `projection` that arrive at the start of step k, as positions in the tape.
    fn arriving<'a>(
        &self,
        projection: &Projection,
        tape: &'a Tape<u32, f64>,
        k: usize,
    ) -> impl Iterator<Item = (usize, usize)> + use<'a> {
        let delay = self.network.clock().delay_steps(projection.delay_ms);
        let spikes = &tape.populations[projection.source.0];
        (0..spikes.len())
            .filter(move |&s| spikes.when[s] as usize + delay == k)
            .map(|s| (s, spikes.neuron[s] as usize))
    }

    fn weight(&self, params: &Params<f64>, id: usize, source: usize, target: usize) -> f64 {
        let projection = self.network.projection(ProjectionId(id));
        let width = self.network.population(projection.target).size;
        params.weights(ProjectionId(id))[source * width + target]
    }

    fn forward_sample(&self, params: &Params<f64>, train: &SpikeTrain, observe: Observe) -> Walked {
        let clock = self.network.clock();
        let output = self.network.output().0;
        let mut neurons = self.start();
        let mut tape = Tape {
            populations: vec![Spikes::default(); neurons.len()],
        };
        self.emit(train, &mut tape.populations[self.network.input().0]);
        let mut readout = Readout::default();
        let mut peaks: Vec<(Peak<f64>, PeakAt)> = neurons[output]
            .iter()
            .map(|n| {
                (
                    Peak {
                        voltage: n.v,
                        time_ms: 0.0,
                    },
                    PeakAt::default(),
                )
            })
            .collect();
        let mut began = Vec::new();
        for k in 0..clock.steps() {
            let before: Vec<f64> = neurons[output].iter().map(|n| n.i).collect();
            self.deliver(params, &tape, k, &mut neurons);
            for (j, neuron) in neurons[output].iter().enumerate() {
                readout.voltage.push(neuron.v);
                if neuron.v > peaks[j].0.voltage {
                    let peak = Peak {
                        voltage: neuron.v,
                        time_ms: clock.start_ms(k),
                    };
                    peaks[j] = (
                        peak,
                        PeakAt {
                            step: k,
                            drive_before: before[j] - neuron.v,
                        },
                    );
                }
            }
            let state = |population: &Vec<Neuron>| population.iter().map(|n| (n.v, n.i)).collect();
            began.push(neurons.iter().map(state).collect());
            self.advance(k, &mut neurons, &mut tape);
        }
        readout.voltage.extend(neurons[output].iter().map(|n| n.v));
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
            began,
        }
    }

    fn emit(&self, train: &SpikeTrain, spikes: &mut Spikes<u32, f64>) {
        let clock = self.network.clock();
        let mut events: Vec<(u32, u32)> = train
            .iter()
            .map(|(time_ms, neuron)| (clock.step_of(time_ms), neuron))
            .filter(|(step, _)| *step < clock.steps())
            .map(|(step, neuron)| (step as u32, neuron))
            .collect();
        events.sort_unstable();
        events.dedup();
        (spikes.when, spikes.neuron) = events.into_iter().unzip();
    }

    /// `[F5]`
    fn deliver(
        &self,
        params: &Params<f64>,
        tape: &Tape<u32, f64>,
        k: usize,
        neurons: &mut [Vec<Neuron>],
    ) {
        for (id, projection) in self.network.projections().iter().enumerate() {
            for (_, source) in self.arriving(projection, tape, k) {
                for (target, neuron) in neurons[projection.target.0].iter_mut().enumerate() {
                    neuron.i += self.weight(params, id, source, target);
                }
            }
        }
    }

    /// `[F1]` to `[F4]`, `[F10]` and `[F11]`
    fn advance(&self, k: usize, neurons: &mut [Vec<Neuron>], tape: &mut Tape<u32, f64>) {
        for (index, population) in self.network.populations().iter().enumerate() {
            for (n, neuron) in neurons[index].iter_mut().enumerate() {
                let i_k = neuron.i;
                neuron.v = neuron.flow.decay_mem * neuron.v + neuron.flow.current_to_voltage * i_k;
                neuron.i = neuron.flow.decay_syn * i_k;
                let Model::Lif(lif) = &population.model else {
                    continue;
                };
                let spikes = &mut tape.populations[index];
                if let Some(adaptation) = &lif.adaptation {
                    neuron.b *= self.decay_b(adaptation, n);
                }
                if neuron.v >= lif.v_thresh.of(n) + neuron.b {
                    spikes.when.push(k as u32);
                    spikes.neuron.push(n as u32);
                    if let Some(adaptation) = &lif.adaptation {
                        let mem_per_b = lif.tau_mem.of(n) / adaptation.tau_b.of(n);
                        let drive = alif::drive(i_k, neuron.v, neuron.b, mem_per_b);
                        spikes.drive.push(drive);
                        spikes.adaptation.push(neuron.b);
                        neuron.b += adaptation.b_incr.of(n);
                    } else {
                        spikes.drive.push(i_k - neuron.v);
                    }
                    neuron.v = lif.v_reset.of(n);
                }
            }
        }
    }

    /// How much of B is left after a step.
    fn decay_b(&self, adaptation: &Adaptation, neuron: usize) -> f64 {
        (-self.network.clock().dt_ms() / adaptation.tau_b.of(neuron)).exp()
    }

    fn finish_readout(&self, tape: &Tape<u32, f64>, observe: Observe, readout: &mut Readout<f64>) {
        let clock = self.network.clock();
        readout.nodes = Arc::new(Nodes {
            times_ms: (0..clock.steps()).map(|k| clock.start_ms(k)).collect(),
            widths_ms: vec![clock.dt_ms(); clock.steps()],
            grid: true,
        });
        let start = |step: &u32| clock.start_ms(*step as usize);
        if observe == Observe::Voltage {
            let input = &tape.populations[self.network.input().0];
            readout.input_ms = input.when.iter().map(start).collect();
        }
        if observe == Observe::FirstSpikes {
            let spikes = &tape.populations[self.network.output().0];
            readout.first_spikes_ms = (0..self.network.output_size())
                .map(|j| {
                    let first = spikes.neuron.iter().position(|&n| n as usize == j);
                    first.map_or(f64::INFINITY, |s| start(&spikes.when[s]))
                })
                .collect();
        }
    }

    fn adjoint_sample(
        &self,
        params: &Params<f64>,
        sample: &Sample<'_>,
        gradient: &mut Params<f64>,
    ) -> Result<(), SolveError> {
        let mut neurons = self.start();
        let mut backflow: Vec<Vec<f64>> = sample
            .tape
            .populations
            .iter()
            .map(|spikes| vec![0.0; spikes.len()])
            .collect();
        for k in (0..self.network.clock().steps()).rev() {
            self.arrive(params, sample, k + 1, &neurons, &mut backflow, gradient);
            self.constants(sample, k, &neurons, gradient);
            self.integrate(sample, k, &mut neurons);
            self.jump(sample, k, &backflow, (&mut neurons, gradient))?;
        }
        Ok(())
    }

    /// `[A4]`, `[G1]` for the arrivals at the start of step `arrival`, and `[A6]`.
    fn arrive(
        &self,
        params: &Params<f64>,
        sample: &Sample<'_>,
        arrival: usize,
        neurons: &[Vec<Neuron>],
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
            for (spike, source) in self.arriving(projection, sample.tape, arrival) {
                for (j, target) in targets.iter().enumerate() {
                    let w = self.weight(params, id, source, j);
                    backflow[projection.source.0][spike] +=
                        lif::backflow(w, target.lambda_v, target.lambda_i);
                    gradient.weights_mut(ProjectionId(id))[source * targets.len() + j] -=
                        tau_syn.of(j) * target.lambda_i;
                }
            }
        }
        for (j, seed) in sample.seed.peaks.iter().enumerate() {
            if sample.peaks_at[j].step == arrival {
                self.correct_kink(params, sample, j, *seed, backflow);
            }
        }
    }

    /// `[G2]`, `[G3]` over step k.
    fn constants(
        &self,
        sample: &Sample<'_>,
        k: usize,
        neurons: &[Vec<Neuron>],
        gradient: &mut Params<f64>,
    ) {
        let dt = self.network.clock().dt_ms();
        for (index, population) in self.network.populations().iter().enumerate() {
            let Some((tau_mem, tau_syn)) = population.time_constants() else {
                continue;
            };
            for (n, neuron) in neurons[index].iter().enumerate() {
                let taus = (tau_mem.of(n), tau_syn.of(n));
                let lambdas = (neuron.lambda_v, neuron.lambda_i);
                let began = sample.began[k][index][n];
                let (mem, syn) =
                    Sensitivity::over(dt, taus.0, taus.1).gradient(began, lambdas, taus);
                add_constant(gradient, (index, n), NeuronConstant::TauMem, mem);
                add_constant(gradient, (index, n), NeuronConstant::TauSyn, syn);
            }
        }
    }

    /// `[A6]` Walks through the arrivals at a peak in their order. From the one that turns the slope
    /// from up to down on, R must not contain the jump of the peak; that one moves the peak.
    fn correct_kink(
        &self,
        params: &Params<f64>,
        sample: &Sample<'_>,
        j: usize,
        seed: f64,
        backflow: &mut [Vec<f64>],
    ) {
        let output = self.network.output();
        let (tau_mem, _) = self
            .network
            .population(output)
            .time_constants()
            .expect("the output is not the input");
        let at = sample.peaks_at[j];
        let mut arrivals = Vec::new();
        for (id, projection) in self.network.incoming(output) {
            for (spike, source) in self.arriving(projection, sample.tape, at.step) {
                let w = self.weight(params, id.0, source, j);
                arrivals.push((projection.source, spike, w));
            }
        }
        let total: f64 = arrivals.iter().map(|a| a.2).sum();
        if at.step == 0 || at.drive_before <= 0.0 || at.drive_before + total > 0.0 {
            return;
        }
        let mut drive = at.drive_before;
        let mut carrier = None;
        for (index, arrival) in arrivals.iter().enumerate() {
            if drive > 0.0 && drive + arrival.2 <= 0.0 {
                carrier = Some((index, drive));
            }
            drive += arrival.2;
        }
        let Some((carrier, carrier_drive)) = carrier else {
            return;
        };
        for (index, (source, spike, w)) in arrivals.into_iter().enumerate().skip(carrier) {
            if source == self.network.input() {
                continue;
            }
            let moved = if index == carrier { carrier_drive } else { 0.0 };
            backflow[source.0][spike] -= seed * (w + moved) / tau_mem.of(j);
        }
    }

    /// `[A1]`, `[A2]`, `[A7]` over step k, with the driving term of the loss in the output population.
    fn integrate(&self, sample: &Sample<'_>, k: usize, neurons: &mut [Vec<Neuron>]) {
        let output = self.network.output().0;
        let size = self.network.output_size();
        for (index, population) in neurons.iter_mut().enumerate() {
            for (n, neuron) in population.iter_mut().enumerate() {
                let a = if index == output && !sample.seed.voltage.is_empty() {
                    sample.seed.voltage[k * size + n]
                } else {
                    0.0
                };
                let flow = neuron.flow;
                neuron.lambda_i = a
                    + (neuron.lambda_i - a) * flow.decay_syn
                    + (neuron.lambda_v - a) * flow.adjoint_coupling;
                neuron.lambda_v = a + (neuron.lambda_v - a) * flow.decay_mem;
                if let Some(adaptation) = self.network.populations()[index].adaptation() {
                    neuron.lambda_b *= self.decay_b(adaptation, n);
                }
            }
        }
    }

    /// `[A3]`, `[A5]` and the regularisers' jumps of step k.
    fn jump(
        &self,
        sample: &Sample<'_>,
        k: usize,
        backflow: &[Vec<f64>],
        (neurons, gradient): (&mut [Vec<Neuron>], &mut Params<f64>),
    ) -> Result<(), SolveError> {
        self.jump_output(sample, k, neurons);
        for (index, population) in self.network.populations().iter().enumerate() {
            let Model::Lif(lif) = &population.model else {
                continue;
            };
            let spikes = &sample.tape.populations[index];
            for spike in (0..spikes.len()).filter(|&s| spikes.when[s] as usize == k) {
                let n = spikes.neuron[spike] as usize;
                let drive = self.drive(sample, lif, (index, spike))?;
                let flow = backflow[index][spike] + self.first_spike(sample, k, (index, n));
                let neuron = &mut neurons[index][n];
                if let Some(adaptation) = &lif.adaptation {
                    let at = (index, spike, n);
                    self.jump_adapting(
                        sample,
                        (lif, adaptation),
                        at,
                        (flow, drive),
                        (neuron, gradient),
                    );
                } else {
                    let height = lif.v_thresh.of(n) - lif.v_reset.of(n);
                    neuron.lambda_v = lif::adjoint_jump(neuron.lambda_v, height, flow, drive);
                }
                let jumps = sample.spike_jumps.get(index).map_or(&[][..], Vec::as_slice);
                neuron.lambda_v += jumps
                    .get(sample.index * population.size + n)
                    .copied()
                    .unwrap_or(0.0);
            }
        }
        Ok(())
    }

    /// `[A5]` and the push on silent outputs.
    fn jump_output(&self, sample: &Sample<'_>, k: usize, neurons: &mut [Vec<Neuron>]) {
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
                neuron.lambda_v = li::adjoint_peak(neuron.lambda_v, *seed, tau_mem.of(j));
            }
            if k == self.network.clock().steps().saturating_sub(2) {
                neuron.lambda_v += sample.seed.silent.get(j).copied().unwrap_or(0.0);
            }
        }
    }

    /// ∂L/∂t of a spike of step k, if it is the first of an output neuron.
    fn first_spike(&self, sample: &Sample<'_>, k: usize, (index, n): (usize, usize)) -> f64 {
        let first = sample.readout.first_spikes_ms.get(n).copied();
        if index == self.network.output().0 && first == Some(self.network.clock().start_ms(k)) {
            sample.seed.first_spikes.get(n).copied().unwrap_or(0.0)
        } else {
            0.0
        }
    }

    /// The drive of a spike, as the grazing policy wants it.
    fn drive(
        &self,
        sample: &Sample<'_>,
        lif: &Lif,
        (index, spike): (usize, usize),
    ) -> Result<f64, SolveError> {
        let spikes = &sample.tape.populations[index];
        let (n, drive) = (spikes.neuron[spike] as usize, spikes.drive[spike]);
        match sample.grazing {
            Grazing::Limit(least) => Ok(drive.max(least)),
            Grazing::Error if drive < GRAZING_SHARE * lif.v_thresh.of(n) => {
                Err(SolveError::Grazing {
                    population: self.network.populations()[index].name.clone(),
                    neuron: n,
                    time_ms: self.network.clock().start_ms(spikes.when[spike] as usize),
                    sample: sample.index,
                    drive,
                })
            }
            Grazing::Keep | Grazing::Error => Ok(drive),
        }
    }

    /// `[A8]`, and `[G4]`, `[G5]` at one spike.
    fn jump_adapting(
        &self,
        sample: &Sample<'_>,
        (lif, adaptation): (&Lif, &Adaptation),
        (index, spike, n): (usize, usize, usize),
        (flow, drive): (f64, f64),
        (neuron, gradient): (&mut Neuron, &mut Params<f64>),
    ) {
        let spikes = &sample.tape.populations[index];
        let (tau_b, b) = (adaptation.tau_b.of(n), spikes.adaptation[spike]);
        let threshold = alif::Threshold {
            theta_above_reset: lif.v_thresh.of(n) - lif.v_reset.of(n),
            mem_per_b: lif.tau_mem.of(n) / tau_b,
            b_incr: adaptation.b_incr.of(n),
        };
        let plus = alif::Lambdas {
            v: neuron.lambda_v,
            b: neuron.lambda_b,
        };
        let minus = alif::adjoint_jump(plus, threshold, b, (flow, drive));
        (neuron.lambda_v, neuron.lambda_b) = (minus.v, minus.b);
        // [G4]
        add_constant(gradient, (index, n), NeuronConstant::BIncr, -tau_b * plus.b);
        // [G5] over the time since the spike before, or since the start of the trial
        let earlier = (0..spike).rev().find(|&s| spikes.neuron[s] as usize == n);
        let since = earlier.map_or(-1.0, |s| f64::from(spikes.when[s]));
        let time = self.network.clock().dt_ms() * (f64::from(spikes.when[spike]) - since);
        let by_tau = -time / tau_b * minus.b * b;
        add_constant(gradient, (index, n), NeuronConstant::TauB, by_tau);
    }
}

/// Adds to the derivative with respect to a constant, if it is trained.
fn add_constant(
    gradient: &mut Params<f64>,
    (population, neuron): (usize, usize),
    which: NeuronConstant,
    value: f64,
) {
    if let Some(range) = gradient.constant_mut(PopulationId(population), which) {
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
    began: Vec<Vec<Vec<(f64, f64)>>>,
    spike_jumps: &'a [Vec<f64>],
    grazing: Grazing,
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

    fn forward(
        &mut self,
        params: &Params<f64>,
        batch: &Batch,
        trial: Trial<'_>,
        out: &mut HostTrials<u32, f64>,
    ) -> Result<(), SolveError> {
        check_batch(&self.network, batch)?;
        if trial.disturbance.is_some() {
            return Err(SolveError::Unsupported {
                solver: "reference grid",
                what: "noise or withheld spikes",
                why: "it judges undisturbed trials; use the fast grid solver",
            });
        }
        self.network.adopt(params)?;
        out.tapes.clear();
        out.readouts.clear();
        for train in batch.trains() {
            let walked = self.forward_sample(params, train, trial.observe);
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
        let gradient = sum.gradient;
        gradient.values_mut().fill(0.0);
        sum.reduce.join(f64::numbers_mut(gradient.values_mut()))?;
        self.network.adopt(params)?;
        for (index, tape) in forward.tapes.iter().enumerate() {
            let walked = self.walk_again(params, tape);
            let sample = Sample {
                index,
                tape,
                readout: &forward.readouts[index],
                seed: &drive.seeds[index],
                peaks_at: walked.peaks_at,
                began: walked.began,
                spike_jumps: drive.spike_jumps,
                grazing: drive.grazing,
            };
            self.adjoint_sample(params, &sample, gradient)?;
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
        self.forward_sample(params, &train, Observe::Peaks)
    }
}
