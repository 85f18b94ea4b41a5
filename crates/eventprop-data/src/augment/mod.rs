//! Augmentation of binned samples for training: shift, dilation, jitter, blend.
//!
//! An [`Augmenter`] gives any sample of an epoch on its own: every draw is keyed by seed, epoch and
//! sample, so samples can be made on any thread, in any order. All operations work on steps and
//! channels. The entries are applied in the order in which they are listed; `blend` combines samples
//! that have gone through the entries before it, and what it makes goes through the entries behind it
//! (Nowotny, Turner & Knight 2025; the details are this project's, see `docs/differences.md`).

mod blend;
pub mod dropout;
mod simple;

use std::sync::Arc;

use eventprop::rng::Key;

use crate::binned::EventSet;

/// Spikes of a sample: (step, channel), ascending.
pub type Events = Vec<(u32, u16)>;

/// One augmentation.
#[derive(Debug, Clone, PartialEq)]
pub enum Augmentation {
    /// `random_shift`: all channels of a sample move by trunc(U(−m, m)); what leaves the range is
    /// dropped.
    RandomShift {
        /// m, in channels.
        channels: f64,
    },
    /// `random_dilate`: all times of a sample are multiplied by e^{U(ln f₀, ln f₁)}; what leaves the
    /// trial is dropped.
    RandomDilate {
        /// f₀.
        least: f64,
        /// f₁.
        most: f64,
    },
    /// `ID_jitter`: every spike moves by round(N(0, σ)) channels; what leaves the range is dropped.
    IdJitter {
        /// σ, in channels.
        channels: f64,
    },
    /// `shift_xy`: all events of a sample move by trunc(U(−m, m)) pixels in x and, drawn apart, in y; what
    /// leaves the sensor is dropped.
    ShiftXy {
        /// m, in pixels.
        pixels: f64,
        /// Layout of the channels.
        grid: Grid,
    },
    /// `flip_x`: with a probability a sample is mirrored (x ↦ width − 1 − x), and takes the class that
    /// its mirror image has.
    FlipX {
        /// The probability.
        probability: f64,
        /// Layout of the channels.
        grid: Grid,
        /// Class of the mirror image, by class; empty when it is the same.
        classes: Vec<u16>,
    },
    /// `time_jitter`: every spike moves by round(N(0, σ)) steps; what leaves the trial is dropped.
    TimeJitter {
        /// σ, in steps.
        steps: f64,
    },
    /// `event_drop`: a share of the spikes, drawn from U(0, most) for every sample, is dropped.
    EventDrop {
        /// The largest share.
        most: f64,
    },
    /// `blend`: new samples from several of one class, moved to their common centre, of which each
    /// spike is kept with the probability of its sample.
    Blend {
        /// Probabilities, one per sample that is combined.
        keep: Vec<f64>,
    },
}

/// Layout of the channels of a camera: channel (y · width + x) · copies + copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Channels per pixel.
    pub copies: u32,
}

/// Augmentation of the training samples of an epoch.
#[derive(Debug, Clone)]
pub struct Augmenter {
    set: Arc<dyn EventSet>,
    /// Samples of the set, in order.
    members: Vec<usize>,
    entries: Vec<Augmentation>,
    /// Samples of an epoch; more than members only with `blend`.
    count: usize,
    /// Spikes that each member is thinned to (`NORMALISE_SPIKE_NUMBER`).
    thin_to: Option<usize>,
    /// Members by class, for `blend`.
    by_class: Vec<Vec<usize>>,
}

/// Purposes of draws, so that no two entries share them.
const THIN: u64 = u64::MAX;

impl Augmenter {
    /// Augments the samples `members` of a set by `entries`. With `blend` among them an epoch has
    /// `count` samples, if that is more than there are members; otherwise as many as members.
    ///
    /// # Panics
    /// With more than one `blend`, with a `flip_x` before it (a blend has one class, its parts would have
    /// two), and when a [`Grid`] has more channels than the set.
    pub fn new(
        set: Arc<dyn EventSet>,
        members: Vec<usize>,
        entries: Vec<Augmentation>,
        count: usize,
    ) -> Self {
        let blends = entries
            .iter()
            .filter(|e| matches!(e, Augmentation::Blend { .. }));
        let blends = blends.count();
        assert!(blends < 2, "blend can be listed once");
        let flip = |e: &Augmentation| matches!(e, Augmentation::FlipX { .. });
        let blend = |e: &Augmentation| matches!(e, Augmentation::Blend { .. });
        if let Some(place) = entries.iter().position(blend) {
            assert!(!entries[..place].iter().any(flip), "flip_x before blend");
        }
        let grids = entries.iter().filter_map(simple::grid);
        for grid in grids {
            assert!(grid.width * grid.height * grid.copies <= set.inputs());
        }
        let mut by_class = vec![Vec::new(); set.classes() as usize];
        for (place, &member) in members.iter().enumerate() {
            by_class[usize::from(set.labels()[member])].push(place);
        }
        let count = if blends == 1 {
            count.max(members.len())
        } else {
            members.len()
        };
        Self {
            count: if members.is_empty() { 0 } else { count },
            set,
            members,
            entries,
            thin_to: None,
            by_class,
        }
    }

