//! The phases of a run.

/// A phase: the samples that a batch belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Training.
    Train,
    /// Validation.
    Validation,
    /// Test.
    Test,
}
