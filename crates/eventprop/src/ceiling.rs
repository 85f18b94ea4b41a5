//! The elementary operations of training, on their own: what a machine could do at best.
//!
//! A bench times these loops and adds up how often a workload needs each of them
//! ([`Work`]): the sum is a floor below which no reordering of the same work can get on that machine.
//! The loops are the ones that the grid solver is made of, without anything between them.

use std::hint::black_box;

use crate::activity::Activity;
use crate::aligned::Aligned;
use crate::dispatch::{Kernel, vectorized};
use crate::network::{Network, ProjectionId};
use crate::optim::{Adam, Optimizer};
use crate::params::Params;

/// Mean number of elementary operations of each kind for one sample.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    /// Numbers added to a running sum, row by row: deliveries of spikes and their mirror image in
    /// the gradient.
    pub additions: f64,
    /// Advances of one neuron by one step, forward and adjoint together.
    pub neuron_steps: f64,
    /// Numbers multiplied and summed in dot products: what spikes read back from their targets.
    pub products: f64,
    /// Parameters updated by Adam.
    pub updates: f64,
}

impl Work {
    /// The work of one sample of a training run with batches of `batch` samples, from the spikes that
    /// were really fired.
    pub fn of(network: &Network, activity: &Activity, batch: usize) -> Self {
        let steps = network.clock().steps() as f64;
        let samples = activity.samples.max(1) as f64;
        let mut work = Self::default();
        for population in network.populations() {
            if !population.is_input() {
                work.neuron_steps += 2.0 * steps * population.size as f64;
            }
        }
        for (index, projection) in network.projections().iter().enumerate() {
            let synapses = network.synapses(ProjectionId(index));
            let is_input = network.population(projection.source).is_input();
            let spikes = activity.spikes[projection.source.0].iter().enumerate();
            let reached = spikes.map(|(source, &spikes)| spikes * synapses.fan_out(source) as u64);
            let arrivals = reached.sum::<u64>() as f64 / samples;
            work.additions += 2.0 * arrivals;
            if !is_input {
                work.products += arrivals;
            }
            work.updates += synapses.weights_len() as f64 / batch as f64;
        }
        work
    }
}

/// The memory on which the elementary operations of a network run.
#[derive(Debug)]
pub struct Ceiling {
    rows: usize,
    width: usize,
    matrix: Aligned<f32>,
    sum: Aligned<f32>,
    v: Aligned<f32>,
    i: Aligned<f32>,
    params: Params<f32>,
    gradient: Params<f32>,
    adam: Optimizer<f32>,
}

impl Ceiling {
    /// Memory in the shape of a network: its largest projection, that projection's target population,
    /// and all its parameters.
    ///
    /// # Panics
    /// When the network is not valid.
    pub fn of(network: &Network) -> Self {
        let params = Params::<f32>::init(network, 0).expect("the network is valid");
        let projections = network.projections().iter().enumerate();
        let sized = projections.map(|(index, p)| {
            let weights = network.synapses(ProjectionId(index)).weights_len();
            (weights, network.population(p.target).size)
        });
        let (weights, width) = sized
            .max_by_key(|(weights, _)| *weights)
            .expect("the network has a projection");
        let rows = weights.div_ceil(width);
        Self {
            rows,
            width,
            matrix: (0..rows * width).map(|n| n as f32).collect(),
            sum: Aligned::zeros(width),
            v: Aligned::zeros(width),
            i: std::iter::repeat_n(1.0, width).collect(),
            gradient: params.clone(),
            adam: Optimizer::Adam(Adam::new(&params, 0.9, 0.999, 1e-8)),
            params,
        }
    }

    /// Adds up `count` rows of the matrix, in an order without pattern; returns the number of
    /// additions. The rows are added a block of columns at a time, with the sums in registers and the
    /// columns of a block side by side in memory: the best that is known.
    pub fn add_rows(&mut self, count: usize) -> usize {
        vectorized(AddRows {
            matrix: black_box(&self.matrix),
            count,
            rows: self.rows,
            sum: &mut self.sum,
        });
        black_box(&self.sum);
        count * self.width
    }

    /// Advances the neurons by `steps` steps (two decays and a threshold test, as in `[F1]` to
    /// `[F3]`); returns the number of advances.
    pub fn step_neurons(&mut self, steps: usize) -> usize {
        let fired = vectorized(StepNeurons {
            v: black_box(&mut self.v),
            i: black_box(&mut self.i),
            steps,
        });
        black_box(fired);
        steps * self.width
    }

