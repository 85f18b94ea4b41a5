//! One request, and the unfinished file that it continues.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use thiserror::Error;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::{FetchError, FetchOptions, Proxy};
use crate::atomic;
use crate::checksum::sha256_hex;

const BLOCK_BYTES: usize = 1 << 16;
const EXCERPT_BYTES: u64 = 80;

/// What went wrong with one attempt.
#[derive(Debug, Error)]
pub enum Problem {
    /// No answer.
    #[error("no answer: {message}")]
    NoAnswer {
        /// What the network said.
        message: String,
    },
    /// An answer that is not the file.
    #[error("HTTP status {status}, expected 200; it begins {excerpt:?}")]
    Status {
        /// The status.
        status: u16,
        /// The first bytes of the answer.
        excerpt: String,
    },
    /// A file of another size.
    #[error(
        "the server announces {found} bytes, expected {expected}; the answer begins {excerpt:?}"
    )]
    Size {
        /// Bytes announced.
        found: u64,
        /// Bytes expected.
        expected: u64,
        /// The first bytes of the answer.
        excerpt: String,
    },
    /// An answer to another range than the one asked for.
    #[error("asked to go on at byte {expected}, the server gave {found:?}")]
    Range {
        /// The range given.
        found: String,
        /// The first byte wanted.
        expected: u64,
    },
    /// The transfer broke off or stalled.
    #[error("broke off after {received} of {expected} bytes: {message}")]
    BrokeOff {
        /// Bytes there are.
        received: u64,
        /// Bytes of the whole file.
        expected: u64,
        /// What the network said.
        message: String,
    },
    /// The right number of wrong bytes.
    #[error("SHA-256 is {found}, expected {expected}; the file begins {excerpt:?}")]
    Checksum {
        /// SHA-256 of what was received.
        found: String,
        /// SHA-256 expected.
        expected: &'static str,
        /// The first bytes of the file.
        excerpt: String,
        /// Whether part of the file was there before.
        resumed: bool,
    },
}

impl Problem {
    /// Whether the same mirror may do better when it is asked again.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::Range { .. } | Self::BrokeOff { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..),
            Self::Size { .. } => false,
            // What was there before may have been the damaged part.
            Self::Checksum { resumed, .. } => *resumed,
        }
    }
}

/// Why an attempt ended without the file.
pub(super) enum Stop {
    Failed(Problem),
    Disk(io::Error),
    Caller { bytes: u64 },
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// Only the file system's errors come this way; the network's are made into a [`Problem`].
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

pub(super) fn agent(options: &FetchOptions) -> Result<Agent, FetchError> {
    let proxy = match &options.proxy {
        Proxy::Environment => ureq::Proxy::try_from_env(),
        Proxy::Direct => None,
        Proxy::Url(url) => {
            Some(ureq::Proxy::new(url).map_err(|_| FetchError::Proxy { found: url.clone() })?)
        }
    };
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(proxy)
        .user_agent(concat!("eventprop/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_recv_response(Some(options.stall_timeout))
        .timeout_per_read(Some(options.stall_timeout))
        .timeout_per_write(Some(options.stall_timeout))
        .build();
    Ok(config.new_agent())
}

/// The unfinished file.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    bytes: u64,
    resumed: bool,
}

impl Part {
    /// Opens it at its end; what is longer than the whole file is thrown away.
    pub(super) fn open(path: &Path, bytes_total: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        let mut part = Self {
            path: path.to_owned(),
            file,
            bytes,
            resumed: bytes > 0,
        };
        if bytes > bytes_total {
            part.clear()?;
        }
        Ok(part)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.bytes = self.file.seek(SeekFrom::Start(0))?;
        self.resumed = false;
        Ok(())
    }

    fn push(&mut self, block: &[u8]) -> io::Result<()> {
        self.file.write_all(block)?;
        self.bytes += block.len() as u64;
        Ok(())
    }

    /// Gives the whole file its name if its checksum is right; otherwise removes it.
    pub(super) fn finish(mut self, sha256: &'static str, target: &Path) -> Result<PathBuf, Stop> {
        self.file.sync_all()?;
        self.file.seek(SeekFrom::Start(0))?;
        let found = sha256_hex(&self.file)?;
        if found != sha256 {
            self.file.seek(SeekFrom::Start(0))?;
            let excerpt = excerpt(&mut self.file);
            fs::remove_file(&self.path)?;
            return Err(Stop::Failed(Problem::Checksum {
                found,
                expected: sha256,
                excerpt,
                resumed: self.resumed,
            }));
        }
        atomic::rename(&self.path, target)?;
        Ok(target.to_owned())
    }
}

/// One request for the rest of a file.
pub(super) struct Transfer<'a> {
    pub(super) agent: &'a Agent,
    pub(super) url: &'a str,
    pub(super) bytes_total: u64,
}

impl Transfer<'_> {
    /// Fills the part up to the size of the whole file; `report` is given its size.
    pub(super) fn run(
        &self,
        part: &mut Part,
        report: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(), Stop> {
        ask(report, part.bytes)?;
        if part.bytes == self.bytes_total {
            return Ok(());
        }
        let mut response = self.request(part.bytes)?;
        self.accept(&mut response, part)?;
        let mut body = response
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader()
            .take(self.bytes_total - part.bytes);
        let mut block = vec![0; BLOCK_BYTES];
        while part.bytes < self.bytes_total {
            let read = match body.read(&mut block) {
                Ok(0) => Err("the server sent no more".to_owned()),
                Ok(read) => Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error.to_string()),
            };
            let read = read.map_err(|message| Problem::BrokeOff {
                received: part.bytes,
                expected: self.bytes_total,
                message,
            })?;
            part.push(&block[..read])?;
            ask(report, part.bytes)?;
        }
        Ok(())
    }

