//! What ranks gain: the time of a batch by part, measured here, and what a model makes of it for more ranks.
//!
//! ```text
//! cargo run --release -p eventprop-mpi --example scaling -- shd 256
//! mpirun -n 2 target/release/examples/scaling shd 256      # built with --features mpi
//! ```
//!
//! Words: a workload of `eventprop bench`, samples in a batch, and for the model latency in µs, bandwidth in GB/s, and ms to
//! solve a sample where those that are measured here are not to count. Every rank has one thread. `docs/scaling.md` has results, and the model in words.
#![allow(clippy::print_stdout, reason = "an example reports to whoever runs it")]

use std::env;
use std::error::Error;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use eventprop::optim::{Adam, Optimizer};
use eventprop::params::Params;
use eventprop::real::NumbersMut;
use eventprop::reduce::{Alone, Reduce, ReduceError};
use eventprop::solver::Solver;
use eventprop::spikes::Batch;
use eventprop::train::{Plan, Session};
use eventprop::with_solver;
use eventprop_experiment::bench::{Shape, Workload};
use eventprop_mpi::World;

/// Batches that are timed, after some that are not.
const BATCHES: usize = 12;
const BEFORE: usize = 3;

/// Time that a rank spends in sums, and in waiting for others.
#[derive(Debug)]
struct Timed {
    inner: Box<dyn Reduce>,
    nanoseconds: Arc<AtomicU64>,
}

impl Timed {
    fn timed<T>(&mut self, work: impl FnOnce(&mut dyn Reduce) -> T) -> T {
        let begin = Instant::now();
        let done = work(&mut *self.inner);
        let spent = begin.elapsed().as_nanos() as u64;
        self.nanoseconds.fetch_add(spent, Ordering::Relaxed);
        done
    }
}

impl Reduce for Timed {
    fn share(&mut self, samples: usize, group: usize) -> Range<usize> {
        self.inner.share(samples, group)
    }

    fn total(&mut self, counts: &mut [u64]) -> Result<(), ReduceError> {
        self.timed(|inner| inner.total(counts))
    }

    fn join(&mut self, sum: NumbersMut<'_>) -> Result<(), ReduceError> {
        self.timed(|inner| inner.join(sum))
    }

    fn hand_on(&mut self, sum: NumbersMut<'_>) -> Result<(), ReduceError> {
        self.timed(|inner| inner.hand_on(sum))
    }

    fn fail(&mut self) {
        self.inner.fail();
    }
}

/// The fastest batch by part, in ms; and what its size says.
struct Parts {
    solve: f64,
    sum: f64,
    rest: f64,
    groups: usize,
    numbers: usize,
    number_bytes: usize,
    counts: usize,
}

