//! `sum`, `sum_weigh_linear`, `sum_weigh_exp`, `sum_weigh_sigmoid`, `sum_weigh_input` (Nowotny, Turner &
//! Knight 2025), `sum_weigh_late`: cross-entropy of weighted time averages of the output voltages.
//!
//! `[L2]` z_j = (1/T) ∫ f(t) V_j dt,    L = −log softmax(z)_label
//! `[L3]` A_j = f(t) (δ_j − p_j) / T,   with p = softmax(z)
//!
//! The weighting f is taken at the same times in both passes.

use super::LossError;
use super::sample::{Outcome, Sample, argmax};
use super::softmax::cross_entropy;
use crate::dispatch::{Kernel, vectorized};
use crate::network::Clock;
use crate::readout::{Readout, Seed};
use crate::real::Real;

/// The weighting f(t) of a time average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weighting {
    /// `sum`: f = 1.
    Flat,
    /// `sum_weigh_linear`: f = 1 − t/T.
    Linear,
    /// `sum_weigh_exp`: f = e^{−t/T}.
    Exp,
    /// `sum_weigh_sigmoid`: f = 1 / (1 + e^{(t/T − 0.5)/0.2}).
    Sigmoid,
    /// `sum_weigh_input`: f follows the input activity, `[L4]` τ_acc f' = −f, f += `gain` at every input
    /// spike.
    Input {
        /// Time constant τ_acc of the accumulator in ms (`TAU_ACCUMULATOR`).
        tau: f64,
        /// Increment per input spike. That of `genn_eventprop` is 0.01 · dt / τ_acc.
        gain: f64,
    },
    /// `sum_weigh_late`: `[L10]` f = (T/τ_acc) e^{−(T − t)/τ_acc}, so that z is what a leaky accumulator of the
    /// voltage holds at the end of the trial. For sequences whose class is only known at the end.
    Late {
        /// Time constant τ_acc of the accumulator in ms (`TAU_ACCUMULATOR`).
        tau: f64,
    },
}

impl Weighting {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Flat => "sum",
            Self::Linear => "sum_weigh_linear",
            Self::Exp => "sum_weigh_exp",
            Self::Sigmoid => "sum_weigh_sigmoid",
            Self::Input { .. } => "sum_weigh_input",
            Self::Late { .. } => "sum_weigh_late",
        }
    }

    pub(super) fn validate(self) -> Result<(), LossError> {
        let (tau, gain) = match self {
            Self::Input { tau, gain } => (tau, gain),
            Self::Late { tau } => (tau, 1.0),
            _ => return Ok(()),
        };
        let wrong = |constant, value, expected| LossError::Constant {
            loss: self.name(),
            constant,
            value,
            expected,
        };
        if !(tau.is_finite() && tau > 0.0) {
            return Err(wrong("TAU_ACCUMULATOR", tau, "positive (ms)"));
        }
        if !gain.is_finite() {
            return Err(wrong("gain", gain, "finite"));
        }
        Ok(())
    }

    pub(super) fn evaluate<F: Real>(
        self,
        readout: &Readout<F>,
        sample: &Sample<'_>,
        seed: &mut Seed<F>,
    ) -> Outcome {
        let outputs = sample.outputs();
        let nodes = &readout.nodes;
        let own;
        let weights = if nodes.grid && sample.grid_weights.len() == nodes.times_ms.len() {
            sample.grid_weights
        } else {
            own = self.at_nodes(readout, sample);
            &own[..]
        };
        // [L2] z_j = (1/T) Σ_q ω_q f(t_q) V_j(t_q)
        let mut z = vec![0.0; outputs];
        vectorized(Average {
            voltage: &readout.voltage,
            weights,
            widths_ms: &nodes.widths_ms,
            trial_ms: sample.trial_ms,
            z: &mut z,
        });
        let prediction = Some(argmax(&z));
        let loss = cross_entropy(&mut z, sample.label, sample.smoothing);
        // [L3] A_j(t_q) = f(t_q) (δ_j − p_j) / (N T)
        let per_output: Vec<f64> = (0..outputs)
            .map(|j| {
                (sample.target(j) - z[j]) * sample.per_batch * sample.scale[j] / sample.trial_ms
            })
            .collect();
        seed.voltage.resize(weights.len() * outputs, F::ZERO);
        vectorized(Spread {
            weights,
            per_output: &per_output,
            drive: &mut seed.voltage,
        });
        Outcome { loss, prediction }
    }

    /// f at the starts of the steps of a grid; empty where it depends on the sample.
    pub(super) fn on_grid(self, clock: Clock) -> Vec<f64> {
        if matches!(self, Self::Input { .. }) {
            return Vec::new();
        }
        let times: Vec<f64> = (0..clock.steps()).map(|k| clock.start_ms(k)).collect();
        self.over_trial(&times, clock.trial_ms())
    }

    /// f where it depends on the time alone.
    fn over_trial(self, times_ms: &[f64], trial_ms: f64) -> Vec<f64> {
        let each = |w: &dyn Fn(f64) -> f64| times_ms.iter().map(|t| w(t / trial_ms)).collect();
        match self {
            Self::Flat | Self::Input { .. } => each(&|_| 1.0),
            Self::Linear => each(&|x| 1.0 - x),
            Self::Exp => each(&|x| (-x).exp()),
            Self::Sigmoid => each(&|x| 1.0 / (1.0 + ((x - 0.5) / 0.2).exp())),
            Self::Late { tau } => {
                let constants = trial_ms / tau;
                // [L10] f = (T/τ_acc) e^{−(T − t)/τ_acc}
                each(&|x| constants * (constants * (x - 1.0)).exp())
            }
        }
    }

    fn at_nodes<F: Real>(self, readout: &Readout<F>, sample: &Sample<'_>) -> Vec<f64> {
        match self {
            Self::Input { tau, gain } if readout.nodes.grid => {
                accumulate_on_grid(readout, sample.dt_ms, tau, gain)
            }
            Self::Input { tau, gain } => accumulate(readout, tau, gain),
            _ => self.over_trial(&readout.nodes.times_ms, sample.trial_ms),
        }
    }
}

