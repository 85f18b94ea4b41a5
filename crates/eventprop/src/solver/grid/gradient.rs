//! `[G1]` Weight gradients, gathered.
//!
//! ∂L/∂w_ij = −τ_syn,j Σ λ_I,j over the arrivals of the spikes of i, over all samples. The spikes are
//! first grouped by source neuron; then every row of the gradient is one sum over rows of the traces
//! of λ_I, kept in registers and written once. Rows are independent, so they are shared out to
//! threads, and every weight is summed in the same order (samples ascending, spikes in the order of
//! the tape) whatever the number of threads.

use super::plan::{Layer, Plan};
use super::state::State;
use crate::dispatch::{Kernel, vectorized};
use crate::network::NeuronConstant;
use crate::params::{Params, Role};
use crate::real::Real;
use crate::tape::Tape;
use rayon::prelude::*;

/// Rows that one task computes.
const ROWS: usize = 32;

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

/// Groups the spikes of all populations that project somewhere.
pub(super) fn group_spikes<F: Real>(
    plan: &Plan<F>,
    tapes: &[Tape<u32, F>],
    groups: &mut [ByNeuron],
) {
    groups
        .par_iter_mut()
        .enumerate()
        .for_each(|(population, group)| {
            if plan.links.iter().any(|link| link.source == population) {
                group.fill(tapes, population, plan.layers[population].size);
            }
        });
}

/// `[G2]` to `[G5]` adds what the samples of a group found for the trained constants, sample by sample.
pub(super) fn add_constants<F: Real>(states: &[State<F>], onto: Onto, gradient: &mut Params<F>) {
    for entry in gradient.layout().to_vec() {
        let Role::Constant(population, which) = entry.role else {
            continue;
        };
        let range = &mut gradient.values_mut()[entry.range];
        if onto == Onto::Zero {
            range.fill(F::ZERO);
        }
        for state in states {
            let sums = &state.by_constant[population.0];
            let sums = match which {
                NeuronConstant::TauMem => &sums.tau_mem,
                NeuronConstant::TauSyn => &sums.tau_syn,
                NeuronConstant::TauB => &sums.tau_b,
                NeuronConstant::BIncr => &sums.b_incr,
            };
            for (dl_dc, sum) in range.iter_mut().zip(sums) {
                *dl_dc += *sum;
            }
        }
    }
}

/// Adds the gradient of a group of samples, or sets the gradient to it.
pub(super) fn accumulate<F: Real>(
    plan: &Plan<F>,
    states: &[State<F>],
    groups: &[ByNeuron],
    onto: Onto,
    gradient: &mut Params<F>,
) {
    let traces: Vec<Vec<&[F]>> = (0..plan.layers.len())
        .map(|layer| {
            states
                .iter()
                .map(|state| &state.lambda_i[layer][..])
                .collect()
        })
        .collect();
    // The ranges of the links lie one behind the other in the buffer.
    let mut rest = gradient.values_mut();
    let mut tasks = Vec::new();
    for link in &plan.links {
        let layer = &plan.layers[link.target];
        let (weights, behind) = rest.split_at_mut(plan.layers[link.source].size * layer.size);
        rest = behind;
        for (chunk, gradient) in weights.chunks_mut(layer.size * ROWS).enumerate() {
            tasks.push(Rows {
                layer,
                traces: &traces[link.target],
                group: &groups[link.source],
                delay: link.delay,
                steps: plan.clock.steps(),
                first: chunk * ROWS,
                onto,
                gradient,
            });
        }
    }
    tasks.into_par_iter().for_each(vectorized);
}

/// What a group of samples is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Onto {
    /// Zero: the first group of a batch.
    Zero,
    /// The gradient of the groups before.
    Gradient,
}

/// A few rows of the gradient of one projection.
struct Rows<'a, F> {
    layer: &'a Layer<F>,
    /// Traces of λ_I of the target per sample, `[steps + 1, stride]`.
    traces: &'a [&'a [F]],
    group: &'a ByNeuron,
    delay: usize,
    steps: usize,
    first: usize,
    onto: Onto,
    gradient: &'a mut [F],
}

impl<F: Real> Kernel for Rows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let size = self.layer.size;
        for row in 0..self.gradient.len() / size {
            if self.onto == Onto::Zero {
                self.gradient[row * size..(row + 1) * size].fill(F::ZERO);
            }
            let spikes = self.group.of(self.first + row);
            if spikes.is_empty() {
                continue;
            }
            let mut column = 0;
            while column < size {
                let place = (row * size, column);
                let rest = self.layer.stride - column;
                column += match rest {
                    64.. => self.sum::<64>(spikes, place),
                    32.. => self.sum::<32>(spikes, place),
                    16.. => self.sum::<16>(spikes, place),
                    _ => self.sum::<8>(spikes, place),
                };
            }
        }
    }
}

impl<F: Real> Rows<'_, F> {
    /// `[G1]` for W neighbouring targets, whose sums stay in registers; returns W.
    #[inline(always)]
    fn sum<const W: usize>(&mut self, spikes: &[(u32, u32)], place: (usize, usize)) -> usize {
        let (row, column) = place;
        let stride = self.layer.stride;
        let mut sum = [F::ZERO; W];
        for &(sample, step) in spikes {
            // The trace has a last row of zeros, for spikes that arrive when the trial is over.
            let arrival = (step as usize + self.delay).min(self.steps);
            let at = arrival * stride + column;
            let lambda_i: &[F; W] = self.traces[sample as usize][at..at + W]
                .try_into()
                .expect("the slice has this length");
            for n in 0..W {
                sum[n] += lambda_i[n];
            }
        }
        // [G1] ∂L/∂w = −τ_syn Σ λ_I
        let end = (column + W).min(self.layer.size);
        let gradient = &mut self.gradient[row + column..row + end];
        let tau_syn = &self.layer.tau_syn[column..end];
        for ((g, tau_syn), sum) in gradient.iter_mut().zip(tau_syn).zip(sum) {
            *g -= *tau_syn * sum;
        }
        W
    }
}
