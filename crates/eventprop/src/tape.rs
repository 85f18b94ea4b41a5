//! The tape that the forward pass writes and the adjoint pass reads.
//!
//! Per spike: when, which neuron, the drive just before the reset and, where the threshold adapts, how
//! far it had risen; where neurons are refractory, the drive at the end of that. The tape grows with the spikes and nothing is ever dropped from it.

use crate::network::Clock;
use crate::real::Real;

/// The time of a spike as a solver keeps it: a step on the grid, milliseconds between events.
pub trait SpikeTime: Copy + Send + Sync + PartialOrd + std::fmt::Debug + 'static {
    /// True if times are steps of the clock.
    const IN_STEPS: bool;

    /// The time in ms from the start of the trial.
    fn ms(self, clock: Clock) -> f64;

    /// The most spikes that a neuron can have in a trial, where there is a limit.
    fn limit(clock: Clock) -> Option<usize>;
}

impl SpikeTime for u32 {
    const IN_STEPS: bool = true;

    fn ms(self, clock: Clock) -> f64 {
        clock.start_ms(self as usize)
    }

    /// One in every step.
    fn limit(clock: Clock) -> Option<usize> {
        Some(clock.steps())
    }
}

impl SpikeTime for f64 {
    const IN_STEPS: bool = false;

    fn ms(self, _clock: Clock) -> f64 {
        self
    }

    fn limit(_clock: Clock) -> Option<usize> {
        None
    }
}

/// The spikes of one population in one trial, sorted by time and, at equal times, by neuron (input
/// spikes that fall into one step keep the order of their times). The lists are parallel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spikes<T, F> {
    /// Times: step indices (grid) or ms (event).
    pub when: Vec<T>,
    /// Neurons.
    pub neuron: Vec<u32>,
    /// The drive just before the reset, J = I − V and, where the threshold adapts,
    /// J = I − V + B τ_mem/τ_B; empty for the input population.
    pub drive: Vec<F>,
    /// Rise of the threshold just before the spike, B; empty where it does not adapt.
    pub adaptation: Vec<F>,
    /// I − V_reset at the end of the refractory time, 0 where the trial ends before; on the grid, and empty where there is none.
    pub release: Vec<F>,
    /// The states in which spikes are taken, `[spike][variable]`: on the grid, of models from equations that are stepped exactly.
    pub state: Vec<F>,
    /// Amplitudes of input spikes; empty where all are 1.
    pub amplitude: Vec<F>,
}

impl<T, F> Spikes<T, F> {
    /// Number of spikes.
    pub fn len(&self) -> usize {
        self.neuron.len()
    }

    /// True if there is no spike.
    pub fn is_empty(&self) -> bool {
        self.neuron.is_empty()
    }

    /// Forgets all spikes, keeping the memory.
    pub fn clear(&mut self) {
        self.when.clear();
        self.neuron.clear();
        self.drive.clear();
        self.adaptation.clear();
        self.release.clear();
        self.state.clear();
        self.amplitude.clear();
    }
}

/// The spikes of one sample, one entry per population of the network (the input included: what was
/// really emitted, after dropout and binning).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tape<T, F> {
    /// Spikes per population.
    pub populations: Vec<Spikes<T, F>>,
}

impl<T, F: Real> Spikes<T, F> {
    /// The amplitude of a spike.
    #[inline(always)]
    pub fn amplitude_of(&self, spike: usize) -> F {
        self.amplitude.get(spike).copied().unwrap_or(F::ONE)
    }

    /// Sets ∂L/∂t of every spike to what the loss itself makes of it: 0 where it does not read the spikes.
    ///
    /// # Panics
    /// When there are not as many derivatives as spikes.
    pub(crate) fn start_backflow(&self, dl_dt: &[F], backflow: &mut Vec<F>) {
        backflow.clear();
        if dl_dt.is_empty() {
            backflow.resize(self.len(), F::ZERO);
        } else {
            assert_eq!(dl_dt.len(), self.len(), "one ∂L/∂t for every spike");
            backflow.extend_from_slice(dl_dt);
        }
    }
}

impl<T: SpikeTime, F: Real> Tape<T, F> {
    /// Number of spikes of each neuron of a population, `[size]`, added to `counts`.
    ///
    /// # Panics
    /// When `counts` is shorter than the population.
    pub fn add_counts(&self, population: usize, counts: &mut [u32]) {
        for &neuron in &self.populations[population].neuron {
            counts[neuron as usize] += 1;
        }
    }
}
