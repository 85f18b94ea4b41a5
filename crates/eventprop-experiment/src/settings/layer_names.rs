//! Names of populations and projections, as they stand in files.

use eventprop::network::Model;
use eventprop_params::Benchmark;

use crate::description::NetworkDescription;

/// Names of the layers of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerNames {
    layers: usize,
    /// True if a single hidden layer has a number, too.
    numbered: bool,
}

impl LayerNames {
    /// The names in a benchmark with this many hidden layers: `hidden0`, `hidden1`, … or, for a single
    /// one where `genn_eventprop` does not number it, `hidden`.
    pub fn new(benchmark: Benchmark, layers: usize) -> Self {
        Self {
            layers,
            numbered: benchmark.has_files_of_spoken_words() || layers > 1,
        }
    }

    /// A hidden layer.
    pub fn hidden(self, layer: usize) -> String {
        format!("hidden{}", self.number(layer))
    }

    fn number(self, layer: usize) -> String {
        if self.numbered {
            layer.to_string()
        } else {
            String::new()
        }
    }

    /// All populations.
    pub fn populations(self) -> Vec<String> {
        let hidden = (0..self.layers).map(|layer| self.hidden(layer));
        let ends = |name: &str| std::iter::once(name.to_owned());
        ends("input").chain(hidden).chain(ends("output")).collect()
    }

    /// The projections, in the order in which [`crate::network_builder::Topology::new`] makes them.
    pub fn projections(self, recurrent: bool) -> Vec<ProjectionNames> {
        let names = |weights: String, record: String, target: usize| ProjectionNames {
            delays: weights.replacen("w_", "delay_", 1),
            synapses: weights.replacen("w_", "synapses_", 1),
            dumped: weights.clone(),
            weights,
            record,
            target,
        };
        let mut all = Vec::new();
        for layer in 0..self.layers {
            let (hidden, target) = (self.hidden(layer), layer + 1);
            all.push(match layer {
                0 => names("w_input_hidden".into(), "in_to_hid".into(), target),
                _ => names(
                    format!("w_{}_{hidden}", self.hidden(layer - 1)),
                    format!("hid_to_hidfwd{}", layer - 1),
                    target,
                ),
            });
            if recurrent {
                let record = format!("hid_to_hid{}", self.number(layer));
                all.push(ProjectionNames {
                    dumped: format!("w_hidden_{hidden}"),
                    ..names(format!("w_{hidden}_{hidden}"), record, target)
                });
            }
        }
        let target = self.layers + 1;
        all.push(names("w_hidden_output".into(), "hid_to_out".into(), target));
        all
    }
}

/// Names of the parts of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkNames {
    /// The populations, input first and output last.
    pub populations: Vec<String>,
    /// The projections.
    pub projections: Vec<ProjectionNames>,
    /// Indices of the populations whose thresholds adapt.
    pub adapting: Vec<usize>,
}

impl NetworkNames {
    /// The names of a network of a file: projections have those of both their populations, and a number where two
    /// would be alike.
    pub fn of(described: &NetworkDescription) -> Self {
        let populations: Vec<String> = described
            .populations
            .iter()
            .map(|p| p.name.clone())
            .collect();
        let mut projections: Vec<ProjectionNames> = Vec::new();
        for projection in &described.projections {
            let ends = [projection.source, projection.target].map(|end| &populations[end]);
            let name = |number: usize| match number {
                0 => format!("{}_{}", ends[0], ends[1]),
                _ => format!("{}_{}_{}", ends[0], ends[1], number + 1),
            };
            let is_free = |name: &String| {
                let weights = format!("w_{name}");
                projections.iter().all(|other| other.weights != weights)
            };
            let mut names = (0..=projections.len()).map(name);
            let name = names.find(is_free).expect("one of them is free");
            projections.push(ProjectionNames {
                weights: format!("w_{name}"),
                dumped: format!("w_{name}"),
                delays: format!("delay_{name}"),
                synapses: format!("synapses_{name}"),
                record: name,
                target: projection.target,
            });
        }
        let models = described
            .populations
            .iter()
            .map(|population| &population.model);
        let adapting = models
            .enumerate()
            .filter(|(_, model)| matches!(model, Model::Alif(_)));
        Self {
            adapting: adapting.map(|(index, _)| index).collect(),
            populations,
            projections,
        }
    }
}

/// Names of a projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionNames {
    /// In files of weights, such as `w_input_hidden`.
    pub weights: String,
    /// In files of weights at chosen times; the same but for the recurrent weights of numbered layers.
    pub dumped: String,
    /// In files of delays, such as `delay_input_hidden`.
    pub delays: String,
    /// In files of the synapses of sparse projections, such as `synapses_input_hidden`.
    pub synapses: String,
    /// In recordings, such as `in_to_hid`.
    pub record: String,
    /// Index of the population in which the projection ends.
    pub target: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_reference() {
        let shd = LayerNames::new(Benchmark::Shd, 2);
        assert_eq!(shd.populations(), ["input", "hidden0", "hidden1", "output"]);
        let names = shd.projections(true);
        let of = |get: fn(&ProjectionNames) -> &String| names.iter().map(get).collect::<Vec<_>>();
        assert_eq!(
            of(|p| &p.weights),
            [
                "w_input_hidden",
                "w_hidden0_hidden0",
                "w_hidden0_hidden1",
                "w_hidden1_hidden1",
                "w_hidden_output"
            ]
        );
        assert_eq!(of(|p| &p.dumped)[1], "w_hidden_hidden0");
        assert_eq!(
            of(|p| &p.record),
            [
                "in_to_hid",
                "hid_to_hid0",
                "hid_to_hidfwd0",
                "hid_to_hid1",
                "hid_to_out"
            ]
        );
        let single = LayerNames::new(Benchmark::Shd, 1).projections(true);
        assert_eq!(single[1].weights, "w_hidden0_hidden0");
        let mnist = LayerNames::new(Benchmark::Mnist, 1).projections(true);
        assert_eq!(
            [&mnist[1].weights, &mnist[1].dumped],
            ["w_hidden_hidden"; 2]
        );
    }
}
