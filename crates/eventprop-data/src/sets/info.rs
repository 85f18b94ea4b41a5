//! Content of a data set: samples, classes, shapes, spikes.

use std::path::Path;

use thiserror::Error;

use crate::formats::spike_file::SpikeFileError;
use crate::obtain::locate::{self, NotFound};
use crate::obtain::registry::{Dataset, Entry};
use crate::sets::mnist::{self, MnistError, MnistSet};
use crate::sets::shd::survey::{Survey, survey};
use crate::sets::shd::{self, Corpus};
use crate::sets::yin_yang::{self, Published, YinYangError, YinYangSet};

/// A data set could not be read.
#[derive(Debug, Error)]
pub enum InfoError {
    /// MNIST.
    #[error(transparent)]
    Mnist(#[from] MnistError),
    /// Yin-Yang.
    #[error(transparent)]
    YinYang(#[from] YinYangError),
    /// No file of SHD or SSC is there.
    #[error("{0}; `eventprop data generate shd-like` makes a synthetic set")]
    NotFound(#[from] NotFound),
    /// A file of SHD or SSC.
    #[error(transparent)]
    SpikeFile(#[from] SpikeFileError),
}

/// Content of a data set.
#[derive(Debug)]
pub struct Info {
    /// Title, source, licence.
    pub entry: &'static Entry,
    /// Its parts.
    pub parts: Vec<PartInfo>,
}

/// Content of one part of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct PartInfo {
    /// `train`, `validation` (in SSC: `valid`) or `test`.
    pub name: &'static str,
    /// Number of samples of each class; the length is the number of classes.
    pub class_counts: Vec<usize>,
    /// Shape of one sample before it is encoded, slowest dimension first.
    pub shape: Vec<usize>,
    /// Input neurons that the encoded sample needs.
    pub inputs: usize,
    /// Spikes of one sample after encoding.
    pub spikes: SpikeCounts,
    /// More, of a part that is a recording of spikes.
    pub survey: Option<Survey>,
}

impl PartInfo {
    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.class_counts.iter().sum()
    }
}

/// Spikes per sample; all zero when there is no sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpikeCounts {
    /// The fewest.
    pub min: usize,
    /// The mean.
    pub mean: f64,
    /// The most.
    pub max: usize,
}

impl SpikeCounts {
    fn of(counts: impl Iterator<Item = usize> + Clone) -> Self {
        let (samples, total) = counts.clone().fold((0, 0), |(n, sum), c| (n + 1, sum + c));
        Self {
            min: counts.clone().min().unwrap_or(0),
            mean: if samples == 0 {
                0.0
            } else {
                total as f64 / f64::from(samples)
            },
            max: counts.max().unwrap_or(0),
        }
    }
}

/// Describes a data set from the first of the data folders `dirs` that holds it. Yin-Yang is drawn,
/// not read, and needs no folder.
///
/// # Errors
/// [`InfoError`].
pub fn info<P: AsRef<Path>>(dataset: Dataset, dirs: &[P]) -> Result<Info, InfoError> {
    let parts = match dataset {
        Dataset::Mnist => [("train", mnist::Split::Train), ("test", mnist::Split::Test)]
            .into_iter()
            .map(|(name, split)| Ok(mnist_part(name, &MnistSet::read(dirs, split)?)))
            .collect::<Result<_, MnistError>>()?,
        Dataset::YinYang => [
            ("train", Published::Train),
            ("validation", Published::Validation),
            ("test", Published::Test),
        ]
        .into_iter()
        .map(|(name, set)| yin_yang_part(name, &YinYangSet::published(set)))
        .collect(),
        Dataset::Shd => spike_parts(Corpus::Shd, dirs)?,
        Dataset::Ssc => spike_parts(Corpus::Ssc, dirs)?,
    };
    Ok(Info {
        entry: dataset.entry(),
        parts,
    })
}

fn mnist_part(name: &'static str, set: &MnistSet) -> PartInfo {
    let spikes = set.spikes();
    PartInfo {
        name,
        class_counts: class_counts(set.labels(), mnist::CLASSES),
        shape: vec![mnist::SIDE, mnist::SIDE],
        inputs: mnist::PIXELS,
        spikes: SpikeCounts::of((0..set.len()).map(|image| spikes.spikes_len(image))),
        survey: None,
    }
}

fn yin_yang_part(name: &'static str, set: &YinYangSet) -> PartInfo {
    PartInfo {
        name,
        class_counts: class_counts(set.labels(), yin_yang::CLASSES),
        shape: vec![4],
        inputs: yin_yang::INPUTS,
        spikes: SpikeCounts::of((0..set.len()).map(|_| yin_yang::INPUTS)),
        survey: None,
    }
}

/// The parts that are there; at least one must be.
fn spike_parts<P: AsRef<Path>>(corpus: Corpus, dirs: &[P]) -> Result<Vec<PartInfo>, InfoError> {
    let mut parts = Vec::new();
    let mut missing = None;
    for split in corpus.splits() {
        let Some(name) = corpus.file_name(*split) else {
            continue;
        };
        match locate::find(corpus.dataset(), &[name], dirs) {
            Ok(paths) => parts.push(spike_part(split.name(), survey(&paths[0])?)),
            Err(error) => missing = Some(error),
        }
    }
    match missing {
        Some(error) if parts.is_empty() => Err(error.into()),
        _ => Ok(parts),
    }
}

fn spike_part(name: &'static str, survey: Survey) -> PartInfo {
    PartInfo {
        name,
        class_counts: survey.class_counts.clone(),
        shape: vec![shd::CHANNELS as usize],
        inputs: shd::CHANNELS as usize,
        spikes: SpikeCounts {
            min: survey.spikes.min as usize,
            mean: survey.spikes.mean,
            max: survey.spikes.max as usize,
        },
        survey: Some(survey),
    }
}

fn class_counts(labels: &[u8], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for label in labels {
        counts[usize::from(*label)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yin_yang_needs_no_folder() {
        let info = info::<&Path>(Dataset::YinYang, &[]).unwrap();
        assert_eq!(info.parts[0].samples(), 5000);
        assert_eq!(info.parts[0].class_counts, [1681, 1702, 1617]);
        assert_eq!(info.parts[2].inputs, 5);
        assert_eq!(info.parts[1].spikes.mean, 5.0);
    }

    /// Extremes and total counted with NumPy.
    #[test]
    fn the_sample_of_mnist() {
        let part = mnist_part("train", &MnistSet::sample_train());
        assert_eq!(part.class_counts, [30; 10]);
        assert_eq!((part.spikes.min, part.spikes.max), (60, 251));
        assert_eq!(part.spikes.mean, 44_509.0 / 300.0);
    }

    #[test]
    fn a_set_that_is_not_there_is_an_error() {
        assert!(info(Dataset::Mnist, &["nowhere"]).is_err());
        assert_eq!(
            SpikeCounts::of(std::iter::empty()),
            SpikeCounts {
                min: 0,
                mean: 0.0,
                max: 0
            }
        );
    }
}
