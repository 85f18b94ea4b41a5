//! The delta code: a spike at every sample that differs from the one before by at least a threshold.
//!
//! Neuron 2c spikes when channel c rises, 2c + 1 when it falls. A change of several thresholds still
//! gives one spike; [`super::level_crossing`] gives one for each.

use super::{EncodeError, Series, Spike, positive, sorted};

/// The code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delta {
    threshold: f64,
}

impl Delta {
    /// The code with `threshold` in the unit of the values.
    ///
    /// # Errors
    /// [`EncodeError::Option`] unless it is finite and positive.
    pub fn new(threshold: f64) -> Result<Self, EncodeError> {
        Ok(Self {
            threshold: positive("the threshold", threshold)?,
        })
    }

    /// The spikes of a series, on 2 neurons per channel.
    pub fn spikes(&self, series: &Series<'_>) -> Vec<Spike> {
        let mut spikes = Vec::new();
        for channel in 0..series.channels() {
            for sample in 1..series.len() {
                let change = series.value(sample, channel) - series.value(sample - 1, channel);
                if change.abs() >= self.threshold {
                    let neuron = 2 * channel as u32 + u32::from(change < 0.0);
                    spikes.push((series.time_ms(sample), neuron));
                }
            }
        }
        sorted(spikes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Channel 0 goes 0, 2, 2.5, 0; channel 1 goes 5, 5, 4, 9; samples are 10 ms apart.
    #[test]
    fn two_channels_by_hand() {
        let values = [0.0, 5.0, 2.0, 5.0, 2.5, 4.0, 0.0, 9.0];
        let series = Series::new(&values, 2, 10.0).unwrap();
        let spikes = Delta::new(1.0).unwrap().spikes(&series);
        assert_eq!(spikes, [(10.0, 0), (20.0, 3), (30.0, 1), (30.0, 2)]);
    }

    #[test]
    fn ends_of_the_range() {
        let delta = Delta::new(1.0).unwrap();
        assert!(delta.spikes(&Series::new(&[], 3, 1.0).unwrap()).is_empty());
        assert!(
            delta
                .spikes(&Series::new(&[7.0], 1, 1.0).unwrap())
                .is_empty()
        );
        let exactly = Series::new(&[0.0, 1.0], 1, 1.0).unwrap();
        assert_eq!(delta.spikes(&exactly).len(), 1);
        assert!(Delta::new(0.0).is_err());
        assert!(Delta::new(f64::NAN).is_err());
    }
}
