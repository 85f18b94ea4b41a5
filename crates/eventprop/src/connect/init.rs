//! Initial values of weights and delays.

use crate::rng::Key;

/// Source of the initial values of the weights of a projection, or of its delays in ms.
#[derive(Debug, Clone, PartialEq)]
pub enum Init {
    /// Independent normal draws.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Independent draws from an interval, in which all numbers are equally likely.
    Uniform {
        /// The smallest.
        low: f64,
        /// The largest.
        high: f64,
    },
    /// Independent normal draws of weights whose size follows the number n of places from which a target receives: mean
    /// `mean` / n and standard deviation `gain` / √n, so that what arrives does not depend on n. Neurons that are pooled are
    /// one place; of a sum of m neurons both are divided by m. A weight that is shared by several synapses has the largest n of
    /// their targets.
    FanIn {
        /// Standard deviation of a sum of one weight for each place.
        gain: f64,
        /// Mean of that sum.
        mean: f64,
    },
    /// Given values in the shape of what they are for, row by row: dense weights `[source, target]`.
    Values(Vec<f64>),
}

/// A number of an [`Init`] that cannot be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    /// Its name.
    pub what: &'static str,
    /// Its value.
    pub value: f64,
}

impl Init {
    /// One value for all.
    pub fn same(value: f64) -> Self {
        Self::Normal {
            mean: value,
            std: 0.0,
        }
    }

    /// The value with this number, drawn under a key unless it is given; for one place.
    ///
    /// # Panics
    /// Beyond the given values.
    pub(crate) fn draw(&self, key: Key, number: usize) -> f64 {
        match self {
            Self::Normal { mean, std } => mean + std * key.normal(number as u64),
            Self::Uniform { low, high } => low + (high - low) * key.uniform(number as u64),
            Self::FanIn { gain, mean } => mean + gain * key.normal(number as u64),
            Self::Values(values) => values[number],
        }
    }

    /// The first number that is not finite, a negative standard deviation, or an empty interval.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let fault = |what, value| Some(Fault { what, value });
        match self {
            Self::Normal { mean, .. } | Self::FanIn { mean, .. } if !mean.is_finite() => {
                fault("the mean", *mean)
            }
            Self::Normal { std, .. } if !std.is_finite() || *std < 0.0 => {
                fault("the standard deviation", *std)
            }
            Self::Uniform { low, .. } if !low.is_finite() => fault("the smallest value", *low),
            Self::Uniform { low, high } if !high.is_finite() || high < low => {
                fault("the largest value", *high)
            }
            Self::FanIn { gain, .. } if !gain.is_finite() || *gain < 0.0 => {
                fault("the gain", *gain)
            }
            Self::Normal { .. } | Self::Uniform { .. } | Self::FanIn { .. } => None,
            Self::Values(values) => {
                let found = values.iter().find(|value| !value.is_finite())?;
                fault("a value", *found)
            }
        }
    }

    /// Number of given values, where they are given.
    pub(crate) fn given(&self) -> Option<usize> {
        match self {
            Self::Values(values) => Some(values.len()),
            Self::Normal { .. } | Self::Uniform { .. } | Self::FanIn { .. } => None,
        }
    }

    /// The first value that is surely outside of an interval: a given one, or the end of a range. Of normal
    /// draws, the mean.
    pub(crate) fn outside(&self, low: f64, high: f64) -> Option<f64> {
        let out = |x: &f64| *x < low || *x > high;
        match self {
            Self::Normal { mean, .. } | Self::FanIn { mean, .. } => Some(*mean).filter(out),
            Self::Uniform { low, high } => [*low, *high].into_iter().find(out),
            Self::Values(values) => values.iter().copied().find(out),
        }
    }
}
