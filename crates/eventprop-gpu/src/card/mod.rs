//! The grid solver on a card.
//!
//! The equations are those of the grid solver in f32, in its order; `docs/decisions/0016-cards.md` says why the work is
//! divided as it is. Forward, a workgroup solves a sample: it holds all neurons, and the loop over the steps runs in it.
//! Backwards likewise, over windows of steps whose λ_I stay in memory until the gradient has gathered them. The tape
//! has room for a number of spikes; where a sample has more, the card counts them, the tape grows, and the batch is
//! solved again. No sum depends on which thread is first, so that two runs have the same bits.
//!
//! Losses are evaluated on the processor: of every batch the tape and what the loss observes come back, and seeds and
//! spikes by source go there.

mod batch;
mod device;
mod kernels;
mod layout;

use std::borrow::Cow;
use std::sync::Arc;

use eventprop::connect::Pattern;
use eventprop::network::{Network, NeuronConstant, PopulationId, ProjectionId};
use eventprop::params::{Params, Revision};
use eventprop::readout::{Nodes, Observe, Peak, Readout, Seed};
use eventprop::real::Real;
use eventprop::solver::for_implementors::{check_batch, check_grazing, check_probes, nodes_of};
use eventprop::solver::{Drive, Grazing, HostTrials, Probe, SolveError, Solver, Sum, Trial};
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop::tape::{Spikes, Tape};
use wgpu::CommandEncoder;

use self::batch::{BySource, ENTRY, PeakFound, Seeding, Seeds, Spiked};
use self::device::{Device, Memory};
use self::kernels::{Kernels, Pass, commands};
use self::layout::{Layout, SUMS, unsupported};
use crate::info::Named;
use crate::{DeviceName, OnDevice};

pub use self::device::{Card, devices};

/// Bytes of the trace where nobody chooses a window.
const TRACE_BYTES: u64 = 256 << 20;
/// Spikes of a neuron that the tape has room for at first.
const SPIKES_FIRST: usize = 4;

/// Buffers on the card.
#[derive(Debug)]
struct Memories {
    table: Memory,
    pass: Memory,
    constants: Memory,
    weights: Memory,
    inputs: Memory,
    tape: Memory,
    observed: Memory,
    seeds: Memory,
    trace: Memory,
    kept: Memory,
    starts: Memory,
    by_source: Memory,
    gradient: Memory,
    readable: Memory,
}

impl Memories {
    fn new() -> Self {
        Self {
            table: Memory::uniform("projections"),
            pass: Memory::uniform("sizes"),
            constants: Memory::storage("constants"),
            weights: Memory::storage("weights"),
            inputs: Memory::storage("input spikes"),
            tape: Memory::storage("spikes"),
            observed: Memory::storage("observed voltages"),
            seeds: Memory::storage("seeds"),
            trace: Memory::storage("adjoints of a window"),
            kept: Memory::storage("adjoints between windows"),
            starts: Memory::storage("states of all steps"),
            by_source: Memory::storage("spikes by source"),
            gradient: Memory::storage("gradient"),
            readable: Memory::readable("results"),
        }
    }

    fn bytes(&self) -> u64 {
        let all = [
            &self.table,
            &self.pass,
            &self.constants,
            &self.weights,
            &self.inputs,
            &self.tape,
            &self.observed,
            &self.seeds,
            &self.trace,
            &self.kept,
            &self.starts,
            &self.by_source,
            &self.gradient,
            &self.readable,
        ];
        all.map(Memory::bytes).iter().sum()
    }
}

/// The fixed-step solver on a card, in f32.
#[derive(Debug)]
pub struct Gpu {
    network: Network,
    layout: Layout,
    device: Device,
    kernels: Kernels,
    memories: Memories,
    nodes: Arc<Nodes>,
    /// The parameters whose weights are on the card.
    taken: Option<Revision>,
    /// Spikes of a sample that the tape has room for.
    capacity: usize,
    /// Steps of a window, where they were chosen.
    window: Option<usize>,
    /// Of the last batch: spikes of inputs and of all others, and peaks.
    inputs: Spiked,
    spiked: Spiked,
    peaks: Vec<PeakFound>,
    by_source: BySource,
    seeds: Seeds,
    /// Entries of the tape.
    entries: Vec<u32>,
    /// Numbers on their way.
    words: Vec<u32>,
    numbers: Vec<f32>,
}

