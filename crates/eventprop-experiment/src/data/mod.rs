//! The data of the benchmarks: what is trained, validated and tested on.
//!
//! One file for each benchmark turns its parameters into a [`Data`]: three parts that share no
//! sample. Nothing that happens in training ever sees the test part.

mod assembly;
pub mod binned;
mod camera;
mod custom;
mod dvs_gesture;
mod error;
mod fingerprint;
mod mnist;
mod nmnist;
mod part;
mod run_data;
mod shd;
mod smnist;
mod source;
mod split;
mod variation;
mod yinyang;

use eventprop_params::value::Value;
use eventprop_params::{Benchmark, ParamError, Parameters};

use crate::description::NetworkSize;
use crate::room;
use crate::settings::{Folds, Settings};

pub use error::DataError;
pub use fingerprint::fingerprint;
pub use part::{Dropping, Part, Samples};
pub use run_data::{Data, Fold};
pub use source::{Source, Wanted};
pub use variation::Variation;
pub use yinyang::plane;

/// Compares a number that the user may have set with what the data and their code give.
fn agree(params: &Parameters, key: &'static str, given: usize) -> Result<(), ParamError> {
    if params.get(key) == Value::None || params.count(key) == given {
        return Ok(());
    }
    let problem = format!("the data and their code give {given}");
    Err(params.refuse(key, problem, format!("write {key}={given} or leave it out")))
}

/// The data of a benchmark.
///
/// # Errors
/// [`DataError`].
pub fn load(
    params: &Parameters,
    settings: &Settings,
    source: &Source,
    wanted: Wanted,
) -> Result<Data, DataError> {
    room::for_samples(params)?;
    let data = match params.benchmark() {
        Benchmark::YinYang => yinyang::load(params, settings, wanted)?,
        Benchmark::Mnist => mnist::load(params, settings, source, wanted)?,
        Benchmark::Shd | Benchmark::Ssc => shd::load(params, settings, source, wanted)?,
        Benchmark::Smnist => smnist::load(params, settings, source, wanted)?,
        Benchmark::Nmnist => nmnist::load(params, settings, source, wanted)?,
        Benchmark::DvsGesture => dvs_gesture::load(params, settings, source, wanted)?,
        Benchmark::Custom => custom::load(params, settings, wanted)?,
    };
    let learned = data.train.len() + data.validation.len();
    if let (Wanted::Folds, Folds::Random(folds)) = (wanted, settings.folds)
        && folds > learned
    {
        let problem = format!("there are only {learned} samples to be held out");
        return Err(params
            .refuse("N_FOLDS", problem, format!("choose 2 to {learned} folds"))
            .into());
    }
    agree(params, "NUM_INPUT", data.inputs)?;
    agree(params, "NUM_OUTPUT", data.classes)?;
    let data = data.merged(settings, wanted);
    if wanted != Wanted::Test && settings.batch > data.train.len() {
        return Err(DataError::Param(ParamError::Combination {
            key: "N_BATCH",
            found: settings.batch.to_string(),
            problem: format!("there are only {} training samples", data.train.len()),
            way_out: "choose a smaller batch or more training samples (N_TRAIN)".to_owned(),
        }));
    }
    let size = NetworkSize {
        inputs: data.inputs,
        classes: data.classes,
    };
    room::for_network(params, size)?;
    Ok(data)
}
