//! Distributions of weights, delays and time constants, before training and after it.

use eventprop_params::histogram::Histogram;

use crate::chart::{Axes, Axis, Chart, Scale, from_zero};
use crate::figure::{Figure, Ink, Point};
use crate::html::number;
use crate::read::RunRecord;

/// A figure for every range of parameters.
pub fn of_run(run: &RunRecord) -> Vec<Figure> {
    let end = run.report_file["parameters_at_end"].as_object();
    let last = run.details.last().map(|line| &line.json["parameters"]);
    let end = end.or_else(|| last?.as_object());
    let all = end.into_iter().flatten().filter_map(|(name, json)| {
        let end = Histogram::from_json(json).filter(|h| h.total() > 0)?;
        let start = Histogram::from_json(&run.report_file["parameters_at_start"][name]);
        Some(figure(name, start.as_ref().filter(|h| h.total() > 0), &end))
    });
    all.collect()
}

fn figure(name: &str, start: Option<&Histogram>, end: &Histogram) -> Figure {
    let both = || start.into_iter().chain([end]);
    let low = both().map(|h| h.min).fold(f64::INFINITY, f64::min);
    let high = both().map(|h| h.max).fold(f64::NEG_INFINITY, f64::max);
    let room = ((high - low) * 0.02).max(1e-6 * high.abs().max(1e-6));
    let outlines: Vec<Vec<Point>> = both().map(|h| density(h, high - low)).collect();
    let (title, x_label) = words_of(name);
    let mut chart = Chart::new(Axes {
        name: format!("parameters_{}", name.replace("->", "_")),
        title,
        x: Axis::new(x_label, low - room, high + room, Scale::Linear),
        y: Axis {
            label: "fraction of the parameters in equal bins (%)".to_owned(),
            ends: from_zero(outlines.iter().flatten().map(|p| p.1)),
            scale: Scale::Linear,
        },
        height: 230.0,
    });
    let last = outlines.len() - 1;
    let floor: Vec<Point> = outlines[last].iter().map(|p| (p.0, 0.0)).collect();
    chart.band(&floor, &outlines[last], Ink::Series(0));
    for (outline, series) in outlines.iter().rev().zip([0, 1]) {
        chart.line(outline, Ink::Series(series), series == 1);
    }
    let words = |h: &Histogram| format!("{} ± {}", number(h.mean), number(h.sd));
    chart.legend(Ink::Series(0), &format!("after: {}", words(end)), false);
    if let Some(start) = start {
        chart.legend(Ink::Series(1), &format!("before: {}", words(start)), true);
    }
    chart.finish()
}

/// The title of a range of parameters, and what its axis shows.
fn words_of(name: &str) -> (String, &'static str) {
    let Some((from, to)) = name.split_once("->") else {
        let title = format!("Trained constant {name}");
        return (title, "value (ms, or a plain number for β)");
    };
    match to.strip_suffix(".delay") {
        Some(to) => (format!("Delays from {from} to {to}"), "delay (ms)"),
        None => (
            format!("Weights from {from} to {to}"),
            "weight (units of the threshold)",
        ),
    }
}

/// The outline of a histogram as percent of the values in bins of a fortieth of `span`, whatever its own
/// bins are: two histograms with unlike bins can be compared.
fn density(histogram: &Histogram, span: f64) -> Vec<Point> {
    let bins = histogram.counts.len() as f64;
    let width = (histogram.max - histogram.min) / bins;
    let unit = span / 40.0;
    if width == 0.0 {
        // All values are the same.
        let x = histogram.min;
        return vec![(x, 0.0), (x, 100.0), (x, 0.0)];
    }
    let total = histogram.total() as f64;
    let height = |count: &u64| 100.0 * *count as f64 / total * unit / width;
    let mut outline = vec![(histogram.min, 0.0)];
    for (bin, count) in histogram.counts.iter().enumerate() {
        let from = histogram.min + bin as f64 * width;
        outline.push((from, height(count)));
        outline.push((from + width, height(count)));
    }
    outline.push((histogram.max, 0.0));
    outline
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The area under an outline is that of all values: 100 % times a fortieth of the span.
    #[test]
    fn outlines_have_equal_areas() {
        let area = |outline: &[Point]| -> f64 {
            let pieces = outline.windows(2);
            pieces
                .map(|p| (p[1].0 - p[0].0) * f64::midpoint(p[0].1, p[1].1))
                .sum()
        };
        let wide: Vec<f64> = (0..1000).map(f64::from).collect();
        let narrow: Vec<f64> = (0..10).map(f64::from).collect();
        for values in [wide, narrow] {
            let outline = density(&Histogram::of(values.into_iter()), 999.0);
            // Trapezes of upright pieces have no width, so the sum is exact up to rounding.
            assert!((area(&outline) - 100.0 * 999.0 / 40.0).abs() < 1e-6);
        }
    }

    #[test]
    fn delays_are_drawn_in_ms() {
        let all = Histogram::of([1.0, 2.5].into_iter());
        let drawn = figure("in->hid.delay", None, &all).inline_svg();
        assert!(drawn.contains("Delays from in to hid") && drawn.contains("delay (ms)"));
    }

    #[test]
    fn a_constant_that_is_the_same_everywhere_is_drawn() {
        let before = Histogram::of([20.0; 5].into_iter());
        let after = Histogram::of([19.0, 20.0, 25.0].into_iter());
        let figure = figure("hidden.tau_mem", Some(&before), &after);
        assert!(
            figure
                .inline_svg()
                .contains("Trained constant hidden.tau_mem")
        );
    }
}
