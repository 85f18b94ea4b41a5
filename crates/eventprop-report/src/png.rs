//! A drawing as PNG, with the colours of a file.

use tiny_skia::{
    Color, FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash,
    Transform,
};
use ttf_parser::{Face, OutlineBuilder};

use crate::figure::{Anchor, Figure, Ink, Point, Shape, key_ends};

/// Pixels per unit of the drawing.
const SCALE: f32 = 2.0;

/// Opacity of a lightly filled area.
const AREA_OPACITY: f32 = 0.18;

impl Figure {
    /// As PNG.
    ///
    /// # Errors
    /// When the drawing has no size or one beyond what a picture can have.
    pub fn png(&self) -> Result<Vec<u8>, String> {
        let pixels = |length: f64| (length as f32 * SCALE).ceil() as u32;
        let (width, height) = (pixels(self.size.0), pixels(self.size.1));
        let pixmap = Pixmap::new(width, height)
            .ok_or_else(|| format!("no picture has {width} x {height} pixels"))?;
        let mut canvas = Canvas {
            pixmap,
            regular: face(dejavu::sans::regular()),
            bold: face(dejavu::sans::bold()),
        };
        canvas.pixmap.fill(Color::WHITE);
        for shape in &self.shapes {
            canvas.draw(shape);
        }
        canvas
            .pixmap
            .encode_png()
            .map_err(|error| error.to_string())
    }
}

fn face(font: &'static [u8]) -> Face<'static> {
    Face::parse(font, 0).expect("the font of the program is one")
}

struct Canvas {
    pixmap: Pixmap,
    regular: Face<'static>,
    bold: Face<'static>,
}

fn dashes(width: f32, dashed: bool) -> Stroke {
    Stroke {
        width,
        line_join: LineJoin::Round,
        dash: dashed
            .then(|| StrokeDash::new(vec![5.0, 4.0], 0.0))
            .flatten(),
        ..Stroke::default()
    }
}

impl Canvas {
    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Line {
                points,
                ink,
                width,
                dashed,
            } => {
                self.stroke(through(points), *ink, &dashes(*width as f32, *dashed));
            }
            Shape::Key { at, ink, dashed } => {
                self.stroke(through(&key_ends(*at)), *ink, &dashes(3.0, *dashed));
            }
            Shape::Area { points, ink } => self.fill(through(points), *ink, AREA_OPACITY),
            Shape::Rect { at, size, ink, .. } => self.fill(rects(&[(*at, *size)]), *ink, 1.0),
            Shape::Cells { cells, ink } => self.fill(rects(cells), *ink, 1.0),
            Shape::Marks {
                points,
                height,
                ink,
            } => {
                let mark = |&(x, y): &Point| ((x - 0.6, y), (1.2, *height));
                let marks: Vec<(Point, Point)> = points.iter().map(mark).collect();
                self.fill(rects(&marks), *ink, 1.0);
            }
            Shape::Dot {
                at, radius, ink, ..
            } => {
                let dot = PathBuilder::from_circle(at.0 as f32, at.1 as f32, *radius as f32);
                self.fill(dot, *ink, 1.0);
            }
            Shape::Text { .. } => self.write(shape),
        }
    }

    fn write(&mut self, shape: &Shape) {
        let Shape::Text {
            at,
            text,
            size,
            anchor,
            ink,
            bold,
        } = shape
        else {
            return;
        };
        let face = if *bold { &self.bold } else { &self.regular };
        let scale = *size as f32 / f32::from(face.units_per_em());
        let glyphs = text
            .chars()
            .map(|letter| face.glyph_index(letter).unwrap_or_default());
        let advance = |glyph| f32::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * scale;
        let width: f32 = glyphs.clone().map(advance).sum();
        let mut outline = Outline {
            path: PathBuilder::new(),
            x: at.0 as f32
                - match anchor {
                    Anchor::Start => 0.0,
                    Anchor::Middle => width / 2.0,
                    Anchor::End => width,
                },
            y: at.1 as f32,
            scale,
        };
        for glyph in glyphs {
            face.outline_glyph(glyph, &mut outline);
            outline.x += advance(glyph);
        }
        self.fill(outline.path.finish(), *ink, 1.0);
    }

    fn fill(&mut self, path: Option<Path>, ink: Ink, opacity: f32) {
        if let (Some(path), Some(paint)) = (path, paint(ink, opacity)) {
            let scale = Transform::from_scale(SCALE, SCALE);
            self.pixmap
                .fill_path(&path, &paint, FillRule::Winding, scale, None);
        }
    }

    fn stroke(&mut self, path: Option<Path>, ink: Ink, stroke: &Stroke) {
        if let (Some(path), Some(paint)) = (path, paint(ink, 1.0)) {
            let scale = Transform::from_scale(SCALE, SCALE);
            self.pixmap.stroke_path(&path, &paint, stroke, scale, None);
        }
    }
}

/// None for [`Ink::Clear`].
fn paint(ink: Ink, opacity: f32) -> Option<Paint<'static>> {
    let rgb = u32::from_str_radix(ink.on_white().strip_prefix('#')?, 16).ok()?;
    let [_, red, green, blue] = rgb.to_be_bytes();
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, (255.0 * opacity).round() as u8);
    Some(paint)
}

/// None for fewer than two points.
fn through(points: &[Point]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        let (x, y) = (x as f32, y as f32);
        if index == 0 {
            path.move_to(x, y);
        } else {
            path.line_to(x, y);
        }
    }
    path.finish()
}

fn rects(cells: &[(Point, Point)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for &((x, y), (width, height)) in cells {
        let rect = Rect::from_xywh(x as f32, y as f32, width as f32, height as f32);
        if let Some(rect) = rect {
            path.push_rect(rect);
        }
    }
    path.finish()
}

/// The outline of letters; `x` and `y` are where the base line of the present one begins.
struct Outline {
    path: PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl Outline {
    /// Letters are drawn upwards, pictures downwards.
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (x1, y1) = self.at(x1, y1);
        let (x2, y2) = self.at(x2, y2);
        let (x, y) = self.at(x, y);
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A red cell on white, 2 units wide: its pixels are red, those beside it white, and text leaves marks.
    #[test]
    fn cells_and_letters_are_where_they_were_put() {
        let mut figure = Figure::new("a", "a", (40.0, 20.0));
        figure.add(Shape::Cells {
            cells: vec![((2.0, 2.0), (2.0, 2.0))],
            ink: Ink::Rgb([255, 0, 0]),
        });
        figure.text((20.0, 15.0), "l", (14, Anchor::Start, Ink::Text));
        let png = figure.png().expect("drawn");
        let pixmap = Pixmap::decode_png(&png).expect("a picture");
        assert_eq!((pixmap.width(), pixmap.height()), (80, 40));
        let red = |x, y| pixmap.pixel(x, y).expect("inside").demultiply();
        assert_eq!((red(4, 4).red(), red(4, 4).green()), (255, 0));
        assert_eq!((red(7, 7).red(), red(7, 7).green()), (255, 0));
        assert_eq!((red(3, 4).green(), red(8, 7).green()), (255, 255));
        let dark = (40..52).any(|x| red(x, 20).red() < 100);
        assert!(dark, "the letter l crosses the middle of its height");
    }

    #[test]
    fn a_drawing_without_size_is_refused() {
        let error = Figure::new("a", "a", (0.0, 20.0))
            .png()
            .expect_err("no size");
        assert!(error.contains("0 x 40"), "{error}");
    }
}