impl Gpu {
    /// A solver for a network on a card.
    ///
    /// # Errors
    /// When the network is not valid, has something that the kernels have no code for, or the card cannot be opened
    /// or is too small.
    pub fn on(network: &Network, card: &Card) -> Result<Self, SolveError> {
        network.validate_in::<f32>()?;
        let layout = Layout::new(network)?;
        let device = Device::open(card).map_err(|error| SolveError::Device {
            device: card.to_string(),
            problem: error.problem,
            way_out: error.way_out,
        })?;
        let (shared, most) = (layout.shared_bytes(), device.shared_most);
        if shared > most {
            return Err(device.error(format!(
                "{} neurons share {shared} bytes, and it has {most} bytes for that",
                layout.neurons
            )));
        }
        let kernels = Kernels::new(&device, &layout);
        device.check()?;
        let mut memories = Memories::new();
        device.write(&mut memories.table, &layout.rows)?;
        device.write(&mut memories.constants, &layout.constants)?;
        Ok(Self {
            network: network.clone(),
            nodes: Arc::new(nodes_of(network.clock())),
            capacity: SPIKES_FIRST * layout.neurons,
            layout,
            device,
            kernels,
            memories,
            taken: None,
            window: None,
            inputs: Spiked::default(),
            spiked: Spiked::default(),
            peaks: Vec::new(),
            by_source: BySource::default(),
            seeds: Seeds::default(),
            entries: Vec::new(),
            words: Vec::new(),
            numbers: Vec::new(),
        })
    }

    /// Lets the adjoint pass go in windows of so many steps, which changes no bit of a result: fewer steps take less memory,
    /// `4 × samples × steps × neurons` bytes, and more launches. Without a choice they are as many as 256 MiB hold.
    ///
    /// # Panics
    /// When there are none.
    pub fn set_window(&mut self, steps: usize) {
        assert!(steps > 0, "a window has at least one step");
        self.window = Some(steps);
    }

    /// Gives the card up, as a driver does that is reset: what is solved from now on fails.
    pub fn lose(&self) {
        self.device.wgpu.destroy();
    }

    fn take(&mut self, params: &Params<f32>) -> Result<(), SolveError> {
        if self.taken != Some(params.revision()) {
            self.taken = None;
            self.device
                .write(&mut self.memories.weights, params.values())?;
            for population in self.network.adopt(params)? {
                self.layout.take_constants(&self.network, population)?;
            }
            if self.layout.trained {
                self.device
                    .write(&mut self.memories.constants, &self.layout.constants)?;
            }
            self.taken = Some(params.revision());
        }
        Ok(())
    }

    /// Numbers of a sample in the head of the tape.
    fn head(&self) -> usize {
        self.layout.steps + 2
    }

    /// Solves the batch; heads of the tape and observed numbers come back in `words`.
    fn run_forward(&mut self, samples: usize, observe: Observe) -> Result<(), SolveError> {
        let Layout { steps, outputs, .. } = self.layout;
        let heads = samples * self.head();
        let (observe, observed) = match observe {
            Observe::Voltage => (1, samples * (steps + 1) * outputs),
            Observe::Peaks => (2, samples * outputs * 3),
            Observe::Nothing | Observe::FirstSpikes => (0, 0),
        };
        let starts = if self.layout.trained {
            8 * (samples * steps * self.layout.neurons) as u64
        } else {
            0
        };
        loop {
            let pass = Pass {
                samples: samples as u32,
                capacity: self.capacity as u32,
                observe,
                begin: 0,
                end: steps as u32,
                rows: 0,
                seeded: 0,
                drive_least: 0.0,
            };
            let Self {
                memories, device, ..
            } = self;
            device.write(&mut memories.pass, &[pass])?;
            let tape = heads + samples * self.capacity * ENTRY;
            device.grow(&mut memories.tape, 4 * tape as u64)?;
            device.grow(&mut memories.observed, 4 * observed as u64)?;
            device.grow(&mut memories.readable, 4 * (heads + observed) as u64)?;
            device.grow(&mut memories.starts, starts)?;
            let mut encoder = commands(device);
            let bound = [
                &memories.table,
                &memories.pass,
                &memories.constants,
                &memories.weights,
                &memories.inputs,
                &memories.tape,
                &memories.observed,
                &memories.starts,
            ];
            self.kernels
                .forward
                .run(device, &mut encoder, &bound, samples);
            let (from, readable) = (memories.tape.get(), memories.readable.get());
            let (heads_bytes, observed_bytes) = (4 * heads as u64, 4 * observed as u64);
            encoder.copy_buffer_to_buffer(from, 0, readable, 0, heads_bytes);
            if observed > 0 {
                let from = memories.observed.get();
                encoder.copy_buffer_to_buffer(from, 0, readable, heads_bytes, observed_bytes);
            }
            device.read(
                encoder,
                (&memories.readable, heads + observed),
                &mut self.words,
            )?;
            let ends = self.words[..heads]
                .chunks_exact(steps + 2)
                .map(|head| head[steps]);
            let most = ends.max().unwrap_or(0) as usize;
            if most <= self.capacity {
                return Ok(());
            }
            self.capacity = most + most / 4;
        }
    }

