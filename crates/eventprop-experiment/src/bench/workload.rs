//! The workloads: which network, which input, which loss.

use std::sync::Arc;

use eventprop::connect::{By, Convolution, Delay, Delays, Pattern, Pool, Wiring};
use eventprop::loss::{FirstSpike, Loss, Penalty, Weighting};
use eventprop::network::{
    Clock, Equations, Init, Li, Lif, Network, NetworkError, NeuronModel, Projection,
};
use eventprop::rng::{Key, Purpose};
use eventprop::solver::SolverKind;
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop_data::binned::{BinnedSet, Speakers};

/// A workload with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// 784 inputs of which 124 on average spike once, 128 LIF, 10 LI, 20 steps of 1 ms, grid solver,
    /// loss `sum`.
    Mnist,
    /// 700 inputs with 8,000 spikes in the first 70 % of 1000 steps of 1 ms, 256 recurrent LIF at about
    /// 14 spikes per neuron, 20 LI, grid solver, loss `sum_weigh_exp`.
    Shd,
    /// The same with 1024 recurrent neurons.
    Shd1024,
    /// The same with 512 recurrent neurons and ten projections from the input, delayed by 0, 30, …,
    /// 270 ms.
    ShdDelays,
    /// `shd` with a trained delay of 0 to 250 ms for every neuron, on its way to hidden neurons.
    ShdAxonal,
    /// The same with one for every synapse.
    ShdSynaptic,
    /// `shd` with a tenth of the synapses into hidden neurons, and weights ten times as large.
    Sparse,
    /// An image of 34 × 34 pixels of two polarities with 4,000 spikes over 300 steps of 1 ms, three convolutions of 16, 16
    /// and 8 channels with sums of 2 × 2 positions before the last one and behind it, 256 LIF, 10 LI.
    NmnistConv,
    /// `shd` with the LIF neurons as equations.
    ShdEquations,
    /// `shd` with Izhikevich neurons, in two parts of a step and not recurrent.
    Izhikevich,
    /// 700 inputs with 8,000 spikes over 1000 steps of 1 ms, 512 recurrent LIF, 35 LI.
    Ssc,
    /// 2048 inputs with 20,000 spikes over 2000 steps of 1 ms, 256 recurrent LIF, 11 LI.
    Dvs,
    /// 5 inputs that spike once, 200 LIF, 3 LIF, 30 ms, event solver, loss `first_spike`.
    YinYang,
    /// The same on the grid, steps of 0.1 ms.
    YinYangGrid,
}

/// The shape of `shd`, which the other recurrent workloads vary.
const SPOKEN: Shape = Shape {
    inputs: 700,
    input: Input::Binned {
        spikes: 8_000,
        share: 0.7,
    },
    copies: 1,
    trained_delays: None,
    connected: 1.0,
    image: false,
    equations: None,
    hidden: 256,
    recurrent: Some((0.0, 0.02)),
    outputs: 20,
    dt_ms: 1.0,
    steps: 1000,
    batch: 32,
    into_hidden: (0.0196, 0.01),
    into_output: (0.0, 0.03),
    solver: SolverKind::Grid,
};

/// The shape of `yinyang`.
const SMALL: Shape = Shape {
    inputs: 5,
    input: Input::Once {
        share: 1.0,
        from_ms: 0.2,
        over_ms: 29.6,
    },
    hidden: 200,
    recurrent: None,
    outputs: 3,
    dt_ms: 0.1,
    steps: 300,
    into_hidden: (2.0, 0.78),
    into_output: (0.5, 0.1),
    solver: SolverKind::Event,
    ..SPOKEN
};

