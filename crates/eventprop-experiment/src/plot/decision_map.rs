//! Which class a network sees at every point of the Yin-Yang symbol, and which test points it gets
//! wrong.

use std::sync::Arc;

use kuva::plot::scatter::MarkerShape;
use kuva::plot::{ColorMap, Heatmap, LegendEntry, LegendPosition, LegendShape, ScatterPlot};
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::{Scene, render_multiple};

use super::Picture;

/// Light colours of the areas of class 0, 1 and 2.
const AREAS: [&str; 3] = ["#9ecae1", "#fdcf8b", "#a8ddb5"];
/// Strong colours of the points of class 0, 1 and 2.
const POINTS: [&str; 3] = ["#08519c", "#b35806", "#00682c"];
/// Where no output spikes.
const UNDECIDED: &str = "#bdbdbd";
const OUTSIDE: &str = "#ffffff";
const CLASS_NAMES: [&str; 3] = ["yin", "yang", "dot"];

/// A test point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// Its place in the unit square.
    pub point: [f64; 2],
    /// Its class.
    pub label: u32,
    /// What the network saw.
    pub prediction: Option<u32>,
}

/// The map: cells of the unit square, and test points on it.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionMap {
    /// What was trained and what came out.
    pub title: String,
    /// Cells along each edge of the unit square.
    pub side: usize,
    /// What the network sees in each cell, row by row from y = 0. `[side, side]`
    pub cells: Vec<Option<u32>>,
    /// Test points.
    pub tested: Vec<Tested>,
}

impl DecisionMap {
    /// The cells as numbers: outside, undecided, class 0, 1, 2.
    fn areas(&self) -> Plot {
        let value = |index: usize| {
            let at = |i: usize| (i as f64 + 0.5) / self.side as f64 - 0.5;
            let (x, y) = (at(index % self.side), at(index / self.side));
            if x.hypot(y) > 0.5 {
                0.0
            } else {
                self.cells[index].map_or(1.0, |class| f64::from(class) + 2.0)
            }
        };
        let row = |row: usize| {
            (row * self.side..(row + 1) * self.side)
                .map(value)
                .collect()
        };
        let rows: Vec<Vec<f64>> = (0..self.side).map(row).collect();
        let (low, high) = span(&rows);
        let color = move |share: f64| {
            let value = (low + share * (high - low)).round();
            match value as usize {
                0 => OUTSIDE,
                1 => UNDECIDED,
                class => AREAS[class - 2],
            }
            .to_owned()
        };
        let map = Heatmap::new()
            .with_data(rows)
            .with_x_range(0.0, 1.0)
            .with_y_range(0.0, 1.0)
            .with_cell_size(1.0)
            .with_color_map(ColorMap::Custom(Arc::new(color)));
        Plot::Heatmap(map)
    }

    fn points(&self) -> Vec<Plot> {
        let right = (0..CLASS_NAMES.len()).map(|class| {
            let points = self
                .tested
                .iter()
                .filter(|t| t.label as usize == class && t.prediction == Some(t.label));
            let points: Vec<(f64, f64)> = points.map(|t| t.point.into()).collect();
            let scatter = ScatterPlot::new()
                .with_data(points)
                .with_color(POINTS[class]);
            Plot::Scatter(scatter.with_size(1.5))
        });
        let wrong = self.tested.iter().filter(|t| t.prediction != Some(t.label));
        let wrong: Vec<(f64, f64)> = wrong.map(|t| t.point.into()).collect();
        let cross = ScatterPlot::new()
            .with_data(wrong)
            .with_color("#d7191c")
            .with_marker(MarkerShape::Cross)
            .with_size(4.0)
            .with_marker_stroke_width(1.5);
        right.chain([Plot::Scatter(cross)]).collect()
    }

    fn legend(&self) -> Vec<LegendEntry> {
        let entry = |label: String, color: &str, shape| LegendEntry {
            label,
            color: color.to_owned(),
            shape,
            dasharray: None,
        };
        let mut entries: Vec<LegendEntry> = CLASS_NAMES
            .iter()
            .zip(AREAS)
            .map(|(name, color)| entry(format!("seen as {name}"), color, LegendShape::Rect))
            .collect();
        let wrong = self
            .tested
            .iter()
            .filter(|t| t.prediction != Some(t.label))
            .count();
        let text = format!("wrong ({wrong} of {})", self.tested.len());
        entries.push(entry(
            text,
            "#d7191c",
            LegendShape::Marker(MarkerShape::Cross),
        ));
        if self.cells.contains(&None) {
            entries.push(entry("no output".to_owned(), UNDECIDED, LegendShape::Rect));
        }
        entries
    }
}

/// The smallest and the largest value.
fn span(rows: &[Vec<f64>]) -> (f64, f64) {
    let values = || rows.iter().flatten().copied();
    (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    )
}

impl Picture for DecisionMap {
    fn scene(&self) -> Scene {
        let mut plots = vec![self.areas()];
        plots.extend(self.points());
        let layout = Layout::new((0.0, 1.0), (0.0, 1.0))
            .with_title(&self.title)
            .with_title_size(16)
            .with_x_label("x")
            .with_y_label("y")
            .with_width(720.0)
            .with_height(560.0)
            .with_equal_aspect()
            .with_show_grid(false)
            .with_legend_entries(self.legend())
            .with_legend_position(LegendPosition::OutsideRightTop);
        render_multiple(plots, layout)
    }
}
