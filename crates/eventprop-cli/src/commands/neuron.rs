//! `eventprop neuron`: what was understood of a model from equations, and its response to a step of current.

use std::path::PathBuf;

use eventprop::network::NeuronModel;
use eventprop_experiment::neuron_response::{Response, response};
use eventprop_experiment::settings::neuron_model;
use eventprop_report::Traces;
use serde_json::json;

use crate::failure::{self, DONE, Failure};
use crate::{output, pictures};

/// Arguments of `neuron`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A TOML file, or the name of a model that comes along; without one these are listed
    model: Option<String>,
    /// Draw the response to a step of current, as SVG if the path ends so, otherwise as PNG
    #[arg(long, value_name = "FILE", requires = "model")]
    plot: Option<PathBuf>,
    /// Weight of the arrivals of that current, one in each step of 0.1 ms; found by doubling without it
    #[arg(
        long,
        value_name = "W",
        requires = "model",
        allow_negative_numbers = true
    )]
    weight: Option<f64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        let json = self.json;
        failure::conclude(self.show(), json)
    }

    fn show(self) -> Result<u8, Failure> {
        let Some(source) = &self.model else {
            let names: Vec<&str> = NeuronModel::shipped_names().collect();
            if self.json {
                output::out(&json!({ "models": names }).to_string());
            } else {
                output::out(&format!("Models that come along: {}", names.join(", ")));
            }
            return Ok(DONE);
        };
        let model = neuron_model(source).map_err(Failure::usage)?;
        let found = response(&model, self.weight).map_err(Failure::failed)?;
        if let Some(path) = &self.plot {
            let figure = traces(&model, &found).figure();
            let figure =
                figure.ok_or_else(|| Failure::failed("the response has no finite value"))?;
            pictures::write_one(&figure, path)?;
        }
        if self.json {
            output::out(&shown(&model, &found).to_string());
        } else {
            output::out(&format!("{}\n{}", model.describe(), summary(&found)));
        }
        Ok(DONE)
    }
}

fn summary(found: &Response) -> String {
    let spikes = found.spikes_ms.iter().map(|time| format!("{time:.1}"));
    let spikes: Vec<String> = spikes.collect();
    let [from, to] = found.current_ms;
    format!(
        "response to arrivals of weight {} every 0.1 ms from {from} to {to} ms: {} spikes{}{}",
        found.weight,
        spikes.len(),
        if spikes.is_empty() { "" } else { " at (ms) " },
        spikes.join(", ")
    )
}

fn traces<'a>(model: &'a NeuronModel, found: &Response) -> Traces<'a> {
    let curve = |(name, values): &(String, Vec<f64>)| {
        let points = found.times_ms.iter().copied().zip(values.iter().copied());
        (name.clone(), points.collect())
    };
    Traces {
        name: "response",
        title: model.name(),
        curves: found.traces.iter().map(curve).collect(),
    }
}

fn shown(model: &NeuronModel, found: &Response) -> serde_json::Value {
    let state: Vec<&str> = model.state().iter().map(|name| name.text()).collect();
    let parameters = model.definition().parameters.iter();
    let parameters = parameters.map(|(name, value)| (name.clone(), json!(value)));
    json!({
        "name": model.name(),
        "state": state,
        "spikes": model.spikes(),
        "class": if model.is_linear() { "linear" } else { "other" },
        "parameters": parameters.collect::<serde_json::Map<_, _>>(),
        "readout": model.readout().text(),
        "description": model.describe(),
        "response": {
            "weight": found.weight,
            "spikes_ms": found.spikes_ms,
        },
    })
}
