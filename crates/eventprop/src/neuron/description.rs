//! Description of a model to a network: its name, its constants, and the solvers that can treat it.

use super::constant::{Constant, Row};
use super::exact::Exact;

/// Description of the neurons of a model.
pub(crate) trait Description {
    /// Its name, such as `LIF`.
    fn name(&self) -> &'static str;
    /// Its table of constants. A range may refer to constants above it.
    fn rows(&self) -> Vec<Row<'_>>;
    /// A constant of the table.
    fn constant_mut(&mut self, name: &str) -> Option<&mut Constant>;
    /// V at the start of a trial.
    fn v_start(&self) -> &Constant;
    /// True if it has a threshold.
    fn spikes(&self) -> bool;
    /// ϑ, where there is a constant one: before it adapts, if it does.
    fn threshold(&self) -> Option<&Constant>;
    /// Time in ms after a spike for which V stays where it is, if the model has one.
    fn refractory_time(&self) -> Option<&Constant>;
    /// Initial value of the model's own variable beside V and I.
    fn own_start(&self) -> Option<&Constant>;
    /// Closed form for the event solver, if the model has one.
    fn exact(&self) -> Option<&dyn Exact>;
}
