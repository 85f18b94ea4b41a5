//! Hidden neurons that never spike get no gradient and cannot come back by themselves; before the next
//! epoch they get other incoming weights (`REWIRE_SILENT`, `REWIRE_LIFT`). `genn_eventprop` lifts the
//! weights of all neurons; so does `REWIRE_LIFT_ALL`.
//!
//! Only the weights from the layer below change. The optimiser's moments stay: they belong to weights
//! whose gradient was zero for the whole epoch.

use eventprop::network::Init;
use eventprop::params::Params;
use eventprop::real::Real;
use eventprop::rng::Key;

use crate::network_builder::Topology;
use crate::settings::Rewire;

/// Changes the weights into hidden neurons that did not spike in the epoch; `spikes` is per
/// population and neuron. New weights are drawn under `key` and the epoch to come.
pub fn rewire<F: Real>(
    how: Rewire,
    topology: &Topology,
    spikes: &[Vec<u64>],
    params: &mut Params<F>,
    key: Key,
    epoch: usize,
) {
    let network = &topology.network;
    for &target in &topology.hidden {
        let forward = network.incoming(target).filter(|(_, p)| p.source != target);
        for (id, projection) in forward {
            let key = key.with(id.0 as u64).with(epoch as u64);
            let all = matches!(how, Rewire::LiftAll(_));
            let changes = |&count: &u64| all || count == 0;
            let changed: Vec<bool> = spikes[target.0].iter().map(changes).collect();
            let weights = params.weights_mut(id);
            let synapses = network.synapses(id);
            let drawn: Vec<f64> = match (how, &projection.init) {
                (Rewire::Lift(_) | Rewire::LiftAll(_), _) | (_, Init::Values(_)) => Vec::new(),
                (Rewire::Redraw, init) => synapses.initial(init, key),
            };
            for weight in synapses.weights_into(|target| changed[target]) {
                match (how, drawn.get(weight)) {
                    (Rewire::Lift(by) | Rewire::LiftAll(by), _) => {
                        weights[weight] += F::from_f64(by);
                    }
                    (Rewire::Redraw, Some(drawn)) => weights[weight] = F::from_f64(*drawn),
                    (Rewire::Redraw, None) => {}
                }
            }
        }
    }
}
