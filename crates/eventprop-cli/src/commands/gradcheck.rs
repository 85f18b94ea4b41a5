//! `eventprop gradcheck`: is the gradient of my network correct?

use std::fmt::Write;
use std::path::{Path, PathBuf};

use eventprop::gradcheck::{Check, Verdict};
use eventprop_experiment::gradcheck::{self, CheckError, Checked, Extent};
use eventprop_experiment::run::FailedBatch;
use eventprop_params::{Benchmark, Parameters};
use serde_json::json;

use super::options::Json;
use super::run::BenchmarkArgs;
use crate::failure::{self, DONE, FAILED, Failure};
use crate::output;

/// Arguments of `gradcheck`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    benchmark: BenchmarkArgs,
    /// Training samples in the batch [default: 8 for yinyang and mnist, otherwise 1]
    #[arg(long, value_name = "N")]
    samples: Option<usize>,
    /// Weights checked per projection, drawn at random [default: 50 for yinyang and mnist, otherwise 5]
    #[arg(long, value_name = "N")]
    per_projection: Option<usize>,
    /// Check the batch and the weights of a training that met NaN or infinity
    /// (NAME_failed_batch.safetensors), which hold all parameters and samples
    #[arg(long, value_name = "FILE", conflicts_with_all = ["samples", "assignments", "params", "preset", "train",
        "test", "from", "columns", "seed", "data_dir"])]
    replay: Option<PathBuf>,
    /// Print every checked weight, not only the extremes of each projection
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: Json,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        failure::conclude(self.try_run(), self.output.json)
    }

    fn try_run(&self) -> Result<u8, Failure> {
        let params = self.benchmark.parameters().map_err(Failure::refused)?;
        let checked = match &self.replay {
            Some(file) => self.replay(file, params.benchmark())?,
            None => self.check(&params)?,
        };
        if self.output.json {
            output::out(&to_json(&checked).to_string());
        } else {
            for notice in &checked.notices {
                output::err(&format!("note: {notice}"));
            }
            let seed = params.get("MODEL_SEED");
            output::out(self.text(&checked, &seed.to_string()).trim_end());
        }
        let wrong = checked.report.count(Verdict::Wrong);
        Ok(if wrong == 0 { DONE } else { FAILED })
    }

    fn extent(&self, benchmark: Benchmark) -> Extent {
        let default = Extent::of(benchmark);
        Extent {
            samples: self.samples.unwrap_or(default.samples).max(1),
            per_projection: self.per_projection.unwrap_or(default.per_projection).max(1),
        }
    }

    fn check(&self, params: &Parameters) -> Result<Checked, Failure> {
        let extent = self.extent(params.benchmark());
        gradcheck::check(params, &self.benchmark.source(), extent).map_err(|error| explain(&error))
    }

    fn replay(&self, file: &Path, benchmark: Benchmark) -> Result<Checked, Failure> {
        let failed = FailedBatch::read(file).map_err(Failure::failed)?;
        output::err(&format!("note: training said: {}", failed.error()));
        let extent = self.extent(benchmark);
        gradcheck::replay(&failed, extent.per_projection).map_err(|error| explain(&error))
    }

    fn text(&self, checked: &Checked, seed: &str) -> String {
        let mut text = introduction(checked, seed);
        line(
            &mut text,
            "  projection          source  target          adjoint       difference   uncertainty  verdict",
        );
        for check in self.shown(&checked.report.checks) {
            line(&mut text, &row(check));
        }
        conclusion(&mut text, checked);
        text
    }

    /// All checks, or of each projection the largest derivatives and everything that is not correct.
    fn shown<'a>(&self, checks: &'a [Check]) -> Vec<&'a Check> {
        const LARGEST: usize = 5;
        let mut shown: Vec<&Check> = Vec::new();
        let mut names: Vec<&str> = checks.iter().map(|c| c.name.as_str()).collect();
        names.dedup();
        for name in names {
            let of: Vec<&Check> = checks.iter().filter(|c| c.name == name).collect();
            let mut by_size = of.clone();
            by_size.sort_by(|x, y| y.adjoint.abs().total_cmp(&x.adjoint.abs()));
            let largest = &by_size[..LARGEST.min(by_size.len())];
            let keep = |c: &&Check| {
                self.all
                    || c.verdict != Verdict::Correct
                    || largest.iter().any(|l| std::ptr::eq(*l, *c))
            };
            shown.extend(of.into_iter().filter(keep));
        }
        shown
    }
}

