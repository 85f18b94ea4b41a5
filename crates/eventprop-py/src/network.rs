//! A network that is built step by step, with its parameters.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eventprop::connect::{
    By, Convolution, Delay, Delays, Pattern, Pool, Shape, Synapse, Synapses, Wiring,
};
use eventprop::network::{
    Adaptation, Alif, Clock, Constant, Equations, Init, Li, Lif, Network as Description,
    NetworkError, NeuronConstant, PopulationId, Projection, ProjectionId,
};
use eventprop::params::{Entry, Params, Revision, Role};
use eventprop::real::Real;
use eventprop::rng::{Key, Purpose};
use numpy::{IntoPyArray, PyArray, PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

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
    /// Given values come in the order of Python: `of` their wiring.
    fn init(&self, of: Option<Order>) -> PyResult<Init> {
        match self {
            Self::Values(values) => {
                let values = values.as_slice().map_err(errors::value)?;
                Ok(Init::Values(match of {
                    Some(order) => order.of_python(values),
                    None => values.to_vec(),
                }))
            }
            &Self::Drawn((ref name, a, b)) => match &name[..] {
                "normal" => Ok(Init::Normal { mean: a, std: b }),
                "uniform" => Ok(Init::Uniform { low: a, high: b }),
                "fan_in" => Ok(Init::FanIn { gain: a, mean: b }),
                other => Err(errors::value(format!(
                    "there is no distribution {other:?}; there are normal, uniform, fan_in"
                ))),
            },
        }
    }
}

/// Sources and targets of synapses.
type Pairs<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

/// The weights of a convolution: [kernel y, kernel x, channel in, channel out] in the engine, [channel out, channel in,
/// kernel y, kernel x] in Python, as in other systems.
#[derive(Clone, Copy)]
struct Order {
    height: usize,
    width: usize,
    inside: usize,
    outside: usize,
}

impl Order {
    /// The order of parameters; none where it is the same in Python.
    fn of(network: &Description, entry: &Entry) -> Option<Self> {
        let id = match entry.role {
            Role::Weights(id) => id,
            Role::Delays(id) => {
                let delays = network.projection(id).delay.each()?;
                (delays.by == By::Synapse).then_some(id)?
            }
            Role::Constant(..) => return None,
        };
        Self::of_synapses(&network.synapses(id))
    }

    fn of_synapses(synapses: &Synapses) -> Option<Self> {
        let &[height, width, inside, outside] = synapses.shape().as_slice() else {
            return None;
        };
        Some(Self {
            height,
            width,
            inside,
            outside,
        })
    }

    fn shape(self) -> Vec<usize> {
        vec![self.outside, self.inside, self.height, self.width]
    }

    /// Places in the engine, in the order of Python.
    fn places(self) -> impl Iterator<Item = usize> {
        let positions = self.height * self.width;
        let of_position = self.inside * self.outside;
        (0..self.outside).flat_map(move |outside| {
            (0..self.inside).flat_map(move |inside| {
                (0..positions).map(move |p| p * of_position + inside * self.outside + outside)
            })
        })
    }

    fn to_python<T: Copy>(self, values: &[T]) -> Vec<T> {
        self.places().map(|place| values[place]).collect()
    }

    fn of_python<T: Copy + Default>(self, values: &[T]) -> Vec<T> {
        let len = self.places().count();
        let mut found = vec![T::default(); len.max(values.len())];
        for (place, value) in self.places().zip(values) {
            found[place] = *value;
        }
        found.truncate(values.len());
        found
    }
}

/// Windows of a pooling, a tuple in Python.
#[derive(FromPyObject, Clone, Copy)]
struct Windows {
    #[pyo3(item(0))]
    height: usize,
    #[pyo3(item(1))]
    width: usize,
    /// Averages or sums.
    #[pyo3(item(2))]
    average: bool,
}

impl Windows {
    fn pool(self) -> Pool {
        Pool {
            window: [self.height, self.width],
            average: self.average,
        }
    }
}

/// A wiring, a tuple in Python.
#[derive(FromPyObject)]
struct Wired<'py> {
    /// The first pooling first.
    #[pyo3(item(0))]
    pools: Vec<Windows>,
    #[pyo3(item(1))]
    behind: Behind<'py>,
}

