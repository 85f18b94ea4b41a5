//! The Heidelberg data sets SHD and SSC, and any other recording in their layout, as binned sets.
//!
//! ```no_run
//! use eventprop_data::binned::{Binning, Repeats};
//! use eventprop_data::obtain::locate;
//! use eventprop_data::sets::shd::{self, Corpus, Request, Split};
//!
//! let binning = Binning { dt_ms: 1.0, steps: 1000, inputs: shd::CHANNELS, rescale_t: 1.0, rescale_x: 1.0, repeats: Repeats::Merge };
//! let request = Request { corpus: Corpus::Shd, split: Split::Train, binning, cache: None };
//! let loaded = shd::read_binned(&locate::data_dirs(None, None), &request)?;
//! println!("{} samples of {} speakers", loaded.set.len(), loaded.set.speaker_ids().len());
//! # Ok::<(), shd::ShdError>(())
//! ```
//!
//! A value that is no spike is refused with its place in the file: a time that is NaN, infinite or negative, a
//! channel that is not there, a class that is none. Times that are not in order are sorted, as spikes
//! on a grid have no other order; they and samples without spikes are counted and told in
//! [`Loaded::notices`].

mod cache;
pub mod survey;
pub mod synthetic;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use eventprop::time_noise::TimeNoise;
use thiserror::Error;

use crate::binned::{BinnedSet, Binning, Lost, Speakers};
use crate::formats::spike_file::{SpikeFile, SpikeFileError, Spikes};
use crate::obtain::locate::{self, NotFound};
use crate::obtain::registry::Dataset;

/// Channels of SHD and SSC.
pub const CHANNELS: u32 = 700;

/// The name of the attribute that synthetic files carry.
pub const SYNTHETIC: &str = "synthetic";

/// One of the two data sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Corpus {
    /// Spiking Heidelberg Digits: English and German digits of 12 speakers.
    Shd,
    /// Spiking Speech Commands: 35 words of very many speakers, who are not told.
    Ssc,
}

impl Corpus {
    /// The data set in the registry.
    pub fn dataset(self) -> Dataset {
        match self {
            Self::Shd => Dataset::Shd,
            Self::Ssc => Dataset::Ssc,
        }
    }

    /// Its name in capitals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shd => "SHD",
            Self::Ssc => "SSC",
        }
    }

    /// Number of classes.
    pub fn classes(self) -> u32 {
        match self {
            Self::Shd => 20,
            Self::Ssc => 35,
        }
    }

    /// Its parts, in the order of use.
    pub fn splits(self) -> &'static [Split] {
        match self {
            Self::Shd => &[Split::Train, Split::Test],
            Self::Ssc => &[Split::Train, Split::Valid, Split::Test],
        }
    }

    /// The name of the file of a part, unpacked; SHD has no validation part.
    pub fn file_name(self, split: Split) -> Option<&'static str> {
        match (self, split) {
            (Self::Shd, Split::Train) => Some("shd_train.h5"),
            (Self::Shd, Split::Valid) => None,
            (Self::Shd, Split::Test) => Some("shd_test.h5"),
            (Self::Ssc, Split::Train) => Some("ssc_train.h5"),
            (Self::Ssc, Split::Valid) => Some("ssc_valid.h5"),
            (Self::Ssc, Split::Test) => Some("ssc_test.h5"),
        }
    }
}

impl fmt::Display for Corpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is neither SHD nor SSC.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{found:?} is no spoken-word data set; expected SHD or SSC")]
pub struct UnknownCorpus {
    /// The name given.
    pub found: String,
}

impl FromStr for Corpus {
    type Err = UnknownCorpus;

    /// Case does not matter.
    fn from_str(name: &str) -> Result<Self, UnknownCorpus> {
        [Self::Shd, Self::Ssc]
            .into_iter()
            .find(|corpus| corpus.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownCorpus {
                found: name.to_owned(),
            })
    }
}

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// For training.
    Train,
    /// For choosing (SSC only).
    Valid,
    /// For the final figure.
    Test,
}

