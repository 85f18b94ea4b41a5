//! AEDAT 2.0, written by jAER: lines that begin with `#`, then big-endian address and time in µs, 32
//! bits each.
//!
//! The meaning of the bits of an address depends on the camera, which newer files name in the line
//! `# AEChip: …`. DVS128: polarity bit 0 (0 is ON, as jAER's own extractor has it), x bits 1 to 7, y
//! bits 8 to 14, bit 15 an external event. DAVIS: bit 31 a pixel value or another sensor, y bits 22 to
//! 30, x bits 12 to 21, polarity bit 11 (1 is ON), bit 10 an external event (iniVation, "AEDAT 2.0").
//! Coordinates are kept as written; jAER counts rows from below and mirrors the columns of the DVS128
//! on the screen. Without a name, addresses below 2¹⁶ are taken for a DVS128, others for a DAVIS.

use super::bytes::{array, marked_lines};
use super::collector::{Collector, Unwrapper};
use super::{Event, EventProblem, Format, Recording};

const EVENT_BYTES: usize = 8;

#[derive(Clone, Copy, PartialEq)]
enum Camera {
    Dvs128,
    Davis,
}

/// Reads a recording.
pub fn parse(bytes: &[u8]) -> Result<Recording, EventProblem> {
    let header = marked_lines(bytes, b'#');
    let data = &bytes[header.end..];
    let (camera, size, named) = camera(&header.lines, data);
    let mut collector = Collector::new(Format::Aedat2, size);
    if !named && !data.is_empty() {
        collector.notes.assumed.push(match camera {
            Camera::Dvs128 => "addresses of a DVS128, because the file names no camera",
            Camera::Davis => "addresses of a DAVIS, because the file names no camera",
        });
    }
    let mut clock = Unwrapper::new(32);
    let events = data.chunks_exact(EVENT_BYTES);
    if !events.remainder().is_empty() {
        collector.truncated(bytes.len() - events.remainder().len());
    }
    for (n, raw) in events.enumerate() {
        let (address, time) = words(raw);
        let (t_us, overflowed) = clock.next(time);
        collector.notes.overflows += u64::from(overflowed);
        match event(camera, address, t_us) {
            Some(event) => collector.push(header.end + n * EVENT_BYTES, event)?,
            None => collector.notes.other += 1,
        }
    }
    Ok(collector.camera())
}

fn words(raw: &[u8]) -> (u32, u32) {
    let word = |at| u32::from_be_bytes(array(raw, at).expect("chunks have the length of an event"));
    (word(0), word(4))
}

/// The event of an address; none for what is no change of brightness.
fn event(camera: Camera, address: u32, t_us: i64) -> Option<Event> {
    match camera {
        Camera::Dvs128 => (address & 0x8000 == 0).then_some(Event {
            t_us,
            x: (address >> 1 & 0x7f) as u16,
            y: (address >> 8 & 0x7f) as u16,
            on: address & 1 == 0,
        }),
        Camera::Davis => (address & 0x8000_0400 == 0).then_some(Event {
            t_us,
            x: (address >> 12 & 0x3ff) as u16,
            y: (address >> 22 & 0x1ff) as u16,
            on: address >> 11 & 1 == 1,
        }),
    }
}

/// The camera, its size where it is known, and whether the file names it.
fn camera(lines: &[String], data: &[u8]) -> (Camera, Option<(u32, u32)>, bool) {
    let sizes = [
        ("davis240", (240, 180)),
        ("davis208", (208, 192)),
        ("davis346", (346, 260)),
        ("davis640", (640, 480)),
    ];
    let chip = lines.iter().find(|line| line.starts_with("# AEChip:"));
    if let Some(chip) = chip.map(|chip| chip.to_lowercase()) {
        if chip.contains("dvs128") {
            return (Camera::Dvs128, Some((128, 128)), true);
        }
        let size = sizes.iter().find(|(name, _)| chip.contains(name));
        if size.is_some() || chip.contains("davis") {
            return (Camera::Davis, size.map(|(_, size)| *size), true);
        }
    }
    let small = |raw: &[u8]| words(raw).0 < 1 << 16;
    if data.chunks_exact(EVENT_BYTES).all(small) {
        (Camera::Dvs128, Some((128, 128)), false)
    } else {
        (Camera::Davis, None, false)
    }
}
