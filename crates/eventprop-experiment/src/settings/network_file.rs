//! `NETWORK`: the network of a file in the place of the one that the other parameters say.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use eventprop::network::{Clock, Model};
use eventprop_params::value::Value;
use eventprop_params::{ParamError, Parameters, read_text};

use super::neuron_model::{self, NeuronModelError};
use super::trial;
use crate::description::{NetworkDescription, PopulationDescription, comes_along};

const KEY: &str = "NETWORK";
const NEURONS: &str = "HIDDEN_NEURON_TYPE";

/// How the keys begin that say a network, and have no effect where a file does.
const REPLACED: [&str; 20] = [
    "NUM_HIDDEN",
    "N_HID_LAYER",
    "RECURRENT",
    "HIDDEN_NEURON_TYPE",
    "OUTPUT_NEURON_TYPE",
    "TAU_SYN",
    "TAU_MEM",
    "V_THRESH",
    "V_RESET",
    "REFRACTORY_MS",
    "DELAY",
    "TAU_B",
    "B_IN",
    "INPUT_HIDDEN_",
    "HIDDEN_OUTPUT_",
    "HIDDEN_HIDDEN",
    "TRAIN_DELAY",
    "TRAIN_TAU",
    "TRAIN_W",
    "MIN_TAU_",
];

/// The same parameters with the texts of the files of network and neurons in the place of their paths: what a run keeps, so
/// that it goes on with what it began with, whatever becomes of the files.
///
/// # Errors
/// When a file cannot be read, or holds no network that a benchmark can use, or no model.
pub fn with_texts(params: &Parameters) -> Result<Cow<'_, Parameters>, ParamError> {
    let mut kept = Cow::Borrowed(params);
    if params.has(NEURONS) {
        let source = params.text(NEURONS);
        let text = neuron_model::model_text(&source);
        let text = text.map_err(|error| refuse_neurons(params, &error));
        if let Some(text) = text? {
            neuron_model::neuron_model(&source).map_err(|error| refuse_neurons(params, &error))?;
            kept.to_mut()
                .set(NEURONS, Value::Text(several_lines(&text)))?;
        }
    }
    let Some(Source::File(path)) = source(params) else {
        return Ok(kept);
    };
    let text = text(params, &path)?;
    let described = parsed(params, &path, &text)?;
    check(params, &described, trial::clock(params)?)?;
    // A network that names a file of neurons is kept with their text.
    let own = |population: &PopulationDescription| match &population.model {
        Model::Equations(equations) => !comes_along(equations.model()),
        _ => false,
    };
    let text = if described.populations.iter().any(own) {
        described.to_text()
    } else {
        text
    };
    kept.to_mut().set(KEY, Value::Text(several_lines(&text)))?;
    Ok(kept)
}

/// A text without a line end would be a path or a name.
fn several_lines(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// The error that there is no such model.
pub(super) fn refuse_neurons(params: &Parameters, error: &NeuronModelError) -> ParamError {
    let way_out = "`eventprop neuron FILE.toml` shows what is understood of a model";
    params.refuse(NEURONS, error.to_string(), way_out)
}

/// The network of the file, if there is one.
pub(super) fn described(
    params: &Parameters,
    clock: Clock,
) -> Result<Option<Arc<NetworkDescription>>, ParamError> {
    let described = match source(params) {
        None => return Ok(None),
        Some(Source::File(path)) => parsed(params, &path, &text(params, &path)?)?,
        Some(Source::Text(text)) => parsed(params, "the network that the run began with", &text)?,
    };
    check(params, &described, clock)?;
    Ok(Some(Arc::new(described)))
}

/// Keys that were given and have no effect because there is a file of the network.
pub(super) fn replaced(params: &Parameters) -> Vec<&'static str> {
    if source(params).is_none() {
        return Vec::new();
    }
    let defaults = Parameters::new(params.benchmark());
    let says_network = |key: &str| REPLACED.iter().any(|beginning| key.starts_with(beginning));
    let rows = params
        .iter()
        .filter(|(row, _)| row.effect && says_network(row.key));
    let given = rows.filter(|(row, value)| defaults.get(row.key) != *value);
    given.map(|(row, _)| row.key).collect()
}

/// Where the network stands.
enum Source {
    File(String),
    /// In the value itself: in the files of a run.
    Text(String),
}

fn source(params: &Parameters) -> Option<Source> {
    match params.get(KEY) {
        Value::Text(text) if text.contains('\n') => Some(Source::Text(text)),
        Value::Text(path) => Some(Source::File(path)),
        _ => None,
    }
}

fn text(params: &Parameters, path: &str) -> Result<String, ParamError> {
    read_text(Path::new(path)).map_err(|error| {
        let way_out =
            "give the path of a file such as `eventprop params BENCHMARK --network` prints";
        params.refuse(KEY, format!("it cannot be read: {error}"), way_out)
    })
}

fn parsed(params: &Parameters, place: &str, text: &str) -> Result<NetworkDescription, ParamError> {
    NetworkDescription::parse(text)
        .map_err(|error| refuse(params, place, &error.to_string(), "mend the file"))
}

/// The error that the network is not possible, without its whole text.
fn refuse(params: &Parameters, place: &str, problem: &str, way_out: &str) -> ParamError {
    match params.refuse(KEY, problem, way_out) {
        ParamError::Combination {
            key,
            problem,
            way_out,
            ..
        } => {
            let found = place.to_owned();
            ParamError::Combination {
                key,
                found,
                problem,
                way_out,
            }
        }
        other => other,
    }
}

/// What a benchmark needs beyond what every network does.
fn check(
    params: &Parameters,
    described: &NetworkDescription,
    clock: Clock,
) -> Result<(), ParamError> {
    let place = match source(params) {
        Some(Source::File(path)) => path,
        _ => "the network that the run began with".to_owned(),
    };
    let refuse = |problem: &str, way_out: &str| Err(refuse(params, &place, problem, way_out));
    if let Some(own) = described.clock.filter(|own| *own != clock) {
        let problem = format!(
            "its clock has steps of {:?} ms and trials of {:?} ms, and DT_MS and TRIAL_MS say {:?} and {:?}",
            own.dt_ms(),
            own.trial_ms(),
            clock.dt_ms(),
            clock.trial_ms()
        );
        return refuse(&problem, "make them agree, or leave [clock] out");
    }
    if !described
        .populations
        .first()
        .is_some_and(PopulationDescription::is_input)
    {
        return refuse(
            "its first population is not the input",
            "list the input first",
        );
    }
    if described.populations.len() < 3 {
        let problem = "it has no population between input and output";
        return refuse(problem, "add one, as the benchmarks have");
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let mut populations = described.populations.iter();
    if let Some(odd) = populations.find(|p| !p.name.chars().all(fits)) {
        let problem = format!(
            "the name {:?} of a population becomes part of names of files",
            odd.name
        );
        return refuse(&problem, "use letters, digits, _, - and .");
    }
    let hidden = &described.populations[1..described.populations.len() - 1];
    if let Some(open) = hidden.iter().find(|population| population.shape.is_none()) {
        let problem = format!(
            "population {} has no size, and only input and output may leave it to the data",
            open.name
        );
        return refuse(&problem, "give it size or shape");
    }
    Ok(())
}
