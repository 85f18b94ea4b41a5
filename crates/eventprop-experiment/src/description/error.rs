//! Why a description makes no network.

use eventprop::connect::{PatternError, Shape, WiringError};
use eventprop::network::NetworkError;
use thiserror::Error;

/// A description that makes no network.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DescriptionError {
    /// What is described is no network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Pairs of neurons that cannot be.
    #[error("projection {name}: {pattern}")]
    Pairs {
        /// The projection.
        name: String,
        /// Why.
        pattern: PatternError,
    },
    /// A pooling that does not fit.
    #[error("projection {name}: {wiring}")]
    Wiring {
        /// The projection.
        name: String,
        /// Why.
        wiring: WiringError,
    },
    /// A population of another size than the data.
    #[error(
        "population {name} has the shape {shape}, and the data have {expected} {what}; give it as many neurons, or leave its size out"
    )]
    Data {
        /// The population.
        name: String,
        /// Its shape.
        shape: Shape,
        /// The size that the data need.
        expected: usize,
        /// What there are so many of.
        what: &'static str,
    },
    /// A population without a size that no data decide.
    #[error("population {name} has no size; give it size or shape")]
    NoSize {
        /// The population.
        name: String,
    },
}
