//! Why a text is not a neuron model.

use thiserror::Error;

/// A fault of a model that is given as equations.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EquationError {
    /// An expression that cannot be read.
    #[error("{key}: {problem}\n  {text}\n  {:>width$}", "^", width = at + 1)]
    Text {
        /// Where it stands, such as `state.v`.
        key: String,
        /// The expression.
        text: String,
        /// Number of characters before the place.
        at: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A part of the model that does not fit the others.
    #[error("{key}: {problem}")]
    Part {
        /// Where it stands.
        key: String,
        /// What is wrong, and the way out.
        problem: String,
    },
    /// A file that is no TOML.
    #[error("not a TOML file: {0}")]
    Toml(String),
}