impl Split {
    /// Its name: `train`, `valid`, `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

/// Request for a set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request<'a> {
    /// The data set.
    pub corpus: Corpus,
    /// The part of it.
    pub split: Split,
    /// The grid; `inputs` is usually [`CHANNELS`].
    pub binning: Binning,
    /// Folder of the binned sets that are kept for the next time; made when it is missing. `None`: nowhere.
    pub cache: Option<&'a Path>,
}

/// A part of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The samples, with speakers and words of the classes if the file has them.
    pub set: BinnedSet,
    /// Description in a synthetic file; `None` for a recording.
    pub synthetic: Option<String>,
    /// Counts of oddities.
    pub counts: Counts,
    /// Notices for the user, in sentences.
    pub notices: Vec<String>,
    /// The file.
    pub path: PathBuf,
}

/// Counts of oddities that were found in a file while it was binned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Spikes in the file.
    pub spikes: u64,
    /// Spikes after the end of the trial, or moved out of the channels by `rescale_x`: left out.
    pub cut_off: u64,
    /// Spikes that fell into the same step and channel as another one.
    pub merged: u64,
    /// Samples whose times are not in order.
    pub unsorted: u64,
    /// Samples without any spike in the file.
    pub empty: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.spikes += other.spikes;
        self.cut_off += other.cut_off;
        self.merged += other.merged;
        self.unsorted += other.unsorted;
        self.empty += other.empty;
    }

    fn lost(self) -> Lost {
        Lost {
            of: self.spikes,
            cut_off: self.cut_off,
            merged: self.merged,
        }
    }
}

/// A data set could not be read.
#[derive(Debug, Error)]
pub enum ShdError {
    /// The file is not there.
    #[error("{0}; `eventprop data generate shd-like` makes a synthetic set")]
    NotFound(#[from] NotFound),
    /// A part that the data set does not have.
    #[error("{corpus} has no part {}; it has {}", split.name(), parts(*corpus))]
    NoSplit {
        /// The data set.
        corpus: Corpus,
        /// The part asked for.
        split: Split,
    },
    /// The file is damaged or has another layout.
    #[error(transparent)]
    File(#[from] SpikeFileError),
    /// A spike that is none.
    #[error("{path}: spike {spike} of sample {sample} {problem}", path = path.display())]
    Spike {
        /// The file.
        path: PathBuf,
        /// The sample, from 0.
        sample: usize,
        /// The spike, from 0, in the order of the file.
        spike: usize,
        /// The problem.
        #[source]
        problem: SpikeProblem,
    },
    /// A class that the data set does not have.
    #[error(
        "{path}: sample {sample} has the class {label}; expected 0 to {}",
        classes.saturating_sub(1),
        path = path.display()
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// The sample.
        sample: usize,
        /// Its class.
        label: u16,
        /// Number of classes.
        classes: u32,
    },
    /// A grid that is none.
    #[error("the grid has {found}; expected {expected}")]
    Grid {
        /// The number that it has.
        found: String,
        /// The number that it should have.
        expected: &'static str,
    },
}

/// Problem of a spike.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum SpikeProblem {
    /// A time that is NaN, infinite or negative.
    #[error("has the time {time_s} s; times must be finite and not negative")]
    Time {
        /// The time.
        time_s: f64,
    },
    /// A channel that is not there.
    #[error("is on channel {unit}; there are {inputs} (0 to {})", inputs - 1)]
    Unit {
        /// The channel.
        unit: i64,
        /// Number of channels.
        inputs: u32,
    },
}

fn parts(corpus: Corpus) -> String {
    let names: Vec<&str> = corpus.splits().iter().map(|split| split.name()).collect();
    names.join(", ")
}

