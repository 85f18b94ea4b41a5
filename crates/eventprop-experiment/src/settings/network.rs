//! Neurons, connections, and what of them is trained.

use std::sync::Arc;

use eventprop::connect::{By, Delay, Delays};
use eventprop::network::{Clock, Equations, Init};
use eventprop_params::value::Value;
use eventprop_params::{Benchmark, Pairs, ParamError, Parameters};

use super::layer_names::{LayerNames, NetworkNames};
use super::network_file::{self, described};
use super::neuron_model::neuron_model;
use crate::description::{NetworkDescription, ProjectionDescription};

/// Neurons and connections.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSettings {
    /// The network of a file (`NETWORK`), if there is one; all else that follows is then without effect but the sizes of
    /// the hidden layers.
    pub described: Option<Arc<NetworkDescription>>,
    /// Sizes of the hidden layers, at least one.
    pub hidden: Vec<usize>,
    /// True if hidden layers project to themselves.
    pub recurrent: bool,
    /// Membrane time constant of hidden neurons in ms.
    pub tau_mem: f64,
    /// Membrane time constant of outputs in ms.
    pub tau_mem_output: f64,
    /// Synaptic time constant in ms.
    pub tau_syn: f64,
    /// Least time constants that are drawn or trained, of membranes and synapses, in ms.
    pub tau_least: (f64, f64),
    /// Time constants of hidden neurons.
    pub hidden_taus: Taus,
    /// Time constants of outputs.
    pub output_taus: Taus,
    /// Adaptation of the thresholds of hidden neurons, if any.
    pub adaptation: Option<AdaptationSettings>,
    /// The model of hidden neurons, where it is given as equations.
    pub equations: Option<Box<Equations>>,
    /// Threshold.
    pub v_thresh: f64,
    /// Reset potential.
    pub v_reset: f64,
    /// Refractory time of hidden neurons in ms.
    pub refractory: f64,
    /// Delays.
    pub delays: DelaySettings,
    /// Pairs and initial weights from the input.
    pub input_hidden: Connection,
    /// Those to the output.
    pub hidden_output: Connection,
    /// Those of hidden layers to themselves.
    pub hidden_hidden: Connection,
    /// Those between hidden layers.
    pub hidden_forward: Connection,
    /// True if weights into hidden neurons are trained.
    pub train_weights: bool,
    /// True if weights into outputs are trained.
    pub train_output_weights: bool,
}

impl NetworkSettings {
    /// Names of populations and projections in the order of their ids.
    pub fn names(&self, benchmark: Benchmark) -> NetworkNames {
        match &self.described {
            Some(described) => NetworkNames::of(described),
            None => NetworkNames {
                populations: LayerNames::new(benchmark, self.hidden.len()).populations(),
                projections: LayerNames::new(benchmark, self.hidden.len())
                    .projections(self.recurrent),
                adapting: match self.adaptation {
                    Some(_) => (1..=self.hidden.len()).collect(),
                    None => Vec::new(),
                },
            },
        }
    }

    /// The shortest τ_syn of a hidden layer in ms.
    pub fn hidden_tau_syn(&self) -> f64 {
        let Some(described) = &self.described else {
            return self.tau_syn;
        };
        described.shortest_tau_syn()
    }

    /// True if there is a sparse projection whose weights are trained.
    pub fn can_be_rewired(&self) -> bool {
        if let Some(described) = &self.described {
            let mut projections = described.projections.iter();
            return projections.any(ProjectionDescription::can_be_rewired);
        }
        let between = self.hidden.len() > 1;
        let is_sparse = |connection: Connection| connection.pairs != Pairs::All;
        self.train_weights && is_sparse(self.input_hidden)
            || self.train_weights && between && is_sparse(self.hidden_forward)
            || self.train_weights && self.recurrent && is_sparse(self.hidden_hidden)
            || self.train_output_weights && is_sparse(self.hidden_output)
    }
}

/// Time constants of the neurons of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taus {
    /// True if every neuron has its own, drawn at random.
    pub drawn: bool,
    /// True if they are trained.
    pub trained: bool,
}

impl Taus {
    /// True if neurons of a layer come to differ, so that their constants belong to the weights on the
    /// disk.
    pub fn differ(self) -> bool {
        self.drawn || self.trained
    }
}

