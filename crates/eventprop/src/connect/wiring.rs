//! Wirings: which neurons of two populations are connected.

use std::sync::Arc;

use super::convolution::{Convolution, Convolved};
use super::delay::By;
use super::dense::Dense;
use super::init::Init;
use super::one_to_one::OneToOne;
use super::pool::{Pool, Pooling};
use super::shape::Shape;
use super::sparse::{Pattern, Sparse};
use super::synapse::Synapse;
use super::wiring_error::WiringError;
use crate::aligned::Aligned;
use crate::real::Real;
use crate::rng::Key;

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
    /// A kernel that is moved over the positions of the source; weights `[kernel y, kernel x, channel in, channel out]`.
    Convolution(Convolution),
    /// Neurons of the source are put together, and connected with the target as another wiring says.
    Pooled(Pool, Box<Self>),
}

/// The synapses of a wiring between two populations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synapses {
    pub(super) kind: Kind,
    /// The neurons that stand for the sources, where they are pooled.
    pub(super) pooling: Option<Pooling>,
}

/// One variant per wiring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Dense(Dense),
    OneToOne(OneToOne),
    Sparse(Sparse),
    Convolved(Convolved),
}

impl Wiring {
    /// The order of the weights, in words.
    pub(crate) fn order(&self) -> &'static str {
        match self {
            Self::Dense => "source × target, row by row",
            Self::OneToOne => "one for each pair of neurons",
            Self::Sparse(_) => "one for each synapse, source by source",
            Self::Convolution(_) => "kernel y × kernel x × channel in × channel out, row by row",
            Self::Pooled(_, behind) => behind.order(),
        }
    }

    /// What a spike delivers over a synapse, as a multiple of its weight: below 1 where it is one of those of an average.
    pub fn factor(&self) -> f64 {
        match self {
            Self::Pooled(pool, behind) => pool.factor() * behind.factor(),
            Self::Dense | Self::OneToOne | Self::Sparse(_) | Self::Convolution(_) => 1.0,
        }
    }

    /// The synapses between populations of these sizes or shapes.
    ///
    /// # Errors
    /// When the wiring does not fit them.
    pub fn between(
        &self,
        source: impl Into<Shape>,
        target: impl Into<Shape>,
    ) -> Result<Synapses, WiringError> {
        let (source, target) = (source.into(), target.into());
        let neurons = |shape: Shape| shape.neurons().ok_or(WiringError::Large { shape });
        let (sources, targets) = (neurons(source)?, neurons(target)?);
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
            Self::Convolution(how) => Kind::Convolved(Convolved::new(*how, source, target)?),
            Self::Pooled(pool, behind) => {
                let Synapses { kind, pooling } = behind.between(pool.shape(source)?, target)?;
                let pooling = Some(Pooling::new(*pool, source, pooling)?);
                return Ok(Synapses { kind, pooling });
            }
        };
        let pooling = None;
        Ok(Synapses { kind, pooling })
    }
}

impl Synapses {
    /// The shape of the weights; they are numbered row by row.
    pub fn shape(&self) -> Vec<usize> {
        match &self.kind {
            Kind::Dense(dense) => dense.shape(),
            Kind::OneToOne(one) => one.shape(),
            Kind::Sparse(sparse) => sparse.shape(),
            Kind::Convolved(convolved) => convolved.shape(),
        }
    }

    /// Number of weights.
    pub fn weights_len(&self) -> usize {
        self.shape().iter().product()
    }

    /// Number of sending neurons.
    pub fn sources(&self) -> usize {
        match &self.pooling {
            Some(pooling) => pooling.sources(),
            None => self.rows_len(),
        }
    }

    /// Number of neurons that stand for the sources: the sources themselves, unless they are pooled.
    pub(crate) fn rows_len(&self) -> usize {
        match &self.kind {
            Kind::Dense(dense) => dense.sources,
            Kind::OneToOne(one) => one.size,
            Kind::Sparse(sparse) => sparse.0.sources(),
            Kind::Convolved(convolved) => convolved.sources(),
        }
    }

    /// The neuron that stands for a source: the source itself, unless it is pooled; none where it has no synapses.
    #[inline(always)]
    pub(crate) fn row_of(&self, source: usize) -> Option<usize> {
        match &self.pooling {
            Some(pooling) => pooling.of(source),
            None => Some(source),
        }
    }

