//! Parameters: one flat buffer with named ranges.
//!
//! Gradients, optimiser moments and checkpoints have the same shape, so that every part of the
//! training loop is a loop over one slice.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::aligned::Aligned;
use crate::connect::scale;
use crate::network::{Network, NetworkError, NeuronConstant, PopulationId, ProjectionId};
use crate::real::Real;
use crate::rng::{Key, Purpose};

/// Meaning of a range of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Weights of a projection, numbered by its wiring (dense: `[source, target]`, row-major).
    Weights(ProjectionId),
    /// Delays of a projection in ms, numbered by the synapses that share one
    /// ([`By`](crate::connect::By)).
    Delays(ProjectionId),
    /// A trained constant of a population, one value per neuron.
    Constant(PopulationId, NeuronConstant),
}

/// A named range of the buffer.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Name, such as `input->hidden`, `input->hidden.delay` or `hidden.tau_mem`.
    pub name: String,
    /// Meaning.
    pub role: Role,
    /// Position in the buffer.
    pub range: Range<usize>,
    /// The smallest value that training may give these parameters; −∞ where there is no bound.
    pub least: f64,
    /// The largest value; ∞ where there is no bound.
    pub most: f64,
}

/// A flat buffer of parameters (or of their gradients) with named ranges.
#[derive(Debug, Clone)]
pub struct Params<F> {
    /// Changed through [`Self::change`] only.
    values: Aligned<F>,
    layout: Arc<Layout>,
    revision: Revision,
}

/// Positions in the buffer.
#[derive(Debug, PartialEq)]
struct Layout {
    /// The named ranges, one behind the other.
    entries: Vec<Entry>,
    /// The range of the weights of every projection.
    weights: Vec<Range<usize>>,
    /// The range of the delays of every projection; none where they are no parameters.
    delays: Vec<Option<Range<usize>>>,
}

/// The values that training may give to parameters.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    least: f64,
    most: f64,
}

impl Bounds {
    const NONE: Self = Self::from(f64::NEG_INFINITY);

    const fn from(least: f64) -> Self {
        Self {
            least,
            most: f64::INFINITY,
        }
    }
}

impl Layout {
    fn of(network: &Network) -> Self {
        let mut layout = Self {
            entries: Vec::new(),
            weights: Vec::new(),
            delays: Vec::new(),
        };
        for index in 0..network.projections().len() {
            let id = ProjectionId(index);
            let len = network.synapses(id).weights_len();
            let name = network.projection_name(id);
            let range = layout.push(name, Role::Weights(id), len, Bounds::NONE);
            layout.weights.push(range);
        }
        for (index, projection) in network.projections().iter().enumerate() {
            let id = ProjectionId(index);
            let range = projection.delay.each().map(|delays| {
                let len = delays.by.shape(&network.synapses(id)).iter().product();
                let name = format!("{}.delay", network.projection_name(id));
                let bounds = Bounds {
                    least: 0.0,
                    most: delays.most_ms,
                };
                layout.push(name, Role::Delays(id), len, bounds)
            });
            layout.delays.push(range);
        }
        for (index, population) in network.populations().iter().enumerate() {
            for trained in &population.trained {
                let name = format!("{}.{}", population.name, trained.constant.name());
                let role = Role::Constant(PopulationId(index), trained.constant);
                layout.push(name, role, population.size, Bounds::from(trained.least));
            }
        }
        layout
    }

    fn len(&self) -> usize {
        self.entries.last().map_or(0, |entry| entry.range.end)
    }

    /// Puts a range behind the others.
    fn push(&mut self, name: String, role: Role, len: usize, bounds: Bounds) -> Range<usize> {
        let range = self.len()..self.len() + len;
        self.entries.push(Entry {
            name,
            role,
            range: range.clone(),
            least: bounds.least,
            most: bounds.most,
        });
        range
    }
}

/// The weights of all projections, for loops that change the projection with every spike.
///
/// PERF: [`Params::weights`] goes through two pointers more; where each spike asks anew, as in the event
/// solver, that costs 3 % of a training.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AllWeights<'a, F> {
    values: &'a [F],
    ranges: &'a [Range<usize>],
}

