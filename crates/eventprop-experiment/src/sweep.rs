//! Sweeps: the same benchmark with many settings, as a grid or by seeded random search.
//!
//! A file in TOML says which keys take which values. Every combination is a run in a folder of its own,
//! whose name says what is special about it. A sweep is a list: the same file gives the same list on every
//! machine, so that a job array works through it, one index a job; what has ended is not done again, what
//! was stopped is resumed.

use std::io;
use std::path::{Path, PathBuf};

use eventprop::rng::{Key, Purpose};
use serde_json::{Value as Json, json};
use thiserror::Error;

use eventprop_params::value::Value;
use eventprop_params::{Benchmark, ParamError, Parameters, read_text};

/// Why a file is no sweep.
#[derive(Debug, Error)]
pub enum SweepError {
    /// The system does not let it be read.
    #[error("sweep file {path} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It is no TOML.
    #[error("sweep file {path} cannot be read: {problem}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// Something in it is not as it should be.
    #[error("sweep file {path}: {what} {problem}; {way_out}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The entry.
        what: String,
        /// The problem.
        problem: String,
        /// The text to write instead.
        way_out: String,
    },
    /// The parameters of a run.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// An index beyond the list.
    #[error("the sweep has {runs} runs; --array-index takes 0 to {}, not {index}", runs - 1)]
    Index {
        /// The index given.
        index: usize,
        /// Runs of the sweep.
        runs: usize,
    },
}

/// A run of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepRun {
    /// Its place in the list.
    pub index: usize,
    /// Its folder.
    pub folder: PathBuf,
    /// The keys that the sweep sets, with their values.
    pub varied: Vec<(String, Value)>,
    /// All parameters, `OUT_DIR` included.
    pub params: Parameters,
}

/// A sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// The benchmark.
    pub benchmark: Benchmark,
    /// The command of every run: `train`, `train_test` or `xval`.
    pub command: String,
    /// The runs.
    pub runs: Vec<SweepRun>,
}

/// The state of a run of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has ended.
    Ended,
    /// It was stopped.
    Stopped,
    /// It has not begun.
    New,
}

impl SweepRun {
    /// Its state, by its files.
    pub fn standing(&self) -> Standing {
        match self.summary() {
            Some(summary) if summary["cancelled"] == Json::Bool(false) => return Standing::Ended,
            _ => {}
        }
        let name = self.params.text("NAME");
        let checkpoint = |ending: &str| self.folder.join(format!("{name}_{ending}")).is_file();
        if checkpoint("checkpoint.safetensors") || checkpoint("checkpoint.previous.safetensors") {
            Standing::Stopped
        } else {
            Standing::New
        }
    }

    fn summary(&self) -> Option<Json> {
        let name = self.params.text("NAME");
        let text =
            std::fs::read_to_string(self.folder.join(format!("{name}_summary.json"))).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The run as a row of the table: index, folder, varied keys, standing, results.
    pub fn row(&self) -> Json {
        let varied = self.varied.iter();
        let varied = varied.map(|(key, value)| (key.clone(), value.to_json()));
        let mut row = json!({
            "index": self.index,
            "folder": self.folder.display().to_string(),
            "standing": match self.standing() {
                Standing::Ended => "ended",
                Standing::Stopped => "stopped",
                Standing::New => "new",
            },
            "parameters": Json::Object(varied.collect()),
        });
        let summary = self.summary().unwrap_or(Json::Null);
        for key in RESULTS {
            row[key] = summary[key].clone();
        }
        row
    }
}

/// Results in the table, as they stand in summaries.
pub const RESULTS: [&str; 5] = [
    "train_accuracy",
    "validation_accuracy",
    "test_accuracy",
    "selected_epoch",
    "seconds",
];

impl Sweep {
    /// Reads a file. Unset seeds are those that `seed` gives, the same for all runs.
    ///
    /// # Errors
    /// [`SweepError`].
    pub fn read(path: &Path, seed: u32) -> Result<Self, SweepError> {
        let text = read_text(path).map_err(|source| SweepError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let table: toml::Table = toml::from_str(&text).map_err(|error| SweepError::File {
            path: path.to_owned(),
            problem: error.to_string().trim_end().to_owned(),
        })?;
        let file = SweepFile { path, table };
        file.check_keys()?;
        let base = file.base(seed)?;
        let axes = file.axes()?;
        let combinations = match file.samples()? {
            None => grid(&file, &axes)?,
            Some(samples) => random(&axes, samples, file.seed()?),
        };
        let folder = file.text("out")?.unwrap_or("sweep").to_owned();
        let runs = combinations.into_iter().enumerate();
        let runs = runs.map(|(index, varied)| run(index, &folder, varied, &base));
        Ok(Self {
            benchmark: base.benchmark(),
            command: file.text("command")?.unwrap_or("train").to_owned(),
            runs: runs.collect::<Result<_, _>>()?,
        })
    }

    /// The runs that are to be done: all, or one of them.
    ///
    /// # Errors
    /// [`SweepError::Index`].
    pub fn chosen(&self, index: Option<usize>) -> Result<&[SweepRun], SweepError> {
        let runs = self.runs.len();
        match index {
            None => Ok(&self.runs),
            Some(index) if index < runs => Ok(&self.runs[index..=index]),
            Some(index) => Err(SweepError::Index { index, runs }),
        }
    }
}

/// Values that a key takes.
enum Axis {
    Listed(Vec<Value>),
    Between { from: f64, to: f64, log: bool },
}

/// The keys that a file may hold.
const KEYS: [&str; 8] = [
    "benchmark",
    "command",
    "preset",
    "out",
    "samples",
    "seed",
    "fixed",
    "vary",
];

struct SweepFile<'a> {
    path: &'a Path,
    table: toml::Table,
}

impl SweepFile<'_> {
    fn wrong(
        &self,
        what: &str,
        problem: impl Into<String>,
        way_out: impl Into<String>,
    ) -> SweepError {
        SweepError::Content {
            path: self.path.to_owned(),
            what: what.to_owned(),
            problem: problem.into(),
            way_out: way_out.into(),
        }
    }

