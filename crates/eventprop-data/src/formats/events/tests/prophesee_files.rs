//! EVT 2.1, EVT 3.0 and DAT, written here bit by bit from the makers' descriptions.

use super::*;

/// A writer of EVT 3.0 that shares nothing with the reader: a word is a type and twelve bits.
#[derive(Default)]
struct Evt3Writer {
    words: Vec<u16>,
    high: Option<i64>,
    low: Option<i64>,
    row: Option<u16>,
}

impl Evt3Writer {
    fn word(&mut self, kind: u16, content: u16) {
        assert!(kind < 16 && content < 4096);
        self.words.push(kind * 4096 + content);
    }

    /// Words of time and row where they change.
    fn state(&mut self, t_us: i64, y: u16) {
        let (high, low) = (t_us / 4096 % 4096, t_us % 4096);
        if self.high != Some(high) {
            self.word(8, high as u16);
            (self.high, self.low) = (Some(high), None);
        }
        if self.low != Some(low) {
            self.word(6, low as u16);
            self.low = Some(low);
        }
        if self.row != Some(y) {
            self.word(0, y);
            self.row = Some(y);
        }
    }

    /// Events of one time, row and polarity: a lone one by itself, several as vectors of 12, 12 and 8 columns.
    fn events(&mut self, list: &[Event]) {
        let first = list[0];
        self.state(first.t_us, first.y);
        let polarity = if first.on { 2048 } else { 0 };
        if list.len() == 1 {
            self.word(2, first.x + polarity);
            return;
        }
        self.word(3, first.x + polarity);
        let mut column = first.x;
        let last = list.iter().map(|event| event.x).max().unwrap();
        for (kind, width) in [(4, 12), (4, 12), (5, 8)].into_iter().cycle() {
            if column > last {
                break;
            }
            let mut mask = 0;
            for event in list
                .iter()
                .filter(|e| (column..column + width).contains(&e.x))
            {
                mask += 1 << (event.x - column);
            }
            self.word(kind, mask);
            column += width;
        }
    }
}

const HEADER: &[u8] =
    b"% camera_integrator_name Prophesee\n% evt 3.0\n% format EVT3;height=720;width=1280\n% end\n";

fn evt3(words: &[u16]) -> Vec<u8> {
    let words = words.iter().flat_map(|word| word.to_le_bytes());
    HEADER.iter().copied().chain(words).collect()
}

/// Events in the order in which a camera sends them: by time, then row, then polarity, then column.
fn bursts() -> impl Strategy<Value = Vec<Vec<Event>>> {
    let columns = prop::collection::btree_set(0u16..80, 1..20);
    // Up to 15 s, so that the 24 bits of the clock overflow often, but never twice between two words.
    let wait = prop_oneof![0i64..3, 0i64..5000, 0i64..8_000_000];
    let burst = (wait, 0u16..720, any::<bool>(), 0u16..1200, columns);
    prop::collection::vec(burst, 0..30).prop_map(|list| {
        let mut t_us = 0;
        let burst = |(wait, y, on, base, columns): (i64, u16, bool, u16, _)| {
            t_us += wait;
            let event = |x: u16| Event {
                t_us,
                x: base + x,
                y,
                on,
            };
            std::collections::BTreeSet::into_iter(columns)
                .map(event)
                .collect()
        };
        list.into_iter().map(burst).collect()
    })
}

