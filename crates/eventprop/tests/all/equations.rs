//! Neurons from equations: gradients of every shipped model against central differences of the event solver, on random
//! networks, recurrent ones among them; the text models of LIF and ALIF against the built-in ones; the grid against the
//! event solver.
//!
//! `[A10]`, `[A11]` (the refractory time), `[A12]` and `[A13]` stand or fall with the differences; `[F13]`, `[F14]` and `[A14]` with
//! the comparison of the grid with the event solver, `[A15]` with that of the built-in models.
#![allow(
    clippy::print_stdout,
    reason = "the figures of a proof are shown with --nocapture"
)]

use eventprop::connect::{By, Delay, Delays, Wiring};
use eventprop::gradcheck::{self, Settings, Verdict};
use eventprop::loss::{Loss, Weighting};
use eventprop::network::{
    Adaptation, Clock, Equations, Init, Li, Lif, Network, NeuronConstant, NeuronModel,
    PopulationId, Projection, ProjectionId,
};
use eventprop::params::Params;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::Solver;
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::spikes::{Batch, SpikeTrain};
use rayon::prelude::*;

use crate::convergence::{NETWORKS as NETWORKS_FITTED, STEPS_MS, order, pattern};

/// The largest relative difference that is allowed between a derivative and its difference quotient.
const RELATIVE: f64 = 1e-6;
const NETWORKS: u64 = 20;
/// Draws that are tried for networks whose pattern of spikes is the same at every step size.
const DRAWS: u64 = 480;

struct Case {
    model: &'static str,
    /// Mean weight from the input.
    weight: f64,
}

const CASES: [Case; 12] = [
    Case {
        model: "lif",
        weight: 5.0,
    },
    Case {
        model: "alif",
        weight: 5.0,
    },
    Case {
        model: "lif_refractory",
        weight: 6.0,
    },
    Case {
        model: "alif_refractory",
        weight: 6.0,
    },
    Case {
        model: "qif",
        weight: 6.0,
    },
    Case {
        model: "eif",
        weight: 5.0,
    },
    Case {
        model: "adex",
        weight: 5.0,
    },
    Case {
        model: "izhikevich",
        weight: 12.0,
    },
    Case {
        model: "resonate_and_fire",
        weight: 8.0,
    },
    Case {
        model: "lif_alpha",
        weight: 8.0,
    },
    Case {
        model: "lif_two_synapses",
        weight: 4.0,
    },
    Case {
        model: "lif_conductance",
        weight: 2.5,
    },
];

fn train_all(network: &mut Network, id: PopulationId) {
    let all: Vec<_> = network.population(id).trainable().collect();
    for constant in all {
        let least = match constant.name() {
            name if name.starts_with("tau") => 1e-3,
            "b_incr" => 0.0,
            _ => f64::NEG_INFINITY,
        };
        network.train_constant(id, constant, least);
    }
}

fn connect(network: &mut Network, ends: (PopulationId, PopulationId), init: Init) -> ProjectionId {
    network.add_projection(Projection {
        source: ends.0,
        target: ends.1,
        wiring: Wiring::Dense,
        delay: Delay::Each(Delays {
            by: By::Synapse,
            init: Init::Uniform {
                low: 0.2,
                high: 3.0,
            },
            most_ms: 5.0,
            trained: true,
        }),
        init,
    })
}

/// Three inputs, three hidden neurons, recurrent in every other network, and two outputs.
fn network(case: &Case, seed: u64) -> Network {
    let mut network = Network::new(Clock::new(0.5, 30.0).unwrap());
    let model = |name: &str| Equations::new(NeuronModel::shipped(name).unwrap());
    let input = network.add_input("input", 3);
    let hidden = model(case.model);
    // A refractory time that ends in steps of the grid, as spikes do, and not at their borders.
    let hidden = hidden.clone().with("t_ref", 2.37).unwrap_or(hidden);
    let hidden = network.add_equations("hidden", 3, hidden);
    // Without a bias a silent output would have its peak at 0, and a bias could only raise it.
    let readout = model("li_leak").with("bias", 0.1).unwrap();
    let output = network.add_equations("output", 2, readout);
    train_all(&mut network, hidden);
    train_all(&mut network, output);
    let std = 0.3 * case.weight;
    let first = connect(
        &mut network,
        (input, hidden),
        Init::Normal {
            mean: case.weight,
            std,
        },
    );
    if seed % 2 == 1 {
        let init = Init::Normal { mean: 0.0, std };
        let back = connect(&mut network, (hidden, hidden), init);
        if case.model == "lif_two_synapses" {
            network.set_port(back, "slow");
        }
    }
    if case.model == "lif_two_synapses" {
        network.set_port(
            first,
            if seed.is_multiple_of(3) {
                "slow"
            } else {
                "fast"
            },
        );
    }
    connect(
        &mut network,
        (hidden, output),
        Init::Normal {
            mean: 0.3,
            std: 0.5,
        },
    );
    network
}

