//! A projection on the grid: its wiring, and its delay in steps.
//!
//! The solver's loops say which step it is; what that means for a delay is known here. With a constant
//! delay, spikes arrive in the order of the tape of their source, and [`Transit`] is a position on it.

use std::ops::Range;

use super::delay::Delay;
use super::dense::blocked::{Arrivals, Blocked};
use super::dense::rows;
use super::places::{InBatch, InWindow, Onto};
use super::wiring::{Kind, Synapses};
use crate::aligned::Aligned;
use crate::real::Real;
use crate::tape::Spikes;

/// A wiring with a delay.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub synapses: Synapses,
    /// A spike of step k arrives at the start of step k + delay; at least 1.
    pub delay: Delay<usize>,
}

/// Position of a pass over a sample among the spikes of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Transit {
    /// The next spike in the forward pass; one more than the next in the adjoint pass.
    pub(super) next: usize,
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

impl Connection {
    /// The spikes that arrive in a window of steps: the spikes of a source are sorted.
    #[inline(always)]
    pub fn arriving(&self, when: &[u32], window: &Range<usize>) -> Range<usize> {
        let Delay::Constant(delay) = self.delay;
        let before = |end: usize| when.partition_point(|&step| step as usize + delay < end);
        before(window.start)..before(window.end)
    }

    /// `[F5]` Adds what arrives at the start of step k to the currents of the targets.
    #[inline(always)]
    pub fn deliver<F: Real>(
        &self,
        transit: &mut Transit,
        w: &[F],
        (spikes, k): (&Spikes<u32, F>, usize),
        i: &mut Aligned<F>,
    ) {
        let Delay::Constant(delay) = self.delay;
        let first = transit.next;
        let arrive = |step: &&u32| **step as usize + delay == k;
        let count = spikes.when[first..].iter().take_while(arrive).count();
        if count > 0 {
            transit.next += count;
            let sources = &spikes.neuron[first..first + count];
            match &self.synapses.kind {
                Kind::Dense(_) => rows::add_all(i, w, sources),
                Kind::OneToOne(one) => {
                    for &source in sources {
                        one.deliver(w, source as usize, i);
                    }
                }
            }
        }
    }

    /// Begins at the end of a trial of `steps` steps: what would arrive then or later never does.
    pub fn start_at_end(&self, when: &[u32], steps: usize) -> Transit {
        Transit {
            next: self.arriving(when, &(0..steps)).end,
        }
    }

    /// `[A4]` Adds what the targets send back at the start of step `arrival` to R of the spikes.
    #[inline(always)]
    pub fn collect<F: Real>(
        &self,
        transit: &mut Transit,
        w: &[F],
        (spikes, arrival): (&Spikes<u32, F>, usize),
        targets: Targets<'_, F>,
        backflow: &mut [F],
    ) {
        let Delay::Constant(delay) = self.delay;
        let mut left = transit.next;
        let arrives = |place: usize| spikes.when[place] as usize + delay == arrival;
        if left == 0 || !arrives(left - 1) {
            return;
        }
        let Targets {
            lambda_v,
            lambda_i,
            difference,
        } = targets;
        match &self.synapses.kind {
            Kind::Dense(_) => {
                let difference = &mut difference[..];
                rows::subtract(lambda_v, lambda_i, difference);
                while left > 0 && arrives(left - 1) {
                    left -= 1;
                    let row = spikes.neuron[left] as usize * difference.len();
                    backflow[left] += rows::dot(&w[row..row + difference.len()], difference);
                }
            }
            Kind::OneToOne(one) => {
                while left > 0 && arrives(left - 1) {
                    left -= 1;
                    let source = spikes.neuron[left] as usize;
                    backflow[left] += one.backflow(w, source, lambda_v, lambda_i);
                }
            }
        }
        transit.next = left;
    }

    /// The arrivals at one target at the start of a step: spike and weight, in the order of delivery.
    #[inline(always)]
    pub fn arrivals_at<'a, F: Real>(
        &'a self,
        w: &'a [F],
        (spikes, step): (&'a Spikes<u32, F>, usize),
        target: usize,
    ) -> impl Iterator<Item = (usize, F)> + 'a {
        let arriving = self.arriving(&spikes.when, &(step..step + 1));
        arriving.filter_map(move |spike| {
            let source = spikes.neuron[spike] as usize;
            let weight = self.synapses.weight(w, source, target)?;
            Some((spike, weight))
        })
    }

    /// The rows of traces of the whole trial at which the spikes of a batch arrive.
    pub fn in_batch(&self) -> InBatch {
        let Delay::Constant(delay) = self.delay;
        InBatch { delay }
    }

    /// The rows at which the spikes of a sample arrive in a trace that begins at the step `start`.
    pub fn in_window(&self, start: usize) -> InWindow {
        let Delay::Constant(delay) = self.delay;
        InWindow { delay, start }
    }

    /// Numbers of a copy of the weights from which a window of steps is delivered at once; none where that
    /// is not done.
    pub fn blocked_len(&self) -> Option<usize> {
        match (&self.synapses.kind, &self.delay) {
            (Kind::Dense(dense), Delay::Constant(_)) => Some(dense.padded_len()),
            (Kind::OneToOne(_), Delay::Constant(_)) => None,
        }
    }

    /// Makes that copy, on the threads of the current pool.
    pub fn pack_blocks<F: Real>(&self, weights: &[F], copy: &mut Blocked<F>) {
        match &self.synapses.kind {
            Kind::Dense(dense) => copy.pack(dense, weights),
            Kind::OneToOne(_) => {}
        }
    }

    /// The arrivals that such a copy delivers in a window of steps.
    #[inline(always)]
    pub fn arrivals_in<'a, F: Real>(
        &self,
        spikes: &'a Spikes<u32, F>,
        window: &Range<usize>,
        onto: Onto,
    ) -> Arrivals<'a> {
        let Delay::Constant(delay) = self.delay;
        let range = self.arriving(&spikes.when, window);
        Arrivals {
            sources: &spikes.neuron[range.clone()],
            when: &spikes.when[range],
            delay,
            start: window.start,
            onto,
        }
    }
}
