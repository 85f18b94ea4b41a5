//! `train` and `train_test`.

use std::sync::Arc;

use eventprop::params::Params;
use eventprop::solver::Solver;
use eventprop_gpu::OnDevice;

use super::batch_recorder::BatchRecorder;
use super::checkpoints::{Resumed, Saver};
use super::ending::Ending;
use super::error::RunError;
use super::failed_batch;
use super::learner::{CheckpointTimer, InitialWeights, Learner, Pass, PassEnd, PassResult};
use super::persist::{get_params, put_params};
use super::pictures;
use super::prepared::Prepared;
use super::progress::{Control, Progress};
use super::report::{EpochReport, RewiringReport, Score, Summary};
use super::report_file::ReportFile;
use super::training_state::TrainingState;
use crate::data::Part;
use crate::health::layer_monitor::LayerMonitor;
use crate::network_builder::{Topology, get_pairs, put_pairs};
use crate::outputs::Outputs;
use crate::records::PredictionFiles;
use crate::settings::{Checkpoint, Command, Label, Phase, Select, Settings, TestUse, Watch};
use crate::weights::{self, Saved};

/// Trains, then tests once.
pub fn train<S: OnDevice>(
    prepared: &Prepared<'_>,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let &Prepared { settings, data, .. } = prepared;
    let load = settings.load.filter(|_| prepared.resumed.is_none());
    let saved = load.map(|label| Saved {
        outputs: Outputs::of_loaded(settings),
        label,
    });
    let start = InitialWeights {
        seed: u64::from(settings.seeds.model),
        saved: saved.as_ref(),
        checkpoint: prepared.resumed.map(|resumed| &resumed.found.container),
    };
    let mut learner = Learner::<S>::new(settings, data, start)?;
    learner.join(control)?;
    let mut course = Course::begin(prepared, &mut learner)?;
    let report_file = ReportFile::begin(prepared, &learner)?;
    course.run(&mut learner, control)?;
    if course.training.reports.is_empty() || settings.checkpoint == Checkpoint::AtTheEnd {
        course.save(&learner, Label::Last)?;
    }
    course.sum_up(&learner);
    let best = course.take_best(&mut learner);
    let to_test = settings.test_use != TestUse::Unseen && course.summary.test.is_none();
    if to_test && !control.cancelled() {
        let outcomes = &mut course.batch_recorder.outcomes;
        course.summary.test = final_test(prepared, &mut learner, outcomes, control)?;
        course.report_best(best)?;
    }
    course.summary.cancelled = control.cancelled();
    let ending = Ending::begin(prepared, &course.summary, control)?;
    course.batch_recorder.write(data)?;
    control.tell(&Progress::Recorded(&course.batch_recorder.recorder));
    let reports = &course.training.reports;
    let summary = &mut course.summary;
    let drawn =
        learner.alone(|learner| pictures::final_pictures(prepared, learner, reports, summary));
    ending.attempt(drawn, control);
    ending.attempt(report_file.end(&learner, &course.summary), control);
    ending.attempt(course.saver.end(&course.summary), control);
    ending.end(&mut course.summary, control);
    Ok(course.summary)
}

fn final_test<S: Solver>(
    prepared: &Prepared<'_>,
    learner: &mut Learner<'_, S>,
    outcomes: &mut PredictionFiles,
    control: &mut Control<'_>,
) -> Result<Option<Score>, RunError> {
    let epoch = prepared.settings.epochs;
    let pass = Pass {
        phase: Phase::Test,
        part: &prepared.data.evaluation(&prepared.data.test, epoch),
        epoch,
        trials_before: 0,
        samples_before: 0,
    };
    learner.timer = CheckpointTimer::default();
    Ok(match learner.pass(pass, outcomes, control)? {
        PassResult::Whole(end) => Some(end.score),
        PassResult::Paused | PassResult::Cancelled => None,
    })
}

/// The end of the evaluation of an epoch.
enum Evaluated {
    /// There was nothing to evaluate.
    Not,
    Cancelled,
    Whole(PassEnd),
}

/// The weights of an epoch, and the pairs of neurons that they are of.
struct Best<F> {
    params: Params<F>,
    topology: Topology,
}

/// The epochs of a training.
struct Course<'a, S: Solver> {
    prepared: &'a Prepared<'a>,
    batch_recorder: BatchRecorder<'a>,
    training: TrainingState,
    /// The weights of the best epoch so far.
    best: Option<Best<S::Real>>,
    saver: Saver<'a>,
    monitor: LayerMonitor,
    summary: Summary,
}

