//! Observations of a solver for a loss, and the seeds that a loss gives back.
//!
//! A loss sees the output population of one sample through a [`Readout`] and answers with a
//! [`Seed`]. Voltages are given at *nodes*: times t_q with widths ω_q such that Σ_q ω_q f(t_q) is
//! ∫ f dt over the trial. On the grid the nodes are the starts of the steps, with width dt, as in the
//! reference; between events they are Gauss–Legendre points of every smooth piece, exact to rounding
//! for the smooth functions that occur here. So a loss is written once for both.

use std::sync::Arc;

use crate::network::PopulationId;
use crate::real::Real;

/// Observation of the output population that a loss needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observe {
    /// Nothing: the loss reads spikes, or voltages of populations that it names.
    Nothing,
    /// Times of the first spikes.
    FirstSpikes,
    /// Voltages at the nodes.
    Voltage,
    /// The maximum of every voltage.
    Peaks,
}

/// Times and widths at which voltages are given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Nodes {
    /// Times t_q in ms, ascending.
    pub times_ms: Vec<f64>,
    /// Widths ω_q in ms.
    pub widths_ms: Vec<f64>,
    /// True if the nodes are the starts of the steps of a grid.
    pub grid: bool,
}

/// The maximum of a voltage over a trial and where it was reached first.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Peak<F> {
    /// The voltage.
    pub voltage: F,
    /// The time in ms.
    pub time_ms: f64,
}

/// The output population of one sample, as far as it was observed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readout<F> {
    /// Nodes of the voltages.
    pub nodes: Arc<Nodes>,
    /// Voltages, `[nodes (+ 1 on the grid), outputs]`, row-major. On the grid row k is the voltage at
    /// the start of step k and row k + 1 the one at its end.
    pub voltage: Vec<F>,
    /// Maxima per output.
    pub peaks: Vec<Peak<F>>,
    /// Time in ms of the first spike per output; infinity where there is none.
    pub first_spikes_ms: Vec<f64>,
    /// Times in ms of the input spikes as emitted (filled with the voltages).
    pub input_ms: Vec<f64>,
    /// Voltages of the populations that were asked for, in that order.
    pub voltages: Vec<Voltages<F>>,
}

/// The voltages of a population in one sample.
///
/// Of a population without a threshold the event solver shows them at quadrature points, some in every step
/// of the clock, of one that spikes at the starts of the steps, as the grid does.
#[derive(Debug, Clone, PartialEq)]
pub struct Voltages<F> {
    /// The population.
    pub population: PopulationId,
    /// Times and widths of the rows.
    pub nodes: Arc<Nodes>,
    /// Voltages, `[rows, size]`, row-major: a row per node and, where the nodes are the starts of steps,
    /// one more, the end of the trial.
    pub values: Vec<F>,
}

impl<F> Voltages<F> {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.nodes.times_ms.len() + usize::from(self.nodes.grid)
    }
}

impl<F: Real> Readout<F> {
    /// Voltages `[outputs]` at the start of node `q`.
    pub fn at_start(&self, q: usize, outputs: usize) -> &[F] {
        &self.voltage[q * outputs..(q + 1) * outputs]
    }

    /// Voltages `[outputs]` at the end of node `q`: one step later on the grid, the same between
    /// events.
    pub fn at_end(&self, q: usize, outputs: usize) -> &[F] {
        self.at_start(q + usize::from(self.nodes.grid), outputs)
    }
}

/// Driving terms of the adjoint system of one sample. Every part may be empty. Signs are those of λ: a
/// positive value says that a higher voltage lowers the loss.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seed<F> {
    /// The driving term A = −∂l/∂V, `[nodes, outputs]`, where the loss is ∫ l dt.
    pub voltage: Vec<F>,
    /// −∂L/∂V_max per output; λ_V jumps by this over tau_mem at the peak.
    pub peaks: Vec<F>,
    /// ∂L/∂t of the first spike per output; λ_V jumps by this over the drive there.
    pub first_spikes: Vec<F>,
    /// Push on silent outputs per output: λ_V jumps by this at the end of the trial. Not part of a
    /// gradient.
    pub silent: Vec<F>,
    /// What the loss makes of each population, by index; empty, or one entry for every population.
    pub pulls: Vec<Pull<F>>,
}

/// Derivatives of a loss by what one population shows, in their plain sign. Either part may be empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pull<F> {
    /// ∂L/∂V, in the shape of [`Voltages::values`] of the population; λ_V jumps at each row (`[A5]`).
    pub dl_dv: Vec<F>,
    /// ∂L/∂t of every spike, parallel to the spikes of the tape, in 1/ms (`[A3]`).
    pub dl_dt: Vec<F>,
}

impl<F> Seed<F> {
    /// Empties all parts, keeping the memory.
    pub fn clear(&mut self) {
        self.voltage.clear();
        self.peaks.clear();
        self.first_spikes.clear();
        self.silent.clear();
        for pull in &mut self.pulls {
            pull.dl_dv.clear();
            pull.dl_dt.clear();
        }
    }

    /// The pulls of a network of `populations`, to be filled.
    pub fn pulls_mut(&mut self, populations: usize) -> &mut [Pull<F>] {
        self.pulls.resize_with(populations, || Pull {
            dl_dv: Vec::new(),
            dl_dt: Vec::new(),
        });
        &mut self.pulls
    }

    /// ∂L/∂V of a population; empty where the loss does not read it.
    pub(crate) fn dl_dv(&self, population: usize) -> &[F] {
        self.pulls.get(population).map_or(&[], |pull| &pull.dl_dv)
    }

    /// ∂L/∂t of the spikes of a population; empty where the loss does not read them.
    pub(crate) fn dl_dt(&self, population: usize) -> &[F] {
        self.pulls.get(population).map_or(&[], |pull| &pull.dl_dt)
    }
}
