//! Reading a spike file.

use std::any::Any;
use std::io;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use half::f16;
use rayon::prelude::*;
use rust_hdf5::{ByteOrder, DatatypeMessage, H5Dataset, H5File, Hdf5Error};
use tempfile::TempPath;
use thiserror::Error;

use super::MetaColumn;
use super::heap::{Collection, HeapFile, ListProblem, Reference};
use super::superblock::{self, Superblock};
use crate::source;

const TIMES: &str = "spikes/times";
const UNITS: &str = "spikes/units";
const LABELS: &str = "labels";
const SPEAKER: &str = "extra/speaker";
const KEYS: &str = "extra/keys";
const META_INFO: &str = "extra/meta_info";
/// Samples that are decoded at once, and the spikes after which a block ends.
const BLOCK_SAMPLES: usize = 1024;
const BLOCK_SPIKES: u64 = 1 << 21;

/// A spike file cannot be read.
#[derive(Debug, Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct SpikeFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a spike file.
#[derive(Debug, Error)]
pub enum Problem {
    /// The file system refused, or a packed file is damaged.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Another kind of file.
    #[error("is no HDF5 file: it begins with the bytes {found:02x?}")]
    NotHdf5 {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// The end is missing.
    #[error(
        "is cut off: it has {found} bytes, and its header says {expected}; copy or fetch it again"
    )]
    Truncated {
        /// Bytes there are.
        found: u64,
        /// Bytes that the header tells of.
        expected: u64,
    },
    /// The structure of the file is damaged, or of a kind that is not known.
    #[error("{what} cannot be read ({message}); the file is damaged or uses an unknown feature")]
    Damaged {
        /// The file, or a dataset in it.
        what: String,
        /// What the reader of HDF5 said.
        message: String,
    },
    /// A dataset is missing.
    #[error("has no dataset {dataset}; it has {found}", found = some(found))]
    Missing {
        /// What is missing.
        dataset: &'static str,
        /// What there is.
        found: Vec<String>,
    },
    /// A dataset holds something else.
    #[error("{dataset} holds {found}; expected {expected}")]
    Type {
        /// The dataset.
        dataset: &'static str,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A dataset has not one entry per sample.
    #[error(
        "{dataset} has {found} entries, spikes/times has {samples}; there must be one per sample"
    )]
    Lengths {
        /// The dataset.
        dataset: &'static str,
        /// Its entries.
        found: usize,
        /// Number of samples.
        samples: usize,
    },
    /// More entries than fit into the file.
    #[error("{dataset} claims {entries} entries, more than a file of {bytes} bytes can have")]
    Claim {
        /// The dataset.
        dataset: &'static str,
        /// What it claims.
        entries: u64,
        /// Length of the file.
        bytes: u64,
    },
    /// A class or a speaker that is none.
    #[error("{dataset} of sample {sample} is {found}; expected 0 to 65535")]
    Number {
        /// The dataset.
        dataset: &'static str,
        /// The sample.
        sample: usize,
        /// Its value.
        found: i64,
    },
    /// The spikes of a sample cannot be read.
    #[error("{dataset} of sample {sample}: {problem}")]
    List {
        /// The dataset.
        dataset: &'static str,
        /// The sample.
        sample: usize,
        /// What is wrong.
        #[source]
        problem: ListProblem,
    },
    /// Times and channels do not belong together.
    #[error("sample {sample} has {times} times and {units} units; expected as many of each")]
    Unequal {
        /// The sample.
        sample: usize,
        /// Number of times.
        times: u32,
        /// Number of channels.
        units: u32,
    },
}

fn some(names: &[String]) -> String {
    match names.len() {
        0 => "none".to_owned(),
        1..=12 => names.join(", "),
        n => format!("{} and {} more", names[..12].join(", "), n - 12),
    }
}

/// The spikes of a sample as the file has them: not sorted, not checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spikes {
    /// Times in s, widened to f64.
    pub times_s: Vec<f64>,
    /// Channels; what does not fit (u64) is the largest i64.
    pub units: Vec<i64>,
}

/// A spike file that is open for reading.
#[derive(Debug)]
pub struct SpikeFile {
    path: PathBuf,
    heap: HeapFile,
    times: Lists<Float>,
    units: Lists<Integer>,
    labels: Vec<u16>,
    speakers: Option<Vec<u16>>,
    keys: Vec<String>,
    meta_info: Vec<(String, MetaColumn)>,
    attributes: Vec<(String, String)>,
    /// An unpacked copy, which goes when the file is closed.
    _unpacked: Option<TempPath>,
}

