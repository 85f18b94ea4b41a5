//! A network as the text of its file.

use std::borrow::Cow;
use std::fmt::Write;

use eventprop::connect::{Convolution, Delay, Delays, Pool, Shape, Wiring};
use eventprop::network::{
    Constant, Init, Model, Network, NeuronModel, PopulationId, ProjectionId, Trained,
};
use eventprop::params::Role;

use super::{NetworkDescription, Pairs, PopulationDescription, ProjectionDescription};

impl NetworkDescription {
    /// The description of a network, with all pairs of sparse projections. Weights of the roles in `frozen` are not
    /// trained.
    pub fn of(network: &Network, frozen: &[Role]) -> Self {
        let ids = (0..network.projections().len()).map(ProjectionId);
        // The last population of a file is the output.
        let order = network.output_last();
        Self {
            clock: Some(network.clock()),
            populations: order
                .iter()
                .map(|id| network.population(*id))
                .map(|population| PopulationDescription {
                    name: population.name.clone(),
                    shape: Some(population.shape),
                    model: population.model.clone(),
                    trained: population.trained.clone(),
                })
                .collect(),
            projections: ids
                .map(|id| projection(network, id, &order, frozen))
                .collect(),
        }
    }

    /// The text of a file, from which [`Self::parse`] makes the same description.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if let Some(clock) = self.clock {
            let (dt_ms, trial_ms) = (clock.dt_ms(), clock.trial_ms());
            line(&mut text, "[clock]");
            line(
                &mut text,
                &format!("dt_ms = {dt_ms:?}\ntrial_ms = {trial_ms:?}\n"),
            );
        }
        for population in &self.populations {
            write_population(&mut text, population);
        }
        for projection in &self.projections {
            let name = |index: usize| quoted(&self.populations[index].name);
            line(&mut text, "[[projection]]");
            line(&mut text, &format!("source = {}", name(projection.source)));
            line(&mut text, &format!("target = {}", name(projection.target)));
            write_projection(&mut text, projection);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

/// A projection between populations that are described in this order.
fn projection(
    network: &Network,
    id: ProjectionId,
    order: &[PopulationId],
    frozen: &[Role],
) -> ProjectionDescription {
    let projection = network.projection(id);
    let place = |end: PopulationId| {
        let place = order.iter().position(|one| *one == end);
        place.expect("all populations are described")
    };
    let (mut wiring, mut via) = (&projection.wiring, Vec::new());
    while let Wiring::Pooled(pool, behind) = wiring {
        via.push(*pool);
        wiring = behind;
    }
    let pairs = match wiring {
        Wiring::Dense | Wiring::Pooled(..) => Pairs::Dense,
        Wiring::OneToOne => Pairs::OneToOne,
        Wiring::Convolution(how) => Pairs::Convolution(*how),
        Wiring::Sparse(pattern) => {
            let targets = pattern.targets();
            let pair = |number: usize| (number / targets, number % targets);
            Pairs::Listed(pattern.numbers().map(pair).collect())
        }
    };
    ProjectionDescription {
        source: place(projection.source),
        target: place(projection.target),
        via,
        pairs,
        delay: projection.delay.clone(),
        weights: projection.init.clone(),
        frozen: frozen.contains(&Role::Weights(id)),
        port: network.port(id).map(str::to_owned),
    }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a text takes all");
}

fn quoted(name: &str) -> String {
    toml::Value::String(name.to_owned()).to_string()
}

fn write_population(text: &mut String, population: &PopulationDescription) {
    line(text, "[[population]]");
    line(text, &format!("name = {}", quoted(&population.name)));
    line(
        text,
        &format!("neuron_type = {}", quoted(&neuron_type(&population.model))),
    );
    match population.shape {
        Some(Shape {
            height: 1,
            width: 1,
            channels,
        }) => line(text, &format!("size = {channels}")),
        Some(Shape {
            height,
            width,
            channels,
        }) => {
            line(text, &format!("shape = [{height}, {width}, {channels}]"));
        }
        None => line(text, "# its size is that of the data"),
    }
    for (name, constant) in population.model.constants() {
        match constant {
            Constant::Same(value) => line(text, &format!("{name} = {value:?}")),
            Constant::PerNeuron(values) => line(text, &format!("{name} = {values:?}")),
        }
    }
    let least = |t: &Trained| format!("{} = {:?}", t.constant.name(), t.least);
    let trained: Vec<String> = population.trained.iter().map(least).collect();
    if !trained.is_empty() {
        line(text, &format!("train = {{ {} }}", trained.join(", ")));
    }
    text.push('\n');
}

/// The name of a model in files; the text of one that does not come along.
fn neuron_type(model: &Model) -> Cow<'_, str> {
    Cow::Borrowed(match model {
        Model::Input => "input",
        Model::Lif(_) => "LIF",
        Model::Alif(_) => "ALIF",
        Model::Li(_) => "LI",
        Model::Equations(equations) => {
            let model = equations.model();
            if !comes_along(model) {
                return Cow::Owned(model.definition().to_toml());
            }
            model.name()
        }
    })
}

