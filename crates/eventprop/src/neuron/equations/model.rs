//! A model that was read and checked: its expressions, and what they depend on.

use std::fmt::Write as _;
use std::sync::Arc;

use super::definition::{Definition, Texts, part};
use super::error::EquationError;
use super::graph::{Function, Graph, Id, Leaf, Node};
use super::name::Name;
use super::text::{Names, nearest, parse};

/// A neuron model that was given as equations.
///
/// ```
/// use eventprop::neuron::equations::NeuronModel;
/// let model = NeuronModel::from_toml(r#"
///     spike = "v - v_thresh"
///     [state]
///     v = "(i - v)/tau_mem"
///     i = "-i/tau_syn"
///     [reset]
///     v = "0"
///     [input]
///     i = "i + w"
///     [parameters]
///     tau_mem = 20
///     tau_syn = 5
///     v_thresh = 1
/// "#)?;
/// assert!(model.is_linear());
/// # Ok::<(), eventprop::neuron::equations::EquationError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NeuronModel(Arc<Expressions>);

/// The expressions of a model.
#[derive(Debug)]
pub(crate) struct Expressions {
    pub definition: Definition,
    pub state: Vec<Name>,
    pub parameters: Vec<Name>,
    pub graph: Graph,
    /// dx/dt, with conditions as masks.
    pub flow: Vec<Id>,
    /// What is above zero where the condition of a mask holds.
    pub switches: Vec<Id>,
    /// θ, with conditions as masks.
    pub spike: Option<Id>,
    pub reset: Vec<Id>,
    pub ports: Vec<Port>,
    pub initial: Vec<Id>,
    pub readout: usize,
    pub scales: Vec<f64>,
    pub linear: bool,
}

/// One way to receive.
#[derive(Debug)]
pub(crate) struct Port {
    pub name: String,
    pub jump: Vec<Id>,
    /// ∂h/∂w, where an arrival adds its weight times that, whatever the state.
    pub additive: Option<Vec<Id>>,
}

/// Models of one definition are equal.
impl PartialEq for NeuronModel {
    fn eq(&self, other: &Self) -> bool {
        self.0.definition == other.0.definition
    }
}

/// Most state variables and most parameters.
const NAMES_MAX: usize = 64;
/// Most conditions of flow and threshold.
const SWITCHES_MAX: usize = 64;
/// Most parts of a step.
const SUBSTEPS_MAX: usize = 1000;

impl NeuronModel {
    /// The model of a definition.
    ///
    /// # Errors
    /// The first thing found wrong, with its place in the text.
    pub fn new(definition: Definition) -> Result<Self, EquationError> {
        if !(1..=SUBSTEPS_MAX).contains(&definition.substeps) {
            let problem = format!(
                "{}; expected a number from 1 to {SUBSTEPS_MAX}",
                definition.substeps
            );
            return Err(part("substeps", problem));
        }
        let reader = Reader::new(&definition)?;
        Ok(Self(Arc::new(reader.read(definition)?)))
    }

    /// The model of a TOML file.
    ///
    /// # Errors
    /// The first thing found wrong, with its place in the text.
    pub fn from_toml(text: &str) -> Result<Self, EquationError> {
        Self::new(Definition::from_toml(text)?)
    }

    /// The texts it was made of.
    pub fn definition(&self) -> &Definition {
        &self.0.definition
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.definition.name
    }

    /// Names of the state variables.
    pub fn state(&self) -> &[Name] {
        &self.0.state
    }

    /// Names of the parameters.
    pub fn parameters(&self) -> &[Name] {
        &self.0.parameters
    }

    /// Names of the parameters that no expression reads.
    pub fn unused(&self) -> impl Iterator<Item = Name> {
        let unread = |(place, _): &(usize, &Name)| !self.0.graph.reads(Leaf::Parameter(*place));
        let names = self.0.parameters.iter().enumerate().filter(unread);
        names.map(|(_, name)| *name)
    }

