//! `xval`: every fold is held out once. Lines of the folds follow each other in the results file; no
//! weights are written. A fold counts with its accuracy after the last epoch, or in the epoch with the
//! best training accuracy: choosing an epoch by the fold that is held out would be choosing by the test,
//! and is done only where `SELECT_ON_TEST` allows it.

use eventprop::rng::{Key, Purpose};

use super::Prepared;
use super::dossier::Dossier;
use super::error::RunError;
use super::learner::{Learner, Pass, Start};
use super::progress::{Control, Phase, Progress};
use super::report::{EpochReport, Score, Summary};
use super::train::{chooses, epoch_report, finish, watched};
use crate::data::{Data, Fold};
use crate::engine::Engine;
use crate::records::Outcomes;
use crate::settings::Select;

/// Trains and evaluates all folds.
pub fn cross_validate<S: Engine>(
    prepared: &Prepared<'_>,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let &Prepared { settings, data, .. } = prepared;
    let start = Start {
        seed: u64::from(settings.seeds.model),
        saved: None,
    };
    let dossier = Dossier::begin(prepared, &Learner::<S>::new(settings, data, start)?)?;
    let mut summary = prepared.summary();
    let mut samples = 0;
    for (index, fold) in data.folds.iter().enumerate() {
        control.tell(&Progress::Fold {
            fold: index,
            folds: data.folds.len(),
            held_out: &fold.name,
        });
        let turn = Turn {
            prepared,
            data: &data.of_fold(fold),
            fold,
            index,
        };
        let Some(score) = turn.run::<S>((&mut summary, &mut samples), control)? else {
            break;
        };
        summary.folds.push(score);
        summary.held_out.push(fold.name.clone());
    }
    summary.samples_per_second = (samples > 0).then(|| samples as f64 / summary.seconds);
    summary.cancelled = control.cancelled();
    summary.validation = mean(&summary.folds);
    dossier.end_without_network(&summary)?;
    finish(prepared, &mut summary)?;
    Ok(summary)
}

/// One fold.
struct Turn<'a> {
    prepared: &'a Prepared<'a>,
    data: &'a Data,
    fold: &'a Fold,
    index: usize,
}

impl Turn<'_> {
    /// The score of the epoch that counts; `None` when cancelled before the last.
    fn run<S: Engine>(
        &self,
        (summary, samples): (&mut Summary, &mut usize),
        control: &mut Control<'_>,
    ) -> Result<Option<Score>, RunError> {
        let &Prepared {
            settings, outputs, ..
        } = self.prepared;
        let start = Start {
            seed: seed_of(settings.seeds.model, self.fold.id),
            saved: None,
        };
        let mut learner = Learner::<S>::new(settings, self.data, start)?;
        let mut outcomes = Outcomes::new(settings.records.outcomes, self.data.classes);
        let mut counting: Option<EpochReport> = None;
        for epoch in 0..settings.epochs {
            let Some(report) = self.epoch(&mut learner, (epoch, &mut outcomes), control)? else {
                return Ok(None);
            };
            summary.seconds += report.seconds;
            *samples += report.train.samples;
            outputs.append("results.txt", &report.results_line(settings.benchmark))?;
            outputs.append("metrics.jsonl", &report.metrics().to_string())?;
            outputs.append("report.jsonl", &report.detail(self.data.classes))?;
            learner.schedule.end_epoch(watched(settings, &report));
            summary.epochs += 1;
            summary.train = Some(report.train);
            control.tell(&Progress::Epoch(&report));
            if self.counts(counting.as_ref(), &report) {
                counting = Some(report);
            }
        }
        let suffix = format!("_fold{}", self.index);
        outcomes.write(outputs.folder(), outputs.prefix(), &suffix)?;
        Ok(counting.and_then(|report| report.evaluation))
    }

    /// Whether an epoch counts rather than the one before that did.
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

    /// One epoch; `None` when it was cancelled.
    fn epoch<S: Engine>(
        &self,
        learner: &mut Learner<'_, S>,
        (epoch, outcomes): (usize, &mut Outcomes),
        control: &mut Control<'_>,
    ) -> Result<Option<EpochReport>, RunError> {
        learner.begin_epoch(epoch);
        let training = Pass {
            phase: Phase::Train,
            part: &self.data.training(epoch),
            epoch,
            trials_before: 0,
            samples_before: 0,
        };
        let trained = learner.pass(training, outcomes, control)?;
        let Some(train) = trained.score else {
            return Ok(None);
        };
        let mut report = epoch_report(learner, epoch, train, trained.seconds);
        let evaluation = Pass {
            phase: Phase::Validation,
            part: &self.data.evaluation(&self.data.validation, epoch),
            ..training
        };
        let evaluated = learner.pass(evaluation, outcomes, control)?;
        report.evaluation = evaluated.score;
        report.evaluation_seconds = evaluated.seconds;
        report.inside.outcomes = learner.insight.outcomes().clone();
        report.hidden.clone_from(&learner.hidden);
        report.fold = Some(self.index);
        report.held_out = Some(self.fold.name.clone());
        report.elapsed = learner.elapsed();
        Ok(report.evaluation.is_some().then_some(report))
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
