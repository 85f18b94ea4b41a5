//! Search for data.
//!
//! A caller asks [`data_dirs`] for the data folders, passing what the user said and the value of its
//! environment variable; the readers then look in these, in order, for the folders that a data set is
//! known to come in (MNIST: `mnist/`, `MNIST/raw/` as torchvision leaves it, or the folder itself).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, choose_base_strategy};
use thiserror::Error;

use crate::obtain::registry::{Dataset, FileEntry};

/// Some files of a data set are in none of the folders.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{dataset}: no folder holds {names} (plain, .gz or .zip); looked in {folders}. \
     Fetch the data set, name its folder, or put the files into one of these",
    names = names.join(" and "),
    folders = listed(folders)
)]
pub struct NotFound {
    /// The data set.
    pub dataset: Dataset,
    /// The files wanted, unpacked names.
    pub names: Vec<String>,
    /// The places that were searched.
    pub folders: Vec<PathBuf>,
}

fn listed(folders: &[PathBuf]) -> String {
    if folders.is_empty() {
        return "no folder at all".to_owned();
    }
    let folders: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
    folders.join(", ")
}

/// The data folders, in the order in which they are searched; data are fetched to the first.
///
/// A folder that the user names (`explicit`) is the only one. Otherwise come the folders of the
/// environment variable (`env`: its value, several separated as in `PATH`), then the cache folder of
/// the system (`~/.cache/eventprop` on Linux and macOS, the local application data on Windows). The
/// result is empty only when the system knows no home folder.
pub fn data_dirs(explicit: Option<&Path>, env: Option<&OsStr>) -> Vec<PathBuf> {
    if let Some(dir) = explicit {
        return vec![dir.to_owned()];
    }
    let cache = choose_base_strategy().map(|base| base.cache_dir().join("eventprop"));
    env.into_iter()
        .flat_map(std::env::split_paths)
        .filter(|dir| !dir.as_os_str().is_empty())
        .chain(cache)
        .collect()
}

/// The paths of some files of a data set, all from the first folder that holds every one of them.
///
/// `names` are unpacked names; a file is also found packed and under its other names.
///
/// # Errors
/// [`NotFound`].
pub fn find<P: AsRef<Path>>(
    dataset: Dataset,
    names: &[&str],
    dirs: &[P],
) -> Result<Vec<PathBuf>, NotFound> {
    let wanted: Vec<&FileEntry> = dataset
        .entry()
        .files
        .iter()
        .filter(|file| names.contains(&file.name))
        .collect();
    let folders: Vec<PathBuf> = dirs
        .iter()
        .flat_map(|dir| candidates(dataset, dir.as_ref()))
        .collect();
    folders
        .iter()
        .find_map(|folder| wanted.iter().map(|file| file_in(folder, file)).collect())
        .ok_or_else(|| NotFound {
            dataset,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            folders,
        })
}

/// The folder that holds files of the data set, or, when there is none, the one in which they belong:
/// what [`crate::obtain::verify`] looks at and `fetch` fills. `None` only when `dirs` is empty.
pub fn home<P: AsRef<Path>>(dataset: Dataset, dirs: &[P]) -> Option<PathBuf> {
    let entry = dataset.entry();
    let holds_any = |folder: &PathBuf| {
        let mut files = entry.files.iter();
        files.any(|file| file_in(folder, file).is_some())
    };
    dirs.iter()
        .flat_map(|dir| candidates(dataset, dir.as_ref()))
        .find(holds_any)
        .or_else(|| Some(dirs.first()?.as_ref().join(entry.folders[0])))
}

fn candidates(dataset: Dataset, dir: &Path) -> impl Iterator<Item = PathBuf> {
    let folders = dataset.entry().folders.iter();
    folders.map(|folder| match *folder {
        "" => dir.to_owned(),
        below => dir.join(below),
    })
}

fn file_in(folder: &Path, file: &FileEntry) -> Option<PathBuf> {
    file.names()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn an_explicit_folder_is_the_only_one() {
        let dirs = data_dirs(Some(Path::new("mine")), Some(OsStr::new("theirs")));
        assert_eq!(dirs, [Path::new("mine")]);
    }

    #[test]
    fn the_environment_comes_before_the_cache() {
        let both = std::env::join_paths(["a", "b"]).unwrap();
        let cache = data_dirs(None, None);
        let dirs = data_dirs(None, Some(&both));
        assert_eq!(dirs[..2], [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(dirs[2..], cache);
        assert!(cache.iter().all(|dir| dir.ends_with("eventprop")));
        assert_eq!(data_dirs(None, Some(OsStr::new(""))), cache);
    }

    #[test]
    fn files_are_found_in_every_known_folder_and_under_every_name() {
        let names = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
        for folder in Dataset::Mnist.entry().folders {
            for (images, labels) in [
                ("t10k-images-idx3-ubyte.gz", "t10k-labels.idx1-ubyte"),
                ("t10k-images.idx3-ubyte.gz", "t10k-labels-idx1-ubyte"),
            ] {
                let dir = tempfile::tempdir().unwrap();
                let folder = dir.path().join(folder);
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(images), "").unwrap();
                assert!(find(Dataset::Mnist, &names, &[dir.path()]).is_err());
                fs::write(folder.join(labels), "").unwrap();
                let found = find(Dataset::Mnist, &names, &[dir.path()]).unwrap();
                assert_eq!(found, [folder.join(images), folder.join(labels)]);
                assert_eq!(
                    home(Dataset::Mnist, &[dir.path()])
                        .unwrap()
                        .components()
                        .as_path(),
                    folder.components().as_path()
                );
            }
        }
    }

    #[test]
    fn the_error_names_the_files_and_the_folders() {
        let error = find(Dataset::YinYang, &["test_labels.npy"], &["nowhere"]).unwrap_err();
        let message = error.to_string();
        for words in ["yin_yang", "test_labels.npy", "nowhere"] {
            assert!(message.contains(words), "{message}");
        }
        assert_eq!(
            home(Dataset::YinYang, &["d"]),
            Some(PathBuf::from("d/yin_yang"))
        );
    }
}
