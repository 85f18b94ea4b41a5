//! The commands of a run.

use std::str::FromStr;

/// The command of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Trains with a validation part; tests the chosen weights at the end.
    Train,
    /// Tests weights of an earlier run.
    Test,
    /// Trains on training and validation part together; tests the last weights at the end.
    TrainTest,
    /// Trains on all folds but one and evaluates on that one, for every fold.
    CrossValidate,
}

impl Command {
    /// The name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
            Self::TrainTest => "train_test",
            Self::CrossValidate => "xval",
        }
    }
}

impl FromStr for Command {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [
            Self::Train,
            Self::Test,
            Self::TrainTest,
            Self::CrossValidate,
        ];
        let known = all.into_iter().find(|command| command.name() == name);
        known.ok_or_else(|| format!("{name:?} is none of train, test, train_test, xval"))
    }
}