    fn check_keys(&self) -> Result<(), SweepError> {
        let unknown = self.table.keys().find(|key| !KEYS.contains(&key.as_str()));
        match unknown {
            None => Ok(()),
            Some(key) => {
                let way_out = "there are benchmark, command, preset, out, samples, seed, [fixed] and [vary]; parameters belong under one of the last two";
                Err(self.wrong(key, "is unknown", way_out))
            }
        }
    }

    fn text(&self, key: &str) -> Result<Option<&str>, SweepError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                let problem = format!("is {other}");
                Err(self.wrong(key, problem, "write text in quotes"))
            }
        }
    }

    fn number(&self, key: &str) -> Result<Option<usize>, SweepError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(toml::Value::Integer(number @ 0..)) => Ok(Some(*number as usize)),
            Some(other) => {
                let problem = format!("is {other}");
                Err(self.wrong(key, problem, "write a whole number of at least 0"))
            }
        }
    }

    fn samples(&self) -> Result<Option<usize>, SweepError> {
        match self.number("samples")? {
            Some(0) => Err(self.wrong("samples", "is 0", "write how many combinations to draw")),
            Some(samples) if samples > RUNS_MOST => {
                let way_out = format!("a sweep has at most {RUNS_MOST} runs");
                Err(self.wrong("samples", format!("is {samples}"), way_out))
            }
            samples => Ok(samples),
        }
    }

    fn seed(&self) -> Result<u64, SweepError> {
        Ok(self.number("seed")?.unwrap_or(0) as u64)
    }

    fn section(&self, key: &str) -> Result<toml::Table, SweepError> {
        match self.table.get(key) {
            None => Ok(toml::Table::new()),
            Some(toml::Value::Table(table)) => Ok(table.clone()),
            Some(_) => Err(self.wrong(key, "is no table", "write it as [fixed] or [vary]")),
        }
    }

    /// The parameters that all runs share.
    fn base(&self, seed: u32) -> Result<Parameters, SweepError> {
        let name = self.text("benchmark")?;
        let way_out = "write benchmark = \"yinyang\", \"mnist\", \"shd\" or \"ssc\"";
        let name = name.ok_or_else(|| self.wrong("benchmark", "is missing", way_out))?;
        let benchmark: Benchmark = name
            .parse()
            .map_err(|_| self.wrong("benchmark", format!("is {name:?}"), way_out))?;
        let mut params = Parameters::new(benchmark);
        if let Some(preset) = self.text("preset")? {
            params.preset(preset)?;
        }
        for (key, value) in self.section("fixed")? {
            params.set(&key, self.value(&key, &value)?)?;
        }
        params.draw_seeds(|| seed);
        Ok(params)
    }

    fn value(&self, key: &str, value: &toml::Value) -> Result<Value, SweepError> {
        let way_out = "write a number, true or false, text, a list or a table";
        Value::from_toml(value).ok_or_else(|| self.wrong(key, "is a date", way_out))
    }

    fn axes(&self) -> Result<Vec<(String, Axis)>, SweepError> {
        let section = self.section("vary")?;
        if section.is_empty() {
            let way_out = "write [vary] with lists of values, such as ETA = [1e-3, 3e-3]";
            return Err(self.wrong("[vary]", "is missing or empty", way_out));
        }
        let axes = section.iter();
        axes.map(|(key, value)| Ok((key.clone(), self.axis(key, value)?)))
            .collect()
    }

    fn axis(&self, key: &str, value: &toml::Value) -> Result<Axis, SweepError> {
        let way_out =
            "write a list of values, or {from = 1e-4, to = 1e-2, log = true} for a random search";
        match value {
            toml::Value::Array(values) if !values.is_empty() => {
                let values = values.iter().map(|value| self.value(key, value));
                Ok(Axis::Listed(values.collect::<Result<_, _>>()?))
            }
            toml::Value::Table(range) => {
                let number = |end: &str| match range.get(end) {
                    Some(toml::Value::Float(number)) => Some(*number),
                    Some(toml::Value::Integer(number)) => Some(*number as f64),
                    _ => None,
                };
                let log = range.get("log").and_then(toml::Value::as_bool) == Some(true);
                let known = range
                    .keys()
                    .all(|k| ["from", "to", "log"].contains(&k.as_str()));
                match (number("from"), number("to")) {
                    (Some(from), Some(to)) if known && from < to && (!log || from > 0.0) => {
                        Ok(Axis::Between { from, to, log })
                    }
                    _ => Err(self.wrong(key, format!("is {value}"), way_out)),
                }
            }
            other => Err(self.wrong(key, format!("is {other}"), way_out)),
        }
    }
}

