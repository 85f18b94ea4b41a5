//! A network from its file.
//!
//! ```toml
//! [clock]                      # may be left out
//! dt_ms = 1.0
//! trial_ms = 20.0
//!
//! [[population]]               # the last one is the output
//! name = "input"
//! neuron_type = "input"        # input, LIF, ALIF, LI, a model that comes along, or FILE.toml
//! shape = [28, 28, 1]          # or size = 784; a benchmark knows those of input and output
//!
//! [[population]]
//! name = "output"
//! neuron_type = "LI"
//! size = 10
//! tau_mem = 20.0               # ms; a number, or a list with one number per neuron
//! tau_syn = 5.0
//! train = { tau_mem = 3.0 }    # constants that are trained, and their least values
//!
//! [[projection]]
//! source = "input"
//! target = "output"
//! via = [{ sum = [2, 2] }]     # poolings, or average; may be left out
//! wiring = { fan_in = 32 }     # or "dense", "one_to_one", { probability = 0.1 }, { pairs = [[0, 3]] }, { kernel = [5, 5] }
//! weights = { mean = 0.1, std = 0.05 }   # or { low, high }, { gain, mean }, { values = [..] }, a number
//! train_weights = true
//! port = "slow"                # where the target is a model with several
//! delay_ms = { init = 0.0, most = 5.0, by = "synapse", train = true }   # or a number
//! ```

use eventprop::connect::{By, Convolution, Delay, Delays, Pool, Shape};
use eventprop::network::{
    Adaptation, Clock, Constant, Equations, Init, Li, Lif, Model, NetworkError, NeuronConstant,
    NeuronModel, Trained,
};
use toml::de::DeTable;

use super::fields::{Fields, FileError, FileFault, Item, Text};
use super::{NetworkDescription, Pairs, PopulationDescription, ProjectionDescription};
use crate::settings::{NeuronModelError, neuron_model};

/// Types of neurons.
const NEURON_TYPES: [&str; 4] = ["input", "LIF", "ALIF", "LI"];

impl NetworkDescription {
    /// Reads the text of a file of a network.
    ///
    /// # Errors
    /// The first thing found wrong, with its place.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let place = Text(text);
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let message = error.message().to_owned();
            place.fault(at, FileFault::Syntax { message })
        })?;
        let mut file = Fields::new(place, "a file of a network", 0, table.into_inner());
        let mut described = Self {
            clock: file.take("clock").map(clock).transpose()?,
            ..Self::default()
        };
        for item in file.needed("population")?.list()? {
            let population = population(item)?;
            described.populations.push(population);
        }
        let names: Vec<String> = described
            .populations
            .iter()
            .map(|p| p.name.clone())
            .collect();
        let projections = file.take("projection").map(Item::list).transpose()?;
        for item in projections.into_iter().flatten() {
            described.projections.push(projection(item, &names)?);
        }
        file.end()?;
        Ok(described)
    }
}

fn clock(item: Item<'_>) -> Result<Clock, FileError> {
    let wrong = item.expected("a step and a trial of positive lengths, of at most 2^31 steps");
    let mut table = item.table("the clock")?;
    let (dt_ms, trial_ms) = (
        table.needed("dt_ms")?.number()?,
        table.needed("trial_ms")?.number()?,
    );
    table.end()?;
    Clock::new(dt_ms, trial_ms).map_err(|_: NetworkError| wrong)
}

fn population(item: Item<'_>) -> Result<PopulationDescription, FileError> {
    let mut table = item.table("a population")?;
    let name = table.needed("name")?.text()?;
    table.owner = format!("population {name}");
    let shape = shape(&mut table)?;
    let model = model(&mut table)?;
    let trainable = model.trainable();
    let trained = table
        .take("train")
        .map(|item| trained(item, &name, &trainable));
    let trained = trained.transpose()?.unwrap_or_default();
    table.end()?;
    Ok(PopulationDescription {
        name,
        shape,
        model,
        trained,
    })
}

fn shape(table: &mut Fields<'_>) -> Result<Option<Shape>, FileError> {
    let shape = table.take("shape");
    let Some(size) = table.take("size") else {
        let shape = shape.map(|item| item.wholes::<3>(1)).transpose()?;
        return Ok(shape.map(Shape::from));
    };
    match shape {
        Some(shape) => Err(shape.expected("left out where there is a size")),
        None => Ok(Some(Shape::from(size.whole(1)?))),
    }
}

