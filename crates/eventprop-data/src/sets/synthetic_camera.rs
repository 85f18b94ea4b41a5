//! Synthetic recordings of an event camera, for demonstrations where the real sets are missing: digits of
//! MNIST that move as in N-MNIST, and hands that move as in DVS128 Gesture. They are no part of those sets
//! and say nothing about them.
//!
//! A pixel sends an event when the brightness has changed by 48 of 255 grey levels since its last one.

use std::f32::consts::TAU;
use std::ops::Range;

use eventprop::rng::{Key, Purpose};
use rayon::prelude::*;

use crate::binned::{BinnedSet, Binning, Speakers};
use crate::encode::camera::CameraCode;
use crate::formats::events::Event;
use crate::sets::dvs_gesture::{self, CLASSES, Request};
use crate::sets::mnist::{self, MnistSet};
use crate::sets::nmnist;

/// Change of brightness, from 0 to 255, at which a pixel sends an event.
const CONTRAST: f32 = 48.0;
/// Length of a synthetic recording of a digit in ms: three movements of 100 ms.
const DIGIT_MS: u16 = 300;
/// Length of a synthetic gesture in ms.
const GESTURE_MS: u16 = 1200;
/// Time between two looks at a gesture in ms.
const GESTURE_LOOK_MS: u16 = 4;
/// Synthetic people, for training and for testing.
const PEOPLE: [u16; 2] = [8, 3];
/// Recordings of every gesture by everybody.
const REPEATS: u64 = 2;

/// A square sensor that remembers what it saw.
struct Sensor {
    side: u16,
    /// Brightness at the last event of every pixel.
    seen: Vec<f32>,
    events: Vec<Event>,
}

impl Sensor {
    /// A sensor that sees a first picture without sending anything.
    fn new(side: u16, first: impl Fn(f32, f32) -> f32) -> Self {
        let pixels = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
        let seen = pixels.map(|(x, y)| first(f32::from(x), f32::from(y)));
        Self {
            seen: seen.collect(),
            side,
            events: Vec::new(),
        }
    }

    /// Looks at a part of a picture, outside of which nothing changed.
    fn look(&mut self, time_ms: u16, part: [Range<u16>; 2], brightness: impl Fn(f32, f32) -> f32) {
        let [columns, rows] = part;
        for y in rows.start..rows.end.min(self.side) {
            for x in columns.start..columns.end.min(self.side) {
                let place = usize::from(y) * usize::from(self.side) + usize::from(x);
                let change = brightness(f32::from(x), f32::from(y)) - self.seen[place];
                if change.abs() < CONTRAST {
                    continue;
                }
                self.seen[place] += change;
                self.events.push(Event {
                    t_us: 1000 * i64::from(time_ms),
                    x,
                    y,
                    on: change > 0.0,
                });
            }
        }
    }
}

/// Digits before a camera of 34 × 34 pixels that moves along a triangle, one sample for every image.
///
/// # Panics
/// When `code` is made for another sensor, or `binning` for other inputs.
pub fn digits(images: &MnistSet, code: &CameraCode, binning: &Binning) -> BinnedSet {
    let samples = 0..images.len();
    let recorded: Vec<Vec<Event>> = samples
        .into_par_iter()
        .map(|n| digit(images.image(n)))
        .collect();
    let classes = nmnist::CLASSES;
    let mut set = BinnedSet::new(code.inputs(), binning.steps, classes, Speakers::Unknown)
        .with_repeats(binning.repeats);
    for (events, &label) in recorded.iter().zip(images.labels()) {
        set.push(
            &mut binned(events, 0, code, binning),
            u16::from(label),
            None,
        );
    }
    set.shrink();
    set
}

/// Gestures of people who are in no other part, each with a pace and a place of their own: 2 recordings
/// of each of the 11 gestures by 8 people for training, by 3 people for testing.
///
/// # Panics
/// As [`digits`], for a sensor of 128 × 128 pixels.
pub fn gestures(split: dvs_gesture::Split, seed: u64, request: &Request<'_>) -> BinnedSet {
    let [train, test] = PEOPLE;
    let people = match split {
        dvs_gesture::Split::Train => 1..=train,
        dvs_gesture::Split::Test => train + 1..=train + test,
    };
    let clips: Vec<Clip> = people
        .flat_map(|user| {
            let of_user = move |repeat| {
                (0..CLASSES as u16).map(move |class| Clip {
                    user,
                    repeat,
                    class,
                })
            };
            (0..REPEATS).flat_map(of_user)
        })
        .collect();
    let recorded: Vec<Vec<Event>> = clips.par_iter().map(|clip| gesture(clip, seed)).collect();
    let (code, binning) = (request.code, request.binning);
    let mut set = BinnedSet::new(code.inputs(), binning.steps, CLASSES, Speakers::Known)
        .with_repeats(binning.repeats);
    for (events, clip) in recorded.iter().zip(clips) {
        let (events, start_us) = dvs_gesture::within(events, 0, request.window);
        let mut spikes = binned(events, start_us, code, binning);
        set.push(&mut spikes, clip.class, Some(clip.user));
    }
    set.class_names = dvs_gesture::NAMES.map(str::to_owned).to_vec();
    set.shrink();
    set
}

