//! NumPy archives of one recording: an array for each column, as SpikingJelly keeps every camera data set (`t`, `x`,
//! `y` and `p`), or one array of records.
//!
//! The names of the arrays mean what the names of columns mean in a text table ([`super::columns`]).

use std::path::Path;

use super::collector::Collector;
use super::columns::{Column, Columns, Row, UNSAID, whole};
use super::{EventProblem, Format, Recording, npy_table};
use crate::formats::is_vector;
use crate::formats::npz::{Npz, NpzError, NpzProblem};

/// Reads a recording; `columns` name the arrays, in the order of the archive.
pub fn read(path: &Path, columns: Option<&Columns>) -> Result<Recording, EventProblem> {
    let npz = Npz::open(path).map_err(unfit)?;
    let named = match columns {
        Some(columns) if columns.len() == npz.names().len() => Ok(columns.clone()),
        Some(columns) => return Err(other_layout(&npz, columns.len())),
        None => Columns::named(npz.names()),
    };
    let columns = match (named, npz.names()) {
        (Ok(columns), _) => columns,
        (Err(_), [only]) => return npy_table::parse(&npz.bytes(only)?, None),
        (Err(error), _) => return Err(error.into()),
    };
    let mut arrays = Vec::new();
    for (column, name) in columns.iter().zip(npz.names()) {
        arrays.push(match column {
            Column::Unused => Vec::new(),
            _ => vector(&npz, name)?,
        });
    }
    let read = columns.iter().zip(&arrays).zip(npz.names());
    let read = read.filter(|((column, _), _)| *column != Column::Unused);
    let lengths: Vec<(&String, usize)> =
        read.map(|((_, array), name)| (name, array.len())).collect();
    let rows = lengths[0].1;
    if let Some((name, found)) = lengths.iter().find(|(_, length)| *length != rows) {
        let (first, _) = lengths[0];
        return Err(EventProblem::Layout {
            format: Format::Npz,
            found: format!("{found} values of {name} for {rows} of {first}"),
            instead: "save as many of each, one per event",
        });
    }
    let polarity = columns.polarity();
    let mut collector = Collector::new(Format::Npz, None);
    collector.notes.columns = columns.unused();
    for n in 0..rows {
        let event = row(&columns, &arrays, n).and_then(|row| row.event(polarity));
        let event = event.ok_or_else(|| {
            if let Some(found) = columns.fraction(|column| arrays[column][n]) {
                return EventProblem::Value {
                    line: n + 1,
                    offset: n as u64,
                    found: found.to_string(),
                    expected: UNSAID,
                };
            }
            let numbers = arrays.iter().filter_map(|array| array.get(n));
            let numbers: Vec<String> = numbers.map(f64::to_string).collect();
            EventProblem::Row {
                format: Format::Npz,
                row: n,
                found: numbers.join(", "),
            }
        })?;
        collector.push(n, event)?;
    }
    Ok(collector.finish(polarity))
}

fn row(columns: &Columns, arrays: &[Vec<f64>], n: usize) -> Option<Row> {
    let mut row = Row::default();
    for (column, array) in columns.iter().zip(arrays) {
        match column {
            Column::Time(unit) => row.t_us = unit.to_us(array[n])?,
            Column::X | Column::Channel => row.x = whole(array[n])?,
            Column::Y => row.y = whole(array[n])?,
            Column::Polarity => row.p = array[n],
            Column::Unused => {}
        }
    }
    Some(row)
}

fn vector(npz: &Npz, name: &str) -> Result<Vec<f64>, EventProblem> {
    let numbers = npz.array(name).map_err(unfit)?;
    if is_vector(&numbers.shape) {
        return Ok(numbers.values);
    }
    Err(EventProblem::Layout {
        format: Format::Npz,
        found: format!("array {name} of shape {:?}", numbers.shape),
        instead: "save one value per event",
    })
}

fn other_layout(npz: &Npz, columns: usize) -> EventProblem {
    EventProblem::Layout {
        format: Format::Npz,
        found: format!(
            "an archive of the arrays {:?} with {columns} named columns",
            npz.names()
        ),
        instead: "name as many as there are, and _ what is not to be read",
    }
}

fn unfit(error: NpzError) -> EventProblem {
    match error.problem {
        NpzProblem::Io(error) => EventProblem::Io(error),
        problem => EventProblem::Array(problem),
    }
}
