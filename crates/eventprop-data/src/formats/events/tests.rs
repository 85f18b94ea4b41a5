use std::path::Path;

use proptest::prelude::*;

use super::collector::Unwrapper;
use super::columns::{Columns, TimeUnit};
use super::*;
use crate::formats::npz;

mod bounds;
mod prophesee_files;

fn on(t_us: i64, x: u16, y: u16) -> Event {
    let on = true;
    Event { t_us, x, y, on }
}

fn off(t_us: i64, x: u16, y: u16) -> Event {
    Event {
        on: false,
        ..on(t_us, x, y)
    }
}

fn read_bytes(bytes: &[u8]) -> Result<Recording, EventProblem> {
    parse(bytes, &ReadOptions::default())
}

fn offset_of(problem: &EventProblem) -> u64 {
    match problem {
        EventProblem::Damaged { offset, .. }
        | EventProblem::TimeBack { offset, .. }
        | EventProblem::Value { offset, .. } => *offset,
        other => panic!("{other}"),
    }
}

/// AEDAT 3.1 as its specification words it, without the code of the writer under test.
mod aedat31_by_hand {
    pub const HEADER: &[u8] = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n\
        #Start-Time: 2016-05-05 10:00:00 (TZ+0200)\r\n#!END-HEADER\r\n";

    pub fn polarity(valid: u32, on: u32, (x, y): (u32, u32), time: u32) -> Vec<u8> {
        let data = valid + 2 * on + 4 * y + (x << 17);
        [data.to_le_bytes(), time.to_le_bytes()].concat()
    }

    pub fn packet(kind: u16, event_bytes: u32, overflow: u32, events: &[Vec<u8>]) -> Vec<u8> {
        let count = events.len() as u32;
        packet_of(
            kind,
            [event_bytes, 4, overflow, count, count, count],
            events,
        )
    }

    pub fn packet_of(kind: u16, words: [u32; 6], events: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = [kind.to_le_bytes(), 1u16.to_le_bytes()].concat();
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend(events.concat());
        bytes
    }
}

mod aedat31 {
    use super::aedat31_by_hand::{HEADER, packet, packet_of, polarity};
    use super::*;

    fn file(packets: &[Vec<u8>]) -> Vec<u8> {
        [HEADER, &packets.concat()].concat()
    }

    fn ordinary() -> Vec<Vec<u8>> {
        vec![
            packet(
                1,
                8,
                0,
                &[
                    polarity(1, 1, (3, 5), 100),
                    polarity(0, 1, (4, 5), 101),
                    polarity(1, 0, (127, 126), 0x7fff_fff0),
                ],
            ),
            // Special events and a frame.
            packet(0, 8, 0, &[vec![1; 8], vec![2; 8]]),
            packet(2, 36, 0, &[vec![9; 36]]),
            packet(1, 8, 1, &[polarity(1, 1, (0, 127), 7)]),
        ]
    }

    /// Two valid events of three, packets of two other types, and 2³¹ µs more after the overflow.
    #[test]
    fn types_overflow_and_invalid_events() {
        let recording = read_bytes(&file(&ordinary())).unwrap();
        assert_eq!(recording.format, Format::Aedat31);
        assert_eq!(
            (recording.sensor.width, recording.sensor.height),
            (128, 128)
        );
        assert_eq!(recording.sensor.size_from, SizeFrom::File);
        let last = on((1 << 31) + 7, 0, 127);
        let expected = [on(100, 3, 5), off(0x7fff_fff0, 127, 126), last];
        assert_eq!(recording.events, expected);
        assert_eq!((recording.notes.invalid, recording.notes.other), (1, 2));
        assert_eq!(recording.notes.lines().len(), 2);
    }

    /// A packet may have room for more events than there are.
    #[test]
    fn capacity_beyond_the_number_of_events_is_skipped() {
        let events = [polarity(1, 1, (1, 2), 3), polarity(1, 1, (9, 9), 9)];
        let roomy = packet_of(1, [8, 4, 0, 2, 1, 1], &events);
        let next = packet(1, 8, 0, &[polarity(1, 0, (2, 2), 4)]);
        let recording = read_bytes(&file(&[roomy, next])).unwrap();
        assert_eq!(recording.events, [on(3, 1, 2), off(4, 2, 2)]);
    }

    /// The events before the cut are there, and the note says at which byte the file stops being whole.
    #[test]
    fn every_cut_keeps_what_was_before_it() {
        let whole = file(&ordinary());
        for length in HEADER.len()..whole.len() {
            let recording = read_bytes(&whole[..length]).unwrap();
            let body = (length - HEADER.len()).saturating_sub(28);
            assert!(recording.events.len() >= usize::from(body >= 8), "{length}");
            let at_a_packet = [0, 52, 96, 160].contains(&(length - HEADER.len()));
            assert_eq!(
                recording.notes.truncated_at.is_none(),
                at_a_packet,
                "{length}"
            );
        }
    }

    #[test]
    fn a_clock_that_was_reset_is_an_error_with_its_byte() {
        let packets = [
            packet(1, 8, 0, &[polarity(1, 1, (3, 5), 5_000_000)]),
            packet(1, 8, 0, &[polarity(1, 1, (3, 5), 100)]),
        ];
        let problem = read_bytes(&file(&packets)).unwrap_err();
        assert_eq!(offset_of(&problem), (HEADER.len() + 28 + 8 + 28) as u64);
        assert!(
            problem.to_string().contains("from 5000000 to 100"),
            "{problem}"
        );
    }