    /// Fetches the entries of all samples, one sample after the other.
    fn fetch_entries(&mut self, samples: usize) -> Result<(), SolveError> {
        let (steps, head) = (self.layout.steps, self.head());
        let Self {
            memories,
            device,
            words,
            ..
        } = self;
        let count = |sample: usize| words[sample * head + steps] as usize;
        let all = (0..samples).map(count).sum::<usize>() * ENTRY;
        device.grow(&mut memories.readable, 4 * all as u64)?;
        let mut encoder = commands(device);
        let mut to = 0;
        for sample in 0..samples {
            let from = 4 * (samples * head + sample * self.capacity * ENTRY) as u64;
            let bytes = 4 * (count(sample) * ENTRY) as u64;
            if bytes > 0 {
                let (tape, readable) = (memories.tape.get(), memories.readable.get());
                encoder.copy_buffer_to_buffer(tape, from, readable, to, bytes);
            }
            to += bytes;
        }
        device.read(encoder, (&memories.readable, all), &mut self.entries)
    }

    /// Notes where the spikes of every step are, in one list for all samples.
    fn note_spikes(&mut self, samples: usize) {
        let (steps, head) = (self.layout.steps, self.head());
        let Spiked { firsts, neurons } = &mut self.spiked;
        firsts.clear();
        let mut before = 0;
        for sample in 0..samples {
            let row = &self.words[sample * head..][..=steps];
            firsts.extend(row.iter().map(|first| before + first));
            before += row[steps];
        }
        neurons.clear();
        neurons.extend(self.entries.iter().step_by(ENTRY));
    }

    fn check_finite(&self, samples: usize) -> Result<(), SolveError> {
        let (steps, head) = (self.layout.steps, self.head());
        for sample in 0..samples {
            let found = self.words[sample * head + steps + 1] as usize;
            if found >= self.layout.neurons {
                continue;
            }
            let populations = self.network.populations().iter().enumerate();
            let mut others = populations.filter(|(index, _)| *index != self.layout.input);
            let (index, population) = others
                .find(|(index, p)| found < self.layout.first[*index] + p.size)
                .expect("the row of neurons has no others");
            return Err(SolveError::NotFinite {
                population: population.name.clone(),
                neuron: found - self.layout.first[index],
                time_ms: self.network.clock().trial_ms(),
                sample,
            });
        }
        Ok(())
    }

    /// The readout of one sample, from the observed numbers behind the heads.
    fn read_out(
        &mut self,
        sample: usize,
        observe: Observe,
        tape: &Tape<u32, f32>,
        readout: &mut Readout<f32>,
    ) {
        let clock = self.network.clock();
        let outputs = self.layout.outputs;
        let samples = self.spiked.firsts.len() / (self.layout.steps + 1);
        let observed = &self.words[samples * self.head()..];
        let start = |step: &u32| clock.start_ms(*step as usize);
        readout.nodes = Arc::clone(&self.nodes);
        readout.voltage.clear();
        readout.peaks.clear();
        readout.first_spikes_ms.clear();
        readout.input_ms.clear();
        readout.voltages.clear();
        match observe {
            Observe::Nothing => {}
            Observe::Voltage => {
                let len = (self.layout.steps + 1) * outputs;
                let row = &observed[sample * len..(sample + 1) * len];
                readout
                    .voltage
                    .extend(row.iter().map(|&v| f32::from_bits(v)));
                let input = &tape.populations[self.layout.input];
                readout.input_ms.extend(input.when.iter().map(start));
            }
            Observe::Peaks => {
                let rows = observed[sample * outputs * 3..].chunks_exact(3);
                for row in rows.take(outputs) {
                    readout.peaks.push(Peak {
                        voltage: f32::from_bits(row[0]),
                        time_ms: start(&row[1]),
                    });
                    self.peaks.push(PeakFound {
                        step: row[1],
                        drive_before: f32::from_bits(row[2]),
                    });
                }
            }
            Observe::FirstSpikes => {
                let spikes = &tape.populations[self.layout.output];
                readout.first_spikes_ms.resize(outputs, f64::INFINITY);
                for (&neuron, when) in spikes.neuron.iter().zip(&spikes.when) {
                    let first = &mut readout.first_spikes_ms[neuron as usize];
                    *first = first.min(start(when));
                }
            }
        }
    }

