//! AEDAT 4.0, written by DV: a version line, a FlatBuffer with compression and description of the
//! streams, then packets: stream and length (32 bits each, little-endian) and a FlatBuffer, packed
//! with LZ4 or Zstandard (iniVation, "AEDAT 4.0").
//!
//! Polarity events are packets with the identifier `EVTS`: a vector of 16-byte structs, time in µs
//! (64 bits), x, y (16 bits), polarity. The few bytes of FlatBuffers that this needs are read here.
//! Packets of other streams are skipped and counted, also those of a second stream of events; a file that was not closed properly ends in a
//! packet that is cut off.

use std::io::Read;

use super::bytes::{array, le_i64, le_u16, le_u32};
use super::collector::{Collector, damaged};
use super::unpacked::Unpacked;
use super::{Event, EventProblem, Format, Recording};

const VERSION_LINE: &[u8] = b"#!AER-DAT4.0\r\n";
const PACKET_HEADER_BYTES: usize = 8;
const EVENT_BYTES: usize = 16;

#[derive(Clone, Copy)]
enum Compression {
    None,
    Lz4,
    Zstd,
}

/// Header of a file, before the packets.
struct IoHeader {
    compression: Compression,
    /// First byte behind the packets, if the file was closed.
    table_at: Option<usize>,
    /// XML.
    streams: String,
    /// First byte of the packets.
    end: usize,
}

/// Reads a recording.
pub fn parse(bytes: &[u8]) -> Result<Recording, EventProblem> {
    let header = io_header(bytes)?;
    let streams = event_streams(&header.streams);
    let stream = streams.first().ok_or_else(|| {
        let found = "streams without polarity events";
        let expected = "a stream with the type identifier EVTS";
        damaged(Format::Aedat4, VERSION_LINE.len(), found, expected)
    })?;
    let mut collector = Collector::new(Format::Aedat4, stream.size);
    let mut bound = Unpacked::of(Format::Aedat4, bytes.len() as u64);
    let end = header.table_at.unwrap_or(bytes.len()).min(bytes.len());
    let mut at = header.end;
    while at < end {
        let (Some(id), Some(length)) = (le_u32(bytes, at), le_u32(bytes, at + 4)) else {
            collector.truncated(at);
            break;
        };
        let body = at + PACKET_HEADER_BYTES;
        let Some(packet) = bytes.get(body..body.saturating_add(length as usize)) else {
            collector.truncated(at);
            break;
        };
        if i64::from(id) == stream.id {
            let unpacked = unpack(packet, header.compression, bound.left + 1).map_err(|error| {
                let found = format!("a packet that cannot be unpacked ({error})");
                collector.damaged(body, found, "a whole LZ4 or Zstandard frame")
            })?;
            bound.take(unpacked.len() as u64, body)?;
            events(&unpacked, body, &mut collector)?;
        } else if streams.iter().any(|stream| i64::from(id) == stream.id) {
            collector.notes.streams += 1;
        } else {
            collector.notes.other += 1;
        }
        at = body + length as usize;
    }
    Ok(collector.camera())
}

fn io_header(bytes: &[u8]) -> Result<IoHeader, EventProblem> {
    let at = VERSION_LINE.len();
    let wrong = |found: &str| {
        let expected = "the header of AEDAT 4.0: a FlatBuffer IOHE";
        damaged(Format::Aedat4, at, found, expected)
    };
    let length = le_u32(bytes, at).ok_or_else(|| wrong("the end of the file"))? as usize;
    let buffer = bytes.get(at + 4..(at + 4).saturating_add(length));
    let buffer = buffer.ok_or_else(|| wrong("the end of the file"))?;
    let table = Table::root(buffer, *b"IOHE").ok_or_else(|| wrong("another structure"))?;
    let compression = match table.field(0).and_then(|at| le_u32(buffer, at)) {
        None | Some(0) => Compression::None,
        Some(1 | 2) => Compression::Lz4,
        Some(3 | 4) => Compression::Zstd,
        Some(other) => return Err(wrong(&format!("compression {other}"))),
    };
    let table_at = table.field(1).and_then(|at| le_i64(buffer, at));
    let streams = table.vector(2, 1).ok_or_else(|| wrong("no description"))?;
    Ok(IoHeader {
        compression,
        table_at: table_at.and_then(|at| usize::try_from(at).ok()),
        streams: String::from_utf8_lossy(streams).into_owned(),
        end: at + 4 + length,
    })
}

/// A stream of polarity events.
struct Stream {
    id: i64,
    size: Option<(u32, u32)>,
}

