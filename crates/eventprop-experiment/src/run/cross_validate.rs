//! `xval`: every fold is held out once. Lines of the folds follow each other in the results file; no
//! weights are written. A fold counts with its accuracy after the last epoch: choosing an epoch by the
//! fold that is held out would be choosing by the test.

use eventprop::rng::{Key, Purpose};

use super::Prepared;
use super::dossier::Dossier;
use super::error::RunError;
use super::learner::{Learner, NoLook, Pass};
use super::progress::{Control, Phase, Progress};
use super::report::{Score, Summary};
use super::train::{epoch_report, finish, watched};
use crate::data::Data;
use crate::engine::Engine;

/// Trains and evaluates all folds.
pub fn cross_validate<S: Engine>(
    prepared: &Prepared<'_>,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let &Prepared { settings, data, .. } = prepared;
    let first = Learner::<S>::new(settings, data, seed_of(settings.seeds.model, 0))?;
    let dossier = Dossier::begin(prepared, &first)?;
    drop(first);
    let mut summary = prepared.summary();
    let mut samples = 0;
    for fold in 0..settings.folds {
        control.tell(&Progress::Fold {
            fold,
            folds: settings.folds,
        });
        let (train, validation) = data
            .train
            .fold(fold, settings.folds, settings.seeds.train_data);
        let data = Data {
            train,
            validation,
            ..data.clone()
        };
        let ended = one_fold::<S>(prepared, &data, fold, (&mut summary, &mut samples), control)?;
        let Some(score) = ended else {
            break;
        };
        summary.folds.push(score);
    }
    summary.samples_per_second = (samples > 0).then(|| samples as f64 / summary.seconds);
    summary.cancelled = control.cancelled();
    summary.validation = mean(&summary.folds);
    dossier.end_without_network(&summary)?;
    finish(prepared, &mut summary)?;
    Ok(summary)
}

/// The score after the last epoch; `None` when cancelled before.
fn one_fold<S: Engine>(
    prepared: &Prepared<'_>,
    data: &Data,
    fold: usize,
    (summary, samples): (&mut Summary, &mut usize),
    control: &mut Control<'_>,
) -> Result<Option<Score>, RunError> {
    let &Prepared {
        settings, outputs, ..
    } = prepared;
    let mut learner = Learner::<S>::new(settings, data, seed_of(settings.seeds.model, fold))?;
    let mut last = None;
    for epoch in 0..settings.epochs {
        learner.begin_epoch(epoch);
        let mut pass = Pass {
            phase: Phase::Train,
            part: &data.train,
            epoch,
            trials_before: 0,
            samples_before: 0,
        };
        let trained = learner.pass(pass, &mut NoLook, control)?;
        summary.seconds += trained.seconds;
        *samples += trained.samples;
        (pass.phase, pass.part) = (Phase::Validation, &data.validation);
        let Some(train) = trained.score else {
            return Ok(None);
        };
        let mut report = epoch_report(&learner, epoch, train, trained.seconds);
        let evaluation = learner.pass(pass, &mut NoLook, control)?;
        report.evaluation = evaluation.score;
        report.evaluation_seconds = evaluation.seconds;
        report.inside.outcomes = learner.insight.outcomes().clone();
        report.hidden.clone_from(&learner.hidden);
        report.fold = Some(fold);
        if report.evaluation.is_none() {
            return Ok(None);
        }
        outputs.append("results.txt", &report.results_line(settings.benchmark))?;
        outputs.append("metrics.jsonl", &report.metrics().to_string())?;
        outputs.append("report.jsonl", &report.detail(data.classes))?;
        learner.schedule.end_epoch(watched(settings, &report));
        summary.epochs += 1;
        summary.train = Some(report.train);
        last = report.evaluation;
        control.tell(&Progress::Epoch(&report));
    }
    Ok(last)
}

/// The seed of weights and draws of a fold.
fn seed_of(model: u32, fold: usize) -> u64 {
    let [low, high, ..] = Key::new(u64::from(model), Purpose::Split).words(fold as u64);
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
