use super::*;
use crate::value::Value;

fn message(benchmark: Benchmark, assignment: &str) -> String {
    let error = Parameters::new(benchmark).assign(assignment);
    error.expect_err(assignment).to_string()
}

fn every_row() -> impl Iterator<Item = (Benchmark, &'static Row)> {
    Benchmark::ALL
        .into_iter()
        .flat_map(|b| b.rows().iter().map(move |row| (b, row)))
}

#[test]
fn every_default_is_accepted_and_survives_every_notation() {
    for (benchmark, row) in every_row() {
        let value = Parameters::new(benchmark).get(row.key);
        for copy in [
            Some(Value::parse(&value.to_string())),
            Value::from_json(&value.to_json()),
        ] {
            let mut params = Parameters::new(benchmark);
            params
                .set(row.key, copy.expect("values have no tables"))
                .expect(row.key);
            assert_eq!(params.get(row.key), value, "{benchmark} {}", row.key);
            assert!(params.is_given(row.key));
        }
    }
}

#[test]
fn keys_and_aliases_are_unique_and_every_row_is_described() {
    for benchmark in Benchmark::ALL {
        let rows = benchmark.rows().iter();
        let mut spellings: Vec<&str> = rows
            .flat_map(|row| std::iter::once(row.key).chain(row.aliases.iter().copied()))
            .collect();
        let count = spellings.len();
        spellings.sort_unstable();
        spellings.dedup();
        assert_eq!(spellings.len(), count, "{benchmark}");
    }
    for (_, row) in every_row() {
        assert!(
            row.meaning.len() > 10 && !row.kind.expected().is_empty(),
            "{}",
            row.key
        );
        assert_eq!(row.key, row.key.to_uppercase());
    }
}

#[test]
fn every_preset_is_accepted() {
    for benchmark in Benchmark::ALL {
        for preset in benchmark.presets() {
            Parameters::new(benchmark)
                .preset(&preset.name)
                .expect(&preset.name);
        }
    }
}

#[test]
fn aliases_set_their_key() {
    let mut params = Parameters::new(Benchmark::YinYang);
    for (alias, key) in [
        ("TRAIL_MS=20", "TRIAL_MS"),
        ("N_EPOCHS=3", "N_EPOCH"),
        ("PDROP_HIDDEN=0.1", "PDROP"),
        ("DATASET=published", "DATA"),
    ] {
        params.assign(alias).expect(alias);
        assert!(params.is_given(key), "{alias}");
    }
}

#[test]
fn the_sizes_of_yin_yang_follow_the_batch() {
    let mut params = Parameters::new(Benchmark::YinYang);
    assert_eq!(params.count("N_TRAIN"), 32_000);
    params.assign("N_BATCH=10").expect("a batch of 10");
    assert_eq!(
        (params.count("N_TRAIN"), params.count("N_TEST")),
        (10_000, 250)
    );
    params.assign("N_TRAIN=7").expect("7 samples");
    assert_eq!(params.count("N_TRAIN"), 7);
}

#[test]
fn unknown_keys_are_answered_with_the_likely_one() {
    assert_eq!(
        message(Benchmark::Mnist, "NUM_HIDEN=3"),
        "unknown parameter NUM_HIDEN for mnist; did you mean NUM_HIDDEN? (`eventprop params mnist` lists all)"
    );
    assert!(message(Benchmark::Mnist, "num_hidden=3").contains("did you mean NUM_HIDDEN?"));
    for (word, key) in [
        ("lr", "ETA"),
        ("batch_size", "N_BATCH"),
        ("epochs", "N_EPOCH"),
    ] {
        let told = message(Benchmark::Mnist, &format!("{word}=3"));
        assert!(told.contains(&format!("did you mean {key}?")), "{told}");
    }
    assert_eq!(
        message(Benchmark::YinYang, "REDUCED_CLASSES=[1]"),
        "unknown parameter REDUCED_CLASSES for yinyang; it is a parameter of mnist, shd, ssc, smnist, nmnist, dvs-gesture, custom only (`eventprop params yinyang` lists all)"
    );
    // DATA is more alike than any other key of Yin-Yang, and not what was meant.
    assert!(message(Benchmark::YinYang, "DATA_COLUMNS=t").contains("of custom only"));
    assert_eq!(
        message(Benchmark::YinYang, "QWXZ=1"),
        "unknown parameter QWXZ for yinyang; `eventprop params yinyang` lists all"
    );
}

