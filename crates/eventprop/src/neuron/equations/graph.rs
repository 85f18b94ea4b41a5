//! Expressions of a model as a graph: every subexpression once, simplified as it is made, with symbolic derivatives.
//!
//! A node is known by its number, and equal subexpressions have the same one, so that a derivative shares what it
//! has in common with the expression, and with other derivatives.

use std::collections::BTreeMap;

/// Most nodes that are written as text.
const TEXT_NODES_MAX: usize = 400;

/// A quantity that an expression reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leaf {
    /// A state variable.
    State(usize),
    /// A parameter.
    Parameter(usize),
    /// The weight of an arrival.
    Weight,
    /// 1 where a condition holds, 0 where it does not.
    Mask(usize),
    /// The component of an adjoint that belongs to a state variable.
    Adjoint(usize),
}

/// A function of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Function {
    Exp,
    Log,
    Sqrt,
    Tanh,
    Sigmoid,
}

impl Function {
    pub const ALL: [Self; 5] = [Self::Exp, Self::Log, Self::Sqrt, Self::Tanh, Self::Sigmoid];

    pub fn name(self) -> &'static str {
        match self {
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Sqrt => "sqrt",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
        }
    }

    fn of(self, x: f64) -> f64 {
        match self {
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        }
    }
}

/// Number of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(u32);

/// An operation on earlier nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    /// The bits of a number.
    Number(u64),
    Leaf(Leaf),
    Add(Id, Id),
    Sub(Id, Id),
    Mul(Id, Id),
    Div(Id, Id),
    Power(Id, Id),
    Call(Function, Id),
    /// 1 where the argument is above zero, else 0.
    Positive(Id),
    /// The second argument where the first is not zero, else the third.
    Select(Id, Id, Id),
}

/// An expression and its derivative.
#[derive(Debug, Clone, Copy)]
struct Part {
    value: Id,
    slope: Id,
}

/// All expressions of a model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    known: BTreeMap<Node, Id>,
}

impl Graph {
    /// The node of a number.
    pub fn node(&self, id: Id) -> Node {
        self.nodes[id.0 as usize]
    }

    fn put(&mut self, node: Node) -> Id {
        let next = Id(self.nodes.len() as u32);
        let nodes = &mut self.nodes;
        *self.known.entry(node).or_insert_with(|| {
            nodes.push(node);
            next
        })
    }

    pub fn number(&mut self, value: f64) -> Id {
        // Zero has one sign.
        let value = if value == 0.0 { 0.0 } else { value };
        self.put(Node::Number(value.to_bits()))
    }

    pub fn leaf(&mut self, leaf: Leaf) -> Id {
        self.put(Node::Leaf(leaf))
    }

    /// True if some expression reads a leaf.
    pub fn reads(&self, leaf: Leaf) -> bool {
        self.known.contains_key(&Node::Leaf(leaf))
    }

    /// The value of a node that is a number.
    pub fn value(&self, id: Id) -> Option<f64> {
        match self.node(id) {
            Node::Number(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    fn is(&self, id: Id, value: f64) -> bool {
        self.value(id) == Some(value)
    }

    pub fn add(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.number(x + y),
            (Some(0.0), _) => b,
            (_, Some(0.0)) => a,
            _ => match (self.node(a), self.node(b)) {
                // a + (0 − b) = a − b
                (_, Node::Sub(zero, b)) if self.is(zero, 0.0) => self.sub(a, b),
                (Node::Sub(zero, a), _) if self.is(zero, 0.0) => self.sub(b, a),
                _ => self.put(Node::Add(a.min(b), a.max(b))),
            },
        }
    }

    pub fn sub(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            _ if a == b => self.number(0.0),
            (Some(x), Some(y)) => self.number(x - y),
            (_, Some(0.0)) => a,
            _ => match self.node(b) {
                Node::Sub(zero, b) if self.is(zero, 0.0) => self.add(a, b),
                Node::Sub(x, y) if self.is(a, 0.0) => self.sub(y, x),
                _ => self.put(Node::Sub(a, b)),
            },
        }
    }

    pub fn neg(&mut self, a: Id) -> Id {
        let zero = self.number(0.0);
        self.sub(zero, a)
    }

    pub fn mul(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.number(x * y),
            (Some(0.0), _) | (_, Some(0.0)) => self.number(0.0),
            (Some(1.0), _) => b,
            (_, Some(1.0)) => a,
            (Some(-1.0), _) => self.neg(b),
            (_, Some(-1.0)) => self.neg(a),
            _ => match (self.node(a), self.node(b)) {
                (Node::Sub(zero, a), _) if self.is(zero, 0.0) => {
                    let product = self.mul(a, b);
                    self.neg(product)
                }
                (_, Node::Sub(zero, b)) if self.is(zero, 0.0) => {
                    let product = self.mul(a, b);
                    self.neg(product)
                }
                _ => self.put(Node::Mul(a.min(b), a.max(b))),
            },
        }
    }

