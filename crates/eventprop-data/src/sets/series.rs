//! A set of labelled series of sensor values as spike trains: from an `.npz` archive to two files in the
//! layout of SHD, one for training and one for testing.
//!
//! The archive holds `data` `[sample, step, channel]`, `label` or `labels` `[sample]`, and, when the series
//! differ in length, `length` `[sample]`. Every channel gives two input neurons, one for rising and one for
//! falling values ([`crate::encode::delta`], [`crate::encode::level_crossing`]).

use std::path::{Path, PathBuf};

use eventprop::rng::{Key, Purpose};
use thiserror::Error;

use crate::encode::delta::Delta;
use crate::encode::level_crossing::LevelCrossing;
use crate::encode::{EncodeError, Series, Spike};
use crate::formats::class_numbers::class_numbers;
use crate::formats::npz::{Npz, NpzError};
use crate::formats::spike_file::{Sample, SpikeFileWriter, TimeType, WriteFileError, WriteOptions};

/// The code from values to spikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SeriesCode {
    /// One spike for a change from one step to the next.
    Delta(Delta),
    /// One spike for every level that is crossed.
    LevelCrossing(LevelCrossing),
}

impl SeriesCode {
    fn spikes(self, series: &Series<'_>) -> Result<Vec<Spike>, EncodeError> {
        match self {
            Self::Delta(code) => Ok(code.spikes(series)),
            Self::LevelCrossing(code) => code.spikes(series),
        }
    }
}

/// Options of the conversion of series into spike trains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesOptions {
    /// The code.
    pub code: SeriesCode,
    /// Time from one step to the next in ms.
    pub period_ms: f64,
    /// A value of rest: every series begins one step earlier with it, so that a channel that is away from
    /// rest at the start has spikes.
    pub rest: Option<f64>,
    /// Share of every class that is for testing, from 0 to 1.
    pub test_share: f64,
    /// The seed of the split.
    pub seed: u64,
}

/// Summary of the written set.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// Samples for training and for testing.
    pub samples: [usize; 2],
    /// Input neurons.
    pub inputs: usize,
    /// Classes.
    pub classes: usize,
    /// Spikes of all samples.
    pub spikes: usize,
    /// The latest spike in ms.
    pub latest_ms: f64,
}