    /// One Adam step of all parameters; returns the number of updates.
    pub fn adam_step(&mut self) -> usize {
        self.adam
            .step(&mut self.params, &mut self.gradient, 1e-9, &[]);
        black_box(&self.params);
        self.gradient.values().len()
    }
}

struct AddRows<'a> {
    /// `[block][row][column of the block]`.
    matrix: &'a [f32],
    count: usize,
    rows: usize,
    sum: &'a mut [f32],
}

/// Columns added together.
const BLOCK: usize = 64;

impl Kernel for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut rest = self.matrix;
        for sum in self.sum.chunks_mut(BLOCK) {
            let (block, behind) = rest.split_at(self.rows * sum.len());
            rest = behind;
            if let Ok(sum) = <&mut [f32; BLOCK]>::try_from(&mut *sum) {
                add_block(block.as_chunks().0, self.count, sum);
            } else {
                add_narrow(block, self.count, sum);
            }
        }
    }
}

/// The next row, without pattern to the prefetcher and without a table of row numbers to read.
#[inline(always)]
fn next_row(row: usize, rows: usize) -> usize {
    let next = row + 0x9E37 % rows;
    if next < rows { next } else { next - rows }
}

#[inline(always)]
fn add_block<const W: usize>(block: &[[f32; W]], count: usize, sum: &mut [f32; W]) {
    let mut registers = *sum;
    let mut row = 0;
    for _ in 0..count {
        row = next_row(row, block.len());
        for (sum, w) in registers.iter_mut().zip(&block[row]) {
            *sum += *w;
        }
    }
    *sum = registers;
}

#[inline(always)]
fn add_narrow(block: &[f32], count: usize, sum: &mut [f32]) {
    let width = sum.len();
    let rows = block.len() / width;
    let mut row = 0;
    for _ in 0..count {
        row = next_row(row, rows);
        for (sum, w) in sum.iter_mut().zip(&block[row * width..(row + 1) * width]) {
            *sum += *w;
        }
    }
}

struct StepNeurons<'a> {
    v: &'a mut [f32],
    i: &'a mut [f32],
    steps: usize,
}

impl Kernel for StepNeurons<'_> {
    type Output = u32;

    #[inline(always)]
    fn run(self) -> u32 {
        let mut fired = 0;
        for _ in 0..self.steps {
            for (v, i) in self.v.iter_mut().zip(self.i.iter_mut()) {
                *v = 0.95 * *v + 0.04 * *i;
                *i *= 0.999;
                fired |= u32::from(*v >= 1e9);
            }
        }
        fired
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Clock, Init, Li, Lif};

    #[test]
    fn work_counts_rows_steps_and_updates() {
        let mut network = Network::new(Clock::new(1.0, 10.0).unwrap());
        let input = network.add_input("in", 3);
        let hidden = network.add_lif("hid", 4, Lif::new(20.0, 5.0));
        let output = network.add_li("out", 2, Li::new(20.0, 5.0));
        let init = Init::Normal {
            mean: 0.0,
            std: 1.0,
        };
        network.connect(input, hidden, init.clone());
        network.connect(hidden, output, init);
        let mut activity = Activity::for_network(&network);
        activity.samples = 2;
        activity.spikes[0] = vec![1, 2, 3];
        activity.spikes[1] = vec![4, 0, 0, 0];
        let work = Work::of(&network, &activity, 5);
        assert_eq!(
            work,
            Work {
                additions: 2.0 * 3.0 * 4.0 + 2.0 * 2.0 * 2.0,
                neuron_steps: 2.0 * 10.0 * 6.0,
                products: 2.0 * 2.0,
                updates: (12.0 + 8.0) / 5.0,
            }
        );
    }

    #[test]
    fn operations_report_what_they_did() {
        let mut network = Network::new(Clock::new(1.0, 10.0).unwrap());
        let input = network.add_input("in", 3);
        let output = network.add_li("out", 8, Li::new(20.0, 5.0));
        network.connect(
            input,
            output,
            Init::Normal {
                mean: 0.0,
                std: 1.0,
            },
        );
        let mut ceiling = Ceiling::of(&network);
        assert_eq!(ceiling.add_rows(7), 56);
        assert_eq!(ceiling.step_neurons(3), 24);
        assert_eq!(ceiling.adam_step(), 24);
    }
}
