//! A figure with two axes.

use super::figure::{Anchor, Figure, Ink, Point, Shape};
use eventprop_params::wrap::wrapped;

/// Width of every figure.
pub const WIDTH: f64 = 440.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 54.0;
const BOTTOM: f64 = 40.0;
const SMALL: u32 = 11;

/// What the axes show.
#[derive(Debug, Clone)]
pub struct Axes {
    /// Name of the file.
    pub name: String,
    /// What the figure shows.
    pub title: String,
    /// Quantity and unit upwards.
    pub y_label: String,
    /// Quantity and unit to the right.
    pub x_label: String,
    /// Smallest and largest value to the right.
    pub x: (f64, f64),
    /// Smallest and largest value upwards.
    pub y: (f64, f64),
    /// Whether the values upwards are drawn by their logarithms; they must be positive then.
    pub y_log: bool,
    /// Whether only whole numbers are marked to the right.
    pub x_whole: bool,
    /// Height of the figure.
    pub height: f64,
}

/// Width of a small text, on average of such letters; capitals are wider.
pub fn width_of(text: &str) -> f64 {
    let width = |letter: char| if letter.is_uppercase() { 7.6 } else { 6.2 };
    text.chars().map(width).sum()
}

/// Height of a row of the legend.
const LEGEND_ROW: f64 = 15.0;

/// An entry of the legend: where it begins, in which row, its lines, and where the next may begin.
#[derive(Debug)]
struct LegendEntry {
    x: f64,
    row: usize,
    lines: Vec<String>,
    end: (f64, usize),
}

impl LegendEntry {
    /// Behind an entry that ends at `x` in `row`, or in rows of its own where there is no room.
    fn behind((x, row): (f64, usize), text: &str) -> Self {
        // A stroke, the text, the gaps behind them.
        let around = 32.0;
        let lines = wrapped(text, WIDTH - LEFT - around, width_of);
        let width = around + width_of(&lines[0]);
        let fits = lines.len() == 1 && x + width <= WIDTH;
        let (x, row) = if fits || x <= LEFT {
            (x, row)
        } else {
            (LEFT, row + 1)
        };
        let end = if lines.len() == 1 { x + width } else { WIDTH };
        let end = (end, row + lines.len() - 1);
        Self { x, row, lines, end }
    }
}

/// A figure that is drawn in the values of its axes.
#[derive(Debug)]
pub struct Chart {
    axes: Axes,
    figure: Figure,
    top: f64,
    legend_end: (f64, usize),
}

impl Chart {
    /// The empty chart: title, axes, grid. Its legend has one row.
    pub fn new(axes: Axes) -> Self {
        Self::with_legend(axes, std::iter::empty())
    }

