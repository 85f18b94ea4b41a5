//! Training of constants: bounds hold, frozen parameters stay, and a time constant finds its value.

use eventprop::loss::{Loss, Weighting};
use eventprop::network::{
    Adaptation, Clock, Init, Li, Lif, Network, NetworkError, NeuronConstant, PopulationId,
    ProjectionId,
};
use eventprop::optim::{Adam, Optimizer};
use eventprop::params::{Params, Role};
use eventprop::solver::SolveError;
use eventprop::solver::grid::Grid;
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop::train::{Plan, Session};

const HIDDEN: PopulationId = PopulationId(1);
const OUTPUT: PopulationId = PopulationId(2);

fn network() -> Network {
    let mut network = Network::new(Clock::new(1.0, 40.0).unwrap());
    let input = network.add_input("input", 2);
    let adaptation = Adaptation::new(20.0, 0.1);
    let alif = Lif::new(20.0, 5.0).adapting(adaptation);
    let hidden = network.add_alif("hidden", 4, alif);
    let output = network.add_li("output", 2, Li::new(20.0, 5.0));
    let normal = |mean, std| Init::Normal { mean, std };
    network.connect(input, hidden, normal(2.0, 1.0));
    network.connect(hidden, output, normal(0.0, 0.5));
    for constant in NeuronConstant::ALL {
        network.train_constant(hidden, constant, 0.05);
    }
    network.train_constant(output, NeuronConstant::TauMem, 18.0);
    network
}

/// Early spikes of one channel are one class, those of the other the second.
fn batch() -> Batch {
    let train = |first: u32| {
        let times = vec![2.0, 5.0, 9.0, 14.0, 18.0, 25.0];
        let neurons = vec![first, first, first, 1 - first, 1 - first, 1 - first];
        SpikeTrain::new(times, neurons).unwrap()
    };
    Batch::new(vec![train(0), train(1)], vec![0, 1]).unwrap()
}

fn session(network: &Network, frozen: Vec<Role>) -> Session<Grid<f32>> {
    let params = Params::init(network, 3).unwrap();
    let plan = Plan {
        frozen,
        ..Plan::new(
            Loss::Sum(Weighting::Exp),
            Optimizer::Adam(Adam::new(&params, 0.9, 0.999, 1e-8)),
        )
    };
    Session::new(Grid::new(network).unwrap(), params, plan).unwrap()
}

/// Refutes an update that ignores a bound or a frozen range: a bound close to the start is reached and
/// never crossed, frozen weights keep their bits, everything else moves.
#[test]
fn bounds_hold_and_frozen_parameters_stay() {
    let network = network();
    let frozen = Role::Weights(ProjectionId(1));
    let mut session = session(&network, vec![frozen]);
    let before = session.params.clone();
    let mut reached = false;
    for _ in 0..200 {
        session.train_batch(&batch(), None, 0.05).unwrap();
        let tau = session.params.constant(OUTPUT, NeuronConstant::TauMem);
        for &tau in tau.unwrap() {
            assert!(tau >= 18.0);
            reached |= tau == 18.0;
        }
    }
    assert!(reached, "the bound was never put to the test");
    for entry in before.layout() {
        let old = &before.values()[entry.range.clone()];
        let new = &session.params.values()[entry.range.clone()];
        assert_eq!(old == new, entry.role == frozen, "{}", entry.name);
    }
}

/// Refutes a solver that goes on with the constants it was made with: training only the time constants
/// of the outputs lowers the loss, and a network made with the trained ones has the same loss, bit for
/// bit.
#[test]
fn constants_alone_learn() {
    let mut network = network();
    network.train_constant(OUTPUT, NeuronConstant::TauSyn, 1.0);
    let params = Params::<f32>::init(&network, 3).unwrap();
    let of_outputs = |role: Role| matches!(role, Role::Constant(OUTPUT, _));
    let others = params.layout().iter().map(|entry| entry.role);
    let frozen = others.filter(|role| !of_outputs(*role)).collect();
    let mut session = session(&network, frozen);
    let first = session.train_batch(&batch(), None, 0.05).unwrap();
    for _ in 0..200 {
        session.train_batch(&batch(), None, 0.05).unwrap();
    }
    let last = session.test_batch(&batch()).unwrap();
    assert!(
        last.loss_sum < first.loss_sum - 1e-3,
        "{} {}",
        first.loss_sum,
        last.loss_sum
    );

    let mut made = network.clone();
    for constant in [NeuronConstant::TauMem, NeuronConstant::TauSyn] {
        let values = session.params.constant(OUTPUT, constant).unwrap();
        let values: Vec<f64> = values.iter().map(|&tau| f64::from(tau)).collect();
        made.set_constant(OUTPUT, constant, values);
    }
    let mut fresh = self::session(&made, Vec::new());
    assert_eq!(fresh.test_batch(&batch()).unwrap(), last);
}

#[test]
fn constants_out_of_range_are_refused_by_name() {
    let mut network = network();
    let mut session = session(&network, Vec::new());
    let tau = session.params.constant_mut(HIDDEN, NeuronConstant::TauSyn);
    tau.unwrap()[2] = -1.0;
    let error = session.test_batch(&batch()).unwrap_err().to_string();
    assert!(error.contains("tau_syn of neuron 2 is -1"), "{error}");

    network.train_constant(OUTPUT, NeuronConstant::TauB, 1.0);
    let error = Grid::<f32>::new(&network).unwrap_err();
    assert!(matches!(
        error,
        SolveError::Network(NetworkError::NoSuchConstant {
            constant: "tau_b",
            ..
        })
    ));
}
