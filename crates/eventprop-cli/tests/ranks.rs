//! Runs of several ranks under `mpirun`, compared file by file and bit by bit with runs of one process; and what
//! happens when one of them is stopped, killed, short of disk or started otherwise than the rest.

mod left;

use std::collections::BTreeMap;
use std::fs;
use std::iter;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

use left::{Draws, content};

/// Longer than any run here takes on a busy machine: what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(180);

/// Between events, whose samples are summed one by one; the recorded trials are not shared.
const YIN_YANG: &[&str] = &[
    "train",
    "yinyang",
    "NAME=test",
    "NUM_HIDDEN=30",
    "N_TRAIN=128",
    "N_VALIDATE=32",
    "N_TEST=32",
    "N_EPOCH=4",
    "N_BATCH=32",
    "INPUT_HIDDEN_MEAN=2.5",
    "HIDDEN_OUTPUT_MEAN=1.5",
    "REC_SPIKES=[\"hidden\"]",
    "REC_FIRST_SPIKES=true",
    "W_EPOCH_INTERVAL=4",
    "W_REPORT_INTERVAL=8",
    "LR_EASE_IN_FACTOR=1.05",
    "REWIRE_SILENT=true",
    SEEDS[0],
    SEEDS[1],
    SEEDS[2],
];

/// Long trials on the grid, whose groups are shared: trained delays, dropout, regularisers, hidden noise.
const WORDS: &[&str] = &[
    "train",
    "shd",
    "NAME=test",
    "DATA_SET=synthetic",
    "DT_MS=2",
    "TRIAL_MS=600",
    "NUM_HIDDEN=24",
    "N_TRAIN=48",
    "N_VALIDATE=16",
    "N_TEST=16",
    "N_EPOCH=2",
    "N_BATCH=20",
    "RECURRENT=true",
    "DELAY=20",
    "DELAY_SPREAD=10",
    "TRAIN_DELAY=true",
    "PDROP_INPUT=0.1",
    "HIDDEN_NOISE=0.01",
    "LBD_UPPER=1e-3",
    "LBD_LOWER=1e-3",
    "NU_UPPER=4",
    "AUGMENTATION={\"random_shift\": 2.0}",
    SEEDS[0],
    SEEDS[1],
    SEEDS[2],
];

/// Short trials: the batches of 160 samples are shared, the last one of an epoch is too small.
const DIGITS: &[&str] = &[
    "train_test",
    "mnist",
    "NAME=test",
    "NUM_HIDDEN=128",
    "N_TRAIN=200",
    "N_EPOCH=3",
    "N_BATCH=160",
    "PDROP_INPUT=0.2",
    "AVERAGE_EPOCHS=1",
    SEEDS[0],
    SEEDS[1],
    SEEDS[2],
];

const FOLDS: &[&str] = &[
    "xval",
    "yinyang",
    "NAME=test",
    "NUM_HIDDEN=10",
    "N_TRAIN=48",
    "N_VALIDATE=12",
    "N_TEST=12",
    "N_EPOCH=2",
    "N_BATCH=16",
    "N_FOLDS=3",
    SEEDS[0],
    SEEDS[1],
    SEEDS[2],
];

const SEEDS: [&str; 3] = ["MODEL_SEED=1", "TRAIN_DATA_SEED=2", "TEST_DATA_SEED=3"];

/// A program in a folder without data.
fn in_folder(mut command: Command, folder: &Path) -> Command {
    command
        .current_dir(folder)
        .env("EVENTPROP_DATA", folder.join("no-data"))
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .stdin(Stdio::null())
        .stdout(fs::File::create(folder.join("stdout")).expect("a file"))
        .stderr(fs::File::create(folder.join("stderr")).expect("a file"));
    command
}

fn alone(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventprop"));
    command.args(arguments);
    in_folder(command, folder)
}

/// Ranks, words before the program, arguments.
type Group<'a> = (usize, &'a str, &'a [&'a str]);