    /// Names of its ports; one empty name where there is one way to receive.
    pub fn ports(&self) -> impl Iterator<Item = &str> {
        self.0.ports.iter().map(|port| &port.name[..])
    }

    /// The state variable that voltage losses and plots read.
    pub fn readout(&self) -> Name {
        self.0.state[self.0.readout]
    }

    /// The state variable that stands for a current: `i`, or the first that an arrival changes.
    pub(crate) fn received(&self) -> Name {
        let own = &self.0;
        let named = own.state.iter().find(|name| name.text() == "i");
        let changed = || {
            let jump = own.ports[0].jump.iter().enumerate();
            let mut changed =
                jump.filter(|(n, id)| own.graph.node(**id) != Node::Leaf(Leaf::State(*n)));
            changed.next().map(|(n, _)| own.state[n])
        };
        named.copied().or_else(changed).unwrap_or(own.state[0])
    }

    /// Equal parts into which the grid solver cuts a step.
    pub fn substeps(&self) -> usize {
        self.0.definition.substeps
    }

    /// True if its neurons spike.
    pub fn spikes(&self) -> bool {
        self.0.spike.is_some()
    }

    /// True if dx/dt is linear in x with constant coefficients.
    pub fn is_linear(&self) -> bool {
        self.0.linear
    }

    pub(crate) fn expressions(&self) -> &Expressions {
        &self.0
    }
}

/// Where an expression stands: only at an arrival there is a weight.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Neuron,
    Arrival,
}

/// Names of a definition, and the graph that is being built.
struct Reader {
    state: Vec<String>,
    parameters: Vec<String>,
    graph: Graph,
}

impl Reader {
    fn new(definition: &Definition) -> Result<Self, EquationError> {
        let state: Vec<String> = definition.state.iter().map(|(n, _)| n.clone()).collect();
        let parameters = definition.parameters.iter();
        let parameters: Vec<String> = parameters.map(|(n, _)| n.clone()).collect();
        if state.is_empty() {
            let problem =
                "a model has at least one state variable, such as v = \"(i - v)/tau_mem\"";
            return Err(part("state", problem));
        }
        for (key, list) in [("state", &state), ("parameters", &parameters)] {
            if list.len() > NAMES_MAX {
                let problem = format!("{} names; at most {NAMES_MAX} are possible", list.len());
                return Err(part(key, problem));
            }
            for (place, name) in list.iter().enumerate() {
                let twice =
                    list[..place].contains(name) || key == "parameters" && state.contains(name);
                check_name(&format!("{key}.{name}"), name, twice)?;
            }
        }
        for (name, value) in &definition.parameters {
            let key = format!("parameters.{name}");
            check_parameter(&key, name, *value)?;
        }
        Ok(Self {
            state,
            parameters,
            graph: Graph::default(),
        })
    }

    fn read(mut self, definition: Definition) -> Result<Expressions, EquationError> {
        let mut flow = Vec::new();
        for (name, text) in &definition.state {
            flow.push(self.parse(&format!("state.{name}"), text, Within::Neuron)?);
        }
        let spike = match &definition.spike {
            Some(text) => Some(self.spike(text)?),
            None => None,
        };
        if spike.is_some() == definition.reset.is_empty() {
            let problem = "spike and reset belong together: where neurons spike, say which state a spike leaves, and where they do not, leave both out";
            return Err(part("reset", problem));
        }
        let reset = self.jump("reset", &definition.reset, Within::Neuron)?;
        let initial = self.initial(&definition.initial)?;
        let (flow, spike, switches) = self.with_masks(flow, spike);
        if switches.len() > SWITCHES_MAX {
            let problem = format!(
                "{} conditions; at most {SWITCHES_MAX} are possible",
                switches.len()
            );
            return Err(part("state", problem));
        }
        let ports = self.ports(&definition)?;
        let linear = self.is_linear(&flow);
        let names = |list: &[String]| list.iter().map(|name| Name::new(name)).collect();
        Ok(Expressions {
            state: names(&self.state),
            parameters: names(&self.parameters),
            readout: self.readout(definition.readout.as_deref())?,
            scales: self.scales(&definition.scales)?,
            graph: self.graph,
            flow,
            switches,
            spike,
            reset,
            ports,
            initial,
            linear,
            definition,
        })
    }

