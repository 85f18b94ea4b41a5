//! The membrane applied to a whole sound: one transform there, one back for every two channels.
//!
//! The half spectrum is transformed back at half the sample rate, as the published program does it; the imaginary
//! part is dropped. So two real channels share one complex transform, and four of those go side by side.

use std::f64::consts::TAU;

use num_complex::{Complex, Complex32, Complex64};
use num_traits::Float;

use super::LANES;
use super::fft::{Direction, Pack, Plan, smooth_from};
use super::membrane::{AtFrequency, Membrane};
use super::response_table::ResponseTable;

/// Complex transforms side by side: two channels each.
const PAIRS: usize = LANES / 2;

/// Number and rate of a sound's samples behind the membrane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Samples: n = ⌊N/2⌋ + 1.
    pub samples: usize,
    /// Samples per second: ⌊fs/2⌋.
    pub rate_hz: u32,
}

impl Grid {
    /// The grid of a sound of `samples` samples at `rate_hz`.
    pub fn new(samples: usize, rate_hz: u32) -> Self {
        Self {
            samples: samples / 2 + 1,
            rate_hz: rate_hz / 2,
        }
    }

    /// Time between two samples in s.
    pub fn dt(&self) -> f64 {
        1.0 / f64::from(self.rate_hz)
    }

    /// `[E4]` f_k = 1 + k (f_i − 1)/(n − 1) in Hz
    fn frequency_hz(&self, bin: usize) -> f64 {
        1.0 + bin as f64 * (f64::from(self.rate_hz) - 1.0) / (self.samples - 1) as f64
    }
}

/// The membrane at all places, for one sound.
pub struct FilterBank<'a>(Way<'a>);

