//! A network that learns: its session, its learning rate, and one pass over a part of the data.

use std::ops::Range;
use std::time::Instant;

use eventprop::activity::Activity;
use eventprop::calibrate::{Calibration, calibrate};
use eventprop::network::{NeuronConstant, PopulationId, ProjectionId};
use eventprop::optim::{Adam, Average, Optimizer, Rates, Sgd, schedule::Schedule};
use eventprop::params::{Params, Role};
use eventprop::real::Real;
use eventprop::reduce::Alone;
use eventprop::regularize::Regularizer;
use eventprop::rewire::{Rewiring, RewiringError};
use eventprop::rng::{Key, Purpose};
use eventprop::solver::{Disturbance, Solver, Trials};
use eventprop::spikes::Batch;
use eventprop::train::{BatchReport, Plan, Session};
use eventprop_data::augment::dropout::InputDropout;
use eventprop_gpu::OnDevice;
use serde_json::Value as Json;

use super::error::RunError;
use super::hidden::HiddenStatistics;
use super::persist::put_params;
use super::progress::{BatchProgress, Control, Progress};
use super::report::{LayerReport, Score};
use super::rewire::rewire;
use super::training_state::PassTotals;
use crate::checkpoint::Container;
use crate::data::{Data, Dropping, Part};
use crate::description::NetworkSize;
use crate::metrics::MetricsCollector;
use crate::network_builder::Topology;
use crate::records::Place;
use crate::settings::{Every, OptimizerKind, Phase, Settings};
use crate::weights::Saved;

/// A network that learns.
pub struct Learner<'a, S: Solver> {
    pub settings: &'a Settings,
    pub topology: Topology,
    pub session: Session<S>,
    pub schedule: Schedule,
    /// Statistics of hidden spikes in the current epoch, one per hidden layer.
    pub hidden: Vec<HiddenStatistics>,
    /// Spikes per population and neuron in the training of the last epoch.
    pub trained_spikes: Vec<Vec<u64>>,
    /// Quantities for the metrics and the report beside scores.
    pub metrics: MetricsCollector,
    /// Totals of an interrupted pass, which the next one continues.
    pub totals: Option<PassTotals>,
    /// The timer of checkpoints within a pass.
    pub timer: CheckpointTimer,
    /// Seconds of training before the run was resumed.
    pub elapsed_before: f64,
    /// The share of the last batch that this rank solved.
    pub batch: Batch,
    /// The classes of all of its samples.
    labels: Vec<u32>,
    /// Keys of random draws come from this seed.
    seed: u64,
    began: Instant,
}

/// The timer of checkpoints within a pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckpointTimer {
    every: Option<Every>,
    batches: usize,
    since: Option<Instant>,
}

impl CheckpointTimer {
    /// As often as asked for; never without.
    pub fn new(every: Option<Every>) -> Self {
        Self {
            every,
            batches: 0,
            since: every.map(|_| Instant::now()),
        }
    }

    /// True if a checkpoint is due; the count begins anew then.
    fn is_due(&mut self) -> bool {
        let due = match (self.every, self.since) {
            (Some(Every::Batches(batches)), _) => self.batches >= batches,
            (Some(Every::Time(time)), Some(since)) => since.elapsed() >= time,
            _ => false,
        };
        if due {
            *self = Self::new(self.every);
        }
        due
    }
}

/// The weights with which a network begins.
#[derive(Clone, Copy)]
pub struct InitialWeights<'a> {
    /// Seed of weights and draws.
    pub seed: u64,
    /// Weights on the disk that take the place of drawn ones.
    pub saved: Option<&'a Saved>,
    /// A checkpoint whose constants take the place of both.
    pub checkpoint: Option<&'a Container>,
}

/// One trial, shown to whoever looks in.
pub struct BatchView<'a, S: Solver> {
    pub place: Place,
    pub phase: Phase,
    pub topology: &'a Topology,
    pub session: &'a mut Session<S>,
    /// The samples that this rank solved.
    pub batch: &'a Batch,
    /// The numbers of all samples of the batch in their set.
    pub ids: &'a [u64],
    /// Their classes.
    pub labels: &'a [u32],
    /// The outcomes of the whole batch.
    pub report: &'a BatchReport,
    /// When every output spiked first, `[sample, output]` of the whole batch; empty unless this is recorded.
    pub first_spikes_ms: &'a [f64],
}