    /// Reads an expression.
    fn parse(&mut self, key: &str, text: &str, within: Within) -> Result<Id, EquationError> {
        let names = Names {
            state: &self.state,
            parameters: &self.parameters,
            weight: within == Within::Arrival,
        };
        parse(key, text, names, &mut self.graph)
    }

    fn spike(&mut self, text: &str) -> Result<Id, EquationError> {
        let spike = self.parse("spike", text, Within::Neuron)?;
        let leaves = self.graph.leaves(&[spike]);
        if !leaves.iter().any(|leaf| matches!(leaf, Leaf::State(_))) {
            let state = self.state.join(", ");
            let problem = format!(
                "\"{text}\" does not depend on the state, and is crossed never or always; it must contain one of {state}"
            );
            return Err(part("spike", problem));
        }
        Ok(spike)
    }

    /// The state after an event, one expression for every variable.
    fn jump(&mut self, key: &str, texts: &Texts, within: Within) -> Result<Vec<Id>, EquationError> {
        let mut after: Vec<Id> = Vec::new();
        for place in 0..self.state.len() {
            after.push(self.graph.leaf(Leaf::State(place)));
        }
        for (name, text) in texts {
            let place = self.place(&format!("{key}.{name}"), name)?;
            after[place] = self.parse(&format!("{key}.{name}"), text, within)?;
        }
        Ok(after)
    }

    /// The number of a state variable.
    fn place(&self, key: &str, name: &str) -> Result<usize, EquationError> {
        let place = self.state.iter().position(|known| known == name);
        place.ok_or_else(|| {
            let near = nearest(name, self.state.iter().map(String::as_str));
            let near = near.map_or(".".into(), |near| format!("; did you mean {near:?}?"));
            let all = self.state.join(", ");
            part(
                key,
                format!("there is no state variable {name:?}{near} The state has {all}"),
            )
        })
    }

    fn initial(&mut self, texts: &Texts) -> Result<Vec<Id>, EquationError> {
        let mut initial = vec![self.graph.number(0.0); self.state.len()];
        for (name, text) in texts {
            let key = format!("initial.{name}");
            let place = self.place(&key, name)?;
            initial[place] = self.parse(&key, text, Within::Neuron)?;
            let leaves = self.graph.leaves(&[initial[place]]);
            if leaves.iter().any(|leaf| matches!(leaf, Leaf::State(_))) {
                let problem =
                    "an initial value depends on parameters only; write out the state variable";
                return Err(part(key, problem));
            }
        }
        Ok(initial)
    }

    /// Conditions of flow and threshold become masks, and what they test a list of switches.
    fn with_masks(&mut self, flow: Vec<Id>, spike: Option<Id>) -> (Vec<Id>, Option<Id>, Vec<Id>) {
        let mut roots = flow;
        roots.extend(spike);
        let mut switches: Vec<Id> = Vec::new();
        let mut roots = self.graph.rebuild(&roots, |graph, id| {
            let Node::Positive(tested) = graph.node(id) else {
                return id;
            };
            let known = switches.iter().position(|known| *known == tested);
            let switch = known.unwrap_or_else(|| {
                switches.push(tested);
                switches.len() - 1
            });
            graph.leaf(Leaf::Mask(switch))
        });
        let spike = spike.and_then(|_| roots.pop());
        (roots, spike, switches)
    }

