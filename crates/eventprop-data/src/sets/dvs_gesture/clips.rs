//! Clips of recordings become spikes on the grid.

use std::path::Path;

use super::error::GestureError;
use super::gestures::SIDE;
use super::labels::{Clip, read_labels};
use super::layout::Recording;
use crate::binned::Binning;
use crate::encode::camera::CameraCode;
use crate::formats::events::{self, Event};

/// Part of every clip that is taken, in ms from its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Its start.
    pub start_ms: f64,
    /// Its end.
    pub end_ms: f64,
}

/// Conversion of clips into samples.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// For a sensor of 128 × 128 pixels.
    pub code: &'a CameraCode,
    /// The grid.
    pub binning: &'a Binning,
    /// The stretch of every clip; the whole clip without one.
    pub window: Option<Window>,
}

/// Result of a file.
#[derive(Default)]
pub(super) struct Read {
    pub(super) samples: Vec<Sample>,
    pub(super) events: u64,
    pub(super) late: u64,
    pub(super) notices: Vec<String>,
}

/// A clip on the grid.
pub(super) struct Sample {
    pub(super) spikes: Vec<(u32, u16)>,
    pub(super) class: u16,
    pub(super) user: u16,
}

/// The events of a clip; its times count from `start_us`.
struct Stretch<'a> {
    events: &'a [Event],
    start_us: i64,
    class: u16,
    user: u16,
}

/// All clips of a recording.
pub(super) fn read(recording: &Recording, request: &Request<'_>) -> Result<Read, GestureError> {
    match recording {
        Recording::Original { events, labels } => original(events, labels, request),
        Recording::Cut { events, class } => cut(events, *class, request),
    }
}

fn original(path: &Path, labels: &Path, request: &Request<'_>) -> Result<Read, GestureError> {
    let user = user(path, path.file_name())?;
    let clips = read_labels(labels)?;
    let recording = checked(path)?;
    let last_us = recording.span_us().map_or(0, |(_, last)| last);
    let mut read = Read::default();
    for Clip {
        class,
        start_us,
        end_us,
    } in clips
    {
        if start_us > last_us {
            return Err(GestureError::BeyondRecording {
                path: path.to_owned(),
                class: u32::from(class) + 1,
                start_us,
                last_us,
            });
        }
        if end_us > last_us + 1_000_000 {
            let (name, class) = (path.display(), class + 1);
            read.notices.push(format!(
                "{name}: class {class} ends at {end_us} µs, the recording at {last_us} µs"
            ));
        }
        let clip = Stretch {
            events: recording.between(start_us, end_us),
            start_us,
            class,
            user,
        };
        read.add(path, &clip, request)?;
    }
    let notes = recording.notes.lines();
    let notes = notes
        .iter()
        .map(|line| format!("{}: {line}", path.display()));
    read.notices.extend(notes);
    Ok(read)
}

/// A clip of tonic's: its times count from the start of its recording.
fn cut(path: &Path, class: u16, request: &Request<'_>) -> Result<Read, GestureError> {
    let user = user(path, path.parent().and_then(Path::file_name))?;
    let recording = checked(path)?;
    let clip = Stretch {
        events: &recording.events,
        start_us: recording.span_us().map_or(0, |(first, _)| first),
        class,
        user,
    };
    let mut read = Read::default();
    read.add(path, &clip, request)?;
    Ok(read)
}

/// The number in `user01_fluorescent`.
fn user(path: &Path, name: Option<&std::ffi::OsStr>) -> Result<u16, GestureError> {
    let number = name.and_then(|name| {
        let digits = name.to_str()?.strip_prefix("user")?.split('_').next()?;
        digits.parse().ok()
    });
    number.ok_or_else(|| GestureError::Name {
        path: path.to_owned(),
        expected: "of the form userNN_LIGHT",
    })
}

/// A recording of the right camera.
fn checked(path: &Path) -> Result<events::Recording, GestureError> {
    let recording = events::read(path)?;
    let (width, height) = (recording.sensor.width, recording.sensor.height);
    if width > SIDE || height > SIDE {
        return Err(GestureError::Sensor {
            path: path.to_owned(),
            width,
            height,
        });
    }
    Ok(recording)
}

impl Read {
    fn add(
        &mut self,
        path: &Path,
        clip: &Stretch<'_>,
        request: &Request<'_>,
    ) -> Result<(), GestureError> {
        let (events, start_us) = within(clip.events, clip.start_us, request.window);
        let mut spikes = Vec::with_capacity(events.len());
        let late = request
            .code
            .bin(events, start_us, request.binning, &mut spikes)
            .map_err(|problem| GestureError::Bin {
                path: path.to_owned(),
                problem,
            })?;
        self.late += late;
        self.events += events.len() as u64;
        self.samples.push(Sample {
            spikes,
            class: clip.class,
            user: clip.user,
        });
        Ok(())
    }
}

/// The events of a clip that begins at `start_us` which lie in a window of it, and when that begins.
pub(crate) fn within(events: &[Event], start_us: i64, window: Option<Window>) -> (&[Event], i64) {
    let Some(window) = window else {
        return (events, start_us);
    };
    let at = |ms: f64| start_us.saturating_add((ms * 1000.0).round() as i64);
    let (from, to) = (at(window.start_ms), at(window.end_ms));
    let first = events.partition_point(|event| event.t_us < from);
    let end = events.partition_point(|event| event.t_us < to);
    (&events[first..end.max(first)], from)
}
