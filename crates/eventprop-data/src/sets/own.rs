//! Recordings of one's own: a folder per class of event files, or one file of spike trains.
//!
//! | path | content |
//! |---|---|
//! | a folder | a sub-folder per class, named as the class; in each, recordings in any format of [`crate::events`] |
//! | an HDF5 file | the layout of SHD ([`crate::spike_file`]), also packed |
//! | an `.npz` file | `times_ms` (or `times`, in s), `units`, `offsets` (n + 1, from 0 to the number of spikes), `labels` (n, from 0) |
//!
//! What is tested has to fit what was trained on: the [`Shape`] of the training set is given to the
//! reading of the test set.

use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use thiserror::Error;

use crate::binned::{BinError, BinnedSet, Binning, Speakers};
use crate::camera::{CameraCode, CameraCodeError, PolarityCode};
use crate::events::{self, EventFileError, Polarity, Recording, SizeFrom};
use crate::npz::{Npz, NpzError};
use crate::spike_file::{
    Sample, SpikeFile, SpikeFileError, SpikeFileWriter, Spikes, TimeType, WriteFileError,
    WriteOptions,
};

/// Classes and channels have 16 bits.
const CHANNELS_MAX: u32 = 1 << 16;

/// What the time of a recording counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeOrigin {
    /// Its first event.
    FirstEvent,
    /// The zero of the file.
    File,
}

/// How recordings become samples.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Length and number of steps; the number of channels is found.
    pub binning: Binning,
    /// Pixels of the longer side of a camera.
    pub side: u32,
    /// What becomes of polarities.
    pub polarity: PolarityCode,
    /// What times of a recording count from; spike trains keep their own zero.
    pub origin: TimeOrigin,
    /// What the training set looked like, for a test set.
    pub shape: Option<&'a Shape>,
}

/// What a set looks like, beside its samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Names of the classes; empty when they only have numbers.
    pub names: Vec<String>,
    /// Number of classes.
    pub classes: u32,
    /// Channels of the recordings.
    pub inputs: u32,
    /// The sensor (columns, rows, whether there are polarities), for a folder of recordings.
    pub sensor: Option<(u32, u32, Polarity)>,
    /// How its pixels become inputs, for a camera.
    pub code: Option<CameraCode>,
}

/// A set of one's own, as spikes on a grid.
#[derive(Debug)]
pub struct Loaded {
    /// The samples.
    pub set: BinnedSet,
    /// What it looks like.
    pub shape: Shape,
    /// What a user should know.
    pub notices: Vec<String>,
}

