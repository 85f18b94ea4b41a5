//! From values to spikes: the encoders of `eventprop_data`.

use eventprop::rng::{Key, Purpose};
use eventprop_data::encode::delta::Delta;
use eventprop_data::encode::latency::LatencyCode;
use eventprop_data::encode::level_crossing::LevelCrossing;
use eventprop_data::encode::log_latency::LogLatency;
use eventprop_data::encode::population::Population;
use eventprop_data::encode::rate::PoissonRate;
use eventprop_data::encode::{EncodeError, Series, Spike};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::events::{Arrays, Columns};
use crate::{errors, pool};

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
            "a value to encode is {wrong}; values must be from 0 to 1: divide by the largest first"
        )));
    }
    let times: Vec<f64> = values.iter().map(|x| code.time_ms(*x)).collect();
    Ok(times.into_pyarray(py))
}

/// Spike times of values in the logarithmic latency code; NaN where there is none.
#[pyfunction]
pub fn log_latency<'py>(
    py: Python<'py>,
    values: PyReadonlyArray1<'py, f64>,
    tau_ms: f64,
    threshold: f64,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let code = LogLatency::new(tau_ms, threshold).map_err(errors::value)?;
    let values = values.as_slice().map_err(errors::value)?;
    let time = |value: &f64| Ok(code.time_ms(*value)?.unwrap_or(f64::NAN));
    let times: Result<Vec<f64>, EncodeError> = values.iter().map(time).collect();
    Ok(times.map_err(errors::value)?.into_pyarray(py))
}

/// Poisson processes of values from 0 to 1, [samples, inputs].
#[pyfunction]
pub fn poisson<'py>(
    py: Python<'py>,
    values: PyReadonlyArray2<'py, f64>,
    max_hz: f64,
    trial_ms: f64,
    seed: u64,
) -> PyResult<Arrays<'py>> {
    let code = PoissonRate::new(max_hz, trial_ms).map_err(errors::value)?;
    let key = Key::new(seed, Purpose::Data);
    of_rows(py, &values, move |sample, input, value| {
        let key = key.with(sample as u64).with(input as u64);
        let times = code.times_ms(value, key)?;
        Ok(times.into_iter().map(|time| (time, input as u32)).collect())
    })
}

/// Receptive fields of values, [samples, inputs]: neuron input · fields + field.
#[pyfunction]
pub fn population<'py>(
    py: Python<'py>,
    values: PyReadonlyArray2<'py, f64>,
    fields: u32,
    range: [f64; 2],
    beta: f64,
    window_ms: f64,
) -> PyResult<Arrays<'py>> {
    let [low, high] = range;
    let code = Population::new(fields, low..=high, beta, window_ms).map_err(errors::value)?;
    of_rows(py, &values, move |_, input, value| {
        let mut spikes = code.spikes(value)?;
        for spike in &mut spikes {
            spike.1 += input as u32 * fields;
        }
        Ok(spikes)
    })
}

/// The spikes of all values of every row.
fn of_rows<'py>(
    py: Python<'py>,
    values: &PyReadonlyArray2<'py, f64>,
    encode: impl Fn(usize, usize, f64) -> Result<Vec<Spike>, EncodeError> + Send + 'static,
) -> PyResult<Arrays<'py>> {
    let inputs = values.as_array().ncols();
    let values = values.as_slice().map_err(errors::value)?.to_vec();
    let columns = pool::compute(py, move || {
        let mut columns = Columns::default();
        for (sample, row) in values.chunks(inputs.max(1)).enumerate() {
            let mut spikes = Vec::new();
            for (input, value) in row.iter().enumerate() {
                spikes.extend(encode(sample, input, *value)?);
            }
            columns.push(spikes);
        }
        Ok(columns)
    })?;
    Ok(columns
        .map_err(|error: EncodeError| errors::value(error))?
        .into_arrays(py))
}

/// The spikes of a series, [steps, channels], in the code `"delta"` or `"level_crossing"`.
#[pyfunction]
pub fn encode_series<'py>(
    py: Python<'py>,
    values: PyReadonlyArray2<'py, f64>,
    period_ms: f64,
    code: &str,
    threshold: f64,
) -> PyResult<Arrays<'py>> {
    let channels = values.as_array().ncols();
    let values = values.as_slice().map_err(errors::value)?.to_vec();
    let delta = code == "delta";
    let spikes = pool::compute(py, move || {
        let series = Series::new(&values, channels, period_ms)?;
        if delta {
            Ok(Delta::new(threshold)?.spikes(&series))
        } else {
            LevelCrossing::new(threshold)?.spikes(&series)
        }
    })?;
    let mut columns = Columns::default();
    columns.push(spikes.map_err(|error: EncodeError| errors::value(error))?);
    Ok(columns.into_arrays(py))
}