fn batch(seed: u64) -> Batch {
    let key = Key::new(seed, Purpose::Test);
    let train = |sample: u64| {
        let key = key.with(sample);
        let times: Vec<f64> = (0..7).map(|n| 1.0 + 20.0 * key.uniform(n)).collect();
        let neurons = (0..7).map(|n| n % 3).collect();
        SpikeTrain::new(times, neurons).unwrap()
    };
    Batch::new(vec![train(0), train(1)], vec![0, 1]).unwrap()
}

/// Derivatives of weights, delays and every parameter of hidden neurons and outputs. A difference that a spike spoils,
/// which appears or vanishes, is left out, and most must not be.
fn check(case: &Case) {
    let (mut checked, mut skipped, mut spikes, mut worst) = (0, 0, 0, 0.0_f64);
    for seed in 0..NETWORKS {
        let network = network(case, seed);
        let params = Params::<f64>::init(&network, seed).unwrap();
        let loss = if seed % 4 < 2 {
            Loss::Sum(Weighting::Exp)
        } else {
            Loss::Max
        };
        let settings = Settings {
            per_projection: 6,
            step: 1e-4,
            seed,
        };
        let report = gradcheck::check(&network, &params, &batch(seed), loss, settings).unwrap();
        spikes += report.spikes[1];
        for check in report.checks {
            if check.verdict == Verdict::SpikesChanged {
                skipped += 1;
                continue;
            }
            let size = check.adjoint.abs().max(1e-6);
            let apart = (check.adjoint - check.difference).abs();
            let allowed = RELATIVE * size + 10.0 * check.uncertainty;
            assert!(apart <= allowed, "{} network {seed}: {check:?}", case.model);
            if 10.0 * check.uncertainty < RELATIVE * size {
                worst = worst.max(apart / size);
            }
            checked += 1;
        }
    }
    println!(
        "{}: {checked} derivatives, {skipped} skipped, {spikes} spikes, worst {worst:e}",
        case.model
    );
    assert!(spikes > 40, "{}: {spikes} spikes", case.model);
    assert!(
        skipped * 20 < checked,
        "{}: {skipped} of {checked} skipped",
        case.model
    );
}

macro_rules! every_model {
    ($($name:ident: $place:expr),+) => {
        $(#[test]
        fn $name() {
            check(&CASES[$place]);
        })+
    };
}

every_model!(
    derivatives_of_lif: 0,
    derivatives_of_alif: 1,
    derivatives_of_lif_refractory: 2,
    derivatives_of_alif_refractory: 3,
    derivatives_of_qif: 4,
    derivatives_of_eif: 5,
    derivatives_of_adex: 6,
    derivatives_of_izhikevich: 7,
    derivatives_of_resonate_and_fire: 8,
    derivatives_of_lif_alpha: 9,
    derivatives_of_lif_two_synapses: 10,
    derivatives_of_lif_conductance: 11
);

/// A text model and the built-in one of the same constants, recurrent, with a built-in output.
fn twins(name: &str, seed: u64) -> [Network; 2] {
    [true, false].map(|text| {
        let mut network = Network::new(Clock::new(0.5, 40.0).unwrap());
        let input = network.add_input("input", 3);
        let hidden = match (text, name) {
            (true, _) => {
                let model = NeuronModel::shipped(name).unwrap();
                network.add_equations("hidden", 4, Equations::new(model))
            }
            (false, "alif") => {
                let adaptation = Adaptation::new(100.0, 0.1);
                network.add_alif("hidden", 4, Lif::new(20.0, 5.0).adapting(adaptation))
            }
            (false, _) => network.add_lif("hidden", 4, Lif::new(20.0, 5.0)),
        };
        let output = network.add_li("output", 2, Li::new(20.0, 5.0));
        network.train_constant(hidden, NeuronConstant::TauMem, 0.1);
        network.train_constant(hidden, NeuronConstant::TauSyn, 0.1);
        network.train_constant(output, NeuronConstant::TauMem, 0.1);
        let std = if seed.is_multiple_of(2) { 1.0 } else { 1.5 };
        let init = Init::Normal { mean: 6.0, std };
        network.connect_delayed(input, hidden, init, 0.5);
        let init = Init::Normal { mean: 0.0, std };
        network.connect_delayed(hidden, hidden, init, 1.0);
        let init = Init::Normal {
            mean: 0.3,
            std: 0.5,
        };
        network.connect(hidden, output, init);
        network
    })
}

