//! Prophesee EVT 2.1: words of 64 bits behind a header of `% ` lines.
//!
//! The upper half is a word of EVT 2.0. The lower half of an event is a mask: every bit that is set is an
//! event, at column x plus the number of the bit (Prophesee, "EVT 2.1 format").
//!
//! The bytes of a word come with the lowest first, or, from the IMX636, with the upper half before the
//! lower one, each with its lowest byte first; headers call that `endianness=legacy`. Where a header is
//! silent, the order is the one in which more words are words of time.

use super::bytes::array;
use super::evt2::{self, Word};
use super::prophesee;
use super::{EventProblem, Format, Recording};

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
    let halves = Halves::of(&header.lines, &bytes[header.end..]);
    let word = |bytes: &[u8]| {
        let word = halves.word(bytes);
        Word {
            bits: (word >> 32) as u32,
            columns: word as u32,
        }
    };
    evt2::decode(bytes, &header, (Format::Evt21, WORD_BYTES), word)
}
