//! Predictions, sample by sample, and the tables that follow from them.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predicted {
    /// Its class.
    pub label: u32,
    /// The class that the network saw; none when no output spiked.
    pub prediction: Option<u32>,
}

impl Predicted {
    /// True if the network was right.
    pub fn is_right(self) -> bool {
        self.prediction == Some(self.label)
    }
}

/// Predictions of a part of the data, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationLog {
    /// The samples.
    pub list: Vec<Predicted>,
}

impl EvaluationLog {
    /// Counts, `[label][prediction]`, with one more column for samples without any output spike.
    pub fn confusion(&self, classes: usize) -> Vec<Vec<u64>> {
        let mut counts = vec![vec![0; classes + 1]; classes];
        for sample in &self.list {
            let column = sample.prediction.map_or(classes, |class| class as usize);
            counts[sample.label as usize][column] += 1;
        }
        counts
    }

    /// The matrix as JSON; null when nothing was evaluated.
    pub fn to_json(&self, classes: usize) -> Json {
        if self.list.is_empty() {
            return Json::Null;
        }
        json!({"confusion": self.confusion(classes)})
    }

    /// Samples and correct predictions of every group, ascending; `groups` has one for each sample.
    pub fn by_group(&self, groups: &[u32]) -> Vec<Group> {
        let mut ids: Vec<u32> = groups.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let of = |id: u32| {
            let members = self
                .list
                .iter()
                .zip(groups)
                .filter(|(_, group)| **group == id);
            let (mut samples, mut right) = (0, 0);
            for (sample, _) in members {
                samples += 1;
                right += usize::from(sample.is_right());
            }
            Group { id, samples, right }
        };
        ids.into_iter().map(of).collect()
    }
}

/// Samples that belong together, such as those of one speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The number of the group.
    pub id: u32,
    /// Samples in it.
    pub samples: usize,
    /// Correct predictions among them.
    pub right: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four samples of two classes: one right, one wrong, one without output spike, one right.
    #[test]
    fn tables_by_hand() {
        let sample = |label, prediction| Predicted { label, prediction };
        let outcomes = EvaluationLog {
            list: vec![
                sample(0, Some(0)),
                sample(0, Some(1)),
                sample(1, None),
                sample(1, Some(1)),
            ],
        };
        assert_eq!(outcomes.confusion(2), [[1, 1, 0], [0, 1, 1]]);
        let group = |id, samples, right| Group { id, samples, right };
        let groups = outcomes.by_group(&[9, 4, 9, 4]);
        assert_eq!(groups, [group(4, 2, 1), group(9, 2, 1)]);
        assert_eq!(EvaluationLog::default().to_json(2), Json::Null);
    }
}
