//! The elementary operations of training, on their own: what a machine could do at best.
//!
//! A bench times these loops and adds up how often a workload needs each of them
//! ([`Work`]): the sum is a floor below which no reordering of the same work can get on that machine.
//! The loops are the ones that the grid solver is made of, without anything between them.

use std::hint::black_box;

use crate::dispatch::{Kernel, vectorized};
use crate::network::{Model, Network};
use crate::optim::{Adam, Optimizer};
use crate::params::Params;
use crate::train::Activity;

/// How often one sample needs each elementary operation, on average.
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
            if !matches!(population.model, Model::Input) {
                work.neuron_steps += 2.0 * steps * population.size as f64;
            }
        }
        for projection in network.projections() {
            let width = network.population(projection.target).size as f64;
            let source = network.population(projection.source);
            let spikes: u64 = activity.spikes[projection.source.0].iter().sum();
            let rows = spikes as f64 / samples;
            work.additions += 2.0 * rows * width;
            if !matches!(source.model, Model::Input) {
                work.products += rows * width;
            }
            work.updates += source.size as f64 * width / batch as f64;
        }
        work
    }
}

/// Adds `count` rows of `width` numbers out of a matrix of `rows` rows, in an order without pattern;
/// returns the number of additions.
pub fn add_rows(rows: usize, width: usize, count: usize) -> usize {
    let matrix: Vec<f32> = (0..rows * width).map(|n| n as f32).collect();
    let order: Vec<u32> = (0..count)
        .map(|n| (n.wrapping_mul(2_654_435_761) % rows) as u32)
        .collect();
    let mut sum = vec![0.0; width];
    vectorized(AddRows {
        matrix: black_box(&matrix),
        order: black_box(&order),
        sum: &mut sum,
    });
    black_box(&sum);
    count * width
}

struct AddRows<'a> {
    matrix: &'a [f32],
    order: &'a [u32],
    sum: &'a mut [f32],
}

impl Kernel for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let width = self.sum.len();
        for &row in self.order {
            let row = &self.matrix[row as usize * width..(row as usize + 1) * width];
            for (sum, w) in self.sum.iter_mut().zip(row) {
                *sum += *w;
            }
        }
    }
}

/// Advances `size` neurons by `steps` steps (two decays and a threshold test, as in `[F1]` to
/// `[F3]`); returns the number of advances.
pub fn step_neurons(size: usize, steps: usize) -> usize {
    let mut v = vec![0.0_f32; size];
    let mut i = vec![1.0_f32; size];
    let fired = vectorized(StepNeurons {
        v: black_box(&mut v),
        i: black_box(&mut i),
        steps,
    });
    black_box((&v, fired));
    size * steps
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

/// Applies `count` Adam steps to the parameters of a network on the calling thread; returns the
/// number of updates.
///
/// # Panics
/// When the network is not valid.
pub fn adam_steps(network: &Network, count: usize) -> usize {
    let mut params = Params::<f32>::init(network, 0).expect("the network is valid");
    let gradient = params.clone();
    let mut adam = Optimizer::Adam(Adam::new(&params, 0.9, 0.999, 1e-8));
    for _ in 0..count {
        adam.step(&mut params, &gradient, 1e-9);
    }
    black_box(&params);
    count * gradient.values().len()
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
    fn loops_report_what_they_did() {
        assert_eq!(add_rows(10, 8, 7), 56);
        assert_eq!(step_neurons(8, 3), 24);
    }
}
