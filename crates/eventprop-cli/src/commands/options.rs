//! Options that several commands share.

use std::num::NonZeroUsize;

/// The number of threads.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Threads {
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

/// The form of the result.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Json {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
