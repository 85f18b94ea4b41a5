//! A sound and the spikes that were made of it, on one axis of time.

use std::f64::consts::TAU;
use std::path::Path;

use eventprop_audio::encoder::Encoding;
use eventprop_audio::settings::Settings;
use eventprop_audio::sound::Sound;
use eventprop_data::atomic;
use kuva::backend::raster::RasterBackend;
use kuva::backend::svg::SvgBackend;
use kuva::render::color::Color;
use kuva::render::render::{Primitive, Scene, TextAnchor};

use super::{BLUE, PNG_SCALE, Picture, PlotError};

/// The waveform above, the spikes of all channels below: channel 0, the highest frequency, at the top, and the
/// frequencies at which the channels resonate on the right.
#[derive(Debug, Clone, Copy)]
pub struct AudioPreview<'a> {
    /// What it is.
    pub title: &'a str,
    /// The sound.
    pub sound: &'a Sound,
    /// Its spikes.
    pub encoding: &'a Encoding,
    /// How it was encoded.
    pub settings: &'a Settings,
}

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 660.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = WIDTH - 78.0;
const WAVE: Band = Band {
    top: 46.0,
    bottom: 166.0,
};
const RASTER: Band = Band {
    top: 186.0,
    bottom: 604.0,
};
const GREY: &str = "#888888";
const PALE: &str = "#e4e4e4";

/// Part of the picture from one side to the other.
#[derive(Clone, Copy)]
struct Band {
    top: f64,
    bottom: f64,
}

impl Picture for AudioPreview<'_> {
    fn scene(&self) -> Scene {
        let mut scene = Scene::new(WIDTH, HEIGHT);
        let seconds = self.seconds();
        let title = format!(
            "{}: {:.2} s, {} spikes in {} channels",
            self.title,
            seconds,
            self.encoding.spikes.len(),
            self.settings.channels
        );
        text(
            &mut scene,
            (0.5 * WIDTH, 27.0),
            16,
            TextAnchor::Middle,
            title,
        );
        self.times(&mut scene);
        self.wave(&mut scene);
        self.frequencies(&mut scene);
        self.channels(&mut scene);
        self.raster(&mut scene);
        for band in [WAVE, RASTER] {
            frame(&mut scene, band);
        }
        scene
    }
}

