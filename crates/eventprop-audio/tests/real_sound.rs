//! The audio encoder on real recordings, against the published program's spikes. `EVENTPROP_TEST_DATA` names a folder
//! that holds `lauscher_reference/` and `fsdd/`, the latter unpacked or not; without it these tests say so and pass.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::PathBuf;
use std::process::Command;

use eventprop_audio::LANES;
use eventprop_audio::encoder::{Encoder, Encoding, Workspace};
use eventprop_audio::filter_bank::Grid;
use eventprop_audio::preset::Preset;
use eventprop_audio::settings::{Mode, Settings};
use eventprop_audio::sound::Sound;
use sha2::{Digest, Sha256};

fn data() -> Option<PathBuf> {
    let dir = std::env::var_os("EVENTPROP_TEST_DATA").map(PathBuf::from);
    if dir.is_none() {
        eprintln!("skipped: EVENTPROP_TEST_DATA is not set");
    }
    dir
}

const AUTHORS: &str = "lauscher_reference/spoken_digit.flac";
const GEORGE: &str = "recordings/0_george_0.wav";
const THEO: &str = "recordings/6_theo_5.wav";

/// A recording, if it is to be had.
fn recording(name: &str) -> Option<Sound> {
    let dir = data()?;
    if name == AUTHORS {
        return Some(Sound::read(&dir.join(name), 10.0).unwrap());
    }
    let unpacked = dir.join("fsdd").join(name);
    if unpacked.is_file() {
        return Some(Sound::read(&unpacked, 10.0).unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let archive = dir.join("fsdd/fsdd_3000_wav.tar.xz");
    let mut tar = Command::new("tar");
    tar.arg("-xf")
        .arg(&archive)
        .arg(name)
        .current_dir(folder.path());
    if !tar.status().is_ok_and(|status| status.success()) {
        eprintln!(
            "skipped: {} cannot be unpacked (is there xz?)",
            archive.display()
        );
        return None;
    }
    Some(Sound::read(&folder.path().join(name), 10.0).unwrap())
}

fn exact(preset: Preset) -> Settings {
    Settings {
        mode: Mode::Exact,
        seed: 123,
        ..preset.settings()
    }
}

fn encode(settings: Settings, sound: &Sound, stream: u64) -> Encoding {
    let encoder = Encoder::new(settings).unwrap();
    encoder
        .encode(sound, stream, &mut Workspace::default())
        .unwrap()
}

fn tenths(encoding: &Encoding, channels: usize) -> [f64; 10] {
    let mut counts = [0.0; 10];
    for spike in &encoding.spikes {
        counts[usize::from(spike.channel) * 10 / channels] += 1.0;
    }
    counts
}

/// Spikes, first spike, and SHA-256 of one line `index channel` per spike.
fn assert_spikes(
    settings: Settings,
    sound: &str,
    first: (u32, u16),
    counts: [u32; 10],
    hash: &str,
) {
    let Some(sound) = recording(sound) else {
        return;
    };
    let encoding = encode(settings, &sound, 0);
    assert_eq!(tenths(&encoding, settings.channels), counts.map(f64::from));
    let start = encoding.spikes[0];
    assert_eq!((start.index, start.channel), first);
    let mut hasher = Sha256::new();
    for spike in &encoding.spikes {
        hasher.update(format!("{} {}\n", spike.index, spike.channel));
    }
    let digest = hasher.finalize();
    let expected = hash.as_bytes().as_chunks::<2>().0.iter();
    let expected = expected.map(|two| {
        std::str::from_utf8(two)
            .ok()
            .and_then(|two| u8::from_str_radix(two, 16).ok())
    });
    assert!(
        expected.eq(digest.iter().map(|byte| Some(*byte))),
        "other spikes than published"
    );
}

/// The file that the authors of the program made themselves (F. Zenke, 2021), with the softer base of that time.
#[test]
fn the_authors_own_spikes() {
    let settings = Settings {
        channels: 70,
        ..exact(Preset::Lauscher2020)
    };
    assert_spikes(
        settings,
        AUTHORS,
        (209, 67),
        [5, 7, 16, 54, 140, 180, 165, 41, 6, 4],
        "e1f5ecdade81efa21fc4bab3c99177a85b56f7a3968f0d3993c30b5c0b35a8e4",
    );
}

#[test]
fn a_recording_at_48_khz() {
    assert_spikes(
        exact(Preset::Lauscher101),
        AUTHORS,
        (118, 534),
        [44, 42, 48, 89, 260, 614, 1393, 1935, 1933, 699],
        "0f8459fffdf47ae7b6ca36d2a5e21d284a1162b0af42ec5800e2e5844d27c90c",
    );
}

#[test]
fn a_recording_at_8_khz_that_is_resampled() {
    assert_spikes(
        exact(Preset::Shd),
        GEORGE,
        (24, 563),
        [13, 18, 30, 104, 130, 288, 923, 1437, 700, 340],
        "6c9816815f536868a80424337229952fcf7c8fa64257b9052440807b838a6935",
    );
}

/// Without resampling the steps are too long for the hair cell, and its clamps act.
#[test]
fn a_recording_at_8_khz_as_it_is() {
    let settings = Settings {
        rate_hz: None,
        ..exact(Preset::Lauscher101)
    };
    assert_spikes(
        settings,
        THEO,
        (6, 299),
        [3988, 4132, 5242, 8388, 9658, 4769, 5083, 4882, 4342, 4358],
        "b1b51df61d563ade5d60c11c46e56ac8675b24d53277baf9d26ccf46ee2cf07b",
    );
}

/// The stages without random numbers at 700 channels: sums over tenths of the channels, to a part in 10⁹ (they have
/// twelve and ten digits, and the program's rounding is smaller).
#[test]
fn the_stages_before_the_fibres() {
    let Some(sound) = recording(GEORGE) else {
        return;
    };
    let settings = exact(Preset::Shd);
    let encoder = Encoder::new(settings).unwrap();
    let (wave, rate, _) = encoder.prepare(&sound, &mut Workspace::default()).unwrap();
    let grid = Grid::new(wave.len(), rate);
    let mut bank = encoder.filter_bank(&wave, grid);
    let mut motion = vec![[0.0; LANES]; grid.samples];
    let (mut velocity, mut probability) = ([0.0; 10], [0.0; 10]);
    for first in (0..700).step_by(LANES) {
        let add = |motion: &[[f64; LANES]], sums: &mut [f64; 10]| {
            for lane in 0..LANES.min(700 - first) {
                sums[(first + lane) / 70] += motion.iter().map(|row| row[lane].abs()).sum::<f64>();
            }
        };
        bank.velocities(first, &mut motion);
        add(&motion, &mut velocity);
        settings.hair_cell.respond(&mut motion, grid.dt());
        add(&motion, &mut probability);
    }
    let expected = [
        [
            224_525.989_535,
            512_555.449_609,
            1_211_312.793_173,
            2_591_107.253_149,
            3_035_435.595_320,
            3_418_960.550_732,
            8_103_939.982_427,
            13_993_910.048_701,
            3_673_887.636_549,
            1_532_088.710_859,
        ],
        [
            1_351.043_431,
            1_354.507_887,
            1_381.570_655,
            1_444.113_167,
            1_455.180_021,
            1_495.059_583,
            1_731.871_966,
            1_839.386_540,
            1_476.790_245,
            1_400.559_949,
        ],
    ];
    for (found, expected) in [velocity, probability].iter().zip(expected) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
        }
    }
}

