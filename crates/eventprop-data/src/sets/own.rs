//! The user's recordings: a folder per class of event files, or one file of spike trains.
//!
//! | path | content |
//! |---|---|
//! | a folder | a sub-folder per class, named as the class; in each, also in folders below it, recordings in any format of [`crate::formats::events`]. Classes are numbered in the order of their names, or of the numbers if all names are numbers |
//! | an HDF5 file | the layout of SHD ([`crate::formats::spike_file`]), also packed |
//! | an `.npz` file | `times_ms` (or `times`, in s), `units`, `offsets` (n + 1, from 0 to the number of spikes), `labels` (n, from 0) |
//!
//! A test set has to fit the training set: the [`Shape`] of the training set is given to the
//! reading of the test set.

mod convert;
mod error;
mod folder;
mod shape;
mod spike_trains;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::binned::BinnedSet;
use crate::formats::source;
use crate::formats::spike_file::is_spike_file;

/// Classes that are named one by one.
const NAMES_MAX: usize = 20;

pub use convert::{Written, write_spike_file};
pub use error::OwnDataError;
pub use folder::{ClassContent, Content, content};
pub use shape::{Loaded, Request, SensorKind, Setting, Shape};

/// Reads a set.
///
/// # Errors
/// [`OwnDataError`].
pub fn read_binned(path: &Path, request: &Request<'_>) -> Result<Loaded, OwnDataError> {
    let mut loaded = if path.is_dir() {
        folder::read(path, request)?
    } else {
        let settings = [
            Setting::Side,
            Setting::Polarity,
            Setting::Origin,
            Setting::Columns,
            Setting::Format,
        ];
        request.refuse(
            &settings,
            path,
            "a file of spike trains, which are taken as they are",
        )?;
        let io = |source| OwnDataError::Io {
            path: path.to_owned(),
            source,
        };
        if source::open(path)
            .and_then(|file| file.is_zip())
            .map_err(io)?
        {
            spike_trains::read_zip(path, request)?
        } else if is_spike_file(path).map_err(io)? {
            spike_trains::read_hdf5(path, request)?
        } else {
            return Err(OwnDataError::Kind {
                path: path.to_owned(),
            });
        }
    };
    loaded.set.shrink();
    if let Some(shape) = request.shape {
        loaded.notices.extend(missing_classes(&loaded.set, shape));
    }
    Ok(loaded)
}

/// A sentence about classes of the training set without a sample here.
fn missing_classes(set: &BinnedSet, shape: &Shape) -> Option<String> {
    let mut there = vec![false; shape.classes as usize];
    for &label in set.labels() {
        there[usize::from(label)] = true;
    }
    let missing: Vec<String> = (0..there.len())
        .filter(|&class| !there[class])
        .map(|class| shape.names.get(class).cloned().unwrap_or(class.to_string()))
        .collect();
    let shown = missing[..missing.len().min(NAMES_MAX)].join(", ");
    let more = if missing.len() > NAMES_MAX {
        ", …"
    } else {
        ""
    };
    (!missing.is_empty()).then(|| {
        format!(
            "{} of the {} classes of the training set have no sample here: {shown}{more}",
            missing.len(),
            shape.classes
        )
    })
}