/// Other work on a machine only adds to a time.
fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn measure<S: Solver>(shape: &Shape, reduce: Box<dyn Reduce>) -> Result<Parts, Box<dyn Error>> {
    let network = shape.network()?;
    let params = Params::<S::Real>::init(&network, 1)?;
    let optimizer = Optimizer::Adam(Adam::new(&params, 0.9, 0.999, 1e-8));
    let plan = Plan::new(shape.loss(), optimizer);
    let mut session = Session::new(S::for_network(&network)?, params, plan)?;
    let nanoseconds = Arc::new(AtomicU64::new(0));
    session.reduce = Box::new(Timed {
        inner: reduce,
        nanoseconds: Arc::clone(&nanoseconds),
    });
    let mut batches = shape.batches(BATCHES + BEFORE);
    let share = session.share(shape.batch);
    let (mut solve, mut sum, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..BATCHES + BEFORE {
        let whole = batches.get(index);
        let trains = whole.trains()[share.clone()].to_vec();
        let batch = Batch::new(trains, whole.labels()[share.clone()].to_vec())?;
        // All begin together.
        session.reduce.total(&mut [0])?;
        nanoseconds.store(0, Ordering::Relaxed);
        let begin = Instant::now();
        session.gradient_of(&batch, None)?;
        let gradient = begin.elapsed().as_secs_f64() * 1e3;
        session
            .optimizer
            .step(&mut session.params, &mut session.gradient, 1e-3, &[]);
        let all = begin.elapsed().as_secs_f64() * 1e3;
        if index >= BEFORE {
            let waited = nanoseconds.load(Ordering::Relaxed) as f64 * 1e-6;
            solve.push(gradient - waited);
            sum.push(waited);
            rest.push(all - gradient);
        }
    }
    let group = session.solver.group_len(shape.batch);
    let neurons = network.populations().iter().map(|p| p.size + 2);
    Ok(Parts {
        solve: least(&solve),
        sum: least(&sum),
        rest: least(&rest),
        groups: shape.batch.div_ceil(group),
        numbers: session.params.values().len(),
        number_bytes: size_of::<S::Real>(),
        counts: 1 + neurons.sum::<usize>() + 2 * shape.batch,
    })
}

/// A network between ranks.
#[derive(Clone, Copy)]
struct Wires {
    /// Seconds for an empty message.
    latency: f64,
    /// Bytes in a second.
    bandwidth: f64,
}

impl Wires {
    fn message(self, bytes: usize) -> f64 {
        self.latency + bytes as f64 / self.bandwidth
    }
}

/// Adding what a rank was sent to its own sum, bytes in a second: as fast as memory is read.
const ADDING: f64 = 5e9;

/// Seconds of a batch on so many ranks: the groups of the busiest, the optimiser, and messages. Counts go up and down
/// a tree in three rounds (samples; counts and outcomes; whether to stop), sums along the chain of the ranks that
/// have a share, and down a tree.
fn model(parts: &Parts, ranks: usize, wires: Wires) -> f64 {
    let busy = ranks.min(parts.groups);
    let share = parts.groups.div_ceil(busy) as f64 / parts.groups as f64;
    let bytes = parts.numbers * parts.number_bytes;
    let depth = f64::from(ranks.next_power_of_two().trailing_zeros());
    let counts = wires.message(8) + wires.message(8 * parts.counts) + wires.message(16);
    let hop = wires.message(bytes) + bytes as f64 / ADDING;
    let sums = (busy - 1) as f64 * hop + depth * wires.message(bytes);
    1e-3 * (parts.solve * share + parts.rest) + 2.0 * depth * counts + sums
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let word = |index: usize, or: &str| words.get(index).cloned().unwrap_or(or.to_owned());
    let name = word(0, "shd");
    let workload = Workload::ALL.into_iter().find(|w| w.name() == name);
    let workload = workload.ok_or("the first word is a workload of `eventprop bench`")?;
    let shape = Shape {
        batch: word(1, "32").parse()?,
        ..workload.shape()
    };
    let wires = Wires {
        latency: 1e-6 * word(2, "2").parse::<f64>()?,
        bandwidth: 1e9 * word(3, "10").parse::<f64>()?,
    };
    let world = World::begin()?;
    let ranks = world.as_ref().map(World::ranks);
    let (rank, count) = ranks.as_ref().map_or((0, 1), |r| (r.rank(), r.ranks()));
    let reduce: Box<dyn Reduce> = match ranks {
        Some(ranks) => Box::new(ranks),
        None => Box::new(Alone),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let measured = pool.install(|| {
        let parts = with_solver!(shape.solver, S => measure::<S>(&shape, reduce));
        parts.map_err(|error| error.to_string())
    })?;
    let Parts {
        solve, sum, rest, ..
    } = measured;
    println!(
        "{name} batch {} rank {rank} of {count}: solve {solve:.2} ms, sum and wait {sum:.2} ms, rest {rest:.2} ms; {} groups, {} parameters",
        shape.batch, measured.groups, measured.numbers
    );
    if count == 1 {
        let measured = match words.get(4) {
            Some(ms) => Parts {
                solve: shape.batch as f64 * ms.parse::<f64>()?,
                ..measured
            },
            None => measured,
        };
        println!("ranks  ms      times faster  efficiency   (model)");
        let one = model(&measured, 1, wires);
        for ranks in (0..=10).map(|power| 1 << power) {
            let time = model(&measured, ranks, wires);
            println!(
                "{ranks:5}  {:<7.2} {:<13.2} {:.0} %",
                1e3 * time,
                one / time,
                100.0 * one / time / ranks as f64
            );
        }
    }
    Ok(())
}
