//! A network that is built step by step, with its parameters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eventprop::connect::{By, Delay, Delays, Pattern, Synapse, Synapses, Wiring};
use eventprop::network::{
    Adaptation, Alif, Clock, Constant, Init, Li, Lif, Network as Description, NetworkError,
    NeuronConstant, PopulationId, Projection, ProjectionId,
};
use eventprop::params::{Entry, Params, Role};
use eventprop::rng::{Key, Purpose};
use numpy::{IntoPyArray, PyArray, PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::{errors, memory};

/// A constant as Python gives it.
#[derive(FromPyObject)]
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

/// The numbers of the populations that a projection connects, a pair in Python.
#[derive(FromPyObject)]
struct Ends {
    #[pyo3(item(0))]
    source: usize,
    #[pyo3(item(1))]
    target: usize,
}

/// Initial values: all of them, row by row, or the name of a distribution with its two numbers.
#[derive(FromPyObject)]
enum Initial<'py> {
    Values(PyReadonlyArray1<'py, f64>),
    Drawn((String, f64, f64)),
}

impl Initial<'_> {
    fn init(&self) -> PyResult<Init> {
        match self {
            Self::Values(values) => {
                let values = values.as_slice().map_err(errors::value)?;
                Ok(Init::Values(values.to_vec()))
            }
            &Self::Drawn((ref name, a, b)) => match &name[..] {
                "normal" => Ok(Init::Normal { mean: a, std: b }),
                "uniform" => Ok(Init::Uniform { low: a, high: b }),
                other => Err(errors::value(format!(
                    "there is no distribution {other:?}; there are normal, uniform"
                ))),
            },
        }
    }
}

/// Sources and targets of synapses.
type Pairs<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

/// The wiring of a projection: its name, or the sources and targets of its synapses.
#[derive(FromPyObject)]
enum Wired<'py> {
    Named(String),
    Pairs((PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>)),
}

impl Wired<'_> {
    fn wiring(&self, sources: usize, targets: usize) -> PyResult<Wiring> {
        match self {
            Self::Named(name) if name == "one_to_one" => Ok(Wiring::OneToOne),
            Self::Named(_) => Ok(Wiring::Dense),
            Self::Pairs((from, to)) => {
                let from = from.as_slice().map_err(errors::value)?;
                let to = to.as_slice().map_err(errors::value)?;
                let pair = |(from, to): (&i64, &i64)| (*from as usize, *to as usize);
                let pairs = from.iter().zip(to).map(pair).collect();
                let pattern = Pattern::new(sources, targets, pairs).map_err(errors::value)?;
                Ok(Wiring::Sparse(Arc::new(pattern)))
            }
        }
    }
}

fn pairs_of<'py>(py: Python<'py>, synapses: &Synapses) -> Pairs<'py> {
    let list = |of: fn(Synapse) -> usize| -> Vec<i64> {
        synapses.iter().map(|synapse| of(synapse) as i64).collect()
    };
    let (sources, targets) = (list(|s| s.source), list(|s| s.target));
    (sources.into_pyarray(py), targets.into_pyarray(py))
}

/// The delay of a projection: one number, or parameters.
#[derive(FromPyObject)]
enum Delaying<'py> {
    Constant(f64),
    Each(EachDelay<'py>),
}

/// Delays that are parameters, a tuple in Python.
#[derive(FromPyObject)]
struct EachDelay<'py> {
    #[pyo3(item(0))]
    by: String,
    #[pyo3(item(1))]
    init: Initial<'py>,
    #[pyo3(item(2))]
    most_ms: f64,
    #[pyo3(item(3))]
    trained: bool,
}

impl Delaying<'_> {
    fn delay(&self) -> PyResult<Delay> {
        match self {
            Self::Constant(ms) => Ok(Delay::Constant(*ms)),
            Self::Each(each) => Ok(Delay::Each(Delays {
                by: By::named(&each.by).ok_or_else(|| {
                    let by = &each.by;
                    errors::value(format!(
                        "delays by {by:?} are not possible; expected \"projection\", \"source\", \"target\" or \"synapse\""
                    ))
                })?,
                init: each.init.init()?,
                most_ms: each.most_ms,
                trained: each.trained,
            })),
        }
    }
}

