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
            // [G1] ∂L/∂w = −τ_syn Σ λ_I, W targets side by side
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

#[cfg(test)]
mod tests {
    use super::{Dense, Onto, Source};
    use crate::connect::places::{ByNeuron, InBatch, Part};
    use crate::connect::trace::{Shape, Trace};

    /// `[G1]`: −τ Σ λ_I against Σ −τ λ_I. Either has, of each of n summands, n + 1 roundings at most, each below
    /// ε τ Σ |λ_I|.
    #[test]
    fn rows_are_what_arrivals_give_one_by_one() {
        let (sources, targets, steps, delay) = (3, 80, 6, 2);
        let dense = Dense { sources, targets };
        let shape = Shape::new(targets, steps);
        let number = |k: usize| ((k * 37 + 11) % 101) as f64 / 50.0 - 1.0;
        let traces: Vec<f64> = (0..2 * shape.len).map(number).collect();
        let tau_syn: Vec<f64> = (0..targets).map(|n| 5.0 + n as f64).collect();
        let spikes: [(&[u32], &[u32]); 2] = [(&[0, 2, 0], &[0, 1, 3]), (&[2, 0], &[2, 2])];
        let parts = spikes
            .iter()
            .zip(0..)
            .map(|(&(neurons, steps), sample)| Part {
                neurons,
                steps,
                sample,
            });
        let mut group = ByNeuron::default();
        group.fill(sources, parts);
        let from = Source {
            trace: Trace {
                traces: &traces,
                shape,
                before: 0,
                stride: targets,
            },
            tau_syn: &tau_syn,
            group: &group,
            places: InBatch { delay },
        };
        for (onto, start) in [(Onto::Zero, 0.0), (Onto::Gradient, 0.25)] {
            let mut found = vec![0.25; sources * targets];
            dense.gather_rows(from, 0, onto, &mut found);
            let mut expected = vec![start; sources * targets];
            for (sample, (neurons, steps)) in spikes.into_iter().enumerate() {
                for (&source, &step) in neurons.iter().zip(steps) {
                    let row = step as usize + delay;
                    let lambda_i = |target| from.trace.at(target, sample, row);
                    dense.gather(&mut expected, source as usize, |n| tau_syn[n], lambda_i);
                }
            }
            // At most three arrivals, |λ_I| ≤ 1, and the start.
            let noise =
                |weight: usize| 8.0 * f64::EPSILON * (3.0 * tau_syn[weight % targets] + start);
            for (weight, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert!((found - expected).abs() < noise(weight), "{weight}");
            }
        }
    }
}
