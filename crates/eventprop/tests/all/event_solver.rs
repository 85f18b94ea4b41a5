//! The event solver: solutions written by hand, order at equal times, independence of threads and of
//! the order of samples, and what it refuses.

use eventprop::loss::Loss;
use eventprop::network::{Clock, Init, Li, Lif, Network};
use eventprop::params::Params;
use eventprop::readout::{Observe, Seed};
use eventprop::reduce::Alone;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::solver::{
    Disturbance, Drive, Grazing, HostTrials, Probe, SolveError, Solver, Sum, Trial, Variable,
};
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop_cases::random::{Output, Shape, draw, losses};
use eventprop_cases::solve::solve;

fn clock(trial_ms: f64) -> Clock {
    Clock::new(0.5, trial_ms).unwrap()
}

fn batch(spikes: &[(f64, u32)]) -> Batch {
    let (times, neurons) = spikes.iter().copied().unzip();
    Batch::new(vec![SpikeTrain::new(times, neurons).unwrap()], vec![0]).unwrap()
}

fn forward(
    network: &Network,
    batch: &Batch,
    observe: Observe,
) -> Result<HostTrials<f64, f64>, SolveError> {
    let params = Params::init(network, 1).unwrap();
    let trial = Trial {
        observe,
        disturbance: None,
        voltages: &[],
    };
    let mut out = HostTrials::default();
    Event::new(network)?.forward(&params, batch, trial, &mut out)?;
    Ok(out)
}

/// Drives the adjoint system by ∂L/∂t = 1 of the first spike of output 0.
fn gradient_of_first_spike(network: &Network, batch: &Batch) -> (f64, Params<f64>) {
    let params = Params::init(network, 1).unwrap();
    let mut solver = Event::new(network).unwrap();
    let trial = Trial {
        observe: Observe::FirstSpikes,
        disturbance: None,
        voltages: &[],
    };
    let mut out = HostTrials::default();
    solver.forward(&params, batch, trial, &mut out).unwrap();
    let seed = Seed {
        first_spikes: vec![1.0],
        ..Seed::default()
    };
    let mut gradient = params.zeros_like();
    let drive = Drive {
        seeds: &[seed],
        spike_jumps: &[],
        grazing: Grazing::Keep,
    };
    let sum = Sum {
        gradient: &mut gradient,
        samples: 1,
        reduce: &mut Alone,
        inputs: None,
    };
    solver.adjoint(&params, &out, drive, sum).unwrap();
    (out.readouts[0].first_spikes_ms[0], gradient)
}

/// `[F1]` to `[F5]`, `[A3]`, `[G1]`: one input spike, one output spike. With τ_mem = 2 τ_syn = 10 and
/// w = 8, V = w x (1 − x) with x = e^{−s/10}, so x = (1 + √(1 − 4/w))/2, and by differentiation
/// dt/dw = −10 dx/dw / x with dx/dw = 1/(w² √(1 − 4/w)). Both are a few roundings long.
#[test]
fn one_spike_by_hand() {
    let mut network = Network::new(clock(30.0));
    let input = network.add_input("input", 1);
    let output = network.add_lif("output", 1, Lif::new(10.0, 5.0));
    let w = 8.0f64;
    network.connect_delayed(input, output, Init::Values(vec![w]), 1.5);
    let (time, gradient) = gradient_of_first_spike(&network, &batch(&[(2.0, 0)]));
    let root = (1.0 - 4.0 / w).sqrt();
    let x = f64::midpoint(1.0, root);
    assert!((time - (3.5 - 10.0 * x.ln())).abs() < 8.0 * f64::EPSILON * time);
    let expected = -10.0 / (w * w * root * x);
    assert!((gradient.values()[0] - expected).abs() < 32.0 * f64::EPSILON * expected.abs());
}

