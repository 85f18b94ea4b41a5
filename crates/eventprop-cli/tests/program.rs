//! The program as its users meet it: exit codes, messages, files.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

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

/// Without the feature `gpu`: the command that builds a program with it, and no run on another device.
#[test]
fn a_program_without_cards_says_how_to_get_them() {
    for arguments in [
        &["devices"][..],
        &["train", "mnist", "DEVICE=gpu"],
        &["plan", "mnist", "DEVICE=gpu:1"],
        &["bench", "--workload", "mnist", "--device", "gpu"],
    ] {
        let (code, message) = refused(arguments);
        assert!(
            code == Some(1) || code == Some(2),
            "{arguments:?}: {code:?}"
        );
        let told = ["without graphics cards", "--features gpu"];
        assert!(
            told.iter().all(|words| message.contains(words)),
            "{message}"
        );
    }
}

#[test]
fn without_arguments_it_says_what_to_try_first() {
    let output = run(folder().path(), &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("eventprop train yinyang"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_no_utf_8_is_refused_instead_of_changed() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder();
    let output = program(folder.path(), &["train", "yinyang", "--out"])
        .arg(std::ffi::OsStr::from_bytes(b"caf\xe9"))
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("OUT_DIR=caf") && text(&output.stderr).contains("no UTF-8")
    );
    assert!(
        std::fs::read_dir(folder.path())
            .expect("a folder")
            .next()
            .is_none()
    );
}

#[test]
fn counts_beyond_the_machine_end_with_2_and_the_largest_that_fits() {
    for (arguments, message) in [
        (
            &["train", "yinyang", "N_BATCH=4294967295"][..],
            "N_BATCH can be at most ",
        ),
        (
            &["train", "yinyang", "NUM_HIDDEN=4294967295"],
            "NUM_HIDDEN can be at most ",
        ),
        (
            &["train", "yinyang", "N_HID_LAYER=999999999"],
            "from 1 to 1000",
        ),
        (
            &["train", "yinyang", "N_EPOCH=9223372036854775807"],
            "at most 4294967295",
        ),
        (
            &["doctor", "yinyang", "N_BATCH=4294967295"],
            "N_BATCH can be at most ",
        ),
        (
            &[
                "xval",
                "yinyang",
                "N_FOLDS=1000",
                "N_TRAIN=20",
                "N_VALIDATE=0",
            ],
            "choose 2 to 60 folds",
        ),
        (
            &["train", "yinyang", "--threads", "100000"],
            "choose at most ",
        ),
    ] {
        let (code, error) = refused(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
    let folder = folder();
    let mut program = program(folder.path(), &["params"]);
    let output = program.env("RAYON_NUM_THREADS", "100000").output();
    assert_eq!(output.expect("the program starts").status.code(), Some(2));
}

#[test]
fn a_picture_that_cannot_be_written_is_a_note_and_the_result_is_kept() {
    let folder = folder();
    std::fs::create_dir_all(folder.path().join("here/yinyang_decision_map.svg")).expect("a folder");
    let train = ["train", "yinyang", "--seed", "3", "--out", "here"];
    let output = run(folder.path(), &[&train[..], &SMALL].concat());
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{err}");
    let place = Path::new("here").join("yinyang_summary.json");
    let note = format!("does not depend on it and is in {}", place.display());
    assert!(
        err.contains("yinyang_decision_map.svg") && err.contains(&note),
        "{err}"
    );
    let result = out.find("test accuracy").expect("the result");
    let files = out.find("yinyang_learning_curve.png").expect("the files");
    assert!(result < files && !out.contains("decision_map"), "{out}");
    let summary = std::fs::read_to_string(folder.path().join(place)).expect("a summary");
    let summary: Json = serde_json::from_str(&summary).expect("JSON");
    assert!(summary["test_accuracy"].is_f64(), "{summary}");
}

#[test]
fn a_recording_that_cannot_be_written_fails_after_the_result() {
    let folder = folder();
    std::fs::create_dir_all(folder.path().join("here/all_nfst.npy")).expect("a folder");
    let train = ["train", "yinyang", "REC_FIRST_SPIKES=true", "--out", "here"];
    let output = run(folder.path(), &[&train[..], &SMALL].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("test accuracy"));
    assert!(text(&output.stderr).contains("all_nfst.npy"));
    let output = run(folder.path(), &[&train[..], &SMALL, &["--json"]].concat());
    assert_eq!(text(&output.stdout).lines().count(), 1);
    let json = last_json(&output);
    assert_eq!(json["exit_code"], 1);
    assert!(json["result"]["test_accuracy"].is_f64(), "{json}");
    assert!(folder.path().join("here/yinyang_summary.json").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_that_is_full_is_a_failure_and_one_that_is_closed_is_none() {
    let folder = folder();
    let full = std::fs::File::options().write(true).open("/dev/full");
    let output = program(folder.path(), &["params", "mnist"])
        .stdout(full.expect("a device"))
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("standard output could not be written"));
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = program(folder.path(), &["params", "mnist"])
        .stdout(writer)
        .status();
    assert_eq!(status.expect("the program starts").code(), Some(0));
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
            .join("runs/yinyang/yinyang_decision_map.png")
            .is_file()
    );
    let progress = text(&output.stderr);
    assert!(
        progress.contains("epoch 2/2") && progress.contains("MODEL_SEED=3"),
        "{progress}"
    );

    let test = run(
        folder.path(),
        &[&["test", "yinyang", "--json"], &SMALL[..]].concat(),
    );
    assert_eq!(test.status.code(), Some(0), "{}", text(&test.stderr));
    assert!(last_json(&test)["train_accuracy"].is_null());
}

/// A run takes a folder of its own and the seed 1, so that nothing is lost and the same command gives the same result; a
/// test reads the last one.
#[test]
fn the_same_command_gives_the_same_result_in_another_folder() {
    let folder = folder();
    let train = [&["train", "yinyang", "--json"][..], &SMALL].concat();
    let first = last_json(&run(folder.path(), &train));
    let second = last_json(&run(folder.path(), &train));
    assert_eq!(first["test_accuracy"], second["test_accuracy"]);
    assert_eq!(first["seeds"]["MODEL_SEED"], 1);
    for (run, name) in [(&first, "yinyang"), (&second, "yinyang-2")] {
        let out = run["out_dir"].as_str().expect("a folder");
        assert_eq!(
            Path::new(out).file_name().and_then(|name| name.to_str()),
            Some(name)
        );
    }
    let test = [&["test", "yinyang", "--json"][..], &SMALL].concat();
    let tested = last_json(&run(folder.path(), &test));
    assert!(
        tested["out_dir"]
            .as_str()
            .expect("a folder")
            .ends_with("yinyang-2"),
        "{tested}"
    );
    let named = [&train[..], &["--name", "mine"]].concat();
    let named = last_json(&run(folder.path(), &named));
    assert!(
        named["out_dir"]
            .as_str()
            .expect("a folder")
            .ends_with("yinyang-mine"),
        "{named}"
    );
}

#[test]
fn shells_and_man_know_the_commands() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(folder.path(), &["completions", shell]);
        assert!(text(&script.stdout).contains("gradcheck"), "{shell}");
    }
    let man = run(folder.path(), &["man", "pages/man1"]);
    assert_eq!(man.status.code(), Some(0), "{}", text(&man.stderr));
    let page = std::fs::read_to_string(folder.path().join("pages/man1/eventprop-train.1"));
    assert!(page.expect("a page").contains("checkpoint"));
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
            "a/yinyang.json",
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
        "epoch 1/2",
        " spikes, ",
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
        (&["train", "yingyang"], "choose one of yinyang, mnist"),
        (&["train", "yinyang", "--threads", "0"], "threads"),
        (
            &["train", "nmnist", "--train", "a"],
            "DATA_TRAIN for nmnist; it is a parameter of custom only",
        ),
        (
            &["train", "yinyang", "N_EPOCHS=1.50e3x"],
            "N_EPOCHS=1.50e3x is not possible",
        ),
        (
            &["train", "yinyang", "NUM_INPUT=4"],
            "NUM_INPUT=4 is not possible: the data and their code give 5; write NUM_INPUT=5",
        ),
        (
            &["gradcheck", "yinyang", "NUM_OUTPUT=2"],
            "the data and their code give 3",
        ),
        (&["data", "fetch", "cifar"], "known are mnist, yin_yang"),
    ] {
        let (code, error) = refused(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert_eq!(error.matches("error:").count(), 1, "{error}");
    }
}

/// An option that this input or this output has no use for is an error, not silence.
#[test]
fn options_without_a_use_end_with_2() {
    let folder = folder();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    };
    write("set/a/1.csv", "t,x,y,p\n1,2,3,1\n9,2,3,0\n");
    write("flat/a/1.csv", "t,channel\n1,2\n");
    let table = "set/a/1.csv";
    for (arguments, option) in [
        (
            &["data", "convert", table, "a.npy", "--side", "8"][..],
            "--side",
        ),
        (
            &["data", "convert", table, "a.csv", "--polarity", "on"],
            "--polarity",
        ),
        (&["data", "convert", "flat", "a.h5", "--side", "8"], "side"),
        (
            &["data", "convert", "flat", "a.h5", "--polarity", "on"],
            "polarity",
        ),
        (
            &["data", "convert", table, "a.npy", "--data-dir", "d"],
            "--data-dir",
        ),
        (&["data", "info", "mnist", "--columns", "t,x"], "--columns"),
        (&["data", "info", table, "--data-dir", "d"], "--data-dir"),
        (
            &["test", "yinyang", "--checkpoint-every", "9"],
            "--checkpoint-every",
        ),
        (
            &["gradcheck", "yinyang", "--replay", "a", "--samples", "2"],
            "--samples",
        ),
        (
            &["gradcheck", "yinyang", "NUM_HIDDEN=3", "--replay", "a"],
            "[KEY=VALUE]",
        ),
        (&["doctor", "yinyang", "--fix", "--json"], "--json"),
        (&["train", "yinyang", "--columns", "t,x"], "DATA_COLUMNS"),
        (
            &[
                "train",
                "custom",
                "--train",
                "flat",
                "--test",
                "flat",
                "POLARITY=on",
            ],
            "polarity (POLARITY)",
        ),
        (
            &[
                "train", "custom", "--train", "set", "--test", "set", "--from", "nonsense",
            ],
            "DATA_FORMAT=nonsense",
        ),
    ] {
        let output = run(folder.path(), arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(option), "{arguments:?}: {error}");
        assert!(!folder.path().join("runs").exists(), "{arguments:?} began");
    }
}

