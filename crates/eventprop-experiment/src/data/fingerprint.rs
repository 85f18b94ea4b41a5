//! A fingerprint of data, by which a resumed run notices that they are not those it began with.

use eventprop::spikes::Batch;
use sha2::{Digest, Sha256};

use super::part::Part;
use super::run_data::Data;
use crate::checkpoint::hex;

/// Samples of every part whose spikes are looked at: all of SHD would take longer than an epoch of
/// training.
const SAMPLES: usize = 64;
/// Bytes of the checksum that are kept.
const BYTES: usize = 16;

/// The fingerprint: of the classes of all samples, and of the spikes of 64 samples of every part.
pub fn fingerprint(data: &Data) -> String {
    let mut sum = Sha256::new();
    for number in [data.inputs, data.classes] {
        sum.update((number as u64).to_le_bytes());
    }
    for part in [&data.train, &data.validation, &data.test] {
        add(part, &mut sum);
    }
    hex(&sum.finalize()[..BYTES])
}

fn add(part: &Part, sum: &mut Sha256) {
    sum.update((part.len() as u64).to_le_bytes());
    for label in part.labels() {
        sum.update(label.to_le_bytes());
    }
    let step = part.len().div_ceil(SAMPLES).max(1);
    let places: Vec<usize> = (0..part.len()).step_by(step).collect();
    let mut batch = Batch::default();
    part.fill(&places, None, &mut batch);
    for train in batch.trains() {
        sum.update((train.len() as u64).to_le_bytes());
        for (time_ms, neuron) in train.iter() {
            sum.update(time_ms.to_le_bytes());
            sum.update(neuron.to_le_bytes());
        }
    }
}
