//! Variables that a solver can record in every step of a trial.

use crate::network::Network;

use super::SolveError;

/// A variable that can be recorded in every step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// V at the end of each step.
    Voltage,
    /// I at the end of each step.
    Current,
    /// λ_V at the start of each step.
    LambdaV,
    /// λ_I at the start of each step.
    LambdaI,
    /// B at the end of each step; 0 where thresholds do not adapt.
    Adaptation,
    /// λ_B at the start of each step.
    LambdaB,
}

impl Variable {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Voltage,
        Self::Current,
        Self::Adaptation,
        Self::LambdaV,
        Self::LambdaI,
        Self::LambdaB,
    ];

    /// The name that users write: `V`, `lambda_V`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Voltage => "V",
            Self::Current => "I",
            Self::Adaptation => "B",
            Self::LambdaV => "lambda_V",
            Self::LambdaI => "lambda_I",
            Self::LambdaB => "lambda_B",
        }
    }

    /// The variable of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name)
    }

    /// True if only the adjoint pass knows it.
    pub fn is_adjoint(self) -> bool {
        matches!(self, Self::LambdaV | Self::LambdaI | Self::LambdaB)
    }
}

/// Something to record: a variable of a population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Index of the population.
    pub population: usize,
    /// The variable.
    pub variable: Variable,
}

/// Checks that every probe names a population with state: one that is there and is not the input.
///
/// # Errors
/// [`SolveError::Probe`].
pub fn check_probes(network: &Network, probes: &[Probe]) -> Result<(), SolveError> {
    let (populations, input) = (network.populations().len(), network.input().0);
    let wrong = |p: &&Probe| p.population >= populations || p.population == input;
    match probes.iter().find(wrong) {
        None => Ok(()),
        Some(probe) => Err(SolveError::Probe {
            variable: probe.variable.name(),
            population: probe.population,
            populations,
            input,
        }),
    }
}
