//! The activity of every neuron in every epoch: silent ones, and since when.

use serde_json::Value as Json;

use crate::chart::{Axes, Axis, Chart, Scale, Span, WIDTH, from_zero, nice_marks};
use crate::figure::{Anchor, Figure, Ink, Point, Shape};
use crate::read::{EpochLine, RunRecord};

const SMALL: u32 = 11;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 58.0;
/// Rows and columns of a map at most; of more neurons or epochs several share one.
const ROWS: usize = 128;
const COLUMNS: usize = 130;
/// Steps of the scale of rates.
const LEVELS: usize = 9;

/// A map and a distribution for every hidden layer.
pub fn of_run(run: &RunRecord) -> Vec<Figure> {
    let fold = run.folds().first().copied().flatten();
    let lines: Vec<&EpochLine> = run
        .details
        .iter()
        .filter(|line| line.fold == fold)
        .collect();
    let Some(last) = lines.last() else {
        return Vec::new();
    };
    let populations = last.json["populations"].as_array();
    let names = populations
        .into_iter()
        .flatten()
        .filter_map(|p| p["name"].as_str());
    let hidden = names.filter(|name| *name != "input" && *name != "output");
    let mut figures = Vec::new();
    for name in hidden {
        let Some(layer) = Layer::new(name, &lines) else {
            continue;
        };
        figures.push(layer.map());
        figures.push(layer.rates());
    }
    figures
}

/// Spikes per sample of the neurons of a layer.
struct Layer<'a> {
    name: &'a str,
    /// The epochs, from 1.
    turns: Vec<f64>,
    /// `[epoch][neuron]`, neurons by falling rate in the last epoch.
    rates: Vec<Vec<f64>>,
}

