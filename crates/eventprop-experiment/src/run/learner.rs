//! A network that learns: its session, its learning rate, and one pass over a part of the data.

use std::time::Instant;

use eventprop::network::PopulationId;
use eventprop::optim::{Adam, Optimizer, Sgd, schedule::Schedule};
use eventprop::params::Params;
use eventprop::real::Real;
use eventprop::regularize::Regularizer;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::Disturbance;
use eventprop::spikes::Batch;
use eventprop::train::{Activity, BatchReport, Plan, Session};
use eventprop_data::dropout::InputDropout;

use super::error::RunError;
use super::hidden::HiddenStatistics;
use super::progress::{BatchProgress, Control, Phase, Progress};
use super::report::{LayerReport, Score};
use super::rewire::rewire;
use crate::data::{Data, Dropping, Part};
use crate::engine::Engine;
use crate::insight::Insight;
use crate::records::Place;
use crate::settings::{OptimizerKind, Settings};
use crate::topology::Topology;
use crate::weights::Saved;

/// A network that learns.
pub struct Learner<'a, S: Engine> {
    pub settings: &'a Settings,
    pub topology: Topology,
    pub session: Session<S>,
    pub schedule: Schedule,
    /// Statistics of hidden spikes in the current epoch, one per hidden layer.
    pub hidden: Vec<HiddenStatistics>,
    /// What the metrics and the report need to know beside scores.
    pub insight: Insight,
    /// Spikes per population and neuron in the training of the last epoch.
    trained_spikes: Vec<Vec<u64>>,
    /// Keys of random draws come from this seed.
    seed: u64,
    batch: Batch,
    began: Instant,
}

/// Where a network begins.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    /// Seed of weights and draws.
    pub seed: u64,
    /// Weights on the disk that take the place of drawn ones.
    pub saved: Option<&'a Saved>,
}

/// One trial, shown to whoever looks in.
pub struct Seen<'a, S: Engine> {
    pub place: Place,
    pub phase: Phase,
    pub topology: &'a Topology,
    pub session: &'a mut Session<S>,
    pub batch: &'a Batch,
    pub report: &'a BatchReport,
}

/// Looks in before and after every trial.
pub trait LookIn<S: Engine> {
    /// Before a pass over a part.
    fn begin(&mut self, phase: Phase);
    /// After a pass that came to its end.
    fn end(&mut self, phase: Phase);
    /// Before a trial is solved.
    fn before(&mut self, place: Place, session: &mut Session<S>);
    /// After it was.
    fn after(&mut self, seen: Seen<'_, S>) -> Result<(), RunError>;
}

/// A pass over a part of the data.
#[derive(Clone, Copy)]
pub struct Pass<'a> {
    pub phase: Phase,
    pub part: &'a Part,
    pub epoch: usize,
    /// Trials of the epoch before this pass, and their samples.
    pub trials_before: usize,
    pub samples_before: usize,
}

/// How a pass ended.
pub struct PassEnd {
    /// The score; `None` when the pass was cancelled.
    pub score: Option<Score>,
    /// Samples that were solved.
    pub samples: usize,
    /// Seconds that it took.
    pub seconds: f64,
}

impl<'a, S: Engine> Learner<'a, S> {
    /// A network with drawn or loaded weights.
    pub fn new(settings: &'a Settings, data: &Data, start: Start<'_>) -> Result<Self, RunError> {
        let size = (data.inputs, data.classes);
        let mut topology = Topology::new(settings, size, start.seed)?;
        if let Some(saved) = start.saved {
            saved.load_constants(&mut topology)?;
        }
        let mut learner = Self::on(settings, topology, start.seed)?;
        if let Some(saved) = start.saved {
            saved.load(&learner.topology, &mut learner.session.params)?;
        }
        Ok(learner)
    }

    /// A network whose constants are known, with drawn weights.
    pub fn on(settings: &'a Settings, topology: Topology, seed: u64) -> Result<Self, RunError> {
        let params = Params::init(&topology.network, seed)?;
        let solver = S::for_network(&topology.network)?;
        let plan = plan(settings, &topology, &params);
        let mut session = Session::new(solver, params, plan)?;
        session.spike_cap = settings.spike_cap;
        Ok(Self {
            settings,
            hidden: Vec::new(),
            insight: Insight::default(),
            topology,
            session,
            schedule: Schedule::new(settings.schedule),
            trained_spikes: Vec::new(),
            seed,
            batch: Batch::default(),
            began: Instant::now(),
        })
    }

