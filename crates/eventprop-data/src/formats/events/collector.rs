//! The part that all readers share: check an event, keep the order of time, count what is skipped.

use super::{Event, EventProblem, Format, Notes, Polarity, Recording, Sensor, SizeFrom};

/// A clock that goes back by more than this (one second) was reset.
pub const BACKWARD_MAX_US: i64 = 1_000_000;

/// The note on a header whose sensor has no pixels.
const NO_PIXELS: &str = "a sensor that just holds the events, because the header says 0 pixels";

/// Gathers the events of one file.
pub struct Collector {
    format: Format,
    /// Width and height, where the file says them.
    size: Option<(u32, u32)>,
    latest_us: i64,
    events: Vec<Event>,
    /// Counted by the readers.
    pub notes: Notes,
}

impl Collector {
    /// A collector for a format; `size` is what the file says of its sensor. A side of 0 pixels says nothing.
    pub fn new(format: Format, size: Option<(u32, u32)>) -> Self {
        let said = size.filter(|&(width, height)| width > 0 && height > 0);
        let mut notes = Notes {
            place: format.place(),
            ..Notes::default()
        };
        if said != size {
            notes.assumed.push(NO_PIXELS);
        }
        Self {
            format,
            size: said,
            latest_us: i64::MIN,
            events: Vec::new(),
            notes,
        }
    }

    /// Takes an event that stands at byte `offset`.
    pub fn push(&mut self, offset: usize, event: Event) -> Result<(), EventProblem> {
        if event.t_us < self.latest_us {
            // Times may lie anywhere in i64, so the difference may not.
            if self.latest_us.saturating_sub(event.t_us) > BACKWARD_MAX_US {
                return Err(EventProblem::TimeBack {
                    format: self.format,
                    offset: offset as u64,
                    from_us: self.latest_us,
                    to_us: event.t_us,
                });
            }
            self.notes.backward += 1;
            self.notes.backward_first.get_or_insert(offset as u64);
        }
        self.latest_us = self.latest_us.max(event.t_us);
        let outside = self
            .size
            .is_some_and(|(w, h)| u32::from(event.x) >= w || u32::from(event.y) >= h);
        if outside {
            self.notes.outside += 1;
        } else {
            if self.events.len() == self.events.capacity() {
                let more = self.events.try_reserve(1);
                let events = self.events.len();
                more.map_err(|_| EventProblem::Memory { events })?;
            }
            self.events.push(event);
        }
        Ok(())
    }

    /// Says that the file is cut off at byte `offset`.
    pub fn truncated(&mut self, offset: usize) {
        self.notes.truncated_at.get_or_insert(offset as u64);
    }

    /// An error about what stands at byte `offset`.
    pub fn damaged(
        &self,
        offset: usize,
        found: impl Into<String>,
        expected: &'static str,
    ) -> EventProblem {
        damaged(self.format, offset, found, expected)
    }

    /// The recording of a camera.
    pub fn camera(self) -> Recording {
        self.finish(Polarity::OnOff)
    }

    /// The recording, with or without polarities.
    pub fn finish(mut self, polarity: Polarity) -> Recording {
        if self.notes.backward > 0 {
            self.events.sort_by_key(|event| event.t_us);
        }
        let (width, height) = self.size.unwrap_or_else(|| extent(&self.events));
        Recording {
            format: self.format,
            sensor: Sensor {
                width,
                height,
                polarity,
                size_from: if self.size.is_some() {
                    SizeFrom::File
                } else {
                    SizeFrom::Events
                },
            },
            events: self.events,
            notes: self.notes,
        }
    }
}

/// The smallest sensor that holds the events; at least one pixel.
fn extent(events: &[Event]) -> (u32, u32) {
    let most = |of: fn(&Event) -> u16| events.iter().map(of).max().map_or(1, |m| u32::from(m) + 1);
    (most(|event| event.x), most(|event| event.y))
}

/// An error about what stands at byte `offset`.
pub fn damaged(
    format: Format,
    offset: usize,
    found: impl Into<String>,
    expected: &'static str,
) -> EventProblem {
    EventProblem::Damaged {
        format,
        offset: offset as u64,
        found: found.into(),
        expected,
    }
}

/// Continues a counter of `bits` bits: a step back by more than half its range is an overflow.
pub struct Unwrapper {
    range: i64,
    base: i64,
    latest: i64,
}

impl Unwrapper {
    /// A counter of `bits` bits.
    pub fn new(bits: u32) -> Self {
        Self {
            range: 1 << bits,
            base: 0,
            latest: 0,
        }
    }

    /// The continued value of a reading, and whether it has just overflowed.
    pub fn next(&mut self, reading: u32) -> (i64, bool) {
        let reading = i64::from(reading);
        let overflowed = self.latest - reading > self.range / 2;
        if overflowed {
            self.base += self.range;
        }
        // A reading from before the overflow that comes late belongs to the range before.
        let late = self.base > 0 && reading - self.latest > self.range / 2;
        if late {
            return (self.base - self.range + reading, false);
        }
        self.latest = reading;
        (self.base + reading, overflowed)
    }
}
