//! Exponential decays and the times that they take: without a branch, so that loops over
//! neurons are loops over vectors, and with the same bits on every processor.
//!
//! e^{−z} = 2^k e^r with a whole number k and |r| ≤ log 2/2, and e^r − 1 is its series. The other way
//! round, x = 2^k m with m in [√½, √2) and log m = 2 artanh(s), s = (m − 1)/(m + 1), is its series. Both
//! series end where the next term is below a quarter of a rounding.

use std::f64::consts::{FRAC_1_SQRT_2, LOG2_E};

/// log 2 to 32 binary digits: a multiple by a whole number below 2¹¹ has no rounding.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
/// log 2 less [`LN_2_HIGH`].
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// A number beside which halves are rounded away; its last binary digits then count what was added.
const COUNTER: f64 = 6_755_399_441_055_744.0;
/// The first bit of the exponent of a number, and the exponent of 1.
const EXPONENT_AT: u32 = 52;
const EXPONENT_OF_ONE: u64 = 1023;
/// Beyond this, 2^k would leave the normal numbers.
const EXPONENT_MAX: f64 = 708.0;

/// e^{−z} and 1 − e^{−z}, each to about a unit in its last place, however small.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Decay {
    /// e^{−z}.
    pub left: f64,
    /// 1 − e^{−z}.
    pub lost: f64,
}

impl Decay {
    /// For z ≥ 0; beyond 708 as for 708, where e^{−z} is 3e-308.
    #[inline(always)]
    pub fn over(z: f64) -> Self {
        let z = if z > EXPONENT_MAX { EXPONENT_MAX } else { z };
        let counted = COUNTER - z * LOG2_E;
        let k = counted - COUNTER;
        let r = (-z - k * LN_2_HIGH) - k * LN_2_LOW;
        let above = exp_minus_1(r);
        let scale = f64::from_bits(
            counted
                .to_bits()
                .wrapping_add(EXPONENT_OF_ONE)
                .wrapping_shl(EXPONENT_AT),
        );
        Self {
            left: scale + scale * above,
            lost: (1.0 - scale) - scale * above,
        }
    }

    /// The z after which `lost` of 1 is lost, for 0 ≤ lost < 1; it has the relative accuracy of
    /// 1 − lost.
    #[inline(always)]
    pub fn exponent(lost: f64) -> f64 {
        let bits = (1.0 - lost).to_bits();
        // The exponent that leaves m in [√½, √2), more by that of one so that it is not negative.
        let biased = bits
            .wrapping_sub(FRAC_1_SQRT_2.to_bits())
            .wrapping_add(EXPONENT_OF_ONE << EXPONENT_AT)
            >> EXPONENT_AT;
        let steps = biased.wrapping_sub(EXPONENT_OF_ONE);
        let k = f64::from_bits(COUNTER.to_bits().wrapping_add(steps)) - COUNTER;
        let m = f64::from_bits(bits.wrapping_sub(steps << EXPONENT_AT));
        let above = if k == 0.0 { -lost } else { m - 1.0 };
        -(k * LN_2_HIGH + (ln_1_plus(above) + k * LN_2_LOW))
    }
}

/// e^r − 1 for |r| ≤ log 2/2: r + r²/2! + … + r¹³/13!; the next term is below 4e-18.
#[inline(always)]
fn exp_minus_1(r: f64) -> f64 {
    const C: [f64; 12] = [
        1.0 / 2.0,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ];
    let square = r * r;
    let to_4 = square * square;
    // PERF: pairs of pairs of terms do not wait for each other.
    let pair = |n: usize| C[n] + C[n + 1] * r;
    let four = |n: usize| pair(n) + pair(n + 2) * square;
    let sum = four(0) + (four(4) + four(8) * to_4) * to_4;
    r + square * sum
}

/// log(1 + a) for 1 + a in [√½, √2): with s = a/(2 + a), 2 s + 2 s³/3 + … + 2 s²¹/21; the next term is
/// below 2e-19. 2 s is written as a − s a, which keeps the digits of a.
#[inline(always)]
fn ln_1_plus(a: f64) -> f64 {
    const C: [f64; 10] = [
        2.0 / 3.0,
        2.0 / 5.0,
        2.0 / 7.0,
        2.0 / 9.0,
        2.0 / 11.0,
        2.0 / 13.0,
        2.0 / 15.0,
        2.0 / 17.0,
        2.0 / 19.0,
        2.0 / 21.0,
    ];
    let s = a / (2.0 + a);
    let square = s * s;
    let to_4 = square * square;
    let to_8 = to_4 * to_4;
    let pair = |n: usize| C[n] + C[n + 1] * square;
    let four = |n: usize| pair(n) + pair(n + 2) * to_4;
    let rest = square * (four(0) + (four(4) + pair(8) * to_8) * to_8);
    a - s * (a - rest)
}

#[cfg(test)]
mod tests {
    use super::Decay;

    /// Exponents from the smallest to those after which nothing is left.
    fn exponents() -> impl Iterator<Item = f64> {
        (0..40_000).map(|n| (f64::from(n) * 0.002 - 73.0).exp())
    }

    /// Against the system's functions, which are good to a unit in the last place, as ours are to two:
    /// one from the series and one from the sum.
    #[test]
    fn agrees_with_exp_and_expm1() {
        for z in exponents().take_while(|&z| z < 700.0) {
            let Decay { left, lost } = Decay::over(z);
            assert!(
                (left - (-z).exp()).abs() <= 3.0 * f64::EPSILON * left,
                "{z}"
            );
            assert!(
                (lost + (-z).exp_m1()).abs() <= 3.0 * f64::EPSILON * lost,
                "{z}"
            );
        }
    }

    #[test]
    fn nothing_is_lost_at_once_and_all_in_the_end() {
        assert_eq!(
            Decay::over(0.0),
            Decay {
                left: 1.0,
                lost: 0.0
            }
        );
        for z in [709.0, 1e6, f64::INFINITY] {
            let Decay { left, lost } = Decay::over(z);
            assert!((0.0..1e-307).contains(&left) && lost == 1.0, "{z}");
        }
        assert!(Decay::over(f64::NAN).left.is_nan());
        assert_eq!(Decay::exponent(0.0), 0.0);
    }

    /// Against the system's log1p; 1 − lost has half a rounding, which counts 1/(1 − lost) times.
    #[test]
    fn the_exponent_is_found_again() {
        for z in exponents().take_while(|&z| z < 30.0) {
            let lost = -(-z).exp_m1();
            let expected = -(-lost).ln_1p();
            let noise = f64::EPSILON * (3.0 * expected + 1.0 / (1.0 - lost) - 1.0);
            assert!((Decay::exponent(lost) - expected).abs() <= noise, "{z}");
        }
    }
}