/// Constants of an adapting threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptationSettings {
    /// τ_B in ms.
    pub tau_b: f64,
    /// Rise of the threshold at a spike.
    pub b_incr: f64,
    /// Its initial value.
    pub b_init: f64,
}

/// Delays of spikes.
#[derive(Debug, Clone, PartialEq)]
pub struct DelaySettings {
    /// The delay of projections that have one.
    pub delay: Delay,
    /// Those projections.
    pub projections: DelayedProjections,
}

/// Projections with delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DelayedProjections {
    /// All of them.
    All,
    /// Those from the input.
    Input,
    /// Those from layer to layer.
    Forward,
    /// Those of hidden layers to themselves.
    Recurrent,
}

impl DelaySettings {
    /// The delay of a projection from layer `source` to layer `target`, where the input is layer 0.
    pub fn between(&self, source: usize, target: usize) -> Delay {
        let has_delays = match self.projections {
            DelayedProjections::All => true,
            DelayedProjections::Input => source == 0,
            DelayedProjections::Forward => source != target,
            DelayedProjections::Recurrent => source == target,
        };
        if has_delays {
            self.delay.clone()
        } else {
            Delay::NONE
        }
    }
}

/// Connections between two layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Connection {
    /// The pairs of neurons that are connected.
    pub pairs: Pairs,
    /// Initial weights.
    pub weights: Normal,
}

/// A normal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normal {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub std: f64,
}

/// The settings of the network.
pub(super) fn network(params: &Parameters, clock: Clock) -> Result<NetworkSettings, ParamError> {
    let described = described(params, clock)?;
    let (v_thresh, v_reset) = potentials(params)?;
    let equations = equations(params)?;
    let settings = NetworkSettings {
        hidden: match &described {
            Some(described) => described.hidden_sizes(),
            None => hidden_sizes(params)?,
        },
        recurrent: described.is_none() && params.flag("RECURRENT"),
        tau_mem: params.float("TAU_MEM"),
        tau_mem_output: tau_mem_output(params),
        tau_syn: params.float("TAU_SYN"),
        tau_least: tau_least(params),
        hidden_taus: taus(params, "HIDDEN_NEURON_TYPE", "TRAIN_TAU"),
        output_taus: taus(params, "OUTPUT_NEURON_TYPE", "TRAIN_TAU_OUTPUT"),
        adaptation: adaptation(params),
        refractory: refractory(params, clock, equations.is_none())?,
        equations,
        v_thresh,
        v_reset,
        delays: delays(params)?,
        input_hidden: connection(
            params,
            [
                "INPUT_HIDDEN_WIRING",
                "INPUT_HIDDEN_MEAN",
                "INPUT_HIDDEN_STD",
            ],
        ),
        hidden_output: connection(
            params,
            [
                "HIDDEN_OUTPUT_WIRING",
                "HIDDEN_OUTPUT_MEAN",
                "HIDDEN_OUTPUT_STD",
            ],
        ),
        hidden_hidden: connection(
            params,
            [
                "HIDDEN_HIDDEN_WIRING",
                "HIDDEN_HIDDEN_MEAN",
                "HIDDEN_HIDDEN_STD",
            ],
        ),
        hidden_forward: connection(
            params,
            [
                "HIDDEN_HIDDENFWD_WIRING",
                "HIDDEN_HIDDENFWD_MEAN",
                "HIDDEN_HIDDENFWD_STD",
            ],
        ),
        train_weights: !params.has("TRAIN_W") || params.flag("TRAIN_W"),
        train_output_weights: !params.has("TRAIN_W_OUTPUT") || params.flag("TRAIN_W_OUTPUT"),
        described,
    };
    check_least(params, &settings)?;
    Ok(settings)
}

/// True for data of the user's own whose weights nobody chose.
pub(super) fn calibrates(params: &Parameters) -> bool {
    const CHOSEN: [&str; 9] = [
        "NETWORK",
        "INPUT_HIDDEN_MEAN",
        "INPUT_HIDDEN_STD",
        "HIDDEN_OUTPUT_MEAN",
        "HIDDEN_OUTPUT_STD",
        "HIDDEN_HIDDEN_MEAN",
        "HIDDEN_HIDDEN_STD",
        "HIDDEN_HIDDENFWD_MEAN",
        "HIDDEN_HIDDENFWD_STD",
    ];
    let chosen = |key: &&str| params.is_changed(key);
    params.benchmark() == Benchmark::Custom && !CHOSEN.iter().any(chosen)
}

