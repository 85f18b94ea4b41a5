//! Question: how long does a second of sound take on one core, and where does the time go?
//!
//! Command: `cargo bench -p eventprop-audio --bench encode_audio`. A synthetic vowel of one second, 16 kHz, goes through
//! the preset `shd` with 700 channels again and again on one thread; the least time of five is given.
//!
//! The published program needs 242 s for 0.30 s of sound on two cores.
#![allow(clippy::print_stdout, reason = "a bench prints its answer")]

use std::f64::consts::TAU;
use std::hint::black_box;
use std::time::Instant;

use eventprop::rng::{Key, Purpose};
use eventprop_audio::LANES;
use eventprop_audio::encoder::{Encoder, Workspace};
use eventprop_audio::fibre::HazardSampler;
use eventprop_audio::filter_bank::Grid;
use eventprop_audio::preset::Preset;
use eventprop_audio::sound::Sound;

const REPEATS: usize = 5;

fn main() {
    let settings = Preset::Shd.settings();
    let encoder = Encoder::new(settings).expect("published settings are valid");
    least("table of the membrane, once", || {
        black_box(Encoder::new(settings)).expect("published settings are valid");
    });

    let sound = vowel();
    let mut workspace = Workspace::default();
    let mut spikes = 0;
    least("a second of sound, all stages", || {
        let encoding = encoder.encode(&sound, 1, &mut workspace).expect("a vowel");
        spikes = encoding.spikes.len();
    });
    println!("  {spikes} spikes");

    let prepared = encoder.prepare(&sound, &mut workspace).expect("a vowel");
    let (wave, rate, _) = prepared;
    let grid = Grid::new(wave.len(), rate);
    let mut bank = encoder.filter_bank(&wave, grid);
    let mut motion = vec![[0.0; LANES]; grid.samples];
    least("of it the membrane", || {
        for first in (0..settings.channels).step_by(LANES) {
            bank.velocities(first, &mut motion);
        }
    });
    least("of it the hair cells", || {
        for _ in (0..settings.channels).step_by(LANES) {
            settings.hair_cell.respond(&mut motion, grid.dt());
        }
    });
    bank.velocities(400, &mut motion);
    settings.hair_cell.respond(&mut motion, grid.dt());
    let mut sampler = HazardSampler::default();
    let mut events = vec![[0; LANES]; grid.samples];
    let key = Key::new(1, Purpose::Fibres);
    least("of it the fibres", || {
        for channel in 0..settings.channels {
            if channel % LANES == 0 {
                sampler.hear(&motion);
                events.fill([0; LANES]);
            }
            let key = key.with(channel as u64);
            sampler.draw(&settings.fibres, key, channel % LANES, 24.0, &mut events);
        }
    });
}

/// Ten harmonics of a pitch that falls from 140 to 110 Hz.
fn vowel() -> Sound {
    let samples = (0..16_000).map(|k| {
        let t = f64::from(k) / 16_000.0;
        let phase = TAU * (140.0 - 15.0 * t) * t;
        (1..=10)
            .map(|i| (f64::from(i) * phase).sin() / f64::from(i))
            .sum::<f64>()
            * 0.2
    });
    Sound::new(samples.collect(), 16_000)
}

fn least(what: &str, mut work: impl FnMut()) {
    let times = (0..REPEATS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    let seconds = times.fold(f64::INFINITY, f64::min);
    println!("{what}: {seconds:.3} s");
}
