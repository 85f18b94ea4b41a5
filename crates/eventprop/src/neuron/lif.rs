//! Leaky integrate-and-fire neurons.
//!
//! Forward, per neuron (Wunderlich & Pehle 2021, eq. 1; this project's symbols), beside the flow of
//! `flow.rs`:
//! - `[F3]` a spike happens when V reaches ϑ from below,
//! - `[F4]` then V is set to V_reset, and the drive J = I − V just before is remembered,
//! - `[F15]` and for a refractory time V stays there while I goes on.
//!
//! Backward:
//! - `[A3]` at a spike: λ_V⁻ = λ_V⁺ + ((ϑ − V_reset) λ_V⁺ + R + ∂L/∂t) / J, with R what the targets send
//!   back ([`crate::connect`]),
//! - `[A16]` at the end of the refractory time of a spike: R += (I − V_reset) λ_V⁺ and λ_V⁻ = 0.

use super::constant::{Constant, NeuronConstant, Range, Row, time_constant};
use super::description::Description;
use super::exact::{Exact, Membrane};
use super::flow::{Flow, Lambda, State};
use super::{Between, Jumped, Neuron, Spike, Spiking, Stepped};
use crate::real::Real;

/// Name of the refractory time.
pub(crate) const REFRACTORY: &str = "refractory";

/// Constants of leaky integrate-and-fire neurons (equations F1 to F4 and F15).
#[derive(Debug, Clone, PartialEq)]
pub struct Lif {
    /// Membrane time constant in ms.
    pub tau_mem: Constant,
    /// Synaptic time constant in ms.
    pub tau_syn: Constant,
    /// Firing threshold; positive.
    pub v_thresh: Constant,
    /// Membrane potential after a spike and at the start of a trial; below the threshold.
    pub v_reset: Constant,
    /// Time in ms after a spike for which V stays at the reset potential; not negative.
    pub refractory: Constant,
}

impl Lif {
    /// LIF neurons with threshold 1 and reset 0.
    pub fn new(tau_mem: impl Into<Constant>, tau_syn: impl Into<Constant>) -> Self {
        Self {
            tau_mem: tau_mem.into(),
            tau_syn: tau_syn.into(),
            v_thresh: Constant::Same(1.0),
            v_reset: Constant::Same(0.0),
            refractory: Constant::Same(0.0),
        }
    }

    /// The same with another threshold.
    #[must_use]
    pub fn v_thresh(self, v_thresh: impl Into<Constant>) -> Self {
        Self {
            v_thresh: v_thresh.into(),
            ..self
        }
    }

    /// The same with another reset potential.
    #[must_use]
    pub fn v_reset(self, v_reset: impl Into<Constant>) -> Self {
        Self {
            v_reset: v_reset.into(),
            ..self
        }
    }

    /// The same with a refractory time in ms: V stays at the reset potential for so long after a spike, and I goes on.
    #[must_use]
    pub fn refractory(self, refractory: impl Into<Constant>) -> Self {
        Self {
            refractory: refractory.into(),
            ..self
        }
    }

    /// ϑ − V_reset of a neuron.
    pub(crate) fn theta_above_reset(&self, neuron: usize) -> f64 {
        self.v_thresh.of(neuron) - self.v_reset.of(neuron)
    }
}

impl Description for Lif {
    fn name(&self) -> &'static str {
        "LIF"
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let mut rows = vec![
            time_constant(NeuronConstant::TauMem, &self.tau_mem),
            time_constant(NeuronConstant::TauSyn, &self.tau_syn),
            Row {
                name: "v_thresh",
                values: &self.v_thresh,
                range: Range::Positive,
                expected: "a threshold must be finite and positive (the resting potential is 0)",
                trainable: None,
            },
            Row {
                name: "v_reset",
                values: &self.v_reset,
                range: Range::Below(&self.v_thresh),
                expected: "a reset must be finite and below the threshold",
                trainable: None,
            },
        ];
        // Most neurons have none, and descriptions do not speak of it.
        if self.refractory != Constant::Same(0.0) {
            rows.push(Row {
                name: REFRACTORY,
                values: &self.refractory,
                range: Range::NotNegative,
                expected: "a refractory time must be finite and not negative (ms)",
                trainable: None,
            });
        }
        rows
    }

    fn constant_mut(&mut self, name: &str) -> Option<&mut Constant> {
        match name {
            "tau_mem" => Some(&mut self.tau_mem),
            "tau_syn" => Some(&mut self.tau_syn),
            "v_thresh" => Some(&mut self.v_thresh),
            "v_reset" => Some(&mut self.v_reset),
            REFRACTORY => Some(&mut self.refractory),
            _ => None,
        }
    }

    fn v_start(&self) -> &Constant {
        &self.v_reset
    }

    fn spikes(&self) -> bool {
        true
    }

    fn threshold(&self) -> Option<&Constant> {
        Some(&self.v_thresh)
    }

    fn refractory_time(&self) -> Option<&Constant> {
        Some(&self.refractory)
    }

    fn own_start(&self) -> Option<&Constant> {
        None
    }

    fn exact(&self) -> Option<&dyn Exact> {
        Some(self)
    }
}

