//! Every loss trains, with both solvers.

use eventprop_experiment::run::Command;
use eventprop_params::{Benchmark, Kind};

use crate::{Trial, array};

#[test]
fn every_loss_trains_with_both_solvers() {
    let mut rows = Benchmark::YinYang.rows().iter();
    let row = rows.find(|row| row.key == "LOSS_TYPE").expect("a loss");
    let Kind::Choice(losses) = row.kind else {
        panic!("losses are a choice");
    };
    assert_eq!(losses.len(), 10);
    for loss in losses {
        for solver in ["grid", "event"] {
            let assignments = [format!("LOSS_TYPE={loss}"), format!("SOLVER={solver}")];
            let [loss, solver] = assignments.each_ref().map(String::as_str);
            let small = [
                "N_TRAIN=32",
                "N_EPOCH=1",
                "W_REPORT_INTERVAL=1",
                "W_EPOCH_INTERVAL=1",
                loss,
                solver,
            ];
            let trial = Trial::new(Benchmark::YinYang, &small);
            let summary = trial.run(Command::Train).expect(loss);
            let loss_value = summary.train.expect("a score").loss;
            assert!(
                loss_value.is_finite() && loss_value > 0.0,
                "{loss} {solver}"
            );
            for name in ["w_input_hidden", "w_hidden_output"] {
                let before = array(&trial.path(&format!("{name}_e0_t0.npy"))).1;
                let after = array(&trial.path(&format!("{name}_last.npy"))).1;
                assert_ne!(before, after, "{loss} {solver}: {name} does not learn");
            }
        }
    }
}
