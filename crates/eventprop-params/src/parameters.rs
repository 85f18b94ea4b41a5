//! The values of the parameters of one run.

use crate::benchmark::Benchmark;
use crate::error::ParamError;
use crate::row::{COUNT_MOST, Default, Kind, Row};
use crate::suggest;
use crate::value::Value;

/// The values of the parameters of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    benchmark: Benchmark,
    /// Parallel to the rows; `None` where the default holds.
    given: Vec<Option<Value>>,
}

impl Parameters {
    /// The defaults.
    pub fn new(benchmark: Benchmark) -> Self {
        Self {
            benchmark,
            given: vec![None; benchmark.rows().len()],
        }
    }

    /// The benchmark.
    pub fn benchmark(&self) -> Benchmark {
        self.benchmark
    }

    /// Sets one key, or one of its aliases.
    ///
    /// # Errors
    /// [`ParamError::UnknownKey`], [`ParamError::Value`].
    pub fn set(&mut self, key: &str, value: Value) -> Result<(), ParamError> {
        let found = value.to_string();
        self.put(key, &found, |_| value)
    }

    /// Sets a key to a value that depends on its kind; `found` is how the user wrote it.
    fn put(
        &mut self,
        key: &str,
        found: &str,
        value: impl FnOnce(Kind) -> Value,
    ) -> Result<(), ParamError> {
        let Some(position) = self.benchmark.position(key) else {
            return Err(suggest::unknown_key(self.benchmark, key));
        };
        let row = &self.benchmark.rows()[position];
        let accepted = row.accept(value(row.kind));
        let accepted = accepted.map_err(|expected| ParamError::Value {
            key: row.spelling(key),
            found: found.to_owned(),
            expected,
            default: row.default_text(),
        })?;
        self.given[position] = Some(accepted);
        Ok(())
    }

    /// Sets a key from text of the form `KEY=VALUE`.
    ///
    /// # Errors
    /// As [`Self::set`], and [`ParamError::NoAssignment`].
    pub fn assign(&mut self, text: &str) -> Result<(), ParamError> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(ParamError::NoAssignment {
                benchmark: self.benchmark.name(),
                found: text.to_owned(),
            });
        };
        let value = value.trim();
        self.put(key.trim(), value, |kind| Value::typed(value, kind))
    }

    /// Sets all keys of a preset.
    ///
    /// # Errors
    /// [`ParamError::UnknownPreset`].
    pub fn preset(&mut self, name: &str) -> Result<(), ParamError> {
        let mut presets = self.benchmark.presets();
        let Some(preset) = presets.find(|preset| preset.name == name) else {
            let presets = self.benchmark.presets();
            let names: Vec<&str> = presets.map(|preset| preset.name.as_str()).collect();
            return Err(ParamError::UnknownPreset {
                benchmark: self.benchmark.name(),
                found: name.to_owned(),
                known: names.join(", "),
            });
        };
        for (key, value) in &preset.values {
            self.set(key, value.clone())?;
        }
        Ok(())
    }

    /// True if a key was set rather than left at its default.
    ///
    /// # Panics
    /// When the benchmark has no such key.
    pub fn is_given(&self, key: &str) -> bool {
        self.given[self.expect(key)].is_some()
    }

    /// True if a key was set to another value than its default; a file of parameters sets all, a dictionary too.
    ///
    /// # Panics
    /// When the benchmark has no such key.
    pub fn is_changed(&self, key: &str) -> bool {
        let position = self.expect(key);
        let default = || self.default_of(&self.benchmark.rows()[position]);
        self.given[position]
            .as_ref()
            .is_some_and(|value| *value != default())
    }

    /// True if the benchmark has this key and it has an effect.
    pub fn has(&self, key: &str) -> bool {
        let position = self.benchmark.position(key);
        position.is_some_and(|position| self.benchmark.rows()[position].effect)
    }

    /// The value of a key: as set, or the default.
    ///
    /// # Panics
    /// When the benchmark has no such key.
    pub fn get(&self, key: &str) -> Value {
        let position = self.expect(key);
        match &self.given[position] {
            Some(value) => value.clone(),
            None => self.default_of(&self.benchmark.rows()[position]),
        }
    }

    /// The value of a key that the user names.
    ///
    /// # Errors
    /// [`ParamError::UnknownKey`].
    pub fn look_up(&self, key: &str) -> Result<Value, ParamError> {
        match self.benchmark.position(key) {
            Some(position) => Ok(self.get(self.benchmark.rows()[position].key)),
            None => Err(suggest::unknown_key(self.benchmark, key)),
        }
    }

    fn expect(&self, key: &str) -> usize {
        let position = self.benchmark.position(key);
        position.unwrap_or_else(|| panic!("{} has no parameter {key}", self.benchmark))
    }

    fn default_of(&self, row: &Row) -> Value {
        let value = match row.default {
            Default::Fixed(text) => Value::parse(text),
            Default::Multiple { factor, key } => match self.get(key) {
                Value::Int(int) => Value::Int(int.saturating_mul(factor).min(COUNT_MOST)),
                other => other,
            },
        };
        row.accept(value).expect("a test accepts every default")
    }

    /// Every key with its value, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Row, Value)> + '_ {
        let rows = self.benchmark.rows().iter();
        rows.map(|row| (row, self.get(row.key)))
    }

    /// All values that have an effect as one flat JSON object, as `--params` reads it back.
    pub fn to_json(&self) -> serde_json::Value {
        let values = self
            .iter()
            .filter(|(row, _)| row.effect)
            .map(|(row, value)| (row.key.to_owned(), value.to_json()));
        serde_json::Value::Object(values.collect())
    }

    /// The parameters that [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn of_json(benchmark: Benchmark, json: &serde_json::Value) -> Result<Self, ParamError> {
        let mut params = Self::new(benchmark);
        for (key, value) in json.as_object().into_iter().flatten() {
            params.set(key, Value::from_json(value).unwrap_or(Value::None))?;
        }
        Ok(params)
    }

    /// Sets every seed that is none to what `draw` returns.
    pub fn draw_seeds(&mut self, mut draw: impl FnMut() -> u32) {
        for (position, row) in self.benchmark.rows().iter().enumerate() {
            if row.kind == Kind::Seed && self.get(row.key) == Value::None {
                self.given[position] = Some(Value::Int(i64::from(draw())));
            }
        }
    }
}