fn binned(
    events: &[Event],
    start_us: i64,
    code: &CameraCode,
    binning: &Binning,
) -> Vec<(u32, u16)> {
    let mut spikes = Vec::with_capacity(events.len());
    code.bin(events, start_us, binning, &mut spikes)
        .expect("synthetic events are within the time and the sensor that are asked for");
    spikes
}

/// The events of an image that is seen from a moving camera.
fn digit(image: &[u8]) -> Vec<Event> {
    let side = nmnist::SIDE as u16;
    let at = |(right, down): (f32, f32)| {
        move |x: f32, y: f32| between_pixels(image, x - right, y - down)
    };
    let mut sensor = Sensor::new(side, at(corner(0.0)));
    for time_ms in 1..=DIGIT_MS {
        let share = f32::from(time_ms) / f32::from(DIGIT_MS);
        sensor.look(time_ms, [0..side, 0..side], at(corner(share)));
    }
    sensor.events
}

/// The upper left corner of the image after a share of the recording: along a triangle with the
/// corners (0, 0), (3, 6), (6, 0).
fn corner(share: f32) -> (f32, f32) {
    let corners = [(0.0, 0.0), (3.0, 6.0), (6.0, 0.0), (0.0, 0.0)];
    let side = (3.0 * share).min(2.999);
    let (from, along) = (side as usize, side.fract());
    let (a, b): ((f32, f32), (f32, f32)) = (corners[from], corners[from + 1]);
    (a.0 + (b.0 - a.0) * along, a.1 + (b.1 - a.1) * along)
}

/// The brightness at a place between pixels, from the four around it; 0 outside.
fn between_pixels(image: &[u8], x: f32, y: f32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let side = mnist::SIDE as i32;
    let pixel = |column: i32, row: i32| {
        let inside = (0..side).contains(&column) && (0..side).contains(&row);
        let place = (row * side + column) as usize;
        if inside { f32::from(image[place]) } else { 0.0 }
    };
    let (column, row) = (left as i32, top as i32);
    let (right, down) = (x - left, y - top);
    let upper = pixel(column, row) * (1.0 - right) + pixel(column + 1, row) * right;
    let lower = pixel(column, row + 1) * (1.0 - right) + pixel(column + 1, row + 1) * right;
    upper * (1.0 - down) + lower * down
}

/// A recording of a gesture.
struct Clip {
    user: u16,
    /// Number among the recordings of this gesture by this person, from 0.
    repeat: u64,
    class: u16,
}

/// The events of two hands.
fn gesture(clip: &Clip, seed: u64) -> Vec<Event> {
    let &Clip {
        user,
        repeat,
        class,
    } = clip;
    let of_user = Key::new(seed, Purpose::Data).with(u64::from(user));
    let of_clip = of_user.with(1 + repeat).with(u64::from(class));
    let vary = |key: Key, n: u64, most: f32| (2.0 * key.uniform(n) as f32 - 1.0) * most;
    let style = Style {
        turns_per_s: 2.0 + vary(of_user, 0, 0.4) + vary(of_clip, 0, 0.2),
        reach: 14.0 + vary(of_user, 1, 3.0) + vary(of_clip, 1, 1.5),
        place: (
            64.0 + vary(of_user, 2, 6.0) + vary(of_clip, 2, 3.0),
            64.0 + vary(of_user, 3, 6.0) + vary(of_clip, 3, 3.0),
        ),
        start: of_clip.uniform(4) as f32,
    };
    let at = |time_ms: u16| hands(class, &style, f32::from(time_ms) / 1000.0);
    let picture = |hands: [(f32, f32); 2]| {
        move |x: f32, y: f32| {
            let lit = hands.iter().map(|hand| {
                let (right, down) = (x - hand.0, y - hand.1);
                light((right * right + down * down).sqrt())
            });
            lit.fold(0.0, f32::max)
        }
    };
    let side = dvs_gesture::SIDE as u16;
    let mut before = at(0);
    let mut sensor = Sensor::new(side, picture(before));
    for time_ms in (GESTURE_LOOK_MS..GESTURE_MS).step_by(usize::from(GESTURE_LOOK_MS)) {
        let now = at(time_ms);
        // A pixel that is looked at twice has not changed the second time.
        for hand in before.iter().chain(&now) {
            let around = |x: f32| (x - HAND).max(0.0) as u16..(x + HAND).max(0.0) as u16 + 2;
            sensor.look(time_ms, [around(hand.0), around(hand.1)], picture(now));
        }
        before = now;
    }
    sensor.events
}

/// Style of a person's movement.
struct Style {
    turns_per_s: f32,
    /// In pixels.
    reach: f32,
    /// The middle of the body.
    place: (f32, f32),
    /// Phase of the turn at which the recording begins, from 0 to 1.
    start: f32,
}

