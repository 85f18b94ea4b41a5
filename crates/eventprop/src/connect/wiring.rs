//! Wirings: which neurons of two populations are connected.

use std::sync::Arc;

use thiserror::Error;

use super::delay::By;
use super::dense::Dense;
use super::one_to_one::OneToOne;
use super::sparse::{Pattern, Sparse};
use super::synapse::Synapse;
use crate::aligned::Aligned;
use crate::real::Real;

/// The pattern of connections between two populations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Wiring {
    /// Every source with every target; weights `[source, target]`.
    #[default]
    Dense,
    /// Every neuron with the one of the same number in a population of the same size; weights
    /// `[neuron]`.
    OneToOne,
    /// Some sources with some targets; weights `[synapse]`, source by source and by target within each.
    Sparse(Arc<Pattern>),
}

/// A wiring that does not fit the populations that it is to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WiringError {
    /// One to one between populations of different sizes.
    #[error(
        "one to one needs two populations of one size, not of {sources} and {targets} neurons; connect them densely"
    )]
    Sizes {
        /// Neurons of the source.
        sources: usize,
        /// Neurons of the target.
        targets: usize,
    },
    /// A pattern of other populations.
    #[error(
        "the pattern connects {of_sources} with {of_targets} neurons, and the populations have {sources} and {targets}; make it for these"
    )]
    Pattern {
        /// Sources of the pattern.
        of_sources: usize,
        /// Targets of the pattern.
        of_targets: usize,
        /// Neurons of the source.
        sources: usize,
        /// Neurons of the target.
        targets: usize,
    },
}

/// The synapses of a wiring between two populations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synapses {
    pub(super) kind: Kind,
}

/// One variant per wiring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Dense(Dense),
    OneToOne(OneToOne),
    Sparse(Sparse),
}

impl Wiring {
    /// The order of the weights, in words.
    pub(crate) fn order(&self) -> &'static str {
        match self {
            Self::Dense => "source × target, row by row",
            Self::OneToOne => "one for each pair of neurons",
            Self::Sparse(_) => "one for each synapse, source by source",
        }
    }

    /// The synapses between populations of these sizes.
    ///
    /// # Errors
    /// When the wiring does not fit them.
    pub fn between(&self, sources: usize, targets: usize) -> Result<Synapses, WiringError> {
        let kind = match self {
            Self::Dense => Kind::Dense(Dense { sources, targets }),
            Self::OneToOne if sources != targets => {
                return Err(WiringError::Sizes { sources, targets });
            }
            Self::OneToOne => Kind::OneToOne(OneToOne { size: sources }),
            Self::Sparse(pattern) => {
                let (of_sources, of_targets) = (pattern.sources(), pattern.targets());
                if (of_sources, of_targets) != (sources, targets) {
                    return Err(WiringError::Pattern {
                        of_sources,
                        of_targets,
                        sources,
                        targets,
                    });
                }
                Kind::Sparse(Sparse(Arc::clone(pattern)))
            }
        };
        Ok(Synapses { kind })
    }
}

impl Synapses {
    /// The shape of the weights; they are numbered row by row.
    pub fn shape(&self) -> Vec<usize> {
        match &self.kind {
            Kind::Dense(dense) => dense.shape(),
            Kind::OneToOne(one) => one.shape(),
            Kind::Sparse(sparse) => sparse.shape(),
        }
    }

    /// Number of weights.
    pub fn weights_len(&self) -> usize {
        self.shape().iter().product()
    }

    /// Number of sending neurons.
    pub fn sources(&self) -> usize {
        match &self.kind {
            Kind::Dense(dense) => dense.sources,
            Kind::OneToOne(one) => one.size,
            Kind::Sparse(sparse) => sparse.0.sources(),
        }
    }

    /// Number of receiving neurons.
    pub fn targets(&self) -> usize {
        match &self.kind {
            Kind::Dense(dense) => dense.targets,
            Kind::OneToOne(one) => one.size,
            Kind::Sparse(sparse) => sparse.0.targets(),
        }
    }

    /// True if all synapses of a source have the same delay where those of `by` share one.
    pub(crate) fn share_by_source(&self, by: By) -> bool {
        match (&self.kind, by) {
            (_, By::Projection | By::Source) | (Kind::OneToOne(_), _) => true,
            (Kind::Dense(_) | Kind::Sparse(_), By::Target | By::Synapse) => false,
        }
    }