/// Groups of ranks, each with its own words before the program and its own arguments. Every rank leaves the number of
/// its process in a file.
fn mpirun(folder: &Path, groups: &[Group<'_>]) -> Command {
    for rank in 0..4 {
        // Of the ranks before.
        let _ = fs::remove_file(folder.join(format!("pid.{rank}")));
    }
    let mut command = Command::new("mpirun");
    // More ranks than cores, and as root in a container: Open MPI 4 and 5 ask to be told.
    for (name, value) in [
        ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
        ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
        ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
        ("OMPI_MCA_hwloc_base_binding_policy", "none"),
        ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"),
        ("PRTE_MCA_hwloc_default_binding_policy", "none"),
    ] {
        command.env(name, value);
    }
    for (index, (ranks, before, arguments)) in groups.iter().enumerate() {
        if index > 0 {
            command.arg(":");
        }
        let script = format!(
            "{before} echo $$ > pid.${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}}; exec \"$0\" \"$@\""
        );
        command.args(["-n", &ranks.to_string(), "sh", "-c", &script]);
        command
            .arg(env!("CARGO_BIN_EXE_eventprop"))
            .args(*arguments);
    }
    in_folder(command, folder)
}

/// Waits for the end, and fails where there is none.
fn end(child: &mut Child, folder: &Path) -> ExitStatus {
    let begin = Instant::now();
    while begin.elapsed() < LIMIT {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        sleep(Duration::from_millis(5));
    }
    child.kill().expect("SIGKILL");
    panic!("it hangs: {}", said(folder));
}

fn said(folder: &Path) -> String {
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a file");
    read("stdout") + &read("stderr")
}

fn done(mut command: Command, folder: &Path) {
    let status = end(&mut command.spawn().expect("it starts"), folder);
    assert!(status.success(), "{status}, {}", said(folder));
}

/// What a run left; the folder is then free for the next.
fn taken(folder: &Path, seconds: Option<usize>) -> BTreeMap<String, Vec<u8>> {
    let run = folder.join("run");
    let files = content(&run, seconds);
    fs::remove_dir_all(run).expect("the folder is there");
    files
}

fn with(arguments: &[&'static str], more: &[&'static str]) -> Vec<&'static str> {
    let mut all = arguments.to_vec();
    all.extend(["--out", "run", "--quiet"]);
    all.extend(more);
    all
}

/// Column of the results file that holds seconds.
fn seconds(arguments: &[&str]) -> Option<usize> {
    match arguments[1] {
        "yinyang" => Some(3),
        "shd" => Some(5),
        _ => None,
    }
}

fn assert_same(left: &BTreeMap<String, Vec<u8>>, whole: &BTreeMap<String, Vec<u8>>, who: &str) {
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(left), names(whole), "{who}: the same files");
    for (name, bytes) in whole {
        assert!(left[name] == *bytes, "{name} differs: {who}");
    }
}

/// Ranks in any number, with any number of threads, leave what one process leaves.
fn same_bits(arguments: &[&'static str], ranks: &[(usize, &'static str)]) {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    done(alone(folder, &with(arguments, &["--threads", "1"])), folder);
    let whole = taken(folder, seconds(arguments));
    for &(ranks, threads) in ranks {
        let arguments = with(arguments, &["--threads", threads]);
        done(mpirun(folder, &[(ranks, "", &arguments)]), folder);
        let left = taken(folder, seconds(&arguments));
        assert_same(&left, &whole, &format!("{ranks} ranks × {threads} threads"));
    }
}

#[test]
fn ranks_train_between_events_to_the_same_bits() {
    same_bits(YIN_YANG, &[(1, "2"), (2, "1"), (3, "2"), (4, "1")]);
}

#[test]
fn ranks_train_delays_of_spoken_words_to_the_same_bits() {
    same_bits(WORDS, &[(1, "1"), (2, "2"), (3, "1"), (4, "1")]);
}

#[test]
fn ranks_train_on_digits_to_the_same_bits() {
    same_bits(DIGITS, &[(2, "1"), (3, "1"), (4, "2")]);
}

#[test]
fn ranks_cross_validate_to_the_same_bits() {
    same_bits(FOLDS, &[(3, "1")]);
}

