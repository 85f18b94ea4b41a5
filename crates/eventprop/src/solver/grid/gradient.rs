//! `[G1]` Weight gradients of a batch.
//!
//! Where the traces of a whole batch are small, all of them are kept, and parts of the gradient are
//! shared out to threads ([`gather_batch`]). Otherwise every sample is gathered as soon as a window of
//! its trace is there, into the gradient of the few samples that one task solves ([`gather_window`]),
//! and those gradients are summed (`sum`). Either way every weight is summed in an order that
//! depends on the batch only, not on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::plan::{Link, Plan};
use super::state::State;
use crate::connect::trace::Shape;
use crate::connect::{
    Apart, ByNeuron, History, LANES, Lookup, Onto, Part, STEP_BITS, Source, Task,
};
use crate::dispatch::vectorized;
use crate::network::NeuronConstant;
use crate::params::{Params, Role};
use crate::real::Real;
use crate::shares::for_each_sticky;
use crate::tape::{Spikes, Tape};

// A spike of a batch is named by its sample and its step in one number. Every step of every sample has
// a row of at least LANES numbers in the traces.
const _: () = assert!(super::together::NUMBERS / LANES <= 1 << STEP_BITS);

/// Groups the spikes of a batch that arrive over each link within the trial, where they arrive as wholes.
pub(super) fn group_batch<F: Real>(
    plan: &Plan<F>,
    tapes: &[Tape<u32, F>],
    groups: &mut [ByNeuron],
) {
    let trial = 0..plan.clock.steps();
    groups
        .par_iter_mut()
        .zip(&plan.links)
        .for_each(|(group, link)| {
            let parts = tapes.iter().zip(0u32..).map(|(tape, sample)| {
                let spikes = &tape.populations[link.source];
                let range = ungraded(spikes, link.connection.arriving(&spikes.when, &trial));
                Part {
                    neurons: &spikes.neuron[range.clone()],
                    steps: &spikes.when[range],
                    sample,
                }
            });
            group_spikes(link, group, (parts, &trial));
        });
}

/// The spikes that are gathered together: graded ones are gathered one by one ([`gather_graded`]).
fn ungraded<F>(spikes: &Spikes<u32, F>, arriving: Range<usize>) -> Range<usize> {
    if spikes.amplitude.is_empty() {
        arriving
    } else {
        arriving.start..arriving.start
    }
}

/// Groups spikes that arrive as wholes: all of them where they keep their order, else those that arrive in a window.
#[inline(always)]
fn group_spikes<'a, F: Real>(
    link: &Link<F>,
    group: &mut ByNeuron,
    (parts, window): (impl Iterator<Item = Part<'a>> + Clone, &Range<usize>),
) {
    let connection = &link.connection;
    if connection.keeps_order() {
        fill(link, group, parts);
        return;
    }
    let arrival = connection.arrival(window);
    let row = connection.row();
    let of = |neuron, step| Some((row(neuron)?, arrival(neuron, step)?));
    group.fill_with(connection.synapses.rows_len(), parts, of);
}

/// Groups spikes by the neurons that stand for their sources.
#[inline(always)]
pub(super) fn fill<'a, F: Real>(
    link: &Link<F>,
    group: &mut ByNeuron,
    parts: impl Iterator<Item = Part<'a>> + Clone,
) {
    let synapses = &link.connection.synapses;
    if synapses.is_pooled() {
        let row = link.connection.row();
        group.fill_with(synapses.rows_len(), parts, |neuron, step| {
            Some((row(neuron)?, step))
        });
    } else {
        group.fill(synapses.rows_len(), parts);
    }
}

/// Sets derivatives that are found sample by sample to zero: those with respect to constants, and to delays where spikes
/// arrive as wholes or delays are not trained.
pub(super) fn clear_others<F: Real>(plan: &Plan<F>, gradient: &mut Params<F>) {
    for entry in gradient.layout().to_vec() {
        let by_sample = match entry.role {
            Role::Weights(_) => false,
            Role::Constant(..) => true,
            Role::Delays(id) => !plan.link(id).connection.gathers_delays(),
        };
        if by_sample {
            gradient.values_mut()[entry.range].fill(F::ZERO);
        }
    }
}

