//! Groups and tables of a spike file: everything but the spikes.

use std::cell::Cell;

use eventprop_audio::guard;
use rust_hdf5::{DatatypeMessage, H5Dataset, H5File, Hdf5Error};

use super::MetaColumn;
use super::element::{Float, Integer};
use super::heap::Reference;
use super::problem::Problem;
use crate::bound;
use crate::formats::class_numbers::class_numbers;
use crate::formats::is_vector;

pub(super) const TIMES: &str = "spikes/times";
pub(super) const UNITS: &str = "spikes/units";
pub(super) const LABELS: &str = "labels";
pub(super) const SPEAKER: &str = "extra/speaker";
const KEYS: &str = "extra/keys";
const META_INFO: &str = "extra/meta_info";
/// Labels have 16 bits.
const CLASSES_MAX: usize = 1 << 16;
/// The tables of a file take at most as many bytes in memory as the file, times this, or so many where that is less:
/// numbers and texts are seldom packed better.
const TABLES_RATIO_MAX: u64 = 16;
const TABLES_BYTES_MIN: u64 = 1 << 26;
/// A table of lists in the heaps, and what they are made of.
#[derive(Debug)]
pub(super) struct Lists<E> {
    pub(super) element: E,
    pub(super) references: Vec<Reference>,
}

/// The structure of an open file.
pub(super) struct File {
    hdf5: H5File,
    /// Length of the file.
    bytes: u64,
    /// Bytes that its tables may still take in memory.
    bytes_left: Cell<u64>,
}

impl File {
    pub(super) fn new(hdf5: H5File, bytes: u64) -> Self {
        let by_length = TABLES_RATIO_MAX.saturating_mul(bytes);
        let tables_max = bound::raised(by_length.max(TABLES_BYTES_MIN));
        Self {
            hdf5,
            bytes,
            bytes_left: Cell::new(tables_max),
        }
    }

    /// A dataset of one dimension, or of more that are 1, if all of it may be read.
    fn dataset(&self, name: &str) -> Result<H5Dataset, Problem> {
        let dataset = self.array(name)?;
        let shape = dataset.shape();
        if !is_vector(&shape) {
            return Err(Problem::Type {
                dataset: name.to_owned(),
                found: format!("an array of shape {shape:?}"),
                expected: "one dimension",
            });
        }
        Ok(dataset)
    }

    /// A dataset of any shape, if all of it may be read.
    fn array(&self, name: &str) -> Result<H5Dataset, Problem> {
        let opened = guarded(name, || match self.hdf5.dataset(name) {
            Err(Hdf5Error::NotFound(_)) => Ok(None),
            dataset => dataset.map(Some),
        })?;
        let Some(dataset) = opened else {
            let found = guarded(name, || Ok(self.hdf5.dataset_names()))?;
            return Err(Problem::Missing {
                dataset: name.to_owned(),
                found,
            });
        };
        self.spend(name, &dataset)?;
        Ok(dataset)
    }

    /// Takes the memory of a dataset from what is left. What is declared may be larger than what was written, and a
    /// piece that is unpacked larger than the whole.
    fn spend(&self, name: &str, dataset: &H5Dataset) -> Result<(), Problem> {
        let product = |lengths: &[usize]| {
            let mut lengths = lengths.iter().map(|&length| length as u64);
            lengths.try_fold(dataset.element_size() as u64, u64::checked_mul)
        };
        let piece = dataset.chunk_dims().map_or(Some(0), |dims| product(&dims));
        let whole = product(&dataset.shape());
        let needed = whole
            .zip(piece)
            .map_or(u64::MAX, |(whole, piece)| whole.max(piece));
        self.spend_bytes(name, needed)
    }

