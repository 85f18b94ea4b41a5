//! One request, and the unfinished file that it continues.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::{FetchError, FetchOptions, Proxy};
use crate::atomic;
use crate::obtain::registry::Checksum;

const BLOCK_BYTES: usize = 1 << 16;
const EXCERPT_BYTES: u64 = 80;

/// Failure of one attempt.
#[derive(Debug, Error)]
pub enum Problem {
    /// No answer.
    #[error("no answer: {message}")]
    NoAnswer {
        /// The error of the network.
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
    #[error("broke off after {received}{} bytes: {message}", of(*expected))]
    BrokeOff {
        /// Bytes there are.
        received: u64,
        /// Bytes of the whole file, if they are known.
        expected: Option<u64>,
        /// The error of the network.
        message: String,
    },
    /// The right number of wrong bytes.
    #[error(
        "{algorithm} is {found}, expected {digits}; the file begins {excerpt:?}",
        algorithm = expected.algorithm(),
        digits = expected.digits()
    )]
    Checksum {
        /// Checksum of what was received.
        found: String,
        /// Checksum expected.
        expected: Checksum,
        /// The first bytes of the file.
        excerpt: String,
        /// True if part of the file was there before.
        resumed: bool,
    },
}

fn of(expected: Option<u64>) -> String {
    expected.map_or_else(String::new, |bytes| format!(" of {bytes}"))
}

