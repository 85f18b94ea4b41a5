//! Expressions as text: a recursive-descent parser that builds the graph as it reads.
//!
//! ```text
//! sum      = product (("+" | "-") product)*
//! product  = sign (("*" | "/") sign)*
//! sign     = ("-" | "+") sign | power
//! power    = atom ["**" sign]
//! atom     = number | name | function "(" sum ("," sum)* ")" | "(" sum ")"
//!          | "where" "(" sum (">" | "<" | ">=" | "<=") sum "," sum "," sum ")"
//! ```

use super::error::EquationError;
use super::graph::{Function, Graph, Id, Leaf};

/// Names that an expression may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    pub state: &'a [String],
    pub parameters: &'a [String],
    /// True where the weight `w` of an arrival is known.
    pub weight: bool,
}

/// Most characters of an expression, and most brackets in brackets.
const LENGTH_MAX: usize = 4096;
const DEPTH_MAX: usize = 64;

/// Functions of two arguments or conditions, beside those of [`Function`].
const OTHERS: [&str; 4] = ["abs", "min", "max", "where"];

impl Names<'_> {
    fn find(&self, name: &str) -> Option<Leaf> {
        let place = |list: &[String]| list.iter().position(|known| known == name);
        if name == "w" && self.weight {
            return Some(Leaf::Weight);
        }
        let state = place(self.state).map(Leaf::State);
        state.or_else(|| place(self.parameters).map(Leaf::Parameter))
    }

    /// The most alike of the names that are known here.
    fn nearest(&self, name: &str) -> Option<String> {
        let functions = Function::ALL.map(Function::name);
        let known = self.state.iter().chain(self.parameters).map(String::as_str);
        let known = known.chain(functions).chain(OTHERS).chain(["pi"]);
        nearest(name, known)
    }
}

/// The most alike of some names, if any is alike.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let scored = known.map(|other| (strsim::jaro_winkler(name, other), other));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= 0.7).then(|| best.1.to_owned())
}

/// Reads the expression of a key into the graph.
pub(super) fn parse(
    key: &str,
    text: &str,
    names: Names<'_>,
    graph: &mut Graph,
) -> Result<Id, EquationError> {
    let mut parser = Parser {
        key,
        text,
        at: 0,
        depth: 0,
        names,
        graph,
    };
    if text.len() > LENGTH_MAX {
        let problem = format!(
            "{} characters; at most {LENGTH_MAX} are possible",
            text.len()
        );
        return Err(parser.error(0, problem));
    }
    let root = parser.sum()?;
    parser.blank();
    match parser.rest().chars().next() {
        None => Ok(root),
        Some(other) => {
            let problem = elsewhere(other)
                .unwrap_or_else(|| format!("expected an operator or the end, found {other:?}"));
            Err(parser.error(parser.at, problem))
        }
    }
}

/// What other languages write in this way is written here.
fn elsewhere(sign: char) -> Option<String> {
    Some(match sign {
        '^' => "a power is written **".to_owned(),
        '<' | '>' => "comparisons stand in where(v > 0, a, b) only; a threshold is a difference, v - v_thresh, which rises \
                      through 0 at a spike"
            .to_owned(),
        _ => return None,
    })
}

struct Parser<'a> {
    key: &'a str,
    text: &'a str,
    at: usize,
    depth: usize,
    names: Names<'a>,
    graph: &'a mut Graph,
}

