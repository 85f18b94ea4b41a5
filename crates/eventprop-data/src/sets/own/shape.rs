//! What is asked of a set and what it looks like.

use crate::binned::{BinnedSet, Binning};
use crate::encode::camera::{CameraCode, PolarityCode};
use crate::formats::events::{Polarity, SensorSize};

/// Classes and channels have 16 bits.
pub(super) const CHANNELS_MAX: u32 = 1 << 16;

/// What the time of a recording counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeOrigin {
    /// Its first event.
    FirstEvent,
    /// The zero of the file.
    File,
}

/// How recordings become samples.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Length and number of steps; the number of channels is found.
    pub binning: Binning,
    /// Pixels of the longer side of a camera.
    pub side: u32,
    /// What becomes of polarities.
    pub polarity: PolarityCode,
    /// What times of a recording count from; spike trains keep their own zero.
    pub origin: TimeOrigin,
    /// What the training set looked like, for a test set.
    pub shape: Option<&'a Shape>,
}

/// What a set looks like, beside its samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Names of the classes; empty when they only have numbers.
    pub names: Vec<String>,
    /// Number of classes.
    pub classes: u32,
    /// Channels of the recordings.
    pub inputs: u32,
    /// The sensor, for a folder of recordings.
    pub sensor: Option<SensorKind>,
    /// How its pixels become inputs, for a camera.
    pub code: Option<CameraCode>,
}

/// The sensor that all recordings of a set come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SensorKind {
    /// Columns and rows.
    pub size: SensorSize,
    /// Whether events have polarities.
    pub polarity: Polarity,
}

impl SensorKind {
    /// Whether events come from pixels rather than from a list of channels.
    pub(super) fn is_camera(self) -> bool {
        self.size.height > 1 || self.polarity == Polarity::OnOff
    }
}

/// A set, as spikes on a grid.
#[derive(Debug)]
pub struct Loaded {
    /// The samples.
    pub set: BinnedSet,
    /// What it looks like.
    pub shape: Shape,
    /// What a user should know.
    pub notices: Vec<String>,
}