fn process(folder: &Path, rank: usize) -> String {
    let text = fs::read_to_string(folder.join(format!("pid.{rank}"))).expect("a file");
    text.trim().to_owned()
}

/// Sends a signal to one rank; false if its process has ended.
fn signal(folder: &Path, rank: usize, name: &str) -> bool {
    let kill = Command::new("kill")
        .args([name, &process(folder, rank)])
        .status();
    kill.expect("kill is there").success()
}

/// Waits until there is a checkpoint, and then a little.
fn wait_for_checkpoint(folder: &Path, child: &mut Child) {
    let begin = Instant::now();
    while !folder.join("run/test_checkpoint.safetensors").exists() {
        assert!(begin.elapsed() < LIMIT, "no checkpoint: {}", said(folder));
        assert!(
            child.try_wait().expect("a child").is_none(),
            "{}",
            said(folder)
        );
        sleep(Duration::from_millis(1));
    }
}

/// True if the checkpoint is that of a run that came to its end; there may be none between two.
fn finished(folder: &Path) -> bool {
    let bytes = fs::read(folder.join("run/test_checkpoint.safetensors"));
    bytes.is_ok_and(|bytes| left::header_and_state(&bytes).1["finished"] == true)
}

/// A run of ranks is disturbed at one of them, ends at all, and goes on with another number of ranks to what it would
/// have left.
fn disturbed(name: &str, code: i32) {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let long = [
        YIN_YANG,
        &["N_EPOCH=15", "--checkpoint-every", "9", "--threads", "1"],
    ]
    .concat();
    let arguments = with(&long, &[]);
    done(alone(folder, &arguments), folder);
    let whole = taken(folder, seconds(&arguments));
    let mut child = mpirun(folder, &[(3, "", &arguments)])
        .spawn()
        .expect("it starts");
    wait_for_checkpoint(folder, &mut child);
    assert!(signal(folder, 1, name), "{}", said(folder));
    let status = end(&mut child, folder);
    assert_eq!(status.code(), Some(code), "{}", said(folder));
    assert!(!finished(folder), "{}", said(folder));
    let resume = ["resume", "run", "--quiet", "--threads", "1"];
    done(mpirun(folder, &[(2, "", &resume)]), folder);
    assert_same(&taken(folder, seconds(&arguments)), &whole, name);
}

#[test]
fn a_signal_at_one_rank_stops_all_with_a_checkpoint() {
    disturbed("-TERM", 143);
    disturbed("-INT", 130);
}

/// One rank of a run is killed at a random moment, and the run goes on with another number of ranks, to what one process
/// leaves that nobody disturbs. `EVENTPROP_KILLS` says how often.
#[test]
fn a_rank_that_is_killed_takes_all_with_it_and_the_run_goes_on() {
    let wanted = std::env::var("EVENTPROP_KILLS").map_or(2, |text| text.parse().expect("a number"));
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let more = ["N_EPOCH=40", "--checkpoint-every", "7", "--threads", "1"];
    let arguments = with(YIN_YANG, &more);
    done(alone(folder, &arguments), folder);
    let whole = taken(folder, seconds(&arguments));
    let (mut draws, mut killed) = (Draws(7), 0);
    while killed < wanted {
        killed += killed_again_and_again(folder, &arguments, wanted - killed, &mut draws);
        let left = taken(folder, seconds(&arguments));
        assert_same(&left, &whole, &format!("after {killed} kills"));
    }
}

