//! Curves over the epochs of one run, and of several on top of each other.

use crate::chart::{Axes, Axis, Chart, Scale, Span, from_zero, span};
use crate::figure::{Figure, Ink, Point};
use crate::html::{number, percent};
use crate::read::{EpochLine, RunRecord};

const HEIGHT: f64 = 250.0;
/// Strips that answer the pointer, at most so many of a chart.
const STRIPS: usize = 250;

/// A curve.
pub struct Curve {
    name: String,
    ink: Ink,
    points: Vec<Point>,
}

impl Curve {
    /// A curve through points over the epochs, from 1.
    pub fn new(name: &str, series: usize, points: Vec<Point>) -> Self {
        Self {
            name: name.to_owned(),
            ink: Ink::Series(series),
            points,
        }
    }

    fn of(
        name: &str,
        series: usize,
        lines: &[&EpochLine],
        value: impl Fn(&EpochLine) -> f64,
    ) -> Self {
        let points = lines.iter().map(|line| (line.turn(), value(line)));
        Self::new(name, series, points.collect())
    }

    fn is_empty(&self) -> bool {
        !self.points.iter().any(|p| p.1.is_finite())
    }
}

/// Curves with the axes of their chart.
struct Sheet<'a> {
    name: &'a str,
    title: &'a str,
    y_label: &'a str,
    y: Span,
    y_scale: Scale,
    text: fn(f64) -> String,
    curves: Vec<Curve>,
    /// The epoch, from 1, whose weights were chosen.
    chosen: Option<f64>,
}

impl Sheet<'_> {
    fn draw(self) -> Option<Figure> {
        let curves: Vec<Curve> = self.curves.into_iter().filter(|c| !c.is_empty()).collect();
        if curves.is_empty() {
            return None;
        }
        let turns = curves.iter().flat_map(|c| c.points.iter().map(|p| p.0));
        let turns = span(turns)?;
        let axes = Axes {
            name: self.name.to_owned(),
            title: self.title.to_owned(),
            x: epochs(turns),
            y: Axis {
                label: self.y_label.to_owned(),
                ends: self.y,
                scale: self.y_scale,
            },
            height: HEIGHT,
        };
        let names = curves.iter().map(|curve| curve.name.as_str());
        let mut chart = Chart::with_legend(axes, names);
        if let Some(chosen) = self.chosen {
            chart.upright(chosen, "selected");
        }
        for curve in &curves {
            chart.line(&curve.points, curve.ink, false);
            chart.legend(curve.ink, &curve.name, false);
        }
        strips(&mut chart, &curves, self.text);
        Some(chart.finish())
    }
}

/// The axis of epochs.
fn epochs(turns: Span) -> Axis {
    let first = turns.low.min(turns.high - 1.0);
    Axis::new("epoch", first, turns.high, Scale::Whole)
}

/// Strips that say the values of all curves in an epoch.
fn strips(chart: &mut Chart, curves: &[Curve], text: fn(f64) -> String) {
    let Some(longest) = curves.iter().max_by_key(|curve| curve.points.len()) else {
        return;
    };
    let every = longest.points.len().div_ceil(STRIPS);
    for &(turn, _) in longest.points.iter().step_by(every) {
        let values = curves.iter().filter_map(|curve| {
            let point = curve
                .points
                .iter()
                .find(|p| p.0 == turn && p.1.is_finite())?;
            Some(format!("{} {}", curve.name, text(point.1)))
        });
        let values: Vec<String> = values.collect();
        let half = every as f64 / 2.0;
        chart.strip(
            turn - half,
            turn + half,
            format!("epoch {turn}\n{}", values.join("\n")),
        );
    }
}

/// Loss and accuracy, then what went on inside.
pub fn of_run(run: &RunRecord) -> Vec<Figure> {
    let lines: Vec<&EpochLine> = run.epochs.iter().collect();
    let figures = [
        loss(run, &lines),
        accuracy(run, &lines),
        layers(
            &lines,
            "spikes",
            "Spikes",
            "spikes per neuron and sample",
            |layer| layer["spikes_per_neuron"].as_f64().unwrap_or(f64::NAN),
        ),
        silent(&lines),
        gradients(&lines),
        rewiring(&lines),
        eta(&lines),
    ];
    figures.into_iter().flatten().collect()
}