impl Workload {
    /// All workloads.
    pub const ALL: [Self; 14] = [
        Self::Mnist,
        Self::Shd,
        Self::Shd1024,
        Self::ShdDelays,
        Self::ShdAxonal,
        Self::ShdSynaptic,
        Self::Sparse,
        Self::NmnistConv,
        Self::ShdEquations,
        Self::Izhikevich,
        Self::Ssc,
        Self::Dvs,
        Self::YinYang,
        Self::YinYangGrid,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::Shd => "shd",
            Self::Shd1024 => "shd-1024",
            Self::ShdDelays => "shd-delays",
            Self::ShdAxonal => "shd-axonal",
            Self::ShdSynaptic => "shd-synaptic",
            Self::Sparse => "sparse",
            Self::NmnistConv => "nmnist-conv",
            Self::ShdEquations => "shd-equations",
            Self::Izhikevich => "izhikevich",
            Self::Ssc => "ssc",
            Self::Dvs => "dvs",
            Self::YinYang => "yinyang",
            Self::YinYangGrid => "yinyang-grid",
        }
    }

    /// The shape.
    ///
    /// The weights are drawn from normal distributions whose means and widths were found by trial: the
    /// recurrent workloads fire about 14 times per neuron, the target of `genn_eventprop`'s regulariser.
    pub fn shape(self) -> Shape {
        let (spoken, small) = (SPOKEN, SMALL);
        match self {
            Self::Mnist => Shape {
                inputs: 784,
                input: Input::Once {
                    share: 124.0 / 784.0,
                    from_ms: 2.0,
                    over_ms: 16.0,
                },
                hidden: 128,
                recurrent: None,
                outputs: 10,
                steps: 20,
                into_hidden: (0.078, 0.045),
                into_output: (0.2, 0.37),
                ..spoken
            },
            Self::Shd => spoken,
            Self::ShdEquations => Shape {
                equations: Some("lif"),
                ..spoken
            },
            Self::Izhikevich => Shape {
                equations: Some("izhikevich"),
                recurrent: None,
                into_hidden: (0.2, 0.1),
                ..spoken
            },
            Self::Shd1024 => Shape {
                hidden: 1024,
                recurrent: Some((0.0, 0.01)),
                ..spoken
            },
            Self::ShdDelays
            | Self::ShdAxonal
            | Self::ShdSynaptic
            | Self::Sparse
            | Self::NmnistConv => self.shape_of_connections(),
            Self::Ssc => Shape {
                input: Input::Binned {
                    spikes: 8_000,
                    share: 1.0,
                },
                hidden: 512,
                recurrent: Some((0.0, 0.014)),
                outputs: 35,
                into_hidden: (0.026, 0.01),
                ..spoken
            },
            Self::Dvs => Shape {
                inputs: 2048,
                into_hidden: (0.0197, 0.01),
                input: Input::Binned {
                    spikes: 20_000,
                    share: 1.0,
                },
                outputs: 11,
                steps: 2000,
                ..spoken
            },
            Self::YinYang => small,
            Self::YinYangGrid => Shape {
                solver: SolverKind::Grid,
                ..small
            },
        }
    }

    /// The shape of a workload that varies the connections of `shd`.
    fn shape_of_connections(self) -> Shape {
        let spoken = SPOKEN;
        match self {
            Self::ShdDelays => Shape {
                copies: 10,
                hidden: 512,
                recurrent: Some((0.0, 0.014)),
                into_hidden: (0.00216, 0.003),
                ..spoken
            },
            Self::ShdAxonal => Shape {
                trained_delays: Some(By::Source),
                ..spoken
            },
            Self::ShdSynaptic => Shape {
                trained_delays: Some(By::Synapse),
                ..spoken
            },
            Self::Sparse => Shape {
                connected: 0.1,
                into_hidden: (0.196, 0.1),
                recurrent: Some((0.0, 0.06)),
                ..spoken
            },
            Self::NmnistConv => Shape {
                inputs: 2 * 34 * 34,
                image: true,
                input: Input::Binned {
                    spikes: 4_000,
                    share: 1.0,
                },
                recurrent: None,
                outputs: 10,
                steps: 300,
                ..spoken
            },
            _ => spoken,
        }
    }
}

