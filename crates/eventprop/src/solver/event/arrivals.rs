//! Arrivals at a component, in order of time, read off the tapes of its sources.
//!
//! A projection with a constant delay hands on the spikes of its source in the order of the tape, which is
//! sorted, so a position per projection is all the book-keeping there is: no queue, and nothing to merge.
//! The tape of a source inside the component may grow while it is read. Delays that overtake each other
//! need an ordered queue beside the position, here and nowhere else.

use super::schedule::Line;
use crate::connect::Delay;
use crate::tape::{Spikes, Tape};

/// One arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Index of the line in its component.
    pub line: usize,
    /// Index of the spike on the tape of the line's source.
    pub spike: usize,
    /// The neuron that sent it.
    pub neuron: usize,
}

/// Arrival time of a spike.
#[inline(always)]
fn arrival_ms(line: &Line, spikes: &Spikes<f64, f64>, spike: usize) -> f64 {
    let Delay::Constant(delay_ms) = line.delay;
    spikes.when[spike] + delay_ms
}

/// Positions on the tapes, moving forward in time.
#[derive(Debug, Default)]
pub(super) struct Arriving {
    next: Vec<usize>,
}

impl Arriving {
    /// Begins at the start of the trial.
    pub fn start(&mut self, lines: &[Line]) {
        self.next.clear();
        self.next.resize(lines.len(), 0);
    }

    /// Time of the next arrival; infinity when there is none (yet).
    #[inline]
    pub fn next_ms(&self, lines: &[Line], tape: &Tape<f64, f64>) -> f64 {
        let mut earliest = f64::INFINITY;
        for (line, &next) in lines.iter().zip(&self.next) {
            let spikes = &tape.populations[line.source];
            if next < spikes.len() {
                earliest = earliest.min(arrival_ms(line, spikes, next));
            }
        }
        earliest
    }

    /// Hands over what arrives up to `now`, by (projection, spike of its source).
    #[inline]
    pub fn deliver(
        &mut self,
        lines: &[Line],
        tape: &Tape<f64, f64>,
        now: f64,
        mut receive: impl FnMut(Arrival),
    ) {
        for (index, (line, next)) in lines.iter().zip(&mut self.next).enumerate() {
            let spikes = &tape.populations[line.source];
            while *next < spikes.len() && arrival_ms(line, spikes, *next) <= now {
                receive(Arrival {
                    line: index,
                    spike: *next,
                    neuron: spikes.neuron[*next] as usize,
                });
                *next += 1;
            }
        }
    }
}

/// Everything that arrives at a component, where all of it is known: in the forward pass, for a component
/// that does not hear itself; in the adjoint pass always.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    /// The start of the trial, the times at which anything arrives, and the end.
    pub stops_ms: Vec<f64>,
    /// Time and arrival.
    arrivals: Vec<(f64, Arrival)>,
    /// Number of arrivals up to and at each stop.
    until: Vec<usize>,
}

impl Timetable {
    /// Lists what arrives before `end`; what arrives then or later never does.
    pub fn fill(&mut self, lines: &[Line], tape: &Tape<f64, f64>, end: f64) {
        self.arrivals.clear();
        for (index, line) in lines.iter().enumerate() {
            let spikes = &tape.populations[line.source];
            let each = (0..spikes.len()).map(|spike| {
                let arrival = Arrival {
                    line: index,
                    spike,
                    neuron: spikes.neuron[spike] as usize,
                };
                (arrival_ms(line, spikes, spike), arrival)
            });
            let before_end = |(time_ms, _): &(f64, Arrival)| *time_ms < end;
            self.arrivals.extend(each.take_while(before_end));
        }
        if lines.len() > 1 {
            // By time; at equal times by line, then spike, as they are listed.
            self.arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        self.stops_ms.clear();
        self.until.clear();
        let mut last = 0.0;
        for (place, (time_ms, _)) in self.arrivals.iter().enumerate() {
            if *time_ms != last || place == 0 {
                self.stops_ms.push(last);
                self.until.push(place);
                last = *time_ms;
            }
        }
        self.stops_ms.extend([last, end]);
        self.until.extend([self.arrivals.len(); 2]);
    }

    /// The arrivals at a stop, by (projection, spike of its source).
    #[inline(always)]
    pub fn at(&self, stop: usize) -> impl DoubleEndedIterator<Item = Arrival> {
        let arrivals = &self.arrivals[self.until[stop - 1]..self.until[stop]];
        arrivals.iter().map(|&(_, arrival)| arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::Timetable;
    use crate::connect::{Delay, Wiring};
    use crate::network::ProjectionId;
    use crate::solver::event::schedule::Line;
    use crate::tape::{Spikes, Tape};

    /// Two lines, one delayed; deliveries at equal times come by projection, then spike, and what arrives
    /// at the end is left out.
    #[test]
    fn a_timetable_is_in_order() {
        let spikes = Spikes {
            when: vec![1.0, 2.0, 2.0, 4.0],
            neuron: vec![3, 0, 1, 2],
            ..Spikes::default()
        };
        let tape = Tape {
            populations: vec![spikes],
        };
        let line = |delay_ms| Line {
            projection: ProjectionId(0),
            source: 0,
            target: 1,
            synapses: Wiring::Dense.between(4, 1).unwrap(),
            delay: Delay::Constant(delay_ms),
        };
        let lines = [line(1.0), line(0.0)];
        let mut timetable = Timetable::default();
        timetable.fill(&lines, &tape, 5.0);
        assert_eq!(timetable.stops_ms, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let at = |stop: usize| -> Vec<_> {
            let arrivals = timetable.at(stop);
            arrivals.map(|a| (a.line, a.spike, a.neuron)).collect()
        };
        assert_eq!(at(1), [(1, 0, 3)]);
        assert_eq!(at(2), [(0, 0, 3), (1, 1, 0), (1, 2, 1)]);
        assert_eq!(at(3), [(0, 1, 0), (0, 2, 1)]);
        assert_eq!(at(4), [(1, 3, 2)]);
        assert!(at(5).is_empty());
        timetable.fill(
            &lines,
            &Tape {
                populations: vec![Spikes::default()],
            },
            5.0,
        );
        assert_eq!(timetable.stops_ms, [0.0, 5.0]);
        assert_eq!(timetable.at(1).count(), 0);
    }
}
