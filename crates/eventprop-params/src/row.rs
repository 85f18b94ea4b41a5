//! One parameter of a benchmark: a row of its table.

use std::time::Duration;

use crate::value::Value;

/// The largest count: that of neurons and samples has 32 bits everywhere, and the product of two fits into 64.
pub const COUNT_MOST: i64 = u32::MAX as i64;

/// The values that a key accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// True or false.
    Flag,
    /// A whole number from `min` to `max`.
    Int {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// A whole number from `min` to 4294967295, or none.
    OptionalInt {
        /// The smallest.
        min: i64,
    },
    /// A finite number in a range.
    Float(Range),
    /// A finite number in a range, or none.
    OptionalFloat(Range),
    /// One of some words.
    Choice(&'static [&'static str]),
    /// One of some words, the name of a neuron model from equations, or the path of a TOML file with one.
    Neurons(&'static [&'static str]),
    /// Any text.
    Text,
    /// Any text, or none.
    OptionalText,
    /// A seed from 0 to 2³² − 1, or none: then one is drawn, printed and stored.
    Seed,
    /// One number of neurons, or a list of one for each layer.
    Sizes,
    /// A list of classes to keep, or none for all.
    Classes,
    /// A list of different places, or none for all.
    Places,
    /// A list of different neurons for some populations.
    NeuronLists,
    /// A list of `[epoch, trial]`.
    EpochTrials,
    /// A list of names.
    Names,
    /// A list of `[population or projection, variable]`.
    Pairs,
    /// Numbers of speakers, one or a list, `all`, or none.
    Speakers,
    /// Augmentations with their strengths, in the order in which they are applied.
    Augmentation,
    /// `keep`, `error` or `limit:x` with x > 0.
    Grazing,
    /// `cpu`, `gpu` or `gpu:n`.
    Device,
    /// `dense`, `probability:p` or `fan_in:n`.
    Wiring,
    /// A number of batches, a time, or none.
    Every,
    /// Anything: the key has no effect here.
    Anything,
}

/// A range of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// Every finite number.
    Any,
    /// Above 0.
    Positive,
    /// 0 or more.
    NotNegative,
    /// From 0 to 1, both included.
    Probability,
    /// From 0 to 1, 1 excluded.
    BelowOne,
}

impl Range {
    /// True of a number in the range, also as the single-precision number that is computed with.
    fn contains(self, x: f64) -> bool {
        self.holds(x) && self.holds(f64::from(x as f32))
    }

    fn holds(self, x: f64) -> bool {
        x.is_finite()
            && match self {
                Self::Any => true,
                Self::Positive => x > 0.0,
                Self::NotNegative => x >= 0.0,
                Self::Probability => (0.0..=1.0).contains(&x),
                Self::BelowOne => (0.0..1.0).contains(&x),
            }
    }
}

/// The origin of the default of a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Default {
    /// A value, written as on the command line.
    Fixed(&'static str),
    /// A multiple of another key, taken after that key is set.
    Multiple {
        /// The factor.
        factor: i64,
        /// The other key.
        key: &'static str,
    },
}

/// One parameter of a benchmark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The key, in capitals.
    pub key: &'static str,
    /// Other spellings that are accepted.
    pub aliases: &'static [&'static str],
    /// The accepted values.
    pub kind: Kind,
    /// The default.
    pub default: Default,
    /// The unit; empty for plain numbers.
    pub unit: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
    /// Whether it has any effect; some keys exist only for parameter files of `genn_eventprop`.
    pub effect: bool,
}

impl Row {
    /// A row without default, unit and aliases.
    pub const fn new(key: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self {
            key,
            aliases: &[],
            kind,
            default: Default::Fixed("none"),
            unit: "",
            meaning,
            effect: true,
        }
    }

    /// The same with a default, written as on the command line.
    pub const fn default(mut self, text: &'static str) -> Self {
        self.default = Default::Fixed(text);
        self
    }

    /// The same with a multiple of another key as default.
    pub const fn default_multiple(mut self, factor: i64, key: &'static str) -> Self {
        self.default = Default::Multiple { factor, key };
        self
    }

    /// The same with a unit.
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// The same with other spellings.
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The same with another meaning.
    pub const fn meaning(mut self, meaning: &'static str) -> Self {
        self.meaning = meaning;
        self
    }

    /// A key that is accepted and has no effect.
    pub const fn without_effect(key: &'static str, meaning: &'static str) -> Self {
        Self {
            effect: false,
            ..Self::new(key, Kind::Anything, meaning)
        }
    }

