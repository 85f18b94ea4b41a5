//! Rows that several benchmarks share. Each benchmark gives them its own defaults.

use crate::row::{COUNT_MOST, Kind, Range, Row};

const FLAG: Kind = Kind::Flag;
const POSITIVE: Kind = Kind::Float(Range::Positive);
const NOT_NEGATIVE: Kind = Kind::Float(Range::NotNegative);
const ANY: Kind = Kind::Float(Range::Any);
const PROBABILITY: Kind = Kind::Float(Range::Probability);
const BELOW_ONE: Kind = Kind::Float(Range::BelowOne);
const COUNT: Kind = Kind::Int {
    min: 0,
    max: COUNT_MOST,
};
const AT_LEAST_ONE: Kind = Kind::Int {
    min: 1,
    max: COUNT_MOST,
};

/// Names of the losses.
pub const LOSSES: &[&str] = &[
    "first_spike",
    "first_spike_exp",
    "max",
    "sum",
    "sum_weigh_linear",
    "sum_weigh_exp",
    "sum_weigh_sigmoid",
    "sum_weigh_input",
    "sum_weigh_late",
    "avg_xentropy",
];

// Names and places.
pub const NAME: Row = Row::new(
    "NAME",
    Kind::Text,
    "name of the run, the prefix of its files",
)
.default("test");
pub const OUT_DIR: Row = Row::new(
    "OUT_DIR",
    Kind::Text,
    "folder of all output files and of loaded weights; created if missing",
)
.default(".");

// Seeds.
pub const MODEL_SEED: Row = Row::new(
    "MODEL_SEED",
    Kind::Seed,
    "seed of initial weights, input dropout and withheld spikes; none for one that is drawn, printed and stored; the program takes 1 where none is given",
);
pub const TRAIN_DATA_SEED: Row = Row::new(
    "TRAIN_DATA_SEED",
    Kind::Seed,
    "seed of the training data: split into training and validation, order in every epoch",
)
.default("123");
pub const TEST_DATA_SEED: Row =
    Row::new("TEST_DATA_SEED", Kind::Seed, "seed of the test data").default("456");

// Time.
pub const DT_MS: Row = Row::new(
    "DT_MS",
    POSITIVE,
    "time step; the event solver takes it only for the encoding of the input",
)
.unit("ms");
pub const TRIAL_MS: Row = Row::new(
    "TRIAL_MS",
    POSITIVE,
    "length of a trial; rounded to whole time steps",
)
.aliases(&["TRAIL_MS"])
.unit("ms");

pub const INPUT_MS: Row = Row::new(
    "INPUT_MS",
    Kind::OptionalFloat(Range::Positive),
    "first part of the trial, over which the latency code spreads the input spikes; none for the whole trial",
)
.unit("ms");

// Sizes of the run.
pub const N_MAX_SPIKE: Row = Row::new(
    "N_MAX_SPIKE",
    Kind::OptionalInt { min: 1 },
    "spikes of one neuron in one trial above which it is counted and reported; no spike is ever dropped",
);
pub const N_BATCH: Row = Row::new("N_BATCH", AT_LEAST_ONE, "samples in a batch").default("32");
pub const N_EPOCH: Row = Row::new(
    "N_EPOCH",
    COUNT,
    "training epochs; with 0 the initial or loaded weights are only tested",
)
.aliases(&["N_EPOCHS"]);
pub const N_TRAIN: Row = Row::new("N_TRAIN", AT_LEAST_ONE, "training samples");
pub const N_VALIDATE: Row = Row::new("N_VALIDATE", COUNT, "validation samples; 0 for none");
pub const N_TEST: Row = Row::new("N_TEST", AT_LEAST_ONE, "test samples");
pub const N_FOLDS: Row = Row::new(
    "N_FOLDS",
    Kind::Int {
        min: 2,
        max: COUNT_MOST,
    },
    "folds of a cross-validation",
)
.default("5");
pub const SHUFFLE: Row = Row::new(
    "SHUFFLE",
    FLAG,
    "whether the training samples get a new order in every epoch",
)
.default("true");

