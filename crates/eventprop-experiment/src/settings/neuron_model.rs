//! Neuron models from equations by name or file.

use eventprop::network::NeuronModel;
use thiserror::Error;

/// Largest file that is read as a model.
const BYTES_MAX: u64 = 1 << 20;

/// Why there is no model of a name.
#[derive(Debug, Error)]
pub enum NeuronModelError {
    /// The file cannot be read.
    #[error("{path}: {problem}; give a TOML file, or one of {known}")]
    File {
        /// Its path.
        path: String,
        /// What is wrong.
        problem: String,
        /// Models that come along.
        known: String,
    },
    /// No model that comes along has this name.
    #[error("{name}: {source}")]
    Unknown {
        /// The name.
        name: String,
        /// What there is.
        source: eventprop::neuron::equations::EquationError,
    },
    /// The text is no model.
    #[error("{path}: {source}")]
    Text {
        /// Its path.
        path: String,
        /// The place in it.
        source: eventprop::neuron::equations::EquationError,
    },
}

/// The model of a TOML file, one that comes along by name, or that of a text of several lines: what a run keeps of a file.
///
/// # Errors
/// When the file cannot be read, or is no model.
pub fn neuron_model(source: &str) -> Result<NeuronModel, NeuronModelError> {
    let (path, found) = match model_text(source)? {
        Some(text) => (source, NeuronModel::from_toml(&text)),
        None if is_text(source) => (
            "the model that the run began with",
            NeuronModel::from_toml(source),
        ),
        None => {
            return NeuronModel::shipped(source).map_err(|error| NeuronModelError::Unknown {
                name: source.to_owned(),
                source: error,
            });
        }
    };
    found.map_err(|source| NeuronModelError::Text {
        path: path.to_owned(),
        source,
    })
}

/// True of a text of a model, which has several lines.
fn is_text(source: &str) -> bool {
    source.contains('\n')
}

/// True of the path of a file.
fn is_file(source: &str) -> bool {
    !is_text(source) && source.to_ascii_lowercase().ends_with(".toml")
}

/// The text of the file of a model; none where the source is no file.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn model_text(source: &str) -> Result<Option<String>, NeuronModelError> {
    if !is_file(source) {
        return Ok(None);
    }
    let text = read(source).map_err(|problem| NeuronModelError::File {
        path: source.to_owned(),
        problem,
        known: NeuronModel::shipped_names().collect::<Vec<_>>().join(", "),
    })?;
    Ok(Some(text))
}

fn read(path: &str) -> Result<String, String> {
    let size = std::fs::metadata(path)
        .map_err(|error| error.to_string())?
        .len();
    if size > BYTES_MAX {
        return Err(format!("{size} bytes; a model has at most {BYTES_MAX}"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}
