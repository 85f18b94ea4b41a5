//! Event cameras and the user's own data: synthetic recordings, the official layouts, and what is refused.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use eventprop_data::binned::Speakers;
use eventprop_data::formats::spike_file::{Sample, SpikeFileWriter, WriteOptions};
use eventprop_experiment::data::{self, Data, Part, Source, Wanted};
use eventprop_experiment::run::{self, Command, Control, Progress, Summary};
use eventprop_experiment::settings::Settings;
use eventprop_params::{Benchmark, Parameters};

use crate::{Trial, array, columns};

fn params(benchmark: Benchmark, assignments: &[&str]) -> Parameters {
    let mut params = Parameters::new(benchmark);
    params.draw_seeds(|| 1);
    for assignment in assignments {
        params.assign(assignment).expect(assignment);
    }
    params
}

fn load(params: &Parameters, dirs: &[&Path], wanted: Wanted) -> Result<Data, String> {
    let source = Source {
        dirs: dirs.iter().map(|dir| dir.to_path_buf()).collect(),
        demonstration: dirs.is_empty(),
    };
    let settings = Settings::new(params).map_err(|e| e.to_string())?;
    data::load(params, &settings, &source, wanted).map_err(|e| e.to_string())
}

fn users(part: &Part) -> BTreeSet<u32> {
    part.speakers().into_iter().collect()
}

/// Whoever is validated or tested on is in no training clip: with every way to split.
#[test]
fn users_of_gestures_are_on_one_side_only() {
    let gestures = |assignments: &[&str], wanted| {
        let coarse = ["DT_MS=20", "TRIAL_MS=1200"];
        let params = params(Benchmark::DvsGesture, &[&coarse, assignments].concat());
        load(&params, &[], wanted).expect("a demonstration")
    };
    for assignments in [
        &[][..],
        &["N_VALIDATE=50"],
        &["EVALUATION=speaker", "SPEAKER_LEFT=3"],
    ] {
        let data = gestures(assignments, Wanted::Validated);
        let parts = [&data.train, &data.validation, &data.test];
        let [train, validation, test] = parts.map(users);
        assert!(train.is_disjoint(&validation) && test.is_disjoint(&train));
        assert_eq!(train.len() + validation.len(), 8, "{assignments:?}");
        // Everybody has 22 clips.
        let [trained, validated, tested] = parts.map(Part::len);
        assert_eq!((trained + validated, tested), (176, 66));
        assert_eq!(validated, 22 * validation.len());
    }
    assert_eq!(
        users(&gestures(&["N_VALIDATE=23"], Wanted::Validated).validation).len(),
        2
    );
    let folds = gestures(&[], Wanted::Folds).folds;
    assert_eq!((folds.len(), folds[2].name.as_str()), (8, "user 3"));
    let folds = gestures(&["N_FOLDS=3"], Wanted::Folds).folds;
    let held_out: Vec<BTreeSet<u32>> = folds.iter().map(|fold| users(&fold.held_out)).collect();
    assert_eq!(
        held_out.iter().map(BTreeSet::len).collect::<Vec<_>>(),
        [3, 3, 2]
    );
    for (fold, held_out) in folds.iter().zip(&held_out) {
        assert!(users(&fold.train).is_disjoint(held_out), "{}", fold.name);
        assert_eq!(fold.train.len() + fold.held_out.len(), 176);
        assert!(fold.name.starts_with("users "));
    }
}

