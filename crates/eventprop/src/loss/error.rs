//! The errors of losses.

use thiserror::Error;

/// A loss that does not fit a network, or whose constants are out of range.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum LossError {
    /// The output population has the wrong neurons.
    #[error(
        "the loss {loss} needs {needed} neurons in the output population \"{population}\"; {why}"
    )]
    Output {
        /// The loss.
        loss: &'static str,
        /// LI or LIF.
        needed: &'static str,
        /// The output population.
        population: String,
        /// The reason.
        why: &'static str,
    },
    /// A constant of the loss is out of its range.
    #[error("the loss {loss} cannot work with {constant} = {value}; it must be {expected}")]
    Constant {
        /// The loss.
        loss: &'static str,
        /// The constant.
        constant: &'static str,
        /// Its value.
        value: f64,
        /// The rule.
        expected: &'static str,
    },
}
