//! The seeds of a run.

use super::command::Command;

/// Seeds from 0 to 2³² − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seeds {
    /// `MODEL_SEED`
    pub model: u32,
    /// `TRAIN_DATA_SEED`
    pub train_data: u32,
    /// `TEST_DATA_SEED`
    pub test_data: u32,
}

impl Seeds {
    /// The keys of the seeds that a command uses, and their values: a test draws no weights and shuffles
    /// nothing.
    pub fn used_by(self, command: Command) -> Vec<(&'static str, u32)> {
        let test = ("TEST_DATA_SEED", self.test_data);
        if command == Command::Test {
            return vec![test];
        }
        let (model, train) = (self.model, self.train_data);
        vec![("MODEL_SEED", model), ("TRAIN_DATA_SEED", train), test]
    }
}
