//! The solver of cards, on the first device of this machine, which may be a software driver.
#![allow(
    clippy::print_stdout,
    reason = "a test that has no device says so, and figures of a proof are shown with --nocapture"
)]

use std::sync::atomic::AtomicBool;

use eventprop::loss::Loss;
use eventprop::network::{Clock, Init, Li, Lif, Network};
use eventprop::params::Params;
use eventprop::solver::grid::Grid;
use eventprop::solver::grid::judge::Judge;
use eventprop::solver::{HostTrials, SolveError, Solver, Trial};
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop_cases::random::{Drawn, Output, Shape, draw, loss_of_seed, losses};
use eventprop_cases::run::rounding;
use eventprop_cases::{Solved, TimeKind, all, run, solve};
use eventprop_experiment::data::Source;
use eventprop_experiment::run::{Command, Control, Progress, Summary};
use eventprop_gpu::{Card, DeviceName, Gpu, Named, devices};
use eventprop_params::{Benchmark, Parameters};

/// The first device, if there is one.
fn card() -> Option<Card> {
    if devices().unwrap().is_empty() {
        println!("skipped: no adapter");
        return None;
    }
    Some(Card::new(Named::Number(0)).unwrap())
}

/// Networks that cards solve: deep, recurrent, with skips, constant delays, constants of their own, adapting
/// thresholds and trained constants.
fn drawn(seed: u64, samples: usize, loss: &Loss) -> Drawn {
    let shape = Shape {
        one_to_one: false,
        sparse: false,
        images: false,
        adapting: seed % 4 > 1,
        trained: seed % 8 > 3,
        samples,
        ..Shape::of_seed(seed, Output::of(loss))
    };
    draw(shape, seed, 0.25)
}

type Found = Solved<HostTrials<u32, f32>>;

fn solved(solver: &mut Gpu, drawn: &Drawn, loss: &Loss) -> Found {
    solve(solver, &drawn.params.cast(), &drawn.batch, loss)
}

/// Refutes any of the equations as the kernels compute them: every case of the corpus that they do not refuse by name.
#[test]
fn corpus() {
    let Some(card) = card() else {
        return;
    };
    let (mut ran, mut refused, mut lines) = (0, Vec::new(), Vec::new());
    for case in all().unwrap() {
        if case.expected_of(TimeKind::Grid).is_none() {
            continue;
        }
        let mut solver = match Gpu::on(&case.network, &card) {
            Ok(solver) => solver,
            Err(SolveError::Unsupported { .. }) => {
                refused.push(case.name.clone());
                continue;
            }
            Err(error) => panic!("{}: {error}", case.name),
        };
        let report = run(&case, &mut solver).expect("something is expected of the grid");
        ran += 1;
        println!(
            "{:32} {:4} numbers, worst error {:.2e} of its tolerance",
            case.name, report.compared, report.worst
        );
        lines.extend(report.differences.iter().map(ToString::to_string));
    }
    println!("{ran} ran, refused: {refused:?}");
    assert!(lines.is_empty(), "{}", lines.join("\n"));
    // Wirings that are not dense, delays that are parameters, refractory times, and neurons from equations.
    refused.retain(|name| !name.starts_with("equations_"));
    let mut known = [
        "analytic_one_to_one",
        "one_to_one",
        "sparse",
        "convolution",
        "analytic_trained_delays",
        "trained_delays",
        "refractory",
    ];
    refused.sort();
    known.sort();
    assert_eq!(refused, known);
}

/// Refutes spikes and gradients of networks that nobody chose: against the judge, whose f64 differs by rounding as
/// `eventprop_cases::run` derives it. Draws with a voltage within rounding of its threshold are left out.
#[test]
fn gradients_are_those_of_the_judge() {
    const DRAWS: u64 = 20;
    let Some(card) = card() else {
        return;
    };
    let (mut same, mut worst) = (0, 0.0_f64);
    for seed in 0..DRAWS {
        let loss = loss_of_seed(seed);
        let drawn = drawn(seed, 3, &loss);
        let mut judge = Judge::new(&drawn.network).unwrap();
        let judged = solve(&mut judge, &drawn.params, &drawn.batch, &loss);
        let mut solver = Gpu::on(&drawn.network, &card).unwrap();
        let found = solved(&mut solver, &drawn, &loss);
        let tapes = judged.trials.tapes.iter().zip(&found.trials.tapes);
        let is_same = tapes.into_iter().all(|(judged, found)| {
            // The input population comes first; its spikes are given, not computed.
            let pairs = judged.populations.iter().zip(&found.populations).skip(1);
            pairs
                .into_iter()
                .all(|(j, f)| j.when == f.when && j.neuron == f.neuron)
        });
        if !is_same {
            continue;
        }
        same += 1;
        let tolerance = rounding::<f32, _>(&drawn.network, &judged.trials);
        let gap = gap(&found.gradient, &judged.gradient);
        worst = worst.max(gap / tolerance);
        assert!(
            gap <= tolerance,
            "seed {seed}: {gap:e}, tolerance {tolerance:e}"
        );
    }
    println!(
        "{same} of {DRAWS} draws have the same spikes; largest gap {worst:.2} of its tolerance"
    );
    assert!(same * 10 > DRAWS * 9);
}

