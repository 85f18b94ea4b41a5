//! Training and testing, batch by batch.
//!
//! A [`Session`] holds what a training run is made of: a solver, parameters, a loss and an optimiser.
//! [`Session::train_batch`] is the whole of EventProp on one page: forward, loss, adjoint, update, all
//! on the same batch with the same weights.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use thiserror::Error;

use crate::activity::{Activity, Counts};
use crate::dispatch::{Kernel, vectorized};
use crate::loss::{Labelled, Loss, LossError, LossFunction, LossScale, Outcome};
use crate::network::PopulationId;
use crate::optim::{Average, Optimizer, Rates};
use crate::params::{Params, Role};
use crate::readout::Seed;
use crate::real::Real;
use crate::reduce::{Alone, Reduce, ReduceError};
use crate::regularize::Regularizer;
use crate::rewire::{Rewiring, State};
use crate::shares::{CHUNK, for_each_sticky};
use crate::solver::{Disturbance, Drive, Grazing, SolveError, Solver, Sum, Trial};
use crate::spikes::Batch;

/// Why a batch could not be trained on.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum TrainError {
    /// The solver stopped.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The loss does not fit the network.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// The ranks could not sum.
    #[error(transparent)]
    Reduce(#[from] ReduceError),
    /// A gradient is not finite; the parameters were not changed.
    #[error(
        "the gradient of {name}[{index}] is {value}; the parameters were not changed. A spike that grazes its threshold can do this: set GRAZING to \"limit:0.01\", or lower the learning rate (ETA). With neurons from equations a step may be too long for them: more substeps in the model, or a shorter step"
    )]
    GradientNotFinite {
        /// The parameter range.
        name: String,
        /// Position within it.
        index: usize,
        /// NaN or infinity.
        value: f64,
    },
}

impl TrainError {
    /// The error of the ranks, if it is one.
    pub fn of_ranks(&self) -> Option<&ReduceError> {
        match self {
            Self::Reduce(error) | Self::Solve(SolveError::Reduce(error)) => Some(error),
            _ => None,
        }
    }
}

/// Loss, optimiser and regularisers of a training.
#[derive(Debug, Clone)]
pub struct Plan<F> {
    /// The loss.
    pub loss: Loss,
    /// The size of its gradient.
    pub loss_scale: LossScale,
    /// One regulariser per population of the network; may be shorter.
    pub regularizers: Vec<Regularizer>,
    /// Treatment of grazing spikes.
    pub grazing: Grazing,
    /// The optimiser.
    pub optimizer: Optimizer<F>,
    /// Parameters that training leaves as they are; their gradients are found all the same.
    pub frozen: Vec<Role>,
    /// The part ε of the label that is shared out among all classes (`[L12]`); 0 for none.
    pub label_smoothing: f64,
}

impl<F> Plan<F> {
    /// The exact gradient of a loss, of spikes as they are, for all parameters; no regulariser, labels as they are.
    pub fn new(loss: Loss, optimizer: Optimizer<F>) -> Self {
        Self {
            loss,
            loss_scale: LossScale::Exact,
            regularizers: Vec::new(),
            grazing: Grazing::Keep,
            optimizer,
            frozen: Vec::new(),
            label_smoothing: 0.0,
        }
    }
}

/// Outcomes of one batch: the whole one, where several ranks share it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchReport {
    /// Loss and prediction of every sample.
    pub outcomes: Vec<Outcome>,
    /// Sum of the losses of the samples.
    pub loss_sum: f64,
    /// Number of correct predictions.
    pub correct: usize,
}

