//! The fuzz targets of `fuzz/`: readers are given bytes that cargo-fuzz changes until new code runs.
//!
//! A target begins with the seeds in `fuzz/seeds`, which a test of the workspace reads, too, and goes on from what
//! earlier runs found (`fuzz/corpus`). Sanitizers are left out: the readers have no unsafe code, and run several
//! times faster without.

use std::path::Path;
use std::process::{Command, Stdio};

/// Seconds of each target.
const SECONDS: u32 = 60;

/// More memory than this in MB, or more seconds than this for one input, is a finding.
const MEMORY_MB: u32 = 2048;
const INPUT_SECONDS: u32 = 60;

/// What the targets need, the command that shows that it is there, and the one that gets it.
const NEEDED: [(&str, &[&str], &str); 2] = [
    (
        "the nightly toolchain of Rust",
        &["run", "nightly", "cargo", "--version"],
        "rustup toolchain install nightly --profile minimal",
    ),
    (
        "cargo-fuzz",
        &["run", "nightly", "cargo", "fuzz", "--version"],
        "cargo install cargo-fuzz",
    ),
];

/// The targets to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    seconds: u32,
    /// One of them; none for all.
    target: Option<String>,
}

impl Request {
    /// From the words behind `fuzz`.
    ///
    /// # Errors
    /// A sentence about the word that is not understood.
    pub fn of(words: &[&str]) -> Result<Self, String> {
        let mut request = Self {
            seconds: SECONDS,
            target: None,
        };
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            if word == "--seconds" {
                let number = words.next().copied().unwrap_or_default();
                let seconds = number.parse().ok().filter(|seconds| *seconds > 0);
                request.seconds = seconds
                    .ok_or_else(|| format!("--seconds is {number:?}, not a number above 0"))?;
            } else if word.starts_with('-') || request.target.is_some() {
                return Err(format!("{word:?} is not understood"));
            } else {
                request.target = Some(word.to_owned());
            }
        }
        Ok(request)
    }
}

/// Runs the targets; true if none found anything.
pub fn run(root: &Path, request: &Request) -> bool {
    match try_run(root, request) {
        Ok(found) if found.is_empty() => true,
        Ok(found) => {
            println!(
                "\nfuzz: {} found something; the inputs are in fuzz/artifacts. When it is mended, put them into fuzz/seeds/TARGET: the tests read them there",
                found.join(", ")
            );
            false
        }
        Err(problem) => {
            println!("fuzz: {problem}");
            false
        }
    }
}

/// Names of the targets that found something.
fn try_run(root: &Path, request: &Request) -> Result<Vec<String>, String> {
    let targets = chosen(root, request.target.as_deref())?;
    for (what, shown_by, got_by) in NEEDED {
        if !succeeds(Command::new("rustup").args(shown_by)) {
            return Err(format!("{what} is missing; get it with `{got_by}`"));
        }
    }
    let mut found = Vec::new();
    for target in targets {
        println!("\n== {target}: {} s ==", request.seconds);
        if !fuzz(root, &target, request.seconds)? {
            found.push(target);
        }
    }
    Ok(found)
}

/// Names of the targets, in order, or the one that is asked for.
fn chosen(root: &Path, asked: Option<&str>) -> Result<Vec<String>, String> {
    let folder = root.join("fuzz/fuzz_targets");
    let problem = |error| format!("{}: {error}", folder.display());
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        let name = path.file_stem().unwrap_or_default();
        targets.push(name.to_string_lossy().into_owned());
    }
    targets.sort();
    match asked {
        None => Ok(targets),
        Some(name) if targets.iter().any(|target| target == name) => Ok(vec![name.to_owned()]),
        Some(name) => Err(format!(
            "there is no target {name:?}; there are {}",
            targets.join(", ")
        )),
    }
}

/// Runs a target; true if it found nothing.
fn fuzz(root: &Path, target: &str, seconds: u32) -> Result<bool, String> {
    let corpus = root.join("fuzz/corpus").join(target);
    std::fs::create_dir_all(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    let mut command = Command::new("rustup");
    command.args([
        "run",
        "nightly",
        "cargo",
        "fuzz",
        "run",
        "--sanitizer",
        "none",
    ]);
    command.arg(target).arg(&corpus);
    command.arg(root.join("fuzz/seeds").join(target)).arg("--");
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-rss_limit_mb={MEMORY_MB}"));
    command.arg(format!("-timeout={INPUT_SECONDS}"));
    command.arg("-print_final_stats=1");
    command.current_dir(root).stdin(Stdio::null());
    let status = command
        .status()
        .map_err(|error| format!("rustup: {error}"))?;
    Ok(status.success())
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace_root;

    #[test]
    fn words_make_a_request() {
        let request = Request::of(&["--seconds", "5", "wav"]).unwrap();
        let expected = Request {
            seconds: 5,
            target: Some("wav".to_owned()),
        };
        assert_eq!(request, expected);
        assert_eq!(Request::of(&[]).unwrap().seconds, SECONDS);
        for words in [
            &["--seconds"][..],
            &["--seconds", "0"],
            &["--second", "1"],
            &["wav", "idx"],
        ] {
            assert!(Request::of(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_target_that_is_not_there_is_told_which_are() {
        let error = chosen(&workspace_root(), Some("wave")).unwrap_err();
        assert!(
            error.contains("\"wave\"") && error.contains("spike_file, sweep, wav"),
            "{error}"
        );
        let all = chosen(&workspace_root(), None).unwrap();
        for target in all {
            assert!(
                workspace_root().join("fuzz/seeds").join(&target).is_dir(),
                "{target} has no seeds"
            );
        }
    }
}