    /// True if neurons of the source are pooled.
    pub(crate) fn is_pooled(&self) -> bool {
        self.pooling.is_some()
    }

    /// [`Wiring::factor`].
    pub fn factor(&self) -> f64 {
        self.pooling.as_ref().map_or(1.0, Pooling::factor)
    }

    /// True if synapses share weights.
    pub fn is_shared(&self) -> bool {
        self.pooling.is_some() || matches!(self.kind, Kind::Convolved(_))
    }

    /// The weights of the synapses that end at some of the targets, ascending.
    pub fn weights_into(&self, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let synapses = self.iter().filter(|synapse| wanted(synapse.target));
        let mut weights: Vec<usize> = synapses.map(|synapse| synapse.weight).collect();
        weights.sort_unstable();
        weights.dedup();
        weights
    }

    /// Initial weights, drawn under a key unless they are given.
    ///
    /// # Panics
    /// When there are fewer given ones.
    pub fn initial(&self, init: &Init, key: Key) -> Vec<f64> {
        let places = match init {
            Init::FanIn { .. } => self.places(),
            Init::Normal { .. } | Init::Uniform { .. } | Init::Values(_) => Vec::new(),
        };
        let spikes = self.spikes_of_place();
        let weight = |number: usize| {
            let drawn = init.draw(key, number);
            let Init::FanIn { mean, .. } = init else {
                return drawn;
            };
            let n = places[number] as f64;
            (mean / n + (drawn - mean) / n.sqrt()) / spikes
        };
        (0..self.weights_len()).map(weight).collect()
    }

    /// Spikes that arrive from a place, in those of one neuron.
    pub(crate) fn spikes_of_place(&self) -> f64 {
        let together = self.pooling.as_ref().map_or(1, Pooling::together);
        together as f64 * self.factor()
    }

    /// Per weight, the number of places from which the target of its synapses receives, at most (at the border of an image
    /// fewer than the kernel has), where neurons that are pooled are one place.
    pub(crate) fn places(&self) -> Vec<usize> {
        let len = self.weights_len();
        match &self.kind {
            Kind::Dense(dense) => vec![dense.sources; len],
            Kind::OneToOne(_) => vec![1; len],
            Kind::Sparse(sparse) => sparse.places(),
            Kind::Convolved(convolved) => convolved.places(),
        }
    }

    /// Number of receiving neurons.
    pub fn targets(&self) -> usize {
        match &self.kind {
            Kind::Dense(dense) => dense.targets,
            Kind::OneToOne(one) => one.size,
            Kind::Sparse(sparse) => sparse.0.targets(),
            Kind::Convolved(convolved) => convolved.targets(),
        }
    }

    /// True if all synapses of a source have the same delay where those of `by` share one.
    pub(crate) fn share_by_source(&self, by: By) -> bool {
        match (&self.kind, by) {
            (_, By::Projection | By::Source) | (Kind::OneToOne(_), _) => true,
            (_, By::Target | By::Synapse) => false,
        }
    }

    /// The synapse at a place among those of a source.
    #[inline(always)]
    pub(crate) fn at(&self, source: usize, place: usize) -> Synapse {
        let row = self.row_of(source);
        let row = row.expect("the place is one of the source's synapses");
        let synapse = match &self.kind {
            Kind::Dense(dense) => dense.at(row, place),
            Kind::OneToOne(one) => one.at(row),
            Kind::Sparse(sparse) => sparse.at(row, place),
            Kind::Convolved(convolved) => convolved.at(row, place),
        };
        Synapse { source, ..synapse }
    }

