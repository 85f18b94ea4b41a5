//! A projection on the grid: its wiring, and its delays in steps.
//!
//! The solver's loops say which step it is; what that means for delays is known here ([`Travel`]). With one
//! delay for all, spikes arrive in the order of the tape of their source, and [`Transit`] is a position on it.
//! With one for each source they overtake each other as wholes, and wait in a [`Queue`]. With one for each
//! target or synapse they arrive bit by bit ([`Apart`]).

use std::ops::Range;

use super::apart::Apart;
use super::delay::{By, Lags};
use super::dense::blocked::{Arrivals, Blocked};
use super::dense::rows;
use super::places::{InBatch, InWindow, Onto};
use super::pool::Pooling;
use super::queue::Queue;
use super::wiring::{Kind, Synapses};
use crate::aligned::Aligned;
use crate::real::Real;
use crate::tape::Spikes;

/// A wiring with delays.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub synapses: Synapses,
    pub travel: Travel,
    /// True if the delays are trained.
    pub trained: bool,
}

/// The ways on which spikes are: a spike of step k arrives at the start of step k + lag, where a lag is at least 1.
#[derive(Debug, Clone)]
pub(crate) enum Travel {
    /// All have the same lag.
    InOrder(usize),
    /// Those of a source have the same lag; `[source]`.
    BySource(Vec<usize>),
    /// Every synapse has its own.
    Apart(Box<Apart>),
}

impl Travel {
    /// The way that suits a wiring.
    pub fn new(synapses: &Synapses, lags: Lags<usize>) -> Self {
        let (by, values) = match lags {
            Lags::Same(lag) => return Self::InOrder(lag),
            Lags::Each { by, values } => (by, values),
        };
        let apart = |apart| Self::Apart(Box::new(apart));
        match &synapses.kind {
            _ if by == By::Projection => Self::InOrder(values[0]),
            _ if synapses.share_by_source(by) => Self::BySource(values),
            Kind::Dense(dense) => apart(Apart::dense(by, dense, &values)),
            Kind::Sparse(sparse) => apart(Apart::sparse(by, sparse, &values)),
            Kind::Convolved(convolved) => apart(Apart::convolved(by, convolved, &values)),
            Kind::OneToOne(_) => unreachable!("a source has one synapse"),
        }
    }
}

/// State of a pass over a sample among the spikes of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Transit {
    /// The next spike in the forward pass; one more than the next in the adjoint pass.
    pub(super) next: usize,
    /// Spikes that wait, where they overtake each other.
    queue: Queue,
    /// Sources, and steps in which they arrive, of spikes that the queue has handed over.
    sources: Vec<u32>,
    when: Vec<u32>,
}

impl Transit {
    /// The next spikes of a tape up to one that was sent in step `until` or later.
    #[inline(always)]
    pub fn pass(&mut self, when: &[u32], until: usize) -> Range<usize> {
        let first = self.next;
        let sent = |step: &&u32| (**step as usize) < until;
        self.next += when[first..].iter().take_while(sent).count();
        first..self.next
    }

    /// The spikes before the last one of these that were sent in step `from` or later.
    #[inline(always)]
    pub fn pass_back(&mut self, when: &[u32], from: usize) -> Range<usize> {
        let end = self.next;
        while self.next > 0 && when[self.next - 1] as usize >= from {
            self.next -= 1;
        }
        self.next..end
    }

    /// Puts the spikes that are new on the tape into the queue.
    #[inline(always)]
    fn send<F>(&mut self, spikes: &Spikes<u32, F>, lags: &[usize]) {
        for place in self.queue.len()..spikes.len() {
            let lag = lags[spikes.neuron[place] as usize];
            self.queue.push(spikes.when[place] as usize + lag);
        }
    }

    /// Takes spikes of sources in the order of the tape, with the steps in which they were sent.
    fn copy<F>(&mut self, spikes: &Spikes<u32, F>, range: Range<usize>) {
        self.sources.clear();
        self.sources
            .extend_from_slice(&spikes.neuron[range.clone()]);
        self.when.clear();
        self.when.extend_from_slice(&spikes.when[range]);
    }

    /// Puts in place of the sources those that stand for them.
    fn pool(&mut self, pooling: &Pooling) {
        let mut kept = 0;
        for place in 0..self.sources.len() {
            if let Some(row) = pooling.of(self.sources[place] as usize) {
                self.sources[kept] = row as u32;
                self.when[kept] = self.when[place];
                kept += 1;
            }
        }
        self.sources.truncate(kept);
        self.when.truncate(kept);
    }

    /// Takes what the queue holds for a stretch of steps.
    fn take<F>(&mut self, spikes: &Spikes<u32, F>, steps: Range<usize>) {
        self.sources.clear();
        self.when.clear();
        for step in steps {
            for spike in self.queue.at(step) {
                self.sources.push(spikes.neuron[spike]);
                self.when.push(step as u32);
            }
        }
    }
}

