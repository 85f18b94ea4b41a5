//! Event Stream 2 (`.es`), the format of the Paris Vision Institute: `Event Stream`, version, type,
//! and for camera events (type 1) width and height; then a byte with the time since the event before
//! (7 bits, in µs) and the polarity, and x and y with 16 bits each, little-endian.
//!
//! A byte 0xff adds 127 µs to the time; 0xfe fills up and means nothing. A coordinate outside the
//! sensor is an error, as in the format's own tools.

use std::io::{self, Write};

use super::bytes::le_u16;
use super::collector::{Collector, damaged};
use super::{Event, EventProblem, Format, Polarity, Recording};

const MAGIC: &[u8] = b"Event Stream";
const EVENT_BYTES: usize = 5;
const ADD_127_US: u8 = 0xff;
/// Time without events that takes a byte.
pub const SILENCE_US: i64 = 127;
const FILLER: u8 = 0xfe;
const DVS: u8 = 1;

/// Reads a recording.
pub fn parse(bytes: &[u8]) -> Result<Recording, EventProblem> {
    let (start, size) = header(bytes)?;
    let mut collector = Collector::new(Format::EventStream, Some(size));
    let sized = size.0 > 0 && size.1 > 0;
    let (mut at, mut t_us) = (start, 0i64);
    while let Some(&first) = bytes.get(at) {
        if first == ADD_127_US || first == FILLER {
            t_us += i64::from(first == ADD_127_US) * SILENCE_US;
            at += 1;
            continue;
        }
        let (Some(x), Some(y)) = (le_u16(bytes, at + 1), le_u16(bytes, at + 3)) else {
            collector.truncated(at);
            break;
        };
        t_us += i64::from(first >> 1);
        if sized && (u32::from(x) >= size.0 || u32::from(y) >= size.1) {
            let found = format!("an event at ({x}, {y})");
            return Err(collector.damaged(at, found, "coordinates on the sensor of the header"));
        }
        let on = first & 1 == 1;
        collector.push(at, Event { t_us, x, y, on })?;
        at += EVENT_BYTES;
    }
    Ok(collector.camera())
}

/// First byte of the events, and width and height.
fn header(bytes: &[u8]) -> Result<(usize, (u32, u32)), EventProblem> {
    let at = MAGIC.len();
    let wrong =
        |offset, found, expected| Err(damaged(Format::EventStream, offset, found, expected));
    let Some(&[major, minor, patch, kind]) = bytes.get(at..at + 4) else {
        return wrong(at, "the end of the file".to_owned(), "version and type");
    };
    if major != 2 {
        let found = format!("version {major}.{minor}.{patch}");
        return wrong(at, found, "version 2");
    }
    if kind != DVS {
        let found = format!("events of type {kind}");
        return wrong(at + 3, found, "camera events without grey levels, type 1");
    }
    match (le_u16(bytes, at + 4), le_u16(bytes, at + 6)) {
        (Some(width), Some(height)) => Ok((at + 8, (u32::from(width), u32::from(height)))),
        _ => wrong(at + 4, "the end of the file".to_owned(), "width and height"),
    }
}

/// The part of a recording that this format cannot hold, if any.
pub fn obstacle(recording: &Recording) -> Option<&'static str> {
    let early = recording.events.first().is_some_and(|event| event.t_us < 0);
    let sensor = recording.sensor;
    let large = sensor.width > 65_535 || sensor.height > 65_535;
    (early || large || sensor.polarity == Polarity::None).then_some(
        "camera events at times that are not negative, on sensors below 65536 pixels wide and high",
    )
}

/// Bytes that [`write()`] needs for the time without events.
pub fn silence_bytes(recording: &Recording) -> u64 {
    let mut now = 0;
    let waits = recording.events.iter().map(|event| {
        let wait = event.t_us - now;
        now = event.t_us;
        (wait / SILENCE_US) as u64
    });
    waits.sum()
}

/// Writes a recording that has no [`obstacle`].
pub fn write(recording: &Recording, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(MAGIC)?;
    out.write_all(&[2, 0, 0, DVS])?;
    out.write_all(&(recording.sensor.width as u16).to_le_bytes())?;
    out.write_all(&(recording.sensor.height as u16).to_le_bytes())?;
    let mut now = 0;
    for event in &recording.events {
        let mut wait = event.t_us - now;
        now = event.t_us;
        // 127 µs are never written into an event: 0xff and 0xfe have other meanings.
        while wait >= SILENCE_US {
            out.write_all(&[ADD_127_US])?;
            wait -= SILENCE_US;
        }
        out.write_all(&[(wait as u8) << 1 | u8::from(event.on)])?;
        out.write_all(&event.x.to_le_bytes())?;
        out.write_all(&event.y.to_le_bytes())?;
    }
    Ok(())
}