impl<'a, S: Solver> Course<'a, S> {
    /// A training at its start or, resumed, where its checkpoint was written; the best weights on the
    /// disk are those of that moment.
    fn begin(prepared: &'a Prepared<'a>, learner: &mut Learner<'_, S>) -> Result<Self, RunError> {
        let &Prepared {
            settings,
            data,
            outputs,
            ..
        } = prepared;
        let batches = |part: &Part| part.len().div_ceil(settings.batch);
        // Varied samples are made to be counted.
        let trials = if settings.records.neurons.is_empty() && settings.records.synapses.is_empty()
        {
            0
        } else {
            batches(&data.training(0)) + batches(&data.validation)
        };
        let mut course = Self {
            prepared,
            batch_recorder: BatchRecorder::new(prepared, &learner.topology.network, trials)?,
            training: TrainingState::default(),
            best: None,
            saver: Saver::new(prepared),
            monitor: LayerMonitor::default(),
            summary: prepared.summary(),
        };
        if let Some(resumed) = prepared.resumed {
            course.take_up(resumed, learner)?;
        }
        prepared.write_parameters()?;
        match &course.best {
            Some(best) => weights::save(outputs, &best.topology, &best.params, Label::Best)?,
            None => weights::remove(outputs, &learner.topology, Label::Best)?,
        }
        if prepared.resumed.is_none() {
            course.checkpoint(learner)?;
        }
        Ok(course)
    }

    fn take_up(&mut self, resumed: &Resumed, learner: &mut Learner<'_, S>) -> Result<(), RunError> {
        let Resumed { state, found } = resumed;
        let container = &found.container;
        let defect = |defect| resumed.error(defect);
        learner.restore(container, &state.learner).map_err(defect)?;
        self.batch_recorder.restore(container).map_err(defect)?;
        self.training = state.training.clone();
        if self.training.best.is_some() {
            let mut best = Best {
                params: learner.session.params.clone(),
                topology: learner.topology.clone(),
            };
            get_params(container, "best", &mut best.params).map_err(defect)?;
            let network = &mut best.topology.network;
            get_pairs(container, "best_pairs", network).map_err(defect)?;
            self.best = Some(best);
        }
        Ok(())
    }

    fn run(
        &mut self,
        learner: &mut Learner<'_, S>,
        control: &mut Control<'_>,
    ) -> Result<(), RunError> {
        while self.training.epoch < self.prepared.settings.epochs {
            let Some(report) = self.epoch(learner, control)? else {
                // What was learned in the part of the epoch that was completed is not lost.
                self.save(learner, Label::Last)?;
                return self.checkpoint(learner);
            };
            self.keep(learner, report, control)?;
            let last = self.training.epoch == self.prepared.settings.epochs;
            if last || self.saver.is_due_after_epoch() {
                self.checkpoint(learner)?;
            }
        }
        Ok(())
    }

    /// Writes a checkpoint.
    fn checkpoint(&mut self, learner: &Learner<'_, S>) -> Result<(), RunError> {
        let (batch_recorder, best) = (&self.batch_recorder, &self.best);
        self.saver.save(&self.training, |container| {
            batch_recorder.store(container);
            if let Some(best) = best {
                put_params(container, "best", &best.params);
                put_pairs(container, "best_pairs", &best.topology.network);
            }
            learner.store(container)
        })
    }

    /// A pass to its end, with checkpoints where they are due; `None` when it was cancelled.
    fn pass(
        &mut self,
        learner: &mut Learner<'_, S>,
        pass: Pass<'_>,
        control: &mut Control<'_>,
    ) -> Result<Option<PassEnd>, RunError> {
        loop {
            let passed = learner.pass(pass, &mut self.batch_recorder, control);
            match passed.map_err(|error| failed_batch::keep(self.prepared, learner, error))? {
                PassResult::Paused => self.checkpoint(learner)?,
                PassResult::Cancelled => return Ok(None),
                PassResult::Whole(end) => return Ok(Some(end)),
            }
        }
    }