impl AudioPreview<'_> {
    /// Writes the picture: as SVG if the path ends so, otherwise as PNG.
    ///
    /// # Errors
    /// [`PlotError`]
    pub fn write_to(&self, path: &Path) -> Result<(), PlotError> {
        let scene = self.scene();
        let svg = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("svg"));
        let bytes = if svg {
            SvgBackend::new().render_scene(&scene).into_bytes()
        } else {
            let drawn = RasterBackend::new()
                .with_scale(PNG_SCALE)
                .render_scene(&scene);
            drawn.map_err(|problem| PlotError::Draw {
                path: path.to_owned(),
                problem,
            })?
        };
        atomic::write(path, |out| out.write_all(&bytes))?;
        Ok(())
    }

    fn seconds(&self) -> f64 {
        let encoded = self.encoding.samples as f64 / f64::from(self.encoding.rate_hz);
        self.sound.seconds().max(encoded)
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * seconds / self.seconds()
    }

    /// The middle of a channel.
    fn y(&self, channel: f64) -> f64 {
        let share = (channel + 0.5) / self.settings.channels as f64;
        RASTER.top + (RASTER.bottom - RASTER.top) * share
    }

    /// Lines and numbers of the axis of time.
    fn times(&self, scene: &mut Scene) {
        let step = round_step(self.seconds() / 8.0);
        let mut tick = 0;
        while f64::from(tick) * step <= self.seconds() {
            let x = self.x(f64::from(tick) * step);
            for band in [WAVE, RASTER] {
                line(scene, (x, band.top), (x, band.bottom), PALE);
            }
            let number = format!("{:.0}", 1000.0 * f64::from(tick) * step);
            text(
                scene,
                (x, RASTER.bottom + 18.0),
                12,
                TextAnchor::Middle,
                number,
            );
            tick += 1;
        }
        let middle = (0.5 * (LEFT + RIGHT), HEIGHT - 18.0);
        text(
            scene,
            middle,
            13,
            TextAnchor::Middle,
            "time (ms)".to_owned(),
        );
    }

    /// The largest and the smallest sample of every half pixel.
    fn wave(&self, scene: &mut Scene) {
        let samples = &self.sound.samples;
        let peak = samples.iter().fold(0.0, |peak: f64, x| peak.max(x.abs()));
        let middle = 0.5 * (WAVE.top + WAVE.bottom);
        let half = 0.46 * (WAVE.bottom - WAVE.top) / if peak > 0.0 { peak } else { 1.0 };
        let columns = (2.0 * (RIGHT - LEFT)) as usize;
        let width = samples.len().div_ceil(columns).max(1);
        let points = samples
            .chunks(width)
            .enumerate()
            .flat_map(|(column, chunk)| {
                let x = self.x((column * width) as f64 / f64::from(self.sound.rate_hz));
                let high = chunk.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
                let low = chunk.iter().fold(f64::INFINITY, |a, b| a.min(*b));
                [(x, middle - half * high), (x, middle - half * low)]
            });
        scene.add(Primitive::PolyLine {
            points: points.collect(),
            stroke: Color::from("#333333"),
            stroke_width: 0.6,
            stroke_dasharray: None,
        });
        for (value, y) in [
            (peak, middle - half * peak),
            (0.0, middle),
            (-peak, middle + half * peak),
        ] {
            text(
                scene,
                (LEFT - 8.0, y + 4.0),
                12,
                TextAnchor::End,
                format!("{value:.2}"),
            );
        }
        let side = (18.0, middle);
        turned(scene, side, "wave".to_owned());
    }

    /// The frequencies at which channels resonate.
    fn frequencies(&self, scene: &mut Scene) {
        let membrane = &self.settings.membrane;
        for (hz, name) in [
            (100.0, "100"),
            (200.0, "200"),
            (500.0, "500"),
            (1000.0, "1 k"),
            (2000.0, "2 k"),
            (5000.0, "5 k"),
            (10_000.0, "10 k"),
            (20_000.0, "20 k"),
        ] {
            let omega: f64 = TAU * hz;
            let stiffness = membrane.mass * omega * omega + membrane.stiffness_offset;
            let place = (membrane.stiffness / stiffness).ln() / membrane.stiffness_decay;
            let channel = place / membrane.length * (self.settings.channels as f64 - 1.0);
            let y = self.y(channel);
            if !(RASTER.top..=RASTER.bottom).contains(&y) {
                continue;
            }
            line(scene, (LEFT, y), (RIGHT, y), PALE);
            line(scene, (RIGHT, y), (RIGHT + 5.0, y), GREY);
            text(
                scene,
                (RIGHT + 9.0, y + 4.0),
                12,
                TextAnchor::Start,
                name.to_owned(),
            );
        }
        let side = (WIDTH - 16.0, 0.5 * (RASTER.top + RASTER.bottom));
        turned(scene, side, "resonance (Hz)".to_owned());
    }

    fn channels(&self, scene: &mut Scene) {
        let step = round_step(self.settings.channels as f64 / 8.0).max(1.0);
        let mut channel = 0.0;
        while channel < self.settings.channels as f64 {
            let y = self.y(channel);
            line(scene, (LEFT - 5.0, y), (LEFT, y), GREY);
            text(
                scene,
                (LEFT - 8.0, y + 4.0),
                12,
                TextAnchor::End,
                format!("{channel:.0}"),
            );
            channel += step;
        }
        let side = (18.0, 0.5 * (RASTER.top + RASTER.bottom));
        turned(scene, side, "channel".to_owned());
    }

    fn raster(&self, scene: &mut Scene) {
        let spikes = &self.encoding.spikes;
        let cx = spikes
            .iter()
            .map(|spike| self.x(self.encoding.seconds(*spike)));
        let cy = spikes.iter().map(|spike| self.y(f64::from(spike.channel)));
        scene.add(Primitive::CircleBatch {
            cx: cx.collect(),
            cy: cy.collect(),
            r: 0.8,
            fill: Color::from(BLUE),
            fill_opacity: Some(0.8),
            stroke: None,
            stroke_width: None,
        });
    }
}

