//! Sequential MNIST on the images in the program, and on the real ones where they are.

use eventprop_experiment::data::{self, Source, Wanted};
use eventprop_experiment::run::{Command, Progress};
use eventprop_experiment::settings::Settings;
use eventprop_params::{Benchmark, Parameters};

use crate::{Trial, columns};

/// The demonstration that the parameters ask for.
fn data(assignments: &[&str], source: &Source) -> data::Data {
    let mut params = Parameters::new(Benchmark::Smnist);
    params.draw_seeds(|| 1);
    for assignment in assignments {
        params.assign(assignment).expect(assignment);
    }
    let settings = Settings::new(&params).expect("settings");
    data::load(&params, &settings, source, Wanted::Validated).expect("data")
}

fn demonstration(assignments: &[&str]) -> data::Data {
    let source = Source {
        dirs: Vec::new(),
        demonstration: true,
    };
    data(assignments, &source)
}

#[test]
fn both_codes_have_their_channels_and_the_demonstration_its_sizes() {
    for (code, inputs) in [("threshold", 99), ("pixel", 16)] {
        let data = demonstration(&[&format!("SMNIST_ENCODING={code}")]);
        assert_eq!((data.inputs, data.classes), (inputs, 10));
        let sizes = [&data.train, &data.validation, &data.test].map(data::Part::len);
        assert_eq!(sizes, [250, 50, 200]);
        assert!(data.demonstration);
        assert_eq!(data.notices.len(), 1, "{:?}", data.notices);
    }
}

/// `genn_eventprop` cut the last 68 ms off in silence.
#[test]
fn a_trial_shorter_than_the_sequence_is_told_with_the_spikes_that_it_loses() {
    let told = |assignments: &[&str]| demonstration(assignments).notices.split_off(1).join("; ");
    let notice = told(&["TRIAL_MS=1200"]);
    let start = "a sequence has 1568 ms, so ";
    assert!(notice.starts_with(start), "{notice}");
    let end = "spikes of the test images come after TRIAL_MS=1200 and are cut off";
    assert!(
        notice.contains(end) && notice.contains("training images"),
        "{notice}"
    );
    // Two pixels to a step: crossings of one threshold meet, and that is all that is lost.
    let notice = told(&["TRIAL_MS=784", "RESCALE_T=0.5"]);
    assert!(
        notice.contains("share step and channel") && !notice.contains("cut off"),
        "{notice}"
    );
}

/// A permutation changes the times of pixels and no more: every image keeps its spikes of grey values.
#[test]
fn a_permuted_sequence_has_the_same_pixels_at_other_times() {
    let fill = |assignments: &[&str]| {
        let data = demonstration(&[&["SMNIST_ENCODING=pixel"], assignments].concat());
        let mut batch = eventprop::spikes::Batch::default();
        data.test.fill(&[0, 1, 2], None, &mut batch);
        let trains = batch.trains().iter().map(|train| train.iter().collect());
        trains.collect::<Vec<Vec<(f64, u32)>>>()
    };
    let channels = |trains: &[Vec<(f64, u32)>]| {
        let of = |train: &Vec<(f64, u32)>| {
            let mut channels: Vec<u32> = train.iter().map(|spike| spike.1).collect();
            channels.sort_unstable();
            channels
        };
        trains.iter().map(of).collect::<Vec<_>>()
    };
    let (plain, permuted) = (fill(&[]), fill(&["PERMUTE_SEED=3"]));
    assert_ne!(plain, permuted);
    assert_ne!(fill(&["PERMUTE_SEED=4"]), permuted);
    assert_eq!(fill(&["PERMUTE_SEED=3", "TRAIN_DATA_SEED=9"]), permuted);
    assert_eq!(channels(&plain), channels(&permuted));
}

/// Five columns, nine more of DEBUG_HIDDEN_N, and names without a number, as in `genn_eventprop`'s simulator.
#[test]
fn files_are_those_of_the_reference() {
    let trial = Trial::new(
        Benchmark::Smnist,
        &["RECURRENT=true", "DEBUG_HIDDEN_N=true", "TAU_MEM_OUTPUT=40"],
    );
    let mut told = Vec::new();
    let summary = trial.run_until(Command::Train, |progress| {
        if let Progress::Notice(notice) = progress {
            told.push((*notice).to_owned());
        }
        false
    });
    assert!(summary.expect("trained").demonstration);
    assert!(told[0].starts_with("DEMONSTRATION"), "{told:?}");
    let lines = columns(&trial.read("test_results.txt"));
    assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [14, 14]);
    let names = trial.names();
    for name in ["input_hidden", "hidden_output", "hidden_hidden"] {
        let name = format!("test_w_{name}_last.npy");
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[test]
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn the_real_images_are_all_there() {
    let Some(dir) = std::env::var_os("EVENTPROP_TEST_DATA") else {
        eprintln!("skipped: EVENTPROP_TEST_DATA is not set");
        return;
    };
    let source = Source {
        dirs: vec![dir.into()],
        demonstration: false,
    };
    let data = data(&[], &source);
    let sizes = [&data.train, &data.validation, &data.test].map(data::Part::len);
    assert_eq!(sizes, [55_000, 5_000, 10_000]);
    assert!(!data.demonstration && data.notices.is_empty());
}