    /// Rows of the trace of a batch.
    fn rows(&self, samples: usize) -> usize {
        let row = 4 * (samples * self.layout.neurons) as u64;
        let most = TRACE_BYTES.min(self.device.buffer_most);
        let rows = self.window.unwrap_or((most / row.max(1)) as usize);
        rows.clamp(1, self.layout.steps)
    }

    /// Numbers per sample of the sums for trained constants.
    fn sums(&self) -> usize {
        if self.layout.trained {
            SUMS * self.layout.neurons
        } else {
            0
        }
    }

    /// Solves the adjoint system window by window; the gradient of weights and the sums of every sample come back in
    /// `numbers`.
    fn run_adjoint(&mut self, samples: usize, drive_least: f32) -> Result<(), SolveError> {
        let Layout {
            steps,
            neurons,
            weights,
            ..
        } = self.layout;
        let (rows, numbers) = (self.rows(samples), weights + samples * self.sums());
        let kept = samples * self.layout.kept() * neurons;
        let Self {
            memories, device, ..
        } = self;
        device.write(&mut memories.seeds, &self.seeds.packed)?;
        device.write(&mut memories.by_source, &self.by_source.packed)?;
        device.grow(&mut memories.trace, 4 * (samples * rows * neurons) as u64)?;
        device.grow(&mut memories.kept, 4 * kept as u64)?;
        device.grow(&mut memories.gradient, 4 * weights as u64)?;
        device.grow(&mut memories.readable, 4 * numbers as u64)?;
        let mut end = steps;
        loop {
            let begin = end.saturating_sub(rows);
            let pass = Pass {
                samples: samples as u32,
                capacity: self.capacity as u32,
                observe: 0,
                begin: begin as u32,
                end: end as u32,
                rows: rows as u32,
                seeded: self.seeds.parts,
                drive_least,
            };
            self.device.write(&mut self.memories.pass, &[pass])?;
            let mut encoder = commands(&self.device);
            self.note_window(&mut encoder, samples);
            if begin == 0 {
                self.note_results(&mut encoder, samples);
                let from = (&self.memories.readable, numbers);
                return self.device.read(encoder, from, &mut self.numbers);
            }
            self.device.queue.submit([encoder.finish()]);
            end = begin;
        }
    }

    /// Notes down the kernels of a window.
    fn note_window(&self, encoder: &mut CommandEncoder, samples: usize) {
        let Self {
            memories,
            device,
            kernels,
            layout,
            ..
        } = self;
        let [table, on, constants] = [&memories.table, &memories.pass, &memories.constants];
        let bound = [
            table,
            on,
            constants,
            &memories.weights,
            &memories.tape,
            &memories.seeds,
            &memories.trace,
            &memories.kept,
            &memories.starts,
        ];
        kernels.adjoint.run(device, encoder, &bound, samples);
        let bound = [
            table,
            on,
            constants,
            &memories.by_source,
            &memories.trace,
            &memories.gradient,
        ];
        kernels.gather.run(device, encoder, &bound, layout.groups);
    }

    /// Notes down the copies of the gradient of weights, and behind it of the sums of every sample.
    fn note_results(&self, encoder: &mut CommandEncoder, samples: usize) {
        let Self {
            memories, layout, ..
        } = self;
        let (to, weights, sums) = (memories.readable.get(), layout.weights, self.sums());
        encoder.copy_buffer_to_buffer(memories.gradient.get(), 0, to, 0, 4 * weights as u64);
        for sample in (0..samples).filter(|_| sums > 0) {
            // The sums lie behind λ_V, λ_I and λ_B.
            let from = 4 * ((sample * layout.kept() + 3) * layout.neurons) as u64;
            let into = 4 * (weights + sample * sums) as u64;
            encoder.copy_buffer_to_buffer(memories.kept.get(), from, to, into, 4 * sums as u64);
        }
    }
}