    /// The same with every sample thinned first: each of its n spikes is kept with probability
    /// `spikes`/n.
    #[must_use]
    pub fn thinned_to(self, spikes: usize) -> Self {
        Self {
            thin_to: Some(spikes),
            ..self
        }
    }

    /// Samples of an epoch.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The class of a sample; `epoch` is the key of the epoch.
    pub fn label(&self, n: usize, epoch: Key) -> u16 {
        let mut label = self.set.labels()[self.members[self.origin(n, epoch)]];
        for (index, entry) in self.entries.iter().enumerate() {
            let key = epoch.with(n as u64).with(index as u64);
            if let Augmentation::FlipX { classes, .. } = entry
                && simple::flips(entry, key)
                && !classes.is_empty()
            {
                label = classes[usize::from(label)];
            }
        }
        label
    }

    /// The speaker of a sample, if it is known.
    pub fn speaker(&self, n: usize, epoch: Key) -> Option<u16> {
        let speakers = self.set.speakers()?;
        Some(speakers[self.members[self.origin(n, epoch)]])
    }

    /// The spikes of a sample; `epoch` is the key of the epoch.
    pub fn sample(&self, n: usize, epoch: Key, events: &mut Events) {
        let blend = self
            .entries
            .iter()
            .position(|entry| matches!(entry, Augmentation::Blend { .. }));
        let split = blend.unwrap_or(self.entries.len());
        if n < self.members.len() {
            self.through(n, 0..split, epoch, events);
        } else {
            let Some(Augmentation::Blend { keep }) = self.entries.get(split) else {
                unreachable!("only blend makes more samples than there are");
            };
            let blend = blend::Blend {
                augmenter: self,
                split,
                keep,
            };
            blend::blend(&blend, n, epoch, events);
        }
        let sample = epoch.with(n as u64);
        for index in split + 1..self.entries.len() {
            simple::apply(
                &self.entries[index],
                self.set.as_ref(),
                sample.with(index as u64),
                events,
            );
        }
    }

    /// The member, by place, that a sample is made of or takes its class from.
    fn origin(&self, n: usize, epoch: Key) -> usize {
        if n < self.members.len() {
            n
        } else {
            let key = epoch.with(n as u64);
            key.below(u64::MAX, self.members.len() as u64) as usize
        }
    }

    /// A member, by place, after some of the entries. All draws belong to the member and the epoch.
    fn through(
        &self,
        place: usize,
        entries: std::ops::Range<usize>,
        epoch: Key,
        events: &mut Events,
    ) {
        let member = self.members[place];
        let key = epoch.with(place as u64);
        self.set.events(member, events);
        if let Some(spikes) = self.thin_to {
            simple::thin(spikes, key.with(THIN), events);
        }
        for index in entries {
            simple::apply(
                &self.entries[index],
                self.set.as_ref(),
                key.with(index as u64),
                events,
            );
        }
    }
}

/// The fewest spikes of any of the samples; 0 without samples.
pub fn fewest_spikes(set: &dyn EventSet, samples: &[usize]) -> usize {
    let spikes = samples.iter().map(|&sample| set.spikes_len(sample));
    spikes.min().unwrap_or(0)
}

/// As many samples of every class as the rarest one has, drawn anew under every key, in the order of
/// the classes.
pub fn balanced(labels: &[u16], key: Key) -> Vec<usize> {
    let classes = labels.iter().max().map_or(0, |&most| usize::from(most) + 1);
    let mut by_class = vec![Vec::new(); classes];
    for (place, &label) in labels.iter().enumerate() {
        by_class[usize::from(label)].push(place);
    }
    by_class.retain(|places| !places.is_empty());
    let fewest = by_class.iter().map(Vec::len).min().unwrap_or(0);
    let mut chosen = Vec::new();
    for (class, places) in by_class.iter().enumerate() {
        let mut order = key.with(class as u64).permutation(places.len());
        order.truncate(fewest);
        chosen.extend(order.into_iter().map(|n| places[n]));
    }
    chosen
}

#[cfg(test)]
mod tests;
