//! Variation of binned samples from epoch to epoch: balanced, thinned, augmented, in this order, anew from
//! the originals in every epoch. All draws are keyed by seed, epoch and sample.

use std::sync::Arc;

use eventprop::rng::{Key, Purpose};
use eventprop_data::augment::{Augmentation, Augmenter, balanced, fewest_spikes};

use super::binned::{AugmentedSamples, BinnedSamples};
use super::part::{Part, Samples};
use crate::settings::{BinnedSettings, Seeds};

/// Changes to the parts of a set in every epoch.
#[derive(Debug, Clone)]
pub struct Variation {
    augmentation: Vec<Augmentation>,
    /// Samples of an epoch with `blend`.
    count: usize,
    normalise: bool,
    balance_training: bool,
    balance_evaluation: bool,
    seeds: Seeds,
}

/// Purposes of keys for random draws.
#[derive(Debug, Clone, Copy)]
enum Draw {
    Augment,
    ThinEvaluation,
    BalanceTraining,
    BalanceEvaluation,
}

impl Variation {
    /// The variation of a run, if samples vary at all; `count` samples make an epoch with `blend`.
    pub fn new(
        settings: &BinnedSettings,
        augmentation: Vec<Augmentation>,
        count: usize,
        seeds: Seeds,
    ) -> Option<Arc<Self>> {
        let varies = !augmentation.is_empty()
            || settings.normalise
            || settings.balance_training
            || settings.balance_evaluation;
        varies.then(|| {
            Arc::new(Self {
                augmentation,
                count,
                normalise: settings.normalise,
                balance_training: settings.balance_training,
                balance_evaluation: settings.balance_evaluation,
                seeds,
            })
        })
    }

    /// Draws for training belong to `TRAIN_DATA_SEED`, those for evaluation to `TEST_DATA_SEED`.
    fn key(&self, draw: Draw, epoch: usize) -> Key {
        let seed = match draw {
            Draw::Augment | Draw::BalanceTraining => self.seeds.train_data,
            Draw::ThinEvaluation | Draw::BalanceEvaluation => self.seeds.test_data,
        };
        let key = Key::new(u64::from(seed), Purpose::Augment);
        key.with(draw as u64).with(epoch as u64)
    }

    /// The training samples of an epoch.
    pub fn training(&self, part: &Part, epoch: usize) -> Part {
        let Some(binned) = part.samples.binned() else {
            return part.clone();
        };
        let members = self.members(part, epoch);
        let thin_to = self
            .normalise
            .then(|| fewest_spikes(binned.set.as_ref(), &members));
        let set = Arc::clone(&binned.set);
        let augmenter = Augmenter::new(set, members, self.augmentation.clone(), self.count);
        varied(binned, augmenter, thin_to, self.key(Draw::Augment, epoch))
    }

    /// The samples that are evaluated in an epoch with the training samples `training`.
    pub fn evaluation(&self, training: &Part, part: &Part, epoch: usize) -> Part {
        let Some(binned) = part.samples.binned() else {
            return part.clone();
        };
        let key = self.key(Draw::BalanceEvaluation, epoch);
        let members = balance(part, self.balance_evaluation, key);
        if !self.normalise {
            return Part::new(Arc::clone(&part.samples), members);
        }
        let trained = training.samples.binned().unwrap_or(binned);
        let fewest = fewest_spikes(trained.set.as_ref(), &self.members(training, epoch));
        let augmenter = Augmenter::new(Arc::clone(&binned.set), members, Vec::new(), 0);
        let key = self.key(Draw::ThinEvaluation, epoch);
        varied(binned, augmenter, Some(fewest), key)
    }

    /// The training samples of an epoch before they are augmented.
    fn members(&self, part: &Part, epoch: usize) -> Vec<usize> {
        let key = self.key(Draw::BalanceTraining, epoch);
        balance(part, self.balance_training, key)
    }
}

fn balance(part: &Part, wanted: bool, key: Key) -> Vec<usize> {
    if !wanted {
        return part.order.clone();
    }
    let labels: Vec<u16> = part.labels().iter().map(|&label| label as u16).collect();
    let places = balanced(&labels, key);
    places.into_iter().map(|place| part.order[place]).collect()
}

fn varied(binned: &BinnedSamples, augmenter: Augmenter, thin_to: Option<usize>, key: Key) -> Part {
    let augmenter = match thin_to {
        Some(spikes) => augmenter.thinned_to(spikes),
        None => augmenter,
    };
    let order = (0..augmenter.count()).collect();
    let samples = AugmentedSamples {
        augmenter,
        epoch: key,
        encoding: binned.encoding,
        channels: binned.set.inputs(),
    };
    Part::new(Arc::new(samples) as Arc<dyn Samples>, order)
}
