//! Leaky integrators: the flow of `[F1]` and `[F2]` without a threshold. They never spike, so their
//! adjoint has no jumps of its own; the loss drives it through A in `[A1]` or, for a voltage peak,
//!
//! `[A5]` λ_V⁻ = λ_V⁺ − ∂L/∂V_max / τ_mem at the time of the peak.

use crate::real::Real;

/// `[A5]` λ_V just before a peak of the voltage; `minus_dl_dv` is −∂L/∂V_max.
#[inline(always)]
pub fn adjoint_peak<F: Real>(lambda_v_plus: F, minus_dl_dv: F, tau_mem: F) -> F {
    lambda_v_plus + minus_dl_dv / tau_mem
}
