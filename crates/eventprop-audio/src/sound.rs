//! Reading sound: WAV and FLAC, mono or more, as samples from −1 to 1.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flac_codec::decode::{FlacSampleReader, Metadata};
use hound::{SampleFormat, WavReader};
use thiserror::Error;

use super::wav_doubles::Doubles;

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
        "{path} is neither WAV nor FLAC: it begins with {found}; convert it, for instance with ffmpeg",
        path = path.display()
    )]
    NotSound {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
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
    /// WAV holds whole numbers of 8 to 32 bits or floats of 32 or 64 bits, FLAC whole numbers of 4 to 32 bits. A longer
    /// file is refused before it is in memory.
    ///
    /// # Errors
    /// [`SoundError`], which names the file.
    pub fn read(path: &Path, max_s: f64) -> Result<Self, SoundError> {
        let io = |source| SoundError::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = open(path).map_err(io)?;
        let mut start = Vec::with_capacity(12);
        file.by_ref().take(12).read_to_end(&mut start).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let reading = Reading { path, max_s };
        if start.starts_with(b"RIFF") && start.ends_with(b"WAVE") {
            reading.wav(file)
        } else if start.starts_with(b"fLaC") {
            reading.flac(file)
        } else if start.is_empty() {
            Err(SoundError::Empty {
                path: path.to_owned(),
            })
        } else {
            Err(SoundError::NotSound {
                path: path.to_owned(),
                found: format!("\"{}\"", start.escape_ascii()),
            })
        }
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
    fn wav(&self, file: File) -> Result<Sound, SoundError> {
        let io = |source| SoundError::Io {
            path: self.path.to_owned(),
            source,
        };
        let mut file = BufReader::with_capacity(1 << 16, file);
        if let Some(doubles) = Doubles::find(&mut file).map_err(io)? {
            let mut mix = Mix::new(self, doubles.rate_hz, doubles.channels)?;
            let expected = doubles.samples / u64::from(doubles.channels);
            self.fits(expected, doubles.rate_hz)?;
            doubles.read(&mut file, |x| mix.push(x)).map_err(io)?;
            return mix.finish(self, Some(expected));
        }
        file.rewind().map_err(io)?;
        let mut reader = WavReader::new(file).map_err(|error| self.of_hound(&error))?;
        let spec = reader.spec();
        let expected = u64::from(reader.duration());
        let mut mix = Mix::new(self, spec.sample_rate, spec.channels)?;
        self.fits(expected, spec.sample_rate)?;
        let bits = spec.bits_per_sample;
        let ended = match spec.sample_format {
            SampleFormat::Int => {
                let scale = 2f64.powi(i32::from(bits) - 1);
                mix.full_scale = Some([-1.0, 1.0 - 1.0 / scale]);
                let mut samples = reader.samples::<i32>();
                samples.try_for_each(|x| x.map(|x| mix.push(f64::from(x) / scale)))
            }
            SampleFormat::Float => {
                let mut samples = reader.samples::<f32>();
                samples.try_for_each(|x| x.map(|x| mix.push(f64::from(x))))
            }
        };
        match ended {
            Ok(()) => mix.finish(self, Some(expected)),
            // The reader has met the end of the file within the samples.
            Err(hound::Error::IoError(_) | hound::Error::UnfinishedSample) => {
                mix.finish(self, Some(expected))
            }
            Err(error) => Err(self.of_hound(&error)),
        }
    }

    fn flac(&self, file: File) -> Result<Sound, SoundError> {
        let broken =
            |error: flac_codec::Error| self.format(&format!("not readable as FLAC: {error}"));
        let file = BufReader::with_capacity(1 << 16, file);
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

    fn of_hound(&self, error: &hound::Error) -> SoundError {
        let kinds = "WAV of whole numbers with 8 to 32 bits and of floats with 32 or 64 bits is read; \
                     convert it, for instance with ffmpeg";
        match error {
            hound::Error::Unsupported => {
                self.format(&format!("this kind of WAV is not read; {kinds}"))
            }
            hound::Error::IoError(error) => {
                self.format(&format!("the WAV header is incomplete: {error}"))
            }
            other => self.format(&format!("not readable as WAV: {other}; {kinds}")),
        }
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
    use hound::{WavSpec, WavWriter};

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