/// λ of the neurons at which a connection ends, padded.
///
/// PERF: memory is borrowed whole, here and for currents: where nothing arrives, which is most often, it
/// is not looked at.
pub(crate) struct Targets<'a, F> {
    pub lambda_v: &'a Aligned<F>,
    pub lambda_i: &'a Aligned<F>,
    /// Memory for λ_V − λ_I.
    pub difference: &'a mut Aligned<F>,
}

/// Sums of what the targets of spikes send back.
pub(crate) struct Sums<'a, F> {
    /// R per spike.
    pub backflow: &'a mut [F],
    /// `[G6]` per source, or one for all; empty where delays are not trained.
    pub by_delay: &'a mut [F],
}

impl<F: Real> Sums<'_, F> {
    /// Adds a summand of R, which is one of the delay of its source.
    #[inline(always)]
    fn add(&mut self, spike: usize, source: usize, r: F) {
        self.backflow[spike] += r;
        if !self.by_delay.is_empty() {
            let delay = source.min(self.by_delay.len() - 1);
            self.by_delay[delay] += r;
        }
    }
}

/// True if there is a spike and it arrives at the start of step k.
#[inline(always)]
fn arrives(sent: Option<&u32>, lag: usize, k: usize) -> bool {
    sent.is_some_and(|&step| step as usize + lag == k)
}

impl Connection {
    /// The spikes that may arrive in a window of steps, all that do among them: the spikes of a source are
    /// sorted. [`Self::arrival`] says which of them do.
    #[inline(always)]
    pub fn arriving(&self, when: &[u32], window: &Range<usize>) -> Range<usize> {
        let before =
            |end: usize, lag: usize| when.partition_point(|&step| step as usize + lag < end);
        match &self.travel {
            Travel::InOrder(lag) => before(window.start, *lag)..before(window.end, *lag),
            Travel::BySource(lags) => {
                let most = lags.iter().copied().max().unwrap_or(1);
                before(window.start, most)..before(window.end, 1)
            }
            Travel::Apart(apart) => before(window.start, apart.most())..before(window.end, 1),
        }
    }

    /// The step in which a spike arrives from a source that it reaches as a whole, if it is in the window.
    #[inline(always)]
    pub fn arrival(&self, window: &Range<usize>) -> impl Fn(u32, u32) -> Option<u32> {
        move |source, step| {
            let lag = match &self.travel {
                Travel::InOrder(lag) => *lag,
                Travel::BySource(lags) => lags[source as usize],
                Travel::Apart(_) => unreachable!("spikes arrive as wholes"),
            };
            let arrival = step + lag as u32;
            window.contains(&(arrival as usize)).then_some(arrival)
        }
    }

    /// The neuron that stands for a source.
    #[inline(always)]
    pub fn row(&self) -> impl Fn(u32) -> Option<u32> {
        |source| Some(self.synapses.row_of(source as usize)? as u32)
    }

    /// True if the spikes that arrive in a window lie side by side on the tape.
    pub fn keeps_order(&self) -> bool {
        matches!(self.travel, Travel::InOrder(_))
    }

    /// The delays, where a spike does not arrive as a whole.
    #[inline(always)]
    pub fn apart(&self) -> Option<&Apart> {
        match &self.travel {
            Travel::Apart(apart) => Some(apart),
            Travel::InOrder(_) | Travel::BySource(_) => None,
        }
    }

    /// Index of the delay of the synapse from `source` to `target`.
    pub fn delay_of(&self, source: usize, target: usize) -> usize {
        match &self.travel {
            Travel::InOrder(_) => 0,
            Travel::BySource(_) => source,
            Travel::Apart(apart) => {
                let synapse = self.synapses.find(source, target);
                apart.delay_of(synapse.expect("a spike arrived over it"))
            }
        }
    }

    /// Numbers of the gradient that are gathered from traces.
    pub fn gradient_len(&self) -> usize {
        let weights = self.synapses.weights_len();
        match self.apart() {
            Some(apart) if self.trained => weights + apart.delays_len(),
            _ => weights,
        }
    }

    /// True if the derivatives of delays are gathered like those of weights.
    pub fn gathers_delays(&self) -> bool {
        self.trained && self.apart().is_some()
    }

    /// Numbers that [`Sums::by_delay`] has.
    pub fn delays_len(&self) -> usize {
        match &self.travel {
            _ if !self.trained => 0,
            Travel::InOrder(_) => 1,
            Travel::BySource(lags) => lags.len(),
            Travel::Apart(_) => 0,
        }
    }

