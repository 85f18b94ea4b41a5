//! Every parameter of the benchmarks on binned spikes that is not listed as without effect changes what a run
//! leaves: those of SHD there, and of each other benchmark those that SHD does not
//! have.

use std::collections::BTreeMap;

use eventprop_experiment::run::{Command, EpochReport};
use eventprop_params::Benchmark;
use serde_json::Value as Json;

use crate::Trial;

/// What a run leaves, without what differs from run to run (times) and without the parameters themselves:
/// names of all files, and the content of those that are no pictures.
fn trace(command: Command, assignments: &[&str]) -> BTreeMap<String, Vec<u8>> {
    const TINY: [&str; 8] = [
        "N_TRAIN=24",
        "N_VALIDATE=20",
        "N_TEST=20",
        "NUM_HIDDEN=6",
        "DT_MS=20",
        "INPUT_HIDDEN_MEAN=0.15",
        "INPUT_HIDDEN_STD=0.1",
        "ETA=5e-3",
    ];
    let trial = Trial::new(Benchmark::Shd, &[&TINY, assignments].concat());
    left_by(&trial, command, assignments)
}

fn left_by(trial: &Trial, command: Command, assignments: &[&str]) -> BTreeMap<String, Vec<u8>> {
    trial
        .run(command)
        .unwrap_or_else(|e| panic!("{assignments:?}: {e}"));
    let content = |name: &String| match name.rsplit_once('.') {
        Some((_, "npy")) => std::fs::read(trial.path(name)).expect("an array"),
        _ if name.ends_with("results.txt") || name.ends_with("best.txt") => {
            let text = trial.read(name);
            let lines = text
                .lines()
                .map(|line| line.rsplit_once(' ').expect("columns").0);
            lines.collect::<Vec<_>>().join("\n").into_bytes()
        }
        _ if name.ends_with("summary.json") || name.ends_with("metrics.jsonl") => {
            let text = trial.read(name);
            let mut lines = serde_json::Deserializer::from_str(&text).into_iter::<Json>();
            let plain = lines
                .by_ref()
                .map(|line| without_times(line.expect("JSON")));
            plain.collect::<Vec<_>>().join("\n").into_bytes()
        }
        _ => Vec::new(),
    };
    let names = trial.names();
    names
        .into_iter()
        .map(|name| (name.clone(), content(&name)))
        .collect()
}

fn without_times(mut json: Json) -> String {
    let object = json.as_object_mut().expect("an object");
    let of_run = ["samples_per_second", "out_dir", "files", "seeds"];
    for key in EpochReport::OF_THE_MACHINE.into_iter().chain(of_run) {
        object.remove(key);
    }
    json.to_string()
}