    /// The empty chart, higher by the rows that these entries of the legend need beyond one.
    pub fn with_legend<'a>(mut axes: Axes, entries: impl Iterator<Item = &'a str>) -> Self {
        let (_, row) = entries.fold((LEFT, 0), |end, text| LegendEntry::behind(end, text).end);
        let more = LEGEND_ROW * row as f64;
        axes.height += more;
        let mut chart = Self {
            figure: Figure::new(&axes.name, &axes.title, (WIDTH, axes.height)),
            axes,
            top: TOP + more,
            legend_end: (LEFT, 0),
        };
        chart.write_words();
        chart.draw_grid();
        chart
    }

    fn write_words(&mut self) {
        let axes = self.axes.clone();
        self.figure.add(Shape::Text {
            at: (0.0, 14.0),
            text: axes.title,
            size: 13,
            anchor: Anchor::Start,
            ink: Ink::Text,
            bold: true,
        });
        let style = (SMALL, Anchor::Start, Ink::Muted);
        self.figure.text((0.0, 30.0), &axes.y_label, style);
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        let style = (SMALL, Anchor::Middle, Ink::Muted);
        self.figure
            .text((middle, axes.height - 6.0), &axes.x_label, style);
    }

    fn draw_grid(&mut self) {
        let (y, bottom) = (self.axes.y, self.bottom());
        let marks = if self.axes.y_log {
            decades(y)
        } else {
            nice_marks(y, 5)
        };
        for mark in &marks {
            let at = self.place((self.axes.x.0, *mark)).1;
            let points = vec![(LEFT, at), (WIDTH - RIGHT, at)];
            self.line_of(points, Ink::Grid);
            let style = (SMALL, Anchor::End, Ink::Muted);
            self.figure
                .text((LEFT - 6.0, at + 4.0), &mark_text(*mark, &marks), style);
        }
        let mut marks = nice_marks(self.axes.x, 6);
        if self.axes.x_whole {
            marks.retain(|mark| mark.fract() == 0.0);
        }
        for mark in &marks {
            let at = self.place((*mark, y.0)).0;
            self.line_of(vec![(at, bottom), (at, bottom + 4.0)], Ink::Axis);
            let style = (SMALL, Anchor::Middle, Ink::Muted);
            self.figure
                .text((at, bottom + 17.0), &mark_text(*mark, &marks), style);
        }
        self.line_of(vec![(LEFT, bottom), (WIDTH - RIGHT, bottom)], Ink::Axis);
    }

    fn line_of(&mut self, points: Vec<Point>, ink: Ink) {
        self.figure.add(Shape::Line {
            points,
            ink,
            width: 1.0,
            dashed: false,
        });
    }

    fn bottom(&self) -> f64 {
        self.axes.height - BOTTOM
    }

    /// Where values are in the figure; values beyond the axes are at their ends.
    pub fn place(&self, (x, y): Point) -> Point {
        let share =
            |value: f64, (low, high): (f64, f64)| ((value - low) / (high - low)).clamp(0.0, 1.0);
        let up = if self.axes.y_log {
            let (low, high) = self.axes.y;
            share(y.max(low).ln(), (low.ln(), high.ln()))
        } else {
            share(y, self.axes.y)
        };
        let right = share(x, self.axes.x);
        (
            LEFT + right * (WIDTH - LEFT - RIGHT),
            self.bottom() - up * (self.bottom() - self.top),
        )
    }

    /// A line through values; gaps where they are not finite.
    pub fn line(&mut self, values: &[Point], ink: Ink, dashed: bool) {
        let finite = |p: &Point| p.0.is_finite() && p.1.is_finite();
        for piece in values.split(|p| !finite(p)).filter(|p| !p.is_empty()) {
            let points: Vec<Point> = thin(piece).iter().map(|&p| self.place(p)).collect();
            if let [alone] = points[..] {
                self.dot_at(alone, 2.5, ink, "");
            } else {
                self.figure.add(Shape::Line {
                    points,
                    ink,
                    width: 1.8,
                    dashed,
                });
            }
        }
    }

    /// The area between two lines over the same places.
    pub fn band(&mut self, lower: &[Point], upper: &[Point], ink: Ink) {
        let around = lower.iter().chain(upper.iter().rev());
        let points = around.map(|&p| self.place(p)).collect();
        self.figure.add(Shape::Area { points, ink });
    }

    fn dot_at(&mut self, at: Point, radius: f64, ink: Ink, tip: &str) {
        self.figure.add(Shape::Dot {
            at,
            radius,
            ink,
            tip: tip.to_owned(),
        });
    }

    /// A dashed upright line with a word.
    pub fn upright(&mut self, x: f64, word: &str) {
        let (at, _) = self.place((x, self.axes.y.0));
        self.figure.add(Shape::Line {
            points: vec![(at, self.top), (at, self.bottom())],
            ink: Ink::Axis,
            width: 1.0,
            dashed: true,
        });
        let right = at > WIDTH * 0.7;
        let anchor = if right { Anchor::End } else { Anchor::Start };
        let x = if right { at - 4.0 } else { at + 4.0 };
        self.figure
            .text((x, self.top + 9.0), word, (SMALL, anchor, Ink::Muted));
    }

    /// An upright strip around a place that says something under the pointer.
    pub fn strip(&mut self, from: f64, to: f64, tip: String) {
        let (left, top) = self.place((from, f64::INFINITY));
        let (right, _) = self.place((to, 0.0));
        self.figure.add(Shape::Rect {
            at: (left, top),
            size: (right - left, self.bottom() - top),
            ink: Ink::Clear,
            tip,
        });
    }

    /// A bar from the axis up.
    pub fn bar(&mut self, (from, to): (f64, f64), value: f64, ink: Ink, tip: String) {
        let (left, top) = self.place((from, value));
        let (right, _) = self.place((to, value));
        self.figure.add(Shape::Rect {
            at: (left, top),
            size: ((right - left).max(0.6), self.bottom() - top),
            ink,
            tip,
        });
    }

    /// An entry of the legend, one after the other.
    pub fn legend(&mut self, ink: Ink, text: &str, dashed: bool) {
        let entry = LegendEntry::behind(self.legend_end, text);
        self.legend_end = entry.end;
        let height = |row: usize| 43.0 + LEGEND_ROW * row as f64;
        let (x, y) = (entry.x, height(entry.row) - 4.0);
        self.figure.add(Shape::Line {
            points: vec![(x, y), (x + 16.0, y)],
            ink,
            width: 3.0,
            dashed,
        });
        let style = (SMALL, Anchor::Start, Ink::Text);
        for (line, row) in entry.lines.iter().zip(entry.row..) {
            self.figure.text((x + 20.0, height(row)), line, style);
        }
    }

    /// The finished figure.
    pub fn finish(self) -> Figure {
        self.figure
    }
}

