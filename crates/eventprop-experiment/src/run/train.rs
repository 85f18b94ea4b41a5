//! `train` and `train_test`.

use std::time::Instant;

use eventprop::params::Params;

use super::dossier::Dossier;
use super::error::RunError;
use super::keeper::Keeper;
use super::learner::{Learner, Pass, Start};
use super::pictures;
use super::progress::{Control, Phase, Progress};
use super::report::{EpochReport, Score, Summary};
use super::{Command, Prepared};
use crate::engine::Engine;
use crate::outputs::Outputs;
use crate::records::Outcomes;
use crate::settings::{Checkpoint, Label, Select, Settings, Watch};
use crate::weights::{self, Saved};

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
    let saved = settings.load.map(|label| Saved {
        outputs: Outputs::of_loaded(settings),
        label,
    });
    let start = Start {
        seed: u64::from(settings.seeds.model),
        saved: saved.as_ref(),
    };
    let mut learner = Learner::<S>::new(settings, data, start)?;
    weights::remove(outputs, &learner.topology, Label::Best)?;
    let dossier = Dossier::begin(prepared, &learner)?;
    let mut course = Course::new(prepared);
    course.run(&mut learner, control)?;
    if course.reports.is_empty() || settings.checkpoint == Checkpoint::AtTheEnd {
        course.save(&learner, Label::Last)?;
    }
    let best = course.take_best(&mut learner);
    if !control.cancelled() && course.summary.test.is_none() {
        let outcomes = &mut course.keeper.outcomes;
        course.summary.test = final_test(prepared, &mut learner, outcomes, control)?;
        course.report_best(best)?;
    }
    course.summary.cancelled = control.cancelled();
    course.keeper.write(data)?;
    control.tell(&Progress::Recorded(&course.keeper.recorder));
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
    outcomes: &mut Outcomes,
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
    Ok(learner.pass(pass, outcomes, control)?.score)
}

/// The best epoch so far, with its weights.
struct Best<F> {
    params: Params<F>,
    report: EpochReport,
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
        let part = data.training(epoch);
        let pass = Pass {
            phase: Phase::Train,
            part: &part,
            epoch,
            trials_before: 0,
            samples_before: 0,
        };
        let end = learner.pass(pass, &mut self.keeper, control)?;
        self.summary.seconds += end.seconds;
        self.samples += end.samples;
        self.summary.samples_per_second = Some(self.samples as f64 / self.summary.seconds);
        let Some(score) = end.score else {
            // What was learned in the part of the epoch that was completed is not lost.
            self.save(learner, Label::Last)?;
            return Ok(None);
        };
        let mut report = epoch_report(learner, epoch, score, end.seconds);
        let evaluated = Instant::now();
        report.evaluation = self.evaluate(learner, (epoch, part.len()), control)?;
        report.hidden.clone_from(&learner.hidden);
        if report.evaluation.is_some() {
            report.evaluation_seconds = evaluated.elapsed().as_secs_f64();
            report.inside.outcomes = learner.insight.outcomes().clone();
        }
        report.elapsed = learner.elapsed();
        Ok(Some(report))
    }

    /// Validation; in the last epoch of `train_test` the test, which is that of the summary. `trained` is
    /// the number of samples that were trained on in the epoch.
    fn evaluate(
        &mut self,
        learner: &mut Learner<'_, S>,
        (epoch, trained): (usize, usize),
        control: &mut Control<'_>,
    ) -> Result<Option<Score>, RunError> {
        let Prepared { data, settings, .. } = self.prepared;
        let last = epoch + 1 == settings.epochs;
        let (phase, part) = match self.prepared.command {
            Command::TrainTest if self.prepared.selects_on_test() => {
                (Phase::Validation, &data.test)
            }
            Command::TrainTest if last && settings.select != Select::BestTraining => {
                (Phase::Test, &data.test)
            }
            Command::TrainTest => return Ok(None),
            _ if data.validation.is_empty() => return Ok(None),
            _ => (Phase::Validation, &data.validation),
        };
        let pass = Pass {
            phase,
            part: &data.evaluation(part, epoch),
            epoch,
            trials_before: trained.div_ceil(settings.batch),
            samples_before: trained,
        };
        let score = learner.pass(pass, &mut self.keeper, control)?.score;
        if phase == Phase::Test {
            self.summary.test = score;
        }
        Ok(score)
    }

    fn save(&self, learner: &Learner<'_, S>, label: Label) -> Result<(), RunError> {
        let (topology, params) = (&learner.topology, &learner.session.params);
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
                params: learner.session.params.clone(),
                report: report.clone(),
            });
            self.write_best(&report)?;
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

    /// Whether an epoch is better than all before it, by the accuracy that chooses.
    fn improves(&self, report: &EpochReport) -> bool {
        let select = match (self.prepared.command, self.prepared.settings.select) {
            (Command::TrainTest, Select::Best) if !self.prepared.selects_on_test() => Select::Last,
            (_, select) => select,
        };
        let (Some(score), before) = (
            chooses(select, report),
            self.best.as_ref().and_then(|b| chooses(select, &b.report)),
        ) else {
            return false;
        };
        before.is_none_or(|before| score > before)
    }

    /// `NAME_best.txt`, which the reference has for binned spikes.
    fn write_best(&self, report: &EpochReport) -> Result<(), RunError> {
        let benchmark = self.prepared.settings.benchmark;
        if benchmark.is_binned() {
            let line = report.results_line(benchmark);
            self.prepared.outputs.replace("best.txt", &line)?;
        }
        Ok(())
    }

    /// Puts the best weights into the learner; returns what their epoch reported.
    fn take_best(&mut self, learner: &mut Learner<'_, S>) -> Option<EpochReport> {
        let best = self.best.take()?;
        learner.session.params = best.params;
        self.summary.validation = best.report.evaluation;
        self.summary.selected_epoch = Some(best.report.epoch);
        Some(best.report)
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
        held_out: None,
        epoch,
        eta: learner.schedule.rate(),
        train,
        evaluation: None,
        layers: learner.layers(),
        grazing_outputs: learner.session.activity.grazing[output.0],
        seconds,
        evaluation_seconds: 0.0,
        elapsed: learner.elapsed(),
        hidden: learner.hidden.clone(),
        inside: learner.insight.epoch(&learner.session),
    }
}
