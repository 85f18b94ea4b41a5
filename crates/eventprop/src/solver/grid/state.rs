//! Working memory of one sample, kept from batch to batch.

use super::plan::{Layer, Plan};
use crate::aligned::Aligned;
use crate::connect::Transit;
use crate::neuron::Between;
use crate::real::Real;
use crate::solver::kink::Carrier;
use crate::solver::probe::Probe;

/// The peak of the voltage of an output, and the link and spike that made it a kink (`[A6]`).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kink<F> {
    /// The step of the peak.
    pub step: usize,
    /// I − V at the peak before anything arrives in that step.
    pub drive_before: F,
    /// Link and spike that turn the slope from up to down.
    pub carrier: Option<Carrier<(usize, usize), F>>,
}

/// Terms of a sample in the derivatives with respect to the time constants of one population.
#[derive(Debug, Clone, Default)]
pub(super) struct ByTime<F> {
    pub tau_mem: Vec<F>,
    pub tau_syn: Vec<F>,
}

impl<F: Real> ByTime<F> {
    /// Zeros for what a layer needs.
    fn start(&mut self, layer: &Layer<F>) {
        let len = layer.sensitivities.as_ref().map_or(0, |_| layer.stride);
        for sums in [&mut self.tau_mem, &mut self.tau_syn] {
            sums.clear();
            sums.resize(len, F::ZERO);
        }
    }
}

/// State of a neuron's adjoint from spike to spike.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastSpike<F> {
    /// The step of the spike that was reached last; the number of steps before any was reached.
    pub step: u32,
    pub between: Between<F>,
}

/// V and I with which every step began, `[steps, stride]` each.
#[derive(Debug, Clone, Default)]
pub(super) struct StepStart<F> {
    pub v: Vec<F>,
    pub i: Vec<F>,
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
    /// The model's own variable beside V and I, per population; empty where it has none.
    pub own: Vec<Aligned<F>>,
    /// Record of every step for its adjoint, per population, `[steps, stride]`; empty where that is nothing.
    pub trail: Vec<Vec<F>>,
    /// V and I with which every step began per population, `[steps, stride]` each; empty where no
    /// time constant is trained.
    pub step_start: Vec<StepStart<F>>,
    /// Position of the pass per link.
    pub transits: Vec<Transit>,
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
    /// Per population and neuron; empty where the model keeps nothing beside V and I.
    pub last_spike: Vec<Vec<LastSpike<F>>>,
    /// `[G6]` Sums for the derivatives with respect to delays, per link; empty where they are not trained, or spikes do not
    /// arrive as wholes.
    pub by_delay: Vec<Vec<F>>,
    /// `[A6]` What delays gain from moving peaks: link, index of the delay, and how much.
    pub moved_peaks: Vec<(usize, usize, F)>,
    /// Sums for the derivatives with respect to time constants, per population.
    pub by_time: Vec<ByTime<F>>,
    /// Spikes that have not jumped yet per population.
    pub jump_next: Vec<usize>,
    /// R per population and spike.
    pub backflow: Vec<Vec<F>>,
    /// Derivatives by the input, where they are wanted.
    pub by_input: Vec<F>,
    /// Population and neuron of the first state variable that is not finite after the last trial.
    pub not_finite: Option<(usize, usize)>,
    /// Recorded variables.
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
            v.copy_of(&layer.v_start);
            i.resize(layer.stride);
            i.fill(F::ZERO);
            i_next.resize(layer.stride);
        }
        self.own.resize_with(plan.layers.len(), Aligned::default);
        for (own, layer) in self.own.iter_mut().zip(&plan.layers) {
            own.copy_of(&layer.own_start);
        }
        self.trail.resize_with(plan.layers.len(), Vec::new);
        self.step_start
            .resize_with(plan.layers.len(), Default::default);
        for (start, layer) in self.step_start.iter_mut().zip(&plan.layers) {
            if layer.sensitivities.is_some() {
                let len = plan.clock.steps() * layer.stride;
                start.v.resize(len, F::ZERO);
                start.i.resize(len, F::ZERO);
            }
        }
        self.transits
            .resize_with(plan.links.len(), Transit::default);
        for (transit, link) in self.transits.iter_mut().zip(&plan.links) {
            link.connection.start(transit, plan.clock.steps());
        }
    }

    /// Sets what the adjoint pass adds up to zero.
    pub fn start_constants(&mut self, plan: &Plan<F>) {
        let end = LastSpike {
            step: plan.clock.steps() as u32,
            between: Between::default(),
        };
        self.moved_peaks.clear();
        self.by_delay.resize_with(plan.links.len(), Vec::new);
        for (by_delay, link) in self.by_delay.iter_mut().zip(&plan.links) {
            by_delay.clear();
            by_delay.resize(link.connection.delays_len(), F::ZERO);
        }
        self.last_spike.resize_with(plan.layers.len(), Vec::new);
        self.by_time
            .resize_with(plan.layers.len(), Default::default);
        let both = self.last_spike.iter_mut().zip(&mut self.by_time);
        for ((last_spike, by_time), layer) in both.zip(&plan.layers) {
            by_time.start(layer);
            last_spike.clear();
            if !layer.own_start.is_empty() {
                last_spike.resize(layer.size, end);
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
