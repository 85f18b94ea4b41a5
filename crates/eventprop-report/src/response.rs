//! The response of a neuron over time: one curve for each of its variables.

use crate::chart::{Axes, Axis, Chart, Scale, Span, span};
use crate::figure::{Figure, Ink, Point};

const HEIGHT: f64 = 250.0;

/// Curves of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces<'a> {
    /// Name of the file.
    pub name: &'a str,
    /// The title.
    pub title: &'a str,
    /// Name and points (time in ms, value) of every curve.
    pub curves: Vec<(String, Vec<Point>)>,
}

impl Traces<'_> {
    /// The drawing; none without a finite value.
    pub fn figure(&self) -> Option<Figure> {
        let points = || self.curves.iter().flat_map(|(_, points)| points);
        let times = span(points().map(|point| point.0))?;
        let values = span(points().map(|point| point.1))?;
        let values = Span {
            low: values.low,
            high: values.high.max(values.low + f64::MIN_POSITIVE),
        };
        let axes = Axes {
            name: self.name.to_owned(),
            title: self.title.to_owned(),
            x: Axis::new("time (ms)", times.low, times.high, Scale::Linear),
            y: Axis::new("state", values.low, values.high, Scale::Linear),
            height: HEIGHT,
        };
        let names = self.curves.iter().map(|(name, _)| name.as_str());
        let mut chart = Chart::with_legend(axes, names);
        for (series, (name, points)) in self.curves.iter().enumerate() {
            chart.line(points, Ink::Series(series), false);
            chart.legend(Ink::Series(series), name, false);
        }
        Some(chart.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::Traces;

    #[test]
    fn a_response_is_drawn_with_its_names() {
        let curve = |name: &str| (name.to_owned(), vec![(0.0, 0.0), (1.0, 2.0)]);
        let traces = Traces {
            name: "response",
            title: "qif",
            curves: vec![curve("v"), curve("i")],
        };
        let svg = traces.figure().expect("there are values").file_svg();
        assert!(svg.contains("qif") && svg.contains("time (ms)"));
        let empty = Traces {
            curves: Vec::new(),
            ..traces
        };
        assert!(empty.figure().is_none());
    }
}
