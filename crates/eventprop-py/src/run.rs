//! The two verbs for losses that are written in Python: forward, with a tape that is kept, and backward from the
//! derivatives of the loss.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use eventprop::network::{Network as Description, PopulationId};
use eventprop::params::{Params, Revision};
use eventprop::readout::{Nodes, Observe, Seed, Voltages};
use eventprop::real::Real;
use eventprop::reduce::Alone;
use eventprop::solver::{
    Convention, Drive, Grazing, InputGradient, SolveError, Solver, SolverKind, Sum, Trial, Trials,
};
use eventprop::spikes::Batch;
use eventprop::train::TrainError;
use eventprop::with_solver;
use numpy::ndarray::{ArrayView2, ArrayView3, Axis};
use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray3};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rayon::prelude::*;

use crate::events::{Events, Flat};
use crate::network::{Network, convert, first_non_finite, parameter, shaped};
use crate::plan;
use crate::{errors, pool};

/// A batch that went forward. A call holds the lock only to take the work out and to put it back.
#[pyclass(frozen, module = "eventprop._engine")]
pub struct Run {
    network: Py<Network>,
    /// The network, and the parameters' revision, when it went forward.
    description: Description,
    revision: Revision,
    solver: SolverKind,
    work: Mutex<Option<Box<dyn Held>>>,
    spare: Option<Py<Spare>>,
}

/// The memory of a run that has gone, for the next one of the same network with the same solver.
#[pyclass(frozen, module = "eventprop._engine")]
#[derive(Default)]
pub struct Spare {
    left: Mutex<Option<(SolverKind, Box<dyn Held>)>>,
}

#[pymethods]
impl Spare {
    #[new]
    fn new() -> Self {
        Self::default()
    }
}

impl Spare {
    fn take(&self, wanted: SolverKind, network: &Description) -> Option<Box<dyn Held>> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (solver, work) = left.take()?;
        (solver == wanted && work.is_of(network)).then_some(work)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let work = self
            .work
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some((spare, work)) = self.spare.as_ref().zip(work) {
            let mut left = spare
                .get()
                .left
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *left = Some((self.solver, work));
        }
    }
}

/// What a run keeps, with one of the solvers.
trait Held: Send {
    /// True if it is prepared for this network.
    fn is_of(&self, network: &Description) -> bool;

    /// Takes other parameters, and shows the voltages of other populations.
    fn renew(&mut self, params: &Params<f64>, voltages: Vec<PopulationId>);

    fn batch(&mut self) -> &mut Batch;

    fn forward(&mut self) -> Result<(), SolveError>;

