//! The format of a case file, and everything that can be wrong with one.
//!
//! ```toml
//! title = "One spike through a leaky integrator"
//!
//! [clock]
//! dt_ms = 1.0
//! trial_ms = 20.0
//!
//! [[population]]
//! name = "input"
//! model = "input"              # input, lif or li; the last population is the output
//! size = 1
//!
//! [[population]]
//! name = "output"
//! model = "li"
//! size = 2
//! tau_mem = 20.0               # ms; a number, or a list with one number per neuron
//! tau_syn = [5.0, 4.0]
//!
//! [[projection]]
//! source = "input"
//! target = "output"
//! weights = [[1.0, 0.5]]       # [source][target]
//! delay_ms = 0.0               # may be left out
//! # delay_ms = [0.0], delay_by = "source": trained delays, of which the numbers are the first values
//!
//! [loss]
//! name = "sum"                 # the names and constants (in small letters) of the benchmarks
//!
//! [[sample]]
//! label = 0
//! input = [[1.0, 0]]           # [ms, neuron]
//!
//! [[expect]]
//! solver = "grid"              # grid or event
//! origin = "analytic: see the comment"
//! tolerance = 1e-12
//! derivation = "why the tolerance is what it is"
//! loss = 0.69
//! predictions = [0]            # per sample, -1 for none; may be left out
//! [expect.spikes]              # per population: [sample, step or ms, neuron, drive]
//! [expect.gradient]            # per projection, row-major
//! "input->output" = [0.1, -0.1]
//! [expect.work]                # of the event solver; may be left out
//! intervals = 2
//! arrivals = 1
//! spikes = 0
//! root_iterations = 0
//! ```
//!
//! LIF populations also have `v_thresh` (1 if left out), `v_reset` (0) and `refractory` (0), LI populations `v_init` (0).
//! `model = "equations"` has `equations`, the name of a model that comes along, and may have `parameters`, a table of numbers or
//! lists; `trained` names parameters. A projection onto it may have a `port`.
//! A LIF population with `tau_b` has an adapting threshold, with `b_incr` (needed) and `b_init` (0).
//! A projection has the weights of the synapses of each source, and `wiring = "one_to_one"` unless every
//! source reaches every target, or `wiring = "sparse"` and the targets of each source, ascending.
//! A population may have `shape = [height, width, channels]` in place of its size. `wiring = "convolution"` has a `kernel`, and
//! may have `stride` and `padding`, each [down, across], and `groups`; its weights are one row for each place of the kernel.
//! With `pool = [height, width]` neurons of the source are put together, with `average = true` as averages; the rows of weights
//! are then those of what is behind.
//! `delay_by` (projection, source, target or synapse) makes delays parameters, trained up to half of the trial; their
//! gradients are called `input->output.delay`.
//! `trained = ["tau_mem", …]` makes constants parameters; their gradients are called `output.tau_mem`.

use std::collections::BTreeMap;
use std::sync::Arc;

use eventprop::connect::{By, Convolution, Delay, Delays, Pattern, Pool, Shape, Synapses, Wiring};
use eventprop::loss::{FirstSpike, Loss, Penalty, Weighting};
use eventprop::network::{
    Adaptation, Clock, Constant, Equations, Init, Li, Lif, Model, Network, NetworkError,
    NeuronConstant, NeuronModel, Population, PopulationId, Projection,
};
use eventprop::params::Params;
use eventprop::solver::event::Work;
use eventprop::spikes::{Batch, SpikeError, SpikeTrain};
use serde::Deserialize;
use thiserror::Error;

use crate::case::{Case, Expectation, Spike, TimeKind};

/// Why a case file is not a case.
#[derive(Debug, Error)]
#[error("case {case}: {fault}")]
pub struct CaseError {
    /// The case.
    pub case: String,
    /// The fault.
    pub fault: Fault,
}