/// Runs to the end, killing a rank up to `most` times; how often it did.
fn killed_again_and_again(
    folder: &Path,
    arguments: &[&str],
    most: usize,
    draws: &mut Draws,
) -> usize {
    let mut command = mpirun(folder, &[(3, "", arguments)]);
    for killed in 1..=most {
        // 1, 4, 2, 3, … after 3.
        let ranks = [3, 1, 4, 2][(killed - 1) % 4];
        let mut child = command.spawn().expect("it starts");
        wait_for_work(folder, &mut child);
        let time = Duration::from_millis(draws.below(1500));
        let begin = Instant::now();
        while begin.elapsed() < time && child.try_wait().expect("a child").is_none() {
            sleep(Duration::from_millis(1));
        }
        if let Some(status) = child.try_wait().expect("a child") {
            assert!(status.success(), "after {killed} kills: {}", said(folder));
            return killed - 1;
        }
        let hit = signal(folder, draws.below(ranks as u64) as usize, "-KILL");
        let status = end(&mut child, folder);
        // The rank was at its end although `mpirun` was not.
        if !hit {
            assert!(status.success(), "after {killed} kills: {}", said(folder));
            return killed - 1;
        }
        // Killed between its last write and its exit: nothing is left to go on with.
        if finished(folder) {
            return killed;
        }
        let resume = ["resume", "run", "--quiet", "--threads", "1"];
        command = mpirun(folder, &[([3, 1, 4, 2][killed % 4], "", &resume)]);
    }
    done(command, folder);
    most
}

/// Waits until a checkpoint is written: then all ranks are at work. `mpirun` of Open MPI 4.1 may wait for ever when a rank
/// dies before, while they meet, although all of them end.
fn wait_for_work(folder: &Path, child: &mut Child) {
    let written = || {
        let file = fs::metadata(folder.join("run/test_checkpoint.safetensors"));
        file.and_then(|file| file.modified()).ok()
    };
    let (before, begin) = (written(), Instant::now());
    while written().is_none() || written() == before {
        assert!(begin.elapsed() < LIMIT, "no checkpoint: {}", said(folder));
        if child.try_wait().expect("a child").is_some() {
            return;
        }
        sleep(Duration::from_millis(1));
    }
}

/// Ctrl-C in the terminal of `mpirun` reaches all ranks as SIGTERM, and SIGKILL follows a second later.
#[test]
fn a_signal_at_mpirun_ends_all() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let arguments = with(YIN_YANG, &["N_EPOCH=2000"]);
    let mut child = mpirun(folder, &[(2, "", &arguments)])
        .spawn()
        .expect("it starts");
    wait_for_checkpoint(folder, &mut child);
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill is there").success());
    assert!(!end(&mut child, folder).success(), "{}", said(folder));
    for rank in 0..2 {
        let begin = Instant::now();
        while Path::new("/proc").join(process(folder, rank)).exists() {
            assert!(begin.elapsed() < LIMIT, "rank {rank} is still there");
            sleep(Duration::from_millis(5));
        }
    }
    assert!(!finished(folder));
}

/// A file may have 32 kB at rank 0: what is larger than that does not fit, as on a full disk.
#[test]
fn a_full_disk_at_the_first_rank_ends_all_and_says_so_once() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let arguments = with(DIGITS, &[]);
    let full = "trap '' XFSZ; ulimit -f 64;";
    let mut command = mpirun(folder, &[(1, full, &arguments), (2, "", &arguments)]);
    let status = end(&mut command.spawn().expect("it starts"), folder);
    assert_eq!(status.code(), Some(1), "{}", said(folder));
    let said = said(folder);
    let errors: Vec<&str> = said.lines().filter(|l| l.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{said}");
    assert!(errors[0].contains("rank 0: cannot write"), "{said}");
}

/// Two ranks that were not started alike: the exit code and the message.
fn unlike(first: &[&str], second: &[&str]) -> (Option<i32>, String) {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let mut command = mpirun(folder, &[(1, "", first), (1, "", second)]);
    let status = end(&mut command.spawn().expect("it starts"), folder);
    let names = ["test", "yinyang", "mnist", "shd", "custom"];
    let written = |name: &&str| folder.join(format!("run/{name}_results.txt")).exists();
    assert!(!names.iter().any(|name| written(name)));
    (status.code(), said(folder))
}

#[test]
fn ranks_that_are_not_started_alike_are_refused_with_the_difference() {
    let other = with(YIN_YANG, &["ETA=0.5"]);
    let (code, said) = unlike(&with(YIN_YANG, &["ETA=0.25"]), &other);
    assert_eq!(code, Some(2), "{said}");
    let message = "error: rank 1 has ETA=0.5 where rank 0 has ETA=0.25; start all ranks with the same program";
    assert!(said.contains(message), "{said}");
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
    let (code, said) = unlike(&with(YIN_YANG, &[]), &with(YIN_YANG, &["NO_SUCH_KEY=1"]));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("error: rank 1: unknown parameter NO_SUCH_KEY"),
        "{said}"
    );
}

