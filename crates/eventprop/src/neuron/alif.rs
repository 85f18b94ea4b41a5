//! Adaptive leaky integrate-and-fire neurons: `lif.rs` with a threshold that rises with every spike.
//!
//! Forward:
//! - `[F10]` τ_B B' = −B between spikes of the neuron,
//! - `[F3]` a spike happens when V reaches ϑ + B from below,
//! - `[F11]` at a spike the drive is J = I − V + B τ_mem/τ_B, which is τ_mem times the slope of V − B, and
//!   B⁺ = B⁻ + β.
//!
//! Backward:
//! - `[A7]` τ_B λ_B' = −λ_B between spikes,
//! - `[A8]` at a spike: λ_V⁻ = λ_V⁺ + ((ϑ + B − V_reset − B τ_mem/τ_B) λ_V⁺ − β λ_B⁺ + R + ∂L/∂t)/J and
//!   λ_B⁻ = λ_B⁺ − λ_V⁻ τ_mem/τ_B, with B = B⁻.
//!
//! Gradient:
//! - `[G4]` ∂L/∂β = −τ_B Σ λ_B⁺ over the spikes of the neuron,
//! - `[G5]` ∂L/∂τ_B = −Σ (Δt/τ_B) λ_B⁻ B⁻ over its spikes, Δt the time since the one before.
//!
//! For B = 0 and β = 0 this is `lif.rs`.

use super::constant::{Constant, NeuronConstant, Range, Row, time_constant};
use super::description::Description;
use super::exact::{Exact, Membrane};
use super::flow::{Lambda, State};
use super::lif::{self, Lif, LifCell};
use super::{Between, Jumped, Neuron, Spike, Spiking, Stepped};
use crate::real::Real;

/// A threshold that rises with every spike and relaxes (equations F10 and F11): what makes LIF
/// neurons ALIF neurons.
#[derive(Debug, Clone, PartialEq)]
pub struct Adaptation {
    /// Time constant τ_B in ms with which the threshold relaxes.
    pub tau_b: Constant,
    /// Increment of the threshold at a spike, β; not negative.
    pub b_incr: Constant,
    /// Rise of the threshold above `v_thresh` at the start of a trial; not negative.
    pub b_init: Constant,
}

impl Adaptation {
    /// A threshold that starts at `v_thresh`, rises by `b_incr` with every spike and relaxes with
    /// `tau_b` ms.
    pub fn new(tau_b: impl Into<Constant>, b_incr: impl Into<Constant>) -> Self {
        Self {
            tau_b: tau_b.into(),
            b_incr: b_incr.into(),
            b_init: Constant::Same(0.0),
        }
    }

    /// The same with a threshold that starts `b_init` above `v_thresh`.
    #[must_use]
    pub fn b_init(self, b_init: impl Into<Constant>) -> Self {
        Self {
            b_init: b_init.into(),
            ..self
        }
    }
}

/// Constants of adaptive leaky integrate-and-fire neurons (equations F1 to F4, F10 and F11).
#[derive(Debug, Clone, PartialEq)]
pub struct Alif {
    /// Membrane, threshold at rest and reset.
    pub lif: Lif,
    /// Constants of the adaptation.
    pub adaptation: Adaptation,
}

impl Lif {
    /// The same with a threshold that adapts: ALIF neurons.
    #[must_use]
    pub fn adapting(self, adaptation: Adaptation) -> Alif {
        Alif {
            lif: self,
            adaptation,
        }
    }
}

impl Alif {
    /// The constants of one neuron that its threshold and its spikes need.
    pub(crate) fn threshold_of<F: Real>(&self, neuron: usize) -> Threshold<F> {
        let tau_b = self.adaptation.tau_b.of(neuron);
        Threshold {
            tau_b: F::from_f64(tau_b),
            theta_above_reset: F::from_f64(self.lif.theta_above_reset(neuron)),
            mem_per_b: F::from_f64(self.lif.tau_mem.of(neuron) / tau_b),
            b_incr: F::from_f64(self.adaptation.b_incr.of(neuron)),
        }
    }
}

