//! Searches for parameters by successive halving (Jamieson & Talwalkar 2016; Li et al. 2018), on validation only.
//!
//! Trial 0 is what the user has, the others are draws around it. All are trained for a ninth of the epochs; the best
//! third of them for a third, the best third of those for all. Every training is a run of its own from its first
//! epoch, with a whole course of the learning rate, so that short ones say what long ones will do. The test samples
//! are never looked at.
//!
//! A search is a folder with a folder for every training; `tune.json` says what is searched. The same search in the same
//! folder continues: what ended is not repeated.

mod folder;
mod search;
mod spaces;

use std::path::{Path, PathBuf};

use eventprop_params::value::Value;
use eventprop_params::{Benchmark, ParamError, Parameters};
use serde_json::{Value as Json, json};
use thiserror::Error;

use eventprop_data::atomic::WriteError;

use crate::lock::LockError;
use crate::outputs::FolderError;
use crate::run::RunError;
use crate::sweep::{Space, SweepError, SweepRun};

pub use search::{Budget, Found, Trained, Workshop};
pub use spaces::default_space;

/// The part of the trials that is trained longer.
const KEPT: usize = 3;

/// Why a search did not begin, or not go on.
#[derive(Debug, Error)]
pub enum TuneError {
    /// The space or a combination.
    #[error(transparent)]
    Space(#[from] SweepError),
    /// A parameter.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// The first trial, which is what the user has, fails.
    #[error("the network without any change fails: {0}")]
    First(Box<RunError>),
    /// A folder that belongs to another search.
    #[error(
        "{path} belongs to another search, with {found}, not {asked} ({what}); choose another folder with --out, or repeat the command that began it",
        path = path.display()
    )]
    Other {
        /// Its description.
        path: PathBuf,
        /// The difference.
        what: &'static str,
        /// There.
        found: String,
        /// Here.
        asked: String,
    },
    /// A file of the search that cannot be read.
    #[error("{path}: {problem}; remove it to begin anew, or choose another folder with --out", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file that cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Another process works in the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The threads of a trial.
    #[error("the threads of a trial could not be started: {0}")]
    Threads(String),
}

/// What is searched, and where.
#[derive(Debug, Clone)]
pub struct Tune {
    /// The parameters of trial 0.
    given: Parameters,
    /// Those of the other trials, but for what they vary.
    base: Parameters,
    /// What these vary.
    space: Space,
    /// The folder.
    folder: PathBuf,
    /// Seed of the draws.
    seed: u64,
}

