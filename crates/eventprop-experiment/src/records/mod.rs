//! Recordings: spikes, variables of neurons, weights, in the layouts of `genn_eventprop`.
//!
//! A [`Recorder`] is shown every trial (a batch in training or evaluation) and keeps what the
//! settings ask for; [`Recorder::write`] puts it on the disk at the end.

mod first_spikes;
mod prediction_files;
mod synapses;

use std::path::Path;

use eventprop::network::ProjectionId;
use eventprop::params::Params;
use eventprop::real::Real;
use eventprop::solver::{Probe, Solver, Trials, Variable};
use eventprop::spikes::Batch;
use eventprop::tape::SpikeTime;
use eventprop::train::{BatchReport, Session};
use eventprop_data::atomic::WriteError;
use eventprop_data::formats::{npy, npz};

pub use first_spikes::FirstSpikes;
pub use prediction_files::PredictionFiles;

use self::synapses::Line;
use crate::checkpoint::{Container, Defect};
use crate::settings::{Format, RecordSettings, SynapseVariable, When};

/// Place of a trial in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The trial in the epoch, from 0; evaluation continues the count of training.
    pub trial: usize,
    /// Samples of the epoch before this trial.
    pub samples_before: usize,
}

/// Numbers of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Numbers<'a> {
    /// Times in ms.
    F64(&'a [f64]),
    /// Variables.
    F32(&'a [f32]),
    /// Neurons, labels, predictions (−1 for none).
    I32(&'a [i32]),
}

/// The kind of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Spikes of populations, and the samples that they are from.
    Spikes,
    /// Variables of neurons, their times and samples.
    Neurons,
    /// Variables of projections, their times and samples.
    Synapses,
}

/// A named array of what was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedArray<'a> {
    /// The population or projection that it is of.
    pub of: Of,
    /// The name, as in `genn_eventprop`'s files: `hidden_spike_t`, `Vhidden`, `n_t`, …
    pub name: String,
    /// The shape, row-major.
    pub shape: Vec<usize>,
    /// The numbers.
    pub numbers: Numbers<'a>,
}

