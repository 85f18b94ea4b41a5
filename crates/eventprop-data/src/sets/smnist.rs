//! Sequential MNIST: the pixels of an image one after the other, row by row or in a permuted order.
//!
//! [`SequenceCode::Threshold`] is the code of Bellec, Salaj, Subramoney, Legenstein & Maass 2018 with 99
//! channels as tonic hands it out and the reference uses it: 49 thresholds θ_m = trunc(254 m / 48). When
//! the grey value rises from below θ_m to θ_m or above between the pixels i and i + 1, channel 99 − m spikes,
//! when it falls below θ_m, channel 50 − m; a pixel of 255 makes channel 0 spike. Each of these spikes
//! comes at 2 i and again at 2 i + 1 ms. θ_0 = 0 is never crossed, so that channel 50 stays silent, and
//! so does channel 1, for there is no θ_49.
//!
//! [`SequenceCode::Pixel`] shows the grey value itself: 16 channels, of which channel ⌊x/16⌋ spikes at 2 i
//! ms when pixel i has the grey value x above 1. Nothing is left to be told by change.

use eventprop::rng::{Key, Purpose};
use eventprop::time_noise::TimeNoise;
use rayon::prelude::*;

use crate::binned::{Binning, EventSet, Lost, Repeats};
use crate::sets::mnist::{self, MnistSet, PIXELS};

/// Time from one pixel to the next in ms.
pub const PIXEL_MS: u32 = 2;
/// Length of a sequence in ms.
pub const SEQUENCE_MS: u32 = PIXEL_MS * PIXELS as u32;
const THRESHOLDS: usize = 49;
const THRESHOLD_CHANNELS: u16 = 99;
const GREY_CHANNELS: u16 = 16;

/// Code of a sequence of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequenceCode {
    /// Thresholds crossed from one pixel to the next.
    Threshold,
    /// The grey value of every pixel.
    Pixel,
}

impl SequenceCode {
    /// Number of channels.
    pub fn channels(self) -> u16 {
        match self {
            Self::Threshold => THRESHOLD_CHANNELS,
            Self::Pixel => GREY_CHANNELS,
        }
    }

    /// Calls `each` with the spikes of an image, (ms, channel); `order` is the order of its pixels.
    ///
    /// # Panics
    /// When image or order have not 784 entries.
    pub fn for_each(self, image: &[u8], order: &[usize], mut each: impl FnMut(u32, u16)) {
        assert!(image.len() == PIXELS && order.len() == PIXELS);
        match self {
            Self::Threshold => {
                for i in 0..PIXELS {
                    let mut twice = |channel: u16| {
                        let time = PIXEL_MS * i as u32;
                        each(time, channel);
                        each(time + 1, channel);
                    };
                    let now = image[order[i]];
                    if now == 255 {
                        twice(0);
                    }
                    if let Some(&next) = order.get(i + 1) {
                        crossings(now, image[next], twice);
                    }
                }
            }
            Self::Pixel => {
                for (i, &place) in order.iter().enumerate() {
                    let grey = image[place];
                    if grey > 1 {
                        each(PIXEL_MS * i as u32, u16::from(grey / 16));
                    }
                }
            }
        }
    }
}

fn threshold(m: usize) -> u8 {
    (254 * m / (THRESHOLDS - 1)) as u8
}

/// The channels of the thresholds between two grey values.
fn crossings(now: u8, next: u8, mut each: impl FnMut(u16)) {
    // PERF: most neighbours on the paper are alike.
    if now == next {
        return;
    }
    for m in 1..THRESHOLDS {
        let theta = threshold(m);
        if now < theta && next >= theta {
            each(99 - m as u16);
        } else if now >= theta && next < theta {
            each(50 - m as u16);
        }
    }
}

/// The pixels row by row.
pub fn row_by_row() -> Vec<usize> {
    (0..PIXELS).collect()
}

/// The pixels in an order that is drawn under a seed, the same for all images.
pub fn permuted(seed: u64) -> Vec<usize> {
    Key::new(seed, Purpose::Data).with(1).permutation(PIXELS)
}

