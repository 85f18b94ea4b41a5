//! The neuron files flow, lif and li against numbers made by hand.

use eventprop::loss::{Loss, Weighting};
use eventprop::network::{Clock, Init, Li, Lif, Network};
use eventprop::neuron::flow::Flow;
use eventprop::neuron::{Spike, li, lif};
use eventprop::params::Params;
use eventprop::solver::grid::Grid;
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop_cases::solve;

/// `[F1]` `[F2]` `[A1]` `[A2]` of `flow`: with τ_mem = 2 τ_syn and t = τ_mem ln 2 the decays are 1/2 and
/// 1/4, so a unit of I adds (1/2 − 1/4) · 1 to V and a unit of λ_V adds (1/2 − 1/4) · 2 to λ_I.
#[test]
fn flow_at_the_ratio_of_two() {
    let flow = Flow::over(10.0 * std::f64::consts::LN_2, 10.0, 5.0);
    let expected = [0.5, 0.25, 0.25, 0.5];
    let found = [
        flow.decay_mem,
        flow.decay_syn,
        flow.current_to_voltage,
        flow.adjoint_coupling,
    ];
    for (found, expected) in found.into_iter().zip(expected) {
        // One rounding each of t, an exponential, a quotient and a product.
        assert!(
            (found - expected).abs() < 4.0 * f64::EPSILON,
            "{found} {expected}"
        );
    }
}

/// `[F1]` `[A2]` of `flow`: for equal time constants t/τ e^{−t/τ} in both directions.
#[test]
fn flow_at_equal_time_constants() {
    let flow = Flow::over(3.0, 6.0, 6.0);
    let expected = 0.5 * (-0.5_f64).exp();
    assert!((flow.current_to_voltage - expected).abs() < 4.0 * f64::EPSILON);
    assert!((flow.adjoint_coupling - expected).abs() < 4.0 * f64::EPSILON);
}

/// `[A3]` of `lif`: (λ_V, ϑ − V_r, R, J) = (2, 1.5, −1, 4) gives 2 + (3 − 1)/4. A sign error of any
/// term, a missing V_r or a division of λ_V alone would give something else.
#[test]
fn lif_jump() {
    let spike = |drive, backflow| Spike {
        drive,
        own: 0.0,
        backflow,
    };
    assert_eq!(lif::adjoint_jump(2.0, 1.5, &spike(4.0, -1.0)), 2.5);
    // Without a loss and without targets the jump is I/(I − V) for V_r = 0: 1 + ϑ/J.
    assert_eq!(lif::adjoint_jump(1.0, 1.0, &spike(0.5, 0.0)), 3.0);
}

/// `[A5]` of `li`: λ_V rises by −∂L/∂V_max over τ_mem.
#[test]
fn li_peak() {
    assert_eq!(li::adjoint_peak(0.5, 0.2, 4.0), 0.55);
}

/// `[G1]` `[F5]`: a spike that arrives at a leaky integrator with τ_mem = 2 τ_syn and
/// s = τ_mem ln 2 ms of the trial left. The driving term of `sum` is A = (δ − p)/T. Solving
/// τ_mem λ_V' = −λ_V + A, τ_syn λ_I' = −λ_I + λ_V backwards from 0 over s:
/// λ_I = A (1 − e^{−s/τ_syn}) − A (e^{−s/τ_mem} − e^{−s/τ_syn}) · 2 = A (3/4 − 2/4) = A/4,
/// so ∂L/∂w = −τ_syn A/4. The spike of weight 1 enters the two outputs with weights 1 and 1, hence
/// p = (1/2, 1/2) and A = ±1/(2T).
#[test]
fn gradient_of_a_single_arrival() {
    let (tau_mem, tau_syn) = (10.0, 5.0);
    let dt = tau_mem * std::f64::consts::LN_2 / 4.0;
    // The spike is in step 1, arrives at the start of step 2, and 4 of the 6 steps are left.
    let mut network = Network::new(Clock::new(dt, 6.0 * dt).unwrap());
    let input = network.add_input("input", 1);
    let output = network.add_li("output", 2, Li::new(tau_mem, tau_syn));
    network.connect(input, output, Init::Values(vec![1.0, 1.0]));
    let params = Params::init(&network, 0).unwrap();
    let train = SpikeTrain::new(vec![dt], vec![0]).unwrap();
    let batch = Batch::new(vec![train], vec![0]).unwrap();
    let mut solver = Grid::<f64>::new(&network).unwrap();
    let solved = solve(&mut solver, &params, &batch, &Loss::Sum(Weighting::Flat));
    let a = 0.5 / (6.0 * dt);
    for (found, sign) in solved.gradient.values().iter().zip([1.0, -1.0]) {
        let expected = -tau_syn * sign * a / 4.0;
        // Four steps of four roundings of numbers up to four times the result.
        assert!(
            (found - expected).abs() < 64.0 * f64::EPSILON * a * tau_syn,
            "{found} {expected}"
        );
    }
}

/// What is in its range in double precision and leaves it in single precision is refused by the solver that computes in
/// single precision, and by no other.
#[test]
fn constants_that_single_precision_does_not_hold_are_refused_by_the_fast_grid() {
    let plain = || Lif::new(20.0, 5.0);
    let [nearly_one, tiny] = [1.0 - 1e-12, 1e-46];
    for (lif, name) in [
        (plain().v_thresh(tiny), "v_thresh"),
        (plain().v_thresh(1e300), "v_thresh"),
        (plain().v_reset(nearly_one), "v_reset"),
        (plain().v_reset(-1e300), "v_reset"),
        (Lif::new(1e300, 5.0), "tau_mem"),
        (Lif::new(20.0, tiny), "tau_syn"),
    ] {
        let mut network = Network::new(Clock::new(1.0, 20.0).unwrap());
        let input = network.add_input("input", 2);
        let hidden = network.add_lif("hidden", 10, lif);
        let output = network.add_li("output", 2, Li::new(20.0, 5.0));
        network.connect(input, hidden, Init::Values(vec![8.0; 20]));
        network.connect(hidden, output, Init::Values(vec![0.5; 20]));
        assert!(Grid::<f64>::new(&network).is_ok(), "{name}");
        let error = Grid::<f32>::new(&network).unwrap_err().to_string();
        assert!(
            error.contains(name) && error.contains("single precision"),
            "{error}"
        );
    }
}
