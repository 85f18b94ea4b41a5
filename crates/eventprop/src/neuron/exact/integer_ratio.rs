//! Membranes that are a whole number r ≥ 2 of times slower than their synapses.
//!
//! With x = e^{−s/τ_mem} and y = 1 − x everything between two events is a polynomial, because
//! e^{−s/τ_syn} = xʳ: one exponential makes a flow, and none is needed to ask whether, and to find out
//! when, a neuron reaches its threshold,
//!
//! `[F9]` V = V₀ x + I₀/(r − 1) · x y (1 + x + … + x^{r−2}) = ϑ.
//!
//! Nothing here branches on a neuron, so that several of them are treated side by side; each gets the
//! same answer whoever its neighbours are.
#![allow(
    clippy::needless_bitwise_bool,
    reason = "a lazy operator is a branch, and what branches is not vectorised"
)]

use super::decay::Decay;
use super::search::{ITERATIONS_MAX, inside, parabola_step};
use crate::neuron::flow::{Flow, State};

/// Largest ratio that is treated here.
pub(crate) const RATIO_MAX: i32 = 16;

/// A crossing that so much of the membrane's potential decays before is left to others: 1 − y has lost
/// too many digits.
pub(crate) const LOST_MAX: f64 = 0.9;

/// The ratio, and what is made of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct IntegerRatio {
    /// r.
    ratio: i32,
    /// 1/r.
    per_ratio: f64,
    /// 1/(r − 1).
    share: f64,
}

/// States and thresholds of L neurons.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lanes<const L: usize> {
    /// V.
    pub v: [f64; L],
    /// I.
    pub i: [f64; L],
    /// ϑ.
    pub theta: [f64; L],
}

impl IntegerRatio {
    /// None when the ratio is not a whole number from 2 to [`RATIO_MAX`].
    pub fn of(tau_mem: f64, tau_syn: f64) -> Option<Self> {
        let r = (tau_mem / tau_syn).round();
        let fits = (2.0..=f64::from(RATIO_MAX)).contains(&r) && tau_mem == r * tau_syn;
        fits.then(|| Self {
            ratio: r as i32,
            per_ratio: 1.0 / r,
            share: 1.0 / (r - 1.0),
        })
    }

    /// Itself, where the ratio is 4, the most common one. PERF: the compiler then knows how many factors the
    /// powers have.
    #[inline(always)]
    pub fn ratio_four(self) -> Option<Self> {
        (self.ratio == 4).then_some(Self { ratio: 4, ..self })
    }

    /// The flow in which `mem` is left of the membrane's potential.
    #[inline(always)]
    pub fn flow(self, mem: Decay) -> Flow {
        let Decay { left: x, lost: y } = mem;
        let powers = self.powers(x);
        // [F1] C = x y (1 + x + … + x^{r−2})/(r − 1)
        let current_to_voltage = self.share * x * y * powers.sum;
        Flow {
            decay_mem: x,
            decay_syn: powers.last * x * x,
            current_to_voltage,
            adjoint_coupling: f64::from(self.ratio) * current_to_voltage,
        }
    }

    #[inline(always)]
    fn powers(self, x: f64) -> Powers {
        let (mut sum, mut before_last, mut last) = (1.0, 0.0, 1.0);
        for _ in 2..self.ratio {
            before_last = last;
            last *= x;
            sum += last;
        }
        Powers {
            sum,
            before_last,
            last,
        }
    }

    /// xʳ.
    #[inline(always)]
    pub fn to_the_ratio(self, x: f64) -> f64 {
        let square = x * x;
        let mut power = square;
        for _ in 2..self.ratio {
            power *= x;
        }
        power
    }

    /// True if a neuron reaches its threshold within a flow; also where it is there already, and where
    /// its state is not finite, so that it is looked at.
    ///
    /// At a crossing V rises, so I > ϑ there, and before. Where V is below ϑ at the end it must have had
    /// its maximum, `[F7]`: it falls, V e^{s/τ_mem} never having fallen, and I₀ q^{r/(r−1)} > ϑ, which is
    /// (r I₀ q)ʳ > rʳ I₀ ϑ^{r−1} with r I₀ q = (r − 1) V₀ + I₀.
    #[inline(always)]
    pub fn reaches(self, start: State<f64>, theta: f64, flow: &Flow) -> bool {
        let end = start.after(flow);
        let r = f64::from(self.ratio);
        let risen = ((r - 1.0) * start.v + start.i) * self.per_ratio;
        let mut theta_power = theta;
        for _ in 2..self.ratio {
            theta_power *= theta;
        }
        let turns = (end.i < end.v)
            & (end.v >= theta * flow.decay_mem)
            & (risen > 0.0)
            & (self.to_the_ratio(risen) > start.i * theta_power);
        let reaches = (start.v >= theta) | (end.v >= theta) | turns;
        (reaches & (start.i > theta)) | (0.0 * end.v != 0.0)
    }

    /// A bit for every neuron of which [`Self::reaches`] is true.
    ///
    /// PERF: where nobody ends above ϑ or behind a maximum, which is most of the time, nothing more is
    /// asked; that takes a quarter of the instructions.
    #[inline(always)]
    pub fn reaching<const L: usize>(self, lanes: &Lanes<L>, flow: &Flow) -> u32 {
        let mut asked = 0u64;
        for lane in 0..L {
            let start = State {
                v: lanes.v[lane],
                i: lanes.i[lane],
            };
            let (end, theta) = (start.after(flow), lanes.theta[lane]);
            let behind = (end.i < end.v) & (end.v >= theta * flow.decay_mem);
            // What is not a number is not below.
            let below = end.v < theta;
            asked |= u64::from(behind | !below);
        }
        if asked == 0 {
            return 0;
        }
        let mut reached = [0u64; L];
        for lane in 0..L {
            let start = State {
                v: lanes.v[lane],
                i: lanes.i[lane],
            };
            reached[lane] = u64::from(self.reaches(start, lanes.theta[lane], flow));
        }
        (0..L).fold(0, |bits, lane| bits | (reached[lane] as u32) << lane)
    }

