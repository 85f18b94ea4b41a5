//! `eventprop tune`: a search for parameters by successive halving, on validation only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use eventprop_data::atomic;
use eventprop_experiment::machine;
use eventprop_experiment::sweep::RUNS_MOST;
use eventprop_experiment::tune::{
    Budget, Found, Trained, Tune, TuneError, Workshop, default_space,
};
use eventprop_report::Report;
use serde_json::{Value as Json, json};

use super::options::Threads;
use super::run::{BenchmarkArgs, explain};
use super::table;
use crate::failure::{self, DONE, Failure};
use crate::output;
use crate::signals::Stop;

/// The message when a search is asked to stop.
const STOPPING: &str =
    "stopping after the batches under way; the same command continues the search (again: at once)";

/// Rows of the table at the end.
const ROWS: usize = 8;

/// Arguments of `tune`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    benchmark: BenchmarkArgs,
    /// Time for the search; a training that has begun is finished [default: 30, without --trials]
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    minutes: Option<Duration>,
    /// Number of trials to begin with
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=RUNS_MOST as i64))]
    trials: Option<u32>,
    /// What is searched: [fixed] and [vary] in TOML, as in a sweep [default: what --show-space prints]
    #[arg(long, value_name = "FILE")]
    space: Option<PathBuf>,
    /// Print the space of this benchmark as a file for --space, and search nothing
    #[arg(long)]
    show_space: bool,
    /// Folder of the search [default: runs/tune-BENCHMARK]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    threads: Threads,
    /// Print the result only
    #[arg(long, short)]
    quiet: bool,
    /// Print one JSON object at the end; progress goes to standard error
    #[arg(long)]
    json: bool,
}

/// Minutes of a budget.
fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 = text.parse().map_err(|_| "no number".to_owned())?;
    let seconds = Duration::try_from_secs_f64(60.0 * minutes);
    match seconds {
        Ok(time) if minutes > 0.0 && minutes <= 1e6 => Ok(time),
        _ => Err("write a number above 0 and up to 1000000".to_owned()),
    }
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        failure::conclude(self.try_run(), self.json)
    }

    fn try_run(&self) -> Result<u8, Failure> {
        let given = self.benchmark.seeded(0).map_err(Failure::refused)?;
        let benchmark = given.benchmark();
        if self.show_space {
            output::out(default_space(benchmark).trim_end());
            return Ok(DONE);
        }
        let folder = self.out.clone();
        let folder = folder.unwrap_or_else(|| PathBuf::from(format!("runs/tune-{benchmark}")));
        let seed = u64::from(given.seed("MODEL_SEED").map_err(Failure::usage)?);
        let tune = Tune::new(given, self.space.as_deref(), &folder, seed).map_err(refuse)?;
        let stop = Stop::listen(STOPPING)?;
        stop.begin();
        let threads = self
            .threads
            .threads
            .map_or_else(machine::cores, usize::from);
        let budget = self.budget();
        self.line(&begins(&tune, budget, threads));
        let workshop = Workshop {
            source: &self.benchmark.source(),
            draw: eventprop_report::draw,
            threads,
            cancel: stop.flag(),
            tell: &|trained| self.line(&line(trained)),
        };
        let found = tune.search(budget, &workshop).map_err(refuse)?;
        let page = report(&found, tune.folder())?;
        self.tell(&tune, &found, page.as_deref());
        Ok(if found.cancelled { stop.code() } else { DONE })
    }

    fn budget(&self) -> Budget {
        let time = match (self.minutes, self.trials) {
            (None, None) => Some(Duration::from_secs(30 * 60)),
            (time, _) => time,
        };
        Budget {
            time,
            trials: self.trials.map(|trials| trials as usize),
        }
    }

    fn line(&self, text: &str) {
        if self.json {
            output::err(text);
        } else if !self.quiet {
            output::out(text);
        }
    }

    fn tell(&self, tune: &Tune, found: &Found, page: Option<&Path>) {
        let best = found.best();
        if self.json {
            let trials = found.rungs.iter().rev().flatten().map(Trained::to_json);
            let json = json!({
                "best": best.map(Trained::to_json),
                "parameters": best.map(|_| tune.best_file().display().to_string()),
                "report": page.map(|page| page.display().to_string()),
                "cancelled": found.cancelled,
                "trials": trials.collect::<Json>(),
            });
            output::out(&json.to_string());
            return;
        }
        let Some(best) = best else {
            output::out("no trial ended");
            return;
        };
        if !self.quiet {
            output::out(&format!("\n{}\n", ranking(found)));
        }
        output::out(&format!("best: {}", line(best)));
        if self.quiet {
            return;
        }
        let (benchmark, file) = (tune.benchmark(), tune.best_file());
        output::out(&format!(
            "parameters: {}; train and test with them: eventprop train {benchmark} --params {}",
            file.display(),
            file.display()
        ));
        if let Some(page) = page {
            output::out(&format!("report: {}", page.display()));
        }
        if found.cancelled {
            output::out("stopped before its end; the same command continues the search");
        }
    }
}

