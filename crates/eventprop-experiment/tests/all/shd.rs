//! SHD on synthetic samples: every kind of network and loss, files, choice of an epoch, what is
//! refused.

use eventprop_experiment::run::{Command, Progress, RunError};
use eventprop_params::{Benchmark, Parameters};

use crate::{Trial, array, columns};

fn shd(assignments: &[&str]) -> Trial {
    Trial::new(Benchmark::Shd, assignments)
}

/// All combinations that `genn_eventprop` takes silently for something else train, with every number
/// finite.
#[test]
fn neurons_regularisers_noise_and_trained_constants_combine() {
    let hidden = ["LIF", "hetLIF", "ALIF"].map(|kind| format!("HIDDEN_NEURON_TYPE={kind}"));
    let losses = ["sum_weigh_exp", "max", "first_spike_exp"].map(|l| format!("LOSS_TYPE={l}"));
    for (turn, kind) in hidden.iter().enumerate() {
        for reg in ["REG_TYPE=none", "REG_TYPE=simple", "REG_TYPE=Thomas1"] {
            let loss = losses[turn].as_str();
            let trial = shd(&[
                kind,
                reg,
                loss,
                "OUTPUT_NEURON_TYPE=hetLI",
                "TRAIN_TAU=true",
                "TRAIN_TAU_OUTPUT=true",
                "HIDDEN_NOISE=0.01",
                "PDROP_HIDDEN=0.1",
                "RECURRENT=true",
                "DEBUG_HIDDEN_N=true",
                "HIDDEN_OUTPUT_MEAN=0.5",
                "N_EPOCH=1",
                "TAU_OUTPUT_EPOCH_TRIAL=[[0,0]]",
            ]);
            let summary = trial.run(Command::Train).expect(kind);
            assert!(summary.train.expect("trained").loss.is_finite());
            for name in [
                "taum_hidden0",
                "tausyn_hidden0",
                "taum_output",
                "tausyn_output",
            ] {
                let after = array(&trial.path(&format!("test_{name}_last.npy"))).1;
                let dumped = name.replace("taum", "tau_m").replace("tausyn", "tau_syn");
                let first = array(&trial.path(&format!("test_{dumped}_e0_t0.npy"))).1;
                assert_ne!(after, first, "{kind} {reg} {loss}: {name} is not trained");
                let least = if name.starts_with("taum") { 3.0 } else { 1.0 };
                assert!(after.iter().all(|tau| tau.is_finite() && *tau >= least));
            }
        }
    }
}

#[test]
fn every_loss_trains() {
    let mut rows = Benchmark::Shd.rows().iter();
    let row = rows.find(|row| row.key == "LOSS_TYPE").expect("a loss");
    let eventprop_params::Kind::Choice(losses) = row.kind else {
        panic!("losses are a choice");
    };
    for loss in losses {
        let loss = format!("LOSS_TYPE={loss}");
        let trial = shd(&[&loss, "HIDDEN_OUTPUT_MEAN=0.5", "N_EPOCH=1"]);
        let summary = trial.run(Command::Train).expect(&loss);
        let found = summary.train.expect("trained").loss;
        assert!(found.is_finite() && found > 0.0, "{loss}");
    }
}

