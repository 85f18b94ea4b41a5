//! WAV: the header by the book, and the samples behind it.
//!
//! A file is `RIFF`, a length, `WAVE`, and chunks: a name, a length, as many bytes, and a pad byte where the length is
//! odd (Multimedia Programming Interface and Data Specifications 1.0, 1991). `RF64` and `BW64` keep the true length in
//! a chunk `ds64` (EBU Tech 3306, ITU-R BS.2088). A sample lies left-aligned in its bytes: 24 valid bits in 32 are the
//! upper ones. A writer into a pipe cannot come back to the length of its samples and writes one just below 2 or 4 GiB;
//! then they end with the file. Some writers leave the pad byte out; as it is zero and no name begins so, they are
//! understood, too.

use std::io::{self, Read, Seek, SeekFrom};

use thiserror::Error;

const WHOLE: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xFFFE;
/// So many bytes below 2 or 4 GiB, or fewer, is the length that is written into a pipe.
const BELOW_LIMIT: u32 = 4096;
/// Bytes that are decoded at once, and some more.
const BLOCK_BYTES: usize = 1 << 16;

/// A WAV file cannot be read.
#[derive(Debug, Error)]
pub(super) enum WavProblem {
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The end is missing.
    #[error("it ends within its header, before the samples: the file is cut off, get it again")]
    Short,
    /// Fields of the header that contradict each other.
    #[error("its header says {0}; the file is damaged, get it again")]
    Contradiction(String),
    /// Another kind of samples.
    #[error(
        "its samples are {found}, which is not read; WAV of whole numbers with 1 to 32 bits and of floats with 32 or 64 \
         bits is: convert it, for instance with `ffmpeg -i in.wav -c:a pcm_s16le out.wav`"
    )]
    Kind { found: String },
    /// Numbers at the wrong end of their bytes.
    #[error(
        "its samples of {valid} bits lie in the lower bits of {bytes} bytes; the format puts them into the upper ones: \
         convert it with the program that wrote it to 16 bits"
    )]
    RightAligned { valid: u16, bytes: u16 },
}

/// Numbers of which samples are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    /// Whole numbers in 1 to 4 bytes, of which the upper bits are valid; those in one byte have no sign.
    Whole {
        valid: u16,
    },
    Float,
}

/// A WAV file whose header was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wav {
    pub rate_hz: u32,
    pub channels: u16,
    number: Number,
    /// Bytes of a sample of one channel.
    bytes: u16,
    /// Bytes of the samples that the header promises; `None` where it does not know.
    promised_bytes: Option<u64>,
    /// Bytes of them that are there.
    present_bytes: u64,
}

/// The header of a chunk.
struct Chunk {
    name: [u8; 4],
    length: u32,
}

impl Wav {
    /// Reads the header, from `RIFF` to where the samples begin.
    pub fn find(file: &mut (impl Read + Seek)) -> Result<Self, WavProblem> {
        let start = file.stream_position()?;
        let head: [u8; 12] = array(file)?;
        let riff_end = start + 8 + word(&head[4..8]);
        let (mut format, mut long) = (None, None);
        loop {
            let chunk = Chunk::read(file)?;
            match (&chunk.name, format) {
                (b"data", None) => {
                    let found = "nothing about the samples before they begin".to_owned();
                    return Err(WavProblem::Contradiction(found));
                }
                (b"data", Some(format)) => {
                    let start = file.stream_position()?;
                    let present_bytes = file.seek(SeekFrom::End(0))?.saturating_sub(start);
                    file.seek(SeekFrom::Start(start))?;
                    let promised_bytes = match (chunk.length, long) {
                        (u32::MAX, Some(long)) => Some(long),
                        (0, _) if riff_end <= start => None,
                        (length, _) if of_a_pipe(length, present_bytes) => None,
                        (length, _) => Some(u64::from(length)),
                    };
                    return Ok(Self {
                        promised_bytes,
                        present_bytes: present_bytes.min(promised_bytes.unwrap_or(u64::MAX)),
                        ..format
                    });
                }
                (b"fmt ", None) => format = Some(chunk.format(file)?),
                (b"ds64", _) => long = chunk.long_length(file)?,
                _ => chunk.skip(file, 0)?,
            }
        }
    }

