//! The solvers by name.

/// The solvers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SolverKind {
    /// Fixed steps, f32.
    Grid,
    /// Event to event, f64.
    Event,
}
