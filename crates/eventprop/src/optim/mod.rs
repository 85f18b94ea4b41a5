//! Optimisers and learning-rate schedules.

mod adam;
mod average;
pub mod schedule;
mod sgd;

pub use adam::Adam;
pub use average::Average;
pub use sgd::Sgd;

use crate::params::{Entry, Params, Role};
use crate::real::Real;

/// The learning rates of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// That of weights and of constants of neurons.
    pub eta: f64,
    /// That of delays, in ms.
    pub delays: f64,
}

/// One rate for all parameters.
impl From<f64> for Rates {
    fn from(eta: f64) -> Self {
        Self { eta, delays: eta }
    }
}

impl Rates {
    /// The rate of parameters of a role.
    fn of(self, role: Role) -> f64 {
        match role {
            Role::Weights(_) | Role::Constant(..) => self.eta,
            Role::Delays(_) => self.delays,
        }
    }

    /// True if a parameter of some of these entries has another rate than `eta`.
    fn differ(self, entries: &[Entry]) -> bool {
        entries.iter().any(|entry| self.of(entry.role) != self.eta)
    }
}

/// An optimiser with its state.
#[derive(Debug, Clone)]
pub enum Optimizer<F> {
    /// Adam (Kingma & Ba 2015).
    Adam(Adam<F>),
    /// Stochastic gradient descent.
    Sgd(Sgd),
}

impl<F: Real> Optimizer<F> {
    /// The same in another number type.
    pub fn cast<G: Real>(&self) -> Optimizer<G> {
        match self {
            Self::Adam(adam) => Optimizer::Adam(adam.cast()),
            Self::Sgd(Sgd) => Optimizer::Sgd(Sgd),
        }
    }

    /// Changes `params` along `gradient` with learning rates, but for those that are `frozen`. The gradient is left
    /// as the step took it: zero for what is frozen, scaled down where Adam has been asked to
    /// ([`clip`](Adam#structfield.clip)).
    ///
    /// # Panics
    /// When the two do not have the same shape.
    pub fn step(
        &mut self,
        params: &mut Params<F>,
        gradient: &mut Params<F>,
        rates: impl Into<Rates>,
        frozen: &[Role],
    ) {
        let rates = rates.into();
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
                adam.decay(params, rates.eta, frozen);
                adam.step(params.values_mut(), gradient.values(), rates);
            }
            Self::Sgd(Sgd) => {
                for index in 0..params.layout().len() {
                    let Entry { role, range, .. } = &params.layout()[index];
                    let (eta, range) = (rates.of(*role), range.clone());
                    let values = &mut params.values_mut()[range.clone()];
                    Sgd::step(values, &gradient.values()[range], eta);
                }
            }
        }
    }
}