/// A set of series could not be encoded.
#[derive(Debug, Error)]
pub enum SeriesSetError {
    /// The archive.
    #[error(transparent)]
    Npz(#[from] NpzError),
    /// The values of a sample.
    #[error("{}, sample {sample}: {problem}", path.display())]
    Encode {
        /// The archive.
        path: PathBuf,
        /// The sample, from 0.
        sample: usize,
        /// The problem.
        problem: EncodeError,
    },
    /// Arrays that do not belong together.
    #[error("{}: {problem}", path.display())]
    Arrays {
        /// The archive.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// A share outside 0 to 1.
    #[error("the share for testing is {found}; it must be from 0 to 1")]
    Share {
        /// The share.
        found: f64,
    },
    /// A file that could not be written.
    #[error(transparent)]
    Write(#[from] WriteFileError),
}

/// Encodes an archive into `train` and `test`.
///
/// # Errors
/// [`SeriesSetError`]; then neither file is left half written.
pub fn encode(
    archive: &Path,
    options: &SeriesOptions,
    [train, test]: [&Path; 2],
) -> Result<Encoded, SeriesSetError> {
    if !(0.0..=1.0).contains(&options.test_share) {
        let found = options.test_share;
        return Err(SeriesSetError::Share { found });
    }
    let set = SeriesSet::read(archive)?;
    let tested = tested(&set.labels, options);
    let file = |path| {
        let text = format!("{} encoded with {:?}", archive.display(), options.code);
        let options = WriteOptions {
            times: TimeType::F32,
            attributes: vec![("source".into(), text)],
            ..WriteOptions::default()
        };
        SpikeFileWriter::create(path, options)
    };
    let mut files = [file(train)?, file(test)?];
    let mut encoded = Encoded {
        samples: [0, 0],
        inputs: 2 * set.channels,
        classes: set
            .labels
            .iter()
            .max()
            .map_or(0, |&most| usize::from(most) + 1),
        spikes: 0,
        latest_ms: 0.0,
    };
    for (sample, &label) in set.labels.iter().enumerate() {
        let spikes = set.spikes(sample, options);
        let spikes = spikes.map_err(|problem| SeriesSetError::Encode {
            path: archive.to_owned(),
            sample,
            problem,
        })?;
        let times_s: Vec<f64> = spikes.iter().map(|spike| spike.0 / 1000.0).collect();
        let units: Vec<u16> = spikes.iter().map(|spike| spike.1 as u16).collect();
        let part = usize::from(tested[sample]);
        files[part].push(Sample {
            times_s: &times_s,
            units: &units,
            label,
            speaker: None,
        })?;
        encoded.samples[part] += 1;
        encoded.spikes += spikes.len();
        let latest_ms = spikes.last().map_or(0.0, |spike| spike.0);
        encoded.latest_ms = encoded.latest_ms.max(latest_ms);
    }
    for file in files {
        file.finish()?;
    }
    Ok(encoded)
}

/// Samples for testing: the same share of every class, drawn under the seed.
fn tested(labels: &[u16], options: &SeriesOptions) -> Vec<bool> {
    let classes = labels.iter().max().map_or(0, |&most| usize::from(most) + 1);
    let mut tested = vec![false; labels.len()];
    for class in 0..classes {
        let members = (0..labels.len()).filter(|&n| usize::from(labels[n]) == class);
        let members: Vec<usize> = members.collect();
        let key = Key::new(options.seed, Purpose::Split).with(class as u64);
        let count = (members.len() as f64 * options.test_share).round() as usize;
        for &place in key.permutation(members.len()).iter().take(count) {
            tested[members[place]] = true;
        }
    }
    tested
}

struct SeriesSet {
    /// [sample, step, channel]
    values: Vec<f64>,
    steps: usize,
    channels: usize,
    lengths: Vec<usize>,
    labels: Vec<u16>,
}

impl SeriesSet {
    fn read(path: &Path) -> Result<Self, SeriesSetError> {
        let wrong = |problem: String| SeriesSetError::Arrays {
            path: path.to_owned(),
            problem,
        };
        let npz = Npz::open(path)?;
        let (_, data) = npz.numbers(&["data"])?;
        let &[samples, steps, channels] = &data.shape[..] else {
            let shape = &data.shape;
            return Err(wrong(format!(
                "data has the shape {shape:?}; expected [sample, step, channel]"
            )));
        };
        if channels > 1 << 15 {
            return Err(wrong(format!(
                "{channels} channels; at most 32768 are possible"
            )));
        }
        let whole = |names: &[&'static str], most: usize| -> Result<Vec<usize>, SeriesSetError> {
            let (name, numbers) = npz.numbers(names)?;
            let fits = |v: &f64| v.fract() == 0.0 && (0.0..=most as f64).contains(v);
            let bad = numbers.values.iter().find(|v| !fits(v));
            if let Some(bad) = bad {
                return Err(wrong(format!(
                    "{name} holds {bad}; expected whole numbers from 0 to {most}"
                )));
            }
            if numbers.values.len() != samples {
                let found = numbers.values.len();
                return Err(wrong(format!(
                    "{name} has {found} entries for {samples} samples"
                )));
            }
            Ok(numbers.values.iter().map(|&v| v as usize).collect())
        };
        let (name, numbers) = npz.numbers(&["label", "labels"])?;
        let labels = class_numbers(&numbers.shape, &numbers.values);
        let labels = labels.map_err(|error| wrong(format!("{name} {error}")))?;
        if labels.len() != samples {
            let found = labels.len();
            return Err(wrong(format!(
                "{name} has {found} entries for {samples} samples"
            )));
        }
        let lengths = if npz.names().iter().any(|name| name == "length") {
            whole(&["length"], steps)?
        } else {
            vec![steps; samples]
        };
        Ok(Self {
            values: data.values,
            steps,
            channels,
            lengths,
            labels,
        })
    }

    fn spikes(&self, sample: usize, options: &SeriesOptions) -> Result<Vec<Spike>, EncodeError> {
        let start = sample * self.steps * self.channels;
        let values = &self.values[start..start + self.lengths[sample] * self.channels];
        match options.rest {
            None => options
                .code
                .spikes(&Series::new(values, self.channels, options.period_ms)?),
            Some(rest) => {
                let mut from_rest = vec![rest; self.channels];
                from_rest.extend_from_slice(values);
                options
                    .code
                    .spikes(&Series::new(&from_rest, self.channels, options.period_ms)?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::npz::{archive, array};
    use crate::formats::spike_file::{SpikeFile, SpikeFileError};

    fn options(test_share: f64) -> SeriesOptions {
        SeriesOptions {
            code: SeriesCode::LevelCrossing(LevelCrossing::new(1.0).unwrap()),
            period_ms: 10.0,
            rest: Some(0.0),
            test_share,
            seed: 1,
        }
    }

    /// Two channels, two steps; the second sample has one step only.
    #[test]
    fn two_series_by_hand() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let values = [1.0, 0.0, 1.0, -2.0, 0.0, 1.0, 9.0, 9.0];
        let bytes = archive(&[
            ("data", array(&[2, 2, 2], &values)),
            ("label", array(&[2], &[0.0, 1.0])),
            ("length", array(&[2], &[2.0, 1.0])),
        ]);
        std::fs::write(path("in.npz"), bytes).unwrap();
        let (train, test) = (path("train.h5"), path("test.h5"));
        let encoded = encode(&path("in.npz"), &options(0.0), [&train, &test]).unwrap();
        assert_eq!(
            (encoded.samples, encoded.inputs, encoded.classes),
            ([2, 0], 4, 2)
        );
        assert_eq!((encoded.spikes, encoded.latest_ms), (4, 20.0));
        let file = SpikeFile::open(&train).unwrap();
        let mut lists = Vec::new();
        let keep =
            |_: usize, spikes: &crate::formats::spike_file::Spikes| -> Result<_, SpikeFileError> {
                Ok(spikes
                    .times_s
                    .iter()
                    .map(|t| (t * 1e6).round() as i64)
                    .zip(spikes.units.clone())
                    .collect::<Vec<_>>())
            };
        file.for_each(keep, |_, list| lists.push(list)).unwrap();
        // Channel 0 rises by 1 in the step from rest; channel 1 falls by 2 in the next.
        assert_eq!(lists[0], [(10_000, 0), (15_000, 3), (20_000, 3)]);
        assert_eq!(lists[1], [(10_000, 2)]);
    }

    #[test]
    fn every_class_gives_its_share_for_testing() {
        let labels: Vec<u16> = (0..100).map(|n| n % 4).collect();
        let chosen = tested(&labels, &options(0.2));
        for class in 0..4 {
            let count = (0..100)
                .filter(|&n| chosen[n] && labels[n] == class)
                .count();
            assert_eq!(count, 5);
        }
        assert_eq!(chosen, tested(&labels, &options(0.2)));
    }

    #[test]
    fn arrays_that_do_not_fit_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let (input, out) = (folder.path().join("in.npz"), folder.path().join("out.h5"));
        let other = folder.path().join("other.h5");
        let cases: [(&[usize], &[f64], &str); 3] = [
            (&[2, 2], &[0.0, 1.0], "[sample, step, channel]"),
            (&[2, 1, 2], &[0.0], "1 entries for 2 samples"),
            (&[2, 1, 2], &[0.0, 0.5], "label of sample 1 is 0.5"),
        ];
        for (shape, labels, words) in cases {
            let bytes = archive(&[
                ("data", array(shape, &[0.0; 4])),
                ("label", array(&[labels.len()], labels)),
            ]);
            std::fs::write(&input, bytes).unwrap();
            let error = encode(&input, &options(0.5), [&out, &other])
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(encode(&input, &options(1.5), [&out, &other]).is_err());
        assert!(!out.exists());
    }
}
