//! The losses on readouts made by hand: values that can be computed in the head, and every seed
//! against central differences of the value. Files: first_spike, max, sum, avg_xentropy, softmax.

use std::f64::consts::LN_2;
use std::sync::Arc;

use eventprop::loss::{Evaluator, FirstSpike, Loss, LossScale, Outcome, Penalty, Weighting};
use eventprop::network::{Clock, Init, Li, Lif, Network};
use eventprop::readout::{Nodes, Peak, Readout, Seed};
use eventprop::rng::{Key, Purpose};
use eventprop_cases::random::losses;

const STEPS: usize = 8;
const DT: f64 = 2.5;
const TRIAL: f64 = 20.0;
const TAU_MEM: f64 = 8.0;

/// A few roundings of numbers of order one.
const ROUNDING: f64 = 16.0 * f64::EPSILON;

fn evaluator(loss: &Loss, outputs: usize, scale: LossScale) -> Evaluator {
    let mut network = Network::new(Clock::new(DT, TRIAL).unwrap());
    let input = network.add_input("input", 1);
    let output = match loss {
        Loss::FirstSpike(_) => network.add_lif("output", outputs, Lif::new(TAU_MEM, 4.0)),
        _ => network.add_li("output", outputs, Li::new(TAU_MEM, 4.0)),
    };
    network.connect(input, output, Init::Values(vec![1.0; outputs]));
    loss.prepare(&network, scale).unwrap()
}

fn evaluate(loss: &Loss, readout: &Readout<f64>, outputs: usize) -> (Outcome, Seed<f64>) {
    let mut seed = Seed::default();
    let outcome = evaluator(loss, outputs, LossScale::Exact).evaluate(readout, 0, 1, &mut seed);
    (outcome, seed)
}

/// A readout of voltages on the grid; `v(k, j)` is V of output j at the start of step k.
fn on_grid(outputs: usize, v: impl Fn(usize, usize) -> f64) -> Readout<f64> {
    Readout {
        nodes: Arc::new(Nodes {
            times_ms: (0..STEPS).map(|k| k as f64 * DT).collect(),
            widths_ms: vec![DT; STEPS],
            grid: true,
        }),
        voltage: (0..=STEPS)
            .flat_map(|k| (0..outputs).map(move |j| (k, j)))
            .map(|(k, j)| v(k, j))
            .collect(),
        ..Readout::default()
    }
}

/// A readout of voltages at nodes of uneven widths, as between events.
fn between_events(outputs: usize, v: impl Fn(usize, usize) -> f64) -> Readout<f64> {
    let mut readout = on_grid(outputs, v);
    readout.voltage.truncate(STEPS * outputs);
    readout.nodes = Arc::new(Nodes {
        times_ms: (0..STEPS).map(|q| (q as f64 + 0.3) * DT).collect(),
        widths_ms: (0..STEPS).map(|q| DT * [0.5, 1.5][q % 2]).collect(),
        grid: false,
    });
    readout
}

fn of_peaks(voltages: &[f64]) -> Readout<f64> {
    let peak = |&voltage| Peak {
        voltage,
        time_ms: 1.0,
    };
    Readout {
        peaks: voltages.iter().map(peak).collect(),
        ..Readout::default()
    }
}

fn of_times(times_ms: &[f64]) -> Readout<f64> {
    Readout {
        first_spikes_ms: times_ms.to_vec(),
        ..Readout::default()
    }
}

fn close(found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= ROUNDING * expected.abs().max(1.0),
        "{found} {expected}"
    );
}

/// `[L1]` `[L2]` of `sum` and `softmax`: V = (ln 2, 0) all the time gives z = (ln 2, 0), p = (2/3, 1/3).
/// `[L3]`: A = (δ − p)/T. The last voltage of the grid, at the end of the trial, must not count.
#[test]
fn sum_of_constant_voltages() {
    let loss = Loss::Sum(Weighting::Flat);
    let readout = on_grid(2, |k, j| match (k, j) {
        (STEPS, _) => 1e9,
        (_, 0) => LN_2,
        _ => 0.0,
    });
    let (outcome, seed) = evaluate(&loss, &readout, 2);
    close(outcome.loss, 1.5_f64.ln());
    assert_eq!(outcome.prediction, Some(0));
    assert_eq!(seed.voltage.len(), 2 * STEPS);
    for row in seed.voltage.chunks(2) {
        close(row[0], (1.0 - 2.0 / 3.0) / TRIAL);
        close(row[1], -1.0 / 3.0 / TRIAL);
    }
}