/// The streams of polarity events in the description: nodes named by the number of the stream, with
/// attributes of the form `<attr key="sizeX" type="int">346</attr>`.
fn event_streams(xml: &str) -> Vec<Stream> {
    let mut streams = Vec::new();
    let (mut id, mut width, mut height) = (None, None, None);
    let mut polarity = None;
    let stream = |id: Option<i64>, width: Option<u32>, height| {
        id.map(|id| Stream {
            id,
            size: width.zip(height),
        })
    };
    for tag in xml.split('<').skip(1) {
        if tag.starts_with("node ") {
            let number = quoted(tag, "name=").and_then(|name| name.parse::<i64>().ok());
            if number.is_some() {
                streams.extend(stream(polarity.take(), width, height));
                (id, width, height) = (number, None, None);
            }
        } else if tag.starts_with("attr ") {
            let value = tag.split_once('>').map_or("", |(_, value)| value.trim());
            match quoted(tag, "key=") {
                Some("typeIdentifier") if value == "EVTS" => polarity = id,
                Some("sizeX") => width = value.parse().ok(),
                Some("sizeY") => height = value.parse().ok(),
                _ => {}
            }
        }
    }
    streams.extend(stream(polarity, width, height));
    streams
}

fn quoted<'a>(tag: &'a str, key: &str) -> Option<&'a str> {
    let rest = &tag[tag.find(key)? + key.len()..];
    rest.strip_prefix('"')?.split('"').next()
}

/// The content of a packet, or its first `bytes_max` bytes.
fn unpack(packet: &[u8], compression: Compression, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    match compression {
        Compression::None => unpacked.extend_from_slice(packet),
        Compression::Lz4 => {
            let decoder = lz4_flex::frame::FrameDecoder::new(packet);
            decoder.take(bytes_max).read_to_end(&mut unpacked)?;
        }
        Compression::Zstd => {
            let decoder =
                ruzstd::decoding::StreamingDecoder::new(packet).map_err(std::io::Error::other)?;
            decoder.take(bytes_max).read_to_end(&mut unpacked)?;
        }
    }
    Ok(unpacked)
}

/// The events of an unpacked packet; `offset` is where it begins in the file.
fn events(packet: &[u8], offset: usize, collector: &mut Collector) -> Result<(), EventProblem> {
    let buffer = packet.get(4..).unwrap_or_default();
    let table = Table::root(buffer, *b"EVTS");
    let vector = table.and_then(|table| match table.field(0) {
        // A packet without the vector has no events.
        None => Some(&[][..]),
        Some(_) => table.vector(0, EVENT_BYTES),
    });
    let Some(vector) = vector else {
        let found = "a packet without a whole table of events";
        return Err(collector.damaged(offset, found, "a FlatBuffer EVTS"));
    };
    for raw in vector.chunks_exact(EVENT_BYTES) {
        let short = |at| le_u16(raw, at).map(u16::cast_signed);
        let (Some(t_us), Some(x), Some(y)) = (le_i64(raw, 0), short(8), short(10)) else {
            break;
        };
        let (Ok(x), Ok(y)) = (u16::try_from(x), u16::try_from(y)) else {
            collector.notes.outside += 1;
            continue;
        };
        let on = raw[12] != 0;
        collector.push(offset, Event { t_us, x, y, on })?;
    }
    Ok(())
}

/// A table of a FlatBuffer.
#[derive(Clone, Copy)]
struct Table<'a> {
    buffer: &'a [u8],
    at: usize,
}

impl<'a> Table<'a> {
    /// The root of a buffer with an identifier.
    fn root(buffer: &'a [u8], identifier: [u8; 4]) -> Option<Self> {
        let at = le_u32(buffer, 0)? as usize;
        (array(buffer, 4)? == identifier).then_some(Self { buffer, at })
    }

    /// Place of a field; `None` when it has its default.
    fn field(&self, n: usize) -> Option<usize> {
        let back = array(self.buffer, self.at).map(i32::from_le_bytes)?;
        let vtable = usize::try_from(i64::try_from(self.at).ok()? - i64::from(back)).ok()?;
        let vtable_bytes = usize::from(le_u16(self.buffer, vtable)?);
        let slot = 4 + 2 * n;
        if slot + 2 > vtable_bytes {
            return None;
        }
        let offset = le_u16(self.buffer, vtable + slot)?;
        (offset != 0).then(|| self.at + usize::from(offset))
    }

    /// The bytes of a vector of elements of `bytes` bytes.
    fn vector(&self, field: usize, bytes: usize) -> Option<&'a [u8]> {
        let at = self.field(field)?;
        let start = at.checked_add(le_u32(self.buffer, at)? as usize)?;
        let length = (le_u32(self.buffer, start)? as usize).checked_mul(bytes)?;
        self.buffer.get(start + 4..(start + 4).checked_add(length)?)
    }
}
