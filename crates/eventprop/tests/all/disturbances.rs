//! Random disturbances of training trials (noise, withheld spikes), and what is done with grazing
//! spikes.

use eventprop::loss::{Loss, Weighting};
use eventprop::network::{Clock, Init, Li, Lif, Network};
use eventprop::optim::{Optimizer, Sgd};
use eventprop::params::Params;
use eventprop::readout::Observe;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::solver::{
    Disturbance, Grazing, HostTrials, Probe, SolveError, Solver, Trial, Variable,
};
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop::train::{Plan, Session, TrainError};

const HIDDEN: usize = 1;

/// One input, `size` hidden neurons with the given threshold, one output.
fn network(size: usize, v_thresh: f64) -> Network {
    let mut network = Network::new(Clock::new(1.0, 20.0).unwrap());
    let input = network.add_input("input", 1);
    let hidden = network.add_lif("hidden", size, Lif::new(20.0, 5.0).v_thresh(v_thresh));
    let output = network.add_li("output", 2, Li::new(20.0, 5.0));
    network.connect(input, hidden, Init::Values(vec![8.0; size]));
    network.connect(hidden, output, Init::Values(vec![0.5; 2 * size]));
    network
}

fn batch(samples: usize) -> Batch {
    let train = SpikeTrain::new(vec![1.0, 6.0], vec![0, 0]).unwrap();
    Batch::new(vec![train; samples], vec![0; samples]).unwrap()
}

fn disturbance(withhold: f64, noise: f64) -> Disturbance {
    Disturbance {
        withhold: vec![0.0, withhold, 0.0],
        noise: vec![0.0, noise, 0.0],
        withhold_key: Key::new(3, Purpose::Withhold),
        noise_key: Key::new(3, Purpose::Noise),
    }
}

fn forward(
    solver: &mut Grid<f64>,
    batch: &Batch,
    with: Option<&Disturbance>,
) -> HostTrials<u32, f64> {
    let params = Params::init(solver.network(), 0).unwrap();
    let trial = Trial {
        observe: Observe::Voltage,
        disturbance: with,
        voltages: &[],
    };
    let mut out = HostTrials::default();
    solver.forward(&params, batch, trial, &mut out).unwrap();
    out
}

#[test]
fn a_neuron_that_is_always_withheld_never_spikes() {
    let mut solver = Grid::new(&network(3, 1.0)).unwrap();
    let free = forward(&mut solver, &batch(1), None);
    assert!(!free.tapes[0].populations[HIDDEN].is_empty());
    let withheld = forward(&mut solver, &batch(1), Some(&disturbance(1.0, 0.0)));
    assert!(withheld.tapes[0].populations[HIDDEN].is_empty());
}

/// With probability p a neuron above threshold waits; so the first spike of n independent neurons is
/// late in a share p of them, give or take 5 √(p (1 − p)/n).
#[test]
fn withholding_delays_the_stated_share_of_first_spikes() {
    let (neurons, p) = (2000, 0.3);
    let mut solver = Grid::new(&network(neurons, 1.0)).unwrap();
    let free = forward(&mut solver, &batch(1), None);
    let first = free.tapes[0].populations[HIDDEN].when[0];
    let withheld = forward(&mut solver, &batch(1), Some(&disturbance(p, 0.0)));
    let spikes = &withheld.tapes[0].populations[HIDDEN];
    let in_time = spikes.when.iter().filter(|&&step| step == first).count();
    let late = 1.0 - in_time as f64 / neurons as f64;
    assert!((late - p).abs() < 5.0 * (p * (1.0 - p) / neurons as f64).sqrt());
}