fn model(table: &mut Fields<'_>) -> Result<Model, FileError> {
    let item = table.needed("neuron_type")?;
    let name = item.text()?;
    match name.as_str() {
        "input" => Ok(Model::Input),
        "LIF" => Ok(Model::Lif(lif(table)?)),
        "ALIF" => {
            let lif = lif(table)?;
            let (tau_b, b_incr) = (needed(table, "tau_b")?, needed(table, "b_incr")?);
            let b_init = constant(table, "b_init", 0.0)?;
            let adaptation = Adaptation::new(tau_b, b_incr).b_init(b_init);
            Ok(Model::Alif(lif.adapting(adaptation)))
        }
        "LI" => {
            let li = Li::new(needed(table, "tau_mem")?, needed(table, "tau_syn")?);
            Ok(Model::Li(li.v_init(constant(table, "v_init", 0.0)?)))
        }
        _ => equations(table, &item, &name),
    }
}

/// A model from equations, that of a file or one that comes along, with values of its parameters.
fn equations(table: &mut Fields<'_>, item: &Item<'_>, name: &str) -> Result<Model, FileError> {
    let known: Vec<&str> = NEURON_TYPES
        .into_iter()
        .chain(NeuronModel::shipped_names())
        .collect();
    let model = neuron_model(name).map_err(|error| match error {
        NeuronModelError::Unknown { .. } => item.unknown(name, &known),
        error => item.expected(&format!("a model of neurons ({error})")),
    })?;
    let mut equations = Equations::new(model);
    for parameter in equations.model().parameters().to_vec() {
        if let Some(item) = table.take(parameter.text()) {
            let changed = equations.with(parameter.text(), numbers(&item)?);
            equations = changed.expect("a model has its parameters");
        }
    }
    Ok(Model::Equations(Box::new(equations)))
}

fn lif(table: &mut Fields<'_>) -> Result<Lif, FileError> {
    let lif = Lif::new(needed(table, "tau_mem")?, needed(table, "tau_syn")?);
    let lif = lif.v_thresh(constant(table, "v_thresh", 1.0)?);
    let lif = lif.v_reset(constant(table, "v_reset", 0.0)?);
    Ok(lif.refractory(constant(table, "refractory", 0.0)?))
}

fn needed(table: &mut Fields<'_>, key: &'static str) -> Result<Constant, FileError> {
    numbers(&table.needed(key)?)
}

fn constant(table: &mut Fields<'_>, key: &'static str, other: f64) -> Result<Constant, FileError> {
    table
        .take(key)
        .map_or(Ok(Constant::Same(other)), |item| numbers(&item))
}

fn numbers(item: &Item<'_>) -> Result<Constant, FileError> {
    if item.is_list() {
        Ok(Constant::PerNeuron(item.numbers()?))
    } else {
        Ok(Constant::Same(item.number()?))
    }
}

fn trained(
    item: Item<'_>,
    name: &str,
    trainable: &[NeuronConstant],
) -> Result<Vec<Trained>, FileError> {
    let mut table = item.table(&format!("train of population {name}"))?;
    let mut trained = Vec::new();
    for &constant in trainable {
        if let Some(item) = table.take(constant.name()) {
            let least = item.number()?;
            trained.push(Trained { constant, least });
        }
    }
    table.end()?;
    Ok(trained)
}

fn projection(item: Item<'_>, names: &[String]) -> Result<ProjectionDescription, FileError> {
    let mut table = item.table("a projection")?;
    let source = end(&table.needed("source")?, names)?;
    let target = end(&table.needed("target")?, names)?;
    let owner = format!("projection {}->{}", names[source], names[target]);
    table.owner.clone_from(&owner);
    let pools = table.take("via").map(Item::list).transpose()?;
    let via = pools
        .into_iter()
        .flatten()
        .map(pool)
        .collect::<Result<_, _>>()?;
    let described = ProjectionDescription {
        source,
        target,
        via,
        pairs: table
            .take("wiring")
            .map_or(Ok(Pairs::Dense), |item| pairs(item, &owner))?,
        weights: init(table.needed("weights")?, "weights")?,
        delay: table
            .take("delay_ms")
            .map_or(Ok(Delay::NONE), |item| delay(item, &owner))?,
        frozen: !table.flag_or("train_weights", true)?,
        port: table.take("port").map(|item| item.text()).transpose()?,
    };
    table.end()?;
    Ok(described)
}

fn end(item: &Item<'_>, names: &[String]) -> Result<usize, FileError> {
    let name = item.text()?;
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let index = known.iter().position(|known| *known == name);
    index.ok_or_else(|| item.unknown(&name, &known))
}

