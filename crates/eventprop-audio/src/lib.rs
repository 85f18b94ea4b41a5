//! From sound to spikes: the model of the inner ear with which SHD and SSC were made.
//!
//! A sound passes the stages of Cramer, Stradmann, Schemmel & Zenke (2020), one file each: it is read
//! ([`sound`]), brought to 48 kHz ([`resample`]), to a level and faded ([`level`]); it moves the basilar
//! membrane ([`membrane`], applied by [`filter_bank`]) at 700 places, whose hair cells ([`hair_cell`])
//! excite nerve fibres ([`fibre`]) that make bushy cells fire ([`bushy_cell`]). [`encoder`] puts them together.
//!
//! ```
//! use eventprop_audio::encoder::{Encoder, Workspace};
//! use eventprop_audio::preset::Preset;
//! use eventprop_audio::settings::Settings;
//! use eventprop_audio::sound::Sound;
//!
//! let settings = Settings { channels: 70, ..Preset::Shd.settings() };
//! let tone = (0..4000).map(|k| (0.35 * f64::from(k)).sin()).collect();
//! let encoder = Encoder::new(settings)?;
//! let encoding = encoder.encode(&Sound::new(tone, 8000), 0, &mut Workspace::default())?;
//! let first = encoding.spikes[0];
//! println!("channel {} at {} s", first.channel, encoding.seconds(first));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Equations, parameters and their sources: `docs/audio.md`.

pub mod bushy_cell;
pub mod constants;
pub mod encoder;
mod fft;
pub mod fibre;
pub mod filter_bank;
pub mod guard;
pub mod hair_cell;
pub mod hankel;
pub mod level;
pub mod membrane;
pub mod mt19937;
pub mod preset;
pub mod resample;
mod response_table;
pub mod settings;
pub mod sound;
mod wav;

/// Channels that are computed together, side by side: `block[t][lane]`.
pub const LANES: usize = 8;

/// A spike of a bushy cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spike {
    /// The sample at the internal rate, half of the sound's.
    pub index: u32,
    /// The channel: 0 has the highest frequency.
    pub channel: u16,
}

impl Spike {
    /// `channel` is below 65536, which [`settings::Settings::validate`] checks.
    fn new(index: u32, channel: usize) -> Self {
        Self {
            index,
            channel: channel as u16,
        }
    }
}
