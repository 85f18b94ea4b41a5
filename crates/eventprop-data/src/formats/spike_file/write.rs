//! Writing a spike file, sample by sample.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::write::ZlibEncoder;
use half::f16;
use thiserror::Error;

use super::MetaColumn;
use super::structure::{
    self, Collection, DatasetType, Element, GROUP_ENTRIES_MAX, GroupAddress, Message, NOWHERE,
    SUPERBLOCK_BYTES, Storage, Target,
};
use crate::atomic::NewFile;
use crate::binned::Speakers;

/// A message of an object header has at most 64 KiB.
const ATTRIBUTE_BYTES_MAX: usize = 60_000;

/// A spike file could not be written; nothing is left of it.
#[derive(Debug, Error)]
pub enum WriteFileError {
    /// The file system refused.
    #[error(
        "cannot write {path}: {source}; check that the folder exists, is writable and has free space",
        path = path.display()
    )]
    Disk {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// A sample cannot be written.
    #[error("{path}, sample {sample}: {problem}", path = path.display())]
    Sample {
        /// The file.
        path: PathBuf,
        /// The number of the sample, from 0.
        sample: usize,
        /// The problem.
        #[source]
        problem: SampleProblem,
    },
    /// The description of the file cannot be written.
    #[error("{path}: {problem}", path = path.display())]
    Options {
        /// The file.
        path: PathBuf,
        /// The problem.
        #[source]
        problem: OptionsProblem,
    },
}

/// Problem of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum SampleProblem {
    /// Times and channels do not belong together.
    #[error("{times} times and {units} channels; there must be as many of each")]
    Lengths {
        /// Number of times.
        times: usize,
        /// Number of channels.
        units: usize,
    },
    /// A time that the file cannot hold.
    #[error(
        "spike {spike} has the time {time_s} s; times must be from 0 to {most} s in this format"
    )]
    Time {
        /// The number of the spike, from 0.
        spike: usize,
        /// Its time.
        time_s: f64,
        /// The latest time.
        most: f64,
    },
    /// More spikes than a list can have.
    #[error("{spikes} spikes; a sample can have {}", u32::MAX)]
    TooLong {
        /// Number of spikes.
        spikes: usize,
    },
    /// A class without a word.
    #[error("class {label}, but there are words for {classes} classes")]
    Label {
        /// The class.
        label: u16,
        /// Number of words.
        classes: usize,
    },
    /// A speaker is missing, or too many.
    #[error("the speaker is {given:?}, but the file was begun with speakers {expected:?}")]
    Speaker {
        /// The speaker given.
        given: Option<u16>,
        /// Presence of speakers in the file.
        expected: Speakers,
    },
}

/// Problem of the description of a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsProblem {
    /// A level that Deflate does not have.
    #[error("level {0} of compression; levels are 1 to 9")]
    Level(u32),
    /// A name that HDF5 does not take.
    #[error("{0:?} cannot be a name: it must not be empty, \".\", or hold '/' or a zero")]
    Name(String),
    /// The same name twice.
    #[error("the name {0:?} is given twice")]
    Twice(String),
    /// Too many columns.
    #[error("{0} columns of meta_info; there can be {GROUP_ENTRIES_MAX}")]
    Columns(usize),
    /// An attribute that does not fit.
    #[error("the attribute {name:?} has {bytes} bytes; at most {ATTRIBUTE_BYTES_MAX} fit")]
    Attribute {
        /// Its name.
        name: String,
        /// Bytes of name and text.
        bytes: usize,
    },
}

/// The type of the times in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeType {
    /// float16, as SHD has it: rounded to the nearest of 0.24 ms up to 0.5 s, of 0.49 ms up to 1 s,
    /// of 0.98 ms up to 2 s.
    #[default]
    F16,
    /// float32: better than 0.2 µs up to 2 s.
    F32,
    /// float64: as they are given.
    F64,
}

impl TimeType {
    fn element(self) -> Element {
        match self {
            Self::F16 => Element::F16,
            Self::F32 => Element::F32,
            Self::F64 => Element::F64,
        }
    }

    /// The latest time in s.
    fn most(self) -> f64 {
        match self {
            Self::F16 => f16::MAX.to_f64(),
            Self::F32 => f64::from(f32::MAX),
            Self::F64 => f64::MAX,
        }
    }
}

/// Packing of the tables of a file. HDF5 does not pack the spikes themselves; for that, pack the
/// file (`gzip`), which [`super::SpikeFile`] reads as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Not.
    #[default]
    None,
    /// With Deflate of this level, 1 to 9.
    Deflate(u32),
}

