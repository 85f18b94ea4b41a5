//! Counts beyond memory: a `MemoryError` that names the argument and the largest value that fits, before anything is
//! taken.

use eventprop::network::Network;
use eventprop::params::Params;
use eventprop::readout::Observe;
use eventprop::real::Real;
use eventprop::solver::Solver;
use eventprop_experiment::room::{self, Load};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

/// A count, under the name that its user wrote.
#[derive(Clone, Copy)]
pub struct Count<'a> {
    pub name: &'a str,
    pub value: usize,
}

/// Refuses a count that does not fit; `bytes` is what so many of `of` surely take, which grows with the count.
pub fn check(count: Count<'_>, of: &str, bytes: impl Fn(usize) -> f64) -> PyResult<()> {
    let spendable = room::spendable();
    let taken = bytes(count.value);
    if taken <= spendable {
        return Ok(());
    }
    let (mut fitting, mut beyond) = (0, count.value);
    while beyond - fitting > 1 {
        let middle = fitting + (beyond - fitting) / 2;
        if bytes(middle) <= spendable {
            fitting = middle;
        } else {
            beyond = middle;
        }
    }
    let Count { name, value } = count;
    let way_out = match fitting {
        0 => format!("{name} is not what can be lowered: use a machine with more memory"),
        _ => format!("{name} can be at most {fitting}"),
    };
    let shortage = room::shortage(of, taken, spendable);
    Err(PyMemoryError::new_err(format!(
        "{name} is {value}: {shortage}; {way_out}"
    )))
}

/// As [`check`], for a count of things of one size.
#[pyfunction]
pub fn check_count(name: &str, value: usize, of: &str, bytes_each: f64) -> PyResult<()> {
    let count = Count { name, value };
    check(count, of, |count| count as f64 * bytes_each)
}

/// Refuses more samples at once than fit. A trial that does not fit with one sample is refused by its steps.
pub fn check_samples<S: Solver>(
    network: &Network,
    observe: Observe,
    samples: Count<'_>,
) -> PyResult<()> {
    let load = Load::of(network, 1);
    let steps = Count {
        name: "the number of steps (trial / dt)",
        value: load.steps,
    };
    check(steps, "a trial", |steps| {
        Load { steps, ..load }.bytes::<S>(observe)
    })?;
    check(samples, "the batch", |samples| {
        Load { samples, ..load }.bytes::<S>(observe)
    })
}

/// Refuses parameters of which so many copies, and one in double precision, do not fit.
pub fn check_parameters<F: Real>(params: &Params<F>, copies: usize) -> PyResult<()> {
    let count = Count {
        name: "the number of parameters",
        value: params.values().len(),
    };
    let each = (size_of::<f64>() + copies * size_of::<F>()) as f64;
    check(count, "what is solved with", |count| count as f64 * each)
}