    fn ports(&mut self, definition: &Definition) -> Result<Vec<Port>, EquationError> {
        if definition.input.iter().all(|(_, texts)| texts.is_empty()) {
            let problem = "say what an arriving spike of weight w does, such as i = \"i + w\"";
            return Err(part("input", problem));
        }
        let mut ports: Vec<Port> = Vec::new();
        for (name, texts) in &definition.input {
            let key = if name.is_empty() {
                "input".to_owned()
            } else {
                format!("input.{name}")
            };
            if !name.is_empty() {
                let twice = ports.iter().any(|port| port.name == *name);
                check_name(&key, name, twice)?;
            }
            let jump = self.jump(&key, texts, Within::Arrival)?;
            let leaves = self.graph.leaves(&jump);
            if !leaves.contains(&Leaf::Weight) {
                return Err(part(
                    key,
                    "an arrival must depend on its weight w, as in i = \"i + w\"",
                ));
            }
            ports.push(Port {
                name: name.clone(),
                additive: self.additive(&jump),
                jump,
            });
        }
        Ok(ports)
    }

    /// ∂h/∂w of every variable, where h = x + w ∂h/∂w with a factor that depends on parameters only.
    fn additive(&mut self, jump: &[Id]) -> Option<Vec<Id>> {
        let zero = self.graph.number(0.0);
        let without = self.graph.rebuild(jump, |graph, id| match graph.node(id) {
            Node::Leaf(Leaf::Weight) => zero,
            _ => id,
        });
        let mut by_weight = Vec::new();
        for (place, &id) in jump.iter().enumerate() {
            if without[place] != self.graph.leaf(Leaf::State(place)) {
                return None;
            }
            by_weight.push(self.graph.derivative(id, Leaf::Weight));
            for other in 0..jump.len() {
                let slope = self.graph.derivative(id, Leaf::State(other));
                let expected = if other == place { 1.0 } else { 0.0 };
                if self.graph.value(slope) != Some(expected) {
                    return None;
                }
            }
        }
        let leaves = self.graph.leaves(&by_weight);
        let fixed = leaves.iter().all(|leaf| matches!(leaf, Leaf::Parameter(_)));
        fixed.then_some(by_weight)
    }

    fn is_linear(&mut self, flow: &[Id]) -> bool {
        let mut slopes = flow.to_vec();
        let masked = |leaf: &Leaf| matches!(leaf, Leaf::Mask(_));
        if self.graph.leaves(flow).iter().any(masked) {
            return false;
        }
        slopes.clear();
        for &id in flow {
            for place in 0..flow.len() {
                slopes.push(self.graph.derivative(id, Leaf::State(place)));
            }
        }
        let leaves = self.graph.leaves(&slopes);
        leaves.iter().all(|leaf| matches!(leaf, Leaf::Parameter(_)))
    }

    fn readout(&self, name: Option<&str>) -> Result<usize, EquationError> {
        match name {
            Some(name) => self.place("readout", name),
            None => Ok(self.state.iter().position(|n| n == "v").unwrap_or(0)),
        }
    }

    fn scales(&self, given: &[(String, f64)]) -> Result<Vec<f64>, EquationError> {
        let mut scales = vec![1.0; self.state.len()];
        for (name, scale) in given {
            let key = format!("scales.{name}");
            let place = self.place(&key, name)?;
            if !(scale.is_finite() && *scale > 0.0) {
                return Err(part(
                    key,
                    format!("{scale} is no size; expected a number above 0"),
                ));
            }
            scales[place] = *scale;
        }
        Ok(scales)
    }
}

/// Names that mean something else.
fn is_reserved(name: &str) -> bool {
    let functions = Function::ALL.map(Function::name);
    ["w", "t", "pi", "abs", "min", "max", "where"].contains(&name) || functions.contains(&name)
}

fn check_name(key: &str, name: &str, twice: bool) -> Result<(), EquationError> {
    let mut characters = name.chars();
    let first = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let others = characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !first || !others || name.len() > Name::LENGTH_MAX {
        let most = Name::LENGTH_MAX;
        let problem = format!(
            "{name:?} is no name; expected a letter, then letters, digits or _, at most {most}"
        );
        return Err(part(key, problem));
    }
    if is_reserved(name) {
        return Err(part(
            key,
            format!("{name:?} has a meaning of its own; choose another name"),
        ));
    }
    if twice {
        return Err(part(key, format!("the name {name:?} is given twice")));
    }
    Ok(())
}

