//! Arrivals at a component, in order of time, read off the tapes of its sources.
//!
//! A projection with one delay hands on the spikes of its source in the order of the tape, which is
//! sorted, so a position is all the book-keeping there is: no queue, and nothing to merge. Delays by source, target or
//! synapse overtake each other: such spikes are in flight, the one that arrives next on top of a heap, and a spike
//! that lands goes on to the next of its synapses. The tape of a source inside the component may grow while it is read.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::schedule::Line;
use crate::connect::{By, Lags, Synapse, Synapses};
use crate::tape::{Spikes, Tape};

/// One arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::solver) struct Arrival {
    /// Index of the line in its component.
    pub line: usize,
    /// Index of the spike on the tape of the line's source.
    pub spike: usize,
    /// The neuron that sent it.
    pub neuron: usize,
    /// Place of the synapse among those of the neuron; [`Arrival::WHOLE`] where the spike arrives over all of them.
    pub place: u32,
}

impl Arrival {
    /// All synapses of a neuron.
    pub const WHOLE: u32 = u32::MAX;

    /// The only synapse; none where the spike arrives over all of them.
    #[inline(always)]
    pub fn synapse(self, synapses: &Synapses) -> Option<Synapse> {
        (self.place != Self::WHOLE).then(|| synapses.at(self.neuron, self.place as usize))
    }
}

/// The times in ms between the spikes of a line and their arrivals.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::solver) enum Way {
    /// The same for all spikes.
    InOrder(f64),
    /// The same for all synapses of a source.
    BySource(Vec<f64>),
    /// Per source, the time and the place of every synapse, by time.
    Apart(Vec<Vec<(f64, u32)>>),
}

impl Way {
    /// The way over the synapses of a line.
    pub fn new(synapses: &Synapses, lags: Lags<f64>) -> Self {
        let by = match &lags {
            Lags::Same(_) => By::Projection,
            Lags::Each { by, .. } => *by,
        };
        match lags {
            Lags::Same(lag) => Self::InOrder(lag),
            Lags::Each { values, .. } if by == By::Projection => Self::InOrder(values[0]),
            Lags::Each { values, .. } if synapses.share_by_source(by) => Self::BySource(values),
            Lags::Each { .. } => {
                let of = |source| {
                    let each = synapses.of(source).map(|synapse| lags.of(synapse));
                    let mut row: Vec<(f64, u32)> = each.zip(0..).collect();
                    row.sort_by(|a, b| a.0.total_cmp(&b.0));
                    row
                };
                Self::Apart((0..synapses.sources()).map(of).collect())
            }
        }
    }

    /// Time and place of an arrival of a spike: the first is number 0.
    #[inline(always)]
    fn arrival(&self, source: usize, number: usize) -> Option<(f64, u32)> {
        let whole = |lag| (number == 0).then_some((lag, Arrival::WHOLE));
        match self {
            Self::InOrder(lag) => whole(*lag),
            Self::BySource(lags) => whole(lags[source]),
            Self::Apart(rows) => rows[source].get(number).copied(),
        }
    }
}

/// A spike in flight: the next of its arrivals.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Flight {
    time_ms: f64,
    spike: usize,
    /// Number of the arrival among those of the spike.
    number: usize,
}

impl Eq for Flight {}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Flight {
    /// The earliest is the greatest; at equal times the first spike.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = other.time_ms.total_cmp(&self.time_ms);
        by_time.then_with(|| (other.spike, other.number).cmp(&(self.spike, self.number)))
    }
}

/// Positions on the tapes, moving forward in time.
#[derive(Debug, Default)]
pub(in crate::solver) struct Arriving {
    next: Vec<usize>,
    /// Spikes in flight per line; none where they keep their order.
    flights: Vec<BinaryHeap<Flight>>,
}

impl Arriving {
    /// Begins at the start of the trial.
    pub fn start(&mut self, lines: &[Line]) {
        self.next.clear();
        self.next.resize(lines.len(), 0);
        self.flights.resize_with(lines.len(), BinaryHeap::new);
        self.flights.iter_mut().for_each(BinaryHeap::clear);
    }