impl<'a> Layer<'a> {
    fn new(name: &'a str, lines: &[&EpochLine]) -> Option<Self> {
        let of_line = |line: &&EpochLine| -> Option<Vec<f64>> {
            let populations = line.json["populations"].as_array()?;
            let population = populations.iter().find(|p| p["name"] == *name)?;
            let samples = population["samples"].as_f64()?.max(1.0);
            let spikes = population["spikes"].as_array()?.iter();
            Some(
                spikes
                    .filter_map(Json::as_f64)
                    .map(|n| n / samples)
                    .collect(),
            )
        };
        let rates: Vec<Vec<f64>> = lines.iter().filter_map(of_line).collect();
        let last = rates.last()?;
        let size = last.len();
        if size == 0 || rates.iter().any(|epoch| epoch.len() != size) {
            return None;
        }
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|a, b| last[*b].total_cmp(&last[*a]).then(a.cmp(b)));
        let sorted = |epoch: &Vec<f64>| order.iter().map(|&neuron| epoch[neuron]).collect();
        Some(Self {
            name,
            turns: lines.iter().map(|line| line.turn()).collect(),
            rates: rates.iter().map(sorted).collect(),
        })
    }

    fn size(&self) -> usize {
        self.rates[0].len()
    }

    fn max(&self) -> f64 {
        let all = self.rates.iter().flatten().copied();
        all.fold(0.0, f64::max).max(1e-9)
    }

    /// Columns are epochs, rows are neurons, darker is more active, the colour of alarm is silent.
    fn map(&self) -> Figure {
        let (rows, columns) = (self.size().min(ROWS), self.rates.len().min(COLUMNS));
        let tall = (rows as f64 * 6.0).clamp(90.0, 260.0);
        let title = format!("Activity of every neuron of {}", self.name);
        let name = format!("activity_{}", self.name);
        let mut figure = Figure::new(&name, &title, (WIDTH, TOP + tall + 40.0));
        self.words(&mut figure, &title, tall);
        let wide = WIDTH - LEFT - RIGHT;
        let (cell_wide, cell_tall) = (wide / columns as f64, tall / rows as f64);
        let mut of_ink: Vec<Vec<(Point, Point)>> = vec![Vec::new(); LEVELS + 2];
        for column in 0..columns {
            let levels: Vec<usize> = (0..rows).map(|row| self.level(row, column)).collect();
            // Neighbours of one colour become one rectangle.
            let mut row = 0;
            for same in levels.chunk_by(|a, b| a == b) {
                let at = (
                    LEFT + column as f64 * cell_wide,
                    TOP + row as f64 * cell_tall,
                );
                let size = (cell_wide, same.len() as f64 * cell_tall);
                of_ink[same[0]].push((at, size));
                row += same.len();
            }
        }
        for (level, cells) in of_ink.into_iter().enumerate() {
            let ink = if level == 0 {
                Ink::Alarm
            } else {
                Ink::Ramp(level - 1)
            };
            if !cells.is_empty() {
                figure.add(Shape::Cells { cells, ink });
            }
        }
        self.strips(&mut figure, tall);
        figure
    }

    /// 0 when silent, otherwise 1 to LEVELS + 1 by the logarithm of the rate below the largest.
    fn level(&self, row: usize, column: usize) -> usize {
        let (rows, columns) = (self.size().min(ROWS), self.rates.len().min(COLUMNS));
        let share = |index: usize, of: usize, all: usize| index * all / of..(index + 1) * all / of;
        let neurons = share(row, rows, self.size());
        let count = (neurons.len() * share(column, columns, self.rates.len()).len()) as f64;
        let epochs = &self.rates[share(column, columns, self.rates.len())];
        let cells = epochs.iter().flat_map(|epoch| &epoch[neurons.clone()]);
        let mean = cells.sum::<f64>() / count;
        if mean == 0.0 {
            return 0;
        }
        // Every step of the scale is a factor of two.
        let below = (self.max() / mean).log2().floor().max(0.0) as usize;
        1 + LEVELS - below.min(LEVELS)
    }

    fn words(&self, figure: &mut Figure, title: &str, tall: f64) {
        figure.title(title);
        let below = "neurons, the most active of the last epoch on top";
        figure.text((0.0, 30.0), below, (SMALL, Anchor::Start, Ink::Muted));
        self.legend(figure);
        let style = (SMALL, Anchor::End, Ink::Muted);
        figure.text((LEFT - 6.0, TOP + 9.0), "1", style);
        figure.text((LEFT - 6.0, TOP + tall), &self.size().to_string(), style);
        let (first, last) = (self.turns[0], self.turns[self.turns.len() - 1]);
        let epochs = Span {
            low: first,
            high: last,
        };
        let wide = WIDTH - LEFT - RIGHT;
        for mark in nice_marks(epochs, 6)
            .into_iter()
            .filter(|m| m.fract() == 0.0)
        {
            let share = (mark - first + 0.5) / (last - first + 1.0);
            let style = (SMALL, Anchor::Middle, Ink::Muted);
            figure.text(
                (LEFT + share * wide, TOP + tall + 15.0),
                &format!("{mark}"),
                style,
            );
        }
        let style = (SMALL, Anchor::Middle, Ink::Muted);
        figure.text((LEFT + wide / 2.0, TOP + tall + 32.0), "epoch", style);
    }

    fn legend(&self, figure: &mut Figure) {
        let (y, side) = (38.0, 11.0);
        let mut cell = |x: f64, ink: Ink| {
            figure.add(Shape::Cells {
                cells: vec![((x, y), (side, side))],
                ink,
            });
        };
        cell(LEFT, Ink::Alarm);
        let scale = LEFT + 110.0;
        for level in 0..=LEVELS {
            cell(scale + level as f64 * side, Ink::Ramp(level));
        }
        let style = (SMALL, Anchor::Start, Ink::Text);
        figure.text((LEFT + side + 5.0, y + 9.5), "silent", style);
        figure.text((scale - 32.0, y + 9.5), "little", style);
        let end = scale + (LEVELS + 1) as f64 * side + 5.0;
        let most = super::html::number(self.max());
        figure.text((end, y + 9.5), &format!("{most} spikes per sample"), style);
    }

    fn strips(&self, figure: &mut Figure, tall: f64) {
        let wide = (WIDTH - LEFT - RIGHT) / self.rates.len() as f64;
        let every = self.rates.len().div_ceil(COLUMNS);
        for (index, epoch) in self.rates.iter().enumerate().step_by(every) {
            let silent = epoch.iter().filter(|rate| **rate == 0.0).count();
            let turn = self.turns[index];
            figure.add(Shape::Rect {
                at: (LEFT + index as f64 * wide, TOP),
                size: (wide * every as f64, tall),
                ink: Ink::Clear,
                tip: format!("epoch {turn}\n{silent} of {} silent", epoch.len()),
            });
        }
    }

    /// The distribution of the neurons' rates in the first and the last epoch.
    fn rates(&self) -> Figure {
        const BINS: usize = 24;
        let (first, last) = (&self.rates[0], &self.rates[self.rates.len() - 1]);
        let max = first
            .iter()
            .chain(last)
            .copied()
            .fold(0.0, f64::max)
            .max(1e-9);
        let count = |rates: &[f64]| {
            let mut counts = vec![0_u32; BINS];
            for rate in rates {
                counts[((rate / max * BINS as f64) as usize).min(BINS - 1)] += 1;
            }
            counts
        };
        let (before, after) = (count(first), count(last));
        let highest = before.iter().chain(&after).map(|n| f64::from(*n));
        let mut chart = Chart::new(Axes {
            name: format!("rates_{}", self.name),
            title: format!("Rates of the neurons of {}", self.name),
            x: Axis::new("spikes per sample in training", 0.0, max, Scale::Linear),
            y: Axis {
                label: "number of neurons".to_owned(),
                ends: from_zero(highest),
                scale: Scale::Linear,
            },
            height: 230.0,
        });
        let width = max / BINS as f64;
        for (bin, &count) in after.iter().enumerate().filter(|(_, n)| **n > 0) {
            let (from, to) = (bin as f64 * width, (bin + 1) as f64 * width);
            let tip = format!("{count} neurons with {from:.2} to {to:.2} spikes per sample");
            let foot = Span {
                low: from + width * 0.05,
                high: to - width * 0.05,
            };
            chart.bar(foot, f64::from(count), Ink::Series(0), tip);
        }
        chart.line(&staircase(&before, 0.0, width), Ink::Series(1), false);
        chart.legend(
            Ink::Series(0),
            &format!("epoch {}", self.turns[self.turns.len() - 1]),
            false,
        );
        chart.legend(Ink::Series(1), &format!("epoch {}", self.turns[0]), false);
        chart.finish()
    }
}