/// A training run: solver, parameters, loss, optimiser, and the memory they work in.
#[derive(Debug)]
pub struct Session<S: Solver> {
    /// The solver.
    pub solver: S,
    /// The parameters.
    pub params: Params<S::Real>,
    /// The optimiser.
    pub optimizer: Optimizer<S::Real>,
    /// Tapes and readouts of the last batch.
    pub trials: S::Trials,
    /// The average of the parameters with which batches are tested, where one is kept.
    pub average: Option<Average<S::Real>>,
    /// Deep rewiring of sparse projections, where it is wanted.
    pub rewiring: Option<Rewiring>,
    /// The last gradient; after [`Self::train_batch`] as the optimiser took it.
    pub gradient: Params<S::Real>,
    /// Spikes since the caller last reset it.
    pub activity: Activity,
    /// Spikes of one neuron in one trial above which a neuron is counted in
    /// [`Activity::over_cap`]; nothing is dropped.
    pub spike_cap: Option<u32>,
    /// The ranks that share the batches; [`Alone`] at first.
    pub reduce: Box<dyn Reduce>,
    /// True while the first rank is to solve whole batches, so that all of their trials are in one place.
    pub undivided: bool,
    loss: Box<dyn LossFunction<S::Trials>>,
    grazing: Grazing,
    regularizers: Vec<Regularizer>,
    frozen: Vec<Role>,
    seeds: Vec<Seed<S::Real>>,
    spike_jumps: Vec<Vec<S::Real>>,
    counts: Counts,
}

/// Numbers that tell the outcome of a sample to other ranks, in a list of counts: only the rank that solved it has
/// other numbers than 0, so that a sum over ranks leaves them as they are.
const WORDS: usize = 2;

fn tell_outcome((words, outcome): (&mut [u64], &Outcome)) {
    words[0] = outcome.loss.to_bits();
    words[1] = outcome.prediction.map_or(0, |class| u64::from(class) + 1);
}

fn told_outcome(words: &[u64]) -> Outcome {
    Outcome {
        loss: f64::from_bits(words[0]),
        prediction: words[1].checked_sub(1).map(|class| class as u32),
    }
}

/// Samples that a task evaluates: the loss of one costs about a microsecond.
const SAMPLES_PER_TASK: usize = 8;

impl<S: Solver> Session<S> {
    /// A run that starts from `params`.
    ///
    /// # Errors
    /// When the loss does not fit the network.
    pub fn new(
        solver: S,
        params: Params<S::Real>,
        plan: Plan<S::Real>,
    ) -> Result<Self, TrainError> {
        let evaluator = plan.loss.prepare(solver.network(), plan.loss_scale)?;
        let evaluator = evaluator.smoothed(plan.label_smoothing)?;
        Ok(Self {
            grazing: plan.grazing,
            regularizers: plan.regularizers,
            frozen: plan.frozen,
            ..Self::with_loss(solver, params, evaluator, plan.optimizer)
        })
    }

