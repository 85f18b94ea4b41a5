//! Small random networks whose neurons fire a few times.
//!
//! Every draw is a function of a seed and a [`Shape`], so a failing test is reproduced from the two
//! numbers it prints. Weights are drawn in units of ϑ over the peak of a unit postsynaptic potential:
//! one such weight just reaches the threshold from rest, a few of them let a neuron fire a few times.

use std::ops::Range;
use std::sync::Arc;

use eventprop::connect::{
    By, Convolution, Delay, Delays, Pattern, Pool, Shape as Extent, Synapses, Wiring,
};
use eventprop::loss::{FirstSpike, Loss, Penalty, Weighting};
use eventprop::network::{
    Adaptation, Clock, Constant, Init, Li, Lif, Model, Network, NeuronConstant, Population,
    PopulationId, Projection,
};
use eventprop::neuron::flow::Flow;
use eventprop::params::Params;
use eventprop::rng::{Key, Purpose};
use eventprop::spikes::{Batch, SpikeTrain};

/// The neurons of the output population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Spiking.
    Lif,
    /// Leaky integrators.
    Li,
}

impl Output {
    /// The output that a loss can read.
    pub fn of(loss: &Loss) -> Self {
        match loss {
            Loss::FirstSpike(_) => Self::Lif,
            Loss::Max | Loss::Sum(_) | Loss::AvgXentropy => Self::Li,
        }
    }
}

/// The draw of the constants of a population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constants {
    /// The same for all neurons: threshold 1, reset 0, τ_mem four times τ_syn.
    Plain,
    /// One draw for all neurons of a population.
    Scalar,
    /// One draw for each neuron.
    PerNeuron,
}

/// The kind of network that is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own that a shape has or has not"
)]
pub struct Shape {
    /// Hidden populations, 0 or more.
    pub hidden: usize,
    /// True if every hidden population feeds back on itself.
    pub recurrent: bool,
    /// True if the input reaches every population directly.
    pub skips: bool,
    /// True if the neurons of every hidden population also reach themselves and those of the next one,
    /// one to one.
    pub one_to_one: bool,
    /// True if recurrent projections and skips have three in five of their synapses.
    pub sparse: bool,
    /// True if the populations are images: projections between them are convolutions, in place of dense ones, and those to
    /// the output and skips begin with a pooling.
    pub images: bool,
    /// True if projections have delays.
    pub delays: bool,
    /// True if those delays are trained, of every kind ([`By`]) in turn.
    pub trained_delays: bool,
    /// The constants.
    pub constants: Constants,
    /// True if thresholds adapt.
    pub adapting: bool,
    /// True if spiking neurons have a refractory time: of 0.4, 0.8, … 2.4 ms.
    pub refractory: bool,
    /// True if every constant that can be trained is a parameter.
    pub trained: bool,
    /// The output.
    pub output: Output,
    /// Samples in the batch.
    pub samples: usize,
}

impl Shape {
    /// A shape of its own for every seed: 1 to 3 hidden populations, and each of the other
    /// properties on or off by one bit of the seed.
    pub fn of_seed(seed: u64, output: Output) -> Self {
        let bit = |n: u64| (seed >> n) & 1 == 1;
        Self {
            hidden: 1 + (seed % 3) as usize,
            recurrent: bit(0),
            skips: bit(1),
            delays: bit(2),
            one_to_one: bit(3),
            sparse: bit(4),
            images: seed / 2 % 5 < 2,
            constants: match seed / 3 % 3 {
                0 => Constants::Plain,
                1 => Constants::Scalar,
                _ => Constants::PerNeuron,
            },
            trained_delays: false,
            adapting: false,
            refractory: false,
            trained: false,
            output,
            samples: 1 + (seed / 5 % 2) as usize,
        }
    }
}

/// A drawn network with parameters and input.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The network.
    pub network: Network,
    /// Its parameters.
    pub params: Params<f64>,
    /// Input and labels.
    pub batch: Batch,
}

/// Length of the drawn trials in ms.
pub const TRIAL_MS: f64 = 20.0;
/// Neurons of a hidden population.
const HIDDEN: usize = 4;
/// Input channels.
const INPUT: usize = 5;
/// Classes.
const OUTPUT: usize = 3;

