//! Settings of the recordings, from the `REC_*` and `W_*` parameters.

use std::collections::{BTreeMap, BTreeSet};

use eventprop::network::{Network, ProjectionId};
use eventprop::solver::{Probe, SolverKind, Variable};
use eventprop_params::value::Value;
use eventprop_params::{Benchmark, ParamError, Parameters};

use super::layer_names::NetworkNames;

/// The variables that are recorded, and the trials.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordSettings {
    /// The format of recordings (`REC_FORMAT`), if they are written (`WRITE_TO_DISK`).
    pub format: Option<Format>,
    /// True if only the first sample of each batch is recorded, without an axis for samples (Yin-Yang).
    pub first_sample_only: bool,
    /// Places of the recorded samples in their batch.
    pub samples: Vec<usize>,
    /// The recorded neurons of a population; all of the others.
    pub only: BTreeMap<usize, Vec<usize>>,
    /// True if the first spike times of all outputs are kept (Yin-Yang).
    pub first_spikes: bool,
    /// Populations whose spikes are recorded.
    pub spikes: Vec<Named<usize>>,
    /// The trials in which they are.
    pub spikes_when: When,
    /// Variables of populations that are recorded.
    pub neurons: Vec<Named<Probe>>,
    /// The trials in which they are.
    pub neurons_when: When,
    /// Variables of projections that are recorded.
    pub synapses: Vec<Named<Synapse>>,
    /// The trials in which they are.
    pub synapses_when: When,
    /// The trials after which weights are written.
    pub weights_when: When,
    /// The trials after which time constants are written.
    pub constants_when: When,
    /// The records of predictions that are kept.
    pub outcomes: OutcomeSettings,
}

/// The format of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One `.npy` file for each array.
    Npy,
    /// All arrays in one packed `.npz` archive.
    Npz,
}

/// The records of predictions that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeSettings {
    /// True if confusion matrices are kept.
    pub confusion: bool,
    /// True if every prediction is.
    pub predictions: bool,
}

/// Something that is recorded, with the name of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    /// The name, without prefix and ending.
    pub name: String,
    /// The variable.
    pub what: T,
}

/// A variable of a projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synapse {
    /// Index of the projection.
    pub projection: usize,
    /// Index of the population in which it ends.
    pub target: usize,
    /// The variable.
    pub variable: SynapseVariable,
}

/// The variables of projections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SynapseVariable {
    /// Weights.
    Weight,
    /// Gradients of every sample, as far as the adjoint pass has come.
    Gradient,
    /// The part of I that arrived over the projection, decaying.
    InSyn,
}

/// In which trials of which epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// In all.
    Always,
    /// In the listed ones, (epoch, trial).
    Listed(BTreeSet<(usize, usize)>),
    /// After every so many trials of every so many epochs; an epoch count of 0 is never.
    Every {
        /// Trials.
        trials: usize,
        /// Epochs.
        epochs: usize,
    },
}

impl When {
    /// The number of them among the trials of a run with so many epochs of so many trials.
    pub fn count(&self, epochs: usize, trials: usize) -> usize {
        match *self {
            Self::Always => epochs * trials,
            Self::Listed(ref list) => {
                let within = |(epoch, trial): &&(usize, usize)| *epoch < epochs && *trial < trials;
                list.iter().filter(within).count()
            }
            Self::Every { epochs: 0, .. } => 0,
            Self::Every {
                trials: every,
                epochs: every_epochs,
            } => epochs.div_ceil(every_epochs) * trials.div_ceil(every),
        }
    }

    /// True if a trial of an epoch is one of them.
    pub fn includes(&self, epoch: usize, trial: usize) -> bool {
        match self {
            Self::Always => true,
            Self::Listed(list) => list.contains(&(epoch, trial)),
            Self::Every { trials, epochs } => {
                *epochs > 0 && epoch.is_multiple_of(*epochs) && trial.is_multiple_of(*trials)
            }
        }
    }
}

/// Numbers in single precision that are kept until the end of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recorded {
    /// Of neurons.
    pub neurons: f64,
    /// Of synapses.
    pub synapses: f64,
}

