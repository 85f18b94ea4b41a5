//! `[G1]` on the grid: weight gradients, gathered from traces of λ_I.
//!
//! ∂L/∂w = −τ_syn Σ λ_I of the target over the arrivals of the spikes of the source.

use super::dense::rows;
use super::one_to_one::OneToOne;
use super::places::{Onto, Place, Places, Source};
use super::sparse::Sparse;
use super::synapse::by_weight;
use super::wiring::{Kind, Synapses};
use crate::dispatch::{Kernel, vectorized, vectorized_wide};
use crate::real::Real;

/// A part of the gradient of a projection, to be gathered on its own.
pub(crate) struct Task<'a, F, P> {
    pub synapses: &'a Synapses,
    pub from: Source<'a, F, P>,
    /// Number of the first weight.
    pub first: usize,
    pub onto: Onto,
    pub gradient: &'a mut [F],
}

impl Synapses {
    /// Weights whose derivatives are gathered by one task.
    pub(crate) fn task_len(&self) -> usize {
        match &self.kind {
            Kind::Dense(dense) => dense.task_len(),
            Kind::OneToOne(one) => one.size,
            // Rows have no common length.
            Kind::Sparse(sparse) => sparse.shape()[0],
        }
    }
}

impl<F: Real, P: Places> Task<'_, F, P> {
    /// Gathers with the vectors that suit the wiring.
    ///
    /// PERF: 512 columns and more are gathered faster in vectors of 64 bytes, 256 more slowly.
    #[inline(always)]
    pub fn run_in_vectors(self) {
        match &self.synapses.kind {
            Kind::Dense(_) if self.from.trace.stride >= rows::WIDE_ROW => {
                vectorized_wide(self);
            }
            Kind::Dense(_) | Kind::OneToOne(_) | Kind::Sparse(_) => vectorized(self),
        }
    }
}

impl<F: Real, P: Places> Kernel for Task<'_, F, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match &self.synapses.kind {
            Kind::Dense(dense) => {
                dense.gather_rows(self.from, self.first, self.onto, self.gradient);
            }
            Kind::OneToOne(one) => gather_each(one, self.from, self.onto, self.gradient),
            Kind::Sparse(sparse) => sparse.gather_rows(self.from, self.onto, self.gradient),
        }
    }
}

impl Sparse {
    /// `[G1]` synapse by synapse: one sum over the arrivals of each.
    #[inline(always)]
    fn gather_rows<F: Real, P: Places>(
        &self,
        from: Source<'_, F, P>,
        onto: Onto,
        gradient: &mut [F],
    ) {
        if onto == Onto::Zero {
            gradient.fill(F::ZERO);
        }
        for source in 0..self.0.sources() {
            let spikes = from.group.of(source);
            if spikes.is_empty() {
                continue;
            }
            let (first, row) = self.row(source);
            for (dl_dw, &target) in gradient[first..first + row.len()].iter_mut().zip(row) {
                let column = from.trace.column(target as usize);
                let mut sum = F::ZERO;
                for &spike in spikes {
                    let Place { sample, row } = from.places.of(spike);
                    sum += from.trace.in_column(column, sample, row);
                }
                *dl_dw += by_weight(from.tau_syn[target as usize], sum);
            }
        }
    }
}

/// One arrival after the other.
fn gather_each<F: Real, P: Places>(
    synapses: &OneToOne,
    from: Source<'_, F, P>,
    onto: Onto,
    gradient: &mut [F],
) {
    if onto == Onto::Zero {
        gradient.fill(F::ZERO);
    }
    for source in 0..synapses.size {
        for &spike in from.group.of(source) {
            let Place { sample, row } = from.places.of(spike);
            let lambda_i = |target| from.trace.at(target, sample, row);
            synapses.gather(gradient, source, |target| from.tau_syn[target], lambda_i);
        }
    }
}
