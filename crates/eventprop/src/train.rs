//! Training and testing, batch by batch.
//!
//! A [`Session`] holds what a training run is made of: a solver, parameters, a loss and an optimiser.
//! [`Session::train_batch`] is the whole of EventProp on one page: forward, loss, adjoint, update, all
//! on the same batch with the same weights.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use thiserror::Error;

use crate::dispatch::{Kernel, vectorized};
use crate::loss::{Evaluator, Loss, LossError, LossScale, Outcome};
use crate::network::Network;
use crate::optim::Optimizer;
use crate::params::{Params, Role};
use crate::readout::Seed;
use crate::real::Real;
use crate::regularize::Regularizer;
use crate::shares::{CHUNK, for_each_sticky};
use crate::solver::{
    Disturbance, Drive, Forward, Grazing, SolveError, Solver, Trial, grazing_spikes,
};
use crate::spikes::Batch;
use crate::tape::SpikeTime;

/// Why a batch could not be trained on.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum TrainError {
    /// The solver stopped.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The loss does not fit the network.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// A gradient is not finite; the parameters were not changed.
    #[error(
        "the gradient of {name}[{index}] is {value}; the parameters were not changed. A spike that grazes its threshold can do this: set GRAZING to \"limit:0.01\", or lower the learning rate (ETA)"
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

/// What is optimised and how.
#[derive(Debug, Clone)]
pub struct Plan<F> {
    /// The loss.
    pub loss: Loss,
    /// The size of its gradient.
    pub loss_scale: LossScale,
    /// One regulariser per population of the network; may be shorter.
    pub regularizers: Vec<Regularizer>,
    /// What to do with grazing spikes.
    pub grazing: Grazing,
    /// The optimiser.
    pub optimizer: Optimizer<F>,
    /// Parameters that training leaves as they are; their gradients are found all the same.
    pub frozen: Vec<Role>,
}

/// What one batch gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchReport {
    /// Loss and prediction of every sample.
    pub outcomes: Vec<Outcome>,
    /// Sum of the losses of the samples.
    pub loss_sum: f64,
    /// Number of correct predictions.
    pub correct: usize,
}

/// Spikes since the last reset, for the epoch line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activity {
    /// Samples seen.
    pub samples: u64,
    /// Spikes per population and neuron.
    pub spikes: Vec<Vec<u64>>,
    /// Spikes that only grazed the threshold, per population.
    pub grazing: Vec<u64>,
    /// Pairs of sample and neuron with more spikes than [`Session::spike_cap`], per population.
    pub over_cap: Vec<u64>,
}

impl Activity {
    /// Spikes per neuron and sample of a population.
    pub fn rate(&self, population: usize) -> f64 {
        let spikes = &self.spikes[population];
        let total: u64 = spikes.iter().sum();
        total as f64 / (spikes.len() as f64 * self.samples.max(1) as f64)
    }

