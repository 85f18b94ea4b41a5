//! The table of parameters, for people and for programs.

use std::fmt::Write;

use serde_json::json;

use crate::benchmark::Benchmark;
use crate::error::ParamError;
use crate::row::Row;
use crate::suggest::unknown_key;
use crate::wrap::wrapped;

/// Columns of a terminal.
const WIDTH: usize = 80;

/// Headings of the table in their order, and how the keys begin that are under them: under the first that fits.
const GROUPS: [(&str, &[&str]); 6] = [
    (
        "Run",
        &[
            "NAME",
            "OUT_DIR",
            "CHECKPOINT",
            "LOAD_",
            "WRITE_",
            "TRAINING_PLOT",
            "FANCY_",
            "DEBUG_",
            "FINAL_TEST",
            "MODEL_SEED",
        ],
    ),
    (
        "Data",
        &[
            "DATA",
            "TRAIN_DATA_SEED",
            "TEST_DATA_SEED",
            "N_TRAIN",
            "N_VAL",
            "N_TEST",
            "N_FOLDS",
            "N_INPUT_DELAY",
            "INPUT_DELAY",
            "INPUT_MS",
            "EVALUATION",
            "SPEAKER",
            "AUGMENTATION",
            "SHUFFLE",
            "BALANCE_",
            "CAMERA_",
            "POLARITY",
            "TIME_ORIGIN",
            "SMNIST_",
            "RESCALE_",
            "PERMUTE_",
            "REDUCED_",
            "MERGE_",
            "CLIP_",
            "NUM_INPUT",
            "NUM_OUTPUT",
        ],
    ),
    ("Network", &[]),
    (
        "Loss and regularisers",
        &[
            "LOSS_", "LABEL_", "ALPHA", "TAU_0", "TAU_1", "TAU_ACC", "REG", "LBD_", "NU_", "RHO_",
            "GLB_", "AVG_", "REWIRE_", "DEEP_R",
        ],
    ),
    (
        "Training",
        &[
            "N_EPOCH",
            "N_BATCH",
            "ETA",
            "ADAM_",
            "OPTIMIZER",
            "WEIGHT_DECAY",
            "AVERAGE_",
            "LR_",
            "EMA_",
            "MIN_",
            "TRAIN_",
            "SELECT",
        ],
    ),
    (
        "Recordings",
        &["REC_", "W_", "TAU_OUTPUT_EPOCH", "COLLECT_", "SPK_REC"],
    ),
];

/// The heading of keys that fit nowhere.
const OTHERS: &str = "Network";

/// The heading of a key.
fn group(key: &str) -> &'static str {
    let fits = |beginnings: &[&str]| beginnings.iter().any(|text| key.starts_with(text));
    let found = GROUPS.iter().find(|(_, beginnings)| fits(beginnings));
    found.map_or(OTHERS, |(heading, _)| heading)
}

impl Benchmark {
    /// The table as text: a line with key, type, default and unit, then meaning and allowed values.
    pub fn table_text(self) -> String {
        let mut text = String::new();
        let (works, idle): (Vec<&Row>, Vec<&Row>) = self.rows().iter().partition(|r| r.effect);
        for (heading, _) in GROUPS {
            let mut rows = works
                .iter()
                .filter(|row| group(row.key) == heading)
                .peekable();
            if rows.peek().is_some() {
                line(&mut text, &format!("{heading}:"));
                rows.for_each(|row| write_row(&mut text, row));
                text.push('\n');
            }
        }
        text.push_str("Accepted without effect:\n");
        for row in idle {
            write_entry(&mut text, row.key, row.meaning);
        }
        text.push_str("\nPresets (--preset NAME):\n");
        for preset in self.presets() {
            write_entry(&mut text, &preset.name, &preset.about);
        }
        text
    }

    /// One parameter as in the table, as text and as JSON.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn described(self, key: &str) -> Result<(String, serde_json::Value), ParamError> {
        let place = self.position(key).ok_or_else(|| unknown_key(self, key))?;
        let row = &self.rows()[place];
        let mut text = String::new();
        write_row(&mut text, row);
        Ok((text, row_json(row)))
    }

    /// The presets with their sources and all of their values.
    pub fn presets_text(self) -> String {
        let mut text = String::new();
        for preset in self.presets() {
            line(&mut text, &format!("--preset {}", preset.name));
            let facts = [
                ("about", Some(&preset.about)),
                ("source", Some(&preset.source)),
                ("expected", preset.expected.as_ref()),
                ("status", preset.status.as_ref()),
                ("command", preset.command.as_ref()),
            ];
            for (name, fact) in facts {
                if let Some(fact) = fact {
                    write_entry(&mut text, name, fact);
                }
            }
            let values = preset.values.iter();
            let values: Vec<String> = values
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            write_entry(&mut text, "values", &values.join(" "));
            text.push('\n');
        }
        text
    }

    /// The presets as JSON: a list of objects with name, about, source, expected, status, command and
    /// values.
    pub fn presets_json(self) -> serde_json::Value {
        let presets = self.presets().map(|preset| {
            let values = preset.values.iter();
            let values = values.map(|(key, value)| (key.clone(), value.to_json()));
            json!({
                "name": preset.name,
                "about": preset.about,
                "source": preset.source,
                "expected": preset.expected,
                "status": preset.status,
                "command": preset.command,
                "values": serde_json::Value::Object(values.collect()),
            })
        });
        presets.collect()
    }

    /// The table as JSON: a list of objects with key, aliases, type, default, unit, allowed, meaning
    /// and effect.
    pub fn table_json(self) -> serde_json::Value {
        self.rows().iter().map(row_json).collect()
    }
}

fn row_json(row: &Row) -> serde_json::Value {
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
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// Columns for the name of an entry; a longer one gets a line of its own.
const NAME_WIDTH: usize = 22;

fn write_entry(text: &mut String, name: &str, about: &str) {
    let own_line = name.len() >= NAME_WIDTH;
    if own_line {
        line(text, &format!("  {name}"));
    }
    for (index, part) in wrap(about, NAME_WIDTH + 2).iter().enumerate() {
        let name = if index == 0 && !own_line { name } else { "" };
        line(text, &format!("  {name:<NAME_WIDTH$}{part}"));
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
    for part in wrap(&meaning, 4) {
        line(text, &format!("    {part}"));
    }
}

/// Lines that fit behind an indentation.
fn wrap(text: &str, indentation: usize) -> Vec<String> {
    let wide = (WIDTH - indentation) as f64;
    wrapped(text, wide, |text| text.chars().count() as f64)
}
