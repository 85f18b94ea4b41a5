//! The laws of the augmentations, each from thousands of draws.

use std::sync::Arc;

use eventprop::rng::{Key, Purpose};

use super::{Augmentation, Augmenter, Events, Grid, balanced, fewest_spikes};
use crate::binned::{BinnedSet, Speakers};

const INPUTS: u32 = 200;
const STEPS: u32 = 100;
/// Draws of a shift whose frequencies are compared.
const DRAWS: i32 = 8000;

fn epoch(n: u64) -> Key {
    Key::new(5, Purpose::Augment).with(n)
}

/// Ten samples of two classes: blocks of spikes whose place depends on the sample.
fn set() -> Arc<BinnedSet> {
    let mut set = BinnedSet::new(INPUTS, STEPS, 2, Speakers::Known);
    for sample in 0..10u32 {
        let mut events: Events = (0..20)
            .flat_map(|t| (0..15).map(move |x| (30 + sample + t, (80 + sample * 2 + x) as u16)))
            .collect();
        set.push(&mut events, (sample % 2) as u16, Some((sample / 2) as u16));
    }
    Arc::new(set)
}

fn augmenter(entries: Vec<Augmentation>, count: usize) -> Augmenter {
    Augmenter::new(set(), (0..10).collect(), entries, count)
}

fn first_channel(events: &Events) -> i64 {
    events.iter().map(|e| i64::from(e.1)).min().unwrap()
}

/// trunc(U(−m, m)): every whole number of −(m − 1) … m − 1 with probability 1/2m, and 0 with twice that.
#[test]
fn augment_simple_shifts_are_truncated_toward_zero() {
    let augmenter = augmenter(vec![Augmentation::RandomShift { channels: 4.0 }], 0);
    let mut counts = [0i32; 7];
    let mut events = Events::new();
    for draw in 0..DRAWS {
        augmenter.sample(0, epoch(draw as u64), &mut events);
        counts[(first_channel(&events) - 80 + 3) as usize] += 1;
    }
    for (place, count) in counts.into_iter().enumerate() {
        let expected = if place == 3 { DRAWS / 4 } else { DRAWS / 8 };
        // Five standard deviations of a binomial count.
        let allowed = 5.0 * f64::from(expected).sqrt();
        assert!(f64::from((count - expected).abs()) < allowed, "{counts:?}");
    }
}

#[test]
fn what_leaves_the_range_is_dropped() {
    let augmenter = augmenter(vec![Augmentation::RandomShift { channels: 190.0 }], 0);
    let (mut events, mut dropped) = (Events::new(), 0);
    for draw in 0..200 {
        augmenter.sample(3, epoch(draw), &mut events);
        assert!(events.iter().all(|e| u32::from(e.1) < INPUTS));
        dropped += usize::from(events.len() < 300);
    }
    assert!(dropped > 50, "{dropped}");
}

/// The logarithm of the factor is uniform: mean and variance of it, from the last step of the block.
#[test]
fn dilation_is_uniform_in_the_logarithm() {
    let entry = Augmentation::RandomDilate {
        least: 0.5,
        most: 2.0,
    };
    let augmenter = augmenter(vec![entry], 0);
    let mut events = Events::new();
    let logs: Vec<f64> = (0..4000)
        .map(|draw| {
            augmenter.sample(0, epoch(draw), &mut events);
            let last = events.iter().map(|e| e.0).max().unwrap();
            assert!(last < STEPS);
            // Truncation to a step loses half a step on average.
            ((f64::from(last) + 0.5) / 49.0).ln()
        })
        .collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let variance = logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / logs.len() as f64;
    // U(−ln 2, ln 2): mean 0, variance (2 ln 2)²/12 = 0.16; five standard errors are 0.032 and 0.012,
    // truncation and the cut at the end of the trial (factor above 2) move both by less than 0.01.
    assert!(mean.abs() < 0.042, "{mean}");
    assert!((variance - 0.16).abs() < 0.022, "{variance}");
}

#[test]
fn jitter_moves_every_spike_by_its_own_draw() {
    let augmenter = augmenter(vec![Augmentation::IdJitter { channels: 3.0 }], 0);
    let mut events = Events::new();
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    for draw in 0..400 {
        augmenter.sample(0, epoch(draw), &mut events);
        for &(_, channel) in &events {
            let from_centre = f64::from(channel) - 87.0;
            sum += from_centre;
            squares += from_centre * from_centre;
            count += 1.0;
        }
    }
    // Uniform block of 15 channels: variance (15² − 1)/12 = 18.67, plus 9 + 1/12 of the rounded draws.
    // Spikes that fall together become one, which flattens the middle: up to 15 % more variance.
    assert!((sum / count).abs() < 0.15, "{}", sum / count);
    let variance = squares / count;
    assert!((27.0..33.0).contains(&variance), "{variance}");
}