/// All losses in turn.
pub fn loss_of_seed(seed: u64) -> Loss {
    let all = losses();
    all[(seed % all.len() as u64) as usize]
}

/// All losses, with constants that suit [`TRIAL_MS`].
pub fn losses() -> [Loss; 10] {
    let first_spike = |penalty| {
        Loss::FirstSpike(FirstSpike {
            tau_0: 2.0,
            alpha: 0.1,
            penalty,
            push_silent: false,
        })
    };
    [
        first_spike(Penalty::Inverse),
        first_spike(Penalty::Exp { tau_1: 10.0 }),
        Loss::Max,
        Loss::Sum(Weighting::Flat),
        Loss::Sum(Weighting::Linear),
        Loss::Sum(Weighting::Exp),
        Loss::Sum(Weighting::Sigmoid),
        Loss::Sum(Weighting::Input {
            tau: 10.0,
            gain: 0.2,
        }),
        Loss::Sum(Weighting::Late { tau: 10.0 }),
        Loss::AvgXentropy,
    ]
}

/// The same neurons, refractory where the shape says so; from a stream of their own.
fn held(lif: Lif, (shape, seed): (Shape, u64), size: usize) -> Lif {
    if !shape.refractory {
        return lif;
    }
    let mut draws = Draws::new(Key::new(seed, Purpose::Test).with(3).with(size as u64));
    lif.refractory(draws.refractory(shape.constants, size))
}

/// Draws a network, its parameters and a batch.
///
/// # Panics
/// Never: what is drawn is valid.
pub fn draw(shape: Shape, seed: u64, dt_ms: f64) -> Drawn {
    let clock = Clock::new(dt_ms, TRIAL_MS).expect("the step is positive");
    let mut draws = Draws::new(Key::new(seed, Purpose::Test));
    // Streams of their own, so that a network differs in nothing else from the one without.
    let mut of_thresholds = Draws::new(Key::new(seed, Purpose::Test).with(1));
    let mut of_pairs = Draws::new(Key::new(seed, Purpose::Test).with(2));
    let mut lif = |draws: &mut Draws, size| {
        let lif = held(draws.lif(shape.constants, size), (shape, seed), size);
        if shape.adapting {
            Model::Alif(lif.adapting(of_thresholds.adaptation(shape.constants, size)))
        } else {
            Model::Lif(lif)
        }
    };
    let mut network = Network::new(clock);
    let (inputs, hiddens) = extents(shape);
    let input = network.add_input("input", inputs);
    let mut layers = Vec::new();
    for layer in 0..shape.hidden {
        let lif = lif(&mut draws, neurons(hiddens));
        layers.push(network.add(&format!("hidden{layer}"), hiddens, lif));
    }
    layers.push(match shape.output {
        Output::Lif => network.add("output", OUTPUT, lif(&mut draws, OUTPUT)),
        Output::Li => network.add_li("output", OUTPUT, draws.li(shape.constants, OUTPUT)),
    });
    let mut before = input;
    for (position, &layer) in layers.iter().enumerate() {
        let is_hidden = position + 1 < layers.len();
        let from = |source| Ends {
            source,
            target: layer,
        };
        let mut connect = |source, how| draws.connect(&mut network, from(source), how);
        let driving = How::dense(shape, Strength::DRIVING);
        let forward = if before == input {
            Seen::Smaller
        } else {
            Seen::Whole
        };
        let seen = if is_hidden { forward } else { Seen::Pooled };
        connect(before, driving.of_images(shape, seen, position));
        if shape.recurrent && is_hidden {
            let recurrent = How::some(shape, Strength::RECURRENT);
            connect(layer, recurrent.of_images(shape, Seen::Whole, position));
        }
        if shape.skips && before != input {
            let skip = How::some(shape, Strength::SKIP);
            connect(input, skip.of_images(shape, Seen::Pooled, position));
        }
        if shape.one_to_one && is_hidden {
            let spiking = [before, layer].into_iter().filter(|&s| s != input);
            for source in spiking {
                let how = How::one_to_one(shape);
                of_pairs.connect(&mut network, from(source), how);
            }
        }
        before = layer;
    }
    if shape.trained {
        train_constants(&mut network, &layers);
    }
    let params = Params::init(&network, seed).expect("a drawn network is valid");
    let batch = draws.batch(shape.samples, neurons(inputs) as u32);
    Drawn {
        network,
        params,
        batch,
    }
}

