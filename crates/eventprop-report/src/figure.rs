//! A drawing as a list of shapes, written as SVG into a page or as an SVG file.
//!
//! Colours are roles, not values: the page gives them values for light, dark and paper, files get the
//! light ones. All coordinates are pixels of a drawing that is about as wide as a phone, so that text
//! keeps its size there.

use std::fmt::Write;

use crate::html::escape;

/// A colour by its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Text that matters.
    Text,
    /// Text beside it.
    Muted,
    /// Axes.
    Axis,
    /// Lines of a grid.
    Grid,
    /// Line or bar number so and so, counted round.
    Series(usize),
    /// A step of the scale from nothing (0) to much (9).
    Ramp(usize),
    /// Text on the far half of that scale.
    OnRamp,
    /// Marks that catch the eye: silent neurons, mistakes.
    Alarm,
    /// Nothing; for areas that only answer the pointer.
    Clear,
    /// This red, green and blue, for pictures of values whose colours have a meaning.
    Rgb([u8; 3]),
}

/// Colours of series that people with any colour vision tell apart (after Okabe & Ito 2008), and the
/// other roles, on white.
const SERIES: [&str; 8] = [
    "#0072b2", "#d55e00", "#00855f", "#b4579a", "#a97400", "#3796cf", "#5b6470", "#6a51a3",
];
/// A scale of one hue whose lightness falls evenly.
const RAMP: [&str; 10] = [
    "#f3f6fa", "#dde9f4", "#c4daee", "#a6c9e5", "#83b4d9", "#5f9dcb", "#3f84ba", "#266aa5",
    "#13508a", "#08376b",
];

impl Ink {
    fn variable(self) -> String {
        match self {
            Self::Text => "var(--ink)".to_owned(),
            Self::Muted => "var(--muted)".to_owned(),
            Self::Axis => "var(--axis)".to_owned(),
            Self::Grid => "var(--grid)".to_owned(),
            Self::Series(n) => format!("var(--c{})", n % SERIES.len()),
            Self::Ramp(level) => format!("var(--r{})", level.min(RAMP.len() - 1)),
            Self::OnRamp => "var(--on-ramp)".to_owned(),
            Self::Alarm => "var(--alarm)".to_owned(),
            Self::Clear => "transparent".to_owned(),
            Self::Rgb(_) => self.on_white(),
        }
    }

    /// The colour on white as `#rrggbb`; `none` for nothing.
    pub fn on_white(self) -> String {
        match self {
            Self::Text => "#1b1f24",
            Self::Muted => "#56606b",
            Self::Axis => "#8a939d",
            Self::Grid => "#e3e7eb",
            Self::Series(n) => SERIES[n % SERIES.len()],
            Self::Ramp(level) => RAMP[level.min(RAMP.len() - 1)],
            Self::OnRamp => "#ffffff",
            Self::Alarm => "#d55e00",
            Self::Clear => "none",
            Self::Rgb([red, green, blue]) => return format!("#{red:02x}{green:02x}{blue:02x}"),
        }
        .to_owned()
    }

    fn written(self, paint: Paint) -> String {
        match paint {
            Paint::Page => self.variable(),
            Paint::File => self.on_white(),
        }
    }
}

/// The source of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paint {
    /// From the style of the page.
    Page,
    /// Light ones, written out.
    File,
}

/// The end of a text that stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its start.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A point of the drawing.
pub type Point = (f64, f64);

/// One shape.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A line through points.
    Line {
        /// The points.
        points: Vec<Point>,
        /// Its colour.
        ink: Ink,
        /// Its width.
        width: f64,
        /// True for a dashed line.
        dashed: bool,
    },
    /// The short line before an entry of a legend. On a page, a click on it or on the text after it hides what has its
    /// colour and dashes.
    Key {
        /// Its left end.
        at: Point,
        /// Its colour.
        ink: Ink,
        /// True for a dashed line.
        dashed: bool,
    },
    /// A lightly filled area.
    Area {
        /// Its outline.
        points: Vec<Point>,
        /// Its colour.
        ink: Ink,
    },
    /// A filled rectangle that may say something.
    Rect {
        /// Upper left corner.
        at: Point,
        /// Width and height.
        size: Point,
        /// Its colour.
        ink: Ink,
        /// The text under the pointer.
        tip: String,
    },
    /// Filled rectangles of one colour.
    Cells {
        /// Upper left corner, width and height of each.
        cells: Vec<(Point, Point)>,
        /// Their colour.
        ink: Ink,
    },
    /// Short upright marks.
    Marks {
        /// Their upper ends.
        points: Vec<Point>,
        /// Their height.
        height: f64,
        /// Their colour.
        ink: Ink,
    },
    /// A dot that may say something.
    Dot {
        /// Its middle.
        at: Point,
        /// Its radius.
        radius: f64,
        /// Its colour.
        ink: Ink,
        /// The text under the pointer.
        tip: String,
    },
    /// Text.
    Text {
        /// The place of the base line.
        at: Point,
        /// The text.
        text: String,
        /// Height of its letters.
        size: u32,
        /// The end that is there.
        anchor: Anchor,
        /// Its colour.
        ink: Ink,
        /// True for bold text.
        bold: bool,
    },
}