/// New samples lie where the mean of their parts lies, keep half of each part, and have the class of
/// the sample they are drawn from.
#[test]
fn a_blend_is_centred_and_thinned() {
    let keep = vec![0.5, 0.5];
    let augmenter = augmenter(vec![Augmentation::Blend { keep }], 2000);
    assert_eq!(augmenter.count(), 2000);
    let mut events = Events::new();
    let (mut spikes, mut classes) = (0.0, [0; 2]);
    for n in 10..2000 {
        augmenter.sample(n, epoch(0), &mut events);
        let class = augmenter.label(n, epoch(0));
        classes[usize::from(class)] += 1;
        let channels: f64 = events.iter().map(|e| f64::from(e.1)).sum();
        let mean = channels / events.len() as f64;
        // Means of parts lie at 87 + 2 sample, samples 0 to 9.
        assert!((84.0..110.0).contains(&mean), "{mean}");
        spikes += events.len() as f64;
    }
    // Two parts of 300 on the same block: a place is taken with probability 1 − ½².
    let mean = spikes / 1990.0;
    assert!((mean - 225.0).abs() < 8.0, "{mean}");
    assert!(classes[0] > 850 && classes[1] > 850, "{classes:?}");
}

/// The members of an epoch do not depend on what else is asked for, nor on the order of asking.
#[test]
fn any_thread_can_augment_any_sample() {
    let entries = || {
        vec![
            Augmentation::RandomShift { channels: 40.0 },
            Augmentation::Blend {
                keep: vec![0.5, 0.5],
            },
            Augmentation::IdJitter { channels: 1.0 },
        ]
    };
    let (few, many) = (augmenter(entries(), 30), augmenter(entries(), 60));
    let (mut one, mut other) = (Events::new(), Events::new());
    for n in (0..30).rev() {
        few.sample(n, epoch(1), &mut one);
        many.sample(n, epoch(1), &mut other);
        assert_eq!(one, other, "{n}");
        many.sample(n, epoch(2), &mut other);
        assert_ne!(one, other, "{n}");
        assert!(one.is_sorted());
    }
}

#[test]
fn thinning_brings_all_samples_to_the_fewest_spikes() {
    let members: Vec<usize> = (0..10).collect();
    assert_eq!(fewest_spikes(set().as_ref(), &members), 300);
    let augmenter = augmenter(Vec::new(), 0).thinned_to(60);
    let mut events = Events::new();
    let total: usize = (0..500)
        .map(|draw| {
            augmenter.sample(1, epoch(draw), &mut events);
            events.len()
        })
        .sum();
    // 300 draws of probability 1/5: 60 ± 6.9, the mean of 500 within 5 standard errors of 0.31.
    assert!((total as f64 / 500.0 - 60.0).abs() < 1.6);
}

#[test]
fn balancing_keeps_the_number_of_the_rarest_class() {
    let labels = [0, 0, 0, 2, 2, 2, 2, 1, 1];
    let chosen = balanced(&labels, epoch(0));
    let of: Vec<u16> = chosen.iter().map(|&n| labels[n]).collect();
    assert_eq!(of, [0, 0, 1, 1, 2, 2]);
    let draws: std::collections::BTreeSet<Vec<usize>> =
        (0..50).map(|n| balanced(&labels, epoch(n))).collect();
    assert!(draws.len() > 10);
}

#[test]
fn nothing_comes_of_nothing() {
    let blend = Augmentation::Blend { keep: vec![1.0] };
    let augmenter = Augmenter::new(set(), Vec::new(), vec![blend], 100);
    assert_eq!(augmenter.count(), 0);
    assert!(balanced(&[], epoch(0)).is_empty());
}

/// A camera of 5 × 4 pixels with polarities; sample 0 has all pixels in step 10, sample 1 one pixel.
fn camera() -> Arc<BinnedSet> {
    let mut set = BinnedSet::new(40, STEPS, 3, Speakers::Unknown);
    set.push(&mut (0..40).map(|channel| (10, channel)).collect(), 0, None);
    set.push(&mut vec![(50, (2 * 5 + 1) * 2 + 1)], 1, None);
    Arc::new(set)
}

