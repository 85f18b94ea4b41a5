//! The solvers that a user can name, in one place: a further one is a variant, its name, and its type in
//! [`with_solver!`](crate::with_solver).

use crate::tape::SpikeTime;

use super::Solver;

/// A solver by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SolverKind {
    /// Fixed steps, f32.
    Grid,
    /// Fixed steps, f64.
    Grid64,
    /// Event to event, f64.
    Event,
}

impl SolverKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Grid, Self::Grid64, Self::Event];

    /// The name that users write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Grid64 => "grid64",
            Self::Event => "event",
        }
    }

    /// The solver of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// True if it goes in steps of the network's clock: only then variables can be recorded, spikes
    /// withheld and noise added.
    pub fn has_steps(self) -> bool {
        crate::with_solver!(self, S => has_steps::<S>())
    }
}

fn has_steps<S: Solver>() -> bool {
    S::Time::IN_STEPS
}

/// Evaluates an expression with a type, the solver of a [`SolverKind`]:
/// the one place where a kind becomes a solver.
///
/// ```
/// use eventprop::solver::{Solver, SolverKind};
/// use eventprop::with_solver;
///
/// fn bytes_of_a_parameter<S: Solver>() -> usize {
///     size_of::<S::Real>()
/// }
/// let kind = SolverKind::named("grid64").expect("there is such a solver");
/// assert_eq!(with_solver!(kind, S => bytes_of_a_parameter::<S>()), 8);
/// ```
#[macro_export]
macro_rules! with_solver {
    ($kind:expr, $solver:ident => $job:expr) => {
        match $kind {
            $crate::solver::SolverKind::Grid => {
                type $solver = $crate::solver::grid::Grid<f32>;
                $job
            }
            $crate::solver::SolverKind::Grid64 => {
                type $solver = $crate::solver::grid::Grid<f64>;
                $job
            }
            $crate::solver::SolverKind::Event => {
                type $solver = $crate::solver::event::Event;
                $job
            }
        }
    };
}