/// Looks in before and after every trial.
pub trait BatchObserver<S: Solver> {
    /// Before a pass over a part.
    fn begin(&mut self, phase: Phase);
    /// After a pass that came to its end.
    fn end(&mut self, phase: Phase);
    /// Before a trial is solved.
    fn before(&mut self, place: Place, session: &mut Session<S>);
    /// After it was.
    fn after(&mut self, seen: BatchView<'_, S>) -> Result<(), RunError>;
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

/// The end of a pass.
#[derive(Debug, Clone, Copy)]
pub enum PassResult {
    /// It came to its end.
    Whole(PassEnd),
    /// It was interrupted for a checkpoint; the next call continues it.
    Paused,
    /// It was cancelled; the next call continues it.
    Cancelled,
}

/// The result of a whole pass.
#[derive(Debug, Clone, Copy)]
pub struct PassEnd {
    /// The score.
    pub score: Score,
    /// Seconds that it took.
    pub seconds: f64,
}

impl<'a, S: OnDevice> Learner<'a, S> {
    /// A network with drawn or loaded weights.
    pub fn new(
        settings: &'a Settings,
        data: &Data,
        start: InitialWeights<'_>,
    ) -> Result<Self, RunError> {
        let mut topology = Topology::new(settings, network_size(data), start.seed)?;
        if let Some(checkpoint) = start.checkpoint {
            topology.restore(checkpoint)?;
        } else if let Some(saved) = start.saved {
            saved.load_network(&mut topology)?;
        }
        let mut learner = Self::on(settings, topology, start.seed)?;
        if let Some(saved) = start.saved {
            saved.load(&learner.topology, &mut learner.session.params)?;
        } else if start.checkpoint.is_none() && settings.calibrates {
            learner.calibrate(data)?;
        }
        Ok(learner)
    }

    /// Scales weights that nobody chose, until every layer is active on some of the training samples.
    fn calibrate(&mut self, data: &Data) -> Result<(), RunError> {
        /// Samples that are looked at.
        const SAMPLES: usize = 128;
        let key = Key::new(self.seed, Purpose::Shuffle);
        let mut places = key.permutation(data.train.len());
        places.truncate(SAMPLES);
        if places.is_empty() {
            return Ok(());
        }
        data.train.fill(&places, None, &mut self.batch);
        let all = 0..self.topology.network.projections().len();
        let projections: Vec<ProjectionId> = all.map(ProjectionId).collect();
        let calibration = Calibration {
            projections: &projections,
            spikes: None,
        };
        let Session { solver, params, .. } = &mut self.session;
        calibrate(solver, params, &self.batch, calibration)?;
        Ok(())
    }

    /// A network whose constants are known, with drawn weights.
    pub fn on(settings: &'a Settings, topology: Topology, seed: u64) -> Result<Self, RunError> {
        let params = Params::init(&topology.network, seed)?;
        let solver = S::on_device(&topology.network, &settings.device)?;
        let plan = plan(settings, &topology, &params);
        let mut session = Session::new(solver, params, plan)?;
        session.spike_cap = settings.spike_cap;
        session.rewiring = rewiring(settings, &topology, seed)?;
        Ok(Self {
            settings,
            hidden: Vec::new(),
            topology,
            session,
            schedule: Schedule::new(settings.schedule),
            trained_spikes: Vec::new(),
            metrics: MetricsCollector::default(),
            totals: None,
            timer: CheckpointTimer::new(settings.checkpoint_every),
            elapsed_before: 0.0,
            batch: Batch::default(),
            labels: Vec::new(),
            seed,
            began: Instant::now(),
        })
    }
}

impl<S: Solver> Learner<'_, S> {
    /// Takes part in the work of the ranks, if there are some, all of which must begin with the same parameters.
    ///
    /// # Errors
    /// [`RunError::RanksDiffer`].
    pub fn join(&mut self, control: &mut Control<'_>) -> Result<(), RunError> {
        let params = &self.session.params;
        control.compare(|| {
            let mut container = Container::new(Json::Null);
            put_params(&mut container, "parameters", params);
            format!("initial parameters with the sum {}", container.sum())
        })?;
        self.session.reduce = control.reduce();
        Ok(())
    }

    /// Work that is for this rank only.
    pub fn alone<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let reduce = std::mem::replace(&mut self.session.reduce, Box::new(Alone));
        let done = work(self);
        self.session.reduce = reduce;
        done
    }

    /// Seconds since the network was made, without those between a checkpoint and its resumption.
    pub fn elapsed(&self) -> f64 {
        self.elapsed_before + self.began.elapsed().as_secs_f64()
    }