    /// Neurons of a population that never spiked.
    pub fn silent(&self, population: usize) -> usize {
        self.spikes[population].iter().filter(|&&n| n == 0).count()
    }
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
    pub forward: Forward<S::Time, S::Real>,
    /// The last gradient; after [`Self::train_batch`] as the optimiser took it.
    pub gradient: Params<S::Real>,
    /// Spikes since the caller last reset it.
    pub activity: Activity,
    /// Spikes of one neuron in one trial above which a neuron is counted in
    /// [`Activity::over_cap`]; nothing is dropped.
    pub spike_cap: Option<u32>,
    evaluator: Evaluator,
    grazing: Grazing,
    regularizers: Vec<Regularizer>,
    frozen: Vec<Role>,
    seeds: Vec<Seed<S::Real>>,
    spike_jumps: Vec<Vec<S::Real>>,
    counts: Vec<u32>,
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
        Ok(Self {
            gradient: params.zeros_like(),
            activity: Activity::for_network(solver.network()),
            solver,
            params,
            optimizer: plan.optimizer,
            forward: Forward::default(),
            spike_cap: None,
            evaluator,
            grazing: plan.grazing,
            regularizers: plan.regularizers,
            frozen: plan.frozen,
            seeds: Vec::new(),
            spike_jumps: Vec::new(),
            counts: Vec::new(),
        })
    }

    /// Forward, loss, adjoint and one optimiser step with learning rate `eta`; trained constants are
    /// kept within their bounds.
    ///
    /// # Errors
    /// When the batch does not fit, or a state or a gradient leaves the finite numbers; the
    /// parameters are then as they were.
    pub fn train_batch(
        &mut self,
        batch: &Batch,
        disturbance: Option<&Disturbance>,
        eta: f64,
    ) -> Result<BatchReport, TrainError> {
        let report = self.gradient_of(batch, disturbance)?;
        for &role in &self.frozen {
            self.gradient.clear(role);
        }
        self.optimizer
            .step(&mut self.params, &mut self.gradient, eta);
        self.params.keep_bounds();
        Ok(report)
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
        let report = self.forward_and_loss(batch, disturbance)?;
        self.regularize(batch.len());
        let drive = Drive {
            seeds: &self.seeds[..batch.len()],
            spike_jumps: &self.spike_jumps,
            grazing: self.grazing,
        };
        self.solver
            .adjoint(&self.params, &self.forward, drive, &mut self.gradient)?;
        self.check_gradient()?;
        Ok(report)
    }

    /// Forward and loss; nothing is changed.
    ///
    /// # Errors
    /// When the batch does not fit, or a state leaves the finite numbers.
    pub fn test_batch(&mut self, batch: &Batch) -> Result<BatchReport, TrainError> {
        self.forward_and_loss(batch, None)
    }

    fn forward_and_loss(
        &mut self,
        batch: &Batch,
        disturbance: Option<&Disturbance>,
    ) -> Result<BatchReport, TrainError> {
        let trial = Trial {
            observe: self.evaluator.loss().observes(),
            disturbance,
        };
        self.solver
            .forward(&self.params, batch, trial, &mut self.forward)?;
        if self.seeds.len() < batch.len() {
            self.seeds.resize_with(batch.len(), Seed::default);
        }
        let (forward, evaluator) = (&self.forward, &self.evaluator);
        let seeds = &mut self.seeds[..batch.len()];
        let evaluate = || -> Vec<Outcome> {
            seeds
                .par_iter_mut()
                .with_min_len(SAMPLES_PER_TASK)
                .zip(&forward.readouts)
                .zip(batch.labels())
                .map(|((seed, readout), &label)| {
                    evaluator.evaluate(readout, label, batch.len(), seed)
                })
                .collect()
        };
        let (activity, counts) = (&mut self.activity, &mut self.counts);
        let (network, cap) = (self.solver.network(), self.spike_cap);
        let count = || activity.count(network, forward, cap, counts);
        let (outcomes, ()) = rayon::join(evaluate, count);
        let right = |(outcome, label): &(&Outcome, &u32)| outcome.prediction == Some(**label);
        Ok(BatchReport {
            loss_sum: outcomes.iter().map(|outcome| outcome.loss).sum(),
            correct: outcomes.iter().zip(batch.labels()).filter(right).count(),
            outcomes,
        })
    }

    /// What the regularisers add to λ_V after each spike, from the counts of the last forward pass.
    fn regularize(&mut self, samples: usize) {
        if !self.regularizers.iter().any(Regularizer::is_active) {
            return;
        }
        let populations = self.solver.network().populations();
        self.spike_jumps.resize_with(populations.len(), Vec::new);
        for (index, regularizer) in self.regularizers.iter().enumerate() {
            if regularizer.is_active() {
                let size = populations[index].size;
                self.counts.clear();
                self.counts.resize(samples * size, 0);
                for (tape, counts) in self.forward.tapes.iter().zip(self.counts.chunks_mut(size)) {
                    tape.add_counts(index, counts);
                }
                regularizer.spike_jumps(&self.counts, samples, &mut self.spike_jumps[index]);
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

/// Whether every number of a slice is finite, without leaving the loop early.
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

impl Activity {
    /// Nothing seen yet.
    pub fn for_network(network: &Network) -> Self {
        let populations = network.populations();
        Self {
            samples: 0,
            spikes: populations.iter().map(|p| vec![0; p.size]).collect(),
            grazing: vec![0; populations.len()],
            over_cap: vec![0; populations.len()],
        }
    }

    /// Adds the spikes of a batch.
    fn count<T: SpikeTime, F: Real>(
        &mut self,
        network: &Network,
        forward: &Forward<T, F>,
        cap: Option<u32>,
        counts: &mut Vec<u32>,
    ) {
        self.samples += forward.tapes.len() as u64;
        for (index, population) in network.populations().iter().enumerate() {
            counts.clear();
            counts.resize(population.size, 0);
            // PERF: sample by sample only where a sample could have too many.
            let limit = T::limit(network.clock()).unwrap_or(usize::MAX);
            let cap = cap.filter(|&cap| limit > cap as usize);
            for tape in &forward.tapes {
                if let Some(cap) = cap {
                    counts.fill(0);
                    tape.add_counts(index, counts);
                    self.over_cap[index] += counts.iter().filter(|&&n| n > cap).count() as u64;
                    self.add(index, counts);
                } else {
                    tape.add_counts(index, counts);
                }
                let spikes = &tape.populations[index];
                self.grazing[index] += grazing_spikes(population, spikes) as u64;
            }
            if cap.is_none() {
                self.add(index, counts);
            }
        }
    }

    fn add(&mut self, population: usize, counts: &[u32]) {
        for (total, &count) in self.spikes[population].iter_mut().zip(counts) {
            *total += u64::from(count);
        }
    }
}
