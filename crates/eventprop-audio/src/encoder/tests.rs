use std::f64::consts::TAU;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::*;
use crate::preset::Preset;

/// The sound of the golden values G3: twenty harmonics of 120 Hz, 0.2 s at 48 kHz.
fn harmonics() -> Sound {
    let sample = |k: usize| {
        let terms = (1..=20)
            .map(|i| (TAU * 120.0 * f64::from(i) * k as f64 / 48_000.0).sin() / f64::from(i));
        terms.sum()
    };
    Sound::new((0..9600).map(sample).collect(), 48_000)
}

fn encoder(channels: usize, mode: Mode, seed: u64) -> Encoder {
    Encoder::new(Settings {
        channels,
        mode,
        seed,
        ..Preset::Shd.settings()
    })
    .unwrap()
}

fn encode(encoder: &Encoder, sound: &Sound, stream: u64) -> Encoding {
    encoder
        .encode(sound, stream, &mut Workspace::default())
        .unwrap()
}

/// SHA-256 of one line `index channel` per spike.
fn hash(encoding: &Encoding) -> String {
    let mut hasher = Sha256::new();
    for spike in &encoding.spikes {
        hasher.update(format!("{} {}\n", spike.index, spike.channel));
    }
    let mut hex = String::new();
    for byte in hasher.finalize() {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

fn tenths(encoding: &Encoding, channels: usize) -> Vec<usize> {
    let mut counts = vec![0; 10];
    for spike in &encoding.spikes {
        counts[usize::from(spike.channel) * 10 / channels] += 1;
    }
    counts
}

/// [E17] Golden values G3 of the published program (lauscher 1.0.1, seed 123), every spike.
#[test]
fn the_spikes_of_the_published_program() {
    let encoding = encode(&encoder(70, Mode::Exact, 123), &harmonics(), 0);
    assert_eq!((encoding.samples, encoding.rate_hz), (4801, 24_000));
    assert_eq!(tenths(&encoding, 70), [0, 2, 2, 1, 7, 32, 73, 94, 121, 159]);
    assert_eq!(
        encoding.spikes[0],
        Spike {
            index: 20,
            channel: 68
        }
    );
    let expected = "24495f3a7902e3de8284b2f7b5308f21dee3ddfcc0123f198d7f21819469a098";
    assert_eq!(hash(&encoding), expected);

    let encoding = encode(&encoder(700, Mode::Exact, 123), &harmonics(), 0);
    let counts = [12, 7, 9, 15, 89, 350, 686, 908, 1250, 1507];
    assert_eq!(tenths(&encoding, 700), counts);
    let expected = "9efc40895d41cb5dcc6787e497e2159d8d885728b22462400479fcbe0e3b1ea3";
    assert_eq!(hash(&encoding), expected);
}

/// The motion of every channel and what the hair cells make of it.
fn stages(encoder: &Encoder) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let (wave, rate, _) = encoder
        .prepare(&harmonics(), &mut Workspace::default())
        .unwrap();
    let grid = Grid::new(wave.len(), rate);
    let mut bank = encoder.filter_bank(&wave, grid);
    let mut motion = vec![[0.0; LANES]; grid.samples];
    let (mut velocities, mut probabilities) = (Vec::new(), Vec::new());
    let channels = encoder.settings.channels;
    for first in (0..channels).step_by(LANES) {
        bank.velocities(first, &mut motion);
        let lanes = 0..LANES.min(channels - first);
        let columns = |motion: &[[f64; LANES]], into: &mut Vec<Vec<f64>>| {
            into.extend(
                lanes
                    .clone()
                    .map(|lane| motion.iter().map(|row| row[lane]).collect()),
            );
        };
        columns(&motion, &mut velocities);
        encoder.settings.hair_cell.respond(&mut motion, grid.dt());
        columns(&motion, &mut probabilities);
    }
    (velocities, probabilities)
}

fn sums(channels: &[Vec<f64>]) -> Vec<f64> {
    let tenth = |some: &[Vec<f64>]| some.as_flattened_sum();
    channels.chunks(channels.len() / 10).map(tenth).collect()
}

trait FlattenedSum {
    fn as_flattened_sum(&self) -> f64;
}

impl FlattenedSum for [Vec<f64>] {
    fn as_flattened_sum(&self) -> f64 {
        self.iter().flatten().map(|x| x.abs()).sum()
    }
}

/// Golden values G3, stage by stage. The program's own rounding is some 1e-12 of 200 in the velocities and 2e-16
/// in p; the sums are given to ten digits.
#[test]
fn every_stage_is_that_of_the_published_program() {
    let sound = harmonics();
    let mean_square = sound.samples.iter().map(|x| x * x).sum::<f64>() / 9600.0;
    assert!((mean_square.sqrt() - 0.893_354_141_399_989).abs() < 1e-14);
    let encoder = encoder(70, Mode::Exact, 123);
    let (wave, ..) = encoder.prepare(&sound, &mut Workspace::default()).unwrap();
    assert!((wave[100] - 0.003_028_767_111_699_669).abs() < 1e-16);
    assert!((wave[1439] + 0.102_862_666_176_225_08).abs() < 1e-15);

    let (velocities, probabilities) = stages(&encoder);
    for (channel, sample, velocity, p) in [
        (
            0,
            100,
            0.000_454_952_673_227_757_3,
            0.002_698_509_124_920_384_8,
        ),
        (20, 2400, 4.033_961_473_023_814_5, 0.006_099_166_040_139_481),
        (
            40,
            2400,
            -2.100_485_281_011_336,
            0.001_410_111_104_176_393_1,
        ),
        (
            40,
            2401,
            -2.339_247_147_417_927,
            0.001_334_665_314_479_119_7,
        ),
        (55, 1000, 2.586_189_895_229_973, 0.003_468_810_977_543_765),
        (
            69,
            3000,
            -4.551_185_631_742_882,
            0.000_465_673_923_336_793_25,
        ),
    ] {
        let found = velocities[channel][sample];
        assert!(
            (found - velocity).abs() < 2e-10,
            "{channel} {sample}: {found}"
        );
        let found = probabilities[channel][sample];
        assert!((found - p).abs() < 1e-13, "{channel} {sample}: {found}");
    }
    let peak = |all: &[Vec<f64>]| all.iter().flatten().fold(0.0, |a: f64, b| a.max(b.abs()));
    assert!((peak(&velocities) - 73.356_854_296_088_68).abs() < 2e-10);
    assert!((peak(&probabilities) - 0.022_089_084_082_781_336).abs() < 1e-13);
    let expected = [
        3_232.146_831,
        7_421.437_435,
        17_237.523_601,
        42_798.836_316,
        95_878.795_638,
        177_823.013_581,
        302_672.127_371,
        460_330.078_010,
        620_186.210_906,
        914_409.079_570,
    ];
    for (found, expected) in sums(&velocities).iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-6 + 1e-9 * expected,
            "{found} {expected}"
        );
    }
    let expected = [
        90.692_166_09,
        90.685_599_32,
        90.673_648_54,
        91.351_470_96,
        94.682_466_79,
        98.777_070_62,
        105.953_576_13,
        115.401_831_50,
        122.145_051_03,
        129.112_049_18,
    ];
    for (found, expected) in sums(&probabilities).iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-8 + 1e-9 * expected,
            "{found} {expected}"
        );
    }
}

