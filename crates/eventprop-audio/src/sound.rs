//! Reading sound: WAV and FLAC, mono or more, as samples from −1 to 1.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flac_codec::decode::{FlacSampleReader, Metadata};
use thiserror::Error;

use super::guard::guarded;
use super::wav::{Wav, WavProblem};

/// A sound with one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// The samples; whole numbers of b bits were divided by 2^(b−1).
    pub samples: Vec<f64>,
    /// Samples per second.
    pub rate_hz: u32,
    /// Channels of the file, of which the mean was taken.
    pub mixed: u16,
    /// The largest and the smallest value that the file can hold, where it has such.
    full_scale: Option<[f64; 2]>,
}

/// A file is no sound that can be read.
#[derive(Debug, Error)]
pub enum SoundError {
    /// The system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// Neither WAV nor FLAC.
    #[error(
        "{path} is neither WAV nor FLAC: it {found}; convert it, for instance with `ffmpeg -i in out.wav`",
        path = path.display()
    )]
    NotSound {
        /// The file.
        path: PathBuf,
        /// The name of its kind, or its first bytes.
        found: String,
    },
    /// Damaged, or of a kind that is not read.
    #[error("{path}: {problem}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// It ends too early.
    #[error(
        "{path} is truncated: its header promises {expected} samples, and there are {found}",
        path = path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Samples promised, per channel.
        expected: u64,
        /// Samples found, per channel.
        found: u64,
    },
    /// It has no samples.
    #[error("{path} has no samples", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Longer than allowed; it was not read.
    #[error(
        "{path} is {found_s:.0} s long or longer, and at most {max_s} s are taken (memory grows with the length); \
         cut it into pieces, or raise --max-seconds",
        path = path.display()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length in s.
        found_s: f64,
        /// The most that is taken.
        max_s: f64,
    },
}

impl Sound {
    /// A sound from samples between −1 and 1.
    pub fn new(samples: Vec<f64>, rate_hz: u32) -> Self {
        Self {
            samples,
            rate_hz,
            mixed: 1,
            full_scale: None,
        }
    }

    /// Reads a WAV or FLAC file of at most `max_s` seconds; several channels become their mean.
    ///
    /// WAV holds whole numbers of 1 to 32 bits or floats of 32 or 64 bits, FLAC whole numbers of 4 to 32 bits; a tag
    /// (ID3) may stand before either. A longer file is refused before it is in memory.
    ///
    /// # Errors
    /// [`SoundError`], which names the file.
    pub fn read(path: &Path, max_s: f64) -> Result<Self, SoundError> {
        let reading = Reading { path, max_s };
        guarded(|| reading.sound()).unwrap_or_else(|panic| Err(reading.io(panic)))
    }

    /// Seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate_hz)
    }

    /// Samples in runs of three or more at full scale.
    pub fn clipped(&self) -> usize {
        let Some([low, high]) = self.full_scale else {
            return 0;
        };
        let runs = self.samples.chunk_by(|a, b| a == b);
        let clipped = runs.filter(|run| run.len() >= 3 && (run[0] <= low || run[0] >= high));
        clipped.map(<[f64]>::len).sum()
    }
}

/// Opens a regular file: reading a pipe or a device may never end.
fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ))
    }
}

/// A file being read.
struct Reading<'a> {
    path: &'a Path,
    max_s: f64,
}

