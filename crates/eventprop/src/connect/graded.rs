//! Graded input spikes: what a spike of amplitude a delivers and what comes back to it.
//!
//! Such a spike acts a times as strongly as another one (`[F5]`, `[A4]`, `[G1]`, `[G6]` with a w in place of w), one arrival
//! after the other. Inputs are graded where a network of real numbers stands before the spiking one, which wants to know how
//! the loss depends on a (`[G8]`).

use super::connection::{Connection, Targets, Transit, Travel};
use super::dense::rows;
use super::synapse::{arrive, by_time};
use super::wiring::{Kind, Synapses};
use crate::aligned::Aligned;
use crate::real::Real;
use crate::tape::Spikes;

impl Synapses {
    /// `[F5]` Adds what a spike of `source` with an amplitude brings to the currents of the targets.
    pub(crate) fn deliver_graded<F: Real>(
        &self,
        w: &[F],
        source: usize,
        amplitude: F,
        i: &mut [F],
    ) {
        for synapse in self.of(source) {
            let i = &mut i[synapse.target];
            *i = arrive(*i, amplitude * w[synapse.weight]);
        }
    }

    /// `[G8]` ∂L/∂a of an arrival from `source`. by_weight: −τ_syn λ_I of the targets, as long as a row of w.
    #[inline(always)]
    pub(crate) fn by_amplitude<F: Real>(&self, w: &[F], source: usize, by_weight: &[F]) -> F {
        // [G8] ∂L/∂a = Σ w (−τ_syn λ_I)
        match &self.kind {
            Kind::Dense(_) if by_weight.len().is_multiple_of(rows::LANES) => {
                let row = self.row_of(source);
                row.map_or(F::ZERO, |row| {
                    rows::dot(&w[row * by_weight.len()..][..by_weight.len()], by_weight)
                })
            }
            Kind::Dense(_) | Kind::OneToOne(_) | Kind::Sparse(_) | Kind::Convolved(_) => {
                let each = self.of(source);
                each.fold(F::ZERO, |sum, s| sum + w[s.weight] * by_weight[s.target])
            }
        }
    }
}

impl Connection {
    /// `[F5]` Adds what arrives at the start of step k from graded spikes to the currents of the targets.
    ///
    /// PERF: kept out of the loops of other spikes, which lose 3 % of a training on MNIST beside this code; likewise below.
    #[inline(never)]
    pub fn deliver_graded<F: Real>(
        &self,
        transit: &mut Transit,
        w: &[F],
        (spikes, k): (&Spikes<u32, F>, usize),
        i: &mut Aligned<F>,
    ) {
        let arriving = self.arriving(&spikes.when, &(k..k + 1));
        transit.next = arriving.end;
        for spike in arriving {
            let (source, amplitude) = (spikes.neuron[spike] as usize, spikes.amplitude[spike]);
            if let Kind::Dense(_) = &self.synapses.kind {
                let Some(row) = self.synapses.row_of(source) else {
                    continue;
                };
                let row = &w[row * i.len()..][..i.len()];
                for (i, w) in i.iter_mut().zip(row) {
                    *i = arrive(*i, amplitude * *w);
                }
            } else {
                self.synapses.deliver_graded(w, source, amplitude, i);
            }
        }
    }

    /// `[A4]` Adds what the targets send back at the start of step `arrival` to R of graded spikes.
    #[inline(never)]
    pub fn collect_graded<F: Real>(
        &self,
        w: &[F],
        (spikes, arrival): (&Spikes<u32, F>, usize),
        targets: Targets<'_, F>,
        backflow: &mut [F],
    ) {
        let Targets {
            lambda_v,
            lambda_i,
            difference,
        } = targets;
        let arriving = self.arriving(&spikes.when, &(arrival..arrival + 1));
        if arriving.is_empty() {
            return;
        }
        rows::subtract(lambda_v, lambda_i, difference);
        for spike in arriving {
            let source = spikes.neuron[spike] as usize;
            let r = match &self.synapses.kind {
                Kind::Dense(_) => {
                    let Some(row) = self.synapses.row_of(source) else {
                        continue;
                    };
                    let row = &w[row * difference.len()..][..difference.len()];
                    rows::dot(row, difference)
                }
                Kind::OneToOne(_) | Kind::Sparse(_) | Kind::Convolved(_) => {
                    self.synapses.backflow(w, source, lambda_v, lambda_i)
                }
            };
            backflow[spike] += by_time(spikes.amplitude[spike], r);
        }
    }

    /// `[G8]` Adds ∂L/∂a of what arrives at the start of step `arrival`, or would arrive if there were a spike, to
    /// by_input: `[steps, inputs]`. by_weight: −τ_syn λ_I of the targets, padded.
    #[inline(never)]
    pub fn by_amplitudes<F: Real>(
        &self,
        w: &[F],
        arrival: usize,
        by_weight: &[F],
        (by_input, inputs): (&mut [F], usize),
    ) {
        let Travel::InOrder(lag) = self.travel else {
            unreachable!("other delays of the input are refused: `check_inputs`");
        };
        let Some(step) = arrival.checked_sub(lag) else {
            return;
        };
        let row = &mut by_input[step * inputs..(step + 1) * inputs];
        for (source, value) in row.iter_mut().enumerate() {
            *value += self.synapses.by_amplitude(w, source, by_weight);
        }
    }
}
