//! What a run needs of a solver beyond the two verbs of [`Solver`]: to be made, and to be looked into.

use eventprop::network::Network;
use eventprop::real::Real;
use eventprop::solver::event::Event;
use eventprop::solver::grid::{Grid, Probe};
use eventprop::solver::{SolveError, Solver};

use crate::checkpoint::Element;

/// A solver that benchmarks can run on.
pub trait Engine: Solver<Real: Element> + Sized {
    /// A solver for a network.
    ///
    /// # Errors
    /// When the network is not valid.
    fn for_network(network: &Network) -> Result<Self, SolveError>;

    /// Sets what is recorded in every step from the next trial on. The event solver has no steps;
    /// [`crate::settings::Settings`] refuses probes for it.
    fn probe(&mut self, probes: &[Probe]);

    /// What a probe recorded of a sample of the last batch, `[steps, size]`.
    fn record(&self, sample: usize, probe: usize) -> &[Self::Real];
}

impl<F: Real + Element> Engine for Grid<F> {
    fn for_network(network: &Network) -> Result<Self, SolveError> {
        Self::new(network)
    }

    fn probe(&mut self, probes: &[Probe]) {
        self.set_probes(probes);
    }

    fn record(&self, sample: usize, probe: usize) -> &[F] {
        Self::record(self, sample, probe)
    }
}

impl Engine for Event {
    fn for_network(network: &Network) -> Result<Self, SolveError> {
        Self::new(network)
    }

    fn probe(&mut self, _probes: &[Probe]) {}

    fn record(&self, _sample: usize, _probe: usize) -> &[f64] {
        &[]
    }
}
