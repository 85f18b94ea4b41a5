//! The table of the constants that are numbers.

use crate::level::Ramp;
use crate::settings::{Settings, SettingsError};

/// A constant that is a number: its name, what it means, and where it is.
pub struct Constant {
    /// The name on the command line and in files.
    pub name: &'static str,
    /// The symbol in `docs/audio.md`.
    pub symbol: &'static str,
    /// The unit.
    pub unit: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
    /// The values allowed.
    range: Range,
    get: fn(&Settings) -> f64,
    pub(crate) set: fn(&mut Settings, f64),
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

    /// The values allowed.
    pub fn allowed(&self) -> &'static str {
        match (self.name, self.range) {
            ("ramp", _) => "a number of seconds, 0 or above, or `half`",
            ("duration", _) => "a number of seconds above 0, or `any`",
            (_, Range::Positive) => "a number above 0",
            (_, Range::NotNegative) => "a number, 0 or above",
            (_, Range::Count) => "a whole number from 1 to 255",
        }
    }

    pub(crate) fn allows(&self, value: f64) -> bool {
        match self.range {
            Range::Positive => value > 0.0,
            Range::NotNegative => value >= 0.0,
            Range::Count => (1.0..=255.0).contains(&value) && value.fract() == 0.0,
        }
    }

    pub(crate) fn refuse(&self, found: &str) -> SettingsError {
        SettingsError::Value {
            name: self.name.to_owned(),
            found: found.to_owned(),
            expected: self.allowed().to_owned(),
        }
    }
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
