//! The adjoint pass over a batch whose traces are large: a few samples per task, each with a gradient of its
//! own; then the sum of those.

use rayon::prelude::*;

use super::adjoint::{Pass, Stopped};
use super::gradient::Sink;
use super::plan::Plan;
use super::state::State;
use super::{Grid, Scratch};
use crate::aligned::Aligned;
use crate::connect::Onto;
use crate::connect::trace::{self, Shape};
use crate::dispatch::vectorized;
use crate::params::Params;
use crate::real::Real;
use crate::solver::{Drive, HostTrials, Sum};

/// Numbers of the gradients of groups of samples that are held at a time (16 MB in f32), unless that
/// would be fewer than [`LEAST`].
const NUMBERS: usize = 4 << 20;
/// The fewest and the most groups, so that several threads have work and summing has little.
const LEAST: usize = 4;
const MOST: usize = 16;

/// Samples of a group, whose gradients one task adds up: depends on the batch and the network only.
pub(super) fn len<F: Real>(plan: &Plan<F>, samples: usize) -> usize {
    let links = plan.links.iter();
    let weights = links.map(|link| link.connection.gradient_len());
    let groups = NUMBERS / weights.sum::<usize>().max(1);
    samples.div_ceil(groups.clamp(LEAST, MOST)).max(1)
}

impl<F: Real> Grid<F> {
    /// A few samples per task, each group with a gradient of its own; that of the first is the one of
    /// `sum`.
    pub(super) fn adjoint_in_groups(
        &mut self,
        params: &Params<F>,
        forward: &HostTrials<u32, F>,
        drive: Drive<'_, F>,
        sum: &mut Sum<'_, F>,
    ) -> Stopped {
        let samples = forward.tapes.len();
        let len = len(&self.plan, sum.samples);
        let plan = &self.plan;
        let shape = Shape::new(plan.columns, plan.clock.steps().min(trace::WINDOW));
        let pass = Pass {
            plan,
            weights: &self.packed.weights(&plan.links, params),
            forward,
            drive,
            convention: sum.convention(),
        };
        let pool = &self.pool;
        self.gradients
            .resize_with(samples.div_ceil(len) - 1, Aligned::default);
        let numbers = sum.gradient.values().len();
        let mut sums = vec![sum.gradient.values_mut()];
        for sum in &mut self.gradients {
            sum.resize(numbers);
            sums.push(sum);
        }
        let group = |(group, (sum, states)): (usize, (&mut [F], &mut [State<F>]))| {
            let mut scratch = pool.lend();
            let Scratch {
                trace,
                by_neuron,
                histories,
                ..
            } = &mut *scratch;
            trace.resize(shape.len);
            for (place, state) in states.iter_mut().enumerate() {
                let sample = group * len + place;
                let sink = Sink {
                    group: by_neuron,
                    gradient: sum,
                    params,
                    onto: if place == 0 {
                        Onto::Zero
                    } else {
                        Onto::Gradient
                    },
                };
                let into = (Some(sink), &mut *histories);
                let work = pass.sample(sample, state, (trace, shape), into);
                if let Err(graze) = vectorized(work) {
                    return Some((sample, graze));
                }
            }
            None
        };
        let states = self.states[..samples].par_chunks_mut(len);
        let groups = sums.into_par_iter().zip(states).enumerate();
        groups.map(group).find_map_first(|stopped| stopped)
    }
}
