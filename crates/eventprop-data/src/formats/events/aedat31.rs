//! AEDAT 3.1, written by cAER: header lines up to `#!END-HEADER`, then packets of events.
//!
//! A packet begins with 28 bytes, little-endian: type and source (16 bits each), bytes per event,
//! offset of the time stamp, overflows of the time stamp, capacity, number of events, number of valid
//! ones (32 bits each); `capacity` places of an event follow. Polarity events have type 1 and 8 bytes: bit
//! 0 valid, bit 1 ON, bits 2 to 16 y, bits 17 to 31 x; then 31 bits of time in µs, above which stands
//! the number of overflows (iniVation, "AEDAT 3.1"). Other packets and invalid events are skipped and
//! counted; a last packet that is cut off gives the events that are there.

use std::io::{self, Write};

use super::bytes::{le_u16, le_u32, marked_lines};
use super::collector::{Collector, damaged};
use super::{Event, EventProblem, Format, Polarity, Recording};

const HEADER_BYTES: usize = 28;
const POLARITY: u16 = 1;
const EVENT_BYTES: usize = 8;
const END: &str = "#!END-HEADER";
/// Events per packet that are written.
const PACKET_EVENTS: usize = 4096;

/// The first 28 bytes of a packet.
struct PacketHeader {
    kind: u16,
    event_bytes: usize,
    overflows: i64,
    capacity: usize,
    number: usize,
}

impl PacketHeader {
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        let word = |n: usize| le_u32(bytes, at + 4 + 4 * n);
        // The last word is the one that can be missing, so it is asked for although it tells nothing
        // that the events do not tell.
        word(5)?;
        Some(Self {
            kind: le_u16(bytes, at)?,
            event_bytes: word(0)? as usize,
            overflows: i64::from(word(2)?),
            capacity: word(3)? as usize,
            number: word(4)? as usize,
        })
    }
}

/// Reads a recording.
pub fn parse(bytes: &[u8]) -> Result<Recording, EventProblem> {
    let (start, size) = header(bytes)?;
    let mut collector = Collector::new(Format::Aedat31, size);
    let mut at = start;
    while at < bytes.len() {
        let Some(packet) = PacketHeader::read(bytes, at) else {
            collector.truncated(at);
            break;
        };
        check(&packet, at)?;
        let body = at + HEADER_BYTES;
        let length = packet.event_bytes.checked_mul(packet.capacity);
        let end = length.and_then(|length| body.checked_add(length));
        if packet.kind == POLARITY {
            events(bytes, body, &packet, &mut collector)?;
        } else {
            collector.notes.other += 1;
        }
        let Some(end) = end.filter(|end| *end <= bytes.len()) else {
            collector.truncated(at);
            break;
        };
        at = end;
    }
    Ok(collector.camera())
}

/// First byte of the packets, and the size of the sensor if the camera is known.
fn header(bytes: &[u8]) -> Result<(usize, Option<(u32, u32)>), EventProblem> {
    let wrong = |at, found: &str, expected| Err(damaged(Format::Aedat31, at, found, expected));
    let mut header = marked_lines(bytes, b'#');
    let Some(last) = header.lines.iter().position(|line| line == END) else {
        return wrong(header.end, "the end of the header", "the line #!END-HEADER");
    };
    // A packet may begin with the byte of `#` too.
    if last + 1 < header.lines.len() {
        let end = bytes
            .windows(END.len())
            .position(|window| window == END.as_bytes())
            .map_or(header.end, |at| at + END.len());
        let line_end = bytes[end..].iter().position(|byte| *byte == b'\n');
        header.end = end + line_end.map_or(0, |n| n + 1);
        header.lines.truncate(last + 1);
    }
    let format = header
        .lines
        .iter()
        .find_map(|line| line.strip_prefix("#Format:"));
    if let Some(format) = format.map(str::trim).filter(|format| *format != "RAW") {
        return wrong(0, format, "#Format: RAW");
    }
    let source = header.lines.iter().find(|line| line.starts_with("#Source"));
    let known = [
        ("DVS128", (128, 128)),
        ("DAVIS240", (240, 180)),
        ("DAVIS346", (346, 260)),
        ("DAVIS640", (640, 480)),
        ("DAVIS128", (128, 128)),
        ("DAVIS208", (208, 192)),
    ];
    let size = source.and_then(|line| known.iter().find(|(name, _)| line.contains(name)));
    Ok((header.end, size.map(|(_, size)| *size)))
}

