//! The compiled part of the Python package `eventprop`: it converts, releases the interpreter, calls
//! the engine, and converts back. What users meet is written in Python, beside this crate in
//! `python/eventprop/`; nothing here is public there.
#![allow(
    clippy::needless_pass_by_value,
    reason = "a function that Python calls owns the arguments that were made for it"
)]

mod audio;
mod benchmark;
mod calibrate;
mod checkpoint;
mod datasets;
mod encoders;
mod errors;
mod evaluate;
mod events;
mod gradcheck;
mod link;
mod loss;
mod memory;
mod network;
mod network_file;
mod neuron_model;
mod plan;
mod pool;
mod program;
mod recordings;
mod run;
mod session;
mod training_state;

use eventprop_params::Benchmark;
use pyo3::prelude::*;

/// The compiled part of `eventprop`.
#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<network::Network>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<run::Run>()?;
    module.add_class::<run::Spare>()?;
    module.add_class::<training_state::TrainingState>()?;
    module.add_class::<datasets::Shape>()?;
    module.add_class::<audio::SoundEncoder>()?;
    module.add_function(wrap_pyfunction!(events::sorted_events, module)?)?;
    module.add_function(wrap_pyfunction!(events::permutation, module)?)?;
    module.add_function(wrap_pyfunction!(plan::course_factor, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::evaluate, module)?)?;
    module.add_function(wrap_pyfunction!(gradcheck::gradcheck, module)?)?;
    module.add_function(wrap_pyfunction!(calibrate::calibrate, module)?)?;
    module.add_function(wrap_pyfunction!(checkpoint::read_checkpoint, module)?)?;
    module.add_function(wrap_pyfunction!(network_file::read_network, module)?)?;
    module.add_function(wrap_pyfunction!(network_file::network_text, module)?)?;
    module.add_function(wrap_pyfunction!(neuron_model::neuron_model, module)?)?;
    module.add_function(wrap_pyfunction!(
        neuron_model::shipped_neuron_model,
        module
    )?)?;
    module.add_function(wrap_pyfunction!(
        neuron_model::shipped_neuron_models,
        module
    )?)?;
    module.add_function(wrap_pyfunction!(memory::check_count, module)?)?;
    module.add_function(wrap_pyfunction!(pool::set_threads, module)?)?;
    module.add_function(wrap_pyfunction!(pool::threads, module)?)?;
    module.add_function(wrap_pyfunction!(datasets::load_data, module)?)?;
    module.add_function(wrap_pyfunction!(datasets::read_own, module)?)?;
    module.add_function(wrap_pyfunction!(encoders::latency, module)?)?;
    module.add_function(wrap_pyfunction!(encoders::log_latency, module)?)?;
    module.add_function(wrap_pyfunction!(encoders::poisson, module)?)?;
    module.add_function(wrap_pyfunction!(encoders::population, module)?)?;
    module.add_function(wrap_pyfunction!(encoders::encode_series, module)?)?;
    module.add_function(wrap_pyfunction!(audio::read_sound, module)?)?;
    module.add_function(wrap_pyfunction!(recordings::read_events, module)?)?;
    module.add_function(wrap_pyfunction!(recordings::write_events, module)?)?;
    module.add_function(wrap_pyfunction!(recordings::read_spike_file, module)?)?;
    module.add_function(wrap_pyfunction!(events::time_noise, module)?)?;
    module.add_function(wrap_pyfunction!(events::steps_of, module)?)?;
    module.add_function(wrap_pyfunction!(recordings::write_spike_file, module)?)?;
    module.add_function(wrap_pyfunction!(program::run_program, module)?)?;
    module.add_function(wrap_pyfunction!(program::fetch_data, module)?)?;
    module.add("BENCHMARKS", Benchmark::ALL.map(Benchmark::name).to_vec())?;
    module.add_function(wrap_pyfunction!(benchmark::parameter_table, module)?)?;
    module.add_function(wrap_pyfunction!(benchmark::accept_parameter, module)?)?;
    module.add_function(wrap_pyfunction!(benchmark::preset, module)?)?;
    module.add_function(wrap_pyfunction!(benchmark::run_benchmark, module)?)?;
    Ok(())
}
