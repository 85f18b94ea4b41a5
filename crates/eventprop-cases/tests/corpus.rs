//! Every case of the corpus on every solver.
#![allow(
    clippy::print_stdout,
    reason = "the figures of a proof are shown with --nocapture"
)]

mod outside;

use eventprop::network::Model;
use eventprop::solver::Solver;
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::solver::grid::judge::Judge;
use eventprop_cases::run::time_kind;
use eventprop_cases::{Case, TimeKind, all, run};

use self::outside::PlainGrid;

/// True of cases whose neurons are all built in.
fn is_built_in(case: &Case) -> bool {
    let mut models = case.network.populations().iter().map(|p| &p.model);
    models.all(|model| !matches!(model, Model::Equations(_)))
}

/// True of cases with neurons whose voltage runs away before a spike: its rate grows by orders of magnitude within a step, and the
/// rounding of f32 with it, for which `eventprop_cases::run::rounding` derives no bound. In f64 they are held to theirs.
fn runs_away(case: &Case) -> bool {
    let mut models = case.network.populations().iter().map(|p| &p.model);
    models.any(|model| {
        matches!(model, Model::Equations(e) if ["eif", "adex", "izhikevich"].contains(&e.model().name()))
    })
}

/// Runs all cases that expect something of a solver and reports all differences at once.
fn run_all<S: Solver>(new: impl Fn(&Case) -> S) {
    run_those(|_| true, new);
}

/// The same for those that a solver can do.
fn run_those<S: Solver>(can: impl Fn(&Case) -> bool, new: impl Fn(&Case) -> S) {
    let cases = all().unwrap_or_else(|error| panic!("{error}"));
    let (mut ran, mut lines) = (0, Vec::new());
    let expected = |case: &&Case| case.expected_of(time_kind::<S>()).is_some();
    for case in cases.iter().filter(expected).filter(|case| can(case)) {
        if let Some(report) = run(case, &mut new(case)) {
            ran += 1;
            println!(
                "{:32} {:4} numbers, worst error {:.2e} of its tolerance",
                case.name, report.compared, report.worst
            );
            lines.extend(report.differences.iter().map(ToString::to_string));
        }
    }
    assert!(ran > 0, "no case expects anything of this solver");
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

/// Refutes any of `[F1]` to `[F5]`, `[A1]` to `[A6]`, `[G1]` and the losses as the fast solver computes them.
#[test]
fn fast_grid_in_f32() {
    let can = |case: &Case| !runs_away(case);
    run_those(can, |case| Grid::<f32>::new(&case.network).unwrap());
}

/// Refutes the same in double precision, where the tolerances are those of the expected numbers.
#[test]
fn fast_grid_in_f64() {
    run_all(|case| Grid::<f64>::new(&case.network).unwrap());
}

/// Refutes the same as the judge computes them.
#[test]
fn judge() {
    run_those(is_built_in, |case| Judge::new(&case.network).unwrap());
}

/// Refutes the page of equations, and that a solver can be written outside of the engine.
#[test]
fn plain_grid_from_outside() {
    run_those(is_built_in, |case| {
        PlainGrid::for_network(&case.network).unwrap()
    });
}

/// Refutes the equations of continuous time: the same tags and the crossings between events.
#[test]
fn event() {
    run_all(|case| Event::new(&case.network).unwrap());
}

/// Refutes a solver that does more work for the same answer (or less, which is worth knowing): the
/// counters are integers and must be equal.
#[test]
fn work_of_the_event_solver() {
    let mut lines = Vec::new();
    for case in all().unwrap() {
        let Some(expected) = case.expected_of(TimeKind::Event).and_then(|e| e.work) else {
            continue;
        };
        let mut event = Event::new(&case.network).unwrap();
        run(&case, &mut event);
        if event.work() != expected {
            lines.push(format!(
                "{}: {:?}, expected {expected:?}",
                case.name,
                event.work()
            ));
        }
    }
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
