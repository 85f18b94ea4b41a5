//! Adam (Kingma & Ba 2015, algorithm 1).
//!
//! m ← β1 m + (1 − β1) g,  v ← β2 v + (1 − β2) g²,
//! w ← w − η m c1 / (√(v c2) + ε),  c1 = 1/(1 − β1ⁿ),  c2 = 1/(1 − β2ⁿ), n = 1, 2, …
//!
//! A single gradient that is far larger than all before it moves weights by up to η (1 − β1)/√(1 − β2), about 3 η with
//! the usual decays, and by a tenth less in every batch after it: 30 η in the direction of one batch, where a step is
//! usually a small part of η. [`Adam::clip`] keeps such a batch to what is usual.

use crate::dispatch::{Kernel, vectorized};
use std::ops::Range;

use super::Rates;
use crate::params::{Entry, Params, Role, euclidean, sum_of};
use crate::real::Real;
use crate::shares::{CHUNK, for_each_sticky};

/// Adam with its moments.
#[derive(Debug, Clone)]
pub struct Adam<F> {
    /// Decay β1 of the first moment.
    pub beta1: f64,
    /// Decay β2 of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// `[O1]` Clipping factor c: the gradient of each projection, or of a trained constant of a population, is scaled
    /// so that its norm is at most c times its running root mean square (from v). `None`: no clipping.
    pub clip: Option<f64>,
    /// `[O3]` Decay λ of the weights, apart from their gradient (AdamW, Loshchilov & Hutter 2019): before each step
    /// w ← (1 − η λ) w. Trained constants of neurons do not decay.
    pub weight_decay: f64,
    /// `[O5]` Factors on the learning rate, one for each range of the parameters; none for 1 everywhere.
    /// [`relative_to`](Self::relative_to) sets them.
    pub scales: Vec<f64>,
    /// Number n of steps done.
    pub steps: u64,
    /// First moments m, in the shape of the parameters.
    pub first: Params<F>,
    /// Second moments v, in the shape of the parameters.
    pub second: Params<F>,
}

impl<F: Real> Adam<F> {
    /// Adam with zero moments for parameters of this shape.
    pub fn new(params: &Params<F>, beta1: f64, beta2: f64, eps: f64) -> Self {
        Self {
            beta1,
            beta2,
            eps,
            clip: None,
            weight_decay: 0.0,
            scales: Vec::new(),
            steps: 0,
            first: params.zeros_like(),
            second: params.zeros_like(),
        }
    }

    /// `[O5]` Makes the learning rate relative: every projection, and every trained constant of a population, has the
    /// root mean square of `params` as a factor on it, or 1 where all are zero. The rate of delays is in ms and stays.
    pub fn relative_to(&mut self, params: &Params<F>) {
        let size = |entry: &Entry| {
            let values = &params.values()[entry.range.clone()];
            let size = euclidean(values) / (values.len() as f64).sqrt();
            let is_relative = size > 0.0 && !matches!(entry.role, Role::Delays(_));
            if is_relative { size } else { 1.0 }
        };
        self.scales = params.layout().iter().map(size).collect();
    }

    /// `[O1]` Scales down what is unusually large. Where there was no gradient before there is nothing to compare with.
    pub(super) fn clip(&self, gradient: &mut Params<F>) {
        let Some(clip) = self.clip else {
            return;
        };
        let c2 = 1.0 / (1.0 - self.beta2.powf(self.steps as f64));
        for index in 0..gradient.layout().len() {
            let range = gradient.layout()[index].range.clone();
            let usual = (c2 * sum_of(&self.second.values()[range.clone()], |v| v)).sqrt();
            let gradient = &mut gradient.values_mut()[range];
            let norm = euclidean(gradient);
            if usual > 0.0 && norm > clip * usual {
                let scale = F::from_f64(clip * usual / norm);
                for g in gradient {
                    *g *= scale;
                }
            }
        }
    }

    /// `[O3]` Lets the weights decay before a step with rate `eta`.
    pub(super) fn decay(&self, params: &mut Params<F>, eta: f64, frozen: &[Role]) {
        if self.weight_decay == 0.0 {
            return;
        }
        for index in 0..params.layout().len() {
            let factor = F::from_f64(1.0 - eta * self.scale(index) * self.weight_decay);
            let entry = &params.layout()[index];
            if matches!(entry.role, Role::Weights(_)) && !frozen.contains(&entry.role) {
                let range = entry.range.clone();
                for w in &mut params.values_mut()[range] {
                    *w *= factor;
                }
            }
        }
    }

    /// The same in another number type.
    pub fn cast<G: Real>(&self) -> Adam<G> {
        Adam {
            beta1: self.beta1,
            beta2: self.beta2,
            eps: self.eps,
            clip: self.clip,
            weight_decay: self.weight_decay,
            scales: self.scales.clone(),
            steps: self.steps,
            first: self.first.cast(),
            second: self.second.cast(),
        }
    }

    fn scale(&self, index: usize) -> f64 {
        self.scales.get(index).copied().unwrap_or(1.0)
    }

