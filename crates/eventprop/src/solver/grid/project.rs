//! `[F5]` for the spikes of the input: their currents for a window of steps, before it is stepped through.
//!
//! What arrives from the input is known beforehand, so it need not be delivered step by step, and weights
//! are read in the order that suits the caches ([`Blocked`]).

use std::ops::Range;

use super::plan::{Link, Plan};
use crate::connect::trace::{self, Block, Shape};
use crate::connect::{self, Blocked, Onto, Transit};
use crate::params::Params;
use crate::real::Real;
use crate::tape::Spikes;

/// Weights of the input, in numbers, from which projecting pays: 512 KB in f32.
const WEIGHTS_LEAST: usize = 1 << 17;
/// Steps from which it pays: the weights are copied once per batch.
const STEPS_LEAST: usize = 100;

/// The weights from the input, where they are projected.
#[derive(Debug, Clone)]
pub(super) struct InputWeights<F> {
    /// Per link; none where spikes are delivered step by step.
    links: Vec<Option<Blocked<F>>>,
    /// Per population, whether any of these links ends there.
    reach: Vec<bool>,
}

impl<F: Real> InputWeights<F> {
    /// Room for the weights of a network whose input is worth projecting; none for others.
    pub fn new(plan: &Plan<F>) -> Option<Self> {
        let len_of = |link: &Link<F>| {
            let from_input = link.source == plan.input;
            from_input.then(|| link.connection.blocked_len()).flatten()
        };
        let lens: Vec<Option<usize>> = plan.links.iter().map(len_of).collect();
        let numbers: usize = lens.iter().flatten().sum();
        if plan.clock.steps() < STEPS_LEAST || numbers < WEIGHTS_LEAST {
            return None;
        }
        let mut reach = vec![false; plan.layers.len()];
        for (link, len) in plan.links.iter().zip(&lens) {
            reach[link.target] |= len.is_some();
        }
        let blocked = |len: Option<usize>| len.map(|_| Blocked::default());
        Some(Self {
            links: lens.into_iter().map(blocked).collect(),
            reach,
        })
    }

    /// Copies the weights, on the threads of the current pool.
    pub fn pack(&mut self, plan: &Plan<F>, params: &Params<F>) {
        for (copy, link) in self.links.iter_mut().zip(&plan.links) {
            if let Some(copy) = copy {
                let weights = params.weights(link.id);
                link.connection.pack_blocks(weights, copy);
            }
        }
    }

    /// True if the spikes of a link are projected.
    #[inline(always)]
    pub fn hold(&self, link: usize) -> bool {
        self.links[link].is_some()
    }

    /// True if anything that is projected arrives at a population.
    #[inline(always)]
    pub fn reach(&self, population: usize) -> bool {
        self.reach[population]
    }
}

/// Sets `currents` to what arrives from the input in every step of `window`.
#[inline(always)]
pub(super) fn project<F: Real>(
    plan: &Plan<F>,
    (weights, transits): (&InputWeights<F>, &mut [Transit]),
    (spikes, window): (&Spikes<u32, F>, Range<usize>),
    (currents, shape): (&mut [F], Shape),
) {
    for (index, link) in plan.links.iter().enumerate() {
        if weights.hold(index) {
            let transit = &mut transits[index];
            link.connection.prepare(transit, spikes, &window);
        }
    }
    for (target, layer) in plan.layers.iter().enumerate() {
        for block in trace::blocks(layer.stride) {
            let start = shape.start(plan.columns_before[target], block);
            let currents = &mut currents[start..start + window.len() * block.width];
            let mut onto = Onto::Zero;
            for (index, link) in plan.links_into(target) {
                let Some(weights) = &weights.links[index] else {
                    continue;
                };
                let transit = &transits[index];
                let connection = &link.connection;
                let arrivals = connection.arrivals_in(transit, spikes, &window, onto);
                weights.deliver(&arrivals, block, currents);
                onto = Onto::Gradient;
            }
        }
    }
}

/// Adds the projected currents of one step to those of a population.
#[inline(always)]
pub(super) fn add_step<F: Real>(
    i: &mut [F],
    (currents, shape, before): (&[F], Shape, usize),
    row: usize,
) {
    for block in trace::blocks(i.len()) {
        let Block { column, width } = block;
        connect::add(
            &mut i[column..column + width],
            &currents[shape.row(before, block, row)],
        );
    }
}