/// `[G6]` adds what the samples of a batch found for delays, sample by sample, and `[A6]` what delays gain from moving
/// peaks.
pub(super) fn add_delays<F: Real>(plan: &Plan<F>, states: &[State<F>], gradient: &mut Params<F>) {
    for (index, link) in plan.links.iter().enumerate() {
        let Some(delays) = gradient.delays_mut(link.id) else {
            continue;
        };
        for state in states {
            add(delays, state.by_delay[index].iter().copied());
            let of_link = state.moved_peaks.iter().filter(|(link, ..)| *link == index);
            of_link.for_each(|&(_, delay, moved)| delays[delay] += moved);
        }
    }
}

/// `[G2]` to `[G5]` adds what the samples of a batch found for the trained constants, sample by sample.
pub(super) fn add_constants<F: Real>(states: &[State<F>], gradient: &mut Params<F>) {
    for entry in gradient.layout().to_vec() {
        let Role::Constant(population, which) = entry.role else {
            continue;
        };
        let range = &mut gradient.values_mut()[entry.range];
        for state in states {
            let by_time = &state.by_time[population.0];
            let last = &state.last_spike[population.0];
            match which {
                NeuronConstant::TauMem => add(range, by_time.tau_mem.iter().copied()),
                NeuronConstant::TauSyn => add(range, by_time.tau_syn.iter().copied()),
                NeuronConstant::TauB => add(range, last.iter().map(|l| l.between.by_tau_b)),
                NeuronConstant::BIncr => add(range, last.iter().map(|l| l.between.by_b_incr)),
                NeuronConstant::Parameter(_) => {
                    unreachable!("networks with equations have solvers of their own")
                }
            }
        }
    }
}

fn add<F: Real>(sum: &mut [F], values: impl Iterator<Item = F>) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value;
    }
}

/// Sets the weight gradients to those of a whole batch, whose traces lie one behind the other.
pub(super) fn gather_batch<F: Real>(
    plan: &Plan<F>,
    (tapes, traces): (&[Tape<u32, F>], &[F]),
    groups: &[ByNeuron],
    gradient: &mut Params<F>,
) {
    let shape = Shape::new(plan.columns, plan.clock.steps());
    let mut tasks = Vec::new();
    let weights = gradient.weights_of_all_mut();
    for ((link, group), weights) in plan.links.iter().zip(groups).zip(weights) {
        let synapses = &link.connection.synapses;
        let from = Source {
            trace: plan.trace_of(link, traces, shape),
            tau_syn: plan.tau_syn_of(link),
            group,
            places: link.connection.in_batch(),
        };
        let len = synapses.task_len();
        for (chunk, gradient) in weights.chunks_mut(len).enumerate() {
            tasks.push(Task {
                synapses,
                from,
                first: chunk * len,
                onto: Onto::Zero,
                gradient,
            });
        }
    }
    for_each_sticky(tasks, vectorized);
    let graded = |tape: &Tape<u32, F>| !tape.populations[plan.input].amplitude.is_empty();
    if !tapes.iter().any(graded) {
        return;
    }
    let ranges = plan
        .links
        .iter()
        .map(|link| gradient.weights_range(link.id));
    let ranges: Vec<Range<usize>> = ranges.collect();
    for (sample, tape) in tapes.iter().enumerate() {
        let window = Window {
            tape,
            steps: 0..plan.clock.steps(),
            trace: &traces[sample * shape.len..(sample + 1) * shape.len],
            // Spikes that do not arrive as wholes are gathered window by window.
            histories: &[],
            shape,
        };
        let range_of = |index: usize| ranges[index].clone();
        gather_graded(plan, &window, range_of, gradient.values_mut());
    }
}

/// A weight gradient that one sample adds to.
pub(super) struct Sink<'a, F> {
    pub group: &'a mut ByNeuron,
    pub gradient: &'a mut [F],
    /// Parameters, which have the layout of the gradient.
    pub params: &'a Params<F>,
    pub onto: Onto,
}

/// One sample in a window of steps.
pub(super) struct Window<'a, F> {
    pub tape: &'a Tape<u32, F>,
    pub steps: Range<usize>,
    /// λ_I in these steps.
    pub trace: &'a [F],
    /// λ of these steps and those behind, where spikes do not arrive as wholes; per population.
    pub histories: &'a [History<F>],
    pub shape: Shape,
}