/// Columns and format are for every recording of a folder, in each command that reads one.
#[test]
fn columns_and_format_reach_every_recording_of_a_folder() {
    let folder = folder();
    for class in ["a", "b/anna"] {
        let path = folder.path().join("set").join(class);
        std::fs::create_dir_all(&path).expect("a folder");
        for n in 0..4 {
            let content = "%geometry:1280,720\n6,19,1,821\n7,3,0,1900\n8,4,1,250000\n";
            std::fs::write(path.join(format!("{n}.csv")), content).expect("a file");
        }
    }
    let columns = ["--columns", "x,y,p,t"];
    let with = |arguments: &[&str]| run(folder.path(), &[arguments, &columns].concat());
    let output = with(&["data", "convert", "set", "one.h5", "--json"]);
    assert_eq!(last_json(&output)["samples"], 8);
    let output = with(&["data", "info", "set", "--json"]);
    let json = last_json(&output);
    assert_eq!(
        (&json["recordings"], &json["width"]),
        (&8.into(), &1280.into())
    );
    assert_eq!(json["classes"][1]["folders_below"], 1);
    let output = with(&["data", "info", "set/a/1.csv", "--json"]);
    assert_eq!(last_json(&output)["events"], 3);
    let output = with(&[
        "train",
        "custom",
        "--train",
        "set",
        "--test",
        "set",
        "N_EPOCH=1",
        "N_BATCH=4",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for arguments in [
        &["data", "convert", "set", "two.h5", "--from", "dat"][..],
        &["data", "convert", "set", "two.h5"],
        &["data", "info", "set"],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains(".csv"), "{arguments:?}");
    }
}

/// What only the data show is told with the same code.
#[test]
fn wishes_that_the_data_cannot_grant_end_with_2() {
    for (arguments, message) in [
        (
            &["train", "custom"][..],
            "or an .npz archive with --train PATH",
        ),
        (
            &["train", "custom", "--train", "a"],
            "or an .npz archive with --test PATH",
        ),
        (
            &["train", "smnist", "AUGMENTATION={flip_x:0.5}"],
            "flip_x moves pixels, and the channels of this set are none",
        ),
    ] {
        let folder = folder();
        let output = run(folder.path(), arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert!(
            !folder.path().join("runs").exists(),
            "a run without data leaves nothing behind"
        );
    }
}

/// A file or folder that is not there is one kind of fault, whichever command is given it.
#[test]
fn what_is_not_there_ends_every_command_with_1() {
    for arguments in [
        &["train", "yinyang", "--params", "none.json"][..],
        &["plan", "yinyang", "--params", "none.toml"],
        &["sweep", "none.toml"],
        &["tune", "yinyang", "--space", "none.toml"],
        &["tune", "yinyang", "--params", "none.json"],
        &["resume", "none"],
        &["report", "none"],
        &["gradcheck", "yinyang", "--replay", "none.safetensors"],
        &["data", "info", "none.npy"],
        &["data", "convert", "none.npy", "out.csv"],
        &["data", "encode-audio", "none", "out.h5"],
        &["data", "preview-audio", "none.wav", "out.png"],
        &["train", "custom", "--train", "none", "--test", "none"],
        &["train", "shd", "--data-dir", "none"],
    ] {
        let (code, error) = refused(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {error}");
        assert!(error.contains("none"), "{arguments:?}: {error}");
    }
}

/// A device that never ends, and a pipe in the place of a file that must be read at any place.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_read_to_a_bound_or_refused() {
    for arguments in [
        &["train", "yinyang", "--params", "/dev/zero"][..],
        &["sweep", "/dev/zero"],
        &["gradcheck", "yinyang", "--replay", "/dev/zero"],
        &["data", "info", "/dev/zero"],
        &["data", "convert", "/dev/zero", "out.csv"],
        &["data", "preview-audio", "/dev/zero", "out.png"],
        &[
            "train",
            "custom",
            "--train",
            "/dev/zero",
            "--test",
            "/dev/zero",
        ],
    ] {
        let (code, error) = refused(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {error}");
        assert!(error.contains("/dev/zero"), "{arguments:?}: {error}");
    }
    // Parameters that a shell makes on the spot come through a pipe.
    let folder = folder();
    let mut child = program(
        folder.path(),
        &["plan", "yinyang", "--params", "/dev/stdin"],
    )
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(b"{\"NUM_HIDDEN\": 7}").expect("it reads");
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
}

/// Lines end as on Linux, Windows or the first Macintosh, after a byte order mark or not.
#[test]
fn settings_are_read_with_the_line_ends_of_any_system() {
    let toml = "benchmark = \"yinyang\"\n[fixed]\nN_EPOCH = 1\n[vary]\nETA = [1e-3, 2e-3]\n";
    for end in ["\n", "\r\n", "\r"] {
        let folder = folder();
        let text_of = |text: &str| format!("\u{feff}{}", text.replace('\n', end));
        std::fs::write(folder.path().join("s.toml"), text_of(toml)).expect("a file");
        let output = run(folder.path(), &["sweep", "s.toml", "--list", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        std::fs::write(
            folder.path().join("p.toml"),
            text_of("N_EPOCH = 0\nN_TEST = 32\n"),
        )
        .expect("a file");
        let output = run(folder.path(), &["train", "yinyang", "--params", "p.toml"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    // PowerShell writes UTF-16.
    let folder = folder();
    let words = "\u{feff}{\"N_EPOCH\": 0, \"N_TEST\": 32}".encode_utf16();
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        let bytes: Vec<u8> = words.clone().flat_map(order).collect();
        std::fs::write(folder.path().join("p.json"), bytes).expect("a file");
        let output = run(folder.path(), &["train", "yinyang", "--params", "p.json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
}

/// With --json a program gets its object even of a command line that was not understood.
#[test]
fn mistakes_of_the_command_line_are_objects_too() {
    for (arguments, message) in [
        (&["train", "--json"][..], "required arguments"),
        (
            &["train", "yinyang", "--sed", "1", "--json"],
            "unexpected argument '--sed'",
        ),
        (&["train", "yingyang", "--json"], "choose one of yinyang"),
    ] {
        let output = run(folder().path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let json = last_json(&output);
        assert_eq!(json["exit_code"], 2);
        let error = json["error"].as_str().expect("a text");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert!(!error.contains("Usage:"), "{error}");
    }
}

/// Options of other programs are answered with the parameter that means the same.
#[test]
fn options_that_sound_like_parameters_are_answered_with_them() {
    for (option, key) in [
        ("--epochs", "N_EPOCH"),
        ("--lr", "ETA"),
        ("--num-hidden", "NUM_HIDDEN"),
    ] {
        let output = run(folder().path(), &["train", "yinyang", option, "3"]);
        assert_eq!(output.status.code(), Some(2));
        let told = text(&output.stderr);
        let tip = format!("parameters are written KEY=VALUE, here {key}=…");
        assert!(
            told.contains(&tip) && !told.contains("as a value"),
            "{told}"
        );
    }
}

/// Recordings that cannot be trained on end the program with 1 and a message that names the file.
#[test]
fn damaged_and_mixed_recordings_are_refused_with_their_file() {
    const GOOD: &str = "t,x,y,p\n10,1,2,1\n20,3,4,0\n";
    for (name, content, message) in [
        ("b.es", "these are no events", "b.es"),
        ("b.csv", "t,x,y,p\n5000000,1,1,1\n10,1,1,1\n", "back"),
        ("b.csv", "t_s,channel\n0.1,3\n", "without polarities"),
        ("b.csv", "t,x,y,p\n10,-4,1,1\n", "-4"),
        ("b.npy", "these are no events", "b.npy"),
    ] {
        let folder = folder();
        let class = folder.path().join("a/left");
        std::fs::create_dir_all(&class).expect("a folder");
        std::fs::write(class.join("a.csv"), GOOD).expect("a file");
        std::fs::write(class.join(name), content).expect("a file");
        let arguments = ["train", "custom", "--train", "a", "--test", "a"];
        let output = run(folder.path(), &arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {error}");
        assert!(error.contains(name) && error.contains(message), "{error}");
    }
}

/// A label behind the end of its recording: the recording is cut off, or they do not belong together.
#[test]
fn labels_behind_the_end_of_a_gesture_are_refused_with_both_times() {
    let folder = folder();
    let place = folder.path().join("DvsGesture");
    std::fs::create_dir(&place).expect("a folder");
    let write =
        |name: &str, content: &str| std::fs::write(place.join(name), content).expect("a file");
    write("events.csv", "t,x,y,p\n10,1,2,1\n2000,127,127,0\n");
    let recording =
        eventprop_data::formats::events::read(&place.join("events.csv")).expect("events");
    let format = eventprop_data::formats::events::Format::Aedat31;
    eventprop_data::formats::events::write(&place.join("user24_led.aedat"), &recording, format)
        .expect("a recording");
    let header = "class,startTime_usec,endTime_usec\n";
    write(
        "user24_led_labels.csv",
        &format!("{header}3,0,1000\n5,900000,1000000\n"),
    );
    write("trials_to_test.txt", "user24_led.aedat\n");
    let arguments = ["train", "dvs-gesture", "--data-dir", "."];
    let output = run(folder.path(), &arguments);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains(
            "class 5 begins at 900000 µs, but the last event of the recording is at 2000 µs"
        ),
        "{error}"
    );
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

/// A check of a network whose hidden neurons never spike says that it says nothing.
#[test]
fn a_check_of_silence_says_so() {
    let folder = folder();
    let words = [
        "gradcheck",
        "yinyang",
        "INPUT_HIDDEN_MEAN=0.01",
        "INPUT_HIDDEN_STD=0",
        "NUM_HIDDEN=5",
    ];
    let checked = run(folder.path(), &words);
    let found = text(&checked.stdout);
    assert!(
        found.contains("All checked derivatives of input->hidden, hidden->output are 0")
            && found.contains("Nothing was checked.")
            && !found.contains("NaN"),
        "{found}"
    );
}

#[test]
fn help_fits_a_terminal_of_80_columns() {
    let folder = folder();
    let help = run(folder.path(), &["--help"]);
    for line in text(&help.stdout).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn parameters_are_listed_for_people_and_programs() {
    let folder = folder();
    let table = run(folder.path(), &["params", "mnist"]);
    assert!(text(&table.stdout).contains("PDROP_INPUT"));
    let described = run(folder.path(), &["params", "shd", "ETA", "TRAIL_MS"]);
    let one = text(&described.stdout);
    assert!(one.starts_with("ETA ") && one.contains("learning rate; a number above 0"));
    assert!(
        one.contains("TRIAL_MS ") && one.lines().count() == 5,
        "{one}"
    );
    let one = last_json(&run(folder.path(), &["params", "shd", "ETA", "--json"]));
    assert_eq!(one["parameters"][0]["key"], "ETA");
    let presets = run(folder.path(), &["params", "shd", "ETA", "--presets"]);
    assert_eq!(presets.status.code(), Some(2));
    let unknown = run(folder.path(), &["params", "shd", "ETTA"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        text(&unknown.stderr).contains("did you mean ETA"),
        "{}",
        text(&unknown.stderr)
    );
    let value = run(folder.path(), &["params", "shd", "ETA=1"]);
    assert!(text(&value.stderr).contains("values are taken with --network only"));
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

/// The network that parameters say is printed as a file, which trains.
#[test]
fn a_printed_network_trains() {
    let folder = folder();
    let keys = [
        "params",
        "yinyang",
        "--network",
        "NUM_HIDDEN=9",
        "INPUT_HIDDEN_WIRING=fan_in:3",
    ];
    let printed = run(folder.path(), &keys);
    let network = text(&printed.stdout);
    assert!(network.contains("wiring = { fan_in = 3 }") && network.contains("size = 9"));
    std::fs::write(folder.path().join("net.toml"), network).expect("room");
    let words = [
        "train",
        "yinyang",
        "NETWORK=net.toml",
        "N_TRAIN=32",
        "N_EPOCH=1",
        "NUM_HIDDEN=7",
        "--out",
        "run",
        "--json",
    ];
    let trained = run(folder.path(), &words);
    assert!(trained.status.success(), "{}", text(&trained.stderr));
    assert!(text(&trained.stderr).contains("NETWORK says the network: NUM_HIDDEN has no effect"));
    for words in [
        &["params", "yinyang", "NUM_HIDDEN=9"][..],
        &["params", "yinyang", "--network", "NUM_HIDEN=9"],
        &["params", "yinyang", "--network", "NETWORK=none.toml"],
    ] {
        let output = run(folder.path(), words);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words:?} {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn data_sets_are_listed_described_and_verified() {
    let folder = folder();
    let json = last_json(&run(folder.path(), &["data", "list", "--json"]));
    let sets = json["datasets"].as_array().expect("a list");
    let names: Vec<&str> = sets.iter().filter_map(|set| set["name"].as_str()).collect();
    assert_eq!(
        names,
        ["mnist", "yin_yang", "shd", "ssc", "nmnist", "dvs-gesture"]
    );
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

/// A synthetic set is called synthetic by everything that speaks of it, and found by its folder.
#[test]
fn a_synthetic_set_is_made_described_and_found() {
    let folder = folder();
    let out = folder.path().join("made");
    let arguments = [
        "data", "generate", "shd-like", "--train", "40", "--test", "20", "--json",
    ];
    let made = last_json(&run(
        folder.path(),
        &[&arguments[..], &["--out", out.to_str().unwrap()]].concat(),
    ));
    assert_eq!(made["synthetic"], true);
    let file = out.join("shd_train.h5");
    let info = run(folder.path(), &["data", "info", file.to_str().unwrap()]);
    let said = text(&info.stdout);
    for words in [
        "40 samples, 20 classes (2 2",
        "SYNTHETIC",
        "odd        nothing",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let out = out.to_str().unwrap();
    let info = last_json(&run(
        folder.path(),
        &["data", "info", "shd", "--data-dir", out, "--json"],
    ));
    assert_eq!(info["parts"][1]["recording"]["samples"], 20);
    // It is not taken for the published one.
    let verify = run(folder.path(), &["data", "verify", "shd", "--data-dir", out]);
    assert_eq!(verify.status.code(), Some(1));
    assert!(text(&verify.stderr).contains("WRONG CONTENT"));
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
    let results = folder.path().join("runs/yinyang/yinyang_results.txt");
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
            .join("runs/yinyang/w_input_hidden_last.npy")
            .is_file()
    );
    let lines = std::fs::read_to_string(&results).expect("results");
    assert!(
        lines.ends_with('\n')
            && lines.lines().count() as u64 == json["epochs"].as_u64().expect("epochs")
    );
}

/// While data are being made or read there is nothing to bring to an end, and nothing is written.
#[cfg(unix)]
#[test]
fn a_signal_before_the_run_begins_ends_it_at_once() {
    let folder = folder();
    let child = program(folder.path(), &["train", "yinyang", "N_TRAIN=20000000"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The samples take seconds.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(killed.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(!folder.path().join("runs").exists());
}

/// Two hours without events are 64 million bytes of an Event Stream, which take seconds.
#[cfg(unix)]
#[test]
fn a_signal_leaves_no_half_written_recording() {
    let folder = folder();
    std::fs::write(folder.path().join("gap.csv"), "t,x,y,p\n8500000000,1,1,1\n").expect("a file");
    let convert = ["data", "convert", "gap.csv", "out.es"];
    let mut child = program(folder.path(), &convert)
        .spawn()
        .expect("the program starts");
    let files = || std::fs::read_dir(folder.path()).expect("a folder").count();
    while files() == 1 {
        assert!(
            child.try_wait().expect("a child").is_none(),
            "it ended too early"
        );
    }
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(killed.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    assert_eq!(files(), 1);
}

/// A run that was told to terminate, in its folder; the number of epochs that it completed.
#[cfg(unix)]
fn terminated(folder: &Path) -> u64 {
    let train = [
        "train",
        "yinyang",
        "N_EPOCH=1000000",
        "N_TRAIN=32",
        "NUM_HIDDEN=10",
        "--seed",
        "4",
        "--json",
    ];
    let child = program(folder, &train)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let results = folder.join("runs/yinyang/yinyang_results.txt");
    while !results.is_file() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let out = ["--out", "runs/yinyang"];
    let second = run(
        folder,
        &[&["train", "yinyang", "N_EPOCH=1"][..], &out].concat(),
    );
    assert_eq!(second.status.code(), Some(1));
    let told = text(&second.stderr);
    let holder = format!("process {} is at work", child.id());
    assert!(told.contains(&holder), "{told}");

    let id = child.id().to_string();
    let killed = Command::new("kill")
        .args(["-TERM", &id])
        .status()
        .expect("kill");
    assert!(killed.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(143), "{}", text(&output.stderr));
    last_json(&output)["epochs"].as_u64().expect("epochs")
}

#[cfg(unix)]
#[test]
fn a_terminated_run_goes_on_and_only_as_it_was() {
    let folder = folder();
    let epochs = terminated(folder.path());
    let resume = |arguments: &[&str]| {
        let all = [&["resume", "runs/yinyang"], arguments].concat();
        run(folder.path(), &all)
    };
    let other = resume(&["NUM_HIDDEN=11", "ETA=0.5"]);
    assert_eq!(other.status.code(), Some(2));
    let told = text(&other.stderr);
    assert!(
        told.contains("NUM_HIDDEN=11 instead of 10") && told.contains("ETA=0.5 instead of 0.003"),
        "{told}"
    );
    let forced = resume(&["NUM_HIDDEN=11", "--force"]);
    assert_eq!(forced.status.code(), Some(1));
    let told = text(&forced.stderr);
    assert!(told.contains("the network needs"), "{told}");

    let more = format!("N_EPOCH={}", epochs + 2);
    let output = resume(&[&more, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(last_json(&output)["epochs"], epochs + 2);
    let last = format!("epoch {0}/{0}  loss", epochs + 2);
    let told = text(&output.stderr);
    assert!(told.contains(&last) && !told.contains("epoch 1/"), "{told}");
    let results = folder.path().join("runs/yinyang/yinyang_results.txt");
    let lines = std::fs::read_to_string(results).expect("results");
    let numbers = lines
        .lines()
        .map(|line| line.split(' ').next().expect("a column"));
    let expected = (0..epochs + 2).map(|epoch| epoch.to_string());
    assert!(numbers.eq(expected), "{lines}");

    let ended = resume(&[]);
    assert_eq!(ended.status.code(), Some(2));
    assert!(text(&ended.stderr).contains("has ended after"));
    let nothing = run(folder.path(), &["resume", "runs"]);
    assert!(text(&nothing.stderr).contains("holds no checkpoint"));
}

/// A run knows where its data were, from whichever folder it is resumed, and is told where they are now.
#[test]
fn a_run_that_goes_on_finds_its_data() {
    let folder = folder();
    let at = folder.path();
    let generated = run(
        at,
        &[
            "data", "generate", "shd-like", "--out", "words", "--train", "40", "--test", "20",
        ],
    );
    assert_eq!(
        generated.status.code(),
        Some(0),
        "{}",
        text(&generated.stderr)
    );
    let small = "train shd --data-dir words --out one NUM_HIDDEN=8 N_TRAIN=30 N_VALIDATE=10 N_BATCH=10 N_EPOCH=1 DT_MS=10 --json";
    let begun = run(at, &small.split(' ').collect::<Vec<_>>());
    assert_eq!(begun.status.code(), Some(0), "{}", text(&begun.stderr));

    let elsewhere = at.join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder");
    let resume = |arguments: &[&str]| {
        let all = [&["resume", "../one", "--json"], arguments].concat();
        run(&elsewhere, &all)
    };
    let found = resume(&["N_EPOCH=2"]);
    assert_eq!(found.status.code(), Some(0), "{}", text(&found.stderr));
    assert_eq!(last_json(&found)["epochs"], 2);

    std::fs::rename(at.join("words"), at.join("moved")).expect("a folder");
    let lost = resume(&["N_EPOCH=3"]);
    assert_eq!(lost.status.code(), Some(1));
    let told = text(&lost.stdout);
    assert!(
        told.contains("words") && told.contains("name its folder"),
        "{told}"
    );
    let moved = resume(&["N_EPOCH=3", "--data-dir", "../moved"]);
    assert_eq!(moved.status.code(), Some(0), "{}", text(&moved.stderr));
}

/// Images under MNIST's names that are not MNIST's are told: Fashion-MNIST and KMNIST have the same files.
#[test]
fn another_set_under_the_names_of_mnist_is_told() {
    let folder = folder();
    let assets =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../eventprop-data/assets/mnist-sample");
    for file in std::fs::read_dir(&assets).expect("the sample") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), folder.path().join(file.file_name())).expect("a copy");
    }
    let train = [
        "train",
        "mnist",
        "NUM_HIDDEN=10",
        "N_TRAIN=50",
        "N_VALIDATE=50",
        "N_TEST=50",
        "N_EPOCH=1",
        "--data-dir",
        ".",
    ];
    let output = run(folder.path(), &train);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    for images in ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"] {
        let notice = format!("{images} and");
        let line = told.lines().find(|line| line.contains(&notice));
        let line = line.unwrap_or_else(|| panic!("{images} in {told}"));
        assert!(line.contains("are not the published MNIST"), "{line}");
    }
}

/// Nearly two and a half hours between two events are 67.7 MB of silence in `.es`, where 64 MiB are allowed.
#[test]
fn the_bound_of_a_file_can_be_raised() {
    let folder = folder();
    std::fs::write(
        folder.path().join("a.csv"),
        "t,x,y,p\n0,1,1,1\n8600000000,1,1,0\n",
    )
    .unwrap();
    let convert = |bound: &str| {
        let mut command = program(folder.path(), &["data", "convert", "a.csv", "b.es"]);
        command.env("EVENTPROP_BYTES_MAX", bound);
        let output = command.output().expect("the program starts");
        (output.status.code(), text(&output.stderr).to_owned())
    };
    let (code, told) = convert("1kB");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("raise EVENTPROP_BYTES_MAX"), "{told}");
    let (code, told) = convert("70MB");
    assert_eq!(code, Some(0), "{told}");
    let written = std::fs::metadata(folder.path().join("b.es")).unwrap().len();
    assert!((67_700_000..68_000_000).contains(&written), "{written}");
    let (code, told) = convert("much");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains(r#"EVENTPROP_BYTES_MAX is "much""#), "{told}");
}

/// With every amount of memory a run ends by itself: it is refused, fails with an exit code, or succeeds.
#[cfg(target_os = "linux")]
#[test]
fn a_run_whose_memory_runs_out_has_an_exit_code() {
    let folder = folder();
    let train = "train yinyang NUM_HIDDEN=1200 N_TRAIN=64 N_VALIDATE=16 N_TEST=16 N_EPOCH=1 --threads 2 --quiet";
    let mut codes = Vec::new();
    for kilobytes in [30_000, 34_000, 42_000, 50_000, 500_000] {
        let program = env!("CARGO_BIN_EXE_eventprop");
        let script = format!("ulimit -v {kilobytes}; exec {program} {train}");
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(folder.path())
            .env_remove("RUST_BACKTRACE")
            .output()
            .expect("bash");
        let told = text(&output.stderr);
        let code = output.status.code();
        assert!(
            matches!(code, Some(0..=2)),
            "{kilobytes} kB: {code:?} {told}"
        );
        codes.push(code);
    }
    assert_eq!(
        codes.last(),
        Some(&Some(0)),
        "half a gigabyte is enough: {codes:?}"
    );
    assert!(
        codes.contains(&Some(1)),
        "one of them runs out on the way: {codes:?}"
    );
}

/// A file system that takes no file of more than some blocks stands in for one that is full: the write
/// fails in the middle, with an error and not a signal.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_the_checkpoint_before_is_whole() {
    let folder = folder();
    let train = "train yinyang NUM_HIDDEN=40 N_TRAIN=64 N_VALIDATE=16 N_TEST=16 N_EPOCH=20 REC_FIRST_SPIKES=true --seed 4 --checkpoint-every 1000 --quiet";
    // The recordings in the checkpoint grow by 768 bytes a batch and hit the limit after some epochs.
    let program = env!("CARGO_BIN_EXE_eventprop");
    let script = format!("trap '' XFSZ; ulimit -f 32; exec {program} {train}");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .output()
        .expect("bash");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let told = text(&output.stderr);
    assert!(
        told.contains("yinyang_checkpoint.safetensors") && told.contains("free space"),
        "{told}"
    );
    let resumed = run(folder.path(), &["resume", "runs/yinyang", "--quiet"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", text(&resumed.stderr));
}

#[test]
fn a_sweep_does_its_runs_once_and_tells_of_them() {
    let folder = folder();
    let file = "benchmark = \"yinyang\"\nout = \"sweep\"\n[fixed]\nNUM_HIDDEN = 10\nN_TRAIN = 32\nN_VALIDATE = 16\nN_TEST = 16\nN_EPOCH = 1\n[vary]\nETA = [0.001, 0.01]\nMODEL_SEED = [1, 2]\n";
    std::fs::write(folder.path().join("sweep.toml"), file).expect("room");
    let sweep = |arguments: &[&str]| {
        let all = [&["sweep", "sweep.toml"], arguments].concat();
        run(folder.path(), &all)
    };
    let one = sweep(&["--array-index", "3", "--quiet"]);
    assert_eq!(one.status.code(), Some(0), "{}", text(&one.stderr));
    let list = last_json(&sweep(&["--list", "--json"]));
    let statuses = list["runs"].as_array().expect("runs").iter();
    let statuses: Vec<&Json> = statuses.map(|run| &run["status"]).collect();
    assert_eq!(statuses, ["new", "new", "new", "finished"]);

    let results = folder
        .path()
        .join("sweep/0003-ETA=0.01,MODEL_SEED=2/yinyang_results.txt");
    let before = std::fs::read(&results).expect("results");
    let all = sweep(&["--json"]);
    assert_eq!(all.status.code(), Some(0), "{}", text(&all.stderr));
    for run in last_json(&all)["runs"].as_array().expect("runs") {
        assert_eq!(run["status"], "finished");
        assert!(run["test_accuracy"].is_number(), "{run}");
    }
    assert_eq!(std::fs::read(&results).expect("results"), before);
    let table = sweep(&["--list"]);
    let table = text(&table.stdout);
    assert!(
        table.contains("test_accuracy") && table.lines().count() == 5,
        "{table}"
    );
    let beyond = sweep(&["--array-index", "4"]);
    assert_eq!(beyond.status.code(), Some(2));
}

#[test]
fn the_doctor_proposes_parameters_that_the_command_line_takes() {
    let folder = folder();
    let ill = [
        "yinyang",
        "INPUT_HIDDEN_MEAN=0.05",
        "INPUT_HIDDEN_STD=0.02",
        "--seed",
        "3",
    ];
    let doctor = |option: &[&str]| {
        let all = [&["doctor"], &ill[..], option].concat();
        run(folder.path(), &all)
    };
    let json = last_json(&doctor(&["--json"]));
    assert_eq!(json["complaints"][0]["illness"], "silent");
    let fix = doctor(&["--fix"]);
    let fix = text(&fix.stdout).trim().to_owned();
    assert!(fix.contains("INPUT_HIDDEN_MEAN="), "{fix}");
    let words: Vec<&str> = fix.split(' ').collect();
    let again = [&["doctor"], &ill[..], &words, &["--json"]].concat();
    let json = last_json(&run(folder.path(), &again));
    let complaints = json["complaints"].as_array().expect("a list");
    assert!(
        complaints.iter().all(|c| c["illness"] != "silent"),
        "{json}"
    );
    let report = doctor(&[]);
    assert!(text(&report.stdout).contains("This would help"));
}

#[test]
fn a_plan_tells_time_memory_and_disk() {
    let folder = folder();
    let json = last_json(&run(
        folder.path(),
        &[&["plan", "yinyang", "--json"], &SMALL[..]].concat(),
    ));
    assert_eq!(json["training_batches"], 6);
    for key in [
        "seconds_per_epoch",
        "total_seconds",
        "peak_memory_mb",
        "disk_mb",
    ] {
        assert!(json[key].as_f64().is_some_and(|x| x > 0.0), "{key}: {json}");
    }
    // What then happens, within a fifth.
    let train = [&["train", "yinyang"], &SMALL[..]].concat();
    assert!(run(folder.path(), &train).status.success());
    let report = folder.path().join("runs/yinyang/yinyang_report.json");
    let report = std::fs::read_to_string(report).expect("a report");
    let report: Json = serde_json::from_str(&report).expect("JSON");
    let planned = json["peak_memory_mb"].as_f64().expect("a number");
    if let Some(bytes) = report["memory_peak_bytes"].as_f64() {
        let found = bytes / 1024.0 / 1024.0;
        assert!(
            (planned - found).abs() < 0.2 * found,
            "planned {planned} MB, found {found}"
        );
    }
}

#[test]
fn numbers_that_are_not_finite_leave_a_batch_that_can_be_replayed() {
    let folder = folder();
    let diverging = [
        "train",
        "yinyang",
        "SOLVER=grid",
        "NUM_HIDDEN=10",
        "N_TRAIN=32",
        "ETA=1e38",
        "--seed",
        "3",
        "--quiet",
    ];
    let output = run(folder.path(), &diverging);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("gradcheck yinyang --replay"), "{told}");
    let kept = "runs/yinyang/yinyang_failed_batch.safetensors";
    let replay = run(folder.path(), &["gradcheck", "yinyang", "--replay", kept]);
    assert!(
        text(&replay.stderr).contains("training said:"),
        "{}",
        text(&replay.stderr)
    );
}

#[test]
fn a_search_never_looks_at_the_test_repeats_nothing_and_ends_with_parameters_that_train() {
    let folder = folder();
    let tune = |arguments: &[&str]| {
        let base = [
            "tune", "yinyang", "--trials", "4", "--out", "search", "--json",
        ];
        run(
            folder.path(),
            &[&base[..], &SMALL, &["N_EPOCH=4"], arguments].concat(),
        )
    };
    let output = tune(&["--threads", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let found = last_json(&output);
    // Four trials of one epoch, two of them of two, one of those of four.
    let epochs = found["trials"].as_array().expect("a list").iter();
    let epochs: Vec<u64> = epochs
        .map(|t| t["epochs"].as_u64().expect("a number"))
        .collect();
    assert_eq!(epochs, [4, 2, 2, 1, 1, 1, 1]);
    let best = folder
        .path()
        .join(found["best"]["folder"].as_str().expect("a folder"));
    let summary = std::fs::read_to_string(best.join("yinyang_summary.json")).expect("a summary");
    let summary: Json = serde_json::from_str(&summary).expect("JSON");
    assert_eq!(summary["test_accuracy"], Json::Null);
    assert_eq!(
        summary["validation_accuracy"],
        found["best"]["validation_accuracy"]
    );

    let report = ["report", &best.display().to_string(), "--out", "best.html"];
    assert_eq!(run(folder.path(), &report).status.code(), Some(0));
    let page = std::fs::read_to_string(folder.path().join("best.html")).expect("a report");
    assert!(page.contains("The test samples were not evaluated."));

    let results = best.join("yinyang_results.txt");
    let written = || {
        std::fs::metadata(&results)
            .and_then(|file| file.modified())
            .expect("a file")
    };
    let before = written();
    let again = tune(&["--threads", "1"]);
    assert_eq!(last_json(&again)["trials"], found["trials"]);
    assert_eq!(written(), before);

    let other = tune(&["NUM_HIDDEN=21"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(
        text(&other.stderr)
            .contains("belongs to another search, with NUM_HIDDEN=20, not NUM_HIDDEN=21")
    );

    let best = [
        "train",
        "yinyang",
        "--params",
        "search/best.json",
        "--json",
        "--quiet",
    ];
    let trained = last_json(&run(folder.path(), &best));
    assert_eq!(
        trained["validation_accuracy"],
        summary["validation_accuracy"]
    );
    assert!(trained["test_accuracy"].is_number());
}

#[test]
fn a_search_says_what_is_wrong_before_it_trains() {
    let folder = folder();
    let space = folder.path().join("space.toml");
    for (text_of_space, message) in [
        ("[vary]\nETTA = [1.0]\n", "did you mean ETA"),
        (
            "[vary]\nETA = {times = [2.0, 1.0]}\n",
            "{times = [0.5, 2.0]}",
        ),
        ("[vary]\nLOSS_TYPE = {times = [0.5, 2.0]}\n", "no multiples"),
        (
            "benchmark = \"shd\"\n[vary]\nETA = [1.0]\n",
            "there are fixed, vary",
        ),
    ] {
        std::fs::write(&space, text_of_space).expect("room");
        let output = run(folder.path(), &["tune", "yinyang", "--space", "space.toml"]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(message), "{error}");
    }
    let (code, error) = refused(&["tune", "yinyang", "N_VALIDATE=0"]);
    assert_eq!(code, Some(2), "{error}");
    let (code, error) = refused(&["test", "yinyang", "FINAL_TEST=false"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(
        error.contains("FINAL_TEST=false is not possible: test is for the test"),
        "{error}"
    );
}
