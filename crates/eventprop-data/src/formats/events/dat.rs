//! Prophesee DAT: a header of `% ` lines, a byte with the type of event (0 or 12) and one with its size
//! (8), then little-endian time in µs (32 bits) and, of version 2, x (14 bits), y (14), polarity (4), of
//! version 1 (ATIS) x (9 bits), y (8), polarity (1). `% Version 2` in the header names the version.

use std::io::{self, Write};

use super::bytes::le_u32;
use super::collector::{Collector, Unwrapper, damaged};
use super::prophesee::{self, number};
use super::{Event, EventProblem, Format, Polarity, Recording};

const EVENT_BYTES: usize = 8;
/// Event2D and EventCD.
const TYPES: [u8; 2] = [0, 12];

/// Reads a recording.
pub fn parse(bytes: &[u8]) -> Result<Recording, EventProblem> {
    let header = prophesee::header_of(bytes, Format::Dat)?;
    let version = number(&header.lines, "% version");
    let place = match version {
        None | Some(2) => version_2,
        Some(1) => version_1,
        Some(other) => {
            return Err(EventProblem::Version {
                found: format!("Prophesee DAT of version {other}"),
                known: "versions 1 and 2",
            });
        }
    };
    let start = header.end + 2;
    match bytes.get(header.end..start) {
        Some(&[kind, size]) if TYPES.contains(&kind) && usize::from(size) == EVENT_BYTES => {}
        found => {
            let found = format!("{:02x?}", found.unwrap_or_default());
            let expected = "type 0 or 12 and size 8 behind the header (Prophesee DAT)";
            return Err(damaged(Format::Dat, header.end, found, expected));
        }
    }
    let mut collector = Collector::new(Format::Dat, prophesee::size(&header.lines));
    if version.is_none() {
        let assumed = "version 2 of the format, because the header names none";
        collector.notes.assumed.push(assumed);
    }
    let mut clock = Unwrapper::new(32);
    let mut at = start;
    while let (Some(time), Some(address)) = (le_u32(bytes, at), le_u32(bytes, at + 4)) {
        let (t_us, overflowed) = clock.next(time);
        collector.notes.overflows += u64::from(overflowed);
        collector.push(at, place(t_us, address))?;
        at += EVENT_BYTES;
    }
    if at < bytes.len() {
        collector.truncated(at);
    }
    Ok(collector.camera())
}

/// The event at an address of version 2.
fn version_2(t_us: i64, address: u32) -> Event {
    Event {
        t_us,
        x: (address & 0x3fff) as u16,
        y: (address >> 14 & 0x3fff) as u16,
        on: address >> 28 != 0,
    }
}

/// The event at an address of version 1.
fn version_1(t_us: i64, address: u32) -> Event {
    Event {
        t_us,
        x: (address & 0x1ff) as u16,
        y: (address >> 9 & 0xff) as u16,
        on: address >> 17 & 1 == 1,
    }
}

/// The part of a recording that this format cannot hold, if any.
pub fn obstacle(recording: &Recording) -> Option<&'static str> {
    let unfit = |event: &Event| {
        event.x > 0x3fff || event.y > 0x3fff || !(0..=i64::from(u32::MAX)).contains(&event.t_us)
    };
    let flat = recording.sensor.polarity == Polarity::None;
    (flat || recording.events.iter().any(unfit))
        .then_some("camera events with coordinates below 16384 and times from 0 to 71 minutes")
}

/// Writes a recording that has no [`obstacle`].
pub fn write(recording: &Recording, out: &mut dyn Write) -> io::Result<()> {
    let (width, height) = (recording.sensor.width, recording.sensor.height);
    write!(
        out,
        "% Data file containing CD events.\n% Version 2\n% Height {height}\n% Width {width}\n"
    )?;
    out.write_all(&[TYPES[1], EVENT_BYTES as u8])?;
    for event in &recording.events {
        let address = u32::from(event.x) | u32::from(event.y) << 14 | u32::from(event.on) << 28;
        out.write_all(&(event.t_us as u32).to_le_bytes())?;
        out.write_all(&address.to_le_bytes())?;
    }
    Ok(())
}
