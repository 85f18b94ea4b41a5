//! Training, testing, cross-validation, stopping, and what is refused before anything begins.

use eventprop_experiment::run::{Command, Progress};
use eventprop_params::Benchmark;

use crate::{Trial, array, columns};

#[test]
fn test_repeats_the_test_of_the_training_and_touches_no_weights() {
    // f32 weights on the disk are all of what the grid solver has.
    let trial = Trial::new(Benchmark::YinYang, &["SOLVER=grid"]);
    let trained = trial.run(Command::Train).expect("a training");
    let weights = |trial: &Trial| {
        let names = trial.names().into_iter().filter(|name| name.contains("w_"));
        names
            .map(|name| std::fs::read(trial.path(&name)).expect("weights"))
            .collect::<Vec<_>>()
    };
    let before = weights(&trial);
    let results = trial.read("test_results.txt");
    let tested = trial.run(Command::Test).expect("a test");
    assert_eq!(tested.test, trained.test);
    assert_eq!((tested.train, tested.epochs), (None, 0));
    assert_eq!(weights(&trial), before);
    assert_eq!(trial.read("test_results.txt"), results);
    assert_eq!(columns(&trial.read("test_test_results.txt"))[0].len(), 4);
}

#[test]
fn weights_are_chosen_by_validation() {
    let trial = Trial::new(
        Benchmark::YinYang,
        &["N_EPOCH=6", "ETA=0.02", "SELECT=best"],
    );
    let summary = trial.run(Command::Train).expect("a training");
    let lines = trial.read("test_metrics.jsonl");
    let accuracies: Vec<f64> = lines
        .lines()
        .map(|line| {
            let json: serde_json::Value = serde_json::from_str(line).expect("JSON");
            json["evaluation_accuracy"].as_f64().expect("a validation")
        })
        .collect();
    let best = accuracies.iter().copied().fold(0.0, f64::max);
    let first = accuracies.iter().position(|a| *a == best);
    assert_eq!(summary.selected_epoch, first);
    assert_eq!(summary.validation.map(|v| v.accuracy), Some(best));
}

#[test]
fn training_goes_on_from_the_last_weights() {
    let mut trial = Trial::new(
        Benchmark::YinYang,
        &["SOLVER=grid", "N_EPOCH=1", "SELECT=last"],
    );
    trial.run(Command::Train).expect("a training");
    for assignment in ["LOAD_LAST=true", "N_EPOCH=0"] {
        trial.params.assign(assignment).expect(assignment);
    }
    let again = trial.run(Command::Train).expect("no training");
    let tested = trial.run(Command::Test).expect("a test");
    assert_eq!(again.test, tested.test);
}

#[test]
fn cross_validation_holds_out_every_fold() {
    let trial = Trial::new(Benchmark::YinYang, &["N_FOLDS=3", "N_EPOCH=1"]);
    let summary = trial.run(Command::CrossValidate).expect("folds");
    assert_eq!(summary.folds.len(), 3);
    // 192 + 48 samples, each held out once.
    assert_eq!(
        summary.folds.iter().map(|fold| fold.samples).sum::<usize>(),
        240
    );
    assert_eq!(trial.read("test_results.txt").lines().count(), 3);
    assert!(summary.fold_deviation().is_some() && summary.test.is_none());
}

#[test]
fn a_stopped_run_keeps_what_it_has() {
    let trial = Trial::new(Benchmark::YinYang, &[]);
    let stop = |progress: &Progress<'_>| matches!(progress, Progress::Batch(batch) if batch.epoch == 1 && batch.samples_done >= 64);
    let summary = trial.run_until(Command::Train, stop).expect("a clean stop");
    assert!(summary.cancelled);
    assert_eq!((summary.epochs, summary.test), (1, None));
    assert_eq!(trial.read("test_results.txt").lines().count(), 1);
    let names = trial.names();
    for name in [
        "w_input_hidden_last.npy",
        "test_summary.json",
        "test_learning_curve.png",
    ] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
}

/// The samples of the epoch that was left are none of the test's.
#[test]
fn a_run_stopped_amid_an_epoch_does_not_end_before_it() {
    let trial = Trial::new(Benchmark::YinYang, &[]);
    let stop = |progress: &Progress<'_>| matches!(progress, Progress::Batch(batch) if batch.epoch == 1 && batch.samples_done >= 64);
    trial.run_until(Command::Train, stop).expect("a clean stop");
    let refused = trial.resume(&["N_EPOCH=1"], false).expect_err("a refusal");
    assert!(refused.is_usage());
    let told = refused.to_string();
    assert!(told.contains("begun its epoch 2, so N_EPOCH=1"), "{told}");
    let summary = trial
        .resume(&["N_EPOCH=2"], false)
        .expect("the rest of the epoch");
    let whole = Trial::new(Benchmark::YinYang, &["N_EPOCH=2"]);
    let whole = whole.run(Command::Train).expect("two epochs");
    assert_eq!((summary.epochs, summary.test), (2, whole.test));
}

