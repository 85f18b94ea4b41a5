//! Downloading a data set.
//!
//! Every file goes to `NAME.part` first, from the first mirror that answers. A transfer that breaks
//! off is resumed where it stopped, also by a later call; a server that cannot do that starts anew.
//! Only when size and checksum are those of the registry does the file take its name; where the registry
//! knows no size, the server's is taken and the checksum decides. What a
//! mirror says is never trusted: too much, too little or other bytes are an error with the facts.
//!
//! The caller sees the progress after every block and can stop there (Ctrl-C); the part stays.

mod transfer;

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use thiserror::Error;

use crate::obtain::registry::{Checksum, Dataset, Download, FileEntry};
use crate::obtain::verify::{self, FileState, part_name};
use transfer::{Pace, Part, Stop, Transfer};

pub use transfer::Problem;

/// Settings of a download.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Addresses of folders to use instead of the registered mirrors, in this order; empty: the
    /// registered ones. Sizes and checksums stay those of the registry.
    pub mirrors: Vec<String>,
    /// Longest wait for a name and a connection.
    pub connect_timeout: Duration,
    /// Longest wait while a server sends nothing.
    pub stall_timeout: Duration,
    /// Bytes that a server must send in every `stall_timeout`, or it is given up as too slow.
    pub bytes_least: u64,
    /// Attempts at each mirror, at least one.
    pub attempts: u32,
    /// Pause before a mirror is tried again.
    pub pause: Duration,
    /// The proxy.
    pub proxy: Proxy,
}

impl Default for FetchOptions {
    /// Registered mirrors, 20 s for a connection, 30 s of silence or of less than 1 kB a second, 4 attempts with 1 s between them,
    /// the proxy of the environment.
    fn default() -> Self {
        Self {
            mirrors: Vec::new(),
            connect_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(30),
            bytes_least: 30_000,
            attempts: 4,
            pause: Duration::from_secs(1),
            proxy: Proxy::Environment,
        }
    }
}

/// Choice of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    /// As in `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
    Environment,
    /// None.
    Direct,
    /// This address.
    Url(String),
}

/// Progress of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// Its position among the files, from 0.
    pub index: usize,
    /// Number of files.
    pub files: usize,
    /// Its address.
    pub url: &'a str,
    /// Bytes there are.
    pub bytes: u64,
    /// Bytes of the whole file, as soon as they are known.
    pub bytes_total: Option<u64>,
}

/// Is told how far a download is, and says whether to go on: `Break` stops it.
pub type OnProgress<'a> = dyn FnMut(Progress<'_>) -> ControlFlow<()> + 'a;

/// A file that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The file.
    pub path: PathBuf,
    /// Its address; `None` when it was there already.
    pub url: Option<String>,
}

/// One attempt that failed.
#[derive(Debug, Error)]
#[error("{url}: {problem}")]
pub struct Failure {
    /// The address.
    pub url: String,
    /// Its cause.
    #[source]
    pub problem: Problem,
}

/// A data set could not be fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// No mirror is known, or none is needed.
    #[error("{dataset} is not downloaded: no mirror is registered; see {page}")]
    NoMirror {
        /// The data set.
        dataset: Dataset,
        /// Page that describes it.
        page: &'static str,
    },
    /// The address of the proxy is none.
    #[error("{found:?} is not the address of a proxy; expected http://HOST:PORT")]
    Proxy {
        /// The address given.
        found: String,
    },
    /// A file of another content would be read in place of the one fetched.
    #[error(
        "{path} has not the content of {file}; it would be read instead of a fetched one: move it away and fetch again",
        path = path.display()
    )]
    InTheWay {
        /// The file that is there.
        path: PathBuf,
        /// The file of the data set.
        file: &'static str,
    },
    /// The caller stopped it.
    #[error(
        "stopped; {bytes} bytes are kept in {part} and fetching goes on from there",
        part = part.display()
    )]
    Stopped {
        /// The unfinished file.
        part: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The file system refused.
    #[error("cannot write {path}: {source}; is there space, and may you write there?", path = path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// No mirror gave the file.
    #[error(
        "cannot fetch {file}:{}\nTo do it by hand, download one of{}\nand put it into {folder} as {file} ({}{checksum}).",
        lines(failures),
        lines(urls),
        bytes.map_or_else(String::new, |bytes| format!("{bytes} bytes, ")),
        folder = folder.display()
    )]
    EveryMirror {
        /// The name of the file.
        file: &'static str,
        /// The failures, in order.
        failures: Box<[Failure]>,
        /// Page from which it can be had.
        urls: Box<[String]>,
        /// Folder in which it belongs.
        folder: PathBuf,
        /// Its size, if it is known.
        bytes: Option<u64>,
        /// Its checksum.
        checksum: Checksum,
    },
}

fn lines(items: &[impl ToString]) -> String {
    let lines: Vec<String> = items.iter().map(ToString::to_string).collect();
    format!("\n  {}", lines.join("\n  "))
}

