//! Events of a camera as input spikes: sensor made smaller, polarities kept apart or not, times on a
//! grid.
//!
//! A sensor whose longer side has L pixels is drawn on one of `side` pixels: x' = ⌊x · side / L⌋, y alike,
//! and input (y' · width' + x') · 2 + polarity, or without the polarity y' · width' + x'. Times count
//! from the start that the caller gives, and step = ⌊t / DT⌋.

use std::str::FromStr;

use eventprop::time_noise::TimeNoise;
use thiserror::Error;

use crate::binned::{BinError, Binning};
use crate::formats::events::{Event, SensorSize};

/// Treatment of polarities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolarityCode {
    /// An input for each.
    Separate,
    /// One input for both.
    Merge,
    /// Only ON events.
    On,
}

impl FromStr for PolarityCode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "separate" => Ok(Self::Separate),
            "merge" => Ok(Self::Merge),
            "on" => Ok(Self::On),
            _ => Err(format!("polarity {name:?}; expected separate, merge or on")),
        }
    }
}

/// A sensor that has no place in the inputs of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a sensor of {width} × {height} pixels drawn on a side of {side} makes {inputs} inputs; at most 65536 are possible: \
     choose a smaller side"
)]
pub struct CameraCodeError {
    /// Columns of the sensor.
    pub width: u32,
    /// Rows of the sensor.
    pub height: u32,
    /// Pixels of the longer side.
    pub side: u32,
    /// Inputs that it would make.
    pub inputs: u64,
}

/// Conversion of pixels into inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CameraCode {
    longest: u32,
    side: u32,
    width: u32,
    height: u32,
    polarity: PolarityCode,
}

impl CameraCode {
    /// The code for a sensor whose longer side is drawn on `side` pixels; a sensor is never enlarged.
    ///
    /// # Errors
    /// [`CameraCodeError`] with more than 65,536 inputs, or none.
    pub fn new(
        sensor: SensorSize,
        side: u32,
        polarity: PolarityCode,
    ) -> Result<Self, CameraCodeError> {
        let longest = sensor.width.max(sensor.height);
        let side = side.min(longest);
        let scaled = |pixels: u32| {
            (u64::from(pixels) * u64::from(side)).div_ceil(u64::from(longest).max(1)) as u32
        };
        let (width, height) = (scaled(sensor.width), scaled(sensor.height));
        let copies = 1 + u64::from(polarity == PolarityCode::Separate);
        let inputs = u64::from(width) * u64::from(height) * copies;
        if !(1..=1 << 16).contains(&inputs) {
            let SensorSize { width, height } = sensor;
            return Err(CameraCodeError {
                width,
                height,
                side,
                inputs,
            });
        }
        Ok(Self {
            longest,
            side,
            width,
            height,
            polarity,
        })
    }

    /// Number of inputs.
    pub fn inputs(&self) -> u32 {
        self.width * self.height * self.copies()
    }

    /// Columns and rows of the inputs.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Inputs per pixel: 2 with polarities kept apart, otherwise 1.
    pub fn copies(&self) -> u32 {
        1 + u32::from(self.polarity == PolarityCode::Separate)
    }

    /// The input of an event; none for an OFF event that is left out.
    ///
    /// # Panics
    /// May panic or give a wrong input for an event outside the sensor.
    pub fn input(&self, event: &Event) -> Option<u32> {
        let scaled = |x: u16| u32::from(x) * self.side / self.longest;
        let pixel = scaled(event.y) * self.width + scaled(event.x);
        match self.polarity {
            PolarityCode::Separate => Some(2 * pixel + u32::from(event.on)),
            PolarityCode::Merge => Some(pixel),
            PolarityCode::On => event.on.then_some(pixel),
        }
    }

    /// Adds the spikes of events to `out`; times count from `start_us`. Returns how many events come after
    /// the end of the trial.
    ///
    /// # Errors
    /// [`BinError::Time`] for an event before the start.
    pub fn bin(
        &self,
        events: &[Event],
        start_us: i64,
        binning: &Binning,
        out: &mut Vec<(u32, u16)>,
    ) -> Result<u64, BinError> {
        let mut late = 0;
        for event in events {
            let Some(input) = self.input(event) else {
                continue;
            };
            let time_ms = event.t_us.saturating_sub(start_us) as f64 / 1000.0;
            match binning.bin(time_ms, TimeNoise::F64, input)? {
                Some(spike) => out.push(spike),
                None => late += 1,
            }
        }
        Ok(late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binned::Repeats;

    fn event(t_us: i64, x: u16, y: u16, on: bool) -> Event {
        Event { t_us, x, y, on }
    }

    /// The reference's input (32 y + x) · 2 + p after x ↦ trunc(x / 4).
    #[test]
    fn gestures_as_the_reference_has_them() {
        let code = CameraCode::new(SensorSize::square(128), 32, PolarityCode::Separate).unwrap();
        assert_eq!(
            (code.inputs(), code.size(), code.copies()),
            (2048, (32, 32), 2)
        );
        for (x, y, on) in [
            (0, 0, false),
            (127, 127, true),
            (5, 66, true),
            (3, 4, false),
        ] {
            let expected = (32 * u32::from(y / 4) + u32::from(x / 4)) * 2 + u32::from(on);
            assert_eq!(code.input(&event(0, x, y, on)), Some(expected));
        }
    }

    #[test]
    fn polarities() {
        let code = |polarity| CameraCode::new(SensorSize::square(34), 34, polarity).unwrap();
        let off = event(0, 3, 1, false);
        assert_eq!(code(PolarityCode::Merge).input(&off), Some(37));
        assert_eq!(code(PolarityCode::On).input(&off), None);
        assert_eq!(code(PolarityCode::On).inputs(), 1156);
        assert_eq!("merge".parse(), Ok(PolarityCode::Merge));
        assert!("both".parse::<PolarityCode>().is_err());
    }

    #[test]
    fn sensors_that_are_not_square_and_sensors_that_are_too_large() {
        let code = CameraCode::new(
            SensorSize {
                width: 346,
                height: 260,
            },
            64,
            PolarityCode::Merge,
        )
        .unwrap();
        assert_eq!(code.size(), (64, 49));
        let corner = code.input(&event(0, 345, 259, true)).unwrap();
        assert!(corner < code.inputs());
        let small = CameraCode::new(SensorSize::square(34), 128, PolarityCode::Merge).unwrap();
        assert_eq!(small.size(), (34, 34));
        let error = CameraCode::new(
            SensorSize {
                width: 1280,
                height: 720,
            },
            1280,
            PolarityCode::Merge,
        )
        .unwrap_err();
        assert!(error.to_string().contains("921600 inputs"), "{error}");
        assert!(CameraCode::new(SensorSize::square(0), 1, PolarityCode::Merge).is_err());
    }

    #[test]
    fn times_count_from_the_start_and_late_events_are_counted() {
        let code = CameraCode::new(SensorSize::square(2), 2, PolarityCode::Separate).unwrap();
        let binning = Binning {
            dt_ms: 0.5,
            steps: 4,
            inputs: code.inputs(),
            rescale_t: 1.0,
            rescale_x: 1.0,
            repeats: Repeats::Merge,
        };
        let events = [
            event(1000, 0, 0, true),
            event(1999, 1, 1, false),
            event(3000, 1, 1, true),
        ];
        let mut out = Vec::new();
        assert_eq!(code.bin(&events, 1000, &binning, &mut out), Ok(1));
        assert_eq!(out, [(0, 1), (1, 6)]);
        assert!(code.bin(&events, 1001, &binning, &mut out).is_err());
    }
}
