//! Parameters: one flat buffer with named ranges.
//!
//! Gradients, optimiser moments and checkpoints have the same shape, so that every part of the
//! training loop is a loop over one slice.

use std::ops::Range;
use std::sync::Arc;

use crate::network::{Init, Network, NetworkError, ProjectionId};
use crate::real::Real;
use crate::rng::{Key, Purpose};

/// What a range of the buffer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Weights of a projection, `[source, target]`, row-major.
    Weights(ProjectionId),
}

/// A named range of the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name, such as `input->hidden`.
    pub name: String,
    /// Meaning.
    pub role: Role,
    /// Position in the buffer.
    pub range: Range<usize>,
}

/// A flat buffer of parameters (or of their gradients) with named ranges.
#[derive(Debug, Clone, PartialEq)]
pub struct Params<F> {
    values: Vec<F>,
    layout: Arc<Vec<Entry>>,
}

impl<F: Real> Params<F> {
    /// Zeros in the shape of a network's parameters.
    ///
    /// # Errors
    /// When the network is not valid.
    pub fn zeros(network: &Network) -> Result<Self, NetworkError> {
        network.validate()?;
        let mut layout = Vec::new();
        let mut start = 0;
        for (index, projection) in network.projections().iter().enumerate() {
            let id = ProjectionId(index);
            let len = network.population(projection.source).size
                * network.population(projection.target).size;
            layout.push(Entry {
                name: network.projection_name(id),
                role: Role::Weights(id),
                range: start..start + len,
            });
            start += len;
        }
        Ok(Self {
            values: vec![F::ZERO; start],
            layout: Arc::new(layout),
        })
    }

    /// Initial parameters: every projection's own [`Init`], drawn under `seed`.
    ///
    /// # Errors
    /// When the network is not valid.
    pub fn init(network: &Network, seed: u64) -> Result<Self, NetworkError> {
        let mut params = Self::zeros(network)?;
        for (index, projection) in network.projections().iter().enumerate() {
            let key = Key::new(seed, Purpose::Weights).with(index as u64);
            let weights = params.weights_mut(ProjectionId(index));
            match &projection.init {
                Init::Normal { mean, std } => {
                    for (counter, weight) in weights.iter_mut().enumerate() {
                        *weight = F::from_f64(mean + std * key.normal(counter as u64));
                    }
                }
                Init::Values(values) => {
                    for (weight, value) in weights.iter_mut().zip(values) {
                        *weight = F::from_f64(*value);
                    }
                }
            }
        }
        Ok(params)
    }

    /// Zeros of the same shape.
    #[must_use]
    pub fn zeros_like(&self) -> Self {
        Self {
            values: vec![F::ZERO; self.values.len()],
            layout: Arc::clone(&self.layout),
        }
    }

    /// The same parameters in another number type.
    pub fn cast<G: Real>(&self) -> Params<G> {
        Params {
            values: self
                .values
                .iter()
                .map(|x| G::from_f64(x.to_f64()))
                .collect(),
            layout: Arc::clone(&self.layout),
        }
    }

    /// The whole buffer.
    pub fn values(&self) -> &[F] {
        &self.values
    }

    /// The whole buffer, to be changed.
    pub fn values_mut(&mut self) -> &mut [F] {
        &mut self.values
    }

    /// The named ranges.
    pub fn layout(&self) -> &[Entry] {
        &self.layout
    }

    /// Weights of a projection, `[source, target]`, row-major.
    pub fn weights(&self, id: ProjectionId) -> &[F] {
        &self.values[self.layout[id.0].range.clone()]
    }

    /// Weights of a projection, to be changed.
    pub fn weights_mut(&mut self, id: ProjectionId) -> &mut [F] {
        let range = self.layout[id.0].range.clone();
        &mut self.values[range]
    }

    /// The range with this name.
    pub fn find(&self, name: &str) -> Option<&[F]> {
        let entry = self.layout.iter().find(|entry| entry.name == name)?;
        Some(&self.values[entry.range.clone()])
    }

    /// The first value that is not finite: name of its range, position within it, and the value.
    pub fn first_non_finite(&self) -> Option<(&str, usize, f64)> {
        let index = self.values.iter().position(|x| !x.to_f64().is_finite())?;
        let entry = self.layout.iter().find(|e| e.range.contains(&index))?;
        let value = self.values[index].to_f64();
        Some((&entry.name, index - entry.range.start, value))
    }
}
