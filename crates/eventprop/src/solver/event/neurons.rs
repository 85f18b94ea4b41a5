//! The neurons of one population, prepared: constants side by side, state and adjoint state as
//! arrays, and the loops over them.
//!
//! When all neurons share their time constants, so does their flow, and a step between two events
//! costs three exponentials and a vectorised loop; otherwise every neuron has its own.

use super::stretch::Stretch;
use crate::connect::{self, Synapse, Synapses};
use crate::network::{Constant, Model, Population};
use crate::neuron::alif::{self, Alif, Threshold, decay_b};
use crate::neuron::description::Description;
use crate::neuron::exact::Membrane;
use crate::neuron::exact::integer_ratio::{IntegerRatio, Lanes};
use crate::neuron::exact::relaxing_threshold::RelaxingThreshold;
use crate::neuron::flow::{Flow, Lambda, State};
use crate::neuron::lif;

/// Lists of constants and of states are padded to multiples of this with neurons that nothing reaches:
/// loops over them are loops over whole vectors.
const LANES: usize = 8;

/// Spikes of a population in one trial that are always allowed.
const SPIKES_MAX: usize = 1_000_000;

/// Spikes per neuron that are allowed where that is more.
const SPIKES_MAX_PER_NEURON: usize = 1_000;

/// Constants of a population.
#[derive(Debug, Clone)]
pub(super) struct Neurons {
    /// Number of neurons.
    pub size: usize,
    /// True if they have a threshold.
    pub spiking: bool,
    /// Thresholds, padded; infinite where there is none.
    pub theta: Vec<f64>,
    /// V at the start of a trial and after a spike, padded.
    pub v_start: Vec<f64>,
    /// Constants of adapting thresholds; empty where they do not adapt.
    pub adapting: Vec<Threshold<f64>>,
    /// B at the start of a trial; empty where thresholds do not adapt.
    b_start: Vec<f64>,
    /// Time constants: one entry when all neurons share them, else one for each.
    membranes: Vec<Membrane>,
    /// The ratio of the time constants, if it is whole, all share it, and thresholds do not move.
    integer_ratio: Option<IntegerRatio>,
}

/// Rise of a threshold at some time; from there it relaxes.
#[derive(Debug, Clone, Copy)]
pub(super) struct ThresholdState {
    /// B just after.
    pub b: f64,
    /// The time in ms.
    pub at_ms: f64,
}

/// A spike of one neuron.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spike {
    /// J.
    pub drive: f64,
    /// B just before it; 0 where the threshold does not adapt.
    pub b_minus: f64,
    /// B just after it, where the threshold adapts.
    pub threshold: Option<ThresholdState>,
}

/// V and I of a population.
#[derive(Debug, Clone, Default)]
pub(super) struct States {
    /// V per neuron, padded.
    pub v: Vec<f64>,
    /// I per neuron, padded.
    pub i: Vec<f64>,
    /// Rise of the threshold of each neuron at its last spike; empty where it does not adapt.
    pub threshold: Vec<ThresholdState>,
}

/// λ_V and λ_I of a population.
#[derive(Debug, Clone, Default)]
pub(super) struct Adjoints {
    /// λ_V per neuron.
    pub lambda_v: Vec<f64>,
    /// λ_I per neuron.
    pub lambda_i: Vec<f64>,
}

impl Neurons {
    /// Prepares a population.
    pub fn new(population: &Population) -> Self {
        let size = population.size;
        let list = |constant: Option<&Constant>| -> Vec<f64> {
            constant.map_or_else(Vec::new, |c| (0..size).map(|n| c.of(n)).collect())
        };
        let description = population.description();
        let exact = population.exact();
        let mut theta = list(population.threshold());
        let mut v_start = list(description.map(Description::v_start));
        let membranes = exact.map(|exact| (0..size).map(|n| exact.membrane(n)).collect());
        let mut membranes: Vec<Membrane> = membranes.unwrap_or_default();
        if membranes.iter().all(|m| *m == membranes[0]) {
            membranes.truncate(1);
        }
        let alif: Option<&Alif> = match &population.model {
            Model::Alif(alif) => Some(alif),
            Model::Input | Model::Lif(_) | Model::Li(_) | Model::Equations(_) => None,
        };
        let thresholds = alif.map(|alif| (0..size).map(|n| alif.threshold_of(n)).collect());
        let adapting: Vec<Threshold<f64>> = thresholds.unwrap_or_default();
        if exact.is_some() {
            theta.resize(size.next_multiple_of(LANES), f64::INFINITY);
            v_start.resize(size.next_multiple_of(LANES), 0.0);
        }
        let integer_ratio = match membranes.as_slice() {
            [shared] if adapting.is_empty() => shared.integer_ratio(),
            _ => None,
        };
        Self {
            size,
            spiking: population.threshold().is_some(),
            theta,
            v_start,
            b_start: list(alif.map(|alif| &alif.adaptation.b_init)),
            adapting,
            membranes,
            integer_ratio,
        }
    }

