//! What arrives at a component, in order of time, read off the tapes of its sources.
//!
//! Every projection has one delay and every tape is sorted, so a position per projection is all the
//! book-keeping there is: no queue, and nothing to merge. The tape of a source inside the component
//! may grow while it is read.

use super::schedule::Line;
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

/// When a spike arrives.
#[inline(always)]
fn arrival_ms(line: &Line, spikes: &Spikes<f64, f64>, spike: usize) -> f64 {
    spikes.when[spike] + line.delay_ms
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

/// Positions on the tapes, moving backward in time: the twin of [`Arriving`].
#[derive(Debug, Default)]
pub(super) struct Receding {
    left: Vec<usize>,
}

impl Receding {
    /// Begins at the end of the trial; what arrives at `end` or later never did.
    pub fn start(&mut self, lines: &[Line], tape: &Tape<f64, f64>, end: f64) {
        self.left.clear();
        self.left.extend(lines.iter().map(|line| {
            let spikes = &tape.populations[line.source];
            let mut left = spikes.len();
            while left > 0 && arrival_ms(line, spikes, left - 1) >= end {
                left -= 1;
            }
            left
        }));
    }

    /// Time of the latest arrival left; minus infinity when there is none.
    #[inline]
    pub fn latest_ms(&self, lines: &[Line], tape: &Tape<f64, f64>) -> f64 {
        let mut latest = f64::NEG_INFINITY;
        for (line, &left) in lines.iter().zip(&self.left) {
            if left > 0 {
                let spikes = &tape.populations[line.source];
                latest = latest.max(arrival_ms(line, spikes, left - 1));
            }
        }
        latest
    }

    /// Hands back what arrived at `now`, in the reverse order of its delivery.
    #[inline]
    pub fn collect(
        &mut self,
        lines: &[Line],
        tape: &Tape<f64, f64>,
        now: f64,
        mut receive: impl FnMut(Arrival),
    ) {
        for (index, (line, left)) in lines.iter().zip(&mut self.left).enumerate().rev() {
            let spikes = &tape.populations[line.source];
            while *left > 0 && arrival_ms(line, spikes, *left - 1) >= now {
                *left -= 1;
                receive(Arrival {
                    line: index,
                    spike: *left,
                    neuron: spikes.neuron[*left] as usize,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arriving, Receding};
    use crate::network::ProjectionId;
    use crate::solver::event::schedule::Line;
    use crate::tape::{Spikes, Tape};

    /// Two lines, one delayed; deliveries at equal times come by projection, then spike; backward the
    /// same ones come in exactly the reverse order, and what arrives at the end is left out.
    #[test]
    fn receding_is_arriving_reversed() {
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
            delay_ms,
        };
        let lines = [line(1.0), line(0.0)];
        let mut seen = Vec::new();
        let mut arriving = Arriving::default();
        arriving.start(&lines);
        loop {
            let now = arriving.next_ms(&lines, &tape);
            if now >= 5.0 {
                break;
            }
            arriving.deliver(&lines, &tape, now, |a| seen.push((now, a.line, a.spike)));
        }
        let expected = [(1.0, 1, 0), (2.0, 0, 0), (2.0, 1, 1), (2.0, 1, 2)];
        assert_eq!(seen[..4], expected);
        assert_eq!(seen[4..], [(3.0, 0, 1), (3.0, 0, 2), (4.0, 1, 3)]);
        let mut back = Vec::new();
        let mut receding = Receding::default();
        receding.start(&lines, &tape, 5.0);
        loop {
            let now = receding.latest_ms(&lines, &tape);
            if now < 0.0 {
                break;
            }
            receding.collect(&lines, &tape, now, |a| back.push((now, a.line, a.spike)));
        }
        back.reverse();
        assert_eq!(seen, back);
    }
}
