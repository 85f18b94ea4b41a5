//! `max`: cross-entropy of the maxima of the output voltages (Wunderlich & Pehle 2021, section on
//! MNIST).
//!
//! `[L7]` z_j = max_t V_j(t),   L = −log softmax(z)_label,   −∂L/∂z_j = δ_j − p_j

use super::sample::{Outcome, Sample, argmax};
use super::softmax::cross_entropy;
use crate::readout::{Readout, Seed};
use crate::real::Real;

pub(super) fn evaluate<F: Real>(
    readout: &Readout<F>,
    sample: &Sample<'_>,
    seed: &mut Seed<F>,
) -> Outcome {
    let mut z: Vec<f64> = readout.peaks.iter().map(|p| p.voltage.to_f64()).collect();
    let prediction = Some(argmax(&z));
    let loss = cross_entropy(&mut z, sample.label, sample.smoothing);
    // [L7] −∂L/∂z_j = (δ_j − p_j) / N
    seed.peaks.extend(
        (0..z.len())
            .map(|j| F::from_f64((sample.target(j) - z[j]) * sample.per_batch * sample.scale[j])),
    );
    Outcome { loss, prediction }
}