    /// The key or the alias that `key` spells.
    pub(crate) fn spelling(&self, key: &str) -> &'static str {
        let mut aliases = self.aliases.iter().copied();
        aliases.find(|alias| *alias == key).unwrap_or(self.key)
    }

    /// The default as text: a value, or how it follows from another key.
    pub fn default_text(&self) -> String {
        match self.default {
            Default::Fixed(text) => text.to_owned(),
            Default::Multiple { factor, key } => format!("{factor} * {key}"),
        }
    }

    /// Checks a value and brings it into the form in which it is kept (whole numbers become floats
    /// where a float is wanted).
    ///
    /// # Errors
    /// When the key does not accept it; the text says what it accepts.
    pub fn accept(&self, value: Value) -> Result<Value, String> {
        let range = match self.kind {
            Kind::Float(range) | Kind::OptionalFloat(range) => Some(range),
            _ => None,
        };
        let rounded = matches!((&value, range), (Value::Float(x), Some(range)) if range.holds(*x));
        self.kind.accept(value).ok_or_else(|| {
            let precision = if rounded { " in single precision" } else { "" };
            self.kind.expected() + precision
        })
    }
}

impl Kind {
    /// The accepted values, in words.
    pub fn expected(self) -> String {
        match self {
            Self::Flag => "true or false".into(),
            Self::Int { min, max: COUNT_MOST } => {
                format!("a whole number of at least {min} and at most {COUNT_MOST}")
            }
            Self::Int { min, max } => format!("a whole number from {min} to {max}"),
            Self::OptionalInt { min } => {
                format!("a whole number of at least {min} and at most {COUNT_MOST}, or none")
            }
            Self::Float(Range::Any) => "a finite number".into(),
            Self::Float(Range::Positive) => "a number above 0".into(),
            Self::Float(Range::NotNegative) => "a number of at least 0".into(),
            Self::Float(Range::Probability) => "a number from 0 to 1".into(),
            Self::Float(Range::BelowOne) => "a number of at least 0 and below 1".into(),
            Self::OptionalFloat(range) => format!("{}, or none", Self::Float(range).expected()),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Neurons(words) => {
                format!("one of {}, a model that `eventprop neuron` lists, or a TOML file", words.join(", "))
            }
            Self::Text => "text".into(),
            Self::OptionalText => "text, or none".into(),
            Self::Seed => "a whole number from 0 to 4294967295, or none to draw one".into(),
            Self::Sizes => {
                format!("a whole number of at least 1 and at most {COUNT_MOST}, or a list of them, one for each layer")
            }
            Self::Classes => "a list of classes such as [0,1], or none for all".into(),
            Self::Places => "a list of different whole numbers of at least 0 such as [0,3], or none for all".into(),
            Self::NeuronLists => {
                "a table of populations with lists of different neurons, such as {\"hidden\":[0,7]}".into()
            }
            Self::EpochTrials => "a list of [epoch, trial], such as [[0,0],[9,100]]".into(),
            Self::Names => "a list of names, such as [\"hidden\"]".into(),
            Self::Pairs => "a list of pairs of names, such as [[\"hidden\",\"V\"]]".into(),
            Self::Speakers => "a whole number of at least 0, a list of different ones, all, or none".into(),
            Self::Augmentation => "a table such as {\"random_shift\":40.0,\"blend\":[0.5,0.5]} of random_shift (number above 0), random_dilate (two factors above 0, ascending), ID_jitter (number above 0), blend (probabilities above 0), shift_xy (number above 0), flip_x (probability above 0), time_jitter (number above 0), event_drop (share above 0 and up to 1), NORMALISE_SPIKE_NUMBER (true or false); a strength of 0 is none".into(),
            Self::Every => "a whole number of batches of at least 1, a time such as 90s, 5min or 2h, or none".into(),
            Self::Grazing => "keep, error, or limit:x with a number x above 0".into(),
            Self::Device => "cpu, gpu, or gpu:n with the number n of a device".into(),
            Self::Wiring => format!(
                "dense, probability:p with a number p above 0 and up to 1, or fan_in:n with a whole number n of at least 1 and at most {COUNT_MOST}"
            ),
            Self::Anything => "anything".into(),
        }
    }

