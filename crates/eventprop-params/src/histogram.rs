//! A fixed-size summary of a distribution.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Bins between the smallest and the largest value.
const BINS: usize = 48;

/// Counts of values in bins of equal width from the smallest to the largest.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Histogram {
    /// The smallest value.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (of the whole, n).
    pub sd: f64,
    /// Counts of the bins; one bin when all values are the same, none when there is no value.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// The distribution of finite values.
    pub fn of(values: impl ExactSizeIterator<Item = f64> + Clone) -> Self {
        if values.len() == 0 {
            return Self::default();
        }
        let count = values.len() as f64;
        let all = || values.clone();
        let min = all().fold(f64::INFINITY, f64::min);
        let max = all().fold(f64::NEG_INFINITY, f64::max);
        let mean = all().sum::<f64>() / count;
        let variance = all().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let bins = if max > min { BINS } else { 1 };
        let mut counts = vec![0; bins];
        for x in values {
            let place = (x - min) / (max - min) * bins as f64;
            // The largest value belongs to the last bin; 0/0 of a single bin becomes 0.
            counts[(place as usize).min(bins - 1)] += 1;
        }
        Self {
            min,
            max,
            mean,
            sd: variance.sqrt(),
            counts,
        }
    }

    /// Number of values.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// As JSON, as [`Self::from_json`] reads it.
    pub fn to_json(&self) -> Json {
        json!({
            "min": self.min, "max": self.max, "mean": self.mean, "sd": self.sd,
            "counts": self.counts,
        })
    }

    /// From JSON; none when something is missing.
    pub fn from_json(json: &Json) -> Option<Self> {
        let number = |key: &str| json.get(key)?.as_f64();
        let counts = json.get("counts")?.as_array()?;
        Some(Self {
            min: number("min")?,
            max: number("max")?,
            mean: number("mean")?,
            sd: number("sd")?,
            counts: counts.iter().map(Json::as_u64).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0, 1, …, 48: every bin of width 1 holds its left end, the last also the largest value.
    #[test]
    fn counts_by_hand() {
        let histogram = Histogram::of((0..49_u8).map(f64::from));
        assert_eq!(
            (histogram.min, histogram.max, histogram.mean),
            (0.0, 48.0, 24.0)
        );
        assert_eq!(histogram.counts[..47], [1; 47]);
        assert_eq!(histogram.counts[47], 2);
        // The variance of 0 … n − 1 is (n² − 1)/12.
        assert!((histogram.sd.powi(2) - 200.0).abs() < 1e-9);
        assert_eq!(Histogram::from_json(&histogram.to_json()), Some(histogram));
    }

    #[test]
    fn equal_values_have_one_bin_and_no_values_none() {
        assert_eq!(Histogram::of([2.5; 7].into_iter()).counts, [7]);
        assert_eq!(Histogram::of([].into_iter()).total(), 0);
    }
}
