//! The kernels of convolutions as pictures.

use serde_json::Value as Json;

use crate::chart::WIDTH;
use crate::figure::{Anchor, Figure, Ink, Point, Shape};
use crate::html::number;
use crate::read::RunRecord;

/// The row in which the pictures begin.
const TOP: f64 = 44.0;
const GAP: f64 = 6.0;
const SMALL: u32 = 11;
/// Longest side of the square of a weight.
const SIDE: f64 = 14.0;
/// Colours of the largest negative and the largest positive weight, and of 0, which people with any colour vision tell
/// apart.
const ENDS: [[f64; 3]; 3] = [
    [213.0, 94.0, 0.0],
    [245.0, 245.0, 245.0],
    [0.0, 114.0, 178.0],
];

/// Kernels of one projection as the run wrote them.
struct Kernels<'a> {
    name: &'a str,
    /// Height, width, channels in and channels out.
    shape: [usize; 4],
    /// Channels in and out of the projection, of which the first are here.
    channels: [usize; 2],
    /// `[y, x, in, out]`.
    weights: Vec<f64>,
}

/// A figure for every projection that is a convolution: a row for every channel that it reads, a column for every one that
/// it makes.
pub fn of_run(run: &RunRecord) -> Vec<Figure> {
    let all = run.report_file["kernels_at_end"].as_object();
    let all = all.into_iter().flatten();
    all.filter_map(|(name, json)| Some(Kernels::from_json(name, json)?.figure()))
        .collect()
}

impl<'a> Kernels<'a> {
    fn from_json(name: &'a str, json: &Json) -> Option<Self> {
        let numbers = |key: &str| -> Option<Vec<usize>> {
            let list = json[key].as_array()?.iter();
            list.map(|n| Some(n.as_u64()? as usize)).collect()
        };
        let weights = json["weights"].as_array()?.iter().map(Json::as_f64);
        let new = Self {
            name,
            shape: numbers("shape")?.try_into().ok()?,
            channels: numbers("channels")?.try_into().ok()?,
            weights: weights.collect::<Option<_>>()?,
        };
        let len = new
            .shape
            .iter()
            .try_fold(1, |all: usize, n| all.checked_mul(*n))?;
        (len > 0 && len == new.weights.len()).then_some(new)
    }

    fn figure(&self) -> Figure {
        let [height, width, inside, outside] = self.shape;
        let side = ((WIDTH - GAP * (outside - 1) as f64) / (width * outside) as f64).min(SIDE);
        let step = (side * width as f64 + GAP, side * height as f64 + GAP);
        let title = match self.name.split_once("->") {
            Some((from, to)) => format!("Kernels from {from} to {to}"),
            None => format!("Kernels of {}", self.name),
        };
        let size = (WIDTH, TOP + step.1 * inside as f64);
        let mut figure = Figure::new(
            &format!("kernels_{}", self.name.replace("->", "_")),
            &title,
            size,
        );
        figure.title(&title);
        let most = self
            .weights
            .iter()
            .fold(0.0_f64, |most, w| most.max(w.abs()));
        figure.text(
            (0.0, 30.0),
            &self.words(most),
            (SMALL, Anchor::Start, Ink::Muted),
        );
        for (index, weight) in self.weights.iter().enumerate() {
            let (row, out) = (index / outside, index % outside);
            let (place, channel) = (row / inside, row % inside);
            let at: Point = (
                step.0 * out as f64 + side * (place % width) as f64,
                TOP + step.1 * channel as f64 + side * (place / width) as f64,
            );
            figure.add(Shape::Rect {
                at,
                size: (side, side),
                ink: colour(weight / most.max(f64::MIN_POSITIVE)),
                tip: format!(
                    "channel {channel} to {out}, y {}, x {}: {}",
                    place / width,
                    place % width,
                    number(*weight)
                ),
            });
        }
        figure
    }

    fn words(&self, most: f64) -> String {
        let [_, _, inside, outside] = self.shape;
        let part = if [inside, outside] == self.channels {
            String::new()
        } else {
            let [of_inside, of_outside] = self.channels;
            format!(", the first {inside} of {of_inside} and {outside} of {of_outside}")
        };
        let range = number(most);
        format!("row: channel in; column: channel out{part}; orange −{range}, blue {range}")
    }
}

/// From −1 to 1.
fn colour(weight: f64) -> Ink {
    let [low, middle, high] = ENDS;
    let end = if weight < 0.0 { low } else { high };
    let of = |k: usize| (middle[k] + (end[k] - middle[k]) * weight.abs().min(1.0)).round() as u8;
    Ink::Rgb([of(0), of(1), of(2)])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_weight_stands_where_its_kernel_has_it() {
        // Two rows of one column, one channel in, two out.
        let json =
            json!({"shape": [2, 1, 1, 2], "channels": [1, 8], "weights": [0.5, -1.0, 0.0, 0.25]});
        let kernels = Kernels::from_json("in->hid", &json).expect("kernels");
        let figure = kernels.figure();
        let cells: Vec<(Point, Ink, &str)> = figure
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Rect { at, ink, tip, .. } => Some((*at, *ink, tip.as_str())),
                _ => None,
            })
            .collect();
        assert_eq!(cells.len(), 4);
        let (lowest, zero) = (Ink::Rgb([213, 94, 0]), Ink::Rgb([245, 245, 245]));
        assert_eq!(
            cells[1],
            (
                (SIDE + GAP, TOP),
                lowest,
                "channel 0 to 1, y 0, x 0: -1.000"
            )
        );
        assert_eq!(
            cells[2],
            ((0.0, TOP + SIDE), zero, "channel 0 to 0, y 1, x 0: 0")
        );
        assert!(kernels.words(1.0).contains("the first 1 of 1 and 2 of 8"));
    }

    #[test]
    fn a_damaged_entry_is_no_picture() {
        let json = json!({"shape": [2, 1, 1, 2], "channels": [1, 2], "weights": [0.5]});
        assert!(Kernels::from_json("in->hid", &json).is_none());
    }
}