impl Reading<'_> {
    fn sound(&self) -> Result<Sound, SoundError> {
        let io = |source| self.io(source);
        let mut file = BufReader::with_capacity(1 << 16, open(self.path).map_err(io)?);
        skip_tags(&mut file).map_err(io)?;
        let begin = file.stream_position().map_err(io)?;
        let mut start = Vec::with_capacity(12);
        file.by_ref().take(12).read_to_end(&mut start).map_err(io)?;
        file.seek(SeekFrom::Start(begin)).map_err(io)?;
        let is_wav = [b"RIFF", b"RF64", b"BW64"]
            .iter()
            .any(|magic| start.starts_with(*magic));
        if is_wav && start.ends_with(b"WAVE") {
            self.wav(file)
        } else if start.starts_with(b"fLaC") {
            self.flac(file)
        } else if start.is_empty() && begin == 0 {
            Err(SoundError::Empty {
                path: self.path.to_owned(),
            })
        } else {
            Err(SoundError::NotSound {
                path: self.path.to_owned(),
                found: described(&start, begin),
            })
        }
    }

    fn io(&self, source: io::Error) -> SoundError {
        SoundError::Io {
            path: self.path.to_owned(),
            source,
        }
    }

    fn wav(&self, mut file: BufReader<File>) -> Result<Sound, SoundError> {
        let broken = |problem| match problem {
            WavProblem::Io(source) => self.io(source),
            problem => self.format(&format!("not readable as WAV: {problem}")),
        };
        let wav = Wav::find(&mut file).map_err(broken)?;
        let promised = wav.promised();
        self.fits(promised.unwrap_or(wav.present()), wav.rate_hz)?;
        let mut mix = Mix::new(self, wav.rate_hz, wav.channels)?;
        mix.full_scale = wav.full_scale();
        wav.read(file, |x| mix.push(x)).map_err(broken)?;
        mix.finish(self, promised)
    }

    fn flac(&self, file: BufReader<File>) -> Result<Sound, SoundError> {
        let broken =
            |error: flac_codec::Error| self.format(&format!("not readable as FLAC: {error}"));
        let mut reader = FlacSampleReader::new(file).map_err(broken)?;
        let (rate_hz, expected) = (reader.sample_rate(), reader.total_samples());
        let mut mix = Mix::new(self, rate_hz, u16::from(reader.channel_count()))?;
        self.fits(expected.unwrap_or(0), rate_hz)?;
        let scale = 2f64.powi(reader.bits_per_sample() as i32 - 1);
        mix.full_scale = Some([-1.0, 1.0 - 1.0 / scale]);
        loop {
            // The channels of one moment after each other.
            let samples = match reader.fill_buf() {
                Ok([]) => break,
                Ok(samples) => samples,
                Err(flac_codec::Error::Io(error))
                    if error.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    break;
                }
                Err(error) => return Err(broken(error)),
            };
            for x in samples {
                mix.push(f64::from(*x) / scale);
            }
            let count = samples.len();
            reader.consume(count);
            self.fits(mix.samples.len() as u64, rate_hz)?;
        }
        mix.finish(self, expected)
    }

    /// True if a number of samples is within the longest time.
    fn fits(&self, samples: u64, rate_hz: u32) -> Result<(), SoundError> {
        let found_s = samples as f64 / f64::from(rate_hz);
        if found_s > self.max_s {
            return Err(SoundError::TooLong {
                path: self.path.to_owned(),
                found_s,
                max_s: self.max_s,
            });
        }
        Ok(())
    }

    fn format(&self, problem: &str) -> SoundError {
        SoundError::Format {
            path: self.path.to_owned(),
            problem: problem.to_owned(),
        }
    }
}

/// Goes behind the tags (ID3 2) at the beginning of a file, if there are such.
fn skip_tags(file: &mut (impl Read + Seek)) -> io::Result<()> {
    loop {
        let mut head = Vec::with_capacity(10);
        file.by_ref().take(10).read_to_end(&mut head)?;
        let (b"ID3", &[_, _, flags, ref length @ ..]) =
            (&head[..3.min(head.len())], &head[3.min(head.len())..])
        else {
            return file.seek_relative(-(head.len() as i64));
        };
        // Seven bits of each byte; a footer is as long as the header.
        let length = length
            .iter()
            .fold(0, |length, byte| length << 7 | i64::from(byte & 0x7F));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        file.seek_relative(length + footer)?;
    }
}

