//! Constants of neurons: their values, and the table in which a model lists its own.

use super::equations::{Name, is_time_constant};
use crate::real::Real;

/// A constant of a population: one value for all neurons, or one for each.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// The same value for every neuron.
    Same(f64),
    /// One value per neuron.
    PerNeuron(Vec<f64>),
}

impl Constant {
    /// The value of one neuron.
    #[inline]
    pub fn of(&self, neuron: usize) -> f64 {
        match self {
            Self::Same(value) => *value,
            Self::PerNeuron(values) => values[neuron],
        }
    }
}

impl From<f64> for Constant {
    fn from(value: f64) -> Self {
        Self::Same(value)
    }
}

impl From<Vec<f64>> for Constant {
    fn from(values: Vec<f64>) -> Self {
        Self::PerNeuron(values)
    }
}

/// A constant of neurons that can be trained like a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NeuronConstant {
    /// Membrane time constant τ_mem.
    TauMem,
    /// Synaptic time constant τ_syn.
    TauSyn,
    /// Time constant τ_B of an adapting threshold.
    TauB,
    /// Increment β of an adapting threshold.
    BIncr,
    /// A parameter of a model that was given as equations.
    Parameter(Name),
}

impl NeuronConstant {
    /// Those of the built-in models.
    pub const ALL: [Self; 4] = [Self::TauMem, Self::TauSyn, Self::TauB, Self::BIncr];

    /// The name, such as `tau_mem`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TauMem => "tau_mem",
            Self::TauSyn => "tau_syn",
            Self::TauB => "tau_b",
            Self::BIncr => "b_incr",
            Self::Parameter(name) => name.text(),
        }
    }

    /// The constant of this name: one of the built-in models, or a parameter of equations.
    pub(crate) fn of_name(name: Name) -> Self {
        let known = Self::ALL
            .into_iter()
            .find(|known| known.name() == name.text());
        known.unwrap_or(Self::Parameter(name))
    }

    /// True if a bound must be at least 0: not of parameters of equations, but for time constants among them.
    pub(crate) fn has_sign(self) -> bool {
        match self {
            Self::Parameter(_) => self.is_positive(),
            _ => true,
        }
    }

    /// True if a bound of 0 is too low for it.
    pub(crate) fn is_positive(self) -> bool {
        match self {
            Self::BIncr => false,
            Self::TauMem | Self::TauSyn | Self::TauB => true,
            Self::Parameter(name) => is_time_constant(name.text()),
        }
    }
}

/// Range of the values of a constant, beside finite.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Range<'a> {
    /// Any number.
    All,
    /// Above zero.
    Positive,
    /// Zero or above.
    NotNegative,
    /// Below another constant of the same neuron.
    Below(&'a Constant),
}

impl Range<'_> {
    /// True if a value of a neuron, as the number of type `F` that it becomes, is in it.
    pub fn holds<F: Real>(self, neuron: usize, value: f64) -> bool {
        let value = F::rounded(value);
        value.is_finite()
            && match self {
                Self::All => true,
                Self::Positive => value > 0.0,
                Self::NotNegative => value >= 0.0,
                Self::Below(bound) => value < F::rounded(bound.of(neuron)),
            }
    }
}

/// One line of a model's table of constants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    /// Its name, such as `tau_mem`.
    pub name: &'static str,
    /// Its values.
    pub values: &'a Constant,
    /// Their range.
    pub range: Range<'a>,
    /// The same in words.
    pub expected: &'static str,
    /// The constant, where it can be trained: a time constant only where the flow is that of `[F1]` and
    /// `[F2]`: `[G2]` and `[G3]` are derivatives of that flow.
    pub trainable: Option<NeuronConstant>,
}

/// The row of a time constant that can be trained.
pub(crate) fn time_constant(which: NeuronConstant, values: &Constant) -> Row<'_> {
    Row {
        name: which.name(),
        values,
        range: Range::Positive,
        expected: "a time constant must be finite and positive (ms)",
        trainable: Some(which),
    }
}
