//! `[G1]` Weight gradients, gathered.
//!
//! ∂L/∂w_ij = −τ_syn,j Σ λ_I,j over the arrivals of the spikes of i, over all samples. The spikes are
//! first grouped by source neuron; then every row of the gradient is a sum over rows of the traces of
//! λ_I (trace.rs), block by block, which is kept in registers and written once.
//!
//! Where the traces of a whole batch are small, all of them are kept, and rows of the gradient are
//! shared out to threads ([`gather_batch`]). Otherwise every sample is gathered as soon as a window of
//! its trace is there, into the gradient of the few samples that one task solves ([`gather_window`]),
//! and those gradients are summed ([`add_in_order`]). Either way every weight is summed in an order that
//! depends on the batch only, not on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::plan::{Layer, Link, Plan};
use super::rows::WIDE_ROW;
use super::state::State;
use super::trace::{self, Block, Shape};
use crate::aligned::Aligned;
use crate::dispatch::{Kernel, vectorized, vectorized_wide};
use crate::network::NeuronConstant;
use crate::params::{Params, Role};
use crate::real::Real;
use crate::shares::for_each_at_home;
use crate::tape::{Spikes, Tape};

/// Rows that one task computes.
const ROWS: usize = 32;

/// Numbers of a gradient that one task adds up.
const SUM_NUMBERS: usize = 8192;

/// Spikes grouped by neuron.
#[derive(Debug, Clone, Default)]
pub(super) struct ByNeuron {
    /// Where the spikes of each neuron start, `[size + 1]`.
    starts: Vec<u32>,
    /// The step of every spike; in a batch, 2¹⁶ times the sample is added.
    spikes: Vec<u32>,
}

/// Spikes of one sample: their neurons, their steps, and what is added to every step.
type Part<'a> = (&'a [u32], &'a [u32], u32);

impl ByNeuron {
    /// Groups spikes of a population of `size` neurons by a counting sort that keeps their order.
    #[inline(always)]
    fn fill<'a>(&mut self, size: usize, parts: impl Iterator<Item = Part<'a>> + Clone) {
        self.starts.clear();
        self.starts.resize(size + 1, 0);
        for (neurons, ..) in parts.clone() {
            for &neuron in neurons {
                self.starts[neuron as usize + 1] += 1;
            }
        }
        for neuron in 0..size {
            self.starts[neuron + 1] += self.starts[neuron];
        }
        self.spikes.resize(self.starts[size] as usize, 0);
        for (neurons, steps, base) in parts {
            for (&neuron, &step) in neurons.iter().zip(steps) {
                let place = &mut self.starts[neuron as usize];
                self.spikes[*place as usize] = base + step;
                *place += 1;
            }
        }
        // Every start has moved to the start of the next neuron.
        self.starts.rotate_right(1);
        self.starts[0] = 0;
    }

    #[inline(always)]
    fn of(&self, neuron: usize) -> &[u32] {
        &self.spikes[self.starts[neuron] as usize..self.starts[neuron + 1] as usize]
    }
}

/// The spikes that arrive over a link in a window of steps: the spikes of a source are sorted.
#[inline(always)]
pub(super) fn arriving<F>(
    spikes: &Spikes<u32, F>,
    link: &Link,
    window: &Range<usize>,
) -> Range<usize> {
    let before = |end: usize| {
        spikes
            .when
            .partition_point(|&step| step as usize + link.delay < end)
    };
    before(window.start)..before(window.end)
}

/// Groups the spikes of a batch that arrive over each link within the trial.
pub(super) fn group_batch<F: Real>(
    plan: &Plan<F>,
    tapes: &[Tape<u32, F>],
    groups: &mut [ByNeuron],
) {
    let trial = 0..plan.clock.steps();
    groups
        .par_iter_mut()
        .zip(&plan.links)
        .for_each(|(group, link)| {
            let parts = tapes.iter().zip(0u32..).map(|(tape, sample)| {
                let spikes = &tape.populations[link.source];
                let range = arriving(spikes, link, &trial);
                (
                    &spikes.neuron[range.clone()],
                    &spikes.when[range],
                    sample << 16,
                )
            });
            group.fill(plan.layers[link.source].size, parts);
        });
}

