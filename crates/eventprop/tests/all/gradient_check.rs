//! The gradient check by the event solver, and on a grid.

use eventprop::gradcheck::{self, Check, Settings, Verdict};
use eventprop::loss::Loss;
use eventprop::network::{Clock, Init, Li, Lif, Network};
use eventprop::params::Params;
use eventprop::solver::grid::judge::Judge;
use eventprop::spikes::{Batch, SpikeTrain};

fn network() -> Network {
    let mut network = Network::new(Clock::new(0.5, 40.0).unwrap());
    let input = network.add_input("input", 2);
    let hidden = network.add_lif("hidden", 3, Lif::new(20.0, 5.0));
    let output = network.add_li("output", 2, Li::new(20.0, 5.0));
    let weights = vec![4.0, 2.5, 3.5, 2.0, 4.5, 3.0];
    network.connect(input, hidden, Init::Values(weights));
    let weights = vec![0.5, -0.3, 0.8, 0.2, -0.4, 0.9];
    network.connect(hidden, output, Init::Values(weights));
    network
}

fn batch() -> Batch {
    let train = |neurons| SpikeTrain::new(vec![2.0, 5.0, 9.0, 11.0], neurons).unwrap();
    let trains = vec![train(vec![0, 1, 0, 1]), train(vec![1, 1, 0, 0])];
    Batch::new(trains, vec![0, 1]).unwrap()
}

/// Between events every derivative is right.
#[test]
fn by_the_event_solver() {
    let network = network();
    let params = Params::init(&network, 0).unwrap();
    let settings = Settings::default();
    let report = gradcheck::check(&network, &params, &batch(), Loss::Max, settings).unwrap();
    assert_eq!(report.count(Verdict::Correct), report.checks.len());
    assert!(report.spikes[1] > 0);
}

/// On the grid, those with respect to the weights of the outputs are: a maximum is a voltage at a point, and no
/// spike lies between.
#[test]
fn by_the_judge_of_the_grid() {
    let network = network();
    let params = Params::init(&network, 0).unwrap();
    let judge = Judge::new(&network).unwrap();
    let settings = Settings::default();
    let report = gradcheck::check_on(judge, &params, &batch(), Loss::Max, settings).unwrap();
    let of_outputs = |check: &&Check| check.name == "hidden->output";
    let checks: Vec<&Check> = report.checks.iter().filter(of_outputs).collect();
    assert_eq!(checks.len(), 6);
    for check in checks {
        assert_eq!(check.verdict, Verdict::Correct, "{check:?}");
        assert!(check.adjoint != 0.0);
    }
}