impl Parser<'_> {
    fn error(&self, at: usize, problem: String) -> EquationError {
        EquationError::Text {
            key: self.key.to_owned(),
            text: self.text.to_owned(),
            at: self.text[..at].chars().count(),
            problem,
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blank(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Passes a sign, if it comes next.
    fn take(&mut self, sign: &str) -> bool {
        self.blank();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), EquationError> {
        if self.take(sign) {
            return Ok(());
        }
        let found = match self.rest().chars().next() {
            Some(found) => {
                if let Some(problem) = elsewhere(found) {
                    return Err(self.error(self.at, problem));
                }
                format!("found {found:?}")
            }
            None => "the text ends".to_owned(),
        };
        Err(self.error(self.at, format!("expected {sign:?}, {found}")))
    }

    fn sum(&mut self) -> Result<Id, EquationError> {
        let mut sum = self.product()?;
        loop {
            if self.take("+") {
                let next = self.product()?;
                sum = self.graph.add(sum, next);
            } else if self.take("-") {
                let next = self.product()?;
                sum = self.graph.sub(sum, next);
            } else {
                return Ok(sum);
            }
        }
    }

    fn product(&mut self) -> Result<Id, EquationError> {
        let mut product = self.sign()?;
        loop {
            self.blank();
            if self.rest().starts_with("**") {
                return Ok(product);
            }
            let at = self.at;
            if self.take("*") {
                let next = self.sign()?;
                product = self.graph.mul(product, next);
            } else if self.take("/") {
                let next = self.sign()?;
                if self.graph.value(next) == Some(0.0) {
                    return Err(self.error(at, "division by zero".to_owned()));
                }
                product = self.graph.div(product, next);
            } else {
                return Ok(product);
            }
        }
    }

    fn sign(&mut self) -> Result<Id, EquationError> {
        let (mut negative, mut signs) = (false, 0);
        loop {
            if self.take("-") {
                negative = !negative;
            } else if !self.take("+") {
                break;
            }
            signs += 1;
            if signs > DEPTH_MAX {
                return Err(self.error(self.at, format!("more than {DEPTH_MAX} signs in a row")));
            }
        }
        let found = self.power()?;
        Ok(if negative {
            self.graph.neg(found)
        } else {
            found
        })
    }

    fn power(&mut self) -> Result<Id, EquationError> {
        let base = self.atom()?;
        if !self.take("**") {
            return Ok(base);
        }
        self.deeper()?;
        let exponent = self.sign()?;
        self.depth -= 1;
        Ok(self.graph.power(base, exponent))
    }

    fn deeper(&mut self) -> Result<(), EquationError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let problem = format!("more than {DEPTH_MAX} brackets or powers in each other");
            return Err(self.error(self.at, problem));
        }
        Ok(())
    }

    fn atom(&mut self) -> Result<Id, EquationError> {
        self.blank();
        let at = self.at;
        match self.rest().chars().next() {
            Some('(') => {
                self.deeper()?;
                self.expect("(")?;
                let inside = self.sum()?;
                self.expect(")")?;
                self.depth -= 1;
                Ok(inside)
            }
            Some(first) if first.is_ascii_digit() || first == '.' => self.number(),
            Some(first) if first.is_alphabetic() || first == '_' => {
                let rest = self.rest();
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                let name = rest[..end.unwrap_or(rest.len())].to_owned();
                self.at += name.len();
                self.named(at, &name)
            }
            Some(other) => {
                let problem = format!("expected a number, a name or a bracket, found {other:?}");
                Err(self.error(at, problem))
            }
            None => {
                let problem = "expected a number, a name or a bracket, and the text ends";
                Err(self.error(at, problem.to_owned()))
            }
        }
    }

    fn number(&mut self) -> Result<Id, EquationError> {
        let (at, bytes) = (self.at, self.text.as_bytes());
        let mut end = at;
        while end < bytes.len() {
            let after_e = end > at && matches!(bytes[end - 1], b'e' | b'E');
            let part = matches!(bytes[end], b'0'..=b'9' | b'.' | b'e' | b'E');
            let sign = after_e && matches!(bytes[end], b'+' | b'-');
            if !part && !sign {
                break;
            }
            end += 1;
        }
        self.at = end;
        match self.text[at..end].parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(self.graph.number(value)),
            _ => Err(self.error(at, format!("{:?} is no number", &self.text[at..end]))),
        }
    }

    fn named(&mut self, at: usize, name: &str) -> Result<Id, EquationError> {
        if let Some(leaf) = self.names.find(name) {
            return Ok(self.graph.leaf(leaf));
        }
        if name == "pi" {
            return Ok(self.graph.number(std::f64::consts::PI));
        }
        self.blank();
        let called = self.rest().starts_with('(');
        let function = Function::ALL.into_iter().find(|f| f.name() == name);
        if let Some(function) = function.filter(|_| called) {
            let [x] = self.arguments()?;
            return Ok(self.graph.call(function, x));
        }
        if called && OTHERS.contains(&name) {
            return self.other(name);
        }
        let problem = match name {
            "t" => "an equation may not depend on the time t".to_owned(),
            "w" => "the weight w is known in [input] only".to_owned(),
            _ if self.rest().starts_with('.') => {
                format!("functions have no prefix: exp(v), not {name}.exp(v)")
            }
            _ if called => {
                let functions = Function::ALL.into_iter().map(Function::name);
                let all: Vec<&str> = functions.chain(OTHERS.iter().copied()).collect();
                format!(
                    "there is no function {name:?}; there are {}",
                    all.join(", ")
                )
            }
            _ => {
                let near = self.names.nearest(name);
                let near = near.map_or(String::new(), |near| format!("; did you mean {near:?}?"));
                format!("unknown name {name:?}{near}")
            }
        };
        Err(self.error(at, problem))
    }

    /// `abs`, `min`, `max` and `where`, which all become a choice.
    fn other(&mut self, name: &str) -> Result<Id, EquationError> {
        let zero = self.graph.number(0.0);
        if name == "where" {
            return self.choice();
        }
        let (above, a, b) = if name == "abs" {
            let [x] = self.arguments()?;
            (x, x, self.graph.sub(zero, x))
        } else {
            let [a, b] = self.arguments()?;
            let above = self.graph.sub(a, b);
            if name == "max" {
                (above, a, b)
            } else {
                (above, b, a)
            }
        };
        let condition = self.graph.positive(above);
        Ok(self.graph.select(condition, a, b))
    }

    fn choice(&mut self) -> Result<Id, EquationError> {
        self.deeper()?;
        self.expect("(")?;
        let left = self.sum()?;
        self.blank();
        let at = self.at;
        let more = self.take(">");
        if !more && !self.take("<") {
            let problem = "expected a comparison, as in where(v > 0, a, b)";
            return Err(self.error(at, problem.to_owned()));
        }
        // Equal or not is the same: it lasts for an instant.
        self.take("=");
        let right = self.sum()?;
        let above = if more {
            self.graph.sub(left, right)
        } else {
            self.graph.sub(right, left)
        };
        self.expect(",")?;
        let a = self.sum()?;
        self.expect(",")?;
        let b = self.sum()?;
        self.expect(")")?;
        self.depth -= 1;
        let condition = self.graph.positive(above);
        Ok(self.graph.select(condition, a, b))
    }

    fn arguments<const N: usize>(&mut self) -> Result<[Id; N], EquationError> {
        self.deeper()?;
        self.expect("(")?;
        let mut found = [self.graph.number(0.0); N];
        for (place, argument) in found.iter_mut().enumerate() {
            if place > 0 {
                self.expect(",")?;
            }
            *argument = self.sum()?;
        }
        self.expect(")")?;
        self.depth -= 1;
        Ok(found)
    }
}