    fn request(&self, start: u64) -> Result<Response<Body>, Problem> {
        // Packed on the way, lengths and ranges would be those of other bytes.
        let mut request = self
            .agent
            .get(self.url)
            .header("Accept-Encoding", "identity");
        if start > 0 {
            request = request.header("Range", format!("bytes={start}-"));
        }
        request.call().map_err(|error| Problem::NoAnswer {
            message: error.to_string(),
        })
    }

    /// Decides whether the answer continues the part, starts it anew, or is of no use.
    fn accept(&self, response: &mut Response<Body>, part: &mut Part) -> Result<(), Stop> {
        let start = match response.status().as_u16() {
            206 if part.bytes > 0 => {
                let found = header(response, "Content-Range").unwrap_or_default();
                if !continues(&found, part.bytes, self.bytes_total) {
                    return Err(start_over(part, found)?);
                }
                part.bytes
            }
            200 => 0,
            416 => return Err(start_over(part, "status 416".to_owned())?),
            status => {
                return Err(Stop::Failed(Problem::Status {
                    status,
                    excerpt: excerpt(&mut response.body_mut().as_reader()),
                }));
            }
        };
        let expected = self.bytes_total - start;
        let announced = header(response, "Content-Length").and_then(|text| text.parse().ok());
        if let Some(found) = announced.filter(|found| *found != expected) {
            return Err(Stop::Failed(Problem::Size {
                found,
                expected,
                excerpt: excerpt(&mut response.body_mut().as_reader()),
            }));
        }
        if start < part.bytes {
            part.clear()?;
        }
        Ok(())
    }
}

/// The server does not know the part that is there: the next attempt starts without it.
fn start_over(part: &mut Part, found: String) -> io::Result<Stop> {
    let expected = part.bytes;
    part.clear()?;
    Ok(Stop::Failed(Problem::Range { found, expected }))
}

fn ask(report: &mut dyn FnMut(u64) -> ControlFlow<()>, bytes: u64) -> Result<(), Stop> {
    match report(bytes) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Stop::Caller { bytes }),
    }
}

fn header(response: &Response<Body>, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Whether `bytes FIRST-LAST/TOTAL` is the rest of the file; an unknown total is `*`.
fn continues(content_range: &str, start: u64, bytes_total: u64) -> bool {
    let range = format!("bytes {start}-{}/", bytes_total - 1);
    content_range
        .strip_prefix(&range)
        .is_some_and(|total| total == "*" || total == bytes_total.to_string())
}

/// The first bytes as text; what cannot be read is left out, as this only adorns an error.
fn excerpt(input: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = input.take(EXCERPT_BYTES).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rest_of_the_file_continues_it() {
        assert!(continues("bytes 5-9/10", 5, 10));
        assert!(continues("bytes 5-9/*", 5, 10));
        for other in ["bytes 4-9/10", "bytes 5-8/10", "bytes 5-9/11", "5-9/10", ""] {
            assert!(!continues(other, 5, 10), "{other}");
        }
    }
}
