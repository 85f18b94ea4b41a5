//! Prophesee EVT 2.1: words of 64 bits behind a header of `% ` lines.
//!
//! The upper four bits say what a word is, as in EVT 2.0: 0 and 1 are OFF and ON events (time 6 bits, x
//! 11, y 11), here with a mask of 32 bits: every bit that is set is an event, at column x plus the number
//! of the bit. 8 carries the upper 28 bits of the time of all that follow, 10 is an external trigger, 14
//! and 15 are of other use (Prophesee, "EVT 2.1 format").
//!
//! The bytes of a word come with the lowest first, or, from the IMX636, with the upper half before the
//! lower one, each with its lowest byte first; headers call that `endianness=legacy`. Where a header is
//! silent, the order is the one in which more words are words of time.

use super::bytes::array;
use super::collector::{Collector, Unwrapper};
use super::prophesee;
use super::{Event, EventProblem, Format, Recording};

const WORD_BYTES: usize = 8;
/// So many words are looked at to see their order.
const LOOKED_AT: usize = 4096;

/// The order of the halves of a word.
#[derive(Clone, Copy)]
enum Halves {
    LowerFirst,
    UpperFirst,
}

impl Halves {
    fn word(self, bytes: &[u8]) -> u64 {
        let bytes = array(bytes, 0).expect("chunks have the length of a word");
        match self {
            Self::LowerFirst => u64::from_le_bytes(bytes),
            Self::UpperFirst => u64::from_le_bytes(bytes).rotate_left(32),
        }
    }

    /// The order that the header names, or that the words are in.
    fn of(lines: &[String], words: &[u8]) -> Self {
        let says = |what: &str| lines.iter().any(|line| line.contains(what));
        // The lower half of a word of time is empty.
        let times = |halves: Self| {
            let words = words.chunks_exact(WORD_BYTES).take(LOOKED_AT);
            let words = words.map(|word| halves.word(word));
            words
                .filter(|word| word >> 60 == 8 && *word as u32 == 0)
                .count()
        };
        let seen = || times(Self::UpperFirst) > times(Self::LowerFirst);
        if says("endianness=legacy") || !says("endianness=") && seen() {
            Self::UpperFirst
        } else {
            Self::LowerFirst
        }
    }
}

/// Reads a recording.
pub fn parse(bytes: &[u8]) -> Result<Recording, EventProblem> {
    let header = prophesee::header_of(bytes, Format::Evt21)?;
    let mut collector = Collector::new(Format::Evt21, prophesee::size(&header.lines));
    let mut clock = Unwrapper::new(28);
    let mut high = None;
    let halves = Halves::of(&header.lines, &bytes[header.end..]);
    let words = bytes[header.end..].chunks_exact(WORD_BYTES);
    if !words.remainder().is_empty() {
        collector.truncated(bytes.len() - words.remainder().len());
    }
    for (n, word) in words.enumerate() {
        let offset = header.end + n * WORD_BYTES;
        let word = halves.word(word);
        match word >> 60 {
            kind @ (0 | 1) => {
                let mask = word as u32;
                let Some(high) = high else {
                    collector.notes.before_clock += u64::from(mask.count_ones());
                    continue;
                };
                for column in (0..32).filter(|column| mask >> column & 1 == 1) {
                    let event = Event {
                        t_us: high << 6 | (word >> 54 & 0x3f) as i64,
                        x: (word >> 43 & 0x7ff) as u16 + column,
                        y: (word >> 32 & 0x7ff) as u16,
                        on: kind == 1,
                    };
                    collector.push(offset, event)?;
                }
            }
            8 => {
                let (time, overflowed) = clock.next((word >> 32) as u32 & 0x0fff_ffff);
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
