//! NumPy arrays of events: with named fields, as tonic and others make them, or plain ones of two or
//! four columns.
//!
//! Names mean what they mean in a text table ([`super::columns`]). A plain array of four columns is
//! read as x, y, polarity and time in ms, the layout of the clips of DVS128 Gesture that tonic hands
//! out, unless the caller names the columns; other plain arrays need names.

use std::io::{self, Write};

use super::collector::{Collector, damaged};
use super::columns::{Column, Columns, Row, TimeUnit, UNSAID};
use super::{EventProblem, Format, Polarity, Recording};
use crate::formats::npy::number::{Field, Kind};
use crate::formats::npy::{self, HeaderText, NpyProblem};

/// Layout of the rows of the table.
struct Layout {
    columns: Columns,
    fields: Vec<Field>,
    record_bytes: usize,
    rows: usize,
}

/// Reads a recording; `columns` are those of a plain array.
pub fn parse(bytes: &[u8], columns: Option<&Columns>) -> Result<Recording, EventProblem> {
    let (text, start) = npy::header_text(bytes).map_err(|problem| unfit(&problem))?;
    let layout = layout(&text, columns)?;
    let expected = layout.rows.checked_mul(layout.record_bytes);
    let found = bytes.len() - start;
    if expected.is_none_or(|expected| found > expected) {
        let found = format!("{found} bytes of values");
        let expected = "as many as the header says";
        return Err(damaged(Format::Npy, start, found, expected));
    }
    let polarity = layout.columns.polarity();
    let mut collector = Collector::new(Format::Npy, None);
    collector.notes.columns = layout.columns.unused();
    if expected != Some(found) {
        collector.truncated(start + found - found % layout.record_bytes);
    }
    if text.names.is_none() && columns.is_none() {
        let assumed = "columns x, y, polarity, time in ms, because the array names none";
        collector.notes.assumed.push(assumed);
    }
    for (n, record) in bytes[start..].chunks_exact(layout.record_bytes).enumerate() {
        let at = start + n * layout.record_bytes;
        let event = layout.row(record).and_then(|row| row.event(polarity));
        let event = event.ok_or_else(|| {
            if let Some(found) = layout.fraction(record) {
                return EventProblem::Value {
                    line: n + 1,
                    offset: at as u64,
                    found: found.to_string(),
                    expected: UNSAID,
                };
            }
            let expected = "a finite time and coordinates from 0 to 65535";
            damaged(Format::Npy, at, "a row with other values", expected)
        })?;
        collector.push(at, event)?;
    }
    Ok(collector.finish(polarity))
}

fn unfit(problem: &NpyProblem) -> EventProblem {
    let expected = "an array of events saved with numpy.save";
    damaged(Format::Npy, 0, problem.to_string(), expected)
}

fn layout(text: &HeaderText, given: Option<&Columns>) -> Result<Layout, EventProblem> {
    let header = |found: String, expected| Err(damaged(Format::Npy, 0, found, expected));
    let Some(names) = &text.names else {
        return plain_layout(text, given);
    };
    let [rows] = text.shape[..] else {
        let found = format!("named fields in the shape {:?}", text.shape);
        return header(found, "one dimension");
    };
    let mut fields = Vec::new();
    let mut offset = 0;
    for (name, descr) in names {
        let Some(field) = Field::new(descr, offset) else {
            let found = format!("field {name:?} of type {descr:?}");
            return header(found, "whole numbers, floats (4 or 8 bytes) or booleans");
        };
        offset += field.bytes;
        fields.push(field);
    }
    let names: Vec<&String> = names.iter().map(|(name, _)| name).collect();
    Ok(Layout {
        columns: Columns::named(&names)?,
        fields,
        record_bytes: offset,
        rows,
    })
}

fn plain_layout(text: &HeaderText, given: Option<&Columns>) -> Result<Layout, EventProblem> {
    let header = |found: String, expected| Err(damaged(Format::Npy, 0, found, expected));
    let Some(field) = Field::new(&text.descr, 0) else {
        let found = format!("numbers of type {:?}", text.descr);
        return header(found, "whole numbers, floats (4 or 8 bytes) or booleans");
    };
    let columns = match given {
        Some(columns) => columns.clone(),
        None => Columns::named(&["x", "y", "p", "t_ms"])?,
    };
    match text.shape[..] {
        [rows, width] if width == columns.len() && !text.fortran_order => Ok(Layout {
            fields: (0..width)
                .map(|n| Field {
                    offset: n * field.bytes,
                    ..field
                })
                .collect(),
            record_bytes: width * field.bytes,
            rows,
            columns,
        }),
        _ => header(
            format!("shape {:?}", text.shape),
            "one row per event in C order, with named fields or as many columns as are named",
        ),
    }
}

impl Layout {
    /// The time of a record, where it is a fraction of an unsaid unit.
    fn fraction(&self, record: &[u8]) -> Option<f64> {
        let time = Column::Time(TimeUnit::Unsaid);
        let place = self.columns.iter().position(|column| column == time)?;
        let found = self.fields[place].float(record);
        (found.is_finite() && found.fract() != 0.0).then_some(found)
    }

    fn row(&self, record: &[u8]) -> Option<Row> {
        let mut row = Row::default();
        for (column, field) in self.columns.iter().zip(&self.fields) {
            match column {
                Column::Time(TimeUnit::Us | TimeUnit::Unsaid) if field.kind != Kind::Float => {
                    row.t_us = field.whole(record)?;
                }
                Column::Time(unit) => row.t_us = unit.to_us(field.float(record))?,
                Column::X | Column::Channel => row.x = field.whole(record)?,
                Column::Y => row.y = field.whole(record)?,
                Column::Polarity => row.p = field.float(record),
                Column::Unused => {}
            }
        }
        Some(row)
    }
}

/// Writes a recording as an array with the fields t (int64, µs), x, y (uint16) and p (bool), or t and
/// x for a list of channels.
pub fn write(recording: &Recording, out: &mut dyn Write) -> io::Result<()> {
    let channels = recording.sensor.polarity == Polarity::None && recording.sensor.height == 1;
    let descr = if channels {
        "[('t', '<i8'), ('x', '<u2')]"
    } else if recording.sensor.polarity == Polarity::None {
        "[('t', '<i8'), ('x', '<u2'), ('y', '<u2')]"
    } else {
        "[('t', '<i8'), ('x', '<u2'), ('y', '<u2'), ('p', '?')]"
    };
    npy::write_header(out, descr, &[recording.events.len()])?;
    for event in &recording.events {
        out.write_all(&event.t_us.to_le_bytes())?;
        out.write_all(&event.x.to_le_bytes())?;
        if !channels {
            out.write_all(&event.y.to_le_bytes())?;
        }
        if recording.sensor.polarity == Polarity::OnOff {
            out.write_all(&[u8::from(event.on)])?;
        }
    }
    Ok(())
}