impl Description for Alif {
    fn name(&self) -> &'static str {
        "ALIF"
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let expected =
            "an adapting threshold must not fall below v_thresh: finite and not negative";
        let rise = |name, values, trainable| Row {
            name,
            values,
            range: Range::NotNegative,
            expected,
            trainable,
        };
        let Adaptation {
            tau_b,
            b_incr,
            b_init,
        } = &self.adaptation;
        let mut rows = self.lif.rows();
        rows.push(time_constant(NeuronConstant::TauB, tau_b));
        rows.push(rise("b_incr", b_incr, Some(NeuronConstant::BIncr)));
        rows.push(rise("b_init", b_init, None));
        rows
    }

    fn constant_mut(&mut self, name: &str) -> Option<&mut Constant> {
        match name {
            "tau_b" => Some(&mut self.adaptation.tau_b),
            "b_incr" => Some(&mut self.adaptation.b_incr),
            "b_init" => Some(&mut self.adaptation.b_init),
            _ => self.lif.constant_mut(name),
        }
    }

    fn v_start(&self) -> &Constant {
        self.lif.v_start()
    }

    fn spikes(&self) -> bool {
        true
    }

    fn threshold(&self) -> Option<&Constant> {
        self.lif.threshold()
    }

    fn refractory_time(&self) -> Option<&Constant> {
        self.lif.refractory_time()
    }

    fn own_start(&self) -> Option<&Constant> {
        Some(&self.adaptation.b_init)
    }

    fn exact(&self) -> Option<&dyn Exact> {
        Some(self)
    }
}

impl Exact for Alif {
    fn membrane(&self, neuron: usize) -> Membrane {
        self.lif.membrane(neuron)
    }
}

/// The adjoints that a spike of a neuron changes, on one side of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JumpLambda<F> {
    /// λ_V.
    pub v: F,
    /// λ_B.
    pub b: F,
}

/// Constants of one neuron that its threshold and its spikes need.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold<F> {
    /// τ_B.
    pub tau_b: F,
    /// ϑ − V_reset.
    pub theta_above_reset: F,
    /// τ_mem/τ_B.
    pub mem_per_b: F,
    /// β.
    pub b_incr: F,
}

impl<F: Real> Threshold<F> {
    /// `[F11]` a spike at the potential `v`, the current `i` and the threshold rise `b`.
    #[inline(always)]
    pub fn spike(&self, i: F, v: F, b: F) -> Raised<F> {
        Raised {
            drive: lif::drive(i, v) + b * self.mem_per_b,
            b: b + self.b_incr,
        }
    }

    /// `[A8]` λ just before a spike, from λ just after it.
    #[inline(always)]
    pub fn adjoint_jump(&self, plus: JumpLambda<F>, spike: Spike<F>) -> JumpLambda<F> {
        let b = spike.own;
        let height = self.theta_above_reset + b - b * self.mem_per_b;
        let backflow = spike.backflow - self.b_incr * plus.b;
        // As [A3], with the height of the risen threshold.
        let v = lif::adjoint_jump(plus.v, height, &Spike { backflow, ..spike });
        JumpLambda {
            v,
            b: plus.b - v * self.mem_per_b,
        }
    }

    /// `[G4]` what a spike adds to ∂L/∂β.
    #[inline(always)]
    pub fn by_b_incr(&self, lambda_b_plus: F) -> F {
        -self.tau_b * lambda_b_plus
    }

    /// `[G5]` what a spike adds to ∂L/∂τ_B, from λ_B and B just before it: over the `ms` since the spike before
    /// λ_B B does not change.
    #[inline(always)]
    pub fn by_tau_b(&self, lambda_b: F, b: F, ms: f64) -> F {
        -(F::from_f64(ms) / self.tau_b) * lambda_b * b
    }

    /// From the spike that was reached before this one, `elapsed_ms` later, to just before this one: `[A7]`, `[A8]`,
    /// `[G4]` and `[G5]`.
    #[inline(always)]
    pub fn adjoint_spike(
        &self,
        lambda_v_plus: F,
        spike: Spike<F>,
        elapsed_ms: f64,
        between: &mut Between<F>,
    ) -> F {
        self.adjoint_start(elapsed_ms, between);
        let left = F::from_f64(decay_b(elapsed_ms, self.tau_b.to_f64()));
        let plus = JumpLambda {
            v: lambda_v_plus,
            b: adjoint_relaxed(between.lambda_own, left),
        };
        between.by_b_incr += self.by_b_incr(plus.b);
        let minus = self.adjoint_jump(plus, spike);
        between.lambda_own = minus.b;
        between.own = spike.own;
        minus.v
    }