fn neurons(extent: Extent) -> usize {
    extent.neurons().expect("they are few")
}

/// The input and the hidden populations of a shape.
fn extents(shape: Shape) -> (Extent, Extent) {
    if shape.images {
        (Extent::from([3, 3, 2]), Extent::from([2, 2, 2]))
    } else {
        (Extent::from(INPUT), Extent::from(HIDDEN))
    }
}

/// Makes parameters of all constants that `layers` have.
fn train_constants(network: &mut Network, layers: &[PopulationId]) {
    for &layer in layers {
        let trainable: Vec<NeuronConstant> = network.population(layer).trainable().collect();
        for constant in trainable {
            network.train_constant(layer, constant, 1e-3);
        }
    }
}

/// Mean and standard deviation of weights in units of the weight that just reaches the threshold.
#[derive(Debug, Clone, Copy)]
struct Strength {
    mean: f64,
    std: f64,
}

impl Strength {
    const DRIVING: Self = Self {
        mean: 0.3,
        std: 0.35,
    };
    const RECURRENT: Self = Self {
        mean: 0.0,
        std: 0.25,
    };
    const SKIP: Self = Self {
        mean: 0.05,
        std: 0.2,
    };
    const PAIR: Self = Self {
        mean: 0.1,
        std: 0.4,
    };
}

/// The populations that a projection connects.
#[derive(Debug, Clone, Copy)]
struct Ends {
    source: PopulationId,
    target: PopulationId,
}

/// The part of an image that a neuron of the next one sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Two positions in each direction: the next image is smaller by one.
    Smaller,
    /// Three, with positions beyond the borders.
    Whole,
    /// Windows.
    Pooled,
}

/// The kind of a projection.
#[derive(Debug, Clone)]
struct How {
    wiring: Wiring,
    sparse: bool,
    delays: bool,
    trained_delays: bool,
    strength: Strength,
}

impl How {
    fn dense(shape: Shape, strength: Strength) -> Self {
        Self {
            wiring: Wiring::Dense,
            sparse: false,
            delays: shape.delays,
            trained_delays: shape.trained_delays,
            strength,
        }
    }

    /// A part of the synapses, where the shape is sparse.
    fn some(shape: Shape, strength: Strength) -> Self {
        Self {
            sparse: shape.sparse,
            ..Self::dense(shape, strength)
        }
    }

    /// Between images, where the shape has them.
    fn of_images(mut self, shape: Shape, seen: Seen, position: usize) -> Self {
        if !shape.images {
            return self;
        }
        let (alone, together) = (Convolution::of(2), Convolution::of(3));
        self.wiring = match seen {
            Seen::Smaller => Wiring::Convolution(Convolution {
                groups: 1 + position % 2,
                ..alone
            }),
            Seen::Whole => Wiring::Convolution(Convolution {
                padding: [1; 2],
                groups: 1 + (position + 1) % 2,
                ..together
            }),
            Seen::Pooled => {
                let pools = [Pool::sum(2), Pool::average(2)];
                Wiring::Pooled(pools[position % 2], Box::new(Wiring::Dense))
            }
        };
        // Twice as many neurons or spikes arrive as over the connections of single neurons.
        let scale = 0.5 / self.wiring.factor();
        self.strength.mean *= scale;
        self.strength.std *= scale;
        self.sparse = false;
        self
    }

    fn one_to_one(shape: Shape) -> Self {
        Self {
            wiring: Wiring::OneToOne,
            sparse: false,
            delays: shape.delays,
            trained_delays: shape.trained_delays,
            strength: Strength::PAIR,
        }
    }
}

/// A stream of random numbers.
struct Draws {
    key: Key,
    counter: u64,
    /// The kind of the trained delays that were drawn last.
    kind: usize,
}

impl Draws {
    fn new(key: Key) -> Self {
        Self {
            key,
            counter: 0,
            kind: 0,
        }
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.counter += 1;
        low + (high - low) * self.key.uniform(self.counter)
    }