fn chosen(run: &RunRecord) -> Option<f64> {
    let chosen = run.summary["selected_epoch"].as_u64()?;
    let wanted = run.word("selection").contains("validation");
    wanted.then_some(chosen as f64 + 1.0)
}

/// The name of the evaluation of an epoch.
fn evaluation_name(run: &RunRecord) -> &'static str {
    match run.word("command") {
        "train_test" => "test",
        "xval" => "held-out fold",
        _ => "validation",
    }
}

/// The axis of a loss: logarithmic when it falls over more than a factor of ten.
fn loss_axis(values: &[f64]) -> (Span, Scale) {
    match span(values.iter().copied()) {
        Some(Span { low, high }) if low > 0.0 && high / low > 10.0 => {
            (with_room(low, high), Scale::Log)
        }
        _ => (from_zero(values.iter().copied()), Scale::Linear),
    }
}

/// The ends of a logarithmic axis with room below and above.
fn with_room(low: f64, high: f64) -> Span {
    Span {
        low: low * 0.9,
        high: high * 1.1,
    }
}

fn loss(run: &RunRecord, lines: &[&EpochLine]) -> Option<Figure> {
    let curves = vec![
        Curve::of("training", 0, lines, |l| l.number("train_loss")),
        Curve::of(evaluation_name(run), 1, lines, |l| {
            l.number("evaluation_loss")
        }),
    ];
    loss_figure(curves, chosen(run))
}

/// Losses over the epochs; `chosen` is the epoch whose weights were chosen.
pub fn loss_figure(curves: Vec<Curve>, chosen: Option<f64>) -> Option<Figure> {
    let (y, y_scale) = loss_axis(&values_of(&curves));
    let y_label = if y_scale == Scale::Log {
        "mean loss of a sample (logarithmic)"
    } else {
        "mean loss of a sample"
    };
    let sheet = Sheet {
        name: "loss",
        title: "Loss",
        y_label,
        y,
        y_scale,
        text: number,
        curves,
        chosen,
    };
    sheet.draw()
}

fn values_of(curves: &[Curve]) -> Vec<f64> {
    let points = curves.iter().flat_map(|curve| &curve.points);
    points.map(|point| point.1).collect()
}

/// An axis of accuracies in percent that begins at a round number below them all.
fn accuracy_axis(values: impl Iterator<Item = f64>) -> Span {
    let Span { low, high } = span(values).unwrap_or(Span {
        low: 0.0,
        high: 100.0,
    });
    let room = ((100.0 - low) * 0.15).max(0.5);
    let low = ((low - room) / 5.0).floor() * 5.0;
    Span {
        low: low.max(0.0),
        high: (high + room).min(100.0),
    }
}

fn accuracy(run: &RunRecord, lines: &[&EpochLine]) -> Option<Figure> {
    let of = |key: &'static str| move |l: &EpochLine| 100.0 * l.number(key);
    let curves = vec![
        Curve::of("training", 0, lines, of("train_accuracy")),
        Curve::of(evaluation_name(run), 1, lines, of("evaluation_accuracy")),
    ];
    accuracy_figure(curves, chosen(run))
}

/// Accuracies in percent over the epochs; `chosen` is the epoch whose weights were chosen.
pub fn accuracy_figure(curves: Vec<Curve>, chosen: Option<f64>) -> Option<Figure> {
    let sheet = Sheet {
        name: "accuracy",
        title: "Accuracy",
        y_label: "correct predictions (%)",
        y: accuracy_axis(values_of(&curves).into_iter()),
        y_scale: Scale::Linear,
        text: |x| percent(x / 100.0),
        curves,
        chosen,
    };
    sheet.draw()
}

