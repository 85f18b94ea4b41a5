//! `eventprop params`: the table of parameters.

use eventprop_params::Benchmark;
use serde_json::json;

use crate::failure::{self, DONE};
use crate::output;

/// Arguments of `params`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// yinyang, mnist, shd, ssc, smnist, nmnist, dvs-gesture or custom; without one the benchmarks are listed
    benchmark: Option<Benchmark>,
    /// Show the presets with source, expected result and all values instead of the parameters
    #[arg(long, requires = "benchmark")]
    presets: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        match self.benchmark {
            None => self.list(),
            Some(benchmark) if self.presets && self.json => {
                let json = json!({
                    "benchmark": benchmark.name(),
                    "presets": benchmark.presets_json(),
                });
                output::out(&json.to_string());
            }
            Some(benchmark) if self.presets => output::out(benchmark.presets_text().trim_end()),
            Some(benchmark) if self.json => output::out(&table(benchmark).to_string()),
            Some(benchmark) => output::out(benchmark.table_text().trim_end()),
        }
        failure::conclude(Ok(DONE), self.json)
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
