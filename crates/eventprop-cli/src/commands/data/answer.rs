//! The answer of a `data` command.

use serde_json::Value as Json;

/// An answer in both forms.
pub struct Answer {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Json,
}
