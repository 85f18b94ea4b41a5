//! Sparse wirings and deep rewiring of runs.

use eventprop::network::NeuronModel;
use eventprop_experiment::description::NetworkDescription;
use eventprop_experiment::run::{Command, Progress};
use eventprop_experiment::settings::Settings;
use eventprop_params::{Benchmark, Parameters};

use crate::{Trial, array};

const SPARSE: [&str; 4] = [
    "INPUT_HIDDEN_WIRING=fan_in:60",
    "HIDDEN_OUTPUT_WIRING=probability:0.4",
    "DEEP_R=0.5",
    "N_EPOCH=4",
];

fn is_array(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end == "npy")
}

/// Sources and targets of the synapses of a label.
fn pairs(trial: &Trial, label: &str) -> Vec<(i64, i64)> {
    let (shape, numbers) = array(&trial.path(&format!("test_synapses_input_hidden_{label}.npy")));
    assert_eq!(shape, [60 * 16, 2]);
    let pairs = numbers.chunks_exact(2);
    pairs.map(|pair| (pair[0] as i64, pair[1] as i64)).collect()
}

/// Synapses move, none is there twice, their number stays, and every epoch says how many moved.
#[test]
fn a_run_rewires_its_sparse_projections() {
    let trial = Trial::new(
        Benchmark::Shd,
        &[&SPARSE[..], &["W_OUTPUT_EPOCH_TRIAL=[[0,0]]"]].concat(),
    );
    trial.run(Command::Train).expect("a run");
    let (first, last) = (pairs(&trial, "e0_t0"), pairs(&trial, "last"));
    assert!(first != last);
    for pairs in [&first, &last] {
        assert!(
            pairs.windows(2).all(|two| two[0] < two[1]),
            "sorted, none twice"
        );
    }
    let weights = array(&trial.path("test_w_input_hidden_last.npy")).0;
    assert_eq!(weights, [60 * 16]);
    let metrics = trial.read("test_metrics.jsonl");
    let lines: Vec<serde_json::Value> = metrics
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let rewired: Vec<u64> = lines
        .iter()
        .map(|line| line["rewired"].as_u64().expect("a count"))
        .collect();
    assert!(rewired.iter().all(|count| *count > 0), "{rewired:?}");
    assert_eq!(lines[0]["stuck"].as_u64(), Some(0));
    let dense = Trial::new(Benchmark::Shd, &[]);
    dense.run(Command::Train).expect("a run");
    let metrics = dense.read("test_metrics.jsonl");
    assert!(metrics.contains("\"rewired\":null"));
}

/// A run that is stopped and resumed ends with the same synapses, weights and metrics as one that is not.
#[test]
fn a_rewired_run_resumes_to_the_same_bits() {
    let whole = Trial::new(Benchmark::Shd, &SPARSE);
    whole.run(Command::Train).expect("a run");
    for batches in [0, 2, 6, 9] {
        let part = Trial::new(Benchmark::Shd, &SPARSE);
        let mut left = batches;
        let stopped = part.run_until(Command::Train, |progress| {
            left -= i32::from(matches!(progress, Progress::Batch(_)));
            left < 0
        });
        assert!(stopped.expect("a part").cancelled);
        part.resume(&[], false).expect("the rest");
        let arrays = whole.names();
        for name in arrays.iter().filter(|name| is_array(name)) {
            let bytes = |trial: &Trial| std::fs::read(trial.path(name)).expect(name);
            assert!(
                bytes(&part) == bytes(&whole),
                "{name} after {batches} batches"
            );
        }
        let counts = |trial: &Trial| -> Vec<String> {
            let text = trial.read("test_metrics.jsonl");
            let of = |line: &str| {
                let json: serde_json::Value = serde_json::from_str(line).expect("JSON");
                format!(
                    "{} {} {}",
                    json["rewired"], json["stuck"], json["train_loss"]
                )
            };
            text.lines().map(of).collect()
        };
        assert_eq!(counts(&part), counts(&whole));
    }
}

#[test]
fn a_fan_in_beyond_the_inputs_is_named() {
    let trial = Trial::new(Benchmark::Shd, &["INPUT_HIDDEN_WIRING=fan_in:701"]);
    let error = trial.run(Command::Train).expect_err("701 of 700");
    assert_eq!(
        error.to_string(),
        "projection input->hidden0: 701 sources for each target are not possible; expected 1 to 700"
    );
    assert!(error.is_usage());
}

