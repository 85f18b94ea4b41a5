//! The three calls that every test of a gradient makes: forward, loss, adjoint.

use eventprop::loss::{Loss, LossScale, Outcome};
use eventprop::params::Params;
use eventprop::readout::Seed;
use eventprop::reduce::Alone;
use eventprop::solver::{Drive, Grazing, Solver, Sum, Trial, Trials};
use eventprop::spikes::Batch;

/// A solved batch.
#[derive(Debug, Clone)]
pub struct Solved<L: Trials> {
    /// Spikes and readouts.
    pub trials: L,
    /// Loss and prediction per sample.
    pub outcomes: Vec<Outcome>,
    /// The gradient of the mean loss.
    pub gradient: Params<L::Real>,
}

impl<L: Trials> Solved<L> {
    /// The mean loss of the batch.
    pub fn loss(&self) -> f64 {
        mean_loss(&self.outcomes)
    }
}

/// Solves a batch forwards and backwards, without regularisers, disturbances or scaling.
///
/// # Panics
/// When the loss does not fit the network or the solver fails: both are faults of the test.
pub fn solve<S: Solver>(
    solver: &mut S,
    params: &Params<S::Real>,
    batch: &Batch,
    loss: &Loss,
) -> Solved<S::Trials> {
    let (trials, outcomes, seeds) = evaluate(solver, params, batch, loss);
    let mut gradient = params.zeros_like();
    let drive = Drive {
        seeds: &seeds,
        spike_jumps: &[],
        grazing: Grazing::Keep,
    };
    let sum = Sum {
        gradient: &mut gradient,
        samples: batch.len(),
        reduce: &mut Alone,
        inputs: None,
    };
    solver
        .adjoint(params, &trials, drive, sum)
        .expect("grazing spikes are kept");
    Solved {
        trials,
        outcomes,
        gradient,
    }
}

/// The result of [`evaluate`]: spikes and readouts, losses and predictions, seeds.
pub type Evaluated<L> = (L, Vec<Outcome>, Vec<Seed<<L as Trials>::Real>>);

/// Solves a batch forwards and evaluates the loss.
///
/// # Panics
/// As [`solve()`].
pub fn evaluate<S: Solver>(
    solver: &mut S,
    params: &Params<S::Real>,
    batch: &Batch,
    loss: &Loss,
) -> Evaluated<S::Trials> {
    let evaluator = loss
        .prepare(solver.network(), LossScale::Exact)
        .expect("the loss fits the network");
    let trial = Trial {
        observe: loss.observes(),
        disturbance: None,
        voltages: &[],
    };
    let mut trials = S::Trials::default();
    solver
        .forward(params, batch, trial, &mut trials)
        .expect("the batch fits the network");
    let mut seeds = vec![Seed::default(); batch.len()];
    let outcomes = batch
        .labels()
        .iter()
        .zip(&mut seeds)
        .enumerate()
        .map(|(sample, (&label, seed))| {
            evaluator.evaluate(&trials.readout(sample), label, batch.len(), seed)
        })
        .collect();
    (trials, outcomes, seeds)
}

/// The mean loss of a batch.
pub fn mean_loss(outcomes: &[Outcome]) -> f64 {
    outcomes.iter().map(|o| o.loss).sum::<f64>() / outcomes.len() as f64
}
