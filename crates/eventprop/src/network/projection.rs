//! Projections: connections from one population to another.

use super::{Clock, DelayFault, NetworkError, PopulationId};
use crate::connect::{Delay, Delays, Init, InitFault as Fault, Synapses, Wiring};

/// Connections from one population to another: which, how late, and how strong at first.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// The population whose spikes are sent.
    pub source: PopulationId,
    /// The population that receives them.
    pub target: PopulationId,
    /// Pattern of connections.
    pub wiring: Wiring,
    /// Extra time between a spike and its arrival, as a number or as parameters. The event solver waits
    /// exactly this long; the grid solver 1 + round(delay / dt) steps.
    pub delay: Delay,
    /// Initial weights.
    pub init: Init,
}

impl Projection {
    pub(super) fn validate(
        &self,
        name: &str,
        synapses: &Synapses,
        clock: Clock,
    ) -> Result<(), NetworkError> {
        let fault = match &self.delay {
            Delay::Constant(ms) if !ms.is_finite() || *ms < 0.0 => Some(DelayFault::Value {
                what: "a delay",
                value_ms: *ms,
            }),
            Delay::Constant(ms) => {
                let (most_ms, trial_ms) = (*ms, clock.trial_ms());
                (most_ms >= trial_ms).then_some(DelayFault::Most { most_ms, trial_ms })
            }
            Delay::Each(delays) => fault_of(delays, synapses, clock),
        };
        if let Some(delay) = fault {
            return Err(NetworkError::Delay {
                name: name.to_owned(),
                delay,
            });
        }
        let expected = synapses.weights_len();
        if let Some(found) = self.init.given().filter(|found| *found != expected) {
            return Err(NetworkError::WeightCount {
                name: name.to_owned(),
                found,
                expected,
                order: self.wiring.order(),
            });
        }
        match self.init.fault() {
            Some(Fault { what, value }) => Err(NetworkError::WeightValue {
                name: name.to_owned(),
                what,
                value,
            }),
            None => Ok(()),
        }
    }
}

/// The first fault of delays that are parameters.
fn fault_of(delays: &Delays, synapses: &Synapses, clock: Clock) -> Option<DelayFault> {
    let Delays {
        by, init, most_ms, ..
    } = delays;
    let (most_ms, trial_ms) = (*most_ms, clock.trial_ms());
    if !(most_ms >= 0.0 && most_ms < trial_ms) {
        return Some(DelayFault::Most { most_ms, trial_ms });
    }
    let expected = by.shape(synapses).iter().product();
    if let Some(found) = init.given().filter(|found| *found != expected) {
        let by = by.name();
        return Some(DelayFault::Count {
            found,
            expected,
            by,
        });
    }
    if let Init::FanIn { gain, .. } = init {
        let (what, value_ms) = (
            "a gain that depends on the fan-in, which delays do not have,",
            *gain,
        );
        return Some(DelayFault::Value { what, value_ms });
    }
    if let Some(Fault { what, value }) = init.fault() {
        let value_ms = value;
        return Some(DelayFault::Value { what, value_ms });
    }
    let outside = init.outside(0.0, most_ms);
    outside.map(|value_ms| DelayFault::Outside { value_ms, most_ms })
}
