//! Weights on the disk: one flat float32 array per projection, index source · targets + target.

use std::path::PathBuf;

use eventprop::params::Params;
use eventprop::real::Real;
use eventprop_data::atomic::WriteError;
use eventprop_data::npy::{self, NpyError};
use thiserror::Error;

use crate::outputs::Outputs;
use crate::topology::Topology;

/// Weights could not be loaded.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// A file is missing.
    #[error(
        "there are no weights {path}; train first with the same NAME and output folder, or name the folder with --out (OUT_DIR)",
        path = path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A file belongs to another network.
    #[error(
        "{path} holds {found} weights and the network needs {expected}; give the parameters that it was trained with (--params NAME.json)",
        path = path.display()
    )]
    Count {
        /// The file.
        path: PathBuf,
        /// Weights found.
        found: usize,
        /// Weights needed.
        expected: usize,
    },
    /// A weight is NaN or infinite.
    #[error("{path}: weight {index} is {value}; train again", path = path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Its position.
        index: usize,
        /// Its value.
        value: f32,
    },
}

fn path(outputs: &Outputs, stem: &str, label: &str) -> PathBuf {
    outputs
        .folder()
        .join(format!("{}{stem}_{label}.npy", outputs.prefix()))
}

/// Writes all weights under a label such as `last` or `e0_t100`.
///
/// # Errors
/// [`WriteError`].
pub fn save<F: Real>(
    outputs: &Outputs,
    topology: &Topology,
    params: &Params<F>,
    label: &str,
) -> Result<(), WriteError> {
    for (id, names) in topology.named_projections() {
        let weights: Vec<f32> = params
            .weights(id)
            .iter()
            .map(|w| w.to_f64() as f32)
            .collect();
        npy::write(
            &path(outputs, &names.weights, label),
            &[weights.len()],
            &weights,
        )?;
    }
    Ok(())
}

/// Whether all weights of a label are there.
pub fn exist(outputs: &Outputs, topology: &Topology, label: &str) -> bool {
    let mut projections = topology.projections.iter();
    projections.all(|names| path(outputs, &names.weights, label).is_file())
}

/// Removes the weights of a label, if they are there.
///
/// # Errors
/// [`WriteError`].
pub fn remove(outputs: &Outputs, topology: &Topology, label: &str) -> Result<(), WriteError> {
    for names in &topology.projections {
        let path = path(outputs, &names.weights, label);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(WriteError { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads all weights of a label into `params`.
///
/// # Errors
/// [`WeightsError`]; `params` may then be partly read.
pub fn load<F: Real>(
    outputs: &Outputs,
    topology: &Topology,
    params: &mut Params<F>,
    label: &str,
) -> Result<(), WeightsError> {
    for (id, names) in topology.named_projections() {
        let path = path(outputs, &names.weights, label);
        if !path.is_file() {
            return Err(WeightsError::Missing { path });
        }
        let found = npy::read::<f32>(&path)?.values;
        let weights = params.weights_mut(id);
        if found.len() != weights.len() {
            return Err(WeightsError::Count {
                path,
                found: found.len(),
                expected: weights.len(),
            });
        }
        if let Some(index) = found.iter().position(|w| !w.is_finite()) {
            let value = found[index];
            return Err(WeightsError::NotFinite { path, index, value });
        }
        for (weight, value) in weights.iter_mut().zip(found) {
            *weight = F::from_f64(f64::from(value));
        }
    }
    Ok(())
}
