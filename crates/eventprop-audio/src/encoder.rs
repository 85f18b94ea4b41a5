//! All stages together: a sound in, the spikes of the bushy cells out.

use std::fmt;

use eventprop::rng::{Key, Purpose};
use thiserror::Error;

use super::bushy_cell::Block;
use super::fibre::HazardSampler;
use super::filter_bank::{FilterBank, Grid};
use super::level::{self, LevelError};
use super::resample::Resampler;
use super::response_table::ResponseTable;
use super::settings::{Mode, RATES_HZ, Settings, SettingsError};
use super::sound::Sound;
use super::{LANES, Spike};
use crate::mt19937::Mt19937;

/// An encoder: settings, and what was computed from them once.
#[derive(Debug)]
pub struct Encoder {
    settings: Settings,
    table: Option<ResponseTable>,
}

/// The memory of one thread, kept from sound to sound: about 4 MB for each second of the longest sound.
#[derive(Debug, Default)]
pub struct Workspace {
    motion: Vec<[f64; LANES]>,
    events: Vec<[u8; LANES]>,
    sampler: HazardSampler,
    resampler: Option<(u32, u32, Resampler)>,
}

/// The spikes of one sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// The spikes, by time, then channel.
    pub spikes: Vec<Spike>,
    /// Samples per second of [`Spike::index`].
    pub rate_hz: u32,
    /// Samples of the sound at that rate.
    pub samples: usize,
    /// Notices for the user.
    pub notes: Vec<Note>,
}

/// Something odd in a sound that is encoded all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// Samples in runs of three or more at full scale.
    Clipped {
        /// Their number.
        samples: usize,
    },
    /// The rate is too low for the hair cell's constants.
    Slow {
        /// The rate of the sound.
        rate_hz: u32,
        /// The lowest good one.
        lowest_hz: u32,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clipped { samples } => {
                write!(f, "{samples} samples are clipped at full scale")
            }
            Self::Slow { rate_hz, lowest_hz } => write!(
                f,
                "at {rate_hz} Hz without resampling the hair cells are not right, and there are several times too \
                 many spikes; they need more than {lowest_hz} Hz"
            ),
        }
    }
}

/// A sound cannot be encoded.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EncodeError {
    /// The level or the ramps.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// A sample is no number.
    #[error("sample {index} is {value}; samples must be finite")]
    NotFinite {
        /// The first such sample.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A rate at which nobody records sound.
    #[error("its sample rate is {found} Hz; rates from 1000 to 1000000 Hz are taken")]
    Rate {
        /// The rate.
        found: u32,
    },
}

impl Encoding {
    /// Time of a spike in s.
    pub fn seconds(&self, spike: Spike) -> f64 {
        f64::from(spike.index) / f64::from(self.rate_hz)
    }
}

impl Encoder {
    /// An encoder. In fast mode it tabulates the membrane, which takes about 0.2 s of processor time and 8 MB at
    /// 700 channels.
    ///
    /// # Errors
    /// [`SettingsError`] if [`Settings::validate`] finds one.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.validate()?;
        let table = match settings.mode {
            Mode::Fast => Some(ResponseTable::new(&settings.membrane, settings.channels)),
            Mode::Exact => None,
        };
        Ok(Self { settings, table })
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// `[E17]` Encodes a sound.
    ///
    /// `stream` keys the random numbers of the fast mode: the same stream, seed and sound give the same spikes, on
    /// any thread. The exact mode begins every sound with the seed and does not look at `stream`.
    ///
    /// # Errors
    /// [`EncodeError`]
    pub fn encode(
        &self,
        sound: &Sound,
        stream: u64,
        workspace: &mut Workspace,
    ) -> Result<Encoding, EncodeError> {
        let (wave, rate_hz, notes) = self.prepare(sound, workspace)?;
        let settings = &self.settings;
        let grid = Grid::new(wave.len(), rate_hz);
        let mut bank = self.filter_bank(&wave, grid);
        let mut draws = match settings.mode {
            Mode::Fast => Draws::Fast(Key::new(settings.seed, Purpose::Fibres).with(stream)),
            // `Settings::validate` has seen that the seed fits.
            Mode::Exact => Draws::Exact(Box::new(Mt19937::new(settings.seed as u32))),
        };
        let mut spikes = Vec::new();
        let Workspace {
            motion,
            events,
            sampler,
            ..
        } = workspace;
        motion.clear();
        motion.resize(grid.samples, [0.0; LANES]);
        let dead = settings.fibres.dead_time * f64::from(grid.rate_hz);
        for first in (0..settings.channels).step_by(LANES) {
            bank.velocities(first, motion);
            settings.hair_cell.respond(motion, grid.dt());
            if settings.mode == Mode::Fast {
                sampler.hear(motion);
            }
            events.clear();
            events.resize(grid.samples, [0; LANES]);
            for lane in 0..LANES.min(settings.channels - first) {
                let fibres = &settings.fibres;
                match &mut draws {
                    Draws::Exact(generator) => {
                        fibres.draw_exact(generator, motion, lane, dead, events);
                    }
                    Draws::Fast(key) => {
                        let key = key.with((first + lane) as u64);
                        sampler.draw(fibres, key, lane, dead, events);
                    }
                }
            }
            let block = Block {
                channel: first,
                fibres: settings.fibres.count,
                dt: grid.dt(),
                dead,
            };
            settings.bushy_cell.fire(events, block, &mut spikes);
        }
        spikes.sort_unstable();
        Ok(Encoding {
            spikes,
            rate_hz: grid.rate_hz,
            samples: grid.samples,
            notes,
        })
    }

