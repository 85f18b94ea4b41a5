//! The program `eventprop`, as a library: the binary and the Python package call [`run`].
//!
//! A thin surface: it reads the command line, calls the library crates and reports. One file per
//! subcommand lies in `commands`.

mod commands;
#[cfg(test)]
mod documented;
mod failure;
mod output;
mod pictures;
mod progress;
mod report;
mod signals;

use std::ffi::OsString;

use clap::Parser;

use commands::{Command, ranks};
use eventprop_experiment::machine;
use failure::Failure;

/// Trains spiking neural networks with exact, event-based gradients (EventProp).
#[derive(Debug, Parser)]
#[command(name = "eventprop", version, about, max_term_width = 80)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const WELCOME: &str = "\
eventprop trains spiking neural networks with exact, event-based gradients.

Try first:
  eventprop train yinyang          learn the Yin-Yang symbol (about a minute); draws what was learned
  eventprop data fetch mnist       get the 70,000 handwritten digits (12 MB) ...
  eventprop train mnist            ... and learn them

Look further:
  eventprop resume runs/yinyang    go on with a run that was stopped, killed or lost its power
  eventprop params yinyang         every parameter; set one as in `train yinyang NUM_HIDDEN=50`
  eventprop help                   all commands
";

/// Carries out a command line, of which the first word is the name of the program; the exit code.
pub fn run(words: &[OsString]) -> u8 {
    signals::exit_without_memory();
    failure::of_output(carried_out(words))
}

fn carried_out(words: &[OsString]) -> u8 {
    if let Err(problem) = machine::check_environment() {
        return ranks::with_world(false, |_| Err(Failure::usage(problem)));
    }
    match Cli::try_parse_from(words).map_err(failure::with_way_out) {
        Ok(Cli {
            command: Some(command),
        }) => command.run(),
        Ok(Cli { command: None }) => {
            output::out(WELCOME.trim_end());
            failure::DONE
        }
        Err(refusal) if refusal.use_stderr() => ranks::with_world(false, |world| match world {
            Some(_) => Err(Failure::command_line(&refusal)),
            None => Ok(failure::of_command_line(&refusal, words)),
        }),
        Err(help) => failure::of_command_line(&help, words),
    }
}
