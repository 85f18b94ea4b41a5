//! A network as the grid solver sees it: constants per step, and delays in steps.

use crate::connect::trace::{Shape, Trace};
use crate::connect::{Connection, stride};
use crate::network::{Clock, Constant, Model, Network, NeuronConstant, Population, ProjectionId};
use crate::neuron::alif::Threshold;
use crate::neuron::flow::Flow;
use crate::neuron::sensitivity::Sensitivity;
use crate::real::Real;

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

/// How the thresholds of a population adapt, per neuron, padded.
#[derive(Debug, Clone)]
pub(super) struct Adapting<F> {
    /// What is left of B after a step: e^{−dt/τ_B}.
    pub decay: Vec<F>,
    pub b_init: Vec<F>,
    pub threshold: Vec<Threshold<F>>,
    pub tau_b: Vec<F>,
}

/// What a step adds to the derivatives with respect to τ_mem and τ_syn, per neuron, padded.
#[derive(Debug, Clone)]
pub(super) struct Sensitivities<F> {
    /// `[G2]` times λ_V V: −τ_mem ∂a/∂τ_mem.
    pub mem_by_v: Vec<F>,
    /// `[G2]` times λ_V I: −τ_mem ∂c/∂τ_mem.
    pub mem_by_i: Vec<F>,
    /// `[G3]` times λ_V I: −τ_mem ∂c/∂τ_syn.
    pub syn_by_lambda_v: Vec<F>,
    /// `[G3]` times λ_I I: −τ_syn ∂b/∂τ_syn.
    pub syn_by_lambda_i: Vec<F>,
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
    /// How the thresholds adapt, if they do.
    pub adapting: Option<Adapting<F>>,
    /// Present when a time constant is trained.
    pub sensitivities: Option<Sensitivities<F>>,
}

/// One projection.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub id: ProjectionId,
    pub source: usize,
    pub target: usize,
    pub connection: Connection,
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
    /// Sum of the strides of the populations before each one.
    pub columns_before: Vec<usize>,
    /// Sum of all strides.
    pub columns: usize,
}

impl<F: Real> Plan<F> {
    pub fn new(network: &Network) -> Self {
        let clock = network.clock();
        let links: Vec<Link> = network
            .projections()
            .iter()
            .enumerate()
            .map(|(index, projection)| Link {
                id: ProjectionId(index),
                source: projection.source.0,
                target: projection.target.0,
                connection: Connection {
                    synapses: network.synapses(ProjectionId(index)),
                    delay: projection.delay.map(|ms| clock.delay_steps(ms)),
                },
            })
            .collect();
        let layers: Vec<Layer<F>> = network
            .populations()
            .iter()
            .map(|population| layer(population, clock.dt_ms()))
            .collect();
        let input = network.input().0;
        let mut columns = 0;
        let columns_before = layers.iter().map(|layer| {
            columns += layer.stride;
            columns - layer.stride
        });
        Self {
            columns_before: columns_before.collect(),
            columns,
            layers,
            links,
            input,
            output: network.output().0,
            clock,
        }
    }

    /// The λ_I of the targets of a link in traces.
    pub fn trace_of<'a>(&self, link: &Link, traces: &'a [F], shape: Shape) -> Trace<'a, F> {
        Trace {
            traces,
            shape,
            before: self.columns_before[link.target],
            stride: self.layers[link.target].stride,
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

pub(super) fn layer<F: Real>(population: &Population, dt: f64) -> Layer<F> {
    let size = population.size;
    let infinite = Constant::Same(f64::INFINITY);
    let (tau_mem, tau_syn, v_thresh, v_init) = match &population.model {
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
        spiking: matches!(population.model, Model::Lif(_)),
        uniform: steps.iter().all(|s| *s == steps[0]).then(|| steps[0]),
        steps,
        v_init: v_start,
        tau_mem: all(tau_mem),
        tau_syn: all(tau_syn),
        theta_above_reset: (0..size)
            .map(|n| F::from_f64(v_thresh.of(n) - v_init.of(n)))
            .collect(),
        adapting: adapting(population, dt),
        sensitivities: sensitivities(population, dt),
    }
}

/// `of` every neuron, and of the last one for the padding.
fn padded<F: Real>(size: usize, of: impl Fn(usize) -> f64) -> Vec<F> {
    let neurons = (0..stride(size)).map(|n| n.min(size - 1));
    neurons.map(|n| F::from_f64(of(n))).collect()
}

fn adapting<F: Real>(population: &Population, dt: f64) -> Option<Adapting<F>> {
    let Model::Lif(lif) = &population.model else {
        return None;
    };
    let adaptation = lif.adaptation.as_ref()?;
    let size = population.size;
    let tau_b = |n: usize| adaptation.tau_b.of(n);
    let threshold = |n: usize| Threshold {
        theta_above_reset: F::from_f64(lif.v_thresh.of(n) - lif.v_reset.of(n)),
        mem_per_b: F::from_f64(lif.tau_mem.of(n) / tau_b(n)),
        b_incr: F::from_f64(adaptation.b_incr.of(n)),
    };
    Some(Adapting {
        decay: padded(size, |n| (-dt / tau_b(n)).exp()),
        b_init: padded(size, |n| adaptation.b_init.of(n)),
        threshold: (0..size).map(threshold).collect(),
        tau_b: padded(size, tau_b),
    })
}

fn sensitivities<F: Real>(population: &Population, dt: f64) -> Option<Sensitivities<F>> {
    let of_flow = [NeuronConstant::TauMem, NeuronConstant::TauSyn];
    if !population
        .trained
        .iter()
        .any(|t| of_flow.contains(&t.constant))
    {
        return None;
    }
    let (tau_mem, tau_syn) = population.time_constants()?;
    let each: Vec<(f64, f64, Sensitivity)> = (0..population.size)
        .map(|n| (tau_mem.of(n), tau_syn.of(n)))
        .map(|(mem, syn)| (mem, syn, Sensitivity::over(dt, mem, syn)))
        .collect();
    let list = |of: fn(&(f64, f64, Sensitivity)) -> f64| padded(population.size, |n| of(&each[n]));
    Some(Sensitivities {
        mem_by_v: list(|(mem, _, s)| -mem * s.decay_mem),
        mem_by_i: list(|(mem, _, s)| -mem * s.coupling_mem),
        syn_by_lambda_v: list(|(mem, _, s)| -mem * s.coupling_syn),
        syn_by_lambda_i: list(|(_, syn, s)| -syn * s.decay_syn),
    })
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
        adapting: None,
        sensitivities: None,
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
