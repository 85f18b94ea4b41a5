//! A folder per class of recordings.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::OwnDataError;
use super::shape::{CHANNELS_MAX, Loaded, Request, SensorKind, Shape};
use crate::binned::{BinnedSet, Binning, Speakers};
use crate::encode::camera::{CameraCode, PolarityCode};
use crate::formats::events::{
    self, EventFileError, Polarity, ReadOptions, Recording, SensorSize, SizeFrom, TimeOrigin,
};
use crate::time_span::TimeSpan;

/// A recording of a class.
pub(super) struct Member {
    pub(super) path: PathBuf,
    pub(super) class: u16,
}

/// Reads a folder.
pub(super) fn read(path: &Path, request: &Request<'_>) -> Result<Loaded, OwnDataError> {
    let (names, members) = members(path, request.shape)?;
    let sensor = sensor(&members, request.shape)?;
    let code = camera_code(path, sensor, request)?;
    let mut binning = request.binning;
    binning.inputs = code.inputs();
    let classes = names.len() as u32;
    let mut set = BinnedSet::new(code.inputs(), binning.steps, classes, Speakers::Unknown)
        .with_repeats(binning.repeats);
    let (mut notices, mut left_out) = (Vec::new(), 0);
    let mut span = TimeSpan::new(UNITS);
    for group in members.chunks(64) {
        let read: Vec<_> = group
            .par_iter()
            .map(|member| sample(member, &code, &binning, request.origin))
            .collect::<Result<Vec<_>, OwnDataError>>()?;
        for (member, mut read) in group.iter().zip(read) {
            left_out += read.events - read.late - read.spikes.len() as u64;
            set.push(&mut read.spikes, member.class, None);
            set.lost.cut_off += read.late;
            set.lost.of += read.events;
            span.add(read.span_ms.into_iter());
            notices.extend(read.notes);
        }
    }
    if left_out > 0 {
        notices.push(format!("{left_out} OFF events are left out"));
    }
    let checked = span.check(&binning, set.lost);
    notices.extend(checked.map_err(|problem| OwnDataError::Times {
        path: path.to_owned(),
        problem,
    })?);
    notices.extend(set.lost.notices());
    set.class_names.clone_from(&names);
    Ok(Loaded {
        set,
        shape: Shape {
            names,
            classes,
            inputs: binning.inputs,
            sensor: Some(sensor),
            code: sensor.is_camera().then_some(code),
        },
        notices,
    })
}

pub(super) fn camera_code(
    path: &Path,
    sensor: SensorKind,
    request: &Request<'_>,
) -> Result<CameraCode, OwnDataError> {
    let side = if sensor.is_camera() {
        request.side
    } else {
        CHANNELS_MAX
    };
    let polarity = if sensor.polarity == Polarity::OnOff {
        request.polarity
    } else {
        PolarityCode::Merge
    };
    let code = CameraCode::new(sensor.size, side, polarity);
    code.map_err(|problem| OwnDataError::Code {
        path: path.to_owned(),
        problem,
    })
}

/// Classes and recordings below a folder, both by name.
pub(super) fn members(
    path: &Path,
    shape: Option<&Shape>,
) -> Result<(Vec<String>, Vec<Member>), OwnDataError> {
    let (folders, found) = class_folders(path)?;
    let names = match shape {
        Some(shape) if !shape.names.is_empty() => shape.names.clone(),
        _ => found.clone(),
    };
    let mut members = Vec::new();
    for (folder, name) in folders.iter().zip(&found) {
        let class = names.iter().position(|known| known == name);
        let class = class.ok_or_else(|| OwnDataError::Class {
            path: folder.clone(),
            found: name.clone(),
            known: names.join(", "),
        })?;
        let class = class as u16;
        let files = entries(folder)?.into_iter().filter(|path| path.is_file());
        let before = members.len();
        members.extend(files.map(|path| Member { path, class }));
        if members.len() == before {
            return Err(OwnDataError::Empty {
                path: folder.clone(),
                missing: "no recording of this class",
            });
        }
    }
    Ok((names, members))
}

fn class_folders(path: &Path) -> Result<(Vec<PathBuf>, Vec<String>), OwnDataError> {
    let mut folders = entries(path)?;
    folders.retain(|path| path.is_dir());
    if folders.is_empty() || folders.len() > CHANNELS_MAX as usize {
        return Err(OwnDataError::Empty {
            path: path.to_owned(),
            missing: "no folders; make one for each class, named as the class, with its recordings",
        });
    }
    let name = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let names = folders.iter().map(name).collect();
    Ok((folders, names))
}