fn solved<S: Solver<Real = f64>>(
    network: &Network,
    seed: u64,
    loss: &Loss,
) -> (S::Trials, Vec<f64>) {
    let params = Params::<f64>::init(network, seed).unwrap();
    let mut solver = S::for_network(network).unwrap();
    let solved = eventprop_cases::solve(&mut solver, &params, &batch(seed), loss);
    (solved.trials, solved.gradient.values().to_vec())
}

/// In units of the largest number of the first list.
fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    let size = a.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f64::max) / size
}

/// On the event solver the spikes are 1e-9 ms apart at most and gradients 1e-7, of the largest derivative.
#[test]
fn text_models_are_the_built_in_ones_between_events() {
    for (name, seed) in [("lif", 1), ("lif", 2), ("alif", 3), ("alif", 4)] {
        for loss in [Loss::Max, Loss::Sum(Weighting::Flat), Loss::AvgXentropy] {
            let [text, own] = twins(name, seed);
            let (text, gradient) = solved::<Event>(&text, seed, &loss);
            let (own, expected) = solved::<Event>(&own, seed, &loss);
            for (text, own) in text.tapes.iter().zip(&own.tapes) {
                let (text, own) = (&text.populations[1], &own.populations[1]);
                assert!(own.len() > 2, "{name} {seed}");
                assert_eq!(text.neuron, own.neuron);
                let apart = text.when.iter().zip(&own.when).map(|(a, b)| (a - b).abs());
                assert!(apart.fold(0.0, f64::max) < 1e-9, "{name} {seed}");
            }
            let apart = largest_difference(&expected, &gradient);
            println!("{name} {seed} {}: {apart:e}", loss.name());
            assert!(apart < 1e-7, "{name} {seed}: {apart:e}");
        }
    }
}

/// `[A14]`, `[A15]` On the grid, too: the same spikes, and voltages and gradients that differ by roundings. Both compute 80 steps
/// of the same formulas in another order; a rounding (1e-16) grows with the steps and with 1/J, here up to 1e3: 1e-11.
#[test]
fn text_models_take_the_steps_of_the_built_in_ones() {
    for (name, seed) in [("lif", 1), ("lif", 2), ("alif", 3), ("alif", 4)] {
        for loss in [Loss::Max, Loss::Sum(Weighting::Exp), Loss::AvgXentropy] {
            let [text, own] = twins(name, seed);
            let (text, gradient) = solved::<Grid<f64>>(&text, seed, &loss);
            let (own, expected) = solved::<Grid<f64>>(&own, seed, &loss);
            for sample in 0..2 {
                let spikes = &own.tapes[sample].populations[1];
                let found = &text.tapes[sample].populations[1];
                assert!(spikes.len() > 2);
                assert_eq!((&found.when, &found.neuron), (&spikes.when, &spikes.neuron));
                let (own, text) = (&own.readouts[sample], &text.readouts[sample]);
                if loss != Loss::Max {
                    let apart = largest_difference(&own.voltage, &text.voltage);
                    assert!(apart < 1e-12, "{name}: {apart:e}");
                }
            }
            let apart = largest_difference(&expected, &gradient);
            println!("{name} {seed} {}: {apart:e}", loss.name());
            assert!(apart < 1e-11, "{name} {seed} {}: {apart:e}", loss.name());
        }
    }
}

/// `[F15]`, `[A16]` Between events built-in neurons with a refractory time are solved as the text model is, which central
/// differences prove: the same spikes and the same derivatives, to the last bit.
#[test]
fn refractory_neurons_are_those_of_the_text_models_between_events() {
    for (name, seed) in [("lif_refractory", 1), ("alif_refractory", 2)] {
        let [text, own] = [true, false].map(|text| {
            let mut network = Network::new(Clock::new(0.5, 40.0).unwrap());
            let input = network.add_input("input", 3);
            let lif = Lif::new(20.0, 5.0).refractory(vec![0.0, 1.7, 2.0, 3.0]);
            let hidden = if text {
                let model = Equations::new(NeuronModel::shipped(name).unwrap());
                let model = model.with("t_ref", vec![0.0, 1.7, 2.0, 3.0]).unwrap();
                network.add_equations("hidden", 4, model)
            } else if name == "lif_refractory" {
                network.add_lif("hidden", 4, lif)
            } else {
                network.add_alif("hidden", 4, lif.adapting(Adaptation::new(100.0, 0.1)))
            };
            let output = network.add_li("output", 2, Li::new(20.0, 5.0));
            network.train_constant(hidden, NeuronConstant::TauMem, 0.1);
            let init = |mean, std| Init::Normal { mean, std };
            network.connect_delayed(input, hidden, init(9.0, 1.0), 0.5);
            network.connect_delayed(hidden, hidden, init(0.0, 1.5), 1.0);
            network.connect(hidden, output, init(0.3, 0.5));
            network
        });
        let loss = Loss::Sum(Weighting::Exp);
        let (text, gradient) = solved::<Event>(&text, seed, &loss);
        let (own, expected) = solved::<Event>(&own, seed, &loss);
        assert!(own.tapes[0].populations[1].len() > 6);
        for (text, own) in text.tapes.iter().zip(&own.tapes) {
            assert_eq!(text.populations[1].when, own.populations[1].when);
        }
        assert_eq!(gradient, expected);
    }
}

