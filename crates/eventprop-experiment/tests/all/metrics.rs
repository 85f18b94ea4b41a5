//! Metrics, and the files that the report is drawn from.

use eventprop_experiment::run::Command;
use eventprop_params::Benchmark;
use serde_json::Value as Json;

use super::Trial;

fn lines(text: &str) -> Vec<Json> {
    let line = |line: &str| serde_json::from_str(line).expect("JSON");
    text.lines().map(line).collect()
}

fn sum(list: &Json) -> u64 {
    let numbers = list.as_array().expect("a list").iter();
    numbers.map(|n| n.as_u64().expect("a count")).sum()
}

fn count(list: &Json) -> usize {
    list.as_array().expect("a list").len()
}

#[test]
fn metrics_hold_what_can_be_plotted() {
    let trial = Trial::new(Benchmark::YinYang, &[]);
    trial.run(Command::Train).expect("a run");
    let metrics = lines(&trial.read("test_metrics.jsonl"));
    assert_eq!(metrics.len(), 2);
    for line in &metrics {
        for key in [
            "eta",
            "train_loss",
            "train_accuracy",
            "evaluation_loss",
            "evaluation_accuracy",
            "seconds",
            "evaluation_seconds",
            "unix_seconds",
            "spikes_per_neuron",
            "silent",
            "saturated",
            "grazing",
            "grazing_outputs",
        ] {
            assert!(line[key].is_number(), "{key} in {line}");
        }
        assert!(line["gradient_norms"]["input->hidden"]["mean"].as_f64() > Some(0.0));
        assert_eq!(line["layers"][0]["neurons"], 20);
    }
}

/// The counts of the detail lines add up to the samples, the weights and the spikes of the metrics.
#[test]
fn details_add_up() {
    let trial = Trial::new(Benchmark::YinYang, &[]);
    trial.run(Command::Train).expect("a run");
    let metrics = lines(&trial.read("test_metrics.jsonl"));
    let details = lines(&trial.read("test_report.jsonl"));
    assert_eq!(details.len(), 2);
    for (line, metric) in details.iter().zip(&metrics) {
        let matrix = line["evaluation"]["confusion"]
            .as_array()
            .expect("a matrix");
        // 16 N_VALIDATE stands for three samples each.
        assert_eq!(matrix.iter().map(sum).sum::<u64>(), 48);
        let right: u64 = (0..3)
            .map(|c| matrix[c][c].as_u64().expect("a count"))
            .sum();
        let accuracy = metric["evaluation_accuracy"].as_f64().expect("an accuracy");
        assert_eq!(right as f64 / 48.0, accuracy);
        assert_eq!(sum(&line["parameters"]["input->hidden"]["counts"]), 100);
        let hidden = &line["populations"][1];
        let rate = sum(&hidden["spikes"]) as f64 / (20.0 * 192.0);
        assert!((rate - metric["spikes_per_neuron"].as_f64().expect("a rate")).abs() < 1e-12);
    }
}

#[test]
fn the_dossier_is_whole_at_the_end_and_there_from_the_beginning() {
    let trial = Trial::new(Benchmark::YinYang, &["SOLVER=event"]);
    let mut early = Json::Null;
    let path = trial.path("test_report.json");
    trial
        .run_until(Command::Train, |_| {
            if let (Json::Null, Ok(text)) = (&early, std::fs::read_to_string(&path)) {
                early = serde_json::from_str(&text).expect("JSON");
            }
            false
        })
        .expect("a run");
    assert_eq!(early["state"], "running");
    let end: Json = serde_json::from_str(&trial.read("test_report.json")).expect("JSON");
    assert_eq!(end["state"], "done");
    assert_eq!(end["selection"], "best validation accuracy");
    assert_eq!(end["evaluated"]["part"], "test");
    let recordings = end["recordings"].as_array().expect("recordings");
    assert!((1..=6).contains(&recordings.len()));
    for recording in recordings {
        assert_eq!(count(&recording["spikes"]), 3);
        assert_eq!(
            count(&recording["traces"]),
            3 + 3,
            "hidden neurons and outputs"
        );
    }
    assert!(end["environment"]["threads"].as_u64() > Some(0));
    assert_ne!(end["parameters_at_start"], end["parameters_at_end"]);
}

#[test]
fn a_stopped_run_says_so_and_folds_are_told_apart() {
    let trial = Trial::new(Benchmark::YinYang, &["N_EPOCH=9"]);
    let summary = trial.run_until(Command::Train, |progress| {
        matches!(progress, eventprop_experiment::run::Progress::Epoch(_))
    });
    assert!(summary.expect("a stopped run").cancelled);
    let end: Json = serde_json::from_str(&trial.read("test_report.json")).expect("JSON");
    assert_eq!(
        (&end["state"], &end["evaluated"]["part"]),
        (&"stopped".into(), &"validation".into())
    );

    let folds = Trial::new(Benchmark::YinYang, &["N_FOLDS=2", "N_EPOCH=1"]);
    folds
        .run(Command::CrossValidate)
        .expect("a cross-validation");
    let details = lines(&folds.read("test_report.jsonl"));
    let numbers: Vec<u64> = details.iter().filter_map(|l| l["fold"].as_u64()).collect();
    assert_eq!(numbers, [0, 1]);
}
