use std::fs;
use std::io::Write;

use eventprop_data::formats::spike_file::{OptionsProblem, SampleProblem, WriteFileError};
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

#[test]
fn what_is_written_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spikes.h5");
    for times in [TimeType::F16, TimeType::F32, TimeType::F64] {
        for compression in [Compression::None, Compression::Deflate(6)] {
            for count in [0, 1, 48] {
                let recordings = recordings(count);
                write(&path, options(times, compression), &recordings);
                let (file, all) = read(&path).unwrap();
                assert_eq!((file.len(), all.len()), (count, count));
                for (n, (recording, spikes)) in recordings.iter().zip(&all).enumerate() {
                    assert_eq!(recording.times_s, spikes.times_s);
                    let units: Vec<i64> = recording.units.iter().map(|&u| i64::from(u)).collect();
                    assert_eq!(units, spikes.units);
                    assert_eq!(file.labels()[n], recording.label);
                    assert_eq!(file.speakers().unwrap()[n], recording.speaker);
                    assert_eq!(file.spikes_len(n), recording.units.len());
                }
                assert_eq!(file.keys(), options(times, compression).keys);
                assert_eq!(
                    file.meta_info()[1],
                    options(times, compression).meta_info[0]
                );
                assert_eq!(
                    file.meta_info()[0],
                    options(times, compression).meta_info[1]
                );
                let attributes = [("empty", ""), ("title", "a test")];
                let attributes = attributes.map(|(n, t)| (n.to_owned(), t.to_owned()));
                assert_eq!(file.attributes(), attributes);
            }
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_bare_file_has_no_extras() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spikes.h5");
    write(&path, WriteOptions::default(), &recordings(3));
    let (file, all) = read(&path).unwrap();
    assert_eq!(
        (file.len(), file.speakers(), file.keys().len()),
        (3, None, 0)
    );
    assert!(file.meta_info().is_empty() && file.attributes().is_empty());
    assert_eq!(file.spikes_total(), 4);
    assert_eq!(all[2].units.len(), 3);
}

/// More samples than a heap collection has objects, and more than a block.
#[test]
fn many_short_samples() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spikes.h5");
    let recordings: Vec<Recording> = (0..70_000)
        .map(|n| Recording {
            times_s: vec![f64::from(n % 1024) / 1024.0],
            units: vec![(n % 700) as u16],
            label: 0,
            speaker: 0,
        })
        .collect();
    write(
        &path,
        options(TimeType::F16, Compression::Deflate(1)),
        &recordings,
    );
    let (_, all) = read(&path).unwrap();
    let same = |(r, s): (&Recording, &Spikes)| {
        r.times_s == s.times_s && i64::from(r.units[0]) == s.units[0]
    };
    assert_eq!(all.len(), recordings.len());
    assert!(recordings.iter().zip(&all).all(same));
}

#[test]
fn a_packed_file_is_read_like_a_plain_one() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("spikes.h5");
    write(
        &plain,
        options(TimeType::F16, Compression::None),
        &recordings(9),
    );
    let packed = folder.path().join("spikes.h5.gz");
    let mut packer = GzEncoder::new(
        fs::File::create(&packed).unwrap(),
        flate2::Compression::fast(),
    );
    packer.write_all(&fs::read(&plain).unwrap()).unwrap();
    packer.finish().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let file = SpikeFile::open_in(&packed, scratch.path()).unwrap();
    assert_eq!(read(&packed).unwrap().1, read(&plain).unwrap().1);
    drop(file);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_written_is_named_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spikes.h5");
    let mut file =
        SpikeFileWriter::create(&path, options(TimeType::F16, Compression::None)).unwrap();
    let good = Sample {
        times_s: &[0.0, 0.5],
        units: &[1, 2],
        label: 3,
        speaker: Some(1),
    };
    let mut problem = |sample| match file.push(sample) {
        Err(WriteFileError::Sample { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    for (sample, words) in [
        (
            Sample {
                units: &[1],
                ..good
            },
            "2 times and 1 channels",
        ),
        (
            Sample {
                times_s: &[0.0, -0.5],
                ..good
            },
            "spike 1 has the time -0.5 s",
        ),
        (
            Sample {
                times_s: &[f64::NAN, 1.0],
                ..good
            },
            "spike 0 has the time NaN s",
        ),
        (
            Sample {
                times_s: &[0.0, 65_505.0],
                ..good
            },
            "0 to 65504 s",
        ),
        (
            Sample { label: 20, ..good },
            "class 20, but there are words for 20",
        ),
        (
            Sample {
                speaker: None,
                ..good
            },
            "the speaker is None",
        ),
    ] {
        let message = problem(sample).to_string();
        assert!(message.contains(words), "{message}");
    }
    let lengths = problem(Sample {
        times_s: &[],
        ..good
    });
    assert_eq!(lengths, SampleProblem::Lengths { times: 0, units: 2 });
    file.push(good).unwrap();
    drop(file);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let bad = |options| match SpikeFileWriter::create(&path, options) {
        Err(WriteFileError::Options { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    let level = WriteOptions {
        compression: Compression::Deflate(10),
        ..WriteOptions::default()
    };
    assert_eq!(bad(level), OptionsProblem::Level(10));
    let column = |name: &str| (name.to_owned(), MetaColumn::Numbers(vec![]));
    let twice = WriteOptions {
        meta_info: vec![column("age"), column("sex"), column("age")],
        ..WriteOptions::default()
    };
    assert_eq!(bad(twice), OptionsProblem::Twice("age".to_owned()));
    let nested = WriteOptions {
        meta_info: vec![column("a/b")],
        ..WriteOptions::default()
    };
    assert_eq!(bad(nested), OptionsProblem::Name("a/b".to_owned()));
    let nowhere = folder.path().join("absent").join("spikes.h5");
    let error = SpikeFileWriter::create(&nowhere, WriteOptions::default()).unwrap_err();
    assert!(error.to_string().contains("absent"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A time comes back as the nearest float16: no float16 is nearer, and of two as near the even one.
    #[test]
    fn times_are_rounded_to_the_nearest(time_s in prop_oneof![0.0..2.0f64, 0.0..1e-6, 0.0..65_504.0]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spikes.h5");
        let recording = Recording { times_s: vec![time_s], units: vec![0], label: 0, speaker: 0 };
        write(&path, WriteOptions::default(), &[recording]);
        let found = read(&path).unwrap().1[0].times_s[0];
        let bits = half::f16::from_f64(found).to_bits();
        prop_assert_eq!(half::f16::from_bits(bits).to_f64(), found);
        let distance = |bits: u16| (half::f16::from_bits(bits).to_f64() - time_s).abs();
        for other in [bits.saturating_sub(1), (bits + 1).min(0x7BFF)] {
            if other != bits {
                prop_assert!(distance(bits) < distance(other)
                    || (distance(bits) == distance(other) && bits.is_multiple_of(2)));
            }
        }
    }
}
