//! Instructions per sample of the hot loops, counted by valgrind: a regression shows on a machine that is
//! busy, where times say nothing.
//!
//! `eventprop bench` runs under `valgrind --tool=cachegrind` with one thread, once with one round and once
//! with two. The difference is one round: training on its samples and evaluating them, without start,
//! data and ceilings. The counts in `xtask/instructions.txt` are those of AVX2 code.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// The workloads that are counted, and the samples of one round of each.
const WORKLOADS: [(&str, u64); 3] = [("mnist", 1600), ("shd", 96), ("yinyang", 1600)];

/// More instructions than this over what is recorded, in per cent, are a regression. Counts of one
/// program differ by less than a tenth of this from run to run.
const PERCENT_MORE: f64 = 2.0;

/// The use of the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Compared with the recorded ones.
    Compare,
    /// Recorded.
    Record,
}

/// Counts, prints and compares or records; true if nothing got worse.
pub fn run(root: &Path, mode: Mode) -> bool {
    match try_run(root, mode) {
        Ok(passed) => passed,
        Err(problem) => {
            println!("instructions: {problem}");
            false
        }
    }
}

fn try_run(root: &Path, mode: Mode) -> Result<bool, String> {
    build(root)?;
    let file = root.join("xtask/instructions.txt");
    let recorded = match mode {
        Mode::Compare => parse(
            &std::fs::read_to_string(&file)
                .map_err(|error| format!("{} cannot be read: {error}", file.display()))?,
        )?,
        Mode::Record => Vec::new(),
    };
    let (mut passed, mut text) = (true, String::new());
    for (workload, samples) in WORKLOADS {
        let count = count(root, workload, samples)?;
        writeln!(text, "{workload} {count}").expect("a String can be written to");
        let before = recorded.iter().find(|(name, _)| name == workload);
        match before {
            Some((_, before)) => {
                let change = 100.0 * (count as f64 / *before as f64 - 1.0);
                println!("{workload}: {count} instructions per sample, {change:+.1} %");
                passed &= change <= PERCENT_MORE;
            }
            None => println!("{workload}: {count} instructions per sample"),
        }
    }
    if mode == Mode::Record {
        std::fs::write(&file, text)
            .map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    }
    if !passed {
        println!(
            "more than {PERCENT_MORE} % more instructions; if that is meant, record them: cargo xtask instructions --record"
        );
    }
    Ok(passed)
}

fn build(root: &Path) -> Result<(), String> {
    let built = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--quiet",
            "--package",
            "eventprop-cli",
        ])
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if built.success() {
        Ok(())
    } else {
        Err("the program cannot be built".to_owned())
    }
}

/// Instructions per sample of one round.
fn count(root: &Path, workload: &str, samples: u64) -> Result<u64, String> {
    let (one, two) = (rounds(root, workload, "1")?, rounds(root, workload, "2")?);
    two.checked_sub(one)
        .map(|round| round / samples)
        .ok_or_else(|| format!("{workload}: two rounds took fewer instructions than one"))
}

/// Instructions of a whole run.
fn rounds(root: &Path, workload: &str, rounds: &str) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no"])
        .arg("--cachegrind-out-file=/dev/null")
        .arg(root.join("target/release/eventprop"))
        .args(["bench", "--threads", "1", "--workload", workload])
        .args(["--rounds", rounds])
        .output()
        .map_err(|error| format!("valgrind cannot be run ({error}); install it"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    refs(&report).ok_or_else(|| format!("valgrind said nothing of instructions:\n{report}"))
}

/// The total of `I refs` in cachegrind's report.
fn refs(report: &str) -> Option<u64> {
    let line = report
        .lines()
        .find(|line| line.contains("I refs:") || line.contains("I   refs:"))?;
    let digits: String = line
        .rsplit(':')
        .next()?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

/// `workload count` lines.
fn parse(text: &str) -> Result<Vec<(String, u64)>, String> {
    let line = |line: &str| {
        let (name, count) = line.split_once(' ')?;
        Some((name.to_owned(), count.trim().parse().ok()?))
    };
    text.lines()
        .map(|text| {
            line(text).ok_or_else(|| {
                format!("xtask/instructions.txt: {text:?} is not a workload and its count")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{parse, refs};

    #[test]
    fn counts_are_read() {
        let report = "==7== \n==7== I   refs:      12,345,678\n";
        assert_eq!(refs(report), Some(12_345_678));
        assert_eq!(refs("==7== I refs: 5"), Some(5));
        assert_eq!(refs("valgrind: no such file"), None);
    }

    #[test]
    fn records_are_read() {
        let records = vec![("mnist".to_owned(), 12), ("shd".to_owned(), 34)];
        assert_eq!(parse("mnist 12\nshd 34\n"), Ok(records));
        assert!(parse("mnist twelve").unwrap_err().contains("mnist twelve"));
    }
}
