//! `[G1]` on the grid: weight gradients, gathered from traces of λ_I.
//!
//! ∂L/∂w = −τ_syn Σ λ_I of the target over the arrivals of the spikes of the source.

use super::convolution::{Convolved, Row};
use super::dense::rows;
use super::one_to_one::OneToOne;
use super::places::{Onto, Place, Places, Source};
use super::sparse::Sparse;
use super::synapse::by_weight;
use super::trace::Column;
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
            Kind::Convolved(convolved) => convolved.place_len(),
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
            _ => vectorized(self),
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
            Kind::Convolved(convolved) => {
                convolved.gather_rows(self.from, self.first, self.onto, self.gradient);
            }
        }
    }
}

impl Convolved {
    /// `[G1]` for some places of the kernel, beginning with the weight `first`: of every row of a source one sum over its
    /// spikes, added to the weights of the row.
    #[inline(always)]
    fn gather_rows<F: Real, P: Places>(
        &self,
        from: Source<'_, F, P>,
        first: usize,
        onto: Onto,
        gradient: &mut [F],
    ) {
        if onto == Onto::Zero {
            gradient.fill(F::ZERO);
        }
        let (width, end) = (self.width(), first + gradient.len());
        for source in 0..self.sources() {
            let spikes = from.group.of(source);
            if spikes.is_empty() {
                continue;
            }
            let wanted = |row: &Row| (first..end).contains(&row.weight);
            for row in self.rows(source).filter(wanted) {
                let gradient = &mut gradient[row.weight - first..][..width];
                let mut done = 0;
                while done < width {
                    let target = row.target + done;
                    let (column, room) = from.trace.piece(target);
                    let rest = &mut gradient[done..width.min(done + room)];
                    let at = At { column, target };
                    done += match rest.len() {
                        32.. => from.add_columns::<32>(spikes, at, rest),
                        16.. => from.add_columns::<16>(spikes, at, rest),
                        8.. => from.add_columns::<8>(spikes, at, rest),
                        _ => from.add_columns::<1>(spikes, at, rest),
                    };
                }
            }
        }
    }
}

/// A target, and where it lies in a trace.
#[derive(Clone, Copy)]
struct At {
    column: Column,
    target: usize,
}

impl<F: Real, P: Places> Source<'_, F, P> {
    /// `[G1]` adds to the derivatives of W neighbouring synapses of a source what its spikes bring them; returns W.
    #[inline(always)]
    fn add_columns<const W: usize>(self, spikes: &[u32], at: At, gradient: &mut [F]) -> usize {
        let mut sum = [F::ZERO; W];
        for &spike in spikes {
            let Place { sample, row } = self.places.of(spike);
            let lambda_i = self.trace.behind_column(at.column, sample, row);
            let lambda_i = lambda_i.first_chunk::<W>();
            let lambda_i = lambda_i.expect("neighbours of a block lie side by side");
            for n in 0..W {
                sum[n] += lambda_i[n];
            }
        }
        let tau_syn = &self.tau_syn[at.target..at.target + W];
        for ((dl_dw, tau_syn), sum) in gradient.iter_mut().zip(tau_syn).zip(sum) {
            *dl_dw += by_weight(*tau_syn, sum);
        }
        W
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
