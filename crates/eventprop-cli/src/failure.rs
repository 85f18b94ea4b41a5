//! How the program fails: one message, one exit code.

use std::fmt::Display;
use std::process::ExitCode;

use serde_json::json;

use crate::speak;

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
            speak::err(&format!("error: {message}"));
            if json {
                speak::out(&json!({"error": message, "exit_code": code}).to_string());
            }
            ExitCode::from(code)
        }
    }
}
