//! How fast is it, and how fast could it be?
//!
//! Seeded synthetic workloads of documented shape, trained (forward, adjoint, Adam) in batches of 32.
//! The same run times the elementary operations of the machine ([`eventprop::ceiling`]) and adds them
//! up for the work that was really done: a floor for the time per sample on one thread, times the
//! number of threads. For the event solver there is no such floor: its work is root finding, not
//! additions.

use std::hint::black_box;
use std::time::Instant;

use eventprop::ceiling::{Ceiling, Work};
use eventprop::loss::{FirstSpike, Loss, LossScale, Penalty, Weighting};
use eventprop::network::{Clock, Init, Li, Lif, Network, NetworkError};
use eventprop::optim::{Adam, Optimizer};
use eventprop::params::Params;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::solver::{Grazing, Solver};
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop::train::{Activity, Plan, Session, TrainError};

/// A workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// 784 inputs of which 124 on average spike once, 128 LIF, 10 LI, 20 steps of 1 ms, grid solver,
    /// loss `sum`.
    Mnist,
    /// 5 inputs that spike once, 200 LIF, 3 LIF, 30 ms, event solver, loss `first_spike`.
    YinYang,
    /// The same on the grid, steps of 0.1 ms.
    YinYangGrid,
}

impl Workload {
    /// All workloads.
    pub const ALL: [Self; 3] = [Self::Mnist, Self::YinYang, Self::YinYangGrid];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::YinYang => "yinyang",
            Self::YinYangGrid => "yinyang-grid",
        }
    }

    /// The shape in words.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Mnist => "784-128-10, 124 input spikes, 20 steps of 1 ms, grid, sum, batch 32",
            Self::YinYang => "5-200-3, 5 input spikes, 30 ms, event, first_spike, batch 32",
            Self::YinYangGrid => "5-200-3, 5 input spikes, 300 steps of 0.1 ms, grid, batch 32",
        }
    }

    fn network(self) -> Result<Network, NetworkError> {
        let normal = |mean, std| Init::Normal { mean, std };
        let lif = || Lif::new(20.0, 5.0);
        if self == Self::Mnist {
            let mut network = Network::new(Clock::new(1.0, 20.0)?);
            let input = network.add_input("input", 784);
            let hidden = network.add_lif("hidden", 128, lif());
            let output = network.add_li("output", 10, Li::new(20.0, 5.0));
            network.connect(input, hidden, normal(0.078, 0.045));
            network.connect(hidden, output, normal(0.2, 0.37));
            return Ok(network);
        }
        let mut network = Network::new(Clock::new(0.1, 30.0)?);
        let input = network.add_input("input", 5);
        let hidden = network.add_lif("hidden", 200, lif());
        let output = network.add_lif("output", 3, lif());
        network.connect(input, hidden, normal(2.0, 0.78));
        network.connect(hidden, output, normal(0.5, 0.1));
        Ok(network)
    }

    fn loss(self) -> Loss {
        match self {
            Self::Mnist => Loss::Sum(Weighting::Flat),
            Self::YinYang | Self::YinYangGrid => Loss::FirstSpike(FirstSpike {
                tau_0: 0.5,
                alpha: 0.1,
                penalty: Penalty::Inverse,
                push_silent: true,
            }),
        }
    }

    /// One synthetic sample.
    fn train(self, key: Key) -> SpikeTrain {
        let events: Vec<(f64, u32)> = if self == Self::Mnist {
            (0..784)
                .filter(|&pixel| key.uniform(pixel) < 124.0 / 784.0)
                .map(|pixel| (2.0 + 16.0 * key.with(1).uniform(pixel), pixel as u32))
                .collect()
        } else {
            (0..5)
                .map(|channel| (0.2 + 29.6 * key.uniform(channel), channel as u32))
                .collect()
        };
        let (times, neurons) = events.into_iter().unzip();
        SpikeTrain::new(times, neurons).expect("generated times are finite and positive")
    }
}

/// What a bench measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The workload.
    pub workload: Workload,
    /// Threads used.
    pub threads: usize,
    /// Median over the rounds, forward, adjoint and Adam.
    pub samples_per_second: f64,
    /// Slowest and fastest round.
    pub range: (f64, f64),
    /// What the machine's own ceilings allow; `None` for the event solver.
    pub floor_samples_per_second: Option<f64>,
    /// Spikes per hidden neuron and sample.
    pub hidden_rate: f64,
    /// Peak resident memory of the process in MB; `None` where the system does not tell.
    pub peak_memory_mb: Option<f64>,
}