/// Points that a line can show: of more, the smallest and the largest of every group.
fn thin(points: &[Point]) -> Vec<Point> {
    const MOST: usize = 800;
    if points.len() <= MOST {
        return points.to_vec();
    }
    let group = points.len().div_ceil(MOST / 2);
    let mut thinned = Vec::new();
    for points in points.chunks(group) {
        let by_value = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
        let low = *points
            .iter()
            .min_by(by_value)
            .expect("a chunk is not empty");
        let high = *points
            .iter()
            .max_by(by_value)
            .expect("a chunk is not empty");
        let mut both = [low, high];
        both.sort_by(|a, b| a.0.total_cmp(&b.0));
        thinned.extend(both);
    }
    thinned
}

/// Round numbers between two values, about so many.
pub fn nice_marks((low, high): (f64, f64), about: usize) -> Vec<f64> {
    let rough = (high - low) / about as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return vec![low];
    }
    let power = 10.0_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
    let step = steps.into_iter().find(|s| *s >= rough * 0.999);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// Powers of ten between two positive values; with few of them also their doubles and fivefolds, and round numbers
/// where there is no more than one of those.
fn decades((low, high): (f64, f64)) -> Vec<f64> {
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let factors: &[f64] = if high / low > 200.0 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let of = |power: i32| factors.iter().map(move |f| f * 10.0_f64.powi(power));
    let all: Vec<f64> = powers.flat_map(of).collect();
    let inside = |mark: &f64| *mark >= low * 0.999 && *mark <= high * 1.001;
    let marks: Vec<f64> = all.into_iter().filter(inside).collect();
    if marks.len() < 2 {
        return nice_marks((low, high), 4);
    }
    let every = marks.len().div_ceil(7);
    marks.into_iter().step_by(every).collect()
}

/// A mark with as many decimals as all of its kind need.
fn mark_text(mark: f64, all: &[f64]) -> String {
    let largest = all.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    if mark == 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e6).contains(&largest) || (mark.abs() < 1e-3 && largest < 1e3) {
        return format!("{mark:.0e}");
    }
    let decimals = (0..5).find(|&d| {
        let scale = 10.0_f64.powi(d);
        let whole = |x: &f64| (x * scale - (x * scale).round()).abs() < 1e-6 * scale.max(1.0);
        all.iter().all(whole)
    });
    format!("{mark:.*}", decimals.unwrap_or(5) as usize)
}

