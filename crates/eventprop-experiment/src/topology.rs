//! The networks of the benchmarks, and what the parts are called in files.

use eventprop::loss::Loss;
use eventprop::network::{Init, Li, Lif, Network, NetworkError, PopulationId, ProjectionId};

use crate::settings::{Normal, Settings};

/// A network with the names of its parts.
#[derive(Debug, Clone)]
pub struct Topology {
    /// The network: input, hidden layers, output.
    pub network: Network,
    /// The hidden populations, from input to output.
    pub hidden: Vec<PopulationId>,
    /// Names of the projections, in the order of their ids.
    pub projections: Vec<ProjectionNames>,
}

/// What a projection is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionNames {
    /// In files of weights, such as `w_input_hidden`.
    pub weights: String,
    /// In recordings, such as `in_to_hid`.
    pub record: String,
    /// Index of the population in which the projection ends.
    pub target: usize,
}

/// Names of the populations of a network with this many hidden layers: `hidden` alone, or `hidden0`,
/// `hidden1`, …
pub fn population_names(hidden_layers: usize) -> Vec<String> {
    let hidden = (0..hidden_layers).map(|layer| hidden_name(layer, hidden_layers));
    let ends = |name: &str| std::iter::once(name.to_owned());
    ends("input").chain(hidden).chain(ends("output")).collect()
}

/// Names of the projections in recordings, in the order in which [`Topology::new`] makes them.
pub fn projection_names(hidden_layers: usize, recurrent: bool) -> Vec<ProjectionNames> {
    let single = hidden_layers == 1;
    let hidden = |layer| hidden_name(layer, hidden_layers);
    let names = |weights: String, record: String, target: usize| ProjectionNames {
        weights,
        record,
        target,
    };
    let mut all = Vec::new();
    for layer in 0..hidden_layers {
        all.push(match layer {
            0 => names("w_input_hidden".into(), "in_to_hid".into(), 1),
            _ => names(
                format!("w_{}_{}", hidden(layer - 1), hidden(layer)),
                format!("hid_to_hidfwd{}", layer - 1),
                layer + 1,
            ),
        });
        if recurrent {
            let index = if single {
                String::new()
            } else {
                layer.to_string()
            };
            all.push(names(
                format!("w_{}_{}", hidden(layer), hidden(layer)),
                format!("hid_to_hid{index}"),
                layer + 1,
            ));
        }
    }
    all.push(names(
        "w_hidden_output".into(),
        "hid_to_out".into(),
        hidden_layers + 1,
    ));
    all
}

fn hidden_name(layer: usize, layers: usize) -> String {
    if layers == 1 {
        "hidden".to_owned()
    } else {
        format!("hidden{layer}")
    }
}

impl Topology {
    /// The network of a benchmark with `inputs` input neurons and `classes` outputs. Outputs spike
    /// when the loss reads spike times and are leaky integrators otherwise.
    ///
    /// # Errors
    /// When the settings make no valid network.
    pub fn new(settings: &Settings, inputs: usize, classes: usize) -> Result<Self, NetworkError> {
        let s = &settings.network;
        let layers = s.hidden.len();
        let lif = Lif::new(s.tau_mem, s.tau_syn)
            .v_thresh(s.v_thresh)
            .v_reset(s.v_reset);
        let mut network = Network::new(settings.clock);
        let mut source = network.add_input("input", inputs);
        let mut hidden = Vec::new();
        for (layer, &size) in s.hidden.iter().enumerate() {
            let target = network.add_lif(&hidden_name(layer, layers), size, lif.clone());
            let weights = if layer == 0 {
                s.input_hidden
            } else {
                s.hidden_forward
            };
            network.connect(source, target, init(weights));
            if s.recurrent {
                network.connect(target, target, init(s.hidden_hidden));
            }
            hidden.push(target);
            source = target;
        }
        let output = if matches!(settings.loss, Loss::FirstSpike(_)) {
            network.add_lif("output", classes, lif)
        } else {
            let li = Li::new(s.tau_mem, s.tau_syn).v_init(s.v_reset);
            network.add_li("output", classes, li)
        };
        network.connect(source, output, init(s.hidden_output));
        network.validate()?;
        Ok(Self {
            network,
            hidden,
            projections: projection_names(layers, s.recurrent),
        })
    }

    /// The projections with their names.
    pub fn named_projections(&self) -> impl Iterator<Item = (ProjectionId, &ProjectionNames)> {
        let ids = (0..self.projections.len()).map(ProjectionId);
        ids.zip(&self.projections)
    }
}

fn init(normal: Normal) -> Init {
    Init::Normal {
        mean: normal.mean,
        std: normal.std,
    }
}