    /// y at the crossings of neurons that [`Self::reaches`] is true of, and not at their thresholds
    /// yet. `high` is 1, or 0 for lanes without a neuron.
    ///
    /// Steps in y, in which V is a concave polynomial, each to the root of the cubic that touches it,
    /// which makes the digits fourfold. A lane whose bracket has closed stays where it is.
    #[inline(always)]
    pub fn crossings<const L: usize>(
        self,
        lanes: &Lanes<L>,
        mut high: [f64; L],
        iterations: &mut u64,
    ) -> [f64; L] {
        let Lanes { v, i, theta } = lanes;
        let r = f64::from(self.ratio);
        let (mut low, mut y) = ([0.0; L], [0.0; L]);
        for _ in 0..ITERATIONS_MAX {
            let mut open = [0u64; L];
            for lane in 0..L {
                open[lane] = u64::from(low[lane] < high[lane]);
            }
            let open = open.iter().sum::<u64>();
            if open == 0 {
                break;
            }
            *iterations += open;
            for lane in 0..L {
                let now = y[lane];
                let share = i[lane] * self.share;
                let x = 1.0 - now;
                let powers = self.powers(x);
                // [F9] V₀ x + I₀/(r − 1) · x y (1 + x + … + x^{r−2}) − ϑ
                let value = v[lane] * x + share * x * now * powers.sum - theta[lane];
                let slope = share * (r * powers.last * x - 1.0) - v[lane];
                let curvature = -share * r * (r - 1.0) * powers.last;
                let third = share * r * (r - 1.0) * (r - 2.0) * powers.before_last;
                let before = (value < 0.0) & (slope > 0.0);
                let (below, above) = if before {
                    (now, high[lane])
                } else {
                    (low[lane], now)
                };
                let parabola = parabola_step(value, slope, curvature);
                let cubic = third * parabola * parabola * parabola / 6.0;
                let step = parabola - cubic / (slope + curvature * parabola);
                let next = inside(now + step, below, above);
                // What is left is |V⁗| step⁴ / (24 |V′|), with |V⁗| ≤ share r⁴.
                let moved = next - now;
                let square = moved * moved * r * r;
                let found = square * square * share <= 24.0 * f64::EPSILON * next * slope;
                y[lane] = next;
                low[lane] = if found { next } else { below };
                high[lane] = if found { next } else { above };
            }
        }
        y
    }
}

/// Powers of x in a flow and its derivatives.
struct Powers {
    /// 1 + x + … + x^{r−2}.
    sum: f64,
    /// x^{r−3}; 0 for r = 2, where nothing needs it.
    before_last: f64,
    /// x^{r−2}.
    last: f64,
}

#[cfg(test)]
mod tests {
    use super::{Decay, IntegerRatio, Lanes};
    use crate::neuron::flow::Flow;

    /// `[F1]` `[F2]` against the formula with two exponentials, which is right to a few roundings; a power
    /// of r factors has r roundings.
    #[test]
    fn flows_are_those_of_two_exponentials() {
        for ratio in [2, 3, 4, 7, 16] {
            let tau_mem = 5.0 * f64::from(ratio);
            let integer_ratio = IntegerRatio::of(tau_mem, 5.0).unwrap();
            for t in [1e-9, 0.3, 4.0, 30.0, 200.0] {
                let found = integer_ratio.flow(Decay::over(t / tau_mem));
                let expected = Flow::over(t, tau_mem, 5.0);
                let close = |a: f64, b: f64| {
                    // The exponent t/τ_syn has half a rounding, and so has r t/τ_mem.
                    let noise = 4.0 * f64::from(ratio) + t / 5.0;
                    (a - b).abs() <= noise * f64::EPSILON * b
                };
                assert!(close(found.decay_mem, expected.decay_mem));
                assert!(close(found.decay_syn, expected.decay_syn), "{ratio} {t}");
                assert!(close(found.current_to_voltage, expected.current_to_voltage));
                assert!(close(found.adjoint_coupling, expected.adjoint_coupling));
            }
        }
        assert_eq!(IntegerRatio::of(5.0, 5.0), None);
        assert_eq!(IntegerRatio::of(12.0, 5.0), None);
        assert_eq!(IntegerRatio::of(85.0, 5.0), None);
    }

    /// The result of a lane does not depend on its neighbours, to the last bit, and each lane counts for
    /// itself.
    #[test]
    fn lanes_do_not_hear_each_other() {
        let integer_ratio = IntegerRatio::of(20.0, 5.0).unwrap();
        let lanes = Lanes {
            v: [0.0, 0.9, -3.0, 0.5, 0.0, 0.0, 0.2, 0.0],
            i: [8.0, 1.5, 90.0, 4.0, 6.350_001, 1e9, 20.0, 0.0],
            theta: [1.0; 8],
        };
        let mut high = [1.0; 8];
        high[7] = 0.0;
        let mut together = 0;
        let found = integer_ratio.crossings(&lanes, high, &mut together);
        let mut each = 0;
        for lane in 0..8 {
            let alone = Lanes {
                v: [lanes.v[lane]],
                i: [lanes.i[lane]],
                theta: [1.0],
            };
            assert_eq!(
                integer_ratio.crossings(&alone, [high[lane]], &mut each),
                [found[lane]]
            );
        }
        assert_eq!(together, each);
        assert_eq!(found[7], 0.0);
    }
}
