//! Errors of solvers.

use thiserror::Error;

use crate::network::NetworkError;
use crate::reduce::ReduceError;
use crate::spikes::SpikeError;

/// The reason why a batch was not solved.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SolveError {
    /// The network is not valid.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The batch does not fit the network.
    #[error(transparent)]
    Spikes(#[from] SpikeError),
    /// The ranks could not sum.
    #[error(transparent)]
    Reduce(#[from] ReduceError),
    /// A probe of a population that has no state.
    #[error(
        "there is no {variable} to record in population {population}; of the {populations} populations, counted from 0, all but {input}, which is the input, have a state"
    )]
    Probe {
        /// The variable.
        variable: &'static str,
        /// Index of the population that was named.
        population: usize,
        /// Number of populations.
        populations: usize,
        /// Index of the input.
        input: usize,
    },
    /// The solver has no equations for what was asked.
    #[error("the {solver} solver cannot do {what}: {why}")]
    Unsupported {
        /// The solver.
        solver: &'static str,
        /// The thing asked for.
        what: &'static str,
        /// The reason and the way out.
        why: &'static str,
    },
    /// A state variable is no longer finite.
    #[error(
        "the membrane potential of neuron {neuron} of population \"{population}\" is not finite at {time_ms} ms of sample {sample}; the weights have probably diverged: lower the learning rate (ETA)"
    )]
    NotFinite {
        /// The population.
        population: String,
        /// The neuron.
        neuron: usize,
        /// Time in the trial.
        time_ms: f64,
        /// Position of the sample in its batch.
        sample: usize,
    },
    /// A neuron of a model from equations cannot go on.
    #[error(
        "neuron {neuron} of population \"{population}\" at {time_ms} ms of sample {sample}: {problem}"
    )]
    Neuron {
        /// The population.
        population: String,
        /// The neuron.
        neuron: usize,
        /// Time in the trial.
        time_ms: f64,
        /// Position of the sample in its batch.
        sample: usize,
        /// What happened, and the way out.
        problem: String,
    },
    /// A variable is to be recorded that the model does not have.
    #[error(
        "population \"{population}\" has no variable {variable} to record; its state has {known}"
    )]
    Variable {
        /// The variable.
        variable: &'static str,
        /// The population.
        population: String,
        /// The state variables, separated by commas.
        known: String,
    },
    /// A grazing spike while [`Grazing::Error`](super::Grazing::Error) is set.
    #[error(
        "neuron {neuron} of population \"{population}\" only grazed its threshold at {time_ms} ms of sample {sample} (drive {drive:e}); set GRAZING to \"keep\" or \"limit:x\" to go on"
    )]
    Grazing {
        /// The population.
        population: String,
        /// The neuron.
        neuron: usize,
        /// Time in the trial.
        time_ms: f64,
        /// Position of the sample in its batch.
        sample: usize,
        /// The drive I − V.
        drive: f64,
    },
    /// The device on which a network is solved has failed.
    #[error("the device {device} failed: {problem}; {way_out}")]
    Device {
        /// Its name.
        device: String,
        /// What happened.
        problem: String,
        /// The way out.
        way_out: &'static str,
    },
    /// A neuron fires so often that the trial never ends.
    #[error(
        "more than {limit} spikes of population \"{population}\" in one trial (sample {sample}, at {time_ms} ms); the weights have probably diverged: lower the learning rate (ETA)"
    )]
    TooManySpikes {
        /// The population.
        population: String,
        /// The limit.
        limit: usize,
        /// Time in the trial.
        time_ms: f64,
        /// Position of the sample in its batch.
        sample: usize,
    },
}
