//! Some of the pairs of two populations: weights `[synapse]`, source by source and by target within each.

use std::sync::Arc;

use thiserror::Error;

use super::synapse::{Synapse, arrive, backflow, by_weight};
use crate::real::Real;
use crate::rng::Key;

/// The pairs of neurons that are connected, as compressed rows: one per source, sorted by target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    sources: usize,
    targets: usize,
    /// The first synapse of each source, `[sources + 1]`.
    starts: Vec<u32>,
    /// The target of every synapse.
    ends: Vec<u32>,
}

/// Pairs that make no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum PatternError {
    /// No pair is connected.
    #[error("no pair of {sources} and {targets} neurons is connected; connect at least one")]
    Empty {
        /// Neurons of the source.
        sources: usize,
        /// Neurons of the target.
        targets: usize,
    },
    /// More pairs than numbers of synapses.
    #[error("{found} synapses are too many; expected at most {most}")]
    TooMany {
        /// Number of synapses.
        found: usize,
        /// The largest number.
        most: usize,
    },
    /// A pair twice.
    #[error("the pair ({source_neuron}, {target}) is listed twice; a pair has one synapse")]
    Twice {
        /// The sending neuron.
        source_neuron: usize,
        /// The receiving neuron.
        target: usize,
    },
    /// A neuron that is not there.
    #[error(
        "the pair ({source_neuron}, {target}) is not one of {sources} sources and {targets} targets, which are counted from 0"
    )]
    Outside {
        /// The sending neuron.
        source_neuron: usize,
        /// The receiving neuron.
        target: usize,
        /// Neurons of the source.
        sources: usize,
        /// Neurons of the target.
        targets: usize,
    },
    /// A probability outside of its range.
    #[error("a probability of {probability} is not possible; expected one above 0 and at most 1")]
    Probability {
        /// The probability.
        probability: f64,
    },
    /// More sources for each target than there are.
    #[error("{fan_in} sources for each target are not possible; expected 1 to {sources}")]
    FanIn {
        /// Sources for each target.
        fan_in: usize,
        /// Neurons of the source.
        sources: usize,
    },
}

impl Pattern {
    /// These pairs of (source, target), in any order.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn new(
        sources: usize,
        targets: usize,
        mut pairs: Vec<(usize, usize)>,
    ) -> Result<Self, PatternError> {
        let outside = |pair: &&(usize, usize)| pair.0 >= sources || pair.1 >= targets;
        if let Some(&(source_neuron, target)) = pairs.iter().find(outside) {
            return Err(PatternError::Outside {
                source_neuron,
                target,
                sources,
                targets,
            });
        }
        pairs.sort_unstable();
        if let Some(twice) = pairs.windows(2).find(|two| two[0] == two[1]) {
            let (source_neuron, target) = twice[0];
            return Err(PatternError::Twice {
                source_neuron,
                target,
            });
        }
        if pairs.is_empty() {
            return Err(PatternError::Empty { sources, targets });
        }
        let (found, most) = (pairs.len(), u32::MAX as usize);
        if found > most {
            return Err(PatternError::TooMany { found, most });
        }
        let mut starts = vec![0; sources + 1];
        for (source, _) in &pairs {
            starts[source + 1] += 1;
        }
        for source in 0..sources {
            starts[source + 1] += starts[source];
        }
        Ok(Self {
            sources,
            targets,
            starts,
            ends: pairs.iter().map(|(_, target)| *target as u32).collect(),
        })
    }

    /// Every pair with a probability, drawn under a key.
    ///
    /// # Errors
    /// When the probability is none, or no pair was drawn.
    pub fn with_probability(
        sources: usize,
        targets: usize,
        probability: f64,
        key: Key,
    ) -> Result<Self, PatternError> {
        if !(probability > 0.0 && probability <= 1.0) {
            return Err(PatternError::Probability { probability });
        }
        let all = (0..sources).flat_map(|source| (0..targets).map(move |target| (source, target)));
        let drawn = all.zip(0..).filter(|(_, n)| key.uniform(*n) < probability);
        Self::new(sources, targets, drawn.map(|(pair, _)| pair).collect())
    }

    /// As many sources for every target, drawn under a key.
    ///
    /// # Errors
    /// When there are not so many sources, or none are asked for.
    pub fn with_fan_in(
        sources: usize,
        targets: usize,
        fan_in: usize,
        key: Key,
    ) -> Result<Self, PatternError> {
        if fan_in == 0 || fan_in > sources {
            return Err(PatternError::FanIn { fan_in, sources });
        }
        let into = |target: usize| {
            let order = key.with(target as u64).permutation(sources);
            order
                .into_iter()
                .take(fan_in)
                .map(move |source| (source, target))
        };
        Self::new(sources, targets, (0..targets).flat_map(into).collect())
    }

    /// Neurons that send.
    pub fn sources(&self) -> usize {
        self.sources
    }

    /// Neurons that receive.
    pub fn targets(&self) -> usize {
        self.targets
    }
}