    /// The ratio of the time constants, where all neurons share it, it is a whole number, and
    /// thresholds do not move.
    pub fn integer_ratio(&self) -> Option<IntegerRatio> {
        self.integer_ratio
    }

    /// The first time after the start of a stretch at which a neuron reaches its threshold, if it does; `flow` is that
    /// over the stretch.
    #[inline(always)]
    pub fn crossing(
        &self,
        (n, start, threshold): (usize, State<f64>, Option<ThresholdState>),
        stretch: Stretch,
        flow: &Flow,
        iterations: &mut u64,
    ) -> Option<f64> {
        let (theta, h) = (self.theta[n], stretch.ms());
        let Some(threshold) = threshold else {
            return self.membrane(n).crossing(start, theta, h, flow, iterations);
        };
        let threshold = RelaxingThreshold {
            theta,
            b: self.b_at(n, threshold, stretch.from),
            tau_b: self.adapting[n].tau_b,
        };
        self.membrane(n)
            .crossing_of_relaxing(start, threshold, h, iterations)
    }

    /// B of a neuron at a later time.
    pub fn b_at(&self, n: usize, threshold: ThresholdState, time_ms: f64) -> f64 {
        let left = decay_b(time_ms - threshold.at_ms, self.adapting[n].tau_b);
        alif::relaxed(threshold.b, left)
    }

    /// The drive of a spike and, where the threshold adapts, B before and after it.
    ///
    /// A drive is positive; where a neuron only just reaches its threshold, rounding may say otherwise,
    /// and then it is the smallest number that can be told from zero beside ϑ.
    #[inline(always)]
    pub fn spike(
        &self,
        n: usize,
        i: f64,
        threshold: Option<ThresholdState>,
        time_ms: f64,
    ) -> Spike {
        let theta = self.theta[n];
        let least = f64::EPSILON * theta;
        let Some(threshold) = threshold else {
            return Spike {
                drive: lif::drive(i, theta).max(least),
                b_minus: 0.0,
                threshold: None,
            };
        };
        // V = ϑ + B at the crossing
        let b = self.b_at(n, threshold, time_ms);
        let raised = self.adapting[n].spike(i, theta + b, b);
        Spike {
            drive: raised.drive.max(least),
            b_minus: b,
            threshold: Some(ThresholdState {
                b: raised.b,
                at_ms: time_ms,
            }),
        }
    }

    /// Most spikes of the population in one trial; more is an error, not a long wait.
    pub fn spikes_max(&self) -> usize {
        SPIKES_MAX.max(SPIKES_MAX_PER_NEURON * self.size)
    }

    /// The time constants of one neuron.
    #[inline(always)]
    pub fn membrane(&self, neuron: usize) -> &Membrane {
        match self.membranes.as_slice() {
            [shared] => shared,
            each => &each[neuron],
        }
    }

    /// The shortest time constant of all, in ms.
    pub fn tau_min(&self) -> f64 {
        let shorter = |least: f64, m: &Membrane| least.min(m.tau_mem).min(m.tau_syn);
        self.membranes.iter().fold(f64::INFINITY, shorter)
    }

