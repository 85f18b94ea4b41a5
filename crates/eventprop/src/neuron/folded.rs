//! A [`Sensitivity`] for steps, which are many and alike: the products of constants stand in advance.

use super::flow::{Lambda, State};
use super::sensitivity::{ByTau, Sensitivity};
use crate::real::Real;

/// Products of the constants in `[G2]` and `[G3]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Folded<F> {
    /// Of λ_V V in `[G2]`: −τ_mem ∂D_mem/∂τ_mem.
    pub mem_by_v: F,
    /// Of λ_V I in `[G2]`: −τ_mem ∂C/∂τ_mem.
    pub mem_by_i: F,
    /// Of λ_V I in `[G3]`: −τ_mem ∂C/∂τ_syn.
    pub syn_by_lambda_v: F,
    /// Of λ_I I in `[G3]`: −τ_syn ∂D_syn/∂τ_syn.
    pub syn_by_lambda_i: F,
}

impl<F: Real> Folded<F> {
    /// The products for a sensitivity.
    pub fn of(sensitivity: &Sensitivity) -> Self {
        let Sensitivity {
            tau_mem, tau_syn, ..
        } = *sensitivity;
        Self {
            mem_by_v: F::from_f64(-tau_mem * sensitivity.decay_mem),
            mem_by_i: F::from_f64(-tau_mem * sensitivity.coupling_mem),
            syn_by_lambda_v: F::from_f64(-tau_mem * sensitivity.coupling_syn),
            syn_by_lambda_i: F::from_f64(-tau_syn * sensitivity.decay_syn),
        }
    }

    /// `[G2]` `[G3]` as [`Sensitivity::gradient`].
    #[inline(always)]
    pub fn gradient(&self, start: State<F>, end: Lambda<F>) -> ByTau<F> {
        ByTau {
            mem: end.v * (start.v * self.mem_by_v + start.i * self.mem_by_i),
            syn: (end.v * self.syn_by_lambda_v + end.i * self.syn_by_lambda_i) * start.i,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Folded, Sensitivity};
    use crate::neuron::flow::{Lambda, State};

    /// `[G2]` `[G3]`: the products in advance change a few roundings.
    #[test]
    fn folded_sensitivities_give_the_same() {
        let sensitivity = Sensitivity::over(0.7, 20.0, 5.0);
        let (start, end) = (State { v: 0.4, i: 2.5 }, Lambda { v: -0.3, i: 0.8 });
        let expected = sensitivity.gradient(start, end);
        let found = Folded::<f64>::of(&sensitivity).gradient(start, end);
        // Of each sum: the larger term is below twice the result.
        assert!((found.mem - expected.mem).abs() < 16.0 * f64::EPSILON * expected.mem.abs());
        assert!((found.syn - expected.syn).abs() < 16.0 * f64::EPSILON * expected.syn.abs());
    }
}