    #[test]
    fn a_little_disorder_is_sorted_and_counted() {
        let events = [polarity(1, 1, (3, 5), 500), polarity(1, 0, (3, 6), 100)];
        let recording = read_bytes(&file(&[packet(1, 8, 0, &events)])).unwrap();
        assert_eq!(recording.events, [off(100, 3, 6), on(500, 3, 5)]);
        assert_eq!(recording.notes.backward, 1);
        assert_eq!(
            recording.notes.backward_first,
            Some(HEADER.len() as u64 + 36)
        );
    }

    #[test]
    fn coordinates_outside_the_camera_are_counted() {
        let events = [polarity(1, 1, (128, 5), 500), polarity(1, 0, (3, 6), 600)];
        let recording = read_bytes(&file(&[packet(1, 8, 0, &events)])).unwrap();
        assert_eq!((recording.events.len(), recording.notes.outside), (1, 1));
    }

    #[test]
    fn contradictions_name_their_byte() {
        let event = [polarity(1, 1, (3, 5), 5)];
        let start = HEADER.len() as u64;
        for (words, at) in [
            ([8, 4, 0, 1, 2, 1], start + 20),
            ([16, 4, 0, 1, 1, 1], start + 4),
            ([0, 4, 0, 1, 1, 1], start + 4),
        ] {
            let problem = read_bytes(&file(&[packet_of(1, words, &event)])).unwrap_err();
            assert_eq!(offset_of(&problem), at, "{problem}");
        }
        let headless = b"#!AER-DAT3.1\r\n#Format: RAW\r\n";
        let problem = read_bytes(headless).unwrap_err().to_string();
        assert!(problem.contains("#!END-HEADER"), "{problem}");
        let packed = b"#!AER-DAT3.1\r\n#Format: SerializedTS\r\n#!END-HEADER\r\n";
        let problem = read_bytes(packed).unwrap_err().to_string();
        assert!(problem.contains("SerializedTS"), "{problem}");
    }
}

mod other_formats {
    use super::*;

    /// 4325 events make no sense of this; one overflow event in row 240 adds 2¹³ µs.
    #[test]
    fn five_bytes() {
        let bytes = [[1, 2, 0x80, 0, 9], [7, 240, 0, 0, 9], [3, 4, 0, 0, 10]];
        let recording = read_bytes(bytes.as_flattened()).unwrap();
        assert_eq!(recording.events, [on(9, 1, 2), off((1 << 13) + 10, 3, 4)]);
        assert_eq!(recording.notes.overflows, 1);
        let cut = read_bytes(&bytes.as_flattened()[..13]).unwrap();
        assert_eq!(cut.notes.truncated_at, Some(10));
        let problem = read_five_bytes(bytes.as_flattened(), Some((3, 34))).unwrap_err();
        assert_eq!(offset_of(&problem), 10);
    }

    #[test]
    fn evt2() {
        let words: [u32; 7] = [
            5 << 11 | 6, // OFF before the clock
            8 << 28 | 2, // 2 · 64 µs
            1 << 28 | 3 << 22 | 5 << 11 | 6,
            10 << 28, // trigger
            8 << 28 | 0x0fff_ffff,
            8 << 28, // overflow
            1 << 22 | 0x4ff << 11 | 0x2cf,
        ];
        let mut bytes = b"% evt 2.0\n% geometry 1280x720\n".to_vec();
        let start = bytes.len();
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        let recording = read_bytes(&bytes).unwrap();
        assert_eq!(
            recording.events,
            [on(131, 5, 6), off((1 << 34) + 1, 1279, 719)]
        );
        assert_eq!(
            (recording.sensor.width, recording.sensor.height),
            (1280, 720)
        );
        let notes = &recording.notes;
        assert_eq!(
            (notes.before_clock, notes.other, notes.overflows),
            (1, 1, 1)
        );
        bytes.extend((7u32 << 28).to_le_bytes());
        assert_eq!(
            offset_of(&read_bytes(&bytes).unwrap_err()),
            start as u64 + 28
        );
    }

    #[test]
    fn dat() {
        let mut bytes = b"% Version 2\n% Height 240\n% Width 304\n".to_vec();
        let header = bytes.len() as u64;
        bytes.extend([12, 8]);
        for (time, x, y, p) in [(u32::MAX - 1, 303, 2, 1), (3, 0, 239, 0)] {
            bytes.extend(u32::to_le_bytes(time));
            bytes.extend(u32::to_le_bytes(x | y << 14 | p << 28));
        }
        let recording = read_bytes(&bytes).unwrap();
        let first = i64::from(u32::MAX) - 1;
        assert_eq!(
            recording.events,
            [on(first, 303, 2), off((1 << 32) + 3, 0, 239)]
        );
        assert_eq!(
            (recording.sensor.width, recording.sensor.height),
            (304, 240)
        );
        let problem = read_bytes(b"% Version 2\n\x01\x07").unwrap_err();
        assert_eq!(offset_of(&problem), 12.min(header));
    }