/// Images as sequences on a grid of steps. Spikes are made when a sample is asked for: those of all
/// images would fill a gigabyte, the images fill 47 MB.
#[derive(Debug)]
pub struct SequenceSet {
    images: MnistSet,
    labels: Vec<u16>,
    code: SequenceCode,
    /// The order of the pixels.
    order: Vec<usize>,
    binning: Binning,
    lost: Lost,
}

impl SequenceSet {
    /// The images, their pixels in `order`; `binning` for as many channels as `code` has.
    ///
    /// # Panics
    /// When `order` has not 784 entries, or `binning` another number of channels.
    pub fn new(images: MnistSet, code: SequenceCode, order: Vec<usize>, binning: Binning) -> Self {
        assert_eq!(order.len(), PIXELS);
        assert_eq!(binning.inputs, u32::from(code.channels()));
        let mut set = Self {
            labels: images.labels().iter().map(|&l| u16::from(l)).collect(),
            images,
            code,
            order,
            binning,
            lost: Lost::default(),
        };
        if !set.keeps_all() {
            set.lost = set.count_lost();
        }
        set
    }

    /// True if every moment of a sequence has a step of its own and every channel an input, so that nothing is lost.
    fn keeps_all(&self) -> bool {
        let bin = |ms: u32, channel: u32| {
            let spike = self.binning.bin(f64::from(ms), TimeNoise::F64, channel);
            spike.expect("a moment and a channel of the code")
        };
        let apart = |mut places: Vec<Option<u32>>| {
            let count = places.len();
            places.dedup();
            places.len() == count && places.last() != Some(&None)
        };
        let steps = (0..SEQUENCE_MS).map(|ms| bin(ms, 0).map(|spike| spike.0));
        let inputs = (0..self.binning.inputs).map(|channel| bin(0, channel));
        apart(steps.collect()) && apart(inputs.map(|spike| spike.map(|s| u32::from(s.1))).collect())
    }

    /// Spikes lost of all images.
    fn count_lost(&self) -> Lost {
        let count = |events: &mut Vec<(u32, u16)>, sample: usize| {
            events.clear();
            let mut late = 0;
            self.each(sample, |spike| match spike {
                Some(spike) => events.push(spike),
                None => late += 1,
            });
            let all = events.len() as u64 + late;
            [all, late, self.binning.repeats.settle(events) as u64]
        };
        let samples = (0..self.labels.len()).into_par_iter();
        let counts = samples.map_init(Vec::new, count);
        let sum = |x: [u64; 3], y: [u64; 3]| std::array::from_fn(|n| x[n] + y[n]);
        let [of, cut_off, merged] = counts.reduce(|| [0; 3], sum);
        Lost {
            of,
            cut_off,
            merged,
        }
    }

    fn each(&self, sample: usize, mut each: impl FnMut(Option<(u32, u16)>)) {
        let image = self.images.image(sample);
        self.code.for_each(image, &self.order, |time_ms, channel| {
            let (time_ms, channel) = (f64::from(time_ms), u32::from(channel));
            let spike = self.binning.bin(time_ms, TimeNoise::F64, channel);
            each(spike.expect("the code has finite times and its own channels"));
        });
    }
}

impl EventSet for SequenceSet {
    /// Up to the input of the last channel: with a small `rescale_x` channels share inputs, and the others would only
    /// cost time.
    fn inputs(&self) -> u32 {
        let last = self.binning.inputs - 1;
        let last = self.binning.bin(0.0, TimeNoise::F64, last);
        match last.expect("a channel of the code at a finite time") {
            Some((_, input)) => u32::from(input) + 1,
            None => self.binning.inputs,
        }
    }

    fn steps(&self) -> u32 {
        self.binning.steps
    }

    fn classes(&self) -> u32 {
        mnist::CLASSES as u32
    }

    fn labels(&self) -> &[u16] {
        &self.labels
    }

    fn speakers(&self) -> Option<&[u16]> {
        None
    }