/// The radius of a hand in pixels.
const HAND: f32 = 9.0;

/// Brightness at a distance from the middle of a hand: dark outside, bright from 2 pixels inside on.
fn light(distance: f32) -> f32 {
    255.0 * ((HAND - distance) / 2.0).clamp(0.0, 1.0)
}

/// The places of the left and the right hand. The camera looks at the person, so the person's right hand
/// is on the left of the picture.
fn hands(class: u16, style: &Style, time_s: f32) -> [(f32, f32); 2] {
    let phase = TAU * (style.turns_per_s * time_s + style.start);
    let (sin, cos) = (phase.sin() * style.reach, phase.cos() * style.reach);
    let (x, y) = style.place;
    let rest = 22.0;
    let (right, left) = (x - rest, x + rest);
    // Clockwise for whoever moves is counter-clockwise for the camera.
    match class {
        0 => [(left - sin.abs(), y), (right + sin.abs(), y)],
        1 => [(left, y + rest), (right + sin, y - rest)],
        2 => [(left + sin, y - rest), (right, y + rest)],
        3 => [(left, y + rest), (right + cos, y - sin)],
        4 => [(left, y + rest), (right + cos, y + sin)],
        5 => [(left + cos, y - sin), (right, y + rest)],
        6 => [(left + cos, y + sin), (right, y + rest)],
        7 => [(left + cos, y + sin), (right - cos, y + sin)],
        8 => [(left, y + sin), (right, y - sin)],
        9 => [(left, y), (right, y + sin)],
        _ => [
            (left + sin, y + cos),
            (right + (2.0 * phase).sin() * style.reach, y),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binned::Repeats;
    use crate::encode::camera::PolarityCode;
    use crate::formats::events::SensorSize;

    fn binning(code: &CameraCode, steps: u32) -> Binning {
        Binning {
            dt_ms: 1.0,
            steps,
            inputs: code.inputs(),
            rescale_t: 1.0,
            rescale_x: 1.0,
            repeats: Repeats::Merge,
        }
    }

    /// The image comes back to where it was, so every pixel was as often brightened as darkened, to within
    /// one event; and N-MNIST has some thousand events per recording.
    #[test]
    fn digits_move_and_return() {
        let images = MnistSet::sample_test();
        let side = nmnist::SIDE;
        let code = CameraCode::new(SensorSize::square(side), side, PolarityCode::Separate).unwrap();
        let set = digits(&images, &code, &binning(&code, 301));
        assert_eq!((set.len(), set.classes()), (200, 10));
        for sample in [0, 57, 199] {
            let mut balance = vec![0i32; (side * side) as usize];
            set.for_each_spike(sample, |_, channel| {
                balance[usize::from(channel) / 2] += 2 * i32::from(channel % 2) - 1;
            });
            let size = 255.0 / CONTRAST;
            assert!(
                balance.iter().all(|b| (b.abs() as f32) <= size),
                "{balance:?}"
            );
            assert!((500..8000).contains(&set.spikes_len(sample)));
        }
    }

    /// Mirrored, a gesture is that of the mirrored class: what [`dvs_gesture::MIRRORED`] says holds here,
    /// too.
    #[test]
    fn mirrored_gestures_are_those_of_the_mirrored_class() {
        let style = Style {
            turns_per_s: 2.0,
            reach: 14.0,
            place: (63.5, 64.0),
            start: 0.0,
        };
        // A quarter of a turn apart, because a circle that is mirrored begins on its other side.
        let trace = |class: u16, mirrored: bool| {
            let mut places: Vec<[i32; 4]> = (0..64)
                .map(|n| {
                    let [l, r] = hands(class, &style, n as f32 / 128.0);
                    let [l, r] = if mirrored {
                        [(127.0 - r.0, r.1), (127.0 - l.0, l.1)]
                    } else {
                        [l, r]
                    };
                    [l.0, l.1, r.0, r.1].map(|v| (8.0 * v).round() as i32)
                })
                .collect();
            places.sort_unstable();
            places
        };
        for class in [0, 1, 2, 3, 4, 5, 6, 7, 8] {
            let other = dvs_gesture::MIRRORED[usize::from(class)];
            assert_eq!(trace(class, true), trace(other, false), "class {class}");
        }
    }

    #[test]
    fn people_are_in_one_part_only_and_seeds_matter() {
        let code = CameraCode::new(SensorSize::square(128), 32, PolarityCode::Separate).unwrap();
        let binning = binning(&code, 1200);
        let request = Request {
            code: &code,
            binning: &binning,
            window: None,
        };
        let made = |split, seed| gestures(split, seed, &request);
        let train = made(dvs_gesture::Split::Train, 1);
        let test = made(dvs_gesture::Split::Test, 1);
        assert_eq!((train.len(), test.len()), (176, 66));
        assert_eq!(train.speaker_ids(), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(test.speaker_ids(), [9, 10, 11]);
        assert!(test.spikes_len(3) > 500, "{}", test.spikes_len(3));
        assert_ne!(made(dvs_gesture::Split::Test, 2), test);
    }
}
