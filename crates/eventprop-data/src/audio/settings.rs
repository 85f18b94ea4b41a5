//! Every constant of the pipeline, its published values and where they come from.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::bushy_cell::BushyCell;
use super::fibre::Fibres;
use super::hair_cell::HairCell;
use super::level::Ramp;
use super::membrane::{Membrane, Phase};

/// How a sound is encoded.
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
    /// How random numbers are drawn.
    pub mode: Mode,
    /// Seed of the random numbers.
    pub seed: u64,
}

/// How random numbers are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The law of the published program from few draws, keyed by sound and channel.
    Fast,
    /// The published program's own draws, NumPy's legacy generator seeded for every sound.
    Exact,
}

/// A set of published values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// What the files of SHD and SSC show: lauscher 1.0.1 with ramps of 30 ms. Inferred; see `docs/audio.md`.
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

/// A constant that is a number: its name, what it means, and where it is.
pub struct Constant {
    /// The name on the command line and in files.
    pub name: &'static str,
    /// The symbol in `docs/audio.md`.
    pub symbol: &'static str,
    /// The unit.
    pub unit: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// What is allowed.
    range: Range,
    get: fn(&Settings) -> f64,
    set: fn(&mut Settings, f64),
}

#[derive(Clone, Copy)]
enum Range {
    /// Above 0.
    Positive,
    /// 0 or above.
    NotNegative,
    /// A whole number from 1 to 255.
    Count,
}

macro_rules! constant {
    ($name:literal, $symbol:literal, $unit:literal, $range:ident, $($field:ident).+, $meaning:literal) => {
        Constant {
            name: $name,
            symbol: $symbol,
            unit: $unit,
            meaning: $meaning,
            range: Range::$range,
            get: |settings| settings.$($field).+,
            set: |settings, value| settings.$($field).+ = value,
        }
    };
}

/// Every numeric constant, stage by stage.
pub const CONSTANTS: [Constant; 25] = [
    constant!(
        "level",
        "L",
        "full scale",
        Positive,
        level,
        "root mean square of every sound"
    ),
    Constant {
        name: "ramp",
        symbol: "t_ramp",
        unit: "s",
        meaning: "ramp at each end; `half` is half of the sound",
        range: Range::NotNegative,
        get: |settings| match settings.ramp {
            Ramp::Seconds(seconds) => seconds,
            Ramp::HalfTrack => f64::INFINITY,
        },
        set: |settings, value| settings.ramp = Ramp::Seconds(value),
    },
    constant!(
        "length",
        "",
        "cm",
        Positive,
        membrane.length,
        "length of the membrane"
    ),
    constant!(
        "stiffness",
        "C0",
        "g/(s² cm²)",
        Positive,
        membrane.stiffness,
        "stiffness at the base"
    ),
    constant!(
        "stiffness_offset",
        "a",
        "g/(s² cm²)",
        NotNegative,
        membrane.stiffness_offset,
        "stiffness that is subtracted everywhere"
    ),
    constant!(
        "stiffness_decay",
        "alpha",
        "1/cm",
        Positive,
        membrane.stiffness_decay,
        "decay of the stiffness towards the apex"
    ),
    constant!(
        "damping",
        "delta",
        "",
        Positive,
        membrane.damping,
        "damping of the membrane"
    ),
    constant!(
        "mass",
        "m",
        "g/cm²",
        Positive,
        membrane.mass,
        "mass of the membrane per area"
    ),
    constant!(
        "channel_height",
        "h",
        "cm",
        Positive,
        membrane.channel_height,
        "height of the fluid channel"
    ),
    constant!(
        "fluid_density",
        "rho",
        "g/cm³",
        Positive,
        membrane.fluid_density,
        "density of the fluid"
    ),
    constant!(
        "permeability_a",
        "A",
        "velocity",
        Positive,
        hair_cell.permeability_a,
        "permeability of the hair cell"
    ),
    constant!(
        "permeability_b",
        "B",
        "velocity",
        Positive,
        hair_cell.permeability_b,
        "permeability of the hair cell"
    ),
    constant!(
        "release",
        "g",
        "1/s",
        Positive,
        hair_cell.release,
        "release of transmitter"
    ),
    constant!(
        "replenishment",
        "y",
        "1/s",
        Positive,
        hair_cell.replenishment,
        "replenishment of the free pool"
    ),
    constant!(
        "loss",
        "l",
        "1/s",
        Positive,
        hair_cell.loss,
        "loss from the cleft"
    ),
    constant!(
        "reuptake",
        "r",
        "1/s",
        Positive,
        hair_cell.reuptake,
        "re-uptake from the cleft"
    ),
    constant!(
        "reprocessing",
        "x",
        "1/s",
        Positive,
        hair_cell.reprocessing,
        "return from reprocessing to the free pool"
    ),
    constant!(
        "firing",
        "H",
        "1/s",
        Positive,
        hair_cell.firing,
        "firing rate of a fibre per transmitter in the cleft"
    ),
    constant!(
        "pool_max",
        "M",
        "",
        Positive,
        hair_cell.pool_max,
        "most transmitter in the free pool"
    ),
    Constant {
        name: "fibres",
        symbol: "K",
        unit: "",
        meaning: "nerve fibres per channel",
        range: Range::Count,
        get: |settings| settings.fibres.count as f64,
        set: |settings, value| settings.fibres.count = value as usize,
    },
    constant!(
        "dead_time",
        "t_ref",
        "s",
        NotNegative,
        fibres.dead_time,
        "dead time of fibres and bushy cells"
    ),
    constant!(
        "tau_mem",
        "tau_m",
        "s",
        Positive,
        bushy_cell.tau_mem,
        "membrane time constant of the bushy cell"
    ),
    constant!(
        "tau_syn",
        "tau_s",
        "s",
        Positive,
        bushy_cell.tau_syn,
        "synaptic time constant of the bushy cell"
    ),
    constant!(
        "weight",
        "W",
        "1/s",
        Positive,
        bushy_cell.weight,
        "weight of all fibres together; the threshold is 1"
    ),
    Constant {
        name: "duration",
        symbol: "",
        unit: "s",
        meaning: "length to which sounds are cut or filled; `any` leaves them as they are",
        range: Range::Positive,
        get: |settings| settings.duration_s.unwrap_or(f64::INFINITY),
        set: |settings, value| settings.duration_s = Some(value),
    },
];

