//! A recording in memory: events, the sensor that they come from, and notes of its reader.

use super::Format;

/// One event: a change of brightness at a pixel, or a spike of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Time in µs; its zero is the file's own.
    pub t_us: i64,
    /// Column, from 0; the channel in a list of channels.
    pub x: u16,
    /// Row, from 0; 0 in a list of channels.
    pub y: u16,
    /// Brighter; true in a list of channels.
    pub on: bool,
}

/// Presence of polarities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    /// Every event is ON or OFF.
    OnOff,
    /// Events have no polarity.
    None,
}

/// Source of the size of the sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeFrom {
    /// The file says it, or its format implies it.
    File,
    /// It is the smallest that holds all events.
    Events,
}

/// Source of the events. A list of channels has height 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sensor {
    /// Columns, or channels.
    pub width: u32,
    /// Rows; 1 for a list of channels.
    pub height: u32,
    /// Presence of polarities.
    pub polarity: Polarity,
    /// Source of the size.
    pub size_from: SizeFrom,
}

impl Sensor {
    /// Columns and rows.
    pub fn size(&self) -> SensorSize {
        SensorSize {
            width: self.width,
            height: self.height,
        }
    }
}

/// Columns and rows of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SensorSize {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl SensorSize {
    /// As many columns as rows.
    pub const fn square(side: u32) -> Self {
        Self {
            width: side,
            height: side,
        }
    }

    /// True if it lies within `other`.
    pub fn fits(self, other: Self) -> bool {
        self.width <= other.width && self.height <= other.height
    }
}

/// Counts of events that a reader skipped or put right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// Events that the camera marked as invalid; skipped.
    pub invalid: u64,
    /// Events outside the sensor that the file declares; skipped.
    pub outside: u64,
    /// Events or packets of other kinds (frames, triggers, inertial sensors); skipped.
    pub other: u64,
    /// Packets of further streams of events; skipped, as only the first stream is read.
    pub streams: u64,
    /// Words of types that are reserved; skipped.
    pub reserved: u64,
    /// Events before the first time stamp, row or column of the stream; skipped, as it is unknown.
    pub before_clock: u64,
    /// Overflows of the time stamp; put right.
    pub overflows: u64,
    /// Events earlier than the one before them; sorted in.
    pub backward: u64,
    /// Word before the positions below: byte or row.
    pub place: &'static str,
    /// Byte or row at which time ran back first.
    pub backward_first: Option<u64>,
    /// Byte from which the file is cut off in the middle of an event or packet; skipped.
    pub truncated_at: Option<u64>,
    /// Assumptions where the file says nothing.
    pub assumed: Vec<&'static str>,
    /// Columns of a table, or datasets of a file, that mean nothing here; skipped.
    pub columns: Vec<String>,
}

impl Notes {
    /// One sentence for everything that is worth saying; nothing for a clean file.
    pub fn lines(&self) -> Vec<String> {
        let counted = [
            (self.invalid, "events marked invalid by the camera: skipped"),
            (self.outside, "events outside the sensor: skipped"),
            (self.other, "events or packets of other kinds: skipped"),
            (
                self.streams,
                "packets of further streams of events: skipped, the first stream is read",
            ),
            (self.reserved, "words of reserved types: skipped"),
            (
                self.before_clock,
                "events before the first time stamp, row or column: skipped",
            ),
            (
                self.overflows,
                "overflows of the time stamp: continued behind",
            ),
        ];
        let mut lines: Vec<String> = counted
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if let Some(first) = self.backward_first {
            let count = self.backward;
            lines.push(format!(
                "{count} times run backwards, first at {} {first}: sorted",
                self.place
            ));
        }
        if let Some(at) = self.truncated_at {
            lines.push(format!("cut off at byte {at}: the rest is skipped"));
        }
        lines.extend(self.assumed.iter().map(|what| format!("assumed: {what}")));
        if !self.columns.is_empty() {
            lines.push(format!("columns not used: {}", self.columns.join(", ")));
        }
        lines
    }
}

/// A recording in memory; 16 bytes per event.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The format that it was read from.
    pub format: Format,
    /// Source of the events.
    pub sensor: Sensor,
    /// The events; times do not decrease.
    pub events: Vec<Event>,
    /// Counts of events that were skipped or put right.
    pub notes: Notes,
}

impl Recording {
    /// Time of the first and the last event in µs; `None` without events.
    pub fn span_us(&self) -> Option<(i64, i64)> {
        Some((self.events.first()?.t_us, self.events.last()?.t_us))
    }

    /// Number of ON events.
    pub fn on_count(&self) -> usize {
        self.events.iter().filter(|event| event.on).count()
    }

    /// The events of a stretch of time, from `start_us` to before `end_us`.
    pub fn between(&self, start_us: i64, end_us: i64) -> &[Event] {
        let start = self.events.partition_point(|event| event.t_us < start_us);
        let end = self.events.partition_point(|event| event.t_us < end_us);
        &self.events[start..end.max(start)]
    }
}
