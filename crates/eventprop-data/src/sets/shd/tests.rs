use std::fs;

use super::*;
use crate::binned::Repeats;
use crate::formats::spike_file::{Sample, SpikeFileWriter, WriteOptions};

const BINNING: Binning = Binning {
    dt_ms: 1.0,
    steps: 1000,
    inputs: CHANNELS,
    rescale_t: 1.0,
    rescale_x: 1.0,
    repeats: Repeats::Merge,
};

fn options() -> WriteOptions {
    WriteOptions {
        speakers: Speakers::Known,
        ..WriteOptions::default()
    }
}

/// Writes samples of (times, channels, class); the speaker is the number of the sample.
fn write(path: &Path, options: WriteOptions, samples: &[(&[f64], &[u16], u16)]) {
    let mut file = SpikeFileWriter::create(path, options).unwrap();
    for (n, &(times_s, units, label)) in samples.iter().enumerate() {
        let sample = Sample {
            times_s,
            units,
            label,
            speaker: Some(n as u16),
        };
        file.push(sample).unwrap();
    }
    file.finish().unwrap();
}

fn spikes(set: &BinnedSet, sample: usize) -> Vec<(u32, u16)> {
    let mut spikes = Vec::new();
    set.for_each_spike(sample, |step, channel| spikes.push((step, channel)));
    spikes
}

const SAMPLES: [(&[f64], &[u16], u16); 3] = [
    (
        &[0.25, 0.25, 0.250_244_140_625, 0.5, 1.25],
        &[9, 3, 9, 699, 5],
        19,
    ),
    (&[], &[], 0),
    (&[0.5, 0.0], &[7, 8], 3),
];

#[test]
fn a_file_becomes_a_binned_set_and_what_is_odd_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("shd_train.h5"), options(), &SAMPLES);
    let request = Request {
        corpus: Corpus::Shd,
        split: Split::Train,
        binning: BINNING,
        cache: None,
    };
    let Loaded {
        set,
        counts,
        notices,
        ..
    } = read_binned(&[folder.path()], &request).unwrap();
    assert_eq!(spikes(&set, 0), [(250, 3), (250, 9), (500, 699)]);
    assert_eq!(spikes(&set, 1), []);
    assert_eq!(spikes(&set, 2), [(0, 8), (500, 7)]);
    assert_eq!((set.classes(), set.inputs(), set.steps()), (20, 700, 1000));
    assert_eq!(set.labels(), [19, 0, 3]);
    assert_eq!(set.speakers().unwrap(), [0, 1, 2]);
    let expected = Counts {
        spikes: 7,
        cut_off: 1,
        merged: 1,
        unsorted: 1,
        empty: 1,
    };
    assert_eq!(counts, expected);
    assert_eq!(notices.len(), 4, "{notices:?}");
    assert!(
        notices[0].contains("1 samples were not in order"),
        "{notices:?}"
    );
    assert!(
        notices[1].contains("1 samples have no spikes"),
        "{notices:?}"
    );
    for (notice, words) in notices[2..].iter().zip(["after the end", "of another one"]) {
        assert!(
            notice.contains("14.3 % of the spikes") && notice.contains(words),
            "{notice}"
        );
    }
}

#[test]
fn what_is_not_there_says_what_to_do() {
    let request = |split| Request {
        corpus: Corpus::Shd,
        split,
        binning: BINNING,
        cache: None,
    };
    let error = read_binned(&["nowhere"], &request(Split::Test)).unwrap_err();
    let message = error.to_string();
    for words in ["shd_test.h5", "nowhere", "Fetch", "generate shd-like"] {
        assert!(message.contains(words), "{message}");
    }
    let message = read_binned(&["nowhere"], &request(Split::Valid))
        .unwrap_err()
        .to_string();
    assert_eq!(message, "SHD has no part valid; it has train, test");
}

/// Files that the writer refuses to make: their bytes are changed.
#[test]
fn what_is_no_spike_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.h5");
    let times: &[f64] = &[0.125, 0.25];
    write(
        &path,
        options(),
        &[(&[], &[], 0), (times, &[0x1234, 0x2BC], 1)],
    );
    let whole = fs::read(&path).unwrap();
    let with = |old: [u8; 2], new: [u8; 2]| {
        let at = whole.windows(2).position(|w| w == old).unwrap();
        let mut bytes = whole.clone();
        bytes[at..at + 2].copy_from_slice(&new);
        fs::write(&path, bytes).unwrap();
        let wide = Binning {
            inputs: 0x1235,
            ..BINNING
        };
        let error = read_binned_file(&path, None, &wide, None).map(|_| ());
        error.map_err(|error| error.to_string())
    };
    let quarter = 0x3400u16.to_le_bytes();
    assert_eq!(with(quarter, quarter), Ok(()));
    for (old, new, words) in [
        (
            0x3400u16,
            0x7E00u16,
            "spike 1 of sample 1 has the time NaN s",
        ),
        (0x3400, 0x7C00, "spike 1 of sample 1 has the time inf s"),
        (0x3400, 0xB400, "spike 1 of sample 1 has the time -0.25 s"),
        (
            0x1234,
            0x1235,
            "spike 0 of sample 1 is on channel 4661; there are 4661 (0 to 4660)",
        ),
    ] {
        let message = with(old.to_le_bytes(), new.to_le_bytes()).unwrap_err();
        assert!(
            message.contains(words) && message.contains("mine.h5"),
            "{message}"
        );
    }
    write(&path, options(), &[(times, &[1, 2], 7)]);
    let message = read_binned_file(&path, Some(7), &BINNING, None)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("sample 0 has the class 7; expected 0 to 6"),
        "{message}"
    );
    let no_step = Binning {
        dt_ms: 0.0,
        ..BINNING
    };
    let message = read_binned_file(&path, None, &no_step, None)
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "the grid has a step of 0 ms; expected more than 0 ms"
    );
}

