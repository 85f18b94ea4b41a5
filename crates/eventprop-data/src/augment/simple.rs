//! Augmentations of one sample.

use eventprop::rng::Key;

use super::{Augmentation, Events};
use crate::binned::BinnedSet;

/// Applies one entry; `blend` is not one of these.
pub fn apply(entry: &Augmentation, set: &BinnedSet, key: Key, events: &mut Events) {
    match *entry {
        Augmentation::RandomShift { channels } => {
            let shift = ((2.0 * key.uniform(0) - 1.0) * channels).trunc() as i64;
            shift_by(events, (0, shift), set);
        }
        Augmentation::RandomDilate { least, most } => {
            let (least, most) = (least.ln(), most.ln());
            let factor = (least + (most - least) * key.uniform(0)).exp();
            dilate(events, factor, set.steps());
        }
        Augmentation::IdJitter { channels } => jitter(events, channels, key, set.inputs()),
        Augmentation::Blend { .. } => unreachable!("blend makes samples, it does not change one"),
    }
}

/// Moves all spikes by (steps, channels); those that leave the trial or the range are dropped.
pub fn shift_by(events: &mut Events, (steps, channels): (i64, i64), set: &BinnedSet) {
    let moved = |x: u32, by: i64, end: u32| {
        let x = i64::from(x) + by;
        (0..i64::from(end)).contains(&x).then_some(x as u32)
    };
    events.retain_mut(|(step, channel)| {
        let to = (
            moved(*step, steps, set.steps()),
            moved(u32::from(*channel), channels, set.inputs()),
        );
        let (Some(new_step), Some(new_channel)) = to else {
            return false;
        };
        (*step, *channel) = (new_step, new_channel as u16);
        true
    });
}

/// Multiplies all steps by a factor. Spikes keep their order; two that fall together become one.
fn dilate(events: &mut Events, factor: f64, steps: u32) {
    events.retain_mut(|(step, _)| {
        let moved = f64::from(*step) * factor;
        *step = moved as u32;
        moved < f64::from(steps)
    });
    // Channels of steps that became one are no longer ascending.
    events.sort_unstable();
    events.dedup();
}

/// Moves every spike by its own round(N(0, σ)) channels.
fn jitter(events: &mut Events, sigma: f64, key: Key, inputs: u32) {
    let mut n = 0;
    events.retain_mut(|(_, channel)| {
        let moved = f64::from(*channel) + (sigma * key.normal(n)).round();
        n += 1;
        let inside = moved >= 0.0 && moved < f64::from(inputs);
        if inside {
            *channel = moved as u16;
        }
        inside
    });
    events.sort_unstable();
    events.dedup();
}

/// Keeps each of n spikes with probability `spikes`/n.
pub fn thin(spikes: usize, key: Key, events: &mut Events) {
    let probability = spikes as f64 / events.len().max(1) as f64;
    let mut n = 0;
    events.retain(|_| {
        n += 1;
        key.uniform(n) < probability
    });
}
