//! Time per sample against the sizes of network and input, with the fitted laws.

use crate::chart::{Axes, Axis, Chart, Scale, span};
use crate::figure::{Figure, Ink, Point};

/// Panels in a row.
const COLUMNS: usize = 3;
const GAP: f64 = 20.0;
const HEAD: f64 = 40.0;
const PANEL_HEIGHT: f64 = 300.0;

/// Times along some axes, one panel for each: points, floors and law, both scales logarithmic.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    /// The measurement and its machine.
    pub title: String,
    /// The panels.
    pub panels: Vec<Panel>,
}

/// Times along one axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The size that is varied.
    pub axis: String,
    /// The measurements.
    pub sizes: Vec<Size>,
    /// The law that was fitted.
    pub law: Option<Law>,
}

/// Times of one size, per sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// The size.
    pub size: f64,
    /// The measured time, in ms.
    pub ms: f64,
    /// The time at the machine's ceilings, in ms.
    pub floor_ms: f64,
}

/// time = factor · floor^exponent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    /// The exponent.
    pub exponent: f64,
    /// The factor.
    pub factor: f64,
}

impl Scaling {
    /// The picture.
    pub fn figure(&self) -> Figure {
        let mut figure = Figure::new("scaling", &self.title, (0.0, 0.0));
        let mut head = Figure::new("scaling", &self.title, (0.0, 0.0));
        head.title(&self.title);
        figure.place(head, (GAP, GAP));
        for (index, panel) in self.panels.iter().filter_map(Panel::chart).enumerate() {
            let (width, height) = panel.size;
            let (row, column) = (index / COLUMNS, index % COLUMNS);
            let left = GAP + column as f64 * (width + GAP);
            let top = GAP + HEAD + row as f64 * (height + GAP);
            figure.size.0 = figure.size.0.max(left + width + GAP);
            figure.size.1 = figure.size.1.max(top + height + GAP);
            figure.place(panel, (left, top));
        }
        figure
    }
}

impl Panel {
    /// None without a point.
    fn chart(&self) -> Option<Figure> {
        let points = |of: &dyn Fn(&Size) -> f64| -> Vec<Point> {
            self.sizes.iter().map(|s| (s.size, of(s))).collect()
        };
        let (measured, floors) = (points(&|s| s.ms), points(&|s| s.floor_ms));
        let law = self.law.map(|law| {
            let line = points(&|s| law.factor * s.floor_ms.powf(law.exponent));
            (format!("floor^{:.2}", law.exponent), line)
        });
        let fitted = law.iter().flat_map(|(_, line)| line);
        let times = measured.iter().chain(&floors).chain(fitted).map(|p| p.1);
        let (x, y) = (span(self.sizes.iter().map(|s| s.size))?, span(times)?);
        let mut chart = Chart::new(Axes {
            name: self.axis.clone(),
            title: self.axis.clone(),
            x: Axis::new(&self.axis, x.low, x.high, Scale::Log),
            y: Axis::new("ms per sample", 0.8 * y.low, 1.25 * y.high, Scale::Log),
            height: PANEL_HEIGHT,
        });
        chart.line(&floors, Ink::Series(1), false);
        if let Some((_, line)) = &law {
            chart.line(line, Ink::Series(0), false);
        }
        chart.dots(&measured, Ink::Series(0));
        chart.legend(Ink::Series(1), "floor", false);
        match law {
            Some((name, _)) => {
                chart.legend(
                    Ink::Series(0),
                    &format!("measured (dots) and {name}"),
                    false,
                );
            }
            None => chart.legend(Ink::Series(0), "measured (dots)", false),
        }
        Some(chart.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_has_a_panel_with_its_points_and_law() {
        let size = |size: f64| Size {
            size,
            ms: 0.02 * size,
            floor_ms: 0.01 * size,
        };
        let panel = |axis: &str| Panel {
            axis: axis.to_owned(),
            sizes: [10.0, 100.0, 1000.0].map(size).to_vec(),
            law: Some(Law {
                exponent: 1.0,
                factor: 2.0,
            }),
        };
        let scaling = Scaling {
            title: "Time per sample".to_owned(),
            panels: ["inputs", "hidden", "classes", "batch"].map(panel).to_vec(),
        };
        let figure = scaling.figure();
        let svg = figure.file_svg();
        assert_eq!(svg.matches("<circle").count(), 4 * 3);
        assert_eq!(svg.matches("floor^1.00").count(), 4);
        let row = GAP + PANEL_HEIGHT;
        assert_eq!(figure.size.1, GAP + HEAD + 2.0 * row);
    }
}