/// `[L2]`: with V = 1 in one step of 2.5 ms of 20 ms and 0 elsewhere, z = w(t)/8, and the loss of two
/// outputs is ln(1 + e^{−z}); so every weight is read off the loss, at the start of its step (Q6).
#[test]
fn weights_of_the_weighted_sums() {
    let sigmoid = |x: f64| 1.0 / (1.0 + ((x - 0.5) / 0.2).exp());
    let late = |x: f64| 4.0 * (4.0 * (x - 1.0)).exp();
    let of: [(Weighting, &dyn Fn(f64) -> f64); 5] = [
        (Weighting::Flat, &|_| 1.0),
        (Weighting::Linear, &|x| 1.0 - x),
        (Weighting::Exp, &|x| (-x).exp()),
        (Weighting::Sigmoid, &sigmoid),
        (Weighting::Late { tau: TRIAL / 4.0 }, &late),
    ];
    for (weighting, w) in of {
        for step in 0..STEPS {
            let readout = on_grid(2, |k, j| f64::from(u8::from(k == step && j == 0)));
            let (outcome, _) = evaluate(&Loss::Sum(weighting), &readout, 2);
            let z = w(step as f64 / STEPS as f64) / STEPS as f64;
            close(outcome.loss, (-z).exp().ln_1p());
        }
    }
}

/// `[L11]`: explicit Euler, one step late. A spike in step 0 has reached the accumulator
/// after step 1, and the weight of step 2 is the first to show it.
#[test]
fn sum_weigh_input_on_the_grid() {
    let (tau, gain) = (10.0, 0.4);
    let loss = Loss::Sum(Weighting::Input { tau, gain });
    let kept = 1.0 - DT / tau;
    let expected = [0.0, 0.0, gain, gain * kept, gain * kept * kept + gain];
    for (step, weight) in expected.into_iter().enumerate() {
        let mut readout = on_grid(2, |k, j| f64::from(u8::from(k == step && j == 0)));
        readout.input_ms = vec![0.0, 2.0 * DT];
        let (outcome, _) = evaluate(&loss, &readout, 2);
        close(outcome.loss, (-weight / STEPS as f64).exp().ln_1p());
    }
}

/// `[L4]` between events: w(t) = gain Σ e^{−(t − t_s)/τ} over the spikes before t.
#[test]
fn sum_weigh_input_between_events() {
    let (tau, gain) = (10.0, 0.4);
    let loss = Loss::Sum(Weighting::Input { tau, gain });
    for node in 0..STEPS {
        let mut readout = between_events(2, |q, j| f64::from(u8::from(q == node && j == 0)));
        readout.input_ms = vec![1.0, 6.0];
        let t = readout.nodes.times_ms[node];
        let before = readout.input_ms.iter().filter(|&&s| s <= t);
        let w: f64 = before.map(|s| gain * ((s - t) / tau).exp()).sum();
        let z = w * readout.nodes.widths_ms[node] / TRIAL;
        let (outcome, _) = evaluate(&loss, &readout, 2);
        close(outcome.loss, (-z).exp().ln_1p());
    }
}

/// `[L5]` `[L6]` of `avg_xentropy`: p = (3/4, 1/4) at the end of the first half of the steps and
/// (1/2, 1/2) at the end of the second half. Probabilities belong to the end of a step, the
/// prediction to its start: the voltage at the start of the trial must not enter the loss.
#[test]
fn avg_xentropy_of_two_halves() {
    let readout = on_grid(2, |k, j| match (k, j) {
        (0, 1) => 1e3,
        (0, _) | (_, 1) => 0.0,
        (k, _) if k <= STEPS / 2 => 3.0_f64.ln(),
        _ => 0.0,
    });
    let (outcome, seed) = evaluate(&Loss::AvgXentropy, &readout, 2);
    close(outcome.loss, 0.5 * (4.0 / 3.0_f64).ln() + 0.5 * LN_2);
    assert_eq!(outcome.prediction, Some(1));
    close(seed.voltage[0], 0.25 / TRIAL);
    close(seed.voltage[2 * STEPS - 1], -0.5 / TRIAL);
}

/// `[L7]` of `max`: peaks (ln 4, 0) give p = (4/5, 1/5); the seed is δ − p.
#[test]
fn loss_max_of_two_peaks() {
    let (outcome, seed) = evaluate(&Loss::Max, &of_peaks(&[2.0 * LN_2, 0.0]), 2);
    close(outcome.loss, 1.25_f64.ln());
    assert_eq!(outcome.prediction, Some(0));
    close(seed.peaks[0], 0.2);
    close(seed.peaks[1], -0.2);
}

