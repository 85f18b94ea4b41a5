//! `test`: weights of an earlier run on the test part. Writes no weights and touches no results of the
//! training.

use eventprop::solver::Solver;

use super::Prepared;
use super::dossier::Dossier;
use super::error::RunError;
use super::keeper::Keeper;
use super::learner::{Learner, Pace, Pass, PassEnd, Passed, Start};
use super::pictures;
use super::progress::{Control, Phase, Progress};
use super::report::{Summary, results_line};
use super::train::finish;
use crate::outputs::Outputs;
use crate::params::Benchmark;
use crate::settings::{Label, Select};
use crate::topology::Topology;
use crate::weights::{self, Saved};

/// Tests the weights that are asked for; without that the best when the run chose such, otherwise the last.
pub fn test<S: Solver>(
    prepared: &Prepared<'_>,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let &Prepared {
        settings,
        data,
        outputs,
        ..
    } = prepared;
    let size = (data.inputs, data.classes);
    let seed = u64::from(settings.seeds.model);
    let topology = Topology::new(settings, size, seed)?;
    let from = Outputs::of_loaded(settings);
    let best = settings.select != Select::Last && weights::exist(&from, &topology, Label::Best);
    let chosen = if best { Label::Best } else { Label::Last };
    let saved = Saved {
        outputs: from,
        label: settings.load.unwrap_or(chosen),
    };
    let start = Start {
        seed,
        saved: Some(&saved),
        checkpoint: None,
    };
    let mut learner = Learner::<S>::new(settings, data, start)?;
    let dossier = Dossier::begin(prepared, &learner)?;
    let mut keeper = Keeper::new(settings, outputs, data);
    learner.pace = Pace::default();
    learner.begin_epoch(0);
    let pass = Pass {
        phase: Phase::Test,
        part: &data.evaluation(&data.test, 0),
        epoch: 0,
        trials_before: 0,
        samples_before: 0,
    };
    let end = match learner.pass(pass, &mut keeper, control)? {
        Passed::Whole(end) => Some(end),
        Passed::Paused | Passed::Cancelled => None,
    };
    let mut summary = prepared.summary();
    summary.test = end.map(|end| end.score);
    summary.cancelled = control.cancelled();
    keeper.write(data)?;
    control.tell(&Progress::Recorded(&keeper.recorder));
    if let Some(PassEnd { score, seconds }) = end {
        let line = match settings.benchmark {
            Benchmark::YinYang => results_line(0, &[score.accuracy, score.loss, seconds]),
            _ => results_line(0, &[0.0, f64::NAN, score.accuracy, score.loss, seconds]),
        };
        outputs.append("test_results.txt", &line)?;
    }
    pictures::final_pictures(prepared, &mut learner, &[], &mut summary)?;
    dossier.end(&learner, &summary)?;
    finish(prepared, &mut summary)?;
    Ok(summary)
}
