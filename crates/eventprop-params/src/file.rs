//! Parameters from JSON and TOML files: one table of keys and values.

use std::fs;
use std::path::Path;

use crate::error::ParamError;
use crate::parameters::Parameters;
use crate::value::Value;

impl Parameters {
    /// Sets all keys of a file; `.toml` is read as TOML, everything else as JSON.
    ///
    /// # Errors
    /// [`ParamError::File`], [`ParamError::InFile`], [`ParamError::FileValue`].
    pub fn read(&mut self, path: &Path) -> Result<(), ParamError> {
        let problem = |problem: String| ParamError::File {
            path: path.to_owned(),
            problem,
        };
        let text = fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
        // Editors and shells of Windows begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let toml = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("toml"));
        let values = if toml {
            from_toml(text)
        } else {
            from_json(text)
        };
        for (key, value) in values.map_err(problem)? {
            let Some(value) = value else {
                return Err(ParamError::FileValue {
                    path: path.to_owned(),
                    key,
                });
            };
            self.set(&key, value).map_err(|source| ParamError::InFile {
                path: path.to_owned(),
                source: Box::new(source),
            })?;
        }
        Ok(())
    }
}

type Assignments = Vec<(String, Option<Value>)>;

fn from_json(text: &str) -> Result<Assignments, String> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(values)) => Ok(values
            .iter()
            .map(|(key, value)| (key.clone(), Value::from_json(value)))
            .collect()),
        Ok(_) => Err("it is JSON, but not an object of keys and values".to_owned()),
        Err(error) => Err(format!("it is not JSON: {error}")),
    }
}

fn from_toml(text: &str) -> Result<Assignments, String> {
    let table: toml::Table = text
        .parse()
        .map_err(|error| format!("it is not TOML: {error}"))?;
    Ok(table
        .iter()
        .map(|(key, value)| (key.clone(), Value::from_toml(value)))
        .collect())
}
