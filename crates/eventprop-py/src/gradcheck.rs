//! The adjoint against differences.

use eventprop::gradcheck::{Settings, Verdict, check};
use eventprop::spikes::Batch;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::events::Events;
use crate::loss::{self, Named};
use crate::network::Network;
use crate::{errors, pool};

/// Checks the gradient of a loss; one entry per parameter that was checked, and what was seen besides.
#[pyfunction]
pub fn gradcheck<'py>(
    py: Python<'py>,
    network: &Network,
    events: Events<'py>,
    loss: Named,
    settings: (usize, u64, f64),
) -> PyResult<(Bound<'py, PyList>, Bound<'py, PyDict>)> {
    let (description, params) = network.snapshot()?;
    let loss = loss::named(&loss, description.clock().dt_ms())?;
    let slices = events.slices()?;
    let (per_projection, seed, step) = settings;
    let settings = Settings {
        per_projection,
        seed,
        step,
    };
    let mut batch = Batch::default();
    pool::compute_borrowed(py, || slices.fill(None, &mut batch))?;
    let report = pool::compute(py, move || {
        check(&description, &params, &batch, loss, settings)
    })?;
    let report = report.map_err(|error| errors::train(&error))?;
    let rows = PyList::empty(py);
    for checked in &report.checks {
        let row = PyDict::new(py);
        row.set_item("name", &checked.name)?;
        row.set_item("source", checked.source)?;
        row.set_item("target", checked.target)?;
        row.set_item("adjoint", checked.adjoint)?;
        row.set_item("difference", checked.difference)?;
        row.set_item("uncertainty", checked.uncertainty)?;
        row.set_item("verdict", word(checked.verdict))?;
        rows.append(row)?;
    }
    let seen = PyDict::new(py);
    seen.set_item("loss", report.loss)?;
    seen.set_item("grazing", report.grazing)?;
    seen.set_item("worst_relative_error", report.worst_relative_error())?;
    seen.set_item("unseen", report.unseen())?;
    Ok((rows, seen))
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Correct => "correct",
        Verdict::SpikesChanged => "spikes changed",
        Verdict::Grazing => "grazing",
        Verdict::Wrong => "wrong",
    }
}
