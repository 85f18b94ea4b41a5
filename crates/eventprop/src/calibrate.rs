//! Initial weights with which a network is active, found by trying on a batch.
//!
//! A neuron that does not spike has no gradient, and of one that spikes at every opportunity no spike matters. How large
//! weights must be depends on the number of inputs, on their spikes and on the time constants, so it is found on data:
//! population by population, in the order in which they were added, the output last,
//!
//! 1. all weights from earlier populations are scaled by one factor, until the mean spike count is what is asked for and
//!    the population spikes in nearly every sample (one in which it does not says nothing about it), or four times that
//!    often,
//! 2. the weights of neurons that still hardly spike are raised, each neuron by as much as it needs,
//! 3. the weights from the population itself and from later ones are scaled so that what arrives over them fluctuates by a
//!    quarter of what arrives from earlier ones, and neurons that feedback keeps from spiking are raised again.
//!
//! The weights to an output without a threshold are scaled until its voltages have a root mean square of 1: a softmax of
//! much smaller numbers is flat, and one of much larger ones has decided before it learned.

use crate::network::{PopulationId, Projection, ProjectionId};
use crate::params::Params;
use crate::readout::Observe;
use crate::real::Real;
use crate::solver::{SolveError, Solver, Trial, Trials};
use crate::spikes::Batch;

/// What a calibration may change, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Calibration<'a> {
    /// Projections whose weights are scaled and raised.
    pub projections: &'a [ProjectionId],
    /// Spikes per neuron and trial that are asked for; `None` for one in a membrane time constant, from 1 to 10 of them, but
    /// at least one in two of these.
    pub spikes: Option<f64>,
}

/// The activity of a population after its calibration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibrated {
    /// The population.
    pub population: PopulationId,
    /// Spikes per neuron and trial that were asked for.
    pub asked: f64,
    /// Those that it has.
    pub spikes: f64,
    /// Neurons that do not spike.
    pub silent: usize,
}

/// Largest power of two by which weights are scaled.
const POWERS: usize = 20;
/// Halvings of the interval between two powers of two: a scale is then right to 2 %.
const HALVINGS: usize = 5;
/// Up to this multiple of the spikes that are asked for, a population is scaled because it is silent in some samples.
const OFTEN: f64 = 4.0;
/// A neuron with less than this part of the spikes that are asked for is raised.
const HARDLY: f64 = 0.125;
/// Doublings of what a neuron is raised by.
const RAISES: i32 = 12;
/// The part of the fluctuation of the current that comes from the population itself and from later ones.
const FEEDBACK: f64 = 0.25;

/// Makes a network active on a batch by changing weights of `params`; see the module for how. A projection between
/// two populations counts as one from an earlier population when its source was added first, or its target is the output.
/// The cost is that of some twenty forward passes for each population.
///
/// # Errors
/// When the batch does not fit the network.
pub fn calibrate<S: Solver>(
    solver: &mut S,
    params: &mut Params<S::Real>,
    batch: &Batch,
    calibration: Calibration<'_>,
) -> Result<Vec<Calibrated>, SolveError> {
    let order = solver.network().output_last();
    let mut found = Vec::new();
    let mut trial = Trying {
        solver,
        params,
        batch,
        trials: S::Trials::default(),
    };
    let feedback: Vec<ProjectionId> = order
        .iter()
        .flat_map(|id| trial.incoming(*id, calibration.projections, true))
        .collect();
    let drawn = trial.weights(&feedback);
    for &id in &feedback {
        trial.params.weights_mut(id).fill(S::Real::ZERO);
    }
    for id in order {
        let forward = trial.incoming(id, calibration.projections, false);
        if forward.is_empty() {
            continue;
        }
        if trial.solver.network().population(id).spikes() {
            let asked = calibration.spikes.unwrap_or_else(|| trial.usual(id));
            trial.scale(&forward, |t| {
                let rate = t.rate(id);
                rate < asked || rate < OFTEN * asked && t.is_often_silent(id)
            })?;
            trial.raise(id, &forward, asked)?;
            found.push(Calibrated {
                population: id,
                asked,
                spikes: 0.0,
                silent: 0,
            });
        } else {
            trial.scale(&forward, |t| t.voltage() < 1.0)?;
        }
    }
    for (&id, drawn) in feedback.iter().zip(&drawn) {
        trial.params.weights_mut(id).copy_from_slice(drawn);
    }
    trial.solve()?;
    trial.scale_feedback(&feedback);
    trial.solve()?;
    for one in &mut found {
        let forward = trial.incoming(one.population, calibration.projections, false);
        trial.raise(one.population, &forward, one.asked)?;
    }
    for one in &mut found {
        let counts = trial.counts(one.population);
        one.spikes = mean(&counts) / batch.len() as f64;
        one.silent = counts.iter().filter(|&&count| count == 0).count();
    }
    Ok(found)
}

