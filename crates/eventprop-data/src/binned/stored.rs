//! A binned set as bytes, all numbers little-endian, and back. What comes back is checked, so that a
//! set always holds what it promises, whatever the bytes were.

use std::io::{self, Read, Write};

use super::{BinnedSet, Lost, Repeats, Start};

/// Numbers that are converted at once.
const BLOCK: usize = 1 << 14;

impl BinnedSet {
    /// Writes the set.
    pub(crate) fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let lengths = [
            u64::from(self.inputs),
            u64::from(self.steps),
            u64::from(self.classes),
            self.len() as u64,
            self.channels.len() as u64,
            self.runs.len() as u64,
            u64::from(self.speakers.is_some()),
        ];
        write_numbers(out, &lengths, |n| n.to_le_bytes())?;
        write_numbers(out, &self.labels, |n| n.to_le_bytes())?;
        if let Some(speakers) = &self.speakers {
            write_numbers(out, speakers, |n| n.to_le_bytes())?;
        }
        write_numbers(out, &self.starts, |start| {
            let pair = u128::from(start.channels as u64) | (u128::from(start.runs as u64) << 64);
            pair.to_le_bytes()
        })?;
        write_numbers(out, &self.runs, |&(step, count)| {
            (u64::from(step) | (u64::from(count) << 32)).to_le_bytes()
        })?;
        write_numbers(out, &self.channels, |n| n.to_le_bytes())
    }

    /// Reads a set from at most `bytes_max` bytes.
    pub(crate) fn read_from(input: &mut dyn Read, bytes_max: u64) -> io::Result<Self> {
        let lengths = read_numbers(input, 7, u64::from_le_bytes)?;
        let [inputs, steps, classes, samples, channels, runs, speakers] = lengths[..] else {
            unreachable!("seven were read");
        };
        let bytes = [(samples, 18), (channels, 2), (runs, 8)]
            .into_iter()
            .try_fold(0u64, |sum, (n, width)| {
                sum.checked_add(n.checked_mul(width)?)
            });
        if bytes.is_none_or(|bytes| bytes > bytes_max) {
            return Err(invalid("the lengths"));
        }
        let width = |n: u64| u32::try_from(n).map_err(|_| invalid("the lengths"));
        let samples = samples as usize;
        let set = Self {
            inputs: width(inputs)?,
            steps: width(steps)?,
            classes: width(classes)?,
            labels: read_numbers(input, samples, u16::from_le_bytes)?,
            speakers: match speakers {
                0 => None,
                _ => Some(read_numbers(input, samples, u16::from_le_bytes)?),
            },
            starts: read_numbers(input, samples + 1, |bytes| {
                let pair = u128::from_le_bytes(bytes);
                Start {
                    channels: pair as u64 as usize,
                    runs: (pair >> 64) as usize,
                }
            })?,
            runs: read_numbers(input, runs as usize, |bytes| {
                let pair = u64::from_le_bytes(bytes);
                (pair as u32, (pair >> 32) as u32)
            })?,
            channels: read_numbers(input, channels as usize, u16::from_le_bytes)?,
            repeats: Repeats::Merge,
            lost: Lost::default(),
            class_names: Vec::new(),
        };
        set.check()?;
        Ok(set)
    }

    /// True if the set holds what it promises.
    fn check(&self) -> io::Result<()> {
        let small = self.inputs <= 1 << 16 && self.classes <= 1 << 16;
        let labels = self
            .labels
            .iter()
            .all(|&label| u32::from(label) < self.classes);
        let channels = self.channels.iter().all(|&c| u32::from(c) < self.inputs);
        if !small || !labels || !channels {
            return Err(invalid("a class or a channel"));
        }
        let end = Start {
            channels: self.channels.len(),
            runs: self.runs.len(),
        };
        if self.starts.first() != Some(&Start::default()) || self.starts.last() != Some(&end) {
            return Err(invalid("the beginnings of the samples"));
        }
        let in_order = |pair: &[Start]| {
            let [start, end] = [pair[0], pair[1]];
            let runs = self.runs.get(start.runs..end.runs);
            runs.is_some_and(|runs| {
                let spikes: u64 = runs.iter().map(|run| u64::from(run.1)).sum();
                let rising = runs.is_sorted_by(|a, b| a.0 < b.0);
                let inside = runs.last().is_none_or(|run| run.0 < self.steps);
                rising && inside && start.channels as u64 + spikes == end.channels as u64
            })
        };
        if self.starts.windows(2).all(in_order) {
            Ok(())
        } else {
            Err(invalid("the spikes of a sample"))
        }
    }
}

fn invalid(what: &str) -> io::Error {
    let message = format!("{what} of a stored set are damaged");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn write_numbers<T, const WIDTH: usize>(
    out: &mut dyn Write,
    numbers: &[T],
    encode: impl Fn(&T) -> [u8; WIDTH],
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(BLOCK.min(numbers.len()) * WIDTH);
    for block in numbers.chunks(BLOCK) {
        bytes.clear();
        bytes.extend(block.iter().flat_map(&encode));
        out.write_all(&bytes)?;
    }
    Ok(())
}

fn read_numbers<T, const WIDTH: usize>(
    input: &mut dyn Read,
    count: usize,
    decode: impl Fn([u8; WIDTH]) -> T,
) -> io::Result<Vec<T>> {
    let mut numbers = Vec::with_capacity(count);
    let mut bytes = vec![0; BLOCK.min(count) * WIDTH];
    while numbers.len() < count {
        let block = &mut bytes[..BLOCK.min(count - numbers.len()) * WIDTH];
        input.read_exact(block)?;
        let (elements, _) = block.as_chunks();
        numbers.extend(elements.iter().map(|element| decode(*element)));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binned::Speakers;

    fn set(speakers: Speakers) -> BinnedSet {
        let mut set = BinnedSet::new(20, 50, 4, speakers);
        for sample in 0..30u32 {
            let spikes = (0..sample * sample).map(|n| (n * 7 % 50, (n * n % 20) as u16));
            let speaker = (speakers == Speakers::Known).then_some(sample as u16 % 3);
            set.push(&mut spikes.collect(), sample as u16 % 4, speaker);
        }
        // What was lost on the way is no part of the bytes.
        set.lost = Lost::default();
        set
    }

    fn bytes(set: &BinnedSet) -> Vec<u8> {
        let mut bytes = Vec::new();
        set.write_to(&mut bytes).unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> io::Result<BinnedSet> {
        BinnedSet::read_from(&mut { bytes }, bytes.len() as u64)
    }

    #[test]
    fn a_set_comes_back() {
        for speakers in [Speakers::Known, Speakers::Unknown] {
            let set = set(speakers);
            assert_eq!(read(&bytes(&set)).unwrap(), set);
        }
        let empty = BinnedSet::new(20, 50, 4, Speakers::Known);
        assert_eq!(read(&bytes(&empty)).unwrap(), empty);
    }

    /// Changed bytes give an error or a set that can be read through.
    #[test]
    fn changed_bytes_are_no_broken_set() {
        let whole = bytes(&set(Speakers::Known));
        for length in (0..whole.len()).step_by(11) {
            assert!(read(&whole[..length]).is_err());
        }
        for at in 0..whole.len() {
            for bit in [0, 3, 7] {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                let Ok(set) = read(&changed) else { continue };
                for sample in 0..set.len() {
                    let mut spikes = 0;
                    set.for_each_spike(sample, |step, channel| {
                        assert!(step < set.steps() && u32::from(channel) < set.inputs());
                        spikes += 1;
                    });
                    assert_eq!(spikes, set.spikes_len(sample));
                }
            }
        }
    }
}
