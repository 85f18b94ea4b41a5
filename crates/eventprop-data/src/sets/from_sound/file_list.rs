//! Which recordings of a folder become samples, and who says what in them.
//!
//! Classes and speakers are numbered over everything that is found, before a selection is made, so that the parts of
//! a data set agree on them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::naming::{Fields, Pattern, Selection, is_sound_ending};

/// Where labels or speakers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The folder that holds the recording.
    Folder,
    /// The field `{label}` or `{speaker}` of the pattern.
    Pattern,
    /// The column `label` or `speaker` of the table.
    Csv,
}

/// How names become labels and speakers, and what is taken.
#[derive(Debug, Clone)]
pub struct Naming {
    /// Where labels come from.
    pub labels: Origin,
    /// Where speakers come from, if they are known.
    pub speakers: Option<Origin>,
    /// The pattern of the names. A recording that does not match is left out.
    pub pattern: Option<Pattern>,
    /// A table with a line of titles, among them `file`, and as needed `label` and `speaker`. A recording that is
    /// not in it is left out.
    pub csv: Option<PathBuf>,
    /// The classes in the order of their numbers, each with the word to show; found and sorted when empty.
    pub classes: Vec<(String, String)>,
    /// What is taken; all of them must agree.
    pub select: Vec<Selection>,
    /// Lists of names, one a line: only what they name is taken.
    pub only: Vec<PathBuf>,
    /// Lists of names, one a line: what they name is left out.
    pub except: Vec<PathBuf>,
}