#[test]
fn values_that_a_key_does_not_accept_are_answered_with_what_it_does() {
    for (assignment, expected) in [
        (
            "NUM_HIDDEN=0",
            "NUM_HIDDEN=0 is not possible; NUM_HIDDEN takes a whole number of at least 1 and at most 4294967295, or a list of them, one for each layer (default 200)",
        ),
        (
            "DT_MS=0",
            "DT_MS=0 is not possible; DT_MS takes a number above 0 (default 0.1)",
        ),
        (
            "DT_MS=nan",
            "DT_MS=nan is not possible; DT_MS takes a number above 0 (default 0.1)",
        ),
        (
            "V_THRESH=1e-46",
            "V_THRESH=1e-46 is not possible; V_THRESH takes a number above 0 in single precision (default 1.0)",
        ),
        (
            "ADAM_EPS=1e-50",
            "ADAM_EPS=1e-50 is not possible; ADAM_EPS takes a number above 0 in single precision (default 1e-8)",
        ),
        (
            "ADAM_BETA2=0.99999999999",
            "ADAM_BETA2=0.99999999999 is not possible; ADAM_BETA2 takes a number of at least 0 and below 1 in single precision (default 0.999)",
        ),
        (
            "N_BATCH=2.5",
            "N_BATCH=2.5 is not possible; N_BATCH takes a whole number of at least 1 and at most 4294967295 (default 32)",
        ),
        (
            "SHUFFLE=maybe",
            "SHUFFLE=maybe is not possible; SHUFFLE takes true or false (default true)",
        ),
        (
            "SOLVER=gpu",
            "SOLVER=gpu is not possible; SOLVER takes one of grid, event (default event)",
        ),
        (
            "PDROP_INPUT=1.5",
            "PDROP_INPUT=1.5 is not possible; PDROP_INPUT takes a number from 0 to 1 (default 0.0)",
        ),
        (
            "GRAZING=limit:-1",
            "GRAZING=limit:-1 is not possible; GRAZING takes keep, error, or limit:x with a number x above 0 (default keep)",
        ),
        (
            "DEVICE=gpu:first",
            "DEVICE=gpu:first is not possible; DEVICE takes cpu, gpu, or gpu:n with the number n of a device (default cpu)",
        ),
        (
            "MODEL_SEED=-1",
            "MODEL_SEED=-1 is not possible; MODEL_SEED takes a whole number from 0 to 4294967295, or none to draw one (default none)",
        ),
        (
            "REC_NEURONS=[hidden]",
            "REC_NEURONS=[hidden] is not possible; REC_NEURONS takes a list of pairs of names, such as [[\"hidden\",\"V\"]] (default [])",
        ),
        (
            "N_TRAIN=0",
            "N_TRAIN=0 is not possible; N_TRAIN takes a whole number of at least 1 and at most 4294967295 (default 1000 * N_BATCH)",
        ),
        (
            "N_EPOCHS=1.50e3x",
            "N_EPOCHS=1.50e3x is not possible; N_EPOCHS takes a whole number of at least 0 and at most 4294967295 (default 10)",
        ),
        (
            "ADAM_BETA1=1e400",
            "ADAM_BETA1=1e400 is not possible; ADAM_BETA1 takes a number of at least 0 and below 1 (default 0.9)",
        ),
        (
            "NUM_HIDDEN",
            "\"NUM_HIDDEN\" is no parameter; write KEY=VALUE, such as N_EPOCH=5 (`eventprop params yinyang` lists the keys)",
        ),
    ] {
        assert_eq!(message(Benchmark::YinYang, assignment), expected);
    }
    let error = Parameters::new(Benchmark::YinYang)
        .preset("best")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "yinyang has no preset best; there are published-data, reference, wunderlich2021, genn"
    );
}