/// A neuron at the end of a chain of two fires later by exactly the time that the first one does: for
/// the same constants and weights, t₂ − t₁ = t₁ − t₀.
#[test]
fn a_chain_repeats_its_latency() {
    let mut network = Network::new(clock(40.0));
    let input = network.add_input("input", 1);
    let hidden = network.add_lif("hidden", 1, Lif::new(20.0, 5.0));
    let output = network.add_lif("output", 1, Lif::new(20.0, 5.0));
    // Strong enough for one spike, too weak for two: 8 · 0.157 is above 1 and below 2.
    network.connect(input, hidden, Init::Values(vec![8.0]));
    network.connect(hidden, output, Init::Values(vec![8.0]));
    let out = forward(&network, &batch(&[(1.0, 0)]), Observe::FirstSpikes).unwrap();
    let spikes = &out.tapes[0].populations;
    let (first, second) = (&spikes[hidden.0].when, &spikes[output.0].when);
    assert_eq!((first.len(), second.len()), (1, 1));
    let (latency, again) = (first[0] - 1.0, second[0] - first[0]);
    assert!((latency - again).abs() < 8.0 * f64::EPSILON * second[0]);
}

/// Equal neurons of a loop fire together, and what they send to each other arrives after both have
/// fired: each has the drive of before.
#[test]
fn equal_neurons_fire_together_and_then_deliver() {
    let mut network = Network::new(clock(20.0));
    let input = network.add_input("input", 1);
    let output = network.add_lif("output", 3, Lif::new(20.0, 5.0));
    network.connect(input, output, Init::Values(vec![9.0; 3]));
    network.connect(output, output, Init::Values(vec![-50.0; 9]));
    let out = forward(&network, &batch(&[(1.0, 0)]), Observe::FirstSpikes).unwrap();
    let spikes = &out.tapes[0].populations[output.0];
    assert_eq!(spikes.neuron, [0, 1, 2]);
    assert!(spikes.when.iter().all(|&t| t == spikes.when[0]));
    assert!(
        spikes
            .drive
            .iter()
            .all(|&j| j == spikes.drive[0] && j > 0.0)
    );
}

/// A spike in the last moment exists and keeps its own jump; what would arrive at T does not.
#[test]
fn nothing_arrives_at_the_end() {
    let mut network = Network::new(clock(10.0));
    let input = network.add_input("input", 1);
    let output = network.add_li("output", 1, Li::new(20.0, 5.0));
    network.connect_delayed(input, output, Init::Values(vec![3.0]), 2.0);
    let spikes = batch(&[(1.0, 0), (8.0, 0), (10.0, 0), (11.0, 0)]);
    let mut solver = Event::new(&network).unwrap();
    let params = Params::init(&network, 1).unwrap();
    let solved = solve(&mut solver, &params, &spikes, &Loss::Max);
    assert_eq!(solver.work().arrivals, 1);
    assert_eq!(solved.trials.tapes[0].populations[input.0].len(), 3);
}

/// The maximum of one response is at ln(τ_mem/τ_syn)/rate, and is τ_syn/τ_mem to the power
/// τ_mem/(τ_mem − τ_syn) high.
#[test]
fn a_peak_by_hand() {
    let mut network = Network::new(clock(40.0));
    let input = network.add_input("input", 1);
    let output = network.add_li("output", 1, Li::new(20.0, 5.0));
    network.connect(input, output, Init::Values(vec![1.0]));
    let out = forward(&network, &batch(&[(3.0, 0)]), Observe::Peaks).unwrap();
    let peak = out.readouts[0].peaks[0];
    assert!((peak.time_ms - (3.0 + 4.0f64.ln() / 0.15)).abs() < 1e-14 * 40.0);
    assert!((peak.voltage - 0.25f64.powf(4.0 / 3.0)).abs() < 4.0 * f64::EPSILON);
}

