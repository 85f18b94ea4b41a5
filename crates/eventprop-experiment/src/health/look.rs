//! One batch, forwards and backwards, in figures.

use eventprop::network::PopulationId;
use eventprop::params::{Entry, Role, euclidean};
use eventprop::solver::{Solver, Trials};
use eventprop_data::binned::Lost;
use eventprop_gpu::{OnDevice, with_solver_on};
use eventprop_params::Parameters;
use eventprop_params::value::Value;

use crate::data::Data;
use crate::run::error::RunError;
use crate::run::learner::{InitialWeights, Learner};
use crate::settings::Settings;

/// The share of silent neurons from which a layer counts as silent.
pub const SILENT: f64 = 0.75;
/// The share of saturated neurons from which a layer counts as saturated.
pub const SATURATED: f64 = 0.25;
/// Largest ratio, per weight, of a gradient before the hidden layers to one behind them.
///
/// One hidden layer scales a gradient by w_out √classes/J per spike, of order 1; each step of a recurrent
/// or deeper network multiplies again. A factor of a hundred is beyond what one layer does.
pub const EXPLODING: f64 = 100.0;

/// Activity and gradients in one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Samples in the batch.
    pub samples: usize,
    /// Mean loss, if the batch could be solved.
    pub loss: Option<f64>,
    /// Why it could not.
    pub failure: Option<String>,
    /// Input spikes of the samples, and how many of them acted.
    pub input: [usize; 2],
    /// Spikes of the data that were lost on their way to the grid.
    pub lost: Lost,
    /// Hidden layers and, where it spikes, the output.
    pub layers: Vec<LayerFigures>,
    /// Projections, from input to output.
    pub gradients: Vec<GradientFigures>,
}

/// Activity of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerFigures {
    /// Name of the population.
    pub name: String,
    /// The parameters of the weights that lead to it.
    pub keys: &'static str,
    /// True of the output.
    pub output: bool,
    /// Neurons.
    pub size: usize,
    /// Spikes per neuron and sample.
    pub rate: f64,
    /// Neurons that did not spike.
    pub silent: usize,
    /// Neurons that spiked at least twice per τ_syn.
    pub saturated: usize,
    /// Spikes.
    pub spikes: u64,
    /// Spikes that grazed the threshold.
    pub grazing: u64,
}

/// The gradient of a projection.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientFigures {
    /// The projection.
    pub name: String,
    /// Euclidean norm of its gradient.
    pub norm: f64,
    /// Euclidean norm of its weights.
    pub weights_norm: f64,
    /// Root mean square of its gradient in units of that of the projection to the output.
    pub growth: f64,
}

impl LayerFigures {
    /// Share of neurons that did not spike.
    pub fn silent_share(&self) -> f64 {
        self.silent as f64 / self.size as f64
    }

    /// True if the layer is read by its first spikes; then it does not matter how many follow.
    pub fn is_output(&self) -> bool {
        self.output
    }

    /// Share of saturated neurons.
    pub fn saturated_share(&self) -> f64 {
        self.saturated as f64 / self.size as f64
    }

    /// Share of spikes that grazed the threshold.
    pub fn grazing_share(&self) -> f64 {
        self.grazing as f64 / self.spikes.max(1) as f64
    }
}

impl Look {
    /// Solves the first training samples with fresh weights.
    pub fn new(params: &Parameters, data: &Data) -> Result<Self, RunError> {
        let settings = Settings::new(params)?;
        with_solver_on!(&settings.device, settings.solver, S => look::<S>(&settings, data))
    }

    /// Share of input spikes that never acted.
    pub fn input_lost(&self) -> f64 {
        let [given, acted] = self.input;
        given.saturating_sub(acted) as f64 / given.max(1) as f64
    }

    /// The largest growth of a gradient; infinite where it is not finite.
    pub fn growth(&self) -> f64 {
        let growths = self.gradients.iter().map(|gradient| gradient.growth);
        let largest = growths.fold(0.0, f64::max);
        if self.failure.is_some() {
            f64::INFINITY
        } else {
            largest
        }
    }
}

/// Share of the loss's gradient at which a regulariser guides and does not rule.
const GUIDING: f64 = 0.1;