#[test]
fn impossible_wishes_are_refused_with_the_way_out() {
    let own = "DATA_TRAIN is not set; name a folder with a folder of recordings per class, an HDF5 file in the layout of SHD or an .npz archive with --train PATH";
    let cases: [(Benchmark, &[&str], Wanted, &str); 7] = [
        (
            Benchmark::DvsGesture,
            &["N_VALIDATE=155"],
            Wanted::Validated,
            "N_VALIDATE=155 is not possible: the 176 samples are of 8 users, so none is left for training; choose fewer, or 0 for no validation",
        ),
        (
            Benchmark::DvsGesture,
            &["N_FOLDS=9"],
            Wanted::Folds,
            "N_FOLDS=9 is not possible: there are 8 users, and none can be in two folds; choose fewer folds, or none for one per user",
        ),
        (
            Benchmark::DvsGesture,
            &["CLIP_START_MS=500", "CLIP_END_MS=200"],
            Wanted::Validated,
            "CLIP_END_MS=200.0 is not possible: the clip begins at CLIP_START_MS=500; choose a later end, or leave it out",
        ),
        (
            Benchmark::DvsGesture,
            &["AUGMENTATION={flip_x:0.5,blend:[0.5,0.5]}"],
            Wanted::Validated,
            "list flip_x behind blend",
        ),
        (
            Benchmark::Smnist,
            &["AUGMENTATION={shift_xy:2}"],
            Wanted::Validated,
            "shift_xy moves pixels, and the channels of this set are none; use random_shift, or leave it out",
        ),
        (Benchmark::Custom, &[], Wanted::Validated, own),
        (
            Benchmark::Custom,
            &["DATA_TRAIN=a"],
            Wanted::Validated,
            "DATA_TEST is not set",
        ),
    ];
    for (benchmark, assignments, wanted, expected) in cases {
        let small = match benchmark {
            Benchmark::DvsGesture => &["DT_MS=100", "TRIAL_MS=1200"][..],
            _ => &[],
        };
        let params = params(benchmark, &[small, assignments].concat());
        let error = load(&params, &[], wanted).expect_err(expected);
        assert!(error.contains(expected), "{error}");
    }
}

/// A window of a clip is what comes in it, from its beginning on.
#[test]
fn a_window_of_a_clip_has_the_spikes_that_lie_in_it() {
    let times = |assignments: &[&str]| {
        let grid = ["DT_MS=20", "TRIAL_MS=1200"];
        let params = params(Benchmark::DvsGesture, &[&grid, assignments].concat());
        let data = load(&params, &[], Wanted::Test).expect("a demonstration");
        let mut batch = eventprop::spikes::Batch::default();
        data.test.fill(&[5], None, &mut batch);
        batch.trains()[0]
            .iter()
            .map(|spike| spike.0)
            .collect::<Vec<f64>>()
    };
    let whole = times(&[]);
    let window = times(&["CLIP_START_MS=200", "CLIP_END_MS=600"]);
    let inside = whole.iter().filter(|t| (200.0..600.0).contains(*t));
    let expected: Vec<f64> = inside.map(|t| t - 200.0).collect();
    assert!(!window.is_empty() && window.len() < whole.len());
    assert_eq!(window, expected);
}

/// Every augmentation of a camera trains, on the recordings of a demonstration; the columns of results are
/// those of `genn_eventprop`'s simulator of gestures.
#[test]
fn cameras_train_with_their_augmentations_and_deep_recurrent_networks() {
    for benchmark in [Benchmark::DvsGesture, Benchmark::Nmnist] {
        let trial = Trial::new(
            benchmark,
            &[
                "AUGMENTATION={shift_xy:2,time_jitter:5,event_drop:0.3,flip_x:0.5}",
                "NUM_HIDDEN=[6,5]",
                "RECURRENT=true",
                "DEBUG_HIDDEN_N=true",
                "CHECKPOINT_BEST=validation",
            ],
        );
        let summary = trial.run(Command::Train).expect("a run");
        assert!(summary.demonstration && summary.test.expect("tested").loss.is_finite());
        let lines = columns(&trial.read("test_results.txt"));
        let seconds = usize::from(benchmark == Benchmark::Nmnist);
        assert_eq!(lines[0].len(), 5 + 2 * 9 + seconds, "{benchmark}");
    }
}

