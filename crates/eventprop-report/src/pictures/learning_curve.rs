//! Loss on the left, accuracy on the right.

use eventprop_params::picture::{LearningCurve, LossAndAccuracy};

use crate::curves::{Curve, accuracy_figure, loss_figure};
use crate::figure::{Figure, Point};

/// Height of the title above the charts.
const HEAD: f64 = 30.0;
const GAP: f64 = 24.0;
const EDGE: f64 = 12.0;

/// The picture.
pub fn figure(curve: &LearningCurve) -> Figure {
    let curves = |value: fn(LossAndAccuracy) -> f64| {
        let points = curve.points.iter();
        let trained = points.map(|p| (p.epoch as f64, value(p.training)));
        let points = curve.points.iter();
        let validated: Vec<Point> = points
            .filter_map(|p| Some((p.epoch as f64, value(p.validation?))))
            .collect();
        let mut curves = vec![Curve::new("training", 0, trained.collect())];
        if !validated.is_empty() {
            curves.push(Curve::new("validation", 1, validated));
        }
        curves
    };
    let charts = [
        loss_figure(curves(|score| score.loss), None),
        accuracy_figure(curves(|score| 100.0 * score.accuracy), None),
    ];
    side_by_side("learning_curve", &curve.title, charts.into_iter().flatten())
}

fn side_by_side(name: &str, title: &str, charts: impl Iterator<Item = Figure>) -> Figure {
    let mut figure = Figure::new(name, title, (2.0 * EDGE, 0.0));
    let mut head = Figure::new(name, title, (0.0, 0.0));
    head.title(title);
    figure.place(head, (EDGE, EDGE));
    for (index, chart) in charts.enumerate() {
        let (width, height) = chart.size;
        let left = EDGE + index as f64 * (width + GAP);
        figure.size.0 = left + width + EDGE;
        figure.size.1 = figure.size.1.max(EDGE + HEAD + height + EDGE);
        figure.place(chart, (left, EDGE + HEAD));
    }
    figure
}

#[cfg(test)]
mod tests {
    use eventprop_params::picture::CurvePoint;

    use super::*;

    fn curve(validation: Option<LossAndAccuracy>) -> LearningCurve {
        let training = LossAndAccuracy {
            loss: 0.5,
            accuracy: 0.9,
        };
        let point = |epoch| CurvePoint {
            epoch,
            training,
            validation,
        };
        LearningCurve {
            title: "a network".to_owned(),
            points: vec![point(1), point(2)],
        }
    }

    /// A run without validation has no curve and no legend of it.
    #[test]
    fn both_charts_stand_side_by_side() {
        let alone = figure(&curve(None));
        assert_eq!(alone.size.0, 2.0 * 440.0 + GAP + 2.0 * EDGE);
        let svg = alone.file_svg();
        assert!(svg.contains("a network") && svg.contains("Loss") && svg.contains("Accuracy"));
        assert!(!svg.contains("validation"));
        let score = LossAndAccuracy {
            loss: 0.6,
            accuracy: 0.8,
        };
        assert!(
            figure(&curve(Some(score)))
                .file_svg()
                .contains("validation")
        );
    }
}
