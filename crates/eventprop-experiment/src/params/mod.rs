//! Parameters of the benchmarks: one table each, from which everything else follows.
//!
//! A table ([`Benchmark::rows`]) says for every key its type, default, unit, allowed values and
//! meaning. Validation, `eventprop params`, the documentation and the result files read it; nothing
//! else lists keys. [`Parameters`] are the values of one run: they start at the defaults, take
//! presets, files and assignments in that order, and become [`crate::settings::Settings`] when they
//! fit together.

mod camera;
mod error;
mod file;
mod mnist;
mod presets;
mod row;
mod rows;
mod rows_binned;
mod shd;
mod show;
mod smnist;
mod suggest;
mod yinyang;

use std::fmt;
use std::str::FromStr;

pub use error::ParamError;
pub use presets::Preset;
pub use row::{Default, Kind, Range, Row, time};

use crate::value::Value;

/// The benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Benchmark {
    /// Points in the Yin-Yang symbol.
    YinYang,
    /// Handwritten digits.
    Mnist,
    /// Spoken digits of the Spiking Heidelberg Digits.
    Shd,
    /// The Spiking Speech Commands.
    Ssc,
    /// Handwritten digits, pixel after pixel.
    Smnist,
    /// Handwritten digits before a moving event camera.
    Nmnist,
    /// Gestures of arms and hands before an event camera.
    DvsGesture,
    /// The user's own recordings or spike trains.
    Custom,
}

impl Benchmark {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::YinYang,
        Self::Mnist,
        Self::Shd,
        Self::Ssc,
        Self::Smnist,
        Self::Nmnist,
        Self::DvsGesture,
        Self::Custom,
    ];

    /// The name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::YinYang => "yinyang",
            Self::Mnist => "mnist",
            Self::Shd => "shd",
            Self::Ssc => "ssc",
            Self::Smnist => "smnist",
            Self::Nmnist => "nmnist",
            Self::DvsGesture => "dvs-gesture",
            Self::Custom => "custom",
        }
    }

    /// The name under which `eventprop data fetch` knows its data.
    pub fn data_set(self) -> &'static str {
        match self {
            Self::Smnist => Self::Mnist.name(),
            other => other.name(),
        }
    }

    /// The table of parameters.
    pub fn rows(self) -> &'static [Row] {
        match self {
            Self::YinYang => yinyang::ROWS,
            Self::Mnist => mnist::ROWS,
            Self::Shd => shd::ROWS,
            Self::Ssc => &shd::SSC_ROWS,
            Self::Smnist => &smnist::ROWS,
            Self::Nmnist => &camera::NMNIST,
            Self::DvsGesture => &camera::DVS_GESTURE,
            Self::Custom => &camera::CUSTOM,
        }
    }

    /// The presets.
    pub fn presets(self) -> impl Iterator<Item = &'static Preset> {
        presets::of(self)
    }

    /// Whether samples are events of channels on the grid ([`eventprop_data::binned`]): parameters, networks
    /// and augmentation are then those of the SHD simulator of `genn_eventprop`.
    pub fn is_binned(self) -> bool {
        !matches!(self, Self::YinYang | Self::Mnist)
    }

    /// Whether files are laid out as by the SHD simulator of `genn_eventprop`: a single hidden layer
    /// has a number, too, and lines of results end with seconds. Its simulators of sequential MNIST and of
    /// gestures do neither.
    pub fn has_files_of_spoken_words(self) -> bool {
        self.is_binned() && !matches!(self, Self::Smnist | Self::DvsGesture)
    }

    /// What somebody is called whose samples belong together.
    pub fn person(self) -> &'static str {
        if self == Self::DvsGesture {
            "user"
        } else {
            "speaker"
        }
    }

    fn position(self, key: &str) -> Option<usize> {
        let rows = self.rows();
        rows.iter()
            .position(|row| row.key == key)
            .or_else(|| rows.iter().position(|row| row.aliases.contains(&key)))
    }
}

impl fmt::Display for Benchmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Benchmark {
    type Err = String;

    /// Case, `-` and `_` do not matter. The error is a sentence that lists the benchmarks.
    fn from_str(name: &str) -> Result<Self, String> {
        let plain = name.to_lowercase().replace(['-', '_'], "");
        let known = Self::ALL
            .into_iter()
            .find(|b| b.name().replace('-', "") == plain);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no benchmark {name:?}; choose one of {names}")
        })
    }
}

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
        let Some(position) = self.benchmark.position(key) else {
            return Err(suggest::unknown_key(self.benchmark, key));
        };
        let row = &self.benchmark.rows()[position];
        let found = value.to_string();
        let accepted = row.accept(value).map_err(|expected| ParamError::Value {
            key: row.key,
            found,
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
        self.set(key.trim(), Value::parse(value))
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

    /// Whether a key was set rather than left at its default.
    ///
    /// # Panics
    /// When the benchmark has no such key.
    pub fn is_given(&self, key: &str) -> bool {
        self.given[self.expect(key)].is_some()
    }

    /// Whether the benchmark has this key and it has an effect.
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

    fn expect(&self, key: &str) -> usize {
        let position = self.benchmark.position(key);
        position.unwrap_or_else(|| panic!("{} has no parameter {key}", self.benchmark))
    }

    fn default_of(&self, row: &Row) -> Value {
        let value = match row.default {
            Default::Fixed(text) => Value::parse(text),
            Default::Multiple { factor, key } => match self.get(key) {
                Value::Int(int) => Value::Int(int.saturating_mul(factor)),
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

    /// What [`Self::to_json`] wrote.
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

#[cfg(test)]
mod tests;