/// Values of keys whose type the table fixes.
///
/// All panic when the benchmark has no such key, or the key another type.
impl Parameters {
    /// A number.
    pub fn float(&self, key: &str) -> f64 {
        match self.get(key) {
            Value::Float(float) => float,
            other => panic!("{key} is no float: {other}"),
        }
    }

    /// A number that is not negative.
    pub fn count(&self, key: &str) -> usize {
        match self.get(key) {
            Value::Int(int) => usize::try_from(int).unwrap_or(usize::MAX),
            other => panic!("{key} is no count: {other}"),
        }
    }

    /// True or false.
    pub fn flag(&self, key: &str) -> bool {
        match self.get(key) {
            Value::Bool(flag) => flag,
            other => panic!("{key} is no flag: {other}"),
        }
    }

    /// True or false; false when the benchmark has no such key.
    pub fn is_set(&self, key: &str) -> bool {
        self.has(key) && self.flag(key)
    }

    /// Text.
    pub fn text(&self, key: &str) -> String {
        match self.get(key) {
            Value::Text(text) => text,
            other => panic!("{key} is no text: {other}"),
        }
    }

    /// The error for a value that another one excludes.
    ///
    /// # Panics
    /// When the benchmark has no such key.
    pub fn refuse(
        &self,
        key: &'static str,
        problem: impl Into<String>,
        way_out: impl Into<String>,
    ) -> ParamError {
        ParamError::Combination {
            key,
            found: self.get(key).to_string(),
            problem: problem.into(),
            way_out: way_out.into(),
        }
    }

    /// A seed.
    ///
    /// # Errors
    /// [`ParamError::SeedUnset`] when it is none.
    pub fn seed(&self, key: &'static str) -> Result<u32, ParamError> {
        match self.get(key) {
            Value::Int(int) => Ok(int as u32),
            _ => Err(ParamError::SeedUnset { key }),
        }
    }
}