/// The activity of the inputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input {
    /// A share of the inputs spikes once, evenly over a window.
    Once {
        /// Probability of an input.
        share: f64,
        /// Begin of the window.
        from_ms: f64,
        /// Its length.
        over_ms: f64,
    },
    /// Spikes fall evenly on all inputs and on the first steps of the trial; where two coincide one
    /// remains. The samples are kept as the program keeps its data sets, and every batch is filled
    /// from them.
    Binned {
        /// Spikes of a sample.
        spikes: u32,
        /// Share of the trial in which there are spikes.
        share: f64,
    },
}

/// Everything that makes a workload.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Input neurons.
    pub inputs: usize,
    /// Their activity.
    pub input: Input,
    /// Projections from input to hidden, each delayed by 30 ms more than the one before.
    pub copies: usize,
    /// The synapses that share a trained delay, if delays into hidden neurons are trained.
    pub trained_delays: Option<By>,
    /// The share of all pairs that is connected by projections into hidden neurons.
    pub connected: f64,
    /// True if convolutions stand between the input and the hidden neurons.
    pub image: bool,
    /// The model of hidden neurons, if they are given as equations.
    pub equations: Option<&'static str>,
    /// Hidden neurons: LIF, where no other model is named.
    pub hidden: usize,
    /// Mean and standard deviation of the recurrent weights, if there are any.
    pub recurrent: Option<(f64, f64)>,
    /// Outputs: LIF for `first_spike`, else LI.
    pub outputs: usize,
    /// Step of the grid.
    pub dt_ms: f64,
    /// Steps of a trial.
    pub steps: usize,
    /// Samples of a batch.
    pub batch: usize,
    /// Mean and standard deviation of the weights from the input.
    pub into_hidden: (f64, f64),
    /// Mean and standard deviation of the weights to the output.
    pub into_output: (f64, f64),
    /// The solver.
    pub solver: SolverKind,
}

/// The longest of the trained delays.
const LONGEST_DELAY_MS: f64 = 250.0;

/// Extra delay of every further copy of the projection from the input.
const COPY_DELAY_MS: f64 = 30.0;

/// Trained delays of all lengths.
fn trained(by: By) -> Delay {
    Delay::Each(Delays {
        by,
        init: Init::Uniform {
            low: 0.0,
            high: LONGEST_DELAY_MS,
        },
        most_ms: LONGEST_DELAY_MS,
        trained: true,
    })
}

impl Shape {
    /// The shape in words.
    pub fn words(&self) -> String {
        let Self {
            inputs,
            hidden,
            outputs,
            steps,
            dt_ms,
            batch,
            ..
        } = self;
        let spikes = match self.input {
            Input::Once { share, .. } => (share * *inputs as f64).round(),
            Input::Binned { spikes, .. } => f64::from(spikes),
        };
        let recurrent = if self.recurrent.is_some() {
            " recurrent"
        } else {
            ""
        };
        let copies = if self.copies > 1 {
            format!(" × {} delays", self.copies)
        } else {
            String::new()
        };
        let delays = match self.trained_delays {
            Some(by) => format!(", trained delays by {}", by.name()),
            None => String::new(),
        };
        let convolutions = if self.image {
            "-16C5-16C3-P2-8C3-P2"
        } else {
            ""
        };
        let model = match self.equations {
            Some(name) => format!(" {name} (equations)"),
            None => String::new(),
        };
        let connected = if self.connected < 1.0 {
            format!(", {:.0} % of the pairs connected", 100.0 * self.connected)
        } else {
            String::new()
        };
        let solver = self.solver.name();
        let loss = self.loss().name();
        format!(
            "{inputs}{convolutions}-{hidden}{model}{recurrent}-{outputs}, {spikes} input spikes{copies}{delays}{connected}, {steps} steps of {dt_ms} ms, {solver}, {loss}, batch {batch}"
        )
    }

