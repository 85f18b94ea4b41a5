//! A training, batch by batch; the loop over epochs is written in Python.

use std::sync::{Mutex, PoisonError};

use eventprop::activity::Activity;
use eventprop::network::{Clock, Population};
use eventprop::optim::{Average, Rates};
use eventprop::params::Params;
use eventprop::readout::Observe;
use eventprop::solver::Solver;
use eventprop::spikes::Batch;
use eventprop::train::{BatchReport, Session as Training, TrainError};
use eventprop::with_solver;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::evaluate::predictions;
use crate::events::{Events, Slices};
use crate::memory::{self, Count};
use crate::network::Network;
use crate::plan::{self, Request};
use crate::{errors, pool};

/// A training with one of the solvers.
trait AnyTraining: Send {
    fn solve(&mut self, batch: &Batch, verb: Verb) -> Solved;

    fn params(&self) -> Params<f64>;

    /// The activity of the layers since the last call.
    fn activity(&mut self) -> Vec<Layer>;

    /// Refuses more samples at once than fit into memory.
    fn check(&self, observe: Observe, samples: usize) -> PyResult<()>;
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

    fn activity(&mut self) -> Vec<Layer> {
        let network = self.solver.network();
        let seen = std::mem::replace(&mut self.activity, Activity::for_network(network));
        let populations = network.populations().iter().enumerate();
        let layers = populations
            .filter(|(index, one)| one.spikes() && *index != network.input().0)
            .map(|(index, one)| layer(&seen, index, one, network.clock()));
        layers.collect()
    }

    fn check(&self, observe: Observe, samples: usize) -> PyResult<()> {
        let batch_size = Count {
            name: "batch_size",
            value: samples,
        };
        memory::check_samples::<S>(self.solver.network(), observe, batch_size)
    }
}

/// Name of a population, spikes per neuron and sample, the fraction of its neurons that are silent, and of those that
/// are saturated.
type Layer = (String, f64, f64, f64);

/// The activity of a population. A neuron that never spiked is silent; one that spiked once in half of τ_syn (in two
/// steps, if these are longer) or more often is saturated: its current hardly falls between spikes.
fn layer(seen: &Activity, index: usize, population: &Population, clock: Clock) -> Layer {
    let constants = population.model.constants();
    let tau_syn = constants.iter().find(|(name, _)| *name == "tau_syn");
    let half_ms = |neuron: usize| tau_syn.map_or(0.0, |(_, tau)| tau.of(neuron) / 2.0);
    let most = |neuron: usize| clock.trial_ms() / half_ms(neuron).max(2.0 * clock.dt_ms());
    let rates = seen.spikes[index].iter().enumerate();
    let rates = rates.map(|(n, &count)| (n, count as f64 / seen.samples.max(1) as f64));
    let saturated = rates
        .filter(|(neuron, rate)| *rate >= most(*neuron))
        .count();
    let size = population.size as f64;
    (
        population.name.clone(),
        seen.rate(index),
        seen.silent(index) as f64 / size,
        saturated as f64 / size,
    )
}

/// A session and the memory of its batches.
struct Work {
    training: Box<dyn AnyTraining>,
    batch: Batch,
    observe: Observe,
    /// Samples that fit into memory at once, as far as that was looked at.
    fitting: usize,
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
    /// Looks at the memory once for the largest batch so far.
    fn check(&mut self, samples: usize) -> PyResult<()> {
        if samples > self.fitting {
            self.training.check(self.observe, samples)?;
            self.fitting = samples;
        }
        Ok(())
    }

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
    memory::check_parameters(&params, request.copies())?;
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
        let observe = request.observes(&network.snapshot()?.0)?;
        let training: Box<dyn AnyTraining> = with_solver!(plan::solver(solver)?, S => {
            Box::new(training::<S>(network, &request)?)
        });
        Ok(Self {
            work: Mutex::new(Work {
                training,
                batch: Batch::default(),
                observe,
                fitting: 0,
            }),
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

    /// Name, spikes per neuron and sample, fraction of silent and of saturated neurons of each population that spikes,
    /// since the last call.
    fn activity(&self) -> Vec<Layer> {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        work.training.activity()
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
            work.check(places.len())?;
            Ok::<_, PyErr>(pool.install(|| work.solve(slices, places, verb)))
        });
        solved?.map_err(|error| errors::train(&error))
    }
}
