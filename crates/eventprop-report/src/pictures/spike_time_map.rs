//! The first spike time of one output, at every point of the Yin-Yang symbol.

use eventprop_params::picture::SpikeTimeMap;

use super::unit_square::{HEIGHT, MARGIN, UnitSquare};
use crate::chart::{Span, nice_marks, span};
use crate::figure::{Anchor, Figure, Ink, Shape};

/// The scale from early to late: viridis (van der Walt & Smith 2015) in ten steps.
const VIRIDIS: [[u8; 3]; 10] = [
    [0x44, 0x01, 0x54],
    [0x48, 0x28, 0x78],
    [0x3e, 0x49, 0x89],
    [0x31, 0x68, 0x8e],
    [0x26, 0x82, 0x8e],
    [0x1f, 0x9e, 0x89],
    [0x35, 0xb7, 0x79],
    [0x6e, 0xce, 0x58],
    [0xb5, 0xde, 0x2b],
    [0xfd, 0xe7, 0x25],
];
/// Colours that are told apart.
const LEVELS: usize = 120;

/// The picture.
pub fn figure(map: &SpikeTimeMap) -> Figure {
    let ends = span(map.times_ms.iter().copied()).unwrap_or(Span {
        low: 0.0,
        high: 1.0,
    });
    let width = (ends.high - ends.low).max(f64::MIN_POSITIVE);
    let mut square = UnitSquare::new("first_spikes", &map.title, 100.0);
    let ink = |time: &f64| Some(ink((time - ends.low) / width));
    let inks: Vec<Option<Ink>> = map.times_ms.iter().map(ink).collect();
    square.cells(map.side, &inks);
    scale(square.figure(), ends);
    square.finish()
}

/// The colour of a place between early, 0, and late, 1.
fn ink(share: f64) -> Ink {
    let level = (share.clamp(0.0, 1.0) * (LEVELS - 1) as f64).round() / (LEVELS - 1) as f64;
    let place = level * (VIRIDIS.len() - 1) as f64;
    let before = (place as usize).min(VIRIDIS.len() - 2);
    let between = place - before as f64;
    let mix = |part: usize| {
        let [from, to] = [before, before + 1].map(|step| f64::from(VIRIDIS[step][part]));
        (from + between * (to - from)).round() as u8
    };
    Ink::Rgb([mix(0), mix(1), mix(2)])
}

/// The colours with their times, beside the map.
fn scale(figure: &mut Figure, ends: Span) {
    const WIDTH: f64 = 16.0;
    let (left, top) = MARGIN;
    let step = HEIGHT / LEVELS as f64;
    for level in 0..LEVELS {
        let y = top + HEIGHT - (level + 1) as f64 * step;
        figure.add(Shape::Cells {
            cells: vec![((left, y), (WIDTH, step))],
            ink: ink(level as f64 / (LEVELS - 1) as f64),
        });
    }
    for time in nice_marks(ends, 5) {
        let share = (time - ends.low) / (ends.high - ends.low).max(f64::MIN_POSITIVE);
        let y = top + HEIGHT * (1.0 - share);
        let text = format!("{}", (time * 100.0).round() / 100.0);
        figure.text(
            (left + WIDTH + 6.0, y + 4.0),
            &text,
            (12, Anchor::Start, Ink::Muted),
        );
    }
    figure.text(
        (left, top - 10.0),
        "first spike (ms)",
        (12, Anchor::Start, Ink::Muted),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_has_its_ends_and_what_lies_between() {
        assert_eq!(ink(0.0), Ink::Rgb(VIRIDIS[0]));
        assert_eq!(ink(1.0), Ink::Rgb(VIRIDIS[9]));
        assert_eq!(ink(f64::INFINITY), Ink::Rgb(VIRIDIS[9]));
        let Ink::Rgb([_, green, _]) = ink(0.5) else {
            panic!("a map has colours of its own");
        };
        assert!((0x82..=0x9e).contains(&green));
    }

    #[test]
    fn a_map_of_equal_times_is_drawn() {
        let map = SpikeTimeMap {
            title: "output 0".to_owned(),
            side: 2,
            times_ms: vec![4.0; 4],
        };
        assert!(figure(&map).file_svg().contains("first spike (ms)"));
    }
}