/// Mean and sd over 40 seeds of the published program, in all and per tenth of 700 channels; the mean of 20 streams
/// must lie within 4 sd/√20.
struct Accepted {
    means: [f64; 11],
    sds: [f64; 11],
}

impl Accepted {
    fn check(&self, sound: &Sound) {
        let encoder = encoder(700, Mode::Fast, 1);
        let mut sums = [0.0; 11];
        for stream in 0..20 {
            let encoding = encode(&encoder, sound, stream);
            sums[0] += encoding.spikes.len() as f64;
            for (sum, count) in sums[1..].iter_mut().zip(tenths(&encoding, 700)) {
                *sum += count as f64;
            }
        }
        for ((sum, mean), sd) in sums.iter().zip(self.means).zip(self.sds) {
            let found = sum / 20.0;
            let allowed = 4.0 * sd / 20_f64.sqrt();
            assert!(
                (found - mean).abs() < allowed,
                "{found} for {mean} ± {allowed}"
            );
        }
    }
}

#[test]
fn the_fast_mode_has_the_statistics_of_the_published_program() {
    let accepted = Accepted {
        means: [
            4874.3, 11.4, 12.2, 10.4, 17.2, 92.1, 329.5, 684.1, 945.9, 1249.0, 1522.4,
        ],
        sds: [33.6, 3.3, 3.2, 3.0, 4.0, 8.3, 12.1, 18.3, 16.8, 19.3, 14.6],
    };
    accepted.check(&harmonics());
}

