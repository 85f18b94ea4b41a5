//! A case, in the engine's own types.

use eventprop::loss::Loss;
use eventprop::network::Network;
use eventprop::params::Params;
use eventprop::solver::event::Work;
use eventprop::spikes::Batch;

/// The time of a solver. Expectations depend on it: spikes of the grid lie on steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    /// Steps of the grid.
    Grid,
    /// Continuous time, from event to event.
    Event,
}

/// A network, its input, and what is expected of solvers.
#[derive(Debug, Clone)]
pub struct Case {
    /// Name of the file without its ending.
    pub name: String,
    /// The subject of the case, in one line.
    pub title: String,
    /// The network.
    pub network: Network,
    /// Its parameters.
    pub params: Params<f64>,
    /// Input and labels.
    pub batch: Batch,
    /// The loss.
    pub loss: Loss,
    /// Expectations, at most one for each [`TimeKind`].
    pub expectations: Vec<Expectation>,
}

impl Case {
    /// The expectation of solvers that keep time in this way.
    pub fn expected_of(&self, kind: TimeKind) -> Option<&Expectation> {
        self.expectations.iter().find(|e| e.kind == kind)
    }
}

/// A spike of one population.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spike {
    /// Position of the sample in its batch.
    pub sample: usize,
    /// Step (grid) or ms (event).
    pub when: f64,
    /// Neuron.
    pub neuron: u32,
    /// The drive J = I − V just before the reset.
    pub drive: f64,
}

/// The expectation of the solvers of one kind.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The kind.
    pub kind: TimeKind,
    /// The origin of the numbers: `golden: …`, `analytic: …` or `pinned: …`.
    pub origin: String,
    /// Largest relative error of a number in double precision. See [`crate::run()`] for what it is
    /// relative to.
    pub tolerance: f64,
    /// Why the tolerance is what it is.
    pub derivation: String,
    /// The mean loss of the batch.
    pub loss: f64,
    /// The predictions per sample; `None` for a sample without any output spike. Empty when nothing
    /// is expected of them.
    pub predictions: Vec<Option<u32>>,
    /// All spikes of a population, sorted by (sample, when, neuron); of populations that are not
    /// named nothing is expected.
    pub spikes: Vec<(usize, Vec<Spike>)>,
    /// The gradient of a projection [source, target], row-major, by projection; projections that
    /// are not named are not compared.
    pub gradient: Vec<(usize, Vec<f64>)>,
    /// The work of the forward pass of the event solver.
    pub work: Option<Work>,
}
