//! A population of neurons whose model was given as equations: values of the parameters.

use super::model::{NeuronModel, is_time_constant};
use crate::neuron::constant::{Constant, NeuronConstant, Range, Row};
use crate::neuron::description::Description;
use crate::neuron::exact::Exact;

/// Neurons of a model that was given as equations, with their parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Equations {
    model: NeuronModel,
    /// In the order of the model.
    constants: Vec<Constant>,
    zero: Constant,
}

impl Equations {
    /// Neurons with the values of the model.
    pub fn new(model: NeuronModel) -> Self {
        let parameters = model.definition().parameters.iter();
        let constants = parameters
            .map(|(_, value)| Constant::Same(*value))
            .collect();
        Self {
            model,
            constants,
            zero: Constant::Same(0.0),
        }
    }

    /// The same with other values of a parameter; none where the model does not have it.
    #[must_use]
    pub fn with(mut self, parameter: &str, values: impl Into<Constant>) -> Option<Self> {
        *self.constant_mut(parameter)? = values.into();
        Some(self)
    }

    /// The model.
    pub fn model(&self) -> &NeuronModel {
        &self.model
    }

    /// Values of the parameters, in the order of the model.
    pub fn values(&self) -> &[Constant] {
        &self.constants
    }
}

impl Description for Equations {
    fn name(&self) -> &'static str {
        "a model from equations"
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let names = self.model.parameters().iter().zip(&self.constants);
        let row = |(name, values)| {
            let name: &super::Name = name;
            let positive = is_time_constant(name.text());
            let (range, expected) = if positive {
                (
                    Range::Positive,
                    "a time constant must be finite and positive (ms)",
                )
            } else {
                (Range::All, "it must be finite")
            };
            Row {
                name: name.text(),
                values,
                range,
                expected,
                trainable: Some(NeuronConstant::of_name(*name)),
            }
        };
        names.map(row).collect()
    }

    fn constant_mut(&mut self, name: &str) -> Option<&mut Constant> {
        let mut names = self.model.parameters().iter();
        let place = names.position(|known| known.text() == name)?;
        Some(&mut self.constants[place])
    }

    fn v_start(&self) -> &Constant {
        &self.zero
    }

    fn spikes(&self) -> bool {
        self.model.spikes()
    }

    fn threshold(&self) -> Option<&Constant> {
        None
    }

    fn refractory_time(&self) -> Option<&Constant> {
        None
    }

    fn own_start(&self) -> Option<&Constant> {
        None
    }

    fn exact(&self) -> Option<&dyn Exact> {
        None
    }
}
