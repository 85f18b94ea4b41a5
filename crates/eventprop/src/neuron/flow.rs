//! The flow between events, shared by all models with an exponential synaptic current.
//!
//! `[F1]` τ_mem V' = −V + I    `[F2]` τ_syn I' = −I
//!
//! and, backwards in time, with the driving term A of the loss held constant,
//!
//! `[A1]` τ_mem λ_V' = −λ_V + A    `[A2]` τ_syn λ_I' = −λ_I + λ_V.
//!
//! Both are solved exactly. The coupling of the two exponentials is written with the span
//! (1 − e^{−rate·t}) / rate, rate = 1/τ_syn − 1/τ_mem, which holds for every ratio of the time
//! constants; equal ones are its limit, not a special formula.

use crate::real::Real;

/// The exact flow over a time: how much of each variable survives and how much is passed on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Flow<F = f64> {
    /// e^{−t/τ_mem}.
    pub decay_mem: F,
    /// e^{−t/τ_syn}.
    pub decay_syn: F,
    /// Contribution of a unit of I to V: (e^{−t/τ_mem} − e^{−t/τ_syn}) τ_syn/(τ_mem − τ_syn).
    pub current_to_voltage: F,
    /// Contribution of a unit of λ_V to λ_I: (e^{−t/τ_mem} − e^{−t/τ_syn}) τ_mem/(τ_mem − τ_syn).
    pub adjoint_coupling: F,
}

/// Membrane potential and synaptic current of one neuron.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State<F> {
    /// V.
    pub v: F,
    /// I.
    pub i: F,
}

impl<F: Real> State<F> {
    /// The state one flow later.
    #[inline(always)]
    #[must_use]
    pub fn after(self, flow: &Flow<F>) -> Self {
        Self {
            // [F1] V(t) = e^{−t/τ_mem} V + (I → V) I
            v: self.v * flow.decay_mem + self.i * flow.current_to_voltage,
            i: current_after(self.i, flow.decay_syn),
        }
    }
}

/// `[F2]` I after a time over which `decay_syn` = e^{−t/τ_syn} of it is left.
#[inline(always)]
pub fn current_after<F: Real>(i: F, decay_syn: F) -> F {
    i * decay_syn
}

/// The adjoints of the membrane potential and the synaptic current of one neuron.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lambda<F> {
    /// λ_V.
    pub v: F,
    /// λ_I.
    pub i: F,
}

impl<F: Real> Lambda<F> {
    /// λ one flow earlier, with A = 0.
    #[inline(always)]
    #[must_use]
    pub fn before(self, flow: &Flow<F>) -> Self {
        self.back(flow, None)
    }

    /// λ one flow earlier, under the driving term A.
    #[inline(always)]
    #[must_use]
    pub fn before_driven(self, flow: &Flow<F>, a: F) -> Self {
        self.back(flow, Some(a))
    }

    /// `[A1]` `[A2]` with or without a driving term, which the compiler knows wherever this is called.
    #[inline(always)]
    fn back(self, flow: &Flow<F>, a: Option<F>) -> Self {
        let above = match a {
            Some(a) => Self {
                v: self.v - a,
                i: self.i - a,
            },
            None => self,
        };
        let (v, i) = (above.v * flow.decay_mem, above.i * flow.decay_syn);
        let (v, i) = match a {
            Some(a) => (a + v, a + i),
            None => (v, i),
        };
        Self {
            // [A1] λ_V ← A + (λ_V − A) e^{−t/τ_mem}
            v,
            // [A2] λ_I ← A + (λ_I − A) e^{−t/τ_syn} + (λ_V − A) (λ_V → λ_I), with the λ_V of the later end
            i: i + above.v * flow.adjoint_coupling,
        }
    }
}

impl Flow {
    /// The nearest numbers of another type.
    pub fn cast<F: Real>(&self) -> Flow<F> {
        Flow {
            decay_mem: F::from_f64(self.decay_mem),
            decay_syn: F::from_f64(self.decay_syn),
            current_to_voltage: F::from_f64(self.current_to_voltage),
            adjoint_coupling: F::from_f64(self.adjoint_coupling),
        }
    }
}

impl Flow {
    /// The flow over `t` ms for time constants in ms.
    #[inline]
    pub fn over(t: f64, tau_mem: f64, tau_syn: f64) -> Self {
        let decay_mem = (-t / tau_mem).exp();
        let decay_syn = (-t / tau_syn).exp();
        // 1/τ_syn − 1/τ_mem, without cancelling when the two nearly agree.
        let rate = (tau_mem - tau_syn) / (tau_mem * tau_syn);
        let transfer = if rate == 0.0 {
            decay_mem * t
        } else if rate > 0.0 {
            decay_mem * (-(-rate * t).exp_m1() / rate)
        } else {
            decay_syn * ((rate * t).exp_m1() / rate)
        };
        Self {
            decay_mem,
            decay_syn,
            current_to_voltage: transfer / tau_mem,
            adjoint_coupling: transfer / tau_syn,
        }
    }
}

