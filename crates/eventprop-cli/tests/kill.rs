//! Real runs are killed at random moments and resumed; what they leave is compared, file by file and bit
//! by bit, with what a run leaves that nobody disturbed.
//!
//! What may differ is time alone: the seconds in results, metrics, summary and state, and how much memory
//! the process had. Everything else, weights, moments, recordings, pictures, must be the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

/// A command and its arguments, without the folder.
struct Case {
    arguments: &'static [&'static str],
    /// Column of the results file that holds seconds.
    seconds: Option<usize>,
}

const YIN_YANG: Case = Case {
    arguments: &[
        "train",
        "yinyang",
        "NUM_HIDDEN=30",
        "N_TRAIN=256",
        "N_VALIDATE=32",
        "N_TEST=32",
        "N_EPOCH=12",
        "INPUT_HIDDEN_MEAN=2.5",
        "HIDDEN_OUTPUT_MEAN=1.5",
        "REC_SPIKES=[\"hidden\"]",
        "W_EPOCH_INTERVAL=4",
        "W_REPORT_INTERVAL=8",
        "LR_EASE_IN_FACTOR=1.05",
        "REWIRE_SILENT=true",
        "MODEL_SEED=1",
        "TRAIN_DATA_SEED=2",
        "TEST_DATA_SEED=3",
        "--checkpoint-every",
        "7",
    ],
    seconds: Some(3),
};

const MNIST: Case = Case {
    arguments: &[
        "train_test",
        "mnist",
        "NUM_HIDDEN=30",
        "N_EPOCH=12",
        "N_BATCH=8",
        "PDROP_INPUT=0.2",
        "ETA_COURSE=one_cycle",
        "AVERAGE_EPOCHS=1",
        "WEIGHT_DECAY=0.1",
        "ETA_RELATIVE=true",
        "DEBUG_HIDDEN_N=true",
        "REC_NEURONS=[[\"hidden\",\"V\"],[\"output\",\"lambda_V\"]]",
        "REC_NEURONS_EPOCH_TRIAL=[[0,0],[5,1],[11,2]]",
        "REC_SYNAPSES=[[\"hid_to_out\",\"w\"]]",
        "REC_SYNAPSES_EPOCH_TRIAL=[[3,1]]",
        "MODEL_SEED=1",
        "TRAIN_DATA_SEED=2",
        "TEST_DATA_SEED=3",
        "--checkpoint-every",
        "3",
    ],
    seconds: None,
};

const FOLDS: Case = Case {
    arguments: &[
        "xval",
        "mnist",
        "NUM_HIDDEN=20",
        "N_EPOCH=4",
        "N_BATCH=8",
        "N_FOLDS=3",
        "MODEL_SEED=1",
        "TRAIN_DATA_SEED=2",
        "TEST_DATA_SEED=3",
        "--checkpoint-every",
        "2",
    ],
    seconds: None,
};

/// Whole numbers that look random.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        // Knuth's multiplier; the upper bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventprop"));
    command
        .args(arguments)
        .args(["--threads", "1", "--quiet"])
        .current_dir(folder)
        .env("EVENTPROP_DATA", folder.join("no-data"))
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join("stderr")).expect("a file"));
    command
}

/// Asserts that a process ended well.
fn check(status: ExitStatus, folder: &Path, killed: usize) {
    let said = || fs::read_to_string(folder.join("stderr")).expect("a file");
    assert!(
        status.success(),
        "after {killed} kills: {status}, {}",
        said()
    );
}

fn begin(folder: &Path, case: &Case) -> Command {
    let mut command = program(folder, case.arguments);
    command.args(["--out", "run"]);
    command
}

/// Lets a process run for a while; its status, if it ended before.
fn ends_within(child: &mut Child, time: Duration) -> Option<ExitStatus> {
    let begin = Instant::now();
    while begin.elapsed() < time {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status);
        }
        sleep(Duration::from_millis(1));
    }
    None
}

/// Runs a case to its end, killing it `kills` times at random moments within `each`.
fn disturbed(folder: &Path, case: &Case, kills: usize, draws: &mut Draws) -> usize {
    let begin_time = Instant::now();
    let straight = begin(folder, case).status().expect("it starts");
    check(straight, folder, 0);
    let whole = begin_time.elapsed();
    fs::rename(folder.join("run"), folder.join("straight")).expect("the folder is there");

    let mut killed = 0;
    let mut child = begin(folder, case).spawn().expect("it starts");
    // Long enough to come forward, short enough to be killed often.
    let most = (whole.as_micros() as u64 / (kills as u64 + 1) * 2).max(20_000);
    while killed < kills {
        let time = Duration::from_micros(draws.below(most));
        if let Some(status) = ends_within(&mut child, time) {
            check(status, folder, killed);
            return killed;
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("it is dead");
        killed += 1;
        let checkpoint = folder.join("run/test_checkpoint.safetensors");
        let previous = folder.join("run/test_checkpoint.previous.safetensors");
        // Killed between its last write and its exit: nothing is left to go on with, and `resume` says so.
        if fs::read(&checkpoint).is_ok_and(|bytes| header_and_state(&bytes).1["finished"] == true) {
            return killed;
        }
        let mut next = if checkpoint.exists() || previous.exists() {
            program(folder, &["resume", "run"])
        } else {
            begin(folder, case)
        };
        child = next.spawn().expect("it starts");
    }
    let status = child.wait().expect("a child");
    check(status, folder, killed);
    killed
}

/// All files of a folder, without times.
fn content(folder: &Path, case: &Case) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder");
    let files = entries.map(|entry| {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        let bytes = fs::read(entry.path()).expect("a file");
        let bytes = without_times(&name, bytes, case);
        (name, bytes)
    });
    // The lock names a process; litter of a killed one and the checkpoint before the last depend on when.
    files
        .filter(|(name, _)| !name.starts_with('.') && !name.contains("previous"))
        .collect()
}

