//! Delays in which the synapses of one source differ: a spike meets every target at a step of its own.
//!
//! Forwards a spike leaves its weights in the currents of steps to come ([`Columns`] per population).
//! Backwards λ of the steps behind is kept, and the spike looks it up when the pass comes to the step in which
//! it was sent. Memory is targets × (window + longest delay), whatever the number of synapses.

use super::columns::Columns;
use super::delay::By;
use super::dense::Dense;
use super::places::{ByNeuron, Onto};
use super::sparse::Sparse;
use super::synapse::{Synapse, arrive, backflow, by_delay, by_weight};
use crate::real::Real;

/// Delays in steps, by target or by synapse.
#[derive(Debug, Clone)]
pub(crate) struct Apart {
    by: By,
    rows: Rows,
    /// `[target]` or `[synapse]`.
    lags: Vec<u32>,
    /// The longest of them.
    most: usize,
}

/// The synapses of every source.
#[derive(Debug, Clone)]
enum Rows {
    Dense(Dense),
    Sparse(Sparse),
}

/// λ of the targets of a connection over a stretch of steps.
#[derive(Debug, Clone, Default)]
pub(crate) struct History<F> {
    pub lambda_i: Columns<F>,
    /// λ_V − λ_I.
    pub difference: Columns<F>,
}

/// Data from which the gradient of such a connection is gathered.
pub(crate) struct Lookup<'a, F> {
    /// The spikes of a window by source, with the step in which each was sent.
    pub group: &'a ByNeuron,
    pub history: &'a History<F>,
    /// The step of the first row of the history.
    pub first: usize,
    /// τ_syn of the targets.
    pub tau_syn: &'a [F],
    /// Weights as the connection reads them.
    pub weights: &'a [F],
    pub onto: Onto,
}

/// Targets that are looked at together: their columns fit into a first-level cache, or nearly.
const TOGETHER: usize = 4;

/// A spike: its neuron, and the step in which it was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub source: usize,
    pub step: usize,
}

/// One synapse of a source while its row is walked through.
struct Stop<F> {
    target: usize,
    /// Index of the weight, unpadded.
    weight: usize,
    w: F,
    lag: usize,
}

impl Apart {
    /// Delays of a dense wiring; at least one step each.
    pub(super) fn dense(by: By, dense: &Dense, lags: &[usize]) -> Self {
        Self::new(by, Rows::Dense(dense.clone()), lags)
    }

    /// Delays of a sparse wiring; at least one step each.
    pub(super) fn sparse(by: By, sparse: &Sparse, lags: &[usize]) -> Self {
        Self::new(by, Rows::Sparse(sparse.clone()), lags)
    }

    fn new(by: By, rows: Rows, lags: &[usize]) -> Self {
        Self {
            by,
            rows,
            lags: lags.iter().map(|&lag| lag as u32).collect(),
            most: lags.iter().copied().max().unwrap_or(1),
        }
    }

    /// Number of delays.
    pub fn delays_len(&self) -> usize {
        self.lags.len()
    }

    /// The longest delay.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The delay of one synapse.
    #[inline(always)]
    pub fn lag(&self, synapse: Synapse) -> usize {
        self.lags[self.delay_of(synapse)] as usize
    }

    /// Index of the delay of one synapse.
    #[inline(always)]
    pub fn delay_of(&self, synapse: Synapse) -> usize {
        self.index(synapse.target, synapse.weight)
    }

    /// The same by the target and the weight of the synapse.
    #[inline(always)]
    fn index(&self, target: usize, weight: usize) -> usize {
        match self.by {
            By::Synapse => weight,
            By::Projection | By::Source | By::Target => target,
        }
    }

    fn sources(&self) -> usize {
        match &self.rows {
            Rows::Dense(dense) => dense.sources,
            Rows::Sparse(sparse) => sparse.0.sources(),
        }
    }

    /// The blocks of targets into which rows are cut: of a sparse wiring there is one.
    fn blocks(&self) -> usize {
        match &self.rows {
            Rows::Dense(dense) => dense.targets.div_ceil(TOGETHER),
            Rows::Sparse(_) => 1,
        }
    }