/// `[L2]`.
struct Average<'a, F> {
    /// `[nodes or more, outputs]`.
    voltage: &'a [F],
    weights: &'a [f64],
    widths_ms: &'a [f64],
    trial_ms: f64,
    z: &'a mut [f64],
}

impl<F: Real> Kernel for Average<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let nodes = self.voltage.chunks_exact(self.z.len());
        for ((v, weight), width) in nodes.zip(self.weights).zip(self.widths_ms) {
            let share = weight * width / self.trial_ms;
            for (z, v) in self.z.iter_mut().zip(v) {
                *z += share * v.to_f64();
            }
        }
    }
}

/// `[L3]` f(t_q) times what every output gets.
struct Spread<'a, F> {
    weights: &'a [f64],
    per_output: &'a [f64],
    /// `[nodes, outputs]`.
    drive: &'a mut [F],
}

impl<F: Real> Kernel for Spread<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let rows = self.drive.chunks_exact_mut(self.per_output.len());
        for (row, weight) in rows.zip(self.weights) {
            for (drive, share) in row.iter_mut().zip(self.per_output) {
                *drive = F::from_f64(weight * share);
            }
        }
    }
}

/// `[L11]` the weight of step k is the accumulator after step k − 1, which has seen the input spikes of steps up to
/// k − 2.
fn accumulate_on_grid<F: Real>(readout: &Readout<F>, dt: f64, tau: f64, gain: f64) -> Vec<f64> {
    let steps = readout.nodes.times_ms.len();
    let mut spikes = vec![0.0; steps];
    for time in &readout.input_ms {
        let step = (time / dt).round() as usize;
        if step < steps {
            spikes[step] += 1.0;
        }
    }
    let mut weights = Vec::with_capacity(steps);
    let (mut accumulator, mut before) = (0.0, 0.0);
    for step in 0..steps {
        weights.push(before);
        let arriving = if step == 0 { 0.0 } else { spikes[step - 1] };
        accumulator += gain * arriving - accumulator * dt / tau;
        before = accumulator;
    }
    weights
}

/// `[L4]` between events: f(t) = gain Σ e^{−(t − t_s)/τ_acc} over the input spikes before t.
fn accumulate<F: Real>(readout: &Readout<F>, tau: f64, gain: f64) -> Vec<f64> {
    let mut spikes = readout.input_ms.iter().copied().peekable();
    let (mut weight, mut now) = (0.0, 0.0);
    readout
        .nodes
        .times_ms
        .iter()
        .map(|&time| {
            while let Some(spike) = spikes.next_if(|&spike| spike <= time) {
                weight = weight * ((now - spike) / tau).exp() + gain;
                now = spike;
            }
            weight *= ((now - time) / tau).exp();
            now = time;
            weight
        })
        .collect()
}
