//! Confusion matrices and predictions of training and evaluation, epoch by epoch.

use std::path::Path;

use eventprop::train::BatchReport;
use eventprop_data::atomic::WriteError;
use eventprop_data::formats::npy;

use crate::checkpoint::{Container, Defect};
use crate::settings::{OutcomeSettings, Phase};

/// Predictions of one phase.
#[derive(Debug, Default)]
struct Record {
    /// `[epoch, predicted, true]`, counts.
    confusion: Vec<i32>,
    /// `[epoch, sample]`; −1 where no output spiked.
    predictions: Vec<i32>,
    /// `[epoch, sample]`.
    labels: Vec<i32>,
    /// Epochs that came to their end, and numbers that they left in the lists.
    epochs: usize,
    samples: usize,
}

/// Phases that are kept apart, and how they are called in files.
const PHASES: [(Phase, &str); 3] = [
    (Phase::Train, "train"),
    (Phase::Validation, "eval"),
    (Phase::Test, "test"),
];

/// Predictions of all epochs, samples in the order in which they were shown.
#[derive(Debug)]
pub struct PredictionFiles {
    kept: OutcomeSettings,
    classes: usize,
    records: [Record; PHASES.len()],
}

impl PredictionFiles {
    /// The records that the settings ask for, of a network with so many outputs.
    pub fn new(kept: OutcomeSettings, classes: usize) -> Self {
        Self {
            kept,
            classes,
            records: Default::default(),
        }
    }

    fn record(&mut self, phase: Phase) -> &mut Record {
        let index = PHASES.iter().position(|(known, _)| *known == phase);
        &mut self.records[index.expect("every phase is listed")]
    }

    /// To be called before every pass over a part.
    pub fn begin(&mut self, phase: Phase) {
        let matrix = if self.kept.confusion {
            self.classes * self.classes
        } else {
            0
        };
        let record = self.record(phase);
        record.confusion.resize((record.epochs + 1) * matrix, 0);
        // Entries of a pass that was cancelled are removed.
        record.confusion[record.epochs * matrix..].fill(0);
        record.predictions.truncate(record.samples);
        record.labels.truncate(record.samples);
    }

    /// To be called after every pass that came to its end.
    pub fn end(&mut self, phase: Phase) {
        let record = self.record(phase);
        record.epochs += 1;
        record.samples = record.labels.len();
    }

    /// Adds a batch. A sample without any output spike has no place in a confusion matrix.
    pub fn add(&mut self, phase: Phase, labels: &[u32], report: &BatchReport) {
        let (classes, confusion, predictions) =
            (self.classes, self.kept.confusion, self.kept.predictions);
        let record = self.record(phase);
        for (&label, outcome) in labels.iter().zip(&report.outcomes) {
            if let (true, Some(predicted)) = (confusion, outcome.prediction) {
                let place = predicted as usize * classes + label as usize;
                record.confusion[record.epochs * classes * classes + place] += 1;
            }
            if predictions {
                let predicted = outcome.prediction.map_or(-1, |class| class as i32);
                record.predictions.push(predicted);
                record.labels.push(label as i32);
            }
        }
    }

    /// Adds what was predicted so far to a checkpoint.
    pub fn store(&self, container: &mut Container) {
        for ((_, phase), record) in PHASES.iter().zip(&self.records) {
            let name = |what: &str| format!("records/{phase}/{what}");
            let counts = [record.epochs as u64, record.samples as u64];
            container.put(&name("epochs"), &counts);
            container.put(&name("confusion"), &record.confusion);
            container.put(&name("predictions"), &record.predictions);
            container.put(&name("labels"), &record.labels);
        }
    }

    /// Takes up what [`Self::store`] added.
    ///
    /// # Errors
    /// [`Defect::Array`] when it is not there.
    pub fn restore(&mut self, container: &Container) -> Result<(), Defect> {
        for ((_, phase), record) in PHASES.iter().zip(&mut self.records) {
            let name = |what: &str| format!("records/{phase}/{what}");
            let counts: Vec<u64> = container.get_exactly(&name("epochs"), 2)?;
            *record = Record {
                confusion: container.get(&name("confusion"))?,
                predictions: container.get(&name("predictions"))?,
                labels: container.get(&name("labels"))?,
                epochs: counts[0] as usize,
                samples: counts[1] as usize,
            };
        }
        Ok(())
    }

    /// Writes `NAME_confusion_PHASE.npy`, `NAME_predictions_PHASE.npy` and `NAME_labels_PHASE.npy` of the
    /// phases that were seen; `prefix` begins and `suffix` ends the names.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, folder: &Path, prefix: &str, suffix: &str) -> Result<(), WriteError> {
        for ((_, name), record) in PHASES.iter().zip(&self.records) {
            if record.epochs == 0 {
                continue;
            }
            let path = |what: &str| folder.join(format!("{prefix}{what}_{name}{suffix}.npy"));
            if self.kept.confusion {
                let shape = [record.epochs, self.classes, self.classes];
                let whole = &record.confusion[..shape.iter().product()];
                npy::write(&path("confusion"), &shape, whole)?;
            }
            if self.kept.predictions {
                let shape = [record.epochs, record.samples / record.epochs];
                let whole = ..record.samples;
                npy::write(&path("predictions"), &shape, &record.predictions[whole])?;
                npy::write(&path("labels"), &shape, &record.labels[whole])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use eventprop::loss::Outcome;

    use super::*;
    fn report(predictions: &[Option<u32>]) -> BatchReport {
        let outcome = |&prediction| Outcome {
            loss: 0.0,
            prediction,
        };
        BatchReport {
            outcomes: predictions.iter().map(outcome).collect(),
            ..BatchReport::default()
        }
    }

    /// Two epochs by hand, the second after a pass that was interrupted; one sample has no prediction.
    #[test]
    fn matrices_and_predictions_by_hand() {
        let kept = OutcomeSettings {
            confusion: true,
            predictions: true,
        };
        let mut outcomes = PredictionFiles::new(kept, 2);
        for epoch in 0..2 {
            if epoch == 1 {
                outcomes.begin(Phase::Train);
                outcomes.add(Phase::Train, &[0], &report(&[Some(0)]));
            }
            outcomes.begin(Phase::Train);
            outcomes.add(Phase::Train, &[0, 1], &report(&[Some(1), Some(1)]));
            outcomes.add(Phase::Train, &[1], &report(&[None]));
            outcomes.end(Phase::Train);
        }
        outcomes.begin(Phase::Validation);
        let folder = tempfile::tempdir().expect("a folder");
        outcomes.write(folder.path(), "a_", "_f").expect("written");
        let read = |name: &str| {
            let array = npy::read_any(&folder.path().join(name)).expect("an array");
            (array.shape, array.values.to_f64())
        };
        let (shape, matrix) = read("a_confusion_train_f.npy");
        assert_eq!(shape, [2, 2, 2]);
        assert_eq!(matrix, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
        let (shape, predictions) = read("a_predictions_train_f.npy");
        assert_eq!(
            (shape, &predictions[..3]),
            (vec![2, 3], &[1.0, 1.0, -1.0][..])
        );
        assert_eq!(read("a_labels_train_f.npy").1[3..], [0.0, 1.0, 1.0]);
        assert!(!folder.path().join("a_confusion_eval_f.npy").exists());
    }
}