type Combination = Vec<(String, Value)>;

/// The most runs of a sweep.
const RUNS_MOST: usize = 100_000;

/// All combinations, the last key changing fastest.
fn grid(file: &SweepFile<'_>, axes: &[(String, Axis)]) -> Result<Vec<Combination>, SweepError> {
    let mut all: Vec<Combination> = vec![Vec::new()];
    let counts = axes.iter().map(|(_, axis)| match axis {
        Axis::Listed(values) => values.len(),
        Axis::Between { .. } => 1,
    });
    let runs = counts.fold(1_usize, usize::saturating_mul);
    if runs > RUNS_MOST {
        let problem = format!("asks for {runs} combinations");
        let way_out = format!(
            "list fewer values, or draw some of the combinations (samples = 20); a sweep has at most {RUNS_MOST} runs"
        );
        return Err(file.wrong("[vary]", problem, way_out));
    }
    for (key, axis) in axes {
        let Axis::Listed(values) = axis else {
            let way_out = "list the values, or say how many combinations to draw (samples = 20)";
            return Err(file.wrong(key, "is a range in a grid", way_out));
        };
        let longer = all.iter().flat_map(|combination| {
            values.iter().map(move |value| {
                let mut longer = combination.clone();
                longer.push((key.clone(), value.clone()));
                longer
            })
        });
        all = longer.collect();
    }
    Ok(all)
}

/// So many draws; that of an index depends on nothing but the seed and the index.
fn random(axes: &[(String, Axis)], samples: usize, seed: u64) -> Vec<Combination> {
    let draw = |index: usize| {
        let key = Key::new(seed, Purpose::Search).with(index as u64);
        let axes = axes.iter().enumerate();
        let drawn = axes.map(|(place, (name, axis))| {
            let value = match axis {
                Axis::Listed(values) => {
                    values[key.below(place as u64, values.len() as u64) as usize].clone()
                }
                Axis::Between { from, to, log } => {
                    let share = key.uniform(place as u64);
                    Value::Float(if *log {
                        from * (to / from).powf(share)
                    } else {
                        from + (to - from) * share
                    })
                }
            };
            (name.clone(), value)
        });
        drawn.collect()
    };
    (0..samples).map(draw).collect()
}

