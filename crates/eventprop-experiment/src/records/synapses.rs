//! Variables of projections in every step of a trial, put together from the tape.
//!
//! The solver keeps neither currents per projection nor gradients per sample and step; both follow
//! from the spikes on the tape, the weights and, for gradients, λ_I of the target.

use std::borrow::Cow;

use eventprop::connect::{Synapse, Synapses, by_weight};
use eventprop::network::{Network, ProjectionId};
use eventprop::params::Params;
use eventprop::real::Real;
use eventprop::tape::{SpikeTime, Tape};
use eventprop::time_noise::TimeNoise;

/// One projection of one sample.
pub struct Line<'a, T: Clone, F: Clone> {
    /// The network.
    pub network: &'a Network,
    /// The projection.
    pub id: ProjectionId,
    /// The spikes of the sample.
    pub tape: Cow<'a, Tape<T, F>>,
}

impl<T: SpikeTime, F: Real> Line<'_, T, F> {
    fn steps(&self) -> usize {
        self.network.clock().steps()
    }

    fn synapses(&self) -> Synapses {
        self.network.synapses(self.id)
    }

    fn targets(&self) -> usize {
        let target = self.network.projection(self.id).target;
        self.network.population(target).size
    }

    /// τ_syn of a target neuron.
    fn tau_syn(&self, neuron: usize) -> f64 {
        let target = self.network.projection(self.id).target;
        let (_, tau_syn) = self
            .network
            .population(target)
            .time_constants()
            .expect("only targets with time constants are recorded");
        tau_syn.of(neuron)
    }

    /// The step and the synapse of everything that arrives within the trial, by step.
    fn arrivals<G: Real>(&self, params: &Params<G>) -> Vec<(usize, Synapse)> {
        let clock = self.network.clock();
        let (synapses, lags) = (self.synapses(), self.network.lags(self.id, params));
        let lags = lags.map(|ms| clock.delay_steps(ms));
        let spikes = &self.tape.populations[self.network.projection(self.id).source.0];
        let mut all = Vec::new();
        for (when, &neuron) in spikes.when.iter().zip(&spikes.neuron) {
            let sent = clock.step_of(when.ms(clock), TimeNoise::F64);
            let each = synapses.of(neuron as usize);
            let each = each.map(|synapse| (sent + lags.of(synapse), synapse));
            all.extend(each.filter(|(step, _)| *step < clock.steps()));
        }
        // At equal steps in the order of the tape.
        all.sort_by_key(|(step, _)| *step);
        all
    }

    /// The part of I that arrived over the projection, at the end of every step, `[steps, targets]`.
    pub fn in_syn(&self, params: &Params<f32>) -> Vec<f32> {
        let size = self.targets();
        let dt = self.network.clock().dt_ms();
        let decay: Vec<f64> = (0..size).map(|n| (-dt / self.tau_syn(n)).exp()).collect();
        let weights = params.weights(self.id);
        let factor = self.synapses().factor();
        let mut current = vec![0.0; size];
        let mut record = Vec::with_capacity(self.steps() * size);
        let mut arrivals = self.arrivals(params).into_iter().peekable();
        for step in 0..self.steps() {
            while let Some((_, synapse)) = arrivals.next_if(|(arrival, _)| *arrival == step) {
                current[synapse.target] += factor * f64::from(weights[synapse.weight]);
            }
            for (i, decay) in current.iter_mut().zip(&decay) {
                *i *= decay;
                record.push(*i as f32);
            }
        }
        record
    }

    /// The gradient of the weights as far as the adjoint pass had come when it had taken back the
    /// arrivals of each step, `[steps, weights]`: row 0 is the whole gradient of the sample.
    /// `lambda_i` is λ_I of the target at the start of every step, `[steps, targets]`.
    pub fn gradient<G: Real>(&self, params: &Params<G>, lambda_i: &[F]) -> Vec<f32> {
        let size = self.targets();
        let synapses = self.synapses();
        let (weights, factor) = (synapses.weights_len(), synapses.factor());
        let tau_syn: Vec<f64> = (0..size).map(|n| self.tau_syn(n)).collect();
        let mut sum = vec![0.0; weights];
        let mut record = vec![0.0; self.steps() * weights];
        let mut arrivals = self.arrivals(params).into_iter().rev().peekable();
        for step in (0..self.steps()).rev() {
            let lambda_i = &lambda_i[step * size..(step + 1) * size];
            while let Some((_, synapse)) = arrivals.next_if(|(arrival, _)| *arrival == step) {
                let Synapse { target, weight, .. } = synapse;
                sum[weight] += factor * by_weight(tau_syn[target], lambda_i[target].to_f64());
            }
            let row = &mut record[step * weights..(step + 1) * weights];
            for (value, sum) in row.iter_mut().zip(&sum) {
                *value = *sum as f32;
            }
        }
        record
    }
}