/// A key, another value, and what else must be set for it to matter.
const CHANGES: &[(&str, &[&str])] = &[
    ("DEBUG_HIDDEN_N=true", &[]),
    ("DATA_SET=SHD", &[]),
    ("MODEL_SEED=9", &[]),
    ("TRAIN_DATA_SEED=9", &[]),
    (
        "TEST_DATA_SEED=9",
        &["AUGMENTATION={NORMALISE_SPIKE_NUMBER:true}"],
    ),
    ("DT_MS=10", &[]),
    ("TRIAL_MS=400", &[]),
    ("RESCALE_T=0.5", &[]),
    ("RESCALE_X=0.5", &[]),
    ("MERGE_SPIKES=false", &["DT_MS=10"]),
    ("N_MAX_SPIKE=1", &[]),
    ("N_BATCH=7", &[]),
    ("N_TRAIN=20", &[]),
    ("N_VALIDATE=11", &[]),
    ("N_TEST=11", &[]),
    ("N_EPOCH=1", &[]),
    ("SHUFFLE=false", &[]),
    ("EVALUATION=speaker", &[]),
    ("SPEAKER_LEFT=1", &["EVALUATION=speaker"]),
    (
        "REDUCED_CLASSES=[0,1,2,3,4,5,6,7,8,9,10,11,12]",
        &["N_BATCH=5"],
    ),
    ("AUGMENTATION={random_shift:40}", &[]),
    ("AUGMENTATION={random_dilate:[0.5,2]}", &[]),
    ("AUGMENTATION={ID_jitter:20}", &[]),
    (
        "AUGMENTATION={blend:[0.5,0.5]}",
        &["REDUCED_CLASSES=[0,1,2,3,4,5]", "N_VALIDATE=4", "N_BATCH=5"],
    ),
    ("AUGMENTATION={NORMALISE_SPIKE_NUMBER:true}", &[]),
    (
        "BALANCE_TRAIN_CLASSES=true",
        &[
            "REDUCED_CLASSES=[0,1,2,5]",
            "N_TRAIN=44",
            "N_VALIDATE=0",
            "N_BATCH=4",
        ],
    ),
    ("BALANCE_EVAL_CLASSES=true", &["N_TEST=39"]),
    ("NUM_HIDDEN=7", &[]),
    ("N_HID_LAYER=2", &[]),
    ("RECURRENT=true", &[]),
    ("N_INPUT_DELAY=1", &[]),
    ("INPUT_DELAY=100", &["N_INPUT_DELAY=1"]),
    ("HIDDEN_NEURON_TYPE=hetLIF", &[]),
    ("HIDDEN_NEURON_TYPE=ALIF", &[]),
    ("OUTPUT_NEURON_TYPE=hetLI", &[]),
    ("TAU_SYN=6", &[]),
    ("TAU_MEM=25", &[]),
    ("V_THRESH=0.8", &[]),
    ("V_RESET=-0.2", &[]),
    ("REFRACTORY_MS=20", &[]),
    ("DELAY=40", &[]),
    ("DELAY_SPREAD=80", &[]),
    ("DELAY_BY=source", &["DELAY_SPREAD=80"]),
    ("DELAY_PROJECTIONS=input", &["DELAY=40"]),
    ("TRAIN_DELAY=true", &["DELAY_SPREAD=80"]),
    (
        "DELAY_MAX_MS=85",
        &["TRAIN_DELAY=true", "DELAY_SPREAD=80", "ETA_DELAY=20"],
    ),
    ("ETA_DELAY=20", &["TRAIN_DELAY=true", "DELAY_SPREAD=80"]),
    ("TAU_B=50", &["HIDDEN_NEURON_TYPE=ALIF"]),
    ("B_INCR=0.3", &["HIDDEN_NEURON_TYPE=ALIF"]),
    ("B_INIT=0.3", &["HIDDEN_NEURON_TYPE=ALIF"]),
    ("INPUT_HIDDEN_MEAN=0.2", &[]),
    ("INPUT_HIDDEN_STD=0.2", &[]),
    ("HIDDEN_OUTPUT_MEAN=0.2", &[]),
    ("HIDDEN_OUTPUT_STD=0.2", &[]),
    ("HIDDEN_HIDDEN_MEAN=0.2", &["RECURRENT=true"]),
    ("HIDDEN_HIDDEN_STD=0.2", &["RECURRENT=true"]),
    ("HIDDEN_HIDDENFWD_MEAN=0.2", &["N_HID_LAYER=2"]),
    ("HIDDEN_HIDDENFWD_STD=0.2", &["N_HID_LAYER=2"]),
    ("INPUT_HIDDEN_WIRING=fan_in:300", &[]),
    ("HIDDEN_OUTPUT_WIRING=probability:0.5", &[]),
    ("HIDDEN_HIDDEN_WIRING=probability:0.5", &["RECURRENT=true"]),
    ("HIDDEN_HIDDENFWD_WIRING=fan_in:2", &["N_HID_LAYER=2"]),
    ("DEEP_R=0.5", &["INPUT_HIDDEN_WIRING=fan_in:300"]),
    ("PDROP_INPUT=0.5", &[]),
    ("PDROP_HIDDEN=0.5", &[]),
    ("HIDDEN_NOISE=0.1", &[]),
    ("REG_TYPE=simple", &["LBD_UPPER=1e-3", "LBD_LOWER=1e-3"]),
    ("LBD_UPPER=1e-2", &["REG_TYPE=simple", "NU_UPPER=1"]),
    ("LBD_LOWER=1e-2", &["REG_TYPE=simple", "NU_UPPER=100"]),
    ("NU_UPPER=1", &["REG_TYPE=simple", "LBD_UPPER=1e-3"]),
    ("RHO_UPPER=2", &["REG_TYPE=Thomas1", "GLB_UPPER=1e-2"]),
    ("GLB_UPPER=1e-2", &["REG_TYPE=Thomas1", "RHO_UPPER=2"]),
    ("AVG_SNSUM=true", &["REG_TYPE=simple", "LBD_LOWER=1e-2"]),
    (
        "REWIRE_SILENT=true",
        &["INPUT_HIDDEN_MEAN=0.001", "INPUT_HIDDEN_STD=0.001"],
    ),
    (
        "REWIRE_LIFT=0.1",
        &[
            "REWIRE_SILENT=true",
            "INPUT_HIDDEN_MEAN=0.001",
            "INPUT_HIDDEN_STD=0.001",
        ],
    ),
    (
        "REWIRE_LIFT_ALL=true",
        &["REWIRE_SILENT=true", "REWIRE_LIFT=0.1"],
    ),
    ("LOSS_TYPE=max", &[]),
    ("LOSS_SCALE=exact", &["OPTIMIZER=sgd"]),
    (
        "TAU_0=5",
        &["LOSS_TYPE=first_spike", "HIDDEN_OUTPUT_MEAN=1"],
    ),
    (
        "TAU_1=50",
        &["LOSS_TYPE=first_spike_exp", "HIDDEN_OUTPUT_MEAN=1"],
    ),
    (
        "ALPHA=0.1",
        &["LOSS_TYPE=first_spike", "HIDDEN_OUTPUT_MEAN=1"],
    ),
    ("TAU_ACCUMULATOR=50", &["LOSS_TYPE=sum_weigh_input"]),
    ("TAU_ACCUMULATOR=50", &["LOSS_TYPE=sum_weigh_late"]),
    (
        "SOLVER=event",
        &["N_TRAIN=12", "N_BATCH=12", "TRIAL_MS=200", "N_EPOCH=1"],
    ),
    ("GRAZING=limit:100", &[]),
    ("OPTIMIZER=sgd", &[]),
    ("ETA=1e-3", &[]),
    ("ADAM_BETA1=0.5", &[]),
    ("ADAM_BETA2=0.5", &[]),
    ("ADAM_EPS=1e-3", &[]),
    ("ADAM_CLIP=0.1", &[]),
    ("WEIGHT_DECAY=0.5", &[]),
    ("AVERAGE_EPOCHS=1", &[]),
    ("ETA_RELATIVE=true", &[]),
    ("ETA_COURSE=cosine", &[]),
    ("ETA_COURSE=one_cycle", &[]),
    ("LABEL_SMOOTHING=0.2", &[]),
    ("FINAL_TEST=false", &[]),
    ("LR_EASE_IN_FACTOR=1.5", &[]),
    (
        "ETA_FAC=0.25",
        &["MIN_EPOCH_ETA_FIXED=0", "EMA_ALPHA2=0.1", "N_EPOCH=4"],
    ),
    (
        "MIN_EPOCH_ETA_FIXED=1",
        &["MIN_EPOCH_ETA_FIXED=0", "EMA_ALPHA2=0.1", "N_EPOCH=4"],
    ),
    (
        "EMA_ALPHA1=0.05",
        &["MIN_EPOCH_ETA_FIXED=0", "EMA_ALPHA2=0.1", "N_EPOCH=4"],
    ),
    (
        "EMA_ALPHA2=0.9",
        &["MIN_EPOCH_ETA_FIXED=0", "EMA_ALPHA2=0.1", "N_EPOCH=4"],
    ),
    // Accuracy rises in training and hardly on five other samples, so only there the fast average is not above
    // the slow one.
    (
        "EMA_WHICH=training",
        &[
            "MIN_EPOCH_ETA_FIXED=0",
            "EMA_ALPHA1=0.1",
            "EMA_ALPHA2=0.9",
            "N_EPOCH=8",
            "ETA=0.05",
            "N_VALIDATE=5",
        ],
    ),
    ("TRAIN_TAU=true", &[]),
    ("TRAIN_TAU_OUTPUT=true", &[]),
    ("MIN_TAU_M=19", &["HIDDEN_NEURON_TYPE=hetLIF"]),
    ("MIN_TAU_SYN=4.5", &["HIDDEN_NEURON_TYPE=hetLIF"]),
    ("TRAIN_W=false", &[]),
    ("TRAIN_W_OUTPUT=false", &[]),
    ("CHECKPOINT_BEST=training", &[]),
    ("W_OUTPUT_EPOCH_TRIAL=[[0,1]]", &[]),
    ("TAU_OUTPUT_EPOCH_TRIAL=[[0,1]]", &["TRAIN_TAU=true"]),
    ("REC_SPIKES=[output]", &["REC_SPIKES_EPOCH_TRIAL=[[0,1]]"]),
    ("REC_SPIKES_EPOCH_TRIAL=[[0,1]]", &["REC_SPIKES=[input]"]),
    (
        "REC_NEURONS=[[hidden0,V]]",
        &["REC_NEURONS_EPOCH_TRIAL=[[0,1]]"],
    ),
    (
        "REC_NEURONS_EPOCH_TRIAL=[[0,1]]",
        &["REC_NEURONS=[[hidden0,V]]"],
    ),
    (
        "REC_SYNAPSES=[[hid_to_out,w]]",
        &["REC_SYNAPSES_EPOCH_TRIAL=[[0,1]]"],
    ),
    (
        "REC_SYNAPSES_EPOCH_TRIAL=[[0,1]]",
        &["REC_SYNAPSES=[[hid_to_out,w]]"],
    ),
    (
        "REC_SAMPLES=[1]",
        &["REC_SPIKES=[input]", "REC_SPIKES_EPOCH_TRIAL=[[0,1]]"],
    ),
    (
        "REC_NEURON_IDS={input:[300]}",
        &["REC_SPIKES=[input]", "REC_SPIKES_EPOCH_TRIAL=[[0,1]]"],
    ),
    (
        "REC_FORMAT=npz",
        &["REC_SPIKES=[input]", "REC_SPIKES_EPOCH_TRIAL=[[0,1]]"],
    ),
    ("COLLECT_CONFUSION=true", &[]),
    ("REC_PREDICTIONS=true", &[]),
    ("WRITE_TO_DISK=false", &["COLLECT_CONFUSION=true"]),
    ("TRAINING_PLOT=true", &["TRAINING_PLOT_INTERVAL=1"]),
];