    /// Walks through the synapses of a source in a block of its row. w: `[source, target]`, padded or not, or
    /// `[synapse]`.
    #[inline(always)]
    fn walk<F: Real>(
        &self,
        w: &[F],
        source: usize,
        block: Option<usize>,
        mut each: impl FnMut(Stop<F>),
    ) {
        match &self.rows {
            Rows::Dense(dense) => {
                let targets = match block {
                    None => 0..dense.targets,
                    Some(n) => n * TOGETHER..dense.targets.min((n + 1) * TOGETHER),
                };
                let first = source * dense.targets;
                let lags = match self.by {
                    By::Synapse => &self.lags[first..first + dense.targets],
                    By::Projection | By::Source | By::Target => &self.lags[..dense.targets],
                };
                let w = &w[w.len() / dense.sources * source..][..dense.targets];
                for target in targets {
                    each(Stop {
                        target,
                        weight: first + target,
                        w: w[target],
                        lag: lags[target] as usize,
                    });
                }
            }
            Rows::Sparse(sparse) => {
                let (first, row) = sparse.row(source);
                for (weight, &target) in (first..).zip(row) {
                    let target = target as usize;
                    each(Stop {
                        target,
                        weight,
                        w: w[weight],
                        lag: self.lags[self.index(target, weight)] as usize,
                    });
                }
            }
        }
    }

    /// `[F5]` Adds the weights of one spike to currents whose first row is the step `first`.
    #[inline(always)]
    pub fn send<F: Real>(
        &self,
        w: &[F],
        Sent { source, step }: Sent,
        (currents, first): (&mut Columns<F>, usize),
    ) {
        self.walk(w, source, None, |stop| {
            let i = &mut currents.of_mut(stop.target)[step + stop.lag - first];
            *i = arrive(*i, stop.w);
        });
    }

    /// `[F5]` The same for spikes grouped by source.
    #[inline(always)]
    pub fn send_all<F: Real>(
        &self,
        w: &[F],
        group: &ByNeuron,
        (currents, first): (&mut Columns<F>, usize),
    ) {
        for block in 0..self.blocks() {
            for source in 0..self.sources() {
                let spikes = group.of(source);
                if spikes.is_empty() {
                    continue;
                }
                self.walk(w, source, Some(block), |stop| {
                    let column = currents.of_mut(stop.target);
                    for &step in spikes {
                        let i = &mut column[step as usize + stop.lag - first];
                        *i = arrive(*i, stop.w);
                    }
                });
            }
        }
    }

    /// `[A4]` R of a spike. difference: λ_V − λ_I from the step `first` on.
    #[inline(always)]
    pub fn backflow<F: Real>(
        &self,
        w: &[F],
        Sent { source, step }: Sent,
        (difference, first): (&Columns<F>, usize),
    ) -> F {
        let mut sum = F::ZERO;
        self.walk(w, source, None, |stop| {
            let difference = difference.of(stop.target)[step + stop.lag - first];
            sum += backflow(stop.w, difference, F::ZERO);
        });
        sum
    }

    /// `[G1]` and, where they are trained, `[G6]`, for the spikes of a window. weights, delays: gradients.
    #[inline(always)]
    pub fn gather<F: Real>(
        &self,
        from: &Lookup<'_, F>,
        weights: &mut [F],
        mut delays: Option<&mut [F]>,
    ) {
        if from.onto == Onto::Zero {
            weights.fill(F::ZERO);
            if let Some(delays) = delays.as_deref_mut() {
                delays.fill(F::ZERO);
            }
        }
        for block in 0..self.blocks() {
            for source in 0..self.sources() {
                let spikes = from.group.of(source);
                if spikes.is_empty() {
                    continue;
                }
                self.walk(from.weights, source, Some(block), |stop| {
                    let lambda_i = from.history.lambda_i.of(stop.target);
                    let sum = sum_at(lambda_i, spikes, stop.lag, from.first);
                    weights[stop.weight] += by_weight(from.tau_syn[stop.target], sum);
                    if let Some(delays) = delays.as_deref_mut() {
                        let difference = from.history.difference.of(stop.target);
                        let sum = sum_at(difference, spikes, stop.lag, from.first);
                        let delay = self.index(stop.target, stop.weight);
                        delays[delay] += by_delay(stop.w, sum, F::ZERO);
                    }
                });
            }
        }
    }
}

/// Σ x over the arrivals of spikes.
#[inline(always)]
fn sum_at<F: Real>(column: &[F], spikes: &[u32], lag: usize, first: usize) -> F {
    let mut sum = F::ZERO;
    for &step in spikes {
        sum += column[step as usize + lag - first];
    }
    sum
}

impl<F: Real> History<F> {
    /// Zeros for `neurons` targets.
    pub fn start(&mut self, neurons: usize, rows: usize) {
        self.lambda_i.start(neurons, rows);
        self.difference.start(neurons, rows);
    }

    /// Takes λ of one step.
    #[inline(always)]
    pub fn set_row(&mut self, row: usize, lambda_i: &[F], difference: &[F]) {
        self.lambda_i.set_row(row, lambda_i);
        self.difference.set_row(row, difference);
    }

    /// Forgets the last `rows` steps.
    pub fn backward(&mut self, rows: usize) {
        self.lambda_i.backward(rows);
        self.difference.backward(rows);
    }
}