#[test]
fn two_recurrent_layers_have_the_files_and_columns_of_the_reference() {
    let trial = shd(&[
        "N_HID_LAYER=2",
        "RECURRENT=true",
        "DEBUG_HIDDEN_N=true",
        "CHECKPOINT_BEST=validation",
        "W_OUTPUT_EPOCH_TRIAL=[[1,2]]",
        "COLLECT_CONFUSION=true",
        "REC_PREDICTIONS=true",
        "REC_SPIKES=[input,hidden0,hidden1]",
        "REC_SPIKES_EPOCH_TRIAL=[[0,0]]",
        "HIDDEN_HIDDENFWD_MEAN=1.5",
    ]);
    let summary = trial.run(Command::Train).expect("a run");
    let lines = columns(&trial.read("test_results.txt"));
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.len() == 5 + 2 * 9 + 1));
    assert!(lines[1][23] > lines[0][23], "seconds since the start grow");
    let best = columns(&trial.read("test_best.txt"));
    let epoch = summary.selected_epoch.expect("chosen");
    assert_eq!(best, [lines[epoch].clone()]);
    assert_eq!(
        summary.validation.map(|v| v.accuracy),
        Some(lines[epoch][3])
    );
    for (name, len) in [
        ("w_input_hidden_last", 700 * 16),
        ("w_hidden0_hidden0_last", 256),
        ("w_hidden0_hidden1_best", 256),
        ("w_hidden1_hidden1_last", 256),
        ("w_hidden_output_best", 16 * 20),
        ("w_hidden_hidden1_e1_t2", 256),
        ("w_hidden0_hidden1_e1_t2", 256),
    ] {
        assert_eq!(
            array(&trial.path(&format!("test_{name}.npy"))).0,
            [len],
            "{name}"
        );
    }
    let (shape, matrix) = array(&trial.path("test_confusion_train.npy"));
    assert_eq!(shape, [2, 20, 20]);
    assert_eq!(matrix.iter().sum::<f64>(), 2.0 * 48.0);
    let right: f64 = (0..20).map(|class| matrix[400 + class * 21]).sum();
    assert_eq!(right / 48.0, summary.train.expect("trained").accuracy);
    assert_eq!(array(&trial.path("test_predictions_eval.npy")).0, [2, 24]);
    assert_eq!(array(&trial.path("test_labels_test.npy")).0, [1, 40]);
    let times = array(&trial.path("test_hidden1_spike_t.npy")).1;
    assert!(!times.is_empty() && times.iter().all(|t| *t < 12.0 * 600.0));
}

/// Weights, delays, drawn and trained constants come back: the test of a later run, under another seed, is the
/// one at the end of training.
#[test]
fn test_repeats_the_test_of_the_training_with_all_constants() {
    for more in [
        &["TRAIN_TAU=true"][..],
        &["TRAIN_TAU=false"],
        &["TRAIN_DELAY=true", "DELAY_SPREAD=90", "ETA_DELAY=5"],
        &[
            "INPUT_HIDDEN_WIRING=probability:0.1",
            "HIDDEN_OUTPUT_WIRING=fan_in:5",
            "DEEP_R=0.5",
        ],
    ] {
        let het = ["HIDDEN_NEURON_TYPE=hetLIF", "OUTPUT_NEURON_TYPE=hetLI"];
        let mut trial = shd(&[&het[..], more, &["CHECKPOINT_BEST=training"]].concat());
        let trained = trial.run(Command::Train).expect("a training");
        trial.params.assign("MODEL_SEED=77").expect("a seed");
        let tested = trial.run(Command::Test).expect("a test");
        assert_eq!(tested.test, trained.test);
        for assignment in ["NAME=other", "CHECKPOINT_NAME=test", "LOAD_BEST=true"] {
            trial.params.assign(assignment).expect(assignment);
        }
        let tested = trial.run(Command::Test).expect("a test");
        assert_eq!(tested.test, trained.test);
        assert_eq!(columns(&trial.read("other_test_results.txt"))[0].len(), 6);
    }
}

#[test]
fn delayed_copies_have_weights_of_their_own() {
    let trial = shd(&[
        "N_INPUT_DELAY=3",
        "INPUT_DELAY=25",
        "REC_SPIKES=[input]",
        "REC_SPIKES_EPOCH_TRIAL=[[0,4]]",
    ]);
    trial.run(Command::Train).expect("a run");
    let shape = array(&trial.path("test_w_input_hidden_last.npy")).0;
    assert_eq!(shape, [4 * 700 * 16]);
    // Trial 4 is the first of validation, without dropout: 12 samples from 48 · 600 ms on.
    let times = array(&trial.path("test_input_spike_t.npy")).1;
    let neurons = array(&trial.path("test_input_spike_ID.npy")).1;
    let copy = |copy: f64| {
        let pairs = times.iter().zip(&neurons);
        let of = pairs.filter(move |(_, n)| (*n / 700.0).floor() == copy);
        of.map(|(t, n)| (*t, n % 700.0)).collect::<Vec<_>>()
    };
    let first = copy(0.0);
    // 25 ms are 2.5 steps: the copy is sent at the first step that is not before it.
    let in_trial = |t: f64| (t / 600.0).floor();
    let mut delayed: Vec<(f64, f64)> = first
        .iter()
        .map(|&(t, n)| (t + 30.0, n))
        .filter(|&(t, _)| in_trial(t) == in_trial(t - 30.0))
        .collect();
    let mut found = copy(1.0);
    for list in [&mut delayed, &mut found] {
        list.sort_by(|x, y| x.partial_cmp(y).expect("finite"));
    }
    assert!(first.len() > 1000);
    assert_eq!(found, delayed);
}

