//! Rows of the benchmarks on binned spikes: SHD, SSC, and what else comes as events of channels.

use crate::row::{Kind, Range, Row};

const FLAG: Kind = Kind::Flag;
const POSITIVE: Kind = Kind::Float(Range::Positive);
const NOT_NEGATIVE: Kind = Kind::Float(Range::NotNegative);

// Data.
pub const EVALUATION: Row = Row::new(
    "EVALUATION",
    Kind::Choice(&["random", "speaker", "validation_set"]),
    "what train validates on: N_VALIDATE samples drawn from the training file, all samples of a speaker who is left out (SPEAKER_LEFT), or the validation file of the set",
)
.default("random");
pub const SPEAKER_LEFT: Row = Row::new(
    "SPEAKER_LEFT",
    Kind::Speakers,
    "EVALUATION=speaker: who is left out, by the place in the ascending list of the speakers of the training file; train takes the first of a list; xval makes a fold of each, and of all speakers when this is not given",
)
.default("[0]");
pub const REDUCED_CLASSES: Row = Row::new(
    "REDUCED_CLASSES",
    Kind::Classes,
    "classes to keep in all parts of the set; labels and number of outputs stay",
);
pub const AUGMENTATION: Row = Row::new(
    "AUGMENTATION",
    Kind::Augmentation,
    "what is done to the training samples anew in every epoch, in this order: channels are shifted (at most this many), times stretched, every spike moved by a normal number of channels (standard deviation), new samples made of several of one class (probability of keeping a spike of each; N_TRAIN is then the number of samples of an epoch), pixels shifted in both directions (at most this many), images mirrored left to right (probability; a gesture gets the class of its mirror image), every spike moved in time (standard deviation in ms), a fraction of the spikes left out (drawn up to this); NORMALISE_SPIKE_NUMBER thins all samples to the spikes of the smallest training sample first",
)
.default("{}");
pub const BALANCE_TRAIN_CLASSES: Row = Row::new(
    "BALANCE_TRAIN_CLASSES",
    FLAG,
    "whether every epoch draws as many training samples of each class as the rarest class has",
)
.default("false");
pub const BALANCE_EVAL_CLASSES: Row = Row::new(
    "BALANCE_EVAL_CLASSES",
    FLAG,
    "the same for validation and test samples",
)
.default("false");
pub const RESCALE_T: Row = Row::new(
    "RESCALE_T",
    POSITIVE,
    "factor on spike times before they are put on the grid",
)
.default("1.0");
pub const RESCALE_X: Row = Row::new(
    "RESCALE_X",
    POSITIVE,
    "factor on channels, then rounded down; the number of inputs stays",
)
.default("1.0");
pub const MERGE_SPIKES: Row = Row::new(
    "MERGE_SPIKES",
    FLAG,
    "whether several spikes of a channel in one step count as one, as in genn_eventprop; otherwise each counts",
)
.default("true");
pub const N_FOLDS_OR_SPEAKERS: Row = Row::new(
    "N_FOLDS",
    Kind::OptionalInt { min: 2 },
    "xval: folds dealt out at random; none for one fold per speaker",
);

// Network.
pub const N_INPUT_DELAY: Row = Row::new(
    "N_INPUT_DELAY",
    Kind::Int { min: 0, max: 1023 },
    "delayed copies of the whole input beside the undelayed one, each with its own weights and dropout",
)
.default("0");
pub const INPUT_DELAY: Row = Row::new(
    "INPUT_DELAY",
    NOT_NEGATIVE,
    "N_INPUT_DELAY: delay from one copy to the next",
)
.default("50.0")
.unit("ms");
pub const HIDDEN_NEURON_TYPE: Row = Row::new(
    "HIDDEN_NEURON_TYPE",
    Kind::Neurons(&["LIF", "hetLIF", "ALIF"]),
    "hidden neurons: all alike, with time constants of their own (drawn: gamma of shape 3 around TAU_MEM and TAU_SYN, from MIN_TAU_* to three times the mean), with an adapting threshold, or of a model from equations, whose parameters tau_mem, tau_syn, v_thresh and v_reset are those of the keys where these are not at their defaults",
)
.default("LIF");
pub const OUTPUT_NEURON_TYPE: Row = Row::new(
    "OUTPUT_NEURON_TYPE",
    Kind::Choice(&["LI", "hetLI"]),
    "outputs: all alike, or with time constants of their own, drawn as those of hetLIF; spiking for first_spike losses",
)
.default("LI");
pub const TAU_B: Row = Row::new(
    "TAU_B",
    POSITIVE,
    "ALIF: time constant with which the threshold relaxes",
)
.default("100.0")
.unit("ms");
pub const B_INCR: Row = Row::new(
    "B_INCR",
    NOT_NEGATIVE,
    "ALIF: what a spike adds to the threshold",
)
.default("0.1");
pub const B_INIT: Row = Row::new(
    "B_INIT",
    NOT_NEGATIVE,
    "ALIF: how far the threshold is raised at the start of a trial",
)
.default("0.0");
pub const HIDDEN_NOISE: Row = Row::new(
    "HIDDEN_NOISE",
    NOT_NEGATIVE,
    "amplitude of the noise of hidden membranes, in training only: this times a normal number times the root of DT_MS is added in every step",
)
.default("0.0");

