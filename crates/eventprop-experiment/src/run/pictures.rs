//! The pictures of a run.

use std::path::PathBuf;

use eventprop::readout::Readout;
use eventprop::solver::{Solver, Trials};
use eventprop::spikes::Batch;

use super::error::RunError;
use super::learner::Learner;
use super::prepared::Prepared;
use super::report::{EpochReport, Score, Summary};
use crate::data::{self, Part};
use crate::settings::Command;
use eventprop_data::atomic;
use eventprop_params::Benchmark;
use eventprop_params::picture::{
    CurvePoint, DecisionMap, LearningCurve, LossAndAccuracy, Picture, SpikeTimeMap, Tested,
};

/// Cells along each edge of the maps.
const MAP_SIDE: usize = 96;

/// The pictures at the end: the learning curve and, for Yin-Yang, the maps of the tested weights.
pub fn final_pictures<S: Solver>(
    prepared: &Prepared<'_>,
    learner: &mut Learner<'_, S>,
    reports: &[EpochReport],
    summary: &mut Summary,
) -> Result<(), RunError> {
    if !prepared.outputs.writes() {
        return Ok(());
    }
    let percent = |score: Score| format!("{:.2} %", 100.0 * score.accuracy);
    let result = match (summary.test, summary.validation) {
        (Some(test), _) => format!("test accuracy {}", percent(test)),
        (None, _) if summary.cancelled => "stopped before the test".to_owned(),
        (None, Some(validation)) => format!("validation accuracy {}", percent(validation)),
        (None, None) => "no test".to_owned(),
    };
    if !reports.is_empty() {
        let png = learning_curve(prepared, reports, &result)?;
        summary.files.push(png);
    }
    if prepared.settings.benchmark == Benchmark::YinYang {
        let ending = match prepared.command {
            Command::Test => "test_decision_map",
            _ => "decision_map",
        };
        summary
            .files
            .push(maps(prepared, learner, ending, &result)?);
    }
    Ok(())
}

/// The pictures during training, every so many epochs (`TRAINING_PLOT`).
pub fn interim_pictures<S: Solver>(
    prepared: &Prepared<'_>,
    learner: &mut Learner<'_, S>,
    reports: &[EpochReport],
) -> Result<(), RunError> {
    let Some(last) = reports.last() else {
        return Ok(());
    };
    let due = prepared.settings.plots.every;
    let undue = due.is_none_or(|every| !(last.epoch + 1).is_multiple_of(every));
    if undue || !prepared.outputs.writes() {
        return Ok(());
    }
    let result = format!(
        "epoch {}, training accuracy {:.2} %",
        last.epoch + 1,
        100.0 * last.train.accuracy
    );
    learning_curve(prepared, reports, &result)?;
    if prepared.settings.benchmark == Benchmark::YinYang {
        maps(
            prepared,
            learner,
            &format!("decision_map_e{}", last.epoch),
            &result,
        )?;
    }
    Ok(())
}

/// Writes `NAME_` + `ending` as PNG and SVG; returns the path of the PNG.
fn draw(prepared: &Prepared<'_>, ending: &str, picture: &Picture) -> Result<PathBuf, RunError> {
    let path = |format: &str| prepared.outputs.named(&format!("{ending}.{format}"));
    let (png, svg) = (path("png"), path("svg"));
    let drawing = (prepared.draw)(picture).map_err(|problem| RunError::Draw {
        path: png.clone(),
        problem,
    })?;
    atomic::write(&png, |out| out.write_all(&drawing.png))?;
    atomic::write(&svg, |out| out.write_all(drawing.svg.as_bytes()))?;
    Ok(png)
}

fn title(prepared: &Prepared<'_>, result: &str) -> String {
    let started = prepared.started();
    format!("{} {}: {result}", started.benchmark, started.network)
}

fn learning_curve(
    prepared: &Prepared<'_>,
    reports: &[EpochReport],
    result: &str,
) -> Result<PathBuf, RunError> {
    let validated = prepared.command == Command::Train;
    let of = |score: Score| LossAndAccuracy {
        loss: score.loss,
        accuracy: score.accuracy,
    };
    let points = reports.iter().map(|report| CurvePoint {
        epoch: report.epoch + 1,
        training: of(report.train),
        validation: report.evaluation.filter(|_| validated).map(of),
    });
    let curve = LearningCurve {
        title: title(prepared, result),
        points: points.collect(),
    };
    draw(prepared, "learning_curve", &Picture::LearningCurve(curve))
}

/// The decision map and, when wanted, the maps of spike times; returns the PNG of the first.
fn maps<S: Solver>(
    prepared: &Prepared<'_>,
    learner: &mut Learner<'_, S>,
    ending: &str,
    result: &str,
) -> Result<PathBuf, RunError> {
    let plane = data::plane(MAP_SIDE, prepared.settings)?;
    let seen = look(learner, &plane)?;
    let test = &prepared.data.test;
    let tested = look(learner, test)?.predictions;
    let points = test.points().into_iter().zip(test.labels()).zip(tested);
    let map = DecisionMap {
        title: title(prepared, result),
        side: MAP_SIDE,
        cells: seen.predictions,
        tested: points
            .map(|((point, label), prediction)| Tested {
                point,
                label,
                prediction,
            })
            .collect(),
    };
    let png = draw(prepared, ending, &Picture::DecisionMap(map))?;
    if prepared.settings.plots.spike_times {
        for (output, times_ms) in seen.first_spikes_ms.into_iter().enumerate() {
            let map = SpikeTimeMap {
                title: format!("first spike of output {output}"),
                side: MAP_SIDE,
                times_ms,
            };
            let ending = ending.replace("decision_map", &format!("first_spikes_{output}"));
            draw(prepared, &ending, &Picture::SpikeTimeMap(map))?;
        }
    }
    Ok(png)
}

/// Predictions and first spike times of a network for the samples of a part.
struct Sight {
    predictions: Vec<Option<u32>>,
    /// Per output; the end of the trial where there is no spike. Empty for losses on voltages.
    first_spikes_ms: Vec<Vec<f64>>,
}

fn look<S: Solver>(learner: &mut Learner<'_, S>, part: &Part) -> Result<Sight, RunError> {
    let trial_ms = learner.settings.clock.trial_ms();
    let mut batch = Batch::default();
    let mut sight = Sight {
        predictions: Vec::new(),
        first_spikes_ms: Vec::new(),
    };
    let places: Vec<usize> = (0..part.len()).collect();
    for places in places.chunks(learner.settings.batch) {
        part.fill(places, None, &mut batch);
        let report = learner.session.test_batch(&batch)?;
        sight
            .predictions
            .extend(report.outcomes.iter().map(|outcome| outcome.prediction));
        for sample in 0..batch.len() {
            sight.add_times(&learner.session.trials.readout(sample), trial_ms);
        }
    }
    Ok(sight)
}

impl Sight {
    fn add_times<F>(&mut self, readout: &Readout<F>, trial_ms: f64) {
        self.first_spikes_ms
            .resize(readout.first_spikes_ms.len(), Vec::new());
        for (times, time_ms) in self
            .first_spikes_ms
            .iter_mut()
            .zip(&readout.first_spikes_ms)
        {
            times.push(time_ms.min(trial_ms));
        }
    }
}
