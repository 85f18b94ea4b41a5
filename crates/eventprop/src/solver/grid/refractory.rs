//! Refractory times on the grid.
//!
//! A spike of step s holds V for n steps. Forwards these are the steps behind it, s + 1 to s + n, as V is reset at the end of
//! step s. Backwards a spike is taken at the start of its step, and so is the end of its refractory time, at that of step
//! s + n: there λ_V goes to R of the spike, and stays 0 down to the spike. For n = 0 both are the same place.

use std::ops::Range;

use crate::network::{Clock, Population};
use crate::neuron::description::Description;
use crate::neuron::lif;
use crate::real::Real;
use crate::tape::Spikes;

/// The refractory times of a population.
#[derive(Debug, Clone)]
pub(super) struct Holds<F> {
    /// In steps, per neuron.
    steps: Vec<u32>,
    most: u32,
    /// V_reset, per neuron.
    v_reset: Vec<F>,
}

impl<F: Real> Holds<F> {
    /// Those of a population; none where there are none.
    pub fn new(population: &Population, clock: Clock) -> Option<Self> {
        let steps = population.refractory_steps(clock);
        let v_reset = population.description().map(Description::v_start)?;
        let of = |n: usize| F::from_f64(v_reset.of(n));
        Some(Self {
            most: steps.iter().copied().max()?,
            v_reset: (0..steps.len()).map(of).collect(),
            steps,
        })
    }

    /// Places on the tape of the spikes of the longest refractory time before step `k`.
    fn recent(&self, spikes: &Spikes<u32, F>, k: usize) -> Range<usize> {
        let when = &spikes.when;
        let first = when.partition_point(|&s| s as usize + (self.most as usize) < k);
        first..when.partition_point(|&s| (s as usize) < k)
    }

    /// Neuron of a spike, and the last step that it holds.
    fn end(&self, spikes: &Spikes<u32, F>, spike: usize) -> (usize, usize) {
        let neuron = spikes.neuron[spike] as usize;
        (neuron, (spikes.when[spike] + self.steps[neuron]) as usize)
    }

    /// After the flow of step `k`, which began with the currents `i`: V of the neurons that are held, and the drives of those that
    /// this is the last step of.
    #[inline(never)]
    pub fn hold(&self, k: usize, v: &mut [F], i: &[F], spikes: &mut Spikes<u32, F>) {
        spikes.release.resize(spikes.len(), F::ZERO);
        for spike in self.recent(spikes, k) {
            let (neuron, end) = self.end(spikes, spike);
            if end >= k {
                // [F15] V = V_reset
                v[neuron] = self.v_reset[neuron];
            }
            if end == k {
                spikes.release[spike] = lif::drive(i[neuron], self.v_reset[neuron]);
            }
        }
    }

    /// λ_V at the start of step `k` of the neurons whose refractory time ends there, to R of their spikes.
    #[inline(never)]
    pub fn release(
        &self,
        k: usize,
        lambda_v: &mut [F],
        spikes: &Spikes<u32, F>,
        backflow: &mut [F],
    ) {
        for spike in self.recent(spikes, k) {
            let (neuron, end) = self.end(spikes, spike);
            if end == k {
                backflow[spike] += lif::adjoint_release(lambda_v[neuron], spikes.release[spike]);
                lambda_v[neuron] = F::ZERO;
            }
        }
    }

    /// Takes back what a loss reads of V at the start of step `k` while neurons are held: it is V_reset whatever happens.
    #[inline(never)]
    pub fn ignore(&self, k: usize, spikes: &Spikes<u32, F>, lambda_v: &mut [F]) {
        for spike in self.recent(spikes, k) {
            let (neuron, end) = self.end(spikes, spike);
            if end >= k {
                lambda_v[neuron] = F::ZERO;
            }
        }
    }
}