/// Description of a file, beside its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteOptions {
    /// Type of the times.
    pub times: TimeType,
    /// Packing of its tables.
    pub compression: Compression,
    /// Presence of speakers.
    pub speakers: Speakers,
    /// The words of the classes, by class; none are written when it is empty.
    pub keys: Vec<String>,
    /// Properties of the speakers, by name.
    pub meta_info: Vec<(String, MetaColumn)>,
    /// Texts about the file (attributes of `/`), by name.
    pub attributes: Vec<(String, String)>,
}

impl Default for WriteOptions {
    /// float16, not packed, no speakers, no words, nothing else.
    fn default() -> Self {
        Self {
            times: TimeType::default(),
            compression: Compression::default(),
            speakers: Speakers::Unknown,
            keys: Vec::new(),
            meta_info: Vec::new(),
            attributes: Vec::new(),
        }
    }
}

/// A sample to be written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// Times of the spikes in s; written in the order given, which in SHD is that of time.
    pub times_s: &'a [f64],
    /// Channels of the spikes.
    pub units: &'a [u16],
    /// The class.
    pub label: u16,
    /// The speaker, in a file that has speakers.
    pub speaker: Option<u16>,
}

/// A spike file that is being written. It appears under its name when it is finished, whole; dropped
/// before, nothing of it is left.
///
/// Memory: two blocks of 64 KiB, the longest sample, and 36 bytes per sample.
///
/// ```
/// use eventprop_data::formats::spike_file::{Sample, SpikeFile, SpikeFileWriter, WriteOptions};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("mine.h5");
/// let options = WriteOptions {
///     keys: vec!["yes".into(), "no".into()],
///     ..WriteOptions::default()
/// };
/// let mut file = SpikeFileWriter::create(&path, options)?;
/// let (times_s, units) = (&[0.0, 0.25][..], &[3, 699][..]);
/// file.push(Sample { times_s, units, label: 1, speaker: None })?;
/// file.finish()?;
/// assert_eq!(SpikeFile::open(&path)?.labels(), [1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SpikeFileWriter {
    path: PathBuf,
    options: WriteOptions,
    out: Output,
    heap: Collection,
    times: Vec<u8>,
    units: Vec<u8>,
    labels: Vec<u16>,
    speakers: Vec<u16>,
    /// Bytes of one list, kept for its room.
    content: Vec<u8>,
}

impl SpikeFileWriter {
    /// Begins a file in a folder that exists.
    ///
    /// # Errors
    /// [`WriteFileError`].
    pub fn create(path: &Path, options: WriteOptions) -> Result<Self, WriteFileError> {
        check(&options).map_err(|problem| WriteFileError::Options {
            path: path.to_owned(),
            problem,
        })?;
        let out = Output::create(path).map_err(disk(path))?;
        Ok(Self {
            path: path.to_owned(),
            options,
            out,
            heap: Collection::new(),
            times: Vec::new(),
            units: Vec::new(),
            labels: Vec::new(),
            speakers: Vec::new(),
            content: Vec::new(),
        })
    }

    /// Number of samples so far.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True before the first sample.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Adds a sample. After an error the file is as it was before, and others can be added.
    ///
    /// # Errors
    /// [`WriteFileError::Sample`], and [`WriteFileError::Disk`], after which nothing can be added.
    pub fn push(&mut self, sample: Sample<'_>) -> Result<(), WriteFileError> {
        self.options
            .check(&sample)
            .map_err(|problem| WriteFileError::Sample {
                path: self.path.clone(),
                sample: self.labels.len(),
                problem,
            })?;
        let len = sample.units.len() as u32;
        self.content.clear();
        encode_times(self.options.times, sample.times_s, &mut self.content);
        let reference = self.heap.push(self.out.end, len, &self.content);
        self.times.extend(reference);
        self.content.clear();
        let units = sample.units.iter().flat_map(|unit| unit.to_le_bytes());
        self.content.extend(units);
        let reference = self.heap.push(self.out.end, len, &self.content);
        self.units.extend(reference);
        self.labels.push(sample.label);
        self.speakers.extend(sample.speaker);
        if self.heap.is_full() {
            self.place_heap()?;
        }
        Ok(())
    }

