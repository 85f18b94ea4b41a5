//! Derivatives by what enters a component at times of the clock, for one sample: λ at any time, from λ at the ends of
//! the stretches that the adjoint pass noted.

use super::Model;
use super::arrivals::Way;
use super::constants::History;
use super::schedule::{Component, Line};
use super::stretch::Stretch;
use crate::connect;
use crate::neuron::{Lambda, flow};
use crate::params::AllWeights;
use crate::solver::Convention;

/// Zeros for what a convention needs.
pub(super) fn start(model: &Model, convention: Option<Convention>, by_input: &mut Vec<f64>) {
    let size = match convention {
        Some(Convention::Graded) => model.network.input_size(),
        Some(Convention::Current(population)) => model.neurons[population.0].size,
        Some(Convention::Time) | None => 0,
    };
    by_input.clear();
    by_input.resize(model.network.clock().steps() * size, 0.0);
}

/// True if a convention wants to know λ of a component at times at which nothing happens.
pub(super) fn reads(model: &Model, component: &Component, convention: Option<Convention>) -> bool {
    match convention {
        Some(Convention::Graded) => component
            .lines
            .iter()
            .any(|line| line.source == model.input),
        Some(Convention::Current(population)) => component.populations.contains(&population.0),
        Some(Convention::Time) | None => false,
    }
}

/// A component whose stretches were noted.
pub(super) struct Reader<'a> {
    /// The prepared network.
    pub model: &'a Model,
    /// The component.
    pub component: &'a Component,
    /// Weights.
    pub weights: AllWeights<'a, f64>,
    /// λ at the ends of its stretches, from the last to the first.
    pub history: &'a History,
}

impl Reader<'_> {
    /// Adds what a convention asks of the component.
    pub fn add(&self, convention: Convention, by_input: &mut [f64]) {
        match convention {
            Convention::Graded => {
                for line in &self.component.lines {
                    if line.source == self.model.input {
                        self.by_amplitude(line, by_input);
                    }
                }
            }
            Convention::Current(population) => self.by_current(population.0, by_input),
            Convention::Time => {}
        }
    }

    /// Length of a row of the history, and the place of λ of a population in it.
    fn places(&self, population: usize) -> (usize, usize) {
        let (mut row, mut place) = (0, 0);
        for &p in &self.component.populations {
            if p == population {
                place = row;
            }
            row += 2 * self.model.neurons[p].size;
        }
        (row, place)
    }

    /// λ of a neuron of a population at the end of a stretch.
    fn at_end(&self, stretch: usize, population: usize, neuron: usize) -> Lambda<f64> {
        let (row, place) = self.places(population);
        let first = stretch * row + place + neuron;
        let size = self.model.neurons[population].size;
        Lambda {
            v: self.history.lambdas[first],
            i: self.history.lambdas[first + size],
        }
    }

    /// `[G8]` for what arrives over a line from the input at the start of a step and its delay, or would.
    fn by_amplitude(&self, line: &Line, by_input: &mut [f64]) {
        let Way::InOrder(delay_ms) = line.way else {
            unreachable!("other delays of the input are refused: `check_inputs`");
        };
        let (clock, inputs) = (self.model.network.clock(), self.model.network.input_size());
        let neurons = &self.model.neurons[line.target];
        let weights = self.weights.of(line.projection);
        let mut place = 0;
        for k in (0..clock.steps()).rev() {
            let arrival_ms = clock.start_ms(k) + delay_ms;
            let after = |stretch: &Stretch| stretch.from > arrival_ms;
            while self.history.stretches.get(place).is_some_and(after) {
                place += 1;
            }
            let Some(stretch) = self.history.stretches.get(place) else {
                return;
            };
            if arrival_ms >= self.model.trial_ms {
                continue;
            }
            let flows = neurons.flows(stretch.to - arrival_ms);
            let by_weight = |target: usize| {
                let lambda = self.at_end(place, line.target, target);
                let lambda_i = lambda.before(&flows.of(target)).i;
                connect::by_weight(neurons.membrane(target).tau_syn, lambda_i)
            };
            let by_weight: Vec<f64> = (0..neurons.size).map(by_weight).collect();
            let row = &mut by_input[k * inputs..(k + 1) * inputs];
            for (source, value) in row.iter_mut().enumerate() {
                *value += line.synapses.by_amplitude(weights, source, &by_weight);
            }
        }
    }

    /// `[G9]` over every step, stretch by stretch.
    fn by_current(&self, population: usize, by_input: &mut [f64]) {
        let clock = self.model.network.clock();
        let neurons = &self.model.neurons[population];
        for (place, stretch) in self.history.stretches.iter().enumerate() {
            let first = (stretch.from / clock.dt_ms()).floor() as usize;
            for k in first..clock.steps() {
                let from = stretch.from.max(clock.start_ms(k));
                let to = stretch.to.min(clock.start_ms(k + 1));
                if clock.start_ms(k) >= stretch.to {
                    break;
                }
                if to <= from {
                    continue;
                }
                let row = &mut by_input[k * neurons.size..(k + 1) * neurons.size];
                for (n, value) in row.iter_mut().enumerate() {
                    let tau_mem = neurons.membrane(n).tau_mem;
                    let rest = neurons.membrane(n).decay(stretch.to - to).left;
                    let lambda_v = self.at_end(place, population, n).v * rest;
                    let over = flow::Stretch {
                        ms: to - from,
                        tau_mem,
                    };
                    *value += over.by_current(lambda_v, 0.0);
                }
            }
        }
    }
}
