//! A file of spike trains: HDF5 or `.npz`.

use std::path::Path;

use eventprop::time_noise::TimeNoise;

use super::error::OwnDataError;
use super::shape::{CHANNELS_MAX, Loaded, Request, Shape};
use crate::binned::{BinnedSet, Binning, Speakers};
use crate::formats::class_numbers::class_numbers;
use crate::formats::is_vector;
use crate::formats::npz::Npz;
use crate::formats::spike_file::{SpikeFile, Spikes};
use crate::time_span::TimeSpan;

/// Spikes inside the trial by step and channel, and the times of all in ms.
type Binned = (Vec<(u32, u16)>, Vec<f64>);

/// An HDF5 file, packed or not.
pub(super) fn read_hdf5(path: &Path, request: &Request<'_>) -> Result<Loaded, OwnDataError> {
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
    let mut set = BinnedSet::new(shape.inputs, binning.steps, shape.classes, speakers)
        .with_repeats(binning.repeats);
    let noise = file.time_noise();
    let binned = |sample: usize, spikes: &Spikes| -> Result<Binned, OwnDataError> {
        let pairs = spikes.times_s.iter().zip(&spikes.units);
        let pairs = pairs.map(|(&time_s, &unit)| (time_s * 1000.0, unit));
        bin_list(path, sample, (pairs, noise), &binning)
    };
    let mut span = TimeSpan::new("spikes/times are in s");
    file.for_each(binned, |sample, (mut spikes, times_ms)| {
        let total = times_ms.len();
        span.add(times_ms.into_iter());
        set.lost.cut_off += (total - spikes.len()) as u64;
        set.lost.of += total as u64;
        let speaker = file.speakers().map(|speakers| speakers[sample]);
        set.push(&mut spikes, file.labels()[sample], speaker);
    })?;
    set.class_names.clone_from(&shape.names);
    Ok(Loaded {
        notices: notices(path, &binning, &set, &span)?,
        set,
        shape,
    })
}

/// The spikes of a list inside the trial, and the times of all.
fn bin_list(
    path: &Path,
    sample: usize,
    (pairs, noise): (impl Iterator<Item = (f64, i64)>, TimeNoise),
    binning: &Binning,
) -> Result<Binned, OwnDataError> {
    let mut times_ms = Vec::new();
    let mut spikes = Vec::new();
    for (time_ms, unit) in pairs {
        times_ms.push(time_ms);
        let channel = u32::try_from(unit).unwrap_or(u32::MAX);
        let spike = binning.bin(time_ms, noise, channel);
        let spike = spike.map_err(|problem| OwnDataError::Bin {
            path: path.to_owned(),
            sample,
            problem,
        })?;
        spikes.extend(spike);
    }
    Ok((spikes, times_ms))
}

/// Notices about a set that was read.
fn notices(
    path: &Path,
    binning: &Binning,
    set: &BinnedSet,
    span: &TimeSpan,
) -> Result<Vec<String>, OwnDataError> {
    let checked = span.check(binning, set.lost);
    let checked = checked.map_err(|problem| OwnDataError::Times {
        path: path.to_owned(),
        problem,
    })?;
    Ok(set.lost.notices().into_iter().chain(checked).collect())
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
pub(super) fn read_zip(path: &Path, request: &Request<'_>) -> Result<Loaded, OwnDataError> {
    let npz = Npz::open(path)?;
    if npz
        .names()
        .iter()
        .any(|name| name.contains(".h5") || name.contains(".hdf5"))
    {
        return read_hdf5(path, request);
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
    )
    .with_repeats(binning.repeats);
    let mut span = TimeSpan::new("times and times_s are in s, times_ms in ms");
    for (sample, (range, label)) in lists.offsets.windows(2).zip(&lists.labels).enumerate() {
        let range = range[0]..range[1];
        let times = lists.times_ms[range.clone()].iter().copied();
        let pairs = times.zip(lists.units[range].iter().copied());
        let (mut spikes, times_ms) = bin_list(path, sample, (pairs, lists.noise), &binning)?;
        set.lost.cut_off += (times_ms.len() - spikes.len()) as u64;
        set.lost.of += times_ms.len() as u64;
        span.add(times_ms.into_iter());
        set.push(&mut spikes, *label, None);
    }
    Ok(Loaded {
        notices: notices(path, &binning, &set, &span)?,
        set,
        shape,
    })
}

/// Spike trains in arrays.
struct Lists {
    times_ms: Vec<f64>,
    noise: TimeNoise,
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
            if !is_vector(&numbers.shape) {
                let shape = &numbers.shape;
                let problem = format!("{name} has the shape {shape:?}; expected one dimension");
                return Err(wrong(problem));
            }
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
        let (name, numbers) = npz.numbers(&["labels", "label"])?;
        let labels = class_numbers(&numbers.shape, &numbers.values);
        let labels = labels.map_err(|error| wrong(format!("{name} {error}")))?;
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
            noise: times.noise,
            times_ms: times.values.iter().map(|t| t * factor).collect(),
            units: units.iter().map(|&v| v as i64).collect(),
            offsets,
            labels,
        })
    }
}