    fn place_heap(&mut self) -> Result<(), WriteFileError> {
        let collection = self.heap.take();
        self.out.put(&collection).map_err(disk(&self.path))?;
        Ok(())
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// [`WriteFileError::Disk`].
    pub fn finish(mut self) -> Result<(), WriteFileError> {
        if !self.heap.is_empty() {
            self.place_heap()?;
        }
        let path = self.path.clone();
        self.finish_file().map_err(disk(&path))
    }

    fn finish_file(self) -> io::Result<()> {
        let Self {
            mut out, options, ..
        } = self;
        let samples = self.labels.len() as u64;
        let mut tables = Tables {
            out: &mut out,
            compression: options.compression,
        };
        let times = DatasetType::Lists(options.times.element());
        let times = tables.dataset(times, samples, &self.times)?;
        let units = tables.dataset(DatasetType::Lists(Element::U16), samples, &self.units)?;
        let labels = tables.integers(&self.labels)?;
        let mut extra = Vec::new();
        if !options.keys.is_empty() {
            extra.push(("keys", tables.texts(&options.keys)?));
        }
        if !options.meta_info.is_empty() {
            extra.push(("meta_info", tables.meta_info(&options.meta_info)?));
        }
        if options.speakers == Speakers::Known {
            extra.push(("speaker", tables.integers(&self.speakers)?));
        }
        let spikes = tables.group(&[("times", times), ("units", units)])?;
        let mut root = vec![("labels", labels), ("spikes", spikes)];
        if !extra.is_empty() {
            root.insert(0, ("extra", tables.group(&extra)?));
        }
        let attributes = options.attributes.iter();
        let attributes = attributes.map(|(name, text)| structure::text_attribute(name, text));
        let root = tables.group_with(&root, attributes.collect())?;
        out.finish(root)
    }
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> WriteFileError {
    let path = path.to_owned();
    |source| WriteFileError::Disk { path, source }
}

fn encode_times(kind: TimeType, times_s: &[f64], bytes: &mut Vec<u8>) {
    match kind {
        TimeType::F16 => bytes.extend(times_s.iter().flat_map(|&t| nearest_f16(t).to_le_bytes())),
        TimeType::F32 => bytes.extend(times_s.iter().flat_map(|&t| (t as f32).to_le_bytes())),
        TimeType::F64 => bytes.extend(times_s.iter().flat_map(|t| t.to_le_bytes())),
    }
}

/// The float16 nearest to a number that is not negative and below the largest, of two the even one.
/// `f16::from_f64` alone goes by float32 on some processors, and so rounds twice.
pub(crate) fn nearest_f16(value: f64) -> f16 {
    // A float16 is a multiple of 2^(e - 10), e the exponent, at least -14; a power of two divides
    // and multiplies exactly.
    let exponent = ((value.to_bits() >> 52) as i32 - 1023).max(-14);
    let spacing = f64::from(exponent - 10).exp2();
    f16::from_f64((value / spacing).round_ties_even() * spacing)
}

impl WriteOptions {
    fn check(&self, sample: &Sample<'_>) -> Result<(), SampleProblem> {
        let (times, units) = (sample.times_s.len(), sample.units.len());
        if times != units {
            return Err(SampleProblem::Lengths { times, units });
        }
        if u32::try_from(times).is_err() {
            return Err(SampleProblem::TooLong { spikes: times });
        }
        let most = self.times.most();
        let outside = |time: &f64| !(0.0..=most).contains(time);
        if let Some(spike) = sample.times_s.iter().position(outside) {
            let time_s = sample.times_s[spike];
            return Err(SampleProblem::Time {
                spike,
                time_s,
                most,
            });
        }
        let (label, classes) = (sample.label, self.keys.len());
        if classes > 0 && usize::from(label) >= classes {
            return Err(SampleProblem::Label { label, classes });
        }
        let (given, expected) = (sample.speaker, self.speakers);
        if given.is_some() != (expected == Speakers::Known) {
            return Err(SampleProblem::Speaker { given, expected });
        }
        Ok(())
    }
}

fn check(options: &WriteOptions) -> Result<(), OptionsProblem> {
    if let Compression::Deflate(level) = options.compression
        && !(1..=9).contains(&level)
    {
        return Err(OptionsProblem::Level(level));
    }
    if options.meta_info.len() > GROUP_ENTRIES_MAX {
        return Err(OptionsProblem::Columns(options.meta_info.len()));
    }
    check_names(options.meta_info.iter().map(|(name, _)| name))?;
    check_names(options.attributes.iter().map(|(name, _)| name))?;
    for (name, text) in &options.attributes {
        let bytes = name.len() + text.len();
        if bytes > ATTRIBUTE_BYTES_MAX {
            let name = name.clone();
            return Err(OptionsProblem::Attribute { name, bytes });
        }
    }
    Ok(())
}

fn check_names<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), OptionsProblem> {
    let mut names: Vec<&String> = names.collect();
    for name in &names {
        if name.is_empty() || *name == "." || name.contains(['/', '\0']) {
            return Err(OptionsProblem::Name((*name).clone()));
        }
    }
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(OptionsProblem::Twice(pair[0].clone())),
        None => Ok(()),
    }
}

