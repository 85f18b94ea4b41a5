//! `eventprop plan`: how long will it take, and will it fit?

use std::fmt::Write;

use eventprop_experiment::run::plan::{self, Plan};
use serde_json::{Value as Json, json};

use super::options::{Json as JsonOption, Threads};
use super::run::{BenchmarkArgs, explain, pool};
use crate::failure::{self, DONE, Failure};
use crate::output;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    benchmark: BenchmarkArgs,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    output: JsonOption,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        failure::conclude(self.try_run(), self.output.json)
    }

    fn try_run(&self) -> Result<u8, Failure> {
        let params = self.benchmark.parameters().map_err(Failure::refused)?;
        let source = self.benchmark.source();
        let plan = pool(self.threads.threads)?
            .install(|| plan::plan(&params, &source, eventprop_report::draw));
        let plan = plan.map_err(|error| explain(&error))?;
        if self.output.json {
            output::out(&to_json(&plan).to_string());
        } else {
            for notice in &plan.notices {
                output::err(&format!("note: {notice}"));
            }
            output::out(text(&plan).trim_end());
        }
        Ok(DONE)
    }
}

/// A time in the unit in which people would say it.
fn time(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else if seconds < 7200.0 {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

fn text(plan: &Plan) -> String {
    let [training, evaluation] = plan.batches;
    let [train_ms, evaluate_ms] = plan.batch_seconds.map(|s| 1e3 * s);
    let mut text = format!(
        "time\n  epoch         {}: {training} batches of {} in training, {train_ms:.2} ms each; {evaluation} in evaluation, {evaluate_ms:.2} ms each\n  total         {} for {} epochs and the test\nmemory          {:.0} MB at the peak\n",
        time(plan.epoch_seconds()),
        plan.batch,
        time(plan.total_seconds()),
        plan.epochs,
        plan.peak_mb(),
    );
    for (part, mb) in &plan.memory {
        let _ = writeln!(text, "  {part:30} {mb:8.1} MB");
    }
    if let Some(mb) = plan.card_mb {
        let _ = writeln!(text, "memory of the card {mb:.1} MB");
    }
    if let Some(largest) = plan.largest_batch {
        let _ = writeln!(text, "  largest N_BATCH that fits      {largest:8}");
    }
    let _ = writeln!(text, "disk            {:.1} MB", plan.disk_mb);
    text
}

fn to_json(plan: &Plan) -> Json {
    let memory = plan.memory.iter();
    let memory = memory.map(|(part, mb)| ((*part).to_owned(), json!(mb)));
    json!({
        "epochs": plan.epochs,
        "training_batches": plan.batches[0],
        "evaluation_batches": plan.batches[1],
        "training_batch_seconds": plan.batch_seconds[0],
        "evaluation_batch_seconds": plan.batch_seconds[1],
        "training_seconds_per_epoch": plan.training_seconds(),
        "seconds_per_epoch": plan.epoch_seconds(),
        "total_seconds": plan.total_seconds(),
        "peak_memory_mb": plan.peak_mb(),
        "memory_mb": Json::Object(memory.collect()),
        "card_memory_mb": plan.card_mb,
        "disk_mb": plan.disk_mb,
        "largest_batch": plan.largest_batch,
    })
}
