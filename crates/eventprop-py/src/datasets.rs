//! Data sets as spike trains: those of the benchmarks, and your own recordings.

use std::path::{Path, PathBuf};

use eventprop::network::Clock;
use eventprop::spikes::Batch;
use eventprop_data::binned::{BinnedSet, Binning, Repeats};
use eventprop_data::encode::camera::PolarityCode;
use eventprop_data::obtain::locate;
use eventprop_data::sets::own::{self, OwnDataError, Setting};
use eventprop_experiment::data::{self, Data, Part, Source, Wanted};
use eventprop_experiment::settings::Settings;
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::benchmark::{drawn_seed, parameters};
use crate::events::Columns;
use crate::recordings::reading;
use crate::{errors, pool};

/// Samples that are encoded at once.
const BLOCK: usize = 256;

/// The source of data: the folder that is named, or those of `EVENTPROP_DATA` and of the system.
pub fn source(data_dir: Option<&Path>) -> Source {
    let env = std::env::var_os("EVENTPROP_DATA");
    Source {
        dirs: locate::data_dirs(data_dir, env.as_deref()),
        demonstration: data_dir.is_none(),
    }
}

/// Training, validation and test part of a benchmark's data, with the numbers of inputs and classes.
#[pyfunction]
pub fn load_data<'py>(
    py: Python<'py>,
    benchmark: &str,
    params: Vec<(String, Bound<'py, PyAny>)>,
    data_dir: Option<PathBuf>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut params = parameters(benchmark, &params)?;
    params.draw_seeds(drawn_seed);
    let settings = Settings::new(&params).map_err(|error| errors::param(&error))?;
    let source = source(data_dir.as_deref());
    let loaded = pool::compute(py, move || {
        data::load(&params, &settings, &source, Wanted::Validated)
    })?;
    let Data {
        inputs,
        classes,
        train,
        validation,
        test,
        notices,
        ..
    } = loaded.map_err(|error| errors::data(&error))?;
    let all = PyDict::new(py);
    all.set_item("inputs", inputs)?;
    all.set_item("classes", classes)?;
    let notices = notices.iter().map(|notice| errors::in_python(notice));
    all.set_item("notices", notices.collect::<Vec<_>>())?;
    for (name, part) in [("train", train), ("validation", validation), ("test", test)] {
        let (columns, labels) = pool::compute(py, move || (encoded(&part), part.labels()))?;
        all.set_item(name, labelled(py, columns, labels))?;
    }
    Ok(all)
}

fn encoded(part: &Part) -> Columns {
    let mut batch = Batch::default();
    let mut columns = Columns::default();
    let places: Vec<usize> = (0..part.len()).collect();
    for places in places.chunks(BLOCK) {
        part.fill(places, None, &mut batch);
        for train in batch.trains() {
            columns.push(train.iter());
        }
    }
    columns
}

/// Times, neurons, offsets and classes.
type Labelled<'py> = (
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u32>>,
);

fn labelled(py: Python<'_>, columns: Columns, labels: Vec<u32>) -> Labelled<'_> {
    let (times, neurons, offsets) = columns.into_arrays(py);
    (times, neurons, offsets, labels.into_pyarray(py))
}

/// The spikes of a set at the beginnings of their steps.
fn binned(set: &BinnedSet, dt_ms: f64) -> Columns {
    let mut columns = Columns::default();
    for sample in 0..set.len() {
        let spikes = set.spikes(sample);
        columns.push(spikes.map(|(step, input)| (f64::from(step) * dt_ms, u32::from(input))));
    }
    columns
}

/// The map of recordings to inputs and steps.
#[derive(FromPyObject)]
pub struct Grid {
    #[pyo3(item)]
    trial_ms: f64,
    #[pyo3(item)]
    dt_ms: f64,
    /// Pixels of the longer side.
    #[pyo3(item)]
    side: u32,
    #[pyo3(item)]
    polarity: String,
    /// Several spikes of a channel in one step count as one.
    #[pyo3(item)]
    merge_spikes: bool,
}

impl Grid {
    /// The number of inputs is found later.
    fn binning(&self) -> PyResult<Binning> {
        let clock = Clock::new(self.dt_ms, self.trial_ms).map_err(errors::value)?;
        Ok(Binning {
            dt_ms: clock.dt_ms(),
            steps: clock.steps() as u32,
            inputs: 0,
            rescale_t: 1.0,
            rescale_x: 1.0,
            repeats: if self.merge_spikes {
                Repeats::Merge
            } else {
                Repeats::Count
            },
        })
    }

    fn polarity(&self) -> PyResult<PolarityCode> {
        self.polarity.parse().map_err(errors::value)
    }
}

/// Shape of the user's own set, which another set has to fit.
#[pyclass(frozen, module = "eventprop._engine")]
pub struct Shape(own::Shape);

#[pymethods]
impl Shape {
    /// Channels of the recordings.
    #[getter]
    fn inputs(&self) -> u32 {
        self.0.inputs
    }

    /// Number of classes.
    #[getter]
    fn classes(&self) -> u32 {
        self.0.classes
    }

    /// Names of the classes; empty when they only have numbers.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.names.clone()
    }

    /// Columns, rows and copies (1, or 2 with polarities) of the inputs of a camera.
    #[getter]
    fn camera(&self) -> Option<(u32, u32, u32)> {
        let code = self.0.code?;
        let (width, height) = code.size();
        Some((width, height, code.copies()))
    }
}

/// The reading of recordings.
#[derive(FromPyObject)]
pub struct Recordings {
    #[pyo3(item)]
    origin: String,
    #[pyo3(item)]
    format: Option<String>,
    #[pyo3(item)]
    columns: Option<Vec<String>>,
    /// Those of side, polarity and origin that are not at their defaults.
    #[pyo3(item)]
    given: Vec<String>,
}

/// The user's own folder or file.
#[pyfunction]
pub fn read_own<'py>(
    py: Python<'py>,
    path: PathBuf,
    grid: Grid,
    recordings: Recordings,
    like: Option<PyRef<'py, Shape>>,
) -> PyResult<(Labelled<'py>, Shape, Vec<String>)> {
    let like = like.map(|shape| shape.0.clone());
    let reading = reading(
        recordings.format.as_deref(),
        recordings.columns.as_deref(),
        &recordings.origin,
    )?;
    let given = recordings.given.iter().map(|name| match name.as_str() {
        "side" => Setting::Side,
        "polarity" => Setting::Polarity,
        _ => Setting::Origin,
    });
    let given: Vec<Setting> = given.collect();
    let (binning, polarity) = (grid.binning()?, grid.polarity()?);
    let read = pool::compute(py, move || {
        let request = own::Request {
            binning,
            side: grid.side,
            polarity,
            reading: &reading,
            given: &given,
            shape: like.as_ref(),
        };
        let loaded = own::read_binned(&path, &request)?;
        let columns = binned(&loaded.set, grid.dt_ms);
        Ok((loaded, columns))
    })?;
    let (loaded, columns) = read.map_err(|error: OwnDataError| errors::file(&error))?;
    let labels = loaded.set.labels().iter();
    let labels = labels.map(|label| u32::from(*label)).collect();
    Ok((
        labelled(py, columns, labels),
        Shape(loaded.shape),
        loaded.notices,
    ))
}
