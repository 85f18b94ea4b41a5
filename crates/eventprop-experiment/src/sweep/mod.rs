//! Sweeps: the same benchmark with many settings, as a grid or by seeded random search.
//!
//! A file in TOML says which keys take which values. Every combination is a run in a folder of its own,
//! whose name says what is special about it. A sweep is a list: the same file gives the same list on every
//! machine, so that a job array works through it, one index a job; what has ended is not done again, what
//! was stopped is resumed.

mod error;
mod file;
mod run;
mod space;

use std::path::Path;

use eventprop_params::{Benchmark, Parameters};

pub use error::SweepError;
pub use file::RUNS_MOST;
pub(crate) use file::SearchFile;
pub use run::{RESULTS, Status, SweepRun};
pub use space::{Combination, Space};

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

impl Sweep {
    /// Reads a file. Unset seeds are those that `seed` gives, the same for all runs.
    ///
    /// # Errors
    /// [`SweepError`].
    pub fn read(path: &Path, seed: u32) -> Result<Self, SweepError> {
        let file = SearchFile::read(path)?;
        file.check_keys(&KEYS)?;
        let base = base(&file, seed)?;
        let space = Space::of(&file)?;
        let combinations: Vec<Combination> = match samples(&file)? {
            None => space.grid(&file)?,
            Some(samples) => {
                let seed = file.number("seed")?.unwrap_or(0) as u64;
                let draw = |index| space.draw(&base, seed, index);
                (0..samples).map(draw).collect::<Result<_, _>>()?
            }
        };
        let out = Path::new(file.text("out")?.unwrap_or("sweep"));
        let runs = combinations.into_iter().enumerate();
        let runs = runs.map(|(index, varied)| {
            let folder = out.join(run::folder_name(index, &varied));
            SweepRun::new(index, folder, varied, &base)
        });
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

/// The parameters that all runs share.
fn base(file: &SearchFile, seed: u32) -> Result<Parameters, SweepError> {
    let name = file.text("benchmark")?;
    let way_out = "write benchmark = \"yinyang\", \"mnist\", \"shd\" or \"ssc\"";
    let name = name.ok_or_else(|| file.wrong("benchmark", "is missing", way_out))?;
    let benchmark: Benchmark = name
        .parse()
        .map_err(|_| file.wrong("benchmark", format!("is {name:?}"), way_out))?;
    let mut params = Parameters::new(benchmark);
    if let Some(preset) = file.text("preset")? {
        params.preset(preset)?;
    }
    file.fix(&mut params)?;
    params.draw_seeds(|| seed);
    Ok(params)
}

/// The number of combinations to draw, if any are drawn.
fn samples(file: &SearchFile) -> Result<Option<usize>, SweepError> {
    match file.number("samples")? {
        Some(0) => Err(file.wrong("samples", "is 0", "write how many combinations to draw")),
        Some(samples) if samples > RUNS_MOST => {
            let way_out = format!("a sweep has at most {RUNS_MOST} runs");
            Err(file.wrong("samples", format!("is {samples}"), way_out))
        }
        samples => Ok(samples),
    }
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
        assert_eq!(run.status(), Status::New);
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
