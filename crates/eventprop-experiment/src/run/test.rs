//! `test`: weights of an earlier run on the test part. Writes no weights and touches no results of the
//! training.

use eventprop_gpu::OnDevice;
use eventprop_params::Benchmark;

use super::batch_recorder::BatchRecorder;
use super::ending::Ending;
use super::error::RunError;
use super::learner::{
    CheckpointTimer, InitialWeights, Learner, Pass, PassEnd, PassResult, network_size,
};
use super::pictures;
use super::prepared::Prepared;
use super::progress::{Control, Progress};
use super::report::{Summary, results_line};
use super::report_file::ReportFile;
use crate::network_builder::Topology;
use crate::outputs::Outputs;
use crate::settings::{Label, Phase, Select};
use crate::weights::{self, Saved};

/// Tests the weights that are asked for; without that the best when the run chose such, otherwise the last.
pub fn test<S: OnDevice>(
    prepared: &Prepared<'_>,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let &Prepared {
        settings,
        data,
        outputs,
        ..
    } = prepared;
    let size = network_size(data);
    let seed = u64::from(settings.seeds.model);
    let topology = Topology::new(settings, size, seed)?;
    let from = Outputs::of_loaded(settings);
    let best = settings.select != Select::Last && weights::exist(&from, &topology, Label::Best);
    let chosen = if best { Label::Best } else { Label::Last };
    let saved = Saved {
        outputs: from,
        label: settings.load.unwrap_or(chosen),
    };
    let start = InitialWeights {
        seed,
        saved: Some(&saved),
        checkpoint: None,
    };
    let mut learner = Learner::<S>::new(settings, data, start)?;
    learner.join(control)?;
    let report_file = ReportFile::begin(prepared, &learner)?;
    let trials = data.test.len().div_ceil(settings.batch);
    let mut batch_recorder = BatchRecorder::new(prepared, &learner.topology.network, trials)?;
    learner.timer = CheckpointTimer::default();
    learner.begin_epoch(0, data.test.len());
    let pass = Pass {
        phase: Phase::Test,
        part: &data.evaluation(&data.test, 0),
        epoch: 0,
        trials_before: 0,
        samples_before: 0,
    };
    let end = match learner.pass(pass, &mut batch_recorder, control)? {
        PassResult::Whole(end) => Some(end),
        PassResult::Paused | PassResult::Cancelled => None,
    };
    let mut summary = prepared.summary();
    summary.test = end.map(|end| end.score);
    summary.cancelled = control.cancelled();
    if let Some(PassEnd { score, seconds }) = end {
        let line = match settings.benchmark {
            Benchmark::YinYang => results_line(0, &[score.accuracy, score.loss, seconds]),
            _ => results_line(0, &[0.0, f64::NAN, score.accuracy, score.loss, seconds]),
        };
        outputs.append("test_results.txt", &line)?;
    }
    let ending = Ending::begin(prepared, &summary, control)?;
    batch_recorder.write(data)?;
    control.tell(&Progress::Recorded(&batch_recorder.recorder));
    let drawn =
        learner.alone(|learner| pictures::final_pictures(prepared, learner, &[], &mut summary));
    ending.attempt(drawn, control);
    ending.attempt(report_file.end(&learner, &summary), control);
    ending.end(&mut summary, control);
    Ok(summary)
}
