//! Settings of the encoding of a sound: every constant of the pipeline.

use thiserror::Error;

use crate::bushy_cell::BushyCell;
use crate::constants::CONSTANTS;
use crate::fibre::Fibres;
use crate::hair_cell::HairCell;
use crate::level::Ramp;
use crate::membrane::{Membrane, Phase};

/// Settings of the encoding of a sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Number of channels.
    pub channels: usize,
    /// The rate in Hz to which sounds are brought; `None` takes them as they are.
    pub rate_hz: Option<u32>,
    /// The length in s to which sounds are cut or filled with silence; `None` leaves them as long as they are.
    pub duration_s: Option<f64>,
    /// Root mean square of a sound, full scale being 1.
    pub level: f64,
    /// Ramps at both ends.
    pub ramp: Ramp,
    /// The mechanics.
    pub membrane: Membrane,
    /// The hair cells.
    pub hair_cell: HairCell,
    /// The nerve fibres.
    pub fibres: Fibres,
    /// The bushy cells.
    pub bushy_cell: BushyCell,
    /// Drawing of random numbers.
    pub mode: Mode,
    /// Seed of the random numbers.
    pub seed: u64,
}

/// Drawing of random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The law of the published program from few draws, keyed by sound and channel.
    Fast,
    /// The published program's own draws, NumPy's legacy generator seeded for every sound.
    Exact,
}

/// Settings that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// No such preset.
    #[error("there is no preset \"{0}\"; there are shd, lauscher-1.0.1, lauscher-2020 and article")]
    Preset(String),
    /// No such constant.
    #[error("there is no constant \"{name}\"; there are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The known names.
        known: String,
    },
    /// Not a number in the range.
    #[error("{name} is \"{found}\"; it must be {expected}")]
    Value {
        /// The constant.
        name: String,
        /// Its value.
        found: String,
        /// The values allowed.
        expected: String,
    },
}

impl Settings {
    /// The place among the channels, such as 12.5 between channels 12 and 13, that resonates at a frequency in
    /// Hz: where the stiffness of the membrane, which falls from the base on, is that of its mass.
    pub fn resonant_channel(&self, hz: f64) -> f64 {
        let membrane = &self.membrane;
        let omega = std::f64::consts::TAU * hz;
        let stiffness = membrane.mass * omega * omega + membrane.stiffness_offset;
        let place = (membrane.stiffness / stiffness).ln() / membrane.stiffness_decay;
        place / membrane.length * (self.channels as f64 - 1.0)
    }

    /// Sets a constant of [`CONSTANTS`] by its name.
    ///
    /// # Errors
    /// [`SettingsError`] for an unknown name and for a value out of its range.
    pub fn assign(&mut self, name: &str, value: &str) -> Result<(), SettingsError> {
        let known = || CONSTANTS.map(|constant| constant.name).join(", ");
        let found = CONSTANTS.iter().find(|constant| constant.name == name);
        let constant = found.ok_or_else(|| SettingsError::Unknown {
            name: name.to_owned(),
            known: known(),
        })?;
        match (name, value) {
            ("ramp", "half") => self.ramp = Ramp::HalfTrack,
            ("duration", "any") => self.duration_s = None,
            _ => {
                let number = value.parse().ok().filter(|number: &f64| number.is_finite());
                let number = number.filter(|number| constant.allows(*number));
                (constant.set)(self, number.ok_or_else(|| constant.refuse(value))?);
            }
        }
        Ok(())
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`SettingsError::Value`] names the first that cannot be.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let refuse = |name: &str, found: String, expected: &str| SettingsError::Value {
            name: name.to_owned(),
            found,
            expected: expected.to_owned(),
        };
        for constant in &CONSTANTS {
            let value = constant.value(self);
            let unbounded = ["ramp", "duration"].contains(&constant.name);
            if !constant.allows(value) || (value.is_infinite() && !unbounded) {
                return Err(constant.refuse(&value.to_string()));
            }
        }
        if !(1..=65_536).contains(&self.channels) {
            let expected = "a whole number from 1 to 65536";
            return Err(refuse("channels", self.channels.to_string(), expected));
        }
        if self.rate_hz.is_some_and(|rate| !RATES_HZ.contains(&rate)) {
            let expected = "from 1000 to 1000000 Hz";
            return Err(refuse("rate", format!("{:?}", self.rate_hz), expected));
        }
        if self.mode == Mode::Exact && u32::try_from(self.seed).is_err() {
            let expected = "below 2^32 in exact mode, as NumPy's legacy generator has it";
            return Err(refuse("seed", self.seed.to_string(), expected));
        }
        Ok(())
    }

    /// All settings as text, one `name = value` a line, for the file that holds the spikes.
    pub fn describe(&self) -> String {
        let mode = match self.mode {
            Mode::Fast => "fast",
            Mode::Exact => "exact",
        };
        let phase = match self.membrane.phase {
            Phase::Published => "published",
            Phase::Causal => "causal",
        };
        let rate = self
            .rate_hz
            .map_or("native".to_owned(), |rate| rate.to_string());
        let mut lines = vec![
            format!("channels = {}", self.channels),
            format!("rate = {rate}"),
            format!("mode = {mode}"),
            format!("seed = {}", self.seed),
            format!("phase = {phase}"),
        ];
        let constants = CONSTANTS.iter();
        lines.extend(constants.map(|one| format!("{} = {}", one.name, one.text(self))));
        lines.join("\n")
    }
}