proptest! {
    #[test]
    fn evt3_of_another_writer(bursts in bursts(), noise in prop::collection::vec(0usize..3, 30)) {
        let mut writer = Evt3Writer::default();
        let mut others = 0;
        for (burst, noise) in bursts.iter().zip(noise) {
            writer.events(burst);
            match noise {
                // A trigger, another event with more words, padding.
                0 => { writer.word(10, 0x101); others += 1; }
                1 => { writer.word(14, 22); writer.word(15, 4000); writer.word(7, 3); others += 1; }
                _ => writer.words.push(0x9999),
            }
        }
        let recording = read_bytes(&evt3(&writer.words)).unwrap();
        prop_assert_eq!(recording.events, bursts.concat());
        let notes = &recording.notes;
        prop_assert_eq!((notes.other, notes.reserved, notes.outside, notes.backward), (others, 0, 0, 0));
    }

    #[test]
    fn evt21_of_another_writer_in_both_orders(bursts in bursts()) {
        let mut words: Vec<u64> = vec![];
        let mut high = None;
        for burst in &bursts {
            let first = burst[0];
            if high != Some(first.t_us / 64) {
                words.push((8 << 28 | (first.t_us / 64) as u64) << 32);
                high = Some(first.t_us / 64);
            }
            // Columns 32 apart begin another word.
            for part in burst.chunk_by(|a, b| (a.x - first.x) / 32 == (b.x - first.x) / 32) {
                let mask: u64 = part.iter().map(|event| 1 << (event.x - part[0].x)).sum();
                let (time, kind) = ((first.t_us % 64) as u64, u64::from(first.on));
                let (x, y) = (u64::from(part[0].x), u64::from(part[0].y));
                words.push(kind << 60 | time << 54 | x << 43 | y << 32 | mask);
            }
        }
        words.push(10 << 60 | 1 << 32);
        let straight: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let swapped: Vec<u8> = words
            .iter()
            .flat_map(|word| [(word >> 32) as u32, *word as u32])
            .flat_map(u32::to_le_bytes)
            .collect();
        for (header, bytes) in [
            ("% format EVT21;height=720;width=1280;endianness=little\n% end\n", &straight),
            ("% format EVT21;height=720;width=1280;endianness=legacy\n% end\n", &swapped),
        ] {
            let recording = read_bytes(&[header.as_bytes(), bytes].concat()).unwrap();
            prop_assert_eq!(recording.format, Format::Evt21);
            prop_assert_eq!(&recording.events, &bursts.concat());
            prop_assert_eq!(recording.notes.other, 1);
        }
    }

    #[test]
    fn any_words_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for header in [HEADER, b"% format EVT21\n% end\n", b"% Version 1\n\x00\x08"] {
            let _ = read_bytes(&[header, &bytes].concat());
        }
    }
}

