//! The benchmarks of `eventprop`: their parameters, and runs that train, test and cross-validate.
//!
//! A run is a table of [`eventprop_params::Parameters`], which become [`settings`]; [`data`] and a network
//! that fit them ([`network_builder`]); and the epochs of [`run::run`]. It writes [`records`], [`weights`],
//! [`metrics`], lines of results ([`outputs`]) and pictures, which its caller draws. Nothing here prints; a
//! [`run::Observer`] hears what happens.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use eventprop_experiment::data::Source;
//! use eventprop_experiment::run::{self, Command, Control, Progress};
//! use eventprop_params::{Benchmark, Parameters};
//!
//! let folder = std::env::temp_dir().join("eventprop-example");
//! let mut params = Parameters::new(Benchmark::YinYang);
//! for assignment in ["NUM_HIDDEN=20", "N_TRAIN=32", "N_VALIDATE=8", "N_TEST=8", "N_EPOCH=1"] {
//!     params.assign(assignment)?;
//! }
//! params.assign(&format!("OUT_DIR={}", folder.display()))?;
//! params.draw_seeds(|| 7);
//! let source = Source { dirs: Vec::new(), demonstration: true };
//! let (mut observer, cancel) = (|_: &Progress<'_>| {}, AtomicBool::new(false));
//! let mut control = Control::new(&mut observer, &cancel);
//! let summary = run::run(Command::Train, &params, &source, eventprop_report::draw, &mut control)?;
//! assert_eq!(summary.epochs, 1);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bench;
pub mod checkpoint;
pub mod data;
pub mod description;
pub mod gradcheck;
pub mod health;
pub mod lock;
pub mod machine;
pub mod metrics;
pub mod network_builder;
pub mod neuron_response;
pub mod outputs;
pub mod records;
pub mod room;
pub mod run;
pub mod settings;
pub mod sweep;
pub mod tune;
pub mod weights;