    /// The flow over `t` ms for one neuron after the other: computed once when it is shared.
    #[inline(always)]
    pub fn flows(&self, t: f64) -> Flows<'_> {
        match self.membranes.as_slice() {
            [shared] => Flows::Shared(shared.flow(t)),
            each => Flows::Each { membranes: each, t },
        }
    }

    /// Lists the neurons that could reach their threshold within `flows`, if nothing arrives: exactly
    /// those that do where the ratio of time constants is a whole number that all share.
    #[inline(always)]
    pub fn list_candidates(&self, states: &States, flows: &Flows<'_>, candidates: &mut Vec<u32>) {
        candidates.clear();
        if !self.spiking {
            return;
        }
        match (self.integer_ratio, flows) {
            (Some(ratio), Flows::Shared(flow)) => match ratio.ratio_four() {
                Some(four) => self.list_reaching(four, states, flow, candidates),
                None => self.list_reaching(ratio, states, flow, candidates),
            },
            _ => self.list_within_reach(states, candidates),
        }
    }

    /// Lists the neurons that [`IntegerRatio::reaches`] is true of.
    #[inline(always)]
    fn list_reaching(
        &self,
        ratio: IntegerRatio,
        states: &States,
        flow: &Flow,
        candidates: &mut Vec<u32>,
    ) {
        let v = states.v.as_chunks::<LANES>().0.iter();
        let i = states.i.as_chunks::<LANES>().0.iter();
        let theta = self.theta.as_chunks::<LANES>().0.iter();
        for (group, ((&v, &i), &theta)) in v.zip(i).zip(theta).enumerate() {
            let mut bits = ratio.reaching(&Lanes { v, i, theta }, flow);
            while bits != 0 {
                candidates.push((group * LANES) as u32 + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
    }

    /// Lists the neurons that could reach their threshold if nothing arrived any more, by `[F6]`.
    ///
    /// Where thresholds adapt, V may lie above ϑ and the threshold come down to it: there a current
    /// below zero does not help.
    ///
    /// Every neuron is written to the list, and the next one over it unless it belongs there: few do,
    /// irregularly, and a branch would be guessed wrong.
    #[inline(never)]
    fn list_within_reach(&self, states: &States, candidates: &mut Vec<u32>) {
        candidates.resize(self.size, 0);
        let mut found = 0;
        let mut ask = |n: usize, v: f64, i: f64, theta: f64, reach: f64| {
            candidates[found] = n as u32;
            found += usize::from(at_least(v.max(0.0) + reach * i, theta));
        };
        let each = states.v[..self.size].iter().zip(&states.i).zip(&self.theta);
        let each = each.enumerate();
        if !self.adapting.is_empty() {
            each.for_each(|(n, ((&v, &i), &theta))| {
                // Not max, which would hide what is not a number.
                let i = if i < 0.0 { 0.0 } else { i };
                ask(n, v, i, theta, self.membrane(n).reach);
            });
        } else if let [shared] = self.membranes.as_slice() {
            each.for_each(|(n, ((&v, &i), &theta))| ask(n, v, i, theta, shared.reach));
        } else {
            each.for_each(|(n, ((&v, &i), &theta))| ask(n, v, i, theta, self.membranes[n].reach));
        }
        candidates.truncate(found);
    }

    /// The flows from each of `stops_ms` to the next, where all neurons share them; else none.
    #[inline(always)]
    pub fn flows_between(&self, stops_ms: &[f64], flows: &mut Vec<Flow>) {
        flows.clear();
        let [shared] = self.membranes.as_slice() else {
            return;
        };
        let stretches = stops_ms.windows(2);
        flows.extend(stretches.map(|ends| shared.flow(ends[1] - ends[0])));
    }

    /// Paths on which λ_V of a spike at each of `times_ms`, of the neuron beside it, comes from the end and goes
    /// back to the start of an interval.
    #[inline(always)]
    pub fn paths(
        &self,
        (times_ms, neurons): (&[f64], &[u32]),
        stretch: Stretch,
        paths: &mut Paths,
    ) {
        let Stretch { from, to } = stretch;
        let Paths {
            from_end,
            decay_mem,
            adjoint_coupling,
        } = paths;
        for list in [&mut *from_end, &mut *decay_mem, &mut *adjoint_coupling] {
            list.resize(times_ms.len(), 0.0);
        }
        let lists = from_end.iter_mut().zip(decay_mem).zip(adjoint_coupling);
        let each = lists.zip(times_ms);
        if let [shared] = self.membranes.as_slice() {
            for (((from_end, decay_mem), adjoint_coupling), &time_ms) in each {
                let flow = shared.flow(time_ms - from);
                *from_end = shared.decay(to - time_ms).left;
                *decay_mem = flow.decay_mem;
                *adjoint_coupling = flow.adjoint_coupling;
            }
        } else {
            for ((((from_end, decay_mem), adjoint_coupling), &time_ms), &n) in each.zip(neurons) {
                let membrane = self.membrane(n as usize);
                let flow = membrane.flow(time_ms - from);
                *from_end = membrane.decay(to - time_ms).left;
                *decay_mem = flow.decay_mem;
                *adjoint_coupling = flow.adjoint_coupling;
            }
        }
    }
}

/// Paths of λ of a neuron within an interval to, and from, the time of each of some spikes.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths {
    /// Fraction of λ_V that is left between the end of the interval and the spike.
    pub from_end: Vec<f64>,
    /// Fraction of it that is left between the spike and the start of the interval.
    pub decay_mem: Vec<f64>,
    /// Contribution of a unit of it to λ_I there.
    pub adjoint_coupling: Vec<f64>,
}

impl Neurons {
    /// `[G1]` adds what the arrival of a spike of `source`, with its amplitude where it has one, does to the gradient of a
    /// projection.
    #[inline(always)]
    pub fn gather(
        &self,
        (synapses, source, amplitude): (&Synapses, usize, Option<f64>),
        adjoints: &Adjoints,
        gradient: &mut [f64],
    ) {
        let lambda_i = &adjoints.lambda_i[..self.size];
        if let Some(a) = amplitude {
            let tau_syn = |target: usize| self.membrane(target).tau_syn;
            synapses.gather(gradient, source, tau_syn, |target| a * lambda_i[target]);
            return;
        }
        let lambda_i = |target: usize| lambda_i[target];
        match self.membranes.as_slice() {
            [shared] => synapses.gather(gradient, source, |_| shared.tau_syn, lambda_i),
            each => synapses.gather(gradient, source, |target| each[target].tau_syn, lambda_i),
        }
    }

    /// `[G1]` The same over one synapse.
    #[inline(always)]
    pub fn gather_one(
        &self,
        (synapse, amplitude): (Synapse, Option<f64>),
        adjoints: &Adjoints,
        gradient: &mut [f64],
    ) {
        let Synapse { target, weight, .. } = synapse;
        let tau_syn = self.membrane(target).tau_syn;
        let lambda_i = adjoints.lambda_i[target];
        let lambda_i = amplitude.map_or(lambda_i, |a| a * lambda_i);
        gradient[weight] += connect::by_weight(tau_syn, lambda_i);
    }
}

/// True if `x` reaches `theta`; NaN does, so that it is looked at.
#[inline(always)]
fn at_least(x: f64, theta: f64) -> bool {
    x >= theta || x.is_nan()
}

/// The flows of a population over one time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Flows<'a> {
    /// The same for all neurons.
    Shared(Flow),
    /// To be computed for each.
    Each {
        /// Time constants.
        membranes: &'a [Membrane],
        /// Time in ms.
        t: f64,
    },
}