fn begins(tune: &Tune, budget: Budget, threads: usize) -> String {
    let rungs: Vec<String> = tune.rungs().iter().map(usize::to_string).collect();
    let time = budget
        .time
        .map(|time| format!("{} minutes", time.as_secs_f64() / 60.0));
    let trials = budget.trials.map(|trials| format!("{trials} trials"));
    let budget: Vec<String> = time.into_iter().chain(trials).collect();
    format!(
        "searching {} for {} on {threads} {}, trainings of {} epochs; files go to {}",
        tune.benchmark(),
        budget.join(" or "),
        if threads == 1 { "thread" } else { "threads" },
        rungs.join(", "),
        tune.folder().display()
    )
}

/// A training as a line.
fn line(trained: &Trained) -> String {
    let varied = trained.varied.iter();
    let varied: Vec<String> = varied
        .map(|(key, value)| format!("{key}={}", table::short(&value.to_json())))
        .collect();
    let varied = match &varied[..] {
        [] => "no change".to_owned(),
        varied => varied.join(" "),
    };
    let result = match (&trained.problem, trained.validation) {
        (Some(problem), _) => format!("failed: {problem}"),
        (None, Some((accuracy, _))) => format!("validation {:.2} %", 100.0 * accuracy),
        (None, None) => "no validation".to_owned(),
    };
    format!(
        "trial {}, {} epochs: {result}  {varied}",
        trained.trial, trained.epochs
    )
}

/// The best trainings of all rungs, the longest first.
fn ranking(found: &Found) -> String {
    let trained: Vec<&Trained> = found.rungs.iter().rev().flatten().take(ROWS).collect();
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in trained.iter().flat_map(|trained| &trained.varied) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    let mut lines = vec![vec![
        "trial".to_owned(),
        "epochs".to_owned(),
        "validation".to_owned(),
    ]];
    lines[0].extend(keys.iter().map(|&key| key.to_owned()));
    for trained in trained {
        let accuracy = trained.validation.map(|(accuracy, _)| 100.0 * accuracy);
        let mut line = vec![
            trained.trial.to_string(),
            trained.epochs.to_string(),
            accuracy.map_or("failed".to_owned(), |percent| format!("{percent:.2} %")),
        ];
        line.extend(keys.iter().map(|key| {
            let varied = trained.varied.iter().find(|(k, _)| k == key);
            varied.map_or("as given".to_owned(), |(_, value)| {
                table::short(&value.to_json())
            })
        }));
        lines.push(line);
    }
    table::columns(&lines)
}

/// The page that compares the best trainings, the longest first; none if none ended.
fn report(found: &Found, folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let sound = found.rungs.iter().rev().flatten();
    let sound = sound.filter(|trained| trained.validation.is_some());
    let folders = sound.take(ROWS).map(|trained| trained.folder.clone());
    let folders: Vec<PathBuf> = folders.collect();
    if folders.is_empty() {
        return Ok(None);
    }
    let page = Report::read(&folders).map_err(Failure::failed)?.page();
    let path = folder.join("report.html");
    atomic::write(&path, |out| out.write_all(page.as_bytes())).map_err(Failure::failed)?;
    Ok(Some(path))
}

/// Whether the command line is to blame.
fn refuse(error: TuneError) -> Failure {
    match error {
        TuneError::First(run) => explain(&run),
        TuneError::Space(_) | TuneError::Param(_) | TuneError::Other { .. } => {
            Failure::refused(error)
        }
        _ => Failure::failed(error),
    }
}
