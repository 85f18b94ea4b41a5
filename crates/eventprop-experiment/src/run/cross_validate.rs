//! `xval`: every fold is held out once. Lines of the folds follow each other in the results file; no
//! weights are written. A fold counts with its accuracy after the last epoch, or in the epoch with the
//! best training accuracy: choosing an epoch by the fold that is held out would be choosing by the test,
//! and is done only where `SELECT_ON_TEST` allows it.

use eventprop::rng::{Key, Purpose};
use eventprop::solver::Solver;
use eventprop_gpu::OnDevice;

use super::checkpoints::{Resumed, Saver};
use super::ending::Ending;
use super::error::RunError;
use super::failed_batch;
use super::learner::{InitialWeights, Learner, Pass, PassEnd, PassResult, network_size};
use super::prepared::Prepared;
use super::progress::{Control, Progress};
use super::report::{EpochReport, Score, Summary};
use super::report_file::ReportFile;
use super::train::{chooses, epoch_report, watched};
use super::training_state::{PassTotals, TrainingState};
use crate::data::{Data, Fold};
use crate::health::layer_monitor::LayerMonitor;
use crate::network_builder::Topology;
use crate::records::PredictionFiles;
use crate::settings::{Phase, Select};

/// Trains and evaluates all folds.
pub fn cross_validate<S: OnDevice>(
    prepared: &Prepared<'_>,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let (settings, data) = (prepared.settings, prepared.data);
    let seed = u64::from(settings.seeds.model);
    let topology = Topology::new(settings, network_size(data), seed)?;
    let report_file = ReportFile::begin(prepared, &Learner::<S>::on(settings, topology, seed)?)?;
    let resumed = prepared.resumed.map(|resumed| &resumed.state.training);
    let mut course = Course {
        prepared,
        training: resumed.cloned().unwrap_or_default(),
        saver: Saver::new(prepared),
        monitor: LayerMonitor::default(),
        begun: PassTotals::default(),
    };
    let ended = course.training.folds.len();
    for (index, fold) in data.folds.iter().enumerate().skip(ended) {
        control.tell(&Progress::Fold {
            fold: index,
            folds: data.folds.len(),
            held_out: &fold.name,
        });
        let turn = Turn {
            data: &data.of_fold(fold),
            fold,
            index,
            resumed: prepared.resumed.filter(|_| index == ended),
        };
        let Some(score) = course.run::<S>(&turn, control)? else {
            break;
        };
        let next = TrainingState {
            seconds: course.training.seconds,
            samples: course.training.samples,
            train: course.training.train,
            folds: course.training.folds.clone(),
            ..TrainingState::default()
        };
        course.training = next;
        course.training.folds.push((fold.name.clone(), score));
    }
    let mut summary = course.summary();
    summary.cancelled = control.cancelled();
    let ending = Ending::begin(prepared, &summary, control)?;
    ending.attempt(report_file.end_without_network(&summary), control);
    ending.attempt(course.saver.end(&summary), control);
    ending.end(&mut summary, control);
    Ok(summary)
}

/// One fold.
struct Turn<'a> {
    data: &'a Data,
    fold: &'a Fold,
    index: usize,
    /// The checkpoint to resume from.
    resumed: Option<&'a Resumed>,
}

/// All folds.
struct Course<'a> {
    prepared: &'a Prepared<'a>,
    training: TrainingState,
    saver: Saver<'a>,
    monitor: LayerMonitor,
    /// The training that was left before its end.
    begun: PassTotals,
}

