use eventprop::connect::{By, Convolution, Delay, Delays, Pool, Shape};
use eventprop::network::{
    Adaptation, Clock, Constant, Init, Li, Lif, Model, NeuronConstant, Trained,
};
use eventprop_params::{Benchmark, Parameters};

use super::{NetworkDescription, Pairs, PopulationDescription, ProjectionDescription};
use crate::description::NetworkSize;
use crate::network_builder::Topology;
use crate::settings::Settings;

fn population(name: &str, shape: [usize; 3], model: Model) -> PopulationDescription {
    PopulationDescription {
        name: name.to_owned(),
        shape: Some(Shape::from(shape)),
        model,
        trained: Vec::new(),
    }
}

fn projection(source: usize, target: usize, pairs: Pairs) -> ProjectionDescription {
    ProjectionDescription {
        source,
        target,
        via: Vec::new(),
        pairs,
        delay: Delay::NONE,
        weights: Init::Normal {
            mean: 0.1,
            std: 1.0 / 3.0,
        },
        frozen: false,
        port: None,
    }
}

/// Every wiring, delay, model and source of weights.
fn all_kinds() -> NetworkDescription {
    let lif = Lif::new(20.0, vec![5.0, 4.0, 3.0, 2.0]).v_reset(-0.1);
    let adapting = Lif::new(1e-3, 1e21).adapting(Adaptation::new(100.0, 0.1).b_init(1e-7));
    let kernel = Convolution {
        stride: [2, 2],
        padding: [1, 1],
        ..Convolution::of(3)
    };
    let each = |by, init| {
        Delay::Each(Delays {
            by,
            init,
            most_ms: 5.0,
            trained: true,
        })
    };
    NetworkDescription {
        clock: Some(Clock::new(0.5, 20.0).unwrap()),
        populations: vec![
            population("input", [8, 8, 2], Model::Input),
            population("image \"1\"", [4, 4, 3], Model::Alif(adapting)),
            PopulationDescription {
                trained: vec![Trained {
                    constant: NeuronConstant::TauMem,
                    least: 3.0,
                }],
                ..population("hidden", [1, 1, 4], Model::Lif(lif))
            },
            population(
                "output",
                [1, 1, 4],
                Model::Li(Li::new(20.0, 5.0).v_init(0.5)),
            ),
        ],
        projections: vec![
            projection(0, 1, Pairs::Convolution(kernel)),
            ProjectionDescription {
                via: vec![Pool::sum(2), Pool::average(2)],
                weights: Init::FanIn {
                    gain: 1.5,
                    mean: 0.25,
                },
                delay: each(By::Source, Init::same(1.0)),
                ..projection(0, 2, Pairs::Dense)
            },
            ProjectionDescription {
                weights: Init::Values(vec![1.0, -2.5, 1e-300, 0.1]),
                delay: Delay::Constant(2.5),
                ..projection(2, 2, Pairs::OneToOne)
            },
            projection(1, 2, Pairs::Probability(0.3)),
            ProjectionDescription {
                frozen: true,
                delay: each(
                    By::Synapse,
                    Init::Uniform {
                        low: 0.0,
                        high: 4.5,
                    },
                ),
                ..projection(1, 3, Pairs::FanIn(7))
            },
            ProjectionDescription {
                delay: each(By::Target, Init::Values(vec![0.0, 1.0, 2.0, 3.0])),
                ..projection(2, 3, Pairs::Listed(vec![(0, 1), (1, 0), (3, 3)]))
            },
        ],
    }
}

#[test]
fn a_written_network_is_read_to_the_last_bit() {
    let described = all_kinds();
    let text = described.to_text();
    assert_eq!(
        NetworkDescription::parse(&text).unwrap(),
        described,
        "{text}"
    );
    // Pairs that were drawn are listed when the network itself is written.
    let clock = described.clock.unwrap();
    let network = described.build(clock, None, 3).unwrap();
    let frozen: Vec<_> = described.frozen().collect();
    let whole = NetworkDescription::of(&network, &frozen);
    let read = NetworkDescription::parse(&whole.to_text()).unwrap();
    assert_eq!(read, whole);
    assert_eq!(read.frozen().collect::<Vec<_>>(), frozen);
    assert_eq!(read.build(clock, None, 4).unwrap(), network);
}

/// The networks of all benchmarks, whatever their keys, come back from their files.
#[test]
fn the_network_of_a_benchmark_is_that_of_its_file() {
    let size = NetworkSize {
        inputs: 40,
        classes: 10,
    };
    for benchmark in Benchmark::ALL {
        for assignments in [
            &[][..],
            &[
                "RECURRENT=true",
                "NUM_HIDDEN=[12,9]",
                "DELAY_SPREAD=3",
                "DELAY_BY=source",
            ],
            &[
                "INPUT_HIDDEN_WIRING=fan_in:5",
                "HIDDEN_OUTPUT_WIRING=probability:0.5",
            ],
            &[
                "TRAIN_DELAY=true",
                "DELAY=0.1",
                "V_RESET=-0.5",
                "SOLVER=event",
            ],
            &[
                "HIDDEN_NEURON_TYPE=hetLIF",
                "OUTPUT_NEURON_TYPE=hetLI",
                "TRAIN_TAU=true",
            ],
            &["HIDDEN_NEURON_TYPE=ALIF", "TRAIN_W=false"],
            &["LOSS_TYPE=first_spike"],
            &["HIDDEN_NEURON_TYPE=izhikevich"],
        ] {
            let mut params = Parameters::new(benchmark);
            params.assign("NUM_HIDDEN=11").unwrap();
            // Yin-Yang and MNIST have LIF neurons and models only.
            let known = |text: &str| params.has("TAU_B") || !text.ends_with("LIF");
            let has = |text: &&str| params.has(text.split_once('=').unwrap().0) && known(text);
            for assignment in assignments.iter().copied().filter(has).collect::<Vec<_>>() {
                params.assign(assignment).unwrap();
            }
            params.draw_seeds(|| 5);
            let settings = Settings::new(&params).unwrap();
            let by_keys = Topology::new(&settings, size, 5).unwrap();
            let described = NetworkDescription::of_settings(&settings, Some(10), 5).unwrap();
            let read = NetworkDescription::parse(&described.to_text()).unwrap();
            assert_eq!(read, described);
            let network = read.build(settings.clock, Some(size), 5).unwrap();
            assert_eq!(network, by_keys.network, "{benchmark} {assignments:?}");
            assert_eq!(read.frozen().collect::<Vec<_>>(), by_keys.frozen);
        }
    }
}