// Network.
pub const NETWORK: Row = Row::new(
    "NETWORK",
    Kind::OptionalText,
    "file of a network (TOML) in place of the one that the other keys say, which then have no effect; `eventprop params BENCHMARK --network` prints such a file",
);
pub const NUM_INPUT: Row = Row::new(
    "NUM_INPUT",
    Kind::OptionalInt { min: 1 },
    "inputs that the data and their code must give; any other number is an error, none leaves it open",
);
pub const NUM_OUTPUT: Row = Row::new(
    "NUM_OUTPUT",
    Kind::OptionalInt { min: 1 },
    "classes that the data must have, an output for each; any other number is an error, none leaves it open",
);
pub const NUM_HIDDEN: Row = Row::new(
    "NUM_HIDDEN",
    Kind::Sizes,
    "neurons of a hidden layer, or a list with one number for each layer",
);
pub const N_HID_LAYER: Row = Row::new(
    "N_HID_LAYER",
    Kind::Int { min: 1, max: 1000 },
    "number of hidden layers when NUM_HIDDEN is one number",
)
.default("1");
pub const RECURRENT: Row = Row::new(
    "RECURRENT",
    FLAG,
    "whether every hidden layer also projects to itself, all to all",
)
.default("false");
/// Hidden neurons where the reference code has LIF neurons only.
pub const HIDDEN_LIF_OR_MODEL: Row = Row::new(
    "HIDDEN_NEURON_TYPE",
    Kind::Neurons(&["LIF"]),
    "hidden neurons: LIF, or of a model from equations, whose parameters tau_mem, tau_syn, v_thresh and v_reset are those of the keys where these are not at their defaults",
)
.default("LIF");
pub const TAU_SYN: Row = Row::new("TAU_SYN", POSITIVE, "synaptic time constant")
    .default("5.0")
    .unit("ms");
pub const TAU_MEM: Row = Row::new(
    "TAU_MEM",
    POSITIVE,
    "membrane time constant of hidden and output neurons",
)
.default("20.0")
.unit("ms");
pub const V_THRESH: Row = Row::new("V_THRESH", POSITIVE, "firing threshold").default("1.0");
pub const V_RESET: Row = Row::new(
    "V_RESET",
    ANY,
    "membrane potential after a spike and at the start of a trial; below V_THRESH",
)
.default("0.0");
pub const REFRACTORY_MS: Row = Row::new(
    "REFRACTORY_MS",
    NOT_NEGATIVE,
    "time after a spike of a hidden neuron for which its membrane potential stays at V_RESET while its current goes on; on the grid a whole number of steps",
)
.default("0.0")
.unit("ms");
pub const DELAY: Row = Row::new(
    "DELAY",
    NOT_NEGATIVE,
    "time from a spike to its arrival beside the step that the grid needs; with TRAIN_DELAY, at first",
)
.default("0.0")
.unit("ms");
pub const DELAY_SPREAD: Row = Row::new(
    "DELAY_SPREAD",
    NOT_NEGATIVE,
    "delays differ: they are drawn evenly from DELAY to DELAY + DELAY_SPREAD",
)
.default("0.0")
.unit("ms");
pub const DELAY_BY: Row = Row::new(
    "DELAY_BY",
    Kind::Choice(&["projection", "source", "target", "synapse"]),
    "synapses that share a delay where delays are trained or differ: all of a projection, those of a source neuron (axonal), of a target neuron (dendritic), or none",
)
.default("synapse");
pub const DELAY_PROJECTIONS: Row = Row::new(
    "DELAY_PROJECTIONS",
    Kind::Choice(&["all", "input", "forward", "recurrent"]),
    "projections that have delays: all, those from the input, those from layer to layer, or those of a hidden layer to itself",
)
.default("all");
pub const TRAIN_DELAY: Row =
    Row::new("TRAIN_DELAY", FLAG, "whether delays are trained").default("false");