/// Smallest and largest finite value; none when there is none.
pub fn span(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.filter(|x| x.is_finite());
    finite.fold(None, |span, x| {
        let (low, high) = span.unwrap_or((x, x));
        Some((x.min(low), x.max(high)))
    })
}

/// An axis from zero, with room above.
pub fn from_zero(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = span(values).unwrap_or((0.0, 1.0));
    let high = if high > 0.0 { high * 1.05 } else { 1.0 };
    (low.min(0.0), high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes() -> Axes {
        Axes {
            name: "a".into(),
            title: "a".into(),
            y_label: "b".into(),
            x_label: "c".into(),
            x: (0.0, 10.0),
            y: (1.0, 100.0),
            y_log: true,
            x_whole: true,
            height: 200.0,
        }
    }

    /// 440 wide from 50 on: two short names share a row, long ones have one each, and longer ones two.
    #[test]
    fn a_chart_is_as_high_as_its_legend_needs() {
        let height = |entries: &[&str]| {
            let chart = Chart::with_legend(axes(), entries.iter().copied());
            assert_eq!(chart.place((0.0, 100.0)).1 - TOP, chart.axes.height - 200.0);
            chart.axes.height
        };
        let long = "LBD_UPPER=1e-8 LBD_LOWER=1e-8 NU_UPPER=5.0";
        assert_eq!(height(&[]), 200.0);
        assert_eq!(height(&["training", "validation"]), 200.0);
        assert_eq!(height(&[long]), 200.0);
        assert_eq!(height(&[long; 3]), 200.0 + 2.0 * LEGEND_ROW);
        let longer = format!("{long} AVG_SNSUM=true HIDDEN_OUTPUT_STD=0.3");
        assert_eq!(height(&["training", &longer]), 200.0 + 2.0 * LEGEND_ROW);
        assert_eq!(height(&[&longer, "training"]), 200.0 + 2.0 * LEGEND_ROW);
    }

    #[test]
    fn marks_are_round_numbers_within_the_axis() {
        assert_eq!(nice_marks((0.0, 10.0), 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(nice_marks((1.0, 2.0), 2), [1.0, 1.5, 2.0]);
        assert_eq!(nice_marks((3.0, 3.0), 5), [3.0]);
        assert_eq!(decades((0.01, 100.0)), [0.01, 0.1, 1.0, 10.0, 100.0]);
        assert_eq!(decades((0.9, 6.0)), [1.0, 2.0, 5.0]);
        assert_eq!(decades((2.1, 4.2)), [3.0, 4.0]);
    }

    #[test]
    fn marks_have_the_decimals_that_they_need() {
        let marks = [0.0, 0.25, 0.5];
        let texts: Vec<String> = marks.iter().map(|m| mark_text(*m, &marks)).collect();
        assert_eq!(texts, ["0", "0.25", "0.50"]);
        assert_eq!(mark_text(2000.0, &[1000.0, 2000.0]), "2000");
        assert_eq!(mark_text(1e-5, &[1e-5, 1e-4]), "1e-5");
    }

    #[test]
    fn a_thinned_line_keeps_its_extremes() {
        let mut points: Vec<Point> = (0..10_000).map(|x| (f64::from(x), 0.0)).collect();
        points[5003].1 = 9.0;
        let thinned = thin(&points);
        assert!(thinned.len() <= 800 && thinned.contains(&(5003.0, 9.0)));
    }

    #[test]
    fn values_are_placed_between_the_ends() {
        let chart = Chart::new(axes());
        assert_eq!(chart.place((0.0, 1.0)), (LEFT, 160.0));
        assert_eq!(chart.place((10.0, 100.0)), (WIDTH - RIGHT, TOP));
        let (_, middle) = chart.place((0.0, 10.0));
        assert!((middle - f64::midpoint(TOP, 160.0)).abs() < 1e-9);
    }
}
