//! `eventprop train`, `test`, `train_test` and `xval`.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use eventprop_data::obtain::locate;
use eventprop_experiment::data::Source;
use eventprop_experiment::metrics::tensorboard::Board;
use eventprop_experiment::run::{self, Command, Control, Observer, Progress, RunError, Summary};
use eventprop_mpi::World;
use eventprop_params::value::Value;
use eventprop_params::{Benchmark, ParamError, Parameters};
use serde_json::Value as Json;

use super::options::Threads;
use super::ranks;
use crate::failure::Failure;
use crate::progress::{Display, Verbosity};
use crate::signals::{self, Stop};
use crate::{output, report};

/// A benchmark and its parameters, as every command that needs a network takes them.
#[derive(Debug, clap::Args)]
pub struct BenchmarkArgs {
    /// yinyang, mnist, shd, ssc, smnist, nmnist, dvs-gesture or custom
    benchmark: Benchmark,
    /// Parameters; `eventprop params BENCHMARK` lists them
    #[arg(value_name = "KEY=VALUE")]
    assignments: Vec<String>,
    /// Parameters from a JSON or TOML file, such as the NAME.json of an earlier run
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
    /// Parameters of a publication; `eventprop params BENCHMARK --presets` shows them
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// custom: training data, a folder with a folder of event files per class, an HDF5 file or an
    /// .npz archive (DATA_TRAIN)
    #[arg(long, value_name = "PATH")]
    train: Option<PathBuf>,
    /// custom: test data, in one of the same layouts (DATA_TEST)
    #[arg(long, value_name = "PATH")]
    test: Option<PathBuf>,
    /// custom: format of the event files, instead of the recognised one (DATA_FORMAT)
    #[arg(long, value_name = "FORMAT")]
    from: Option<String>,
    /// custom: columns of tables without names, such as t_us,x,y,p or t_ms,channel (DATA_COLUMNS)
    #[arg(long, value_name = "NAMES")]
    columns: Option<String>,
    /// Seed of weights and random draws (MODEL_SEED) [default: 1; MODEL_SEED=none draws one]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Folder of the data [default: $EVENTPROP_DATA, then the cache folder of the system]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl BenchmarkArgs {
    /// Preset, file, assignments and options, each overriding those before it; unset seeds are drawn.
    pub fn parameters(&self) -> Result<Parameters, ParamError> {
        let mut params = self.given()?;
        params.draw_seeds(drawn_seed);
        Ok(params)
    }

    /// The same with `seed` for unset seeds, so that two calls agree.
    pub fn seeded(&self, seed: u32) -> Result<Parameters, ParamError> {
        let mut params = self.given()?;
        params.draw_seeds(|| seed);
        Ok(params)
    }

    fn given(&self) -> Result<Parameters, ParamError> {
        let of_file = (self.preset.as_deref(), self.params.as_deref());
        let mut params = given(self.benchmark, of_file, &self.assignments)?;
        for (key, path) in [("DATA_TRAIN", &self.train), ("DATA_TEST", &self.test)] {
            if let Some(path) = path {
                params.set(key, as_text(key, path)?)?;
            }
        }
        for (key, text) in [("DATA_FORMAT", &self.from), ("DATA_COLUMNS", &self.columns)] {
            if let Some(text) = text {
                params.set(key, Value::Text(text.clone()))?;
            }
        }
        if let Some(seed) = self.seed {
            params.set("MODEL_SEED", Value::Int(i64::from(seed)))?;
        } else if !params.is_given("MODEL_SEED") {
            params.set("MODEL_SEED", Value::Int(1))?;
        }
        Ok(params)
    }

    /// The source of data.
    pub fn source(&self) -> Source {
        source(self.data_dir.as_deref())
    }
}

/// Preset, file and assignments, each overriding those before it.
pub fn given(
    benchmark: Benchmark,
    (preset, file): (Option<&str>, Option<&Path>),
    assignments: &[String],
) -> Result<Parameters, ParamError> {
    let mut params = Parameters::new(benchmark);
    if let Some(preset) = preset {
        params.preset(preset)?;
    }
    if let Some(path) = file {
        params.read(path)?;
    }
    for assignment in assignments {
        params.assign(assignment)?;
    }
    Ok(params)
}

