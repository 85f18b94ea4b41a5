//! Spike files: what is written comes back, also through h5py; what h5py writes in every form is
//! read, and also the recordings of cameras that it writes; damage is an error.
//!
//! `EVENTPROP_H5PY_PYTHON` names a Python that has h5py; without it `python3` is asked. Where there is
//! no h5py, its tests say so and pass.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod cameras;
mod damage;
mod h5py;
mod round_trip;

use std::path::Path;

use eventprop_data::binned::Speakers;
use eventprop_data::formats::spike_file::{
    Compression, MetaColumn, Sample, SpikeFile, SpikeFileError, SpikeFileWriter, Spikes, TimeType,
    WriteOptions,
};

/// A sample that owns its spikes.
#[derive(Debug, Clone, PartialEq)]
struct Recording {
    times_s: Vec<f64>,
    units: Vec<u16>,
    label: u16,
    speaker: u16,
}

fn options(times: TimeType, compression: Compression) -> WriteOptions {
    WriteOptions {
        times,
        compression,
        speakers: Speakers::Known,
        keys: (0..20).map(|n| format!("wörd {n}")).collect(),
        meta_info: vec![
            (
                "gender".to_owned(),
                MetaColumn::Text(vec!["female".to_owned(), String::new()]),
            ),
            ("age".to_owned(), MetaColumn::Numbers(vec![31.5, 25.0])),
        ],
        attributes: vec![
            ("title".to_owned(), "a test".to_owned()),
            ("empty".to_owned(), String::new()),
        ],
    }
}

/// Samples of very different lengths; the times are exact in float16.
fn recordings(count: usize) -> Vec<Recording> {
    let recording = |n: usize| {
        let spikes = [0, 1, 3, 700, 9000][n % 5];
        Recording {
            times_s: (0..spikes)
                .map(|s| ((s * 7 + n) % 1400) as f64 / 1024.0)
                .collect(),
            units: (0..spikes).map(|s| ((s * 31 + n) % 700) as u16).collect(),
            label: (n % 20) as u16,
            speaker: (n % 2) as u16,
        }
    };
    (0..count).map(recording).collect()
}

fn write(path: &Path, options: WriteOptions, recordings: &[Recording]) {
    let speakers = options.speakers;
    let mut file = SpikeFileWriter::create(path, options).unwrap();
    for recording in recordings {
        file.push(Sample {
            times_s: &recording.times_s,
            units: &recording.units,
            label: recording.label,
            speaker: (speakers == Speakers::Known).then_some(recording.speaker),
        })
        .unwrap();
    }
    file.finish().unwrap();
}

fn read(path: &Path) -> Result<(SpikeFile, Vec<Spikes>), SpikeFileError> {
    let file = SpikeFile::open(path)?;
    let mut all = Vec::new();
    file.for_each(
        |sample, spikes| Ok::<_, SpikeFileError>((sample, spikes.clone())),
        |sample, (at, spikes)| {
            assert_eq!((sample, at), (all.len(), all.len()));
            all.push(spikes);
        },
    )?;
    Ok((file, all))
}
