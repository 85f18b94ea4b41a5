//! One process at a time in the files of a run.
//!
//! The lock is one of the operating system on an open file (`.NAME_lock` in the folder of the run), not
//! the presence of the file: when a process dies, however it dies, its lock is gone. The file itself
//! stays, because removing it while another process waits at it would let two pass; it names who holds
//! the lock, for the message to the other.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the files of a run are not ours.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process is at work.
    #[error(
        "{holder} is at work on the run in {folder}; wait until it ends, or choose another folder with --out (OUT_DIR)",
        folder = folder.display()
    )]
    Taken {
        /// The folder of the run.
        folder: PathBuf,
        /// The process at work, as far as it is known.
        holder: String,
    },
    /// The lock file cannot be made.
    #[error("cannot lock {path}: {source}; check that the folder is writable", path = path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Holds the files of a run until it is dropped.
#[derive(Debug)]
pub struct RunLock {
    file: File,
    /// True if the file system has locks. Some network file systems have none.
    pub held: bool,
}

impl RunLock {
    /// Takes the lock; `path` is the lock file in the folder of the run.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let error = |source| LockError::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(error)?;
        let held = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Taken {
                    folder: path.parent().unwrap_or(path).to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => false,
            Err(TryLockError::Error(e)) => return Err(error(e)),
        };
        state_holder(&mut file).map_err(error)?;
        Ok(Self { file, held })
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // The system unlocks a file that is closed; there is nobody to tell if this fails.
        let _ = self.file.unlock();
    }
}

fn state_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("process {}", std::process::id()).as_bytes())
}

/// The process that holds the lock. Where other processes may not read a locked file, nobody knows.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) if text.starts_with("process ") && text.len() < 100 => text,
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_until_the_first_lets_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(".run_lock");
        let first = RunLock::take(&path).expect("free");
        let message = RunLock::take(&path).expect_err("taken").to_string();
        let process = format!("process {}", std::process::id());
        assert!(
            message.contains(&process) && message.contains("--out"),
            "{message}"
        );
        drop(first);
        RunLock::take(&path).expect("free again");
    }

    /// The file of a process that died is not locked.
    #[test]
    fn a_file_left_behind_is_no_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(".run_lock");
        std::fs::write(&path, "process 1 and a text that is longer than ours").expect("room");
        let lock = RunLock::take(&path).expect("free");
        assert!(lock.held);
        let text = std::fs::read_to_string(&path).expect("there");
        assert_eq!(text, format!("process {}", std::process::id()));
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() {
        let error = RunLock::take(Path::new("/nowhere/at/all/.lock")).expect_err("no folder");
        assert!(error.to_string().contains("/nowhere/at/all/.lock"));
    }
}
