//! Delays in which the synapses of one source differ: a spike meets every target at a step of its own.
//!
//! Forwards a spike leaves its weights in the currents of steps to come ([`Columns`] per population).
//! Backwards λ of the steps behind is kept, and the spike looks it up when the pass comes to the step in which
//! it was sent. Memory is targets × (window + longest delay), whatever the number of synapses.

use super::columns::{Columns, LANES};
use super::convolution::Convolved;
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
    /// Of a dense wiring, where the targets of a block find an arrival, from the step after the spike on: (delay − 1) · 8 +
    /// the target's place in its block. `[target]` or `[source, target]`, with whole blocks.
    offsets: Vec<[u32; LANES]>,
    /// The longest of them.
    most: usize,
}

/// The synapses of every source.
#[derive(Debug, Clone)]
enum Rows {
    Dense(Dense),
    Sparse(Sparse),
    Convolved(Convolved),
}

/// λ of the targets of a connection over a stretch of steps: λ_I, and λ_V − λ_I.
///
/// PERF: they lie side by side, because [G1] and [G6] read both.
#[derive(Debug, Clone, Default)]
pub(crate) struct History<F>(Columns<[F; 2]>);

/// Data from which the gradient of such a connection is gathered.
pub(crate) struct Lookup<'a, F> {
    /// The spikes of a window by source, or by the neurons that stand for sources, with the step in which each was sent.
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