/// One curve for every hidden layer.
fn layers(
    lines: &[&EpochLine],
    name: &str,
    title: &str,
    y_label: &str,
    value: fn(&serde_json::Value) -> f64,
) -> Option<Figure> {
    let layers = lines.last()?.json["layers"].as_array()?;
    let curves: Vec<Curve> = layers
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            let name = layer["population"].as_str().unwrap_or("layer");
            Curve::of(name, index, lines, |line| {
                value(&line.json["layers"][index])
            })
        })
        .collect();
    let sheet = Sheet {
        name,
        title,
        y_label,
        y: from_zero(values_of(&curves).into_iter()),
        y_scale: Scale::Linear,
        text: number,
        curves,
        chosen: None,
    };
    sheet.draw()
}

fn silent(lines: &[&EpochLine]) -> Option<Figure> {
    let neurons = |line: &EpochLine| -> f64 {
        let layers = line.json["layers"].as_array();
        let sizes = layers
            .into_iter()
            .flatten()
            .filter_map(|l| l["neurons"].as_f64());
        sizes.sum()
    };
    let share = |key: &'static str| move |l: &EpochLine| 100.0 * l.number(key) / neurons(l);
    let curves = vec![
        Curve::of("silent", 1, lines, share("silent")),
        Curve::of("saturated", 0, lines, share("saturated")),
    ];
    let Span { high, .. } = from_zero(values_of(&curves).into_iter());
    let sheet = Sheet {
        name: "silent",
        title: "Silent and saturated neurons",
        y_label: "fraction of hidden neurons (%)",
        y: Span {
            low: 0.0,
            high: high.max(5.0),
        },
        y_scale: Scale::Linear,
        text: |x| percent(x / 100.0),
        curves,
        chosen: None,
    };
    sheet.draw()
}

fn gradients(lines: &[&EpochLine]) -> Option<Figure> {
    let names = lines.last()?.json["gradient_norms"].as_object()?;
    let curves: Vec<Curve> = names
        .keys()
        .enumerate()
        .map(|(index, name)| {
            let norm = |line: &EpochLine| {
                let mean = line.json["gradient_norms"][name]["mean"].as_f64();
                mean.filter(|mean| *mean > 0.0).unwrap_or(f64::NAN)
            };
            Curve::of(&name.replace("->", "→"), index, lines, norm)
        })
        .collect();
    let Span { low, high } = span(values_of(&curves).into_iter())?;
    let sheet = Sheet {
        name: "gradients",
        title: "Size of the gradient",
        y_label: "mean Euclidean norm over batches (logarithmic)",
        y: Span {
            low: low * 0.8,
            high: high * 1.25,
        },
        y_scale: Scale::Log,
        text: number,
        curves,
        chosen: None,
    };
    sheet.draw()
}

/// Synapses that deep rewiring moved, and those for which no pair was free.
fn rewiring(lines: &[&EpochLine]) -> Option<Figure> {
    let curves = vec![
        Curve::of("drawn anew", 0, lines, |l| l.number("rewired")),
        Curve::of("no pair free", 1, lines, |l| l.number("stuck")),
    ];
    let sheet = Sheet {
        name: "rewiring",
        title: "Deep rewiring",
        y_label: "synapses in the epoch",
        y: from_zero(values_of(&curves).into_iter()),
        y_scale: Scale::Linear,
        text: number,
        curves,
        chosen: None,
    };
    sheet.draw()
}

/// The learning rate, when it changes.
fn eta(lines: &[&EpochLine]) -> Option<Figure> {
    let curves = vec![Curve::of("learning rate", 0, lines, |l| l.number("eta"))];
    let values = || curves[0].points.iter().map(|p| p.1);
    let Span { low, high } = span(values())?;
    if low == high || low <= 0.0 {
        return None;
    }
    let wide = high / low > 10.0;
    let sheet = Sheet {
        name: "learning_rate",
        title: "Learning rate",
        y_label: "at the end of the epoch",
        y: if wide {
            with_room(low, high)
        } else {
            from_zero(values())
        },
        y_scale: if wide { Scale::Log } else { Scale::Linear },
        text: number,
        curves,
        chosen: None,
    };
    sheet.draw()
}

/// A chart of one quantity of several runs, or of the folds of one, in the colours of their groups.
pub struct Overlay {
    /// Name of the file.
    pub name: &'static str,
    /// The title: the quantity shown.
    pub title: &'static str,
    /// Quantity and unit.
    pub y_label: &'static str,
    /// The key of the metrics.
    pub key: &'static str,
    /// True if the value is a share that is shown in percent.
    pub is_share: bool,
}

