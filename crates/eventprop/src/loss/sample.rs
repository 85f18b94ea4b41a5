//! One sample as a loss sees it, and the outcome.

/// The loss and the prediction of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// The loss of this sample.
    pub loss: f64,
    /// The predicted class (ties: the lowest); `None` when no output spiked.
    pub prediction: Option<u32>,
}

/// The sample as every loss gets to know it beside its readout.
pub(super) struct Sample<'a> {
    pub(super) label: usize,
    pub(super) trial_ms: f64,
    pub(super) dt_ms: f64,
    pub(super) scale: &'a [f64],
    /// Weights of the starts of the steps of a grid, where they are the same for all samples.
    pub(super) grid_weights: &'a [f64],
    pub(super) per_batch: f64,
    pub(super) smoothing: f64,
}

impl Sample<'_> {
    pub(super) fn outputs(&self) -> usize {
        self.scale.len()
    }

    /// `[L12]` The probability that an output should have: δ_j, or (1 − ε) δ_j + ε/K.
    pub(super) fn target(&self, output: usize) -> f64 {
        (1.0 - self.smoothing) * self.delta(output) + self.smoothing / self.outputs() as f64
    }

    /// 1 for the labelled output, 0 for the others.
    pub(super) fn delta(&self, output: usize) -> f64 {
        if output == self.label { 1.0 } else { 0.0 }
    }
}

/// The index of the largest value, the first one on ties.
pub(super) fn argmax(values: &[f64]) -> u32 {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best as u32
}