/// Downloads the files of a data set into `folder` ([`crate::obtain::locate::home`]), which is made when it
/// does not exist. A file that is there with the right content, packed or not, is left alone; a
/// damaged one of the same name is replaced.
///
/// # Errors
/// [`FetchError`].
pub fn fetch(
    dataset: Dataset,
    folder: &Path,
    options: &FetchOptions,
    on_progress: &mut OnProgress<'_>,
) -> Result<Vec<Fetched>, FetchError> {
    let entry = dataset.entry();
    if entry.mirrors.is_empty() {
        return Err(FetchError::NoMirror {
            dataset,
            page: entry.page,
        });
    }
    let mut mirrors = options.mirrors.clone();
    if mirrors.is_empty() {
        mirrors.extend(entry.mirrors.iter().map(|mirror| (*mirror).to_owned()));
    }
    fetch_files(entry.files, &mirrors, folder, options, on_progress)
}

fn fetch_files(
    files: &[FileEntry],
    mirrors: &[String],
    folder: &Path,
    options: &FetchOptions,
    on_progress: &mut OnProgress<'_>,
) -> Result<Vec<Fetched>, FetchError> {
    fs::create_dir_all(folder).map_err(|source| FetchError::Disk {
        path: folder.to_owned(),
        source,
    })?;
    let agent = transfer::agent(options)?;
    let downloads = files.iter().filter_map(|file| Some((file, file.download?)));
    let files = downloads.clone().count();
    let mut fetched = Vec::with_capacity(files);
    for (index, (file, download)) in downloads.enumerate() {
        if let Some(path) = already_there(file, download, folder)? {
            fetched.push(Fetched { path, url: None });
            continue;
        }
        let job = Job {
            download,
            folder,
            mirrors,
            options,
            agent: &agent,
        };
        let mut report = |url: &str, bytes, bytes_total| {
            on_progress(Progress {
                file: download.name,
                index,
                files,
                url,
                bytes,
                bytes_total,
            })
        };
        fetched.push(job.run(&mut report)?);
    }
    Ok(fetched)
}

/// The file, when it is there with the right content.
fn already_there(
    file: &FileEntry,
    download: Download,
    folder: &Path,
) -> Result<Option<PathBuf>, FetchError> {
    for name in file.names() {
        let path = folder.join(&name);
        if !path.exists() {
            continue;
        }
        // Where no checksum is known, the user's file stays.
        let state = verify::check(&path, file);
        if matches!(state, FileState::Ok | FileState::Unchecked { .. }) {
            return Ok(Some(path));
        }
        if name != download.name || !path.is_file() {
            return Err(FetchError::InTheWay {
                path,
                file: file.name,
            });
        }
    }
    Ok(None)
}

/// Is told an address, the bytes there are and those of the whole file.
type Report<'a> = dyn FnMut(&str, u64, Option<u64>) -> ControlFlow<()> + 'a;

/// One file to be downloaded.
struct Job<'a> {
    download: Download,
    folder: &'a Path,
    mirrors: &'a [String],
    options: &'a FetchOptions,
    agent: &'a ureq::Agent,
}

impl Job<'_> {
    fn run(&self, report: &mut Report<'_>) -> Result<Fetched, FetchError> {
        let mut failures = Vec::new();
        for url in self.urls() {
            for attempt in 0..self.options.attempts.max(1) {
                if attempt > 0 {
                    thread::sleep(self.options.pause);
                }
                match self.attempt(&url, report) {
                    Ok(path) => {
                        return Ok(Fetched {
                            path,
                            url: Some(url),
                        });
                    }
                    Err(Stop::Failed(problem)) => {
                        let again = problem.may_pass();
                        let url = url.clone();
                        failures.push(Failure { url, problem });
                        if !again {
                            break;
                        }
                    }
                    Err(Stop::Disk(source)) => {
                        return Err(FetchError::Disk {
                            path: self.part(),
                            source,
                        });
                    }
                    Err(Stop::Caller { bytes }) => {
                        return Err(FetchError::Stopped {
                            part: self.part(),
                            bytes,
                        });
                    }
                }
            }
        }
        Err(FetchError::EveryMirror {
            file: self.download.name,
            failures: failures.into(),
            urls: self.urls().collect(),
            folder: self.folder.to_owned(),
            bytes: self.download.bytes,
            checksum: self.download.checksum,
        })
    }

    fn attempt(&self, url: &str, report: &mut Report<'_>) -> Result<PathBuf, Stop> {
        let mut part = Part::open(&self.part(), self.download.bytes)?;
        let transfer = Transfer {
            agent: self.agent,
            url,
            bytes_total: self.download.bytes,
            pace: Pace {
                bytes: self.options.bytes_least,
                period: self.options.stall_timeout,
            },
        };
        transfer.run(&mut part, &mut |bytes, total| report(url, bytes, total))?;
        part.finish(
            self.download.checksum,
            &self.folder.join(self.download.name),
        )
    }

    fn urls(&self) -> impl Iterator<Item = String> {
        let name = self.download.name;
        self.mirrors
            .iter()
            .map(move |mirror| format!("{}/{name}", mirror.trim_end_matches('/')))
    }

    fn part(&self) -> PathBuf {
        self.folder.join(part_name(self.download.name))
    }
}

#[cfg(test)]
mod test_server;
#[cfg(test)]
mod tests;