/// Two scales between which something changes from too low to no longer so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bracket {
    /// The larger one of those that are too low.
    pub below: f64,
    /// The smaller one of the others.
    pub above: f64,
}

impl Bracket {
    /// Brackets the scale at which `is_low` changes, from 1 on, where it is `low`: by up to `powers` powers of two, and
    /// then by `halvings` of the interval between two of them. Where it does not change, one of the two is the last scale
    /// that was tried.
    ///
    /// # Errors
    /// The first error of `is_low`.
    pub fn find<E>(
        low: bool,
        powers: usize,
        halvings: usize,
        mut is_low: impl FnMut(f64) -> Result<bool, E>,
    ) -> Result<Self, E> {
        let step = if low { 2.0_f64 } else { 0.5 };
        let (mut inside, mut outside) = (1.0, 1.0);
        for _ in 0..powers {
            outside *= step;
            if is_low(outside)? != low {
                break;
            }
            inside = outside;
        }
        for _ in 0..halvings {
            let between: f64 = (inside * outside).sqrt();
            if is_low(between)? == low {
                inside = between;
            } else {
                outside = between;
            }
        }
        let (below, above) = if low {
            (inside, outside)
        } else {
            (outside, inside)
        };
        Ok(Self { below, above })
    }
}

fn mean(counts: &[u32]) -> f64 {
    counts.iter().map(|&n| f64::from(n)).sum::<f64>() / counts.len().max(1) as f64
}

/// A network whose weights are tried.
struct Trying<'a, S: Solver> {
    solver: &'a mut S,
    params: &'a mut Params<S::Real>,
    batch: &'a Batch,
    trials: S::Trials,
}