/// Settings that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// No such preset.
    #[error("there is no preset \"{0}\"; there are shd, lauscher-1.0.1, lauscher-2020 and article")]
    Preset(String),
    /// No such constant.
    #[error("there is no constant \"{name}\"; there are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Not a number in the range.
    #[error("{name} is \"{found}\"; it must be {expected}")]
    Value {
        /// The constant.
        name: String,
        /// Its value.
        found: String,
        /// What is allowed.
        expected: String,
    },
}

impl Constant {
    /// The value; infinite for a ramp of half the track and for a free duration.
    pub fn value(&self, settings: &Settings) -> f64 {
        (self.get)(settings)
    }

    /// The value as [`Settings::assign`] reads it.
    pub fn text(&self, settings: &Settings) -> String {
        match (self.name, self.value(settings)) {
            ("ramp", f64::INFINITY) => "half".to_owned(),
            ("duration", f64::INFINITY) => "any".to_owned(),
            (_, value) => value.to_string(),
        }
    }

    /// What is allowed.
    pub fn allowed(&self) -> &'static str {
        match (self.name, self.range) {
            ("ramp", _) => "a number of seconds, 0 or above, or `half`",
            ("duration", _) => "a number of seconds above 0, or `any`",
            (_, Range::Positive) => "a number above 0",
            (_, Range::NotNegative) => "a number, 0 or above",
            (_, Range::Count) => "a whole number from 1 to 255",
        }
    }

    fn allows(&self, value: f64) -> bool {
        match self.range {
            Range::Positive => value > 0.0,
            Range::NotNegative => value >= 0.0,
            Range::Count => (1.0..=255.0).contains(&value) && value.fract() == 0.0,
        }
    }

    fn refuse(&self, found: &str) -> SettingsError {
        SettingsError::Value {
            name: self.name.to_owned(),
            found: found.to_owned(),
            expected: self.allowed().to_owned(),
        }
    }
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
