//! The folder of a run and the files in it that grow or are replaced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use eventprop_data::atomic::{self, WriteError};
use eventprop_params::Benchmark;
use thiserror::Error;

use crate::settings::Settings;

/// The folder cannot take the files of a run.
#[derive(Debug, Error)]
#[error("the output folder {path} cannot be used: {problem}; choose another with --out (OUT_DIR)", path = path.display())]
pub struct FolderError {
    /// The folder.
    pub path: PathBuf,
    /// The problem.
    pub problem: String,
}

/// The folder of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs {
    folder: PathBuf,
    name: String,
    /// Begins the names of weights and recordings: nothing for Yin-Yang, as in `genn_eventprop`.
    prefix: String,
    /// False where another rank writes.
    writes: bool,
}

impl Outputs {
    /// The folder that the settings name. Nothing is touched yet.
    pub fn new(settings: &Settings) -> Self {
        let name = settings.name.clone();
        Self {
            folder: settings.out_dir.clone(),
            prefix: match settings.benchmark {
                Benchmark::YinYang => String::new(),
                _ => format!("{name}_"),
            },
            name,
            writes: true,
        }
    }

    /// The same folder, into which another rank writes.
    #[must_use]
    pub fn of_another_rank(self) -> Self {
        Self {
            writes: false,
            ..self
        }
    }

    /// False where another rank writes: nothing then reaches the folder.
    pub fn writes(&self) -> bool {
        self.writes
    }

    /// The files of the run whose weights are loaded, in the same folder.
    pub fn of_loaded(settings: &Settings) -> Self {
        let of_name = Settings {
            name: settings.load_name.clone(),
            ..settings.clone()
        };
        Self::new(&of_name)
    }

    /// An array of weights or time constants under a label such as `last` or `e0_t100`.
    pub fn array(&self, stem: &str, label: &str) -> PathBuf {
        self.folder
            .join(format!("{}{stem}_{label}.npy", self.prefix))
    }

    /// Makes the folder and writes a file into it, so that a folder that takes none is noticed before
    /// hours of training.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn prepare(&self) -> Result<(), FolderError> {
        let error = |problem: String| FolderError {
            path: self.folder.clone(),
            problem,
        };
        if self.folder.exists() && !self.folder.is_dir() {
            return Err(error("a file of this name is in its place".to_owned()));
        }
        fs::create_dir_all(&self.folder).map_err(|e| error(e.to_string()))?;
        let probe = self.folder.join(format!(".{}_probe", self.name));
        atomic::write(&probe, |out| out.write_all(&[0; 4096]))
            .map_err(|e| error(e.source.to_string()))?;
        fs::remove_file(&probe).map_err(|e| error(e.to_string()))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The prefix of the names of weights and recordings.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// `NAME_` + `ending` in the folder.
    pub fn named(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}_{ending}", self.name))
    }

    /// The checkpoint of the run.
    pub fn checkpoint(&self) -> PathBuf {
        self.named("checkpoint.safetensors")
    }

    /// The lock file: one for all runs that share the names of files.
    pub fn lock(&self) -> PathBuf {
        self.folder.join(format!(".{}lock", self.prefix))
    }

    /// `NAME.json`: the parameters.
    pub fn parameters(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.name))
    }

    /// Appends a whole line to `NAME_` + `ending`, in one write that has reached the disk when this
    /// returns. A line that a crash cut short is completed first, so that it does not swallow the
    /// new one.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn append(&self, ending: &str, line: &str) -> Result<(), WriteError> {
        if !self.writes {
            return Ok(());
        }
        let path = self.named(ending);
        append(&path, line).map_err(|source| WriteError { path, source })
    }

    /// Writes a line to `NAME_` + `ending`, in the place of what was there.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn replace(&self, ending: &str, line: &str) -> Result<(), WriteError> {
        if !self.writes {
            return Ok(());
        }
        atomic::write(&self.named(ending), |out| writeln!(out, "{line}"))
    }

    /// Bytes of `NAME_` + `ending`; 0 when it is not there.
    ///
    /// # Errors
    /// [`WriteError`], when the system does not tell.
    pub fn length(&self, ending: &str) -> Result<u64, WriteError> {
        let path = self.named(ending);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(source) => Err(WriteError { path, source }),
        }
    }

    /// Takes from `NAME_` + `ending` what is behind its first `length` bytes. Returns whether all of those
    /// are there.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn shorten(&self, ending: &str, length: u64) -> Result<bool, WriteError> {
        let found = self.length(ending)?;
        if found > length {
            let path = self.named(ending);
            let shortened = OpenOptions::new().write(true).open(&path).and_then(|file| {
                file.set_len(length)?;
                file.sync_all()
            });
            shortened.map_err(|source| WriteError { path, source })?;
        }
        Ok(found >= length)
    }

    /// Writes JSON to a file, indented.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write_json(&self, path: &Path, json: &serde_json::Value) -> Result<(), WriteError> {
        if !self.writes {
            return Ok(());
        }
        atomic::write(path, |out| {
            serde_json::to_writer_pretty(&mut *out, json)?;
            out.write_all(b"\n")
        })
    }
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    let start = if ends_mid_line(&mut file)? { "\n" } else { "" };
    file.write_all(format!("{start}{line}\n").as_bytes())?;
    file.sync_all()
}

fn ends_mid_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
