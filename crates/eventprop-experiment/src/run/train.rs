//! `train` and `train_test`.

use std::time::Instant;

use eventprop::params::Params;

use super::dossier::Dossier;
use super::error::RunError;
use super::keeper::Keeper;
use super::learner::{Learner, NoLook, Pass};
use super::pictures;
use super::progress::{Control, Phase, Progress};
use super::report::{EpochReport, Score, Summary};
use super::{Command, Prepared};
use crate::engine::Engine;
use crate::settings::{Select, Settings, Watch};
use crate::weights;

/// Trains, then tests once.
pub fn train<S: Engine>(
    prepared: &Prepared<'_>,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let &Prepared {
        settings,
        data,
        outputs,
        ..
    } = prepared;
    let mut learner = Learner::<S>::new(settings, data, u64::from(settings.seeds.model))?;
    if settings.load_last {
        weights::load(
            outputs,
            &learner.topology,
            &mut learner.session.params,
            "last",
        )?;
    }
    weights::remove(outputs, &learner.topology, "best")?;
    let dossier = Dossier::begin(prepared, &learner)?;
    let mut course = Course::new(prepared);
    course.run(&mut learner, control)?;
    if course.reports.is_empty() {
        weights::save(outputs, &learner.topology, &learner.session.params, "last")?;
    }
    if let Some(best) = course.best.take() {
        learner.session.params = best.params;
        course.summary.validation = Some(best.score);
        course.summary.selected_epoch = Some(best.epoch);
    }
    if !control.cancelled() && course.summary.test.is_none() {
        course.summary.test = final_test(prepared, &mut learner, control)?;
    }
    course.summary.cancelled = control.cancelled();
    course.keeper.write(data)?;
    pictures::final_pictures(prepared, &mut learner, &course.reports, &mut course.summary)?;
    dossier.end(&learner, &course.summary)?;
    finish(prepared, &mut course.summary)?;
    Ok(course.summary)
}

/// Writes the summary.
pub fn finish(prepared: &Prepared<'_>, summary: &mut Summary) -> Result<(), RunError> {
    let path = prepared.outputs.named(match prepared.command {
        Command::Test => "test_summary.json",
        _ => "summary.json",
    });
    summary.files.push(path.clone());
    prepared.outputs.write_json(&path, &summary.to_json())?;
    Ok(())
}

fn final_test<S: Engine>(
    prepared: &Prepared<'_>,
    learner: &mut Learner<'_, S>,
    control: &mut Control<'_>,
) -> Result<Option<Score>, RunError> {
    let pass = Pass {
        phase: Phase::Test,
        part: &prepared.data.test,
        epoch: prepared.settings.epochs,
        trials_before: 0,
        samples_before: 0,
    };
    Ok(learner.pass(pass, &mut NoLook, control)?.score)
}

/// The weights of the best epoch so far.
struct Best<F> {
    params: Params<F>,
    score: Score,
    epoch: usize,
}

/// The epochs of a training.
struct Course<'a, S: Engine> {
    prepared: &'a Prepared<'a>,
    keeper: Keeper<'a>,
    reports: Vec<EpochReport>,
    best: Option<Best<S::Real>>,
    samples: usize,
    summary: Summary,
}

impl<'a, S: Engine> Course<'a, S> {
    fn new(prepared: &'a Prepared<'a>) -> Self {
        Self {
            prepared,
            keeper: Keeper::new(prepared.settings, prepared.outputs, prepared.data),
            reports: Vec::new(),
            best: None,
            samples: 0,
            summary: prepared.summary(),
        }
    }

    fn run(
        &mut self,
        learner: &mut Learner<'_, S>,
        control: &mut Control<'_>,
    ) -> Result<(), RunError> {
        for epoch in 0..self.prepared.settings.epochs {
            let Some(report) = self.epoch(learner, epoch, control)? else {
                break;
            };
            self.keep(learner, report, control)?;
        }
        Ok(())
    }

