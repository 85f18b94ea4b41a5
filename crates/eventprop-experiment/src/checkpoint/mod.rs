//! Checkpoints: files from which a run resumes with the same bits as without a stop.
//!
//! A checkpoint is written under a temporary name and renamed, and the one before it stays beside it,
//! so that whatever happens, one whole checkpoint is there. [`read`] takes the newest that is whole.

mod container;
pub mod exact;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use eventprop_data::atomic::{self, WriteError};
use thiserror::Error;

pub use container::{Container, Defect, Element, VERSION, hex};

/// A checkpoint could not be read.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// There is none.
    #[error("there is no checkpoint {path}; start the run with `eventprop train`", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The system does not let it be read.
    #[error("cannot read the checkpoint {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It cannot be used.
    #[error("the checkpoint {path} cannot be used: {defect}", path = path.display())]
    Defect {
        /// The file.
        path: PathBuf,
        /// Why.
        defect: Defect,
    },
}

/// The newest checkpoint that is whole.
#[derive(Debug)]
pub struct Found {
    /// Its content.
    pub container: Container,
    /// Its file.
    pub path: PathBuf,
    /// The defect of the newer one, if this is the one before.
    pub newer: Option<CheckpointError>,
}

/// The name of the checkpoint before the one at `path`.
pub fn previous(path: &Path) -> PathBuf {
    path.with_extension("previous.safetensors")
}

/// Writes a checkpoint; the one that it replaces is kept beside it.
///
/// # Errors
/// [`WriteError`]; then the checkpoint that was there is still there, under its name or that of
/// [`previous`].
pub fn write(path: &Path, container: &Container) -> Result<(), WriteError> {
    atomic::write_keeping(path, &previous(path), |out| container.write_to(out))
}

/// Reads the newest checkpoint that is whole: that at `path` or, where it is damaged or missing, the one
/// before it.
///
/// # Errors
/// What is wrong with the one at `path`, when neither can be used.
pub fn read(path: &Path) -> Result<Found, CheckpointError> {
    let error = match read_one(path) {
        Ok(container) => {
            return Ok(Found {
                container,
                path: path.to_owned(),
                newer: None,
            });
        }
        Err(error) => error,
    };
    let usable = !matches!(
        error,
        CheckpointError::Defect {
            defect: Defect::Newer { .. },
            ..
        }
    );
    let before = previous(path);
    match read_one(&before) {
        Ok(container) if usable => Ok(Found {
            container,
            path: before,
            newer: Some(error),
        }),
        _ => Err(error),
    }
}

/// Writes a file that replaces one of its name.
///
/// # Errors
/// [`WriteError`].
pub fn write_alone(path: &Path, container: &Container) -> Result<(), WriteError> {
    atomic::write(path, |out| container.write_to(out))
}

/// Reads a file that [`write_alone`] wrote.
///
/// # Errors
/// [`CheckpointError`].
pub fn read_one(path: &Path) -> Result<Container, CheckpointError> {
    let path = path.to_owned();
    match read_regular(&path) {
        Ok(bytes) => {
            Container::parse(&bytes).map_err(|defect| CheckpointError::Defect { path, defect })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(CheckpointError::Missing { path })
        }
        Err(source) => Err(CheckpointError::Read { path, source }),
    }
}

/// The bytes of a regular file: a pipe or a device may never end.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.is_file() {
        fs::read(path)
    } else {
        Err(io::Error::other("it is no regular file"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;

    fn numbered(number: u32) -> Container {
        let mut container = Container::new(json!({"number": number}));
        container.put("values", &[number as f32; 100]);
        container
    }

    /// A disk with room for `left` bytes.
    struct FullDisk<'a> {
        out: &'a mut dyn Write,
        left: usize,
    }

    impl Write for FullDisk<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.left == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let taken = self.out.write(&bytes[..bytes.len().min(self.left)])?;
            self.left -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.out.flush()
        }
    }

    #[test]
    fn a_disk_that_fills_up_anywhere_leaves_the_checkpoint_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run_checkpoint.safetensors");
        write(&path, &numbered(1)).expect("room");
        let mut whole = Vec::new();
        numbered(2).write_to(&mut whole).expect("a Vec takes it");
        for left in 0..whole.len() {
            let full = atomic::write_keeping(&path, &previous(&path), |out| {
                numbered(2).write_to(&mut FullDisk { out, left })
            });
            let message = full.expect_err("no room").to_string();
            assert!(
                message.contains("run_checkpoint") && message.contains("free space"),
                "{message}"
            );
            let found = read(&path).expect("the good one");
            assert_eq!(found.container, numbered(1), "{left}");
            assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        }
    }

    #[test]
    fn a_damaged_or_lost_checkpoint_gives_way_to_the_one_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run_checkpoint.safetensors");
        let missing = read(&path).expect_err("nothing yet");
        assert!(missing.to_string().contains("there is no checkpoint"));
        write(&path, &numbered(1)).expect("room");
        write(&path, &numbered(2)).expect("room");
        assert_eq!(read(&path).expect("whole").container, numbered(2));

        let mut bytes = fs::read(&path).expect("there");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, &bytes).expect("room");
        let found = read(&path).expect("the one before");
        assert_eq!(found.container, numbered(1));
        let newer = found.newer.expect("what was wrong").to_string();
        assert!(newer.contains("it is damaged"), "{newer}");

        fs::remove_file(&path).expect("there");
        assert_eq!(read(&path).expect("the one before").path, previous(&path));
        fs::write(previous(&path), b"rubbish").expect("room");
        fs::write(&path, &bytes).expect("room");
        assert!(matches!(read(&path), Err(CheckpointError::Defect { .. })));
    }
}
