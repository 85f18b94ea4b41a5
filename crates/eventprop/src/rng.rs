//! Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random
//! numbers: as easy as 1, 2, 3").
//!
//! A draw is a pure function of a key and a counter, so it depends neither on the order of draws nor
//! on the number of threads. A [`Key`] is derived from a seed and a [`Purpose`]; narrowing it with
//! [`Key::with`] (epoch, sample, …) gives an independent key for every combination.

/// Purpose of random numbers. Different purposes never share draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Initial weights.
    Weights = 1,
    /// Order of the samples in an epoch.
    Shuffle = 2,
    /// Input spikes dropped in training.
    InputDropout = 3,
    /// Hidden neurons withheld from firing.
    Withhold = 4,
    /// Membrane noise.
    Noise = 5,
    /// Generated data.
    Data = 6,
    /// Split into training, validation and folds.
    Split = 7,
    /// Augmentation of training samples.
    Augment = 9,
    /// Nerve fibres that hear a sound.
    Fibres = 10,
    /// Time constants in which the neurons of a population differ.
    TimeConstants = 11,
    /// Initial delays.
    Delays = 13,
    /// Pairs of neurons that are connected.
    Wiring = 14,
    /// Pairs of neurons that rewiring connects.
    Rewiring = 15,
    /// Parameters of a random search.
    Search = 12,
    /// Anything a test or an example wants.
    Test = 8,
}

/// A key of the generator: 64 bits derived from a seed, a purpose and any number of indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key([u32; 2]);

impl Key {
    /// The key of a seed and a purpose.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        Self([seed as u32, (seed >> 32) as u32]).mix([purpose as u32, 0, 0, 0x6576_7031])
    }

    /// A key for one value of an index (an epoch, a sample, …).
    #[must_use]
    pub fn with(self, index: u64) -> Self {
        self.mix([index as u32, (index >> 32) as u32, 0, 0x6576_7032])
    }

    fn mix(self, counter: [u32; 4]) -> Self {
        let block = philox4x32_10(counter, self.0);
        Self([block[0], block[1]])
    }

    /// Four independent 32-bit words for a counter.
    #[inline]
    pub fn words(self, counter: u64) -> [u32; 4] {
        philox4x32_10([counter as u32, (counter >> 32) as u32, 0, 0], self.0)
    }

    /// A uniform draw in [0, 1) with 53 bits, for a counter.
    #[inline]
    pub fn uniform(self, counter: u64) -> f64 {
        let [low, high, ..] = self.words(counter);
        unit_interval(low, high)
    }

    /// A standard normal draw (Box–Muller), for a counter.
    pub fn normal(self, counter: u64) -> f64 {
        let [a, b, c, d] = self.words(counter);
        let radius = (-2.0 * (1.0 - unit_interval(a, b)).ln()).sqrt();
        radius * (std::f64::consts::TAU * unit_interval(c, d)).cos()
    }

    /// A uniform draw from 0..bound, for a counter. The bias is below bound / 2⁶⁴.
    pub fn below(self, counter: u64, bound: u64) -> u64 {
        let [low, high, ..] = self.words(counter);
        let word = u64::from(low) | (u64::from(high) << 32);
        ((u128::from(word) * u128::from(bound)) >> 64) as u64
    }

    /// A permutation of 0..len (Fisher–Yates).
    pub fn permutation(self, len: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        for last in (1..len).rev() {
            order.swap(last, self.below(last as u64, last as u64 + 1) as usize);
        }
        order
    }
}

#[inline]
fn unit_interval(low: u32, high: u32) -> f64 {
    let bits = (u64::from(low) | (u64::from(high) << 32)) >> 11;
    bits as f64 * (1.0 / (1u64 << 53) as f64)
}

/// The Philox4x32 bijection with ten rounds.
#[inline]
fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let first = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known-answer vectors published with the generator (Random123, `kat_vectors`).
    #[test]
    fn philox_known_answers() {
        assert_eq!(
            philox4x32_10([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32_10(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    /// With n draws the mean of a uniform has sd 1/√(12 n) and that of a normal 1/√n; the bounds are
    /// 5 sd, so a right generator fails with probability below 1e-6.
    #[test]
    fn moments() {
        let key = Key::new(1, Purpose::Test);
        let n = 100_000u64;
        let uniform: f64 = (0..n).map(|c| key.uniform(c)).sum::<f64>() / n as f64;
        assert!((uniform - 0.5).abs() < 5.0 / (12.0 * n as f64).sqrt());
        let normal: Vec<f64> = (0..n).map(|c| key.normal(c)).collect();
        let mean = normal.iter().sum::<f64>() / n as f64;
        let variance = normal.iter().map(|z| z * z).sum::<f64>() / n as f64;
        assert!(mean.abs() < 5.0 / (n as f64).sqrt());
        assert!((variance - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt());
    }

    #[test]
    fn permutation_is_a_permutation_and_depends_on_the_key() {
        let key = Key::new(7, Purpose::Shuffle);
        let mut order = key.with(0).permutation(100);
        assert_ne!(order, key.with(1).permutation(100));
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
