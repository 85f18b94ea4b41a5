//! Parameters of the benchmarks: one table each, from which everything else follows.
//!
//! A table ([`Benchmark::rows`]) says for every key its type, default, unit, allowed values and
//! meaning. Validation, `eventprop params`, the documentation and the result files read it; nothing
//! else lists keys. [`Parameters`] are the values of one run: they start at the defaults and take
//! presets, files and assignments in that order.
//!
//! This crate knows no network and no data: `eventprop-experiment` turns parameters into settings of a
//! run, `eventprop-report` shows them beside its results.

mod benchmark;
mod benchmarks;
mod error;
mod file;
pub mod histogram;
mod parameters;
pub mod picture;
mod presets;
mod row;
mod show;
pub mod suggest;
#[cfg(test)]
mod tests;
pub mod value;
pub mod wrap;

pub use benchmark::Benchmark;
pub use error::ParamError;
pub use file::read_text;
pub use parameters::Parameters;
pub use presets::Preset;
pub use row::{Default, Kind, Pairs, Range, Row, time};