#[derive(Debug)]
struct Lists<E> {
    element: E,
    references: Vec<Reference>,
}

#[derive(Debug, Clone, Copy)]
struct Float {
    bytes: u8,
    order: ByteOrder,
}

#[derive(Debug, Clone, Copy)]
struct Integer {
    bytes: u8,
    signed: bool,
    order: ByteOrder,
}

impl SpikeFile {
    /// Opens a file and reads everything but the spikes. One that is packed (gzip or zip, recognised
    /// by its first bytes) is unpacked into the system's folder for temporary files first.
    ///
    /// # Errors
    /// [`SpikeFileError`].
    pub fn open(path: &Path) -> Result<Self, SpikeFileError> {
        Self::open_in(path, &std::env::temp_dir())
    }

    /// The same; a packed file is unpacked into the folder `scratch`, from where it is removed when
    /// the `SpikeFile` is dropped.
    ///
    /// # Errors
    /// [`SpikeFileError`].
    pub fn open_in(path: &Path, scratch: &Path) -> Result<Self, SpikeFileError> {
        open(path, scratch).map_err(|problem| SpikeFileError {
            path: path.to_owned(),
            problem,
        })
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The classes of the samples.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// The speakers of the samples, if the file has them.
    pub fn speakers(&self) -> Option<&[u16]> {
        self.speakers.as_deref()
    }

    /// The words of the classes; empty when the file has none.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// What is known about the speakers, by name; columns of other types than text and numbers are
    /// left out.
    pub fn meta_info(&self) -> &[(String, MetaColumn)] {
        &self.meta_info
    }

    /// Texts about the file, by name.
    pub fn attributes(&self) -> &[(String, String)] {
        &self.attributes
    }

    /// Number of spikes of a sample.
    pub fn spikes_len(&self, sample: usize) -> usize {
        self.times.references[sample].len as usize
    }

    /// Number of spikes of all samples.
    pub fn spikes_total(&self) -> u64 {
        let lengths = self.times.references.iter().map(|r| u64::from(r.len));
        lengths.sum()
    }

    /// Gives the spikes of every sample to `map`, on any thread and in any order, and what it makes of
    /// them to `each`, in the order of the samples.
    ///
    /// Memory: one block of some two million spikes, and what `map` makes of it.
    ///
    /// # Errors
    /// The error of the first sample that has one, of the file or of `map`.
    pub fn for_each<T: Send, E: From<SpikeFileError> + Send>(
        &self,
        map: impl Fn(usize, &Spikes) -> Result<T, E> + Sync,
        mut each: impl FnMut(usize, T),
    ) -> Result<(), E> {
        let mut start = 0;
        while start < self.len() {
            let block = self.block(start);
            start = block.end;
            let results: Vec<Result<T, E>> = block
                .clone()
                .into_par_iter()
                .map_init(Decoder::default, |decoder, sample| {
                    self.decode(sample, decoder)
                        .map_err(|problem| SpikeFileError {
                            path: self.path.clone(),
                            problem,
                        })?;
                    map(sample, &decoder.spikes)
                })
                .collect();
            for (sample, result) in block.zip(results) {
                each(sample, result?);
            }
        }
        Ok(())
    }

    /// The samples from `start` on that are decoded together.
    fn block(&self, start: usize) -> Range<usize> {
        let mut spikes = 0;
        let mut end = start;
        while end < self.len() && end - start < BLOCK_SAMPLES && spikes < BLOCK_SPIKES {
            spikes += self.spikes_len(end) as u64;
            end += 1;
        }
        start..end
    }

    fn decode(&self, sample: usize, decoder: &mut Decoder) -> Result<(), Problem> {
        let (times, units) = (self.times.references[sample], self.units.references[sample]);
        if times.len != units.len {
            return Err(Problem::Unequal {
                sample,
                times: times.len,
                units: units.len,
            });
        }
        let wrong = |dataset| {
            move |problem| Problem::List {
                dataset,
                sample,
                problem,
            }
        };
        let Decoder {
            times_heap,
            units_heap,
            bytes,
            spikes,
        } = decoder;
        let width = u64::from(self.times.element.bytes);
        let list = self.heap.list(times, width, times_heap, bytes);
        list.map_err(wrong(TIMES))?;
        self.times.element.decode(bytes, &mut spikes.times_s);
        let width = u64::from(self.units.element.bytes);
        let list = self.heap.list(units, width, units_heap, bytes);
        list.map_err(wrong(UNITS))?;
        self.units.element.decode(bytes, &mut spikes.units);
        Ok(())
    }
}

/// What a thread keeps from sample to sample.
#[derive(Default)]
struct Decoder {
    times_heap: Collection,
    units_heap: Collection,
    bytes: Vec<u8>,
    spikes: Spikes,
}

/// The bytes of an element as a little-endian number of eight bytes.
fn widened(bytes: &[u8], order: ByteOrder) -> u64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    if order == ByteOrder::BigEndian {
        wide[..bytes.len()].reverse();
    }
    u64::from_le_bytes(wide)
}