    /// One epoch, or the rest of one that was interrupted; `None` when it was cancelled.
    fn epoch(
        &mut self,
        learner: &mut Learner<'_, S>,
        control: &mut Control<'_>,
    ) -> Result<Option<EpochReport>, RunError> {
        let data = self.prepared.data;
        let epoch = self.training.epoch;
        let part = data.training(epoch);
        if self.training.trained.is_none() {
            if learner.totals.is_none() {
                learner.begin_epoch(epoch, part.len());
                self.batch_recorder.begin_epoch();
            }
            let pass = Pass {
                phase: Phase::Train,
                part: &part,
                epoch,
                trials_before: 0,
                samples_before: 0,
            };
            let Some(end) = self.pass(learner, pass, control)? else {
                return Ok(None);
            };
            self.training.seconds += end.seconds;
            self.training.samples += end.score.samples;
            self.training.trained = Some(epoch_report(learner, &self.training, end));
        }
        let evaluated = self.evaluate(learner, part.len(), control)?;
        if matches!(evaluated, Evaluated::Cancelled) {
            return Ok(None);
        }
        Ok(self.training.trained.take().map(|mut report| {
            if let Evaluated::Whole(end) = evaluated {
                report.evaluation = Some(end.score);
                report.evaluation_seconds = end.seconds;
                report.inside.outcomes = learner.metrics.outcomes().clone();
            }
            report.hidden.clone_from(&learner.hidden);
            report.elapsed = learner.elapsed();
            report
        }))
    }

    /// Validation; in the last epoch of `train_test` the test, which is that of the summary. `trained` is
    /// the number of samples that were trained on in the epoch.
    fn evaluate(
        &mut self,
        learner: &mut Learner<'_, S>,
        trained: usize,
        control: &mut Control<'_>,
    ) -> Result<Evaluated, RunError> {
        let Prepared { data, settings, .. } = self.prepared;
        let epoch = self.training.epoch;
        let last = epoch + 1 == settings.epochs;
        let (phase, part) = match self.prepared.command {
            Command::TrainTest if self.prepared.selects_on_test() => {
                (Phase::Validation, &data.test)
            }
            Command::TrainTest if last && settings.select != Select::BestTraining => {
                (Phase::Test, &data.test)
            }
            Command::TrainTest => return Ok(Evaluated::Not),
            _ if data.validation.is_empty() => return Ok(Evaluated::Not),
            _ => (Phase::Validation, &data.validation),
        };
        let pass = Pass {
            phase,
            part: &data.evaluation(part, epoch),
            epoch,
            trials_before: trained.div_ceil(settings.batch),
            samples_before: trained,
        };
        let Some(end) = self.pass(learner, pass, control)? else {
            return Ok(Evaluated::Cancelled);
        };
        if phase == Phase::Test {
            self.training.test = Some(end.score);
        }
        Ok(Evaluated::Whole(end))
    }

    fn save(&self, learner: &Learner<'_, S>, label: Label) -> Result<(), RunError> {
        let (topology, params) = (&learner.topology, learner.session.tested());
        Ok(weights::save(
            self.prepared.outputs,
            topology,
            params,
            label,
        )?)
    }

    /// Writes what an epoch gave and remembers the best.
    fn keep(
        &mut self,
        learner: &mut Learner<'_, S>,
        report: EpochReport,
        control: &mut Control<'_>,
    ) -> Result<(), RunError> {
        let Prepared {
            outputs, settings, ..
        } = self.prepared;
        if settings.checkpoint == Checkpoint::EveryEpoch {
            self.save(learner, Label::Last)?;
        }
        let line = report.results_line(settings.benchmark);
        outputs.append("results.txt", &line)?;
        outputs.append("metrics.jsonl", &report.metrics().to_string())?;
        outputs.append("report.jsonl", &report.detail(self.prepared.data.classes))?;
        if self.improves(&report) {
            self.save(learner, Label::Best)?;
            self.best = Some(Best {
                params: learner.session.tested().clone(),
                topology: learner.topology.clone(),
            });
            self.training.best = Some(report.clone().without_inside());
            self.write_best(&report)?;
        }
        learner.schedule.end_epoch(watched(settings, &report));
        control.tell(&Progress::Epoch(&report));
        for warning in self.monitor.warnings(settings, &report) {
            control.tell(&Progress::Notice(&warning));
        }
        self.training.reports.push(report.without_inside());
        self.training.epoch += 1;
        let (prepared, reports) = (self.prepared, &self.training.reports);
        let drawn = learner.alone(|learner| pictures::interim_pictures(prepared, learner, reports));
        if let Err(error) = drawn {
            control.tell(&Progress::Notice(&format!(
                "{error}; training goes on without this picture"
            )));
        }
        Ok(())
    }