fn run(
    index: usize,
    out: &str,
    varied: Combination,
    base: &Parameters,
) -> Result<SweepRun, SweepError> {
    let mut params = base.clone();
    for (key, value) in &varied {
        params.set(key, value.clone())?;
    }
    let words = varied.iter().map(|(key, value)| format!("{key}={value}"));
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "=.-_+,".contains(c) {
            c
        } else {
            '_'
        }
    };
    let words: String = words
        .collect::<Vec<_>>()
        .join(",")
        .chars()
        .map(plain)
        .collect();
    // File systems take names of up to 255 bytes.
    let words: String = words.chars().take(150).collect();
    let folder = Path::new(out).join(format!("{index:04}-{words}"));
    params.set("OUT_DIR", Value::Text(folder.display().to_string()))?;
    Ok(SweepRun {
        index,
        folder,
        varied,
        params,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Sweep, SweepError> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("room");
        Sweep::read(file.path(), 9)
    }

    #[test]
    fn a_grid_has_all_combinations_in_order() {
        let sweep = read(
            "benchmark = \"yinyang\"\nout = \"here\"\n[fixed]\nN_EPOCH = 3\n[vary]\nETA = [0.001, 0.01]\nMODEL_SEED = [1, 2, 3]\n",
        )
        .expect("a sweep");
        assert_eq!(sweep.runs.len(), 6);
        let run = &sweep.runs[4];
        assert_eq!(run.folder, Path::new("here/0004-ETA=0.01,MODEL_SEED=2"));
        assert_eq!(run.params.float("ETA"), 0.01);
        assert_eq!(run.params.count("N_EPOCH"), 3);
        assert_eq!(run.params.seed("MODEL_SEED").expect("set"), 2);
        assert!(run.params.seed("TEST_DATA_SEED").is_ok());
        assert_eq!(run.standing(), Standing::New);
        assert_eq!(sweep.chosen(Some(5)).expect("the last").len(), 1);
        let error = sweep.chosen(Some(6)).expect_err("beyond").to_string();
        assert!(error.contains("0 to 5, not 6"), "{error}");
    }

    #[test]
    fn a_random_search_is_the_same_list_every_time_and_stays_in_its_ranges() {
        let text = "benchmark = \"mnist\"\nsamples = 200\nseed = 4\n[vary]\nETA = {from = 1e-4, to = 1e-2, log = true}\nPDROP_INPUT = {from = 0.0, to = 0.5}\nNUM_HIDDEN = [50, 100]\n";
        let (sweep, again) = (read(text).expect("a sweep"), read(text).expect("again"));
        assert_eq!(sweep, again);
        let below = |limit: f64| {
            let runs = sweep.runs.iter();
            runs.filter(|run| run.params.float("ETA") < limit).count()
        };
        assert_eq!((below(1e-4), below(1e-2)), (0, 200));
        // Half of log-uniform draws lie below the geometric mean: 100 ± 5 √(200/4).
        assert!((65..=135).contains(&below(1e-3)), "{}", below(1e-3));
        let other = read(&text.replace("seed = 4", "seed = 5")).expect("another");
        assert_ne!(sweep.runs[0].varied, other.runs[0].varied);
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named() {
        for (text, message) in [
            ("benchmark = \n", "cannot be read"),
            ("[vary]\nETA = [1.0]\n", "benchmark is missing"),
            ("benchmark = \"yinyang\"\n", "[vary] is missing"),
            ("benchmark = \"yinyang\"\nETA = 1\n", "ETA is unknown"),
            ("benchmark = \"yinyang\"\n[vary]\nETA = 3\n", "write a list"),
            (
                "benchmark = \"yinyang\"\n[vary]\nETTA = [3.0]\n",
                "did you mean ETA",
            ),
            (
                "benchmark = \"yinyang\"\n[vary]\nETA = {from = 0.1, to = 1}\n",
                "a range in a grid",
            ),
            (
                "benchmark = \"yinyang\"\nsamples = 0\n[vary]\nETA = [1.0]\n",
                "samples is 0",
            ),
            (
                "benchmark = \"yinyang\"\nsamples = 9999999999\n[vary]\nETA = [1.0]\n",
                "at most 100000 runs",
            ),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn a_grid_of_more_combinations_than_memory_is_refused_before_it_is_made() {
        let axes: String = [
            "ETA",
            "TAU_SYN",
            "TAU_MEM",
            "V_THRESH",
            "DT_MS",
            "PDROP_INPUT",
        ]
        .map(|key| format!("{key} = [{}0.5]\n", "0.5, ".repeat(99)))
        .concat();
        let text = format!("benchmark = \"yinyang\"\n[vary]\n{axes}");
        let error = read(&text).expect_err("10^12 runs").to_string();
        assert!(
            error.contains("asks for 1000000000000 combinations"),
            "{error}"
        );
    }
}
