//! A figure with two axes.

use eventprop_params::wrap::wrapped;

use crate::figure::{Anchor, Figure, Ink, Point, Shape};

/// Width of every figure.
pub const WIDTH: f64 = 440.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 54.0;
const BOTTOM: f64 = 40.0;
const SMALL: u32 = 11;

/// Title and axes of a chart.
#[derive(Debug, Clone)]
pub struct Axes {
    /// Name of the file.
    pub name: String,
    /// The title: the quantity shown.
    pub title: String,
    /// The axis to the right.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// Height of the chart.
    pub height: f64,
}

/// One axis.
#[derive(Debug, Clone)]
pub struct Axis {
    /// Quantity and unit.
    pub label: String,
    /// Smallest and largest value.
    pub ends: Span,
    /// The scale of values.
    pub scale: Scale,
}

/// Smallest and largest of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

/// The scale of values along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// Evenly, with marks at whole numbers only.
    Whole,
    /// By their logarithms; they must be positive.
    Log,
}

impl Axis {
    /// An axis.
    pub fn new(label: impl Into<String>, low: f64, high: f64, scale: Scale) -> Self {
        Self {
            label: label.into(),
            ends: Span { low, high },
            scale,
        }
    }

    /// The place of a value between the ends, 0 to 1; values beyond them are at the ends.
    fn share(&self, value: f64) -> f64 {
        let Span { low, high } = self.ends;
        let share = match self.scale {
            Scale::Log => (value.max(low).ln() - low.ln()) / (high.ln() - low.ln()),
            Scale::Linear | Scale::Whole => (value - low) / (high - low),
        };
        share.clamp(0.0, 1.0)
    }

    /// About so many round values along the axis.
    fn marks(&self, about: usize) -> Vec<f64> {
        match self.scale {
            Scale::Log => decades(self.ends),
            Scale::Linear => nice_marks(self.ends, about),
            Scale::Whole => {
                let mut marks = nice_marks(self.ends, about);
                marks.retain(|mark| mark.fract() == 0.0);
                marks
            }
        }
    }
}

/// Width of a small text, on average of such letters; capitals are wider.
pub fn width_of(text: &str) -> f64 {
    let width = |letter: char| if letter.is_uppercase() { 7.6 } else { 6.2 };
    text.chars().map(width).sum()
}

/// Height of a row of the legend.
const LEGEND_ROW: f64 = 15.0;

/// The place at which an entry of the legend begins or ends.
#[derive(Debug, Clone, Copy)]
struct LegendPlace {
    x: f64,
    row: usize,
}

impl LegendPlace {
    const FIRST: Self = Self { x: LEFT, row: 0 };
}

/// An entry of the legend: where it begins, its lines, and where the next may begin.
#[derive(Debug)]
struct LegendEntry {
    begin: LegendPlace,
    lines: Vec<String>,
    end: LegendPlace,
}

impl LegendEntry {
    /// Behind an entry that ends at `x` in `row`, or in rows of its own where there is no room.
    fn behind(LegendPlace { x, row }: LegendPlace, text: &str) -> Self {
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
        Self {
            begin: LegendPlace { x, row },
            end: LegendPlace {
                x: end,
                row: row + lines.len() - 1,
            },
            lines,
        }
    }
}

/// A figure that is drawn in the values of its axes.
#[derive(Debug)]
pub struct Chart {
    axes: Axes,
    figure: Figure,
    top: f64,
    legend_end: LegendPlace,
}

impl Chart {
    /// The empty chart: title, axes, grid. Its legend has one row.
    pub fn new(axes: Axes) -> Self {
        Self::with_legend(axes, std::iter::empty())
    }

