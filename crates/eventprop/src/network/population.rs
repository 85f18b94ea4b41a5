//! Populations: a name, a size and a neuron model with its constants.

use super::NetworkError;

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

/// Constants of leaky integrate-and-fire neurons (equations F1 to F4).
#[derive(Debug, Clone, PartialEq)]
pub struct Lif {
    /// Membrane time constant in ms.
    pub tau_mem: Constant,
    /// Synaptic time constant in ms.
    pub tau_syn: Constant,
    /// Firing threshold; positive.
    pub v_thresh: Constant,
    /// Membrane potential after a spike and at the start of a trial; below the threshold.
    pub v_reset: Constant,
}

impl Lif {
    /// LIF neurons with threshold 1 and reset 0.
    pub fn new(tau_mem: impl Into<Constant>, tau_syn: impl Into<Constant>) -> Self {
        Self {
            tau_mem: tau_mem.into(),
            tau_syn: tau_syn.into(),
            v_thresh: Constant::Same(1.0),
            v_reset: Constant::Same(0.0),
        }
    }

    /// The same with another threshold.
    #[must_use]
    pub fn v_thresh(self, v_thresh: impl Into<Constant>) -> Self {
        Self {
            v_thresh: v_thresh.into(),
            ..self
        }
    }

    /// The same with another reset potential.
    #[must_use]
    pub fn v_reset(self, v_reset: impl Into<Constant>) -> Self {
        Self {
            v_reset: v_reset.into(),
            ..self
        }
    }
}

/// Constants of leaky integrators (equations F1 and F2).
#[derive(Debug, Clone, PartialEq)]
pub struct Li {
    /// Membrane time constant in ms.
    pub tau_mem: Constant,
    /// Synaptic time constant in ms.
    pub tau_syn: Constant,
    /// Membrane potential at the start of a trial.
    pub v_init: Constant,
}

impl Li {
    /// Leaky integrators that start at 0.
    pub fn new(tau_mem: impl Into<Constant>, tau_syn: impl Into<Constant>) -> Self {
        Self {
            tau_mem: tau_mem.into(),
            tau_syn: tau_syn.into(),
            v_init: Constant::Same(0.0),
        }
    }

    /// The same with another initial potential.
    #[must_use]
    pub fn v_init(self, v_init: impl Into<Constant>) -> Self {
        Self {
            v_init: v_init.into(),
            ..self
        }
    }
}

/// The neuron models.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// Channels that emit the input spikes.
    Input,
    /// Leaky integrate-and-fire.
    Lif(Lif),
    /// Leaky integrator.
    Li(Li),
}

/// A named group of neurons of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    /// Name, unique in the network.
    pub name: String,
    /// Number of neurons.
    pub size: usize,
    /// Neuron model and constants.
    pub model: Model,
}

impl Population {
    /// Membrane and synaptic time constant; none for the input.
    pub fn time_constants(&self) -> Option<(&Constant, &Constant)> {
        match &self.model {
            Model::Input => None,
            Model::Lif(lif) => Some((&lif.tau_mem, &lif.tau_syn)),
            Model::Li(li) => Some((&li.tau_mem, &li.tau_syn)),
        }
    }

    pub(super) fn validate(&self) -> Result<(), NetworkError> {
        if self.size == 0 {
            return Err(NetworkError::Empty {
                name: self.name.clone(),
            });
        }
        if let Some((tau_mem, tau_syn)) = self.time_constants() {
            let rule = "a time constant must be finite and positive (ms)";
            self.check("tau_mem", tau_mem, rule, |_, tau| tau > 0.0)?;
            self.check("tau_syn", tau_syn, rule, |_, tau| tau > 0.0)?;
        }
        match &self.model {
            Model::Input => Ok(()),
            Model::Li(li) => self.check("v_init", &li.v_init, "it must be finite", |_, _| true),
            Model::Lif(lif) => {
                let rule = "a threshold must be finite and positive (the resting potential is 0)";
                self.check("v_thresh", &lif.v_thresh, rule, |_, theta| theta > 0.0)?;
                let rule = "a reset must be finite and below the threshold";
                self.check("v_reset", &lif.v_reset, rule, |neuron, reset| {
                    reset < lif.v_thresh.of(neuron)
                })
            }
        }
    }

    fn check(
        &self,
        constant: &'static str,
        values: &Constant,
        expected: &'static str,
        holds: impl Fn(usize, f64) -> bool,
    ) -> Result<(), NetworkError> {
        if let Constant::PerNeuron(list) = values
            && list.len() != self.size
        {
            return Err(NetworkError::ConstantLength {
                name: self.name.clone(),
                constant,
                found: list.len(),
                size: self.size,
            });
        }
        let wrong = (0..self.size).find(|&neuron| {
            let value = values.of(neuron);
            !value.is_finite() || !holds(neuron, value)
        });
        match wrong {
            None => Ok(()),
            Some(neuron) => Err(NetworkError::Constant {
                name: self.name.clone(),
                constant,
                neuron,
                value: values.of(neuron),
                expected,
            }),
        }
    }
}
