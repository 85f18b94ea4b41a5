//! Builds the networks of the benchmarks and names their parts for files.

use std::sync::Arc;

use eventprop::connect::{Pattern, PatternError, Wiring};
use eventprop::network::{Network, NeuronConstant, PopulationId, ProjectionId};
use eventprop::params::Role;

use crate::checkpoint::{Container, Defect};
use crate::description::{DescriptionError, NetworkDescription, NetworkSize};
use crate::settings::{ProjectionNames, Settings};

/// A network with the names of its parts.
#[derive(Debug, Clone)]
pub struct Topology {
    /// The network: input, hidden layers, output.
    pub network: Network,
    /// The hidden populations, from input to output.
    pub hidden: Vec<PopulationId>,
    /// Names of the projections, in the order of their ids.
    pub projections: Vec<ProjectionNames>,
    /// Time constants in which neurons of a population differ or come to differ.
    pub constants: Vec<ConstantNames>,
    /// Parameters that training leaves as they are.
    pub frozen: Vec<Role>,
}

/// Names of a time constant of a population.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstantNames {
    /// The population.
    pub population: PopulationId,
    /// The constant.
    pub constant: NeuronConstant,
    /// In files of weights, such as `taum_hidden0`.
    pub weights: String,
    /// In files of time constants at chosen times, such as `tau_m_hidden0`.
    pub dumped: String,
}

impl ConstantNames {
    fn new(population: PopulationId, name: &str, constant: NeuronConstant) -> Self {
        let (weights, dumped) = match constant {
            NeuronConstant::Parameter(own) => (own.text(), own.text()),
            NeuronConstant::TauMem => ("taum", "tau_m"),
            NeuronConstant::TauSyn => ("tausyn", "tau_syn"),
            NeuronConstant::TauB => ("taub", "tau_b"),
            NeuronConstant::BIncr => ("bincr", "b_incr"),
        };
        Self {
            population,
            constant,
            weights: format!("{weights}_{name}"),
            dumped: format!("{dumped}_{name}"),
        }
    }
}

impl Topology {
    /// The network of a benchmark with `inputs` input neurons and `classes` outputs: that of `NETWORK`, or the one that the
    /// other parameters say. What is drawn is drawn under `seed`.
    ///
    /// # Errors
    /// When the settings make no valid network.
    pub fn new(
        settings: &Settings,
        size: NetworkSize,
        seed: u64,
    ) -> Result<Self, DescriptionError> {
        let s = &settings.network;
        let described = NetworkDescription::of_settings(settings, Some(size.classes), seed)?;
        let network = described.build(settings.clock, Some(size), seed)?;
        let spikes = |id: &PopulationId| network.population(*id).spikes();
        let mut topology = Self {
            projections: s.names(settings.benchmark).projections,
            constants: Vec::new(),
            frozen: described.frozen().collect(),
            hidden: (1..=s.hidden.len())
                .map(PopulationId)
                .filter(spikes)
                .collect(),
            network,
        };
        topology.name_constants(settings);
        Ok(topology)
    }

    /// Names the constants of every population that are trained, and the time constants that the keys let differ.
    fn name_constants(&mut self, settings: &Settings) {
        let s = &settings.network;
        let output = self.network.output();
        for (index, population) in self.network.populations().iter().enumerate().skip(1) {
            let id = PopulationId(index);
            let taus = if id == output {
                s.output_taus
            } else {
                s.hidden_taus
            };
            let drawn = s.described.is_none() && taus.drawn;
            for constant in population.trainable() {
                let is_tau = [NeuronConstant::TauMem, NeuronConstant::TauSyn].contains(&constant);
                let trained = population.trained.iter().any(|t| t.constant == constant);
                if trained || is_tau && drawn {
                    let names = ConstantNames::new(id, &population.name, constant);
                    self.constants.push(names);
                }
            }
        }
    }

    /// The constants in which neurons differ, trained or not, as the network was made with them.
    pub fn drawn_constants(&self) -> impl Iterator<Item = (&ConstantNames, Vec<f64>)> {
        self.constants.iter().map(|names| {
            let population = self.network.population(names.population);
            let constant = population.constant(names.constant);
            let constant = constant.expect("the topology names constants that there are");
            let values = (0..population.size).map(|neuron| constant.of(neuron));
            (names, values.collect())
        })
    }