/// `[L8]` `[L9]` of `first_spike`: times 2 and 2 + τ0 ln 3 give p = (3/4, 1/4), and the penalty is
/// α/(1.01 T − t) with derivative α/(1.01 T − t)².
#[test]
fn first_spike_of_two_times() {
    let (tau_0, alpha) = (2.0, 0.1);
    let loss = losses()[0];
    let readout = of_times(&[2.0, 2.0 + tau_0 * 3.0_f64.ln()]);
    let (outcome, seed) = evaluate(&loss, &readout, 2);
    let room = 1.01 * TRIAL - 2.0;
    close(outcome.loss, (4.0 / 3.0_f64).ln() + alpha / room);
    assert_eq!(outcome.prediction, Some(0));
    close(seed.first_spikes[0], 0.25 / tau_0 + alpha / (room * room));
    close(seed.first_spikes[1], -0.25 / tau_0);
}

/// `[L8]` `[L9]` of `first_spike_exp`: the penalty is α (e^{t/τ1} − 1).
#[test]
fn first_spike_exp_of_two_times() {
    let (tau_0, alpha, tau_1) = (2.0, 0.1, 10.0);
    let loss = losses()[1];
    let t = tau_1 * 2.0 * LN_2;
    let (outcome, seed) = evaluate(&loss, &of_times(&[t, t]), 2);
    close(outcome.loss, LN_2 + alpha * 3.0);
    close(seed.first_spikes[0], 0.5 / tau_0 + alpha / tau_1 * 4.0);
    close(seed.first_spikes[1], -0.5 / tau_0);
}

/// `[L8]`: a silent output counts as T + 1 ms in the softmax; a sample without any output spike has
/// no prediction; the push on a silent labelled output is P'(T)/N and exists only when asked for.
#[test]
fn first_spike_of_silent_outputs() {
    let silent = f64::INFINITY;
    let loss = losses()[0];
    let (outcome, seed) = evaluate(&loss, &of_times(&[TRIAL - 1.0, silent]), 2);
    // The times differ by 2 ms, τ0 = 2 ms.
    close(
        outcome.loss,
        (-1.0_f64).exp().ln_1p() + 0.1 / (0.01 * TRIAL + 1.0),
    );
    assert!(seed.silent.is_empty());
    let (outcome, _) = evaluate(&loss, &of_times(&[silent, silent]), 2);
    assert_eq!(outcome.prediction, None);

    let Loss::FirstSpike(first_spike) = loss else {
        unreachable!("losses() begins with first_spike")
    };
    let pushing = Loss::FirstSpike(FirstSpike {
        push_silent: true,
        ..first_spike
    });
    let mut seed = Seed::default();
    let readout = of_times(&[silent, 3.0]);
    evaluator(&pushing, 2, LossScale::Exact).evaluate(&readout, 0, 4, &mut seed);
    let room = 0.01 * TRIAL;
    assert!((seed.silent[0] - 0.1 / (room * room) / 4.0).abs() < 1e-12 * seed.silent[0]);
    assert_eq!(seed.silent[1], 0.0);
}

/// A readout with random numbers in every part that a loss may look at.
fn random_readout(loss: &Loss, key: Key, grid: bool) -> Readout<f64> {
    let v = |k: usize, j: usize| key.normal((k * 3 + j) as u64);
    let mut readout = if grid {
        on_grid(3, v)
    } else {
        between_events(3, v)
    };
    readout.input_ms = (0..6).map(|n| f64::from(n) * DT).collect();
    readout.peaks = of_peaks(&[v(20, 0), v(20, 1), v(20, 2)]).peaks;
    readout.first_spikes_ms = (0..3).map(|j| TRIAL * key.uniform(90 + j)).collect();
    if matches!(loss, Loss::FirstSpike(_)) {
        readout.voltage.clear();
    }
    readout
}

/// The central difference of the loss, of fourth order: (8 (f₁ − f₋₁) − (f₂ − f₋₂)) / 12h.
fn difference(loss: &dyn Fn(f64) -> f64, h: f64) -> f64 {
    (8.0 * (loss(h) - loss(-h)) - (loss(2.0 * h) - loss(-2.0 * h))) / (12.0 * h)
}

