//! How often a checkpoint is written beside those after epochs.

use std::time::Duration;

use eventprop_params::time;
use eventprop_params::value::Value;

/// How often a checkpoint is written (`CHECKPOINT_EVERY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// After so many batches.
    Batches(usize),
    /// After so much time.
    Time(Duration),
}

/// How often, from a value that the table accepted.
pub fn every(value: &Value) -> Option<Every> {
    match value {
        Value::Int(batches) => Some(Every::Batches(*batches as usize)),
        Value::Text(text) => time(text).map(Every::Time),
        _ => None,
    }
}