/// Of other benchmarks: the keys that are not those of SHD.
const CHANGES_ELSEWHERE: &[(Benchmark, &[&str])] = &[
    (
        Benchmark::Smnist,
        &[
            "SMNIST_ENCODING=pixel",
            "PERMUTE_SEED=1",
            "TAU_MEM_OUTPUT=30",
            "ETA_DECAY=0.5",
        ],
    ),
    (
        Benchmark::Nmnist,
        &[
            "CAMERA_SIDE=10",
            "POLARITY=merge",
            "TAU_MEM_OUTPUT=30",
            "ETA_DECAY=0.5",
        ],
    ),
    (
        Benchmark::DvsGesture,
        &[
            "CAMERA_SIDE=12",
            "POLARITY=on",
            "CLIP_START_MS=200",
            "CLIP_END_MS=300",
            "TAU_MEM_OUTPUT=30",
            "ETA_DECAY=0.5",
        ],
    ),
    (
        Benchmark::Custom,
        &[
            "CAMERA_SIDE=3",
            "POLARITY=merge",
            "TIME_ORIGIN=file",
            "TAU_MEM_OUTPUT=30",
            "ETA_DECAY=0.5",
        ],
    ),
];

/// Keys whose effect other tests show: on what is accepted, on how files are read, on the place of files and of the work, on later runs, on pictures during training,
/// on when weights are written, on other commands; and that of a network in a file.
const ELSEWHERE: [&str; 18] = [
    "NETWORK",
    "DATA_TRAIN",
    "DATA_TEST",
    "DATA_COLUMNS",
    "DATA_FORMAT",
    "NUM_INPUT",
    "NUM_OUTPUT",
    "DEVICE",
    "NAME",
    "OUT_DIR",
    "LOAD_LAST",
    "LOAD_BEST",
    "CHECKPOINT_NAME",
    "CHECKPOINT",
    "CHECKPOINT_EVERY",
    "TRAINING_PLOT_INTERVAL",
    "SELECT_ON_TEST",
    "N_FOLDS",
];

