//! Expressions as a list of operations on registers, each for a block of neurons.
//!
//! A register holds a number for each of the `L` neurons of a block. One operation is chosen per block, not per neuron, so
//! that choosing costs little, and the compiler makes vector instructions of each. What a register held is
//! forgotten after its last use, so that all of them stay in the nearest cache.

use std::collections::BTreeMap;

use super::graph::{Function, Graph, Id, Leaf, Node, arguments};
use crate::real::Real;

type Register = u16;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operation {
    Number(f64),
    Load(Leaf),
    Add(Register, Register),
    Sub(Register, Register),
    Mul(Register, Register),
    Div(Register, Register),
    Power(Register, Register),
    Call(Function, Register),
    Positive(Register),
    Select(Register, Register, Register),
}

/// Expressions that are computed together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Program {
    operations: Vec<(Register, Operation)>,
    outputs: Vec<Register>,
    registers: usize,
}

/// The registers of a program, for a block of neurons.
#[derive(Debug, Clone)]
pub(crate) struct Registers<F, const L: usize>(Vec<[F; L]>);

impl<F, const L: usize> Default for Registers<F, L> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl Program {
    /// A program for some expressions of a graph.
    pub fn new(graph: &Graph, roots: &[Id]) -> Self {
        let order = graph.reachable(roots);
        let mut last = BTreeMap::new();
        for (place, &id) in order.iter().enumerate() {
            for argument in arguments(graph.node(id)) {
                last.insert(argument, place);
            }
        }
        let mut program = Self::default();
        let mut free: Vec<Register> = Vec::new();
        let mut homes: BTreeMap<Id, Register> = BTreeMap::new();
        for (place, &id) in order.iter().enumerate() {
            let node = graph.node(id);
            let operation = operation(node, &homes);
            let mut ended = arguments(node);
            ended.sort_unstable();
            ended.dedup();
            ended.retain(|argument| last[argument] == place && !roots.contains(argument));
            let home = free.pop().unwrap_or_else(|| {
                program.registers += 1;
                (program.registers - 1) as Register
            });
            // Freed only now: an operation reads its arguments while it writes.
            free.extend(ended.iter().map(|argument| homes[argument]));
            homes.insert(id, home);
            program.operations.push((home, operation));
        }
        program.outputs = roots.iter().map(|root| homes[root]).collect();
        program
    }

    /// Number of expressions.
    pub fn outputs_len(&self) -> usize {
        self.outputs.len()
    }

    /// Computes all expressions for a block.
    #[inline(always)]
    pub fn run<F: Real, const L: usize>(
        &self,
        registers: &mut Registers<F, L>,
        leaf: impl Fn(Leaf) -> [F; L],
    ) {
        if registers.0.len() < self.registers {
            registers.0.resize(self.registers, [F::ZERO; L]);
        }
        let all = &mut registers.0[..];
        for &(to, operation) in &self.operations {
            let r = |register: Register| all[register as usize];
            let result = match operation {
                Operation::Number(value) => [F::from_f64(value); L],
                Operation::Load(from) => leaf(from),
                Operation::Add(a, b) => zip(r(a), r(b), |a, b| a + b),
                Operation::Sub(a, b) => zip(r(a), r(b), |a, b| a - b),
                Operation::Mul(a, b) => zip(r(a), r(b), |a, b| a * b),
                Operation::Div(a, b) => zip(r(a), r(b), |a, b| a / b),
                Operation::Power(a, b) => zip(r(a), r(b), Real::power),
                Operation::Call(function, a) => call(function, r(a)),
                Operation::Positive(a) => r(a).map(|a| if a > F::ZERO { F::ONE } else { F::ZERO }),
                Operation::Select(c, a, b) => select(r(c), r(a), r(b)),
            };
            all[to as usize] = result;
        }
    }

    /// The value of an expression after [`Self::run`].
    #[inline(always)]
    pub fn output<F: Real, const L: usize>(&self, registers: &Registers<F, L>, n: usize) -> [F; L] {
        registers.0[self.outputs[n] as usize]
    }
}

fn operation(node: Node, homes: &BTreeMap<Id, Register>) -> Operation {
    let of = |id: Id| homes[&id];
    match node {
        Node::Number(bits) => Operation::Number(f64::from_bits(bits)),
        Node::Leaf(leaf) => Operation::Load(leaf),
        Node::Add(a, b) => Operation::Add(of(a), of(b)),
        Node::Sub(a, b) => Operation::Sub(of(a), of(b)),
        Node::Mul(a, b) => Operation::Mul(of(a), of(b)),
        Node::Div(a, b) => Operation::Div(of(a), of(b)),
        Node::Power(a, b) => Operation::Power(of(a), of(b)),
        Node::Call(function, a) => Operation::Call(function, of(a)),
        Node::Positive(a) => Operation::Positive(of(a)),
        Node::Select(c, a, b) => Operation::Select(of(c), of(a), of(b)),
    }
}

#[inline(always)]
fn zip<F: Real, const L: usize>(a: [F; L], b: [F; L], f: impl Fn(F, F) -> F) -> [F; L] {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

#[inline(always)]
fn select<F: Real, const L: usize>(c: [F; L], a: [F; L], b: [F; L]) -> [F; L] {
    std::array::from_fn(|lane| if c[lane] == F::ZERO { b[lane] } else { a[lane] })
}

#[inline(always)]
fn call<F: Real, const L: usize>(function: Function, x: [F; L]) -> [F; L] {
    match function {
        Function::Exp => x.map(Real::exp),
        Function::Log => x.map(Real::ln),
        Function::Sqrt => x.map(Real::sqrt),
        Function::Tanh => x.map(Real::tanh),
        Function::Sigmoid => x.map(|x| F::ONE / (F::ONE + (-x).exp())),
    }
}