/// The file, and how long it is.
#[derive(Debug)]
struct Output {
    writer: BufWriter<NewFile>,
    end: u64,
}

impl Output {
    fn create(path: &Path) -> io::Result<Self> {
        let mut writer = BufWriter::with_capacity(1 << 16, NewFile::create(path)?);
        // The superblock is known only at the end.
        writer.write_all(&[0; SUPERBLOCK_BYTES as usize])?;
        Ok(Self {
            writer,
            end: SUPERBLOCK_BYTES,
        })
    }

    /// Appends bytes, filled up to eight, and gives their address.
    fn put(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let address = self.end;
        self.writer.write_all(bytes)?;
        let padding = bytes.len().next_multiple_of(8) - bytes.len();
        self.writer.write_all(&[0; 8][..padding])?;
        self.end += (bytes.len() + padding) as u64;
        Ok(address)
    }

    fn finish(self, root: GroupAddress) -> io::Result<()> {
        let superblock = structure::superblock(root, self.end);
        let mut new = self
            .writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        new.file.as_file_mut().seek(SeekFrom::Start(0))?;
        new.file.as_file_mut().write_all(&superblock)?;
        new.finish()
    }
}

/// Places datasets and groups.
struct Tables<'a> {
    out: &'a mut Output,
    compression: Compression,
}

impl Tables<'_> {
    fn dataset(&mut self, kind: DatasetType, len: u64, content: &[u8]) -> io::Result<Target> {
        debug_assert_eq!(content.len() as u64, len * u64::from(kind.bytes()));
        let storage = match self.compression {
            // A chunk cannot be empty.
            _ if len == 0 => Storage::Contiguous {
                address: NOWHERE,
                bytes: 0,
            },
            Compression::None => Storage::Contiguous {
                address: self.out.put(content)?,
                bytes: content.len() as u64,
            },
            Compression::Deflate(level) => {
                let mut packer = ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
                packer.write_all(content)?;
                let packed = packer.finish()?;
                let chunk = self.out.put(&packed)?;
                let tree = structure::chunk_tree(kind, len, chunk, packed.len() as u64);
                let tree = self.out.put(&tree)?;
                Storage::Packed { tree, level }
            }
        };
        let header = structure::dataset_header(kind, len, storage);
        let header = self.out.put(&header)?;
        Ok(Target::Dataset { header })
    }

    fn integers(&mut self, values: &[u16]) -> io::Result<Target> {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.dataset(DatasetType::One(Element::U16), values.len() as u64, &bytes)
    }

    fn numbers(&mut self, values: &[f64]) -> io::Result<Target> {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.dataset(DatasetType::One(Element::F64), values.len() as u64, &bytes)
    }

    fn texts(&mut self, texts: &[String]) -> io::Result<Target> {
        let width = texts.iter().map(String::len).max().unwrap_or(0).max(1);
        let mut bytes = Vec::with_capacity(width * texts.len());
        for (n, text) in texts.iter().enumerate() {
            bytes.extend(text.as_bytes());
            bytes.resize((n + 1) * width, 0);
        }
        let kind = DatasetType::One(Element::Text(width as u32));
        self.dataset(kind, texts.len() as u64, &bytes)
    }

    fn meta_info(&mut self, columns: &[(String, MetaColumn)]) -> io::Result<Target> {
        let mut entries = Vec::new();
        for (name, column) in columns {
            let target = match column {
                MetaColumn::Text(texts) => self.texts(texts)?,
                MetaColumn::Numbers(numbers) => self.numbers(numbers)?,
            };
            entries.push((name.as_str(), target));
        }
        entries.sort_by_key(|entry| entry.0);
        self.group(&entries)
    }

    fn group(&mut self, entries: &[(&str, Target)]) -> io::Result<Target> {
        Ok(Target::Group(self.group_with(entries, Vec::new())?))
    }

    fn group_with(
        &mut self,
        entries: &[(&str, Target)],
        attributes: Vec<Message>,
    ) -> io::Result<GroupAddress> {
        let (bytes, group) = structure::group(self.out.end, entries, attributes);
        self.out.put(&bytes)?;
        Ok(group)
    }
}
