//! Runs a case on a solver and lists every difference from what is expected.
//!
//! Numbers are compared relative to the size of what they belong to: a derivative to the largest
//! expected derivative of its projection (its rounding errors come from sums of terms of that size),
//! a loss and a drive to the larger of 1 (the threshold, the scale of a cross-entropy) and
//! themselves, a time to the length of the trial. Where zero is expected for a whole projection,
//! zero must come out.
//!
//! # Single precision
//! A case states its tolerance for f64. For f32 the rounding of the solver is added: with unit
//! roundoff u = 2⁻²⁴, every step of a neuron rounds V, I, λ_V and λ_I about twice each, 8u per step,
//! and every spike divides by J = I − V, whose relative error is u (I + V)/J = u (1 + 2ϑ/J). Taken
//! to first order and with the same sign, N steps and the spikes of one sample add up to
//! u (8N + Σ (1 + 2ϑ/J)).

use std::fmt;

use eventprop::network::Network;
use eventprop::real::Real;
use eventprop::solver::{Solver, Trials};
use eventprop::tape::{SpikeTime, Tape};

use crate::case::{Case, Expectation, Spike, TimeKind};
use crate::solve::{Solved, solve};

/// One way in which a solver does not do what a case expects.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The case.
    pub case: String,
    /// The quantity that differs: `loss`, `gradient of input->hidden [3]`, …
    pub what: String,
    /// The value found.
    pub found: String,
    /// The value expected.
    pub expected: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} is {}, expected {}",
            self.case, self.what, self.found, self.expected
        )
    }
}

/// The result of running a case.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Everything that differs.
    pub differences: Vec<Difference>,
    /// Numbers compared.
    pub compared: usize,
    /// The largest error as a share of its tolerance.
    pub worst: f64,
}

/// The time that a solver keeps.
pub fn time_kind<S: Solver>() -> TimeKind {
    if S::Time::IN_STEPS {
        TimeKind::Grid
    } else {
        TimeKind::Event
    }
}

/// Runs a case on a solver made for its network. `None` when nothing is expected of such a solver.
pub fn run<S: Solver>(case: &Case, solver: &mut S) -> Option<Report> {
    let expected = case.expected_of(time_kind::<S>())?;
    let solved = solve(solver, &case.params.cast(), &case.batch, &case.loss);
    let is_single = roundoff_of::<S::Real>() > f64::EPSILON;
    let rounding = if is_single {
        rounding::<S::Real, _>(&case.network, &solved.trials)
    } else {
        0.0
    };
    let mut check = Check {
        case,
        tolerance: expected.tolerance + rounding,
        report: Report::default(),
    };
    check.number(
        "loss",
        solved.loss(),
        expected.loss,
        expected.loss.abs().max(1.0),
    );
    check.predictions(expected, &solved);
    for (population, spikes) in &expected.spikes {
        check.spikes(
            *population,
            spikes,
            &spikes_of::<S>(case, &solved, *population),
        );
    }
    for (projection, values) in &expected.gradient {
        let entry = &solved.gradient.layout()[*projection];
        let found = &solved.gradient.values()[entry.range.clone()];
        check.gradient(&entry.name, values, found);
    }
    Some(check.report)
}

/// A comparison under way.
struct Check<'a> {
    case: &'a Case,
    tolerance: f64,
    report: Report,
}

