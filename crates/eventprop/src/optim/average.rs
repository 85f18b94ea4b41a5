//! The average of the parameters over the last steps (Polyak & Juditsky 1992), with which a network is tested while
//! training goes on from the parameters themselves.

use crate::params::Params;
use crate::real::Real;

/// A running average of parameters.
#[derive(Debug, Clone)]
pub struct Average<F> {
    /// The average w̄.
    pub params: Params<F>,
    /// Steps H over which it reaches back.
    pub horizon: f64,
    /// Number n of steps averaged.
    pub steps: u64,
}

/// While there are few steps the average reaches back over about one in so many of them (Shamir & Zhang 2013): the first
/// ones are not worth remembering.
const SHARE: f64 = 10.0;

impl<F: Real> Average<F> {
    /// An average over the last `horizon` steps, to begin with those that come after `params`.
    pub fn new(params: &Params<F>, horizon: f64) -> Self {
        Self {
            params: params.clone(),
            horizon,
            steps: 0,
        }
    }

    /// The same in another number type.
    pub fn cast<G: Real>(&self) -> Average<G> {
        Average {
            params: self.params.cast(),
            horizon: self.horizon,
            steps: self.steps,
        }
    }

    /// `[O4]` w̄ ← w̄ + γ (w − w̄), γ = max(1/H, 10/(n + 9)) in step n = 1, 2, …, but at most 1.
    ///
    /// # Panics
    /// When the two do not have the same shape.
    pub fn add(&mut self, params: &Params<F>) {
        assert_eq!(
            params.values().len(),
            self.params.values().len(),
            "parameters and their average have one shape"
        );
        self.steps += 1;
        let share = SHARE / (self.steps as f64 + SHARE - 1.0);
        let gamma = F::from_f64(share.max(1.0 / self.horizon).min(1.0));
        for (mean, w) in self.params.values_mut().iter_mut().zip(params.values()) {
            *mean += gamma * (*w - *mean);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Average;
    use crate::network::{Clock, Init, Li, Network};
    use crate::params::Params;

    /// `[O4]` γ = 1, 10/11, then 10/12 against 1/H: with H = 1.1 the larger one is 1/1.1.
    #[test]
    fn the_last_steps_count() {
        let mut network = Network::new(Clock::new(1.0, 2.0).unwrap());
        let input = network.add_input("in", 1);
        let output = network.add_li("out", 1, Li::new(20.0, 5.0));
        network.connect(input, output, Init::Values(vec![7.0]));
        let mut params = Params::<f64>::init(&network, 0).unwrap();
        let averaged = |horizon: f64, params: &mut Params<f64>| {
            let mut average = Average::new(params, horizon);
            for w in [1.0, 12.0, 0.0] {
                params.values_mut()[0] = w;
                average.add(params);
            }
            average.params.values()[0]
        };
        // 1, then 1 + 10/11 · 11 = 11, then 11 − 10/12 · 11 or 11 − 11/1.1.
        assert!((averaged(100.0, &mut params) - 11.0 / 6.0).abs() < 1e-14);
        assert!((averaged(1.1, &mut params) - 1.0).abs() < 1e-14);
    }
}