/// Curves of one colour: a name, and the lines of each curve.
pub type CurveGroup<'a> = (String, Vec<Vec<&'a EpochLine>>);

impl Overlay {
    /// Thin lines for each curve, and where a group has several, their mean and the band of one
    /// standard deviation around it.
    pub fn draw(&self, groups: &[CurveGroup<'_>]) -> Option<Figure> {
        let scale = if self.is_share { 100.0 } else { 1.0 };
        let value = |line: &EpochLine| scale * line.number(self.key);
        let lines = || {
            groups
                .iter()
                .flat_map(|(_, curves)| curves.iter().flatten())
        };
        let values: Vec<f64> = lines().map(|line| value(line)).collect();
        span(values.iter().copied())?;
        let turns = span(lines().map(|line| line.turn()))?;
        let (ends, scale) = if self.is_share {
            (accuracy_axis(values.into_iter()), Scale::Linear)
        } else {
            loss_axis(&values)
        };
        let axes = Axes {
            name: self.name.to_owned(),
            title: self.title.to_owned(),
            x: epochs(turns),
            y: Axis {
                label: match scale {
                    Scale::Log => format!("{} (logarithmic)", self.y_label),
                    _ => self.y_label.to_owned(),
                },
                ends,
                scale,
            },
            height: HEIGHT,
        };
        let names = groups.iter().map(|(name, _)| name.as_str());
        let mut chart = Chart::with_legend(axes, names);
        let mut means = Vec::new();
        for (index, (name, curves)) in groups.iter().enumerate() {
            let ink = Ink::Series(index);
            let points = |lines: &Vec<&EpochLine>| -> Vec<Point> {
                lines.iter().map(|l| (l.turn(), value(l))).collect()
            };
            let all: Vec<Vec<Point>> = curves.iter().map(points).collect();
            let statistics = mean_and_deviation(&all);
            let at = |sign: f64| -> Vec<Point> {
                statistics
                    .iter()
                    .map(|&(x, mean, sd)| (x, mean + sign * sd))
                    .collect()
            };
            if all.len() > 1 {
                chart.band(&at(-1.0), &at(1.0), ink);
            }
            chart.line(&at(0.0), ink, false);
            chart.legend(ink, name, false);
            means.push(Curve {
                name: name.clone(),
                ink,
                points: at(0.0),
            });
        }
        let text = if self.is_share {
            |x: f64| percent(x / 100.0)
        } else {
            number
        };
        strips(&mut chart, &means, text);
        Some(chart.finish())
    }
}

/// Epoch, mean and standard deviation (n − 1) over the curves that reach it.
fn mean_and_deviation(curves: &[Vec<Point>]) -> Vec<(f64, f64, f64)> {
    let longest = curves.iter().max_by_key(|curve| curve.len());
    let turns = longest.into_iter().flatten().map(|p| p.0);
    let at = |turn: f64| {
        let values = curves
            .iter()
            .filter_map(|curve| curve.iter().find(|p| p.0 == turn));
        let values: Vec<f64> = values.map(|p| p.1).filter(|y| y.is_finite()).collect();
        let (mean, sd) = crate::statistics::mean_and_sd(&values)?;
        Some((turn, mean, sd.unwrap_or(0.0)))
    };
    turns.filter_map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_the_mean_of_its_curves() {
        let curves = [vec![(1.0, 2.0), (2.0, 3.0)], vec![(1.0, 4.0)]];
        let expected = [(1.0, 3.0, 2.0_f64.sqrt()), (2.0, 3.0, 0.0)];
        assert_eq!(mean_and_deviation(&curves), expected);
    }

    #[test]
    fn axes_of_accuracies_begin_at_round_numbers() {
        let span = |low, high| Span { low, high };
        assert_eq!(accuracy_axis([93.0, 98.0].into_iter()), span(90.0, 99.05));
        assert_eq!(accuracy_axis([f64::NAN].into_iter()), span(0.0, 100.0));
        assert_eq!(loss_axis(&[1.0, 0.01]), (span(0.01 * 0.9, 1.1), Scale::Log));
    }
}
