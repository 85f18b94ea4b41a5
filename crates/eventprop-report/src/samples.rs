//! Samples looked at closely: spikes of all layers, and potentials and adjoints of a few neurons.

use serde_json::Value as Json;

use crate::chart::{Axes, Axis, Chart, Scale, Span, WIDTH, nice_marks, span};
use crate::figure::{Anchor, Figure, Ink, Point, Shape};
use crate::read::{RunRecord, class_name};

const SMALL: u32 = 11;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 12.0;

/// A recorded variable and the words for it.
struct Variable {
    key: &'static str,
    title: &'static str,
    unit: &'static str,
}

const VOLTAGE: Variable = Variable {
    key: "V",
    title: "Membrane potential V",
    unit: "in units of the threshold",
};
const LAMBDA_V: Variable = Variable {
    key: "lambda_V",
    title: "Adjoint λ_V",
    unit: "loss per unit of V",
};
const LAMBDA_I: Variable = Variable {
    key: "lambda_I",
    title: "Adjoint λ_I",
    unit: "loss per unit of I",
};

/// Part of a drawing from one side to the other.
#[derive(Clone, Copy)]
struct Band {
    top: f64,
    height: f64,
}

/// One recording of a run.
pub struct Sample<'a> {
    json: &'a Json,
    /// Names of the classes, if they have names.
    names: &'a Json,
    trial_ms: f64,
}

/// The recordings of a run.
pub fn of_run(run: &RunRecord) -> Vec<Sample<'_>> {
    let trial_ms = run.report_file["trial_ms"].as_f64().unwrap_or(1.0);
    let recordings = run.report_file["recordings"].as_array();
    let all = recordings.into_iter().flatten();
    let sample = |json| Sample {
        json,
        names: &run.report_file["class_names"],
        trial_ms,
    };
    all.map(sample).collect()
}

impl Sample<'_> {
    /// Its class, and whether and what it was taken for.
    pub fn name(&self) -> String {
        let name = |class: &Json| class.as_u64().map(|class| class_name(self.names, class));
        let label = name(&self.json["label"]).unwrap_or_default();
        match name(&self.json["prediction"]) {
            Some(_) if self.is_right() => format!("class {label}, correct"),
            Some(seen) => format!("class {label}, taken for {seen}"),
            None => format!("class {label}, no output spike"),
        }
    }

    /// True if the prediction is correct.
    pub fn is_right(&self) -> bool {
        self.json["prediction"] == self.json["label"]
    }

    /// Its place in its part of the data, and its loss.
    pub fn about(&self) -> String {
        let loss = self.json["loss"].as_f64().unwrap_or(f64::NAN);
        format!(
            "sample {}, loss {}",
            self.json["place"],
            super::html::number(loss)
        )
    }

    fn stem(&self) -> String {
        format!("sample_{}", self.json["place"])
    }

    /// All figures.
    pub fn figures(&self) -> Vec<Figure> {
        let mut figures = vec![self.raster()];
        for layer in self.layers() {
            for variable in [&VOLTAGE, &LAMBDA_V] {
                figures.extend(self.traces(layer, variable));
            }
        }
        if let Some(layer) = self.layers().first() {
            figures.extend(self.traces(layer, &LAMBDA_I));
        }
        figures
    }

    /// Populations with traces, the output first.
    fn layers(&self) -> Vec<&str> {
        let traces = self.json["traces"].as_array();
        let names = traces.into_iter().flatten();
        let mut names: Vec<&str> = names.filter_map(|t| t["population"].as_str()).collect();
        names.dedup();
        names.reverse();
        names
    }

    /// Spikes of every population, one below the other.
    fn raster(&self) -> Figure {
        const PANEL: f64 = 92.0;
        const GAP: f64 = 22.0;
        let empty = Vec::new();
        let populations: Vec<&Json> = self.json["spikes"]
            .as_array()
            .unwrap_or(&empty)
            .iter()
            .collect();
        // Leaky integrators never spike: an empty panel would say that they could.
        let spiking = populations.iter().filter(|p| {
            p["population"] != "output" || p["times_ms"].as_array().is_some_and(|t| !t.is_empty())
        });
        let spiking: Vec<&Json> = spiking.copied().collect();
        let height = 30.0 + spiking.len() as f64 * (PANEL + GAP) + 34.0;
        let title = format!("Spikes, {}", self.name());
        let mut figure = Figure::new(&format!("{}_spikes", self.stem()), &title, (WIDTH, height));
        figure.title(&title);
        for (index, population) in spiking.iter().enumerate() {
            let top = 30.0 + GAP + index as f64 * (PANEL + GAP);
            let band = Band { top, height: PANEL };
            self.panel(&mut figure, population, band, index);
        }
        self.time_axis(&mut figure, height - 34.0);
        figure
    }

    fn right_of(&self, time_ms: f64) -> f64 {
        LEFT + (time_ms / self.trial_ms).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn panel(&self, figure: &mut Figure, population: &Json, band: Band, index: usize) {
        let Band { top, height } = band;
        let size = population["size"].as_f64().unwrap_or(1.0).max(1.0);
        let times = numbers(&population["times_ms"]);
        let neurons = numbers(&population["neurons"]);
        let name = population["population"].as_str().unwrap_or("");
        let text = format!("{name}: {} spikes of {size} neurons", times.len());
        figure.text((LEFT, top - 6.0), &text, (SMALL, Anchor::Start, Ink::Text));
        figure.add(Shape::Cells {
            cells: vec![((LEFT, top), (WIDTH - LEFT - RIGHT, height))],
            ink: Ink::Ramp(0),
        });
        let mark = (height / size).clamp(1.6, 9.0);
        let place = |(t, n): (&f64, &f64)| {
            let y = top + (n + 0.5) / size * height - mark / 2.0;
            (self.right_of(*t), y)
        };
        figure.add(Shape::Marks {
            points: times.iter().zip(&neurons).map(place).collect(),
            height: mark,
            ink: Ink::Series(index),
        });
        let style = (SMALL, Anchor::End, Ink::Muted);
        figure.text((LEFT - 6.0, top + 9.0), "0", style);
        figure.text(
            (LEFT - 6.0, top + height),
            &format!("{}", size - 1.0),
            style,
        );
    }

    fn time_axis(&self, figure: &mut Figure, y: f64) {
        let trial = Span {
            low: 0.0,
            high: self.trial_ms,
        };
        for mark in nice_marks(trial, 6) {
            let x = self.right_of(mark);
            figure.add(Shape::Line {
                points: vec![(x, y), (x, y + 4.0)],
                ink: Ink::Axis,
                width: 1.0,
                dashed: false,
            });
            figure.text(
                (x, y + 17.0),
                &format!("{mark}"),
                (SMALL, Anchor::Middle, Ink::Muted),
            );
        }
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        figure.text(
            (middle, y + 31.0),
            "time in the trial (ms)",
            (SMALL, Anchor::Middle, Ink::Muted),
        );
    }

    /// A variable of the traced neurons of a population.
    fn traces(&self, layer: &str, variable: &Variable) -> Option<Figure> {
        let spacing_ms = self.json["spacing_ms"].as_f64()?;
        let traces = self.json["traces"].as_array()?.iter();
        let traces: Vec<&Json> = traces.filter(|t| t["population"] == *layer).collect();
        let lines: Vec<(String, Vec<Point>)> = traces
            .iter()
            .map(|trace| {
                let values = numbers(&trace[variable.key]).into_iter().enumerate();
                let points = values.map(|(k, v)| (k as f64 * spacing_ms, v)).collect();
                let neuron = trace["neuron"].to_string();
                (legend_of(layer, &neuron, self.json), points)
            })
            .collect();
        let Span { low, high } = span(lines.iter().flat_map(|(_, p)| p.iter().map(|p| p.1)))?;
        let room = ((high - low) * 0.06).max(1e-12);
        let axes = Axes {
            name: format!("{}_{layer}_{}", self.stem(), variable.key),
            title: format!("{} of {layer}", variable.title),
            x: Axis::new("time in the trial (ms)", 0.0, self.trial_ms, Scale::Linear),
            y: Axis::new(variable.unit, low - room, high + room, Scale::Linear),
            height: 220.0,
        };
        let names = lines.iter().map(|(name, _)| name.as_str());
        let mut chart = Chart::with_legend(axes, names);
        for (index, (name, points)) in lines.iter().enumerate() {
            let ink = Ink::Series(index);
            chart.line(points, ink, false);
            chart.legend(ink, name, false);
        }
        Some(chart.finish())
    }
}