/// Sets the derivatives with respect to trained constants to zero.
pub(super) fn clear_constants<F: Real>(gradient: &mut Params<F>) {
    for entry in gradient.layout().to_vec() {
        if matches!(entry.role, Role::Constant(..)) {
            gradient.values_mut()[entry.range].fill(F::ZERO);
        }
    }
}

/// `[G2]` to `[G5]` adds what the samples of a batch found for the trained constants, sample by sample.
pub(super) fn add_constants<F: Real>(states: &[State<F>], gradient: &mut Params<F>) {
    for entry in gradient.layout().to_vec() {
        let Role::Constant(population, which) = entry.role else {
            continue;
        };
        let range = &mut gradient.values_mut()[entry.range];
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

/// Sets the weight gradients to those of a whole batch, whose traces lie one behind the other.
pub(super) fn gather_batch<F: Real>(
    plan: &Plan<F>,
    traces: &[F],
    groups: &[ByNeuron],
    gradient: &mut Params<F>,
) {
    let mut rest = gradient.values_mut();
    let mut tasks = Vec::new();
    for (link, group) in plan.links.iter().zip(groups) {
        let layer = &plan.layers[link.target];
        let (weights, behind) = rest.split_at_mut(plan.layers[link.source].size * layer.size);
        rest = behind;
        for (chunk, gradient) in weights.chunks_mut(layer.size * ROWS).enumerate() {
            tasks.push(Rows {
                layer,
                before: plan.columns_before[link.target],
                traces,
                shape: Shape::new(plan, plan.clock.steps()),
                group,
                first: chunk * ROWS,
                onto: Onto::Zero,
                gradient,
                places: InBatch { delay: link.delay },
            });
        }
    }
    for_each_at_home(tasks, vectorized);
}

/// Adds what one sample contributes in one window of its trace to the weight gradients.
#[inline(always)]
pub(super) fn gather_window<F: Real>(
    plan: &Plan<F>,
    (trace, shape): (&[F], Shape),
    (tape, window): (&Tape<u32, F>, Range<usize>),
    group: &mut ByNeuron,
    (onto, mut rest): (Onto, &mut [F]),
) {
    let mut grouped = None;
    for link in &plan.links {
        let spikes = &tape.populations[link.source];
        let range = arriving(spikes, link, &window);
        // Delayed copies of a projection have the same spikes.
        let wanted = Some((link.source, range.clone()));
        if grouped != wanted {
            let part = (&spikes.neuron[range.clone()], &spikes.when[range], 0);
            group.fill(plan.layers[link.source].size, std::iter::once(part));
            grouped = wanted;
        }
        let layer = &plan.layers[link.target];
        let (gradient, behind) = rest.split_at_mut(plan.layers[link.source].size * layer.size);
        rest = behind;
        let rows = Rows {
            layer,
            before: plan.columns_before[link.target],
            traces: trace,
            shape,
            group,
            first: 0,
            onto,
            gradient,
            places: InWindow {
                delay: link.delay,
                start: window.start,
            },
        };
        // PERF: 512 columns and more are gathered faster in vectors of 64 bytes, 256 more slowly.
        if layer.stride >= WIDE_ROW {
            vectorized_wide(rows);
        } else {
            vectorized(rows);
        }
    }
}

/// Adds gradients to the first one, every number in their order.
pub(super) fn add_in_order<F: Real>(sum: &mut [F], gradients: &[Aligned<F>]) {
    sum.par_chunks_mut(SUM_NUMBERS)
        .enumerate()
        .for_each(|(chunk, sum)| {
            let first = chunk * SUM_NUMBERS;
            vectorized(AddInOrder {
                sum,
                gradients,
                first,
            });
        });
}

struct AddInOrder<'a, F> {
    sum: &'a mut [F],
    gradients: &'a [Aligned<F>],
    first: usize,
}

impl<F: Real> Kernel for AddInOrder<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let len = self.sum.len();
        for gradient in self.gradients {
            let gradient = &gradient[self.first..self.first + len];
            for (sum, value) in self.sum.iter_mut().zip(gradient) {
                *sum += *value;
            }
        }
    }
}

