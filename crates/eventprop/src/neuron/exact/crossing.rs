//! Threshold crossings between two events, found exactly.
//!
//! Between events the membrane potential is V(s) = V₀ e^{−s/τ_mem} + I₀ c(s), with c the coupling of
//! [`Flow`]. Where it can reach a threshold ϑ > V₀ at all it first rises, has one maximum and falls
//! for ever after, and it is concave as long as it rises. The search relies on these facts:
//!
//! - `[F6]` V(s) ≤ max(V₀, 0) + I₀ r^{−r/(r−1)} with r = τ_mem/τ_syn (e^{−1} for r = 1), because that is
//!   the maximum of c: most neurons are dismissed by one multiplication ([`Membrane::reach`]).
//! - At a crossing V rises, so I > ϑ there; I decays, so I₀ ≤ ϑ rules a crossing out.
//! - e^{s/τ_mem} V(s) never falls, so V(h) < ϑ e^{−h/τ_mem} rules a crossing before h out.
//! - `[F7]` the maximum lies at s* = log1p(Δτ (I₀ − V₀) / (Δτ V₀ + τ_syn I₀)) / rate with
//!   Δτ = τ_mem − τ_syn and rate = 1/τ_syn − 1/τ_mem; its limit for Δτ = 0 is τ (I₀ − V₀)/I₀. There
//!   V = I, so the threshold is reached when I(s*) = I₀ q^{r/(r−1)} > ϑ, q = (Δτ V₀ + τ_syn I₀)/(τ_mem I₀).
//!
//! The crossing itself solves V(s) = ϑ:
//!
//! - `[F8]` for τ_mem = τ_syn, with u = s/τ + V₀/I₀: u e^{−u} = (ϑ/I₀) e^{−V₀/I₀}, u = −W₀(−…);
//! - `[F9]` for τ_mem = r τ_syn with a whole number r it is a polynomial (`integer_ratio`);
//! - otherwise by iteration on V(s) itself.
//!
//! Iterations take the root of the parabola that touches the function (value, slope, curvature): it
//! triples the digits in every step and does not slow down at grazing crossings, where the function
//! is nearly that parabola. Every step is kept inside a bracket, which is halved when a step leaves it.

use super::decay::Decay;
use super::integer_ratio::{IntegerRatio, LOST_MAX, Lanes};
use super::lambert::lambert_w0;
use super::search::{ITERATIONS_MAX, inside, parabola_step};
use crate::neuron::flow::{self, Flow, State};

/// Method of solving V(s) = ϑ.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Method {
    /// `[F8]`.
    Equal,
    /// `[F9]`.
    IntegerRatio(IntegerRatio),
    /// Iteration with exponentials.
    General,
}

/// The two time constants of a neuron and what follows from them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Membrane {
    /// τ_mem in ms.
    pub tau_mem: f64,
    /// τ_syn in ms.
    pub tau_syn: f64,
    /// `[F6]` the most that a unit of current can ever add to the voltage, rounded up.
    pub reach: f64,
    /// 1/τ_syn − 1/τ_mem.
    rate: f64,
    method: Method,
}

impl Membrane {
    /// A membrane with time constants in ms.
    pub fn new(tau_mem: f64, tau_syn: f64) -> Self {
        let ratio = tau_mem / tau_syn;
        let method = if tau_mem == tau_syn {
            Method::Equal
        } else {
            IntegerRatio::of(tau_mem, tau_syn).map_or(Method::General, Method::IntegerRatio)
        };
        Self {
            tau_mem,
            tau_syn,
            // [F6] The slack covers the roundings here and in the flow, so that a dismissed neuron is
            // below its threshold to the last bit.
            reach: greatest_coupling(ratio) * (1.0 + 1e-9),
            rate: (tau_mem - tau_syn) / (tau_mem * tau_syn),
            method,
        }
    }

    /// The flow over `t` ms.
    #[inline(always)]
    pub fn flow(&self, t: f64) -> Flow {
        match self.method {
            Method::IntegerRatio(ratio) => match ratio.ratio_four() {
                Some(four) => four.flow(self.decay(t)),
                None => ratio.flow(self.decay(t)),
            },
            Method::Equal | Method::General => Flow::over(t, self.tau_mem, self.tau_syn),
        }
    }