/// Sample rates that are taken, in Hz.
pub const RATES_HZ: std::ops::RangeInclusive<u32> = 1000..=1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    #[test]
    fn a_description_can_be_assigned_again() {
        let mut made = Preset::Article.settings();
        for constant in CONSTANTS {
            made.assign(constant.name, "3").unwrap();
        }
        let mut again = Preset::Shd.settings();
        for line in made.describe().lines().skip(5) {
            let (name, value) = line.split_once(" = ").unwrap();
            again.assign(name, value).unwrap();
        }
        assert_eq!(again, made);
        for (name, value) in [("ramp", "half"), ("duration", "any")] {
            again.assign(name, value).unwrap();
            assert!(again.describe().contains(&format!("{name} = {value}")));
        }
    }

    #[test]
    fn wrong_values_are_named() {
        let mut settings = Preset::Shd.settings();
        for (name, value) in [
            ("level", "0"),
            ("level", "NaN"),
            ("ramp", "-1"),
            ("ramp", "inf"),
            ("fibres", "256"),
            ("fibres", "2.5"),
            ("mass", "heavy"),
            ("duration", "0"),
        ] {
            let error = settings.assign(name, value).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
        assert!(
            settings
                .assign("stifness", "1")
                .unwrap_err()
                .to_string()
                .contains("stiffness,")
        );
        assert_eq!(settings, Preset::Shd.settings());
        settings.channels = 0;
        assert!(settings.validate().is_err());
        let exact = Settings {
            mode: Mode::Exact,
            seed: 1 << 32,
            ..Preset::Shd.settings()
        };
        assert!(exact.validate().unwrap_err().to_string().contains("seed"));
    }

    /// A channel is at its place on the membrane, whose stiffness there is that of its mass at the resonance.
    #[test]
    fn a_channel_resonates_where_stiffness_balances_mass() {
        let settings = Preset::Shd.settings();
        let membrane = &settings.membrane;
        for channel in [0.0, 12.5, 350.0] {
            let place = channel / (settings.channels as f64 - 1.0) * membrane.length;
            let stiffness = membrane.stiffness * (-membrane.stiffness_decay * place).exp();
            let omega = ((stiffness - membrane.stiffness_offset) / membrane.mass).sqrt();
            let found = settings.resonant_channel(omega / std::f64::consts::TAU);
            // The logarithm of a quotient near 1 loses no more than some ulps of the number of channels.
            assert!(
                (found - channel).abs() < 1e-9,
                "{found} instead of {channel}"
            );
        }
    }
}
