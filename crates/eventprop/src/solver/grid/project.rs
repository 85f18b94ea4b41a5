//! `[F5]` for the spikes of the input: their currents for a window of steps, before it is stepped through.
//!
//! What arrives from the input is known beforehand, so its weight rows need not be added step by step.
//! They are added block of columns by block of columns: PERF: a block of the weights of 700 inputs is
//! 179 KB and stays, with the currents of the window (256 KB), in a second-level cache; whole rows do
//! not (0.7 MB for 256 neurons, 14 MB for 512 neurons and ten delays).

use std::ops::Range;

use rayon::prelude::*;

use super::gradient::arriving;
use super::plan::{Link, Plan};
use super::rows;
use super::trace::{self, Block, Shape};
use crate::aligned::Aligned;
use crate::params::Params;
use crate::real::Real;
use crate::tape::Spikes;

/// Weights of the input, in numbers, from which projecting pays: 512 KB in f32.
const WEIGHTS_LEAST: usize = 1 << 17;
/// Steps from which it pays: the weights are copied once per batch.
const STEPS_LEAST: usize = 100;

/// Whether a network's input is projected.
pub(super) fn pays<F>(plan: &Plan<F>) -> bool {
    let links = plan.links.iter().filter(|link| link.source == plan.input);
    let weights = links.map(|link| plan.layers[plan.input].size * plan.layers[link.target].stride);
    plan.clock.steps() >= STEPS_LEAST && weights.sum::<usize>() >= WEIGHTS_LEAST
}

/// The weights of the links from the input, block by block: `[block][source][column of the block]`.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocked<F> {
    /// One entry per link; empty for links from elsewhere.
    links: Vec<Aligned<F>>,
}

impl<F: Real> Blocked<F> {
    /// Copies the weights, on the threads of the current pool.
    pub fn pack(&mut self, plan: &Plan<F>, params: &Params<F>) {
        self.links.resize_with(plan.links.len(), Aligned::default);
        for (copy, link) in self.links.iter_mut().zip(&plan.links) {
            if link.source != plan.input {
                continue;
            }
            let target = &plan.layers[link.target];
            let sources = plan.layers[link.source].size;
            let weights = params.weights(link.id);
            copy.resize(sources * target.stride);
            copy.par_chunks_mut(sources * trace::BLOCK)
                .enumerate()
                .for_each(|(first, copy)| {
                    let mut rest = copy;
                    for block in trace::blocks(target.stride) {
                        if block.column / trace::BLOCK != first {
                            continue;
                        }
                        let end = target.size.min(block.column + block.width);
                        let (rows, behind) = rest.split_at_mut(sources * block.width);
                        rest = behind;
                        let rows = rows.chunks_exact_mut(block.width);
                        for (row, weights) in rows.zip(weights.chunks_exact(target.size)) {
                            let weights = &weights[block.column..end];
                            row[..weights.len()].copy_from_slice(weights);
                        }
                    }
                });
        }
    }
}

/// Sets `currents` to what arrives from the input in every step of `window`.
#[inline(always)]
pub(super) fn project<F: Real>(
    plan: &Plan<F>,
    weights: &Blocked<F>,
    (spikes, window): (&Spikes<u32, F>, Range<usize>),
    (currents, shape): (&mut [F], Shape),
) {
    for (target, layer) in plan.layers.iter().enumerate() {
        for block in trace::blocks(layer.stride) {
            let start = shape.start(plan.columns_before[target], block);
            let currents = &mut currents[start..start + window.len() * block.width];
            let links = plan.links_into(target);
            let links = links.filter(|(_, link)| link.source == plan.input);
            for (place, (index, link)) in links.enumerate() {
                let arrivals = Arrivals {
                    spikes,
                    link,
                    window: window.clone(),
                    is_first: place == 0,
                };
                let sources = plan.layers[plan.input].size;
                let weights = &weights.links[index][block.column * sources..];
                match block.width {
                    64 => arrivals.add::<64>(weights, currents),
                    32 => arrivals.add::<32>(weights, currents),
                    16 => arrivals.add::<16>(weights, currents),
                    _ => arrivals.add::<8>(weights, currents),
                }
            }
        }
    }
}

/// What arrives over one link.
struct Arrivals<'a, F> {
    spikes: &'a Spikes<u32, F>,
    link: &'a Link,
    window: Range<usize>,
    /// Whether the currents are to be replaced.
    is_first: bool,
}

impl<F: Real> Arrivals<'_, F> {
    /// Adds the rows of W columns to the currents of the steps in which they arrive.
    #[inline(always)]
    fn add<const W: usize>(&self, weights: &[F], currents: &mut [F]) {
        let range = arriving(self.spikes, self.link, &self.window);
        let sources = &self.spikes.neuron[range.clone()];
        let when = &self.spikes.when[range];
        let weights = weights.as_chunks::<W>().0;
        let mut next = 0;
        for (row, current) in currents.as_chunks_mut::<W>().0.iter_mut().enumerate() {
            let step = self.window.start + row;
            let arrives =
                |next: usize| next < when.len() && when[next] as usize + self.link.delay == step;
            if !self.is_first && !arrives(next) {
                continue;
            }
            let mut sum = if self.is_first {
                [F::ZERO; W]
            } else {
                *current
            };
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

/// Adds the projected currents of one step to those of a population.
#[inline(always)]
pub(super) fn add_step<F: Real>(
    i: &mut [F],
    (currents, shape, before): (&[F], Shape, usize),
    row: usize,
) {
    for block in trace::blocks(i.len()) {
        let Block { column, width } = block;
        rows::add(
            &mut i[column..column + width],
            &currents[shape.row(before, block, row)],
        );
    }
}