    /// One epoch; `None` when it was cancelled.
    fn epoch(
        &mut self,
        learner: &mut Learner<'_, S>,
        epoch: usize,
        control: &mut Control<'_>,
    ) -> Result<Option<EpochReport>, RunError> {
        let data = self.prepared.data;
        learner.begin_epoch(epoch);
        self.keeper.begin_epoch();
        let train = Pass {
            phase: Phase::Train,
            part: &data.train,
            epoch,
            trials_before: 0,
            samples_before: 0,
        };
        let end = learner.pass(train, &mut self.keeper, control)?;
        self.summary.seconds += end.seconds;
        self.samples += end.samples;
        self.summary.samples_per_second = Some(self.samples as f64 / self.summary.seconds);
        let Some(score) = end.score else {
            // What was learned in the part of the epoch that was completed is not lost.
            weights::save(
                self.prepared.outputs,
                &learner.topology,
                &learner.session.params,
                "last",
            )?;
            return Ok(None);
        };
        let mut report = epoch_report(learner, epoch, score, end.seconds);
        let evaluated = Instant::now();
        report.evaluation = self.evaluate(learner, epoch, control)?;
        report.hidden.clone_from(&learner.hidden);
        if report.evaluation.is_some() {
            report.evaluation_seconds = evaluated.elapsed().as_secs_f64();
            report.inside.outcomes = learner.insight.outcomes().clone();
        }
        Ok(Some(report))
    }

    /// Validation; in the last epoch of `train_test` the test, which is that of the summary.
    fn evaluate(
        &mut self,
        learner: &mut Learner<'_, S>,
        epoch: usize,
        control: &mut Control<'_>,
    ) -> Result<Option<Score>, RunError> {
        let Prepared {
            data,
            settings,
            command,
            ..
        } = self.prepared;
        let last = epoch + 1 == settings.epochs;
        let (phase, part) = match command {
            Command::TrainTest if last => (Phase::Test, &data.test),
            Command::TrainTest => return Ok(None),
            _ if data.validation.is_empty() => return Ok(None),
            _ => (Phase::Validation, &data.validation),
        };
        let pass = Pass {
            phase,
            part,
            epoch,
            trials_before: data.train.len().div_ceil(settings.batch),
            samples_before: data.train.len(),
        };
        let score = learner.pass(pass, &mut self.keeper, control)?.score;
        if phase == Phase::Test {
            self.summary.test = score;
        }
        Ok(score)
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
        let session = &learner.session;
        weights::save(outputs, &learner.topology, &session.params, "last")?;
        outputs.append("results.txt", &report.results_line(settings.benchmark))?;
        outputs.append("metrics.jsonl", &report.metrics().to_string())?;
        outputs.append("report.jsonl", &report.detail(self.prepared.data.classes))?;
        if let Some(score) = self.improves(&report) {
            weights::save(outputs, &learner.topology, &session.params, "best")?;
            self.best = Some(Best {
                params: session.params.clone(),
                score,
                epoch: report.epoch,
            });
        }
        learner.schedule.end_epoch(watched(settings, &report));
        self.summary.epochs += 1;
        self.summary.train = Some(report.train);
        if self.prepared.command == Command::Train {
            self.summary.validation = report.evaluation;
            self.summary.selected_epoch = Some(report.epoch);
        }
        control.tell(&Progress::Epoch(&report));
        self.reports.push(report);
        pictures::interim_pictures(self.prepared, learner, &self.reports)
    }

    /// The validation score of an epoch that is better than all before it.
    fn improves(&self, report: &EpochReport) -> Option<Score> {
        let wanted = self.prepared.settings.select == Select::Best;
        let score = report
            .evaluation
            .filter(|_| wanted && self.prepared.command == Command::Train)?;
        let before = self.best.as_ref().map(|best| best.score.accuracy);
        before
            .is_none_or(|before| score.accuracy > before)
            .then_some(score)
    }
}

/// The accuracy that the learning rate follows; training where there is no validation.
pub fn watched(settings: &Settings, report: &EpochReport) -> f64 {
    match (settings.watch, report.evaluation) {
        (Watch::Validation, Some(score)) => score.accuracy,
        _ => report.train.accuracy,
    }
}

/// The report of an epoch without evaluation.
pub fn epoch_report<S: Engine>(
    learner: &Learner<'_, S>,
    epoch: usize,
    train: Score,
    seconds: f64,
) -> EpochReport {
    let output = learner.topology.network.output();
    EpochReport {
        fold: None,
        epoch,
        eta: learner.schedule.rate(),
        train,
        evaluation: None,
        layers: learner.layers(),
        grazing_outputs: learner.session.activity.grazing[output.0],
        seconds,
        evaluation_seconds: 0.0,
        hidden: learner.hidden.clone(),
        inside: learner.insight.epoch(&learner.session),
    }
}