    /// Adds what the `elapsed_ms` before the spike that was reached last give to ∂L/∂τ_B (`[G5]`).
    #[inline(always)]
    pub fn adjoint_start(&self, elapsed_ms: f64, between: &mut Between<F>) {
        between.by_tau_b += self.by_tau_b(between.lambda_own, between.own, elapsed_ms);
    }
}

/// The drive of a spike, and the threshold just after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Raised<F> {
    /// J.
    pub drive: F,
    /// B.
    pub b: F,
}

/// e^{−ms/τ_B}: the part of B, or of λ_B, that is left after `ms` without a spike.
#[inline(always)]
pub fn decay_b(ms: f64, tau_b: f64) -> f64 {
    (-ms / tau_b).exp()
}

/// `[F10]` B after a time without a spike of which [`decay_b`] is `left`.
#[inline(always)]
pub fn relaxed<F: Real>(b: F, left: F) -> F {
    b * left
}

/// `[A7]` λ_B before a time without a spike of which [`decay_b`] is `left`.
#[inline(always)]
pub fn adjoint_relaxed<F: Real>(lambda_b: F, left: F) -> F {
    lambda_b * left
}

/// One neuron, its constants prepared for a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlifCell<F> {
    /// The part that it shares with a neuron whose threshold does not adapt.
    pub lif: LifCell<F>,
    /// The part of B that is left after a step.
    pub decay_b: F,
    /// Constants of the threshold and of spikes.
    pub threshold: Threshold<F>,
}

impl<F: Real> AlifCell<F> {
    /// A neuron of a population over steps of `dt` ms.
    pub fn new(alif: &Alif, neuron: usize, dt: f64) -> Self {
        Self {
            lif: LifCell::new(&alif.lif, neuron, dt),
            decay_b: F::from_f64(decay_b(dt, alif.adaptation.tau_b.of(neuron))),
            threshold: alif.threshold_of(neuron),
        }
    }
}

impl<F: Real> Neuron<F> for AlifCell<F> {
    type Own = F;
    type Trail = ();

    #[inline(always)]
    fn step(self, at: State<F>, b: F) -> Stepped<F, F, ()> {
        Stepped {
            state: at.after(&self.lif.flow),
            own: relaxed(b, self.decay_b),
            trail: (),
        }
    }

    #[inline(always)]
    fn adjoint_step(self, plus: Lambda<F>, (): ()) -> Lambda<F> {
        self.lif.adjoint_step(plus, ())
    }

    #[inline(always)]
    fn adjoint_step_driven(self, plus: Lambda<F>, (): (), a: F) -> Lambda<F> {
        self.lif.adjoint_step_driven(plus, (), a)
    }

    #[inline(always)]
    fn adjoint_own(self, lambda_own: F, steps: u32) -> F {
        let left = self.decay_b.to_f64().powi(steps as i32);
        adjoint_relaxed(lambda_own, F::from_f64(left))
    }
}

impl<F: Real> Spiking<F> for AlifCell<F> {
    #[inline(always)]
    fn fires(self, v: F, b: F) -> bool {
        lif::fires(v, self.lif.v_thresh + b)
    }

    /// J = I_k − V_{k+1} + B_{k+1} τ_mem/τ_B.
    #[inline(always)]
    fn jump(self, i_k: F, v: F, b: F) -> Jumped<F, F> {
        let Raised { drive, b } = self.threshold.spike(i_k, v, b);
        Jumped {
            drive,
            v: self.lif.v_reset,
            own: b,
        }
    }

    #[inline(always)]
    fn adjoint_jump(self, plus: F, spike: Spike<F>, ms: f64, between: &mut Between<F>) -> F {
        self.threshold.adjoint_spike(plus, spike, ms, between)
    }

    #[inline(always)]
    fn adjoint_start(self, elapsed_ms: f64, between: &mut Between<F>) {
        self.threshold.adjoint_start(elapsed_ms, between);
    }
}
