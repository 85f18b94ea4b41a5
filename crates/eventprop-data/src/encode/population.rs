//! The population code: neurons with overlapping Gaussian receptive fields, each of which spikes the
//! earlier the nearer the value is to its centre (Bohte, Kok & La Poutré 2002).
//!
//! n ≥ 3 fields on [least, most] have the centres least + (2i − 3)/2 · (most − least)/(n − 2), i = 1…n,
//! and the width (most − least)/(β (n − 2)). A field with activation a spikes at (1 − a) T, unless a is
//! below a tenth, in which case it is silent.

use std::ops::RangeInclusive;

use super::{EncodeError, Spike, finite, positive, sorted};

/// Fields that are less active than this do not spike.
const ACTIVATION_MIN: f64 = 0.1;

/// The code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Population {
    fields: u32,
    least: f64,
    spacing: f64,
    sigma: f64,
    window_ms: f64,
}

impl Population {
    /// `fields` neurons for the values of `range`, whose spikes fall into the first `window_ms`; `beta` is usually 1.5, and larger values make the fields narrower.
    ///
    /// # Errors
    /// [`EncodeError::Option`] with fewer than three fields, an empty range, or options that are not
    /// positive.
    pub fn new(
        fields: u32,
        range: RangeInclusive<f64>,
        beta: f64,
        window_ms: f64,
    ) -> Result<Self, EncodeError> {
        if fields < 3 {
            return Err(EncodeError::Option {
                option: "the number of fields",
                found: f64::from(fields),
                allowed: "at least 3",
            });
        }
        let (least, most) = range.into_inner();
        let spacing = positive("the range of values", most - least)? / f64::from(fields - 2);
        Ok(Self {
            fields,
            least,
            spacing,
            sigma: spacing / positive("beta", beta)?,
            window_ms: positive("the window", window_ms)?,
        })
    }

    /// Number of neurons.
    pub fn fields(&self) -> u32 {
        self.fields
    }

    /// The spikes of a value.
    ///
    /// # Errors
    /// [`EncodeError::Value`] for a value that is not finite.
    pub fn spikes(&self, value: f64) -> Result<Vec<Spike>, EncodeError> {
        let value = finite(value)?;
        let spikes = (0..self.fields).filter_map(|field| {
            // i = field + 1 in the formula above.
            let centre = self.least + (f64::from(field) - 0.5) * self.spacing;
            let distance = (value - centre) / self.sigma;
            let activation = (-0.5 * distance * distance).exp();
            let spike = ((1.0 - activation) * self.window_ms, field);
            (activation >= ACTIVATION_MIN).then_some(spike)
        });
        Ok(sorted(spikes.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four fields on [0, 2]: spacing 1, centres −0.5, 0.5, 1.5, 2.5, width 2/3. At 0.5 the second is at
    /// its centre; its neighbours are 1.5 widths away and have e^(−1.125) = 0.3247 of it.
    #[test]
    fn four_fields_by_hand() {
        let code = Population::new(4, 0.0..=2.0, 1.5, 10.0).unwrap();
        let spikes = code.spikes(0.5).unwrap();
        assert_eq!(spikes[0], (0.0, 1));
        let neighbours = 10.0 * (1.0 - (-1.125f64).exp());
        let numbers: Vec<u32> = spikes.iter().map(|spike| spike.1).collect();
        assert_eq!(numbers, [1, 0, 2]);
        // Rounding of the width enters the exponent with a factor of about 2.
        assert!((spikes[1].0 - neighbours).abs() < 1e-13);
        assert!(code.spikes(1e9).unwrap().is_empty());
    }

    #[test]
    fn bad_input() {
        assert!(Population::new(2, 0.0..=1.0, 1.5, 10.0).is_err());
        assert!(Population::new(4, 1.0..=1.0, 1.5, 10.0).is_err());
        assert!(Population::new(4, 0.0..=f64::NAN, 1.5, 10.0).is_err());
        assert!(Population::new(4, 0.0..=1.0, 0.0, 10.0).is_err());
        let code = Population::new(4, 0.0..=2.0, 1.5, 10.0).unwrap();
        assert_eq!(code.fields(), 4);
        assert!(code.spikes(f64::INFINITY).is_err());
    }
}
