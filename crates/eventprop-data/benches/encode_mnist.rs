//! Question: does encoding keep up with training at 100,000 samples/s?
//!
//! Command: `cargo bench -p eventprop-data`. It encodes the 300 training images in the crate again
//! and again on one thread.
//!
//! | commit | machine | what | ns an image |
//! |---|---|---|---|
//! | after cc0c135, 2026-11-24 | 2 cores of an AMD EPYC, shared and busy (load 8), better of 2 runs | order | 3850 |
//! | | | encode | 500 |
//! | | | encode with dropout, 4 words drawn at a time (one run) | 5020 |
//! | | | encode with dropout, 32 words drawn at a time | 1500 |
//!
//! Conclusion: yes, on one thread, also with dropout; ordering 60,000 images takes a quarter of a
//! second, once. The figures are upper bounds, as the machine was busy.
#![allow(clippy::print_stdout, reason = "a bench prints its answer")]

use std::hint::black_box;
use std::time::Instant;

use eventprop::rng::{Key, Purpose};
use eventprop::spikes::SpikeTrain;
use eventprop_data::augment::dropout::InputDropout;
use eventprop_data::encode::latency::LatencyCode;
use eventprop_data::encode::pixel_spikes::{PixelSpikes, PixelTimes};
use eventprop_data::sets::mnist::MnistSet;

const EPOCHS: u64 = 500;

fn main() {
    let digits = MnistSet::sample_train();
    let times = PixelTimes::new(&LatencyCode::new(20.0, 1.0).expect("20 ms hold the code"));
    let spikes = digits.spikes();
    let mut train = SpikeTrain::default();

    per_image("order spikes of a set", digits.len(), |_, _| {
        black_box(PixelSpikes::new(black_box(digits.image(0)), 784)).expect("one whole image");
    });
    per_image("encode", digits.len(), |_, image| {
        spikes.encode(image, &times, &mut train);
        black_box(&train);
    });
    let dropout = InputDropout::new(0.2).expect("a probability");
    let key = Key::new(1, Purpose::InputDropout);
    per_image("encode with input dropout", digits.len(), |epoch, image| {
        let draws = dropout.draws(key.with(epoch).with(image as u64));
        spikes.encode_dropping(image, &times, draws, &mut train);
        black_box(&train);
    });
}

fn per_image(what: &str, images: usize, mut work: impl FnMut(u64, usize)) {
    let start = Instant::now();
    for epoch in 0..EPOCHS {
        for image in 0..images {
            work(epoch, image);
        }
    }
    let seconds = start.elapsed().as_secs_f64() / (EPOCHS as f64 * images as f64);
    println!(
        "{what}: {:.0} ns an image, {:.0} images/s",
        seconds * 1e9,
        1.0 / seconds
    );
}
