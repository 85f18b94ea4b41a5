//! Groups and tables of a spike file: everything but the spikes.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use rust_hdf5::{DatatypeMessage, H5Dataset, H5File, Hdf5Error};

use super::MetaColumn;
use super::element::{Float, Integer};
use super::heap::Reference;
use super::problem::Problem;
use crate::formats::class_numbers::class_numbers;

pub(super) const TIMES: &str = "spikes/times";
pub(super) const UNITS: &str = "spikes/units";
pub(super) const LABELS: &str = "labels";
pub(super) const SPEAKER: &str = "extra/speaker";
const KEYS: &str = "extra/keys";
const META_INFO: &str = "extra/meta_info";
/// A table of lists in the heaps, and what they are made of.
#[derive(Debug)]
pub(super) struct Lists<E> {
    pub(super) element: E,
    pub(super) references: Vec<Reference>,
}

/// The structure of an open file.
pub(super) struct File {
    pub(super) hdf5: H5File,
    pub(super) bytes: u64,
}

impl File {
    /// A dataset of one dimension, which does not claim more than the file can have.
    fn dataset(&self, name: &'static str) -> Result<H5Dataset, Problem> {
        let dataset = self.array(name)?;
        match dataset.shape()[..] {
            [_] => Ok(dataset),
            ref shape => Err(Problem::Type {
                dataset: name,
                found: format!("an array of shape {shape:?}"),
                expected: "one dimension, of the samples",
            }),
        }
    }

    /// A dataset, which does not claim more than the file can have.
    fn array(&self, name: &'static str) -> Result<H5Dataset, Problem> {
        let opened = guarded(name, || match self.hdf5.dataset(name) {
            Err(Hdf5Error::NotFound(_)) => Ok(None),
            dataset => dataset.map(Some),
        })?;
        let Some(dataset) = opened else {
            let found = guarded(name, || Ok(self.hdf5.dataset_names()))?;
            return Err(Problem::Missing {
                dataset: name,
                found,
            });
        };
        // Packed tables are seldom below 4 bytes an entry, but can be; small files get more room.
        let sides = dataset.shape().into_iter().map(|side| side as u64);
        let entries = sides.fold(1, u64::saturating_mul);
        if entries > (self.bytes / 4).max(1 << 20) {
            return Err(Problem::Claim {
                dataset: name,
                entries,
                bytes: self.bytes,
            });
        }
        Ok(dataset)
    }

    pub(super) fn lists<E>(
        &self,
        name: &'static str,
        expected: &'static str,
        element: impl Fn(&DatatypeMessage) -> Option<E>,
    ) -> Result<Lists<E>, Problem> {
        let dataset = self.dataset(name)?;
        let datatype = guarded(name, || dataset.datatype())?;
        let base = match &datatype {
            DatatypeMessage::VarLenSequence { base } => element(base),
            _ => None,
        };
        let element = base.ok_or_else(|| Problem::Type {
            dataset: name,
            found: type_name(&datatype),
            expected,
        })?;
        let raw = guarded(name, || dataset.read_raw_bytes())?;
        let (references, rest) = raw.as_chunks();
        let entries = dataset.total_elements();
        if references.len() != entries || !rest.is_empty() {
            return Err(Problem::Damaged {
                what: name.to_owned(),
                message: format!("{} bytes for {entries} references of 16", raw.len()),
            });
        }
        let references: Vec<Reference> = references.iter().map(|r| Reference::decode(*r)).collect();
        // Every element of a list takes a byte of the file at least.
        let elements = references.iter().map(|r| u64::from(r.len)).sum();
        if elements > self.bytes {
            return Err(Problem::Claim {
                dataset: name,
                entries: elements,
                bytes: self.bytes,
            });
        }
        Ok(Lists {
            element,
            references,
        })
    }

