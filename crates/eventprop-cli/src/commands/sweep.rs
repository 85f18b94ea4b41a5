//! `eventprop sweep`: many runs of one benchmark, as a grid or a random search, here or as a job array.

use std::path::PathBuf;

use eventprop_experiment::run::{Command, Control};
use eventprop_experiment::sweep::{RESULTS, Status, Sweep, SweepRun};
use eventprop_mpi::World;
use serde_json::{Value as Json, json};

use super::ranks;
use super::run::{RunOptions, source};
use super::table::{self, short};
use crate::failure::{DONE, Failure};
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
        ranks::with_world(self.options.json(), |world| self.try_run(world))
    }

    /// Every rank carries out runs of its own, which know nothing of the others.
    fn try_run(&self, world: Option<&World>) -> Result<u8, Failure> {
        let sweep = Sweep::read(&self.file, self.seed).map_err(Failure::refused)?;
        let command: Command = sweep.command.parse().map_err(Failure::usage)?;
        let runs = sweep.chosen(self.array_index).map_err(Failure::usage)?;
        let stop = Stop::listen(signals::RUN)?;
        let mut code = DONE;
        if !self.list {
            let ranks = world.map(World::ranks);
            let (rank, all) = ranks.map_or((0, 1), |ranks| (ranks.rank(), ranks.ranks()));
            for run in runs.iter().skip(rank).step_by(all) {
                code = self.one(run, (command, &stop))?;
                if code != DONE {
                    break;
                }
            }
        }
        ranks::meet(world)?;
        let rows: Vec<Json> = runs.iter().map(SweepRun::row).collect();
        if self.options.json() {
            output::out(&json!({"runs": rows}).to_string());
        } else {
            output::out(&ranking(&sweep, &rows));
        }
        Ok(code)
    }

    /// Begins a run, or takes it up; what has ended is left alone.
    fn one(&self, sweep_run: &SweepRun, (command, stop): (Command, &Stop)) -> Result<u8, Failure> {
        let source = source(self.data_dir.as_deref());
        let status = sweep_run.status();
        output::err(&format!(
            "run {}: {}",
            sweep_run.index,
            match status {
                Status::Finished => "is finished",
                Status::Stopped => "goes on",
                Status::New => "begins",
            }
        ));
        if status == Status::Finished {
            return Ok(DONE);
        }
        let moved = self.data_dir.is_some();
        let go = |control: &mut Control<'_>| {
            let draw = eventprop_report::draw;
            sweep_run.carry_out(status, command, (&source, moved), draw, control)
        };
        let summary = self.options.follow((stop, None), go, |_| {})?;
        Ok(stop.code_of(summary.as_ref()))
    }
}

/// A row for each run: what varies, and what came out.
fn ranking(sweep: &Sweep, rows: &[Json]) -> String {
    let varied = sweep.runs.first().map_or(&[][..], |run| &run.varied[..]);
    let mut lines = vec![vec!["index".to_owned(), "status".to_owned()]];
    lines[0].extend(varied.iter().map(|(key, _)| key.clone()));
    lines[0].extend(RESULTS.map(str::to_owned));
    for row in rows {
        let mut line = vec![short(&row["index"]), short(&row["status"])];
        line.extend(varied.iter().map(|(key, _)| short(&row["parameters"][key])));
        line.extend(RESULTS.map(|key| short(&row[key])));
        lines.push(line);
    }
    table::columns(&lines)
}
