//! Parameters that fit together, in types that the rest of the crate works with.

mod binned;
mod checkpoint_every;
mod command;
mod device;
mod layer_names;
mod loss;
mod network;
mod network_file;
mod neuron_model;
mod notices;
mod optimizer;
mod perturbation;
mod phase;
mod plots;
mod records;
mod seeds;
mod selection;
mod trial;

use eventprop::solver::SolverKind;
use std::path::PathBuf;

use eventprop::loss::{Loss, LossScale};
use eventprop::network::Clock;
use eventprop::optim::schedule;
use eventprop::regularize::Regularizer;
use eventprop::solver::Grazing;
use eventprop_data::binned::Binning;
use eventprop_gpu::DeviceName;
use eventprop_params::{Benchmark, ParamError, Parameters};

use crate::records::Place;

pub use binned::{BinnedSettings, DelayLine, Evaluation, Pixels, SpeakersLeft, augmentation};
pub use checkpoint_every::Every;
pub use command::Command;
pub use layer_names::{LayerNames, NetworkNames, ProjectionNames};
pub use network::{
    AdaptationSettings, Connection, DelaySettings, DelayedProjections, NetworkSettings, Normal,
    Taus,
};
pub use network_file::with_texts;
pub use neuron_model::{NeuronModelError, neuron_model};
pub use optimizer::{OptimizerKind, Watch};
pub use perturbation::Rewire;
pub use phase::Phase;
pub use plots::PlotSettings;
pub use records::{
    Format, Named, OutcomeSettings, RecordSettings, Recorded, Synapse, SynapseVariable, When,
};
pub use seeds::Seeds;
pub use selection::{Checkpoint, Folds, Label, Select, TestUse};

/// Everything that a run needs to know beside its data.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The benchmark.
    pub benchmark: Benchmark,
    /// Name of the run (`NAME`).
    pub name: String,
    /// Folder of all files (`OUT_DIR`).
    pub out_dir: PathBuf,
    /// The seeds.
    pub seeds: Seeds,
    /// Time step and trial.
    pub clock: Clock,
    /// Neurons and initial weights.
    pub network: NetworkSettings,
    /// True where weights are scaled on the data first: for data of the user's own, unless means and deviations are chosen.
    pub calibrates: bool,
    /// The solver (`SOLVER`).
    pub solver: SolverKind,
    /// Where networks are solved (`DEVICE`).
    pub device: DeviceName,
    /// The loss.
    pub loss: Loss,
    /// Size of the loss part of the gradient.
    pub loss_scale: LossScale,
    /// The part of the label that is shared out among all classes.
    pub label_smoothing: f64,
    /// Regulariser of the hidden layers.
    pub regularizer: Regularizer,
    /// The treatment of grazing spikes.
    pub grazing: Grazing,
    /// The optimiser.
    pub optimizer: OptimizerKind,
    /// The learning rate.
    pub schedule: schedule::Settings,
    /// The learning rate of delays, in units of that of weights.
    pub delays_rate: f64,
    /// Epochs over which the weights that are tested are averaged; 0 for none.
    pub average_epochs: f64,
    /// The accuracy that the schedule follows.
    pub watch: Watch,
    /// Probability of leaving out an input spike in training.
    pub drop_input: f64,
    /// Probability of withholding a hidden spike in a step of training.
    pub withhold_hidden: f64,
    /// Amplitude of the noise of hidden membranes in training.
    pub noise_hidden: f64,
    /// Strength of the pull of deep rewiring (`DEEP_R`), if there is any.
    pub deep_rewiring: Option<f64>,
    /// The treatment of silent hidden neurons at the end of an epoch.
    pub rewire: Option<Rewire>,
    /// Length in ms of the part of the trial that input spikes are spread over.
    pub input_ms: f64,
    /// The way from events of channels to inputs; for benchmarks that have such.
    pub binned: Option<BinnedSettings>,
    /// Samples in a batch.
    pub batch: usize,
    /// Training epochs.
    pub epochs: usize,
    /// Folds of a cross-validation.
    pub folds: Folds,
    /// The interval of checkpoints beside those after epochs (`CHECKPOINT_EVERY`).
    pub checkpoint_every: Option<Every>,
    /// True if training samples are reordered in every epoch.
    pub shuffle: bool,
    /// Spikes of one neuron in one trial above which it is counted.
    pub spike_cap: Option<u32>,
    /// The weights that are tested at the end.
    pub select: Select,
    /// The use of the test samples in a training.
    pub test_use: TestUse,
    /// The time at which the weights of the last epoch are written.
    pub checkpoint: Checkpoint,
    /// The weights on the disk from which the run starts, if any.
    pub load: Option<Label>,
    /// Name of the run whose weights are loaded.
    pub load_name: String,
    /// True if the results file has columns on hidden spikes.
    pub debug_hidden: bool,
    /// The recordings.
    pub records: RecordSettings,
    /// The pictures.
    pub plots: PlotSettings,
    /// Notices for the user about how the parameters were understood.
    pub notices: Vec<String>,
}

