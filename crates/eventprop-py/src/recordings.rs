//! Files of events, and files of spike trains in the layout of SHD.

use std::path::PathBuf;

use eventprop::time_noise::TimeNoise;
use eventprop_data::binned::Speakers;
use eventprop_data::formats::events::{
    self, Event, Format, Notes, Polarity, ReadOptions, Recording, Sensor, SizeFrom, columns,
};
use eventprop_data::formats::spike_file::{
    Sample, SpikeFile, SpikeFileError, SpikeFileWriter, Spikes, TimeType, WriteOptions,
};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::events::{Columns, Events};
use crate::{errors, pool};

/// Format, columns and zero of the times of recordings.
pub fn reading(
    format: Option<&str>,
    names: Option<&[String]>,
    origin: &str,
) -> PyResult<ReadOptions> {
    let columns = names.map(columns::Columns::named).transpose();
    Ok(ReadOptions {
        format: format.map(str::parse).transpose().map_err(errors::value)?,
        columns: columns.map_err(errors::value)?,
        origin: origin.parse().map_err(errors::value)?,
    })
}

/// A recording in any of the formats: arrays `t` (µs), `x`, `y`, `p`, and what is known about it.
#[pyfunction]
pub fn read_events<'py>(
    py: Python<'py>,
    path: PathBuf,
    format: Option<&str>,
    names: Option<Vec<String>>,
    origin: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let options = reading(format, names.as_deref(), origin)?;
    let read = pool::compute(py, move || events::read_with(&path, &options))?;
    let recording = read.map_err(|error| errors::file(&error))?;
    let of = |value: fn(&Event) -> i64| -> Bound<'py, PyArray1<i64>> {
        let values: Vec<i64> = recording.events.iter().map(value).collect();
        values.into_pyarray(py)
    };
    let all = PyDict::new(py);
    all.set_item("t", of(|event| event.t_us))?;
    all.set_item("x", of(|event| i64::from(event.x)))?;
    all.set_item("y", of(|event| i64::from(event.y)))?;
    all.set_item("p", of(|event| i64::from(event.on)))?;
    let Sensor {
        width,
        height,
        polarity,
        ..
    } = recording.sensor;
    let polarities = 1 + u32::from(polarity == Polarity::OnOff);
    all.set_item("sensor_size", (width, height, polarities))?;
    all.set_item("format", recording.format.name())?;
    all.set_item("notes", recording.notes.lines())?;
    Ok(all)
}

/// Columns of events as Python gives them; times ascend.
#[derive(FromPyObject)]
pub struct Table<'py> {
    #[pyo3(item)]
    t: PyReadonlyArray1<'py, i64>,
    #[pyo3(item)]
    x: PyReadonlyArray1<'py, i64>,
    #[pyo3(item)]
    y: PyReadonlyArray1<'py, i64>,
    #[pyo3(item)]
    p: PyReadonlyArray1<'py, i64>,
}

/// The size of a sensor, a triple in Python.
#[derive(FromPyObject)]
pub struct SensorSize {
    #[pyo3(item(0))]
    width: u32,
    #[pyo3(item(1))]
    height: u32,
    #[pyo3(item(2))]
    polarities: u32,
}

/// Writes a recording; coordinates are checked to lie on the sensor.
#[pyfunction]
pub fn write_events(
    py: Python<'_>,
    path: PathBuf,
    table: Table<'_>,
    sensor_size: SensorSize,
    format: &str,
) -> PyResult<()> {
    let format: Format = format.parse().map_err(errors::value)?;
    let (t, x) = (table.t.as_slice(), table.x.as_slice());
    let (y, p) = (table.y.as_slice(), table.p.as_slice());
    let (t, x) = (t.map_err(errors::value)?, x.map_err(errors::value)?);
    let (y, p) = (y.map_err(errors::value)?, p.map_err(errors::value)?);
    let event = |index: usize| Event {
        t_us: t[index],
        x: x[index] as u16,
        y: y[index] as u16,
        on: p[index] > 0,
    };
    let recording = Recording {
        format,
        sensor: Sensor {
            width: sensor_size.width,
            height: sensor_size.height,
            polarity: if sensor_size.polarities > 1 {
                Polarity::OnOff
            } else {
                Polarity::None
            },
            size_from: SizeFrom::File,
        },
        events: (0..t.len()).map(event).collect(),
        notes: Notes::default(),
    };
    let written = py.detach(|| events::write(&path, &recording, format));
    written.map_err(|error| errors::file(&error))
}

