//! Time per sample against the sizes of network and input, with the fitted laws.

use kuva::plot::scatter::ScatterPlot;
use kuva::plot::{LegendPosition, LinePlot};
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::Scene;

use super::{BLUE, ORANGE, Picture};
use crate::bench::scaling::{Axis, Law, Point};

/// One panel per axis: points, floors and law, both scales logarithmic.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    /// What was measured, and where.
    pub title: String,
    /// The axes with what was measured along them.
    pub axes: Vec<(Axis, Vec<Point>)>,
}

impl Picture for Scaling {
    fn scene(&self) -> Scene {
        let (plots, layouts) = self
            .axes
            .iter()
            .map(|(axis, points)| panel(*axis, points))
            .unzip();
        Figure::new(self.axes.len().div_ceil(3), 3)
            .with_title(&self.title)
            .with_title_size(16)
            .with_plots(plots)
            .with_layouts(layouts)
            .with_cell_size(460.0, 350.0)
            .render()
    }
}

fn panel(axis: Axis, points: &[Point]) -> (Vec<Plot>, Layout) {
    let at = |of: &dyn Fn(&Point) -> f64| -> Vec<(f64, f64)> {
        points.iter().map(|p| (p.size as f64, of(p))).collect()
    };
    let line = |points: Vec<(f64, f64)>, color: &str, name: String| {
        let line = LinePlot::new().with_data(points).with_color(color);
        Plot::Line(line.with_stroke_width(1.5).with_legend(name))
    };
    let measured = ScatterPlot::new()
        .with_data(at(&Point::ms))
        .with_color(BLUE)
        .with_legend("measured");
    let mut plots = vec![
        Plot::Scatter(measured),
        line(at(&Point::floor_ms), ORANGE, "floor".to_owned()),
    ];
    let both: Vec<(f64, f64)> = points.iter().map(|p| (p.floor_ms(), p.ms())).collect();
    if let Some(law) = Law::fit(&both) {
        let name = format!("floor^{:.2}", law.exponent);
        plots.push(line(at(&|p| law.ms(p.floor_ms())), BLUE, name));
    }
    let layout = Layout::auto_from_plots(&plots)
        .with_log_scale()
        .with_x_label(axis.name())
        .with_y_label("ms per sample")
        .with_x_label_offset(0.0, -4.0)
        .with_legend_position(LegendPosition::OutsideBottomColumns)
        .with_legend_box(false);
    (plots, layout)
}