/// `[A5]` `[A6]`: a peak cut off by an inhibitory spike. With τ_mem = 2 τ_syn the hidden neuron fires
/// when w x (1 − x) = 1, and the output, which follows w_o x (1 − x), is turned round there: V_max =
/// w_o/w. So ∂V_max/∂w = −w_o/w², which [A6] alone brings about, ∂V_max/∂w_o = 1/w, and the strength
/// of the inhibition does not matter.
#[test]
fn a_peak_moves_with_the_spike_that_ends_it() {
    let (w, w_o) = (8.0f64, 3.0f64);
    let mut network = Network::new(clock(30.0));
    let input = network.add_input("input", 1);
    let hidden = network.add_lif("hidden", 1, Lif::new(10.0, 5.0));
    let output = network.add_li("output", 1, Li::new(10.0, 5.0));
    network.connect(input, hidden, Init::Values(vec![w]));
    network.connect(input, output, Init::Values(vec![w_o]));
    network.connect_delayed(hidden, output, Init::Values(vec![-7.0]), 0.0);
    let params = Params::init(&network, 1).unwrap();
    let mut solver = Event::new(&network).unwrap();
    let trial = Trial {
        observe: Observe::Peaks,
        disturbance: None,
        voltages: &[],
    };
    let mut out = HostTrials::default();
    let spikes = batch(&[(2.0, 0)]);
    solver.forward(&params, &spikes, trial, &mut out).unwrap();
    let peak = out.readouts[0].peaks[0];
    assert_eq!(peak.time_ms, out.tapes[0].populations[hidden.0].when[0]);
    assert!((peak.voltage - w_o / w).abs() < 8.0 * f64::EPSILON);
    // L = V_max, so −∂L/∂V_max = −1.
    let seed = Seed {
        peaks: vec![-1.0],
        ..Seed::default()
    };
    let mut gradient = params.zeros_like();
    let drive = Drive {
        seeds: &[seed],
        spike_jumps: &[],
        grazing: Grazing::Keep,
    };
    let sum = Sum {
        gradient: &mut gradient,
        samples: 1,
        reduce: &mut Alone,
        inputs: None,
    };
    solver.adjoint(&params, &out, drive, sum).unwrap();
    for (found, expected) in gradient.values().iter().zip([-w_o / (w * w), 1.0 / w, 0.0]) {
        // A few dozen roundings of numbers below one.
        assert!(
            (found - expected).abs() < 32.0 * f64::EPSILON,
            "{found} {expected}"
        );
    }
}

/// ∫ V dt over the nodes against the integral of the two exponentials. The stated bound is 6e-16 of
/// the integrand for each of the pieces, so rounding rules: 1e-14 for sums of a few hundred terms.
#[test]
fn nodes_integrate_the_voltage() {
    let mut network = Network::new(clock(40.0));
    let input = network.add_input("input", 1);
    let output = network.add_li("output", 1, Li::new(20.0, 5.0));
    network.connect(input, output, Init::Values(vec![1.0]));
    let spikes = [(3.0, 0), (3.001, 0), (3.2, 0), (17.0, 0)];
    let out = forward(&network, &batch(&spikes), Observe::Voltage).unwrap();
    let nodes = &out.readouts[0].nodes;
    let widths: f64 = nodes.widths_ms.iter().sum();
    assert!((widths - 40.0).abs() < 1e-13);
    let shown = nodes.widths_ms.iter().zip(&out.readouts[0].voltage);
    let sum: f64 = shown.map(|(width, v)| width * v).sum();
    let area = |s: f64| (20.0 * (1.0 - (-s / 20.0).exp()) - 5.0 * (1.0 - (-s / 5.0).exp())) / 3.0;
    let exact: f64 = spikes.iter().map(|(t, _)| area(40.0 - t)).sum();
    assert!((sum - exact).abs() < 1e-14 * exact);
}

