//! The door for your own losses.
//!
//! A loss says what the forward pass must show ([`LossFunction::trial`]) and, sample by sample, what it makes of it
//! ([`LossFunction::evaluate`]): a value, a prediction if there is one, and a [`Seed`], the derivatives of the value by what
//! it read. The solver does the rest. The losses of this project go through the same door.
//!
//! What a seed can hold:
//!
//! - [`Pull::dl_dv`](crate::readout::Pull::dl_dv): ∂L/∂V at the rows of [`Readout::voltages`](crate::readout::Readout::voltages),
//!   of any population that the trial shows;
//! - [`Pull::dl_dt`](crate::readout::Pull::dl_dt): ∂L/∂t of every spike of the tape, of any population: losses of
//!   spike times, and of counts through a surrogate of your choice;
//! - the parts by which the losses of this project read the output: a density in time, peaks, first spikes.
//!
//! What is trained is the mean over the batch: every derivative carries the factor 1/N, N being
//! [`Labelled::samples`]. On the grid a spike has the time of its step, and its time as seen by the gradient is that of
//! the neuron between steps. A derivative that is not finite makes a gradient that is not finite, which a
//! [`Session`](crate::train::Session) reports. How to see that a derivative is right: [`crate::gradcheck::check_own`].

use std::fmt::Debug;

use super::{Evaluator, Outcome};
use crate::readout::Seed;
use crate::solver::{Trial, Trials};

/// A sample with its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labelled {
    /// Its place in the batch.
    pub sample: usize,
    /// Its label.
    pub label: u32,
    /// Samples of the whole batch, N.
    pub samples: usize,
}

/// A loss: what it reads of a trial, and what it makes of it. See [`crate::loss::function`].
pub trait LossFunction<R: Trials>: Debug + Send + Sync {
    /// The observations that the forward pass must make; disturbances are for others to say.
    fn trial(&self) -> Trial<'_>;

    /// Value and prediction of one sample. `seed` comes empty and takes the derivatives.
    ///
    /// # Panics
    /// The solver panics when a part of the seed is neither empty nor complete.
    fn evaluate(&self, trials: &R, of: Labelled, seed: &mut Seed<R::Real>) -> Outcome;
}

impl<R: Trials> LossFunction<R> for Evaluator {
    fn trial(&self) -> Trial<'_> {
        Trial::observing(self.loss().observes())
    }

    fn evaluate(&self, trials: &R, of: Labelled, seed: &mut Seed<R::Real>) -> Outcome {
        let readout = trials.readout(of.sample);
        self.evaluate(&readout, of.label, of.samples, seed)
    }
}