impl Check<'_> {
    fn differs(&mut self, what: &str, found: &dyn fmt::Debug, expected: &dyn fmt::Debug) {
        self.report.differences.push(Difference {
            case: self.case.name.clone(),
            what: what.to_owned(),
            found: format!("{found:?}"),
            expected: format!("{expected:?}"),
        });
    }

    /// A NaN differs from everything.
    fn number(&mut self, what: &str, found: f64, expected: f64, size: f64) {
        let error = (found - expected).abs();
        let allowed = self.tolerance * size;
        self.report.compared += 1;
        if error > 0.0 {
            self.report.worst = self.report.worst.max(error / allowed);
        }
        if error.is_nan() || error > allowed {
            self.differs(what, &found, &expected);
        }
    }

    fn predictions<L: Trials>(&mut self, expected: &Expectation, solved: &Solved<L>) {
        for (sample, prediction) in expected.predictions.iter().enumerate() {
            let found = solved.outcomes[sample].prediction;
            if found != *prediction {
                self.differs(
                    &format!("prediction of sample {sample}"),
                    &found,
                    prediction,
                );
            }
        }
    }

    fn spikes(&mut self, population: usize, expected: &[Spike], found: &[Spike]) {
        let name = &self.case.network.populations()[population].name;
        let pattern = |spikes: &[Spike]| -> Vec<(usize, u32)> {
            spikes.iter().map(|s| (s.sample, s.neuron)).collect()
        };
        if pattern(expected) != pattern(found) {
            self.differs(&format!("the spikes of {name}"), &found, &expected);
            return;
        }
        let length = self.case.network.clock().trial_ms();
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            let what = format!("time of spike {index} of {name}");
            self.number(&what, found.when, expected.when, length);
            let what = format!("drive of spike {index} of {name}");
            let size = expected.drive.abs().max(1.0);
            self.number(&what, found.drive, expected.drive, size);
        }
    }

    fn gradient<F: Real>(&mut self, name: &str, expected: &[f64], found: &[F]) {
        let size = expected.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            let what = format!("gradient of {name} [{index}]");
            self.number(&what, found.to_f64(), *expected, size);
        }
    }
}

/// All spikes of a population, sorted by (sample, when, neuron). On the grid `when` is the step.
pub fn spikes_of<S: Solver>(
    case: &Case,
    solved: &Solved<S::Trials>,
    population: usize,
) -> Vec<Spike> {
    let clock = case.network.clock();
    let unit = match time_kind::<S>() {
        TimeKind::Grid => clock.dt_ms(),
        TimeKind::Event => 1.0,
    };
    let mut all = Vec::new();
    for sample in 0..solved.trials.samples() {
        let tape = solved.trials.tape(sample);
        let spikes = &tape.populations[population];
        for (index, &neuron) in spikes.neuron.iter().enumerate() {
            let when = spikes.when[index].ms(clock) / unit;
            let drive = spikes.drive.get(index).map_or(0.0, |d| d.to_f64());
            all.push(Spike {
                sample,
                when: if unit == 1.0 { when } else { when.round() },
                neuron,
                drive,
            });
        }
    }
    all
}

/// The unit roundoff of a number type: 2⁻²⁴ for f32, 2⁻⁵³ for f64.
pub fn roundoff_of<F: Real>() -> f64 {
    const SINGLE: f64 = 1.0 / (1 << 24) as f64;
    if F::from_f64(1.0 + SINGLE / 2.0) == F::ONE {
        SINGLE
    } else {
        f64::EPSILON / 2.0
    }
}

/// The rounding of the grid solver in the number type `R`, relative to the largest derivative, for
/// the spikes of these trials.
pub fn rounding<R: Real, L: Trials>(network: &Network, trials: &L) -> f64 {
    let steps = 8.0 * network.clock().steps() as f64;
    let spikes = (0..trials.samples()).map(|sample| conditions(network, &trials.tape(sample)));
    roundoff_of::<R>() * (steps + spikes.fold(0.0, f64::max))
}

/// Σ (1 + 2ϑ/J) over the spikes of one sample.
fn conditions<T: SpikeTime, F: Real>(network: &Network, tape: &Tape<T, F>) -> f64 {
    let populations = network.populations().iter().zip(&tape.populations);
    populations
        .filter_map(|(population, spikes)| Some((population.threshold()?, spikes)))
        .flat_map(|(v_thresh, spikes)| {
            let drives = spikes.neuron.iter().zip(&spikes.drive);
            drives.map(|(&n, drive)| 1.0 + 2.0 * v_thresh.of(n as usize) / drive.to_f64())
        })
        .sum()
}
