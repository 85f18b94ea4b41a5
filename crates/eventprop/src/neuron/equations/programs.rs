//! The programs of a model: its expressions, and the products with their derivatives that the adjoint takes.
//!
//! With x the state, q the parameters that are trained, and an adjoint a that a program is given:
//! - the flow f, and aᵀ ∂f/∂x, aᵀ ∂f/∂q;
//! - a threshold θ or a switch c, and its gradients by x and q;
//! - the reset g, the arrival h and the initial state, and their products likewise; of h also aᵀ ∂h/∂w.

use super::graph::{Graph, Id, Leaf};
use super::model::{Expressions, Port};
use super::program::{Numbers, Program};

/// A map from state to state, and its products with an adjoint.
#[derive(Debug, Clone)]
pub(crate) struct Map {
    /// The state behind it.
    pub forward: Program,
    /// aᵀ ∂/∂x for every variable, then aᵀ ∂/∂q for every trained parameter; of an arrival then aᵀ ∂h/∂w.
    pub back: Program,
}

/// A function of the state whose zeros are events.
#[derive(Debug, Clone)]
pub(crate) struct Surface {
    /// Its value.
    pub threshold: Program,
    /// Its value, and its derivative by time along the flow.
    pub value: Program,
    /// Its derivatives by every variable, then by every trained parameter.
    pub gradient: Program,
    /// True of the variables that its value reads, conditions included.
    pub reads: Vec<bool>,
    /// True if its derivatives by the variables are the same in every state.
    pub is_plane: bool,
}

/// What arrivals do that only add their weight to the state, all at once.
#[derive(Debug, Clone)]
pub(crate) struct Additive {
    /// The variables that are changed.
    pub changed: Vec<usize>,
    /// ∂h/∂w of these.
    pub by_weight: Program,
    /// aᵀ ∂h/∂w.
    pub gather: Program,
    /// −aᵀ (∂f/∂x) ∂h/∂w: what a unit of weight sends back.
    pub backflow: Program,
}

/// One way to receive.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub map: Map,
    /// Where arrivals can be added up.
    pub additive: Option<Additive>,
    /// True if ∂h/∂w depends on a trained parameter.
    pub trains: bool,
    /// True if the variable that voltage losses read is changed.
    pub changes_readout: bool,
}

/// All programs of a population.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    /// Number of state variables.
    pub states: usize,
    /// Numbers that the programs read behind the parameters of a neuron.
    pub numbers: Vec<f64>,
    /// Numbers of the parameters that are trained.
    pub trained: Vec<usize>,
    pub flow: Map,
    pub switches: Vec<Surface>,
    pub spike: Option<Surface>,
    pub reset: Map,
    pub arrivals: Vec<Arrival>,
    pub initial: Map,
    pub readout: usize,
    pub scales: Vec<f64>,
}

impl Programs {
    /// The variable that rises to the threshold: the one that losses read, if the threshold reads it, else the first that it
    /// reads.
    pub fn spiking_variable(&self, spike: &Surface) -> usize {
        let first = spike.reads.iter().position(|reads| *reads);
        let first = first.expect("a threshold depends on the state");
        if spike.reads[self.readout] {
            self.readout
        } else {
            first
        }
    }

    /// The programs of a model of which the parameters of these numbers are trained.
    pub fn new(model: &Expressions, trained: &[usize]) -> Self {
        let mut compiler = Compiler {
            graph: model.graph.clone(),
            states: model.state.len(),
            trained,
            numbers: Numbers {
                parameters: model.parameters.len(),
                values: Vec::new(),
            },
        };
        let arrivals = model.ports.iter();
        let arrivals = arrivals.map(|port| compiler.arrival(port, model));
        let arrivals = arrivals.collect();
        let mut programs = Self {
            states: model.state.len(),
            numbers: Vec::new(),
            trained: trained.to_vec(),
            arrivals,
            flow: compiler.map(&model.flow, &[]),
            switches: {
                let each = model.switches.iter();
                each.map(|&id| compiler.surface(id, model)).collect()
            },
            spike: model.spike.map(|id| compiler.surface(id, model)),
            reset: compiler.map(&model.reset, &[]),
            initial: compiler.map(&model.initial, &[]),
            readout: model.readout,
            scales: model.scales.clone(),
        };
        programs.numbers = compiler.numbers.values;
        programs
    }
}

struct Compiler<'a> {
    graph: Graph,
    states: usize,
    trained: &'a [usize],
    numbers: Numbers,
}

