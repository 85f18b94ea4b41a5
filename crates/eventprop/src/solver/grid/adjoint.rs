//! One sample backwards, step by step.
//!
//! λ`[k]` is the adjoint at the start of step k. For k = N − 1, …, 0:
//! 1. spikes whose arrival was at the start of step k + 1 read w (λ_V − λ_I) of their targets
//!    into their own R (`[A4]`); the weight gradient reads λ_I at the same place later (gradient.rs),
//! 2. λ is integrated over the step (`[A1]`, `[A2]`) under the driving term of the loss,
//! 3. peaks (`[A5]`) and spikes (`[A3]`) of step k make λ_V jump.
//!
//! λ_I is written to a trace for every step, because the gradient needs it at the arrivals; the trace
//! covers a window of steps, and at the end of each window the gradient takes what it needs. Where time constants
//! are trained, λ of step k + 1 meets V and I of step k (`[G2]`, `[G3]`); λ_B, which changes at spikes only,
//! is kept per neuron from spike to spike (`[A7]`).

use std::ops::Range;

use super::gradient::{self, ByNeuron, Onto};
use super::plan::{Adapting, Layer, Plan, Sensitivities, Steps};
use super::rows;
use super::state::{ByConstant, Lowered, State};
use super::trace::{self, Shape};
use crate::aligned::Aligned;
use crate::dispatch::Kernel;
use crate::neuron::{alif, li, lif};
use crate::readout::{Readout, Seed};
use crate::real::Real;
use crate::solver::probe::Variable;
use crate::solver::{GRAZING_SHARE, Grazing, SolveError};
use crate::tape::{Spikes, Tape};

/// Everything that the adjoint pass over one sample needs.
pub(super) struct AdjointSample<'a, F> {
    pub plan: &'a Plan<F>,
    /// Weights per link, `[source, stride of the target]`.
    pub weights: &'a [&'a [F]],
    pub tape: &'a Tape<u32, F>,
    pub readout: &'a Readout<F>,
    pub seed: &'a Seed<F>,
    /// What is added to λ_V after each spike, per population `[neuron]`; empty where nothing is.
    pub spike_jumps: Vec<&'a [F]>,
    pub grazing: Grazing,
    pub state: &'a mut State<F>,
    /// λ_I of the steps of a window.
    pub trace: &'a mut [F],
    pub shape: Shape,
    /// Where the weight gradient goes, window by window; none when somebody else gathers it from the
    /// trace, which then covers the whole trial.
    pub sink: Option<Sink<'a, F>>,
}

/// A weight gradient that one sample adds to.
pub(super) struct Sink<'a, F> {
    pub group: &'a mut ByNeuron,
    pub gradient: &'a mut [F],
    pub onto: Onto,
}

impl<F: Real> Kernel for AdjointSample<'_, F> {
    type Output = Result<(), Graze>;

    #[inline(always)]
    fn run(mut self) -> Result<(), Graze> {
        self.start();
        let mut end = self.plan.clock.steps();
        while end > 0 {
            let start = end.saturating_sub(self.shape.rows);
            for k in (start..end).rev() {
                self.collect_backflow(k + 1);
                self.constants(k);
                self.integrate(k, k - start);
                self.peaks(k);
                self.silent(k);
                self.spikes(k)?;
                self.record(k);
            }
            if let Some(sink) = &mut self.sink {
                gradient::gather_window(
                    self.plan,
                    (self.trace, self.shape),
                    (self.tape, start..end),
                    sink.group,
                    (sink.onto, sink.gradient),
                );
                sink.onto = Onto::Gradient;
            }
            end = start;
        }
        self.finish_thresholds();
        Ok(())
    }
}

/// A grazing spike where grazing is an error.
pub(super) struct Graze {
    pub population: usize,
    pub spike: usize,
}

