//! The logarithmic latency code: the time at which a membrane with time constant τ, driven by a
//! constant value v, reaches a threshold.
//!
//! v(1 − e^(−t/τ)) = ϑ gives t = τ ln(v/(v − ϑ)). A value at or below the threshold never spikes.

use super::{EncodeError, finite, positive};

/// The code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogLatency {
    tau_ms: f64,
    threshold: f64,
}

impl LogLatency {
    /// The code with time constant `tau_ms` and `threshold` in the unit of the values.
    ///
    /// # Errors
    /// [`EncodeError::Option`] unless both are finite and positive.
    pub fn new(tau_ms: f64, threshold: f64) -> Result<Self, EncodeError> {
        Ok(Self {
            tau_ms: positive("the time constant", tau_ms)?,
            threshold: positive("the threshold", threshold)?,
        })
    }

    /// The time of the spike in ms; none when the value never reaches the threshold.
    ///
    /// # Errors
    /// [`EncodeError::Value`] for a value that is not finite.
    pub fn time_ms(&self, value: f64) -> Result<Option<f64>, EncodeError> {
        let reaches = finite(value)? > self.threshold;
        // ln(v/(v − ϑ)) = −ln(1 − ϑ/v), which keeps its digits for large v.
        Ok(reaches.then(|| -self.tau_ms * (-self.threshold / value).ln_1p()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: τ = 10, ϑ = 0.2, v = 0.4: 10 ln 2. The reference's unused MNIST code is this one, with
    /// u = x/25.5.
    #[test]
    fn known_times() {
        let code = LogLatency::new(10.0, 0.2).unwrap();
        let half = code.time_ms(0.4).unwrap().unwrap();
        // Two roundings of numbers near 1 are multiplied by 10.
        assert!((half - 10.0 * 2f64.ln()).abs() < 1e-14, "{half}");
        let white = code.time_ms(10.0).unwrap().unwrap();
        assert!((white - 10.0 * (10f64 / 9.8).ln()).abs() < 1e-14, "{white}");
        assert_eq!(code.time_ms(0.2), Ok(None));
        assert_eq!(code.time_ms(-3.0), Ok(None));
    }

    #[test]
    fn bad_input() {
        assert!(LogLatency::new(0.0, 0.2).is_err());
        assert!(LogLatency::new(1.0, f64::INFINITY).is_err());
        let code = LogLatency::new(10.0, 0.2).unwrap();
        assert!(code.time_ms(f64::NAN).is_err());
    }
}