/// A recording to be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Where it is.
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
pub struct Roster {
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

/// A folder cannot become a data set.
#[derive(Debug, Error)]
pub enum RosterError {
    /// The system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Nothing to encode.
    #[error("{folder}: {problem}", folder = folder.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
        /// Why nothing is left.
        problem: String,
    },
    /// The request contradicts itself.
    #[error("{0}")]
    Request(String),
    /// The table cannot be used.
    #[error("{path}, line {line}: {problem}", path = path.display())]
    Csv {
        /// The table.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

/// A recording that was found, and the words that belong to it.
struct Found {
    path: PathBuf,
    name: String,
    bytes: u64,
    fields: Fields,
    label: String,
    speaker: Option<String>,
}

/// A line of the table.
struct Line {
    label: Option<String>,
    speaker: Option<String>,
}

impl Roster {
    /// Finds the recordings below a folder.
    ///
    /// # Errors
    /// [`RosterError`], also when nothing is left to encode.
    pub fn new(folder: &Path, naming: &Naming) -> Result<Self, RosterError> {
        naming.check()?;
        let mut files = Vec::new();
        walk(folder, "", &mut files)?;
        if files.is_empty() {
            return Err(nothing(folder, "there is no .wav or .flac file in it"));
        }
        files.sort();
        let table = naming
            .csv
            .as_deref()
            .map(|csv| naming.table(csv))
            .transpose()?;
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
        let speakers = sorted(found.iter().filter_map(|one| one.speaker.clone()));
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

impl Naming {
    fn check(&self) -> Result<(), RosterError> {
        let request = |text: &str| Err(RosterError::Request(text.to_owned()));
        let has = |field: &str| {
            self.pattern
                .as_ref()
                .is_some_and(|pattern| pattern.has(field))
        };
        if self.labels == Origin::Pattern && !has("label") {
            return request("labels from the pattern need a --pattern with the field {label}");
        }
        if self.speakers == Some(Origin::Pattern) && !has("speaker") {
            return request("speakers from the pattern need a --pattern with the field {speaker}");
        }
        let from_csv = self.labels == Origin::Csv || self.speakers == Some(Origin::Csv);
        if from_csv && self.csv.is_none() {
            return request("labels or speakers from a table need --csv FILE");
        }
        for selection in &self.select {
            let field = &selection.field;
            if !has(field) && !["label", "speaker"].contains(&field.as_str()) {
                let text = format!(
                    "a selection of \"{field}\" needs a --pattern with the field {{{field}}}"
                );
                return Err(RosterError::Request(text));
            }
        }
        Ok(())
    }

    /// The words of a recording, or its name if it does not match.
    fn found(
        &self,
        name: String,
        path: PathBuf,
        table: Option<&BTreeMap<String, Line>>,
    ) -> Result<Result<Found, String>, RosterError> {
        let fields = match &self.pattern {
            Some(pattern) => pattern.fields(&name),
            None => Some(Fields::default()),
        };
        let line = table.map(|table| table.get(&name));
        let (Some(fields), false) = (fields, matches!(line, Some(None))) else {
            return Ok(Err(name));
        };
        let line = line.flatten();
        let folder = name.rsplit_once('/').map(|(folder, _)| folder);
        let folder = folder.map(|folder| folder.rsplit('/').next().unwrap_or(folder).to_owned());
        let word = |from: Origin, field: &str, of_line: fn(&Line) -> Option<String>| match from {
            Origin::Folder => folder.clone(),
            Origin::Pattern => fields.get(field).map(str::to_owned),
            Origin::Csv => line.and_then(of_line),
        };
        let label = word(self.labels, "label", |line| line.label.clone());
        let label = label.ok_or_else(|| {
            let text = format!(
                "{name} lies in no folder that could be its label; use --labels-from pattern or csv"
            );
            RosterError::Request(text)
        })?;
        let speaker = self
            .speakers
            .and_then(|from| word(from, "speaker", |line| line.speaker.clone()));
        if self.speakers.is_some() && speaker.is_none() {
            let text = format!("{name} lies in no folder that could be its speaker");
            return Err(RosterError::Request(text));
        }
        let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        Ok(Ok(Found {
            path,
            name,
            bytes,
            fields,
            label,
            speaker,
        }))
    }

    /// The classes as they are found, and as they are shown.
    fn classes(&self, found: &[Found]) -> Result<(Vec<String>, Vec<String>), RosterError> {
        if self.classes.is_empty() {
            let keys = sorted(found.iter().map(|one| one.label.clone()));
            return Ok((keys.clone(), keys));
        }
        let known: BTreeSet<&str> = self.classes.iter().map(|(key, _)| key.as_str()).collect();
        if let Some(one) = found.iter().find(|one| !known.contains(one.label.as_str())) {
            let text = format!(
                "{} has the label \"{}\", which is not among --classes",
                one.name, one.label
            );
            return Err(RosterError::Request(text));
        }
        Ok(self.classes.iter().cloned().unzip())
    }

    /// Takes out what is not selected; returns names that were listed and do not exist.
    fn select(&self, found: &mut Vec<Found>) -> Result<Vec<String>, RosterError> {
        let lists = |paths: &[PathBuf]| -> Result<BTreeSet<String>, RosterError> {
            let mut names = BTreeSet::new();
            for path in paths {
                let text = read(path)?;
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                names.extend(lines.map(|line| line.trim_start_matches("./").to_owned()));
            }
            Ok(names)
        };
        let (only, except) = (lists(&self.only)?, lists(&self.except)?);
        let known: BTreeSet<&str> = found.iter().map(|one| one.name.as_str()).collect();
        let absent = only.iter().filter(|name| !known.contains(name.as_str()));
        let absent = absent.cloned().collect();
        found.retain(|one| {
            let listed = self.only.is_empty() || only.contains(&one.name);
            listed
                && !except.contains(&one.name)
                && self.select.iter().all(|selection| one.is_in(selection))
        });
        Ok(absent)
    }

    fn table(&self, path: &Path) -> Result<BTreeMap<String, Line>, RosterError> {
        let text = read(path)?;
        let refuse = |line: usize, problem: String| RosterError::Csv {
            path: path.to_owned(),
            line,
            problem,
        };
        let mut lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty());
        let (_, titles) = lines
            .next()
            .ok_or_else(|| refuse(1, "the table is empty".to_owned()))?;
        let titles = cells(titles.trim_start_matches('\u{feff}'));
        let column = |title: &str| titles.iter().position(|one| one.trim() == title);
        let need = |title: &str, needed: bool| match column(title) {
            None if needed => Err(refuse(
                1,
                format!("there is no column \"{title}\" among {titles:?}"),
            )),
            found => Ok(found),
        };
        let file = need("file", true)?;
        let label = need("label", self.labels == Origin::Csv)?;
        let speaker = need("speaker", self.speakers == Some(Origin::Csv))?;
        let mut table = BTreeMap::new();
        for (index, line) in lines {
            let cells = cells(line);
            let cell = |column: Option<usize>| -> Result<Option<String>, RosterError> {
                let Some(column) = column else {
                    return Ok(None);
                };
                let cell = cells.get(column).map(|cell| cell.trim().to_owned());
                let cell = cell.filter(|cell| !cell.is_empty());
                let missing = || refuse(index + 1, format!("\"{}\" is missing", titles[column]));
                Ok(Some(cell.ok_or_else(missing)?))
            };
            let name = cell(file)?
                .expect("the column exists")
                .trim_start_matches("./")
                .to_owned();
            let words = Line {
                label: cell(label)?,
                speaker: cell(speaker)?,
            };
            if table.insert(name.clone(), words).is_some() {
                return Err(refuse(index + 1, format!("{name} is there twice")));
            }
        }
        Ok(table)
    }
}

impl Found {
    fn is_in(&self, selection: &Selection) -> bool {
        let field = selection.field.as_str();
        let value = match (self.fields.get(field), field) {
            (Some(value), _) => value,
            (None, "label") => &self.label,
            (None, _) => self.speaker.as_deref().unwrap_or(""),
        };
        selection.takes(value)
    }
}

fn read(path: &Path) -> Result<String, RosterError> {
    fs::read_to_string(path).map_err(|source| RosterError::Io {
        path: path.to_owned(),
        source,
    })
}

fn nothing(folder: &Path, problem: &str) -> RosterError {
    RosterError::Nothing {
        folder: folder.to_owned(),
        problem: problem.to_owned(),
    }
}

fn count(words: &[String], what: &str) -> Result<(), RosterError> {
    if u16::try_from(words.len()).is_err() {
        let text = format!("{} {what}; the file format has room for 65535", words.len());
        return Err(RosterError::Request(text));
    }
    Ok(())
}

/// Each word once: in the order of the numbers if all are numbers, otherwise of the letters.
fn sorted(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut words: Vec<String> = words.collect::<BTreeSet<_>>().into_iter().collect();
    if words.iter().all(|word| word.parse::<u64>().is_ok()) {
        words.sort_by_key(|word| word.parse::<u64>().unwrap_or(u64::MAX));
    }
    words
}

/// The cells of a line; a cell in quotes may hold commas, and "" is a quote.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let cell = cells.last_mut().expect("there is always one");
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                cell.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cell.push(c),
        }
    }
    cells
}

