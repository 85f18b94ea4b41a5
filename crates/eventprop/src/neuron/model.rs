//! The list of the models: what a network may say of a population, and the neurons that solvers make of it.

use super::alif::{Alif, AlifCell};
use super::constant::{Constant, NeuronConstant};
use super::description::Description;
use super::equations::Equations;
use super::li::{Li, LiCell};
use super::lif::{Lif, LifCell};
use super::{Neuron, Spiking};
use crate::real::Real;

/// The neuron models.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// Channels that emit the input spikes.
    Input,
    /// Leaky integrate-and-fire.
    Lif(Lif),
    /// Leaky integrate-and-fire with an adapting threshold.
    Alif(Alif),
    /// Leaky integrator.
    Li(Li),
    /// A model that was given as equations.
    Equations(Box<Equations>),
}

impl Model {
    /// Description of its neurons; none of channels without a state.
    pub(crate) fn description(&self) -> Option<&dyn Description> {
        match self {
            Self::Input => None,
            Self::Lif(lif) => Some(lif),
            Self::Alif(alif) => Some(alif),
            Self::Li(li) => Some(li),
            Self::Equations(equations) => Some(&**equations),
        }
    }

    /// A constant of the table.
    ///
    /// # Panics
    /// When there is none of this name.
    pub(crate) fn constant_mut(&mut self, name: &str) -> &mut Constant {
        let description: &mut dyn Description = match self {
            Self::Input => panic!("an input population has no constants"),
            Self::Lif(lif) => lif,
            Self::Alif(alif) => alif,
            Self::Li(li) => li,
            Self::Equations(equations) => &mut **equations,
        };
        let constant = description.constant_mut(name);
        constant.unwrap_or_else(|| panic!("the model has no {name}"))
    }

    /// The constants that can be trained.
    pub fn trainable(&self) -> Vec<NeuronConstant> {
        let rows = self.description().map_or_else(Vec::new, Description::rows);
        rows.into_iter().filter_map(|row| row.trainable).collect()
    }

    /// The constants by name; none for channels without a state.
    pub fn constants(&self) -> Vec<(&'static str, &Constant)> {
        let rows = self.description().map_or_else(Vec::new, Description::rows);
        rows.iter().map(|row| (row.name, row.values)).collect()
    }

    /// The same with every constant changed.
    #[must_use]
    pub fn map_constants(mut self, change: impl Fn(&Constant) -> Constant) -> Self {
        let constants = self.constants().into_iter();
        let changed = constants.map(|(name, values)| (name, change(values)));
        for (name, values) in changed.collect::<Vec<_>>() {
            *self.constant_mut(name) = values;
        }
        self
    }

    /// Its neurons, prepared for steps of `dt` ms: `size` of them, and copies of the last one up to `stride`.
    pub(crate) fn cells<F: Real>(&self, size: usize, stride: usize, dt: f64) -> Cells<F> {
        let places = || (0..stride).map(|n| n.min(size - 1));
        match self {
            Self::Input => Cells::Input,
            Self::Equations(_) => unreachable!("networks with equations have solvers of their own"),
            Self::Lif(lif) => Cells::Lif(Each::of(places().map(|n| LifCell::new(lif, n, dt)))),
            Self::Alif(alif) => Cells::Alif(Each::of(places().map(|n| AlifCell::new(alif, n, dt)))),
            Self::Li(li) => Cells::Li(Each::of(places().map(|n| LiCell::new(li, n, dt)))),
        }
    }
}

/// The neurons of a population, prepared for the steps of a clock.
#[derive(Debug, Clone)]
pub(crate) enum Cells<F> {
    Input,
    Lif(Each<LifCell<F>>),
    Alif(Each<AlifCell<F>>),
    Li(Each<LiCell<F>>),
}

/// Work on the neurons of a population, whatever their model; it must be `#[inline(always)]` where it is hot.
pub(crate) trait Visit<F: Real>: Sized {
    type Output;
    /// Neurons without a threshold.
    fn integrators<N: Neuron<F>>(self, cells: &Each<N>) -> Self::Output;
    /// Neurons with a threshold.
    fn spiking<N: Spiking<F>>(self, cells: &Each<N>) -> Self::Output;
}

impl<F: Real> Cells<F> {
    /// The one match of a layer: hands the neurons over in their own type; none of the input.
    #[inline(always)]
    pub fn visit<V: Visit<F>>(&self, visit: V) -> Option<V::Output> {
        match self {
            Self::Input => None,
            Self::Lif(cells) => Some(visit.spiking(cells)),
            Self::Alif(cells) => Some(visit.spiking(cells)),
            Self::Li(cells) => Some(visit.integrators(cells)),
        }
    }
}

/// Neurons of one model: one set of constants for all, where they agree, and one each.
#[derive(Debug, Clone)]
pub(crate) struct Each<N> {
    pub all: Vec<N>,
    pub uniform: Option<N>,
}

impl<N: Copy + PartialEq> Each<N> {
    fn of(cells: impl Iterator<Item = N>) -> Self {
        let all: Vec<N> = cells.collect();
        let uniform = all.iter().all(|cell| *cell == all[0]).then(|| all[0]);
        Self { all, uniform }
    }
}

/// The constants of neurons in a loop: [`Each::uniform`], or a slice of [`Each::all`].
pub(crate) trait Lookup<N>: Copy {
    fn at(self, neuron: usize) -> N;
}

/// The same for all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shared<N>(pub N);

impl<N: Copy> Lookup<N> for Shared<N> {
    #[inline(always)]
    fn at(self, _neuron: usize) -> N {
        self.0
    }
}

impl<N: Copy> Lookup<N> for &[N] {
    #[inline(always)]
    fn at(self, neuron: usize) -> N {
        self[neuron]
    }
}