    /// I after `t` ms.
    #[inline(always)]
    pub fn current_after(&self, i: f64, t: f64) -> f64 {
        flow::current_after(i, (-t / self.tau_syn).exp())
    }

    /// The fraction of V that is left after `t` ms, and the one that is lost.
    #[inline(always)]
    pub fn decay(&self, t: f64) -> Decay {
        Decay::over(t / self.tau_mem)
    }

    /// The ratio of the time constants, if it is a whole number.
    #[inline(always)]
    pub fn integer_ratio(&self) -> Option<IntegerRatio> {
        match self.method {
            Method::IntegerRatio(ratio) => Some(ratio),
            Method::Equal | Method::General => None,
        }
    }

    /// dV/dt.
    #[inline(always)]
    fn slope(&self, at: State<f64>) -> f64 {
        (at.i - at.v) / self.tau_mem
    }

    /// `[F7]` time until V has its stationary point, from a state in which one lies ahead.
    pub fn peak_time(&self, start: State<f64>) -> Option<f64> {
        let State { v, i } = start;
        let delta = self.tau_mem - self.tau_syn;
        // [F7] s* = log1p(Δτ (I₀ − V₀) / (Δτ V₀ + τ_syn I₀)) / rate
        let s = if delta == 0.0 {
            self.tau_mem * (i - v) / i
        } else {
            (delta * (i - v) / (delta * v + self.tau_syn * i)).ln_1p() / self.rate
        };
        (s.is_finite() && s > 0.0).then_some(s)
    }

    /// The first time s in [0, h] at which V reaches `theta`, where `flow` is the flow over `h`.
    ///
    /// When there is none, the state at `h` is below the threshold to the last bit. The time 0 is
    /// returned only for a state that is already there by rounding.
    #[inline(always)]
    pub fn crossing(
        &self,
        start: State<f64>,
        theta: f64,
        h: f64,
        flow: &Flow,
        iterations: &mut u64,
    ) -> Option<f64> {
        if start.i <= theta {
            return None;
        }
        if start.v >= theta {
            return Some(0.0);
        }
        if let Method::IntegerRatio(ratio) = self.method {
            let reaches = ratio.reaches(start, theta, flow);
            return reaches.then(|| self.root_of_polynomial(ratio, (start, theta), h, iterations));
        }
        let end = start.after(flow);
        let bracket = if end.v >= theta {
            h
        } else if end.i >= end.v || end.v < theta * flow.decay_mem {
            return None;
        } else {
            self.turn(start, theta)?.min(h)
        };
        Some(self.root(start, theta, bracket, iterations))
    }

    /// A time by which V has reached `theta`, if its maximum, which is known to lie ahead, is above
    /// it: V = I there.
    #[inline(never)]
    fn turn(&self, start: State<f64>, theta: f64) -> Option<f64> {
        let peak = self.peak_time(start)?;
        (self.current_after(start.i, peak) > theta).then_some(peak)
    }

    /// The crossing, which is known to lie in (0, bracket].
    #[inline(never)]
    fn root(&self, start: State<f64>, theta: f64, bracket: f64, iterations: &mut u64) -> f64 {
        let closed = match self.method {
            Method::Equal => self.root_equal(start, theta),
            Method::IntegerRatio(_) | Method::General => None,
        };
        match closed {
            Some(s) if s > 0.0 => self.polish(start, theta, s.min(bracket), bracket),
            _ => self.root_general(start, theta, bracket, iterations),
        }
    }

    /// The crossing, which is known to lie in (0, bracket], on the polynomial.
    #[inline(never)]
    fn root_of_polynomial(
        &self,
        ratio: IntegerRatio,
        (start, theta): (State<f64>, f64),
        bracket: f64,
        iterations: &mut u64,
    ) -> f64 {
        let lanes = Lanes {
            v: [start.v],
            i: [start.i],
            theta: [theta],
        };
        let [lost] = match ratio.ratio_four() {
            Some(four) => four.crossings(&lanes, [1.0], iterations),
            None => ratio.crossings(&lanes, [1.0], iterations),
        };
        if lost < LOST_MAX {
            (self.tau_mem * Decay::exponent(lost)).min(bracket)
        } else {
            self.root_general(start, theta, bracket, iterations)
        }
    }

