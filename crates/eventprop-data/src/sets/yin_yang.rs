//! Yin-Yang: points in the Yin-Yang symbol, to be told apart as yin, yang and the two dots (Kriener,
//! Göltz & Petrovici 2022).
//!
//! A sample is a point (x, y) of the disc with radius 1/2 around (1/2, 1/2), given with its mirror
//! image as (x, y, 1 − x, 1 − y). It enters a network as five spikes: a constant one, then one for
//! each of the four values, under the latency code ([`crate::encode::latency`]).
//!
//! The sets are drawn as their authors draw them, with NumPy's legacy generator: the seeds 42, 41 and
//! 40 give the three published sets bit for bit.

use std::path::{Path, PathBuf};

use eventprop::spikes::SpikeTrain;
use eventprop_audio::mt19937::Mt19937;
use thiserror::Error;

use crate::encode::latency::LatencyCode;
use crate::formats::npy::{self, NpyError};
use crate::obtain::locate::{self, NotFound};
use crate::obtain::registry::Dataset;

/// Input neurons: the constant and four values.
pub const INPUTS: usize = 5;
/// Classes: 0 and 1 are the two halves, 2 the dots.
pub const CLASSES: usize = 3;

/// Radius of the symbol, whose centre is (RADIUS, RADIUS).
const RADIUS: f64 = 0.5;
/// Radius of the two dots.
const DOT_RADIUS: f64 = 0.1;

/// A Yin-Yang set could not be read or made.
#[derive(Debug, Error)]
pub enum YinYangError {
    /// The files are in none of the folders.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// A file is damaged.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A file holds an array of another shape.
    #[error("{path}: shape {found:?}, expected {expected}", path = path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The shape found.
        found: Vec<usize>,
        /// The shape expected.
        expected: &'static str,
    },
    /// There is not one label for every sample.
    #[error("{samples} samples but {labels} labels; take samples and labels of the same set")]
    Count {
        /// Samples found.
        samples: usize,
        /// Labels found.
        labels: usize,
    },
    /// A label is no class.
    #[error("label {index} is {found}, expected 0, 1 or 2")]
    Label {
        /// Position of the label.
        index: usize,
        /// The label found.
        found: f64,
    },
    /// A value cannot be encoded.
    #[error("sample {index} is {found:?}; every value must be from 0 to 1")]
    Value {
        /// Position of the sample.
        index: usize,
        /// The sample found.
        found: [f64; 4],
    },
}

/// The sets of the publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// 5000 samples, seed 42.
    Train,
    /// 1000 samples, seed 41.
    Validation,
    /// 1000 samples, seed 40.
    Test,
}

impl Published {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The seed it was drawn with.
    pub fn seed(self) -> u32 {
        match self {
            Self::Train => 42,
            Self::Validation => 41,
            Self::Test => 40,
        }
    }

    /// Its number of samples.
    #[expect(clippy::len_without_is_empty, reason = "no published set is empty")]
    pub fn len(self) -> usize {
        match self {
            Self::Train => 5000,
            Self::Validation | Self::Test => 1000,
        }
    }

    /// The names of the files of samples and of labels.
    pub fn file_names(self) -> [&'static str; 2] {
        match self {
            Self::Train => ["train_samples.npy", "train_labels.npy"],
            Self::Validation => ["validation_samples.npy", "validation_labels.npy"],
            Self::Test => ["test_samples.npy", "test_labels.npy"],
        }
    }
}

/// Points and their classes.
#[derive(Debug, Clone, PartialEq)]
pub struct YinYangSet {
    samples: Vec<[f64; 4]>,
    labels: Vec<u8>,
}

impl YinYangSet {
    /// A set of given samples (x, y, 1 − x, 1 − y), each value from 0 to 1, and classes 0 to 2.
    ///
    /// # Errors
    /// [`YinYangError::Count`], [`YinYangError::Value`], [`YinYangError::Label`].
    pub fn new(samples: Vec<[f64; 4]>, labels: Vec<u8>) -> Result<Self, YinYangError> {
        if samples.len() != labels.len() {
            return Err(YinYangError::Count {
                samples: samples.len(),
                labels: labels.len(),
            });
        }
        let valid = |sample: &[f64; 4]| sample.iter().all(|value| (0.0..=1.0).contains(value));
        if let Some(index) = samples.iter().position(|sample| !valid(sample)) {
            return Err(YinYangError::Value {
                index,
                found: samples[index],
            });
        }
        match labels.iter().position(|l| usize::from(*l) >= CLASSES) {
            Some(index) => Err(YinYangError::Label {
                index,
                found: f64::from(labels[index]),
            }),
            None => Ok(Self { samples, labels }),
        }
    }

