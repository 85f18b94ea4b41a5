//! Expressions as a list of operations on rows, each for a block of neurons.
//!
//! A row holds a number for each of the `L` neurons of a block: of a state variable, a parameter, or a register. One
//! operation is chosen per block, not per neuron, so that choosing costs little, and the compiler makes vector
//! instructions of each. What a register held is forgotten after its last use, so that all of them stay in the nearest
//! cache.
//!
//! PERF: operations read rows where they lie, and write to a register that nobody reads, which then changes places with
//! that of the result. Numbers lie behind the parameters of a block. A product that is only added is no operation of its
//! own.

use std::collections::BTreeMap;
use std::mem;

use super::graph::{Function, Graph, Id, Leaf, Node, arguments};
use crate::real::Real;

/// Where rows lie.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bank {
    State = 0,
    Parameter = 1,
    Mask = 2,
    Adjoint = 3,
    Register = 4,
}

/// A row that an operation reads.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    bank: Bank,
    place: u16,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operation {
    Copy(Row),
    Weight,
    Add(Row, Row),
    Sub(Row, Row),
    Mul(Row, Row),
    Div(Row, Row),
    /// The product of the first two, plus the third; the product is rounded, too.
    MulAdd(Row, Row, Row),
    /// The product of the first two, minus the third.
    MulSub(Row, Row, Row),
    /// The third minus the product of the first two.
    SubMul(Row, Row, Row),
    Power(Row, Row),
    Call(Function, Row),
    Positive(Row),
    Select(Row, Row, Row),
}

/// Expressions that are computed together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Program {
    operations: Vec<(u16, Operation)>,
    outputs: Vec<u16>,
    registers: usize,
}

/// The numbers in the programs of a model; they lie behind its parameters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    pub parameters: usize,
    pub values: Vec<f64>,
}

impl Numbers {
    /// The row of a number.
    fn row(&mut self, value: f64) -> Row {
        let same = |other: &f64| other.to_bits() == value.to_bits();
        let place = self.values.iter().position(same).unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        Row {
            bank: Bank::Parameter,
            place: (self.parameters + place) as u16,
        }
    }
}

/// The registers of a program, for a block of neurons, and one more, which no operation reads.
#[derive(Debug, Clone)]
pub(crate) struct Registers<F, const L: usize>(Vec<Box<[F; L]>>);

impl<F, const L: usize> Default for Registers<F, L> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What an expression reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a, F, const L: usize> {
    pub x: &'a [[F; L]],
    /// Parameters, and behind them the numbers of the programs.
    pub q: &'a [[F; L]],
    pub masks: &'a [[F; L]],
    pub a: &'a [[F; L]],
    pub w: F,
}

impl<'a, F: Real, const L: usize> At<'a, F, L> {
    /// A state, and the parameters.
    #[inline(always)]
    pub fn state(x: &'a [[F; L]], q: &'a [[F; L]], masks: &'a [[F; L]]) -> Self {
        Self {
            x,
            q,
            masks,
            a: &[],
            w: F::ZERO,
        }
    }

    /// The same with an adjoint.
    #[inline(always)]
    pub fn with_adjoint(self, a: &'a [[F; L]]) -> Self {
        Self { a, ..self }
    }

    /// The same with a weight.
    #[inline(always)]
    pub fn with_weight(self, w: F) -> Self {
        Self { w, ..self }
    }

