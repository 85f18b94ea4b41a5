//! Noise of times: how far a time may lie from the one that was meant, for the numbers that it came in.

/// A bound of the noise of times, of a part that grows with the time and one that does not.
///
/// A time that is computed from a decimal step and stored is rounded up to four times: the step, the product, the
/// unit and the stored number. Each moves it by at most half the distance of two neighbouring numbers of its type,
/// 2⁻²⁴ of the time in float32 and 2⁻¹¹ in float16.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TimeNoise {
    /// Share of the time.
    pub relative: f64,
    /// In ms, whatever the time.
    pub absolute_ms: f64,
}

/// Roundings of a time on its way here.
const ROUNDINGS: f64 = 4.0;

impl TimeNoise {
    /// Of times in float64: below what every grid allows for, 1e-6 steps, up to 2³¹ steps.
    pub const F64: Self = Self::relative(0.0);
    /// Of times in float32.
    pub const F32: Self = Self::relative(ROUNDINGS / (1u64 << 24) as f64);
    /// Of times in float16.
    pub const F16: Self = Self::relative(ROUNDINGS / (1u64 << 11) as f64);

    const fn relative(relative: f64) -> Self {
        Self {
            relative,
            absolute_ms: 0.0,
        }
    }

    /// The noise of times that are differences of, or sums with, times of up to `longest_ms` with this noise.
    #[must_use]
    pub fn of_differences(self, longest_ms: f64) -> Self {
        Self {
            relative: 0.0,
            absolute_ms: self.of_ms(longest_ms),
        }
    }

    /// The noise of times of which some have this noise and some the other.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            relative: self.relative.max(other.relative),
            absolute_ms: self.absolute_ms.max(other.absolute_ms),
        }
    }

    /// In ms, at a time.
    #[inline]
    pub fn of_ms(self, time_ms: f64) -> f64 {
        self.absolute_ms + self.relative * time_ms
    }

    /// In steps of `dt_ms`, at a time, with the noise that decimal steps have even in float64; at most half a step, so that
    /// no time is taken for a step that is not its neighbour.
    #[inline]
    pub fn in_steps(self, time_ms: f64, dt_ms: f64) -> f64 {
        (DECIMAL_STEPS + self.of_ms(time_ms) / dt_ms).min(0.5)
    }
}

/// Noise of float64 in steps: 0.1 is no binary fraction, and 3 × 0.1 must be step 3.
const DECIMAL_STEPS: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::TimeNoise;

    proptest! {
        /// k · dt, rounded to float32 at every operation and converted from any unit, lies within the noise.
        #[test]
        fn float32_times_lie_within_their_noise(k in 0u32..100_000, dt_us in 1u32..10_000, unit in 0usize..3) {
            let per_ms = [1.0f32, 1e-3, 1e3][unit];
            let dt = dt_us as f32 * 1e-3f32 * per_ms;
            let meant_ms = f64::from(k) * f64::from(dt_us) * 1e-3;
            let came_ms = f64::from(k as f32 * dt) / f64::from(per_ms);
            prop_assert!((came_ms - meant_ms).abs() <= TimeNoise::F32.of_ms(meant_ms) * (1.0 + 1e-3));
        }
    }

    #[test]
    fn noise_is_never_more_than_half_a_step() {
        assert_eq!(TimeNoise::F16.in_steps(1e6, 0.1), 0.5);
        assert_eq!(TimeNoise::F64.in_steps(1e6, 0.1), 1e-6);
        let of_twenty = TimeNoise::F32.of_differences(20.0);
        assert_eq!(of_twenty.of_ms(0.1), TimeNoise::F32.of_ms(20.0));
    }
}