impl RecordSettings {
    /// The settings for a network with these names.
    ///
    /// # Errors
    /// When something is named that is not there, or that the solver cannot show.
    pub fn new(
        params: &Parameters,
        names: &NetworkNames,
        solver: SolverKind,
    ) -> Result<Self, ParamError> {
        let yinyang = params.benchmark() == Benchmark::YinYang;
        let when = |key| {
            if yinyang {
                When::Always
            } else {
                listed(&params.get(key))
            }
        };
        Ok(Self {
            format: params.flag("WRITE_TO_DISK").then(|| {
                match params.text("REC_FORMAT").as_str() {
                    "npz" => Format::Npz,
                    _ => Format::Npy,
                }
            }),
            first_sample_only: yinyang,
            samples: if yinyang { vec![0] } else { samples(params)? },
            only: only(params, names)?,
            // As maps of first spikes, for losses of them: scripts of `genn_eventprop` ask for the file with any loss.
            first_spikes: params.is_set("REC_FIRST_SPIKES")
                && params.text("LOSS_TYPE").starts_with("first_spike"),
            spikes: spikes(params, names)?,
            spikes_when: when("REC_SPIKES_EPOCH_TRIAL"),
            neurons: neurons(params, names, solver)?,
            neurons_when: when("REC_NEURONS_EPOCH_TRIAL"),
            synapses: synapses(params, names, solver)?,
            synapses_when: when("REC_SYNAPSES_EPOCH_TRIAL"),
            weights_when: if yinyang {
                When::Every {
                    trials: params.count("W_REPORT_INTERVAL"),
                    epochs: params.count("W_EPOCH_INTERVAL"),
                }
            } else {
                listed(&params.get("W_OUTPUT_EPOCH_TRIAL"))
            },
            constants_when: if params.has("TAU_OUTPUT_EPOCH_TRIAL") {
                listed(&params.get("TAU_OUTPUT_EPOCH_TRIAL"))
            } else {
                When::Listed(BTreeSet::new())
            },
            outcomes: OutcomeSettings {
                confusion: params.flag("WRITE_TO_DISK") && params.is_set("COLLECT_CONFUSION"),
                predictions: params.flag("WRITE_TO_DISK") && params.is_set("REC_PREDICTIONS"),
            },
        })
    }
}

impl RecordSettings {
    /// Checks that the neurons that are to be recorded exist; `sizes` are those of the populations.
    ///
    /// # Errors
    /// When a neuron does not.
    pub fn check(
        &self,
        params: &Parameters,
        names: &NetworkNames,
        sizes: &[usize],
    ) -> Result<(), ParamError> {
        let beyond = |(population, neurons): (&usize, &Vec<usize>)| {
            let neuron = *neurons
                .iter()
                .find(|neuron| **neuron >= sizes[*population])?;
            Some((*population, neuron))
        };
        let Some((population, neuron)) = self.only.iter().find_map(beyond) else {
            return Ok(());
        };
        let (name, size) = (&names.populations[population], sizes[population]);
        let problem = format!("{name} has {size} neurons and no neuron {neuron}");
        let way_out = format!("choose from 0 to {}", size - 1);
        Err(params.refuse("REC_NEURON_IDS", problem, way_out))
    }

    /// What is recorded of neurons and synapses in a run with so many epochs of so many trials.
    pub fn numbers(&self, network: &Network, epochs: usize, trials: usize) -> Recorded {
        let (steps, samples) = (network.clock().steps() as f64, self.samples.len() as f64);
        let rows = |when: &When| when.count(epochs, trials) as f64 * steps;
        let size = |population: usize| network.populations()[population].size;
        let neurons = self.neurons.iter().map(|named| {
            let population = named.what.population;
            samples * self.recorded(population, size(population)) as f64
        });
        let synapses = self.synapses.iter().map(|named| {
            let projection = named.what.projection;
            let weights = network.synapses(ProjectionId(projection)).weights_len() as f64;
            match named.what.variable {
                SynapseVariable::Weight => weights,
                SynapseVariable::Gradient => samples * weights,
                SynapseVariable::InSyn => samples * size(named.what.target) as f64,
            }
        });
        Recorded {
            neurons: rows(&self.neurons_when) * neurons.sum::<f64>(),
            synapses: rows(&self.synapses_when) * synapses.sum::<f64>(),
        }
    }

    /// The number of recorded neurons in a population of this size.
    pub fn recorded(&self, population: usize, size: usize) -> usize {
        self.only.get(&population).map_or(size, Vec::len)
    }
}

fn index(value: &Value) -> usize {
    match value {
        Value::Int(int) => *int as usize,
        other => panic!("the table accepted {other}"),
    }
}

/// The places of `REC_SAMPLES`, all of a batch by default.
fn samples(params: &Parameters) -> Result<Vec<usize>, ParamError> {
    const KEY: &str = "REC_SAMPLES";
    let batch = params.count("N_BATCH");
    let listed: Vec<usize> = items(&params.get(KEY)).iter().map(index).collect();
    if let Some(place) = listed.iter().find(|place| **place >= batch) {
        let problem = format!("a batch of N_BATCH={batch} has no place {place}");
        let way_out = format!("choose from 0 to {}", batch - 1);
        return Err(params.refuse(KEY, problem, way_out));
    }
    Ok(if listed.is_empty() {
        (0..batch).collect()
    } else {
        listed
    })
}

