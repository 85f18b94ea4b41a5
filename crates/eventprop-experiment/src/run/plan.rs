//! What a training will take: time, memory, disk; measured on a few batches, not guessed.

use std::path::Path;
use std::time::Instant;

use eventprop::params::Params;
use eventprop::real::Real;
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::spikes::Batch;

use super::error::RunError;
use super::learner::{Learner, Start};
use crate::data::{self, Data, Part, Source, Wanted};
use crate::engine::Engine;
use crate::params::Parameters;
use crate::records::SynapseVariable;
use crate::settings::{OptimizerKind, Settings, SolverKind};

/// Batches that are measured after a first one, and the seconds after which fewer do.
const BATCHES: usize = 24;
const SECONDS: f64 = 4.0;
/// Memory that a machine should keep for itself, as a share of what is free.
const SPARE: f64 = 0.1;
const MB: f64 = 1024.0 * 1024.0;

/// What a training will take.
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
    /// Parts of the memory in MB: what, how much.
    pub memory: Vec<(&'static str, f64)>,
    /// MB on the disk at the end.
    pub disk_mb: f64,
    /// The largest batch that fits into the free memory, where the system tells how much is free.
    pub largest_batch: Option<usize>,
    /// What a user should know about the parameters and the data.
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
        self.memory.iter().map(|(_, mb)| mb).sum()
    }
}

/// Measures what a training with these parameters will take.
///
/// # Errors
/// As a training.
pub fn plan(params: &Parameters, source: &Source) -> Result<Plan, RunError> {
    let settings = Settings::new(params)?;
    let before = resident_mb();
    let data = data::load(params, &settings, source, Wanted::Validated)?;
    let data_mb = resident_mb() - before;
    match settings.solver {
        SolverKind::Grid => measure::<Grid<f32>>(&settings, &data, [before, data_mb]),
        SolverKind::Event => measure::<Event>(&settings, &data, [before, data_mb]),
    }
}