pub const DELAY_MAX_MS: Row = Row::new(
    "DELAY_MAX_MS",
    Kind::OptionalFloat(Range::Positive),
    "longest delay that training may give; none for a fifth of the trial, or the longest at first if that is longer",
)
.unit("ms");
pub const ETA_DELAY: Row = Row::new(
    "ETA_DELAY",
    POSITIVE,
    "learning rate of delays, which follows the course of ETA",
)
.default("0.1")
.unit("ms");
pub const INPUT_HIDDEN_MEAN: Row = Row::new(
    "INPUT_HIDDEN_MEAN",
    ANY,
    "mean of the initial weights from the input to the first hidden layer",
);
pub const INPUT_HIDDEN_STD: Row = Row::new(
    "INPUT_HIDDEN_STD",
    NOT_NEGATIVE,
    "standard deviation of the initial weights from the input to the first hidden layer",
);
pub const INPUT_HIDDEN_WIRING: Row = Row::new(
    "INPUT_HIDDEN_WIRING",
    Kind::Wiring,
    "pairs of neurons that are connected from the input to the first hidden layer: all, each with a probability, or so many sources for every target; drawn under MODEL_SEED",
)
.default("dense");
pub const HIDDEN_OUTPUT_MEAN: Row = Row::new(
    "HIDDEN_OUTPUT_MEAN",
    ANY,
    "mean of the initial weights from the last hidden layer to the output",
);
pub const HIDDEN_OUTPUT_STD: Row = Row::new(
    "HIDDEN_OUTPUT_STD",
    NOT_NEGATIVE,
    "standard deviation of the initial weights from the last hidden layer to the output",
);
pub const HIDDEN_OUTPUT_WIRING: Row = Row::new(
    "HIDDEN_OUTPUT_WIRING",
    Kind::Wiring,
    "pairs of neurons that are connected from the last hidden layer to the output: all, each with a probability, or so many sources for every target; drawn under MODEL_SEED",
)
.default("dense");
pub const HIDDEN_HIDDEN_MEAN: Row = Row::new(
    "HIDDEN_HIDDEN_MEAN",
    ANY,
    "mean of the initial recurrent weights (RECURRENT)",
);
pub const HIDDEN_HIDDEN_STD: Row = Row::new(
    "HIDDEN_HIDDEN_STD",
    NOT_NEGATIVE,
    "standard deviation of the initial recurrent weights (RECURRENT)",
);
pub const HIDDEN_HIDDEN_WIRING: Row = Row::new(
    "HIDDEN_HIDDEN_WIRING",
    Kind::Wiring,
    "pairs of neurons that are connected of a hidden layer with itself (RECURRENT): all, each with a probability, or so many sources for every target; drawn under MODEL_SEED",
)
.default("dense");
pub const HIDDEN_HIDDENFWD_MEAN: Row = Row::new(
    "HIDDEN_HIDDENFWD_MEAN",
    ANY,
    "mean of the initial weights from one hidden layer to the next",
);
pub const HIDDEN_HIDDENFWD_STD: Row = Row::new(
    "HIDDEN_HIDDENFWD_STD",
    NOT_NEGATIVE,
    "standard deviation of the initial weights from one hidden layer to the next",
);
pub const HIDDEN_HIDDENFWD_WIRING: Row = Row::new(
    "HIDDEN_HIDDENFWD_WIRING",
    Kind::Wiring,
    "pairs of neurons that are connected from one hidden layer to the next: all, each with a probability, or so many sources for every target; drawn under MODEL_SEED",
)
.default("dense");

// Dropout and regularisation.
pub const PDROP_INPUT: Row = Row::new(
    "PDROP_INPUT",
    PROBABILITY,
    "probability that an input spike is left out, in training only",
);
pub const PDROP_HIDDEN: Row = Row::new(
    "PDROP_HIDDEN",
    BELOW_ONE,
    "probability that a hidden neuron above threshold is kept from firing in a step, in training only; it may fire in the next",
)
.default("0.0");
pub const REG_TYPE: Row = Row::new(
    "REG_TYPE",
    Kind::Choice(&["none", "simple", "Thomas1"]),
    "regulariser of hidden activity: none, spike counts of neurons (simple), also of whole layers (Thomas1)",
)
.default("none");
pub const LBD_UPPER: Row = Row::new(
    "LBD_UPPER",
    NOT_NEGATIVE,
    "strength of the regulariser on neurons with more than NU_UPPER spikes",
);
pub const LBD_LOWER: Row = Row::new(
    "LBD_LOWER",
    NOT_NEGATIVE,
    "strength of the regulariser on neurons with up to NU_UPPER spikes",
);
pub const NU_UPPER: Row = Row::new(
    "NU_UPPER",
    NOT_NEGATIVE,
    "target of the regulariser, for both strengths",
)
.unit("spikes per trial");
pub const RHO_UPPER: Row = Row::new(
    "RHO_UPPER",
    NOT_NEGATIVE,
    "Thomas1: spikes of a layer above which it is pulled down",
)
.unit("spikes per trial");
pub const GLB_UPPER: Row = Row::new("GLB_UPPER", NOT_NEGATIVE, "Thomas1: strength of that pull");
pub const AVG_SNSUM: Row = Row::new(
    "AVG_SNSUM",
    FLAG,
    "whether the regulariser takes the spike counts of a neuron averaged over the batch",
)
.default("false");

