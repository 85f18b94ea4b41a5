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
//! What a delay that is trained gains from an arrival `[G6]` is what the spike gains from it: the summand of
//! R.
//!
//! The event solver asks for one arrival at a time. The grid solver asks a `Connection`, a wiring with
//! a delay in steps, for all arrivals of a step or a window at once; a wiring that can do better there
//! than one arrival after the other has twins of its verbs for that (`dense`).

mod apart;
mod columns;
mod connection;
mod convolution;
mod delay;
mod dense;
mod gather;
mod graded;
mod init;
mod one_to_one;
mod places;
mod pool;
mod queue;
mod shape;
mod sparse;
mod synapse;
pub(crate) mod trace;
mod wiring;
mod wiring_error;

pub(crate) use self::apart::{Apart, History, Lookup, Sent};
pub(crate) use self::columns::Columns;
pub(crate) use self::connection::{Connection, Sums, Targets, Transit, Travel};
pub use self::convolution::Convolution;
pub use self::delay::{By, Delay, Delays, Lags};
pub(crate) use self::dense::blocked::Blocked;
pub(crate) use self::dense::rows::{LANES, add, stride, subtract};
pub(crate) use self::gather::Task;
pub(crate) use self::init::Fault as InitFault;
pub use self::init::Init;
pub(crate) use self::places::{ByNeuron, Onto, Part, STEP_BITS, Source};
pub use self::pool::Pool;
pub use self::shape::Shape;
pub use self::sparse::{Origin, Pattern, PatternError, Rewired};
pub use self::synapse::{Synapse, arrive, backflow, by_delay, by_time, by_weight};
pub(crate) use self::wiring::scale;
pub use self::wiring::{Synapses, Wiring};
pub use self::wiring_error::WiringError;

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
                travel: Travel::InOrder(2),
                trained: false,
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
            connection.start_at_end(&mut transit, &spikes, 3);
            let mut backflow = [0.0; 3];
            for arrival in [2, 1] {
                let targets = Targets {
                    lambda_v: &Aligned::from(&LAMBDA_V[..]),
                    lambda_i: &Aligned::from(&LAMBDA_I[..]),
                    difference: &mut Aligned::zeros(8),
                };
                let at = (&spikes, arrival);
                let sums = Sums {
                    backflow: &mut backflow,
                    by_delay: &mut [],
                };
                connection.collect(&mut transit, packed, at, targets, sums);
            }
            let expected = synapses.backflow(&w, 1, &LAMBDA_V, &LAMBDA_I);
            assert_eq!(backflow, [expected, 0.0, 0.0], "{wiring:?}");
        }
    }

    /// `[F5]`, `[A4]`, `[G6]` where spikes overtake each other: the spike of step 0 needs three steps and arrives
    /// with the second of step 1, which needs two, in the order of the tape; the first of step 1 arrives before.
    #[test]
    fn spikes_that_overtake_each_other_arrive_as_wholes() {
        let spikes = Spikes {
            when: vec![0, 1, 1],
            neuron: vec![2, 0, 1],
            ..Spikes::<u32, f64>::default()
        };
        for wiring in [Wiring::Dense, Wiring::OneToOne] {
            let synapses = wiring.between(3, 3).unwrap();
            let lags = Lags::Each {
                by: By::Source,
                values: vec![1, 2, 3],
            };
            let connection = Connection {
                travel: Travel::new(&synapses, lags),
                synapses,
                trained: true,
            };
            let synapses = &connection.synapses;
            let w: Vec<f64> = (1..=synapses.weights_len()).map(|n| n as f64).collect();
            let mut copy = Aligned::default();
            synapses.pack(&w, &mut copy);
            let packed = synapses.packed(&w, &copy);
            let mut transit = Transit::default();
            connection.start(&mut transit, 4);
            for (k, neurons) in [(0, &[][..]), (1, &[]), (2, &[0]), (3, &[2, 1])] {
                let (mut found, mut expected) = (Aligned::zeros(8), [0.0; 8]);
                connection.deliver(&mut transit, packed, (&spikes, k), &mut found);
                for &neuron in neurons {
                    synapses.deliver(&w, neuron, &mut expected);
                }
                assert_eq!(found[..], expected, "{wiring:?}, step {k}");
            }
            connection.start_at_end(&mut transit, &spikes, 4);
            let (mut backflow, mut by_delay) = ([0.0; 3], [0.0; 3]);
            for arrival in [3, 2, 1] {
                let targets = Targets {
                    lambda_v: &Aligned::from(&LAMBDA_V[..]),
                    lambda_i: &Aligned::from(&LAMBDA_I[..]),
                    difference: &mut Aligned::zeros(8),
                };
                let sums = Sums {
                    backflow: &mut backflow,
                    by_delay: &mut by_delay,
                };
                let at = (&spikes, arrival);
                connection.collect(&mut transit, packed, at, targets, sums);
            }
            let r = |neuron| synapses.backflow(&w, neuron, &LAMBDA_V, &LAMBDA_I);
            assert_eq!(backflow, [r(2), r(0), r(1)], "{wiring:?}");
            assert_eq!(by_delay, [r(0), r(1), r(2)], "{wiring:?}");
        }
    }

    /// `[F5]`, `[A4]`, `[G1]`, `[G6]` where every synapse has a delay: two spikes of neuron 1 and one of neuron 0, by hand.
    #[test]
    fn synapses_apart_by_hand() {
        let (w, lags) = ([1.0, 2.0, 3.0, 4.0], [3, 1, 1, 2]);
        let synapses = Wiring::Dense.between(2, 2).unwrap();
        let values = lags.to_vec();
        let by = By::Synapse;
        let Travel::Apart(apart) = Travel::new(&synapses, Lags::Each { by, values }) else {
            panic!("every synapse has its own delay");
        };
        let mut group = ByNeuron::default();
        let part = Part {
            neurons: &[0, 1, 1],
            steps: &[10, 10, 11],
            sample: 0,
        };
        group.fill(2, std::iter::once(part));
        let mut all = Columns::<f64>::default();
        all.start(2, 4);
        apart.send_all(&w, &group, (&mut all, 11));
        let of = |all: &Columns<f64>, target| [0, 1, 2, 3].map(|row| all.at(target, row));
        assert_eq!(of(&all, 0), [3.0, 3.0, 1.0, 0.0]);
        assert_eq!(of(&all, 1), [2.0, 4.0, 4.0, 0.0]);
        let mut each = Columns::<f64>::default();
        each.start(2, 4);
        for (source, step) in [(0, 10), (1, 10), (1, 11)] {
            apart.send(&w, Sent { source, step }, (&mut each, 11));
        }
        assert_eq!([of(&each, 0), of(&each, 1)], [of(&all, 0), of(&all, 1)]);

        let mut history = History::<f64>::default();
        history.start(2, 4);
        for row in 0..3 {
            let x = row as f64 + 1.0;
            let row_of = |first: f64, second: f64| [first, second, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
            let difference = row_of(-x, 100.0 * x);
            history.set_row(row, &row_of(x, 10.0 * x), &difference);
        }
        // Neuron 0 reaches the first target in row 2 and the second in row 0.
        let sent = Sent {
            source: 0,
            step: 10,
        };
        let r = apart.backflow(&w, sent, (&history, 11));
        assert_eq!(r, -3.0 + 2.0 * 100.0);
        let from = Lookup {
            group: &group,
            history: &history,
            first: 11,
            tau_syn: &[2.0, 1.0],
            weights: &w,
            onto: Onto::Zero,
        };
        let (mut by_weight, mut by_delay) = ([9.0; 4], [9.0; 4]);
        apart.gather(&from, &mut by_weight, Some(&mut by_delay));
        assert_eq!(
            by_weight,
            [-2.0 * 3.0, -10.0, -2.0 * (1.0 + 2.0), -20.0 - 30.0]
        );
        assert_eq!(
            by_delay,
            [-3.0, 200.0, 3.0 * (-1.0 - 2.0), 4.0 * (200.0 + 300.0)]
        );
    }
}
