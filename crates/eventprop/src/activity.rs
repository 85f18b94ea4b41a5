//! Spike counts: of a batch, for the regularisers, and since the last reset, for the epoch line.

use crate::network::{Network, PopulationId};
use crate::regularize::{Regularizer, SpikeCounts};
use crate::solver::Trials;
use crate::tape::SpikeTime;

/// Spikes since the last reset, for the epoch line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activity {
    /// Samples seen.
    pub samples: u64,
    /// Spikes per population and neuron.
    pub spikes: Vec<Vec<u64>>,
    /// Spikes that only grazed the threshold, per population.
    pub grazing: Vec<u64>,
    /// Pairs of sample and neuron with more spikes than
    /// [`Session::spike_cap`](crate::train::Session::spike_cap), per population.
    pub over_cap: Vec<u64>,
}

impl Activity {
    /// Nothing seen yet.
    pub fn for_network(network: &Network) -> Self {
        let populations = network.populations();
        Self {
            samples: 0,
            spikes: populations.iter().map(|p| vec![0; p.size]).collect(),
            grazing: vec![0; populations.len()],
            over_cap: vec![0; populations.len()],
        }
    }

    /// Spikes per neuron and sample of a population.
    pub fn rate(&self, population: usize) -> f64 {
        let spikes = &self.spikes[population];
        let total: u64 = spikes.iter().sum();
        total as f64 / (spikes.len() as f64 * self.samples.max(1) as f64)
    }

    /// Neurons of a population that never spiked.
    pub fn silent(&self, population: usize) -> usize {
        self.spikes[population].iter().filter(|&&n| n == 0).count()
    }

    /// Adds a batch of `samples`.
    pub(crate) fn add(&mut self, batch: &Counts, samples: usize) {
        self.samples += samples as u64;
        for (index, spikes) in self.spikes.iter_mut().enumerate() {
            let totals = batch.totals_of(index, spikes.len());
            for (sum, &count) in spikes.iter_mut().zip(totals.spikes) {
                *sum += count;
            }
            self.grazing[index] += totals.grazing;
            self.over_cap[index] += totals.over_cap;
        }
    }
}

/// The spikes of one batch.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Spikes per population, `[sample, neuron]` of the samples of this rank where they are wanted one
    /// by one, else `[neuron]`.
    own: Vec<Vec<u32>>,
    /// Sums over the whole batch. Per population its neurons, its grazing spikes and its neurons over
    /// the cap; at the end the correct predictions. In one list, which ranks can add up at once.
    pub totals: Vec<u64>,
    /// The first entry of each population.
    starts: Vec<usize>,
}

/// Sums over the whole batch in one population.
struct Totals<'a> {
    spikes: &'a [u64],
    grazing: u64,
    over_cap: u64,
}

impl Counts {
    /// Counts the spikes of some trials; those of single samples are kept for the populations that have
    /// an active regulariser.
    pub fn count<L: Trials>(
        &mut self,
        network: &Network,
        trials: &L,
        regularizers: &[Regularizer],
        cap: Option<u32>,
    ) {
        let limit = L::Time::limit(network.clock()).unwrap_or(usize::MAX);
        let cap = cap.filter(|&cap| limit > cap as usize);
        let populations = network.populations();
        self.own.resize_with(populations.len(), Vec::new);
        self.totals.clear();
        self.starts.clear();
        for (index, population) in populations.iter().enumerate() {
            let (id, size) = (PopulationId(index), population.size);
            let regularized = regularizers.get(index).is_some_and(Regularizer::is_active);
            // PERF: sample by sample only where a sample matters.
            let singly = regularized || cap.is_some();
            let rows = if singly { trials.samples() } else { 1 };
            let own = &mut self.own[index];
            own.clear();
            own.resize(rows * size, 0);
            for sample in 0..trials.samples() {
                let row = if singly { sample } else { 0 };
                trials.add_counts(sample, id, &mut own[row * size..][..size]);
            }
            let start = self.totals.len();
            self.starts.push(start);
            self.totals.resize(start + size, 0);
            for row in own.chunks(size) {
                for (total, &count) in self.totals[start..].iter_mut().zip(row) {
                    *total += u64::from(count);
                }
            }
            let over_cap = cap.map_or(0, |cap| own.iter().filter(|&&n| n > cap).count());
            self.totals.push(trials.grazing(network, id) as u64);
            self.totals.push(over_cap as u64);
        }
    }

    /// The spikes of a population with an active regulariser, in a batch of `batch` samples.
    pub fn of(&self, population: PopulationId, size: usize, batch: usize) -> SpikeCounts<'_> {
        SpikeCounts {
            of_samples: &self.own[population.0],
            totals: self.totals_of(population.0, size).spikes,
            batch,
        }
    }

    fn totals_of(&self, population: usize, size: usize) -> Totals<'_> {
        let (spikes, rest) = self.totals[self.starts[population]..].split_at(size);
        Totals {
            spikes,
            grazing: rest[0],
            over_cap: rest[1],
        }
    }
}