/// The folder of a run that was given none, by benchmark and name.
fn folder(params: &Parameters, number: u32) -> String {
    let (benchmark, name) = (params.benchmark().to_string(), params.text("NAME"));
    let mut parts = vec![benchmark.clone()];
    if name != benchmark {
        parts.push(name);
    }
    if number > 1 {
        parts.push(number.to_string());
    }
    format!("runs/{}", parts.join("-"))
}

/// The number of that folder: the first that is not there, so that no earlier run is lost; for a test the last that is.
fn folder_number(command: Command, params: &Parameters) -> u32 {
    let taken = |number: &u32| Path::new(&folder(params, *number)).exists();
    let free = (1..u32::MAX).find(|number| !taken(number)).unwrap_or(1);
    if command == Command::Test {
        free.saturating_sub(1).max(1)
    } else {
        free
    }
}

/// A path as a parameter holds it and `NAME.json` writes it.
fn as_text(key: &'static str, path: &Path) -> Result<Value, ParamError> {
    let text = path.to_str().map(|text| Value::Text(text.to_owned()));
    text.ok_or_else(|| ParamError::Combination {
        key,
        found: path.display().to_string(),
        problem: "the path is no UTF-8, which parameter files are".to_owned(),
        way_out: "rename the folder or choose another".to_owned(),
    })
}

/// The source of data: the folder that was named, or the usual ones.
pub fn source(data_dir: Option<&Path>) -> Source {
    let env = std::env::var_os("EVENTPROP_DATA");
    Source {
        dirs: locate::data_dirs(data_dir, env.as_deref()),
        demonstration: data_dir.is_none(),
    }
}

/// Arguments of the runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    benchmark: BenchmarkArgs,
    /// Folder for all files [default: runs/BENCHMARK-NAME, or runs/BENCHMARK without a name, with a number where it is taken]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Name of the run, the prefix of its files
    #[arg(long)]
    name: Option<String>,
    /// Interval of checkpoints beside those after epochs: batches, or 90s, 5min, 2h
    /// (CHECKPOINT_EVERY)
    #[arg(long, value_name = "N")]
    checkpoint_every: Option<String>,
    #[command(flatten)]
    options: RunOptions,
}

/// Threads and output of a run.
#[derive(Debug, clap::Args)]
pub struct RunOptions {
    #[command(flatten)]
    threads: Threads,
    /// Write event files for TensorBoard (`tensorboard --logdir DIR` with the output folder)
    #[arg(long)]
    tensorboard: bool,
    /// Print the result only
    #[arg(long, short)]
    quiet: bool,
    /// Print one JSON object at the end; progress goes to standard error
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub fn run(self, command: Command) -> u8 {
        ranks::with_world(self.options.json, |world| self.try_run(command, world))
    }

    fn try_run(&self, command: Command, world: Option<&World>) -> Result<u8, Failure> {
        let drawn = ranks::the_same(world, std::array::from_fn(|_| drawn_seed()))?;
        let mut params = self.parameters(drawn).map_err(Failure::refused)?;
        if !params.is_given("OUT_DIR") {
            // The first rank may have made its folder when another looks.
            let [number] = ranks::the_same(world, [folder_number(command, &params)])?;
            let folder = Value::Text(folder(&params, number));
            params.set("OUT_DIR", folder).map_err(Failure::refused)?;
        }
        if command == Command::Test && self.checkpoint_every.is_some() {
            let message =
                "--checkpoint-every is for training, and a test writes no checkpoint; leave it out";
            return Err(Failure::usage(message));
        }
        let source = self.benchmark.source();
        let stop = Stop::listen(signals::RUN)?;
        let run = |control: &mut Control<'_>| {
            run::run(command, &params, &source, eventprop_report::draw, control)
        };
        self.options.carry_out((&stop, world), run)
    }

    /// The benchmark's parameters with name and folder of the run; unset seeds are the `drawn` ones.
    fn parameters(&self, drawn: [u32; SEEDS]) -> Result<Parameters, ParamError> {
        let mut params = self.benchmark.given()?;
        let mut drawn = drawn.into_iter();
        params.draw_seeds(|| drawn.next().expect("a benchmark has fewer seeds"));
        // Scripts of genn_eventprop that say a folder know the files by the name that they have there.
        let chosen = || !params.is_given("OUT_DIR") && !params.is_given("NAME");
        let named = self.name.clone();
        if let Some(name) = named.or_else(|| chosen().then(|| params.benchmark().to_string())) {
            params.set("NAME", Value::Text(name))?;
        }
        if let Some(out) = &self.out {
            params.set("OUT_DIR", as_text("OUT_DIR", out)?)?;
        }
        if let Some(every) = &self.checkpoint_every {
            params.set("CHECKPOINT_EVERY", Value::parse(every))?;
        }
        Ok(params)
    }
}

