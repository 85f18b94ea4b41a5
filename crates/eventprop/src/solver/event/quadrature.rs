//! Nodes of the output voltages: Gauss–Legendre points of every smooth piece.
//!
//! A loss ∫ l(t, V(t)) dt is smooth between arrivals at the outputs (and between input spikes, at
//! which the weight of the input-weighted loss jumps), so those times, 0 and T are borders. A stretch
//! between two borders of length h is cut into ⌈h/p⌉ equal pieces, where 1/p is the largest of
//!
//! - 1/τ for the time constants of the outputs: the decays of V and of the adjoint,
//! - 16/T: the weights of the losses (e^{−t/T}, a sigmoid of width T/5),
//! - max_j (|I_j| + |V_j|)/τ_mem,j: no voltage moves by more than 1 in a piece, which is what a
//!   softmax of the voltages asks for.
//!
//! **Error.** The n-point rule on a piece of length h errs by at most
//! (32/15) h M ρ^{−2n}/(1 − ρ^{−2}), where |l| ≤ M on the ellipse around the piece with foci at its
//! ends and semi-axes (ρ ± 1/ρ) h/4 (Trefethen 2013, theorem 19.3). With h = p and n = 8:
//!
//! - e^{−t/τ}: entire, M ≤ e^{ρ/4} at ρ = 64 gives 3e-22 h; the accumulators of `sum_weigh_input` and
//!   `sum_weigh_late` may have a shorter τ than p: at τ = p/4 M ≤ e^ρ, and ρ = 16 gives 5e-13 h;
//! - the sigmoid: poles at distance π T/5 ≥ 10 p, ρ ≥ 40, hence M ρ^{−16} ≤ 3e-26 M;
//! - a softmax of voltages: a pole needs a difference of two voltages to turn by π; it moves by at
//!   most 2 in a piece, so the poles are at π/2 p or farther, ρ ≥ 6.3, hence 2e-13 M at worst, and
//!   far less where currents have decayed or h < p.
//!
//! Both ρ and the exponent leave room in shorter pieces: with u = h/p, ρ grows like 1/u, so 4 points
//! at u ≤ 1/16 err by (16 · 6.3)^{−8} = 1e-16 and 2 points at u ≤ 1/1024 by (1024 · 6.3)^{−4} = 6e-16,
//! relative to M h. The gradient has the same bounds: its integrand is the product of ∂l/∂V and the
//! flow.

/// Nodes of a rule on [−1, 1], the positive half, ascending, with their weights.
type Half = &'static [(f64, f64)];

const POINTS_2: Half = &[(0.577_350_269_189_625_8, 1.0)];
const POINTS_4: Half = &[
    (0.339_981_043_584_856_26, 0.652_145_154_862_546_1),
    (0.861_136_311_594_052_6, 0.347_854_845_137_453_86),
];
const POINTS_8: Half = &[
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_27),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// Most pieces of one stretch; reached only by voltages that move by hundreds of thresholds.
const PIECES_MAX: f64 = 256.0;

/// Cuts of a stretch between two borders: `pieces` of equal length, the same rule in each.
#[derive(Debug, Clone, Copy)]
pub(in crate::solver) struct Cut {
    /// Number of pieces.
    pub pieces: usize,
    /// Length of a piece in ms.
    pub length_ms: f64,
    half: Half,
}

impl Cut {
    /// Cuts a stretch of `length_ms` where `per_ms` is 1/p.
    pub fn new(length_ms: f64, per_ms: f64) -> Self {
        let wanted = length_ms * per_ms;
        // What is not a number (a diverged voltage) is found by the solver elsewhere.
        let pieces = wanted.ceil().clamp(1.0, PIECES_MAX);
        let half = match wanted / pieces {
            u if u <= 1.0 / 1024.0 => POINTS_2,
            u if u <= 1.0 / 16.0 => POINTS_4,
            _ => POINTS_8,
        };
        Self {
            pieces: pieces as usize,
            length_ms: length_ms / pieces,
            half,
        }
    }

    /// The nodes of a piece: (time from its start, width) in ms, ascending.
    pub fn nodes(&self) -> impl Iterator<Item = (f64, f64)> + use<> {
        let (half, scale) = (self.half, 0.5 * self.length_ms);
        let left = half.iter().rev().map(|&(x, w)| (-x, w));
        let right = half.iter().copied();
        left.chain(right)
            .map(move |(x, w)| (scale * (1.0 + x), scale * w))
    }
}

#[cfg(test)]
mod tests {
    use super::Cut;

    /// A rule of n points integrates polynomials up to degree 2n − 1 to a few roundings.
    #[test]
    fn rules_have_their_degree() {
        for (u, points) in [(1e-4, 2i32), (0.05, 4), (1.0, 8)] {
            let cut = Cut::new(1.0, u);
            assert_eq!((cut.pieces, cut.nodes().count()), (1, points as usize));
            for degree in 0..2 * points {
                let sum: f64 = cut.nodes().map(|(t, width)| width * t.powi(degree)).sum();
                let exact = 1.0 / f64::from(degree + 1);
                assert!(
                    (sum - exact).abs() < 4.0 * f64::EPSILON,
                    "{points} {degree}"
                );
            }
        }
    }

    /// The worst functions of the module's words, at the longest piece: the error is below the bound
    /// stated there, and rounding (2⁻⁵⁰) where the bound is smaller.
    #[test]
    fn errors_are_below_the_stated_bound() {
        let cut = Cut::new(1.0, 1.0);
        let sum = |f: &dyn Fn(f64) -> f64| cut.nodes().map(|(t, w)| w * f(t)).sum::<f64>();
        let rounding = 4.0 * f64::EPSILON;
        assert!((sum(&|t| (-t).exp()) - (1.0 - (-1.0f64).exp())).abs() < rounding);
        // ∫ log(1 + e^{2(t − ½)}) dt, a softmax of voltages whose difference moves by 2, against
        // pieces of a quarter, whose own error is below 25^{−16}.
        let softplus = |t: f64| (2.0 * (t - 0.5)).exp().ln_1p();
        let fine = Cut::new(0.25, 4.0);
        let exact: f64 = (0..4)
            .flat_map(|n| fine.nodes().map(move |(t, w)| (t + 0.25 * f64::from(n), w)))
            .map(|(t, w)| w * softplus(t))
            .sum();
        assert!((sum(&softplus) - exact).abs() < 2e-13 * 2.2);
    }
}
