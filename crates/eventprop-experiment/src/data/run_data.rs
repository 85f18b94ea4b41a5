//! The data of a run: three parts that share no sample, or folds.

use std::borrow::Cow;
use std::sync::Arc;

use eventprop_data::binned::Lost;
use eventprop_params::value::Value;
use eventprop_params::{ParamError, Parameters};

use super::part::Part;
use super::source::Wanted;
use super::variation::Variation;
use crate::settings::{Folds, Settings};

/// One fold of a cross-validation.
#[derive(Debug, Clone)]
pub struct Fold {
    /// Name of the samples held out, such as `speaker 3`.
    pub name: String,
    /// A number that belongs to what is held out, under which weights and draws are made: a fold does
    /// not depend on which others there are.
    pub id: u64,
    /// For training.
    pub train: Part,
    /// The samples held out.
    pub held_out: Part,
}

/// Training, validation and test samples of a benchmark.
#[derive(Debug, Clone)]
pub struct Data {
    /// Input neurons.
    pub inputs: usize,
    /// Classes.
    pub classes: usize,
    /// Their names; empty when they only have numbers.
    pub class_names: Vec<String>,
    /// For training; empty when only the test part was asked for.
    pub train: Part,
    /// For choosing an epoch and following the learning rate; may be empty.
    pub validation: Part,
    /// For one test at the end.
    pub test: Part,
    /// The folds of a cross-validation, when they were asked for.
    pub folds: Vec<Fold>,
    /// The change of samples from epoch to epoch, if any.
    pub variation: Option<Arc<Variation>>,
    /// Parameters as the data settled them: a run is repeated with what it had, not with what a default
    /// asks for.
    pub settled: Vec<(&'static str, Value)>,
    /// Spikes lost, of those for training if they were read, on the way to the grid.
    pub lost: Lost,
    /// True if a few samples that come with the program stand in for the real set.
    pub demonstration: bool,
    /// Notices for the user about the data.
    pub notices: Vec<String>,
}

impl Data {
    /// Sets the parameters that the data settled.
    ///
    /// # Errors
    /// As [`Parameters::set`].
    pub fn settle(&self, params: &mut Parameters) -> Result<(), ParamError> {
        for (key, value) in &self.settled {
            params.set(key, value.clone())?;
        }
        Ok(())
    }

    /// The training samples of an epoch.
    pub fn training(&self, epoch: usize) -> Cow<'_, Part> {
        match &self.variation {
            None => Cow::Borrowed(&self.train),
            Some(variation) => Cow::Owned(variation.training(&self.train, epoch)),
        }
    }

    /// The samples of a part that are evaluated in an epoch.
    pub fn evaluation<'a>(&self, part: &'a Part, epoch: usize) -> Cow<'a, Part> {
        match &self.variation {
            None => Cow::Borrowed(part),
            Some(variation) => Cow::Owned(variation.evaluation(&self.train, part, epoch)),
        }
    }

    /// The data of one fold: what is held out takes the place of the validation part.
    #[must_use]
    pub fn of_fold(&self, fold: &Fold) -> Self {
        Self {
            train: fold.train.clone(),
            validation: fold.held_out.clone(),
            folds: Vec::new(),
            ..self.clone()
        }
    }

    /// Validation samples go back to training; folds are dealt out where they were asked for and the
    /// benchmark has not made them itself.
    pub(super) fn merged(mut self, settings: &Settings, wanted: Wanted) -> Self {
        if !matches!(wanted, Wanted::Whole | Wanted::Folds) {
            return self;
        }
        self.train = self.train.and(&self.validation);
        self.validation = self.validation.none();
        if let (Wanted::Folds, Folds::Random(count), true) =
            (wanted, settings.folds, self.folds.is_empty())
        {
            let fold = |fold: usize| {
                let seed = settings.seeds.train_data;
                let (train, held_out) = self.train.fold(fold, count, seed);
                Fold {
                    name: format!("fold {}", fold + 1),
                    id: fold as u64,
                    train,
                    held_out,
                }
            };
            self.folds = (0..count).map(fold).collect();
        }
        self
    }
}
