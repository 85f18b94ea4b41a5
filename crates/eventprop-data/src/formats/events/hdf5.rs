//! Recordings of cameras in HDF5, and in `.mat` of version 7.3, which is HDF5 too.
//!
//! | from | where | what |
//! |---|---|---|
//! | Metavision | `CD/events` | records with x, y, p, t (µs) |
//! | DSEC | `events/…` | columns x, y, t (µs), p |
//! | e2vid | `events/…` | columns xs, ys, ts (s), ps |
//! | v2e | `events` | rows t (µs), x, y, p of whole numbers |
//! | MVSEC | `davis/left/events` | rows x, y, t (s), p of floats |
//! | MATLAB | a struct | columns such as x, y, ts or t, p or pol |
//!
//! No path is asked for but the last word `events` of rows without names: any group whose datasets, and
//! any dataset whose fields, are called as the columns of a text table ([`super::columns`]) is a table of
//! events. Of several the first by name is read, and the others are named in the notes. A time without a
//! unit in its name is in µs where all are whole numbers, and otherwise in s.

use std::collections::BTreeMap;
use std::path::Path;

use rust_hdf5::{DatatypeMessage, H5File, Hdf5Error};

use super::collector::Collector;
use super::columns::{Column, Columns, Row, TimeUnit};
use super::unpacked::Unpacked;
use super::{EventProblem, Format, Recording};
use crate::formats::source::Source;
use crate::formats::spike_file::{Float, Integer, Problem, guarded, read_superblock};

/// What is needed of a file.
const NEEDED: &str = "events are datasets t, x, y and p in one group, records with such fields, or rows in a dataset \
     called events (t, x, y, p of whole numbers; x, y, t, p of floats)";
/// Datasets of a file that are named in a note.
const NAMED_MAX: usize = 8;

/// The numbers of a column.
enum Values {
    Whole(Vec<i64>),
    Float(Vec<f64>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Whole(values) => values.len(),
            Self::Float(values) => values.len(),
        }
    }

    fn whole(&self, row: usize) -> Option<i64> {
        match self {
            Self::Whole(values) => Some(values[row]),
            Self::Float(values) => {
                let value = values[row];
                // Whole floats below 2⁵³ are exact.
                (value.fract() == 0.0 && value.abs() < 2f64.powi(53)).then_some(value as i64)
            }
        }
    }

    fn float(&self, row: usize) -> f64 {
        match self {
            Self::Whole(values) => values[row] as f64,
            Self::Float(values) => values[row],
        }
    }

    fn time(&self, row: usize, unit: TimeUnit) -> Option<i64> {
        match (self, unit) {
            (Self::Whole(values), TimeUnit::Us | TimeUnit::Unsaid) => Some(values[row]),
            _ => unit.to_us(self.float(row)),
        }
    }

    fn are_whole(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Float(values) => values.iter().all(|value| value.fract() == 0.0),
        }
    }
}

/// The type of the numbers of a column.
#[derive(Clone, Copy)]
enum Number {
    Float(Float),
    Integer(Integer),
}

impl Number {
    fn of(datatype: &DatatypeMessage) -> Option<Self> {
        match datatype {
            // A boolean of h5py.
            DatatypeMessage::Enum { base, .. } => Self::of(base),
            _ => Float::of(datatype)
                .map(Self::Float)
                .or_else(|| Integer::of(datatype).map(Self::Integer)),
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Float(float) => usize::from(float.bytes),
            Self::Integer(integer) => usize::from(integer.bytes),
        }
    }
}

/// Numbers that stand at one place of every record of a dataset.
struct Field {
    dataset: String,
    record_bytes: usize,
    offset: usize,
    number: Number,
}

impl Field {
    fn values(&self, raw: &[u8]) -> Values {
        let place = self.offset..self.offset + self.number.bytes();
        let records = raw.chunks_exact(self.record_bytes);
        let picked: Vec<u8>;
        let bytes = if place.len() == self.record_bytes {
            raw
        } else {
            picked = records
                .flat_map(|record| &record[place.clone()])
                .copied()
                .collect();
            &picked
        };
        match self.number {
            Number::Float(float) => {
                let mut values = Vec::new();
                float.decode(bytes, &mut values);
                Values::Float(values)
            }
            Number::Integer(integer) => {
                let mut values = Vec::new();
                integer.decode(bytes, &mut values);
                Values::Whole(values)
            }
        }
    }
}

/// A table of events.
struct Table {
    /// Group or dataset.
    name: String,
    columns: Columns,
    fields: Vec<Field>,
    assumed: Option<&'static str>,
}

/// A dataset of a file.
struct Dataset {
    name: String,
    shape: Vec<usize>,
    datatype: DatatypeMessage,
}

impl Dataset {
    /// The last word of the name.
    fn word(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    /// The lengths that are not 1: MATLAB writes a column as a row or a column of a matrix.
    fn lengths(&self) -> Vec<usize> {
        let lengths = self.shape.iter().copied();
        lengths.filter(|length| *length != 1).collect()
    }

    fn group(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(group, _)| group)
    }
}