const GRID: Grid = Grid {
    width: 5,
    height: 4,
    copies: 2,
};

fn camera_sample(entry: &Augmentation, sample: usize, draw: u64) -> (u16, Events) {
    let augmenter = Augmenter::new(camera(), vec![0, 1], vec![entry.clone()], 0);
    let mut events = Events::new();
    augmenter.sample(sample, epoch(draw), &mut events);
    assert!(events.is_sorted());
    (augmenter.label(sample, epoch(draw)), events)
}

/// All 25 shifts of ±2 come up; pixels that stay are those of a rectangle that is smaller by the shift.
#[test]
fn pixels_are_shifted_in_both_directions_and_do_not_wrap() {
    let entry = Augmentation::ShiftXy {
        pixels: 3.0,
        grid: GRID,
    };
    let mut seen = std::collections::BTreeSet::new();
    for draw in 0..2000 {
        let (_, one) = camera_sample(&entry, 1, draw);
        if let [(50, channel)] = one[..] {
            assert_eq!(channel % 2, 1);
            let pixel = i64::from(channel / 2);
            seen.insert((pixel % 5 - 1, pixel / 5 - 2));
        }
        let (_, all) = camera_sample(&entry, 0, draw);
        let sizes = |full: usize| (0..3).map(move |shift| full - shift);
        assert!(
            sizes(5).any(|w| sizes(4).any(|h| all.len() == 2 * w * h)),
            "{}",
            all.len()
        );
    }
    // The pixel (1, 2) can go 1 to the left, 2 to the right, 2 up and 1 down.
    let expected = (-1..=2).flat_map(|x| (-2..=1).map(move |y| (x, y)));
    assert_eq!(seen, expected.collect());
}

/// Mirrored or not, each in about half of the epochs, and always with the class that belongs to it.
#[test]
fn a_flip_changes_place_and_class_together() {
    let entry = Augmentation::FlipX {
        probability: 0.5,
        grid: GRID,
        classes: vec![0, 2, 1],
    };
    let mut flipped = 0;
    for draw in 0..1000 {
        let (label, events) = camera_sample(&entry, 1, draw);
        let (x, expected) = if label == 2 { (3, 2) } else { (1, 1) };
        assert_eq!(
            (label, &events[..]),
            (expected, &[(50, (2 * 5 + x) * 2 + 1)][..])
        );
        flipped += usize::from(label == 2);
        assert_eq!(camera_sample(&entry, 0, draw).1.len(), 40);
    }
    // Five standard deviations of a binomial count.
    assert!(flipped.abs_diff(500) < 80, "{flipped}");
}

#[test]
#[should_panic(expected = "flip_x before blend")]
fn a_flip_before_a_blend_is_refused() {
    let flip = Augmentation::FlipX {
        probability: 0.5,
        grid: GRID,
        classes: vec![0, 2, 1],
    };
    let blend = Augmentation::Blend {
        keep: vec![0.5, 0.5],
    };
    Augmenter::new(camera(), vec![0, 1], vec![flip, blend], 0);
}

/// Standard deviation of the moved steps: σ² plus 1/12 for rounding; 5 sd of a variance of n draws.
#[test]
fn times_jitter_and_events_are_dropped() {
    let jitter = Augmentation::TimeJitter { steps: 3.0 };
    let steps: Vec<f64> = (0..4000)
        .map(|draw| f64::from(camera_sample(&jitter, 1, draw).1[0].0) - 50.0)
        .collect();
    let n = steps.len() as f64;
    let variance = steps.iter().map(|s| s * s).sum::<f64>() / n;
    let expected = 9.0 + 1.0 / 12.0;
    assert!(
        (variance - expected).abs() < 5.0 * expected * (2.0 / n).sqrt(),
        "{variance}"
    );
    let drop = Augmentation::EventDrop { most: 0.5 };
    let kept: usize = (0..1000)
        .map(|draw| camera_sample(&drop, 0, draw).1.len())
        .sum();
    // A quarter is dropped on average; a share U(0, 1/2) has sd 0.144, and 40 draws add 0.07.
    let share = kept as f64 / 40_000.0;
    assert!(
        (share - 0.75).abs() < 5.0 * 0.17 / 1000f64.sqrt(),
        "{share}"
    );
}
