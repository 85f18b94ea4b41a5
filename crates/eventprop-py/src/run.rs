//! The two verbs for losses that are written in Python: forward, with a tape that is kept, and backward from the
//! derivatives of the loss.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use eventprop::network::{Network as Description, PopulationId};
use eventprop::params::{Params, Revision};
use eventprop::readout::{Observe, Seed};
use eventprop::real::Real;
use eventprop::reduce::Alone;
use eventprop::solver::{
    Convention, Drive, Grazing, InputGradient, SolveError, Solver, Sum, Trial, Trials,
};
use eventprop::spikes::Batch;
use eventprop::train::TrainError;
use eventprop::with_solver;
use numpy::{Element, IntoPyArray, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::events::{Events, Flat};
use crate::network::{Network, shape, shaped};
use crate::plan::{self, AdamNumbers};
use crate::{errors, pool};

/// A batch that went forward. A call holds the lock only to take the work out and to put it back.
#[pyclass(frozen, module = "eventprop._engine")]
pub struct Run {
    network: Py<Network>,
    revision: Revision,
    work: Mutex<Option<Box<dyn Held>>>,
}

/// What a run keeps, with one of the solvers.
trait Held: Send {
    fn forward(&mut self) -> Result<(), SolveError>;

    fn backward(&mut self, pulls: &Pulls) -> Result<(), TrainError>;

    /// Spikes and voltages.
    fn seen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>>;

    /// Gradients, and derivatives by the input.
    fn found<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>>;
}

/// Derivatives of a loss, by the number of a population: all samples one behind the other.
struct Pulls {
    dl_dv: HashMap<usize, Vec<f64>>,
    dl_dt: HashMap<usize, Vec<f64>>,
    convention: Option<Convention>,
    grazing: Grazing,
}

struct Work<S: Solver> {
    network: Description,
    solver: S,
    params: Params<S::Real>,
    batch: Batch,
    voltages: Vec<PopulationId>,
    trials: S::Trials,
    seeds: Vec<Seed<S::Real>>,
    gradient: Params<S::Real>,
    inputs: Option<InputGradient<S::Real>>,
}

impl<S: Solver> Work<S> {
    fn new(
        network: &Description,
        params: &Params<f64>,
        batch: Batch,
        voltages: Vec<PopulationId>,
    ) -> PyResult<Self> {
        let params = params.cast::<S::Real>();
        Ok(Self {
            solver: S::for_network(network).map_err(|error| errors::solve(&error))?,
            network: network.clone(),
            gradient: params.zeros_like(),
            params,
            batch,
            voltages,
            trials: S::Trials::default(),
            seeds: Vec::new(),
            inputs: None,
        })
    }

    /// Shares out what was given for the whole batch among the samples.
    fn fill_seeds(&mut self, pulls: &Pulls) {
        let populations = self.network.populations().len();
        let numbers = |values: &[f64]| values.iter().map(|x| S::Real::from_f64(*x)).collect();
        let (mut rows, mut spikes) = (vec![0; populations], vec![0; populations]);
        self.seeds.clear();
        for sample in 0..self.trials.samples() {
            let (tape, readout) = (self.trials.tape(sample), self.trials.readout(sample));
            let mut seed = Seed::default();
            for (index, pull) in seed.pulls_mut(populations).iter_mut().enumerate() {
                if let Some(values) = pulls.dl_dt.get(&index) {
                    let end = spikes[index] + tape.populations[index].len();
                    pull.dl_dt = numbers(&values[spikes[index]..end]);
                    spikes[index] = end;
                }
                let shown = readout.voltages.iter().find(|v| v.population.0 == index);
                if let (Some(values), Some(shown)) = (pulls.dl_dv.get(&index), shown) {
                    let end = rows[index] + shown.values.len();
                    pull.dl_dv = numbers(&values[rows[index]..end]);
                    rows[index] = end;
                }
            }
            self.seeds.push(seed);
        }
    }
}

impl<S> Held for Work<S>
where
    S: Solver<Trials: Send> + Send,
    S::Real: Element,
{
    fn forward(&mut self) -> Result<(), SolveError> {
        let trial = Trial {
            voltages: &self.voltages,
            ..Trial::observing(Observe::Nothing)
        };
        self.solver
            .forward(&self.params, &self.batch, trial, &mut self.trials)
    }

    fn backward(&mut self, pulls: &Pulls) -> Result<(), TrainError> {
        self.fill_seeds(pulls);
        self.inputs = pulls.convention.map(InputGradient::new);
        let drive = Drive {
            seeds: &self.seeds,
            spike_jumps: &[],
            grazing: pulls.grazing,
        };
        let sum = Sum {
            gradient: &mut self.gradient,
            samples: self.batch.len(),
            reduce: &mut Alone,
            inputs: self.inputs.as_mut(),
        };
        self.solver
            .adjoint(&self.params, &self.trials, drive, sum)?;
        let Some((name, index, value)) = self.gradient.first_non_finite() else {
            return Ok(());
        };
        Err(TrainError::GradientNotFinite {
            name: name.to_owned(),
            index,
            value,
        })
    }

    fn seen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let seen = PyDict::new(py);
        let clock = self.network.clock();
        let all = PyDict::new(py);
        for (index, population) in self.network.populations().iter().enumerate() {
            let flat = Flat::of(&self.trials, index, clock);
            let arrays = (
                flat.times.into_pyarray(py),
                flat.neurons.into_pyarray(py),
                flat.offsets.into_pyarray(py),
            );
            all.set_item(&population.name, arrays)?;
        }
        seen.set_item("spikes", all)?;
        let voltages = PyDict::new(py);
        for (place, population) in self.voltages.iter().enumerate() {
            let samples = PyList::empty(py);
            let population = self.network.population(*population);
            for sample in 0..self.trials.samples() {
                let readout = self.trials.readout(sample);
                let shown = &readout.voltages[place];
                let values = shown.values.clone();
                let values = shaped(py, values, &[shown.rows(), population.size])?;
                let (mut times, mut widths) =
                    (shown.nodes.times_ms.clone(), shown.nodes.widths_ms.clone());
                if shown.nodes.grid {
                    times.push(clock.trial_ms());
                    widths.push(0.0);
                }
                samples.append((values, times.into_pyarray(py), widths.into_pyarray(py)))?;
            }
            voltages.set_item(&population.name, samples)?;
        }
        seen.set_item("voltages", voltages)?;
        Ok(seen)
    }

    fn found<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        let gradients = PyDict::new(py);
        for entry in self.gradient.layout() {
            let values = self.gradient.values()[entry.range.clone()].to_vec();
            gradients.set_item(
                &entry.name,
                shaped(py, values, &shape(&self.network, entry))?,
            )?;
        }
        found.set_item("gradients", gradients)?;
        if let Some(inputs) = &self.inputs {
            let values = inputs.samples.concat();
            let (samples, steps) = (inputs.samples.len(), self.network.clock().steps());
            let shape = match inputs.convention {
                Convention::Time => vec![values.len()],
                Convention::Graded => vec![samples, steps, self.network.input_size()],
                Convention::Current(population) => {
                    vec![samples, steps, self.network.population(population).size]
                }
            };
            found.set_item("inputs", shaped(py, values, &shape)?)?;
        }
        Ok(found)
    }
}