    /// Adds the results of the epochs to the summary.
    fn sum_up(&mut self, learner: &Learner<'_, S>) {
        let (training, summary) = (&self.training, &mut self.summary);
        let begun = learner.totals.filter(|_| training.trained.is_none());
        let begun = begun.unwrap_or_default();
        let samples = training.samples + begun.samples;
        summary.seconds = training.seconds + begun.seconds;
        summary.samples_per_second = (samples > 0).then(|| samples as f64 / summary.seconds);
        summary.epochs = training.reports.len();
        summary.test = training.test;
        if let Some(last) = training.reports.last() {
            summary.train = Some(last.train);
            if self.prepared.command == Command::Train {
                summary.validation = last.evaluation;
                summary.selected_epoch = Some(last.epoch);
            }
        }
    }

    /// True if an epoch is better than all before it, by the accuracy that chooses.
    fn improves(&self, report: &EpochReport) -> bool {
        let select = match (self.prepared.command, self.prepared.settings.select) {
            (Command::TrainTest, Select::Best) if !self.prepared.selects_on_test() => Select::Last,
            (_, select) => select,
        };
        let (Some(score), before) = (
            chooses(select, report),
            self.training
                .best
                .as_ref()
                .and_then(|best| chooses(select, best)),
        ) else {
            return false;
        };
        before.is_none_or(|before| score > before)
    }

    /// `NAME_best.txt`, which `genn_eventprop` has for binned spikes.
    fn write_best(&self, report: &EpochReport) -> Result<(), RunError> {
        let benchmark = self.prepared.settings.benchmark;
        if benchmark.is_binned() {
            let line = report.results_line(benchmark);
            self.prepared.outputs.replace("best.txt", &line)?;
        }
        Ok(())
    }

    /// Puts the best weights into the learner, those of the last epoch where none are best; returns what their epoch
    /// reported.
    fn take_best(&mut self, learner: &mut Learner<'_, S>) -> Option<EpochReport> {
        learner.session.settle();
        let Best { params, topology } = self.best.take()?;
        learner.session.params = params;
        if learner.session.rewiring.is_some() {
            for (id, pattern) in topology.sparse() {
                learner.session.solver.rewire(id, Arc::clone(pattern));
            }
        }
        learner.topology = topology;
        let best = self.training.best.take()?;
        self.summary.validation = best.evaluation;
        self.summary.selected_epoch = Some(best.epoch);
        Some(best)
    }

    /// An epoch that was chosen without evaluation gets its test into `NAME_best.txt`.
    fn report_best(&self, best: Option<EpochReport>) -> Result<(), RunError> {
        match best {
            Some(best) if best.evaluation.is_none() => self.write_best(&EpochReport {
                evaluation: self.summary.test,
                ..best
            }),
            _ => Ok(()),
        }
    }
}

/// The accuracy of an epoch by which it is chosen, if any does.
pub fn chooses(select: Select, report: &EpochReport) -> Option<f64> {
    match select {
        Select::Best => report.evaluation.map(|score| score.accuracy),
        Select::BestTraining => Some(report.train.accuracy),
        Select::Last => None,
    }
}

/// The accuracy that the learning rate follows; training where there is no validation.
pub fn watched(settings: &Settings, report: &EpochReport) -> f64 {
    match (settings.watch, report.evaluation) {
        (Watch::Validation, Some(score)) => score.accuracy,
        _ => report.train.accuracy,
    }
}

/// What deep rewiring did since the epochs before.
fn rewiring_report<S: Solver>(
    learner: &Learner<'_, S>,
    before: &[EpochReport],
) -> Option<RewiringReport> {
    let now = learner.session.rewiring.as_ref()?;
    let before = || before.iter().filter_map(|report| report.rewiring);
    Some(RewiringReport {
        rewired: now.done - before().map(|report| report.rewired).sum::<u64>(),
        stuck: now.failed - before().map(|report| report.stuck).sum::<u64>(),
    })
}

/// The report of the epoch of a training that is under way, without evaluation.
pub fn epoch_report<S: Solver>(
    learner: &Learner<'_, S>,
    training: &TrainingState,
    trained: PassEnd,
) -> EpochReport {
    let output = learner.topology.network.output();
    EpochReport {
        fold: None,
        held_out: None,
        epoch: training.epoch,
        eta: learner.schedule.rate(),
        train: trained.score,
        evaluation: None,
        layers: learner.layers(),
        grazing_outputs: learner.session.activity.grazing[output.0],
        rewiring: rewiring_report(learner, &training.reports),
        seconds: trained.seconds,
        evaluation_seconds: 0.0,
        elapsed: learner.elapsed(),
        hidden: learner.hidden.clone(),
        inside: learner.metrics.epoch(&learner.session),
    }
}
