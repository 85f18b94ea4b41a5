//! How events of channels become inputs: grid, delay line, augmentation, split.

use eventprop_data::augment::Augmentation;

use crate::params::Parameters;
use crate::value::Value;

/// What a benchmark on binned spikes has beside the others.
#[derive(Debug, Clone, PartialEq)]
pub struct BinnedSettings {
    /// Factor on times (`RESCALE_T`).
    pub rescale_t: f64,
    /// Factor on channels (`RESCALE_X`).
    pub rescale_x: f64,
    /// The delayed copies of the input.
    pub delay_line: DelayLine,
    /// What is validated on.
    pub evaluation: Evaluation,
    /// Who is left out.
    pub speakers: SpeakersLeft,
    /// Augmentation of training samples, in order.
    pub augmentation: Vec<Augmentation>,
    /// Whether all samples are thinned to the spikes of the smallest training sample.
    pub normalise: bool,
    /// Whether training samples are balanced.
    pub balance_training: bool,
    /// Whether samples of evaluation are balanced.
    pub balance_evaluation: bool,
}

/// Delayed copies of the whole input, `[copy · channels + channel]`; copy 0 is undelayed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DelayLine {
    /// Copies beside the undelayed one (`N_INPUT_DELAY`).
    pub copies: usize,
    /// Delay from one to the next in ms (`INPUT_DELAY`).
    pub step_ms: f64,
}

/// What is validated on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evaluation {
    /// Samples drawn from the training file.
    Random,
    /// All samples of one speaker of the training file.
    Speaker,
    /// The validation file.
    ValidationSet,
}

/// Speakers that are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpeakersLeft {
    /// Every one in turn.
    All,
    /// Those at these places of the ascending list of speakers.
    Listed(Vec<usize>),
}

/// The settings of a benchmark on binned spikes.
pub(super) fn binned(params: &Parameters) -> BinnedSettings {
    let (augmentation, normalise) = augmentation(params);
    BinnedSettings {
        rescale_t: params.float("RESCALE_T"),
        rescale_x: params.float("RESCALE_X"),
        delay_line: DelayLine {
            copies: params.count("N_INPUT_DELAY"),
            step_ms: params.float("INPUT_DELAY"),
        },
        evaluation: match params.text("EVALUATION").as_str() {
            "speaker" => Evaluation::Speaker,
            "validation_set" => Evaluation::ValidationSet,
            _ => Evaluation::Random,
        },
        speakers: speakers(params),
        augmentation,
        normalise,
        balance_training: params.flag("BALANCE_TRAIN_CLASSES"),
        balance_evaluation: params.flag("BALANCE_EVAL_CLASSES"),
    }
}

fn speakers(params: &Parameters) -> SpeakersLeft {
    let place = |value: &Value| match value {
        Value::Int(place) => *place as usize,
        other => panic!("SPEAKER_LEFT holds {other}"),
    };
    match params.get("SPEAKER_LEFT") {
        Value::List(places) => SpeakersLeft::Listed(places.iter().map(place).collect()),
        one @ Value::Int(_) => SpeakersLeft::Listed(vec![place(&one)]),
        _ => SpeakersLeft::All,
    }
}

/// The entries of AUGMENTATION in their order, and whether numbers of spikes are normalised.
fn augmentation(params: &Parameters) -> (Vec<Augmentation>, bool) {
    let Value::Table(table) = params.get("AUGMENTATION") else {
        panic!("AUGMENTATION is a table");
    };
    let (mut entries, mut normalise) = (Vec::new(), false);
    for (name, value) in &table {
        entries.push(match name.as_str() {
            "random_shift" => Augmentation::RandomShift {
                channels: number(value),
            },
            "random_dilate" => {
                let factors = numbers(value);
                Augmentation::RandomDilate {
                    least: factors[0],
                    most: factors[1],
                }
            }
            "ID_jitter" => Augmentation::IdJitter {
                channels: number(value),
            },
            "blend" => Augmentation::Blend {
                keep: numbers(value),
            },
            _ => {
                normalise = *value == Value::Bool(true);
                continue;
            }
        });
    }
    (entries, normalise)
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Int(int) => *int as f64,
        Value::Float(float) => *float,
        other => panic!("the table of AUGMENTATION accepted {other}"),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::List(items) => items.iter().map(number).collect(),
        other => panic!("the table of AUGMENTATION accepted {other}"),
    }
}
