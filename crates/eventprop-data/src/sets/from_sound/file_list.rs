//! Choice of recordings in a folder, with their labels and speakers.
//!
//! Classes and speakers are numbered over everything that is found, before a selection is made, so that the parts of
//! a data set agree on them.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::FileListError;
use super::naming::Naming;
use super::pattern::is_sound_ending;
use crate::sets::class_order::in_order;

/// A recording to be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its path.
    pub path: PathBuf,
    /// Its name within the folder, with `/`.
    pub name: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// Its class.
    pub label: u16,
    /// Its speaker.
    pub speaker: Option<u16>,
}

/// All recordings to be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileList {
    /// The recordings, sorted by name.
    pub recordings: Vec<Recording>,
    /// The words of the classes.
    pub classes: Vec<String>,
    /// The names of the speakers; empty if they are not known.
    pub speakers: Vec<String>,
    /// Recordings whose names do not match the pattern or are not in the table.
    pub unmatched: Vec<String>,
    /// Names in the lists of what is taken that are not in the folder: the lists of a whole corpus go with a part of
    /// it, too.
    pub absent: Vec<String>,
}

impl FileList {
    /// Finds the recordings below a folder.
    ///
    /// # Errors
    /// [`FileListError`], also when nothing is left to encode.
    pub fn new(folder: &Path, naming: &Naming) -> Result<Self, FileListError> {
        naming.check()?;
        let mut files = Vec::new();
        walk(folder, "", &mut files)?;
        if files.is_empty() {
            return Err(nothing(folder, "there is no .wav or .flac file in it"));
        }
        files.sort();
        let table = naming.table()?;
        let (mut found, mut unmatched) = (Vec::new(), Vec::new());
        for (name, path) in files {
            match naming.found(name, path, table.as_ref())? {
                Ok(one) => found.push(one),
                Err(name) => unmatched.push(name),
            }
        }
        let Some(first) = found.first() else {
            let problem = format!("no name matches; the first is {}", unmatched[0]);
            return Err(nothing(folder, &problem));
        };
        let first = first.name.clone();
        let (keys, classes) = naming.classes(&found)?;
        let speakers = in_order(found.iter().filter_map(|one| one.speaker.clone()));
        count(&classes, "classes")?;
        count(&speakers, "speakers")?;
        let absent = naming.select(&mut found)?;
        if found.is_empty() {
            let problem = match absent.first() {
                None => format!("the selection leaves nothing; the first recording is {first}"),
                Some(name) => format!(
                    "the lists name {} recordings, such as {name}, and none is in the folder; the first that is there is {first}",
                    absent.len()
                ),
            };
            return Err(nothing(folder, &problem));
        }
        let number = |words: &[String], word: &String| {
            let at = words.iter().position(|other| other == word);
            at.expect("every word was collected") as u16
        };
        let recordings = found.into_iter().map(|one| Recording {
            label: number(&keys, &one.label),
            speaker: one
                .speaker
                .as_ref()
                .map(|speaker| number(&speakers, speaker)),
            path: one.path,
            name: one.name,
            bytes: one.bytes,
        });
        Ok(Self {
            recordings: recordings.collect(),
            classes,
            speakers,
            unmatched,
            absent,
        })
    }

    /// Bytes of all recordings.
    pub fn bytes(&self) -> u64 {
        self.recordings
            .iter()
            .map(|recording| recording.bytes)
            .sum()
    }
}

fn nothing(folder: &Path, problem: &str) -> FileListError {
    FileListError::Nothing {
        folder: folder.to_owned(),
        problem: problem.to_owned(),
    }
}

fn count(words: &[String], what: &str) -> Result<(), FileListError> {
    if u16::try_from(words.len()).is_err() {
        let text = format!("{} {what}; the file format has room for 65535", words.len());
        return Err(FileListError::Request(text));
    }
    Ok(())
}

/// All sound files below a folder: their names within it and their paths. Hidden files are left out, and links to
/// folders are not followed, as they may lead in circles.
fn walk(
    folder: &Path,
    within: &str,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), FileListError> {
    let io = |source| FileListError::Io {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let file_name = entry.file_name().to_string_lossy().into_owned();
        if file_name.starts_with('.') {
            continue;
        }
        let name = format!("{within}{file_name}");
        if entry.file_type().map_err(io)?.is_dir() {
            walk(&entry.path(), &format!("{name}/"), files)?;
        } else if file_name
            .rsplit_once('.')
            .is_some_and(|(_, ending)| is_sound_ending(ending))
        {
            files.push((name, entry.path()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
