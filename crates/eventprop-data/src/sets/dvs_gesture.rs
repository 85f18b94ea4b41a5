//! DVS128 Gesture: eleven gestures of 29 people before a camera of 128 × 128 pixels under three to five
//! kinds of light (Amir et al. 2017, "A low power, fully event-based gesture recognition system").
//!
//! Read are the original release (`userNN_LIGHT.aedat` in AEDAT 3.1, `userNN_LIGHT_labels.csv` with class
//! and start and end of every clip, `trials_to_train.txt` and `trials_to_test.txt`), and the clips that
//! tonic hands out (`ibmGestureTrain/userNN_LIGHT/CLASS.npy`). Classes count from 0 here, from 1 in the
//! label files. Training and test have different people; the number of the person goes with each clip,
//! so that a validation part can leave people out.

mod clips;
mod error;
mod gestures;
mod labels;
mod layout;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::binned::{BinnedSet, Speakers};

pub(crate) use clips::within;
pub use clips::{Request, Window};
pub use error::GestureError;
pub use gestures::{CLASSES, MIRRORED, NAMES, SIDE};
pub use labels::{Clip, read_labels};
pub use layout::{Split, find};

/// A part, as spikes on a grid; its speakers are the users.
#[derive(Debug)]
pub struct Loaded {
    /// The samples.
    pub set: BinnedSet,
    /// Their source.
    pub folder: PathBuf,
    /// Notices for the user.
    pub notices: Vec<String>,
}

/// Reads a part.
///
/// # Errors
/// [`GestureError`].
pub fn read_binned<P: AsRef<Path>>(
    dirs: &[P],
    split: Split,
    request: &Request<'_>,
) -> Result<Loaded, GestureError> {
    let (folder, recordings) = layout::recordings(dirs, split)?;
    let (code, binning) = (request.code, request.binning);
    let mut set = BinnedSet::new(code.inputs(), binning.steps, CLASSES, Speakers::Known)
        .with_repeats(binning.repeats);
    let mut notices = Vec::new();
    // A few recordings at a time: each has some 20 million bytes.
    for group in recordings.chunks(4 * rayon::current_num_threads()) {
        let read: Vec<clips::Read> = group
            .par_iter()
            .map(|recording| clips::read(recording, request))
            .collect::<Result<_, _>>()?;
        for read in read {
            for mut sample in read.samples {
                set.push(&mut sample.spikes, sample.class, Some(sample.user));
            }
            set.lost.of += read.events;
            set.lost.cut_off += read.late;
            notices.extend(read.notices);
        }
    }
    set.shrink();
    set.class_names = NAMES.map(str::to_owned).to_vec();
    notices.extend(set.lost.notices());
    Ok(Loaded {
        set,
        folder,
        notices,
    })
}
