//! Leaky integrators: the flow of `[F1]` and `[F2]` without a threshold. They never spike, so their
//! adjoint has no jumps of its own; the loss drives it through A in `[A1]` or, for a voltage peak,
//!
//! `[A5]` λ_V⁻ = λ_V⁺ − ∂L/∂V_max / τ_mem at the time of the peak.

use super::constant::{Constant, NeuronConstant, Range, Row, time_constant};
use super::description::Description;
use super::exact::{Exact, Membrane};
use super::flow::{Flow, Lambda, State};
use super::{Neuron, Stepped};
use crate::real::Real;

/// Constants of leaky integrators (equations F1 and F2).
#[derive(Debug, Clone, PartialEq)]
pub struct Li {
    /// Membrane time constant in ms.
    pub tau_mem: Constant,
    /// Synaptic time constant in ms.
    pub tau_syn: Constant,
    /// Membrane potential at the start of a trial.
    pub v_init: Constant,
}

impl Li {
    /// Leaky integrators that start at 0.
    pub fn new(tau_mem: impl Into<Constant>, tau_syn: impl Into<Constant>) -> Self {
        Self {
            tau_mem: tau_mem.into(),
            tau_syn: tau_syn.into(),
            v_init: Constant::Same(0.0),
        }
    }

    /// The same with another initial potential.
    #[must_use]
    pub fn v_init(self, v_init: impl Into<Constant>) -> Self {
        Self {
            v_init: v_init.into(),
            ..self
        }
    }
}

impl Description for Li {
    fn name(&self) -> &'static str {
        "LI"
    }

    fn rows(&self) -> Vec<Row<'_>> {
        vec![
            time_constant(NeuronConstant::TauMem, &self.tau_mem),
            time_constant(NeuronConstant::TauSyn, &self.tau_syn),
            Row {
                name: "v_init",
                values: &self.v_init,
                range: Range::All,
                expected: "it must be finite",
                trainable: None,
            },
        ]
    }

    fn constant_mut(&mut self, name: &str) -> Option<&mut Constant> {
        match name {
            "tau_mem" => Some(&mut self.tau_mem),
            "tau_syn" => Some(&mut self.tau_syn),
            "v_init" => Some(&mut self.v_init),
            _ => None,
        }
    }

    fn v_start(&self) -> &Constant {
        &self.v_init
    }

    fn spikes(&self) -> bool {
        false
    }

    fn threshold(&self) -> Option<&Constant> {
        None
    }

    fn refractory_time(&self) -> Option<&Constant> {
        None
    }

    fn own_start(&self) -> Option<&Constant> {
        None
    }

    fn exact(&self) -> Option<&dyn Exact> {
        Some(self)
    }
}

impl Exact for Li {
    fn membrane(&self, neuron: usize) -> Membrane {
        Membrane::new(self.tau_mem.of(neuron), self.tau_syn.of(neuron))
    }
}

/// One neuron, its constants prepared for a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiCell<F> {
    /// Over a step.
    pub flow: Flow<F>,
}

impl<F: Real> LiCell<F> {
    /// A neuron of a population over steps of `dt` ms.
    pub fn new(li: &Li, neuron: usize, dt: f64) -> Self {
        let flow = Flow::over(dt, li.tau_mem.of(neuron), li.tau_syn.of(neuron));
        Self { flow: flow.cast() }
    }
}

impl<F: Real> Neuron<F> for LiCell<F> {
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

/// `[A5]` λ_V just before the loss reads the voltage in an instant; `minus_dl_dv` is −∂L/∂V there: −∂L/∂V_max at a
/// peak, ∫ A dt at a node.
#[inline(always)]
pub fn adjoint_peak<F: Real>(lambda_v_plus: F, minus_dl_dv: F, tau_mem: F) -> F {
    lambda_v_plus + minus_dl_dv / tau_mem
}
