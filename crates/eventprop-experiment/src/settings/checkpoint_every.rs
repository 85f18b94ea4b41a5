//! The interval of checkpoints beside those after epochs.

use std::time::Duration;

use eventprop_params::time;
use eventprop_params::value::Value;

/// The interval of checkpoints (`CHECKPOINT_EVERY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// After so many batches.
    Batches(usize),
    /// After so much time.
    Time(Duration),
}

/// The interval in a value that the table accepted.
pub fn every(value: &Value) -> Option<Every> {
    match value {
        Value::Int(batches) => Some(Every::Batches(*batches as usize)),
        Value::Text(text) => time(text).map(Every::Time),
        _ => None,
    }
}