impl Graze {
    pub fn error<F: Real>(
        &self,
        plan: &Plan<F>,
        tape: &Tape<u32, F>,
        sample: usize,
        names: impl Fn(usize) -> String,
    ) -> SolveError {
        let spikes = &tape.populations[self.population];
        SolveError::Grazing {
            population: names(self.population),
            neuron: spikes.neuron[self.spike] as usize,
            time_ms: plan.clock.start_ms(spikes.when[self.spike] as usize),
            sample,
            drive: spikes.drive[self.spike].to_f64(),
        }
    }
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
            next,
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
            let backflow = &mut backflow[population];
            backflow.clear();
            backflow.resize(self.tape.populations[population].len(), F::ZERO);
        }
        // The links' places in the tape, now counted from its end.
        next.clear();
        next.extend(
            self.plan
                .links
                .iter()
                .map(|l| self.tape.populations[l.source].len()),
        );
        self.state.jump_next.clear();
        let ends = self.tape.populations.iter().map(Spikes::len);
        self.state.jump_next.extend(ends);
    }

    /// `[A4]` R of the spikes that arrive at the start of step `arrival`.
    #[inline(always)]
    fn collect_backflow(&mut self, arrival: usize) {
        if arrival == self.plan.clock.steps() {
            // Nothing acts at the end of the trial; skip the spikes that would arrive there or later.
            for (index, link) in self.plan.links.iter().enumerate() {
                let when = &self.tape.populations[link.source].when;
                self.state.next[index] =
                    when.partition_point(|&step| (step as usize + link.delay) < arrival);
            }
            return;
        }
        for (index, link) in self.plan.links.iter().enumerate() {
            if link.source == self.plan.input {
                continue;
            }
            let spikes = &self.tape.populations[link.source];
            let stride = self.plan.layers[link.target].stride;
            let weights = self.weights[index];
            let arrives = |place: usize| spikes.when[place] as usize + link.delay == arrival;
            let mut next = self.state.next[index];
            if next > 0 && arrives(next - 1) {
                let lambda_i = &self.state.lambda_i[link.target];
                let difference = &mut self.state.difference[link.target][..];
                rows::subtract(&self.state.lambda_v[link.target], lambda_i, difference);
                while next > 0 && arrives(next - 1) {
                    next -= 1;
                    let row = spikes.neuron[next] as usize * stride;
                    self.state.backflow[link.source][next] +=
                        rows::dot(&weights[row..row + stride], difference);
                }
                self.state.next[index] = next;
            }
        }
        if !self.seed.peaks.is_empty() {
            self.correct_kinks(arrival);
        }
    }

    /// `[A6]` Where a peak is a kink made by an arrival, the spikes that arrive with or after the
    /// carrier must not see the peak's jump, and the carrier moves the peak itself: ∂L/∂t gets
    /// ∂L/∂V_max · V'⁻.
    #[inline(always)]
    fn correct_kinks(&mut self, arrival: usize) {
        let output = self.plan.output;
        let layer = &self.plan.layers[output];
        for j in 0..layer.size {
            let kink = self.state.kinks[j];
            let Some(carrier) = kink.carrier.filter(|_| kink.step == arrival) else {
                continue;
            };
            let seed = self.seed.peaks[j];
            for (index, link) in self
                .plan
                .links_into(output)
                .filter(|(i, _)| *i >= carrier.0)
            {
                if link.source == self.plan.input {
                    continue;
                }
                let spikes = &self.tape.populations[link.source];
                let weights = self.weights[index];
                let mut spike = self.state.next[index];
                while spike < spikes.len() && spikes.when[spike] as usize + link.delay == arrival {
                    if (index, spike) >= carrier {
                        let w = weights[spikes.neuron[spike] as usize * layer.stride + j];
                        self.state.backflow[link.source][spike] -= w * seed / layer.tau_mem[j];
                    }
                    if (index, spike) == carrier {
                        self.state.backflow[link.source][spike] -=
                            seed * kink.carrier_drive / layer.tau_mem[j];
                    }
                    spike += 1;
                }
            }
        }
    }

    /// `[G2]` and `[G3]` over step k.
    #[inline(always)]
    fn constants(&mut self, k: usize) {
        for (population, layer) in self.plan.layers.iter().enumerate() {
            if let Some(sensitivities) = &layer.sensitivities {
                let row = k * layer.stride..(k + 1) * layer.stride;
                let (v, i) = &self.state.began[population];
                add_constants(
                    sensitivities,
                    (&v[row.clone()], &i[row]),
                    (
                        &self.state.lambda_v[population],
                        &self.state.lambda_i[population],
                    ),
                    &mut self.state.by_constant[population],
                );
            }
        }
    }

    /// `[G5]` from the first spike of every neuron back to the start of the trial.
    #[inline(always)]
    fn finish_thresholds(&mut self) {
        let dt = self.plan.clock.dt_ms();
        for (population, layer) in self.plan.layers.iter().enumerate() {
            if let Some(adapting) = &layer.adapting {
                for (n, lowered) in self.state.lowered[population].iter().enumerate() {
                    // A spike of step k ends the first k + 1 steps of relaxing.
                    let time = F::from_f64(dt * (f64::from(lowered.step) + 1.0));
                    self.state.by_constant[population].tau_b[n] +=
                        by_tau_b(*lowered, time, adapting.tau_b[n]);
                }
            }
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
            for block in trace::blocks(layer.stride) {
                let columns = block.column..block.column + block.width;
                let lambda_v = &mut lambda_v[columns.clone()];
                let lambda_i = &mut lambda_i[columns.clone()];
                let trace = &mut self.trace[self.shape.row(before, block, row)];
                let states = (lambda_v, lambda_i, trace);
                match layer.uniform {
                    Some(step) if driven => integrate_driven(step, &a[within(a, columns)], states),
                    None if driven => {
                        let steps = &layer.steps[columns.clone()];
                        integrate_driven(steps, &a[within(a, columns)], states);
                    }
                    Some(step) => integrate_free(step, states),
                    None => integrate_free(&layer.steps[columns], states),
                }
            }
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

    /// `[A3]` Spikes of step k.
    #[inline(always)]
    fn spikes(&mut self, k: usize) -> Result<(), Graze> {
        for (population, layer) in self.plan.layers.iter().enumerate() {
            if layer.spiking {
                self.jump(population, layer, k)?;
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn jump(&mut self, population: usize, layer: &Layer<F>, k: usize) -> Result<(), Graze> {
        let spikes = &self.tape.populations[population];
        let lambda_v = &mut self.state.lambda_v[population];
        let next = &mut self.state.jump_next[population];
        let extra = self.spike_jumps.get(population).copied().unwrap_or(&[]);
        while *next > 0 && spikes.when[*next - 1] as usize == k {
            *next -= 1;
            let neuron = spikes.neuron[*next] as usize;
            let mut backflow = self.state.backflow[population][*next];
            if population == self.plan.output && !self.seed.first_spikes.is_empty() {
                let first = self.readout.first_spikes_ms[neuron];
                if first == self.plan.clock.start_ms(k) {
                    backflow += self.seed.first_spikes[neuron];
                }
            }
            let drive = spikes.drive[*next];
            let limited = match self.grazing {
                Grazing::Keep => drive,
                Grazing::Limit(least) => {
                    if drive.to_f64() < least {
                        F::from_f64(least)
                    } else {
                        drive
                    }
                }
                Grazing::Error => {
                    let least = GRAZING_SHARE * layer.steps[neuron].v_thresh.to_f64();
                    if drive.to_f64() < least {
                        return Err(Graze {
                            population,
                            spike: *next,
                        });
                    }
                    drive
                }
            };
            if let Some(adapting) = &layer.adapting {
                lambda_v[neuron] = jump_adapting(
                    adapting,
                    (neuron, k as u32, spikes.adaptation[*next]),
                    (lambda_v[neuron], backflow, limited),
                    self.plan.clock.dt_ms(),
                    &mut self.state.lowered[population][neuron],
                    &mut self.state.by_constant[population],
                );
            } else {
                let height = layer.theta_above_reset[neuron];
                lambda_v[neuron] = lif::adjoint_jump(lambda_v[neuron], height, backflow, limited);
            }
            if !extra.is_empty() {
                lambda_v[neuron] += extra[neuron];
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn record(&mut self, k: usize) {
        for (probe, record) in self.state.probes.iter().zip(&mut self.state.records) {
            let layer = &self.plan.layers[probe.population];
            if probe.variable == Variable::LambdaB {
                if let Some(adapting) = &layer.adapting {
                    let lowered = self.state.lowered[probe.population].iter();
                    let row = &mut record[k * layer.size..(k + 1) * layer.size];
                    for ((value, lowered), decay) in
                        row.iter_mut().zip(lowered).zip(&adapting.decay)
                    {
                        // [A7]
                        let steps = (lowered.step - k as u32) as i32;
                        let decay = decay.to_f64().powi(steps);
                        *value = lowered.lambda_b * F::from_f64(decay);
                    }
                }
                continue;
            }
            let source = match probe.variable {
                Variable::LambdaV => &self.state.lambda_v[probe.population][..layer.size],
                Variable::LambdaI => &self.state.lambda_i[probe.population][..layer.size],
                Variable::Voltage
                | Variable::Current
                | Variable::Adaptation
                | Variable::LambdaB => continue,
            };
            record[k * layer.size..(k + 1) * layer.size].copy_from_slice(source);
        }
    }
}

/// `[A7]`, `[A8]` λ_V just before a spike of a neuron whose threshold adapts; and `[G4]`, `[G5]`.
#[inline(always)]
fn jump_adapting<F: Real>(
    adapting: &Adapting<F>,
    (neuron, k, b): (usize, u32, F),
    (lambda_v_plus, backflow, drive): (F, F, F),
    dt: f64,
    lowered: &mut Lowered<F>,
    by_constant: &mut ByConstant<F>,
) -> F {
    let tau_b = adapting.tau_b[neuron];
    let time = dt * f64::from(lowered.step - k);
    by_constant.tau_b[neuron] += by_tau_b(*lowered, F::from_f64(time), tau_b);
    // [A7]
    let lambda_b_plus = lowered.lambda_b * F::from_f64((-time / tau_b.to_f64()).exp());
    // [G4]
    by_constant.b_incr[neuron] -= tau_b * lambda_b_plus;
    let plus = alif::Lambdas {
        v: lambda_v_plus,
        b: lambda_b_plus,
    };
    let minus = alif::adjoint_jump(plus, adapting.threshold[neuron], b, (backflow, drive));
    *lowered = Lowered {
        step: k,
        lambda_b: minus.b,
        b,
    };
    minus.v
}

/// `[G5]` over the time before a spike in which λ_B B does not change.
#[inline(always)]
fn by_tau_b<F: Real>(spike: Lowered<F>, time: F, tau_b: F) -> F {
    -(time / tau_b) * spike.lambda_b * spike.b
}

/// `[G2]`, `[G3]` from V and I at the start of a step and λ at its end.
#[inline(always)]
fn add_constants<F: Real>(
    sensitivities: &Sensitivities<F>,
    (v, i): (&[F], &[F]),
    (lambda_v, lambda_i): (&[F], &[F]),
    sums: &mut ByConstant<F>,
) {
    let len = v.len();
    let Sensitivities {
        mem_by_v,
        mem_by_i,
        syn_by_lambda_v,
        syn_by_lambda_i,
    } = sensitivities;
    let (mem, syn) = (&mut sums.tau_mem[..len], &mut sums.tau_syn[..len]);
    let (i, lambda_v, lambda_i) = (&i[..len], &lambda_v[..len], &lambda_i[..len]);
    let (mem_by_v, mem_by_i) = (&mem_by_v[..len], &mem_by_i[..len]);
    let (by_v, by_i) = (&syn_by_lambda_v[..len], &syn_by_lambda_i[..len]);
    for n in 0..len {
        mem[n] += lambda_v[n] * (v[n] * mem_by_v[n] + i[n] * mem_by_i[n]);
        syn[n] += (lambda_v[n] * by_v[n] + lambda_i[n] * by_i[n]) * i[n];
    }
}

/// `[A1]`, `[A2]` without a driving term; λ_I also goes to the trace.
#[inline(always)]
fn integrate_free<F: Real, C: Steps<F>>(
    steps: C,
    (lambda_v, lambda_i, trace): (&mut [F], &mut [F], &mut [F]),
) {
    let each = lambda_v.iter_mut().zip(lambda_i).zip(trace).enumerate();
    for (n, ((lambda_v, lambda_i), trace)) in each {
        let step = steps.at(n);
        // [A2] with the λ_V of the later end of the step
        *lambda_i = *lambda_i * step.decay_syn + *lambda_v * step.adjoint_coupling;
        *trace = *lambda_i;
        // [A1]
        *lambda_v *= step.decay_mem;
    }
}

/// The neurons of a block that have a driving term: the others fill up the row.
#[inline(always)]
fn within<F>(a: &[F], columns: Range<usize>) -> Range<usize> {
    columns.start..columns.end.min(a.len())
}

/// `[A1]`, `[A2]` with the driving term A; λ_I also goes to the trace, which is zero behind the last neuron.
///
/// PERF: a row of outputs is short, and a call to copy it costs more than to compute it.
#[inline(always)]
fn integrate_driven<F: Real, C: Steps<F>>(
    steps: C,
    a: &[F],
    (lambda_v, lambda_i, trace): (&mut [F], &mut [F], &mut [F]),
) {
    debug_assert!(trace[a.len()..].iter().all(|x| *x == F::ZERO));
    let (lambda_v, lambda_i) = (&mut lambda_v[..a.len()], &mut lambda_i[..a.len()]);
    let trace = &mut trace[..a.len()];
    for n in 0..a.len() {
        let step = steps.at(n);
        let v_above = lambda_v[n] - a[n];
        // [A2] λ_I[k] = A + (λ_I[k+1] − A) e^{−dt/τ_syn} + (λ_V[k+1] − A) (λ_V → λ_I)
        lambda_i[n] =
            a[n] + (lambda_i[n] - a[n]) * step.decay_syn + v_above * step.adjoint_coupling;
        trace[n] = lambda_i[n];
        // [A1] λ_V[k] = A + (λ_V[k+1] − A) e^{−dt/τ_mem}
        lambda_v[n] = a[n] + v_above * step.decay_mem;
    }
}
