//! What a network needs to know of a model: its name, its constants, and which solvers can treat it.

use super::constant::{Constant, Row};
use super::exact::Exact;

/// What a model says of its neurons.
pub(crate) trait Description {
    /// Its name, such as `LIF`.
    fn name(&self) -> &'static str;
    /// Its table of constants. A range may refer to constants above it.
    fn rows(&self) -> Vec<Row<'_>>;
    /// A constant of the table.
    fn constant_mut(&mut self, name: &str) -> Option<&mut Constant>;
    /// V at the start of a trial.
    fn v_start(&self) -> &Constant;
    /// ϑ, where there is one: before it adapts, if it does.
    fn threshold(&self) -> Option<&Constant>;
    /// What the model keeps beside V and I, at the start of a trial.
    fn own_start(&self) -> Option<&Constant>;
    /// What the event solver asks, if the model can answer.
    fn exact(&self) -> Option<&dyn Exact>;
}
