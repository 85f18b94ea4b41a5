//! Reading a spike file.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use eventprop::time_noise::TimeNoise;
use rayon::prelude::*;
use rust_hdf5::H5File;
use tempfile::TempPath;

use super::MetaColumn;
use super::element::{Float, Integer};
use super::heap::{Collection, HeapFile};
use super::problem::{Problem, SpikeFileError};
use super::superblock::{self, Superblock};
use super::tables::{File, LABELS, Lists, SPEAKER, TIMES, UNITS, guarded};
use crate::formats::source;

/// Samples that are decoded at once, and the spikes after which a block ends.
const BLOCK_SAMPLES: usize = 1024;
const BLOCK_SPIKES: u64 = 1 << 21;

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

    /// True without samples.
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

    /// Properties of the speakers, by name; columns of other types than text and numbers are
    /// left out.
    pub fn meta_info(&self) -> &[(String, MetaColumn)] {
        &self.meta_info
    }

    /// Texts about the file, by name.
    pub fn attributes(&self) -> &[(String, String)] {
        &self.attributes
    }

    /// Noise of the times, for the type that they have in the file.
    pub fn time_noise(&self) -> TimeNoise {
        match self.times.element.bytes {
            2 => TimeNoise::F16,
            4 => TimeNoise::F32,
            _ => TimeNoise::F64,
        }
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

/// Buffers that a thread keeps from sample to sample.
#[derive(Default)]
struct Decoder {
    times_heap: Collection,
    units_heap: Collection,
    bytes: Vec<u8>,
    spikes: Spikes,
}

/// True for a file of the kinds that hold spikes: HDF5, also behind a block of the user (MATLAB), or packed.
///
/// # Errors
/// When it cannot be read.
pub fn is_spike_file(path: &Path) -> io::Result<bool> {
    let source = source::open(path)?;
    Ok(source.is_packed()? || superblock::find(&source)?.is_some())
}

fn open(path: &Path, scratch: &Path) -> Result<SpikeFile, Problem> {
    let (unpacked, source) = source::unpacked_file(path, scratch)?;
    let readable = unpacked.as_deref().unwrap_or(path);
    let Superblock { base } = superblock::read(&source)?;
    let hdf5 = guarded("the file", || H5File::options().no_locking().open(readable))?;
    let file = File::new(hdf5, source.bytes);
    let times = file.lists(TIMES, "lists of floats (IEEE, 2, 4 or 8 bytes)", Float::of)?;
    let samples = times.references.len();
    let units = file.lists(UNITS, "lists of integers", Integer::of)?;
    let labels = file.class_numbers(LABELS)?;
    let speakers = match file.class_numbers(SPEAKER) {
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