    /// Seconds since the network was made.
    pub fn elapsed(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// To be called before every epoch. What the last one showed to be silent is rewired here and not
    /// at its end, so that the weights that were validated are the ones that are kept.
    pub fn begin_epoch(&mut self, epoch: usize) {
        if let Some(how) = self.settings.rewire.filter(|_| epoch > 0) {
            rewire(
                how,
                &self.topology,
                &self.trained_spikes,
                &mut self.session.params,
                (self.seed, epoch),
            );
        }
        self.schedule.begin_epoch();
        self.session.activity = Activity::for_network(&self.topology.network);
        let layers = if self.settings.debug_hidden {
            self.topology.hidden.len()
        } else {
            0
        };
        self.hidden = vec![HiddenStatistics::default(); layers];
    }

    /// One pass over a part: training, or evaluation without any change of the weights.
    pub fn pass(
        &mut self,
        pass: Pass<'_>,
        look_in: &mut dyn LookIn<S>,
        control: &mut Control<'_>,
    ) -> Result<PassEnd, RunError> {
        let begin = Instant::now();
        let order = self.order(pass);
        let dropping = self.dropping(pass);
        let disturbance = self.disturbance(pass);
        let mut tally = Tally::default();
        match pass.phase {
            Phase::Train => self.insight.begin_training(),
            Phase::Validation | Phase::Test => self.insight.begin_evaluation(),
        }
        look_in.begin(pass.phase);
        for (turn, places) in order.chunks(self.settings.batch).enumerate() {
            if control.cancelled() {
                break;
            }
            let place = Place {
                epoch: pass.epoch,
                trial: pass.trials_before + turn,
                samples_before: pass.samples_before + tally.samples,
            };
            pass.part.fill(places, dropping, &mut self.batch);
            look_in.before(place, &mut self.session);
            let report = self.solve(pass, place, disturbance.as_ref())?;
            tally.add(&report);
            match pass.phase {
                Phase::Train => self.insight.trained(&self.session),
                Phase::Validation | Phase::Test => self.insight.evaluated(&self.batch, &report),
            }
            self.count_hidden();
            look_in.after(Seen {
                place,
                phase: pass.phase,
                topology: &self.topology,
                session: &mut self.session,
                batch: &self.batch,
                report: &report,
            })?;
            control.tell(&Progress::Batch(self.progress(pass, &tally)));
        }
        let whole = tally.samples == pass.part.len();
        if whole {
            look_in.end(pass.phase);
        }
        if pass.phase == Phase::Train {
            self.trained_spikes
                .clone_from(&self.session.activity.spikes);
        }
        Ok(PassEnd {
            score: whole.then(|| tally.score()),
            samples: tally.samples,
            seconds: begin.elapsed().as_secs_f64(),
        })
    }

    fn solve(
        &mut self,
        pass: Pass<'_>,
        place: Place,
        disturbance: Option<&Disturbance>,
    ) -> Result<BatchReport, RunError> {
        let solved = if pass.phase == Phase::Train {
            let rate = self.schedule.rate();
            let solved = self.session.train_batch(&self.batch, disturbance, rate);
            self.schedule.after_step();
            solved
        } else {
            self.session.test_batch(&self.batch)
        };
        solved.map_err(|source| RunError::Train {
            epoch: place.epoch,
            trial: place.trial,
            source,
        })
    }

    /// Places of the part in the order of the pass.
    fn order(&self, pass: Pass<'_>) -> Vec<usize> {
        if pass.phase == Phase::Train && self.settings.shuffle {
            let seed = u64::from(self.settings.seeds.train_data);
            let key = Key::new(seed, Purpose::Shuffle).with(pass.epoch as u64);
            key.permutation(pass.part.len())
        } else {
            (0..pass.part.len()).collect()
        }
    }

    fn dropping(&self, pass: Pass<'_>) -> Option<Dropping> {
        let probability = self.settings.drop_input;
        (pass.phase == Phase::Train && probability > 0.0).then(|| Dropping {
            dropout: InputDropout::new(probability).expect("the table accepts probabilities only"),
            key: Key::new(self.seed, Purpose::InputDropout).with(pass.epoch as u64),
        })
    }

    fn disturbance(&self, pass: Pass<'_>) -> Option<Disturbance> {
        let settings = self.settings;
        let quiet = settings.withhold_hidden == 0.0 && settings.noise_hidden == 0.0;
        if pass.phase != Phase::Train || quiet {
            return None;
        }
        let populations = self.topology.network.populations().len();
        let of_hidden = |value: f64| {
            let mut values = vec![0.0; populations];
            for population in &self.topology.hidden {
                values[population.0] = value;
            }
            values
        };
        let key = |purpose| Key::new(self.seed, purpose).with(pass.epoch as u64);
        Some(Disturbance {
            withhold: of_hidden(settings.withhold_hidden),
            noise: of_hidden(settings.noise_hidden),
            withhold_key: key(Purpose::Withhold),
            noise_key: key(Purpose::Noise),
        })
    }

    fn count_hidden(&mut self) {
        for (statistics, population) in self.hidden.iter_mut().zip(&self.topology.hidden) {
            let size = self.topology.network.population(*population).size;
            for tape in &self.session.forward.tapes {
                statistics.add(&tape.populations[population.0].neuron, size);
            }
        }
    }

    fn progress(&self, pass: Pass<'_>, tally: &Tally) -> BatchProgress {
        let score = tally.score();
        BatchProgress {
            phase: pass.phase,
            epoch: pass.epoch,
            samples_done: tally.samples,
            samples: pass.part.len(),
            loss: score.loss,
            accuracy: score.accuracy,
            spikes_per_neuron: self.spikes_per_neuron(),
        }
    }

    fn spikes_per_neuron(&self) -> f64 {
        let network = &self.topology.network;
        let hidden = self.topology.hidden.iter();
        let (spikes, neurons) = hidden.fold((0.0, 0.0), |(spikes, neurons), &population| {
            let size = network.population(population).size as f64;
            (
                spikes + self.session.activity.rate(population.0) * size,
                neurons + size,
            )
        });
        spikes / neurons
    }

    /// Neurons of a hidden layer that spike, on the average over samples, at least once in half their
    /// τ_syn (in two steps, if these are longer): their current hardly falls between spikes, so that they
    /// say little about when their input came.
    fn saturated(&self, id: PopulationId) -> usize {
        let (network, activity) = (&self.topology.network, &self.session.activity);
        let clock = network.clock();
        let (_, tau_syn) = network
            .population(id)
            .time_constants()
            .expect("a hidden layer has time constants");
        let is_saturated = |&(neuron, &spikes): &(usize, &u64)| {
            let interval_ms = (tau_syn.of(neuron) / 2.0).max(2.0 * clock.dt_ms());
            let limit = clock.trial_ms() / interval_ms;
            spikes > 0 && spikes as f64 >= limit * activity.samples as f64
        };
        let spikes = activity.spikes[id.0].iter().enumerate();
        spikes.filter(is_saturated).count()
    }

    /// What the hidden layers did since the epoch began.
    pub fn layers(&self) -> Vec<LayerReport> {
        let activity = &self.session.activity;
        let reports = self.topology.hidden.iter().map(|&id| {
            let population = self.topology.network.population(id);
            LayerReport {
                name: population.name.clone(),
                size: population.size,
                spikes_per_neuron: activity.rate(id.0),
                silent: activity.silent(id.0),
                saturated: self.saturated(id),
                grazing: activity.grazing[id.0],
                over_cap: activity.over_cap[id.0],
            }
        });
        reports.collect()
    }
}

fn plan<F: Real>(settings: &Settings, topology: &Topology, params: &Params<F>) -> Plan<F> {
    let optimizer = match settings.optimizer {
        OptimizerKind::Adam { beta1, beta2, eps } => {
            Optimizer::Adam(Adam::new(params, beta1, beta2, eps))
        }
        OptimizerKind::Sgd => Optimizer::Sgd(Sgd),
    };
    let mut regularizers = vec![Regularizer::default(); topology.network.populations().len()];
    for population in &topology.hidden {
        regularizers[population.0] = settings.regularizer;
    }
    Plan {
        loss: settings.loss,
        loss_scale: settings.loss_scale,
        regularizers,
        grazing: settings.grazing,
        optimizer,
        frozen: topology.frozen.clone(),
    }
}

/// Sums of a pass.
#[derive(Debug, Default)]
struct Tally {
    samples: usize,
    correct: usize,
    loss_sum: f64,
}

impl Tally {
    fn add(&mut self, report: &BatchReport) {
        self.samples += report.outcomes.len();
        self.correct += report.correct;
        self.loss_sum += report.loss_sum;
    }

    fn score(&self) -> Score {
        let samples = self.samples as f64;
        Score {
            samples: self.samples,
            loss: self.loss_sum / samples,
            accuracy: self.correct as f64 / samples,
        }
    }
}