/// Spikes, classes, speakers and words of a file in the layout of SHD.
#[pyfunction]
pub fn read_spike_file(py: Python<'_>, path: PathBuf, unit_ms: f64) -> PyResult<Bound<'_, PyDict>> {
    let read = pool::compute(py, move || -> Result<_, SpikeFileError> {
        let file = SpikeFile::open(&path)?;
        let (mut columns, mut wrong) = (Columns::default(), None);
        file.for_each(
            |_, spikes: &Spikes| Ok::<_, SpikeFileError>(spikes.clone()),
            |sample, spikes| {
                let strange = spikes.units.iter().find(|u| u32::try_from(**u).is_err());
                wrong = wrong.or(strange.map(|unit| (sample, *unit)));
                let units = spikes.units.iter().map(|unit| *unit as u32);
                columns.push(spikes.times_s.iter().map(|time| time * unit_ms).zip(units));
            },
        )?;
        Ok((file, columns, wrong))
    })?;
    let (file, columns, wrong) = read.map_err(|error| errors::file(&error))?;
    if let Some((sample, unit)) = wrong {
        return Err(errors::value(format!(
            "sample {sample} has a spike of unit {unit}; expected 0 to 4294967295"
        )));
    }
    let (times, units, offsets) = columns.into_arrays(py);
    let all = PyDict::new(py);
    all.set_item("times_ms", times)?;
    all.set_item("units", units)?;
    let TimeNoise {
        relative,
        absolute_ms,
    } = file.time_noise();
    // Of a file in the layout, whose times are in s.
    all.set_item("noise", (relative, absolute_ms * unit_ms / 1e3))?;
    all.set_item("offsets", offsets)?;
    all.set_item("labels", file.labels().to_vec().into_pyarray(py))?;
    let speakers = file.speakers().map(<[u16]>::to_vec);
    all.set_item("speakers", speakers.map(|ids| ids.into_pyarray(py)))?;
    all.set_item("names", file.keys().to_vec())?;
    Ok(all)
}

/// Writes spikes in the layout of SHD, times as float64, or as float32 where they came in no better numbers; labels, neurons and speakers have 16 bits.
#[pyfunction]
pub fn write_spike_file(
    py: Python<'_>,
    path: PathBuf,
    events: Events<'_>,
    speakers: Option<PyReadonlyArray1<'_, u16>>,
    names: Vec<String>,
) -> PyResult<()> {
    let slices = events.slices()?;
    let speakers = speakers.as_ref().map(|s| s.as_slice()).transpose();
    let speakers = speakers.map_err(errors::value)?;
    let options = WriteOptions {
        times: if slices.noise == TimeNoise::F64 {
            TimeType::F64
        } else {
            TimeType::F32
        },
        speakers: match speakers {
            Some(_) => Speakers::Known,
            None => Speakers::Unknown,
        },
        keys: names,
        ..WriteOptions::default()
    };
    let written = py.detach(|| {
        let mut file = SpikeFileWriter::create(&path, options)?;
        for sample in 0..slices.len() {
            let (times_ms, neurons, label) = slices.sample(sample);
            let times_s: Vec<f64> = times_ms.iter().map(|time| time * 1e-3).collect();
            let units: Vec<u16> = neurons.iter().map(|neuron| *neuron as u16).collect();
            file.push(Sample {
                times_s: &times_s,
                units: &units,
                label: label as u16,
                speaker: speakers.map(|speakers| speakers[sample]),
            })?;
        }
        file.finish()
    });
    written.map_err(|error| errors::file(&error))
}
