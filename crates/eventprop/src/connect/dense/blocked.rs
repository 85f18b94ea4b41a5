//! `[F5]` of dense weights for a window of steps at once: what arrives from the input is known beforehand.
//!
//! Rows are added block of columns by block of columns: PERF: a block of the weights of 700 inputs is
//! 179 KB and stays, with the currents of the window (256 KB), in a second-level cache; whole rows do
//! not (0.7 MB for 256 neurons, 14 MB for 512 neurons and ten delays).

use rayon::prelude::*;

use super::{Dense, rows};
use crate::aligned::Aligned;
use crate::connect::places::Onto;
use crate::connect::scale;
use crate::connect::trace::{self, Block};
use crate::real::Real;

/// The weights of a projection, block by block: `[block][source][column of the block]`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blocked<F> {
    copy: Aligned<F>,
    sources: usize,
}

impl<F: Real> Blocked<F> {
    /// Copies weights, on the threads of the current pool.
    pub(in crate::connect) fn pack(
        &mut self,
        &Dense { sources, targets }: &Dense,
        weights: &[F],
        factor: f64,
    ) {
        let stride = rows::stride(targets);
        self.sources = sources;
        self.copy.resize(sources * stride);
        self.copy
            .par_chunks_mut(sources * trace::BLOCK)
            .enumerate()
            .for_each(|(first, copy)| {
                let mut rest = copy;
                for block in trace::blocks(stride) {
                    if block.column / trace::BLOCK != first {
                        continue;
                    }
                    let end = targets.min(block.column + block.width);
                    let (rows, behind) = rest.split_at_mut(sources * block.width);
                    rest = behind;
                    let rows = rows.chunks_exact_mut(block.width);
                    for (row, weights) in rows.zip(weights.chunks_exact(targets)) {
                        let weights = &weights[block.column..end];
                        row[..weights.len()].copy_from_slice(weights);
                        scale(&mut row[..weights.len()], factor);
                    }
                }
            });
    }

    /// Adds what arrives to a block of the currents of a window, `[step, column of the block]`.
    #[inline(always)]
    pub fn deliver(&self, arrivals: &Arrivals<'_>, block: Block, currents: &mut [F]) {
        let weights = &self.copy[block.column * self.sources..];
        match block.width {
            64 => arrivals.add::<F, 64>(weights, currents),
            32 => arrivals.add::<F, 32>(weights, currents),
            16 => arrivals.add::<F, 16>(weights, currents),
            _ => arrivals.add::<F, 8>(weights, currents),
        }
    }
}

/// The arrivals over one projection in a window of steps.
pub(crate) struct Arrivals<'a> {
    /// Sources and steps of the spikes, in the order in which they arrive.
    pub sources: &'a [u32],
    pub when: &'a [u32],
    /// Steps from a spike to its arrival.
    pub delay: usize,
    /// The first step of the window.
    pub start: usize,
    /// Replaces or adds to the currents that are there.
    pub onto: Onto,
}

impl Arrivals<'_> {
    /// Adds the rows of W columns to the currents of the steps in which they arrive.
    #[inline(always)]
    fn add<F: Real, const W: usize>(&self, weights: &[F], currents: &mut [F]) {
        let Self {
            sources,
            when,
            delay,
            ..
        } = *self;
        let weights = weights.as_chunks::<W>().0;
        let is_first = self.onto == Onto::Zero;
        let mut next = 0;
        for (row, current) in currents.as_chunks_mut::<W>().0.iter_mut().enumerate() {
            let step = self.start + row;
            let arrives = |next: usize| next < when.len() && when[next] as usize + delay == step;
            if !is_first && !arrives(next) {
                continue;
            }
            let mut sum = if is_first { [F::ZERO; W] } else { *current };
            // [F5] I⁺ = I⁻ + w, W targets side by side
            while arrives(next) {
                let row = &weights[sources[next] as usize];
                for n in 0..W {
                    sum[n] += row[n];
                }
                next += 1;
            }
            *current = sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrivals, Blocked, Dense, Onto, rows};
    use crate::connect::trace;

    /// `[F5]`: block by block and step by step, the bits are those of one row after the other.
    #[test]
    fn a_window_gets_what_its_spikes_deliver_one_by_one() {
        let (sources, targets, steps, delay) = (5, 136, 4, 2);
        let dense = Dense { sources, targets };
        let number = |k: usize| ((k * 37 + 11) % 101) as f32 / 7.0;
        let weights: Vec<f32> = (0..sources * targets).map(number).collect();
        let mut blocked = Blocked::default();
        blocked.pack(&dense, &weights, 1.0);
        let arrivals = |onto| Arrivals {
            sources: &[3, 0, 3, 1, 4],
            when: &[8, 9, 9, 11, 12],
            delay,
            start: 10,
            onto,
        };
        for onto in [Onto::Zero, Onto::Gradient] {
            let start = if onto == Onto::Zero { 0.0 } else { 0.3 };
            let mut expected = vec![vec![start; targets]; steps];
            for (row, source) in [(0, 3), (1, 0), (1, 3), (3, 1)] {
                rows::add(&mut expected[row], &weights[source * targets..][..targets]);
            }
            for block in trace::blocks(rows::stride(targets)) {
                let mut found = vec![start; steps * block.width];
                blocked.deliver(&arrivals(onto), block, &mut found);
                for (found, expected) in found.chunks(block.width).zip(&expected) {
                    assert_eq!(found, &expected[block.column..block.column + block.width]);
                }
            }
        }
    }
}