fn pool(item: Item<'_>) -> Result<Pool, FileError> {
    let neither =
        item.expected("a table with the key sum or average and a window, such as { sum = [2, 2] }");
    let mut table = item.table("a pooling")?;
    let (sum, average) = (table.take("sum"), table.take("average"));
    let pool = match (sum, average) {
        (Some(window), None) => Pool {
            window: window.wholes(1)?,
            average: false,
        },
        (None, Some(window)) => Pool {
            window: window.wholes(1)?,
            average: true,
        },
        _ => return Err(neither),
    };
    table.end()?;
    Ok(pool)
}

fn pairs(item: Item<'_>, owner: &str) -> Result<Pairs, FileError> {
    const NAMES: [&str; 2] = ["dense", "one_to_one"];
    if !item.is_table() {
        let name = item.text()?;
        return match name.as_str() {
            "dense" => Ok(Pairs::Dense),
            "one_to_one" => Ok(Pairs::OneToOne),
            _ => Err(item.unknown(&name, &NAMES)),
        };
    }
    let wrong = item.expected("a table with one of the keys probability, fan_in, pairs and kernel");
    let mut table = item.table(&format!("wiring of {owner}"))?;
    let pairs = if table.has("probability") {
        Pairs::Probability(table.needed("probability")?.number()?)
    } else if table.has("fan_in") {
        Pairs::FanIn(table.needed("fan_in")?.whole(1)?)
    } else if table.has("pairs") {
        let list = table.needed("pairs")?.list()?;
        let pair = |item: Item<'_>| item.wholes::<2>(0).map(|[source, target]| (source, target));
        Pairs::Listed(list.into_iter().map(pair).collect::<Result<_, _>>()?)
    } else if table.has("kernel") {
        Pairs::Convolution(convolution(&mut table)?)
    } else {
        table.know(&["probability", "fan_in", "pairs", "kernel"]);
        table.end()?;
        return Err(wrong);
    };
    table.end()?;
    Ok(pairs)
}

fn convolution(table: &mut Fields<'_>) -> Result<Convolution, FileError> {
    let kernel = table.needed("kernel")?.wholes(1)?;
    let stride = table
        .take("stride")
        .map_or(Ok([1; 2]), |item| item.wholes(1))?;
    let padding = table
        .take("padding")
        .map_or(Ok([0; 2]), |item| item.wholes(0))?;
    let groups = table.take("groups").map_or(Ok(1), |item| item.whole(1))?;
    Ok(Convolution {
        kernel,
        stride,
        padding,
        groups,
    })
}

/// Initial weights or delays; `what` they are.
fn init(item: Item<'_>, what: &str) -> Result<Init, FileError> {
    if !item.is_table() {
        return Ok(Init::same(item.number()?));
    }
    let wrong = item
        .expected("a number, or a table with mean and std, low and high, gain and mean, or values");
    let mut table = item.table(what)?;
    let init = if table.has("values") {
        Init::Values(table.needed("values")?.numbers()?)
    } else if table.has("low") {
        let low = table.needed("low")?.number()?;
        Init::Uniform {
            low,
            high: table.needed("high")?.number()?,
        }
    } else if table.has("gain") {
        let gain = table.needed("gain")?.number()?;
        Init::FanIn {
            gain,
            mean: table.number_or("mean", 0.0)?,
        }
    } else if table.has("mean") {
        let mean = table.needed("mean")?.number()?;
        Init::Normal {
            mean,
            std: table.number_or("std", 0.0)?,
        }
    } else {
        table.know(&["mean", "std", "low", "high", "gain", "values"]);
        table.end()?;
        return Err(wrong);
    };
    table.end()?;
    Ok(init)
}

fn delay(item: Item<'_>, owner: &str) -> Result<Delay, FileError> {
    if !item.is_table() {
        return Ok(Delay::Constant(item.number()?));
    }
    let mut table = item.table(&format!("delay_ms of {owner}"))?;
    let delays = Delays {
        init: table
            .take("init")
            .map_or(Ok(Init::same(0.0)), |item| init(item, "init"))?,
        most_ms: table.needed("most")?.number()?,
        by: table.take("by").map_or(Ok(By::Synapse), |item| by(&item))?,
        trained: table.flag_or("train", true)?,
    };
    table.end()?;
    Ok(Delay::Each(delays))
}

fn by(item: &Item<'_>) -> Result<By, FileError> {
    let name = item.text()?;
    let all = [By::Projection, By::Source, By::Target, By::Synapse];
    By::named(&name).ok_or_else(|| item.unknown(&name, &all.map(By::name)))
}
