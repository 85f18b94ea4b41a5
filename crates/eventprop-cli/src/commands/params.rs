//! `eventprop params`: the table of parameters, and the network that they say.

use std::path::PathBuf;

use eventprop_experiment::description::NetworkDescription;
use eventprop_experiment::settings::Settings;
use eventprop_params::value::Value;
use eventprop_params::{Benchmark, ParamError};
use serde_json::json;

use super::run;
use crate::failure::{self, DONE, Failure};
use crate::output;

/// Arguments of `params`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// yinyang, mnist, shd, ssc, smnist, nmnist, dvs-gesture or custom; without one the benchmarks are listed
    benchmark: Option<Benchmark>,
    /// Parameters to describe; with --network KEY=VALUE, parameters of the network
    #[arg(value_name = "KEY")]
    assignments: Vec<String>,
    /// Show the presets with source, expected result and all values instead of the parameters
    #[arg(long, requires = "benchmark", conflicts_with_all = ["network", "assignments"])]
    presets: bool,
    /// Print the network as a file for NETWORK=FILE instead of the parameters
    #[arg(long, requires = "benchmark")]
    network: bool,
    /// With --network: parameters from a JSON or TOML file
    #[arg(long, value_name = "FILE", requires = "network")]
    params: Option<PathBuf>,
    /// With --network: parameters of a publication
    #[arg(long, value_name = "NAME", requires = "network")]
    preset: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        let json = self.json;
        failure::conclude(self.shown(), json)
    }

    fn shown(self) -> Result<u8, Failure> {
        match self.benchmark {
            None => self.list(),
            Some(benchmark) if self.network => {
                let text = self.network(benchmark)?;
                if self.json {
                    let json = json!({"benchmark": benchmark.name(), "network": text});
                    output::out(&json.to_string());
                } else {
                    output::out(text.trim_end());
                }
            }
            Some(benchmark) if self.presets && self.json => {
                let json = json!({
                    "benchmark": benchmark.name(),
                    "presets": benchmark.presets_json(),
                });
                output::out(&json.to_string());
            }
            Some(benchmark) if self.presets => output::out(benchmark.presets_text().trim_end()),
            Some(benchmark) if !self.assignments.is_empty() => self.describe(benchmark)?,
            Some(benchmark) if self.json => output::out(&table(benchmark).to_string()),
            Some(benchmark) => output::out(benchmark.table_text().trim_end()),
        }
        Ok(DONE)
    }

    /// The network that parameters say, as a file.
    fn network(&self, benchmark: Benchmark) -> Result<String, Failure> {
        let of_file = (self.preset.as_deref(), self.params.as_deref());
        let params = run::given(benchmark, of_file, &self.assignments).and_then(|mut params| {
            params.draw_seeds(|| 1);
            let settings = Settings::new(&params)?;
            Ok::<_, ParamError>((params, settings))
        });
        let (params, settings) = params.map_err(Failure::refused)?;
        let classes = match params.has("NUM_OUTPUT").then(|| params.get("NUM_OUTPUT")) {
            Some(Value::Int(classes)) => usize::try_from(classes).ok(),
            _ => None,
        };
        let seed = u64::from(settings.seeds.model);
        let described = NetworkDescription::of_settings(&settings, classes, seed);
        let described = described.map_err(|_| {
            Failure::usage("OUTPUT_NEURON_TYPE draws time constants of every output: say how many there are (NUM_OUTPUT)")
        })?;
        Ok(described.to_text())
    }

    /// The parameters that are named.
    fn describe(&self, benchmark: Benchmark) -> Result<(), Failure> {
        for key in &self.assignments {
            if let Some((key, _)) = key.split_once('=') {
                let problem = format!(
                    "values are taken with --network only; `eventprop params {} {key}` describes {key}",
                    benchmark.name()
                );
                return Err(Failure::usage(problem));
            }
        }
        let rows = self.assignments.iter();
        let rows: Result<Vec<_>, _> = rows.map(|key| benchmark.described(key)).collect();
        let rows = rows.map_err(Failure::refused)?;
        if self.json {
            let parameters: Vec<_> = rows.into_iter().map(|(_, json)| json).collect();
            let json = json!({"benchmark": benchmark.name(), "parameters": parameters});
            output::out(&json.to_string());
        } else {
            for (text, _) in &rows {
                output::out(text.trim_end());
            }
        }
        Ok(())
    }

    fn list(&self) {
        let names = Benchmark::ALL.map(Benchmark::name);
        if self.json {
            output::out(&json!({"benchmarks": names}).to_string());
        } else {
            output::out(&format!("Benchmarks: {}", names.join(", ")));
        }
    }
}

fn table(benchmark: Benchmark) -> serde_json::Value {
    let presets = benchmark.presets();
    let presets = presets.map(|preset| json!({"name": preset.name, "about": preset.about}));
    json!({
        "benchmark": benchmark.name(),
        "parameters": benchmark.table_json(),
        "presets": presets.collect::<serde_json::Value>(),
    })
}