    /// The sparse projections, with their pairs of neurons as they are now.
    pub fn sparse(&self) -> impl Iterator<Item = (ProjectionId, &Arc<Pattern>)> {
        sparse(&self.network)
    }

    /// Takes over the pairs that a network of the same projections has.
    pub fn rewire_as(&mut self, other: &Network) {
        for (id, pattern) in sparse(other) {
            self.rewire(id, Arc::clone(pattern));
        }
    }

    /// Gives a sparse projection other pairs; what is pooled before it stays.
    pub fn rewire(&mut self, id: ProjectionId, pattern: Arc<Pattern>) {
        let wiring = rewired(&self.network.projection(id).wiring, pattern);
        self.network.set_wiring(id, wiring);
    }

    /// Adds what makes the network this one to a checkpoint: constants in which neurons differ, and pairs of neurons.
    pub fn store(&self, container: &mut Container) {
        for (names, values) in self.drawn_constants() {
            container.put(&format!("constants/{}", names.weights), &values);
        }
        put_pairs(container, "pairs", &self.network);
    }

    /// Takes up what [`Self::store`] added. To be called before parameters and solver are made.
    ///
    /// # Errors
    /// [`Defect::Array`] when the checkpoint is that of another network.
    pub fn restore(&mut self, container: &Container) -> Result<(), Defect> {
        for names in &self.constants {
            let size = self.network.population(names.population).size;
            let name = format!("constants/{}", names.weights);
            let values = container.get_exactly(&name, size)?;
            let (population, constant) = (names.population, names.constant);
            self.network.set_constant(population, constant, values);
        }
        get_pairs(container, "pairs", &mut self.network)
    }

    /// The projections with their names.
    pub fn named_projections(&self) -> impl Iterator<Item = (ProjectionId, &ProjectionNames)> {
        let ids = (0..self.projections.len()).map(ProjectionId);
        ids.zip(&self.projections)
    }
}

/// The sparse projections of a network, whether or not neurons are pooled before them.
fn sparse(network: &Network) -> impl Iterator<Item = (ProjectionId, &Arc<Pattern>)> {
    fn pattern(wiring: &Wiring) -> Option<&Arc<Pattern>> {
        match wiring {
            Wiring::Sparse(pattern) => Some(pattern),
            Wiring::Pooled(_, behind) => pattern(behind),
            Wiring::Dense | Wiring::OneToOne | Wiring::Convolution(_) => None,
        }
    }
    let all = network.projections().iter().enumerate();
    all.filter_map(|(id, projection)| Some((ProjectionId(id), pattern(&projection.wiring)?)))
}

/// A sparse wiring with other pairs.
fn rewired(wiring: &Wiring, pattern: Arc<Pattern>) -> Wiring {
    match wiring {
        Wiring::Pooled(pool, behind) => Wiring::Pooled(*pool, Box::new(rewired(behind, pattern))),
        _ => Wiring::Sparse(pattern),
    }
}

/// Adds the pairs of neurons of the sparse projections, as source · targets + target.
pub fn put_pairs(container: &mut Container, at: &str, network: &Network) {
    for (id, pattern) in sparse(network) {
        let numbers: Vec<u64> = pattern.numbers().map(|number| number as u64).collect();
        container.put(&format!("{at}/{}", network.projection_name(id)), &numbers);
    }
}

/// Gives a network the pairs that [`put_pairs`] added.
///
/// # Errors
/// [`Defect::Array`] when the checkpoint is that of another network.
pub fn get_pairs(container: &Container, at: &str, network: &mut Network) -> Result<(), Defect> {
    let before = network.clone();
    for (id, pattern) in sparse(&before) {
        let name = format!("{at}/{}", before.projection_name(id));
        let numbers: Vec<u64> = container.get(&name)?;
        let (sources, targets) = (pattern.sources(), pattern.targets());
        let of = |number: u64| (number as usize / targets, number as usize % targets);
        let pairs = numbers.into_iter().map(of).collect();
        let pattern = Pattern::new(sources, targets, pairs);
        let pattern = pattern.map_err(|problem: PatternError| Defect::Array {
            name,
            problem: format!("is of another network: {problem}"),
        })?;
        let wiring = rewired(&before.projection(id).wiring, Arc::new(pattern));
        network.set_wiring(id, wiring);
    }
    Ok(())
}
