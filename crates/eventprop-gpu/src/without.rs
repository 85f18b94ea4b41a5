//! No cards: the processor is the only device.

use std::fmt;

use crate::info::{DeviceError, DeviceInfo, Named};

/// A graphics card; there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Card {}

impl Card {
    /// None.
    ///
    /// # Errors
    /// Always.
    pub fn new(_named: Named) -> Result<Self, DeviceError> {
        Err(without())
    }

    /// Checks that the card is there.
    ///
    /// # Errors
    /// None.
    pub fn check(&self) -> Result<(), DeviceError> {
        match *self {}
    }
}

impl fmt::Display for Card {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

fn without() -> DeviceError {
    DeviceError {
        problem: "this program was built without graphics cards".to_owned(),
        way_out: "build it with `cargo install --path crates/eventprop-cli --features gpu`, or choose the device cpu",
    }
}

/// The devices of this machine.
///
/// # Errors
/// Always.
pub fn devices() -> Result<Vec<DeviceInfo>, DeviceError> {
    Err(without())
}

/// Evaluates an expression with a type, the solver of a [`SolverKind`](eventprop::solver::SolverKind) at a
/// [`DeviceName`](crate::DeviceName).
#[macro_export]
macro_rules! with_solver_on {
    ($device:expr, $kind:expr, $solver:ident => $job:expr) => {
        match $device {
            $crate::DeviceName::Cpu => ::eventprop::with_solver!($kind, $solver => $job),
            $crate::DeviceName::Gpu(card) => match *card {},
        }
    };
}