/// True of a parameter that must be above zero: a time constant, by its name.
pub(crate) fn is_time_constant(name: &str) -> bool {
    name == "tau" || name.starts_with("tau_")
}

fn check_parameter(key: &str, name: &str, value: f64) -> Result<(), EquationError> {
    if !value.is_finite() {
        return Err(part(key, format!("{value} is no value; it must be finite")));
    }
    if is_time_constant(name) && value <= 0.0 {
        let problem = format!("{value}; a time constant (tau, tau_…) must be above 0 (ms)");
        return Err(part(key, problem));
    }
    Ok(())
}

impl Expressions {
    /// The name of a leaf in text.
    pub fn leaf_name(&self, leaf: Leaf) -> String {
        match leaf {
            Leaf::State(n) => self.state[n].text().to_owned(),
            Leaf::Parameter(n) => self.parameters[n].text().to_owned(),
            Leaf::Weight => "w".to_owned(),
            Leaf::Mask(n) => {
                let tested = self
                    .graph
                    .text(self.switches[n], &|leaf| self.leaf_name(leaf));
                format!("{tested} > 0")
            }
            Leaf::Adjoint(n) => format!("p_{}", self.state[n].text()),
        }
    }
}

impl NeuronModel {
    /// The model, and the adjoint that was derived, as text.
    pub fn describe(&self) -> String {
        let own = self.expressions();
        let mut graph = own.graph.clone();
        let mut text = String::new();
        let class = if own.linear {
            "linear with constant coefficients"
        } else {
            "other"
        };
        let name = if self.name().is_empty() {
            "neuron"
        } else {
            self.name()
        };
        let _ = writeln!(
            text,
            "{name}: {} state variables, class {class}",
            own.state.len()
        );
        let _ = writeln!(text, "\nforward (per ms)");
        let leaf = |leaf: Leaf| own.leaf_name(leaf);
        for (name, &id) in own.state.iter().zip(&own.flow) {
            let _ = writeln!(
                text,
                "  d{}/dt = {}",
                name.text(),
                own.graph.text(id, &leaf)
            );
        }
        if let Some(spike) = own.spike {
            let _ = writeln!(
                text,
                "  spike where {} rises through 0; then",
                own.graph.text(spike, &leaf)
            );
            self.describe_jump(&own.reset, &mut text);
        }
        for port in &own.ports {
            let of = if port.name.is_empty() {
                String::new()
            } else {
                format!(" at {}", port.name)
            };
            let _ = writeln!(text, "  arrival of weight w{of}");
            self.describe_jump(&port.jump, &mut text);
        }
        let _ = writeln!(text, "\nadjoint, with p = ∂L/∂x (per ms, derived)");
        for place in 0..own.state.len() {
            let mut pairs = Vec::new();
            for (row, &id) in own.flow.iter().enumerate() {
                let slope = graph.derivative(id, Leaf::State(place));
                pairs.push((slope, graph.leaf(Leaf::Adjoint(row))));
            }
            let sum = graph.dot(pairs);
            let minus = graph.neg(sum);
            let name = own.state[place].text();
            let _ = writeln!(text, "  dp_{name}/dt = {}", graph.text(minus, &leaf));
        }
        self.describe_parameters(&mut text);
        text
    }

    fn describe_jump(&self, after: &[Id], text: &mut String) {
        let own = self.expressions();
        for (place, &id) in after.iter().enumerate() {
            if own.graph.node(id) != Node::Leaf(Leaf::State(place)) {
                let leaf = |leaf: Leaf| own.leaf_name(leaf);
                let name = own.state[place].text();
                let _ = writeln!(text, "    {name} ← {}", own.graph.text(id, &leaf));
            }
        }
    }

