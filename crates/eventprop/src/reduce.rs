//! One batch, several ranks: processes that solve shares of a batch and keep the same parameters.
//!
//! A [`Session`](crate::train::Session) knows its batch as a whole: 1/N, the means of regularisers, the
//! activity, the report and the gradient are those of all ranks, and every rank makes the same step. How
//! the ranks talk is behind [`Reduce`]; the engine knows one that has nobody to talk to, [`Alone`].
//!
//! # The order of sums
//! Counts are integers, and their sums have no order. Every other sum has one that does not depend on the
//! ranks: over the samples of the batch or, for the gradient of the grid solver, over groups of
//! [`group_len`](crate::solver::Solver::group_len) samples that follow one another, each summed for
//! itself. How long a group is depends on the whole batch and the network only. So if every share begins
//! at the begin of a group ([`Reduce::share`]), the ranks can go on with each other's sums: the first
//! adds its groups one after the other, the next adds its own to what it is handed, and so on, and what
//! the last one holds has the bits that one rank would have found
//! ([`Reduce::join`], [`Reduce::hand_on`]).
//!
//! One way of summing cannot be cut: of a batch so small that the traces of all samples stay in the cache, the grid
//! solver gathers the gradient in one go, number by number over all samples. Such a batch is one group, which the
//! first rank solves: what it takes is less than what a message takes. So bits do not depend on whether there are
//! ranks at all.
//!
//! [`Ranks`] is what stands behind [`Reduce`] when there are some: it knows in which order messages go, over whatever
//! [`Link`] they do.

mod ranks;

use std::fmt::Debug;
use std::ops::Range;

use thiserror::Error;

use crate::real::NumbersMut;

pub use ranks::{Link, Ranks};

/// Why ranks could not sum.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReduceError {
    /// Another rank failed; it knows why.
    #[error("rank {rank} failed; its own message says why")]
    Failed {
        /// The rank, from 0.
        rank: usize,
    },
    /// The ranks cannot talk to each other any more.
    #[error("the ranks cannot reach each other: {why}")]
    Lost {
        /// Message of the means of communication.
        why: String,
    },
}

/// Communication of a session and a solver with other ranks. All ranks make the same calls in the same order; a call
/// waits until as many of the others as it needs have made it.
///
/// # Errors
/// Every call with a result: [`ReduceError::Failed`] when another rank called [`Self::fail`] instead,
/// [`ReduceError::Lost`] when it cannot be reached.
pub trait Reduce: Debug + Send {
    /// The samples of a batch of `samples` that this rank solves. The shares of all ranks follow one
    /// another in the order of ranks and cover the batch; they begin at multiples of `group` and may be
    /// empty. What is summed next is of this batch.
    fn share(&mut self, samples: usize, group: usize) -> Range<usize>;

    /// Replaces every count by its sum over all ranks.
    ///
    /// # Errors
    /// See the trait; likewise below.
    fn total(&mut self, counts: &mut [u64]) -> Result<(), ReduceError>;

    /// Adds what the ranks before this one have summed. x + y has the bits of y + x, so the first of this
    /// rank's numbers may be there already.
    ///
    /// # Errors
    /// See the trait.
    fn join(&mut self, sum: NumbersMut<'_>) -> Result<(), ReduceError>;

    /// Hands a sum on to the rank behind, and replaces it by that of the last rank.
    ///
    /// # Errors
    /// See the trait.
    fn hand_on(&mut self, sum: NumbersMut<'_>) -> Result<(), ReduceError>;

    /// Tells the other ranks that this one has failed and will make no further call for this batch.
    fn fail(&mut self);
}

/// One rank: every batch is its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Reduce for Alone {
    fn share(&mut self, samples: usize, _group: usize) -> Range<usize> {
        0..samples
    }

    fn total(&mut self, _counts: &mut [u64]) -> Result<(), ReduceError> {
        Ok(())
    }

    fn join(&mut self, _sum: NumbersMut<'_>) -> Result<(), ReduceError> {
        Ok(())
    }

    fn hand_on(&mut self, _sum: NumbersMut<'_>) -> Result<(), ReduceError> {
        Ok(())
    }

    fn fail(&mut self) {}
}