/// The synapses of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sparse(pub Arc<Pattern>);

impl Sparse {
    pub fn shape(&self) -> Vec<usize> {
        vec![self.0.ends.len()]
    }

    /// The first synapse of a source, and the targets of its synapses.
    #[inline(always)]
    pub fn row(&self, source: usize) -> (usize, &[u32]) {
        let Pattern { starts, ends, .. } = &*self.0;
        let first = starts[source] as usize;
        (first, &ends[first..starts[source + 1] as usize])
    }

    pub fn of(&self, source: usize) -> impl Iterator<Item = Synapse> + '_ {
        let (first, row) = self.row(source);
        row.iter().enumerate().map(move |(place, &target)| Synapse {
            source,
            target: target as usize,
            weight: first + place,
        })
    }

    #[inline(always)]
    pub fn at(&self, source: usize, place: usize) -> Synapse {
        let (first, row) = self.row(source);
        Synapse {
            source,
            target: row[place] as usize,
            weight: first + place,
        }
    }

    pub fn find(&self, source: usize, target: usize) -> Option<Synapse> {
        let (_, row) = self.row(source);
        let place = row.binary_search(&(target as u32)).ok()?;
        Some(self.at(source, place))
    }

    /// `[F5]`
    #[inline(always)]
    pub fn deliver<F: Real>(&self, w: &[F], source: usize, i: &mut [F]) {
        let (first, row) = self.row(source);
        for (target, w) in row.iter().zip(&w[first..first + row.len()]) {
            let i = &mut i[*target as usize];
            *i = arrive(*i, *w);
        }
    }

    /// `[A4]`
    #[inline(always)]
    pub fn backflow<F: Real>(&self, w: &[F], source: usize, lambda_v: &[F], lambda_i: &[F]) -> F {
        let (first, row) = self.row(source);
        let mut sum = F::ZERO;
        for (target, w) in row.iter().zip(&w[first..first + row.len()]) {
            let target = *target as usize;
            sum += backflow(*w, lambda_v[target], lambda_i[target]);
        }
        sum
    }

    /// `[G1]`
    #[inline(always)]
    pub fn gather<F: Real>(
        &self,
        gradient: &mut [F],
        source: usize,
        tau_syn: impl Fn(usize) -> F,
        lambda_i: impl Fn(usize) -> F,
    ) {
        let (first, row) = self.row(source);
        for (dl_dw, target) in gradient[first..first + row.len()].iter_mut().zip(row) {
            let target = *target as usize;
            *dl_dw += by_weight(tau_syn(target), lambda_i(target));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, PatternError};
    use crate::rng::{Key, Purpose};

    #[test]
    fn pairs_are_sorted_and_checked() {
        let pattern = Pattern::new(3, 2, vec![(2, 0), (0, 1), (2, 1)]).unwrap();
        assert_eq!(pattern.starts, [0, 1, 1, 3]);
        assert_eq!(pattern.ends, [1, 0, 1]);
        assert_eq!((pattern.sources(), pattern.targets()), (3, 2));
        let twice = Pattern::new(3, 2, vec![(2, 0), (0, 1), (2, 0)]);
        let (source_neuron, target) = (2, 0);
        let expected = PatternError::Twice {
            source_neuron,
            target,
        };
        assert_eq!(twice, Err(expected));
        let outside = Pattern::new(3, 2, vec![(0, 2)]);
        assert!(matches!(outside, Err(PatternError::Outside { .. })));
        let (sources, targets) = (3, 2);
        let empty = PatternError::Empty { sources, targets };
        assert_eq!(Pattern::new(3, 2, Vec::new()), Err(empty));
    }

    /// Of 40,000 pairs with probability 0.1 some 4,000 ± 60 are drawn; the bound is 5 sd.
    #[test]
    fn drawn_patterns_have_the_density_that_was_asked_for() {
        let key = Key::new(7, Purpose::Test);
        let pattern = Pattern::with_probability(200, 200, 0.1, key).unwrap();
        assert!((pattern.ends.len() as f64 - 4000.0).abs() < 300.0);
        assert_eq!(Pattern::with_probability(200, 200, 0.1, key), Ok(pattern));
        let all = Pattern::with_probability(5, 4, 1.0, key).unwrap();
        assert_eq!(all.ends.len(), 20);
        let pattern = Pattern::with_fan_in(50, 30, 7, key).unwrap();
        for target in 0..30 {
            let found = pattern.ends.iter().filter(|&&end| end == target);
            assert_eq!(found.count(), 7);
        }
        for probability in [0.0, -0.1, 1.1, f64::NAN] {
            let found = Pattern::with_probability(5, 4, probability, key);
            assert!(matches!(found, Err(PatternError::Probability { .. })));
        }
        for fan_in in [0, 6] {
            let sources = 5;
            let expected = PatternError::FanIn { fan_in, sources };
            assert_eq!(Pattern::with_fan_in(5, 4, fan_in, key), Err(expected));
        }
    }
}