    #[test]
    fn es() {
        let mut bytes = b"Event Stream\x02\x00\x00\x01\x40\x01\xf0\x00".to_vec();
        bytes.extend([0xff, 0xff, 0xfe, 3 << 1 | 1, 0x3f, 1, 0xef, 0]);
        bytes.extend([0, 1, 0, 2, 0, 9]);
        let recording = read_bytes(&bytes).unwrap();
        assert_eq!(recording.events, [on(257, 319, 239), off(257, 1, 2)]);
        assert_eq!(recording.notes.truncated_at, Some(33));
        bytes.extend([0, 0, 240, 0]);
        assert_eq!(offset_of(&read_bytes(&bytes).unwrap_err()), 33);
        let grey = b"Event Stream\x02\x00\x00\x02\x40\x01\xf0\x00";
        assert_eq!(offset_of(&read_bytes(grey).unwrap_err()), 15);
    }

    /// Raw polarity 0 is ON for a DVS128 and OFF for a DAVIS.
    #[test]
    fn aedat2() {
        let event = |address: u32, time: u32| [address.to_be_bytes(), time.to_be_bytes()].concat();
        let dvs = [
            b"#!AER-DAT2.0\r\n# AEChip: ch.unizh.ini.jaer.chip.retina.DVS128\r\n".to_vec(),
            event(5 << 1 | 6 << 8, 10),
            event(1 | 0x8000, 11),
            event(1 | 127 << 1 | 127 << 8, 12),
        ];
        let recording = read_bytes(&dvs.concat()).unwrap();
        assert_eq!(recording.events, [on(10, 5, 6), off(12, 127, 127)]);
        assert_eq!((recording.sensor.width, recording.notes.other), (128, 1));
        let davis = [
            b"#!AER-DAT2.0\r\n".to_vec(),
            event(1 << 11 | 239 << 12 | 179 << 22, 10),
            event(1 << 31, 11),
            event(1 << 12, 12),
            vec![1, 2, 3],
        ];
        let recording = read_bytes(&davis.concat()).unwrap();
        assert_eq!(recording.events, [on(10, 239, 179), off(12, 1, 0)]);
        assert_eq!(recording.notes.truncated_at, Some(14 + 24));
        assert!(
            recording
                .notes
                .lines()
                .iter()
                .any(|line| line.contains("DAVIS"))
        );
    }
}

/// A FlatBuffer of one table, put together by hand: identifier, fields (offset 0 for a default).
mod aedat4 {
    use std::io::Write;

    use super::*;

    fn table(identifier: [u8; 4], fields: &[u16], table: &[u8]) -> Vec<u8> {
        let vtable_bytes = 4 + 2 * fields.len();
        let at = 8 + vtable_bytes;
        let mut buffer = (at as u32).to_le_bytes().to_vec();
        buffer.extend(identifier);
        buffer.extend((vtable_bytes as u16).to_le_bytes());
        buffer.extend((table.len() as u16 + 4).to_le_bytes());
        buffer.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
        buffer.extend((vtable_bytes as i32).to_le_bytes());
        buffer.extend(table);
        [&(buffer.len() as u32).to_le_bytes()[..], &buffer].concat()
    }

    /// Compression at 4, position of the table of contents at 8, text behind at 16.
    pub fn header(compression: u32) -> Vec<u8> {
        let streams = br#"<dv version="2.0"><node name="outInfo"><node name="1">
            <attr key="typeIdentifier" type="string">IMUS</attr></node><node name="2">
            <attr key="typeIdentifier" type="string">EVTS</attr><node name="info">
            <attr key="sizeX" type="int">346</attr><attr key="sizeY" type="int">260</attr>
            </node></node></node></dv>"#;
        header_of(compression, streams)
    }

    pub fn header_of(compression: u32, xml: &[u8]) -> Vec<u8> {
        let mut content = compression.to_le_bytes().to_vec();
        content.extend((-1i64).to_le_bytes());
        content.extend(4u32.to_le_bytes());
        content.extend((xml.len() as u32).to_le_bytes());
        content.extend(xml);
        [
            b"#!AER-DAT4.0\r\n".to_vec(),
            table(*b"IOHE", &[4, 8, 16], &content),
        ]
        .concat()
    }

    pub fn events(list: &[Event]) -> Vec<u8> {
        let mut content = 4u32.to_le_bytes().to_vec();
        content.extend((list.len() as u32).to_le_bytes());
        for event in list {
            content.extend(event.t_us.to_le_bytes());
            content.extend(event.x.to_le_bytes());
            content.extend(event.y.to_le_bytes());
            content.extend([u8::from(event.on), 0, 0, 0]);
        }
        table(*b"EVTS", &[4], &content)
    }

    pub fn packet(stream: u32, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32).to_le_bytes();
        [&stream.to_le_bytes()[..], &length, body].concat()
    }

    const LIST: [Event; 3] = [
        Event {
            t_us: 1 << 50,
            x: 345,
            y: 259,
            on: true,
        },
        Event {
            t_us: 1 << 50,
            x: 346,
            y: 0,
            on: true,
        },
        Event {
            t_us: (1 << 50) + 1,
            x: 0,
            y: 1,
            on: false,
        },
    ];

    #[test]
    fn plain_and_packed() {
        let lz4 = |bytes: &[u8]| {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        let zstd = |bytes: &[u8]| {
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            ruzstd::encoding::compress_to_vec(bytes, level)
        };
        let body = events(&LIST);
        let packed = [(0, body.clone()), (1, lz4(&body)), (3, zstd(&body))];
        for (compression, body) in packed {
            let file = [header(compression), packet(1, b"?"), packet(2, &body)].concat();
            let recording = read_bytes(&file).unwrap();
            assert_eq!(recording.events, [LIST[0], LIST[2]]);
            assert_eq!((recording.notes.outside, recording.notes.other), (1, 1));
            let sensor = recording.sensor;
            assert_eq!((sensor.width, sensor.height), (346, 260));
        }
    }

    #[test]
    fn a_cut_packet_is_noted_and_a_damaged_one_is_an_error() {
        let start = header(1).len();
        let file = [header(1), packet(2, b"no frame")].concat();
        assert_eq!(offset_of(&read_bytes(&file).unwrap_err()), start as u64 + 8);
        let cut = read_bytes(&file[..file.len() - 1]).unwrap();
        assert_eq!(cut.notes.truncated_at, Some(start as u64));
    }
}

