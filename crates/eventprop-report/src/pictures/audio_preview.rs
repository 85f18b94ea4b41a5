//! A sound and the spikes that were made of it, on one axis of time.

use crate::chart::{Span, nice_marks};
use crate::figure::{Anchor, Figure, Ink, Point, Shape};

/// The waveform above, the spikes of all channels below: channel 0, the highest frequency, at the top, and the
/// frequencies at which the channels resonate on the right.
#[derive(Debug, Clone, Copy)]
pub struct AudioPreview<'a> {
    /// The title.
    pub title: &'a str,
    /// The sound.
    pub samples: &'a [f64],
    /// Samples in a second.
    pub rate_hz: f64,
    /// Seconds that are drawn.
    pub seconds: f64,
    /// The spikes.
    pub spikes: &'a [AudioSpike],
    /// Number of channels.
    pub channels: usize,
    /// Frequencies that are marked.
    pub resonances: &'a [Resonance],
}

/// A spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AudioSpike {
    /// Its time.
    pub seconds: f64,
    /// Its channel.
    pub channel: u32,
}

/// A frequency and the place among the channels that resonates at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resonance {
    /// The frequency.
    pub hz: f64,
    /// The place, such as 12.5 between channels 12 and 13.
    pub channel: f64,
}

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 668.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = WIDTH - 62.0;
const WAVE: Band = Band {
    top: 58.0,
    bottom: 176.0,
};
const RASTER: Band = Band {
    top: 206.0,
    bottom: 622.0,
};
const SMALL: u32 = 12;
/// Width and height of a spike.
const MARK: f64 = 1.6;

/// Part of the picture from one side to the other.
#[derive(Clone, Copy)]
struct Band {
    top: f64,
    bottom: f64,
}

impl Band {
    fn middle(self) -> f64 {
        f64::midpoint(self.top, self.bottom)
    }

    fn height(self) -> f64 {
        self.bottom - self.top
    }
}

impl AudioPreview<'_> {
    /// The picture.
    pub fn figure(&self) -> Figure {
        let title = format!(
            "{}: {:.2} s, {} spikes in {} channels",
            self.title,
            self.seconds,
            self.spikes.len(),
            self.channels
        );
        let mut figure = Figure::new("audio_preview", &title, (WIDTH, HEIGHT));
        let mut head = Figure::new("", "", (0.0, 0.0));
        head.title(&title);
        figure.place(head, (LEFT, 8.0));
        self.times(&mut figure);
        self.wave(&mut figure);
        self.frequencies(&mut figure);
        self.channels(&mut figure);
        self.raster(&mut figure);
        for band in [WAVE, RASTER] {
            frame(&mut figure, band);
        }
        figure
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * seconds / self.seconds
    }

    /// The middle of a channel.
    fn y(&self, channel: f64) -> f64 {
        RASTER.top + RASTER.height() * (channel + 0.5) / self.channels as f64
    }

    /// Lines and numbers of the axis of time.
    fn times(&self, figure: &mut Figure) {
        for ms in nice_marks(from_zero_to(1000.0 * self.seconds), 8) {
            let x = self.x(ms / 1000.0);
            for band in [WAVE, RASTER] {
                line(figure, vec![(x, band.top), (x, band.bottom)], Ink::Grid);
            }
            let style = (SMALL, Anchor::Middle, Ink::Muted);
            figure.text((x, RASTER.bottom + 18.0), &format!("{ms:.0}"), style);
        }
        let middle = (f64::midpoint(LEFT, RIGHT), HEIGHT - 8.0);
        figure.text(middle, "time (ms)", (SMALL, Anchor::Middle, Ink::Muted));
    }

    /// The largest and the smallest sample of every half pixel.
    fn wave(&self, figure: &mut Figure) {
        let peak = self
            .samples
            .iter()
            .fold(0.0, |peak: f64, x| peak.max(x.abs()));
        let middle = WAVE.middle();
        let half = 0.46 * WAVE.height() / if peak > 0.0 { peak } else { 1.0 };
        let columns = (2.0 * (RIGHT - LEFT)) as usize;
        let width = self.samples.len().div_ceil(columns).max(1);
        let chunks = self.samples.chunks(width).enumerate();
        let points: Vec<Point> = chunks
            .flat_map(|(column, chunk)| {
                let x = self.x((column * width) as f64 / self.rate_hz);
                let high = chunk.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
                let low = chunk.iter().fold(f64::INFINITY, |a, b| a.min(*b));
                [(x, middle - half * high), (x, middle - half * low)]
            })
            .collect();
        figure.add(Shape::Line {
            points,
            ink: Ink::Text,
            width: 0.6,
            dashed: false,
        });
        for value in [peak, 0.0, -peak] {
            let at = (LEFT - 8.0, middle - half * value + 4.0);
            figure.text(at, &format!("{value:.2}"), (SMALL, Anchor::End, Ink::Muted));
        }
        above(figure, WAVE, LEFT, Anchor::Start, "wave");
    }

    /// The frequencies at which channels resonate.
    fn frequencies(&self, figure: &mut Figure) {
        for resonance in self.resonances {
            let y = self.y(resonance.channel);
            if !(RASTER.top..=RASTER.bottom).contains(&y) {
                continue;
            }
            line(figure, vec![(LEFT, y), (RIGHT, y)], Ink::Grid);
            line(figure, vec![(RIGHT, y), (RIGHT + 5.0, y)], Ink::Axis);
            let text = if resonance.hz < 1000.0 {
                format!("{}", resonance.hz)
            } else {
                format!("{} k", resonance.hz / 1000.0)
            };
            figure.text(
                (RIGHT + 9.0, y + 4.0),
                &text,
                (SMALL, Anchor::Start, Ink::Muted),
            );
        }
        above(figure, RASTER, WIDTH - 8.0, Anchor::End, "resonance (Hz)");
    }

    fn channels(&self, figure: &mut Figure) {
        let last = self.channels as f64 - 1.0;
        let marks = nice_marks(from_zero_to(last), 8);
        for channel in marks.into_iter().filter(|channel| channel.fract() == 0.0) {
            let y = self.y(channel);
            line(figure, vec![(LEFT - 5.0, y), (LEFT, y)], Ink::Axis);
            let style = (SMALL, Anchor::End, Ink::Muted);
            figure.text((LEFT - 8.0, y + 4.0), &format!("{channel:.0}"), style);
        }
        above(figure, RASTER, LEFT, Anchor::Start, "channel");
    }

    fn raster(&self, figure: &mut Figure) {
        let cell = |spike: &AudioSpike| {
            let (x, y) = (self.x(spike.seconds), self.y(f64::from(spike.channel)));
            ((x - MARK / 2.0, y - MARK / 2.0), (MARK, MARK))
        };
        figure.add(Shape::Cells {
            cells: self.spikes.iter().map(cell).collect(),
            ink: Ink::Series(0),
        });
    }
}