    /// Computes all expressions of a program.
    #[inline(always)]
    pub fn run(self, program: &Program, registers: &mut Registers<F, L>) {
        let rows = &mut registers.0;
        if rows.len() <= program.registers {
            rows.resize_with(program.registers + 1, || Box::new([F::ZERO; L]));
        }
        let (spare, rows) = rows.split_last_mut().expect("there is one more");
        let banks = [self.x, self.q, self.masks, self.a];
        for &(to, operation) in &program.operations {
            let row = |Row { bank, place }: Row| -> &[F; L] {
                match bank {
                    Bank::Register => &rows[place as usize],
                    bank => &banks[bank as usize][place as usize],
                }
            };
            let out = &mut **spare;
            match operation {
                Operation::Copy(a) => *out = *row(a),
                Operation::Weight => *out = [self.w; L],
                Operation::Add(a, b) => put(out, [row(a), row(b)], |[a, b]| a + b),
                Operation::Sub(a, b) => put(out, [row(a), row(b)], |[a, b]| a - b),
                Operation::Mul(a, b) => put(out, [row(a), row(b)], |[a, b]| a * b),
                Operation::Div(a, b) => put(out, [row(a), row(b)], |[a, b]| a / b),
                Operation::MulAdd(a, b, c) => {
                    put(out, [row(a), row(b), row(c)], |[a, b, c]| a * b + c);
                }
                Operation::MulSub(a, b, c) => {
                    put(out, [row(a), row(b), row(c)], |[a, b, c]| a * b - c);
                }
                Operation::SubMul(a, b, c) => {
                    put(out, [row(a), row(b), row(c)], |[a, b, c]| c - a * b);
                }
                Operation::Power(a, b) => put(out, [row(a), row(b)], |[a, b]| a.power(b)),
                Operation::Call(function, a) => call(out, function, row(a)),
                Operation::Positive(a) => {
                    let one = |[a]: [F; 1]| if a > F::ZERO { F::ONE } else { F::ZERO };
                    put(out, [row(a)], one);
                }
                Operation::Select(c, a, b) => put(out, [row(c), row(a), row(b)], |[c, a, b]| {
                    if c == F::ZERO { b } else { a }
                }),
            }
            mem::swap(spare, &mut rows[to as usize]);
        }
    }
}

#[inline(always)]
fn put<F: Real, const L: usize, const N: usize>(
    out: &mut [F; L],
    from: [&[F; L]; N],
    f: impl Fn([F; N]) -> F,
) {
    for (lane, out) in out.iter_mut().enumerate() {
        *out = f(from.map(|row| row[lane]));
    }
}

#[inline(always)]
fn call<F: Real, const L: usize>(out: &mut [F; L], function: Function, x: &[F; L]) {
    match function {
        Function::Exp => put(out, [x], |[x]| x.exp()),
        Function::Log => put(out, [x], |[x]| x.ln()),
        Function::Sqrt => put(out, [x], |[x]| x.sqrt()),
        Function::Tanh => put(out, [x], |[x]| x.tanh()),
        Function::Sigmoid => put(out, [x], |[x]| F::ONE / (F::ONE + (-x).exp())),
    }
}

impl Program {
    /// A program for some expressions of a graph.
    pub fn new(graph: &Graph, roots: &[Id], numbers: &mut Numbers) -> Self {
        Writer::new(graph, roots, numbers).write()
    }

    /// Number of expressions.
    pub fn outputs_len(&self) -> usize {
        self.outputs.len()
    }

    /// The value of an expression after [`At::run`].
    #[inline(always)]
    pub fn output<'a, F, const L: usize>(
        &self,
        registers: &'a Registers<F, L>,
        n: usize,
    ) -> &'a [F; L] {
        &registers.0[self.outputs[n] as usize]
    }
}

/// Puts operations in order and gives them registers.
struct Writer<'a> {
    graph: &'a Graph,
    roots: &'a [Id],
    numbers: &'a mut Numbers,
    /// The nodes that are operations, arguments first.
    order: Vec<Id>,
    /// The last operation that reads a node, as a place in the order.
    last: BTreeMap<Id, usize>,
    /// Registers of the nodes that have one.
    homes: BTreeMap<Id, u16>,
}

impl<'a> Writer<'a> {
    fn new(graph: &'a Graph, roots: &'a [Id], numbers: &'a mut Numbers) -> Self {
        let reachable = graph.reachable(roots);
        let mut uses = BTreeMap::<Id, usize>::new();
        for &id in &reachable {
            for argument in arguments(graph.node(id)) {
                *uses.entry(argument).or_default() += 1;
            }
        }
        // Products that are part of a sum.
        let mut parts = Vec::new();
        for &id in &reachable {
            let (Node::Add(a, b) | Node::Sub(a, b)) = graph.node(id) else {
                continue;
            };
            let only_here = |&id: &Id| {
                matches!(graph.node(id), Node::Mul(..)) && uses[&id] == 1 && !roots.contains(&id)
            };
            parts.extend([a, b].into_iter().find(only_here));
        }
        let is_row = |id: &Id| match graph.node(*id) {
            Node::Number(_) => true,
            Node::Leaf(leaf) => leaf != Leaf::Weight,
            _ => parts.contains(id),
        };
        let mut writer = Self {
            graph,
            roots,
            numbers,
            order: Vec::new(),
            last: BTreeMap::new(),
            homes: BTreeMap::new(),
        };
        let written = |id: &Id| !is_row(id) || roots.contains(id);
        writer.order = reachable.into_iter().filter(written).collect();
        for place in 0..writer.order.len() {
            for argument in writer.reads(writer.order[place], &parts) {
                writer.last.insert(argument, place);
            }
        }
        writer
    }

