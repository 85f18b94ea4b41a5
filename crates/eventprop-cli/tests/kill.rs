//! Real runs are killed at random moments and resumed; what they leave is compared, file by file and bit
//! by bit, with what a run leaves that nobody disturbed.

mod left;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use left::{Draws, content, header_and_state};

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
        "REC_FIRST_SPIKES=true",
        "W_EPOCH_INTERVAL=4",
        "W_REPORT_INTERVAL=8",
        "LR_EASE_IN_FACTOR=1.05",
        "REWIRE_SILENT=true",
        "NAME=test",
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
        "NAME=test",
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
        "NAME=test",
        "MODEL_SEED=1",
        "TRAIN_DATA_SEED=2",
        "TEST_DATA_SEED=3",
        "--checkpoint-every",
        "2",
    ],
    seconds: None,
};

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

fn compare(case: &Case, kills: usize, seed: u64) -> usize {
    let folder = TempDir::new().expect("a folder");
    let mut draws = Draws(seed);
    let killed = disturbed(folder.path(), case, kills, &mut draws);
    let straight = content(&folder.path().join("straight"), case.seconds);
    let resumed = content(&folder.path().join("run"), case.seconds);
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