mod tables {
    use super::*;

    #[test]
    fn csv_by_names_in_any_order_and_unit() {
        let text = "# made by hand\nx, y ,t_ms,p,lux\n3,4,0.5,1,9\n5,6,1.25,-1,9\n";
        let recording = read_bytes(text.as_bytes()).unwrap();
        assert_eq!(recording.events, [on(500, 3, 4), off(1250, 5, 6)]);
        assert_eq!(recording.notes.columns, ["lux"]);
        let channels = read_bytes(b"time_s channel\n0.000001 7\n2 9\n").unwrap();
        assert_eq!(channels.events, [on(1, 7, 0), on(2_000_000, 9, 0)]);
        assert_eq!(channels.sensor.polarity, Polarity::None);
        assert_eq!((channels.sensor.width, channels.sensor.height), (10, 1));
    }

    #[test]
    fn csv_lines_end_as_on_any_system() {
        let text = "# t in us\nt,x,y,p\n1,2,3,1\n\n5,6,7,0\n9,9,q,1\n";
        for end in ["\n", "\r\n", "\r"] {
            let good = text.replace("9,9,q,1\n", "").replace('\n', end);
            let recording = read_bytes(good.as_bytes()).unwrap();
            assert_eq!(recording.events, [on(1, 2, 3), off(5, 6, 7)], "{end:?}");
            let problem = read_bytes(text.replace('\n', end).as_bytes()).unwrap_err();
            assert!(problem.to_string().starts_with("line 6"), "{problem}");
        }
    }

    /// e2vid begins its tables with the size of the sensor.
    #[test]
    fn a_first_line_of_two_numbers_is_the_sensor() {
        let options = ReadOptions {
            columns: Some("t_s,x,y,p".parse().unwrap()),
            ..ReadOptions::default()
        };
        let text = b"240 180\n0.003811 96 133 0\n0.003820 127 171 1\n";
        let recording = parse(text, &options).unwrap();
        assert_eq!(recording.events, [off(3811, 96, 133), on(3820, 127, 171)]);
        assert_eq!(
            (recording.sensor.width, recording.sensor.height),
            (240, 180)
        );
        let nameless = read_bytes(text).unwrap_err().to_string();
        assert!(nameless.contains("\"0.003811\""), "{nameless}");
        // A list of two columns has its first row there.
        let options = ReadOptions {
            columns: Some("t_ms,channel".parse().unwrap()),
            ..ReadOptions::default()
        };
        assert_eq!(parse(b"5 7\n6 8\n", &options).unwrap().events.len(), 2);
    }

    #[test]
    fn text_in_utf16_is_named() {
        for bytes in [b"\xff\xfet\x00,\x00", b"\xfe\xff\x00t\x00,"] {
            let problem = read_bytes(bytes).unwrap_err().to_string();
            assert!(
                problem.contains("UTF-16") && problem.contains("save it as UTF-8"),
                "{problem}"
            );
        }
    }

    /// Rows t, x, y, p without names are not x, y, p, t: the third number is no polarity.
    #[test]
    fn a_column_that_holds_no_polarities_is_refused() {
        let rows: Vec<f64> = (0..4).flat_map(|t| [f64::from(t), 5.0, 7.0, 1.0]).collect();
        let array = npz::array(&[4, 4], &rows);
        let problem = read_bytes(&array).unwrap_err().to_string();
        assert!(
            problem.contains("polarities 0, 1 or -1") && problem.contains("name the columns"),
            "{problem}"
        );
        let options = ReadOptions {
            columns: Some("t,x,y,p".parse().unwrap()),
            ..ReadOptions::default()
        };
        assert_eq!(parse(&array, &options).unwrap().events[3], on(3, 5, 7));
        let problem = read_bytes(b"t,x,y,p\n1,2,3,7\n").unwrap_err().to_string();
        assert!(problem.contains("a polarity of 0, 1 or -1"), "{problem}");
    }

    #[test]
    fn csv_errors_name_line_and_byte() {
        let problem = read_bytes(b"t,x,y,p\n1,2,3,1\n1,2,q,1\n").unwrap_err();
        assert_eq!(offset_of(&problem), 16);
        assert!(
            problem.to_string().starts_with("line 3, byte 16: \"q\""),
            "{problem}"
        );
        let problem = read_bytes(b"t,x,y,p\n1,70000,3,1\n").unwrap_err();
        assert!(problem.to_string().contains("0 to 65535"), "{problem}");
        let nameless = read_bytes(b"0.0038 96 133 0\n").unwrap_err().to_string();
        assert!(nameless.contains("t_ms"), "{nameless}");
        let options = ReadOptions {
            columns: Some("t_s,x,y,p".parse().unwrap()),
            ..ReadOptions::default()
        };
        let given = parse(b"0.0038 96 133 0\n", &options).unwrap();
        assert_eq!(given.events, [off(3800, 96, 133)]);
    }

