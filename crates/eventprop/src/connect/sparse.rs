//! Some of the pairs of two populations: weights `[synapse]`, source by source and by target within each.

use std::collections::BTreeMap;
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

    /// `[O7]` The pattern with other pairs in place of the synapses at `removed`, ascending: pairs that are not connected, drawn
    /// evenly under a key. Where no pair is free, a synapse stays. Cost: of all synapses, however few pairs are free.
    ///
    /// # Panics
    /// When a place is beyond the last synapse.
    pub fn rewired(&self, removed: &[usize], key: Key) -> Rewired {
        let mut pairs: Vec<(usize, Origin)> = self
            .numbers()
            .zip(0..)
            .map(|(number, place)| (number, Origin::Kept(place)))
            .collect();
        let drawn = self.draw_free(&pairs, removed.len(), key);
        for (&place, &number) in removed.iter().zip(&drawn) {
            pairs[place] = (number, Origin::InPlaceOf(place));
        }
        pairs.sort_unstable_by_key(|&(number, _)| number);
        let pair = |&(number, _): &(usize, Origin)| (number / self.targets, number % self.targets);
        let pattern = Self::new(self.sources, self.targets, pairs.iter().map(pair).collect());
        Rewired {
            pattern: pattern.expect("pairs that are drawn are free"),
            origins: pairs.into_iter().map(|(_, origin)| origin).collect(),
            drawn: drawn.len(),
        }
    }

    /// The numbers of the connected pairs, source · targets + target, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        let row = |source: usize| self.starts[source] as usize..self.starts[source + 1] as usize;
        (0..self.sources).flat_map(move |source| {
            let ends = self.ends[row(source)].iter();
            ends.map(move |target| source * self.targets + *target as usize)
        })
    }

    /// Numbers of different pairs that are not connected, as many as are wanted or free: the first places of a shuffled list
    /// of all free pairs, of which only the places that moved are kept.
    fn draw_free(&self, connected: &[(usize, Origin)], wanted: usize, key: Key) -> Vec<usize> {
        let free = self.sources * self.targets - connected.len();
        let mut moved = BTreeMap::new();
        let ranks = (0..wanted.min(free)).map(|n| {
            let other = n + key.below(n as u64, (free - n) as u64) as usize;
            let at = |place: usize| moved.get(&place).copied().unwrap_or(place);
            let (rank, displaced) = (at(other), at(n));
            moved.insert(other, displaced);
            rank
        });
        // Before connected pair k lie as many free ones as its number is above k.
        let free_before: Vec<usize> = connected
            .iter()
            .zip(0..)
            .map(|(pair, k)| pair.0 - k)
            .collect();
        let number = |rank| rank + free_before.partition_point(|before| *before <= rank);
        ranks.map(number).collect()
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

/// A pattern with some other pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewired {
    /// The pattern.
    pub pattern: Pattern,
    /// Where each of its synapses comes from.
    pub origins: Vec<Origin>,
    /// Number of new pairs.
    pub drawn: usize,
}

/// Where a synapse of a new pattern comes from, by its place in the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is the same synapse.
    Kept(usize),
    /// It was drawn for another one.
    InPlaceOf(usize),
}

impl Origin {
    /// The place, where the synapse is the same.
    pub fn kept(self) -> Option<usize> {
        match self {
            Self::Kept(place) => Some(place),
            Self::InPlaceOf(_) => None,
        }
    }
}

/// The synapses of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sparse(pub Arc<Pattern>);

impl Sparse {
    pub fn shape(&self) -> Vec<usize> {
        vec![self.0.ends.len()]
    }

    /// Per synapse, the number of sources of its target.
    pub fn places(&self) -> Vec<usize> {
        let mut sources = vec![0; self.0.targets];
        self.0
            .ends
            .iter()
            .for_each(|end| sources[*end as usize] += 1);
        self.0
            .ends
            .iter()
            .map(|end| sources[*end as usize])
            .collect()
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
    use super::{Origin, Pattern, PatternError};
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

    /// `[O7]` Every free pair is drawn about as often as another: of 2,400 draws from 8 free pairs each comes 300 ± 16 times; the
    /// bound is 5 sd. Pairs that stay keep their order, and where nothing is free nothing changes.
    #[test]
    fn free_pairs_are_drawn_evenly() {
        let pattern = Pattern::new(3, 4, vec![(0, 1), (0, 2), (1, 0), (2, 3)]).unwrap();
        let mut counts = [0; 12];
        for n in 0..1200 {
            let key = Key::new(n, Purpose::Test);
            let rewired = pattern.rewired(&[0, 3], key);
            assert_eq!((rewired.drawn, rewired.pattern.ends.len()), (2, 4));
            let kept = rewired.origins.iter().filter_map(|origin| origin.kept());
            assert!(kept.eq([1, 2]));
            let Pattern { starts, ends, .. } = &rewired.pattern;
            for source in 0..3 {
                for place in starts[source] as usize..starts[source + 1] as usize {
                    if rewired.origins[place].kept().is_none() {
                        counts[source * 4 + ends[place] as usize] += 1;
                    }
                }
            }
            assert_eq!(pattern.rewired(&[0, 3], key), rewired);
        }
        for (number, count) in counts.into_iter().enumerate() {
            let connected = pattern.numbers().any(|connected| connected == number);
            let bound = if connected { 0..1 } else { 220..380 };
            assert!(bound.contains(&count), "{counts:?}");
        }
        let full = Pattern::with_probability(2, 2, 1.0, Key::new(1, Purpose::Test)).unwrap();
        let rewired = full.rewired(&[1], Key::new(2, Purpose::Test));
        assert_eq!((rewired.pattern, rewired.drawn), (full, 0));
    }

    /// Where one pair of 90,000 is free, it is found, and the first synapse gets it.
    #[test]
    fn the_last_free_pair_is_found() {
        let all = (0..300).flat_map(|source| (0..300).map(move |target| (source, target)));
        let missing = (217, 33);
        let pairs = all.filter(|pair| *pair != missing).collect();
        let pattern = Pattern::new(300, 300, pairs).unwrap();
        let rewired = pattern.rewired(&[5, 700], Key::new(1, Purpose::Test));
        assert_eq!(rewired.drawn, 1);
        let number = missing.0 * 300 + missing.1;
        assert!(rewired.pattern.numbers().any(|found| found == number));
        assert!(rewired.origins.contains(&Origin::InPlaceOf(5)));
        assert!(rewired.origins.contains(&Origin::Kept(700)));
    }

    /// Which synapse gets which free pair is drawn, too: of 2 synapses and 3 free pairs, each of the 6 orders comes 200 ± 13
    /// times in 1,200; the bound is 5 sd.
    #[test]
    fn free_pairs_are_drawn_in_any_order() {
        let pattern = Pattern::new(1, 5, vec![(0, 1), (0, 3)]).unwrap();
        let mut counts = std::collections::BTreeMap::new();
        for n in 0..1200 {
            let connected: Vec<_> = pattern
                .numbers()
                .map(|number| (number, Origin::Kept(0)))
                .collect();
            let drawn = pattern.draw_free(&connected, 2, Key::new(n, Purpose::Test));
            *counts.entry(drawn).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(
            counts.values().all(|count| (135..265).contains(count)),
            "{counts:?}"
        );
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
