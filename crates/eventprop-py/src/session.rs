//! A training, batch by batch; the loop over epochs is written in Python.

use std::sync::{Mutex, PoisonError};

use eventprop::params::Params;
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::spikes::Batch;
use eventprop::train::{BatchReport, Session as Training, TrainError};
use eventprop_experiment::engine::Engine;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::evaluate::predictions;
use crate::events::{Events, Slices};
use crate::network::Network;
use crate::plan::{Request, SolverName};
use crate::{errors, pool};

/// A training with any of the solvers.
enum Any {
    Grid(Training<Grid<f32>>),
    Grid64(Training<Grid<f64>>),
    Event(Training<Event>),
}

/// A session and the memory of its batches.
struct Work {
    any: Any,
    batch: Batch,
}

/// What to do with a batch.
#[derive(Clone, Copy)]
enum Verb {
    Train { eta: f64 },
    Test,
}

/// A training. A call holds the lock while it computes: calls from several threads wait for each other.
#[pyclass(frozen, module = "eventprop._engine")]
pub struct Session {
    work: Mutex<Work>,
}

impl Work {
    fn solve(&mut self, slices: Slices<'_>, places: &[i64], verb: Verb) -> Solved {
        slices.fill(Some(places), &mut self.batch);
        match &mut self.any {
            Any::Grid(training) => solve(training, &self.batch, verb),
            Any::Grid64(training) => solve(training, &self.batch, verb),
            Any::Event(training) => solve(training, &self.batch, verb),
        }
    }

    fn params(&self) -> Params<f64> {
        match &self.any {
            Any::Grid(training) => training.params.cast(),
            Any::Grid64(training) => training.params.clone(),
            Any::Event(training) => training.params.clone(),
        }
    }
}

/// Losses and predictions.
type Tested<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<i64>>);

type Solved = Result<BatchReport, TrainError>;

fn solve<S: Engine>(training: &mut Training<S>, batch: &Batch, verb: Verb) -> Solved {
    match verb {
        Verb::Train { eta } => training.train_batch(batch, None, eta),
        Verb::Test => training.test_batch(batch),
    }
}

fn training<S: Engine>(network: &Network, request: &Request) -> PyResult<Training<S>> {
    let (description, params) = network.snapshot()?;
    let params = params.cast::<S::Real>();
    let plan = request.plan(&description, &params)?;
    let solver = S::for_network(&description).map_err(|error| errors::solve(&error))?;
    Training::new(solver, params, plan).map_err(|error| errors::train(&error))
}

#[pymethods]
impl Session {
    #[new]
    fn new(network: &Network, solver: &str, request: Request) -> PyResult<Self> {
        let any = match SolverName::parse(solver)? {
            SolverName::Grid => Any::Grid(training(network, &request)?),
            SolverName::Grid64 => Any::Grid64(training(network, &request)?),
            SolverName::Event => Any::Event(training(network, &request)?),
        };
        let batch = Batch::default();
        Ok(Self {
            work: Mutex::new(Work { any, batch }),
        })
    }

    /// One step of the optimiser on some samples: their losses summed, and the number of right
    /// predictions.
    fn train_batch(
        &self,
        py: Python<'_>,
        events: Events<'_>,
        places: PyReadonlyArray1<'_, i64>,
        eta: f64,
    ) -> PyResult<(f64, usize)> {
        let report = self.report(py, &events, &places, Verb::Train { eta })?;
        Ok((report.loss_sum, report.correct))
    }

    /// Losses and predictions of some samples; nothing is changed.
    fn test_batch<'py>(
        &self,
        py: Python<'py>,
        events: Events<'py>,
        places: PyReadonlyArray1<'py, i64>,
    ) -> PyResult<Tested<'py>> {
        let report = self.report(py, &events, &places, Verb::Test)?;
        let losses: Vec<f64> = report.outcomes.iter().map(|o| o.loss).collect();
        Ok((
            losses.into_pyarray(py),
            predictions(&report).into_pyarray(py),
        ))
    }

    /// Copies the parameters of the training to its network.
    fn hand_over(&self, py: Python<'_>, network: &Network) -> PyResult<()> {
        let params = py.detach(|| {
            let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            work.params()
        });
        network.adopt(params)
    }
}

impl Session {
    fn report(
        &self,
        py: Python<'_>,
        events: &Events<'_>,
        places: &PyReadonlyArray1<'_, i64>,
        verb: Verb,
    ) -> PyResult<BatchReport> {
        let slices = events.slices()?;
        let places = places.as_slice().map_err(errors::value)?;
        slices.check(places)?;
        let pool = pool::pool()?;
        // The lock is taken outside of the pool: a thread of the pool that waited for it could be the
        // one that its holder needs.
        let solved = py.detach(|| {
            let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            let work = &mut *work;
            pool.install(|| work.solve(slices, places, verb))
        });
        solved.map_err(|error| errors::train(&error))
    }
}