/// The neurons of `REC_NEURON_IDS`, by population.
fn only(
    params: &Parameters,
    names: &NetworkNames,
) -> Result<BTreeMap<usize, Vec<usize>>, ParamError> {
    const KEY: &str = "REC_NEURON_IDS";
    let Value::Table(entries) = params.get(KEY) else {
        panic!("{KEY} is a table");
    };
    let found = entries.iter().map(|(name, neurons)| {
        let population = find_population(params, KEY, name, names)?;
        Ok((population, items(neurons).iter().map(index).collect()))
    });
    found.collect()
}

fn listed(value: &Value) -> When {
    let pairs = items(value).iter().map(|pair| {
        let pair = items(pair);
        (index(&pair[0]), index(&pair[1]))
    });
    When::Listed(pairs.collect())
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        _ => &[],
    }
}

fn texts(value: &Value) -> Vec<String> {
    items(value).iter().map(Value::to_string).collect()
}

fn spikes(params: &Parameters, names: &NetworkNames) -> Result<Vec<Named<usize>>, ParamError> {
    let wanted = texts(&params.get("REC_SPIKES"));
    let found = wanted.into_iter().map(|name| {
        let what = find_population(params, "REC_SPIKES", &name, names)?;
        Ok(Named { name, what })
    });
    found.collect()
}

fn find_population(
    params: &Parameters,
    key: &'static str,
    name: &str,
    names: &NetworkNames,
) -> Result<usize, ParamError> {
    let known = &names.populations;
    known.iter().position(|k| k == name).ok_or_else(|| {
        let problem = format!("the network has no population {name}");
        params.refuse(key, problem, format!("choose from {}", known.join(", ")))
    })
}

fn neurons(
    params: &Parameters,
    names: &NetworkNames,
    solver: SolverKind,
) -> Result<Vec<Named<Probe>>, ParamError> {
    const KEY: &str = "REC_NEURONS";
    let value = params.get(KEY);
    if !solver.has_steps() && !items(&value).is_empty() {
        let problem = "the event solver has no steps in which to record".to_owned();
        return Err(params.refuse(KEY, problem, "use SOLVER=grid"));
    }
    let hidden = 1..names.populations.len() - 1;
    let model = super::network::equations(params)?;
    let probes = items(&value).iter().map(|pair| {
        let [population, variable] = &texts(pair)[..] else {
            panic!("the table accepts pairs only");
        };
        let index = find_population(params, KEY, population, names)?;
        let variable_of = match variable.as_str() {
            "V" => Some(Variable::Voltage),
            "I" => Some(Variable::Current),
            "lambda_V" => Some(Variable::LambdaV),
            "lambda_I" => Some(Variable::LambdaI),
            "B" if names.adapting.contains(&index) => Some(Variable::Adaptation),
            "lambda_B" if names.adapting.contains(&index) => Some(Variable::LambdaB),
            name => model
                .as_ref()
                .filter(|_| hidden.contains(&index))
                .and_then(|equations| Variable::of_model(equations.model(), name)),
        };
        let Some(found) = variable_of.filter(|_| index > 0) else {
            let problem = format!("{population} has no variable {variable}");
            let way_out = "record V, I, lambda_V or lambda_I of hidden or output neurons, or B or lambda_B of hidden neurons with HIDDEN_NEURON_TYPE=ALIF, or a variable x of equations and p_x";
            return Err(params.refuse(KEY, problem, way_out));
        };
        Ok(Named {
            name: format!("{variable}{population}"),
            what: Probe {
                population: index,
                variable: found,
            },
        })
    });
    probes.collect()
}

fn synapses(
    params: &Parameters,
    names: &NetworkNames,
    solver: SolverKind,
) -> Result<Vec<Named<Synapse>>, ParamError> {
    const KEY: &str = "REC_SYNAPSES";
    let known = &names.projections;
    let value = params.get(KEY);
    if !solver.has_steps() && !items(&value).is_empty() {
        let problem = "the event solver has no steps in which to record".to_owned();
        return Err(params.refuse(KEY, problem, "use SOLVER=grid"));
    }
    let found = items(&value).iter().map(|pair| {
        let [projection, variable] = &texts(pair)[..] else {
            panic!("the table accepts pairs only");
        };
        let Some(index) = known.iter().position(|k| k.record == *projection) else {
            let names: Vec<&str> = known.iter().map(|k| k.record.as_str()).collect();
            let problem = format!("the network has no projection {projection}");
            let way_out = format!("choose from {}", names.join(", "));
            return Err(params.refuse(KEY, problem, way_out));
        };
        let variable_of = match variable.as_str() {
            "w" => SynapseVariable::Weight,
            "dw" => SynapseVariable::Gradient,
            "in_syn" => SynapseVariable::InSyn,
            _ => {
                let problem = format!("projections have no variable {variable}");
                let way_out = "record w, dw or in_syn".to_owned();
                return Err(params.refuse(KEY, problem, way_out));
            }
        };
        Ok(Named {
            name: format!("{variable}{projection}"),
            what: Synapse {
                projection: index,
                target: known[index].target,
                variable: variable_of,
            },
        })
    });
    found.collect()
}
