//! Samples, and parts of a set of them.

use std::sync::Arc;

use eventprop::rng::{Key, Purpose};
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop_data::augment::dropout::{InputDropout, SpikeDraws};

use super::binned::BinnedSamples;

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
    pub(super) samples: Arc<dyn Samples>,
    /// Their indices, in this order.
    pub(super) order: Vec<usize>,
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
    pub(super) fn new(samples: Arc<dyn Samples>, order: Vec<usize>) -> Self {
        Self { samples, order }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// True if there is no sample.
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

    /// The classes of the samples at some places.
    pub fn labels_at(&self, places: &[usize]) -> Vec<u32> {
        let label = |&place: &usize| self.samples.label(self.order[place]);
        places.iter().map(label).collect()
    }

    /// The numbers of the samples at some places in their set.
    pub fn ids_at(&self, places: &[usize]) -> Vec<u64> {
        places
            .iter()
            .map(|&place| self.order[place] as u64)
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
