//! A batch on its way to a card and back: input spikes by step, the tape, spikes by source, seeds.

use eventprop::network::{Clock, Model, Network, ProjectionId};
use eventprop::params::Params;
use eventprop::readout::Seed;
use eventprop::solver::Drive;
use eventprop::solver::kink::{self, Search};
use eventprop::spikes::SpikeTrain;
use eventprop::tape::{Spikes, Tape};

use super::layout::Layout;

/// Numbers of a spike on the tape of a card: neuron, J, B.
pub const ENTRY: usize = 3;

/// A maximum of an output on the card.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PeakFound {
    pub step: u32,
    /// I − V before anything arrives in that step.
    pub drive_before: f32,
}

/// Spikes of a batch, by sample and step.
#[derive(Debug, Default)]
pub struct Spiked {
    /// Per sample, where those of each step begin and where the last ones end, `[sample, steps + 1]`.
    pub firsts: Vec<u32>,
    /// Neurons: inputs, or places in the row of all others.
    pub neurons: Vec<u32>,
}

impl Spiked {
    fn at(&self, sample: usize, step: usize, steps: usize) -> &[u32] {
        let first = sample * (steps + 1) + step;
        &self.neurons[self.firsts[first] as usize..self.firsts[first + 1] as usize]
    }

    /// Takes over the input of a batch.
    pub fn take_inputs(&mut self, trains: &[SpikeTrain], clock: Clock) {
        self.firsts.clear();
        self.neurons.clear();
        for train in trains {
            let mut steps = 0;
            for (step, neuron) in train.on_grid(clock) {
                while steps <= step as usize {
                    self.firsts.push(self.neurons.len() as u32);
                    steps += 1;
                }
                self.neurons.push(neuron);
            }
            while steps <= clock.steps() {
                self.firsts.push(self.neurons.len() as u32);
                steps += 1;
            }
        }
    }

    /// The lists in the form of `forward.wgsl`: where steps begin, counted from the start of all, and the neurons.
    pub fn pack(&self, into: &mut Vec<u32>) {
        let head = self.firsts.len() as u32;
        into.clear();
        into.extend(self.firsts.iter().map(|first| first + head));
        into.extend_from_slice(&self.neurons);
    }
}

/// Spikes of all sources in the form of `gather.wgsl`: from the last step to the first, sample by sample.
#[derive(Debug, Default)]
pub struct BySource {
    counts: Vec<u32>,
    pub packed: Vec<u32>,
}

impl BySource {
    /// Sorts the spikes of a batch of `samples`, inputs and others.
    pub fn fill(&mut self, layout: &Layout, samples: usize, [inputs, others]: [&Spiked; 2]) {
        let sources = layout.inputs + layout.neurons;
        let parts = [(inputs, 0), (others, layout.inputs)];
        self.counts.clear();
        self.counts.resize(sources + 1, 0);
        for (part, before) in parts {
            for &neuron in &part.neurons {
                self.counts[before + neuron as usize + 1] += 1;
            }
        }
        // Pairs begin behind the heads, at an even place.
        let head = (sources + 1).next_multiple_of(2);
        self.counts[0] = head as u32 / 2;
        for source in 0..sources {
            self.counts[source + 1] += self.counts[source];
        }
        self.packed.clear();
        self.packed.extend_from_slice(&self.counts);
        self.packed.resize(2 * self.counts[sources] as usize, 0);
        for step in (0..layout.steps).rev() {
            for sample in 0..samples {
                for (part, before) in parts {
                    for &neuron in part.at(sample, step, layout.steps) {
                        let next = &mut self.counts[before + neuron as usize];
                        let place = 2 * *next as usize;
                        self.packed[place] = step as u32;
                        self.packed[place + 1] = sample as u32;
                        *next += 1;
                    }
                }
            }
        }
    }
}