fn connection(params: &Parameters, [pairs, mean, std]: [&'static str; 3]) -> Connection {
    let pairs = Pairs::named(&params.text(pairs));
    Connection {
        pairs: pairs.expect("the table accepts wirings only"),
        weights: Normal {
            mean: params.float(mean),
            std: params.float(std),
        },
    }
}

fn delays(params: &Parameters) -> Result<DelaySettings, ParamError> {
    let (low, spread) = (params.float("DELAY"), params.float("DELAY_SPREAD"));
    let (high, trained) = (low + spread, params.flag("TRAIN_DELAY"));
    let trial_ms = params.float("TRIAL_MS");
    if high >= trial_ms {
        let problem =
            format!("spikes would be {high:?} ms on their way, in a trial of {trial_ms:?} ms");
        let way_out = "lower DELAY or DELAY_SPREAD, or raise TRIAL_MS";
        return Err(params.refuse("DELAY", problem, way_out));
    }
    let most_ms = match params.get("DELAY_MAX_MS") {
        Value::Float(most) if most < high => {
            let problem = format!("DELAY + DELAY_SPREAD = {high:?} ms is above it");
            let way_out = "raise DELAY_MAX_MS, or start from shorter delays";
            return Err(params.refuse("DELAY_MAX_MS", problem, way_out));
        }
        Value::Float(most) if most >= trial_ms => {
            let problem = format!("a trial has {trial_ms:?} ms, and later arrivals do nothing");
            let way_out = "choose a longest delay below TRIAL_MS";
            return Err(params.refuse("DELAY_MAX_MS", problem, way_out));
        }
        Value::Float(most) => most,
        _ => high.max(trial_ms / 5.0),
    };
    let delay = if trained || spread > 0.0 {
        Delay::Each(Delays {
            by: By::named(&params.text("DELAY_BY")).expect("the table lists kinds of delays"),
            init: Init::Uniform { low, high },
            most_ms,
            trained,
        })
    } else {
        Delay::Constant(low)
    };
    let projections = match params.text("DELAY_PROJECTIONS").as_str() {
        "input" => DelayedProjections::Input,
        "forward" => DelayedProjections::Forward,
        "recurrent" => DelayedProjections::Recurrent,
        _ => DelayedProjections::All,
    };
    Ok(DelaySettings { delay, projections })
}

/// Outputs have the time constant of hidden neurons where they have none of their own.
fn tau_mem_output(params: &Parameters) -> f64 {
    const KEY: &str = "TAU_MEM_OUTPUT";
    match params.has(KEY).then(|| params.get(KEY)) {
        Some(Value::Float(tau)) => tau,
        _ => params.float("TAU_MEM"),
    }
}

fn tau_least(params: &Parameters) -> (f64, f64) {
    if params.has("MIN_TAU_M") {
        (params.float("MIN_TAU_M"), params.float("MIN_TAU_SYN"))
    } else {
        (0.0, 0.0)
    }
}

fn taus(params: &Parameters, neurons: &str, trained: &str) -> Taus {
    Taus {
        drawn: params.has(neurons) && params.text(neurons).starts_with("het"),
        trained: params.is_set(trained),
    }
}

fn adaptation(params: &Parameters) -> Option<AdaptationSettings> {
    let adapts = params.has("HIDDEN_NEURON_TYPE") && params.text("HIDDEN_NEURON_TYPE") == "ALIF";
    adapts.then(|| AdaptationSettings {
        tau_b: params.float("TAU_B"),
        b_incr: params.float("B_INCR"),
        b_init: params.float("B_INIT"),
    })
}

/// Hidden neurons from equations.
pub(super) fn equations(params: &Parameters) -> Result<Option<Box<Equations>>, ParamError> {
    const KEY: &str = "HIDDEN_NEURON_TYPE";
    if !params.has(KEY) {
        return Ok(None);
    }
    let name = params.text(KEY);
    if ["LIF", "hetLIF", "ALIF"].contains(&name.as_str()) {
        return Ok(None);
    }
    let model = neuron_model(&name);
    let model = model.map_err(|error| network_file::refuse_neurons(params, &error))?;
    let name = model.name().to_owned();
    if !model.spikes() {
        let way_out = "hidden neurons must spike: give the model spike and reset";
        return Err(params.refuse(KEY, format!("the model {name} never spikes"), way_out));
    }
    let mut equations = Equations::new(model);
    for (key, parameter) in [
        ("TAU_MEM", "tau_mem"),
        ("TAU_SYN", "tau_syn"),
        ("V_THRESH", "v_thresh"),
        ("V_RESET", "v_reset"),
        ("REFRACTORY_MS", "t_ref"),
    ] {
        if params.is_changed(key) {
            let changed = equations.clone().with(parameter, params.float(key));
            if changed.is_none() && parameter == "t_ref" {
                let problem = format!("the model {name} has no parameter t_ref, which it sets");
                let way_out =
                    "choose a model that has one, such as lif_refractory, or leave it out";
                return Err(params.refuse(key, problem, way_out));
            }
            equations = changed.unwrap_or(equations);
        }
    }
    Ok(Some(Box::new(equations)))
}

/// V_THRESH and V_RESET.
fn potentials(params: &Parameters) -> Result<(f64, f64), ParamError> {
    let (v_thresh, v_reset) = (params.float("V_THRESH"), params.float("V_RESET"));
    // The grid solver computes in single precision.
    if v_reset as f32 >= v_thresh as f32 {
        let here = if v_reset < v_thresh {
            " in single precision"
        } else {
            ""
        };
        let problem = format!("V_THRESH={v_thresh:?} is not above it{here}");
        let way_out = "choose a reset potential below the threshold";
        return Err(params.refuse("V_RESET", problem, way_out));
    }
    Ok((v_thresh, v_reset))
}

/// The refractory time of hidden neurons.
fn refractory(params: &Parameters, clock: Clock, built_in: bool) -> Result<f64, ParamError> {
    const KEY: &str = "REFRACTORY_MS";
    let (refractory, dt) = (params.float(KEY), clock.dt_ms());
    let steps = refractory / dt;
    // A quotient of decimals is whole but for a few roundings.
    let whole = (steps - steps.round()).abs() <= 1e-9 * steps.max(1.0);
    if !whole && built_in && params.text("SOLVER") == "grid" {
        let problem = format!("it is {steps} steps of DT_MS={dt:?}, and the grid needs whole ones");
        let way_out = "change it or DT_MS, or choose SOLVER=event";
        return Err(params.refuse(KEY, problem, way_out));
    }
    Ok(refractory)
}

/// A time constant may not start below what training may give it, nor may the range that it is drawn
/// from be empty.
fn check_least(params: &Parameters, settings: &NetworkSettings) -> Result<(), ParamError> {
    let (hidden, output) = (settings.hidden_taus.differ(), settings.output_taus.differ());
    let (mem, syn) = settings.tau_least;
    let of_output = if params.has("TAU_MEM_OUTPUT") {
        "TAU_MEM_OUTPUT"
    } else {
        "TAU_MEM"
    };
    for (differ, key, least, of, tau) in [
        (hidden, "MIN_TAU_M", mem, "TAU_MEM", settings.tau_mem),
        (output, "MIN_TAU_M", mem, of_output, settings.tau_mem_output),
        (
            hidden || output,
            "MIN_TAU_SYN",
            syn,
            "TAU_SYN",
            settings.tau_syn,
        ),
    ] {
        if differ && least > tau {
            let problem =
                format!("{of}={tau:?} is below it, and time constants are drawn or trained");
            let way_out = format!("lower {key} or raise {of}");
            return Err(params.refuse(key, problem, way_out));
        }
    }
    Ok(())
}

fn hidden_sizes(params: &Parameters) -> Result<Vec<usize>, ParamError> {
    let layers = params.count("N_HID_LAYER");
    let size = |value: &Value| match value {
        Value::Int(int) => *int as usize,
        other => panic!("NUM_HIDDEN holds {other}"),
    };
    match params.get("NUM_HIDDEN") {
        Value::List(sizes) if params.is_given("N_HID_LAYER") && sizes.len() != layers => {
            let problem = format!("NUM_HIDDEN lists {} layers", sizes.len());
            let way_out = "leave N_HID_LAYER out, or give NUM_HIDDEN as one number";
            Err(params.refuse("N_HID_LAYER", problem, way_out))
        }
        Value::List(sizes) => Ok(sizes.iter().map(size).collect()),
        one => Ok(vec![size(&one); layers]),
    }
}
