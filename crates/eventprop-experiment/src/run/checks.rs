//! Refuses commands that make no sense, or that select on the test set without being asked to.

use eventprop_params::{ParamError, Parameters};

use crate::settings::{Command, Label, Select, Settings, TestUse};

/// Refuses what a command cannot do or must not do unasked.
pub fn check(command: Command, params: &Parameters, settings: &Settings) -> Result<(), ParamError> {
    let refuse = |key, problem: &str, way_out: &str| Err(params.refuse(key, problem, way_out));
    let held_out_chooses = settings.benchmark.is_binned()
        && settings.select == Select::Best
        && settings.test_use != TestUse::Selects;
    if let Err(error) = settings.device.check() {
        return refuse("DEVICE", &error.problem, error.way_out);
    }
    match command {
        Command::Test | Command::TrainTest if settings.test_use == TestUse::Unseen => refuse(
            "FINAL_TEST",
            &format!("{} is for the test", command.name()),
            "leave it out, or use train",
        ),
        Command::TrainTest | Command::CrossValidate if held_out_chooses => refuse(
            "CHECKPOINT_BEST",
            "the samples that would choose the epoch are those that are tested",
            "choose by training, or allow it with SELECT_ON_TEST=true",
        ),
        Command::CrossValidate if settings.load.is_some() => refuse(
            match settings.load {
                Some(Label::Best) => "LOAD_BEST",
                _ => "LOAD_LAST",
            },
            "weights that have seen the samples of a fold cannot be validated on it",
            "leave it out: every fold starts from new weights",
        ),
        _ => Ok(()),
    }
}
