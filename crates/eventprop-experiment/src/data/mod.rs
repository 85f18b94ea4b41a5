//! The data of the benchmarks: what is trained, validated and tested on.
//!
//! One file for each benchmark turns its parameters into a [`Data`]: three parts that share no
//! sample. Nothing that happens in training ever sees the test part.

pub mod binned;
mod camera;
mod custom;
mod dvs_gesture;
mod fingerprint;
mod mnist;
mod nmnist;
mod parts;
mod shd;
mod smnist;
mod split;
mod variation;
mod yinyang;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use eventprop::rng::{Key, Purpose};
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop_data::augment::dropout::{InputDropout, SpikeDraws};
use eventprop_data::binned::Lost;
use eventprop_data::encode::latency::LatencyError;
use eventprop_data::sets::dvs_gesture::GestureError;
use eventprop_data::sets::mnist::MnistError;
use eventprop_data::sets::nmnist::NmnistError;
use eventprop_data::sets::own::OwnDataError;
use eventprop_data::sets::shd::ShdError;
use eventprop_data::sets::shd::synthetic::SyntheticError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::binned::BinnedSamples;
use crate::params::{Benchmark, ParamError, Parameters};
use crate::settings::{Folds, Settings};
use crate::value::Value;

pub use fingerprint::fingerprint;
pub use variation::Variation;
pub use yinyang::plane;

/// Samples that can be encoded as spikes.
pub trait Samples: Send + Sync {
    /// Number of samples.
    fn count(&self) -> usize;

    /// The class of a sample.
    fn label(&self, sample: usize) -> u32;

    /// Fills `train` with the spikes of a sample.
    fn encode(&self, sample: usize, train: &mut SpikeTrain);

    /// As [`Self::encode`], keeping only the spikes that `draws` keeps.
    fn encode_dropping(&self, sample: usize, draws: SpikeDraws, train: &mut SpikeTrain);

    /// The point of the plane that a sample stands for, if it does.
    fn point(&self, sample: usize) -> Option<[f64; 2]>;

    /// The events behind the samples, if they are such: what can be augmented.
    fn binned(&self) -> Option<&BinnedSamples>;
}

/// Some samples of a set.
#[derive(Clone)]
pub struct Part {
    samples: Arc<dyn Samples>,
    /// Which ones, in this order.
    order: Vec<usize>,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Input spikes that are left out: how many, and under which key they are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Dropping {
    /// The probability.
    pub dropout: InputDropout,
    /// The key of the epoch; every sample adds its number.
    pub key: Key,
}

impl Part {
    fn new(samples: Arc<dyn Samples>, order: Vec<usize>) -> Self {
        Self { samples, order }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The classes, in order.
    pub fn labels(&self) -> Vec<u32> {
        self.order
            .iter()
            .map(|&sample| self.samples.label(sample))
            .collect()
    }

    /// The points of the plane that the samples stand for; empty when they do not.
    pub fn points(&self) -> Vec<[f64; 2]> {
        self.order
            .iter()
            .filter_map(|&sample| self.samples.point(sample))
            .collect()
    }

    /// Numbers of the people who speak in the samples, in order; empty when nobody does.
    pub fn speakers(&self) -> Vec<u32> {
        let binned = self.samples.binned();
        let Some(speakers) = binned.and_then(|binned| binned.set.speakers()) else {
            return Vec::new();
        };
        let of = |&sample: &usize| u32::from(speakers[sample]);
        self.order.iter().map(of).collect()
    }

    /// The first `count` samples, or all of them.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        let order = self.order.iter().take(count).copied().collect();
        Self::new(Arc::clone(&self.samples), order)
    }

    /// No sample of the same set.
    #[must_use]
    pub fn none(&self) -> Self {
        Self::new(Arc::clone(&self.samples), Vec::new())
    }

    /// Both parts together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.order.extend_from_slice(&other.order);
        self
    }