    pub fn div(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) if y != 0.0 => self.number(x / y),
            (Some(0.0), _) | (_, Some(1.0)) => a,
            (Some(x), _) if x < 0.0 => {
                let above = self.number(-x);
                let quotient = self.div(above, b);
                self.neg(quotient)
            }
            _ => match self.node(a) {
                Node::Sub(zero, a) if self.is(zero, 0.0) => {
                    let quotient = self.div(a, b);
                    self.neg(quotient)
                }
                _ => self.put(Node::Div(a, b)),
            },
        }
    }

    /// aᵇ; small whole exponents are products.
    pub fn power(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.number(x.powf(y)),
            (_, Some(0.0)) => self.number(1.0),
            (_, Some(1.0)) => a,
            (_, Some(0.5)) => self.call(Function::Sqrt, a),
            (_, Some(y)) if y.fract() == 0.0 && (2.0..=16.0).contains(&y) => {
                let two = self.number((y / 2.0).floor());
                let half = self.power(a, two);
                let even = self.mul(half, half);
                if y % 2.0 == 0.0 {
                    even
                } else {
                    self.mul(even, a)
                }
            }
            (_, Some(y)) if y.fract() == 0.0 && (-16.0..0.0).contains(&y) => {
                let positive = self.number(-y);
                let below = self.power(a, positive);
                let one = self.number(1.0);
                self.div(one, below)
            }
            _ => self.put(Node::Power(a, b)),
        }
    }

    pub fn call(&mut self, function: Function, a: Id) -> Id {
        match self.value(a) {
            Some(x) => self.number(function.of(x)),
            None => self.put(Node::Call(function, a)),
        }
    }

    pub fn positive(&mut self, a: Id) -> Id {
        match self.value(a) {
            Some(x) => self.number(if x > 0.0 { 1.0 } else { 0.0 }),
            None => self.put(Node::Positive(a)),
        }
    }

    pub fn select(&mut self, condition: Id, a: Id, b: Id) -> Id {
        match self.value(condition) {
            _ if a == b => a,
            Some(0.0) => b,
            Some(_) => a,
            None => self.put(Node::Select(condition, a, b)),
        }
    }

    /// The leaves that expressions read, each once.
    pub fn leaves(&self, roots: &[Id]) -> Vec<Leaf> {
        let leaf = |id: Id| match self.node(id) {
            Node::Leaf(leaf) => Some(leaf),
            _ => None,
        };
        self.reachable(roots).into_iter().filter_map(leaf).collect()
    }

    /// The nodes that expressions are made of, arguments before what is made of them.
    pub fn reachable(&self, roots: &[Id]) -> Vec<Id> {
        let mut needed = vec![false; self.nodes.len()];
        let mut open: Vec<Id> = roots.to_vec();
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut needed[id.0 as usize], true) {
                open.extend(arguments(self.node(id)));
            }
        }
        let all = (0..self.nodes.len() as u32).map(Id);
        all.filter(|id| needed[id.0 as usize]).collect()
    }

    /// The expressions with every node changed by `change`, which sees the node made of changed arguments.
    pub fn rebuild(
        &mut self,
        roots: &[Id],
        mut change: impl FnMut(&mut Self, Id) -> Id,
    ) -> Vec<Id> {
        let mut made = BTreeMap::new();
        for id in self.reachable(roots) {
            let of = |id: Id| made[&id];
            let same = match self.node(id) {
                Node::Number(_) | Node::Leaf(_) => id,
                Node::Add(a, b) => self.add(of(a), of(b)),
                Node::Sub(a, b) => self.sub(of(a), of(b)),
                Node::Mul(a, b) => self.mul(of(a), of(b)),
                Node::Div(a, b) => self.div(of(a), of(b)),
                Node::Power(a, b) => self.power(of(a), of(b)),
                Node::Call(function, a) => self.call(function, of(a)),
                Node::Positive(a) => self.positive(of(a)),
                Node::Select(c, a, b) => self.select(of(c), of(a), of(b)),
            };
            let changed = change(self, same);
            made.insert(id, changed);
        }
        roots.iter().map(|root| made[root]).collect()
    }

    /// ∂/∂leaf of an expression. A condition has no derivative: where it changes is an event.
    pub fn derivative(&mut self, root: Id, leaf: Leaf) -> Id {
        let mut made: BTreeMap<Id, Id> = BTreeMap::new();
        for id in self.reachable(&[root]) {
            let slope = self.slope(id, leaf, &made);
            made.insert(id, slope);
        }
        made[&root]
    }

    /// The derivative of one node, from those of its arguments.
    fn slope(&mut self, id: Id, leaf: Leaf, made: &BTreeMap<Id, Id>) -> Id {
        match self.node(id) {
            Node::Leaf(own) if own == leaf => self.number(1.0),
            Node::Number(_) | Node::Leaf(_) | Node::Positive(_) => self.number(0.0),
            Node::Add(a, b) => self.add(made[&a], made[&b]),
            Node::Sub(a, b) => self.sub(made[&a], made[&b]),
            Node::Mul(a, b) => {
                let (left, right) = (self.mul(made[&a], b), self.mul(a, made[&b]));
                self.add(left, right)
            }
            Node::Div(a, b) => {
                // (a/b)' = (a' − (a/b) b') / b
                let taken = self.mul(id, made[&b]);
                let above = self.sub(made[&a], taken);
                self.div(above, b)
            }
            Node::Power(a, b) => {
                let part = |value: Id| Part {
                    value,
                    slope: made[&value],
                };
                self.power_slope(id, part(a), part(b))
            }
            Node::Call(function, a) => {
                let outer = self.function_slope(function, id, a);
                self.mul(outer, made[&a])
            }
            Node::Select(c, a, b) => self.select(c, made[&a], made[&b]),
        }
    }

    /// (aᵇ)' = b aᵇ⁻¹ a' + aᵇ ln(a) b'
    fn power_slope(&mut self, id: Id, base: Part, exponent: Part) -> Id {
        let Part {
            value: a,
            slope: da,
        } = base;
        let Part {
            value: b,
            slope: db,
        } = exponent;
        let one = self.number(1.0);
        let lower = self.sub(b, one);
        let below = self.power(a, lower);
        let by_base = self.mul(b, below);
        let base = self.mul(by_base, da);
        if self.is(db, 0.0) {
            return base;
        }
        let log = self.call(Function::Log, a);
        let by_exponent = self.mul(id, log);
        let exponent = self.mul(by_exponent, db);
        self.add(base, exponent)
    }

    /// The derivative of a function at `a`, where it has the value of the node `id`.
    fn function_slope(&mut self, function: Function, id: Id, a: Id) -> Id {
        let one = self.number(1.0);
        match function {
            Function::Exp => id,
            Function::Log => self.div(one, a),
            Function::Sqrt => {
                let half = self.number(0.5);
                self.div(half, id)
            }
            Function::Tanh => {
                let square = self.mul(id, id);
                self.sub(one, square)
            }
            Function::Sigmoid => {
                let rest = self.sub(one, id);
                self.mul(id, rest)
            }
        }
    }

    /// The first node that is not finite where its arguments are.
    pub fn first_not_finite(&self, roots: &[Id], value: &dyn Fn(Leaf) -> f64) -> Option<Id> {
        let values = self.values(roots, value);
        let mut found = values.iter().filter(|(_, value)| !value.is_finite());
        found.next().map(|(id, _)| *id)
    }

    /// The value of an expression.
    #[cfg(test)]
    pub fn value_at(&self, root: Id, value: &dyn Fn(Leaf) -> f64) -> f64 {
        self.values(&[root], value)[&root]
    }

    /// Values of all nodes, arguments before what is made of them.
    fn values(&self, roots: &[Id], value: &dyn Fn(Leaf) -> f64) -> BTreeMap<Id, f64> {
        let mut values: BTreeMap<Id, f64> = BTreeMap::new();
        for id in self.reachable(roots) {
            let of = |id: Id| values[&id];
            let found = match self.node(id) {
                Node::Number(bits) => f64::from_bits(bits),
                Node::Leaf(leaf) => value(leaf),
                Node::Add(a, b) => of(a) + of(b),
                Node::Sub(a, b) => of(a) - of(b),
                Node::Mul(a, b) => of(a) * of(b),
                Node::Div(a, b) => of(a) / of(b),
                Node::Power(a, b) => of(a).powf(of(b)),
                Node::Call(function, a) => function.of(of(a)),
                Node::Positive(a) => f64::from(u8::from(of(a) > 0.0)),
                Node::Select(c, _, b) if of(c) == 0.0 => of(b),
                Node::Select(_, a, _) => of(a),
            };
            values.insert(id, found);
        }
        values
    }

    /// Σ aᵢ bᵢ
    pub fn dot(&mut self, pairs: impl IntoIterator<Item = (Id, Id)>) -> Id {
        let mut sum = self.number(0.0);
        for (a, b) in pairs {
            let product = self.mul(a, b);
            sum = self.add(sum, product);
        }
        sum
    }

    /// The expression as text; an ellipsis where that is long, since text says what is shared more than once.
    pub fn text(&self, id: Id, name: &dyn Fn(Leaf) -> String) -> String {
        let mut sizes: BTreeMap<Id, usize> = BTreeMap::new();
        for id in self.reachable(&[id]) {
            let of = arguments(self.node(id)).into_iter().map(|a| sizes[&a]);
            let size = of.fold(1, usize::saturating_add);
            sizes.insert(id, size);
        }
        if sizes[&id] > TEXT_NODES_MAX {
            return format!("… ({} operations)", sizes.len());
        }
        self.written(id, name).0
    }

    /// Text, and how strongly it binds: 1 sum, 2 product, 3 power, 4 one thing.
    fn written(&self, id: Id, name: &dyn Fn(Leaf) -> String) -> (String, u8) {
        let of = |id: Id, least: u8| {
            let (text, binds) = self.written(id, name);
            if binds < least {
                format!("({text})")
            } else {
                text
            }
        };
        match self.node(id) {
            Node::Number(bits) => {
                let value = f64::from_bits(bits);
                (format!("{value}"), if value < 0.0 { 1 } else { 4 })
            }
            Node::Leaf(leaf) => (name(leaf), 4),
            Node::Add(a, b) => (format!("{} + {}", of(a, 1), of(b, 1)), 1),
            Node::Sub(a, b) if self.is(a, 0.0) => (format!("-{}", of(b, 2)), 1),
            Node::Sub(a, b) => (format!("{} - {}", of(a, 1), of(b, 2)), 1),
            Node::Mul(a, b) if a == b => (format!("{}**2", of(a, 4)), 3),
            Node::Mul(a, b) => (format!("{}*{}", of(a, 2), of(b, 2)), 2),
            Node::Div(a, b) => (format!("{}/{}", of(a, 2), of(b, 3)), 2),
            Node::Power(a, b) => (format!("{}**{}", of(a, 4), of(b, 3)), 3),
            Node::Call(function, a) => (format!("{}({})", function.name(), of(a, 0)), 4),
            Node::Positive(a) => (format!("{} > 0", of(a, 1)), 0),
            Node::Select(c, a, b) => (
                format!("where({}, {}, {})", of(c, 0), of(a, 0), of(b, 0)),
                4,
            ),
        }
    }
}

/// The nodes that a node is made of.
pub(crate) fn arguments(node: Node) -> Vec<Id> {
    match node {
        Node::Number(_) | Node::Leaf(_) => Vec::new(),
        Node::Call(_, a) | Node::Positive(a) => vec![a],
        Node::Add(a, b)
        | Node::Sub(a, b)
        | Node::Mul(a, b)
        | Node::Div(a, b)
        | Node::Power(a, b) => vec![a, b],
        Node::Select(c, a, b) => vec![c, a, b],
    }
}