/// All sound files below a folder: their names within it and their paths. Hidden files are left out, and links to
/// folders are not followed, as they may lead in circles.
fn walk(
    folder: &Path,
    within: &str,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), RosterError> {
    let io = |source| RosterError::Io {
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
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    fn naming() -> Naming {
        Naming {
            labels: Origin::Folder,
            speakers: None,
            pattern: None,
            csv: None,
            classes: Vec::new(),
            select: Vec::new(),
            only: Vec::new(),
            except: Vec::new(),
        }
    }

    fn digits() -> Naming {
        Naming {
            labels: Origin::Pattern,
            speakers: Some(Origin::Pattern),
            pattern: Some("{label}_{speaker}_{index}".parse().unwrap()),
            ..naming()
        }
    }

    fn labels(roster: &Roster) -> Vec<(&str, u16)> {
        let recordings = roster.recordings.iter();
        recordings
            .map(|one| (one.name.as_str(), one.label))
            .collect()
    }

    #[test]
    fn folders_are_classes() {
        let folder = folder(&[
            "yes/a.wav",
            "no/b.WAV",
            "no/c.flac",
            "no/._c.flac",
            "no/notes.txt",
        ]);
        let roster = Roster::new(folder.path(), &naming()).unwrap();
        assert_eq!(roster.classes, ["no", "yes"]);
        let expected = [("no/b.WAV", 0), ("no/c.flac", 0), ("yes/a.wav", 1)];
        assert_eq!(labels(&roster), expected);
        assert!(roster.speakers.is_empty() && roster.recordings[0].speaker.is_none());
    }

    #[test]
    fn numbers_are_in_numeric_order_and_the_same_in_every_part() {
        let folder = folder(&["10_b_0.wav", "2_a_0.wav", "2_b_1.wav", "other.wav"]);
        let mut naming = digits();
        naming.select.push("index=1".parse().unwrap());
        let roster = Roster::new(folder.path(), &naming).unwrap();
        assert_eq!(roster.classes, ["2", "10"]);
        assert_eq!(roster.speakers, ["a", "b"]);
        assert_eq!(labels(&roster), [("2_b_1.wav", 0)]);
        assert_eq!(roster.recordings[0].speaker, Some(1));
        assert_eq!(roster.unmatched, ["other.wav"]);
    }

    #[test]
    fn classes_can_be_given_in_order_with_words() {
        let folder = folder(&["1_a_0.wav", "2_a_0.wav"]);
        let pair = |key: &str, word: &str| (key.to_owned(), word.to_owned());
        let classes = vec![pair("2", "zwei"), pair("1", "eins")];
        let roster = Roster::new(
            folder.path(),
            &Naming {
                classes,
                ..digits()
            },
        )
        .unwrap();
        assert_eq!(roster.classes, ["zwei", "eins"]);
        assert_eq!(labels(&roster), [("1_a_0.wav", 1), ("2_a_0.wav", 0)]);
        let classes = vec![pair("2", "zwei")];
        let error = Roster::new(
            folder.path(),
            &Naming {
                classes,
                ..digits()
            },
        )
        .unwrap_err();
        assert!(error.to_string().contains("1_a_0.wav"), "{error}");
    }

    #[test]
    fn lists_make_the_parts_of_a_corpus() {
        let folder = folder(&["yes/a.wav", "yes/b.wav", "no/c.wav"]);
        let list = folder.path().join("testing_list.txt");
        fs::write(&list, "yes/a.wav\n\n./no/c.wav\n").unwrap();
        let only = Naming {
            only: vec![list.clone()],
            ..naming()
        };
        let roster = Roster::new(folder.path(), &only).unwrap();
        assert_eq!(labels(&roster), [("no/c.wav", 0), ("yes/a.wav", 1)]);
        let except = Naming {
            except: vec![list.clone()],
            ..naming()
        };
        let roster = Roster::new(folder.path(), &except).unwrap();
        assert_eq!(labels(&roster), [("yes/b.wav", 1)]);
        fs::write(&list, "yes/z.wav\nyes/a.wav\n").unwrap();
        let roster = Roster::new(folder.path(), &only).unwrap();
        assert_eq!(labels(&roster), [("yes/a.wav", 1)]);
        assert_eq!(roster.absent, ["yes/z.wav"]);
        fs::write(&list, "yes/z.wav").unwrap();
        let error = Roster::new(folder.path(), &only).unwrap_err().to_string();
        assert!(error.contains("yes/z.wav"), "{error}");
    }

    #[test]
    fn a_table_gives_labels_and_speakers() {
        let folder = folder(&["a.wav", "b, c.wav", "d.wav"]);
        let table = folder.path().join("table.csv");
        fs::write(
            &table,
            "speaker,file,label\nann,a.wav,hi\nbob,\"b, c.wav\",\"say \"\"ho\"\"\"\n",
        )
        .unwrap();
        let naming = Naming {
            labels: Origin::Csv,
            speakers: Some(Origin::Csv),
            csv: Some(table.clone()),
            ..naming()
        };
        let roster = Roster::new(folder.path(), &naming).unwrap();
        assert_eq!(roster.classes, ["hi", "say \"ho\""]);
        assert_eq!(roster.speakers, ["ann", "bob"]);
        assert_eq!(roster.unmatched, ["d.wav"]);
        for (content, expected) in [
            ("", "empty"),
            ("file,speaker\na.wav,x", "no column \"label\""),
            ("file,label,speaker\na.wav,,x", "line 2"),
            ("file,label,speaker\na.wav,1,x\na.wav,2,x", "twice"),
        ] {
            fs::write(&table, content).unwrap();
            let error = Roster::new(folder.path(), &naming).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn nothing_to_encode_is_an_error_that_says_why() {
        let empty = folder(&["notes.txt"]);
        let error = |folder: &tempfile::TempDir, naming: &Naming| {
            Roster::new(folder.path(), naming).unwrap_err().to_string()
        };
        assert!(error(&empty, &naming()).contains(".wav"));
        let flat = folder(&["one.wav"]);
        assert!(error(&flat, &naming()).contains("--labels-from"));
        assert!(error(&flat, &digits()).contains("one.wav"));
        let mut selected = naming();
        selected.select.push("index=3".parse().unwrap());
        assert!(error(&flat, &selected).contains("{index}"));
    }
}
