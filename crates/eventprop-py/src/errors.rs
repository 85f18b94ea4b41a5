//! Errors of the engine as the exceptions that Python users expect, with the engine's own words.
//!
//! What a caller gave wrongly is a `ValueError`, an unknown name a `KeyError`, a file an `OSError`, and
//! numbers that left their range while computing a `FloatingPointError`.

use std::error::Error;
use std::io;

use eventprop::reduce::ReduceError;
use eventprop::solver::SolveError;
use eventprop::train::TrainError;
use eventprop_data::obtain::fetch::FetchError;
use eventprop_data::sets::dvs_gesture::GestureError;
use eventprop_data::sets::mnist::MnistError;
use eventprop_data::sets::nmnist::NmnistError;
use eventprop_data::sets::shd::ShdError;
use eventprop_experiment::data::DataError;
use eventprop_experiment::run::RunError;
use eventprop_params::ParamError;
use pyo3::PyErr;
use pyo3::exceptions::{
    PyFileNotFoundError, PyFloatingPointError, PyKeyError, PyOSError, PyPermissionError,
    PyRuntimeError, PyValueError,
};

/// A `ValueError` with the text of an error.
pub fn value(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// A `KeyError` with the text of an error.
pub fn key(error: impl std::fmt::Display) -> PyErr {
    PyKeyError::new_err(error.to_string())
}

/// The exception for a solver that stopped.
pub fn solve(error: &SolveError) -> PyErr {
    match error {
        SolveError::Network(_)
        | SolveError::Spikes(_)
        | SolveError::Probe { .. }
        | SolveError::Variable { .. }
        | SolveError::Unsupported { .. } => value(error),
        SolveError::NotFinite { .. }
        | SolveError::Grazing { .. }
        | SolveError::Neuron { .. }
        | SolveError::TooManySpikes { .. } => PyFloatingPointError::new_err(error.to_string()),
        SolveError::Device { .. } => PyRuntimeError::new_err(error.to_string()),
        SolveError::Reduce(error) => reduce(error),
    }
}

/// The exception for ranks that could not sum.
fn reduce(error: &ReduceError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

/// The exception for a batch that could not be solved or trained on.
pub fn train(error: &TrainError) -> PyErr {
    match error {
        TrainError::Solve(source) => solve(source),
        TrainError::Loss(source) => value(source),
        TrainError::Reduce(source) => reduce(source),
        TrainError::GradientNotFinite { .. } => PyFloatingPointError::new_err(error.to_string()),
    }
}

/// The exception for a parameter of a benchmark.
pub fn param(error: &ParamError) -> PyErr {
    match error {
        ParamError::UnknownKey { .. } | ParamError::UnknownPreset { .. } => key(error),
        ParamError::Unreadable { .. } => file(error),
        _ => value(error),
    }
}

/// The exception for a file: an `OSError` of the right kind where the system refused, and a
/// `ValueError` where the content is wrong.
pub fn file(error: &(dyn Error + 'static)) -> PyErr {
    let text = error.to_string();
    let (mut next, mut kind) = (Some(error), None);
    while let Some(error) = next {
        kind = error
            .downcast_ref::<io::Error>()
            .map(io::Error::kind)
            .or(kind);
        next = error.source();
    }
    match kind {
        // What is packed is damaged.
        None | Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
            PyValueError::new_err(text)
        }
        Some(io::ErrorKind::NotFound) => PyFileNotFoundError::new_err(text),
        Some(io::ErrorKind::PermissionDenied) => PyPermissionError::new_err(text),
        Some(_) => PyOSError::new_err(text),
    }
}

/// The exception for data of a benchmark.
pub fn data(error: &DataError) -> PyErr {
    match error {
        DataError::Param(source) => param(source),
        DataError::Mnist(MnistError::NotFound(_))
        | DataError::Shd(ShdError::NotFound(_))
        | DataError::Nmnist(NmnistError::NotFound { .. })
        | DataError::Gesture(GestureError::NotFound { .. }) => {
            PyFileNotFoundError::new_err(in_python(&error.to_string()))
        }
        _ => file(error),
    }
}

/// The exception for a download.
pub fn download(error: &FetchError) -> PyErr {
    match error {
        FetchError::NoMirror { .. } | FetchError::Proxy { .. } | FetchError::InTheWay { .. } => {
            value(error)
        }
        _ => PyOSError::new_err(error.to_string()),
    }
}

/// Words for the shell in those of Python: how data sets are fetched, and how their folder is named.
pub fn in_python(text: &str) -> String {
    const COMMAND: &str = "`eventprop data fetch ";
    let text = text.replace("--data-dir", "data_dir");
    let mut words = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(COMMAND) {
        let (name, behind) = after.split_once('`').unwrap_or((after, ""));
        let call = format!("`eventprop.data.fetch({name:?})`");
        words.extend([before, &call]);
        rest = behind;
    }
    words + rest
}

/// The exception for a run.
pub fn run(error: &RunError) -> PyErr {
    match error {
        RunError::Param(source) => param(source),
        RunError::Data(source) => data(source),
        RunError::Train { .. } => PyFloatingPointError::new_err(error.to_string()),
        RunError::Solve(source) => solve(source),
        RunError::Session(source) => train(source),
        _ if error.is_usage() => value(error),
        _ => PyOSError::new_err(error.to_string()),
    }
}
