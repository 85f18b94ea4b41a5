//! The program `eventprop` in the Python package, and its download of data sets.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::PathBuf;

use eventprop_data::obtain::fetch::{self, FetchOptions, Progress};
use eventprop_data::obtain::locate;
use eventprop_data::obtain::manual;
use eventprop_data::obtain::registry::Dataset;
use pyo3::prelude::*;

use crate::errors;

/// Carries out a command line, of which the first word is the name of the program; the exit code.
#[pyfunction]
pub fn run_program(py: Python<'_>, words: Vec<OsString>) -> u8 {
    py.detach(|| eventprop_cli::run(&words))
}

/// Downloads what a data set lacks; the paths of its files. `show` is told the name of a file, its bytes so far and in
/// all, and may raise.
#[pyfunction]
pub fn fetch_data(
    py: Python<'_>,
    name: &str,
    data_dir: Option<PathBuf>,
    show: Bound<'_, PyAny>,
) -> PyResult<Vec<PathBuf>> {
    let env = std::env::var_os("EVENTPROP_DATA");
    let dirs = locate::data_dirs(data_dir.as_deref(), env.as_deref());
    if let Some(set) = manual::find(name) {
        return Err(errors::value(set.instructions(&dirs)));
    }
    let dataset: Dataset = name.parse().map_err(errors::value)?;
    let folder = locate::home(dataset, &dirs)
        .ok_or_else(|| errors::value("no folder for data is known; name one with data_dir"))?;
    let (show, mut raised) = (show.unbind(), None);
    let fetched = py.detach(|| {
        let mut told = |progress: Progress<'_>| {
            let told = Python::attach(|py| {
                py.check_signals()?;
                show.call1(py, (progress.file, progress.bytes, progress.bytes_total))
            });
            match told {
                Ok(_) => ControlFlow::Continue(()),
                Err(error) => {
                    raised = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        fetch::fetch(dataset, &folder, &FetchOptions::default(), &mut told)
    });
    if let Some(error) = raised {
        return Err(error);
    }
    let fetched = fetched.map_err(|error| errors::download(&error))?;
    Ok(fetched.into_iter().map(|file| file.path).collect())
}
