//! The values that a search may choose from.

use eventprop::rng::{Key, Purpose};
use eventprop_params::Parameters;
use eventprop_params::value::Value;
use serde_json::{Value as Json, json};

use super::error::SweepError;
use super::file::{RUNS_MOST, SearchFile};

/// Keys with the values that a search gives them.
pub type Combination = Vec<(String, Value)>;

/// Values that a key takes.
#[derive(Debug, Clone, PartialEq)]
enum Axis {
    Listed(Vec<Value>),
    Between {
        from: f64,
        to: f64,
        log: bool,
    },
    /// Multiples of the value that the key has without the search; their logarithms are uniform.
    Times {
        from: f64,
        to: f64,
    },
}

/// The values that a search may choose from.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    axes: Vec<(String, Axis)>,
}

impl Space {
    /// The space of `[vary]`.
    pub(crate) fn of(file: &SearchFile) -> Result<Self, SweepError> {
        let section = file.section("vary")?;
        if section.is_empty() {
            let way_out = "write [vary] with lists of values, such as ETA = [1e-3, 3e-3]";
            return Err(file.wrong("[vary]", "is missing or empty", way_out));
        }
        let axes = section.iter();
        let axes = axes.map(|(key, value)| Ok((key.clone(), axis(file, key, value)?)));
        Ok(Self {
            axes: axes.collect::<Result<_, SweepError>>()?,
        })
    }

    /// All combinations, the last key changing fastest.
    pub(super) fn grid(&self, file: &SearchFile) -> Result<Vec<Combination>, SweepError> {
        let mut all: Vec<Combination> = vec![Vec::new()];
        let counts = self.axes.iter().map(|(_, axis)| match axis {
            Axis::Listed(values) => values.len(),
            Axis::Between { .. } | Axis::Times { .. } => 1,
        });
        let runs = counts.fold(1_usize, usize::saturating_mul);
        if runs > RUNS_MOST {
            let problem = format!("asks for {runs} combinations");
            let way_out = format!(
                "list fewer values, or draw some of the combinations (samples = 20); a sweep has at most {RUNS_MOST} runs"
            );
            return Err(file.wrong("[vary]", problem, way_out));
        }
        for (key, axis) in &self.axes {
            let Axis::Listed(values) = axis else {
                let way_out =
                    "list the values, or say how many combinations to draw (samples = 20)";
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

    /// As JSON, in the form of the file.
    pub fn to_json(&self) -> Json {
        let axes = self.axes.iter().map(|(key, axis)| {
            let json = match axis {
                Axis::Listed(values) => values.iter().map(Value::to_json).collect(),
                Axis::Between { from, to, log } => json!({"from": from, "to": to, "log": log}),
                Axis::Times { from, to } => json!({"times": [from, to]}),
            };
            (key.clone(), json)
        });
        Json::Object(axes.collect())
    }

    /// The draw of an index around `base`; it depends on nothing else but the seed.
    ///
    /// # Errors
    /// [`SweepError::Param`] for multiples of what is no number, or of no parameter.
    pub fn draw(
        &self,
        base: &Parameters,
        seed: u64,
        index: usize,
    ) -> Result<Combination, SweepError> {
        let key = Key::new(seed, Purpose::Search).with(index as u64);
        let axes = self.axes.iter().enumerate();
        let drawn = axes.map(|(place, (name, axis))| {
            let place = place as u64;
            let fraction = || key.uniform(place);
            let value = match axis {
                Axis::Listed(values) => {
                    values[key.below(place, values.len() as u64) as usize].clone()
                }
                Axis::Between {
                    from,
                    to,
                    log: true,
                } => Value::Float(from * (to / from).powf(fraction())),
                Axis::Between {
                    from,
                    to,
                    log: false,
                } => Value::Float(from + (to - from) * fraction()),
                Axis::Times { from, to } => {
                    multiple(base, name, from * (to / from).powf(fraction()))?
                }
            };
            Ok((name.clone(), value))
        });
        drawn.collect()
    }
}

/// So many times the value of a key; whole numbers stay whole and at least 1.
fn multiple(base: &Parameters, key: &str, factor: f64) -> Result<Value, SweepError> {
    match base.look_up(key)? {
        Value::Float(float) => Ok(Value::Float(rounded(float * factor))),
        Value::Int(int) => Ok(Value::Int(((int as f64 * factor).round() as i64).max(1))),
        other => Err(SweepError::Multiple {
            key: key.to_owned(),
            found: other.to_string(),
        }),
    }
}

/// With three digits, so that it can be written down.
fn rounded(number: f64) -> f64 {
    let text = format!("{number:.2e}");
    text.parse().unwrap_or(number)
}

fn axis(file: &SearchFile, key: &str, value: &toml::Value) -> Result<Axis, SweepError> {
    let wrong = || {
        let way_out = "write a list of values, or for a random search {from = 1e-4, to = 1e-2, log = true} or {times = [0.5, 2.0]}, multiples of the value that the key has otherwise";
        file.wrong(key, format!("is {value}"), way_out)
    };
    match value {
        toml::Value::Array(values) if !values.is_empty() => {
            let values = values.iter().map(|value| file.value(key, value));
            Ok(Axis::Listed(values.collect::<Result<_, _>>()?))
        }
        toml::Value::Table(range) => match range.get("times") {
            Some(toml::Value::Array(ends)) if range.len() == 1 => multiples(ends).ok_or_else(wrong),
            Some(_) => Err(wrong()),
            None => between(range).ok_or_else(wrong),
        },
        _ => Err(wrong()),
    }
}

fn multiples(ends: &[toml::Value]) -> Option<Axis> {
    let [from, to] = ends else {
        return None;
    };
    let (from, to) = (number(from)?, number(to)?);
    (0.0 < from && from < to && to.is_finite()).then_some(Axis::Times { from, to })
}

fn between(range: &toml::Table) -> Option<Axis> {
    let (from, to) = (number(range.get("from")?)?, number(range.get("to")?)?);
    let log = range.get("log").and_then(toml::Value::as_bool) == Some(true);
    let known = |key: &String| ["from", "to", "log"].contains(&key.as_str());
    let fits = range.keys().all(known) && from < to && (!log || from > 0.0) && to.is_finite();
    fits.then_some(Axis::Between { from, to, log })
}

fn number(value: &toml::Value) -> Option<f64> {
    match value {
        toml::Value::Float(number) => Some(*number),
        toml::Value::Integer(number) => Some(*number as f64),
        _ => None,
    }
}