/// A stream with a vector that ends early, padding and a jump of the clock; the events are those that the
/// makers' own decoder prints for it.
#[test]
fn evt3_as_the_makers_decoder_reads_it() {
    let words = [
        0x8000, 0x6001, 0x0000, 0x2000, 0x300A, 0x4001, 0x4000, 0x9999, 0x80FF, 0x2001,
    ];
    let bytes = evt3(&words);
    let recording = read_bytes(&bytes).unwrap();
    let expected = [off(1, 0, 0), off(1, 10, 0), off(1_044_480, 1, 0)];
    assert_eq!(recording.events, expected);
    assert_eq!(
        (
            recording.format,
            recording.sensor.width,
            recording.sensor.height
        ),
        (Format::Evt3, 1280, 720)
    );
    assert!(recording.notes.lines().is_empty());
    let cut = read_bytes(&bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(cut.events, expected[..2]);
    assert_eq!(cut.notes.truncated_at, Some(bytes.len() as u64 - 2));
}

#[test]
fn evt3_events_without_a_time_a_row_or_a_column_are_counted() {
    let early = read_bytes(&evt3(&[
        0x2003, // no time
        0x8001, 0x2003, // no row
        0x0004, 0x4111, // no first column
        0x2805, 0x8001, 0x2006, // a time that repeats itself
        0x1234, // reserved
        0x3fff, 0x5001, 0x5001, // behind the sensor
    ]))
    .unwrap();
    assert_eq!(early.events, [on(4096, 5, 4), off(4096, 6, 4)]);
    let notes = &early.notes;
    assert_eq!(
        (notes.before_clock, notes.reserved, notes.outside),
        (5, 1, 2)
    );
}

/// A time that is repeated keeps its lower bits; one that changes sets them to zero.
#[test]
fn evt3_high_and_low_bits_of_the_time() {
    let words = [
        0x8002, 0x6007, 0x0000, 0x2001, 0x8002, 0x2002, 0x8003, 0x2003,
    ];
    let times = |recording: Recording| -> Vec<i64> {
        recording.events.iter().map(|event| event.t_us).collect()
    };
    let read = read_bytes(&evt3(&words)).unwrap();
    assert_eq!(times(read), [8199, 8199, 12288]);
    let overflow = [0x8fff, 0x6fff, 0x0000, 0x2001, 0x8000, 0x6000, 0x2001];
    let read = read_bytes(&evt3(&overflow)).unwrap();
    assert_eq!(read.notes.overflows, 1);
    assert_eq!(times(read), [(1 << 24) - 1, 1 << 24]);
}

/// Without `endianness` in the header the words tell their order.
#[test]
fn evt21_without_an_order_in_the_header() {
    let words = [
        8u64 << 60 | 2 << 32,
        1 << 60 | 5 << 54 | 9 << 43 | 7 << 32 | 0xf000_0001,
    ];
    let straight: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let swapped: Vec<u8> = straight
        .chunks(8)
        .flat_map(|w| [&w[4..], &w[..4]].concat())
        .collect();
    let expected = [9, 37, 38, 39, 40].map(|x| on(133, x, 7));
    for bytes in [straight, swapped] {
        let read = read_bytes(&[b"% evt 2.1\n", &bytes[..]].concat()).unwrap();
        assert_eq!(read.events, expected);
    }
    let wrong = [
        b"% evt 2.1\n".to_vec(),
        (7u64 << 60 | 7 << 28).to_le_bytes().to_vec(),
    ];
    assert_eq!(offset_of(&read_bytes(&wrong.concat()).unwrap_err()), 10);
}

/// Version 1 has 9 bits of x, 8 of y and one of polarity, where version 2 has 14, 14 and 4.
#[test]
fn dat_of_both_versions() {
    let file = |version: &str, address: u32| {
        let header =
            format!("% Data file containing TD events.\n{version}% Height 240\n% Width 304\n");
        [
            header.as_bytes(),
            &[0, 8, 7, 0, 0, 0],
            &address.to_le_bytes(),
        ]
        .concat()
    };
    let first = read_bytes(&file("% Version 1\n", 303 + (239 << 9) + (1 << 17))).unwrap();
    assert_eq!(first.events, [on(7, 303, 239)]);
    let second = file("% Version 2\n", 303 + (239 << 14) + (1 << 28));
    assert_eq!(read_bytes(&second).unwrap().events, [on(7, 303, 239)]);
    let silent = read_bytes(&file("", 303 + (239 << 14) + (1 << 28))).unwrap();
    assert_eq!(silent.notes.assumed.len(), 1);
    let third = read_bytes(&file("% Version 3\n", 0))
        .unwrap_err()
        .to_string();
    assert!(
        third.contains("version 3") && third.contains("versions 1 and 2"),
        "{third}"
    );
}

/// An event of five bytes at (37, 32) begins with the two bytes of a header.
#[test]
fn two_bytes_are_no_header() {
    for rest in [&[0, 0, 1][..], &[0, 0, 1, 3, 4, 0, 0, b'\n']] {
        let bytes = [b"% ", rest].concat();
        assert_eq!(detect(&bytes).unwrap(), Format::FiveBytes);
        assert_eq!(read_bytes(&bytes).unwrap().events[0], off(1, 37, 32));
    }
}

#[test]
fn encodings_that_are_not_read_are_named() {
    let problem = |bytes: &[u8]| read_bytes(bytes).unwrap_err().to_string();
    let frames = problem(b"% format HISTO3D;height=320;width=320\n% end\n");
    assert!(
        frames.contains("HISTO3D") && frames.contains("EVT 2.0"),
        "{frames}"
    );
    assert!(problem(b"% evt 4.0\n").contains("4.0"));
    let options = ReadOptions {
        format: Some(Format::Evt2),
        ..ReadOptions::default()
    };
    let contrary = parse(&evt3(&[]), &options).unwrap_err().to_string();
    assert!(
        contrary.contains("EVT 2.0") && contrary.contains("EVT 3.0"),
        "{contrary}"
    );
}
