//! Augmentations of one sample.

use eventprop::rng::Key;

use super::{Augmentation, Events, Grid};
use crate::binned::EventSet;

/// Applies one entry; `blend` is not one of these.
pub fn apply(entry: &Augmentation, set: &dyn EventSet, key: Key, events: &mut Events) {
    match *entry {
        Augmentation::RandomShift { channels } => {
            let shift = ((2.0 * key.uniform(0) - 1.0) * channels).trunc() as i64;
            let by = Shift {
                steps: 0,
                channels: shift,
            };
            shift_by(events, by, set);
        }
        Augmentation::RandomDilate { least, most } => {
            let (least, most) = (least.ln(), most.ln());
            let factor = (least + (most - least) * key.uniform(0)).exp();
            dilate(events, factor, set);
        }
        Augmentation::IdJitter { channels } => jitter(events, channels, key, set),
        Augmentation::ShiftXy { pixels, grid } => {
            let draw = |n| ((2.0 * key.uniform(n) - 1.0) * pixels).trunc() as i64;
            let by = PixelShift {
                columns: draw(0),
                rows: draw(1),
            };
            move_pixels(events, grid, by);
        }
        Augmentation::FlipX { grid, .. } => {
            if flips(entry, key) {
                mirror(events, grid);
            }
        }
        Augmentation::TimeJitter { steps } => time_jitter(events, steps, key, set),
        Augmentation::EventDrop { most } => {
            let share = most * key.uniform(u64::MAX);
            let mut n = 0;
            events.retain(|_| {
                n += 1;
                key.uniform(n) >= share
            });
        }
        Augmentation::Blend { .. } => unreachable!("blend makes samples, it does not change one"),
    }
}

/// The layout that an entry needs, if it needs one.
pub fn grid(entry: &Augmentation) -> Option<Grid> {
    match entry {
        Augmentation::ShiftXy { grid, .. } | Augmentation::FlipX { grid, .. } => Some(*grid),
        _ => None,
    }
}

/// True if a sample is mirrored under a key.
pub fn flips(entry: &Augmentation, key: Key) -> bool {
    match entry {
        Augmentation::FlipX { probability, .. } => key.uniform(0) < *probability,
        _ => false,
    }
}

/// A move of all spikes on a sensor.
#[derive(Clone, Copy)]
struct PixelShift {
    columns: i64,
    rows: i64,
}

/// Moves all spikes; those that leave the sensor are dropped.
fn move_pixels(events: &mut Events, grid: Grid, by: PixelShift) {
    events.retain_mut(|(_, channel)| {
        let (pixel, copy) = (
            u32::from(*channel) / grid.copies,
            u32::from(*channel) % grid.copies,
        );
        let x = i64::from(pixel % grid.width) + by.columns;
        let y = i64::from(pixel / grid.width) + by.rows;
        let inside =
            (0..i64::from(grid.width)).contains(&x) && (0..i64::from(grid.height)).contains(&y);
        if inside {
            *channel = ((y as u32 * grid.width + x as u32) * grid.copies + copy) as u16;
        }
        inside
    });
}

/// Mirrors all spikes, x ↦ width − 1 − x.
fn mirror(events: &mut Events, grid: Grid) {
    for (_, channel) in events.iter_mut() {
        let (pixel, copy) = (
            u32::from(*channel) / grid.copies,
            u32::from(*channel) % grid.copies,
        );
        let (x, y) = (pixel % grid.width, pixel / grid.width);
        *channel = ((y * grid.width + grid.width - 1 - x) * grid.copies + copy) as u16;
    }
    events.sort_unstable();
}

/// Moves every spike by its own round(N(0, σ)) steps.
fn time_jitter(events: &mut Events, sigma: f64, key: Key, set: &dyn EventSet) {
    let mut n = 0;
    events.retain_mut(|(step, _)| {
        let moved = f64::from(*step) + (sigma * key.normal(n)).round();
        n += 1;
        let inside = moved >= 0.0 && moved < f64::from(set.steps());
        if inside {
            *step = moved as u32;
        }
        inside
    });
    set.repeats().settle(events);
}

/// A move of all spikes of a sample.
#[derive(Clone, Copy)]
pub struct Shift {
    pub steps: i64,
    pub channels: i64,
}

/// Moves all spikes; those that leave the trial or the range are dropped.
pub fn shift_by(events: &mut Events, by: Shift, set: &dyn EventSet) {
    let moved = |x: u32, by: i64, end: u32| {
        let x = i64::from(x) + by;
        (0..i64::from(end)).contains(&x).then_some(x as u32)
    };
    events.retain_mut(|(step, channel)| {
        let to = (
            moved(*step, by.steps, set.steps()),
            moved(u32::from(*channel), by.channels, set.inputs()),
        );
        let (Some(new_step), Some(new_channel)) = to else {
            return false;
        };
        (*step, *channel) = (new_step, new_channel as u16);
        true
    });
}

/// Multiplies all steps by a factor. Spikes keep their order.
fn dilate(events: &mut Events, factor: f64, set: &dyn EventSet) {
    events.retain_mut(|(step, _)| {
        let moved = f64::from(*step) * factor;
        *step = moved as u32;
        moved < f64::from(set.steps())
    });
    // Channels of steps that became one are no longer ascending.
    set.repeats().settle(events);
}

/// Moves every spike by its own round(N(0, σ)) channels.
fn jitter(events: &mut Events, sigma: f64, key: Key, set: &dyn EventSet) {
    let mut n = 0;
    events.retain_mut(|(_, channel)| {
        let moved = f64::from(*channel) + (sigma * key.normal(n)).round();
        n += 1;
        let inside = moved >= 0.0 && moved < f64::from(set.inputs());
        if inside {
            *channel = moved as u16;
        }
        inside
    });
    set.repeats().settle(events);
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
