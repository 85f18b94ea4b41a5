//! The data of the benchmarks as spike trains.

use std::path::{Path, PathBuf};

use eventprop::spikes::Batch;
use eventprop_data::latency::LatencyCode;
use eventprop_data::locate;
use eventprop_experiment::data::{self, Data, Part, Source, Wanted};
use eventprop_experiment::settings::Settings;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::benchmark::{drawn_seed, parameters};
use crate::events::arrays;
use crate::{errors, pool};

/// Where data are looked for: the folder that is named, or those of `EVENTPROP_DATA` and of the system.
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
    let loaded = pool::compute(py, || {
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
    all.set_item("notices", notices)?;
    for (name, part) in [("train", train), ("validation", validation), ("test", test)] {
        let batch = pool::compute(py, || encoded(&part))?;
        let labels: Vec<u32> = batch.labels().to_vec();
        let (times, neurons, offsets) = arrays(py, batch.trains().iter());
        all.set_item(name, (times, neurons, offsets, labels.into_pyarray(py)))?;
    }
    Ok(all)
}

fn encoded(part: &Part) -> Batch {
    let mut batch = Batch::default();
    let places: Vec<usize> = (0..part.len()).collect();
    part.fill(&places, None, &mut batch);
    batch
}

/// Spike times of values from 0 to 1 in the latency code of a trial.
#[pyfunction]
pub fn latency<'py>(
    py: Python<'py>,
    values: PyReadonlyArray1<'py, f64>,
    trial_ms: f64,
    dt_ms: f64,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let code = LatencyCode::new(trial_ms, dt_ms).map_err(errors::value)?;
    let values = values.as_slice().map_err(errors::value)?;
    if let Some(wrong) = values.iter().find(|x| !(0.0..=1.0).contains(*x)) {
        return Err(errors::value(format!(
            "a value to encode is {wrong}; values must be from 0 to 1"
        )));
    }
    let times: Vec<f64> = values.iter().map(|x| code.time_ms(*x)).collect();
    Ok(times.into_pyarray(py))
}
