//! Reads the files of a run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use eventprop_params::{Benchmark, Parameters};
use serde_json::{Map, Value as Json};

use crate::error::ReportError;

/// One run.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Its folder.
    pub folder: PathBuf,
    /// Its name.
    pub name: String,
    /// Parameters as they were written.
    pub values: Map<String, Json>,
    /// The same, understood; none when they are those of another version.
    pub parameters: Option<Parameters>,
    /// `NAME_report.json`, or null.
    pub report_file: Json,
    /// `NAME_summary.json`, or null.
    pub summary: Json,
    /// Lines of `NAME_metrics.jsonl`.
    pub epochs: Vec<EpochLine>,
    /// Lines of `NAME_report.jsonl`.
    pub details: Vec<EpochLine>,
    /// Notices for the reader of the report about the files.
    pub notices: Vec<String>,
}

/// One epoch.
#[derive(Debug, Clone)]
pub struct EpochLine {
    /// The fold of a cross-validation.
    pub fold: Option<u64>,
    /// The epoch, from 0.
    pub epoch: u64,
    /// The line.
    pub json: Json,
}

impl EpochLine {
    /// A number of the line; NaN when it is not there.
    pub fn number(&self, key: &str) -> f64 {
        self.json[key].as_f64().unwrap_or(f64::NAN)
    }

    /// The epoch as it is drawn, from 1.
    pub fn turn(&self) -> f64 {
        self.epoch as f64 + 1.0
    }
}

