//! Errors of single neurons on their way to an error of the solver.

use crate::network::Population;
use crate::solver::SolveError;

/// Something went wrong with a neuron.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    neuron: usize,
    time_ms: f64,
    problem: String,
}

impl Fault {
    pub fn new(neuron: usize, time_ms: f64, problem: String) -> Self {
        Self {
            neuron,
            time_ms,
            problem,
        }
    }

    /// The error of the solver.
    pub fn in_sample(self, population: &Population, sample: usize) -> SolveError {
        SolveError::Neuron {
            population: population.name.clone(),
            neuron: self.neuron,
            time_ms: self.time_ms,
            sample,
            problem: self.problem,
        }
    }
}
