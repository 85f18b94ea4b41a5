//! A network as the grid solver sees it: constants per step, and delays in steps.

use super::refractory::Holds;
use crate::connect::trace::{Shape, Trace};
use crate::connect::{Connection, Delay, Lags, Synapses, Travel, scale, stride};
use crate::network::{
    Clock, Constant, Network, NeuronConstant, Population, Projection, ProjectionId,
};
use crate::neuron::description::Description;
use crate::neuron::folded::Folded;
use crate::neuron::model::Cells;
use crate::neuron::sensitivity::Sensitivity;
use crate::params::Params;
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
    /// Refractory times, where there are any.
    pub refractory: Option<Holds<F>>,
    /// Present when a time constant is trained.
    pub sensitivities: Option<Sensitivities<F>>,
}

/// One projection.
#[derive(Debug, Clone)]
pub(super) struct Link<F> {
    pub id: ProjectionId,
    pub source: usize,
    pub target: usize,
    pub connection: Connection,
    /// τ_syn of the targets times what a spike counts, where that is not 1.
    pub tau_syn: Vec<F>,
}

/// A network prepared for the grid.
#[derive(Debug, Clone)]
pub(super) struct Plan<F> {
    pub layers: Vec<Layer<F>>,
    /// Sorted by target, in the order of the network's projections.
    pub links: Vec<Link<F>>,
    pub input: usize,
    pub output: usize,
    pub clock: Clock,
    /// Sum of the strides of the populations before each one.
    pub columns_before: Vec<usize>,
    /// Sum of all strides.
    pub columns: usize,
    /// Per population, the longest delay of the connections into it whose spikes do not arrive as wholes; 0 where
    /// there are none.
    pub apart: Vec<usize>,
}

impl<F: Real> Plan<F> {
    pub fn new(network: &Network) -> Self {
        let clock = network.clock();
        let links: Vec<Link<F>> = network
            .projections()
            .iter()
            .enumerate()
            .map(|(index, projection)| Link {
                id: ProjectionId(index),
                source: projection.source.0,
                target: projection.target.0,
                connection: connection(projection, network.synapses(ProjectionId(index)), clock),
                tau_syn: Vec::new(),
            })
            .collect();
        let layers: Vec<Layer<F>> = network
            .populations()
            .iter()
            .map(|population| layer(population, clock))
            .collect();
        let input = network.input().0;
        let mut columns = 0;
        let columns_before = layers.iter().map(|layer| {
            columns += layer.stride;
            columns - layer.stride
        });
        let mut plan = Self {
            columns_before: columns_before.collect(),
            columns,
            apart: Vec::new(),
            layers,
            links,
            input,
            output: network.output().0,
            clock,
        };
        plan.find_apart();
        plan.find_tau_syn();
        plan
    }

    fn find_tau_syn(&mut self) {
        for link in &mut self.links {
            let factor = link.connection.synapses.factor();
            link.tau_syn.clear();
            if factor != 1.0 {
                link.tau_syn
                    .extend_from_slice(&self.layers[link.target].tau_syn);
                scale(&mut link.tau_syn, factor);
            }
        }
    }

    /// The τ_syn with which `[G1]` of a link is gathered: of synapses that count less than their weight, as much less.
    pub fn tau_syn_of<'a>(&'a self, link: &'a Link<F>) -> &'a [F] {
        match link.tau_syn.as_slice() {
            [] => &self.layers[link.target].tau_syn,
            scaled => scaled,
        }
    }

    /// Takes over the pattern of a projection; its delays, which come with the parameters, are as long as they can be.
    pub fn rewire(&mut self, network: &Network, id: ProjectionId) {
        let link = self.links.iter_mut().find(|link| link.id == id);
        let link = link.expect("every projection is a link");
        link.connection = connection(network.projection(id), network.synapses(id), self.clock);
        self.find_apart();
    }

    /// Takes over the delays that are parameters, and constants that were trained.
    pub fn take_delays(&mut self, network: &Network, params: &Params<F>) {
        let clock = self.clock;
        for link in &mut self.links {
            if network.projection(link.id).delay.each().is_some() {
                let lags = network.lags(link.id, params);
                let lags = lags.map(|ms| clock.delay_steps(ms));
                link.connection.travel = Travel::new(&link.connection.synapses, lags);
            }
        }
        self.find_apart();
        self.find_tau_syn();
    }

    fn find_apart(&mut self) {
        self.apart = vec![0; self.layers.len()];
        for link in &self.links {
            if let Some(apart) = link.connection.apart() {
                let most = &mut self.apart[link.target];
                *most = apart.most().max(*most);
            }
        }
    }

    /// True if the spikes of any connection do not arrive as wholes.
    pub fn any_apart(&self) -> bool {
        self.apart.iter().any(|most| *most > 0)
    }

    /// Populations at which spikes do not arrive as wholes, with the steps of a window and of the longest delay: what
    /// their neurons have to be kept for.
    pub fn kept_apart(&self, window: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let each = self.apart.iter().enumerate().filter(|(_, most)| **most > 0);
        each.map(move |(population, most)| (population, window + most - 1))
    }

    /// The λ_I of the targets of a link in traces.
    pub fn trace_of<'a>(&self, link: &Link<F>, traces: &'a [F], shape: Shape) -> Trace<'a, F> {
        Trace {
            traces,
            shape,
            before: self.columns_before[link.target],
            stride: self.layers[link.target].stride,
        }
    }

    /// The link of a projection.
    pub fn link(&self, id: ProjectionId) -> &Link<F> {
        let link = self.links.iter().find(|link| link.id == id);
        link.expect("every projection is a link")
    }

    /// Links that end in a population.
    pub fn links_into(&self, target: usize) -> impl Iterator<Item = (usize, &Link<F>)> + '_ {
        self.links
            .iter()
            .enumerate()
            .filter(move |(_, link)| link.target == target)
    }
}

/// A connection; delays that are parameters are as long as they can be until they are known.
fn connection(projection: &Projection, synapses: Synapses, clock: Clock) -> Connection {
    let lags = match &projection.delay {
        Delay::Constant(ms) => Lags::Same(*ms),
        Delay::Each(delays) => {
            let len = delays.by.shape(&synapses).iter().product();
            Lags::Each {
                by: delays.by,
                values: vec![delays.most_ms; len],
            }
        }
    };
    let lags = lags.map(|ms| clock.delay_steps(ms));
    Connection {
        travel: Travel::new(&synapses, lags),
        synapses,
        trained: projection.delay.trained().is_some(),
    }
}

pub(super) fn layer<F: Real>(population: &Population, clock: Clock) -> Layer<F> {
    let (size, dt) = (population.size, clock.dt_ms());
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
        refractory: Holds::new(population, clock),
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