    /// To be called before every epoch. What the last one showed to be silent is rewired here and not
    /// at its end, so that the weights that were validated are the ones that are kept.
    /// The epoch trains on `samples`.
    pub fn begin_epoch(&mut self, epoch: usize, samples: usize) {
        if let Some(how) = self.settings.rewire.filter(|_| epoch > 0) {
            rewire(
                how,
                &self.topology,
                &self.trained_spikes,
                &mut self.session.params,
                Key::new(self.seed, Purpose::Weights),
                epoch,
            );
        }
        if epoch == 0
            && let Optimizer::Adam(adam) = &mut self.session.optimizer
            && matches!(
                self.settings.optimizer,
                OptimizerKind::Adam { relative: true, .. }
            )
        {
            adam.relative_to(&self.session.params);
        }
        let batches = samples.div_ceil(self.settings.batch);
        self.schedule.begin_epoch(batches);
        if self.settings.average_epochs > 0.0 && self.session.average.is_none() {
            let horizon = self.settings.average_epochs * batches as f64;
            self.session.average = Some(Average::new(&self.session.params, horizon));
        }
        self.session.activity = Activity::for_network(&self.topology.network);
        let layers = if self.settings.debug_hidden {
            self.topology.hidden.len()
        } else {
            0
        };
        self.hidden = vec![HiddenStatistics::default(); layers];
    }

    /// One pass over a part: training, or evaluation without any change of the weights. Goes on with a
    /// pass that was left.
    pub fn pass(
        &mut self,
        pass: Pass<'_>,
        observer: &mut dyn BatchObserver<S>,
        control: &mut Control<'_>,
    ) -> Result<PassResult, RunError> {
        let begin = Instant::now();
        let order = self.order(pass);
        let dropping = self.dropping(pass);
        let disturbance = self.disturbance(pass);
        let mut totals = self.totals.take().unwrap_or_else(|| {
            observer.begin(pass.phase);
            match pass.phase {
                Phase::Train => self.metrics.begin_training(),
                Phase::Validation | Phase::Test => self.metrics.begin_evaluation(),
            }
            PassTotals::default()
        });
        let before = totals.seconds;
        let seconds = || before + begin.elapsed().as_secs_f64();
        for places in order.chunks(self.settings.batch).skip(totals.batches) {
            if let Some(left) = self.leaves(control)? {
                totals.seconds = seconds();
                self.totals = Some(totals);
                return Ok(left);
            }
            let place = Place {
                epoch: pass.epoch,
                trial: pass.trials_before + totals.batches,
                samples_before: pass.samples_before + totals.samples,
            };
            observer.before(place, &mut self.session);
            let batch = (place, places);
            let (share, report) = self.solve_share(pass, batch, dropping, disturbance.as_ref())?;
            totals.add(&report);
            self.labels = pass.part.labels_at(places);
            match pass.phase {
                Phase::Train => self.metrics.trained(&self.session),
                Phase::Validation | Phase::Test => self.metrics.evaluated(&self.labels, &report),
            }
            self.count_hidden();
            let first_spikes_ms = if self.settings.records.first_spikes {
                self.first_spikes_ms(share, places.len(), control)?
            } else {
                Vec::new()
            };
            observer.after(BatchView {
                place,
                phase: pass.phase,
                topology: &self.topology,
                session: &mut self.session,
                batch: &self.batch,
                ids: &pass.part.ids_at(places),
                labels: &self.labels,
                report: &report,
                first_spikes_ms: &first_spikes_ms,
            })?;
            control.tell(&Progress::Batch(self.progress(pass, &totals)));
        }
        observer.end(pass.phase);
        if pass.phase == Phase::Train {
            self.trained_spikes
                .clone_from(&self.session.activity.spikes);
        }
        Ok(PassResult::Whole(PassEnd {
            score: totals.score(),
            seconds: seconds(),
        }))
    }

    /// Solves this rank's share of a batch; the share, and the report on the whole.
    fn solve_share(
        &mut self,
        pass: Pass<'_>,
        (place, places): (Place, &[usize]),
        dropping: Option<Dropping>,
        disturbance: Option<&Disturbance>,
    ) -> Result<(Range<usize>, BatchReport), RunError> {
        self.session.undivided = self.settings.looks_inside(place);
        let share = self.session.share(places.len());
        let own = &places[share.clone()];
        pass.part.fill(own, dropping, &mut self.batch);
        let solved = self.solve(pass, place, disturbance);
        if solved.is_err() {
            // All of the batch is kept for a look at what went wrong.
            pass.part.fill(places, dropping, &mut self.batch);
        }
        Ok((share, solved?))
    }