/// A fault of a case file.
#[derive(Debug, Error)]
pub enum Fault {
    /// It is not TOML, a key is unknown, missing or of the wrong type.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// The network is not valid.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A sample is not valid.
    #[error(transparent)]
    Spikes(#[from] SpikeError),
    /// A name refers to nothing.
    #[error("there is no {what} \"{name}\"; there is {known}")]
    Unknown {
        /// The kind of thing.
        what: &'static str,
        /// The name.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A constant that a model or loss needs is not there.
    #[error("{owner} needs the key {key}")]
    Missing {
        /// The population or loss.
        owner: String,
        /// The key.
        key: &'static str,
    },
    /// A constant that a model or loss does not have.
    #[error("{owner} has no key {key}")]
    Needless {
        /// The population or loss.
        owner: String,
        /// The key.
        key: &'static str,
    },
    /// A list has the wrong length.
    #[error("{what} has {found} numbers; {expected} are needed")]
    Length {
        /// The list.
        what: String,
        /// Its length.
        found: usize,
        /// The right length.
        expected: usize,
    },
    /// A rule about a value is broken.
    #[error("{what} is {found}; it must be {expected}")]
    Value {
        /// The place.
        what: String,
        /// The value.
        found: String,
        /// The rule.
        expected: &'static str,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    clock: ClockTable,
    population: Vec<PopulationTable>,
    projection: Vec<ProjectionTable>,
    loss: LossTable,
    sample: Vec<SampleTable>,
    #[serde(default)]
    expect: Vec<ExpectTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockTable {
    dt_ms: f64,
    trial_ms: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Numbers {
    One(f64),
    Each(Vec<f64>),
}

impl From<Numbers> for Constant {
    fn from(numbers: Numbers) -> Self {
        match numbers {
            Numbers::One(value) => Self::Same(value),
            Numbers::Each(values) => Self::PerNeuron(values),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModelName {
    Input,
    Lif,
    Li,
    Equations,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PopulationTable {
    name: String,
    model: ModelName,
    size: Option<usize>,
    /// Height, width and channels.
    shape: Option<[usize; 3]>,
    tau_mem: Option<Numbers>,
    tau_syn: Option<Numbers>,
    v_thresh: Option<Numbers>,
    v_reset: Option<Numbers>,
    refractory: Option<Numbers>,
    v_init: Option<Numbers>,
    tau_b: Option<Numbers>,
    b_incr: Option<Numbers>,
    b_init: Option<Numbers>,
    equations: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Numbers>,
    #[serde(default)]
    trained: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WiringName {
    #[default]
    Dense,
    OneToOne,
    Sparse,
    Convolution,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectionTable {
    source: String,
    target: String,
    #[serde(default)]
    wiring: WiringName,
    /// The targets of the synapses of each source, where the wiring is sparse.
    targets: Option<Vec<Vec<usize>>>,
    /// Of a convolution: down and across.
    kernel: Option<[usize; 2]>,
    stride: Option<[usize; 2]>,
    padding: Option<[usize; 2]>,
    groups: Option<usize>,
    /// Height and width of the windows of a pooling before the wiring.
    pool: Option<[usize; 2]>,
    #[serde(default)]
    average: bool,
    /// The weights of the synapses of each source.
    weights: Vec<Vec<f64>>,
    delay_ms: Option<Numbers>,
    delay_by: Option<String>,
    /// Of a target from equations.
    port: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LossTable {
    name: String,
    tau_0: Option<f64>,
    tau_1: Option<f64>,
    alpha: Option<f64>,
    tau_accumulator: Option<f64>,
    gain: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleTable {
    label: u32,
    input: Vec<(f64, u32)>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SolverName {
    Grid,
    Event,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectTable {
    solver: SolverName,
    origin: String,
    tolerance: f64,
    derivation: String,
    loss: f64,
    #[serde(default)]
    predictions: Vec<i64>,
    #[serde(default)]
    spikes: BTreeMap<String, Vec<(usize, f64, u32, f64)>>,
    gradient: BTreeMap<String, Vec<f64>>,
    work: Option<WorkTable>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkTable {
    intervals: u64,
    arrivals: u64,
    spikes: u64,
    root_iterations: u64,
}

/// Reads a case from the text of its file. A file that expects nothing is read as well, so that
/// numbers for it can be computed.
///
/// # Errors
/// The first thing found wrong, with names and numbers.
pub fn parse(name: &str, text: &str) -> Result<Case, CaseError> {
    read(name, text).map_err(|fault| CaseError {
        case: name.to_owned(),
        fault,
    })
}

fn read(name: &str, text: &str) -> Result<Case, Fault> {
    let file: File = toml::from_str(text)?;
    let network = network(&file)?;
    let params = Params::init(&network, 0)?;
    let batch = batch(&file.sample, &network)?;
    let expectations = file
        .expect
        .iter()
        .map(|table| expectation(table, &network, &batch))
        .collect::<Result<Vec<_>, _>>()?;
    if let [first, second] = &expectations[..]
        && first.kind == second.kind
    {
        return Err(value(
            "solver",
            &"twice the same",
            "grid once and event once",
        ));
    }
    if expectations.len() > 2 {
        let found = expectations.len();
        return Err(value("the number of expectations", &found, "2 or fewer"));
    }
    Ok(Case {
        name: name.to_owned(),
        title: file.title,
        network,
        params,
        batch,
        loss: loss(&file.loss)?,
        expectations,
    })
}

fn value(what: &str, found: &dyn std::fmt::Display, expected: &'static str) -> Fault {
    Fault::Value {
        what: what.to_owned(),
        found: found.to_string(),
        expected,
    }
}

fn network(file: &File) -> Result<Network, Fault> {
    let clock = Clock::new(file.clock.dt_ms, file.clock.trial_ms)?;
    let mut network = Network::new(clock);
    for table in &file.population {
        table.refuse_needless()?;
        let id = match table.model {
            ModelName::Input => network.add_input(&table.name, table.extent()?),
            ModelName::Lif => network.add(&table.name, table.extent()?, table.lif()?),
            ModelName::Li => network.add_li(&table.name, table.extent()?, table.li()?),
            ModelName::Equations => {
                network.add_equations(&table.name, table.extent()?, table.equations()?)
            }
        };
        for name in &table.trained {
            let constant = constant(network.population(id), name)?;
            network.train_constant(id, constant, LEAST);
        }
    }
    for table in &file.projection {
        let end = |name: &str| {
            network.find(name).ok_or_else(|| Fault::Unknown {
                what: "population",
                name: name.to_owned(),
                known: names(file.population.iter().map(|p| &p.name[..])),
            })
        };
        let (source, target) = (end(&table.source)?, end(&table.target)?);
        let shape = |id: PopulationId| network.population(id).shape;
        let wiring = table.wiring(shape(source), network.population(target).size)?;
        // Where the wiring does not fit, the network will say so.
        if let Ok(synapses) = wiring.between(shape(source), shape(target)) {
            table.check_rows(&synapses)?;
        }
        let id = network.add_projection(Projection {
            source,
            target,
            wiring,
            delay: table.delay(network.clock().trial_ms())?,
            init: Init::Values(table.weights.concat()),
        });
        if let Some(port) = &table.port {
            network.set_port(id, port);
        }
    }
    network.validate()?;
    Ok(network)
}

/// The bound of trained constants, which no case reaches.
const LEAST: f64 = 1e-3;

fn constant(population: &Population, name: &str) -> Result<NeuronConstant, Fault> {
    let found = population.trainable().find(|c| c.name() == name);
    found.ok_or_else(|| Fault::Unknown {
        what: "constant",
        name: name.to_owned(),
        known: names(population.trainable().map(NeuronConstant::name)),
    })
}

impl PopulationTable {
    fn owner(&self) -> String {
        format!("population \"{}\"", self.name)
    }

    fn extent(&self) -> Result<Shape, Fault> {
        match (self.size, self.shape) {
            (Some(size), None) => Ok(Shape::from(size)),
            (None, Some(shape)) => Ok(Shape::from(shape)),
            (None, None) => Err(Fault::Missing {
                owner: self.owner(),
                key: "size",
            }),
            (Some(_), Some(_)) => Err(Fault::Needless {
                owner: self.owner(),
                key: "size beside shape",
            }),
        }
    }

    fn needed(&self, key: &'static str, numbers: Option<&Numbers>) -> Result<Constant, Fault> {
        numbers
            .cloned()
            .map(Constant::from)
            .ok_or_else(|| Fault::Missing {
                owner: self.owner(),
                key,
            })
    }

    fn refuse_needless(&self) -> Result<(), Fault> {
        let (lif, li) = (self.model == ModelName::Lif, self.model == ModelName::Li);
        let equations = self.model == ModelName::Equations;
        let odd = [
            ("equations", self.equations.is_some()),
            ("parameters", !self.parameters.is_empty()),
        ];
        if let Some((key, _)) = odd.into_iter().find(|(_, given)| *given && !equations) {
            let owner = self.owner();
            return Err(Fault::Needless { owner, key });
        }
        let keys = [
            ("tau_mem", &self.tau_mem, lif || li),
            ("tau_syn", &self.tau_syn, lif || li),
            ("v_thresh", &self.v_thresh, lif),
            ("v_reset", &self.v_reset, lif),
            ("refractory", &self.refractory, lif),
            ("v_init", &self.v_init, li),
            ("tau_b", &self.tau_b, lif),
            ("b_incr", &self.b_incr, lif && self.tau_b.is_some()),
            ("b_init", &self.b_init, lif && self.tau_b.is_some()),
        ];
        match keys.into_iter().find(|(_, v, has)| v.is_some() && !has) {
            None => Ok(()),
            Some((key, ..)) => Err(Fault::Needless {
                owner: self.owner(),
                key,
            }),
        }
    }

    fn lif(&self) -> Result<Model, Fault> {
        let or = |numbers: &Option<Numbers>, default| {
            numbers.clone().map_or(Constant::Same(default), Into::into)
        };
        let lif = Lif {
            tau_mem: self.needed("tau_mem", self.tau_mem.as_ref())?,
            tau_syn: self.needed("tau_syn", self.tau_syn.as_ref())?,
            v_thresh: or(&self.v_thresh, 1.0),
            v_reset: or(&self.v_reset, 0.0),
            refractory: or(&self.refractory, 0.0),
        };
        let Some(tau_b) = &self.tau_b else {
            return Ok(Model::Lif(lif));
        };
        Ok(Model::Alif(lif.adapting(Adaptation {
            tau_b: tau_b.clone().into(),
            b_incr: self.needed("b_incr", self.b_incr.as_ref())?,
            b_init: or(&self.b_init, 0.0),
        })))
    }

    fn equations(&self) -> Result<Equations, Fault> {
        let name = self.equations.as_ref().ok_or_else(|| Fault::Missing {
            owner: self.owner(),
            key: "equations",
        })?;
        let model = NeuronModel::shipped(name).map_err(|_| Fault::Unknown {
            what: "model",
            name: name.clone(),
            known: names(NeuronModel::shipped_names()),
        })?;
        let mut equations = Equations::new(model);
        for (parameter, values) in &self.parameters {
            let known = equations.model().parameters().iter();
            let known = names(known.map(|name| name.text()));
            let changed = equations.with(parameter, values.clone());
            equations = changed.ok_or_else(|| Fault::Unknown {
                what: "parameter",
                name: parameter.clone(),
                known,
            })?;
        }
        Ok(equations)
    }

    fn li(&self) -> Result<Li, Fault> {
        let zero = Constant::Same(0.0);
        Ok(Li {
            tau_mem: self.needed("tau_mem", self.tau_mem.as_ref())?,
            tau_syn: self.needed("tau_syn", self.tau_syn.as_ref())?,
            v_init: self.v_init.clone().map_or(zero, Into::into),
        })
    }
}

impl ProjectionTable {
    fn owner(&self) -> String {
        format!("projection {}->{}", self.source, self.target)
    }

    fn wiring(&self, source: Shape, targets: usize) -> Result<Wiring, Fault> {
        let refused = |key| {
            let owner = self.owner();
            Err(Fault::Needless { owner, key })
        };
        let Some(window) = self.pool else {
            return if self.average {
                refused("average")
            } else {
                self.behind(source, targets)
            };
        };
        let pool = Pool {
            window,
            average: self.average,
        };
        // Where a window does not fit, the network will say so.
        let pooled = pool.shape(source).unwrap_or(source);
        let behind = self.behind(pooled, targets)?;
        Ok(Wiring::Pooled(pool, Box::new(behind)))
    }

    /// The wiring behind the pooling.
    fn behind(&self, source: Shape, targets: usize) -> Result<Wiring, Fault> {
        let sources = source.neurons().unwrap_or(0);
        if let WiringName::Convolution = self.wiring {
            let kernel = self.kernel.ok_or_else(|| Fault::Missing {
                owner: self.owner(),
                key: "kernel",
            })?;
            return Ok(Wiring::Convolution(Convolution {
                kernel,
                stride: self.stride.unwrap_or([1; 2]),
                padding: self.padding.unwrap_or([0; 2]),
                groups: self.groups.unwrap_or(1),
            }));
        }
        let of_kernels = [self.kernel, self.stride, self.padding];
        if of_kernels.iter().any(Option::is_some) || self.groups.is_some() {
            return Err(Fault::Needless {
                owner: self.owner(),
                key: "kernel, stride, padding or groups",
            });
        }
        let rows = match (self.wiring, &self.targets) {
            (WiringName::Sparse, Some(rows)) => rows,
            (WiringName::Sparse, None) => {
                return Err(Fault::Missing {
                    owner: self.owner(),
                    key: "targets",
                });
            }
            (_, Some(_)) => {
                return Err(Fault::Needless {
                    owner: self.owner(),
                    key: "targets",
                });
            }
            (WiringName::OneToOne, None) => return Ok(Wiring::OneToOne),
            (WiringName::Dense | WiringName::Convolution, None) => return Ok(Wiring::Dense),
        };
        let each = rows.iter().enumerate();
        let pairs = each.flat_map(|(source, row)| row.iter().map(move |&target| (source, target)));
        let pattern = Pattern::new(sources, targets, pairs.collect());
        let pattern = pattern.map_err(|error| value("targets", &error, "a pattern of synapses"))?;
        Ok(Wiring::Sparse(Arc::new(pattern)))
    }

    fn delay(&self, trial_ms: f64) -> Result<Delay, Fault> {
        let Some(name) = &self.delay_by else {
            return match self.delay_ms {
                None => Ok(Delay::NONE),
                Some(Numbers::One(ms)) => Ok(Delay::Constant(ms)),
                Some(Numbers::Each(_)) => Err(Fault::Missing {
                    owner: self.owner(),
                    key: "delay_by",
                }),
            };
        };
        let by = By::named(name).ok_or_else(|| Fault::Unknown {
            what: "kind of delay",
            name: name.clone(),
            known: "projection, source, target, synapse".to_owned(),
        })?;
        let init = match &self.delay_ms {
            None => Init::same(0.0),
            Some(Numbers::One(ms)) => Init::same(*ms),
            Some(Numbers::Each(values)) => Init::Values(values.clone()),
        };
        Ok(Delay::Each(Delays {
            by,
            init,
            most_ms: trial_ms / 2.0,
            trained: true,
        }))
    }

    fn check_rows(&self, synapses: &Synapses) -> Result<(), Fault> {
        if synapses.is_shared() {
            let found = self.weights.iter().map(Vec::len).sum();
            let expected = synapses.weights_len();
            if found == expected {
                return Ok(());
            }
            return Err(Fault::Length {
                what: format!("the weights {}->{}", self.source, self.target),
                found,
                expected,
            });
        }
        for (source, row) in self.weights.iter().enumerate() {
            if row.len() != synapses.fan_out(source) {
                return Err(Fault::Length {
                    what: format!(
                        "row {source} of the weights {}->{}",
                        self.source, self.target
                    ),
                    found: row.len(),
                    expected: synapses.fan_out(source),
                });
            }
        }
        Ok(())
    }
}

fn batch(samples: &[SampleTable], network: &Network) -> Result<Batch, Fault> {
    let mut trains = Vec::new();
    for (sample, table) in samples.iter().enumerate() {
        let (times_ms, neurons): (Vec<f64>, Vec<u32>) = table.input.iter().copied().unzip();
        let size = network.input_size();
        if let Some(&neuron) = neurons.iter().find(|&&n| n as usize >= size) {
            return Err(Fault::Spikes(SpikeError::Neuron {
                sample,
                neuron,
                size,
            }));
        }
        let classes = network.output_size();
        if table.label as usize >= classes {
            return Err(Fault::Spikes(SpikeError::Label {
                sample,
                label: table.label,
                classes,
            }));
        }
        trains.push(SpikeTrain::new(times_ms, neurons)?);
    }
    Ok(Batch::new(
        trains,
        samples.iter().map(|s| s.label).collect(),
    )?)
}

fn loss(table: &LossTable) -> Result<Loss, Fault> {
    let needed = |key, constant: Option<f64>| {
        constant.ok_or_else(|| Fault::Missing {
            owner: format!("the loss {}", table.name),
            key,
        })
    };
    let first_spike = |penalty| -> Result<Loss, Fault> {
        Ok(Loss::FirstSpike(FirstSpike {
            tau_0: needed("tau_0", table.tau_0)?,
            alpha: needed("alpha", table.alpha)?,
            penalty,
            push_silent: false,
        }))
    };
    match &table.name[..] {
        "first_spike" => first_spike(Penalty::Inverse),
        "first_spike_exp" => first_spike(Penalty::Exp {
            tau_1: needed("tau_1", table.tau_1)?,
        }),
        "max" => Ok(Loss::Max),
        "sum" => Ok(Loss::Sum(Weighting::Flat)),
        "sum_weigh_linear" => Ok(Loss::Sum(Weighting::Linear)),
        "sum_weigh_exp" => Ok(Loss::Sum(Weighting::Exp)),
        "sum_weigh_sigmoid" => Ok(Loss::Sum(Weighting::Sigmoid)),
        "sum_weigh_input" => Ok(Loss::Sum(Weighting::Input {
            tau: needed("tau_accumulator", table.tau_accumulator)?,
            gain: needed("gain", table.gain)?,
        })),
        "sum_weigh_late" => Ok(Loss::Sum(Weighting::Late {
            tau: needed("tau_accumulator", table.tau_accumulator)?,
        })),
        "avg_xentropy" => Ok(Loss::AvgXentropy),
        other => Err(Fault::Unknown {
            what: "loss",
            name: other.to_owned(),
            known: "first_spike, first_spike_exp, max, sum, sum_weigh_linear, sum_weigh_exp, \
                    sum_weigh_sigmoid, sum_weigh_input, sum_weigh_late, avg_xentropy"
                .to_owned(),
        }),
    }
}

fn expectation(
    table: &ExpectTable,
    network: &Network,
    batch: &Batch,
) -> Result<Expectation, Fault> {
    let origins = ["golden: ", "analytic: ", "pinned: "];
    if !origins.iter().any(|o| table.origin.starts_with(o)) {
        let rule = "golden: …, analytic: … or pinned: …";
        return Err(value("origin", &table.origin, rule));
    }
    if !(table.tolerance > 0.0 && table.tolerance < 1.0) {
        return Err(value("tolerance", &table.tolerance, "between 0 and 1"));
    }
    if table.derivation.is_empty() {
        return Err(value("derivation", &"empty", "a sentence"));
    }
    if !table.predictions.is_empty() && table.predictions.len() != batch.len() {
        return Err(Fault::Length {
            what: "predictions".to_owned(),
            found: table.predictions.len(),
            expected: batch.len(),
        });
    }
    Ok(Expectation {
        kind: match table.solver {
            SolverName::Grid => TimeKind::Grid,
            SolverName::Event => TimeKind::Event,
        },
        origin: table.origin.clone(),
        tolerance: table.tolerance,
        derivation: table.derivation.clone(),
        loss: table.loss,
        predictions: table
            .predictions
            .iter()
            .map(|&p| u32::try_from(p).ok())
            .collect(),
        spikes: spikes(table, network)?,
        gradient: gradient(table, network)?,
        work: table.work.map(|work| Work {
            intervals: work.intervals,
            arrivals: work.arrivals,
            spikes: work.spikes,
            root_iterations: work.root_iterations,
        }),
    })
}

fn spikes(table: &ExpectTable, network: &Network) -> Result<Vec<(usize, Vec<Spike>)>, Fault> {
    let of = |(name, list): (&String, &Vec<(usize, f64, u32, f64)>)| {
        let population = network.find(name).ok_or_else(|| Fault::Unknown {
            what: "population",
            name: name.clone(),
            known: names(network.populations().iter().map(|p| &p.name[..])),
        })?;
        let spikes = list.iter().map(|&(sample, when, neuron, drive)| Spike {
            sample,
            when,
            neuron,
            drive,
        });
        Ok((population.0, spikes.collect()))
    };
    table.spikes.iter().map(of).collect()
}

fn gradient(table: &ExpectTable, network: &Network) -> Result<Vec<(usize, Vec<f64>)>, Fault> {
    let zeros = Params::<f64>::zeros(network)?;
    let of = |(name, expected): (&String, &Vec<f64>)| {
        let entries = zeros.layout();
        let index = entries
            .iter()
            .position(|entry| entry.name == *name)
            .ok_or_else(|| Fault::Unknown {
                what: "projection",
                name: name.clone(),
                known: names(entries.iter().map(|entry| &entry.name[..])),
            })?;
        if expected.len() != entries[index].range.len() {
            return Err(Fault::Length {
                what: format!("the gradient of {name}"),
                found: expected.len(),
                expected: entries[index].range.len(),
            });
        }
        Ok((index, expected.clone()))
    };
    table.gradient.iter().map(of).collect()
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::parse;

    const RIGHT: &str = r#"
        title = "right"
        clock = { dt_ms = 1.0, trial_ms = 5.0 }
        population = [
            { name = "input", model = "input", size = 1 },
            { name = "output", model = "li", size = 2, tau_mem = 20.0, tau_syn = [5.0, 4.0] },
        ]
        projection = [{ source = "input", target = "output", weights = [[1.0, 0.5]] }]
        loss = { name = "sum" }
        sample = [{ label = 0, input = [[1.0, 0]] }]
        [[expect]]
        solver = "grid"
        origin = "analytic: none"
        tolerance = 1e-12
        derivation = "none"
        loss = 0.5
        gradient = { "input->output" = [0.0, 0.0] }
    "#;

    #[test]
    fn a_right_file_is_read() {
        let case = parse("right", RIGHT).unwrap();
        assert_eq!(case.network.output_size(), 2);
        assert_eq!(case.params.values(), [1.0, 0.5]);
        assert_eq!(case.batch.trains()[0].times_ms(), [1.0]);
    }

    /// Every wrong file is refused, and the message names the place.
    #[test]
    fn wrong_files_are_refused_with_a_reason() {
        let wrong = [
            ("title = \"right\"", "", "missing field `title`"),
            ("dt_ms = 1.0", "dt = 1.0", "unknown field `dt`"),
            ("dt_ms = 1.0", "dt_ms = 0.0", "steps of 0 ms"),
            ("model = \"li\"", "model = \"lu\"", "unknown variant `lu`"),
            (
                "tau_mem = 20.0, ",
                "",
                "population \"output\" needs the key tau_mem",
            ),
            ("tau_mem = 20.0", "tau_mem = -1.0", "tau_mem"),
            (
                "tau_mem = 20.0",
                "tau_mem = 2.0, v_reset = 0.0",
                "has no key v_reset",
            ),
            ("[5.0, 4.0]", "[5.0]", "tau_syn"),
            (
                "target = \"output\"",
                "target = \"out\"",
                "there is no population \"out\"",
            ),
            (
                "[[1.0, 0.5]]",
                "[[1.0]]",
                "row 0 of the weights input->output has 1",
            ),
            ("\"sum\"", "\"som\"", "there is no loss \"som\""),
            (
                "\"sum\"",
                "\"first_spike\"",
                "the loss first_spike needs the key tau_0",
            ),
            (
                "weights = [[1.0",
                "wiring = \"one_to_one\", weights = [[1.0",
                "one to one needs two populations of one size, not of 1 and 2 neurons",
            ),
            ("label = 0", "label = 2", "label 2"),
            ("[[1.0, 0]]", "[[1.0, 1]]", "spike on input neuron 1"),
            ("[[1.0, 0]]", "[[-1.0, 0]]", "-1 ms"),
            ("analytic: none", "none", "origin is none"),
            ("tolerance = 1e-12", "tolerance = 0.0", "tolerance is 0"),
            (
                "\"input->output\" =",
                "\"input->hidden\" =",
                "no projection \"input->hidden\"",
            ),
            (
                "[0.0, 0.0]",
                "[0.0]",
                "the gradient of input->output has 1 numbers",
            ),
        ];
        for (right, broken, message) in wrong {
            assert!(RIGHT.contains(right), "{right}");
            let error = parse("wrong", &RIGHT.replacen(right, broken, 1)).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(message), "{text}\ndoes not say\n{message}");
        }
    }
}
