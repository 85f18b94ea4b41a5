//! Files of searches, in TOML: which keys are fixed, and which take which values.

use std::path::{Path, PathBuf};

use eventprop_params::value::Value;
use eventprop_params::{Parameters, read_text};

use super::error::SweepError;

/// The most runs of a sweep, and trials of a search.
pub const RUNS_MOST: usize = 100_000;

/// A file of a search.
pub struct SearchFile {
    path: PathBuf,
    table: toml::Table,
}

impl SearchFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, SweepError> {
        let text = read_text(path).map_err(|source| SweepError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// A file with this content.
    pub fn parse(path: &Path, text: &str) -> Result<Self, SweepError> {
        let table = toml::from_str(text).map_err(|error| SweepError::File {
            path: path.to_owned(),
            problem: error.to_string().trim_end().to_owned(),
        })?;
        Ok(Self {
            path: path.to_owned(),
            table,
        })
    }

    /// The error that an entry is.
    pub fn wrong(
        &self,
        what: &str,
        problem: impl Into<String>,
        way_out: impl Into<String>,
    ) -> SweepError {
        SweepError::Content {
            path: self.path.clone(),
            what: what.to_owned(),
            problem: problem.into(),
            way_out: way_out.into(),
        }
    }

    /// Refuses entries beside those that are known.
    pub fn check_keys(&self, known: &[&str]) -> Result<(), SweepError> {
        let unknown = self.table.keys().find(|key| !known.contains(&key.as_str()));
        match unknown {
            None => Ok(()),
            Some(key) => {
                let way_out = format!(
                    "there are {}; parameters belong under [fixed] or [vary]",
                    known.join(", ")
                );
                Err(self.wrong(key, "is unknown", way_out))
            }
        }
    }

    /// Text.
    pub fn text(&self, key: &str) -> Result<Option<&str>, SweepError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                let problem = format!("is {other}");
                Err(self.wrong(key, problem, "write text in quotes"))
            }
        }
    }

    /// A whole number.
    pub fn number(&self, key: &str) -> Result<Option<usize>, SweepError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(toml::Value::Integer(number @ 0..)) => Ok(Some(*number as usize)),
            Some(other) => {
                let problem = format!("is {other}");
                Err(self.wrong(key, problem, "write a whole number of at least 0"))
            }
        }
    }

    /// A table of parameters.
    pub fn section(&self, key: &str) -> Result<toml::Table, SweepError> {
        match self.table.get(key) {
            None => Ok(toml::Table::new()),
            Some(toml::Value::Table(table)) => Ok(table.clone()),
            Some(_) => Err(self.wrong(key, "is no table", "write it as [fixed] or [vary]")),
        }
    }

    /// The value of a parameter.
    pub fn value(&self, key: &str, value: &toml::Value) -> Result<Value, SweepError> {
        let way_out = "write a number, true or false, text, a list or a table";
        Value::from_toml(value).ok_or_else(|| self.wrong(key, "is a date", way_out))
    }

    /// Sets what the file fixes.
    pub fn fix(&self, params: &mut Parameters) -> Result<(), SweepError> {
        for (key, value) in self.section("fixed")? {
            params.set(&key, self.value(&key, &value)?)?;
        }
        Ok(())
    }
}
