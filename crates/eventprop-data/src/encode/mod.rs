//! From values to spikes: one file per code.
//!
//! | code | input | spikes |
//! |---|---|---|
//! | [`latency`], [`pixel_spikes`] | one value; all pixels of an image | one each, earlier for larger values |
//! | [`camera`] | an event of a camera | its channel |
//! | [`log_latency`] | one value | one, earlier for larger values |
//! | [`rate`] | one value | a Poisson process |
//! | [`delta`] | a series | one per sample that differs enough from the one before |
//! | [`level_crossing`] | a series | one per level that the interpolated signal crosses |
//! | [`population`] | one value | one per receptive field, earlier near its centre |
//!
//! All codes are pure: values, options and, if they draw, a key of the random numbers. Times are in
//! ms, sorted, and lie in the stretch that the options give. A value that is not finite is an error.

pub mod camera;
pub mod delta;
pub mod latency;
pub mod level_crossing;
pub mod log_latency;
pub mod pixel_spikes;
pub mod population;
pub mod rate;

use thiserror::Error;

/// A spike: time in ms, neuron.
pub type Spike = (f64, u32);

/// Values or options that cannot be encoded.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EncodeError {
    /// A value that is NaN or infinite.
    #[error("value {index} is {found}; values must be finite")]
    Value {
        /// Its place.
        index: usize,
        /// The value.
        found: f64,
    },
    /// An option outside its range.
    #[error("{option} is {found}; it must be {allowed}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        found: f64,
        /// The values that it may have.
        allowed: &'static str,
    },
    /// A series whose values do not fill whole rows.
    #[error("{values} values are no whole number of samples of {channels} channels")]
    Shape {
        /// Number of values.
        values: usize,
        /// Number of channels.
        channels: usize,
    },
}

/// Samples of several channels at equal distances in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Series<'a> {
    values: &'a [f64],
    channels: usize,
    period_ms: f64,
}

impl<'a> Series<'a> {
    /// A series of `values` [sample, channel], row-major, `period_ms` apart; the first is at 0 ms.
    ///
    /// # Errors
    /// [`EncodeError`] when a value is not finite, the rows are not whole, or the period is not
    /// positive.
    pub fn new(values: &'a [f64], channels: usize, period_ms: f64) -> Result<Self, EncodeError> {
        positive("the period", period_ms)?;
        if channels == 0 || !values.len().is_multiple_of(channels) {
            let values = values.len();
            return Err(EncodeError::Shape { values, channels });
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let found = values[index];
            return Err(EncodeError::Value { index, found });
        }
        Ok(Self {
            values,
            channels,
            period_ms,
        })
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.values.len() / self.channels
    }

    /// True without samples.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Time of the last sample in ms.
    pub fn end_ms(&self) -> f64 {
        self.period_ms * self.len().saturating_sub(1) as f64
    }

    fn value(&self, sample: usize, channel: usize) -> f64 {
        self.values[sample * self.channels + channel]
    }

    fn time_ms(&self, sample: usize) -> f64 {
        self.period_ms * sample as f64
    }
}

fn positive(option: &'static str, found: f64) -> Result<f64, EncodeError> {
    let allowed = "finite and above 0";
    if found.is_finite() && found > 0.0 {
        Ok(found)
    } else {
        Err(EncodeError::Option {
            option,
            found,
            allowed,
        })
    }
}

fn finite(found: f64) -> Result<f64, EncodeError> {
    if found.is_finite() {
        Ok(found)
    } else {
        Err(EncodeError::Value { index: 0, found })
    }
}

/// Spikes by (time, neuron).
fn sorted(mut spikes: Vec<Spike>) -> Vec<Spike> {
    spikes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    spikes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_checked() {
        let values = [1.0, 2.0, 3.0, 4.0];
        let series = Series::new(&values, 2, 0.5).unwrap();
        assert_eq!(
            (series.len(), series.channels(), series.end_ms()),
            (2, 2, 0.5)
        );
        assert!(Series::new(&[], 2, 0.5).unwrap().is_empty());
        let shape = Series::new(&values, 3, 0.5).unwrap_err().to_string();
        assert_eq!(
            shape,
            "4 values are no whole number of samples of 3 channels"
        );
        assert!(Series::new(&values, 0, 0.5).is_err());
        assert!(Series::new(&values, 2, 0.0).is_err());
        let nan = Series::new(&[1.0, f64::NAN], 1, 0.5).unwrap_err();
        assert!(nan.to_string().starts_with("value 1 is NaN"), "{nan}");
    }
}
