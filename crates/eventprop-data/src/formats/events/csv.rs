//! Text with one event a line: comma, semicolon, tab or blanks between the values.
//!
//! The first line that is not empty and does not begin with `#` or `%` names the columns: `t` (µs), `t_ms` or
//! `t_s`, then `x`, `y` and `p` of a camera, or `channel` of a list of channels, in any order. Without
//! such a line the columns have to be given by the caller.

use std::io::{self, Write};

use super::collector::Collector;
use super::columns::{Column, Columns, Row, TimeUnit};
use super::{EventProblem, Format, Polarity, Recording};

/// So many bytes are looked at to recognise text.
const LOOKED_AT: usize = 4096;

/// True for text with more than one value a line.
pub fn looks_like_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    let text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    // Three bytes of a byte order mark are allowed; other text beyond ASCII is no table of numbers.
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    !start.is_empty() && start.iter().all(text)
}

/// A line and the byte at which it begins.
struct Line<'a> {
    number: usize,
    offset: usize,
    text: &'a str,
}

/// Reads a recording; `columns` are those of a table without names.
pub fn parse(bytes: &[u8], columns: Option<&Columns>) -> Result<Recording, EventProblem> {
    let mut lines = Lines::new(bytes);
    let columns = match columns {
        Some(columns) => columns.clone(),
        None => named(&mut lines)?,
    };
    let polarity = columns.polarity();
    let mut collector = Collector::new(Format::Csv, None);
    collector.notes.columns = columns.unused();
    while let Some(line) = lines.next()? {
        let row = row(&line, &columns)?;
        let event = row.event(polarity).ok_or_else(|| EventProblem::Value {
            line: line.number,
            offset: line.offset as u64,
            found: line.text.to_owned(),
            expected: "event with coordinates from 0 to 65535",
        })?;
        collector.push(line.offset, event)?;
    }
    Ok(collector.finish(polarity))
}

fn named(lines: &mut Lines<'_>) -> Result<Columns, EventProblem> {
    let Some(first) = lines.next()? else {
        return Err(EventProblem::Empty);
    };
    let names: Vec<&str> = values(first.text).collect();
    Ok(Columns::named(&names)?)
}

/// The values of a line.
fn values(line: &str) -> impl Iterator<Item = &str> {
    let separator = [',', ';', '\t'].into_iter().find(|s| line.contains(*s));
    let blanks = separator.is_none();
    line.split(move |c: char| separator.map_or(c == ' ', |s| c == s))
        .map(str::trim)
        .filter(move |value| !(blanks && value.is_empty()))
}

fn row(line: &Line<'_>, columns: &Columns) -> Result<Row, EventProblem> {
    let mut row = Row::default();
    let mut values = values(line.text);
    for column in columns.iter() {
        let text = values.next().unwrap_or("");
        let expected = match column {
            Column::Time(unit) => set(&mut row.t_us, time(text, unit), "time"),
            Column::X | Column::Channel => set(&mut row.x, text.parse().ok(), "whole number"),
            Column::Y => set(&mut row.y, text.parse().ok(), "whole number"),
            Column::Polarity => set(
                &mut row.p,
                polarity(text),
                "polarity (0, 1, -1, true, false)",
            ),
            Column::Unused => Ok(()),
        };
        expected.map_err(|expected| EventProblem::Value {
            line: line.number,
            offset: line.offset as u64,
            found: text.to_owned(),
            expected,
        })?;
    }
    Ok(row)
}

fn set<T>(slot: &mut T, value: Option<T>, expected: &'static str) -> Result<(), &'static str> {
    *slot = value.ok_or(expected)?;
    Ok(())
}

/// A time in µs; whole µs are read exactly.
fn time(text: &str, unit: TimeUnit) -> Option<i64> {
    match (unit, text.parse::<i64>()) {
        (TimeUnit::Us, Ok(us)) => Some(us),
        _ => unit.to_us(text.parse().ok()?),
    }
}

fn polarity(text: &str) -> Option<f64> {
    match text.to_lowercase().as_str() {
        "true" | "on" => Some(1.0),
        "false" | "off" => Some(0.0),
        number => number.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

/// The lines that hold something.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    number: usize,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let at = if bytes.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        Self {
            bytes,
            at,
            number: 0,
        }
    }

    fn next(&mut self) -> Result<Option<Line<'a>>, EventProblem> {
        while self.at < self.bytes.len() {
            let offset = self.at;
            let rest = &self.bytes[offset..];
            let length = rest.iter().position(|byte| *byte == b'\n');
            self.at += length.map_or(rest.len(), |length| length + 1);
            self.number += 1;
            let raw = &rest[..length.unwrap_or(rest.len())];
            let text = std::str::from_utf8(raw).map_err(|_| EventProblem::Value {
                line: self.number,
                offset: offset as u64,
                found: String::from_utf8_lossy(raw).chars().take(40).collect(),
                expected: "text",
            })?;
            let text = text.trim();
            if !text.is_empty() && !text.starts_with(['#', '%']) {
                return Ok(Some(Line {
                    number: self.number,
                    offset,
                    text,
                }));
            }
        }
        Ok(None)
    }
}

/// Writes a recording.
pub fn write(recording: &Recording, out: &mut dyn Write) -> io::Result<()> {
    let sensor = recording.sensor;
    let channels = sensor.polarity == Polarity::None && sensor.height == 1;
    if channels {
        writeln!(out, "t_us,channel")?;
    } else if sensor.polarity == Polarity::None {
        writeln!(out, "t_us,x,y")?;
    } else {
        writeln!(out, "t_us,x,y,p")?;
    }
    for event in &recording.events {
        if channels {
            writeln!(out, "{},{}", event.t_us, event.x)?;
        } else if sensor.polarity == Polarity::None {
            writeln!(out, "{},{},{}", event.t_us, event.x, event.y)?;
        } else {
            let p = u8::from(event.on);
            writeln!(out, "{},{},{},{p}", event.t_us, event.x, event.y)?;
        }
    }
    Ok(())
}
