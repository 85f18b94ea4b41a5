//! The three calls that every test of a gradient makes: forward, loss, adjoint.

use eventprop::loss::{Loss, LossScale, Outcome};
use eventprop::params::Params;
use eventprop::readout::Seed;
use eventprop::solver::{Drive, Forward, Grazing, Solver, Trial};
use eventprop::spikes::Batch;

/// A solved batch.
#[derive(Debug, Clone)]
pub struct Solved<T, F> {
    /// Spikes and readouts.
    pub forward: Forward<T, F>,
    /// Loss and prediction per sample.
    pub outcomes: Vec<Outcome>,
    /// The gradient of the mean loss.
    pub gradient: Params<F>,
}

impl<T, F> Solved<T, F> {
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
) -> Solved<S::Time, S::Real> {
    let (forward, outcomes, seeds) = evaluate(solver, params, batch, loss);
    let mut gradient = params.zeros_like();
    let drive = Drive {
        seeds: &seeds,
        spike_jumps: &[],
        grazing: Grazing::Keep,
    };
    solver
        .adjoint(params, &forward, drive, &mut gradient)
        .expect("grazing spikes are kept");
    Solved {
        forward,
        outcomes,
        gradient,
    }
}

/// What [`evaluate`] gives: spikes and readouts, losses and predictions, seeds.
pub type Evaluated<T, F> = (Forward<T, F>, Vec<Outcome>, Vec<Seed<F>>);

/// Solves a batch forwards and evaluates the loss.
///
/// # Panics
/// As [`solve()`].
pub fn evaluate<S: Solver>(
    solver: &mut S,
    params: &Params<S::Real>,
    batch: &Batch,
    loss: &Loss,
) -> Evaluated<S::Time, S::Real> {
    let evaluator = loss
        .prepare(solver.network(), LossScale::Exact)
        .expect("the loss fits the network");
    let trial = Trial {
        observe: loss.observes(),
        disturbance: None,
    };
    let mut forward = Forward {
        tapes: Vec::new(),
        readouts: Vec::new(),
    };
    solver
        .forward(params, batch, trial, &mut forward)
        .expect("the batch fits the network");
    let mut seeds = vec![Seed::default(); batch.len()];
    let outcomes = forward
        .readouts
        .iter()
        .zip(batch.labels())
        .zip(&mut seeds)
        .map(|((readout, &label), seed)| evaluator.evaluate(readout, label, batch.len(), seed))
        .collect();
    (forward, outcomes, seeds)
}

/// The mean loss of a batch.
pub fn mean_loss(outcomes: &[Outcome]) -> f64 {
    outcomes.iter().map(|o| o.loss).sum::<f64>() / outcomes.len() as f64
}