enum Way<'a> {
    Exact(Exact<'a>),
    Fast(Fast<'a>),
}

impl<'a> FilterBank<'a> {
    /// The closed form at every frequency, in f64 and for the very length of the sound, which has at least two
    /// samples.
    pub fn exact(membrane: &'a Membrane, channels: usize, sound: &[f64], grid: Grid) -> Self {
        Self(Way::Exact(Exact::new(membrane, channels, sound, grid)))
    }

    /// The tabulated response, in f32, with up to a few percent of silence added behind the sound so that the
    /// length has small factors.
    pub(crate) fn fast(table: &'a ResponseTable, sound: &[f64], grid: Grid) -> Self {
        Self(Way::Fast(Fast::new(table, sound, grid)))
    }

    /// `[E11]` The velocities of [`LANES`] channels from `first` on: `motion[t][lane]`, for as many samples as
    /// `motion` has. Lanes beyond the last channel hold nothing but rounding.
    pub fn velocities(&mut self, first: usize, motion: &mut [[f64; LANES]]) {
        match &mut self.0 {
            Way::Exact(exact) => exact.velocities(first, motion),
            Way::Fast(fast) => fast.velocities(first, motion),
        }
    }
}

/// The transform back to time.
struct Inverse<T> {
    plan: Plan<T>,
    data: Vec<Pack<T, PAIRS>>,
    spare: Vec<Pack<T, PAIRS>>,
}

impl<T: Float + Into<f64>> Inverse<T> {
    fn new(samples: usize) -> Self {
        Self {
            plan: Plan::new(samples, Direction::Inverse),
            data: vec![Pack::zero(); samples],
            spare: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.data.fill(Pack::zero());
    }

    /// Adds bin k of two channels, `a` and `b`, which were halved: their real parts in time are the transforms of
    /// (Y_k + Y*_{n−k})/2, and a + jb carries both.
    #[inline(always)]
    fn add(&mut self, bin: usize, pair: usize, a: Complex<T>, b: Complex<T>) {
        let mirrored = if bin == 0 { 0 } else { self.data.len() - bin };
        let here = &mut self.data[bin];
        here.re[pair] = here.re[pair] + (a.re - b.im);
        here.im[pair] = here.im[pair] + (a.im + b.re);
        let there = &mut self.data[mirrored];
        there.re[pair] = there.re[pair] + (a.re + b.im);
        there.im[pair] = there.im[pair] + (b.re - a.im);
    }

    fn run(&mut self, motion: &mut [[f64; LANES]]) {
        self.plan.run(&mut self.data, &mut self.spare);
        for (row, z) in motion.iter_mut().zip(&self.data) {
            for pair in 0..PAIRS {
                row[2 * pair] = z.re[pair].into();
                row[2 * pair + 1] = z.im[pair].into();
            }
        }
    }
}

/// The first bins of the transform of a sound that is filled with silence to `samples`, multiplied by `scale`.
fn spectrum(sound: &[f64], samples: usize, bins: usize, scale: f64) -> Vec<Complex64> {
    let pack = |x: &f64| Pack {
        re: [*x],
        im: [0.0],
    };
    let mut data: Vec<Pack<f64, 1>> = sound.iter().map(pack).collect();
    data.resize(samples, Pack::zero());
    Plan::new(samples, Direction::Forward).run(&mut data, &mut Vec::new());
    let bins = data[..bins].iter();
    bins.map(|bin| Complex64::new(bin.re[0] * scale, bin.im[0] * scale))
        .collect()
}

struct Exact<'a> {
    membrane: &'a Membrane,
    channels: usize,
    spectrum: Vec<Complex64>,
    at: Vec<AtFrequency>,
    inverse: Inverse<f64>,
}

impl<'a> Exact<'a> {
    fn new(membrane: &'a Membrane, channels: usize, sound: &[f64], grid: Grid) -> Self {
        let at = |bin| membrane.at(TAU * grid.frequency_hz(bin));
        Self {
            membrane,
            channels,
            // Halved for `Inverse::add`; 1/n belongs to the transform back.
            spectrum: spectrum(sound, sound.len(), grid.samples, 0.5 / grid.samples as f64),
            at: (0..grid.samples).map(at).collect(),
            inverse: Inverse::new(grid.samples),
        }
    }

    /// `[E11]` velocity = Re IFFT_n(v(c) X)
    fn velocities(&mut self, first: usize, motion: &mut [[f64; LANES]]) {
        self.inverse.clear();
        for pair in 0..PAIRS {
            let channels = [first + 2 * pair, first + 2 * pair + 1];
            let decay = channels.map(|channel| {
                let exists = channel < self.channels;
                exists.then(|| {
                    self.membrane
                        .decay(self.membrane.place(channel, self.channels))
                })
            });
            for (bin, (x, at)) in self.spectrum.iter().zip(&self.at).enumerate() {
                let [a, b] = decay.map(|decay| {
                    decay.map_or(Complex64::ZERO, |s| x * self.membrane.velocity_at(at, s))
                });
                self.inverse.add(bin, pair, a, b);
            }
        }
        self.inverse.run(motion);
    }
}

struct Fast<'a> {
    table: &'a ResponseTable,
    spectrum: Vec<Complex32>,
    hz_per_bin: f64,
    inverse: Inverse<f32>,
}

impl<'a> Fast<'a> {
    fn new(table: &'a ResponseTable, sound: &[f64], grid: Grid) -> Self {
        let samples = smooth_from(grid.samples);
        let padded = Grid { samples, ..grid };
        // Of a length that is smooth already, odd or even, nothing is changed.
        let length = if samples == grid.samples {
            sound.len()
        } else {
            2 * (samples - 1)
        };
        let bins = spectrum(sound, length, samples, 0.5 / samples as f64);
        let narrow = |bin: &Complex64| Complex32::new(bin.re as f32, bin.im as f32);
        Self {
            table,
            spectrum: bins.iter().map(narrow).collect(),
            hz_per_bin: padded.frequency_hz(1) - 1.0,
            inverse: Inverse::new(samples),
        }
    }

