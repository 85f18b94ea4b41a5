//! The data of the benchmarks: what is trained, validated and tested on.
//!
//! One file for each benchmark turns its parameters into a [`Data`]: three parts that share no
//! sample. Nothing that happens in training ever sees the test part.

mod mnist;
mod yinyang;

use std::path::PathBuf;
use std::sync::Arc;

use eventprop::rng::{Key, Purpose};
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop_data::dropout::{InputDropout, SpikeDraws};
use eventprop_data::latency::LatencyError;
use eventprop_data::mnist::MnistError;
use thiserror::Error;

use crate::params::{Benchmark, ParamError, Parameters};
use crate::settings::Settings;
use crate::value::Value;

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
        Vec::new()
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

/// What a benchmark trains, validates and tests on.
#[derive(Debug, Clone)]
pub struct Data {
    /// Input neurons.
    pub inputs: usize,
    /// Classes.
    pub classes: usize,
    /// For training; empty when only the test part was asked for.
    pub train: Part,
    /// For choosing an epoch and following the learning rate; may be empty.
    pub validation: Part,
    /// For one test at the end.
    pub test: Part,
    /// Whether the few images in the program stand in for the real set.
    pub demonstration: bool,
    /// What a user should know about the data.
    pub notices: Vec<String>,
}

impl Data {
    /// Sets the sizes in `params` to those that the parts have, where a benchmark counts samples: a
    /// run is repeated with what it had, not with what a default asks for.
    ///
    /// # Errors
    /// As [`Parameters::set`].
    pub fn state_sizes(&self, params: &mut Parameters) -> Result<(), ParamError> {
        if params.benchmark() != Benchmark::Mnist {
            return Ok(());
        }
        let parts = [
            ("N_TRAIN", &self.train),
            ("N_VALIDATE", &self.validation),
            ("N_TEST", &self.test),
        ];
        for (key, part) in parts {
            if key != "N_TRAIN" || !part.is_empty() {
                params.set(key, Value::Int(part.len() as i64))?;
            }
        }
        Ok(())
    }
}

/// Where data are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The folders, in order.
    pub dirs: Vec<PathBuf>,
    /// Whether the few images in the program may stand in for MNIST when it is in no folder.
    pub demonstration: bool,
}

/// Which parts are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All three.
    All,
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
    };
    if wanted == Wanted::All && settings.batch > data.train.len() {
        return Err(DataError::Param(ParamError::Combination {
            key: "N_BATCH",
            found: settings.batch.to_string(),
            problem: format!("there are only {} training samples", data.train.len()),
            way_out: "choose a smaller batch or more training samples (N_TRAIN)".to_owned(),
        }));
    }
    Ok(data)
}