    /// The name of the type, for tables.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Flag => "bool",
            Self::Int { .. } => "int",
            Self::OptionalInt { .. } | Self::Seed => "int or none",
            Self::Every => "int or time",
            Self::Float(_) => "float",
            Self::OptionalFloat(_) => "float or none",
            Self::Choice(_)
            | Self::Neurons(_)
            | Self::Text
            | Self::Device
            | Self::Grazing
            | Self::Wiring => "str",
            Self::OptionalText => "str or none",
            Self::Sizes | Self::Speakers => "int or list",
            Self::Classes | Self::Places => "list or none",
            Self::EpochTrials | Self::Names | Self::Pairs => "list",
            Self::Augmentation | Self::NeuronLists => "table",
            Self::Anything => "any",
        }
    }

    fn accept(self, value: Value) -> Option<Value> {
        match (self, self.plain(value)) {
            (Self::Float(range) | Self::OptionalFloat(range), Value::Int(int)) => {
                accept_float(range, int as f64)
            }
            (Self::Float(range) | Self::OptionalFloat(range), Value::Float(float)) => {
                accept_float(range, float)
            }
            (
                Self::Text | Self::OptionalText,
                value @ (Value::Int(_) | Value::Float(_) | Value::Bool(_)),
            ) => Some(Value::Text(value.to_string())),
            // The word none is a choice of some keys.
            (Self::Choice(words), Value::None) if words.contains(&"none") => {
                Some(Value::Text("none".to_owned()))
            }
            (
                Self::OptionalInt { .. }
                | Self::OptionalFloat(_)
                | Self::OptionalText
                | Self::Seed
                | Self::Classes
                | Self::Places
                | Self::Every
                | Self::Speakers,
                Value::None,
            ) => Some(Value::None),
            (kind, value) => kind.holds(&value).then_some(value),
        }
    }

    /// The value as it is kept: whole numbers for keys that count, whichever type holds them, and one form for
    /// nothing, which people write as none, `[]` or `{}`.
    fn plain(self, value: Value) -> Value {
        let nothing = match &value {
            Value::None => true,
            Value::List(items) => items.is_empty(),
            Value::Table(entries) => entries.is_empty(),
            _ => false,
        };
        match self {
            Self::Classes | Self::Places | Self::Speakers if nothing => Value::None,
            Self::EpochTrials | Self::Names | Self::Pairs if nothing => Value::List(Vec::new()),
            Self::Augmentation | Self::NeuronLists if nothing => Value::Table(Vec::new()),
            Self::Augmentation => with_strength(value),
            Self::Int { .. }
            | Self::OptionalInt { .. }
            | Self::Seed
            | Self::Sizes
            | Self::Classes
            | Self::Places
            | Self::NeuronLists
            | Self::EpochTrials
            | Self::Speakers
            | Self::Every => value.counted(),
            _ => value,
        }
    }

    fn holds(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Anything, _)
            | (Self::Flag, Value::Bool(_))
            | (Self::Text | Self::OptionalText, Value::Text(_))
            | (Self::Speakers, Value::Int(0..)) => true,
            (Self::Int { min, max }, Value::Int(int)) => (min..=max).contains(int),
            (Self::OptionalInt { min }, Value::Int(int)) => (min..=COUNT_MOST).contains(int),
            (Self::Seed, Value::Int(int)) => u32::try_from(*int).is_ok(),
            (Self::Choice(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Self::Neurons(words), Value::Text(text)) => {
                words.contains(&text.as_str()) || is_model(text)
            }
            (Self::Sizes, Value::Int(int)) => (1..=COUNT_MOST).contains(int),
            (Self::Sizes, Value::List(items)) => {
                !items.is_empty() && items.iter().all(|item| Self::Sizes.is_size(item))
            }
            (Self::Classes, Value::List(items)) => !items.is_empty() && items.iter().all(is_index),
            (Self::EpochTrials, Value::List(items)) => {
                items.iter().all(|item| is_pair(item, is_index))
            }
            (Self::Names, Value::List(items)) => items.iter().all(is_text),
            (Self::Pairs, Value::List(items)) => items.iter().all(|item| is_pair(item, is_text)),
            (Self::Speakers, Value::Text(text)) => text == "all",
            (Self::Speakers | Self::Places, list) => are_different(list),
            (Self::NeuronLists, Value::Table(entries)) => {
                entries.iter().all(|(_, list)| are_different(list))
            }
            (Self::Augmentation, Value::Table(entries)) => entries.iter().all(is_augmentation),
            (Self::Every, Value::Int(batches)) => *batches >= 1,
            (Self::Every, Value::Text(text)) => time(text).is_some(),
            (Self::Grazing, Value::Text(text)) => is_grazing(text),
            (Self::Device, Value::Text(text)) => is_device(text),
            (Self::Wiring, Value::Text(text)) => Pairs::named(text).is_some(),
            _ => false,
        }
    }

    fn is_size(self, item: &Value) -> bool {
        matches!(item, Value::Int(_)) && self.holds(item)
    }
}

