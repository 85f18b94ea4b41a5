//! Prints losses and gradients of every case on every solver, bit by bit, as lines of JSON.
//!
//! `cargo run -p eventprop-cases --example bits` is what the tests of the Python package compare with:
//! what Python gets must be what the engine of the same build computed.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;

use eventprop::real::Real;
use eventprop::solver::Solver;
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop_cases::case::{Case, TimeKind};
use eventprop_cases::{all, solve};

fn main() -> Result<(), Box<dyn Error>> {
    for case in all()? {
        if case.expected_of(TimeKind::Grid).is_some() {
            println!(
                "{}",
                line(&case, &mut Grid::<f32>::new(&case.network)?, "grid")
            );
            println!(
                "{}",
                line(&case, &mut Grid::<f64>::new(&case.network)?, "grid64")
            );
        }
        if case.expected_of(TimeKind::Event).is_some() {
            println!("{}", line(&case, &mut Event::new(&case.network)?, "event"));
        }
    }
    Ok(())
}

fn line<S: Solver>(case: &Case, solver: &mut S, name: &str) -> String {
    let solved = solve(solver, &case.params.cast(), &case.batch, &case.loss);
    let losses = bits(solved.outcomes.iter().map(|outcome| outcome.loss));
    let gradients: Vec<String> = solved
        .gradient
        .layout()
        .iter()
        .map(|entry| {
            let values = &solved.gradient.values()[entry.range.clone()];
            let values = bits(values.iter().map(|x| x.to_f64()));
            format!("{:?}:{values}", entry.name)
        })
        .collect();
    format!(
        "{{\"case\":{:?},\"solver\":{name:?},\"losses\":{losses},\"gradients\":{{{}}}}}",
        case.name,
        gradients.join(",")
    )
}

/// Numbers as a list of the hexadecimal digits of their bits in f64.
fn bits(numbers: impl Iterator<Item = f64>) -> String {
    let digits: Vec<String> = numbers
        .map(|x| format!("\"{:016x}\"", x.to_bits()))
        .collect();
    format!("[{}]", digits.join(","))
}
