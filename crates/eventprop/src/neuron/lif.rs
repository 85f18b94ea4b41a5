//! Leaky integrate-and-fire neurons.
//!
//! Forward, per neuron (Wunderlich & Pehle 2021, eq. 1; this project's symbols):
//! - `[F3]` a spike happens when V reaches ϑ from below,
//! - `[F4]` then V is set to V_reset, and the drive J = I − V just before is remembered,
//! - `[F5]` a spike arriving over a synapse of weight w adds w to I.
//!
//! Backward:
//! - `[A3]` at a spike: λ_V⁻ = λ_V⁺ + ((ϑ − V_reset) λ_V⁺ + R + ∂L/∂t) / J, with R the sum over the
//!   outgoing synapses of w (λ_V − λ_I) of the target at the arrival,
//! - `[A4]` at an arrival, λ_V and λ_I of the target are unchanged, and the synapse collects
//!   `[G1]` ∂L/∂w = −τ_syn Σ λ_I.

use crate::real::Real;

/// `[A3]` λ_V just before a spike, from λ_V just after it.
///
/// `theta_above_reset` is ϑ − V_reset; `backflow` is R + ∂L/∂t; `drive` is J.
#[inline(always)]
pub fn adjoint_jump<F: Real>(lambda_v_plus: F, theta_above_reset: F, backflow: F, drive: F) -> F {
    lambda_v_plus + (theta_above_reset * lambda_v_plus + backflow) / drive
}

/// `[A4]` What one synapse of weight `w` adds to R of its source at an arrival: w (λ_V − λ_I) of the target.
#[inline(always)]
pub fn backflow<F: Real>(w: F, lambda_v: F, lambda_i: F) -> F {
    w * (lambda_v - lambda_i)
}
