//! Labels and speakers from names of files, and filters on them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::error::FileListError;
use super::pattern::{Fields, Pattern, Selection};
use super::table::{self, Line, Needed, Table, read_text};
use crate::sets::class_order::in_order;

/// Source of labels or speakers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The folder that holds the recording.
    Folder,
    /// The field `{label}` or `{speaker}` of the pattern.
    Pattern,
    /// The column `label` or `speaker` of the table.
    Csv,
}

/// Reading of labels and speakers from names, and filters on them.
#[derive(Debug, Clone)]
pub struct Naming {
    /// Source of the labels.
    pub labels: Origin,
    /// Source of the speakers, if they are known.
    pub speakers: Option<Origin>,
    /// The pattern of the names. A recording that does not match is left out.
    pub pattern: Option<Pattern>,
    /// A table with a line of titles, among them `file`, and as needed `label` and `speaker`. A recording that is
    /// not in it is left out.
    pub csv: Option<PathBuf>,
    /// The classes in the order of their numbers, each with the word to show; found and sorted when empty.
    pub classes: Vec<(String, String)>,
    /// Filters; all of them must agree.
    pub select: Vec<Selection>,
    /// Lists of names, one a line: only what they name is taken.
    pub only: Vec<PathBuf>,
    /// Lists of names, one a line: what they name is left out.
    pub except: Vec<PathBuf>,
}

/// A recording that was found, and the words that belong to it.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) fields: Fields,
    pub(super) label: String,
    pub(super) speaker: Option<String>,
}

impl Naming {
    pub(super) fn check(&self) -> Result<(), FileListError> {
        let request = |text: &str| Err(FileListError::Request(text.to_owned()));
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
                return Err(FileListError::Request(text));
            }
        }
        Ok(())
    }

    /// The table, if there is one.
    pub(super) fn table(&self) -> Result<Option<Table>, FileListError> {
        let needed = Needed {
            label: self.labels == Origin::Csv,
            speaker: self.speakers == Some(Origin::Csv),
        };
        let csv = self.csv.as_deref();
        csv.map(|csv| table::read(csv, &needed)).transpose()
    }

    /// The words of a recording, or its name if it does not match.
    pub(super) fn found(
        &self,
        name: String,
        path: PathBuf,
        table: Option<&Table>,
    ) -> Result<Result<Found, String>, FileListError> {
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
            FileListError::Request(text)
        })?;
        let speaker = self
            .speakers
            .and_then(|from| word(from, "speaker", |line| line.speaker.clone()));
        if self.speakers.is_some() && speaker.is_none() {
            let text = format!("{name} lies in no folder that could be its speaker");
            return Err(FileListError::Request(text));
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
    pub(super) fn classes(
        &self,
        found: &[Found],
    ) -> Result<(Vec<String>, Vec<String>), FileListError> {
        if self.classes.is_empty() {
            let keys = in_order(found.iter().map(|one| one.label.clone()));
            return Ok((keys.clone(), keys));
        }
        let known: BTreeSet<&str> = self.classes.iter().map(|(key, _)| key.as_str()).collect();
        if let Some(one) = found.iter().find(|one| !known.contains(one.label.as_str())) {
            let text = format!(
                "{} has the label \"{}\", which is not among --classes",
                one.name, one.label
            );
            return Err(FileListError::Request(text));
        }
        Ok(self.classes.iter().cloned().unzip())
    }

    /// Takes out what is not selected; returns names that were listed and do not exist.
    pub(super) fn select(&self, found: &mut Vec<Found>) -> Result<Vec<String>, FileListError> {
        let lists = |paths: &[PathBuf]| -> Result<BTreeSet<String>, FileListError> {
            let mut names = BTreeSet::new();
            for path in paths {
                let text = read_text(path)?;
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
