//! Weights on the disk: one flat float32 array per projection, in the order of its wiring (dense: index
//! source · targets + target); of a sparse one the sources and targets of its synapses, int32 `[synapse, 2]`; one of its
//! delays in ms, where they are parameters (index of the source, of the target, or that of the weight); and one per time
//! constant in which the neurons of a population differ.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eventprop::connect::{Pattern, PatternError};
use eventprop::network::ProjectionId;
use eventprop::params::Params;
use eventprop::real::Real;
use eventprop_data::atomic::WriteError;
use eventprop_data::formats::npy::{self, NpyError};
use thiserror::Error;

use crate::network_builder::{ConstantNames, Topology};
use crate::outputs::Outputs;
use crate::settings::Label;

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
    /// Synapses that cannot be those of the network.
    #[error(
        "{path} holds no synapses of the network: {problem}; give the parameters that it was trained with (--params NAME.json)",
        path = path.display()
    )]
    Synapses {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: PatternError,
    },
    /// A file does not hold pairs.
    #[error("{path} has the shape {found:?}; expected two numbers for each synapse", path = path.display())]
    NoPairs {
        /// The file.
        path: PathBuf,
        /// Its shape.
        found: Vec<usize>,
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

/// Arrays of a run under a label: the weights, synapses and delays of every projection, and the time constants in
/// which neurons differ.
fn stems(topology: &Topology) -> impl Iterator<Item = &str> {
    let weights = topology.projections.iter().map(|names| &names.weights);
    let synapses = topology
        .sparse()
        .map(|(id, _)| &topology.projections[id.0].synapses);
    let delays = topology.named_projections().filter_map(|(id, names)| {
        let delay = &topology.network.projection(id).delay;
        delay.each().map(|_| &names.delays)
    });
    let constants = topology.constants.iter().map(|names| &names.weights);
    let all = weights.chain(synapses).chain(delays).chain(constants);
    all.map(String::as_str)
}

/// Writes all weights, and the time constants that belong to them, under `last` or `best`.
///
/// # Errors
/// [`WriteError`].
pub fn save<F: Real>(
    outputs: &Outputs,
    topology: &Topology,
    params: &Params<F>,
    label: Label,
) -> Result<(), WriteError> {
    if !outputs.writes() {
        return Ok(());
    }
    for (id, names) in topology.named_projections() {
        let path = outputs.array(&names.weights, label.name());
        write(&path, params.weights(id))?;
        if let Some(delays) = params.delays(id) {
            write(&outputs.array(&names.delays, label.name()), delays)?;
        }
    }
    write_synapses(outputs, topology, label.name())?;
    for names in &topology.constants {
        let path = outputs.array(&names.weights, label.name());
        write_constant(&path, names, topology, params)?;
    }
    Ok(())
}

/// Writes all weights, synapses and delays as they are after a trial, under `eEPOCH_tTRIAL`.
///
/// # Errors
/// [`WriteError`].
pub fn dump<F: Real>(
    outputs: &Outputs,
    topology: &Topology,
    params: &Params<F>,
    label: &str,
) -> Result<(), WriteError> {
    if !outputs.writes() {
        return Ok(());
    }
    for (id, names) in topology.named_projections() {
        write(&outputs.array(&names.dumped, label), params.weights(id))?;
        if let Some(delays) = params.delays(id) {
            write(&outputs.array(&names.delays, label), delays)?;
        }
    }
    write_synapses(outputs, topology, label)
}

/// Writes sources and targets of the synapses of sparse projections.
fn write_synapses(outputs: &Outputs, topology: &Topology, label: &str) -> Result<(), WriteError> {
    for (id, pattern) in topology.sparse() {
        let (targets, names) = (pattern.targets(), &topology.projections[id.0]);
        let pair = |number: usize| [(number / targets) as i32, (number % targets) as i32];
        let pairs: Vec<i32> = pattern.numbers().flat_map(pair).collect();
        let path = outputs.array(&names.synapses, label);
        npy::write(&path, &[pairs.len() / 2, 2], &pairs)?;
    }
    Ok(())
}

/// Writes the time constants in which neurons differ as they are after a trial.
///
/// # Errors
/// [`WriteError`].
pub fn dump_constants<F: Real>(
    outputs: &Outputs,
    topology: &Topology,
    params: &Params<F>,
    label: &str,
) -> Result<(), WriteError> {
    if !outputs.writes() {
        return Ok(());
    }
    for names in &topology.constants {
        write_constant(
            &outputs.array(&names.dumped, label),
            names,
            topology,
            params,
        )?;
    }
    Ok(())
}

fn write<F: Real>(path: &Path, values: &[F]) -> Result<(), WriteError> {
    let values: Vec<f32> = values.iter().map(|w| w.to_f64() as f32).collect();
    npy::write(path, &[values.len()], &values)
}

/// The values of a trained constant are among the parameters, those of a drawn one in the network.
fn write_constant<F: Real>(
    path: &Path,
    names: &ConstantNames,
    topology: &Topology,
    params: &Params<F>,
) -> Result<(), WriteError> {
    if let Some(values) = params.constant(names.population, names.constant) {
        return write(path, values);
    }
    let population = topology.network.population(names.population);
    let constant = population.constant(names.constant);
    let constant = constant.expect("the topology names constants that there are");
    let values: Vec<f64> = (0..population.size).map(|n| constant.of(n)).collect();
    write(path, &values)
}

/// True if all arrays of a label are there.
pub fn exist(outputs: &Outputs, topology: &Topology, label: Label) -> bool {
    stems(topology).all(|stem| outputs.array(stem, label.name()).is_file())
}

/// Removes the arrays of a label, if they are there.
///
/// # Errors
/// [`WriteError`].
pub fn remove(outputs: &Outputs, topology: &Topology, label: Label) -> Result<(), WriteError> {
    if !outputs.writes() {
        return Ok(());
    }
    for stem in stems(topology) {
        let path = outputs.array(stem, label.name());
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(WriteError { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Weights on the disk: which run, which label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The run.
    pub outputs: Outputs,
    /// The label.
    pub label: Label,
}

impl Saved {
    /// Reads time constants in which neurons differ and synapses of sparse projections into the network. To be called
    /// before its parameters and solver are made.
    ///
    /// # Errors
    /// [`WeightsError`].
    pub fn load_network(&self, topology: &mut Topology) -> Result<(), WeightsError> {
        for names in &topology.constants {
            let size = topology.network.population(names.population).size;
            let values = self.read(&names.weights, size)?;
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let (population, constant) = (names.population, names.constant);
            topology.network.set_constant(population, constant, values);
        }
        let sparse: Vec<_> = topology.sparse().map(|(id, _)| id).collect();
        for id in sparse {
            let pattern = self.pattern(topology, id)?;
            topology.rewire(id, Arc::new(pattern));
        }
        Ok(())
    }

    /// The synapses of a sparse projection.
    fn pattern(&self, topology: &Topology, id: ProjectionId) -> Result<Pattern, WeightsError> {
        let path = self.array(&topology.projections[id.0].synapses)?;
        let array = npy::read::<i32>(&path)?;
        let [_, 2] = array.shape[..] else {
            let found = array.shape;
            return Err(WeightsError::NoPairs { path, found });
        };
        let (_, before) = topology
            .sparse()
            .find(|(sparse, _)| *sparse == id)
            .expect("the projection is sparse");
        // A negative number is beyond all neurons.
        let neuron = |number: i32| usize::try_from(number).unwrap_or(usize::MAX);
        let pairs = array.values.chunks_exact(2);
        let pairs = pairs
            .map(|pair| (neuron(pair[0]), neuron(pair[1])))
            .collect();
        Pattern::new(before.sources(), before.targets(), pairs)
            .map_err(|problem| WeightsError::Synapses { path, problem })
    }

    fn array(&self, stem: &str) -> Result<PathBuf, WeightsError> {
        let path = self.outputs.array(stem, self.label.name());
        if path.is_file() {
            Ok(path)
        } else {
            Err(WeightsError::Missing { path })
        }
    }

    /// Reads all weights and delays into `params`.
    ///
    /// # Errors
    /// [`WeightsError`]; `params` may then be partly read.
    pub fn load<F: Real>(
        &self,
        topology: &Topology,
        params: &mut Params<F>,
    ) -> Result<(), WeightsError> {
        for (id, names) in topology.named_projections() {
            let weights = params.weights_mut(id);
            let found = self.read(&names.weights, weights.len())?;
            for (weight, value) in weights.iter_mut().zip(found) {
                *weight = F::from_f64(f64::from(value));
            }
            if let Some(delays) = params.delays_mut(id) {
                let found = self.read(&names.delays, delays.len())?;
                for (delay, value) in delays.iter_mut().zip(found) {
                    *delay = F::from_f64(f64::from(value));
                }
            }
        }
        Ok(())
    }

    fn read(&self, stem: &str, expected: usize) -> Result<Vec<f32>, WeightsError> {
        let path = self.array(stem)?;
        let values = npy::read::<f32>(&path)?.values;
        if values.len() != expected {
            return Err(WeightsError::Count {
                path,
                found: values.len(),
                expected,
            });
        }
        if let Some(index) = values.iter().position(|w| !w.is_finite()) {
            let value = values[index];
            return Err(WeightsError::NotFinite { path, index, value });
        }
        Ok(values)
    }
}
