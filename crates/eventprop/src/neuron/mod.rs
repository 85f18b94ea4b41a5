//! The neuron models: their equations forward and adjoint, side by side.
//!
//! Formulas only; the order in which they are applied belongs to the solvers. See
//! `docs/equations.md` for symbols, signs and sources.

pub mod alif;
pub mod flow;
pub mod li;
pub mod lif;
pub mod sensitivity;
