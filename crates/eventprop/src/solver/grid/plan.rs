//! A network as the grid solver sees it: constants per step, and delays in steps.

use crate::network::{Clock, Constant, Model, Network, ProjectionId};
use crate::neuron::flow::Flow;
use crate::real::Real;

use super::rows::stride;

/// Constants of one neuron per step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step<F> {
    /// e^{−dt/τ_mem}.
    pub decay_mem: F,
    /// e^{−dt/τ_syn}.
    pub decay_syn: F,
    /// What a unit of I adds to V.
    pub current_to_voltage: F,
    /// What a unit of λ_V adds to λ_I.
    pub adjoint_coupling: F,
    /// ϑ; infinite for leaky integrators.
    pub v_thresh: F,
}

/// Where the constants of a neuron come from: one set for all, or one each.
pub(super) trait Steps<F>: Copy {
    fn at(self, neuron: usize) -> Step<F>;
}

impl<F: Real> Steps<F> for Step<F> {
    #[inline(always)]
    fn at(self, _neuron: usize) -> Step<F> {
        self
    }
}

impl<F: Real> Steps<F> for &[Step<F>] {
    #[inline(always)]
    fn at(self, neuron: usize) -> Step<F> {
        self[neuron]
    }
}

/// One population.
#[derive(Debug, Clone)]
pub(super) struct Layer<F> {
    pub size: usize,
    /// The size rounded up to whole vectors: the length of all rows of state.
    pub stride: usize,
    pub spiking: bool,
    /// Constants per neuron, padded; empty for the input.
    pub steps: Vec<Step<F>>,
    /// The constants of all neurons, when they agree.
    pub uniform: Option<Step<F>>,
    /// Initial and reset potential, padded with zeros.
    pub v_init: Vec<F>,
    pub tau_mem: Vec<F>,
    pub tau_syn: Vec<F>,
    /// ϑ − V_reset.
    pub theta_above_reset: Vec<F>,
}

/// One projection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub id: ProjectionId,
    pub source: usize,
    pub target: usize,
    /// A spike of step k arrives at the start of step k + delay; at least 1.
    pub delay: usize,
}

/// A network prepared for the grid.
#[derive(Debug, Clone)]
pub(super) struct Plan<F> {
    pub layers: Vec<Layer<F>>,
    /// Sorted by target, in the order of the network's projections.
    pub links: Vec<Link>,
    pub input: usize,
    pub output: usize,
    pub clock: Clock,
}

impl<F: Real> Plan<F> {
    pub fn new(network: &Network) -> Self {
        let clock = network.clock();
        let links = network
            .projections()
            .iter()
            .enumerate()
            .map(|(index, projection)| Link {
                id: ProjectionId(index),
                source: projection.source.0,
                target: projection.target.0,
                delay: clock.delay_steps(projection.delay_ms),
            })
            .collect();
        let layers = network
            .populations()
            .iter()
            .map(|population| layer(&population.model, population.size, clock.dt_ms()))
            .collect();
        Self {
            layers,
            links,
            input: network.input().0,
            output: network.output().0,
            clock,
        }
    }

    /// Links that end in a population.
    pub fn links_into(&self, target: usize) -> impl Iterator<Item = (usize, &Link)> + '_ {
        self.links
            .iter()
            .enumerate()
            .filter(move |(_, link)| link.target == target)
    }
}

fn layer<F: Real>(model: &Model, size: usize, dt: f64) -> Layer<F> {
    let infinite = Constant::Same(f64::INFINITY);
    let (tau_mem, tau_syn, v_thresh, v_init) = match model {
        Model::Input => return input_layer(size),
        Model::Lif(lif) => (&lif.tau_mem, &lif.tau_syn, &lif.v_thresh, &lif.v_reset),
        Model::Li(li) => (&li.tau_mem, &li.tau_syn, &infinite, &li.v_init),
    };
    let all = |constant: &Constant| -> Vec<F> {
        (0..size).map(|n| F::from_f64(constant.of(n))).collect()
    };
    let stride = stride(size);
    // A neuron of the padding has the constants of the last neuron; it stays at zero.
    let steps: Vec<Step<F>> = (0..stride)
        .map(|n| n.min(size - 1))
        .map(|n| step(dt, tau_mem.of(n), tau_syn.of(n), v_thresh.of(n)))
        .collect();
    let mut v_start = all(v_init);
    v_start.resize(stride, F::ZERO);
    Layer {
        size,
        stride,
        spiking: matches!(model, Model::Lif(_)),
        uniform: steps.iter().all(|s| *s == steps[0]).then(|| steps[0]),
        steps,
        v_init: v_start,
        tau_mem: all(tau_mem),
        tau_syn: all(tau_syn),
        theta_above_reset: (0..size)
            .map(|n| F::from_f64(v_thresh.of(n) - v_init.of(n)))
            .collect(),
    }
}

fn input_layer<F>(size: usize) -> Layer<F> {
    Layer {
        size,
        stride: 0,
        spiking: false,
        steps: Vec::new(),
        uniform: None,
        v_init: Vec::new(),
        tau_mem: Vec::new(),
        tau_syn: Vec::new(),
        theta_above_reset: Vec::new(),
    }
}

fn step<F: Real>(dt: f64, tau_mem: f64, tau_syn: f64, v_thresh: f64) -> Step<F> {
    let flow = Flow::over(dt, tau_mem, tau_syn);
    Step {
        decay_mem: F::from_f64(flow.decay_mem),
        decay_syn: F::from_f64(flow.decay_syn),
        current_to_voltage: F::from_f64(flow.current_to_voltage),
        adjoint_coupling: F::from_f64(flow.adjoint_coupling),
        v_thresh: F::from_f64(v_thresh),
    }
}
