//! Results of the forward pass over a batch, read sample by sample.
//!
//! Losses, regularisers, records and reports read [`Trials`] through its methods only. So a solver may keep
//! spikes and voltages where it computed them: one in host memory hands out what it has
//! ([`HostTrials`]), one on a device copies what it is asked for, which in training are counts and
//! readouts and no tapes.

use std::borrow::Cow;
use std::fmt::Debug;

use crate::network::{Network, PopulationId};
use crate::readout::Readout;
use crate::real::Real;
use crate::tape::{SpikeTime, Tape};

use super::grazing_spikes;

/// The trials of a batch after the forward pass, one per sample. Reused from batch to batch.
pub trait Trials: Default + Debug + Send + Sync {
    /// Type of spike times.
    type Time: SpikeTime;
    /// Number type of voltages and drives.
    type Real: Real;

    /// Number of samples.
    fn samples(&self) -> usize;

    /// The spikes of a sample.
    ///
    /// # Panics
    /// When there is no such sample; likewise below.
    fn tape(&self, sample: usize) -> Cow<'_, Tape<Self::Time, Self::Real>>;

    /// Readout of the output population of a sample.
    fn readout(&self, sample: usize) -> Cow<'_, Readout<Self::Real>>;

    /// Adds the number of spikes of each neuron of a population in one sample to `counts`, `[size]`.
    fn add_counts(&self, sample: usize, population: PopulationId, counts: &mut [u32]);

    /// Number of spikes of a population, in all samples, that only grazed their threshold
    /// ([`GRAZING_SHARE`](super::GRAZING_SHARE)).
    fn grazing(&self, network: &Network, population: PopulationId) -> usize;
}

/// Trials in the memory of the host. A solver fills the two lists, one entry per sample of the batch.
#[derive(Debug, Clone)]
pub struct HostTrials<T, F> {
    /// Spikes of every population.
    pub tapes: Vec<Tape<T, F>>,
    /// Readouts of the output population.
    pub readouts: Vec<Readout<F>>,
}

impl<T, F> Default for HostTrials<T, F> {
    fn default() -> Self {
        Self {
            tapes: Vec::new(),
            readouts: Vec::new(),
        }
    }
}

impl<T: SpikeTime, F: Real> Trials for HostTrials<T, F> {
    type Time = T;
    type Real = F;

    fn samples(&self) -> usize {
        self.tapes.len()
    }

    fn tape(&self, sample: usize) -> Cow<'_, Tape<T, F>> {
        Cow::Borrowed(&self.tapes[sample])
    }

    fn readout(&self, sample: usize) -> Cow<'_, Readout<F>> {
        Cow::Borrowed(&self.readouts[sample])
    }

    fn add_counts(&self, sample: usize, population: PopulationId, counts: &mut [u32]) {
        self.tapes[sample].add_counts(population.0, counts);
    }

    fn grazing(&self, network: &Network, population: PopulationId) -> usize {
        let of = |tape: &Tape<T, F>| {
            grazing_spikes(
                network.population(population),
                &tape.populations[population.0],
            )
        };
        self.tapes.iter().map(of).sum()
    }
}
