//! The readers of events on real files. `EVENTPROP_TEST_DATA` names a folder that holds
//! `event_formats/` and `dvsgesture_10clips/`; without it these tests say so and pass.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::PathBuf;

use eventprop_data::formats::events::{Format, ReadOptions, Recording, parse, read};

fn data(folder: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("EVENTPROP_TEST_DATA").map(PathBuf::from);
    if dir.is_none() {
        eprintln!("skipped: EVENTPROP_TEST_DATA is not set");
    }
    dir.map(|dir| dir.join(folder))
}

/// Counts and sizes as given beside the files.
#[test]
fn counts_of_the_real_files() {
    let Some(dir) = data("event_formats") else {
        return;
    };
    let expected = [
        ("sample_aedat_header.aedat", Format::Aedat2, 0, None),
        ("sample.aedat4", Format::Aedat4, 111_954, Some((320, 240))),
        (
            "aestream_davis.aedat4",
            Format::Aedat4,
            117_667,
            Some((346, 260)),
        ),
        (
            "faery_dvs.es",
            Format::EventStream,
            473_225,
            Some((320, 240)),
        ),
        ("faery_evt2.raw", Format::Evt2, 521_252, Some((640, 480))),
        ("sample_nmnist.bin", Format::FiveBytes, 4325, Some((34, 34))),
    ];
    for (name, format, count, size) in expected {
        let recording: Recording = read(&dir.join(name)).unwrap();
        assert_eq!(
            (recording.format, recording.events.len()),
            (format, count),
            "{name}"
        );
        if let Some(size) = size {
            let sensor = recording.sensor;
            assert_eq!((sensor.width, sensor.height), size, "{name}");
        }
        assert!(
            recording.events.is_sorted_by_key(|event| event.t_us),
            "{name}"
        );
        eprintln!("{name}: {:?}", recording.notes.lines());
    }
}

/// The first event of each file, decoded by hand from the bytes.
#[test]
fn first_events_of_the_real_files() {
    let Some(dir) = data("event_formats") else {
        return;
    };
    let first = |name: &str| read(&dir.join(name)).unwrap().events[0];
    let digit = first("sample_nmnist.bin");
    // 07 0f 80 02 8e
    assert_eq!(
        (digit.x, digit.y, digit.on, digit.t_us),
        (7, 15, true, 0x28e)
    );
    let stream = first("faery_dvs.es");
    // 01 00 00 ef 00
    assert_eq!(
        (stream.x, stream.y, stream.on, stream.t_us),
        (0, 239, true, 0)
    );
}

/// A real file cut anywhere is read up to the cut or is an error; nothing panics.
#[test]
fn real_files_cut_short() {
    let Some(dir) = data("event_formats") else {
        return;
    };
    for name in ["aestream_davis.aedat4", "faery_dvs.es", "faery_evt2.raw"] {
        let bytes = std::fs::read(dir.join(name)).unwrap();
        let whole = parse(&bytes, &ReadOptions::default()).unwrap().events.len();
        for cut in [1, 2, 3, 5, 1000, bytes.len() / 2, bytes.len() - 40] {
            let rest = &bytes[..bytes.len() - cut];
            if let Ok(recording) = parse(rest, &ReadOptions::default()) {
                assert!(
                    recording.events.len() <= whole,
                    "{name} without {cut} bytes"
                );
            }
        }
    }
}

/// Events per clip, counted as file size / 5; all inside 128 × 128 and 1.45 s.
#[test]
fn ten_clips_of_gestures() {
    let Some(dir) = data("dvsgesture_10clips") else {
        return;
    };
    let counts = [
        63_471, 84_260, 113_063, 151_879, 181_179, 124_244, 159_617, 101_288, 141_773, 85_936,
    ];
    for (n, count) in (1..).zip(counts) {
        let clip = read(&dir.join(format!("{n}.bs2"))).unwrap();
        assert_eq!(clip.events.len(), count);
        assert_eq!((clip.sensor.width, clip.sensor.height), (128, 128));
        assert!(clip.span_us().unwrap().1 < 1_450_000);
    }
}