impl<'a, F> AllWeights<'a, F> {
    /// Those of a projection.
    #[inline(always)]
    pub fn of(self, id: ProjectionId) -> &'a [F] {
        &self.values[self.range(id)]
    }

    /// Where they lie in the buffer.
    #[inline(always)]
    pub fn range(self, id: ProjectionId) -> Range<usize> {
        self.ranges[id.0].clone()
    }
}

/// Number of the values in a buffer: buffers of one revision have the same values, and every change makes a
/// revision that no buffer of the process had before. Whoever keeps a copy of parameters compares the
/// revision it copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision(u64);

impl Revision {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The same values in the same ranges.
impl<F: Real> PartialEq for Params<F> {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values && self.layout == other.layout
    }
}

/// Σ f(x).
///
/// PERF: in eight lanes, which the compiler keeps in one register; the order of summation is fixed.
pub(crate) fn sum_of<F: Real>(values: &[F], f: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let mut chunks = values.chunks_exact(8);
    for chunk in &mut chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x.to_f64());
        }
    }
    let rest = chunks.remainder().iter().map(|x| f(x.to_f64()));
    lanes.iter().sum::<f64>() + rest.sum::<f64>()
}

/// The Euclidean norm √(Σ x²).
pub fn euclidean<F: Real>(values: &[F]) -> f64 {
    sum_of(values, |x| x * x).sqrt()
}

impl<F: Real> Params<F> {
    /// Zeros in the shape of a network's parameters.
    ///
    /// # Errors
    /// When the network is not valid.
    pub fn zeros(network: &Network) -> Result<Self, NetworkError> {
        network.validate()?;
        let layout = Layout::of(network);
        Ok(Self {
            values: Aligned::zeros(layout.len()),
            layout: Arc::new(layout),
            revision: Revision::new(),
        })
    }

    /// The named ranges of a network's parameters, without the parameters.
    ///
    /// # Errors
    /// When the network is not valid.
    pub fn layout_of(network: &Network) -> Result<Vec<Entry>, NetworkError> {
        network.validate()?;
        Ok(Layout::of(network).entries)
    }

    /// Initial parameters: every projection's own [`Init`](crate::network::Init), of weights and of
    /// delays, drawn under `seed`, and the trained constants of the network, which the bounds do not change.
    ///
    /// # Errors
    /// When the network is not valid.
    pub fn init(network: &Network, seed: u64) -> Result<Self, NetworkError> {
        let mut params = Self::zeros(network)?;
        for (index, projection) in network.projections().iter().enumerate() {
            let key = Key::new(seed, Purpose::Weights).with(index as u64);
            let id = ProjectionId(index);
            let synapses = network.synapses(id);
            let drawn = synapses.initial(&projection.init, key);
            for (weight, drawn) in params.weights_mut(id).iter_mut().zip(drawn) {
                *weight = F::from_f64(drawn);
            }
            let key = Key::new(seed, Purpose::Delays).with(index as u64);
            if let Some(delays) = projection.delay.each() {
                let values = params.delays_mut(ProjectionId(index)).into_iter().flatten();
                for (number, delay) in values.enumerate() {
                    let drawn = delays.init.draw(key, number);
                    *delay = F::from_f64(drawn.clamp(0.0, delays.most_ms));
                }
            }
        }
        let layout = Arc::clone(&params.layout);
        for Entry { role, range, .. } in &layout.entries {
            if let Role::Constant(population, which) = role {
                let constant = network.population(*population).constant(*which);
                let constant = constant.expect("a valid network has the constants it trains");
                for (neuron, value) in params.change()[range.clone()].iter_mut().enumerate() {
                    *value = F::from_f64(constant.of(neuron));
                }
            }
        }
        Ok(params)
    }

    /// Takes every parameter that is out of its bounds to the one that it passed.
    pub fn keep_bounds(&mut self) {
        let layout = Arc::clone(&self.layout);
        for entry in layout.entries.iter().filter(|e| e.least.is_finite()) {
            let (least, most) = (F::from_f64(entry.least), F::from_f64(entry.most));
            for value in &mut self.change()[entry.range.clone()] {
                if *value < least {
                    *value = least;
                } else if *value > most {
                    *value = most;
                }
            }
        }
    }