    fn normal(&mut self, mean: f64, std: f64) -> f64 {
        self.counter += 1;
        mean + std * self.key.normal(self.counter)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.counter += 1;
        self.key.below(self.counter, bound)
    }

    fn constant(
        &mut self,
        constants: Constants,
        size: usize,
        plain: f64,
        range: Range<f64>,
    ) -> Constant {
        match constants {
            Constants::Plain => Constant::Same(plain),
            Constants::Scalar => Constant::Same(self.between(range.start, range.end)),
            Constants::PerNeuron => Constant::PerNeuron(
                (0..size)
                    .map(|_| self.between(range.start, range.end))
                    .collect(),
            ),
        }
    }

    /// τ_mem and τ_syn. One scalar draw in three has equal ones, one in three the ratio two, where
    /// crossings have closed forms.
    fn time_constants(&mut self, constants: Constants, size: usize) -> (Constant, Constant) {
        let tau_syn = self.constant(constants, size, 5.0, 3.0..8.0);
        let tau_mem = self.constant(constants, size, 20.0, 8.0..25.0);
        match (constants, &tau_syn, self.below(3)) {
            (Constants::Scalar, Constant::Same(tau), 0) => (Constant::Same(*tau), tau_syn),
            (Constants::Scalar, Constant::Same(tau), 1) => (Constant::Same(2.0 * tau), tau_syn),
            _ => (tau_mem, tau_syn),
        }
    }

    fn lif(&mut self, constants: Constants, size: usize) -> Lif {
        let (tau_mem, tau_syn) = self.time_constants(constants, size);
        Lif {
            tau_mem,
            tau_syn,
            v_thresh: self.constant(constants, size, 1.0, 0.7..1.4),
            v_reset: self.constant(constants, size, 0.0, -0.5..0.3),
            refractory: Constant::Same(0.0),
        }
    }

    fn li(&mut self, constants: Constants, size: usize) -> Li {
        let (tau_mem, tau_syn) = self.time_constants(constants, size);
        Li {
            tau_mem,
            tau_syn,
            v_init: self.constant(constants, size, 0.0, -0.2..0.2),
        }
    }

    /// Refractory times in multiples of 0.4 ms, which are whole steps of most lengths.
    fn refractory(&mut self, constants: Constants, size: usize) -> Constant {
        let whole = |ms: f64| (ms / 0.4).round() * 0.4;
        match self.constant(constants, size, 1.2, 0.4..2.4) {
            Constant::Same(ms) => Constant::Same(whole(ms)),
            Constant::PerNeuron(all) => Constant::PerNeuron(all.into_iter().map(whole).collect()),
        }
    }

    /// A threshold that rises by a fifth of the usual one or so with every spike.
    fn adaptation(&mut self, constants: Constants, size: usize) -> Adaptation {
        Adaptation {
            tau_b: self.constant(constants, size, 30.0, 4.0..60.0),
            b_incr: self.constant(constants, size, 0.2, 0.05..0.5),
            b_init: self.constant(constants, size, 0.0, 0.0..0.2),
        }
    }

    fn connect(&mut self, network: &mut Network, ends: Ends, how: How) {
        let Ends { source, target } = ends;
        let How {
            mut wiring,
            sparse,
            delays,
            trained_delays,
            strength,
        } = how;
        let population = network.population(target);
        let (source_shape, target_shape) = (network.population(source).shape, population.shape);
        let (sources, targets) = (network.population(source).size, population.size);
        if sparse {
            let key = self.key.with(network.projections().len() as u64);
            let pattern = Pattern::with_probability(sources, targets, 0.6, key);
            wiring = Wiring::Sparse(Arc::new(pattern.expect("some pair is drawn")));
        }
        let synapses = wiring.between(source_shape, target_shape);
        let synapses = synapses.expect("what is drawn fits");
        let mut weights: Vec<Option<f64>> = vec![None; synapses.weights_len()];
        for synapse in synapses.iter() {
            let unit = || reaching_threshold(population, synapse.target);
            let weight = || unit() * self.normal(strength.mean, strength.std);
            weights[synapse.weight].get_or_insert_with(weight);
        }
        let weights = weights.into_iter().map(Option::unwrap_or_default).collect();
        // A short one of half a millisecond's multiples would coincide with steps; these do not.
        let delay_ms = if delays { self.between(0.2, 3.0) } else { 0.0 };
        let delay = if trained_delays {
            self.trained(&synapses, network.projections().len())
        } else {
            Delay::Constant(delay_ms)
        };
        network.add_projection(Projection {
            source,
            target,
            wiring,
            delay,
            init: Init::Values(weights),
        });
    }