    /// Everything but every `folds`-th sample beginning with `fold`, and those: training and
    /// validation part of a cross-validation. The samples are dealt out in an order drawn under
    /// `seed`.
    ///
    /// # Panics
    /// When `fold` is not below `folds`.
    pub fn fold(&self, fold: usize, folds: usize, seed: u32) -> (Self, Self) {
        assert!(fold < folds, "fold {fold} of {folds}");
        let order = Key::new(u64::from(seed), Purpose::Split)
            .with(1)
            .permutation(self.len());
        let dealt = |held_out: bool| {
            let places = order.iter().enumerate();
            let chosen = places.filter(|(turn, _)| (turn % folds == fold) == held_out);
            let order = chosen.map(|(_, &place)| self.order[place]).collect();
            Self::new(Arc::clone(&self.samples), order)
        };
        (dealt(false), dealt(true))
    }

    /// Fills a batch with the samples at the given places of the part.
    pub fn fill(&self, places: &[usize], dropping: Option<Dropping>, batch: &mut Batch) {
        batch.resize(places.len());
        batch.fill(|slot, target| {
            let sample = self.order[places[slot]];
            *target.label = self.samples.label(sample);
            *target.id = sample as u64;
            match dropping {
                None => self.samples.encode(sample, target.train),
                Some(Dropping { dropout, key }) => {
                    let draws = dropout.draws(key.with(sample as u64));
                    self.samples.encode_dropping(sample, draws, target.train);
                }
            }
        });
    }
}

/// One fold of a cross-validation.
#[derive(Debug, Clone)]
pub struct Fold {
    /// What is held out, such as `speaker 3`.
    pub name: String,
    /// A number that belongs to what is held out, under which weights and draws are made: a fold does
    /// not depend on which others there are.
    pub id: u64,
    /// For training.
    pub train: Part,
    /// What is held out.
    pub held_out: Part,
}

/// What a benchmark trains, validates and tests on.
#[derive(Debug, Clone)]
pub struct Data {
    /// Input neurons.
    pub inputs: usize,
    /// Classes.
    pub classes: usize,
    /// Their names; empty when they only have numbers.
    pub class_names: Vec<String>,
    /// For training; empty when only the test part was asked for.
    pub train: Part,
    /// For choosing an epoch and following the learning rate; may be empty.
    pub validation: Part,
    /// For one test at the end.
    pub test: Part,
    /// The folds of a cross-validation, when they were asked for.
    pub folds: Vec<Fold>,
    /// How samples change from epoch to epoch, if they do.
    pub variation: Option<Arc<Variation>>,
    /// Parameters as the data settled them: a run is repeated with what it had, not with what a default
    /// asks for.
    pub settled: Vec<(&'static str, Value)>,
    /// What was lost of the spikes, those for training if they were read, on the way to the grid.
    pub lost: Lost,
    /// Whether a few samples that come with the program stand in for the real set.
    pub demonstration: bool,
    /// What a user should know about the data.
    pub notices: Vec<String>,
}

impl Data {
    /// Sets the parameters that the data settled.
    ///
    /// # Errors
    /// As [`Parameters::set`].
    pub fn settle(&self, params: &mut Parameters) -> Result<(), ParamError> {
        for (key, value) in &self.settled {
            params.set(key, value.clone())?;
        }
        Ok(())
    }

    /// What is trained on in an epoch.
    pub fn training(&self, epoch: usize) -> Cow<'_, Part> {
        match &self.variation {
            None => Cow::Borrowed(&self.train),
            Some(variation) => Cow::Owned(variation.training(&self.train, epoch)),
        }
    }

    /// What is evaluated of a part in an epoch.
    pub fn evaluation<'a>(&self, part: &'a Part, epoch: usize) -> Cow<'a, Part> {
        match &self.variation {
            None => Cow::Borrowed(part),
            Some(variation) => Cow::Owned(variation.evaluation(&self.train, part, epoch)),
        }
    }

    /// The data of one fold: what is held out takes the place of the validation part.
    #[must_use]
    pub fn of_fold(&self, fold: &Fold) -> Self {
        Self {
            train: fold.train.clone(),
            validation: fold.held_out.clone(),
            folds: Vec::new(),
            ..self.clone()
        }
    }

    /// Validation samples go back to training; folds are dealt out where they were asked for and the
    /// benchmark has not made them itself.
    fn merged(mut self, settings: &Settings, wanted: Wanted) -> Self {
        if !matches!(wanted, Wanted::Whole | Wanted::Folds) {
            return self;
        }
        self.train = self.train.and(&self.validation);
        self.validation = self.validation.none();
        if let (Wanted::Folds, Folds::Random(count), true) =
            (wanted, settings.folds, self.folds.is_empty())
        {
            let fold = |fold: usize| {
                let seed = settings.seeds.train_data;
                let (train, held_out) = self.train.fold(fold, count, seed);
                Fold {
                    name: format!("fold {}", fold + 1),
                    id: fold as u64,
                    train,
                    held_out,
                }
            };
            self.folds = (0..count).map(fold).collect();
        }
        self
    }
}