impl Flows<'_> {
    /// The flow of one neuron.
    #[inline(always)]
    pub fn of(&self, neuron: usize) -> Flow {
        match self {
            Self::Shared(flow) => *flow,
            Self::Each { membranes, t } => membranes[neuron].flow(*t),
        }
    }

    /// `[F1]` `[F2]` forward in time, for all neurons.
    #[inline(always)]
    pub fn advance(&self, states: &mut States) {
        let both = states.v.iter_mut().zip(&mut states.i);
        match self {
            Self::Shared(flow) => {
                let flow = *flow;
                for (v, i) in both {
                    State { v: *v, i: *i } = State { v: *v, i: *i }.after(&flow);
                }
            }
            Self::Each { membranes, t } => {
                for ((v, i), membrane) in both.zip(*membranes) {
                    State { v: *v, i: *i } = State { v: *v, i: *i }.after(&membrane.flow(*t));
                }
            }
        }
    }

    /// `[A1]` `[A2]` backward in time, for all neurons.
    #[inline(always)]
    pub fn retreat(&self, adjoints: &mut Adjoints) {
        let both = adjoints.lambda_v.iter_mut().zip(&mut adjoints.lambda_i);
        match self {
            Self::Shared(flow) => {
                let flow = *flow;
                for (v, i) in both {
                    Lambda { v: *v, i: *i } = Lambda { v: *v, i: *i }.before(&flow);
                }
            }
            Self::Each { membranes, t } => {
                for ((v, i), membrane) in both.zip(*membranes) {
                    Lambda { v: *v, i: *i } = Lambda { v: *v, i: *i }.before(&membrane.flow(*t));
                }
            }
        }
    }
}