/// A drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Name of its file, without extension.
    pub name: String,
    /// The description for those who do not see it.
    pub title: String,
    /// Width and height.
    pub size: Point,
    /// Its shapes, from back to front.
    pub shapes: Vec<Shape>,
}

impl Figure {
    /// An empty drawing.
    pub fn new(name: &str, title: &str, size: Point) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            size,
            shapes: Vec::new(),
        }
    }

    /// Adds a shape in front of the others.
    pub fn add(&mut self, shape: Shape) {
        self.shapes.push(shape);
    }

    /// Adds text.
    pub fn text(&mut self, at: Point, text: &str, (size, anchor, ink): (u32, Anchor, Ink)) {
        self.add(Shape::Text {
            at,
            text: text.to_owned(),
            size,
            anchor,
            ink,
            bold: false,
        });
    }

    /// For the page.
    pub fn inline_svg(&self) -> String {
        self.svg(Paint::Page)
    }

    /// For a file of its own.
    pub fn file_svg(&self) -> String {
        self.svg(Paint::File)
    }

    fn svg(&self, paint: Paint) -> String {
        let (width, height) = self.size;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\" font-family=\"system-ui,sans-serif\"",
            short(width),
            short(height),
            escape(&self.title)
        );
        if paint == Paint::File {
            write!(
                out,
                " width=\"{}\" height=\"{}\"",
                short(width),
                short(height)
            )
            .expect(WRITES);
        }
        out.push('>');
        if paint == Paint::File {
            out.push_str("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
        }
        for shape in &self.shapes {
            write_shape(&mut out, shape, paint);
        }
        out.push_str("</svg>");
        out
    }

    /// Adds a title at the upper left.
    pub fn title(&mut self, text: &str) {
        self.add(Shape::Text {
            at: (0.0, 14.0),
            text: text.to_owned(),
            size: 13,
            anchor: Anchor::Start,
            ink: Ink::Text,
            bold: true,
        });
    }

    /// Adds the shapes of another drawing, moved to the right and down.
    pub fn place(&mut self, other: Self, by: Point) {
        let moved = other.shapes.into_iter().map(|shape| shape.moved(by));
        self.shapes.extend(moved);
    }
}

impl Shape {
    fn moved(mut self, (right, down): Point) -> Self {
        let by = |at: &mut Point| *at = (at.0 + right, at.1 + down);
        match &mut self {
            Self::Line { points, .. } | Self::Area { points, .. } | Self::Marks { points, .. } => {
                points.iter_mut().for_each(by);
            }
            Self::Cells { cells, .. } => cells.iter_mut().for_each(|(at, _)| by(at)),
            Self::Rect { at, .. }
            | Self::Dot { at, .. }
            | Self::Text { at, .. }
            | Self::Key { at, .. } => by(at),
        }
        self
    }
}

const WRITES: &str = "a String takes every write";

/// A number with at most one decimal.
pub fn short(x: f64) -> String {
    let text = format!("{x:.1}");
    let text = text.strip_suffix(".0").map_or(text.clone(), str::to_owned);
    if text == "-0" { "0".to_owned() } else { text }
}

fn title_of(tip: &str) -> String {
    format!("<title>{}</title>", escape(tip))
}

/// Length of the line before an entry of a legend.
const KEY: f64 = 16.0;

/// The ends of such a line.
pub fn key_ends((x, y): Point) -> [Point; 2] {
    [(x, y), (x + KEY, y)]
}

fn dash(dashed: bool) -> &'static str {
    if dashed {
        " stroke-dasharray=\"5 4\""
    } else {
        ""
    }
}

fn write_shape(out: &mut String, shape: &Shape, paint: Paint) {
    let written = match shape {
        Shape::Line {
            points,
            ink,
            width,
            dashed,
        } => {
            let (dash, path) = (dash(*dashed), path_through(points));
            format!(
                "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{dash}/>",
                ink.written(paint),
                short(*width)
            )
        }
        Shape::Key { at, ink, dashed } => format!(
            "<path class=\"key\" d=\"{}\" stroke=\"{}\" stroke-width=\"3\"{}/>",
            path_through(&key_ends(*at)),
            ink.written(paint),
            dash(*dashed)
        ),
        Shape::Area { points, ink } => format!(
            "<path d=\"{}Z\" fill=\"{}\" fill-opacity=\".18\"/>",
            path_through(points),
            ink.written(paint)
        ),
        Shape::Rect { .. } | Shape::Dot { .. } => tipped_element(shape, paint),
        Shape::Cells { cells, ink } => {
            format!(
                "<path d=\"{}\" fill=\"{}\"/>",
                path_of_cells(cells),
                ink.written(paint)
            )
        }
        Shape::Marks {
            points,
            height,
            ink,
        } => format!(
            "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.2\"/>",
            path_of_marks(points, *height),
            ink.written(paint)
        ),
        Shape::Text { .. } => text_element(shape, paint),
    };
    out.push_str(&written);
}