#[test]
fn the_number_of_classes_comes_from_the_words_or_from_the_highest_class() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.h5");
    write(&path, options(), &SAMPLES[1..]);
    let classes = |classes| {
        let loaded = read_binned_file(&path, classes, &BINNING, None).unwrap();
        (loaded.set.classes(), loaded.set.class_names.len())
    };
    assert_eq!((classes(None), classes(Some(9))), ((4, 0), (9, 0)));
    let keys = (0..6).map(|n| n.to_string()).collect();
    write(&path, WriteOptions { keys, ..options() }, &SAMPLES[1..]);
    let loaded = read_binned_file(&path, None, &BINNING, None).unwrap();
    assert_eq!((loaded.set.classes(), loaded.set.class_names.len()), (6, 6));
}

/// The folder of a cache, its files, and a source file.
struct Kept {
    folder: tempfile::TempDir,
    source: PathBuf,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("mine.h5");
        write(&source, options(), &SAMPLES);
        Self { folder, source }
    }

    fn read(&self, binning: &Binning) -> Loaded {
        let cache = self.folder.path().join("cache");
        read_binned_file(&self.source, None, binning, Some(&cache)).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.folder.path().join("cache")).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }
}

#[test]
fn a_kept_set_is_used_again_and_is_the_same() {
    let kept = Kept::new();
    let first = kept.read(&BINNING);
    assert_eq!(kept.files().len(), 1);
    assert!(kept.files()[0].to_string_lossy().contains("mine-"));
    // That the second comes from the cache is seen by damage to the source that leaves its size,
    // time and the sampled pieces as they are: here by the file of the cache staying as it is.
    let before = fs::metadata(&kept.files()[0]).unwrap().modified().unwrap();
    assert_eq!(kept.read(&BINNING), first);
    let after = fs::metadata(&kept.files()[0]).unwrap().modified().unwrap();
    assert_eq!(before, after);
    assert_eq!(
        first,
        read_binned_file(&kept.source, None, &BINNING, None).unwrap()
    );
}

#[test]
fn whatever_shapes_a_set_makes_another_one() {
    let kept = Kept::new();
    kept.read(&BINNING);
    let others = [
        Binning {
            dt_ms: 2.0,
            ..BINNING
        },
        Binning {
            steps: 300,
            ..BINNING
        },
        Binning {
            inputs: 701,
            ..BINNING
        },
        Binning {
            rescale_t: 0.5,
            ..BINNING
        },
        Binning {
            rescale_x: 0.5,
            repeats: Repeats::Merge,
            ..BINNING
        },
    ];
    for (n, other) in others.iter().enumerate() {
        let loaded = kept.read(other);
        assert_eq!(
            loaded,
            read_binned_file(&kept.source, None, other, None).unwrap()
        );
        assert_eq!(kept.files().len(), n + 2);
    }
    // Another content of the same length, with the time of the old one.
    let changed = fs::metadata(&kept.source).unwrap().modified().unwrap();
    let mut samples = SAMPLES;
    samples[2].1 = &[6, 8];
    write(&kept.source, options(), &samples);
    fs::File::options()
        .write(true)
        .open(&kept.source)
        .unwrap()
        .set_modified(changed)
        .unwrap();
    assert_eq!(spikes(&kept.read(&BINNING).set, 2), [(0, 8), (500, 6)]);
}

/// Cut off or changed anywhere, a kept set is told of, read from its source, and kept anew.
#[test]
fn a_damaged_kept_set_is_replaced() {
    let kept = Kept::new();
    let first = kept.read(&BINNING);
    let file = kept.files().remove(0);
    let whole = fs::read(&file).unwrap();
    let cut_off = (0..whole.len())
        .step_by(37)
        .map(|length| whole[..length].to_vec());
    let changed = (0..whole.len()).step_by(5).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        bytes
    });
    let longer = [whole.clone(), vec![0]].concat();
    for bytes in cut_off.chain(changed).chain([longer]) {
        fs::write(&file, bytes).unwrap();
        let mut loaded = kept.read(&BINNING);
        let notice = loaded.notices.remove(0);
        assert!(
            notice.contains("cannot be used") && notice.contains("mine-"),
            "{notice}"
        );
        assert_eq!(loaded, first);
        assert_eq!(fs::read(&file).unwrap(), whole);
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_a_notice() {
    let kept = Kept::new();
    fs::write(kept.folder.path().join("cache"), "a file").unwrap();
    let loaded = kept.read(&BINNING);
    assert_eq!(loaded.set.len(), 3);
    let told = loaded.notices.iter().any(|text| text.contains("not kept"));
    assert!(told, "{:?}", loaded.notices);
}
