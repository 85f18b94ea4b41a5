//! The source of a run's data: the folders searched, and the parts needed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Folders in which data are searched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The folders, in order.
    pub dirs: Vec<PathBuf>,
    /// True if samples that come with the program may stand in for a set that is in no folder.
    pub demonstration: bool,
}

impl Source {
    /// The same from whichever folder one works in. None where a path is no text.
    #[must_use]
    pub fn lasting(&self) -> Option<Self> {
        let lasting = |dir: &PathBuf| {
            let dir = std::path::absolute(dir).ok()?;
            dir.to_str().map(PathBuf::from)
        };
        let dirs: Option<Vec<PathBuf>> = self.dirs.iter().map(lasting).collect();
        Some(Self {
            dirs: dirs?,
            ..*self
        })
    }

    /// These folders, then those of the others that are not among them.
    #[must_use]
    pub fn or(mut self, others: &Self) -> Self {
        for dir in &others.dirs {
            if !self.dirs.contains(dir) {
                self.dirs.push(dir.clone());
            }
        }
        self
    }
}

/// The parts that are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Training, validation and test.
    Validated,
    /// Everything but the test part for training, and the test part.
    Whole,
    /// Folds.
    Folds,
    /// The test part only.
    Test,
}

/// The files of a set, or the demonstration in their place.
pub enum SetSource<T> {
    /// The files, as they were found.
    Files(T),
    /// Samples that come with the program or are drawn.
    Demonstration,
}

impl<T> SetSource<T> {
    /// The files; the demonstration where they are missing and `source` allows one.
    ///
    /// # Errors
    /// The error of the files otherwise.
    pub fn new<E>(
        found: Result<T, E>,
        is_missing: fn(&E) -> bool,
        source: &Source,
    ) -> Result<Self, E> {
        match found {
            Ok(files) => Ok(Self::Files(files)),
            Err(error) if is_missing(&error) && source.demonstration => Ok(Self::Demonstration),
            Err(error) => Err(error),
        }
    }

    /// True if it is the demonstration.
    pub fn is_demonstration(&self) -> bool {
        matches!(self, Self::Demonstration)
    }
}
