//! The neuron models: their equations forward and adjoint, side by side, and their constants.
//!
//! Formulas only; the order in which they are applied belongs to the solvers. See
//! `docs/equations.md` for symbols, signs and sources.
//!
//! A model is one file. It holds what a network says of it (`description`: constants, with their
//! ranges), and what a solver asks of one neuron: [`Neuron`], and [`Spiking`] where it has a threshold,
//! over one step of the grid; `exact` where the time between two events has a closed form.
//! [`model`] lists the models.

pub mod alif;
pub mod constant;
pub(crate) mod description;
pub mod equations;
pub mod exact;
pub mod flow;
pub mod folded;
pub mod li;
pub mod lif;
pub mod model;
pub mod sensitivity;

use std::fmt::Debug;

pub use flow::{Lambda, State};

use crate::real::Real;

/// One neuron over one step of the grid.
pub trait Neuron<F: Real>: Copy + PartialEq + Debug + Send + Sync + 'static {
    /// The model's own variable beside V and I.
    type Own: Kept<F>;
    /// Record of a step for its adjoint: nothing where the flow is linear.
    type Trail: Kept<F>;

    /// One step without a spike.
    fn step(self, at: State<F>, own: Self::Own) -> Stepped<F, Self::Own, Self::Trail>;

    /// λ at the start of a step, from λ at its end.
    fn adjoint_step(self, plus: Lambda<F>, trail: Self::Trail) -> Lambda<F>;

    /// The same while the loss drives λ_V with A.
    fn adjoint_step_driven(self, plus: Lambda<F>, trail: Self::Trail, a: F) -> Lambda<F>;

    /// λ of what the model keeps, `steps` steps without a spike before it was `lambda_own`.
    fn adjoint_own(self, lambda_own: F, steps: u32) -> F;
}

/// A neuron with a threshold.
pub trait Spiking<F: Real>: Neuron<F> {
    /// True of a neuron at its threshold or above.
    fn fires(self, v: F, own: Self::Own) -> bool;

    /// A spike at the end of a step that began with the current `i_k`.
    fn jump(self, i_k: F, v: F, own: Self::Own) -> Jumped<F, Self::Own>;

    /// λ_V just before a spike, from λ_V just after it. `between` is that of the spike that was reached before,
    /// `elapsed_ms` later, and becomes that of this one.
    fn adjoint_jump(
        self,
        lambda_v_plus: F,
        spike: Spike<F>,
        elapsed_ms: f64,
        between: &mut Between<F>,
    ) -> F;

    /// The derivatives from the first spike back to the start of the trial, `elapsed_ms` earlier.
    fn adjoint_start(self, elapsed_ms: f64, between: &mut Between<F>);
}

/// A number that is kept for every neuron of a population, or none.
pub trait Kept<F>: Copy + Debug {
    /// Number of numbers.
    const COUNT: usize;
    /// That of a neuron, from a list of all.
    fn load(list: &[F], neuron: usize) -> Self;
    /// Puts it into the list.
    fn store(self, list: &mut [F], neuron: usize);
    /// Appends it to a list.
    fn push(self, list: &mut Vec<F>);
}

impl<F> Kept<F> for () {
    const COUNT: usize = 0;
    #[inline(always)]
    fn load(_list: &[F], _neuron: usize) -> Self {}
    #[inline(always)]
    fn store(self, _list: &mut [F], _neuron: usize) {}
    #[inline(always)]
    fn push(self, _list: &mut Vec<F>) {}
}

impl<F: Real> Kept<F> for F {
    const COUNT: usize = 1;
    #[inline(always)]
    fn load(list: &[F], neuron: usize) -> Self {
        list[neuron]
    }
    #[inline(always)]
    fn store(self, list: &mut [F], neuron: usize) {
        list[neuron] = self;
    }
    #[inline(always)]
    fn push(self, list: &mut Vec<F>) {
        list.push(self);
    }
}

/// A neuron after a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stepped<F, Own, Trail> {
    /// V and I at its end.
    pub state: State<F>,
    /// The model's own variable, at its end.
    pub own: Own,
    /// Record for the adjoint of the step.
    pub trail: Trail,
}

/// A neuron after a spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jumped<F, Own> {
    /// J.
    pub drive: F,
    /// V after the reset.
    pub v: F,
    /// The model's own variable, after the spike.
    pub own: Own,
}

/// A spike as its adjoint sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spike<F> {
    /// J.
    pub drive: F,
    /// The model's own variable just before the spike; 0 where it has none.
    pub own: F,
    /// R + ∂L/∂t.
    pub backflow: F,
}

/// Record of the adjoint pass from a spike of a neuron to the one before: values just before the spike, in
/// forward time, and sums.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Between<F> {
    /// λ of what the model keeps.
    pub lambda_own: F,
    /// The model's own variable.
    pub own: F,
    /// `[G5]` so far.
    pub by_tau_b: F,
    /// `[G4]` so far.
    pub by_b_incr: F,
}
