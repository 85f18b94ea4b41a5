//! Presence and correctness of the files of a data set.
//!
//! The content is compared, unpacked, so that a file counts the same whether it is packed or not. Where
//! only the checksum of the packed file is known, that one is compared.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::formats::source;
use crate::obtain::registry::{Checksum, Dataset, FileEntry};

/// A folder could not be listed.
#[derive(Debug, Error)]
#[error("cannot list {folder}: {source}", folder = folder.display())]
pub struct ListError {
    /// The folder.
    pub folder: PathBuf,
    /// The error of the operating system.
    #[source]
    pub source: io::Error,
}

/// The finding about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// The content is right.
    Ok,
    /// There is no such file, packed or not.
    Missing,
    /// A download was interrupted; fetching goes on from here.
    Partial {
        /// Bytes there are.
        found: u64,
        /// Bytes of the whole download, if that is known.
        expected: Option<u64>,
    },
    /// The content is another one.
    WrongChecksum {
        /// Checksum of the content.
        found: String,
        /// Checksum that it should have.
        expected: Checksum,
    },
    /// No checksum is known of a file in this form, only of the packed one.
    Unchecked {
        /// The name of the file whose checksum is known.
        known: &'static str,
    },
    /// It cannot be read or unpacked.
    Unreadable {
        /// The error of the operating system.
        reason: String,
    },
    /// It does not belong to the data set.
    Unknown,
}

/// One file and what was found about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStatus {
    /// The file; for a missing one, where it would be.
    pub path: PathBuf,
    /// The finding.
    pub state: FileState,
}

/// Compares the files in `folder` ([`crate::obtain::locate::home`]) with the registry: the files of the data
/// set in its order, every copy of each, then what else lies in the folder, by name.
///
/// Cost: the files are read once (MNIST: 55 MB unpacked).
///
/// # Errors
/// [`ListError`] when the folder exists and cannot be listed; a missing folder has missing files.
pub fn verify(dataset: Dataset, folder: &Path) -> Result<Vec<FileStatus>, ListError> {
    let files = dataset.entry().files;
    let mut statuses: Vec<FileStatus> = files.iter().flat_map(|f| copies(folder, f)).collect();
    let mut names = list(folder).map_err(|source| ListError {
        folder: folder.to_owned(),
        source,
    })?;
    names.retain(|name| {
        let path = folder.join(name);
        !statuses.iter().any(|status| status.path == path)
    });
    names.sort();
    statuses.extend(names.into_iter().map(|name| FileStatus {
        path: folder.join(name),
        state: FileState::Unknown,
    }));
    Ok(statuses)
}

/// True if the content of a file is the registered one.
pub(crate) fn check(path: &Path, file: &FileEntry) -> FileState {
    let packed = file
        .download
        .filter(|download| path.ends_with(download.name));
    let (found, expected) = match (file.checksum, packed, file.download) {
        (Some(expected), ..) => {
            let content = source::content(path);
            let found = content.and_then(|content| expected.of(content.reader));
            (found, expected)
        }
        (None, Some(download), _) => {
            let expected = download.checksum;
            let found = source::open(path).and_then(|source| expected.of(source.file));
            (found, expected)
        }
        (None, None, download) => {
            return FileState::Unchecked {
                known: download.map_or(file.name, |download| download.name),
            };
        }
    };
    match found {
        Ok(found) if found == expected.digits() => FileState::Ok,
        Ok(found) => FileState::WrongChecksum { found, expected },
        Err(error) => FileState::Unreadable {
            reason: error.to_string(),
        },
    }
}

/// The name of an unfinished download.
pub(crate) fn part_name(name: &str) -> String {
    format!("{name}.part")
}

