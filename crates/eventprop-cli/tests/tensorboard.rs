//! `--tensorboard`: the files are read back by TensorBoard itself, where Python has it.
//!
//! `EVENTPROP_TEST_PYTHON` names a Python with the package `tensorboard`; without it `python3` is
//! tried.

use std::path::Path;
use std::process::Command;

/// Prints every tag, the steps of its values, and the values.
const READ: &str = r#"
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "histograms": 0})
events.Reload()
tags = events.Tags()
for tag in tags["scalars"]:
    print(tag, *[f"{e.step}:{e.value:.9g}" for e in events.Scalars(tag)])
for tag in tags["histograms"]:
    for e in events.Histograms(tag):
        h = e.histogram_value
        print(tag, e.step, len(h.bucket), f"{sum(h.bucket):.0f} {h.num:.0f} {h.min <= h.max}")
"#;

fn python() -> Option<String> {
    let python = std::env::var("EVENTPROP_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let tried = Command::new(&python)
        .args(["-c", "import tensorboard"])
        .output();
    tried.is_ok_and(|t| t.status.success()).then_some(python)
}

fn train(folder: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_eventprop"))
        .args(["train", "yinyang", "--tensorboard", "--quiet", "--out"])
        .arg(folder)
        .args(["NUM_HIDDEN=20", "N_TRAIN=64", "N_VALIDATE=16", "N_TEST=16"])
        .args([
            "N_EPOCH=3",
            "INPUT_HIDDEN_MEAN=2.5",
            "HIDDEN_OUTPUT_MEAN=1.5",
        ])
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn tensorboard_reads_what_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    train(folder.path());
    let files = folder.path().join("tensorboard/yinyang");
    let names: Vec<_> = std::fs::read_dir(&files).expect("a folder").collect();
    assert_eq!(names.len(), 1);
    let Some(python) = python() else {
        #[allow(clippy::print_stdout)] // a test that does nothing says so
        {
            println!("skipped: no Python with the package tensorboard (EVENTPROP_TEST_PYTHON)");
        }
        return;
    };
    let read = Command::new(python)
        .args(["-c", READ])
        .arg(&files)
        .output()
        .expect("Python starts");
    let text = String::from_utf8(read.stdout).expect("UTF-8");
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    let metrics = std::fs::read_to_string(folder.path().join("yinyang_metrics.jsonl"));
    let losses: Vec<String> = metrics
        .expect("metrics")
        .lines()
        .enumerate()
        .map(|(epoch, line)| {
            let json: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let loss = json["train_loss"].as_f64().expect("a loss") as f32;
            format!("{}:{}", epoch + 1, nine_digits(loss))
        })
        .collect();
    let line = text.lines().find(|l| l.starts_with("loss/training "));
    let line = line.unwrap_or_else(|| panic!("no training loss in {text}"));
    let found: Vec<String> = line.split(' ').skip(1).map(rounded).collect();
    assert_eq!(found, losses);
    for tag in [
        "accuracy/test",
        "silent_share/hidden",
        "machine/seconds_per_epoch",
    ] {
        assert!(
            text.contains(&format!("\n{tag} ")),
            "{tag} is missing in {text}"
        );
    }
    // 4 inputs and a bias to 20 hidden neurons.
    assert!(
        text.contains("parameters/input_to_hidden 3 48 100 100 True"),
        "{text}"
    );
}

/// A value as both sides write it: single precision, nine digits.
fn nine_digits(x: f32) -> String {
    format!("{:.8e}", f64::from(x))
}

/// `step:value` with the value as [`nine_digits`] writes it.
fn rounded(pair: &str) -> String {
    let (step, value) = pair.split_once(':').expect("step:value");
    let value: f32 = value.parse().expect("a number");
    format!("{step}:{}", nine_digits(value))
}