/// Mean and sd over 40 seeds of the published program, in all and per tenth of the channels; the mean of 20 streams
/// must lie within 4 sd/√20.
#[test]
fn the_fast_mode_has_the_statistics_of_the_published_program() {
    let Some(sound) = recording(GEORGE) else {
        return;
    };
    let encoder = Encoder::new(Preset::Shd.settings()).unwrap();
    let mut workspace = Workspace::default();
    let mut sums = [0.0; 11];
    for stream in 0..20 {
        let encoding = encoder.encode(&sound, stream, &mut workspace).unwrap();
        sums[0] += encoding.spikes.len() as f64;
        let counts = tenths(&encoding, 700);
        sums[1..]
            .iter_mut()
            .zip(counts)
            .for_each(|(sum, count)| *sum += count);
    }
    let means = [
        4009.9, 16.8, 16.3, 33.3, 113.6, 145.1, 295.8, 943.6, 1404.1, 692.1, 349.3,
    ];
    let sds = [39.8, 3.4, 3.9, 5.3, 9.2, 12.2, 14.6, 23.1, 34.5, 15.6, 11.5];
    for ((sum, mean), sd) in sums.iter().zip(means).zip(sds) {
        let found = sum / 20.0;
        let allowed = 4.0 * sd / 20_f64.sqrt();
        assert!(
            (found - mean).abs() < allowed,
            "{found} for {mean} ± {allowed}"
        );
    }
}