/// A stretch of the adjoint of a membrane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Its length in ms.
    pub ms: f64,
    /// τ_mem in ms.
    pub tau_mem: f64,
}

impl Stretch {
    /// `[G9]` ∂L/∂I_ext of a current into τ_mem V' over the stretch, from λ_V at its end and the driving term A.
    pub fn by_current(self, lambda_v: f64, a: f64) -> f64 {
        let lost = -(-self.ms / self.tau_mem).exp_m1();
        // [G9] ∂L/∂I_ext = −∫ λ_V dt = −(A h + (λ_V − A) τ_mem (1 − D_mem))
        -(a * self.ms + (lambda_v - a) * self.tau_mem * lost)
    }
}

#[cfg(test)]
mod tests {
    use super::{Flow, Lambda, State};

    /// `[F1]` `[A1]`: against the plain two-exponential formula where that is well conditioned. It
    /// subtracts numbers of order one, so it is itself right to a few ε / |1 − τ_syn/τ_mem|.
    #[test]
    fn agrees_with_the_two_exponential_formula() {
        for (t, tau_mem, tau_syn) in [(1.0, 20.0, 5.0), (3.0, 5.0, 20.0), (0.1, 10.0, 7.0)] {
            let flow = Flow::over(t, tau_mem, tau_syn);
            let (a, b) = ((-t / tau_mem).exp(), (-t / tau_syn).exp());
            let plain = (a - b) * tau_syn / (tau_mem - tau_syn);
            let tolerance = 8.0 * f64::EPSILON / (1.0 - tau_syn / tau_mem).abs();
            assert!((flow.current_to_voltage - plain).abs() < tolerance);
            let plain = (a - b) * tau_mem / (tau_mem - tau_syn);
            let tolerance =
                8.0 * f64::EPSILON / (1.0 - tau_syn / tau_mem).abs() * tau_mem / tau_syn;
            assert!((flow.adjoint_coupling - plain).abs() < tolerance);
        }
    }

    /// `[F2]` `[A2]`: near equality the coupling is t e^{−t/τ}/τ (1 + rate·t/2 + …); with
    /// rate·t = t δ/τ² ≤ 5e-10 the next term is below 1e-18.
    #[test]
    fn nearly_equal_time_constants_are_exact_to_rounding() {
        let (t, tau) = (2.0f64, 10.0);
        for delta in [0.0, 1e-12, -1e-12, 1e-9, -1e-9, 1e-8] {
            let tau_mem = tau + delta;
            let rate = (tau_mem - tau) / (tau_mem * tau);
            let expected = t * (-t / tau_mem).exp() / tau_mem * (1.0 - rate * t / 2.0);
            let flow = Flow::over(t, tau_mem, tau);
            assert!((flow.current_to_voltage - expected).abs() < 4.0 * f64::EPSILON * expected);
        }
    }

    /// The flow over s + t is the flow over s followed by the flow over t.
    #[test]
    fn composes() {
        for (tau_mem, tau_syn) in [(20.0, 5.0), (5.0, 5.0), (4.0, 9.0), (10.0, 5.0)] {
            let (first, second, both) = (
                Flow::over(1.3, tau_mem, tau_syn),
                Flow::over(0.4, tau_mem, tau_syn),
                Flow::over(1.7, tau_mem, tau_syn),
            );
            let start = State { v: 0.3, i: 1.1 };
            let (found, direct) = (start.after(&first).after(&second), start.after(&both));
            // A handful of roundings of numbers below one.
            assert!((found.v - direct.v).abs() < 16.0 * f64::EPSILON);
            // Likewise of numbers below 4, τ_mem/τ_syn being at most that.
            let end = Lambda { v: 0.3, i: 1.1 };
            let (found, direct) = (end.before(&second).before(&first), end.before(&both));
            assert!((found.i - direct.i).abs() < 64.0 * f64::EPSILON);
            // A constant drive is a fixed point that λ approaches as it decays without one.
            let shifted = Lambda { v: 1.0, i: 1.8 }.before_driven(&both, 0.7);
            assert!((shifted.v - 0.7 - direct.v).abs() < 16.0 * f64::EPSILON);
            assert!((shifted.i - 0.7 - direct.i).abs() < 64.0 * f64::EPSILON);
        }
    }
}
