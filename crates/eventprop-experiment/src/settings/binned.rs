//! Events of channels as inputs: grid, delay line, augmentation, split.

use eventprop_data::augment::{Augmentation, Grid};
use eventprop_data::binned::Repeats;

use eventprop_params::value::Value;
use eventprop_params::{ParamError, Parameters};

/// Settings of the benchmarks on binned spikes.
#[derive(Debug, Clone, PartialEq)]
pub struct BinnedSettings {
    /// Factor on times (`RESCALE_T`).
    pub rescale_t: f64,
    /// Factor on channels (`RESCALE_X`).
    pub rescale_x: f64,
    /// Treatment of several spikes of a channel in one step (`MERGE_SPIKES`).
    pub repeats: Repeats,
    /// The delayed copies of the input.
    pub delay_line: DelayLine,
    /// The samples for validation.
    pub evaluation: Evaluation,
    /// The speakers left out.
    pub speakers: SpeakersLeft,
    /// True if all samples are thinned to the spikes of the smallest training sample.
    pub normalise: bool,
    /// True if training samples are balanced.
    pub balance_training: bool,
    /// True if samples of evaluation are balanced.
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

/// The samples for validation.
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
    BinnedSettings {
        rescale_t: params.float("RESCALE_T"),
        rescale_x: if params.has("RESCALE_X") {
            params.float("RESCALE_X")
        } else {
            1.0
        },
        repeats: if params.flag("MERGE_SPIKES") {
            Repeats::Merge
        } else {
            Repeats::Count
        },
        delay_line: DelayLine {
            copies: params.count("N_INPUT_DELAY"),
            step_ms: params.float("INPUT_DELAY"),
        },
        evaluation: evaluation(params),
        speakers: if params.has("SPEAKER_LEFT") {
            speakers(params)
        } else {
            SpeakersLeft::All
        },
        normalise: normalises(params),
        balance_training: params.flag("BALANCE_TRAIN_CLASSES"),
        balance_evaluation: params.flag("BALANCE_EVAL_CLASSES"),
    }
}

fn evaluation(params: &Parameters) -> Evaluation {
    if !params.has("EVALUATION") {
        return Evaluation::Random;
    }
    match params.text("EVALUATION").as_str() {
        "speaker" => Evaluation::Speaker,
        "validation_set" => Evaluation::ValidationSet,
        _ => Evaluation::Random,
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

fn table(params: &Parameters) -> Vec<(String, Value)> {
    match params.get("AUGMENTATION") {
        Value::Table(table) => table,
        other => panic!("AUGMENTATION is {other}"),
    }
}

fn normalises(params: &Parameters) -> bool {
    let entry = ("NORMALISE_SPIKE_NUMBER".to_owned(), Value::Bool(true));
    table(params).contains(&entry)
}

/// The pixels behind the channels, and what mirroring them does to classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// The layout of channels.
    pub grid: Grid,
    /// Class of the mirror image, by class; empty when it is the same.
    pub mirrored: Vec<u16>,
}

/// Augmentation of training samples, in the order of AUGMENTATION; `pixels` where channels are those of
/// a camera.
///
/// # Errors
/// [`ParamError::Combination`] for pixels that are not there and for `flip_x` before `blend`.
pub fn augmentation(
    params: &Parameters,
    dt_ms: f64,
    pixels: Option<&Pixels>,
) -> Result<Vec<Augmentation>, ParamError> {
    let refuse = |problem: &str, way_out: &str| params.refuse("AUGMENTATION", problem, way_out);
    let pixels = |name: &str| {
        pixels.ok_or_else(|| {
            let problem = format!("{name} moves pixels, and the channels of this set are none");
            refuse(&problem, "use random_shift, or leave it out")
        })
    };
    let mut entries = Vec::new();
    for (name, value) in &table(params) {
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
            "shift_xy" => Augmentation::ShiftXy {
                pixels: number(value),
                grid: pixels(name)?.grid,
            },
            "flip_x" => {
                let Pixels { grid, mirrored } = pixels(name)?.clone();
                Augmentation::FlipX {
                    probability: number(value),
                    grid,
                    classes: mirrored,
                }
            }
            "time_jitter" => Augmentation::TimeJitter {
                steps: number(value) / dt_ms,
            },
            "event_drop" => Augmentation::EventDrop {
                most: number(value),
            },
            "blend" => Augmentation::Blend {
                keep: numbers(value),
            },
            _ => continue,
        });
    }
    let place = |of: fn(&Augmentation) -> bool| entries.iter().position(of);
    let flip = place(|e| matches!(e, Augmentation::FlipX { .. }));
    let blend = place(|e| matches!(e, Augmentation::Blend { .. }));
    match (flip, blend) {
        (Some(flip), Some(blend)) if flip < blend => Err(refuse(
            "a mirrored sample may be of another class, so samples that are blended must not be mirrored before",
            "list flip_x behind blend",
        )),
        _ => Ok(entries),
    }
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
