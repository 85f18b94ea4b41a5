//! Level and ramps: every sound gets the same loudness and begins and ends softly.

use thiserror::Error;

/// Length of the ramps at both ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ramp {
    /// Seconds; the number of samples is rounded, halves to even.
    Seconds(f64),
    /// Half of the sound at each end.
    HalfTrack,
}

/// A sound cannot be brought to a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LevelError {
    /// Every sample is zero.
    #[error("it is silent: every sample is 0, so it cannot be brought to a level")]
    Silent,
    /// The ramps do not fit.
    #[error(
        "it has {samples} samples, fewer than its two ramps of {ramp}; \
         choose a shorter ramp or leave the file out"
    )]
    TooShort {
        /// Samples of the sound.
        samples: usize,
        /// Samples of a ramp.
        ramp: usize,
    },
}

impl Ramp {
    /// Samples of one ramp.
    pub fn samples(self, samples: usize, rate_hz: u32) -> usize {
        match self {
            Self::Seconds(seconds) => (seconds * f64::from(rate_hz)).round_ties_even() as usize,
            Self::HalfTrack => samples / 2,
        }
    }
}

/// `[E2]` Scales the sound to a root mean square of `level`.
///
/// # Errors
/// [`LevelError::Silent`]
pub fn normalise(sound: &mut [f64], level: f64) -> Result<(), LevelError> {
    // [E2] x ← x · L/√(mean x²)
    let mean_square = sound.iter().map(|x| x * x).sum::<f64>() / sound.len() as f64;
    if mean_square == 0.0 || sound.is_empty() {
        return Err(LevelError::Silent);
    }
    let root = mean_square.sqrt();
    for x in sound {
        *x = *x * level / root;
    }
    Ok(())
}

/// `[E3]` Fades the sound in and out with half Hann windows.
///
/// # Errors
/// [`LevelError::TooShort`] if there is no sample or the ramps overlap.
pub fn fade(sound: &mut [f64], ramp: Ramp, rate_hz: u32) -> Result<(), LevelError> {
    let (samples, ramp) = (sound.len(), ramp.samples(sound.len(), rate_hz));
    if samples < 2 * ramp || samples < 2 {
        return Err(LevelError::TooShort { samples, ramp });
    }
    for k in 0..ramp {
        // [E3] w_k = ½ − ½ cos(2πk/(2q − 1))
        let turn = std::f64::consts::TAU * k as f64 / (2 * ramp - 1) as f64;
        let weight = 0.5 - 0.5 * turn.cos();
        sound[k] *= weight;
        sound[samples - 1 - k] *= weight;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[E2]`
    #[test]
    fn the_level_is_the_root_mean_square() {
        let mut sound = vec![1.0, -3.0, 2.0, 0.5];
        normalise(&mut sound, 0.3).unwrap();
        let mean_square = sound.iter().map(|x| x * x).sum::<f64>() / 4.0;
        assert!((mean_square.sqrt() - 0.3).abs() < 1e-15);
        assert_eq!(normalise(&mut [0.0; 5], 0.3), Err(LevelError::Silent));
        assert_eq!(normalise(&mut [], 0.3), Err(LevelError::Silent));
    }

    /// `[E3]` The last weight of a ramp is the first that would come again: 2πk/(2q−1) at k = q−1 and k = q
    /// are alike, so both are ½ + ½ cos(π/(2q−1)).
    #[test]
    fn ramps_are_half_hann_windows_at_both_ends() {
        let mut sound = vec![1.0; 10];
        fade(&mut sound, Ramp::Seconds(0.3), 10).unwrap();
        let turn = std::f64::consts::TAU / 5.0;
        let expected = [0.0, 0.5 - 0.5 * turn.cos(), 0.5 - 0.5 * (2.0 * turn).cos()];
        assert_eq!(sound[..3], expected);
        assert_eq!(sound[7..], [expected[2], expected[1], expected[0]]);
        assert_eq!(sound[3..7], [1.0; 4]);
        let mut odd = vec![1.0; 5];
        fade(&mut odd, Ramp::HalfTrack, 10).unwrap();
        assert_eq!(odd[2], 1.0);
        assert_eq!(odd[0], odd[4]);
    }

    #[test]
    fn halves_of_a_sample_are_rounded_to_even() {
        assert_eq!(Ramp::Seconds(0.25).samples(100, 10), 2);
        assert_eq!(Ramp::Seconds(0.35).samples(100, 10), 4);
    }

    #[test]
    fn a_sound_shorter_than_its_ramps_is_refused() {
        let error = fade(&mut [1.0; 5], Ramp::Seconds(0.3), 10).unwrap_err();
        assert_eq!(
            error,
            LevelError::TooShort {
                samples: 5,
                ramp: 3
            }
        );
        assert!(fade(&mut [1.0], Ramp::HalfTrack, 10).is_err());
    }
}