fn without_times(name: &str, bytes: Vec<u8>, case: &Case) -> Vec<u8> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    match name {
        "test_results.txt" => {
            let text = text(bytes);
            let lines = text.lines().map(|line| {
                let columns = line.split(' ').enumerate();
                let kept = columns.filter(|(column, _)| Some(*column) != case.seconds);
                kept.map(|(_, column)| column).collect::<Vec<_>>().join(" ")
            });
            lines.collect::<Vec<_>>().join("\n").into_bytes()
        }
        "test_metrics.jsonl" | "test_report.jsonl" => {
            let text = text(bytes);
            let lines = text.lines().map(|line| json_without_times(line.as_bytes()));
            lines.collect::<Vec<_>>().join("\n").into_bytes()
        }
        "test_summary.json" | "test_report.json" => json_without_times(&bytes).into_bytes(),
        "test_checkpoint.safetensors" => checkpoint_without_times(&bytes),
        _ => bytes,
    }
}

fn json_without_times(bytes: &[u8]) -> String {
    let mut json: Json = serde_json::from_slice(bytes).expect("JSON");
    drop_times(&mut json);
    json.to_string()
}

fn drop_times(json: &mut Json) {
    match json {
        Json::Object(entries) => {
            let times = [
                "seconds",
                "evaluation_seconds",
                "elapsed",
                "elapsed_seconds",
                "samples_per_second",
                "unix_seconds",
                "started_unix_seconds",
                "ended_unix_seconds",
                "memory_peak_bytes",
            ];
            entries.retain(|key, _| !times.contains(&key.as_str()));
            // Lengths of the growing files, in which the seconds have different numbers of digits.
            entries.retain(|key, _| key != "lengths");
            entries.values_mut().for_each(drop_times);
        }
        Json::Array(items) => items.iter_mut().for_each(drop_times),
        _ => {}
    }
}

/// The header of a checkpoint, and the state in it.
fn header_and_state(bytes: &[u8]) -> (Json, Json) {
    let header: Json = serde_json::from_slice(&bytes[8..arrays(bytes)]).expect("JSON");
    let state = header["__metadata__"]["state"].as_str().expect("a string");
    let state = serde_json::from_str(state).expect("JSON");
    (header, state)
}

/// Where the arrays of a checkpoint begin.
fn arrays(bytes: &[u8]) -> usize {
    8 + u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize
}

/// State without times, and all arrays to the last bit.
fn checkpoint_without_times(bytes: &[u8]) -> Vec<u8> {
    let (mut header, mut state) = header_and_state(bytes);
    drop_times(&mut state);
    let metadata = header["__metadata__"].as_object_mut().expect("ours");
    metadata.remove("sha256");
    metadata.insert("state".to_owned(), state);
    let mut content = header.to_string().into_bytes();
    content.extend_from_slice(&bytes[arrays(bytes)..]);
    content
}

fn compare(case: &Case, kills: usize, seed: u64) -> usize {
    let folder = TempDir::new().expect("a folder");
    let mut draws = Draws(seed);
    let killed = disturbed(folder.path(), case, kills, &mut draws);
    let straight = content(&folder.path().join("straight"), case);
    let resumed = content(&folder.path().join("run"), case);
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&resumed), names(&straight), "the same files");
    for (name, bytes) in &straight {
        assert!(
            resumed[name] == *bytes,
            "{name} differs after {killed} kills"
        );
    }
    killed
}

/// Kills a case at least so often as `EVENTPROP_KILLS` says, a few times without it, in several runs.
fn kill(case: &Case, seed: u64) {
    let wanted = std::env::var("EVENTPROP_KILLS").map_or(4, |text| text.parse().expect("a number"));
    let (mut killed, mut seed) = (0, seed);
    while killed < wanted {
        killed += compare(case, (wanted - killed).min(10), seed);
        seed += 1;
    }
}

#[test]
fn a_killed_training_is_the_same() {
    kill(&YIN_YANG, 100);
}

#[test]
fn a_killed_train_test_is_the_same() {
    kill(&MNIST, 200);
}

#[test]
fn a_killed_cross_validation_is_the_same() {
    kill(&FOLDS, 300);
}