impl Problem {
    /// True if the same mirror may do better when it is asked again.
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
    /// Opens it at its end; what is longer than the whole file is thrown away. A link in its place is none of ours: it
    /// is removed, and what it leads to stays as it is.
    pub(super) fn open(path: &Path, bytes_total: Option<u64>) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
            fs::remove_file(path)?;
        }
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
        if bytes_total.is_some_and(|total| bytes > total) {
            part.clear()?;
        }
        if let Some(total) = bytes_total {
            atomic::check_room(&part.file, total - part.bytes)?;
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
    pub(super) fn finish(mut self, expected: Checksum, target: &Path) -> Result<PathBuf, Stop> {
        self.file.sync_all()?;
        self.file.seek(SeekFrom::Start(0))?;
        let found = expected.of(&self.file)?;
        if found != expected.digits() {
            self.file.seek(SeekFrom::Start(0))?;
            let excerpt = excerpt(&mut self.file);
            fs::remove_file(&self.path)?;
            return Err(Stop::Failed(Problem::Checksum {
                found,
                expected,
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
    /// Bytes of the whole file, if the registry knows them.
    pub(super) bytes_total: Option<u64>,
    pub(super) pace: Pace,
}

/// The least speed of a server: so many bytes in every period.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) bytes: u64,
    pub(super) period: Duration,
}

/// A period of a transfer that has begun.
struct Period {
    pace: Pace,
    since: Instant,
    bytes: u64,
}

impl Period {
    fn begin(pace: Pace) -> Self {
        Self {
            pace,
            since: Instant::now(),
            bytes: 0,
        }
    }

    /// Adds bytes that came; an error when the period is over and they were too few.
    fn add(&mut self, read: usize) -> Result<(), String> {
        self.bytes += read as u64;
        if self.since.elapsed() < self.pace.period {
            return Ok(());
        }
        let Self { pace, bytes, .. } = *self;
        if bytes < pace.bytes {
            let seconds = pace.period.as_secs_f64();
            return Err(format!(
                "the server is too slow: {bytes} bytes in {seconds} s, expected at least {}",
                pace.bytes
            ));
        }
        *self = Self::begin(pace);
        Ok(())
    }
}

/// Answer of a server.
enum Answer {
    /// The rest of the file, and how long the whole file is, if that is known.
    Rest(Body, Option<u64>),
    /// That the part is the whole file.
    Complete,
}

/// Is told the bytes there are and those of the whole file, and says whether to go on.
pub(super) type Report<'a> = dyn FnMut(u64, Option<u64>) -> ControlFlow<()> + 'a;

impl Transfer<'_> {
    /// Fills the part up to the size of the whole file.
    pub(super) fn run(&self, part: &mut Part, report: &mut Report<'_>) -> Result<(), Stop> {
        ask(report, part.bytes, self.bytes_total)?;
        if self.bytes_total == Some(part.bytes) {
            return Ok(());
        }
        let response = self.request(part.bytes)?;
        let (body, total) = match self.accept(response, part)? {
            Answer::Rest(body, total) => (body, total),
            Answer::Complete => return Ok(()),
        };
        let left = total.map_or(u64::MAX, |total| total - part.bytes);
        let mut body = body.into_with_config().limit(u64::MAX).reader().take(left);
        let mut block = vec![0; BLOCK_BYTES];
        let mut period = Period::begin(self.pace);
        while total != Some(part.bytes) {
            let read = match body.read(&mut block) {
                // Without a length the end is where the server ends; the checksum decides.
                Ok(0) if total.is_none() => break,
                Ok(0) => Err("the server sent no more".to_owned()),
                Ok(read) => period.add(read).map(|()| read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error.to_string()),
            };
            let read = read.map_err(|message| Problem::BrokeOff {
                received: part.bytes,
                expected: total,
                message,
            })?;
            part.push(&block[..read])?;
            ask(report, part.bytes, total)?;
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
    fn accept(&self, mut response: Response<Body>, part: &mut Part) -> Result<Answer, Stop> {
        let range = header(&response, "Content-Range").unwrap_or_default();
        let (start, total) = match response.status().as_u16() {
            206 if part.bytes > 0 => match rest(&range, part.bytes, self.bytes_total) {
                Some(total) => (part.bytes, Some(total)),
                None => return Err(start_over(part, range)?),
            },
            200 => (0, self.bytes_total),
            416 if self.bytes_total.is_none() && range == format!("bytes */{}", part.bytes) => {
                return Ok(Answer::Complete);
            }
            416 => return Err(start_over(part, "status 416".to_owned())?),
            status => {
                return Err(Stop::Failed(Problem::Status {
                    status,
                    excerpt: excerpt(&mut response.body_mut().as_reader()),
                }));
            }
        };
        let announced = header(&response, "Content-Length").and_then(|text| text.parse().ok());
        let total = total.or(announced);
        if let Some((found, total)) = announced.zip(total)
            && found != total - start
        {
            return Err(Stop::Failed(Problem::Size {
                found,
                expected: total - start,
                excerpt: excerpt(&mut response.body_mut().as_reader()),
            }));
        }
        if start < part.bytes {
            part.clear()?;
        }
        Ok(Answer::Rest(response.into_body(), total))
    }
}

/// The server does not know the part that is there: the next attempt starts without it.
fn start_over(part: &mut Part, found: String) -> io::Result<Stop> {
    let expected = part.bytes;
    part.clear()?;
    Ok(Stop::Failed(Problem::Range { found, expected }))
}

fn ask(report: &mut Report<'_>, bytes: u64, total: Option<u64>) -> Result<(), Stop> {
    match report(bytes, total) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Stop::Caller { bytes }),
    }
}

fn header(response: &Response<Body>, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The size of the whole file when `bytes FIRST-LAST/TOTAL` is the rest of it from `start` on; an
/// unknown total is `*`.
fn rest(content_range: &str, start: u64, bytes_total: Option<u64>) -> Option<u64> {
    let (range, total) = content_range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let size = last.parse::<u64>().ok()?.checked_add(1)?;
    let whole = total == "*" || total.parse() == Ok(size);
    let expected = bytes_total.unwrap_or(size);
    (first.parse() == Ok(start) && whole && size == expected && size >= start).then_some(size)
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
        assert_eq!(rest("bytes 5-9/10", 5, Some(10)), Some(10));
        assert_eq!(rest("bytes 5-9/*", 5, Some(10)), Some(10));
        assert_eq!(rest("bytes 5-9/10", 5, None), Some(10));
        for other in ["bytes 4-9/10", "bytes 5-8/10", "bytes 5-9/11", "5-9/10", ""] {
            assert_eq!(rest(other, 5, Some(10)), None, "{other}");
            assert_eq!(rest(other, 5, None), None, "{other}");
        }
        assert_eq!(rest("bytes 5-11/12", 5, Some(10)), None);
        assert_eq!(rest("bytes 5-3/4", 5, None), None);
    }
}
