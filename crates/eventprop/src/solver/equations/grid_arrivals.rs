//! The arrivals of a trial by the step at whose start they happen, in the order of the tape.

use crate::connect::{By, Lags, Synapse, Synapses};

/// No further arrival, and all synapses of a source.
const NONE: u32 = u32::MAX;

/// An arrival at the start of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    /// Place of the spike on the tape of its source.
    pub spike: usize,
    /// Place of the synapse among those of the source; none for all of them.
    pub place: Option<usize>,
}

/// A spike that is sent in a step: its place on the tape, and its neuron.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending {
    pub spike: usize,
    pub step: usize,
    pub source: usize,
}

/// The arrivals over a projection: a list for every step.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrivals {
    first: Vec<u32>,
    last: Vec<u32>,
    next: Vec<u32>,
    spike: Vec<u32>,
    place: Vec<u32>,
}

impl Arrivals {
    /// No arrivals in a trial of `steps` steps.
    pub fn start(&mut self, steps: usize) {
        for ends in [&mut self.first, &mut self.last] {
            ends.clear();
            ends.resize(steps, NONE);
        }
        self.next.clear();
        self.spike.clear();
        self.place.clear();
    }

    /// A spike of neuron `source` in a step; what would arrive after the trial never does.
    pub fn send(
        &mut self,
        Sending {
            spike,
            step,
            source,
        }: Sending,
        (synapses, lags): (&Synapses, &Lags<usize>),
    ) {
        match lags {
            Lags::Same(lag) => self.push(step + lag, spike, NONE),
            Lags::Each {
                by: By::Projection,
                values,
            } => self.push(step + values[0], spike, NONE),
            Lags::Each { by, values } if synapses.share_by_source(*by) => {
                let lag = values.get(source).copied();
                self.push(step + lag.expect("one delay for each source"), spike, NONE);
            }
            Lags::Each { .. } => {
                for (place, synapse) in synapses.of(source).enumerate() {
                    self.push(step + lags.of(synapse), spike, place as u32);
                }
            }
        }
    }

    fn push(&mut self, step: usize, spike: usize, place: u32) {
        if step >= self.first.len() {
            return;
        }
        let new = self.next.len() as u32;
        self.next.push(NONE);
        self.spike.push(spike as u32);
        self.place.push(place);
        match self.last[step] {
            NONE => self.first[step] = new,
            last => self.next[last as usize] = new,
        }
        self.last[step] = new;
    }

    /// The arrivals at the start of a step.
    pub fn at(&self, step: usize) -> impl Iterator<Item = Due> + '_ {
        let mut next = self.first_at(step);
        std::iter::from_fn(move || {
            let (due, after) = self.take(next)?;
            next = after;
            Some(due)
        })
    }

    /// The first of the arrivals at the start of a step.
    pub fn first_at(&self, step: usize) -> Next {
        Next(self.first[step])
    }

    /// An arrival, and the one after it.
    pub fn take(&self, Next(entry): Next) -> Option<(Due, Next)> {
        let entry = (entry != NONE).then_some(entry as usize)?;
        let place = self.place[entry];
        let due = Due {
            spike: self.spike[entry] as usize,
            place: (place != NONE).then_some(place as usize),
        };
        Some((due, Next(self.next[entry])))
    }
}

/// Place of the next arrival of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Next(u32);

impl Next {
    /// True behind the last one.
    pub fn is_none(self) -> bool {
        self.0 == NONE
    }
}

impl Due {
    /// The synapses over which it arrives from a source.
    pub fn synapses(
        self,
        synapses: &Synapses,
        source: usize,
    ) -> impl Iterator<Item = Synapse> + '_ {
        let one = self.place.map(|place| synapses.at(source, place));
        let all = self.place.is_none().then(|| synapses.of(source));
        one.into_iter().chain(all.into_iter().flatten())
    }
}
