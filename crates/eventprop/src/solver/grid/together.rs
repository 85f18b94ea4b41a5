//! The adjoint pass over a batch whose traces are small: all samples, then the weight gradients from all traces.

use rayon::prelude::*;

use super::Grid;
use super::adjoint::{Pass, Stopped};
use super::gradient;
use crate::connect::trace::Shape;
use crate::dispatch::vectorized;
use crate::params::Params;
use crate::real::Real;
use crate::solver::{Drive, HostTrials, Sum};

/// Traces of λ_I of a batch, in numbers, up to which they are all kept and gathered together.
/// PERF: 1 MB in f32 stays close to the cores, and the gradient is then written once.
pub(super) const NUMBERS: usize = 1 << 18;

impl<F: Real> Grid<F> {
    /// All samples, then the weight gradients from all traces.
    pub(super) fn adjoint_together(
        &mut self,
        params: &Params<F>,
        forward: &HostTrials<u32, F>,
        drive: Drive<'_, F>,
        sum: &mut Sum<'_, F>,
    ) -> Stopped {
        let plan = &self.plan;
        let shape = Shape::new(plan.columns, plan.clock.steps());
        let samples = forward.tapes.len();
        self.traces.resize(samples * shape.len);
        let pass = Pass {
            plan,
            weights: &self.packed.weights(&plan.links, params),
            forward,
            drive,
            convention: sum.convention(),
        };
        let (states, traces) = (&mut self.states[..samples], &mut self.traces[..]);
        let back = || {
            let each = states.par_iter_mut().zip(traces.par_chunks_mut(shape.len));
            each.enumerate()
                .map(|(sample, (state, trace))| {
                    let mut no_histories = Vec::new();
                    let into = (None, &mut no_histories);
                    let work = pass.sample(sample, state, (trace, shape), into);
                    vectorized(work).map_err(|graze| (sample, graze))
                })
                .find_map_first(Result::err)
        };
        let by_neuron = &mut self.by_neuron[..];
        let group = || gradient::group_batch(plan, &forward.tapes, by_neuron);
        let (stopped, ()) = rayon::join(back, group);
        if stopped.is_none() {
            let traces = (&forward.tapes[..], &self.traces[..]);
            gradient::gather_batch(plan, traces, &self.by_neuron, sum.gradient);
        }
        stopped
    }
}