/// Each rank in a folder of its own, with recordings of two classes of which one event differs.
#[test]
fn ranks_with_other_data_are_refused() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    for (rank, time_ms) in [("a", "5.0"), ("b", "9.0")] {
        for part in ["train", "test"] {
            for class in ["0", "1"] {
                let at = folder.join(rank).join(part).join(class);
                fs::create_dir_all(&at).expect("room");
                for sample in 0..8 {
                    let table = format!("t_ms,channel\n1.0,{class}\n{time_ms},{sample}\n");
                    fs::write(at.join(format!("{sample}.csv")), table).expect("room");
                }
            }
        }
    }
    let arguments = [
        "train",
        "custom",
        "--train",
        "train",
        "--test",
        "test",
        "N_BATCH=4",
        "NUM_HIDDEN=4",
        "N_EPOCH=1",
        "TRIAL_MS=20",
        "MODEL_SEED=1",
        "--out",
        "run",
        "--threads",
        "1",
    ];
    let groups = [(1, "cd a;", &arguments[..]), (1, "cd b;", &arguments[..])];
    let status = end(
        &mut mpirun(folder, &groups).spawn().expect("it starts"),
        folder,
    );
    assert_eq!(status.code(), Some(2), "{}", said(folder));
    let said = said(folder);
    assert!(
        said.contains("rank 1 has data with the fingerprint"),
        "{said}"
    );
}

#[test]
fn a_mistake_of_all_ranks_is_told_once() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let wrong_key = with(YIN_YANG, &["NO_SUCH_KEY=1"]);
    let wrong_words = ["train", "yinyang", "--no-such-option"];
    // Only one of the ranks has them.
    let right = with(YIN_YANG, &[]);
    let apart: &[Group<'_>] = &[(1, "", &right), (1, "", &wrong_words)];
    for (parts, problem) in [
        (
            &[(3, "", &wrong_key[..])][..],
            "unknown parameter NO_SUCH_KEY",
        ),
        (
            &[(2, "export EVENTPROP_BYTES_MAX=much;", &right)],
            "EVENTPROP_BYTES_MAX",
        ),
        (apart, "rank 1: unexpected argument"),
    ]
    .into_iter()
    // Ranks that fail at once, when others have only just begun.
    .chain(iter::repeat_n(
        (&[(3, "", &wrong_words[..])][..], "unexpected argument"),
        8,
    )) {
        let status = end(
            &mut mpirun(folder, parts).spawn().expect("it starts"),
            folder,
        );
        let said = said(folder);
        assert_eq!(status.code(), Some(2), "{said}");
        let errors = said.lines().filter(|line| line.starts_with("error: "));
        let errors: Vec<&str> = errors.collect();
        assert!(
            matches!(errors[..], [one] if one.contains(problem)),
            "{said}"
        );
    }
}

/// Every rank takes runs of its own; the first prints the table of all.
#[test]
fn ranks_share_the_runs_of_a_sweep() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let file = "benchmark = \"yinyang\"\nout = \"sweep\"\n[fixed]\nN_EPOCH = 1\nN_TRAIN = 32\nN_VALIDATE = 32\nN_TEST = 32\nNUM_HIDDEN = 8\n[vary]\nMODEL_SEED = [1, 2, 3]\n";
    fs::write(folder.join("sweep.toml"), file).expect("room");
    let sweep = ["sweep", "sweep.toml", "--json", "--threads", "1"];
    done(mpirun(folder, &[(2, "", &sweep)]), folder);
    let out = fs::read_to_string(folder.join("stdout")).expect("a file");
    let table: Json = serde_json::from_str(&out).expect("one object");
    let rows = table["runs"].as_array().expect("a list");
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["status"] == "finished"), "{out}");
}
