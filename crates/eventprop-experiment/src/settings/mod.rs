//! Parameters that fit together, in types that the rest of the crate works with.

mod binned;
mod network;

use std::path::PathBuf;

use eventprop::loss::{FirstSpike, Loss, LossScale, Penalty, Weighting};
use eventprop::network::Clock;
use eventprop::optim::schedule;
use eventprop::regularize::{LayerCount, Regularizer, SpikeCount};
use eventprop::solver::{Grazing, SolverKind};

use crate::params::time;
use crate::params::{Benchmark, ParamError, Parameters};
use crate::records::RecordSettings;
use crate::run::{Command, Every};
use crate::value::Value;

pub use binned::{BinnedSettings, DelayLine, Evaluation, Pixels, SpeakersLeft, augmentation};
pub use network::{AdaptationSettings, NetworkSettings, Normal, Taus};

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
    /// The solver (`SOLVER`).
    pub solver: SolverKind,
    /// The loss.
    pub loss: Loss,
    /// Size of the loss part of the gradient.
    pub loss_scale: LossScale,
    /// Regulariser of the hidden layers.
    pub regularizer: Regularizer,
    /// What to do with grazing spikes.
    pub grazing: Grazing,
    /// The optimiser.
    pub optimizer: OptimizerKind,
    /// The learning rate.
    pub schedule: schedule::Settings,
    /// The accuracy that the schedule follows.
    pub watch: Watch,
    /// Probability of leaving out an input spike in training.
    pub drop_input: f64,
    /// Probability of withholding a hidden spike in a step of training.
    pub withhold_hidden: f64,
    /// Amplitude of the noise of hidden membranes in training.
    pub noise_hidden: f64,
    /// What happens to silent hidden neurons at the end of an epoch.
    pub rewire: Option<Rewire>,
    /// Length in ms of the part of the trial that input spikes are spread over.
    pub input_ms: f64,
    /// How events of channels become inputs; for benchmarks that have such.
    pub binned: Option<BinnedSettings>,
    /// Samples in a batch.
    pub batch: usize,
    /// Training epochs.
    pub epochs: usize,
    /// Folds of a cross-validation.
    pub folds: Folds,
    /// How often a checkpoint is written beside those after epochs (`CHECKPOINT_EVERY`).
    pub checkpoint_every: Option<Every>,
    /// Whether training samples are reordered in every epoch.
    pub shuffle: bool,
    /// Spikes of one neuron in one trial above which it is counted.
    pub spike_cap: Option<u32>,
    /// Which weights are tested at the end.
    pub select: Select,
    /// Whether an epoch may be chosen by the samples that are tested.
    pub select_on_test: bool,
    /// When the weights of the last epoch are written.
    pub checkpoint: Checkpoint,
    /// The weights on the disk from which the run starts, if any.
    pub load: Option<Label>,
    /// Name of the run whose weights are loaded.
    pub load_name: String,
    /// Whether the results file has columns on hidden spikes.
    pub debug_hidden: bool,
    /// What is recorded.
    pub records: RecordSettings,
    /// When pictures are drawn.
    pub plots: PlotSettings,
    /// What a user should know about how the parameters were understood.
    pub notices: Vec<String>,
}

/// Seeds from 0 to 2³² − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seeds {
    /// `MODEL_SEED`
    pub model: u32,
    /// `TRAIN_DATA_SEED`
    pub train_data: u32,
    /// `TEST_DATA_SEED`
    pub test_data: u32,
}

impl Seeds {
    /// The keys of the seeds that a command uses, and their values: a test draws no weights and shuffles
    /// nothing.
    pub fn used_by(self, command: Command) -> Vec<(&'static str, u32)> {
        let test = ("TEST_DATA_SEED", self.test_data);
        if command == Command::Test {
            return vec![test];
        }
        let (model, train) = (self.model, self.train_data);
        vec![("MODEL_SEED", model), ("TRAIN_DATA_SEED", train), test]
    }
}

