//! A peak at a kink.
//!
//! A maximum of an output voltage V often lies exactly at an arrival t_a: V rises until an inhibitory spike turns it
//! round. The maximum is then V just before the arrival, and it moves with the arrival:
//!
//! dV_max = ∂V(t_a⁻)/∂p dp + V'⁻ dt_a.
//!
//! The first part is a jump of λ_V just *before* the arrival (in forward time), which the arrival itself does not see:
//! `[A5]` placed there. The second part is a derivative with respect to the time of the spike that arrives, so it belongs
//! to the R of that spike, the *carrier*, in `[A3]`. A peak between arrivals has V' = 0 and one at the end of the trial does
//! not move, so `[A5]` alone is complete there.

use crate::connect;
use crate::neuron::{State, lif};
use crate::real::Real;

/// The arrival that turns a voltage round at its peak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Carrier<A, F> {
    /// The arrival.
    pub arrival: A,
    /// I − V just before it.
    pub drive: F,
}

/// A walk through the arrivals at a peak, in the order of their delivery.
#[derive(Debug, Clone, Copy)]
pub struct Search<A, F> {
    /// V at the peak, and I after the arrivals so far.
    at: State<F>,
    rises: bool,
    last: Option<Carrier<A, F>>,
}

impl<A, F: Real> Search<A, F> {
    /// A walk that begins with the state just before the first arrival.
    #[inline(always)]
    pub fn from(at: State<F>) -> Self {
        Self {
            at,
            rises: at.i > at.v,
            last: None,
        }
    }

    /// A walk that begins with the drive I − V.
    #[inline(always)]
    pub fn from_drive(drive: F) -> Self {
        Self::from(State {
            v: F::ZERO,
            i: drive,
        })
    }

    /// The next arrival, over a synapse of weight `w`.
    #[inline(always)]
    pub fn pass(&mut self, arrival: A, w: F) {
        let State { v, i } = self.at;
        self.at.i = connect::arrive(i, w);
        // The slope turns from up to down.
        if i > v && self.at.i <= v {
            let drive = lif::drive(i, v);
            self.last = Some(Carrier { arrival, drive });
        }
    }

    /// I after the arrivals so far.
    #[inline(always)]
    pub fn current(&self) -> F {
        self.at.i
    }

    /// The arrival from which on V falls, having risen before all of them; none where the peak is no kink.
    #[inline(always)]
    pub fn carrier(self) -> Option<Carrier<A, F>> {
        self.last.filter(|_| self.rises && self.at.i <= self.at.v)
    }
}

/// −∂L/∂V_max · V'⁻ at a drive of I − V = τ_mem V'⁻, which R of the carrier loses. With a weight in place of the drive it is
/// the part of R that is due to the jump `[A5]`, which an arrival after the peak must not see.
#[inline(always)]
pub fn backflow<F: Real>(minus_dl_dv: F, drive: F, tau_mem: F) -> F {
    // [A6] R += ∂L/∂V_max · V'⁻
    minus_dl_dv * drive / tau_mem
}

#[cfg(test)]
mod tests {
    use super::{Carrier, Search};
    use crate::neuron::State;

    fn carrier(at: State<f64>, weights: &[f64]) -> Option<Carrier<usize, f64>> {
        let mut search = Search::from(at);
        weights
            .iter()
            .enumerate()
            .for_each(|(n, &w)| search.pass(n, w));
        search.carrier()
    }

    /// `[A6]`: of the arrivals that turn the slope down the last one counts, with the drive before it.
    #[test]
    fn the_carrier_turns_the_slope_down_for_good() {
        let at = State { v: 1.0, i: 1.5 };
        let found = |arrival, drive| Some(Carrier { arrival, drive });
        assert_eq!(carrier(at, &[-1.0]), found(0, 0.5));
        assert_eq!(carrier(at, &[0.25, -1.0, -1.0]), found(1, 0.75));
        assert_eq!(carrier(at, &[-1.0, 1.0, -1.0]), found(2, 0.5));
        assert_eq!(carrier(at, &[-0.5]), found(0, 0.5));
    }

    #[test]
    fn a_peak_without_a_turn_is_no_kink() {
        let at = State { v: 1.0, i: 1.5 };
        assert_eq!(carrier(at, &[]), None);
        assert_eq!(carrier(at, &[-0.25, 0.25]), None);
        assert_eq!(carrier(at, &[-1.0, 1.0]), None);
        assert_eq!(carrier(State { v: 1.0, i: 0.5 }, &[1.0, -1.0]), None);
    }
}