/// The network built so far.
struct Built {
    network: Description,
    seed: u64,
    /// The parameters, as far as they were made.
    params: Option<Params<f64>>,
}

/// A network and its parameters. A call holds the lock while it reads or changes them, never while
/// it computes.
#[pyclass(frozen, module = "eventprop._engine")]
pub struct Network {
    built: Mutex<Built>,
}

impl Built {
    /// The parameters: those there are, and initial ones for what was added since.
    fn ready(&mut self) -> PyResult<&mut Params<f64>> {
        let current = self.params.take();
        let params = match current {
            Some(params) if params.layout() == self.layout()?.as_slice() => params,
            earlier => {
                let mut params = Params::init(&self.network, self.seed).map_err(errors::value)?;
                for Entry { name, range, .. } in params.layout().to_vec() {
                    let kept = earlier.as_ref().and_then(|earlier| earlier.find(&name));
                    if let Some(kept) = kept {
                        params.values_mut()[range].copy_from_slice(kept);
                    }
                }
                params
            }
        };
        Ok(self.params.insert(params))
    }

    fn layout(&self) -> PyResult<Vec<Entry>> {
        Ok(Params::<f32>::zeros(&self.network)
            .map_err(errors::value)?
            .layout()
            .to_vec())
    }
}

impl Network {
    fn lock(&self) -> MutexGuard<'_, Built> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The network and its parameters as they are now.
    pub fn snapshot(&self) -> PyResult<(Description, Params<f64>)> {
        let mut built = self.lock();
        let params = built.ready()?.clone();
        Ok((built.network.clone(), params))
    }

    /// Replaces the parameters by those of a training of this network.
    pub fn adopt(&self, trained: Params<f64>) -> PyResult<()> {
        let mut built = self.lock();
        let params = built.ready()?;
        if params.layout() != trained.layout() {
            return Err(errors::value(
                "the network was changed while it was trained; its new parameters do not fit",
            ));
        }
        *params = trained;
        Ok(())
    }
}

#[pymethods]
impl Network {
    #[new]
    fn new(dt_ms: f64, trial_ms: f64, seed: u64) -> PyResult<Self> {
        let clock = Clock::new(dt_ms, trial_ms).map_err(errors::value)?;
        Ok(Self {
            built: Mutex::new(Built {
                network: Description::new(clock),
                seed,
                params: None,
            }),
        })
    }

    /// Adds a population; `model` is input, lif or li. Returns its index.
    fn add(
        &self,
        name: &str,
        model: &str,
        size: usize,
        constants: HashMap<String, Numbers>,
    ) -> PyResult<usize> {
        let constants = constants.into_iter();
        let constants = Constants {
            owner: name,
            all: constants
                .map(|(key, numbers)| (key, numbers.into()))
                .collect(),
        };
        let mut built = self.lock();
        if built.network.find(name).is_some() {
            let name = name.to_owned();
            return Err(errors::value(NetworkError::DuplicateName { name }));
        }
        let mut alone = Description::new(built.network.clock());
        let mut changed = built.network.clone();
        for network in [&mut alone, &mut changed] {
            match model {
                "input" => network.add_input(name, size),
                "lif" => network.add_lif(name, size, constants.lif()?),
                "alif" => network.add_alif(name, size, constants.alif()?),
                "li" => network.add_li(name, size, constants.li()?),
                other => {
                    let problem =
                        format!("there is no model {other:?}; there are input, lif, alif and li");
                    return Err(errors::value(problem));
                }
            };
        }
        check_alone(alone, model)?;
        built.network = changed;
        Ok(built.network.populations().len() - 1)
    }

    /// True of a population whose neurons spike.
    fn spikes(&self, population: usize) -> bool {
        let built = self.lock();
        built.network.population(PopulationId(population)).spikes()
    }

    /// Makes a constant of a population a parameter that training does not let fall below `least`.
    fn train_constant(&self, population: usize, constant: &str, least: f64) -> PyResult<()> {
        let known = NeuronConstant::ALL;
        let Some(which) = known.into_iter().find(|c| c.name() == constant) else {
            let names = known.map(NeuronConstant::name).join(", ");
            return Err(errors::value(format!(
                "there is no constant {constant:?} to train; there are {names}"
            )));
        };
        let mut built = self.lock();
        let mut changed = built.network.clone();
        changed.train_constant(PopulationId(population), which, least);
        built.network = checked(changed)?;
        Ok(())
    }

