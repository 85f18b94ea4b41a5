//! The weights that are written, loaded and tested; folds of a cross-validation.

use eventprop_params::value::Value;
use eventprop_params::{ParamError, Parameters};

/// The weights that are tested at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// Those of the epoch with the best validation accuracy (the first of several); of the last epoch
    /// when there is no validation set.
    Best,
    /// Those of the epoch with the best training accuracy (the first of several).
    BestTraining,
    /// Those of the last epoch.
    Last,
}

/// The use of the test samples in a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestUse {
    /// None (`FINAL_TEST=false`).
    Unseen,
    /// The chosen weights are tested at the end.
    AtTheEnd,
    /// They may choose the epoch, too (`SELECT_ON_TEST`).
    Selects,
}

/// The time at which the weights of the last epoch are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checkpoint {
    /// After every epoch.
    EveryEpoch,
    /// At the end of training.
    AtTheEnd,
}

/// Weights on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Of the last epoch.
    Last,
    /// Of the best epoch.
    Best,
}

impl Label {
    /// As it stands in the names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Best => "best",
        }
    }
}

/// Folds of a cross-validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folds {
    /// So many, dealt out at random.
    Random(usize),
    /// One for every speaker that is left out.
    Speakers,
}

/// LOAD_BEST comes after LOAD_LAST in `genn_eventprop`, so that it has the last word.
pub fn load(params: &Parameters) -> Option<Label> {
    if params.is_set("LOAD_BEST") {
        return Some(Label::Best);
    }
    params.is_set("LOAD_LAST").then_some(Label::Last)
}

pub fn checkpoint(params: &Parameters) -> Checkpoint {
    if params.has("CHECKPOINT") && !params.flag("CHECKPOINT") {
        Checkpoint::AtTheEnd
    } else {
        Checkpoint::EveryEpoch
    }
}

/// The use of the test samples.
pub fn test_use(params: &Parameters) -> TestUse {
    if !params.flag("FINAL_TEST") {
        TestUse::Unseen
    } else if params.is_set("SELECT_ON_TEST") {
        TestUse::Selects
    } else {
        TestUse::AtTheEnd
    }
}

pub fn select(params: &Parameters) -> Select {
    if params.has("CHECKPOINT_BEST") {
        return match params.text("CHECKPOINT_BEST").as_str() {
            "validation" => Select::Best,
            "training" => Select::BestTraining,
            _ => Select::Last,
        };
    }
    match params.text("SELECT").as_str() {
        "last" => Select::Last,
        _ => Select::Best,
    }
}

pub fn folds(params: &Parameters) -> Folds {
    match params.get("N_FOLDS") {
        Value::Int(folds) => Folds::Random(folds as usize),
        _ => Folds::Speakers,
    }
}

pub fn name(params: &Parameters) -> Result<String, ParamError> {
    checked_name(params, "NAME", params.text("NAME"))
}

fn checked_name(
    params: &Parameters,
    key: &'static str,
    name: String,
) -> Result<String, ParamError> {
    if name.is_empty() || name.contains(['/', '\\', '\0']) {
        let problem = "it begins the names of files";
        let way_out = "use letters, digits and _; OUT_DIR chooses the folder";
        return Err(params.refuse(key, problem, way_out));
    }
    Ok(name)
}

pub fn load_name(params: &Parameters) -> Result<String, ParamError> {
    const KEY: &str = "CHECKPOINT_NAME";
    if params.has(KEY)
        && let Value::Text(name) = params.get(KEY)
    {
        return checked_name(params, KEY, name);
    }
    Ok(params.text("NAME"))
}
