//! Loss and accuracy over the epochs.

use kuva::plot::{LegendPosition, LinePlot};
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::Scene;

use super::{BLUE, ORANGE, Picture};

/// One epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Training loss.
    pub train_loss: f64,
    /// Training accuracy, 0 to 1.
    pub train_accuracy: f64,
    /// Validation loss and accuracy.
    pub validation: Option<(f64, f64)>,
}

/// Loss on the left, accuracy on the right.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningCurve {
    /// What was trained and what came out.
    pub title: String,
    /// The epochs.
    pub points: Vec<CurvePoint>,
}

impl LearningCurve {
    fn lines(&self, train: fn(&CurvePoint) -> f64, validation: fn((f64, f64)) -> f64) -> Vec<Plot> {
        let line = |points: Vec<(f64, f64)>, color: &str, name: &str| {
            let line = LinePlot::new().with_data(points).with_color(color);
            Plot::Line(line.with_stroke_width(2.0).with_legend(name))
        };
        let points = self.points.iter();
        let trained = points.map(|p| (p.epoch as f64, train(p))).collect();
        let points = self.points.iter();
        let validated: Vec<(f64, f64)> = points
            .filter_map(|p| Some((p.epoch as f64, validation(p.validation?))))
            .collect();
        let mut lines = vec![line(trained, BLUE, "training")];
        if !validated.is_empty() {
            lines.push(line(validated, ORANGE, "validation"));
        }
        lines
    }
}

impl Picture for LearningCurve {
    fn scene(&self) -> Scene {
        let loss = self.lines(|p| p.train_loss, |(loss, _)| loss);
        let accuracy = self.lines(
            |p| 100.0 * p.train_accuracy,
            |(_, accuracy)| 100.0 * accuracy,
        );
        let layout = |plots: &[Plot], label: &str| {
            Layout::auto_from_plots(plots)
                .with_x_label("epoch")
                .with_y_label(label)
        };
        let layouts = vec![
            layout(&loss, "loss (mean over samples)")
                .with_legend_position(LegendPosition::InsideTopRight),
            layout(&accuracy, "accuracy (%)")
                .with_legend_position(LegendPosition::InsideBottomRight),
        ];
        Figure::new(1, 2)
            .with_title(&self.title)
            .with_title_size(16)
            .with_plots(vec![loss, accuracy])
            .with_layouts(layouts)
            .with_cell_size(440.0, 340.0)
            .render()
    }
}
