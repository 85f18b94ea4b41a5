use super::*;
use crate::obtain::checksum::sha256_hex;
use std::fs;

/// SHA-256 of the published samples (f64, little-endian) and of the published labels (one byte each),
/// taken from the files of the publication with NumPy; and the number of samples in each class.
const PUBLISHED: [(Published, &str, &str, [usize; 3]); 3] = [
    (
        Published::Train,
        "f5a4054d56f2a058f8250fba7ff9720458e1625db7af78a295e45701745b2228",
        "7ea074c03c7531b4326ee49652960539cc5f919a390a1f5fa441daf677b146af",
        [1681, 1702, 1617],
    ),
    (
        Published::Validation,
        "5eac358bdf2122763dce3703a79f3005e56e46a4db25ec329a07333d0f7b8093",
        "6a5d1f872dddf69dabf9dc7ab600556b69e541c4deef6f1f756ab5cbffe7d699",
        [316, 336, 348],
    ),
    (
        Published::Test,
        "7bab3ed668ed4992679cff6339fe21bfe7d0c921ddc6187eaa3bc6ef34b888d7",
        "2e48e04154ecf043575fb66e9013e714e5a79652e013cca1e4cc966d4484ecf0",
        [350, 316, 334],
    ),
];

#[test]
fn the_published_sets_are_made_bit_for_bit() {
    for (published, samples, labels, counts) in PUBLISHED {
        let set = YinYangSet::published(published);
        let values = set.samples().as_flattened().iter();
        let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(sha256_hex(bytes.as_slice()).unwrap(), samples);
        assert_eq!(sha256_hex(set.labels()).unwrap(), labels);
        let mut found = [0; CLASSES];
        for label in set.labels() {
            found[usize::from(*label)] += 1;
        }
        assert_eq!(found, counts);
    }
}

/// The statement of the geometry on the disc of radius 1 with dots of radius 0.2 (x ↦ 2x − 1), which
/// other programs use, gives every published sample the published class.
#[test]
fn the_geometry_on_the_disc_of_radius_1_is_the_same() {
    let class_on_unit_disc = |x: f64, y: f64| {
        let d_plus = ((x - 0.5).powi(2) + y * y).sqrt();
        let d_minus = ((x + 0.5).powi(2) + y * y).sqrt();
        if d_plus < 0.2 || d_minus < 0.2 {
            return 2;
        }
        let bulge = 0.2 < d_minus && d_minus <= 0.5;
        u8::from(d_plus <= 0.2 || bulge || (y > 0.0 && d_plus > 0.5))
    };
    for published in Published::ALL {
        let set = YinYangSet::published(published);
        for ([x, y, ..], label) in set.samples().iter().zip(set.labels()) {
            assert_eq!(class_on_unit_disc(2.0 * x - 1.0, 2.0 * y - 1.0), *label);
        }
    }
}

#[test]
fn every_sample_is_in_the_disc_and_has_the_class_of_its_place() {
    let set = YinYangSet::generate(7, 500);
    for ([x, y, x_mirrored, y_mirrored], label) in set.samples().iter().zip(set.labels()) {
        assert!(distance(*x, *y, RADIUS) <= RADIUS);
        assert_eq!(class(*x, *y), *label);
        assert_eq!((*x_mirrored, *y_mirrored), (1.0 - x, 1.0 - y));
    }
    assert!(YinYangSet::generate(7, 0).is_empty());
}

/// T = 30, DT = 0.1 and values 0, 1/4, 1/2, 3/4: τ = v·29.6 + 0.2.
#[test]
fn five_spikes_in_the_order_of_time() {
    let set = YinYangSet::new(vec![[0.25, 0.5, 0.75, 0.5]], vec![1]).unwrap();
    let code = LatencyCode::new(30.0, 0.1).unwrap();
    let mut train = SpikeTrain::default();
    set.encode(0, &code, &mut train);
    assert_eq!(train.neurons(), [0, 1, 2, 4, 3]);
    let span = 30.0 - 4.0 * 0.1;
    let expected = [0.0, 0.25, 0.5, 0.5, 0.75].map(|v| v * span + 2.0 * 0.1);
    assert_eq!(train.times_ms(), expected);
}

#[test]
fn sets_that_cannot_be_encoded_are_refused() {
    let message = |samples, labels| YinYangSet::new(samples, labels).unwrap_err().to_string();
    assert!(message(vec![[0.0; 4]], vec![]).contains("1 samples but 0 labels"));
    assert!(message(vec![[0.0; 4]], vec![3]).contains("label 0 is 3"));
    assert!(message(vec![[0.0, 0.0, 0.0, 1.1]], vec![0]).contains("sample 0"));
    assert!(message(vec![[f64::NAN; 4]], vec![0]).contains("sample 0"));
}

#[test]
fn files_are_read_and_bad_ones_named() {
    let dir = tempfile::tempdir().unwrap();
    let [samples, labels] = Published::Test
        .file_names()
        .map(|name| dir.path().join(name));
    let read = || YinYangSet::read(&[dir.path()], Published::Test);
    assert!(matches!(read(), Err(YinYangError::NotFound(_))));
    npy::write(&samples, &[2, 4], &[0.5; 8]).unwrap();
    npy::write(&labels, &[2], &[2i64, 0]).unwrap();
    assert_eq!(read().unwrap().labels(), [2, 0]);
    npy::write(&labels, &[2], &[1u8, 1]).unwrap();
    assert_eq!(read().unwrap().labels(), [1, 1]);
    npy::write(&labels, &[2], &[-1i32, 0]).unwrap();
    assert!(read().unwrap_err().to_string().contains("label 0 is -1"));
    npy::write(&labels, &[2, 1], &[1i64, 0]).unwrap();
    assert!(read().unwrap_err().to_string().contains("test_labels.npy"));
    npy::write(&samples, &[4, 2], &[0.5; 8]).unwrap();
    assert!(read().unwrap_err().to_string().contains("[4, 2]"));
    fs::write(&samples, "not npy").unwrap();
    assert!(matches!(read(), Err(YinYangError::Npy(_))));
}
