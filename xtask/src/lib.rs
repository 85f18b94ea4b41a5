//! Development tasks behind `cargo xtask`.
//!
//! [`suite`] runs every check of the project one after the other; [`tidy`] holds the rules that no
//! compiler lint knows: equation tags, forbidden words, function length, listed modules, links;
//! [`instructions`] counts the instructions of the hot loops; [`fuzz`] runs the fuzz targets.
#![allow(
    clippy::print_stdout,
    reason = "a development program reports to whoever runs it"
)]

pub mod fuzz;
pub mod instructions;
mod python;
pub mod suite;
pub mod tidy;

pub use python::site;

use std::path::PathBuf;

/// The root of the workspace.
///
/// Cargo names the folder of this crate in `CARGO_MANIFEST_DIR` both when it runs the program and
/// when it runs the tests; without cargo, the current folder is taken.
pub fn workspace_root() -> PathBuf {
    let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    manifest_dir
        .and_then(|dir| dir.parent().map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from("."))
}