fn copies(folder: &Path, file: &FileEntry) -> Vec<FileStatus> {
    let mut found: Vec<FileStatus> = file
        .names()
        .map(|name| folder.join(name))
        .filter(|path| path.exists())
        .map(|path| FileStatus {
            state: check(&path, file),
            path,
        })
        .collect();
    let partial = partial(folder, file);
    if found.is_empty() && partial.is_none() {
        found.push(FileStatus {
            path: folder.join(file.download.map_or(file.name, |download| download.name)),
            state: FileState::Missing,
        });
    }
    found.extend(partial);
    found
}

fn partial(folder: &Path, file: &FileEntry) -> Option<FileStatus> {
    let download = file.download?;
    let path = folder.join(part_name(download.name));
    let found = fs::metadata(&path).ok()?.len();
    Some(FileStatus {
        path,
        state: FileState::Partial {
            found,
            expected: download.bytes,
        },
    })
}

/// The names of the regular files in a folder; none when there is no folder.
fn list(folder: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.push(entry.file_name());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::npy;
    use crate::sets::yin_yang::{Published, YinYangSet};

    fn states(dataset: Dataset, folder: &Path) -> Vec<(String, FileState)> {
        verify(dataset, folder)
            .unwrap()
            .into_iter()
            .map(|status| {
                let name = status.path.file_name().unwrap().to_owned();
                (name.into_string().unwrap(), status.state)
            })
            .collect()
    }

    #[test]
    fn a_missing_folder_has_missing_files() {
        let statuses = states(Dataset::Mnist, Path::new("nowhere at all"));
        assert_eq!(statuses.len(), 4);
        assert!(
            statuses
                .iter()
                .all(|(_, state)| *state == FileState::Missing)
        );
        assert_eq!(statuses[0].0, "train-images-idx3-ubyte.gz");
    }

    /// Also shows that a written set is, byte for byte, the file that its authors published.
    #[test]
    fn right_wrong_missing_and_unknown_files() {
        let dir = tempfile::tempdir().unwrap();
        let set = YinYangSet::published(Published::Validation);
        let [samples, labels] = Published::Validation
            .file_names()
            .map(|name| dir.path().join(name));
        npy::write(&samples, &[set.len(), 4], set.samples().as_flattened()).unwrap();
        let ones: Vec<i64> = vec![1; set.len()];
        npy::write(&labels, &[set.len()], &ones).unwrap();
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        let statuses = states(Dataset::YinYang, dir.path());
        assert_eq!(statuses[2].1, FileState::Ok);
        assert!(matches!(statuses[3].1, FileState::WrongChecksum { .. }));
        assert_eq!(statuses[4].1, FileState::Missing);
        assert_eq!(statuses[6], ("notes.txt".to_owned(), FileState::Unknown));
        assert_eq!(statuses.len(), 7);
    }

    #[test]
    fn unfinished_and_damaged_downloads() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("train-images-idx3-ubyte.gz.part"), [0; 7]).unwrap();
        fs::write(
            dir.path().join("t10k-labels-idx1-ubyte.gz"),
            b"\x1f\x8bdamaged",
        )
        .unwrap();
        let statuses = states(Dataset::Mnist, dir.path());
        assert_eq!(
            statuses[0].1,
            FileState::Partial {
                found: 7,
                expected: Some(9_912_422)
            }
        );
        assert!(matches!(statuses[3].1, FileState::Unreadable { .. }));
    }

    /// SSC has checksums of its archives only.
    #[test]
    fn a_file_is_compared_in_the_form_whose_checksum_is_known() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ssc_valid.h5"), "unpacked").unwrap();
        fs::write(dir.path().join("ssc_test.h5.zip"), "no archive").unwrap();
        let statuses = states(Dataset::Ssc, dir.path());
        assert_eq!(statuses[0].1, FileState::Missing);
        let known = "ssc_valid.h5.zip";
        assert_eq!(statuses[1].1, FileState::Unchecked { known });
        let FileState::WrongChecksum { found, expected } = &statuses[2].1 else {
            panic!("{statuses:?}");
        };
        assert_eq!(expected.algorithm(), "MD5");
        assert_eq!(*found, expected.of(&b"no archive"[..]).unwrap());
    }
}
