//! Tables of a file of a network, whose keys are taken one by one, and what can be wrong with them.

use eventprop_params::suggest;
use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A fault of a file of a network, and its place.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct FileError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The fault.
    pub fault: FileFault,
}

/// What is wrong in a file of a network.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum FileFault {
    /// It is not TOML.
    #[error("this is not TOML: {message}")]
    Syntax {
        /// What the reader of TOML says.
        message: String,
    },
    /// A key that nothing reads.
    #[error("{owner} has no key {key}; {hint}")]
    UnknownKey {
        /// The table.
        owner: String,
        /// The key.
        key: String,
        /// What may be meant.
        hint: String,
    },
    /// A key that is needed.
    #[error("{owner} needs the key {key}")]
    MissingKey {
        /// The table.
        owner: String,
        /// The key.
        key: &'static str,
    },
    /// A value of another type or range.
    #[error("{key} of {owner} is {found}; expected {expected}")]
    Value {
        /// The table.
        owner: String,
        /// The key.
        key: String,
        /// The value, or its type.
        found: String,
        /// What is accepted.
        expected: String,
    },
    /// A name of something that is not there.
    #[error("{key} of {owner}: there is no {name:?}; {hint}")]
    UnknownName {
        /// The table.
        owner: String,
        /// The key.
        key: String,
        /// The name.
        name: String,
        /// What may be meant.
        hint: String,
    },
}

/// What may be meant by a name that is not known.
pub fn hint(name: &str, known: &[&str]) -> String {
    let all = format!("there is {}", known.join(", "));
    match suggest::closest(name, known.iter().copied()) {
        Some(close) => format!("did you mean {close}? ({all})"),
        None => all,
    }
}

/// The text of a file, in which places are found.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a>(pub &'a str);

impl Text<'_> {
    /// A fault at a byte of the text.
    pub fn fault(self, at: usize, fault: FileFault) -> FileError {
        let before = self.0.get(..at).unwrap_or(self.0);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        FileError {
            line,
            column,
            fault,
        }
    }
}

/// A table of the file.
#[derive(Debug)]
pub struct Fields<'a> {
    text: Text<'a>,
    /// What it describes, for messages.
    pub owner: String,
    /// Where it begins.
    at: usize,
    entries: Vec<(Spanned<String>, Spanned<DeValue<'a>>)>,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The keys of a table.
    pub fn new(text: Text<'a>, owner: &str, at: usize, table: DeTable<'a>) -> Self {
        let key = |key: Spanned<toml::de::DeString<'a>>| {
            let span = key.span();
            Spanned::new(span, key.into_inner().into_owned())
        };
        Self {
            text,
            owner: owner.to_owned(),
            at,
            entries: table
                .into_iter()
                .map(|(k, value)| (key(k), value))
                .collect(),
            asked: Vec::new(),
        }
    }

    /// The value of a key, if it is there.
    pub fn take(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.asked.push(key);
        let place = self.entries.iter().position(|(k, _)| k.get_ref() == key)?;
        let (_, value) = self.entries.remove(place);
        Some(Item {
            text: self.text,
            owner: self.owner.clone(),
            key: key.to_owned(),
            value,
        })
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When it is not there.
    pub fn needed(&mut self, key: &'static str) -> Result<Item<'a>, FileError> {
        let (owner, at, text) = (self.owner.clone(), self.at, self.text);
        self.take(key)
            .ok_or_else(|| text.fault(at, FileFault::MissingKey { owner, key }))
    }

    /// The number of a key, or another one where it is not there.
    ///
    /// # Errors
    /// When it is no number.
    pub fn number_or(&mut self, key: &'static str, other: f64) -> Result<f64, FileError> {
        self.take(key).map_or(Ok(other), |item| item.number())
    }

    /// True where a key says so; `other` where it is not there.
    ///
    /// # Errors
    /// When it is neither true nor false.
    pub fn flag_or(&mut self, key: &'static str, other: bool) -> Result<bool, FileError> {
        self.take(key).map_or(Ok(other), |item| item.flag())
    }

    /// Keys that may be meant by one that nothing reads.
    pub fn know(&mut self, keys: &[&'static str]) {
        self.asked.extend(keys);
    }

    /// True if there is a key.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(k, _)| k.get_ref() == key)
    }

    /// The end of the table.
    ///
    /// # Errors
    /// When it has keys that were not asked for.
    pub fn end(self) -> Result<(), FileError> {
        let Some((key, _)) = self.entries.first() else {
            return Ok(());
        };
        let fault = FileFault::UnknownKey {
            owner: self.owner,
            hint: hint(key.get_ref(), &self.asked),
            key: key.get_ref().clone(),
        };
        Err(self.text.fault(key.span().start, fault))
    }
}

/// The value of a key.
#[derive(Debug)]
pub struct Item<'a> {
    text: Text<'a>,
    owner: String,
    key: String,
    value: Spanned<DeValue<'a>>,
}