/// The words for a file that is no sound that is read; `start` are its bytes behind the tags, which end at `begin`.
fn described(start: &[u8], begin: u64) -> String {
    let kinds: [(&[u8], &str); 8] = [
        (b"RIFX", "WAV with the upper bytes first (RIFX)"),
        (b"FORM", "AIFF"),
        (b"OggS", "Ogg (Vorbis, Opus or another)"),
        (b"riff", "Wave64"),
        (b"caff", "CAF"),
        (b".snd", "AU"),
        (b"NIST", "NIST SPHERE"),
        (b"\xff\xfb", "MP3"),
    ];
    match kinds.iter().find(|(magic, _)| start.starts_with(magic)) {
        Some((_, kind)) => format!("is {kind}"),
        None if begin > 0 => "is MP3 or another kind behind a tag (ID3)".to_owned(),
        None => format!("begins with \"{}\"", start.escape_ascii()),
    }
}

/// The mean of the channels, sample by sample.
struct Mix {
    samples: Vec<f64>,
    rate_hz: u32,
    channels: u16,
    full_scale: Option<[f64; 2]>,
    sum: f64,
    summed: u16,
}

impl Mix {
    fn new(reading: &Reading<'_>, rate_hz: u32, channels: u16) -> Result<Self, SoundError> {
        if rate_hz == 0 || channels == 0 {
            let problem = format!("its header says {rate_hz} Hz and {channels} channels");
            return Err(reading.format(&problem));
        }
        Ok(Self {
            samples: Vec::new(),
            rate_hz,
            channels,
            full_scale: None,
            sum: 0.0,
            summed: 0,
        })
    }

    #[inline]
    fn push(&mut self, x: f64) {
        self.sum += x;
        self.summed += 1;
        if self.summed == self.channels {
            self.samples.push(self.sum / f64::from(self.channels));
            (self.sum, self.summed) = (0.0, 0);
        }
    }

    fn finish(self, reading: &Reading<'_>, expected: Option<u64>) -> Result<Sound, SoundError> {
        let path = reading.path.to_owned();
        let found = self.samples.len() as u64;
        match expected {
            // 0 means unknown in FLAC, and is nothing to miss in WAV.
            Some(expected) if expected > found => {
                return Err(SoundError::Truncated {
                    path,
                    expected,
                    found,
                });
            }
            _ if found == 0 => return Err(SoundError::Empty { path }),
            _ => {}
        }
        Ok(Sound {
            samples: self.samples,
            rate_hz: self.rate_hz,
            mixed: self.channels,
            full_scale: self.full_scale,
        })
    }
}

#[cfg(test)]
mod tests {
    use hound::{SampleFormat, WavSpec, WavWriter};

    use super::*;

    fn spec(channels: u16, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
        WavSpec {
            channels,
            sample_rate: 16_000,
            bits_per_sample,
            sample_format,
        }
    }

    fn written(folder: &Path, spec: WavSpec, samples: &[i32]) -> PathBuf {
        let path = folder.join("sound.wav");
        let mut writer = WavWriter::create(&path, spec).unwrap();
        for sample in samples {
            match spec.sample_format {
                SampleFormat::Int => writer.write_sample(*sample).unwrap(),
                SampleFormat::Float => writer.write_sample(*sample as f32 / 128.0).unwrap(),
            }
        }
        writer.finalize().unwrap();
        path
    }

    #[test]
    fn every_depth_is_divided_by_its_full_scale() {
        let folder = tempfile::tempdir().unwrap();
        for bits in [8, 16, 24, 32] {
            let unit = 1 << (bits - 8);
            let samples = [-128, 64, 0, 127].map(|x| x * unit);
            let path = written(folder.path(), spec(1, bits, SampleFormat::Int), &samples);
            let sound = Sound::read(&path, 60.0).unwrap();
            assert_eq!(sound.samples, [-1.0, 0.5, 0.0, 127.0 / 128.0], "{bits}");
            assert_eq!((sound.rate_hz, sound.mixed), (16_000, 1));
        }
        let path = written(
            folder.path(),
            spec(1, 32, SampleFormat::Float),
            &[-128, 64, 300],
        );
        let sound = Sound::read(&path, 60.0).unwrap();
        assert_eq!(sound.samples, [-1.0, 0.5, 300.0 / 128.0]);
    }

