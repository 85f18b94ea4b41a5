//! Columns of a table of events.

use std::str::FromStr;

use thiserror::Error;

use super::{Event, EventProblem, Polarity};

/// Unit of a column of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
    /// None is named: microseconds, which are whole.
    Unsaid,
}

/// What a time without a named unit is to be.
pub(super) const UNSAID: &str = "whole number of µs, the unit of times whose name says no other: name the column t_s, t_ms or t_us";

impl TimeUnit {
    /// A time in µs, rounded to the nearest; `None` when it is not finite or too long for 64 bits, and for a fraction of
    /// an unsaid unit.
    pub fn to_us(self, time: f64) -> Option<i64> {
        let us = match self {
            Self::Ms => time * 1e3,
            Self::S => time * 1e6,
            Self::Unsaid if time.fract() != 0.0 => return None,
            Self::Us | Self::Unsaid => time,
        };
        // 2⁶² µs are 146,000 years.
        (us.abs() < 2f64.powi(62)).then(|| us.round() as i64)
    }
}

/// Meaning of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Time.
    Time(TimeUnit),
    /// Column of the sensor, or channel.
    X,
    /// Row of the sensor.
    Y,
    /// Polarity: above 0 is ON.
    Polarity,
    /// A channel of a list of channels.
    Channel,
    /// Nothing that is read.
    Unused,
}

impl Column {
    /// The meaning of a name; case does not matter.
    pub fn named(name: &str) -> Self {
        match name.trim().to_lowercase().as_str() {
            "t" | "ts" | "time" | "timestamp" => Self::Time(TimeUnit::Unsaid),
            "t_us" | "time_us" | "timestamp_us" => Self::Time(TimeUnit::Us),
            "t_ms" | "time_ms" | "timestamp_ms" => Self::Time(TimeUnit::Ms),
            "t_s" | "time_s" | "timestamp_s" => Self::Time(TimeUnit::S),
            "x" | "xs" => Self::X,
            "y" | "ys" => Self::Y,
            "p" | "ps" | "pol" | "polarity" | "on" => Self::Polarity,
            "channel" | "unit" | "neuron" => Self::Channel,
            _ => Self::Unused,
        }
    }
}

/// The columns of a table, from left to right.
///
/// ```
/// use eventprop_data::formats::events::columns::Columns;
/// let columns: Columns = "x,y,p,t_ms".parse()?;
/// assert_eq!(columns.len(), 4);
/// # Ok::<(), eventprop_data::formats::events::columns::ColumnsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    columns: Vec<Column>,
    names: Vec<String>,
}

/// Columns without a time or without a place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the columns {found:?} are not those of events; {NEEDED}")]
pub struct ColumnsError {
    /// The names.
    pub found: Vec<String>,
}

const NEEDED: &str = "name one column t (whole µs), t_us, t_ms or t_s, and x, y and p of a camera or channel of a list of \
     channels; name what is not to be read _";

/// One row of a table.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row {
    /// Time in µs.
    pub t_us: i64,
    /// Column of the sensor, or channel.
    pub x: i64,
    /// Row of the sensor.
    pub y: i64,
    /// Polarity: 1 is ON, 0 or −1 OFF.
    pub p: f64,
}

/// A whole number that was written as a float.
pub fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 2f64.powi(53)).then_some(value as i64)
}

impl Row {
    /// The event, if its coordinates have 16 bits and its polarity is one: another number is that of another column.
    pub fn event(self, polarity: Polarity) -> Option<Event> {
        if polarity != Polarity::None && ![-1.0, 0.0, 1.0].contains(&self.p) {
            return None;
        }
        Some(Event {
            t_us: self.t_us,
            x: u16::try_from(self.x).ok()?,
            y: u16::try_from(self.y).ok()?,
            on: polarity == Polarity::None || self.p > 0.0,
        })
    }
}

impl Columns {
    /// Columns by their names.
    ///
    /// # Errors
    /// [`ColumnsError`] unless there are one time and either a channel or x.
    pub fn named(names: &[impl AsRef<str>]) -> Result<Self, ColumnsError> {
        let names: Vec<String> = names.iter().map(|n| n.as_ref().trim().to_owned()).collect();
        let columns: Vec<Column> = names.iter().map(|name| Column::named(name)).collect();
        let count = |wanted: fn(&Column) -> bool| columns.iter().filter(|c| wanted(c)).count();
        let times = count(|c| matches!(c, Column::Time(_)));
        let places = count(|c| matches!(c, Column::X | Column::Channel));
        let once =
            count(|c| matches!(c, Column::Y)) < 2 && count(|c| matches!(c, Column::Polarity)) < 2;
        if times != 1 || places != 1 || !once {
            return Err(ColumnsError { found: names });
        }
        Ok(Self { columns, names })
    }

    /// Number of columns, those included that are not read.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// True without columns; there always is one.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The meanings, from left to right.
    pub fn iter(&self) -> impl Iterator<Item = Column> + '_ {
        self.columns.iter().copied()
    }

    /// The time of a row whose unit nobody named, if it is no whole number; `value` gives the numbers of the row.
    pub(super) fn fraction(&self, value: impl Fn(usize) -> f64) -> Option<f64> {
        let mut columns = self.columns.iter();
        let time = columns.position(|column| *column == Column::Time(TimeUnit::Unsaid))?;
        let found = value(time);
        (found.is_finite() && found.fract() != 0.0).then_some(found)
    }

    /// Presence of polarities in the events.
    pub fn polarity(&self) -> Polarity {
        if self.columns.contains(&Column::Polarity) {
            Polarity::OnOff
        } else {
            Polarity::None
        }
    }

    /// Names of the columns that are not read and are not called `_`, or nothing, as numbers of rows are.
    pub fn unused(&self) -> Vec<String> {
        let pairs = self.columns.iter().zip(&self.names);
        pairs
            .filter(|(column, name)| {
                **column == Column::Unused && !matches!(name.as_str(), "_" | "")
            })
            .map(|(_, name)| name.clone())
            .collect()
    }
}

impl FromStr for Columns {
    type Err = ColumnsError;

    fn from_str(names: &str) -> Result<Self, ColumnsError> {
        Self::named(&names.split(',').collect::<Vec<_>>())
    }
}

impl From<ColumnsError> for EventProblem {
    fn from(error: ColumnsError) -> Self {
        Self::Columns {
            found: error.found,
            needed: NEEDED,
        }
    }
}