    /// The synapse at a place among those of a source.
    #[inline(always)]
    pub(crate) fn at(&self, source: usize, place: usize) -> Synapse {
        match &self.kind {
            Kind::Dense(dense) => dense.at(source, place),
            Kind::OneToOne(one) => one.at(source),
            Kind::Sparse(sparse) => sparse.at(source, place),
        }
    }

    /// The synapses of one source, in the order in which a spike is delivered.
    pub fn of(&self, source: usize) -> Box<dyn Iterator<Item = Synapse> + '_> {
        match &self.kind {
            Kind::Dense(dense) => Box::new(dense.of(source)),
            Kind::OneToOne(one) => Box::new(one.of(source)),
            Kind::Sparse(sparse) => Box::new(sparse.of(source)),
        }
    }

    /// Number of synapses of one source.
    pub fn fan_out(&self, source: usize) -> usize {
        self.of(source).count()
    }

    /// All synapses, source by source.
    pub fn iter(&self) -> impl Iterator<Item = Synapse> + '_ {
        (0..self.sources()).flat_map(|source| self.of(source))
    }

    /// The synapse from `source` to `target`; none where they are not connected.
    #[inline(always)]
    pub(crate) fn find(&self, source: usize, target: usize) -> Option<Synapse> {
        match &self.kind {
            Kind::Dense(dense) => Some(dense.at(source, target)),
            Kind::OneToOne(one) => (source == target).then(|| one.at(source)),
            Kind::Sparse(sparse) => sparse.find(source, target),
        }
    }

    /// The weight of the synapse from `source` to `target`; none where they are not connected.
    #[inline(always)]
    pub(crate) fn weight<F: Real>(&self, w: &[F], source: usize, target: usize) -> Option<F> {
        match &self.kind {
            Kind::Dense(dense) => Some(dense.weight(w, source, target)),
            Kind::OneToOne(one) => one.weight(w, source, target),
            Kind::Sparse(sparse) => Some(w[sparse.find(source, target)?.weight]),
        }
    }

    /// `[F5]` Adds what a spike of `source` brings to the currents of the targets. i: `[target]`.
    #[inline(always)]
    pub(crate) fn deliver<F: Real>(&self, w: &[F], source: usize, i: &mut [F]) {
        match &self.kind {
            Kind::Dense(dense) => dense.deliver(w, source, i),
            Kind::OneToOne(one) => one.deliver(w, source, i),
            Kind::Sparse(sparse) => sparse.deliver(w, source, i),
        }
    }

    /// `[A4]` R of a spike of `source`. λ_V, λ_I: `[target]`.
    #[inline(always)]
    pub(crate) fn backflow<F: Real>(
        &self,
        w: &[F],
        source: usize,
        lambda_v: &[F],
        lambda_i: &[F],
    ) -> F {
        match &self.kind {
            Kind::Dense(dense) => dense.backflow(w, source, lambda_v, lambda_i),
            Kind::OneToOne(one) => one.backflow(w, source, lambda_v, lambda_i),
            Kind::Sparse(sparse) => sparse.backflow(w, source, lambda_v, lambda_i),
        }
    }

    /// `[G1]` Adds what the arrival of a spike of `source` does to the derivatives of the weights;
    /// τ_syn and λ_I are those of a target.
    #[inline(always)]
    pub(crate) fn gather<F: Real>(
        &self,
        gradient: &mut [F],
        source: usize,
        tau_syn: impl Fn(usize) -> F,
        lambda_i: impl Fn(usize) -> F,
    ) {
        match &self.kind {
            Kind::Dense(dense) => dense.gather(gradient, source, tau_syn, lambda_i),
            Kind::OneToOne(one) => one.gather(gradient, source, tau_syn, lambda_i),
            Kind::Sparse(sparse) => sparse.gather(gradient, source, tau_syn, lambda_i),
        }
    }

    /// Copies weights into the order in which a `Connection` reads them, where it is another one.
    pub(crate) fn pack<F: Real>(&self, weights: &[F], copy: &mut Aligned<F>) {
        if let Kind::Dense(dense) = &self.kind {
            dense.pack(weights, copy);
        }
    }

    /// Weights in the order in which a `Connection` reads them; `copy` is what [`Self::pack`] made.
    pub(crate) fn packed<'a, F>(&self, weights: &'a [F], copy: &'a Aligned<F>) -> &'a [F] {
        match &self.kind {
            Kind::Dense(dense) if dense.is_padded() => copy,
            Kind::Dense(_) | Kind::OneToOne(_) | Kind::Sparse(_) => weights,
        }
    }
}