    /// First spike times of a batch of `samples`, of which this rank has solved a share.
    fn first_spikes_ms(
        &self,
        share: Range<usize>,
        samples: usize,
        control: &mut Control<'_>,
    ) -> Result<Vec<f64>, RunError> {
        let outputs = self.topology.network.output_size();
        let mut bits = vec![0; samples * outputs];
        let rows = bits.chunks_exact_mut(outputs).skip(share.start);
        for (sample, row) in rows.take(share.len()).enumerate() {
            let readout = self.session.trials.readout(sample);
            for (bits, time_ms) in row.iter_mut().zip(&readout.first_spikes_ms) {
                *bits = time_ms.to_bits();
            }
        }
        control.total(&mut bits)?;
        Ok(bits.into_iter().map(f64::from_bits).collect())
    }

    /// The reason to leave a pass before its next batch, if there is one.
    fn leaves(&mut self, control: &mut Control<'_>) -> Result<Option<PassResult>, RunError> {
        let due = control.agree(self.timer.is_due())?;
        if control.cancelled() {
            return Ok(Some(PassResult::Cancelled));
        }
        Ok(due.then_some(PassResult::Paused))
    }

    fn solve(
        &mut self,
        pass: Pass<'_>,
        place: Place,
        disturbance: Option<&Disturbance>,
    ) -> Result<BatchReport, RunError> {
        let solved = if pass.phase == Phase::Train {
            let eta = self.schedule.rate();
            let delays = eta * self.settings.delays_rate;
            let rates = Rates { eta, delays };
            let solved = self.session.train_batch(&self.batch, disturbance, rates);
            if self.session.rewiring.is_some() {
                self.topology.rewire_as(self.session.solver.network());
            }
            self.schedule.after_step();
            self.timer.batches += 1;
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
            let trials = &self.session.trials;
            for sample in 0..trials.samples() {
                statistics.add(&trials.tape(sample).populations[population.0].neuron, size);
            }
        }
    }

    fn progress(&self, pass: Pass<'_>, totals: &PassTotals) -> BatchProgress {
        let score = totals.score();
        BatchProgress {
            phase: pass.phase,
            epoch: pass.epoch,
            samples_done: totals.samples,
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

    /// Activity of the hidden layers since the epoch began.
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

    /// Neurons of a layer that spike, on the average over samples, at least once in half their τ_syn (in
    /// two steps, if these are longer): their current hardly falls between spikes, so that they say little
    /// about when their input came.
    pub fn saturated(&self, id: PopulationId) -> usize {
        let (network, activity) = (&self.topology.network, &self.session.activity);
        let clock = network.clock();
        // Neurons from equations may have no synaptic time constant.
        let tau_syn = network.population(id).constant(NeuronConstant::TauSyn);
        let is_saturated = |&(neuron, &spikes): &(usize, &u64)| {
            let half = tau_syn.map_or(0.0, |tau_syn| tau_syn.of(neuron) / 2.0);
            let interval_ms = half.max(2.0 * clock.dt_ms());
            let limit = clock.trial_ms() / interval_ms;
            spikes > 0 && spikes as f64 >= limit * activity.samples as f64
        };
        let spikes = activity.spikes[id.0].iter().enumerate();
        spikes.filter(is_saturated).count()
    }
}

/// The size of the network that the data need.
pub fn network_size(data: &Data) -> NetworkSize {
    NetworkSize {
        inputs: data.inputs,
        classes: data.classes,
    }
}

/// Deep rewiring of the sparse projections whose weights are trained, where it is asked for.
fn rewiring(
    settings: &Settings,
    topology: &Topology,
    seed: u64,
) -> Result<Option<Rewiring>, RewiringError> {
    let Some(pull) = settings.deep_rewiring else {
        return Ok(None);
    };
    let mut sparse = Rewiring::sparse(&topology.network);
    sparse.retain(|id| !topology.frozen.contains(&Role::Weights(*id)));
    Rewiring::new(&topology.network, sparse, pull, seed).map(Some)
}

fn plan<F: Real>(settings: &Settings, topology: &Topology, params: &Params<F>) -> Plan<F> {
    let optimizer = match settings.optimizer {
        OptimizerKind::Adam {
            beta1,
            beta2,
            eps,
            clip,
            weight_decay,
            relative: _,
        } => Optimizer::Adam(Adam {
            clip,
            weight_decay,
            ..Adam::new(params, beta1, beta2, eps)
        }),
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
        label_smoothing: settings.label_smoothing,
    }
}
