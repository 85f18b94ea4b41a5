//! Failures of the program: one message, one exit code.

use std::env;
use std::fmt::Display;
use std::process::ExitCode;

use serde_json::json;

use crate::output;

/// Done.
pub const DONE: u8 = 0;
/// Something failed.
pub const FAILED: u8 = 1;
/// The command line or the parameters are wrong.
const USAGE: u8 = 2;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Something failed.
    pub fn failed(error: impl Display) -> Self {
        Self {
            code: FAILED,
            message: error.to_string(),
        }
    }

    /// The command line or the parameters are wrong.
    pub fn usage(error: impl Display) -> Self {
        Self {
            code: USAGE,
            message: error.to_string(),
        }
    }
}

/// The exit code of a command; a failure is told first, with `json` also as an object.
pub fn conclude(ended: Result<u8, Failure>, json: bool) -> ExitCode {
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(Failure { code, message }) => {
            output::err(&format!("error: {message}"));
            if json {
                tell_programs(&message, code);
            }
            ExitCode::from(code)
        }
    }
}

/// A failure as an object.
fn tell_programs(message: &str, code: u8) {
    output::out(&json!({"error": message, "exit_code": code}).to_string());
}

/// The exit code of a command line that was not understood, or that asked for help; a mistake is told as an object
/// too where `--json` is among the words.
pub fn of_command_line(refusal: &clap::Error) -> ExitCode {
    let told = refusal.print();
    if !refusal.use_stderr() {
        return ExitCode::from(if told.is_ok() { DONE } else { FAILED });
    }
    if env::args_os().any(|word| word == "--json") {
        let text = refusal.to_string();
        // What follows the first paragraph is the usage, for people.
        let problem = text.split("\n\n").next().unwrap_or_default();
        let problem = problem.strip_prefix("error: ").unwrap_or(problem);
        tell_programs(problem, USAGE);
    }
    ExitCode::from(USAGE)
}