impl<'a> Item<'a> {
    /// The fault that it is something else than expected.
    pub fn expected(&self, expected: &str) -> FileError {
        let found = match self.value.get_ref() {
            DeValue::Table(_) => "a table".to_owned(),
            DeValue::Array(list) => format!("a list of {}", list.len()),
            _ => self
                .text
                .0
                .get(self.value.span())
                .unwrap_or_default()
                .to_owned(),
        };
        let fault = FileFault::Value {
            owner: self.owner.clone(),
            key: self.key.clone(),
            found,
            expected: expected.to_owned(),
        };
        self.text.fault(self.value.span().start, fault)
    }

    /// The fault that there is nothing of its name.
    pub fn unknown(&self, name: &str, known: &[&str]) -> FileError {
        let fault = FileFault::UnknownName {
            owner: self.owner.clone(),
            key: self.key.clone(),
            name: name.to_owned(),
            hint: hint(name, known),
        };
        self.text.fault(self.value.span().start, fault)
    }

    fn at<T>(&self, found: Option<T>, expected: &str) -> Result<T, FileError> {
        found.ok_or_else(|| self.expected(expected))
    }

    /// Text that is not empty.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&self) -> Result<String, FileError> {
        let found = self.value.get_ref().as_str();
        let found = found.filter(|text| !text.is_empty()).map(str::to_owned);
        self.at(found, "text, such as \"hidden\"")
    }

    /// A finite number.
    ///
    /// # Errors
    /// When it is something else.
    pub fn number(&self) -> Result<f64, FileError> {
        self.at(number(self.value.get_ref()), "a finite number")
    }

    /// A whole number of at least `least`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn whole(&self, least: u32) -> Result<usize, FileError> {
        let found = whole(self.value.get_ref()).filter(|found| *found >= least as usize);
        self.at(
            found,
            &format!(
                "a whole number of at least {least} and at most {}",
                u32::MAX
            ),
        )
    }

    /// Whole numbers of at least `least`, so many.
    ///
    /// # Errors
    /// When it is something else.
    pub fn wholes<const N: usize>(&self, least: u32) -> Result<[usize; N], FileError> {
        let list = self.value.get_ref().as_array();
        let numbers: Option<Vec<usize>> =
            list.and_then(|list| list.iter().map(|item| whole(item.get_ref())).collect());
        let fits = |numbers: &[usize; N]| numbers.iter().all(|n| *n >= least as usize);
        let found = numbers
            .and_then(|numbers| numbers.try_into().ok())
            .filter(fits);
        self.at(
            found,
            &format!("a list of {N} whole numbers of at least {least}"),
        )
    }

    /// True or false.
    ///
    /// # Errors
    /// When it is something else.
    pub fn flag(&self) -> Result<bool, FileError> {
        self.at(self.value.get_ref().as_bool(), "true or false")
    }

    /// Numbers, listed as they are or row by row.
    ///
    /// # Errors
    /// When it is something else.
    pub fn numbers(&self) -> Result<Vec<f64>, FileError> {
        fn flat(value: &DeValue<'_>, into: &mut Vec<f64>) -> Option<()> {
            match value {
                DeValue::Array(list) => list.iter().try_for_each(|item| flat(item.get_ref(), into)),
                value => {
                    into.push(number(value)?);
                    Some(())
                }
            }
        }
        let mut numbers = Vec::new();
        let found = self.value.get_ref().is_array().then_some(());
        let found = found.and_then(|()| flat(self.value.get_ref(), &mut numbers));
        self.at(found, "a list of finite numbers")?;
        Ok(numbers)
    }

    /// True of a list.
    pub fn is_list(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// True of a table.
    pub fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    /// Its entries as a table; the owner is what the messages call it.
    ///
    /// # Errors
    /// When it is none.
    pub fn table(self, owner: &str) -> Result<Fields<'a>, FileError> {
        let at = self.value.span().start;
        if !self.is_table() {
            return Err(self.expected("a table"));
        }
        match self.value.into_inner() {
            DeValue::Table(table) => Ok(Fields::new(self.text, owner, at, table)),
            _ => unreachable!("it is a table"),
        }
    }

    /// Its items, as a list.
    ///
    /// # Errors
    /// When it is none.
    pub fn list(self) -> Result<Vec<Self>, FileError> {
        if !self.is_list() {
            return Err(self.expected("a list"));
        }
        let DeValue::Array(list) = self.value.into_inner() else {
            unreachable!("it is a list");
        };
        let item = |value| Self {
            text: self.text,
            owner: self.owner.clone(),
            key: self.key.clone(),
            value,
        };
        Ok(list.into_iter().map(item).collect())
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    let found = match value {
        DeValue::Integer(int) => int.to_string().parse().ok(),
        DeValue::Float(float) => float.to_string().parse().ok(),
        _ => None,
    };
    found.filter(|number: &f64| number.is_finite())
}

fn whole(value: &DeValue<'_>) -> Option<usize> {
    let DeValue::Integer(int) = value else {
        return None;
    };
    let number = u32::from_str_radix(int.as_str(), int.radix()).ok()?;
    usize::try_from(number).ok()
}