    /// Trained delays; the kinds take turns, beginning with one that the draws choose.
    fn trained(&mut self, synapses: &Synapses, projection: usize) -> Delay {
        const KINDS: [By; 4] = [By::Synapse, By::Source, By::Target, By::Projection];
        self.kind = match projection {
            0 => self.below(KINDS.len() as u64) as usize,
            _ => self.kind + 1,
        };
        let by = KINDS[self.kind % KINDS.len()];
        let len = by.shape(synapses).iter().product();
        let values = (0..len).map(|_| self.between(0.2, 3.0)).collect();
        Delay::Each(Delays {
            by,
            init: Init::Values(values),
            most_ms: 4.0,
            trained: true,
        })
    }

    fn batch(&mut self, samples: usize, inputs: u32) -> Batch {
        let mut trains = Vec::new();
        let mut labels = Vec::new();
        for _ in 0..samples {
            let (mut times_ms, mut neurons) = (Vec::new(), Vec::new());
            for channel in 0..inputs {
                let spikes = self.below(3) + u64::from(inputs == INPUT as u32);
                for _ in 0..spikes {
                    times_ms.push(self.between(0.0, 0.7 * TRIAL_MS));
                    neurons.push(channel);
                }
            }
            trains.push(SpikeTrain::new(times_ms, neurons).expect("times are in the trial"));
            labels.push(self.below(OUTPUT as u64) as u32);
        }
        Batch::new(trains, labels).expect("a label for every train")
    }
}

/// The weight of which one spike just lifts a neuron at rest to its threshold (to 1 for a leaky
/// integrator): ϑ over the peak of the response to a unit of current.
fn reaching_threshold(population: &Population, neuron: usize) -> f64 {
    let (tau_mem, tau_syn) = population
        .time_constants()
        .expect("a target is not the input");
    let (tau_mem, tau_syn) = (tau_mem.of(neuron), tau_syn.of(neuron));
    let peak_ms = if tau_mem == tau_syn {
        tau_mem
    } else {
        (tau_mem / tau_syn).ln() * tau_mem * tau_syn / (tau_mem - tau_syn)
    };
    let theta = population.threshold().map_or(1.0, |theta| theta.of(neuron));
    theta / Flow::over(peak_ms, tau_mem, tau_syn).current_to_voltage
}

#[cfg(test)]
mod tests {
    use eventprop::solver::grid::judge::Judge;

    use super::*;
    use crate::solve::evaluate;

    /// The generator keeps its promise: over many draws, most hidden and output neurons fire, and
    /// not all the time.
    #[test]
    fn neurons_fire_a_few_times() {
        let (mut neurons, mut silent, mut spikes) = (0, 0, 0);
        for seed in 0..60 {
            let drawn = draw(Shape::of_seed(seed, Output::Lif), seed, 0.1);
            let mut judge = Judge::new(&drawn.network).unwrap();
            let (trials, ..) = evaluate(&mut judge, &drawn.params, &drawn.batch, &losses()[0]);
            for tape in &trials.tapes {
                for (index, population) in drawn.network.populations().iter().enumerate().skip(1) {
                    let mut counts = vec![0; population.size];
                    tape.add_counts(index, &mut counts);
                    neurons += counts.len();
                    silent += counts.iter().filter(|&&n| n == 0).count();
                    spikes += counts.iter().sum::<u32>() as usize;
                }
            }
        }
        let (silent_share, mean) = (
            silent as f64 / neurons as f64,
            spikes as f64 / neurons as f64,
        );
        assert!(
            silent_share < 0.4,
            "{silent_share} of the neurons are silent"
        );
        assert!((1.0..6.0).contains(&mean), "{mean} spikes per neuron");
    }
}