fn from_zero_to(high: f64) -> Span {
    Span { low: 0.0, high }
}

fn line(figure: &mut Figure, points: Vec<Point>, ink: Ink) {
    figure.add(Shape::Line {
        points,
        ink,
        width: 1.0,
        dashed: false,
    });
}

fn frame(figure: &mut Figure, band: Band) {
    let corners = [
        (LEFT, band.top),
        (RIGHT, band.top),
        (RIGHT, band.bottom),
        (LEFT, band.bottom),
        (LEFT, band.top),
    ];
    line(figure, corners.to_vec(), Ink::Axis);
}

/// The name of an axis, over its band.
fn above(figure: &mut Figure, band: Band, x: f64, anchor: Anchor, text: &str) {
    figure.text((x, band.top - 7.0), text, (SMALL, anchor, Ink::Muted));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_shows_every_spike() {
        let spikes = [0.1, 0.2, 0.3].map(|seconds| AudioSpike {
            seconds,
            channel: 7,
        });
        let samples: Vec<f64> = (0..6000).map(|k| (0.2 * f64::from(k)).sin()).collect();
        let preview = AudioPreview {
            title: "a tone",
            samples: &samples,
            rate_hz: 16_000.0,
            seconds: 0.375,
            spikes: &spikes,
            channels: 20,
            resonances: &[
                Resonance {
                    hz: 10_000.0,
                    channel: 2.5,
                },
                Resonance {
                    hz: 20.0,
                    channel: 90.0,
                },
            ],
        };
        let figure = preview.figure();
        let mark = |(_, size): &(Point, Point)| *size == (MARK, MARK);
        let drawn = figure.shapes.iter().filter_map(|shape| match shape {
            Shape::Cells { cells, .. } => Some(cells.iter().filter(|cell| mark(cell)).count()),
            _ => None,
        });
        assert_eq!(drawn.sum::<usize>(), 3);
        let svg = figure.file_svg();
        assert!(svg.contains("a tone: 0.38 s, 3 spikes in 20 channels") && svg.contains("10 k"));
        assert!(!svg.contains(">20<"), "that channel is not there");
    }
}