pub const REWIRE_SILENT: Row = Row::new(
    "REWIRE_SILENT",
    FLAG,
    "whether hidden neurons that did not spike in an epoch get new incoming weights, or REWIRE_LIFT added to them",
)
.default("false");
pub const REWIRE_LIFT: Row = Row::new(
    "REWIRE_LIFT",
    ANY,
    "REWIRE_SILENT: added to the incoming weights of silent neurons instead of drawing new ones; 0 to draw",
)
.default("0.0");
pub const DEEP_R: Row = Row::new(
    "DEEP_R",
    Kind::OptionalFloat(Range::NotNegative),
    "deep rewiring: strength of the pull of sparse weights to 0; a synapse whose weight crosses 0 is removed and another pair of neurons gets one; none for pairs that stay",
);

// Loss.
pub const LOSS_TYPE: Row = Row::new(
    "LOSS_TYPE",
    Kind::Choice(LOSSES),
    "loss; the outputs spike for first_spike and first_spike_exp and are leaky integrators otherwise",
);
pub const LOSS_SCALE: Row = Row::new(
    "LOSS_SCALE",
    Kind::Choice(&["reference", "exact"]),
    "size of the loss part of the gradient: that of the stated loss (exact), or of genn_eventprop, to which published LBD_* and ADAM_EPS belong",
)
.default("reference");
pub const LABEL_SMOOTHING: Row = Row::new(
    "LABEL_SMOOTHING",
    BELOW_ONE,
    "part of the label that the loss shares out among all classes",
)
.default("0.0");
pub const TAU_0: Row = Row::new(
    "TAU_0",
    POSITIVE,
    "first_spike, first_spike_exp: temperature of the softmax over spike times",
)
.default("0.5")
.unit("ms");
pub const TAU_1: Row = Row::new(
    "TAU_1",
    POSITIVE,
    "first_spike_exp: time constant of the penalty on a late spike",
)
.default("6.4")
.unit("ms");
pub const ALPHA: Row = Row::new(
    "ALPHA",
    NOT_NEGATIVE,
    "first_spike, first_spike_exp: weight of the penalty on a late spike",
)
.default("3e-3");
pub const TAU_ACCUMULATOR: Row = Row::new(
    "TAU_ACCUMULATOR",
    POSITIVE,
    "time constant of the accumulator of the input activity (sum_weigh_input) or of the output voltages (sum_weigh_late)",
)
.default("20.0")
.unit("ms");