/// Three recordings of two digits in the official layout: a tenth of them, but at least one, is for
/// validation, and the file of parameters says so.
#[test]
fn a_part_of_n_mnist_is_read_and_called_a_part() {
    let folder = tempfile::tempdir().expect("a folder");
    for split in ["Train", "Test"] {
        for digit in 0..10u8 {
            let place = folder
                .path()
                .join("nmnist")
                .join(split)
                .join(digit.to_string());
            std::fs::create_dir_all(&place).expect("a folder");
            for n in 0..3u8 {
                let events = [[digit, n, 0x80, 0, 9], [3, 3, 0, 0x57, 0x30]];
                let path = place.join(format!("{n:05}.bin"));
                std::fs::write(path, events.as_flattened()).expect("a file");
            }
        }
    }
    let params = params(Benchmark::Nmnist, &["N_BATCH=4"]);
    let data = load(&params, &[folder.path()], Wanted::Validated).expect("data");
    assert_eq!(
        (data.inputs, data.classes, data.demonstration),
        (2312, 10, false)
    );
    let sizes = [&data.train, &data.validation, &data.test].map(Part::len);
    assert_eq!(sizes, [27, 3, 30]);
    let told = data.notices.join("\n");
    assert!(
        told.contains("30 of the 60000 recordings of N-MNIST"),
        "{told}"
    );
    let mut dumped = params.clone();
    data.settle(&mut dumped).expect("a size");
    assert_eq!(dumped.count("N_VALIDATE"), 3);
    let missing = load(&params, &[&folder.path().join("x")], Wanted::Test).expect_err("missing");
    assert!(missing.contains("N-MNIST is in none of"), "{missing}");
}

/// Two classes of spike trains: channel 0 or 1, a spike every 10 ms.
fn spike_file(path: &Path, samples: u16) {
    let options = WriteOptions {
        speakers: Speakers::Known,
        ..WriteOptions::default()
    };
    let mut file = SpikeFileWriter::create(path, options).expect("a file");
    for n in 0..samples {
        let times_s: Vec<f64> = (1..10).map(|k| 0.01 * f64::from(k)).collect();
        let units = vec![n % 2; times_s.len()];
        file.push(Sample {
            times_s: &times_s,
            units: &units,
            label: n % 2,
            speaker: Some(n % 3),
        })
        .expect("a sample");
    }
    file.finish().expect("written");
}

/// More epochs of a run are refused when its training file is another one now, unless they are forced.
fn a_run_goes_on_with_its_own_data_only(trial: &Trial, file: &Path) {
    let resume = |epochs: usize, force| {
        let resumed = trial.resume(&[&format!("N_EPOCH={epochs}")], force);
        resumed.map_err(|error| error.to_string())
    };
    let before = std::fs::read(file).expect("the file");
    spike_file(file, 44);
    let refused = resume(7, false).expect_err("other data");
    assert!(
        refused.contains("--force") && refused.contains("fingerprint"),
        "{refused}"
    );
    std::fs::write(file, before).expect("the file as it was");
    assert_eq!(resume(7, false).expect("its own data").epochs, 7);
    spike_file(file, 44);
    assert_eq!(resume(8, true).expect("forced").epochs, 8);
}

/// Samples for training and for testing, and the parameters of a small network that learns them.
fn own_spike_trains(folder: &Path) -> ([PathBuf; 2], [String; 8]) {
    let files = [("a.h5", 40), ("b.h5", 10)].map(|(name, samples)| {
        let file = folder.join(name);
        spike_file(&file, samples);
        file
    });
    let [train, test] = &files;
    let parameters = [
        format!("DATA_TRAIN={}", train.display()),
        format!("DATA_TEST={}", test.display()),
        "TRIAL_MS=120".to_owned(),
        "DT_MS=2".to_owned(),
        "NUM_HIDDEN=10".to_owned(),
        "N_BATCH=4".to_owned(),
        "N_EPOCH=6".to_owned(),
        "ETA=0.02".to_owned(),
    ];
    (files, parameters)
}