/// The outline of a histogram.
fn staircase(counts: &[u32], start: f64, width: f64) -> Vec<Point> {
    let steps = counts.iter().enumerate().flat_map(|(bin, &count)| {
        let (from, to) = (start + bin as f64 * width, start + (bin + 1) as f64 * width);
        [(from, f64::from(count)), (to, f64::from(count))]
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Two epochs of three neurons; the one that falls silent is below the others.
    #[test]
    fn silent_neurons_are_told_from_quiet_ones() {
        let line = |epoch: u64, spikes: [u64; 3]| EpochLine {
            fold: None,
            epoch,
            json: json!({"populations": [{"name": "hidden", "samples": 4, "spikes": spikes}]}),
        };
        let lines = [line(0, [1, 8, 4]), line(1, [0, 8, 16])];
        let lines: Vec<&EpochLine> = lines.iter().collect();
        let layer = Layer::new("hidden", &lines).expect("a layer");
        assert_eq!(layer.rates, [[1.0, 2.0, 0.25], [4.0, 2.0, 0.0]]);
        let levels: Vec<usize> = (0..3).map(|row| layer.level(row, 1)).collect();
        assert_eq!(levels, [10, 9, 0]);
        assert!(layer.map().inline_svg().contains("1 of 3 silent"));
        assert_eq!(staircase(&[2], 1.0, 0.5), [(1.0, 2.0), (1.5, 2.0)]);
    }
}
