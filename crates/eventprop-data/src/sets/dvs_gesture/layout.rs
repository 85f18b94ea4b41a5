//! Layout of the files of a part, in the two forms in which the set is handed out.

use std::path::{Path, PathBuf};

use super::error::GestureError;
use super::gestures::CLASSES;
use super::labels::text;

/// Folders below a data folder in which the set is looked for.
const FOLDERS: [&str; 5] = ["dvs_gesture", "DvsGesture", "DVSGesture", "dvs-gesture", ""];

/// A part of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Users 1 to 23.
    Train,
    /// Users 24 to 29.
    Test,
}

impl Split {
    fn list(self) -> &'static str {
        match self {
            Self::Train => "trials_to_train.txt",
            Self::Test => "trials_to_test.txt",
        }
    }

    fn clips_folder(self) -> &'static str {
        match self {
            Self::Train => "ibmGestureTrain",
            Self::Test => "ibmGestureTest",
        }
    }
}

/// A file with one or several clips.
pub(super) enum Recording {
    /// An original recording with its labels.
    Original { events: PathBuf, labels: PathBuf },
    /// A clip of tonic's, with its class.
    Cut { events: PathBuf, class: u16 },
}

/// Folder of a part, in the first of the data folders that holds it.
///
/// # Errors
/// [`GestureError`].
pub fn find<P: AsRef<Path>>(dirs: &[P], split: Split) -> Result<PathBuf, GestureError> {
    Ok(recordings(dirs, split)?.0)
}

pub(super) fn recordings<P: AsRef<Path>>(
    dirs: &[P],
    split: Split,
) -> Result<(PathBuf, Vec<Recording>), GestureError> {
    let folders = dirs
        .iter()
        .flat_map(|dir| FOLDERS.map(|below| dir.as_ref().join(below)));
    for folder in folders {
        let list = folder.join(split.list());
        if list.is_file() {
            return Ok((folder.clone(), original(&folder, &list)?));
        }
        let clips = folder.join(split.clips_folder());
        if clips.is_dir() {
            return Ok((clips.clone(), cut(&clips)?));
        }
    }
    Err(GestureError::NotFound {
        list: split.list(),
        clips: split.clips_folder(),
        folders: dirs.iter().map(|dir| dir.as_ref().to_owned()).collect(),
    })
}

/// The recordings that a list of trials names, in its order.
fn original(folder: &Path, list: &Path) -> Result<Vec<Recording>, GestureError> {
    let text = text(list)?;
    let names = text.lines().map(str::trim).filter(|name| !name.is_empty());
    let recordings = names.map(|name| {
        let events = folder.join(name);
        let stem = name.strip_suffix(".aedat").unwrap_or(name);
        Recording::Original {
            events,
            labels: folder.join(format!("{stem}_labels.csv")),
        }
    });
    Ok(recordings.collect())
}

/// The clips in the folders of a part, by user, light and class.
fn cut(folder: &Path) -> Result<Vec<Recording>, GestureError> {
    let mut clips = Vec::new();
    for user in entries(folder)? {
        if !user.is_dir() {
            continue;
        }
        let mut classes = Vec::new();
        for events in entries(&user)? {
            let stem = events.file_stem().and_then(|stem| stem.to_str());
            let class = stem.and_then(|stem| stem.parse::<u16>().ok());
            let Some(class) = class.filter(|class| u32::from(*class) < CLASSES) else {
                let (path, expected) = (events, "CLASS.npy with a class from 0 to 10");
                return Err(GestureError::Name { path, expected });
            };
            classes.push((class, events));
        }
        classes.sort();
        clips.extend(
            classes
                .into_iter()
                .map(|(class, events)| Recording::Cut { events, class }),
        );
    }
    Ok(clips)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, GestureError> {
    let io = |source| GestureError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        paths.push(entry.map_err(io)?.path());
    }
    paths.sort();
    Ok(paths)
}
