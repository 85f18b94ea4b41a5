//! Readout of a leaky-integrator output: voltages at the nodes, or its exact maxima.

use std::sync::Arc;

use super::neurons::{Neurons, States};
use super::quadrature::Cut;
use crate::neuron::flow::State;
use crate::readout::{Nodes, Observe, Peak, Readout};

/// Pieces of the quadrature are no longer than this share of the trial.
const PIECE_OF_TRIAL: f64 = 1.0 / 16.0;

/// Fills the readout of one sample while its output population is being solved.
#[derive(Debug)]
pub(super) struct Observer<'a> {
    neurons: &'a Neurons,
    observe: Observe,
    /// Borders of the quadrature beside the arrivals at the outputs, ascending.
    borders_ms: &'a [f64],
    borders_passed: usize,
    nodes: Nodes,
    readout: &'a mut Readout<f64>,
    /// The reciprocal of the longest piece that time constants and trial allow.
    per_ms: f64,
}

impl<'a> Observer<'a> {
    /// Begins at the start of a trial of `trial_ms`.
    pub fn start(
        neurons: &'a Neurons,
        observe: Observe,
        borders_ms: &'a [f64],
        trial_ms: f64,
        readout: &'a mut Readout<f64>,
    ) -> Self {
        // The lists are taken out of their Arc, with their memory, if nobody else holds it.
        let shared = std::mem::take(&mut readout.nodes);
        let mut nodes = Arc::try_unwrap(shared).unwrap_or_default();
        nodes.times_ms.clear();
        nodes.widths_ms.clear();
        nodes.grid = false;
        match observe {
            Observe::Nothing | Observe::FirstSpikes | Observe::Voltage => {}
            Observe::Peaks => readout
                .peaks
                .extend(neurons.v_start[..neurons.size].iter().map(|&v| Peak {
                    voltage: v,
                    time_ms: 0.0,
                })),
        }
        Self {
            neurons,
            observe,
            borders_ms,
            borders_passed: 0,
            nodes,
            readout,
            per_ms: (1.0 / neurons.tau_min()).max(1.0 / (PIECE_OF_TRIAL * trial_ms)),
        }
    }

    /// Looks at the outputs over (from, to), in which nothing arrives at them, and moves `states`
    /// from the one time to the other.
    pub fn stretch(&mut self, from: f64, to: f64, states: &mut States) {
        match self.observe {
            Observe::Nothing | Observe::FirstSpikes => {
                self.neurons.flows(to - from).advance(states);
            }
            Observe::Peaks => self.find_peaks(from, to, states),
            Observe::Voltage => {
                let mut now = from;
                while let Some(border) = self.next_border(to) {
                    if border > now {
                        self.record(now, border, states);
                        now = border;
                    }
                }
                self.record(now, to, states);
            }
        }
    }

    /// Leaves the nodes with the readout.
    pub fn finish(self) {
        self.readout.nodes = Arc::new(self.nodes);
    }

    /// The next border before `to`.
    fn next_border(&mut self, to: f64) -> Option<f64> {
        let border = *self.borders_ms.get(self.borders_passed)?;
        if border >= to {
            return None;
        }
        self.borders_passed += 1;
        Some(border)
    }

    /// Voltages at the nodes of every piece of a smooth stretch.
    fn record(&mut self, from: f64, to: f64, states: &mut States) {
        let cut = Cut::new(to - from, self.per_ms.max(self.fastest(states)));
        let piece_flows = self.neurons.flows(cut.length_ms);
        for piece in 0..cut.pieces {
            let start = from + piece as f64 * cut.length_ms;
            for (t, width) in cut.nodes() {
                self.nodes.times_ms.push((start + t).min(to));
                self.nodes.widths_ms.push(width);
                let flows = self.neurons.flows(t);
                let voltage = |n: usize| states.of(n).after(&flows.of(n)).v;
                self.readout
                    .voltage
                    .extend((0..self.neurons.size).map(voltage));
            }
            if piece + 1 < cut.pieces {
                piece_flows.advance(states);
            } else {
                self.neurons.flows(to - start).advance(states);
            }
        }
    }

    /// max_j (|I_j| + |V_j|)/τ_mem,j: a bound on every slope from here to the next arrival.
    fn fastest(&self, states: &States) -> f64 {
        let slope = |n: usize| {
            let State { v, i } = states.of(n);
            (v.abs() + i.abs()) / self.neurons.membrane(n).tau_mem
        };
        (0..self.neurons.size).map(slope).fold(0.0, f64::max)
    }

    /// The maxima over a smooth stretch. V has at most one stationary point there: a maximum exactly
    /// when it rises at the start and falls at the end, at the time `[F7]`.
    fn find_peaks(&mut self, from: f64, to: f64, states: &mut States) {
        let flows = self.neurons.flows(to - from);
        for (n, peak) in self.readout.peaks.iter_mut().enumerate() {
            let start = states.of(n);
            let end = start.after(&flows.of(n));
            let membrane = self.neurons.membrane(n);
            let inside = (start.i > start.v && end.i < end.v)
                .then(|| membrane.peak_time(start))
                .flatten()
                .filter(|&s| s < to - from);
            let (s, voltage) = match inside {
                Some(s) => (s, start.after(&membrane.flow(s)).v.max(end.v)),
                None => (to - from, end.v),
            };
            if voltage > peak.voltage {
                let time_ms = if inside.is_some() {
                    (from + s).min(to)
                } else {
                    to
                };
                *peak = Peak { voltage, time_ms };
            }
            states.set(n, end);
        }
    }
}