fn key(assignment: &str) -> &str {
    assignment.split_once('=').expect("an assignment").0
}

#[test]
fn every_key_is_tried_or_listed() {
    let changed: Vec<&str> = CHANGES.iter().map(|(change, _)| key(change)).collect();
    for row in Benchmark::Shd.rows() {
        let known = changed.contains(&row.key) || ELSEWHERE.contains(&row.key);
        assert_eq!(known, row.effect, "{}", row.key);
    }
}

#[test]
fn every_key_changes_what_a_run_leaves() {
    let mut before: BTreeMap<&[&str], _> = BTreeMap::new();
    for (change, context) in CHANGES {
        let base = before
            .entry(context)
            .or_insert_with(|| trace(Command::Train, context));
        let after = trace(Command::Train, &[context, &[*change][..]].concat());
        // TRAINING_PLOT writes to the files that the end writes anyway.
        let pictures = key(change) == "TRAINING_PLOT";
        assert!(pictures || after != *base, "{change} has no effect");
    }
}

/// The keys of the others are those of SHD, or tried here.
#[test]
fn every_key_of_the_other_benchmarks_is_tried() {
    let of_words = |key: &str| {
        let mut rows = Benchmark::Shd.rows().iter();
        rows.any(|row| row.key == key && row.effect)
    };
    for (benchmark, changes) in CHANGES_ELSEWHERE {
        let changed: Vec<&str> = changes.iter().map(|change| key(change)).collect();
        for row in benchmark.rows() {
            let known =
                changed.contains(&row.key) || of_words(row.key) || ELSEWHERE.contains(&row.key);
            assert!(known || !row.effect, "{benchmark} {}", row.key);
        }
    }
    let tried = CHANGES_ELSEWHERE.iter().map(|(benchmark, _)| *benchmark);
    let all = Benchmark::ALL.into_iter();
    let others = all.filter(|b| b.is_binned() && ![Benchmark::Shd, Benchmark::Ssc].contains(b));
    assert!(others.eq(tried));
}