/// True of a model that is known by its name.
pub(crate) fn comes_along(model: &NeuronModel) -> bool {
    NeuronModel::shipped(model.name()).is_ok_and(|shipped| shipped == *model)
}

fn write_projection(text: &mut String, projection: &ProjectionDescription) {
    let ProjectionDescription {
        via,
        pairs,
        delay,
        weights,
        frozen,
        port,
        ..
    } = projection;
    let pool = |pool: &Pool| {
        let name = if pool.average { "average" } else { "sum" };
        format!("{{ {name} = {:?} }}", pool.window)
    };
    if !via.is_empty() {
        let all: Vec<String> = via.iter().map(pool).collect();
        line(text, &format!("via = [{}]", all.join(", ")));
    }
    match pairs {
        Pairs::Dense => line(text, "wiring = \"dense\""),
        Pairs::OneToOne => line(text, "wiring = \"one_to_one\""),
        Pairs::Probability(p) => line(text, &format!("wiring = {{ probability = {p:?} }}")),
        Pairs::FanIn(sources) => line(text, &format!("wiring = {{ fan_in = {sources} }}")),
        Pairs::Listed(pairs) => {
            let all: Vec<String> = pairs.iter().map(|(s, t)| format!("[{s}, {t}]")).collect();
            line(
                text,
                &format!("wiring = {{ pairs = [{}] }}", all.join(", ")),
            );
        }
        Pairs::Convolution(Convolution {
            kernel,
            stride,
            padding,
            groups,
        }) => {
            let rest = format!("padding = {padding:?}, groups = {groups}");
            line(
                text,
                &format!("wiring = {{ kernel = {kernel:?}, stride = {stride:?}, {rest} }}"),
            );
        }
    }
    line(text, &format!("weights = {}", init(weights)));
    if *frozen {
        line(text, "train_weights = false");
    }
    if let Some(port) = port {
        line(text, &format!("port = {}", quoted(port)));
    }
    match delay {
        Delay::Constant(ms) => line(text, &format!("delay_ms = {ms:?}")),
        Delay::Each(Delays {
            by,
            init: first,
            most_ms,
            trained,
        }) => {
            let (by, first) = (quoted(by.name()), init(first));
            let rest = format!("most = {most_ms:?}, by = {by}, train = {trained}");
            line(text, &format!("delay_ms = {{ init = {first}, {rest} }}"));
        }
    }
    text.push('\n');
}

fn init(init: &Init) -> String {
    match init {
        Init::Normal { mean, std } => format!("{{ mean = {mean:?}, std = {std:?} }}"),
        Init::Uniform { low, high } => format!("{{ low = {low:?}, high = {high:?} }}"),
        Init::FanIn { gain, mean } => format!("{{ gain = {gain:?}, mean = {mean:?} }}"),
        Init::Values(values) => format!("{{ values = {values:?} }}"),
    }
}