/// Reads a part of a data set from the first of the data folders `dirs` that holds it
/// ([`locate::data_dirs`]).
///
/// Cost: SHD's training part is read once (269 MB), or its binned form from the cache.
///
/// # Errors
/// [`ShdError`].
pub fn read_binned<P: AsRef<Path>>(dirs: &[P], request: &Request<'_>) -> Result<Loaded, ShdError> {
    let Request {
        corpus,
        split,
        binning,
        cache,
    } = *request;
    let name = corpus.file_name(split);
    let name = name.ok_or(ShdError::NoSplit { corpus, split })?;
    let mut paths = locate::find(corpus.dataset(), &[name], dirs)?;
    let path = paths.swap_remove(0);
    read_binned_file(&path, Some(corpus.classes()), &binning, cache)
}

/// Reads any file of this layout. Without `classes` there are as many as words in the file or, without
/// words, as the highest class says.
///
/// With a folder `cache` the binned set is kept there, and used again as long as the file and
/// everything else that shaped it are the same; a packed file is unpacked there. A cache that cannot
/// be written or is damaged is no error, but a notice.
///
/// # Errors
/// [`ShdError`].
pub fn read_binned_file(
    path: &Path,
    classes: Option<u32>,
    binning: &Binning,
    cache: Option<&Path>,
) -> Result<Loaded, ShdError> {
    check_grid(binning)?;
    let Some(folder) = cache else {
        return bin(&SpikeFile::open(path)?, path, classes, binning).map(noticed);
    };
    let cache = cache::Cache::new(folder, path, classes, binning);
    let mut notices = Vec::new();
    let kept = match &cache {
        Ok(cache) => cache.read().unwrap_or_else(|notice| {
            notices.push(notice);
            None
        }),
        // The file's own reader says what is wrong with it.
        Err(_) => None,
    };
    let mut loaded = if let Some(loaded) = kept {
        loaded
    } else {
        let scratch = std::fs::create_dir_all(folder).map(|()| folder);
        let file = match scratch {
            Ok(scratch) => SpikeFile::open_in(path, scratch)?,
            Err(_) => SpikeFile::open(path)?,
        };
        let loaded = bin(&file, path, classes, binning)?;
        if let Ok(cache) = &cache {
            notices.extend(cache.write(&loaded).err());
        }
        loaded
    };
    loaded.notices = notices;
    Ok(noticed(loaded))
}

/// `inputs` is at most 65,536, as a channel of a binned set has two bytes.
fn check_grid(binning: &Binning) -> Result<(), ShdError> {
    let wrong = |found: String, expected| Err(ShdError::Grid { found, expected });
    let positive = |factor: f64| factor.is_finite() && factor > 0.0;
    let Binning {
        dt_ms,
        steps,
        inputs,
        rescale_t,
        rescale_x,
        repeats: _,
    } = *binning;
    if !positive(dt_ms) {
        return wrong(format!("a step of {dt_ms} ms"), "more than 0 ms");
    }
    if steps == 0 || inputs == 0 || inputs > 1 << 16 {
        let found = format!("{steps} steps and {inputs} inputs");
        return wrong(found, "at least 1 of each, and at most 65536 inputs");
    }
    if !positive(rescale_t) || !positive(rescale_x) {
        let found = format!("the factors {rescale_t} for times and {rescale_x} for channels");
        return wrong(found, "more than 0");
    }
    Ok(())
}

/// The share of lost spikes from which it is said.
const LOST: f64 = 0.01;

/// Adds what the counts say to the notices.
fn noticed(mut loaded: Loaded) -> Loaded {
    let name = loaded.path.display();
    let Counts {
        unsorted, empty, ..
    } = loaded.counts;
    loaded.set.lost = loaded.counts.lost();
    if loaded.synthetic.is_some() {
        let text = format!("{name} is synthetic, not a recording");
        loaded.notices.insert(0, text);
    }
    if unsorted > 0 {
        let text =
            format!("{name}: the times of {unsorted} samples were not in order, and were sorted");
        loaded.notices.push(text);
    }
    if empty > 0 {
        let text = format!("{name}: {empty} samples have no spikes");
        loaded.notices.push(text);
    }
    let [cut_off, merged] = loaded.set.lost.shares();
    let lost = [
        (
            cut_off,
            "come after the end of the trial or outside the channels (TRIAL_MS, RESCALE_T, RESCALE_X) and are cut off",
        ),
        (
            merged,
            "fall into the step and channel of another one and are one with it (MERGE_SPIKES, DT_MS, RESCALE_X)",
        ),
    ];
    for (share, how) in lost {
        if share >= LOST {
            let text = format!("{name}: {:.1} % of the spikes {how}", 100.0 * share);
            loaded.notices.push(text);
        }
    }
    loaded
}

