//! Losses: a readout and a label in, a value, a prediction and a [`Seed`] out.
//!
//! One file per family. A loss does not know which solver ran. Values are per sample; the loss that
//! is trained is their mean over the batch, so every seed carries a factor 1/N. Your own losses come in by
//! [`function`].

mod avg_xentropy;
mod error;
mod first_spike;
pub mod function;
mod max;
mod sample;
mod softmax;
mod sum;

pub use error::LossError;
pub use first_spike::{FirstSpike, Penalty};
pub use function::{Labelled, LossFunction};
pub use sample::Outcome;
use sample::Sample;
pub use sum::Weighting;

use crate::network::{Network, NeuronConstant};
use crate::readout::{Observe, Readout, Seed};
use crate::real::Real;

/// The losses of the field's reference code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// `first_spike`, `first_spike_exp`: cross-entropy of the times of the first output spikes.
    FirstSpike(FirstSpike),
    /// `max`: cross-entropy of the maxima of the output voltages.
    Max,
    /// `sum`, `sum_weigh_*`: cross-entropy of the weighted time averages of the output voltages.
    Sum(Weighting),
    /// `avg_xentropy`: time average of the cross-entropy of the output voltages.
    AvgXentropy,
}

/// Scale of the part of the gradient that comes from the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LossScale {
    /// The gradient of the stated loss.
    #[default]
    Exact,
    /// The reference code's: multiplied by 1/τ_mem of each output for `sum*` and `avg_xentropy`, by
    /// 1/T for `max`. Published regulariser strengths and `ADAM_EPS` belong to this scale.
    Reference,
}

/// A loss prepared for a network: the per-output factors of its seeds.
#[derive(Debug, Clone)]
pub struct Evaluator {
    loss: Loss,
    trial_ms: f64,
    dt_ms: f64,
    /// Factor per output of all voltage seeds (1, or the reference's).
    scale: Vec<f64>,
    /// Weights of the starts of the steps of a grid, where they are the same for all samples.
    grid_weights: Vec<f64>,
    smoothing: f64,
}

impl Loss {
    /// The observation that the solver must make.
    pub fn observes(&self) -> Observe {
        match self {
            Self::FirstSpike(_) => Observe::FirstSpikes,
            Self::Max => Observe::Peaks,
            Self::Sum(_) | Self::AvgXentropy => Observe::Voltage,
        }
    }

    /// The loss without the push on silent outputs, which is not part of a gradient: what a gradient
    /// is checked with.
    #[must_use]
    pub fn without_push(self) -> Self {
        match self {
            Self::FirstSpike(first) => Self::FirstSpike(FirstSpike {
                push_silent: false,
                ..first
            }),
            other => other,
        }
    }

    /// The reference's name of the loss.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FirstSpike(first_spike) => first_spike.name(),
            Self::Max => "max",
            Self::Sum(weighting) => weighting.name(),
            Self::AvgXentropy => "avg_xentropy",
        }
    }

    /// Checks the loss against a network and prepares it.
    ///
    /// # Errors
    /// When the output neurons cannot show what the loss needs, or a constant is out of range.
    pub fn prepare(&self, network: &Network, scale: LossScale) -> Result<Evaluator, LossError> {
        let population = network.population(network.output());
        let wants_spikes = self.observes() == Observe::FirstSpikes;
        if population.readable_voltage() == wants_spikes {
            let (needed, why) = if wants_spikes {
                ("LIF", "leaky integrators never spike")
            } else {
                ("LI", "a reset would cut the voltage that the loss reads")
            };
            return Err(LossError::Output {
                loss: self.name(),
                needed,
                population: population.name.clone(),
                why,
            });
        }
        match self {
            Self::FirstSpike(first_spike) => first_spike.validate()?,
            Self::Sum(weighting) => weighting.validate()?,
            Self::Max | Self::AvgXentropy => {}
        }
        let clock = network.clock();
        Ok(Evaluator {
            loss: *self,
            trial_ms: clock.trial_ms(),
            dt_ms: clock.dt_ms(),
            scale: self.output_scale(network, scale),
            grid_weights: match self {
                Self::Sum(weighting) => weighting.on_grid(clock),
                _ => Vec::new(),
            },
            smoothing: 0.0,
        })
    }

    fn output_scale(&self, network: &Network, scale: LossScale) -> Vec<f64> {
        let population = network.population(network.output());
        // Only the scale of `genn_eventprop` asks for it; neurons from equations without one have that of 1 ms.
        let tau_mem = population.constant(NeuronConstant::TauMem);
        let tau_mem = |output: usize| tau_mem.map_or(1.0, |tau_mem| tau_mem.of(output));
        let factor = |output: usize| match (scale, self) {
            (LossScale::Exact, _) | (_, Self::FirstSpike(_)) => 1.0,
            (LossScale::Reference, Self::Max) => 1.0 / network.clock().trial_ms(),
            (LossScale::Reference, Self::Sum(_) | Self::AvgXentropy) => 1.0 / tau_mem(output),
        };
        (0..population.size).map(factor).collect()
    }
}

impl Evaluator {
    /// The same with the part `smoothing` of the label shared out among all classes (`[L12]`, Szegedy et al. 2016).
    ///
    /// # Errors
    /// When it is not at least 0 and below 1.
    pub fn smoothed(self, smoothing: f64) -> Result<Self, LossError> {
        if !(0.0..1.0).contains(&smoothing) {
            return Err(LossError::Constant {
                loss: self.loss.name(),
                constant: "label_smoothing",
                value: smoothing,
                expected: "at least 0 and below 1",
            });
        }
        Ok(Self { smoothing, ..self })
    }

    /// The loss.
    pub fn loss(&self) -> &Loss {
        &self.loss
    }

    /// Value and prediction of one sample, and its seed for a batch of `batch` samples.
    ///
    /// # Panics
    /// When `label` is not an output; the solver has checked it.
    pub fn evaluate<F: Real>(
        &self,
        readout: &Readout<F>,
        label: u32,
        batch: usize,
        seed: &mut Seed<F>,
    ) -> Outcome {
        seed.clear();
        let context = Sample {
            label: label as usize,
            trial_ms: self.trial_ms,
            dt_ms: self.dt_ms,
            scale: &self.scale,
            grid_weights: &self.grid_weights,
            per_batch: 1.0 / batch as f64,
            smoothing: self.smoothing,
        };
        match &self.loss {
            Loss::FirstSpike(first_spike) => first_spike.evaluate(readout, &context, seed),
            Loss::Max => max::evaluate(readout, &context, seed),
            Loss::Sum(weighting) => weighting.evaluate(readout, &context, seed),
            Loss::AvgXentropy => avg_xentropy::evaluate(readout, &context, seed),
        }
    }
}
