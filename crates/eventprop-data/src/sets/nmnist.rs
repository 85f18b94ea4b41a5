//! N-MNIST: MNIST digits that a camera on a shaking mount recorded from a screen, 34 × 34 pixels,
//! three saccades of 100 ms (Orchard, Jayawant, Cohen & Thakor 2015).
//!
//! The official layout is `Train/0/00002.bin` … `Test/9/….bin`: a folder per digit, a file of five bytes per
//! event per recording. Samples are read in the order of digit and name.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use thiserror::Error;

use crate::binned::{BinError, BinnedSet, Binning, Speakers};
use crate::encode::camera::CameraCode;
use crate::formats::events::{self, EventFileError, EventProblem};
use crate::formats::source;

/// Pixels of a side.
pub const SIDE: u32 = 34;
/// Digits.
pub const CLASSES: u32 = 10;
/// Recordings of the whole set, training and test.
pub const RECORDINGS: [usize; 2] = [60_000, 10_000];
/// Folders below a data folder in which the set is looked for.
const FOLDERS: [&str; 5] = ["nmnist", "N-MNIST", "NMNIST", "n-mnist", ""];

/// A part of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// `Train/`
    Train,
    /// `Test/`
    Test,
}

impl Split {
    /// The name of its folder.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Train => "Train",
            Self::Test => "Test",
        }
    }
}

/// N-MNIST could not be read.
#[derive(Debug, Error)]
pub enum NmnistError {
    /// It is in none of the folders.
    #[error(
        "N-MNIST is in none of {folders:?}: no folder with {split}/0 to {split}/9 in nmnist/, N-MNIST/ or the folder \
         itself. `eventprop data fetch nmnist` says how to get it: unpack Train.zip and Test.zip there"
    )]
    NotFound {
        /// The part.
        split: &'static str,
        /// The place that was searched.
        folders: Vec<PathBuf>,
    },
    /// A folder of a digit is missing or holds no recordings.
    #[error("{}: no recording (.bin) of this digit; unpack the archive again", path.display())]
    NoRecordings {
        /// The folder.
        path: PathBuf,
    },
    /// A recording is damaged.
    #[error(transparent)]
    File(#[from] EventFileError),
    /// The system.
    #[error("{}: {source}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A spike does not fit the grid.
    #[error("{}: {source}", path.display())]
    Bin {
        /// The recording.
        path: PathBuf,
        /// The problem.
        source: BinError,
    },
}

/// A part, as spikes on a grid.
#[derive(Debug)]
pub struct Loaded {
    /// The samples.
    pub set: BinnedSet,
    /// Their source.
    pub folder: PathBuf,
    /// Notices for the user.
    pub notices: Vec<String>,
}

/// Folder of a part, in the first of the data folders that holds it.
///
/// # Errors
/// [`NmnistError::NotFound`].
pub fn find<P: AsRef<Path>>(dirs: &[P], split: Split) -> Result<PathBuf, NmnistError> {
    let candidates = dirs.iter().flat_map(|dir| {
        FOLDERS.into_iter().flat_map(move |below| {
            let name = split.folder();
            let lower = name.to_lowercase();
            [name.to_owned(), lower].map(|name| dir.as_ref().join(below).join(name))
        })
    });
    let mut found = candidates.filter(|folder| folder.join("0").is_dir());
    found.next().ok_or_else(|| NmnistError::NotFound {
        split: split.folder(),
        folders: dirs.iter().map(|dir| dir.as_ref().to_owned()).collect(),
    })
}

/// Reads a part; `code` is made for a sensor of 34 × 34 pixels.
///
/// # Errors
/// [`NmnistError`].
pub fn read_binned<P: AsRef<Path>>(
    dirs: &[P],
    split: Split,
    code: &CameraCode,
    binning: &Binning,
) -> Result<Loaded, NmnistError> {
    let folder = find(dirs, split)?;
    let mut set = BinnedSet::new(code.inputs(), binning.steps, CLASSES, Speakers::Unknown)
        .with_repeats(binning.repeats);
    for digit in 0..CLASSES {
        let files = recordings(&folder.join(digit.to_string()))?;
        let samples: Vec<Sample> = files
            .par_iter()
            .map(|path| sample(path, code, binning))
            .collect::<Result<_, _>>()?;
        for mut sample in samples {
            set.lost.cut_off += sample.late;
            set.lost.of += sample.events as u64;
            set.push(&mut sample.spikes, digit as u16, None);
        }
    }
    set.shrink();
    let mut notices = Vec::new();
    let whole = RECORDINGS[usize::from(split == Split::Test)];
    if set.len() != whole {
        let (name, count) = (split.folder(), set.len());
        notices.push(format!(
            "{name} has {count} of the {whole} recordings of N-MNIST: figures on a subset are not N-MNIST's"
        ));
    }
    let lost = set.lost.notices().into_iter();
    notices.extend(lost.map(|lost| format!("{}: {lost}", split.folder())));
    Ok(Loaded {
        set,
        folder,
        notices,
    })
}

