//! `test`: weights of an earlier run on the test part. Writes no weights.

use super::Prepared;
use super::dossier::Dossier;
use super::error::RunError;
use super::keeper::Keeper;
use super::learner::{Learner, Pass};
use super::pictures;
use super::progress::{Control, Phase};
use super::report::{Summary, results_line};
use super::train::finish;
use crate::engine::Engine;
use crate::params::Benchmark;
use crate::settings::Select;
use crate::weights;

/// Tests the best weights when the run chose such, otherwise the last.
pub fn test<S: Engine>(
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
    let best =
        settings.select == Select::Best && weights::exist(outputs, &learner.topology, "best");
    let label = if best { "best" } else { "last" };
    weights::load(
        outputs,
        &learner.topology,
        &mut learner.session.params,
        label,
    )?;
    let dossier = Dossier::begin(prepared, &learner)?;
    let mut keeper = Keeper::new(settings, outputs, data);
    learner.begin_epoch(0);
    let pass = Pass {
        phase: Phase::Test,
        part: &data.test,
        epoch: 0,
        trials_before: 0,
        samples_before: 0,
    };
    let end = learner.pass(pass, &mut keeper, control)?;
    let mut summary = prepared.summary();
    summary.test = end.score;
    summary.cancelled = control.cancelled();
    keeper.write(data)?;
    if let (Benchmark::YinYang, Some(score)) = (settings.benchmark, end.score) {
        let line = results_line(0, &[score.accuracy, score.loss, end.seconds]);
        outputs.append("test_results.txt", &line)?;
    }
    pictures::final_pictures(prepared, &mut learner, &[], &mut summary)?;
    dossier.end(&learner, &summary)?;
    finish(prepared, &mut summary)?;
    Ok(summary)
}
