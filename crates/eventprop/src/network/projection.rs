//! Projections: dense connections from one population to another.

use super::{NetworkError, PopulationId};

/// Where the initial weights of a projection come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Init {
    /// Independent normal draws.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Given values, `[source, target]`, row-major.
    Values(Vec<f64>),
}

/// A dense matrix of weights `[source, target]`, row-major: one spike reads one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// The population whose spikes are sent.
    pub source: PopulationId,
    /// The population that receives them.
    pub target: PopulationId,
    /// Extra time in ms between a spike and its arrival. The event solver waits exactly this long;
    /// the grid solver 1 + round(delay / dt) steps.
    pub delay_ms: f64,
    /// Initial weights.
    pub init: Init,
}

impl Projection {
    pub(super) fn validate(&self, name: &str, expected: usize) -> Result<(), NetworkError> {
        if !self.delay_ms.is_finite() || self.delay_ms < 0.0 {
            return Err(NetworkError::Delay {
                name: name.to_owned(),
                delay_ms: self.delay_ms,
            });
        }
        let value_error = |what, value| NetworkError::WeightValue {
            name: name.to_owned(),
            what,
            value,
        };
        match &self.init {
            Init::Normal { mean, .. } if !mean.is_finite() => Err(value_error("the mean", *mean)),
            Init::Normal { std, .. } if !std.is_finite() || *std < 0.0 => {
                Err(value_error("the standard deviation", *std))
            }
            Init::Normal { .. } => Ok(()),
            Init::Values(values) if values.len() != expected => Err(NetworkError::WeightCount {
                name: name.to_owned(),
                found: values.len(),
                expected,
            }),
            Init::Values(values) => match values.iter().find(|w| !w.is_finite()) {
                Some(weight) => Err(value_error("a weight", *weight)),
                None => Ok(()),
            },
        }
    }
}
