//! Speed of training, and the speed that the machine's ceilings would allow.
//!
//! Seeded synthetic workloads of documented shape ([`Workload`]), trained (forward, adjoint, Adam) and
//! evaluated (forward, loss) in batches. The same run times the elementary operations of the machine
//! ([`eventprop::ceiling`]) and adds them up for the work that was really done: a floor for the time per
//! sample on one thread, times the number of threads. For the event solver there is no such floor: its
//! work is root finding, not additions.

pub mod scaling;
mod workload;

use std::hint::black_box;
use std::time::Instant;

use eventprop::activity::Activity;
use eventprop::ceiling::{Ceiling, Work};
use eventprop::loss::LossScale;
use eventprop::network::Network;
use eventprop::optim::{Adam, Optimizer};
use eventprop::params::Params;
use eventprop::solver::{SolveError, SolverKind};
use eventprop::train::{Plan, Session, TrainError};
use eventprop_gpu::{DeviceName, OnDevice, with_solver_on};

use crate::machine;

pub use self::workload::{Input, Shape, Workload};

/// The measurements of one workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The shape that was trained.
    pub shape: Shape,
    /// Threads used.
    pub threads: usize,
    /// Training: forward, adjoint and Adam.
    pub training: Rate,
    /// Evaluation: forward and loss.
    pub evaluation: Rate,
    /// Samples trained per second of processor time, all threads together, over all rounds: what does
    /// not count is the time in which other programs had the processor. `None` where the system does
    /// not tell.
    pub training_per_cpu_second: Option<f64>,
    /// Samples per second at the machine's own ceilings for training; `None` for the event solver and for cards.
    pub floor_samples_per_second: Option<f64>,
    /// Spikes per hidden neuron and sample.
    pub hidden_rate: f64,
    /// Samples that were kept in memory.
    pub samples: usize,
    /// Peak resident memory of the process in MB, while it was measured; `None` where the system does not
    /// tell.
    pub peak_memory_mb: Option<f64>,
}

/// Samples per second over the rounds of a bench.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The median.
    pub median: f64,
    /// The slowest round.
    pub slowest: f64,
    /// The fastest round.
    pub fastest: f64,
}

impl Rate {
    fn of(mut seconds: Vec<f64>, samples: usize) -> Self {
        seconds.sort_by(f64::total_cmp);
        let rate = |seconds: f64| samples as f64 / seconds;
        Self {
            median: rate(seconds[seconds.len() / 2]),
            slowest: rate(seconds[seconds.len() - 1]),
            fastest: rate(seconds[0]),
        }
    }
}

/// Duration of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// Batches of a round.
    pub batches: usize,
    /// Rounds that are timed, after one that is not.
    pub rounds: usize,
    /// Samples kept in memory, if more than those of a round.
    pub resident: usize,
}

impl Length {
    /// Some seconds for every shape.
    pub fn of(shape: &Shape) -> Self {
        match shape.input {
            Input::Once { .. } => Self {
                batches: 50,
                rounds: 11,
                resident: 0,
            },
            Input::Binned { .. } => Self {
                batches: 3,
                rounds: 7,
                resident: 0,
            },
        }
    }
}

/// Learning rate: so small that the weights, and so the activity and the work, stay as they are.
const ETA: f64 = 1e-9;

/// Runs a shape on `threads` threads, and where it goes in steps, at a device.
///
/// # Errors
/// When training fails, which would be a bug, the shape is no valid network, or the device is not there.
///
/// # Panics
/// When the threads cannot be started.
pub fn run(
    shape: &Shape,
    device: DeviceName,
    threads: usize,
    length: Length,
) -> Result<Measured, TrainError> {
    let network = shape.network().map_err(SolveError::from)?;
    machine::forget_peak();
    pool(threads).install(|| {
        with_solver_on!(&device, shape.solver, S => {
            measure(shape, S::on_device(&network, &device)?, threads, length)
        })
    })
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("the system starts the threads asked for")
}

fn measure<S: OnDevice>(
    shape: &Shape,
    solver: S,
    threads: usize,
    length: Length,
) -> Result<Measured, TrainError> {
    let network = solver.network().clone();
    let kept = length.resident.div_ceil(shape.batch).max(length.batches);
    let mut batches = shape.batches(kept);
    let params = Params::<S::Real>::init(&network, 1).map_err(SolveError::from)?;
    let plan = Plan {
        loss_scale: LossScale::Reference,
        ..Plan::new(
            shape.loss(),
            Optimizer::Adam(Adam::new(&params, 0.9, 0.999, 1e-8)),
        )
    };
    let mut session = Session::new(solver, params, plan)?;
    let (mut training, mut evaluation) = (Vec::new(), Vec::new());
    let mut cpu = Some(0.0);
    for round in 0..=length.rounds {
        session.activity = Activity::for_network(&network);
        let cpu_start = cpu_seconds();
        let start = Instant::now();
        for index in 0..length.batches {
            black_box(session.train_batch(batches.get(index), None, ETA)?);
        }
        let trained = Instant::now();
        let cpu_round = cpu_seconds().zip(cpu_start).map(|(end, start)| end - start);
        for index in 0..length.batches {
            black_box(session.test_batch(batches.get(index))?);
        }
        if round > 0 {
            cpu = cpu.zip(cpu_round).map(|(sum, round)| sum + round);
            training.push((trained - start).as_secs_f64());
            evaluation.push(trained.elapsed().as_secs_f64());
        }
    }
    // Before the ceilings take memory of their own.
    let peak_memory_mb = machine::mb(machine::peak_bytes());
    let work = Work::of(&network, &session.activity, shape.batch);
    let on_processor = session.solver.device_bytes() == 0;
    let has_floor = shape.solver == SolverKind::Grid && on_processor;
    let floor = has_floor.then(|| threads as f64 / floor_seconds(&network, &work));
    let samples = shape.batch * length.batches;
    let all = (samples * length.rounds) as f64;
    Ok(Measured {
        shape: *shape,
        threads,
        training: Rate::of(training, samples),
        evaluation: Rate::of(evaluation, samples),
        training_per_cpu_second: cpu.map(|seconds| all / seconds),
        floor_samples_per_second: floor,
        hidden_rate: session.activity.rate(1),
        samples: batches.len() * shape.batch,
        peak_memory_mb,
    })
}

/// The least time for the work of one sample on one thread, from the machine's ceilings.
fn floor_seconds(network: &Network, work: &Work) -> f64 {
    let mut ceiling = Ceiling::of(network);
    pool(1).install(|| {
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

/// Processor time of all threads of this process in seconds, where the system tells (Linux).
fn cpu_seconds() -> Option<f64> {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let statistics = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        let running: u64 = statistics.split_whitespace().next()?.parse().ok()?;
        nanoseconds += running;
    }
    Some(nanoseconds as f64 * 1e-9)
}
