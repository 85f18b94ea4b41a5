//! Predicts time, memory and disk of a training from measurements on a few batches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use eventprop::params::Params;
use eventprop::real::Real;
use eventprop::solver::Solver;
use eventprop::train::Session;
use eventprop_gpu::{DeviceName, OnDevice, with_solver_on};
use eventprop_params::Parameters;
use eventprop_params::picture::Draw;
use serde_json::Value as Json;

use super::error::RunError;
use super::learner::{BatchObserver, BatchView, InitialWeights, Learner, Pass};
use super::prepared::Prepared;
use super::progress::{Control, Progress};
use super::train;
use crate::data::{self, Data, Part, Source, Wanted};
use crate::machine::{self, MB};
use crate::outputs::{FolderError, Outputs};
use crate::records::Place;
use crate::room::SPARE;
use crate::settings::{Command, Phase, Settings};

/// A training is watched for so long, an evaluation for half of it; activity changes most in the first
/// batches, so that the later half of those that were seen counts.
const WATCHED: Duration = Duration::from_secs(6);
/// Batches that are waited for, however long they take.
const LEAST: usize = 4;

/// Time, memory and disk of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Epochs.
    pub epochs: usize,
    /// Batches of an epoch: training, evaluation.
    pub batches: [usize; 2],
    /// Samples in a batch.
    pub batch: usize,
    /// Seconds of a batch: training, evaluation.
    pub batch_seconds: [f64; 2],
    /// Seconds of the test at the end.
    pub test_seconds: f64,
    /// Parts of the memory while the network is trained in MB: what, how much.
    pub memory: Vec<(&'static str, f64)>,
    /// MB of the memory of a graphics card, where one solves the network.
    pub card_mb: Option<f64>,
    /// MB of memory at the peak while the data are read.
    pub reading_mb: f64,
    /// MB on the disk at the end.
    pub disk_mb: f64,
    /// The largest batch that fits into the free memory, where the system tells how much is free.
    pub largest_batch: Option<usize>,
    /// Notices for the user about the parameters and the data.
    pub notices: Vec<String>,
}

impl Plan {
    /// Seconds of training in an epoch.
    pub fn training_seconds(&self) -> f64 {
        self.batches[0] as f64 * self.batch_seconds[0]
    }

    /// Seconds of an epoch.
    pub fn epoch_seconds(&self) -> f64 {
        self.training_seconds() + self.batches[1] as f64 * self.batch_seconds[1]
    }

    /// Seconds of the whole.
    pub fn total_seconds(&self) -> f64 {
        self.epochs as f64 * self.epoch_seconds() + self.test_seconds
    }

    /// MB of memory at the peak.
    pub fn peak_mb(&self) -> f64 {
        let training = self.memory.iter().map(|(_, mb)| mb).sum::<f64>();
        training.max(self.reading_mb)
    }
}

/// Measures what a training with these parameters will take.
///
/// # Errors
/// As a training.
pub fn plan(params: &Parameters, source: &Source, draw: Draw) -> Result<Plan, RunError> {
    let settings = Settings::new(params)?;
    let before = resident_mb();
    let data = data::load(params, &settings, source, Wanted::Validated)?;
    let memory = Memory {
        program: before,
        data: resident_mb() - before,
        peak: peak_mb(),
    };
    with_solver_on!(&settings.device, settings.solver, S => measure::<S>(&settings, &data, memory, draw))
}

/// Memory in MB before there is a network.
struct Memory {
    program: f64,
    data: f64,
    peak: f64,
}

fn measure<S: OnDevice>(
    settings: &Settings,
    data: &Data,
    Memory {
        program: program_mb,
        data: data_mb,
        peak: reading_mb,
    }: Memory,
    draw: Draw,
) -> Result<Plan, RunError> {
    let start = InitialWeights {
        seed: u64::from(settings.seeds.model),
        saved: None,
        checkpoint: None,
    };
    let before = resident_mb();
    let mut learner = Learner::<S>::new(settings, data, start)?;
    let part = data.training(0);
    let train = seconds(&mut learner, |epoch| data.training(epoch), Phase::Train)?;
    let batch_mb = (resident_mb() - before).max(0.0);
    let evaluated = |part| move |epoch| data.evaluation(part, epoch);
    let evaluation = seconds(&mut learner, evaluated(&data.validation), Phase::Validation)?;
    let test = seconds(&mut learner, evaluated(&data.test), Phase::Test)?;
    let batches = |part: &Part| part.len().div_ceil(settings.batch);
    let closing_mb = (rehearsal::<S>(settings, data, draw)? - batch_mb).max(0.0);
    let parameters_mb = parameters_mb(&learner.session.params, settings);
    let records_mb = records_mb(&learner, data, batches(&part) + batches(&data.validation));
    let memory = vec![
        ("program", program_mb),
        ("data", data_mb),
        ("parameters, gradient, moments", parameters_mb),
        ("batch: spikes, states", (batch_mb - parameters_mb).max(0.0)),
        ("recordings", records_mb),
        ("their copy in a checkpoint", records_mb),
        ("while files are written", closing_mb),
    ];
    let peak: f64 = memory.iter().map(|(_, mb)| mb).sum();
    let per_sample = (batch_mb - parameters_mb).max(0.0) / settings.batch as f64;
    let room = machine::mb(machine::free_bytes())
        .map(|free| (1.0 - SPARE) * free - (peak - program_mb - data_mb - batch_mb));
    Ok(Plan {
        epochs: settings.epochs,
        batches: [batches(&part), batches(&data.validation)],
        batch: settings.batch,
        batch_seconds: [train, evaluation],
        test_seconds: batches(&data.test) as f64 * test,
        memory,
        card_mb: match &settings.device {
            DeviceName::Cpu => None,
            DeviceName::Gpu(_) => Some(learner.session.solver.device_bytes() as f64 / MB),
        },
        reading_mb,
        disk_mb: disk_mb(&learner.session.params) + records_mb,
        largest_batch: room
            .filter(|_| per_sample > 0.0)
            .map(|room| (room / per_sample).clamp(1.0, part.len() as f64) as usize),
        notices: settings
            .notices
            .iter()
            .chain(&data.notices)
            .cloned()
            .collect(),
    })
}

