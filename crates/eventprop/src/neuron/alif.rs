//! Adaptive leaky integrate-and-fire neurons: `lif.rs` with a threshold that rises with every spike.
//!
//! Forward:
//! - `[F10]` τ_B B' = −B between spikes, and B⁺ = B⁻ + β at a spike of the neuron,
//! - `[F11]` a spike happens when V reaches ϑ + B from below. What is remembered as its drive is
//!   J = I − V + B τ_mem/τ_B, which is τ_mem times the slope of V − B.
//!
//! Backward:
//! - `[A7]` τ_B λ_B' = −λ_B between spikes,
//! - `[A8]` at a spike: λ_V⁻ = λ_V⁺ + ((ϑ + B − V_reset − B τ_mem/τ_B) λ_V⁺ − β λ_B⁺ + R + ∂L/∂t)/J and
//!   λ_B⁻ = λ_B⁺ − λ_V⁻ τ_mem/τ_B, with B = B⁻.
//!
//! For B = 0 and β = 0 this is `[A3]`.

use crate::neuron::lif;
use crate::real::Real;

/// Constants of one neuron that its spikes need.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold<F> {
    /// ϑ − V_reset.
    pub theta_above_reset: F,
    /// τ_mem/τ_B.
    pub mem_per_b: F,
    /// β.
    pub b_incr: F,
}

/// The adjoints of a neuron with an adapting threshold, on one side of a spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lambdas<F> {
    /// λ_V.
    pub v: F,
    /// λ_B.
    pub b: F,
}

/// `[F11]` the drive of a spike at the potential `v`, current `i` and threshold rise `b`.
#[inline(always)]
pub fn drive<F: Real>(i: F, v: F, b: F, mem_per_b: F) -> F {
    i - v + b * mem_per_b
}

/// `[A8]` the adjoints just before a spike, from those just after it; `b` is B just before it,
/// `backflow` is R + ∂L/∂t.
#[inline(always)]
pub fn adjoint_jump<F: Real>(
    plus: Lambdas<F>,
    threshold: Threshold<F>,
    b: F,
    (backflow, drive): (F, F),
) -> Lambdas<F> {
    let height = threshold.theta_above_reset + b - b * threshold.mem_per_b;
    let backflow = backflow - threshold.b_incr * plus.b;
    // [A3] with the height of the risen threshold
    let v = lif::adjoint_jump(plus.v, height, backflow, drive);
    Lambdas {
        v,
        b: plus.b - v * threshold.mem_per_b,
    }
}