/// Adds what one sample contributes in one window of its trace to the weight gradients.
#[inline(always)]
pub(super) fn gather_window<F: Real>(
    plan: &Plan<F>,
    window: &Window<'_, F>,
    weights: &[&[F]],
    sink: &mut Sink<'_, F>,
) {
    let mut grouped = None;
    for (index, link) in plan.links.iter().enumerate() {
        if let Some(apart) = link.connection.apart() {
            gather_apart((plan, link, apart), window, weights[index], sink);
            grouped = None;
            continue;
        }
        let spikes = &window.tape.populations[link.source];
        let range = link.connection.arriving(&spikes.when, &window.steps);
        let range = ungraded(spikes, range);
        // Delayed copies of a projection have the same spikes.
        let wanted = Some((link.source, range.clone()));
        let alike = link.connection.keeps_order() && !link.connection.synapses.is_pooled();
        if grouped != wanted || !alike {
            let part = Part {
                neurons: &spikes.neuron[range.clone()],
                steps: &spikes.when[range],
                sample: 0,
            };
            group_spikes(link, sink.group, (std::iter::once(part), &window.steps));
            grouped = wanted.filter(|_| alike);
        }
        let task = Task {
            synapses: &link.connection.synapses,
            from: Source {
                trace: plan.trace_of(link, window.trace, window.shape),
                tau_syn: plan.tau_syn_of(link),
                group: sink.group,
                places: link.connection.in_window(window.steps.start),
            },
            first: 0,
            onto: sink.onto,
            gradient: &mut sink.gradient[sink.params.weights_range(link.id)],
        };
        task.run_in_vectors();
    }
    let params = sink.params;
    let range_of = |index: usize| params.weights_range(plan.links[index].id);
    gather_graded(plan, window, range_of, sink.gradient);
}

/// `[G1]` of graded input spikes: each arrival counts as often as its amplitude says.
fn gather_graded<F: Real>(
    plan: &Plan<F>,
    window: &Window<'_, F>,
    range_of: impl Fn(usize) -> Range<usize>,
    gradient: &mut [F],
) {
    let spikes = &window.tape.populations[plan.input];
    if spikes.amplitude.is_empty() {
        return;
    }
    let mut scaled = Vec::new();
    for (index, link) in plan.links.iter().enumerate() {
        if link.source != plan.input {
            continue;
        }
        let synapses = &link.connection.synapses;
        let trace = plan.trace_of(link, window.trace, window.shape);
        let tau_syn = plan.tau_syn_of(link);
        let gradient = &mut gradient[range_of(index)];
        for row in 0..window.steps.len() {
            let step = window.steps.start + row;
            let arriving = link.connection.arriving(&spikes.when, &(step..step + 1));
            if arriving.is_empty() {
                continue;
            }
            scaled.clear();
            scaled.extend((0..tau_syn.len()).map(|target| trace.at(target, 0, row)));
            for spike in arriving {
                let (source, a) = (spikes.neuron[spike] as usize, spikes.amplitude[spike]);
                let lambda_i = |target: usize| a * scaled[target];
                synapses.gather(gradient, source, |target| tau_syn[target], lambda_i);
            }
        }
    }
}

/// The same over a link whose spikes do not arrive as wholes: those that were sent in the window.
#[inline(always)]
fn gather_apart<F: Real>(
    (plan, link, apart): (&Plan<F>, &Link<F>, &Apart),
    window: &Window<'_, F>,
    weights: &[F],
    sink: &mut Sink<'_, F>,
) {
    let spikes = &window.tape.populations[link.source];
    // What is sent in the last step of the trial never arrives.
    let end = window.steps.end.min(plan.clock.steps() - 1);
    let before = |step: usize| spikes.when.partition_point(|&when| (when as usize) < step);
    let sent = before(window.steps.start)..before(end);
    let part = Part {
        neurons: &spikes.neuron[sent.clone()],
        steps: &spikes.when[sent],
        sample: 0,
    };
    fill(link, sink.group, std::iter::once(part));
    let lookup = Lookup {
        group: sink.group,
        history: &window.histories[link.target],
        first: window.steps.start + 1,
        tau_syn: plan.tau_syn_of(link),
        weights,
        onto: sink.onto,
    };
    let of_weights = sink.params.weights_range(link.id);
    let of_delays = sink.params.delays_range(link.id);
    match of_delays.filter(|_| link.connection.trained) {
        None => apart.gather(&lookup, &mut sink.gradient[of_weights], None),
        Some(of_delays) => {
            // All weights lie before all delays.
            let (before, behind) = sink.gradient.split_at_mut(of_delays.start);
            let delays = Some(&mut behind[..of_delays.len()]);
            apart.gather(&lookup, &mut before[of_weights], delays);
        }
    }
}