fn check(packet: &PacketHeader, at: usize) -> Result<(), EventProblem> {
    let wrong = |offset, found: usize, expected| {
        Err(damaged(
            Format::Aedat31,
            at + offset,
            found.to_string(),
            expected,
        ))
    };
    if packet.number > packet.capacity {
        return wrong(
            20,
            packet.number,
            "no more events than the capacity of the packet",
        );
    }
    if packet.kind == POLARITY && packet.event_bytes != EVENT_BYTES {
        return wrong(4, packet.event_bytes, "8 bytes for a polarity event");
    }
    if packet.event_bytes == 0 {
        return wrong(4, 0, "at least one byte per event");
    }
    Ok(())
}

fn events(
    bytes: &[u8],
    body: usize,
    packet: &PacketHeader,
    collector: &mut Collector,
) -> Result<(), EventProblem> {
    for n in 0..packet.number {
        let at = body + n * EVENT_BYTES;
        let (Some(data), Some(time)) = (le_u32(bytes, at), le_u32(bytes, at + 4)) else {
            collector.truncated(at);
            break;
        };
        if data & 1 == 0 {
            collector.notes.invalid += 1;
            continue;
        }
        let event = Event {
            t_us: packet.overflows << 31 | i64::from(time & 0x7fff_ffff),
            x: (data >> 17) as u16,
            y: (data >> 2 & 0x7fff) as u16,
            on: data & 2 != 0,
        };
        collector.push(at, event)?;
    }
    Ok(())
}

/// The part of a recording that this format cannot hold, if any.
pub fn obstacle(recording: &Recording) -> Option<&'static str> {
    let unfit =
        |event: &Event| event.x > 0x7fff || event.y > 0x7fff || !(0..1 << 62).contains(&event.t_us);
    let flat = recording.sensor.polarity == Polarity::None;
    (flat || recording.events.iter().any(unfit))
        .then_some("camera events with coordinates below 32768 and times that are not negative")
}

/// Writes a recording that has no [`obstacle`].
pub fn write(recording: &Recording, out: &mut dyn Write) -> io::Result<()> {
    let source = match (recording.sensor.width, recording.sensor.height) {
        (128, 128) => "DVS128",
        (240, 180) => "DAVIS240C",
        (346, 260) => "DAVIS346",
        (640, 480) => "DAVIS640",
        _ => "Unknown",
    };
    write!(
        out,
        "#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: {source}\r\n{END}\r\n"
    )?;
    let overflows = |event: &Event| event.t_us >> 31;
    let same = recording
        .events
        .chunk_by(|a, b| overflows(a) == overflows(b));
    for packet in same.flat_map(|events| events.chunks(PACKET_EVENTS)) {
        out.write_all(&POLARITY.to_le_bytes())?;
        out.write_all(&1u16.to_le_bytes())?;
        let count = packet.len() as u32;
        let words = [
            EVENT_BYTES as u32,
            4,
            overflows(&packet[0]) as u32,
            count,
            count,
            count,
        ];
        for word in words {
            out.write_all(&word.to_le_bytes())?;
        }
        for event in packet {
            let data =
                1 | u32::from(event.on) << 1 | u32::from(event.y) << 2 | u32::from(event.x) << 17;
            out.write_all(&data.to_le_bytes())?;
            out.write_all(&((event.t_us & 0x7fff_ffff) as u32).to_le_bytes())?;
        }
    }
    Ok(())
}