impl Gpu {
    /// Adds the derivatives by trained constants, from the sums of all samples, `[sample, sum, neuron]`.
    fn add_constants(&self, sums: &[f32], gradient: &mut Params<f32>) {
        let Layout { neurons, first, .. } = &self.layout;
        let dt = self.network.clock().dt_ms();
        for (index, population) in self.network.populations().iter().enumerate() {
            let tau_b = population.constant(NeuronConstant::TauB);
            for trained in &population.trained {
                // [G2], [G3]; [G4] −τ_B Σ λ_B⁺; [G5] −Σ (steps dt/τ_B) λ_B⁻ B⁻
                let (sum, factor): (usize, &dyn Fn(f64) -> f64) = match trained.constant {
                    NeuronConstant::TauMem => (0, &|_| 1.0),
                    NeuronConstant::TauSyn => (1, &|_| 1.0),
                    NeuronConstant::BIncr => (2, &|tau_b| -tau_b),
                    NeuronConstant::TauB => (3, &|tau_b| -dt / tau_b),
                    NeuronConstant::Parameter(_) => continue,
                };
                let id = PopulationId(index);
                let into = gradient.constant_mut(id, trained.constant);
                let into = into.expect("a trained constant is a parameter");
                for (n, into) in into.iter_mut().enumerate() {
                    let factor = factor(tau_b.map_or(1.0, |tau_b| tau_b.of(n))) as f32;
                    let each = sums.chunks_exact(SUMS * neurons);
                    let at = sum * neurons + first[index] + n;
                    let total = each.fold(0.0, |total, sample| total + sample[at]);
                    *into += factor * total;
                }
            }
        }
    }
}

impl OnDevice for Gpu {
    fn on_device(network: &Network, device: &DeviceName) -> Result<Self, SolveError> {
        match device {
            DeviceName::Gpu(card) => Self::on(network, card),
            DeviceName::Cpu => Self::for_network(network),
        }
    }

    fn device_bytes(&self) -> u64 {
        self.memories.bytes()
    }
}

impl Solver for Gpu {
    type Real = f32;
    type Time = u32;
    type Trials = HostTrials<u32, f32>;

    /// On the first card that is no software driver.
    fn for_network(network: &Network) -> Result<Self, SolveError> {
        let first = Card::new(Named::First).expect("a card is opened later");
        Self::on(network, &first)
    }

    fn network(&self) -> &Network {
        &self.network
    }

    /// All samples: one rank solves a batch.
    fn group_len(&self, samples: usize) -> usize {
        samples.max(1)
    }

    fn set_probes(&mut self, probes: &[Probe]) -> Result<(), SolveError> {
        check_probes(&self.network, probes)?;
        if probes.is_empty() {
            return Ok(());
        }
        Err(unsupported("the recording of variables"))
    }

