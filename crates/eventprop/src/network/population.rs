//! Populations: a name, a size and a neuron model with its constants.

use super::{Clock, NetworkError};
use crate::connect::Shape;
use crate::neuron::constant::{Constant, NeuronConstant, Row};
use crate::neuron::description::Description;
use crate::neuron::exact::Exact;
use crate::neuron::lif;
use crate::neuron::model::Model;
use crate::real::Real;

/// A constant that is a parameter: its value per neuron lives in [`crate::params::Params`] and starts
/// from the constant of the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trained {
    /// The constant.
    pub constant: NeuronConstant,
    /// The smallest value that training may give it.
    pub least: f64,
}

/// A named group of neurons of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    /// Name, unique in the network.
    pub name: String,
    /// Number of neurons.
    pub size: usize,
    /// Their positions and channels, as many as there are neurons.
    pub shape: Shape,
    /// Neuron model and constants.
    pub model: Model,
    /// The constants that are trained, sorted by constant.
    pub trained: Vec<Trained>,
}

impl Population {
    /// Description of its neurons by their model; none for the input.
    pub(crate) fn description(&self) -> Option<&dyn Description> {
        self.model.description()
    }

    /// Closed form of its neurons for the event solver; none for the input, and for a model without one.
    pub(crate) fn exact(&self) -> Option<&dyn Exact> {
        self.description()?.exact()
    }

    /// True of the input.
    pub fn is_input(&self) -> bool {
        matches!(self.model, Model::Input)
    }

    /// True if it emits spikes: the input does, and neurons with a threshold.
    pub fn spikes(&self) -> bool {
        self.is_input() || self.description().is_some_and(Description::spikes)
    }

    /// True if a loss can read its voltage: no reset cuts it.
    pub fn readable_voltage(&self) -> bool {
        !self.spikes()
    }

    /// ϑ, where the neurons have a threshold (before it adapts, if it does).
    pub fn threshold(&self) -> Option<&Constant> {
        self.description()?.threshold()
    }

    /// The refractory times of built-in neurons in ms, where any is not 0.
    pub fn refractory(&self) -> Option<&Constant> {
        let refractory = self.description()?.refractory_time()?;
        let any = (0..self.size).any(|n| refractory.of(n) != 0.0);
        any.then_some(refractory)
    }

    /// Refractory times of built-in neurons in whole steps of a clock, per neuron; empty where there are none.
    pub fn refractory_steps(&self, clock: Clock) -> Vec<u32> {
        let most = clock.steps() as f64;
        let steps = |ms: f64| (ms / clock.dt_ms()).round().min(most) as u32;
        let list =
            |refractory: &Constant| (0..self.size).map(|n| steps(refractory.of(n))).collect();
        self.refractory().map_or_else(Vec::new, list)
    }

    /// Refuses refractory times that are no whole number of steps.
    pub(super) fn check_refractory_steps(&self, clock: Clock) -> Result<(), NetworkError> {
        let Some(refractory) = self.refractory() else {
            return Ok(());
        };
        let whole = |neuron: &usize| {
            let steps = refractory.of(*neuron) / clock.dt_ms();
            // A quotient of decimals is whole but for a few roundings.
            (steps - steps.round()).abs() <= 1e-9 * steps.max(1.0)
        };
        let Some(neuron) = (0..self.size).find(|neuron| !whole(neuron)) else {
            return Ok(());
        };
        Err(NetworkError::Constant {
            name: self.name.clone(),
            constant: lif::REFRACTORY,
            neuron,
            value: refractory.of(neuron),
            expected: "on the grid it must be a whole number of steps: change it or the step, or use the event solver",
        })
    }

    /// Membrane and synaptic time constant; none for the input.
    pub fn time_constants(&self) -> Option<(&Constant, &Constant)> {
        let of = |which| self.constant(which);
        Some((of(NeuronConstant::TauMem)?, of(NeuronConstant::TauSyn)?))
    }

    /// A constant; none where the model does not have it.
    pub fn constant(&self, which: NeuronConstant) -> Option<&Constant> {
        let rows = self.description()?.rows();
        let row = rows.iter().find(|row| row.name == which.name())?;
        Some(row.values)
    }

    /// The constants that can be trained.
    pub fn trainable(&self) -> impl Iterator<Item = NeuronConstant> {
        self.model.trainable().into_iter()
    }

    /// True if a constant of the flow is trained.
    pub(crate) fn trains_time_constants(&self) -> bool {
        let of_flow = [NeuronConstant::TauMem, NeuronConstant::TauSyn];
        self.trained.iter().any(|t| of_flow.contains(&t.constant))
    }

    /// Sets a constant.
    ///
    /// # Panics
    /// When the model does not have it.
    pub(super) fn set_constant(&mut self, which: NeuronConstant, value: Constant) {
        *self.model.constant_mut(which.name()) = value;
    }

    /// Checks the description, with constants as numbers of type `F`.
    pub(super) fn validate_in<F: Real>(&self) -> Result<(), NetworkError> {
        if self.size == 0 {
            return Err(NetworkError::Empty {
                name: self.name.clone(),
            });
        }
        let rows = self.description().map_or_else(Vec::new, Description::rows);
        rows.iter().try_for_each(|row| self.check::<F>(row))?;
        self.trained
            .iter()
            .try_for_each(|trained| self.check_trained::<F>(trained, &rows))
    }

    fn check_trained<F: Real>(
        &self,
        trained: &Trained,
        rows: &[Row<'_>],
    ) -> Result<(), NetworkError> {
        let Trained { constant, least } = *trained;
        let trainable = rows.iter().filter_map(|row| row.trainable);
        let known: Vec<&str> = trainable.map(NeuronConstant::name).collect();
        if !known.contains(&constant.name()) {
            return Err(NetworkError::NoSuchConstant {
                name: self.name.clone(),
                constant: constant.name(),
                model: self.description().map_or("input", Description::name),
                known: known.join(", "),
            });
        }
        let bound = F::rounded(least);
        let free = !constant.has_sign() && bound < f64::INFINITY;
        if !free && (!bound.is_finite() || bound < 0.0 || (constant.is_positive() && bound == 0.0))
        {
            return Err(NetworkError::Bound {
                name: self.name.clone(),
                constant: constant.name(),
                least,
            });
        }
        Ok(())
    }

    fn check<F: Real>(&self, row: &Row<'_>) -> Result<(), NetworkError> {
        if let Constant::PerNeuron(list) = row.values
            && list.len() != self.size
        {
            return Err(NetworkError::ConstantLength {
                name: self.name.clone(),
                constant: row.name,
                found: list.len(),
                size: self.size,
            });
        }
        let fits = |&neuron: &usize| row.range.holds::<F>(neuron, row.values.of(neuron));
        let Some(neuron) = (0..self.size).find(|neuron| !fits(neuron)) else {
            return Ok(());
        };
        let (name, constant) = (self.name.clone(), row.name);
        let (value, expected) = (row.values.of(neuron), row.expected);
        if row.range.holds::<f64>(neuron, value) {
            return Err(NetworkError::Precision {
                name,
                constant,
                neuron,
                value,
                rounded: F::rounded(value),
                expected,
            });
        }
        Err(NetworkError::Constant {
            name,
            constant,
            neuron,
            value,
            expected,
        })
    }
}