/// Where data are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The folders, in order.
    pub dirs: Vec<PathBuf>,
    /// Whether samples that come with the program may stand in for a set that is in no folder.
    pub demonstration: bool,
}

impl Source {
    /// The same from whichever folder one works in. None where a path is no text.
    #[must_use]
    pub fn lasting(&self) -> Option<Self> {
        let lasting = |dir: &PathBuf| {
            let dir = std::path::absolute(dir).ok()?;
            dir.to_str().map(PathBuf::from)
        };
        let dirs: Option<Vec<PathBuf>> = self.dirs.iter().map(lasting).collect();
        Some(Self {
            dirs: dirs?,
            ..*self
        })
    }

    /// These folders, then those of the others that are not among them.
    #[must_use]
    pub fn or(mut self, others: &Self) -> Self {
        for dir in &others.dirs {
            if !self.dirs.contains(dir) {
                self.dirs.push(dir.clone());
            }
        }
        self
    }
}

/// Which parts are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Training, validation and test.
    Validated,
    /// Everything but the test part for training, and the test part.
    Whole,
    /// Folds.
    Folds,
    /// The test part only.
    Test,
}

/// Data could not be had.
#[derive(Debug, Error)]
pub enum DataError {
    /// MNIST could not be read.
    #[error(transparent)]
    Mnist(#[from] MnistError),
    /// The trial cannot hold the latency code.
    #[error(transparent)]
    Latency(#[from] LatencyError),
    /// SHD or SSC could not be read.
    #[error(transparent)]
    Shd(#[from] ShdError),
    /// N-MNIST could not be read.
    #[error(transparent)]
    Nmnist(#[from] NmnistError),
    /// DVS128 Gesture could not be read.
    #[error(transparent)]
    Gesture(#[from] GestureError),
    /// The user's own data could not be read.
    #[error(transparent)]
    Own(#[from] OwnDataError),
    /// Synthetic speech could not be made.
    #[error(transparent)]
    Synthetic(#[from] SyntheticError),
    /// The parameters ask for what the data cannot give.
    #[error(transparent)]
    Param(#[from] ParamError),
}

impl DataError {
    /// Whether the parameters are to blame rather than the data.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Latency(_) | Self::Param(_))
    }
}

/// The data of a benchmark.
///
/// # Errors
/// [`DataError`].
pub fn load(
    params: &Parameters,
    settings: &Settings,
    source: &Source,
    wanted: Wanted,
) -> Result<Data, DataError> {
    let data = match params.benchmark() {
        Benchmark::YinYang => yinyang::load(params, settings, wanted)?,
        Benchmark::Mnist => mnist::load(params, settings, source, wanted)?,
        Benchmark::Shd | Benchmark::Ssc => shd::load(params, settings, source, wanted)?,
        Benchmark::Smnist => smnist::load(params, settings, source, wanted)?,
        Benchmark::Nmnist => nmnist::load(params, settings, source, wanted)?,
        Benchmark::DvsGesture => dvs_gesture::load(params, settings, source, wanted)?,
        Benchmark::Custom => custom::load(params, settings, wanted)?,
    };
    let data = data.merged(settings, wanted);
    if wanted != Wanted::Test && settings.batch > data.train.len() {
        return Err(DataError::Param(ParamError::Combination {
            key: "N_BATCH",
            found: settings.batch.to_string(),
            problem: format!("there are only {} training samples", data.train.len()),
            way_out: "choose a smaller batch or more training samples (N_TRAIN)".to_owned(),
        }));
    }
    Ok(data)
}
