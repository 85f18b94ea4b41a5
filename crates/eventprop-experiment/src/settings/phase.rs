//! The phases of a run.

/// Which samples a batch belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Training.
    Train,
    /// Validation.
    Validation,
    /// Test.
    Test,
}