    /// The nodes that the operation of a node reads.
    fn reads(&self, id: Id, parts: &[Id]) -> Vec<Id> {
        let each = arguments(self.graph.node(id)).into_iter();
        let own = each.flat_map(|argument| {
            if parts.contains(&argument) {
                arguments(self.graph.node(argument))
            } else {
                vec![argument]
            }
        });
        own.collect()
    }

    fn write(mut self) -> Program {
        let mut program = Program::default();
        let mut free: Vec<u16> = Vec::new();
        for place in 0..self.order.len() {
            let id = self.order[place];
            let operation = self.operation(id);
            let home = free.pop().unwrap_or_else(|| {
                program.registers += 1;
                (program.registers - 1) as u16
            });
            // Freed only now: an operation reads its arguments while it writes.
            let ended = self.last.iter().filter(|(_, last)| **last == place);
            let ended = ended.filter(|(id, _)| !self.roots.contains(id));
            free.extend(ended.filter_map(|(id, _)| self.homes.get(id)));
            self.homes.insert(id, home);
            program.operations.push((home, operation));
        }
        program.outputs = self.roots.iter().map(|root| self.homes[root]).collect();
        program
    }

    fn row(&mut self, id: Id) -> Row {
        let register = |place: u16| Row {
            bank: Bank::Register,
            place,
        };
        let at = |bank, place: usize| Row {
            bank,
            place: place as u16,
        };
        match self.graph.node(id) {
            Node::Number(bits) => self.numbers.row(f64::from_bits(bits)),
            Node::Leaf(Leaf::State(n)) => at(Bank::State, n),
            Node::Leaf(Leaf::Parameter(n)) => at(Bank::Parameter, n),
            Node::Leaf(Leaf::Mask(n)) => at(Bank::Mask, n),
            Node::Leaf(Leaf::Adjoint(n)) => at(Bank::Adjoint, n),
            _ => register(self.homes[&id]),
        }
    }

    /// The factors of a product that has no register of its own.
    fn factors(&mut self, id: Id) -> Option<(Row, Row)> {
        match self.graph.node(id) {
            Node::Mul(a, b) if !self.homes.contains_key(&id) => Some((self.row(a), self.row(b))),
            _ => None,
        }
    }

    fn operation(&mut self, id: Id) -> Operation {
        match self.graph.node(id) {
            Node::Leaf(Leaf::Weight) => Operation::Weight,
            Node::Number(_) | Node::Leaf(_) => Operation::Copy(self.row(id)),
            Node::Add(a, b) => match (self.factors(a), self.factors(b)) {
                (Some((x, y)), _) => Operation::MulAdd(x, y, self.row(b)),
                (_, Some((x, y))) => Operation::MulAdd(x, y, self.row(a)),
                _ => Operation::Add(self.row(a), self.row(b)),
            },
            Node::Sub(a, b) => match (self.factors(a), self.factors(b)) {
                (Some((x, y)), _) => Operation::MulSub(x, y, self.row(b)),
                (_, Some((x, y))) => Operation::SubMul(x, y, self.row(a)),
                _ => Operation::Sub(self.row(a), self.row(b)),
            },
            Node::Mul(a, b) => Operation::Mul(self.row(a), self.row(b)),
            Node::Div(a, b) => Operation::Div(self.row(a), self.row(b)),
            Node::Power(a, b) => Operation::Power(self.row(a), self.row(b)),
            Node::Call(function, a) => Operation::Call(function, self.row(a)),
            Node::Positive(a) => Operation::Positive(self.row(a)),
            Node::Select(c, a, b) => Operation::Select(self.row(c), self.row(a), self.row(b)),
        }
    }
}