    fn describe_parameters(&self, text: &mut String) {
        let own = self.expressions();
        let readout = self.readout().text();
        let _ = writeln!(text, "\nvoltage losses read {readout}; parameters");
        for (name, value) in &own.definition.parameters {
            let read = !self.unused().any(|unused| unused.text() == name);
            let note = if read {
                ""
            } else {
                ", which no expression reads"
            };
            let _ = writeln!(text, "  {name} = {value}{note}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NeuronModel;
    use crate::neuron::equations::graph::Leaf;

    const LIF: &str = r#"
        spike = "v - theta"
        state = { v = "(i - v)/tau_mem", i = "-i/tau_syn" }
        reset = { v = "0" }
        input = { i = "i + w" }
        parameters = { tau_mem = 20, tau_syn = 5, theta = 1 }
    "#;

    fn message(from: &str, to: &str) -> String {
        assert!(LIF.contains(from), "{from}");
        NeuronModel::from_toml(&LIF.replace(from, to))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn parameters_that_no_expression_reads_are_named() {
        let model = NeuronModel::from_toml(&LIF.replace("theta = 1", "theta = 1, tau_ref = 2"));
        let model = model.expect("a model");
        let unused: Vec<_> = model.unused().map(super::Name::text).collect();
        assert_eq!(unused, ["tau_ref"]);
        assert!(
            model
                .describe()
                .contains("tau_ref = 2, which no expression reads\n")
        );
        for name in NeuronModel::shipped_names() {
            let shipped = NeuronModel::shipped(name).expect("it is shipped");
            assert_eq!(shipped.unused().count(), 0, "{name}");
        }
    }

    #[test]
    fn errors_name_the_place_and_the_way_out() {
        for (from, to, expected) in [
            (
                "tau_mem\"",
                "tua_mem\"",
                "state.v: unknown name \"tua_mem\"; did you mean \"tau_mem\"?\n  (i - v)/tua_mem\n          ^",
            ),
            (
                "\"v - theta\"",
                "\"theta - 2\"",
                "does not depend on the state",
            ),
            (
                "-i/tau_syn",
                "-i/tau_syn + t",
                "may not depend on the time t",
            ),
            (
                "-i/tau_syn",
                "-i/tau_syn + w",
                "the weight w is known in [input] only",
            ),
            ("-i/tau_syn", "-i/(tau_syn", "expected \")\", the text ends"),
            ("-i/tau_syn", "i^2", "a power is written **"),
            ("-i/tau_syn", "(i^2)", "a power is written **"),
            (
                "\"v - theta\"",
                "\"v > theta\"",
                "a threshold is a difference",
            ),
            ("-i/tau_syn", "np.exp(i)", "functions have no prefix"),
            (
                "-i/tau_syn",
                "sin(i)",
                "there is no function \"sin\"; there are exp",
            ),
            ("-i/tau_syn", "i/0", "division by zero"),
            ("-i/tau_syn", "where(i, 1, 2)", "expected a comparison"),
            (
                "reset = { v",
                "reset = { u",
                "there is no state variable \"u\"",
            ),
            ("\"i + w\"", "\"i + 1\"", "must depend on its weight w"),
            ("tau_syn = 5", "tau_syn = -5", "must be above 0"),
            ("theta = 1", "exp = 1", "has a meaning of its own"),
            ("spike = ", "spikes = ", "did you mean spike?"),
            (
                "reset = { v = \"0\" }",
                "",
                "spike and reset belong together",
            ),
        ] {
            let found = message(from, to);
            assert!(found.contains(expected), "{to}: {found}");
        }
    }

    /// Nothing a user writes may take the stack or the memory.
    #[test]
    fn long_and_deep_texts_are_refused() {
        let deep = format!("{}v{}", "(".repeat(5000), ")".repeat(5000));
        assert!(message("-i/tau_syn", &deep).contains("characters"));
        let deep = format!("{}v{}", "(".repeat(500), ")".repeat(500));
        assert!(message("-i/tau_syn", &deep).contains("brackets"));
        let signs = format!("{}v", "-".repeat(500));
        assert!(message("-i/tau_syn", &signs).contains("signs"));
        let nested = "(".repeat(40) + "v" + &" + 1)**2".repeat(40);
        let model = NeuronModel::from_toml(&LIF.replace("-i/tau_syn", &nested)).unwrap();
        assert!(model.describe().len() < 10_000);
    }

    #[test]
    fn classes_and_ports_are_found() {
        let linear = [
            "lif",
            "alif",
            "resonate_and_fire",
            "lif_alpha",
            "lif_two_synapses",
            "li",
            "li_leak",
        ];
        for name in NeuronModel::shipped_names() {
            let model = NeuronModel::shipped(name).unwrap();
            assert_eq!(model.is_linear(), linear.contains(&name), "{name}");
            assert_eq!(model.name(), name);
            let again = NeuronModel::from_toml(&model.definition().to_toml()).unwrap();
            assert_eq!(again, model);
        }
        let two = NeuronModel::shipped("lif_two_synapses").unwrap();
        assert_eq!(two.ports().collect::<Vec<_>>(), ["fast", "slow"]);
    }

    /// The derived adjoint of LIF is [A1], [A2] in plain sensitivities.
    #[test]
    fn the_adjoint_is_shown() {
        let text = NeuronModel::from_toml(LIF).unwrap().describe();
        let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or("");
        assert_eq!(line("dp_v/dt").trim(), "dp_v/dt = 1/tau_mem*p_v", "{text}");
        assert_eq!(
            line("dp_i/dt").trim(),
            "dp_i/dt = 1/tau_syn*p_i - 1/tau_mem*p_v",
            "{text}"
        );
        assert!(text.contains("linear"), "{text}");
    }

    /// Derivatives of every function against central differences with h = 1e-6: h² f'''/6 + 4 ε f/h, below 1e-8 for
    /// numbers of order 1.
    #[test]
    fn derivatives_are_those_of_differences() {
        for text in [
            "v*v*v - 2*v/i + 3",
            "exp(v/2) + log(i) + sqrt(v + i)",
            "tanh(v*i) - sigmoid(v - i)",
            "v**3 + i**-2 + 2**v + v**0.5 + v**i + v**2.5",
            "where(v > i, v*i, v - i) + max(v, 2*i)*min(v, i) + abs(i - 3*v)",
            "(v + 1)/(i*(v + 2)) - -v",
        ] {
            let model = NeuronModel::from_toml(&LIF.replace("-i/tau_syn", text)).unwrap();
            let own = model.expressions();
            let mut graph = own.graph.clone();
            let root = own.flow[1];
            let at = |graph: &crate::neuron::equations::graph::Graph, id, x: [f64; 2]| {
                let masks: Vec<f64> = (0..own.switches.len())
                    .map(|n| {
                        let value = graph.value_at(own.switches[n], &|leaf| match leaf {
                            Leaf::State(n) => x[n],
                            _ => 0.0,
                        });
                        f64::from(u8::from(value > 0.0))
                    })
                    .collect();
                graph.value_at(id, &|leaf| match leaf {
                    Leaf::State(n) => x[n],
                    Leaf::Mask(n) => masks[n],
                    _ => 1.0,
                })
            };
            for (x, variable) in [
                ([1.3, 0.7], 0),
                ([1.3, 0.7], 1),
                ([0.4, 2.1], 0),
                ([0.4, 2.1], 1),
            ] {
                let slope = graph.derivative(root, Leaf::State(variable));
                let h = 1e-6;
                let mut ends = [x, x];
                ends[0][variable] += h;
                ends[1][variable] -= h;
                let difference =
                    (at(&graph, root, ends[0]) - at(&graph, root, ends[1])) / (2.0 * h);
                let found = at(&graph, slope, x);
                assert!(
                    (found - difference).abs() < 1e-7 * found.abs().max(1.0),
                    "{text} at {x:?}: {found} {difference}"
                );
            }
        }
    }
}