    /// Takes the derivatives of a loss.
    fn pull(&mut self, pulls: &Pulls<'_>) -> Result<(), NotFinite>;

    fn backward(
        &mut self,
        convention: Option<Convention>,
        grazing: Grazing,
    ) -> Result<(), TrainError>;

    /// Times, neurons and offsets of the spikes of a population.
    fn spikes(&self, population: PopulationId) -> Flat;

    /// By population: whether rows are starts of steps, the voltages of all samples or of each, and times and widths of rows.
    fn voltages<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>>;

    /// Gradients, and derivatives by the input.
    fn found<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>>;
}

/// Derivatives of a loss by the voltages of a population.
#[derive(FromPyObject)]
enum Given<'py> {
    /// Of all samples, one behind the other.
    Flat(PyReadonlyArray1<'py, f64>),
    /// [samples, rows, neurons]; where the first row, the start of the trial, is left out, it is 0.
    Single(PyReadonlyArray3<'py, f32>),
    /// The same in double precision.
    Double(PyReadonlyArray3<'py, f64>),
}

impl Given<'_> {
    fn view(&self) -> PyResult<View<'_>> {
        Ok(match self {
            Self::Flat(values) => View::Flat(values.as_slice().map_err(errors::value)?),
            Self::Single(values) => View::Single(values.as_array()),
            Self::Double(values) => View::Double(values.as_array()),
        })
    }
}

/// The numbers of [`Given`].
enum View<'a> {
    Flat(&'a [f64]),
    Single(ArrayView3<'a, f32>),
    Double(ArrayView3<'a, f64>),
}

impl View<'_> {
    /// The derivatives of a sample of which `into.len()` numbers are shown, behind those of other samples in a flat list.
    fn fill<F: Real>(&self, sample: usize, begin: usize, into: &mut [F]) -> Result<(), usize> {
        match self {
            Self::Flat(values) => convert(&values[begin..begin + into.len()], into),
            Self::Single(values) => of_rows(values.index_axis(Axis(0), sample), into),
            Self::Double(values) => of_rows(values.index_axis(Axis(0), sample), into),
        }
        first_non_finite(into).map_or(Ok(()), Err)
    }
}

/// Rows of a sample, the last of those that are shown; before them are zeros.
fn of_rows<T: Copy + Into<f64>, F: Real>(rows: ArrayView2<'_, T>, into: &mut [F]) {
    let (before, into) = into.split_at_mut(into.len() - rows.len());
    before.fill(F::ZERO);
    if rows.ncols() == 0 {
        return;
    }
    for (row, into) in rows.outer_iter().zip(into.chunks_exact_mut(rows.ncols())) {
        if let Some(values) = row.as_slice() {
            convert(values, into);
        } else {
            let places = row.iter().zip(into);
            places.for_each(|(value, into)| *into = F::from_f64((*value).into()));
        }
    }
}

/// Derivatives of a loss, by the number of a population.
struct Pulls<'a> {
    dl_dv: HashMap<usize, View<'a>>,
    /// Of the spikes of all samples, one behind the other.
    dl_dt: HashMap<usize, &'a [f64]>,
}

/// A derivative by a voltage that is not finite.
struct NotFinite {
    population: String,
    at: [usize; 3],
    value: f64,
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
        voltages: Vec<PopulationId>,
    ) -> PyResult<Self> {
        let params = params.cast::<S::Real>();
        Ok(Self {
            solver: S::for_network(network).map_err(|error| errors::solve(&error))?,
            network: network.clone(),
            gradient: params.zeros_like(),
            params,
            batch: Batch::default(),
            voltages,
            trials: S::Trials::default(),
            seeds: Vec::new(),
            inputs: None,
        })
    }

    /// Shares out what was given for the whole batch among the samples.
    fn fill_seeds(&mut self, pulls: &Pulls<'_>) -> Result<(), NotFinite>
    where
        S::Trials: Sync,
    {
        let all = self.network.populations();
        let trials = &self.trials;
        self.seeds.resize_with(trials.samples(), Seed::default);
        // By sample and population: where its spikes and its voltages begin in flat lists.
        let (mut spikes, mut voltages) = (vec![0; all.len()], vec![0; all.len()]);
        let mut begins = Vec::with_capacity(trials.samples());
        for sample in 0..trials.samples() {
            begins.push((spikes.clone(), voltages.clone()));
            for (index, spikes) in spikes.iter_mut().enumerate() {
                *spikes += trials.tape(sample).populations[index].len();
            }
            for shown in &trials.readout(sample).voltages {
                voltages[shown.population.0] += shown.values.len();
            }
        }
        let filled = self.seeds.par_iter_mut().zip(&begins).enumerate();
        let filled = filled.map(|(sample, (seed, (spikes, voltages)))| {
            let (tape, readout) = (trials.tape(sample), trials.readout(sample));
            seed.clear();
            for (index, pull) in seed.pulls_mut(all.len()).iter_mut().enumerate() {
                if let Some(values) = pulls.dl_dt.get(&index) {
                    let len = tape.populations[index].len();
                    pull.dl_dt.resize(len, S::Real::ZERO);
                    convert(&values[spikes[index]..spikes[index] + len], &mut pull.dl_dt);
                }
                let shown = readout.voltages.iter().find(|v| v.population.0 == index);
                if let (Some(view), Some(shown)) = (pulls.dl_dv.get(&index), shown) {
                    pull.dl_dv.resize(shown.values.len(), S::Real::ZERO);
                    let filled = view.fill(sample, voltages[index], &mut pull.dl_dv);
                    filled.map_err(|place| NotFinite {
                        population: all[index].name.clone(),
                        at: [sample, place / all[index].size, place % all[index].size],
                        value: pull.dl_dv[place].to_f64(),
                    })?;
                }
            }
            Ok(())
        });
        // The first sample that is wrong, whatever the threads do.
        let filled: Vec<Result<(), NotFinite>> = filled.collect();
        filled.into_iter().collect()
    }
}

impl<S: Solver> Work<S> {
    /// Times and widths of the rows of voltages.
    fn nodes<'py>(
        &self,
        py: Python<'py>,
        shown: &Voltages<S::Real>,
    ) -> [Bound<'py, PyArray1<f64>>; 2] {
        let Nodes {
            times_ms,
            widths_ms,
            grid,
        } = &*shown.nodes;
        let (mut times, mut widths) = (times_ms.clone(), widths_ms.clone());
        if *grid {
            times.push(self.network.clock().trial_ms());
            widths.push(0.0);
        }
        [times.into_pyarray(py), widths.into_pyarray(py)]
    }
}