/// MB that a training takes beside its data, from the first batch to the last picture: one of a single batch, in a
/// folder that is deleted afterwards; 0 where the system does not tell.
fn rehearsal<S: OnDevice>(settings: &Settings, data: &Data, draw: Draw) -> Result<f64, RunError> {
    let folder = tempfile::tempdir().map_err(|error| FolderError {
        path: std::env::temp_dir(),
        problem: error.to_string(),
    })?;
    let settings = &Settings {
        out_dir: folder.path().to_owned(),
        epochs: 1,
        load: None,
        ..settings.clone()
    };
    let data = &Data {
        train: data.training(0).first(settings.batch),
        validation: data.validation.first(settings.batch),
        variation: None,
        ..data.clone()
    };
    let prepared = Prepared {
        command: Command::Train,
        settings,
        data,
        source: &Source::default(),
        outputs: &Outputs::new(settings),
        parameters: Json::Null,
        fingerprint: String::new(),
        draw,
        resumed: None,
    };
    machine::forget_peak();
    let before = resident_mb();
    let (mut nobody, never) = (|_: &Progress<'_>| (), AtomicBool::new(false));
    let control = &mut Control::new(&mut nobody, &never);
    train::train::<S>(&prepared, control)?;
    Ok((peak_mb() - before).max(0.0))
}

/// Records nothing.
struct Blind;

impl<S: Solver> BatchObserver<S> for Blind {
    fn begin(&mut self, _: Phase) {}
    fn end(&mut self, _: Phase) {}
    fn before(&mut self, _: Place, _: &mut Session<S>) {}
    fn after(&mut self, _: BatchView<'_, S>) -> Result<(), RunError> {
        Ok(())
    }
}

/// Mean seconds of a batch, from passes as a run makes them; 0 when there is none.
fn seconds<'a, S: Solver>(
    learner: &mut Learner<'_, S>,
    part: impl Fn(usize) -> std::borrow::Cow<'a, Part>,
    phase: Phase,
) -> Result<f64, RunError> {
    let begin = Instant::now();
    let watched = if phase == Phase::Train {
        WATCHED
    } else {
        WATCHED / 2
    };
    let cancel = AtomicBool::new(false);
    let mut ends = vec![0.0];
    for epoch in 0.. {
        let part = part(epoch);
        if part.is_empty() || cancel.load(Ordering::Relaxed) {
            break;
        }
        if phase == Phase::Train {
            learner.begin_epoch(epoch, part.len());
        }
        let pass = Pass {
            phase,
            part: &part,
            epoch,
            trials_before: 0,
            samples_before: 0,
        };
        let mut observer = |_: &Progress<'_>| {
            ends.push(begin.elapsed().as_secs_f64());
            let enough = begin.elapsed() > watched && ends.len() > LEAST;
            cancel.fetch_or(enough, Ordering::Relaxed);
        };
        let mut control = Control::new(&mut observer, &cancel);
        learner.pass(pass, &mut Blind, &mut control)?;
        learner.totals = None;
    }
    let (half, last) = (ends.len() / 2, ends.len() - 1);
    let half = half.min(last.saturating_sub(1));
    Ok((ends[last] - ends[half]) / (last - half).max(1) as f64)
}

fn parameters_mb<F: Real>(params: &Params<F>, settings: &Settings) -> f64 {
    size_of_val(params.values()) as f64 * settings.optimizer.copies() / MB
}

/// Weights under `last` and `best` in f32, and two checkpoints with weights, moments and best weights.
fn disk_mb<F: Real>(params: &Params<F>) -> f64 {
    let numbers = params.values().len() as f64;
    numbers * (2.0 * 4.0 + 2.0 * 4.0 * size_of::<F>() as f64) / MB
}

/// MB of all recordings and first spike times, which are kept until the end.
fn records_mb<S: Solver>(learner: &Learner<'_, S>, data: &Data, trials: usize) -> f64 {
    let settings = learner.settings;
    let records = &settings.records;
    let network = &learner.topology.network;
    let samples = records.samples.len();
    let size = |population: usize| network.populations()[population].size;
    let recorded = records.numbers(network, settings.epochs, trials);
    let activity = &learner.session.activity;
    let per_sample = |population: &usize| {
        let recorded = records.recorded(*population, size(*population));
        activity.rate(*population) * recorded as f64
    };
    let spikes: f64 = records
        .spikes
        .iter()
        .map(|named| per_sample(&named.what))
        .sum();
    let spiking = records.spikes_when.count(settings.epochs, trials);
    let spikes = spiking as f64 * samples as f64 * spikes;
    let first_spikes = if records.first_spikes {
        settings.epochs * data.train.len() * data.classes
    } else {
        0
    };
    // Four bytes a number; a spike has a time of eight and a neuron of four.
    let numbers = recorded.neurons + recorded.synapses + first_spikes as f64;
    (4.0 * numbers + 12.0 * spikes) / MB
}

/// Resident memory of this process in MB; 0 where the system does not tell.
fn resident_mb() -> f64 {
    machine::mb(machine::resident_bytes()).unwrap_or(0.0)
}

/// The most that was resident so far in MB; 0 where the system does not tell.
fn peak_mb() -> f64 {
    machine::mb(machine::peak_bytes()).unwrap_or(0.0)
}
