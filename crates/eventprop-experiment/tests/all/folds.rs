//! Cross-validation: each fold's figure comes from that fold.

use eventprop_experiment::run::Command;
use eventprop_params::Benchmark;
use serde_json::Value as Json;

use crate::{Trial, array, columns};

const SMALL: [&str; 4] = [
    "N_TRAIN=200",
    "N_VALIDATE=40",
    "N_EPOCH=2",
    "COLLECT_CONFUSION=true",
];

fn xval(assignments: &[&str]) -> (Trial, eventprop_experiment::run::Summary) {
    let trial = Trial::new(Benchmark::Shd, &[&SMALL, assignments].concat());
    let summary = trial.run(Command::CrossValidate).expect("folds");
    (trial, summary)
}

fn metrics(trial: &Trial) -> Vec<Json> {
    let text = trial.read("test_metrics.jsonl");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines.collect()
}

/// A fold alone gives what it gives among all others, so the figure listed for it is its own; and the
/// lines of the results file belong to the folds in their order.
#[test]
fn a_fold_alone_gives_what_it_gives_among_others() {
    let (trial, all) = xval(&["SPEAKER_LEFT=all"]);
    let folds = all.folds.len();
    // As in SHD, two of the twelve speakers are only in the test file.
    assert_eq!(folds, 10);
    // Every sample of the training file (200 + 40) is held out once.
    assert_eq!(
        all.folds.iter().map(|fold| fold.samples).sum::<usize>(),
        240
    );
    let lines = columns(&trial.read("test_results.txt"));
    let metrics = metrics(&trial);
    assert_eq!([lines.len(), metrics.len()], [2 * folds; 2]);
    for (index, fold) in all.folds.iter().enumerate() {
        let last = 2 * index + 1;
        assert_eq!(lines[last][3], fold.accuracy, "fold {index}");
        assert_eq!(metrics[last]["fold"], index);
        assert_eq!(metrics[last]["held_out"], all.held_out[index].as_str());
        let matrix = array(&trial.path(&format!("test_confusion_eval_fold{index}.npy")));
        assert_eq!(matrix.1.iter().sum::<f64>(), 2.0 * fold.samples as f64);
    }
    let accuracies: Vec<f64> = all.folds.iter().map(|fold| fold.accuracy).collect();
    assert!(
        accuracies.windows(2).any(|pair| pair[0] != pair[1]),
        "{accuracies:?}"
    );
    for place in [7, 2] {
        let (_, alone) = xval(&[&format!("SPEAKER_LEFT={place}")]);
        assert_eq!(alone.folds, [all.folds[place]]);
        assert_eq!(alone.held_out, [all.held_out[place].clone()]);
    }
    let (_, some) = xval(&["SPEAKER_LEFT=[7,2]"]);
    assert_eq!(some.folds, [all.folds[7], all.folds[2]]);
}

/// With the epoch chosen by training accuracy, a fold counts with its own evaluation in that epoch.
#[test]
fn the_epoch_of_a_fold_is_chosen_by_its_own_training() {
    let assignments = [
        "SPEAKER_LEFT=[1,5,9]",
        "CHECKPOINT_BEST=training",
        "N_EPOCH=4",
    ];
    let (trial, summary) = xval(&assignments);
    let metrics = metrics(&trial);
    for (index, fold) in summary.folds.iter().enumerate() {
        let own = metrics.iter().filter(|line| line["fold"] == index);
        let number = |line: &Json, key: &str| line[key].as_f64().expect("a number");
        let mut best: Option<&Json> = None;
        for line in own {
            let train = number(line, "train_accuracy");
            if best.is_none_or(|best| train > number(best, "train_accuracy")) {
                best = Some(line);
            }
        }
        let best = best.expect("epochs");
        assert_eq!(
            number(best, "evaluation_accuracy"),
            fold.accuracy,
            "fold {index}"
        );
    }
}

#[test]
fn without_a_list_all_speakers_are_left_out_and_the_parameters_say_so() {
    let (trial, summary) = xval(&["N_EPOCH=0"]);
    assert_eq!(summary.folds.len(), 0);
    let dumped: Json = serde_json::from_str(&trial.read("test.json")).expect("JSON");
    let all: Json = (0..10).collect::<Vec<i32>>().into();
    assert_eq!(dumped["SPEAKER_LEFT"], all);
}

#[test]
fn folds_may_also_be_dealt_out_at_random() {
    let (_, summary) = xval(&["N_FOLDS=3", "N_EPOCH=1"]);
    assert_eq!(summary.folds.len(), 3);
    assert_eq!(
        summary.folds.iter().map(|fold| fold.samples).sum::<usize>(),
        240
    );
}
