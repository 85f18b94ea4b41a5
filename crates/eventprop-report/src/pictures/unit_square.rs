//! The unit square with its axes, as a map of cells.

use crate::chart::{Span, nice_marks};
use crate::figure::{Anchor, Figure, Ink, Point, Shape};

const LEFT: f64 = 58.0;
const TOP: f64 = 48.0;
const SIDE: f64 = 480.0;
const BELOW: f64 = 50.0;
const SMALL: u32 = 12;

/// The place for text on the map, at the right of it.
pub const MARGIN: Point = (LEFT + SIDE + 24.0, TOP);
/// Height of the map.
pub const HEIGHT: f64 = SIDE;

/// A map of cells of one colour each.
pub struct UnitSquare {
    figure: Figure,
}

impl UnitSquare {
    /// The axes; `beside` is the room at the right of the map.
    pub fn new(name: &str, title: &str, beside: f64) -> Self {
        let mut figure = Figure::new(name, title, (MARGIN.0 + beside, TOP + SIDE + BELOW));
        let mut head = Figure::new(name, title, (0.0, 0.0));
        head.title(title);
        figure.place(head, (LEFT, 14.0));
        let mut square = Self { figure };
        square.axes();
        square
    }

    fn axes(&mut self) {
        let ends = Span {
            low: 0.0,
            high: 1.0,
        };
        for mark in nice_marks(ends, 5) {
            let text = format!("{}", (mark * 10.0).round() / 10.0);
            let (x, bottom) = Self::place([mark, 0.0]);
            self.line(vec![(x, bottom), (x, bottom + 4.0)], Ink::Axis, 1.0);
            let style = (SMALL, Anchor::Middle, Ink::Muted);
            self.figure.text((x, bottom + 18.0), &text, style);
            let (left, y) = Self::place([0.0, mark]);
            self.line(vec![(left - 4.0, y), (left, y)], Ink::Axis, 1.0);
            let style = (SMALL, Anchor::End, Ink::Muted);
            self.figure.text((left - 8.0, y + 4.0), &text, style);
        }
        let corner = Self::place([0.0, 0.0]);
        let ends = [Self::place([0.0, 1.0]), corner, Self::place([1.0, 0.0])];
        self.line(ends.to_vec(), Ink::Axis, 1.0);
        let style = (SMALL, Anchor::Middle, Ink::Muted);
        let (x, bottom) = Self::place([0.5, 0.0]);
        self.figure.text((x, bottom + 38.0), "x", style);
        let (left, y) = Self::place([0.0, 0.5]);
        self.figure.text((left - 42.0, y + 4.0), "y", style);
    }

    /// The place of a point of the square.
    pub fn place([x, y]: [f64; 2]) -> Point {
        (LEFT + x * SIDE, TOP + (1.0 - y) * SIDE)
    }

    /// Fills `side` times `side` cells, row by row from y = 0; none stays white.
    pub fn cells(&mut self, side: usize, inks: &[Option<Ink>]) {
        let size = SIDE / side as f64;
        let mut of_ink: Vec<(Ink, Vec<(Point, Point)>)> = Vec::new();
        for (row, inks) in inks.chunks(side).enumerate() {
            let mut column = 0;
            for run in inks.chunk_by(|a, b| a == b) {
                let from = LEFT + column as f64 * size;
                column += run.len();
                let Some(ink) = run[0] else { continue };
                let top = TOP + SIDE - (row + 1) as f64 * size;
                let cell = ((from, top), (run.len() as f64 * size, size));
                match of_ink.iter_mut().find(|(known, _)| *known == ink) {
                    Some((_, cells)) => cells.push(cell),
                    None => of_ink.push((ink, vec![cell])),
                }
            }
        }
        for (ink, cells) in of_ink {
            self.figure.add(Shape::Cells { cells, ink });
        }
    }

    /// A line.
    pub fn line(&mut self, points: Vec<Point>, ink: Ink, width: f64) {
        self.figure.add(Shape::Line {
            points,
            ink,
            width,
            dashed: false,
        });
    }

    /// The drawing, to add to.
    pub fn figure(&mut self) -> &mut Figure {
        &mut self.figure
    }

    /// The finished drawing.
    pub fn finish(self) -> Figure {
        self.figure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of two: the lower row one colour, so one cell twice as wide; the upper left one is white.
    #[test]
    fn equal_neighbours_are_one_cell() {
        let (red, blue) = (Ink::Rgb([255, 0, 0]), Ink::Rgb([0, 0, 255]));
        let mut square = UnitSquare::new("a", "a", 0.0);
        let before = square.figure.shapes.len();
        square.cells(2, &[Some(red), Some(red), None, Some(blue)]);
        let half = SIDE / 2.0;
        let lower = ((LEFT, TOP + half), (SIDE, half));
        let upper = ((LEFT + half, TOP), (half, half));
        let cells = |cell, ink| Shape::Cells {
            cells: vec![cell],
            ink,
        };
        assert_eq!(
            square.figure.shapes[before..],
            [cells(lower, red), cells(upper, blue)]
        );
    }
}
