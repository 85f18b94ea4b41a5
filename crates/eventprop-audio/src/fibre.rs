//! Auditory nerve fibres: the only random part. Each channel has some forty, every one of them excited in a sample
//! with the probability that the hair cell gives, unless it fired within the dead time.

use eventprop::rng::Key;

use super::LANES;
use crate::mt19937::Mt19937;

/// The constants of the fibres of a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fibres {
    /// K, fibres per channel, 1 to 255.
    pub count: usize,
    /// t_ref, the dead time of fibres and bushy cells, in s.
    pub dead_time: f64,
}

impl Fibres {
    /// `[E15]` The events of one channel as the published program draws them: for every sample one uniform number
    /// per fibre, taken from `generator`. Adds to `events[t][lane]`.
    ///
    /// `dead` is the dead time in samples, not rounded.
    pub fn draw_exact(
        &self,
        generator: &mut Mt19937,
        probabilities: &[[f64; LANES]],
        lane: usize,
        dead: f64,
        events: &mut [[u8; LANES]],
    ) {
        let mut last = vec![-dead; self.count];
        for (t, (p, events)) in probabilities.iter().zip(events).enumerate() {
            let t = t as f64;
            for last in &mut last {
                // [E15] an event if u < p and t − t_last ≥ R
                if generator.uniform() < p[lane] && t - *last >= dead {
                    *last = t;
                    events[lane] += 1;
                }
            }
        }
    }
}

/// Draws events with the law of [`Fibres::draw_exact`] from some hundred times fewer random numbers, by inverting the
/// cumulative hazard. Keeps its memory.
#[derive(Debug, Clone, Default)]
pub struct HazardSampler {
    samples: usize,
    /// S, cumulative hazard of each lane before each sample. `[LANES, samples + 1]`
    hazard: Vec<f64>,
    /// For equal parts of the range of S of one lane, the sample in which it is left. `[parts + 1]`
    sample_of: Vec<u32>,
}

/// Samples per part of the table that inverts S.
const SAMPLES_PER_PART: usize = 4;

/// The largest hazard of a sample: that of the largest f64 below 1.
const HAZARD_MAX: f64 = 36.736_800_569_677_1;

impl HazardSampler {
    /// Takes the probabilities of [`LANES`] channels in, `[t][lane]`.
    pub fn hear(&mut self, probabilities: &[[f64; LANES]]) {
        self.samples = probabilities.len();
        let stride = self.samples + 1;
        self.hazard.resize(LANES * stride, 0.0);
        let mut sums = [0.0; LANES];
        let mut store = |t: usize, sums: &[f64; LANES]| {
            for lane in 0..LANES {
                self.hazard[lane * stride + t] = sums[lane];
            }
        };
        store(0, &sums);
        for (t, p) in probabilities.iter().enumerate() {
            // [E16] S_t = Σ_{i ≤ t} −ln(1 − p_i)
            let small = p.iter().all(|p| *p < SERIES_MAX);
            for lane in 0..LANES {
                sums[lane] += if small {
                    series(p[lane])
                } else {
                    hazard(p[lane])
                };
            }
            store(t + 1, &sums);
        }
    }

    /// `[E16]` The events of one channel of what was heard; draws are functions of `key`. Adds to `events[t][lane]`.
    /// `dead` is the dead time in samples, not rounded.
    ///
    /// The exponential variates come from 32-bit uniform numbers, so the probability of an event in a sample is
    /// right to 2⁻³².
    pub fn draw(
        &mut self,
        fibres: &Fibres,
        key: Key,
        lane: usize,
        dead: f64,
        events: &mut [[u8; LANES]],
    ) {
        let samples = self.samples;
        let stride = samples + 1;
        let hazard = &self.hazard[lane * stride..(lane + 1) * stride];
        let total = hazard[samples];
        let step = invert(hazard, &mut self.sample_of);
        let parts_per_hazard = if step > 0.0 { 1.0 / step } else { 0.0 };
        let mut variates = Exponentials::new(key);
        let dead = (dead.ceil() as usize).max(1);
        for _ in 0..fibres.count {
            let mut start = 0;
            while start < samples {
                // [E16] the first t ≥ start with S_t > S_{start−1} + E
                let target = hazard[start] + variates.next();
                if target >= total {
                    break;
                }
                let part = (target * parts_per_hazard) as usize;
                let mut t = self.sample_of[part.min(self.sample_of.len() - 1)] as usize;
                t = t.max(start);
                while hazard[t + 1] <= target {
                    t += 1;
                }
                events[t][lane] += 1;
                start = t + dead;
            }
        }
    }
}

/// Fills the table that inverts a cumulative hazard; returns the hazard of a part.
fn invert(hazard: &[f64], sample_of: &mut Vec<u32>) -> f64 {
    let samples = hazard.len() - 1;
    let parts = samples / SAMPLES_PER_PART + 1;
    let step = hazard[samples] / parts as f64;
    sample_of.clear();
    sample_of.reserve(parts + 1);
    let mut t = 0;
    for part in 0..=parts {
        // A little lower than the border, so that rounding never points behind the right sample.
        let border = part as f64 * step * (1.0 - 1e-12);
        while t + 1 < samples && hazard[t + 1] <= border {
            t += 1;
        }
        sample_of.push(t as u32);
    }
    step
}

/// Below this probability the series is good.
const SERIES_MAX: f64 = 0.03;

/// −ln(1 − p)
fn hazard(p: f64) -> f64 {
    if p < SERIES_MAX {
        series(p)
    } else {
        (-(-p).ln_1p()).min(HAZARD_MAX)
    }
}