#[test]
fn blends_extend_an_epoch_and_balancing_shortens_it() {
    let samples = |assignments: &[&str]| {
        let trial = shd(assignments);
        let summary = trial.run(Command::TrainTest).expect("a run");
        (
            summary.train.expect("trained").samples,
            summary.test.expect("tested").samples,
        )
    };
    // train_test takes the whole training file: 48 + 24 samples.
    assert_eq!(samples(&["N_EPOCH=1"]), (72, 40));
    let blend = "AUGMENTATION={random_shift:10,blend:[0.5,0.5]}";
    assert_eq!(
        samples(&["N_EPOCH=1", "N_TRAIN=76", "N_VALIDATE=0", blend]).0,
        76
    );
    // Of 20 classes the 72 samples have 3 or 4.
    let balanced = [
        "N_EPOCH=1",
        "BALANCE_TRAIN_CLASSES=true",
        "BALANCE_EVAL_CLASSES=true",
    ];
    assert_eq!(samples(&balanced), (60, 40));
    let reduced = ["N_EPOCH=1", "REDUCED_CLASSES=[3,4,5]"];
    assert_eq!(samples(&reduced), (12, 6));
}

#[test]
fn the_epoch_is_chosen_by_the_test_only_when_that_is_allowed_and_it_is_said() {
    let trial = shd(&["CHECKPOINT_BEST=validation"]);
    for command in [Command::TrainTest, Command::CrossValidate] {
        let error = trial.run(command).expect_err("a refusal");
        assert!(error.is_usage());
        assert_eq!(
            error.to_string(),
            "CHECKPOINT_BEST=validation is not possible: the samples that would choose the epoch are those that are tested; choose by training, or allow it with SELECT_ON_TEST=true"
        );
    }
    let trial = shd(&[
        "CHECKPOINT_BEST=validation",
        "SELECT_ON_TEST=true",
        "N_EPOCH=3",
    ]);
    let mut told = false;
    let hear = |progress: &Progress<'_>| {
        told |= matches!(progress, Progress::Notice(text) if text.contains("SELECT_ON_TEST"));
        false
    };
    let summary = trial.run_until(Command::TrainTest, hear).expect("a run");
    assert!(told && summary.selected_on_test);
    assert_eq!(summary.to_json()["selected_on_test"], true);
    let lines = columns(&trial.read("test_results.txt"));
    let best = lines.iter().map(|line| line[3]).fold(0.0, f64::max);
    assert_eq!(summary.test.map(|test| test.accuracy), Some(best));
}

/// The published way: the epoch with the best training accuracy is tested, once.
#[test]
fn train_test_tests_the_epoch_with_the_best_training_accuracy() {
    let trial = shd(&["CHECKPOINT_BEST=training", "N_EPOCH=4", "ETA=5e-3"]);
    let summary = trial.run(Command::TrainTest).expect("a run");
    let lines = columns(&trial.read("test_results.txt"));
    let epoch = summary.selected_epoch.expect("chosen");
    let best = lines.iter().map(|line| line[1]).fold(0.0, f64::max);
    assert_eq!(lines[epoch][1], best);
    assert!(
        lines.iter().all(|line| line[3] == 0.0),
        "tested once, at the end"
    );
    let text = columns(&trial.read("test_best.txt"));
    let test = summary.test.expect("tested");
    assert_eq!(
        text[0][..5],
        [
            epoch as f64,
            best,
            lines[epoch][2],
            test.accuracy,
            test.loss
        ]
    );
    assert!(!summary.selected_on_test);
}

