//! Suggestions for a key that does not exist.

use crate::benchmark::Benchmark;
use crate::error::ParamError;

/// Spellings at least this alike are suggested (Jaro-Winkler, 1 for equal).
const ALIKE: f64 = 0.8;

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
    match closest(benchmark, key) {
        Some(close) => format!("did you mean {close}? ({list})"),
        None => list,
    }
}

/// The most alike key or alias of those that have an effect, named by its key.
fn closest(benchmark: Benchmark, key: &str) -> Option<&'static str> {
    let upper = key.to_uppercase();
    let works = benchmark.rows().iter().filter(|row| row.effect);
    let spellings = works.flat_map(|row| {
        std::iter::once(&row.key)
            .chain(row.aliases)
            .map(|s| (*s, row.key))
    });
    spellings
        .map(|(spelling, key)| (strsim::jaro_winkler(&upper, spelling), key))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key)
}
