//! Crossings of a threshold that relaxes (`[F10]`) while the voltage moves.
//!
//! Between events g(s) = V(s) − B₀ e^{−s/τ_B} − ϑ is a sum of three exponentials and a constant. It
//! starts and ends below zero and has at most three zeros, so it rises through zero at most once. Its
//! slope g' = V' + B/τ_B, times e^{s/τ_B}, has at most one turning point, which is at
//!
//! `[F12]` s = −log1p(rate·q)/rate, q = ((1/τ_B − 1/τ_mem) τ_syn (V₀ − I₀) + I₀)/(I₀ (1/τ_B − 1/τ_syn)),
//!
//! with rate = 1/τ_syn − 1/τ_mem and the limit −q for rate = 0. On either side of it g' changes its sign
//! at most once; so the maximum of g on a side, where there is one, is bracketed, and with it the
//! crossing.

use super::crossing::Membrane;
use super::search::{ITERATIONS_MAX, inside, parabola_step};
use crate::neuron::alif::{decay_b, relaxed};
use crate::neuron::flow::{Flow, State};

/// A threshold on its way back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RelaxingThreshold {
    /// ϑ.
    pub theta: f64,
    /// B at the start.
    pub b: f64,
    /// τ_B in ms.
    pub tau_b: f64,
}

/// g and its first two derivatives.
#[derive(Debug, Clone, Copy)]
struct Gap {
    value: f64,
    slope: f64,
    curvature: f64,
}

/// A time in which something is looked for.
#[derive(Debug, Clone, Copy)]
struct Bracket {
    low: f64,
    high: f64,
}

/// One neuron before its threshold.
struct CrossingSearch<'a> {
    membrane: &'a Membrane,
    start: State<f64>,
    threshold: RelaxingThreshold,
}

impl CrossingSearch<'_> {
    fn gap(&self, s: f64) -> Gap {
        let Membrane {
            tau_mem, tau_syn, ..
        } = *self.membrane;
        let RelaxingThreshold { theta, b, tau_b } = self.threshold;
        let at = self.start.after(&Flow::over(s, tau_mem, tau_syn));
        let b = relaxed(b, decay_b(s, tau_b));
        let slope = (at.i - at.v) / tau_mem;
        Gap {
            value: at.v - b - theta,
            slope: slope + b / tau_b,
            curvature: -(at.i / tau_syn + slope) / tau_mem - b / (tau_b * tau_b),
        }
    }

    /// `[F12]`
    fn turning_point(&self) -> Option<f64> {
        let Membrane {
            tau_mem, tau_syn, ..
        } = *self.membrane;
        let State { v, i } = self.start;
        let tau_b = self.threshold.tau_b;
        let rate = (tau_mem - tau_syn) / (tau_mem * tau_syn);
        // [F12] s = −log1p(rate·q)/rate
        let q = ((1.0 / tau_b - 1.0 / tau_mem) * tau_syn * (v - i) + i)
            / (i * (1.0 / tau_b - 1.0 / tau_syn));
        let s = if rate == 0.0 {
            -q
        } else {
            -(rate * q).ln_1p() / rate
        };
        (s.is_finite() && s > 0.0).then_some(s)
    }

    /// The crossing in (low, high], where g' changes its sign at most once.
    fn crossing(&self, within: Bracket, iterations: &mut u64) -> Option<f64> {
        let (first, last) = (self.gap(within.low), self.gap(within.high));
        if last.value >= 0.0 {
            return Some(self.root(within, iterations));
        }
        if first.slope <= 0.0 || last.slope >= 0.0 {
            return None;
        }
        let high = self.peak(within, iterations);
        let rising = Bracket { high, ..within };
        (self.gap(high).value >= 0.0).then(|| self.root(rising, iterations))
    }

    /// The time at which g' falls through zero. The maximum depends on it to second order only: √ε is enough.
    fn peak(&self, within: Bracket, iterations: &mut u64) -> f64 {
        let Bracket { mut low, mut high } = within;
        let mut s = 0.5 * (low + high);
        for _ in 0..ITERATIONS_MAX {
            *iterations += 1;
            let gap = self.gap(s);
            if gap.slope > 0.0 {
                low = s;
            } else {
                high = s;
            }
            let next = inside(s - gap.slope / gap.curvature, low, high);
            let step = (next - s).abs();
            s = next;
            if step <= 1e-9 * s {
                break;
            }
        }
        s
    }

    /// The zero of g in (low, high], g being negative at one end and not at the other.
    fn root(&self, within: Bracket, iterations: &mut u64) -> f64 {
        let Bracket { mut low, mut high } = within;
        let mut s = low;
        for _ in 0..ITERATIONS_MAX {
            *iterations += 1;
            let gap = self.gap(s);
            if gap.value < 0.0 {
                low = s;
            } else {
                high = s;
            }
            let next = inside(
                s + parabola_step(gap.value, gap.slope, gap.curvature),
                low,
                high,
            );
            let step = (next - s).abs();
            s = next;
            if step <= f64::EPSILON * s || high - low <= f64::EPSILON * high {
                break;
            }
        }
        s
    }
}