/// The runs of a folder: those that lie in it or, when none does, those in the folders within.
///
/// # Errors
/// [`ReportError`].
pub fn runs(folder: &Path) -> Result<Vec<RunRecord>, ReportError> {
    let here = names(folder)?;
    let mut found: Vec<(PathBuf, String)> = Vec::new();
    if here.is_empty() {
        for inner in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
            let names = names(&inner)?;
            found.extend(names.into_iter().map(|name| (inner.clone(), name)));
        }
    } else {
        found.extend(here.into_iter().map(|name| (folder.to_owned(), name)));
    }
    if found.is_empty() {
        return Err(ReportError::NoRun {
            folder: folder.to_owned(),
        });
    }
    found
        .iter()
        .map(|(folder, name)| read(folder, name))
        .collect()
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let problem = |error: std::io::Error| ReportError::Unreadable {
        path: folder.to_owned(),
        problem: error.to_string(),
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(problem)? {
        paths.push(entry.map_err(problem)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Names of the runs in a folder: NAME.json with lines of metrics or a report_file beside it.
fn names(folder: &Path) -> Result<BTreeSet<String>, ReportError> {
    let mut names = BTreeSet::new();
    for path in entries(folder)? {
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.and_then(|name| name.strip_suffix(".json")) else {
            continue;
        };
        let beside = |ending: &str| folder.join(format!("{name}_{ending}")).is_file();
        if beside("metrics.jsonl") || beside("report.json") {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

fn read(folder: &Path, name: &str) -> Result<RunRecord, ReportError> {
    let file = |ending: &str| folder.join(format!("{name}{ending}"));
    let values = match json(&file(".json"))? {
        Json::Object(values) => values,
        other => {
            return Err(ReportError::Unreadable {
                path: file(".json"),
                problem: format!("an object of parameters is expected and {other} was found"),
            });
        }
    };
    let report_file = json(&file("_report.json"))?;
    let summary = json(&file("_summary.json"))?;
    let mut notices = Vec::new();
    let epochs = lines(&file("_metrics.jsonl"), &mut notices)?;
    let details = lines(&file("_report.jsonl"), &mut notices)?;
    let benchmark = [&report_file, &summary].map(|json| json["benchmark"].as_str());
    let benchmark = benchmark.into_iter().flatten().next();
    let parameters = benchmark.and_then(|name| understood(name, &file(".json")));
    if parameters.is_none() {
        notices.push(format!(
            "{name}.json does not fit the parameters of this version, so differences from the defaults are not shown"
        ));
    }
    if report_file.is_null() {
        notices.push(format!(
            "{name}_report.json is not there (a run of an earlier version?), so recordings, environment and the confusion matrix of the test are missing"
        ));
    }
    Ok(RunRecord {
        folder: folder.to_owned(),
        name: name.to_owned(),
        values,
        parameters,
        report_file,
        summary,
        epochs,
        details,
        notices,
    })
}

fn understood(benchmark: &str, path: &Path) -> Option<Parameters> {
    let benchmark: Benchmark = benchmark.parse().ok()?;
    let mut parameters = Parameters::new(benchmark);
    parameters.read(path).ok()?;
    Some(parameters)
}

/// A JSON file; null when it is not there.
fn json(path: &Path) -> Result<Json, ReportError> {
    let Some(text) = text(path)? else {
        return Ok(Json::Null);
    };
    serde_json::from_str(&text).map_err(|error| ReportError::Unreadable {
        path: path.to_owned(),
        problem: error.to_string(),
    })
}

fn text(path: &Path) -> Result<Option<String>, ReportError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReportError::Unreadable {
            path: path.to_owned(),
            problem: error.to_string(),
        }),
    }
}

/// The epochs of a file. A line that a crash cut short is left out, with a notice. An epoch that comes
/// again replaces the first and all after it: the run was repeated or resumed there.
fn lines(path: &Path, notices: &mut Vec<String>) -> Result<Vec<EpochLine>, ReportError> {
    let text = text(path)?.unwrap_or_default();
    let mut lines: Vec<EpochLine> = Vec::new();
    let mut broken = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let parsed = serde_json::from_str::<Json>(line).ok();
        let Some((json, epoch)) = parsed.and_then(|j| j["epoch"].as_u64().map(|e| (j, e))) else {
            broken += 1;
            continue;
        };
        let fold = json["fold"].as_u64();
        lines.retain(|old| (old.fold, old.epoch) < (fold, epoch));
        lines.push(EpochLine { fold, epoch, json });
    }
    if broken > 0 {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        notices.push(format!("{broken} broken lines of {name} were left out"));
    }
    Ok(lines)
}

/// The name of a class, given those in a report_file; its number where it has no name.
pub fn class_name(names: &Json, class: u64) -> String {
    let name = names[class as usize].as_str();
    name.map_or_else(|| class.to_string(), str::to_owned)
}

impl RunRecord {
    /// The first of these that is a number: `key` of the summary.
    pub fn result(&self, key: &str) -> Option<f64> {
        self.summary[key].as_f64()
    }

    /// A text of the report_file or, failing that, of the summary; empty when there is none.
    pub fn word(&self, key: &str) -> &str {
        let [report_file, summary] =
            [&self.report_file, &self.summary].map(|json| json[key].as_str());
        report_file.or(summary).unwrap_or("")
    }

    /// The seeds, in the order of the parameters.
    pub fn seeds(&self) -> Vec<(&str, String)> {
        let seeds = self.values.iter().filter(|(key, _)| is_seed(key));
        seeds
            .map(|(key, seed)| (key.as_str(), seed.to_string()))
            .collect()
    }

    /// Parameters that make two runs the same experiment: all but names and seeds.
    pub fn experiment(&self) -> Map<String, Json> {
        let of = |(key, _): &(&String, &Json)| !is_seed(key) && !is_name(key);
        let kept = self.values.iter().filter(of);
        kept.map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Folds of a cross-validation; one without number otherwise.
    pub fn folds(&self) -> Vec<Option<u64>> {
        let folds: BTreeSet<Option<u64>> = self.epochs.iter().map(|line| line.fold).collect();
        folds.into_iter().collect()
    }

    /// The last epoch line.
    pub fn last(&self) -> Option<&EpochLine> {
        self.epochs.last()
    }
}

/// True if a key is a seed.
pub fn is_seed(key: &str) -> bool {
    key.ends_with("_SEED")
}

fn is_name(key: &str) -> bool {
    ["NAME", "OUT_DIR", "CHECKPOINT_NAME"].contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Broken lines are left out; a repeated epoch replaces the first and what came after it.
    #[test]
    fn lines_of_a_run_that_was_broken_off_and_resumed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a_metrics.jsonl");
        let text =
            "{\"epoch\":0,\"x\":1}\n{\"epoch\":1,\"x\":2}\n{\"epo\n{\"epoch\":1,\"x\":3}\n\n";
        fs::write(&path, text).expect("written");
        let mut notices = Vec::new();
        let lines = lines(&path, &mut notices).expect("lines");
        let numbers: Vec<f64> = lines.iter().map(|line| line.number("x")).collect();
        assert_eq!(numbers, [1.0, 3.0]);
        assert_eq!(notices, ["1 broken lines of a_metrics.jsonl were left out"]);
        assert!(lines[0].number("y").is_nan());
    }

    #[test]
    fn folds_follow_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let line = |fold: u64, epoch: u64| format!("{{\"fold\":{fold},\"epoch\":{epoch}}}\n");
        let text: String = [line(0, 0), line(0, 1), line(1, 0), line(1, 1)].concat();
        fs::write(&path, text).expect("written");
        assert_eq!(lines(&path, &mut Vec::new()).expect("lines").len(), 4);
    }

    #[test]
    fn a_folder_without_runs_is_refused_with_a_way_out() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("other.json"), "{}").expect("written");
        let error = runs(folder.path()).expect_err("no run");
        assert!(error.to_string().contains("eventprop train"), "{error}");
        let error = runs(&folder.path().join("nowhere")).expect_err("no folder");
        assert!(error.to_string().contains("nowhere"), "{error}");
    }
}