fn measure<S: Engine>(
    settings: &Settings,
    data: &Data,
    [program_mb, data_mb]: [f64; 2],
) -> Result<Plan, RunError> {
    let start = Start {
        seed: u64::from(settings.seeds.model),
        saved: None,
        checkpoint: None,
    };
    let before = resident_mb();
    let mut learner = Learner::<S>::new(settings, data, start)?;
    let part = data.training(0);
    let train = seconds(&mut learner, &part, Pass::Train)?;
    let batch_mb = (resident_mb() - before).max(0.0);
    let evaluation = seconds(&mut learner, &data.validation, Pass::Evaluate)?;
    let test = seconds(&mut learner, &data.test, Pass::Evaluate)?;
    let batches = |part: &Part| part.len().div_ceil(settings.batch);
    let parameters_mb = parameters_mb(&learner.session.params, settings);
    let records_mb = records_mb(&learner, batches(&part) + batches(&data.validation));
    let memory = vec![
        ("program", program_mb),
        ("data", data_mb),
        ("parameters, gradient, moments", parameters_mb),
        ("batch: spikes, states", (batch_mb - parameters_mb).max(0.0)),
        ("recordings", records_mb),
        ("checkpoint while it is written", 2.0 * parameters_mb),
    ];
    let peak: f64 = memory.iter().map(|(_, mb)| mb).sum();
    let per_sample = (batch_mb - parameters_mb).max(0.0) / settings.batch as f64;
    let room =
        free_mb().map(|free| (1.0 - SPARE) * free - (peak - program_mb - data_mb - batch_mb));
    Ok(Plan {
        epochs: settings.epochs,
        batches: [batches(&part), batches(&data.validation)],
        batch: settings.batch,
        batch_seconds: [train, evaluation],
        test_seconds: batches(&data.test) as f64 * test,
        memory,
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Train,
    Evaluate,
}

/// Mean seconds of a batch, the first left out.
fn seconds<S: Engine>(
    learner: &mut Learner<'_, S>,
    part: &Part,
    pass: Pass,
) -> Result<f64, RunError> {
    let size = learner.settings.batch;
    let places: Vec<usize> = (0..part.len()).collect();
    let mut batch = Batch::default();
    let mut begin = Instant::now();
    let mut measured = 0;
    for (turn, places) in places.chunks(size).cycle().enumerate() {
        if measured == BATCHES || part.is_empty() || begin.elapsed().as_secs_f64() > SECONDS {
            break;
        }
        part.fill(places, None, &mut batch);
        match pass {
            Pass::Train => {
                let rate = learner.schedule.rate();
                learner.session.train_batch(&batch, None, rate)?;
            }
            Pass::Evaluate => {
                learner.session.test_batch(&batch)?;
            }
        }
        if turn == 0 {
            begin = Instant::now();
        } else {
            measured += 1;
        }
    }
    Ok(begin.elapsed().as_secs_f64() / f64::from(u32::try_from(measured.max(1)).unwrap_or(1)))
}

/// Copies of the parameters: themselves, the gradient, the best, the moments.
fn moments(settings: &Settings) -> f64 {
    match settings.optimizer {
        OptimizerKind::Adam { .. } => 5.0,
        OptimizerKind::Sgd => 3.0,
    }
}

fn parameters_mb<F: Real>(params: &Params<F>, settings: &Settings) -> f64 {
    size_of_val(params.values()) as f64 * moments(settings) / MB
}

/// Weights under `last` and `best` in f32, and two checkpoints with weights, moments and best weights.
fn disk_mb<F: Real>(params: &Params<F>) -> f64 {
    let numbers = params.values().len() as f64;
    numbers * (2.0 * 4.0 + 2.0 * 4.0 * size_of::<F>() as f64) / MB
}

/// MB of all recordings, which are kept until the end.
fn records_mb<S: Engine>(learner: &Learner<'_, S>, trials: usize) -> f64 {
    let settings = learner.settings;
    let records = &settings.records;
    let network = &learner.topology.network;
    let samples = if records.first_sample_only {
        1
    } else {
        settings.batch
    };
    let steps = settings.clock.steps();
    let count = |when: &crate::records::When| when.count(settings.epochs, trials);
    let size = |population: usize| network.populations()[population].size;
    let neurons: usize = records
        .neurons
        .iter()
        .map(|n| size(n.what.population))
        .sum();
    let neurons = count(&records.neurons_when) * steps * samples * neurons;
    let synapses = records.synapses.iter().map(|named| {
        let projection = &network.projections()[named.what.projection];
        let weights = size(projection.source.0) * size(projection.target.0);
        match named.what.variable {
            SynapseVariable::Weight => weights,
            SynapseVariable::Gradient => samples * weights,
            SynapseVariable::InSyn => samples * size(projection.target.0),
        }
    });
    let synapses = count(&records.synapses_when) * steps * synapses.sum::<usize>();
    let activity = &learner.session.activity;
    let per_sample = |population: &usize| activity.rate(*population) * size(*population) as f64;
    let spikes: f64 = records
        .spikes
        .iter()
        .map(|named| per_sample(&named.what))
        .sum();
    let spikes = count(&records.spikes_when) as f64 * samples as f64 * spikes;
    // Four bytes a number; a spike has a time of eight and a neuron of four.
    (4.0 * (neurons + synapses) as f64 + 12.0 * spikes) / MB
}

/// Resident memory of this process in MB; 0 where the system does not tell.
fn resident_mb() -> f64 {
    kib(Path::new("/proc/self/status"), "VmRSS:").map_or(0.0, |kib| kib / 1024.0)
}

/// Free memory of the machine in MB.
fn free_mb() -> Option<f64> {
    kib(Path::new("/proc/meminfo"), "MemAvailable:").map(|kib| kib / 1024.0)
}

fn kib(path: &Path, key: &str) -> Option<f64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