    /// Time of the next arrival; infinity when there is none (yet).
    #[inline]
    pub fn next_ms(&mut self, lines: &[Line], tape: &Tape<f64, f64>) -> f64 {
        let mut earliest = f64::INFINITY;
        let each = lines.iter().zip(&mut self.next).zip(&mut self.flights);
        for ((line, next), flights) in each {
            let spikes = &tape.populations[line.source];
            if let Way::InOrder(lag) = line.way {
                if *next < spikes.len() {
                    earliest = earliest.min(spikes.when[*next] + lag);
                }
                continue;
            }
            take_off(line, spikes, next, flights);
            if let Some(flight) = flights.peek() {
                earliest = earliest.min(flight.time_ms);
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
        let each = lines.iter().zip(&mut self.next).zip(&mut self.flights);
        for (index, ((line, next), flights)) in each.enumerate() {
            let spikes = &tape.populations[line.source];
            let arrival = |spike: usize, place| Arrival {
                line: index,
                spike,
                neuron: spikes.neuron[spike] as usize,
                place,
            };
            if let Way::InOrder(lag) = line.way {
                while *next < spikes.len() && spikes.when[*next] + lag <= now {
                    receive(arrival(*next, Arrival::WHOLE));
                    *next += 1;
                }
                continue;
            }
            take_off(line, spikes, next, flights);
            while let Some(flight) = flights.peek().copied().filter(|f| f.time_ms <= now) {
                flights.pop();
                let Flight { spike, number, .. } = flight;
                let source = spikes.neuron[spike] as usize;
                let (_, place) = line.way.arrival(source, number).expect("it is in flight");
                receive(arrival(spike, place));
                flights.extend(flight_of(line, spikes, spike, number + 1));
            }
        }
    }
}

/// Lets the spikes that are new on a tape take off.
fn take_off(
    line: &Line,
    spikes: &Spikes<f64, f64>,
    next: &mut usize,
    flights: &mut BinaryHeap<Flight>,
) {
    while *next < spikes.len() {
        flights.extend(flight_of(line, spikes, *next, 0));
        *next += 1;
    }
}

/// A spike on its way to an arrival.
fn flight_of(
    line: &Line,
    spikes: &Spikes<f64, f64>,
    spike: usize,
    number: usize,
) -> Option<Flight> {
    let (lag, _) = line.way.arrival(spikes.neuron[spike] as usize, number)?;
    Some(Flight {
        time_ms: spikes.when[spike] + lag,
        spike,
        number,
    })
}

/// Everything that arrives at a component, where all of it is known: in the forward pass, for a component
/// that does not hear itself; in the adjoint pass always.
#[derive(Debug, Default)]
pub(in crate::solver) struct Timetable {
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
            let arrival = |spike: usize, (lag, place)| {
                let arrival = Arrival {
                    line: index,
                    spike,
                    neuron: spikes.neuron[spike] as usize,
                    place,
                };
                (spikes.when[spike] + lag, arrival)
            };
            let before_end = |(time_ms, _): &(f64, Arrival)| *time_ms < end;
            if let Way::InOrder(lag) = line.way {
                let whole = |spike| arrival(spike, (lag, Arrival::WHOLE));
                let each = (0..spikes.len()).map(whole);
                self.arrivals.extend(each.take_while(before_end));
                continue;
            }
            for spike in 0..spikes.len() {
                let way = |number| line.way.arrival(spikes.neuron[spike] as usize, number);
                let each = (0..).map_while(way).map(|way| arrival(spike, way));
                self.arrivals.extend(each.take_while(before_end));
            }
        }
        let in_order = |line: &Line| matches!(line.way, Way::InOrder(_));
        if lines.len() > 1 || !lines.iter().all(in_order) {
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
    use super::{Arrival, Arriving, Timetable, Way};
    use crate::connect::{By, Lags, Wiring};
    use crate::network::ProjectionId;
    use crate::solver::event::schedule::Line;
    use crate::tape::{Spikes, Tape};

    fn line(lags: Lags<f64>, targets: usize) -> Line {
        let synapses = Wiring::Dense.between(4, targets).unwrap();
        Line {
            projection: ProjectionId(0),
            source: 0,
            target: 1,
            way: Way::new(&synapses, lags),
            synapses,
            trained: None,
        }
    }

    /// Spikes overtake each other, as wholes and synapse by synapse; the timetable and the flights agree.
    #[test]
    fn what_overtakes_arrives_in_order() {
        let spikes = Spikes {
            when: vec![1.0, 2.0, 2.0],
            neuron: vec![0, 1, 2],
            ..Spikes::default()
        };
        let tape = Tape {
            populations: vec![spikes],
        };
        let each = |by, values: &[f64]| Lags::Each {
            by,
            values: values.to_vec(),
        };
        let by_source = each(By::Source, &[4.0, 0.5, 0.0, 0.0]);
        let by_synapse = each(By::Synapse, &[3.0, 0.0, 9.0, 1.0, 2.0, 2.0, 0.0, 0.0]);
        let whole = Arrival::WHOLE;
        for (lags, expected) in [
            (by_source, vec![(2, whole), (1, whole), (0, whole)]),
            (by_synapse, vec![(0, 1), (1, 1), (0, 0), (2, 0), (2, 1)]),
        ] {
            let lines = [line(lags, 2)];
            let mut timetable = Timetable::default();
            timetable.fill(&lines, &tape, 6.0);
            let stops = 1..timetable.stops_ms.len();
            let listed = stops.flat_map(|stop| timetable.at(stop).collect::<Vec<_>>());
            let listed: Vec<_> = listed.map(|a| (a.spike, a.place)).collect();
            assert_eq!(listed, expected);
            let (mut arriving, mut flown) = (Arriving::default(), Vec::new());
            arriving.start(&lines);
            loop {
                let now = arriving.next_ms(&lines, &tape);
                if now >= 6.0 {
                    break;
                }
                arriving.deliver(&lines, &tape, now, |a| flown.push((a.spike, a.place)));
            }
            assert_eq!(flown, expected);
        }
    }

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
        let lines = [line(Lags::Same(1.0), 1), line(Lags::Same(0.0), 1)];
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