/// Puts the entries of one sample, whose steps begin at `firsts`, on the tape of its populations.
pub fn write_tape(
    layout: &Layout,
    network: &Network,
    firsts: &[u32],
    entries: &[u32],
    tape: &mut Tape<u32, f32>,
) {
    let sizes = network.populations().iter().map(|p| p.size);
    let ends: Vec<usize> = layout
        .first
        .iter()
        .zip(sizes)
        .map(|(first, size)| first + size)
        .collect();
    for (step, bounds) in firsts.windows(2).enumerate() {
        let [begin, end] = [bounds[0], bounds[1]].map(|place| place as usize * ENTRY);
        let mut population = 0;
        for entry in entries[begin..end].chunks_exact(ENTRY) {
            let neuron = entry[0] as usize;
            while population == layout.input || neuron >= ends[population] {
                population += 1;
            }
            let spikes = &mut tape.populations[population];
            spikes.when.push(step as u32);
            spikes
                .neuron
                .push((neuron - layout.first[population]) as u32);
            spikes.drive.push(f32::from_bits(entry[1]));
            if matches!(network.populations()[population].model, Model::Alif(_)) {
                spikes.adaptation.push(f32::from_bits(entry[2]));
            }
        }
    }
}

/// Writes the spikes of the input as they arrive at the card onto a tape.
pub fn write_input(train: &SpikeTrain, clock: Clock, spikes: &mut Spikes<u32, f32>) {
    for (step, neuron) in train.on_grid(clock) {
        spikes.when.push(step);
        spikes.neuron.push(neuron);
    }
}

/// Seeds of a batch in the form of `adjoint.wgsl`.
#[derive(Debug, Default)]
pub struct Seeds {
    pub packed: Vec<f32>,
    /// Parts that are there.
    pub parts: u32,
}

/// A batch whose seeds are packed.
pub struct Seeding<'a> {
    pub layout: &'a Layout,
    pub network: &'a Network,
    pub params: &'a Params<f32>,
    pub tapes: &'a [Tape<u32, f32>],
    /// Per sample and output.
    pub peaks: &'a [PeakFound],
    /// Spikes of a sample that the tape of the card has room for.
    pub capacity: usize,
    /// Per sample and step, the first place on the tape, and the neurons there.
    pub spiked: &'a Spiked,
}

impl Seeds {
    /// Packs the driving terms of a batch.
    pub fn fill(&mut self, of: &Seeding<'_>, drive: Drive<'_, f32>) {
        let Layout {
            outputs,
            steps,
            neurons,
            ..
        } = *of.layout;
        let seeds = drive.seeds;
        self.packed.clear();
        self.parts = 0;
        self.part(1, seeds, steps * outputs, |seed| &seed.voltage);
        if seeds.iter().any(|seed| !seed.peaks.is_empty()) {
            self.parts |= 2;
            for (sample, seed) in seeds.iter().enumerate() {
                for output in 0..outputs {
                    let step = of.peaks[sample * outputs + output].step;
                    let value = seed.peaks.get(output).copied().unwrap_or(0.0);
                    self.packed.extend([value, f32::from_bits(step)]);
                }
            }
        }
        self.part(4, seeds, outputs, |seed| &seed.silent);
        if drive.spike_jumps.iter().any(|jumps| !jumps.is_empty()) {
            self.parts |= 8;
            let at = self.packed.len();
            self.packed.resize(at + seeds.len() * neurons, 0.0);
            let jumps = drive.spike_jumps.iter().enumerate();
            for (population, jumps) in jumps.filter(|(p, _)| *p != of.layout.input) {
                let size = of.network.populations()[population].size;
                for (sample, jumps) in jumps.chunks_exact(size).enumerate() {
                    let first = at + sample * neurons + of.layout.first[population];
                    self.packed[first..first + size].copy_from_slice(jumps);
                }
            }
        }
        if seeds.iter().any(pulls_spikes) {
            self.parts |= 16;
            let at = self.packed.len();
            self.packed.resize(at + seeds.len() * of.capacity, 0.0);
            for (sample, seed) in seeds.iter().enumerate() {
                let first = at + sample * of.capacity;
                let pulls = &mut self.packed[first..first + of.capacity];
                of.pull(sample, seed, pulls);
            }
        }
    }

    /// One part, with zeros for samples that have none.
    fn part(
        &mut self,
        bit: u32,
        seeds: &[Seed<f32>],
        len: usize,
        of: impl Fn(&Seed<f32>) -> &Vec<f32>,
    ) {
        if seeds.iter().all(|seed| of(seed).is_empty()) {
            return;
        }
        self.parts |= bit;
        for seed in seeds {
            let end = self.packed.len() + len;
            self.packed.extend_from_slice(of(seed));
            self.packed.resize(end, 0.0);
        }
    }
}

