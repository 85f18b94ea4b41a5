//! Statistics of hidden spikes over the trials of an epoch (`DEBUG_HIDDEN_N`).

use serde::{Deserialize, Serialize};

/// Count, mean, standard deviation, smallest and largest of some whole numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    count: u64,
    sum: u64,
    sum_of_squares: u64,
    min: u64,
    max: u64,
}

impl Moments {
    fn add(&mut self, value: u64) {
        self.min = if self.count == 0 {
            value
        } else {
            self.min.min(value)
        };
        self.max = self.max.max(value);
        self.count += 1;
        self.sum += value;
        self.sum_of_squares += value * value;
    }

    /// Mean, standard deviation, smallest, largest; NaN when there was nothing.
    fn columns(&self) -> [f64; 4] {
        let count = self.count as f64;
        let mean = self.sum as f64 / count;
        // The integer sums are exact; what is left is the rounding of the difference.
        let variance = self.sum_of_squares as f64 / count - mean * mean;
        if self.count == 0 {
            return [f64::NAN; 4];
        }
        [
            mean,
            variance.max(0.0).sqrt(),
            self.min as f64,
            self.max as f64,
        ]
    }
}

/// Spikes of one hidden layer: of the whole layer per sample, and of each neuron per sample.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HiddenStatistics {
    layer: Moments,
    neuron: Moments,
    counts: Vec<u64>,
}

impl HiddenStatistics {
    /// Adds a sample: the neurons of its spikes in a layer of `size`.
    pub fn add(&mut self, neurons: &[u32], size: usize) {
        self.counts.clear();
        self.counts.resize(size, 0);
        for &neuron in neurons {
            self.counts[neuron as usize] += 1;
        }
        self.layer.add(neurons.len() as u64);
        for &count in &self.counts {
            self.neuron.add(count);
        }
    }

    /// The columns of the results file: mean, sd, min and max of the spikes of the layer in a sample,
    /// then of the spikes of a neuron in a sample.
    pub fn columns(&self) -> [f64; 8] {
        let [a, b, c, d] = self.layer.columns();
        let [e, f, g, h] = self.neuron.columns();
        [a, b, c, d, e, f, g, h]
    }
}

#[cfg(test)]
mod tests {
    use super::HiddenStatistics;

    /// Two samples of three neurons: counts (2, 1, 0) and (0, 0, 1).
    #[test]
    fn columns_by_hand() {
        let mut statistics = HiddenStatistics::default();
        statistics.add(&[0, 1, 0], 3);
        statistics.add(&[2], 3);
        let sd = (6.0_f64 / 6.0 - (4.0_f64 / 6.0).powi(2)).sqrt();
        let columns = statistics.columns();
        assert_eq!(columns[..4], [2.0, 1.0, 1.0, 3.0]);
        assert_eq!([columns[4], columns[6], columns[7]], [4.0 / 6.0, 0.0, 2.0]);
        assert!((columns[5] - sd).abs() < 1e-15);
    }
}
