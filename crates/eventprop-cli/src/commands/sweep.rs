//! `eventprop sweep`: many runs of one benchmark, as a grid or a random search, here or as a job array.

use std::path::PathBuf;

use eventprop_experiment::run::{self, Command, Control, Resume};
use eventprop_experiment::sweep::{RESULTS, Standing, Sweep, SweepRun};
use serde_json::{Value as Json, json};

use super::run::{RunOptions, source};
use crate::failure::{self, DONE, Failure};
use crate::output;
use crate::signals::{self, Stop};

/// Arguments of `sweep`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep: benchmark, [fixed] parameters and those that [vary], in TOML
    file: PathBuf,
    /// Start only the run with this index, as a job of a SLURM or PBS array does
    #[arg(long, value_name = "I")]
    array_index: Option<usize>,
    /// Print the table of runs with their results so far, and start none
    #[arg(long)]
    list: bool,
    /// Seed of all seeds that the file leaves open [default: 0, so that every job has the same]
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u32,
    /// Folder of the data [default: $EVENTPROP_DATA, then the cache folder of the system]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    options: RunOptions,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        failure::conclude(self.try_run(), self.options.json())
    }

    fn try_run(&self) -> Result<u8, Failure> {
        let sweep = Sweep::read(&self.file, self.seed).map_err(Failure::refused)?;
        let command: Command = sweep.command.parse().map_err(Failure::usage)?;
        let runs = sweep.chosen(self.array_index).map_err(Failure::usage)?;
        let stop = Stop::listen(signals::RUN)?;
        let mut code = DONE;
        if !self.list {
            for run in runs {
                code = self.one(run, (command, &stop))?;
                if code != DONE {
                    break;
                }
            }
        }
        let rows: Vec<Json> = runs.iter().map(SweepRun::row).collect();
        if self.options.json() {
            output::out(&json!({"runs": rows}).to_string());
        } else {
            output::out(&table(&sweep, &rows));
        }
        Ok(code)
    }

    /// Begins a run, or takes it up; what has ended is left alone.
    fn one(&self, sweep_run: &SweepRun, (command, stop): (Command, &Stop)) -> Result<u8, Failure> {
        let source = source(self.data_dir.as_deref());
        let standing = sweep_run.standing();
        output::err(&format!(
            "run {}: {}",
            sweep_run.index,
            match standing {
                Standing::Ended => "has ended",
                Standing::Stopped => "goes on",
                Standing::New => "begins",
            }
        ));
        let what = Resume {
            folder: &sweep_run.folder,
            name: None,
            changes: &[],
            force: false,
            source: self.data_dir.is_some().then_some(&source),
        };
        let draw = eventprop_report::draw;
        let begin = |control: &mut Control<'_>| {
            run::run(command, &sweep_run.params, &source, draw, control)
        };
        let go_on = |control: &mut Control<'_>| run::resume(&what, &source, draw, control);
        let summary = match standing {
            Standing::Ended => return Ok(DONE),
            Standing::Stopped => self.options.follow(stop, go_on, |_| {})?,
            Standing::New => self.options.follow(stop, begin, |_| {})?,
        };
        Ok(stop.code_of(summary.as_ref()))
    }
}

/// A row for each run: what varies, and what came out.
fn table(sweep: &Sweep, rows: &[Json]) -> String {
    let varied = sweep.runs.first().map_or(&[][..], |run| &run.varied[..]);
    let mut lines = vec![vec!["index".to_owned(), "standing".to_owned()]];
    lines[0].extend(varied.iter().map(|(key, _)| key.clone()));
    lines[0].extend(RESULTS.map(str::to_owned));
    for row in rows {
        let mut line = vec![cell(&row["index"]), cell(&row["standing"])];
        line.extend(varied.iter().map(|(key, _)| cell(&row["parameters"][key])));
        line.extend(RESULTS.map(|key| cell(&row[key])));
        lines.push(line);
    }
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].len())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let text = lines.iter().map(|line| {
        let cells = line.iter().zip(&widths);
        let cells = cells.map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    text.collect::<Vec<_>>().join("\n")
}

fn cell(value: &Json) -> String {
    match value {
        Json::Null => "-".to_owned(),
        Json::String(text) => text.clone(),
        Json::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let short = format!("{number:.4}");
            if short.parse() == Ok(0.0) {
                format!("{number:e}")
            } else {
                short
            }
        }
        other => other.to_string(),
    }
}
