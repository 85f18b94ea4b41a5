//! `[G1]` of dense weights on the grid: every row of the gradient is a sum over rows of the traces of λ_I,
//! block by block, which is kept in registers and written once.

use super::Dense;
use crate::connect::places::{Onto, Place, Places, Source};
use crate::connect::synapse::by_weight;
use crate::connect::trace::{self, Block};
use crate::real::Real;

/// Rows that one task computes.
const ROWS: usize = 32;

impl Dense {
    /// Weights whose derivatives one task computes.
    pub fn task_len(&self) -> usize {
        self.targets * ROWS
    }

    /// `[G1]` for a few rows, beginning with the weight `first`. gradient: `[source, target]`.
    #[inline(always)]
    pub fn gather_rows<F: Real, P: Places>(
        &self,
        from: Source<'_, F, P>,
        first: usize,
        onto: Onto,
        gradient: &mut [F],
    ) {
        let mut rows = Rows {
            from,
            targets: self.targets,
            first: first / self.targets,
            onto,
            gradient,
        };
        for block in trace::blocks(from.trace.stride) {
            match block.width {
                64 => rows.columns::<64>(block),
                32 => rows.columns::<32>(block),
                16 => rows.columns::<16>(block),
                _ => rows.columns::<8>(block),
            }
        }
    }
}

/// A few rows of the gradient.
struct Rows<'a, F, P> {
    from: Source<'a, F, P>,
    targets: usize,
    /// The first source neuron.
    first: usize,
    onto: Onto,
    /// `[source, target]`.
    gradient: &'a mut [F],
}

impl<F: Real, P: Places> Rows<'_, F, P> {
    /// `[G1]` for W neighbouring targets.
    #[inline(always)]
    fn columns<const W: usize>(&mut self, block: Block) {
        let Source {
            trace,
            tau_syn,
            group,
            places,
        } = self.from;
        let end = (block.column + W).min(self.targets);
        let tau_syn = &tau_syn[block.column..end];
        let start = trace.shape.start(trace.before, block);
        for (row, gradient) in self.gradient.chunks_exact_mut(self.targets).enumerate() {
            let spikes = group.of(self.first + row);
            let gradient = &mut gradient[block.column..end];
            if spikes.is_empty() {
                if self.onto == Onto::Zero {
                    gradient.fill(F::ZERO);
                }
                continue;
            }
            let mut sum = [F::ZERO; W];
            for &spike in spikes {
                let Place { sample, row } = places.of(spike);
                let at = start + sample * trace.shape.len + row * W;
                let lambda_i: &[F; W] = trace.traces[at..at + W]
                    .try_into()
                    .expect("the slice has this length");
                for n in 0..W {
                    sum[n] += lambda_i[n];
                }
            }
            let each = gradient.iter_mut().zip(tau_syn).zip(sum);
            if self.onto == Onto::Zero {
                each.for_each(|((g, tau_syn), sum)| *g = F::ZERO + by_weight(*tau_syn, sum));
            } else {
                each.for_each(|((g, tau_syn), sum)| *g += by_weight(*tau_syn, sum));
            }
        }
    }
}