#[test]
fn what_cannot_work_is_refused_before_training() {
    let message = |benchmark, command, assignments: &[&str]| {
        let trial = Trial::new(benchmark, assignments);
        let error = trial.run(command).expect_err("a refusal");
        (error.to_string(), error.is_usage())
    };
    let train = |assignments| message(Benchmark::Mnist, Command::Train, assignments);
    assert_eq!(
        train(&["N_BATCH=251"]),
        (
            "N_BATCH=251 is not possible: there are only 250 training samples; choose a smaller batch or more training samples (N_TRAIN)".into(),
            true
        )
    );
    assert_eq!(
        train(&["N_TRAIN=280", "N_VALIDATE=30"]),
        (
            "N_TRAIN=280 is not possible: with N_VALIDATE=30 it needs 310 images and there are 300; together they can be at most 300".into(),
            true
        )
    );
    assert_eq!(
        train(&["N_TEST=1000"]),
        (
            "N_TEST=1000 is not possible: there are 200 such images; it can be at most 200".into(),
            true
        )
    );
    let (text, usage) = train(&["TRIAL_MS=4"]);
    assert!(
        text.contains("lengthen TRIAL_MS or shorten DT_MS") && usage,
        "{text}"
    );
    let (text, usage) = message(Benchmark::YinYang, Command::Test, &[]);
    assert!(text.contains("there are no weights") && !usage, "{text}");
}

#[test]
fn a_file_in_the_place_of_the_folder_is_refused() {
    let mut trial = Trial::new(Benchmark::YinYang, &[]);
    std::fs::write(trial.path("taken"), "").expect("a file");
    let taken = format!("OUT_DIR={}", trial.path("taken").display());
    trial.params.assign(&taken).expect("a path");
    let error = trial
        .run(Command::Train)
        .expect_err("a refusal")
        .to_string();
    assert!(
        error.contains("a file of this name is in its place"),
        "{error}"
    );
    assert!(
        error.contains("choose another with --out (OUT_DIR)"),
        "{error}"
    );
}

#[test]
fn a_network_of_another_size_does_not_load() {
    let mut trial = Trial::new(Benchmark::YinYang, &["N_EPOCH=1"]);
    trial.run(Command::Train).expect("a training");
    trial.params.assign("NUM_HIDDEN=30").expect("30");
    let error = trial.run(Command::Test).expect_err("a refusal").to_string();
    assert!(
        error.contains("holds 100 weights and the network needs 150"),
        "{error}"
    );
}

#[test]
fn reduced_classes_are_all_there_is() {
    let trial = Trial::new(Benchmark::Mnist, &["REDUCED_CLASSES=[0,1]", "N_EPOCH=1"]);
    let summary = trial.run(Command::Train).expect("a training");
    assert_eq!(summary.test.map(|test| test.samples), Some(40));
    assert_eq!(summary.train.map(|train| train.samples), Some(50));
}

/// With a learning rate of almost nothing, only silent neurons change: all of their weights by exactly
/// the lift (up to the rounding of f32).
#[test]
fn silent_neurons_are_lifted_between_epochs() {
    let weights = |assignments: &[&str]| {
        let quiet = [
            "ETA=1e-30",
            "INPUT_HIDDEN_MEAN=1.3",
            "SOLVER=grid",
            "SELECT=last",
        ];
        let trial = Trial::new(Benchmark::YinYang, &[&quiet, assignments].concat());
        trial.run(Command::Train).expect("a training");
        array(&trial.path("w_input_hidden_last.npy")).1
    };
    let still = weights(&["N_EPOCH=2"]);
    let lifted = weights(&["N_EPOCH=2", "REWIRE_SILENT=true", "REWIRE_LIFT=0.25"]);
    let change = |neuron: usize| -> Vec<f64> {
        let sources = (0..5).map(|source| source * 20 + neuron);
        sources.map(|at| lifted[at] - still[at]).collect()
    };
    let changes: Vec<Vec<f64>> = (0..20).map(change).collect();
    let by = |x: f64| {
        changes
            .iter()
            .filter(|c| c.iter().all(|d| (d - x).abs() < 1e-6))
            .count()
    };
    assert_eq!(by(0.25) + by(0.0), 20, "{changes:?}");
    assert!(by(0.25) > 0 && by(0.0) > 0, "{changes:?}");
    let once = weights(&["N_EPOCH=1", "REWIRE_SILENT=true", "REWIRE_LIFT=0.25"]);
    assert_eq!(once, still, "nothing is rewired after the last epoch");
    let drawn = weights(&["N_EPOCH=2", "REWIRE_SILENT=true"]);
    assert_ne!(drawn, still);
}
