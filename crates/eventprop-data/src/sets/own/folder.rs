//! A folder per class of recordings.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::OwnDataError;
use super::shape::{CHANNELS_MAX, Loaded, Request, SensorKind, Setting, Shape};
use crate::binned::{BinnedSet, Binning, Speakers};
use crate::encode::camera::{CameraCode, PolarityCode};
use crate::formats::events::{
    self, EventFileError, Polarity, ReadOptions, Recording, SensorSize, SizeFrom,
};
use crate::sets::class_order::in_order;
use crate::time_span::TimeSpan;

/// Folders of these names hold parts of a set, not classes.
const PARTS: [&str; 9] = [
    "train",
    "training",
    "test",
    "testing",
    "val",
    "valid",
    "validation",
    "eval",
    "evaluation",
];
/// Entries that are named in a notice.
const SHOWN: usize = 3;

/// A recording of a class.
pub(super) struct Member {
    pub(super) path: PathBuf,
    pub(super) class: u16,
}

/// Reads a folder.
pub(super) fn read(path: &Path, request: &Request<'_>) -> Result<Loaded, OwnDataError> {
    let tree = tree(path, request.shape)?;
    let (names, members) = (&tree.names, &tree.members);
    let sensor = sensor(members, request.reading, request.shape)?;
    let code = camera_code(path, sensor, request)?;
    let mut binning = request.binning;
    binning.inputs = code.inputs();
    let classes = names.len() as u32;
    let mut set = BinnedSet::new(code.inputs(), binning.steps, classes, Speakers::Unknown)
        .with_repeats(binning.repeats);
    let mut notices: Vec<String> = tree.left_out_notice().into_iter().collect();
    let mut left_out = 0;
    let mut span = TimeSpan::new(UNITS);
    for group in members.chunks(64) {
        let read: Vec<_> = group
            .par_iter()
            .map(|member| sample(member, &code, &binning, request))
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
    set.class_names.clone_from(names);
    Ok(Loaded {
        set,
        shape: Shape {
            names: tree.names,
            classes,
            inputs: binning.inputs,
            sensor: Some(sensor),
            code: sensor.is_camera().then_some(code),
        },
        notices,
    })
}

/// The inputs of the pixels; side and polarity may only be asked for where there is a picture and polarities.
pub(super) fn camera_code(
    path: &Path,
    sensor: SensorKind,
    request: &Request<'_>,
) -> Result<CameraCode, OwnDataError> {
    if !sensor.is_camera() {
        let content = "recordings of channels, which have no picture";
        request.refuse(&[Setting::Side, Setting::Polarity], path, content)?;
    } else if sensor.polarity == Polarity::None {
        request.refuse(&[Setting::Polarity], path, "recordings without polarities")?;
    }
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

/// The content of a folder: classes and recordings.
pub(super) struct Tree {
    /// Names of the classes.
    pub(super) names: Vec<String>,
    /// The recordings, class by class, each by path.
    pub(super) members: Vec<Member>,
    /// Entries that are not read.
    pub(super) left_out: Vec<PathBuf>,
}

impl Tree {
    /// A sentence about what is not read.
    pub(super) fn left_out_notice(&self) -> Option<String> {
        let count = self.left_out.len();
        let shown: Vec<String> = self
            .left_out
            .iter()
            .take(SHOWN)
            .map(|path| path.display().to_string())
            .collect();
        let more = if count > SHOWN { ", …" } else { "" };
        (count > 0).then(|| {
            format!(
                "entries that are not read ({count}), because they are hidden, beside the folders of the classes, or neither file nor folder: {}{more}",
                shown.join(", ")
            )
        })
    }
}

/// Classes and recordings below a folder: the classes in the order of their names, the recordings of a class also
/// from folders below its own (people, takes).
pub(super) fn tree(path: &Path, shape: Option<&Shape>) -> Result<Tree, OwnDataError> {
    let mut left_out = Vec::new();
    let classes = class_folders(path, &mut left_out)?;
    let found: Vec<String> = classes.iter().map(|(name, _)| name.clone()).collect();
    let names = match shape {
        Some(shape) if !shape.names.is_empty() => shape.names.clone(),
        _ => found,
    };
    let mut members = Vec::new();
    for (name, folder) in classes {
        let class = names.iter().position(|known| *known == name);
        let class = class.ok_or_else(|| OwnDataError::Class {
            path: folder.clone(),
            found: name,
            known: names.join(", "),
        })?;
        let mut walk = Walk::default();
        walk.below(&folder)?;
        if walk.files.is_empty() {
            return Err(OwnDataError::Empty {
                path: folder,
                missing: "no recording of this class",
            });
        }
        walk.files.sort();
        let class = class as u16;
        members.extend(walk.files.into_iter().map(|path| Member { path, class }));
        left_out.append(&mut walk.left_out);
    }
    Ok(Tree {
        names,
        members,
        left_out,
    })
}

/// The files below a folder.
#[derive(Default)]
struct Walk {
    files: Vec<PathBuf>,
    left_out: Vec<PathBuf>,
    /// Folders in which it was, without links: a link back to one is not followed.
    been: BTreeSet<PathBuf>,
}

impl Walk {
    fn below(&mut self, folder: &Path) -> Result<(), OwnDataError> {
        let place = folder.canonicalize().map_err(|source| OwnDataError::Io {
            path: folder.to_owned(),
            source,
        })?;
        if !self.been.insert(place) {
            self.left_out.push(folder.to_owned());
            return Ok(());
        }
        for path in entries(folder, &mut self.left_out)? {
            if path.is_dir() {
                self.below(&path)?;
            } else {
                self.files.push(path);
            }
        }
        Ok(())
    }
}

/// The folders of the classes with their names.
fn class_folders(
    path: &Path,
    left_out: &mut Vec<PathBuf>,
) -> Result<Vec<(String, PathBuf)>, OwnDataError> {
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries(path, left_out)?
        .into_iter()
        .partition(|path| path.is_dir());
    left_out.extend(files);
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
    let order = in_order(folders.iter().map(name));
    if order
        .iter()
        .all(|name| PARTS.contains(&name.to_lowercase().as_str()))
    {
        return Err(OwnDataError::Parts {
            path: path.to_owned(),
            found: order.join(", "),
            first: order[0].clone(),
        });
    }
    let mut classes: Vec<(String, PathBuf)> = folders
        .into_iter()
        .map(|path| (name(&path), path))
        .collect();
    classes.sort_by_key(|(name, _)| order.iter().position(|other| other == name));
    Ok(classes)
}

/// Files and folders in a folder, by name. Those that are hidden or neither go to `left_out`.
fn entries(folder: &Path, left_out: &mut Vec<PathBuf>) -> Result<Vec<PathBuf>, OwnDataError> {
    let io = |source| OwnDataError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        paths.push(entry.map_err(io)?.path());
    }
    paths.sort();
    let is_read = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        let hidden = name.to_string_lossy().starts_with('.');
        !hidden && (path.is_file() || path.is_dir())
    };
    let (read, other) = paths.into_iter().partition(is_read);
    left_out.extend::<Vec<PathBuf>>(other);
    Ok(read)
}