pub const TAU_MEM_OUTPUT: Row = Row::new(
    "TAU_MEM_OUTPUT",
    POSITIVE,
    "membrane time constant of output neurons",
)
.default("20.0")
.unit("ms");

// Learning.
pub const TRAIN_TAU: Row = Row::new(
    "TRAIN_TAU",
    FLAG,
    "whether membrane and synaptic time constants of hidden neurons are trained, one of each per neuron",
)
.default("false");
pub const TRAIN_TAU_OUTPUT: Row =
    Row::new("TRAIN_TAU_OUTPUT", FLAG, "the same for output neurons").default("false");
pub const MIN_TAU_M: Row = Row::new(
    "MIN_TAU_M",
    POSITIVE,
    "least membrane time constant that is drawn or trained",
)
.default("3.0")
.unit("ms");
pub const MIN_TAU_SYN: Row = Row::new(
    "MIN_TAU_SYN",
    POSITIVE,
    "least synaptic time constant that is drawn or trained",
)
.default("1.0")
.unit("ms");
pub const TRAIN_W: Row = Row::new(
    "TRAIN_W",
    FLAG,
    "whether the weights into hidden neurons are trained",
)
.default("true");
pub const TRAIN_W_OUTPUT: Row = Row::new(
    "TRAIN_W_OUTPUT",
    FLAG,
    "whether the weights into output neurons are trained",
)
.default("true");
pub const REWIRE_LIFT_ALL: Row = Row::new(
    "REWIRE_LIFT_ALL",
    FLAG,
    "REWIRE_LIFT: whether it is added to the incoming weights of all neurons in every epoch, as genn_eventprop does",
)
.default("false");

// Files.
pub const CHECKPOINT: Row = Row::new(
    "CHECKPOINT",
    FLAG,
    "whether the weights of the last epoch are written after every epoch; otherwise only at the end",
)
.default("true");
pub const CHECKPOINT_BEST: Row = Row::new(
    "CHECKPOINT_BEST",
    Kind::Choice(&["neither", "validation", "training"]),
    "the accuracy that chooses the epoch whose weights are kept as best and tested; neither takes the last epoch",
)
.default("neither");
pub const CHECKPOINT_NAME: Row = Row::new(
    "CHECKPOINT_NAME",
    Kind::OptionalText,
    "name of the run whose weights are loaded; none for that of this run (NAME)",
);
pub const LOAD_BEST: Row = Row::new(
    "LOAD_BEST",
    FLAG,
    "whether the run starts from the best weights of an earlier one (before those of LOAD_LAST)",
)
.default("false");
pub const SELECT_ON_TEST: Row = Row::new(
    "SELECT_ON_TEST",
    FLAG,
    "whether train_test and xval may choose an epoch by the very samples that are tested (CHECKPOINT_BEST=validation); their accuracy is then too good, and the results say so",
)
.default("false");
pub const TAU_OUTPUT_EPOCH_TRIAL: Row = Row::new(
    "TAU_OUTPUT_EPOCH_TRIAL",
    Kind::EpochTrials,
    "[epoch, trial] after which drawn or trained time constants are written",
)
.default("[]");
pub const COLLECT_CONFUSION: Row = Row::new(
    "COLLECT_CONFUSION",
    FLAG,
    "whether confusion matrices [epoch, predicted, true] of training and evaluation are written",
)
.default("false");
pub const REC_PREDICTIONS: Row = Row::new(
    "REC_PREDICTIONS",
    FLAG,
    "whether predictions and labels [epoch, sample] of training and evaluation are written",
)
.default("false");

// Keys of `genn_eventprop` that have no meaning here.
pub const PROFILE: Row = Row::without_effect(
    "PROFILE",
    "left statistics out to time kernels; `eventprop bench` measures speed here",
)
.default("false");
pub const TEST_ST_INTEGRITY: Row = Row::without_effect(
    "TEST_ST_INTEGRITY",
    "compared copies of spike times on host and device; there is one here",
)
.default("false");
pub const DATA_BUFFER_NAME: Row = Row::without_effect(
    "DATA_BUFFER_NAME",
    "named the files in which prepared data were kept; the cache lies in the data folder here and finds itself",
)
.default("./data/SSC/mySSC");
/// A table made of another one: its rows, of which those in `changed` are replaced (or added at the end where it has
/// none) and those in `left_out` are not there, with the rows `added` behind the first three, which are name,
/// folder and columns of the results.
pub fn table(base: &[Row], added: &[Row], changed: &[Row], left_out: &[&str]) -> Vec<Row> {
    let kept = base.iter().filter(|row| !left_out.contains(&row.key));
    let mut rows: Vec<Row> = kept
        .map(|row| *changed.iter().find(|c| c.key == row.key).unwrap_or(row))
        .collect();
    let is_new = |row: &&Row| base.iter().all(|other| other.key != row.key);
    rows.extend(changed.iter().filter(is_new));
    rows.splice(3..3, added.iter().copied());
    rows
}
