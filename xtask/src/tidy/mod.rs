//! Rules that no compiler lint knows.
//!
//! A rule is a function from a [`Checkout`] to what it finds; [`check`] runs them all. A checkout is
//! plain data, so every rule is tested on a synthetic one that breaks it. Files that do not exist yet
//! are no offence, with one exception: the page of equations has to be there.

mod allowance;
mod circles;
mod equations;
mod length;
mod links;
mod listed;
mod named;
mod phrases;
mod places;
mod source;
mod tuples;
mod words;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::process::Command;

use source::Source;

/// One offence against one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// File, relative to the root of the checkout.
    pub path: String,
    /// Line, counted from 1.
    pub line: usize,
    /// The fault, and what to do instead.
    pub message: String,
}

impl Finding {
    fn new(file: &File, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: file.path.clone(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Everything the rules find in `checkout`, rule by rule.
pub fn check(checkout: &Checkout) -> Vec<Finding> {
    let rules = [
        equations::tags,
        places::absent,
        words::unfinished_work,
        words::macros,
        words::names,
        words::ignored_tests,
        words::unwraps,
        words::machine_paths,
        length::long_functions,
        listed::unlisted,
        listed::untested,
        links::broken,
        named::missing,
        phrases::odd,
    ];
    let mut findings: Vec<Finding> = rules.iter().flat_map(|rule| rule(checkout)).collect();
    findings.extend(allowance::check(checkout, &counts(checkout)));
    findings
}

/// The text of `xtask/allowances.txt` with every number as low as the checkout permits; no number rises.
pub fn lowered_allowances(checkout: &Checkout) -> String {
    allowance::lowered(checkout, &counts(checkout))
}

/// The file of [`lowered_allowances`], from the root of the checkout.
pub const ALLOWANCES: &str = allowance::PATH;

/// The numbers of the rules that count.
fn counts(checkout: &Checkout) -> Vec<allowance::Count> {
    let rules = [
        places::counts,
        circles::counts,
        tuples::counts,
        phrases::questions,
    ];
    rules.iter().flat_map(|rule| rule(checkout)).collect()
}

/// The files of a checkout: those git tracks and those it would track once added.
#[derive(Debug, Clone, Default)]
pub struct Checkout {
    /// Every path, also of files that are not text; relative to the root, with `/`.
    paths: BTreeSet<String>,
    files: Vec<File>,
}

/// One text file.
#[derive(Debug, Clone)]
struct File {
    path: String,
    text: String,
    /// Its code, comments and tests, if it is Rust.
    rust: Option<Source>,
}

impl Checkout {
    /// Reads the checkout at `root`, which must be in a git working tree.
    pub fn read(root: &Path) -> Result<Self, String> {
        let mut checkout = Self::default();
        for path in listed_by_git(root)? {
            let on_disk = root.join(&path);
            if !on_disk.is_file() {
                continue; // deleted, but not yet committed so
            }
            let bytes = std::fs::read(&on_disk).map_err(|error| format!("{path}: {error}"))?;
            checkout.paths.insert(path.clone());
            if let Ok(text) = String::from_utf8(bytes) {
                checkout.files.push(File::new(path, text));
            }
        }
        Ok(checkout)
    }

    fn rust_files(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files
            .iter()
            .filter_map(|file| file.rust.as_ref().map(|source| (file, source)))
    }

    /// True if `path` is a file or a folder that holds one.
    fn contains(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.paths.contains(path)
            || self
                .paths
                .range(folder.clone()..)
                .next()
                .is_some_and(|next| next.starts_with(&folder))
    }

    #[cfg(test)]
    fn made_up(files: &[(&str, &str)]) -> Self {
        Self {
            paths: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
            files: files
                .iter()
                .map(|(path, text)| File::new((*path).to_owned(), (*text).to_owned()))
                .collect(),
        }
    }
}

impl File {
    fn new(path: String, text: String) -> Self {
        let mut file = Self {
            path,
            text,
            rust: None,
        };
        if file.has_ending("rs") {
            file.rust = Some(Source::new(&file.text));
        }
        file
    }

    fn has_ending(&self, ending: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == ending)
    }

    /// True if the whole file is test code.
    fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| part == "tests" || part == "tests.rs")
    }

    /// True if the file belongs to the case corpus, the crate that exists for tests alone.
    fn is_case(&self) -> bool {
        self.path.starts_with("crates/eventprop-cases/")
    }

    /// True if line `index` (from 0) is test code.
    fn is_test_line(&self, index: usize) -> bool {
        self.is_test()
            || self
                .rust
                .as_ref()
                .is_some_and(|source| source.is_test_line(index))
    }

    /// The file's name without folders and ending.
    fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.split('.').next().unwrap_or(name)
    }
}

fn listed_by_git(root: &Path) -> Result<Vec<String>, String> {
    let mut command = Command::new("git");
    command.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let output = command.current_dir(root).output().map_err(|error| {
        format!("cannot start git: {error}; the tidy rules ask it for the files")
    })?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git ls-files failed: {}", reason.trim()));
    }
    let listing = String::from_utf8_lossy(&output.stdout);
    let paths: BTreeSet<&str> = listing
        .split('\0')
        .filter(|path| !path.is_empty())
        .collect();
    Ok(paths.into_iter().map(str::to_owned).collect())
}

/// The places of `word` in `text` as a whole word: not inside a longer identifier.
fn whole_words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word)
        .map(|(start, _)| start)
        .filter(move |&start| {
            let before = text[..start].chars().next_back();
            let after = text[start + word.len()..].chars().next();
            !before.is_some_and(is_identifier) && !after.is_some_and(is_identifier)
        })
}

fn is_identifier(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_count_as_contained() {
        let checkout = Checkout::made_up(&[("docs/decisions/README.md", ""), ("docs.md", "")]);
        assert!(checkout.contains("docs"));
        assert!(checkout.contains("docs/decisions"));
        assert!(checkout.contains("docs.md"));
        assert!(!checkout.contains("docs/decision"));
    }

    #[test]
    fn whole_words_are_not_parts_of_identifiers() {
        assert_eq!(
            whole_words("fn fnord(f: fn()) my_fn", "fn").collect::<Vec<_>>(),
            [0, 12]
        );
    }

    #[test]
    fn a_finding_reads_like_a_compiler_message() {
        let file = File::new("a.rs".into(), String::new());
        assert_eq!(Finding::new(&file, 3, "wrong").to_string(), "a.rs:3: wrong");
    }
}
