//! First spike times of all outputs in all training trials: `all_nfst.npy` of Yin-Yang, and the
//! classes that belong to them, `training_labels.npy`.
//!
//! The samples stand in their own order, not in that of the epoch, so that one list of labels fits
//! every epoch.

use std::path::Path;

use eventprop_data::atomic::WriteError;
use eventprop_data::formats::npy;

use crate::checkpoint::{Container, Defect};

/// First spike times, `[epoch · trials + trial, sample of the trial, output]`, in ms from the start of
/// the trial.
#[derive(Debug)]
pub struct FirstSpikes {
    /// The time of an output without a spike: T + 1 ms.
    silent_ms: f32,
    outputs: usize,
    batch: usize,
    /// Numbers in an epoch.
    epoch_len: usize,
    times_ms: Vec<f32>,
}

impl FirstSpikes {
    /// For epochs of `samples` samples in batches of `batch`.
    pub fn new(samples: usize, batch: usize, outputs: usize, trial_ms: f64) -> Self {
        Self {
            silent_ms: trial_ms as f32 + 1.0,
            outputs,
            batch,
            epoch_len: samples.div_ceil(batch) * batch * outputs,
            times_ms: Vec::new(),
        }
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Makes room for an epoch; what is not set stays NaN.
    pub fn begin_epoch(&mut self) {
        let len = self.times_ms.len() + self.epoch_len;
        self.times_ms.resize(len, f32::NAN);
    }

    /// Keeps the times of one sample of the current epoch; infinity is an output without a spike.
    pub fn set(&mut self, sample: usize, times_ms: &[f64]) {
        let start = self.times_ms.len() - self.epoch_len + sample * self.outputs;
        let slots = &mut self.times_ms[start..start + self.outputs];
        for (slot, time_ms) in slots.iter_mut().zip(times_ms) {
            *slot = if time_ms.is_finite() {
                *time_ms as f32
            } else {
                self.silent_ms
            };
        }
    }

    /// Adds the times so far to a checkpoint.
    pub fn store(&self, container: &mut Container) {
        container.put("records/first_spikes", &self.times_ms);
    }

    /// Takes up what [`Self::store`] added.
    ///
    /// # Errors
    /// [`Defect::Array`] when it is not there.
    pub fn restore(&mut self, container: &Container) -> Result<(), Defect> {
        self.times_ms = container.get("records/first_spikes")?;
        Ok(())
    }

    /// Writes both files.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, folder: &Path, labels: &[u32]) -> Result<(), WriteError> {
        let shape = [
            self.times_ms.len() / (self.batch * self.outputs),
            self.batch,
            self.outputs,
        ];
        npy::write(&folder.join("all_nfst.npy"), &shape, &self.times_ms)?;
        let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
        npy::write(
            &folder.join("training_labels.npy"),
            &[labels.len()],
            &labels,
        )
    }
}