    /// The sound as the membrane meets it: checked, at the encoder's rate and length, at the level, with ramps; and
    /// its rate in Hz.
    ///
    /// # Errors
    /// [`EncodeError`]
    pub fn prepare(
        &self,
        sound: &Sound,
        workspace: &mut Workspace,
    ) -> Result<(Vec<f64>, u32, Vec<Note>), EncodeError> {
        if !RATES_HZ.contains(&sound.rate_hz) {
            return Err(EncodeError::Rate {
                found: sound.rate_hz,
            });
        }
        let odd = sound.samples.iter().position(|x| !x.is_finite());
        if let Some(index) = odd {
            let value = sound.samples[index];
            return Err(EncodeError::NotFinite { index, value });
        }
        let settings = &self.settings;
        let rate_hz = settings.rate_hz.unwrap_or(sound.rate_hz);
        let mut wave = workspace.resampled(sound, rate_hz);
        if let Some(seconds) = settings.duration_s {
            wave.resize((seconds * f64::from(rate_hz)).round() as usize, 0.0);
        }
        level::normalise(&mut wave, settings.level)?;
        level::fade(&mut wave, settings.ramp, rate_hz)?;
        Ok((wave, rate_hz, self.notes(sound, rate_hz)))
    }

    /// The membrane for a prepared sound.
    pub fn filter_bank<'a>(&'a self, wave: &[f64], grid: Grid) -> FilterBank<'a> {
        if let Some(table) = &self.table {
            return FilterBank::fast(table, wave, grid);
        }
        let Settings {
            membrane, channels, ..
        } = &self.settings;
        FilterBank::exact(membrane, *channels, wave, grid)
    }

    fn notes(&self, sound: &Sound, rate_hz: u32) -> Vec<Note> {
        let mut notes = Vec::new();
        let samples = sound.clipped();
        if samples > 0 {
            notes.push(Note::Clipped { samples });
        }
        // [E13] needs dt (l + r) < 1, and dt is 2/rate.
        let cell = &self.settings.hair_cell;
        let lowest_hz = (2.0 * (cell.loss + cell.reuptake)).ceil() as u32;
        if rate_hz < lowest_hz {
            notes.push(Note::Slow { rate_hz, lowest_hz });
        }
        notes
    }
}

/// Source of random numbers.
enum Draws {
    Exact(Box<Mt19937>),
    Fast(Key),
}

impl Workspace {
    /// The sound at `rate_hz`. The filter of the last rate is kept, as the sounds of a set mostly have one rate.
    fn resampled(&mut self, sound: &Sound, rate_hz: u32) -> Vec<f64> {
        if sound.rate_hz == rate_hz {
            return sound.samples.clone();
        }
        let kept = self.resampler.take();
        let kept = kept.filter(|(from, to, _)| (*from, *to) == (sound.rate_hz, rate_hz));
        let filter = kept.map_or_else(|| Resampler::new(sound.rate_hz, rate_hz), |kept| kept.2);
        let wave = filter.resample(&sound.samples);
        self.resampler = Some((sound.rate_hz, rate_hz, filter));
        wave
    }
}

#[cfg(test)]
mod tests;