impl Course<'_> {
    /// The score of the epoch that counts; `None` when cancelled before the last.
    fn run<S: OnDevice>(
        &mut self,
        turn: &Turn<'_>,
        control: &mut Control<'_>,
    ) -> Result<Option<Score>, RunError> {
        let &Prepared {
            settings, outputs, ..
        } = self.prepared;
        let start = InitialWeights {
            seed: seed_of(settings.seeds.model, turn.fold.id),
            saved: None,
            checkpoint: turn.resumed.map(|resumed| &resumed.found.container),
        };
        let mut learner = Learner::<S>::new(settings, turn.data, start)?;
        learner.join(control)?;
        let mut outcomes = PredictionFiles::new(settings.records.outcomes, turn.data.classes);
        if let Some(resumed) = turn.resumed {
            let container = &resumed.found.container;
            let restored = learner.restore(container, &resumed.state.learner);
            let restored = restored.and_then(|()| outcomes.restore(container));
            restored.map_err(|defect| resumed.error(defect))?;
            self.prepared.write_parameters()?;
        } else if turn.index == 0 {
            self.prepared.write_parameters()?;
            self.checkpoint(&learner, &outcomes)?;
        }
        while self.training.epoch < settings.epochs {
            let Some(report) = self.epoch(turn, &mut learner, &mut outcomes, control)? else {
                self.begun = learner
                    .totals
                    .filter(|_| self.training.trained.is_none())
                    .unwrap_or_default();
                self.checkpoint(&learner, &outcomes)?;
                return Ok(None);
            };
            self.keep(&mut learner, report, control)?;
            let last = self.training.epoch == settings.epochs;
            if last || self.saver.is_due_after_epoch() {
                self.checkpoint(&learner, &outcomes)?;
            }
        }
        let suffix = format!("_fold{}", turn.index);
        if outputs.writes() {
            outcomes.write(outputs.folder(), outputs.prefix(), &suffix)?;
        }
        let counting = self.training.best.as_ref();
        Ok(counting.and_then(|report| report.evaluation))
    }

    /// Writes what an epoch gave.
    fn keep<S: Solver>(
        &mut self,
        learner: &mut Learner<'_, S>,
        report: EpochReport,
        control: &mut Control<'_>,
    ) -> Result<(), RunError> {
        let &Prepared {
            settings,
            data,
            outputs,
            ..
        } = self.prepared;
        outputs.append("results.txt", &report.results_line(settings.benchmark))?;
        outputs.append("metrics.jsonl", &report.metrics().to_string())?;
        outputs.append("report.jsonl", &report.detail(data.classes))?;
        learner.schedule.end_epoch(watched(settings, &report));
        control.tell(&Progress::Epoch(&report));
        for warning in self.monitor.warnings(settings, &report) {
            control.tell(&Progress::Notice(&warning));
        }
        self.training.train = Some(report.train);
        if self.counts(self.training.best.as_ref(), &report) {
            self.training.best = Some(report.clone().without_inside());
        }
        self.training.reports.push(report.without_inside());
        self.training.epoch += 1;
        Ok(())
    }

    fn checkpoint<S: Solver>(
        &mut self,
        learner: &Learner<'_, S>,
        outcomes: &PredictionFiles,
    ) -> Result<(), RunError> {
        self.saver.save(&self.training, |container| {
            outcomes.store(container);
            learner.store(container)
        })
    }

    /// The results of the folds, and of the one that was left.
    fn summary(&self) -> Summary {
        let (training, prepared) = (&self.training, self.prepared);
        let mut summary = prepared.summary();
        let scores: Vec<Score> = training.folds.iter().map(|(_, score)| *score).collect();
        let names = training.folds.iter().map(|(name, _)| name.clone());
        let samples = training.samples + self.begun.samples;
        summary.epochs = scores.len() * prepared.settings.epochs + training.reports.len();
        summary.seconds = training.seconds + self.begun.seconds;
        summary.samples_per_second = (samples > 0).then(|| samples as f64 / summary.seconds);
        summary.train = training.train;
        summary.validation = mean(&scores);
        summary.held_out = names.collect();
        summary.folds = scores;
        summary
    }

    /// True if an epoch counts rather than the one before that did.
    fn counts(&self, before: Option<&EpochReport>, report: &EpochReport) -> bool {
        let select = match self.prepared.settings.select {
            Select::Best if !self.prepared.selects_on_test() => Select::Last,
            select => select,
        };
        match (chooses(select, report), before) {
            (Some(score), Some(before)) => chooses(select, before).is_none_or(|b| score > b),
            _ => true,
        }
    }

    /// One epoch, or the rest of one that was interrupted; `None` when it was cancelled.
    fn epoch<S: Solver>(
        &mut self,
        turn: &Turn<'_>,
        learner: &mut Learner<'_, S>,
        outcomes: &mut PredictionFiles,
        control: &mut Control<'_>,
    ) -> Result<Option<EpochReport>, RunError> {
        let epoch = self.training.epoch;
        let part = turn.data.training(epoch);
        let training = Pass {
            phase: Phase::Train,
            part: &part,
            epoch,
            trials_before: 0,
            samples_before: 0,
        };
        if self.training.trained.is_none() {
            if learner.totals.is_none() {
                learner.begin_epoch(epoch, part.len());
            }
            let Some(end) = self.pass(learner, (training, outcomes), control)? else {
                return Ok(None);
            };
            self.training.seconds += end.seconds;
            self.training.samples += end.score.samples;
            self.training.trained = Some(epoch_report(learner, &self.training, end));
        }
        let evaluation = Pass {
            phase: Phase::Validation,
            part: &turn.data.evaluation(&turn.data.validation, epoch),
            ..training
        };
        let Some(end) = self.pass(learner, (evaluation, outcomes), control)? else {
            return Ok(None);
        };
        Ok(self.training.trained.take().map(|mut report| {
            report.evaluation = Some(end.score);
            report.evaluation_seconds = end.seconds;
            report.inside.outcomes = learner.metrics.outcomes().clone();
            report.hidden.clone_from(&learner.hidden);
            report.fold = Some(turn.index);
            report.held_out = Some(turn.fold.name.clone());
            report.elapsed = learner.elapsed();
            report
        }))
    }

    /// A pass to its end, with checkpoints where they are due; `None` when it was cancelled.
    fn pass<S: Solver>(
        &mut self,
        learner: &mut Learner<'_, S>,
        (pass, outcomes): (Pass<'_>, &mut PredictionFiles),
        control: &mut Control<'_>,
    ) -> Result<Option<PassEnd>, RunError> {
        loop {
            let passed = learner.pass(pass, outcomes, control);
            match passed.map_err(|error| failed_batch::keep(self.prepared, learner, error))? {
                PassResult::Paused => self.checkpoint(learner, outcomes)?,
                PassResult::Cancelled => return Ok(None),
                PassResult::Whole(end) => return Ok(Some(end)),
            }
        }
    }
}

/// The seed of weights and draws of a fold: that of what is held out, whatever else is.
fn seed_of(model: u32, fold: u64) -> u64 {
    let [low, high, ..] = Key::new(u64::from(model), Purpose::Split).words(fold);
    u64::from(low) | u64::from(high) << 32
}

fn mean(folds: &[Score]) -> Option<Score> {
    if folds.is_empty() {
        return None;
    }
    let count = folds.len() as f64;
    let of = |value: fn(&Score) -> f64| folds.iter().map(value).sum::<f64>() / count;
    Some(Score {
        samples: folds.iter().map(|fold| fold.samples).sum(),
        loss: of(|fold| fold.loss),
        accuracy: of(|fold| fold.accuracy),
    })
}
