//! Is the gradient correct? Adjoint against central differences, both by one solver in f64.
//!
//! For each chosen parameter the loss is evaluated at w ± h and w ± h/2. Richardson's combination of
//! the two central differences, (4 D(h/2) − D(h))/3, has an error of order h⁴; the two differences
//! themselves say how large it may be. A parameter is *correct* when the adjoint lies within that
//! uncertainty, and *wrong* when it does not while nothing else explains it. What can explain it: a
//! spike appears or vanishes within ± h (the loss then jumps and has no derivative), or a spike grazes
//! its threshold (the derivative exists, but changes within ± h).
//!
//! The solver is the event solver ([`check`]). Of a model that it cannot treat, [`check_on`] takes the judge of the
//! grid. On a grid a spike stays on its step while a parameter changes a little, and an integral is a sum: differences
//! there see what a parameter does to voltages, and the adjoint agrees with them to rounding only where the loss reads
//! voltages at points (`max`) and no spike lies between; elsewhere to the order of the step.
//!
//! Delays that are not trained, those on a bound and all of them on a grid are left out; so are
//! the pushes that are not gradients, regularisers and the push on silent outputs.

use crate::connect::Synapse;
use crate::loss::{Labelled, Loss, LossFunction, LossScale, Outcome};
use crate::network::{Network, PopulationId};
use crate::params::{Entry, Params, Role};
use crate::readout::Seed;
use crate::reduce::Alone;
use crate::rng::{Key, Purpose};
use crate::solver::event::Event;
use crate::solver::{Drive, Grazing, Solver, Sum, Trials};
use crate::spikes::Batch;
use crate::tape::SpikeTime;
use crate::train::TrainError;

/// Subject and precision of a check.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Parameters checked per projection, and per trained constant of a population, drawn at random; all
    /// when there are fewer.
    pub per_projection: usize,
    /// Seed of that draw.
    pub seed: u64,
    /// The first step h, in units of the largest weight of the projection, or value of the constant.
    pub step: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            per_projection: 50,
            seed: 0,
            step: 1e-4,
        }
    }
}

/// Result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Adjoint and difference agree within the uncertainty of the difference.
    Correct,
    /// A spike appears or vanishes within the smallest step: no derivative to compare with.
    SpikesChanged,
    /// They disagree, and a spike of the batch grazes its threshold.
    Grazing,
    /// They disagree and nothing explains it.
    Wrong,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The projection, its delays or the constant, such as `input->hidden`, `input->hidden.delay` or `hidden.tau_mem`.
    pub name: String,
    /// Source neuron, of a delay that several synapses share that of the first; none for a constant.
    pub source: Option<usize>,
    /// Target neuron, or the neuron whose constant it is.
    pub target: usize,
    /// The derivative by the adjoint.
    pub adjoint: f64,
    /// The derivative by differences.
    pub difference: f64,
    /// Uncertainty of the difference.
    pub uncertainty: f64,
    /// The finding.
    pub verdict: Verdict,
}

/// Result of [`check`].
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Every checked parameter.
    pub checks: Vec<Check>,
    /// Mean loss of the batch.
    pub loss: f64,
    /// Spikes of the batch per population.
    pub spikes: Vec<usize>,
    /// Spikes that graze their threshold.
    pub grazing: usize,
}

impl Report {
    /// Number of checks with a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let with = |check: &&Check| check.verdict == verdict;
        self.checks.iter().filter(with).count()
    }

    /// Projections and constants of which every checked derivative is 0, so that the check says nothing of them: no spike
    /// depends on them.
    pub fn unseen(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.checks.iter().map(|c| c.name.as_str()).collect();
        names.dedup();
        let seen = |name: &str| {
            let mut of = self.checks.iter().filter(|c| c.name == name);
            of.any(|c| c.adjoint != 0.0 || c.difference != 0.0)
        };
        names.retain(|name| !seen(name));
        names
    }

    /// The largest |adjoint − difference| among correct checks, relative to the largest derivative of
    /// the same projection.
    pub fn worst_relative_error(&self) -> f64 {
        let scale = |name: &str| {
            let of = self.checks.iter().filter(|c| c.name == name);
            of.map(|c| c.adjoint.abs()).fold(0.0, f64::max)
        };
        self.checks
            .iter()
            .filter(|c| c.verdict == Verdict::Correct && scale(&c.name) > 0.0)
            .map(|c| (c.adjoint - c.difference).abs() / scale(&c.name))
            .fold(0.0, f64::max)
    }
}

/// Number of times that the step is divided by ten when spikes change within it or the two disagree.
const REFINEMENTS: u32 = 3;
/// Largest error of the difference in units of its estimated uncertainty: the estimate is of the order
/// of the error, not a bound.
const MARGIN: f64 = 10.0;
/// Relative disagreement that rounding in deep or recurrent networks explains: spike times are found
/// to a few ε, and each spike on a path multiplies an error by I/(I − ϑ), at most 1/[`crate::solver::GRAZING_SHARE`]
/// when nothing grazes.
const ROUNDING: f64 = 1e-9;

