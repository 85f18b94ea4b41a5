//! `eventprop completions`: what a shell offers for a command line that has been begun.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::failure::{self, DONE};
use crate::{Cli, output};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell; its manual says where completions are put, such as
    /// ~/.local/share/bash-completion/completions/eventprop for bash
    shell: Shell,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "eventprop", &mut script);
        output::out(String::from_utf8_lossy(&script).trim_end());
        failure::conclude(Ok(DONE), false)
    }
}