// Solver and optimiser.
pub const SOLVER: Row = Row::new(
    "SOLVER",
    Kind::Choice(&["grid", "event"]),
    "fixed steps of DT_MS in single precision (grid), or exact spike times in double precision (event)",
);
pub const DEVICE: Row = Row::new(
    "DEVICE",
    Kind::Device,
    "where networks are solved: on the processor (cpu), or with SOLVER=grid on a graphics card, the first (gpu) or one that `eventprop devices` lists (gpu:1)",
)
.default("cpu");
pub const GRAZING: Row = Row::new(
    "GRAZING",
    Kind::Grazing,
    "what happens to spikes that only graze the threshold, where gradients are huge: keep them, stop with an error, or limit:x the drive I - V to x from below",
)
.default("keep");
pub const OPTIMIZER: Row = Row::new(
    "OPTIMIZER",
    Kind::Choice(&["adam", "sgd"]),
    "Adam, or plain stochastic gradient descent",
)
.default("adam");
pub const ETA: Row = Row::new("ETA", POSITIVE, "learning rate");
pub const ADAM_BETA1: Row = Row::new(
    "ADAM_BETA1",
    BELOW_ONE,
    "Adam: decay of the mean of the gradient",
)
.default("0.9");
pub const ADAM_BETA2: Row = Row::new(
    "ADAM_BETA2",
    BELOW_ONE,
    "Adam: decay of the mean square of the gradient",
)
.default("0.999");
pub const ADAM_EPS: Row = Row::new(
    "ADAM_EPS",
    POSITIVE,
    "Adam: added to the root of the mean square",
)
.default("1e-8");
pub const ADAM_CLIP: Row = Row::new(
    "ADAM_CLIP",
    NOT_NEGATIVE,
    "Adam: a gradient of a projection whose norm exceeds so many times its usual one (the root mean square of the batches before) is scaled down to that; 0 for no clipping",
)
.default("0.0");
pub const WEIGHT_DECAY: Row = Row::new(
    "WEIGHT_DECAY",
    NOT_NEGATIVE,
    "Adam: decay of the weights apart from their gradient (AdamW); before each step they are multiplied by 1 - rate * WEIGHT_DECAY",
)
.default("0.0");
pub const AVERAGE_EPOCHS: Row = Row::new(
    "AVERAGE_EPOCHS",
    NOT_NEGATIVE,
    "validation, test and saved weights use the average of the weights over so many epochs; 0 for the weights themselves",
)
.default("0.0")
.unit("epochs");
pub const ETA_RELATIVE: Row = Row::new(
    "ETA_RELATIVE",
    FLAG,
    "Adam: whether the rate of every projection is ETA times the root mean square of its initial weights",
)
.default("false");
pub const ETA_COURSE: Row = Row::new(
    "ETA_COURSE",
    Kind::Choice(&["constant", "cosine", "one_cycle"]),
    "learning rate over the whole training: constant, half a cosine down to 0, or up from ETA/25 for three tenths and down to 0",
)
.default("constant");
pub const ETA_DECAY: Row = Row::new(
    "ETA_DECAY",
    POSITIVE,
    "factor on the learning rate before every epoch, the first included",
);
pub const LR_EASE_IN_FACTOR: Row = Row::new(
    "LR_EASE_IN_FACTOR",
    POSITIVE,
    "warm-up: the rate starts at ETA/1000 and grows by this factor in every batch; 1 or less for none",
)
.default("1.0");
pub const ETA_FAC: Row = Row::new(
    "ETA_FAC",
    POSITIVE,
    "factor on the learning rate when accuracy stops rising; 1 for never",
)
.default("1.0");
pub const MIN_EPOCH_ETA_FIXED: Row = Row::new(
    "MIN_EPOCH_ETA_FIXED",
    COUNT,
    "ETA_FAC: epochs that a rate is kept at least",
)
.default("300")
.unit("epochs");
pub const EMA_ALPHA1: Row = Row::new(
    "EMA_ALPHA1",
    BELOW_ONE,
    "ETA_FAC: retention of the fast average of the accuracy",
)
.default("0.8");
pub const EMA_ALPHA2: Row = Row::new(
    "EMA_ALPHA2",
    BELOW_ONE,
    "ETA_FAC: retention of the slow average of the accuracy",
)
.default("0.95");
pub const EMA_WHICH: Row = Row::new(
    "EMA_WHICH",
    Kind::Choice(&["validation", "training"]),
    "ETA_FAC: accuracy that is watched; training when there is no validation set",
)
.default("validation");
pub const SELECT: Row = Row::new(
    "SELECT",
    Kind::Choice(&["best", "last"]),
    "weights that are tested at the end: of the epoch with the best validation accuracy, or of the last epoch; never chosen by the test set",
)
.default("best");
pub const FINAL_TEST: Row = Row::new(
    "FINAL_TEST",
    FLAG,
    "train: whether the chosen weights are tested at the end; false for searches, in which nobody may see the test samples",
)
.default("true");