/// Same bits with 1, 2 and 5 threads, and gradients of a permuted batch that differ by the rounding
/// of the sum only.
#[test]
fn threads_and_the_order_of_samples_do_not_matter() {
    for (seed, loss) in (0..).zip(losses()) {
        let shape = Shape {
            samples: 23,
            ..Shape::of_seed(seed, Output::of(&loss))
        };
        let drawn = draw(shape, seed, 1.0);
        let with = |threads: usize, batch: &Batch| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let mut solver = Event::new(&drawn.network).unwrap();
            pool.unwrap()
                .install(|| solve(&mut solver, &drawn.params, batch, &loss))
        };
        let one = with(1, &drawn.batch);
        for threads in [2, 5] {
            let other = with(threads, &drawn.batch);
            assert_eq!(one.gradient, other.gradient);
            assert_eq!(one.trials.tapes, other.trials.tapes);
            assert_eq!(one.outcomes, other.outcomes);
        }
        let order = Key::new(seed, Purpose::Test).permutation(23);
        let permuted = Batch::new(
            order
                .iter()
                .map(|&s| drawn.batch.trains()[s].clone())
                .collect(),
            order.iter().map(|&s| drawn.batch.labels()[s]).collect(),
        );
        let other = with(1, &permuted.unwrap());
        for (position, &sample) in order.iter().enumerate() {
            assert_eq!(other.outcomes[position], one.outcomes[sample]);
        }
        let largest = one
            .gradient
            .values()
            .iter()
            .fold(0.0f64, |m, g| m.max(g.abs()));
        for (a, b) in one.gradient.values().iter().zip(other.gradient.values()) {
            // 23 terms, each no larger than 23 times the largest sum in any but a contrived batch.
            assert!((a - b).abs() <= 23.0 * 23.0 * f64::EPSILON * largest);
        }
    }
}

/// A solver carries nothing from one batch to the next.
#[test]
fn batches_leave_no_trace() {
    let loss = losses()[0];
    let drawn = draw(Shape::of_seed(5, Output::Lif), 5, 1.0);
    let mut solver = Event::new(&drawn.network).unwrap();
    let first = solve(&mut solver, &drawn.params, &drawn.batch, &loss);
    let other = draw(
        Shape {
            samples: 7,
            ..Shape::of_seed(5, Output::Lif)
        },
        5,
        1.0,
    );
    let _ = solve(&mut solver, &drawn.params, &other.batch, &loss);
    let again = solve(&mut solver, &drawn.params, &drawn.batch, &loss);
    assert_eq!(first.gradient, again.gradient);
    assert_eq!(first.trials.tapes, again.trials.tapes);
}

#[test]
fn what_has_no_meaning_between_events_is_refused() {
    let mut network = Network::new(clock(10.0));
    let input = network.add_input("input", 1);
    let output = network.add_lif("output", 1, Lif::new(20.0, 5.0));
    network.connect(input, output, Init::Values(vec![3.0]));
    let spikes = batch(&[(1.0, 0)]);
    for observe in [Observe::Voltage, Observe::Peaks] {
        let refused = forward(&network, &spikes, observe);
        assert!(matches!(refused, Err(SolveError::Unsupported { .. })));
    }
    let key = Key::new(1, Purpose::Noise);
    let mut disturbance = Disturbance {
        withhold: vec![0.0; 2],
        noise: vec![0.0; 2],
        withhold_key: key,
        noise_key: key,
    };
    let params = Params::init(&network, 1).unwrap();
    let mut solver = Event::new(&network).unwrap();
    let mut solve = |disturbance: &Disturbance| {
        let trial = Trial {
            observe: Observe::FirstSpikes,
            disturbance: Some(disturbance),
            voltages: &[],
        };
        solver.forward(&params, &spikes, trial, &mut HostTrials::default())
    };
    assert_eq!(solve(&disturbance), Ok(()));
    disturbance.noise[1] = 0.1;
    assert!(matches!(
        solve(&disturbance),
        Err(SolveError::Unsupported { .. })
    ));
}

/// There are no steps in which to record; the grid records, but not what has no state.
#[test]
fn probes_that_cannot_be_answered_are_refused() {
    let mut network = Network::new(clock(10.0));
    let input = network.add_input("input", 1);
    let output = network.add_li("output", 1, Li::new(20.0, 5.0));
    network.connect(input, output, Init::Values(vec![1.0]));
    let probe = |population| Probe {
        population,
        variable: Variable::Voltage,
    };
    let mut event = Event::new(&network).unwrap();
    event.set_probes(&[]).unwrap();
    let refused = event.set_probes(&[probe(output.0)]);
    assert!(matches!(refused, Err(SolveError::Unsupported { .. })));
    let mut grid = Grid::<f32>::new(&network).unwrap();
    grid.set_probes(&[probe(output.0)]).unwrap();
    for population in [input.0, 2] {
        let refused = grid.set_probes(&[probe(output.0), probe(population)]);
        assert!(matches!(refused, Err(SolveError::Probe { population: p, .. }) if p == population));
    }
}