#[pymethods]
impl Run {
    #[new]
    fn new(
        py: Python<'_>,
        network: Bound<'_, Network>,
        events: Events<'_>,
        solver: &str,
        voltages: Vec<String>,
    ) -> PyResult<Self> {
        let (description, params) = network.get().snapshot()?;
        let populations = voltages.iter().map(|name| population(&description, name));
        let populations = populations.collect::<PyResult<Vec<_>>>()?;
        let slices = events.slices()?;
        let mut batch = Batch::default();
        pool::compute_borrowed(py, || slices.fill(None, &mut batch))?;
        let mut work: Box<dyn Held> = with_solver!(plan::solver(solver)?, S => {
            Box::new(Work::<S>::new(&description, &params, batch, populations)?)
        });
        let (work, solved) = pool::compute(py, move || {
            let solved = work.forward();
            (work, solved)
        })?;
        solved.map_err(|error| errors::solve(&error))?;
        Ok(Self {
            network: network.unbind(),
            revision: params.revision(),
            work: Mutex::new(Some(work)),
        })
    }

    /// Spikes and voltages.
    fn seen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        work.as_ref().ok_or_else(in_use)?.seen(py)
    }

    /// Gradients, and derivatives by the input, from the derivatives of a loss by population.
    fn backward<'py>(
        &self,
        py: Python<'py>,
        dl_dv: HashMap<String, PyReadonlyArray1<'py, f64>>,
        dl_dt: HashMap<String, PyReadonlyArray1<'py, f64>>,
        inputs: Option<(String, Option<String>)>,
        grazing: &str,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (description, params) = self.network.get().snapshot()?;
        if params.revision() != self.revision {
            return Err(errors::value(
                "the network has other parameters than in this forward pass; run forward() again after they have changed",
            ));
        }
        let pulls = Pulls {
            dl_dv: by_population(&description, dl_dv)?,
            dl_dt: by_population(&description, dl_dt)?,
            convention: inputs
                .map(|inputs| convention(&description, inputs))
                .transpose()?,
            grazing: plan::grazing(grazing)?,
        };
        let taken = {
            let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            work.take()
        };
        let mut work = taken.ok_or_else(in_use)?;
        let (work, solved) = pool::compute(py, move || {
            let solved = work.backward(&pulls);
            (work, solved)
        })?;
        let found = work.found(py);
        *self.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
        solved.map_err(|error| errors::train(&error))?;
        found
    }
}

