//! The Hankel function H₀⁽¹⁾ in the first quadrant of the complex plane.
//!
//! Below |z| = 1 its power series; above, the trapezoid rule on the integral of K₀, which converges
//! exponentially and never adds J₀ and jY₀, which cancel far from the real axis.

use std::f64::consts::{FRAC_2_PI, PI};

use num_complex::Complex64;

const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// Terms of the power series: at |z| = 1 the first one left out is (1/4)¹⁵/15!² ≈ 5e-34.
const SERIES_TERMS: u32 = 15;

/// The principal square root; its real part is not negative.
#[inline]
pub(crate) fn sqrt(z: Complex64) -> Complex64 {
    let length = (z.re * z.re + z.im * z.im).sqrt();
    if length == 0.0 {
        return Complex64::new(0.0, 0.0);
    }
    if z.re >= 0.0 {
        let re = (0.5 * (length + z.re)).sqrt();
        Complex64::new(re, 0.5 * z.im / re)
    } else {
        let im = (0.5 * (length - z.re)).sqrt();
        Complex64::new(0.5 * z.im.abs() / im, im.copysign(z.im))
    }
}

/// `[E8]` H₀⁽¹⁾(z) for z ≠ 0 with real and imaginary part not negative.
///
/// The relative error is below 1e-13 for |z| up to 110, the largest that the model meets being 74.
pub fn hankel0(z: Complex64) -> Complex64 {
    let size = z.norm_sqr();
    if size < 1.0 {
        series(z)
    } else if size < 6.5 * 6.5 {
        trapezoid::<30>(z, 0.2)
    } else {
        trapezoid::<12>(z, 0.5)
    }
}

/// J₀ + jY₀ by their power series.
fn series(z: Complex64) -> Complex64 {
    let q = -0.25 * z * z;
    let mut term = Complex64::new(1.0, 0.0);
    let (mut j0, mut harmonic_sum) = (term, Complex64::new(0.0, 0.0));
    let mut harmonic = 0.0;
    for k in 1..=SERIES_TERMS {
        let k = f64::from(k);
        term *= q / (k * k);
        harmonic += 1.0 / k;
        j0 += term;
        harmonic_sum += term * harmonic;
    }
    let log = Complex64::new(
        0.5 * (0.25 * z.norm_sqr()).ln() + EULER_GAMMA,
        z.im.atan2(z.re),
    );
    let y0 = FRAC_2_PI * (log * j0 - harmonic_sum);
    j0 + Complex64::new(-y0.im, y0.re)
}

/// −(2j/π) K₀(κ) with κ = −jz, by the trapezoid rule with `TERMS` steps of `step`.
fn trapezoid<const TERMS: usize>(z: Complex64, step: f64) -> Complex64 {
    let kappa = Complex64::new(z.im, -z.re);
    let half_inverse = 0.5 * kappa.inv();
    let mut sum = Complex64::new(0.0, 0.0);
    for i in 1..=TERMS {
        let square = (i as f64 * step) * (i as f64 * step);
        let root = sqrt(1.0 + square * half_inverse);
        sum += (-square).exp() / root.norm_sqr() * root.conj();
    }
    let decay = (-kappa.re).exp();
    let (sin, cos) = kappa.im.sin_cos();
    let exponential = Complex64::new(decay * cos, -decay * sin);
    let k0 = step * (1.0 + 2.0 * sum) * exponential / sqrt(2.0 * kappa);
    Complex64::new(k0.im, -k0.re) * (2.0 / PI)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Real arguments against the real Bessel functions, whose own error is about 1e-16 absolute; that is
    /// 1e-15 of |H| ≥ 0.09 up to z = 74.
    #[test]
    fn on_the_real_axis_it_is_j0_and_y0() {
        for z in [
            4.2e-4, 0.1, 0.5, 0.99, 1.0, 2.4, 6.49, 6.5, 14.3, 40.0, 74.0,
        ] {
            let found = hankel0(Complex64::new(z, 0.0));
            let expected = Complex64::new(libm::j0(z), libm::y0(z));
            assert!(
                (found - expected).norm() < 1e-13 * expected.norm(),
                "{z}: {found}"
            );
        }
    }

    /// The three ways meet where one takes over from the next; each is right to 1e-13.
    #[test]
    fn the_ways_agree_where_they_meet() {
        for angle in [0.0, 0.3, 0.8, 1.2, 1.56] {
            let at = |size: f64| Complex64::from_polar(size, angle);
            let near = trapezoid::<30>(at(1.0), 0.2);
            assert!(
                (series(at(1.0)) - near).norm() < 2e-13 * near.norm(),
                "{angle}"
            );
            let far = trapezoid::<12>(at(6.5), 0.5);
            assert!(
                (trapezoid::<30>(at(6.5), 0.2) - far).norm() < 2e-13 * far.norm(),
                "{angle}"
            );
        }
    }

    #[test]
    fn roots_are_principal() {
        for z in [
            (3.0, 4.0),
            (-3.0, 4.0),
            (-3.0, -4.0),
            (1e9, -1e-3),
            (-1e9, 1e-3),
        ] {
            let z = Complex64::new(z.0, z.1);
            let root = sqrt(z);
            assert!(
                root.re >= 0.0 && (root * root - z).norm() <= 4e-16 * z.norm(),
                "{z}"
            );
        }
        assert_eq!(sqrt(Complex64::new(0.0, 0.0)), Complex64::new(0.0, 0.0));
    }
}
