use std::fs;

use eventprop_audio::preset::Preset;

use eventprop_audio::settings::Settings;
use hound::{SampleFormat, WavSpec, WavWriter};

use super::*;
use crate::formats::spike_file::{SpikeFile, SpikeFileError, Spikes};
use crate::sets::from_sound::naming::{Naming, Origin};

/// A tone of 0.1 s.
fn tone(path: &Path, pitch: f64) {
    let spec = WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = WavWriter::create(path, spec).unwrap();
    for k in 0..1600 {
        writer
            .write_sample((8000.0 * (pitch * f64::from(k)).sin()) as i16)
            .unwrap();
    }
    writer.finalize().unwrap();
}

struct Corpus {
    folder: tempfile::TempDir,
    encoder: Encoder,
}

impl Corpus {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, pitch) in [
            ("a/1.wav", 0.1),
            ("a/2.wav", 0.2),
            ("b/1.wav", 0.3),
            ("b/2.wav", 0.15),
        ] {
            tone(&folder.path().join("in").join(name), pitch);
        }
        let settings = Settings {
            channels: 30,
            ..Preset::Shd.settings()
        };
        Self {
            folder,
            encoder: Encoder::new(settings).unwrap(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file_list(&self) -> FileList {
        let naming = Naming {
            labels: Origin::Folder,
            speakers: Some(Origin::Pattern),
            pattern: Some("{speaker}".parse().unwrap()),
            csv: None,
            classes: Vec::new(),
            select: Vec::new(),
            only: Vec::new(),
            except: Vec::new(),
        };
        FileList::new(&self.file("in"), &naming).unwrap()
    }

    fn convert(
        &self,
        out: &str,
        threads: usize,
        broken: OnBroken,
    ) -> Result<Report, ConversionError> {
        self.convert_until(out, threads, broken, usize::MAX)
    }

    /// Converts, and stops after `most` recordings.
    fn convert_until(
        &self,
        out: &str,
        threads: usize,
        broken: OnBroken,
        most: usize,
    ) -> Result<Report, ConversionError> {
        let cancel = AtomicBool::new(false);
        let mut heard = 0;
        let file_list = self.file_list();
        let conversion = Conversion {
            encoder: &self.encoder,
            file_list: &file_list,
            out: &self.file(out),
            times: TimeType::F32,
            max_seconds: 10.0,
            threads,
            broken,
            cancel: &cancel,
        };
        conversion.run(&mut |_| {
            heard += 1;
            cancel.store(heard >= most, Ordering::Relaxed);
        })
    }
}

fn samples(path: &Path) -> Vec<(Vec<f64>, Vec<i64>)> {
    let mut samples = Vec::new();
    let file = SpikeFile::open(path).unwrap();
    let lists = |_, spikes: &Spikes| -> Result<_, SpikeFileError> {
        Ok((spikes.times_s.clone(), spikes.units.clone()))
    };
    file.for_each(lists, |_, lists| samples.push(lists))
        .unwrap();
    samples
}

#[test]
fn a_folder_becomes_a_file_whatever_the_threads() {
    let corpus = Corpus::new();
    let report = corpus.convert("one.h5", 1, OnBroken::Stop).unwrap();
    corpus.convert("three.h5", 3, OnBroken::Stop).unwrap();
    assert_eq!(
        (report.encoded, report.resumed, report.stopped),
        (4, 0, false)
    );
    assert!((report.seconds - 0.4).abs() < 1e-12);
    let (one, three) = (
        fs::read(corpus.file("one.h5")).unwrap(),
        fs::read(corpus.file("three.h5")).unwrap(),
    );
    assert!(one == three, "the bytes differ");
    let file = SpikeFile::open(&corpus.file("one.h5")).unwrap();
    assert_eq!(file.labels(), [0, 0, 1, 1]);
    assert_eq!(file.speakers(), Some(&[0, 1, 0, 1][..]));
    assert_eq!(file.keys(), ["a", "b"]);
    assert_eq!(file.spikes_total(), report.spikes);
    let attributes = file.attributes();
    let encoder = attributes
        .iter()
        .find(|(name, _)| name == "encoder")
        .unwrap();
    assert!(
        encoder.1.contains("stiffness = 1000000000"),
        "{}",
        encoder.1
    );
    assert!(!journal_path(&corpus.file("one.h5")).exists());
    let table = fs::read_to_string(table_path(&corpus.file("one.h5"))).unwrap();
    assert_eq!(table.lines().count(), 5);
    assert!(
        table
            .lines()
            .nth(3)
            .unwrap()
            .starts_with("2,b/1.wav,1,b,0,1,0.1,"),
        "{table}"
    );
}

#[test]
fn spikes_follow_a_recording_under_another_name() {
    let corpus = Corpus::new();
    corpus.convert("before.h5", 1, OnBroken::Stop).unwrap();
    fs::rename(corpus.file("in/a/1.wav"), corpus.file("in/b/3.wav")).unwrap();
    corpus.convert("after.h5", 2, OnBroken::Stop).unwrap();
    let (before, after) = (
        samples(&corpus.file("before.h5")),
        samples(&corpus.file("after.h5")),
    );
    assert_eq!(before[0], after[3]);
    assert_eq!(before[1], after[0]);
    assert_ne!(before[0], before[1]);
}

#[test]
fn a_stopped_conversion_goes_on_and_ends_the_same() {
    let corpus = Corpus::new();
    let stopped = corpus
        .convert_until("out.h5", 1, OnBroken::Skip, 2)
        .unwrap();
    assert_eq!((stopped.encoded, stopped.stopped), (2, true));
    assert!(!corpus.file("out.h5").exists());
    let report = corpus.convert("out.h5", 2, OnBroken::Skip).unwrap();
    assert_eq!(
        (report.encoded, report.resumed, report.stopped),
        (4, 2, false)
    );
    corpus.convert("whole.h5", 1, OnBroken::Skip).unwrap();
    assert!(fs::read(corpus.file("out.h5")).unwrap() == fs::read(corpus.file("whole.h5")).unwrap());
}

#[test]
fn a_broken_recording_is_named_and_can_be_repaired() {
    let corpus = Corpus::new();
    let whole = fs::read(corpus.file("in/a/2.wav")).unwrap();
    fs::write(corpus.file("in/a/2.wav"), &whole[..whole.len() - 100]).unwrap();
    let report = corpus.convert("out.h5", 2, OnBroken::Skip).unwrap();
    assert_eq!(report.encoded, 3);
    let [(name, problem)] = report.broken.as_slice() else {
        panic!("{report:?}");
    };
    assert!(
        name == "a/2.wav" && problem.contains("truncated"),
        "{problem}"
    );
    assert_eq!(
        SpikeFile::open(&corpus.file("out.h5")).unwrap().labels(),
        [0, 1, 1]
    );

    fs::write(corpus.file("in/a/2.wav"), &whole).unwrap();
    let report = corpus.convert("out.h5", 2, OnBroken::Skip).unwrap();
    assert_eq!((report.encoded, report.resumed), (4, 3));
    assert_eq!(
        SpikeFile::open(&corpus.file("out.h5")).unwrap().labels(),
        [0, 0, 1, 1]
    );
    assert!(!journal_path(&corpus.file("out.h5")).exists());
}

#[test]
fn strictness_stops_at_the_first_broken_recording() {
    let corpus = Corpus::new();
    fs::write(corpus.file("in/a/1.wav"), "no sound").unwrap();
    let report = corpus.convert("out.h5", 1, OnBroken::Stop).unwrap();
    assert!(report.stopped && report.encoded == 0 && report.broken.len() == 1);
    assert!(!corpus.file("out.h5").exists());
}

#[test]
fn a_recording_that_changed_is_encoded_again() {
    let corpus = Corpus::new();
    corpus
        .convert_until("out.h5", 1, OnBroken::Skip, 2)
        .unwrap();
    tone(&corpus.file("in/a/1.wav"), 0.05);
    let report = corpus.convert("out.h5", 1, OnBroken::Skip).unwrap();
    assert_eq!((report.encoded, report.resumed), (4, 1));
}

#[test]
fn nothing_but_broken_recordings_is_an_error() {
    let corpus = Corpus::new();
    for name in ["a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav"] {
        fs::write(corpus.file("in").join(name), "").unwrap();
    }
    let error = corpus
        .convert("out.h5", 2, OnBroken::Skip)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("4 recordings") && error.contains("a/1.wav"),
        "{error}"
    );
}
