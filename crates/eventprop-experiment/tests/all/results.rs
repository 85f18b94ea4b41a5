//! Files of results: columns, appending, parameters, summary, pictures.

use eventprop_experiment::run::Command;
use eventprop_params::{Benchmark, Parameters};

use crate::{Trial, array, columns};

#[test]
fn yin_yang_writes_epoch_accuracy_loss_seconds() {
    let trial = Trial::new(Benchmark::YinYang, &[]);
    let summary = trial.run(Command::Train).expect("a run");
    let lines = columns(&trial.read("test_results.txt"));
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.len() == 4));
    assert_eq!([lines[0][0], lines[1][0]], [0.0, 1.0]);
    let train = summary.train.expect("trained");
    assert_eq!(lines[1][1..3], [train.accuracy, train.loss]);
}

#[test]
fn mnist_writes_training_and_evaluation_and_hidden_statistics() {
    let trial = Trial::new(
        Benchmark::Mnist,
        &["DEBUG_HIDDEN_N=true", "NUM_HIDDEN=[20,10]"],
    );
    let summary = trial.run(Command::Train).expect("a run");
    let lines = columns(&trial.read("test_results.txt"));
    assert!(
        lines.iter().all(|line| line.len() == 5 + 2 * 8),
        "{lines:?}"
    );
    assert_eq!(lines[1][1], summary.train.expect("trained").accuracy);
    let last = &lines[1];
    // Mean of the layer is mean of a neuron times neurons; min ≤ mean ≤ max.
    assert!((last[5] - 20.0 * last[9]).abs() < 1e-9 && (last[13] - 10.0 * last[17]).abs() < 1e-9);
    assert!(last[7] <= last[5] && last[5] <= last[8]);
    assert!(summary.demonstration);
}

#[test]
fn without_validation_the_columns_are_0_and_nan_until_train_test_tests() {
    let trial = Trial::new(Benchmark::Mnist, &[]);
    let summary = trial.run(Command::TrainTest).expect("a run");
    let text = trial.read("test_results.txt");
    assert!(
        text.lines().next().expect("a line").ends_with(" 0.0 nan"),
        "{text}"
    );
    let test = summary.test.expect("tested");
    assert_eq!(columns(&text)[1][3..], [test.accuracy, test.loss]);
    assert_eq!((summary.validation, test.samples), (None, 200));
    assert_eq!(summary.train.expect("trained").samples, 300);
}

#[test]
fn a_second_run_appends_and_its_parameters_read_back() {
    let trial = Trial::new(Benchmark::YinYang, &["N_EPOCH=1"]);
    let first = trial.run(Command::Train).expect("a run");
    let second = trial.run(Command::Train).expect("a run");
    assert_eq!(first.test, second.test);
    assert_eq!(trial.read("test_results.txt").lines().count(), 2);
    let mut again = Parameters::new(Benchmark::YinYang);
    again.read(&trial.path("test.json")).expect("the dump");
    assert_eq!(again.to_json(), trial.params.to_json());
}

#[test]
fn a_line_that_was_cut_short_does_not_swallow_the_next() {
    let trial = Trial::new(Benchmark::YinYang, &["N_EPOCH=1"]);
    std::fs::write(trial.path("test_results.txt"), "0 0.5").expect("half a line");
    trial.run(Command::Train).expect("a run");
    let lines = columns(&trial.read("test_results.txt"));
    assert_eq!([lines[0].len(), lines[1].len()], [2, 4]);
}

#[test]
fn a_run_leaves_these_files() {
    let trial = Trial::new(Benchmark::YinYang, &[]);
    let summary = trial.run(Command::Train).expect("a run");
    assert_eq!(
        trial.names(),
        [
            ".lock",
            "test.json",
            "test_checkpoint.previous.safetensors",
            "test_checkpoint.safetensors",
            "test_decision_map.png",
            "test_decision_map.svg",
            "test_learning_curve.png",
            "test_learning_curve.svg",
            "test_metrics.jsonl",
            "test_report.json",
            "test_report.jsonl",
            "test_results.txt",
            "test_summary.json",
            "w_hidden_output_best.npy",
            "w_hidden_output_last.npy",
            "w_input_hidden_best.npy",
            "w_input_hidden_last.npy",
        ]
    );
    let png = std::fs::read(trial.path("test_decision_map.png")).expect("a picture");
    assert!(png.starts_with(b"\x89PNG"));
    let written: serde_json::Value =
        serde_json::from_str(&trial.read("test_summary.json")).expect("JSON");
    assert_eq!(written, summary.to_json());
    for key in [
        "benchmark",
        "epochs",
        "seconds",
        "train_accuracy",
        "validation_accuracy",
        "test_accuracy",
        "loss",
        "samples_per_second",
        "out_dir",
        "seeds",
    ] {
        assert!(
            written.get(key).is_some_and(|value| !value.is_null()),
            "{key}"
        );
    }
    let (shape, _) = array(&trial.path("w_input_hidden_last.npy"));
    assert_eq!(shape, [5 * 20]);
}

#[test]
fn pictures_during_training_are_drawn_when_asked_for() {
    let plots = [
        "TRAINING_PLOT=true",
        "TRAINING_PLOT_INTERVAL=1",
        "FANCY_PLOTS=true",
        "N_EPOCH=1",
    ];
    let trial = Trial::new(Benchmark::YinYang, &plots);
    trial.run(Command::Train).expect("a run");
    let names = trial.names();
    for name in [
        "test_decision_map_e0.png",
        "test_first_spikes_2.svg",
        "test_first_spikes_0_e0.png",
    ] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
}