    /// True if nothing arrives at the start of step k, as far as one look tells.
    ///
    /// PERF: in most steps of most trials nothing does.
    #[inline(always)]
    pub fn rests(&self, transit: &Transit, when: &[u32], k: usize) -> bool {
        match self.travel {
            Travel::InOrder(lag) => !arrives(when.get(transit.next), lag, k),
            Travel::BySource(_) | Travel::Apart(_) => false,
        }
    }

    /// The same in the adjoint pass.
    #[inline(always)]
    pub fn rested(&self, transit: &Transit, when: &[u32], k: usize) -> bool {
        match self.travel {
            // There is no place before the first.
            Travel::InOrder(lag) => !arrives(when.get(transit.next.wrapping_sub(1)), lag, k),
            Travel::BySource(_) | Travel::Apart(_) => false,
        }
    }

    /// `[F5]` Adds what arrives at the start of step k to the currents of the targets, where it arrives as a whole.
    #[inline(always)]
    pub fn deliver<F: Real>(
        &self,
        transit: &mut Transit,
        w: &[F],
        (spikes, k): (&Spikes<u32, F>, usize),
        i: &mut Aligned<F>,
    ) {
        let sources = match &self.travel {
            Travel::InOrder(lag) => {
                let first = transit.next;
                let arrive = |step: &&u32| **step as usize + lag == k;
                let count = spikes.when[first..].iter().take_while(arrive).count();
                transit.next += count;
                match &self.synapses.pooling {
                    Some(pooling) if count > 0 => {
                        transit.copy(spikes, first..first + count);
                        transit.pool(pooling);
                        &transit.sources[..]
                    }
                    _ => &spikes.neuron[first..first + count],
                }
            }
            Travel::BySource(lags) => {
                transit.send(spikes, lags);
                transit.take(spikes, k..k + 1);
                if let Some(pooling) = &self.synapses.pooling {
                    transit.pool(pooling);
                }
                &transit.sources
            }
            Travel::Apart(_) => return,
        };
        if sources.is_empty() {
            return;
        }
        match &self.synapses.kind {
            Kind::Dense(_) => rows::add_all(i, w, sources),
            Kind::OneToOne(one) => {
                for &source in sources {
                    one.deliver(w, source as usize, i);
                }
            }
            Kind::Sparse(sparse) => {
                for &source in sources {
                    sparse.deliver(w, source as usize, i);
                }
            }
            Kind::Convolved(convolved) => {
                for &source in sources {
                    convolved.deliver(w, source as usize, i);
                }
            }
        }
    }

    /// Begins a trial of `steps` steps.
    pub fn start(&self, transit: &mut Transit, steps: usize) {
        transit.next = 0;
        if matches!(self.travel, Travel::BySource(_)) {
            transit.queue.start(steps);
        }
    }

    /// Begins at the end of a trial of `steps` steps: what would arrive then or later never does.
    pub fn start_at_end<F>(&self, transit: &mut Transit, spikes: &Spikes<u32, F>, steps: usize) {
        self.start(transit, steps);
        match &self.travel {
            Travel::InOrder(_) | Travel::Apart(_) => {
                transit.next = self.arriving(&spikes.when, &(0..steps)).end;
            }
            Travel::BySource(lags) => transit.send(spikes, lags),
        }
    }

    /// `[A4]` Adds what the targets send back at the start of step `arrival` to R of the spikes that arrive as
    /// wholes, and `[G6]` to the derivatives of their delays.
    #[inline(always)]
    pub fn collect<F: Real>(
        &self,
        transit: &mut Transit,
        w: &[F],
        (spikes, arrival): (&Spikes<u32, F>, usize),
        targets: Targets<'_, F>,
        sums: Sums<'_, F>,
    ) {
        match &self.travel {
            Travel::InOrder(lag) => {
                let end = transit.next;
                let arrives = |place: usize| spikes.when[place] as usize + lag == arrival;
                if end == 0 || !arrives(end - 1) {
                    return;
                }
                while transit.next > 0 && arrives(transit.next - 1) {
                    transit.next -= 1;
                }
                let due = (transit.next..end).rev();
                self.send_back(w, (spikes, due), targets, sums);
            }
            Travel::BySource(_) => {
                let mut due = transit.queue.at(arrival).peekable();
                if due.peek().is_some() {
                    self.send_back(w, (spikes, due), targets, sums);
                }
            }
            Travel::Apart(_) => {}
        }
    }

