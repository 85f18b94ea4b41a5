//! A limit for the spike count of a whole population.

/// Pushes down a population that spikes more often than ρ in a trial (`REG_TYPE` = "Thomas1", which
/// adds this to the spike count regulariser).
///
/// `[R2]` λ_V ← λ_V − Γ (Σ n − ρ) / (M N) after each spike, when Σ n > ρ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerCount {
    /// Strength Γ (`GLB_UPPER`).
    pub glb_upper: f64,
    /// The limit ρ in spikes per trial of the whole population (`RHO_UPPER`).
    pub rho_upper: f64,
}

impl LayerCount {
    pub(super) fn jump(&self, total: f64, size: usize, batch: f64) -> f64 {
        let excess = total - self.rho_upper;
        if excess <= 0.0 {
            return 0.0;
        }
        // [R2]
        -self.glb_upper * excess / (size as f64 * batch)
    }
}
