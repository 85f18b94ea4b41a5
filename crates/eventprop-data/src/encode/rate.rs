//! The rate code: a Poisson process whose rate is the value times a highest rate.

use eventprop::rng::Key;

use super::{EncodeError, finite, positive};

/// The code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoissonRate {
    max_per_ms: f64,
    trial_ms: f64,
}

impl PoissonRate {
    /// The code of a trial of `trial_ms`, with `max_hz` spikes per second for the value 1.
    ///
    /// # Errors
    /// [`EncodeError::Option`] unless both are finite and positive.
    pub fn new(max_hz: f64, trial_ms: f64) -> Result<Self, EncodeError> {
        Ok(Self {
            max_per_ms: positive("the highest rate", max_hz)? / 1000.0,
            trial_ms: positive("the length of the trial", trial_ms)?,
        })
    }

    /// The spike times of a value in [0, 1], in ms, ascending and below the length of the trial. The
    /// key should name the seed, the sample and the neuron.
    ///
    /// # Errors
    /// [`EncodeError`] for a value outside [0, 1].
    pub fn times_ms(&self, value: f64, key: Key) -> Result<Vec<f64>, EncodeError> {
        if !(0.0..=1.0).contains(&finite(value)?) {
            let (option, allowed) = ("a value of the rate code", "from 0 to 1");
            return Err(EncodeError::Option {
                option,
                found: value,
                allowed,
            });
        }
        let rate = value * self.max_per_ms;
        let mut times = Vec::new();
        let mut time = 0.0;
        // Intervals of a Poisson process are exponential; 1 − u is above 0. With the rate 0 the first
        // interval is infinite (or NaN), and there is no spike.
        for draw in 0.. {
            time += -(1.0 - key.uniform(draw)).ln() / rate;
            if time.is_nan() || time >= self.trial_ms {
                break;
            }
            times.push(time);
        }
        Ok(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventprop::rng::Purpose;

    fn key(neuron: u64) -> Key {
        Key::new(1, Purpose::Test).with(neuron)
    }

    /// The number of spikes of n neurons has mean and variance n·rate·T; the bound is 5 sd. The mean of
    /// times that are uniform in T has sd T/√(12 n).
    #[test]
    fn the_rate_is_the_value() {
        let code = PoissonRate::new(200.0, 100.0).unwrap();
        let times: Vec<f64> = (0..1000)
            .flat_map(|neuron| code.times_ms(0.5, key(neuron)).unwrap())
            .collect();
        let expected = 1000.0 * 0.5 * 0.2 * 100.0;
        assert!((times.len() as f64 - expected).abs() < 5.0 * expected.sqrt());
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        assert!((mean - 50.0).abs() < 5.0 * 100.0 / (12.0 * expected).sqrt());
    }

    #[test]
    fn draws_belong_to_the_key_and_nothing_is_silent() {
        let code = PoissonRate::new(200.0, 100.0).unwrap();
        let times = code.times_ms(1.0, key(3)).unwrap();
        assert_eq!(times, code.times_ms(1.0, key(3)).unwrap());
        assert_ne!(times, code.times_ms(1.0, key(4)).unwrap());
        assert!(times.is_sorted() && times.iter().all(|t| (0.0..100.0).contains(t)));
        assert!(code.times_ms(0.0, key(3)).unwrap().is_empty());
    }

    #[test]
    fn bad_input() {
        assert!(PoissonRate::new(-1.0, 100.0).is_err());
        let code = PoissonRate::new(200.0, 100.0).unwrap();
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(code.times_ms(bad, key(0)).is_err());
        }
    }
}