    /// `[E11]` with the tabulated response, as far as it reaches
    fn velocities(&mut self, first: usize, motion: &mut [[f64; LANES]]) {
        self.inverse.clear();
        for pair in 0..PAIRS {
            let channels = [first + 2 * pair, first + 2 * pair + 1];
            let [Some(a), b] = channels.map(|channel| self.table.channel(channel)) else {
                continue;
            };
            let exists = if b.is_some() { 1.0 } else { 0.0 };
            let b = b.unwrap_or(a);
            let end_hz = a.end_hz().min(b.end_hz());
            let bins = (((end_hz - 1.0) / self.hz_per_bin) as usize).min(self.spectrum.len());
            for (bin, x) in self.spectrum[..bins].iter().enumerate() {
                let frequency = 1.0 + bin as f64 * self.hz_per_bin;
                let first = x * a.at(frequency * a.per_hz());
                let second = x * b.at(frequency * b.per_hz()) * exists;
                self.inverse.add(bin, pair, first, second);
            }
        }
        self.inverse.run(motion);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    /// `[E4]`, [E11] against the sums themselves, for an odd and an even length. Rounding: sums of 40 terms of at most
    /// 200·3, so 40·600·1e-16.
    #[test]
    fn two_channels_in_one_transform_are_the_sum_over_the_bins() {
        let membrane = Preset::Shd.settings().membrane;
        for samples in [40, 41] {
            let sound: Vec<f64> = (0..samples)
                .map(|k| f64::from(k * 7 % 13) / 6.0 - 1.0)
                .collect();
            let grid = Grid::new(sound.len(), 48_000);
            let mut bank = FilterBank::exact(&membrane, 3, &sound, grid);
            let mut motion = vec![[0.0; LANES]; grid.samples];
            bank.velocities(0, &mut motion);
            let n = grid.samples as f64;
            for (t, row) in motion.iter().enumerate() {
                for channel in 0..3 {
                    let terms = (0..grid.samples).map(|k| {
                        let turn = |j: usize| TAU * (j * k) as f64;
                        let x: Complex64 = (0..sound.len())
                            .map(|j| {
                                Complex64::from_polar(1.0, -turn(j) / sound.len() as f64) * sound[j]
                            })
                            .sum();
                        let frequency = 1.0 + k as f64 * 23_999.0 / (n - 1.0);
                        let v = membrane.velocity(membrane.place(channel, 3), frequency);
                        (v * x * Complex64::from_polar(1.0, turn(t) / n)).re / n
                    });
                    let expected: f64 = terms.sum();
                    assert!((row[channel] - expected).abs() < 1e-10, "{t} {channel}");
                }
                assert!(row[3..].iter().all(|rest| rest.abs() < 1e-20));
            }
        }
    }

    /// The fast way differs by the table (2e-5 of the largest response, 270, for each of two tones), by f32 (1e-6 of
    /// the peak), and by the silence behind the sound, which moves the samples by up to two of the sound's: below 2 %
    /// of the peak for tones up to 1 kHz that are weak at the end, where 2π · 1000 Hz · 42 µs is 0.26.
    #[test]
    fn the_fast_way_is_near_the_exact_one() {
        let membrane = Preset::Shd.settings().membrane;
        let table = ResponseTable::new(&membrane, 70);
        // 4802 is smooth: no silence is added, and the two differ by table and rounding alone.
        for (samples, tolerance) in [(9602, 1e-5), (9600, 0.02)] {
            let sound: Vec<f64> = (0..samples)
                .map(|k| {
                    let t = f64::from(k) / 48_000.0;
                    let envelope = (std::f64::consts::PI * f64::from(k) / f64::from(samples)).sin();
                    envelope * ((TAU * 220.0 * t).sin() + 0.5 * (TAU * 1000.0 * t).sin())
                })
                .collect();
            let grid = Grid::new(sound.len(), 48_000);
            let mut exact = FilterBank::exact(&membrane, 70, &sound, grid);
            let mut fast = FilterBank::fast(&table, &sound, grid);
            let mut motions = [
                vec![[0.0; LANES]; grid.samples],
                vec![[0.0; LANES]; grid.samples],
            ];
            for first in (0..70).step_by(LANES) {
                exact.velocities(first, &mut motions[0]);
                fast.velocities(first, &mut motions[1]);
                let [exact, fast] = &motions;
                let peak = exact
                    .as_flattened()
                    .iter()
                    .fold(0.0, |a: f64, b| a.max(b.abs()));
                for (a, b) in exact.as_flattened().iter().zip(fast.as_flattened()) {
                    assert!(
                        (a - b).abs() <= tolerance * peak + 2e-5 * 270.0 * 1.5,
                        "{samples} {first}: {a} {b}"
                    );
                }
            }
        }
    }
}
