//! The examination of a network by one batch, and the changes that help.
//!
//! The network of the parameters, with fresh weights, solves one batch forwards and backwards. Layers that
//! are silent or saturated, gradients that vanish or explode on their way from the output, spikes that
//! graze the threshold and input spikes that get lost are named, and for each there is a remedy in the
//! parameters that the user would set: weights whose scale is found by trying, on the same batch.

use eventprop::loss::{Loss, Weighting};
use eventprop_params::Parameters;
use eventprop_params::value::Value;

use super::cure;
use super::look::{self, EXPLODING, SATURATED, SILENT};
use crate::data::{self, Source, Wanted};
use crate::run::error::RunError;
use crate::settings::Settings;

pub use super::look::{GradientFigures, LayerFigures, Look};

/// Smallest ratio, per weight, of a gradient before the hidden layers to one behind them.
const VANISHING: f64 = 1e-4;
/// The share of grazing spikes from which they are worth a word.
const GRAZING: f64 = 0.05;
/// The share of lost input spikes from which they are worth a word.
const LOST: f64 = 0.05;
/// The share of events that share step and channel with another one from which they are worth a word: a few per cent
/// are usual at steps of 1 ms.
const MERGED: f64 = 0.2;

/// Membrane time constants from which a trial is long.
const LONG: f64 = 5.0;

/// A problem of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Neurons do not spike.
    Silent,
    /// Neurons spike so often that single spikes do not matter.
    Saturated,
    /// Gradients grow on their way from the output.
    Exploding,
    /// Gradients get lost on their way from the output.
    Vanishing,
    /// A voltage, a loss or a gradient is not finite.
    NotFinite,
    /// Many spikes graze the threshold, where their time depends on the weights without bound.
    Grazing,
    /// Input spikes are lost.
    InputLost,
}

impl Problem {
    /// One word, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Saturated => "saturated",
            Self::Exploding => "exploding",
            Self::Vanishing => "vanishing",
            Self::NotFinite => "not_finite",
            Self::Grazing => "grazing",
            Self::InputLost => "input_lost",
        }
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Complaint {
    /// The problem.
    pub problem: Problem,
    /// Its place: a population or a projection.
    pub place: String,
    /// The finding and a remedy, in a sentence.
    pub text: String,
}

/// The result of the examination of a network by one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// The findings.
    pub look: Look,
    /// Spikes per neuron and sample that a cure aims at.
    pub target: f64,
    /// Spikes per neuron and sample above which a neuron is saturated.
    pub saturation: f64,
    /// Problems, in the order in which they should be cured.
    pub complaints: Vec<Complaint>,
    /// Parameters that would help.
    pub fix: Vec<(&'static str, Value)>,
    /// The findings with them.
    pub cured: Option<Look>,
    /// Strength of a spike-count regulariser that guides and does not rule.
    pub guiding_strength: Option<f64>,
    /// Notices for the user about the parameters and the data.
    pub notices: Vec<String>,
}

/// Examines a benchmark.
///
/// # Errors
/// [`RunError`] when the parameters make no network or there are no data; a network that cannot be solved
/// is a finding and no error.
pub fn examine(params: &Parameters, source: &Source) -> Result<Diagnosis, RunError> {
    let settings = Settings::new(params)?;
    let data = data::load(params, &settings, source, Wanted::Validated)?;
    let look = Look::new(params, &data)?;
    let target = target(params, &settings);
    let complaints = complaints(&look, &settings);
    let cure = cure::find(params, &data, (&look, target))?;
    let loss = about_the_loss(&settings);
    let notices = settings.notices.iter().chain(&data.notices).chain(&loss);
    Ok(Diagnosis {
        target,
        saturation: settings.saturation(),
        guiding_strength: look::guiding_strength(params, &data)?,
        complaints,
        cured: cure.as_ref().map(|cure| cure.look.clone()),
        fix: cure.map(|cure| cure.fix).unwrap_or_default(),
        notices: notices.cloned().collect(),
        look,
    })
}

/// The rate that a cure aims at: what the regulariser allows, and at most half of what saturates.
fn target(params: &Parameters, settings: &Settings) -> f64 {
    let most = settings.saturation() / 2.0;
    match params.float("NU_UPPER") {
        allowed if allowed > 0.0 => allowed.min(most),
        _ => most,
    }
}