/// The number of a neuron; of an output the class, and whether it is the right one.
fn legend_of(layer: &str, neuron: &str, sample: &Json) -> String {
    if layer == "output"
        && sample["label"].as_u64().map(|l| l.to_string()).as_deref() == Some(neuron)
    {
        format!("{neuron} (class)")
    } else if layer == "output" {
        neuron.to_owned()
    } else {
        format!("neuron {neuron}")
    }
}

fn numbers(json: &Json) -> Vec<f64> {
    let list = json.as_array().into_iter().flatten();
    list.filter_map(Json::as_f64).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sample_says_what_it_was_taken_for() {
        let named = |prediction: Json, names: &Json| {
            let json = json!({"label": 1, "prediction": prediction});
            Sample {
                json: &json,
                names,
                trial_ms: 1.0,
            }
            .name()
        };
        let name = |prediction| named(prediction, &Json::Null);
        assert_eq!(name(json!(1)), "class 1, correct");
        assert_eq!(name(json!(2)), "class 1, taken for 2");
        assert_eq!(name(Json::Null), "class 1, no output spike");
        let names = json!(["yin", "yang", "dot"]);
        assert_eq!(named(json!(2), &names), "class yang, taken for dot");
    }

    #[test]
    fn spikes_and_traces_are_drawn() {
        let json = json!({
            "place": 3, "label": 0, "prediction": 0, "loss": 0.5, "spacing_ms": 1.0,
            "spikes": [{"population": "input", "size": 2, "times_ms": [5.0], "neurons": [1]}],
            "traces": [
                {"population": "output", "neuron": 0, "V": [0.0, 1.0], "lambda_V": [0.0, -1.0], "lambda_I": [0.0, 2.0]},
            ],
        });
        let sample = Sample {
            json: &json,
            names: &Json::Null,
            trial_ms: 10.0,
        };
        let figures = sample.figures();
        let names: Vec<&str> = figures.iter().map(|f| f.name.as_str()).collect();
        let expected = ["spikes", "output_V", "output_lambda_V", "output_lambda_I"];
        assert_eq!(names, expected.map(|name| format!("sample_3_{name}")));
        // Half of the trial is in the middle between the ends of the axis.
        assert!(
            figures[0].inline_svg().contains("M239 "),
            "{}",
            figures[0].inline_svg()
        );
    }
}
