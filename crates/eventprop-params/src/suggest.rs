//! Suggestions for a key or name that does not exist.

use crate::benchmark::Benchmark;
use crate::error::ParamError;
use crate::row::Row;

/// Spellings at least this alike are suggested (Jaro-Winkler, 1 for equal).
const ALIKE: f64 = 0.8;

/// Words of other frameworks, and the keys that mean the same.
const ELSEWHERE: [(&str, &str); 14] = [
    ("lr", "ETA"),
    ("learning_rate", "ETA"),
    ("epochs", "N_EPOCH"),
    ("n_epochs", "N_EPOCH"),
    ("batch_size", "N_BATCH"),
    ("batch", "N_BATCH"),
    ("hidden", "NUM_HIDDEN"),
    ("hidden_size", "NUM_HIDDEN"),
    ("n_hidden", "NUM_HIDDEN"),
    ("dropout", "PDROP_INPUT"),
    ("dt", "DT_MS"),
    ("loss", "LOSS_TYPE"),
    ("seed", "MODEL_SEED"),
    ("output_dir", "OUT_DIR"),
];

/// The key that a word means: the word itself in any case, or what other frameworks call it.
fn key_of(benchmark: Benchmark, word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let rows = || benchmark.rows().iter().filter(|row| row.effect);
    let same = rows().find(|row| spellings(row).any(|spelling| spelling.to_lowercase() == word));
    let other = || {
        let (_, key) = ELSEWHERE.iter().find(|(theirs, _)| *theirs == word)?;
        rows().find(|row| row.key == *key)
    };
    Some(same.or_else(other)?.key)
}

/// The key that an option of the command line, such as `--batch-size`, may have been meant for.
pub fn key_of_option(option: &str) -> Option<&'static str> {
    let word = option.trim_start_matches('-').replace('-', "_");
    Benchmark::ALL
        .into_iter()
        .find_map(|benchmark| key_of(benchmark, &word))
}

/// The error for a key that `benchmark` does not have.
pub fn unknown_key(benchmark: Benchmark, key: &str) -> ParamError {
    ParamError::UnknownKey {
        benchmark: benchmark.name(),
        key: key.to_owned(),
        hint: hint(benchmark, key),
    }
}

fn hint(benchmark: Benchmark, key: &str) -> String {
    let list = format!("`eventprop params {benchmark}` lists all");
    let elsewhere = Benchmark::ALL.into_iter();
    let elsewhere = elsewhere.filter(|other| other.position(key).is_some());
    let names: Vec<&str> = elsewhere.map(Benchmark::name).collect();
    if !names.is_empty() {
        return format!("it is a parameter of {} only ({list})", names.join(", "));
    }
    match closest_key(benchmark, key) {
        Some(close) => format!("did you mean {close}? ({list})"),
        None => list,
    }
}

/// The most alike of some names, the first of several, if one is alike enough; capitals do not matter.
pub fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .min_by(|a, b| b.0.total_cmp(&a.0))
        .map(|(_, known)| known)
}

fn spellings(row: &'static Row) -> impl Iterator<Item = &'static str> {
    std::iter::once(&row.key).chain(row.aliases).copied()
}

/// The most alike key or alias of those that have an effect, named by its key.
fn closest_key(benchmark: Benchmark, key: &str) -> Option<&'static str> {
    if let Some(meant) = key_of(benchmark, key) {
        return Some(meant);
    }
    let works = || benchmark.rows().iter().filter(|row| row.effect);
    let close = closest(key, works().flat_map(spellings))?;
    let mut rows = works();
    let row = rows.find(|row| spellings(row).any(|spelling| spelling == close))?;
    Some(row.key)
}
