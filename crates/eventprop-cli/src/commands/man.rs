//! `eventprop man`: manual pages.

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use crate::failure::{self, DONE, Failure};
use crate::{Cli, output};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder for eventprop.1, eventprop-train.1 and so on, such as ~/.local/share/man/man1; created if missing
    folder: PathBuf,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        failure::conclude(write(&self.folder).map(|()| DONE), false)
    }
}

fn write(folder: &Path) -> Result<(), Failure> {
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.map_err(|error| Failure::failed(format!("{}: {error}", folder.display())))?;
    output::out(&format!("manual pages are in {}", folder.display()));
    Ok(())
}