struct Sample {
    spikes: Vec<(u32, u16)>,
    events: usize,
    late: u64,
}

fn sample(path: &Path, code: &CameraCode, binning: &Binning) -> Result<Sample, NmnistError> {
    let failed = |problem: EventProblem| EventFileError {
        path: path.to_owned(),
        problem,
    };
    let bytes = source::bytes(path).map_err(|error| failed(error.into()))?;
    let recording = events::read_five_bytes(&bytes, Some((SIDE, SIDE))).map_err(failed)?;
    let mut spikes = Vec::with_capacity(recording.events.len());
    let late = code
        .bin(&recording.events, 0, binning, &mut spikes)
        .map_err(|source| NmnistError::Bin {
            path: path.to_owned(),
            source,
        })?;
    Ok(Sample {
        spikes,
        events: recording.events.len(),
        late,
    })
}

/// The recordings of a digit, by name.
fn recordings(folder: &Path) -> Result<Vec<PathBuf>, NmnistError> {
    let io = |source| NmnistError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|ending| ending == "bin") {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(NmnistError::NoRecordings {
            path: folder.to_owned(),
        });
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binned::Repeats;
    use crate::encode::camera::PolarityCode;
    use crate::formats::events::SensorSize;

    fn binning(code: &CameraCode) -> Binning {
        Binning {
            dt_ms: 1.0,
            steps: 300,
            inputs: code.inputs(),
            rescale_t: 1.0,
            rescale_x: 1.0,
            repeats: Repeats::Merge,
        }
    }

    /// Two events per recording, one of them at 350 ms.
    fn layout(folder: &Path) {
        for digit in 0..10u8 {
            let place = folder.join("N-MNIST/Train").join(digit.to_string());
            std::fs::create_dir_all(&place).unwrap();
            let events = [[digit, 1, 0x80, 0, 0], [3, 3, 5, 0x57, 0x30]];
            std::fs::write(place.join("00002.bin"), events.as_flattened()).unwrap();
        }
    }

    #[test]
    fn the_official_layout() {
        let folder = tempfile::tempdir().unwrap();
        layout(folder.path());
        let code = CameraCode::new(SensorSize::square(SIDE), SIDE, PolarityCode::Separate).unwrap();
        let read = || read_binned(&[folder.path()], Split::Train, &code, &binning(&code));
        let loaded = read().unwrap();
        assert_eq!(loaded.set.labels(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let mut spikes = Vec::new();
        loaded
            .set
            .for_each_spike(7, |step, channel| spikes.push((step, channel)));
        assert_eq!(spikes, [(0, (34 + 7) * 2 + 1)]);
        assert!(
            loaded.notices[0].contains("10 of the 60000"),
            "{:?}",
            loaded.notices
        );
        assert!(
            loaded.notices[1].contains("10 of 20 events"),
            "{:?}",
            loaded.notices
        );
        let bad = folder.path().join("N-MNIST/Train/4/00009.bin");
        std::fs::write(&bad, [1, 1, 0, 0, 0, 34, 1, 0, 0, 1]).unwrap();
        let error = read().unwrap_err().to_string();
        assert!(
            error.contains("00009.bin") && error.contains("byte 5"),
            "{error}"
        );
        std::fs::remove_dir_all(folder.path().join("N-MNIST/Train/9")).unwrap();
        std::fs::remove_file(bad).unwrap();
        assert!(read().unwrap_err().to_string().contains('9'));
        let missing = find(&[folder.path()], Split::Test).unwrap_err().to_string();
        assert!(missing.contains("Test/0"), "{missing}");
    }
}
