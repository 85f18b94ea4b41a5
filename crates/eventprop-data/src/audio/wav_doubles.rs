//! WAV of 64-bit floats, which is what SciPy writes of an array of doubles; hound reads floats of 32 bits only.

use std::io::{self, Read, Seek, SeekFrom};

const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xFFFE;

/// The samples of such a file, not read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubles {
    pub rate_hz: u32,
    pub channels: u16,
    /// Samples of all channels that the header promises.
    pub samples: u64,
}

impl Doubles {
    /// Looks for 64-bit floats and leaves `file` where they begin. `None` for any other content, damaged files among
    /// them: the reader of all other WAV files says what is wrong.
    pub fn find(file: &mut (impl Read + Seek)) -> io::Result<Option<Self>> {
        // "RIFF", length, "WAVE"; then chunks of a name, a length and as many bytes, padded to an even number.
        file.seek(SeekFrom::Start(12))?;
        let mut format = None;
        loop {
            let mut head = [0; 8];
            if !filled(file, &mut head)? {
                return Ok(None);
            }
            let (name, length) = (&head[..4], u32_at(&head, 4));
            match (name, format) {
                (b"fmt ", _) if length >= 16 => {
                    let mut kind = vec![0; length.min(40) as usize];
                    if !filled(file, &mut kind)? {
                        return Ok(None);
                    }
                    let tag = match u16_at(&kind, 0) {
                        EXTENSIBLE if kind.len() >= 26 => u16_at(&kind, 24),
                        tag => tag,
                    };
                    if (tag, u16_at(&kind, 14)) != (FLOAT, 64) {
                        return Ok(None);
                    }
                    format = Some((u16_at(&kind, 2), u32_at(&kind, 4)));
                    file.seek_relative(
                        i64::from(length) - kind.len() as i64 + i64::from(length % 2),
                    )?;
                }
                (b"data", Some((channels, rate_hz))) => {
                    return Ok(Some(Self {
                        rate_hz,
                        channels,
                        samples: u64::from(length / 8),
                    }));
                }
                (b"data", None) => return Ok(None),
                _ => file.seek_relative(i64::from(length) + i64::from(length % 2))?,
            }
        }
    }

    /// Calls `each` with the samples, all channels of one moment after each other, as far as the file goes.
    pub fn read(self, file: &mut impl Read, mut each: impl FnMut(f64)) -> io::Result<()> {
        let mut sample = [0; 8];
        for _ in 0..self.samples {
            if !filled(file, &mut sample)? {
                break;
            }
            each(f64::from_le_bytes(sample));
        }
        Ok(())
    }
}

/// Fills `bytes`; whether the file had as many.
fn filled(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