    /// `[F8]`.
    fn root_equal(&self, start: State<f64>, theta: f64) -> Option<f64> {
        let before = start.v / start.i;
        let product = theta / start.i * (-before).exp();
        if !product.is_finite() || product == 0.0 {
            return None;
        }
        // [F8] s = τ (u − V₀/I₀), u = −W₀(−(ϑ/I₀) e^{−V₀/I₀})
        Some(self.tau_mem * (-lambert_w0(-product) - before))
    }

    /// One Newton step on V(s) = ϑ, taken when it stays inside the bracket.
    fn polish(&self, start: State<f64>, theta: f64, s: f64, bracket: f64) -> f64 {
        let at = start.after(&self.flow(s));
        let polished = s - (at.v - theta) / self.slope(at);
        if polished > 0.0 && polished <= bracket {
            polished
        } else {
            s
        }
    }

    /// The crossing, which is known to lie in (0, bracket], by iteration on V(s) itself.
    #[inline(never)]
    pub fn root_general(
        &self,
        start: State<f64>,
        theta: f64,
        bracket: f64,
        iterations: &mut u64,
    ) -> f64 {
        let tau = self.tau_mem.min(self.tau_syn);
        let (mut low, mut high, mut s) = (0.0, bracket, 0.0f64);
        let mut at = start;
        for _ in 0..ITERATIONS_MAX {
            *iterations += 1;
            let slope = self.slope(at);
            let curvature = -(at.i / self.tau_syn + slope) / self.tau_mem;
            if at.v < theta && slope > 0.0 {
                low = s;
            } else {
                high = s;
            }
            let next = inside(s + parabola_step(at.v - theta, slope, curvature), low, high);
            let step = (next - s).abs();
            s = next;
            // What is left is |V‴| step³ / (6 |V′|), with |V‴| ≤ 3 (|V| + |I|) / τ³.
            let third = (at.v.abs() + at.i) / (tau * tau * tau);
            if step * step * step * third <= f64::EPSILON * s * slope {
                break;
            }
            at = start.after(&self.flow(s));
        }
        s
    }
}