/// A file of a network beside the run, and the assignment that names it.
fn network_file(trial: &Trial, text: &str) -> String {
    let path = trial.path("network.toml");
    std::fs::write(&path, text).expect("room");
    format!("NETWORK={}", path.display())
}

/// The network that parameters say, as the text of a file.
fn said(params: &Parameters) -> String {
    let settings = Settings::new(params).expect("settings");
    let described = NetworkDescription::of_settings(&settings, None, 5);
    described.expect("a network").to_text()
}

/// What the keys say, and the file that is printed of it, train to the same bits.
#[test]
fn a_run_of_a_printed_network_is_that_of_its_keys() {
    let keys = [
        &SPARSE[..],
        &[
            "RECURRENT=true",
            "DELAY_SPREAD=50",
            "TRAIN_DELAY=true",
            "CHECKPOINT_BEST=training",
        ],
    ]
    .concat();
    let by_keys = Trial::new(Benchmark::Shd, &keys);
    by_keys.run(Command::Train).expect("a run");
    let mut by_file = Trial::new(
        Benchmark::Shd,
        &["DEEP_R=0.5", "N_EPOCH=4", "CHECKPOINT_BEST=training"],
    );
    let named = network_file(&by_file, &said(&by_keys.params));
    by_file.params.assign(&named).expect("a file");
    by_file.run(Command::Train).expect("a run");
    for (keys, file) in [
        ("w_input_hidden", "w_input_hidden0"),
        ("delay_input_hidden", "delay_input_hidden0"),
        ("synapses_input_hidden", "synapses_input_hidden0"),
        ("w_hidden0_hidden0", "w_hidden0_hidden0"),
        ("w_hidden_output", "w_hidden0_output"),
    ] {
        for label in ["last", "best"] {
            let bytes = |trial: &Trial, name: &str| {
                std::fs::read(trial.path(&format!("test_{name}_{label}.npy"))).expect(name)
            };
            assert!(
                bytes(&by_keys, keys) == bytes(&by_file, file),
                "{keys} {label}"
            );
        }
    }
}

/// The network is in the checkpoint, so that a run goes on without its file, and a test of its parameters works.
#[test]
fn a_run_goes_on_without_the_file_of_its_network() {
    let said = said(&Trial::new(Benchmark::Shd, &["NUM_HIDDEN=[10,8]"]).params);
    let trials = [false, true].map(|stops| {
        let mut trial = Trial::new(
            Benchmark::Shd,
            &[
                "REC_SPIKES=[hidden1]",
                "REC_SPIKES_EPOCH_TRIAL=[[0,0]]",
                "REC_SYNAPSES=[[hidden0_hidden1,w]]",
                "REC_SYNAPSES_EPOCH_TRIAL=[[0,0]]",
            ],
        );
        let named = network_file(&trial, &said);
        trial.params.assign(&named).expect("a file");
        if stops {
            let mut left = 3;
            let stopped = trial.run_until(Command::Train, |progress| {
                left -= i32::from(matches!(progress, Progress::Batch(_)));
                left < 0
            });
            assert!(stopped.expect("a part").cancelled);
            std::fs::remove_file(trial.path("network.toml")).expect("there");
            trial.resume(&[], false).expect("the rest");
        } else {
            trial.run(Command::Train).expect("a run");
        }
        trial
    });
    let names = trials[0].names();
    assert!(
        names.contains(&"test_whidden0_hidden1.npy".to_owned()),
        "{names:?}"
    );
    for name in names.iter().filter(|name| is_array(name)) {
        let [whole, part] = trials
            .each_ref()
            .map(|trial| std::fs::read(trial.path(name)).expect(name));
        assert!(whole == part, "{name}");
    }
    let path = trials[1].path("test_checkpoint.safetensors");
    let saved = eventprop_experiment::run::saved_network(&path).expect("a network");
    assert_eq!(saved.network.populations()[2].name, "hidden1");
}

