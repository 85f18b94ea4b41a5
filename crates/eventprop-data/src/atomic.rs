//! Writing a file so that a reader sees the old content or the whole new one, never a part.
//!
//! The content goes to a temporary file in the same folder, is flushed to the disk, and then takes
//! the place of the target by a rename; the folder is flushed too, so that the rename survives a
//! power cut. After an error, or when the process dies, the target is as it was. A program that ends at a
//! signal removes the temporary files first ([`remove_unfinished`]).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;
use thiserror::Error;

/// A file could not be written.
#[derive(Debug, Error)]
#[error(
    "cannot write {path}: {source}; check that the folder exists, is writable and has free space",
    path = path.display()
)]
pub struct WriteError {
    /// The file that was to be written; it is as it was before.
    pub path: PathBuf,
    /// The error of the operating system.
    #[source]
    pub source: io::Error,
}

/// Writes a file atomically: `content` is given a buffered writer for it.
///
/// The folder must exist. A symbolic link in the place of the target is replaced by the file.
///
/// # Errors
/// [`WriteError`], also for an error that `content` returns; then the target is unchanged.
pub fn write(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    write_and_rename(path, content, || Ok(()))
}

/// As [`write()`], and the file that is replaced stays under the name `previous`.
///
/// Whenever the process dies, at least one of the two is there and whole.
///
/// # Errors
/// [`WriteError`]; then at least one of the two files is as it was, under one of the two names.
pub fn write_keeping(
    path: &Path,
    previous: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    write_and_rename(path, content, || match fs::rename(path, previous) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    })
}

fn write_and_rename(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    make_room: impl FnOnce() -> io::Result<()>,
) -> Result<(), WriteError> {
    replace(path, content, make_room).map_err(|source| WriteError {
        path: path.to_owned(),
        source,
    })
}

fn replace(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    make_room: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let new = NewFile::create(path)?;
    let mut writer = BufWriter::with_capacity(1 << 16, new.file.as_file());
    content(&mut writer)?;
    writer.flush()?;
    drop(writer);
    // Whole on the disk before the file that it replaces moves.
    new.file.as_file().sync_all()?;
    make_room()?;
    new.finish()
}

/// Refuses to write so many bytes to a file where its file system has not so much free space; passes where the system
/// does not tell.
pub(crate) fn check_room(file: &File, bytes: u64) -> io::Result<()> {
    match free_bytes(file) {
        Some(free) if free < bytes => {
            let problem = format!("{bytes} bytes are to be written, and {free} are free there");
            Err(io::Error::new(io::ErrorKind::StorageFull, problem))
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn free_bytes(file: &File) -> Option<u64> {
    let found = rustix::fs::fstatvfs(file).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_file: &File) -> Option<u64> {
    None
}

/// The temporary files of this process, from before they are made until they have got their names.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    // A list of paths is whole at any time.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the files that are being written, for a program that ends at once: as long as the result
/// lives no thread can begin another.
#[must_use = "files can be begun again when this is dropped"]
pub fn remove_unfinished() -> impl Sized {
    let unfinished = unfinished();
    for path in unfinished.iter() {
        // One that just got its name is not there any more.
        let _ = fs::remove_file(path);
    }
    unfinished
}

/// A path in the list of unfinished files.
#[derive(Debug)]
struct Listed(PathBuf);

impl Listed {
    /// Makes a file, and lists it.
    fn create(path: &Path) -> io::Result<(File, Self)> {
        let mut unfinished = unfinished();
        let file = File::create_new(path)?;
        unfinished.push(path.to_owned());
        Ok((file, Self(path.to_owned())))
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        unfinished().retain(|path| *path != self.0);
    }
}

/// A file that is written piece by piece, also at places before its end, and appears under its name
/// only when it is finished. One that is dropped before is removed.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    pub(crate) file: NamedTempFile,
    _listed: Option<Listed>,
}

impl NewFile {
    /// Begins a file; the folder must exist.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name")
        })?;
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        let mut builder = tempfile::Builder::new();
        let mut listed = None;
        // Opened here, because only its owner may read what the crate opens.
        let file = builder
            .prefix(&prefix)
            .suffix(".tmp")
            .make_in(folder(path), |temporary| {
                let (file, entry) = Listed::create(temporary)?;
                listed = Some(entry);
                Ok(file)
            })?;
        Ok(Self {
            path: path.to_owned(),
            file,
            _listed: listed,
        })
    }

    /// Flushes the file to the disk and gives it its name.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path)?;
        sync_folder(&self.path)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

/// Renames a file that is already flushed to the disk, and flushes the folder.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(to)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

// Other systems cannot open a folder as a file; there the rename is flushed when they like.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn more_bytes_than_a_file_system_has_free_are_refused_before() {
        let file = tempfile::tempfile().unwrap();
        check_room(&file, 1).unwrap();
        if cfg!(unix) {
            let error = check_room(&file, u64::MAX).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            let text = error.to_string();
            assert!(text.starts_with("18446744073709551615 bytes"), "{text}");
        }
    }

    #[test]
    fn writes_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        write(&path, |out| out.write_all(b"first, and longer")).unwrap();
        write(&path, |out| out.write_all(b"second")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(folder.path()), ["weights"]);
    }

    #[test]
    fn an_error_half_way_leaves_the_old_content_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        write(&path, |out| out.write_all(b"old")).unwrap();
        let error = write(&path, |out| {
            out.write_all(&vec![0; 100_000])?;
            Err(io::Error::other("half way"))
        })
        .unwrap_err();
        assert!(error.to_string().contains("weights"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["weights"]);
    }

    #[test]
    fn the_replaced_file_is_kept_and_survives_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (path, previous) = (folder.path().join("now"), folder.path().join("before"));
        for text in ["one", "two", "three"] {
            write_keeping(&path, &previous, |out| out.write_all(text.as_bytes())).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read(&previous).unwrap(), b"two");
        write_keeping(&path, &previous, |_| Err(io::Error::other("full"))).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(names(folder.path()), ["before", "now"]);
    }

    #[test]
    fn a_missing_folder_and_a_path_without_a_name_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("absent").join("weights");
        assert!(write(&nowhere, |_| Ok(())).is_err());
        assert!(write(Path::new("/"), |_| Ok(())).is_err());
    }
}