/// True for a file whose structure is that of HDF5.
pub fn recognised(source: &Source) -> bool {
    !matches!(read_superblock(source), Err(Problem::NotHdf5 { .. }))
}

/// Reads a recording; `given` are the columns of rows without names.
pub fn read(
    path: &Path,
    source: &Source,
    given: Option<&Columns>,
) -> Result<Recording, EventProblem> {
    read_superblock(source).map_err(|problem| EventProblem::Hdf5 {
        message: problem.to_string(),
    })?;
    let file = reading(|| H5File::options().no_locking().open(path))?;
    let datasets = datasets(&file)?;
    if datasets
        .iter()
        .any(|dataset| dataset.name.starts_with("spikes/"))
    {
        return Err(EventProblem::SpikeFile);
    }
    let mut tables = tables(&datasets, given)?;
    if tables.is_empty() {
        let found = datasets.into_iter().map(|dataset| dataset.name).collect();
        return Err(EventProblem::Columns {
            found,
            needed: NEEDED,
        });
    }
    let table = tables.remove(0);
    let mut collector = Collector::new(Format::Hdf5, size(&file));
    collector.notes.assumed.extend(table.assumed);
    collector.notes.columns = unread(&datasets, &table);
    fill(
        &mut collector,
        &file,
        &table,
        Unpacked::of(Format::Hdf5, source.bytes),
    )?;
    Ok(collector.finish(table.columns.polarity()))
}

/// Calls the reader of HDF5.
fn reading<T>(call: impl FnOnce() -> Result<T, Hdf5Error>) -> Result<T, EventProblem> {
    guarded("it", call).map_err(|problem| EventProblem::Hdf5 {
        message: problem.to_string(),
    })
}

/// The datasets of a file, by name.
fn datasets(file: &H5File) -> Result<Vec<Dataset>, EventProblem> {
    let mut names = reading(|| Ok(file.dataset_names()))?;
    names.sort();
    let describe = |name: &String| {
        let dataset = file.dataset(name)?;
        Ok(Dataset {
            name: name.trim_start_matches('/').to_owned(),
            shape: dataset.shape(),
            datatype: dataset.datatype()?,
        })
    };
    names
        .iter()
        .map(|name| reading(|| describe(name)))
        .collect()
}

/// The tables of events of a file, by name; with columns that are given only rows without names.
fn tables(datasets: &[Dataset], given: Option<&Columns>) -> Result<Vec<Table>, EventProblem> {
    let rows = datasets.iter().filter_map(|dataset| rows(dataset, given));
    let mut tables: Vec<Table> = rows.collect();
    if given.is_some() {
        return Ok(tables);
    }
    tables.extend(datasets.iter().filter_map(records));
    let mut groups: BTreeMap<&str, Vec<&Dataset>> = BTreeMap::new();
    for dataset in datasets
        .iter()
        .filter(|dataset| dataset.lengths().len() < 2)
    {
        groups.entry(dataset.group()).or_default().push(dataset);
    }
    for (name, members) in groups {
        tables.extend(columns(name, &members)?);
    }
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tables)
}

/// A dataset of records with the fields of events.
fn records(dataset: &Dataset) -> Option<Table> {
    let (DatatypeMessage::Compound { size, members }, 0 | 1) =
        (&dataset.datatype, dataset.lengths().len())
    else {
        return None;
    };
    let names: Vec<&String> = members.iter().map(|member| &member.name).collect();
    let fields = members.iter().map(|member| {
        let number = Number::of(&member.datatype)?;
        let field = Field {
            dataset: dataset.name.clone(),
            record_bytes: *size as usize,
            offset: member.offset as usize,
            number,
        };
        (field.offset + number.bytes() <= field.record_bytes).then_some(field)
    });
    Some(Table {
        name: dataset.name.clone(),
        columns: Columns::named(&names).ok()?,
        fields: fields.collect::<Option<_>>()?,
        assumed: None,
    })
}

/// A dataset of rows that is called `events`, or that has as many columns as are given.
fn rows(dataset: &Dataset, given: Option<&Columns>) -> Option<Table> {
    let [_, width] = dataset.shape[..] else {
        return None;
    };
    let number = Number::of(&dataset.datatype)?;
    let (names, assumed) = match number {
        Number::Integer(_) => (
            ["t", "x", "y", "p"],
            "columns t (µs), x, y, p of whole numbers",
        ),
        Number::Float(_) => (["x", "y", "t", "p"], "columns x, y, t, p of floats"),
    };
    let (columns, assumed) = match given {
        Some(columns) => (columns.clone(), None),
        None => (Columns::named(&names).ok()?, Some(assumed)),
    };
    let named = given.is_some() || dataset.word() == "events";
    let events = named && columns.len() == width;
    events.then(|| Table {
        name: dataset.name.clone(),
        fields: (0..width)
            .map(|column| Field {
                dataset: dataset.name.clone(),
                record_bytes: width * number.bytes(),
                offset: column * number.bytes(),
                number,
            })
            .collect(),
        columns,
        assumed,
    })
}

