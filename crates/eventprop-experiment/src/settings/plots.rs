//! The epochs at which pictures are drawn.

use eventprop_params::Parameters;

/// The epochs at which pictures are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlotSettings {
    /// Epochs between pictures during training (`TRAINING_PLOT`).
    pub every: Option<usize>,
    /// True if maps of first spike times are drawn (`FANCY_PLOTS`).
    pub spike_times: bool,
}

pub fn plots(params: &Parameters) -> PlotSettings {
    let every = params.count("TRAINING_PLOT_INTERVAL");
    PlotSettings {
        every: params.flag("TRAINING_PLOT").then_some(every),
        spike_times: params.has("FANCY_PLOTS") && params.flag("FANCY_PLOTS"),
    }
}