impl Membrane {
    /// The first time s in [0, h] at which V reaches a threshold that relaxes.
    pub fn crossing_of_relaxing(
        &self,
        start: State<f64>,
        threshold: RelaxingThreshold,
        h: f64,
        iterations: &mut u64,
    ) -> Option<f64> {
        let search = CrossingSearch {
            membrane: self,
            start,
            threshold,
        };
        if start.v >= threshold.theta + threshold.b {
            return Some(0.0);
        }
        let mut crossing = |low, high| search.crossing(Bracket { low, high }, iterations);
        match search.turning_point().filter(|&s| s < h) {
            None => crossing(0.0, h),
            Some(turn) => crossing(0.0, turn).or_else(|| crossing(turn, h)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CrossingSearch, RelaxingThreshold};
    use crate::neuron::exact::Membrane;
    use crate::neuron::flow::State;

    /// The first sign change of g on a fine scan, refined by halving; and the largest g seen before
    /// it.
    fn by_scan(search: &CrossingSearch<'_>, h: f64) -> (Option<f64>, f64) {
        const POINTS: u32 = 4000;
        let at = |n: u32| h * f64::from(n) / f64::from(POINTS);
        let mut highest = f64::NEG_INFINITY;
        for n in 1..=POINTS {
            let value = search.gap(at(n)).value;
            highest = highest.max(value);
            if value >= 0.0 {
                let (mut low, mut high) = (at(n - 1), at(n));
                for _ in 0..100 {
                    let middle = 0.5 * (low + high);
                    if search.gap(middle).value >= 0.0 {
                        high = middle;
                    } else {
                        low = middle;
                    }
                }
                return (Some(high), highest);
            }
        }
        (None, highest)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// `[F3]` `[F12]` against a scan.
        #[test]
        fn crossings_agree_with_a_scan(
            v in -2.0..1.4f64,
            i in -3.0..30.0f64,
            b in 0.0..2.0f64,
            tau_b in prop_oneof![Just(5.0), Just(20.0), 0.5..200.0f64],
            h in 0.05..80.0f64,
            tau_syn in 1.0..20.0f64,
            ratio in prop_oneof![Just(1.0), Just(2.0), Just(4.0), Just(1.0 + 1e-9), 0.1..10.0f64],
        ) {
            let membrane = Membrane::new(ratio * tau_syn, tau_syn);
            let threshold = RelaxingThreshold { theta: 1.0, b, tau_b };
            let start = State { v, i };
            prop_assume!(v < 1.0 + b);
            let search = CrossingSearch { membrane: &membrane, start, threshold };
            let (expected, highest) = by_scan(&search, h);
            let mut iterations = 0;
            let found = membrane.crossing_of_relaxing(start, threshold, h, &mut iterations);
            prop_assert!(iterations < 130, "{iterations}");
            match (expected, found) {
                (None, None) => {}
                // The scan steps over a maximum by at most half a step: κ (h/8000)²/2.
                (None, Some(s)) => {
                    let curvature = search.gap(s).curvature.abs() + 1.0;
                    let missed = curvature * (h / 4000.0).powi(2);
                    prop_assert!(highest > -missed, "{s} {highest}");
                    prop_assert!(search.gap(s).value.abs() < 1e-12 * (1.0 + v.abs() + i.abs()));
                }
                (Some(s), None) => prop_assert!(false, "missed {s}"),
                (Some(expected), Some(found)) => {
                    let noise = 32.0 * f64::EPSILON * (v.abs() + i.abs() + b + 1.0);
                    let slope = search.gap(found).slope.abs();
                    let curvature = search.gap(found).curvature.abs();
                    let moved = (noise / slope).min((2.0 * noise / curvature).sqrt() + noise / curvature);
                    let tolerance = moved + 16.0 * f64::EPSILON * (found + h);
                    prop_assert!((found - expected).abs() <= tolerance, "{found} {expected} {tolerance:e}");
                }
            }
        }
    }
}