fn flat(of: Of, name: String, numbers: Numbers<'_>) -> RecordedArray<'_> {
    let len = match numbers {
        Numbers::F64(values) => values.len(),
        Numbers::F32(values) => values.len(),
        Numbers::I32(values) => values.len(),
    };
    let shape = vec![len];
    RecordedArray {
        of,
        name,
        shape,
        numbers,
    }
}

/// Keeps the recordings of a run in memory.
#[derive(Debug)]
pub struct Recorder {
    settings: RecordSettings,
    spikes: Vec<SpikeRecord>,
    spikes_seen: Seen,
    /// One record per probe, `[step, (sample,) neuron]`.
    neurons: Vec<Vec<f32>>,
    neurons_seen: Seen,
    /// One record per variable: `[step, weight]` for w, `[step, (sample,) weight]` for dw,
    /// `[step, (sample,) target]` for in_syn.
    synapses: Vec<Vec<f32>>,
    synapses_seen: Seen,
    /// The weights with which the present trial is solved, where projections are recorded.
    weights: Option<Params<f32>>,
}

/// Spikes of one population, in the order of trials, samples and time.
#[derive(Debug, Default)]
struct SpikeRecord {
    times_ms: Vec<f64>,
    neurons: Vec<i32>,
}

/// Times, labels and predictions of the recorded samples.
#[derive(Debug, Default)]
struct Seen {
    times_ms: Vec<f64>,
    labels: Vec<i32>,
    predictions: Vec<i32>,
}

impl Seen {
    fn add(&mut self, batch: &Batch, report: &BatchReport, samples: &[usize]) {
        for &sample in samples {
            let prediction = report.outcomes[sample].prediction;
            self.labels.push(batch.labels()[sample] as i32);
            self.predictions
                .push(prediction.map_or(-1, |class| class as i32));
        }
    }

    fn recordings(&self, of: Of, prefix: &str) -> [RecordedArray<'_>; 2] {
        [
            flat(of, format!("{prefix}lbl"), Numbers::I32(&self.labels)),
            flat(of, format!("{prefix}pred"), Numbers::I32(&self.predictions)),
        ]
    }
}

/// Names of the lists of what was seen, in checkpoints.
const SEEN: [&str; 3] = ["spikes", "neurons", "synapses"];

/// Appends `[step, sample, …]` from one `[step, …]` per sample, with NaN for the missing samples.
fn interleave(of_samples: &[Option<Vec<f32>>], steps: usize, record: &mut Vec<f32>) {
    let mut there = of_samples.iter().flatten();
    let size = there.next().map_or(0, |all| all.len() / steps);
    for step in 0..steps {
        for of_sample in of_samples {
            match of_sample {
                Some(all) => record.extend_from_slice(&all[step * size..(step + 1) * size]),
                None => record.extend(std::iter::repeat_n(f32::NAN, size)),
            }
        }
    }
}

impl Recorder {
    /// A recorder that has seen nothing yet.
    pub fn new(settings: RecordSettings) -> Self {
        Self {
            spikes: settings
                .spikes
                .iter()
                .map(|_| SpikeRecord::default())
                .collect(),
            neurons: vec![Vec::new(); settings.neurons.len()],
            synapses: vec![Vec::new(); settings.synapses.len()],
            settings,
            spikes_seen: Seen::default(),
            neurons_seen: Seen::default(),
            synapses_seen: Seen::default(),
            weights: None,
        }
    }

    /// To be called before a trial is solved: in training its weights change at its end.
    pub fn begin<F: Real>(&mut self, place: Place, params: &Params<F>) {
        let recorded = !self.synapses.is_empty()
            && self
                .settings
                .synapses_when
                .includes(place.epoch, place.trial);
        self.weights = recorded.then(|| params.cast());
    }

    /// The probes that the solver has to record in a trial: the variables of neurons that are asked for and, behind
    /// them, λ_I of the targets of the projections whose gradients are.
    pub fn probes(&self, place: Place) -> Vec<Probe> {
        let settings = &self.settings;
        let mut probes = Vec::new();
        if settings.neurons_when.includes(place.epoch, place.trial) {
            probes.extend(settings.neurons.iter().map(|named| named.what));
        }
        if settings.synapses_when.includes(place.epoch, place.trial) {
            probes.extend(self.gradient_probes());
        }
        probes
    }

    fn gradient_probes(&self) -> impl Iterator<Item = Probe> + '_ {
        let synapses = self.settings.synapses.iter().map(|named| named.what);
        let gradients = synapses.filter(|s| s.variable == SynapseVariable::Gradient);
        gradients.map(|synapse| Probe {
            population: synapse.target,
            variable: Variable::LambdaI,
        })
    }

    /// Keeps what is asked for of a trial that was just solved.
    pub fn record<S: Solver>(
        &mut self,
        place: Place,
        session: &Session<S>,
        batch: &Batch,
        report: &BatchReport,
    ) {
        let now = |when: &When| when.includes(place.epoch, place.trial);
        let places = self.settings.samples.iter().copied();
        let samples: Vec<usize> = places.filter(|place| *place < batch.len()).collect();
        if !self.spikes.is_empty() && now(&self.settings.spikes_when) {
            self.record_spikes(place, session, &samples);
            self.spikes_seen.add(batch, report, &samples);
        }
        if !self.neurons.is_empty() && now(&self.settings.neurons_when) {
            self.record_neurons(place, session, batch.len());
            self.neurons_seen.add(batch, report, &samples);
        }
        if !self.synapses.is_empty() && now(&self.settings.synapses_when) {
            self.record_synapses(place, session, batch.len());
            self.synapses_seen.add(batch, report, &samples);
        }
    }

    /// Sample i of a trial is placed at (samples of the epoch before it + i) · T, as if the samples
    /// had been shown one after the other; with only the first sample of each trial recorded, that of
    /// trial r at r · T.
    fn record_spikes<S: Solver>(&mut self, place: Place, session: &Session<S>, samples: &[usize]) {
        let clock = session.solver.network().clock();
        for (named, record) in self.settings.spikes.iter().zip(&mut self.spikes) {
            let only = self.settings.only.get(&named.what);
            let kept = |neuron: u32| only.is_none_or(|only| only.contains(&(neuron as usize)));
            for &sample in samples {
                let turn = if self.settings.first_sample_only {
                    place.trial
                } else {
                    place.samples_before + sample
                };
                let start_ms = turn as f64 * clock.trial_ms();
                let tape = session.trials.tape(sample);
                let spikes = &tape.populations[named.what];
                let spikes = spikes.when.iter().zip(&spikes.neuron);
                for (time, &neuron) in spikes.filter(|(_, neuron)| kept(**neuron)) {
                    record.times_ms.push(start_ms + time.ms(clock));
                    record.neurons.push(neuron as i32);
                }
            }
        }
    }

    /// Rows are steps; missing samples of an incomplete batch are NaN.
    fn record_neurons<S: Solver>(&mut self, place: Place, session: &Session<S>, solved: usize) {
        let network = session.solver.network();
        let (clock, steps) = (network.clock(), network.clock().steps());
        let settings = &self.settings;
        for (probe, (named, record)) in settings.neurons.iter().zip(&mut self.neurons).enumerate() {
            let size = network.populations()[named.what.population].size;
            let only = settings.only.get(&named.what.population);
            let samples = settings.samples.iter();
            let recorded = |&s: &usize| (s < solved).then(|| session.solver.record(s, probe));
            let of_samples: Vec<_> = samples.map(recorded).collect();
            for step in 0..steps {
                for of_sample in &of_samples {
                    let Some(recorded) = of_sample else {
                        let kept = settings.recorded(named.what.population, size);
                        record.extend(std::iter::repeat_n(f32::NAN, kept));
                        continue;
                    };
                    let row = &recorded[step * size..][..size];
                    match only {
                        None => record.extend(row.iter().map(|x| x.to_f64() as f32)),
                        Some(only) => record.extend(only.iter().map(|&n| row[n].to_f64() as f32)),
                    }
                }
            }
        }
        let start_ms = place.trial as f64 * clock.trial_ms();
        let times = (0..steps).map(|step| start_ms + clock.start_ms(step));
        self.neurons_seen.times_ms.extend(times);
    }

    /// Rows are steps; missing samples of an incomplete batch are NaN. Weights do not change within a
    /// trial: their rows are the same in every step.
    fn record_synapses<S: Solver>(&mut self, place: Place, session: &Session<S>, solved: usize) {
        let network = session.solver.network();
        let clock = network.clock();
        let samples = self.settings.samples.iter();
        let samples: Vec<Option<usize>> = samples.map(|&s| (s < solved).then_some(s)).collect();
        let neurons_too = self
            .settings
            .neurons_when
            .includes(place.epoch, place.trial);
        let mut probe = if neurons_too { self.neurons.len() } else { 0 };
        let params = self.weights.as_ref();
        let params = params.expect("begin() was called before the trial");
        for (named, record) in self.settings.synapses.iter().zip(&mut self.synapses) {
            let id = ProjectionId(named.what.projection);
            let line = |sample: usize| Line {
                network,
                id,
                tape: session.trials.tape(sample),
            };
            let of_samples: Vec<Option<Vec<f32>>> = match named.what.variable {
                SynapseVariable::Weight => {
                    for _ in 0..clock.steps() {
                        record.extend_from_slice(params.weights(id));
                    }
                    continue;
                }
                SynapseVariable::InSyn => samples
                    .iter()
                    .map(|sample| sample.map(|sample| line(sample).in_syn(params)))
                    .collect(),
                SynapseVariable::Gradient => {
                    let lambda_i = |sample| session.solver.record(sample, probe);
                    let of = |sample| line(sample).gradient(params, &lambda_i(sample));
                    let all = samples.iter().map(|sample| sample.map(of)).collect();
                    probe += 1;
                    all
                }
            };
            interleave(&of_samples, clock.steps(), record);
        }
        let start_ms = place.trial as f64 * clock.trial_ms();
        let times = (0..clock.steps()).map(|step| start_ms + clock.start_ms(step));
        self.synapses_seen.times_ms.extend(times);
    }

    /// Samples in a row of the neuron records.
    fn columns(&self) -> usize {
        self.settings.samples.len()
    }

    /// Everything that was recorded.
    pub fn recordings(&self) -> Vec<RecordedArray<'_>> {
        let mut all = self.of_spikes();
        all.extend(self.of_neurons());
        all.extend(self.of_synapses());
        all
    }

    /// Adds the recordings so far to a checkpoint.
    pub fn store(&self, container: &mut Container) {
        for (named, record) in self.settings.spikes.iter().zip(&self.spikes) {
            container.put(&format!("records/{}/t", named.name), &record.times_ms);
            container.put(&format!("records/{}/ID", named.name), &record.neurons);
        }
        for (name, record) in self.dense() {
            container.put(&format!("records/{name}"), record);
        }
        for (name, seen) in self.seen() {
            container.put(&format!("records/{name}_t"), &seen.times_ms);
            container.put(&format!("records/{name}_lbl"), &seen.labels);
            container.put(&format!("records/{name}_pred"), &seen.predictions);
        }
    }

    /// Takes up what [`Self::store`] added.
    ///
    /// # Errors
    /// [`Defect::Array`] when it is not there: the checkpoint is of a run with other recordings.
    pub fn restore(&mut self, container: &Container) -> Result<(), Defect> {
        let settings = &self.settings;
        for (named, record) in settings.spikes.iter().zip(&mut self.spikes) {
            record.times_ms = container.get(&format!("records/{}/t", named.name))?;
            record.neurons = container.get(&format!("records/{}/ID", named.name))?;
        }
        let names = settings.neurons.iter().map(|named| &named.name);
        for (name, record) in names.zip(&mut self.neurons) {
            *record = container.get(&format!("records/{name}"))?;
        }
        let names = settings.synapses.iter().map(|named| &named.name);
        for (name, record) in names.zip(&mut self.synapses) {
            *record = container.get(&format!("records/{name}"))?;
        }
        let seen = [
            &mut self.spikes_seen,
            &mut self.neurons_seen,
            &mut self.synapses_seen,
        ];
        for (name, seen) in SEEN.iter().zip(seen) {
            seen.times_ms = container.get(&format!("records/{name}_t"))?;
            seen.labels = container.get(&format!("records/{name}_lbl"))?;
            seen.predictions = container.get(&format!("records/{name}_pred"))?;
        }
        Ok(())
    }

    /// Recordings of variables of neurons and projections, with their names.
    fn dense(&self) -> impl Iterator<Item = (&str, &[f32])> {
        let neurons = self.settings.neurons.iter().map(|named| &named.name);
        let synapses = self.settings.synapses.iter().map(|named| &named.name);
        let records = self.neurons.iter().chain(&self.synapses);
        let named = neurons.chain(synapses).zip(records);
        named.map(|(name, record)| (name.as_str(), record.as_slice()))
    }

    fn seen(&self) -> impl Iterator<Item = (&str, &Seen)> {
        let seen = [&self.spikes_seen, &self.neurons_seen, &self.synapses_seen];
        SEEN.into_iter().zip(seen)
    }

    /// Writes all recordings to a folder; `prefix` begins the names of the files.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, folder: &Path, prefix: &str) -> Result<(), WriteError> {
        let Some(format) = self.settings.format else {
            return Ok(());
        };
        let recordings = self.recordings();
        if format == Format::Npz && !recordings.is_empty() {
            return npz::write(&folder.join(format!("{prefix}records.npz")), |archive| {
                let mut all = recordings.iter();
                all.try_for_each(
                    |RecordedArray {
                         name,
                         shape,
                         numbers,
                         ..
                     }| match numbers {
                        Numbers::F64(values) => archive.add(name, shape, values),
                        Numbers::F32(values) => archive.add(name, shape, values),
                        Numbers::I32(values) => archive.add(name, shape, values),
                    },
                )
            });
        }
        for recording in recordings {
            let path = folder.join(format!("{prefix}{}.npy", recording.name));
            match recording.numbers {
                Numbers::F64(values) => npy::write(&path, &recording.shape, values),
                Numbers::F32(values) => npy::write(&path, &recording.shape, values),
                Numbers::I32(values) => npy::write(&path, &recording.shape, values),
            }?;
        }
        Ok(())
    }

    fn of_spikes(&self) -> Vec<RecordedArray<'_>> {
        let mut all = Vec::new();
        for (named, record) in self.settings.spikes.iter().zip(&self.spikes) {
            let name = format!("{}_spike_", named.name);
            all.push(flat(
                Of::Spikes,
                format!("{name}t"),
                Numbers::F64(&record.times_ms),
            ));
            all.push(flat(
                Of::Spikes,
                format!("{name}ID"),
                Numbers::I32(&record.neurons),
            ));
        }
        if !all.is_empty() {
            all.extend(self.spikes_seen.recordings(Of::Spikes, "spk_"));
        }
        all
    }

    fn of_neurons(&self) -> Vec<RecordedArray<'_>> {
        let rows = self.neurons_seen.times_ms.len();
        let mut all = Vec::new();
        for (named, record) in self.settings.neurons.iter().zip(&self.neurons) {
            let columns = self.columns();
            let size = record.len() / (rows * columns).max(1);
            all.push(RecordedArray {
                of: Of::Neurons,
                name: named.name.clone(),
                shape: if self.settings.first_sample_only {
                    vec![rows, size]
                } else {
                    vec![rows, columns, size]
                },
                numbers: Numbers::F32(record),
            });
        }
        if !all.is_empty() {
            let times = &self.neurons_seen.times_ms;
            all.push(flat(Of::Neurons, "n_t".to_owned(), Numbers::F64(times)));
            all.extend(self.neurons_seen.recordings(Of::Neurons, "n_"));
        }
        all
    }

    fn of_synapses(&self) -> Vec<RecordedArray<'_>> {
        let rows = self.synapses_seen.times_ms.len();
        let mut all = Vec::new();
        for (named, record) in self.settings.synapses.iter().zip(&self.synapses) {
            let weight = named.what.variable == SynapseVariable::Weight;
            let columns = if weight { 1 } else { self.columns() };
            let size = record.len() / (rows * columns).max(1);
            all.push(RecordedArray {
                of: Of::Synapses,
                name: named.name.clone(),
                shape: if weight || self.settings.first_sample_only {
                    vec![rows, size]
                } else {
                    vec![rows, columns, size]
                },
                numbers: Numbers::F32(record),
            });
        }
        if !all.is_empty() {
            let times = &self.synapses_seen.times_ms;
            all.push(flat(Of::Synapses, "t".to_owned(), Numbers::F64(times)));
            all.extend(self.synapses_seen.recordings(Of::Synapses, "s_"));
        }
        all
    }
}