/// The largest difference as a share of the largest derivative.
fn gap(found: &Params<f32>, expected: &Params<f64>) -> f64 {
    let largest = expected
        .values()
        .iter()
        .fold(0.0, |m: f64, g| m.max(g.abs()));
    let pairs = found.values().iter().zip(expected.values());
    let difference = pairs.fold(0.0, |m: f64, (f, e)| m.max((f64::from(*f) - e).abs()));
    if difference == 0.0 {
        0.0
    } else {
        difference / largest
    }
}

/// Refutes an order of summation that depends on threads or windows: two runs of one solver, one of another, and windows
/// of 1, 7 and all steps have the same bits.
#[test]
fn bits_depend_neither_on_the_run_nor_on_windows() {
    let Some(card) = card() else {
        return;
    };
    for (seed, loss) in losses().into_iter().enumerate().take(4) {
        let drawn = drawn(seed as u64 + 1, 5, &loss);
        let mut solver = Gpu::on(&drawn.network, &card).unwrap();
        let first = solved(&mut solver, &drawn, &loss);
        let again = solved(&mut solver, &drawn, &loss);
        assert_eq!(again.trials.tapes, first.trials.tapes);
        assert_eq!(bits(&again.gradient), bits(&first.gradient), "{loss:?}");
        for window in [1, 7, 1000] {
            let mut solver = Gpu::on(&drawn.network, &card).unwrap();
            solver.set_window(window);
            let other = solved(&mut solver, &drawn, &loss);
            assert_eq!(other.trials.readouts, first.trials.readouts);
            assert_eq!(
                bits(&other.gradient),
                bits(&first.gradient),
                "{loss:?}, {window}"
            );
        }
    }
}

fn bits(params: &Params<f32>) -> Vec<u32> {
    params.values().iter().map(|g| g.to_bits()).collect()
}

/// A recurrent network of 300 neurons, more than one for each thread, all of which fire in nearly every step.
fn storm() -> (Network, Batch) {
    let mut network = Network::new(Clock::new(1.0, 30.0).unwrap());
    let input = network.add_input("input", 2);
    let hidden = network.add_lif("hidden", 300, Lif::new(20.0, 5.0));
    let output = network.add_li("output", 3, Li::new(20.0, 5.0));
    network.connect(input, hidden, Init::Values(vec![60.0; 600]));
    let recurrent = (0..90_000).map(|n| f64::from(n % 7) * 1e-3);
    network.connect(hidden, hidden, Init::Values(recurrent.collect()));
    let forward = (0..900).map(|n| f64::from(n % 5) * 1e-3);
    network.connect(hidden, output, Init::Values(forward.collect()));
    let train = |first: f64| SpikeTrain::new(vec![first, first + 3.0], vec![0, 1]).unwrap();
    let batch = Batch::new(vec![train(0.0), train(2.5)], vec![0, 2]).unwrap();
    (network, batch)
}

/// Refutes a spike that is lost where the tape is too short at first, and words and threads beyond the first ones.
#[test]
fn the_tape_grows_and_no_spike_is_lost() {
    let Some(card) = card() else {
        return;
    };
    let (network, batch) = storm();
    let params = Params::<f32>::init(&network, 1).unwrap();
    let loss = losses()[4];
    let mut grid = Grid::<f32>::new(&network).unwrap();
    let expected = solve(&mut grid, &params, &batch, &loss);
    let found = solve(
        &mut Gpu::on(&network, &card).unwrap(),
        &params,
        &batch,
        &loss,
    );
    let tapes = expected.trials.tapes.iter().zip(&found.trials.tapes);
    for (expected, found) in tapes {
        for (expected, found) in expected.populations.iter().zip(&found.populations) {
            assert_eq!(
                (&found.when, &found.neuron),
                (&expected.when, &expected.neuron)
            );
        }
        assert!(found.populations[1].len() > 300 * 8);
    }
    let tolerance = rounding::<f32, _>(&network, &expected.trials);
    let gap = gap(&found.gradient, &expected.gradient.cast());
    // Both round.
    assert!(gap <= 2.0 * tolerance, "{gap:e}, tolerance {tolerance:e}");
}