/// A sample on the grid.
struct Binned {
    events: Vec<(u32, u16)>,
    counts: Counts,
}

fn bin(
    file: &SpikeFile,
    path: &Path,
    classes: Option<u32>,
    binning: &Binning,
) -> Result<Loaded, ShdError> {
    let highest = file
        .labels()
        .iter()
        .max()
        .map_or(0, |&label| u32::from(label) + 1);
    let classes = classes.unwrap_or(match file.keys().len() {
        0 => highest,
        words => words as u32,
    });
    let outside = |label: &u16| u32::from(*label) >= classes;
    if let Some(sample) = file.labels().iter().position(outside) {
        return Err(ShdError::Label {
            path: path.to_owned(),
            sample,
            label: file.labels()[sample],
            classes,
        });
    }
    let known = match file.speakers() {
        Some(_) => Speakers::Known,
        None => Speakers::Unknown,
    };
    let mut set =
        BinnedSet::new(binning.inputs, binning.steps, classes, known).with_repeats(binning.repeats);
    let lengths = (0..file.len()).map(|sample| file.spikes_len(sample));
    let runs = lengths
        .clone()
        .map(|spikes| spikes.min(binning.steps as usize));
    set.reserve(file.len(), lengths.sum(), runs.sum());
    let mut counts = Counts::default();
    // The published files have float16, and the reference takes their times as they are.
    let noise = match file.time_noise() {
        TimeNoise::F16 => TimeNoise::F64,
        noise => noise,
    };
    file.for_each(
        |sample, spikes| {
            bin_sample(spikes, noise, binning).map_err(|(spike, problem)| ShdError::Spike {
                path: path.to_owned(),
                sample,
                spike,
                problem,
            })
        },
        |sample, mut binned: Binned| {
            let speaker = file.speakers().map(|speakers| speakers[sample]);
            set.push(&mut binned.events, file.labels()[sample], speaker);
            counts.add(binned.counts);
        },
    )?;
    set.shrink();
    set.class_names = file.keys().to_vec();
    let says = file.attributes().iter().find(|(name, _)| name == SYNTHETIC);
    Ok(Loaded {
        set,
        synthetic: says.map(|(_, text)| text.clone()),
        counts,
        notices: Vec::new(),
        path: path.to_owned(),
    })
}

/// The spikes of a sample on the grid, in order; or the first that is none.
fn bin_sample(
    spikes: &Spikes,
    noise: TimeNoise,
    binning: &Binning,
) -> Result<Binned, (usize, SpikeProblem)> {
    let Spikes { times_s, units } = spikes;
    let mut events = Vec::with_capacity(units.len());
    let inputs = binning.inputs;
    for (spike, (&time_s, &unit)) in times_s.iter().zip(units).enumerate() {
        if !time_s.is_finite() || time_s < 0.0 {
            return Err((spike, SpikeProblem::Time { time_s }));
        }
        let channel = u32::try_from(unit).ok().filter(|channel| *channel < inputs);
        let Some(channel) = channel else {
            return Err((spike, SpikeProblem::Unit { unit, inputs }));
        };
        // What `bin` refuses was refused above.
        let spike = binning.bin(1000.0 * time_s, noise, channel);
        events.extend(spike.ok().flatten());
    }
    let inside = events.len();
    let merged = binning.repeats.settle(&mut events);
    let counts = Counts {
        spikes: units.len() as u64,
        cut_off: (units.len() - inside) as u64,
        merged: merged as u64,
        unsorted: u64::from(!times_s.is_sorted()),
        empty: u64::from(units.is_empty()),
    };
    Ok(Binned { events, counts })
}

#[cfg(test)]
mod tests;