    fn spend_bytes(&self, name: &str, needed: u64) -> Result<(), Problem> {
        let left = self.bytes_left.get().checked_sub(needed);
        let left = left.ok_or_else(|| Problem::Claim {
            dataset: name.to_owned(),
            needed,
            left: self.bytes_left.get(),
            bytes: self.bytes,
        })?;
        self.bytes_left.set(left);
        Ok(())
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
            dataset: name.to_owned(),
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
            return Err(Problem::Spikes {
                dataset: name,
                found: elements,
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
        let values = numbers(name, &dataset, &datatype)?.ok_or_else(|| Problem::Type {
            dataset: name.to_owned(),
            found: type_name(&datatype),
            expected: "whole numbers; words of classes stand in extra/keys",
        })?;
        class_numbers(&dataset.shape(), &values).map_err(|problem| Problem::Numbers {
            dataset: name,
            problem,
        })
    }

    pub(super) fn keys(&self) -> Result<Vec<String>, Problem> {
        let dataset = match self.dataset(KEYS) {
            Err(Problem::Missing { .. }) => return Ok(Vec::new()),
            dataset => dataset?,
        };
        let classes = dataset.total_elements();
        if classes > CLASSES_MAX {
            return Err(Problem::Type {
                dataset: KEYS.to_owned(),
                found: format!("{classes} texts"),
                expected: "one for each class, at most 65536",
            });
        }
        let datatype = guarded(KEYS, || dataset.datatype())?;
        self.texts(KEYS, &dataset, &datatype)?
            .ok_or_else(|| Problem::Type {
                dataset: KEYS.to_owned(),
                found: type_name(&datatype),
                expected: "texts",
            })
    }

    /// The texts of a table of such.
    fn texts(
        &self,
        name: &str,
        dataset: &H5Dataset,
        datatype: &DatatypeMessage,
    ) -> Result<Option<Vec<String>>, Problem> {
        match datatype {
            DatatypeMessage::VarLenString { .. } => {
                // Many of them may be one and the same in the file.
                let raw = guarded(name, || dataset.read_raw_bytes())?;
                let references = raw.as_chunks().0.iter().map(|r| Reference::decode(*r));
                self.spend_bytes(name, references.map(|r| u64::from(r.len)).sum())?;
            }
            DatatypeMessage::FixedString { .. } => {}
            _ => return Ok(None),
        }
        guarded(name, || dataset.read_strings_lossy()).map(Some)
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
            if let Some(column) = self.column(path)? {
                columns.push((name.to_owned(), column));
            }
        }
        columns.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(columns)
    }

    fn column(&self, path: &str) -> Result<Option<MetaColumn>, Problem> {
        let dataset = guarded(path, || self.hdf5.dataset(path))?;
        self.spend(path, &dataset)?;
        let datatype = guarded(path, || dataset.datatype())?;
        if let Some(texts) = self.texts(path, &dataset, &datatype)? {
            return Ok(Some(MetaColumn::Text(texts)));
        }
        let numbers = numbers(path, &dataset, &datatype)?;
        Ok(numbers.map(MetaColumn::Numbers))
    }

    pub(super) fn attributes(&self) -> Result<Vec<(String, String)>, Problem> {
        let what = "the list of attributes";
        let mut texts = Vec::new();
        for name in guarded(what, || self.hdf5.attr_names())? {
            // Attributes that are no text are not ours; those of PyTables are such.
            let text = guarded(what, || Ok(self.hdf5.attr_string(&name).ok()))?;
            self.spend_bytes(what, text.as_ref().map_or(0, |text| text.len() as u64))?;
            texts.extend(text.map(|text| (name, text)));
        }
        texts.sort();
        Ok(texts)
    }
}

/// The numbers of a table of such: integers, floats, or booleans, which h5py writes as two named integers.
fn numbers(
    name: &str,
    dataset: &H5Dataset,
    datatype: &DatatypeMessage,
) -> Result<Option<Vec<f64>>, Problem> {
    let base = match datatype {
        DatatypeMessage::Enum { base, .. } => base,
        datatype => datatype,
    };
    let (float, integer) = (Float::of(base), Integer::of(base));
    if float.is_none() && integer.is_none() {
        return Ok(None);
    }
    let raw = guarded(name, || dataset.read_raw_bytes())?;
    let (mut numbers, mut integers) = (Vec::new(), Vec::new());
    if let Some(float) = float {
        float.decode(&raw, &mut numbers);
    } else if let Some(integer) = integer {
        integer.decode(&raw, &mut integers);
        numbers.extend(integers.into_iter().map(|n| n as f64));
    }
    Ok(Some(numbers))
}

/// Calls the reader of HDF5; a panic in it is an error like any other.
pub(crate) fn guarded<T>(
    what: &str,
    call: impl FnOnce() -> Result<T, Hdf5Error>,
) -> Result<T, Problem> {
    let damaged = |message: String| Problem::Damaged {
        what: what.to_owned(),
        message,
    };
    let called = guard::guarded(call).map_err(|panic| damaged(panic.to_string()))?;
    called.map_err(|error| damaged(error.to_string()))
}

/// Content of a dataset, in words of HDF5.
fn type_name(datatype: &DatatypeMessage) -> String {
    let named = guarded("a type", || Ok(datatype.to_string()));
    named.unwrap_or_else(|_| "elements of a damaged type".to_owned())
}

#[cfg(test)]
mod tests {
    use rust_hdf5::format::messages::datatype::EnumMember;

