//! A calibrated network is active, whatever its sizes.

use eventprop::calibrate::{Bracket, Calibrated, Calibration, calibrate};
use eventprop::network::{Clock, Init, Li, Lif, Network, ProjectionId};
use eventprop::params::Params;
use eventprop::readout::Observe;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::{Solver, Trial, Trials, event::Event, grid::Grid};
use eventprop::spikes::{Batch, SpikeTrain};

/// A network of layers; every hidden one recurrent. Weights from n neurons have mean 1/n and standard deviation 1/√n.
fn network(sizes: &[usize], spiking_output: bool) -> Network {
    let mut network = Network::new(Clock::new(1.0, 60.0).unwrap());
    let normal = |n: usize, mean: f64| Init::Normal {
        mean: mean / n as f64,
        std: 1.0 / (n as f64).sqrt(),
    };
    let mut last = network.add_input("input", sizes[0]);
    for (index, pair) in sizes.windows(2).enumerate() {
        let output = index + 2 == sizes.len();
        let next = if output && !spiking_output {
            network.add_li("output", pair[1], Li::new(10.0, 4.0))
        } else {
            network.add_lif(&format!("layer{index}"), pair[1], Lif::new(10.0, 4.0))
        };
        network.connect(last, next, normal(pair[0], 1.0));
        if !output {
            network.connect(next, next, normal(pair[1], 0.0));
        }
        last = next;
    }
    network
}

/// Half of the inputs spike in a sample, each twice.
fn batch(inputs: usize) -> Batch {
    let key = Key::new(1, Purpose::Test);
    let train = |sample: u64| {
        let key = key.with(sample);
        let spikes = (0..inputs as u64).filter(|&i| inputs == 1 || key.uniform(4 * i) < 0.5);
        let mut spikes: Vec<(f64, u32)> = spikes
            .flat_map(|i| [1, 2].map(|k| (50.0 * key.uniform(4 * i + k), i as u32)))
            .collect();
        spikes.sort_by(|a, b| a.partial_cmp(b).unwrap());
        let (times, neurons) = spikes.into_iter().unzip();
        SpikeTrain::new(times, neurons).unwrap()
    };
    Batch::new((0..20).map(train).collect(), vec![0; 20]).unwrap()
}

fn all(network: &Network) -> Vec<ProjectionId> {
    (0..network.projections().len()).map(ProjectionId).collect()
}

fn calibrated<S: Solver>(
    network: &Network,
    spikes: Option<f64>,
) -> (S, Params<S::Real>, Vec<Calibrated>) {
    let mut solver = S::for_network(network).unwrap();
    let mut params = Params::init(network, 5).unwrap();
    let projections = all(network);
    let calibration = Calibration {
        projections: &projections,
        spikes,
    };
    let batch = batch(network.input_size());
    let found = calibrate(&mut solver, &mut params, &batch, calibration).unwrap();
    (solver, params, found)
}

/// Every hidden layer spikes about as often as it is asked to, feedback included, and no
/// neuron is silent. The scale of the weights from below is right to 2^(1/32); that feedback, a quarter as strong, the
/// raised neurons and samples that would have no spike leave the rate between a half and two and a half times of what
/// is asked for is what this test shows.
#[test]
fn every_layer_is_active() {
    for sizes in [
        &[1, 1, 2][..],
        &[3, 50, 2],
        &[700, 30, 10],
        &[40, 200, 5],
        &[20, 17, 33, 9, 4],
    ] {
        let network = network(sizes, false);
        for asked in [1.0, 4.0] {
            let (_, _, found) = calibrated::<Grid<f32>>(&network, Some(asked));
            assert_eq!(found.len(), sizes.len() - 2);
            for layer in found {
                let right = layer.spikes > asked / 2.0 && layer.spikes < asked * 2.5;
                assert!(right, "{sizes:?} {asked}: {layer:?}");
                assert_eq!(layer.silent, 0, "{sizes:?} {asked}: {layer:?}");
            }
        }
    }
}

