//! Named sets of values, from publications and from `genn_eventprop`'s scripts.
//!
//! Each is a file in `experiments/`, with its source, what it should give and whether that was tried; the
//! files are part of the program.

use std::sync::LazyLock;

use crate::benchmark::Benchmark;
use crate::value::Value;

/// A named set of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// The benchmark.
    pub benchmark: Benchmark,
    /// The name.
    pub name: String,
    /// Its description.
    pub about: String,
    /// The source of the values.
    pub source: String,
    /// The expected result.
    pub expected: Option<String>,
    /// The state of its reproduction: tried or not.
    pub status: Option<String>,
    /// The command that runs it.
    pub command: Option<String>,
    /// Keys and values.
    pub values: Vec<(String, Value)>,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../experiments/", $name, ".toml")))),*]
    };
}

/// The files with their content, in the order in which presets are listed.
const FILES: &[(&str, &str)] = files![
    "yinyang-published-data",
    "yinyang-reference",
    "yinyang-wunderlich2021",
    "yinyang-genn",
    "mnist-first_spike_exp",
    "mnist-one-cycle",
    "mnist-max",
    "mnist-sum",
    "mnist-avg_xentropy",
    "mnist-wunderlich2021",
    "nowotny2025-shd-final",
    "nowotny2025-shd-base-sum-weigh-exp-recurrent",
    "nowotny2025-shd-base-sum-weigh-exp-ffwd",
    "nowotny2025-shd-base-sum-recurrent",
    "nowotny2025-shd-base-sum-ffwd",
    "nowotny2025-shd-base-max-recurrent",
    "nowotny2025-shd-base-max-ffwd",
    "nowotny2025-shd-base-first-spike-exp-recurrent",
    "nowotny2025-shd-base-first-spike-exp-ffwd",
    "nowotny2025-ssc-final",
    "shd-spoken-digits",
    "shd-spoken-digits-deep",
    "smnist-threshold",
    "smnist-pixel",
    "smnist-permuted",
    "nmnist-max",
    "dvs-gesture-reference",
];

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let parse = |(name, text): &(&str, &str)| parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    FILES.iter().map(parse).collect()
});

/// All presets of a benchmark.
pub fn of(benchmark: Benchmark) -> impl Iterator<Item = &'static Preset> {
    PRESETS.iter().filter(move |p| p.benchmark == benchmark)
}

fn parse(text: &str) -> Result<Preset, String> {
    let table: toml::Table = text.parse().map_err(|e| format!("it is not TOML: {e}"))?;
    let find = |key: &str| {
        table
            .get(key)
            .and_then(toml::Value::as_str)
            .map(str::to_owned)
    };
    let need = |key: &str| find(key).ok_or_else(|| format!("it has no text {key}"));
    let entries = table.get("parameters").and_then(toml::Value::as_table);
    let value = |(key, value): (&String, &toml::Value)| {
        let found = Value::from_toml(value).ok_or_else(|| format!("{key} is a date"))?;
        Ok((key.clone(), found))
    };
    Ok(Preset {
        benchmark: need("benchmark")?.parse()?,
        name: need("name")?,
        about: need("about")?,
        source: need("source")?,
        expected: find("expected"),
        status: find("status"),
        command: find("command"),
        values: entries
            .ok_or("it has no table of parameters")?
            .iter()
            .map(value)
            .collect::<Result<_, String>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that is not in the list would be a preset that nobody can use.
    #[test]
    fn every_file_of_the_folder_is_part_of_the_program() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments");
        let entries = std::fs::read_dir(folder).expect("the folder of presets");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let files = paths.filter(|path| path.extension().is_some_and(|e| e == "toml"));
        let stem = |path: std::path::PathBuf| path.file_stem()?.to_str().map(str::to_owned);
        let mut names: Vec<String> = files.map(|path| stem(path).expect("UTF-8")).collect();
        names.sort();
        let mut known: Vec<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        known.sort();
        assert_eq!(names, known);
    }

    #[test]
    fn names_are_unique_within_a_benchmark_and_files_are_named_after_them() {
        for ((file, _), preset) in FILES.iter().zip(PRESETS.iter()) {
            let short = format!("{}-{}", preset.benchmark, preset.name);
            assert!(*file == preset.name || *file == short, "{file}");
            let same = of(preset.benchmark).filter(|p| p.name == preset.name);
            assert_eq!(same.count(), 1, "{file}");
        }
    }

    /// What we did not run says so, what we expect is said for every published condition.
    #[test]
    fn published_conditions_state_band_status_and_command() {
        for preset in PRESETS.iter().filter(|p| p.name.starts_with("nowotny2025")) {
            for text in [&preset.expected, &preset.status, &preset.command] {
                assert!(
                    text.as_ref().is_some_and(|t| t.len() > 10),
                    "{}",
                    preset.name
                );
            }
            let command = preset.command.as_deref().unwrap_or_default();
            assert!(command.contains(&format!("--preset {}", preset.name)));
        }
    }

    #[test]
    fn what_is_no_preset_is_refused_with_the_reason() {
        assert_eq!(parse("name = 3").unwrap_err(), "it has no text benchmark");
        let bare = "benchmark = \"shd\"\nname = \"x\"\nabout = \"x\"\nsource = \"x\"\n";
        assert_eq!(parse(bare).unwrap_err(), "it has no table of parameters");
    }
}
