//! The device on which a network is solved: on the processor, or on a graphics card.
//!
//! A [`DeviceName`] is what a user names (`DEVICE=cpu|gpu|gpu:1`), and [`with_solver_on!`](crate::with_solver_on)
//! makes a solver type of it and of the name of a solver. [`OnDevice`] makes the solver there.
//!
//! With the feature `gpu` a card solves what `Gpu` can, through `wgpu`: one source for the cards of all vendors.
//! Without it the crate needs nothing, there is no other device than the processor, and a card is refused.

#[cfg_attr(feature = "gpu", path = "card/mod.rs")]
#[cfg_attr(not(feature = "gpu"), path = "without.rs")]
mod card;
mod info;

use std::fmt;

use eventprop::network::Network;
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::solver::{SolveError, Solver};

pub use card::*;
pub use info::{DeviceError, DeviceInfo, Named};

/// The device on which networks are solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceName {
    /// On the processor.
    #[default]
    Cpu,
    /// On a graphics card.
    Gpu(Card),
}

impl DeviceName {
    /// The device that a user names.
    ///
    /// # Errors
    /// A text that names none, or a card in a program that was built without.
    pub fn named(text: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError {
            problem: format!("\"{text}\" names no device"),
            way_out: "give cpu, gpu, or gpu: and a number, as in gpu:1",
        };
        let card = match text.split_once(':') {
            None if text == "cpu" => return Ok(Self::Cpu),
            None if text == "gpu" => Named::First,
            Some(("gpu", number)) => Named::Number(number.parse().map_err(|_| unknown())?),
            _ => return Err(unknown()),
        };
        Card::new(card).map(Self::Gpu)
    }

    /// Checks that the device is there.
    ///
    /// # Errors
    /// A card that is not.
    pub fn check(&self) -> Result<(), DeviceError> {
        match self {
            Self::Cpu => Ok(()),
            Self::Gpu(card) => card.check(),
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu(card) => card.fmt(f),
        }
    }
}

/// A solver that is made for a device.
pub trait OnDevice: Solver {
    /// A solver for a network at the device that its type was chosen for.
    ///
    /// # Errors
    /// As [`Solver::for_network`]; [`SolveError::Device`] where the device is not there.
    fn on_device(network: &Network, device: &DeviceName) -> Result<Self, SolveError>;

    /// Bytes that it holds on a device; none of the processor's memory.
    fn device_bytes(&self) -> u64;
}

macro_rules! on_the_processor {
    ($($solver:ty),*) => {
        $(impl OnDevice for $solver {
            fn on_device(network: &Network, _place: &DeviceName) -> Result<Self, SolveError> {
                Self::for_network(network)
            }

            fn device_bytes(&self) -> u64 {
                0
            }
        })*
    };
}

on_the_processor!(Grid<f32>, Grid<f64>, Event);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names() {
        assert_eq!(DeviceName::named("cpu"), Ok(DeviceName::Cpu));
        assert_eq!(DeviceName::Cpu.to_string(), "cpu");
        for text in ["", "CPU", "cpu:0", "gpu:", "gpu:-1", "gpu:x", "tpu"] {
            let error = DeviceName::named(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("\"{text}\" names no device")),
                "{error}"
            );
        }
    }

    #[cfg(not(feature = "gpu"))]
    #[test]
    fn a_program_without_cards_says_how_to_get_them() {
        for text in ["gpu", "gpu:1"] {
            let error = DeviceName::named(text).unwrap_err();
            assert!(error.to_string().contains("--features gpu"), "{error}");
        }
        assert!(devices().is_err());
    }

    #[cfg(feature = "gpu")]
    #[test]
    fn cards_have_numbers() {
        for text in ["gpu", "gpu:1"] {
            assert_eq!(DeviceName::named(text).unwrap().to_string(), text);
        }
    }
}
