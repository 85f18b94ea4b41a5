//! Stochastic gradient descent.

use rayon::prelude::*;

use crate::dispatch::{Kernel, vectorized};
use crate::real::Real;
use crate::shares::CHUNK;

/// w ← w − η g.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sgd;

impl Sgd {
    pub(super) fn step<F: Real>(weights: &mut [F], gradient: &[F], eta: f64) {
        let eta = F::from_f64(eta);
        weights
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .for_each(|(weights, gradient)| {
                vectorized(Descend {
                    weights,
                    gradient,
                    eta,
                });
            });
    }
}

struct Descend<'a, F> {
    weights: &'a mut [F],
    gradient: &'a [F],
    eta: F,
}

impl<F: Real> Kernel for Descend<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (w, g) in self.weights.iter_mut().zip(self.gradient) {
            *w -= self.eta * *g;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Sgd;

    #[test]
    fn sgd_descends() {
        let mut weights = [1.0, -2.0];
        Sgd::step(&mut weights, &[0.5, -1.0], 0.5);
        assert_eq!(weights, [0.75, -1.5]);
    }
}
