//! Regularisers of hidden activity.
//!
//! As in the reference they are not gradients of a penalty but jumps: after the ordinary jump of each
//! spike, λ_V of the neuron changes by an amount that depends on spike counts. One file each.

mod layer_count;
mod spike_count;

pub use layer_count::LayerCount;
pub use spike_count::SpikeCount;

use crate::real::Real;

/// Regulariser of a hidden population.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Regularizer {
    /// Pulls the spike count of every neuron towards a target (`REG_TYPE` "simple" and "Thomas1").
    pub spike_count: Option<SpikeCount>,
    /// Limits the spike count of the whole population ("Thomas1").
    pub layer_count: Option<LayerCount>,
    /// Replaces the count of a neuron by its mean over the batch (`AVG_SNSUM`).
    pub batch_average: bool,
}

/// Spikes of a population in a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpikeCounts<'a> {
    /// Spikes in the samples that are to be regularised, `[samples, size]`.
    pub of_samples: &'a [u32],
    /// Spikes in the whole batch, `[size]`.
    pub totals: &'a [u64],
    /// Samples of the whole batch.
    pub batch: usize,
}

impl Regularizer {
    /// True if anything is regularised.
    pub fn is_active(&self) -> bool {
        self.spike_count.is_some() || self.layer_count.is_some()
    }

    /// Sets `jumps` `[samples, size]` to what is added to λ_V after each spike of the samples of
    /// `counts`.
    pub fn spike_jumps<F: Real>(&self, counts: SpikeCounts<'_>, jumps: &mut Vec<F>) {
        let size = counts.totals.len();
        let batch = counts.batch as f64;
        jumps.clear();
        for sample in counts.of_samples.chunks(size) {
            let total: f64 = sample.iter().map(|&n| f64::from(n)).sum();
            for (&count, &over_batch) in sample.iter().zip(counts.totals) {
                let count = if self.batch_average {
                    over_batch as f64 / batch
                } else {
                    f64::from(count)
                };
                let own = self.spike_count.map_or(0.0, |r| r.jump(count, batch));
                let layer = self.layer_count.map_or(0.0, |r| r.jump(total, size, batch));
                jumps.push(F::from_f64(own + layer));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: SpikeCounts<'_> = SpikeCounts {
        of_samples: &[3, 0, 1, 2],
        totals: &[4, 2],
        batch: 2,
    };

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
        regularizer.spike_jumps::<f64>(COUNTS, &mut jumps);
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
        regularizer.spike_jumps::<f64>(COUNTS, &mut jumps);
        // Means 2 and 1.
        assert_eq!(jumps, [-0.5, 0.0, -0.5, 0.0]);
    }

    /// A rank that solves one of the two samples gives it the jumps that it has in the whole batch.
    #[test]
    fn a_share_of_the_batch_is_regularised_as_the_whole() {
        let regularizer = Regularizer {
            spike_count: Some(SpikeCount {
                lbd_upper: 1.0,
                lbd_lower: 0.5,
                nu_upper: 1.5,
            }),
            layer_count: None,
            batch_average: true,
        };
        let (mut whole, mut second) = (Vec::new(), Vec::new());
        regularizer.spike_jumps::<f64>(COUNTS, &mut whole);
        let share = SpikeCounts {
            of_samples: &COUNTS.of_samples[2..],
            ..COUNTS
        };
        regularizer.spike_jumps::<f64>(share, &mut second);
        assert_eq!(second, whole[2..]);
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
        regularizer.spike_jumps::<f64>(COUNTS, &mut jumps);
        // Both samples have 3 spikes: −4 (3 − 2.5) / (2 · 2)
        assert_eq!(jumps, [-0.5; 4]);
        let mut jumps = Vec::new();
        let few = SpikeCounts {
            of_samples: &[1, 1, 0, 2],
            totals: &[1, 3],
            batch: 2,
        };
        regularizer.spike_jumps::<f64>(few, &mut jumps);
        assert_eq!(jumps, [0.0; 4]);
    }
}