#[test]
fn words_and_numbers_are_taken_for_text_where_text_is_wanted() {
    let mut params = Parameters::new(Benchmark::Mnist);
    for (assignment, key, text) in [
        ("NAME=7", "NAME", "7"),
        ("NAME=True", "NAME", "True"),
        ("NAME=007", "NAME", "007"),
        ("NAME=1e3", "NAME", "1e3"),
        ("NAME='a b'", "NAME", "a b"),
        ("REG_TYPE=none", "REG_TYPE", "none"),
        ("GRAZING=limit:1e-3", "GRAZING", "limit:1e-3"),
    ] {
        params.assign(assignment).expect(assignment);
        assert_eq!(params.text(key), text);
    }
}

#[test]
fn whole_numbers_and_nothing_are_taken_in_every_form() {
    for (assignment, kept) in [
        ("N_TRAIN=7644.0", "7644"),
        ("N_EPOCH=3e2", "300"),
        ("MODEL_SEED=7.0", "7"),
        ("NUM_HIDDEN=[64.0, 32]", "[64,32]"),
        ("W_OUTPUT_EPOCH_TRIAL=[[0.0, 10.0]]", "[[0,10]]"),
        ("SPEAKER_LEFT=[1.0, 2.0]", "[1,2]"),
        ("REDUCED_CLASSES=[]", "none"),
        ("REC_SAMPLES=[]", "none"),
        ("SPEAKER_LEFT=[]", "none"),
        ("AUGMENTATION=[]", "{}"),
        ("AUGMENTATION=none", "{}"),
        // As scripts of genn_eventprop have it for no shift and no jitter.
        (
            "AUGMENTATION={random_shift: 0.0, ID_jitter: 0, blend: [], random_dilate: (1, 1)}",
            "{\"random_dilate\":[1,1]}",
        ),
        ("REC_NEURON_IDS=[]", "{}"),
        ("REC_SPIKES=none", "[]"),
        ("REC_NEURONS={}", "[]"),
        ("W_OUTPUT_EPOCH_TRIAL=none", "[]"),
    ] {
        let mut params = Parameters::new(Benchmark::Shd);
        params.assign(assignment).expect(assignment);
        let key = assignment.split('=').next().expect("a key");
        assert_eq!(params.get(key).to_string(), kept, "{assignment}");
    }
    for refused in [
        "N_TRAIN=0.5",
        "N_TRAIN=[]",
        "NUM_HIDDEN=[]",
        "NUM_HIDDEN=1e19",
    ] {
        assert!(
            Parameters::new(Benchmark::Shd).assign(refused).is_err(),
            "{refused}"
        );
    }
}

