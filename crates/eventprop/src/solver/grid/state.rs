//! Working memory of one sample, kept from batch to batch.

use super::plan::Plan;
use crate::real::Real;

/// A variable that can be recorded in every step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// V at the end of each step.
    Voltage,
    /// I at the end of each step.
    Current,
    /// λ_V at the start of each step.
    LambdaV,
    /// λ_I at the start of each step.
    LambdaI,
}

/// What to record: a variable of a population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Index of the population.
    pub population: usize,
    /// The variable.
    pub variable: Variable,
}

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

/// Working memory of one sample.
#[derive(Debug, Clone, Default)]
pub(super) struct State<F> {
    /// Membrane potentials per population.
    pub v: Vec<Vec<F>>,
    /// Synaptic currents per population.
    pub i: Vec<Vec<F>>,
    /// Next spike to deliver per link.
    pub next: Vec<usize>,
    /// One more than the step of the last spike per input neuron.
    pub input_seen: Vec<u32>,
    /// Currents of the outputs before the deliveries of the step.
    pub current_before: Vec<F>,
    /// Kinks per output.
    pub kinks: Vec<Kink<F>>,
    /// λ_V per population.
    pub lambda_v: Vec<Vec<F>>,
    /// λ_V − λ_I per population.
    pub difference: Vec<Vec<F>>,
    /// λ_I per population at the start of every step, `[steps + 1, stride]`.
    pub lambda_i: Vec<Vec<F>>,
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
        self.v.resize_with(plan.layers.len(), Vec::new);
        self.i.resize_with(plan.layers.len(), Vec::new);
        for ((v, i), layer) in self.v.iter_mut().zip(&mut self.i).zip(&plan.layers) {
            v.clone_from(&layer.v_init);
            i.clear();
            i.resize(layer.stride, F::ZERO);
        }
        self.next.clear();
        self.next.resize(plan.links.len(), 0);
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