/// The optimisers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptimizerKind {
    /// Adam.
    Adam {
        /// β1.
        beta1: f64,
        /// β2.
        beta2: f64,
        /// ε.
        eps: f64,
        /// Largest norm of a gradient, in usual ones.
        clip: Option<f64>,
    },
    /// Stochastic gradient descent.
    Sgd,
}

/// The accuracy that the learning rate follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// On the validation set; on the training set when there is none.
    Validation,
    /// On the training set.
    Training,
}

/// Which weights are tested at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// Those of the epoch with the best validation accuracy (the first of several); of the last epoch
    /// when there is no validation set.
    Best,
    /// Those of the epoch with the best training accuracy (the first of several).
    BestTraining,
    /// Those of the last epoch.
    Last,
}

/// When the weights of the last epoch are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checkpoint {
    /// After every epoch.
    EveryEpoch,
    /// At the end of training.
    AtTheEnd,
}

/// Weights on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Of the last epoch.
    Last,
    /// Of the best epoch.
    Best,
}

impl Label {
    /// As it stands in the names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Best => "best",
        }
    }
}

/// Folds of a cross-validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folds {
    /// So many, dealt out at random.
    Random(usize),
    /// One for every speaker that is left out.
    Speakers,
}

/// What happens to the incoming weights of silent hidden neurons.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rewire {
    /// They are drawn again.
    Redraw,
    /// This much is added.
    Lift(f64),
    /// This much is added to the incoming weights of all neurons, silent or not.
    LiftAll(f64),
}

/// When pictures are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlotSettings {
    /// Epochs between pictures during training (`TRAINING_PLOT`).
    pub every: Option<usize>,
    /// Whether maps of first spike times are drawn (`FANCY_PLOTS`).
    pub spike_times: bool,
}

impl Settings {
    /// The settings of a run.
    ///
    /// # Errors
    /// [`ParamError::Combination`] when values exclude each other, [`ParamError::SeedUnset`] when a
    /// seed is none ([`Parameters::draw_seeds`] fills them).
    pub fn new(params: &Parameters) -> Result<Self, ParamError> {
        let clock = clock(params)?;
        let network = network::network(params)?;
        let solver = SolverKind::named(&params.text("SOLVER"));
        let solver = solver.expect("the table accepts names of solvers only");
        let records = RecordSettings::new(params, network.hidden.len(), solver)?;
        let binned = params.benchmark().is_binned();
        let settings = Self {
            benchmark: params.benchmark(),
            name: name(params)?,
            out_dir: PathBuf::from(params.text("OUT_DIR")),
            seeds: Seeds {
                model: params.seed("MODEL_SEED")?,
                train_data: params.seed("TRAIN_DATA_SEED")?,
                test_data: params.seed("TEST_DATA_SEED")?,
            },
            clock,
            network,
            solver,
            loss: loss(params),
            loss_scale: match params.text("LOSS_SCALE").as_str() {
                "exact" => LossScale::Exact,
                _ => LossScale::Reference,
            },
            regularizer: regularizer(params),
            grazing: grazing(&params.text("GRAZING")),
            optimizer: optimizer(params),
            schedule: rate(params),
            watch: match params.text("EMA_WHICH").as_str() {
                "training" => Watch::Training,
                _ => Watch::Validation,
            },
            drop_input: params.float("PDROP_INPUT"),
            withhold_hidden: withhold(params, solver)?,
            noise_hidden: noise(params, solver)?,
            rewire: rewire(params)?,
            input_ms: input_ms(params, clock)?,
            binned: binned.then(|| binned::binned(params)),
            batch: params.count("N_BATCH"),
            epochs: params.count("N_EPOCH"),
            folds: folds(params),
            checkpoint_every: every(&params.get("CHECKPOINT_EVERY")),
            shuffle: params.flag("SHUFFLE"),
            spike_cap: spike_cap(params),
            select: select(params),
            select_on_test: params.is_set("SELECT_ON_TEST"),
            checkpoint: checkpoint(params),
            load: load(params),
            load_name: load_name(params)?,
            debug_hidden: params.flag("DEBUG_HIDDEN_N"),
            records,
            plots: plots(params),
            notices: notices(params, clock),
        };
        Ok(settings)
    }
}