    /// The synapses of one source, in the order in which a spike is delivered.
    pub fn of(&self, source: usize) -> Box<dyn Iterator<Item = Synapse> + '_> {
        let Some(row) = self.row_of(source) else {
            return Box::new(std::iter::empty());
        };
        let of_row: Box<dyn Iterator<Item = Synapse> + '_> = match &self.kind {
            Kind::Dense(dense) => Box::new(dense.of(row)),
            Kind::OneToOne(one) => Box::new(one.of(row)),
            Kind::Sparse(sparse) => Box::new(sparse.of(row)),
            Kind::Convolved(convolved) => Box::new(convolved.of(row)),
        };
        if row == source {
            return of_row;
        }
        Box::new(of_row.map(move |synapse| Synapse { source, ..synapse }))
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
        let row = self.row_of(source)?;
        let synapse = match &self.kind {
            Kind::Dense(dense) => dense.at(row, target),
            Kind::OneToOne(one) => (row == target).then(|| one.at(row))?,
            Kind::Sparse(sparse) => sparse.find(row, target)?,
            Kind::Convolved(convolved) => convolved.find(row, target)?,
        };
        Some(Synapse { source, ..synapse })
    }

    /// The weight of the synapse from `source` to `target`; none where they are not connected.
    #[inline(always)]
    pub(crate) fn weight<F: Real>(&self, w: &[F], source: usize, target: usize) -> Option<F> {
        let row = self.row_of(source)?;
        match &self.kind {
            Kind::Dense(dense) => Some(dense.weight(w, row, target)),
            Kind::OneToOne(one) => one.weight(w, row, target),
            Kind::Sparse(sparse) => Some(w[sparse.find(row, target)?.weight]),
            Kind::Convolved(convolved) => Some(w[convolved.find(row, target)?.weight]),
        }
    }

    /// `[F5]` Adds what a spike of `source` brings to the currents of the targets. i: `[target]`.
    #[inline(always)]
    pub(crate) fn deliver<F: Real>(&self, w: &[F], source: usize, i: &mut [F]) {
        let Some(row) = self.row_of(source) else {
            return;
        };
        match &self.kind {
            Kind::Dense(dense) => dense.deliver(w, row, i),
            Kind::OneToOne(one) => one.deliver(w, row, i),
            Kind::Sparse(sparse) => sparse.deliver(w, row, i),
            Kind::Convolved(convolved) => convolved.deliver(w, row, i),
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
        let Some(row) = self.row_of(source) else {
            return F::ZERO;
        };
        match &self.kind {
            Kind::Dense(dense) => dense.backflow(w, row, lambda_v, lambda_i),
            Kind::OneToOne(one) => one.backflow(w, row, lambda_v, lambda_i),
            Kind::Sparse(sparse) => sparse.backflow(w, row, lambda_v, lambda_i),
            Kind::Convolved(convolved) => convolved.backflow(w, row, lambda_v, lambda_i),
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
        let Some(row) = self.row_of(source) else {
            return;
        };
        match &self.kind {
            Kind::Dense(dense) => dense.gather(gradient, row, tau_syn, lambda_i),
            Kind::OneToOne(one) => one.gather(gradient, row, tau_syn, lambda_i),
            Kind::Sparse(sparse) => sparse.gather(gradient, row, tau_syn, lambda_i),
            Kind::Convolved(convolved) => convolved.gather(gradient, row, tau_syn, lambda_i),
        }
    }

    /// The same from the derivatives by a weight of each target. by_target: `[target]` or longer.
    #[inline(always)]
    pub(crate) fn gather_row<F: Real>(&self, gradient: &mut [F], source: usize, by_target: &[F]) {
        match (&self.kind, self.row_of(source)) {
            (Kind::Dense(dense), Some(row)) => dense.gather_row(gradient, row, by_target),
            _ => self.gather(gradient, source, |_| F::ONE, |target| -by_target[target]),
        }
    }

    /// Copies what weights deliver, in the order in which a `Connection` reads it, where that is something else than the
    /// weights.
    pub(crate) fn pack<F: Real>(&self, weights: &[F], copy: &mut Aligned<F>) {
        match &self.kind {
            Kind::Dense(dense) if dense.is_padded() => dense.pack(weights, copy),
            _ if self.factor() != 1.0 => copy.copy_of(weights),
            _ => return,
        }
        scale(copy, self.factor());
    }

    /// What weights deliver in the order in which a `Connection` reads it; `copy` is what [`Self::pack`] made.
    pub(crate) fn packed<'a, F>(&self, weights: &'a [F], copy: &'a Aligned<F>) -> &'a [F] {
        match &self.kind {
            Kind::Dense(dense) if dense.is_padded() => copy,
            _ if self.factor() != 1.0 => copy,
            _ => weights,
        }
    }
}

/// Multiplies by a factor; 1 changes nothing.
pub(crate) fn scale<F: Real>(values: &mut [F], factor: f64) {
    if factor != 1.0 {
        let factor = F::from_f64(factor);
        for value in values {
            *value *= factor;
        }
    }
}
