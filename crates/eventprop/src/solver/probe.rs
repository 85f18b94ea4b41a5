//! Variables that a solver can record in every step of a trial.

use crate::network::{Model, Network, NeuronModel, Population};
use crate::neuron::equations::Name;

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
    /// A state variable of a model from equations, at the end of each step.
    State(Name),
    /// ∂L/∂x of such a variable, at the start of each step.
    Adjoint(Name),
}

impl Variable {
    /// Those of the built-in models.
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
            Self::State(name) | Self::Adjoint(name) => name.text(),
        }
    }

    /// The variable of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name)
    }

    /// The variable that users call this in a population: a state variable `x` of its equations by its name, and ∂L/∂x as
    /// `p_x`, beside those of the built-in models.
    pub fn of(population: &Population, name: &str) -> Option<Self> {
        let of_model = match &population.model {
            Model::Equations(equations) => Self::of_model(equations.model(), name),
            Model::Input | Model::Lif(_) | Model::Alif(_) | Model::Li(_) => None,
        };
        of_model.or_else(|| Self::named(name))
    }

    /// The variable of this name in a model from equations.
    pub fn of_model(model: &NeuronModel, name: &str) -> Option<Self> {
        let find = |wanted: &str| {
            let mut state = model.state().iter();
            state.find(|known| known.text() == wanted).copied()
        };
        let adjoint = || name.strip_prefix("p_").and_then(find).map(Self::Adjoint);
        find(name).map(Self::State).or_else(adjoint)
    }

    /// True if only the adjoint pass knows it.
    pub fn is_adjoint(self) -> bool {
        matches!(
            self,
            Self::LambdaV | Self::LambdaI | Self::LambdaB | Self::Adjoint(_)
        )
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