/// `[L3]` `[L6]` `[L7]` `[L9]`, with and without `[L12]`: every seed of every loss is the derivative of the value, with the sign
/// of λ. The losses vary on a scale of one (2 ms for times), so with h = 1e-3 the difference is
/// wrong by h⁴/30 ≈ 3e-14 and by ε L/h ≈ 1e-12 (L ≤ 5); the tolerance is five times their sum.
#[test]
fn every_seed_is_a_derivative_of_the_value() {
    let (h, tolerance) = (1e-3, 5e-12);
    let batch = 3;
    for (index, loss) in losses().iter().enumerate() {
        for (round, grid) in [(0, true), (1, false), (2, true), (3, false)] {
            let key = Key::new(index as u64, Purpose::Test).with(round);
            let readout = random_readout(loss, key, grid);
            let smoothing = 0.2 * f64::from(round as u32 / 2);
            let evaluator = evaluator(loss, 3, LossScale::Exact).smoothed(smoothing);
            let evaluator = evaluator.unwrap();
            let value = |change: &dyn Fn(&mut Readout<f64>)| {
                let mut changed = readout.clone();
                change(&mut changed);
                let mut seed = Seed::default();
                evaluator.evaluate(&changed, 1, batch, &mut seed).loss / f64::from(batch as u32)
            };
            let mut seed = Seed::default();
            evaluator.evaluate(&readout, 1, batch, &mut seed);
            let name = loss.name();
            for (place, voltage) in seed.voltage.iter().enumerate() {
                // The probabilities of avg_xentropy belong to the end of a step of the grid.
                let late = usize::from(grid && *loss == Loss::AvgXentropy) * 3;
                let d = difference(&|x| value(&|r| r.voltage[place + late] += x), h);
                let width = readout.nodes.widths_ms[place / 3];
                let error = (d + voltage * width).abs();
                assert!(error < tolerance, "{name} [{place}]: {error:e}");
            }
            for (j, peak) in seed.peaks.iter().enumerate() {
                let d = difference(&|x| value(&|r| r.peaks[j].voltage += x), h);
                assert!((d + peak).abs() < tolerance, "{name} [{j}]");
            }
            for (j, time) in seed.first_spikes.iter().enumerate() {
                let d = difference(&|x| value(&|r| r.first_spikes_ms[j] += x), h);
                assert!((d - time).abs() < tolerance, "{name} [{j}]");
            }
            let parts = [
                seed.voltage.len(),
                seed.peaks.len(),
                seed.first_spikes.len(),
            ];
            assert_eq!(parts.iter().filter(|&&len| len > 0).count(), 1, "{name}");
        }
    }
}

/// The reference's scale is 1/τ_mem for `sum*` and `avg_xentropy`, 1/T for `max`, 1 for
/// `first_spike*`, and changes neither value nor prediction.
#[test]
fn the_scale_of_the_reference() {
    for loss in losses() {
        let readout = random_readout(&loss, Key::new(9, Purpose::Test), true);
        let run = |scale| {
            let mut seed = Seed::default();
            let outcome = evaluator(&loss, 3, scale).evaluate(&readout, 2, 1, &mut seed);
            let all = [seed.voltage, seed.peaks, seed.first_spikes].concat();
            (outcome, all)
        };
        let (exact, reference) = (run(LossScale::Exact), run(LossScale::Reference));
        assert_eq!(exact.0, reference.0);
        let factor = match loss {
            Loss::FirstSpike(_) => 1.0,
            Loss::Max => 1.0 / TRIAL,
            Loss::Sum(_) | Loss::AvgXentropy => 1.0 / TAU_MEM,
        };
        for (exact, reference) in exact.1.iter().zip(&reference.1) {
            close(*reference, factor * exact);
        }
    }
}

/// A loss that cannot read its output population, or whose constants are impossible, says so.
#[test]
fn losses_that_do_not_fit_are_refused() {
    let mut network = Network::new(Clock::new(DT, TRIAL).unwrap());
    let input = network.add_input("input", 1);
    let output = network.add_li("output", 2, Li::new(TAU_MEM, 4.0));
    network.connect(input, output, Init::Values(vec![1.0; 2]));
    let message = |loss: Loss| {
        loss.prepare(&network, LossScale::Exact)
            .unwrap_err()
            .to_string()
    };
    assert!(message(losses()[0]).contains("LIF"));
    let bad = Weighting::Input {
        tau: 0.0,
        gain: 1.0,
    };
    assert!(message(Loss::Sum(bad)).contains("TAU_ACCUMULATOR"));
    let bad = Loss::FirstSpike(FirstSpike {
        tau_0: -1.0,
        alpha: 0.0,
        penalty: Penalty::Inverse,
        push_silent: false,
    });
    let mut spiking = Network::new(Clock::new(DT, TRIAL).unwrap());
    let input = spiking.add_input("input", 1);
    let output = spiking.add_lif("output", 2, Lif::new(TAU_MEM, 4.0));
    spiking.connect(input, output, Init::Values(vec![1.0; 2]));
    let refused = bad.prepare(&spiking, LossScale::Exact).unwrap_err();
    assert!(refused.to_string().contains("TAU_0"));
}