/// With weights whose mean is negative some samples stay without spikes whatever the scale; the others stay within the four
/// times as many spikes as are asked for up to which weights are scaled for them, and a doubling of the scale beyond. Weights
/// that are all negative keep their size, up to what neurons are raised by.
#[test]
fn weights_that_inhibit_do_not_grow_without_bound() {
    for (mean, std) in [(-1.0, 0.5), (-1.0, 0.0)] {
        let mut network = Network::new(Clock::new(1.0, 60.0).unwrap());
        let input = network.add_input("input", 5);
        let hidden = network.add_lif("hidden", 30, Lif::new(10.0, 4.0));
        let output = network.add_li("output", 3, Li::new(10.0, 4.0));
        network.connect(input, hidden, Init::Normal { mean, std });
        network.connect(
            hidden,
            output,
            Init::Normal {
                mean: 0.0,
                std: 0.3,
            },
        );
        let (_, params, found) = calibrated::<Grid<f32>>(&network, None);
        assert!(found[0].spikes < 2.0 * 4.0 * found[0].asked, "{found:?}");
        let largest = params
            .values()
            .iter()
            .fold(0.0_f32, |most, w| most.max(w.abs()));
        assert!(largest < 1e4, "{largest} {found:?}");
    }
}

/// Voltages of leaky integrators grow with their weights, so that the scale found, right to 2^(1/32), makes their root
/// mean square 1 to 2^(1/32); feedback then changes what arrives.
#[test]
fn voltages_have_the_size_that_a_softmax_needs() {
    let network = network(&[30, 40, 3], false);
    let mut free = all(&network);
    // Without the recurrent projection.
    free.remove(1);
    let mut solver = Event::new(&network).unwrap();
    let mut params = Params::init(&network, 5).unwrap();
    params.weights_mut(ProjectionId(1)).fill(0.0);
    let calibration = Calibration {
        projections: &free,
        spikes: None,
    };
    let batch = batch(30);
    calibrate(&mut solver, &mut params, &batch, calibration).unwrap();
    let mut trials = <Event as Solver>::Trials::default();
    let trial = Trial {
        observe: Observe::Voltage,
        disturbance: None,
        voltages: &[],
    };
    solver.forward(&params, &batch, trial, &mut trials).unwrap();
    let voltages = (0..20).flat_map(|sample| trials.readout(sample).voltage.clone());
    let squares: Vec<f64> = voltages.map(|v| v * v).collect();
    let size = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
    assert!(
        (1.0..2.0_f64.powf(1.0 / 32.0) + 1e-9).contains(&size),
        "{size}"
    );
}

/// Outputs that spike are asked to as hidden layers are; weights that are not free keep their bits.
#[test]
fn outputs_that_spike_and_weights_that_stay() {
    let network = network(&[30, 40, 3], true);
    let (_, _, found) = calibrated::<Grid<f64>>(&network, Some(1.0));
    assert_eq!(found.len(), 2);
    assert!(found[1].spikes >= 0.5 && found[1].silent == 0, "{found:?}");

    let mut solver = Grid::<f64>::new(&network).unwrap();
    let drawn = Params::init(&network, 5).unwrap();
    let mut params = drawn.clone();
    let calibration = Calibration {
        projections: &[ProjectionId(0)],
        spikes: None,
    };
    calibrate(&mut solver, &mut params, &batch(30), calibration).unwrap();
    assert_ne!(
        params.weights(ProjectionId(0)),
        drawn.weights(ProjectionId(0))
    );
    for kept in [ProjectionId(1), ProjectionId(2)] {
        assert_eq!(params.weights(kept), drawn.weights(kept));
    }
}

/// From either side: the place is between the two, and they are a 2^(1/4) apart after two halvings. Where nothing
/// changes the last scale that was tried is named.
#[test]
fn a_bracket_holds_the_place_where_something_changes() {
    for (low, place) in [(true, 5.0), (false, 0.2)] {
        let Bracket { below, above } =
            Bracket::find(low, 12, 2, |scale| Ok::<bool, ()>(scale < place)).unwrap();
        assert!(below < place && place <= above, "{below} {above}");
        // Two roots of powers of two, each right to half an ulp.
        let apart = above / below / 2.0_f64.powf(0.25);
        assert!((apart - 1.0).abs() < 4.0 * f64::EPSILON, "{apart}");
    }
    let none = Bracket::find(true, 3, 0, |_| Ok::<bool, ()>(true)).unwrap();
    assert_eq!((none.below, none.above), (8.0, 8.0));
}