/// A rectangle or a dot, with what it says.
fn tipped_element(shape: &Shape, paint: Paint) -> String {
    match shape {
        Shape::Rect { at, size, ink, tip } => {
            let rect = format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"",
                short(at.0),
                short(at.1),
                short(size.0),
                short(size.1),
                ink.written(paint)
            );
            close(&rect, "rect", tip, paint)
        }
        Shape::Dot {
            at,
            radius,
            ink,
            tip,
        } => {
            let dot = format!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"",
                short(at.0),
                short(at.1),
                short(*radius),
                ink.written(paint)
            );
            close(&dot, "circle", tip, paint)
        }
        _ => String::new(),
    }
}

fn text_element(shape: &Shape, paint: Paint) -> String {
    let Shape::Text {
        at,
        text,
        size,
        anchor,
        ink,
        bold,
    } = shape
    else {
        return String::new();
    };
    let anchor = match anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let bold = if *bold { " font-weight=\"600\"" } else { "" };
    format!(
        "<text x=\"{}\" y=\"{}\" font-size=\"{size}\" fill=\"{}\"{anchor}{bold}>{}</text>",
        short(at.0),
        short(at.1),
        ink.written(paint),
        escape(text)
    )
}

/// Ends an element; on a page it carries what it says.
fn close(element: &str, name: &str, tip: &str, paint: Paint) -> String {
    if tip.is_empty() || paint == Paint::File {
        format!("{element}/>")
    } else {
        format!("{element}>{}</{name}>", title_of(tip))
    }
}

fn path_through(points: &[Point]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let step = if index == 0 { 'M' } else { 'L' };
        write!(path, "{step}{} {}", short(*x), short(*y)).expect(WRITES);
    }
    path
}

fn path_of_cells(cells: &[(Point, Point)]) -> String {
    let mut path = String::new();
    for ((x, y), (width, height)) in cells {
        let (x, y, width, height) = (short(*x), short(*y), short(*width), short(*height));
        write!(path, "M{x} {y}h{width}v{height}h-{width}z").expect(WRITES);
    }
    path
}

/// Marks that touch in a column, as those of many neurons in one step do, become one stroke: the picture
/// is the same and a raster of tens of thousands of spikes stays small.
fn path_of_marks(points: &[Point], height: f64) -> String {
    let tenths = |x: f64| (10.0 * x).round() as i64;
    let mut tops: Vec<(i64, i64)> = points
        .iter()
        .map(|(x, y)| (tenths(*x), tenths(*y)))
        .collect();
    tops.sort_unstable();
    let mut strokes: Vec<(i64, i64, i64)> = Vec::new();
    for (x, top) in tops {
        let bottom = top + tenths(height);
        match strokes.last_mut() {
            Some(last) if last.0 == x && top <= last.2 => last.2 = bottom,
            _ => strokes.push((x, top, bottom)),
        }
    }
    let mut path = String::new();
    for (x, top, bottom) in strokes {
        let [x, top, length] = [x, top, bottom - top].map(|n| short(n as f64 / 10.0));
        write!(path, "M{x} {top}v{length}").expect(WRITES);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([3.0, 2.25, -0.04, 10.0].map(short), ["3", "2.2", "0", "10"]);
    }

    /// Two neurons whose marks touch at one time are one stroke; one apart from them, and another time, are not.
    #[test]
    fn marks_that_touch_are_one_stroke() {
        let points = [(2.0, 9.0), (1.0, 3.0), (1.0, 4.5), (1.0, 3.0), (1.0, 7.0)];
        assert_eq!(path_of_marks(&points, 1.6), "M1 3v3.1M1 7v1.6M2 9v1.6");
    }

    /// The same drawing with the colours of the page and with its own; tips are for the page only.
    #[test]
    fn a_page_colours_and_a_file_is_coloured() {
        let mut figure = Figure::new("a", "a < b", (10.0, 10.0));
        figure.add(Shape::Rect {
            at: (1.0, 2.0),
            size: (3.0, 4.0),
            ink: Ink::Series(1),
            tip: "one & two".to_owned(),
        });
        let page = figure.inline_svg();
        assert!(
            page.contains("fill=\"var(--c1)\"") && page.contains("<title>one &amp; two</title>")
        );
        assert!(page.contains("aria-label=\"a &lt; b\""));
        let file = figure.file_svg();
        assert!(file.contains("fill=\"#d55e00\"") && !file.contains("<title>"));
    }
}
