//! NumPy arrays of events: with named fields, as tonic, Metavision and others make them, or plain ones of two or
//! four columns, in either order.
//!
//! Names mean what they mean in a text table ([`super::columns`]). A plain array of four columns is
//! read as x, y, polarity and time in ms, the layout of the clips of DVS128 Gesture that tonic hands
//! out, unless the caller names the columns; other plain arrays need names.

use std::io::{self, Write};

use super::collector::{Collector, damaged};
use super::columns::{Column, Columns, Row, TimeUnit, UNSAID};
use super::{EventProblem, Format, Polarity, Recording};
use crate::formats::is_vector;
use crate::formats::npy::number::{Field, Kind};
use crate::formats::npy::{self, HeaderText, NamedField, NpyProblem};

/// Layout of the rows of the table.
struct Layout {
    columns: Columns,
    /// Types and places of the columns, counted from the start of a row.
    fields: Vec<Field>,
    /// Bytes of all columns of a row.
    record_bytes: usize,
    /// Bytes from a row to the next: the size of a number where the columns come first.
    stride: usize,
    rows: usize,
}

/// Reads a recording; `columns` are those of a plain array.
pub fn parse(bytes: &[u8], columns: Option<&Columns>) -> Result<Recording, EventProblem> {
    let (text, start) = npy::header_text(bytes).map_err(unfit)?;
    let layout = layout(&text, columns)?;
    let expected = layout.rows.checked_mul(layout.record_bytes);
    let values = &bytes[start..];
    let whole_rows = layout.stride == layout.record_bytes;
    let fits = |expected| values.len() == expected || whole_rows && values.len() < expected;
    if !expected.is_some_and(fits) {
        let found = format!("{} bytes of values", values.len());
        let expected = "as many as the header says";
        return Err(damaged(Format::Npy, start, found, expected));
    }
    let polarity = layout.columns.polarity();
    let mut collector = Collector::new(Format::Npy, None);
    collector.notes.columns = layout.columns.unused();
    let rows = layout.rows.min(values.len() / layout.record_bytes);
    if rows < layout.rows {
        collector.truncated(start + rows * layout.record_bytes);
    }
    if text.fields.is_none() && columns.is_none() {
        let assumed = "columns x, y, polarity, time in ms, because the array names none";
        collector.notes.assumed.push(assumed);
    }
    for n in 0..rows {
        let record = &values[n * layout.stride..];
        let row = layout.row(record);
        let event = row.and_then(|row| row.event(polarity));
        let event = event.ok_or_else(|| {
            match layout
                .columns
                .fraction(|column| layout.fields[column].float(record))
            {
                Some(found) => EventProblem::Value {
                    line: n + 1,
                    offset: (start + n * layout.stride) as u64,
                    found: found.to_string(),
                    expected: UNSAID,
                },
                None => EventProblem::Row {
                    format: Format::Npy,
                    row: n,
                    found: layout.words(record),
                },
            }
        })?;
        collector.push(start + n * layout.stride, event)?;
    }
    Ok(collector.finish(polarity))
}

fn unfit(problem: NpyProblem) -> EventProblem {
    match problem {
        NpyProblem::Dtype { found, .. } => other_layout(format!("elements of type {found}"), PLAIN),
        NpyProblem::Version { major } => other_layout(
            format!(".npy format version {major}"),
            "save it again with numpy.save",
        ),
        problem => damaged(
            Format::Npy,
            0,
            problem.to_string(),
            "an array of events saved with numpy.save",
        ),
    }
}

const PLAIN: &str = "save times as whole µs, as (t - t[0]) / numpy.timedelta64(1, 'us'), and all columns as whole \
     numbers of 1 to 8 bytes, floats of 2, 4 or 8 bytes or booleans";
const ONE_ROW: &str = "save one row per event, with named fields or as many columns as are named (x, y, p, t_ms unless \
     you name them), as array.T where events are columns";

fn other_layout(found: String, instead: &'static str) -> EventProblem {
    EventProblem::Layout {
        format: Format::Npy,
        found,
        instead,
    }
}

fn layout(text: &HeaderText, given: Option<&Columns>) -> Result<Layout, EventProblem> {
    let Some(named) = &text.fields else {
        return plain_layout(text, given);
    };
    if !is_vector(&text.shape) {
        let found = format!("records in the shape {:?}", text.shape);
        return Err(other_layout(found, ONE_ROW));
    }
    let names = named.iter().map(|field| field.name.as_str());
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    let columns = Columns::named(&names)?;
    let meanings: Vec<Column> = columns.iter().collect();
    let mut fields = Vec::new();
    let mut record_bytes = 0usize;
    for NamedField { name, descr, bytes } in named {
        let offset = record_bytes;
        record_bytes = offset.saturating_add(*bytes);
        if name.is_empty() {
            continue;
        }
        match Field::new(descr, offset) {
            Some(field) => fields.push(field),
            None if meanings[fields.len()] == Column::Unused => fields.push(Field::unread(offset)),
            None => {
                let found = format!("field {name:?} of type {descr:?}");
                return Err(other_layout(found, PLAIN));
            }
        }
    }
    if record_bytes == 0 {
        return Err(other_layout("records of no bytes".to_owned(), ONE_ROW));
    }
    Ok(Layout {
        columns,
        fields,
        record_bytes,
        stride: record_bytes,
        rows: text.shape.iter().product(),
    })
}

fn plain_layout(text: &HeaderText, given: Option<&Columns>) -> Result<Layout, EventProblem> {
    let Some(field) = Field::new(&text.descr, 0) else {
        let found = format!("numbers of type {:?}", text.descr);
        return Err(other_layout(found, PLAIN));
    };
    let columns = match given {
        Some(columns) => columns.clone(),
        None => Columns::named(&["x", "y", "p", "t_ms"])?,
    };
    let &[rows, width] = &text.shape[..] else {
        let found = format!("shape {:?}", text.shape);
        return Err(other_layout(found, ONE_ROW));
    };
    if width != columns.len() {
        let found = format!("shape {:?} for {} columns", text.shape, columns.len());
        return Err(other_layout(found, ONE_ROW));
    }
    let [stride, column_bytes] = if text.fortran_order {
        [field.bytes, rows.saturating_mul(field.bytes)]
    } else {
        [width * field.bytes, field.bytes]
    };
    let place = |n: usize| Field {
        offset: n.saturating_mul(column_bytes),
        ..field
    };
    Ok(Layout {
        fields: (0..width).map(place).collect(),
        record_bytes: width * field.bytes,
        stride,
        rows,
        columns,
    })
}

impl Layout {
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

    /// The numbers of a row, in words.
    fn words(&self, record: &[u8]) -> String {
        let read = self.columns.iter().zip(&self.fields);
        let read = read.filter(|(column, _)| *column != Column::Unused);
        let numbers: Vec<String> = read
            .map(|(_, field)| field.float(record).to_string())
            .collect();
        numbers.join(", ")
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
