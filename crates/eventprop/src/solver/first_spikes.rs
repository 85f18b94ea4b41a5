//! The times of the first spikes of a population.

use crate::network::Clock;
use crate::tape::{SpikeTime, Spikes};

/// Sets `first_ms` to the time of the first spike of each of `size` neurons; infinite where there is none.
pub(crate) fn find<T: SpikeTime, F>(
    spikes: &Spikes<T, F>,
    size: usize,
    clock: Clock,
    first_ms: &mut Vec<f64>,
) {
    first_ms.clear();
    first_ms.resize(size, f64::INFINITY);
    for (&neuron, &when) in spikes.neuron.iter().zip(&spikes.when) {
        let first = &mut first_ms[neuron as usize];
        *first = first.min(when.ms(clock));
    }
}
