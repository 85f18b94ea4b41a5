//! The class that a network predicts at every point of the Yin-Yang symbol, and the test points it gets
//! wrong.

use eventprop_params::picture::{DecisionMap, Tested};

use super::unit_square::{MARGIN, UnitSquare};
use crate::figure::{Anchor, Figure, Ink, Point, Shape};

/// Light colours of the areas of class 0, 1 and 2.
const AREAS: [Ink; 3] = [
    Ink::Rgb([0x9e, 0xca, 0xe1]),
    Ink::Rgb([0xfd, 0xcf, 0x8b]),
    Ink::Rgb([0xa8, 0xdd, 0xb5]),
];
/// Strong colours of the points of class 0, 1 and 2.
const POINTS: [Ink; 3] = [
    Ink::Rgb([0x08, 0x51, 0x9c]),
    Ink::Rgb([0xb3, 0x58, 0x06]),
    Ink::Rgb([0x00, 0x68, 0x2c]),
];
/// The colour where no output spikes.
const UNDECIDED: Ink = Ink::Rgb([0xbd, 0xbd, 0xbd]);
const WRONG: Ink = Ink::Rgb([0xd7, 0x19, 0x1c]);
const CLASS_NAMES: [&str; 3] = ["yin", "yang", "dot"];

/// The picture: cells of the symbol, right points as dots, wrong ones as crosses.
pub fn figure(map: &DecisionMap) -> Figure {
    let mut square = UnitSquare::new("decision_map", &map.title, 150.0);
    square.cells(map.side, &areas(map));
    let (right, wrong): (Vec<&Tested>, Vec<&Tested>) = map
        .tested
        .iter()
        .partition(|tested| tested.prediction == Some(tested.label));
    for tested in right {
        square.figure().add(Shape::Dot {
            at: UnitSquare::place(tested.point),
            radius: 1.5,
            ink: POINTS[tested.label as usize],
            tip: String::new(),
        });
    }
    for tested in &wrong {
        cross(&mut square, UnitSquare::place(tested.point));
    }
    legend(&mut square, map, wrong.len());
    square.finish()
}

/// The colours of the cells; those outside the symbol have none.
fn areas(map: &DecisionMap) -> Vec<Option<Ink>> {
    let at = |i: usize| (i as f64 + 0.5) / map.side as f64 - 0.5;
    let cells = map.cells.iter().enumerate();
    let ink = |(index, class): (usize, &Option<u32>)| {
        let inside = at(index % map.side).hypot(at(index / map.side)) <= 0.5;
        inside.then(|| class.map_or(UNDECIDED, |class| AREAS[class as usize]))
    };
    cells.map(ink).collect()
}

fn cross(square: &mut UnitSquare, (x, y): Point) {
    const ARM: f64 = 4.0;
    for slope in [-ARM, ARM] {
        square.line(vec![(x - ARM, y - slope), (x + ARM, y + slope)], WRONG, 1.5);
    }
}

fn legend(square: &mut UnitSquare, map: &DecisionMap, wrong: usize) {
    const ROW: f64 = 20.0;
    let mut entries: Vec<(String, Option<Ink>)> = CLASS_NAMES
        .iter()
        .zip(AREAS)
        .map(|(name, ink)| (format!("predicted: {name}"), Some(ink)))
        .collect();
    entries.push((format!("wrong ({wrong} of {})", map.tested.len()), None));
    if map.cells.contains(&None) {
        entries.push(("no output".to_owned(), Some(UNDECIDED)));
    }
    for (row, (text, ink)) in entries.into_iter().enumerate() {
        let (x, y) = (MARGIN.0, MARGIN.1 + ROW * row as f64);
        match ink {
            Some(ink) => square.figure().add(Shape::Cells {
                cells: vec![((x, y), (12.0, 12.0))],
                ink,
            }),
            None => cross(square, (x + 6.0, y + 6.0)),
        }
        let style = (12, Anchor::Start, Ink::Text);
        square.figure().text((x + 19.0, y + 10.0), &text, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four cells, whose middles are all inside the symbol; one without output. Two points, one wrong.
    #[test]
    fn areas_points_and_legend() {
        let tested = |prediction| Tested {
            point: [0.5, 0.5],
            label: 1,
            prediction,
        };
        let map = DecisionMap {
            title: "a network".to_owned(),
            side: 2,
            cells: vec![Some(0), Some(1), Some(2), None],
            tested: vec![tested(Some(1)), tested(Some(0))],
        };
        let svg = figure(&map).file_svg();
        assert_eq!(svg.matches("<circle").count(), 1);
        for word in ["predicted: yang", "wrong (1 of 2)", "no output", "#bdbdbd"] {
            assert!(svg.contains(word), "{word}");
        }
    }

    #[test]
    fn corners_of_the_square_are_outside_the_symbol() {
        let map = DecisionMap {
            title: String::new(),
            side: 8,
            cells: vec![Some(0); 64],
            tested: Vec::new(),
        };
        let areas = areas(&map);
        assert_eq!(areas[0], None);
        assert_eq!(areas[3 * 8 + 3], Some(AREAS[0]));
    }
}
