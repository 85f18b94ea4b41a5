//! What a file can make of memory and disk, and what is left out of it.

use super::aedat4::{events, header, header_of, packet};
use super::*;

/// Many equal events pack so well that a small file would fill the memory.
#[test]
fn a_file_that_unpacks_to_far_more_than_itself_is_refused() {
    let still = events(&vec![on(5, 1, 1); 1 << 18]);
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let body = packet(2, &ruzstd::encoding::compress_to_vec(&still[..], level));
    // 4 MiB of events each: 16 of them are always allowed, more only in a file that has so many bytes.
    let mut file = [header(3), body.repeat(15)].concat();
    assert!(file.len() < 1 << 18);
    assert_eq!(read_bytes(&file).unwrap().events.len(), 15 << 18);
    file.extend(body.repeat(15));
    let problem = read_bytes(&file).unwrap_err();
    let EventProblem::Unpacked {
        bytes_max,
        file_bytes,
        ..
    } = problem
    else {
        panic!("{problem}");
    };
    assert_eq!(
        (bytes_max, file_bytes),
        ((1 << 26) + 64 * file_bytes, file.len() as u64)
    );
    assert!(
        problem.to_string().contains("without compression"),
        "{problem}"
    );
}

#[test]
fn silence_does_not_fill_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.es");
    // Two hours are always written; three are not for one event.
    let hour = 3_600_000_000;
    let write = |events| write(&path, &recording_of(SENSOR, events), Format::EventStream);
    for last in [3 * hour, 1_605_507_430_438_338, i64::MAX] {
        let problem = write(vec![on(last, 1, 1)]).unwrap_err().to_string();
        assert!(!path.exists());
        let bytes = format!("{} bytes", last / 127);
        assert!(
            problem.contains(&bytes) && problem.contains("--origin first"),
            "{problem}"
        );
    }
    let events = vec![on(5, 1, 1), on(400, 2, 2)];
    write(events.clone()).unwrap();
    // 395 µs are three times 127 and 14.
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 20 + 2 * 5 + 3);
    assert_eq!(read(&path).unwrap().events, events);
}

/// A file of HDF5 can claim any number of events that it does not have.
#[test]
fn hdf5_that_claims_more_than_it_can_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let make = |events: usize| {
        let file = rust_hdf5::H5File::create(&path).unwrap();
        let group = file.create_group("events").unwrap();
        for name in ["x", "y", "t", "p"] {
            let column = group.new_dataset::<u16>().shape([events]);
            let column = column.chunk(&[64]).resizable();
            column.create(name).unwrap();
        }
        file.close().unwrap();
        read(&path)
    };
    // Columns that nothing was written to are zeros.
    assert_eq!(make(3).unwrap().events, [off(0, 0, 0); 3]);
    for events in [1 << 26, 1 << 40, usize::MAX] {
        let problem = make(events).unwrap_err().to_string();
        assert!(problem.contains("unpacks to more than"), "{problem}");
    }
}

/// Rows without names, of which there is one.
#[test]
fn hdf5_with_a_single_event() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let file = rust_hdf5::H5File::create(&path).unwrap();
    let rows = file.new_dataset::<u32>().shape([1, 4]);
    rows.create("events")
        .unwrap()
        .write_raw(&[7u32, 3, 2, 1])
        .unwrap();
    file.close().unwrap();
    assert_eq!(read(&path).unwrap().events, [on(7, 3, 2)]);
    let options = ReadOptions {
        columns: Some("x,y,t_ms,p".parse().unwrap()),
        ..ReadOptions::default()
    };
    assert_eq!(read_with(&path, &options).unwrap().events, [on(2000, 7, 3)]);
}

#[test]
fn hdf5_without_events_says_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let make = |names: &[(&str, usize)]| {
        let file = rust_hdf5::H5File::create(&path).unwrap();
        let group = file.create_group("a").unwrap();
        for (name, length) in names {
            let column = group.new_dataset::<u16>().shape([*length]);
            column.create(name).unwrap();
        }
        file.close().unwrap();
        read(&path).unwrap_err().to_string()
    };
    let strange = make(&[("image", 5), ("t", 5)]);
    assert!(
        strange.contains("a/image") && strange.contains("t, x, y and p"),
        "{strange}"
    );
    let unlike = make(&[("t", 5), ("x", 4)]);
    assert!(
        unlike.contains("a/t has the shape [5] and a/x [4]"),
        "{unlike}"
    );
}

/// A recording counts from its first event or from the zero of the file, wherever that is.
#[test]
fn times_count_from_the_origin_that_is_asked_for() {
    let text = b"t,x,y,p\n1605507430438338,1,1,1\n1605507430438340,1,1,0\n";
    let of = |origin: &str| {
        let options = ReadOptions {
            origin: origin.parse().unwrap(),
            ..ReadOptions::default()
        };
        parse(text, &options).unwrap().events
    };
    assert_eq!(of("first"), [on(0, 1, 1), off(2, 1, 1)]);
    assert_eq!(of("first"), of("first_event"));
    assert_eq!(of("zero")[0].t_us, 1_605_507_430_438_338);
    assert_eq!(of("zero"), of("file"));
    let unknown = "start".parse::<TimeOrigin>().unwrap_err().to_string();
    assert!(
        unknown.contains("\"start\"") && unknown.contains("first"),
        "{unknown}"
    );
}

/// Two cameras in one file: the first is read, the packets of the other are counted by themselves.
#[test]
fn a_second_stream_of_events_is_said() {
    let streams = br#"<node name="0"><attr key="typeIdentifier" type="string">EVTS</attr>
        <node name="info"><attr key="sizeX" type="int">8</attr><attr key="sizeY" type="int">9</attr></node></node>
        <node name="1"><attr key="typeIdentifier" type="string">IMUS</attr></node>
        <node name="2"><attr key="typeIdentifier" type="string">EVTS</attr></node>"#;
    let bodies = [
        packet(0, &events(&[on(3, 7, 8)])),
        packet(2, &events(&[on(3, 1, 1)])),
        packet(2, &events(&[on(4, 1, 1)])),
        packet(1, b"?"),
    ];
    let file = [header_of(0, streams), bodies.concat()].concat();
    let recording = read_bytes(&file).unwrap();
    assert_eq!(recording.events, [on(3, 7, 8)]);
    assert_eq!((recording.sensor.width, recording.sensor.height), (8, 9));
    assert_eq!((recording.notes.streams, recording.notes.other), (2, 1));
    let lines = recording.notes.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("2 packets of further streams")),
        "{lines:?}"
    );
}