/// True if a loss reads times of spikes, or peaks, which may move with a spike.
fn pulls_spikes(seed: &Seed<f32>) -> bool {
    let reads_spikes = seed.pulls.iter().any(|pull| !pull.dl_dt.is_empty());
    reads_spikes || !seed.first_spikes.is_empty() || !seed.peaks.is_empty()
}

impl Seeding<'_> {
    /// Adds ∂L/∂t of the spikes of a sample, by their places.
    fn pull(&self, sample: usize, seed: &Seed<f32>, pulls: &mut [f32]) {
        for (population, pull) in seed.pulls.iter().enumerate() {
            for (spike, dl_dt) in pull.dl_dt.iter().enumerate() {
                if population != self.layout.input {
                    pulls[self.place(sample, population, spike)] += dl_dt;
                }
            }
        }
        let output = self.layout.output;
        let spikes = &self.tapes[sample].populations[output];
        for (j, by_time) in seed.first_spikes.iter().enumerate() {
            let first = spikes.neuron.iter().position(|&n| n as usize == j);
            if let Some(spike) = first {
                pulls[self.place(sample, output, spike)] += by_time;
            }
        }
        for (j, by_peak) in seed.peaks.iter().enumerate() {
            self.correct_kink(sample, j, *by_peak, pulls);
        }
    }

    /// The place of a spike of a population on the tape of the card.
    fn place(&self, sample: usize, population: usize, spike: usize) -> usize {
        let spikes = &self.tapes[sample].populations[population];
        let (step, neuron) = (spikes.when[spike] as usize, spikes.neuron[spike] as usize);
        let neuron = (self.layout.first[population] + neuron) as u32;
        let steps = self.layout.steps;
        let firsts = &self.spiked.firsts[sample * (steps + 1)..];
        let here = self.spiked.at(sample, step, steps);
        let within = here
            .binary_search(&neuron)
            .expect("both tapes have the same spikes");
        (firsts[step] - firsts[0]) as usize + within
    }

    /// `[A6]` What the spikes that arrive at a peak get in R.
    fn correct_kink(&self, sample: usize, j: usize, seed: f32, pulls: &mut [f32]) {
        let peak = self.peaks[sample * self.layout.outputs + j];
        let mut search = Search::from_drive(peak.drive_before);
        for id in self.to_output() {
            for (spike, w) in self.arrivals_at(sample, id, peak.step, j) {
                search.pass((id.0, spike), w);
            }
        }
        let Some(carrier) = search.carrier() else {
            return;
        };
        let output = self.network.population(self.network.output());
        let (tau_mem, _) = output
            .time_constants()
            .expect("outputs have time constants");
        let tau_mem = tau_mem.of(j) as f32;
        for id in self.to_output() {
            let source = self.network.projection(id).source.0;
            if source == self.layout.input {
                continue;
            }
            for (spike, w) in self.arrivals_at(sample, id, peak.step, j) {
                let pull = &mut pulls[self.place(sample, source, spike)];
                if (id.0, spike) >= carrier.arrival {
                    *pull -= kink::backflow(seed, w, tau_mem);
                }
                if (id.0, spike) == carrier.arrival {
                    *pull -= kink::backflow(seed, carrier.drive, tau_mem);
                }
            }
        }
    }

    fn to_output(&self) -> impl Iterator<Item = ProjectionId> {
        let projections = self.network.projections().iter().enumerate();
        let output = self.network.output();
        projections
            .filter(move |(_, projection)| projection.target == output)
            .map(|(index, _)| ProjectionId(index))
    }

    /// Spikes that arrive over a projection at the start of a step, and their weights to output `j`.
    fn arrivals_at(
        &self,
        sample: usize,
        id: ProjectionId,
        step: u32,
        j: usize,
    ) -> impl Iterator<Item = (usize, f32)> {
        let row = self.layout.rows[id.0];
        let spikes = &self.tapes[sample].populations[self.network.projection(id).source.0];
        let before = |when: u32| spikes.when.partition_point(|&w| w < when);
        let arriving = match step.checked_sub(row.lag) {
            Some(sent) => before(sent)..before(sent + 1),
            None => 0..0,
        };
        let weights = self.params.weights(id);
        arriving.map(move |spike| {
            let source = spikes.neuron[spike] as usize;
            (spike, weights[source * row.target_size as usize + j])
        })
    }
}
