//! Why DVS128 Gesture cannot be read.

use std::path::PathBuf;

use thiserror::Error;

use super::gestures::SIDE;
use crate::binned::BinError;
use crate::formats::events::EventFileError;

/// DVS128 Gesture could not be read.
#[derive(Debug, Error)]
pub enum GestureError {
    /// It is in none of the folders.
    #[error(
        "DVS128 Gesture is in none of {folders:?}: neither {list} of the original release nor {clips}/ of tonic's clips \
         in dvs_gesture/, DvsGesture/ or the folder itself. `eventprop data fetch dvs-gesture` says how to get it"
    )]
    NotFound {
        /// List of the original release.
        list: &'static str,
        /// Folder of tonic's clips.
        clips: &'static str,
        /// The place that was searched.
        folders: Vec<PathBuf>,
    },
    /// A recording is damaged.
    #[error(transparent)]
    File(#[from] EventFileError),
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A line of a label file is not class, start, end.
    #[error("{}, line {line}: found {found:?}, expected {expected}", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The line.
        found: String,
        /// The expected content.
        expected: &'static str,
    },
    /// A clip begins after the last event.
    #[error(
        "{}: class {class} begins at {start_us} µs, but the last event of the recording is at {last_us} µs: labels and \
         recording do not belong together, or the recording is cut off", path.display()
    )]
    BeyondRecording {
        /// The recording.
        path: PathBuf,
        /// The class, from 1.
        class: u32,
        /// Start of the clip.
        start_us: i64,
        /// Time of the last event.
        last_us: i64,
    },
    /// A name without the number of a person or of a class.
    #[error("{}: the name is not {expected}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The expected value.
        expected: &'static str,
    },
    /// An event does not fit the sensor or the grid.
    #[error("{}: {problem}", path.display())]
    Bin {
        /// The recording.
        path: PathBuf,
        /// The problem.
        problem: BinError,
    },
    /// A recording of another camera.
    #[error("{}: the sensor has {width} × {height} pixels, expected {SIDE} × {SIDE}", path.display())]
    Sensor {
        /// The recording.
        path: PathBuf,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
}
