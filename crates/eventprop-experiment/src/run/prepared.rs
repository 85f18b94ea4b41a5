//! A run whose parameters are understood, whose data are loaded and whose folder is there.

use eventprop_params::picture::Draw;
use serde_json::Value as Json;

use super::checkpoints::Resumed;
use super::error::RunError;
use super::progress::Started;
use super::report::Summary;
use crate::data::{Data, Source};
use crate::outputs::Outputs;
use crate::settings::{Command, Select, Settings, TestUse};

/// A run that is ready to go: parameters understood, data loaded, folder made.
pub struct Prepared<'a> {
    pub command: Command,
    pub settings: &'a Settings,
    pub data: &'a Data,
    pub source: &'a Source,
    pub outputs: &'a Outputs,
    /// The parameters, as in `NAME.json`.
    pub parameters: Json,
    /// The fingerprint of the data.
    pub fingerprint: String,
    /// Draws the pictures.
    pub draw: Draw,
    /// The checkpoint to resume from.
    pub resumed: Option<&'a Resumed>,
}

impl Prepared<'_> {
    /// Writes `NAME.json`; of a resumed run, after its checkpoint was found to fit.
    pub fn write_parameters(&self) -> Result<(), RunError> {
        let path = self.outputs.parameters();
        Ok(self.outputs.write_json(&path, &self.parameters)?)
    }

    /// True if the samples that are tested choose the epoch.
    pub fn selects_on_test(&self) -> bool {
        let tested = matches!(self.command, Command::TrainTest | Command::CrossValidate);
        tested && self.settings.test_use == TestUse::Selects && self.settings.select == Select::Best
    }

    /// The description of the run that is about to start.
    pub fn started(&self) -> Started<'_> {
        let hidden = self.settings.network.hidden.iter();
        let sizes = std::iter::once(&self.data.inputs).chain(hidden);
        let sizes = sizes.chain([&self.data.classes]).map(usize::to_string);
        let runs = match self.command {
            Command::Test => 0,
            Command::Train | Command::TrainTest => 1,
            Command::CrossValidate => self.data.folds.len(),
        };
        Started {
            benchmark: self.settings.benchmark,
            name: &self.settings.name,
            network: sizes.collect::<Vec<_>>().join("-"),
            solver: self.settings.solver,
            loss: self.settings.loss.name(),
            seeds: self.settings.seeds.used_by(self.command),
            samples: [
                self.data.training(0).len(),
                self.data.validation.len(),
                self.data.test.len(),
            ],
            epochs: runs * self.settings.epochs,
            epochs_done: self.resumed.map_or(0, |Resumed { state, .. }| {
                state.training.folds.len() * self.settings.epochs + state.training.epoch
            }),
            folder: self.outputs.folder(),
        }
    }

    /// A summary without results.
    pub fn summary(&self) -> Summary {
        Summary {
            benchmark: self.settings.benchmark,
            command: self.command.name(),
            epochs: 0,
            seconds: 0.0,
            samples_per_second: None,
            train: None,
            validation: None,
            selected_epoch: None,
            test: None,
            folds: Vec::new(),
            held_out: Vec::new(),
            selected_on_test: self.selects_on_test(),
            out_dir: self.outputs.folder().to_owned(),
            seeds: self.settings.seeds.used_by(self.command),
            cancelled: false,
            demonstration: self.data.demonstration,
            files: Vec::new(),
        }
    }
}
