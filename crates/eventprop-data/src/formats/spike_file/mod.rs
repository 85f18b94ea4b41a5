//! Spike files: recordings of spikes in the HDF5 layout of the Heidelberg data sets (SHD, SSC), which
//! every tool of the field reads.
//!
//! ```text
//! /spikes/times            [samples]   list of floats per sample: times in s (SHD: float16)
//! /spikes/units            [samples]   list of integers per sample: the channel of each spike
//! /labels                  [samples]   a whole number of any type, also as a row or column: the class
//! /extra/speaker           [samples]   integer: the speaker                         (may be missing)
//! /extra/keys              [classes]   text: the word of each class                 (may be missing)
//! /extra/meta_info/NAME    [speakers]  text or numbers about the speakers           (may be missing)
//! ```
//!
//! [`SpikeFile`] reads it: floats of 2, 4 or 8 bytes, integers of 1 to 8, either byte order, packed
//! or not, from every version of HDF5, and inside `.gz` or `.zip`. [`SpikeFileWriter`] writes it.
//! Groups, tables and filters are read by `rust-hdf5`; the lists in the heaps are read here, so that they
//! can be read in parallel and without all being in memory, and files are written here, because that
//! library writes such lists only all at once. Neither holds more than a few blocks of samples. What the numbers mean is not judged here: a file
//! is read as it is, and [`crate::sets::shd`] refuses what is no spike.

mod element;
mod heap;
mod problem;
mod read;
mod structure;
mod superblock;
mod tables;
mod write;

pub(crate) use element::{Float, Integer};
pub use heap::ListProblem;
pub use problem::{Problem, SpikeFileError};
pub use read::{SpikeFile, Spikes, is_spike_file};
pub(crate) use superblock::read as read_superblock;
pub(crate) use tables::guarded;
pub(crate) use write::nearest_f16;
pub use write::{Compression, Sample, SpikeFileWriter, TimeType, WriteFileError, WriteOptions};
pub use write::{OptionsProblem, SampleProblem};

/// A column of `extra/meta_info`: what is known about each speaker.
#[derive(Debug, Clone, PartialEq)]
pub enum MetaColumn {
    /// Texts.
    Text(Vec<String>),
    /// Numbers.
    Numbers(Vec<f64>),
}