    fn record(&self, _sample: usize, probe: usize) -> Cow<'_, [f32]> {
        panic!("there is no probe {probe}: set_probes() refuses all")
    }

    fn rewire(&mut self, id: ProjectionId, _pattern: Arc<Pattern>) {
        panic!("projection {} is not sparse: all are dense here", id.0)
    }

    fn forward(
        &mut self,
        params: &Params<f32>,
        batch: &Batch,
        trial: Trial<'_>,
        out: &mut HostTrials<u32, f32>,
    ) -> Result<(), SolveError> {
        check_batch(&self.network, batch)?;
        check_trial(&trial, batch)?;
        let samples = batch.len();
        out.tapes.resize_with(samples, Tape::default);
        out.readouts.resize_with(samples, Readout::default);
        self.peaks.clear();
        if samples == 0 {
            return Ok(());
        }
        if samples > kernels::GROUPS_MOST as usize {
            let most = kernels::GROUPS_MOST;
            let problem =
                format!("a batch of {samples} samples is too large: it takes at most {most}");
            return Err(self.device.error(problem));
        }
        self.take(params)?;
        let clock = self.network.clock();
        self.inputs.take_inputs(batch.trains(), clock);
        self.inputs.pack(&mut self.words);
        self.device.write(&mut self.memories.inputs, &self.words)?;
        self.run_forward(samples, trial.observe)?;
        self.check_finite(samples)?;
        self.fetch_entries(samples)?;
        self.note_spikes(samples);
        for (sample, train) in batch.trains().iter().enumerate() {
            let row = self.layout.steps + 1;
            let firsts = &self.spiked.firsts[sample * row..(sample + 1) * row];
            let tape = &mut out.tapes[sample];
            let populations = self.network.populations().len();
            tape.populations.resize_with(populations, Spikes::default);
            tape.populations.iter_mut().for_each(Spikes::clear);
            batch::write_input(train, clock, &mut tape.populations[self.layout.input]);
            batch::write_tape(&self.layout, &self.network, firsts, &self.entries, tape);
            self.read_out(sample, trial.observe, tape, &mut out.readouts[sample]);
        }
        Ok(())
    }

    fn adjoint(
        &mut self,
        params: &Params<f32>,
        trials: &HostTrials<u32, f32>,
        drive: Drive<'_, f32>,
        sum: Sum<'_, f32>,
    ) -> Result<(), SolveError> {
        let samples = trials.tapes.len();
        let heads = samples * (self.layout.steps + 1);
        let is_last = samples == 0 || heads == self.spiked.firsts.len();
        assert!(
            is_last,
            "the adjoint pass follows the forward pass of its trials"
        );
        if sum.inputs.is_some() {
            return Err(unsupported("derivatives by the input"));
        }
        let reads_voltages = |seed: &Seed<f32>| seed.pulls.iter().any(|p| !p.dl_dv.is_empty());
        if drive.seeds.iter().any(reads_voltages) {
            return Err(unsupported("losses that read voltages of populations"));
        }
        let drive_least = match drive.grazing {
            Grazing::Limit(least) => least as f32,
            Grazing::Keep | Grazing::Error => f32::MIN,
        };
        if drive.grazing == Grazing::Error {
            for (sample, tape) in trials.tapes.iter().enumerate() {
                check_grazing(&self.network, tape, sample)?;
            }
        }
        let gradient = sum.gradient;
        // x + (−0) has the bits of x, whatever its sign.
        gradient.values_mut().fill(-0.0);
        sum.reduce.join(f32::numbers_mut(gradient.values_mut()))?;
        if samples > 0 {
            self.take(params)?;
            let spiked = [&self.inputs, &self.spiked];
            self.by_source.fill(&self.layout, samples, spiked);
            let seeding = Seeding {
                layout: &self.layout,
                network: &self.network,
                params,
                tapes: &trials.tapes,
                peaks: &self.peaks,
                capacity: self.capacity,
                spiked: &self.spiked,
            };
            self.seeds.fill(&seeding, drive);
            self.run_adjoint(samples, drive_least)?;
            let (weights, sums) = self.numbers.split_at(self.layout.weights);
            let each = gradient.values_mut().iter_mut().zip(weights);
            each.for_each(|(sum, own)| *sum += own);
            self.add_constants(sums, gradient);
        }
        sum.reduce
            .hand_on(f32::numbers_mut(gradient.values_mut()))?;
        Ok(())
    }
}

/// Refuses what the kernels have no code for.
fn check_trial(trial: &Trial<'_>, batch: &Batch) -> Result<(), SolveError> {
    if trial.disturbance.is_some() {
        return Err(unsupported("withheld spikes and noise of membranes"));
    }
    if !trial.voltages.is_empty() {
        return Err(unsupported("losses that read voltages of populations"));
    }
    let graded = |train: &SpikeTrain| !train.amplitudes().is_empty();
    if batch.trains().iter().any(graded) {
        return Err(unsupported("graded input spikes"));
    }
    Ok(())
}

/// Evaluates an expression with a type, the solver of a [`SolverKind`](eventprop::solver::SolverKind) at a
/// [`DeviceName`](crate::DeviceName): on a card it is [`Gpu`], whose kind is the grid.
#[macro_export]
macro_rules! with_solver_on {
    ($device:expr, $kind:expr, $solver:ident => $job:expr) => {
        match $device {
            $crate::DeviceName::Cpu => ::eventprop::with_solver!($kind, $solver => $job),
            $crate::DeviceName::Gpu(_) => {
                type $solver = $crate::Gpu;
                $job
            }
        }
    };
}