    /// The network.
    ///
    /// # Errors
    /// When the shape is no valid network.
    pub fn network(&self) -> Result<Network, NetworkError> {
        if self.image {
            return self.image_network();
        }
        let normal = |(mean, std)| Init::Normal { mean, std };
        let mut network = Network::new(Clock::new(self.dt_ms, self.dt_ms * self.steps as f64)?);
        let input = network.add_input("input", self.inputs);
        let hidden = match self.equations {
            None => network.add_lif("hidden", self.hidden, Lif::new(20.0, 5.0)),
            Some(name) => {
                let model = NeuronModel::shipped(name).expect("it comes along");
                network.add_equations("hidden", self.hidden, Equations::new(model))
            }
        };
        let output = if self.fires_at_output() {
            network.add_lif("output", self.outputs, Lif::new(20.0, 5.0))
        } else {
            network.add_li("output", self.outputs, Li::new(20.0, 5.0))
        };
        for copy in 0..self.copies {
            let delay = match self.trained_delays {
                None => Delay::Constant(COPY_DELAY_MS * copy as f64),
                Some(by) => trained(by),
            };
            network.add_projection(Projection {
                source: input,
                target: hidden,
                wiring: self.wiring(self.inputs, 1),
                delay,
                init: normal(self.into_hidden),
            });
        }
        if let Some(recurrent) = self.recurrent {
            network.add_projection(Projection {
                source: hidden,
                target: hidden,
                wiring: self.wiring(self.hidden, 2),
                delay: self.trained_delays.map_or(Delay::NONE, trained),
                init: normal(recurrent),
            });
        }
        network.connect(hidden, output, normal(self.into_output));
        network.validate()?;
        Ok(network)
    }

    /// The pairs of a projection into hidden neurons, drawn anew for each.
    fn wiring(&self, sources: usize, projection: u64) -> Wiring {
        if self.connected >= 1.0 {
            return Wiring::Dense;
        }
        let key = Key::new(1, Purpose::Wiring).with(projection);
        let pattern = Pattern::with_probability(sources, self.hidden, self.connected, key);
        Wiring::Sparse(Arc::new(
            pattern.expect("a workload connects some of many pairs"),
        ))
    }

    /// The convolutional network of the reference for N-MNIST.
    fn image_network(&self) -> Result<Network, NetworkError> {
        let lif = || Lif::new(20.0, 5.0);
        let mut network = Network::new(Clock::new(self.dt_ms, self.dt_ms * self.steps as f64)?);
        let input = network.add_input("input", [34, 34, 2]);
        let first = network.add_lif("hidden", [15, 15, 16], lif());
        let second = network.add_lif("second", [13, 13, 16], lif());
        let third = network.add_lif("third", [4, 4, 8], lif());
        let dense = network.add_lif("dense", self.hidden, lif());
        let output = network.add_li("output", self.outputs, Li::new(20.0, 5.0));
        let by_two = Convolution {
            stride: [2, 2],
            ..Convolution::of(5)
        };
        let kernel = || Wiring::Convolution(Convolution::of(3));
        let pooled = |behind| Wiring::Pooled(Pool::sum(2), Box::new(behind));
        for (source, target, wiring, gain, mean) in [
            (input, first, Wiring::Convolution(by_two), 5.0, 20.0),
            (first, second, kernel(), 5.0, 20.0),
            (second, third, pooled(kernel()), 5.0, 14.0),
            (third, dense, pooled(Wiring::Dense), 5.0, 12.0),
            (dense, output, Wiring::Dense, 1.0, 0.0),
        ] {
            network.add_projection(Projection {
                source,
                target,
                wiring,
                delay: Delay::NONE,
                init: Init::FanIn { gain, mean },
            });
        }
        network.validate()?;
        Ok(network)
    }

    fn fires_at_output(&self) -> bool {
        self.outputs == 3
    }

    /// The loss.
    pub fn loss(&self) -> Loss {
        match self.input {
            Input::Binned { .. } => Loss::Sum(Weighting::Exp),
            Input::Once { .. } if self.fires_at_output() => Loss::FirstSpike(FirstSpike {
                tau_0: 0.5,
                alpha: 0.1,
                penalty: Penalty::Inverse,
                push_silent: true,
            }),
            Input::Once { .. } => Loss::Sum(Weighting::Flat),
        }
    }

