//! Projections: connections from one population to another.

use super::{NetworkError, PopulationId};
use crate::connect::{Delay, Synapses, Wiring};

/// Source of the initial weights of a projection.
#[derive(Debug, Clone, PartialEq)]
pub enum Init {
    /// Independent normal draws.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Given values in the shape of the wiring's weights, row by row: dense `[source, target]`.
    Values(Vec<f64>),
}

/// Connections from one population to another: which, how late, and how strong at first.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// The population whose spikes are sent.
    pub source: PopulationId,
    /// The population that receives them.
    pub target: PopulationId,
    /// Pattern of connections.
    pub wiring: Wiring,
    /// Extra time in ms between a spike and its arrival. The event solver waits exactly this long;
    /// the grid solver 1 + round(delay / dt) steps.
    pub delay: Delay,
    /// Initial weights.
    pub init: Init,
}

impl Projection {
    pub(super) fn validate(&self, name: &str, synapses: &Synapses) -> Result<(), NetworkError> {
        if let Some(delay_ms) = self.delay.impossible() {
            return Err(NetworkError::Delay {
                name: name.to_owned(),
                delay_ms,
            });
        }
        let expected = synapses.weights_len();
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
                order: self.wiring.order(),
            }),
            Init::Values(values) => match values.iter().find(|w| !w.is_finite()) {
                Some(weight) => Err(value_error("a weight", *weight)),
                None => Ok(()),
            },
        }
    }
}