/// A group whose datasets are the columns of events.
fn columns(group: &str, members: &[&Dataset]) -> Result<Option<Table>, EventProblem> {
    let meant = |dataset: &&&Dataset| Column::named(dataset.word()) != Column::Unused;
    let members: Vec<(&Dataset, Number)> = members
        .iter()
        .filter(meant)
        .filter_map(|dataset| Some((*dataset, Number::of(&dataset.datatype)?)))
        .collect();
    let words: Vec<&str> = members.iter().map(|(dataset, _)| dataset.word()).collect();
    let Ok(columns) = Columns::named(&words) else {
        return Ok(None);
    };
    let lengths = members[0].0.lengths();
    let other = members
        .iter()
        .find(|(dataset, _)| dataset.lengths() != lengths);
    if let Some((other, _)) = other {
        let (first, other) = (members[0].0, other);
        return Err(EventProblem::Hdf5 {
            message: format!(
                "{} has the shape {:?} and {} {:?}, while the columns of events are of one length",
                first.name, first.shape, other.name, other.shape
            ),
        });
    }
    let field = |(dataset, number): &(&Dataset, Number)| Field {
        dataset: dataset.name.clone(),
        record_bytes: number.bytes(),
        offset: 0,
        number: *number,
    };
    Ok(Some(Table {
        name: group.to_owned(),
        columns,
        fields: members.iter().map(field).collect(),
        assumed: None,
    }))
}

/// Names of what is in the file and not read: fields, then datasets.
fn unread(datasets: &[Dataset], table: &Table) -> Vec<String> {
    let mut names = table.columns.unused();
    let read = |dataset: &&Dataset| {
        table
            .fields
            .iter()
            .any(|field| field.dataset == dataset.name)
    };
    let others = datasets.iter().filter(|dataset| !read(dataset));
    names.extend(others.map(|dataset| dataset.name.clone()));
    if names.len() > NAMED_MAX {
        let more = format!("{} more", names.len() - NAMED_MAX);
        names.truncate(NAMED_MAX);
        names.push(more);
    }
    names
}

/// Width and height as Metavision writes them.
fn size(file: &H5File) -> Option<(u32, u32)> {
    let geometry = reading(|| file.attr_string("geometry")).ok()?;
    let (width, height) = geometry.split_once('x')?;
    Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
}

fn fill(
    collector: &mut Collector,
    file: &H5File,
    table: &Table,
    mut unpacked: Unpacked,
) -> Result<(), EventProblem> {
    let mut raws: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for field in &table.fields {
        if !raws.contains_key(field.dataset.as_str()) {
            let dataset = reading(|| file.dataset(&field.dataset))?;
            let lengths = dataset.shape().into_iter().map(|length| length as u64);
            let bytes = lengths.fold(dataset.element_size() as u64, u64::saturating_mul);
            unpacked.take(bytes, 0)?;
            raws.insert(&field.dataset, reading(|| dataset.read_raw_bytes())?);
        }
    }
    let values: Vec<Values> = table
        .fields
        .iter()
        .map(|field| field.values(&raws[field.dataset.as_str()]))
        .collect();
    drop(raws);
    let rows = values[0].len();
    if values.iter().any(|values| values.len() != rows) {
        let message = format!("the columns of {} are not of one length", table.name);
        return Err(EventProblem::Hdf5 { message });
    }
    let columns: Vec<Column> = table
        .columns
        .iter()
        .zip(&values)
        .map(|(column, values)| match column {
            Column::Time(TimeUnit::Unsaid) if !values.are_whole() => {
                let assumed = "times in s, because they are no whole numbers";
                collector.notes.assumed.push(assumed);
                Column::Time(TimeUnit::S)
            }
            column => column,
        })
        .collect();
    let polarity = table.columns.polarity();
    for row in 0..rows {
        let event = event(&columns, &values, row).and_then(|event| event.event(polarity));
        let event = event.ok_or_else(|| {
            let expected =
                "a finite time, coordinates from 0 to 65535 and a polarity of 0, 1 or -1";
            collector.damaged(row, "other values", expected)
        })?;
        collector.push(row, event)?;
    }
    Ok(())
}

fn event(columns: &[Column], values: &[Values], n: usize) -> Option<Row> {
    let mut row = Row::default();
    for (column, values) in columns.iter().zip(values) {
        match column {
            Column::Time(unit) => row.t_us = values.time(n, *unit)?,
            Column::X | Column::Channel => row.x = values.whole(n)?,
            Column::Y => row.y = values.whole(n)?,
            Column::Polarity => row.p = values.float(n),
            Column::Unused => {}
        }
    }
    Some(row)
}