    /// Samples of each channel that the header promises, if it does.
    pub fn promised(&self) -> Option<u64> {
        self.promised_bytes.map(|bytes| bytes / self.frame_bytes())
    }

    /// Samples of each channel that are there.
    pub fn present(&self) -> u64 {
        self.present_bytes / self.frame_bytes()
    }

    fn frame_bytes(&self) -> u64 {
        u64::from(self.bytes) * u64::from(self.channels)
    }

    /// The smallest and the largest sample that can be, where there are such.
    pub fn full_scale(&self) -> Option<[f64; 2]> {
        match self.number {
            Number::Whole { valid } => Some([-1.0, 1.0 - 2f64.powi(1 - i32::from(valid))]),
            Number::Float => None,
        }
    }

    /// Calls `each` with the samples, all channels of one moment after each other.
    pub fn read(self, file: impl Read, mut each: impl FnMut(f64)) -> Result<(), WavProblem> {
        let bytes = usize::from(self.bytes);
        let mut file = file.take(self.present_bytes);
        let mut block = vec![0; BLOCK_BYTES / bytes * bytes];
        let mut range = Range::default();
        loop {
            let filled = fill(&mut file, &mut block)?;
            for raw in block[..filled].chunks_exact(bytes) {
                each(match self.number {
                    Number::Whole { .. } => range.value(raw),
                    Number::Float if bytes == 4 => f64::from(f32::from_bits(word(raw) as u32)),
                    Number::Float => f64::from_bits(word(raw)),
                });
            }
            if filled < block.len() {
                break;
            }
        }
        match self.number {
            Number::Whole { valid } if range.is_right_aligned(valid, self.bytes) => {
                let bytes = self.bytes;
                Err(WavProblem::RightAligned { valid, bytes })
            }
            _ => Ok(()),
        }
    }
}

impl Chunk {
    fn read(file: &mut impl Read) -> Result<Self, WavProblem> {
        let head: [u8; 8] = array(file)?;
        Ok(Self {
            name: [head[0], head[1], head[2], head[3]],
            length: word(&head[4..]) as u32,
        })
    }

    /// Goes to the next chunk, whose name no pad byte can begin; `read` bytes were read of this one.
    fn skip(&self, file: &mut (impl Read + Seek), read: usize) -> Result<(), WavProblem> {
        file.seek_relative(i64::from(self.length) - read as i64)?;
        if self.length % 2 == 1 {
            let next: [u8; 4] = array(file)?;
            let is_name = next.iter().all(|byte| (b' '..=b'~').contains(byte));
            file.seek_relative(if is_name { -4 } else { -3 })?;
        }
        Ok(())
    }

    /// Reads at most `most` bytes of a chunk, and goes to the next one.
    fn content(&self, file: &mut (impl Read + Seek), most: usize) -> Result<Vec<u8>, WavProblem> {
        let mut content = vec![0; most.min(self.length as usize)];
        if fill(file, &mut content)? < content.len() {
            return Err(WavProblem::Short);
        }
        self.skip(file, content.len())?;
        Ok(content)
    }

    /// The length of the samples in a chunk `ds64`: behind that of the whole file.
    fn long_length(&self, file: &mut (impl Read + Seek)) -> Result<Option<u64>, WavProblem> {
        let content = self.content(file, 16)?;
        let bytes = content.get(8..16).map(word);
        Ok(bytes.filter(|&bytes| bytes != 0 && bytes != u64::MAX))
    }

