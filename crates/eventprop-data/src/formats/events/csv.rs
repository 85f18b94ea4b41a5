//! Text with one event a line: semicolon, tab, comma or blanks between the values, the first of them that a line has.
//!
//! The first line that is not empty and does not begin with `#` or `%` names the columns: `t` (whole µs), `t_us`, `t_ms` or
//! `t_s`, then `x`, `y` and `p` of a camera, or `channel` of a list of channels, in any order. Without
//! such a line the columns have to be given by the caller. Whole numbers may be written as `30`, `30.0` or `3.0e+01`,
//! values may stand in quotation marks, and fractions behind a comma where no comma parts the values. A line
//! `%geometry:1280,720` gives the size of the sensor.

use std::io::{self, Write};

use super::collector::Collector;
use super::columns::{Column, Columns, Row, TimeUnit, UNSAID, whole};
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
    let mut size = geometry(bytes);
    if size.is_none() && columns.is_none_or(|columns| columns.len() > 2) {
        size = lines.size()?;
    }
    let columns = match columns {
        Some(columns) => columns.clone(),
        None => named(&mut lines)?,
    };
    let polarity = columns.polarity();
    let mut collector = Collector::new(Format::Csv, size);
    collector.notes.columns = columns.unused();
    while let Some(line) = lines.next()? {
        let row = row(&line, &columns)?;
        let event = row.event(polarity).ok_or_else(|| EventProblem::Value {
            line: line.number,
            offset: line.offset as u64,
            found: line.text.to_owned(),
            expected: "event with coordinates from 0 to 65535 and a polarity of 0, 1 or -1",
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

/// Columns and rows of the sensor, where a first line begins with `%geometry:`.
fn geometry(bytes: &[u8]) -> Option<(u32, u32)> {
    let size = bytes
        .strip_prefix(b"%geometry:")?
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .next()?;
    let (width, height) = std::str::from_utf8(size).ok()?.split_once(',')?;
    Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
}

/// What parts the values of a line; `None` for blanks.
fn separator(line: &str) -> Option<char> {
    [';', '\t', ','].into_iter().find(|s| line.contains(*s))
}

/// The values of a line, without quotation marks.
fn values(line: &str) -> impl Iterator<Item = &str> {
    let separator = separator(line);
    line.split(move |c: char| separator.map_or(c == ' ', |s| c == s))
        .map(|value| value.trim().trim_matches('"').trim())
        .filter(move |value| separator.is_some() || !value.is_empty())
}

fn row(line: &Line<'_>, columns: &Columns) -> Result<Row, EventProblem> {
    let refused = |found: &str, expected| EventProblem::Value {
        line: line.number,
        offset: line.offset as u64,
        found: found.to_owned(),
        expected,
    };
    let mut row = Row::default();
    let mut values = values(line.text);
    let commas = separator(line.text) != Some(',');
    for column in columns.iter() {
        let found = values.next().unwrap_or("");
        // 0,1 where no comma parts the values.
        let with_point = (commas && found.contains(',')).then(|| found.replacen(',', ".", 1));
        let text = with_point.as_deref().unwrap_or(found);
        let expected = match column {
            Column::Time(unit) => {
                let is_number = text.parse().is_ok_and(f64::is_finite);
                let fraction = unit == TimeUnit::Unsaid && is_number;
                let expected = if fraction { UNSAID } else { "time" };
                set(&mut row.t_us, time(text, unit), expected)
            }
            Column::X | Column::Channel => set(&mut row.x, coordinate(text), "whole number"),
            Column::Y => set(&mut row.y, coordinate(text), "whole number"),
            Column::Polarity => set(
                &mut row.p,
                polarity(text),
                "polarity (0, 1, -1, true, false)",
            ),
            Column::Unused => Ok(()),
        };
        expected.map_err(|expected| refused(found, expected))?;
    }
    match values.find(|value| !value.is_empty()) {
        None => Ok(row),
        Some(more) => Err(refused(
            more,
            "value of a column with a name; name all columns, and _ those that are not to be read",
        )),
    }
}

fn set<T>(slot: &mut T, value: Option<T>, expected: &'static str) -> Result<(), &'static str> {
    *slot = value.ok_or(expected)?;
    Ok(())
}

/// A time in µs; whole µs are read exactly.
fn time(text: &str, unit: TimeUnit) -> Option<i64> {
    match (unit, text.parse::<i64>()) {
        (TimeUnit::Us | TimeUnit::Unsaid, Ok(us)) => Some(us),
        _ => unit.to_us(text.parse().ok()?),
    }
}

/// A whole number, also one that was written as a float.
fn coordinate(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| whole(text.parse().ok()?))
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

    /// Columns and rows of the sensor, where the next line is two whole numbers (e2vid); it is then skipped.
    fn size(&mut self) -> Result<Option<(u32, u32)>, EventProblem> {
        let before = (self.at, self.number);
        let line = self.next()?.map_or("", |line| line.text);
        let numbers: Vec<Option<u32>> = values(line).map(|value| value.parse().ok()).collect();
        if let [Some(width), Some(height)] = numbers[..] {
            return Ok(Some((width, height)));
        }
        (self.at, self.number) = before;
        Ok(None)
    }

    fn next(&mut self) -> Result<Option<Line<'a>>, EventProblem> {
        while self.at < self.bytes.len() {
            let offset = self.at;
            let rest = &self.bytes[offset..];
            // Lines end with \n, \r\n or \r.
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let length = end.unwrap_or(rest.len());
            self.at += length
                + if rest[length..].starts_with(b"\r\n") {
                    2
                } else {
                    1
                };
            self.number += 1;
            let raw = &rest[..length];
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