/// 1, 2 or 5 times a power of ten, the nearest from below.
fn round_step(about: f64) -> f64 {
    let power = 10_f64.powf(about.log10().floor());
    let factors = [5.0, 2.0, 1.0];
    let fits = factors.into_iter().find(|factor| factor * power <= about);
    fits.unwrap_or(1.0) * power
}

fn line(scene: &mut Scene, (x1, y1): (f64, f64), (x2, y2): (f64, f64), color: &str) {
    scene.add(Primitive::Line {
        x1,
        y1,
        x2,
        y2,
        stroke: Color::from(color),
        stroke_width: 1.0,
        stroke_dasharray: None,
    });
}

fn frame(scene: &mut Scene, band: Band) {
    for y in [band.top, band.bottom] {
        line(scene, (LEFT, y), (RIGHT, y), GREY);
    }
    for x in [LEFT, RIGHT] {
        line(scene, (x, band.top), (x, band.bottom), GREY);
    }
}

fn text(scene: &mut Scene, (x, y): (f64, f64), size: u32, anchor: TextAnchor, content: String) {
    scene.add(Primitive::Text {
        x,
        y,
        content,
        size,
        anchor,
        rotate: None,
        bold: false,
        color: None,
    });
}

/// The name of a vertical axis.
fn turned(scene: &mut Scene, (x, y): (f64, f64), content: String) {
    scene.add(Primitive::Text {
        x,
        y,
        content,
        size: 13,
        anchor: TextAnchor::Middle,
        rotate: Some(-90.0),
        bold: false,
        color: None,
    });
}

#[cfg(test)]
mod tests {
    use eventprop_audio::encoder::{Encoder, Workspace};
    use eventprop_audio::preset::Preset;

    use super::*;

    #[test]
    fn steps_are_round() {
        for (about, step) in [
            (0.07, 0.05),
            (87.5, 50.0),
            (1.0, 1.0),
            (0.25, 0.2),
            (9.9, 5.0),
        ] {
            assert!((round_step(about) / step - 1.0).abs() < 1e-12, "{about}");
        }
    }

    /// The SVG has a circle for each spike, the frequencies and the title; the PNG is one.
    #[test]
    fn the_picture_shows_every_spike() {
        let settings = Settings {
            channels: 20,
            ..Preset::Shd.settings()
        };
        let tone = (0..6000).map(|k| (0.2 * f64::from(k)).sin()).collect();
        let sound = Sound::new(tone, 16_000);
        let encoder = Encoder::new(settings).unwrap();
        let encoding = encoder
            .encode(&sound, 0, &mut Workspace::default())
            .unwrap();
        let preview = AudioPreview {
            title: "a tone",
            sound: &sound,
            encoding: &encoding,
            settings: encoder.settings(),
        };
        let folder = tempfile::tempdir().unwrap();
        let [svg, png] = ["a.svg", "a.png"].map(|name| folder.path().join(name));
        preview.write_to(&svg).unwrap();
        preview.write_to(&png).unwrap();
        let text = std::fs::read_to_string(svg).unwrap();
        assert_eq!(text.matches("<circle").count(), encoding.spikes.len());
        assert!(text.contains("a tone: 0.38 s") && text.contains("10 k"));
        assert!(std::fs::read(png).unwrap().starts_with(b"\x89PNG"));
    }
}
