//! Neuron models from equations that a user writes as text: state, threshold, reset, arrivals.
//!
//! The text is read into a graph of expressions (`text`, `graph`), differentiated symbolically, and compiled into programs
//! that run over blocks of neurons (`program`, `programs`). The solvers of such networks are in
//! `solver/equations/`; the equations they solve are in `docs/equations.md`, section "Neurons from equations".

mod definition;
mod error;
mod graph;
mod model;
mod name;
mod population;
pub(crate) mod program;
pub(crate) mod programs;
mod shipped;
mod text;

pub use self::definition::{Definition, Texts};
pub use self::error::EquationError;
pub(crate) use self::graph::Leaf;
pub use self::model::NeuronModel;
pub(crate) use self::model::is_time_constant;
pub use self::name::Name;
pub use self::population::Equations;
