//! `avg_xentropy`: the time average of the cross-entropy of the output voltages.
//!
//! `[L5]` L = (1/T) ∫ −log p_label(t) dt,   p(t) = softmax(V(t))
//! `[L6]` A_j(t) = (δ_j − p_j(t)) / T
//!
//! On the grid p is taken at the end of each step, as in the reference. The prediction is the largest
//! time average of V.

use super::sample::{Outcome, Sample, argmax};
use super::softmax::cross_entropy;
use crate::readout::{Readout, Seed};
use crate::real::Real;

pub(super) fn evaluate<F: Real>(
    readout: &Readout<F>,
    sample: &Sample<'_>,
    seed: &mut Seed<F>,
) -> Outcome {
    let outputs = sample.outputs();
    let mut loss = 0.0;
    let mut average = vec![0.0; outputs];
    let mut p = vec![0.0; outputs];
    for (q, width) in readout.nodes.widths_ms.iter().enumerate() {
        let share = width / sample.trial_ms;
        for j in 0..outputs {
            average[j] += share * readout.at_start(q, outputs)[j].to_f64();
            p[j] = readout.at_end(q, outputs)[j].to_f64();
        }
        // [L5]
        loss += share * cross_entropy(&mut p, sample.label, sample.smoothing);
        // [L6] A_j = (δ_j − p_j) / (N T)
        for j in 0..outputs {
            let a =
                (sample.target(j) - p[j]) * sample.per_batch * sample.scale[j] / sample.trial_ms;
            seed.voltage.push(F::from_f64(a));
        }
    }
    Outcome {
        loss,
        prediction: Some(argmax(&average)),
    }
}