    pub(super) fn step(&mut self, weights: &mut [F], gradient: &[F], rates: Rates) {
        self.steps += 1;
        let steps = self.steps as f64;
        let c1 = 1.0 / (1.0 - self.beta1.powf(steps));
        let c2 = 1.0 / (1.0 - self.beta2.powf(steps));
        let factors = Factors {
            beta1: F::from_f64(self.beta1),
            rest1: F::from_f64(1.0 - self.beta1),
            beta2: F::from_f64(self.beta2),
            rest2: F::from_f64(1.0 - self.beta2),
            eta_c1: F::from_f64(rates.eta * c1),
            c2: F::from_f64(c2),
            eps: F::from_f64(self.eps),
        };
        if self.scales.is_empty() && !rates.differ(self.first.layout()) {
            return self.update(weights, gradient, 0..weights.len(), factors);
        }
        for index in 0..self.first.layout().len() {
            let entry = &self.first.layout()[index];
            let (eta, range) = (rates.of(entry.role), entry.range.clone());
            let eta_c1 = F::from_f64(eta * self.scale(index) * c1);
            self.update(weights, gradient, range, Factors { eta_c1, ..factors });
        }
    }

    fn update(
        &mut self,
        weights: &mut [F],
        gradient: &[F],
        range: Range<usize>,
        factors: Factors<F>,
    ) {
        let (weights, gradient) = (&mut weights[range.clone()], &gradient[range.clone()]);
        let first = &mut self.first.values_mut()[range.clone()];
        let second = &mut self.second.values_mut()[range];
        let moments = first.chunks_mut(CHUNK).zip(second.chunks_mut(CHUNK));
        let tasks = weights.chunks_mut(CHUNK).zip(gradient.chunks(CHUNK));
        let update = |((weights, gradient), (first, second))| Update {
            weights,
            gradient,
            first,
            second,
            factors,
        };
        for_each_sticky(tasks.zip(moments).map(update).collect(), vectorized);
    }
}

#[derive(Clone, Copy)]
struct Factors<F> {
    beta1: F,
    rest1: F,
    beta2: F,
    rest2: F,
    eta_c1: F,
    c2: F,
    eps: F,
}

struct Update<'a, F> {
    weights: &'a mut [F],
    gradient: &'a [F],
    first: &'a mut [F],
    second: &'a mut [F],
    factors: Factors<F>,
}

