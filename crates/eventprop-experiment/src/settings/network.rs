//! Neurons, initial weights, and what of them is trained.

use eventprop::connect::{By, Delay, Delays};
use eventprop::network::Init;
use eventprop_params::value::Value;
use eventprop_params::{ParamError, Parameters};

/// Neurons and initial weights.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSettings {
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
    /// Threshold.
    pub v_thresh: f64,
    /// Reset potential.
    pub v_reset: f64,
    /// Delays.
    pub delays: DelaySettings,
    /// Initial weights from the input.
    pub input_hidden: Normal,
    /// Initial weights to the output.
    pub hidden_output: Normal,
    /// Initial recurrent weights.
    pub hidden_hidden: Normal,
    /// Initial weights between hidden layers.
    pub hidden_forward: Normal,
    /// True if weights into hidden neurons are trained.
    pub train_weights: bool,
    /// True if weights into outputs are trained.
    pub train_output_weights: bool,
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

/// A normal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normal {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub std: f64,
}

/// The settings of the network.
pub(super) fn network(params: &Parameters) -> Result<NetworkSettings, ParamError> {
    let normal = |mean, std| Normal {
        mean: params.float(mean),
        std: params.float(std),
    };
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
    let settings = NetworkSettings {
        hidden: hidden_sizes(params)?,
        recurrent: params.flag("RECURRENT"),
        tau_mem: params.float("TAU_MEM"),
        tau_mem_output: tau_mem_output(params),
        tau_syn: params.float("TAU_SYN"),
        tau_least: tau_least(params),
        hidden_taus: taus(params, "HIDDEN_NEURON_TYPE", "TRAIN_TAU"),
        output_taus: taus(params, "OUTPUT_NEURON_TYPE", "TRAIN_TAU_OUTPUT"),
        adaptation: adaptation(params),
        v_thresh,
        v_reset,
        delays: delays(params)?,
        input_hidden: normal("INPUT_HIDDEN_MEAN", "INPUT_HIDDEN_STD"),
        hidden_output: normal("HIDDEN_OUTPUT_MEAN", "HIDDEN_OUTPUT_STD"),
        hidden_hidden: normal("HIDDEN_HIDDEN_MEAN", "HIDDEN_HIDDEN_STD"),
        hidden_forward: normal("HIDDEN_HIDDENFWD_MEAN", "HIDDEN_HIDDENFWD_STD"),
        train_weights: !params.has("TRAIN_W") || params.flag("TRAIN_W"),
        train_output_weights: !params.has("TRAIN_W_OUTPUT") || params.flag("TRAIN_W_OUTPUT"),
    };
    check_least(params, &settings)?;
    Ok(settings)
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
