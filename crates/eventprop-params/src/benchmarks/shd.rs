//! Parameters of the spoken-word benchmarks, SHD and SSC: one table, three defaults apart.

use std::sync::LazyLock;

use crate::row::{Kind, Row};
// The table names most rows; a list of them would be the table again.
#[allow(clippy::wildcard_imports)]
use super::rows::*;
#[allow(clippy::wildcard_imports)]
use super::rows_binned::*;

const DATA_SET: Row = Row::new(
    "DATA_SET",
    Kind::Choice(&["SHD", "SSC", "synthetic"]),
    "Heidelberg digits, Speech Commands, or samples in the shape of SHD that the program makes itself",
)
.aliases(&["DATASET"]);

/// The table of SHD.
pub static ROWS: &[Row] = &[
    NAME,
    OUT_DIR,
    DEBUG_HIDDEN_N,
    DATA_SET.default("SHD"),
    MODEL_SEED
        .meaning("seed of initial weights, drawn time constants, input dropout, noise and withheld spikes; without one it is drawn, printed and stored"),
    TRAIN_DATA_SEED
        .meaning("seed of the split, of the order in every epoch and of augmentation; of the samples with DATA_SET=synthetic"),
    TEST_DATA_SEED.meaning("seed of the draws for test samples (BALANCE_EVAL_CLASSES, NORMALISE_SPIKE_NUMBER)"),
    DT_MS.default("1.0"),
    TRIAL_MS
        .default("1400.0")
        .meaning("length of a trial; rounded to whole time steps, and later spikes are cut off"),
    RESCALE_T,
    RESCALE_X,
    MERGE_SPIKES,
    N_MAX_SPIKE.default("1500"),
    N_BATCH,
    N_TRAIN
        .default("7644")
        .meaning("training samples at most; with blend among AUGMENTATION the samples of an epoch. train_test takes the whole training file"),
    N_VALIDATE
        .default("512")
        .meaning("validation samples with EVALUATION=random; 0 for no validation with any EVALUATION"),
    Row::new("N_TEST", Kind::OptionalInt { min: 1 }, "test samples at most, the first of the file; none for all"),
    N_EPOCH.default("100"),
    N_FOLDS_OR_SPEAKERS,
    SHUFFLE,
    EVALUATION,
    SPEAKER_LEFT,
    REDUCED_CLASSES,
    AUGMENTATION,
    BALANCE_TRAIN_CLASSES,
    BALANCE_EVAL_CLASSES,
    NUM_INPUT,
    NUM_HIDDEN.default("256"),
    NUM_OUTPUT,
    N_HID_LAYER,
    RECURRENT,
    N_INPUT_DELAY,
    INPUT_DELAY,
    HIDDEN_NEURON_TYPE,
    OUTPUT_NEURON_TYPE,
    TAU_SYN,
    TAU_MEM,
    V_THRESH,
    V_RESET,
    TAU_B,
    B_INCR,
    B_INIT,
    INPUT_HIDDEN_MEAN.default("0.02"),
    INPUT_HIDDEN_STD.default("0.01"),
    HIDDEN_OUTPUT_MEAN.default("0.0"),
    HIDDEN_OUTPUT_STD.default("0.3"),
    HIDDEN_HIDDEN_MEAN.default("0.0"),
    HIDDEN_HIDDEN_STD.default("0.02"),
    HIDDEN_HIDDENFWD_MEAN.default("0.02"),
    HIDDEN_HIDDENFWD_STD.default("0.01"),
    PDROP_INPUT.default("0.1"),
    PDROP_HIDDEN,
    HIDDEN_NOISE,
    REG_TYPE,
    LBD_UPPER.default("2e-9"),
    LBD_LOWER.default("2e-9"),
    NU_UPPER.default("14.0"),
    RHO_UPPER.default("10000.0"),
    GLB_UPPER.default("1e-8"),
    AVG_SNSUM,
    REWIRE_SILENT,
    REWIRE_LIFT,
    REWIRE_LIFT_ALL,
    LOSS_TYPE.default("sum_weigh_exp"),
    LOSS_SCALE,
    LABEL_SMOOTHING,
    TAU_0.default("1.0"),
    TAU_1.default("100.0"),
    ALPHA.default("5e-5"),
    TAU_ACCUMULATOR,
    SOLVER.default("grid"),
    GRAZING,
    OPTIMIZER,
    ETA.default("1e-3"),
    ADAM_BETA1,
    ADAM_BETA2,
    ADAM_EPS,
    ADAM_CLIP,
    WEIGHT_DECAY,
    AVERAGE_EPOCHS,
    ETA_COURSE,
    ETA_RELATIVE,
    LR_EASE_IN_FACTOR.default("1.05"),
    ETA_FAC.default("0.5"),
    MIN_EPOCH_ETA_FIXED,
    EMA_ALPHA1,
    EMA_ALPHA2,
    EMA_WHICH,
    TRAIN_TAU,
    TRAIN_TAU_OUTPUT,
    MIN_TAU_M,
    MIN_TAU_SYN,
    TRAIN_W,
    TRAIN_W_OUTPUT,
    CHECKPOINT,
    CHECKPOINT_BEST,
    SELECT_ON_TEST,
    FINAL_TEST,
    CHECKPOINT_NAME,
    LOAD_LAST,
    LOAD_BEST,
    W_OUTPUT_EPOCH_TRIAL,
    TAU_OUTPUT_EPOCH_TRIAL,
    REC_SPIKES,
    REC_SPIKES_EPOCH_TRIAL,
    REC_NEURONS,
    REC_NEURONS_EPOCH_TRIAL,
    REC_SYNAPSES,
    REC_SYNAPSES_EPOCH_TRIAL,
    REC_SAMPLES,
    REC_NEURON_IDS,
    REC_FORMAT,
    COLLECT_CONFUSION,
    REC_PREDICTIONS,
    WRITE_TO_DISK,
    CHECKPOINT_EVERY,
    TRAINING_PLOT,
    TRAINING_PLOT_INTERVAL,
    PROFILE,
    TEST_ST_INTEGRITY,
    DATA_BUFFER_NAME,
    BUILD,
    TIMING,
    CUDA_VISIBLE_DEVICES,
    SPK_REC_STEPS,
];

/// The table of SSC, which has a validation set of its own.
pub static SSC_ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let row = |row: &Row| match row.key {
        "DATA_SET" => row.default("SSC"),
        "EVALUATION" => row.default("validation_set"),
        "N_TRAIN" => row.default("75466"),
        _ => *row,
    };
    ROWS.iter().map(row).collect()
});