impl<S: Solver> Trying<'_, S> {
    /// Those of `projections` that end in a population, from earlier populations or as feedback.
    fn incoming(
        &self,
        id: PopulationId,
        projections: &[ProjectionId],
        feedback: bool,
    ) -> Vec<ProjectionId> {
        let incoming = self.solver.network().incoming(id);
        let wanted = incoming.filter(|(projection, p)| {
            projections.contains(projection) && self.is_forward(p) != feedback
        });
        wanted.map(|(projection, _)| projection).collect()
    }

    /// True of a projection from an earlier population.
    fn is_forward(&self, projection: &Projection) -> bool {
        let place = |id| (id == self.solver.network().output(), id);
        place(projection.source) < place(projection.target)
    }

    /// A copy of the weights of some projections.
    fn weights(&self, projections: &[ProjectionId]) -> Vec<Vec<S::Real>> {
        let copy = |&id| self.params.weights(id).to_vec();
        projections.iter().map(copy).collect()
    }

    fn solve(&mut self) -> Result<(), SolveError> {
        let network = self.solver.network();
        let spiking = network.population(network.output()).spikes();
        let trial = Trial {
            observe: if spiking {
                Observe::FirstSpikes
            } else {
                Observe::Voltage
            },
            disturbance: None,
            voltages: &[],
        };
        self.solver
            .forward(self.params, self.batch, trial, &mut self.trials)
    }

    /// Spikes of every neuron of a population in the whole batch.
    fn counts(&self, id: PopulationId) -> Vec<u32> {
        let mut counts = vec![0; self.solver.network().population(id).size];
        for sample in 0..self.trials.samples() {
            self.trials.tape(sample).add_counts(id.0, &mut counts);
        }
        counts
    }

    fn rate(&self, id: PopulationId) -> f64 {
        mean(&self.counts(id)) / self.batch.len() as f64
    }

    /// Root mean square of the output voltages.
    fn voltage(&self) -> f64 {
        let (mut squares, mut numbers) = (0.0, 0);
        for sample in 0..self.trials.samples() {
            let readout = self.trials.readout(sample);
            let square = |v: &S::Real| v.to_f64() * v.to_f64();
            squares += readout.voltage.iter().map(square).sum::<f64>();
            numbers += readout.voltage.len();
        }
        (squares / numbers.max(1) as f64).sqrt()
    }

    /// One spike in a membrane time constant, from 1 to 10 of them; in trials of more than 20 of these one in two. Few spikes
    /// in a trial are few places at which a gradient can act, and many cost time.
    fn usual(&self, id: PopulationId) -> f64 {
        let network = self.solver.network();
        let constants = network.population(id).time_constants();
        // A model from equations may have no membrane time constant: one spike.
        let trial_ms = network.clock().trial_ms();
        constants.map_or(1.0, |(tau_mem, _)| {
            let lengths = trial_ms / tau_mem.of(0);
            lengths.clamp(1.0, 10.0).max(lengths / 2.0)
        })
    }

    /// True if a population does not spike at all in more than one sample of twenty that have input.
    fn is_often_silent(&self, id: PopulationId) -> bool {
        let input = self.solver.network().input().0;
        let spikes = |sample: usize, population: usize| {
            self.trials.tape(sample).populations[population].len()
        };
        let samples = 0..self.trials.samples();
        let silent =
            samples.filter(|&sample| spikes(sample, input) > 0 && spikes(sample, id.0) == 0);
        silent.count() * 20 > self.trials.samples()
    }

    /// Scales weights until they are just not too small: first by powers of two, then between two of them. Where no
    /// scale does it they stay as they were: it is not their size that is wrong.
    fn scale(
        &mut self,
        projections: &[ProjectionId],
        too_small: impl Fn(&Self) -> bool,
    ) -> Result<(), SolveError> {
        let drawn = self.weights(projections);
        let mut is_low = |scale: f64| {
            for (&id, drawn) in projections.iter().zip(&drawn) {
                let weights = self.params.weights_mut(id);
                for (w, drawn) in weights.iter_mut().zip(drawn) {
                    *w = S::Real::from_f64(scale * drawn.to_f64());
                }
            }
            self.solve()?;
            Ok::<bool, SolveError>(too_small(self))
        };
        let low = is_low(1.0)?;
        let bracket = Bracket::find(low, POWERS, HALVINGS, &mut is_low)?;
        if is_low(bracket.above)? {
            is_low(1.0)?;
        }
        Ok(())
    }

    /// Raises the incoming weights of neurons that hardly spike until they do.
    fn raise(
        &mut self,
        id: PopulationId,
        projections: &[ProjectionId],
        asked: f64,
    ) -> Result<(), SolveError> {
        let least = HARDLY * asked * self.batch.len() as f64;
        for power in 0..RAISES {
            let counts = self.counts(id);
            let hardly = |neuron: usize| f64::from(counts[neuron]) < least;
            if !(0..counts.len()).any(hardly) {
                break;
            }
            for &projection in projections {
                let synapses = self.solver.network().synapses(projection);
                let weights = self.params.weights_mut(projection);
                let square = |w: &S::Real| w.to_f64() * w.to_f64();
                let mean = weights.iter().map(square).sum::<f64>() / weights.len() as f64;
                let sources = (synapses.iter().count() / counts.len()).max(1);
                let by = (mean / sources as f64).sqrt() * 2.0_f64.powi(power - 2);
                for weight in synapses.weights_into(hardly) {
                    weights[weight] += S::Real::from_f64(by);
                }
            }
            self.solve()?;
        }
        Ok(())
    }

    /// Scales feedback by what arrives from earlier populations.
    fn scale_feedback(&mut self, feedback: &[ProjectionId]) {
        for &id in feedback {
            let network = self.solver.network();
            let target = network.projection(id).target;
            let forward = network.incoming(target);
            let forward = forward.filter(|(_, p)| self.is_forward(p));
            let arriving: f64 = forward.map(|(id, _)| self.fluctuation(id)).sum();
            let returning = self.fluctuation(id);
            if returning > 0.0 {
                let factor = S::Real::from_f64(FEEDBACK * (arriving / returning).sqrt());
                for w in self.params.weights_mut(id) {
                    *w *= factor;
                }
            }
        }
    }

    /// Σ n w² over the synapses of a projection, n the spikes of the source: the variance of what arrives, were the
    /// spikes independent, times the size of the target.
    fn fluctuation(&self, id: ProjectionId) -> f64 {
        let network = self.solver.network();
        let counts = self.counts(network.projection(id).source);
        let weights = self.params.weights(id);
        let synapses = network.synapses(id);
        let factor = synapses.factor();
        let each = synapses.iter().map(|synapse| {
            let w = factor * weights[synapse.weight].to_f64();
            f64::from(counts[synapse.source]) * w * w
        });
        each.sum()
    }
}