// Records and files.
pub const REC_SPIKES: Row = Row::new(
    "REC_SPIKES",
    Kind::Names,
    "populations whose spikes are recorded",
)
.default("[]");
pub const REC_NEURONS: Row = Row::new(
    "REC_NEURONS",
    Kind::Pairs,
    "[population, variable] recorded in every step: V, I, lambda_V, lambda_I, and B, lambda_B of ALIF neurons (grid solver)",
)
.default("[]");
pub const REC_SYNAPSES: Row = Row::new(
    "REC_SYNAPSES",
    Kind::Pairs,
    "[projection, variable] recorded in every step; variable w, dw (the gradient of each sample as far as the adjoint pass has come) or in_syn (the part of I that arrived over the projection)",
)
.default("[]");
pub const REC_SAMPLES: Row = Row::new(
    "REC_SAMPLES",
    Kind::Places,
    "which samples of a recorded batch are kept, by their places from 0; none for all",
);
pub const REC_NEURON_IDS: Row = Row::new(
    "REC_NEURON_IDS",
    Kind::NeuronLists,
    "which neurons of a population are kept by REC_SPIKES and REC_NEURONS, in this order, such as {hidden:[0,7]}; all of those that are not named",
)
.default("{}");
pub const REC_FORMAT: Row = Row::new(
    "REC_FORMAT",
    Kind::Choice(&["npy", "npz"]),
    "whether recordings are written as one .npy file each, or together in NAME_records.npz, packed",
)
.default("npy");
pub const REC_SPIKES_EPOCH_TRIAL: Row = Row::new(
    "REC_SPIKES_EPOCH_TRIAL",
    Kind::EpochTrials,
    "[epoch, trial] in which spikes are recorded; trials count the batches of an epoch, validation after training",
)
.default("[]");
pub const REC_NEURONS_EPOCH_TRIAL: Row = Row::new(
    "REC_NEURONS_EPOCH_TRIAL",
    Kind::EpochTrials,
    "[epoch, trial] in which REC_NEURONS are recorded",
)
.default("[]");
pub const REC_SYNAPSES_EPOCH_TRIAL: Row = Row::new(
    "REC_SYNAPSES_EPOCH_TRIAL",
    Kind::EpochTrials,
    "[epoch, trial] in which REC_SYNAPSES are recorded",
)
.default("[]");
pub const W_OUTPUT_EPOCH_TRIAL: Row = Row::new(
    "W_OUTPUT_EPOCH_TRIAL",
    Kind::EpochTrials,
    "[epoch, trial] after which weights are written",
)
.default("[]");
pub const WRITE_TO_DISK: Row =
    Row::new("WRITE_TO_DISK", FLAG, "whether recordings are written").default("true");
pub const CHECKPOINT_EVERY: Row = Row::new(
    "CHECKPOINT_EVERY",
    Kind::Every,
    "how often a checkpoint is written from which `eventprop resume` goes on, beside those after epochs and at a stop",
)
.default("none")
.unit("batches or time");
pub const LOAD_LAST: Row = Row::new(
    "LOAD_LAST",
    FLAG,
    "whether training starts from the last weights of an earlier run of this name",
)
.default("false");
pub const DEBUG_HIDDEN_N: Row = Row::new(
    "DEBUG_HIDDEN_N",
    FLAG,
    "whether the results file gets columns with the statistics of hidden spikes",
)
.default("false");
pub const TRAINING_PLOT: Row = Row::new(
    "TRAINING_PLOT",
    FLAG,
    "whether pictures are also drawn during training",
)
.default("false");
pub const TRAINING_PLOT_INTERVAL: Row = Row::new(
    "TRAINING_PLOT_INTERVAL",
    AT_LEAST_ONE,
    "TRAINING_PLOT: epochs between pictures",
)
.default("10")
.unit("epochs");

// Keys of `genn_eventprop` that steer only its simulator.
pub const BUILD: Row =
    Row::without_effect("BUILD", "compiled the simulation; nothing is compiled here")
        .default("true");
pub const TIMING: Row =
    Row::without_effect("TIMING", "timed kernels; times are always reported here").default("true");
pub const CUDA_VISIBLE_DEVICES: Row =
    Row::without_effect("CUDA_VISIBLE_DEVICES", "chose a GPU; none is used here").default("true");
pub const SPK_REC_STEPS: Row = Row::without_effect(
    "SPK_REC_STEPS",
    "length of the buffer for recorded spikes; it grows by itself here",
);
