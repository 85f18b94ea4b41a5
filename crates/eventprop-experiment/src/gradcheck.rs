//! The gradient check on a user's own network and data.
//!
//! The network of the parameters gets fresh random weights, a few training samples make a batch, and
//! [`eventprop::gradcheck`] compares the adjoint with differences, both between events and in f64.
//! For a run on the grid it is also told how far the gradient of the grid at this `DT_MS` is from the
//! exact one: that is an error of the step, not of the program.

use eventprop::gradcheck::{self, Report, Settings as CheckSettings};
use eventprop::loss::Loss;
use eventprop::network::{Network, ProjectionId};
use eventprop::optim::{Optimizer, Sgd};
use eventprop::params::Params;
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::solver::{SolveError, Solver};
use eventprop::spikes::Batch;
use eventprop::train::{Plan, Session, TrainError};
use eventprop_params::{Benchmark, ParamError, Parameters};
use thiserror::Error;

use crate::checkpoint::Defect;
use crate::data::{self, DataError, Source, Wanted};
use crate::description::{DescriptionError, NetworkSize};
use crate::network_builder::Topology;
use crate::run::FailedBatch;
use crate::settings::Settings;

/// Extent of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Training samples in the batch, the first ones.
    pub samples: usize,
    /// Parameters per projection.
    pub per_projection: usize,
}

impl Extent {
    /// An extent that takes less than a minute: the samples of binned sets have a thousand times the spikes of the
    /// others.
    pub fn of(benchmark: Benchmark) -> Self {
        let (samples, per_projection) = if benchmark.is_binned() {
            (1, 5)
        } else {
            (8, 50)
        };
        Self {
            samples,
            per_projection,
        }
    }
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The findings.
    pub report: Report,
    /// Names of the populations, with their spikes in the report.
    pub populations: Vec<String>,
    /// Samples in the batch.
    pub samples: usize,
    /// The grid's gradient against the exact one, per projection.
    pub grid: Vec<GridError>,
    /// Notices for the user about the parameters and the data.
    pub notices: Vec<String>,
}

/// Distance of the gradient of the grid from the exact one.
#[derive(Debug, Clone, PartialEq)]
pub struct GridError {
    /// The projection.
    pub name: String,
    /// |grid − exact| / |exact|, Euclidean.
    pub relative: f64,
    /// Cosine of the angle between the two.
    pub cosine: f64,
}

/// The check could not be made.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The parameters do not fit together.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// The data could not be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A batch that was kept could not be read.
    #[error("the file holds no batch that can be replayed: {0}")]
    Defect(#[from] Defect),
    /// The parameters make no network.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// The network could not be solved.
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl CheckError {
    /// True if the parameters are to blame.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Param(_) | Self::Description(_) => true,
            Self::Data(error) => error.is_usage(),
            Self::Train(_) | Self::Defect(_) => false,
        }
    }
}

impl From<SolveError> for CheckError {
    fn from(error: SolveError) -> Self {
        Self::Train(error.into())
    }
}

/// Checks the gradient of a benchmark. Weights are drawn under `MODEL_SEED`.
///
/// # Errors
/// [`CheckError`].
pub fn check(params: &Parameters, source: &Source, extent: Extent) -> Result<Checked, CheckError> {
    let settings = Settings::new(params)?;
    let data = data::load(params, &settings, source, Wanted::Validated)?;
    let seed = u64::from(settings.seeds.model);
    let size = NetworkSize {
        inputs: data.inputs,
        classes: data.classes,
    };
    let topology = Topology::new(&settings, size, seed)?;
    let network = &topology.network;
    let weights = Params::<f64>::init(network, seed).map_err(SolveError::from)?;
    let mut batch = Batch::default();
    let samples = extent.samples.min(data.train.len());
    data.train
        .fill(&(0..samples).collect::<Vec<_>>(), None, &mut batch);
    let check_settings = CheckSettings {
        per_projection: extent.per_projection,
        seed: u64::from(settings.seeds.model),
        ..CheckSettings::default()
    };
    let mut checked = compare(&settings, network, &weights, (&batch, check_settings))?;
    checked.notices.extend(data.notices);
    Ok(checked)
}

/// Checks the gradient of the batch that brought a training out of the finite numbers, at the weights
/// that it met: all its samples. What was drawn in that training (noise, withheld spikes) is left out.
///
/// # Errors
/// [`CheckError`]; also when the exact solver cannot solve the batch either.
pub fn replay(failed: &FailedBatch, per_projection: usize) -> Result<Checked, CheckError> {
    let unknown = |_| Defect::Damaged("it is of no known benchmark".to_owned());
    let benchmark: Benchmark = failed.benchmark().parse().map_err(unknown)?;
    let params = Parameters::of_json(benchmark, failed.parameters())?;
    let settings = Settings::new(&params)?;
    let seed = u64::from(settings.seeds.model);
    let mut topology = Topology::new(&settings, failed.size(), seed)?;
    let weights = failed.weights(&mut topology)?;
    let check_settings = CheckSettings {
        per_projection,
        seed,
        ..CheckSettings::default()
    };
    let batch = failed.batch()?;
    compare(
        &settings,
        &topology.network,
        &weights,
        (&batch, check_settings),
    )
}

/// Compares adjoint and differences, and the grid with both.
fn compare(
    settings: &Settings,
    network: &Network,
    weights: &Params<f64>,
    (batch, check_settings): (&Batch, CheckSettings),
) -> Result<Checked, CheckError> {
    let loss = settings.loss.without_push();
    let report = gradcheck::check(network, weights, batch, loss, check_settings)?;
    let names = network.populations().iter().map(|p| p.name.clone());
    Ok(Checked {
        report,
        populations: names.collect(),
        samples: batch.len(),
        grid: grid_errors(network, weights, batch, loss)?,
        notices: settings.notices.clone(),
    })
}

fn grid_errors(
    network: &Network,
    weights: &Params<f64>,
    batch: &Batch,
    loss: Loss,
) -> Result<Vec<GridError>, CheckError> {
    let exact = gradient(Event::new(network)?, weights, batch, loss)?;
    let grid = gradient(Grid::<f64>::new(network)?, weights, batch, loss)?;
    let compare = |index| {
        let id = ProjectionId(index);
        let (exact, grid) = (exact.weights(id), grid.weights(id));
        let pairs = || exact.iter().zip(grid);
        let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let difference = pairs().map(|(e, g)| (e - g) * (e - g)).sum::<f64>().sqrt();
        GridError {
            name: network.projection_name(id),
            relative: difference / norm(exact),
            cosine: pairs().map(|(e, g)| e * g).sum::<f64>() / (norm(exact) * norm(grid)),
        }
    };
    Ok((0..network.projections().len()).map(compare).collect())
}

fn gradient<S: Solver<Real = f64>>(
    solver: S,
    weights: &Params<f64>,
    batch: &Batch,
    loss: Loss,
) -> Result<Params<f64>, TrainError> {
    let plan = Plan::new(loss, Optimizer::Sgd(Sgd));
    let mut session = Session::new(solver, weights.clone(), plan)?;
    session.gradient_of(batch, None)?;
    Ok(session.gradient)
}
