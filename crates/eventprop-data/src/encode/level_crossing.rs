//! The level-crossing code: a spike whenever the signal, interpolated linearly between its samples,
//! has moved by a whole level since the spike before (or since its start).
//!
//! Neuron 2c spikes when channel c rises by a level, 2c + 1 when it falls by one. Start plus level times
//! (rises − falls) follows the signal to within one level at all times, so that the spikes keep what
//! [`super::delta`] loses when a signal is slow or jumps.

use super::{EncodeError, Series, Spike, positive, sorted};

/// A signal that jumps by more levels than this between two samples is refused.
const LEVELS_MAX: f64 = 1e6;

/// The code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelCrossing {
    level: f64,
}

impl LevelCrossing {
    /// The code with levels `level` apart, in the unit of the values.
    ///
    /// # Errors
    /// [`EncodeError::Option`] unless it is finite and positive.
    pub fn new(level: f64) -> Result<Self, EncodeError> {
        Ok(Self {
            level: positive("the distance of levels", level)?,
        })
    }

    /// The spikes of a series, on 2 neurons per channel.
    ///
    /// # Errors
    /// [`EncodeError::Option`] when the signal moves by more than a million levels between two samples.
    pub fn spikes(&self, series: &Series<'_>) -> Result<Vec<Spike>, EncodeError> {
        let mut spikes = Vec::new();
        for channel in 0..series.channels() {
            self.channel(series, channel, &mut spikes)?;
        }
        Ok(sorted(spikes))
    }

    fn channel(
        self,
        series: &Series<'_>,
        channel: usize,
        spikes: &mut Vec<Spike>,
    ) -> Result<(), EncodeError> {
        if series.is_empty() {
            return Ok(());
        }
        let start = series.value(0, channel);
        // The level that was reached last; a whole number, so that no error adds up.
        let mut reached = 0.0;
        for sample in 1..series.len() {
            let (from, to) = (
                series.value(sample - 1, channel),
                series.value(sample, channel),
            );
            if (to - from).abs() > LEVELS_MAX * self.level {
                return Err(EncodeError::Option {
                    option: "the distance of levels",
                    found: self.level,
                    allowed: "at least a millionth of the largest jump between two samples",
                });
            }
            let rising = to > from;
            let sign = if rising { 1.0 } else { -1.0 };
            let level = |levels: f64| start + levels * self.level;
            let passed = |next: f64| if rising { to >= next } else { to <= next };
            while passed(level(reached + sign)) {
                reached += sign;
                let part = ((level(reached) - from) / (to - from)).clamp(0.0, 1.0);
                let time = series.time_ms(sample - 1) + part * series.period_ms;
                spikes.push((time, 2 * channel as u32 + u32::from(!rising)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 0 → 2.5 → 0.5 in steps of 10 ms with levels of 1: up at 4 and 8 ms; the signal then falls from
    /// level 2 to level 1 at 17.5 ms, and does not reach 0.
    #[test]
    fn a_triangle_by_hand() {
        let series = Series::new(&[0.0, 2.5, 0.5], 1, 10.0).unwrap();
        let spikes = LevelCrossing::new(1.0).unwrap().spikes(&series).unwrap();
        assert_eq!(spikes, [(4.0, 0), (8.0, 0), (17.5, 1)]);
    }

    #[test]
    fn ends_of_the_range() {
        let code = LevelCrossing::new(1.0).unwrap();
        let of = |values: &[f64]| code.spikes(&Series::new(values, 1, 1.0).unwrap());
        assert_eq!(of(&[]), Ok(vec![]));
        assert_eq!(of(&[3.0, 3.0, 3.0]), Ok(vec![]));
        assert_eq!(of(&[0.0, 1.0]), Ok(vec![(1.0, 0)]));
        assert!(of(&[0.0, 1e7]).is_err());
        assert!(LevelCrossing::new(-1.0).is_err());
    }

    proptest! {
        /// The signal put together from the spikes is never further from the signal than one level, up to
        /// rounding of sums of numbers below 100.
        #[test]
        fn the_spikes_follow_the_signal(values in prop::collection::vec(-50.0f64..50.0, 1..40)) {
            let level = 1.5;
            let series = Series::new(&values, 1, 2.0).unwrap();
            let spikes = LevelCrossing::new(level).unwrap().spikes(&series).unwrap();
            prop_assert!(spikes.is_sorted_by(|a, b| a.0 <= b.0));
            for (sample, value) in values.iter().enumerate() {
                let before = spikes.iter().filter(|spike| spike.0 <= 2.0 * sample as f64);
                let levels: f64 = before.map(|spike| if spike.1 == 0 { 1.0 } else { -1.0 }).sum();
                let followed = values[0] + level * levels;
                prop_assert!((followed - value).abs() <= level + 1e-9, "{followed} {value}");
            }
        }
    }
}
