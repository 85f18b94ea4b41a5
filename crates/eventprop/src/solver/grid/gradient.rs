//! `[G1]` Weight gradients, gathered.
//!
//! ∂L/∂w_ij = −τ_syn,j Σ λ_I,j over the arrivals of the spikes of i, over all samples. The spikes are
//! first grouped by source neuron; then every row of the gradient is one sum over rows of the traces
//! of λ_I, kept in registers and written once. Rows are independent, so they are shared out to
//! threads, and every weight is summed in the same order (samples ascending, spikes in the order of
//! the tape) whatever the number of threads.

use super::plan::{Link, Plan};
use super::state::State;
use crate::dispatch::{Kernel, vectorized};
use crate::params::Params;
use crate::real::Real;
use crate::tape::Tape;
use rayon::prelude::*;

/// Target neurons summed together: their sums stay in registers.
const BLOCK: usize = 32;
/// Rows that one task computes.
const ROWS: usize = 16;

/// The spikes of one population over a group of samples, grouped by neuron.
#[derive(Debug, Clone, Default)]
pub(super) struct ByNeuron {
    /// Where the spikes of each neuron start, `[size + 1]`.
    starts: Vec<u32>,
    /// Sample within the group and step.
    spikes: Vec<(u32, u32)>,
}

impl ByNeuron {
    /// Groups the spikes of `population` by a counting sort that keeps their order.
    pub fn fill<F>(&mut self, tapes: &[Tape<u32, F>], population: usize, size: usize) {
        self.starts.clear();
        self.starts.resize(size + 1, 0);
        for tape in tapes {
            for &neuron in &tape.populations[population].neuron {
                self.starts[neuron as usize + 1] += 1;
            }
        }
        for neuron in 0..size {
            self.starts[neuron + 1] += self.starts[neuron];
        }
        self.spikes.clear();
        self.spikes.resize(self.starts[size] as usize, (0, 0));
        for (sample, tape) in tapes.iter().enumerate() {
            let spikes = &tape.populations[population];
            for (&neuron, &step) in spikes.neuron.iter().zip(&spikes.when) {
                let place = &mut self.starts[neuron as usize];
                self.spikes[*place as usize] = (sample as u32, step);
                *place += 1;
            }
        }
        // Every start has moved to the start of the next neuron.
        self.starts.rotate_right(1);
        self.starts[0] = 0;
    }

    #[inline(always)]
    fn of(&self, neuron: usize) -> &[(u32, u32)] {
        &self.spikes[self.starts[neuron] as usize..self.starts[neuron + 1] as usize]
    }
}

/// Adds the gradient of a group of samples.
pub(super) fn accumulate<F: Real>(
    plan: &Plan<F>,
    tapes: &[Tape<u32, F>],
    states: &[State<F>],
    groups: &mut [ByNeuron],
    gradient: &mut Params<F>,
) {
    groups
        .par_iter_mut()
        .enumerate()
        .for_each(|(population, group)| {
            if plan.links.iter().any(|link| link.source == population) {
                group.fill(tapes, population, plan.layers[population].size);
            }
        });
    for link in &plan.links {
        let size = plan.layers[link.target].size;
        gradient
            .weights_mut(link.id)
            .par_chunks_mut(size * ROWS)
            .enumerate()
            .for_each(|(chunk, rows)| {
                vectorized(Rows {
                    plan,
                    link,
                    states,
                    group: &groups[link.source],
                    first: chunk * ROWS,
                    gradient: rows,
                });
            });
    }
}

/// A few rows of the gradient of one projection.
struct Rows<'a, F> {
    plan: &'a Plan<F>,
    link: &'a Link,
    states: &'a [State<F>],
    group: &'a ByNeuron,
    first: usize,
    gradient: &'a mut [F],
}

impl<F: Real> Kernel for Rows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let layer = &self.plan.layers[self.link.target];
        let steps = self.plan.clock.steps();
        for (row, gradient) in self.gradient.chunks_mut(layer.size).enumerate() {
            let spikes = self.group.of(self.first + row);
            if spikes.is_empty() {
                continue;
            }
            for (block, gradient) in gradient.chunks_mut(BLOCK).enumerate() {
                let first = block * BLOCK;
                let tau_syn = &layer.tau_syn[first..first + gradient.len()];
                if let Ok(gradient) = <&mut [F; BLOCK]>::try_from(&mut *gradient) {
                    let mut sum = [F::ZERO; BLOCK];
                    for &(sample, step) in spikes {
                        let arrival = step as usize + self.link.delay;
                        if arrival < steps {
                            let trace = &self.states[sample as usize].lambda_i[self.link.target];
                            let at = arrival * layer.size + first;
                            let lambda_i: &[F; BLOCK] = trace[at..at + BLOCK]
                                .try_into()
                                .expect("the slice has this length");
                            for n in 0..BLOCK {
                                sum[n] += lambda_i[n];
                            }
                        }
                    }
                    // [G1] ∂L/∂w = −τ_syn Σ λ_I
                    for n in 0..BLOCK {
                        gradient[n] -= tau_syn[n] * sum[n];
                    }
                } else {
                    let mut sum = [F::ZERO; BLOCK];
                    for &(sample, step) in spikes {
                        let arrival = step as usize + self.link.delay;
                        if arrival < steps {
                            let trace = &self.states[sample as usize].lambda_i[self.link.target];
                            let at = arrival * layer.size + first;
                            let lambda_i = &trace[at..at + gradient.len()];
                            for (sum, lambda_i) in sum.iter_mut().zip(lambda_i) {
                                *sum += *lambda_i;
                            }
                        }
                    }
                    for ((g, tau), sum) in gradient.iter_mut().zip(tau_syn).zip(sum) {
                        *g -= *tau * sum;
                    }
                }
            }
        }
    }
}