    use super::*;

    /// The file that `fill` fills.
    fn file(fill: impl FnOnce(&H5File)) -> (tempfile::TempDir, File) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tables.h5");
        let written = H5File::create(&path).unwrap();
        fill(&written);
        written.close().unwrap();
        let bytes = std::fs::metadata(&path).unwrap().len();
        (folder, File::new(H5File::open(&path).unwrap(), bytes))
    }

    fn labels(shape: &[usize], values: &[f64]) -> Result<Vec<u16>, Problem> {
        let (_folder, file) = file(|file| {
            let labels = file.new_dataset::<f64>().shape(shape).create(LABELS);
            labels.unwrap().write_raw(values).unwrap();
        });
        file.class_numbers(LABELS)
    }

    /// As MATLAB writes them, and h5py.
    #[test]
    fn labels_are_whole_numbers_of_any_type_in_one_list() {
        for shape in [&[4][..], &[4, 1], &[1, 4]] {
            assert_eq!(
                labels(shape, &[0.0, 1.0, 3.0, 65_535.0]).unwrap(),
                [0, 1, 3, 65_535]
            );
        }
        let (_folder, file) = file(|file| {
            let member = |name: &str, value| EnumMember {
                name: name.to_owned(),
                value: vec![value],
            };
            let datatype = DatatypeMessage::Enum {
                base: Box::new(DatatypeMessage::i8_type()),
                members: vec![member("FALSE", 0), member("TRUE", 1)],
            };
            let labels = file
                .new_dataset::<i8>()
                .datatype(datatype)
                .shape([3])
                .create(LABELS);
            labels.unwrap().write_raw_bytes(&[1, 0, 1]).unwrap();
        });
        assert_eq!(file.class_numbers(LABELS).unwrap(), [1, 0, 1]);
    }

    #[test]
    fn labels_that_are_none_are_refused() {
        let message = labels(&[2, 2], &[0.0; 4]).unwrap_err().to_string();
        assert!(message.contains("has shape [2, 2]"), "{message}");
        for bad in [0.5, -1.0, 65_536.0, f64::NAN] {
            let message = labels(&[2], &[0.0, bad]).unwrap_err().to_string();
            let expected = format!("labels of sample 1 is {bad}; expected a whole number");
            assert!(message.contains(&expected), "{message}");
        }
    }

    /// Tables that were declared and never written take next to no room in the file.
    #[test]
    fn tables_larger_than_their_file_are_not_read() {
        let text = |size| DatatypeMessage::FixedString {
            size,
            padding: 1,
            charset: 0,
        };
        let declare = |file: &H5File, name: &str, entries: usize, size, piece: usize| {
            let group = file.create_group("extra").unwrap();
            let group = if name == "keys" {
                group
            } else {
                group.create_group("meta_info").unwrap()
            };
            let table = group.new_dataset::<u8>().datatype(text(size));
            let table = table.shape([entries]).resizable().chunk(&[piece]);
            table.create(name).unwrap();
        };
        let (_folder, keys) = file(|file| declare(file, "keys", 60_000, 4000, 64));
        let message = keys.keys().unwrap_err().to_string();
        assert!(
            message.contains("extra/keys takes 240000000 bytes"),
            "{message}"
        );
        let (_folder, keys) = file(|file| declare(file, "keys", 100_000, 10, 64));
        let message = keys.keys().unwrap_err().to_string();
        assert!(
            message.contains("100000 texts; expected one for each class"),
            "{message}"
        );
        let (_folder, meta) = file(|file| declare(file, "age", 10, 4000, 1 << 20));
        let message = meta.meta_info().unwrap_err().to_string();
        assert!(
            message.contains("extra/meta_info/age takes 4194304000 bytes"),
            "{message}"
        );
        // What all of them take together counts.
        let (_folder, meta) = file(|file| declare(file, "age", 1000, 4000, 64));
        let columns = (0..100).try_for_each(|_| meta.meta_info().map(|_| ()));
        assert!(matches!(columns, Err(Problem::Claim { .. })), "{columns:?}");
    }
}