#[test]
fn own_spike_trains_are_learned_and_cross_validated() {
    let folder = tempfile::tempdir().expect("a folder");
    let ([train, _], parameters) = own_spike_trains(folder.path());
    let [data_train, data_test, small @ ..] = parameters.each_ref().map(String::as_str);
    let weights = ["INPUT_HIDDEN_MEAN=4.0", "INPUT_HIDDEN_STD=3.0"];
    let small = [&[data_train][..], &small, &weights].concat();
    let trial = Trial::new(Benchmark::Custom, &[&small[..], &[data_test]].concat());
    let summary = trial.run(Command::Train).expect("trained");
    assert_eq!(summary.test.expect("tested").accuracy, 1.0);
    a_run_goes_on_with_its_own_data_only(&trial, &train);
    // By speaker: three folds; no test set is needed.
    let trial = Trial::new(Benchmark::Custom, &[&small[..], &["N_FOLDS=none"]].concat());
    let summary = trial.run(Command::CrossValidate).expect("folds");
    assert_eq!(summary.folds.len(), 3);
}

/// Weights that nobody chose are scaled on the data, to the same bits every time; chosen ones stay, here too small for
/// any spike.
#[test]
fn own_data_begin_with_weights_that_fit_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, parameters) = own_spike_trains(folder.path());
    let small = parameters.each_ref().map(String::as_str);
    let trained = |more: &[&str]| {
        let trial = Trial::new(Benchmark::Custom, &[&small[..], more].concat());
        let summary = trial.run(Command::Train).expect("trained");
        let accuracy = summary.test.expect("tested").accuracy;
        (accuracy, array(&trial.path("test_w_input_hidden_last.npy")))
    };
    let fitting = trained(&[]);
    assert_eq!(fitting.0, 1.0);
    assert!(
        fitting == trained(&[]),
        "the same samples, the same weights"
    );
    assert_eq!(
        trained(&["INPUT_HIDDEN_MEAN=0.001", "INPUT_HIDDEN_STD=0"]).0,
        0.5
    );
}

/// A folder per class of tables, for training and for testing: 10 × 10 pixels, on the left or on the right;
/// recordings begin at 0.7 ms and last 95 ms.
pub fn folders_of_classes(folder: &Path) -> [PathBuf; 2] {
    [("a", 6), ("b", 2)].map(|(part, count)| {
        for (class, x) in [("left", 2), ("right", 7)] {
            for n in 0..count {
                let row = |k: i32| format!("{},{},{n},{}\n", 5000 * k + 5000, x + k % 2, k % 2);
                let rows: Vec<String> = (0..19).map(row).collect();
                let text = format!("t,x,y,p\n700,9,9,0\n{}", rows.concat());
                write(folder, &format!("{part}/{class}/{n}.csv"), &text);
            }
        }
        folder.join(part)
    })
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a class")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

/// Classes by name; what does not fit together is refused with the file.
#[test]
fn a_folder_per_class_has_its_classes_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    folders_of_classes(folder.path());
    let own = |test: &str| {
        let of = |key: &str, part: &str| format!("{key}={}", folder.path().join(part).display());
        let (train, test) = (of("DATA_TRAIN", "a"), of("DATA_TEST", test));
        let params = params(
            Benchmark::Custom,
            &[&train, &test, "TRIAL_MS=90", "CAMERA_SIDE=5", "N_BATCH=2"],
        );
        load(&params, &[], Wanted::Validated)
    };
    let data = own("b").expect("data");
    // 10 × 10 pixels on 5 × 5, two polarities.
    assert_eq!((data.inputs, data.classes), (50, 2));
    let told = data.notices.join("\n");
    assert!(told.contains("classes: 0 left, 1 right"), "{told}");
    assert!(
        told.contains("12 of 240 events come after TRIAL_MS"),
        "{told}"
    );
    assert_eq!(data.test.labels(), [0, 0, 1, 1]);
    write(folder.path(), "c/up/0.csv", "t,x,y,p\n7,9,9,0\n");
    let error = own("c").expect_err("another class");
    assert!(
        error.contains("class \"up\" is not in the training set"),
        "{error}"
    );
    write(folder.path(), "d/left/0.csv", "t,x,y,p\n7,99,9,0\n");
    let error = own("d").expect_err("another sensor");
    assert!(
        error.contains("but the training set has one of 10 × 10"),
        "{error}"
    );
}

