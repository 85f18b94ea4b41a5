//! What happened to the neurons of a sample, in order: what the adjoint pass goes through backwards.

use super::trajectory::{Item, Trajectory};

/// An event of a neuron.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Happening {
    /// A spike, by its place on the tape.
    Spike(usize),
    /// An arrival over a line.
    Arrival {
        line: usize,
        spike: usize,
        weight: usize,
        /// Index of its delay, where that is trained.
        delay: Option<usize>,
        port: usize,
        /// Weight times amplitude.
        w: f64,
    },
    /// The end of the trial.
    End,
}

/// A neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub population: usize,
    pub neuron: usize,
}

/// An event, and the way to it from the one before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub population: usize,
    pub neuron: usize,
    pub what: Happening,
    /// Places of the pieces in the log.
    pub items: (usize, usize),
    /// Place of the state just before the event.
    pub minus: usize,
    pub masks_minus: u64,
    /// Place of the state just after it.
    pub plus: usize,
    pub masks_plus: u64,
}

impl Entry {
    /// The neuron that it is of.
    pub fn place(&self) -> Place {
        Place {
            population: self.population,
            neuron: self.neuron,
        }
    }
}

/// The log of a sample.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub entries: Vec<Entry>,
    pub items: Vec<Item>,
    pub states: Vec<[f64; 1]>,
    /// Per output, the number of its pieces before its peak; counted over the whole trial; empty where none is looked for.
    pub peaks: Vec<usize>,
}

impl Log {
    pub fn clear(&mut self) {
        self.entries.clear();
        self.items.clear();
        self.states.clear();
        self.peaks.clear();
    }

    /// Adds an event with the way to it; the trajectory has the state just after it.
    pub fn push(
        &mut self,
        Place { population, neuron }: Place,
        what: Happening,
        (trajectory, x_minus, masks_minus): (&Trajectory, &[[f64; 1]], u64),
    ) {
        let first = self.items.len();
        let shift = self.states.len();
        self.states.extend_from_slice(&trajectory.states);
        let moved = trajectory.items.iter().map(|item| Item {
            state: item.state + shift,
            ..*item
        });
        self.items.extend(moved);
        let minus = self.states.len();
        self.states.extend_from_slice(x_minus);
        let plus = self.states.len();
        self.states.extend_from_slice(&trajectory.x);
        self.entries.push(Entry {
            population,
            neuron,
            what,
            items: (first, self.items.len()),
            minus,
            masks_minus,
            plus,
            masks_plus: trajectory.masks,
        });
    }
}