    /// Sets the parameters of one role to zero: of a gradient, what is not to be trained.
    pub fn clear(&mut self, role: Role) {
        if let Some(entry) = self.layout.entries.iter().find(|e| e.role == role) {
            let range = entry.range.clone();
            self.change()[range].fill(F::ZERO);
        }
    }

    /// A trained constant, one value per neuron; none where it is not trained.
    pub fn constant(&self, population: PopulationId, which: NeuronConstant) -> Option<&[F]> {
        let range = self.constant_range(population, which)?;
        Some(&self.values[range])
    }

    /// A trained constant, to be changed.
    pub fn constant_mut(
        &mut self,
        population: PopulationId,
        which: NeuronConstant,
    ) -> Option<&mut [F]> {
        let range = self.constant_range(population, which)?;
        Some(&mut self.change()[range])
    }

    /// Position of a trained constant in the buffer.
    pub(crate) fn constant_range(
        &self,
        population: PopulationId,
        which: NeuronConstant,
    ) -> Option<Range<usize>> {
        let role = Role::Constant(population, which);
        let entry = self
            .layout
            .entries
            .iter()
            .find(|entry| entry.role == role)?;
        Some(entry.range.clone())
    }

    /// The parameters with weights as spikes deliver them: times the factor of the synapses of each projection.
    pub(crate) fn delivered(&self, network: &Network) -> Cow<'_, Self> {
        let mut factors = network.projections().iter().map(|p| p.wiring.factor());
        if factors.all(|factor| factor == 1.0) {
            return Cow::Borrowed(self);
        }
        let mut delivered = self.clone();
        let values = delivered.change();
        self.scale_by_factors(network, values);
        Cow::Owned(delivered)
    }

    /// Multiplies values in the layout of the parameters that belong to weights by the factors of their projections: what a
    /// weight delivers, or a derivative by that, which becomes one by the weight.
    pub(crate) fn scale_by_factors(&self, network: &Network, values: &mut [F]) {
        for (projection, range) in network.projections().iter().zip(&self.layout.weights) {
            scale(&mut values[range.clone()], projection.wiring.factor());
        }
    }

    /// Zeros of the same shape.
    #[must_use]
    pub fn zeros_like(&self) -> Self {
        Self {
            values: Aligned::zeros(self.values.len()),
            layout: Arc::clone(&self.layout),
            revision: Revision::new(),
        }
    }

    /// The same parameters in another number type.
    pub fn cast<G: Real>(&self) -> Params<G> {
        let mut cast = Params {
            values: Aligned::zeros(self.values.len()),
            layout: Arc::clone(&self.layout),
            revision: Revision::new(),
        };
        self.cast_into(&mut cast);
        cast
    }

    /// The same parameters in another number type, in the place of others of the same network.
    ///
    /// # Panics
    /// When the number of parameters differs.
    pub fn cast_into<G: Real>(&self, to: &mut Params<G>) {
        assert_eq!(self.values.len(), to.values.len(), "the same network");
        for (to, x) in to.change().iter_mut().zip(self.values.iter()) {
            *to = G::from_f64(x.to_f64());
        }
    }

    /// The whole buffer.
    pub fn values(&self) -> &[F] {
        &self.values
    }

    /// The whole buffer, to be changed.
    pub fn values_mut(&mut self) -> &mut [F] {
        self.change()
    }

    /// The values, of a new revision.
    fn change(&mut self) -> &mut Aligned<F> {
        self.revision = Revision::new();
        &mut self.values
    }

    /// Number of these values: another one after every call that could have changed them.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The named ranges.
    pub fn layout(&self) -> &[Entry] {
        &self.layout.entries
    }

    /// Weights of a projection, numbered by its wiring (dense: `[source, target]`, row-major).
    pub fn weights(&self, id: ProjectionId) -> &[F] {
        &self.values[self.weights_range(id)]
    }

    /// Weights of a projection, to be changed.
    pub fn weights_mut(&mut self, id: ProjectionId) -> &mut [F] {
        let range = self.weights_range(id);
        &mut self.change()[range]
    }

    /// Position of the weights of a projection in the buffer.
    pub(crate) fn weights_range(&self, id: ProjectionId) -> Range<usize> {
        self.layout.weights[id.0].clone()
    }

    /// Delays of a projection in ms, numbered by the synapses that share one; none where they are no
    /// parameters.
    pub fn delays(&self, id: ProjectionId) -> Option<&[F]> {
        Some(&self.values[self.delays_range(id)?])
    }

    /// Delays of a projection, to be changed.
    pub fn delays_mut(&mut self, id: ProjectionId) -> Option<&mut [F]> {
        let range = self.delays_range(id)?;
        Some(&mut self.change()[range])
    }

    /// Position of the delays of a projection in the buffer.
    pub(crate) fn delays_range(&self, id: ProjectionId) -> Option<Range<usize>> {
        self.layout.delays[id.0].clone()
    }

    /// The weights of all projections.
    pub(crate) fn all_weights(&self) -> AllWeights<'_, F> {
        AllWeights {
            values: &self.values,
            ranges: &self.layout.weights,
        }
    }

    /// The weights of every projection, by projection, to be changed at the same time.
    pub(crate) fn weights_of_all_mut(&mut self) -> Vec<&mut [F]> {
        let layout = Arc::clone(&self.layout);
        let mut rest = &mut self.change()[..];
        let mut weights = Vec::new();
        for entry in &layout.entries {
            let (values, behind) = rest.split_at_mut(entry.range.len());
            rest = behind;
            if let Role::Weights(id) = entry.role {
                weights.push((id, values));
            }
        }
        weights.sort_by_key(|(id, _)| *id);
        weights.into_iter().map(|(_, values)| values).collect()
    }

    /// The range with this name.
    pub fn find(&self, name: &str) -> Option<&[F]> {
        let entry = self
            .layout
            .entries
            .iter()
            .find(|entry| entry.name == name)?;
        Some(&self.values[entry.range.clone()])
    }

    /// The first value that is not finite: name of its range, position within it, and the value.
    pub fn first_non_finite(&self) -> Option<(&str, usize, f64)> {
        let index = self.values.iter().position(|x| !x.to_f64().is_finite())?;
        let entry = self
            .layout
            .entries
            .iter()
            .find(|e| e.range.contains(&index))?;
        let value = self.values[index].to_f64();
        Some((&entry.name, index - entry.range.start, value))
    }
}