    #[test]
    fn channels_are_averaged() {
        let folder = tempfile::tempdir().unwrap();
        let samples = [100, 200, 300, -300, 0, 32_767];
        let path = written(folder.path(), spec(2, 16, SampleFormat::Int), &samples);
        let sound = Sound::read(&path, 60.0).unwrap();
        let expected = [150.0, 0.0, 16_383.5].map(|x| x / 32_768.0);
        assert_eq!(sound.samples, expected);
        assert_eq!(sound.mixed, 2);
    }

    fn flac(path: &Path, bits: u32, channels: u8, samples: &[i32]) {
        let count = samples.len() as u64;
        let options = flac_codec::encode::Options::fast();
        let file = File::create(path).unwrap();
        let mut writer = flac_codec::encode::FlacSampleWriter::new(
            file,
            options,
            16_000,
            bits,
            channels,
            Some(count),
        )
        .unwrap();
        writer.write(samples).unwrap();
        writer.finalize().unwrap();
    }

    #[test]
    fn flac_of_every_depth_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.flac");
        for bits in [8, 16, 24, 32] {
            let unit = 1 << (bits - 8);
            let samples = [-128, 64, 0, 127].map(|x| x * unit);
            flac(&path, bits, 1, &samples);
            let sound = Sound::read(&path, 60.0).unwrap();
            assert_eq!(sound.samples, [-1.0, 0.5, 0.0, 127.0 / 128.0], "{bits}");
        }
        // Both channels at both ends of the range: their difference takes 33 bits.
        flac(
            &path,
            32,
            2,
            &[i32::MAX, i32::MIN, i32::MIN, i32::MAX, 1 << 30, 0],
        );
        let sound = Sound::read(&path, 60.0).unwrap();
        let end = -1.0 / (1u64 << 32) as f64;
        assert_eq!((sound.samples, sound.mixed), (vec![end, end, 0.25], 2));
    }

    /// Any damage is an error that names the file, or the sound that it still is; never a panic.
    #[test]
    fn damaged_flac_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.flac");
        let samples: Vec<i32> = (0..3000).map(|n| (n * n) % 2000 - 1000).collect();
        flac(&path, 16, 1, &samples);
        let bytes = fs::read(&path).unwrap();
        let mut refused = 0;
        let mut read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            if let Err(error) = Sound::read(&path, 60.0) {
                assert!(error.to_string().contains("sound.flac"), "{error}");
                refused += 1;
            }
        };
        for at in (0..bytes.len()).step_by(31) {
            read(&bytes[..at]);
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x55;
            read(&flipped);
        }
        assert!(refused > bytes.len() / 31, "{refused} of {}", bytes.len());
        let half = &bytes[..bytes.len() / 2];
        fs::write(&path, half).unwrap();
        let error = Sound::read(&path, 60.0).unwrap_err();
        assert!(
            matches!(error, SoundError::Truncated { expected: 3000, .. }),
            "{error}"
        );
    }

    /// With more partitions than a block has samples `flac-codec` asks for parts of length zero, which panics.
    #[test]
    fn a_flac_file_that_makes_its_reader_panic_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.flac");
        let samples: Vec<i32> = (0..20).map(|n| n * n * 9 + n % 3).collect();
        flac(&path, 16, 1, &samples);
        let bytes = fs::read(&path).unwrap();
        let frame = bytes.len() - 60.min(bytes.len());
        let mut gave_up = 0;
        for bit in 8 * frame..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, flipped).unwrap();
            if let Err(error) = Sound::read(&path, 60.0) {
                let text = error.to_string();
                assert!(text.contains("sound.flac"), "{text}");
                gave_up += usize::from(text.contains("its reader gave up"));
            }
        }
        assert!(gave_up > 0);
    }

    #[test]
    fn a_tag_may_stand_before_a_sound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.flac");
        flac(&path, 16, 1, &[1 << 14; 100]);
        let sound = fs::read(&path).unwrap();
        // 130 bytes, in seven bits each; the second one has a footer.
        let tag = [&b"ID3\x04\0\0\0\0\x01\x02"[..], &[0; 130]].concat();
        let with_footer = [&b"ID3\x04\0\x10\0\0\0\x02xx3DI\x04\0\x10\0\0\0\x02"[..]].concat();
        for bytes in [
            [&tag[..], &sound].concat(),
            [&with_footer[..], &tag, &sound].concat(),
        ] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(Sound::read(&path, 60.0).unwrap().samples, [0.5; 100]);
        }
        let wav = fs::read(written(
            folder.path(),
            spec(1, 16, SampleFormat::Int),
            &[1 << 14],
        ))
        .unwrap();
        fs::write(&path, [&tag[..], &wav].concat()).unwrap();
        assert_eq!(Sound::read(&path, 60.0).unwrap().samples, [0.5]);
        for bytes in [&tag[..], &tag[..60], &[&tag[..], b"\xff\xfb\x90"].concat()] {
            fs::write(&path, bytes).unwrap();
            let error = Sound::read(&path, 60.0).unwrap_err().to_string();
            assert!(error.contains("MP3"), "{error}");
        }
    }

    #[test]
    fn clipped_runs_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let samples = [32_767, 32_767, 32_767, 5, 5, 5, -32_768, -32_768, 32_767];
        let path = written(folder.path(), spec(1, 16, SampleFormat::Int), &samples);
        assert_eq!(Sound::read(&path, 60.0).unwrap().clipped(), 3);
        assert_eq!(Sound::new(vec![1.0; 9], 8000).clipped(), 0);
    }

    #[test]
    fn a_truncated_file_says_how_much_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), spec(1, 16, SampleFormat::Int), &[7; 1000]);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 501]).unwrap();
        let error = Sound::read(&path, 60.0).unwrap_err();
        assert!(
            matches!(
                error,
                SoundError::Truncated {
                    expected: 1000,
                    found: 749,
                    ..
                }
            ),
            "{error}"
        );
        for length in [1, 11, 20, 43] {
            fs::write(&path, &bytes[..length]).unwrap();
            let error = Sound::read(&path, 60.0).unwrap_err().to_string();
            assert!(error.contains("sound.wav"), "{error}");
        }
    }

    #[test]
    fn what_is_no_sound_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.wav");
        for (content, expected) in [
            (&b"dear diary, today"[..], "neither WAV nor FLAC"),
            (&b""[..], "no samples"),
            (&b"fLaC and then nothing of the kind"[..], "FLAC"),
            (&b"RIFF\x04\0\0\0WAVE"[..], "WAV"),
        ] {
            fs::write(&path, content).unwrap();
            let error = Sound::read(&path, 60.0).unwrap_err().to_string();
            assert!(
                error.contains(expected) && error.contains("notes.wav"),
                "{error}"
            );
        }
        assert!(matches!(
            Sound::read(folder.path(), 60.0),
            Err(SoundError::Io { .. })
        ));
        let empty = written(folder.path(), spec(1, 16, SampleFormat::Int), &[]);
        assert!(matches!(
            Sound::read(&empty, 60.0),
            Err(SoundError::Empty { .. })
        ));
    }

    /// A day of sound is refused by its header, whatever follows.
    #[test]
    fn a_day_of_sound_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), spec(1, 16, SampleFormat::Int), &[7; 100]);
        let mut bytes = fs::read(&path).unwrap();
        let day: u32 = 16_000 * 86_400 * 2 / 2;
        bytes[4..8].copy_from_slice(&(day + 36).to_le_bytes());
        bytes[40..44].copy_from_slice(&day.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        let error = Sound::read(&path, 60.0).unwrap_err();
        assert!(error.to_string().contains("--max-seconds"), "{error}");
        assert!(matches!(error, SoundError::TooLong { .. }));
    }
}