impl Compiler<'_> {
    fn program(&mut self, expressions: &[Id]) -> Program {
        Program::new(&self.graph, expressions, &mut self.numbers)
    }

    /// Σ aᵢ ∂(expressionᵢ)/∂leaf
    fn product(&mut self, expressions: &[Id], leaf: Leaf) -> Id {
        let mut pairs = Vec::new();
        for (row, &id) in expressions.iter().enumerate() {
            let slope = self.graph.derivative(id, leaf);
            pairs.push((slope, self.graph.leaf(Leaf::Adjoint(row))));
        }
        self.graph.dot(pairs)
    }

    /// Every variable, then every trained parameter.
    fn leaves(&self) -> Vec<Leaf> {
        let states = (0..self.states).map(Leaf::State);
        let trained = self.trained.iter().map(|&n| Leaf::Parameter(n));
        states.chain(trained).collect()
    }

    fn map(&mut self, expressions: &[Id], further: &[Leaf]) -> Map {
        let mut back = Vec::new();
        for leaf in self.leaves().into_iter().chain(further.iter().copied()) {
            back.push(self.product(expressions, leaf));
        }
        Map {
            forward: self.program(expressions),
            back: self.program(&back),
        }
    }

    fn surface(&mut self, id: Id, model: &Expressions) -> Surface {
        let mut leaves = self.graph.leaves(&[id]);
        if leaves.iter().any(|leaf| matches!(leaf, Leaf::Mask(_))) {
            leaves.extend(self.graph.leaves(&model.switches));
        }
        let reads = (0..self.states).map(|n| leaves.contains(&Leaf::State(n)));
        let reads = reads.collect();
        let mut gradient = Vec::new();
        for leaf in self.leaves() {
            gradient.push(self.graph.derivative(id, leaf));
        }
        let of_state = |leaf: &Leaf| !matches!(leaf, Leaf::Parameter(_));
        let by_state = &gradient[..self.states];
        let is_plane = !self.graph.leaves(by_state).iter().any(of_state);
        let by_state = by_state.iter().copied();
        let rate = self
            .graph
            .dot(by_state.zip(model.flow.iter().copied()).collect::<Vec<_>>());
        Surface {
            threshold: self.program(&[id]),
            value: self.program(&[id, rate]),
            gradient: self.program(&gradient),
            reads,
            is_plane,
        }
    }

    fn arrival(&mut self, port: &Port, model: &Expressions) -> Arrival {
        let additive = port.additive.as_ref();
        let additive =
            additive.and_then(|by_weight| self.additive(by_weight, &model.flow, &model.switches));
        let readout = self.graph.leaf(Leaf::State(model.readout));
        let trains = port.additive.as_ref().is_some_and(|by_weight| {
            let leaves = self.graph.leaves(by_weight);
            let trained = |&n: &usize| leaves.contains(&Leaf::Parameter(n));
            self.trained.iter().any(trained)
        });
        Arrival {
            map: self.map(&port.jump, &[Leaf::Weight]),
            additive,
            trains,
            changes_readout: port.jump[model.readout] != readout,
        }
    }

    /// Arrivals can be added up where f is linear in what they change, and no switch sees that.
    fn additive(&mut self, by_weight: &[Id], flow: &[Id], switches: &[Id]) -> Option<Additive> {
        let graph = &mut self.graph;
        let changed = |place: &usize| graph.value(by_weight[*place]) != Some(0.0);
        let changed: Vec<usize> = (0..by_weight.len()).filter(changed).collect();
        let sees = |leaf: &Leaf| matches!(leaf, Leaf::State(n) if changed.contains(n));
        if graph.leaves(switches).iter().any(sees) {
            return None;
        }
        let (mut gather, mut sent) = (Vec::new(), Vec::new());
        for &place in &changed {
            gather.push((by_weight[place], graph.leaf(Leaf::Adjoint(place))));
            for (row, &id) in flow.iter().enumerate() {
                let slope = graph.derivative(id, Leaf::State(place));
                if graph.leaves(&[slope]).iter().any(sees) {
                    return None;
                }
                let slope = graph.mul(slope, by_weight[place]);
                sent.push((slope, graph.leaf(Leaf::Adjoint(row))));
            }
        }
        let gather = graph.dot(gather);
        let sent = graph.dot(sent);
        let backflow = graph.neg(sent);
        let by_changed: Vec<Id> = changed.iter().map(|&place| by_weight[place]).collect();
        Some(Additive {
            changed,
            by_weight: self.program(&by_changed),
            gather: self.program(&[gather]),
            backflow: self.program(&[backflow]),
        })
    }
}