/// What is behind the poolings: the name of a wiring, the sources and targets of its synapses, or kernel, stride, padding
/// and groups of a convolution.
#[derive(FromPyObject)]
enum Behind<'py> {
    Named(String),
    Pairs((PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>)),
    Convolution([usize; 2], [usize; 2], [usize; 2], usize),
}

impl Wired<'_> {
    /// The shape of what is behind the poolings of a source.
    fn pooled(&self, source: Shape) -> PyResult<Shape> {
        let pools = self.pools.iter().copied().map(Windows::pool);
        let shape = |shape: Shape, pool: Pool| pool.shape(shape).map_err(errors::value);
        pools.into_iter().try_fold(source, shape)
    }

    fn wiring(&self, source: Shape, targets: usize) -> PyResult<Wiring> {
        let pooled = self.pooled(source)?;
        let behind = self.behind.wiring(pooled.neurons().unwrap_or(0), targets)?;
        let pools = self.pools.iter().rev().copied().map(Windows::pool);
        Ok(pools.fold(behind, |behind, pool| {
            Wiring::Pooled(pool, Box::new(behind))
        }))
    }
}

impl Behind<'_> {
    fn wiring(&self, sources: usize, targets: usize) -> PyResult<Wiring> {
        match self {
            Self::Named(name) if name == "one_to_one" => Ok(Wiring::OneToOne),
            Self::Named(_) => Ok(Wiring::Dense),
            &Self::Convolution(kernel, stride, padding, groups) => {
                Ok(Wiring::Convolution(Convolution {
                    kernel,
                    stride,
                    padding,
                    groups,
                }))
            }
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
    fn delay(&self, order: Option<Order>) -> PyResult<Delay> {
        match self {
            Self::Constant(ms) => Ok(Delay::Constant(*ms)),
            Self::Each(each) => Ok(Delay::Each(Delays {
                by: By::named(&each.by).ok_or_else(|| {
                    let by = &each.by;
                    errors::value(format!(
                        "delays by {by:?} are not possible; expected \"projection\", \"source\", \"target\" or \"synapse\""
                    ))
                })?,
                init: each.init.init(order.filter(|_| each.by == "synapse"))?,
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

    /// The network and its parameters.
    fn parts(&mut self) -> PyResult<(&Description, &mut Params<f64>)> {
        self.ready()?;
        let params = self.params.as_mut().expect("they were made ready");
        Ok((&self.network, params))
    }

    fn layout(&self) -> PyResult<Vec<Entry>> {
        Params::<f64>::layout_of(&self.network).map_err(errors::value)
    }
}

impl Network {
    fn lock(&self) -> MutexGuard<'_, Built> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The network and its parameters as they are now.
    pub fn snapshot(&self) -> PyResult<(Description, Params<f64>)> {
        self.seen(|network, params| Ok((network.clone(), params.clone())))
    }

    /// Looks at the network and its parameters.
    pub fn seen<T>(
        &self,
        look: impl FnOnce(&Description, &Params<f64>) -> PyResult<T>,
    ) -> PyResult<T> {
        let mut built = self.lock();
        let (network, params) = built.parts()?;
        look(network, params)
    }

    /// The revision of the parameters.
    pub fn revision(&self) -> PyResult<Revision> {
        Ok(self.lock().ready()?.revision())
    }

    /// Replaces the parameters by those of a training of this network, and sparse wirings by those that it has now.
    pub fn adopt_wired(&self, trained: Params<f64>, wired: &Description) -> PyResult<()> {
        self.adopt(trained)?;
        let mut built = self.lock();
        for (index, projection) in wired.projections().iter().enumerate() {
            if let Wiring::Sparse(_) = projection.wiring {
                let wiring = projection.wiring.clone();
                built.network.set_wiring(ProjectionId(index), wiring);
            }
        }
        Ok(())
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

    /// Adds a population; `model` is input, lif, alif, li or equations, whose text is in `toml`. Returns its index.
    #[pyo3(signature = (name, model, shape, constants, toml = ""))]
    fn add(
        &self,
        name: &str,
        model: &str,
        shape: [usize; 3],
        constants: HashMap<String, Numbers>,
        toml: &str,
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
                "input" => network.add_input(name, shape),
                "lif" => network.add_lif(name, shape, constants.lif()?),
                "alif" => network.add_alif(name, shape, constants.alif()?),
                "li" => network.add_li(name, shape, constants.li()?),
                "equations" => network.add_equations(name, shape, constants.equations(toml)?),
                other => {
                    let problem = format!(
                        "there is no model {other:?}; there are input, lif, alif, li and equations"
                    );
                    return Err(errors::value(problem));
                }
            };
        }
        check_alone(alone, model)?;
        built.network = changed;
        Ok(built.network.populations().len() - 1)
    }

    /// Makes a population the output.
    fn set_output(&self, population: usize) -> PyResult<()> {
        let (id, mut built) = (PopulationId(population), self.lock());
        if built.network.population(id).is_input() {
            return Err(errors::value("the input cannot be the output"));
        }
        built.network.set_output(id);
        Ok(())
    }

    /// True of a population whose neurons spike.
    fn spikes(&self, population: usize) -> bool {
        let built = self.lock();
        built.network.population(PopulationId(population)).spikes()
    }

    /// Makes a constant of a population a parameter that training does not let fall below `least`.
    fn train_constant(&self, population: usize, constant: &str, least: f64) -> PyResult<()> {
        let built = self.lock();
        let known: Vec<NeuronConstant> = {
            let population = built.network.population(PopulationId(population));
            population.trainable().collect()
        };
        drop(built);
        let Some(which) = known.iter().copied().find(|c| c.name() == constant) else {
            let names = known.into_iter().map(NeuronConstant::name);
            let names = names.collect::<Vec<_>>().join(", ");
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

    /// Connects two populations, at a port of the target where one is named. Returns the name of the projection.
    #[pyo3(signature = (ends, weights, delay, wiring, port = None))]
    fn connect(
        &self,
        ends: Ends,
        weights: Initial<'_>,
        delay: Delaying<'_>,
        wiring: Wired<'_>,
        port: Option<&str>,
    ) -> PyResult<String> {
        let mut built = self.lock();
        let mut changed = built.network.clone();
        let (source, target) = (PopulationId(ends.source), PopulationId(ends.target));
        let shape = |id| changed.population(id).shape;
        let wiring = wiring.wiring(shape(source), changed.population(target).size)?;
        let synapses = wiring.between(shape(source), shape(target));
        let order = Order::of_synapses(&synapses.map_err(errors::value)?);
        let id = changed.add_projection(Projection {
            source,
            target,
            wiring,
            delay: delay.delay(order)?,
            init: weights.init(order)?,
        });
        if let Some(port) = port {
            changed.set_port(id, port);
        }
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
        pools: Vec<Windows>,
        how: &str,
        number: f64,
    ) -> PyResult<Pairs<'py>> {
        let built = self.lock();
        let network = &built.network;
        let source = network.population(PopulationId(ends.source)).shape;
        let behind = Behind::Named(String::new());
        let pooled = Wired { pools, behind }.pooled(source)?;
        let sources = pooled.neurons().unwrap_or(0);
        let targets = network.population(PopulationId(ends.target)).size;
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

    /// The shape of the weights that a wiring between two populations has, in the order of Python.
    fn weights_shape(&self, ends: Ends, wiring: Wired<'_>) -> PyResult<Vec<usize>> {
        let network = &self.lock().network;
        let population = |index: usize| network.population(PopulationId(index));
        let (source, target) = (population(ends.source), population(ends.target));
        let wiring = wiring.wiring(source.shape, target.size)?;
        let synapses = wiring.between(source.shape, target.shape);
        let synapses = synapses.map_err(errors::value)?;
        Ok(match Order::of_synapses(&synapses) {
            Some(order) => order.shape(),
            None => synapses.shape(),
        })
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
        let mut built = self.lock();
        let (network, params) = built.parts()?;
        let Some(entry) = params.layout().iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        parameter(py, network, params, entry).map(Some)
    }

    /// The shape of one parameter; none when there is none of this name.
    fn param_shape(&self, name: &str) -> PyResult<Option<Vec<usize>>> {
        let built = self.lock();
        let layout = built.layout()?;
        let entry = layout.iter().find(|entry| entry.name == name);
        Ok(entry.map(|entry| shown_shape(&built.network, entry)))
    }

    /// Sets all parameters, in the order of their names, row by row, unless they are those that are set: a tape serves as
    /// long as they stay.
    fn set_params(&self, values: Vec<Flat<'_>>) -> PyResult<()> {
        let mut built = self.lock();
        let (network, params) = built.parts()?;
        let layout = params.layout().to_vec();
        if layout.len() != values.len() {
            return Err(errors::value(format!(
                "{} parameters, expected {}",
                values.len(),
                layout.len()
            )));
        }
        let mut wanted = Vec::with_capacity(layout.len());
        for (entry, values) in layout.iter().zip(&values) {
            let given = values.view(Order::of(network, entry))?;
            if given.len() != entry.range.len() {
                return Err(errors::value(format!(
                    "{}: {} values, expected {}",
                    entry.name,
                    given.len(),
                    entry.range.len()
                )));
            }
            if let Some((place, value)) = given.first_non_finite() {
                return Err(errors::value(format!(
                    "{}: value {place} is {value}; expected finite numbers",
                    entry.name
                )));
            }
            wanted.push((entry.range.clone(), given));
        }
        let mut pairs = wanted.iter();
        if !pairs.all(|(range, given)| given.are(&params.values()[range.clone()])) {
            let into = params.values_mut();
            for (range, given) in &wanted {
                given.put(&mut into[range.clone()]);
            }
        }
        Ok(())
    }

    /// Sets one parameter, row by row.
    fn set_param(&self, name: &str, values: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        let values = values.as_slice().map_err(errors::value)?;
        let mut built = self.lock();
        let (network, params) = built.parts()?;
        let entry = params.layout().iter().find(|entry| entry.name == name);
        let entry = entry.ok_or_else(|| errors::key(name))?;
        let (range, order) = (entry.range.clone(), Order::of(network, entry));
        if range.len() != values.len() {
            return Err(errors::value(format!(
                "{name}: {} values, expected {}",
                values.len(),
                range.len()
            )));
        }
        let given = &mut params.values_mut()[range];
        match order {
            Some(order) => given.copy_from_slice(&order.of_python(values)),
            None => given.copy_from_slice(values),
        }
        Ok(())
    }
}

/// Numbers of either precision.
#[derive(FromPyObject)]
pub enum Flat<'py> {
    Single(PyReadonlyArray1<'py, f32>),
    Double(PyReadonlyArray1<'py, f64>),
}

impl Flat<'_> {
    /// The numbers in the order of the engine, which `order` leads to.
    fn view(&self, order: Option<Order>) -> PyResult<View<'_>> {
        Ok(match self {
            Self::Single(values) => {
                let values = values.as_slice().map_err(errors::value)?;
                View::Single(order.map_or(values.into(), |order| order.of_python(values).into()))
            }
            Self::Double(values) => {
                let values = values.as_slice().map_err(errors::value)?;
                View::Double(order.map_or(values.into(), |order| order.of_python(values).into()))
            }
        })
    }
}

/// The numbers of [`Flat`].
// PERF: they are compared and put where they belong without a copy between.
enum View<'a> {
    Single(Cow<'a, [f32]>),
    Double(Cow<'a, [f64]>),
}

impl View<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Single(values) => values.len(),
            Self::Double(values) => values.len(),
        }
    }

    fn first_non_finite(&self) -> Option<(usize, f64)> {
        match self {
            Self::Single(values) => {
                first_non_finite(values).map(|place| (place, f64::from(values[place])))
            }
            Self::Double(values) => first_non_finite(values).map(|place| (place, values[place])),
        }
    }

    fn are(&self, numbers: &[f64]) -> bool {
        match self {
            Self::Single(values) => values.iter().zip(numbers).all(|(a, b)| f64::from(*a) == *b),
            Self::Double(values) => **values == *numbers,
        }
    }

    fn put(&self, into: &mut [f64]) {
        match self {
            Self::Single(values) => convert(values, into),
            Self::Double(values) => into.copy_from_slice(values),
        }
    }
}

/// The place of the first number that is not finite.
pub fn first_non_finite<F: Real>(values: &[F]) -> Option<usize> {
    let finite = |value: &F| value.to_f64().is_finite();
    // PERF: first without a branch for each number.
    if values.iter().fold(true, |all, value| all & finite(value)) {
        return None;
    }
    values.iter().position(|value| !finite(value))
}

/// Numbers of another type.
pub fn convert<T: Copy + Into<f64>, F: Real>(values: &[T], into: &mut [F]) {
    for (value, into) in values.iter().zip(into) {
        *into = F::from_f64((*value).into());
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

/// The shape of a parameter as Python sees it.
fn shown_shape(network: &Description, entry: &Entry) -> Vec<usize> {
    Order::of(network, entry).map_or_else(|| shape(network, entry), Order::shape)
}

/// A parameter, or its derivative, as Python sees it.
pub fn parameter<'py, F: Real + numpy::Element>(
    py: Python<'py>,
    network: &Description,
    params: &Params<F>,
    entry: &Entry,
) -> PyResult<Bound<'py, PyArrayDyn<F>>> {
    let values = &params.values()[entry.range.clone()];
    match Order::of(network, entry) {
        Some(order) => shaped(py, order.to_python(values), &order.shape()),
        None => shaped(py, values.to_vec(), &shape(network, entry)),
    }
}

/// Writes wiring and pooling of a projection into its description, where it is not dense.
pub fn described_wiring(
    step: &Bound<'_, PyDict>,
    network: &Description,
    id: ProjectionId,
) -> PyResult<()> {
    let (mut wiring, mut pools) = (&network.projection(id).wiring, Vec::new());
    while let Wiring::Pooled(pool, behind) = wiring {
        let [height, width] = pool.window;
        let name = if pool.average { "average" } else { "sum" };
        let described = PyDict::new(step.py());
        described.set_item(name, [height, width])?;
        pools.push(described);
        wiring = behind;
    }
    if !pools.is_empty() {
        step.set_item("via", pools)?;
    }
    match wiring {
        Wiring::Dense | Wiring::Pooled(..) => {}
        Wiring::OneToOne => step.set_item("wiring", "one_to_one")?,
        Wiring::Convolution(how) => {
            let described = PyDict::new(step.py());
            described.set_item("kernel", how.kernel)?;
            described.set_item("stride", how.stride)?;
            described.set_item("padding", how.padding)?;
            described.set_item("groups", how.groups)?;
            step.set_item("wiring", described)?;
        }
        Wiring::Sparse(pattern) => {
            let alone = wiring.between(pattern.sources(), pattern.targets());
            let synapses = alone.map_err(errors::value)?;
            let list = |of: fn(&Synapse) -> usize| -> Vec<usize> {
                synapses.iter().map(|synapse| of(&synapse)).collect()
            };
            let described = PyDict::new(step.py());
            described.set_item("sources", list(|s| s.source))?;
            described.set_item("targets", list(|s| s.target))?;
            step.set_item("wiring", described)?;
        }
    }
    Ok(())
}

/// The values of a parameter in the order of the engine, from that of Python.
pub fn of_python(network: &Description, entry: &Entry, values: &[f64]) -> Vec<f64> {
    match Order::of(network, entry) {
        Some(order) => order.of_python(values),
        None => values.to_vec(),
    }
}

/// The shape of a parameter in Python, where its order is that of the engine.
fn shape(network: &Description, entry: &Entry) -> Vec<usize> {
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
        // Descriptions leave it out where there is none, and those of older versions do not know it.
        let refractory = self.all.get("refractory").cloned();
        Ok(Lif::new(self.needed("tau_mem")?, self.needed("tau_syn")?)
            .v_thresh(self.needed("v_thresh")?)
            .v_reset(self.needed("v_reset")?)
            .refractory(refractory.unwrap_or(Constant::Same(0.0))))
    }

    fn alif(&self) -> PyResult<Alif> {
        let adaptation = Adaptation::new(self.needed("tau_b")?, self.needed("b_incr")?);
        let adaptation = adaptation.b_init(self.needed("b_init")?);
        Ok(self.lif()?.adapting(adaptation))
    }

    /// Neurons from equations: those of their parameters that are given have other values.
    fn equations(&self, toml: &str) -> PyResult<Equations> {
        let mut equations = crate::neuron_model::equations(toml)?;
        for (key, constant) in &self.all {
            let owner = self.owner;
            let changed = equations.with(key, constant.clone());
            equations = changed.ok_or_else(|| {
                errors::value(format!(
                    "the model of population \"{owner}\" has no parameter {key}"
                ))
            })?;
        }
        Ok(equations)
    }

    fn li(&self) -> PyResult<Li> {
        let li = Li::new(self.needed("tau_mem")?, self.needed("tau_syn")?);
        Ok(li.v_init(self.needed("v_init")?))
    }
}