    /// Connects two populations. Returns the name of the projection.
    fn connect(
        &self,
        ends: Ends,
        weights: Initial<'_>,
        delay: Delaying<'_>,
        wiring: Wired<'_>,
    ) -> PyResult<String> {
        let mut built = self.lock();
        let mut changed = built.network.clone();
        let (source, target) = (PopulationId(ends.source), PopulationId(ends.target));
        let size = |id| changed.population(id).size;
        let wiring = wiring.wiring(size(source), size(target))?;
        wiring
            .between(size(source), size(target))
            .map_err(errors::value)?;
        let id = changed.add_projection(Projection {
            source,
            target,
            wiring,
            delay: delay.delay()?,
            init: weights.init()?,
        });
        check_weights(&changed.synapses(id))?;
        check_memory(&changed, &ends)?;
        built.network = checked(changed)?;
        Ok(built.network.projection_name(id))
    }

    /// Sources and targets of a sparse wiring that the next projection could have, drawn under the seed of the network:
    /// every pair with the probability `number`, or `number` sources for each target.
    fn draw_pairs<'py>(
        &self,
        py: Python<'py>,
        ends: Ends,
        how: &str,
        number: f64,
    ) -> PyResult<Pairs<'py>> {
        let built = self.lock();
        let network = &built.network;
        let size = |index: usize| network.population(PopulationId(index)).size;
        let (sources, targets) = (size(ends.source), size(ends.target));
        let key = Key::new(built.seed, Purpose::Wiring).with(network.projections().len() as u64);
        let pattern = match how {
            "probability" => Pattern::with_probability(sources, targets, number, key),
            _ => Pattern::with_fan_in(sources, targets, number as usize, key),
        };
        let wiring = Wiring::Sparse(Arc::new(pattern.map_err(errors::value)?));
        let synapses = wiring.between(sources, targets).map_err(errors::value)?;
        Ok(pairs_of(py, &synapses))
    }

    /// Sources and targets of the synapses of a projection, in the order of its weights; none when there is none of
    /// this name.
    fn synapses<'py>(&self, py: Python<'py>, name: &str) -> Option<Pairs<'py>> {
        let network = &self.lock().network;
        let mut ids = (0..network.projections().len()).map(ProjectionId);
        let id = ids.find(|id| network.projection_name(*id) == name)?;
        Some(pairs_of(py, &network.synapses(id)))
    }

    /// Raises when this is no network yet.
    fn validate(&self) -> PyResult<()> {
        self.lock().network.validate().map_err(errors::value)
    }

    /// Step, number of steps and length of a trial.
    fn clock(&self) -> (f64, usize, f64) {
        let clock = self.lock().network.clock();
        (clock.dt_ms(), clock.steps(), clock.trial_ms())
    }

    /// Names of the parameters.
    fn param_names(&self) -> PyResult<Vec<String>> {
        let layout = self.lock().layout()?;
        Ok(layout.into_iter().map(|entry| entry.name).collect())
    }

    /// A copy of one parameter; none when there is none of this name.
    fn param<'py>(
        &self,
        py: Python<'py>,
        name: &str,
    ) -> PyResult<Option<Bound<'py, PyArrayDyn<f64>>>> {
        let (network, params) = self.snapshot()?;
        let Some(entry) = params.layout().iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        let values = params.values()[entry.range.clone()].to_vec();
        shaped(py, values, &shape(&network, entry)).map(Some)
    }

    /// Sets one parameter, row by row.
    fn set_param(&self, name: &str, values: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        let values = values.as_slice().map_err(errors::value)?;
        let mut built = self.lock();
        let params = built.ready()?;
        let entry = params.layout().iter().find(|entry| entry.name == name);
        let range = entry.ok_or_else(|| errors::key(name))?.range.clone();
        if range.len() != values.len() {
            return Err(errors::value(format!(
                "{name}: {} values, expected {}",
                values.len(),
                range.len()
            )));
        }
        params.values_mut()[range].copy_from_slice(values);
        Ok(())
    }
}

