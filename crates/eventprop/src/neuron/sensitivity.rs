//! Derivatives of the flow over a time with respect to the time constants, and the gradient made of them.
//!
//! Over a time h without events V(h) = D_mem V₀ + C I₀ and I(h) = D_syn I₀ (`flow.rs`). A change of τ_mem or τ_syn
//! changes V(h) and I(h), and from there on the adjoints tell what the loss makes of it:
//!
//! `[G2]` ∂L/∂τ_mem = −Σ τ_mem λ_V(h) (V₀ ∂D_mem/∂τ_mem + I₀ ∂C/∂τ_mem)
//!
//! `[G3]` ∂L/∂τ_syn = −Σ (τ_mem λ_V(h) I₀ ∂C/∂τ_syn + τ_syn λ_I(h) I₀ ∂D_syn/∂τ_syn)
//!
//! summed over the stretches between events (event solver) or over the steps (grid). Spikes add
//! nothing: they see the time constants only through V.
//!
//! With K₀ = ∫₀ʰ e^{−(h−s)/τ_mem − s/τ_syn} ds and K₁ = ∫₀ʰ s e^{−(h−s)/τ_mem − s/τ_syn} ds, C = K₀/τ_mem and
//! ∂C/∂τ_mem = −C/τ_mem + (h K₀ − K₁)/τ_mem³, ∂C/∂τ_syn = K₁/(τ_mem τ_syn²).

use super::flow::{Flow, Lambda, State};

/// Derivatives of a [`Flow`] with respect to the time constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensitivity {
    /// τ_mem in ms.
    pub tau_mem: f64,
    /// τ_syn in ms.
    pub tau_syn: f64,
    /// ∂D_mem/∂τ_mem, D_mem = e^{−h/τ_mem}.
    pub decay_mem: f64,
    /// ∂D_syn/∂τ_syn, D_syn = e^{−h/τ_syn}.
    pub decay_syn: f64,
    /// ∂C/∂τ_mem, C what a unit of I adds to V.
    pub coupling_mem: f64,
    /// ∂C/∂τ_syn.
    pub coupling_syn: f64,
}

impl Sensitivity {
    /// The derivatives of the flow over `t` ms.
    pub fn over(t: f64, tau_mem: f64, tau_syn: f64) -> Self {
        let flow = Flow::over(t, tau_mem, tau_syn);
        let whole = flow.current_to_voltage * tau_mem;
        let rate = (tau_mem - tau_syn) / (tau_mem * tau_syn);
        // K₁, and K₀ h − K₁, each from the decay that makes its exponent negative.
        let (first, rest) = if rate >= 0.0 {
            let first = flow.decay_mem * t * t * ramp(rate * t);
            (first, t * whole - first)
        } else {
            let rest = flow.decay_syn * t * t * ramp(-rate * t);
            (t * whole - rest, rest)
        };
        Self {
            tau_mem,
            tau_syn,
            decay_mem: flow.decay_mem * t / (tau_mem * tau_mem),
            decay_syn: flow.decay_syn * t / (tau_syn * tau_syn),
            coupling_mem: -flow.current_to_voltage / tau_mem + rest / (tau_mem * tau_mem * tau_mem),
            coupling_syn: first / (tau_mem * tau_syn * tau_syn),
        }
    }

    /// `[G2]` `[G3]` what one stretch adds to ∂L/∂τ_mem and ∂L/∂τ_syn, from V and I at its start and λ
    /// at its end.
    #[inline]
    pub fn gradient(&self, start: State<f64>, end: Lambda<f64>) -> ByTau<f64> {
        let State { v, i } = start;
        let by_voltage = self.tau_mem * end.v;
        ByTau {
            mem: -by_voltage * (v * self.decay_mem + i * self.coupling_mem),
            syn: -(by_voltage * self.coupling_syn + self.tau_syn * end.i * self.decay_syn) * i,
        }
    }
}

/// Terms of the derivatives with respect to the time constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ByTau<F> {
    /// ∂L/∂τ_mem.
    pub mem: F,
    /// ∂L/∂τ_syn.
    pub syn: F,
}

/// Below this the series of [`ramp`] is used: there the closed form subtracts numbers that agree to
/// more than x²/2 and would lose digits.
const SERIES_BELOW: f64 = 1.0;

/// ∫₀¹ s e^{−x s} ds = (1 − (1 + x) e^{−x})/x² for x ≥ 0; ½ at x = 0.
fn ramp(x: f64) -> f64 {
    if x >= SERIES_BELOW {
        return (1.0 - (1.0 + x) * (-x).exp()) / (x * x);
    }
    // Σ (−x)ⁿ/(n! (n + 2)); at x = 1 the 18th term is below 1e-17.
    let (mut power, mut sum) = (1.0, 0.0);
    for n in 0..18 {
        let n = f64::from(n);
        sum += power / (n + 2.0);
        power *= -x / (n + 1.0);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{Sensitivity, ramp};
    use crate::neuron::flow::Flow;

    /// The series and the closed form meet; the closed form loses about 2/x² ε there.
    #[test]
    fn series_and_closed_form_agree() {
        for x in [0.5f64, 0.8, 0.999] {
            let closed = (1.0 - (1.0 + x) * (-x).exp()) / (x * x);
            assert!(
                (ramp(x) - closed).abs() < 4.0 * f64::EPSILON / (x * x),
                "{x}"
            );
        }
        assert!((ramp(0.0) - 0.5).abs() < f64::EPSILON);
    }

    /// `[G2]` `[G3]`: against central differences of the flow with Richardson's extrapolation. With
    /// h = 1e-3 τ the truncation is of order (1e-3)⁴ and rounding of order ε/1e-3, both below 1e-11.
    #[test]
    fn derivatives_are_those_of_the_flow() {
        for (t, tau_mem, tau_syn) in [
            (1.0, 20.0, 5.0),
            (0.1, 20.0, 5.0),
            (30.0, 20.0, 5.0),
            (3.0, 5.0, 20.0),
            (2.0, 10.0, 10.0),
            (2.0, 10.0, 10.0 + 1e-9),
        ] {
            let found = Sensitivity::over(t, tau_mem, tau_syn);
            let difference = |of: fn(&Flow) -> f64, mem: f64, syn: f64| {
                let central = |h: f64| {
                    let at = |sign: f64| {
                        let (m, s) = (
                            tau_mem * (1.0 + sign * mem * h),
                            tau_syn * (1.0 + sign * syn * h),
                        );
                        (of(&Flow::over(t, m, s)), if mem > 0.0 { m } else { s })
                    };
                    let ((above, x), (below, y)) = (at(1.0), at(-1.0));
                    (above - below) / (x - y)
                };
                (4.0 * central(5e-4) - central(1e-3)) / 3.0
            };
            let checks = [
                (found.decay_mem, difference(|f| f.decay_mem, 1.0, 0.0)),
                (found.decay_syn, difference(|f| f.decay_syn, 0.0, 1.0)),
                (
                    found.coupling_mem,
                    difference(|f| f.current_to_voltage, 1.0, 0.0),
                ),
                (
                    found.coupling_syn,
                    difference(|f| f.current_to_voltage, 0.0, 1.0),
                ),
            ];
            for (place, (exact, difference)) in checks.into_iter().enumerate() {
                assert!(
                    (exact - difference).abs() < 1e-11,
                    "{place}: {exact} {difference} at {t} {tau_mem} {tau_syn}"
                );
            }
        }
    }
}