impl<F: Real> Kernel for Update<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let f = self.factors;
        let moments = self.first.iter_mut().zip(self.second);
        for ((w, g), (m, v)) in self.weights.iter_mut().zip(self.gradient).zip(moments) {
            let first = f.beta1 * *m + f.rest1 * *g;
            let second = f.beta2 * *v + f.rest2 * (*g * *g);
            *w -= f.eta_c1 * first / ((second * f.c2).sqrt() + f.eps);
            (*m, *v) = (first, second);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Adam;
    use crate::connect::{By, Delay, Delays, Wiring};
    use crate::network::{Clock, Init, Li, Lif, Network, NeuronConstant, Projection};
    use crate::optim::Rates;
    use crate::params::{Params, Role};

    /// Two steps by hand: with a constant gradient m c1 = g and v c2 = g², so every step is
    /// η g / (|g| + ε).
    #[test]
    fn adam_steps_of_a_constant_gradient() {
        let mut network = Network::new(Clock::new(1.0, 2.0).unwrap());
        let input = network.add_input("in", 1);
        let output = network.add_li("out", 2, Li::new(20.0, 5.0));
        network.connect(input, output, Init::Values(vec![1.0, -1.0]));
        let mut params = Params::<f64>::init(&network, 0).unwrap();
        let mut adam = Adam::new(&params, 0.9, 0.999, 1e-8);
        for _ in 0..2 {
            adam.step(params.values_mut(), &[0.25, -4.0], 0.1.into());
        }
        // 1 − β2ⁿ loses up to ε/(1 − β2) = 2e-13 relative to cancellation, halved by the root.
        let expected = [
            1.0 - 0.2 * 0.25 / (0.25 + 1e-8),
            -1.0 + 0.2 * 4.0 / (4.0 + 1e-8),
        ];
        for (w, expected) in params.values().iter().zip(expected) {
            assert!((w - expected).abs() < 2e-13);
        }
    }

    /// Delays have a rate of their own, which is neither relative nor a reason for weights to decay.
    #[test]
    fn delays_have_a_rate_of_their_own() {
        let mut network = Network::new(Clock::new(1.0, 20.0).unwrap());
        let input = network.add_input("in", 1);
        let output = network.add_li("out", 1, Li::new(20.0, 5.0));
        network.add_projection(Projection {
            source: input,
            target: output,
            wiring: Wiring::Dense,
            delay: Delay::Each(Delays {
                by: By::Source,
                init: Init::same(4.0),
                most_ms: 8.0,
                trained: true,
            }),
            init: Init::same(3.0),
        });
        let mut params = Params::<f64>::init(&network, 0).unwrap();
        let mut adam = Adam::new(&params, 0.9, 0.999, 1e-12);
        adam.relative_to(&params);
        let rates = Rates {
            eta: 0.1,
            delays: 0.5,
        };
        adam.step(params.values_mut(), &[1.0, -1.0], rates);
        for (found, expected) in params.values().iter().zip([3.0 - 0.3, 4.5]) {
            // ε of Adam and the cancellation in 1 − β2ⁿ, both relative to the step.
            assert!((found - expected).abs() < 0.5 * 2e-12, "{found}");
        }
        let adam = Adam {
            weight_decay: 0.5,
            scales: Vec::new(),
            ..adam
        };
        let [w, delay] = [params.values()[0], params.values()[1]];
        adam.decay(&mut params, 0.1, &[]);
        assert_eq!(params.values(), [w * 0.95, delay]);
    }

    /// `[O5]` Weights 3 and 4 have a root mean square of √12.5, others that are zero count as 1; with a constant gradient
    /// a step is η times that.
    #[test]
    fn a_relative_rate_is_one_of_the_size_of_the_weights() {
        let mut network = Network::new(Clock::new(1.0, 2.0).unwrap());
        let input = network.add_input("in", 2);
        let hidden = network.add_lif("hid", 1, Lif::new(20.0, 5.0));
        let output = network.add_li("out", 1, Li::new(20.0, 5.0));
        network.connect(input, hidden, Init::Values(vec![3.0, 4.0]));
        network.connect(hidden, output, Init::Values(vec![0.0]));
        let mut params = Params::<f64>::init(&network, 0).unwrap();
        let mut adam = Adam::new(&params, 0.9, 0.999, 1e-12);
        adam.relative_to(&params);
        adam.step(params.values_mut(), &[1.0, -1.0, 1.0], 0.1.into());
        let size = 12.5_f64.sqrt();
        let expected = [3.0 - 0.1 * size, 4.0 + 0.1 * size, -0.1];
        for (w, expected) in params.values().iter().zip(expected) {
            // ε of Adam and the cancellation in 1 − β2ⁿ, both relative to the step.
            assert!((w - expected).abs() < 0.1 * size * 2e-12, "{w}");
        }
    }

    /// `[O3]` Weights shrink by 1 − 0.1 · 0.5 apart from their step; neither a trained constant nor what is frozen does.
    #[test]
    fn weights_decay_and_constants_do_not() {
        let mut network = Network::new(Clock::new(1.0, 2.0).unwrap());
        let input = network.add_input("in", 1);
        let output = network.add_li("out", 1, Li::new(20.0, 5.0));
        let weights = network.connect(input, output, Init::Values(vec![2.0]));
        network.train_constant(output, NeuronConstant::TauMem, 1.0);
        let mut params = Params::<f64>::init(&network, 0).unwrap();
        let adam = Adam {
            weight_decay: 0.5,
            ..Adam::new(&params, 0.9, 0.999, 1e-8)
        };
        adam.decay(&mut params, 0.1, &[]);
        assert_eq!(params.values(), [2.0 * 0.95, 20.0]);
        adam.decay(&mut params, 0.1, &[Role::Weights(weights)]);
        assert_eq!(params.values(), [2.0 * 0.95, 20.0]);
    }

    /// `[O1]` A usual norm of 5, then a batch of ten times that: with a clip of 2 it counts as 10, in each range by
    /// itself; the first batch has nothing to be compared with, nor has a range that had no gradient.
    #[test]
    fn what_is_unusual_is_scaled_down() {
        let mut network = Network::new(Clock::new(1.0, 2.0).unwrap());
        let input = network.add_input("in", 2);
        let hidden = network.add_lif("hid", 1, Lif::new(20.0, 5.0));
        let output = network.add_li("out", 1, Li::new(20.0, 5.0));
        network.connect(input, hidden, Init::Values(vec![1.0, 1.0]));
        network.connect(hidden, output, Init::Values(vec![1.0]));
        let mut params = Params::<f64>::init(&network, 0).unwrap();
        let mut adam = Adam::new(&params, 0.9, 0.999, 1e-8);
        let of = |numbers: [f64; 3]| {
            let mut gradient = params.zeros_like();
            gradient.values_mut().copy_from_slice(&numbers);
            gradient
        };
        let [usual, large] = [of([3.0, -4.0, 0.0]), of([30.0, -40.0, 7.0])];
        let clipped = |adam: &Adam<f64>, gradient: &Params<f64>| {
            let mut gradient = gradient.clone();
            adam.clip(&mut gradient);
            gradient
        };
        adam.clip = Some(2.0);
        assert_eq!(clipped(&adam, &large), large, "nothing before");
        for _ in 0..5 {
            adam.step(params.values_mut(), usual.values(), 0.1.into());
        }
        assert_eq!(clipped(&adam, &usual), usual);
        // 1 − β2ⁿ and v lose some ε/(1 − β2) = 2e-13 relative.
        let found = clipped(&adam, &large);
        for (g, expected) in found.values().iter().zip([6.0, -8.0, 7.0]) {
            assert!((g - expected).abs() < 8.0 * 4e-13, "{found:?}");
        }
        adam.clip = None;
        assert_eq!(clipped(&adam, &large), large, "not asked");
    }
}
