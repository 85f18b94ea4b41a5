//! A training, batch by batch; the loop over epochs is written in Python.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use eventprop::activity::Activity;
use eventprop::network::{Clock, Network as Description, Population, ProjectionId};
use eventprop::optim::{Average, Rates};
use eventprop::params::Params;
use eventprop::readout::Observe;
use eventprop::real::Real;
use eventprop::reduce::Ranks;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::{Disturbance, Solver};
use eventprop::spikes::Batch;
use eventprop::train::{BatchReport, Session as Training, TrainError};
use eventprop::with_solver;
use eventprop_data::augment::dropout::InputDropout;
use eventprop_experiment::data::Dropping;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::evaluate::predictions;
use crate::events::{Events, Slices};
use crate::link::PyLink;
use crate::memory::{self, Count};
use crate::network::Network;
use crate::plan::{self, AdamNumbers, Request};
use crate::training_state::{Known, TrainingState};
use crate::{errors, pool};

/// A training with one of the solvers.
trait AnyTraining: Send {
    /// The samples of a batch of so many that this process solves.
    fn share(&mut self, samples: usize) -> Range<usize>;

    fn solve(&mut self, batch: &Batch, verb: Verb, disturbance: Option<&Disturbance>) -> Solved;

    fn params(&self) -> Params<f64>;

    /// The network as it is wired now.
    fn network(&self) -> &Description;

    /// Synapses that were drawn anew so far, and that could not be.
    fn rewired(&self) -> (u64, u64);

    /// The activity since the last call.
    fn activity(&mut self) -> Activity;

    /// Adds to the weights into neurons that were silent, but for those from their own population.
    fn lift(&mut self, seen: &Activity, by: f64);

    /// The state from which another training goes on.
    fn known(&self, adam: Option<AdamNumbers>, seen: &Activity) -> Known;

    /// Refuses more samples at once than fit into memory.
    fn check(&self, observe: Observe, samples: usize) -> PyResult<()>;
}

impl<S: Solver<Trials: Send> + Send> AnyTraining for Training<S> {
    fn share(&mut self, samples: usize) -> Range<usize> {
        Training::share(self, samples)
    }

    fn solve(&mut self, batch: &Batch, verb: Verb, disturbance: Option<&Disturbance>) -> Solved {
        match verb {
            Verb::Train(rates) => self.train_batch(batch, disturbance, rates),
            Verb::Test => self.test_batch(batch),
        }
    }

    fn params(&self) -> Params<f64> {
        self.tested().cast()
    }

    fn network(&self) -> &Description {
        self.solver.network()
    }

    fn rewired(&self) -> (u64, u64) {
        let rewiring = self.rewiring.as_ref();
        rewiring.map_or((0, 0), |rewiring| (rewiring.done, rewiring.failed))
    }

    fn activity(&mut self) -> Activity {
        let network = self.solver.network();
        std::mem::replace(&mut self.activity, Activity::for_network(network))
    }

    fn lift(&mut self, seen: &Activity, by: f64) {
        let network = self.solver.network();
        for (index, projection) in network.projections().iter().enumerate() {
            let silent = |neuron: usize| seen.spikes[projection.target.0][neuron] == 0;
            let spikes = network.population(projection.target).spikes();
            if projection.source == projection.target || !spikes {
                continue;
            }
            let id = ProjectionId(index);
            let weights = self.params.weights_mut(id);
            for weight in network.synapses(id).weights_into(silent) {
                weights[weight] += S::Real::from_f64(by);
            }
        }
    }

    fn known(&self, adam: Option<AdamNumbers>, seen: &Activity) -> Known {
        Known::of(self, adam, seen)
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
pub type Layer = (String, f64, f64, f64);

/// The activity of the populations that spike.
pub fn layers(seen: &Activity, network: &Description) -> Vec<Layer> {
    let populations = network.populations().iter().enumerate();
    let layers = populations
        .filter(|(index, one)| one.spikes() && *index != network.input().0)
        .map(|(index, one)| layer(seen, index, one, network.clock()));
    layers.collect()
}

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
    /// What the neurons did in the last epoch.
    seen: Activity,
    adam: Option<AdamNumbers>,
    /// What disturbs training in this epoch.
    disturbance: Option<Disturbance>,
    dropping: Option<Dropping>,
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
        let share = self.training.share(places.len());
        let training = matches!(verb, Verb::Train(_));
        let dropping = self.dropping.filter(|_| training);
        slices.fill_but(Some(&places[share]), dropping, &mut self.batch);
        self.training
            .solve(&self.batch, verb, self.disturbance.as_ref())
    }
}

