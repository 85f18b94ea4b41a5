//! The table of parameters, for people and for programs.

use std::fmt::Write;

use serde_json::json;

use super::{Benchmark, Row};

/// Columns that the meaning is wrapped to.
const MEANING_WIDTH: usize = 76;

impl Benchmark {
    /// The table as text: a line with key, type, default and unit, then meaning and allowed values.
    pub fn table_text(self) -> String {
        let mut text = String::new();
        let (works, idle): (Vec<&Row>, Vec<&Row>) = self.rows().iter().partition(|r| r.effect);
        for row in works {
            write_row(&mut text, row);
        }
        text.push_str("Accepted without effect:\n");
        for row in idle {
            write_entry(&mut text, row.key, row.meaning);
        }
        text.push_str("\nPresets (--preset NAME):\n");
        for preset in self.presets() {
            write_entry(&mut text, preset.name, preset.about);
        }
        text
    }

    /// The table as JSON: a list of objects with key, aliases, type, default, unit, allowed, meaning
    /// and effect.
    pub fn table_json(self) -> serde_json::Value {
        let rows = self.rows().iter().map(|row| {
            json!({
                "key": row.key,
                "aliases": row.aliases,
                "type": row.kind.type_name(),
                "default": row.default_text(),
                "unit": row.unit,
                "allowed": row.kind.expected(),
                "meaning": row.meaning,
                "effect": row.effect,
            })
        });
        rows.collect()
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

fn write_entry(text: &mut String, name: &str, about: &str) {
    for (index, part) in wrap(about).iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        line(text, &format!("  {name:<22}{part}"));
    }
}

fn write_row(text: &mut String, row: &Row) {
    let head = format!(
        "{:<24} {:<13} {} {}",
        row.key,
        row.kind.type_name(),
        row.default_text(),
        row.unit
    );
    line(text, &head);
    let mut meaning = format!("{}; {}", row.meaning, row.kind.expected());
    if !row.aliases.is_empty() {
        write!(meaning, "; also {}", row.aliases.join(", ")).expect("a String takes every write");
    }
    for part in wrap(&meaning) {
        line(text, &format!("    {part}"));
    }
}

/// Lines of at most [`MEANING_WIDTH`] characters, broken between words.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is always a line");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= MEANING_WIDTH {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
