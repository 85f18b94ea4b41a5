//! Delays: when a spike arrives.
//!
//! A kind of delay is a variant of [`Delay`]. So far all spikes of a projection are equally long on
//! their way: they arrive in the order in which they are sent, and a position on the tape of the source
//! is all the book-keeping there is. Delays per source, target or synapse arrive in another order; a
//! variant for them makes the compiler name the three places that keep such books: `Transit` (grid),
//! `solver/event/arrivals.rs`, and the judge.

/// The time between a spike and its arrival: in ms, or in steps of the grid.
#[derive(Debug, Clone, PartialEq)]
pub enum Delay<T = f64> {
    /// The same for all synapses of the projection.
    Constant(T),
}

impl<T: Copy> Delay<T> {
    /// The same kind of delay, in another unit.
    pub fn map<U>(&self, convert: impl Fn(T) -> U) -> Delay<U> {
        match self {
            Self::Constant(delay) => Delay::Constant(convert(*delay)),
        }
    }
}

impl Delay {
    /// No delay beyond what the solver itself needs.
    pub const NONE: Self = Self::Constant(0.0);

    /// The first delay that is negative or not finite.
    pub(crate) fn impossible(&self) -> Option<f64> {
        match self {
            Self::Constant(ms) => Some(*ms).filter(|ms| !ms.is_finite() || *ms < 0.0),
        }
    }
}
