//! `eventprop bench`: how fast is it on this machine, and how fast could it be?

use std::num::NonZeroUsize;
use std::process::ExitCode;

use eventprop_experiment::bench::{self, Measured, Workload};
use serde_json::json;

use crate::failure::{self, DONE, Failure};
use crate::speak;

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which workload; all of them by default
    #[arg(long, value_parser = parse)]
    workload: Option<Workload>,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Print one JSON object per workload
    #[arg(long)]
    json: bool,
}

fn parse(text: &str) -> Result<Workload, String> {
    let found = Workload::ALL.into_iter().find(|w| w.name() == text);
    found.ok_or_else(|| {
        let names = Workload::ALL.map(Workload::name).join(", ");
        format!("there is no such workload; choose one of {names}")
    })
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> ExitCode {
        failure::conclude(self.try_run(), self.json)
    }

    fn try_run(&self) -> Result<u8, Failure> {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = self.threads.map_or_else(cores, NonZeroUsize::get);
        let workloads = self.workload.map_or(Workload::ALL.to_vec(), |w| vec![w]);
        for workload in workloads {
            let measured = bench::run(workload, threads).map_err(Failure::failed)?;
            if self.json {
                speak::out(&to_json(&measured).to_string());
            } else {
                speak::out(&text(&measured));
            }
        }
        Ok(DONE)
    }
}

fn text(measured: &Measured) -> String {
    let (slowest, fastest) = measured.range;
    let floor = measured.floor_samples_per_second.map_or_else(
        || "  floor       none: the work is finding roots, not adding rows\n".to_owned(),
        |floor| {
            format!(
                "  floor       {floor:.0} samples/s from this machine's own ceilings; measured is {:.2} times slower\n",
                floor / measured.samples_per_second
            )
        },
    );
    let memory = measured.peak_memory_mb.map_or_else(String::new, |mb| {
        format!("  memory      {mb:.0} MB at most\n")
    });
    format!(
        "{}: {}\n  measured    {:.0} samples/s (median; {slowest:.0} to {fastest:.0}), {} threads, forward + adjoint + Adam\n{floor}{memory}  activity    {:.2} spikes per hidden neuron and sample",
        measured.workload.name(),
        measured.workload.shape(),
        measured.samples_per_second,
        measured.threads,
        measured.hidden_rate,
    )
}

fn to_json(measured: &Measured) -> serde_json::Value {
    json!({
        "workload": measured.workload.name(),
        "threads": measured.threads,
        "samples_per_second": measured.samples_per_second,
        "floor_samples_per_second": measured.floor_samples_per_second,
        "peak_memory_mb": measured.peak_memory_mb,
    })
}
