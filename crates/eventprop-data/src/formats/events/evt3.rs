//! Prophesee EVT 3.0: little-endian words of 16 bits behind a header of `% ` lines.
//!
//! The upper four bits say what a word is. Words change the state of the decoder, and some give events:
//!
//! | type | name | lower 12 bits |
//! |---|---|---|
//! | 0 | `ADDR_Y` | row of the events that follow (11 bits), camera of a pair (1 bit) |
//! | 2 | `ADDR_X` | an event: column (11 bits), polarity (1 bit) |
//! | 3 | `VECT_BASE_X` | column (11 bits) and polarity (1 bit) of the vectors that follow |
//! | 4, 5 | `VECT_12`, `VECT_8` | an event for every bit that is set, lowest column first; the columns go on behind |
//! | 6, 8 | `TIME_LOW`, `TIME_HIGH` | lower and upper 12 bits of the time in µs |
//! | 10, 14 | `EXT_TRIGGER`, `OTHERS` | other kinds of events |
//! | 7, 15 | `CONTINUED_4`, `CONTINUED_12` | more of the word before |
//!
//! (Prophesee, "EVT 3.0 format".) A new `TIME_HIGH` sets the lower bits to zero until the next
//! `TIME_LOW`, one that repeats itself changes nothing. The makers' tools send vectors of 12, 12 and 8
//! columns; any other sequence means what its words say. Events without a time, a row or a column, which
//! come before the first words of those, are skipped. The other types are reserved; files are filled up with one of
//! them, 0x9999.

use super::bytes::le_u16;
use super::collector::{Collector, Unwrapper};
use super::prophesee;
use super::{Event, EventProblem, Format, Recording};

const WORD_BYTES: usize = 2;
/// It means nothing.
const PADDING: u16 = 0x9999;

/// What the words so far have set.
struct State {
    clock: Unwrapper,
    /// The time without its lower 12 bits.
    high_us: Option<i64>,
    low_us: i64,
    y: Option<u16>,
    /// Column and polarity of the next element of a vector.
    vector: Option<(u32, bool)>,
}

/// Reads a recording.
pub fn parse(bytes: &[u8]) -> Result<Recording, EventProblem> {
    let header = prophesee::header_of(bytes, Format::Evt3)?;
    let mut collector = Collector::new(Format::Evt3, prophesee::size(&header.lines));
    let mut state = State {
        clock: Unwrapper::new(12),
        high_us: None,
        low_us: 0,
        y: None,
        vector: None,
    };
    let mut at = header.end;
    while let Some(word) = le_u16(bytes, at) {
        state.take(word, at, &mut collector)?;
        at += WORD_BYTES;
    }
    if at < bytes.len() {
        collector.truncated(at);
    }
    Ok(collector.camera())
}

impl State {
    fn take(&mut self, word: u16, at: usize, out: &mut Collector) -> Result<(), EventProblem> {
        let (column, polarity) = (u32::from(word & 0x7ff), word & 0x800 != 0);
        match word >> 12 {
            0x0 => self.y = Some(word & 0x7ff),
            0x2 => return self.event(column, polarity, at, out),
            0x3 => self.vector = Some((column, polarity)),
            0x4 => return self.vector(word & 0xfff, 12, at, out),
            0x5 => return self.vector(word & 0xff, 8, at, out),
            0x6 => self.low_us = i64::from(word & 0xfff),
            0x8 => self.time_high(word & 0xfff, out),
            0xa | 0xe => out.notes.other += 1,
            0x7 | 0xf => {}
            _ => out.notes.reserved += u64::from(word != PADDING),
        }
        Ok(())
    }

    fn time_high(&mut self, high: u16, out: &mut Collector) {
        let (high, overflowed) = self.clock.next(u32::from(high));
        out.notes.overflows += u64::from(overflowed);
        let high_us = Some(high << 12);
        if self.high_us != high_us {
            self.high_us = high_us;
            self.low_us = 0;
        }
    }

    fn vector(
        &mut self,
        elements: u16,
        count: u32,
        at: usize,
        out: &mut Collector,
    ) -> Result<(), EventProblem> {
        let Some((first, polarity)) = self.vector else {
            out.notes.before_clock += u64::from(elements.count_ones());
            return Ok(());
        };
        for element in (0..count).filter(|element| elements >> element & 1 == 1) {
            self.event(first + element, polarity, at, out)?;
        }
        // Columns beyond every sensor are skipped all alike.
        self.vector = Some(((first + count).min(1 << 16), polarity));
        Ok(())
    }

    fn event(&self, x: u32, on: bool, at: usize, out: &mut Collector) -> Result<(), EventProblem> {
        let (Some(high_us), Some(y)) = (self.high_us, self.y) else {
            out.notes.before_clock += 1;
            return Ok(());
        };
        let Ok(x) = u16::try_from(x) else {
            out.notes.outside += 1;
            return Ok(());
        };
        let t_us = high_us | self.low_us;
        out.push(at, Event { t_us, x, y, on })
    }
}
