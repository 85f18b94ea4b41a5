//! Trials that are too long for the traces of a whole batch: the grid solver then projects the input
//! window by window and gathers the gradient group by group. Both must give what the judge gives.

use eventprop::connect::{self, By, Delay, Wiring};
use eventprop::loss::{Loss, Weighting};
use eventprop::network::{Clock, Init, Li, Lif, Network, Projection};
use eventprop::params::Params;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::HostTrials;
use eventprop::solver::grid::Grid;
use eventprop::solver::grid::judge::Judge;
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop_cases::run::rounding;
use eventprop_cases::{Solved, solve};

const INPUTS: usize = 700;
const STEPS: usize = 1100;

/// Two windows of steps, more weights from the input than are added step by step, a second and later
/// path from the input, recurrence, and a second hidden layer that skips nothing.
fn network(delays: Delays) -> Network {
    let normal = |mean, std| Init::Normal { mean, std };
    let mut network = Network::new(Clock::new(1.0, STEPS as f64).unwrap());
    let input = network.add_input("input", INPUTS);
    let lif = || Lif::new(20.0, 5.0).v_thresh(1.0);
    let first = network.add_lif("hidden0", 200, lif());
    let second = network.add_lif("hidden1", 70, Lif::new(15.0, 4.0).v_thresh(1.0));
    let output = network.add_li("output", 20, Li::new(20.0, 5.0));
    let mut connect = |source, target, init, delay| {
        network.add_projection(Projection {
            source,
            target,
            wiring: Wiring::Dense,
            delay,
            init,
        });
    };
    let trained = |by| {
        Delay::Each(connect::Delays {
            by,
            init: Init::Uniform {
                low: 0.0,
                high: 40.0,
            },
            most_ms: 40.0,
            trained: true,
        })
    };
    let [into, later, back, onwards, out] = match delays {
        Delays::Constant => [0.0, 13.0, 0.0, 0.0, 0.0].map(Delay::Constant),
        Delays::Trained => [
            trained(By::Synapse),
            trained(By::Source),
            trained(By::Target),
            trained(By::Synapse),
            trained(By::Projection),
        ],
    };
    connect(input, first, normal(0.06, 0.05), into);
    connect(input, first, normal(0.02, 0.05), later);
    connect(first, first, normal(0.0, 0.02), back);
    connect(first, second, normal(0.05, 0.1), onwards);
    connect(second, output, normal(0.0, 0.3), out);
    network
}

/// The delays of the projections.
#[derive(Debug, Clone, Copy)]
enum Delays {
    Constant,
    /// One kind after the other.
    Trained,
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

fn on_threads(
    threads: usize,
    network: &Network,
    params: &Params<f64>,
) -> Solved<HostTrials<u32, f64>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(|| {
        let mut grid = Grid::<f64>::new(network).unwrap();
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
    check(Delays::Constant);
}

/// Refutes the same, and a stretch of steps that is too short for the longest delay or not cleared between trials,
/// where spikes overtake each other: `[F5]`, `[A4]`, `[G1]`, `[G6]`.
#[test]
fn long_trials_with_delays_have_the_judges_gradient() {
    check(Delays::Trained);
}

fn check(delays: Delays) {
    let network = network(delays);
    let params = Params::<f64>::init(&network, 3).unwrap();
    let judged = solve(
        &mut Judge::new(&network).unwrap(),
        &params,
        &batch(),
        &loss(),
    );
    let found = on_threads(2, &network, &params);
    for (judged, found) in judged.trials.tapes.iter().zip(&found.trials.tapes) {
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
    let tolerance = 2.0 * rounding::<f64, _>(&network, &judged.trials);
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
    for network in [network(Delays::Constant), network(Delays::Trained)] {
        let params = Params::<f64>::init(&network, 3).unwrap();
        let one = on_threads(1, &network, &params);
        for threads in [2, 5] {
            let more = on_threads(threads, &network, &params);
            assert_eq!(one.outcomes, more.outcomes);
            let is_same = one.gradient.values() == more.gradient.values();
            assert!(is_same, "{threads} threads");
        }
    }
}

const SECONDS: usize = 18;
const CHANNEL_SPIKES: usize = 10;

/// A gesture as the reference has it, 18 s in 180,000 steps of 0.1 ms, of whose spikes its clock of 32 bits
/// lost most in the adjoint pass. Channel c sends the same ten spikes at the beginning of second c. What
/// happens dies away before the next second, so every second has the same spikes, and every channel
/// the same gradient to within rounding: that of single precision over a memory of τ_mem/Δt = 200 steps,
/// about 200 · 6e-8; ten times that for drives well below 1. A lost spike is a tenth of a gradient.
#[test]
fn all_spikes_of_180000_steps_are_in_the_gradient() {
    let mut network = Network::new(Clock::new(0.1, 1000.0 * SECONDS as f64).unwrap());
    let input = network.add_input("input", SECONDS);
    let lif = Lif::new(20.0, 5.0).v_thresh(1.0);
    let hidden = network.add_lif("hidden", 4, lif);
    let output = network.add_li("output", 3, Li::new(20.0, 5.0));
    let weights = |mean, std| Init::Normal { mean, std };
    let arriving = network.connect(input, hidden, weights(0.0, 0.0));
    network.connect(hidden, hidden, weights(0.0, 0.1));
    network.connect(hidden, output, weights(0.0, 0.5));
    let mut params = Params::<f32>::init(&network, 5).unwrap();
    for (n, weight) in params.weights_mut(arriving).iter_mut().enumerate() {
        *weight = 4.0 + 0.5 * (n % 4) as f32;
    }
    let spikes = (0..SECONDS).flat_map(|second| {
        let at = move |n: usize| (1000.0 * second as f64 + 5.0 * n as f64, second as u32);
        (0..CHANNEL_SPIKES).map(at)
    });
    let (times, channels) = spikes.unzip();
    let batch = Batch::new(vec![SpikeTrain::new(times, channels).unwrap()], vec![1]).unwrap();
    let mut grid = Grid::<f32>::new(&network).unwrap();
    let solved = solve(&mut grid, &params, &batch, &Loss::Sum(Weighting::Flat));

    let steps = &solved.trials.tapes[0].populations[hidden.0].when;
    let of_second = |second: usize| -> Vec<usize> {
        let steps = steps.iter().map(|step| *step as usize);
        let own = steps.filter(|step| step / 10_000 == second);
        own.map(|step| step % 10_000).collect()
    };
    let first = of_second(0);
    assert!(first.len() > 20, "{first:?}");
    for second in 1..SECONDS {
        assert_eq!(of_second(second), first, "second {second}");
    }
    let rows = solved.gradient.weights(arriving).chunks(4);
    let rows: Vec<&[f32]> = rows.collect();
    let largest = rows[0].iter().fold(0.0, |m: f32, x| m.max(x.abs()));
    for (second, row) in rows.iter().enumerate() {
        for (found, expected) in row.iter().zip(rows[0]) {
            let gap = (found - expected).abs() / largest;
            assert!(
                gap < 1.2e-4,
                "second {second}: {row:?}, first {:?}",
                rows[0]
            );
        }
    }
}
