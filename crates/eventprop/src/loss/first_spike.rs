//! `first_spike` and `first_spike_exp`: cross-entropy of the times of the first output spikes, with a
//! penalty on a late spike of the labelled output (Göltz et al. 2021; Wunderlich & Pehle 2021).
//!
//! `[L8]` p_j = softmax(−t_j/τ_0),   L = −log p_label + P(t_label)
//! `[L9]` ∂L/∂t_j = (δ_j − p_j)/τ_0 + δ_j P'(t_j)
//!
//! with P(t) = α/(1.01 T − t) (`first_spike`) or α (e^{t/τ_1} − 1) (`first_spike_exp`). An output
//! without a spike counts as t = T + 1 ms in the softmax and as t = T in the penalty.
//!
//! A silent labelled output has no spike through which a gradient could reach it. Like the reference,
//! the loss then pushes its λ_V by P'(T)/N at the end of the trial ([`FirstSpike::push_silent`]); this
//! is a remedy, not a part of the gradient.

use super::LossError;
use super::sample::{Outcome, Sample};
use super::softmax::cross_entropy;
use crate::readout::{Readout, Seed};
use crate::real::Real;

/// The penalty P on a late spike of the labelled output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Penalty {
    /// `first_spike`: P(t) = α / (1.01 T − t).
    Inverse,
    /// `first_spike_exp`: P(t) = α (e^{t/τ_1} − 1).
    Exp {
        /// Time constant τ_1 in ms (`TAU_1`).
        tau_1: f64,
    },
}

/// Cross-entropy of first spike times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FirstSpike {
    /// Softmax temperature τ_0 in ms (`TAU_0`).
    pub tau_0: f64,
    /// Weight α of the penalty (`ALPHA`).
    pub alpha: f64,
    /// Its form.
    pub penalty: Penalty,
    /// Pushes a silent labelled output.
    pub push_silent: bool,
}

/// A silent output counts as a spike this long after the end of the trial, in ms.
const SILENT_AFTER_MS: f64 = 1.0;

impl FirstSpike {
    pub(super) fn name(&self) -> &'static str {
        match self.penalty {
            Penalty::Inverse => "first_spike",
            Penalty::Exp { .. } => "first_spike_exp",
        }
    }

    pub(super) fn validate(&self) -> Result<(), LossError> {
        let wrong = |constant, value, expected| LossError::Constant {
            loss: self.name(),
            constant,
            value,
            expected,
        };
        let positive = |x: f64| x.is_finite() && x > 0.0;
        if !positive(self.tau_0) {
            return Err(wrong("TAU_0", self.tau_0, "positive (ms)"));
        }
        if !self.alpha.is_finite() || self.alpha < 0.0 {
            return Err(wrong("ALPHA", self.alpha, "0 or more"));
        }
        match self.penalty {
            Penalty::Exp { tau_1 } if !positive(tau_1) => {
                Err(wrong("TAU_1", tau_1, "positive (ms)"))
            }
            Penalty::Exp { .. } | Penalty::Inverse => Ok(()),
        }
    }

    /// P(t) and its derivative.
    fn penalty(&self, t: f64, trial_ms: f64) -> (f64, f64) {
        match self.penalty {
            Penalty::Inverse => {
                let room = 1.01 * trial_ms - t;
                (self.alpha / room, self.alpha / (room * room))
            }
            Penalty::Exp { tau_1 } => (
                self.alpha * (t / tau_1).exp_m1(),
                self.alpha / tau_1 * (t / tau_1).exp(),
            ),
        }
    }

    pub(super) fn evaluate<F: Real>(
        &self,
        readout: &Readout<F>,
        sample: &Sample<'_>,
        seed: &mut Seed<F>,
    ) -> Outcome {
        let trial_ms = sample.trial_ms;
        let times = &readout.first_spikes_ms;
        let silent_at = trial_ms + SILENT_AFTER_MS;
        // [L8] softmax of −t_j/τ_0
        let mut p: Vec<f64> = times
            .iter()
            .map(|t| -t.min(silent_at) / self.tau_0)
            .collect();
        let entropy = cross_entropy(&mut p, sample.label, sample.smoothing);
        let label_time = times[sample.label].min(trial_ms);
        let (penalty, penalty_slope) = self.penalty(label_time, trial_ms);
        // [L9] ∂L/∂t_j = (δ_j − p_j)/τ_0 + δ_j P'(t_j)
        seed.first_spikes.extend((0..times.len()).map(|j| {
            let delta = sample.delta(j);
            let dl_dt = (sample.target(j) - p[j]) / self.tau_0 + delta * penalty_slope;
            F::from_f64(dl_dt * sample.per_batch)
        }));
        if self.push_silent && times[sample.label].is_infinite() {
            let push = F::from_f64(penalty_slope * sample.per_batch);
            seed.silent.resize(times.len(), F::ZERO);
            seed.silent[sample.label] = push;
        }
        Outcome {
            loss: entropy + penalty,
            prediction: earliest(times),
        }
    }
}

/// The output that spiked first (ties: the lowest index); `None` when none did.
fn earliest(times: &[f64]) -> Option<u32> {
    let mut best: Option<usize> = None;
    for (index, time) in times.iter().enumerate() {
        if time.is_finite() && best.is_none_or(|b| *time < times[b]) {
            best = Some(index);
        }
    }
    best.map(|index| index as u32)
}
