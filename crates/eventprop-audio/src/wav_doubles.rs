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

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::sound::{Sound, SoundError};

    /// A WAV file with floats of 64 bits, as SciPy writes it: a "fact" chunk and a list before the data.
    fn of_doubles(channels: u16, samples: &[f64]) -> Vec<u8> {
        let chunk = |name: &[u8; 4], body: &[u8]| {
            let length = (body.len() as u32).to_le_bytes();
            let pad = vec![0; body.len() % 2];
            [&name[..], &length, body, &pad].concat()
        };
        let format = [
            &3u16.to_le_bytes()[..],
            &channels.to_le_bytes(),
            &16_000u32.to_le_bytes(),
            &(16_000 * 8 * u32::from(channels)).to_le_bytes(),
            &(8 * channels).to_le_bytes(),
            &64u16.to_le_bytes(),
            &0u16.to_le_bytes(),
        ];
        let data: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        let chunks = [
            b"WAVE".to_vec(),
            chunk(b"fmt ", &format.concat()),
            chunk(b"fact", &(samples.len() as u32).to_le_bytes()),
            chunk(b"LIST", b"odd"),
            chunk(b"data", &data),
        ];
        chunk(b"RIFF", &chunks.concat())
    }

    #[test]
    fn floats_of_64_bits_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.wav");
        fs::write(&path, of_doubles(2, &[0.1, 0.3, -1.0, 0.5])).unwrap();
        let sound = Sound::read(&path, 60.0).unwrap();
        assert_eq!(sound.samples, [0.2, -0.25]);
        assert_eq!((sound.rate_hz, sound.mixed), (16_000, 2));
        let bytes = of_doubles(1, &[0.5; 100]);
        for length in (12..bytes.len()).step_by(5) {
            fs::write(&path, &bytes[..length]).unwrap();
            let error = Sound::read(&path, 60.0).unwrap_err().to_string();
            assert!(error.contains("sound.wav"), "{error}");
        }
        fs::write(&path, &bytes[..bytes.len() - 12]).unwrap();
        let error = Sound::read(&path, 60.0).unwrap_err();
        assert!(
            matches!(
                error,
                SoundError::Truncated {
                    expected: 100,
                    found: 98,
                    ..
                }
            ),
            "{error}"
        );
        fs::write(&path, of_doubles(1, &vec![0.5; 40_000])).unwrap();
        assert!(matches!(
            Sound::read(&path, 2.0).unwrap_err(),
            SoundError::TooLong { .. }
        ));
    }
}