/// Refutes that what is refused has no name or no way out.
#[test]
fn what_cannot_be_is_told() {
    let Some(card) = card() else {
        return;
    };
    let error = DeviceName::Gpu(Card::new(Named::Number(99)).unwrap()).check();
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("there is no gpu:99, but gpu:0 ("),
        "{error}"
    );
    let (network, batch) = storm();
    let params = Params::<f32>::init(&network, 1).unwrap();
    let mut solver = Gpu::on(&network, &card).unwrap();
    solver.lose();
    let trial = Trial::observing(losses()[4].observes());
    let lost = solver.forward(&params, &batch, trial, &mut HostTrials::default());
    let error = lost.unwrap_err().to_string();
    assert!(error.contains("failed: it was lost"), "{error}");
    // Observed voltages have 4 bytes for each sample, output, step and the end.
    let network = network.on_clock(Clock::new(0.001, 30.0).unwrap());
    let most = devices().unwrap()[0].buffer_most;
    let samples = (most / (4 * 3 * 30_001)) as usize + 1;
    if samples > 2000 {
        println!("the largest buffer has {most} bytes, too many to go beyond them here");
        return;
    }
    let trains = vec![batch.trains()[0].clone(); samples];
    let batch = Batch::new(trains, vec![0; samples]).unwrap();
    let mut solver = Gpu::on(&network, &card).unwrap();
    let large = solver.forward(&params, &batch, trial, &mut HostTrials::default());
    let error = large.unwrap_err().to_string();
    assert!(
        error.contains("observed voltages of the batch take") && error.contains("N_BATCH"),
        "{error}"
    );
}

/// A training with `DEVICE`, without pictures, and the weights it leaves.
fn train(benchmark: Benchmark, assignments: &[&str]) -> (Summary, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let mut params = Parameters::new(benchmark);
    let out_dir = format!("OUT_DIR={}", folder.path().display());
    for assignment in assignments.iter().copied().chain([&*out_dir]) {
        params.assign(assignment).expect(assignment);
    }
    params.draw_seeds(|| 5);
    let source = Source {
        dirs: Vec::new(),
        demonstration: true,
    };
    let (mut nobody, never) = (|_: &Progress<'_>| {}, AtomicBool::new(false));
    let mut control = Control::new(&mut nobody, &never);
    let draw = eventprop_report::draw;
    let summary =
        eventprop_experiment::run::run(Command::Train, &params, &source, draw, &mut control);
    let summary = summary.unwrap_or_else(|error| panic!("{assignments:?}: {error}"));
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .collect();
    names.retain(|entry| entry.file_name().to_string_lossy().ends_with(".npy"));
    names.sort_by_key(std::fs::DirEntry::file_name);
    let bytes = names
        .iter()
        .flat_map(|entry| std::fs::read(entry.path()).unwrap());
    (summary, bytes.collect())
}

/// Refutes a training on the device that learns less than one on the processor, or differs from run to run. Of n samples
/// the accuracy has a standard deviation of √(p (1 − p)/n) ≤ 1/(2 √n), and the two runs come apart by rounding: four of
/// these.
#[test]
fn trainings_learn_what_they_learn_on_the_processor() {
    if card().is_none() {
        return;
    }
    let trainings: [(Benchmark, &[&str]); 2] = [
        (
            Benchmark::YinYang,
            &[
                "SOLVER=grid",
                "DT_MS=0.5",
                "NUM_HIDDEN=30",
                "N_TRAIN=160",
                "N_VALIDATE=64",
                "N_TEST=64",
                "N_EPOCH=2",
            ],
        ),
        (Benchmark::Mnist, &["NUM_HIDDEN=40", "N_EPOCH=2"]),
    ];
    for (benchmark, assignments) in trainings {
        let on = |device: &str| {
            let device: &[&str] = &[device];
            train(benchmark, &[assignments, device].concat())
        };
        let (here, _) = on("DEVICE=cpu");
        let (there, weights) = on("DEVICE=gpu:0");
        let scores = [&here, &there].map(|summary| summary.test.expect("a test"));
        let [a, b] = scores.map(|score| score.accuracy);
        println!("{benchmark}: {a:.4} on the processor, {b:.4} on the device");
        let apart = 4.0 / (2.0 * (64.0_f64 * 3.0).sqrt());
        assert!((a - b).abs() <= apart, "{benchmark}: {a} and {b}");
        assert!(on("DEVICE=gpu:0").1 == weights, "{benchmark}");
    }
}
