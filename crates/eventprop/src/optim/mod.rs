//! Optimisers and learning-rate schedules.

mod adam;
mod average;
pub mod schedule;
mod sgd;

pub use adam::Adam;
pub use average::Average;
pub use sgd::Sgd;

use crate::params::{Params, Role};
use crate::real::Real;

/// An optimiser with its state.
#[derive(Debug, Clone)]
pub enum Optimizer<F> {
    /// Adam (Kingma & Ba 2015).
    Adam(Adam<F>),
    /// Stochastic gradient descent.
    Sgd(Sgd),
}

impl<F: Real> Optimizer<F> {
    /// Changes `params` along `gradient` with learning rate `eta`, but for those that are `frozen`. The gradient is left
    /// as the step took it: zero for what is frozen, scaled down where Adam has been asked to
    /// ([`clip`](Adam#structfield.clip)).
    ///
    /// # Panics
    /// When the two do not have the same shape.
    pub fn step(
        &mut self,
        params: &mut Params<F>,
        gradient: &mut Params<F>,
        eta: f64,
        frozen: &[Role],
    ) {
        assert_eq!(
            params.values().len(),
            gradient.values().len(),
            "parameters and gradient have one shape"
        );
        for &role in frozen {
            gradient.clear(role);
        }
        match self {
            Self::Adam(adam) => {
                adam.clip(gradient);
                adam.decay(params, eta, frozen);
                adam.step(params.values_mut(), gradient.values(), eta);
            }
            Self::Sgd(Sgd) => Sgd::step(params.values_mut(), gradient.values(), eta),
        }
    }
}
