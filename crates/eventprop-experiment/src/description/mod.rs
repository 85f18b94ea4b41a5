//! A network in words: what a file of a network holds, and what the parameters of a benchmark say.
//!
//! Populations and projections as in [`Network`], with two differences. Sizes that the data decide may be left out,
//! and pairs of neurons that are drawn are a number. [`NetworkDescription::build`] draws them under a seed.

mod benchmark;
mod error;
mod fields;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;

use eventprop::connect::{By, Convolution, Delay, Pattern, PatternError, Pool, Shape, Wiring};
use eventprop::network::{
    Clock, Constant, Init, Model, Network, NeuronConstant, Population, PopulationId, Projection,
    ProjectionId, Trained,
};
use eventprop::params::Role;
use eventprop::rng::{Key, Purpose};

pub use error::DescriptionError;
pub use fields::{FileError, FileFault};
pub(crate) use write::comes_along;

/// Numbers of inputs and outputs, which the data decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkSize {
    /// Input neurons.
    pub inputs: usize,
    /// Outputs.
    pub classes: usize,
}

/// Populations and projections, before the data are known and pairs are drawn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NetworkDescription {
    /// Time step and trial, where they are said.
    pub clock: Option<Clock>,
    /// Populations; the last one is the output.
    pub populations: Vec<PopulationDescription>,
    /// Projections.
    pub projections: Vec<ProjectionDescription>,
}

/// A population.
#[derive(Debug, Clone, PartialEq)]
pub struct PopulationDescription {
    /// Its name.
    pub name: String,
    /// Its neurons; none for as many as the data need, which only input and output may have.
    pub shape: Option<Shape>,
    /// The model of its neurons, with constants.
    pub model: Model,
    /// The constants that are trained.
    pub trained: Vec<Trained>,
}

/// A projection.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionDescription {
    /// Index of the population that sends.
    pub source: usize,
    /// Index of the population that receives.
    pub target: usize,
    /// Poolings in front of it, the first one first.
    pub via: Vec<Pool>,
    /// Its pairs of neurons.
    pub pairs: Pairs,
    /// Its delay.
    pub delay: Delay,
    /// Its initial weights.
    pub weights: Init,
    /// True if its weights are not trained.
    pub frozen: bool,
    /// The port at which it arrives, where one is named.
    pub port: Option<String>,
}

/// The pairs of neurons that a projection connects.
#[derive(Debug, Clone, PartialEq)]
pub enum Pairs {
    /// All.
    Dense,
    /// Those of the same number.
    OneToOne,
    /// Each with this probability.
    Probability(f64),
    /// So many sources for every target.
    FanIn(usize),
    /// These of source and target.
    Listed(Vec<(usize, usize)>),
    /// Those that a kernel connects.
    Convolution(Convolution),
}

impl PopulationDescription {
    /// True of the input.
    pub fn is_input(&self) -> bool {
        matches!(self.model, Model::Input)
    }
}

impl ProjectionDescription {
    /// True if deep rewiring can move its synapses: they are listed one by one, and their weights are trained.
    pub fn can_be_rewired(&self) -> bool {
        let is_sparse = matches!(
            self.pairs,
            Pairs::Probability(_) | Pairs::FanIn(_) | Pairs::Listed(_)
        );
        is_sparse && self.via.is_empty() && !self.frozen
    }

    /// Number of weights between populations of these shapes, on the average over seeds.
    fn weights(&self, source: Shape, target: Shape) -> f64 {
        let neurons =
            |shape: Shape| shape.height as f64 * shape.width as f64 * shape.channels as f64;
        let windows = self
            .via
            .iter()
            .map(|pool| (pool.window[0] * pool.window[1]) as f64);
        let (sources, targets) = (neurons(source) / windows.product::<f64>(), neurons(target));
        match &self.pairs {
            Pairs::Dense => sources * targets,
            Pairs::OneToOne => targets,
            Pairs::Probability(probability) => probability * sources * targets,
            Pairs::FanIn(fan_in) => *fan_in as f64 * targets,
            Pairs::Listed(pairs) => pairs.len() as f64,
            Pairs::Convolution(Convolution { kernel, groups, .. }) => {
                let channels = source.channels as f64 / *groups as f64 * target.channels as f64;
                (kernel[0] * kernel[1]) as f64 * channels
            }
        }
    }
}

impl From<eventprop_params::Pairs> for Pairs {
    fn from(pairs: eventprop_params::Pairs) -> Self {
        match pairs {
            eventprop_params::Pairs::All => Self::Dense,
            eventprop_params::Pairs::Probability(probability) => Self::Probability(probability),
            eventprop_params::Pairs::FanIn(sources) => Self::FanIn(sources),
        }
    }
}

impl Pairs {
    /// The wiring between two populations; pairs are drawn under a key.
    fn wiring(&self, [source, target]: [Shape; 2], key: Key) -> Result<Wiring, PatternError> {
        let neurons = |shape: Shape| shape.neurons().unwrap_or(usize::MAX);
        let (sources, targets) = (neurons(source), neurons(target));
        let pattern = match self {
            Self::Dense => return Ok(Wiring::Dense),
            Self::OneToOne => return Ok(Wiring::OneToOne),
            Self::Convolution(how) => return Ok(Wiring::Convolution(*how)),
            Self::Probability(probability) => {
                Pattern::with_probability(sources, targets, *probability, key)
            }
            Self::FanIn(fan_in) => Pattern::with_fan_in(sources, targets, *fan_in, key),
            Self::Listed(pairs) => Pattern::new(sources, targets, pairs.clone()),
        };
        Ok(Wiring::Sparse(Arc::new(pattern?)))
    }
}