    fn lost(&self) -> Lost {
        self.lost
    }

    fn repeats(&self) -> Repeats {
        self.binning.repeats
    }

    fn spikes_len(&self, sample: usize) -> usize {
        let mut events = Vec::new();
        self.events(sample, &mut events);
        events.len()
    }

    fn events(&self, sample: usize, out: &mut Vec<(u32, u16)>) {
        out.clear();
        self.each(sample, |spike| out.extend(spike));
        self.binning.repeats.settle(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spikes(code: SequenceCode, pixels: &[(usize, u8)]) -> Vec<(u32, u16)> {
        let mut image = vec![0; PIXELS];
        for &(place, grey) in pixels {
            image[place] = grey;
        }
        let mut spikes = Vec::new();
        code.for_each(&image, &row_by_row(), |time, channel| {
            spikes.push((time, channel));
        });
        spikes
    }

    /// θ = 0, 5, 10, 15, 21, … (trunc of 5.29 m), 254. Pixel 3 has 11: up through 5 and 10 between pixels 2
    /// and 3 (channels 98, 97 at 4 and 5 ms), down between 3 and 4 (channels 49, 48 at 6 and 7 ms).
    #[test]
    fn thresholds_by_hand() {
        assert_eq!([1, 2, 3, 4, 48].map(threshold), [5, 10, 15, 21, 254]);
        let found = spikes(SequenceCode::Threshold, &[(3, 11)]);
        let expected = [
            (4, 98),
            (5, 98),
            (4, 97),
            (5, 97),
            (6, 49),
            (7, 49),
            (6, 48),
            (7, 48),
        ];
        assert_eq!(found, expected);
    }

    /// From 0 to 255 and back: 48 thresholds up, channel 0, 48 down; channels 1, 50 and 99 never.
    #[test]
    fn a_white_pixel_uses_every_channel_that_there_is() {
        let found = spikes(SequenceCode::Threshold, &[(783, 255), (100, 255)]);
        assert_eq!(found.len(), 2 * (48 + 1 + 48 + 48 + 1));
        let mut used: Vec<u16> = found.iter().map(|spike| spike.1).collect();
        used.sort_unstable();
        used.dedup();
        let expected: Vec<u16> = (0..99).filter(|c| ![1, 50].contains(c)).collect();
        assert_eq!(used, expected);
        assert!(found.iter().all(|spike| spike.0 < SEQUENCE_MS));
        assert_eq!(found.last(), Some(&(1567, 0)));
    }

    #[test]
    fn grey_values_pixel_by_pixel() {
        let found = spikes(SequenceCode::Pixel, &[(0, 1), (1, 2), (5, 16), (783, 255)]);
        assert_eq!(found, [(2, 0), (10, 1), (1566, 15)]);
        assert_eq!(SequenceCode::Pixel.channels(), 16);
        assert_eq!(SequenceCode::Threshold.channels(), 99);
    }

    fn set(code: SequenceCode, dt_ms: f64, steps: u32) -> SequenceSet {
        let mut pixels = vec![0; 2 * PIXELS];
        pixels[3] = 11;
        pixels[PIXELS + 783] = 255;
        let images = MnistSet::new(pixels, vec![4, 7]).unwrap();
        SequenceSet::new(images, code, row_by_row(), binning(code, dt_ms, steps))
    }

    fn binning(code: SequenceCode, dt_ms: f64, steps: u32) -> Binning {
        Binning {
            dt_ms,
            steps,
            inputs: u32::from(code.channels()),
            rescale_t: 1.0,
            rescale_x: 1.0,
            repeats: Repeats::Merge,
        }
    }

    /// A white pixel uses the highest channel (98 by a rise, 15 by its grey value) and with it the last input.
    #[test]
    fn channels_that_share_inputs_leave_fewer() {
        let mut pixels = vec![0; PIXELS];
        pixels[3] = 255;
        let images = MnistSet::new(pixels, vec![4]).unwrap();
        let codes = [SequenceCode::Threshold, SequenceCode::Pixel];
        for (code, rescale_x, inputs) in [
            (codes[0], 1.0, 99),
            (codes[0], 0.0625, 7),
            (codes[0], 0.04, 4),
            (codes[1], 0.25, 4),
        ] {
            let binning = Binning {
                rescale_x,
                ..binning(code, 2.0, 784)
            };
            let set = SequenceSet::new(images.clone(), code, row_by_row(), binning);
            let mut events = Vec::new();
            set.events(0, &mut events);
            let highest = events.iter().map(|event| event.1).max();
            assert_eq!((set.inputs(), highest), (inputs, Some(inputs as u16 - 1)));
        }
        // Channels that are moved beyond the last input are lost, and the number of inputs stays.
        let binning = Binning {
            rescale_x: 2.0,
            ..binning(codes[1], 2.0, 784)
        };
        let set = SequenceSet::new(images, codes[1], row_by_row(), binning);
        assert_eq!(set.inputs(), 16);
    }

    /// Both spikes of a crossing fall into one step of 2 ms and are one there.
    #[test]
    fn a_set_is_sorted_and_has_one_spike_per_step_and_channel() {
        let mut events = vec![(9, 9)];
        set(SequenceCode::Threshold, 1.0, 1568).events(0, &mut events);
        let fine = [
            (4, 97),
            (4, 98),
            (5, 97),
            (5, 98),
            (6, 48),
            (6, 49),
            (7, 48),
            (7, 49),
        ];
        assert_eq!(events, fine);
        let coarse = set(SequenceCode::Threshold, 2.0, 784);
        coarse.events(0, &mut events);
        assert_eq!(events, [(2, 97), (2, 98), (3, 48), (3, 49)]);
        assert_eq!(coarse.spikes_len(0), 4);
        assert_eq!(coarse.labels(), [4, 7]);
    }

    /// In steps of 2 ms each of the 106 spikes falls on its twin; where each counts, nothing is merged.
    #[test]
    fn what_falls_into_one_step_is_counted() {
        let code = SequenceCode::Threshold;
        let coarse = set(code, 2.0, 784).lost();
        assert_eq!((coarse.of, coarse.cut_off, coarse.merged), (106, 0, 53));
        assert_eq!(set(code, 1.0, 1568).lost(), Lost::default());
        let images = MnistSet::new(vec![0; PIXELS], vec![4]).unwrap();
        let binning = Binning {
            repeats: Repeats::Count,
            ..binning(code, 2.0, 784)
        };
        let counted = SequenceSet::new(images, code, row_by_row(), binning);
        assert_eq!(counted.lost().merged, 0);
    }

    /// The last pixel of the second image is at 1566 ms; its rise from the pixel before at 1564 ms.
    #[test]
    fn what_comes_after_the_trial_is_counted() {
        let lost = |code, dt_ms, steps| {
            let set = set(code, dt_ms, steps);
            let Lost { of, cut_off, .. } = set.count_lost();
            assert_eq!(set.lost().cut_off, cut_off);
            (of, cut_off)
        };
        assert_eq!(lost(SequenceCode::Threshold, 1.0, 1568), (106, 0));
        assert_eq!(lost(SequenceCode::Threshold, 1.0, 1566), (106, 2));
        assert_eq!(lost(SequenceCode::Threshold, 1.0, 1500), (106, 98));
        assert_eq!(lost(SequenceCode::Pixel, 1.0, 1500), (2, 1));
    }

    #[test]
    fn an_order_is_a_permutation_that_belongs_to_its_seed() {
        let mut order = permuted(3);
        assert_eq!(order, permuted(3));
        assert_ne!(order, permuted(4));
        let image: Vec<u8> = (0..PIXELS).map(|n| (n % 256) as u8).collect();
        let mut count = 0;
        SequenceCode::Pixel.for_each(&image, &order, |_, _| count += 1);
        assert_eq!(count, image.iter().filter(|grey| **grey > 1).count());
        order.sort_unstable();
        assert_eq!(order, row_by_row());
    }
}
