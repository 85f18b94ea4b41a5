//! The compiled part of the Python package `eventprop`: it converts, releases the interpreter, calls
//! the engine, and converts back. What users meet is written in Python, beside this crate in
//! `python/eventprop/`; nothing here is public there.
#![allow(
    clippy::needless_pass_by_value,
    reason = "a function that Python calls owns the arguments that were made for it"
)]

mod benchmark;
mod datasets;
mod errors;
mod evaluate;
mod events;
mod gradcheck;
mod loss;
mod network;
mod plan;
mod pool;
mod session;

use pyo3::prelude::*;

/// The compiled part of `eventprop`.
#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<network::Network>()?;
    module.add_class::<session::Session>()?;
    module.add_function(wrap_pyfunction!(events::sorted_events, module)?)?;
    module.add_function(wrap_pyfunction!(events::permutation, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::evaluate, module)?)?;
    module.add_function(wrap_pyfunction!(gradcheck::gradcheck, module)?)?;
    module.add_function(wrap_pyfunction!(pool::set_threads, module)?)?;
    module.add_function(wrap_pyfunction!(pool::threads, module)?)?;
    module.add_function(wrap_pyfunction!(datasets::load_data, module)?)?;
    module.add_function(wrap_pyfunction!(datasets::latency, module)?)?;
    module.add_function(wrap_pyfunction!(benchmark::parameter_table, module)?)?;
    module.add_function(wrap_pyfunction!(benchmark::accept_parameter, module)?)?;
    module.add_function(wrap_pyfunction!(benchmark::preset, module)?)?;
    module.add_function(wrap_pyfunction!(benchmark::run_benchmark, module)?)?;
    Ok(())
}
