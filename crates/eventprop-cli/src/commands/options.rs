//! Options that several commands share.

use std::num::{NonZeroUsize, ParseIntError};

use eventprop_experiment::machine;

/// The number of threads.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Threads {
    /// Threads; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
}

/// A number of threads that this machine can use.
pub fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads: NonZeroUsize = text
        .parse()
        .map_err(|error: ParseIntError| error.to_string())?;
    machine::check_threads(threads.get())?;
    Ok(threads)
}

/// The form of the result.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Json {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