    #[inline(always)]
    fn send_back<F: Real>(
        &self,
        w: &[F],
        (spikes, due): (&Spikes<u32, F>, impl Iterator<Item = usize>),
        targets: Targets<'_, F>,
        mut sums: Sums<'_, F>,
    ) {
        let Targets {
            lambda_v,
            lambda_i,
            difference,
        } = targets;
        match &self.synapses.kind {
            Kind::Dense(_) => {
                let difference = &mut difference[..];
                rows::subtract(lambda_v, lambda_i, difference);
                for spike in due {
                    let source = spikes.neuron[spike] as usize;
                    let Some(row) = self.synapses.row_of(source) else {
                        continue;
                    };
                    let row = row * difference.len();
                    let r = rows::dot(&w[row..row + difference.len()], difference);
                    sums.add(spike, source, r);
                }
            }
            Kind::OneToOne(_) | Kind::Sparse(_) | Kind::Convolved(_) => {
                for spike in due {
                    let source = spikes.neuron[spike] as usize;
                    let r = self.synapses.backflow(w, source, lambda_v, lambda_i);
                    sums.add(spike, source, r);
                }
            }
        }
    }

    /// The arrivals at one target at the start of a step: spike and weight, in the order of delivery.
    #[inline(always)]
    pub fn arrivals_at<'a, F: Real>(
        &'a self,
        w: &'a [F],
        (spikes, step): (&'a Spikes<u32, F>, usize),
        target: usize,
    ) -> impl Iterator<Item = (usize, F)> + 'a {
        let window = step..step + 1;
        let arriving = self.arriving(&spikes.when, &window);
        arriving.filter_map(move |spike| {
            let source = spikes.neuron[spike] as usize;
            let lag = match &self.travel {
                Travel::InOrder(lag) => *lag,
                Travel::BySource(lags) => lags[source],
                Travel::Apart(apart) => apart.lag(self.synapses.find(source, target)?),
            };
            if spikes.when[spike] as usize + lag != step {
                return None;
            }
            let weight = self.synapses.weight(w, source, target)?;
            Some((spike, weight))
        })
    }

    /// The rows of traces of the whole trial at which the spikes of a batch arrive.
    pub fn in_batch(&self) -> InBatch {
        InBatch { delay: self.lag() }
    }

    /// The rows at which the spikes of a sample arrive in a trace that begins at the step `start`.
    pub fn in_window(&self, start: usize) -> InWindow {
        InWindow {
            delay: self.lag(),
            start,
        }
    }

    /// The steps from what a group of spikes is numbered by to the arrival: they are numbered by when they were sent where
    /// they keep their order, and by [`Self::arrival`] where they do not.
    fn lag(&self) -> usize {
        match &self.travel {
            Travel::InOrder(lag) => *lag,
            Travel::BySource(_) | Travel::Apart(_) => 0,
        }
    }

    /// Numbers of a copy of the weights from which a window of steps is delivered at once; none where that
    /// is not done.
    pub fn blocked_len(&self) -> Option<usize> {
        match (&self.synapses.kind, &self.travel) {
            (_, Travel::Apart(_))
            | (Kind::OneToOne(_) | Kind::Sparse(_) | Kind::Convolved(_), _) => None,
            (Kind::Dense(dense), _) => Some(dense.padded_len()),
        }
    }

    /// Makes that copy, on the threads of the current pool.
    pub fn pack_blocks<F: Real>(&self, weights: &[F], copy: &mut Blocked<F>) {
        match &self.synapses.kind {
            Kind::Dense(dense) => copy.pack(dense, weights, self.synapses.factor()),
            Kind::OneToOne(_) | Kind::Sparse(_) | Kind::Convolved(_) => {}
        }
    }

    /// Prepares [`Self::arrivals_in`] a window of steps.
    #[inline(always)]
    pub fn prepare<F>(
        &self,
        transit: &mut Transit,
        spikes: &Spikes<u32, F>,
        window: &Range<usize>,
    ) {
        match &self.travel {
            Travel::BySource(lags) => {
                transit.send(spikes, lags);
                transit.take(spikes, window.clone());
            }
            Travel::InOrder(_) if self.synapses.pooling.is_some() => {
                transit.copy(spikes, self.arriving(&spikes.when, window));
            }
            Travel::InOrder(_) | Travel::Apart(_) => {}
        }
        if let Some(pooling) = &self.synapses.pooling {
            transit.pool(pooling);
        }
    }

    /// The arrivals that such a copy delivers in a window of steps.
    #[inline(always)]
    pub fn arrivals_in<'a, F: Real>(
        &self,
        transit: &'a Transit,
        spikes: &'a Spikes<u32, F>,
        window: &Range<usize>,
        onto: Onto,
    ) -> Arrivals<'a> {
        let (sources, when) = match &self.travel {
            Travel::InOrder(_) if self.synapses.pooling.is_none() => {
                let range = self.arriving(&spikes.when, window);
                (&spikes.neuron[range.clone()], &spikes.when[range])
            }
            Travel::InOrder(_) | Travel::BySource(_) => (&transit.sources[..], &transit.when[..]),
            Travel::Apart(_) => unreachable!("their weights are not copied"),
        };
        Arrivals {
            sources,
            when,
            delay: self.lag(),
            start: window.start,
            onto,
        }
    }
}