/// A time that is no whole number of steps is refused on the grid, with the way out; one of no time is none.
#[test]
fn impossible_refractory_times_are_refused() {
    let network = |refractory: f64| {
        let mut network = Network::new(Clock::new(0.5, 40.0).unwrap());
        let input = network.add_input("input", 3);
        let lif = Lif::new(20.0, 5.0).refractory(refractory);
        let output = network.add_lif("output", 2, lif);
        network.connect(input, output, Init::Values(vec![1.0; 6]));
        network
    };
    for (refractory, part) in [
        (1.2, "a whole number of steps"),
        (-1.0, "finite and not negative"),
        (f64::NAN, "finite and not negative"),
    ] {
        let error = Grid::<f32>::new(&network(refractory))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("refractory") && error.contains(part),
            "{error}"
        );
    }
    assert!(Event::new(&network(1.2)).is_ok());
    assert!(Grid::<f32>::new(&network(1e30)).is_ok());
}

/// ‖grid − event‖ / ‖event‖ of the gradient at every step size; none where the pattern of spikes on some grid is another one.
fn grid_errors(case: &Case, seed: u64) -> Option<Vec<f64>> {
    let mut network = network(case, seed);
    for id in 0..network.projections().len() {
        network.set_delay(ProjectionId(id), Delay::Constant(0.8));
    }
    let params = Params::<f64>::init(&network, seed).unwrap();
    let loss = Loss::Sum(Weighting::Exp);
    let (event, exact) = solved::<Event>(&network, seed, &loss);
    let here = (&network, &params);
    let expected = pattern(here, &event.tapes, |source, delay, spike| {
        source + delay < spike
    });
    let norm = |g: &mut dyn Iterator<Item = f64>| g.map(|x| x * x).sum::<f64>().sqrt();
    let size = norm(&mut exact.iter().copied());
    let on_grid = |dt: f64| {
        let network = network.on_clock(Clock::new(dt, 30.0).unwrap());
        let (grid, gradient) = solved::<Grid<f64>>(&network, seed, &loss);
        let found = pattern((&network, &params), &grid.tapes, |source, delay, spike| {
            source as usize + network.clock().delay_steps(delay) <= spike as usize
        });
        let both = gradient.iter().zip(&exact);
        let error = norm(&mut both.map(|(grid, event)| grid - event)) / size;
        (found == expected).then_some(error)
    };
    // Twice those of the built-in models: steps cost more here, and a slope does not depend on where the ladder stands.
    (size > 0.0).then(|| STEPS_MS.iter().map(|dt| on_grid(2.0 * dt)).collect())?
}

/// The gradient of the grid goes to that of the event solver with order 1, for every model: spikes are up to a step late, as
/// with the built-in models, and `convergence.rs` says why the mean of twelve fitted slopes is at least 0.9 then. A wrong
/// sign or a missing term gives 0.
#[test]
fn the_gradient_of_the_grid_converges_for_every_model() {
    let mut failed = Vec::new();
    for case in &CASES {
        let mut orders = Vec::new();
        for first in (0..DRAWS).step_by(NETWORKS_FITTED) {
            let seeds = (first..first + NETWORKS_FITTED as u64).into_par_iter();
            let found: Vec<_> = seeds.map(|seed| grid_errors(case, seed)).collect();
            orders.extend(found.into_iter().flatten().map(|errors| order(&errors)));
            if orders.len() >= NETWORKS_FITTED {
                break;
            }
        }
        orders.truncate(NETWORKS_FITTED);
        let mean = orders.iter().sum::<f64>() / orders.len() as f64;
        println!(
            "{:18} {} networks, mean order {mean:.3}",
            case.model,
            orders.len()
        );
        if orders.len() < NETWORKS_FITTED || mean < 0.9 {
            failed.push(case.model);
        }
    }
    assert!(
        failed.is_empty(),
        "order below 0.9, or too few draws: {failed:?}"
    );
}