#[cfg(test)]
mod tests {
    use super::{Params, euclidean};
    use crate::network::{Clock, Init, Li, Network, ProjectionId};

    /// Reading changes no revision and a clone has that of its origin; whoever could have written has
    /// another one, different from that of a clone that was written too.
    #[test]
    fn a_revision_belongs_to_values() {
        let mut network = Network::new(Clock::new(1.0, 10.0).unwrap());
        let input = network.add_input("input", 1);
        let output = network.add_li("output", 2, Li::new(20.0, 5.0));
        network.connect(input, output, Init::Values(vec![1.0, 2.0]));
        let mut params = Params::<f32>::init(&network, 1).unwrap();
        let mut clone = params.clone();
        let first = params.revision();
        assert_eq!(params.weights(ProjectionId(0)), [1.0, 2.0]);
        assert_eq!((params.revision(), clone.revision()), (first, first));
        params.weights_mut(ProjectionId(0))[0] = 3.0;
        clone.values_mut()[0] = 4.0;
        let (second, third) = (params.revision(), clone.revision());
        assert!(first != second && first != third && second != third);
        assert_ne!(params.zeros_like().revision(), second);
    }

    /// 3² + 4² = 5², 1 + … + 9 squared is 285, whatever the lanes.
    #[test]
    fn norms_by_hand() {
        assert_eq!(euclidean(&[3.0_f32, -4.0]), 5.0);
        let numbers: Vec<f64> = (1..=9).map(f64::from).collect();
        assert_eq!(euclidean(&numbers), 285.0_f64.sqrt());
        assert_eq!(euclidean::<f32>(&[]), 0.0);
    }
}