    /// Seconds under a name that says no unit are not µs.
    #[test]
    fn fractions_of_an_unsaid_unit_are_refused() {
        for name in ["t", "ts", "Time", "timestamp"] {
            let text = format!("{name},x,y,p\n0.001234,3,4,1\n");
            let problem = read_bytes(text.as_bytes()).unwrap_err().to_string();
            assert!(
                problem.starts_with("line 2") && problem.contains("t_s"),
                "{problem}"
            );
            let whole = read_bytes(text.replace("0.001234", "7.0").as_bytes()).unwrap();
            assert_eq!(whole.events, [on(7, 3, 4)]);
        }
        let rounded = read_bytes(b"t_us,x,y,p\n1234.5,3,4,1\n").unwrap();
        assert_eq!(rounded.events, [on(1235, 3, 4)]);
        let dictionary =
            "{'descr': [('t', '<f8'), ('x', '<u1')], 'fortran_order': False, 'shape': (2,), }\n";
        let rows =
            |second: f64| [&1.0f64.to_le_bytes()[..], &[3], &second.to_le_bytes(), &[4]].concat();
        let problem = read_bytes(&npy(dictionary, &rows(0.25))).unwrap_err();
        assert!(problem.to_string().starts_with("line 2"), "{problem}");
        assert_eq!(
            read_bytes(&npy(dictionary, &rows(2.0)))
                .unwrap()
                .events
                .len(),
            2
        );
    }

    #[test]
    fn columns_need_one_time_and_one_place() {
        for bad in ["x,y", "t,y", "t,t_ms,x", "t,x,x", "t,x,channel", ""] {
            assert!(bad.parse::<Columns>().is_err(), "{bad}");
        }
        assert_eq!(TimeUnit::S.to_us(1.5), Some(1_500_000));
        assert_eq!(TimeUnit::Ms.to_us(f64::NAN), None);
        assert_eq!(TimeUnit::Ms.to_us(1e300), None);
    }

    fn npy(dictionary: &str, values: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((dictionary.len() as u16).to_le_bytes());
        bytes.extend(dictionary.as_bytes());
        bytes.extend(values);
        bytes
    }

