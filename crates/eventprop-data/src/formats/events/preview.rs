//! A recording as a picture (PNG) or as a film (GIF): ON events orange, OFF events blue, on dark
//! grey; lists of channels as a raster over time.

use std::io::{self, Write};
use std::path::Path;

use super::{Event, Polarity, Recording};
use crate::atomic::{self, WriteError};

/// Background, OFF, ON.
const PALETTE: [[u8; 3]; 3] = [[24, 24, 27], [90, 160, 255], [255, 170, 60]];
const BACKGROUND: u8 = 0;
const OFF: u8 = 1;
const ON: u8 = 2;
/// Pictures are enlarged by a whole factor to about this many pixels.
const SIDE_AIMED: usize = 384;
/// No side of a frame is longer.
const SIDE_MAX: usize = 1024;
/// Width of a raster of channels.
const RASTER_COLUMNS: usize = 800;
/// Stretches of time side by side in a picture.
const PANELS: usize = 4;
const GAP: usize = 2;
/// Frames of a film, and how long each is shown in hundredths of a second.
const FRAMES: usize = 30;
const FRAME_CENTISECONDS: u16 = 10;

/// A picture with one byte per pixel, an index into the palette.
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// Writes a picture: four stretches of equal length side by side for a camera, a raster for channels.
///
/// # Errors
/// [`WriteError`].
pub fn write_png(path: &Path, recording: &Recording) -> Result<(), WriteError> {
    let picture = if recording.sensor.polarity == Polarity::None && recording.sensor.height == 1 {
        raster(recording)
    } else {
        side_by_side(&frames(recording, PANELS))
    };
    atomic::write(path, |out| png_to(out, &picture))
}

/// Writes a film of 30 frames that covers the whole recording; channels give the raster as one frame.
///
/// # Errors
/// [`WriteError`].
pub fn write_gif(path: &Path, recording: &Recording) -> Result<(), WriteError> {
    let frames = if recording.sensor.polarity == Polarity::None && recording.sensor.height == 1 {
        vec![raster(recording)]
    } else {
        frames(recording, FRAMES)
    };
    atomic::write(path, |out| gif_to(out, &frames))
}

fn png_to(out: &mut dyn Write, picture: &Picture) -> io::Result<()> {
    let mut encoder = png::Encoder::new(out, picture.width as u32, picture.height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(PALETTE.as_flattened().to_vec());
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer
        .write_image_data(&picture.pixels)
        .map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)
}

fn gif_to(out: &mut dyn Write, frames: &[Picture]) -> io::Result<()> {
    let (width, height) = (frames[0].width as u16, frames[0].height as u16);
    let mut encoder =
        gif::Encoder::new(out, width, height, PALETTE.as_flattened()).map_err(io::Error::other)?;
    encoder
        .set_repeat(gif::Repeat::Infinite)
        .map_err(io::Error::other)?;
    for picture in frames {
        let mut frame = gif::Frame {
            width,
            height,
            delay: FRAME_CENTISECONDS,
            buffer: (&picture.pixels[..]).into(),
            ..gif::Frame::default()
        };
        frame.make_lzw_pre_encoded();
        encoder
            .write_lzw_pre_encoded_frame(&frame)
            .map_err(io::Error::other)?;
    }
    Ok(())
}

/// The recording in `count` stretches of equal length, each drawn as one picture.
fn frames(recording: &Recording, count: usize) -> Vec<Picture> {
    let (start, end) = recording.span_us().unwrap_or((0, 0));
    let length = i128::from(end) - i128::from(start) + 1;
    let border = |n: usize| (i128::from(start) + length * n as i128 / count as i128) as i64;
    (0..count)
        .map(|n| frame(recording, recording.between(border(n), border(n + 1))))
        .collect()
}

/// The last event of each pixel gives its colour. Sensors with a longer side than `SIDE_MAX` are drawn
/// smaller.
fn frame(recording: &Recording, events: &[Event]) -> Picture {
    let (width, height) = (
        recording.sensor.width as usize,
        recording.sensor.height as usize,
    );
    let shrink = width.max(height).div_ceil(SIDE_MAX);
    let (width, height) = (width.div_ceil(shrink), height.div_ceil(shrink));
    let mut pixels = vec![BACKGROUND; width * height];
    for event in events {
        let at = usize::from(event.y) / shrink * width + usize::from(event.x) / shrink;
        pixels[at] = if event.on { ON } else { OFF };
    }
    enlarge(&Picture {
        width,
        height,
        pixels,
    })
}

fn enlarge(picture: &Picture) -> Picture {
    let factor = (SIDE_AIMED / picture.width.max(picture.height)).max(1);
    let (width, height) = (picture.width * factor, picture.height * factor);
    let pixels = (0..width * height)
        .map(|n| {
            let (row, column) = (n / width / factor, n % width / factor);
            picture.pixels[row * picture.width + column]
        })
        .collect();
    Picture {
        width,
        height,
        pixels,
    }
}

fn side_by_side(panels: &[Picture]) -> Picture {
    let height = panels[0].height;
    let width = panels.iter().map(|p| p.width + GAP).sum::<usize>() - GAP;
    let mut pixels = vec![OFF; width * height];
    let mut left = 0;
    for panel in panels {
        for (row, line) in panel.pixels.chunks_exact(panel.width).enumerate() {
            let at = row * width + left;
            pixels[at..at + panel.width].copy_from_slice(line);
        }
        left += panel.width + GAP;
    }
    Picture {
        width,
        height,
        pixels,
    }
}

/// Time from left to right, channel 0 at the bottom.
fn raster(recording: &Recording) -> Picture {
    let channels = recording.sensor.width as usize;
    let rows = channels.min(2 * SIDE_AIMED);
    let mut pixels = vec![BACKGROUND; RASTER_COLUMNS * rows];
    if let Some((start, end)) = recording.span_us() {
        let length = i128::from(end) - i128::from(start) + 1;
        for event in &recording.events {
            let since = i128::from(event.t_us) - i128::from(start);
            let column = (since * RASTER_COLUMNS as i128 / length) as usize;
            let row = rows - 1 - usize::from(event.x) * rows / channels;
            pixels[row * RASTER_COLUMNS + column] = ON;
        }
    }
    let factor = (SIDE_AIMED / rows).max(1);
    let tall = pixels
        .chunks_exact(RASTER_COLUMNS)
        .flat_map(|line| std::iter::repeat_n(line, factor).flatten().copied())
        .collect();
    Picture {
        width: RASTER_COLUMNS,
        height: rows * factor,
        pixels: tall,
    }
}