#[test]
fn files_in_both_formats_are_read_and_dumps_read_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a small file");
        path
    };
    let mut from_toml = Parameters::new(Benchmark::Mnist);
    let toml = "TAU_MEM = 30\nREC_SPIKES_EPOCH_TRIAL = [[0, 1]]\nLOSS_TYPE = \"max\"\n";
    from_toml.read(&write("p.toml", toml)).expect("TOML");
    let mut from_json = Parameters::new(Benchmark::Mnist);
    let json = r#"{"TAU_MEM": 30.0, "REC_SPIKES_EPOCH_TRIAL": [[0, 1]], "LOSS_TYPE": "max", "MODEL_SEED": null}"#;
    from_json.read(&write("p.json", json)).expect("JSON");
    assert_eq!(from_toml.to_json(), from_json.to_json());
    let dump = write("dump.json", &from_json.to_json().to_string());
    let mut read_back = Parameters::new(Benchmark::Mnist);
    read_back.read(&dump).expect("a dump");
    assert_eq!(read_back.to_json(), from_json.to_json());
    // The last digit of these is lost by a reader that does not round correctly.
    for number in [1.097_192_245_760_092_7, 1.084_155_491_103_313_3] {
        let mut params = Parameters::new(Benchmark::Mnist);
        params
            .set("TAU_MEM", Value::Float(number))
            .expect("a number");
        let dump = write("exact.json", &params.to_json().to_string());
        read_back.read(&dump).expect("a dump");
        assert_eq!(read_back.float("TAU_MEM"), number);
    }

    let failure = |name: &str, text: &str| {
        let error = Parameters::new(Benchmark::Mnist).read(&write(name, text));
        error.expect_err(text).to_string()
    };
    assert!(failure("a.json", "[1]").contains("not an object of keys and values"));
    assert!(failure("b.json", "{").contains("it is not JSON"));
    assert!(failure("c.toml", "TAU_MEM = ").contains("it is not TOML"));
    assert!(failure("d.toml", "TAU_MEM = 1979-05-27").contains("the value of TAU_MEM is a date"));
    assert!(failure("d.json", r#"{"TAU_MEM": {}}"#).contains("TAU_MEM={} is not possible"));
    let unknown = failure("e.json", r#"{"TAU_MEMM": 1}"#);
    assert!(unknown.contains("did you mean TAU_MEM?"), "{unknown}");
    assert!(unknown.contains("e.json: unknown parameter"), "{unknown}");
    for (name, text) in [
        ("f.json", "\u{feff}{\"TAU_MEM\": 30}"),
        ("f.toml", "\u{feff}TAU_MEM = 30"),
    ] {
        let mut params = Parameters::new(Benchmark::Mnist);
        params.read(&write(name, text)).expect("a byte order mark");
        assert_eq!(params.float("TAU_MEM"), 30.0);
    }
}

#[test]
fn seeds_are_drawn_only_where_none_is_given() {
    let mut params = Parameters::new(Benchmark::Mnist);
    assert!(params.seed("MODEL_SEED").is_err());
    params.draw_seeds(|| 99);
    assert_eq!(params.seed("MODEL_SEED").ok(), Some(99));
    assert_eq!(params.seed("TRAIN_DATA_SEED").ok(), Some(123));
}

#[test]
fn presets_are_shown_with_all_values() {
    for benchmark in Benchmark::ALL {
        let (text, json) = (benchmark.presets_text(), benchmark.presets_json());
        assert_eq!(
            json.as_array().map(Vec::len),
            Some(benchmark.presets().count())
        );
        for preset in benchmark.presets() {
            assert!(text.contains(&format!("--preset {}", preset.name)));
            for (key, _) in &preset.values {
                assert!(text.contains(&format!("{key}=")), "{}", preset.name);
            }
        }
    }
}

/// Every key of tables 5.3, 5.7 and 5.8 of the SHD simulator of `genn_eventprop`, with its default
/// there.
#[test]
fn the_keys_and_defaults_of_spoken_words_are_those_of_the_reference() {
    let params = Parameters::new(Benchmark::Shd);
    for (key, default) in REFERENCE_SHD {
        assert_eq!(params.get(key), Value::parse(default), "{key}");
    }
    let ssc = Parameters::new(Benchmark::Ssc);
    let other = |key: &str| ssc.get(key) != params.get(key);
    let differs: Vec<&str> = params
        .iter()
        .map(|(row, _)| row.key)
        .filter(|k| other(k))
        .collect();
    assert_eq!(differs, ["DATA_SET", "N_TRAIN", "EVALUATION"]);
}

/// Keys whose default is a number are floats where `genn_eventprop` has an integer, so these are written
/// as floats.
const REFERENCE_SHD: [(&str, &str); 99] = [
    ("PROFILE", "false"),
    ("NAME", "test"),
    ("DEBUG_HIDDEN_N", "false"),
    ("OUT_DIR", "."),
    ("DT_MS", "1.0"),
    ("BUILD", "true"),
    ("TIMING", "true"),
    ("TRAIN_DATA_SEED", "123"),
    ("TEST_DATA_SEED", "456"),
    ("MODEL_SEED", "none"),
    ("TRIAL_MS", "1400.0"),
    ("N_MAX_SPIKE", "1500"),
    ("N_BATCH", "32"),
    ("N_TRAIN", "7644"),
    ("N_VALIDATE", "512"),
    ("N_EPOCH", "100"),
    ("SHUFFLE", "true"),
    ("NUM_HIDDEN", "256"),
    ("RECURRENT", "false"),
    ("N_HID_LAYER", "1"),
    ("N_INPUT_DELAY", "0"),
    ("INPUT_DELAY", "50.0"),
    ("TAU_SYN", "5.0"),
    ("TAU_MEM", "20.0"),
    ("V_THRESH", "1.0"),
    ("V_RESET", "0.0"),
    ("HIDDEN_NEURON_TYPE", "LIF"),
    ("OUTPUT_NEURON_TYPE", "LI"),
    ("TAU_B", "100.0"),
    ("B_INCR", "0.1"),
    ("B_INIT", "0.0"),
    ("INPUT_HIDDEN_MEAN", "0.02"),
    ("INPUT_HIDDEN_STD", "0.01"),
    ("HIDDEN_OUTPUT_MEAN", "0.0"),
    ("HIDDEN_OUTPUT_STD", "0.3"),
    ("HIDDEN_HIDDEN_MEAN", "0.0"),
    ("HIDDEN_HIDDEN_STD", "0.02"),
    ("HIDDEN_HIDDENFWD_MEAN", "0.02"),
    ("HIDDEN_HIDDENFWD_STD", "0.01"),
    ("PDROP_INPUT", "0.1"),
    ("PDROP_HIDDEN", "0.0"),
    ("HIDDEN_NOISE", "0.0"),
    ("REG_TYPE", "\"none\""),
    ("LBD_UPPER", "2e-9"),
    ("LBD_LOWER", "2e-9"),
    ("NU_UPPER", "14.0"),
    ("RHO_UPPER", "10000.0"),
    ("GLB_UPPER", "1e-8"),
    ("REWIRE_SILENT", "false"),
    ("REWIRE_LIFT", "0.0"),
    ("ETA", "1e-3"),
    ("ADAM_BETA1", "0.9"),
    ("ADAM_BETA2", "0.999"),
    ("ADAM_EPS", "1e-8"),
    ("EMA_ALPHA1", "0.8"),
    ("EMA_ALPHA2", "0.95"),
    ("ETA_FAC", "0.5"),
    ("MIN_EPOCH_ETA_FIXED", "300"),
    ("TRAIN_TAU", "false"),
    ("MIN_TAU_M", "3.0"),
    ("MIN_TAU_SYN", "1.0"),
    ("TRAIN_TAU_OUTPUT", "false"),
    ("TRAIN_W", "true"),
    ("TRAIN_W_OUTPUT", "true"),
    ("LR_EASE_IN_FACTOR", "1.05"),
    ("W_OUTPUT_EPOCH_TRIAL", "[]"),
    ("TAU_OUTPUT_EPOCH_TRIAL", "[]"),
    ("REC_SPIKES_EPOCH_TRIAL", "[]"),
    ("REC_SPIKES", "[]"),
    ("REC_NEURONS_EPOCH_TRIAL", "[]"),
    ("REC_NEURONS", "[]"),
    ("REC_SYNAPSES_EPOCH_TRIAL", "[]"),
    ("REC_SYNAPSES", "[]"),
    ("WRITE_TO_DISK", "true"),
    ("LOAD_LAST", "false"),
    ("LOAD_BEST", "false"),
    ("LOSS_TYPE", "sum_weigh_exp"),
    ("TAU_ACCUMULATOR", "20.0"),
    ("EVALUATION", "random"),
    ("SPEAKER_LEFT", "[0]"),
    ("CUDA_VISIBLE_DEVICES", "true"),
    ("AVG_SNSUM", "false"),
    ("REDUCED_CLASSES", "none"),
    ("TAU_0", "1.0"),
    ("TAU_1", "100.0"),
    ("ALPHA", "5e-5"),
    ("AUGMENTATION", "{}"),
    ("COLLECT_CONFUSION", "false"),
    ("REC_PREDICTIONS", "false"),
    ("RESCALE_T", "1.0"),
    ("RESCALE_X", "1.0"),
    ("BALANCE_TRAIN_CLASSES", "false"),
    ("BALANCE_EVAL_CLASSES", "false"),
    ("DATA_SET", "SHD"),
    ("DATA_BUFFER_NAME", "./data/SSC/mySSC"),
    ("TEST_ST_INTEGRITY", "false"),
    ("EMA_WHICH", "validation"),
    ("CHECKPOINT_BEST", "neither"),
    ("CHECKPOINT", "true"),
];

/// Every key of table 5.4 of `genn_eventprop` that does not have the default of SHD, but for
/// DT_MS (0.1 there) and TRIAL_MS (1500 there), see `docs/differences.md`.
#[test]
fn the_keys_and_defaults_of_sequential_mnist_are_those_of_the_reference() {
    const OTHERS: [(&str, &str); 13] = [
        ("N_TRAIN", "55000"),
        ("N_VALIDATE", "5000"),
        ("TAU_MEM_OUTPUT", "20.0"),
        ("REWIRE_SILENT", "true"),
        ("TAU_0", "0.5"),
        ("TAU_1", "6.4"),
        ("ALPHA", "3e-3"),
        ("EVALUATION", "random"),
        ("SPEAKER_LEFT", "0"),
        ("DT_MS", "1.0"),
        ("TRIAL_MS", "1568.0"),
        ("LR_EASE_IN_FACTOR", "1.0"),
        ("ETA_FAC", "1.0"),
    ];
    let params = Parameters::new(Benchmark::Smnist);
    for (key, default) in OTHERS {
        assert_eq!(params.get(key), Value::parse(default), "{key}");
    }
    for (key, default) in REFERENCE_SHD {
        let other = OTHERS.iter().any(|(other, _)| *other == key);
        let absent = ["DATA_SET", "DATA_BUFFER_NAME"].contains(&key);
        if !other && !absent {
            assert_eq!(params.get(key), Value::parse(default), "{key}");
        }
    }
}

#[test]
fn the_table_shows_every_key() {
    for benchmark in Benchmark::ALL {
        let (text, json) = (benchmark.table_text(), benchmark.table_json());
        assert_eq!(json.as_array().map(Vec::len), Some(benchmark.rows().len()));
        for row in benchmark.rows() {
            // Lines that go on with a meaning are indented further.
            let begins = |line: &&str| {
                !line.starts_with("   ") && line.split_whitespace().next() == Some(row.key)
            };
            assert_eq!(text.lines().filter(begins).count(), 1, "{}", row.key);
        }
        let headings = text
            .lines()
            .filter(|line| line.ends_with(':') && !line.starts_with(' '));
        assert!(headings.count() >= 7, "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
    }
}

/// The keys of tables 5.1 (Yin-Yang), 5.2 (MNIST) and 5.5 (DVS gesture) of `genn_eventprop` that are in no other
/// test, and those of table 5.7, which its scripts set and its simulators never read.
const REFERENCE_OTHERS: &[(Benchmark, &str)] = &[
    (
        Benchmark::YinYang,
        "OUT_DIR NAME DT_MS BUILD TIMING TRAIN_DATA_SEED TEST_DATA_SEED TRIAL_MS N_MAX_SPIKE N_BATCH N_TRAIN N_EPOCH \
         N_TEST NUM_INPUT NUM_HIDDEN NUM_OUTPUT TAU_SYN TAU_MEM V_THRESH V_RESET TAU_0 TAU_1 ALPHA INPUT_HIDDEN_MEAN \
         INPUT_HIDDEN_STD HIDDEN_OUTPUT_MEAN HIDDEN_OUTPUT_STD ETA ADAM_BETA1 ADAM_BETA2 ADAM_EPS ETA_DECAY \
         SPK_REC_STEPS REC_SPIKES REC_NEURONS REC_SYNAPSES WRITE_TO_DISK TRAINING_PLOT TRAINING_PLOT_INTERVAL \
         FANCY_PLOTS LOAD_LAST W_REPORT_INTERVAL W_EPOCH_INTERVAL PDROP TRAIL_MS N_EPOCHS",
    ),
    (
        Benchmark::Mnist,
        "NAME DEBUG_HIDDEN_N OUT_DIR DT_MS BUILD TIMING TRAIN_DATA_SEED TEST_DATA_SEED MODEL_SEED TRIAL_MS N_MAX_SPIKE \
         N_BATCH N_TRAIN N_VALIDATE N_EPOCH SHUFFLE N_TEST NUM_HIDDEN RECURRENT TAU_SYN TAU_MEM V_THRESH V_RESET \
         INPUT_HIDDEN_MEAN INPUT_HIDDEN_STD HIDDEN_OUTPUT_MEAN HIDDEN_OUTPUT_STD HIDDEN_HIDDEN_MEAN \
         HIDDEN_HIDDEN_STD PDROP_INPUT PDROP_HIDDEN REG_TYPE LBD_UPPER LBD_LOWER NU_UPPER RHO_UPPER GLB_UPPER ETA \
         ADAM_BETA1 ADAM_BETA2 ADAM_EPS W_OUTPUT_EPOCH_TRIAL SPK_REC_STEPS REC_SPIKES_EPOCH_TRIAL REC_SPIKES \
         REC_NEURONS_EPOCH_TRIAL REC_NEURONS REC_SYNAPSES_EPOCH_TRIAL REC_SYNAPSES WRITE_TO_DISK LOAD_LAST \
         LOSS_TYPE EVALUATION CUDA_VISIBLE_DEVICES AVG_SNSUM REDUCED_CLASSES TAU_0 TAU_1 ALPHA",
    ),
    (
        Benchmark::DvsGesture,
        "NAME DEBUG_HIDDEN_N OUT_DIR DT_MS BUILD TIMING TRAIN_DATA_SEED TEST_DATA_SEED MODEL_SEED TRIAL_MS N_MAX_SPIKE \
         N_BATCH N_TRAIN N_VALIDATE N_EPOCH SHUFFLE NUM_HIDDEN RECURRENT TAU_SYN TAU_MEM TAU_MEM_OUTPUT V_THRESH \
         V_RESET INPUT_HIDDEN_MEAN INPUT_HIDDEN_STD HIDDEN_OUTPUT_MEAN HIDDEN_OUTPUT_STD HIDDEN_HIDDEN_MEAN \
         HIDDEN_HIDDEN_STD PDROP_INPUT PDROP_HIDDEN REG_TYPE LBD_UPPER LBD_LOWER NU_UPPER RHO_UPPER GLB_UPPER ETA \
         ADAM_BETA1 ADAM_BETA2 ADAM_EPS W_OUTPUT_EPOCH_TRIAL SPK_REC_STEPS REC_SPIKES_EPOCH_TRIAL REC_SPIKES \
         REC_NEURONS_EPOCH_TRIAL REC_NEURONS REC_SYNAPSES_EPOCH_TRIAL REC_SYNAPSES WRITE_TO_DISK LOAD_LAST LOSS_TYPE \
         EVALUATION CUDA_VISIBLE_DEVICES AVG_SNSUM REDUCED_CLASSES AUGMENTATION DOWNLOAD_SHD COLLECT_CONFUSION \
         REC_PREDICTIONS TAU_0 TAU_1 ALPHA TAU_ACCUMULATOR HIDDEN_NOISE SPEAKER_LEFT REWIRE_SILENT",
    ),
];

/// Keys that scripts of `genn_eventprop` set for a simulator that does not read them.
const REFERENCE_NEVER_READ: &str = "NUM_INPUT NUM_OUTPUT AUGMENTATION DATASET DEBUG DOWNLOAD_SHD ETA_DECAY ETA_FIDDELING ETA_REDUCE \
     ETA_REDUCE_PERIOD LDB_UPPER NU_LOWER ORIG_NAME PDROP READ_BUFFERED REGULARISATION SPEAKERS_LEFT SUPER_BATCH \
     TAUM_OUTPUT_EPOCH_TRIAL TAU_MEM_OUTPUT TRAIN_TAUM W_EPOCH_INTERVAL W_REPORT_INTERVAL TRAIL_MS N_EPOCHS";

#[test]
fn every_key_of_the_reference_is_accepted() {
    let table = |&(benchmark, keys): &(Benchmark, &'static str)| {
        keys.split_whitespace().map(move |key| (benchmark, key))
    };
    let tables = REFERENCE_OTHERS.iter().flat_map(table);
    let everywhere = Benchmark::ALL.into_iter().flat_map(|benchmark| {
        REFERENCE_NEVER_READ
            .split_whitespace()
            .map(move |key| (benchmark, key))
    });
    for (benchmark, key) in tables.chain(everywhere) {
        let rows = benchmark.rows().iter();
        let of = |row: &&Row| row.key == key || row.aliases.contains(&key);
        assert_eq!(rows.filter(of).count(), 1, "{benchmark} {key}");
    }
}

#[test]
fn a_key_that_is_never_read_names_the_one_that_is_meant() {
    for (old, new) in [
        ("TRAIN_TAUM", "TRAIN_TAU"),
        ("TAUM_OUTPUT_EPOCH_TRIAL", "TAU_OUTPUT_EPOCH_TRIAL"),
        ("LDB_UPPER", "LBD_UPPER"),
        ("SPEAKERS_LEFT", "SPEAKER_LEFT"),
    ] {
        let mut rows = Benchmark::Shd.rows().iter();
        let row = rows.find(|row| row.key == old).expect(old);
        assert!(
            !row.effect && row.meaning.ends_with(&format!("write {new}")),
            "{old}"
        );
    }
}