#[test]
fn diverged_weights_are_reported() {
    let mut network = Network::new(clock(10.0));
    let input = network.add_input("input", 1);
    let hidden = network.add_lif("hidden", 1, Lif::new(20.0, 5.0));
    let output = network.add_lif("output", 1, Lif::new(20.0, 5.0));
    network.connect(input, hidden, Init::Values(vec![30.0]));
    network.connect(hidden, hidden, Init::Values(vec![0.0]));
    network.connect(hidden, output, Init::Values(vec![1.0]));
    let spikes = batch(&[(1.0, 0)]);
    let mut solver = Event::new(&network).unwrap();
    let trial = Trial {
        observe: Observe::FirstSpikes,
        disturbance: None,
        voltages: &[],
    };
    let mut solve_with = |weight: usize, value: f64| {
        let mut params = Params::<f64>::init(&network, 1).unwrap();
        params.values_mut()[weight] = value;
        solver.forward(&params, &spikes, trial, &mut HostTrials::default())
    };
    for (weight, population) in [(0, "hidden"), (1, "hidden"), (2, "output")] {
        for value in [f64::NAN, f64::INFINITY] {
            let Err(SolveError::NotFinite {
                population: found,
                sample: 0,
                ..
            }) = solve_with(weight, value)
            else {
                panic!("{value} of weight {weight} went unnoticed");
            };
            assert_eq!(found, population);
        }
    }
    for weight in [0, 1, 2] {
        assert!(matches!(
            solve_with(weight, 1e12),
            Err(SolveError::TooManySpikes { .. })
        ));
    }
}

/// The three policies at a spike that only just happens: w = 4 is the smallest weight that reaches the
/// threshold with τ_mem = 2 τ_syn; the drive grows like √(w − 4).
#[test]
fn grazing_spikes_follow_the_policy() {
    let mut network = Network::new(clock(30.0));
    let input = network.add_input("input", 1);
    let output = network.add_lif("output", 1, Lif::new(10.0, 5.0));
    network.connect(input, output, Init::Values(vec![4.0 + 1e-6]));
    let params = Params::init(&network, 1).unwrap();
    let mut solver = Event::new(&network).unwrap();
    let trial = Trial {
        observe: Observe::FirstSpikes,
        disturbance: None,
        voltages: &[],
    };
    let mut out = HostTrials::default();
    let spikes = batch(&[(2.0, 0)]);
    solver.forward(&params, &spikes, trial, &mut out).unwrap();
    let drive_j = out.tapes[0].populations[output.0].drive[0];
    assert!(drive_j > 0.0 && drive_j < 0.01);
    let seed = Seed {
        first_spikes: vec![1.0],
        ..Seed::default()
    };
    let mut gradient = params.zeros_like();
    let mut run = |grazing| {
        let drive = Drive {
            seeds: std::slice::from_ref(&seed),
            spike_jumps: &[],
            grazing,
        };
        let sum = Sum {
            gradient: &mut gradient,
            samples: 1,
            reduce: &mut Alone,
            inputs: None,
        };
        solver
            .adjoint(&params, &out, drive, sum)
            .map(|()| gradient.values()[0])
    };
    let kept = run(Grazing::Keep).unwrap();
    let limited = run(Grazing::Limit(0.01)).unwrap();
    assert!((kept * drive_j - limited * 0.01).abs() < 1e-12 * (kept * drive_j).abs());
    assert!(matches!(
        run(Grazing::Error),
        Err(SolveError::Grazing {
            neuron: 0,
            sample: 0,
            ..
        })
    ));
}