fn in_use() -> PyErr {
    errors::value(
        "this run is going backward in another thread, or was interrupted while it did; run forward() again",
    )
}

fn population(network: &Description, name: &str) -> PyResult<PopulationId> {
    let known: Vec<&str> = network.populations().iter().map(|p| &p.name[..]).collect();
    network.find(name).ok_or_else(|| {
        let known = known.join(", ");
        errors::key(format!(
            "there is no population {name:?}; there are {known}"
        ))
    })
}

fn by_population(
    network: &Description,
    given: HashMap<String, PyReadonlyArray1<'_, f64>>,
) -> PyResult<HashMap<usize, Vec<f64>>> {
    let each = given.into_iter().map(|(name, values)| {
        let values = values.as_slice().map_err(errors::value)?.to_vec();
        Ok((population(network, &name)?.0, values))
    });
    each.collect()
}

fn convention(network: &Description, (name, of): (String, Option<String>)) -> PyResult<Convention> {
    match (&name[..], of) {
        ("time", None) => Ok(Convention::Time),
        ("graded", None) => Ok(Convention::Graded),
        ("current", Some(of)) => Ok(Convention::Current(population(network, &of)?)),
        _ => Err(errors::value(format!(
            "there is no derivative by the input {name:?}"
        ))),
    }
}

/// An optimiser with its state, for gradients from anywhere.
#[pyclass(frozen, module = "eventprop._engine")]
pub struct Updater {
    optimizer: Mutex<eventprop::optim::Optimizer<f64>>,
    layout: Vec<eventprop::params::Entry>,
}

#[pymethods]
impl Updater {
    #[new]
    fn new(network: &Network, adam: Option<AdamNumbers>) -> PyResult<Self> {
        let (_, params) = network.snapshot()?;
        Ok(Self {
            optimizer: Mutex::new(plan::optimizer(adam, &params)),
            layout: params.layout().to_vec(),
        })
    }

    /// True if the network has the parameters that the state belongs to.
    fn fits(&self, network: &Network) -> PyResult<bool> {
        Ok(network.snapshot()?.1.layout() == self.layout)
    }

    /// One step; gradients by the names of all parameters.
    fn step(
        &self,
        network: &Network,
        gradients: HashMap<String, PyReadonlyArray1<'_, f64>>,
        eta: f64,
    ) -> PyResult<()> {
        let (_, mut params) = network.snapshot()?;
        let mut gradient = params.zeros_like();
        for entry in &self.layout {
            let given = gradients
                .get(&entry.name)
                .ok_or_else(|| errors::key(format!("there is no gradient of {:?}", entry.name)))?;
            let given = given.as_slice().map_err(errors::value)?;
            gradient.values_mut()[entry.range.clone()].copy_from_slice(given);
        }
        let mut optimizer = self
            .optimizer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        optimizer.step(&mut params, &mut gradient, eta, &[]);
        params.keep_bounds();
        network.adopt(params)
    }
}
