//! Values of parameters as users write them: on the command line, in JSON or TOML files, in Python.
//!
//! Every source is turned into a [`Value`] first, so that one set of rules decides what a key accepts.

use std::fmt;

use crate::row::Kind;

/// Brackets in each other that are read; no key takes more than three.
pub const NESTED_MAX: usize = 16;

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: `None`, `null`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// Names with values, in the order in which they are written.
    Table(Vec<(String, Value)>),
}

impl Value {
    /// A value from the right-hand side of `KEY=VALUE`: a number, `true`/`false`, `none`, a list or a
    /// table in JSON's or Python's notation, or else text, with or without quotes.
    pub fn parse(text: &str) -> Self {
        Self::parse_inside(text, NESTED_MAX)
    }

    /// The same for a key of some kind: where any text is accepted, `007` and `1e3` are text as they stand.
    pub fn typed(text: &str, kind: Kind) -> Self {
        match (kind, Self::parse(text)) {
            (Kind::OptionalText, Self::None) => Self::None,
            (Kind::Text | Kind::OptionalText, _) => Self::Text(unquoted(text.trim()).to_owned()),
            (_, value) => value,
        }
    }

    /// The same for a value that may hold so many brackets in each other.
    fn parse_inside(text: &str, nested: usize) -> Self {
        let text = text.trim();
        match text {
            "None" | "none" | "null" => return Self::None,
            "True" | "true" => return Self::Bool(true),
            "False" | "false" => return Self::Bool(false),
            _ => {}
        }
        if let Ok(int) = text.parse() {
            return Self::Int(int);
        }
        // Rust also reads "inf" and "nan", which are words here and become errors where a number is
        // wanted.
        let numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        if let (true, Ok(float)) = (numeric, text.parse()) {
            return Self::Float(float);
        }
        if text.starts_with(['[', '(']) {
            return parse_list(text, nested).unwrap_or_else(|| Self::Text(text.to_owned()));
        }
        if text.starts_with('{') {
            return parse_table(text, nested).unwrap_or_else(|| Self::Text(text.to_owned()));
        }
        Self::Text(unquoted(text).to_owned())
    }

    /// A value from JSON; `None` for a number that no float holds.
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        use serde_json::Value as Json;
        Some(match json {
            Json::Null => Self::None,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(int) => Self::Int(int),
                Option::None => Self::Float(number.as_f64()?),
            },
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => {
                Self::List(items.iter().map(Self::from_json).collect::<Option<_>>()?)
            }
            Json::Object(entries) => {
                let entry =
                    |(name, value): (&String, &Json)| Some((name.clone(), Self::from_json(value)?));
                Self::Table(entries.iter().map(entry).collect::<Option<_>>()?)
            }
        })
    }

    /// The same with every number that has no fraction as a whole number: `7644.0` as NumPy, R and JavaScript
    /// write it, also inside of lists and tables.
    #[must_use]
    pub fn counted(self) -> Self {
        // Every float below 2⁶³ without a fraction is a whole number of 64 bits.
        let is_whole = |float: f64| float.fract() == 0.0 && float.abs() < 2f64.powi(63);
        match self {
            Self::Float(float) if is_whole(float) => Self::Int(float as i64),
            Self::List(items) => Self::List(items.into_iter().map(Self::counted).collect()),
            Self::Table(entries) => {
                let entries = entries.into_iter();
                Self::Table(
                    entries
                        .map(|(name, value)| (name, value.counted()))
                        .collect(),
                )
            }
            other => other,
        }
    }

    /// A value from TOML; `None` for dates, which have no place among parameters.
    pub fn from_toml(toml: &toml::Value) -> Option<Self> {
        Some(match toml {
            toml::Value::Boolean(flag) => Self::Bool(*flag),
            toml::Value::Integer(int) => Self::Int(*int),
            toml::Value::Float(float) => Self::Float(*float),
            toml::Value::String(text) => Self::Text(text.clone()),
            toml::Value::Array(items) => {
                Self::List(items.iter().map(Self::from_toml).collect::<Option<_>>()?)
            }
            toml::Value::Table(entries) => {
                let entry = |(name, value): (&String, &toml::Value)| {
                    Some((name.clone(), Self::from_toml(value)?))
                };
                Self::Table(entries.iter().map(entry).collect::<Option<_>>()?)
            }
            toml::Value::Datetime(_) => return Option::None,
        })
    }

    /// The value as JSON. A number that is not finite becomes null; no key accepts one.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::None => serde_json::Value::Null,
            Self::Bool(flag) => (*flag).into(),
            Self::Int(int) => (*int).into(),
            Self::Float(float) => (*float).into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Table(entries) => {
                let entry = |(name, value): &(String, Self)| (name.clone(), value.to_json());
                serde_json::Value::Object(entries.iter().map(entry).collect())
            }
        }
    }
}

/// The value as it is written on the command line; [`Value::parse`] reads it back.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Int(int) => write!(f, "{int}"),
            // Debug keeps a point or an exponent in every number, so that it stays a float.
            Self::Float(float) => write!(f, "{float:?}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}", item.inside())?;
                }
                f.write_str("]")
            }
            Self::Table(entries) => {
                f.write_str("{")?;
                for (index, (name, value)) in entries.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}\"{name}\":{}", value.inside())?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Value {
    /// The value as it is written inside of brackets, where text stands in quotes.
    fn inside(&self) -> String {
        match self {
            Self::Text(text) => format!("\"{text}\""),
            other => other.to_string(),
        }
    }
}

