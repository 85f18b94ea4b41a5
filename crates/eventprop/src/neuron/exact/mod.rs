//! Models whose time between two events has a closed form, and the times at which they reach their
//! thresholds: what the event solver asks.
//!
//! All of them have the membrane of `[F1]` and `[F2]`; their thresholds stay where they are (`crossing`) or
//! relax (`relaxing_threshold`).

pub(crate) mod crossing;
pub(crate) mod decay;
pub(crate) mod integer_ratio;
mod lambert;
pub(crate) mod relaxing_threshold;
mod search;

pub(crate) use crossing::Membrane;

/// A model whose state between two events is that of a [`Membrane`].
pub(crate) trait Exact {
    /// The membrane of a neuron.
    fn membrane(&self, neuron: usize) -> Membrane;
}