/// The `LBD_UPPER` and `LBD_LOWER` with which `REG_TYPE=simple` adds [`GUIDING`] times the gradient of the
/// loss to the weights of the hidden layers; none where nothing spikes or nothing can be solved.
///
/// The adjoint system is linear in what drives it: with the gradients g of the loss and r of the regulariser
/// at strength 1, 2 |r|² = |g + 2 r|² − 2 |g + r|² + |g|².
pub fn guiding_strength(params: &Parameters, data: &Data) -> Result<Option<f64>, RunError> {
    let square = |strength: f64| {
        let mut params = params.clone();
        params.set("REG_TYPE", Value::Text("simple".to_owned()))?;
        for key in ["LBD_UPPER", "LBD_LOWER"] {
            params.set(key, Value::Float(strength))?;
        }
        let look = Look::new(&params, data)?;
        let hidden = look
            .gradients
            .split_last()
            .map_or(&[][..], |(_, hidden)| hidden);
        let squares = hidden.iter().map(|gradient| gradient.norm * gradient.norm);
        Ok::<f64, RunError>(squares.sum())
    };
    let loss = square(0.0)?;
    let twice_regularizer = square(2.0)? - 2.0 * square(1.0)? + loss;
    let strength = GUIDING * (2.0 * loss / twice_regularizer).sqrt();
    Ok((strength.is_finite() && strength > 0.0).then_some(strength))
}

fn look<S: OnDevice>(settings: &Settings, data: &Data) -> Result<Look, RunError> {
    let start = InitialWeights {
        seed: u64::from(settings.seeds.model),
        saved: None,
        checkpoint: None,
    };
    let mut learner = Learner::<S>::new(settings, data, start)?;
    let part = data.training(0);
    let places: Vec<usize> = (0..settings.batch.min(part.len())).collect();
    let mut batch = std::mem::take(&mut learner.batch);
    part.fill(&places, None, &mut batch);
    let solved = learner.session.gradient_of(&batch, None);
    let trains = batch.trains().iter();
    let trials = &learner.session.trials;
    Ok(Look {
        samples: batch.len(),
        loss: solved
            .as_ref()
            .ok()
            .map(|report| report.loss_sum / batch.len() as f64),
        failure: solved.as_ref().err().map(ToString::to_string),
        input: [
            trains.map(eventprop::spikes::SpikeTrain::len).sum(),
            (0..trials.samples())
                .map(|sample| trials.tape(sample).populations[0].len())
                .sum(),
        ],
        lost: data.lost,
        layers: layers(&learner),
        gradients: gradients(&learner),
    })
}

fn layers<S: Solver>(learner: &Learner<'_, S>) -> Vec<LayerFigures> {
    let (network, activity) = (&learner.topology.network, &learner.session.activity);
    let output = network.output();
    let spiking = network.population(output).spikes();
    let hidden = learner.topology.hidden.iter().copied();
    let places = hidden.chain(spiking.then_some(output));
    let figures = |(index, id): (usize, PopulationId)| {
        let population = network.population(id);
        LayerFigures {
            name: population.name.clone(),
            output: id == output,
            keys: match index {
                _ if learner.settings.network.described.is_some() => {
                    "the weights in the file of NETWORK"
                }
                0 => "INPUT_HIDDEN_MEAN, INPUT_HIDDEN_STD",
                _ if id == output => "HIDDEN_OUTPUT_MEAN, HIDDEN_OUTPUT_STD",
                _ => "HIDDEN_HIDDENFWD_MEAN, HIDDEN_HIDDENFWD_STD",
            },
            size: population.size,
            rate: activity.rate(id.0),
            silent: activity.silent(id.0),
            saturated: learner.saturated(id),
            spikes: activity.spikes[id.0].iter().sum(),
            grazing: activity.grazing[id.0],
        }
    };
    places.enumerate().map(figures).collect()
}

fn gradients<S: Solver>(learner: &Learner<'_, S>) -> Vec<GradientFigures> {
    let session = &learner.session;
    let entries = session.params.layout().iter();
    let entries: Vec<&Entry> = entries
        .filter(|entry| matches!(entry.role, Role::Weights(_)))
        .collect();
    let norm = |entry: &Entry| euclidean(&session.gradient.values()[entry.range.clone()]);
    let rms = |entry: &Entry| norm(entry) / (entry.range.len() as f64).sqrt();
    // The projection to the output is the last that is made.
    let at_output = rms(entries[entries.len() - 1]);
    let figures = entries.into_iter().map(|entry| GradientFigures {
        name: entry.name.clone(),
        norm: norm(entry),
        weights_norm: euclidean(&session.params.values()[entry.range.clone()]),
        growth: if at_output == 0.0 {
            0.0
        } else {
            rms(entry) / at_output
        },
    });
    figures.collect()
}
