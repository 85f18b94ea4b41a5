//! The seam between networks and everything else: a [`Solver`] has two verbs.
//!
//! `forward` integrates the network over a batch and leaves a tape of spikes and a readout per
//! sample; `adjoint` integrates the adjoint system backwards along that tape, fed by a [`Seed`] per
//! sample, and adds to a gradient. Everything between the two (losses, regularisers) sees readouts
//! and seeds only and does not know which solver ran.
//!
//! A solver checks the network once, when it is made; a batch is checked against it in every
//! `forward`. Both verbs may keep working memory in the solver, never state: every trial starts from
//! the declared initial state.

pub mod event;
mod first_spikes;
mod grazing;
pub mod grid;
mod scratch_pool;
mod sum;

use thiserror::Error;

pub(crate) use self::grazing::grazing_spikes;
pub use self::grazing::{GRAZING_SHARE, Grazing};

use crate::dispatch::{Kernel, vectorized};
use crate::network::{Network, NetworkError};
use crate::params::Params;
use crate::readout::{Observe, Readout, Seed};
use crate::real::Real;
use crate::rng::Key;
use crate::spikes::{Batch, SpikeError};
use crate::tape::{SpikeTime, Tape};

/// Why a batch could not be solved.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SolveError {
    /// The network is not valid.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The batch does not fit the network.
    #[error(transparent)]
    Spikes(#[from] SpikeError),
    /// The solver has no equations for what was asked.
    #[error("the {solver} solver cannot do {what}: {why}")]
    Unsupported {
        /// The solver.
        solver: &'static str,
        /// What was asked.
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
    /// A grazing spike while [`Grazing::Error`] is set.
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

/// Random disturbances of a training trial; the grid solver only.
#[derive(Debug, Clone, PartialEq)]
pub struct Disturbance {
    /// Probability, per population, that a neuron above threshold does not fire in a step
    /// (`PDROP_HIDDEN`).
    pub withhold: Vec<f64>,
    /// Amplitude A, per population, of the membrane noise A ξ √dt added in every step
    /// (`HIDDEN_NOISE`).
    pub noise: Vec<f64>,
    /// Key of the draws of this epoch; each sample adds its own identity.
    pub withhold_key: Key,
    /// Key of the noise draws of this epoch.
    pub noise_key: Key,
}

/// What `forward` needs to know beside parameters and batch.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// What the loss wants to see of the output population.
    pub observe: Observe,
    /// Random disturbances, in training.
    pub disturbance: Option<&'a Disturbance>,
}

/// The result of `forward`, one entry per sample of the batch. Reused from batch to batch.
#[derive(Debug, Clone)]
pub struct Forward<T, F> {
    /// Spikes of every population.
    pub tapes: Vec<Tape<T, F>>,
    /// What the output population showed.
    pub readouts: Vec<Readout<F>>,
}

impl<T, F> Default for Forward<T, F> {
    fn default() -> Self {
        Self {
            tapes: Vec::new(),
            readouts: Vec::new(),
        }
    }
}

/// What drives the adjoint system.
#[derive(Debug, Clone, Copy)]
pub struct Drive<'a, F> {
    /// From the loss, one per sample.
    pub seeds: &'a [Seed<F>],
    /// From the regularisers: what is added to λ_V after every spike of a neuron, per population
    /// `[sample, neuron]`; empty for populations without. May be an empty list.
    pub spike_jumps: &'a [Vec<F>],
    /// What to do with grazing spikes.
    pub grazing: Grazing,
}

/// Integrates networks forwards and their adjoints backwards.
pub trait Solver {
    /// Number type of parameters, state and gradient.
    type Real: Real;
    /// How times of spikes are kept.
    type Time: SpikeTime;

    /// The network that is solved.
    fn network(&self) -> &Network;

    /// Integrates the network over every sample of the batch.
    ///
    /// # Errors
    /// When the batch does not fit the network, something is asked that the solver cannot do, or a
    /// state variable leaves the finite numbers.
    fn forward(
        &mut self,
        params: &Params<Self::Real>,
        batch: &Batch,
        trial: Trial<'_>,
        out: &mut Forward<Self::Time, Self::Real>,
    ) -> Result<(), SolveError>;

    /// Integrates the adjoint system backwards along the tapes of `forward` and **sets** `gradient`
    /// to the gradient summed over the batch.
    ///
    /// # Errors
    /// [`SolveError::Grazing`] when asked to stop there.
    fn adjoint(
        &mut self,
        params: &Params<Self::Real>,
        forward: &Forward<Self::Time, Self::Real>,
        drive: Drive<'_, Self::Real>,
        gradient: &mut Params<Self::Real>,
    ) -> Result<(), SolveError>;
}

/// Checks that a batch fits a network.
pub(crate) fn check_batch(network: &Network, batch: &Batch) -> Result<(), SpikeError> {
    let size = network.input_size();
    let classes = network.output_size();
    for (sample, train) in batch.trains().iter().enumerate() {
        let neurons = train.neurons();
        let neuron = vectorized(Greatest { neurons });
        if neuron as usize >= size {
            return Err(SpikeError::Neuron {
                sample,
                neuron,
                size,
            });
        }
    }
    for (sample, &label) in batch.labels().iter().enumerate() {
        if label as usize >= classes {
            return Err(SpikeError::Label {
                sample,
                label,
                classes,
            });
        }
    }
    Ok(())
}

/// The greatest of a list of neurons; 0 of none.
struct Greatest<'a> {
    neurons: &'a [u32],
}

impl Kernel for Greatest<'_> {
    type Output = u32;

    #[inline(always)]
    fn run(self) -> u32 {
        self.neurons.iter().fold(0, |most, &n| most.max(n))
    }
}
