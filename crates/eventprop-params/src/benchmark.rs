//! The benchmarks by name.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use crate::benchmarks::{self, never_read::with_never_read};
use crate::presets::{self, Preset};
use crate::row::Row;

/// The benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Benchmark {
    /// Points in the Yin-Yang symbol.
    YinYang,
    /// Handwritten digits.
    Mnist,
    /// Spoken digits of the Spiking Heidelberg Digits.
    Shd,
    /// The Spiking Speech Commands.
    Ssc,
    /// Handwritten digits, pixel after pixel.
    Smnist,
    /// Handwritten digits before a moving event camera.
    Nmnist,
    /// Gestures of arms and hands before an event camera.
    DvsGesture,
    /// Recordings or spike trains of the user.
    Custom,
}

impl Benchmark {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 8] = [
        Self::YinYang,
        Self::Mnist,
        Self::Shd,
        Self::Ssc,
        Self::Smnist,
        Self::Nmnist,
        Self::DvsGesture,
        Self::Custom,
    ];

    /// The name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::YinYang => "yinyang",
            Self::Mnist => "mnist",
            Self::Shd => "shd",
            Self::Ssc => "ssc",
            Self::Smnist => "smnist",
            Self::Nmnist => "nmnist",
            Self::DvsGesture => "dvs-gesture",
            Self::Custom => "custom",
        }
    }

    /// The name under which `eventprop data fetch` knows its data.
    pub fn data_set(self) -> &'static str {
        match self {
            Self::Smnist => Self::Mnist.name(),
            other => other.name(),
        }
    }

    /// The table of parameters.
    pub fn rows(self) -> &'static [Row] {
        static TABLES: LazyLock<[Vec<Row>; 8]> =
            LazyLock::new(|| Benchmark::ALL.map(|of| with_never_read(of.own_rows())));
        &TABLES[self as usize]
    }

    fn own_rows(self) -> &'static [Row] {
        match self {
            Self::YinYang => benchmarks::yinyang::ROWS,
            Self::Mnist => benchmarks::mnist::ROWS,
            Self::Shd => benchmarks::shd::ROWS,
            Self::Ssc => &benchmarks::shd::SSC_ROWS,
            Self::Smnist => &benchmarks::smnist::ROWS,
            Self::Nmnist => &benchmarks::camera::NMNIST,
            Self::DvsGesture => &benchmarks::camera::DVS_GESTURE,
            Self::Custom => &benchmarks::camera::CUSTOM,
        }
    }

    /// The presets.
    pub fn presets(self) -> impl Iterator<Item = &'static Preset> {
        presets::of(self)
    }

    /// True if samples are events of channels on the grid (`eventprop_data::binned`): parameters, networks
    /// and augmentation are then those of the SHD simulator of `genn_eventprop`.
    pub fn is_binned(self) -> bool {
        !matches!(self, Self::YinYang | Self::Mnist)
    }

    /// True if files are laid out as by the SHD simulator of `genn_eventprop`: a single hidden layer
    /// has a number, too, and lines of results end with seconds. Its simulators of sequential MNIST and of
    /// gestures do neither.
    pub fn has_files_of_spoken_words(self) -> bool {
        self.is_binned() && !matches!(self, Self::Smnist | Self::DvsGesture)
    }

    /// The word for a person whose samples belong together.
    pub fn person(self) -> &'static str {
        if self == Self::DvsGesture {
            "user"
        } else {
            "speaker"
        }
    }

    pub(crate) fn position(self, key: &str) -> Option<usize> {
        let rows = self.rows();
        rows.iter()
            .position(|row| row.key == key)
            .or_else(|| rows.iter().position(|row| row.aliases.contains(&key)))
    }
}

impl fmt::Display for Benchmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Benchmark {
    type Err = String;

    /// Case, `-` and `_` do not matter. The error is a sentence that lists the benchmarks.
    fn from_str(name: &str) -> Result<Self, String> {
        let plain = name.to_lowercase().replace(['-', '_'], "");
        let known = Self::ALL
            .into_iter()
            .find(|b| b.name().replace('-', "") == plain);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no benchmark {name:?}; choose one of {names}")
        })
    }
}