    /// Draws `len` samples as `YinYangDataset(size=len, seed=seed)` of the publication does: for each
    /// a class, then points of the unit square until one lies in the disc and has that class. 33 bytes a sample.
    pub fn generate(seed: u32, len: usize) -> Self {
        let mut rng = Mt19937::new(seed);
        let (samples, labels) = (0..len).map(|_| draw(&mut rng)).unzip();
        Self { samples, labels }
    }

    /// A set of the publication, drawn again; the same bits as in its files.
    pub fn published(set: Published) -> Self {
        Self::generate(set.seed(), set.len())
    }

    /// Reads a set from files as the publication's: samples f64 `[n, 4]`, labels `[n]` of any integer
    /// type, from the first of the data folders `dirs` that holds both.
    ///
    /// # Errors
    /// [`YinYangError`].
    pub fn read<P: AsRef<Path>>(dirs: &[P], set: Published) -> Result<Self, YinYangError> {
        let paths = locate::find(Dataset::YinYang, &set.file_names(), dirs)?;
        Self::new(read_samples(&paths[0])?, read_labels(&paths[1])?)
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True without samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The samples (x, y, 1 − x, 1 − y), every value from 0 to 1.
    pub fn samples(&self) -> &[[f64; 4]] {
        &self.samples
    }

    /// The classes, parallel to the samples.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Fills `train` with the five spikes of a sample, keeping its memory: neuron 0 for the constant
    /// 0, neurons 1 to 4 for the values.
    ///
    /// # Panics
    /// When there is no such sample.
    pub fn encode(&self, sample: usize, code: &LatencyCode, train: &mut SpikeTrain) {
        let [x, y, x_mirrored, y_mirrored] = self.samples[sample];
        let mut neuron = 0;
        let mut events = [0.0, x, y, x_mirrored, y_mirrored].map(|value| {
            let event = (code.time_ms(value), neuron);
            neuron += 1;
            event
        });
        events.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        train.refill(events.into_iter());
    }
}

fn draw(rng: &mut Mt19937) -> ([f64; 4], u8) {
    let goal = rng.up_to(CLASSES as u32 - 1) as u8;
    loop {
        let (x, y) = (rng.uniform(), rng.uniform());
        if distance(x, y, RADIUS) <= RADIUS && class(x, y) == goal {
            return ([x, y, 1.0 - x, 1.0 - y], goal);
        }
    }
}

/// The class of a point of the disc.
fn class(x: f64, y: f64) -> u8 {
    let left = distance(x, y, 0.5 * RADIUS);
    let right = distance(x, y, 1.5 * RADIUS);
    if left < DOT_RADIUS || right < DOT_RADIUS {
        return 2;
    }
    let in_left_bulge = left > DOT_RADIUS && left <= 0.5 * RADIUS;
    let above_right_bulge = y > RADIUS && right > 0.5 * RADIUS;
    u8::from(right <= DOT_RADIUS || in_left_bulge || above_right_bulge)
}

/// Distance of (x, y) from the point (`center_x`, RADIUS) of the horizontal axis.
fn distance(x: f64, y: f64, center_x: f64) -> f64 {
    ((x - center_x) * (x - center_x) + (y - RADIUS) * (y - RADIUS)).sqrt()
}

fn read_samples(path: &Path) -> Result<Vec<[f64; 4]>, YinYangError> {
    let array = npy::read::<f64>(path)?;
    match array.shape[..] {
        [_, 4] => Ok(array.values.as_chunks().0.to_vec()),
        _ => Err(YinYangError::Shape {
            path: path.to_owned(),
            found: array.shape,
            expected: "[samples, 4]",
        }),
    }
}

fn read_labels(path: &Path) -> Result<Vec<u8>, YinYangError> {
    let array = npy::read_any(path)?;
    if array.shape.len() != 1 {
        return Err(YinYangError::Shape {
            path: path.to_owned(),
            found: array.shape,
            expected: "[samples]",
        });
    }
    let labels = array.values.to_f64().into_iter().enumerate();
    labels
        .map(|(index, found)| match found {
            0.0 => Ok(0),
            1.0 => Ok(1),
            2.0 => Ok(2),
            _ => Err(YinYangError::Label { index, found }),
        })
        .collect()
}

#[cfg(test)]
mod tests;