impl Float {
    fn of(datatype: &DatatypeMessage) -> Option<Self> {
        // Sign, exponent and mantissa where IEEE 754 has them; then the size says all.
        match *datatype {
            DatatypeMessage::FloatingPoint {
                size,
                byte_order: order,
                sign_location,
                bit_offset: 0,
                bit_precision,
                exponent_location,
                exponent_size,
                mantissa_location: 0,
                mantissa_size,
                exponent_bias,
            } => {
                let layout = (exponent_size, mantissa_size, exponent_bias);
                let ieee = match size {
                    2 => layout == (5, 10, 15),
                    4 => layout == (8, 23, 127),
                    8 => layout == (11, 52, 1023),
                    _ => false,
                };
                let placed = u32::from(bit_precision) / 8 == size
                    && exponent_location == mantissa_size
                    && u16::from(sign_location) + 1 == bit_precision;
                (ieee && placed).then_some(Self {
                    bytes: size as u8,
                    order,
                })
            }
            _ => None,
        }
    }

    fn decode(self, bytes: &[u8], values: &mut Vec<f64>) {
        values.clear();
        let elements = bytes.chunks_exact(usize::from(self.bytes));
        let elements = elements.map(|element| widened(element, self.order));
        match self.bytes {
            2 => values.extend(elements.map(|bits| f16::from_bits(bits as u16).to_f64())),
            4 => values.extend(elements.map(|bits| f64::from(f32::from_bits(bits as u32)))),
            _ => values.extend(elements.map(f64::from_bits)),
        }
    }
}

impl Integer {
    fn of(datatype: &DatatypeMessage) -> Option<Self> {
        match *datatype {
            DatatypeMessage::FixedPoint {
                size: size @ (1 | 2 | 4 | 8),
                byte_order: order,
                signed,
                bit_offset: 0,
                bit_precision,
            } if u32::from(bit_precision) == 8 * size => Some(Self {
                bytes: size as u8,
                signed,
                order,
            }),
            _ => None,
        }
    }

    fn decode(self, bytes: &[u8], values: &mut Vec<i64>) {
        values.clear();
        let elements = bytes.chunks_exact(usize::from(self.bytes));
        let elements = elements.map(|element| widened(element, self.order));
        let unused = 64 - 8 * u32::from(self.bytes);
        if self.signed {
            values.extend(elements.map(|bits| (bits << unused) as i64 >> unused));
        } else {
            values.extend(elements.map(|bits| i64::try_from(bits).unwrap_or(i64::MAX)));
        }
    }
}