impl Settings {
    /// Spikes per neuron and sample from which a neuron of common τ_syn is saturated: one in half of τ_syn
    /// (in two steps, if these are longer). Its current then hardly falls between spikes.
    pub fn saturation(&self) -> f64 {
        let interval_ms = (self.network.tau_syn / 2.0).max(2.0 * self.clock.dt_ms());
        self.clock.trial_ms() / interval_ms
    }
}

/// How often, from a value that the table accepted.
fn every(value: &Value) -> Option<Every> {
    match value {
        Value::Int(batches) => Some(Every::Batches(*batches as usize)),
        Value::Text(text) => time(text).map(Every::Time),
        _ => None,
    }
}

fn combination(params: &Parameters, key: &'static str, problem: &str, way_out: &str) -> ParamError {
    ParamError::Combination {
        key,
        found: params.get(key).to_string(),
        problem: problem.to_owned(),
        way_out: way_out.to_owned(),
    }
}

fn name(params: &Parameters) -> Result<String, ParamError> {
    checked_name(params, "NAME", params.text("NAME"))
}

fn checked_name(
    params: &Parameters,
    key: &'static str,
    name: String,
) -> Result<String, ParamError> {
    if name.is_empty() || name.contains(['/', '\\', '\0']) {
        let problem = "it begins the names of files";
        let way_out = "use letters, digits and _; OUT_DIR chooses the folder";
        return Err(combination(params, key, problem, way_out));
    }
    Ok(name)
}

fn load_name(params: &Parameters) -> Result<String, ParamError> {
    const KEY: &str = "CHECKPOINT_NAME";
    if params.has(KEY)
        && let Value::Text(name) = params.get(KEY)
    {
        return checked_name(params, KEY, name);
    }
    Ok(params.text("NAME"))
}

/// LOAD_BEST comes after LOAD_LAST in the reference, so that it has the last word.
fn load(params: &Parameters) -> Option<Label> {
    if params.is_set("LOAD_BEST") {
        return Some(Label::Best);
    }
    params.is_set("LOAD_LAST").then_some(Label::Last)
}

fn checkpoint(params: &Parameters) -> Checkpoint {
    if params.has("CHECKPOINT") && !params.flag("CHECKPOINT") {
        Checkpoint::AtTheEnd
    } else {
        Checkpoint::EveryEpoch
    }
}

fn select(params: &Parameters) -> Select {
    if params.has("CHECKPOINT_BEST") {
        return match params.text("CHECKPOINT_BEST").as_str() {
            "validation" => Select::Best,
            "training" => Select::BestTraining,
            _ => Select::Last,
        };
    }
    match params.text("SELECT").as_str() {
        "last" => Select::Last,
        _ => Select::Best,
    }
}

fn folds(params: &Parameters) -> Folds {
    match params.get("N_FOLDS") {
        Value::Int(folds) => Folds::Random(folds as usize),
        _ => Folds::Speakers,
    }
}

fn clock(params: &Parameters) -> Result<Clock, ParamError> {
    let (dt_ms, trial_ms) = (params.float("DT_MS"), params.float("TRIAL_MS"));
    Clock::new(dt_ms, trial_ms).map_err(|_| {
        let problem = format!("TRIAL_MS={trial_ms} would have {} steps", trial_ms / dt_ms);
        let way_out = "choose DT_MS so that a trial has 1 to 2147483647 steps";
        combination(params, "DT_MS", &problem, way_out)
    })
}

