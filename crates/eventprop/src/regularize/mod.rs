//! Regularisers of hidden activity.
//!
//! As in the reference they are not gradients of a penalty but jumps: after the ordinary jump of each
//! spike, λ_V of the neuron changes by an amount that depends on spike counts. One file each.

mod layer_count;
mod spike_count;

pub use layer_count::LayerCount;
pub use spike_count::SpikeCount;

use crate::real::Real;

/// What regularises a hidden population.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Regularizer {
    /// Pulls the spike count of every neuron towards a target (`REG_TYPE` "simple" and "Thomas1").
    pub spike_count: Option<SpikeCount>,
    /// Limits the spike count of the whole population ("Thomas1").
    pub layer_count: Option<LayerCount>,
    /// Whether the count of a neuron is replaced by its mean over the batch (`AVG_SNSUM`).
    pub batch_average: bool,
}

impl Regularizer {
    /// Whether anything is regularised.
    pub fn is_active(&self) -> bool {
        self.spike_count.is_some() || self.layer_count.is_some()
    }

    /// Sets `jumps` `[samples, size]` to what is added to λ_V after each spike, from the spike
    /// `counts` `[samples, size]`.
    pub fn spike_jumps<F: Real>(&self, counts: &[u32], samples: usize, jumps: &mut Vec<F>) {
        let size = counts.len() / samples;
        let batch = samples as f64;
        jumps.clear();
        let average = self.batch_average.then(|| mean_counts(counts, size, batch));
        for sample in counts.chunks(size) {
            let total: f64 = sample.iter().map(|&n| f64::from(n)).sum();
            for (neuron, &count) in sample.iter().enumerate() {
                let count = average
                    .as_ref()
                    .map_or(f64::from(count), |mean| mean[neuron]);
                let own = self.spike_count.map_or(0.0, |r| r.jump(count, batch));
                let layer = self.layer_count.map_or(0.0, |r| r.jump(total, size, batch));
                jumps.push(F::from_f64(own + layer));
            }
        }
    }
}

fn mean_counts(counts: &[u32], size: usize, batch: f64) -> Vec<f64> {
    let mut mean = vec![0.0; size];
    for sample in counts.chunks(size) {
        for (mean, &count) in mean.iter_mut().zip(sample) {
            *mean += f64::from(count) / batch;
        }
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: [u32; 4] = [3, 0, 1, 2];

    #[test]
    fn spike_count_pulls_towards_the_target_from_both_sides() {
        let regularizer = Regularizer {
            spike_count: Some(SpikeCount {
                lbd_upper: 0.5,
                lbd_lower: 0.25,
                nu_upper: 2.0,
            }),
            ..Regularizer::default()
        };
        let mut jumps = Vec::new();
        regularizer.spike_jumps::<f64>(&COUNTS, 2, &mut jumps);
        // −Λ (n − ν) / N with N = 2
        assert_eq!(jumps, [-0.25, 0.25, 0.125, 0.0]);
    }

    #[test]
    fn spike_count_of_the_batch_mean() {
        let regularizer = Regularizer {
            spike_count: Some(SpikeCount {
                lbd_upper: 1.0,
                lbd_lower: 1.0,
                nu_upper: 1.0,
            }),
            batch_average: true,
            ..Regularizer::default()
        };
        let mut jumps = Vec::new();
        regularizer.spike_jumps::<f64>(&COUNTS, 2, &mut jumps);
        // Means 2 and 1.
        assert_eq!(jumps, [-0.5, 0.0, -0.5, 0.0]);
    }

    #[test]
    fn layer_count_acts_above_its_limit_only() {
        let regularizer = Regularizer {
            layer_count: Some(LayerCount {
                glb_upper: 4.0,
                rho_upper: 2.5,
            }),
            ..Regularizer::default()
        };
        let mut jumps = Vec::new();
        regularizer.spike_jumps::<f64>(&COUNTS, 2, &mut jumps);
        // Both samples have 3 spikes: −4 (3 − 2.5) / (2 · 2)
        assert_eq!(jumps, [-0.5; 4]);
        let mut jumps = Vec::new();
        regularizer.spike_jumps::<f64>(&[1, 1, 0, 2], 2, &mut jumps);
        assert_eq!(jumps, [0.0; 4]);
    }
}
