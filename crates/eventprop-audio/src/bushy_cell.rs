//! Bushy cells: one leaky integrate-and-fire neuron per channel that listens to all fibres of the channel.
//!
//! It fires when about twelve fibres fire together, which is all there is of phase locking.

use super::{LANES, Spike};

/// The constants of a bushy cell. Threshold, reset and rest are 1, 0 and 0: only the weight's ratio to the
/// threshold matters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BushyCell {
    /// τ_m, time constant of the membrane, in s.
    pub tau_mem: f64,
    /// τ_s, time constant of the synapse, in s.
    pub tau_syn: f64,
    /// W, weight of all fibres together, in s⁻¹.
    pub weight: f64,
}

/// Constants of a block of cells beside its inputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    /// The channel of lane 0.
    pub(crate) channel: usize,
    /// Fibres per cell.
    pub(crate) fibres: usize,
    /// Time between samples in s.
    pub(crate) dt: f64,
    /// Dead time in samples.
    pub(crate) dead: f64,
}

impl BushyCell {
    /// `[E18]` The spikes of eight cells, in the order of time, then channel. `events[t][lane]` is the number of
    /// fibre events of sample t.
    pub(crate) fn fire(&self, events: &[[u8; LANES]], block: Block, spikes: &mut Vec<Spike>) {
        let decay_mem = (-block.dt / self.tau_mem).exp();
        let decay_syn = (-block.dt / self.tau_syn).exp();
        let weight = self.weight / block.fibres as f64 * block.dt;
        let mut v = [0.0_f64; LANES];
        let mut i = [0.0_f64; LANES];
        let mut dead = [0.0_f64; LANES];
        for (t, row) in events.iter().enumerate() {
            let fires: [bool; LANES] =
                std::array::from_fn(|lane| v[lane] >= 1.0 && dead[lane] <= 0.0);
            if fires.contains(&true) {
                // At t = 0 every v is 0, so t − 1 exists.
                let index = t as u32 - 1;
                let lanes = (0..LANES).filter(|lane| fires[*lane]);
                spikes.extend(lanes.map(|lane| Spike::new(index, block.channel + lane)));
            }
            for lane in 0..LANES {
                let free = dead[lane] <= 0.0 && !fires[lane];
                let rested = if free { v[lane] * decay_mem } else { 0.0 };
                dead[lane] = if fires[lane] { block.dead } else { dead[lane] };
                i[lane] = i[lane] * decay_syn + f64::from(row[lane]);
                let charge = i[lane] * weight;
                let charge = if dead[lane] <= 0.0 { charge } else { 0.0 };
                v[lane] = (rested + charge).min(1.0);
                dead[lane] -= 1.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    fn spikes(events: &[[u8; LANES]]) -> Vec<(u32, u16)> {
        let cell = Preset::Shd.settings().bushy_cell;
        let block = Block {
            channel: 8,
            fibres: 40,
            dt: 1.0 / 24_000.0,
            dead: 24.0,
        };
        let mut spikes = Vec::new();
        cell.fire(events, block, &mut spikes);
        spikes
            .iter()
            .map(|spike| (spike.index, spike.channel))
            .collect()
    }

    /// `[E18]` One event adds 325 dt = 0.0135 at once, so 40 in one sample add 0.54, and more than 1 with the
    /// next sample: 0.5417 (e_m + e_s) = 0.5417 (0.9592 + 0.9200) = 1.018.
    #[test]
    fn a_burst_fires_with_the_index_of_the_sample_that_reached_the_threshold() {
        let mut events = vec![[0; LANES]; 10];
        events[3][2] = 40;
        assert_eq!(spikes(&events), [(4, 10)]);
    }

    /// Under the strongest drive the smallest interval is the dead time and one sample.
    #[test]
    fn the_smallest_interval_is_25_samples() {
        let events = vec![[40; LANES]; 80];
        let of_one: Vec<u32> = spikes(&events)
            .into_iter()
            .filter_map(|(index, channel)| (channel == 8).then_some(index))
            .collect();
        assert_eq!(of_one, [1, 26, 51, 76]);
    }

    /// A crossing in the last sample is lost, as in the published program.
    #[test]
    fn a_crossing_in_the_last_sample_is_lost() {
        let events = vec![[40; LANES]; 2];
        assert!(spikes(&events).is_empty());
        assert_eq!(spikes(&[[40; LANES]; 3]).len(), LANES);
    }
}
