//! `cargo xtask TASK`: the development tasks of the project.
#![allow(
    clippy::print_stdout,
    reason = "a development program reports to whoever runs it"
)]

use std::process::ExitCode;

use xtask::fuzz;
use xtask::instructions::{self, Mode};
use xtask::suite::{self, Python};
use xtask::{tidy, workspace_root};

const HELP: &str = "\
cargo xtask TASK

  test [--no-python]   formatting, lints, tests, documentation, Python package, site, MPI; then a summary
  docs                 the documentation site, in target/docs/html
  tidy                 the tidy rules alone (they are also a test of the crate xtask)
  tidy --lower         lowers the numbers of xtask/allowances.txt to what is counted today
  instructions [--record]
                       instructions per sample of the hot loops, counted by valgrind and compared
                       with xtask/instructions.txt (or recorded there)
  fuzz [--seconds N] [TARGET]
                       the fuzz targets of fuzz/, or one of them, each for N seconds (60)
  help                 this text

Exit codes: 0 everything passed, 1 something failed, 2 wrong usage.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["test"] => exit_code(suite::run(&workspace_root(), Python::Included)),
        ["test", "--no-python"] => exit_code(suite::run(&workspace_root(), Python::Left)),
        ["docs"] => exit_code(docs()),
        ["tidy"] => exit_code(tidy()),
        ["tidy", "--lower"] => exit_code(lower_allowances()),
        ["instructions"] => exit_code(instructions::run(&workspace_root(), Mode::Compare)),
        ["instructions", "--record"] => {
            exit_code(instructions::run(&workspace_root(), Mode::Record))
        }
        ["fuzz", asked @ ..] => match fuzz::Request::of(asked) {
            Ok(request) => exit_code(fuzz::run(&workspace_root(), &request)),
            Err(problem) => {
                println!("{problem}\n\n{HELP}");
                ExitCode::from(2)
            }
        },
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        _ => {
            println!("unknown task: {:?}\n\n{HELP}", arguments.join(" "));
            ExitCode::from(2)
        }
    }
}

fn exit_code(passed: bool) -> ExitCode {
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Builds the documentation site; true if that worked.
fn docs() -> bool {
    let built = xtask::site(&workspace_root());
    if let Err(error) = &built {
        println!("{error}");
    }
    built.is_ok()
}

/// Prints what the tidy rules find; true if they find nothing.
fn tidy() -> bool {
    match tidy::Checkout::read(&workspace_root()) {
        Ok(checkout) => {
            let findings = tidy::check(&checkout);
            for finding in &findings {
                println!("{finding}");
            }
            println!("tidy: {} found", findings.len());
            findings.is_empty()
        }
        Err(error) => {
            println!("tidy: {error}");
            false
        }
    }
}

/// Rewrites the file of allowances; true if that worked.
fn lower_allowances() -> bool {
    let root = workspace_root();
    let written = tidy::Checkout::read(&root).and_then(|checkout| {
        let text = tidy::lowered_allowances(&checkout);
        std::fs::write(root.join(tidy::ALLOWANCES), text).map_err(|error| error.to_string())
    });
    if let Err(error) = &written {
        println!("{}: {error}", tidy::ALLOWANCES);
    }
    written.is_ok()
}