    /// tonic's own type of events: x and y 16 bits, t 64 bits, p boolean.
    #[test]
    fn npy_table_with_names() {
        let dictionary = "{'descr': [('x', '<i2'), ('y', '>i2'), ('t', '<i8'), ('p', '?')], \
            'fortran_order': False, 'shape': (2,), }\n";
        let mut values = vec![3, 0, 0, 4];
        values.extend(70_000i64.to_le_bytes());
        values.extend([1, 5, 0, 1, 0]);
        values.extend(70_001i64.to_le_bytes());
        values.push(0);
        let bytes = npy(dictionary, &values);
        let recording = read_bytes(&bytes).unwrap();
        assert_eq!(recording.events, [on(70_000, 3, 4), off(70_001, 5, 256)]);
        let cut = read_bytes(&bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(cut.events, [on(70_000, 3, 4)]);
        assert_eq!(
            cut.notes.truncated_at,
            Some(10 + dictionary.len() as u64 + 13)
        );
        let longer = [&bytes[..], &[0]].concat();
        assert!(read_bytes(&longer).is_err());
    }

    /// Rows of x, y, p and t in ms.
    #[test]
    fn npy_clips_of_tonic() {
        let dictionary = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4), }";
        let rows = [[3.0, 4.0, 1.0, 0.5], [127.0, 0.0, 0.0, 1.75f64]];
        let values: Vec<u8> = rows
            .as_flattened()
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let recording = read_bytes(&npy(dictionary, &values)).unwrap();
        assert_eq!(recording.events, [on(500, 3, 4), off(1750, 127, 0)]);
        assert_eq!(recording.notes.assumed.len(), 1);
        let fraction: Vec<u8> = [3.5, 4.0, 1.0, 0.5f64]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let one = dictionary.replace("(2, 4)", "(1, 4)");
        assert!(read_bytes(&npy(&one, &fraction)).is_err());
        // The same columns, one after the other.
        let columns = dictionary.replace("False", "True");
        let values: Vec<u8> = [3.0, 127.0, 4.0, 0.0, 1.0, 0.0, 0.5, 1.75f64]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let recording = read_bytes(&npy(&columns, &values)).unwrap();
        assert_eq!(recording.events, [on(500, 3, 4), off(1750, 127, 0)]);
        let cut = read_bytes(&npy(&columns, &values[..63])).unwrap_err();
        assert!(matches!(cut, EventProblem::Damaged { .. }), "{cut}");
    }

    /// The type of the Metavision SDK, and a column of texts that is not read.
    #[test]
    fn npy_records_with_room_between_their_fields() {
        let dictionary = "{'descr': [('x', '<u2'), ('y', '<u2'), ('p', '<i2'), ('', '|V2'), ('t', '<i8'), \
            ('note', '<U2'), ('pair', '<f4', (2,))], 'fortran_order': False, 'shape': (2, 1), }";
        let mut values = Vec::new();
        for (t, x, p) in [(10i64, 3u16, 1u16), (20, 5, 0)] {
            values.extend([x, 4, p, 0xFFFF].iter().flat_map(|v| v.to_le_bytes()));
            values.extend(t.to_le_bytes());
            values.extend([0xFF; 16]);
        }
        let recording = read_bytes(&npy(dictionary, &values)).unwrap();
        assert_eq!(recording.events, [on(10, 3, 4), off(20, 5, 4)]);
        assert_eq!(recording.notes.columns, ["note", "pair"]);
    }

    /// What is only another layout is not called damaged, and a way out is said.
    #[test]
    fn npy_arrays_of_other_layouts_are_named() {
        let of = |descr: &str, shape: &str| {
            let dictionary =
                format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}");
            read_bytes(&npy(&dictionary, &[0; 64])).unwrap_err()
        };
        for (descr, shape, words) in [
            ("[('t', '<M8[us]'), ('x', '<u2')]", "(2,)", "timedelta64"),
            ("'<M8[ms]'", "(2, 4)", "timedelta64"),
            ("[('t', '<i8'), ('x', [('a', '<i4')])]", "(2,)", "whole µs"),
            ("[('t', '<i8'), ('x', '<u2', (2,))]", "(2,)", "whole µs"),
            (
                "[('t', '<i8'), ('x', '<u2')]",
                "(2, 2)",
                "one row per event",
            ),
            ("'<i4'", "(4, 3)", "array.T"),
            ("'<i4'", "(12,)", "one row per event"),
            ("'|O'", "(4, 3)", "whole numbers"),
        ] {
            let error = of(descr, shape).to_string();
            assert!(error.contains(words), "{descr}: {error}");
            assert!(!error.contains("damaged"), "{descr}: {error}");
        }
        let error = of("'<f8'", "(1, 4)").to_string();
        assert!(error.contains("as many as the header says"), "{error}");
    }

    /// As `numpy.savetxt`, pandas, R, a German Excel and OpenEB write them.
    #[test]
    fn csv_in_the_words_of_other_programs() {
        let columns = || ReadOptions {
            columns: Some("x,y,p,t".parse().unwrap()),
            ..ReadOptions::default()
        };
        let savetxt = "3.0e+01 4.0e+01 1.0e+00 1.0e+02\n3.1e+01 4.1e+01 0.0e+00 2.0e+02\n";
        let geometry = "%geometry:1280,720\n30,40,1,100\n31,41,0,200\n";
        for (text, options) in [
            (savetxt, columns()),
            (geometry, columns()),
            (
                "x,y,p,t\n30.0,40.0,1.0,100\n31.0,41.0,0.0,200\n",
                ReadOptions::default(),
            ),
            (
                "\"\",\"x\",\"y\",\"p\",\"t\"\n\"1\",30,40,1,100\n\"2\",31,41,0,200\n",
                ReadOptions::default(),
            ),
            (
                "x;y;p;t_ms\n30;40;1;0,1\n31;41;0;0,2\n",
                ReadOptions::default(),
            ),
            (
                "x\ty\tp\tt_ms\n30,0\t40\t1\t0,1\n31\t41\t0\t0,2\n",
                ReadOptions::default(),
            ),
        ] {
            let recording = parse(text.as_bytes(), &options).unwrap();
            assert_eq!(
                recording.events,
                [on(100, 30, 40), off(200, 31, 41)],
                "{text}"
            );
            assert!(recording.notes.columns.is_empty(), "{text}");
        }
        let sensor = parse(geometry.as_bytes(), &columns()).unwrap().sensor;
        assert_eq!((sensor.width, sensor.height), (1280, 720));
        assert_eq!(sensor.size_from, SizeFrom::File);
        for (text, words) in [
            ("t,x\n1,30.5\n", "\"30.5\" is no whole number"),
            ("t,x\n1,2,3\n", "\"3\" is no value of a column with a name"),
            ("t;x\n1,5,0;2\n", "\"1,5,0\" is no time"),
        ] {
            let error = read_bytes(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    /// As SpikingJelly keeps recordings, and as one array of records.
    #[test]
    fn npz_table_of_columns_or_records() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording.npz");
        let read_archive = |arrays: &[(&str, Vec<u8>)]| {
            std::fs::write(&path, npz::archive(arrays)).unwrap();
            read(&path)
        };
        let column = |values: &[f64]| npz::array(&[values.len()], values);
        let columns = [
            ("t", column(&[10.0, 20.0])),
            ("x", column(&[3.0, 5.0])),
            ("y", column(&[4.0, 4.0])),
            ("p", column(&[1.0, 0.0])),
            ("label", column(&[7.0])),
        ];
        let recording = read_archive(&columns).unwrap();
        assert_eq!(recording.events, [on(10, 3, 4), off(20, 5, 4)]);
        assert_eq!(
            (recording.format, recording.notes.columns),
            (Format::Npz, vec!["label".into()])
        );
        let dictionary = "{'descr': [('t', '<u4'), ('x', '|u1'), ('y', '|u1')], \
            'fortran_order': False, 'shape': (1,), }";
        let records = npy(dictionary, &[10, 0, 0, 0, 3, 4]);
        let recording = read_archive(&[("event_data", records)]).unwrap();
        assert_eq!(recording.events, [on(10, 3, 4)]);
        let short = [("t", column(&[10.0, 20.0])), ("x", column(&[3.0]))];
        let none = [("t", column(&[10.0])), ("x", column(&[-1.0]))];
        let wide = [
            ("t", column(&[10.0])),
            ("x", npz::array(&[2, 2], &[1.0; 4])),
        ];
        let trains = [("times_ms", column(&[])), ("units", column(&[]))];
        for (arrays, words) in [
            (&short, "1 values of x for 2 of t"),
            (&none, "row 0 from 0: 10, -1 is no event"),
            (&wide, "array x of shape [2, 2]"),
            (&trains, "the columns are [\"times_ms\", \"units\"]"),
        ] {
            let error = read_archive(arrays).unwrap_err().to_string();
            assert!(
                error.contains(words) && error.contains("recording.npz"),
                "{error}"
            );
        }
    }
}

/// Formats are told by content; the name of a file does not matter.
#[test]
fn detection() {
    assert!(matches!(read_bytes(b""), Err(EventProblem::Empty)));
    assert!(matches!(
        read_bytes(&[9, 9, 0x80, 0, 9, 0, 0, 0, 0, 1, 0xff, 0, 0, 0, 0]),
        Err(EventProblem::Unknown { .. })
    ));
    for (begins, says) in [
        (&b"\x89HDF\r\n"[..], "HDF5"),
        (b"MATLAB 5.0 MAT-file", "-v7.3"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"#!AER-DAT3.0\r\n", "AEDAT"),
        (b"Event Stream", "end of the file"),
        (b"#!AER-DAT4.0\r\n", "end of the file"),
        (b"hello world\n", "columns"),
    ] {
        let problem = read_bytes(begins).unwrap_err().to_string();
        assert!(problem.contains(says), "{problem}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("really_csv.aedat");
    std::fs::write(&path, "t,x,y,p\n1,2,3,1\n").unwrap();
    assert_eq!(read(&path).unwrap().format, Format::Csv);
    let missing = read(Path::new("nowhere.raw")).unwrap_err().to_string();
    assert!(
        missing.starts_with("nowhere.raw: cannot be read"),
        "{missing}"
    );
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    assert!("aedat5".parse::<Format>().is_err());
}

#[test]
fn a_counter_that_overflows_and_one_that_is_late() {
    let mut clock = Unwrapper::new(4);
    let readings = [3, 15, 2, 14, 9, 1];
    let times: Vec<i64> = readings.map(|reading| clock.next(reading).0).to_vec();
    assert_eq!(times, [3, 15, 18, 14, 25, 17]);
}

#[test]
fn stretches_of_time() {
    let recording = read_bytes(b"t,x,y,p\n1,0,0,1\n5,0,0,0\n5,1,0,1\n9,0,0,1\n").unwrap();
    assert_eq!(recording.span_us(), Some((1, 9)));
    assert_eq!(recording.on_count(), 3);
    assert_eq!(recording.between(2, 9).len(), 2);
    assert!(recording.between(9, 2).is_empty());
}

fn recording_of(sensor: Sensor, events: Vec<Event>) -> Recording {
    Recording {
        format: Format::Csv,
        sensor,
        events,
        notes: Notes::default(),
    }
}

const SENSOR: Sensor = Sensor {
    width: 128,
    height: 128,
    polarity: Polarity::OnOff,
    size_from: SizeFrom::File,
};

fn event_list() -> impl Strategy<Value = Vec<Event>> {
    let event = (0i64..3000, 0u16..128, 0u16..128, any::<bool>());
    prop::collection::vec(event, 0..200).prop_map(|list| {
        let mut now = 0;
        let events = list.into_iter().map(|(wait, x, y, on)| {
            now += wait;
            let t_us = now;
            Event { t_us, x, y, on }
        });
        events.collect()
    })
}

fn written(recording: &Recording, format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    write::encoder(recording, format).unwrap()(recording, &mut bytes).unwrap();
    bytes
}

const WRITTEN: [Format; 6] = [
    Format::Aedat31,
    Format::FiveBytes,
    Format::Dat,
    Format::EventStream,
    Format::Npy,
    Format::Csv,
];

/// Headers that claim a sensor without pixels say nothing of it; every event is kept, drawn and written.
#[test]
fn a_header_of_0_pixels_says_nothing() {
    let es = [
        b"Event Stream\x02\x00\x00\x01\x00\x00\x00\x00".as_slice(),
        &[3, 5, 0, 6, 0],
    ]
    .concat();
    let evt3 = [
        b"% evt 3.0\n% format EVT3;height=0;width=1280\n% end\n".as_slice(),
        &[1, 0x80, 3, 0, 9, 0x28],
    ]
    .concat();
    let dat = b"% Height 0\n% Width 0\n\x00\x08\x07\x00\x00\x00\x05\x80\x01\x10".as_slice();
    let folder = tempfile::tempdir().unwrap();
    for bytes in [&es, &evt3, dat] {
        let recording = read_bytes(bytes).unwrap();
        assert_eq!(recording.events.len(), 1, "{recording:?}");
        let (sensor, event) = (recording.sensor, recording.events[0]);
        assert_eq!(
            (sensor.width, sensor.height),
            (u32::from(event.x) + 1, u32::from(event.y) + 1)
        );
        assert_eq!(
            (sensor.size_from, recording.notes.outside),
            (SizeFrom::Events, 0)
        );
        let notes = recording.notes.lines().join("\n");
        assert!(notes.contains("the header says 0 pixels"), "{notes}");
        preview::write_png(&folder.path().join("a.png"), &recording).unwrap();
    }
}

#[test]
fn what_a_format_cannot_hold_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let write = |sensor, event, format| {
        let error = write(&path, &recording_of(sensor, vec![event]), format).unwrap_err();
        assert!(!path.exists());
        error.to_string()
    };
    let channels = Sensor {
        polarity: Polarity::None,
        height: 1,
        ..SENSOR
    };
    let late = write(SENSOR, on(1 << 23, 3, 3), Format::FiveBytes);
    assert!(late.contains("8.388607 s"), "{late}");
    let early = write(SENSOR, on(-1, 3, 3), Format::EventStream);
    assert!(early.contains("--origin first"), "{early}");
    assert!(write(SENSOR, on(-1, 3, 3), Format::Aedat31).contains("negative"));
    assert!(write(channels, on(1, 3, 0), Format::Dat).contains("camera"));
    assert!(write(SENSOR, on(1, 3, 3), Format::Evt2).contains("not written"));
}

#[test]
fn a_list_of_channels_goes_through_csv_and_npy() {
    let channels = Sensor {
        width: 8,
        height: 1,
        polarity: Polarity::None,
        size_from: SizeFrom::Events,
    };
    let recording = recording_of(channels, vec![on(-5, 7, 0), on(3, 0, 0)]);
    for format in [Format::Csv, Format::Npy] {
        let back = read_bytes(&written(&recording, format)).unwrap();
        assert_eq!(
            (back.events, back.sensor),
            (recording.events.clone(), channels)
        );
    }
}

/// Pictures begin with the magic of their format and are decoded to the size that is expected.
#[test]
fn previews() {
    let folder = tempfile::tempdir().unwrap();
    let events = vec![on(0, 0, 0), off(50, 127, 127), on(100, 64, 3)];
    let camera = recording_of(SENSOR, events);
    let (png, gif) = (folder.path().join("a.png"), folder.path().join("a.gif"));
    preview::write_png(&png, &camera).unwrap();
    preview::write_gif(&gif, &camera).unwrap();
    let picture = std::fs::read(&png).unwrap();
    let decoder = png::Decoder::new(std::io::Cursor::new(&picture));
    let reader = decoder.read_info().unwrap();
    // Four panels of 3 · 128 pixels with gaps of 2.
    assert_eq!(
        (reader.info().width, reader.info().height),
        (4 * 384 + 6, 384)
    );
    let mut film = gif::DecodeOptions::new()
        .read_info(std::fs::File::open(&gif).unwrap())
        .unwrap();
    let mut frames = 0;
    while let Some(frame) = film.read_next_frame().unwrap() {
        // The last frame shows the last event alone, in orange, three pixels wide.
        frames += 1;
        let lit: usize = frame
            .buffer
            .iter()
            .map(|pixel| usize::from(*pixel == 2))
            .sum();
        assert_eq!(lit, if [1, 30].contains(&frames) { 9 } else { 0 });
    }
    assert_eq!(frames, 30);
    let large = Sensor {
        width: 65_536,
        height: 65_536,
        ..SENSOR
    };
    preview::write_png(&png, &recording_of(large, vec![on(0, 65_535, 65_535)])).unwrap();
    let channels = Sensor {
        width: 700,
        height: 1,
        polarity: Polarity::None,
        size_from: SizeFrom::File,
    };
    for events in [vec![], vec![on(0, 0, 0), on(1_000_000, 699, 0)]] {
        preview::write_png(&png, &recording_of(channels, events.clone())).unwrap();
        preview::write_gif(&gif, &recording_of(channels, events)).unwrap();
    }
}

proptest! {
    #[test]
    fn what_is_written_comes_back(events in event_list()) {
        let recording = recording_of(SENSOR, events);
        for format in WRITTEN {
            if recording.events.is_empty() && format == Format::FiveBytes {
                continue; // An empty file has no format.
            }
            let back = read_bytes(&written(&recording, format)).unwrap();
            prop_assert_eq!(back.format, format);
            prop_assert_eq!(&back.events, &recording.events);
            prop_assert!(back.notes.lines().is_empty());
        }
    }

    /// A file that is cut or in which bytes are wrong gives an error or fewer events, never a panic.
    #[test]
    fn damaged_files_do_not_panic(
        events in event_list(),
        format in prop::sample::select(WRITTEN.to_vec()),
        cut in 0.0f64..1.0,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = written(&recording_of(SENSOR, events), format);
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        for (at, byte) in flips {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        let _ = read_bytes(&bytes);
        for format in Format::ALL {
            let _ = parse(&bytes, &ReadOptions { format: Some(format), ..ReadOptions::default() });
        }
    }

    #[test]
    fn any_bytes_in_any_format_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_bytes(&bytes);
        let magics: [&[u8]; 6] = [
            b"#!AER-DAT2.0\r\n", b"#!AER-DAT3.1\r\n#!END-HEADER\r\n", b"#!AER-DAT4.0\r\n",
            b"Event Stream\x02\x00\x00\x01\x10\x00\x10\x00", b"% evt 2.0\n", b"% Width 9\n\x0c\x08",
        ];
        for magic in magics {
            let _ = read_bytes(&[magic, &bytes].concat());
        }
    }
}