/// A set of one's own could not be read.
#[derive(Debug, Error)]
pub enum OwnDataError {
    /// The system.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A recording.
    #[error(transparent)]
    File(#[from] EventFileError),
    /// A file of spike trains.
    #[error(transparent)]
    Spikes(#[from] SpikeFileError),
    /// An archive of arrays.
    #[error(transparent)]
    Npz(#[from] NpzError),
    /// A folder without classes, or a class without recordings.
    #[error("{}: {missing}", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        missing: &'static str,
    },
    /// A file that is none of the three.
    #[error("{}: neither HDF5 nor .npz; expected a folder per class of recordings, an HDF5 file in the layout of SHD, or .npz with times_ms, units, offsets and labels", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// A class that the training set does not have.
    #[error("{}: class {found:?} is not in the training set, whose classes are {known}", path.display())]
    Class {
        /// The folder or file.
        path: PathBuf,
        /// The class.
        found: String,
        /// Those of the training set.
        known: String,
    },
    /// Two recordings from different sensors.
    #[error("{}: a sensor of {found}, but {} has one of {expected}; recordings of one set come from one sensor", path.display(), other.display())]
    Sensors {
        /// The recording.
        path: PathBuf,
        /// Its sensor.
        found: String,
        /// Another recording.
        other: PathBuf,
        /// Its sensor.
        expected: String,
    },
    /// A recording that does not fit the sensor of the training set.
    #[error("{}: a sensor of {found}, but the training set has one of {expected}", path.display())]
    LargerSensor {
        /// The recording.
        path: PathBuf,
        /// Its sensor.
        found: String,
        /// The sensor of the training set.
        expected: String,
    },
    /// The sensor makes too many inputs.
    #[error("{}: {problem}", path.display())]
    Code {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        problem: CameraCodeError,
    },
    /// Arrays that do not belong together.
    #[error("{}: {problem}", path.display())]
    Arrays {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file of spike trains could not be written.
    #[error(transparent)]
    Write(#[from] WriteFileError),
    /// A spike does not fit the grid.
    #[error("{}, sample {sample}: {problem}", path.display())]
    Bin {
        /// The file.
        path: PathBuf,
        /// The sample, from 0.
        sample: usize,
        /// What is wrong.
        problem: BinError,
    },
}

/// Reads a set.
///
/// # Errors
/// [`OwnDataError`].
pub fn read_binned(path: &Path, request: &Request<'_>) -> Result<Loaded, OwnDataError> {
    let mut loaded = if path.is_dir() {
        folder(path, request)?
    } else {
        match magic(path)? {
            [0x89, b'H', b'D', b'F'] | [0x1f, 0x8b, ..] => spike_file(path, request)?,
            [b'P', b'K', 3, 4] => zipped(path, request)?,
            _ => {
                return Err(OwnDataError::Kind {
                    path: path.to_owned(),
                });
            }
        }
    };
    loaded.set.shrink();
    Ok(loaded)
}

fn magic(path: &Path) -> Result<[u8; 4], OwnDataError> {
    let io = |source| OwnDataError::Io {
        path: path.to_owned(),
        source,
    };
    let mut first = Vec::new();
    let source = crate::source::open(path).map_err(io)?;
    source.file.take(4).read_to_end(&mut first).map_err(io)?;
    first.resize(4, 0);
    Ok([first[0], first[1], first[2], first[3]])
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Names of the classes.
    pub names: Vec<String>,
    /// Samples.
    pub samples: usize,
    /// Spikes.
    pub spikes: u64,
    /// Channels.
    pub inputs: u32,
    /// What the readers noted.
    pub notices: Vec<String>,
}

/// Writes a folder per class of recordings, or one recording as class 0, as spike trains in the layout of
/// SHD: every event at its own time (float32), its channel as [`CameraCode`] has it.
///
/// # Errors
/// [`OwnDataError`]; then nothing is written.
pub fn write_spike_file(
    from: &Path,
    to: &Path,
    request: &Request<'_>,
) -> Result<Written, OwnDataError> {
    let (names, members) = if from.is_dir() {
        members(from, None)?
    } else {
        let path = from.to_owned();
        (Vec::new(), vec![Member { path, class: 0 }])
    };
    let sensor = sensor(&members, None)?;
    let code = camera_code(from, sensor, request)?;
    let options = WriteOptions {
        times: TimeType::F32,
        keys: names.clone(),
        attributes: vec![("source".into(), from.display().to_string())],
        ..WriteOptions::default()
    };
    let mut file = SpikeFileWriter::create(to, options)?;
    let mut written = Written {
        names,
        samples: members.len(),
        spikes: 0,
        inputs: code.inputs(),
        notices: Vec::new(),
    };
    for member in &members {
        let recording = events::read(&member.path)?;
        let start_us = start_us(&recording, request.origin);
        let placed = recording.events.iter();
        let placed = placed.filter_map(|event| Some((event.t_us, code.input(event)?)));
        let (times_s, units): (Vec<f64>, Vec<u16>) = placed
            .map(|(t_us, input)| ((t_us - start_us) as f64 / 1e6, input as u16))
            .unzip();
        written.spikes += units.len() as u64;
        file.push(Sample {
            times_s: &times_s,
            units: &units,
            label: member.class,
            speaker: None,
        })?;
        written.notices.extend(said(member, &recording));
    }
    file.finish()?;
    Ok(written)
}

/// A recording of a class.
struct Member {
    path: PathBuf,
    class: u16,
}

fn folder(path: &Path, request: &Request<'_>) -> Result<Loaded, OwnDataError> {
    let (names, members) = members(path, request.shape)?;
    let sensor = sensor(&members, request.shape)?;
    let code = camera_code(path, sensor, request)?;
    let mut binning = request.binning;
    binning.inputs = code.inputs();
    let classes = names.len() as u32;
    let mut set = BinnedSet::new(code.inputs(), binning.steps, classes, Speakers::Unknown);
    let mut notices = Vec::new();
    for group in members.chunks(64) {
        let read: Vec<_> = group
            .par_iter()
            .map(|member| sample(member, &code, &binning, request.origin))
            .collect::<Result<Vec<_>, OwnDataError>>()?;
        for (member, (mut spikes, cut, total, said)) in group.iter().zip(read) {
            set.push(&mut spikes, member.class, None);
            set.lost.cut_off += cut;
            set.lost.of += total;
            notices.extend(said);
        }
    }
    notices.extend(set.lost.late_notice());
    set.class_names.clone_from(&names);
    Ok(Loaded {
        set,
        shape: Shape {
            names,
            classes,
            inputs: binning.inputs,
            sensor: Some(sensor),
            code: is_camera(sensor).then_some(code),
        },
        notices,
    })
}

/// Whether events come from pixels rather than from a list of channels.
fn is_camera((_, height, polarity): (u32, u32, Polarity)) -> bool {
    height > 1 || polarity == Polarity::OnOff
}

fn camera_code(
    path: &Path,
    sensor: (u32, u32, Polarity),
    request: &Request<'_>,
) -> Result<CameraCode, OwnDataError> {
    let side = if is_camera(sensor) {
        request.side
    } else {
        CHANNELS_MAX
    };
    let polarity = if sensor.2 == Polarity::OnOff {
        request.polarity
    } else {
        PolarityCode::Merge
    };
    let code = CameraCode::new((sensor.0, sensor.1), side, polarity);
    code.map_err(|problem| OwnDataError::Code {
        path: path.to_owned(),
        problem,
    })
}

/// Classes and recordings below a folder, both by name.
fn members(path: &Path, shape: Option<&Shape>) -> Result<(Vec<String>, Vec<Member>), OwnDataError> {
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

/// What is in a folder and not hidden, by name.
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
fn sensor(members: &[Member], shape: Option<&Shape>) -> Result<(u32, u32, Polarity), OwnDataError> {
    let sensors: Vec<events::Sensor> = members
        .par_iter()
        .map(|member| Ok(events::read(&member.path)?.sensor))
        .collect::<Result<_, EventFileError>>()?;
    let first = members.iter().zip(&sensors).next();
    let (first_member, first_sensor) = first.expect("every class has a recording");
    let declared = sensors.iter().position(|s| s.size_from == SizeFrom::File);
    let (mut width, mut height) = (1, 1);
    for (member, sensor) in members.iter().zip(&sensors) {
        let against = |other: usize| OwnDataError::Sensors {
            path: member.path.clone(),
            found: described(sensor),
            other: members[other].path.clone(),
            expected: described(&sensors[other]),
        };
        let size = (sensor.width, sensor.height);
        if sensor.polarity != first_sensor.polarity {
            return Err(against(0));
        }
        if let Some(declared) = declared {
            let (w, h) = (sensors[declared].width, sensors[declared].height);
            let same = size == (w, h);
            let fits = sensor.size_from == SizeFrom::Events && size.0 <= w && size.1 <= h;
            if !same && !fits {
                return Err(against(declared));
            }
        }
        width = width.max(size.0);
        height = height.max(size.1);
    }
    let found = (width, height, first_sensor.polarity);
    match shape.and_then(|shape| shape.sensor) {
        Some(trained) if width > trained.0 || height > trained.1 || found.2 != trained.2 => {
            let text = |s: (u32, u32, Polarity)| format!("{} × {} ({:?})", s.0, s.1, s.2);
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

/// Spikes, events after the trial, events, and what the reader noted.
type Sampled = (Vec<(u32, u16)>, u64, u64, Vec<String>);

fn sample(
    member: &Member,
    code: &CameraCode,
    binning: &Binning,
    origin: TimeOrigin,
) -> Result<Sampled, OwnDataError> {
    let recording: Recording = events::read(&member.path)?;
    let start_us = start_us(&recording, origin);
    let mut spikes = Vec::with_capacity(recording.events.len());
    let late = code.bin(&recording.events, start_us, binning, &mut spikes);
    let late = late.map_err(|problem| OwnDataError::Bin {
        path: member.path.clone(),
        sample: 0,
        problem,
    })?;
    let total = recording.events.len() as u64;
    Ok((spikes, late, total, said(member, &recording)))
}

fn start_us(recording: &Recording, origin: TimeOrigin) -> i64 {
    match origin {
        TimeOrigin::FirstEvent => recording.span_us().map_or(0, |span| span.0),
        TimeOrigin::File => 0,
    }
}

fn said(member: &Member, recording: &Recording) -> Vec<String> {
    let lines = recording.notes.lines();
    let said = lines
        .iter()
        .map(|line| format!("{}: {line}", member.path.display()));
    said.collect()
}

/// An HDF5 file, packed or not.
fn spike_file(path: &Path, request: &Request<'_>) -> Result<Loaded, OwnDataError> {
    let file = SpikeFile::open(path)?;
    let mut most = -1i64;
    let largest = |_: usize, spikes: &Spikes| -> Result<i64, OwnDataError> {
        Ok(spikes.units.iter().copied().max().unwrap_or(-1))
    };
    file.for_each(largest, |_, unit| most = most.max(unit))?;
    let shape = list_shape(path, most, file.labels(), file.keys(), request.shape)?;
    let mut binning = request.binning;
    binning.inputs = shape.inputs;
    let speakers = match file.speakers() {
        Some(_) => Speakers::Known,
        None => Speakers::Unknown,
    };
    let mut set = BinnedSet::new(shape.inputs, binning.steps, shape.classes, speakers);
    let binned =
        |sample: usize, spikes: &Spikes| -> Result<(Vec<(u32, u16)>, usize), OwnDataError> {
            let pairs = spikes.times_s.iter().zip(&spikes.units);
            let pairs = pairs.map(|(&time_s, &unit)| (time_s * 1000.0, unit));
            let spikes = bin_list(path, sample, pairs, &binning)?;
            Ok(spikes)
        };
    file.for_each(binned, |sample, (mut spikes, total)| {
        set.lost.cut_off += (total - spikes.len()) as u64;
        set.lost.of += total as u64;
        let speaker = file.speakers().map(|speakers| speakers[sample]);
        set.push(&mut spikes, file.labels()[sample], speaker);
    })?;
    set.class_names.clone_from(&shape.names);
    Ok(Loaded {
        notices: set.lost.late_notice().into_iter().collect(),
        set,
        shape,
    })
}

/// The spikes of a list inside the trial, and how many there were.
fn bin_list(
    path: &Path,
    sample: usize,
    pairs: impl Iterator<Item = (f64, i64)>,
    binning: &Binning,
) -> Result<(Vec<(u32, u16)>, usize), OwnDataError> {
    let mut total = 0;
    let mut spikes = Vec::new();
    for (time_ms, unit) in pairs {
        total += 1;
        let channel = u32::try_from(unit).unwrap_or(u32::MAX);
        let spike = binning.bin(time_ms, channel);
        let spike = spike.map_err(|problem| OwnDataError::Bin {
            path: path.to_owned(),
            sample,
            problem,
        })?;
        spikes.extend(spike);
    }
    Ok((spikes, total))
}

/// Channels and classes of spike trains: as many as are used, or as many as were trained on.
fn list_shape(
    path: &Path,
    unit_most: i64,
    labels: &[u16],
    keys: &[String],
    trained: Option<&Shape>,
) -> Result<Shape, OwnDataError> {
    let label_most = labels.iter().max().map_or(0, |&most| u32::from(most));
    if let Some(trained) = trained {
        if label_most >= trained.classes {
            return Err(OwnDataError::Class {
                path: path.to_owned(),
                found: label_most.to_string(),
                known: format!("0 to {}", trained.classes - 1),
            });
        }
        return Ok(trained.clone());
    }
    if !(0..i64::from(CHANNELS_MAX)).contains(&unit_most) {
        return Err(OwnDataError::Arrays {
            path: path.to_owned(),
            problem: format!("the largest channel is {unit_most}; channels are from 0 to 65535"),
        });
    }
    Ok(Shape {
        names: keys.to_vec(),
        classes: (label_most + 1).max(keys.len() as u32),
        inputs: unit_most as u32 + 1,
        sensor: None,
        code: None,
    })
}

/// An archive of arrays, or a packed HDF5 file.
fn zipped(path: &Path, request: &Request<'_>) -> Result<Loaded, OwnDataError> {
    let npz = Npz::open(path)?;
    if npz
        .names()
        .iter()
        .any(|name| name.contains(".h5") || name.contains(".hdf5"))
    {
        return spike_file(path, request);
    }
    let lists = Lists::read(path, &npz)?;
    let most = lists.units.iter().copied().max().unwrap_or(-1);
    let shape = list_shape(path, most, &lists.labels, &[], request.shape)?;
    let mut binning = request.binning;
    binning.inputs = shape.inputs;
    let mut set = BinnedSet::new(
        shape.inputs,
        binning.steps,
        shape.classes,
        Speakers::Unknown,
    );
    for (sample, (range, label)) in lists.offsets.windows(2).zip(&lists.labels).enumerate() {
        let range = range[0]..range[1];
        let times = lists.times_ms[range.clone()].iter().copied();
        let pairs = times.zip(lists.units[range].iter().copied());
        let (mut spikes, total) = bin_list(path, sample, pairs, &binning)?;
        set.lost.cut_off += (total - spikes.len()) as u64;
        set.lost.of += total as u64;
        set.push(&mut spikes, *label, None);
    }
    Ok(Loaded {
        notices: set.lost.late_notice().into_iter().collect(),
        set,
        shape,
    })
}

/// Spike trains in arrays.
struct Lists {
    times_ms: Vec<f64>,
    units: Vec<i64>,
    offsets: Vec<usize>,
    labels: Vec<u16>,
}

impl Lists {
    fn read(path: &Path, npz: &Npz) -> Result<Self, OwnDataError> {
        let wrong = |problem: String| OwnDataError::Arrays {
            path: path.to_owned(),
            problem,
        };
        let (name, times) = npz.numbers(&["times_ms", "times_s", "times"])?;
        let factor = if name == "times_ms" { 1.0 } else { 1000.0 };
        let whole = |names: &[&'static str], most: f64| -> Result<Vec<f64>, OwnDataError> {
            let (name, numbers) = npz.numbers(names)?;
            let fits = |v: &f64| v.fract() == 0.0 && (0.0..=most).contains(v);
            match numbers.values.iter().position(|v| !fits(v)) {
                None => Ok(numbers.values),
                Some(at) => Err(wrong(format!(
                    "{name}[{at}] is {}; expected a whole number from 0 to {most}",
                    numbers.values[at]
                ))),
            }
        };
        let units = whole(&["units", "channels"], 65_535.0)?;
        let labels = whole(&["labels", "label"], 65_534.0)?;
        let offsets = whole(&["offsets"], times.values.len() as f64)?;
        let offsets: Vec<usize> = offsets.iter().map(|&v| v as usize).collect();
        if units.len() != times.values.len() {
            let (units, times) = (units.len(), times.values.len());
            return Err(wrong(format!("{times} times but {units} units")));
        }
        let whole = offsets.first() == Some(&0) && offsets.last() == Some(&units.len());
        if !whole || !offsets.is_sorted() || offsets.len() != labels.len() + 1 {
            return Err(wrong(format!(
                "{} offsets for {} labels and {} spikes; expected one more than labels, ascending from 0 to the number of spikes",
                offsets.len(),
                labels.len(),
                units.len()
            )));
        }
        Ok(Self {
            times_ms: times.values.iter().map(|t| t * factor).collect(),
            units: units.iter().map(|&v| v as i64).collect(),
            offsets,
            labels: labels.iter().map(|&v| v as u16).collect(),
        })
    }
}

#[cfg(test)]
mod tests;
