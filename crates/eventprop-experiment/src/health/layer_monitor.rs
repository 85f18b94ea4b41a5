//! Warns when a hidden layer goes silent or saturates, and suggests a remedy.

use std::collections::BTreeSet;

use crate::run::report::{EpochReport, LayerReport};
use crate::settings::Settings;

/// The share of silent neurons from which a layer counts as dead.
pub const DEAD: f64 = 0.9;
/// The share of saturated neurons from which a layer counts as saturated.
pub const SATURATED: f64 = 0.5;

/// A problem of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Problem {
    Dead,
    Saturated,
}

/// Checks the layers after every epoch; each problem is reported once until the layer has recovered.
#[derive(Debug, Default)]
pub struct LayerMonitor {
    reported: BTreeSet<(String, Problem)>,
}

impl LayerMonitor {
    /// The warnings that an epoch gives rise to.
    pub fn warnings(&mut self, settings: &Settings, report: &EpochReport) -> Vec<String> {
        let mut warnings = Vec::new();
        for layer in &report.layers {
            let share = |count: usize| count as f64 / layer.size as f64;
            for (problem, is_there) in [
                (Problem::Dead, share(layer.silent) >= DEAD),
                (Problem::Saturated, share(layer.saturated) >= SATURATED),
            ] {
                let key = (layer.name.clone(), problem);
                if !is_there {
                    self.reported.remove(&key);
                } else if self.reported.insert(key) {
                    warnings.push(warning(problem, layer, report.epoch + 1, settings));
                }
            }
        }
        warnings
    }
}

fn warning(problem: Problem, layer: &LayerReport, epoch: usize, settings: &Settings) -> String {
    let LayerReport { name, size, .. } = layer;
    let benchmark = settings.benchmark;
    let doctor = format!("`eventprop doctor {benchmark} --fix` proposes values");
    match problem {
        Problem::Dead => format!(
            "layer {name} is dying: {} of its {size} neurons did not spike in epoch {epoch}, and a neuron that never spikes learns nothing. Give it larger weights, a smaller LBD_UPPER, or REWIRE_SILENT=true; {doctor}",
            layer.silent
        ),
        Problem::Saturated => format!(
            "layer {name} is saturated: {} of its {size} neurons spiked at least twice per TAU_SYN in epoch {epoch} ({:.1} spikes per neuron and sample). Give it smaller weights, or a regulariser (LBD_UPPER); {doctor}",
            layer.saturated, layer.spikes_per_neuron
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::report::Score;
    use eventprop_params::{Benchmark, Parameters};

    fn report(silent: usize, saturated: usize) -> EpochReport {
        let score = Score {
            samples: 1,
            loss: 1.0,
            accuracy: 0.5,
        };
        EpochReport {
            fold: None,
            held_out: None,
            epoch: 4,
            eta: 0.1,
            train: score,
            evaluation: None,
            layers: vec![LayerReport {
                name: "hidden".to_owned(),
                size: 10,
                spikes_per_neuron: 1.0,
                silent,
                saturated,
                grazing: 0,
                over_cap: 0,
            }],
            grazing_outputs: 0,
            rewiring: None,
            seconds: 1.0,
            evaluation_seconds: 0.0,
            elapsed: 1.0,
            hidden: Vec::new(),
            inside: crate::metrics::EpochMetrics::default(),
        }
    }

    #[test]
    fn a_layer_is_warned_of_once_until_it_recovers() {
        let mut params = Parameters::new(Benchmark::YinYang);
        params.draw_seeds(|| 1);
        let settings = Settings::new(&params).expect("defaults");
        let mut monitor = LayerMonitor::default();
        let mut warn = |silent, saturated| monitor.warnings(&settings, &report(silent, saturated));
        assert!(warn(8, 4).is_empty());
        let dead = warn(9, 0);
        assert_eq!(dead.len(), 1);
        let words = [
            "hidden",
            "9 of its 10",
            "epoch 5",
            "REWIRE_SILENT",
            "doctor",
        ];
        assert!(words.iter().all(|word| dead[0].contains(word)), "{dead:?}");
        assert!(warn(10, 0).is_empty(), "said already");
        assert!(warn(0, 0).is_empty());
        assert_eq!(warn(9, 5).len(), 2);
    }
}