/// A list in JSON's or Python's notation; `None` when the brackets do not fit, or too many stand in each other.
fn parse_list(text: &str, nested: usize) -> Option<Value> {
    let nested = nested.checked_sub(1)?;
    let open = text.chars().next()?;
    let close = if open == '[' { ']' } else { ')' };
    let inside = text[1..].strip_suffix(close)?.trim();
    let mut items = Vec::new();
    for part in split_outside_brackets(inside)? {
        items.push(match Value::parse_inside(part, nested) {
            // A bracket that did not fit, rather than text.
            Value::Text(text) if text.starts_with(['[', '(', '{']) => return None,
            item => item,
        });
    }
    Some(Value::List(items))
}

/// A table in JSON's or Python's notation; `None` when it is none, or names something twice.
fn parse_table(text: &str, nested: usize) -> Option<Value> {
    let nested = nested.checked_sub(1)?;
    let inside = text.strip_prefix('{')?.strip_suffix('}')?.trim();
    let mut entries: Vec<(String, Value)> = Vec::new();
    for part in split_outside_brackets(inside)? {
        let (name, value) = part.split_once(':')?;
        let name = unquoted(name.trim()).to_owned();
        let value = match Value::parse_inside(value, nested) {
            Value::Text(text) if text.starts_with(['[', '(', '{']) => return None,
            value => value,
        };
        if name.is_empty() || entries.iter().any(|(other, _)| *other == name) {
            return None;
        }
        entries.push((name, value));
    }
    Some(Value::Table(entries))
}

/// The parts between commas that are in no inner bracket and no quotes; a last comma is allowed.
fn split_outside_brackets(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(mark), _) if c == mark => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '(' | '{') => depth += 1,
            (None, ']' | ')' | '}') => depth = depth.checked_sub(1)?,
            (None, ',') if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            (Some(_) | None, _) => {}
        }
    }
    if !text[start..].trim().is_empty() {
        parts.push(&text[start..]);
    }
    (depth == 0 && quote.is_none()).then_some(parts)
}

fn unquoted(text: &str) -> &str {
    let inside = |mark: char| text.strip_prefix(mark)?.strip_suffix(mark);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_knows_numbers_words_and_lists() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        for (text, value) in [
            ("32", Value::Int(32)),
            ("-1", Value::Int(-1)),
            ("5e-3", Value::Float(5e-3)),
            (".5", Value::Float(0.5)),
            ("True", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("None", Value::None),
            ("null", Value::None),
            ("max", Value::Text("max".into())),
            ("'max'", Value::Text("max".into())),
            ("nan", Value::Text("nan".into())),
            ("inf", Value::Text("inf".into())),
            ("[]", Value::List(vec![])),
            (
                "[64, 32]",
                Value::List(vec![Value::Int(64), Value::Int(32)]),
            ),
            ("[64", Value::Text("[64".into())),
            ("[[1,2)]", Value::Text("[[1,2)]".into())),
            (&deep, Value::Text(deep.clone())),
        ] {
            assert_eq!(Value::parse(text), value, "{text}");
        }
    }

    #[test]
    fn lists_nest_in_both_notations() {
        let pairs = Value::List(vec![
            Value::List(vec![Value::Int(0), Value::Int(10)]),
            Value::List(vec![Value::Text("hidden".into()), Value::Text("V".into())]),
        ]);
        for text in [
            r#"[[0, 10], ["hidden", "V"]]"#,
            "[(0, 10), ('hidden', 'V'),]",
            "((0,10),(hidden,V))",
        ] {
            assert_eq!(Value::parse(text), pairs, "{text}");
        }
        assert_eq!(Value::parse(&pairs.to_string()), pairs);
        assert_eq!(Value::from_json(&pairs.to_json()), Some(pairs));
    }

    #[test]
    fn tables_keep_their_order_in_every_notation() {
        let table = Value::Table(vec![
            ("random_shift".into(), Value::Float(40.0)),
            (
                "blend".into(),
                Value::List(vec![Value::Float(0.5), Value::Float(0.5)]),
            ),
            ("a".into(), Value::Bool(false)),
        ]);
        for text in [
            r#"{"random_shift": 40.0, "blend": [0.5, 0.5], "a": false}"#,
            "{'random_shift': 40.0, 'blend': (0.5, 0.5), 'a': False,}",
            "{random_shift:40.0,blend:[0.5,0.5],a:false}",
        ] {
            assert_eq!(Value::parse(text), table, "{text}");
        }
        assert_eq!(Value::parse(&table.to_string()), table);
        assert_eq!(Value::from_json(&table.to_json()), Some(table.clone()));
        let toml: toml::Table = "x = {random_shift = 40.0, blend = [0.5, 0.5], a = false}"
            .parse()
            .expect("TOML");
        assert_eq!(Value::from_toml(&toml["x"]), Some(table));
        assert_eq!(Value::parse("{}"), Value::Table(vec![]));
        for text in ["{a}", "{a:1,a:2}", "{a:[1}", "{:1}"] {
            assert_eq!(Value::parse(text), Value::Text(text.into()), "{text}");
        }
    }
}