#[test]
fn all_weights_are_lifted_in_every_epoch_as_in_the_reference() {
    let weights = |assignments: &[&str]| {
        let quiet = ["ETA=1e-30", "N_EPOCH=3"];
        let trial = shd(&[&quiet, assignments].concat());
        trial.run(Command::Train).expect("a training");
        array(&trial.path("test_w_input_hidden_last.npy")).1
    };
    let still = weights(&[]);
    let lift = [
        "REWIRE_SILENT=true",
        "REWIRE_LIFT=0.25",
        "REWIRE_LIFT_ALL=true",
    ];
    let lifted = weights(&lift);
    // Before the second and the third epoch; f32 weights of order 1.
    for (before, after) in still.iter().zip(&lifted) {
        assert!((after - before - 0.5).abs() < 1e-6, "{before} {after}");
    }
}

#[test]
fn frozen_weights_stay_and_everything_else_learns() {
    let learned = |assignments: &[&str]| {
        let dump = [
            "RECURRENT=true",
            "W_OUTPUT_EPOCH_TRIAL=[[0,0]]",
            "N_EPOCH=1",
        ];
        let trial = shd(&[&dump, assignments].concat());
        trial.run(Command::Train).expect("a training");
        let pairs = [
            ("w_input_hidden", "w_input_hidden"),
            ("w_hidden_hidden0", "w_hidden0_hidden0"),
            ("w_hidden_output", "w_hidden_output"),
        ];
        pairs.map(|(dumped, saved)| {
            let first = array(&trial.path(&format!("test_{dumped}_e0_t0.npy"))).1;
            first != array(&trial.path(&format!("test_{saved}_last.npy"))).1
        })
    };
    assert_eq!(learned(&[]), [true, true, true]);
    assert_eq!(learned(&["TRAIN_W=false"]), [false, false, true]);
    assert_eq!(learned(&["TRAIN_W_OUTPUT=false"]), [true, true, false]);
}

#[test]
fn what_the_data_cannot_give_is_refused() {
    let message = |command, assignments: &[&str]| {
        let error = shd(assignments).run(command).expect_err("a refusal");
        (error.to_string(), error.is_usage())
    };
    let (text, usage) = message(Command::Train, &["EVALUATION=speaker", "SPEAKER_LEFT=40"]);
    assert!(
        text.starts_with("SPEAKER_LEFT=40 is not possible: there is no speaker 40;"),
        "{text}"
    );
    assert!(usage);
    let (text, _) = message(
        Command::Train,
        &["N_VALIDATE=100", "N_TRAIN=1", "N_BATCH=2"],
    );
    assert!(text.contains("there are only 1 training samples"), "{text}");
    let (text, _) = message(Command::CrossValidate, &["LOAD_LAST=true"]);
    assert!(
        text.contains("every fold starts from new weights"),
        "{text}"
    );
}

#[test]
fn without_data_a_demonstration_runs_and_says_so() {
    let mut params = Parameters::new(Benchmark::Shd);
    for assignment in ["DT_MS=20", "TRIAL_MS=600", "NUM_HIDDEN=8", "N_EPOCH=1"] {
        params.assign(assignment).expect(assignment);
    }
    let mut trial = shd(&[]);
    let folder = params.assign(&format!("OUT_DIR={}", trial.path("").display()));
    folder.expect("a folder");
    params.draw_seeds(|| 5);
    trial.params = params;
    let mut told = String::new();
    let hear = |progress: &Progress<'_>| {
        if let Progress::Notice(text) = progress {
            told.push_str(text);
        }
        false
    };
    let summary = trial
        .run_until(Command::Train, hear)
        .expect("a demonstration");
    assert!(summary.demonstration);
    assert_eq!(summary.test.map(|test| test.samples), Some(100));
    for word in [
        "DEMONSTRATION",
        "synthetic",
        "eventprop data fetch shd",
        "shd-like",
    ] {
        assert!(told.contains(word), "{told}");
    }
    // The run is repeated from its parameters.
    let written = Parameters::new(Benchmark::Shd).read(&trial.path("test.json"));
    assert!(written.is_ok());
}

#[test]
fn a_folder_without_the_files_is_an_error_when_it_was_named() {
    let mut trial = shd(&[]);
    trial.params.assign("DATA_SET=SHD").expect("SHD");
    let error: RunError = trial
        .run_in_named_folder(Command::Train)
        .expect_err("a refusal");
    assert!(!error.is_usage());
    assert!(error.to_string().contains("shd_t"), "{error}");
}
