//! New samples from several of one class.

use eventprop::rng::Key;

use super::simple::{Shift, shift_by};
use super::{Augmenter, Events};

/// The first draw for the choice of samples; the draws for spikes lie below.
const CHOICE: u64 = 1 << 62;

/// A blend among the entries of an augmenter.
pub struct Blend<'a> {
    pub augmenter: &'a Augmenter,
    /// Number of the entries before it.
    pub split: usize,
    /// Share of the spikes that is kept, for each of the samples that are combined.
    pub keep: &'a [f64],
}

/// Sample `n` of an epoch. The samples that are combined are chosen without repetition where their
/// class has enough of them, have gone through the entries before the blend, and are moved so that
/// their mean step and channel become the mean of those means, truncated to whole steps and channels.
pub fn blend(blend: &Blend<'_>, n: usize, epoch: Key, events: &mut Events) {
    let &Blend {
        augmenter,
        split,
        keep,
    } = blend;
    let key = epoch.with(n as u64).with(split as u64);
    let class = augmenter.label(n, epoch);
    let places = chosen(&augmenter.by_class[usize::from(class)], keep.len(), key);
    let mut parts: Vec<Events> = Vec::with_capacity(keep.len());
    for place in places {
        let mut part = Events::new();
        augmenter.through(place, 0..split, epoch, &mut part);
        parts.push(part);
    }
    let means: Vec<Option<(f64, f64)>> = parts.iter().map(mean).collect();
    let there: Vec<(f64, f64)> = means.iter().flatten().copied().collect();
    events.clear();
    if there.is_empty() {
        return;
    }
    let count = there.len() as f64;
    let centre = (
        there.iter().map(|m| m.0).sum::<f64>() / count,
        there.iter().map(|m| m.1).sum::<f64>() / count,
    );
    let mut drawn = 0;
    for ((part, mean), &probability) in parts.iter_mut().zip(&means).zip(keep) {
        let Some(mean) = mean else { continue };
        let by = Shift {
            steps: (centre.0 - mean.0).trunc() as i64,
            channels: (centre.1 - mean.1).trunc() as i64,
        };
        shift_by(part, by, augmenter.set.as_ref());
        for &event in part.iter() {
            drawn += 1;
            if key.uniform(drawn) < probability {
                events.push(event);
            }
        }
    }
    augmenter.set.repeats().settle(events);
}

/// Mean step and channel; none without spikes.
fn mean(events: &Events) -> Option<(f64, f64)> {
    if events.is_empty() {
        return None;
    }
    let count = events.len() as f64;
    let steps: f64 = events.iter().map(|e| f64::from(e.0)).sum();
    let channels: f64 = events.iter().map(|e| f64::from(e.1)).sum();
    Some((steps / count, channels / count))
}

/// `count` of the places, without repetition where there are enough.
fn chosen(places: &[usize], count: usize, key: Key) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(count);
    let mut counter = CHOICE;
    while chosen.len() < count {
        let place = places[key.below(counter, places.len() as u64) as usize];
        counter += 1;
        if places.len() < count || !chosen.contains(&place) {
            chosen.push(place);
        }
    }
    chosen
}
