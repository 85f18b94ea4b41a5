//! A target for the spike count of every neuron.

/// Pulls the spike count n of a neuron towards ν (`REG_TYPE` = "simple").
///
/// `[R1]` λ_V ← λ_V − Λ (n − ν) / N after each spike, Λ = `lbd_upper` when n > ν, else `lbd_lower`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpikeCount {
    /// Strength above the target (`LBD_UPPER`).
    pub lbd_upper: f64,
    /// Strength at or below the target (`LBD_LOWER`).
    pub lbd_lower: f64,
    /// The target ν in spikes per trial, for both sides (`NU_UPPER`).
    pub nu_upper: f64,
}

impl SpikeCount {
    pub(super) fn jump(&self, count: f64, batch: f64) -> f64 {
        let excess = count - self.nu_upper;
        let strength = if excess > 0.0 {
            self.lbd_upper
        } else {
            self.lbd_lower
        };
        // [R1]
        -strength * excess / batch
    }
}