impl Tune {
    /// A search around `given` in the space of a file or of [`default_space`]; `N_EPOCH` is the length of the longest
    /// trainings.
    ///
    /// # Errors
    /// [`TuneError::Param`] without validation samples, [`TuneError::Space`] for a space that does not fit the benchmark.
    pub fn new(
        mut given: Parameters,
        space: Option<&Path>,
        folder: &Path,
        seed: u64,
    ) -> Result<Self, TuneError> {
        given.set("FINAL_TEST", Value::Bool(false))?;
        let mut base = given.clone();
        let space = spaces::read(space, &mut base)?;
        if base.has("N_VALIDATE") && base.get("N_VALIDATE") == Value::Int(0) {
            let problem = "a search compares by validation samples";
            let way_out = "set how many training samples are held out for validation";
            return Err(base.refuse("N_VALIDATE", problem, way_out).into());
        }
        if base.count("N_EPOCH") == 0 {
            let way_out = "set the epochs of the longest training";
            return Err(base
                .refuse("N_EPOCH", "there is nothing to compare", way_out)
                .into());
        }
        let tune = Self {
            given,
            base,
            space,
            folder: folder.to_owned(),
            seed,
        };
        // A space that cannot be drawn from is refused before anything is trained.
        tune.trial(1, 0)?;
        Ok(tune)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Epochs of the rungs: a ninth, a third and all of `N_EPOCH`, without repetition.
    pub fn rungs(&self) -> Vec<usize> {
        let all = self.base.count("N_EPOCH");
        let mut rungs = vec![all.div_ceil(KEPT * KEPT), all.div_ceil(KEPT), all];
        rungs.dedup();
        rungs
    }

    /// The training of a trial on a rung.
    fn trial(&self, index: usize, rung: usize) -> Result<SweepRun, TuneError> {
        let (mut params, varied) = if index == 0 {
            (self.given.clone(), Vec::new())
        } else {
            let varied = self.space.draw(&self.base, self.seed, index)?;
            (self.base.clone(), varied)
        };
        let epochs = self.rungs()[rung];
        params.set("N_EPOCH", Value::Int(epochs as i64))?;
        let folder = self.folder.join(format!("{epochs}-epochs/{index:04}"));
        Ok(SweepRun::new(index, folder, varied, &params)?)
    }

    /// The parameters of a trial as `--params` reads them: with the test at the end, in no folder.
    ///
    /// # Errors
    /// As [`Tune::new`].
    pub fn parameters(&self, index: usize) -> Result<Json, TuneError> {
        let run = self.trial(index, self.rungs().len() - 1)?;
        let mut json = run.params.to_json();
        if let Some(entries) = json.as_object_mut() {
            entries.remove("OUT_DIR");
            entries.remove("NAME");
            entries.insert("FINAL_TEST".to_owned(), Json::Bool(true));
        }
        Ok(json)
    }

    /// What is searched, as `tune.json` has it.
    fn description(&self) -> Json {
        json!({
            "benchmark": self.benchmark().name(),
            "seed": self.seed,
            "space": self.space.to_json(),
            "parameters": self.given.to_json(),
            "fixed": self.base.to_json(),
        })
    }

    /// The benchmark.
    pub fn benchmark(&self) -> Benchmark {
        self.base.benchmark()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tune(assignments: &[&str]) -> Result<Tune, TuneError> {
        let mut base = Parameters::new(Benchmark::YinYang);
        for assignment in assignments {
            base.assign(assignment).expect("a parameter");
        }
        base.draw_seeds(|| 1);
        Tune::new(base, None, Path::new("search"), 3)
    }

    #[test]
    fn rungs_are_a_ninth_a_third_and_all() {
        for (epochs, rungs) in [
            ("60", &[7, 20, 60][..]),
            ("10", &[2, 4, 10]),
            ("2", &[1, 2]),
            ("1", &[1]),
        ] {
            let tune = tune(&[&format!("N_EPOCH={epochs}")]).expect("a search");
            assert_eq!(tune.rungs(), rungs, "{epochs}");
        }
    }

    #[test]
    fn trial_0_changes_nothing_and_others_are_the_same_on_every_rung() {
        let tune = tune(&["N_EPOCH=18"]).expect("a search");
        let given = tune.trial(0, 0).expect("a run");
        assert!(given.varied.is_empty());
        assert_eq!(given.params.text("ETA_COURSE"), "constant");
        let (short, long) = (tune.trial(5, 0), tune.trial(5, 2));
        let (short, long) = (short.expect("a run"), long.expect("a run"));
        assert_eq!(short.varied, long.varied);
        assert!(!short.varied.is_empty());
        assert_eq!(short.params.text("ETA_COURSE"), "one_cycle");
        assert_eq!(short.params.count("N_EPOCH"), 2);
        assert_eq!(long.params.count("N_EPOCH"), 18);
        assert!(!long.params.flag("FINAL_TEST"));
        let parameters = tune.parameters(5).expect("parameters");
        assert_eq!(parameters["FINAL_TEST"], true);
        assert_eq!(parameters["OUT_DIR"], Json::Null);
        assert_eq!(parameters["N_EPOCH"], 18);
    }

    #[test]
    fn a_search_without_validation_samples_is_refused() {
        let error = tune(&["N_VALIDATE=0"]).expect_err("nothing to compare");
        assert!(error.to_string().contains("N_VALIDATE=0"), "{error}");
    }
}