    /// Classes or speakers: a whole number for each sample.
    pub(super) fn class_numbers(&self, name: &'static str) -> Result<Vec<u16>, Problem> {
        let dataset = self.array(name)?;
        let datatype = guarded(name, || dataset.datatype())?;
        let raw = guarded(name, || dataset.read_raw_bytes())?;
        let values = numbers(&datatype, &raw).ok_or_else(|| Problem::Type {
            dataset: name,
            found: type_name(&datatype),
            expected: "whole numbers",
        })?;
        class_numbers(&dataset.shape(), &values).map_err(|problem| Problem::Numbers {
            dataset: name,
            problem,
        })
    }

    pub(super) fn keys(&self) -> Result<Vec<String>, Problem> {
        match self.dataset(KEYS) {
            Err(Problem::Missing { .. }) => Ok(Vec::new()),
            dataset => {
                let dataset = dataset?;
                guarded(KEYS, || dataset.read_strings_lossy())
            }
        }
    }

    pub(super) fn meta_info(&self) -> Result<Vec<(String, MetaColumn)>, Problem> {
        let names = guarded(META_INFO, || Ok(self.hdf5.dataset_names()))?;
        let prefix = format!("{META_INFO}/");
        let mut columns = Vec::new();
        for path in names {
            let path = path.trim_start_matches('/');
            let Some(name) = path.strip_prefix(&prefix) else {
                continue;
            };
            if let Some(column) = guarded(path, || self.column(path))? {
                columns.push((name.to_owned(), column));
            }
        }
        columns.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(columns)
    }

    fn column(&self, path: &str) -> Result<Option<MetaColumn>, Hdf5Error> {
        let dataset = self.hdf5.dataset(path)?;
        if dataset.total_elements() as u64 > self.bytes {
            return Ok(None);
        }
        Ok(match dataset.datatype()? {
            DatatypeMessage::FixedString { .. } | DatatypeMessage::VarLenString { .. } => {
                Some(MetaColumn::Text(dataset.read_strings_lossy()?))
            }
            datatype => {
                let raw = dataset.read_raw_bytes()?;
                numbers(&datatype, &raw).map(MetaColumn::Numbers)
            }
        })
    }

    pub(super) fn attributes(&self) -> Result<Vec<(String, String)>, Problem> {
        let what = "the list of attributes";
        let mut texts = Vec::new();
        for name in guarded(what, || self.hdf5.attr_names())? {
            // Attributes that are no text are not ours; those of PyTables are such.
            let text = guarded(what, || Ok(self.hdf5.attr_string(&name).ok()))?;
            texts.extend(text.map(|text| (name, text)));
        }
        texts.sort();
        Ok(texts)
    }
}

/// Numbers of any type; none for what is none. Booleans are an enumeration of integers in HDF5.
fn numbers(datatype: &DatatypeMessage, raw: &[u8]) -> Option<Vec<f64>> {
    if let DatatypeMessage::Enum { base, .. } = datatype {
        return numbers(base, raw);
    }
    let mut values = Vec::new();
    if let Some(float) = Float::of(datatype) {
        float.decode(raw, &mut values);
    } else {
        let mut integers = Vec::new();
        Integer::of(datatype)?.decode(raw, &mut integers);
        values.extend(integers.into_iter().map(|n| n as f64));
    }
    Some(values)
}

/// Calls the reader of HDF5. Should a damaged file make it panic, that is an error like any other.
pub(super) fn guarded<T>(
    what: &str,
    call: impl FnOnce() -> Result<T, Hdf5Error>,
) -> Result<T, Problem> {
    let damaged = |message: String| Problem::Damaged {
        what: what.to_owned(),
        message,
    };
    match panic::catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| damaged(error.to_string())),
        Err(payload) => Err(damaged(panic_message(&*payload).to_owned())),
    }
}

/// Content of a dataset, in words of HDF5.
fn type_name(datatype: &DatatypeMessage) -> String {
    let named = guarded("a type", || Ok(datatype.to_string()));
    named.unwrap_or_else(|_| "elements of a damaged type".to_owned())
}

fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("the reader of HDF5 gave up")
}