    /// The kind of samples, without their number.
    fn format(&self, file: &mut (impl Read + Seek)) -> Result<Wav, WavProblem> {
        let content = self.content(file, 40)?;
        let field = |at: usize| content.get(at..at + 2).map(|field| word(field) as u16);
        let (Some(tag), Some(channels), Some(frame), Some(bits)) =
            (field(0), field(2), field(12), field(14))
        else {
            let found = format!("{} bytes about its samples", content.len());
            return Err(WavProblem::Contradiction(found));
        };
        let (tag, valid) = match (tag, field(24), field(18)) {
            (EXTENSIBLE, Some(tag), Some(valid)) if valid > 0 => (tag, valid),
            (EXTENSIBLE, Some(tag), _) => (tag, bits),
            _ => (tag, bits),
        };
        let rate_hz = word(&content[4..8]) as u32;
        let bytes = frame.checked_div(channels).unwrap_or(0);
        let (number, read) = match tag {
            WHOLE => (Number::Whole { valid }, (1..=4).contains(&bytes)),
            FLOAT => (Number::Float, [4, 8].contains(&bytes) && valid == 8 * bytes),
            _ => (Number::Float, false),
        };
        let bits_fit = (1..=8 * u32::from(bytes)).contains(&u32::from(valid));
        let contradicts = bytes == 0 || frame % channels != 0 || !bits_fit;
        if contradicts && [WHOLE, FLOAT].contains(&tag) || rate_hz == 0 || channels == 0 {
            return Err(WavProblem::Contradiction(format!(
                "{rate_hz} Hz and {channels} channels with {valid} bits in {frame} bytes of all channels"
            )));
        }
        if !read {
            let found = kind(tag, valid);
            return Err(WavProblem::Kind { found });
        }
        Ok(Wav {
            rate_hz,
            channels,
            number,
            bytes,
            promised_bytes: None,
            present_bytes: 0,
        })
    }
}

/// The words for samples that are not read.
fn kind(tag: u16, valid: u16) -> String {
    match tag {
        WHOLE => format!("whole numbers of {valid} bits"),
        FLOAT => format!("floats of {valid} bits"),
        2 | 0x11 => "packed as ADPCM".to_owned(),
        6 => "packed by the A-law".to_owned(),
        7 => "packed by the µ-law".to_owned(),
        0x31 => "packed as GSM".to_owned(),
        0x50 | 0x55 => "packed as MP3".to_owned(),
        tag => format!("of the kind {tag:#06x}"),
    }
}

/// True for the length that is written into a pipe; `present` bytes follow.
fn of_a_pipe(length: u32, present: u64) -> bool {
    let below_limit = length.wrapping_neg() % (1 << 31);
    length >= (1 << 31) - BELOW_LIMIT && below_limit <= BELOW_LIMIT && u64::from(length) > present
}

/// The bits that whole numbers use, each of them in the upper bits of a word: those of 24 bits that wrongly lie in the
/// lower bits of their bytes would be taken for next to silence.
#[derive(Debug, Default)]
struct Range {
    /// All bits that were set.
    set: u32,
    /// All bits that differed from the sign.
    beside_sign: u32,
}

impl Range {
    /// The value from −1 to 1 of a whole number in 1 to 4 bytes.
    #[inline]
    fn value(&mut self, raw: &[u8]) -> f64 {
        let number = (word(raw) as u32) << (32 - 8 * raw.len() as u32);
        // The numbers of one byte run from 0 to 255.
        let number = if raw.len() == 1 {
            number ^ (1 << 31)
        } else {
            number
        };
        let signed = number.cast_signed();
        self.set |= number;
        self.beside_sign |= (signed ^ (signed >> 31)).cast_unsigned();
        f64::from(signed) / 2f64.powi(31)
    }

    fn is_right_aligned(&self, valid: u16, bytes: u16) -> bool {
        let unused = u32::from(8 * bytes - valid);
        self.set.trailing_zeros() < 32 - u32::from(valid)
            && self.beside_sign.leading_zeros() > unused
    }
}

/// Up to eight bytes as a little-endian number.
fn word(bytes: &[u8]) -> u64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(wide)
}

/// The next bytes of a header.
fn array<const N: usize>(file: &mut impl Read) -> Result<[u8; N], WavProblem> {
    let mut bytes = [0; N];
    if fill(file, &mut bytes)? < N {
        return Err(WavProblem::Short);
    }
    Ok(bytes)
}