#[test]
fn the_fast_mode_depends_on_seed_and_stream_and_not_on_what_was_before() {
    let one = encoder(20, Mode::Fast, 1);
    let sound = harmonics();
    let first = encode(&one, &sound, 7);
    let mut used = Workspace::default();
    one.encode(
        &Sound::new(sound.samples[..5000].to_vec(), 16_000),
        3,
        &mut used,
    )
    .unwrap();
    assert_eq!(one.encode(&sound, 7, &mut used).unwrap(), first);
    assert_ne!(encode(&one, &sound, 8).spikes, first.spikes);
    assert_ne!(
        encode(&encoder(20, Mode::Fast, 2), &sound, 7).spikes,
        first.spikes
    );
}

#[test]
fn spikes_are_sorted_and_inside_the_sound() {
    let encoding = encode(&encoder(33, Mode::Fast, 1), &harmonics(), 0);
    assert!(encoding.spikes.is_sorted());
    for spike in &encoding.spikes {
        assert!(spike.channel < 33 && (spike.index as usize) < encoding.samples);
        assert!(encoding.seconds(*spike) < 0.2001);
    }
    assert!(encoding.notes.is_empty());
}

#[test]
fn what_cannot_be_heard_is_refused() {
    let encoder = encoder(8, Mode::Fast, 1);
    let refused = |samples: Vec<f64>, rate_hz: u32| {
        let sound = Sound::new(samples, rate_hz);
        encoder
            .encode(&sound, 0, &mut Workspace::default())
            .unwrap_err()
            .to_string()
    };
    assert!(refused(vec![0.0; 10_000], 48_000).contains("silent"));
    assert!(refused(vec![], 48_000).contains("silent"));
    assert!(refused(vec![0.1; 2000], 48_000).contains("2000 samples"));
    assert!(refused(vec![0.1; 9000], 999).contains("999 Hz"));
    let mut broken = vec![0.1; 9000];
    broken[17] = f64::NAN;
    assert!(refused(broken, 48_000).contains("sample 17 is NaN"));
}

#[test]
fn a_low_rate_without_resampling_is_noted() {
    let settings = Settings {
        channels: 8,
        rate_hz: None,
        ..Preset::Shd.settings()
    };
    let tone = (0..4000).map(|k| (f64::from(k) * 0.3).sin()).collect();
    let encoding = encode(&Encoder::new(settings).unwrap(), &Sound::new(tone, 8000), 0);
    let slow = Note::Slow {
        rate_hz: 8000,
        lowest_hz: 18_160,
    };
    assert_eq!(encoding.notes, [slow]);
    assert!(slow.to_string().contains("18160"));
}

/// A sound filled to a duration has as many samples as one of that duration.
#[test]
fn the_duration_can_be_fixed() {
    let settings = Settings {
        channels: 8,
        duration_s: Some(0.5),
        ..Preset::Shd.settings()
    };
    let encoder = Encoder::new(settings).unwrap();
    for samples in [5000, 40_000] {
        let tone = (0..samples).map(|k| (f64::from(k) * 0.3).sin()).collect();
        let encoding = encode(&encoder, &Sound::new(tone, 48_000), 0);
        assert_eq!(encoding.samples, 12_001);
    }
}