fn loss(params: &Parameters) -> Loss {
    let first_spike = |penalty| {
        Loss::FirstSpike(FirstSpike {
            tau_0: params.float("TAU_0"),
            alpha: params.float("ALPHA"),
            penalty,
            push_silent: true,
        })
    };
    match params.text("LOSS_TYPE").as_str() {
        "first_spike" => first_spike(Penalty::Inverse),
        "first_spike_exp" => first_spike(Penalty::Exp {
            tau_1: params.float("TAU_1"),
        }),
        "max" => Loss::Max,
        "sum" => Loss::Sum(Weighting::Flat),
        "sum_weigh_linear" => Loss::Sum(Weighting::Linear),
        "sum_weigh_exp" => Loss::Sum(Weighting::Exp),
        "sum_weigh_sigmoid" => Loss::Sum(Weighting::Sigmoid),
        "sum_weigh_input" => {
            let tau = params.float("TAU_ACCUMULATOR");
            // The reference's accumulator gains 0.01 DT/τ with every input spike.
            let gain = 0.01 * params.float("DT_MS") / tau;
            Loss::Sum(Weighting::Input { tau, gain })
        }
        "sum_weigh_late" => Loss::Sum(Weighting::Late {
            tau: params.float("TAU_ACCUMULATOR"),
        }),
        _ => Loss::AvgXentropy,
    }
}

fn regularizer(params: &Parameters) -> Regularizer {
    let kind = params.text("REG_TYPE");
    Regularizer {
        spike_count: (kind != "none").then(|| SpikeCount {
            lbd_upper: params.float("LBD_UPPER"),
            lbd_lower: params.float("LBD_LOWER"),
            nu_upper: params.float("NU_UPPER"),
        }),
        layer_count: (kind == "Thomas1").then(|| LayerCount {
            glb_upper: params.float("GLB_UPPER"),
            rho_upper: params.float("RHO_UPPER"),
        }),
        batch_average: params.flag("AVG_SNSUM"),
    }
}

fn grazing(text: &str) -> Grazing {
    match text.strip_prefix("limit:") {
        Some(limit) => Grazing::Limit(limit.parse().expect("the table accepts numbers only")),
        None if text == "error" => Grazing::Error,
        None => Grazing::Keep,
    }
}

fn optimizer(params: &Parameters) -> OptimizerKind {
    match params.text("OPTIMIZER").as_str() {
        "sgd" => OptimizerKind::Sgd,
        _ => OptimizerKind::Adam {
            beta1: params.float("ADAM_BETA1"),
            beta2: params.float("ADAM_BETA2"),
            eps: params.float("ADAM_EPS"),
            clip: Some(params.float("ADAM_CLIP")).filter(|&clip| clip > 0.0),
        },
    }
}

fn rate(params: &Parameters) -> schedule::Settings {
    let factor = params.float("ETA_FAC");
    let plateau = schedule::Plateau {
        alpha_fast: params.float("EMA_ALPHA1"),
        alpha_slow: params.float("EMA_ALPHA2"),
        min_epochs: params.count("MIN_EPOCH_ETA_FIXED"),
        factor,
    };
    schedule::Settings {
        eta: params.float("ETA"),
        epoch_decay: if params.has("ETA_DECAY") {
            params.float("ETA_DECAY")
        } else {
            1.0
        },
        ease_in_factor: params.float("LR_EASE_IN_FACTOR"),
        plateau: (factor != 1.0).then_some(plateau),
    }
}

fn withhold(params: &Parameters, solver: SolverKind) -> Result<f64, ParamError> {
    let key = if params.has("PDROP") {
        "PDROP"
    } else {
        "PDROP_HIDDEN"
    };
    let probability = params.float(key);
    if probability > 0.0 && !solver.has_steps() {
        let problem = "withholding is defined per time step, and SOLVER=event has none";
        let way_out = "use SOLVER=grid, or set it to 0";
        return Err(combination(params, key, problem, way_out));
    }
    Ok(probability)
}