/// The folder of the real data; none without `EVENTPROP_TEST_DATA`, which is said.
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn real_data() -> Option<PathBuf> {
    let dir = std::env::var_os("EVENTPROP_TEST_DATA").map(PathBuf::from);
    if dir.is_none() {
        eprintln!("skipped: EVENTPROP_TEST_DATA is not set");
    }
    dir
}

/// 1000 + 100 recordings of N-MNIST: far above chance (10 %) after two epochs.
#[test]
fn the_subset_of_n_mnist_is_learned() {
    let Some(dir) = real_data() else { return };
    let archive = dir.join("nmnist_small/nmnist_small_1000train_100test.tar.xz");
    let folder = tempfile::tempdir().expect("a folder");
    let unpacked = std::process::Command::new("tar")
        .arg("-xJf")
        .arg(archive)
        .current_dir(folder.path())
        .status();
    assert!(unpacked.expect("tar").success());
    let mut params = params(Benchmark::Nmnist, &[]);
    params.preset("max").expect("a preset");
    let out_dir = format!("OUT_DIR={}", folder.path().join("run").display());
    for assignment in ["DT_MS=5", "NUM_HIDDEN=100", "N_EPOCH=2", &out_dir] {
        params.assign(assignment).expect(assignment);
    }
    let data = load(&params, &[folder.path()], Wanted::Validated).expect("data");
    let sizes = [&data.train, &data.validation, &data.test].map(Part::len);
    assert_eq!(sizes, [900, 100, 100]);
    let summary = run_on(&params, folder.path());
    assert!(summary.validation.expect("validated").accuracy > 0.4);
}

/// Ten real clips of gestures, 128 × 128 pixels, go through reading, drawing on 32 × 32, training and
/// testing. They are one per class, so they are no test of anything else.
#[test]
fn ten_real_gestures_go_through_end_to_end() {
    let Some(dir) = real_data() else { return };
    let clips = dir.join("dvsgesture_10clips");
    let folder = tempfile::tempdir().expect("a folder");
    for clip in 1..=10 {
        let class = folder.path().join(format!("clips/{clip:02}"));
        std::fs::create_dir_all(&class).expect("a folder");
        let name = format!("{clip}.bs2");
        std::fs::copy(clips.join(&name), class.join(&name)).expect("a clip");
    }
    let path = folder.path().join("clips").display().to_string();
    let params = params(
        Benchmark::Custom,
        &[
            &format!("DATA_TRAIN={path}"),
            &format!("DATA_TEST={path}"),
            &format!("OUT_DIR={}", folder.path().join("run").display()),
            "TRIAL_MS=1450",
            "DT_MS=10",
            "N_VALIDATE=0",
            "N_BATCH=5",
            "NUM_HIDDEN=40",
            "INPUT_HIDDEN_MEAN=0.03",
            "INPUT_HIDDEN_STD=0.1",
            "LOSS_TYPE=max",
            "ETA=5e-3",
            "LR_EASE_IN_FACTOR=1",
            "N_EPOCH=25",
        ],
    );
    let data = load(&params, &[], Wanted::Validated).expect("data");
    assert_eq!((data.inputs, data.classes), (2048, 10));
    let summary = run_on(&params, folder.path());
    assert!(summary.test.expect("tested").accuracy > 0.3);
}

fn run_on(params: &Parameters, dir: &Path) -> Summary {
    let source = Source {
        dirs: vec![dir.to_owned()],
        demonstration: false,
    };
    let (mut nobody, never) = (|_: &Progress<'_>| {}, AtomicBool::new(false));
    let mut control = Control::new(&mut nobody, &never);
    run::run(
        Command::Train,
        params,
        &source,
        eventprop_report::draw,
        &mut control,
    )
    .expect("a run")
}