    /// The empty chart, higher by the rows that these entries of the legend need beyond one.
    pub fn with_legend<'a>(mut axes: Axes, entries: impl Iterator<Item = &'a str>) -> Self {
        let end = entries.fold(LegendPlace::FIRST, |end, text| {
            LegendEntry::behind(end, text).end
        });
        let more = LEGEND_ROW * end.row as f64;
        axes.height += more;
        let mut chart = Self {
            figure: Figure::new(&axes.name, &axes.title, (WIDTH, axes.height)),
            axes,
            top: TOP + more,
            legend_end: LegendPlace::FIRST,
        };
        chart.write_words();
        chart.draw_grid();
        chart
    }

    fn write_words(&mut self) {
        let axes = self.axes.clone();
        self.figure.title(&axes.title);
        let style = (SMALL, Anchor::Start, Ink::Muted);
        self.figure.text((0.0, 30.0), &axes.y.label, style);
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        let style = (SMALL, Anchor::Middle, Ink::Muted);
        self.figure
            .text((middle, axes.height - 6.0), &axes.x.label, style);
    }

    fn draw_grid(&mut self) {
        let bottom = self.bottom();
        let marks = self.axes.y.marks(5);
        for mark in &marks {
            let at = self.place((self.axes.x.ends.low, *mark)).1;
            let points = vec![(LEFT, at), (WIDTH - RIGHT, at)];
            self.line_of(points, Ink::Grid);
            let style = (SMALL, Anchor::End, Ink::Muted);
            self.figure
                .text((LEFT - 6.0, at + 4.0), &mark_text(*mark, &marks), style);
        }
        let marks = self.axes.x.marks(6);
        for mark in &marks {
            let at = self.place((*mark, self.axes.y.ends.low)).0;
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

    /// The place of values in the figure; values beyond the axes are at their ends.
    pub fn place(&self, (x, y): Point) -> Point {
        let (right, up) = (self.axes.x.share(x), self.axes.y.share(y));
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

    /// A dot at every value.
    pub fn dots(&mut self, values: &[Point], ink: Ink) {
        for &value in values {
            self.dot_at(self.place(value), 2.5, ink, "");
        }
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
        let (at, _) = self.place((x, self.axes.y.ends.low));
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
    pub fn bar(&mut self, foot: Span, value: f64, ink: Ink, tip: String) {
        let (left, top) = self.place((foot.low, value));
        let (right, _) = self.place((foot.high, value));
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
        let (x, y) = (entry.begin.x, height(entry.begin.row) - 4.0);
        self.figure.add(Shape::Key {
            at: (x, y),
            ink,
            dashed,
        });
        let style = (SMALL, Anchor::Start, Ink::Text);
        for (line, row) in entry.lines.iter().zip(entry.begin.row..) {
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
pub fn nice_marks(Span { low, high }: Span, about: usize) -> Vec<f64> {
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
fn decades(Span { low, high }: Span) -> Vec<f64> {
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
        return nice_marks(Span { low, high }, 4);
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
    // Marks of decades have each their own decimals.
    let least = all
        .iter()
        .filter(|x| **x > 0.0)
        .fold(largest, |least, x| least.min(*x));
    let alike = if largest > 50.0 * least {
        &[mark][..]
    } else {
        all
    };
    let decimals = (0..5).find(|&d| {
        let scale = 10.0_f64.powi(d);
        let whole = |x: &f64| (x * scale - (x * scale).round()).abs() < 1e-6 * scale.max(1.0);
        alike.iter().all(whole)
    });
    format!("{mark:.*}", decimals.unwrap_or(5) as usize)
}

/// Smallest and largest finite value; none when there is none.
pub fn span(values: impl Iterator<Item = f64>) -> Option<Span> {
    let finite = values.filter(|x| x.is_finite());
    finite.fold(None, |span, x| {
        let Span { low, high } = span.unwrap_or(Span { low: x, high: x });
        Some(Span {
            low: x.min(low),
            high: x.max(high),
        })
    })
}

/// An axis from zero, with room above.
pub fn from_zero(values: impl Iterator<Item = f64>) -> Span {
    let Span { low, high } = span(values).unwrap_or(Span {
        low: 0.0,
        high: 1.0,
    });
    let high = if high > 0.0 { high * 1.05 } else { 1.0 };
    Span {
        low: low.min(0.0),
        high,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes() -> Axes {
        Axes {
            name: "a".into(),
            title: "a".into(),
            x: Axis::new("c", 0.0, 10.0, Scale::Whole),
            y: Axis::new("b", 1.0, 100.0, Scale::Log),
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
        assert_eq!(
            nice_marks(
                Span {
                    low: 0.0,
                    high: 10.0
                },
                5
            ),
            [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        );
        assert_eq!(
            nice_marks(
                Span {
                    low: 1.0,
                    high: 2.0
                },
                2
            ),
            [1.0, 1.5, 2.0]
        );
        assert_eq!(
            nice_marks(
                Span {
                    low: 3.0,
                    high: 3.0
                },
                5
            ),
            [3.0]
        );
        assert_eq!(
            decades(Span {
                low: 0.01,
                high: 100.0
            }),
            [0.01, 0.1, 1.0, 10.0, 100.0]
        );
        assert_eq!(
            decades(Span {
                low: 0.9,
                high: 6.0
            }),
            [1.0, 2.0, 5.0]
        );
        assert_eq!(
            decades(Span {
                low: 2.1,
                high: 4.2
            }),
            [3.0, 4.0]
        );
    }

    #[test]
    fn marks_have_the_decimals_that_they_need() {
        let marks = [0.0, 0.25, 0.5];
        let texts: Vec<String> = marks.iter().map(|m| mark_text(*m, &marks)).collect();
        assert_eq!(texts, ["0", "0.25", "0.50"]);
        assert_eq!(mark_text(2000.0, &[1000.0, 2000.0]), "2000");
        assert_eq!(mark_text(1e-5, &[1e-5, 1e-4]), "1e-5");
        let marks = [1e-4, 0.001, 0.01, 0.1];
        let texts: Vec<String> = marks.iter().map(|m| mark_text(*m, &marks)).collect();
        assert_eq!(texts, ["1e-4", "0.001", "0.01", "0.1"]);
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