/// Entries of a folder that are not hidden, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, OwnDataError> {
    let io = |source| OwnDataError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The sensor that all recordings come from. Sizes that files declare have to agree; where they are
/// only seen from the events the largest holds all.
pub(super) fn sensor(
    members: &[Member],
    shape: Option<&Shape>,
) -> Result<SensorKind, OwnDataError> {
    let sensors: Vec<events::Sensor> = members
        .par_iter()
        .map(|member| Ok(events::read(&member.path)?.sensor))
        .collect::<Result<_, EventFileError>>()?;
    let first = members.iter().zip(&sensors).next();
    let (first_member, first_sensor) = first.expect("every class has a recording");
    let declared = sensors.iter().position(|s| s.size_from == SizeFrom::File);
    let mut size = SensorSize {
        width: 1,
        height: 1,
    };
    for (member, sensor) in members.iter().zip(&sensors) {
        let against = |other: usize| OwnDataError::Sensors {
            path: member.path.clone(),
            found: described(sensor),
            other: members[other].path.clone(),
            expected: described(&sensors[other]),
        };
        if sensor.polarity != first_sensor.polarity {
            return Err(against(0));
        }
        if let Some(declared) = declared {
            let expected = sensors[declared].size();
            let fits = sensor.size_from == SizeFrom::Events && sensor.size().fits(expected);
            let same = sensor.size() == expected;
            if !same && !fits {
                return Err(against(declared));
            }
        }
        size.width = size.width.max(sensor.width);
        size.height = size.height.max(sensor.height);
    }
    let found = SensorKind {
        size,
        polarity: first_sensor.polarity,
    };
    match shape.and_then(|shape| shape.sensor) {
        Some(trained) if !size.fits(trained.size) || found.polarity != trained.polarity => {
            let text =
                |s: SensorKind| format!("{} × {} ({:?})", s.size.width, s.size.height, s.polarity);
            Err(OwnDataError::LargerSensor {
                path: first_member.path.clone(),
                found: text(found),
                expected: text(trained),
            })
        }
        Some(trained) => Ok(trained),
        None => Ok(found),
    }
}

fn described(sensor: &events::Sensor) -> String {
    let polarity = match sensor.polarity {
        Polarity::OnOff => "with polarities",
        Polarity::None => "without polarities",
    };
    format!("{} × {} pixels {polarity}", sensor.width, sensor.height)
}

/// Units of the times of event files.
pub(super) const UNITS: &str = "tables have times in the unit that the name of the column says (t_us, t_ms, t_s; t is µs), other \
     event files in µs";

/// A recording on the grid.
struct Sampled {
    spikes: Vec<(u32, u16)>,
    /// Events after the trial.
    late: u64,
    events: u64,
    /// First and last event.
    span_ms: Vec<f64>,
    /// What the reader noted.
    notes: Vec<String>,
}

fn sample(
    member: &Member,
    code: &CameraCode,
    binning: &Binning,
    origin: TimeOrigin,
) -> Result<Sampled, OwnDataError> {
    let recording = recording(member, origin)?;
    let mut spikes = Vec::with_capacity(recording.events.len());
    let late = code.bin(&recording.events, 0, binning, &mut spikes);
    let late = late.map_err(|problem| OwnDataError::Bin {
        path: member.path.clone(),
        sample: 0,
        problem,
    })?;
    Ok(Sampled {
        spikes,
        late,
        events: recording.events.len() as u64,
        span_ms: span_ms(&recording),
        notes: prefixed_notes(member, &recording),
    })
}

/// First and last event in ms, once where they are one.
pub(super) fn span_ms(recording: &Recording) -> Vec<f64> {
    let events = &recording.events;
    let ends = events.first().into_iter().chain(events.last());
    let ends = ends.map(|event| event.t_us as f64 / 1000.0);
    ends.take(events.len()).collect()
}

/// A recording whose times count from `origin`.
pub(super) fn recording(member: &Member, origin: TimeOrigin) -> Result<Recording, EventFileError> {
    let options = ReadOptions {
        origin,
        ..ReadOptions::default()
    };
    events::read_with(&member.path, &options)
}

pub(super) fn prefixed_notes(member: &Member, recording: &Recording) -> Vec<String> {
    let lines = recording.notes.lines();
    let said = lines
        .iter()
        .map(|line| format!("{}: {line}", member.path.display()));
    said.collect()
}
