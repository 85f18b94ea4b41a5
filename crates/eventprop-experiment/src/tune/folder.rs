//! The files of a search: what is searched (`tune.json`), all trainings (`trials.json`), the best parameters
//! (`best.json`).

use std::fs;
use std::path::PathBuf;

use eventprop_data::atomic;
use serde_json::{Value as Json, json};

use super::{Found, Trained, Tune, TuneError};
use crate::outputs::FolderError;

/// What two searches in one folder must have in common.
const COMMON: [&str; 5] = ["benchmark", "seed", "parameters", "fixed", "space"];

impl Tune {
    fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub(super) fn prepare_folder(&self) -> Result<(), TuneError> {
        fs::create_dir_all(self.folder()).map_err(|error| {
            let path = self.folder().to_owned();
            let problem = error.to_string();
            TuneError::Folder(FolderError { path, problem })
        })
    }

    /// Writes what is searched, or compares it with what the folder has.
    pub(super) fn describe(&self) -> Result<(), TuneError> {
        let (path, asked) = (self.file("tune.json"), self.description());
        if !path.exists() {
            return self.write("tune.json", &asked);
        }
        let wrong = |problem: String| TuneError::File {
            path: path.clone(),
            problem,
        };
        let text = fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
        let found: Json = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let other = COMMON.iter().find(|key| found[**key] != asked[**key]);
        let Some(what) = other.copied() else {
            return Ok(());
        };
        let (found, asked) = difference(&found[what], &asked[what]);
        let (path, what) = (path.clone(), what);
        Err(TuneError::Other {
            path,
            what,
            found,
            asked,
        })
    }

    /// Writes the table of all trainings and the best parameters.
    pub(super) fn end(&self, found: &Found) -> Result<(), TuneError> {
        let all = found.rungs.iter().rev().flatten().map(Trained::to_json);
        self.write("trials.json", &json!({"trials": all.collect::<Json>()}))?;
        match found.best() {
            Some(best) => self.write("best.json", &self.parameters(best.trial)?),
            None => Ok(()),
        }
    }

    /// The best parameters, as `--params` reads them.
    pub fn best_file(&self) -> PathBuf {
        self.file("best.json")
    }

    fn write(&self, name: &str, json: &Json) -> Result<(), TuneError> {
        let text = serde_json::to_string_pretty(json).expect("JSON of strings and numbers");
        atomic::write(&self.file(name), |out| writeln!(out, "{text}"))?;
        Ok(())
    }
}

/// The first entries that differ, or the values themselves.
fn difference(found: &Json, asked: &Json) -> (String, String) {
    let entries = found.as_object().zip(asked.as_object());
    let differs = entries.and_then(|(found, asked)| {
        let keys = found.keys().chain(asked.keys());
        let mut keys = keys.filter(|key| found.get(*key) != asked.get(*key));
        let key = keys.next()?;
        let text = |json: Option<&Json>| match json {
            Some(json) => format!("{key}={json}"),
            None => format!("without {key}"),
        };
        Some((text(found.get(key)), text(asked.get(key))))
    });
    differs.unwrap_or_else(|| (found.to_string(), asked.to_string()))
}
