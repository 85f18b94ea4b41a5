//! The order in which populations are solved.
//!
//! Populations that act on each other in a loop (a recurrent population is the smallest one) must be
//! solved together, event by event. All others can be solved one after the other, each over the
//! whole trial, because everything that will arrive at them is known beforehand. The network is
//! therefore cut into its strongly connected components, in an order in which a component comes
//! after everything it listens to.

use super::arrivals::{Arrival, Way};
use crate::connect::{self, By, Delay, Synapses};
use crate::network::{Network, ProjectionId};
use crate::params::Params;

/// A projection as a component sees it: spikes of `source` arrive at `target`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::solver) struct Line {
    /// The projection.
    pub projection: ProjectionId,
    /// Index of the sending population.
    pub source: usize,
    /// Index of the receiving population.
    pub target: usize,
    /// Pattern of connections.
    pub synapses: Synapses,
    /// Times from its spikes to their arrivals.
    pub way: Way,
    /// The synapses that share a delay, where delays are trained.
    pub trained: Option<By>,
}

impl Line {
    /// Takes over its delays, where they are parameters.
    pub fn take_delays(&mut self, network: &Network, params: &Params<f64>) {
        if network.projection(self.projection).delay.each().is_some() {
            self.way = Way::new(&self.synapses, network.lags(self.projection, params));
        }
    }

    /// `[F5]` The spike of an arrival has an amplitude if it is graded.
    #[inline(always)]
    pub fn deliver(
        &self,
        weights: &[f64],
        (arrival, amplitude): (Arrival, Option<f64>),
        currents: &mut [f64],
    ) {
        let (synapses, source) = (&self.synapses, arrival.neuron);
        match (arrival.synapse(synapses), amplitude) {
            (None, None) => synapses.deliver(weights, source, currents),
            (None, Some(a)) => synapses.deliver_graded(weights, source, a, currents),
            (Some(synapse), amplitude) => {
                let i = &mut currents[synapse.target];
                let w = weights[synapse.weight];
                *i = connect::arrive(*i, amplitude.map_or(w, |a| a * w));
            }
        }
    }

    /// The weight over which an arrival reaches a target; none where it does not.
    pub fn weight(&self, weights: &[f64], arrival: Arrival, target: usize) -> Option<f64> {
        match arrival.synapse(&self.synapses) {
            None => self.synapses.weight(weights, arrival.neuron, target),
            Some(synapse) => (synapse.target == target).then(|| weights[synapse.weight]),
        }
    }

    /// Index of the trained delay with which a spike arrived.
    #[inline(always)]
    pub fn delay_of(&self, arrival: Arrival) -> Option<usize> {
        let by = self.trained?;
        Some(match arrival.synapse(&self.synapses) {
            Some(synapse) => by.index(synapse),
            None if by == By::Projection => 0,
            // All synapses of the source have its delay.
            None => arrival.neuron,
        })
    }
}

/// Populations that are solved together.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::solver) struct Component {
    /// Indices of the populations, ascending.
    pub populations: Vec<usize>,
    /// True if they act on each other, or the only one on itself.
    pub cyclic: bool,
    /// Incoming projections, in the order of deliveries at equal times.
    pub lines: Vec<Line>,
}

/// Takes over the delays that are parameters.
pub(in crate::solver) fn take_delays(
    components: &mut [Component],
    network: &Network,
    params: &Params<f64>,
) {
    for line in components.iter_mut().flat_map(|c| &mut c.lines) {
        line.take_delays(network, params);
    }
}

/// The components of a network, each after everything it listens to. Cost: populations³.
pub(in crate::solver) fn components(network: &Network) -> Vec<Component> {
    let reaches = reachability(network);
    let size = network.populations().len();
    let mut placed = vec![false; size];
    let mut order = Vec::new();
    while let Some(first) = (0..size).find(|&p| {
        let waits_for = |q: usize| reaches[q][p] && !reaches[p][q] && !placed[q];
        !placed[p] && !(0..size).any(waits_for)
    }) {
        let together = |q: &usize| *q == first || (reaches[first][*q] && reaches[*q][first]);
        let populations: Vec<usize> = (0..size).filter(together).collect();
        for &p in &populations {
            placed[p] = true;
        }
        order.push(Component {
            cyclic: reaches[first][first],
            lines: lines_into(network, &populations),
            populations,
        });
    }
    order
}

pub(in crate::solver) fn lines_into(network: &Network, populations: &[usize]) -> Vec<Line> {
    network
        .projections()
        .iter()
        .enumerate()
        .filter(|(_, projection)| populations.contains(&projection.target.0))
        .map(|(index, projection)| Line {
            projection: ProjectionId(index),
            source: projection.source.0,
            target: projection.target.0,
            way: match &projection.delay {
                Delay::Constant(ms) => Way::InOrder(*ms),
                // Until the parameters are known.
                Delay::Each(delays) => Way::InOrder(delays.most_ms),
            },
            synapses: network.synapses(ProjectionId(index)),
            trained: projection.delay.trained().map(|delays| delays.by),
        })
        .collect()
}

/// True where a population acts on another one, directly or through others; by source, then target.
fn reachability(network: &Network) -> Vec<Vec<bool>> {
    let size = network.populations().len();
    let mut reaches = vec![vec![false; size]; size];
    for projection in network.projections() {
        reaches[projection.source.0][projection.target.0] = true;
    }
    for through in 0..size {
        let onwards = reaches[through].clone();
        for row in &mut reaches {
            if row[through] {
                for (target, &reached) in row.iter_mut().zip(&onwards) {
                    *target |= reached;
                }
            }
        }
    }
    reaches
}

#[cfg(test)]
mod tests {
    use super::components;
    use crate::network::{Clock, Init, Li, Lif, Network};

    fn init() -> Init {
        Init::Normal {
            mean: 0.0,
            std: 1.0,
        }
    }

    #[test]
    fn a_component_comes_after_everything_it_listens_to() {
        let mut network = Network::new(Clock::new(1.0, 10.0).unwrap());
        let lif = || Lif::new(20.0, 5.0);
        // Populations are added in an order that is not the order of solving.
        let late = network.add_lif("late", 1, lif());
        let input = network.add_input("input", 1);
        let ping = network.add_lif("ping", 1, lif());
        let alone = network.add_lif("alone", 1, lif());
        let pong = network.add_lif("pong", 1, lif());
        let output = network.add_li("output", 1, Li::new(20.0, 5.0));
        for (source, target) in [
            (input, ping),
            (ping, pong),
            (pong, ping),
            (pong, late),
            (late, late),
            (input, alone),
            (alone, output),
            (late, output),
        ] {
            network.connect(source, target, init());
        }
        let found: Vec<_> = components(&network)
            .into_iter()
            .map(|c| (c.populations, c.cyclic, c.lines.len()))
            .collect();
        let expected = vec![
            (vec![input.0], false, 0),
            (vec![ping.0, pong.0], true, 3),
            (vec![late.0], true, 2),
            (vec![alone.0], false, 1),
            (vec![output.0], false, 2),
        ];
        assert_eq!(found, expected);
    }
}