impl Exact for Lif {
    fn membrane(&self, neuron: usize) -> Membrane {
        Membrane::new(self.tau_mem.of(neuron), self.tau_syn.of(neuron))
    }
}

/// One neuron, its constants prepared for a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LifCell<F> {
    /// Over a step.
    pub flow: Flow<F>,
    /// ϑ.
    pub v_thresh: F,
    /// V_reset.
    pub v_reset: F,
    /// ϑ − V_reset.
    pub theta_above_reset: F,
}

impl<F: Real> LifCell<F> {
    /// A neuron of a population over steps of `dt` ms.
    pub fn new(lif: &Lif, neuron: usize, dt: f64) -> Self {
        let flow = Flow::over(dt, lif.tau_mem.of(neuron), lif.tau_syn.of(neuron));
        Self {
            flow: flow.cast(),
            v_thresh: F::from_f64(lif.v_thresh.of(neuron)),
            v_reset: F::from_f64(lif.v_reset.of(neuron)),
            theta_above_reset: F::from_f64(lif.theta_above_reset(neuron)),
        }
    }
}

impl<F: Real> Neuron<F> for LifCell<F> {
    type Own = ();
    type Trail = ();

    #[inline(always)]
    fn step(self, at: State<F>, (): ()) -> Stepped<F, (), ()> {
        Stepped {
            state: at.after(&self.flow),
            own: (),
            trail: (),
        }
    }

    #[inline(always)]
    fn adjoint_step(self, plus: Lambda<F>, (): ()) -> Lambda<F> {
        plus.before(&self.flow)
    }

    #[inline(always)]
    fn adjoint_step_driven(self, plus: Lambda<F>, (): (), a: F) -> Lambda<F> {
        plus.before_driven(&self.flow, a)
    }

    #[inline(always)]
    fn adjoint_own(self, lambda_own: F, _steps: u32) -> F {
        lambda_own
    }
}

impl<F: Real> Spiking<F> for LifCell<F> {
    #[inline(always)]
    fn fires(self, v: F, (): ()) -> bool {
        fires(v, self.v_thresh)
    }

    /// J = I_k − V_{k+1}.
    #[inline(always)]
    fn jump(self, i_k: F, v: F, (): ()) -> Jumped<F, ()> {
        Jumped {
            drive: drive(i_k, v),
            v: self.v_reset,
            own: (),
        }
    }

    #[inline(always)]
    fn adjoint_jump(self, plus: F, spike: Spike<F>, _elapsed_ms: f64, _: &mut Between<F>) -> F {
        adjoint_jump(plus, self.theta_above_reset, &spike)
    }

    #[inline(always)]
    fn adjoint_start(self, _elapsed_ms: f64, _between: &mut Between<F>) {}
}

/// `[F3]` true of a neuron at its threshold `theta` or above.
#[inline(always)]
pub fn fires<F: Real>(v: F, theta: F) -> bool {
    v >= theta
}

/// `[F4]` the drive J of a spike at the potential `v` and the current `i`.
#[inline(always)]
pub fn drive<F: Real>(i: F, v: F) -> F {
    i - v
}

/// `[A16]` what the end of a refractory time adds to R of its spike. `drive` is I − V_reset there.
#[inline(always)]
pub fn adjoint_release<F: Real>(lambda_v_plus: F, drive: F) -> F {
    // [A16] R += (I − V_reset) λ_V⁺
    drive * lambda_v_plus
}

/// `[A3]` λ_V just before a spike, from λ_V just after it. `height` is ϑ − V_reset.
#[inline(always)]
pub fn adjoint_jump<F: Real>(lambda_v_plus: F, height: F, spike: &Spike<F>) -> F {
    lambda_v_plus + (height * lambda_v_plus + spike.backflow) / spike.drive
}