/// The text of its neurons is in the checkpoint, too: a run goes on without the file, and not with a changed one.
#[test]
fn a_run_goes_on_without_the_file_of_its_neurons() {
    let text = NeuronModel::shipped_text("qif").expect("it comes along");
    // A step of these trials is 10 ms.
    let text = text.replace("\"qif\"", "\"own\"\nsubsteps = 8");
    let named = |trial: &Trial, text: &str| {
        let path = trial.path("own.toml");
        std::fs::write(&path, text).expect("room");
        format!("HIDDEN_NEURON_TYPE={}", path.display())
    };
    let trials = [false, true].map(|stops| {
        let mut trial = Trial::new(Benchmark::Shd, &["INPUT_HIDDEN_MEAN=0.5"]);
        let assigned = named(&trial, &text);
        trial.params.assign(&assigned).expect("a file");
        if !stops {
            trial.run(Command::Train).expect("a run");
            return trial;
        }
        let mut left = 3;
        let stopped = trial.run_until(Command::Train, |progress| {
            left -= i32::from(matches!(progress, Progress::Batch(_)));
            left < 0
        });
        assert!(stopped.expect("a part").cancelled);
        let changed = named(&trial, &text.replace("v_c = 1", "v_c = 2"));
        let error = trial
            .resume(&[changed.as_str()], false)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("HIDDEN_NEURON_TYPE: line 20 is `v_c = 2` instead of `v_c = 1`"),
            "{error}"
        );
        std::fs::remove_file(trial.path("own.toml")).expect("there");
        trial.resume(&[], false).expect("the rest");
        trial
    });
    let mut compared = 0;
    for name in trials[0].names().iter().filter(|name| is_array(name)) {
        let [whole, part] = trials
            .each_ref()
            .map(|trial| std::fs::read(trial.path(name)).expect(name));
        assert!(whole == part, "{name}");
        compared += 1;
    }
    assert!(compared > 0);
}

#[test]
fn networks_that_a_benchmark_cannot_use_are_named() {
    let said = said(&Trial::new(Benchmark::Shd, &[]).params);
    for (from, to, expected) in [
        (
            "dt_ms = 10.0",
            "dt_ms = 5.0",
            "its clock has steps of 5.0 ms and trials of 600.0 ms, and DT_MS and TRIAL_MS say 10.0 and 600.0; make them agree, or leave [clock] out",
        ),
        (
            "\"hidden0\"",
            "\"../hidden\"",
            "the name \"../hidden\" of a population becomes part of names of files; use letters, digits, _, - and .",
        ),
        (
            "size = 16\n",
            "",
            "population hidden0 has no size, and only input and output may leave it to the data; give it size or shape",
        ),
        (
            "neuron_type",
            "neuron",
            "population input needs the key neuron_type",
        ),
    ] {
        let mut trial = Trial::new(Benchmark::Shd, &[]);
        let named = network_file(&trial, &said.replace(from, to));
        trial.params.assign(&named).expect("a file");
        let error = trial.run(Command::Train).expect_err("a fault").to_string();
        assert!(
            error.starts_with("NETWORK=") && error.contains("network.toml is not possible: "),
            "{error}"
        );
        assert!(error.contains(expected), "{error}\n{expected}");
    }
    let mut trial = Trial::new(Benchmark::Shd, &[]);
    let sized = said.replace(
        "neuron_type = \"input\"",
        "neuron_type = \"input\"\nsize = 9",
    );
    let named = network_file(&trial, &sized);
    trial.params.assign(&named).expect("a file");
    let error = trial.run(Command::Train).expect_err("another size");
    assert!(error.is_usage());
    assert!(
        error.to_string().contains("the data have 700 inputs"),
        "{error}"
    );
    trial
        .params
        .assign("NETWORK=/no/such/file")
        .expect("a path");
    let error = trial.run(Command::Train).expect_err("no file").to_string();
    assert!(error.contains("it cannot be read"), "{error}");
}

#[test]
fn deep_rewiring_needs_a_sparse_projection() {
    let error = Trial::new(Benchmark::Shd, &["DEEP_R=0.1"]).run(Command::Train);
    assert_eq!(
        error.expect_err("nothing is sparse").to_string(),
        "DEEP_R=0.1 is not possible: no projection with weights that are trained is sparse; give INPUT_HIDDEN_WIRING or one of its siblings, such as fan_in:32"
    );
}
