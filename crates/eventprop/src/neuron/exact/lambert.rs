//! The principal branch W₀ of Lambert's function where a spike needs it.

use std::f64::consts::E;

/// Bound on the iterations; the start is good enough for three.
const ITERATIONS_MAX: usize = 8;

/// W₀(x), the solution w ≥ −1 of w eʷ = x, for −1/e ≤ x ≤ 0. An `x` below −1/e by rounding gives −1.
///
/// The start is the series at the branch point (Corless et al. 1996, eq. 4.22) or the one at zero,
/// the iteration Halley's (their eq. 5.9).
pub(crate) fn lambert_w0(x: f64) -> f64 {
    let distance = 2.0 * (1.0 + E * x);
    if distance <= 0.0 {
        return -1.0;
    }
    let mut w = if x < -0.2 {
        let p = distance.sqrt();
        -1.0 + p * (1.0 + p * (-1.0 / 3.0 + p * (11.0 / 72.0 - p * (43.0 / 540.0))))
    } else {
        x * (1.0 - x * (1.0 - x * (1.5 - x * (8.0 / 3.0))))
    };
    for _ in 0..ITERATIONS_MAX {
        let exp = w.exp();
        let residual = w * exp - x;
        let slope = exp * (w + 1.0);
        if slope <= 0.0 {
            return -1.0;
        }
        let step = residual / (slope - residual * (w + 2.0) / (2.0 * (w + 1.0)));
        w -= step;
        // Halley's iteration triples the digits: what is left is below the cube of the step.
        if step.abs() <= 1e-6 * (w + 1.0) {
            break;
        }
    }
    w.max(-1.0)
}

#[cfg(test)]
mod tests {
    use super::lambert_w0;

    /// Against the crate `lambert_w`. Close to the branch point W₀ ≈ −1 + √(2(1 + e x)): an error of
    /// ε in x is one of ε e / p in W, with p the root, so the tolerance is that.
    #[test]
    fn agrees_with_another_implementation() {
        let branch = -(-1.0f64).exp();
        for n in 1..=4000 {
            let x = branch * (1.0 - f64::from(n) / 4000.0);
            let p = (2.0 * (1.0 + std::f64::consts::E * x)).max(1e-16).sqrt();
            let tolerance = 8.0 * f64::EPSILON * (1.0 + 1.0 / p);
            let expected = lambert_w::lambert_w0(x);
            assert!((lambert_w0(x) - expected).abs() <= tolerance, "{x}");
        }
        for x in [-1e-3, -1e-8, -1e-100, -f64::MIN_POSITIVE] {
            let expected = lambert_w::lambert_w0(x);
            assert!((lambert_w0(x) - expected).abs() <= 4.0 * f64::EPSILON * expected.abs());
        }
        assert_eq!(lambert_w0(0.0), 0.0);
        assert_eq!(lambert_w0(-0.4), -1.0);
    }
}