/// Losses and predictions.
type Tested<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<i64>>);

type Solved = Result<BatchReport, TrainError>;

fn training<S: Solver>(
    network: &Network,
    request: &Request,
    link: Option<PyLink>,
    before: Option<Known>,
) -> PyResult<(Training<S>, Activity)> {
    let (description, given) = network.snapshot()?;
    let params = given.cast::<S::Real>();
    memory::check_parameters(&params, request.copies())?;
    let plan = request.plan(&description, &params)?;
    let solver = S::for_network(&description).map_err(|error| errors::solve(&error))?;
    let mut training =
        Training::new(solver, params, plan).map_err(|error| errors::train(&error))?;
    let average = |horizon| Average::new(&training.params, horizon);
    training.average = request.average.map(average);
    if let Some(link) = link {
        training.reduce = Box::new(Ranks::over(link));
    }
    training.rewiring = request.rewiring(&description)?;
    let before = before.filter(|before| before.fits(request.adam, given.layout()));
    let seen = before.map(|before| before.go_on(&mut training, &given));
    Ok((training, seen.unwrap_or_default()))
}

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (network, solver, request, link = None, before = None))]
    fn new(
        network: &Network,
        solver: &str,
        request: Request,
        link: Option<Bound<'_, PyAny>>,
        before: Option<&TrainingState>,
    ) -> PyResult<Self> {
        let link = link.map(PyLink::new).transpose()?;
        let observe = request.observes(&network.snapshot()?.0)?;
        let before = before.map(TrainingState::known);
        let (training, seen): (Box<dyn AnyTraining>, Activity) = with_solver!(plan::solver(solver)?, S => {
            let (training, seen) = training::<S>(network, &request, link, before)?;
            (Box::new(training), seen)
        });
        Ok(Self {
            work: Mutex::new(Work {
                training,
                batch: Batch::default(),
                observe,
                fitting: 0,
                seen,
                adam: request.adam,
                disturbance: None,
                dropping: None,
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
        work.seen = work.training.activity();
        layers(&work.seen, work.training.network())
    }

    /// Adds to the weights into neurons that were silent until the last call of `activity`, but for those from their own
    /// population.
    fn lift_silent(&self, by: f64) {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let Work { training, seen, .. } = &mut *work;
        training.lift(seen, by);
    }

    /// From now on, in an epoch of a training under a seed, every spike of the input is left out with the probability of
    /// `dropout` for it; neurons above threshold do not fire in a step with those for other populations, by name;
    /// membranes have noise of these amplitudes. Draws belong to samples.
    fn disturb(
        &self,
        dropout: HashMap<String, f64>,
        noise: HashMap<String, f64>,
        seed: u64,
        epoch: u64,
    ) -> PyResult<()> {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let network = work.training.network();
        let of_each = |given: &HashMap<String, f64>| {
            let each = network.populations().iter();
            each.map(|one| given.get(&one.name).copied().unwrap_or(0.0))
                .collect::<Vec<f64>>()
        };
        let (mut withhold, noise) = (of_each(&dropout), of_each(&noise));
        let of_input = std::mem::take(&mut withhold[network.input().0]);
        let key = |purpose| Key::new(seed, purpose).with(epoch);
        let dropping = Dropping {
            dropout: InputDropout::new(of_input).map_err(errors::value)?,
            key: key(Purpose::InputDropout),
        };
        let quiet = withhold.iter().chain(&noise).all(|value| *value == 0.0);
        work.dropping = (of_input > 0.0).then_some(dropping);
        work.disturbance = (!quiet).then(|| Disturbance {
            withhold,
            noise,
            withhold_key: key(Purpose::Withhold),
            noise_key: key(Purpose::Noise),
        });
        Ok(())
    }

    /// Synapses that were drawn anew since the training began, and that could not be because no pair was free.
    fn rewired(&self) -> (u64, u64) {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        work.training.rewired()
    }

    /// The state from which another training goes on.
    fn state(&self, py: Python<'_>) -> TrainingState {
        py.detach(|| {
            let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            work.training.known(work.adam, &work.seen).into()
        })
    }

    /// Copies the parameters of the training to its network, their average where one is kept, and its sparse wirings.
    fn hand_over(&self, py: Python<'_>, network: &Network) -> PyResult<()> {
        let (params, wired) = py.detach(|| {
            let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            (work.training.params(), work.training.network().clone())
        });
        network.adopt_wired(params, &wired)
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
