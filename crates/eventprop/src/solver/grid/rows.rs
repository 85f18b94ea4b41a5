//! Loops over rows of numbers whose length is a multiple of [`LANES`].
//!
//! Populations are padded to such lengths inside the solver (the neurons beyond the last one have
//! zero weights, stay at zero and never spike), so every loop is a loop over whole vectors.

use crate::params::Params;
use crate::real::Real;

use super::plan::{Layer, Link};

/// Numbers handled together. The sums of a dot product are interleaved by this, whatever the
/// instruction set, so that the result does not depend on it.
pub(super) const LANES: usize = 8;

/// `[F5]` i += w.
#[inline(always)]
pub(super) fn add<F: Real>(i: &mut [F], w: &[F]) {
    for (i, w) in whole_mut(i).iter_mut().zip(whole(w)) {
        for lane in 0..LANES {
            i[lane] += w[lane];
        }
    }
}

/// Σ w_j d_j, in [`LANES`] interleaved sums.
#[inline(always)]
pub(super) fn dot<F: Real>(w: &[F], d: &[F]) -> F {
    let mut sums = [F::ZERO; LANES];
    for (w, d) in whole(w).iter().zip(whole(d)) {
        for lane in 0..LANES {
            sums[lane] += w[lane] * d[lane];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}

/// d = v − i.
#[inline(always)]
pub(super) fn subtract<F: Real>(v: &[F], i: &[F], d: &mut [F]) {
    for ((d, v), i) in whole_mut(d).iter_mut().zip(whole(v)).zip(whole(i)) {
        for lane in 0..LANES {
            d[lane] = v[lane] - i[lane];
        }
    }
}

/// The row as whole vectors.
#[inline(always)]
pub(super) fn whole<F>(row: &[F]) -> &[[F; LANES]] {
    row.as_chunks::<LANES>().0
}

/// The row as whole vectors, to be changed.
#[inline(always)]
pub(super) fn whole_mut<F>(row: &mut [F]) -> &mut [[F; LANES]] {
    row.as_chunks_mut::<LANES>().0
}

/// The weights of every link with rows padded to the stride of the target. Only links whose target is
/// not such a length already are copied, once per batch.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed<F> {
    copies: Vec<Vec<F>>,
}

impl<F: Real> Packed<F> {
    /// Copies what has to be copied.
    pub fn pack(&mut self, layers: &[Layer<F>], links: &[Link], params: &Params<F>) {
        self.copies.resize_with(links.len(), Vec::new);
        for (copy, link) in self.copies.iter_mut().zip(links) {
            let Layer { size, stride, .. } = layers[link.target];
            if size != stride {
                let weights = params.weights(link.id);
                copy.resize(weights.len() / size * stride, F::ZERO);
                for (row, weights) in copy.chunks_mut(stride).zip(weights.chunks(size)) {
                    row[..size].copy_from_slice(weights);
                }
            }
        }
    }

    /// The weights of every link, `[source, stride of the target]`.
    pub fn rows<'a>(
        &'a self,
        layers: &[Layer<F>],
        links: &[Link],
        params: &'a Params<F>,
    ) -> Vec<&'a [F]> {
        let rows = |(copy, link): (&'a Vec<F>, &Link)| {
            let layer = &layers[link.target];
            if layer.size == layer.stride {
                params.weights(link.id)
            } else {
                &copy[..]
            }
        };
        self.copies.iter().zip(links).map(rows).collect()
    }
}

/// The padded length of a population.
pub(super) fn stride(size: usize) -> usize {
    size.next_multiple_of(LANES)
}
