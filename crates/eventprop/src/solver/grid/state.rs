//! Working memory of one sample, kept from batch to batch.

use super::plan::{Layer, Plan};
use crate::aligned::Aligned;
use crate::real::Real;
use crate::solver::probe::Probe;

/// Where the voltage of an output peaks, and the spike whose arrival made the peak a kink (`[A6]`).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kink<F> {
    /// The step of the peak.
    pub step: usize,
    /// I − V at the peak before anything arrives in that step.
    pub drive_before: F,
    /// Link and spike that turn the slope from up to down.
    pub carrier: Option<(usize, usize)>,
    /// I − V just before that arrival.
    pub carrier_drive: F,
}

/// λ_B of a neuron just before (in forward time) the spike that the adjoint pass reached last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lowered<F> {
    /// The step of the spike; the number of steps before any was reached.
    pub step: u32,
    pub lambda_b: F,
    /// B at the spike.
    pub b: F,
}

/// What a sample adds to the derivatives with respect to constants of one population.
#[derive(Debug, Clone, Default)]
pub(super) struct ByConstant<F> {
    pub tau_mem: Vec<F>,
    pub tau_syn: Vec<F>,
    pub tau_b: Vec<F>,
    pub b_incr: Vec<F>,
}

impl<F: Real> ByConstant<F> {
    /// Zeros for what a layer needs.
    fn start(&mut self, layer: &Layer<F>) {
        let flow = layer.sensitivities.as_ref().map_or(0, |_| layer.stride);
        let threshold = layer.adapting.as_ref().map_or(0, |_| layer.stride);
        for (sums, len) in [
            (&mut self.tau_mem, flow),
            (&mut self.tau_syn, flow),
            (&mut self.tau_b, threshold),
            (&mut self.b_incr, threshold),
        ] {
            sums.clear();
            sums.resize(len, F::ZERO);
        }
    }
}

/// Working memory of one sample.
#[derive(Debug, Clone, Default)]
pub(super) struct State<F> {
    /// Membrane potentials per population.
    pub v: Vec<Aligned<F>>,
    /// Synaptic currents per population.
    pub i: Vec<Aligned<F>>,
    /// Memory for the synaptic currents of the next step per population.
    pub i_next: Vec<Aligned<F>>,
    /// The neurons of a population that are above threshold: first neuron of a word, and a bit each.
    pub above: Vec<(u32, u32)>,
    /// B per population; empty where thresholds do not adapt.
    pub b: Vec<Aligned<F>>,
    /// V and I with which every step began per population, `[steps, stride]` each; empty where no
    /// time constant is trained.
    pub began: Vec<(Vec<F>, Vec<F>)>,
    /// Next spike to deliver per link.
    pub next: Vec<usize>,
    /// One more than the step of the last spike per input neuron.
    pub input_seen: Vec<u32>,
    /// Currents of the outputs before the deliveries of the step.
    pub current_before: Aligned<F>,
    /// Kinks per output.
    pub kinks: Vec<Kink<F>>,
    /// λ_V per population.
    pub lambda_v: Vec<Aligned<F>>,
    /// λ_V − λ_I per population.
    pub difference: Vec<Aligned<F>>,
    /// λ_I per population.
    pub lambda_i: Vec<Aligned<F>>,
    /// λ_B per population and neuron; empty where thresholds do not adapt.
    pub lowered: Vec<Vec<Lowered<F>>>,
    /// Sums for the derivatives with respect to constants, per population.
    pub by_constant: Vec<ByConstant<F>>,
    /// Spikes that have not jumped yet per population.
    pub jump_next: Vec<usize>,
    /// R per population and spike.
    pub backflow: Vec<Vec<F>>,
    /// Population and neuron of the first state variable that is not finite after the last trial.
    pub not_finite: Option<(usize, usize)>,
    /// What is recorded.
    pub probes: Vec<Probe>,
    /// One record per probe, `[steps, size]`.
    pub records: Vec<Vec<F>>,
}

impl<F: Real> State<F> {
    /// Sets the initial state of a trial.
    pub fn start_trial(&mut self, plan: &Plan<F>) {
        self.v.resize_with(plan.layers.len(), Aligned::default);
        self.i.resize_with(plan.layers.len(), Aligned::default);
        self.i_next.resize_with(plan.layers.len(), Aligned::default);
        let currents = self.i.iter_mut().zip(&mut self.i_next);
        for ((v, (i, i_next)), layer) in self.v.iter_mut().zip(currents).zip(&plan.layers) {
            v.copy_of(&layer.v_init);
            i.resize(layer.stride);
            i.fill(F::ZERO);
            i_next.resize(layer.stride);
        }
        self.b.resize_with(plan.layers.len(), Aligned::default);
        for (b, layer) in self.b.iter_mut().zip(&plan.layers) {
            let b_init = layer.adapting.as_ref().map(|adapting| &adapting.b_init[..]);
            b.copy_of(b_init.unwrap_or_default());
        }
        self.began.resize_with(plan.layers.len(), Default::default);
        for ((v, i), layer) in self.began.iter_mut().zip(&plan.layers) {
            if layer.sensitivities.is_some() {
                let len = plan.clock.steps() * layer.stride;
                v.resize(len, F::ZERO);
                i.resize(len, F::ZERO);
            }
        }
        self.next.clear();
        self.next.resize(plan.links.len(), 0);
    }

    /// Sets what the adjoint pass adds up to zero.
    pub fn start_constants(&mut self, plan: &Plan<F>) {
        self.lowered.resize_with(plan.layers.len(), Vec::new);
        self.by_constant
            .resize_with(plan.layers.len(), Default::default);
        let both = self.lowered.iter_mut().zip(&mut self.by_constant);
        for ((lowered, by_constant), layer) in both.zip(&plan.layers) {
            by_constant.start(layer);
            lowered.clear();
            if layer.adapting.is_some() {
                let end = Lowered {
                    step: plan.clock.steps() as u32,
                    ..Lowered::default()
                };
                lowered.resize(layer.size, end);
            }
        }
    }

    /// Makes room for records.
    pub fn set_probes(&mut self, plan: &Plan<F>, probes: &[Probe]) {
        self.probes.clear();
        self.probes.extend_from_slice(probes);
        self.records.resize_with(probes.len(), Vec::new);
        for (record, probe) in self.records.iter_mut().zip(probes) {
            record.clear();
            let size = plan.layers[probe.population].size;
            record.resize(plan.clock.steps() * size, F::ZERO);
        }
    }

    /// Position (population, neuron) of the first state variable that is not finite.
    pub fn first_non_finite(&self) -> Option<(usize, usize)> {
        self.v
            .iter()
            .zip(&self.i)
            .enumerate()
            .find_map(|(population, (v, i))| {
                let finite = |x: F| x.to_f64().is_finite();
                let neuron = (0..v.len()).find(|&n| !finite(v[n]) || !finite(i[n]))?;
                Some((population, neuron))
            })
    }
}
