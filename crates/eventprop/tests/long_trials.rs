//! Trials that are too long for the traces of a whole batch: the grid solver then projects the input
//! window by window and gathers the gradient group by group. Both must give what the judge gives.

use eventprop::loss::{Loss, Weighting};
use eventprop::network::{Clock, Init, Li, Lif, Network};
use eventprop::params::Params;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::grid::Grid;
use eventprop::solver::grid::reference::Judge;
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop_cases::run::rounding;
use eventprop_cases::{Solved, solve};

const INPUTS: usize = 700;
const STEPS: usize = 1100;

/// Two windows of steps, more weights from the input than are added step by step, a second and later
/// path from the input, recurrence, and a second hidden layer that skips nothing.
fn network() -> Network {
    let normal = |mean, std| Init::Normal { mean, std };
    let mut network = Network::new(Clock::new(1.0, STEPS as f64).unwrap());
    let input = network.add_input("input", INPUTS);
    let lif = || Lif::new(20.0, 5.0).v_thresh(1.0);
    let first = network.add_lif("hidden0", 200, lif());
    let second = network.add_lif("hidden1", 70, Lif::new(15.0, 4.0).v_thresh(1.0));
    let output = network.add_li("output", 20, Li::new(20.0, 5.0));
    network.connect(input, first, normal(0.06, 0.05));
    network.connect_delayed(input, first, normal(0.02, 0.05), 13.0);
    network.connect(first, first, normal(0.0, 0.02));
    network.connect(first, second, normal(0.05, 0.1));
    network.connect(second, output, normal(0.0, 0.3));
    network
}

/// Five samples, so that the groups of samples are not all of one size.
fn batch() -> Batch {
    let train = |sample: u64| {
        let key = Key::new(9, Purpose::Test).with(sample);
        let mut events: Vec<(u32, u32)> = (0..4000_u64)
            .map(|n| {
                let draw = |which: u64| key.uniform(2 * n + which);
                let below =
                    |bound: usize, which| ((draw(which) * bound as f64) as usize).min(bound - 1);
                (below(STEPS, 0) as u32, below(INPUTS, 1) as u32)
            })
            .collect();
        events.sort_unstable();
        events.dedup();
        let times = events.iter().map(|event| f64::from(event.0)).collect();
        SpikeTrain::new(times, events.iter().map(|event| event.1).collect()).unwrap()
    };
    Batch::new((0..5).map(train).collect(), vec![0, 7, 19, 3, 7]).unwrap()
}

fn on_threads(threads: usize, params: &Params<f64>) -> Solved<u32, f64> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(|| {
        let mut grid = Grid::<f64>::new(&network()).unwrap();
        // The second time, all memory holds what the first left there.
        solve(&mut grid, params, &batch(), &loss());
        solve(&mut grid, params, &batch(), &loss())
    })
}

fn loss() -> Loss {
    Loss::Sum(Weighting::Exp)
}

/// Refutes a window, a block or a group that is left out, added twice or taken from elsewhere: `[F5]`,
/// `[G1]`. The tolerance is the rounding of all steps and spikes of a sample in f64; both solvers have it.
#[test]
fn long_trials_have_the_judges_gradient() {
    let network = network();
    let params = Params::<f64>::init(&network, 3).unwrap();
    let judged = solve(
        &mut Judge::new(&network).unwrap(),
        &params,
        &batch(),
        &loss(),
    );
    let found = on_threads(2, &params);
    for (judged, found) in judged.forward.tapes.iter().zip(&found.forward.tapes) {
        for (judged, found) in judged.populations.iter().zip(&found.populations) {
            assert_eq!(judged.when, found.when);
            assert_eq!(judged.neuron, found.neuron);
        }
        assert!(
            judged.populations[1].when.len() > 200,
            "the first layer is silent"
        );
        assert!(
            judged.populations[2].when.len() > 70,
            "the second layer is silent"
        );
    }
    let tolerance = 2.0 * rounding::<f64, _, _>(&network, &judged.forward.tapes);
    for entry in judged.gradient.layout() {
        let expected = &judged.gradient.values()[entry.range.clone()];
        let found = &found.gradient.values()[entry.range.clone()];
        let largest = expected.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        assert!(largest > 0.0, "{} has no gradient", entry.name);
        for (at, (f, e)) in found.iter().zip(expected).enumerate() {
            let gap = (f - e).abs() / largest;
            assert!(
                gap <= tolerance,
                "{}[{at}]: {f:e}, expected {e:e}",
                entry.name
            );
        }
    }
}

#[test]
fn long_trials_give_the_same_bits_on_any_number_of_threads() {
    let params = Params::<f64>::init(&network(), 3).unwrap();
    let one = on_threads(1, &params);
    for threads in [2, 5] {
        let more = on_threads(threads, &params);
        assert_eq!(one.outcomes, more.outcomes);
        let is_same = one.gradient.values() == more.gradient.values();
        assert!(is_same, "{threads} threads");
    }
}
