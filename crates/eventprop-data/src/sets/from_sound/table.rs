//! The table of recordings (CSV): a line each, with label and speaker.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};

use super::error::FileListError;
use crate::formats::source;

/// The lines by the names of their recordings.
pub(super) type Table = BTreeMap<String, Line>;

/// A line of the table.
pub(super) struct Line {
    pub(super) label: Option<String>,
    pub(super) speaker: Option<String>,
}

/// Columns needed beside `file`.
pub(super) struct Needed {
    pub(super) label: bool,
    pub(super) speaker: bool,
}

pub(super) fn read(path: &Path, needed: &Needed) -> Result<Table, FileListError> {
    let source = Source {
        path,
        text: read_text(path)?,
    };
    let mut reader = ReaderBuilder::new();
    let reader = reader.flexible(true).trim(Trim::All);
    let mut reader = reader.from_reader(source.text.as_bytes());
    let titles = reader
        .headers()
        .map_err(|error| source.refuse(1, error.to_string()))?
        .clone();
    if titles.is_empty() {
        return Err(source.refuse(1, "the table is empty".to_owned()));
    }
    let column = |title: &str, needed: bool| {
        let found = titles.iter().position(|one| one == title);
        if needed && found.is_none() {
            let titles: Vec<&str> = titles.iter().collect();
            let problem = format!("there is no column \"{title}\" among {titles:?}");
            return Err(source.refuse(1, problem));
        }
        Ok(found)
    };
    let file = column("file", true)?;
    let label = column("label", needed.label)?;
    let speaker = column("speaker", needed.speaker)?;
    let mut table = Table::new();
    for record in reader.records() {
        let record = record.map_err(|error| source.refuse(1, error.to_string()))?;
        if record.len() == 1 && record[0].is_empty() {
            continue;
        }
        let cell = |column: Option<usize>| match column {
            None => Ok(None),
            Some(column) => match record.get(column) {
                None | Some("") => {
                    let problem = format!("\"{}\" is missing", &titles[column]);
                    Err(source.refuse(source.line_of(&record), problem))
                }
                Some(cell) => Ok(Some(cell.to_owned())),
            },
        };
        let name = cell(file)?.expect("the column exists");
        let name = name.trim_start_matches("./").to_owned();
        let line = Line {
            label: cell(label)?,
            speaker: cell(speaker)?,
        };
        if table.insert(name.clone(), line).is_some() {
            let problem = format!("{name} is there twice");
            return Err(source.refuse(source.line_of(&record), problem));
        }
    }
    Ok(table)
}

/// The text of a file.
pub(super) fn read_text(path: &Path) -> Result<String, FileListError> {
    source::text(path).map_err(|source| FileListError::Io {
        path: path.to_owned(),
        source,
    })
}

struct Source<'a> {
    path: &'a Path,
    text: String,
}

impl Source<'_> {
    fn refuse(&self, line: usize, problem: String) -> FileListError {
        FileListError::Csv {
            path: PathBuf::from(self.path),
            line,
            problem,
        }
    }

    /// The line of a record, from 1. Its position may lie before the end of the line above and before empty lines.
    fn line_of(&self, record: &StringRecord) -> usize {
        let start = record.position().map_or(0, csv::Position::byte) as usize;
        let rest = &self.text[start..];
        let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        self.text[..start + blank].matches('\n').count() + 1
    }
}
