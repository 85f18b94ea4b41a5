//! The weights of all projections in the order in which their connections read them.

use super::plan::Link;
use crate::aligned::Aligned;
use crate::params::Params;
use crate::real::Real;

/// Copies of weights, once per batch, of connections that read them in another order than [`Params`]
/// keeps them.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed<F> {
    copies: Vec<Aligned<F>>,
}

impl<F: Real> Packed<F> {
    /// Copies what has to be copied.
    pub fn pack(&mut self, links: &[Link<F>], params: &Params<F>) {
        self.copies.resize_with(links.len(), Aligned::default);
        for (copy, link) in self.copies.iter_mut().zip(links) {
            let synapses = &link.connection.synapses;
            synapses.pack(params.weights(link.id), copy);
        }
    }

    /// The weights of every link.
    pub fn weights<'a>(&'a self, links: &[Link<F>], params: &'a Params<F>) -> Vec<&'a [F]> {
        let weights = |(copy, link): (&'a Aligned<F>, &Link<F>)| {
            let synapses = &link.connection.synapses;
            synapses.packed(params.weights(link.id), copy)
        };
        self.copies.iter().zip(links).map(weights).collect()
    }
}
