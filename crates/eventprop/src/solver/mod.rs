//! The seam between networks and everything else: a [`Solver`] has two verbs.
//!
//! `forward` integrates the network over a batch and leaves [`Trials`], a tape of spikes and a readout
//! per sample; `adjoint` integrates the adjoint system backwards along those tapes, fed by a [`Seed`]
//! per sample, and sums a gradient. Everything between the two (losses, regularisers) sees readouts,
//! counts and seeds only and does not know which solver ran.
//!
//! A solver checks the network once, when it is made; a batch is checked against it in every
//! `forward`. Both verbs may keep working memory in the solver, never state: every trial starts from
//! the declared initial state.
//!
//! The solvers that a user can name are listed in [`kind`]; [`for_implementors`] says what another one
//! must keep to.

mod equations;
mod error;
pub mod event;
mod first_spikes;
pub mod for_implementors;
mod grazing;
pub mod grid;
pub mod kind;
pub mod kink;
pub mod probe;
mod scratch_pool;
mod sum;
pub mod trials;

use std::borrow::Cow;
use std::sync::Arc;

pub use self::error::SolveError;
pub(crate) use self::grazing::grazing_spikes;
pub use self::grazing::{GRAZING_SHARE, Grazing};
pub use self::kind::SolverKind;
pub use self::probe::{Probe, Variable};
pub use self::trials::{HostTrials, Trials};
use crate::connect::Pattern;
use crate::network::{Network, PopulationId, ProjectionId};
use crate::params::Params;
use crate::readout::{Observe, Seed};
use crate::real::Real;
use crate::reduce::Reduce;
use crate::rng::Key;
use crate::spikes::Batch;
use crate::tape::SpikeTime;

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

/// Settings of `forward` beside parameters and batch.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// The observation of the output population that the loss needs.
    pub observe: Observe,
    /// Random disturbances, in training.
    pub disturbance: Option<&'a Disturbance>,
    /// Populations whose voltages are shown in [`Readout::voltages`](crate::readout::Readout::voltages).
    pub voltages: &'a [PopulationId],
}

impl Trial<'_> {
    /// An undisturbed trial in which nothing but the output is observed.
    pub fn observing(observe: Observe) -> Self {
        Self {
            observe,
            disturbance: None,
            voltages: &[],
        }
    }
}

/// The meaning of a derivative by the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// `[G7]` ∂L/∂t of every input spike in 1/ms, parallel to the spikes of the tape.
    Time,
    /// `[G8]` Derivative by the amplitude that each input has, or would have, at the start of each step of
    /// the clock, `[steps, inputs]`.
    Graded,
    /// `[G9]` Derivative by a constant current into τ_mem V' of a population over each step of the clock,
    /// `[steps, size]`.
    Current(PopulationId),
}

/// Derivatives of a loss by the input of a batch, or by a current in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct InputGradient<F> {
    /// Their meaning, which is the shape of each sample.
    pub convention: Convention,
    /// Per sample; is **set** by the adjoint pass.
    pub samples: Vec<Vec<F>>,
}

impl<F> InputGradient<F> {
    /// Nothing yet.
    pub fn new(convention: Convention) -> Self {
        Self {
            convention,
            samples: Vec::new(),
        }
    }
}

/// Driving terms of the adjoint system.
#[derive(Debug, Clone, Copy)]
pub struct Drive<'a, F> {
    /// From the loss, one per sample.
    pub seeds: &'a [Seed<F>],
    /// From the regularisers: what is added to λ_V after every spike of a neuron, per population
    /// `[sample, neuron]`; empty for populations without. May be an empty list.
    pub spike_jumps: &'a [Vec<F>],
    /// Treatment of grazing spikes.
    pub grazing: Grazing,
}

/// Sum of the gradient of a batch over samples and ranks.
#[derive(Debug)]
pub struct Sum<'a, F> {
    /// Is **set** to the gradient summed over the whole batch.
    pub gradient: &'a mut Params<F>,
    /// Samples of the whole batch, those of other ranks included.
    pub samples: usize,
    /// The ranks that have a share in the batch.
    pub reduce: &'a mut dyn Reduce,
    /// Derivatives by the input of this rank's samples, where they are wanted.
    pub inputs: Option<&'a mut InputGradient<F>>,
}

impl<F> Sum<'_, F> {
    /// The derivatives by the input that are wanted.
    pub fn convention(&self) -> Option<Convention> {
        self.inputs.as_ref().map(|inputs| inputs.convention)
    }
}

/// Integrates networks forwards and their adjoints backwards.
pub trait Solver: Sized {
    /// Number type of parameters, state and gradient.
    type Real: Real;
    /// Type of spike times.
    type Time: SpikeTime;
    /// Results of `forward`.
    type Trials: Trials<Time = Self::Time, Real = Self::Real>;

    /// A solver for a network.
    ///
    /// # Errors
    /// When the network is not valid or the solver has no equations for it.
    fn for_network(network: &Network) -> Result<Self, SolveError>;

    /// The network that is solved.
    fn network(&self) -> &Network;

    /// Samples whose gradients are summed for themselves before the sums are added, in a batch of
    /// `samples`; depends on nothing but this and the network. Shares of ranks begin at its multiples
    /// ([`crate::reduce`]).
    fn group_len(&self, samples: usize) -> usize;

    /// Sets what is recorded in every step from the next trial on. Recording does not change results.
    ///
    /// # Errors
    /// [`SolveError::Probe`] when a probe names a population without state,
    /// [`SolveError::Unsupported`] when the solver cannot record.
    fn set_probes(&mut self, probes: &[Probe]) -> Result<(), SolveError>;

    /// Record of a probe in a sample of the last batch, `[steps, size]`. V, I and B are there after
    /// `forward`, their adjoints after `adjoint`.
    ///
    /// # Panics
    /// When there is no such sample or no such probe.
    fn record(&self, sample: usize, probe: usize) -> Cow<'_, [Self::Real]>;

    /// Gives a sparse projection other pairs, as many as it has, from the next trial on.
    ///
    /// # Panics
    /// When there is no such projection, or the pattern is one of other sizes.
    fn rewire(&mut self, id: ProjectionId, pattern: Arc<Pattern>);

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
        out: &mut Self::Trials,
    ) -> Result<(), SolveError>;

    /// Integrates the adjoint system backwards along the tapes of `forward` and sets the gradient of
    /// `sum`.
    ///
    /// # Errors
    /// [`SolveError::Grazing`] when asked to stop there, [`SolveError::Reduce`] when another rank failed.
    fn adjoint(
        &mut self,
        params: &Params<Self::Real>,
        trials: &Self::Trials,
        drive: Drive<'_, Self::Real>,
        sum: Sum<'_, Self::Real>,
    ) -> Result<(), SolveError>;
}
