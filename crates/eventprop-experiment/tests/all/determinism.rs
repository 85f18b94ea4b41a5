//! The same run gives the same bits with 1, 2 and 5 threads.

use eventprop_experiment::run::{Command, EpochReport};
use eventprop_params::Benchmark;
use serde_json::Value as Json;

use crate::Trial;

/// Weights and metrics (without times and memory) of a run with some threads.
fn trace(benchmark: Benchmark, assignments: &[&str], threads: usize) -> (Vec<u8>, Vec<Json>) {
    let trial = Trial::new(benchmark, assignments);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads");
    pool.install(|| trial.run(Command::Train)).expect("a run");
    let weights = trial
        .names()
        .into_iter()
        .filter(|name| name.ends_with("_last.npy"));
    let bytes = weights.flat_map(|name| std::fs::read(trial.path(&name)).expect("weights"));
    let metrics = trial.read("test_metrics.jsonl");
    let metrics = metrics.lines().map(|line| {
        let mut json: Json = serde_json::from_str(line).expect("JSON");
        for key in EpochReport::OF_THE_MACHINE {
            json.as_object_mut().expect("an object").remove(key);
        }
        json
    });
    (bytes.collect(), metrics.collect())
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for (benchmark, assignments) in [
        (Benchmark::YinYang, &["SOLVER=grid", "PDROP=0.2"][..]),
        (Benchmark::YinYang, &["SOLVER=event", "PDROP_INPUT=0.1"]),
        (
            Benchmark::Mnist,
            &["RECURRENT=true", "NUM_HIDDEN=[20,10]", "REG_TYPE=simple"],
        ),
        (
            Benchmark::Shd,
            &[
                "RECURRENT=true",
                "N_HID_LAYER=2",
                "N_INPUT_DELAY=1",
                "TRAIN_TAU=true",
                "HIDDEN_NOISE=0.05",
                "PDROP_HIDDEN=0.1",
                "AUGMENTATION={random_shift:40,blend:[0.5,0.5]}",
            ],
        ),
        (
            Benchmark::Shd,
            &[
                "RECURRENT=true",
                "HIDDEN_NEURON_TYPE=ALIF",
                "AVG_SNSUM=true",
                "REG_TYPE=simple",
            ],
        ),
        (
            Benchmark::Shd,
            &["RECURRENT=true", "TRAIN_DELAY=true", "DELAY_SPREAD=100"],
        ),
        (
            Benchmark::Shd,
            &[
                "RECURRENT=true",
                "INPUT_HIDDEN_WIRING=fan_in:100",
                "HIDDEN_HIDDEN_WIRING=probability:0.4",
                "DEEP_R=0.3",
            ],
        ),
    ] {
        let one = trace(benchmark, assignments, 1);
        for threads in [2, 5] {
            assert!(
                trace(benchmark, assignments, threads) == one,
                "{assignments:?}, {threads} threads"
            );
        }
    }
}
