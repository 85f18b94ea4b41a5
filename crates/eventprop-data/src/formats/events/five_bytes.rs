//! Five bytes per event, big-endian: x (8 bits), y (8), polarity (1), time in µs (23).
//!
//! N-MNIST and N-Caltech101 (Orchard, Jayawant, Cohen & Thakor 2015) come so. There is no header, so
//! a file is recognised by times that do not decrease. An event in row 240 is no event: it says that
//! the time stamp of the sensor overflowed, and adds 2¹³ µs to all that follow, as in the authors' own
//! reader.

use std::io::{self, Write};

use super::bytes::array;
use super::collector::Collector;
use super::{Event, EventProblem, Format, Recording};

const EVENT_BYTES: usize = 5;
const OVERFLOW_ROW: u8 = 240;
const OVERFLOW_US: i64 = 1 << 13;
/// Times have 23 bits.
const TIME_END_US: i64 = 1 << 23;
/// So many events are looked at to recognise a file.
const LOOKED_AT: usize = 4096;

fn event(raw: [u8; EVENT_BYTES]) -> Event {
    let [x, y, high, middle, low] = raw;
    Event {
        t_us: i64::from(u32::from_be_bytes([0, high & 0x7f, middle, low])),
        x: u16::from(x),
        y: u16::from(y),
        on: high & 0x80 != 0,
    }
}

/// True if the bytes can be events of this format: whole events whose times do not decrease.
pub fn plausible(bytes: &[u8]) -> bool {
    let events = bytes.chunks_exact(EVENT_BYTES).take(LOOKED_AT);
    let times = events.filter_map(|raw| array(raw, 0).map(|raw| event(raw).t_us));
    bytes.len() >= EVENT_BYTES && times.is_sorted()
}

/// Reads a recording; the sensor is as large as the events need.
pub fn parse(bytes: &[u8]) -> Result<Recording, EventProblem> {
    read_bytes(bytes, None)
}

/// Reads a recording of a sensor of known `size` (width, height), or as large as the events need.
///
/// # Errors
/// [`EventProblem::Damaged`] at an event outside the sensor, [`EventProblem::TimeBack`].
pub fn read_bytes(bytes: &[u8], size: Option<(u32, u32)>) -> Result<Recording, EventProblem> {
    let mut collector = Collector::new(Format::FiveBytes, size);
    let mut added = 0;
    let events = bytes.chunks_exact(EVENT_BYTES);
    if !events.remainder().is_empty() {
        collector.truncated(bytes.len() - events.remainder().len());
    }
    for (n, raw) in events.enumerate() {
        let offset = n * EVENT_BYTES;
        let raw = array(raw, 0).expect("chunks have the length of an event");
        if raw[1] == OVERFLOW_ROW {
            added += OVERFLOW_US;
            collector.notes.overflows += 1;
            continue;
        }
        let mut event = event(raw);
        event.t_us += added;
        let outside = size.is_some_and(|(w, h)| u32::from(event.x) >= w || u32::from(event.y) >= h);
        if outside {
            let found = format!("an event at ({}, {})", event.x, event.y);
            return Err(collector.damaged(offset, found, "coordinates on the sensor"));
        }
        collector.push(offset, event)?;
    }
    Ok(collector.camera())
}

/// The part of a recording that this format cannot hold, if any.
pub fn obstacle(recording: &Recording) -> Option<&'static str> {
    let unfit = |event: &Event| {
        event.x > 255
            || event.y > 255
            || event.y == u16::from(OVERFLOW_ROW)
            || !(0..TIME_END_US).contains(&event.t_us)
    };
    let obstacle = "coordinates up to 255 (but not row 240) and times from 0 to 8.388607 s";
    recording.events.iter().any(unfit).then_some(obstacle)
}

/// Writes a recording that has no [`obstacle`].
pub fn write(recording: &Recording, out: &mut dyn Write) -> io::Result<()> {
    for event in &recording.events {
        let [_, high, middle, low] = (event.t_us as u32).to_be_bytes();
        let high = high | u8::from(event.on) << 7;
        out.write_all(&[event.x as u8, event.y as u8, high, middle, low])?;
    }
    Ok(())
}