/// Without spikes the noise adds Σ_j A √dt ξ_j e^{−j dt/τ_mem} to V: after N steps a variance of
/// A² dt (1 − a^{2N})/(1 − a²). The variance of n samples has a relative s.d. of √(2/n).
#[test]
fn noise_has_the_stated_variance() {
    let (neurons, amplitude) = (4000, 0.2);
    let mut solver = Grid::new(&network(neurons, 100.0)).unwrap();
    solver
        .set_probes(&[Probe {
            population: HIDDEN,
            variable: Variable::Voltage,
        }])
        .expect("the population has a state");
    let last_row = |solver: &Grid<f64>| solver.record(0, 0)[19 * neurons..].to_vec();
    forward(&mut solver, &batch(1), None);
    let quiet = last_row(&solver);
    forward(&mut solver, &batch(1), Some(&disturbance(0.0, amplitude)));
    let noisy = last_row(&solver);
    let n = neurons as f64;
    let variance = quiet
        .iter()
        .zip(&noisy)
        .map(|(q, v)| (v - q) * (v - q))
        .sum::<f64>()
        / n;
    let a = (-1.0_f64 / 20.0).exp();
    let expected = amplitude * amplitude * (1.0 - a.powi(40)) / (1.0 - a * a);
    assert!((variance / expected - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
}

/// Draws belong to the sample, not to its place in the batch or to a thread.
#[test]
fn draws_follow_the_sample() {
    let mut solver = Grid::new(&network(50, 1.0)).unwrap();
    let both = disturbance(0.3, 0.1);
    let mut two = batch(2);
    let straight = forward(&mut solver, &two, Some(&both));
    *two.sample_mut(0).id = 1;
    *two.sample_mut(1).id = 0;
    let swapped = forward(&mut solver, &two, Some(&both));
    assert_eq!(straight.tapes[0], swapped.tapes[1]);
    assert_eq!(straight.tapes[1], swapped.tapes[0]);
    assert_ne!(straight.tapes[0], straight.tapes[1]);
}

#[test]
fn the_event_solver_refuses_what_is_defined_per_step() {
    let network = network(1, 1.0);
    let params = Params::init(&network, 0).unwrap();
    let trial = Trial {
        observe: Observe::Voltage,
        disturbance: Some(&disturbance(0.5, 0.0)),
        voltages: &[],
    };
    let mut out = HostTrials::default();
    let refused = Event::new(&network)
        .unwrap()
        .forward(&params, &batch(1), trial, &mut out);
    assert!(matches!(refused, Err(SolveError::Unsupported { .. })));
}

fn gradient(grazing: Grazing, v_thresh: f64) -> Result<Vec<f64>, TrainError> {
    let network = network(1, v_thresh);
    let plan = Plan {
        grazing,
        ..Plan::new(Loss::Sum(Weighting::Flat), Optimizer::Sgd(Sgd))
    };
    let params = Params::init(&network, 0).unwrap();
    let mut session = Session::new(Event::new(&network).unwrap(), params, plan)?;
    // The two outputs have equal weights: without a difference the loss would have no gradient.
    let mut batch = batch(1);
    let train = SpikeTrain::new(vec![1.0], vec![0]).unwrap();
    *batch.sample_mut(0).train = train;
    session.params.values_mut()[1] = 0.9;
    session.gradient_of(&batch, None)?;
    Ok(session.gradient.values().to_vec())
}

/// A single input of weight 8 lifts V to at most 8 · 4^{−4/3} (F6). A threshold just below is grazed:
/// there J = I − V is small, and by A3 the gradient of the input weight is proportional to 1/J.
#[test]
fn grazing_spikes_are_kept_limited_or_refused() {
    let peak = 8.0 * 4.0_f64.powf(-4.0 / 3.0);
    let grazed = peak * (1.0 - 1e-6);
    let kept = gradient(Grazing::Keep, grazed).unwrap()[0];
    let limited = gradient(Grazing::Limit(0.5), grazed).unwrap()[0];
    assert!(kept.abs() > 100.0 * limited.abs() && limited != 0.0);
    // λ_V⁺ is 0 at this spike, the only one of the neuron: the jump is R/J alone, so the gradients are
    // to each other as limit to drive, up to the rounding of λ_I.
    let twice = gradient(Grazing::Limit(1.0), grazed).unwrap()[0];
    assert!((limited / twice - 2.0).abs() < 1e-12);
    let refused = gradient(Grazing::Error, grazed).unwrap_err();
    let TrainError::Solve(SolveError::Grazing { neuron, drive, .. }) = refused else {
        panic!("another error: {refused}");
    };
    assert!(neuron == 0 && drive > 0.0 && drive < 0.01 * grazed);
    // An ordinary spike is none of this.
    assert_eq!(
        gradient(Grazing::Error, 0.5).unwrap(),
        gradient(Grazing::Keep, 0.5).unwrap()
    );
}
