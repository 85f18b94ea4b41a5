//! Prints what a solver makes of a case file, as the `[[expect]]` table of such a file.
//!
//! `cargo run -p eventprop-cases --example pin -- crates/eventprop-cases/cases/NAME.toml grid`
//! (the judge of the grid) or `… event`. Origin, tolerance and derivation are for the author to
//! fill in; a pinned number is only as good as the reason to trust the solver that made it.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;
use std::fmt::Write;

use eventprop::solver::Solver;
use eventprop::solver::event::{Event, Work};
use eventprop::solver::grid::Grid;
use eventprop::solver::grid::judge::Judge;
use eventprop_cases::file::parse;
use eventprop_cases::run::spikes_of;
use eventprop_cases::{Case, solve};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(solver)) = (arguments.next(), arguments.next()) else {
        return Err("needs a case file and grid or event".into());
    };
    let case = parse(&path, &std::fs::read_to_string(&path)?)?;
    let table = match &solver[..] {
        "grid" => match Judge::new(&case.network) {
            Ok(mut judge) => table(&case, &mut judge, &solver)?,
            // The judge does not know models from equations.
            Err(_) => table(&case, &mut Grid::<f64>::new(&case.network)?, &solver)?,
        },
        "event" => {
            let mut event = Event::new(&case.network)?;
            let table = table(&case, &mut event, &solver)?;
            table + &work(event.work())
        }
        other => return Err(format!("no solver {other}; there is grid and event").into()),
    };
    print!("{table}");
    Ok(())
}

fn table<S: Solver>(case: &Case, solver: &mut S, name: &str) -> Result<String, std::fmt::Error> {
    let solved = solve(solver, &case.params.cast(), &case.batch, &case.loss);
    let mut text = String::new();
    writeln!(text, "[[expect]]\nsolver = \"{name}\"")?;
    writeln!(text, "origin = \"pinned: \"\ntolerance = 1e-11")?;
    writeln!(text, "derivation = \"\"\nloss = {:?}", solved.loss())?;
    let prediction = |o: &eventprop::loss::Outcome| o.prediction.map_or(-1, i64::from);
    let predictions: Vec<i64> = solved.outcomes.iter().map(prediction).collect();
    writeln!(text, "predictions = {predictions:?}\n[expect.spikes]")?;
    for (index, population) in case.network.populations().iter().enumerate() {
        if population.is_input() || !population.spikes() {
            continue;
        }
        writeln!(text, "{} = [", population.name)?;
        for s in spikes_of::<S>(case, &solved, index) {
            let (sample, when, neuron, drive) = (s.sample, s.when, s.neuron, s.drive);
            writeln!(text, "    [{sample}, {when:?}, {neuron}, {drive:?}],")?;
        }
        writeln!(text, "]")?;
    }
    writeln!(text, "[expect.gradient]")?;
    for entry in solved.gradient.layout() {
        writeln!(text, "\"{}\" = [", entry.name)?;
        for value in &solved.gradient.values()[entry.range.clone()] {
            writeln!(text, "    {value:?},")?;
        }
        writeln!(text, "]")?;
    }
    Ok(text)
}

fn work(work: Work) -> String {
    format!(
        "[expect.work]\nintervals = {}\narrivals = {}\nspikes = {}\nroot_iterations = {}\n",
        work.intervals, work.arrivals, work.spikes, work.root_iterations
    )
}