fn noise(params: &Parameters, solver: SolverKind) -> Result<f64, ParamError> {
    const KEY: &str = "HIDDEN_NOISE";
    if !params.has(KEY) {
        return Ok(0.0);
    }
    let amplitude = params.float(KEY);
    if amplitude > 0.0 && !solver.has_steps() {
        let problem = "noise is defined per time step, and SOLVER=event has none";
        let way_out = "use SOLVER=grid, or set it to 0";
        return Err(combination(params, KEY, problem, way_out));
    }
    Ok(amplitude)
}

fn rewire(params: &Parameters) -> Result<Option<Rewire>, ParamError> {
    let lift = params.float("REWIRE_LIFT");
    let all = params.is_set("REWIRE_LIFT_ALL");
    if all && lift == 0.0 {
        let problem = "REWIRE_LIFT=0.0 is nothing to add";
        let way_out = "give REWIRE_LIFT, or leave REWIRE_LIFT_ALL out";
        return Err(combination(params, "REWIRE_LIFT_ALL", problem, way_out));
    }
    let how = match lift {
        0.0 => Rewire::Redraw,
        lift if all => Rewire::LiftAll(lift),
        lift => Rewire::Lift(lift),
    };
    Ok(params.flag("REWIRE_SILENT").then_some(how))
}

fn input_ms(params: &Parameters, clock: Clock) -> Result<f64, ParamError> {
    if !params.has("INPUT_MS") {
        return Ok(clock.trial_ms());
    }
    match params.get("INPUT_MS") {
        Value::Float(input_ms) if input_ms > clock.trial_ms() => {
            let problem = format!("the trial has only {} ms", clock.trial_ms());
            let way_out = "lengthen TRIAL_MS, or leave INPUT_MS out";
            Err(combination(params, "INPUT_MS", &problem, way_out))
        }
        Value::Float(input_ms) => Ok(input_ms),
        _ => Ok(clock.trial_ms()),
    }
}

fn spike_cap(params: &Parameters) -> Option<u32> {
    match params.get("N_MAX_SPIKE") {
        Value::Int(cap) => Some(u32::try_from(cap).unwrap_or(u32::MAX)),
        _ => None,
    }
}

fn plots(params: &Parameters) -> PlotSettings {
    let every = params.count("TRAINING_PLOT_INTERVAL");
    PlotSettings {
        every: params.flag("TRAINING_PLOT").then_some(every),
        spike_times: params.has("FANCY_PLOTS") && params.flag("FANCY_PLOTS"),
    }
}

/// Shares of a step that DT may miss TRIAL_MS by through rounding of decimals.
const WHOLE_STEP: f64 = 1e-6;

fn notices(params: &Parameters, clock: Clock) -> Vec<String> {
    let mut notices = Vec::new();
    let (dt_ms, trial_ms) = (params.float("DT_MS"), params.float("TRIAL_MS"));
    let steps = clock.steps();
    if (trial_ms / dt_ms - steps as f64).abs() > WHOLE_STEP {
        notices.push(format!(
            "DT_MS={dt_ms} does not divide TRIAL_MS={trial_ms}: a trial is taken as {steps} whole steps, {} ms",
            clock.trial_ms()
        ));
    }
    for (row, _) in params.iter() {
        if !row.effect && params.is_given(row.key) {
            notices.push(format!(
                "{} has no effect here: it {}",
                row.key, row.meaning
            ));
        }
    }
    if params.benchmark() == Benchmark::YinYang && params.text("DATA") == "published" {
        let fixed = ["N_TRAIN", "N_TEST"]
            .into_iter()
            .filter(|key| params.is_given(key));
        notices.extend(fixed.map(|key| {
            format!("{key} has no effect with DATA=published: the sets have 5000 and 1000 samples")
        }));
    }
    notices
}
