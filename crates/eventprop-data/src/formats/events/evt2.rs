//! Prophesee EVT 2.0: little-endian words of 32 bits behind a header of `% ` lines.
//!
//! The upper four bits say what a word is: 0 and 1 are OFF and ON events (time 6 bits, x 11, y 11),
//! 8 carries the upper 28 bits of the time of all that follow, 10 is an external trigger, 14 and 15
//! are of other use (Prophesee, "EVT 2.0 format"). Events before the first word of time have no time
//! and are skipped, as the makers' tools do.

use super::bytes::{Header, array};
use super::collector::{Collector, Unwrapper};
use super::prophesee;
use super::{Event, EventProblem, Format, Recording};

const WORD_BYTES: usize = 4;

/// A word, and for each column from its own one on whether it means that one, too.
pub(super) struct Word {
    pub(super) bits: u32,
    pub(super) columns: u32,
}

/// Reads a recording.
pub fn parse(bytes: &[u8]) -> Result<Recording, EventProblem> {
    let header = prophesee::header_of(bytes, Format::Evt2)?;
    let word = |bytes: &[u8]| Word {
        bits: u32::from_le_bytes(array(bytes, 0).expect("chunks have the length of a word")),
        columns: 1,
    };
    decode(bytes, &header, (Format::Evt2, WORD_BYTES), word)
}

/// Reads words of some bytes behind a header, as `word` sees them.
pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    (format, word_bytes): (Format, usize),
    word: impl Fn(&[u8]) -> Word,
) -> Result<Recording, EventProblem> {
    let mut collector = Collector::new(format, prophesee::size(&header.lines));
    let mut clock = Unwrapper::new(28);
    let mut high = None;
    let words = bytes[header.end..].chunks_exact(word_bytes);
    if !words.remainder().is_empty() {
        collector.truncated(bytes.len() - words.remainder().len());
    }
    for (n, bytes) in words.enumerate() {
        let offset = header.end + n * word_bytes;
        let Word { bits, columns } = word(bytes);
        match bits >> 28 {
            kind @ (0 | 1) => {
                let Some(high) = high else {
                    collector.notes.before_clock += u64::from(columns.count_ones());
                    continue;
                };
                for column in (0..32).filter(|column| columns >> column & 1 == 1) {
                    let event = Event {
                        t_us: high << 6 | i64::from(bits >> 22 & 0x3f),
                        x: (bits >> 11 & 0x7ff) as u16 + column,
                        y: (bits & 0x7ff) as u16,
                        on: kind == 1,
                    };
                    collector.push(offset, event)?;
                }
            }
            8 => {
                let (time, overflowed) = clock.next(bits & 0x0fff_ffff);
                collector.notes.overflows += u64::from(overflowed);
                high = Some(time);
            }
            10 | 14 | 15 => collector.notes.other += 1,
            kind => {
                let found = format!("a word of type {kind}");
                return Err(collector.damaged(offset, found, "type 0, 1, 8, 10, 14 or 15"));
            }
        }
    }
    Ok(collector.camera())
}