    /// Bytes that a sample surely takes in memory.
    pub fn sample_bytes(&self) -> f64 {
        let key = size_of::<Key>() as f64;
        match self.input {
            // A time and a neuron a spike.
            Input::Once { share, .. } => key + 12.0 * share * self.inputs as f64,
            // A channel a spike, where no two coincide, or one in every place.
            Input::Binned { spikes, .. } => {
                let places = (self.steps * self.inputs) as f64;
                key + 2.0 * f64::from(spikes).min(places)
            }
        }
    }

    /// Batches that stay in memory, from the seed of the bench.
    pub fn batches(&self, count: usize) -> Batches {
        let key = Key::new(1, Purpose::Data);
        let keys: Vec<Key> = (0..count * self.batch)
            .map(|sample| key.with(sample as u64))
            .collect();
        let label = |key: &Key| key.below(u64::MAX, self.outputs as u64) as u32;
        match self.input {
            Input::Once { .. } => {
                let batch = |keys: &[Key]| {
                    let trains = keys.iter().map(|&key| self.train_once(key)).collect();
                    Batch::new(trains, keys.iter().map(label).collect())
                        .expect("one label for every train")
                };
                Batches::Ready(keys.chunks(self.batch).map(batch).collect())
            }
            Input::Binned { spikes, share } => {
                let (steps, inputs) = (self.steps as u32, self.inputs as u32);
                let last = ((self.steps as f64 * share).round() as u64).max(1);
                let mut set = BinnedSet::new(inputs, steps, self.outputs as u32, Speakers::Unknown);
                let mut events = Vec::new();
                for key in &keys {
                    events.clear();
                    events.extend((0..u64::from(spikes)).map(|spike| {
                        let [step, channel, ..] = key.words(spike);
                        let channel = scaled(channel, u64::from(inputs));
                        (scaled(step, last), channel as u16)
                    }));
                    set.push(&mut events, label(key) as u16, None);
                }
                set.shrink();
                Batches::Binned {
                    set: Box::new(set),
                    dt_ms: self.dt_ms,
                    batch: Batch::default(),
                    size: self.batch,
                }
            }
        }
    }

    fn train_once(&self, key: Key) -> SpikeTrain {
        let Input::Once {
            share,
            from_ms,
            over_ms,
        } = self.input
        else {
            unreachable!("called for inputs that spike once")
        };
        let chosen = (0..self.inputs as u64).filter(|&input| key.uniform(input) < share);
        let when = key.with(1);
        let (times, neurons) = chosen
            .map(|input| (from_ms + over_ms * when.uniform(input), input as u32))
            .unzip();
        SpikeTrain::new(times, neurons).expect("generated times are finite and positive")
    }
}

/// A 32-bit word scaled to 0..bound.
fn scaled(word: u32, bound: u64) -> u32 {
    ((u64::from(word) * bound) >> 32) as u32
}

/// The batches of a bench.
#[derive(Debug)]
pub enum Batches {
    /// As they are trained on.
    Ready(Vec<Batch>),
    /// As the program keeps its data sets; the batch is filled every time.
    Binned {
        /// The samples.
        set: Box<BinnedSet>,
        /// Length of a step.
        dt_ms: f64,
        /// The batch that is filled.
        batch: Batch,
        /// Samples of a batch.
        size: usize,
    },
}

impl Batches {
    /// Number of batches.
    pub fn len(&self) -> usize {
        match self {
            Self::Ready(batches) => batches.len(),
            Self::Binned { set, size, .. } => set.len() / size,
        }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A batch, filled on the threads of the current pool if it has to be.
    pub fn get(&mut self, index: usize) -> &Batch {
        match self {
            Self::Ready(batches) => &batches[index],
            Self::Binned {
                set,
                dt_ms,
                batch,
                size,
            } => {
                batch.resize(*size);
                batch.fill(|place, slot| {
                    let sample = index * *size + place;
                    let time = |(step, channel)| (f64::from(step) * *dt_ms, u32::from(channel));
                    slot.train.refill(set.spikes(sample).map(time));
                    *slot.label = u32::from(set.labels()[sample]);
                    *slot.id = sample as u64;
                });
                batch
            }
        }
    }
}