/// −ln(1 − p) for p below [`SERIES_MAX`], where the first term left out, p⁹/9, is less than 1e-13 of the sum.
// PERF: eight lanes go together, some ten times faster than logarithms.
#[inline(always)]
fn series(p: f64) -> f64 {
    let inner = 1.0 / 6.0 + p * (1.0 / 7.0 + p * (1.0 / 8.0));
    p * (1.0 + p * (0.5 + p * (1.0 / 3.0 + p * (0.25 + p * (0.2 + p * inner)))))
}

/// Exponential variates of mean 1: −ln((w + ½)/2³²) for the words w of a key, in their order.
struct Exponentials {
    key: Key,
    block: u64,
    words: [u32; WORDS],
    used: usize,
}

// PERF: blocks of the generator are independent of one another, so several at once keep the processor busy.
const WORDS: usize = 32;

impl Exponentials {
    fn new(key: Key) -> Self {
        Self {
            key,
            block: 0,
            words: [0; WORDS],
            used: WORDS,
        }
    }

    #[inline]
    fn next(&mut self) -> f64 {
        if self.used == WORDS {
            for words in self.words.as_chunks_mut::<4>().0 {
                *words = self.key.words(self.block);
                self.block += 1;
            }
            self.used = 0;
        }
        let word = self.words[self.used];
        self.used += 1;
        -((f64::from(word) + 0.5) * (1.0 / 4_294_967_296.0)).ln()
    }
}

#[cfg(test)]
mod tests {
    use eventprop::rng::Purpose;

    use super::*;

    const FIBRES: Fibres = Fibres {
        count: 40,
        dead_time: 1e-3,
    };

    /// Against the logarithm: rounding and the terms left out, together below 1e-13.
    #[test]
    fn the_hazard_is_a_logarithm() {
        for p in [0.0, 1e-12, 0.0027, 0.01, 0.029_999, 0.03, 0.2, 0.52] {
            let expected = -f64::ln_1p(-p);
            assert!((hazard(p) - expected).abs() <= 1e-13 * expected, "{p}");
        }
        assert_eq!(hazard(1.0), HAZARD_MAX);
        assert_eq!(hazard(7.0), HAZARD_MAX);
    }

    fn counts(mut draw: impl FnMut(u64, &[[f64; LANES]], &mut [[u8; LANES]])) -> Vec<f64> {
        let probabilities: Vec<[f64; LANES]> = (0..200)
            .map(|t| {
                [if t < 100 {
                    0.002
                } else {
                    0.3 * f64::from(t - 100) / 100.0
                }; LANES]
            })
            .collect();
        let mut sums = vec![0.0; probabilities.len()];
        for run in 0..RUNS {
            let mut events = vec![[0; LANES]; probabilities.len()];
            draw(run, &probabilities, &mut events);
            for (sum, events) in sums.iter_mut().zip(&events) {
                *sum += f64::from(events[1]);
            }
        }
        sums
    }

    const RUNS: u64 = 1500;

    /// `[E15]` and [E16] are the same law, sample by sample: a count of n·p events has variance at most its mean, so
    /// the difference of two has sd below √(2 mean); 5 sd for each of 200 samples fail a right sampler with a
    /// probability of 1e-4 at most, and the seeds are fixed.
    #[test]
    fn inverting_the_hazard_has_the_law_of_the_draws() {
        let mut generator = Mt19937::new(1);
        let exact = counts(|_, p, events| FIBRES.draw_exact(&mut generator, p, 1, 4.2, events));
        let mut sampler = HazardSampler::default();
        let key = Key::new(5, Purpose::Test);
        let fast = counts(|run, p, events| {
            sampler.hear(p);
            sampler.draw(&FIBRES, key.with(run), 1, 4.2, events);
        });
        for (t, (exact, fast)) in exact.iter().zip(&fast).enumerate() {
            let sd = (exact + fast).max(1.0).sqrt();
            assert!(
                (exact - fast).abs() < 5.0 * sd,
                "sample {t}: {exact} and {fast}"
            );
        }
        let totals = [exact, fast].map(|counts| counts.iter().sum::<f64>());
        assert!(
            (totals[0] - totals[1]).abs() < 5.0 * (totals[0] + totals[1]).sqrt(),
            "{totals:?}"
        );
    }

    /// A dead time of 4.2 samples lets a fibre fire in every fifth sample.
    #[test]
    fn certain_events_come_at_the_dead_time() {
        let one = Fibres { count: 1, ..FIBRES };
        let probabilities = vec![[1.0; LANES]; 23];
        let times = |events: &[[u8; LANES]]| -> Vec<usize> {
            let times = events.iter().enumerate();
            times
                .filter_map(|(t, events)| (events[0] == 1).then_some(t))
                .collect()
        };
        let mut exact = vec![[0; LANES]; 23];
        one.draw_exact(&mut Mt19937::new(1), &probabilities, 0, 4.2, &mut exact);
        assert_eq!(times(&exact), [0, 5, 10, 15, 20]);
        let mut fast = vec![[0; LANES]; 23];
        let key = Key::new(5, Purpose::Test);
        let mut sampler = HazardSampler::default();
        sampler.hear(&probabilities);
        sampler.draw(&one, key, 0, 4.2, &mut fast);
        assert_eq!(times(&fast), [0, 5, 10, 15, 20]);
    }

    #[test]
    fn nothing_happens_without_probability() {
        let mut events = vec![[0; LANES]; 50];
        let key = Key::new(5, Purpose::Test);
        let mut sampler = HazardSampler::default();
        sampler.hear(&[[0.0; LANES]; 50]);
        sampler.draw(&FIBRES, key, 0, 24.0, &mut events);
        assert_eq!(events, vec![[0; LANES]; 50]);
    }
}