impl States {
    /// The state at the start of a trial.
    pub fn start(&mut self, neurons: &Neurons) {
        self.v.clone_from(&neurons.v_start);
        self.i.clear();
        self.i.resize(neurons.v_start.len(), 0.0);
        self.threshold.clear();
        let start = |&b: &f64| ThresholdState { b, at_ms: 0.0 };
        self.threshold.extend(neurons.b_start.iter().map(start));
    }

    /// Rise of the threshold of one neuron at its last spike.
    #[inline(always)]
    pub fn threshold_of(&self, neuron: usize) -> Option<ThresholdState> {
        self.threshold.get(neuron).copied()
    }

    /// After a spike of a neuron.
    #[inline(always)]
    pub fn set_threshold(&mut self, neuron: usize, threshold: Option<ThresholdState>) {
        if let Some(threshold) = threshold {
            self.threshold[neuron] = threshold;
        }
    }

    /// The state of one neuron.
    #[inline(always)]
    pub fn of(&self, neuron: usize) -> State<f64> {
        State {
            v: self.v[neuron],
            i: self.i[neuron],
        }
    }

    /// Sets the state of one neuron.
    #[inline(always)]
    pub fn set(&mut self, neuron: usize, state: State<f64>) {
        self.v[neuron] = state.v;
        self.i[neuron] = state.i;
    }

    /// `[F4]` the reset of a neuron.
    #[inline(always)]
    pub fn reset(&mut self, neuron: usize, neurons: &Neurons) {
        self.v[neuron] = neurons.v_start[neuron];
    }

    /// The first neuron whose state is not finite.
    pub fn first_non_finite(&self) -> Option<usize> {
        let finite = |(v, i): (&f64, &f64)| v.is_finite() && i.is_finite();
        self.v.iter().zip(&self.i).position(|pair| !finite(pair))
    }
}

impl Adjoints {
    /// Zeros for `size` neurons: the adjoint state at the end of a trial.
    pub fn start(&mut self, size: usize) {
        for lambda in [&mut self.lambda_v, &mut self.lambda_i] {
            lambda.clear();
            lambda.resize(size, 0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Neurons, Paths, Stretch};
    use crate::network::{Clock, Constant, Lif, Network};
    use crate::neuron::{Lambda, flow::Flow};

    /// `[A1]` `[A2]`: a jump of λ_V is carried to the start of an interval as λ itself is, with the same time
    /// constants for all neurons and with different ones. Powers of e^{−t/τ_mem} and two exponentials differ by a few
    /// roundings.
    #[test]
    fn jumps_are_carried_as_lambda_is() {
        for tau_mem in [vec![20.0, 20.0], vec![20.0, 13.0]] {
            let mut network = Network::new(Clock::new(1.0, 10.0).unwrap());
            let lif = Lif::new(Constant::PerNeuron(tau_mem.clone()), 5.0);
            let id = network.add_lif("hidden", 2, lif);
            let neurons = Neurons::new(network.population(id));
            let mut paths = Paths::default();
            let stretch = Stretch { from: 1.0, to: 9.0 };
            neurons.paths((&[4.0, 6.5], &[0, 1]), stretch, &mut paths);
            for (n, time_ms) in [4.0, 6.5].into_iter().enumerate() {
                let jump = Lambda { v: 1.0, i: 0.0 };
                let start = jump.before(&Flow::over(time_ms - 1.0, tau_mem[n], 5.0));
                let end = jump.before(&Flow::over(9.0 - time_ms, tau_mem[n], 5.0));
                let close = |a: f64, b: f64| (a - b).abs() < 16.0 * f64::EPSILON * b;
                assert!(close(paths.decay_mem[n], start.v));
                assert!(close(paths.adjoint_coupling[n], start.i));
                assert!(close(paths.from_end[n], end.v));
            }
        }
    }
}
