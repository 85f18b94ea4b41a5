//! Values of parameters as users write them: on the command line, in JSON or TOML files, in Python.
//!
//! Every source is turned into a [`Value`] first, so that one set of rules decides what a key accepts.

use std::fmt;

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
}

impl Value {
    /// A value from the right-hand side of `KEY=VALUE`: a number, `true`/`false`, `none`, a list in
    /// JSON's or Python's notation, or else text, with or without quotes.
    pub fn parse(text: &str) -> Self {
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
            return parse_list(text).unwrap_or_else(|| Self::Text(text.to_owned()));
        }
        Self::Text(unquoted(text).to_owned())
    }

    /// A value from JSON; objects have no place among parameters.
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
            Json::Object(_) => return Option::None,
        })
    }

    /// A value from TOML; tables and dates have no place among parameters.
    pub fn from_toml(toml: &toml::Value) -> Option<Self> {
        Some(match toml {
            toml::Value::Boolean(flag) => Self::Bool(*flag),
            toml::Value::Integer(int) => Self::Int(*int),
            toml::Value::Float(float) => Self::Float(*float),
            toml::Value::String(text) => Self::Text(text.clone()),
            toml::Value::Array(items) => {
                Self::List(items.iter().map(Self::from_toml).collect::<Option<_>>()?)
            }
            toml::Value::Datetime(_) | toml::Value::Table(_) => return Option::None,
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
                    match item {
                        Self::Text(text) => write!(f, "{comma}\"{text}\"")?,
                        item => write!(f, "{comma}{item}")?,
                    }
                }
                f.write_str("]")
            }
        }
    }
}

/// A list in JSON's or Python's notation; `None` when the brackets do not fit.
fn parse_list(text: &str) -> Option<Value> {
    let open = text.chars().next()?;
    let close = if open == '[' { ']' } else { ')' };
    let inside = text[1..].strip_suffix(close)?.trim();
    let mut items = Vec::new();
    for part in split_outside_brackets(inside)? {
        items.push(match Value::parse(part) {
            // A bracket that did not fit, rather than text.
            Value::Text(text) if text.starts_with(['[', '(']) => return None,
            item => item,
        });
    }
    Some(Value::List(items))
}

/// The parts between commas that are in no inner bracket and no quotes; a last comma is allowed.
fn split_outside_brackets(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(mark), _) if c == mark => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.checked_sub(1)?,
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
}
