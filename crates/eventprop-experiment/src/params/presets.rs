//! Named sets of values, from publications and from the reference code's scripts.

/// A named set of values.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Keys and values, written as on the command line.
    pub values: &'static [(&'static str, &'static str)],
}
