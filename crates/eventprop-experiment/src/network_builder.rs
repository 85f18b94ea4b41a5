//! Builds the networks of the benchmarks and names their parts for files.

use eventprop::connect::{Delay, Wiring};
use eventprop::loss::Loss;
use eventprop::network::{
    Adaptation, Constant, Init, Li, Lif, Model, Network, NetworkError, NeuronConstant,
    PopulationId, Projection, ProjectionId,
};
use eventprop::params::Role;
use eventprop::rng::{Key, Purpose};

use crate::checkpoint::{Container, Defect};
use crate::settings::{LayerNames, NetworkSettings, Normal, ProjectionNames, Settings, Taus};

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

/// Numbers of inputs and outputs, which the data decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkSize {
    /// Input neurons.
    pub inputs: usize,
    /// Outputs.
    pub classes: usize,
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

impl Topology {
    /// The network of a benchmark with `inputs` input neurons and `classes` outputs. Outputs spike
    /// when the loss reads spike times and are leaky integrators otherwise. Time constants that differ
    /// are drawn under `seed`.
    ///
    /// # Errors
    /// When the settings make no valid network.
    pub fn new(
        settings: &Settings,
        NetworkSize { inputs, classes }: NetworkSize,
        seed: u64,
    ) -> Result<Self, NetworkError> {
        let s = &settings.network;
        let layers = s.hidden.len();
        let names = LayerNames::new(settings.benchmark, layers);
        let mut network = Network::new(settings.clock);
        let mut source = network.add_input("input", inputs);
        let (mut hidden, mut frozen) = (Vec::new(), Vec::new());
        for (layer, &size) in s.hidden.iter().enumerate() {
            let key = Key::new(seed, Purpose::TimeConstants).with(layer as u64);
            let draw = Draw::new(s, key, s.hidden_taus, s.tau_mem, size);
            let target = network.add(&names.hidden(layer), size, hidden_neurons(s, &draw));
            let weights = if layer == 0 {
                s.input_hidden
            } else {
                s.hidden_forward
            };
            let delay = s.delays.between(layer, layer + 1);
            frozen.push(connect(&mut network, source, target, weights, delay));
            if s.recurrent {
                let delay = s.delays.between(layer + 1, layer + 1);
                let weights = s.hidden_hidden;
                frozen.push(connect(&mut network, target, target, weights, delay));
            }
            hidden.push(target);
            source = target;
        }
        if s.train_weights {
            frozen.clear();
        }
        let key = Key::new(seed, Purpose::TimeConstants).with(layers as u64);
        let draw = Draw::new(s, key, s.output_taus, s.tau_mem_output, classes);
        let output = if matches!(settings.loss, Loss::FirstSpike(_)) {
            network.add_lif("output", classes, draw.lif(s))
        } else {
            let li = Li::new(draw.mem, draw.syn).v_init(s.v_reset);
            network.add_li("output", classes, li)
        };
        let delay = s.delays.between(layers, layers + 1);
        let weights = connect(&mut network, source, output, s.hidden_output, delay);
        frozen.extend((!s.train_output_weights).then_some(weights));
        let mut topology = Self {
            projections: names.projections(s.recurrent),
            constants: Vec::new(),
            frozen: frozen.into_iter().map(Role::Weights).collect(),
            network,
            hidden,
        };
        for population in topology.hidden.clone() {
            topology.train_taus(s, population, s.hidden_taus);
        }
        topology.train_taus(s, output, s.output_taus);
        topology.network.validate()?;
        Ok(topology)
    }