/// The most weights of a projection.
const WEIGHTS_MOST: usize = 1 << 31;

fn check_weights(synapses: &Synapses) -> PyResult<()> {
    if synapses.weights_len() <= WEIGHTS_MOST {
        return Ok(());
    }
    let shape = synapses.shape();
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    Err(errors::value(format!(
        "a projection of {} weights is too large; expected at most {WEIGHTS_MOST}",
        sizes.join(" × ")
    )))
}

/// Bytes of a parameter: of its own, and of the copy that is solved with.
const PARAMETER_BYTES: f64 = 16.0;

/// Refuses a projection with which the parameters do not fit into memory, by the size of its larger population.
fn check_memory(network: &Description, ends: &Ends) -> PyResult<()> {
    let population = |end: usize| network.population(PopulationId(end));
    let (source, target) = (population(ends.source), population(ends.target));
    let larger = if source.size > target.size {
        source
    } else {
        target
    };
    let of = |id: usize| network.synapses(ProjectionId(id)).weights_len() as f64;
    let others: f64 = (0..network.projections().len() - 1).map(of).sum();
    let (recurrent, other) = (ends.source == ends.target, source.size.min(target.size));
    let name = format!("the size of {:?}", larger.name);
    let count = memory::Count {
        name: &name,
        value: larger.size,
    };
    memory::check(count, "the parameters of the network", |size| {
        let other = if recurrent { size } else { other };
        PARAMETER_BYTES * (others + size as f64 * other as f64)
    })
}

/// The shape of a parameter in Python.
pub fn shape(network: &Description, entry: &Entry) -> Vec<usize> {
    match entry.role {
        Role::Constant(..) => vec![entry.range.len()],
        Role::Weights(id) => network.synapses(id).shape(),
        Role::Delays(id) => match network.projection(id).delay.each() {
            Some(delays) => delays.by.shape(&network.synapses(id)),
            None => Vec::new(),
        },
    }
}

/// A NumPy array of a list of numbers, without copying them.
pub fn shaped<'py, T: numpy::Element>(
    py: Python<'py>,
    values: Vec<T>,
    shape: &[usize],
) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    PyArray::from_vec(py, values).reshape(shape)
}

/// A network that may lack its input or output still, but has no other fault.
fn checked(network: Description) -> PyResult<Description> {
    match network.validate() {
        Ok(()) | Err(NetworkError::Inputs { found: 0 } | NetworkError::NoOutput) => Ok(network),
        Err(error) => Err(errors::value(error)),
    }
}

/// The check that a population is possible, whatever the rest of the network.
fn check_alone(mut alone: Description, model: &str) -> PyResult<()> {
    if model == "input" {
        alone.add_li("\0output", 1, Li::new(1.0, 1.0));
    } else {
        alone.add_input("\0input", 1);
        alone.add_li("\0output", 1, Li::new(1.0, 1.0));
    }
    alone.validate().map_err(errors::value)
}

/// The constants of one population.
struct Constants<'a> {
    owner: &'a str,
    all: HashMap<String, Constant>,
}

impl Constants<'_> {
    fn needed(&self, key: &str) -> PyResult<Constant> {
        let owner = self.owner;
        let constant = self.all.get(key).cloned();
        constant.ok_or_else(|| errors::key(format!("population \"{owner}\" needs {key}")))
    }

    fn lif(&self) -> PyResult<Lif> {
        Ok(Lif::new(self.needed("tau_mem")?, self.needed("tau_syn")?)
            .v_thresh(self.needed("v_thresh")?)
            .v_reset(self.needed("v_reset")?))
    }

    fn alif(&self) -> PyResult<Alif> {
        let adaptation = Adaptation::new(self.needed("tau_b")?, self.needed("b_incr")?);
        let adaptation = adaptation.b_init(self.needed("b_init")?);
        Ok(self.lif()?.adapting(adaptation))
    }

    fn li(&self) -> PyResult<Li> {
        let li = Li::new(self.needed("tau_mem")?, self.needed("tau_syn")?);
        Ok(li.v_init(self.needed("v_init")?))
    }
}