/// Checks the gradient of `loss` at `params` on a batch, by the event solver.
///
/// Costs four forward passes per parameter and step.
///
/// # Errors
/// When the network cannot be solved or the loss does not fit it.
pub fn check(
    network: &Network,
    params: &Params<f64>,
    batch: &Batch,
    loss: Loss,
    settings: Settings,
) -> Result<Report, TrainError> {
    check_on(Event::new(network)?, params, batch, loss, settings)
}

/// The same by any solver in f64.
///
/// # Errors
/// When the loss does not fit the network, or a batch cannot be solved.
pub fn check_on<S: Solver<Real = f64>>(
    solver: S,
    params: &Params<f64>,
    batch: &Batch,
    loss: Loss,
    settings: Settings,
) -> Result<Report, TrainError> {
    let loss = loss.without_push();
    let loss = loss.prepare(solver.network(), LossScale::Exact)?;
    check_own(solver, params, batch, loss, settings)
}

/// The same of your own loss: is what it says of its derivatives correct?
///
/// # Errors
/// When a batch cannot be solved.
pub fn check_own<S: Solver<Real = f64>>(
    solver: S,
    params: &Params<f64>,
    batch: &Batch,
    loss: impl LossFunction<S::Trials> + 'static,
    settings: Settings,
) -> Result<Report, TrainError> {
    let mut probe = Probe::new(solver, params, batch, Box::new(loss))?;
    let gradient = probe.gradient()?;
    let base = probe.base.clone();
    let mut checks = Vec::new();
    for (index, entry) in params.layout().iter().enumerate() {
        let values = &params.values()[entry.range.clone()];
        let largest = values.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let step = settings.step * if largest > 0.0 { largest } else { 1.0 };
        let places = chosen(values.len(), index, settings).into_iter();
        for offset in places {
            if !is_comparable(&probe, entry, values[offset], step) {
                continue;
            }
            let place = entry.range.start + offset;
            let adjoint = gradient.values()[place];
            let (difference, uncertainty, verdict) = probe.compare(place, adjoint, step)?;
            let (source, target) = match entry.role {
                Role::Constant(..) => (None, offset),
                Role::Delays(id) => {
                    let network = probe.solver.network();
                    let by = network.projection(id).delay.each().map(|delays| delays.by);
                    let synapses = network.synapses(id);
                    let shares = |s: &Synapse| by.is_some_and(|by| by.index(*s) == offset);
                    // At the border of an image, and where wirings are sparse, some have none.
                    let Some(synapse) = synapses.iter().find(shares) else {
                        continue;
                    };
                    (Some(synapse.source), synapse.target)
                }
                Role::Weights(id) => {
                    let synapses = probe.solver.network().synapses(id);
                    let Some(synapse) = synapses.iter().find(|s| s.weight == offset) else {
                        continue;
                    };
                    (Some(synapse.source), synapse.target)
                }
            };
            checks.push(Check {
                name: entry.name.clone(),
                source,
                target,
                adjoint,
                difference,
                uncertainty,
                verdict,
            });
        }
    }
    Ok(Report {
        checks,
        loss: base.loss,
        spikes: base.spikes,
        grazing: probe.grazing,
    })
}

/// True if a parameter has a derivative to compare with: delays that are not trained have none, one that lies on a
/// bound, beyond which it cannot go, only to one side, and on a grid a small change of a delay changes nothing.
fn is_comparable<S: Solver>(probe: &Probe<'_, S>, entry: &Entry, value: f64, step: f64) -> bool {
    let Role::Delays(id) = entry.role else {
        return true;
    };
    let projection = probe.solver.network().projection(id);
    let trained = projection.delay.trained().is_some();
    trained && !S::Time::IN_STEPS && value - step >= entry.least && value + step <= entry.most
}

/// Positions to check among `len`, ascending.
fn chosen(len: usize, entry: usize, settings: Settings) -> Vec<usize> {
    let key = Key::new(settings.seed, Purpose::Test).with(entry as u64);
    let mut places = if len <= settings.per_projection {
        (0..len).collect()
    } else {
        let mut order = key.permutation(len);
        order.truncate(settings.per_projection);
        order
    };
    places.sort_unstable();
    places
}

/// The loss of a batch and the spikes behind it.
#[derive(Debug, Clone, PartialEq)]
struct Point {
    loss: f64,
    spikes: Vec<usize>,
    /// Spike counts per sample, population and neuron: what must not change within a step.
    pattern: Vec<u32>,
}

/// Evaluates the loss at changed parameters.
struct Probe<'a, S: Solver> {
    solver: S,
    loss: Box<dyn LossFunction<S::Trials>>,
    params: Params<f64>,
    batch: &'a Batch,
    trials: S::Trials,
    base: Point,
    grazing: usize,
}

