//! The models that come with the engine, each a TOML file with its source.

use super::error::EquationError;
use super::model::NeuronModel;

/// Name and text of every model.
const ALL: [(&str, &str); 14] = [
    ("lif", include_str!("models/lif.toml")),
    ("alif", include_str!("models/alif.toml")),
    ("lif_refractory", include_str!("models/lif_refractory.toml")),
    (
        "alif_refractory",
        include_str!("models/alif_refractory.toml"),
    ),
    ("qif", include_str!("models/qif.toml")),
    ("eif", include_str!("models/eif.toml")),
    ("adex", include_str!("models/adex.toml")),
    ("izhikevich", include_str!("models/izhikevich.toml")),
    (
        "resonate_and_fire",
        include_str!("models/resonate_and_fire.toml"),
    ),
    ("lif_alpha", include_str!("models/lif_alpha.toml")),
    (
        "lif_two_synapses",
        include_str!("models/lif_two_synapses.toml"),
    ),
    (
        "lif_conductance",
        include_str!("models/lif_conductance.toml"),
    ),
    ("li", include_str!("models/li.toml")),
    ("li_leak", include_str!("models/li_leak.toml")),
];

impl NeuronModel {
    /// Names of the models that come with the engine.
    pub fn shipped_names() -> impl Iterator<Item = &'static str> {
        ALL.iter().map(|(name, _)| *name)
    }

    /// The text of a model that comes with the engine; none where there is none of this name.
    pub fn shipped_text(name: &str) -> Option<&'static str> {
        let found = ALL.iter().find(|(known, _)| *known == name)?;
        Some(found.1)
    }

    /// A model that comes with the engine, by name.
    ///
    /// # Errors
    /// When there is none of this name: the nearest name, and all.
    pub fn shipped(name: &str) -> Result<Self, EquationError> {
        let text = Self::shipped_text(name).ok_or_else(|| {
            let near = super::text::nearest(name, Self::shipped_names());
            let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            let all = Self::shipped_names().collect::<Vec<_>>().join(", ");
            super::definition::part(
                "name",
                format!("there is no such model{near}; there are {all}"),
            )
        })?;
        Self::from_toml(text)
    }
}