/// A spike: its neuron, or the one that stands for it where neurons are pooled, and the step in which it was sent.
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

    /// Delays of a convolution; at least one step each.
    pub(super) fn convolved(by: By, convolved: &Convolved, lags: &[usize]) -> Self {
        Self::new(by, Rows::Convolved(convolved.clone()), lags)
    }

    /// Delays of a sparse wiring; at least one step each.
    pub(super) fn sparse(by: By, sparse: &Sparse, lags: &[usize]) -> Self {
        Self::new(by, Rows::Sparse(sparse.clone()), lags)
    }

    fn new(by: By, rows: Rows, lags: &[usize]) -> Self {
        Self {
            offsets: match &rows {
                Rows::Dense(dense) => offsets(dense.targets, lags),
                Rows::Sparse(_) | Rows::Convolved(_) => Vec::new(),
            },
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

    /// The dense wiring, if it is one.
    #[inline(always)]
    fn dense_rows<'a, F>(&'a self, w: &'a [F]) -> Option<DenseRows<'a, F>> {
        let Rows::Dense(dense) = &self.rows else {
            return None;
        };
        Some(DenseRows {
            offsets: &self.offsets,
            by_synapse: self.by == By::Synapse,
            w,
            stride: w.len() / dense.sources,
            targets: dense.targets,
        })
    }

    /// Walks through the synapses of a source of another wiring. w: `[synapse]`, or one for each place of a kernel.
    #[inline(always)]
    fn walk<F: Real>(&self, w: &[F], source: usize, mut each: impl FnMut(Stop<F>)) {
        let stop = |target: usize, weight: usize| Stop {
            target,
            weight,
            w: w[weight],
            lag: self.lags[self.index(target, weight)] as usize,
        };
        match &self.rows {
            Rows::Dense(_) => unreachable!("dense rows are walked through in blocks"),
            Rows::Sparse(sparse) => {
                let (first, row) = sparse.row(source);
                for (weight, &target) in (first..).zip(row) {
                    each(stop(target as usize, weight));
                }
            }
            Rows::Convolved(convolved) => {
                for row in convolved.rows(source) {
                    for n in 0..convolved.width() {
                        each(stop(row.target + n, row.weight + n));
                    }
                }
            }
        }
    }

    fn sources(&self) -> usize {
        match &self.rows {
            Rows::Dense(dense) => dense.sources,
            Rows::Sparse(sparse) => sparse.0.sources(),
            Rows::Convolved(convolved) => convolved.sources(),
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
        if let Some(rows) = self.dense_rows(w) {
            for block in 0..rows.blocks() {
                let (offsets, w) = (rows.offsets(source, block), rows.weights(source, block));
                deliver(currents.block_mut(block), step + 1 - first, offsets, w);
            }
            return;
        }
        self.walk(w, source, |stop| {
            let i = currents.at_mut(stop.target, step + stop.lag - first);
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
        let sources = (0..self.sources()).filter(|source| !group.of(*source).is_empty());
        let Some(rows) = self.dense_rows(w) else {
            for source in sources {
                self.walk(w, source, |stop| {
                    for &step in group.of(source) {
                        let i = currents.at_mut(stop.target, step as usize + stop.lag - first);
                        *i = arrive(*i, stop.w);
                    }
                });
            }
            return;
        };
        for block in 0..rows.blocks() {
            let currents = currents.block_mut(block);
            for source in sources.clone() {
                let (offsets, w) = (rows.offsets(source, block), rows.weights(source, block));
                for &step in group.of(source) {
                    deliver(currents, step as usize + 1 - first, offsets, w);
                }
            }
        }
    }

    /// `[A4]` R of a spike, from λ whose first row is the step `first`.
    #[inline(always)]
    pub fn backflow<F: Real>(
        &self,
        w: &[F],
        Sent { source, step }: Sent,
        (history, first): (&History<F>, usize),
    ) -> F {
        if let Some(rows) = self.dense_rows(w) {
            let mut sums = [F::ZERO; LANES];
            for block in 0..rows.blocks() {
                let (offsets, w) = (rows.offsets(source, block), rows.weights(source, block));
                let found = &history.0.block(block)[(step + 1 - first) * LANES..];
                for ((sum, w), offset) in sums.iter_mut().zip(w).zip(offsets) {
                    let [_, difference] = found[*offset as usize];
                    *sum += backflow(w, difference, F::ZERO);
                }
            }
            return sums.into_iter().fold(F::ZERO, |sum, lane| sum + lane);
        }
        let mut sum = F::ZERO;
        self.walk(w, source, |stop| {
            let [_, difference] = history.0.at(stop.target, step + stop.lag - first);
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
        let sources = (0..self.sources()).filter(|source| !from.group.of(*source).is_empty());
        let Some(rows) = self.dense_rows(from.weights) else {
            for source in sources {
                let spikes = from.group.of(source);
                self.walk(from.weights, source, |stop| {
                    let [lambda_i, difference] = sum_at(from.history, (spikes, from.first), &stop);
                    weights[stop.weight] += by_weight(from.tau_syn[stop.target], lambda_i);
                    if let Some(delays) = delays.as_deref_mut() {
                        let delay = self.index(stop.target, stop.weight);
                        delays[delay] += by_delay(stop.w, difference, F::ZERO);
                    }
                });
            }
            return;
        };
        for block in 0..rows.blocks() {
            for source in sources.clone() {
                rows.gather(from, Tile { source, block }, weights, delays.as_deref_mut());
            }
        }
    }
}

/// A source, and a block of its targets.
#[derive(Clone, Copy)]
struct Tile {
    source: usize,
    block: usize,
}

/// The synapses of a dense wiring, in blocks of targets.
struct DenseRows<'a, F> {
    offsets: &'a [[u32; LANES]],
    by_synapse: bool,
    w: &'a [F],
    /// Length of a row of weights.
    stride: usize,
    targets: usize,
}

impl<F: Real> DenseRows<'_, F> {
    #[inline(always)]
    fn blocks(&self) -> usize {
        self.targets.div_ceil(LANES)
    }

    /// Where the targets of a block find an arrival.
    #[inline(always)]
    fn offsets(&self, source: usize, block: usize) -> &[u32; LANES] {
        if self.by_synapse {
            &self.offsets[source * self.blocks() + block]
        } else {
            &self.offsets[block]
        }
    }

    /// The weights of a block; 0 beyond the last target.
    #[inline(always)]
    fn weights(&self, source: usize, block: usize) -> [F; LANES] {
        let row = &self.w[source * self.stride..][..self.stride];
        let row = &row[block * LANES..];
        if let Some(whole) = row.first_chunk::<LANES>() {
            return *whole;
        }
        let mut weights = [F::ZERO; LANES];
        weights[..row.len()].copy_from_slice(row);
        weights
    }

    /// `[G1]` `[G6]` of the synapses of a source with a block.
    #[inline(always)]
    fn gather(
        &self,
        from: &Lookup<'_, F>,
        Tile { source, block }: Tile,
        weights: &mut [F],
        delays: Option<&mut [F]>,
    ) {
        let Lookup {
            history,
            first,
            tau_syn,
            ..
        } = from;
        let (offsets, spikes) = (self.offsets(source, block), from.group.of(source));
        let width = LANES.min(self.targets - block * LANES);
        let of_weights = source * self.targets + block * LANES;
        let sums = sums_at(history.0.block(block), (spikes, *first), offsets);
        let weights = &mut weights[of_weights..][..width];
        let tau_syn = &tau_syn[block * LANES..];
        for ((weight, [lambda_i, _]), tau_syn) in weights.iter_mut().zip(sums).zip(tau_syn) {
            *weight += by_weight(*tau_syn, lambda_i);
        }
        let Some(delays) = delays else {
            return;
        };
        let of_delays = if self.by_synapse {
            of_weights
        } else {
            block * LANES
        };
        let delays = &mut delays[of_delays..][..width];
        let w = self.weights(source, block);
        for ((delay, [_, difference]), w) in delays.iter_mut().zip(sums).zip(w) {
            *delay += by_delay(w, difference, F::ZERO);
        }
    }
}

/// [`Apart::offsets`]; neurons beyond the last target have the shortest delay.
fn offsets(targets: usize, lags: &[usize]) -> Vec<[u32; LANES]> {
    let row = |row: &[usize]| -> Vec<[u32; LANES]> {
        let block = |lags: &[usize]| {
            let lag = |lane: usize| lags.get(lane).copied().unwrap_or(1);
            std::array::from_fn(|lane| ((lag(lane) - 1) * LANES + lane) as u32)
        };
        row.chunks(LANES).map(block).collect()
    };
    lags.chunks(targets.max(1)).flat_map(row).collect()
}

/// `[F5]` An arrival at the targets of a block; `row` is that of the step after the spike.
#[inline(always)]
fn deliver<F: Real>(currents: &mut [F], row: usize, offsets: &[u32; LANES], w: [F; LANES]) {
    let currents = &mut currents[row * LANES..];
    for (offset, w) in offsets.iter().zip(w) {
        let i = &mut currents[*offset as usize];
        *i = arrive(*i, w);
    }
}

/// Σ λ_I and Σ (λ_V − λ_I) over the arrivals of spikes at the targets of a block.
#[inline(always)]
fn sums_at<F: Real>(
    block: &[[F; 2]],
    (spikes, first): (&[u32], usize),
    offsets: &[u32; LANES],
) -> [[F; 2]; LANES] {
    let mut sums = [[F::ZERO; 2]; LANES];
    for &step in spikes {
        let found = &block[(step as usize + 1 - first) * LANES..];
        for (sum, offset) in sums.iter_mut().zip(offsets) {
            let [lambda_i, difference] = found[*offset as usize];
            sum[0] += lambda_i;
            sum[1] += difference;
        }
    }
    sums
}

/// The same at one target.
#[inline(always)]
fn sum_at<F: Real>(
    history: &History<F>,
    (spikes, first): (&[u32], usize),
    stop: &Stop<F>,
) -> [F; 2] {
    let mut sum = [F::ZERO; 2];
    for &step in spikes {
        let [lambda_i, difference] = history.0.at(stop.target, step as usize + stop.lag - first);
        sum[0] += lambda_i;
        sum[1] += difference;
    }
    sum
}

impl<F: Real> History<F> {
    /// Zeros for `neurons` targets.
    pub fn start(&mut self, neurons: usize, rows: usize) {
        self.0.start(neurons, rows);
    }

    /// Takes λ of one step. lambda_i, difference: `[target]`, with whole blocks.
    #[inline(always)]
    pub fn set_row(&mut self, row: usize, lambda_i: &[F], difference: &[F]) {
        self.0.set_row(row, lambda_i, difference);
    }

    /// Forgets the last `rows` steps.
    pub fn backward(&mut self, rows: usize) {
        self.0.backward(rows);
    }
}
