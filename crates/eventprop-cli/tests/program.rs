//! The program as its users meet it: exit codes, messages, files.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value as Json;
use tempfile::TempDir;

const SMALL: [&str; 7] = [
    "NUM_HIDDEN=20",
    "N_TRAIN=64",
    "N_VALIDATE=16",
    "N_TEST=16",
    "N_EPOCH=2",
    "INPUT_HIDDEN_MEAN=2.5",
    "HIDDEN_OUTPUT_MEAN=1.5",
];

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The program in a folder, without data.
fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventprop"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("EVENTPROP_DATA", folder.join("no-data"))
        .env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// Exit code and standard error.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let folder = folder();
    let output = run(folder.path(), arguments);
    assert!(!folder.path().join("runs").exists(), "{arguments:?} began");
    (output.status.code(), text(&output.stderr).to_owned())
}

/// The last line of standard output as JSON.
fn last_json(output: &Output) -> Json {
    let out = text(&output.stdout);
    serde_json::from_str(out.lines().last().expect("a line")).expect("JSON")
}

#[test]
fn without_arguments_it_says_what_to_try_first() {
    let output = run(folder().path(), &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("eventprop train yinyang"));
}

#[test]
fn training_writes_to_runs_and_prints_one_json_object() {
    let folder = folder();
    let train = [
        "train",
        "yinyang",
        "--json",
        "--seed",
        "3",
        "--threads",
        "1",
    ];
    let output = run(folder.path(), &[&train[..], &SMALL].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 1);
    let json = last_json(&output);
    assert_eq!(json["benchmark"], "yinyang");
    assert_eq!(json["seeds"]["MODEL_SEED"], 3);
    assert_eq!(json["epochs"], 2);
    assert!(
        json["test_accuracy"]
            .as_f64()
            .is_some_and(|x| (0.0..=1.0).contains(&x))
    );
    assert!(
        folder
            .path()
            .join("runs/yinyang-test/test_decision_map.png")
            .is_file()
    );
    let progress = text(&output.stderr);
    assert!(
        progress.contains("epoch   2/2") && progress.contains("MODEL_SEED=3"),
        "{progress}"
    );

    let test = run(
        folder.path(),
        &[&["test", "yinyang", "--json"], &SMALL[..]].concat(),
    );
    assert_eq!(test.status.code(), Some(0), "{}", text(&test.stderr));
    assert!(last_json(&test)["train_accuracy"].is_null());
}

#[test]
fn a_run_is_repeated_from_its_parameter_file() {
    let folder = folder();
    let first = run(
        folder.path(),
        &[&["train", "yinyang", "--json", "--out", "a"], &SMALL[..]].concat(),
    );
    let again = run(
        folder.path(),
        &[
            "train",
            "yinyang",
            "--json",
            "--params",
            "a/test.json",
            "--out",
            "b",
        ],
    );
    let [first, again] = [first, again].map(|output| last_json(&output));
    assert_eq!(first["seeds"], again["seeds"]);
    assert_eq!(first["loss"], again["loss"]);
    assert_eq!(first["test_accuracy"], again["test_accuracy"]);
}

#[test]
fn people_get_lines_and_a_summary() {
    let folder = folder();
    let arguments = [
        &["train", "yinyang", "--out", "here", "--name", "mine"],
        &SMALL[..],
    ]
    .concat();
    let output = run(folder.path(), &arguments);
    let out = text(&output.stdout);
    for wanted in [
        "yinyang 5-20-3",
        "epoch   1/2",
        "spikes/neuron",
        "test accuracy",
        "mine_decision_map.png",
    ] {
        assert!(out.contains(wanted), "{wanted}: {out}");
    }
    let quiet = run(folder.path(), &[&arguments[..], &["--quiet"]].concat());
    assert_eq!(text(&quiet.stdout).lines().count(), 1);
    assert!(quiet.stderr.is_empty(), "{}", text(&quiet.stderr));
}