/// max c(s) = r^{−r/(r−1)} with r = τ_mem/τ_syn; e^{−1} at r = 1.
fn greatest_coupling(ratio: f64) -> f64 {
    let above = ratio - 1.0;
    if above == 0.0 {
        (-1.0f64).exp()
    } else {
        (-ratio * above.ln_1p() / above).exp()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Membrane;
    use crate::neuron::flow::State;

    /// The first s in (0, h] with V(s) ≥ ϑ, by a scan for the maximum and halving.
    fn by_bisection(membrane: Membrane, start: State<f64>, theta: f64, h: f64) -> Option<f64> {
        let v = |s: f64| start.after(&membrane.flow(s)).v;
        let peak = membrane.peak_time(start).unwrap_or(h).min(h);
        if v(peak) < theta {
            return None;
        }
        let (mut low, mut high) = (0.0, peak);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if v(middle) >= theta {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }

    fn check(tau_mem: f64, tau_syn: f64, start: State<f64>, h: f64) {
        let theta = 1.0;
        let membrane = Membrane::new(tau_mem, tau_syn);
        let mut iterations = 0;
        let found = membrane.crossing(start, theta, h, &membrane.flow(h), &mut iterations);
        let expected = by_bisection(membrane, start, theta, h);
        assert!(iterations < 32, "{iterations} iterations");
        // V is known to a few roundings of its terms; near a maximum it decides whether there is a
        // crossing at all.
        let noise = 16.0 * f64::EPSILON * (start.v.abs() + start.i.abs() + theta);
        let Some(expected) = expected else {
            if let Some(s) = found {
                assert!((start.after(&membrane.flow(s)).v - theta).abs() <= noise);
            }
            return;
        };
        let Some(found) = found else {
            let peak = membrane.peak_time(start).unwrap_or(h).min(h);
            assert!(start.after(&membrane.flow(peak)).v - theta <= noise);
            return;
        };
        assert!(found > 0.0 && found <= h);
        // An error of `noise` in V moves the crossing by noise / V′, and by √(2 noise / |V″|) where
        // V′ vanishes; the time itself has a few roundings of its own.
        let at = start.after(&membrane.flow(found));
        let slope = membrane.slope(at).abs();
        let curvature = (at.i / tau_syn + slope) / tau_mem;
        let moved = (noise / slope).min((2.0 * noise / curvature).sqrt() + noise / curvature);
        let tolerance = moved + 8.0 * f64::EPSILON * (expected + tau_mem.min(h));
        assert!(
            (found - expected).abs() <= tolerance,
            "τ {tau_mem} {tau_syn}, {start:?}, h {h}: {found} is not {expected} ± {tolerance:e}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// `[F6]` `[F7]` `[F8]` `[F9]` against bisection.
        #[test]
        fn crossings_agree_with_bisection(
            v in -3.0..1.0f64,
            log_i in -1.0..6.0f64,
            log_h in -6.0..5.0f64,
            tau_syn in 0.5..20.0f64,
            ratio in prop_oneof![
                Just(1.0), Just(2.0), Just(3.0), Just(4.0), Just(7.0), Just(0.5),
                Just(1.0 + 1e-15), Just(1.0 + 1e-9), Just(1.0 - 1e-6), 0.02..50.0f64,
            ],
        ) {
            check(ratio * tau_syn, tau_syn, State { v, i: log_i.exp() }, log_h.exp());
        }

        /// The same close to grazing: the current for which the peak is a little above ϑ.
        #[test]
        fn grazing_crossings_agree_with_bisection(
            v in 0.0..0.9f64,
            log_excess in -30.0..-2.0f64,
            tau_syn in 0.5..20.0f64,
            ratio in prop_oneof![
                Just(1.0), Just(2.0), Just(4.0), Just(0.5), Just(1.0 + 1e-9), 0.2..5.0f64,
            ],
        ) {
            let membrane = Membrane::new(ratio * tau_syn, tau_syn);
            let highest = |i: f64| {
                let start = State { v, i };
                start.after(&membrane.flow(membrane.peak_time(start).unwrap_or(0.0))).v
            };
            let (mut low, mut high) = (1.0, 1e3);
            for _ in 0..100 {
                let middle = 0.5 * (low + high);
                if highest(middle) > 1.0 { high = middle } else { low = middle }
            }
            let i = high * (1.0 + log_excess.exp());
            check(ratio * tau_syn, tau_syn, State { v, i }, 200.0);
        }
    }

    /// `[F6]` holds along whole trajectories, and is attained.
    #[test]
    fn reach_is_the_maximum_of_the_coupling() {
        for (tau_mem, tau_syn) in [(20.0, 5.0), (5.0, 5.0), (5.0, 20.0), (10.0, 9.999_999)] {
            let membrane = Membrane::new(tau_mem, tau_syn);
            let start = State { v: 0.0, i: 1.0 };
            let highest = (1..20_000)
                .map(|n| start.after(&membrane.flow(f64::from(n) * 0.01)).v)
                .fold(0.0, f64::max);
            assert!(highest < membrane.reach);
            // The scan misses the top by at most half a step: (0.005)² / (2 · 25) relative.
            assert!(highest > membrane.reach * (1.0 - 2e-6));
        }
    }

    #[test]
    fn extreme_states_are_found_or_refused_without_failing() {
        for (tau_mem, tau_syn) in [(20.0, 5.0), (5.0, 5.0), (10.0, 5.0), (3.0, 7.0)] {
            let membrane = Membrane::new(tau_mem, tau_syn);
            for (v, i) in [
                (1.0 - f64::EPSILON, 5.0),
                (-1e6, 1e3),
                (-1e3, 1e8),
                (0.0, 1e150),
                (0.0, 1.0 + 1e-15),
                (0.0, -5.0),
            ] {
                for h in [1e-12, 1.0, 1e6] {
                    let start = State { v, i };
                    let mut iterations = 0;
                    let flow = membrane.flow(h);
                    match membrane.crossing(start, 1.0, h, &flow, &mut iterations) {
                        Some(s) => assert!((0.0..=h).contains(&s), "{v} {i} {h}: {s}"),
                        None => assert!(start.after(&flow).v < 1.0),
                    }
                    assert!(iterations <= 64);
                }
            }
        }
    }
}
