//! When one output first spikes, at every point of the Yin-Yang symbol.

use kuva::plot::{ColorMap, Heatmap};
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::{Scene, render_multiple};

use super::Picture;

/// The map of one output.
#[derive(Debug, Clone, PartialEq)]
pub struct SpikeTimeMap {
    /// Which output, of which run.
    pub title: String,
    /// Cells along each edge of the unit square.
    pub side: usize,
    /// First spike times in ms, the end of the trial where there is none; row by row from y = 0.
    /// `[side, side]`
    pub times_ms: Vec<f64>,
}

impl Picture for SpikeTimeMap {
    fn scene(&self) -> Scene {
        let rows: Vec<Vec<f64>> = self
            .times_ms
            .chunks(self.side)
            .map(<[f64]>::to_vec)
            .collect();
        let map = Heatmap::new()
            .with_data(rows)
            .with_x_range(0.0, 1.0)
            .with_y_range(0.0, 1.0)
            .with_cell_size(1.0)
            .with_legend("first spike (ms)")
            .with_color_map(ColorMap::Viridis);
        let layout = Layout::new((0.0, 1.0), (0.0, 1.0))
            .with_title(&self.title)
            .with_title_size(16)
            .with_x_label("x")
            .with_y_label("y")
            .with_width(680.0)
            .with_height(560.0)
            .with_equal_aspect()
            .with_show_grid(false);
        render_multiple(vec![Plot::Heatmap(map)], layout)
    }
}
