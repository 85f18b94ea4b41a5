//! Request for a set, and its shape.

use std::path::Path;

use super::error::OwnDataError;
use crate::binned::{BinnedSet, Binning};
use crate::encode::camera::{CameraCode, PolarityCode};
use crate::formats::events::{Polarity, ReadOptions, SensorSize};

/// Classes and channels have 16 bits.
pub(super) const CHANNELS_MAX: u32 = 1 << 16;

/// A setting of the conversion, as users name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Pixels of the longer side.
    Side,
    /// Treatment of polarities.
    Polarity,
    /// Zero of the times.
    Origin,
    /// Columns of tables without names.
    Columns,
    /// The format, instead of the recognised one.
    Format,
}

impl Setting {
    /// Its name in Python and among the parameters.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Side => "side (CAMERA_SIDE)",
            Self::Polarity => "polarity (POLARITY)",
            Self::Origin => "origin (TIME_ORIGIN)",
            Self::Columns => "columns (DATA_COLUMNS)",
            Self::Format => "format (DATA_FORMAT)",
        }
    }
}

/// Conversion of recordings into samples.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Length and number of steps; the number of channels is found.
    pub binning: Binning,
    /// Pixels of the longer side of a camera.
    pub side: u32,
    /// Treatment of polarities.
    pub polarity: PolarityCode,
    /// Format, columns and zero of the times of the recordings; spike trains keep their own times.
    pub reading: &'a ReadOptions,
    /// Those of side, polarity and origin that the user asked for; one that the content has no use for is an error.
    pub given: &'a [Setting],
    /// Shape of the training set, for a test set.
    pub shape: Option<&'a Shape>,
}

impl Request<'_> {
    /// Refuses settings that the user asked for and this content has no use for.
    pub(super) fn refuse(
        &self,
        unused: &[Setting],
        path: &Path,
        content: &'static str,
    ) -> Result<(), OwnDataError> {
        let is_given = |setting: &&Setting| match setting {
            Setting::Columns => self.reading.columns.is_some(),
            Setting::Format => self.reading.format.is_some(),
            other => self.given.contains(other),
        };
        match unused.iter().find(is_given) {
            None => Ok(()),
            Some(setting) => Err(OwnDataError::Unused {
                path: path.to_owned(),
                setting: setting.name(),
                content,
            }),
        }
    }
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