/// The content of a folder, as it would be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The classes in the order of their numbers.
    pub classes: Vec<ClassContent>,
    /// The sensor that all recordings come from.
    pub sensor: SensorKind,
    /// A sentence about what is not read.
    pub left_out: Option<String>,
}

/// The recordings of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassContent {
    /// Its name.
    pub name: String,
    /// Its recordings.
    pub recordings: usize,
    /// Folders below its own that hold some of them.
    pub folders: usize,
}

/// Describes a folder per class of recordings; all are read.
///
/// # Errors
/// [`OwnDataError`].
pub fn content(path: &Path, reading: &ReadOptions) -> Result<Content, OwnDataError> {
    let tree = tree(path, None)?;
    let class = |(number, name): (usize, &String)| {
        let of = tree.members.iter();
        let of = of.filter(|member| usize::from(member.class) == number);
        let folders: BTreeSet<&Path> = of.clone().filter_map(|m| m.path.parent()).collect();
        let own = path.join(name);
        ClassContent {
            name: name.clone(),
            recordings: of.count(),
            folders: folders.into_iter().filter(|folder| *folder != own).count(),
        }
    };
    Ok(Content {
        classes: tree.names.iter().enumerate().map(class).collect(),
        sensor: sensor(&tree.members, reading, None)?,
        left_out: tree.left_out_notice(),
    })
}

/// The sensor that all recordings come from. Sizes that files declare have to agree; where they are
/// only seen from the events the largest holds all.
pub(super) fn sensor(
    members: &[Member],
    reading: &ReadOptions,
    shape: Option<&Shape>,
) -> Result<SensorKind, OwnDataError> {
    let sensors: Vec<events::Sensor> = members
        .par_iter()
        .map(|member| Ok(events::read_with(&member.path, reading)?.sensor))
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
    request: &Request<'_>,
) -> Result<Sampled, OwnDataError> {
    let recording: Recording = events::read_with(&member.path, request.reading)?;
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

pub(super) fn prefixed_notes(member: &Member, recording: &Recording) -> Vec<String> {
    let lines = recording.notes.lines();
    let said = lines
        .iter()
        .map(|line| format!("{}: {line}", member.path.display()));
    said.collect()
}
