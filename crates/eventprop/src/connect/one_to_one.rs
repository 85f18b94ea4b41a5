//! Every neuron reaches the one of the same number: weights `[neuron]`.

use super::synapse::{Synapse, arrive, backflow, by_weight};
use crate::real::Real;

/// Two populations of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OneToOne {
    pub size: usize,
}

impl OneToOne {
    pub fn shape(&self) -> Vec<usize> {
        vec![self.size]
    }

    pub fn of(&self, source: usize) -> impl Iterator<Item = Synapse> + use<> {
        std::iter::once(self.at(source))
    }

    #[inline(always)]
    pub fn at(&self, source: usize) -> Synapse {
        debug_assert!(source < self.size);
        Synapse {
            source,
            target: source,
            weight: source,
        }
    }

    pub fn weight<F: Real>(&self, w: &[F], source: usize, target: usize) -> Option<F> {
        debug_assert_eq!(w.len(), self.size);
        (source == target).then(|| w[source])
    }

    /// `[F5]`
    #[inline(always)]
    pub fn deliver<F: Real>(&self, w: &[F], source: usize, i: &mut [F]) {
        debug_assert_eq!(w.len(), self.size);
        i[source] = arrive(i[source], w[source]);
    }

    /// `[A4]`
    #[inline(always)]
    pub fn backflow<F: Real>(&self, w: &[F], source: usize, lambda_v: &[F], lambda_i: &[F]) -> F {
        debug_assert_eq!(w.len(), self.size);
        backflow(w[source], lambda_v[source], lambda_i[source])
    }

    /// `[G1]`
    #[inline(always)]
    pub fn gather<F: Real>(
        &self,
        gradient: &mut [F],
        source: usize,
        tau_syn: impl Fn(usize) -> F,
        lambda_i: impl Fn(usize) -> F,
    ) {
        debug_assert_eq!(gradient.len(), self.size);
        gradient[source] += by_weight(tau_syn(source), lambda_i(source));
    }
}
