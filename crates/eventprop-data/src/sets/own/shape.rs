//! Request for a set, and its shape.

use crate::binned::{BinnedSet, Binning};
use crate::encode::camera::{CameraCode, PolarityCode};
use crate::formats::events::{Polarity, SensorSize, TimeOrigin};

/// Classes and channels have 16 bits.
pub(super) const CHANNELS_MAX: u32 = 1 << 16;

/// Conversion of recordings into samples.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Length and number of steps; the number of channels is found.
    pub binning: Binning,
    /// Pixels of the longer side of a camera.
    pub side: u32,
    /// Treatment of polarities.
    pub polarity: PolarityCode,
    /// Zero of the times of a recording; spike trains keep their own.
    pub origin: TimeOrigin,
    /// Shape of the training set, for a test set.
    pub shape: Option<&'a Shape>,
}

/// Shape of a set: everything beside its samples.
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
    /// Conversion of pixels into inputs, for a camera.
    pub code: Option<CameraCode>,
}

/// The sensor that all recordings of a set come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SensorKind {
    /// Columns and rows.
    pub size: SensorSize,
    /// Presence of polarities.
    pub polarity: Polarity,
}

impl SensorKind {
    /// True if events come from pixels rather than from a list of channels.
    pub(super) fn is_camera(self) -> bool {
        self.size.height > 1 || self.polarity == Polarity::OnOff
    }
}

/// A set, as spikes on a grid.
#[derive(Debug)]
pub struct Loaded {
    /// The samples.
    pub set: BinnedSet,
    /// Its shape.
    pub shape: Shape,
    /// Notices for the user.
    pub notices: Vec<String>,
}
