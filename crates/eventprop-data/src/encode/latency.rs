//! The latency code: a value in [0, 1] becomes the time of one spike.
//!
//! τ = v·(T − 4 DT) + 2 DT with the trial length T and the time step DT, both in ms: v = 0 spikes at
//! 2 DT and v = 1 at T − 2 DT, so that every spike has room to act inside the trial. Yin-Yang uses it
//! on its features, MNIST on the darkness (255 − x)/255 of a pixel.

use thiserror::Error;

/// Why a trial cannot hold the latency code.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum LatencyError {
    /// A length is NaN, infinite, zero or negative.
    #[error("{key} is {found} ms; it must be finite and above 0 ms")]
    Length {
        /// The parameter.
        key: &'static str,
        /// Its value.
        found: f64,
    },
    /// The code needs more than four steps.
    #[error(
        "TRIAL_MS is {trial_ms} ms, not above 4 × DT_MS = {} ms; the latency code spreads spikes over TRIAL_MS − 4 DT_MS: \
         lengthen TRIAL_MS or shorten DT_MS",
        4.0 * dt_ms
    )]
    TrialTooShort {
        /// Trial length.
        trial_ms: f64,
        /// Time step.
        dt_ms: f64,
    },
}

/// The latency code of a trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatencyCode {
    span_ms: f64,
    earliest_ms: f64,
}

impl LatencyCode {
    /// The code for a trial of `trial_ms` (T) with time steps of `dt_ms` (DT).
    ///
    /// # Errors
    /// [`LatencyError`] unless both are finite and positive and T is above 4 DT.
    pub fn new(trial_ms: f64, dt_ms: f64) -> Result<Self, LatencyError> {
        for (key, found) in [("TRIAL_MS", trial_ms), ("DT_MS", dt_ms)] {
            if !found.is_finite() || found <= 0.0 {
                return Err(LatencyError::Length { key, found });
            }
        }
        let code = Self {
            span_ms: trial_ms - 4.0 * dt_ms,
            earliest_ms: 2.0 * dt_ms,
        };
        // Also refuses a span so short beside 2 DT that rounding lets different pixel values spike
        // together.
        let times = || (0..=255).map(|darkness| code.time_ms(f64::from(darkness) / 255.0));
        if times()
            .zip(times().skip(1))
            .any(|(first, second)| first >= second)
        {
            return Err(LatencyError::TrialTooShort { trial_ms, dt_ms });
        }
        Ok(code)
    }

    /// The spike time, in ms from the start of the trial, of a value in [0, 1].
    #[inline]
    pub fn time_ms(&self, value: f64) -> f64 {
        value * self.span_ms + self.earliest_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec 4.3: T = 20, DT = 1 puts the brightest pixel at 2 ms and 0 → 18 ms; all exact in f64.
    #[test]
    fn the_ends_of_the_trial() {
        let code = LatencyCode::new(20.0, 1.0).unwrap();
        assert_eq!(code.time_ms(0.0), 2.0);
        assert_eq!(code.time_ms(1.0), 18.0);
        assert_eq!(code.time_ms(0.5), 10.0);
    }

    #[test]
    fn a_trial_that_cannot_hold_the_code_is_refused() {
        let short = LatencyCode::new(4.0, 1.0).unwrap_err();
        assert!(short.to_string().contains("4 × DT_MS = 4 ms"), "{short}");
        for (trial_ms, dt_ms) in [
            (f64::NAN, 1.0),
            (20.0, 0.0),
            (20.0, -1.0),
            (f64::INFINITY, 1.0),
            (4.0 + 1e-15, 1.0),
        ] {
            assert!(LatencyCode::new(trial_ms, dt_ms).is_err());
        }
    }
}
