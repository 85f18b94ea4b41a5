//! The readers on the real data sets. `EVENTPROP_TEST_DATA` names a folder that holds `mnist/` and
//! `yin_yang/`; without it these tests say so and pass.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::PathBuf;

use eventprop_data::obtain::locate;
use eventprop_data::obtain::registry::Dataset;
use eventprop_data::obtain::verify::{FileState, verify};
use eventprop_data::sets::info::info;
use eventprop_data::sets::mnist::{MnistSet, Split};
use eventprop_data::sets::yin_yang::{Published, YinYangSet};

fn data() -> Option<PathBuf> {
    let dir = std::env::var_os("EVENTPROP_TEST_DATA").map(PathBuf::from);
    if dir.is_none() {
        eprintln!("skipped: EVENTPROP_TEST_DATA is not set");
    }
    dir
}

#[test]
fn every_file_has_its_registered_checksum() {
    let Some(dir) = data() else { return };
    for dataset in [Dataset::Mnist, Dataset::YinYang] {
        let folder = locate::home(dataset, &[&dir]).unwrap();
        let statuses = verify(dataset, &folder).unwrap();
        for (status, file) in statuses.iter().zip(dataset.entry().files) {
            assert_eq!(status.state, FileState::Ok, "{}", status.path.display());
            assert!(status.path.to_string_lossy().contains(file.name));
        }
    }
}

#[test]
fn the_published_yin_yang_files_are_what_is_generated() {
    let Some(dir) = data() else { return };
    for published in Published::ALL {
        let read = YinYangSet::read(&[&dir], published).unwrap();
        let made = YinYangSet::published(published);
        let bits = |set: &YinYangSet| -> Vec<u64> {
            let values = set.samples().as_flattened().iter();
            values.map(|value| value.to_bits()).collect()
        };
        assert_eq!(bits(&read), bits(&made));
        assert_eq!(read.labels(), made.labels());
    }
}

/// Class counts as published; spikes counted with NumPy as `(images > 1).sum(axis=1)`.
#[test]
fn mnist_is_as_published() {
    let Some(dir) = data() else { return };
    let info = info(Dataset::Mnist, &[dir]).unwrap();
    let [train, test] = info.parts.as_slice() else {
        panic!("two parts");
    };
    assert_eq!(
        train.class_counts,
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    );
    assert_eq!(
        test.class_counts,
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    );
    assert_eq!((train.spikes.min, train.spikes.max), (34, 351));
    assert_eq!((test.spikes.min, test.spikes.max), (44, 308));
    assert_eq!(train.spikes.mean, 8_971_260.0 / 60_000.0);
    assert_eq!(test.spikes.mean, 1_507_387.0 / 10_000.0);
}

#[test]
fn the_sample_is_the_first_of_every_digit() {
    let Some(dir) = data() else { return };
    for (split, per_class, sample) in [
        (Split::Train, 30, MnistSet::sample_train()),
        (Split::Test, 20, MnistSet::sample_test()),
    ] {
        let whole = MnistSet::read(&[&dir], split).unwrap();
        let mut counts = [0; 10];
        let firsts: Vec<usize> = (0..whole.len())
            .filter(|index| {
                let count = &mut counts[usize::from(whole.labels()[*index])];
                *count += 1;
                *count <= per_class
            })
            .collect();
        assert_eq!(firsts.len(), sample.len());
        for (at, index) in firsts.into_iter().enumerate() {
            assert_eq!(sample.labels()[at], whole.labels()[index]);
            assert!(sample.image(at) == whole.image(index));
        }
    }
}
