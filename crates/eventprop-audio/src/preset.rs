//! Published values of the constants.

use std::fmt;
use std::str::FromStr;

use crate::bushy_cell::BushyCell;
use crate::fibre::Fibres;
use crate::hair_cell::HairCell;
use crate::level::Ramp;
use crate::membrane::{Membrane, Phase};
use crate::settings::{Mode, Settings, SettingsError};

/// A set of published values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// As in the files of SHD and SSC: lauscher 1.0.1 with ramps of 30 ms. Inferred; see `docs/audio.md`.
    Shd,
    /// The published program `lauscher` 1.0.1: ramps of half the track.
    Lauscher101,
    /// The program before August 2021, whose base was ten times softer.
    Lauscher2020,
    /// The article's hair cell as a fork of the program reports it.
    Article,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 4] = [
        Self::Shd,
        Self::Lauscher101,
        Self::Lauscher2020,
        Self::Article,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shd => "shd",
            Self::Lauscher101 => "lauscher-1.0.1",
            Self::Lauscher2020 => "lauscher-2020",
            Self::Article => "article",
        }
    }

    /// The values: 700 channels at 48 kHz, fast, seed 0.
    pub fn settings(self) -> Settings {
        let shd = published();
        match self {
            Self::Shd => shd,
            Self::Lauscher101 => Settings {
                ramp: Ramp::HalfTrack,
                ..shd
            },
            Self::Lauscher2020 => Settings {
                ramp: Ramp::HalfTrack,
                membrane: Membrane {
                    stiffness: 1e8,
                    ..shd.membrane
                },
                ..shd
            },
            Self::Article => Settings {
                hair_cell: HairCell {
                    release: 1000.0,
                    replenishment: 11.11,
                    loss: 1250.0,
                    reuptake: 16_667.0,
                    reprocessing: 250.0,
                    ..shd.hair_cell
                },
                ..shd
            },
        }
    }
}

fn published() -> Settings {
    Settings {
        channels: 700,
        rate_hz: Some(48_000),
        duration_s: None,
        level: 0.3,
        ramp: Ramp::Seconds(0.03),
        membrane: Membrane {
            length: 3.5,
            stiffness: 1e9,
            stiffness_offset: 3500.0,
            stiffness_decay: 3.0,
            damping: 0.15,
            mass: 0.05,
            channel_height: 0.1,
            fluid_density: 1.0,
            phase: Phase::Published,
        },
        hair_cell: HairCell {
            permeability_a: 5.0,
            permeability_b: 300.0,
            release: 2000.0,
            replenishment: 5.05,
            loss: 2500.0,
            reuptake: 6580.0,
            reprocessing: 66.3,
            firing: 50_000.0,
            pool_max: 1.0,
        },
        fibres: Fibres {
            count: 40,
            dead_time: 1e-3,
        },
        bushy_cell: BushyCell {
            tau_mem: 1e-3,
            tau_syn: 0.5e-3,
            weight: 13_000.0,
        },
        mode: Mode::Fast,
        seed: 0,
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = SettingsError;

    fn from_str(name: &str) -> Result<Self, SettingsError> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == name);
        found.ok_or_else(|| SettingsError::Preset(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::CONSTANTS;

    #[test]
    fn presets_are_valid_and_found_by_name() {
        for preset in Preset::ALL {
            assert_eq!(preset.settings().validate(), Ok(()));
            assert_eq!(preset.name().parse(), Ok(preset));
        }
        let error = "shd2".parse::<Preset>().unwrap_err().to_string();
        assert!(
            error.contains("shd2") && error.contains("lauscher-2020"),
            "{error}"
        );
    }

    #[test]
    fn presets_differ_where_the_publications_do() {
        let difference = |preset: Preset| -> Vec<&str> {
            let (one, shd) = (preset.settings(), Preset::Shd.settings());
            let unlike = CONSTANTS.iter().filter(|c| c.value(&one) != c.value(&shd));
            unlike.map(|constant| constant.name).collect()
        };
        assert_eq!(difference(Preset::Lauscher101), ["ramp"]);
        assert_eq!(difference(Preset::Lauscher2020), ["ramp", "stiffness"]);
        let hair = [
            "release",
            "replenishment",
            "loss",
            "reuptake",
            "reprocessing",
        ];
        assert_eq!(difference(Preset::Article), hair);
    }
}
