//! Derivatives by the input of one sample, on the way of its adjoint pass.

use super::adjoint::AdjointSample;
use super::plan::Plan;
use crate::connect::{self, Sums, Targets};
use crate::neuron::flow::Stretch;
use crate::real::Real;
use crate::solver::Convention;

/// Zeros for what a convention needs.
pub(super) fn start<F: Real>(
    plan: &Plan<F>,
    convention: Option<Convention>,
    by_input: &mut Vec<F>,
) {
    let size = match convention {
        Some(Convention::Graded) => plan.layers[plan.input].size,
        Some(Convention::Current(population)) => plan.layers[population.0].size,
        Some(Convention::Time) | None => 0,
    };
    by_input.clear();
    by_input.resize(plan.clock.steps() * size, F::ZERO);
}

impl<F: Real> AdjointSample<'_, F> {
    /// `[G7]` `[G8]` of what arrives from the input over a link at the start of step `arrival`.
    #[inline(never)]
    pub(super) fn collect_inputs(&mut self, convention: Convention, index: usize, arrival: usize) {
        let (plan, link) = (self.plan, &self.plan.links[index]);
        let (w, spikes) = (self.weights[index], &self.tape.populations[plan.input]);
        let state = &mut *self.state;
        let targets = Targets {
            lambda_v: &state.lambda_v[link.target],
            lambda_i: &state.lambda_i[link.target],
            difference: &mut state.difference[link.target],
        };
        let backflow = &mut state.backflow[plan.input][..];
        let by_delay = &mut [][..];
        match convention {
            Convention::Time if spikes.amplitude.is_empty() => {
                let transit = &mut state.transits[index];
                let at = (spikes, arrival);
                let sums = Sums { backflow, by_delay };
                link.connection.collect(transit, w, at, targets, sums);
            }
            Convention::Time => {
                let at = (spikes, arrival);
                link.connection.collect_graded(w, at, targets, backflow);
            }
            Convention::Graded => {
                let tau_syn = &plan.layers[link.target].tau_syn;
                let by_weight = targets.difference;
                by_weight.fill(F::ZERO);
                let each = by_weight.iter_mut().zip(tau_syn).zip(&targets.lambda_i[..]);
                each.for_each(|((value, tau_syn), lambda_i)| {
                    *value = connect::by_weight(*tau_syn, *lambda_i);
                });
                let by_input = (&mut state.by_input[..], plan.layers[plan.input].size);
                link.connection
                    .by_amplitudes(w, arrival, by_weight, by_input);
            }
            Convention::Current(_) => {}
        }
    }

    /// `[G9]` over step k.
    #[inline(never)]
    pub(super) fn current(&mut self, k: usize) {
        let Some(Convention::Current(population)) = self.convention else {
            return;
        };
        let layer = &self.plan.layers[population.0];
        let driven = population.0 == self.plan.output && !self.seed.voltage.is_empty();
        let row = k * layer.size..(k + 1) * layer.size;
        let lambda_v = &self.state.lambda_v[population.0];
        for (n, by_input) in self.state.by_input[row.clone()].iter_mut().enumerate() {
            let a = if driven {
                self.seed.voltage[row.start + n].to_f64()
            } else {
                0.0
            };
            let stretch = Stretch {
                ms: self.plan.clock.dt_ms(),
                tau_mem: layer.tau_mem[n].to_f64(),
            };
            *by_input = F::from_f64(stretch.by_current(lambda_v[n].to_f64(), a));
        }
    }

    /// `[G7]` is complete at the start of the trial.
    pub(super) fn finish_inputs(&mut self) {
        if self.convention == Some(Convention::Time) {
            let backflow = &self.state.backflow[self.plan.input];
            self.state.by_input.extend_from_slice(backflow);
        }
    }
}