    /// Names the constants of a population that differ, and makes those parameters that are trained.
    fn train_taus(&mut self, settings: &NetworkSettings, population: PopulationId, taus: Taus) {
        let (mem, syn) = settings.tau_least;
        for (constant, least, weights, dumped) in [
            (NeuronConstant::TauMem, mem, "taum", "tau_m"),
            (NeuronConstant::TauSyn, syn, "tausyn", "tau_syn"),
        ] {
            if taus.trained {
                self.network.train_constant(population, constant, least);
            }
            if taus.differ() {
                let name = &self.network.population(population).name;
                self.constants.push(ConstantNames {
                    population,
                    constant,
                    weights: format!("{weights}_{name}"),
                    dumped: format!("{dumped}_{name}"),
                });
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

    /// Takes the constants in which neurons differ from a checkpoint. To be called before parameters and
    /// solver are made.
    ///
    /// # Errors
    /// [`Defect::Array`] when the checkpoint is that of another network.
    pub fn restore_constants(&mut self, container: &Container) -> Result<(), Defect> {
        for names in &self.constants {
            let size = self.network.population(names.population).size;
            let name = format!("constants/{}", names.weights);
            let values = container.get_exactly(&name, size)?;
            let (population, constant) = (names.population, names.constant);
            self.network.set_constant(population, constant, values);
        }
        Ok(())
    }

    /// The projections with their names.
    pub fn named_projections(&self) -> impl Iterator<Item = (ProjectionId, &ProjectionNames)> {
        let ids = (0..self.projections.len()).map(ProjectionId);
        ids.zip(&self.projections)
    }
}

/// Time constants of a layer.
struct Draw {
    mem: Constant,
    syn: Constant,
}

impl Draw {
    fn new(settings: &NetworkSettings, key: Key, taus: Taus, tau_mem: f64, size: usize) -> Self {
        let draw = |tau: f64, least: f64, key: Key| {
            if !taus.drawn {
                return Constant::Same(tau);
            }
            // Files of weights hold single precision, and have to give the same network.
            let single = |tau: f64| f64::from(tau as f32);
            let values = (0..size).map(|n| single(gamma(tau, key, n).clamp(least, 3.0 * tau)));
            Constant::PerNeuron(values.collect())
        };
        let (mem, syn) = settings.tau_least;
        Self {
            mem: draw(tau_mem, mem, key.with(0)),
            syn: draw(settings.tau_syn, syn, key.with(1)),
        }
    }

    fn lif(&self, settings: &NetworkSettings) -> Lif {
        Lif::new(self.mem.clone(), self.syn.clone())
            .v_thresh(settings.v_thresh)
            .v_reset(settings.v_reset)
    }
}

/// A draw from the gamma distribution of shape 3 and mean `mean`: the sum of three exponential draws.
fn gamma(mean: f64, key: Key, neuron: usize) -> f64 {
    let draw = |n: u64| -(1.0 - key.uniform(3 * neuron as u64 + n)).ln();
    (draw(0) + draw(1) + draw(2)) * mean / 3.0
}

fn hidden_neurons(settings: &NetworkSettings, draw: &Draw) -> Model {
    let lif = draw.lif(settings);
    match settings.adaptation {
        None => Model::Lif(lif),
        Some(a) => {
            let adaptation = Adaptation::new(a.tau_b, a.b_incr).b_init(a.b_init);
            Model::Alif(lif.adapting(adaptation))
        }
    }
}

/// All to all.
fn connect(
    network: &mut Network,
    source: PopulationId,
    target: PopulationId,
    weights: Normal,
    delay: Delay,
) -> ProjectionId {
    network.add_projection(Projection {
        source,
        target,
        wiring: Wiring::Dense,
        delay,
        init: Init::Normal {
            mean: weights.mean,
            std: weights.std,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Γ(3, τ/3): mean τ, variance τ²/3. With n draws the mean has sd τ/√(3n) and, the fourth central
    /// moment being 3 (1/9 + 6/81)… of order τ⁴, the variance one below 0.7 τ²/√n; the bounds are 5 sd.
    #[test]
    fn drawn_time_constants_have_mean_and_variance_of_the_gamma_distribution() {
        let (n, tau) = (40_000_u32, 20.0);
        let key = Key::new(3, Purpose::Test);
        let draws: Vec<f64> = (0..n as usize).map(|k| gamma(tau, key, k)).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!((mean - tau).abs() < 5.0 * tau / (3.0 * f64::from(n)).sqrt());
        let allowed = 5.0 * 0.7 * tau * tau / f64::from(n).sqrt();
        assert!((variance - tau * tau / 3.0).abs() < allowed, "{variance}");
    }
}
