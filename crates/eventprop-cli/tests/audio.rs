//! Sound into spikes, as users meet it: exit codes, messages, files.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use eventprop_data::formats::spike_file::SpikeFile;
use serde_json::Value as Json;
use tempfile::TempDir;

/// A WAV file of 0.15 s, 8 kHz, 16 bit.
fn tone(path: &Path, pitch: f64) {
    let samples = (0..1200).map(|k| (8000.0 * (pitch * f64::from(k)).sin()) as i16);
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let length = data.len() as u32;
    let mut wav = b"RIFF".to_vec();
    wav.extend((length + 36).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(8000_u32.to_le_bytes());
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend(length.to_le_bytes());
    wav.extend(data);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, wav).expect("a file");
}

/// Two digits of two speakers, twice each.
fn digits() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, name) in [
        "0_ann_0", "0_ann_1", "0_bob_0", "0_bob_1", "1_ann_0", "1_ann_1", "1_bob_0", "1_bob_1",
    ]
    .iter()
    .enumerate()
    {
        let path = folder.path().join("digits").join(format!("{name}.wav"));
        tone(&path, 0.2 + 0.05 * number as f64);
    }
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventprop"));
    command
        .arg("data")
        .args(arguments)
        .current_dir(folder.path());
    command.output().expect("the program starts")
}

fn encode(folder: &TempDir, more: &[&str]) -> Output {
    let arguments = [
        "encode-audio",
        "digits",
        "out.h5",
        "--pattern",
        "{label}_{speaker}_{index}",
        "--channels",
        "24",
    ];
    run(folder, &[&arguments[..], more].concat())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn the_recipe_for_spoken_digits() {
    let folder = digits();
    let output = encode(&folder, &["--select", "index=0", "--json", "--seed", "3"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: Json = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(json["samples"], 4);
    assert_eq!(json["speakers"], serde_json::json!(["ann", "bob"]));
    let file = SpikeFile::open(&folder.path().join("out.h5")).expect("a spike file");
    assert_eq!(file.labels(), [0, 0, 1, 1]);
    assert_eq!(file.speakers(), Some(&[0, 1, 0, 1][..]));
    assert_eq!(file.keys(), ["0", "1"]);

    let again = encode(&folder, &["--select", "index=0"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(
        text(&again.stderr).contains("--overwrite"),
        "{}",
        text(&again.stderr)
    );
    let again = encode(
        &folder,
        &["--select", "index=0", "--overwrite", "--threads", "3"],
    );
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains("4 samples, 2 classes, 2 speakers"));
}

#[test]
fn one_broken_file_among_many_is_named_and_counted() {
    let folder = digits();
    let broken = folder.path().join("digits/0_bob_1.wav");
    fs::write(&broken, "no sound at all").expect("a file");
    let output = encode(&folder, &[]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("0_bob_1.wav") && errors.contains("neither WAV nor FLAC"),
        "{errors}"
    );
    assert!(errors.contains("1 of 8 recordings"), "{errors}");
    let out = folder.path().join("out.h5");
    assert_eq!(
        SpikeFile::open(&out).expect("a spike file").labels().len(),
        7
    );

    tone(&broken, 0.4);
    let output = encode(&folder, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: Json = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!((&json["samples"], &json["resumed"]), (&8.into(), &7.into()));
}

#[test]
fn strict_stops_and_keeps_no_half_file() {
    let folder = digits();
    fs::write(folder.path().join("digits/0_ann_0.wav"), "").expect("a file");
    let output = encode(&folder, &["--strict", "--threads", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("no samples"),
        "{}",
        text(&output.stderr)
    );
    assert!(!folder.path().join("out.h5").exists());
}

#[test]
fn wrong_requests_are_refused_before_anything_is_done() {
    let folder = digits();
    for (more, expected) in [
        (&["--set", "stifness=1"][..], "stiffness"),
        (&["--set", "level"], "NAME=VALUE"),
        (&["--preset", "shd2"], "lauscher-2020"),
        (&["--channels", "0"], "channels"),
        (&["--select", "take=1"], "{take}"),
        (&["--select", "index=9"], "leaves nothing"),
        (&["--classes", "0=zero"], "--classes"),
        (&["--mode", "exact", "--seed", "4294967296"], "seed"),
    ] {
        let output = encode(&folder, more);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{more:?}: {errors}");
        assert!(errors.contains(expected), "{more:?}: {errors}");
        assert!(!folder.path().join("out.h5").exists());
    }
}

#[test]
fn a_picture_of_one_recording() {
    let folder = digits();
    let arguments = [
        "preview-audio",
        "digits/1_bob_0.wav",
        "one.svg",
        "--channels",
        "24",
    ];
    let output = run(&folder, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let svg = fs::read_to_string(folder.path().join("one.svg")).expect("a picture");
    assert!(svg.contains("1_bob_0.wav: 0.15 s"));
}

#[test]
fn constants_are_listed_with_units() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = run(&folder, &["audio-constants", "--preset", "lauscher-2020"]);
    assert_eq!(output.status.code(), Some(0));
    let constants = text(&output.stdout);
    assert_eq!(constants.lines().count(), 25);
    assert!(
        constants.contains("100000000") && constants.contains("g/(s² cm²)"),
        "{constants}"
    );
    let output = run(&folder, &["audio-constants", "--json"]);
    let json: Json = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(json["ramp"]["value"], "0.03");
}
