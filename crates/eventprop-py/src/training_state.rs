//! The state of a training beside the parameters of its network, from which another one goes on.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use eventprop::activity::Activity;
use eventprop::network::Network as Description;
use eventprop::optim::{Average, Optimizer};
use eventprop::params::{Entry, Params};
use eventprop::solver::Solver;
use eventprop::train::Session as Training;
use numpy::{IntoPyArray, PyReadonlyArray1, PyReadonlyArrayDyn};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;
use crate::network::{Network, first_non_finite, of_python, parameter};
use crate::plan::{self, AdamNumbers};

/// Moments of the optimiser, parameters that are not averaged, and what else goes on.
#[derive(Clone)]
pub struct Known {
    /// The numbers of the optimiser; none for SGD.
    adam: Option<AdamNumbers>,
    optimizer: Optimizer<f64>,
    /// The average, which the network has, and the parameters from which training goes on.
    average: Option<(Average<f64>, Params<f64>)>,
    /// Batches after which sparse projections were rewired.
    rewired: u64,
    /// The activity of the last epoch.
    seen: Activity,
    layout: Vec<Entry>,
}

/// The state of a training. Another optimiser, or parameters of other names and sizes, have no use for it.
#[pyclass(frozen, module = "eventprop._engine")]
pub struct TrainingState {
    known: Mutex<Known>,
}

/// Arrays by their names in a file.
type Arrays<'py> = Bound<'py, PyDict>;

/// Names of arrays in a file, before those of parameters or populations.
const FIRST: &str = "adam/first";
const SECOND: &str = "adam/second";
const GOING_ON: &str = "unaveraged";
const SPIKES: &str = "activity/spikes";

/// The numbers in the file beside the arrays.
#[derive(FromPyObject, IntoPyObject)]
struct Numbers {
    #[pyo3(item)]
    adam: Option<AdamNumbers>,
    #[pyo3(item)]
    steps: u64,
    #[pyo3(item)]
    scales: Vec<f64>,
    /// Horizon and steps of the average.
    #[pyo3(item)]
    average: Option<(f64, u64)>,
    #[pyo3(item)]
    rewired: u64,
    #[pyo3(item)]
    samples: u64,
}

impl Known {
    /// The state before the first step.
    fn new(network: &Description, params: &Params<f64>, adam: Option<AdamNumbers>) -> Self {
        Self {
            adam,
            optimizer: plan::optimizer(adam, params),
            average: None,
            rewired: 0,
            seen: Activity::for_network(network),
            layout: params.layout().to_vec(),
        }
    }

    /// The state of a training.
    pub fn of<S: Solver>(
        training: &Training<S>,
        adam: Option<AdamNumbers>,
        seen: &Activity,
    ) -> Self {
        let average = training.average.as_ref();
        Self {
            adam,
            optimizer: training.optimizer.cast(),
            average: average.map(|average| (average.cast(), training.params.cast())),
            rewired: training.rewiring.as_ref().map_or(0, |one| one.batches),
            seen: seen.clone(),
            layout: training.params.layout().to_vec(),
        }
    }

    /// Lets a training of a network with these parameters go on from here; returns the activity of the last epoch.
    pub fn go_on<S: Solver>(self, training: &mut Training<S>, params: &Params<f64>) -> Activity {
        training.optimizer = self.optimizer.cast();
        if let Some(rewiring) = &mut training.rewiring {
            rewiring.batches = self.rewired;
        }
        // Parameters that were set since are those from which it goes on.
        if let (Some(now), Some((before, going_on))) = (&mut training.average, &self.average)
            && before.params == *params
        {
            now.params = before.params.cast();
            now.steps = before.steps;
            training.params = going_on.cast();
        }
        self.seen
    }

    /// True if a training with such an optimiser and such parameters can go on from here.
    pub fn fits(&self, adam: Option<AdamNumbers>, layout: &[Entry]) -> bool {
        self.adam == adam && self.layout == layout
    }
}

impl TrainingState {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of what is known.
    pub fn known(&self) -> Known {
        self.lock().clone()
    }
}

impl From<Known> for TrainingState {
    fn from(known: Known) -> Self {
        Self {
            known: Mutex::new(known),
        }
    }
}

#[pymethods]
impl TrainingState {
    #[new]
    fn new(network: &Network, adam: Option<AdamNumbers>) -> PyResult<Self> {
        network.seen(|description, params| Ok(Known::new(description, params, adam).into()))
    }

    /// True if a training of the network with such an optimiser can go on from here.
    fn fits(&self, network: &Network, adam: Option<AdamNumbers>) -> PyResult<bool> {
        network.seen(|_, params| Ok(self.lock().fits(adam, params.layout())))
    }

