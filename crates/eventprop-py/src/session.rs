//! A training, batch by batch; the loop over epochs is written in Python.

use std::sync::{Mutex, PoisonError};

use eventprop::optim::{Average, Rates};
use eventprop::params::Params;
use eventprop::solver::Solver;
use eventprop::spikes::Batch;
use eventprop::train::{BatchReport, Session as Training, TrainError};
use eventprop::with_solver;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::evaluate::predictions;
use crate::events::{Events, Slices};
use crate::network::Network;
use crate::plan::{self, Request};
use crate::{errors, pool};

/// A training with one of the solvers.
trait AnyTraining: Send {
    fn solve(&mut self, batch: &Batch, verb: Verb) -> Solved;

    fn params(&self) -> Params<f64>;
}

impl<S: Solver<Trials: Send> + Send> AnyTraining for Training<S> {
    fn solve(&mut self, batch: &Batch, verb: Verb) -> Solved {
        match verb {
            Verb::Train(rates) => self.train_batch(batch, None, rates),
            Verb::Test => self.test_batch(batch),
        }
    }

    fn params(&self) -> Params<f64> {
        self.tested().cast()
    }
}

/// A session and the memory of its batches.
struct Work {
    training: Box<dyn AnyTraining>,
    batch: Batch,
}

/// The task for a batch.
#[derive(Clone, Copy)]
enum Verb {
    Train(Rates),
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
        self.training.solve(&self.batch, verb)
    }
}

/// Losses and predictions.
type Tested<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<i64>>);

type Solved = Result<BatchReport, TrainError>;

fn training<S: Solver>(network: &Network, request: &Request) -> PyResult<Training<S>> {
    let (description, params) = network.snapshot()?;
    let params = params.cast::<S::Real>();
    let plan = request.plan(&description, &params)?;
    let solver = S::for_network(&description).map_err(|error| errors::solve(&error))?;
    let mut training =
        Training::new(solver, params, plan).map_err(|error| errors::train(&error))?;
    let average = |horizon| Average::new(&training.params, horizon);
    training.average = request.average.map(average);
    Ok(training)
}

#[pymethods]
impl Session {
    #[new]
    fn new(network: &Network, solver: &str, request: Request) -> PyResult<Self> {
        let training: Box<dyn AnyTraining> = with_solver!(plan::solver(solver)?, S => {
            Box::new(training::<S>(network, &request)?)
        });
        let batch = Batch::default();
        Ok(Self {
            work: Mutex::new(Work { training, batch }),
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
        delays: f64,
    ) -> PyResult<(f64, usize)> {
        let verb = Verb::Train(Rates { eta, delays });
        let report = self.report(py, &events, &places, verb)?;
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

    /// Copies the parameters of the training to its network: their average where one is kept.
    fn hand_over(&self, py: Python<'_>, network: &Network) -> PyResult<()> {
        let params = py.detach(|| {
            let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            work.training.params()
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
