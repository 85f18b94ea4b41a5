//! Failures of the program: one message, one exit code.

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Display;
use std::io;
use std::iter;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use eventprop::reduce::Reduce;
use eventprop_mpi::{End, World};
use eventprop_params::suggest::key_of_option;
use serde_json::{Value as Json, json};

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
    /// The result that there was before something failed, or null.
    result: Json,
    /// True if it says no more than that another rank has failed.
    echo: bool,
}

impl Failure {
    /// Something failed.
    pub fn failed(error: impl Display) -> Self {
        Self {
            code: FAILED,
            message: error.to_string(),
            result: Json::Null,
            echo: false,
        }
    }

    /// The command line or the parameters are wrong.
    pub fn usage(error: impl Display) -> Self {
        Self {
            code: USAGE,
            message: error.to_string(),
            result: Json::Null,
            echo: false,
        }
    }

    /// The command line or the parameters are wrong; but a file that the system does not let be read is a failure,
    /// whoever names it.
    pub fn refused(error: impl Error + 'static) -> Self {
        let first: &(dyn Error + 'static) = &error;
        let mut causes = iter::successors(Some(first), |&error| error.source());
        if causes.any(<dyn Error + 'static>::is::<io::Error>) {
            Self::failed(error)
        } else {
            Self::usage(error)
        }
    }

    /// The command line was not understood.
    pub fn command_line(refusal: &clap::Error) -> Self {
        let text = refusal.to_string();
        Self::usage(text.trim_end().trim_start_matches("error: "))
    }

    /// The same with the result that there was before, or null.
    pub fn after(self, result: Json) -> Self {
        Self { result, ..self }
    }

    /// Word of what another rank will tell.
    pub fn echo(self) -> Self {
        Self { echo: true, ..self }
    }
}

/// The exit code of a command; a failure is told first, with `json` also as an object.
pub fn conclude(ended: Result<u8, Failure>, json: bool) -> u8 {
    match ended {
        Ok(code) => code,
        Err(failure) => {
            output::err(&format!("error: {}", failure.message));
            if json {
                tell_programs(&failure);
            }
            failure.code
        }
    }
}

/// The same for a command that several ranks carry out: the first tells what went wrong at any of them.
pub fn conclude_all(ended: Result<u8, Failure>, json: bool, world: Option<World>) -> u8 {
    let Some(world) = world else {
        return conclude(ended, json);
    };
    if ended.is_err() {
        world.ranks().fail();
    }
    let (own, result) = match ended {
        Ok(code) => (
            End {
                code,
                failure: None,
            },
            Json::Null,
        ),
        Err(failure) => {
            let told = eventprop_mpi::Failure {
                message: failure.message,
                echo: failure.echo,
            };
            let end = End {
                code: failure.code,
                failure: Some(told),
            };
            (end, failure.result)
        }
    };
    world.end(own, |End { code, failure }| {
        if let Some(eventprop_mpi::Failure { message, echo }) = failure {
            let failure = Failure {
                code: *code,
                message: message.clone(),
                result,
                echo: *echo,
            };
            conclude(Err(failure), json);
        }
    })
}

/// The exit code of a program of which `ended` is that of its command: what was done and could not be said has failed.
pub fn of_output(ended: u8) -> u8 {
    let Some(error) = output::lost() else {
        return ended;
    };
    output::err(&format!(
        "error: standard output could not be written: {error}; make room where it leads, or lead it elsewhere"
    ));
    if ended == DONE { FAILED } else { ended }
}

/// A failure as an object.
fn tell_programs(failure: &Failure) {
    let mut told = json!({"error": failure.message, "exit_code": failure.code});
    if !failure.result.is_null() {
        told["result"] = failure.result.clone();
    }
    output::out(&told.to_string());
}

/// An option that does not exist and sounds like a parameter is answered with the way to write parameters.
pub fn with_way_out(mut refusal: clap::Error) -> clap::Error {
    let Some(ContextValue::String(option)) = refusal.get(ContextKind::InvalidArg) else {
        return refusal;
    };
    if refusal.kind() == ErrorKind::UnknownArgument
        && let Some(key) = key_of_option(option)
    {
        let tip = format!("parameters are written KEY=VALUE, here {key}=…");
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        refusal.insert(ContextKind::Suggested, tips);
    }
    refusal
}

/// The exit code of a command line that was not understood, or that asked for help; a mistake is told as an object
/// too where `--json` is among the words.
pub fn of_command_line(refusal: &clap::Error, words: &[OsString]) -> u8 {
    let told = refusal.print();
    if !refusal.use_stderr() {
        return if told.is_ok() { DONE } else { FAILED };
    }
    if words.iter().any(|word| word == "--json") {
        let text = refusal.to_string();
        // What follows the first paragraph is the usage, for people.
        let problem = text.split("\n\n").next().unwrap_or_default();
        let problem = problem.strip_prefix("error: ").unwrap_or(problem);
        tell_programs(&Failure::usage(problem));
    }
    USAGE
}
