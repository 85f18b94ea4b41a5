//! Connections: how the spikes of one population reach the neurons of another.
//!
//! A projection is a [`Wiring`] (which synapses there are, and which weight each has) and a [`Delay`]
//! (when a spike arrives). Between two populations of known sizes a wiring is a set of [`Synapses`]:
//! the only place that knows how synapses, weights and neurons are numbered. Each wiring is one file
//! that answers four verbs, for one spike that arrives:
//!
//! - *deliver* `[F5]`: adds the weights of the spike's synapses to the currents of their targets;
//! - *backflow* `[A4]`: what the targets send back to the spike, Σ w (λ_V − λ_I);
//! - *gather* `[G1]`: adds −τ_syn λ_I of the target to the derivative of every synapse's weight;
//! - *list*: the synapses of a source, and the weight of one pair of neurons.
//!
//! The event solver asks for one arrival at a time. The grid solver asks a `Connection`, a wiring with
//! a delay in steps, for all arrivals of a step or a window at once; a wiring that can do better there
//! than one arrival after the other has twins of its verbs for that (`dense`).

mod connection;
mod delay;
mod dense;
mod gather;
mod graded;
mod one_to_one;
mod places;
mod synapse;
pub(crate) mod trace;
mod wiring;

pub(crate) use self::connection::{Connection, Targets, Transit};
pub use self::delay::Delay;
pub(crate) use self::dense::blocked::Blocked;
pub(crate) use self::dense::rows::{LANES, add, stride};
pub(crate) use self::gather::Task;
pub(crate) use self::places::{ByNeuron, Onto, Part, STEP_BITS, Source};
pub use self::synapse::{Synapse, arrive, backflow, by_time, by_weight};
pub use self::wiring::{Synapses, Wiring, WiringError};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aligned::Aligned;
    use crate::tape::Spikes;

    const LAMBDA_V: [f64; 8] = [3.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    const LAMBDA_I: [f64; 8] = [1.0, 1.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0];

    /// Results of the verbs for a spike of neuron 1: currents, R, and the gradient for τ_syn = 2.
    fn verbs(synapses: &Synapses, w: &[f64]) -> (Vec<f64>, f64, Vec<f64>) {
        let mut i = vec![0.0; 3];
        synapses.deliver(w, 1, &mut i);
        let r = synapses.backflow(w, 1, &LAMBDA_V[..3], &LAMBDA_I[..3]);
        let mut gradient = vec![0.0; synapses.weights_len()];
        synapses.gather(&mut gradient, 1, |_| 2.0, |n| LAMBDA_I[n]);
        (i, r, gradient)
    }

    /// `[F5]`, `[A4]`, `[G1]` of `dense` by hand: R = 4 (3 − 1) + 5 (1 − 1) + 6 (2 − 4).
    #[test]
    fn dense_by_hand() {
        let synapses = Wiring::Dense.between(2, 3).unwrap();
        let w = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let gradient = vec![0.0, 0.0, 0.0, -2.0, -2.0, -8.0];
        assert_eq!(verbs(&synapses, &w), (vec![4.0, 5.0, 6.0], -4.0, gradient));
        assert_eq!(synapses.shape(), [2, 3]);
        assert_eq!(synapses.weight(&w, 1, 2), Some(6.0));
        let listed: Vec<_> = synapses.of(1).map(|s| (s.target, s.weight)).collect();
        assert_eq!(listed, [(0, 3), (1, 4), (2, 5)]);
    }

    /// The same of `one_to_one`: R = 5 (1 − 1) for neuron 1, and 7 (2 − 4) for neuron 2.
    #[test]
    fn one_to_one_by_hand() {
        let synapses = Wiring::OneToOne.between(3, 3).unwrap();
        let w = [2.0, 5.0, 7.0];
        let gradient = vec![0.0, -2.0, 0.0];
        assert_eq!(verbs(&synapses, &w), (vec![0.0, 5.0, 0.0], 0.0, gradient));
        assert_eq!(synapses.backflow(&w, 2, &LAMBDA_V, &LAMBDA_I), -14.0);
        assert_eq!(synapses.shape(), [3]);
        assert_eq!(synapses.weight(&w, 2, 2), Some(7.0));
        assert_eq!(synapses.weight(&w, 1, 2), None);
        assert_eq!(synapses.iter().count(), 3);
    }

    /// `[F5]`, `[A4]` on the grid: the spikes of steps 0, 1 and 1 arrive two steps later, each as one arrival
    /// does; the numbers are whole, so that no order of additions matters.
    #[test]
    fn a_connection_does_what_its_arrivals_do() {
        let spikes = Spikes {
            when: vec![0, 1, 1],
            neuron: vec![1, 0, 1],
            ..Spikes::<u32, f64>::default()
        };
        for wiring in [Wiring::Dense, Wiring::OneToOne] {
            let connection = Connection {
                synapses: wiring.between(3, 3).unwrap(),
                delay: Delay::Constant(2),
            };
            let synapses = &connection.synapses;
            let w: Vec<f64> = (1..=synapses.weights_len()).map(|n| n as f64).collect();
            let mut copy = Aligned::default();
            synapses.pack(&w, &mut copy);
            let packed = synapses.packed(&w, &copy);
            let mut transit = Transit::default();
            for (k, neurons) in [(0, &[][..]), (1, &[]), (2, &[1]), (3, &[0, 1]), (4, &[])] {
                let (mut found, mut expected) = (Aligned::zeros(8), [0.0; 8]);
                connection.deliver(&mut transit, packed, (&spikes, k), &mut found);
                for &neuron in neurons {
                    synapses.deliver(&w, neuron, &mut expected);
                }
                assert_eq!(found[..], expected, "{wiring:?}, step {k}");
            }
            // At the end of step 2 the trial is over, and only the first spike has arrived.
            let mut transit = connection.start_at_end(&spikes.when, 3);
            let mut backflow = [0.0; 3];
            for arrival in [2, 1] {
                let targets = Targets {
                    lambda_v: &Aligned::from(&LAMBDA_V[..]),
                    lambda_i: &Aligned::from(&LAMBDA_I[..]),
                    difference: &mut Aligned::zeros(8),
                };
                let at = (&spikes, arrival);
                connection.collect(&mut transit, packed, at, targets, &mut backflow);
            }
            let expected = synapses.backflow(&w, 1, &LAMBDA_V, &LAMBDA_I);
            assert_eq!(backflow, [expected, 0.0, 0.0], "{wiring:?}");
        }
    }
}