impl RunOptions {
    /// Runs, tells and returns the exit code.
    pub fn carry_out(
        &self,
        (stop, world): (&Stop, Option<&World>),
        run: impl Run,
    ) -> Result<u8, Failure> {
        let mut result = Json::Null;
        let ended = self.follow((stop, world), run, |summary| {
            result = summary.to_json();
            self.tell(summary);
        });
        let ended = ended.map_err(|failure| failure.after(result))?;
        if let Some(summary) = &ended {
            self.tell_files(summary);
        }
        Ok(stop.code_of(ended.as_ref()))
    }

    /// Runs, shows the progress and hands over the result as soon as it cannot be lost any more; returns the summary
    /// with all files, or none of a run that was stopped before it began.
    pub fn follow(
        &self,
        (stop, world): (&Stop, Option<&World>),
        run: impl Run,
        mut tell: impl FnMut(&Summary) + Send,
    ) -> Result<Option<Summary>, Failure> {
        let writes = world.is_none_or(|world| world.ranks().rank() == 0);
        let mut board = (self.tensorboard && writes).then(Board::default);
        let mut display = Display::new(self.verbosity());
        let mut observer = |progress: &Progress<'_>| {
            if matches!(progress, Progress::Started(_)) {
                stop.begin();
            }
            display.hear(progress);
            if let Progress::Result(summary) = progress {
                tell(summary);
            }
            if let Some(board) = &mut board {
                board.hear(progress);
            }
        };
        let ranks = world.map(World::ranks);
        let threads = ranks::threads(self.threads.threads, world);
        let summary =
            pool(threads)?.install(|| run(&mut Control::new(&mut observer, stop.flag()).on(ranks)));
        display.finish();
        let summary = match summary {
            Err(RunError::StoppedBefore) => return Ok(None),
            ended => ended.map_err(|error| explain(&error))?,
        };
        if let Some(board) = board {
            board.finish(&summary).map_err(Failure::failed)?;
        }
        Ok(Some(summary))
    }

    /// True if the result is one JSON object.
    pub fn json(&self) -> bool {
        self.json
    }

    fn tell(&self, summary: &Summary) {
        if self.json {
            return;
        }
        output::out(&if self.quiet {
            report::one_line(summary)
        } else {
            report::full(summary)
        });
    }

    /// What comes after the result: the files, or all of it as one object.
    fn tell_files(&self, summary: &Summary) {
        if self.json {
            output::out(&summary.to_json().to_string());
        } else if !self.quiet {
            output::out(&report::files(summary));
        }
    }

    fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.json) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::OnStderr,
            (false, false) => Verbosity::OnStdout,
        }
    }
}

/// Something that runs under a control.
pub trait Run: FnOnce(&mut Control<'_>) -> Result<Summary, RunError> + Send {}

impl<T: FnOnce(&mut Control<'_>) -> Result<Summary, RunError> + Send> Run for T {}

/// The threads that a command works with; all cores when no number is given.
pub fn pool(threads: Option<NonZeroUsize>) -> Result<rayon::ThreadPool, Failure> {
    let threads = threads.map_or(0, NonZeroUsize::get);
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    builder.build().map_err(|error| {
        Failure::failed(format!("{threads} threads could not be started: {error}"))
    })
}

/// Seeds of a benchmark, and one more.
const SEEDS: usize = 4;

/// A seed from the operating system, by way of the keys that the standard library draws for its hash
/// maps.
fn drawn_seed() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}

/// A run that failed: whether the command line is to blame.
pub fn explain(error: &RunError) -> Failure {
    if error.is_echo() {
        Failure::failed(error).echo()
    } else if error.is_usage() {
        Failure::usage(error)
    } else {
        Failure::failed(error)
    }
}
