//! Delays: when a spike arrives.
//!
//! A projection has one delay for all of its spikes ([`Delay::Constant`]), or one for each source, each
//! target or each synapse ([`Delay::Each`]); the latter are parameters beside the weights. [`Lags`] are
//! the times themselves, in ms or in steps: what a solver asks.

use super::Init;
use super::synapse::Synapse;
use super::wiring::Synapses;

/// The time between a spike and its arrival.
#[derive(Debug, Clone, PartialEq)]
pub enum Delay {
    /// The same for all synapses of the projection, in ms; not a parameter.
    Constant(f64),
    /// One for each source, target or synapse.
    Each(Delays),
}

/// Delays in which the synapses of a projection differ, or that are trained. They live in
/// [`Params`](crate::params::Params) and stay between 0 and [`Self::most_ms`].
#[derive(Debug, Clone, PartialEq)]
pub struct Delays {
    /// The synapses that share a delay.
    pub by: By,
    /// Initial values in ms; what is drawn beyond a bound lies on it.
    pub init: Init,
    /// The longest delay in ms that training may give; memory grows with it where synapses differ by target.
    pub most_ms: f64,
    /// True if training changes them.
    pub trained: bool,
}

/// The synapses of a projection that share a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// All of them.
    Projection,
    /// Those of one source (axonal).
    Source,
    /// Those of one target (dendritic).
    Target,
    /// Those of one weight (synaptic).
    Synapse,
}

impl By {
    /// Index of the delay of a synapse.
    #[inline(always)]
    pub fn index(self, synapse: Synapse) -> usize {
        match self {
            Self::Projection => 0,
            Self::Source => synapse.source,
            Self::Target => synapse.target,
            Self::Synapse => synapse.weight,
        }
    }

    /// The shape of the delays of a wiring.
    pub fn shape(self, synapses: &Synapses) -> Vec<usize> {
        match self {
            Self::Projection => vec![1],
            Self::Source => vec![synapses.sources()],
            Self::Target => vec![synapses.targets()],
            Self::Synapse => synapses.shape(),
        }
    }

    /// The name, as users give it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Projection => "projection",
            Self::Source => "source",
            Self::Target => "target",
            Self::Synapse => "synapse",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Projection, Self::Source, Self::Target, Self::Synapse];
        all.into_iter().find(|by| by.name() == name)
    }
}

impl Delay {
    /// No delay beyond what the solver itself needs.
    pub const NONE: Self = Self::Constant(0.0);

    /// The delays that are parameters.
    pub fn each(&self) -> Option<&Delays> {
        match self {
            Self::Constant(_) => None,
            Self::Each(delays) => Some(delays),
        }
    }

    /// The delays that are trained.
    pub fn trained(&self) -> Option<&Delays> {
        self.each().filter(|delays| delays.trained)
    }
}

/// The times between the spikes of a projection and their arrivals: in ms, or in steps of the grid.
#[derive(Debug, Clone, PartialEq)]
pub enum Lags<T> {
    /// The same for all synapses.
    Same(T),
    /// One for each source, target or synapse.
    Each {
        /// The synapses that share one.
        by: By,
        /// In the order of the parameters.
        values: Vec<T>,
    },
}

impl<T: Copy> Lags<T> {
    /// The same times in another unit.
    pub fn map<U>(&self, convert: impl Fn(T) -> U) -> Lags<U> {
        match self {
            Self::Same(lag) => Lags::Same(convert(*lag)),
            Self::Each { by, values } => Lags::Each {
                by: *by,
                values: values.iter().copied().map(convert).collect(),
            },
        }
    }

    /// The shortest and the longest; none where there are no synapses.
    pub fn range(&self) -> Option<(T, T)>
    where
        T: PartialOrd,
    {
        match self {
            Self::Same(lag) => Some((*lag, *lag)),
            Self::Each { values, .. } => {
                let first = *values.first()?;
                let wider = |(least, most): (T, T), &lag: &T| {
                    let least = if lag < least { lag } else { least };
                    (least, if lag > most { lag } else { most })
                };
                Some(values.iter().fold((first, first), wider))
            }
        }
    }

    /// The time of one synapse.
    #[inline(always)]
    pub fn of(&self, synapse: Synapse) -> T {
        match self {
            Self::Same(lag) => *lag,
            Self::Each { by, values } => values[by.index(synapse)],
        }
    }
}
