//! Input dropout: every input spike is left out with a fixed probability, drawn once per spike.
//!
//! The draws are counter-based, so a sample loses the same spikes however many threads encode.

use eventprop::rng::Key;
use thiserror::Error;

// PERF: blocks of the generator are independent of one another, so drawing several at once keeps the
// processor busy; measured by `benches/encode_mnist.rs`.
const WORDS: usize = 32;

/// A probability outside [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("PDROP_INPUT is {found}; the probability of dropping an input spike must be from 0 to 1")]
pub struct ProbabilityError {
    /// The value given.
    pub found: f64,
}

/// The probability of dropping an input spike, in units of 2⁻³².
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputDropout {
    threshold: u64,
}

impl InputDropout {
    /// Dropout with a probability from 0 (nothing is dropped) to 1 (everything is).
    ///
    /// # Errors
    /// [`ProbabilityError`] outside that range.
    pub fn new(probability: f64) -> Result<Self, ProbabilityError> {
        if !(0.0..=1.0).contains(&probability) {
            return Err(ProbabilityError { found: probability });
        }
        Ok(Self {
            threshold: (probability * 2f64.powi(32)).round() as u64,
        })
    }

    /// The decisions for one sample; `key` should name the seed, the epoch and the sample.
    pub fn draws(&self, key: Key) -> SpikeDraws {
        SpikeDraws {
            threshold: self.threshold,
            key,
            words: [0; WORDS],
            drawn: 0,
        }
    }
}

/// The decisions for the spikes of one sample, in the order of its spike train.
#[derive(Debug, Clone)]
pub struct SpikeDraws {
    threshold: u64,
    key: Key,
    words: [u32; WORDS],
    drawn: u64,
}

impl SpikeDraws {
    /// True if the next spike is kept.
    #[inline]
    pub fn keep(&mut self) -> bool {
        let lane = (self.drawn % WORDS as u64) as usize;
        if lane == 0 {
            self.refill();
        }
        self.drawn += 1;
        u64::from(self.words[lane]) >= self.threshold
    }

    /// Spike n takes word n mod 4 of block n / 4 of the generator.
    fn refill(&mut self) {
        for (block, words) in (self.drawn / 4..).zip(self.words.as_chunks_mut::<4>().0) {
            *words = self.key.words(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventprop::rng::Purpose;

    fn kept(probability: f64, sample: u64, spikes: usize) -> Vec<bool> {
        let key = Key::new(1, Purpose::InputDropout).with(sample);
        let mut draws = InputDropout::new(probability).unwrap().draws(key);
        (0..spikes).map(|_| draws.keep()).collect()
    }

    #[test]
    fn nothing_or_everything() {
        assert!(kept(0.0, 0, 1000).iter().all(|keep| *keep));
        assert!(!kept(1.0, 0, 1000).iter().any(|keep| *keep));
    }

    /// The number kept of n is binomial with sd √(n p (1 − p)); the bound is 5 sd.
    #[test]
    fn the_rate_is_the_probability() {
        let (n, p) = (100_000, 0.2);
        let count = kept(p, 3, n).iter().filter(|keep| **keep).count();
        let sd = (n as f64 * p * (1.0 - p)).sqrt();
        assert!((count as f64 - n as f64 * (1.0 - p)).abs() < 5.0 * sd);
    }

    #[test]
    fn a_sample_has_its_own_draws_and_they_repeat() {
        assert_eq!(kept(0.5, 7, 200), kept(0.5, 7, 200));
        assert_ne!(kept(0.5, 7, 200), kept(0.5, 8, 200));
    }

    #[test]
    fn probabilities_outside_0_to_1_are_refused() {
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(InputDropout::new(bad).is_err());
        }
    }
}