const BATCH: usize = 32;
const BATCHES: usize = 50;
const ROUNDS: usize = 11;

/// Runs a workload on `threads` threads.
///
/// # Errors
/// When training fails, which would be a bug.
///
/// # Panics
/// When the threads cannot be started.
pub fn run(workload: Workload, threads: usize) -> Result<Measured, TrainError> {
    let network = workload
        .network()
        .map_err(eventprop::solver::SolveError::from)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("the system starts the threads asked for");
    pool.install(|| match workload {
        Workload::YinYang => measure(workload, Event::new(&network)?, threads),
        Workload::Mnist | Workload::YinYangGrid => {
            measure(workload, Grid::<f32>::new(&network)?, threads)
        }
    })
}

fn measure<S: Solver>(
    workload: Workload,
    solver: S,
    threads: usize,
) -> Result<Measured, TrainError> {
    let network = solver.network().clone();
    let batches = batches(workload, network.output_size());
    let params =
        Params::<S::Real>::init(&network, 1).map_err(eventprop::solver::SolveError::from)?;
    let plan = Plan {
        loss: workload.loss(),
        loss_scale: LossScale::Reference,
        regularizers: Vec::new(),
        grazing: Grazing::Keep,
        optimizer: Optimizer::Adam(Adam::new(&params, 0.9, 0.999, 1e-8)),
        frozen: Vec::new(),
    };
    let mut session = Session::new(solver, params, plan)?;
    let mut seconds = Vec::new();
    for round in 0..=ROUNDS {
        session.activity = Activity::for_network(&network);
        let start = Instant::now();
        for batch in &batches {
            // A tiny rate keeps the activity, and so the work, the same in every round.
            black_box(session.train_batch(batch, None, 1e-6)?);
        }
        if round > 0 {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    seconds.sort_by(f64::total_cmp);
    let rate = |seconds: f64| (BATCH * BATCHES) as f64 / seconds;
    let work = Work::of(&network, &session.activity, BATCH);
    let floor =
        (workload != Workload::YinYang).then(|| threads as f64 / floor_seconds(&network, &work));
    Ok(Measured {
        workload,
        threads,
        samples_per_second: rate(seconds[ROUNDS / 2]),
        range: (rate(seconds[ROUNDS - 1]), rate(seconds[0])),
        floor_samples_per_second: floor,
        hidden_rate: session.activity.rate(1),
        peak_memory_mb: peak_memory_mb(),
    })
}

fn batches(workload: Workload, classes: usize) -> Vec<Batch> {
    let key = Key::new(1, Purpose::Data);
    (0..BATCHES)
        .map(|batch| {
            let keys = (0..BATCH).map(|sample| key.with((batch * BATCH + sample) as u64));
            let trains = keys.clone().map(|key| workload.train(key)).collect();
            let labels = keys.map(|key| key.below(u64::MAX, classes as u64) as u32);
            Batch::new(trains, labels.collect()).expect("one label for every train")
        })
        .collect()
}

/// The least time for the work of one sample on one thread, from the machine's ceilings.
fn floor_seconds(network: &Network, work: &Work) -> f64 {
    let mut ceiling = Ceiling::of(network);
    let alone = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("the system starts one thread");
    alone.install(|| {
        let additions = best_rate(|| ceiling.add_rows(20_000));
        let neuron_steps = best_rate(|| ceiling.step_neurons(5_000));
        let updates = best_rate(|| ceiling.adam_step());
        (work.additions + work.products) / additions
            + work.neuron_steps / neuron_steps
            + work.updates / updates
    })
}

/// Operations per second, the fastest of several tries: disturbance only slows.
fn best_rate(mut operation: impl FnMut() -> usize) -> f64 {
    (0..25)
        .map(|_| {
            let start = Instant::now();
            let done = operation();
            done as f64 / start.elapsed().as_secs_f64()
        })
        .fold(0.0, f64::max)
}

/// Peak resident memory of this process in MB, where the system tells (Linux).
pub fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
