//! Leaky integrate-and-fire neurons.
//!
//! Forward, per neuron (Wunderlich & Pehle 2021, eq. 1; this project's symbols):
//! - `[F3]` a spike happens when V reaches ϑ from below,
//! - `[F4]` then V is set to V_reset, and the drive J = I − V just before is remembered.
//!
//! Backward:
//! - `[A3]` at a spike: λ_V⁻ = λ_V⁺ + ((ϑ − V_reset) λ_V⁺ + R + ∂L/∂t) / J, with R what the targets send
//!   back ([`crate::connect`]).

use crate::real::Real;

/// `[A3]` λ_V just before a spike, from λ_V just after it.
///
/// `theta_above_reset` is ϑ − V_reset; `backflow` is R + ∂L/∂t; `drive` is J.
#[inline(always)]
pub fn adjoint_jump<F: Real>(lambda_v_plus: F, theta_above_reset: F, backflow: F, drive: F) -> F {
    lambda_v_plus + (theta_above_reset * lambda_v_plus + backflow) / drive
}