/// What is known of losses that teach little in long trials (docs/training.md).
fn about_the_loss(settings: &Settings) -> Option<String> {
    let trial_ms = settings.clock.trial_ms();
    if trial_ms < LONG * settings.network.tau_mem {
        return None;
    }
    let delays = settings
        .binned
        .as_ref()
        .is_some_and(|binned| binned.delay_line.copies > 0);
    match settings.loss {
        Loss::Sum(Weighting::Flat) => Some(format!(
            "LOSS_TYPE=sum hardly teaches in a trial of {trial_ms} ms: a hidden spike adds the same to the time average of an output voltage whenever it comes, so moving it changes nothing; try LOSS_TYPE=sum_weigh_exp"
        )),
        Loss::Max if !delays => Some(format!(
            "LOSS_TYPE=max learns from one moment of a trial of {trial_ms} ms; try LOSS_TYPE=sum_weigh_exp, or delay lines that hold what came before (N_INPUT_DELAY)"
        )),
        _ => None,
    }
}

fn complaints(look: &Look, settings: &Settings) -> Vec<Complaint> {
    let mut all = Vec::new();
    let mut add = |problem, place: &str, text: String| {
        all.push(Complaint {
            problem,
            place: place.to_owned(),
            text,
        });
    };
    if look.input_lost() >= LOST {
        let text = format!(
            "{:.0} % of the input spikes never act: they come after the end of the trial; a longer TRIAL_MS or a shorter INPUT_MS keeps them",
            100.0 * look.input_lost()
        );
        add(Problem::InputLost, "input", text);
    }
    let [cut_off, merged] = look.lost.shares();
    if cut_off >= LOST {
        let text = format!(
            "{:.0} % of the spikes of the data come after the end of the trial or outside the channels and are cut off; a longer TRIAL_MS, a smaller RESCALE_T or another RESCALE_X keeps them",
            100.0 * cut_off
        );
        add(Problem::InputLost, "input", text);
    }
    if merged >= MERGED {
        let text = format!(
            "{:.0} % of the spikes of the data fall into the step and channel of another one and are one with it; MERGE_SPIKES=false counts each, a shorter DT_MS or a larger RESCALE_X keeps them apart",
            100.0 * merged
        );
        add(Problem::InputLost, "input", text);
    }
    if let Some(failure) = &look.failure {
        add(Problem::NotFinite, "network", failure.clone());
    }
    for layer in &look.layers {
        let keys = layer.keys;
        if layer.silent_share() >= SILENT {
            let text = format!(
                "{:.0} % of the neurons of {} do not spike at all; larger weights help ({keys}), REWIRE_SILENT=true, or a smaller LBD_UPPER",
                100.0 * layer.silent_share(),
                layer.name
            );
            add(Problem::Silent, &layer.name, text);
        }
        if layer.saturated_share() >= SATURATED && !layer.is_output() {
            let text = format!(
                "{:.0} % of the neurons of {} spike at least {:.1} times per sample, twice per TAU_SYN; smaller weights help ({keys}), or a larger LBD_UPPER",
                100.0 * layer.saturated_share(),
                layer.name,
                settings.saturation()
            );
            add(Problem::Saturated, &layer.name, text);
        }
        if layer.grazing_share() >= GRAZING {
            let text = format!(
                "{:.0} % of the spikes of {} only graze the threshold, and their gradients are huge; GRAZING=limit:0.01 bounds them",
                100.0 * layer.grazing_share(),
                layer.name
            );
            add(Problem::Grazing, &layer.name, text);
        }
    }
    gradient_complaints(look, settings, &mut add);
    all
}

fn gradient_complaints(
    look: &Look,
    settings: &Settings,
    add: &mut impl FnMut(Problem, &str, String),
) {
    for gradient in &look.gradients {
        let growth = gradient.growth;
        if growth > EXPLODING {
            let keys = if settings.network.described.is_some() {
                "smaller weights behind it help (the file of NETWORK)"
            } else if settings.network.recurrent {
                "smaller recurrent weights help (HIDDEN_HIDDEN_MEAN, HIDDEN_HIDDEN_STD)"
            } else {
                "smaller weights behind it help (HIDDEN_OUTPUT_MEAN, HIDDEN_OUTPUT_STD)"
            };
            let text = format!(
                "the gradient of {} is {growth:.0} times that at the output: it explodes on its way back; {keys}",
                gradient.name
            );
            add(Problem::Exploding, &gradient.name, text);
        } else if growth < VANISHING && look.failure.is_none() {
            let text = format!(
                "the gradient of {} is {growth:.0e} times that at the output: nothing is learned there; see to it that its layers spike",
                gradient.name
            );
            add(Problem::Vanishing, &gradient.name, text);
        }
    }
}