    /// One step of the optimiser; gradients by the names of all parameters.
    fn step(
        &self,
        network: &Network,
        gradients: HashMap<String, PyReadonlyArray1<'_, f64>>,
        eta: f64,
    ) -> PyResult<()> {
        let (description, mut params) = network.snapshot()?;
        let mut gradient = params.zeros_like();
        let mut known = self.lock();
        for entry in &known.layout {
            let given = gradients
                .get(&entry.name)
                .ok_or_else(|| errors::key(format!("there is no gradient of {:?}", entry.name)))?;
            let given = given.as_slice().map_err(errors::value)?;
            let given = of_python(&description, entry, given);
            gradient.values_mut()[entry.range.clone()].copy_from_slice(&given);
        }
        known.optimizer.step(&mut params, &mut gradient, eta, &[]);
        params.keep_bounds();
        network.adopt(params)
    }

    /// Numbers and arrays for a file, where the network has these parameters.
    fn stored<'py>(&self, py: Python<'py>, network: &Network) -> PyResult<(Numbers, Arrays<'py>)> {
        let (description, params) = network.snapshot()?;
        let known = self.lock();
        let arrays = PyDict::new(py);
        let put = |at: &str, params: &Params<f64>| {
            params.layout().iter().try_for_each(|entry| {
                let values = parameter(py, &description, params, entry)?;
                arrays.set_item(format!("{at}/{}", entry.name), values)
            })
        };
        let (mut steps, mut scales) = (0, Vec::new());
        if let Optimizer::Adam(adam) = &known.optimizer {
            put(FIRST, &adam.first)?;
            put(SECOND, &adam.second)?;
            (steps, scales) = (adam.steps, adam.scales.clone());
        }
        let average = known.average.as_ref();
        let average = average.filter(|(average, _)| average.params == params);
        if let Some((_, going_on)) = average {
            put(GOING_ON, going_on)?;
        }
        for (population, spikes) in description.populations().iter().zip(&known.seen.spikes) {
            let spikes: Vec<f64> = spikes.iter().map(|count| *count as f64).collect();
            arrays.set_item(
                format!("{SPIKES}/{}", population.name),
                spikes.into_pyarray(py),
            )?;
        }
        let numbers = Numbers {
            adam: known.adam,
            steps,
            scales,
            average: average.map(|(average, _)| (average.horizon, average.steps)),
            rewired: known.rewired,
            samples: known.seen.samples,
        };
        Ok((numbers, arrays))
    }

    /// The state in a file, for the network with its parameters; what it needs is taken out of the arrays.
    #[staticmethod]
    fn restored(network: &Network, numbers: Numbers, arrays: &Arrays<'_>) -> PyResult<Self> {
        let (description, params) = network.snapshot()?;
        let mut known = Known::new(&description, &params, numbers.adam);
        let get = |at: &str| {
            let mut found = params.zeros_like();
            for entry in params.layout() {
                let values = taken(arrays, &format!("{at}/{}", entry.name), entry.range.len())?;
                let values = of_python(&description, entry, &values);
                found.values_mut()[entry.range.clone()].copy_from_slice(&values);
            }
            Ok::<_, PyErr>(found)
        };
        if let Optimizer::Adam(adam) = &mut known.optimizer {
            (adam.first, adam.second) = (get(FIRST)?, get(SECOND)?);
            (adam.steps, adam.scales) = (numbers.steps, numbers.scales);
        }
        if let Some((horizon, steps)) = numbers.average {
            let average = Average {
                steps,
                ..Average::new(&params, horizon)
            };
            known.average = Some((average, get(GOING_ON)?));
        }
        known.rewired = numbers.rewired;
        known.seen.samples = numbers.samples;
        for (population, spikes) in description.populations().iter().zip(&mut known.seen.spikes) {
            let name = format!("{SPIKES}/{}", population.name);
            let counts = taken(arrays, &name, population.size)?;
            *spikes = counts.iter().map(|count| *count as u64).collect();
        }
        Ok(known.into())
    }
}

/// The numbers of one array, which is taken out of the others.
fn taken(arrays: &Arrays<'_>, name: &str, len: usize) -> PyResult<Vec<f64>> {
    let array = arrays.get_item(name)?;
    let array = array.ok_or_else(|| errors::key(format!("there is no tensor {name:?}")))?;
    arrays.del_item(name)?;
    let array: PyReadonlyArrayDyn<'_, f64> = array.extract()?;
    let values = array.as_slice().map_err(errors::value)?;
    if values.len() != len {
        let found = values.len();
        return Err(errors::value(format!(
            "tensor {name:?} has {found} numbers; expected {len}"
        )));
    }
    if let Some(place) = first_non_finite(values) {
        let value = values[place];
        return Err(errors::value(format!(
            "tensor {name:?}: value {place} is {value}; expected finite numbers"
        )));
    }
    Ok(values.to_vec())
}
