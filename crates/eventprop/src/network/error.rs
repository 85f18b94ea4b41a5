//! Why a description is not a network.

use thiserror::Error;

use crate::connect::WiringError;

/// A fault of a network.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum NetworkError {
    /// Step or trial length make no clock.
    #[error(
        "a trial of {trial_ms} ms in steps of {dt_ms} ms is not possible; both must be positive, with 1 to 2147483647 steps in a trial"
    )]
    Clock {
        /// Step length.
        dt_ms: f64,
        /// Trial length.
        trial_ms: f64,
    },
    /// Not exactly one input population.
    #[error("the network has {found} input populations; it needs exactly one")]
    Inputs {
        /// Number found.
        found: usize,
    },
    /// The input is the output, or there is no other population.
    #[error(
        "the network has no output; add a LIF or LI population after the input (the last population is the output where none is chosen)"
    )]
    NoOutput,
    /// Two populations share a name.
    #[error("two populations are called \"{name}\"; give each its own name")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A population without neurons.
    #[error("population \"{name}\" has no neurons; give it at least one")]
    Empty {
        /// The population.
        name: String,
    },
    /// A constant of a population is out of its range.
    #[error("population \"{name}\": {constant} of neuron {neuron} is {value}; {expected}")]
    Constant {
        /// The population.
        name: String,
        /// The constant.
        constant: &'static str,
        /// The first neuron concerned.
        neuron: usize,
        /// Its value.
        value: f64,
        /// The rule.
        expected: &'static str,
    },
    /// A constant is in its range, but not as the number of the solver that it becomes.
    #[error(
        "population \"{name}\": {constant} of neuron {neuron} is {value:e}, which is {rounded} in the single precision of the grid solver; {expected}: give a value that single precision holds, or use the event solver"
    )]
    Precision {
        /// The population.
        name: String,
        /// The constant.
        constant: &'static str,
        /// The first neuron concerned.
        neuron: usize,
        /// Its value.
        value: f64,
        /// The number that it becomes.
        rounded: f64,
        /// The rule.
        expected: &'static str,
    },
    /// A constant is to be trained that the model does not have.
    #[error(
        "population \"{name}\" has no {constant} to train; its model, {model}, has {}",
        if known.is_empty() { "no constants" } else { known }
    )]
    NoSuchConstant {
        /// The population.
        name: String,
        /// The constant.
        constant: &'static str,
        /// Name of the model.
        model: &'static str,
        /// The constants that it has to train, separated by commas.
        known: String,
    },
    /// The bound of a trained constant is out of its range.
    #[error(
        "population \"{name}\": {constant} may fall to {least} in training; the bound must be finite and positive (b_incr: not negative)"
    )]
    Bound {
        /// The population.
        name: String,
        /// The constant.
        constant: &'static str,
        /// The bound.
        least: f64,
    },
    /// A list of per-neuron constants of the wrong length.
    #[error("population \"{name}\": {constant} has {found} values for {size} neurons")]
    ConstantLength {
        /// The population.
        name: String,
        /// The constant.
        constant: &'static str,
        /// Number of values.
        found: usize,
        /// Number of neurons.
        size: usize,
    },
    /// A projection names a population that is not there.
    #[error("a projection names population number {index}, but the network has {known}")]
    UnknownPopulation {
        /// The index.
        index: usize,
        /// Number of populations.
        known: usize,
    },
    /// A projection starts at neurons that never spike.
    #[error(
        "projection {name} starts at leaky integrators, which never spike; use a LIF population as source"
    )]
    SilentSource {
        /// The projection.
        name: String,
    },
    /// A projection ends in the input.
    #[error("projection {name} ends in the input population, which takes no spikes")]
    IntoInput {
        /// The projection.
        name: String,
    },
    /// A projection names a port that its target does not have.
    #[error(
        "projection {name} arrives at port \"{port}\", which its target does not have; {}",
        if known.is_empty() { "it has one way to receive: leave the port out".to_owned() } else { format!("it has {known}") }
    )]
    Port {
        /// The projection.
        name: String,
        /// The port that was named.
        port: String,
        /// The ports of the target, separated by commas.
        known: String,
    },
    /// A wiring that does not fit the two populations.
    #[error("projection {name}: {wiring}")]
    Wiring {
        /// The projection.
        name: String,
        /// Why.
        wiring: Box<WiringError>,
    },
    /// Delays that cannot be.
    #[error("projection {name}: {delay}")]
    Delay {
        /// The projection.
        name: String,
        /// Why.
        delay: DelayFault,
    },
    /// Initial weights of the wrong number.
    #[error("projection {name}: {found} initial weights, expected {expected} ({order})")]
    WeightCount {
        /// The projection.
        name: String,
        /// Number given.
        found: usize,
        /// Number needed.
        expected: usize,
        /// In which order.
        order: &'static str,
    },
    /// An initial weight or a parameter of its distribution that is not finite, or a negative s.d.
    #[error(
        "projection {name}: {what} is {value}; weights must be finite and a standard deviation not negative"
    )]
    WeightValue {
        /// The projection.
        name: String,
        /// Name of the number.
        what: &'static str,
        /// Its value.
        value: f64,
    },
}

/// Delays that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum DelayFault {
    /// A delay that is negative or not finite, or a parameter of the distribution of initial ones.
    #[error("{what} of {value_ms} ms is not possible; it must be finite and not negative")]
    Value {
        /// Name of the number.
        what: &'static str,
        /// Its value.
        value_ms: f64,
    },
    /// Delays of the wrong number.
    #[error("{found} delays, expected {expected} (one for each {by})")]
    Count {
        /// Number given.
        found: usize,
        /// Number needed.
        expected: usize,
        /// What each of them belongs to.
        by: &'static str,
    },
    /// A delay outside of its bounds.
    #[error(
        "a delay of {value_ms} ms is not between 0 and the longest, {most_ms} ms; raise the longest or start from shorter ones"
    )]
    Outside {
        /// The delay.
        value_ms: f64,
        /// The longest that is allowed.
        most_ms: f64,
    },
    /// A longest delay that is no delay, or longer than the trial.
    #[error(
        "the longest delay is {most_ms} ms; it must be at least 0 and shorter than the trial of {trial_ms} ms, after which nothing arrives"
    )]
    Most {
        /// The longest delay.
        most_ms: f64,
        /// Length of the trial.
        trial_ms: f64,
    },
}
