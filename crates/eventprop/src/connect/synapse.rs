//! One synapse, and what an arrival over it does.

use crate::real::Real;

/// One synapse: a spike of `source` reaches `target`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synapse {
    /// The sending neuron.
    pub source: usize,
    /// The receiving neuron.
    pub target: usize,
    /// Index of its weight in the projection.
    pub weight: usize,
}

/// `[F5]` I⁺ of the target of an arrival, from I⁻.
#[inline(always)]
pub fn arrive<F: Real>(i_minus: F, w: F) -> F {
    i_minus + w
}

/// `[A4]` The share of one synapse in R of its source at an arrival: w (λ_V − λ_I) of the target.
#[inline(always)]
pub fn backflow<F: Real>(w: F, lambda_v: F, lambda_i: F) -> F {
    w * (lambda_v - lambda_i)
}

/// `[G6]` The share of arrivals at one synapse in the derivative of its delay, from λ of the target or its sums. It is
/// that of one arrival in R: a spike that is sent later and one that travels longer arrive alike.
#[inline(always)]
pub fn by_delay<F: Real>(w: F, lambda_v: F, lambda_i: F) -> F {
    backflow(w, lambda_v, lambda_i)
}

/// `[G1]` The share of arrivals at one synapse in the derivative of its weight, from the λ_I of the target or
/// their sum.
#[inline(always)]
pub fn by_weight<F: Real>(tau_syn: F, lambda_i: F) -> F {
    -(tau_syn * lambda_i)
}

/// `[G7]` ∂L/∂t of an input spike of amplitude a, from its R with a = 1.
#[inline(always)]
pub fn by_time<F: Real>(amplitude: F, backflow: F) -> F {
    // [G7] ∂L/∂t = a R
    amplitude * backflow
}