fn explain(error: &CheckError) -> Failure {
    if error.is_usage() {
        Failure::usage(error)
    } else {
        Failure::failed(error)
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn introduction(checked: &Checked, seed: &str) -> String {
    let spikes: Vec<String> = checked
        .populations
        .iter()
        .zip(&checked.report.spikes)
        .map(|(name, spikes)| format!("{name} {spikes}"))
        .collect();
    format!(
        "Adjoint against central differences, both from event to event in f64.\n\
         {} samples, random weights (MODEL_SEED={seed}), loss {:.6}; spikes: {}; {} of them graze the threshold\n\n",
        checked.samples,
        checked.report.loss,
        spikes.join(", "),
        checked.report.grazing,
    )
}

fn row(check: &Check) -> String {
    format!(
        "  {:18} {:7} {:7} {:+16.9e} {:+16.9e} {:13.1e}  {}",
        check.name,
        check
            .source
            .map_or_else(|| "–".to_owned(), |n| n.to_string()),
        check.target,
        check.adjoint,
        check.difference,
        check.uncertainty,
        name(check.verdict)
    )
}

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Correct => "correct",
        Verdict::SpikesChanged => "a spike appeared or vanished",
        Verdict::Grazing => "grazing",
        Verdict::Wrong => "WRONG",
    }
}

fn conclusion(text: &mut String, checked: &Checked) {
    let report = &checked.report;
    let counts: Vec<String> = [
        Verdict::Correct,
        Verdict::SpikesChanged,
        Verdict::Grazing,
        Verdict::Wrong,
    ]
    .into_iter()
    .map(|verdict| format!("{} {}", report.count(verdict), name(verdict)))
    .collect();
    let _ = write!(
        text,
        "\n{} parameters checked: {}.\nLargest error of a correct one, relative to the largest derivative of its kind: {:.1e}.\n",
        report.checks.len(),
        counts.join(", "),
        report.worst_relative_error()
    );
    let unseen = report.unseen();
    if !unseen.is_empty() {
        let _ = writeln!(
            text,
            "All checked derivatives of {} are 0, so that nothing was checked there: no spike depends on them. `eventprop doctor` finds weights that help.",
            unseen.join(", ")
        );
    }
    let seen = report.checks.iter().any(|c| !unseen.contains(&&*c.name));
    if seen {
        of_the_grid(text, checked, &unseen);
    }
    let verdict = match (report.count(Verdict::Wrong), seen) {
        (0, false) => "Nothing was checked.",
        (0, true) => "The gradient is correct.",
        _ => "The gradient is WRONG; please report this command.",
    };
    let _ = write!(text, "\n{verdict}");
}

/// How far the grid solver is away, of what was checked.
fn of_the_grid(text: &mut String, checked: &Checked, unseen: &[&str]) {
    text.push_str("\nThe grid solver (SOLVER=grid) at this DT_MS, against the exact gradient:\n");
    let seen = |name: &str| !unseen.contains(&name);
    for error in checked.grid.iter().filter(|error| seen(&error.name)) {
        let _ = writeln!(
            text,
            "  {:18} relative error {:.3}, cosine {:.4}",
            error.name, error.relative, error.cosine
        );
    }
    text.push_str(
        "This is the error of the time step, not of the adjoint: on the grid spikes move by up to DT_MS. A smaller DT_MS or SOLVER=event makes it smaller.\n",
    );
}

fn to_json(checked: &Checked) -> serde_json::Value {
    let report = &checked.report;
    let checks = report.checks.iter().map(|check| {
        json!({
            "parameter": check.name,
            "source": check.source,
            "target": check.target,
            "adjoint": check.adjoint,
            "difference": check.difference,
            "uncertainty": check.uncertainty,
            "verdict": name(check.verdict),
        })
    });
    let grid = checked.grid.iter().map(|error| {
        json!({"projection": error.name, "relative_error": error.relative, "cosine": error.cosine})
    });
    json!({
        "loss": report.loss,
        "samples": checked.samples,
        "grazing": report.grazing,
        "correct": report.count(Verdict::Correct),
        "spikes_changed": report.count(Verdict::SpikesChanged),
        "grazing_checks": report.count(Verdict::Grazing),
        "wrong": report.count(Verdict::Wrong),
        "worst_relative_error": report.worst_relative_error(),
        "unseen": report.unseen(),
        "grid": grid.collect::<Vec<_>>(),
        "checks": checks.collect::<Vec<_>>(),
    })
}