#[test]
fn mnist_without_data_is_a_demonstration_and_says_so() {
    let folder = folder();
    let output = run(
        folder.path(),
        &["train", "mnist", "NUM_HIDDEN=10", "N_EPOCH=1", "--json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let notes = text(&output.stderr);
    assert!(
        notes.contains("DEMONSTRATION") && notes.contains("eventprop data fetch mnist"),
        "{notes}"
    );
    assert_eq!(last_json(&output)["demonstration"], true);

    let named = run(folder.path(), &["train", "mnist", "--data-dir", "nowhere"]);
    assert_eq!(named.status.code(), Some(1));
    assert!(
        text(&named.stderr).contains("nowhere"),
        "{}",
        text(&named.stderr)
    );
}

#[test]
fn wrong_parameters_end_with_2_and_one_message() {
    for (arguments, message) in [
        (
            &["train", "yinyang", "NUM_HIDEN=3"][..],
            "did you mean NUM_HIDDEN?",
        ),
        (
            &["train", "yinyang", "NUM_HIDDEN=0"],
            "a whole number of at least 1",
        ),
        (&["train", "yinyang", "NUM_HIDDEN"], "write KEY=VALUE"),
        (
            &["train", "yinyang", "--preset", "best"],
            "there are published-data, reference, wunderlich2021, genn",
        ),
        (
            &["train", "yinyang", "--params", "absent.json"],
            "absent.json cannot be read",
        ),
        (&["train", "yingyang"], "choose one of yinyang, mnist"),
        (&["train", "yinyang", "--threads", "0"], "threads"),
        (&["data", "fetch", "cifar"], "known are mnist, yin_yang"),
    ] {
        let (code, error) = refused(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert_eq!(error.matches("error:").count(), 1, "{error}");
    }
}

#[test]
fn what_fails_ends_with_1() {
    let (code, error) = refused(&["test", "yinyang", "--out", "empty"]);
    assert_eq!(code, Some(1), "{error}");
    assert!(
        error.contains("train first with the same NAME and output folder"),
        "{error}"
    );

    let folder = folder();
    std::fs::write(folder.path().join("taken"), "").expect("a file");
    let output = run(
        folder.path(),
        &["train", "yinyang", "--out", "taken", "--json"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("a file of this name is in its place"));
    assert_eq!(last_json(&output)["exit_code"], 1);
}

#[test]
fn parameters_are_listed_for_people_and_programs() {
    let folder = folder();
    let table = run(folder.path(), &["params", "mnist"]);
    assert!(text(&table.stdout).contains("PDROP_INPUT"));
    let json = last_json(&run(folder.path(), &["params", "yinyang", "--json"]));
    let keys: Vec<&Json> = json["parameters"]
        .as_array()
        .expect("rows")
        .iter()
        .collect();
    assert!(
        keys.iter()
            .any(|row| row["key"] == "NUM_HIDDEN" && row["default"] == "200")
    );
}

#[test]
fn data_sets_are_listed_described_and_verified() {
    let folder = folder();
    let json = last_json(&run(folder.path(), &["data", "list", "--json"]));
    assert_eq!(json["datasets"][0]["name"], "mnist");
    assert!(json["datasets"][0]["folder"].is_null());
    let info = last_json(&run(folder.path(), &["data", "info", "yin_yang", "--json"]));
    assert_eq!(info["parts"][0]["samples"], 5000);
    let verify = run(folder.path(), &["data", "verify", "mnist"]);
    assert_eq!(verify.status.code(), Some(1));
    assert!(
        text(&verify.stderr).contains("missing"),
        "{}",
        text(&verify.stderr)
    );
}

/// A run that is told to terminate stops after its batch, writes what it has and ends with 130.
#[cfg(unix)]
#[test]
fn a_signal_stops_a_run_cleanly() {
    let folder = folder();
    let train = [
        "train",
        "yinyang",
        "N_EPOCH=1000000",
        "N_TRAIN=32",
        "NUM_HIDDEN=10",
        "--json",
    ];
    let child = program(folder.path(), &train)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let results = folder.path().join("runs/yinyang-test/test_results.txt");
    while !results.is_file() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let id = child.id().to_string();
    let killed = Command::new("kill")
        .args(["-INT", &id])
        .status()
        .expect("kill");
    assert!(killed.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let json = last_json(&output);
    assert_eq!(json["cancelled"], true);
    assert!(
        folder
            .path()
            .join("runs/yinyang-test/w_input_hidden_last.npy")
            .is_file()
    );
    let lines = std::fs::read_to_string(&results).expect("results");
    assert!(
        lines.ends_with('\n')
            && lines.lines().count() as u64 == json["epochs"].as_u64().expect("epochs")
    );
}
