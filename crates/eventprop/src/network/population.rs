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

/// A threshold that rises with every spike and relaxes (equations F10 and F11): what makes LIF
/// neurons ALIF neurons.
#[derive(Debug, Clone, PartialEq)]
pub struct Adaptation {
    /// Time constant τ_B in ms with which the threshold relaxes.
    pub tau_b: Constant,
    /// What a spike adds to the threshold, β; not negative.
    pub b_incr: Constant,
    /// How far the threshold lies above `v_thresh` at the start of a trial; not negative.
    pub b_init: Constant,
}

impl Adaptation {
    /// A threshold that starts at `v_thresh`, rises by `b_incr` with every spike and relaxes with
    /// `tau_b` ms.
    pub fn new(tau_b: impl Into<Constant>, b_incr: impl Into<Constant>) -> Self {
        Self {
            tau_b: tau_b.into(),
            b_incr: b_incr.into(),
            b_init: Constant::Same(0.0),
        }
    }

    /// The same with a threshold that starts `b_init` above `v_thresh`.
    #[must_use]
    pub fn b_init(self, b_init: impl Into<Constant>) -> Self {
        Self {
            b_init: b_init.into(),
            ..self
        }
    }
}

/// Constants of leaky integrate-and-fire neurons (equations F1 to F4), with an adapting threshold
/// (ALIF, F10 and F11) or without.
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
    /// How the threshold adapts, if it does.
    pub adaptation: Option<Adaptation>,
}

impl Lif {
    /// LIF neurons with threshold 1 and reset 0.
    pub fn new(tau_mem: impl Into<Constant>, tau_syn: impl Into<Constant>) -> Self {
        Self {
            tau_mem: tau_mem.into(),
            tau_syn: tau_syn.into(),
            v_thresh: Constant::Same(1.0),
            v_reset: Constant::Same(0.0),
            adaptation: None,
        }
    }

    /// The same with a threshold that adapts: ALIF neurons.
    #[must_use]
    pub fn adapting(self, adaptation: Adaptation) -> Self {
        Self {
            adaptation: Some(adaptation),
            ..self
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
}

impl NeuronConstant {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::TauMem, Self::TauSyn, Self::TauB, Self::BIncr];

    /// The name, such as `tau_mem`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TauMem => "tau_mem",
            Self::TauSyn => "tau_syn",
            Self::TauB => "tau_b",
            Self::BIncr => "b_incr",
        }
    }
}

/// A constant that is a parameter: its value per neuron lives in [`crate::params::Params`] and starts
/// from the constant of the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trained {
    /// Which constant.
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
    /// Neuron model and constants.
    pub model: Model,
    /// The constants that are trained, sorted by constant.
    pub trained: Vec<Trained>,
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

    /// How the threshold adapts, if it does.
    pub fn adaptation(&self) -> Option<&Adaptation> {
        match &self.model {
            Model::Lif(lif) => lif.adaptation.as_ref(),
            Model::Input | Model::Li(_) => None,
        }
    }

    /// A constant that can be trained; none where the model does not have it.
    pub fn constant(&self, which: NeuronConstant) -> Option<&Constant> {
        match which {
            NeuronConstant::TauMem => Some(self.time_constants()?.0),
            NeuronConstant::TauSyn => Some(self.time_constants()?.1),
            NeuronConstant::TauB => Some(&self.adaptation()?.tau_b),
            NeuronConstant::BIncr => Some(&self.adaptation()?.b_incr),
        }
    }

    /// Sets a constant.
    ///
    /// # Panics
    /// When the model does not have it.
    pub(super) fn set_constant(&mut self, which: NeuronConstant, value: Constant) {
        let (mem, syn, adaptation) = match &mut self.model {
            Model::Input => panic!("an input population has no constants"),
            Model::Lif(lif) => (&mut lif.tau_mem, &mut lif.tau_syn, lif.adaptation.as_mut()),
            Model::Li(li) => (&mut li.tau_mem, &mut li.tau_syn, None),
        };
        let adapts = "the caller asked whether the threshold adapts";
        *match which {
            NeuronConstant::TauMem => mem,
            NeuronConstant::TauSyn => syn,
            NeuronConstant::TauB => &mut adaptation.expect(adapts).tau_b,
            NeuronConstant::BIncr => &mut adaptation.expect(adapts).b_incr,
        } = value;
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
        self.validate_trained()?;
        match &self.model {
            Model::Input => Ok(()),
            Model::Li(li) => self.check("v_init", &li.v_init, "it must be finite", |_, _| true),
            Model::Lif(lif) => {
                let rule = "a threshold must be finite and positive (the resting potential is 0)";
                self.check("v_thresh", &lif.v_thresh, rule, |_, theta| theta > 0.0)?;
                let rule = "a reset must be finite and below the threshold";
                self.check("v_reset", &lif.v_reset, rule, |neuron, reset| {
                    reset < lif.v_thresh.of(neuron)
                })?;
                lif.adaptation
                    .as_ref()
                    .map_or(Ok(()), |adaptation| self.validate_adaptation(adaptation))
            }
        }
    }

    fn validate_adaptation(&self, adaptation: &Adaptation) -> Result<(), NetworkError> {
        let rule = "a time constant must be finite and positive (ms)";
        self.check("tau_b", &adaptation.tau_b, rule, |_, tau| tau > 0.0)?;
        let rule = "an adapting threshold must not fall below v_thresh: finite and not negative";
        self.check("b_incr", &adaptation.b_incr, rule, |_, b| b >= 0.0)?;
        self.check("b_init", &adaptation.b_init, rule, |_, b| b >= 0.0)
    }

    fn validate_trained(&self) -> Result<(), NetworkError> {
        for trained in &self.trained {
            let constant = trained.constant.name();
            if self.constant(trained.constant).is_none() {
                return Err(NetworkError::NoSuchConstant {
                    name: self.name.clone(),
                    constant,
                });
            }
            let least = trained.least;
            let positive = trained.constant != NeuronConstant::BIncr;
            if !least.is_finite() || least < 0.0 || (positive && least == 0.0) {
                return Err(NetworkError::Bound {
                    name: self.name.clone(),
                    constant,
                    least,
                });
            }
        }
        Ok(())
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
