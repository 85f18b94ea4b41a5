//! The Mersenne Twister as NumPy's legacy generator (`numpy.random.RandomState`) uses it.
//!
//! The published spikes of sounds and the published Yin-Yang sets were drawn with it; to make them again, bit for
//! bit, its 53-bit floats and its bounded integers are followed exactly (NumPy `mt19937.c`, `distributions.c`).
//! Everything that is new in this project draws from the counter-based [`eventprop::rng`] instead.

use rand_mt::Mt;

/// A legacy NumPy generator: the same seed gives the same draws as `numpy.random.RandomState(seed)`.
#[derive(Debug, Clone)]
pub struct Mt19937(Mt);

impl Mt19937 {
    /// The generator of a seed (`init_genrand`). NumPy refuses seeds above 2³² − 1, hence `u32`.
    pub fn new(seed: u32) -> Self {
        Self(Mt::new(seed))
    }

    /// A uniform draw in [0, 1) with 53 bits, as `random_sample()` and `rand()`. Takes two words.
    pub fn uniform(&mut self) -> f64 {
        let high = f64::from(self.0.next_u32() >> 5);
        let low = f64::from(self.0.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// A uniform draw from `0..=last`, as `randint(last + 1)`: words are masked to the bits of
    /// `last` and drawn again until one is not above it. No word is taken when `last` is 0.
    pub fn up_to(&mut self, last: u32) -> u32 {
        if last == 0 {
            return 0;
        }
        let mask = u32::MAX >> last.leading_zeros();
        loop {
            let draw = self.0.next_u32() & mask;
            if draw <= last {
                return draw;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known {
        seed: u32,
        words: [u32; 3],
        uniforms: [f64; 3],
        uniform_after_1000: f64,
        below_3: [u32; 20],
    }

    /// From NumPy 1.x/2.x `RandomState(seed)`: `randint(2**32, dtype=uint64)`, `random_sample`,
    /// `randint(3)`.
    const KNOWN: [Known; 3] = [
        Known {
            seed: 0,
            words: [0x8c7f_0aac, 0x97c4_aa2f, 0xb716_a675],
            uniforms: [
                f64::from_bits(0x3fe1_8fe1_565f_12a8),
                f64::from_bits(0x3fe6_e2d4_cf60_8733),
                f64::from_bits(0x3fe3_49d6_6b6e_894b),
            ],
            uniform_after_1000: f64::from_bits(0x3fe2_f8e0_0bae_5bb8),
            below_3: [0, 1, 0, 1, 1, 2, 0, 2, 0, 0, 0, 2, 1, 2, 2, 0, 1, 1, 1, 1],
        },
        Known {
            seed: 42,
            words: [0x5fe1_dc66, 0xcbea_3db3, 0xf362_035c],
            uniforms: [
                f64::from_bits(0x3fd7_f877_1e5f_51ec),
                f64::from_bits(0x3fee_6c40_68bb_d654),
                f64::from_bits(0x3fe7_6c7e_8f1e_6751),
            ],
            uniform_after_1000: f64::from_bits(0x3fc7_b26f_9163_2500),
            below_3: [2, 0, 2, 2, 0, 0, 2, 1, 2, 2, 2, 2, 0, 2, 1, 0, 1, 1, 1, 1],
        },
        Known {
            seed: u32::MAX,
            words: [0x18fe_69a3, 0x1c92_4122, 0xe991_ec0c],
            uniforms: [
                f64::from_bits(0x3fb8_fe69_a392_4820),
                f64::from_bits(0x3fed_323d_8240_32b1),
                f64::from_bits(0x3fe9_3fc6_f61a_f3f9),
            ],
            uniform_after_1000: f64::from_bits(0x3fef_4e91_51f5_d2ac),
            below_3: [2, 0, 0, 0, 2, 2, 1, 0, 2, 2, 1, 2, 2, 2, 1, 1, 1, 1, 0, 0],
        },
    ];

    #[test]
    fn agrees_with_numpy() {
        for known in KNOWN {
            let start = Mt19937::new(known.seed);
            let mut rng = start.clone();
            assert_eq!(known.words, [(); 3].map(|()| rng.0.next_u32()));
            let mut rng = start.clone();
            assert_eq!(known.uniforms, [(); 3].map(|()| rng.uniform()));
            let mut rng = start.clone();
            for _ in 0..1000 {
                rng.uniform();
            }
            assert_eq!(known.uniform_after_1000, rng.uniform());
            let mut rng = start;
            assert_eq!(known.below_3, [(); 20].map(|()| rng.up_to(2)));
        }
    }

    #[test]
    fn a_bound_of_one_takes_no_word() {
        let mut rng = Mt19937::new(42);
        assert_eq!(rng.up_to(0), 0);
        assert_eq!(rng.0.next_u32(), 0x5fe1_dc66);
    }
}
