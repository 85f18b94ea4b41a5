//! Question: what do the parts of a training step cost, one thread, one batch?
//!
//! Command: `cargo bench -p eventprop --bench parts [-- NAME]`. Three networks: `mnist` (784-128-10, 20 steps of 1 ms,
//! 124 input spikes), `words` (700-256-20, recurrent, 1000 steps of 1 ms, 8000 input spikes, as in SHD) and
//! `event` (5-200-3, exact spike times, first-spike loss). Parts: the forward pass, forward and adjoint pass with the
//! loss between them, and Adam.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use eventprop::loss::{FirstSpike, Loss, Penalty, Weighting};
use eventprop::network::{Clock, Init, Li, Lif, Network};
use eventprop::optim::{Adam, Optimizer};
use eventprop::params::Params;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::Solver;
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop::train::{Plan, Session};

/// A network, its loss, and what is shown to it.
struct Case {
    name: &'static str,
    network: Network,
    loss: Loss,
    /// Samples, input spikes of each, and the part of the trial in which they come in ms.
    samples: usize,
    spikes: u64,
    spread_ms: f64,
}

fn mnist() -> Case {
    let mut network = Network::new(Clock::new(1.0, 20.0).expect("a clock"));
    let input = network.add_input("input", 784);
    let hidden = network.add_lif("hidden", 128, Lif::new(20.0, 5.0).v_thresh(1.0));
    let output = network.add_li("output", 10, Li::new(20.0, 5.0));
    network.connect(input, hidden, normal(0.045, 0.045));
    network.connect(hidden, output, normal(0.2, 0.37));
    Case {
        name: "mnist",
        network,
        loss: Loss::Sum(Weighting::Flat),
        samples: 32,
        spikes: 124,
        spread_ms: 18.0,
    }
}

fn words() -> Case {
    let mut network = Network::new(Clock::new(1.0, 1000.0).expect("a clock"));
    let input = network.add_input("input", 700);
    let hidden = network.add_lif("hidden", 256, Lif::new(20.0, 5.0).v_thresh(1.0));
    let output = network.add_li("output", 20, Li::new(20.0, 5.0));
    network.connect(input, hidden, normal(0.006, 0.02));
    network.connect(hidden, hidden, normal(0.0, 0.02));
    network.connect(hidden, output, normal(0.0, 0.03));
    Case {
        name: "words",
        network,
        loss: Loss::Sum(Weighting::Exp),
        samples: 4,
        spikes: 8000,
        spread_ms: 700.0,
    }
}

fn event() -> Case {
    let mut network = Network::new(Clock::new(0.1, 30.0).expect("a clock"));
    let input = network.add_input("input", 5);
    let lif = || Lif::new(20.0, 5.0).v_thresh(1.0);
    let hidden = network.add_lif("hidden", 200, lif());
    let output = network.add_lif("output", 3, lif());
    network.connect(input, hidden, normal(1.5, 0.78));
    network.connect(hidden, output, normal(0.93, 0.1));
    Case {
        name: "event",
        network,
        loss: Loss::FirstSpike(FirstSpike {
            tau_0: 0.5,
            alpha: 3e-3,
            penalty: Penalty::Exp { tau_1: 6.4 },
            push_silent: true,
        }),
        samples: 32,
        spikes: 5,
        spread_ms: 25.0,
    }
}

fn normal(mean: f64, std: f64) -> Init {
    Init::Normal { mean, std }
}

impl Case {
    fn batch(&self) -> Batch {
        let inputs = self.network.population(self.network.input()).size as u64;
        let classes = self.network.population(self.network.output()).size as u32;
        let train = |sample: u64| {
            let key = Key::new(1, Purpose::Test).with(sample);
            let event = |n: u64| {
                let time_ms = key.uniform(n) * self.spread_ms;
                (time_ms, key.with(1).below(n, inputs) as u32)
            };
            let mut events: Vec<(f64, u32)> = (0..self.spikes).map(event).collect();
            events.sort_by(|x, y| x.0.total_cmp(&y.0));
            let (times, neurons) = events.into_iter().unzip();
            SpikeTrain::new(times, neurons).expect("sorted times")
        };
        let samples = self.samples as u64;
        let labels = (0..self.samples as u32).map(|n| n % classes).collect();
        Batch::new((0..samples).map(train).collect(), labels).expect("a label for every sample")
    }

    fn measure<S: Solver>(&self, criterion: &mut Criterion, solver: S) {
        let params = Params::init(&self.network, 1).expect("weights");
        let plan = Plan::new(
            self.loss,
            Optimizer::Adam(Adam::new(&params, 0.9, 0.999, 1e-8)),
        );
        let mut session = Session::new(solver, params, plan).expect("a loss that fits");
        let batch = self.batch();
        let mut group = criterion.benchmark_group(self.name);
        group.throughput(Throughput::Elements(self.samples as u64));
        group.bench_function("forward and loss", |bencher| {
            bencher.iter(|| black_box(session.test_batch(&batch).expect("finite numbers")));
        });
        group.bench_function("forward, loss and adjoint", |bencher| {
            bencher.iter(|| black_box(session.gradient_of(&batch, None).expect("finite numbers")));
        });
        let numbers = session.params.values().len();
        group.throughput(Throughput::Elements(numbers as u64));
        group.bench_function("Adam", |bencher| {
            // At a rate of 0 the weights stay what they are.
            bencher.iter(|| {
                session
                    .optimizer
                    .step(&mut session.params, &mut session.gradient, 0.0, &[]);
            });
        });
        group.finish();
    }
}

fn parts(criterion: &mut Criterion) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    let pool = pool.use_current_thread().build_global();
    pool.expect("nobody else made a pool");
    for case in [mnist(), words()] {
        let solver = Grid::<f32>::new(&case.network).expect("a network");
        case.measure(criterion, solver);
    }
    let case = event();
    let solver = Event::new(&case.network).expect("a network");
    case.measure(criterion, solver);
}

criterion_group!(benches, parts);
criterion_main!(benches);
