//! What a run left in its folder, to be compared with what another one left.
//!
//! What may differ is time alone: the seconds in results, metrics, summary and state, and how much memory
//! the process had and how many threads. Everything else, weights, moments, recordings, pictures, must be the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

/// All files of a folder, without times. `seconds` is the column of the results file that holds some.
pub fn content(folder: &Path, seconds: Option<usize>) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder");
    let files = entries.map(|entry| {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        let bytes = fs::read(entry.path()).expect("a file");
        let bytes = without_times(&name, bytes, seconds);
        (name, bytes)
    });
    // The lock names a process; litter of a killed one and the checkpoint before the last depend on when.
    files
        .filter(|(name, _)| !name.starts_with('.') && !name.contains("previous"))
        .collect()
}

fn without_times(name: &str, bytes: Vec<u8>, seconds: Option<usize>) -> Vec<u8> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    match name {
        "test_results.txt" => {
            let text = text(bytes);
            let lines = text.lines().map(|line| {
                let columns = line.split(' ').enumerate();
                let kept = columns.filter(|(column, _)| Some(*column) != seconds);
                kept.map(|(_, column)| column).collect::<Vec<_>>().join(" ")
            });
            lines.collect::<Vec<_>>().join("\n").into_bytes()
        }
        "test_metrics.jsonl" | "test_report.jsonl" => {
            let text = text(bytes);
            let lines = text.lines().map(|line| json_without_times(line.as_bytes()));
            lines.collect::<Vec<_>>().join("\n").into_bytes()
        }
        "test_summary.json" | "test_report.json" => json_without_times(&bytes).into_bytes(),
        "test_checkpoint.safetensors" => checkpoint_without_times(&bytes),
        _ => bytes,
    }
}

fn json_without_times(bytes: &[u8]) -> String {
    let mut json: Json = serde_json::from_slice(bytes).expect("JSON");
    drop_times(&mut json);
    json.to_string()
}

fn drop_times(json: &mut Json) {
    match json {
        Json::Object(entries) => {
            let times = [
                "seconds",
                "evaluation_seconds",
                "elapsed",
                "elapsed_seconds",
                "samples_per_second",
                "unix_seconds",
                "started_unix_seconds",
                "ended_unix_seconds",
                "memory_peak_bytes",
                // Of the machine, in the environment of the report.
                "threads",
            ];
            entries.retain(|key, _| !times.contains(&key.as_str()));
            // Lengths of the growing files, in which the seconds have different numbers of digits.
            entries.retain(|key, _| key != "lengths");
            entries.values_mut().for_each(drop_times);
        }
        Json::Array(items) => items.iter_mut().for_each(drop_times),
        _ => {}
    }
}

/// The header of a checkpoint, and the state in it.
pub fn header_and_state(bytes: &[u8]) -> (Json, Json) {
    let header: Json = serde_json::from_slice(&bytes[8..arrays(bytes)]).expect("JSON");
    let state = header["__metadata__"]["state"].as_str().expect("a string");
    let state = serde_json::from_str(state).expect("JSON");
    (header, state)
}

/// Where the arrays of a checkpoint begin.
fn arrays(bytes: &[u8]) -> usize {
    8 + u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize
}

/// State without times, and all arrays to the last bit.
fn checkpoint_without_times(bytes: &[u8]) -> Vec<u8> {
    let (mut header, mut state) = header_and_state(bytes);
    drop_times(&mut state);
    let metadata = header["__metadata__"].as_object_mut().expect("ours");
    metadata.remove("sha256");
    metadata.insert("state".to_owned(), state);
    let mut content = header.to_string().into_bytes();
    content.extend_from_slice(&bytes[arrays(bytes)..]);
    content
}

/// Whole numbers that look random.
pub struct Draws(pub u64);

impl Draws {
    /// The next one, below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Knuth's multiplier; the upper bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }
}