#[test]
fn every_key_of_the_other_benchmarks_changes_what_a_run_leaves() {
    let own = tempfile::tempdir().expect("a temporary folder");
    let paths = crate::cameras::folders_of_classes(own.path());
    let paths = ["DATA_TRAIN", "DATA_TEST"].map(|key| {
        let part = &paths[usize::from(key == "DATA_TEST")];
        format!("{key}={}", part.display())
    });
    for (benchmark, changes) in CHANGES_ELSEWHERE {
        let left = |assignments: &[&str]| {
            let mut all: Vec<&str> = assignments.to_vec();
            if *benchmark == Benchmark::Custom {
                all.extend(paths.iter().map(String::as_str));
                all.extend(["TRIAL_MS=95", "INPUT_HIDDEN_MEAN=1"]);
            }
            let trial = Trial::new(*benchmark, &all);
            left_by(&trial, Command::Train, assignments)
        };
        let base = left(&[]);
        for change in *changes {
            assert!(left(&[change]) != base, "{change} has no effect");
        }
    }
}

#[test]
fn keys_listed_as_without_effect_have_none() {
    let base = trace(Command::Train, &["N_EPOCH=1"]);
    let idle: Vec<String> = Benchmark::Shd
        .rows()
        .iter()
        .filter(|row| !row.effect)
        .map(|row| format!("{}=true", row.key))
        .collect();
    assert!(idle.len() > 15);
    let mut all: Vec<&str> = idle.iter().map(String::as_str).collect();
    all.push("N_EPOCH=1");
    assert!(trace(Command::Train, &all) == base);
}

/// Without CHECKPOINT the weights are written once, at the end: the same ones.
#[test]
fn without_checkpoints_the_last_weights_are_still_written() {
    let base = trace(Command::Train, &[]);
    assert!(trace(Command::Train, &["CHECKPOINT=false"]) == base);
}