/// Fills `bytes` as far as the file goes; how far that is.
fn fill(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::sound::{Sound, SoundError};

    fn chunk(name: &[u8], body: &[u8]) -> Vec<u8> {
        let pad = vec![0; body.len() % 2];
        [name, &(body.len() as u32).to_le_bytes(), body, &pad].concat()
    }

    fn file(magic: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
        chunk(magic, &[&b"WAVE"[..], &chunks.concat()].concat())
    }

    /// A format of two channels at 16 kHz, of numbers in so many bytes.
    fn format(tag: u16, bits: u16, bytes: u16, extension: &[u8]) -> Vec<u8> {
        let fixed = [
            &tag.to_le_bytes()[..],
            &2u16.to_le_bytes(),
            &16_000u32.to_le_bytes(),
            &(2 * 16_000 * u32::from(bytes)).to_le_bytes(),
            &(2 * bytes).to_le_bytes(),
            &bits.to_le_bytes(),
        ];
        chunk(b"fmt ", &[&fixed.concat(), extension].concat())
    }

    fn extended(tag: u16, valid: u16) -> Vec<u8> {
        let guid = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
        let fields = [22, valid, 3, 0, tag].map(u16::to_le_bytes);
        [fields.as_flattened(), guid].concat()
    }

    /// Three moments of 16 bits: 0.25, −0.5 and 0.
    fn data() -> Vec<u8> {
        let samples = [0x2000i16, 0x2000, -0x8000, 0, 0x100, -0x100];
        samples.iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    const EXPECTED: [f64; 3] = [0.25, -0.5, 0.0];

    fn plain() -> Vec<u8> {
        format(1, 16, 2, &[])
    }

    fn read(bytes: &[u8]) -> Result<Sound, SoundError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.wav");
        fs::write(&path, bytes).unwrap();
        Sound::read(&path, 60.0)
    }

    fn refused(bytes: &[u8]) -> String {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains("sound.wav"), "{error}");
        error
    }

    #[test]
    fn chunks_of_odd_length_are_skipped_with_their_pad_byte_or_without() {
        let list = chunk(b"LIST", b"INFOISFT\x05\0\0\0abcd\0");
        let bare = list[..list.len() - 1].to_vec();
        let mut odd = list.clone();
        *odd.last_mut().unwrap() = 0xFF;
        let samples = chunk(b"data", &data());
        for chunks in [
            vec![plain(), list.clone(), samples.clone()],
            vec![chunk(b"bext", &[0; 603]), plain(), samples.clone()],
            vec![plain(), bare, samples.clone()],
            vec![plain(), odd, samples.clone()],
            vec![
                list.clone(),
                plain(),
                list.clone(),
                list.clone(),
                samples.clone(),
                list,
            ],
        ] {
            assert_eq!(read(&file(b"RIFF", &chunks)).unwrap().samples, EXPECTED);
        }
    }

    /// Every number of bits, left-aligned in its bytes, plain and extensible.
    #[test]
    fn bits_lie_in_the_upper_part_of_their_bytes() {
        for (bits, bytes) in [
            (12, 2),
            (16, 2),
            (20, 3),
            (24, 3),
            (20, 4),
            (24, 4),
            (32, 4),
        ] {
            let words = [
                1 << 29,
                1 << 29,
                i32::MIN,
                0,
                1 << (32 - bits),
                -1 << (32 - bits),
            ];
            let raw: Vec<u8> = words
                .iter()
                .flat_map(|w| w.to_le_bytes()[4 - bytes..].to_vec())
                .collect();
            for head in [
                format(1, bits, bytes as u16, &[]),
                format(0xFFFE, 8 * bytes as u16, bytes as u16, &extended(1, bits)),
            ] {
                let sound = read(&file(b"RIFF", &[head, chunk(b"data", &raw)])).unwrap();
                assert_eq!(sound.samples, EXPECTED, "{bits} bits in {bytes} bytes");
            }
        }
    }

    #[test]
    fn right_aligned_numbers_are_refused_as_such() {
        let words = [1_000_000i32, -8_000_000, 77, 0];
        let raw: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        let of = |valid| {
            let head = format(0xFFFE, 32, 4, &extended(1, valid));
            file(b"RIFF", &[head, chunk(b"data", &raw)])
        };
        assert!(refused(&of(24)).contains("24 bits lie in the lower bits of 4 bytes"));
        assert_eq!(read(&of(32)).unwrap().samples.len(), 2);
    }

    /// The lengths that ffmpeg, sox, aplay and a program that was killed leave.
    #[test]
    fn lengths_of_pipes_mean_the_rest_of_the_file() {
        for (riff, length) in [
            (u32::MAX, u32::MAX),
            (0x7FFF_F024, 0x7FFF_F000),
            (0x8000_0024, 0x8000_0000),
            (0x7FFF_FFFF, 0x7FFF_FFDB),
            (36, 0),
            (0, 0),
        ] {
            let mut bytes = file(b"RIFF", &[plain(), chunk(b"data", &data())]);
            bytes[4..8].copy_from_slice(&riff.to_le_bytes());
            bytes[40..44].copy_from_slice(&length.to_le_bytes());
            assert_eq!(read(&bytes).unwrap().samples, EXPECTED, "{length:#x}");
        }
        // Any other length is a promise.
        let mut bytes = file(b"RIFF", &[plain(), chunk(b"data", &data())]);
        bytes[40..44].copy_from_slice(&400u32.to_le_bytes());
        let error = read(&bytes).unwrap_err();
        let truncated = SoundError::Truncated {
            path: "".into(),
            expected: 100,
            found: 3,
        };
        assert_eq!(
            std::mem::discriminant(&error),
            std::mem::discriminant(&truncated)
        );
        assert!(
            error.to_string().contains("100 samples, and there are 3"),
            "{error}"
        );
    }

    #[test]
    fn long_files_keep_their_length_in_ds64() {
        let promise = |bytes: u64| {
            let fields = [0, bytes, 0].map(u64::to_le_bytes);
            chunk(b"ds64", &[fields.as_flattened(), &[0; 4]].concat())
        };
        let of = |magic: &[u8], promised| {
            let mut samples = chunk(b"data", &data());
            samples[4..8].fill(0xFF);
            let behind = chunk(b"LIST", &[7; 100]);
            file(magic, &[promise(promised), plain(), samples, behind])
        };
        for magic in [&b"RF64"[..], b"BW64"] {
            assert_eq!(read(&of(magic, 12)).unwrap().samples, EXPECTED);
        }
        assert!(refused(&of(b"RF64", 1200)).contains("300 samples, and there are 30"));
        // A day of sound is refused by its header.
        let error = read(&of(b"RF64", 16_000 * 86_400 * 4)).unwrap_err();
        assert!(matches!(error, SoundError::TooLong { .. }), "{error}");
    }

    #[test]
    fn floats_of_32_and_64_bits_are_read() {
        let doubles: Vec<u8> = [0.1, 0.3, -1.0, 0.5f64]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let bytes = file(
            b"RIFF",
            &[
                format(3, 64, 8, &[0, 0]),
                chunk(b"fact", &[2, 0, 0, 0]),
                chunk(b"data", &doubles),
            ],
        );
        let sound = read(&bytes).unwrap();
        assert_eq!(
            (sound.samples, sound.rate_hz, sound.mixed),
            (vec![0.2, -0.25], 16_000, 2)
        );
        for length in 0..bytes.len() - 1 {
            refused(&bytes[..length]);
        }
        let singles: Vec<u8> = [0.5, 0.5, 300.0, 0.0f32]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let head = format(0xFFFE, 32, 4, &extended(3, 32));
        let sound = read(&file(b"RIFF", &[head, chunk(b"data", &singles)])).unwrap();
        assert_eq!(sound.samples, [0.5, 150.0]);
    }

    #[test]
    fn what_is_not_read_is_named_with_a_way_out() {
        let samples = chunk(b"data", &data());
        for (head, words) in [
            (format(6, 8, 1, &[]), "A-law"),
            (format(7, 8, 1, &[]), "µ-law"),
            (format(0x11, 4, 1, &[]), "ADPCM"),
            (format(3, 16, 2, &[]), "floats of 16 bits"),
            (format(1, 64, 8, &[]), "whole numbers of 64 bits"),
            (format(0x161, 16, 2, &[]), "of the kind 0x0161"),
        ] {
            let error = refused(&file(b"RIFF", &[head, samples.clone()]));
            assert!(error.contains(words) && error.contains("ffmpeg"), "{error}");
            assert!(!error.contains("damaged"), "{error}");
        }
        for head in [
            format(1, 24, 2, &[]),
            format(1, 0, 2, &[]),
            format(1, 16, 0, &[]),
        ] {
            let error = refused(&file(b"RIFF", &[head, samples.clone()]));
            assert!(error.contains("damaged"), "{error}");
        }
        let error = refused(&file(b"RIFF", &[samples.clone(), plain()]));
        assert!(error.contains("nothing about the samples"), "{error}");
        let error = refused(&file(b"RIFX", &[plain(), samples]));
        assert!(error.contains("upper bytes first (RIFX)"), "{error}");
    }
}
