//! A network as the grid solver sees it: constants per step, and delays in steps.

use crate::connect::trace::{Shape, Trace};
use crate::connect::{Connection, stride};
use crate::network::{Clock, Constant, Network, NeuronConstant, Population, ProjectionId};
use crate::neuron::description::Description;
use crate::neuron::folded::Folded;
use crate::neuron::model::Cells;
use crate::neuron::sensitivity::Sensitivity;
use crate::real::Real;

/// [`Folded`] sensitivities of a step, per neuron, padded, side by side.
#[derive(Debug, Clone)]
pub(super) struct Sensitivities<F> {
    pub mem_by_v: Vec<F>,
    pub mem_by_i: Vec<F>,
    pub syn_by_lambda_v: Vec<F>,
    pub syn_by_lambda_i: Vec<F>,
}

/// One population.
#[derive(Debug, Clone)]
pub(super) struct Layer<F> {
    pub size: usize,
    /// The size rounded up to whole vectors: the length of all rows of state.
    pub stride: usize,
    /// The neurons, padded.
    pub cells: Cells<F>,
    /// Initial potential, padded with zeros.
    pub v_start: Vec<F>,
    /// Initial values of the model's own variable, padded; empty where it has none.
    pub own_start: Vec<F>,
    pub tau_mem: Vec<F>,
    pub tau_syn: Vec<F>,
    /// ϑ; empty where there is none.
    pub v_thresh: Vec<F>,
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
    let all = |constant: &Constant| -> Vec<F> {
        (0..size).map(|n| F::from_f64(constant.of(n))).collect()
    };
    let list = |constant: Option<&Constant>| constant.map_or_else(Vec::new, all);
    let description = population.description();
    let stride = description.map_or(0, |_| stride(size));
    let mut v_start = list(description.map(Description::v_start));
    v_start.resize(stride, F::ZERO);
    let own_start = description.and_then(Description::own_start);
    Layer {
        size,
        stride,
        cells: population.model.cells(size, stride, dt),
        v_start,
        own_start: own_start.map_or_else(Vec::new, |own| padded(size, |n| own.of(n))),
        tau_mem: list(population.constant(NeuronConstant::TauMem)),
        tau_syn: list(population.constant(NeuronConstant::TauSyn)),
        v_thresh: list(population.threshold()),
        sensitivities: sensitivities(population, dt),
    }
}

/// `of` every neuron, and of the last one for the padding.
fn padded<F: Real>(size: usize, of: impl Fn(usize) -> f64) -> Vec<F> {
    let neurons = (0..stride(size)).map(|n| n.min(size - 1));
    neurons.map(|n| F::from_f64(of(n))).collect()
}

fn sensitivities<F: Real>(population: &Population, dt: f64) -> Option<Sensitivities<F>> {
    if !population.trains_time_constants() {
        return None;
    }
    let (tau_mem, tau_syn) = population.time_constants()?;
    let neurons = (0..stride(population.size)).map(|n| n.min(population.size - 1));
    let each = neurons.map(|n| Sensitivity::over(dt, tau_mem.of(n), tau_syn.of(n)));
    let each: Vec<Folded<F>> = each.map(|s| Folded::of(&s)).collect();
    let list = |of: fn(&Folded<F>) -> F| each.iter().map(of).collect();
    Some(Sensitivities {
        mem_by_v: list(|s| s.mem_by_v),
        mem_by_i: list(|s| s.mem_by_i),
        syn_by_lambda_v: list(|s| s.syn_by_lambda_v),
        syn_by_lambda_i: list(|s| s.syn_by_lambda_i),
    })
}