impl NetworkDescription {
    /// The network, checked. Pairs that are drawn are functions of `seed` and of the number of their projection.
    ///
    /// # Errors
    /// When a size is missing or not that of the data, or what is described is no network.
    pub fn build(
        &self,
        clock: Clock,
        size: Option<NetworkSize>,
        seed: u64,
    ) -> Result<Network, DescriptionError> {
        let mut network = Network::new(clock);
        for (index, population) in self.populations.iter().enumerate() {
            let shape = self.shape(index, size)?;
            let id = network.add(&population.name, shape, population.model.clone());
            for Trained { constant, least } in &population.trained {
                network.train_constant(id, *constant, *least);
            }
        }
        for projection in &self.projections {
            connect(&mut network, projection, seed)?;
        }
        network.validate()?;
        Ok(network)
    }

    /// Sizes of the populations between the first and the last one; 0 where one is missing.
    pub fn hidden_sizes(&self) -> Vec<usize> {
        let hidden = self.populations.iter().skip(1);
        let hidden = hidden.take(self.populations.len().saturating_sub(2));
        let size = |population: &PopulationDescription| population.shape?.neurons();
        hidden
            .map(|population| size(population).unwrap_or(0))
            .collect()
    }

    /// The shortest synaptic time constant in ms; infinite where there is none.
    pub fn shortest_tau_syn(&self) -> f64 {
        let constants = self
            .populations
            .iter()
            .flat_map(|population| population.model.constants());
        let taus = constants.filter(|(name, _)| *name == NeuronConstant::TauSyn.name());
        let shortest = |constant: &Constant| match constant {
            Constant::Same(tau) => *tau,
            Constant::PerNeuron(taus) => taus.iter().copied().fold(f64::INFINITY, f64::min),
        };
        taus.map(|(_, constant)| shortest(constant))
            .fold(f64::INFINITY, f64::min)
    }

    /// Weights and delays that training would have, on the average over seeds, for populations of these sizes.
    pub fn parameters(&self, size: NetworkSize) -> f64 {
        let shape = |index: usize| {
            let of_data = if index == 0 {
                size.inputs
            } else {
                size.classes
            };
            self.populations[index]
                .shape
                .unwrap_or(Shape::from(of_data))
        };
        let each = self.projections.iter().map(|projection| {
            let weights = projection.weights(shape(projection.source), shape(projection.target));
            let delays = projection
                .delay
                .each()
                .is_some_and(|each| each.by == By::Synapse);
            weights * if delays { 2.0 } else { 1.0 }
        });
        each.sum()
    }

    /// The weights that are not trained.
    pub fn frozen(&self) -> impl Iterator<Item = Role> + '_ {
        let each = self.projections.iter().enumerate();
        let frozen = each.filter(|(_, projection)| projection.frozen);
        frozen.map(|(index, _)| Role::Weights(ProjectionId(index)))
    }

    /// The shape of a population: its own, which must fit the data, or as many neurons as these need.
    fn shape(&self, index: usize, size: Option<NetworkSize>) -> Result<Shape, DescriptionError> {
        let PopulationDescription {
            name, shape, model, ..
        } = &self.populations[index];
        let needed = size.and_then(|size| match model {
            Model::Input => Some((size.inputs, "inputs")),
            _ if index + 1 == self.populations.len() => Some((size.classes, "classes")),
            _ => None,
        });
        match (shape, needed) {
            (Some(shape), Some((expected, what))) if shape.neurons() != Some(expected) => {
                Err(DescriptionError::Data {
                    name: name.clone(),
                    shape: *shape,
                    expected,
                    what,
                })
            }
            (Some(shape), _) => Ok(*shape),
            (None, Some((expected, _))) => Ok(Shape::from(expected)),
            (None, None) => Err(DescriptionError::NoSize { name: name.clone() }),
        }
    }
}

/// Adds a projection.
fn connect(
    network: &mut Network,
    projection: &ProjectionDescription,
    seed: u64,
) -> Result<(), DescriptionError> {
    let ProjectionDescription {
        source,
        target,
        via,
        pairs,
        delay,
        weights,
        port,
        ..
    } = projection;
    let (source, target) = (PopulationId(*source), PopulationId(*target));
    let of = |id| -> &Population { network.population(id) };
    let name = || format!("{}->{}", of(source).name, of(target).name);
    let mut behind = of(source).shape;
    for pool in via {
        let shape = pool.shape(behind);
        behind = shape.map_err(|wiring| DescriptionError::Wiring {
            name: name(),
            wiring,
        })?;
    }
    let number = network.projections().len() as u64;
    let key = Key::new(seed, Purpose::Wiring).with(number);
    let wiring = pairs.wiring([behind, of(target).shape], key);
    let wiring = wiring.map_err(|pattern| DescriptionError::Pairs {
        name: name(),
        pattern,
    })?;
    let pooled = |behind, pool: &Pool| Wiring::Pooled(*pool, Box::new(behind));
    let id = network.add_projection(Projection {
        source,
        target,
        wiring: via.iter().rev().fold(wiring, pooled),
        delay: delay.clone(),
        init: weights.clone(),
    });
    if let Some(port) = port {
        network.set_port(id, port);
    }
    Ok(())
}