impl Settings {
    /// The settings of a run.
    ///
    /// # Errors
    /// [`ParamError::Combination`] when values exclude each other, [`ParamError::SeedUnset`] when a
    /// seed is none ([`Parameters::draw_seeds`] fills them).
    pub fn new(params: &Parameters) -> Result<Self, ParamError> {
        let clock = trial::clock(params)?;
        let network = network::network(params, clock)?;
        let solver = SolverKind::named(&params.text("SOLVER"));
        let solver = solver.expect("the table accepts names of solvers only");
        let names = network.names(params.benchmark());
        let records = RecordSettings::new(params, &names, solver)?;
        let binned = params.benchmark().is_binned();
        let settings = Self {
            calibrates: network::calibrates(params),
            benchmark: params.benchmark(),
            name: selection::name(params)?,
            out_dir: PathBuf::from(params.text("OUT_DIR")),
            seeds: Seeds {
                model: params.seed("MODEL_SEED")?,
                train_data: params.seed("TRAIN_DATA_SEED")?,
                test_data: params.seed("TEST_DATA_SEED")?,
            },
            clock,
            solver,
            device: device::device(params, solver)?,
            loss: loss::loss(params),
            loss_scale: match params.text("LOSS_SCALE").as_str() {
                "exact" => LossScale::Exact,
                _ => LossScale::Reference,
            },
            label_smoothing: params.float("LABEL_SMOOTHING"),
            regularizer: loss::regularizer(params),
            grazing: loss::grazing(&params.text("GRAZING")),
            optimizer: optimizer::optimizer(params),
            schedule: optimizer::rate(params),
            delays_rate: optimizer::delays_rate(params),
            average_epochs: params.float("AVERAGE_EPOCHS"),
            watch: match params.text("EMA_WHICH").as_str() {
                "training" => Watch::Training,
                _ => Watch::Validation,
            },
            drop_input: params.float("PDROP_INPUT"),
            withhold_hidden: perturbation::withhold(params, solver)?,
            noise_hidden: perturbation::noise(params, solver)?,
            deep_rewiring: perturbation::deep_rewiring(params, &network)?,
            rewire: perturbation::rewire(params)?,
            input_ms: trial::input_ms(params, clock)?,
            binned: binned.then(|| binned::binned(params)),
            batch: params.count("N_BATCH"),
            epochs: params.count("N_EPOCH"),
            folds: selection::folds(params),
            checkpoint_every: checkpoint_every::every(&params.get("CHECKPOINT_EVERY")),
            shuffle: params.flag("SHUFFLE"),
            spike_cap: trial::spike_cap(params),
            select: selection::select(params),
            test_use: selection::test_use(params),
            checkpoint: selection::checkpoint(params),
            load: selection::load(params),
            load_name: selection::load_name(params)?,
            debug_hidden: params.flag("DEBUG_HIDDEN_N"),
            records,
            plots: plots::plots(params),
            notices: notices::notices(params, clock),
            network,
        };
        Ok(settings)
    }

    /// Spikes per neuron and sample from which a neuron of common τ_syn is saturated: one in half of τ_syn
    /// (in two steps, if these are longer). Its current then hardly falls between spikes.
    pub fn saturation(&self) -> f64 {
        let interval_ms = (self.network.hidden_tau_syn() / 2.0).max(2.0 * self.clock.dt_ms());
        self.clock.trial_ms() / interval_ms
    }

    /// True if more than the outcomes of a trial is looked at, for which all of its samples must be in one place.
    pub fn looks_inside(&self, place: Place) -> bool {
        let records = &self.records;
        let now = |when: &When, listed: bool| listed && when.includes(place.epoch, place.trial);
        self.debug_hidden
            || now(&records.spikes_when, !records.spikes.is_empty())
            || now(&records.neurons_when, !records.neurons.is_empty())
            || now(&records.synapses_when, !records.synapses.is_empty())
    }

    /// The map from times and channels of a set to steps and inputs.
    ///
    /// # Panics
    /// When the benchmark has no binned spikes.
    pub fn binning(&self, channels: u32) -> Binning {
        let binned = self.binned.as_ref();
        let binned = binned.expect("a benchmark on binned spikes has their settings");
        Binning {
            dt_ms: self.clock.dt_ms(),
            steps: self.clock.steps() as u32,
            inputs: channels,
            rescale_t: binned.rescale_t,
            rescale_x: binned.rescale_x,
            repeats: binned.repeats,
        }
    }
}