impl<'a, S: Solver<Real = f64>> Probe<'a, S> {
    fn new(
        solver: S,
        params: &Params<f64>,
        batch: &'a Batch,
        loss: Box<dyn LossFunction<S::Trials>>,
    ) -> Result<Self, TrainError> {
        let mut probe = Self {
            loss,
            solver,
            params: params.clone(),
            batch,
            trials: S::Trials::default(),
            base: Point {
                loss: 0.0,
                spikes: Vec::new(),
                pattern: Vec::new(),
            },
            grazing: 0,
        };
        probe.base = probe.point()?;
        probe.grazing = probe.grazing_spikes();
        Ok(probe)
    }

    fn point(&mut self) -> Result<Point, TrainError> {
        let trial = self.loss.trial();
        self.solver
            .forward(&self.params, self.batch, trial, &mut self.trials)?;
        let samples = self.batch.len();
        let mut seed = Seed::default();
        let mut loss = 0.0;
        for sample in 0..samples {
            loss += self.evaluate(sample, &mut seed).loss;
        }
        let populations = self.solver.network().populations();
        let mut spikes = vec![0; populations.len()];
        let mut pattern = Vec::new();
        for sample in 0..samples {
            for (index, population) in populations.iter().enumerate() {
                let start = pattern.len();
                pattern.resize(start + population.size, 0);
                let counts = &mut pattern[start..];
                self.trials.add_counts(sample, PopulationId(index), counts);
                spikes[index] += counts.iter().sum::<u32>() as usize;
            }
        }
        Ok(Point {
            loss: loss / samples as f64,
            spikes,
            pattern,
        })
    }

    fn evaluate(&self, sample: usize, seed: &mut Seed<f64>) -> Outcome {
        seed.clear();
        let of = Labelled {
            sample,
            label: self.batch.labels()[sample],
            samples: self.batch.len(),
        };
        self.loss.evaluate(&self.trials, of, seed)
    }

    /// The gradient at the point that `trials` hold, which is the base after [`Self::new`].
    fn gradient(&mut self) -> Result<Params<f64>, TrainError> {
        let samples = self.batch.len();
        let seeds: Vec<_> = (0..samples)
            .map(|sample| {
                let mut seed = Seed::default();
                self.evaluate(sample, &mut seed);
                seed
            })
            .collect();
        let drive = Drive {
            seeds: &seeds,
            spike_jumps: &[],
            grazing: Grazing::Keep,
        };
        let mut gradient = self.params.zeros_like();
        let sum = Sum {
            gradient: &mut gradient,
            samples,
            reduce: &mut Alone,
            inputs: None,
        };
        self.solver
            .adjoint(&self.params, &self.trials, drive, sum)?;
        Ok(gradient)
    }

    fn grazing_spikes(&self) -> usize {
        let network = self.solver.network();
        let populations = (0..network.populations().len()).map(PopulationId);
        populations.map(|p| self.trials.grazing(network, p)).sum()
    }

    fn compare(
        &mut self,
        place: usize,
        adjoint: f64,
        step: f64,
    ) -> Result<(f64, f64, Verdict), TrainError> {
        let mut found = (f64::NAN, f64::NAN, Verdict::SpikesChanged);
        let mut h = step;
        for _ in 0..=REFINEMENTS {
            if let Some((difference, uncertainty)) = self.differences(place, h)? {
                let allowed = MARGIN * uncertainty + ROUNDING * adjoint.abs();
                let verdict = match () {
                    () if (adjoint - difference).abs() <= allowed => Verdict::Correct,
                    () if self.grazing > 0 => Verdict::Grazing,
                    () => Verdict::Wrong,
                };
                found = (difference, uncertainty, verdict);
                if verdict == Verdict::Correct {
                    break;
                }
            }
            h /= 10.0;
        }
        Ok(found)
    }

    /// Richardson's difference and its uncertainty; `None` when spikes appear or vanish within ± h.
    fn differences(&mut self, place: usize, h: f64) -> Result<Option<(f64, f64)>, TrainError> {
        let mut slopes = [0.0; 2];
        for (slope, step) in slopes.iter_mut().zip([h, h / 2.0]) {
            let mut losses = [0.0; 2];
            let mut width = 0.0;
            for (loss, sign) in losses.iter_mut().zip([1.0, -1.0]) {
                let kept = self.params.values()[place];
                let moved = kept + sign * step;
                self.params.values_mut()[place] = moved;
                let point = self.point();
                self.params.values_mut()[place] = kept;
                let point = point?;
                if point.pattern != self.base.pattern {
                    return Ok(None);
                }
                *loss = point.loss;
                width += sign * moved;
            }
            *slope = (losses[0] - losses[1]) / width;
        }
        let [coarse, fine] = slopes;
        let difference = (4.0 * fine - coarse) / 3.0;
        let rounding = 8.0 * f64::EPSILON * self.base.loss.abs().max(f64::EPSILON) / h;
        Ok(Some((difference, (fine - coarse).abs() / 3.0 + rounding)))
    }
}
