//! The file formats of events and their names.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A file format of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// AEDAT 2.0, jAER.
    Aedat2,
    /// AEDAT 3.1, cAER: DVS128 Gesture.
    Aedat31,
    /// AEDAT 4.0, DV.
    Aedat4,
    /// Five bytes per event: N-MNIST, N-Caltech101.
    FiveBytes,
    /// Prophesee EVT 2.0 (`.raw`).
    Evt2,
    /// Prophesee EVT 2.1 (`.raw`).
    Evt21,
    /// Prophesee EVT 3.0 (`.raw`).
    Evt3,
    /// Prophesee DAT.
    Dat,
    /// Event Stream 2 (`.es`).
    EventStream,
    /// NumPy arrays with named fields, or of four columns.
    Npy,
    /// NumPy archives with an array for each column.
    Npz,
    /// Text with named columns.
    Csv,
    /// HDF5 of a camera, or `.mat` of version 7.3.
    Hdf5,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 13] = [
        Self::Aedat2,
        Self::Aedat31,
        Self::Aedat4,
        Self::FiveBytes,
        Self::Evt2,
        Self::Evt21,
        Self::Evt3,
        Self::Dat,
        Self::EventStream,
        Self::Npy,
        Self::Npz,
        Self::Csv,
        Self::Hdf5,
    ];

    /// True for tables, whose columns may have to be named.
    pub fn has_columns(self) -> bool {
        matches!(self, Self::Npy | Self::Npz | Self::Csv | Self::Hdf5)
    }

    /// The name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aedat2 => "aedat2",
            Self::Aedat31 => "aedat3.1",
            Self::Aedat4 => "aedat4",
            Self::FiveBytes => "nmnist",
            Self::Evt2 => "evt2",
            Self::Evt21 => "evt2.1",
            Self::Evt3 => "evt3",
            Self::Dat => "dat",
            Self::EventStream => "es",
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Csv => "csv",
            Self::Hdf5 => "hdf5",
        }
    }

    /// A name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Aedat2 => "AEDAT 2.0",
            Self::Aedat31 => "AEDAT 3.1",
            Self::Aedat4 => "AEDAT 4.0",
            Self::FiveBytes => "N-MNIST (5 bytes per event)",
            Self::Evt2 => "Prophesee EVT 2.0",
            Self::Evt21 => "Prophesee EVT 2.1",
            Self::Evt3 => "Prophesee EVT 3.0",
            Self::Dat => "Prophesee DAT",
            Self::EventStream => "Event Stream",
            Self::Npy => "NumPy array",
            Self::Npz => "NumPy archive",
            Self::Csv => "text table (CSV)",
            Self::Hdf5 => "HDF5",
        }
    }

    /// The word before a position in a file.
    pub fn place(self) -> &'static str {
        match self {
            Self::Hdf5 => "row",
            _ => "byte",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// A name that is no format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no event format is called {found:?}; known are {known}", known = names())]
pub struct UnknownFormat {
    /// The name given.
    pub found: String,
}

pub(super) fn names() -> String {
    Format::ALL.map(Format::name).join(", ")
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let wanted = name.to_lowercase();
        let known = Self::ALL.into_iter();
        known
            .clone()
            .find(|format| format.name() == wanted)
            .ok_or_else(|| UnknownFormat {
                found: name.to_owned(),
            })
    }
}