/// True of what may name a neuron model: a file, or a name as the models have that come along.
fn is_model(text: &str) -> bool {
    let small = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let is_text = text.contains('\n');
    is_text
        || text.to_ascii_lowercase().ends_with(".toml")
        || (!text.is_empty() && text.chars().all(small))
}

fn is_device(text: &str) -> bool {
    let is_number = |number: &str| number.parse::<usize>().is_ok();
    matches!(text, "cpu" | "gpu") || text.strip_prefix("gpu:").is_some_and(is_number)
}

fn accept_float(range: Range, float: f64) -> Option<Value> {
    range.contains(float).then_some(Value::Float(float))
}

fn is_text(value: &Value) -> bool {
    matches!(value, Value::Text(_))
}

fn is_index(value: &Value) -> bool {
    matches!(value, Value::Int(0..))
}

/// True if a list holds at least one whole number and none twice.
fn are_different(list: &Value) -> bool {
    let Value::List(items) = list else {
        return false;
    };
    let repeated = |n: usize| items[..n].contains(&items[n]);
    !items.is_empty() && items.iter().all(is_index) && !(0..items.len()).any(repeated)
}

fn is_pair(value: &Value, of: impl Fn(&Value) -> bool) -> bool {
    matches!(value, Value::List(items) if items.len() == 2 && items.iter().all(of))
}

/// Augmentations without those of strength 0 or with an empty list, which change nothing.
fn with_strength(value: Value) -> Value {
    let Value::Table(mut entries) = value else {
        return value;
    };
    entries.retain(|(name, value)| match (name.as_str(), value) {
        ("blend", Value::List(kept)) => !kept.is_empty(),
        (
            "random_shift" | "ID_jitter" | "shift_xy" | "time_jitter" | "flip_x" | "event_drop",
            of,
        ) => !matches!(of, Value::Int(0)) && *of != Value::Float(0.0),
        _ => true,
    });
    Value::Table(entries)
}

/// True if an entry of AUGMENTATION has a name that exists and a strength that it takes.
fn is_augmentation((name, value): &(String, Value)) -> bool {
    let number = |value: &Value| match value {
        Value::Int(int) => *int as f64,
        Value::Float(float) => *float,
        _ => f64::NAN,
    };
    let numbers = |value: &Value| match value {
        Value::List(items) => items.iter().map(number).collect(),
        _ => Vec::new(),
    };
    let positive = |x: f64| Range::Positive.contains(x);
    let is_share = |x: f64| positive(x) && x <= 1.0;
    match name.as_str() {
        "random_shift" | "ID_jitter" | "shift_xy" | "time_jitter" => positive(number(value)),
        "flip_x" | "event_drop" => is_share(number(value)),
        "random_dilate" => {
            matches!(numbers(value)[..], [least, most] if positive(least) && positive(most) && least <= most)
        }
        "blend" => {
            let kept = numbers(value);
            !kept.is_empty() && kept.into_iter().all(is_share)
        }
        "NORMALISE_SPIKE_NUMBER" => matches!(value, Value::Bool(_)),
        _ => false,
    }
}

/// The pairs of neurons of two layers that are connected, as a key of a wiring says it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pairs {
    /// All of them.
    All,
    /// Each with this probability.
    Probability(f64),
    /// So many sources for every target.
    FanIn(usize),
}

impl Pairs {
    /// From `dense`, `probability:p` or `fan_in:n`; none where the text is something else.
    pub fn named(text: &str) -> Option<Self> {
        if text == "dense" {
            return Some(Self::All);
        }
        let (name, number) = text.split_once(':')?;
        match name {
            "probability" => {
                let probability: f64 = number.parse().ok()?;
                (probability > 0.0 && probability <= 1.0).then_some(Self::Probability(probability))
            }
            "fan_in" => {
                let sources: i64 = number.parse().ok()?;
                (1..=COUNT_MOST)
                    .contains(&sources)
                    .then_some(Self::FanIn(sources as usize))
            }
            _ => None,
        }
    }
}

fn is_grazing(text: &str) -> bool {
    let limit = |text: &str| text.parse().is_ok_and(|x| Range::Positive.contains(x));
    matches!(text, "keep" | "error") || text.strip_prefix("limit:").is_some_and(limit)
}

/// A time such as `90s`, `5min` or `2h`.
pub fn time(text: &str) -> Option<Duration> {
    let units = [("min", 60.0), ("s", 1.0), ("h", 3600.0)];
    let (number, seconds) = units
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    let number: f64 = number.trim().parse().ok()?;
    let positive = number > 0.0 && number.is_finite();
    positive.then(|| Duration::try_from_secs_f64(number * seconds).ok())?
}
