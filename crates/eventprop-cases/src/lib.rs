//! Test cases for the engine: small networks with what is expected of them, run on every solver.
//!
//! A case is a TOML file in `cases/`: a clock, populations, projections with weights and delays, a
//! loss, samples, and one or more lists of expected spikes, losses and gradients, each with its
//! origin and a tolerance with its derivation. [`all`] reads them, [`run()`] runs one on any
//! [`Solver`](eventprop::solver::Solver) and lists every difference. How to write a case is said at
//! [`mod@file`].
//!
//! Beside the corpus there is [`random`], a generator of small networks that fire, and [`mod@solve`],
//! the three calls (forward, loss, adjoint) that every test of a gradient makes.

pub mod case;
mod corpus;
pub mod file;
pub mod random;
pub mod run;
pub mod solve;

pub use case::{Case, Expectation, Spike, TimeKind};
pub use corpus::all;
pub use run::{Difference, run};
pub use solve::{Solved, solve};