fn open(path: &Path, scratch: &Path) -> Result<SpikeFile, Problem> {
    let (unpacked, source) = source::unpacked_file(path, scratch)?;
    let readable = unpacked.as_deref().unwrap_or(path);
    let Superblock { base } = superblock::read(&source)?;
    let file = File {
        hdf5: guarded("the file", || H5File::options().no_locking().open(readable))?,
        bytes: source.bytes,
    };
    let times = file.lists(TIMES, "lists of floats (IEEE, 2, 4 or 8 bytes)", Float::of)?;
    let samples = times.references.len();
    let units = file.lists(UNITS, "lists of integers", Integer::of)?;
    let labels = file.integers(LABELS)?;
    let speakers = match file.integers(SPEAKER) {
        Err(Problem::Missing { .. }) => None,
        speakers => Some(speakers?),
    };
    let lengths = [
        (UNITS, units.references.len()),
        (LABELS, labels.len()),
        (SPEAKER, speakers.as_ref().map_or(samples, Vec::len)),
    ];
    if let Some(&(dataset, found)) = lengths.iter().find(|(_, found)| *found != samples) {
        return Err(Problem::Lengths {
            dataset,
            found,
            samples,
        });
    }
    if let Some(unpacked) = &unpacked {
        // Where the system allows it, the copy loses its name now, and goes even if we are killed.
        let _ = std::fs::remove_file(unpacked);
    }
    Ok(SpikeFile {
        path: path.to_owned(),
        times,
        units,
        labels,
        speakers,
        keys: file.keys()?,
        meta_info: file.meta_info()?,
        attributes: file.attributes()?,
        heap: HeapFile {
            file: source.file,
            bytes: source.bytes,
            base,
        },
        _unpacked: unpacked,
    })
}

/// The structure of an open file.
struct File {
    hdf5: H5File,
    bytes: u64,
}

impl File {
    /// A dataset of one dimension, which does not claim more than the file can have.
    fn dataset(&self, name: &'static str) -> Result<H5Dataset, Problem> {
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
        let shape = dataset.shape();
        let [entries] = shape[..] else {
            return Err(Problem::Type {
                dataset: name,
                found: format!("an array of shape {shape:?}"),
                expected: "one dimension, of the samples",
            });
        };
        // Packed tables are seldom below 4 bytes an entry, but can be; small files get more room.
        let entries = entries as u64;
        if entries > (self.bytes / 4).max(1 << 20) {
            return Err(Problem::Claim {
                dataset: name,
                entries,
                bytes: self.bytes,
            });
        }
        Ok(dataset)
    }

    fn lists<E>(
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

    fn integers(&self, name: &'static str) -> Result<Vec<u16>, Problem> {
        let dataset = self.dataset(name)?;
        let datatype = guarded(name, || dataset.datatype())?;
        let element = Integer::of(&datatype).ok_or_else(|| Problem::Type {
            dataset: name,
            found: type_name(&datatype),
            expected: "integers",
        })?;
        let raw = guarded(name, || dataset.read_raw_bytes())?;
        let mut values = Vec::new();
        element.decode(&raw, &mut values);
        let number = |(sample, found): (usize, &i64)| {
            u16::try_from(*found).map_err(|_| Problem::Number {
                dataset: name,
                sample,
                found: *found,
            })
        };
        values.iter().enumerate().map(number).collect()
    }

    fn keys(&self) -> Result<Vec<String>, Problem> {
        match self.dataset(KEYS) {
            Err(Problem::Missing { .. }) => Ok(Vec::new()),
            dataset => {
                let dataset = dataset?;
                guarded(KEYS, || dataset.read_strings_lossy())
            }
        }
    }

    fn meta_info(&self) -> Result<Vec<(String, MetaColumn)>, Problem> {
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
                let mut numbers = Vec::new();
                if let Some(float) = Float::of(&datatype) {
                    float.decode(&raw, &mut numbers);
                } else if let Some(integer) = Integer::of(&datatype) {
                    let mut integers = Vec::new();
                    integer.decode(&raw, &mut integers);
                    numbers.extend(integers.into_iter().map(|n| n as f64));
                } else {
                    return Ok(None);
                }
                Some(MetaColumn::Numbers(numbers))
            }
        })
    }

    fn attributes(&self) -> Result<Vec<(String, String)>, Problem> {
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

/// Calls the reader of HDF5. Should a damaged file make it panic, that is an error like any other.
fn guarded<T>(what: &str, call: impl FnOnce() -> Result<T, Hdf5Error>) -> Result<T, Problem> {
    let damaged = |message: String| Problem::Damaged {
        what: what.to_owned(),
        message,
    };
    match panic::catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| damaged(error.to_string())),
        Err(payload) => Err(damaged(panic_message(&*payload).to_owned())),
    }
}

/// What a dataset holds, in words of HDF5.
fn type_name(datatype: &DatatypeMessage) -> String {
    let named = guarded("a type", || Ok(datatype.to_string()));
    named.unwrap_or_else(|_| "elements of a damaged type".to_owned())
}

fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("the reader of HDF5 gave up")
}