const SMALL: &str = r#"
[[population]]
name = "input"
neuron_type = "input"
size = 3

[[population]]
name = "hidden"
neuron_type = "LIF"
size = 4
tau_mem = 20.0
tau_syn = 5.0

[[population]]
name = "output"
neuron_type = "LI"
size = 2
tau_mem = 20.0
tau_syn = 5.0

[[projection]]
source = "input"
target = "hidden"
weights = { mean = 1.0 }

[[projection]]
source = "hidden"
target = "output"
wiring = { fan_in = 2 }
weights = 0.5
"#;

/// Every fault has its line, names what is wrong, and says what is possible.
#[test]
fn faults_of_a_file_are_named() {
    NetworkDescription::parse(SMALL).unwrap();
    for (from, to, expected) in [
        (
            "size = 4",
            "sise = 4",
            "line 10, column 1: population hidden has no key sise; did you mean size? (there is name, shape, size, neuron_type, tau_mem, tau_syn, v_thresh, v_reset, refractory, train)",
        ),
        (
            "\"LIF\"",
            "\"LiF2\"",
            "line 9, column 15: neuron_type of population hidden: there is no \"LiF2\"; did you mean LIF? (there is input, LIF, ALIF, LI, lif, alif, ",
        ),
        (
            "size = 4\ntau_mem = 20.0",
            "size = 4",
            "line 7, column 1: population hidden needs the key tau_mem",
        ),
        (
            "size = 4",
            "size = 0",
            "line 10, column 8: size of population hidden is 0; expected a whole number of at least 1 and at most 4294967295",
        ),
        (
            "size = 4",
            "size = 4\nshape = [1, 1, 4]",
            "line 11, column 9: shape of population hidden is a list of 3; expected left out where there is a size",
        ),
        (
            "target = \"hidden\"",
            "target = \"hiden\"",
            "line 23, column 10: target of a projection: there is no \"hiden\"; did you mean hidden? (there is input, hidden, output)",
        ),
        (
            "{ fan_in = 2 }",
            "{ fan_out = 2 }",
            "line 29, column 12: wiring of projection hidden->output has no key fan_out; did you mean fan_in? (there is probability, fan_in, pairs, kernel)",
        ),
        (
            "{ fan_in = 2 }",
            "{ fan_in = 2.5 }",
            "line 29, column 21: fan_in of wiring of projection hidden->output is 2.5; expected a whole number of at least 1 and at most 4294967295",
        ),
        (
            "{ fan_in = 2 }",
            "\"sparse\"",
            "line 29, column 10: wiring of projection hidden->output: there is no \"sparse\"; there is dense, one_to_one",
        ),
        (
            "weights = 0.5",
            "weights = inf",
            "line 30, column 11: weights of projection hidden->output is inf; expected a finite number",
        ),
        (
            "weights = 0.5",
            "",
            "line 26, column 1: projection hidden->output needs the key weights",
        ),
        (
            "tau_mem = 20.0",
            "tau_mem = [20.0, \"x\"]",
            "line 11, column 11: tau_mem of population hidden is a list of 2; expected a list of finite numbers",
        ),
        ("[[population]]", "[population", "this is not TOML"),
    ] {
        let text = SMALL.replacen(from, to, 1);
        let error = NetworkDescription::parse(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n{expected}");
    }
}

#[test]
fn sizes_must_be_those_of_the_data() {
    let described = NetworkDescription::parse(SMALL).unwrap();
    let clock = Clock::new(1.0, 20.0).unwrap();
    let build = |inputs, classes| {
        let built = described.build(clock, Some(NetworkSize { inputs, classes }), 1);
        built.map_err(|error| error.to_string())
    };
    assert!(build(3, 2).is_ok());
    assert_eq!(
        build(5, 2).unwrap_err(),
        "population input has the shape 1 × 1 × 3, and the data have 5 inputs; give it as many neurons, or leave its size out"
    );
    assert!(
        build(3, 4)
            .unwrap_err()
            .contains("population output has the shape 1 × 1 × 2, and the data have 4 classes")
    );
    let text = SMALL.replace("size = 3\n", "");
    let described = NetworkDescription::parse(&text).unwrap();
    let size = NetworkSize {
        inputs: 7,
        classes: 2,
    };
    assert_eq!(
        described.build(clock, Some(size), 1).unwrap().input_size(),
        7
    );
    let error = described.build(clock, None, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "population input has no size; give it size or shape"
    );
    let constant = Constant::Same(20.0);
    assert_eq!(described.populations[1].model.constants()[0].1, &constant);
}