/// What is done with a gradient that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Onto {
    /// It is replaced.
    Zero,
    /// It is added to.
    Gradient,
}

/// Where the row of a trace is in which a spike arrives.
trait Places: Copy {
    /// Sample and row.
    fn of(self, spike: u32) -> (usize, usize);
}

/// Traces of a batch that cover the whole trial.
#[derive(Debug, Clone, Copy)]
struct InBatch {
    delay: usize,
}

impl Places for InBatch {
    #[inline(always)]
    fn of(self, spike: u32) -> (usize, usize) {
        (
            (spike >> 16) as usize,
            (spike & 0xFFFF) as usize + self.delay,
        )
    }
}

/// The trace of one sample in a window.
#[derive(Debug, Clone, Copy)]
struct InWindow {
    delay: usize,
    start: usize,
}

impl Places for InWindow {
    #[inline(always)]
    fn of(self, spike: u32) -> (usize, usize) {
        (0, spike as usize + self.delay - self.start)
    }
}

/// A few rows of the gradient of one projection.
struct Rows<'a, F, P> {
    layer: &'a Layer<F>,
    /// Columns of other populations before those of the target.
    before: usize,
    /// Traces, one sample behind the other.
    traces: &'a [F],
    shape: Shape,
    group: &'a ByNeuron,
    /// The first source neuron.
    first: usize,
    onto: Onto,
    /// `[source, target]`.
    gradient: &'a mut [F],
    places: P,
}

impl<F: Real, P: Places> Kernel for Rows<'_, F, P> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        for block in trace::blocks(self.layer.stride) {
            match block.width {
                64 => self.columns::<64>(block),
                32 => self.columns::<32>(block),
                16 => self.columns::<16>(block),
                _ => self.columns::<8>(block),
            }
        }
    }
}

impl<F: Real, P: Places> Rows<'_, F, P> {
    /// `[G1]` for W neighbouring targets.
    #[inline(always)]
    fn columns<const W: usize>(&mut self, block: Block) {
        let size = self.layer.size;
        let end = (block.column + W).min(size);
        let tau_syn = &self.layer.tau_syn[block.column..end];
        let start = self.shape.start(self.before, block);
        for (row, gradient) in self.gradient.chunks_exact_mut(size).enumerate() {
            let spikes = self.group.of(self.first + row);
            let gradient = &mut gradient[block.column..end];
            if spikes.is_empty() {
                if self.onto == Onto::Zero {
                    gradient.fill(F::ZERO);
                }
                continue;
            }
            let mut sum = [F::ZERO; W];
            for &spike in spikes {
                let (sample, row) = self.places.of(spike);
                let at = start + sample * self.shape.len + row * W;
                let lambda_i: &[F; W] = self.traces[at..at + W]
                    .try_into()
                    .expect("the slice has this length");
                for n in 0..W {
                    sum[n] += lambda_i[n];
                }
            }
            // [G1] ∂L/∂w = −τ_syn Σ λ_I
            let each = gradient.iter_mut().zip(tau_syn).zip(sum);
            if self.onto == Onto::Zero {
                each.for_each(|((g, tau_syn), sum)| *g = F::ZERO - *tau_syn * sum);
            } else {
                each.for_each(|((g, tau_syn), sum)| *g -= *tau_syn * sum);
            }
        }
    }
}
