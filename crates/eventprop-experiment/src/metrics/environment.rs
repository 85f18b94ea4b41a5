//! The environment of a run: machine and program.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use crate::machine;

/// The machine and the program, as far as the system tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Version of this program.
    pub version: &'static str,
    /// Operating system.
    pub system: String,
    /// Name of the processor.
    pub processor: String,
    /// Logical processors.
    pub processors: usize,
    /// Threads that the run uses.
    pub threads: usize,
    /// Memory of the machine in bytes.
    pub memory_bytes: Option<u64>,
}

impl Environment {
    /// The present one.
    pub fn now() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            system: system(),
            processor: processor(),
            processors: machine::cores(),
            threads: rayon::current_num_threads(),
            memory_bytes: machine::total_bytes(),
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> Json {
        json!({
            "eventprop": self.version,
            "system": self.system,
            "processor": self.processor,
            "processors": self.processors,
            "threads": self.threads,
            "memory_bytes": self.memory_bytes,
        })
    }
}

/// Seconds since the beginning of 1970.
pub fn unix_seconds() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

fn system() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let line = release.lines().find_map(|l| l.strip_prefix("PRETTY_NAME="));
    let name = line.map(|name| name.trim_matches('"').to_owned());
    let name = name.unwrap_or_else(|| std::env::consts::OS.to_owned());
    format!("{name}, {}", std::env::consts::ARCH)
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix("model name"));
    let name = line.and_then(|rest| rest.split_once(':'));
    name.map_or_else(
        || std::env::consts::ARCH.to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_present_environment_is_known() {
        let now = Environment::now();
        assert!(now.processors > 0 && now.threads > 0);
        assert!(!now.processor.is_empty() && now.system.contains(std::env::consts::ARCH));
        assert!(unix_seconds() > 1.7e9);
    }
}