impl<S> Held for Work<S>
where
    S: Solver<Trials: Send + Sync> + Send,
    S::Real: Element,
{
    fn is_of(&self, network: &Description) -> bool {
        self.network == *network
    }

    fn renew(&mut self, params: &Params<f64>, voltages: Vec<PopulationId>) {
        params.cast_into(&mut self.params);
        self.voltages = voltages;
        self.inputs = None;
    }

    fn batch(&mut self) -> &mut Batch {
        &mut self.batch
    }

    fn forward(&mut self) -> Result<(), SolveError> {
        let trial = Trial {
            voltages: &self.voltages,
            ..Trial::observing(Observe::Nothing)
        };
        self.solver
            .forward(&self.params, &self.batch, trial, &mut self.trials)
    }

    fn pull(&mut self, pulls: &Pulls<'_>) -> Result<(), NotFinite> {
        self.fill_seeds(pulls)
    }

    fn backward(
        &mut self,
        convention: Option<Convention>,
        grazing: Grazing,
    ) -> Result<(), TrainError> {
        self.inputs = convention.map(InputGradient::new);
        let drive = Drive {
            seeds: &self.seeds,
            spike_jumps: &[],
            grazing,
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

    fn spikes(&self, population: PopulationId) -> Flat {
        Flat::of(&self.trials, population.0, self.network.clock())
    }

    fn voltages<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let voltages = PyDict::new(py);
        let samples = 0..self.trials.samples();
        let readouts: Vec<_> = samples.map(|sample| self.trials.readout(sample)).collect();
        for (place, population) in self.voltages.iter().enumerate() {
            let population = self.network.population(*population);
            let shown = readouts.iter().map(|readout| &readout.voltages[place]);
            let shown: Vec<&Voltages<S::Real>> = shown.collect();
            let size = population.size;
            let on_steps = shown.first().is_some_and(|first| first.nodes.grid);
            let seen = if on_steps {
                let shape = [shown.len(), shown[0].rows(), size];
                let mut values = Vec::with_capacity(shape.iter().product());
                for one in &shown {
                    values.extend_from_slice(&one.values);
                }
                let nodes = self.nodes(py, shown[0]);
                (on_steps, shaped(py, values, &shape)?, nodes).into_pyobject(py)?
            } else {
                let arrays = shown
                    .iter()
                    .map(|one| shaped(py, one.values.clone(), &[one.rows(), size]));
                let arrays = arrays.collect::<PyResult<Vec<_>>>()?;
                let nodes: Vec<_> = shown.iter().map(|one| self.nodes(py, one)).collect();
                (on_steps, arrays, nodes).into_pyobject(py)?
            };
            voltages.set_item(&population.name, seen)?;
        }
        Ok(voltages)
    }

    fn found<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        let gradients = PyDict::new(py);
        for entry in self.gradient.layout() {
            let values = parameter(py, &self.network, &self.gradient, entry)?;
            gradients.set_item(&entry.name, values)?;
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
    #[pyo3(signature = (network, events, solver, voltages, spare = None))]
    fn new(
        py: Python<'_>,
        network: Bound<'_, Network>,
        events: Events<'_>,
        solver: &str,
        voltages: Vec<String>,
        spare: Option<Py<Spare>>,
    ) -> PyResult<Self> {
        let slices = events.slices()?;
        let solver = plan::solver(solver)?;
        let left = spare.as_ref().map(Py::get);
        let (description, revision, mut work) = network.get().seen(|description, params| {
            let populations = voltages.iter().map(|name| population(description, name));
            let populations = populations.collect::<PyResult<Vec<_>>>()?;
            let work = match left.and_then(|spare| spare.take(solver, description)) {
                Some(mut work) => {
                    work.renew(params, populations);
                    work
                }
                None => with_solver!(solver, S => {
                    Box::new(Work::<S>::new(description, params, populations)?) as Box<dyn Held>
                }),
            };
            Ok((description.clone(), params.revision(), work))
        })?;
        pool::compute_borrowed(py, || slices.fill(None, work.batch()))?;
        let (work, solved) = pool::compute(py, move || {
            let solved = work.forward();
            (work, solved)
        })?;
        solved.map_err(|error| errors::solve(&error))?;
        Ok(Self {
            network: network.unbind(),
            description,
            revision,
            solver,
            work: Mutex::new(Some(work)),
            spare,
        })
    }

    /// True if the network has the parameters with which it went forward.
    fn is_current(&self) -> PyResult<bool> {
        Ok(self.network.get().revision()? == self.revision)
    }

    /// Times, neurons and offsets of the spikes of a population.
    fn spikes<'py>(&self, py: Python<'py>, name: &str) -> PyResult<FlatArrays<'py>> {
        let id = population(&self.description, name)?;
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let flat = work.as_ref().ok_or_else(in_use)?.spikes(id);
        Ok((
            flat.times.into_pyarray(py),
            flat.neurons.into_pyarray(py),
            flat.offsets.into_pyarray(py),
        ))
    }

    /// Voltages of the populations that were asked for.
    fn voltages<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        work.as_ref().ok_or_else(in_use)?.voltages(py)
    }

    /// Gradients, and derivatives by the input, from the derivatives of a loss by population.
    fn backward<'py>(
        &self,
        py: Python<'py>,
        dl_dv: HashMap<String, Given<'py>>,
        dl_dt: HashMap<String, PyReadonlyArray1<'py, f64>>,
        inputs: Option<(String, Option<String>)>,
        grazing: &str,
    ) -> PyResult<Bound<'py, PyDict>> {
        if !self.is_current()? {
            return Err(errors::value(
                "the network has other parameters than in this forward pass; run forward() again after they have changed",
            ));
        }
        let dl_dv = dl_dv.iter().map(|(name, given)| (name, given.view()));
        let dl_dt = dl_dt.iter();
        let dl_dt = dl_dt.map(|(name, given)| (name, given.as_slice().map_err(errors::value)));
        let pulls = Pulls {
            dl_dv: by_population(&self.description, dl_dv)?,
            dl_dt: by_population(&self.description, dl_dt)?,
        };
        let convention = inputs.map(|inputs| convention(&self.description, inputs));
        let (convention, grazing) = (convention.transpose()?, plan::grazing(grazing)?);
        let taken = {
            let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            work.take()
        };
        let mut work = taken.ok_or_else(in_use)?;
        let pulled = pool::compute_borrowed(py, || work.pull(&pulls));
        let (work, solved) = match pulled {
            Ok(Ok(())) => pool::compute(py, move || {
                let solved = work.backward(convention, grazing);
                (work, solved.map_err(|error| errors::train(&error)))
            })?,
            Ok(Err(problem)) => (work, Err(problem.told())),
            Err(problem) => (work, Err(problem)),
        };
        let found = work.found(py);
        *self.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
        solved?;
        found
    }
}

/// Times, neurons and offsets.
type FlatArrays<'py> = (
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<i64>>,
);

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

fn by_population<'a, T>(
    network: &Description,
    given: impl Iterator<Item = (&'a String, PyResult<T>)>,
) -> PyResult<HashMap<usize, T>> {
    let each = given.map(|(name, values)| Ok((population(network, name)?.0, values?)));
    each.collect()
}

impl NotFinite {
    fn told(&self) -> PyErr {
        let Self {
            population,
            at: [sample, row, neuron],
            value,
        } = self;
        let value = value.to_string().to_lowercase();
        errors::value(format!(
            "voltage['{population}'][{sample}, {row}, {neuron}] is {value}; expected finite numbers"
        ))
    }
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