    /// A run with your own loss: its exact gradient, of spikes as they are, for all parameters; no regulariser.
    pub fn with_loss(
        solver: S,
        params: Params<S::Real>,
        loss: impl LossFunction<S::Trials> + 'static,
        optimizer: Optimizer<S::Real>,
    ) -> Self {
        Self {
            gradient: params.zeros_like(),
            activity: Activity::for_network(solver.network()),
            solver,
            params,
            optimizer,
            trials: S::Trials::default(),
            average: None,
            rewiring: None,
            spike_cap: None,
            reduce: Box::new(Alone),
            undivided: false,
            loss: Box::new(loss),
            grazing: Grazing::Keep,
            regularizers: Vec::new(),
            frozen: Vec::new(),
            seeds: Vec::new(),
            spike_jumps: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Forward, loss, adjoint and one optimiser step with one learning rate, or with [`Rates`]; trained
    /// constants and delays are kept within their bounds.
    ///
    /// # Errors
    /// When the batch does not fit, or a state or a gradient leaves the finite numbers; the
    /// parameters are then as they were.
    pub fn train_batch(
        &mut self,
        batch: &Batch,
        disturbance: Option<&Disturbance>,
        rates: impl Into<Rates>,
    ) -> Result<BatchReport, TrainError> {
        let report = self.gradient_of(batch, disturbance)?;
        let rates = rates.into();
        let before = self.rewiring.as_ref().map(|r| r.before(&self.params));
        self.optimizer
            .step(&mut self.params, &mut self.gradient, rates, &self.frozen);
        self.params.keep_bounds();
        if let Some(average) = &mut self.average {
            average.add(&self.params);
        }
        if let Some((rewiring, before)) = self.rewiring.as_mut().zip(before) {
            let state = State {
                params: &mut self.params,
                optimizer: &mut self.optimizer,
                average: self.average.as_mut(),
            };
            let network = self.solver.network();
            for (id, pattern) in rewiring.step(network, (&before, rates.eta), state) {
                self.solver.rewire(id, pattern);
            }
        }
        Ok(report)
    }

    /// The parameters with which batches are tested: their average where one is kept.
    pub fn tested(&self) -> &Params<S::Real> {
        let average = self.average.as_ref();
        average.map_or(&self.params, |average| &average.params)
    }

    /// Ends the averaging: the average takes the place of the parameters.
    pub fn settle(&mut self) {
        if let Some(average) = self.average.take() {
            self.params = average.params;
        }
    }

    /// Forward, loss and adjoint; the gradient is left in [`Self::gradient`].
    ///
    /// # Errors
    /// As [`Self::train_batch`].
    pub fn gradient_of(
        &mut self,
        batch: &Batch,
        disturbance: Option<&Disturbance>,
    ) -> Result<BatchReport, TrainError> {
        let solved = self.solve(batch, disturbance);
        self.tell(solved)
    }

    /// Forward and loss with the parameters that are [tested](Self::tested); nothing is changed.
    ///
    /// # Errors
    /// When the batch does not fit, or a state leaves the finite numbers.
    pub fn test_batch(&mut self, batch: &Batch) -> Result<BatchReport, TrainError> {
        self.exchange_average();
        let tested = self.forward_and_loss(batch, None);
        self.exchange_average();
        let (report, _) = self.tell(tested)?;
        Ok(report)
    }

    /// The samples of a batch of `samples` that this rank is to be given; all of them where there are
    /// no ranks.
    pub fn share(&mut self, samples: usize) -> Range<usize> {
        let group = if self.undivided {
            samples
        } else {
            self.solver.group_len(samples)
        };
        self.reduce.share(samples, group.max(1))
    }

    fn exchange_average(&mut self) {
        if let Some(average) = &mut self.average {
            std::mem::swap(&mut self.params, &mut average.params);
        }
    }

    /// Lets the other ranks know of an error, which they would wait for otherwise.
    fn tell<T>(&mut self, result: Result<T, TrainError>) -> Result<T, TrainError> {
        if result.is_err() {
            self.reduce.fail();
        }
        result
    }

    fn solve(
        &mut self,
        batch: &Batch,
        disturbance: Option<&Disturbance>,
    ) -> Result<BatchReport, TrainError> {
        let (report, samples) = self.forward_and_loss(batch, disturbance)?;
        self.regularize(samples);
        let drive = Drive {
            seeds: &self.seeds[..batch.len()],
            spike_jumps: &self.spike_jumps,
            grazing: self.grazing,
        };
        let sum = Sum {
            gradient: &mut self.gradient,
            samples,
            reduce: &mut *self.reduce,
            inputs: None,
        };
        self.solver
            .adjoint(&self.params, &self.trials, drive, sum)?;
        self.check_gradient()?;
        Ok(report)
    }

    /// The report, and the number of samples of the whole batch.
    fn forward_and_loss(
        &mut self,
        batch: &Batch,
        disturbance: Option<&Disturbance>,
    ) -> Result<(BatchReport, usize), TrainError> {
        let mut samples = [batch.len() as u64];
        self.reduce.total(&mut samples)?;
        let samples = samples[0] as usize;
        let own = self.share(samples);
        assert_eq!(
            own.len(),
            batch.len(),
            "the batch is the share of this rank"
        );
        let trial = Trial {
            disturbance,
            ..self.loss.trial()
        };
        self.solver
            .forward(&self.params, batch, trial, &mut self.trials)?;
        let outcomes = self.evaluate_and_count(batch, samples);
        let right = |(outcome, label): &(&Outcome, &u32)| outcome.prediction == Some(**label);
        let correct = outcomes.iter().zip(batch.labels()).filter(right).count();
        let counts = &mut self.counts.totals;
        let first = counts.len();
        counts.push(correct as u64);
        counts.resize(first + 1 + WORDS * samples, 0);
        let words = counts[first + 1..].chunks_exact_mut(WORDS);
        words.skip(own.start).zip(&outcomes).for_each(tell_outcome);
        self.reduce.total(counts)?;
        let words = counts[first + 1..].chunks_exact(WORDS);
        let outcomes: Vec<Outcome> = words.map(told_outcome).collect();
        let report = BatchReport {
            loss_sum: outcomes.iter().fold(0.0, |sum, o| sum + o.loss),
            correct: counts[first] as usize,
            outcomes,
        };
        counts.truncate(first);
        self.activity.add(&self.counts, samples);
        Ok((report, samples))
    }

    /// Losses and seeds of the samples, of a batch of `samples` in all, and beside it their spikes.
    fn evaluate_and_count(&mut self, batch: &Batch, samples: usize) -> Vec<Outcome> {
        if self.seeds.len() < batch.len() {
            self.seeds.resize_with(batch.len(), Seed::default);
        }
        let (trials, loss) = (&self.trials, &*self.loss);
        let seeds = &mut self.seeds[..batch.len()];
        let evaluate = || -> Vec<Outcome> {
            seeds
                .par_iter_mut()
                .with_min_len(SAMPLES_PER_TASK)
                .zip(batch.labels())
                .enumerate()
                .map(|(sample, (seed, &label))| {
                    seed.clear();
                    let of = Labelled {
                        sample,
                        label,
                        samples,
                    };
                    loss.evaluate(trials, of, seed)
                })
                .collect()
        };
        let (counts, regularizers) = (&mut self.counts, &self.regularizers[..]);
        let (network, cap) = (self.solver.network(), self.spike_cap);
        let count = || counts.count(network, trials, regularizers, cap);
        let (outcomes, ()) = rayon::join(evaluate, count);
        outcomes
    }

    /// Sets the jumps of the regularisers after each spike, from the counts of the last forward pass of
    /// a batch of `samples`.
    fn regularize(&mut self, samples: usize) {
        if !self.regularizers.iter().any(Regularizer::is_active) {
            return;
        }
        let populations = self.solver.network().populations();
        self.spike_jumps.resize_with(populations.len(), Vec::new);
        for (index, regularizer) in self.regularizers.iter().enumerate() {
            if regularizer.is_active() {
                let size = populations[index].size;
                let counts = self.counts.of(PopulationId(index), size, samples);
                regularizer.spike_jumps(counts, &mut self.spike_jumps[index]);
            }
        }
    }

    fn check_gradient(&self) -> Result<(), TrainError> {
        // PERF: a microsecond for 12,000 numbers; sharing out fewer costs more than it saves.
        let values = self.gradient.values();
        let finite = AtomicBool::new(true);
        let check = |values| {
            if !vectorized(AllFinite { values }) {
                finite.store(false, Ordering::Relaxed);
            }
        };
        if values.len() < 1 << 15 {
            check(values);
        } else {
            for_each_sticky(values.chunks(CHUNK).collect(), check);
        }
        if finite.into_inner() {
            return Ok(());
        }
        let (name, index, value) = self
            .gradient
            .first_non_finite()
            .expect("a value that is not finite was just found");
        Err(TrainError::GradientNotFinite {
            name: name.to_owned(),
            index,
            value,
        })
    }
}

/// True if every number of a slice is finite, without leaving the loop early.
struct AllFinite<'a, F> {
    values: &'a [F],
}

impl<F: Real> Kernel for AllFinite<'_, F> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        // 0 x is 0 for finite x and NaN otherwise.
        let wrong = |x: &F| u32::from(F::ZERO * *x != F::ZERO);
        self.values.iter().fold(0, |any, x| any | wrong(x)) == 0
    }
}
